//! The numbers of a model: what each is called, what it starts from, its prior, and the ground it stands on.

use super::spec::Basis;

/// Prior of a positive number, a density on its logarithm.
#[derive(Debug, Clone, PartialEq)]
pub enum Prior {
    /// Known: not a coordinate of θ.
    Fixed,
    /// Flat on the logarithm.
    Flat,
    /// ln x is normal.
    LogNormal { mean: f64, sd: f64 },
    /// x^shape · exp(−exposure·x) on ln x; exposure in days.
    Gamma { shape: f64, exposure: f64 },
}

/// Prior of a row of probabilities, a density on its logits.
#[derive(Debug, Clone, PartialEq)]
pub enum RowPrior {
    /// Known: not a coordinate of θ.
    Fixed,
    /// Flat on the logits.
    Flat,
    /// Dirichlet with concentrations worth · row.
    Dirichlet { worth: f64 },
}

/// Prior of a number on the whole line.
#[derive(Debug, Clone, PartialEq)]
pub enum RealPrior {
    /// Known: not a coordinate of θ.
    Fixed,
    /// Flat.
    Flat,
    Normal {
        mean: f64,
        sd: f64,
    },
}

/// What a positive number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A baseline intensity, per day.
    Intensity,
    /// A factor on intensities.
    Factor,
    /// An event intensity, per day.
    EventRate,
    /// The mean of a count.
    Count,
    /// A standard deviation.
    Sd,
    /// The size of a negative binomial.
    Size,
    /// Degrees of freedom.
    Freedom,
}

impl Kind {
    /// What a reader calls it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Intensity => "intensity",
            Kind::Factor => "factor",
            Kind::EventRate => "event rate",
            Kind::Count => "mean",
            Kind::Sd => "sd",
            Kind::Size => "size",
            Kind::Freedom => "degrees of freedom",
        }
    }

    /// Whether it is per day.
    pub fn is_rate(self) -> bool {
        matches!(self, Kind::Intensity | Kind::EventRate)
    }
}

/// What a number on the whole line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealKind {
    /// The mean of an indicator's number (of a log-normal's logarithm).
    Mean,
    /// What one more unit of a covariate adds.
    Coefficient,
}

impl RealKind {
    /// What a reader calls it.
    pub fn word(self) -> &'static str {
        match self {
            RealKind::Mean => "mean",
            RealKind::Coefficient => "coefficient",
        }
    }
}

/// How a number without a value is judged: a panel finds where its search begins.
pub const UNSET: &str = "free";

/// Who says a number, and when.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    pub source: Option<String>,
    pub known: Option<String>,
    pub basis: Option<Basis>,
    pub note: Option<String>,
}

/// A positive number: an intensity (per day) or a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Positive {
    /// As a reader would call it: "peninsula: up", "peninsula: up × (restraint = weak)", "missile_tests | war".
    pub name: String,
    pub kind: Kind,
    /// The prior's mode on the log (or the fixed or starting value).
    pub value: f64,
    pub prior: Prior,
    /// How it was judged, in the user's words: "unlikely within 1 year", "2 (spread 1.5)", "3 events over 10 years".
    pub words: String,
    pub provenance: Provenance,
}

/// A row of a table: probabilities that sum to 1; zeros are structural.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// "restraint | us_policy = settlement".
    pub name: String,
    /// The names of the row's entries.
    pub states: Vec<String>,
    pub value: Vec<f64>,
    pub prior: RowPrior,
    pub provenance: Provenance,
}

/// A number on the whole line.
#[derive(Debug, Clone, PartialEq)]
pub struct Real {
    /// "fev: mean | none", "fev | none: + (acute)".
    pub name: String,
    pub kind: RealKind,
    /// The prior's mean (or the fixed or starting value).
    pub value: f64,
    pub prior: RealPrior,
    /// A natural step of a flat one: the standard deviation of what it is the mean of.
    pub unit: f64,
    /// How it was judged, in the user's words: "100 (spread 10)".
    pub words: String,
    pub provenance: Provenance,
}

/// All numbers of a model; others refer to them by index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    pub positives: Vec<Positive>,
    pub rows: Vec<Row>,
    pub reals: Vec<Real>,
}
