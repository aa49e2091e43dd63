//! The discrete Bayesian network by index: factors, tables, exact queries, and the formats it is kept in.

pub mod eliminate;
pub mod factor;
pub mod formats;
pub mod network;
pub mod row;

pub use factor::Factor;
pub use network::Network;
