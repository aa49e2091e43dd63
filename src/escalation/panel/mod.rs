//! Panels: many units' evidence for the same ladders, seen now and then (Kalbfleisch and Lawless 1985; Jackson 2011).
//!
//! A table's rows become groups (one generator, one length), counts of what was seen at both ends of a group, and chains of
//! operators where something is hidden; the likelihood and its score are sums over these.

pub mod ask;
pub mod certificate;
pub mod chain;
pub mod classes;
pub mod columns;
pub mod compile;
mod first;
pub mod fit;
mod folded;
pub mod given;
pub mod likelihood;
pub mod mixture;
mod outcomes;
mod pack;
pub mod paths;
pub mod profiles;
pub mod shown;
pub mod start;
pub mod structure;
mod walk;

pub use columns::Columns;
pub use compile::Panel;
pub use fit::PanelFit;
