//! Outcomes weighed and summed over many steps, states in SIMD lanes: what [`super::outcome`] does step by step.

// Loops over lanes index and copy by hand: what is called is not inlined into functions of another SIMD level.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use multiversion::multiversion;

/// A full Gaussian of which some dimensions are seen, by state in the last axis (padded).
#[derive(Debug)]
pub struct Full {
    pub there: Vec<usize>,
    pub missing: Vec<usize>,
    /// The inverse of the Cholesky factor of what is seen, over √2, `[there][there][state]`.
    pub whitening: Vec<f64>,
    /// Logarithm of the factor in front.
    pub fronts: Vec<f64>,
    /// Regression of what is missing on what is seen, `[missing][there][state]`.
    pub slopes: Vec<f64>,
    /// Covariance of what is missing given what is seen, `[missing][missing][state]`.
    pub left: Vec<f64>,
}

/// Lanes: the padded width, or eight where it is more.
macro_rules! lanes {
    ($w:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $w {
            2 => $kernel::<2>($w, $($argument),*),
            4 => $kernel::<4>($w, $($argument),*),
            _ => $kernel::<8>($w, $($argument),*),
        }
    };
}

#[inline(always)]
fn load<const B: usize>(x: &[f64], at: usize) -> [f64; B] {
    let x = &x[at..at + B];
    let mut lane = [0.0; B];
    for k in 0..B {
        lane[k] = x[k];
    }
    lane
}

#[inline(always)]
fn add<const B: usize>(x: &mut [f64], at: usize, lane: &[f64; B]) {
    let x = &mut x[at..at + B];
    for k in 0..B {
        x[k] += lane[k];
    }
}

/// Adds a table's rows to the steps'.
pub fn add_table(w: usize, table: &[f64], codes: &[u32], rows: &mut [f64]) {
    for (row, &code) in rows.chunks_exact_mut(w).zip(codes) {
        super::tick::sum_into(row, &table[code as usize * w..][..w]);
    }
}

/// Adds the weights of the steps to their codes' rows.
pub fn sum_codes(w: usize, codes: &[u32], weights: &[f64], into: &mut [f64]) {
    for (row, &code) in weights.chunks_exact(w).zip(codes) {
        super::tick::sum_into(&mut into[code as usize * w..][..w], row);
    }
}

/// Adds ln densities of Gaussians with independent dimensions.
pub fn add_diagonal(w: usize, x: &[f64], dims: usize, means: &[f64], halves: &[f64], fronts: &[f64], rows: &mut [f64]) {
    lanes!(w, diagonal_logs(x, dims, means, halves, fronts, rows));
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn diagonal_logs<const B: usize>(
    w: usize,
    x: &[f64],
    dims: usize,
    means: &[f64],
    halves: &[f64],
    fronts: &[f64],
    rows: &mut [f64],
) {
    let steps = rows.len() / w;
    let mut block = 0;
    while block < w {
        for t in 0..steps {
            let mut sum = [0.0; B];
            for d in 0..dims {
                let value = x[t * dims + d];
                if !value.is_nan() {
                    let mean: [f64; B] = load(means, d * w + block);
                    let half: [f64; B] = load(halves, d * w + block);
                    let front: [f64; B] = load(fronts, d * w + block);
                    for k in 0..B {
                        let gap = value - mean[k];
                        sum[k] += front[k] - gap * gap * half[k];
                    }
                }
            }
            add(rows, t * w + block, &sum);
        }
        block += B;
    }
}

/// Adds ln densities of Gaussians with full covariances.
pub fn add_full(w: usize, x: &[f64], dims: usize, means: &[f64], pattern: &[u32], patterns: &[Full], rows: &mut [f64]) {
    lanes!(w, full_logs(x, dims, means, pattern, patterns, rows));
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn full_logs<const B: usize>(
    w: usize,
    x: &[f64],
    dims: usize,
    means: &[f64],
    pattern: &[u32],
    patterns: &[Full],
    rows: &mut [f64],
) {
    let steps = rows.len() / w;
    let mut block = 0;
    while block < w {
        for t in 0..steps {
            let p = &patterns[pattern[t] as usize];
            let seen = p.there.len();
            let mut sum: [f64; B] = load(&p.fronts, block);
            for i in 0..seen {
                let mut z = [0.0; B];
                for j in 0..i + 1 {
                    let d = p.there[j];
                    let value = x[t * dims + d];
                    let mean: [f64; B] = load(means, d * w + block);
                    let factor: [f64; B] = load(&p.whitening, (i * seen + j) * w + block);
                    for k in 0..B {
                        z[k] += factor[k] * (value - mean[k]);
                    }
                }
                for k in 0..B {
                    sum[k] -= z[k] * z[k];
                }
            }
            add(rows, t * w + block, &sum);
        }
        block += B;
    }
}

/// Adds weights, weighed gaps from the means and their squares, `[3][dims][state]`, of what is there.
pub fn moments_diagonal(w: usize, x: &[f64], dims: usize, means: &[f64], weights: &[f64], into: &mut [f64]) {
    lanes!(w, diagonal_moments(x, dims, means, weights, into));
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn diagonal_moments<const B: usize>(
    w: usize,
    x: &[f64],
    dims: usize,
    means: &[f64],
    weights: &[f64],
    into: &mut [f64],
) {
    let steps = weights.len() / w;
    let mut block = 0;
    while block < w {
        for d in 0..dims {
            let mean: [f64; B] = load(means, d * w + block);
            let mut sums = [[0.0; B]; 3];
            for t in 0..steps {
                let value = x[t * dims + d];
                if !value.is_nan() {
                    let weight: [f64; B] = load(weights, t * w + block);
                    for k in 0..B {
                        let gap = value - mean[k];
                        let first = weight[k] * gap;
                        sums[0][k] += weight[k];
                        sums[1][k] += first;
                        sums[2][k] += first * gap;
                    }
                }
            }
            for n in 0..3 {
                add(into, (n * dims + d) * w + block, &sums[n]);
            }
        }
        block += B;
    }
}

/// Adds weights, weighed gaps and their products (lower triangle by rows), `[1 + dims + …][state]`; what is missing is
/// taken at its conditional mean, and its conditional covariance added.
#[allow(clippy::too_many_arguments)]
pub fn moments_full(
    w: usize,
    x: &[f64],
    dims: usize,
    means: &[f64],
    pattern: &[u32],
    patterns: &[Full],
    weights: &[f64],
    into: &mut [f64],
) {
    let mut gaps = vec![0.0; dims * 8];
    lanes!(w, full_moments(x, dims, means, pattern, patterns, weights, into, &mut gaps));
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
#[allow(clippy::too_many_arguments)]
fn full_moments<const B: usize>(
    w: usize,
    x: &[f64],
    dims: usize,
    means: &[f64],
    pattern: &[u32],
    patterns: &[Full],
    weights: &[f64],
    into: &mut [f64],
    gaps: &mut [f64],
) {
    let steps = weights.len() / w;
    let mut block = 0;
    while block < w {
        for t in 0..steps {
            let p = &patterns[pattern[t] as usize];
            let weight: [f64; B] = load(weights, t * w + block);
            let seen = p.there.len();
            for j in 0..seen {
                let d = p.there[j];
                let mean: [f64; B] = load(means, d * w + block);
                for k in 0..B {
                    gaps[d * B + k] = x[t * dims + d] - mean[k];
                }
            }
            for i in 0..p.missing.len() {
                let mut gap = [0.0; B];
                for j in 0..seen {
                    let slope: [f64; B] = load(&p.slopes, (i * seen + j) * w + block);
                    for k in 0..B {
                        gap[k] += slope[k] * gaps[p.there[j] * B + k];
                    }
                }
                for k in 0..B {
                    gaps[p.missing[i] * B + k] = gap[k];
                }
            }
            add(into, block, &weight);
            let mut at = 1 + dims;
            for i in 0..dims {
                let mut first = [0.0; B];
                for k in 0..B {
                    first[k] = weight[k] * gaps[i * B + k];
                }
                add(into, (1 + i) * w + block, &first);
                for j in 0..i + 1 {
                    let mut second = [0.0; B];
                    for k in 0..B {
                        second[k] = first[k] * gaps[j * B + k];
                    }
                    add(into, at * w + block, &second);
                    at += 1;
                }
            }
            for a in 0..p.missing.len() {
                for b in 0..p.missing.len() {
                    let (i, j) = (p.missing[a], p.missing[b]);
                    if j <= i {
                        let left: [f64; B] = load(&p.left, (a * p.missing.len() + b) * w + block);
                        let mut more = [0.0; B];
                        for k in 0..B {
                            more[k] = weight[k] * left[k];
                        }
                        add(into, (1 + dims + i * (i + 1) / 2 + j) * w + block, &more);
                    }
                }
            }
        }
        block += B;
    }
}

/// Turns rows of logarithms into likelihoods divided by their largest; the logarithm of that goes to `logs`. A row of
/// nothing but −∞ becomes zeros, with −∞.
pub fn likelihoods(w: usize, rows: &mut [f64], logs: &mut [f64]) {
    lanes!(w, divided(rows, logs));
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn divided<const B: usize>(w: usize, rows: &mut [f64], logs: &mut [f64]) {
    for t in 0..logs.len() {
        let row = &mut rows[t * w..][..w];
        let mut top: [f64; B] = load(row, 0);
        let mut block = B;
        while block < w {
            let lane: [f64; B] = load(row, block);
            for k in 0..B {
                top[k] = if lane[k] > top[k] { lane[k] } else { top[k] };
            }
            block += B;
        }
        let mut most = top[0];
        for k in 1..B {
            most = if top[k] > most { top[k] } else { most };
        }
        logs[t] = most;
        let base = if most == f64::NEG_INFINITY { 0.0 } else { most };
        for k in 0..w {
            row[k] -= base;
        }
    }
    // In a loop of its own, long enough for the compiler to take it by lanes.
    let n = rows.len();
    for k in 0..n {
        rows[k] = exponential(rows[k]);
    }
}

/// e^x for x ≤ 0 to 1 unit in the last place, without a branch, so that lanes take it together; 0 under −708.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2 (Cody and Waite 1980), e^r by its series to the 13th power.
#[inline(always)]
fn exponential(x: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52: adding it rounds to a whole number
    const HIGH: f64 = 6.931_471_803_691_238e-1;
    const LOW: f64 = 1.908_214_929_270_587_7e-10;
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * HIGH) - n * LOW;
    let (r2, r4) = (r * r, r * r * r * r);
    let low = (1.0 + r) + r2 * (1.0 / 2.0 + r * (1.0 / 6.0));
    let middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5_040.0));
    let high = (1.0 / 40_320.0 + r * (1.0 / 362_880.0)) + r2 * (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0));
    let top = 1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0);
    let series = low + r4 * (middle + r4 * (high + r4 * top));
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < -708.0 { 0.0 } else { series * scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_two_units() {
        for n in 0..200_000 {
            let x = -f64::from(n) * 0.003_539;
            let (ours, exact) = (exponential(x), x.exp());
            assert!((ours - exact).abs() <= 2.0 * f64::EPSILON * exact, "{x}: {ours} {exact}");
        }
        assert_eq!(exponential(f64::NEG_INFINITY), 0.0);
        assert_eq!(exponential(-1e6), 0.0);
        assert_eq!(exponential(0.0), 1.0);
    }
}
