//! From a table's rows to groups, counts and chains; every refusal names the unit and the row.

use super::classes::Classes;
use super::columns::Columns;
use super::first::FirstLaw;
use super::shown::{Reading, Shown};
use super::structure::Structure;
use crate::escalation::model::{Model, Status, Variable};
use crate::escalation::theta::Values;
use crate::ground::{Error, Result};
use std::collections::HashMap;

/// One generator over one length: what shares an exponential.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    pub design: usize,
    pub length: f64,
    /// Its place among those that chains use.
    pub chained: Option<usize>,
}

/// So often was this seen at the ends of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count {
    pub from: usize,
    pub to: usize,
    pub weight: f64,
    /// The set of arcs by which `to` was entered at the end, from a rung not known.
    pub entry: Option<usize>,
}

/// What is known at a row: which joint phases it can be, and values of status indicators.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Look {
    pub rungs: Vec<bool>,
    /// (status, value).
    pub values: Vec<(usize, usize)>,
    /// Numbers, and values of statuses with covariates.
    pub readings: Vec<Reading>,
    /// Where the rows of its unit's class begin in `status_rows`.
    pub of: usize,
}

/// An operator on the row vector of joint phases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    /// e^{Qt} of a group (its place among those that chains use).
    Law(usize),
    /// What is known at a row.
    Look(usize),
    /// A move by one arc of a set, at an instant.
    Jump { design: usize, set: usize },
    /// A move by any arc, or none.
    JumpOrStay { design: usize },
    /// No move for so long, but from stage to stage.
    Stay { design: usize, length: f64 },
}

/// Where a chain begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Begin {
    /// A joint phase.
    At(usize),
    /// A joint rung that is seen first: its stages as the ladders declare them.
    Seen(usize),
    /// The law of the first joint phase: its place among them, see [`FirstLaw::place`].
    First(usize),
}

/// Rows between two at which the joint phase is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    pub unit: usize,
    /// The class of the unit that it is of; 0 where there are none.
    pub class: usize,
    /// Rows of the table, first and last.
    pub rows: (usize, usize),
    pub weight: f64,
    pub begin: Begin,
    pub ops: std::ops::Range<usize>,
}

/// What was used and what was not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Used {
    pub units: usize,
    pub rows: usize,
    /// Pairs of rows that follow each other in a unit.
    pub intervals: usize,
    /// Units with one row.
    pub single: usize,
    /// Rows at which nothing of a rung or status was seen.
    pub empty: usize,
    /// Rows with several possible rungs.
    pub censored: usize,
    /// Entries from an unknown rung at a known time.
    pub entries: usize,
    /// Rows left out for a covariate that is missing.
    pub dropped: usize,
    /// Distinct (generator, length).
    pub groups: usize,
    pub designs: usize,
    pub chains: usize,
    /// Seen moves: rows by (from, to) of the joint rungs seen one after the other, a square.
    pub table: Vec<f64>,
}

/// A panel against its model; times and lengths on its clock.
#[derive(Debug, Clone)]
pub struct Panel {
    pub structure: Structure,
    pub designs: Vec<Vec<f64>>,
    /// Sorted by design.
    pub groups: Vec<Group>,
    /// Of each group, `counts[starts[g]..starts[g + 1]]`.
    pub starts: Vec<usize>,
    pub counts: Vec<Count>,
    /// How many groups chains use.
    pub chained: usize,
    /// Weighted times without a move, by design and joint phase (of rungs without stages), and moves by design and arc.
    pub stayed: Vec<f64>,
    pub moved: Vec<f64>,
    pub chains: Vec<Chain>,
    pub ops: Vec<Op>,
    pub looks: Vec<Look>,
    /// The table's row of each status at each joint phase, class after class; empty for what is in `shown` alone.
    pub status_rows: Vec<Vec<usize>>,
    pub shown: Vec<Shown>,
    /// Sets of arcs.
    pub sets: Vec<Vec<usize>>,
    pub first: FirstLaw,
    pub units: Vec<String>,
    pub used: Used,
    /// Mean of each covariate's columns over intervals, in the design's order.
    pub mean: Vec<f64>,
    /// First and last time.
    pub span: (f64, f64),
    /// The rows of each unit, class after class; empty where its drivers are known to be others.
    pub histories: Vec<Vec<Row>>,
    /// What units are, where ladders or indicators look at drivers.
    pub classes: Option<Classes>,
}

impl Panel {
    /// How many classes a unit may be of; 1 where there are none.
    pub fn n_classes(&self) -> usize {
        self.classes.as_ref().map_or(1, |classes| classes.configs.len())
    }

    /// A unit's rows in the first class that it may be of.
    pub fn rows_of(&self, unit: usize) -> &[Row] {
        let n = self.n_classes();
        let possible = |class: &usize| match &self.classes {
            Some(classes) => classes.of(unit)[*class].possible,
            None => true,
        };
        (0..n).find(possible).map_or(&[], |class| self.histories[unit * n + class].as_slice())
    }
}

/// A row as it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Row {
    /// Its place in the table.
    pub row: usize,
    pub time: f64,
    /// The joint rung, where it is known.
    pub known: Option<usize>,
    /// The joint rung that what was seen fits best.
    pub guess: Option<usize>,
    /// The generator from there on.
    pub design: usize,
    /// Whether a chain looks at it.
    pub chained: bool,
}

/// Why a unit's rows go no further: a table that is wrong, or rows that its class cannot have.
pub(super) enum Stop {
    Wrong(Error),
    Cannot(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Wrong(error)
    }
}

impl Stop {
    pub(super) fn error(self) -> Error {
        match self {
            Stop::Wrong(error) | Stop::Cannot(error) => error,
        }
    }
}

/// What is known at a row.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    /// Its look.
    pub(super) look: usize,
    /// The joint phase, and the joint rung, where it can be one only.
    pub(super) known: Option<usize>,
    pub(super) rung: Option<usize>,
    /// Whether a status' value says something of its table.
    pub(super) told: bool,
}

pub(super) type Step<T> = std::result::Result<T, Stop>;

/// What a unit's rows add to the account of what was used.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) empty: usize,
    pub(super) censored: usize,
    pub(super) entries: usize,
    pub(super) table: Vec<(usize, usize)>,
    pub(super) designs: Vec<Vec<f64>>,
}

/// The error of a row.
pub(super) fn wrong(columns: &Columns, row: usize, message: impl Into<String>) -> Error {
    let unit = columns.unit.get(row).and_then(|u| columns.units.get(*u)).map_or("", String::as_str);
    Error::spec(format!("panel.row[{row}]"), format!("unit '{unit}', row {}", row + 1), message)
}

pub(super) struct Build<'a> {
    pub(super) model: &'a Model,
    pub(super) columns: &'a Columns,
    pub(super) structure: Structure,
    /// Which arcs are open and what they lead to, and the place of each design among these.
    pub(super) reaches: Vec<(Vec<bool>, Vec<Vec<bool>>)>,
    pub(super) reach_of: Vec<usize>,
    pub(super) classes: Option<Classes>,
    /// The class whose rows are walked.
    pub(super) class: usize,
    pub(super) tally: Tally,
    pub(super) status_rows: Vec<Vec<usize>>,
    pub(super) shown: Vec<Shown>,
    /// The model's numbers as they stand.
    pub(super) standing: Values,
    pub(super) entered: Vec<Option<usize>>,
    pub(super) designs: Vec<Vec<f64>>,
    pub(super) design_of: HashMap<Vec<u64>, usize>,
    pub(super) groups: Vec<Group>,
    pub(super) group_of: HashMap<(usize, u64), usize>,
    pub(super) counts: HashMap<(usize, usize, usize, Option<usize>), usize>,
    pub(super) count_list: Vec<(usize, Count)>,
    pub(super) chains: Vec<Chain>,
    pub(super) ops: Vec<Op>,
    pub(super) looks: Vec<Look>,
    pub(super) look_of: HashMap<Look, usize>,
    pub(super) sets: Vec<Vec<usize>>,
    pub(super) stayed: HashMap<(usize, usize), f64>,
    pub(super) moved: HashMap<(usize, usize), f64>,
    pub(super) used: Used,
    pub(super) first: FirstLaw,
    pub(super) sums: Vec<f64>,
    pub(super) histories: Vec<Vec<Row>>,
    /// The joint phases that are possible so far in the chain that is open.
    pub(super) alive: Vec<bool>,
}

impl Panel {
    /// A table against a model.
    ///
    /// # Errors
    /// `Spec` for an empty table, times out of order, values that are no number, rungs that cannot follow each other;
    /// `TooLarge` where the exponentials would not fit the memory.
    pub fn compile(columns: &Columns, model: &Model) -> Result<Panel> {
        let top = |message: &str| Err(Error::spec("panel", "the panel", message));
        if columns.unit.is_empty() {
            return top("it has no rows; expected at least one");
        }
        if columns.rungs.is_empty() && columns.statuses.is_empty() {
            return top("it has no column of rungs and none of an indicator; expected `rungs` or `indicators`");
        }
        let mut ladders = vec![];
        let find = |name: &str| {
            let found = model.ladders.iter().position(|l| l.name == name);
            found.ok_or_else(|| Error::spec("panel", "the panel", format!("there is no ladder '{name}'")))
        };
        for column in &columns.rungs {
            ladders.push(find(&column.ladder)?);
        }
        let mut statuses = vec![];
        for column in &columns.statuses {
            let found = model.statuses.iter().find(|s| s.name == column.status);
            let status = found.ok_or_else(|| {
                Error::spec("panel", "the panel", format!("there is no status indicator '{}'", column.status))
            })?;
            for parent in &status.parents {
                if let Variable::Ladder(ladder) = parent {
                    ladders.push(*ladder);
                }
            }
            statuses.push(status);
        }
        ladders.sort_unstable();
        ladders.dedup();
        let structure = Structure::new(model, &ladders, columns.tick, columns.dated)?;
        let classes = Classes::new(model, columns, &structure, &statuses)?;
        let alone = [vec![]];
        let configs = classes.as_ref().map_or(&alone[..], |classes| &classes.configs);
        let first = FirstLaw::new(model, &structure, configs)?;
        let row_of = |status: &Status| -> Vec<usize> {
            let of = |drivers: &Vec<usize>| {
                (0..structure.n).map(|state| structure.row(model, status, state, drivers)).collect::<Vec<_>>()
            };
            configs.iter().flat_map(of).collect()
        };
        let shown: Vec<Shown> = statuses.iter().map(|s| Shown::new(model, &structure, s, configs)).collect();
        let rows = |(status, shown): (&&Status, &Shown)| if shown.is_plain() { row_of(status) } else { vec![] };
        let status_rows = statuses.iter().zip(&shown).map(rows).collect();
        let mut sets = vec![];
        let mut entered = vec![None; structure.n_rungs];
        for (ladder, rungs) in &columns.entered {
            let ladder = find(ladder)?;
            let Some(place) = ladders.iter().position(|l| *l == ladder) else { continue };
            for &rung in rungs {
                let into = |arc: &super::structure::Arc| {
                    !arc.advance && arc.ladder == place && structure.rung(arc.to, place) == rung
                };
                let set = (0..structure.arcs.len()).filter(|&a| into(&structure.arcs[a])).collect();
                for (state, &joint) in structure.joint.iter().enumerate() {
                    if structure.rung(state, place) == rung {
                        entered[joint] = Some(sets.len());
                    }
                }
                sets.push(set);
            }
        }
        let (n, n_rungs) = (structure.n, structure.n_rungs);
        let mut build = Build {
            model,
            columns,
            reaches: vec![],
            reach_of: vec![],
            classes,
            class: 0,
            tally: Tally::default(),
            sums: vec![0.0; structure.columns.len()],
            structure,
            status_rows,
            shown,
            standing: model.parameters.standing(),
            entered,
            designs: vec![],
            design_of: HashMap::new(),
            groups: vec![],
            group_of: HashMap::new(),
            counts: HashMap::new(),
            count_list: vec![],
            chains: vec![],
            ops: vec![],
            looks: vec![],
            look_of: HashMap::new(),
            sets,
            stayed: HashMap::new(),
            moved: HashMap::new(),
            used: Used { table: vec![0.0; n_rungs * n_rungs], ..Used::default() },
            first,
            histories: vec![],
            alive: vec![true; n],
        };
        let mut rows: Vec<Vec<usize>> = vec![vec![]; columns.units.len()];
        for (row, &unit) in columns.unit.iter().enumerate() {
            rows[unit].push(row);
        }
        for (unit, rows) in rows.iter().enumerate() {
            build.unit(unit, rows)?;
        }
        build.finish()
    }
}

impl Build<'_> {
    /// What is known at a row; the one joint phase and the one joint rung that it can be, if it is one; whether a status'
    /// value says something of its table.
    pub(super) fn look(&mut self, row: usize) -> Step<Seen> {
        let of = self.class * self.structure.n;
        let n = self.structure.n;
        let mut rungs = vec![true; n];
        let mut sets = false;
        let mut seen = false;
        for column in &self.columns.rungs {
            let ladder = self.structure.ladders.iter().position(|&l| self.model.ladders[l].name == column.ladder);
            let (Some(place), Some(&code)) = (ladder, column.codes.get(row)) else { continue };
            let Ok(code) = usize::try_from(code) else { continue };
            seen = true;
            let size = self.structure.phases[place].n_rungs();
            let set = code.checked_sub(size).and_then(|s| column.sets.get(s));
            sets |= set.is_some();
            for (state, possible) in rungs.iter_mut().enumerate() {
                let rung = self.structure.rung(state, place);
                *possible &= set.map_or(rung == code, |set| set.contains(&rung));
            }
        }
        let mut values = vec![];
        let mut readings = vec![];
        for (number, column) in self.columns.statuses.iter().enumerate() {
            if !self.shown[number].is_plain() {
                let Some(reading) = self.reading(number, row)? else { continue };
                seen = true;
                let can: Vec<bool> =
                    (0..n).map(|state| self.shown[number].can(&reading, of + state, &self.standing)).collect();
                if !can.contains(&true) && self.shown[number].is_number() {
                    let (name, value) = (&column.status, f64::from_bits(reading.value));
                    let message = format!("indicator '{name}' is {value}, which no rung can show");
                    return Err(Stop::Cannot(wrong(self.columns, row, message)));
                }
                rungs.iter_mut().zip(can).for_each(|(possible, can)| *possible &= can);
                readings.push(reading);
                continue;
            }
            let Some(Ok(code)) = column.codes.get(row).map(|c| usize::try_from(*c)) else { continue };
            seen = true;
            values.push((number, code));
            for (state, possible) in rungs.iter_mut().enumerate() {
                let table = &self.model.parameters.rows[self.status_rows[number][of + state]];
                *possible &= table.value.get(code).is_some_and(|p| *p > 0.0);
            }
        }
        self.tally.empty += usize::from(!seen);
        self.tally.censored += usize::from(sets);
        let possible = rungs.iter().filter(|p| **p).count();
        if possible == 0 {
            return Err(Stop::Cannot(wrong(self.columns, row, "what is seen there fits no rung")));
        }
        let some = rungs.iter().position(|p| *p);
        let known = some.filter(|_| possible == 1);
        let joint = &self.structure.joint;
        let of_one = |state: &usize| rungs.iter().zip(joint).all(|(possible, own)| !possible || *own == joint[*state]);
        let rung = some.filter(of_one).map(|state| joint[state]);
        // Where the rung is known and shows this value with certainty, the table says nothing more.
        let certain = |&(s, v): &(usize, usize)| {
            some.filter(|_| rung.is_some()).is_some_and(|state| {
                let row = &self.model.parameters.rows[self.status_rows[s][of + state]].value;
                row.iter().enumerate().all(|(k, p)| k == v || *p == 0.0)
            })
        };
        values.retain(|value| !certain(value));
        let told = !values.is_empty() || !readings.is_empty();
        let look = Look { rungs, of: if told { of } else { 0 }, values, readings };
        let next = self.looks.len();
        let number = *self.look_of.entry(look.clone()).or_insert(next);
        if number == next {
            self.looks.push(look);
        }
        Ok(Seen { look: number, known, rung, told })
    }

    /// What an indicator of numbers, or with covariates, shows at a row.
    fn reading(&self, indicator: usize, row: usize) -> Result<Option<Reading>> {
        let (column, shown) = (&self.columns.statuses[indicator], &self.shown[indicator]);
        let value = match shown.is_number() {
            true => match column.numbers.get(row).copied().filter(|x| !x.is_nan()) {
                Some(x) if x.is_finite() => x.to_bits(),
                Some(x) => {
                    let message = format!("indicator '{}' is {x}; expected a finite number, or nothing", column.status);
                    return Err(wrong(self.columns, row, message));
                }
                None => return Ok(None),
            },
            false => match column.codes.get(row).map(|c| u64::try_from(*c)) {
                Some(Ok(code)) => code,
                _ => return Ok(None),
            },
        };
        let mut covariates = Vec::with_capacity(shown.status.covariates.len());
        for given in &shown.status.covariates {
            let Some(own) = self.columns.covariates.iter().find(|c| c.name == given.name) else {
                let message = format!("it has no column for covariate '{}'; expected one in `covariates`", given.name);
                return Err(Error::spec("panel", "the panel", message));
            };
            let x = own.values.get(row).copied().unwrap_or(f64::NAN);
            if !x.is_finite() {
                let message = format!(
                    "covariate '{}' of indicator '{}' is {x}; expected a finite number or a level",
                    given.name, column.status
                );
                return Err(wrong(self.columns, row, message));
            }
            covariates.push(x.to_bits());
        }
        Ok(Some(Reading { indicator, value, covariates }))
    }

    /// The joint rung that fits what is seen best, where something is.
    pub(super) fn guess(&self, look: usize, rung: Option<usize>) -> Option<usize> {
        let Look { rungs, values, readings, of: class } = &self.looks[look];
        if rung.is_some() || (values.is_empty() && readings.is_empty()) {
            return rung;
        }
        let of = |state: usize| -> f64 {
            let table = |&(s, v): &(usize, usize)| self.standing.rows[self.status_rows[s][class + state]][v].ln();
            let read = |reading: &Reading| self.shown[reading.indicator].log(reading, class + state, &self.standing);
            values.iter().map(table).sum::<f64>() + readings.iter().map(read).sum::<f64>()
        };
        let best = (0..rungs.len()).filter(|&s| rungs[s]).max_by(|&a, &b| of(a).total_cmp(&of(b)));
        best.map(|state| self.structure.joint[state])
    }
}
