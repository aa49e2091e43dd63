//! The discrete Bayesian network by index: factors, tables and exact queries.

pub mod eliminate;
pub mod factor;
pub mod network;

pub use factor::Factor;
pub use network::Network;
