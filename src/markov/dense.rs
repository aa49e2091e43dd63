//! The dense propagator: one exponential of a small extended generator by uniformised scaling and squaring.
//!
//! Λh ≤ 1 for the first piece h = t/2^s; the series has nonnegative terms, each squaring divides every row by its sum, so
//! stiff generators keep full accuracy where Padé loses digits. What leaves (silence, an overshot count) goes to a sink
//! that keeps the rows stochastic. The integral K(t) = ∫ e^{Q(t−s)} b a e^{Qs} ds doubles with it: K(2t) = E K + K E
//! (Van Loan 1978, without the block matrix).

use super::flow::{Flow, StepKind, Tally};
use super::poisson;
use super::tally::Sheet;
use nalgebra::{DMatrix, DVector, RowDVector};

/// A flow small enough for dense matrices.
#[derive(Debug)]
pub struct Dense<'f, 'a> {
    flow: &'f Flow<'a>,
    /// I + Q/Λ of the extended chain, the sink last.
    step: DMatrix<f64>,
}

impl<'f, 'a> Dense<'f, 'a> {
    /// Assembles the uniformised chain.
    pub fn new(flow: &'f Flow<'a>) -> Self {
        let size = flow.points() * flow.levels() + 1;
        let mut step = DMatrix::zeros(size, size);
        flow.each_step(|from, to, probability, _| step[(from, to)] += probability);
        step[(size - 1, size - 1)] = 1.0;
        Dense { flow, step: stochastic(step) }
    }

    fn pieces(&self, length: f64) -> (i32, f64) {
        let mean = self.flow.lambda() * length;
        let doublings = mean.max(1.0).log2().ceil() as i32;
        (doublings, mean / 2f64.powi(doublings))
    }

    fn first(&self, mean: f64) -> DMatrix<f64> {
        let size = self.step.nrows();
        let weights = poisson::weights(mean, self.flow.reach());
        let mut power = DMatrix::identity(size, size);
        let mut sum = DMatrix::zeros(size, size);
        for (u, &weight) in weights.iter().enumerate() {
            if u > 0 {
                power = &power * &self.step;
            }
            sum += &power * weight;
        }
        stochastic(sum)
    }

    /// e^{Q length}, the sink last.
    pub fn exponential(&self, length: f64) -> DMatrix<f64> {
        let (doublings, mean) = self.pieces(length);
        (0..doublings).fold(self.first(mean), |e, _| stochastic(&e * &e))
    }

    /// e^{Q length} · column, adding the stretch's expected statistics, times `weight`, to `sheet` and `tally`.
    pub fn backward_tally(
        &self,
        row: &[f64],
        column: &[f64],
        length: f64,
        weight: f64,
        sheet: &mut Sheet,
        tally: &mut Tally,
    ) -> Vec<f64> {
        let a = RowDVector::from_iterator(row.len() + 1, row.iter().copied().chain([0.0]));
        let b = DVector::from_iterator(column.len() + 1, column.iter().copied().chain([0.0]));
        let (doublings, mean) = self.pieces(length);
        let mut e = self.first(mean);
        let mut k = self.integral(&a, &b, mean);
        for _ in 0..doublings {
            k = &e * &k + &k * &e;
            e = stochastic(&e * &e);
        }
        let back = &e * &b;
        let scale = weight / (&a * &back)[(0, 0)];
        let (tiles, drains) = self.flow.shape();
        let n = self.flow.points();
        let mut moves = vec![0.0; tiles];
        let mut spent = vec![0.0; n];
        let mut lifted = vec![vec![0.0; n]; drains];
        let lambda = self.flow.lambda();
        self.flow.each_step(|from, to, probability, kind| match kind {
            StepKind::Stay(x) => spent[x] += scale * k[(from, from)],
            StepKind::Move(slot) => moves[slot] += scale * lambda * probability * k[(to, from)],
            StepKind::Leak => {}
            StepKind::Lift(drain, x) => lifted[drain][x] += scale * lambda * probability * k[(to, from)],
        });
        self.flow.record(&moves, &spent, &lifted, sheet, tally);
        back.iter().copied().take(back.len() - 1).collect()
    }

    /// K(h) = (1/Λ) Σ_k Pois(k+1) S_k with S_0 = b a, S_{k+1} = P S_k + b (a P^{k+1}).
    fn integral(&self, a: &RowDVector<f64>, b: &DVector<f64>, mean: f64) -> DMatrix<f64> {
        let weights = poisson::weights(mean, self.flow.reach() + 1);
        let mut row = a.clone();
        let mut s = b * &row;
        let mut sum = DMatrix::zeros(self.step.nrows(), self.step.ncols());
        for &weight in weights.iter().skip(1) {
            sum += &s * weight;
            row = &row * &self.step;
            s = &self.step * &s + b * &row;
        }
        sum / self.flow.lambda()
    }
}

/// row · e^{Q length} for an [`Dense::exponential`].
pub fn forward(exponential: &DMatrix<f64>, row: &[f64]) -> Vec<f64> {
    let row = RowDVector::from_iterator(row.len() + 1, row.iter().copied().chain([0.0]));
    let out = row * exponential;
    out.iter().copied().take(out.len() - 1).collect()
}

/// e^{Q length} · column for an [`Dense::exponential`].
pub fn backward(exponential: &DMatrix<f64>, column: &[f64]) -> Vec<f64> {
    let column = DVector::from_iterator(column.len() + 1, column.iter().copied().chain([0.0]));
    let out = exponential * column;
    out.iter().copied().take(out.len() - 1).collect()
}

fn stochastic(mut matrix: DMatrix<f64>) -> DMatrix<f64> {
    for mut row in matrix.row_iter_mut() {
        let sum: f64 = row.iter().sum();
        row /= sum;
    }
    matrix
}
