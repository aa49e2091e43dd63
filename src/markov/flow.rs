//! A generator with what is watched and remembered beside it, ready to carry vectors over a stretch of time.
//!
//! With Λ ≥ every exit rate and P = I + Q/Λ, e^{Qt} = Σ_u Pois(u; Λt) Pᵘ (Jensen 1953); where that is cheaper, a dense
//! exponential is used. [`carry`](super::carry) carries rows forward and columns back, [`mod@super::tally`] counts on the way.

use super::drain::{Drain, Drained};
use super::frame::Aligned;
use super::monitor::{GONE, Open};
use super::poisson;
use super::stencil::{Room, Stencil, Tiles};
use crate::ground::{Control, Error, Result};

/// Λ exceeds the largest exit rate by this factor, so that no state only moves.
const MARGIN: f64 = 1.02;
/// Most steps, about, of one stretch: longer ones are cut, so that the weights stay few.
pub(super) const LONGEST: f64 = 1e4;
/// Most expected leaked events of one stretch: what silence leaves of a longer one, e^−500 and less, would underflow.
const DRAINED: f64 = 500.0;
/// Most steps that a flow takes: days of computing on a small space.
pub(super) const STEPS: f64 = 1e9;
/// Most pieces that silence cuts a flow into, dense ones too.
const SILENT: f64 = 1e6;
/// Largest Λt whose doublings are counted: beyond it powers of two overflow.
const MEAN: f64 = 1e300;

/// Most states of the extended chain that a matrix is made for.
const DENSE: usize = 512;

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
    pub(super) stencil: &'a Stencil,
    pub(super) tiles: &'a Tiles,
    rates: &'a [f64],
    pub(super) drains: Vec<Drain<'a>>,
    pub(super) open: Vec<Open<'a>>,
    pub(super) levels: usize,
    /// How its vectors lie while they are carried.
    pub(super) room: Room,
    /// Λ, per day, and 1/Λ.
    pub(super) lambda: f64,
    pub(super) inverse: f64,
    /// Of each drain at each point: what lifts its counter, and what leaves for good, divided by Λ.
    pub(super) lifts: Vec<Vec<f64>>,
    leaks: Vec<Vec<f64>>,
    /// What the true generator has on its diagonal beyond the one carried, per day: e^{shift · t} is told as a logarithm.
    pub(super) shift: f64,
    /// 1 − exit/Λ at each point, as long as a level's room.
    pub(super) stay: Aligned,
    /// Most moves that it can take to get anywhere.
    reach: usize,
    /// Levels that keep their weight and where it lies no longer matters.
    pub(super) still: Vec<bool>,
    /// Largest intensity that leaks, or lifts a counter that may be full, per day.
    leak_most: f64,
    /// Most events that the counters hold.
    counted: f64,
    pub(super) control: &'a Control,
}

impl<'a> Flow<'a> {
    /// Prepares a flow. What it returns once `control` was stopped means nothing. `tiles` and `exit` are the stencil's for
    /// `rates`; `levels` is the product of the open monitors'.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        stencil: &'a Stencil,
        tiles: &'a Tiles,
        exit: &[f64],
        rates: &'a [f64],
        drains: Vec<Drain<'a>>,
        open: Vec<Open<'a>>,
        levels: usize,
        control: &'a Control,
    ) -> Self {
        let room = Room::new(stencil, levels);
        let mut stay = Aligned::zero(room.pitch);
        let own = &mut stay.get_mut()[..room.points];
        own.copy_from_slice(exit);
        let (mut lifts, mut leaks) = (vec![], vec![]);
        let (mut leak_most, mut shift) = (0.0, 0.0);
        for drain in &drains {
            let drained = Drained::new(drain, rates, stencil.space());
            own.iter_mut().zip(&drained.lift).for_each(|(sum, rate)| *sum += rate);
            own.iter_mut().zip(&drained.leak).for_each(|(sum, rate)| *sum += rate);
            // A full counter lets its lifts go too, unless it keeps them.
            let keeps = drain.counter.is_some_and(|counter| counter.keeps);
            let lost =
                drained.lift.iter().zip(&drained.leak).map(|(lift, leak)| if keeps { *leak } else { lift + leak });
            leak_most += lost.fold(0.0, f64::max);
            shift += drained.shift;
            lifts.push(drained.lift);
            leaks.push(drained.leak);
        }
        let lambda = MARGIN * own.iter().fold(0.0, |most: f64, &e| most.max(e));
        let inverse = if lambda > 0.0 { 1.0 / lambda } else { 0.0 };
        own.iter_mut().for_each(|exit| *exit = 1.0 - *exit * inverse);
        let moves: usize = stencil.space().sizes().iter().map(|size| size - 1).sum();
        let counts: usize = drains.iter().filter_map(|drain| drain.counter).map(|counter| counter.levels - 1).sum();
        // A monitor may send the path on a detour for each change of its level, beside the way to where it ends.
        let listening = open.iter().filter(|open| open.listens);
        let detours: usize = listening.map(|open| open.automaton.changes() * open.detour).sum();
        for rates in lifts.iter_mut().chain(&mut leaks) {
            rates.iter_mut().for_each(|rate: &mut f64| *rate *= inverse);
        }
        Flow {
            stencil,
            tiles,
            rates,
            drains,
            open,
            levels,
            room,
            lambda,
            inverse,
            lifts,
            leaks,
            shift,
            stay,
            reach: moves + detours + counts,
            still: vec![false; levels],
            leak_most,
            counted: counts as f64,
            control,
        }
    }

    /// Says that after this flow only the levels' totals are read: of levels that no monitor can leave only the total is
    /// carried.
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
        self.room.points
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

    /// The rates behind the labels.
    pub fn rates(&self) -> &[f64] {
        self.rates
    }

    pub(super) fn lift(&self, mut visit: impl FnMut(usize, usize, &[f64])) {
        for (drain, rate) in self.drains.iter().zip(&self.lifts) {
            if let Some(counter) = drain.counter {
                for level in (0..self.levels).filter(|&level| counter.keeps || !counter.full(level)) {
                    visit(level, if counter.full(level) { level } else { level + counter.stride }, rate);
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
        Err(self.too_long(length))
    }

    /// Refuses a stretch that takes too many steps one by one.
    ///
    /// # Errors
    /// `Diverged`, with the rate.
    pub fn check_walk(&self, length: f64) -> Result<()> {
        if self.lambda * length <= STEPS { Ok(()) } else { Err(self.too_long(length)) }
    }

    fn too_long(&self, length: f64) -> Error {
        let (mean, rate, most) = (self.lambda * length, self.lambda / MARGIN, STEPS);
        Error::Diverged {
            message: format!(
                "a total intensity of {rate:.3e} a day over {length:.3e} days would take {mean:.1e} steps; {most:.0e} \
                 are the most"
            ),
        }
    }

    /// Into how many pieces a stretch is cut so that what silence leaves does not underflow; what the counters hold is kept.
    fn silent(&self, length: f64) -> f64 {
        ((self.leak_most * length - self.counted) / DRAINED).ceil().max(1.0)
    }

    /// Whether a stretch is carried by a dense exponential.
    pub(super) fn is_dense(&self, length: f64) -> bool {
        let size = self.points() * self.levels;
        // What copies has no rows that sum to 1.
        if size > DENSE || self.open.iter().any(|open| open.automaton.copying()) {
            return false;
        }
        let mean = self.lambda * length;
        let steps = poisson::steps(mean, self.reach) as f64;
        // A run of 32 numbers is multiplied as one; the smallest step takes as long as some 500 single multiplications.
        let stencil = steps * (self.stencil.operations() * self.levels / 4 + 125) as f64;
        let dense = (size + 1).pow(3) as f64 * (24.0 + self.reach as f64 + 3.0 * mean.max(1.0).log2());
        dense < stencil
    }

    /// Into how many equal pieces a stretch is cut so that nothing underflows and the weights stay few.
    pub(super) fn pieces(&self, length: f64) -> usize {
        let silent = self.silent(length);
        let steps = (self.lambda * length / LONGEST).ceil();
        if self.is_dense(length / silent) { silent as usize } else { silent.max(steps) as usize }
    }

    /// Visits the uniformised steps of the extended chain as (from, to, probability, what it is).
    pub(super) fn each_step(&self, mut visit: impl FnMut(usize, usize, f64, StepKind)) {
        let n = self.points();
        let arrive = |level: usize, point: usize| {
            let see = |level: usize, open: &Open<'_>| if level == GONE { GONE } else { open.level_at(level, point) };
            match self.open.iter().fold(level, see) {
                // To the index past the last state.
                GONE => self.levels * n,
                level => level * n + point,
            }
        };
        for level in 0..self.levels {
            for (x, &stay) in self.stay.get()[..n].iter().enumerate() {
                visit(level * n + x, arrive(level, x), stay, StepKind::Stay(x));
            }
            self.stencil.each(|x, y, slot| {
                visit(level * n + x, arrive(level, y), self.tiles.at(slot) * self.inverse, StepKind::Move(slot));
            });
        }
        for (number, (drain, (lift, leak))) in self.drains.iter().zip(self.lifts.iter().zip(&self.leaks)).enumerate() {
            for level in 0..self.levels {
                let counts = drain.counter.filter(|counter| !counter.full(level));
                let keeps = counts.is_none() && drain.counter.is_some_and(|counter| counter.keeps);
                for x in 0..n {
                    let lost = if counts.is_some() || keeps { leak[x] } else { lift[x] + leak[x] };
                    visit(level * n + x, self.levels * n, lost, StepKind::Leak);
                    if keeps {
                        visit(level * n + x, level * n + x, lift[x], StepKind::Leak);
                    }
                    if let Some(counter) = counts {
                        visit(level * n + x, arrive(level + counter.stride, x), lift[x], StepKind::Lift(number, x));
                    }
                }
            }
        }
    }

    pub(super) fn shape(&self) -> (usize, usize) {
        (self.stencil.width(), self.drains.len())
    }
}

/// What a step of the uniformised chain is.
#[derive(Debug, Clone, Copy)]
pub(super) enum StepKind {
    Stay(usize),
    /// A move, by its slot among the tile values.
    Move(usize),
    /// A drain's counter goes up at a point.
    Lift(usize, usize),
    /// What silence or a full counter takes away; it goes to the index past the last state. What a full counter keeps.
    Leak,
}
