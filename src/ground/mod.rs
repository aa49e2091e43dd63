//! Ground: errors, dates, words, limits and random streams that every storey stands on.

pub mod control;
pub mod density;
pub mod error;
pub mod limits;
pub mod names;
pub mod random;
pub mod time;
pub mod words;

pub use control::Control;
pub use error::{Error, Place, Result};
