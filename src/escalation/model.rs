//! The model with names resolved to indices: drivers, ladders, indicators and the numbers that they share.

use super::condition::Condition;
use super::law::Cell;
use super::parameter::{Parameters, Provenance};
use super::phase::Phases;
use super::question::Question;

/// A driver: a discrete variable of the Bayesian network.
#[derive(Debug, Clone, PartialEq)]
pub struct Driver {
    pub name: String,
    pub states: Vec<String>,
    /// Indices of drivers; the table's last parent varies fastest.
    pub parents: Vec<usize>,
    /// Index into `Parameters::rows`, one for each configuration of the parents.
    pub rows: Vec<usize>,
    /// Of a panel's units.
    pub covariates: Vec<StatusCovariate>,
}

/// One possible move of a ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    pub from: usize,
    pub to: usize,
    /// Index into `Parameters::positives`.
    pub rate: usize,
}

/// A factor on some moves of its ladder while a condition holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    pub when: Condition,
    /// Indices into the ladder's `moves`.
    pub moves: Vec<usize>,
    /// Index into `Parameters::positives`.
    pub factor: usize,
}

/// What a covariate's value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// A number.
    Number,
    /// One of these levels; the first is the one that the others are compared with.
    Levels(Vec<String>),
    /// The clock itself, cut at these times (days, ascending, for a clock of days).
    Clock(Vec<f64>),
}

/// One ratio of a covariate: a number's for one more unit, or that of a level (a period) against the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The level or period; 0 for a number.
    pub level: usize,
    /// Indices into the ladder's `moves`.
    pub moves: Vec<usize>,
    /// Index into `Parameters::positives`.
    pub ratio: usize,
}

/// What a unit has at a time, and what it does to the intensities: each is multiplied by ratio^value.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariate {
    pub name: String,
    pub scale: Scale,
    /// While it holds.
    pub when: Condition,
    pub terms: Vec<Term>,
}

/// Where the first rung's law comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum First {
    /// As it stands.
    Given(Vec<f64>),
    /// A table over drivers: `rows` are indices into `Parameters::rows`, one for each configuration of `parents`, the last
    /// fastest.
    Table { parents: Vec<usize>, rows: Vec<usize> },
    /// The law that the intensities keep, jointly over the ladders that effects link.
    Equilibrium,
}

/// A Markov process over rungs in continuous time.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    pub name: String,
    pub rungs: Vec<String>,
    /// The stages of its rungs.
    pub phases: Phases,
    pub ordered: bool,
    /// Law of the first rung at the origin.
    pub first: First,
    pub moves: Vec<Move>,
    pub effects: Vec<Effect>,
    /// Of a panel's units.
    pub covariates: Vec<Covariate>,
}

/// A parent of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    Driver(usize),
    Ladder(usize),
}

/// One coefficient of an indicator's, or a driver's, covariate: a number's for one more unit, or that of a level against the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Addend {
    /// The level; 0 for a number.
    pub level: usize,
    /// The configuration of the parents.
    pub config: usize,
    /// The entry of the row; 0 for an indicator's number.
    pub entry: usize,
    /// Index into `Parameters::reals`.
    pub coefficient: usize,
}

/// What a unit has at a time, and what it adds to an indicator: to the mean of a number (of a count or a log-normal: to its
/// logarithm), or to the logarithm of an entry of a row, of a driver's row as well, over its reference entry.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusCovariate {
    pub name: String,
    /// A number or levels.
    pub scale: Scale,
    pub terms: Vec<Addend>,
}

/// An indicator with a value at a date: one of its states, or a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub name: String,
    /// Empty for a number.
    pub states: Vec<String>,
    pub parents: Vec<Variable>,
    /// Index into `Parameters::rows`, one for each configuration of the parents, the last fastest; empty for a number.
    pub rows: Vec<usize>,
    /// A number's law in each configuration, `None` where it is never shown; empty for states.
    pub cells: Vec<Option<Cell>>,
    /// Of a panel's units.
    pub covariates: Vec<StatusCovariate>,
}

/// An indicator that happens at an intensity.
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    pub name: String,
    pub parents: Vec<Variable>,
    /// Index into `Parameters::positives`, one for each configuration of the parents, the last fastest.
    pub rates: Vec<usize>,
}

/// A judgement about an answer: the logit of its probability is normal.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub question: Question,
    /// Of the logit.
    pub mean: f64,
    pub sd: f64,
    /// How it was judged: "unlikely", "0.1 (spread 2)".
    pub words: String,
    /// The end of the day on which it was judged, days since the origin; `None`: the dossier's date.
    pub known: Option<f64>,
    pub provenance: Provenance,
}

/// The model, checked: every index is in range, rows sum to 1, the drivers' graph has no cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub name: String,
    /// ISO date of t = 0; empty for a model whose time is a panel's clock.
    pub origin: String,
    pub drivers: Vec<Driver>,
    pub ladders: Vec<Ladder>,
    pub statuses: Vec<Status>,
    pub events: Vec<Events>,
    pub expectations: Vec<Expectation>,
    pub parameters: Parameters,
}
