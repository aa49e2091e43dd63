//! A panel's table as it crosses the boundary: codes instead of names, one entry a row.

/// One ladder's column.
#[derive(Debug, Clone, Default)]
pub struct RungColumn {
    pub ladder: String,
    /// A rung's index, −1 for nothing seen, or the number of rungs plus the index of a set.
    pub codes: Vec<i64>,
    /// Sets of rungs that one value stands for.
    pub sets: Vec<Vec<usize>>,
}

/// One status indicator's column: the index of a value, −1 for nothing seen; or numbers, NaN for nothing seen.
#[derive(Debug, Clone, Default)]
pub struct StatusColumn {
    pub status: String,
    pub codes: Vec<i64>,
    pub numbers: Vec<f64>,
}

/// One covariate's column: its number, or the index of its level.
#[derive(Debug, Clone, Default)]
pub struct CovariateColumn {
    pub name: String,
    pub values: Vec<f64>,
}

/// One driver's column: the index of its state, −1 for nothing known; the same in all rows of a unit that know it.
#[derive(Debug, Clone, Default)]
pub struct DriverColumn {
    pub driver: String,
    pub codes: Vec<i64>,
}

/// The table: one entry a row in each column; a unit's rows in the order of time.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// What the units are called.
    pub units: Vec<String>,
    /// The unit of each row.
    pub unit: Vec<usize>,
    /// When, on the panel's clock.
    pub time: Vec<f64>,
    /// Days in a unit of the clock.
    pub tick: f64,
    /// The weight of each unit; empty: 1.
    pub weights: Vec<f64>,
    pub rungs: Vec<RungColumn>,
    pub statuses: Vec<StatusColumn>,
    pub covariates: Vec<CovariateColumn>,
    pub drivers: Vec<DriverColumn>,
    /// Time is in days since the model's origin.
    pub dated: bool,
    /// Rows that lack a covariate which an interval needs are left out, and counted.
    pub drop: bool,
    /// The likelihood of each unit by itself is wanted: what units share is not put together.
    pub each: bool,
    /// Rungs (of a ladder) whose first sight in a unit is the instant of entry, from a rung not known.
    pub entered: Vec<(String, Vec<usize>)>,
    /// Rows whose rung was entered at that very time, and none between; empty: none.
    pub moved: Vec<bool>,
}
