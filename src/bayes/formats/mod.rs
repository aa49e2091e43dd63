//! Files that hold a Bayesian network: read with every mistake at its line and column, and written.

pub mod bif;
