//! Event intensities under observation: silence drains a flow, a counted event lifts its level.

use super::field::Field;
use super::space::Space;

/// An event intensity under observation: it drains the flow (silence is evidence), or, with a counter, lifts its level.
#[derive(Debug, Clone, Copy)]
pub struct Drain<'a> {
    pub label: &'a Field<u32>,
    pub counter: Option<Counter>,
}

/// A counting monitor of a flow. Level k is carried times `tilt`ᵏ: where far more or fewer events are counted than are
/// expected, a tilt of counted over expected keeps the level that counts from underflowing.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    /// Distance between neighbouring levels in the level index.
    pub stride: usize,
    pub levels: usize,
    pub tilt: f64,
    /// Whether a full counter keeps what would lift it (its last level stands for more as well); else that is gone.
    pub keeps: bool,
}

impl Counter {
    pub(super) fn full(&self, level: usize) -> bool {
        level / self.stride % self.levels + 1 == self.levels
    }
}

/// A drain's intensities at each point, per day. With c the tilt (0 without a counter) the generator has −λ on its
/// diagonal and c λ for a lift; `shift` is taken out of the diagonal so that little leaks.
pub(super) struct Drained {
    /// c λ.
    pub lift: Vec<f64>,
    /// What more leaves: (1 − c)(λ − its smallest value) or, for c > 1, (c − 1)(its largest value − λ).
    pub leak: Vec<f64>,
    pub shift: f64,
}

impl Drained {
    pub fn new(drain: &Drain<'_>, rates: &[f64], space: &Space) -> Self {
        let tilt = drain.counter.map_or(0.0, |counter| counter.tilt);
        let mut own = vec![0.0; space.len()];
        drain.label.runs(space, |start, end, index| {
            own[start..end].fill(rates[drain.label.table()[index] as usize]);
        });
        let base = match tilt > 1.0 {
            true => own.iter().fold(0.0, |most: f64, &rate| most.max(rate)),
            false => own.iter().fold(f64::INFINITY, |least: f64, &rate| least.min(rate)),
        };
        Drained {
            lift: own.iter().map(|rate| tilt * rate).collect(),
            leak: own.iter().map(|rate| (1.0 - tilt) * (rate - base)).collect(),
            shift: (tilt - 1.0) * base,
        }
    }
}
