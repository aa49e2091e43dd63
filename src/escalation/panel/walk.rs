//! A unit's rows, one after the other, to counts and chains; every refusal names the unit and the row.

use super::compile::{Begin, Build, Chain, Count, Group, Op, Row, Seen, Step, Stop, Tally, wrong};
use super::first::FirstLaw;
use crate::ground::{Error, Result};

impl Build<'_> {
    /// A unit's rows, in each class that it may be of.
    pub(super) fn unit(&mut self, unit: usize, rows: &[usize]) -> Result<()> {
        let kept = self.kept(rows);
        let rows = kept.as_deref().unwrap_or(rows);
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
        if self.classes.is_none() {
            self.walk(unit, rows, weight).map_err(Stop::error)?;
            self.count(weight);
            return Ok(());
        }
        self.each_class(unit, rows, weight)
    }

    /// The rows without those that lack a covariate which an interval needs, where these are to be left out.
    fn kept(&mut self, rows: &[usize]) -> Option<Vec<usize>> {
        if !self.columns.drop {
            return None;
        }
        let last = if rows.len() > 1 { rows.last() } else { None };
        let kept: Vec<usize> =
            rows.iter().copied().filter(|row| Some(row) == last || self.values(*row).is_ok()).collect();
        self.used.dropped += rows.len() - kept.len();
        Some(kept)
    }

    /// Adds what the rows just walked say of what was used.
    pub(super) fn count(&mut self, weight: f64) {
        let n = self.structure.n_rungs;
        self.used.empty += self.tally.empty;
        self.used.censored += self.tally.censored;
        self.used.entries += self.tally.entries;
        self.tally.table.iter().for_each(|(a, b)| self.used.table[a * n + b] += weight);
        for design in &self.tally.designs {
            self.sums.iter_mut().zip(design).for_each(|(sum, x)| *sum += x);
        }
    }

    pub(super) fn walk(&mut self, unit: usize, rows: &[usize], weight: f64) -> Step<()> {
        self.tally = Tally::default();
        let columns = self.columns;
        let mut here: Option<usize> = None;
        let mut last_seen: Option<usize> = None;
        let mut rung_before: Option<usize> = None;
        let mut chain: Option<Chain> = None;
        let mut history = Vec::with_capacity(rows.len());
        for (k, &row) in rows.iter().enumerate() {
            let time = self.time(row)?;
            let Seen { look, mut known, rung, told } = self.look(row)?;
            if let (Some(a), Some(b)) = (last_seen, rung) {
                self.tally.table.push((a, b));
            }
            last_seen = rung.or(last_seen);
            if k == 0 {
                let as_seen = matches!(self.first, FirstLaw::Given(_));
                if !told && as_seen {
                    known = known.or(rung.and_then(|rung| self.only_stage(rung)));
                }
                if known.is_none() || told || !as_seen {
                    let begin = match rung.filter(|_| as_seen) {
                        Some(rung) => Begin::Seen(rung),
                        None => {
                            let design = self.row_design(rows, 0, time)?;
                            Begin::First(self.first.place(self.class, design))
                        }
                    };
                    let start = self.ops.len();
                    chain = Some(Chain { unit, class: self.class, rows: (row, row), weight, begin, ops: start..start });
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
                    return Err(wrong(columns, row, message).into());
                }
                let pieces = self.pieces(before, from, time)?;
                let at = |row: usize| row;
                let exact = columns.moved.get(row).copied().unwrap_or(false);
                let entry = rung.and_then(|rung| self.entered[rung]).filter(|_| rung_before != rung && !exact);
                self.tally.entries += usize::from(entry.is_some());
                match (here, known) {
                    (Some(a), Some(b)) if exact && !told && self.structure.is_alone(a) => {
                        self.seen_move(at(row), a, b, &pieces, weight)?
                    }
                    (Some(a), Some(b)) if pieces.len() == 1 && !told && !exact => {
                        self.seen(row, before, a, b, pieces[0], weight, entry)?;
                    }
                    _ => {
                        if chain.is_none() {
                            let begin = Begin::At(here.unwrap_or(0));
                            let start = self.ops.len();
                            let (class, rows) = (self.class, (before, row));
                            chain = Some(Chain { unit, class, rows, weight, begin, ops: start..start });
                            self.alive.iter_mut().enumerate().for_each(|(s, alive)| *alive = here == Some(s));
                        }
                        self.push(&pieces, exact, entry, look);
                        if !self.follow(&pieces, exact, entry, look) {
                            let message = format!(
                                "the moves of the model do not lead to what is seen there from what is seen before it \
                                 (row {})",
                                before + 1
                            );
                            return Err(Stop::Cannot(wrong(columns, row, message)));
                        }
                        // What was entered at a known time is in its first stage.
                        known = known.or(self.only_alive());
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
            rung_before = rung;
            history.push(Row { row, time, known: rung, guess: self.guess(look, rung), design: usize::MAX, chained });
        }
        self.chains.extend(chain);
        let history = self.with_designs(rows, history);
        self.histories.push(history);
        Ok(())
    }

    /// The joint phase that a joint rung which comes first is in, where that is one.
    fn only_stage(&self, rung: usize) -> Option<usize> {
        let own = self.structure.joint.iter().zip(&self.structure.shares);
        own.enumerate().find(|(_, (joint, share))| **joint == rung && **share == 1.0).map(|(state, _)| state)
    }

    /// The joint phase that is possible in the open chain, where rungs have stages and it is one.
    fn only_alive(&self) -> Option<usize> {
        let mut alive = (0..self.structure.n).filter(|&state| self.alive[state]);
        let one = alive.next().filter(|_| self.structure.is_staged());
        one.filter(|_| alive.next().is_none())
    }

    /// A unit's rows with the generator from each on.
    pub(super) fn with_designs(&mut self, rows: &[usize], mut history: Vec<Row>) -> Vec<Row> {
        for (k, entry) in history.iter_mut().enumerate() {
            // The last row's covariates may be missing: the row before tells.
            let own = self.row_design(rows, k, entry.time);
            entry.design = own.or_else(|_| self.row_design(rows, k.saturating_sub(1), entry.time)).unwrap_or(0);
        }
        history
    }

    fn time(&self, row: usize) -> Result<f64> {
        let time = self.columns.time[row];
        match time.is_finite() {
            true => Ok(time),
            false => Err(wrong(self.columns, row, format!("its time is {time}; expected a finite number"))),
        }
    }

    fn values(&self, row: usize) -> Result<Vec<f64>> {
        let mut values = Vec::with_capacity(self.structure.covariates.len());
        for (place, given) in self.structure.covariates.iter().enumerate() {
            let Some(column) = self.columns.covariates.iter().find(|c| c.name == given.name) else {
                let message = format!("it has no column for covariate '{}'; expected one in `covariates`", given.name);
                return Err(Error::spec("panel", "the panel", message));
            };
            let value = column.values.get(row).copied().unwrap_or(f64::NAN);
            // Of what only drivers look at the unit's first row counts.
            if !value.is_finite() && place < self.structure.on_rungs {
                let message = format!("covariate '{}' is {value}; expected a finite number or a level", given.name);
                return Err(wrong(self.columns, row, message));
            }
            values.push(value);
        }
        Ok(values)
    }

    fn design(&mut self, values: &[f64], time: f64) -> usize {
        let design = self.structure.design(self.drivers(), values, time);
        let bits: Vec<u64> = design.iter().map(|x| x.to_bits()).collect();
        let next = self.designs.len();
        let number = *self.design_of.entry(bits).or_insert(next);
        if number == next {
            let open = self.structure.open(&design);
            let known = self.reaches.iter().position(|(other, _)| *other == open);
            self.reach_of.push(known.unwrap_or(self.reaches.len()));
            if known.is_none() {
                let reach = self.structure.reach(&open);
                self.reaches.push((open, reach));
            }
            self.designs.push(design);
        }
        number
    }

    /// The states of the model's drivers in the class that is walked.
    fn drivers(&self) -> &[usize] {
        self.classes.as_ref().map_or(&[], |classes| &classes.configs[self.class])
    }

    /// Which arcs are open under a design, and what they lead to.
    fn leads(&self, design: usize) -> &(Vec<bool>, Vec<Vec<bool>>) {
        &self.reaches[self.reach_of[design]]
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
        let design = self.structure.design(self.drivers(), &values, from);
        self.tally.designs.push(design);
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
    ) -> Step<()> {
        let arcs = &self.structure.arcs;
        let (open, reach) = self.leads(piece.0);
        let last = |&a: &usize| arcs[a].to == to && reach[from][arcs[a].from] && open[a];
        let possible = match entry {
            Some(set) => self.sets[set].iter().any(last),
            None => reach[from][to] && (from == to || piece.1 > 0.0),
        };
        if !possible {
            return Err(Stop::Cannot(self.forbidden(row, Some(before), from, to)));
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
        if let Some(classes) = &mut self.classes {
            classes.counts.push(number);
        }
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
    fn seen_move(&mut self, row: usize, from: usize, to: usize, pieces: &[(usize, f64)], weight: f64) -> Step<()> {
        for &(design, length) in pieces {
            *self.stayed.entry((design, from)).or_default() += weight * length;
            if let Some(classes) = &mut self.classes {
                classes.stays.push((design, from, length));
            }
        }
        if from != to {
            let design = pieces.last().map_or(0, |piece| piece.0);
            let arc = self.structure.arcs.iter().position(|arc| !arc.advance && (arc.from, arc.to) == (from, to));
            let Some(arc) = arc.filter(|&arc| self.leads(design).0[arc]) else {
                return Err(Stop::Cannot(self.forbidden(row, None, from, to)));
            };
            if let Some(classes) = &mut self.classes {
                classes.moves.push((design, arc));
            }
            *self.moved.entry((design, arc)).or_default() += weight;
        }
        Ok(())
    }

    /// Follows which joint rungs are possible over a step of a chain; false where none is left.
    fn follow(&mut self, pieces: &[(usize, f64)], exact: bool, entry: Option<usize>, look: usize) -> bool {
        let n = self.structure.n;
        let mut next = self.alive.clone();
        for &(design, _) in pieces.iter().filter(|piece| !exact && piece.1 > 0.0) {
            let reach = &self.leads(design).1;
            next = (0..n).map(|to| (0..n).any(|from| next[from] && reach[from][to])).collect();
        }
        for &(design, _) in pieces.iter().filter(|piece| exact && piece.1 > 0.0) {
            let open = &self.leads(design).0;
            let advances = self.structure.arcs.iter().zip(open).filter(|(arc, open)| arc.advance && **open);
            let ways: Vec<(usize, usize)> = advances.map(|(arc, _)| (arc.from, arc.to)).collect();
            // Stages come in order, so that a round for each ladder is enough.
            for _ in 0..self.structure.ladders.len() {
                ways.iter().for_each(|&(from, to)| next[to] |= next[from]);
            }
        }
        let open = pieces.last().map(|piece| &self.leads(piece.0).0);
        let arcs = &self.structure.arcs;
        let through = |from: &[bool], set: &mut dyn Iterator<Item = usize>| {
            let mut to = vec![false; n];
            set.filter(|&a| from[arcs[a].from] && open.is_some_and(|open| open[a])).for_each(|a| to[arcs[a].to] = true);
            to
        };
        match entry {
            Some(set) => next = through(&next, &mut self.sets[set].iter().copied()),
            None if exact => {
                let moved = through(&next, &mut (0..arcs.len()).filter(|&a| !arcs[a].advance));
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
}
