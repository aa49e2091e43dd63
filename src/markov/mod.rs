//! Markov processes in continuous time: joint spaces, labelled generators, monitors, and what carries a vector through time.

pub mod dense;
pub mod density;
pub mod field;
pub mod flow;
pub mod hidden;
pub mod hidden_fit;
pub mod hidden_start;
pub mod monitor;
pub mod outcome;
pub mod poisson;
pub mod space;
pub mod stencil;
pub mod tick;
pub mod tick_log;

pub use field::Field;
pub use flow::{Counter, Drain, Flow, Tally};
pub use monitor::{Automaton, Open};
pub use space::Space;
pub use stencil::{Arc, NO_LABEL, Stencil};
