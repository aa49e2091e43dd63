//! Markov processes in continuous time: joint spaces, labelled generators, monitors, and what carries a vector through time.

pub mod bundle;
pub mod dense;
pub mod exponential;
pub mod field;
pub mod flow;
pub mod monitor;
pub mod poisson;
pub mod space;
pub mod stencil;

pub use bundle::Bundle;
pub use exponential::Exponential;
pub use field::Field;
pub use flow::{Counter, Drain, Flow, Tally};
pub use monitor::{Automaton, Open};
pub use space::Space;
pub use stencil::{Arc, NO_LABEL, Stencil};
