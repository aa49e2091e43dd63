//! What a panel's indicators show beyond a table's value: numbers, and states whose table covariates change.
//!
//! A covariate adds coefficient · value to the mean of a normal or a Student t, to the mean of a log-normal's logarithm, to
//! the logarithm of a count's mean; of a row, to the logarithm of an entry over the reference entry.

use super::structure::Structure;
use crate::escalation::model::{Addend, Model, Scale, Status, Variable};
use crate::escalation::theta::{Statistics, Values};

/// A value as it was read, with the values of its indicator's covariates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Which of the panel's indicators.
    pub indicator: usize,
    /// A number's bits, or the index of a state.
    pub value: u64,
    /// Bits of the values of the indicator's covariates, in their order.
    pub covariates: Vec<u64>,
}

/// An indicator against a panel's joint rungs.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub status: Status,
    /// The configuration of the parents at each joint rung, class after class.
    configs: Vec<usize>,
    /// By configuration: the covariate of each term, and the term.
    terms: Vec<Vec<(usize, Addend)>>,
}

impl Shown {
    /// For units whose drivers are in each of some configurations (of all the model's drivers).
    pub fn new(model: &Model, structure: &Structure, status: &Status, drivers: &[Vec<usize>]) -> Self {
        let config = |drivers: &[usize], state: usize| {
            status.parents.iter().fold(0, |config, parent| match parent {
                Variable::Ladder(l) => {
                    let own = structure.ladders.iter().position(|x| x == l).unwrap_or(0);
                    config * model.ladders[*l].rungs.len() + structure.rung(state, own)
                }
                Variable::Driver(d) => config * model.drivers[*d].states.len() + drivers.get(*d).copied().unwrap_or(0),
            })
        };
        let mut terms = vec![vec![]; status.rows.len().max(status.cells.len())];
        for (k, covariate) in status.covariates.iter().enumerate() {
            for term in &covariate.terms {
                terms[term.config].push((k, term.clone()));
            }
        }
        let configs = drivers.iter().flat_map(|own| (0..structure.n).map(move |state| config(own, state))).collect();
        Shown { status: status.clone(), configs, terms }
    }

    /// Whether it shows one of its states, and no covariate changes the table.
    pub fn is_plain(&self) -> bool {
        self.status.cells.is_empty() && self.status.covariates.is_empty()
    }

    /// Whether it shows a number.
    pub fn is_number(&self) -> bool {
        !self.status.cells.is_empty()
    }

    /// The terms of a configuration with what each multiplies its coefficient by.
    fn added<'a>(&'a self, reading: &'a Reading, config: usize) -> impl Iterator<Item = (&'a Addend, f64)> {
        self.terms[config].iter().map(|(k, term)| {
            let value = f64::from_bits(reading.covariates[*k]);
            let by = match self.status.covariates[*k].scale {
                Scale::Number => value,
                _ => f64::from(u8::from(value == term.level as f64)),
            };
            (term, by)
        })
    }

    fn shift(&self, reading: &Reading, config: usize, values: &Values) -> f64 {
        self.added(reading, config).map(|(term, by)| by * values.reals[term.coefficient]).sum()
    }

    /// A row of the table as covariates change it.
    fn row(&self, reading: &Reading, config: usize, values: &Values) -> Vec<f64> {
        let mut logs: Vec<f64> = values.rows[self.status.rows[config]].iter().map(|p| p.ln()).collect();
        for (term, by) in self.added(reading, config) {
            logs[term.entry] += by * values.reals[term.coefficient];
        }
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|log| (log - top).exp()).sum();
        logs.iter().map(|log| (log - top).exp() / total).collect()
    }

    /// Whether a value can be shown at a place: a joint rung, of a class.
    pub fn can(&self, reading: &Reading, place: usize, values: &Values) -> bool {
        let config = self.configs[place];
        match self.is_number() {
            true => self.status.cells[config].is_some_and(|cell| cell.takes(f64::from_bits(reading.value), values)),
            false => values.rows[self.status.rows[config]].get(reading.value as usize).is_some_and(|p| *p > 0.0),
        }
    }

    /// ln likelihood of a reading at a place.
    pub fn log(&self, reading: &Reading, place: usize, values: &Values) -> f64 {
        let config = self.configs[place];
        if !self.is_number() {
            return self.row(reading, config, values)[reading.value as usize].ln();
        }
        match self.status.cells[config] {
            Some(cell) => cell.log_density(f64::from_bits(reading.value), self.shift(reading, config, values), values),
            None => f64::NEG_INFINITY,
        }
    }

    /// Adds `mass` times the slopes of [`Shown::log`].
    pub fn gain(&self, reading: &Reading, place: usize, mass: f64, values: &Values, into: &mut Statistics) {
        let config = self.configs[place];
        if let Some(Some(cell)) = self.status.cells.get(config) {
            let shift = self.shift(reading, config, values);
            let by_shift = cell.gain(f64::from_bits(reading.value), shift, mass, values, into);
            for (term, by) in self.added(reading, config) {
                into.reals[term.coefficient] += by * by_shift;
            }
        }
        if self.is_number() {
            return;
        }
        // The slope by an entry's logit is 1{seen} − p(z). Counts whose slope is that: 1{seen} − p(z) + p.
        let number = self.status.rows[config];
        let row = self.row(reading, config, values);
        let left = |k: usize| f64::from(u8::from(k as u64 == reading.value)) - row[k];
        for (k, (count, p)) in into.rows[number].iter_mut().zip(&values.rows[number]).enumerate() {
            *count += mass * (left(k) + p);
        }
        for (term, by) in self.added(reading, config) {
            into.reals[term.coefficient] += mass * by * left(term.entry);
        }
    }
}
