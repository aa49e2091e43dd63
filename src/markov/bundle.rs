//! The laws of one small generator over many lengths of time, and the slopes of a sum over them pulled back to its rates.
//!
//! With P = I + Q/Λ every law is Σ_k Pois(k; Λt) Pᵏ over the same powers, so a length costs one pass over them; and where
//! L = Σ_t ⟨G_t, e^{Qt}⟩ the weights M_k = Σ_t Pois(k; Λt) G_t are all that is needed of the slopes G_t: ∂L/∂P = Σ_k
//! Σ_{a+b=k−1} (Pᵀ)ᵃ M_k (Pᵀ)ᵇ, two products a power whatever the number of lengths (Kalbfleisch and Lawless 1985, JASA 80,
//! have the same sum by eigenvectors, which need not exist). Nothing is subtracted. Long lengths go to [`Exponential`].

use super::exponential::Exponential;
use multiversion::multiversion;

/// Λ exceeds the largest exit rate by this factor, so that no state only moves.
const MARGIN: f64 = 1.02;
/// Largest mean number of events of a length that goes by shared powers.
const MEAN: f64 = 24.0;
/// Largest size that has a kernel of its own.
const SMALL: usize = 8;

/// How many powers a length with that mean needs beyond the first that reaches an entry: the tail is below 1e-17.
fn terms(mean: f64, n: usize) -> usize {
    (mean + 8.0 * mean.sqrt()).ceil() as usize + 14 + n
}

/// One generator over many lengths.
///
/// # Examples
/// ```
/// use escalade::markov::Bundle;
///
/// let mut bundle = Bundle::new(&[0.0, 2.0, 1.0, 0.0], 2, 0.5);
/// let mut law = [0.0; 4];
/// bundle.law(0.5, &mut law);
/// assert!((law[0] - (1.0 + 2.0 * (-1.5f64).exp()) / 3.0).abs() < 1e-15);
/// bundle.push(0.5, &[1.0, 0.0, 0.0, 0.0]); // L = P_00
/// let mut slopes = [0.0; 4];
/// bundle.pull(&mut slopes);
/// assert!(slopes[1] < 0.0); // more of 0 → 1 leaves less at 0
/// ```
pub struct Bundle {
    n: usize,
    lambda: f64,
    kernel: Option<Box<dyn Kernel>>,
    /// For lengths that are too long for the powers, or where n is large.
    long: Option<Exponential>,
    /// Slopes that long lengths have pulled already.
    pulled: Vec<f64>,
    rates: Vec<f64>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("n", &self.n).field("lambda", &self.lambda).finish_non_exhaustive()
    }
}

trait Kernel: Send {
    fn law(&self, mean: f64, out: &mut [f64]);
    fn push(&mut self, mean: f64, slopes: &[f64]);
    fn pull(&self, lambda: f64, gradient: &mut [f64]);
}

impl Bundle {
    /// Of n × n rates, row by row (the diagonal is not read), for lengths up to `longest`.
    pub fn new(rates: &[f64], n: usize, longest: f64) -> Self {
        let exit = |i: usize| (0..n).filter(|&j| j != i).map(|j| rates[i * n + j]).sum::<f64>();
        let lambda = MARGIN * (0..n).map(exit).fold(0.0, f64::max);
        let count = terms((lambda * longest).min(MEAN), n);
        let kernel: Option<Box<dyn Kernel>> = match n {
            _ if !(lambda > 0.0 && lambda.is_finite()) => None,
            1 => Some(Box::new(Small::<1>::new(rates, lambda, count))),
            2 => Some(Box::new(Small::<2>::new(rates, lambda, count))),
            3 => Some(Box::new(Small::<3>::new(rates, lambda, count))),
            4 => Some(Box::new(Small::<4>::new(rates, lambda, count))),
            5 => Some(Box::new(Small::<5>::new(rates, lambda, count))),
            6 => Some(Box::new(Small::<6>::new(rates, lambda, count))),
            7 => Some(Box::new(Small::<7>::new(rates, lambda, count))),
            SMALL => Some(Box::new(Small::<SMALL>::new(rates, lambda, count))),
            _ => None,
        };
        let long = kernel.is_none() || lambda * longest > MEAN;
        let long = long.then(|| Exponential::new(rates, n));
        Bundle { n, lambda, kernel, long, pulled: vec![0.0; n * n], rates: rates.to_vec() }
    }

    /// e^{Qt} into `out`, row by row.
    pub fn law(&self, t: f64, out: &mut [f64]) {
        match (&self.kernel, &self.long) {
            (Some(kernel), _) if self.lambda * t <= MEAN => kernel.law(self.lambda * t, out),
            (_, Some(long)) => long.batch(&[t], out),
            _ => Exponential::new(&self.rates, self.n).batch(&[t], out),
        }
    }

    /// Adds the slopes dL/de^{Qt} of one length.
    pub fn push(&mut self, t: f64, slopes: &[f64]) {
        match (&mut self.kernel, &self.long) {
            (Some(kernel), _) if self.lambda * t <= MEAN => kernel.push(self.lambda * t, slopes),
            (_, Some(long)) => drop(long.pull(t, slopes, &mut self.pulled)),
            _ => drop(Exponential::new(&self.rates, self.n).pull(t, slopes, &mut self.pulled)),
        }
    }

    /// Adds dL/dq_ij (i ≠ j, the diagonal following) of all that was pushed.
    pub fn pull(&self, gradient: &mut [f64]) {
        gradient.iter_mut().zip(&self.pulled).for_each(|(sum, x)| *sum += x);
        if let Some(kernel) = &self.kernel {
            kernel.pull(self.lambda, gradient);
        }
    }
}

type Square<const N: usize> = [[f64; N]; N];

struct Small<const N: usize> {
    powers: Vec<Square<N>>,
    /// M_k.
    weights: Vec<Square<N>>,
    /// How many of them are in use.
    used: usize,
}

impl<const N: usize> Small<N> {
    fn new(rates: &[f64], lambda: f64, count: usize) -> Self {
        let mut step = [[0.0; N]; N];
        for i in 0..N {
            let mut exit = 0.0;
            for j in (0..N).filter(|&j| j != i) {
                step[i][j] = rates[i * N + j] / lambda;
                exit += step[i][j];
            }
            step[i][i] = 1.0 - exit;
        }
        let mut powers = Vec::with_capacity(count + 1);
        let mut one = [[0.0; N]; N];
        (0..N).for_each(|i| one[i][i] = 1.0);
        powers.push(one);
        raise(&mut powers, &step, count);
        Small { powers, weights: vec![[[0.0; N]; N]; count + 1], used: 0 }
    }
}

impl<const N: usize> Kernel for Small<N> {
    fn law(&self, mean: f64, out: &mut [f64]) {
        let count = terms(mean, N).min(self.powers.len() - 1);
        gather(&self.powers[..=count], mean, out);
    }

    fn push(&mut self, mean: f64, slopes: &[f64]) {
        let count = terms(mean, N).min(self.powers.len() - 1);
        self.used = self.used.max(count);
        scatter(&mut self.weights[..=count], mean, slopes);
    }

    fn pull(&self, lambda: f64, gradient: &mut [f64]) {
        if self.used > 0 {
            horner(&self.powers[1], &self.weights[..=self.used], lambda, gradient);
        }
    }
}

#[inline(always)]
fn product<const N: usize>(a: &Square<N>, b: &Square<N>) -> Square<N> {
    let mut out = [[0.0; N]; N];
    for i in 0..N {
        for k in 0..N {
            for j in 0..N {
                out[i][j] += a[i][k] * b[k][j];
            }
        }
    }
    out
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
fn raise<const N: usize>(powers: &mut Vec<Square<N>>, step: &Square<N>, count: usize) {
    let mut last = powers[0];
    for _ in 0..count {
        last = product(&last, step);
        powers.push(last);
    }
}

/// Σ_k Pois(k) Pᵏ.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
fn gather<const N: usize>(powers: &[Square<N>], mean: f64, out: &mut [f64]) {
    let mut weight = (-mean).exp();
    let mut sum = [[0.0; N]; N];
    for (k, power) in powers.iter().enumerate() {
        for i in 0..N {
            for j in 0..N {
                sum[i][j] += weight * power[i][j];
            }
        }
        weight *= mean * INVERSE[k + 1];
    }
    for i in 0..N {
        for j in 0..N {
            out[i * N + j] = sum[i][j];
        }
    }
}

/// M_k += Pois(k) G.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
fn scatter<const N: usize>(weights: &mut [Square<N>], mean: f64, slopes: &[f64]) {
    let mut own = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..N {
            own[i][j] = slopes[i * N + j];
        }
    }
    let mut weight = (-mean).exp();
    for (k, sum) in weights.iter_mut().enumerate() {
        for i in 0..N {
            for j in 0..N {
                sum[i][j] += weight * own[i][j];
            }
        }
        weight *= mean * INVERSE[k + 1];
    }
}

/// Adds dL/dq, from M_K down: R ← M_k + R Pᵀ, D ← R + Pᵀ D.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
fn horner<const N: usize>(step: &Square<N>, weights: &[Square<N>], lambda: f64, gradient: &mut [f64]) {
    let mut turned = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..N {
            turned[i][j] = step[j][i];
        }
    }
    let mut rest = [[0.0; N]; N];
    let mut slope = [[0.0; N]; N];
    for own in weights[1..].iter().rev() {
        rest = product(&rest, &turned);
        slope = product(&turned, &slope);
        for i in 0..N {
            for j in 0..N {
                rest[i][j] += own[i][j];
                slope[i][j] += rest[i][j];
            }
        }
    }
    for i in 0..N {
        for j in (0..N).filter(|&j| j != i) {
            gradient[i * N + j] += (slope[i][j] - slope[i][i]) / lambda;
        }
    }
}

/// More than the terms of the largest mean at the largest size.
const MOST: usize = 96;

/// 1/k.
const INVERSE: [f64; MOST] = {
    let mut all = [0.0; MOST];
    let mut k = 1;
    while k < MOST {
        all[k] = 1.0 / k as f64;
        k += 1;
    }
    all
};
