//! The joint phases of a panel's ladders: which arcs lead where, and which numbers and covariates each depends on.
//!
//! Where no rung has stages, joint phases are joint rungs; else `folded` goes between the two.

use crate::escalation::condition::Condition;
use crate::escalation::model::{Model, Scale, Status, Variable};
use crate::escalation::phase::Phases;
use crate::escalation::theta::Values;
use crate::ground::{Error, Result};

/// A column of a design: what the logarithms of ratios are multiplied with.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// A covariate's number.
    Value(usize),
    /// 1 at a level of a covariate.
    Level(usize, usize),
    /// 1 in a period of the clock.
    Period(f64, f64),
    /// 1 while a condition of drivers and dates holds.
    When(Condition),
    /// An earlier column while such a condition holds, else 0.
    Product(usize, Condition),
}

/// A covariate that units have.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub name: String,
    /// Empty for a number.
    pub levels: Vec<String>,
}

/// One way from a joint phase to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Arc {
    pub from: usize,
    pub to: usize,
    /// Which of the panel's ladders moves.
    pub ladder: usize,
    /// Its move; on the way to the next stage of a rung: one of the moves out of it, which add up.
    pub step: usize,
    /// Whether it leads to the next stage of the rung, and not out of it.
    pub advance: bool,
    /// How many stages the rung has, by which its intensity is multiplied.
    pub stages: usize,
    /// Numbers that the intensity is a product of.
    pub base: Vec<usize>,
    /// Ratios, each to the power of a column.
    pub terms: Vec<(usize, usize)>,
    /// One of its numbers is 0: the move never happens.
    pub shut: bool,
    /// Columns that shut it where they are not 0.
    pub stops: Vec<usize>,
}

/// The joint process of a panel's ladders.
#[derive(Debug, Clone, PartialEq)]
pub struct Structure {
    /// The model's ladders, ascending.
    pub ladders: Vec<usize>,
    /// The phases of each.
    pub phases: Vec<Phases>,
    /// How many each has.
    sizes: Vec<usize>,
    /// Joint phases; the last ladder's phase is fastest.
    pub n: usize,
    /// Joint rungs; the last ladder's rung is fastest.
    pub n_rungs: usize,
    /// The joint rung of each joint phase.
    pub joint: Vec<usize>,
    /// Of each joint phase, how likely it is where its joint rung comes first.
    pub shares: Vec<f64>,
    pub arcs: Vec<Arc>,
    pub columns: Vec<Column>,
    /// Those that intensities look at, then those that only drivers' tables do.
    pub covariates: Vec<Given>,
    /// How many intensities look at.
    pub on_rungs: usize,
    /// Where the clock cuts, ascending.
    pub cuts: Vec<f64>,
    /// Days in a unit of the clock.
    pub tick: f64,
}

/// A condition inside a joint rung: only drivers and time are left.
fn within(when: &Condition, rung: &dyn Fn(usize) -> usize) -> Condition {
    fn filled(when: &Condition, rung: &dyn Fn(usize) -> usize) -> Condition {
        match when {
            Condition::Ladder { ladder, rungs } => {
                Condition::Always(rungs.get(rung(*ladder)).copied().unwrap_or(false))
            }
            Condition::All(parts) => Condition::All(parts.iter().map(|c| filled(c, rung)).collect()),
            Condition::Any(parts) => Condition::Any(parts.iter().map(|c| filled(c, rung)).collect()),
            Condition::Not(inner) => Condition::Not(Box::new(filled(inner, rung))),
            other => other.clone(),
        }
    }
    filled(when, rung).simplify()
}

/// Most joint phases of the dense path.
const MOST: usize = 256;

impl Structure {
    /// Of these ladders, on a clock whose unit is `tick` days; `dated`: in days since the model's origin.
    ///
    /// # Errors
    /// `Spec` where an effect looks at what a panel has not: dates where it has a clock, ladders that have no column.
    pub fn new(model: &Model, ladders: &[usize], tick: f64, dated: bool) -> Result<Self> {
        let phases: Vec<Phases> = ladders.iter().map(|&l| model.ladders[l].phases.clone()).collect();
        let sizes: Vec<usize> = phases.iter().map(Phases::count).collect();
        let n = sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size)).unwrap_or(usize::MAX);
        if n > MOST {
            let counted = if phases.iter().all(Phases::is_plain) { "" } else { " (each stage of a rung is one)" };
            let message = format!("its ladders have {n} joint rungs{counted}; at most {MOST} are carried densely");
            return Err(Error::spec("panel", "the panel", message));
        }
        let mut made = Structure {
            ladders: ladders.to_vec(),
            n_rungs: phases.iter().map(Phases::n_rungs).product(),
            phases,
            sizes,
            n,
            joint: vec![],
            shares: vec![],
            arcs: vec![],
            columns: vec![],
            covariates: vec![],
            on_rungs: 0,
            cuts: vec![],
            tick,
        };
        let rungs = |s: usize| (0..ladders.len()).map(move |place| (place, s));
        made.joint = (0..n)
            .map(|s| rungs(s).fold(0, |joint, (place, s)| joint * made.phases[place].n_rungs() + made.rung(s, place)))
            .collect();
        made.shares = (0..n).map(|s| rungs(s).map(|(p, s)| made.phases[p].share(made.phase(s, p))).product()).collect();
        for (place, &ladder) in ladders.iter().enumerate() {
            made.ladder(model, place, ladder, dated)?;
        }
        made.on_rungs = made.covariates.len();
        for covariate in model.drivers.iter().flat_map(|driver| &driver.covariates) {
            let levels = if let Scale::Levels(levels) = &covariate.scale { &levels[..] } else { &[] };
            made.given(&covariate.name, levels)?;
        }
        made.cuts.sort_by(f64::total_cmp);
        made.cuts.dedup();
        Ok(made)
    }

    fn phase(&self, state: usize, place: usize) -> usize {
        let inner: usize = self.sizes[place + 1..].iter().product();
        state / inner % self.sizes[place]
    }

    /// The rung of one of the ladders at a joint phase.
    pub fn rung(&self, state: usize, place: usize) -> usize {
        self.phases[place].rung(self.phase(state, place))
    }

    fn moved(&self, state: usize, place: usize, phase: usize) -> usize {
        let inner: usize = self.sizes[place + 1..].iter().product();
        state + phase * inner - self.phase(state, place) * inner
    }

    fn ladder(&mut self, model: &Model, place: usize, ladder: usize, dated: bool) -> Result<()> {
        let own = &model.ladders[ladder];
        for effect in &own.effects {
            self.supported(model, &own.name, &effect.when, dated)?;
            self.cuts.extend(effect.when.boundaries());
        }
        let mut terms: Vec<Vec<(usize, usize, &Condition)>> = vec![vec![]; own.moves.len()];
        for covariate in &own.covariates {
            self.supported(model, &own.name, &covariate.when, dated)?;
            self.cuts.extend(covariate.when.boundaries());
            for term in &covariate.terms {
                let column = match &covariate.scale {
                    Scale::Number => Column::Value(self.given(&covariate.name, &[])?),
                    Scale::Levels(levels) => Column::Level(self.given(&covariate.name, levels)?, term.level),
                    Scale::Clock(cuts) => {
                        let to = cuts.get(term.level).copied().unwrap_or(f64::INFINITY);
                        self.cuts.extend(cuts);
                        Column::Period(cuts[term.level - 1], to)
                    }
                };
                let number = self.column(column);
                term.moves.iter().for_each(|&m| terms[m].push((term.ratio, number, &covariate.when)));
            }
        }
        let mut arcs = vec![];
        for state in 0..self.n {
            let here: Vec<usize> = (0..self.ladders.len()).map(|p| self.rung(state, p)).collect();
            let ladders = self.ladders.clone();
            let rung = |l: usize| ladders.iter().position(|&own| own == l).map_or(0, |p| here[p]);
            for (step, (way, terms)) in own.moves.iter().zip(&terms).enumerate() {
                if way.from != self.rung(state, place) {
                    continue;
                }
                let mut base = vec![way.rate];
                let ratios = terms.iter().filter_map(|(ratio, column, when)| match within(when, &rung) {
                    Condition::Always(true) => Some((*ratio, *column)),
                    Condition::Always(false) => None,
                    rest => Some((*ratio, self.column(Column::Product(*column, rest)))),
                });
                let mut terms: Vec<(usize, usize)> = ratios.collect();
                let nil = |p: usize| model.parameters.positives[p].value == 0.0;
                let mut stops = vec![];
                for effect in own.effects.iter().filter(|e| e.moves.contains(&step)) {
                    match within(&effect.when, &rung) {
                        Condition::Always(true) => base.push(effect.factor),
                        Condition::Always(false) => {}
                        rest => {
                            let column = self.column(Column::When(rest));
                            terms.push((effect.factor, column));
                            stops.extend(nil(effect.factor).then_some(column));
                        }
                    }
                }
                let (phases, here) = (&self.phases[place], self.phase(state, place));
                let (advance, stages) = (here != phases.last(way.from), phases.stages(way.from));
                let next = if advance { here + 1 } else { phases.entry(way.to) };
                let (to, shut) = (self.moved(state, place, next), base.iter().any(|&p| nil(p)));
                arcs.push(Arc { from: state, to, ladder: place, step, advance, stages, base, terms, shut, stops });
            }
        }
        self.arcs.extend(arcs);
        Ok(())
    }

    /// The number of a column, which is new if none is like it.
    fn column(&mut self, column: Column) -> usize {
        let number = self.columns.iter().position(|c| *c == column).unwrap_or(self.columns.len());
        if number == self.columns.len() {
            self.columns.push(column);
        }
        number
    }

    fn supported(&self, model: &Model, ladder: &str, when: &Condition, dated: bool) -> Result<()> {
        let words = when.describe(model);
        let wrong = |what: &str, expected: &str| {
            let message = format!("an effect of it looks at {what} ({words}); expected {expected}");
            Err(Error::spec("panel", format!("ladder '{ladder}'"), message))
        };
        match () {
            () if !when.boundaries().is_empty() && !dated => {
                wrong("dates, and the panel's time is a number", "dates in the panel's time column")
            }
            () if when.ladders().iter().any(|l| !self.ladders.contains(l)) => {
                wrong("a ladder without a column", "ladders with one")
            }
            () => Ok(()),
        }
    }

    /// The drivers that its arcs look at, ascending.
    pub fn drivers(&self) -> Vec<usize> {
        let conditions = self.columns.iter().filter_map(|column| match column {
            Column::When(when) | Column::Product(_, when) => Some(when),
            _ => None,
        });
        let all: std::collections::BTreeSet<usize> = conditions.flat_map(Condition::drivers).collect();
        all.into_iter().collect()
    }

    fn given(&mut self, name: &str, levels: &[String]) -> Result<usize> {
        if let Some(known) = self.covariates.iter().position(|c| c.name == name) {
            if self.covariates[known].levels != levels {
                let message = format!("covariate '{name}' has other levels elsewhere in the model; expected the same");
                return Err(Error::spec("panel", "the model", message));
            }
            return Ok(known);
        }
        self.covariates.push(Given { name: name.into(), levels: levels.to_vec() });
        Ok(self.covariates.len() - 1)
    }

    /// The design of covariate values at a time, for a unit whose drivers are in these states (of all the model's).
    pub fn design(&self, drivers: &[usize], values: &[f64], time: f64) -> Vec<f64> {
        let state = |d: usize| drivers.get(d).copied().unwrap_or(0);
        let one = |truth: bool| f64::from(u8::from(truth));
        let mut design = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            design.push(match column {
                Column::Value(c) => values[*c],
                Column::Level(c, level) => one(values[*c] == *level as f64),
                Column::Period(from, to) => one(*from <= time && time < *to),
                Column::When(when) => one(when.holds(state, |_| 0, time)),
                Column::Product(of, when) if when.holds(state, |_| 0, time) => design[*of],
                Column::Product(..) => 0.0,
            });
        }
        design
    }

    /// The intensity of each arc, per unit of the clock, given logarithms of the model's positives (per day).
    pub fn rates(&self, logs: &[f64], design: &[f64], out: &mut [f64]) {
        let tick = self.tick.ln();
        for (arc, rate) in self.arcs.iter().zip(out) {
            let mut log: f64 = tick + arc.base.iter().map(|&p| logs[p]).sum::<f64>();
            for &(p, column) in &arc.terms {
                if design[column] != 0.0 {
                    log += design[column] * logs[p];
                }
            }
            *rate = arc.stages as f64 * log.exp();
        }
    }

    /// The rates as a dense generator without its diagonal, row by row.
    pub fn dense(&self, rates: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        self.arcs.iter().zip(rates).for_each(|(arc, rate)| out[arc.from * self.n + arc.to] += rate);
    }

    /// The generator of a design, row by row, its diagonal 0.
    pub fn generator(&self, values: &Values, design: &[f64]) -> Vec<f64> {
        let logs: Vec<f64> = values.positives.iter().map(|x| x.ln()).collect();
        let mut rates = vec![0.0; self.arcs.len()];
        self.rates(&logs, design, &mut rates);
        let mut dense = vec![0.0; self.n * self.n];
        self.dense(&rates, &mut dense);
        dense
    }

    /// Whether each arc's move can happen under a design: none of its numbers is 0.
    pub fn open(&self, design: &[f64]) -> Vec<bool> {
        self.arcs.iter().map(|arc| !arc.shut && arc.stops.iter().all(|&column| design[column] == 0.0)).collect()
    }

    /// Which joint phases can come after each by open arcs, itself included.
    pub fn reach(&self, open: &[bool]) -> Vec<Vec<bool>> {
        let mut reach: Vec<Vec<bool>> = (0..self.n).map(|s| (0..self.n).map(|t| s == t).collect()).collect();
        for (from, reached) in reach.iter_mut().enumerate() {
            let mut stack = vec![from];
            while let Some(at) = stack.pop() {
                for (arc, _) in self.arcs.iter().zip(open).filter(|(arc, open)| **open && arc.from == at) {
                    if !std::mem::replace(&mut reached[arc.to], true) {
                        stack.push(arc.to);
                    }
                }
            }
        }
        reach
    }

    /// The row of a status' table at a joint phase, for a unit whose drivers are in these states (of all the model's).
    pub fn row(&self, model: &Model, status: &Status, state: usize, drivers: &[usize]) -> usize {
        let mut place = 0;
        for parent in &status.parents {
            let (size, rung) = match parent {
                Variable::Ladder(l) => {
                    let own = self.ladders.iter().position(|x| x == l).unwrap_or(0);
                    (model.ladders[*l].rungs.len(), self.rung(state, own))
                }
                Variable::Driver(d) => (model.drivers[*d].states.len(), drivers.get(*d).copied().unwrap_or(0)),
            };
            place = place * size + rung;
        }
        status.rows[place]
    }

    /// A joint phase in words: its rungs.
    pub fn words(&self, model: &Model, state: usize) -> String {
        let one = |(p, &l): (usize, &usize)| model.ladders[l].rungs[self.rung(state, p)].clone();
        self.ladders.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
    }
}
