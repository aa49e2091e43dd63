//! From names to indices: every check of a model, a dossier and questions, each error with its entry and path.

mod condition;
mod dossier;
mod first;
mod formula;
mod model;
mod names;
mod numbers;
mod outcome;
mod question;
mod stage;
mod table;

pub(super) use outcome::set_units;

use super::model::Model;
use crate::ground::time::Clock;
use crate::ground::{Error, Result};

/// Where the checks stand: the machine's path and the reader's entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct At {
    path: String,
    entry: String,
}

impl At {
    /// The top of a file.
    fn top() -> Self {
        At::default()
    }

    /// One level down, at a key.
    fn key(&self, key: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        At { path: format!("{}{dot}{key}", self.path), entry: self.entry.clone() }
    }

    /// One level down, at an element of a list.
    fn item(&self, index: usize) -> Self {
        At { path: format!("{}[{index}]", self.path), entry: self.entry.clone() }
    }

    /// The same place under a reader's name.
    fn called(mut self, entry: impl Into<String>) -> Self {
        self.entry = entry.into();
        self
    }

    /// The error that stands here.
    fn wrong(&self, message: impl Into<String>) -> Error {
        Error::spec(self.path.as_str(), self.entry.as_str(), message)
    }

    /// The error of a check that does not know its place, put here.
    fn put<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|e| e.at(&self.path, &self.entry))
    }

    /// The model's calendar.
    fn calendar(&self, model: &Model) -> Result<Clock> {
        self.need(!model.origin.is_empty(), || {
            "the model has no origin, so that it has no dates; expected one".into()
        })?;
        self.put(Clock::new(&model.origin))
    }

    /// Refuses with the message unless `good`.
    fn need(&self, good: bool, message: impl FnOnce() -> String) -> Result<()> {
        if good { Ok(()) } else { Err(self.wrong(message())) }
    }
}

/// An entry's name for a reader, by its number (from 1) where it has no name.
fn named(kind: &str, name: &str, index: usize) -> String {
    if name.trim().is_empty() { format!("{kind} {}", index + 1) } else { format!("{kind} '{name}'") }
}
