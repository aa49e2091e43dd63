//! Hidden Markov chains in discrete time: likelihood, smoothed states, paths and expected statistics of many sequences.
//!
//! Statistics are summed in blocks of 256 sequences (fewer long ones) and the blocks in order, so that the bits do not
//! depend on threads.
//! Rabiner, "A tutorial on hidden Markov models", Proceedings of the IEEE 77, 1989.

use super::density::likelihoods;
use super::outcome::{Column, Family, Piece, Sampler, shares};
use super::tick::{Counts, Forward, GROUP, Steps, Tables, backward, forward, padded, sum_into};
use super::tick_log::{LogTables, pick};
use crate::ground::random::stream;
use crate::ground::{Control, Error, Result, limits};
use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::OnceLock;

pub use super::hidden_fit::{Fitted, HiddenPrior, Settings, fit, fit_best};
pub use super::hidden_start::{Kind, start};

/// Most sequences whose statistics are summed together, and rows of theirs from which there may be fewer.
const BLOCK: usize = 256;
const BLOCK_ROWS: usize = 1 << 16;
/// Most times that a sequence can count.
const MOST_TIMES: f64 = 1e12;
/// Rows of probabilities sum to 1 within this.
const NEAR_ONE: f64 = 1e-6;

/// What was seen: sequences one after the other, in columns.
#[derive(Debug, Clone)]
pub struct Sequences {
    offsets: Vec<usize>,
    columns: Vec<Column>,
    /// How many times each counts in sums; empty: once.
    weights: Vec<f64>,
}

impl Sequences {
    /// Sequence s has the rows `offsets[s]..offsets[s + 1]` of every column.
    ///
    /// # Errors
    /// `Error::Spec` where the offsets do not go from 0 up to the number of rows of each column, or a code names no value.
    pub fn new(offsets: Vec<usize>, columns: Vec<Column>) -> Result<Self> {
        let wrong = |message: String| Err(Error::spec("sequences", "the sequences", message));
        let rows = offsets.last().copied().unwrap_or(0);
        if offsets.first() != Some(&0) || offsets.windows(2).any(|pair| pair[0] > pair[1]) {
            return wrong("offsets do not go up from 0".into());
        }
        for (c, column) in columns.iter().enumerate() {
            if column.len() != rows {
                return wrong(format!("column {c} has {} rows where the sequences have {rows}", column.len()));
            }
            if let Column::Codes { codes, values } = column
                && codes.iter().any(|code| *code as usize > values.len())
            {
                return wrong(format!("column {c} has codes beyond its {} values", values.len()));
            }
        }
        Ok(Sequences { offsets, columns, weights: vec![] })
    }

    /// The same, each counted so many times in a fit; 0 leaves a sequence out. What is said of one sequence stays.
    ///
    /// # Errors
    /// `Error::Spec` where there is not a weight from 0 to 1e12 for each.
    pub fn weighted(mut self, weights: Vec<f64>) -> Result<Self> {
        let wrong = |message: String| Err(Error::spec("weights", "weights", message));
        if weights.len() != self.len() {
            return wrong(format!("{} are given for {} sequences", weights.len(), self.len()));
        }
        if let Some(s) = weights.iter().position(|weight| !(0.0..=MOST_TIMES).contains(weight)) {
            return wrong(format!("sequence {s} has {}; a number from 0 to 1e12 is expected", weights[s]));
        }
        self.weights = weights;
        Ok(self)
    }

    /// How many times a sequence counts.
    pub fn weight(&self, s: usize) -> f64 {
        self.weights.get(s).copied().unwrap_or(1.0)
    }

    /// Σ weight · number of its sequence, over those that count.
    pub fn total(&self, numbers: &[f64]) -> f64 {
        let counted = numbers.iter().enumerate().filter(|(s, _)| self.weight(*s) > 0.0);
        counted.map(|(s, number)| self.weight(s) * number).sum()
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows of all sequences.
    pub fn rows(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// The rows of a sequence.
    pub fn range(&self, s: usize) -> Range<usize> {
        self.offsets[s]..self.offsets[s + 1]
    }

    /// Sequences whose statistics are summed together: 256, or fewer where they are long, but then groups of four.
    fn blocks(&self) -> Vec<Range<usize>> {
        let mut blocks = vec![];
        let mut from = 0;
        for to in 1..=self.len() {
            let (count, rows) = (to - from, self.offsets[to] - self.offsets[from]);
            if count == BLOCK || (rows >= BLOCK_ROWS && count % GROUP == 0) || to == self.len() {
                blocks.push(from..to);
                from = to;
            }
        }
        blocks
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

/// A hidden Markov chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hidden {
    /// The law of the first state.
    pub start: Vec<f64>,
    /// P(i → j), rows "from".
    pub transitions: Vec<f64>,
    /// The law of each column given the state.
    pub families: Vec<Family>,
}

/// Expected statistics of sequences.
#[derive(Debug, Clone)]
pub struct Expected {
    /// ln P(outcomes).
    pub log_likelihood: f64,
    /// Expected number of sequences that start in each state, without padding.
    pub first: Vec<f64>,
    /// Expected moves i → j.
    pub moves: Vec<f64>,
    /// What each column's family learns from.
    pub columns: Vec<Vec<f64>>,
}

impl Hidden {
    /// Number of states.
    pub fn states(&self) -> usize {
        self.start.len()
    }

    /// Number of free parameters; a probability of 0 is none.
    pub fn free(&self) -> usize {
        let own = |row: &[f64]| row.iter().filter(|p| **p > 0.0).count().max(1) - 1;
        let moves: usize = self.transitions.chunks_exact(self.states()).map(own).sum();
        own(&self.start) + moves + self.families.iter().map(Family::free).sum::<usize>()
    }

    /// Checks the parameters; rows of probabilities are divided by their sums.
    ///
    /// # Errors
    /// `Error::Spec` where there is no state, a row does not sum to 1 within 1e-6, or an outcome's parameters are none.
    pub fn checked(mut self) -> Result<Self> {
        let k = self.states();
        if k == 0 || self.transitions.len() != k * k {
            let message = format!("{} transition probabilities are given for {k} states", self.transitions.len());
            return Err(Error::spec("transitions", "", message));
        }
        law(&mut self.start).map_err(|message| Error::spec("start", "start", message))?;
        for (state, row) in self.transitions.chunks_exact_mut(k).enumerate() {
            law(row).map_err(|message| Error::spec("transitions", format!("transitions, row {state}"), message))?;
        }
        for (column, family) in self.families.iter_mut().enumerate() {
            if family.states() != k {
                let message = format!("it has {} states where the chain has {k}", family.states());
                return Err(Error::spec("outcome", format!("outcome column {column}"), message));
            }
            family.check()?;
            if let Family::Categorical { symbols, probs } = family {
                for row in probs.chunks_exact_mut(*symbols) {
                    let sum: f64 = row.iter().sum();
                    row.iter_mut().for_each(|p| *p /= sum);
                }
            }
        }
        Ok(self)
    }

    /// ln P(outcomes) of each sequence; −∞ where it is impossible.
    ///
    /// # Errors
    /// `Interrupted`.
    ///
    /// # Complexity
    /// O(rows · states²), and memory for four sequences a thread.
    pub fn log_likelihoods(&self, data: &Sequences, control: &Control) -> Result<Vec<f64>> {
        let ready = Ready::new(self, data)?;
        let blocks = ready.blocks(control, |block| {
            let mut logs = vec![0.0; block.len()];
            ready.each_group(block.clone(), control, |work, sequences, steps| {
                forward(&ready.tables, steps, false, &mut work.forward[..steps.len()], control)?;
                for (f, &s) in work.forward.iter().zip(sequences) {
                    logs[s - block.start] = match f.log {
                        Some(log) => log,
                        None => ready.careful(s, None)?.map_or(f64::NEG_INFINITY, |smoothed| smoothed.log),
                    };
                }
                Ok(())
            })?;
            Ok(logs)
        })?;
        Ok(blocks.concat())
    }

    /// Expected statistics of all sequences, each as many times as it counts.
    ///
    /// # Errors
    /// `Impossible` where a sequence has probability 0, naming it and its row; `TooLarge`, `Interrupted`.
    pub fn expected(&self, data: &Sequences, control: &Control) -> Result<Expected> {
        let mut ready = Ready::new(self, data)?;
        ready.weights = &data.weights;
        let ready = ready;
        ready.room()?;
        let k = self.states();
        let blocks = ready.blocks(control, |block| {
            // Sequences whose numbers leave their range on the way back: the block is counted anew with these in logarithms.
            let mut apart = vec![];
            loop {
                let (sums, more) = ready.block(block.clone(), &apart, control)?;
                if more.is_empty() {
                    return Ok(sums);
                }
                apart.extend(more);
            }
        })?;
        let mut blocks = blocks.into_iter();
        let (mut log, mut counts, mut columns) = blocks.next().unwrap_or_else(|| ready.nothing());
        for (more, other, seen) in blocks {
            log += more;
            counts.add(&other);
            columns.iter_mut().zip(&seen).for_each(|(to, from)| sum_into(to, from));
        }
        Ok(Expected {
            log_likelihood: log,
            first: counts.first[..k].to_vec(),
            moves: counts.moves(&ready.tables),
            columns,
        })
    }

    /// P(state at each row | its sequence), a row of `states` numbers a row, and ln P of each sequence. An impossible
    /// sequence has NaN and −∞.
    ///
    /// # Errors
    /// `TooLarge`, `Interrupted`.
    pub fn smoothed(&self, data: &Sequences, control: &Control) -> Result<(Vec<f64>, Vec<f64>)> {
        let ready = Ready::new(self, data)?;
        ready.room()?;
        let (k, w) = (self.states(), ready.tables.width());
        let blocks = ready.blocks(control, |block| {
            let base = data.offsets[block.start];
            let mut out = vec![f64::NAN; (data.offsets[block.end] - base) * k];
            let mut logs = vec![f64::NEG_INFINITY; block.len()];
            let mut counts = Counts::new(&ready.tables);
            ready.each_group(block.clone(), control, |work, sequences, steps| {
                let done = &mut work.forward[..steps.len()];
                forward(&ready.tables, steps, true, done, control)?;
                backward(&ready.tables, steps, done, &mut counts, None, control)?;
                for (f, &s) in done.iter_mut().zip(sequences) {
                    if f.log.is_none() {
                        let Some(smoothed) = ready.careful(s, None)? else { continue };
                        (f.rows, f.log) = (smoothed.rows, Some(smoothed.log));
                    }
                    logs[s - block.start] = f.log.unwrap_or(f64::NEG_INFINITY);
                    let range = data.range(s);
                    let into = out[(range.start - base) * k..(range.end - base) * k].chunks_exact_mut(k);
                    for (into, row) in into.zip(f.rows.chunks_exact(w)) {
                        into.copy_from_slice(&row[..k]);
                    }
                }
                Ok(())
            })?;
            Ok((out, logs))
        })?;
        let (out, logs): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
        Ok((out.concat(), logs.concat()))
    }

    /// The most probable path of each sequence, one after the other, and ln P(path, outcomes) of each.
    ///
    /// # Errors
    /// `Impossible` where a sequence has probability 0, naming it and its row; `TooLarge`, `Interrupted`.
    pub fn best_paths(&self, data: &Sequences, control: &Control) -> Result<(Vec<u32>, Vec<f64>)> {
        let ready = Ready::new(self, data)?;
        ready.room()?;
        let blocks = ready.blocks(control, |block| {
            let (mut paths, mut logs) = (vec![], vec![]);
            for s in block {
                control.check()?;
                let rows = ready.log_rows(s);
                let steps = ready.log_steps(&rows, s);
                let (path, log) = ready.log_tables().best_path(&steps).ok_or_else(|| ready.impossible(s))?;
                paths.extend(path);
                logs.push(log);
            }
            Ok((paths, logs))
        })?;
        let (paths, logs): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
        Ok((paths.concat(), logs.concat()))
    }

    /// A path of each sequence drawn from P(path | outcomes), one after the other; `draw` tells draws apart.
    ///
    /// # Errors
    /// `Impossible` where a sequence has probability 0, naming it and its row; `TooLarge`, `Interrupted`.
    pub fn drawn_paths(&self, data: &Sequences, seed: u64, draw: u64, control: &Control) -> Result<Vec<u32>> {
        let ready = Ready::new(self, data)?;
        ready.room()?;
        let blocks = ready.blocks(control, |block| {
            let mut paths = vec![];
            for s in block {
                control.check()?;
                let rows = ready.log_rows(s);
                let steps = ready.log_steps(&rows, s);
                let mut rng = stream(seed, (draw << 32) + s as u64);
                let path = ready.log_tables().draw_path(&steps, || rng.random::<f64>());
                paths.extend(path.ok_or_else(|| ready.impossible(s))?);
            }
            Ok(paths)
        })?;
        Ok(blocks.concat())
    }

    /// New sequences, one after the other: their states, and for each column its numbers (categories by number).
    pub fn simulate(&self, lengths: &[usize], seed: u64) -> (Vec<u32>, Vec<Vec<f64>>) {
        let k = self.states();
        let mut states: Vec<u32> = Vec::with_capacity(lengths.iter().sum());
        let mut columns = vec![vec![]; self.families.len()];
        let samplers: Vec<Sampler<'_>> = self.families.iter().map(Sampler::new).collect();
        for (s, &length) in lengths.iter().enumerate() {
            let mut rng = stream(seed, s as u64);
            let mut law = &self.start[..];
            for _ in 0..length {
                let state = pick(law, rng.random::<f64>());
                law = &self.transitions[state * k..][..k];
                states.push(state as u32);
                samplers.iter().zip(&mut columns).for_each(|(sampler, into)| sampler.draw(state, &mut rng, into));
            }
        }
        (states, columns)
    }

    /// The parameters that maximise expected log-likelihood and prior; rows that nothing was counted of stay.
    pub fn learn(&mut self, data: &Sequences, expected: &Expected, prior: &HiddenPrior) {
        let k = self.states();
        shares(&mut self.start, &expected.first, prior.start);
        for (row, moves) in self.transitions.chunks_exact_mut(k).zip(expected.moves.chunks_exact(k)) {
            shares(row, moves, prior.transitions);
        }
        let columns = data.columns().iter().zip(&expected.columns);
        for (n, (family, (column, statistics))) in self.families.iter_mut().zip(columns).enumerate() {
            family.learn(column, statistics, &prior.families.get(n).cloned().unwrap_or_default());
        }
    }
}

/// Divides a row by its sum, or says what is wrong with it.
fn law(row: &mut [f64]) -> std::result::Result<(), String> {
    if let Some(p) = row.iter().find(|p| !(0.0..=1.0 + NEAR_ONE).contains(*p)) {
        return Err(format!("{p} is given; a probability is expected"));
    }
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() > NEAR_ONE {
        return Err(format!("it sums to {sum}; a sum of 1 within 1e-6 is expected"));
    }
    row.iter_mut().for_each(|p| *p /= sum);
    Ok(())
}

/// A chain made ready for its sequences.
struct Ready<'a> {
    data: &'a Sequences,
    /// What sequences are multiplied by; empty: by 1.
    weights: &'a [f64],
    tables: Tables,
    first: Vec<f64>,
    pieces: Vec<Piece<'a>>,
    /// Likelihood rows and their logarithms by code, where one column of codes is all there is.
    lookup: Option<(Vec<f64>, Vec<f64>)>,
    logs: OnceLock<LogTables>,
}

/// Log-likelihood, counts, and what each column's family learns from.
type Sums = (f64, Counts, Vec<Vec<f64>>);

/// What a thread works with.
#[derive(Default)]
struct Work {
    forward: Vec<Forward>,
}

impl<'a> Ready<'a> {
    fn new(chain: &Hidden, data: &'a Sequences) -> Result<Self> {
        if chain.families.len() != data.columns.len() {
            let message = format!(
                "there are {} columns where the chain has {} outcomes",
                data.columns.len(),
                chain.families.len()
            );
            return Err(Error::spec("sequences", "the sequences", message));
        }
        let (k, tables) = (chain.states(), Tables::new(chain.states(), &chain.transitions));
        let w = tables.width();
        let pieces = chain.families.iter().zip(&data.columns).map(|(family, column)| Piece::new(family, column));
        let pieces: Vec<Piece<'a>> = pieces.collect::<Result<_>>()?;
        let lookup = match &pieces[..] {
            [Piece::Table { table, .. }] => {
                let mut rows = table.clone();
                let mut logs = vec![0.0; rows.len() / w];
                likelihoods(w, &mut rows, &mut logs);
                Some((rows, logs))
            }
            _ => None,
        };
        Ok(Ready { data, weights: &[], first: padded(&chain.start, k), tables, pieces, lookup, logs: OnceLock::new() })
    }

    /// # Errors
    /// `TooLarge` where the forward vectors and the rows of the longest sequences do not fit into memory.
    fn room(&self) -> Result<()> {
        let longest = (0..self.data.len()).map(|s| self.data.range(s).len()).max().unwrap_or(0);
        let held = (longest * GROUP * rayon::current_num_threads()).min(self.data.rows());
        let bytes = (held * self.tables.width() * 2 * size_of::<f64>()) as f64;
        let limit = limits::memory();
        if bytes <= limit {
            return Ok(());
        }
        let message = format!(
            "a sequence of {longest} rows and {} states takes {:.1} GB with those beside it; the limit is {:.1} GB: use \
             fewer threads, or cut it",
            self.tables.states(),
            bytes / 1e9,
            limit / 1e9
        );
        Err(Error::TooLarge { bytes, limit, message })
    }

    /// Runs work for every block of sequences; results in order.
    fn blocks<T: Send>(
        &self,
        control: &Control,
        work: impl Fn(Range<usize>) -> Result<T> + Sync + Send,
    ) -> Result<Vec<T>> {
        let block = |block: Range<usize>| {
            control.check()?;
            work(block)
        };
        let mut blocks = self.data.blocks();
        match blocks.len() {
            0 | 1 => blocks.pop().map(block).into_iter().collect(),
            _ => blocks.into_par_iter().map(block).collect(),
        }
    }

    /// No statistics.
    fn nothing(&self) -> Sums {
        let columns = self.pieces.iter().map(|piece| piece.statistics(self.tables.width()));
        (0.0, Counts::new(&self.tables), columns.collect())
    }

    /// The statistics of a block, those `apart` in logarithms; void where the list of sequences that must be, too, is not
    /// empty.
    fn block(&self, block: Range<usize>, apart: &[usize], control: &Control) -> Result<(Sums, Vec<usize>)> {
        let w = self.tables.width();
        let (mut log, mut counts, mut columns) = self.nothing();
        let mut more = vec![];
        self.each_group(block, control, |work, sequences, steps| {
            let done = &mut work.forward[..steps.len()];
            forward(&self.tables, steps, true, done, control)?;
            for (f, s) in done.iter_mut().zip(sequences) {
                f.log = f.log.filter(|_| !apart.contains(s));
            }
            let before: Vec<bool> = done.iter().map(|f| f.log.is_some()).collect();
            let seen = if self.lookup.is_some() { columns.first_mut().map(|c| &mut c[..]) } else { None };
            if !backward(&self.tables, steps, done, &mut counts, seen, control)? {
                let lost =
                    done.iter().zip(&before).zip(sequences).filter(|((f, before), _)| f.log.is_none() && **before);
                more.extend(lost.map(|(_, &s)| s));
            }
            for (f, &s) in done.iter_mut().zip(sequences) {
                let careful = f.log.is_none();
                if careful {
                    let smoothed = self.careful(s, Some(&mut counts))?.ok_or_else(|| self.impossible(s))?;
                    (f.rows, f.log) = (smoothed.rows, Some(smoothed.log));
                }
                log += self.weight(s) * f.log.unwrap_or(0.0);
                if careful || self.lookup.is_none() {
                    let range = self.data.range(s);
                    for (piece, into) in self.pieces.iter().zip(&mut columns) {
                        piece.add_statistics(w, range.start, &f.rows[..range.len() * w], into);
                    }
                }
            }
            Ok(())
        })?;
        Ok(((log, counts, columns), more))
    }

    fn weight(&self, s: usize) -> f64 {
        self.weights.get(s).copied().unwrap_or(1.0)
    }

    /// Calls `visit` with every four sequences of a block, those of like lengths together; those of weight 0 are left out.
    fn each_group(
        &self,
        block: Range<usize>,
        control: &Control,
        mut visit: impl FnMut(&mut Work, &[usize], &[Steps<'_>]) -> Result<()>,
    ) -> Result<()> {
        let w = self.tables.width();
        let mut order: Vec<usize> = block.filter(|&s| self.weight(s) > 0.0).collect();
        order.sort_by_key(|&s| std::cmp::Reverse(self.data.range(s).len()));
        let mut work = Work { forward: vec![Forward::default(); GROUP] };
        let mut rows: Vec<Vec<f64>> = vec![vec![]; GROUP];
        let mut logs: Vec<Vec<f64>> = vec![vec![]; GROUP];
        for sequences in order.chunks(GROUP) {
            control.check()?;
            if self.lookup.is_none() {
                for (&s, (rows, logs)) in sequences.iter().zip(rows.iter_mut().zip(&mut logs)) {
                    self.fill_logs(s, rows);
                    logs.resize(self.data.range(s).len(), 0.0);
                    likelihoods(w, rows, logs);
                }
            }
            let steps: Vec<Steps<'_>> = sequences
                .iter()
                .enumerate()
                .map(|(g, &s)| {
                    let (rows, logs) = match &self.lookup {
                        Some((rows, logs)) => (&rows[..], &logs[..]),
                        None => (&rows[g][..], &logs[g][..]),
                    };
                    self.steps(rows, logs, s)
                })
                .collect();
            visit(&mut work, sequences, &steps)?;
        }
        Ok(())
    }

    fn symbols(&self, s: usize) -> Option<&[u32]> {
        match (&self.lookup, &self.pieces[..]) {
            (Some(_), [Piece::Table { codes, .. }]) => Some(&codes[self.data.range(s)]),
            _ => None,
        }
    }

    /// ln likelihoods of a sequence, padded rows.
    fn fill_logs(&self, s: usize, rows: &mut Vec<f64>) {
        let (k, w) = (self.tables.states(), self.tables.width());
        rows.clear();
        rows.resize(self.data.range(s).len() * w, 0.0);
        if k < w {
            rows.chunks_exact_mut(w).for_each(|row| row[k..].fill(f64::NEG_INFINITY));
        }
        for piece in &self.pieces {
            piece.add_logs(w, self.data.range(s).start, rows);
        }
    }

    /// The same, where rows are not looked up.
    fn log_rows(&self, s: usize) -> Vec<f64> {
        let mut rows = vec![];
        if self.lookup.is_none() {
            self.fill_logs(s, &mut rows);
        }
        rows
    }

    fn log_steps<'r>(&'r self, rows: &'r [f64], s: usize) -> Steps<'r> {
        let rows = match (&self.lookup, &self.pieces[..]) {
            (Some(_), [Piece::Table { table, .. }]) => table,
            _ => rows,
        };
        self.steps(rows, &[], s)
    }

    fn steps<'r>(&'r self, rows: &'r [f64], logs: &'r [f64], s: usize) -> Steps<'r> {
        let (len, weight) = (self.data.range(s).len(), self.weight(s));
        Steps { first: &self.first, tables: None, rows, logs, symbols: self.symbols(s), len, weight }
    }

    fn log_tables(&self) -> &LogTables {
        self.logs.get_or_init(|| LogTables::new(&self.tables))
    }

    /// A sequence in logarithms; `None` where it is impossible.
    fn careful(&self, s: usize, counts: Option<&mut Counts>) -> Result<Option<super::tick_log::Smoothed>> {
        let rows = self.log_rows(s);
        Ok(self.log_tables().smooth(&self.tables, &self.log_steps(&rows, s), counts))
    }

    /// The error that names an impossible sequence and its first impossible row.
    fn impossible(&self, s: usize) -> Error {
        let rows = self.log_rows(s);
        let row = self.log_tables().impossible_at(&self.log_steps(&rows, s)).unwrap_or(0);
        let message =
            format!("sequence {s}, row {row}: under the model nothing of positive probability leads to what is seen");
        Error::Impossible { development: None, message }
    }
}
