//! Many worlds of a fit: drivers, first rungs and parameters drawn together from what is known, paths onward from there.

use super::dossier::{Dossier, Evidence};
use super::engine::{Evaluated, Prepared};
use super::model::Model;
use super::part::Override;
use super::question::Question;
use super::theta::Values;
use super::world::{Drawer, Told, World};
use crate::ground::{Control, Error, Result, limits, random};
use rand::{Rng, RngExt};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Worlds, and what each was drawn under.
#[derive(Debug, Clone)]
pub struct Worlds {
    pub model: Arc<Model>,
    pub overrides: Vec<Override>,
    pub worlds: Vec<World>,
    pub span: (f64, f64),
    /// World w is drawn at the numbers `values[w % values.len()]`.
    pub values: Vec<Values>,
    pub seed: u64,
    /// The developments that replicates take the place of.
    pub dossier: Dossier,
}

/// What streams are for: each use of a world has its own.
#[derive(Debug, Clone, Copy)]
enum Use {
    Drivers,
    Path,
    Status,
    Events,
    Reports,
}

impl Use {
    /// The seed of the k-th of its kind.
    fn seed(self, seed: u64, k: usize) -> u64 {
        random::stream(seed, 5 * k as u64 + self as u64).random()
    }

    fn stream(self, seed: u64, world: usize, k: usize) -> impl Rng {
        random::stream(self.seed(seed, k), world as u64)
    }
}

/// `n` worlds from where `prepared` ends until a time; `at` evaluates the evidence at the k-th of `draws` draws of θ.
///
/// # Errors
/// `TooLarge` where the moves of all worlds take more than memory allows; `Interrupted`.
#[allow(clippy::too_many_arguments)]
pub fn worlds(
    prepared: &Prepared,
    overrides: &[Override],
    until: f64,
    (n, seed): (usize, u64),
    draws: usize,
    at: impl Fn(usize) -> Result<Arc<Evaluated>> + Sync,
    control: &Control,
) -> Result<(Vec<World>, Vec<Values>)> {
    let draws = draws.clamp(1, n.max(1));
    control.announce(draws);
    let room = room(prepared, n)?;
    let taken = AtomicUsize::new(0);
    let batches: Vec<(Vec<World>, Values)> = (0..draws)
        .into_par_iter()
        .map(|k| {
            control.check()?;
            let evaluated = at(k)?;
            let count = (n - k).div_ceil(draws);
            let begin = Begin::new(prepared, &evaluated, count, Use::Drivers.seed(seed, k), control)?;
            let drawer = Drawer::new(&prepared.model, &evaluated.values, overrides);
            let one = |i: usize| {
                control.check()?;
                let mut rng = Use::Path.stream(seed, k + i * draws, 0);
                let start = begin.draw(i, &mut rng);
                let most = room.saturating_sub(taken.load(Ordering::Relaxed));
                let world = drawer.path(start, (prepared.now, until), most, control, &mut rng)?;
                let world = world.filter(|world| taken.fetch_add(world.moves.len(), Ordering::Relaxed) < room);
                world.ok_or_else(|| {
                    let (bytes, limit) = (24.0 * room as f64, limits::memory());
                    let message = format!(
                        "the moves of {n} worlds take more than {bytes:.3e} bytes; ask for fewer worlds or a shorter span"
                    );
                    Error::TooLarge { bytes, limit, message }
                })
            };
            let worlds = (0..count).into_par_iter().map(one).collect::<Result<_>>()?;
            control.tick();
            Ok((worlds, evaluated.values.clone()))
        })
        .collect::<Result<_>>()?;
    let (batches, values): (Vec<Vec<World>>, Vec<Values>) = batches.into_iter().unzip();
    let mut batches: Vec<_> = batches.into_iter().map(Vec::into_iter).collect();
    let worlds = (0..n).filter_map(|w| batches[w % draws].next()).collect();
    Ok((worlds, values))
}

/// How many moves there is room for, beside the worlds themselves.
fn room(prepared: &Prepared, n: usize) -> Result<usize> {
    let model = &prepared.model;
    let bytes = n as f64 * (128.0 + 8.0 * (model.drivers.len() + 2 * model.ladders.len()) as f64);
    let limit = limits::memory();
    if bytes > limit {
        let message = format!("{n} worlds would take {bytes:.3e} bytes; {limit:.3e} are allowed");
        return Err(Error::TooLarge { bytes, limit, message });
    }
    Ok(((limit - bytes) / 24.0) as usize)
}

/// Where worlds begin, at one draw of θ.
struct Begin<'a> {
    prepared: &'a Prepared,
    evaluated: &'a Evaluated,
    /// States of all drivers in each world, one after the other.
    drivers: Vec<u32>,
}

impl<'a> Begin<'a> {
    fn new(prepared: &'a Prepared, evaluated: &'a Evaluated, n: usize, seed: u64, control: &Control) -> Result<Self> {
        let drivers = evaluated.joined.sample(n, seed, control)?;
        Ok(Begin { prepared, evaluated, drivers })
    }

    /// The states of the drivers and the phases of the ladders at which the i-th world begins.
    fn draw(&self, i: usize, rng: &mut impl Rng) -> (Vec<usize>, Vec<usize>) {
        let model = &self.prepared.model;
        let count = model.drivers.len();
        let drivers: Vec<usize> = self.drivers[i * count..(i + 1) * count].iter().map(|&s| s as usize).collect();
        let mut phases = vec![0; model.ladders.len()];
        for (plan, swept) in self.prepared.plans.iter().zip(&self.evaluated.swept) {
            let digits: Vec<usize> = plan.part.drivers.iter().map(|&d| drivers[d]).collect();
            let end = &swept[plan.part.configs.index(&digits)].end;
            let mut left = rng.random::<f64>() * end.iter().sum::<f64>();
            let passed = |&x: &usize| {
                left -= end[x];
                left < 0.0
            };
            let last = end.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
            let point = (0..end.len()).find(passed).unwrap_or(last) % plan.part.space.len();
            for (axis, &ladder) in plan.part.ladders.iter().enumerate() {
                phases[ladder] = plan.part.space.digit(point, axis);
            }
        }
        (drivers, phases)
    }
}

impl Worlds {
    fn drawer(&self, k: usize) -> Drawer<'_> {
        Drawer::new(&self.model, &self.values[k], &self.overrides)
    }

    /// Does something with each world and what it was drawn under, in parallel, in their order.
    fn each<T: Send>(&self, control: &Control, of: impl Fn(usize, &Drawer<'_>, &World) -> T + Sync) -> Result<Vec<T>> {
        let drawers: Vec<Drawer<'_>> = (0..self.values.len()).map(|k| self.drawer(k)).collect();
        let one = |(w, world): (usize, &World)| {
            control.check()?;
            Ok(of(w, &drawers[w % drawers.len()], world))
        };
        self.worlds.par_iter().enumerate().map(one).collect()
    }

    /// The rung of each ladder at times (days since the origin, ascending): `[world][time][ladder]`, flat.
    pub fn rungs(&self, times: &[f64]) -> Vec<u32> {
        let mut out = Vec::with_capacity(self.worlds.len() * times.len() * self.model.ladders.len());
        for world in &self.worlds {
            let (mut rungs, mut next) = (world.start.clone(), 0);
            for &time in times {
                while let Some(moved) = world.moves.get(next).filter(|moved| moved.time <= time) {
                    rungs[moved.ladder] = moved.to;
                    next += 1;
                }
                out.extend(rungs.iter().map(|&rung| rung as u32));
            }
        }
        out
    }

    /// What a status indicator shows at times: `[world][time]`, flat; see [`Drawer::shown`].
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn shown(&self, status: usize, times: &[f64], control: &Control) -> Result<Vec<f64>> {
        let drawn = self.each(control, |w, drawer, world| {
            let mut rng = Use::Status.stream(self.seed, w, status);
            times.iter().map(|&time| drawer.shown(world, status, time, &mut rng)).collect::<Vec<f64>>()
        })?;
        Ok(drawn.concat())
    }

    /// When an events indicator happens in a span, by world.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn happened(&self, events: usize, span: (f64, f64), control: &Control) -> Result<Vec<Vec<f64>>> {
        self.each(control, |w, drawer, world| {
            let mut rng = Use::Events.stream(self.seed, w, events);
            drawer.happened(world, events, span, (1.0, 0.0), &mut rng)
        })
    }

    /// Whether questions are true: `[world][question]`, flat; NaN where what a question is given is not.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn truths(&self, questions: &[Question], control: &Control) -> Result<Vec<f64>> {
        let truth = |drawer: &Drawer<'_>, world: &World, question: &Question| {
            drawer.truth(world, question).map_or(f64::NAN, |truth| f64::from(u8::from(truth)))
        };
        let told = self.each(control, |_, drawer, world| {
            questions.iter().map(|question| truth(drawer, world, question)).collect::<Vec<f64>>()
        })?;
        Ok(told.concat())
    }

    /// What one world's reporters would have told in place of each development.
    pub fn told_by(&self, world: usize) -> Vec<Option<Told>> {
        let drawer = self.drawer(world % self.values.len());
        let own = |(k, evidence): (usize, &Evidence)| {
            drawer.told(&self.worlds[world], evidence, &mut Use::Reports.stream(self.seed, world, k))
        };
        self.dossier.developments.iter().map(|d| &d.evidence).enumerate().map(own).collect()
    }

    /// What each world's reporters would have told in place of each development: `[world][development]`.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn told(&self, control: &Control) -> Result<Vec<Vec<Option<Told>>>> {
        let evidence: Vec<&Evidence> = self.dossier.developments.iter().map(|d| &d.evidence).collect();
        self.each(control, |w, drawer, world| {
            let own = |(k, evidence): (usize, &&Evidence)| {
                drawer.told(world, evidence, &mut Use::Reports.stream(self.seed, w, k))
            };
            evidence.iter().enumerate().map(own).collect()
        })
    }
}
