//! Fitting a hidden Markov chain: Baum–Welch rounds with priors, in step with the peers', and faster where they crawl.
//!
//! Acceleration is SQUAREM (Varadhan and Roland, "Simple and globally convergent methods for accelerating the convergence
//! of any EM algorithm", Scandinavian Journal of Statistics 35, 2008, scheme S3): two rounds give a direction, a third
//! from the point extrapolated along it; what is worse than before is given up.

use super::hidden::{Hidden, Sequences};
use super::outcome::{Family, LARGEST_SIZE, Prior, SMALLEST_SIZE, cholesky, raise};
use crate::ground::{Control, Error, Result};
use serde::{Deserialize, Serialize};

/// Rounds that each of several starts gets.
const SHORT: usize = 15;
/// Cycles of three points whose rates tell how slow EM is here.
const REMEMBERED: usize = 20;
/// Plain rounds before the first extrapolation.
const PLAIN: usize = 10;

/// What is held before the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HiddenPrior {
    /// Pseudo-counts for each possible first state: a Dirichlet of one more.
    pub start: f64,
    /// Pseudo-counts for each possible move.
    pub transitions: f64,
    /// For each column.
    pub families: Vec<Prior>,
}

impl HiddenPrior {
    /// ln of the priors' density at a chain's parameters, up to a constant.
    pub fn log_density(&self, chain: &Hidden) -> f64 {
        let row = |law: &[f64], worth: f64| match worth > 0.0 {
            true => worth * law.iter().filter(|p| **p > 0.0).map(|p| p.ln()).sum::<f64>(),
            false => 0.0,
        };
        let families = chain.families.iter().zip(&self.families).map(|(family, prior)| family.log_prior(prior));
        row(&chain.start, self.start) + row(&chain.transitions, self.transitions) + families.sum::<f64>()
    }
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Most rounds.
    pub rounds: usize,
    /// Stop when, by Aitken's extrapolation, less log-posterior than this is still to come.
    pub tolerance: f64,
    /// Extrapolate after ten plain rounds.
    pub accelerate: bool,
}

/// A fitted chain.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// Its parameters.
    pub chain: Hidden,
    /// ln P(outcomes) at them, each sequence's as many times as it counts.
    pub log_likelihood: f64,
    /// ln of the prior's density at them, up to a constant.
    pub log_prior: f64,
    /// ln P(outcomes) + ln prior before each round, and at the end.
    pub trace: Vec<f64>,
    /// Rounds made.
    pub rounds: usize,
    /// Whether the tolerance was reached.
    pub converged: bool,
}

/// Whether so little is still to come: the last gain over 1 less the rate at which gains shrink.
fn settled(gain: f64, rate: f64, tolerance: f64) -> bool {
    tolerance > 0.0 && gain / (1.0 - rate.clamp(0.0, 0.9999)) < tolerance
}

/// Fits from several starts: a few rounds each, then the best of them to the end (Biernacki, Celeux and Govaert 2003).
///
/// # Errors
/// `Error::Spec` where no start is given; else those of [`fit`].
pub fn fit_best(
    starts: Vec<Hidden>,
    data: &Sequences,
    prior: &HiddenPrior,
    settings: Settings,
    control: &Control,
) -> Result<Fitted> {
    let alone = starts.len() == 1;
    let mut best: Option<(f64, Hidden)> = None;
    control.announce(settings.rounds + if alone { 0 } else { starts.len() * SHORT });
    for chain in starts {
        if alone {
            return fit(chain, data, prior, settings, control);
        }
        let short = Settings { rounds: SHORT.min(settings.rounds), tolerance: 0.0, accelerate: false };
        let fitted = fit(chain, data, prior, short, control)?;
        let value = fitted.log_likelihood + fitted.log_prior;
        if best.as_ref().is_none_or(|(most, _)| value > *most) {
            best = Some((value, fitted.chain));
        }
    }
    let (_, chain) = best.ok_or_else(|| Error::spec("starts", "the starts", "none is given or has a likelihood"))?;
    fit(chain, data, prior, settings, control)
}

/// Fits a chain from its parameters.
///
/// # Errors
/// `Impossible` where a sequence has probability 0 at the start; `Interrupted`.
pub fn fit(
    mut chain: Hidden,
    data: &Sequences,
    prior: &HiddenPrior,
    settings: Settings,
    control: &Control,
) -> Result<Fitted> {
    let mut trace: Vec<f64> = vec![];
    let mut points: Vec<Hidden> = vec![];
    let mut fallback: Option<(Hidden, f64)> = None;
    let mut rates: Vec<f64> = vec![];
    let mut longest = 4.0;
    // The log-likelihood of the chain as it is, where it has been computed.
    let mut known: Option<f64> = None;
    let (mut rounds, mut converged) = (0, false);
    while rounds < settings.rounds {
        let expected = match chain.expected(data, control) {
            Err(Error::Impossible { .. }) if fallback.is_some() => None,
            other => Some(other?),
        };
        rounds += 1;
        control.tick();
        let value = expected.as_ref().map_or(f64::NEG_INFINITY, |e| e.log_likelihood + prior.log_density(&chain));
        if let Some((back, least)) = fallback.take()
            && value.is_nan() | (value < least)
        {
            (chain, known) = (back, None);
            longest = f64::max(longest / 4.0, 2.0);
            points.clear();
            continue;
        }
        let Some(expected) = expected else { continue };
        trace.push(value);
        known = Some(expected.log_likelihood);
        let gains: Vec<f64> = trace.windows(2).rev().take(2).map(|pair| pair[1] - pair[0]).collect();
        match (points.len(), &gains[..]) {
            // Gains of two plain rounds in a row shrink at the rate of EM.
            (0, [gain, before]) if trace.len() <= PLAIN || !settings.accelerate => {
                converged = settled(*gain, gain / before, settings.tolerance);
            }
            (1, [gain, ..]) if settings.accelerate => {
                converged = settings.tolerance > 0.0 && *gain <= 0.0;
            }
            _ => {}
        }
        if converged {
            break;
        }
        let before = chain.clone();
        known = None;
        chain.learn(data, &expected, prior);
        if settings.accelerate && trace.len() >= PLAIN {
            points.push(before);
            if points.len() == 2 {
                // Right after an extrapolation the slowest direction is short: it is known from the cycles before.
                rates.push(rate(&points[0], &points[1], &chain));
                let slowest = rates.iter().rev().take(REMEMBERED).fold(0.0, |most: f64, rate| most.max(*rate));
                let gain = trace.len().checked_sub(3).map_or(f64::INFINITY, |at| value - trace[at]);
                if settled(gain, slowest * slowest, settings.tolerance) {
                    converged = true;
                    break;
                }
                if let Some((far, length)) = extrapolated(&points[0], &points[1], &chain, longest, prior) {
                    if length >= longest {
                        longest *= 4.0;
                    }
                    fallback = Some((std::mem::replace(&mut chain, far), value));
                }
                points.clear();
            }
        }
    }
    if let Some((back, _)) = fallback {
        (chain, known) = (back, None);
    }
    let log_prior = prior.log_density(&chain);
    let log_likelihood = match known {
        Some(log) => log,
        None => {
            let log = data.total(&chain.log_likelihoods(data, control)?);
            trace.push(log + log_prior);
            log
        }
    };
    Ok(Fitted { chain, log_likelihood, log_prior, trace, rounds, converged })
}

/// The parameters as numbers without bounds, but for probabilities, whose rows keep their sums in linear combinations, and
/// full covariances.
fn coordinates(chain: &Hidden) -> Vec<f64> {
    let mut out = [&chain.start[..], &chain.transitions].concat();
    for family in &chain.families {
        match family {
            Family::Categorical { probs, .. } => out.extend(probs),
            Family::Poisson { means } => out.extend(means.iter().map(|m| m.ln())),
            Family::NegativeBinomial { means, sizes } => out.extend(means.iter().chain(sizes).map(|m| m.ln())),
            Family::Gaussian { means, covariances, full, .. } => {
                out.extend(means);
                out.extend(covariances.iter().map(|v| if *full { *v } else { v.ln() }));
            }
        }
    }
    out
}

/// The chain of coordinates, where they are parameters.
fn chain_of(like: &Hidden, numbers: &[f64], prior: &HiddenPrior) -> Option<Hidden> {
    let mut chain = like.clone();
    let mut rest = numbers;
    let mut take = |n: usize| {
        let (own, others) = rest.split_at(n);
        rest = others;
        own.to_vec()
    };
    chain.start = take(chain.start.len());
    chain.transitions = take(chain.transitions.len());
    let whole = |new: &[f64], old: &[f64]| new.iter().zip(old).all(|(new, old)| *new > 0.0 || *old == 0.0);
    if !whole(&chain.start, &like.start) || !whole(&chain.transitions, &like.transitions) {
        return None;
    }
    for (n, family) in chain.families.iter_mut().enumerate() {
        match family {
            Family::Categorical { probs, .. } => {
                let new = take(probs.len());
                if !whole(&new, probs) {
                    return None;
                }
                *probs = new;
            }
            Family::Poisson { means } => *means = take(means.len()).iter().map(|m| m.exp()).collect(),
            Family::NegativeBinomial { means, sizes } => {
                *means = take(means.len()).iter().map(|m| m.exp()).collect();
                *sizes = take(sizes.len()).iter().map(|m| m.exp().clamp(SMALLEST_SIZE, LARGEST_SIZE)).collect();
            }
            Family::Gaussian { dims, means, covariances, full } => {
                *means = take(means.len());
                let floor = prior.families.get(n).map_or(&[][..], |prior| &prior.floor);
                let least = |d: usize| floor.get(d).copied().unwrap_or(0.0);
                let mut own = take(covariances.len());
                match full {
                    // Not even positive definite is no point to go to; under the floor is.
                    true if own.chunks_exact(*dims * *dims).any(|c| cholesky(c, *dims).is_none()) => return None,
                    true => own.chunks_exact_mut(*dims * *dims).for_each(|c| raise(c, *dims, floor)),
                    false => own.iter_mut().enumerate().for_each(|(i, v)| *v = v.exp().max(least(i % *dims))),
                }
                *covariances = own;
            }
        }
        if family.check().is_err() {
            return None;
        }
    }
    Some(chain)
}

fn steps(a: &Hidden, b: &Hidden, c: &Hidden) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (a, b, c) = (coordinates(a), coordinates(b), coordinates(c));
    let r: Vec<f64> = b.iter().zip(&a).map(|(b, a)| b - a).collect();
    let v: Vec<f64> = c.iter().zip(&b).zip(&r).map(|((c, b), r)| c - b - r).collect();
    (a, r, v)
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// How much shorter the second of two steps is.
fn rate(a: &Hidden, b: &Hidden, c: &Hidden) -> f64 {
    let (_, r, v) = steps(a, b, c);
    let second: Vec<f64> = r.iter().zip(&v).map(|(r, v)| r + v).collect();
    norm(&second) / norm(&r).max(f64::MIN_POSITIVE)
}

/// The point beyond three of EM (equation 9 and scheme S3), nearer where it would leave the range; its step length.
fn extrapolated(a: &Hidden, b: &Hidden, c: &Hidden, longest: f64, prior: &HiddenPrior) -> Option<(Hidden, f64)> {
    let (a, r, v) = steps(a, b, c);
    let mut length = (norm(&r) / norm(&v)).min(longest);
    for _ in 0..6 {
        if length.is_nan() || length <= 1.01 {
            return None;
        }
        let at: Vec<f64> =
            a.iter().zip(r.iter().zip(&v)).map(|(a, (r, v))| a + 2.0 * length * r + length * length * v).collect();
        if let Some(chain) = chain_of(c, &at, prior) {
            return Some((chain, length));
        }
        length = 0.5 * (length + 1.0);
    }
    None
}
