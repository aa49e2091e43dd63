//! Rows carried forward and columns carried back: Poisson mixtures of the powers of P, or a dense exponential.
//!
//! The mixture is cut where nothing more can be seen of it: if one step multiplies no number by more than r, no later step
//! does, so that what is left of the mixture is below Σ Pois(u) r^u times the numbers now; that is compared number by
//! number with what has been added up. Rare paths keep their digits, and common ones don't pay for them.

use super::dense::{self, Dense};
use super::flow::{Flow, LONGEST};
use super::frame::{Aligned, Step};
use super::poisson;
use super::stencil::axpy;
use multiversion::multiversion;
use nalgebra::DMatrix;

/// What is cut of a mixture, relative to each number of it.
const CUT: f64 = 1e-17;

/// What carries a vector over one piece.
enum Carrier {
    Dense(DMatrix<f64>),
    /// Poisson weights of the powers of P.
    Series(Vec<f64>),
}

/// A row carried over a stretch, and what was read of it on the way.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    pub row: Vec<f64>,
    /// ln of what the row is to be multiplied with.
    pub log: f64,
    /// What was read at each time.
    pub laws: Vec<Vec<f64>>,
    /// ∫ law(s) ds and ∫ s law(s) ds over the stretch; empty where they are not wanted.
    pub integrals: [Vec<f64>; 2],
}

/// The rows row · Pᵘ of a stretch, as many as can be seen of its end.
#[derive(Debug, Clone)]
pub struct Rows(pub(super) Vec<Aligned>);

impl Rows {
    /// Bytes that they take.
    pub fn bytes(&self) -> f64 {
        self.0.iter().map(|row| 8.0 * row.get().len() as f64).sum()
    }
}

/// A row on its way, with the totals of the levels that are not carried number by number.
pub(super) struct Moving {
    now: Aligned,
    next: Aligned,
    /// What has come to each still level.
    gained: Vec<f64>,
}

impl Flow<'_> {
    fn carrier(&self, length: f64) -> Carrier {
        match self.is_dense(length) {
            true => Carrier::Dense(Dense::new(self).exponential(length)),
            false => Carrier::Series(poisson::weights(self.lambda * length, self.reach())),
        }
    }

    /// (row · e^{Q length} / s, ln s) for some scale s; vectors hold `levels` times `points` numbers.
    pub fn forward(&self, row: &[f64], length: f64) -> (Vec<f64>, f64) {
        let (mut row, mut log) = (row.to_vec(), self.shift * length);
        if self.lambda * length <= 0.0 {
            return (row, log);
        }
        let pieces = self.pieces(length);
        let carrier = self.carrier(length / pieces as f64);
        for done in 1..=pieces {
            if self.control.stopped() {
                break;
            }
            row = match &carrier {
                Carrier::Dense(exponential) => dense::forward(exponential, &row),
                Carrier::Series(weights) => self.forward_piece(&row, weights),
            };
            if done < pieces {
                log += rescale(&mut row);
            }
        }
        (row, log)
    }

    /// [`Flow::forward`], with the rows that it goes through where they take no more than so many bytes.
    pub fn forward_rows(&self, row: &[f64], length: f64, bytes: f64) -> (Vec<f64>, f64, Option<Rows>) {
        let plain = self.lambda * length <= 0.0 || self.pieces(length) > 1 || self.is_dense(length);
        if !plain && !self.still.contains(&true) {
            let weights = poisson::weights(self.lambda * length, self.reach());
            if let Some((rows, sum)) = self.rows(row, &weights, bytes) {
                return (self.room.read(&sum), self.shift * length, Some(rows));
            }
        }
        let (row, log) = self.forward(row, length);
        (row, log, None)
    }

    /// The rows row · Pᵘ and their mixture, if they all take no more than so many bytes. They end where nothing more can be
    /// seen of the mixture: whatever the column, the product of the two then has all its digits.
    pub(super) fn rows(&self, row: &[f64], weights: &[f64], bytes: f64) -> Option<(Rows, Aligned)> {
        let (first, mut sum) = (self.room.hold(row), self.room.empty());
        if 8.0 * (first.get().len() * weights.len()) as f64 > bytes {
            return None;
        }
        let looks = looks(weights.len(), self.reach());
        let (mut kept, none, mut gained) = (vec![first], vec![0.0; self.levels], vec![0.0; self.levels]);
        for (u, &weight) in weights.iter().enumerate() {
            let now = &kept[u];
            if looks(u) && self.seen(now, &kept[u - 1], &sum, &weights[u..], &none, &none) {
                kept.pop();
                break;
            }
            if u + 1 == weights.len() || self.control.stopped() {
                let now = &now.get()[self.room.at(0)..self.room.at(self.levels)];
                axpy(weight, now, self.room.body_mut(&mut sum));
                break;
            }
            let mut next = self.room.empty();
            self.step(now, &mut next, weight, &mut sum, &mut gained);
            kept.push(next);
        }
        Some((Rows(kept), sum))
    }

    /// row · P into `out`; adds `weight` times the row to `sum` unless that is empty.
    pub(super) fn step(&self, row: &Aligned, out: &mut Aligned, weight: f64, sum: &mut Aligned, gained: &mut [f64]) {
        let room = &self.room;
        let (_, frame) = self.stencil.frames();
        for level in (0..self.levels).filter(|&level| !self.still[level]) {
            let step = Step {
                pool: self.tiles.into.get(),
                scale: self.inverse,
                stay: self.stay.get(),
                x: row.get(),
                at: room.at(level),
            };
            let gain = if sum.get().is_empty() { &mut [][..] } else { room.level_mut(sum, level) };
            frame.apply(&step, room.level_mut(out, level), weight, gain, &[]);
        }
        self.lift(|level, next, rate| {
            let from = &row.get()[room.at(level)..];
            let to = &mut out.get_mut()[room.at(next)..];
            for x in 0..room.points {
                to[x] += rate[x] * from[x];
            }
        });
        let (pitch, values) = (room.pitch, room.body_mut(out));
        for open in &self.open {
            open.arrive(values, pitch, &self.still, gained);
        }
    }

    pub(super) fn moving(&self, row: &[f64]) -> Moving {
        let (now, next) = (self.room.hold(row), self.room.empty());
        Moving { now, next, gained: vec![0.0; self.levels] }
    }

    fn forward_piece(&self, row: &[f64], weights: &[f64]) -> Vec<f64> {
        let mut moving = self.moving(row);
        let mut sum = self.room.empty();
        let mut totals = vec![0.0; self.levels];
        let looks = looks(weights.len(), self.reach());
        for (u, &weight) in weights.iter().enumerate() {
            let Moving { now, next, gained } = &mut moving;
            if looks(u) && self.seen(now, next, &sum, &weights[u..], gained, &totals) {
                break;
            }
            totals.iter_mut().zip(&*gained).for_each(|(total, gained)| *total += weight * gained);
            if u + 1 == weights.len() || self.control.stopped() {
                axpy(weight, self.room.body_mut(now), self.room.body_mut(&mut sum));
                break;
            }
            self.step(now, next, weight, &mut sum, gained);
            std::mem::swap(now, next);
        }
        let mut out = self.room.read(&sum);
        let n = self.points();
        for level in (0..self.levels).filter(|&level| self.still[level]) {
            out[level * n..(level + 1) * n].copy_from_slice(&row[level * n..(level + 1) * n]);
            out[level * n] += totals[level];
        }
        out
    }

    /// Whether what is left of a mixture can't be seen: see the top of this file. `weights` are those to come.
    fn seen(
        &self,
        now: &Aligned,
        before: &Aligned,
        sum: &Aligned,
        weights: &[f64],
        gained: &[f64],
        totals: &[f64],
    ) -> bool {
        // A still level's total grows by what comes to it, by no more than the rest: it is looked at as it is.
        let (mut most, mut fits) = (0.0_f64, true);
        for level in (0..self.levels).filter(|&level| !self.still[level]) {
            most = most.max(ratio(self.room.level(now, level), self.room.level(before, level)));
        }
        most = most.max(1.0);
        if !most.is_finite() {
            return false;
        }
        let rest = weights.iter().rev().fold(0.0, |rest, weight| rest * most + weight);
        for level in 0..self.levels {
            fits &= match self.still[level] {
                // What is gained is at most what was there, and that is at most 1 times the largest number of steps.
                true => rest * gained[level] <= CUT * totals[level] && self.inflow(now, rest, totals, level),
                false => below(self.room.level(now, level), rest, self.room.level(sum, level)),
            };
        }
        fits
    }

    /// Whether all that is still on its way, `rest` of it, can't be seen in a still level's total.
    fn inflow(&self, now: &Aligned, rest: f64, totals: &[f64], level: usize) -> bool {
        let moving = (0..self.levels).filter(|&level| !self.still[level]);
        let left: f64 = moving.map(|level| self.room.level(now, level).iter().sum::<f64>()).sum();
        left == 0.0 || rest * left <= CUT * totals[level]
    }

    /// Visits row · Pᵘ for u = 0, 1, … `steps` − 1: any horizon is a Poisson mixture of what is seen.
    pub fn series(&self, row: &[f64], steps: usize, mut see: impl FnMut(usize, &[f64])) {
        let mut moving = self.moving(row);
        let mut none = Aligned::zero(0);
        let mut flat = row.to_vec();
        for u in 0..steps {
            let Moving { now, next, gained } = &mut moving;
            for (level, flat) in flat.chunks_exact_mut(self.points()).enumerate() {
                match self.still[level] {
                    // Where its weight lies does not matter.
                    true => flat[0] += std::mem::take(&mut gained[level]),
                    false => flat.copy_from_slice(&self.room.level(now, level)[..self.room.points]),
                }
            }
            see(u, &flat);
            if u + 1 == steps || self.control.stopped() {
                break;
            }
            self.step(now, next, 0.0, &mut none, gained);
            std::mem::swap(now, next);
        }
    }

    /// [`Flow::forward`], and `law(row · e^{Q t})` at each of `times` (ascending, at most `length`), `law` linear; with
    /// `integrals` also those of it over the stretch, [`Flow::check_walk`] passed.
    ///
    /// One pass over the powers of P serves all times that lie close together, and the end. Nothing may drain.
    pub fn forward_laws(
        &self,
        row: &[f64],
        length: f64,
        times: &[f64],
        integrals: bool,
        mut law: impl FnMut(&[f64]) -> Vec<f64>,
    ) -> Carried {
        let stops: Vec<f64> = times.iter().copied().chain([length]).collect();
        let mut carried = Carried { row: row.to_vec(), laws: Vec::with_capacity(stops.len()), ..Carried::default() };
        let mut now = 0.0;
        while carried.laws.len() < stops.len() && !self.control.stopped() {
            let ahead = &stops[carried.laws.len()..];
            let near = ahead.partition_point(|stop| self.lambda * (stop - now) <= LONGEST);
            if near == 0 && integrals {
                let step = (ahead[0] - now) / (self.lambda * (ahead[0] - now) / LONGEST).ceil();
                self.nearby(&mut carried, now, &[step], integrals, &mut law);
                carried.laws.pop();
                now += step;
                continue;
            }
            if near == 0 {
                let (next, gained) = self.forward(&carried.row, ahead[0] - now);
                (carried.row, carried.log, now) = (next, carried.log + gained, ahead[0]);
                carried.laws.push(law(&carried.row));
                continue;
            }
            let times: Vec<f64> = ahead[..near].iter().map(|stop| stop - now).collect();
            self.nearby(&mut carried, now, &times, integrals, &mut law);
            now = stops[carried.laws.len() - 1];
        }
        carried.laws.truncate(times.len());
        carried
    }

    /// Goes on from `start` to the last of some times after it, and reads at each.
    ///
    /// ∫₀ᵗ Pois(u; Λs) ds = P(N > u)/Λ and ∫₀ᵗ s Pois(u; Λs) ds = (u + 1) P(N > u + 1)/Λ², N Poisson with mean Λt.
    fn nearby(
        &self,
        carried: &mut Carried,
        start: f64,
        times: &[f64],
        integrals: bool,
        law: &mut impl FnMut(&[f64]) -> Vec<f64>,
    ) {
        let weigh = |time: &f64| poisson::weights(self.lambda * time, self.reach());
        let weights: Vec<Vec<f64>> = times.iter().map(weigh).collect();
        let steps = weights.iter().map(Vec::len).max().unwrap_or(0);
        let last: &[f64] = weights.last().map_or(&[], Vec::as_slice);
        let mut tails: Vec<f64> =
            last.iter().rev().scan(0.0, |tail, w| Some(std::mem::replace(tail, *tail + w))).collect();
        tails.reverse();
        let span = times.last().copied().unwrap_or(0.0);
        let mut laws: Vec<Vec<f64>> = vec![vec![]; weights.len()];
        let mut end = vec![0.0; carried.row.len()];
        let mut sums = std::mem::take(&mut carried.integrals);
        self.series(&carried.row, steps, |u, current| {
            let here = law(current);
            for (sum, weights) in laws.iter_mut().zip(&weights) {
                sum.resize(here.len(), 0.0);
                if let Some(&weight) = weights.get(u) {
                    axpy(weight, &here, sum);
                }
            }
            if let Some(&weight) = last.get(u) {
                axpy(weight, current, &mut end);
            }
            if integrals {
                let tail = |u: usize| tails.get(u).copied().unwrap_or(0.0) * self.inverse;
                let (once, twice) = match self.lambda > 0.0 {
                    true => (tail(u), (u + 1) as f64 * tail(u + 1) * self.inverse),
                    // Nothing moves: there is no second step.
                    false if u == 0 => (span, span * span / 2.0),
                    false => (0.0, 0.0),
                };
                for (sum, weight) in sums.iter_mut().zip([once, start * once + twice]) {
                    sum.resize(here.len(), 0.0);
                    axpy(weight, &here, sum);
                }
            }
        });
        carried.row = end;
        carried.integrals = sums;
        carried.laws.extend(laws);
    }

    /// Where weight can be after any stretch that is not empty, from where some is: 1 there and 0 elsewhere.
    pub fn support(&self, row: &[f64]) -> Vec<f64> {
        let mut here = indicator(row);
        loop {
            let mut wider = here.clone();
            self.series(&here, 2, |_, next| wider.iter_mut().zip(next).for_each(|(sum, next)| *sum += next));
            let wider = indicator(&wider);
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
        let pieces = self.pieces(length);
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
        let (mut now, mut next, mut sum) = (self.room.hold(column), self.room.empty(), self.room.empty());
        let none = vec![0.0; self.levels];
        let looks = looks(weights.len(), self.reach());
        for (u, &weight) in weights.iter().enumerate() {
            if looks(u) && self.seen(&now, &next, &sum, &weights[u..], &none, &none) {
                break;
            }
            axpy(weight, self.room.body_mut(&mut now), self.room.body_mut(&mut sum));
            if u + 1 == weights.len() || self.control.stopped() {
                break;
            }
            self.arrived(&mut now);
            self.step_back(&now, &mut next);
            std::mem::swap(&mut now, &mut next);
        }
        self.room.read(&sum)
    }

    /// A column as it is seen from the states arrived at.
    pub(super) fn arrived(&self, column: &mut Aligned) {
        let (pitch, values) = (self.room.pitch, self.room.body_mut(column));
        self.open.iter().for_each(|open| open.before(values, pitch));
    }

    /// P · column, `column` being [`Flow::arrived`].
    fn step_back(&self, column: &Aligned, out: &mut Aligned) {
        let room = &self.room;
        let (frame, _) = self.stencil.frames();
        for level in 0..self.levels {
            let (pool, stay) = (self.tiles.out.get(), self.stay.get());
            let step = Step { pool, scale: self.inverse, stay, x: column.get(), at: room.at(level) };
            frame.apply(&step, room.level_mut(out, level), 0.0, &mut [], &[]);
        }
        self.lift(|level, next, rate| {
            let from = &column.get()[room.at(next)..];
            let to = &mut out.get_mut()[room.at(level)..];
            for x in 0..room.points {
                to[x] += rate[x] * from[x];
            }
        });
    }
}

/// At which steps of a mixture it is looked whether it can be cut: in the last `reach`, which only rare paths need.
fn looks(len: usize, reach: usize) -> impl Fn(usize) -> bool {
    let (first, every) = (len.saturating_sub(reach).max(2), (reach / 4).max(4));
    move |u| u >= first && (u - first).is_multiple_of(every) && u + 2 < len
}

/// The largest of x/before; infinite where something came to where nothing was.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn ratio(x: &[f64], before: &[f64]) -> f64 {
    let n = x.len();
    let before = &before[..n];
    let mut lanes = [0.0; 8];
    let wide = n - n % 8;
    let mut k = 0;
    while k < wide {
        for lane in 0..8 {
            // 0/0 is no number and is passed over.
            let ratio = x[k + lane] / before[k + lane];
            lanes[lane] = if ratio > lanes[lane] { ratio } else { lanes[lane] };
        }
        k += 8;
    }
    let mut most = 0.0;
    for lane in lanes {
        most = if lane > most { lane } else { most };
    }
    most
}

/// Whether x · rest is below what can be seen of each number of the sum.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn below(x: &[f64], rest: f64, sum: &[f64]) -> bool {
    let n = x.len();
    let sum = &sum[..n];
    let mut above = false;
    for k in 0..n {
        above |= x[k] * rest > CUT * sum[k];
    }
    !above
}

fn indicator(vector: &[f64]) -> Vec<f64> {
    vector.iter().map(|x| f64::from(u8::from(*x > 0.0))).collect()
}

/// Divides by the sum and returns its logarithm; a zero vector is left alone.
pub(super) fn rescale(vector: &mut [f64]) -> f64 {
    let sum: f64 = vector.iter().sum();
    if sum <= 0.0 {
        return 0.0;
    }
    vector.iter_mut().for_each(|x| *x /= sum);
    sum.ln()
}
