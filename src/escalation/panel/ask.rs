//! What a fitted panel answers: each a vector of numbers at θ, with intervals by the delta method or from draws.
//!
//! Intervals of the delta method are symmetric on the scale of the answer (Jackson 2011, section 2.6): the logarithm of what
//! is positive, the logit of a probability.

use super::fit::PanelFit;
use super::structure::{Column, Structure};
use crate::escalation::summary::Draws;
use crate::ground::{Control, Error, Result};
use crate::markov::{Exponential, Generator, hitting, passage};
use nalgebra::DMatrix;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

/// Step of the central differences in θ, in standard errors.
const STEP: f64 = 1e-3;

/// On which scale an answer's error is about normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Logarithm,
    Logit,
    Itself,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// The intensity of each arc out of a rung.
    Intensities { design: Vec<f64> },
    /// Each positive number of the model, rates per unit of the clock; then each row of a table; then each real.
    Numbers,
    /// Joint rungs squared, from a rung in the stage that the ladder declares as the first: over consecutive stretches (design, length).
    Transition { stretches: Vec<(Vec<f64>, f64)> },
    /// Mean time in each joint rung at a visit.
    Sojourn { design: Vec<f64> },
    /// n × n: where the next move leads.
    Next { design: Vec<f64> },
    /// Mean time until a set is first entered, from each joint rung.
    Passage { design: Vec<f64>, target: Vec<bool> },
    /// times × n: the probability that the set was entered by then, from each joint rung.
    PassageLaw { design: Vec<f64>, target: Vec<bool>, times: Vec<f64> },
    /// shares × n: the time by which the set was entered with that probability, from each joint rung, in units whose class is
    /// one of these, with its design, given some drivers' states.
    PassageQuantiles {
        designs: Vec<(usize, Vec<f64>)>,
        given: Vec<(usize, usize)>,
        profile: Vec<f64>,
        target: Vec<bool>,
        shares: Vec<f64>,
    },
    /// n × n: mean time spent in each joint rung until a time (infinite: for ever), from each.
    Spent { design: Vec<f64>, until: f64 },
    /// times × n: the expected share of each joint rung among units seen by then.
    Prevalence { times: Vec<f64> },
    /// The mean over classes of units of a profile, each with its answer, given some drivers' states.
    Mixed { parts: Vec<(usize, Ask)>, given: Vec<(usize, usize)>, profile: Vec<f64> },
}

impl Ask {
    fn on(&self) -> On {
        match self {
            Ask::Intensities { .. } | Ask::Numbers | Ask::Sojourn { .. } | Ask::Passage { .. } => On::Logarithm,
            Ask::PassageQuantiles { .. } | Ask::Spent { .. } => On::Logarithm,
            Ask::Transition { .. } | Ask::Next { .. } | Ask::PassageLaw { .. } | Ask::Prevalence { .. } => On::Logit,
            Ask::Mixed { parts, .. } => parts.first().map_or(On::Itself, |(_, ask)| ask.on()),
        }
    }
}

/// An answer with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub estimate: Vec<f64>,
    /// Standard error, on the answer's own scale.
    pub error: Vec<f64>,
    pub low: Vec<f64>,
    pub high: Vec<f64>,
}

impl PanelFit {
    /// The design of covariate values (the panel's covariates in order; none: their mean) at a time of the clock, for a
    /// unit whose drivers are in these states.
    pub fn design(&self, drivers: &[usize], values: &[f64], time: f64) -> Vec<f64> {
        let structure = &self.panel.structure;
        if !values.is_empty() || structure.covariates.is_empty() {
            return structure.design(drivers, values, time);
        }
        let now = structure.design(drivers, &vec![0.0; structure.covariates.len()], time);
        let state = |driver: usize| drivers.get(driver).copied().unwrap_or(0);
        let mut design: Vec<f64> = Vec::with_capacity(now.len());
        for (k, column) in structure.columns.iter().enumerate() {
            design.push(match column {
                Column::Period(..) | Column::When(_) => now[k],
                Column::Product(of, when) if when.holds(state, |_| 0, time) => design[*of],
                Column::Product(..) => 0.0,
                Column::Value(_) | Column::Level(..) => self.panel.mean[k],
            });
        }
        design
    }

    /// Stretches of covariate values, one after the other from a time on, cut where the clock cuts.
    pub fn stretches(&self, drivers: &[usize], mut time: f64, history: &[(Vec<f64>, f64)]) -> Vec<(Vec<f64>, f64)> {
        let mut out = vec![];
        for (values, length) in history {
            let end = time + length;
            let inside = self.panel.structure.cuts.iter().copied().filter(|cut| time < *cut && *cut < end);
            let mut ends: Vec<f64> = std::iter::once(time).chain(inside).collect();
            ends.push(end);
            let piece = |pair: &[f64]| (self.design(drivers, values, 0.5 * (pair[0] + pair[1])), pair[1] - pair[0]);
            out.extend(ends.windows(2).map(piece));
            time = end;
        }
        out
    }

    /// The answer at θ.
    ///
    /// # Errors
    /// `Spec` where there is none; `Interrupted`.
    pub fn at(&self, theta: &[f64], ask: &Ask, control: &Control) -> Result<Vec<f64>> {
        control.check()?;
        let values = self.model.parameters.values(theta);
        let structure = &self.panel.structure;
        let n = structure.n;
        let generator = |design: &[f64]| structure.generator(&values, design);
        Ok(match ask {
            Ask::Intensities { design } => {
                let q = generator(design);
                let one = |a: usize| {
                    let arc = &structure.arcs[a];
                    q[arc.from * n + arc.to] / arc.stages as f64
                };
                structure.exits().into_iter().map(one).collect()
            }
            Ask::Numbers => {
                let tick = |p: usize| match self.model.parameters.positives[p].kind.is_rate() {
                    true => structure.tick,
                    false => 1.0,
                };
                let positives = values.positives.iter().enumerate().map(|(p, x)| x * tick(p));
                positives.chain(values.rows.iter().flatten().copied()).chain(values.reals.iter().copied()).collect()
            }
            Ask::Transition { stretches } => {
                let mut law = DMatrix::<f64>::identity(n, n);
                for (design, length) in stretches {
                    law *= DMatrix::from_row_slice(n, n, &Exponential::new(&generator(design), n).at(*length));
                }
                by_rung(structure, &law)
            }
            Ask::Sojourn { design } => {
                let q = structure.between_rungs(&values, design, "sojourn")?;
                exits(&q, structure.n_rungs).iter().map(|exit| 1.0 / exit).collect()
            }
            Ask::Next { design } => {
                let (q, n) = (structure.between_rungs(&values, design, "next rung")?, structure.n_rungs);
                let exits = exits(&q, n);
                q.iter().enumerate().map(|(k, rate)| if *rate > 0.0 { rate / exits[k / n] } else { 0.0 }).collect()
            }
            Ask::Passage { design, target } => {
                let rewards = vec![1.0; n];
                let times =
                    hitting::gathered(&beside(&[generator(design)], n)?, &structure.marked(target), &rewards, control)?;
                structure.from_first(&times.values)
            }
            Ask::PassageLaw { design, target, times } => {
                let (mut q, target) = (generator(design), structure.marked(target));
                q.iter_mut().enumerate().filter(|(k, _)| target[k / n]).for_each(|(_, rate)| *rate = 0.0);
                let exponential = Exponential::new(&q, n);
                let mut out = Vec::with_capacity(times.len() * n);
                for &time in times {
                    let law = exponential.at(time);
                    let hit = |row: &[f64]| row.iter().zip(&target).filter(|(_, t)| **t).map(|(p, _)| p).sum::<f64>();
                    out.extend(structure.from_first(&law.chunks_exact(n).map(hit).collect::<Vec<f64>>()));
                }
                out
            }
            Ask::PassageQuantiles { designs, given, profile, target, shares } => {
                // A unit whose class is open is in one of several processes from the first.
                let law = self.law_of(&values, given, profile)?;
                let generators: Vec<Vec<f64>> = designs.iter().map(|(_, design)| generator(design)).collect();
                let (process, target) = (beside(&generators, n)?, structure.marked(target).repeat(designs.len()));
                let from = |rung: usize| -> Result<Vec<f64>> {
                    let mut start = vec![0.0; process.len()];
                    for (k, (class, _)) in designs.iter().enumerate() {
                        let own = (0..n).filter(|&phase| structure.joint[phase] == rung);
                        own.for_each(|phase| start[k * n + phase] = law[*class] * structure.shares[phase]);
                    }
                    passage::quantiles(&process, &start, &target, None, shares, control)
                };
                let all: Vec<Vec<f64>> = (0..structure.n_rungs).map(from).collect::<Result<_>>()?;
                (0..shares.len()).flat_map(|k| all.iter().map(move |own| own[k])).collect()
            }
            Ask::Spent { design, until } => by_rung(structure, &spent(&generator(design), n, *until)?),
            Ask::Prevalence { times } => self.expected_shares(&values, times)?,
            Ask::Mixed { parts, given, profile } => {
                let law = self.law_of(&values, given, profile)?;
                let mut mean = vec![];
                for (class, ask) in parts.iter().filter(|(class, _)| law[*class] > 0.0) {
                    let own = self.at(theta, ask, control)?;
                    mean.resize(own.len(), 0.0);
                    mean.iter_mut().zip(&own).for_each(|(sum, x)| *sum += law[*class] * x);
                }
                mean
            }
        })
    }

    /// The answer with its interval at a level; `draws` = 0: by the delta method. A sampler's draws, where there are any,
    /// make both: the estimate is their mean, of what has a logarithm for its scale (which may have no mean) their median.
    ///
    /// # Errors
    /// As [`PanelFit::at`].
    pub fn ask(&self, ask: &Ask, level: f64, draws: usize, seed: u64, control: &Control) -> Result<Told> {
        let estimate = self.at(&self.theta, ask, control)?;
        if draws > 0 || self.sampled.is_some() {
            let thetas = self.draws(draws, seed);
            let all: Vec<Vec<f64>> =
                thetas.par_iter().map(|theta| self.at(theta, ask, control)).collect::<Result<_>>()?;
            let drawn = Draws { mode: estimate.clone(), draws: all };
            let summary = drawn.summary(level);
            let error = (0..estimate.len())
                .map(|k| {
                    let square = |draw: &Vec<f64>| (draw[k] - summary.mean[k]).powi(2);
                    (drawn.draws.iter().map(square).sum::<f64>() / (drawn.draws.len().max(2) - 1) as f64).sqrt()
                })
                .collect();
            let estimate = match (&self.sampled, ask.on()) {
                (None, _) => estimate,
                (Some(_), On::Logarithm) => drawn.summary(0.0).low,
                (Some(_), On::Logit | On::Itself) => summary.mean,
            };
            return Ok(Told { estimate, error, low: summary.low, high: summary.high });
        }
        self.delta(ask, estimate, level, control)
    }

    fn delta(&self, ask: &Ask, estimate: Vec<f64>, level: f64, control: &Control) -> Result<Told> {
        let width = self.theta.len();
        let errors = self.errors();
        let slope = |k: usize| -> Result<Vec<f64>> {
            let step = if errors[k] > 0.0 { STEP * errors[k].min(1.0) } else { STEP };
            let along = |step: f64| {
                let mut theta = self.theta.clone();
                theta[k] += step;
                self.at(&theta, ask, control)
            };
            let (ahead, behind) = (along(step)?, along(-step)?);
            Ok(ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2.0 * step)).collect())
        };
        let slopes: Vec<Vec<f64>> = (0..width).map(slope).collect::<Result<_>>()?;
        let variance = |k: usize| -> f64 {
            let touched = |j: usize| slopes[j][k] != 0.0;
            if (0..width).any(|j| self.flat[j] && touched(j)) {
                return f64::NAN;
            }
            let row = |i: usize| (0..width).map(|j| self.covariance[i * width + j] * slopes[j][k]).sum::<f64>();
            (0..width).filter(|&i| touched(i)).map(|i| slopes[i][k] * row(i)).sum()
        };
        let error: Vec<f64> = (0..estimate.len()).map(|k| variance(k).max(0.0).sqrt()).collect();
        let error: Vec<f64> =
            (0..estimate.len()).map(|k| if variance(k).is_nan() { f64::NAN } else { error[k] }).collect();
        let z = Normal::standard().inverse_cdf(0.5 + level / 2.0);
        let (mut low, mut high) = (vec![], vec![]);
        let reals = match ask {
            Ask::Numbers => estimate.len() - self.model.parameters.reals.len(),
            _ => estimate.len(),
        };
        for (k, (x, se)) in estimate.iter().zip(&error).enumerate() {
            let (a, b) = interval(*x, z * se, if k < reals { ask.on() } else { On::Itself });
            low.push(a);
            high.push(b);
        }
        Ok(Told { estimate, error, low, high })
    }

    /// Whether each unit is at risk at each time: seen by then, and seen again or at an absorbing rung.
    pub(super) fn at_risk(&self, times: &[f64]) -> Vec<Vec<bool>> {
        let structure = &self.panel.structure;
        let absorbing = |rung: usize| structure.arcs.iter().all(|arc| structure.joint[arc.from] != rung);
        let risk = |unit: usize| -> Vec<bool> {
            let history = self.panel.rows_of(unit);
            let (Some(first), Some(last)) = (history.first(), history.last()) else { return vec![false; times.len()] };
            let stays = last.known.is_some_and(absorbing);
            times.iter().map(|&t| first.time <= t && (t <= last.time || stays)).collect()
        };
        (0..self.panel.units.len()).map(risk).collect()
    }

    /// times × n: how many units were at each joint rung, by the last sight before each time.
    pub fn observed(&self, times: &[f64]) -> Vec<f64> {
        let n = self.panel.structure.n_rungs;
        let mut counts = vec![0.0; times.len() * n];
        for (unit, risk) in self.at_risk(times).iter().enumerate() {
            let history = self.panel.rows_of(unit);
            for (t, &time) in times.iter().enumerate().filter(|(t, _)| risk[*t]) {
                let last = history.iter().take_while(|row| row.time <= time).filter_map(|row| row.guess).last();
                if let Some(state) = last {
                    counts[t * n + state] += 1.0;
                }
            }
        }
        counts
    }
}

/// The interval of half-width `wide` (on the answer's own scale, first order) that is symmetric on another.
fn interval(x: f64, wide: f64, on: On) -> (f64, f64) {
    if wide.is_nan() {
        return (f64::NAN, f64::NAN);
    }
    match on {
        On::Itself => (x - wide, x + wide),
        On::Logarithm if x > 0.0 && x.is_finite() => (x * (-wide / x).exp(), x * (wide / x).exp()),
        On::Logit if x > 0.0 && x < 1.0 && wide > 0.0 => {
            let odds = x / (1.0 - x);
            let step = wide / (x * (1.0 - x));
            let back = |odds: f64| if odds.is_infinite() { 1.0 } else { odds / (1.0 + odds) };
            (back(odds * (-step).exp()), back(odds * step.exp()))
        }
        _ => (x, x),
    }
}

/// A matrix over joint phases by joint rungs, row by row: from the stages that come first, to any.
fn by_rung(structure: &Structure, matrix: &DMatrix<f64>) -> Vec<f64> {
    let columns: Vec<Vec<f64>> = matrix.column_iter().map(|column| structure.from_first(column.as_slice())).collect();
    (0..structure.n_rungs)
        .flat_map(|rung| structure.fold(&columns.iter().map(|column| column[rung]).collect::<Vec<f64>>()))
        .collect()
}

fn exits(q: &[f64], n: usize) -> Vec<f64> {
    q.chunks_exact(n).map(|row| row.iter().sum()).collect()
}

/// Processes side by side that never meet, each with its generator of n rungs, row by row.
fn beside(generators: &[Vec<f64>], n: usize) -> Result<Generator> {
    let moves = |(class, q): (usize, &Vec<f64>)| -> Vec<(usize, usize, f64)> {
        let found = q.iter().enumerate().filter(|(_, rate)| **rate > 0.0);
        found.map(|(k, &rate)| (class * n + k / n, class * n + k % n, rate)).collect()
    };
    Generator::sparse(generators.len() * n, generators.iter().enumerate().flat_map(moves).collect(), &|i| i.to_string())
}

/// ∫₀ᵗ e^{Qs} ds by doubling: T(2h) = T(h) + e^{Qh} T(h); for ever: the fundamental matrix.
fn spent(q: &[f64], n: usize, until: f64) -> Result<DMatrix<f64>> {
    let exits = exits(q, n);
    if until.is_infinite() {
        // Rungs that are left for good: all others hold for ever.
        let leads = |i: usize| {
            let mut seen = vec![false; n];
            let mut stack = vec![i];
            while let Some(at) = stack.pop() {
                for j in (0..n).filter(|&j| q[at * n + j] > 0.0) {
                    if !std::mem::replace(&mut seen[j], true) {
                        stack.push(j);
                    }
                }
            }
            seen
        };
        let reach: Vec<Vec<bool>> = (0..n).map(leads).collect();
        let transient = |i: usize| (0..n).any(|j| reach[i][j] && !reach[j][i] && i != j);
        let inside: Vec<usize> = (0..n).filter(|&i| transient(i)).collect();
        if inside.is_empty() {
            return Ok(DMatrix::from_fn(n, n, |i, j| if i == j || reach[i][j] { f64::INFINITY } else { 0.0 }));
        }
        let system = DMatrix::from_fn(inside.len(), inside.len(), |a, b| {
            if a == b { exits[inside[a]] } else { -q[inside[a] * n + inside[b]] }
        });
        let inverse = system.try_inverse();
        let inverse = inverse.ok_or_else(|| Error::spec("time", "time in rungs", "the rates leave it open"))?;
        return Ok(DMatrix::from_fn(n, n, |i, j| {
            let place = |s: usize| inside.iter().position(|x| *x == s);
            match (place(i), place(j)) {
                (Some(a), Some(b)) => inverse[(a, b)],
                (_, Some(_)) => 0.0,
                _ if i == j || reach[i][j] => f64::INFINITY,
                _ => 0.0,
            }
        }));
    }
    let lambda = exits.iter().copied().fold(0.0, f64::max);
    let doublings = if lambda * until > 0.5 { (2.0 * lambda * until).log2().ceil().max(0.0) as i32 } else { 0 };
    let piece = until / 2f64.powi(doublings);
    let generator = DMatrix::from_fn(n, n, |i, j| if i == j { -exits[i] } else { q[i * n + j] });
    // h φ₁(Qh) by its series.
    let mut term = DMatrix::<f64>::identity(n, n) * piece;
    let mut total = term.clone();
    for k in 2..24 {
        term = &term * &generator * (piece / f64::from(k));
        total += &term;
    }
    let exponential = Exponential::new(q, n);
    for k in 0..doublings {
        let law = DMatrix::from_row_slice(n, n, &exponential.at(piece * 2f64.powi(k)));
        total = &total + law * &total;
    }
    Ok(total)
}
