//! θ: the free numbers of a model as one unconstrained vector, their priors there, and the way back.

use super::parameter::{Parameters, Prior, RealPrior, RowPrior};
use crate::ground::density;
use statrs::function::gamma::ln_gamma;

/// Every number of a model at one θ, fixed ones included.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    pub positives: Vec<f64>,
    pub rows: Vec<Vec<f64>>,
    pub reals: Vec<f64>,
}

/// Expected statistics by parameter: ∂ log-evidence / ∂ ln x of each positive, the expected counts of each row, and
/// ∂ log-evidence / ∂ x of each real.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    pub positives: Vec<f64>,
    pub rows: Vec<Vec<f64>>,
    pub reals: Vec<f64>,
}

impl Statistics {
    /// Zero for every parameter.
    pub fn zero(parameters: &Parameters) -> Self {
        Statistics {
            positives: vec![0.0; parameters.positives.len()],
            rows: parameters.rows.iter().map(|row| vec![0.0; row.value.len()]).collect(),
            reals: vec![0.0; parameters.reals.len()],
        }
    }

    /// Adds `weight` times another set of statistics.
    pub fn add(&mut self, other: &Statistics, weight: f64) {
        self.positives.iter_mut().zip(&other.positives).for_each(|(a, b)| *a += weight * b);
        self.reals.iter_mut().zip(&other.reals).for_each(|(a, b)| *a += weight * b);
        for (a, b) in self.rows.iter_mut().zip(&other.rows) {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += weight * b);
        }
    }
}

/// A number of a model, by its index among its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Positive(usize),
    Row(usize),
    Real(usize),
}

/// The entries of a row that have a logit, and the reference entry: the last that is not zero.
fn logits(row: &[f64]) -> (Vec<usize>, usize) {
    let mut support: Vec<usize> = (0..row.len()).filter(|&k| row[k] > 0.0).collect();
    let reference = support.pop().unwrap_or(0);
    (support, reference)
}

impl Parameters {
    /// Names of the coordinates of θ.
    pub fn coordinates(&self) -> Vec<String> {
        let mut names: Vec<String> = self.free_positives().map(|p| format!("ln {}", self.positives[p].name)).collect();
        for r in self.free_rows() {
            let row = &self.rows[r];
            let (support, reference) = logits(&row.value);
            names.extend(
                support.iter().map(|&k| format!("ln {}: {} / {}", row.name, row.states[k], row.states[reference])),
            );
        }
        names.extend(self.free_reals().map(|r| self.reals[r].name.clone()));
        names
    }

    /// Positives that are coordinates of θ.
    pub fn free_positives(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.positives.len()).filter(|&p| self.positives[p].prior != Prior::Fixed)
    }

    /// Rows that are coordinates of θ.
    pub fn free_rows(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rows.len())
            .filter(|&r| self.rows[r].prior != RowPrior::Fixed && !logits(&self.rows[r].value).0.is_empty())
    }

    /// Reals that are coordinates of θ.
    pub fn free_reals(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.reals.len()).filter(|&r| self.reals[r].prior != RealPrior::Fixed)
    }

    /// The number that each coordinate of θ belongs to.
    pub fn owners(&self) -> Vec<Number> {
        let mut owners: Vec<Number> = self.free_positives().map(Number::Positive).collect();
        for r in self.free_rows() {
            owners.extend(std::iter::repeat_n(Number::Row(r), logits(&self.rows[r].value).0.len()));
        }
        owners.extend(self.free_reals().map(Number::Real));
        owners
    }

    /// Whether each coordinate of θ has a flat prior.
    pub fn flat(&self) -> Vec<bool> {
        let mut flat: Vec<bool> = self.free_positives().map(|p| self.positives[p].prior == Prior::Flat).collect();
        for r in self.free_rows() {
            let width = logits(&self.rows[r].value).0.len();
            flat.extend(std::iter::repeat_n(self.rows[r].prior == RowPrior::Flat, width));
        }
        flat.extend(self.free_reals().map(|r| self.reals[r].prior == RealPrior::Flat));
        flat
    }

    /// Which numbers can be other than 0 at some θ: 1 for a positive, equal shares for the entries of a row; reals as they
    /// stand.
    pub fn support(&self) -> Values {
        let share = |row: &Vec<f64>| {
            let entries = row.iter().filter(|p| **p > 0.0).count() as f64;
            row.iter().map(|p| if *p > 0.0 { 1.0 / entries } else { 0.0 }).collect()
        };
        Values {
            positives: self.positives.iter().map(|p| if p.value > 0.0 { 1.0 } else { 0.0 }).collect(),
            rows: self.rows.iter().map(|row| share(&row.value)).collect(),
            reals: self.reals.iter().map(|r| r.value).collect(),
        }
    }

    /// Every number as it stands: fixed, the prior's mode, or where a search begins.
    pub fn standing(&self) -> Values {
        Values {
            positives: self.positives.iter().map(|p| p.value).collect(),
            rows: self.rows.iter().map(|r| r.value.clone()).collect(),
            reals: self.reals.iter().map(|r| r.value).collect(),
        }
    }

    /// θ at the prior modes (starting values where the prior is flat).
    pub fn start(&self) -> Vec<f64> {
        self.theta(&self.standing())
    }

    /// θ of these values.
    pub fn theta(&self, values: &Values) -> Vec<f64> {
        let mut theta: Vec<f64> = self.free_positives().map(|p| values.positives[p].ln()).collect();
        for r in self.free_rows() {
            let (support, reference) = logits(&self.rows[r].value);
            let row = &values.rows[r];
            theta.extend(support.iter().map(|&k| (row[k] / row[reference]).ln()));
        }
        theta.extend(self.free_reals().map(|r| values.reals[r]));
        theta
    }

    /// Every number at θ.
    pub fn values(&self, theta: &[f64]) -> Values {
        let mut values = self.standing();
        let mut coordinates = theta.iter().copied();
        for p in self.free_positives() {
            values.positives[p] = coordinates.next().map_or(f64::NAN, f64::exp);
        }
        for r in self.free_rows() {
            let (support, reference) = logits(&self.rows[r].value);
            let z: Vec<f64> = support.iter().map(|_| coordinates.next().unwrap_or(f64::NAN)).collect();
            let top = z.iter().fold(0.0, |top: f64, &z| top.max(z));
            let total = (-top).exp() + z.iter().map(|z| (z - top).exp()).sum::<f64>();
            values.rows[r][reference] = (-top).exp() / total;
            for (&k, z) in support.iter().zip(&z) {
                values.rows[r][k] = (z - top).exp() / total;
            }
        }
        for r in self.free_reals() {
            values.reals[r] = coordinates.next().unwrap_or(f64::NAN);
        }
        values
    }

    /// The gradient of the log-evidence in θ, from the expected statistics at these values.
    pub fn gradient(&self, values: &Values, statistics: &Statistics) -> Vec<f64> {
        let mut gradient: Vec<f64> = self.free_positives().map(|p| statistics.positives[p]).collect();
        for r in self.free_rows() {
            let (support, _) = logits(&self.rows[r].value);
            let counts = &statistics.rows[r];
            let total: f64 = counts.iter().sum();
            gradient.extend(support.iter().map(|&k| counts[k] - total * values.rows[r][k]));
        }
        gradient.extend(self.free_reals().map(|r| statistics.reals[r]));
        gradient
    }

    /// Log density of the priors at θ and its gradient; a flat prior adds nothing.
    pub fn log_prior(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let values = self.values(theta);
        let mut log = 0.0;
        let mut gradient = Vec::with_capacity(theta.len());
        for p in self.free_positives() {
            let x = values.positives[p];
            match &self.positives[p].prior {
                Prior::LogNormal { mean, sd } => {
                    let z = (x.ln() - mean) / sd;
                    log -= 0.5 * z * z + sd.ln() + 0.5 * std::f64::consts::TAU.ln();
                    gradient.push(-z / sd);
                }
                Prior::Gamma { shape, exposure } => {
                    log += shape * (x * exposure).ln() - x * exposure - ln_gamma(*shape);
                    gradient.push(shape - x * exposure);
                }
                Prior::Flat | Prior::Fixed => gradient.push(0.0),
            }
        }
        for r in self.free_rows() {
            let row = &self.rows[r];
            let (support, reference) = logits(&row.value);
            let RowPrior::Dirichlet { worth } = row.prior else {
                gradient.extend(support.iter().map(|_| 0.0));
                continue;
            };
            log += ln_gamma(worth);
            for &k in support.iter().chain([&reference]) {
                let alpha = worth * row.value[k];
                log += alpha * values.rows[r][k].ln() - ln_gamma(alpha);
            }
            gradient.extend(support.iter().map(|&k| worth * (row.value[k] - values.rows[r][k])));
        }
        for r in self.free_reals() {
            let RealPrior::Normal { mean, sd } = self.reals[r].prior else {
                gradient.push(0.0);
                continue;
            };
            log += density::normal(values.reals[r], mean, sd);
            // The density is the same function of what is drawn and of minus its mean.
            gradient.push(-density::normal_slopes(values.reals[r], mean, sd)[0]);
        }
        (log, gradient)
    }
}
