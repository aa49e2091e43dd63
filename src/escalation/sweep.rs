//! The sweep: the only place where joint weights are carried through time, forward and backward.

use super::law::Cell;
use super::part::Filled;
use super::plan::{Plan, Point, Reading, Slot, Step, Watched};
use super::theta::{Statistics, Values};
use crate::ground::{Control, Error, Result};
use crate::markov::rewind::{Rewind, place};
use crate::markov::spent::Spent;
use crate::markov::stencil::dot;
use crate::markov::tally::{rows_kept, slots};
use crate::markov::{Carried, Counter, Drain, Flow, Open, Rows, Sheet, Tally};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A forward pass under one configuration of the drivers.
#[derive(Debug, Clone)]
pub struct Swept {
    /// Log of the total weight: P(evidence of this part | configuration). −inf where it is impossible.
    pub log: f64,
    /// Weights at the end, over open levels and points, sum 1 (empty where impossible).
    pub end: Vec<f64>,
    /// Weights at each mark, levels summed out, sum 1.
    pub marks: Vec<Vec<f64>>,
    /// What the plan reads, at each of its times: the law of every ladder, the axes one after the other, or the weight of
    /// every level, those of paths 1 together.
    pub laws: Vec<Vec<f64>>,
    /// ∫ law dt and ∫ t law dt over all flows so far, t the days since the start, where the plan reads integrals.
    pub integrals: [Vec<f64>; 2],
    /// Days since the start.
    clock: f64,
    /// Vectors that enter steps, of as many steps as there is room for.
    kept: Vec<Kept>,
    /// Bytes that there are for the rows of the next flow, and those that it left.
    bytes: f64,
    rows: Option<Arc<Rows>>,
}

/// The vector that enters a step, and the log of the weight that it stands for.
#[derive(Debug, Clone)]
struct Kept {
    step: usize,
    vector: Arc<Vec<f64>>,
    log: f64,
    /// What the vector went through in the step, for a backward pass that counts.
    rows: Option<Arc<Rows>>,
}

/// Which of the vectors that enter the steps a forward pass keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// As many as there is room for: for a backward pass that counts.
    Steps,
    /// Those at the marks, where there is room: for a backward pass that only smooths.
    Marks,
    /// So many, for evidence that may be appended.
    Some(usize),
}

impl Swept {
    /// Adds a flow's integrals.
    fn integrate(&mut self, [once, twice]: &[Vec<f64>; 2]) {
        let [all, timed] = &mut self.integrals;
        all.resize(once.len().max(all.len()), 0.0);
        timed.resize(twice.len().max(timed.len()), 0.0);
        all.iter_mut().zip(once).for_each(|(sum, x)| *sum += x);
        timed.iter_mut().zip(once.iter().zip(twice)).for_each(|(sum, (once, twice))| *sum += self.clock * once + twice);
    }

    fn start(vector: Vec<f64>) -> Self {
        Swept {
            log: 0.0,
            end: vector,
            marks: vec![],
            laws: vec![],
            integrals: Default::default(),
            clock: 0.0,
            kept: vec![],
            bytes: 0.0,
            rows: None,
        }
    }
}

/// What a backward pass adds up.
#[derive(Debug, Clone)]
pub struct Gained {
    pub tally: Tally,
    pub statistics: Statistics,
    /// Smoothed weights at each mark, sum 1.
    pub marks: Vec<Vec<f64>>,
    /// Whether only the time at each point between two marks is wanted.
    pub between: bool,
    /// What the generator does, by calendar piece.
    pub sheets: BTreeMap<usize, Sheet>,
}

impl Gained {
    /// Nothing yet.
    pub fn new(tally: Tally, statistics: Statistics) -> Self {
        Gained { tally, statistics, marks: vec![], between: false, sheets: BTreeMap::new() }
    }
}

/// A plan under one configuration, its rates filled in.
pub struct Sweep<'a> {
    plan: &'a Plan,
    filled: &'a Filled,
    values: &'a Values,
    config: usize,
    control: &'a Control,
}

impl<'a> Sweep<'a> {
    pub fn new(plan: &'a Plan, filled: &'a Filled, values: &'a Values, config: usize, control: &'a Control) -> Self {
        Sweep { plan, filled, values, config, control }
    }

    fn points(&self) -> usize {
        self.plan.part.space.len()
    }

    fn open(&self, slots: &[Slot], piece: usize) -> (Vec<Open<'a>>, usize) {
        let mut stride = 1;
        let mut open = vec![];
        for slot in slots {
            let automaton = &self.plan.monitors[slot.monitor].laws[slot.law];
            let classes = self.plan.classes(slot.monitor, self.config, piece);
            let detour = self.plan.monitors[slot.monitor].detour;
            open.push(Open { automaton, classes, stride, listens: slot.listens, detour });
            stride *= automaton.levels();
        }
        (open, stride)
    }

    /// Visits the moves in a calendar piece: (from point, to point, intensity).
    pub fn rates(&self, piece: usize, mut visit: impl FnMut(usize, usize, f64)) {
        let (tiles, _) = self.plan.part.filled(self.filled, self.config, piece);
        self.plan.part.stencil(self.config, piece).each(|from, to, slot| visit(from, to, tiles.at(slot)));
    }

    /// The time that weights over the points spend `inside` over so many days within a calendar piece.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn spent(&self, row: &[f64], piece: usize, inside: &[bool], length: f64) -> Result<Spent> {
        let found = self.flow(piece, &[], &[], false).spent(row, inside, length);
        self.control.check().map(|()| found)
    }

    fn flow(&self, piece: usize, watched: &[usize], slots: &[Slot], settled: bool) -> Flow<'a> {
        let (open, levels) = self.open(slots, piece);
        let drains = watched
            .iter()
            .map(|&number| Drain {
                label: self.plan.watched_labels(number, self.config, piece),
                counter: self.plan.watched[number].counter.and_then(|counted| {
                    let position = slots.iter().position(|slot| slot.monitor == counted.monitor)?;
                    let (stride, levels) = (open[position].stride, open[position].automaton.levels());
                    Some(Counter { stride, levels, tilt: self.tilt(number), keeps: counted.marks })
                }),
            })
            .collect();
        let (tiles, exit) = self.plan.part.filled(self.filled, self.config, piece);
        let stencil = self.plan.part.stencil(self.config, piece);
        let listening = open.into_iter().filter(|open| open.listens).collect();
        let flow = Flow::new(stencil, tiles, exit, &self.filled.rates, drains, listening, levels, self.control);
        if settled { flow.settled() } else { flow }
    }

    /// By what a count's levels are carried: counted over expected, by the rates nearest to what was counted.
    fn tilt(&self, watched: usize) -> f64 {
        let Some(counted) = self.plan.watched[watched].counter.filter(|counted| !counted.marks) else { return 1.0 };
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for piece in 0..self.plan.part.calendar.pieces() {
            for &label in self.plan.watched_labels(watched, self.config, piece).table() {
                let rate = self.filled.rates[label as usize];
                (least, most) = (least.min(rate), most.max(rate));
            }
        }
        // None counted tilts as half an event would: what cannot have happened keeps its place.
        let events = (counted.events as f64).max(0.5);
        let tilt = (events / (most * counted.length)).max(1.0) * (events / (least * counted.length)).min(1.0);
        if tilt.is_normal() { tilt } else { 1.0 }
    }

    /// ln of what a monitor's level at its close was carried times: see [`Sweep::tilt`].
    fn tilted(&self, monitor: usize) -> f64 {
        let own = |watched: &Watched| watched.counter.is_some_and(|counted| counted.monitor == monitor);
        self.plan.watched.iter().position(own).map_or(0.0, |number| {
            let events = self.plan.watched[number].counter.map_or(0, |counted| counted.events);
            events as f64 * self.tilt(number).ln()
        })
    }

    /// The weights of a factor at the points, and what was taken out of them as a logarithm; the vector tells which points
    /// count for that.
    fn point_weights(&self, point: &Point, vector: &[f64]) -> (Vec<f64>, f64) {
        let space = &self.plan.part.space;
        let mut weights = vec![0.0; self.points()];
        match point {
            Point::Weights(fields) => {
                let field = &fields[self.config];
                field.runs(space, |start, end, index| weights[start..end].fill(field.table()[index]));
            }
            Point::Status { rows, weights: values } => {
                let field = rows[self.config].map(|&row| dot(&self.values.rows[row], values));
                field.runs(space, |start, end, index| weights[start..end].fill(field.table()[index]));
            }
            Point::Event { labels } => {
                let field = &labels[self.config];
                field.runs(space, |start, end, index| {
                    weights[start..end].fill(self.filled.rates[field.table()[index] as usize]);
                });
            }
            Point::Number { cells, value } => {
                let cell = |cell: &Option<Cell>| match cell {
                    Some(cell) => cell.log_density(*value, 0.0, self.values),
                    None => f64::NEG_INFINITY,
                };
                let field = cells[self.config].map(cell);
                field.runs(space, |start, end, index| weights[start..end].fill(field.table()[index]));
                let mut top = f64::NEG_INFINITY;
                for level in vector.chunks_exact(self.points()) {
                    let there = level.iter().zip(&weights).filter(|(x, _)| **x > 0.0);
                    top = there.fold(top, |top, (_, log)| top.max(*log));
                }
                let out = if top.is_finite() { top } else { 0.0 };
                weights.iter_mut().for_each(|log| *log = (*log - out).exp());
                return (weights, out);
            }
        }
        (weights, 0.0)
    }

    /// 1 where a number can be shown at all, else 0.
    fn can_show(&self, point: &Point) -> Vec<f64> {
        let mut weights = vec![1.0; self.points()];
        if let Point::Number { cells, value } = point {
            let field = &cells[self.config];
            field.runs(&self.plan.part.space, |start, end, index| {
                let can = field.table()[index].is_some_and(|cell| cell.takes(*value, self.values));
                weights[start..end].fill(f64::from(u8::from(can)));
            });
        }
        weights
    }

    fn multiply(&self, weights: &[f64], vector: &mut [f64]) {
        for level in vector.chunks_exact_mut(self.points()) {
            level.iter_mut().zip(weights).for_each(|(x, w)| *x *= w);
        }
    }

    /// Visits the moves of a jump: (from point, to point, label).
    fn jump(&self, number: usize, mut visit: impl FnMut(usize, usize, u32)) {
        let space = &self.plan.part.space;
        if let Some(arc) = &self.plan.jumps[number].arcs[self.config] {
            let by = (arc.to as isize - arc.from as isize) * space.stride(arc.axis) as isize;
            for x in (0..space.len()).filter(|&x| space.digit(x, arc.axis) == arc.from) {
                visit(x, (x as isize + by) as usize, *arc.label.at(space, x));
            }
        }
    }

    /// The forward pass from `start` (weights over points, no monitor open).
    pub fn forward(&self, start: Vec<f64>, keep: Keep) -> Result<Swept> {
        self.onward(Swept::start(start), 0, keep)
    }

    /// The forward pass of a plan whose first `same` steps are those of one that was swept: from where the two part.
    pub fn resume(&self, past: &Swept, same: usize, start: Vec<f64>, keep: Keep) -> Result<Swept> {
        let kept: Vec<Kept> = past.kept.iter().filter(|kept| kept.step <= same).cloned().collect();
        let Some(last) = kept.last() else { return self.forward(start, keep) };
        let (first, end, log) = (last.step, last.vector.to_vec(), last.log);
        self.onward(Swept { log, end, kept, ..Swept::start(vec![]) }, first, keep)
    }

    fn onward(&self, mut swept: Swept, first: usize, keep: Keep) -> Result<Swept> {
        let steps = &self.plan.steps;
        let marks = steps.iter().filter(|step| matches!(step, Step::Mark)).count();
        let room = match keep {
            Keep::Nothing => 0,
            Keep::Some(room) => room,
            Keep::Steps | Keep::Marks => slots(self.points() * self.plan.flags),
        };
        let only_marks = keep == Keep::Marks && marks <= room;
        let mut bytes = rows_kept();
        let last = steps.len().saturating_sub(1);
        let mut next = swept.kept.last().map_or(0, |kept| match kept.step < last {
            true => place(kept.step, last, room.saturating_sub(swept.kept.len())),
            false => usize::MAX,
        });
        for (number, step) in steps.iter().enumerate().skip(first) {
            let wanted = if only_marks { matches!(step, Step::Mark) } else { room > 0 && number == next };
            if wanted {
                let vector = Arc::new(swept.end.clone());
                swept.kept.push(Kept { step: number, vector, log: swept.log, rows: None });
                next = if number < last { place(number, last, room.saturating_sub(swept.kept.len())) } else { last };
            }
            let vector = std::mem::take(&mut swept.end);
            swept.bytes = if wanted && keep == Keep::Steps { bytes } else { 0.0 };
            let Some(next) = self.weighed(step, vector, &mut swept)? else {
                return Ok(Swept { log: f64::NEG_INFINITY, ..Swept::start(vec![]) });
            };
            swept.end = next;
            if let (Some(rows), Some(last)) = (swept.rows.take(), swept.kept.last_mut()) {
                bytes -= rows.bytes();
                last.rows = Some(rows);
            }
        }
        Ok(swept)
    }

    /// One step, the weights then divided by their sum; `None` where none are left.
    fn weighed(&self, step: &Step, vector: Vec<f64>, swept: &mut Swept) -> Result<Option<Vec<f64>>> {
        self.control.check()?;
        let mut vector = self.advance(step, vector, swept)?;
        self.control.check()?;
        let total: f64 = vector.iter().sum();
        if !total.is_finite() {
            return Err(Error::Diverged { message: self.excuse() });
        }
        if total <= 0.0 {
            return Ok(None);
        }
        vector.iter_mut().for_each(|x| *x /= total);
        swept.log += total.ln();
        Ok(Some(vector))
    }

    /// Whether the evidence leaves any joint rung at all, however improbable: the forward pass on what is 0 and what is not.
    ///
    /// The rates are to be filled in with [`Parameters::support`](super::parameter::Parameters::support).
    pub fn reachable(&self, start: Vec<f64>) -> Result<bool> {
        let mut swept = Swept::start(vec![]);
        let mut vector = start;
        for step in &self.plan.steps {
            self.control.check()?;
            vector = match step {
                Step::Flow { piece, watched, open, .. } => self.flow(*piece, watched, open, false).support(&vector),
                Step::Mark | Step::Read => continue,
                Step::Point { point } if matches!(self.plan.points[*point], Point::Number { .. }) => {
                    self.multiply(&self.can_show(&self.plan.points[*point]), &mut vector);
                    vector
                }
                step => self.advance(step, vector, &mut swept)?,
            };
            vector.iter_mut().for_each(|x| *x = f64::from(u8::from(*x > 0.0)));
            if vector.iter().all(|x| *x == 0.0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn excuse(&self) -> String {
        let most = self.filled.rates.iter().fold(0.0, |most: f64, &rate| most.max(rate));
        format!(
            "the weights of the joint rungs left the range of double precision; the largest intensity is {most:.3e} a day"
        )
    }

    fn advance(&self, step: &Step, mut vector: Vec<f64>, swept: &mut Swept) -> Result<Vec<f64>> {
        let n = self.points();
        Ok(match step {
            Step::Flow { length, piece, watched, open, settled, reads } => {
                let flow = self.flow(*piece, watched, open, *settled);
                flow.check(*length)?;
                let integrals = matches!(self.plan.reading, Reading::Integrals(_));
                if integrals {
                    flow.check_walk(*length)?;
                }
                let carried = match reads.is_empty() && !integrals {
                    true if swept.bytes > 0.0 => {
                        let (row, log, rows) = flow.forward_rows(&vector, *length, swept.bytes);
                        swept.rows = rows.map(Arc::new);
                        Carried { row, log, ..Carried::default() }
                    }
                    true => {
                        let (row, log) = flow.forward(&vector, *length);
                        Carried { row, log, ..Carried::default() }
                    }
                    false => flow.forward_laws(&vector, *length, reads, integrals, |row| self.laws(row)),
                };
                swept.laws.extend(carried.laws);
                swept.log += carried.log;
                swept.integrate(&carried.integrals);
                swept.clock += length;
                carried.row
            }
            Step::Arrive { piece, open } => {
                self.open(open, *piece).0.iter().for_each(|open| open.arrive(&mut vector, n, &[], &mut []));
                vector
            }
            Step::Set { axis, phase } => {
                let mut out = vec![0.0; vector.len()];
                let (space, stride) = (&self.plan.part.space, self.plan.part.space.stride(*axis));
                for (index, value) in vector.iter().enumerate() {
                    let digit = space.digit(index % n, *axis);
                    out[index + phase * stride - digit * stride] += value;
                }
                out
            }
            Step::Jump { jump, piece, open } => {
                let made = &self.plan.jumps[*jump];
                let mut out = vec![0.0; vector.len()];
                self.jump(*jump, |x, y, label| {
                    let rate = made.hit * self.filled.rates[label as usize];
                    for base in (0..vector.len()).step_by(n) {
                        out[base + y] += rate * vector[base + x];
                    }
                });
                self.open(open, *piece).0.iter().for_each(|open| open.arrive(&mut out, n, &[], &mut []));
                out.iter_mut().zip(&vector).for_each(|(y, x)| *y += made.false_rate * x);
                out
            }
            Step::Open { monitor, piece } => {
                let old = vector.len();
                let mut out = vector;
                out.resize(old * self.plan.monitors[*monitor].levels(), 0.0);
                self.opened(*monitor, *piece, old / n).arrive(&mut out, n, &[], &mut []);
                out
            }
            Step::Weigh { position, weights, next, open } => {
                let weights = weights.at(self.config);
                let (stride, size) = self.level_of(open, *position);
                let mut out = vec![0.0; vector.len()];
                for (level, values) in vector.chunks_exact(n).enumerate() {
                    let own = level / stride % size;
                    let kept = level - own * stride + next[own] * stride;
                    let weight = weights[own];
                    out[kept * n..(kept + 1) * n].iter_mut().zip(values).for_each(|(y, x)| *y += weight * x);
                }
                out
            }
            Step::Close { position, weights, open } => {
                let weights = weights.at(self.config);
                let (stride, size) = self.level_of(open, *position);
                let mut out = vec![0.0; vector.len() / size];
                for (level, values) in vector.chunks_exact(n).enumerate() {
                    let weight = weights[level / stride % size];
                    let kept = level % stride + level / (stride * size) * stride;
                    out[kept * n..(kept + 1) * n].iter_mut().zip(values).for_each(|(y, x)| *y += weight * x);
                }
                swept.log -= self.tilted(open[*position].monitor);
                out
            }
            Step::Point { point } => {
                let (weights, log) = self.point_weights(&self.plan.points[*point], &vector);
                self.multiply(&weights, &mut vector);
                swept.log += log;
                vector
            }
            Step::Mark => {
                swept.marks.push(self.levels_summed(&vector));
                vector
            }
            Step::Read => {
                swept.laws.push(self.laws(&vector));
                vector
            }
        })
    }

    fn opened(&self, monitor: usize, piece: usize, stride: usize) -> Open<'a> {
        let classes = self.plan.classes(monitor, self.config, piece);
        let monitor = &self.plan.monitors[monitor];
        Open { automaton: &monitor.laws[0], classes, stride, listens: true, detour: monitor.detour }
    }

    fn level_of(&self, open: &[Slot], position: usize) -> (usize, usize) {
        let size = |slot: &Slot| self.plan.monitors[slot.monitor].levels();
        (open[..position].iter().map(size).product(), size(&open[position]))
    }

    /// What the plan reads: the marginal of every axis, one after the other, levels summed out; or the weight of every level.
    fn laws(&self, vector: &[f64]) -> Vec<f64> {
        let space = &self.plan.part.space;
        if let Reading::Levels(_) | Reading::Integrals(_) = self.plan.reading {
            return self.level_weights(vector);
        }
        let sum = self.levels_summed(vector);
        (0..space.sizes().len()).flat_map(|axis| space.marginal(&sum, axis)).collect()
    }

    /// The weight of every level of the open monitors, those of paths 1 together.
    pub fn level_weights(&self, vector: &[f64]) -> Vec<f64> {
        let mut weights: Vec<f64> = vector.chunks_exact(self.points()).map(|level| level.iter().sum()).collect();
        // Before all monitors are open their levels are not those of the end.
        let levels: usize = self.plan.open.iter().map(|&monitor| self.plan.monitors[monitor].levels()).product();
        let own = |level: &usize| levels != weights.len() || self.plan.holds_paths(*level);
        let total: f64 = (0..weights.len()).filter(own).map(|level| weights[level]).sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        weights
    }

    fn levels_summed(&self, vector: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.points()];
        for level in vector.chunks_exact(self.points()) {
            sum.iter_mut().zip(level).for_each(|(s, x)| *s += x);
        }
        let total: f64 = sum.iter().sum();
        sum.iter_mut().for_each(|s| *s /= total);
        sum
    }

    /// The backward pass over a kept forward pass: expected statistics times `weight` (none if it is 0), smoothed marks; and
    /// what the evidence weighs at the start, up to a factor.
    pub fn backward(&self, swept: &Swept, weight: f64, gained: &mut Gained) -> Result<Vec<f64>> {
        self.backward_from(swept, vec![1.0; swept.end.len()], weight, gained)
    }

    /// The same given that what is seen at the end weighs `column`.
    pub fn backward_from(
        &self,
        swept: &Swept,
        mut column: Vec<f64>,
        weight: f64,
        gained: &mut Gained,
    ) -> Result<Vec<f64>> {
        let mut marks = vec![];
        let kept = swept.kept.iter().map(|kept| (kept.step, kept.vector.clone())).collect();
        let mut rewind = Rewind::of(kept, slots(self.points() * self.plan.flags));
        let mut scratch = Swept::start(vec![]);
        let nothing = Arc::new(vec![]);
        for (number, step) in self.plan.steps.iter().enumerate().rev() {
            self.control.check()?;
            let weight = if gained.between && marks.len() != 1 { 0.0 } else { weight };
            let needed = weight > 0.0 || matches!(step, Step::Mark);
            let again = |number: usize, from: &Arc<Vec<f64>>, _| {
                let made = self.weighed(&self.plan.steps[number], from.to_vec(), &mut scratch)?;
                Ok::<_, Error>(made.map(Arc::new))
            };
            let Some(before) = (if needed { rewind.at(number, again)? } else { Some(nothing.clone()) }) else { break };
            let rows = swept.kept.binary_search_by_key(&number, |kept| kept.step).ok();
            let rows = rows.and_then(|place| swept.kept[place].rows.as_deref());
            column = self.retreat(step, (&before, rows), column, weight, gained, &mut marks);
            let top = column.iter().fold(0.0, |top: f64, &x| top.max(x));
            column.iter_mut().for_each(|x| *x /= top);
        }
        if !gained.between {
            for (piece, sheet) in &gained.sheets {
                sheet.collect(self.plan.part.stencil(self.config, *piece), &mut gained.tally);
            }
        }
        marks.reverse();
        gained.marks = marks;
        self.control.check()?;
        Ok(column)
    }

    fn retreat(
        &self,
        step: &Step,
        (before, rows): (&[f64], Option<&Rows>),
        mut column: Vec<f64>,
        weight: f64,
        gained: &mut Gained,
        marks: &mut Vec<Vec<f64>>,
    ) -> Vec<f64> {
        let n = self.points();
        match step {
            Step::Flow { length, piece, watched, open, .. } => {
                let flow = self.flow(*piece, watched, open, false);
                match weight > 0.0 {
                    true => {
                        let stencil = self.plan.part.stencil(self.config, *piece);
                        let between = gained.between;
                        let new = || if between { Sheet::times(stencil) } else { Sheet::new(stencil) };
                        let sheet = gained.sheets.entry(*piece).or_insert_with(new);
                        flow.backward_sheet((before, rows), &column, *length, weight, sheet, &mut gained.tally)
                    }
                    false => flow.backward(&column, *length),
                }
            }
            Step::Arrive { piece, open } => {
                self.open(open, *piece).0.iter().for_each(|open| open.before(&mut column, n));
                column
            }
            Step::Set { axis, phase } => {
                let (space, stride) = (&self.plan.part.space, self.plan.part.space.stride(*axis));
                (0..column.len())
                    .map(|index| column[index + phase * stride - space.digit(index % n, *axis) * stride])
                    .collect()
            }
            Step::Jump { jump, piece, open } => {
                let made = &self.plan.jumps[*jump];
                let mut out: Vec<f64> = column.iter().map(|x| made.false_rate * x).collect();
                self.open(open, *piece).0.iter().for_each(|open| open.before(&mut column, n));
                self.jump(*jump, |x, y, label| {
                    let rate = made.hit * self.filled.rates[label as usize];
                    for base in (0..column.len()).step_by(n) {
                        out[base + x] += rate * column[base + y];
                    }
                });
                if weight == 0.0 {
                    return out;
                }
                let scale = weight / dot(before, &out);
                self.jump(*jump, |x, y, label| {
                    let rate = made.hit * self.filled.rates[label as usize];
                    for base in (0..column.len()).step_by(n) {
                        gained.tally.moves[label as usize] += scale * before[base + x] * rate * column[base + y];
                    }
                });
                out
            }
            Step::Open { monitor, piece } => {
                let old = column.len() / self.plan.monitors[*monitor].levels();
                self.opened(*monitor, *piece, old / n).before(&mut column, n);
                column.truncate(old);
                column
            }
            Step::Weigh { position, weights, next, open } => {
                let weights = weights.at(self.config);
                let (stride, size) = self.level_of(open, *position);
                let mut out = vec![0.0; column.len()];
                for (level, values) in out.chunks_exact_mut(n).enumerate() {
                    let own = level / stride % size;
                    let kept = level - own * stride + next[own] * stride;
                    let weight = weights[own];
                    values.iter_mut().zip(&column[kept * n..]).for_each(|(y, x)| *y = weight * x);
                }
                out
            }
            Step::Close { position, weights, open } => {
                let weights = weights.at(self.config);
                let (stride, size) = self.level_of(open, *position);
                let mut out = vec![0.0; column.len() * size];
                for (level, values) in out.chunks_exact_mut(n).enumerate() {
                    let weight = weights[level / stride % size];
                    let kept = level % stride + level / (stride * size) * stride;
                    values.iter_mut().zip(&column[kept * n..]).for_each(|(y, x)| *y = weight * x);
                }
                out
            }
            Step::Point { point } => {
                let point = &self.plan.points[*point];
                let weights = self.point_weights(point, before).0;
                let mut out = column;
                self.multiply(&weights, &mut out);
                if weight > 0.0 {
                    self.gain_point(point, before, &out, weight, gained);
                }
                out
            }
            Step::Mark => {
                let product: Vec<f64> = before.iter().zip(&column).map(|(a, b)| a * b).collect();
                marks.push(self.levels_summed(&product));
                column
            }
            Step::Read => column,
        }
    }

    /// Statistics of a point factor: `column` already holds the factor, so row · column is the posterior.
    fn gain_point(&self, point: &Point, before: &[f64], column: &[f64], weight: f64, gained: &mut Gained) {
        let mut posterior = vec![0.0; self.points()];
        for (row, column) in before.chunks_exact(self.points()).zip(column.chunks_exact(self.points())) {
            posterior.iter_mut().zip(row.iter().zip(column)).for_each(|(sum, (a, b))| *sum += a * b);
        }
        let scale = weight / posterior.iter().sum::<f64>();
        let space = &self.plan.part.space;
        match point {
            Point::Weights(_) => {}
            Point::Status { rows, weights } => {
                let field = &rows[self.config];
                field.runs(space, |start, end, index| {
                    let row = field.table()[index];
                    let mass = scale * posterior[start..end].iter().sum::<f64>();
                    let p = &self.values.rows[row];
                    let total = dot(p, weights);
                    if total > 0.0 {
                        let counts = &mut gained.statistics.rows[row];
                        for (count, (p, w)) in counts.iter_mut().zip(p.iter().zip(weights)) {
                            *count += mass * p * w / total;
                        }
                    }
                });
            }
            Point::Number { cells, value } => {
                let field = &cells[self.config];
                field.runs(space, |start, end, index| {
                    let mass = scale * posterior[start..end].iter().sum::<f64>();
                    if let (Some(cell), true) = (field.table()[index], mass > 0.0) {
                        cell.gain(*value, 0.0, mass, self.values, &mut gained.statistics);
                    }
                });
            }
            Point::Event { labels } => {
                let field = &labels[self.config];
                field.runs(space, |start, end, index| {
                    let mass = scale * posterior[start..end].iter().sum::<f64>();
                    gained.tally.moves[field.table()[index] as usize] += mass;
                });
            }
        }
    }
}
