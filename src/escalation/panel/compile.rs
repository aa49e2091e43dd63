//! From a table's rows to groups, counts and chains; every refusal names the unit and the row.

use super::columns::Columns;
use super::shown::{Reading, Shown};
use super::structure::Structure;
use crate::escalation::model::{First, Model, Status, Variable};
use crate::escalation::theta::Values;
use crate::ground::{Error, Result, limits};
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

/// What is known at a row: which joint rungs it can be, and values of status indicators.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Look {
    pub rungs: Vec<bool>,
    /// (status, value).
    pub values: Vec<(usize, usize)>,
    /// Numbers, and values of statuses with covariates.
    pub readings: Vec<Reading>,
}

/// An operator on the row vector of joint rungs.
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
    /// No move for so long.
    Stay { design: usize, length: f64 },
}

/// Where a chain begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Begin {
    At(usize),
    /// The law of the first rung, under a design.
    First(usize),
}

/// Rows between two at which the joint rung is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    pub unit: usize,
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
    /// Distinct (generator, length).
    pub groups: usize,
    pub designs: usize,
    pub chains: usize,
    /// Seen moves: rows by (from, to) of the joint rungs seen one after the other, n × n.
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
    /// Weighted times without a move, by design and joint rung, and moves by design and arc.
    pub stayed: Vec<f64>,
    pub moved: Vec<f64>,
    pub chains: Vec<Chain>,
    pub ops: Vec<Op>,
    pub looks: Vec<Look>,
    /// The table's row of each status at each joint rung; empty for what is in `shown` alone.
    pub status_rows: Vec<Vec<usize>>,
    pub shown: Vec<Shown>,
    /// Sets of arcs.
    pub sets: Vec<Vec<usize>>,
    pub first: First,
    pub units: Vec<String>,
    pub used: Used,
    /// Mean of each covariate's columns over intervals, in the design's order.
    pub mean: Vec<f64>,
    /// First and last time.
    pub span: (f64, f64),
    /// The rows of each unit.
    pub histories: Vec<Vec<Row>>,
}

/// A row as it was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
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

/// The error of a row.
fn wrong(columns: &Columns, row: usize, message: impl Into<String>) -> Error {
    let unit = columns.unit.get(row).and_then(|u| columns.units.get(*u)).map_or("", String::as_str);
    Error::spec(format!("panel.row[{row}]"), format!("unit '{unit}', row {}", row + 1), message)
}

struct Build<'a> {
    model: &'a Model,
    columns: &'a Columns,
    structure: Structure,
    reach: Vec<Vec<bool>>,
    status_rows: Vec<Vec<usize>>,
    shown: Vec<Shown>,
    /// The model's numbers as they stand.
    standing: Values,
    entered: Vec<Option<usize>>,
    designs: Vec<Vec<f64>>,
    design_of: HashMap<Vec<u64>, usize>,
    groups: Vec<Group>,
    group_of: HashMap<(usize, u64), usize>,
    counts: HashMap<(usize, usize, usize, Option<usize>), usize>,
    count_list: Vec<(usize, Count)>,
    chains: Vec<Chain>,
    ops: Vec<Op>,
    looks: Vec<Look>,
    look_of: HashMap<Look, usize>,
    sets: Vec<Vec<usize>>,
    stayed: HashMap<(usize, usize), f64>,
    moved: HashMap<(usize, usize), f64>,
    used: Used,
    first: First,
    sums: Vec<f64>,
    histories: Vec<Vec<Row>>,
    /// The joint rungs that are possible so far in the chain that is open.
    alive: Vec<bool>,
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
                match parent {
                    Variable::Ladder(ladder) => ladders.push(*ladder),
                    Variable::Driver(_) => {
                        return top("an indicator of it looks at a driver; a panel's looks at ladders");
                    }
                }
            }
            statuses.push(status);
        }
        ladders.sort_unstable();
        ladders.dedup();
        let structure = Structure::new(model, &ladders, columns.tick)?;
        let first = match ladders.as_slice() {
            [one] => model.ladders[*one].first,
            several if several.iter().all(|l| model.ladders[*l].first == First::Given) => First::Given,
            _ => return top("a first rung to be estimated, or at equilibrium, is for a panel of one ladder"),
        };
        let shown: Vec<Shown> = statuses.iter().map(|s| Shown::new(model, &structure, s)).collect();
        let rows = |(s, shown): (&&Status, &Shown)| match shown.is_plain() {
            true => (0..structure.n).map(|state| structure.row(model, s, state)).collect(),
            false => vec![],
        };
        let status_rows = statuses.iter().zip(&shown).map(rows).collect();
        let mut sets = vec![];
        let mut entered = vec![None; structure.n];
        for (ladder, rungs) in &columns.entered {
            let ladder = find(ladder)?;
            let Some(place) = ladders.iter().position(|l| *l == ladder) else { continue };
            for &rung in rungs {
                let into = |arc: &super::structure::Arc| arc.ladder == place && structure.rung(arc.to, place) == rung;
                let set = (0..structure.arcs.len()).filter(|&a| into(&structure.arcs[a])).collect();
                for (state, known) in entered.iter_mut().enumerate() {
                    if structure.rung(state, place) == rung {
                        *known = Some(sets.len());
                    }
                }
                sets.push(set);
            }
        }
        let n = structure.n;
        let mut build = Build {
            model,
            columns,
            reach: structure.reach(),
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
            used: Used { table: vec![0.0; n * n], ..Used::default() },
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
    fn unit(&mut self, unit: usize, rows: &[usize]) -> Result<()> {
        let columns = self.columns;
        let weight = columns.weights.get(unit).copied().unwrap_or(1.0);
        if !(weight.is_finite() && weight >= 0.0) {
            let row = rows.first().copied().unwrap_or(0);
            return Err(wrong(columns, row, format!("the weight is {weight}; expected a finite number, 0 or more")));
        }
        self.used.units += 1;
        self.used.rows += rows.len();
        self.used.intervals += rows.len().saturating_sub(1);
        self.used.single += usize::from(rows.len() == 1);
        let mut here: Option<usize> = None;
        let mut last_known: Option<usize> = None;
        let mut chain: Option<Chain> = None;
        let mut history = Vec::with_capacity(rows.len());
        for (k, &row) in rows.iter().enumerate() {
            let time = self.time(row)?;
            let (look, known, told) = self.look(row)?;
            if let (Some(a), Some(b)) = (last_known, known) {
                self.used.table[a * self.structure.n + b] += weight;
            }
            last_known = known.or(last_known);
            if k == 0 {
                let open = known.is_none() || told || self.first != First::Given;
                if open {
                    let begin = match (known, self.first) {
                        (Some(state), First::Given) => Begin::At(state),
                        _ => Begin::First(self.row_design(rows, 0, time)?),
                    };
                    let start = self.ops.len();
                    chain = Some(Chain { unit, rows: (row, row), weight, begin, ops: start..start });
                    self.ops.push(Op::Look(look));
                    self.alive.copy_from_slice(&self.looks[look].rungs);
                }
            } else {
                let before = rows[k - 1];
                let from = self.time(before)?;
                if time < from {
                    let message = format!(
                        "its time, {}, lies before that of the row before it, {}; expected the rows of a unit in order",
                        columns.time[row], columns.time[before]
                    );
                    return Err(wrong(columns, row, message));
                }
                let pieces = self.pieces(before, from, time)?;
                let at = |row: usize| row;
                let exact = columns.moved.get(row).copied().unwrap_or(false);
                let entry = known.and_then(|state| self.entered[state]).filter(|_| here != known && !exact);
                self.used.entries += usize::from(entry.is_some());
                match (here, known) {
                    (Some(a), Some(b)) if exact && !told => self.seen_move(at(row), a, b, &pieces, weight)?,
                    (Some(a), Some(b)) if pieces.len() == 1 && !told => {
                        self.seen(row, before, a, b, pieces[0], weight, entry)?;
                    }
                    _ => {
                        if chain.is_none() {
                            let begin = Begin::At(here.unwrap_or(0));
                            let start = self.ops.len();
                            chain = Some(Chain { unit, rows: (before, row), weight, begin, ops: start..start });
                            self.alive.iter_mut().enumerate().for_each(|(s, alive)| *alive = here == Some(s));
                        }
                        self.push(&pieces, exact, entry, look);
                        if !self.follow(&pieces, exact, entry, look) {
                            let message = format!(
                                "the moves of the model do not lead to what is seen there from what is seen before it \
                                 (row {})",
                                before + 1
                            );
                            return Err(wrong(columns, row, message));
                        }
                    }
                }
            }
            let chained = chain.is_some();
            if let Some(open) = &mut chain {
                open.rows.1 = row;
                open.ops.end = self.ops.len();
                if known.is_some() {
                    self.chains.extend(chain.take());
                }
            }
            here = known;
            if chain.is_some() {
                here = None;
            }
            history.push(Row { time, known, guess: self.guess(look, known), design: usize::MAX, chained });
        }
        self.chains.extend(chain);
        for (k, entry) in history.iter_mut().enumerate() {
            // The last row's covariates may be missing: the row before tells.
            let own = self.row_design(rows, k, entry.time);
            entry.design = own.or_else(|_| self.row_design(rows, k.saturating_sub(1), entry.time)).unwrap_or(0);
        }
        self.histories.push(history);
        Ok(())
    }

    fn time(&self, row: usize) -> Result<f64> {
        let time = self.columns.time[row];
        match time.is_finite() {
            true => Ok(time),
            false => Err(wrong(self.columns, row, format!("its time is {time}; expected a finite number"))),
        }
    }

    /// What is known at a row; whether that is one joint rung; whether a status' value says something of its table.
    fn look(&mut self, row: usize) -> Result<(usize, Option<usize>, bool)> {
        let n = self.structure.n;
        let mut rungs = vec![true; n];
        let mut sets = false;
        let mut seen = false;
        for column in &self.columns.rungs {
            let ladder = self.structure.ladders.iter().position(|&l| self.model.ladders[l].name == column.ladder);
            let (Some(place), Some(&code)) = (ladder, column.codes.get(row)) else { continue };
            let Ok(code) = usize::try_from(code) else { continue };
            seen = true;
            let size = self.structure.sizes[place];
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
                    (0..n).map(|state| self.shown[number].can(&reading, state, &self.standing)).collect();
                if !can.contains(&true) && self.shown[number].is_number() {
                    let (name, value) = (&column.status, f64::from_bits(reading.value));
                    let message = format!("indicator '{name}' is {value}, which no rung can show");
                    return Err(wrong(self.columns, row, message));
                }
                rungs.iter_mut().zip(can).for_each(|(possible, can)| *possible &= can);
                readings.push(reading);
                continue;
            }
            let Some(Ok(code)) = column.codes.get(row).map(|c| usize::try_from(*c)) else { continue };
            seen = true;
            values.push((number, code));
            for (state, possible) in rungs.iter_mut().enumerate() {
                let table = &self.model.parameters.rows[self.status_rows[number][state]];
                *possible &= table.value.get(code).is_some_and(|p| *p > 0.0);
            }
        }
        self.used.empty += usize::from(!seen);
        self.used.censored += usize::from(sets);
        let possible = rungs.iter().filter(|p| **p).count();
        if possible == 0 {
            return Err(wrong(self.columns, row, "what is seen there fits no rung"));
        }
        let known = (possible == 1).then(|| rungs.iter().position(|p| *p)).flatten();
        // Where the rung is known and shows this value with certainty, the table says nothing more.
        let certain = |&(s, v): &(usize, usize)| {
            known.is_some_and(|state| {
                let row = &self.model.parameters.rows[self.status_rows[s][state]].value;
                row.iter().enumerate().all(|(k, p)| k == v || *p == 0.0)
            })
        };
        values.retain(|value| !certain(value));
        let told = !values.is_empty() || !readings.is_empty();
        let look = Look { rungs, values, readings };
        let next = self.looks.len();
        let number = *self.look_of.entry(look.clone()).or_insert(next);
        if number == next {
            self.looks.push(look);
        }
        Ok((number, known, told))
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
    fn guess(&self, look: usize, known: Option<usize>) -> Option<usize> {
        let Look { rungs, values, readings } = &self.looks[look];
        if known.is_some() || (values.is_empty() && readings.is_empty()) {
            return known;
        }
        let of = |state: usize| -> f64 {
            let table = |&(s, v): &(usize, usize)| self.standing.rows[self.status_rows[s][state]][v].ln();
            let read = |reading: &Reading| self.shown[reading.indicator].log(reading, state, &self.standing);
            values.iter().map(table).sum::<f64>() + readings.iter().map(read).sum::<f64>()
        };
        (0..rungs.len()).filter(|&s| rungs[s]).max_by(|&a, &b| of(a).total_cmp(&of(b)))
    }

    fn values(&self, row: usize) -> Result<Vec<f64>> {
        let mut values = Vec::with_capacity(self.structure.covariates.len());
        for given in &self.structure.covariates {
            let Some(column) = self.columns.covariates.iter().find(|c| c.name == given.name) else {
                let message = format!("it has no column for covariate '{}'; expected one in `covariates`", given.name);
                return Err(Error::spec("panel", "the panel", message));
            };
            let value = column.values.get(row).copied().unwrap_or(f64::NAN);
            if !value.is_finite() {
                let message = format!("covariate '{}' is {value}; expected a finite number or a level", given.name);
                return Err(wrong(self.columns, row, message));
            }
            values.push(value);
        }
        Ok(values)
    }

    fn design(&mut self, values: &[f64], time: f64) -> usize {
        let design = self.structure.design(values, time);
        let bits: Vec<u64> = design.iter().map(|x| x.to_bits()).collect();
        let next = self.designs.len();
        let number = *self.design_of.entry(bits).or_insert(next);
        if number == next {
            self.designs.push(design);
        }
        number
    }

    fn row_design(&mut self, rows: &[usize], k: usize, time: f64) -> Result<usize> {
        let values = self.values(rows[k])?;
        Ok(self.design(&values, time))
    }

    /// The stretches of an interval, each with its design and its length.
    fn pieces(&mut self, row: usize, from: f64, to: f64) -> Result<Vec<(usize, f64)>> {
        let values = self.values(row)?;
        let inside: Vec<f64> = self.structure.cuts.iter().copied().filter(|cut| from < *cut && *cut < to).collect();
        let mut ends = vec![from];
        ends.extend(inside);
        ends.push(to);
        let pieces: Vec<(usize, f64)> =
            ends.windows(2).map(|pair| (self.design(&values, 0.5 * (pair[0] + pair[1])), pair[1] - pair[0])).collect();
        // The covariates of an interval are those at its start.
        let design = self.structure.design(&values, from);
        self.sums.iter_mut().zip(&design).for_each(|(sum, x)| *sum += x);
        Ok(pieces)
    }

    fn group(&mut self, (design, length): (usize, f64)) -> usize {
        let next = self.groups.len();
        let number = *self.group_of.entry((design, length.to_bits())).or_insert(next);
        if number == next {
            self.groups.push(Group { design, length, chained: None });
        }
        number
    }

    /// Two known rungs, and nothing between them.
    #[allow(clippy::too_many_arguments)]
    fn seen(
        &mut self,
        row: usize,
        before: usize,
        from: usize,
        to: usize,
        piece: (usize, f64),
        weight: f64,
        entry: Option<usize>,
    ) -> Result<()> {
        let arcs = &self.structure.arcs;
        let last = |&a: &usize| arcs[a].to == to && self.reach[from][arcs[a].from];
        let possible = match entry {
            Some(set) => self.sets[set].iter().any(last),
            None => self.reach[from][to] && (from == to || piece.1 > 0.0),
        };
        if !possible {
            return Err(self.forbidden(row, Some(before), from, to));
        }
        if weight == 0.0 || (piece.1 == 0.0 && entry.is_none()) {
            return Ok(());
        }
        let group = self.group(piece);
        let next = self.count_list.len();
        let number = *self.counts.entry((group, from, to, entry)).or_insert(next);
        if number == next {
            self.count_list.push((group, Count { from, to, weight: 0.0, entry }));
        }
        self.count_list[number].1.weight += weight;
        Ok(())
    }

    fn forbidden(&self, row: usize, before: Option<usize>, from: usize, to: usize) -> Error {
        let words = |state| self.structure.words(self.model, state);
        let since = before.map_or_else(String::new, |b| format!(" (row {})", b + 1));
        let together = before.is_some_and(|b| self.columns.time[b] == self.columns.time[row]);
        let message = match together {
            true => format!("it is {} there and {} at the same time{since}", words(to), words(from)),
            false => format!("the moves of the model do not lead from {}{since} to {}", words(from), words(to)),
        };
        wrong(self.columns, row, message)
    }

    /// A move, or none, at a known time from a known rung.
    fn seen_move(&mut self, row: usize, from: usize, to: usize, pieces: &[(usize, f64)], weight: f64) -> Result<()> {
        for &(design, length) in pieces {
            *self.stayed.entry((design, from)).or_default() += weight * length;
        }
        if from != to {
            let arc = self.structure.arcs.iter().position(|arc| (arc.from, arc.to) == (from, to));
            let Some(arc) = arc else { return Err(self.forbidden(row, None, from, to)) };
            let design = pieces.last().map_or(0, |piece| piece.0);
            *self.moved.entry((design, arc)).or_default() += weight;
        }
        Ok(())
    }

    /// Follows which joint rungs are possible over a step of a chain; false where none is left.
    fn follow(&mut self, pieces: &[(usize, f64)], exact: bool, entry: Option<usize>, look: usize) -> bool {
        let n = self.structure.n;
        let mut next = self.alive.clone();
        if !exact && pieces.iter().any(|piece| piece.1 > 0.0) {
            next = (0..n).map(|to| (0..n).any(|from| self.alive[from] && self.reach[from][to])).collect();
        }
        let arcs = &self.structure.arcs;
        let through = |from: &[bool], set: &mut dyn Iterator<Item = usize>| {
            let mut to = vec![false; n];
            set.filter(|&a| from[arcs[a].from]).for_each(|a| to[arcs[a].to] = true);
            to
        };
        match entry {
            Some(set) => next = through(&next, &mut self.sets[set].iter().copied()),
            None if exact => {
                let moved = through(&next, &mut (0..arcs.len()));
                next.iter_mut().zip(moved).for_each(|(stays, moves)| *stays |= moves);
            }
            None => {}
        }
        self.alive = next.iter().zip(&self.looks[look].rungs).map(|(a, b)| *a && *b).collect();
        self.alive.contains(&true)
    }

    fn push(&mut self, pieces: &[(usize, f64)], exact: bool, entry: Option<usize>, look: usize) {
        let last = pieces.last().map_or(0, |piece| piece.0);
        for &(design, length) in pieces.iter().filter(|piece| piece.1 > 0.0) {
            if exact {
                self.ops.push(Op::Stay { design, length });
                continue;
            }
            let group = self.group((design, length));
            // Renamed to places among the chained at the end.
            self.ops.push(Op::Law(group));
        }
        match entry {
            Some(set) => self.ops.push(Op::Jump { design: last, set }),
            None if exact => self.ops.push(Op::JumpOrStay { design: last }),
            None => {}
        }
        self.ops.push(Op::Look(look));
    }

    fn finish(mut self) -> Result<Panel> {
        let n = self.structure.n;
        // Groups by design, so that one generator's powers serve all its lengths.
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.groups[a], &self.groups[b]);
            a.design.cmp(&b.design).then(a.length.total_cmp(&b.length))
        });
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| place[old] = new);
        let mut groups: Vec<Group> = order.iter().map(|&old| self.groups[old]).collect();
        for op in &mut self.ops {
            if let Op::Law(group) = op {
                groups[place[*group]].chained = Some(0);
            }
        }
        let mut chained = 0;
        for group in groups.iter_mut().filter(|group| group.chained.is_some()) {
            group.chained = Some(chained);
            chained += 1;
        }
        for op in &mut self.ops {
            if let Op::Law(group) = op {
                *group = groups[place[*group]].chained.unwrap_or(0);
            }
        }
        self.count_list.sort_by_key(|(group, count)| (place[*group], count.from, count.to, count.entry));
        let mut starts = vec![0; groups.len() + 1];
        for (group, _) in &self.count_list {
            starts[place[*group] + 1] += 1;
        }
        (0..groups.len()).for_each(|g| starts[g + 1] += starts[g]);
        let longest = self.chains.iter().map(|c| c.ops.len()).max().unwrap_or(0);
        let bytes = 8.0 * ((n * n) as f64 * (3 * chained + self.ops.len()) as f64 + (n * longest) as f64)
            + 64.0 * (groups.len() + self.ops.len() + self.count_list.len()) as f64;
        // A look of its own for each number.
        let readings: usize =
            self.looks.iter().flat_map(|look| &look.readings).map(|r| 64 + 8 * r.covariates.len()).sum();
        let bytes = bytes + readings as f64 + self.looks.len() as f64 * (64 + 9 * n) as f64;
        let limit = limits::memory();
        if bytes > limit {
            let message = format!(
                "the panel's {} steps with something hidden, over {n} joint rungs, would take {bytes:.3e} bytes; \
                 {limit:.3e} are allowed",
                self.ops.len()
            );
            return Err(Error::TooLarge { bytes, limit, message });
        }
        let (designs, arcs) = (self.designs.len(), self.structure.arcs.len());
        let mut stayed = vec![0.0; if self.stayed.is_empty() { 0 } else { designs * n }];
        self.stayed.iter().for_each(|((design, state), time)| stayed[design * n + state] = *time);
        let mut moved = vec![0.0; if self.stayed.is_empty() { 0 } else { designs * arcs }];
        self.moved.iter().for_each(|((design, arc), count)| moved[design * arcs + arc] = *count);
        let intervals = self.used.intervals.max(1) as f64;
        let times = self.columns.time.iter().copied();
        let span = times.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| (a.min(t), b.max(t)));
        let used = Used { groups: groups.len(), designs, chains: self.chains.len(), ..self.used };
        Ok(Panel {
            designs: self.designs,
            groups,
            starts,
            counts: self.count_list.into_iter().map(|(_, count)| count).collect(),
            chained,
            stayed,
            moved,
            chains: self.chains,
            ops: self.ops,
            looks: self.looks,
            status_rows: self.status_rows,
            shown: self.shown,
            sets: self.sets,
            first: self.first,
            units: self.columns.units.clone(),
            used,
            mean: self.sums.iter().map(|sum| sum / intervals).collect(),
            span,
            histories: self.histories,
            structure: self.structure,
        })
    }
}
