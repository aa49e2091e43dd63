//! The discrete Bayesian network by index: factors, tables and exact queries.

pub mod factor;
pub mod network;
pub mod order;
pub mod propagate;
pub mod query;
pub mod tree;

pub use factor::Factor;
pub use network::Network;
