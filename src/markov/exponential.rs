//! The exponential of a small generator and its derivative, by uniformised scaling and squaring.
//!
//! With Λ ≥ every exit rate and P = I + Q/Λ, e^{Qh} = Σ_k Pois(k; Λh) Pᵏ over a short piece h, squared until it spans t; each
//! row is divided by its sum after each squaring. Nothing is subtracted, so that small entries keep their relative accuracy,
//! and what a squaring would double of the error in a row's sum is taken out: 1e-15 at ‖Qt‖ = 1e7, where Padé
//! approximation with plain squaring shows 1e-9. The derivative along V doubles with it: L(2t) = E L + L E (Van Loan 1978,
//! IEEE Trans. Automatic Control 23(3); Kalbfleisch and Lawless 1985, JASA 80, eq. 3.3, is what it replaces).

use multiversion::multiversion;
use nalgebra::DMatrix;

/// Λ exceeds the largest exit rate by this factor, so that no state only moves.
const MARGIN: f64 = 1.02;

/// Terms of the series of a piece with Λh ≤ 1/2 beyond the first that reaches an entry: 0.5¹⁴/14! = 7e-16.
const TERMS: usize = 14;

/// Largest size that has a kernel of its own.
const SMALL: usize = 8;

/// Most powers that a small kernel keeps.
const POWERS: usize = TERMS + SMALL + 1;

/// e^{Qt} of one generator at any number of times.
///
/// Matrices are row-major slices of n² numbers, rows are "from". A sub-generator needs a rung for what leaves: add one.
///
/// # Complexity
/// Making it: n + 14 products of n × n matrices for n ≤ 8 (their powers serve all times), else none. A time: log₂(2Λt)
/// products and, for n ≤ 8, n + 14 sums, else 7 products. A derivative: 2 (n + 14) and 3 log₂(2Λt) products.
///
/// # Examples
/// ```
/// use escalade::markov::Exponential;
///
/// let q = Exponential::new(&[-2.0, 2.0, 1.0, -1.0], 2);
/// let p = q.at(0.5);
/// assert!((p[0] - (1.0 + 2.0 * (-1.5f64).exp()) / 3.0).abs() < 1e-15);
/// ```
pub struct Exponential {
    n: usize,
    kernel: Box<dyn Kernel>,
}

impl std::fmt::Debug for Exponential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exponential").field("n", &self.n).finish_non_exhaustive()
    }
}

trait Kernel: Send + Sync {
    /// e^{Qt}.
    fn at(&self, t: f64, out: &mut [f64]);
    /// e^{Qt} and its derivative along a direction.
    fn along(&self, t: f64, direction: &[f64], law: &mut [f64], out: &mut [f64]);
}

impl Exponential {
    /// Of n × n rates; the diagonal is not read. Rates are finite, 0 or more.
    pub fn new(rates: &[f64], n: usize) -> Self {
        let kernel: Box<dyn Kernel> = match n {
            1 => Box::new(Small::<1>::new(rates)),
            2 => Box::new(Small::<2>::new(rates)),
            3 => Box::new(Small::<3>::new(rates)),
            4 => Box::new(Small::<4>::new(rates)),
            5 => Box::new(Small::<5>::new(rates)),
            6 => Box::new(Small::<6>::new(rates)),
            7 => Box::new(Small::<7>::new(rates)),
            SMALL => Box::new(Small::<SMALL>::new(rates)),
            _ => Box::new(Large::new(rates, n)),
        };
        Exponential { n, kernel }
    }

    /// Number of rungs.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is no rung.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// e^{Qt}, t ≥ 0: what is where after t, row by row.
    pub fn at(&self, t: f64) -> Vec<f64> {
        let mut out = vec![0.0; self.n * self.n];
        self.kernel.at(t, &mut out);
        out
    }

    /// e^{Qt} at each of `times`, one after the other in `out`.
    pub fn batch(&self, times: &[f64], out: &mut [f64]) {
        let size = (self.n * self.n).max(1);
        times.iter().zip(out.chunks_exact_mut(size)).for_each(|(&t, out)| self.kernel.at(t, out));
    }

    /// (e^{Qt}, its derivative along a direction dQ whose rows sum to 0).
    pub fn along(&self, t: f64, direction: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut law = vec![0.0; self.n * self.n];
        let mut out = law.clone();
        self.kernel.along(t, direction, &mut law, &mut out);
        (law, out)
    }

    /// e^{Qt}, adding to `gradient` the slopes dL/dq_ij (i ≠ j, the diagonal following) of a function with dL/dP = `slopes`.
    ///
    /// One pass serves any number of parameters: ∂L/∂θ = Σ_ij gradient_ij ∂q_ij/∂θ. Its diagonal is left at 0.
    pub fn pull(&self, t: f64, slopes: &[f64], gradient: &mut [f64]) -> Vec<f64> {
        let n = self.n;
        // ∫ e^{Qᵀs} G e^{Qᵀ(t−s)} ds is the transposed derivative along Gᵀ.
        let turned: Vec<f64> = (0..n * n).map(|k| slopes[k % n * n + k / n]).collect();
        let (law, out) = self.along(t, &turned);
        for i in 0..n {
            for j in (0..n).filter(|&j| j != i) {
                gradient[i * n + j] += out[j * n + i] - out[i * n + i];
            }
        }
        law
    }
}

/// Into how many doublings a mean of Λt events is cut so that pieces have at most half an event, and a piece's mean.
fn pieces(mean: f64) -> (u32, f64) {
    let mut doublings = 0;
    let mut piece = mean;
    while piece > 0.5 {
        piece *= 0.5;
        doublings += 1;
    }
    (doublings, piece)
}

/// Λ and I + Q/Λ, row by row.
fn uniformised(rates: &[f64], n: usize) -> (f64, Vec<f64>) {
    let exit = |i: usize| (0..n).filter(|&j| j != i).map(|j| rates[i * n + j]).sum::<f64>();
    let lambda = MARGIN * (0..n).map(exit).fold(0.0, f64::max);
    let scale = if lambda > 0.0 { 1.0 / lambda } else { 0.0 };
    let mut step: Vec<f64> = rates.iter().take(n * n).map(|rate| rate * scale).collect();
    for i in 0..n {
        step[i * n + i] = 1.0 - exit(i) * scale;
    }
    (lambda, step)
}

type Square<const N: usize> = [[f64; N]; N];

/// The kernel of a size that is known when it is compiled.
struct Small<const N: usize> {
    lambda: f64,
    powers: [Square<N>; POWERS],
}

impl<const N: usize> Small<N> {
    fn new(rates: &[f64]) -> Self {
        let (lambda, step) = uniformised(rates, N);
        let mut made = Small { lambda, powers: [[[0.0; N]; N]; POWERS] };
        for i in 0..N {
            made.powers[0][i][i] = 1.0;
            for j in 0..N {
                made.powers[1][i][j] = step[i * N + j];
            }
        }
        raise::<N>(&mut made.powers);
        made
    }
}

impl<const N: usize> Kernel for Small<N> {
    fn at(&self, t: f64, out: &mut [f64]) {
        let (doublings, mean) = pieces(self.lambda * t);
        law::<N>(&self.powers, doublings, mean, out);
    }

    fn along(&self, t: f64, direction: &[f64], law: &mut [f64], out: &mut [f64]) {
        let (doublings, mean) = pieces(self.lambda * t);
        let scale = if self.lambda > 0.0 { 1.0 / self.lambda } else { 0.0 };
        match self.lambda > 0.0 {
            true => slope::<N>(&self.powers, doublings, mean, scale, direction, law, out),
            false => still(N, t, direction, law, out),
        }
    }
}

/// Where no rate is positive yet: P = I and its derivative is t times the direction.
fn still(n: usize, t: f64, direction: &[f64], law: &mut [f64], out: &mut [f64]) {
    for k in 0..n * n {
        law[k] = f64::from(u8::from(k / n == k % n));
        out[k] = t * direction[k];
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

#[inline(always)]
fn add<const N: usize>(sum: &mut Square<N>, weight: f64, a: &Square<N>) {
    for i in 0..N {
        for j in 0..N {
            sum[i][j] += weight * a[i][j];
        }
    }
}

#[inline(always)]
fn stochastic<const N: usize>(a: &mut Square<N>) {
    for row in a {
        let mut sum = 0.0;
        for x in row.iter() {
            sum += x;
        }
        let scale = 1.0 / sum;
        for x in row.iter_mut() {
            *x *= scale;
        }
    }
}

/// The weights of 1, 2, … events over that of none.
#[inline(always)]
fn ratios(mean: f64) -> [f64; POWERS + 1] {
    let mut weights = [1.0; POWERS + 1];
    for k in 1..=POWERS {
        weights[k] = weights[k - 1] * (mean * INVERSE[k]);
    }
    weights
}

/// 1/k.
const INVERSE: [f64; POWERS + 1] = {
    let mut all = [0.0; POWERS + 1];
    let mut k = 1;
    while k <= POWERS {
        all[k] = 1.0 / k as f64;
        k += 1;
    }
    all
};

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
fn raise<const N: usize>(powers: &mut [Square<N>; POWERS]) {
    for k in 2..TERMS + N + 1 {
        powers[k] = product(&powers[k - 1], &powers[1]);
    }
}

#[inline(always)]
fn piece<const N: usize>(powers: &[Square<N>; POWERS], weights: &[f64; POWERS + 1]) -> Square<N> {
    let mut e = powers[0];
    for k in 1..TERMS + N + 1 {
        add(&mut e, weights[k], &powers[k]);
    }
    stochastic(&mut e);
    e
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
fn law<const N: usize>(powers: &[Square<N>; POWERS], doublings: u32, mean: f64, out: &mut [f64]) {
    let mut e = piece(powers, &ratios(mean));
    for _ in 0..doublings {
        e = product(&e, &e);
        stochastic(&mut e);
    }
    for i in 0..N {
        for j in 0..N {
            out[i * N + j] = e[i][j];
        }
    }
}

#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
fn slope<const N: usize>(
    powers: &[Square<N>; POWERS],
    doublings: u32,
    mean: f64,
    scale: f64,
    direction: &[f64],
    law: &mut [f64],
    out: &mut [f64],
) {
    let weights = ratios(mean);
    let mut e = piece(powers, &weights);
    let mut v = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..N {
            v[i][j] = direction[i * N + j];
        }
    }
    // S_0 = V, S_{k+1} = P S_k + V P^{k+1}; the derivative of the piece is (1/Λ) Σ Pois(k+1) S_k.
    let scale = scale * (-mean).exp();
    let mut s = v;
    let mut l = [[0.0; N]; N];
    for k in 0..TERMS + N {
        add(&mut l, scale * weights[k + 1], &s);
        if k + 1 < TERMS + N {
            s = product(&powers[1], &s);
            let more = product(&v, &powers[k + 1]);
            add(&mut s, 1.0, &more);
        }
    }
    for _ in 0..doublings {
        let mut next = product(&e, &l);
        let more = product(&l, &e);
        add(&mut next, 1.0, &more);
        l = next;
        e = product(&e, &e);
        stochastic(&mut e);
    }
    for i in 0..N {
        for j in 0..N {
            law[i * N + j] = e[i][j];
            out[i * N + j] = l[i][j];
        }
    }
}

/// The kernel of any size. Pieces are so short that the paths of a rare entry, n − 1 moves, spread over four pieces a move:
/// a piece then sees few events, and 15 terms do at any distance.
pub(super) struct Large {
    n: usize,
    lambda: f64,
    step: DMatrix<f64>,
}

impl Large {
    fn new(rates: &[f64], n: usize) -> Self {
        let (lambda, step) = uniformised(rates, n);
        Large { n, lambda, step: DMatrix::from_row_slice(n, n, &step) }
    }

    fn pieces(&self, t: f64) -> (u32, f64) {
        let (fewest, _) = pieces(2.0 * self.n as f64);
        let (doublings, mean) = pieces(2.0 * self.lambda * t);
        match doublings < fewest {
            true => (fewest, self.lambda * t / f64::from(1 << fewest)),
            false => (doublings, 0.5 * mean),
        }
    }

    /// Σ_k Pois(k) Pᵏ, k to 15, in six products (Paterson and Stockmeyer 1973).
    fn first(&self, mean: f64) -> DMatrix<f64> {
        let n = self.n;
        let weights = ratios(mean);
        let two = &self.step * &self.step;
        let three = &two * &self.step;
        let four = &two * &two;
        let part = |k: usize| {
            let mut sum = &self.step * weights[k + 1] + &two * weights[k + 2] + &three * weights[k + 3];
            (0..n).for_each(|i| sum[(i, i)] += weights[k]);
            sum
        };
        let mut sum = part(12);
        for k in [8, 4, 0] {
            sum = &four * sum + part(k);
        }
        divided(sum)
    }
}

impl Kernel for Large {
    fn at(&self, t: f64, out: &mut [f64]) {
        let (doublings, mean) = self.pieces(t);
        let mut e = self.first(mean);
        let mut next = e.clone();
        for _ in 0..doublings {
            e.mul_to(&e, &mut next);
            e = divided(next.clone());
        }
        by_rows(&e, out);
    }

    fn along(&self, t: f64, direction: &[f64], law: &mut [f64], out: &mut [f64]) {
        if self.lambda <= 0.0 {
            return still(self.n, t, direction, law, out);
        }
        let (doublings, mean) = self.pieces(t);
        let mut e = self.first(mean);
        let v = DMatrix::from_row_slice(self.n, self.n, direction);
        let weights = ratios(mean);
        let scale = (-mean).exp() / self.lambda;
        let (mut s, mut power) = (v.clone(), v.clone());
        let mut l = &s * (scale * weights[1]);
        for k in 1..TERMS {
            power = &power * &self.step;
            s = &self.step * s + &power;
            l += &s * (scale * weights[k + 1]);
        }
        for _ in 0..doublings {
            l = &e * &l + &l * &e;
            e = divided(&e * &e);
        }
        by_rows(&e, law);
        by_rows(&l, out);
    }
}

/// Each row over its sum, column by column as it is stored.
pub(super) fn divided(mut matrix: DMatrix<f64>) -> DMatrix<f64> {
    let mut sums = vec![0.0; matrix.nrows()];
    for column in matrix.column_iter() {
        sums.iter_mut().zip(column.iter()).for_each(|(sum, x)| *sum += x);
    }
    for mut column in matrix.column_iter_mut() {
        column.iter_mut().zip(&sums).for_each(|(x, sum)| *x /= sum);
    }
    matrix
}

fn by_rows(matrix: &DMatrix<f64>, out: &mut [f64]) {
    let n = matrix.nrows();
    for i in 0..n {
        for j in 0..n {
            out[i * n + j] = matrix[(i, j)];
        }
    }
}

/// The exponentials of Q over 2^k pieces with one event each, for vectors over any time: e^{Qt} is a product of some of them
/// and a short series. Made once, K products; a vector costs K + 20 + `reach` passes over the matrix.
#[derive(Debug)]
pub struct Doublings {
    lambda: f64,
    step: DMatrix<f64>,
    squares: Vec<DMatrix<f64>>,
}

impl Doublings {
    /// For times up to `longest`.
    pub fn new(rates: &DMatrix<f64>, longest: f64) -> Self {
        let n = rates.nrows();
        let mut flat = vec![0.0; n * n];
        by_rows(rates, &mut flat);
        let large = Large::new(&flat, n);
        let mut squares = vec![];
        if large.lambda * longest >= 1.0 {
            by_rows(&DMatrix::from_row_slice(n, n, &vec![0.0; n * n]), &mut flat);
            large.at(1.0 / large.lambda, &mut flat);
            squares.push(DMatrix::from_row_slice(n, n, &flat));
            while large.lambda * longest >= 2f64.powi(squares.len() as i32) {
                let last = &squares[squares.len() - 1];
                squares.push(divided(last * last));
            }
        }
        Doublings { lambda: large.lambda, step: large.step, squares }
    }

    /// How many doublings there are.
    pub fn count(&self) -> usize {
        self.squares.len()
    }

    /// Visits the factors of e^{Qt}: the numbers of squares, then the mean of what is left.
    fn factors(&self, t: f64) -> (Vec<usize>, f64) {
        let mut left = self.lambda * t;
        let mut out = vec![];
        for k in (0..self.squares.len()).rev() {
            let size = 2f64.powi(k as i32);
            if left >= size {
                left -= size;
                out.push(k);
            }
        }
        (out, left)
    }

    /// Row · e^{Qt} (`by_row`), or e^{Qt} · column.
    pub fn carry(&self, vector: &[f64], t: f64, by_row: bool) -> Vec<f64> {
        let (squares, mean) = self.factors(t);
        let apply = |matrix: &DMatrix<f64>, x: &nalgebra::DVector<f64>| match by_row {
            true => matrix.tr_mul(x),
            false => matrix * x,
        };
        let mut x = nalgebra::DVector::from_column_slice(vector);
        for k in squares {
            x = apply(&self.squares[k], &x);
        }
        let weights = super::poisson::weights(mean, self.step.nrows().min(160));
        let mut sum = &x * weights[0];
        for &weight in &weights[1..] {
            x = apply(&self.step, &x);
            sum += &x * weight;
        }
        sum.iter().copied().collect()
    }
}
