//! Systems (D − R) x = b of a chain that leaves a set of rungs, solved without a subtraction.
//!
//! Rungs are taken out of the chain one after the other, what passed through them going straight on: state reduction by
//! Grassmann, Taksar and Heyman 1985, Operations Research 33(5); with what leaves kept beside the rates, as by Alfa, Xue and
//! Ye 2002, Mathematics of Computation 71(237). Every entry of the answer has a small relative error, however stiff or
//! nearly closed the set is. Rows are kept as far as they reach to either side of the diagonal.

use super::gather::Rows;
use super::stencil::{axpy, dot};
use crate::ground::{Control, Result};

/// A chain on m rungs with the last rungs taken out one by one.
#[derive(Debug, Clone)]
pub struct Elimination {
    m: usize,
    /// How far rows reach to either side.
    band: usize,
    /// Row i from column i − band to i + band. Before the diagonal: rates once all later rungs are gone; after it: the share
    /// of a later rung's throughput that came from here.
    rows: Vec<f64>,
    /// Total rate out of rung k once the later ones are gone.
    exit: Vec<f64>,
}

/// How far the rows of a matrix reach to either side of its diagonal.
pub fn band(rows: &Rows) -> usize {
    (0..rows.len()).flat_map(|i| rows.row(i).map(move |(j, _)| i.abs_diff(j))).max().unwrap_or(0)
}

impl Elimination {
    /// Eliminates: `rows` holds the rates within the set, `out` those that leave it (none: the set is closed).
    ///
    /// # Errors
    /// `Interrupted`.
    ///
    /// # Complexity
    /// O(m band²) time, O(m band) memory.
    pub fn new(rows: &Rows, out: Option<&[f64]>, control: &Control) -> Result<Self> {
        let (m, band) = (rows.len(), band(rows));
        let width = 2 * band + 1;
        let mut made = Elimination { m, band, rows: vec![0.0; m * width], exit: vec![0.0; m] };
        for i in 0..m {
            for (j, rate) in rows.row(i) {
                made.rows[i * width + j + band - i] += rate;
            }
        }
        let mut out = out.map_or_else(|| vec![0.0; m], <[f64]>::to_vec);
        for k in (0..m).rev() {
            control.check()?;
            let low = k.saturating_sub(band);
            let (before, own) = made.rows.split_at_mut(k * width);
            let own = &own[low + band - k..band];
            let exit = own.iter().sum::<f64>() + out[k];
            made.exit[k] = exit;
            for i in low..k {
                let row = &mut before[i * width..(i + 1) * width];
                let at = k + band - i;
                if row[at] > 0.0 {
                    let share = row[at] / exit;
                    row[at] = share;
                    out[i] += share * out[k];
                    axpy(share, own, &mut row[low + band - i..k + band - i]);
                }
            }
        }
        Ok(made)
    }

    fn before(&self, k: usize) -> (usize, &[f64]) {
        let (low, width) = (k.saturating_sub(self.band), 2 * self.band + 1);
        (low, &self.rows[k * width + low + self.band - k..k * width + self.band])
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.rows[i * (2 * self.band + 1) + j + self.band - i]
    }

    /// x with (D − R) x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for k in (0..self.m).rev() {
            for i in k.saturating_sub(self.band)..k {
                x[i] += self.at(i, k) * x[k];
            }
        }
        for k in 0..self.m {
            let (low, own) = self.before(k);
            x[k] = (x[k] + dot(own, &x[low..k])) / self.exit[k];
        }
        x
    }

    /// x with x (D − R) = b.
    pub fn solve_left(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for k in (0..self.m).rev() {
            x[k] /= self.exit[k];
            let (low, own) = self.before(k);
            let (before, rest) = x.split_at_mut(k);
            axpy(rest[0], own, &mut before[low..]);
        }
        for k in 0..self.m {
            let low = k.saturating_sub(self.band);
            x[k] += (low..k).map(|i| self.at(i, k) * x[i]).sum::<f64>();
        }
        x
    }

    /// The stationary law of a closed irreducible set.
    pub fn stationary(&self) -> Vec<f64> {
        let mut x = vec![0.0; self.m];
        x[0] = 1.0;
        for k in 1..self.m {
            x[k] = (k.saturating_sub(self.band)..k).map(|i| self.at(i, k) * x[i]).sum();
            if x[k] > 1e200 {
                x[..=k].iter_mut().for_each(|x| *x *= 1e-200);
            }
        }
        let sum: f64 = x.iter().sum();
        x.iter_mut().for_each(|x| *x /= sum);
        x
    }
}
