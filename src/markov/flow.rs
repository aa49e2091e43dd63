//! What carries a vector over a stretch of time: matrix-free uniformisation, or a dense exponential where that is cheaper.
//!
//! With Λ ≥ every exit rate and P = I + Q/Λ, e^{Qt} = Σ_u Pois(u; Λt) Pᵘ (Jensen 1953). For a forward row a and a backward
//! column b, ∫ (a e^{Qs})_i (e^{Q(t−s)} b)_j ds = (1/Λ) Σ_u (a Pᵘ)_i (W_u)_j with W_u = Pois(u+1; Λt) b + P W_{u+1}: the
//! expected time at i for i = j and, times q_ij, the expected moves i → j. All terms are nonnegative; nothing cancels.

use super::dense::{self, Dense};
use super::field::Field;
use super::monitor::Open;
use super::poisson;
use super::space::Space;
use super::stencil::{Stencil, axpy, axpy_each, dot, multiply};
use crate::ground::{Control, Error, Result};
use nalgebra::DMatrix;

/// Λ exceeds the largest exit rate by this factor, so that no state only moves.
const MARGIN: f64 = 1.02;
/// Most steps, about, of one stretch: longer ones are cut, so that the weights stay few.
const LONGEST: f64 = 1e4;
/// Most expected leaked events of one stretch: what silence leaves of a longer one, e^−500 and less, would underflow.
const DRAINED: f64 = 500.0;
/// Most steps that a flow takes: days of computing on a small space.
const STEPS: f64 = 1e9;
/// Most pieces that silence cuts a flow into, dense ones too.
const SILENT: f64 = 1e6;
/// Largest Λt whose doublings are counted: beyond it powers of two overflow.
const MEAN: f64 = 1e300;
/// Bytes that the stored rows of one backward piece may take before only some are kept and the others made again.
const STORED: usize = 64 << 20;
/// Fewest rows that are kept of a backward piece, whatever their size.
const FEWEST: usize = 24;

/// An event intensity under observation: it drains the flow (silence is evidence), or, with a counter, lifts its level.
#[derive(Debug, Clone, Copy)]
pub struct Drain<'a> {
    pub label: &'a Field<u32>,
    pub counter: Option<Counter>,
}

/// A counting monitor of a flow. Level k is carried times `tilt`ᵏ: where far more or fewer events are counted than are
/// expected, a tilt of counted over expected keeps the level that counts from underflowing.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    /// Distance between neighbouring levels in the level index.
    pub stride: usize,
    pub levels: usize,
    pub tilt: f64,
}

impl Counter {
    fn full(&self, level: usize) -> bool {
        level / self.stride % self.levels + 1 == self.levels
    }
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
    /// Tile values divided by Λ.
    tiles: Vec<f64>,
    /// Of each drain at each point: what lifts its counter, and what leaves for good, divided by Λ.
    lifts: Vec<Vec<f64>>,
    leaks: Vec<Vec<f64>>,
    /// What the true generator has on its diagonal beyond the one carried, per day: e^{shift · t} is told as a logarithm.
    shift: f64,
    /// 1 − exit/Λ at each point.
    stay: Vec<f64>,
    /// Most moves that it can take to get anywhere.
    reach: usize,
    /// Levels that keep their weight and where it lies no longer matters.
    still: Vec<bool>,
    /// Largest intensity that leaks, or lifts a counter that may be full, per day.
    leak_most: f64,
    /// Most events that the counters hold.
    counted: f64,
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
        let (mut lifts, mut leaks) = (vec![], vec![]);
        let (mut leak_most, mut shift) = (0.0, 0.0);
        for drain in &drains {
            let drained = Drained::new(drain, rates, stencil.space());
            exit.iter_mut().zip(&drained.lift).for_each(|(sum, rate)| *sum += rate);
            exit.iter_mut().zip(&drained.leak).for_each(|(sum, rate)| *sum += rate);
            // A full counter lets its lifts go too.
            let lost = drained.lift.iter().zip(&drained.leak).map(|(lift, leak)| lift + leak);
            leak_most += lost.fold(0.0, f64::max);
            shift += drained.shift;
            lifts.push(drained.lift);
            leaks.push(drained.leak);
        }
        let lambda = MARGIN * exit.iter().fold(0.0, |most: f64, &e| most.max(e));
        let inverse = if lambda > 0.0 { 1.0 / lambda } else { 0.0 };
        let moves: usize = stencil.space().sizes().iter().map(|size| size - 1).sum();
        let counts: usize = drains.iter().filter_map(|drain| drain.counter).map(|counter| counter.levels - 1).sum();
        // A monitor may send the path on a detour for each change of its level, beside the way to where it ends.
        let listening = open.iter().filter(|open| open.listens);
        let detours: usize = listening.map(|open| open.automaton.changes() * open.detour).sum();
        let over = |rates: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            rates.into_iter().map(|rates| rates.into_iter().map(|rate| rate * inverse).collect()).collect()
        };
        Flow {
            stencil,
            rates,
            drains,
            open,
            levels,
            lambda,
            tiles: tiles.iter().map(|rate| rate * inverse).collect(),
            lifts: over(lifts),
            leaks: over(leaks),
            shift,
            stay: exit.iter().map(|e| 1.0 - e * inverse).collect(),
            reach: moves + detours + counts,
            still: vec![false; levels],
            leak_most,
            counted: counts as f64,
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
        for (drain, rate) in self.drains.iter().zip(&self.lifts) {
            if let Some(counter) = drain.counter {
                for level in (0..self.levels).filter(|&level| !counter.full(level)) {
                    visit(level, level + counter.stride, rate);
                }
            }
        }
    }

    /// Refuses a stretch so long or rates so large that carrying a vector over it would not end.
    ///
    /// # Errors
    /// `Diverged`, with the rate.
    pub fn check(&self, length: f64) -> Result<()> {
        let mean = self.lambda * length;
        let silent = self.silent(length);
        let dense = mean <= MEAN && silent <= SILENT && self.is_dense(length / silent);
        if dense || mean <= STEPS {
            return Ok(());
        }
        let (rate, most) = (self.lambda / MARGIN, STEPS);
        Err(Error::Diverged {
            message: format!(
                "a total intensity of {rate:.3e} a day over {length:.3e} days would take {mean:.1e} steps; {most:.0e} \
                 are the most"
            ),
        })
    }

    /// Into how many pieces a stretch is cut so that what silence leaves does not underflow; what the counters hold is kept.
    fn silent(&self, length: f64) -> f64 {
        ((self.leak_most * length - self.counted) / DRAINED).ceil().max(1.0)
    }

    /// Whether a stretch is carried by a dense exponential.
    fn is_dense(&self, length: f64) -> bool {
        let size = self.points() * self.levels;
        if size > 64 {
            return false;
        }
        let mean = self.lambda * length;
        let steps = poisson::steps(mean, self.reach) as f64;
        let stencil = steps * (self.stencil.operations() * self.levels + 20) as f64;
        let dense = (size + 1).pow(3) as f64 * (24.0 + self.reach as f64 + 3.0 * mean.max(1.0).log2());
        dense < stencil
    }

    /// Into how many equal pieces a stretch is cut so that nothing underflows and no piece takes more than `most` steps.
    fn pieces(&self, length: f64, most: f64) -> usize {
        let silent = self.silent(length);
        let steps = (self.lambda * length / most).ceil();
        if self.is_dense(length / silent) { silent as usize } else { silent.max(steps) as usize }
    }

    fn carrier(&self, length: f64) -> Carrier {
        match self.is_dense(length) {
            true => Carrier::Dense(Dense::new(self).exponential(length)),
            false => Carrier::Series(poisson::weights(self.lambda * length, self.reach)),
        }
    }

    /// (row · e^{Q length} / s, ln s) for some scale s; vectors hold `levels` times `points` numbers.
    pub fn forward(&self, row: &[f64], length: f64) -> (Vec<f64>, f64) {
        let (mut row, mut log) = (row.to_vec(), self.shift * length);
        if self.lambda * length <= 0.0 {
            return (row, log);
        }
        let pieces = self.pieces(length, LONGEST);
        let carrier = self.carrier(length / pieces as f64);
        for done in 1..=pieces {
            if self.control.stopped() {
                break;
            }
            row = match &carrier {
                Carrier::Dense(exponential) => dense::forward(exponential, &row),
                Carrier::Series(weights) => self.forward_piece(row, weights),
            };
            if done < pieces {
                log += rescale(&mut row);
            }
        }
        (row, log)
    }

    fn forward_piece(&self, row: Vec<f64>, weights: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; row.len()];
        self.series(row, weights.len(), |u, current| {
            if weights[u] > 0.0 {
                axpy(weights[u], current, &mut out);
            }
        });
        out
    }

    /// Visits row · Pᵘ for u = 0, 1, … `steps` − 1: any horizon is a Poisson mixture of what is seen.
    pub fn series(&self, row: Vec<f64>, steps: usize, mut see: impl FnMut(usize, &[f64])) {
        let mut next = vec![0.0; row.len()];
        let mut current = row;
        for u in 0..steps {
            see(u, &current);
            if u + 1 == steps || self.control.stopped() {
                break;
            }
            self.step(&current, &mut next);
            std::mem::swap(&mut current, &mut next);
        }
    }

    /// [`Flow::forward`], and `law(row · e^{Q t})` at each of `times` (ascending, at most `length`), `law` linear.
    ///
    /// One pass over the powers of P serves all times that lie close together, and the end. Nothing may drain.
    pub fn forward_laws(
        &self,
        row: &[f64],
        length: f64,
        times: &[f64],
        mut law: impl FnMut(&[f64]) -> Vec<f64>,
    ) -> (Vec<f64>, f64, Vec<Vec<f64>>) {
        let stops: Vec<f64> = times.iter().copied().chain([length]).collect();
        let mut laws: Vec<Vec<f64>> = Vec::with_capacity(stops.len());
        let (mut row, mut log, mut now) = (row.to_vec(), 0.0, 0.0);
        while laws.len() < stops.len() && !self.control.stopped() {
            let ahead = &stops[laws.len()..];
            let near = ahead.partition_point(|stop| self.lambda * (stop - now) <= LONGEST);
            if near == 0 {
                let (next, gained) = self.forward(&row, ahead[0] - now);
                (row, log, now) = (next, log + gained, ahead[0]);
                laws.push(law(&row));
                continue;
            }
            let (next, read) = self.laws_nearby(row, ahead[..near].iter().map(|stop| stop - now), &mut law);
            (row, now) = (next, ahead[near - 1]);
            laws.extend(read);
        }
        laws.truncate(times.len());
        (row, log, laws)
    }

    /// The laws at some times, and the row at the last of them.
    fn laws_nearby(
        &self,
        row: Vec<f64>,
        times: impl Iterator<Item = f64>,
        law: &mut impl FnMut(&[f64]) -> Vec<f64>,
    ) -> (Vec<f64>, Vec<Vec<f64>>) {
        let weights: Vec<Vec<f64>> = times.map(|time| poisson::weights(self.lambda * time, self.reach)).collect();
        let steps = weights.iter().map(Vec::len).max().unwrap_or(0);
        let mut laws: Vec<Vec<f64>> = vec![vec![]; weights.len()];
        let mut end = vec![0.0; row.len()];
        self.series(row, steps, |u, current| {
            let here = law(current);
            for (sum, weights) in laws.iter_mut().zip(&weights) {
                sum.resize(here.len(), 0.0);
                if let Some(&weight) = weights.get(u) {
                    axpy(weight, &here, sum);
                }
            }
            if let Some(&weight) = weights.last().and_then(|last| last.get(u)) {
                axpy(weight, current, &mut end);
            }
        });
        (end, laws)
    }

    /// Where weight can be after any stretch that is not empty, from where some is: 1 there and 0 elsewhere.
    pub fn support(&self, row: &[f64]) -> Vec<f64> {
        let mut here = indicator(row);
        let mut next = vec![0.0; row.len()];
        loop {
            self.step(&here, &mut next);
            next.iter_mut().zip(&here).for_each(|(next, here)| *next += here);
            let wider = indicator(&next);
            if wider == here || self.control.stopped() {
                return wider;
            }
            here = wider;
        }
    }

    /// e^{Q length} · column, up to scale.
    pub fn backward(&self, column: &[f64], length: f64) -> Vec<f64> {
        let mut column = column.to_vec();
        if self.lambda * length <= 0.0 {
            return column;
        }
        let pieces = self.pieces(length, LONGEST);
        let carrier = self.carrier(length / pieces as f64);
        for done in 1..=pieces {
            if self.control.stopped() {
                break;
            }
            column = match &carrier {
                Carrier::Dense(exponential) => dense::backward(exponential, &column),
                Carrier::Series(weights) => self.backward_piece(&column, weights),
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
            self.tally_rest(row, column, length, weight, tally);
            return column.to_vec();
        }
        let kept = kept_rows(row.len());
        let pieces = self.pieces(length, longest(kept));
        if pieces == 1 {
            return match self.is_dense(length) {
                true => Dense::new(self).backward_tally(row, column, length, weight, tally),
                false => self.tally_piece(row, column, length, weight, tally),
            };
        }
        // Too many pieces for a row of each: pieces of pieces.
        let pieces = pieces.min(kept);
        let piece = length / pieces as f64;
        let mut rows = vec![row.to_vec()];
        for k in 1..pieces {
            let mut next = self.forward(&rows[k - 1], piece).0;
            rescale(&mut next);
            rows.push(next);
        }
        let mut column = column.to_vec();
        for row in rows.iter().rev() {
            if self.control.stopped() {
                break;
            }
            column = self.backward_tally(row, &column, piece, weight, tally);
            rescale(&mut column);
        }
        column
    }

    /// Nothing moves and nothing leaks: all of the stretch is time at risk where one is.
    fn tally_rest(&self, row: &[f64], column: &[f64], length: f64, weight: f64, tally: &mut Tally) {
        let n = self.points();
        let mut spent = vec![0.0; n];
        for (row, column) in row.chunks_exact(n).zip(column.chunks_exact(n)) {
            axpy_each(row, column, &mut spent);
        }
        let scale = weight * length / spent.iter().sum::<f64>();
        spent.iter_mut().for_each(|sum| *sum *= scale);
        let none: Vec<Vec<f64>> = self.drains.iter().map(|_| vec![0.0; n]).collect();
        self.record(&vec![0.0; self.tiles.len()], &spent, &none, tally);
    }

    fn tally_piece(&self, row: &[f64], column: &[f64], length: f64, weight: f64, tally: &mut Tally) -> Vec<f64> {
        let n = self.points();
        let weights = poisson::weights(self.lambda * length, self.reach);
        let every = spacing(weights.len(), kept_rows(row.len()));
        let mut kept: Vec<Vec<f64>> = vec![];
        let mut end = 0.0;
        self.series(row.to_vec(), weights.len(), |u, current| {
            end += weights[u] * dot(current, column);
            if u % every == 0 {
                kept.push(current.to_vec());
            }
        });
        let mut stored: Vec<Vec<f64>> = vec![];
        let mut moves = vec![0.0; self.tiles.len()];
        let mut spent = vec![0.0; n];
        let mut lifted: Vec<Vec<f64>> = self.drains.iter().map(|_| vec![0.0; n]).collect();
        let mut w = vec![0.0; column.len()];
        let mut next = vec![0.0; column.len()];
        for u in (0..weights.len()).rev() {
            if self.control.stopped() {
                break;
            }
            if stored.is_empty() {
                // Those from the last kept row up to here, made again.
                let Some(first) = kept.pop() else { break };
                self.series(first, u % every + 1, |_, current| stored.push(current.to_vec()));
            }
            let Some(before) = stored.pop() else { break };
            // W_u = Pois(u+1) b + P W_{u+1}; `next` holds P W_{u+1}.
            let ahead = weights.get(u + 1).copied().unwrap_or(0.0);
            w.iter_mut().zip(next.iter().zip(column)).for_each(|(w, (p, b))| *w = p + ahead * b);
            for (row, column) in before.chunks_exact(n).zip(w.chunks_exact(n)) {
                axpy_each(row, column, &mut spent);
            }
            self.step_back(&mut w, &mut next);
            for (row, column) in before.chunks_exact(n).zip(w.chunks_exact(n)) {
                self.stencil.tally(row, column, &mut moves);
            }
            for ((drain, rate), lifted) in self.drains.iter().zip(&self.lifts).zip(&mut lifted) {
                if let Some(counter) = drain.counter {
                    for level in (0..self.levels).filter(|&level| !counter.full(level)) {
                        for x in 0..n {
                            lifted[x] += rate[x] * before[level * n + x] * w[(level + counter.stride) * n + x];
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
        for (number, (drain, (lift, leak))) in self.drains.iter().zip(self.lifts.iter().zip(&self.leaks)).enumerate() {
            for level in 0..self.levels {
                let counts = drain.counter.filter(|counter| !counter.full(level));
                for x in 0..n {
                    let lost = if counts.is_some() { leak[x] } else { lift[x] + leak[x] };
                    visit(level * n + x, self.levels * n, lost, StepKind::Leak);
                    if let Some(counter) = counts {
                        visit(level * n + x, arrive(level + counter.stride, x), lift[x], StepKind::Lift(number, x));
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

/// A drain's intensities at each point, per day. With c the tilt (0 without a counter) the generator has −λ on its
/// diagonal and c λ for a lift; `shift` is taken out of the diagonal so that little leaks.
struct Drained {
    /// c λ.
    lift: Vec<f64>,
    /// What more leaves: (1 − c)(λ − its smallest value) or, for c > 1, (c − 1)(its largest value − λ).
    leak: Vec<f64>,
    shift: f64,
}

impl Drained {
    fn new(drain: &Drain<'_>, rates: &[f64], space: &Space) -> Self {
        let tilt = drain.counter.map_or(0.0, |counter| counter.tilt);
        let mut own = vec![0.0; space.len()];
        drain.label.runs(space, |start, end, index| {
            own[start..end].fill(rates[drain.label.table()[index] as usize]);
        });
        let base = match tilt > 1.0 {
            true => own.iter().fold(0.0, |most: f64, &rate| most.max(rate)),
            false => own.iter().fold(f64::INFINITY, |least: f64, &rate| least.min(rate)),
        };
        Drained {
            lift: own.iter().map(|rate| tilt * rate).collect(),
            leak: own.iter().map(|rate| (1.0 - tilt) * (rate - base)).collect(),
            shift: (tilt - 1.0) * base,
        }
    }
}

/// What carries a vector over one piece.
enum Carrier {
    Dense(DMatrix<f64>),
    /// Poisson weights of the powers of P.
    Series(Vec<f64>),
}

/// How many rows of so many numbers a backward piece keeps.
pub fn kept_rows(numbers: usize) -> usize {
    (STORED / (8 * numbers.max(1))).max(FEWEST)
}

/// Steps of a backward piece that keeps about so many rows: twice the root of the steps are enough, see [`spacing`].
fn longest(kept: usize) -> f64 {
    (kept as f64 * kept as f64 / 4.0).min(LONGEST)
}

/// Every how many rows one is kept: all where there is room, else so that those made again are about as many.
pub fn spacing(steps: usize, kept: usize) -> usize {
    if steps <= kept { steps.max(1) } else { (steps as f64).sqrt().ceil() as usize }
}

/// The most rows of so many numbers that [`Flow::backward_tally`] holds at once over `steps` steps in all, `reach` of them
/// the most moves that it can take to get anywhere; for accounts of memory.
pub fn rows_held(numbers: f64, steps: f64, reach: f64) -> f64 {
    let kept = kept_rows(numbers.min(1e15) as usize) as f64;
    let piece = steps.min(longest(kept as usize));
    let piece = piece + 8.5 * piece.sqrt() + 13.0 + reach;
    let own = if piece <= kept { piece + 1.0 } else { 2.0 * piece.sqrt() + 2.0 };
    // Where the steps are without number the flow will be refused: see [`Flow::check`].
    let mut pieces = (steps.min(STEPS) / longest(kept as usize)).ceil();
    let mut above = 0.0;
    while pieces > 1.0 {
        above += pieces.min(kept);
        pieces = (pieces / kept).ceil();
    }
    own + above
}

fn indicator(vector: &[f64]) -> Vec<f64> {
    vector.iter().map(|x| f64::from(u8::from(*x > 0.0))).collect()
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
