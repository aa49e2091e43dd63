//! Whether chains have come together, and how many independent draws they are worth (Vehtari, Gelman, Simpson, Carpenter
//! and Bürkner 2021, Bayesian Analysis 16(2)): rank-normalised split R-hat, bulk and tail effective sample size.

use statrs::distribution::{ContinuousCDF, Normal};

/// What is to be known of one number's draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnosis {
    /// Largest of the split R-hats of the rank-normalised draws and of their distance from the median.
    pub r_hat: f64,
    /// Effective sample size of the rank-normalised draws.
    pub ess_bulk: f64,
    /// The smaller effective sample size of the two 5 % quantiles.
    pub ess_tail: f64,
    /// Standard error of the mean.
    pub mcse_mean: f64,
}

/// Diagnoses draws, chain after chain of equal length; NaN where a chain has fewer than four draws or one is not finite.
pub fn diagnose(draws: &[f64], chains: usize) -> Diagnosis {
    let n = draws.len() / chains.max(1);
    if n < 4 || draws.iter().any(|x| !x.is_finite()) {
        return Diagnosis { r_hat: f64::NAN, ess_bulk: f64::NAN, ess_tail: f64::NAN, mcse_mean: f64::NAN };
    }
    let split = halves(draws, n);
    let half = n / 2;
    let sorted = {
        let mut sorted = draws.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let middle = super::summary::quantile(
        &{
            let mut sorted = split.clone();
            sorted.sort_by(f64::total_cmp);
            sorted
        },
        0.5,
    );
    let folded: Vec<f64> = split.iter().map(|x| (x - middle).abs()).collect();
    let ranked = normal_ranks(&split);
    let r_hat = r_hat(&ranked, half).max(self::r_hat(&normal_ranks(&folded), half));
    let tail = |p: f64| {
        let cut = super::summary::quantile(&sorted, p);
        let below: Vec<f64> = draws.iter().map(|x| f64::from(u8::from(*x <= cut))).collect();
        effective(&halves(&below, n), half)
    };
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (draws.len() - 1) as f64;
    Diagnosis {
        r_hat,
        ess_bulk: effective(&ranked, half),
        ess_tail: tail(0.05).min(tail(0.95)),
        mcse_mean: (variance / effective(&split, half)).sqrt(),
    }
}

/// Each chain of `n` draws as two; the middle draw of an odd number is left out.
fn halves(draws: &[f64], n: usize) -> Vec<f64> {
    let half = n / 2;
    draws.chunks_exact(n).flat_map(|chain| chain[..half].iter().chain(&chain[n - half..]).copied()).collect()
}

/// Normal scores of the ranks, ties at their mean rank (Blom's offset).
fn normal_ranks(draws: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..draws.len()).collect();
    order.sort_by(|&a, &b| draws[a].total_cmp(&draws[b]));
    let normal = Normal::standard();
    let mut scores = vec![0.0; draws.len()];
    let mut first = 0;
    while first < order.len() {
        let ties = order[first..].iter().take_while(|&&k| draws[k] == draws[order[first]]).count();
        let rank = first as f64 + 0.5 * (ties as f64 + 1.0);
        let score = normal.inverse_cdf((rank - 0.375) / (draws.len() as f64 + 0.25));
        order[first..first + ties].iter().for_each(|&k| scores[k] = score);
        first += ties;
    }
    scores
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64]) -> f64 {
    let middle = mean(x);
    x.iter().map(|x| (x - middle).powi(2)).sum::<f64>() / (x.len() - 1) as f64
}

/// √ of the variance between and within chains of `n` draws over that within.
fn r_hat(draws: &[f64], n: usize) -> f64 {
    let means: Vec<f64> = draws.chunks_exact(n).map(mean).collect();
    let within = mean(&draws.chunks_exact(n).map(variance).collect::<Vec<_>>());
    let between = n as f64 * variance(&means);
    // A number that never changes has converged.
    if within == 0.0 && between == 0.0 {
        return 1.0;
    }
    ((between / within + n as f64 - 1.0) / n as f64).sqrt()
}

/// Effective sample size of chains of `n` draws, by Geyer's initial monotone sequence of autocorrelations.
fn effective(draws: &[f64], n: usize) -> f64 {
    let chains: Vec<&[f64]> = draws.chunks_exact(n).collect();
    let total = draws.len() as f64;
    let (low, high) = draws.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
    if (high - low).abs() < f64::EPSILON || n < 4 {
        return total;
    }
    let means: Vec<f64> = chains.iter().map(|chain| mean(chain)).collect();
    // Mean over chains of the autocovariance at a lag.
    let covariance = |lag: usize| -> f64 {
        let own = chains.iter().zip(&means).map(|(chain, mean)| {
            let pairs = chain.iter().zip(&chain[lag..]);
            pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n as f64
        });
        own.sum::<f64>() / chains.len() as f64
    };
    let size = n as f64;
    let within = covariance(0) * size / (size - 1.0);
    let mut pooled = within * (size - 1.0) / size;
    if chains.len() > 1 {
        pooled += variance(&means);
    }
    let correlation = |lag: usize| 1.0 - (within - covariance(lag)) / pooled;
    let mut rho = vec![0.0; n];
    let (mut even, mut odd) = (1.0, correlation(1));
    (rho[0], rho[1]) = (even, odd);
    let mut t = 1;
    while t + 3 < n && even + odd > 0.0 {
        (even, odd) = (correlation(t + 1), correlation(t + 2));
        if even + odd >= 0.0 {
            (rho[t + 1], rho[t + 2]) = (even, odd);
        }
        t += 2;
    }
    let last = t.saturating_sub(2);
    if even > 0.0 {
        rho[last + 1] = even;
    }
    let mut t = 1;
    while t + 2 <= last {
        if rho[t + 1] + rho[t + 2] > rho[t - 1] + rho[t] {
            rho[t + 1] = 0.5 * (rho[t - 1] + rho[t]);
            rho[t + 2] = rho[t + 1];
        }
        t += 2;
    }
    let time = -1.0 + 2.0 * rho[..=last].iter().sum::<f64>() + rho[last + 1];
    total / time.max(1.0 / total.log10())
}
