//! A long computation's way to be stopped and watched.

use super::error::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Shared between the thread that computes and the one that waits.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Control {
    /// Asks the computation to stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// # Errors
    /// `Interrupted` once somebody asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.stopped() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Announces so many units of work to come.
    pub fn announce(&self, units: usize) {
        self.total.fetch_add(units, Ordering::Relaxed);
    }

    /// One unit of work is done.
    pub fn tick(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Share of the announced work that is done, in [0, 1].
    pub fn progress(&self) -> f64 {
        let total = self.total.load(Ordering::Relaxed).max(1);
        (self.done.load(Ordering::Relaxed) as f64 / total as f64).min(1.0)
    }
}
