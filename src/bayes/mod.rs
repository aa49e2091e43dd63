//! The discrete Bayesian network by index: factors, tables, exact queries, and the formats it is kept in.

pub mod contradiction;
pub mod cpd;
pub mod engine;
pub mod factor;
pub mod formats;
pub mod named;
pub mod network;
pub mod order;
pub mod propagate;
pub mod query;
pub mod row;
pub mod tree;
pub mod understand;

pub use engine::Engine;
pub use factor::Factor;
pub use named::BayesNet;
pub use network::Network;
pub use propagate::Finding;
