//! Markov processes: generators, joint spaces, monitors, what carries a vector through time, chains in discrete time.

pub mod bundle;
pub mod chain;
pub mod classes;
pub mod dense;
pub mod density;
pub mod elimination;
pub mod exponential;
pub mod field;
pub mod flow;
pub mod gather;
pub mod generator;
pub mod hidden;
pub mod hidden_fit;
pub mod hidden_start;
pub mod hitting;
pub mod krylov;
pub mod monitor;
pub mod outcome;
pub mod poisson;
pub mod simulate;
pub mod space;
pub mod stationary;
pub mod stencil;
pub mod tick;
pub mod tick_log;
pub mod transient;

pub use bundle::Bundle;
pub use exponential::Exponential;
pub use field::Field;
pub use flow::{Counter, Drain, Flow, Tally};
pub use generator::Generator;
pub use monitor::{Automaton, Open};
pub use space::Space;
pub use stencil::{Arc, NO_LABEL, Stencil};
