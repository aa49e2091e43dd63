//! Outcome families of hidden chains: likelihoods by state, expected statistics, and what they say about the parameters.
//!
//! Categories and counts are looked up: a row of likelihoods for each value that occurs, none for each step. Real outcomes
//! are weighed as they pass. A missing value has likelihood 1; of a full Gaussian's row the dimensions that are there
//! count, and those that are not enter the statistics by their conditional moments, so that EM stays exact (Little and
//! Rubin 2002, section 11.2).

use super::density::{Full, add_diagonal, add_full, add_table, moments_diagonal, moments_full, sum_codes};
use super::negative_binomial::Counted;
use super::tick::width;
use crate::ground::{Error, Result, density};
use nalgebra::{Cholesky, DMatrix, Dyn, SymmetricEigen};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson, StandardNormal};
use serde::{Deserialize, Serialize};

/// A column of the outcomes, all sequences one after the other.
#[derive(Debug, Clone)]
pub enum Column {
    /// Categories or counts by number of their value; a missing one has the number of values.
    Codes { codes: Vec<u32>, values: Vec<f64> },
    /// Rows of `dims` numbers, NaN where missing; `patterns` are the sets of missing dimensions that occur, `pattern` each
    /// row's.
    Reals { rows: Vec<f64>, dims: usize, patterns: Vec<Vec<usize>>, pattern: Vec<u32> },
}

impl Column {
    /// Codes of values.
    pub fn codes(codes: Vec<u32>, values: Vec<f64>) -> Self {
        Column::Codes { codes, values }
    }

    /// Rows of `dims` numbers.
    pub fn reals(rows: Vec<f64>, dims: usize) -> Self {
        let mut patterns: Vec<Vec<usize>> = vec![vec![]];
        let mut pattern = vec![0; rows.len() / dims.max(1)];
        for (row, number) in rows.chunks_exact(dims.max(1)).zip(&mut pattern) {
            if row.iter().any(|x| x.is_nan()) {
                let missing: Vec<usize> = (0..dims).filter(|&d| row[d].is_nan()).collect();
                let known = patterns.iter().position(|p| *p == missing);
                *number = known.unwrap_or(patterns.len()) as u32;
                if known.is_none() {
                    patterns.push(missing);
                }
            }
        }
        Column::Reals { rows, dims, patterns, pattern }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Codes { codes, .. } => codes.len(),
            Column::Reals { rows, dims, .. } => rows.len() / dims.max(&1),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Laws of one column given the state, by state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Probabilities, a row of `symbols` a state.
    Categorical { symbols: usize, probs: Vec<f64> },
    /// Means.
    Poisson { means: Vec<f64> },
    /// Means μ and sizes r: the variance is μ + μ²/r.
    NegativeBinomial { means: Vec<f64>, sizes: Vec<f64> },
    /// Means, a row of `dims` a state, and variances (`dims` a state) or, where `full`, covariances (`dims`² a state).
    Gaussian { dims: usize, means: Vec<f64>, covariances: Vec<f64>, full: bool },
}

/// What is held about a family before the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prior {
    /// Rows that it is worth: pseudo-counts for each cell of a categorical, rows at `center` for a mean.
    pub worth: f64,
    /// Prior mean, by dimension.
    pub center: Vec<f64>,
    /// Rows that `spread` is worth; of a negative binomial's size the precision of its logarithm.
    pub spread_worth: f64,
    /// Prior variance, by dimension; a negative binomial's prior size.
    pub spread: Vec<f64>,
    /// Least variance, by dimension; of a full covariance the least eigenvalue in units of this.
    pub floor: Vec<f64>,
}

/// Largest size of a negative binomial that is told from a Poisson.
pub const LARGEST_SIZE: f64 = 1e6;
/// Smallest size.
pub const SMALLEST_SIZE: f64 = 1e-3;
const LN_2_PI: f64 = 1.837_877_066_409_345_3;

fn wrong(message: String) -> Error {
    Error::spec("outcome", "", message)
}

impl Family {
    /// Number of states.
    pub fn states(&self) -> usize {
        match self {
            Family::Categorical { symbols, probs } => probs.len() / symbols.max(&1),
            Family::Poisson { means } | Family::NegativeBinomial { means, .. } => means.len(),
            Family::Gaussian { dims, means, .. } => means.len() / dims.max(&1),
        }
    }

    /// Number of free parameters; a probability of 0 is none.
    pub fn free(&self) -> usize {
        match self {
            Family::Categorical { symbols, probs } => {
                probs.chunks_exact(*symbols).map(|row| row.iter().filter(|p| **p > 0.0).count().max(1) - 1).sum()
            }
            Family::Poisson { means } => means.len(),
            Family::NegativeBinomial { means, .. } => 2 * means.len(),
            Family::Gaussian { dims, means, full, .. } => {
                means.len() / dims * (dims + if *full { dims * (dims + 1) / 2 } else { *dims })
            }
        }
    }

    /// # Errors
    /// `Error::Spec` where numbers are no parameters of this family.
    pub fn check(&self) -> Result<()> {
        let k = self.states();
        let positive = |what: &str, numbers: &[f64]| match numbers.iter().position(|x| !x.is_finite() || *x <= 0.0) {
            Some(at) if numbers.len() == k => {
                Err(wrong(format!("the {what} of state {at} is {}; a positive number is expected", numbers[at])))
            }
            None if numbers.len() == k => Ok(()),
            _ => Err(wrong(format!("{} {what}s are given for {k} states", numbers.len()))),
        };
        match self {
            Family::Categorical { symbols, probs } => {
                for (state, row) in probs.chunks(*symbols.max(&1)).enumerate() {
                    let sum: f64 = row.iter().sum();
                    if !row.iter().all(|p| (0.0..=1.0).contains(p)) || (sum - 1.0).abs() > 1e-6 {
                        let message = format!(
                            "the probabilities of state {state} sum to {sum}; numbers from 0 to 1 that sum to 1 within 1e-6 are expected"
                        );
                        return Err(wrong(message));
                    }
                }
                Ok(())
            }
            Family::Poisson { means } => positive("mean", means),
            Family::NegativeBinomial { means, sizes } => positive("mean", means).and_then(|()| positive("size", sizes)),
            Family::Gaussian { dims, means, covariances, full } => {
                let size = if *full { dims * dims } else { *dims };
                if covariances.len() != k * size || means.iter().any(|m| !m.is_finite()) {
                    let message = format!(
                        "{k} states of {dims} dimensions need {} finite means and {} numbers of covariance",
                        k * dims,
                        k * size
                    );
                    return Err(wrong(message));
                }
                let good = |c: &[f64]| match full {
                    true => cholesky(c, *dims).is_some(),
                    false => c.iter().all(|v| v.is_finite() && *v > 0.0),
                };
                match covariances.chunks(size.max(1)).position(|c| !good(c)) {
                    Some(state) => Err(wrong(format!("the covariance of state {state} is not positive definite"))),
                    None => Ok(()),
                }
            }
        }
    }

    /// ln likelihood of each value by state, padded, and a last row of zeros for what is missing.
    fn table(&self, values: &[f64]) -> Vec<f64> {
        let (k, w) = (self.states(), width(self.states()));
        let mut out = vec![f64::NEG_INFINITY; (values.len() + 1) * w];
        for (n, row) in out.chunks_exact_mut(w).enumerate() {
            for (state, into) in row.iter_mut().enumerate().take(k) {
                *into = match (values.get(n), self) {
                    (None, _) => 0.0,
                    (Some(_), Family::Categorical { symbols, probs }) => probs[state * symbols + n].ln(),
                    (Some(&x), Family::Poisson { means }) => density::poisson(x, means[state]),
                    (Some(&x), Family::NegativeBinomial { means, sizes }) => {
                        density::negative_binomial(x, means[state], sizes[state])
                    }
                    (Some(_), Family::Gaussian { .. }) => 0.0,
                };
            }
        }
        out
    }

    /// The parameters that maximise the expected log-likelihood and the prior; a state that nothing was seen of keeps its
    /// own.
    pub fn learn(&mut self, column: &Column, statistics: &[f64], prior: &Prior) {
        let w = width(self.states());
        match (self, column) {
            (Family::Categorical { symbols, probs }, _) => {
                for (state, row) in probs.chunks_exact_mut(*symbols).enumerate() {
                    let weights: Vec<f64> = (0..*symbols).map(|n| statistics[n * w + state]).collect();
                    shares(row, &weights, prior.worth);
                }
            }
            (Family::Poisson { means }, Column::Codes { values, .. }) => {
                let center = prior.center.first().copied().unwrap_or(0.0);
                for (state, mean) in means.iter_mut().enumerate() {
                    let (n, sum) = weigh(values, statistics, w, state);
                    let (n, sum) = (n + prior.worth, sum + prior.worth * center);
                    if n > 0.0 {
                        *mean = (sum / n).max(1e-12);
                    }
                }
            }
            (Family::NegativeBinomial { means, sizes }, Column::Codes { values, .. }) => {
                for (state, (mean, size)) in means.iter_mut().zip(sizes).enumerate() {
                    let weights = values.iter().enumerate().map(|(i, x)| (*x, statistics[i * w + state]));
                    (*mean, *size) = Counted::new(weights.collect(), prior).best(*mean, *size);
                }
            }
            (Family::Gaussian { dims, means, covariances, full }, _) => {
                for (state, mean) in means.chunks_exact_mut(*dims).enumerate() {
                    match full {
                        false => learn_diagonal(
                            mean,
                            &mut covariances[state * *dims..][..*dims],
                            |n, d| statistics[(n * *dims + d) * w + state],
                            prior,
                        ),
                        true => learn_full(
                            mean,
                            &mut covariances[state * *dims * *dims..][..*dims * *dims],
                            |n| statistics[n * w + state],
                            prior,
                        ),
                    }
                }
            }
            _ => {}
        }
    }

    /// ln of the prior's density at these parameters, up to a constant.
    pub fn log_prior(&self, prior: &Prior) -> f64 {
        match self {
            Family::Categorical { probs, .. } if prior.worth > 0.0 => {
                prior.worth * probs.iter().filter(|p| **p > 0.0).map(|p| p.ln()).sum::<f64>()
            }
            Family::Poisson { means } if prior.worth > 0.0 => {
                let center = prior.center.first().copied().unwrap_or(0.0);
                means.iter().map(|m| prior.worth * (center * m.ln() - m)).sum()
            }
            Family::NegativeBinomial { means, sizes } => {
                let counted = Counted::new(vec![], prior);
                means.iter().zip(sizes).map(|(mean, size)| counted.log(*mean, *size)).sum()
            }
            Family::Gaussian { dims, means, covariances, full } if prior.worth + prior.spread_worth > 0.0 => {
                let size = if *full { dims * dims } else { *dims };
                means.chunks_exact(*dims).zip(covariances.chunks_exact(size)).fold(0.0, |sum, (m, c)| {
                    let gap: Vec<f64> = m.iter().zip(&prior.center).map(|(m, c)| m - c).collect();
                    let spread = |d: usize| prior.spread.get(d).copied().unwrap_or(0.0);
                    let (log_det, distance, trace) = match full {
                        false => c.iter().enumerate().fold((0.0, 0.0, 0.0), |(l, q, t), (d, v)| {
                            (l + v.ln(), q + gap.get(d).unwrap_or(&0.0).powi(2) / v, t + spread(d) / v)
                        }),
                        true => cholesky(c, *dims).map_or((f64::INFINITY, 0.0, 0.0), |factor| {
                            let inverse = factor.inverse();
                            let q = (0..gap.len() * gap.len())
                                .map(|n| (n / gap.len(), n % gap.len()))
                                .map(|(i, j)| gap[i] * inverse[(i, j)] * gap[j])
                                .sum();
                            let trace = (0..*dims).map(|d| spread(d) * inverse[(d, d)]).sum();
                            (factor.ln_determinant(), q, trace)
                        }),
                    };
                    sum - 0.5 * (prior.worth * distance + prior.spread_worth * (log_det + trace))
                })
            }
            _ => 0.0,
        }
    }
}

/// A row of probabilities from expected counts, `worth` added to each that is not 0; kept where nothing was counted.
pub fn shares(row: &mut [f64], weights: &[f64], worth: f64) {
    let own = |p: f64, weight: f64| if p > 0.0 { weight + worth } else { 0.0 };
    let sum: f64 = row.iter().zip(weights).map(|(p, weight)| own(*p, *weight)).sum();
    if sum > 0.0 {
        row.iter_mut().zip(weights).for_each(|(p, weight)| *p = own(*p, *weight) / sum);
    }
}

fn weigh(values: &[f64], statistics: &[f64], w: usize, state: usize) -> (f64, f64) {
    values.iter().enumerate().fold((0.0, 0.0), |(n, sum), (i, x)| {
        let weight = statistics[i * w + state];
        (n + weight, sum + weight * x)
    })
}

fn learn_diagonal(mean: &mut [f64], variance: &mut [f64], sum: impl Fn(usize, usize) -> f64, prior: &Prior) {
    for d in 0..mean.len() {
        let (n, first, second) = (sum(0, d), sum(1, d), sum(2, d));
        let rows = n + prior.worth;
        if rows > 0.0 {
            let gap = prior.center.get(d).copied().unwrap_or(mean[d]) - mean[d];
            let step = (first + prior.worth * gap) / rows;
            let spread = second - 2.0 * step * first + n * step * step + prior.worth * (gap - step).powi(2);
            mean[d] += step;
            let all = n + prior.spread_worth;
            if all > 0.0 {
                let own = prior.spread.get(d).copied().unwrap_or(0.0);
                variance[d] = (spread + prior.spread_worth * own) / all;
            }
        }
        variance[d] = variance[d].max(prior.floor.get(d).copied().unwrap_or(0.0));
    }
}

fn learn_full(mean: &mut [f64], covariance: &mut [f64], sum: impl Fn(usize) -> f64, prior: &Prior) {
    let dims = mean.len();
    let n = sum(0);
    let rows = n + prior.worth;
    if rows <= 0.0 {
        return;
    }
    let gap: Vec<f64> = (0..dims).map(|d| prior.center.get(d).map_or(0.0, |c| c - mean[d])).collect();
    let first: Vec<f64> = (0..dims).map(|d| sum(1 + d)).collect();
    let step: Vec<f64> = (0..dims).map(|d| (first[d] + prior.worth * gap[d]) / rows).collect();
    let mut spread = DMatrix::zeros(dims, dims);
    for i in 0..dims {
        for j in 0..=i {
            let second = sum(1 + dims + i * (i + 1) / 2 + j);
            let mut entry = second - step[i] * first[j] - step[j] * first[i] + n * step[i] * step[j];
            entry += prior.worth * (gap[i] - step[i]) * (gap[j] - step[j]);
            if i == j {
                entry += prior.spread_worth * prior.spread.get(i).copied().unwrap_or(0.0);
            }
            entry /= (n + prior.spread_worth).max(f64::MIN_POSITIVE);
            (spread[(i, j)], spread[(j, i)]) = (entry, entry);
        }
    }
    mean.iter_mut().zip(&step).for_each(|(mean, step)| *mean += step);
    (0..dims * dims).for_each(|n| covariance[n] = spread[(n / dims, n % dims)]);
    raise(covariance, dims, &prior.floor);
}

/// Brings a full covariance's eigenvalues, in units of the floor, up to 1: of all that are not under the floor the one of
/// the highest likelihood.
pub(super) fn raise(covariance: &mut [f64], dims: usize, floor: &[f64]) {
    let scale: Vec<f64> = (0..dims).map(|d| floor.get(d).copied().unwrap_or(0.0).sqrt()).collect();
    if scale.iter().any(|s| *s <= 0.0) || covariance.iter().any(|x| !x.is_finite()) {
        return;
    }
    let unit = DMatrix::from_fn(dims, dims, |i, j| covariance[i * dims + j] / (scale[i] * scale[j]));
    let eigen = SymmetricEigen::new(unit);
    if eigen.eigenvalues.iter().any(|v| *v < 1.0) {
        let raised = DMatrix::from_diagonal(&eigen.eigenvalues.map(|v| v.max(1.0)));
        let unit = &eigen.eigenvectors * raised * eigen.eigenvectors.transpose();
        for n in 0..dims * dims {
            covariance[n] = unit[(n / dims, n % dims)] * scale[n / dims] * scale[n % dims];
        }
    }
}

/// The Cholesky factor of a covariance, where it is positive definite.
pub fn cholesky(covariance: &[f64], dims: usize) -> Option<Cholesky<f64, Dyn>> {
    if covariance.iter().any(|x| !x.is_finite()) {
        return None;
    }
    Cholesky::new(DMatrix::from_row_slice(dims, dims, covariance))
}

/// A family made ready to be drawn from.
#[derive(Debug)]
pub struct Sampler<'a> {
    family: &'a Family,
    /// Lower Cholesky factors of full covariances, by state.
    factors: Vec<DMatrix<f64>>,
}

impl<'a> Sampler<'a> {
    /// A sampler of a family that was checked.
    pub fn new(family: &'a Family) -> Self {
        let factors = match family {
            Family::Gaussian { dims, covariances, full: true, .. } => covariances
                .chunks_exact(dims * dims)
                .map(|c| cholesky(c, *dims).map_or_else(|| DMatrix::zeros(*dims, *dims), |factor| factor.l()))
                .collect(),
            _ => vec![],
        };
        Sampler { family, factors }
    }

    /// Draws an outcome of a state, a number for each dimension.
    pub fn draw(&self, state: usize, rng: &mut ChaCha8Rng, into: &mut Vec<f64>) {
        // Means that are no rate of a Poisson (0, or too large to count) are told as they are.
        let poisson = |mean: f64, rng: &mut ChaCha8Rng| Poisson::new(mean).map_or(mean.round(), |law| law.sample(rng));
        match self.family {
            Family::Categorical { symbols, probs } => {
                into.push(super::tick_log::pick(&probs[state * symbols..][..*symbols], rng.random::<f64>()) as f64);
            }
            Family::Poisson { means } => into.push(poisson(means[state], rng)),
            Family::NegativeBinomial { means, sizes } => {
                let rate =
                    Gamma::new(sizes[state], means[state] / sizes[state]).map_or(means[state], |g| g.sample(rng));
                into.push(poisson(rate, rng));
            }
            Family::Gaussian { dims, means, covariances, full } => {
                let normal: Vec<f64> = (0..*dims).map(|_| StandardNormal.sample(rng)).collect();
                for d in 0..*dims {
                    let gap = match full {
                        false => covariances[state * dims + d].sqrt() * normal[d],
                        true => (0..=d).map(|e| self.factors[state][(d, e)] * normal[e]).sum(),
                    };
                    into.push(means[state * dims + d] + gap);
                }
            }
        }
    }
}

/// A family made ready for one column and one set of parameters.
#[derive(Debug)]
pub enum Piece<'a> {
    /// ln likelihood rows, and each step's.
    Table { table: Vec<f64>, codes: &'a [u32] },
    /// By dimension and state: means, half precisions, and the logarithm of the factor in front.
    Diagonal { rows: &'a [f64], dims: usize, means: Vec<f64>, halves: Vec<f64>, fronts: Vec<f64> },
    /// By set of missing dimensions.
    Full { rows: &'a [f64], dims: usize, means: Vec<f64>, pattern: &'a [u32], patterns: Vec<Full> },
}

impl<'a> Piece<'a> {
    /// # Errors
    /// `Error::Spec` where a covariance is not positive definite, or the column is not of the family's kind.
    pub fn new(family: &Family, column: &'a Column) -> Result<Self> {
        let (k, w) = (family.states(), width(family.states()));
        let by_dim = |dims: usize, number: &dyn Fn(usize, usize) -> f64, empty: f64| -> Vec<f64> {
            (0..dims * w).map(|n| if n % w < k { number(n % w, n / w) } else { empty }).collect()
        };
        match (family, column) {
            (Family::Gaussian { dims, means, covariances, full }, Column::Reals { rows, pattern, patterns, .. }) => {
                let by_state = by_dim(*dims, &|state, d| means[state * dims + d], 0.0);
                if !full {
                    let halves = by_dim(*dims, &|state, d| 0.5 / covariances[state * dims + d], 0.0);
                    let front = |state: usize, d: usize| -0.5 * (LN_2_PI + covariances[state * dims + d].ln());
                    let fronts = by_dim(*dims, &front, 0.0);
                    return Ok(Piece::Diagonal { rows, dims: *dims, means: by_state, halves, fronts });
                }
                let mut ready = vec![];
                for missing in patterns {
                    ready.push(conditional(covariances, *dims, k, missing)?);
                }
                Ok(Piece::Full { rows, dims: *dims, means: by_state, pattern, patterns: ready })
            }
            (Family::Gaussian { .. }, _) | (_, Column::Reals { .. }) => {
                Err(wrong("the column is not of the family's kind".into()))
            }
            (family, Column::Codes { codes, values }) => Ok(Piece::Table { table: family.table(values), codes }),
        }
    }

    /// Adds ln likelihoods of the steps from `start` on to padded rows.
    pub fn add_logs(&self, w: usize, start: usize, rows: &mut [f64]) {
        let n = rows.len() / w;
        match self {
            Piece::Table { table, codes } => add_table(w, table, &codes[start..start + n], rows),
            Piece::Diagonal { rows: x, dims, means, halves, fronts } => {
                add_diagonal(w, &x[start * dims..(start + n) * dims], *dims, means, halves, fronts, rows);
            }
            Piece::Full { rows: x, dims, means, pattern, patterns } => {
                let x = &x[start * dims..(start + n) * dims];
                add_full(w, x, *dims, means, &pattern[start..start + n], patterns, rows);
            }
        }
    }

    /// Room for the statistics.
    pub fn statistics(&self, w: usize) -> Vec<f64> {
        vec![
            0.0;
            match self {
                Piece::Table { table, .. } => table.len(),
                Piece::Diagonal { dims, .. } => 3 * dims * w,
                Piece::Full { dims, .. } => (1 + dims + dims * (dims + 1) / 2) * w,
            }
        ]
    }

    /// Adds what steps from `start` on say, weighed by the probabilities of their states (padded rows).
    pub fn add_statistics(&self, w: usize, start: usize, weights: &[f64], into: &mut [f64]) {
        let n = weights.len() / w;
        match self {
            Piece::Table { codes, .. } => sum_codes(w, &codes[start..start + n], weights, into),
            Piece::Diagonal { rows, dims, means, .. } => {
                moments_diagonal(w, &rows[start * dims..(start + n) * dims], *dims, means, weights, into);
            }
            Piece::Full { rows, dims, means, pattern, patterns } => {
                let x = &rows[start * dims..(start + n) * dims];
                moments_full(w, x, *dims, means, &pattern[start..start + n], patterns, weights, into);
            }
        }
    }
}

/// What a full Gaussian needs where some dimensions are missing.
fn conditional(covariances: &[f64], dims: usize, states: usize, missing: &[usize]) -> Result<Full> {
    let w = width(states);
    let there: Vec<usize> = (0..dims).filter(|d| !missing.contains(d)).collect();
    let (o, m) = (there.len(), missing.len());
    let mut full = Full {
        there: there.clone(),
        missing: missing.to_vec(),
        whitening: vec![0.0; o * o * w],
        fronts: vec![0.0; w],
        slopes: vec![0.0; m * o * w],
        left: vec![0.0; m * m * w],
    };
    for state in 0..states {
        let c = &covariances[state * dims * dims..][..dims * dims];
        let part = |a: &[usize], b: &[usize]| DMatrix::from_fn(a.len(), b.len(), |i, j| c[a[i] * dims + b[j]]);
        let singular = || wrong(format!("the covariance of state {state} is not positive definite"));
        let factor = Cholesky::new(part(&there, &there)).ok_or_else(singular)?;
        let lower = factor.l();
        let whitening = lower.solve_lower_triangular(&DMatrix::identity(o, o)).ok_or_else(singular)?
            * std::f64::consts::FRAC_1_SQRT_2;
        full.fronts[state] = -0.5 * o as f64 * LN_2_PI - lower.diagonal().iter().map(|x| x.ln()).sum::<f64>();
        (0..o * o).for_each(|n| full.whitening[n * w + state] = whitening[(n / o, n % o)]);
        if m > 0 {
            let cross = part(missing, &there);
            let slopes = factor.solve(&cross.transpose()).transpose();
            let left = part(missing, missing) - &slopes * cross.transpose();
            (0..m * o).for_each(|n| full.slopes[n * w + state] = slopes[(n / o, n % o)]);
            (0..m * m).for_each(|n| full.left[n * w + state] = left[(n / m, n % m)]);
        }
    }
    Ok(full)
}
