//! What carries a vector over a stretch of time: matrix-free uniformisation, or a dense exponential where that is cheaper.
//!
//! With Λ ≥ every exit rate and P = I + Q/Λ, e^{Qt} = Σ_u Pois(u; Λt) Pᵘ (Jensen 1953). For a forward row a and a backward
//! column b, ∫ (a e^{Qs})_i (e^{Q(t−s)} b)_j ds = (1/Λ) Σ_u (a Pᵘ)_i (W_u)_j with W_u = Pois(u+1; Λt) b + P W_{u+1}: the
//! expected time at i for i = j and, times q_ij, the expected moves i → j. All terms are nonnegative; nothing cancels.

use super::dense::Dense;
use super::field::Field;
use super::monitor::Open;
use super::poisson;
use super::stencil::{Stencil, axpy, axpy_each, dot, multiply};
use crate::ground::Control;

/// Λ exceeds the largest exit rate by this factor, so that no state only moves.
const MARGIN: f64 = 1.02;
/// Most steps, about, of one stretch: longer ones are cut, so that the weights stay few.
const LONGEST: f64 = 1e4;
/// Most expected drained events of one stretch: what silence leaves of a longer one, e^−500 and less, would underflow.
const DRAINED: f64 = 500.0;
/// Bytes that the stored rows of one backward stretch may take before it is cut into shorter ones.
const STORED: usize = 64 << 20;

/// An event intensity under observation: it drains the flow (silence is evidence), or, with a counter, lifts its level.
#[derive(Debug, Clone, Copy)]
pub struct Drain<'a> {
    pub label: &'a Field<u32>,
    /// (stride, levels) of the counting monitor in the level index.
    pub counter: Option<(usize, usize)>,
}

/// Expected statistics by label, weighted: how many moves, and the time at risk (days).
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub moves: Vec<f64>,
    pub time: Vec<f64>,
}

impl Tally {
    /// Zero for each of so many labels.
    pub fn new(labels: usize) -> Self {
        Tally { moves: vec![0.0; labels], time: vec![0.0; labels] }
    }
}

/// A generator with its rates filled in, the drains and monitors that are open, ready to carry vectors.
#[derive(Debug)]
pub struct Flow<'a> {
    stencil: &'a Stencil,
    rates: &'a [f64],
    drains: Vec<Drain<'a>>,
    open: Vec<Open<'a>>,
    levels: usize,
    /// Λ, per day.
    lambda: f64,
    /// Tile values and drain rates divided by Λ.
    tiles: Vec<f64>,
    drained: Vec<Vec<f64>>,
    /// 1 − exit/Λ at each point.
    stay: Vec<f64>,
    /// Most moves that it can take to get anywhere.
    reach: usize,
    /// Levels that keep their weight and where it lies no longer matters.
    still: Vec<bool>,
    /// Largest drained intensity, per day.
    drained_most: f64,
    control: &'a Control,
}

impl<'a> Flow<'a> {
    /// Prepares a flow. What it returns once `control` was stopped means nothing. `tiles` and `exit` are the stencil's for `rates`; `levels` is the product of the open monitors'.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        stencil: &'a Stencil,
        tiles: &[f64],
        exit: &[f64],
        rates: &'a [f64],
        drains: Vec<Drain<'a>>,
        open: Vec<Open<'a>>,
        levels: usize,
        control: &'a Control,
    ) -> Self {
        let mut exit = exit.to_vec();
        let mut drained: Vec<Vec<f64>> = vec![];
        let mut drained_most = 0.0;
        for drain in &drains {
            let mut rate = vec![0.0; exit.len()];
            drain.label.runs(stencil.space(), |start, end, index| {
                rate[start..end].fill(rates[drain.label.table()[index] as usize]);
            });
            exit.iter_mut().zip(&rate).for_each(|(sum, r)| *sum += r);
            drained_most += rate.iter().fold(0.0, |most: f64, &r| most.max(r));
            drained.push(rate);
        }
        let lambda = MARGIN * exit.iter().fold(0.0, |most: f64, &e| most.max(e));
        let inverse = if lambda > 0.0 { 1.0 / lambda } else { 0.0 };
        let moves: usize = stencil.space().sizes().iter().map(|size| size - 1).sum();
        let counts: usize = drains.iter().filter_map(|drain| drain.counter).map(|(_, levels)| levels - 1).sum();
        Flow {
            stencil,
            rates,
            drains,
            open,
            levels,
            lambda,
            tiles: tiles.iter().map(|rate| rate * inverse).collect(),
            drained: drained.into_iter().map(|rate| rate.into_iter().map(|r| r * inverse).collect()).collect(),
            stay: exit.iter().map(|e| 1.0 - e * inverse).collect(),
            reach: moves + counts,
            still: vec![false; levels],
            drained_most,
            control,
        }
    }

    /// Says that after this flow only the levels' totals are read: levels that no monitor can leave are left where they lie.
    pub fn settled(mut self) -> Self {
        if self.drains.is_empty() {
            for level in 0..self.levels {
                self.still[level] = self.open.iter().all(|open| open.absorbing(level));
            }
        }
        self
    }

    /// Number of points of the joint space.
    pub fn points(&self) -> usize {
        self.stay.len()
    }

    /// Number of levels.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Λ, per day.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// Most moves that it can take to get anywhere.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// row · P.
    fn step(&self, row: &[f64], out: &mut [f64]) {
        let n = self.points();
        for ((row, out), still) in row.chunks_exact(n).zip(out.chunks_exact_mut(n)).zip(&self.still) {
            if *still {
                out.copy_from_slice(row);
                continue;
            }
            multiply(row, &self.stay, out);
            self.stencil.forward(&self.tiles, row, out);
        }
        self.lift(|level, next, rate| {
            for x in 0..n {
                out[next * n + x] += rate[x] * row[level * n + x];
            }
        });
        self.open.iter().for_each(|open| open.arrive(out, n));
    }

    /// P · column; `arrived` is left holding the column seen from the states arrived at.
    fn step_back(&self, arrived: &mut [f64], out: &mut [f64]) {
        let n = self.points();
        self.open.iter().for_each(|open| open.before(arrived, n));
        for (column, out) in arrived.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            multiply(column, &self.stay, out);
            self.stencil.backward(&self.tiles, column, out);
        }
        self.lift(|level, next, rate| {
            for x in 0..n {
                out[level * n + x] += rate[x] * arrived[next * n + x];
            }
        });
    }

    fn lift(&self, mut visit: impl FnMut(usize, usize, &[f64])) {
        for (drain, rate) in self.drains.iter().zip(&self.drained) {
            if let Some((stride, size)) = drain.counter {
                for level in (0..self.levels).filter(|level| level / stride % size + 1 < size) {
                    visit(level, level + stride, rate);
                }
            }
        }
    }

    fn dense(&self, length: f64) -> Option<Dense<'_, 'a>> {
        let size = self.points() * self.levels;
        if size > 64 {
            return None;
        }
        let mean = self.lambda * length;
        let steps = poisson::steps(mean, self.reach) as f64;
        let stencil = steps * (self.stencil.operations() * self.levels + 20) as f64;
        let dense = (size + 1).pow(3) as f64 * (24.0 + self.reach as f64 + 3.0 * mean.max(1.0).log2());
        (dense < stencil).then(|| Dense::new(self))
    }

    /// Into how many equal pieces a stretch is cut so that nothing underflows and no piece takes more than `most` steps.
    fn pieces(&self, length: f64, most: f64) -> usize {
        let silent = (self.drained_most * length / DRAINED).ceil().max(1.0);
        let steps = (self.lambda * length / most).ceil();
        if self.dense(length / silent).is_some() { silent as usize } else { silent.max(steps) as usize }
    }

    /// (row · e^{Q length} / s, ln s) for some scale s; vectors hold `levels` times `points` numbers.
    pub fn forward(&self, row: &[f64], length: f64) -> (Vec<f64>, f64) {
        if self.lambda * length <= 0.0 {
            return (row.to_vec(), 0.0);
        }
        let pieces = self.pieces(length, LONGEST);
        let piece = length / pieces as f64;
        let dense = self.dense(piece);
        let weights = poisson::weights(self.lambda * piece, self.reach);
        let (mut row, mut log) = (row.to_vec(), 0.0);
        for done in 1..=pieces {
            row = match &dense {
                Some(dense) => dense.forward(&row, piece),
                None => self.forward_piece(row, &weights),
            };
            if done < pieces {
                log += rescale(&mut row);
            }
        }
        (row, log)
    }

    fn forward_piece(&self, row: Vec<f64>, weights: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; row.len()];
        let mut next = vec![0.0; row.len()];
        let mut current = row;
        let last = weights.len() - 1;
        for (u, &weight) in weights.iter().enumerate() {
            if weight > 0.0 {
                axpy(weight, &current, &mut out);
            }
            if u == last || self.control.stopped() {
                break;
            }
            self.step(&current, &mut next);
            std::mem::swap(&mut current, &mut next);
        }
        out
    }

    /// Visits row · Pᵘ for u = 0, 1, … `steps` − 1: any horizon is a Poisson mixture of what is seen.
    pub fn series(&self, row: &[f64], steps: usize, mut see: impl FnMut(usize, &[f64])) {
        let mut current = row.to_vec();
        let mut next = vec![0.0; row.len()];
        for u in 0..steps {
            see(u, &current);
            if u + 1 == steps || self.control.stopped() {
                break;
            }
            self.step(&current, &mut next);
            std::mem::swap(&mut current, &mut next);
        }
    }

    /// `law(row · e^{Q t})` at each of `times` (ascending), `law` linear: one pass over the powers of P serves all.
    pub fn laws(&self, row: &[f64], times: &[f64], mut law: impl FnMut(&[f64]) -> Vec<f64>) -> Vec<Vec<f64>> {
        let mut laws: Vec<Vec<f64>> = Vec::with_capacity(times.len());
        let (mut row, mut now) = (row.to_vec(), 0.0);
        while laws.len() < times.len() {
            let ahead = &times[laws.len()..];
            let near = ahead.partition_point(|time| self.lambda * (time - now) <= LONGEST);
            if near == 0 {
                row = self.forward(&row, ahead[0] - now).0;
                now = ahead[0];
                laws.push(law(&row));
                continue;
            }
            laws.extend(self.laws_nearby(&row, ahead[..near].iter().map(|time| time - now), &mut law));
        }
        laws
    }

    fn laws_nearby(
        &self,
        row: &[f64],
        times: impl Iterator<Item = f64>,
        law: &mut impl FnMut(&[f64]) -> Vec<f64>,
    ) -> Vec<Vec<f64>> {
        let weights: Vec<Vec<f64>> = times.map(|time| poisson::weights(self.lambda * time, self.reach)).collect();
        let steps = weights.iter().map(Vec::len).max().unwrap_or(0);
        let mut laws: Vec<Vec<f64>> = vec![vec![]; weights.len()];
        self.series(row, steps, |u, current| {
            let here = law(current);
            for (sum, weights) in laws.iter_mut().zip(&weights) {
                sum.resize(here.len(), 0.0);
                if let Some(&weight) = weights.get(u) {
                    axpy(weight, &here, sum);
                }
            }
        });
        laws
    }

    /// e^{Q length} · column, up to scale where silence is so long that it would underflow.
    pub fn backward(&self, column: &[f64], length: f64) -> Vec<f64> {
        if self.lambda * length <= 0.0 {
            return column.to_vec();
        }
        let pieces = self.pieces(length, LONGEST);
        let piece = length / pieces as f64;
        let dense = self.dense(piece);
        let weights = poisson::weights(self.lambda * piece, self.reach);
        let mut column = column.to_vec();
        for done in 1..=pieces {
            column = match &dense {
                Some(dense) => dense.backward(&column, piece),
                None => self.backward_piece(&column, &weights),
            };
            if done < pieces {
                rescale(&mut column);
            }
        }
        column
    }

    fn backward_piece(&self, column: &[f64], weights: &[f64]) -> Vec<f64> {
        let mut sum: Vec<f64> = vec![0.0; column.len()];
        let mut next = vec![0.0; column.len()];
        for &weight in weights.iter().rev() {
            if self.control.stopped() {
                break;
            }
            // Horner: after the loop `sum` is Σ w_u Pᵘ b.
            self.step_back(&mut sum, &mut next);
            axpy(weight, column, &mut next);
            std::mem::swap(&mut sum, &mut next);
        }
        sum
    }

    /// e^{Q length} · column, adding the stretch's expected statistics to `tally`, given the row that enters it.
    ///
    /// The statistics are those of the path given both ends, times `weight`.
    pub fn backward_tally(&self, row: &[f64], column: &[f64], length: f64, weight: f64, tally: &mut Tally) -> Vec<f64> {
        if self.lambda * length <= 0.0 {
            return column.to_vec();
        }
        let affordable = (STORED / (8 * row.len())).max(24) as f64;
        let pieces = self.pieces(length, (affordable / 2.0).clamp(8.0, LONGEST));
        let piece = length / pieces as f64;
        let dense = self.dense(piece);
        let mut rows = vec![row.to_vec()];
        for k in 1..pieces {
            let mut next = self.forward(&rows[k - 1], piece).0;
            rescale(&mut next);
            rows.push(next);
        }
        let mut column = column.to_vec();
        for (back, row) in rows.iter().rev().enumerate() {
            column = match &dense {
                Some(dense) => dense.backward_tally(row, &column, piece, weight, tally),
                None => self.tally_piece(row, &column, piece, weight, tally),
            };
            if back + 1 < pieces {
                rescale(&mut column);
            }
        }
        column
    }

    fn tally_piece(&self, row: &[f64], column: &[f64], length: f64, weight: f64, tally: &mut Tally) -> Vec<f64> {
        let n = self.points();
        let weights = poisson::weights(self.lambda * length, self.reach);
        let mut stored: Vec<Vec<f64>> = Vec::with_capacity(weights.len());
        let mut end = 0.0;
        self.series(row, weights.len(), |u, current| {
            end += weights[u] * dot(current, column);
            stored.push(current.to_vec());
        });
        let mut moves = vec![0.0; self.tiles.len()];
        let mut spent = vec![0.0; n];
        let mut lifted: Vec<Vec<f64>> = self.drains.iter().map(|_| vec![0.0; n]).collect();
        let mut w = vec![0.0; column.len()];
        let mut next = vec![0.0; column.len()];
        for u in (0..stored.len()).rev() {
            if self.control.stopped() {
                break;
            }
            // W_u = Pois(u+1) b + P W_{u+1}; `next` holds P W_{u+1}.
            let ahead = weights.get(u + 1).copied().unwrap_or(0.0);
            w.iter_mut().zip(next.iter().zip(column)).for_each(|(w, (p, b))| *w = p + ahead * b);
            for (row, column) in stored[u].chunks_exact(n).zip(w.chunks_exact(n)) {
                axpy_each(row, column, &mut spent);
            }
            self.step_back(&mut w, &mut next);
            for (row, column) in stored[u].chunks_exact(n).zip(w.chunks_exact(n)) {
                self.stencil.tally(row, column, &mut moves);
            }
            for ((drain, rate), lifted) in self.drains.iter().zip(&self.drained).zip(&mut lifted) {
                if let Some((stride, size)) = drain.counter {
                    for level in (0..self.levels).filter(|level| level / stride % size + 1 < size) {
                        for x in 0..n {
                            lifted[x] += rate[x] * stored[u][level * n + x] * w[(level + stride) * n + x];
                        }
                    }
                }
            }
        }
        let scale = weight / end;
        moves.iter_mut().zip(&self.tiles).for_each(|(sum, rate)| *sum *= rate * scale);
        spent.iter_mut().for_each(|sum| *sum *= scale / self.lambda);
        lifted.iter_mut().for_each(|lifted| lifted.iter_mut().for_each(|sum| *sum *= scale));
        self.record(&moves, &spent, &lifted, tally);
        next.iter_mut().zip(column).for_each(|(p, b)| *p += weights[0] * b);
        next
    }

    /// Adds expected moves (in the tiles' layout), time at each point and lifts of each drain to the labels.
    pub(super) fn record(&self, moves: &[f64], spent: &[f64], lifted: &[Vec<f64>], tally: &mut Tally) {
        self.stencil.collect(moves, spent, &mut tally.moves, &mut tally.time);
        for (drain, lifted) in self.drains.iter().zip(lifted) {
            drain.label.runs(self.stencil.space(), |start, end, index| {
                let label = drain.label.table()[index] as usize;
                tally.time[label] += spent[start..end].iter().sum::<f64>();
                tally.moves[label] += lifted[start..end].iter().sum::<f64>();
            });
        }
    }

    /// Visits the uniformised steps of the extended chain as (from, to, probability, what it is).
    pub(super) fn each_step(&self, mut visit: impl FnMut(usize, usize, f64, StepKind)) {
        let n = self.points();
        let arrive = |level: usize, point: usize| {
            self.open.iter().fold(level, |level, open| open.level_at(level, point)) * n + point
        };
        for level in 0..self.levels {
            for (x, &stay) in self.stay.iter().enumerate() {
                visit(level * n + x, arrive(level, x), stay, StepKind::Stay(x));
            }
            self.stencil
                .each(|x, y, slot| visit(level * n + x, arrive(level, y), self.tiles[slot], StepKind::Move(slot)));
        }
        for (number, (drain, rate)) in self.drains.iter().zip(&self.drained).enumerate() {
            for level in 0..self.levels {
                let counts = drain.counter.filter(|&(stride, size)| level / stride % size + 1 < size);
                for (x, &rate) in rate.iter().enumerate() {
                    match counts {
                        Some((stride, _)) => {
                            visit(level * n + x, arrive(level + stride, x), rate, StepKind::Lift(number, x));
                        }
                        None => visit(level * n + x, self.levels * n, rate, StepKind::Leak),
                    }
                }
            }
        }
    }

    pub(super) fn shape(&self) -> (usize, usize) {
        (self.tiles.len(), self.drains.len())
    }

    /// The rates behind the labels.
    pub fn rates(&self) -> &[f64] {
        self.rates
    }
}

/// Divides by the sum and returns its logarithm; a zero vector is left alone.
fn rescale(vector: &mut [f64]) -> f64 {
    let sum: f64 = vector.iter().sum();
    if sum <= 0.0 {
        return 0.0;
    }
    vector.iter_mut().for_each(|x| *x /= sum);
    sum.ln()
}

/// What a step of the uniformised chain is.
#[derive(Debug, Clone, Copy)]
pub(super) enum StepKind {
    Stay(usize),
    /// A move, by its slot among the tile values.
    Move(usize),
    /// A drain's counter goes up at a point.
    Lift(usize, usize),
    /// What silence or a full counter takes away; it goes to the index past the last state.
    Leak,
}
