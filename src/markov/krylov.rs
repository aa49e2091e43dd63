//! Systems (D − R) x = b of many rungs: BiCGSTAB (van der Vorst 1992, SIAM J. Sci. Stat. Computing 13(2)) behind an
//! incomplete factorisation without fill, which an M-matrix always has (Meijerink and van der Vorst 1977).

use super::gather::{Gather, Rows};
use super::stencil::{axpy, dot};
use crate::ground::{Control, Error, Result};

/// The residual asked for, relative to the right side.
const RESIDUAL: f64 = 1e-13;
/// A residual that rounding alone leaves, relative to the sizes of what is added up in it.
const ROUNDING: f64 = 4e-15;
/// Where sweeps stop, and most of them.
const POLISHED: f64 = 1e-13;
const SWEEPS: usize = 3000;
/// Most iterations.
const MOST: usize = 20_000;
/// Iterations without progress after which the iteration begins anew.
const STALE: usize = 60;

/// A system and its incomplete factors.
#[derive(Debug)]
pub struct System<'g> {
    rows: Rows,
    /// The matrix over all rungs, faster to apply, and which of its rungs these are.
    whole: &'g Gather,
    inner: Vec<u32>,
    diagonal: Vec<f64>,
    /// L below the diagonal, U beyond it, in the pattern of `rows`.
    factors: Vec<f64>,
    /// 1 over U's diagonal.
    pivots: Vec<f64>,
    /// Where each row passes its diagonal.
    middle: Vec<usize>,
}

/// Vectors over all rungs.
struct Room {
    zero: Vec<f64>,
    from: Vec<f64>,
    to: Vec<f64>,
}

/// What an iteration found.
#[derive(Debug, Clone, PartialEq)]
pub struct Iterated {
    pub x: Vec<f64>,
    pub iterations: usize,
    /// ‖b − (D − R) x‖ / ‖b‖ as computed at the end.
    pub residual: f64,
}

impl<'g> System<'g> {
    /// From rates R ≥ 0 (columns ascending within rows) and the diagonal D; R is what `whole` has on the rungs `inner`.
    pub fn new(rows: Rows, diagonal: Vec<f64>, whole: &'g Gather, inner: &[usize]) -> Self {
        let m = rows.len();
        let mut factors: Vec<f64> = rows.values.iter().map(|rate| -rate).collect();
        let middle: Vec<usize> = (0..m)
            .map(|i| {
                let own = &rows.columns[rows.starts[i]..rows.starts[i + 1]];
                rows.starts[i] + own.partition_point(|&j| (j as usize) < i)
            })
            .collect();
        let mut pivots = vec![0.0; m];
        let mut place = vec![usize::MAX; m];
        for i in 0..m {
            let range = rows.starts[i]..rows.starts[i + 1];
            range.clone().for_each(|at| place[rows.columns[at] as usize] = at);
            let mut pivot = diagonal[i];
            for at in rows.starts[i]..middle[i] {
                let k = rows.columns[at] as usize;
                let factor = factors[at] * pivots[k];
                factors[at] = factor;
                for beyond in middle[k]..rows.starts[k + 1] {
                    let j = rows.columns[beyond] as usize;
                    if j == i {
                        pivot -= factor * factors[beyond];
                    } else if place[j] != usize::MAX {
                        factors[place[j]] -= factor * factors[beyond];
                    }
                }
            }
            // Rounding may leave nothing of a pivot; the row is then left as it was.
            pivots[i] = 1.0 / if pivot > 1e-14 * diagonal[i] { pivot } else { diagonal[i] };
            range.for_each(|at| place[rows.columns[at] as usize] = usize::MAX);
        }
        let inner = inner.iter().map(|&i| i as u32).collect();
        System { rows, whole, inner, diagonal, factors, pivots, middle }
    }

    fn apply(&self, x: &[f64], out: &mut [f64], room: &mut Room) {
        for (&i, x) in self.inner.iter().zip(x) {
            room.from[i as usize] = *x;
        }
        self.whole.apply(&room.zero, &room.from, &mut room.to);
        for (k, (&i, out)) in self.inner.iter().zip(out).enumerate() {
            *out = self.diagonal[k] * x[k] - room.to[i as usize];
        }
    }

    /// Divides by the incomplete factors.
    fn precondition(&self, b: &[f64], x: &mut [f64]) {
        for i in 0..b.len() {
            let range = self.rows.starts[i]..self.middle[i];
            let mut sum = b[i];
            for (&j, factor) in self.rows.columns[range.clone()].iter().zip(&self.factors[range]) {
                sum -= factor * x[j as usize];
            }
            x[i] = sum;
        }
        for i in (0..b.len()).rev() {
            let range = self.middle[i]..self.rows.starts[i + 1];
            let mut sum = x[i];
            // The nearest rung, which has just been solved, comes last: nobody waits for it longer than need be.
            for (&j, factor) in self.rows.columns[range.clone()].iter().zip(&self.factors[range]).rev() {
                sum -= factor * x[j as usize];
            }
            x[i] = sum * self.pivots[i];
        }
    }

    /// x with (D − R) x = b, b ≥ 0.
    ///
    /// # Errors
    /// `NotConverged` with the residual, `Interrupted`.
    ///
    /// # Complexity
    /// An iteration takes two products with the matrix and two with its factors.
    pub fn solve(&self, b: &[f64], guess: Option<&[f64]>, control: &Control) -> Result<Iterated> {
        let n = b.len();
        let norm = dot(b, b).sqrt();
        let mut x = guess.map_or_else(|| vec![0.0; n], <[f64]>::to_vec);
        if norm == 0.0 {
            return Ok(Iterated { x: vec![0.0; n], iterations: 0, residual: 0.0 });
        }
        let mut r = vec![0.0; n];
        let all = self.whole.len();
        let mut room = Room { zero: vec![0.0; all], from: vec![0.0; all], to: vec![0.0; all] };
        let residual_of = |x: &[f64], r: &mut [f64], room: &mut Room| {
            self.apply(x, r, room);
            (0..n).for_each(|i| r[i] = b[i] - r[i]);
            dot(r, r).sqrt()
        };
        // As D x and R x are both about the size of D x, this is the least that a residual can be.
        let floor =
            |x: &[f64]| ROUNDING * x.iter().zip(&self.diagonal).map(|(x, d)| (2.0 * x * d).powi(2)).sum::<f64>().sqrt();
        let mut size = residual_of(&x, &mut r, &mut room);
        let (mut best, mut kept, mut stale, mut restarts) = (size, x.clone(), 0, 0);
        let (mut shadow, mut p, mut v) = (r.clone(), vec![0.0; n], vec![0.0; n]);
        let (mut y, mut z, mut t) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (mut rho, mut alpha, mut omega) = (1.0, 1.0, 1.0);
        for iterations in 0..MOST {
            control.check()?;
            if size <= RESIDUAL * norm || size <= floor(&x) {
                size = residual_of(&x, &mut r, &mut room);
                if size <= (10.0 * RESIDUAL * norm).max(2.0 * floor(&x)) {
                    x.iter_mut().for_each(|x| *x = x.max(0.0));
                    return Ok(Iterated { x, iterations, residual: size / norm });
                }
            }
            let next = dot(&shadow, &r);
            let broken = !next.is_finite() || next.abs() <= 1e-300 || omega == 0.0 || stale > STALE;
            if broken {
                if restarts > 30 {
                    break;
                }
                x.copy_from_slice(&kept);
                size = residual_of(&x, &mut r, &mut room);
                shadow.copy_from_slice(&r);
                // Another shadow where the same one failed.
                (0..n).for_each(|i| shadow[i] *= 1.0 + 0.5 * ((i * (restarts + 1)) % 7) as f64);
                p.fill(0.0);
                v.fill(0.0);
                (rho, alpha, omega, stale) = (1.0, 1.0, 1.0, 0);
                restarts += 1;
                continue;
            }
            let beta = next / rho * (alpha / omega);
            rho = next;
            (0..n).for_each(|i| p[i] = r[i] + beta * (p[i] - omega * v[i]));
            self.precondition(&p, &mut y);
            self.apply(&y, &mut v, &mut room);
            alpha = rho / dot(&shadow, &v);
            axpy(-alpha, &v, &mut r);
            self.precondition(&r, &mut z);
            self.apply(&z, &mut t, &mut room);
            omega = dot(&t, &r) / dot(&t, &t);
            if !omega.is_finite() {
                omega = 0.0;
            }
            axpy(alpha, &y, &mut x);
            axpy(omega, &z, &mut x);
            axpy(-omega, &t, &mut r);
            size = dot(&r, &r).sqrt();
            if size < 0.9 * best {
                (best, stale) = (size, 0);
                kept.copy_from_slice(&x);
            } else {
                stale += 1;
            }
        }
        let size = residual_of(&kept, &mut r, &mut room) / norm;
        Err(Error::NotConverged {
            message: format!(
                "the iteration on {n} rungs stopped at a residual of {size:.1e} of the right side; {RESIDUAL:.0e} is \
                 asked for"
            ),
        })
    }

    /// Sweeps over the rungs forth and back (Gauss and Seidel), without a subtraction, until no entry changes by more than
    /// 1e-13 of itself: what makes small entries as accurate as large ones. The last change, relative.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn polish(&self, b: &[f64], x: &mut [f64], control: &Control) -> Result<f64> {
        let mut change = f64::INFINITY;
        for _ in 0..SWEEPS {
            control.check()?;
            change = 0.0;
            for turn in 0..2 {
                for k in 0..b.len() {
                    let i = if turn == 0 { k } else { b.len() - 1 - k };
                    let sum: f64 = self.rows.row(i).map(|(j, rate)| rate * x[j]).sum();
                    let next = (b[i] + sum) / self.diagonal[i];
                    if next > 0.0 && turn == 1 {
                        change = f64::max(change, (next - x[i]).abs() / next);
                    }
                    x[i] = next;
                }
            }
            if change <= POLISHED {
                break;
            }
        }
        Ok(change)
    }
}
