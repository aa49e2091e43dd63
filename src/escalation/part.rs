//! One component as the sweep sees it: a joint space of rungs, the driver states it looks at, and its labelled generators.

use super::condition::Condition;
use super::model::{Ladder, Model};
use super::phase::{self, Phases};
use super::restrict::Known;
use super::theta::{Statistics, Values};
use crate::ground::{Error, Result};
use crate::markov::{self, Field, Space, Stencil, Tally, Tiles};
use std::collections::HashMap;
use std::sync::Arc;

/// What a rate of the generator is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Label {
    /// A baseline intensity times factors (indices into `Parameters::positives`).
    Move { rate: usize, factors: Vec<usize> },
    /// Of a rung with stages: so many times a sum of moves out of it, each a baseline times factors.
    Stage { stages: usize, moves: Vec<(usize, Vec<usize>)> },
    /// hit · λ + false_rate, the last two as bits.
    Events { rate: usize, hit: u64, false_rate: u64 },
    /// Marks at a rate of our own, as bits: see [`Atom::Spends`](super::question::Atom).
    Marks(u64),
}

/// From a time on, a driver or a ladder is set by hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Override {
    Driver { driver: usize, state: usize, since: f64 },
    Ladder { ladder: usize, rung: usize, since: f64 },
}

impl Override {
    /// From when on, days since the origin.
    pub fn since(&self) -> f64 {
        match self {
            Override::Driver { since, .. } | Override::Ladder { since, .. } => *since,
        }
    }
}

/// The stretch of time that a part is swept over, and where its generators change.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// When the sweep begins, days since the origin.
    pub start: f64,
    /// When some condition's truth or an override changes after that, ascending: piece k begins at `boundaries[k − 1]`.
    pub boundaries: Vec<f64>,
    pub overrides: Vec<Override>,
}

impl Calendar {
    /// The calendar from `start` on; boundaries up to then are past.
    pub fn new(start: f64, boundaries: &[f64], overrides: &[Override]) -> Self {
        let boundaries = boundaries.iter().copied().filter(|&boundary| boundary > start).collect();
        Calendar { start, boundaries, overrides: overrides.to_vec() }
    }

    /// Number of pieces.
    pub fn pieces(&self) -> usize {
        self.boundaries.len() + 1
    }

    /// When a piece begins.
    pub fn piece_start(&self, piece: usize) -> f64 {
        if piece == 0 { self.start } else { self.boundaries[piece - 1] }
    }

    /// The piece that holds at a time (a boundary belongs to the piece it begins).
    pub fn piece_at(&self, time: f64) -> usize {
        self.boundaries.partition_point(|&boundary| boundary <= time)
    }
}

/// A joint space of some ladders under each state of some drivers, with its generators in every calendar piece.
#[derive(Debug, Clone)]
pub struct Part {
    /// Ladders of the model, ascending: the axes.
    pub ladders: Vec<usize>,
    /// The phases of each: what an axis counts.
    pub phases: Vec<Phases>,
    /// Drivers of the model, ascending, that this part looks at.
    pub drivers: Vec<usize>,
    pub space: Space,
    /// Joint states of `drivers`: the configurations.
    pub configs: Space,
    pub calendar: Calendar,
    labels: Vec<Label>,
    index: HashMap<Label, u32>,
    /// Shared between copies that differ in their labels.
    stencils: Vec<Arc<Stencil>>,
    /// Stencil of (config, piece).
    which: Vec<usize>,
}

/// A part's generators with their rates filled in.
#[derive(Debug, Clone)]
pub struct Filled {
    /// Rate of each label.
    pub rates: Vec<f64>,
    /// Tile values of each stencil.
    tiles: Vec<Tiles>,
    /// Exit rate of each point, by stencil.
    pub(super) exits: Vec<Vec<f64>>,
}

impl Part {
    /// Builds the part's generators.
    pub fn new(model: &Model, ladders: Vec<usize>, drivers: Vec<usize>, calendar: Calendar) -> Self {
        let phases: Vec<Phases> = ladders.iter().map(|&l| model.ladders[l].phases.clone()).collect();
        let space = phase::space(&phases);
        let configs = Space::new(drivers.iter().map(|&d| model.drivers[d].states.len()).collect());
        let mut part = Part {
            ladders,
            phases,
            drivers,
            space,
            configs,
            calendar,
            labels: vec![],
            index: HashMap::new(),
            stencils: vec![],
            which: vec![],
        };
        let mut known: HashMap<Vec<(usize, Vec<Condition>)>, usize> = HashMap::new();
        for config in 0..part.configs.len() {
            for piece in 0..part.calendar.pieces() {
                let active = part.active(model, config, piece);
                let stencil = match known.get(&active) {
                    Some(&stencil) => stencil,
                    None => {
                        let arcs = part.arcs(model, &active);
                        part.stencils.push(Arc::new(Stencil::new(part.space.clone(), &arcs)));
                        known.insert(active, part.stencils.len() - 1);
                        part.stencils.len() - 1
                    }
                };
                part.which.push(stencil);
            }
        }
        part
    }

    /// The ladders that move in this configuration and piece, each with its effects' restricted conditions.
    fn active(&self, model: &Model, config: usize, piece: usize) -> Vec<(usize, Vec<Condition>)> {
        let drivers = self.drivers_at(model, config, piece);
        let known = Known { drivers: &drivers, time: self.calendar.piece_start(piece) };
        let mut active = vec![];
        for (axis, &ladder) in self.ladders.iter().enumerate() {
            let held = self.calendar.overrides.iter().any(
                |o| matches!(o, Override::Ladder { ladder: l, since, .. } if *l == ladder && *since <= known.time),
            );
            if !held {
                let effects = &model.ladders[ladder].effects;
                active.push((axis, effects.iter().map(|effect| effect.when.restrict(&known)).collect()));
            }
        }
        active
    }

    /// States of all drivers of the model in a configuration and piece; drivers not looked at are 0.
    pub fn drivers_at(&self, model: &Model, config: usize, piece: usize) -> Vec<usize> {
        let mut states = vec![0; model.drivers.len()];
        for (axis, &driver) in self.drivers.iter().enumerate() {
            states[driver] = self.configs.digit(config, axis);
        }
        let time = self.calendar.piece_start(piece);
        for set in &self.calendar.overrides {
            if let Override::Driver { driver, state, since } = *set
                && since <= time
            {
                states[driver] = state;
            }
        }
        states
    }

    /// Axis of a ladder.
    pub fn axis(&self, ladder: usize) -> Option<usize> {
        self.ladders.binary_search(&ladder).ok()
    }

    /// Tabulates a function of ladders' rungs over the axes of those ladders.
    pub fn field<T: Clone>(&self, ladders: &[usize], mut value: impl FnMut(&dyn Fn(usize) -> usize) -> T) -> Field<T> {
        let mut axes: Vec<usize> = ladders.iter().filter_map(|&l| self.axis(l)).collect();
        axes.sort_unstable();
        axes.dedup();
        let order = axes.clone();
        Field::tabulate(&self.space, axes, |digits| {
            value(&|ladder| {
                let position = self.axis(ladder).and_then(|axis| order.iter().position(|&a| a == axis));
                position.map_or(0, |p| self.phases[order[p]].rung(digits[p]))
            })
        })
    }

    fn arcs(&mut self, model: &Model, active: &[(usize, Vec<Condition>)]) -> Vec<markov::Arc> {
        let mut arcs = vec![];
        for (axis, conditions) in active {
            let ladder = &model.ladders[self.ladders[*axis]];
            for number in 0..ladder.moves.len() {
                if let Some(arc) = self.arc(ladder, *axis, number, conditions, model) {
                    arcs.push(arc);
                }
            }
            for rung in (0..ladder.rungs.len()).filter(|&rung| ladder.phases.stages(rung) > 1) {
                arcs.extend(self.advances(ladder, *axis, rung, conditions, model));
            }
        }
        arcs
    }

    /// A move out of the last stage of a rung, into the first of another.
    fn arc(
        &mut self,
        ladder: &Ladder,
        axis: usize,
        number: usize,
        conditions: &[Condition],
        model: &Model,
    ) -> Option<markov::Arc> {
        let (from, to) = (ladder.moves[number].from, ladder.moves[number].to);
        let label = self.labels_of(ladder, axis, from, &[number], conditions, model)?;
        Some(markov::Arc { axis, from: ladder.phases.last(from), to: ladder.phases.entry(to), label })
    }

    /// From each stage of a rung to the next: all moves out of the rung together.
    fn advances(
        &mut self,
        ladder: &Ladder,
        axis: usize,
        rung: usize,
        conditions: &[Condition],
        model: &Model,
    ) -> Vec<markov::Arc> {
        let out: Vec<usize> = (0..ladder.moves.len()).filter(|&number| ladder.moves[number].from == rung).collect();
        let Some(label) = self.labels_of(ladder, axis, rung, &out, conditions, model) else { return vec![] };
        let stages = ladder.phases.entry(rung)..ladder.phases.last(rung);
        stages.map(|from| markov::Arc { axis, from, to: from + 1, label: label.clone() }).collect()
    }

    /// What some moves out of a rung are called together, by the rungs of other ladders; `None` where none can happen.
    fn labels_of(
        &mut self,
        ladder: &Ladder,
        axis: usize,
        from: usize,
        numbers: &[usize],
        conditions: &[Condition],
        model: &Model,
    ) -> Option<Field<u32>> {
        let never = |number: usize| {
            let rate = &model.parameters.positives[ladder.moves[number].rate];
            rate.value == 0.0 && rate.prior == super::parameter::Prior::Fixed
        };
        let own = self.ladders[axis];
        // Of each move its rate, and the factors with their conditions.
        let ways: Vec<(usize, Vec<(usize, &Condition)>)> = numbers
            .iter()
            .filter(|&&number| !never(number))
            .map(|number| {
                let effects = ladder.effects.iter().zip(conditions);
                let on = effects.filter(|(effect, _)| effect.moves.contains(number));
                (ladder.moves[*number].rate, on.map(|(effect, condition)| (effect.factor, condition)).collect())
            })
            .collect();
        if ways.is_empty() {
            return None;
        }
        let on = ways.iter().flat_map(|(_, on)| on);
        let mut looks: Vec<usize> = on.flat_map(|(_, condition)| condition.ladders()).collect();
        looks.retain(|&l| l != own);
        let stages = ladder.phases.stages(from);
        let field = self.field(&looks, |rung| {
            let here = |l: usize| if l == own { from } else { rung(l) };
            let factors = |on: &[(usize, &Condition)]| {
                let mut factors: Vec<usize> = on.iter().filter(|(_, c)| c.at_rungs(&here)).map(|(f, _)| *f).collect();
                factors.sort_unstable();
                factors
            };
            let mut moves = ways.iter().map(|(rate, on)| (*rate, factors(on)));
            match (stages, moves.next()) {
                (1, Some((rate, factors))) => Label::Move { rate, factors },
                (_, first) => Label::Stage { stages, moves: first.into_iter().chain(moves).collect() },
            }
        });
        Some(field.map(|label| self.label(label.clone())))
    }

    /// The labels of a move in a configuration and piece: `None` where it cannot happen.
    pub fn jump(
        &mut self,
        model: &Model,
        config: usize,
        piece: usize,
        ladder: usize,
        from: usize,
        to: usize,
    ) -> Option<markov::Arc> {
        let axis = self.axis(ladder)?;
        let active = self.active(model, config, piece);
        let conditions = &active.iter().find(|(a, _)| *a == axis)?.1;
        let number = model.ladders[ladder].moves.iter().position(|m| m.from == from && m.to == to)?;
        self.arc(&model.ladders[ladder], axis, number, conditions, model)
    }

    /// The number of a label, known or new.
    pub fn label(&mut self, label: Label) -> u32 {
        match self.index.get(&label) {
            Some(&known) => known,
            None => {
                let number = self.labels.len() as u32;
                self.labels.push(label.clone());
                self.index.insert(label, number);
                number
            }
        }
    }

    /// Indices of the positives that the rates are made of, ascending.
    pub fn positives(&self) -> Vec<usize> {
        let mut used: Vec<usize> = vec![];
        for label in &self.labels {
            match label {
                Label::Move { rate, factors } => used.extend(factors.iter().chain([rate])),
                Label::Stage { moves, .. } => {
                    used.extend(moves.iter().flat_map(|(rate, factors)| factors.iter().chain([rate])));
                }
                Label::Events { rate, .. } => used.push(*rate),
                Label::Marks(_) => {}
            }
        }
        used.sort_unstable();
        used.dedup();
        used
    }

    /// Whether another part of the same model has the same generators, and the labels that both have the same numbers.
    pub fn is_like(&self, other: &Part) -> bool {
        self.of(&other.ladders, &other.drivers, &other.calendar)
            && self.labels.iter().zip(&other.labels).all(|(own, its)| own == its)
    }

    /// Whether it is the part of these ladders, drivers and calendar.
    pub fn of(&self, ladders: &[usize], drivers: &[usize], calendar: &Calendar) -> bool {
        self.ladders == ladders && self.drivers == drivers && self.calendar == *calendar
    }

    /// Number of labels.
    pub fn labels(&self) -> usize {
        self.labels.len()
    }

    /// The generator's structure in a configuration and piece.
    pub fn stencil(&self, config: usize, piece: usize) -> &Stencil {
        &self.stencils[self.which[config * self.calendar.pieces() + piece]]
    }

    /// Fills the rates in.
    ///
    /// # Errors
    /// `Diverged` where a rate is not a finite number.
    pub fn fill(&self, values: &Values) -> Result<Filled> {
        let rates: Vec<f64> = self.labels.iter().map(|label| rate(label, values)).collect();
        if let Some(wrong) = rates.iter().position(|rate| !rate.is_finite()) {
            return Err(Error::Diverged { message: self.excuse(wrong, values) });
        }
        let tiles: Vec<Tiles> = self.stencils.iter().map(|stencil| stencil.fill(&rates)).collect();
        let exits: Vec<Vec<f64>> = self
            .stencils
            .iter()
            .zip(&tiles)
            .map(|(stencil, tiles)| {
                let mut exit = vec![0.0; self.space.len()];
                stencil.exits(tiles, &mut exit);
                exit
            })
            .collect();
        if exits.iter().flatten().any(|exit| !exit.is_finite()) {
            let most = rates.iter().fold(0.0, |most: f64, &rate| most.max(rate));
            let message = format!(
                "the intensities out of a joint rung add up to no finite number; the largest is {most:.3e} a day"
            );
            return Err(Error::Diverged { message });
        }
        Ok(Filled { rates, tiles, exits })
    }

    fn excuse(&self, label: usize, values: &Values) -> String {
        let numbers = match &self.labels[label] {
            Label::Move { rate, factors } => [rate].into_iter().chain(factors).map(|&p| values.positives[p]).collect(),
            Label::Stage { moves, .. } => {
                let all = moves.iter().flat_map(|(rate, factors)| [rate].into_iter().chain(factors));
                all.map(|&p| values.positives[p]).collect()
            }
            Label::Events { rate, .. } => vec![values.positives[*rate]],
            Label::Marks(rate) => vec![f64::from_bits(*rate)],
        };
        let numbers: Vec<String> = numbers.iter().map(|x: &f64| format!("{x:.3e}")).collect();
        format!("an intensity is not a finite number: the product of {}", numbers.join(", "))
    }

    /// Tile values and exit rates in a configuration and piece.
    pub fn filled<'a>(&self, filled: &'a Filled, config: usize, piece: usize) -> (&'a Tiles, &'a [f64]) {
        let stencil = self.which[config * self.calendar.pieces() + piece];
        (&filled.tiles[stencil], &filled.exits[stencil])
    }

    /// Turns expected moves and times by label into derivatives by parameter.
    pub fn pull(&self, tally: &Tally, values: &Values, into: &mut Statistics) {
        for (number, label) in self.labels.iter().enumerate() {
            let (moves, time) = (tally.moves[number], tally.time[number]);
            match label {
                Label::Move { rate: base, factors } => {
                    let gain = moves - rate(label, values) * time;
                    into.positives[*base] += gain;
                    factors.iter().for_each(|&factor| into.positives[factor] += gain);
                }
                Label::Stage { stages, moves: ways } => {
                    // Of so many moves by a sum of rates each has its share.
                    let total = rate(label, values);
                    for (base, factors) in ways {
                        let own = *stages as f64 * product(*base, factors, values);
                        let gain = if total > 0.0 { moves * (own / total) } else { 0.0 } - own * time;
                        into.positives[*base] += gain;
                        factors.iter().for_each(|&factor| into.positives[factor] += gain);
                    }
                }
                Label::Events { rate: base, hit, .. } => {
                    let r = rate(label, values);
                    if r > 0.0 {
                        into.positives[*base] += (moves / r - time) * f64::from_bits(*hit) * values.positives[*base];
                    }
                }
                Label::Marks(_) => {}
            }
        }
    }
}

fn product(rate: usize, factors: &[usize], values: &Values) -> f64 {
    factors.iter().fold(values.positives[rate], |q, &f| q * values.positives[f])
}

fn rate(label: &Label, values: &Values) -> f64 {
    match label {
        Label::Move { rate, factors } => product(*rate, factors, values),
        Label::Stage { stages, moves } => {
            *stages as f64 * moves.iter().fold(0.0, |sum, (rate, factors)| sum + product(*rate, factors, values))
        }
        Label::Events { rate, hit, false_rate } => {
            f64::from_bits(*hit) * values.positives[*rate] + f64::from_bits(*false_rate)
        }
        Label::Marks(rate) => f64::from_bits(*rate),
    }
}
