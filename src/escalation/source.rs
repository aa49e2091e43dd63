//! Where draws of θ come from: a normal around the mode, or what a sampler kept.

use super::fit::Learnt;
use super::sample::Sampled;
use std::sync::Arc;

/// A source of draws of θ, of which every answer's mean and interval are made.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Laplace's normal around the mode; with no draws, the mode alone.
    Laplace { draws: usize, seed: u64 },
    /// Draws kept of the sampler.
    Nuts(Arc<Sampled>),
}

impl Source {
    /// How many draws there are.
    pub fn len(&self) -> usize {
        match self {
            Source::Laplace { draws, .. } => *draws,
            Source::Nuts(sampled) => sampled.theta.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What makes the draws the same again.
    pub fn seed(&self) -> u64 {
        match self {
            Source::Laplace { seed, .. } => *seed,
            Source::Nuts(sampled) => sampled.seed,
        }
    }

    /// The draws.
    pub fn draws(&self, learnt: &Learnt) -> Vec<Vec<f64>> {
        match self {
            Source::Laplace { draws, seed } => (0..*draws).map(|k| learnt.draw(*seed, k as u64)).collect(),
            Source::Nuts(sampled) => sampled.theta.clone(),
        }
    }

    /// Standard deviation of each coordinate of θ; empty where nothing was learnt.
    pub fn spread(&self, learnt: &Learnt) -> Vec<f64> {
        let Source::Nuts(sampled) = self else { return learnt.spread() };
        let n = sampled.theta.len() as f64;
        let spread = |k: usize| {
            let mean = sampled.theta.iter().map(|theta| theta[k]).sum::<f64>() / n;
            let square = sampled.theta.iter().map(|theta| (theta[k] - mean).powi(2)).sum::<f64>();
            (square / (n - 1.0).max(1.0)).sqrt()
        };
        (0..learnt.theta.len()).map(spread).collect()
    }
}
