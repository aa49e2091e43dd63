//! The log marginal likelihood: how well a model foresaw its developments, priors and all, to choose between models.
//!
//! From a posterior's draws by bridge sampling (Meng and Wong 1996, Statist. Sinica 6, eq. 4.1; the error after
//! Frühwirth-Schnatter 2004, Econom. J. 7, eq. 26); from a mode by importance sampling from Laplace's normal, whose own value
//! (Tierney and Kadane 1986) is told beside.

use super::diagnose::diagnose;
use super::sample::Sampled;
use crate::ground::{Error, Result, random};
use nalgebra::{Cholesky, DMatrix, DVector};
use rayon::prelude::*;

/// Rounds of the bridge's fixed point, and the relative change that ends them.
const ROUNDS: usize = 1000;
const SETTLED: f64 = 1e-10;

/// ln of the marginal likelihood, the standard error of that logarithm, and Laplace's value where there is a mode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marginal {
    pub log: f64,
    pub error: f64,
    pub laplace: f64,
}

/// A normal over θ: mean, and the lower root of its covariance.
struct Normal {
    mean: DVector<f64>,
    root: DMatrix<f64>,
    /// ln of the density at the mean.
    top: f64,
}

impl Normal {
    fn new(mean: DVector<f64>, root: DMatrix<f64>) -> Self {
        let spread: f64 = root.diagonal().iter().map(|x| x.abs().ln()).sum();
        let top = -spread - 0.5 * mean.len() as f64 * std::f64::consts::TAU.ln();
        Normal { mean, root, top }
    }

    fn draw(&self, seed: u64, k: u64) -> Vec<f64> {
        let z = DVector::from_vec(random::normals(seed, k, self.mean.len()));
        (&self.mean + &self.root * z).iter().copied().collect()
    }

    fn log_density(&self, theta: &[f64]) -> f64 {
        let away = DVector::from_column_slice(theta) - &self.mean;
        let z = self.root.solve_lower_triangular(&away);
        z.map_or(f64::NEG_INFINITY, |z| self.top - 0.5 * z.norm_squared())
    }
}

/// From a mode and the root of Laplace's covariance, row by row, by `n` draws; `log` is ln(likelihood · prior).
///
/// # Errors
/// What `log` says.
pub fn by_importance(
    (mode, root): (&[f64], &[f64]),
    (n, seed): (usize, u64),
    log: impl Fn(&[f64]) -> Result<f64> + Sync,
) -> Result<Marginal> {
    let width = mode.len();
    let normal = Normal::new(DVector::from_column_slice(mode), DMatrix::from_row_slice(width, width, root));
    let laplace = log(mode)? - normal.top;
    let draws: Vec<f64> = (0..n as u64)
        .into_par_iter()
        .map(|k| {
            let theta = normal.draw(seed, k);
            Ok(log(&theta)? - normal.log_density(&theta))
        })
        .collect::<Result<_>>()?;
    let top = draws.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if n < 2 || !top.is_finite() {
        return Ok(Marginal { log: laplace, error: f64::NAN, laplace });
    }
    let weights: Vec<f64> = draws.iter().map(|log| (log - top).exp()).collect();
    let mean = weights.iter().sum::<f64>() / n as f64;
    let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    Ok(Marginal { log: top + mean.ln(), error: (variance / n as f64).sqrt() / mean, laplace })
}

/// From a posterior's draws: a normal learnt from every chain's first half, and the second half set against it.
///
/// # Errors
/// `NotConverged` where the draws are too few for a normal; what `log` says.
pub fn by_bridge(sampled: &Sampled, seed: u64, log: impl Fn(&[f64]) -> Result<f64> + Sync) -> Result<Marginal> {
    let (chains, per) = (sampled.chains, sampled.draws());
    let half = per / 2;
    let pick = |from: usize, to: usize| -> Vec<&Vec<f64>> {
        (0..chains).flat_map(|c| (from..to).map(move |k| &sampled.theta[c * per + k])).collect()
    };
    let (first, second) = (pick(0, half), pick(half, half + half));
    let width = sampled.theta.first().map_or(0, Vec::len);
    let few = || Error::NotConverged {
        message: format!("{} draws are too few for the marginal likelihood of {width} numbers", sampled.theta.len()),
    };
    if first.len() <= 2 * width {
        return Err(few());
    }
    let n = first.len() as f64;
    let mut mean = DVector::zeros(width);
    first.iter().for_each(|theta| mean += DVector::from_column_slice(theta) / n);
    let mut covariance = DMatrix::zeros(width, width);
    for theta in &first {
        let away = DVector::from_column_slice(theta) - &mean;
        covariance += &away * away.transpose() / (n - 1.0);
    }
    let root = if width > 0 { Cholesky::new(covariance).ok_or_else(few)?.l() } else { DMatrix::zeros(0, 0) };
    let normal = Normal::new(mean, root);
    let ratio = |theta: &[f64]| Ok(log(theta)? - normal.log_density(theta));
    let own: Vec<f64> = second.par_iter().map(|theta| ratio(theta)).collect::<Result<_>>()?;
    let other: Vec<f64> =
        (0..second.len() as u64).into_par_iter().map(|k| ratio(&normal.draw(seed, k))).collect::<Result<_>>()?;
    let effective = diagnose(&own, chains).ess_bulk;
    let effective = if effective.is_finite() { effective.min(own.len() as f64) } else { own.len() as f64 };
    Ok(bridge(&own, effective, &other))
}

/// The bridge between draws of the posterior (worth so many independent ones) and of the normal: logs of their ratios.
fn bridge(own: &[f64], effective: f64, other: &[f64]) -> Marginal {
    let (n1, n2) = (effective, other.len() as f64);
    let (s1, s2) = (n1 / (n1 + n2), n2 / (n1 + n2));
    let middle = {
        let mut sorted = own.to_vec();
        sorted.sort_by(f64::total_cmp);
        super::summary::quantile(&sorted, 0.5)
    };
    let part = |log: &f64| (log - middle).exp();
    let mut r = 1.0;
    for _ in 0..ROUNDS {
        let above = other.iter().map(part).map(|l| l / (s1 * l + s2 * r)).sum::<f64>() / n2;
        let below = own.iter().map(part).map(|l| 1.0 / (s1 * l + s2 * r)).sum::<f64>() / own.len() as f64;
        let next = above / below;
        let settled = ((next - r) / next).abs() < SETTLED;
        r = next;
        if settled {
            break;
        }
    }
    let spread = |values: Vec<f64>| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / (mean * mean)
    };
    let of_other = spread(other.iter().map(part).map(|l| l / r / (s1 * l / r + s2)).collect());
    let of_own = spread(own.iter().map(part).map(|l| 1.0 / (s1 * l / r + s2)).collect());
    Marginal { log: middle + r.ln(), error: (of_other / n2 + of_own / n1).sqrt(), laplace: f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A product of gammas on logarithms: its mass is known.
    fn log(theta: &[f64]) -> Result<f64> {
        Ok(theta.iter().zip([3.0, 8.0]).map(|(x, shape)| shape * x - x.exp()).sum())
    }

    fn truth() -> f64 {
        2f64.ln() + 5040f64.ln() // Γ(3) Γ(8)
    }

    #[test]
    fn importance_finds_the_mass_of_gammas() {
        let mode = [3f64.ln(), 8f64.ln()];
        let root = [1.0 / 3f64.sqrt(), 0.0, 0.0, 1.0 / 8f64.sqrt()];
        let found = by_importance((&mode, &root), (20_000, 1), log).unwrap();
        assert!((found.log - truth()).abs() < 5.0 * found.error + 1e-12 && found.error < 0.02, "{found:?}");
        // Stirling's formula is Laplace's method: 1/12 (1/3 + 1/8) is what it lacks to first order.
        assert!((truth() - found.laplace - (1.0 / 3.0 + 1.0 / 8.0) / 12.0).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn a_bridge_finds_the_mass_of_gammas() {
        use rand_distr::{Distribution, Gamma};
        let mut rng = random::stream(5, 0);
        let mut draw = |shape: f64| Gamma::new(shape, 1.0).unwrap().sample(&mut rng).ln();
        let theta: Vec<Vec<f64>> = (0..8000).map(|_| vec![draw(3.0), draw(8.0)]).collect();
        let n = theta.len();
        let sampled = Sampled {
            chains: 2,
            seed: 0,
            tune: 0,
            theta,
            log_density: vec![0.0; n],
            diverging: vec![false; n],
            steps: vec![1; n],
            depth: vec![1; n],
            step_size: vec![1.0; n],
            accept: vec![1.0; n],
            energy: vec![0.0; n],
        };
        let found = by_bridge(&sampled, 3, log).unwrap();
        assert!((found.log - truth()).abs() < 5.0 * found.error && found.error < 0.02, "{found:?}");
    }
}
