//! One world drawn from the model: how its ladders move, what its indicators show, and what is true of it.

use super::condition::Condition;
use super::dossier::{Evidence, Record};
use super::law::{Cell, Law};
use super::model::{Model, Variable};
use super::part::Override;
use super::question::{Ask, Atom, Count, Happening, Question};
use super::theta::Values;
use crate::ground::{Control, Result};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, Gamma, LogNormal, Normal, Poisson, StudentT};

/// Moves of a path between two looks at whether to stop.
const CHECKED: usize = 4096;

/// A ladder enters a rung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// Days since the origin.
    pub time: f64,
    pub ladder: usize,
    pub to: usize,
}

/// A path of every ladder over a span, under one state of the drivers.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// When it begins and ends, days since the origin.
    pub span: (f64, f64),
    /// State of each driver when it begins.
    pub drivers: Vec<usize>,
    /// Rung of each ladder when it begins.
    pub start: Vec<usize>,
    /// In order of time.
    pub moves: Vec<Moved>,
}

/// The model at one value of its numbers, ready to be drawn from.
#[derive(Debug)]
pub struct Drawer<'a> {
    model: &'a Model,
    values: &'a Values,
    overrides: &'a [Override],
    /// Days since the origin at which some effect's truth, or an override, changes: ascending.
    turns: Vec<f64>,
    /// The ladders that look at each ladder, itself first.
    watchers: Vec<Vec<usize>>,
    /// Moves out of each rung of each ladder: where to, the rate, the effects that act on it.
    ways: Vec<Vec<Vec<Way>>>,
}

#[derive(Debug)]
struct Way {
    to: usize,
    rate: usize,
    effects: Vec<usize>,
}

/// Where every ladder is over time: walks a world's moves and the dates at which something else changes.
struct Walk<'a> {
    world: &'a World,
    rungs: Vec<usize>,
    next: usize,
}

impl<'a> Walk<'a> {
    fn new(world: &'a World) -> Self {
        Walk { world, rungs: world.start.clone(), next: 0 }
    }

    /// Goes on to a time, moves at that time included.
    fn to(&mut self, time: f64) {
        while let Some(moved) = self.world.moves.get(self.next).filter(|moved| moved.time <= time) {
            self.rungs[moved.ladder] = moved.to;
            self.next += 1;
        }
    }
}

/// The states of the drivers at a time, with what is set by hand by then.
fn drivers_at(world: &World, overrides: &[Override], time: f64) -> Vec<usize> {
    let mut states = world.drivers.clone();
    for set in overrides {
        if let Override::Driver { driver, state, since } = *set
            && since <= time
        {
            states[driver] = state;
        }
    }
    states
}

impl<'a> Drawer<'a> {
    /// At these numbers, with what is set by hand.
    pub fn new(model: &'a Model, values: &'a Values, overrides: &'a [Override]) -> Self {
        let effects = model.ladders.iter().flat_map(|ladder| &ladder.effects);
        let mut turns: Vec<f64> = effects.flat_map(|effect| effect.when.boundaries()).collect();
        turns.extend(overrides.iter().map(Override::since));
        turns.sort_by(f64::total_cmp);
        turns.dedup();
        let looks = |other: usize, ladder: usize| {
            other != ladder && model.ladders[other].effects.iter().any(|e| e.when.ladders().contains(&ladder))
        };
        let all = 0..model.ladders.len();
        let watchers = all
            .clone()
            .map(|ladder| std::iter::once(ladder).chain(all.clone().filter(|&other| looks(other, ladder))).collect())
            .collect();
        let ways = model
            .ladders
            .iter()
            .map(|ladder| {
                let out = |rung: usize| {
                    let moves = ladder.moves.iter().enumerate().filter(|(_, m)| m.from == rung);
                    let way = |(number, m): (usize, &super::model::Move)| {
                        let on = ladder.effects.iter().enumerate().filter(|(_, e)| e.moves.contains(&number));
                        Way { to: m.to, rate: m.rate, effects: on.map(|(effect, _)| effect).collect() }
                    };
                    moves.map(way).collect()
                };
                (0..ladder.rungs.len()).map(out).collect()
            })
            .collect();
        Drawer { model, values, overrides, turns, watchers, ways }
    }

    /// The intensities out of each stage of a ladder's rung, by way: before the last stage all of them lead to the next.
    fn intensities(&self, ladder: usize, drivers: &[usize], rungs: &[usize], time: f64, into: &mut Vec<f64>) -> f64 {
        into.clear();
        let stages = self.model.ladders[ladder].phases.stages(rungs[ladder]) as f64;
        let effects = &self.model.ladders[ladder].effects;
        for way in &self.ways[ladder][rungs[ladder]] {
            let holds = |&&effect: &&usize| effects[effect].when.holds(|d| drivers[d], |l| rungs[l], time);
            let factors = way.effects.iter().filter(holds).map(|&effect| self.values.positives[effects[effect].factor]);
            into.push(stages * factors.fold(self.values.positives[way.rate], |rate, factor| rate * factor));
        }
        into.iter().sum()
    }

    /// A path over a span from the states of the drivers and the phases of the ladders (Gillespie 1977, J. Phys. Chem. 81);
    /// `None` where it has more than `most` moves.
    pub fn path(
        &self,
        (drivers, start): (Vec<usize>, Vec<usize>),
        span: (f64, f64),
        most: usize,
        control: &Control,
        rng: &mut impl Rng,
    ) -> Result<Option<World>> {
        let mut at = start;
        let of = |ladder: usize| &self.model.ladders[ladder].phases;
        let mut rungs: Vec<usize> = at.iter().enumerate().map(|(ladder, &phase)| of(ladder).rung(phase)).collect();
        let mut world = World { span, drivers, start: rungs.clone(), moves: vec![] };
        let n = rungs.len();
        let mut held = vec![false; n];
        let (mut rates, mut exits) = (vec![vec![]; n], vec![0.0; n]);
        let (mut time, mut steps) = (span.0, 0usize);
        let ahead = self.turns.iter().copied().filter(|&turn| turn > span.0 && turn < span.1);
        let stops: Vec<f64> = ahead.chain([span.1]).collect();
        for stop in stops {
            for set in self.overrides {
                if let Override::Ladder { ladder, rung, since } = *set
                    && since <= time
                    && (!held[ladder] || since == time)
                {
                    held[ladder] = true;
                    at[ladder] = of(ladder).entry(rung);
                    if rungs[ladder] != rung {
                        rungs[ladder] = rung;
                        world.moves.push(Moved { time, ladder, to: rung });
                    }
                }
            }
            let drivers = drivers_at(&world, self.overrides, time);
            for ladder in 0..n {
                exits[ladder] = if held[ladder] {
                    0.0
                } else {
                    self.intensities(ladder, &drivers, &rungs, time, &mut rates[ladder])
                };
            }
            loop {
                let total: f64 = exits.iter().sum();
                steps += 1;
                if steps % CHECKED == 0 {
                    control.check()?;
                }
                let wait: f64 = Exp1.sample(rng);
                let next = time + wait / total;
                // A sum over no way out is -0.
                if total <= 0.0 || next >= stop {
                    time = stop;
                    break;
                }
                time = next;
                let ladder = pick(&exits, rng.random::<f64>() * total);
                if at[ladder] < of(ladder).last(rungs[ladder]) {
                    // The next stage of the same rung, at the same intensity.
                    at[ladder] += 1;
                    continue;
                }
                let way = pick(&rates[ladder], rng.random::<f64>() * exits[ladder]);
                let to = self.ways[ladder][rungs[ladder]][way].to;
                at[ladder] = of(ladder).entry(to);
                rungs[ladder] = to;
                world.moves.push(Moved { time, ladder, to });
                if world.moves.len() > most {
                    return Ok(None);
                }
                for &other in self.watchers[ladder].iter().filter(|&&other| !held[other]) {
                    exits[other] = self.intensities(other, &drivers, &rungs, time, &mut rates[other]);
                }
            }
        }
        Ok(Some(world))
    }

    fn config(&self, parents: &[Variable], drivers: &[usize], rungs: &[usize]) -> usize {
        parents.iter().fold(0, |config, parent| match *parent {
            Variable::Driver(d) => config * self.model.drivers[d].states.len() + drivers[d],
            Variable::Ladder(l) => config * self.model.ladders[l].rungs.len() + rungs[l],
        })
    }

    /// What a status indicator shows at a time: the index of its state, or its number; NaN where it is never shown.
    pub fn shown(&self, world: &World, status: usize, time: f64, rng: &mut impl Rng) -> f64 {
        let mut walk = Walk::new(world);
        walk.to(time);
        let drivers = drivers_at(world, self.overrides, time);
        let status = &self.model.statuses[status];
        let config = self.config(&status.parents, &drivers, &walk.rungs);
        match status.cells.get(config) {
            Some(Some(cell)) => number(cell, self.values, rng),
            Some(None) => f64::NAN,
            None => pick(&self.values.rows[status.rows[config]], rng.random::<f64>()) as f64,
        }
    }

    /// When an events indicator happens in a span, at hit · λ + `false_rate`.
    pub fn happened(
        &self,
        world: &World,
        events: usize,
        span: (f64, f64),
        (hit, false_rate): (f64, f64),
        rng: &mut impl Rng,
    ) -> Vec<f64> {
        let events = &self.model.events[events];
        let inside = |time: &f64| *time > span.0 && *time < span.1;
        let moves = world.moves.iter().map(|moved| moved.time);
        let mut stops: Vec<f64> = moves.chain(self.turns.iter().copied()).filter(inside).chain([span.1]).collect();
        stops.sort_by(f64::total_cmp);
        let (mut walk, mut time, mut out) = (Walk::new(world), span.0, vec![]);
        for stop in stops {
            walk.to(time);
            let drivers = drivers_at(world, self.overrides, time);
            let rate = self.values.positives[events.rates[self.config(&events.parents, &drivers, &walk.rungs)]];
            let rate = hit * rate + false_rate;
            loop {
                let wait: f64 = Exp1.sample(rng);
                time += wait / rate;
                if rate <= 0.0 || time >= stop {
                    time = stop;
                    break;
                }
                out.push(time);
            }
        }
        out
    }

    /// When a condition becomes true in [from, to], and whether it holds when that begins.
    fn entries(&self, world: &World, when: &Condition, from: f64, to: f64) -> (bool, Vec<f64>) {
        let inside = |time: &f64| *time > from && *time <= to;
        let moves = world.moves.iter().map(|moved| moved.time);
        let turns = when.boundaries().into_iter().chain(self.overrides.iter().map(Override::since));
        let mut stops: Vec<f64> = moves.chain(turns).filter(inside).collect();
        stops.sort_by(f64::total_cmp);
        stops.dedup();
        let mut walk = Walk::new(world);
        let mut truth = |time: f64| {
            walk.to(time);
            let drivers = drivers_at(world, self.overrides, time);
            when.holds(|d| drivers[d], |l| walk.rungs[l], time)
        };
        let first = truth(from);
        let (mut before, mut entered) = (first, vec![]);
        for stop in stops {
            let now = truth(stop);
            if now && !before {
                entered.push(stop);
            }
            before = now;
        }
        (first, entered)
    }

    /// Days that a condition holds in [from, to].
    fn spent(&self, world: &World, when: &Condition, from: f64, to: f64) -> f64 {
        let inside = |time: &f64| *time > from && *time < to;
        let moves = world.moves.iter().map(|moved| moved.time);
        let turns = when.boundaries().into_iter().chain(self.overrides.iter().map(Override::since));
        let mut stops: Vec<f64> = moves.chain(turns).filter(inside).chain([to]).collect();
        stops.sort_by(f64::total_cmp);
        let (mut walk, mut time, mut sum) = (Walk::new(world), from, 0.0);
        for stop in stops {
            walk.to(time);
            let drivers = drivers_at(world, self.overrides, time);
            sum += if when.holds(|d| drivers[d], |l| walk.rungs[l], time) { stop - time } else { 0.0 };
            time = stop;
        }
        sum
    }

    /// Whether an atom is true of a world.
    fn atom(&self, world: &World, atom: &Atom) -> bool {
        let reached = |when: &Condition, since: f64, by: f64| {
            let (first, entered) = self.entries(world, when, since, by);
            if first { Some(since) } else { entered.first().copied() }
        };
        match atom {
            Atom::At { when, time } => self.entries(world, when, *time, *time).0,
            Atom::Reach { when, since, by } => reached(when, *since, *by).is_some(),
            Atom::Happens { what, count, since, by } => {
                let times = match what {
                    Happening::Entry(when) => self.entries(world, when, *since, *by).1.len(),
                    Happening::Move { ladder, moves, .. } => moved(world, *ladder, moves, (*since, *by)),
                };
                let (Count::UpTo(most) | Count::Moments(most)) = count;
                times >= *most
            }
            Atom::Spends { when, days, since, by, .. } => self.spent(world, when, *since, *by) >= *days,
            Atom::First { when, before, since, by } => match (reached(when, *since, *by), reached(before, *since, *by))
            {
                (Some(own), Some(other)) => own < other,
                (own, _) => own.is_some(),
            },
        }
    }

    /// Whether a question is true of a world, asked as of when it begins; `None` where what it is given is not.
    pub fn truth(&self, world: &World, question: &Question) -> Option<bool> {
        let atoms: Vec<bool> = question.atoms.iter().map(|atom| self.atom(world, atom)).collect();
        let holds = |ask: &Ask| ask.holds(&|atom| atoms[atom]);
        question.given.as_ref().is_none_or(holds).then(|| holds(&question.ask))
    }

    /// What a world's reporters would have told in place of a development: 1 or 0 for a fact reported or not, the index of a
    /// status indicator's state, its number, or the times of events; `None` where a report has no probability.
    pub fn told(&self, world: &World, evidence: &Evidence, rng: &mut impl Rng) -> Option<Told> {
        let evidence = match evidence {
            Evidence::Trusted { driver, each } => {
                let time = match evidence.plain() {
                    Evidence::State { time, .. } | Evidence::Window { end: time, .. } => *time,
                    _ => world.span.1,
                };
                &each[drivers_at(world, self.overrides, time)[*driver]]
            }
            other => other,
        };
        let report = |chance: f64, rng: &mut dyn FnMut() -> f64| {
            (0.0..=1.0).contains(&chance).then(|| Told::Value(f64::from(u8::from(rng() < chance))))
        };
        match evidence {
            Evidence::State { time, when, hit, miss } => {
                let holds = self.entries(world, when, *time, *time).0;
                report(if holds { *hit } else { *miss }, &mut || rng.random())
            }
            Evidence::Window { start, end, when, entered, happened, never } => {
                let (first, entries) = self.entries(world, when, *start, *end);
                let seen = !entries.is_empty() || (first && !entered);
                report(if seen { *happened } else { *never }, &mut || rng.random())
            }
            Evidence::Status { time, status, .. } | Evidence::Measured { time, status, .. } => {
                Some(Told::Value(self.shown(world, *status, *time, rng)))
            }
            Evidence::Events { start, end, events, hit, false_rate, .. } => {
                Some(Told::Times(self.happened(world, *events, (*start, *end), (*hit, *false_rate), rng)))
            }
            Evidence::Soft { .. } | Evidence::Move { .. } | Evidence::Trusted { .. } => None,
        }
    }
}

/// What takes the place of a development in a world.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    Value(f64),
    Times(Vec<f64>),
}

/// What a development itself said, on the scale of [`Told`]; `None` where there is nothing to compare.
pub fn said(evidence: &Evidence) -> Option<f64> {
    match evidence.plain() {
        Evidence::State { .. } | Evidence::Window { .. } | Evidence::Trusted { .. } => Some(1.0),
        Evidence::Status { weights, .. } => {
            let top = weights.iter().copied().fold(0.0, f64::max);
            let mut at_top = (0..weights.len()).filter(|&k| weights[k] == top);
            let first = at_top.next()?;
            at_top.next().is_none().then_some(first as f64)
        }
        Evidence::Measured { value, .. } => Some(*value),
        Evidence::Events { record: Record::Times(times), .. } => Some(times.len() as f64),
        Evidence::Events { record: Record::Count(count), .. } => Some(*count as f64),
        Evidence::Soft { .. } | Evidence::Move { .. } => None,
    }
}

/// How often a ladder makes one of some moves in a span, its end included.
fn moved(world: &World, ladder: usize, moves: &[(usize, usize)], (since, by): (f64, f64)) -> usize {
    let (mut rung, mut times) = (world.start[ladder], 0);
    for moved in world.moves.iter().filter(|moved| moved.ladder == ladder && moved.time <= by) {
        times += usize::from(moved.time > since && moves.contains(&(rung, moved.to)));
        rung = moved.to;
    }
    times
}

/// The first place at which the weights so far exceed a number.
fn pick(weights: &[f64], mut left: f64) -> usize {
    let passed = |&j: &usize| {
        left -= weights[j];
        left < 0.0
    };
    let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
    (0..weights.len()).find(passed).unwrap_or(last)
}

/// A number from an indicator's law; NaN where the law has no such parameters.
fn number(cell: &Cell, values: &Values, rng: &mut impl Rng) -> f64 {
    if let Some(zero) = cell.zero
        && rng.random::<f64>() < values.rows[zero][0]
    {
        return 0.0;
    }
    let (p, r) = (&values.positives, &values.reals);
    let poisson = |mean: f64, rng: &mut dyn FnMut(Poisson<f64>) -> f64| match mean > 0.0 {
        true => Poisson::new(mean).map_or(f64::NAN, rng),
        false => 0.0,
    };
    match cell.law {
        Law::Normal { mean, sd } => Normal::new(r[mean], p[sd]).map_or(f64::NAN, |law| law.sample(rng)),
        Law::LogNormal { mean, sd } => LogNormal::new(r[mean], p[sd]).map_or(f64::NAN, |law| law.sample(rng)),
        Law::Student { mean, sd, freedom } => {
            StudentT::new(p[freedom]).map_or(f64::NAN, |law| r[mean] + p[sd] * law.sample(rng))
        }
        Law::Poisson { mean } => poisson(p[mean], &mut |law| law.sample(rng)),
        Law::NegativeBinomial { mean, size } => {
            let mixed = Gamma::new(p[size], p[mean] / p[size]).map_or(f64::NAN, |law| law.sample(rng));
            if mixed.is_nan() { f64::NAN } else { poisson(mixed, &mut |law| law.sample(rng)) }
        }
    }
}
