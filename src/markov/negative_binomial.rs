//! Learning a negative binomial from weighted counts and a prior: the mean in closed form at each size, the size by a root.

use super::outcome::{LARGEST_SIZE, Prior, SMALLEST_SIZE};
use crate::ground::density;
use statrs::function::gamma::digamma;

/// Counts with their weights, and what is held before them: the prior of a gamma, `worth` rows of `center` on average, on
/// the mean, and a normal on the logarithm of the size.
pub(super) struct Counted {
    /// A count and its weight.
    counts: Vec<(f64, f64)>,
    /// Sum of the weights.
    n: f64,
    /// Sum of the weighted counts.
    sum: f64,
    worth: f64,
    center: f64,
    precision: f64,
    log_size: f64,
}

impl Counted {
    pub(super) fn new(counts: Vec<(f64, f64)>, prior: &Prior) -> Self {
        let (n, sum) = counts.iter().fold((0.0, 0.0), |(n, sum), (x, weight)| (n + weight, sum + weight * x));
        let center = prior.center.first().copied().unwrap_or(0.0);
        let log_size = prior.spread.first().copied().unwrap_or(1.0).ln();
        Counted { counts, n, sum, worth: prior.worth, center, precision: prior.spread_worth, log_size }
    }

    /// ln of likelihood and prior at a mean and a size, up to a constant.
    pub(super) fn log(&self, mean: f64, size: f64) -> f64 {
        let seen: f64 = self.counts.iter().map(|(x, w)| w * density::negative_binomial(*x, mean, size)).sum();
        let gap = size.ln() - self.log_size;
        seen + self.worth * (self.center * mean.ln() - mean) - 0.5 * self.precision * gap * gap
    }

    /// Where that is highest; a parameter that nothing is known of keeps its own.
    pub(super) fn best(&self, mean: f64, size: f64) -> (f64, f64) {
        let found = if self.n + self.precision > 0.0 { self.best_size(mean, size) } else { size };
        let at = |size: f64| (self.mean_at(size, mean), size);
        // Beside a prior the profile may have two tops: the one that is found must not be the lower.
        let held = self.worth + self.precision > 0.0;
        let value = |(mean, size): (f64, f64)| self.log(mean, size);
        if held && value(at(found)) < value(at(size)) { at(size) } else { at(found) }
    }

    /// The best mean at a size: the positive root of worth μ² + ((n + worth) r − worth center) μ = (sum + worth center) r.
    fn mean_at(&self, size: f64, mean: f64) -> f64 {
        let (w, r) = (self.worth, size);
        if self.n + w <= 0.0 {
            return mean;
        }
        let (b, c) = ((self.n + w) * r - w * self.center, (self.sum + w * self.center) * r);
        let root = (b * b + 4.0 * w * c).sqrt();
        let best = if b >= 0.0 { 2.0 * c / (b + root) } else { (root - b) / (2.0 * w) };
        best.max(1e-12)
    }

    /// The slope of the profile, the best mean at each size, in the logarithm of the size.
    fn slope(&self, log: f64, mean: f64) -> f64 {
        let r = log.exp();
        let mean = self.mean_at(r, mean);
        let seen: f64 = self.counts.iter().map(|(x, weight)| weight * (digamma(x + r) - digamma(r))).sum();
        let rest = (self.n * mean - self.sum) / (r + mean) - self.n * (mean / r).ln_1p();
        r * (seen + rest) - self.precision * (log - self.log_size)
    }

    /// The size at which the slope is 0, between the ends: secant steps inside a bracket that bisection keeps.
    fn best_size(&self, mean: f64, start: f64) -> f64 {
        let slope = |log: f64| self.slope(log, mean);
        let (mut low, mut high) = (SMALLEST_SIZE.ln(), LARGEST_SIZE.ln());
        if slope(low) <= 0.0 {
            return SMALLEST_SIZE;
        }
        if slope(high) >= 0.0 {
            return LARGEST_SIZE;
        }
        let mut at = start.ln().clamp(low, high);
        for _ in 0..200 {
            let here = slope(at);
            if here > 0.0 {
                low = at
            } else {
                high = at
            }
            let near = slope(at + 1e-5);
            let newton = at - here * 1e-5 / (near - here);
            let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
            if (next - at).abs() < 1e-11 {
                break;
            }
            at = next;
        }
        at.exp()
    }
}
