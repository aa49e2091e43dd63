//! Developments with names resolved to indices and dates to days: the evidence of one unit.

use super::condition::Condition;
use super::model::Variable;

/// What was counted of an events indicator.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// The times of the events, sorted.
    Times(Vec<f64>),
    /// How many there were.
    Count(usize),
}

/// One piece of evidence; times in days since the origin.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// The condition held at `time`: weight `hit` where it does, `miss` where it does not. Conditions of drivers alone too.
    State { time: f64, when: Condition, hit: f64, miss: f64 },
    /// A likelihood over the states of a driver or the rungs of a ladder at `time`.
    Soft { time: f64, of: Variable, weights: Vec<f64> },
    /// A likelihood over the values of a status indicator at `time`.
    Status { time: f64, status: usize, weights: Vec<f64> },
    /// A status indicator's number at `time`.
    Measured { time: f64, status: usize, value: f64 },
    /// The ladder moved exactly at `time`; `false_rate` (per day) is φ.
    Move { time: f64, ladder: usize, from: usize, to: usize, hit: f64, false_rate: f64 },
    /// The condition held (with `entered`: became true) at some time in [start, end], or never: the two weights.
    Window { start: f64, end: f64, when: Condition, entered: bool, happened: f64, never: f64 },
    /// Events of an indicator over [start, end] at intensity hit·λ + false_rate.
    Events { start: f64, end: f64, events: usize, record: Record, hit: f64, false_rate: f64 },
    /// A state or a window whose two weights depend on the state of a driver: one for each, alike but for these.
    Trusted { driver: usize, each: Vec<Evidence> },
}

impl Evidence {
    /// What it says, whoever is to be trusted.
    pub fn plain(&self) -> &Evidence {
        match self {
            Evidence::Trusted { each, .. } => each.first().map_or(self, Evidence::plain),
            other => other,
        }
    }
}

/// One development: its evidence, and when it became known.
#[derive(Debug, Clone, PartialEq)]
pub struct Development {
    pub id: String,
    /// Days since the origin.
    pub reported: f64,
    pub evidence: Evidence,
}

/// The developments that were reported by `as_of`, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub struct Dossier {
    /// Days since the origin (24:00 of the day): the questions' now.
    pub as_of: f64,
    pub developments: Vec<Development>,
    /// Ids of developments reported later than `as_of`, left out.
    pub left_out: Vec<String>,
}
