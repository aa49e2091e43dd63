//! What units' covariates make of the drivers' tables: profiles of units, laws of classes, and what counts say of coefficients.
//!
//! A driver's row p becomes p_k exp(β_k z) over its sum, a multinomial logit (as in latent class regression: Bandeen-Roche,
//! Miglioretti, Zeger and Rathouz 1997, JASA 92). z is that of the unit's first row; units with the same are of one profile.

use super::classes::Classes;
use super::columns::Columns;
use super::compile::wrong;
use super::structure::Structure;
use crate::bayes::{Factor, Network};
use crate::escalation::model::{Driver, Model, Scale, StatusCovariate};
use crate::escalation::parameter::RowPrior;
use crate::escalation::theta::{Statistics, Values};
use crate::ground::{Error, Result, limits};
use std::collections::HashMap;

/// A coefficient of a driver's row: the column that it is multiplied with, the entry that it acts on, and its number.
type Term = (usize, usize, usize);

/// Covariates of drivers: of each unit which values of theirs it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profiles {
    /// The structure's covariate, and the level at which it is 1 (none: its number).
    columns: Vec<(usize, Option<usize>)>,
    /// By driver, then configuration of its parents.
    terms: Vec<Vec<Vec<Term>>>,
    /// Columns of each profile; one without columns where no driver has a covariate.
    pub distinct: Vec<Vec<f64>>,
    /// The profile of each unit.
    pub of: Vec<usize>,
    /// The mean of each column over units.
    mean: Vec<f64>,
}

impl Profiles {
    /// Of a panel's units.
    ///
    /// # Errors
    /// `Spec` where a covariate has no column, or a unit's first row lacks it.
    pub fn new(model: &Model, columns: &Columns, structure: &Structure) -> Result<Self> {
        let mut made = Profiles { of: vec![0; columns.units.len()], ..Profiles::default() };
        for driver in &model.drivers {
            let mut terms = vec![vec![]; driver.rows.len()];
            for covariate in &driver.covariates {
                made.add(covariate, structure, &mut terms);
            }
            made.terms.push(terms);
        }
        if made.columns.is_empty() {
            made.distinct.push(vec![]);
            return Ok(made);
        }
        let mut first = vec![None; columns.units.len()];
        columns.unit.iter().enumerate().for_each(|(row, &unit)| first[unit] = first[unit].or(Some(row)));
        let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
        made.mean = vec![0.0; made.columns.len()];
        for (unit, row) in first.iter().enumerate() {
            let Some(row) = *row else { continue };
            let own = made.of_values(&made.values(model, columns, structure, row)?);
            made.mean.iter_mut().zip(&own).for_each(|(mean, x)| *mean += x / columns.units.len() as f64);
            let next = made.distinct.len();
            made.of[unit] = *known.entry(own.iter().map(|x| x.to_bits()).collect()).or_insert(next);
            if made.of[unit] == next {
                made.distinct.push(own);
            }
        }
        Ok(made)
    }

    fn add(&mut self, covariate: &StatusCovariate, structure: &Structure, terms: &mut [Vec<Term>]) {
        let place = structure.covariates.iter().position(|c| c.name == covariate.name).unwrap_or(0);
        for term in &covariate.terms {
            let column = (place, if covariate.scale == Scale::Number { None } else { Some(term.level) });
            let number = self.columns.iter().position(|c| *c == column).unwrap_or(self.columns.len());
            if number == self.columns.len() {
                self.columns.push(column);
            }
            terms[term.config].push((number, term.entry, term.coefficient));
        }
    }

    /// The structure's covariates at a row; what no driver looks at may be missing.
    fn values(&self, model: &Model, columns: &Columns, structure: &Structure, row: usize) -> Result<Vec<f64>> {
        let one = |(place, given): (usize, &super::structure::Given)| {
            if self.columns.iter().all(|(covariate, _)| *covariate != place) {
                return Ok(f64::NAN);
            }
            let Some(column) = columns.covariates.iter().find(|c| c.name == given.name) else {
                let message = format!("it has no column for covariate '{}'; expected one in `covariates`", given.name);
                return Err(Error::spec("panel", "the panel", message));
            };
            let value = column.values.get(row).copied().unwrap_or(f64::NAN);
            if value.is_finite() {
                return Ok(value);
            }
            let owner = model.drivers.iter().find(|d| d.covariates.iter().any(|c| c.name == given.name));
            let message = format!(
                "covariate '{}' of driver '{}' is {value}; expected a finite number or a level in the unit's first row",
                given.name,
                owner.map_or("", |driver| &driver.name)
            );
            Err(wrong(columns, row, message))
        };
        structure.covariates.iter().enumerate().map(one).collect()
    }

    /// The columns of covariate values (the structure's, in order; none: the mean over units).
    pub fn of_values(&self, values: &[f64]) -> Vec<f64> {
        if values.is_empty() {
            return self.mean.clone();
        }
        let one = |(covariate, level): &(usize, Option<usize>)| match level {
            None => values[*covariate],
            Some(level) => f64::from(u8::from(values[*covariate] == *level as f64)),
        };
        self.columns.iter().map(one).collect()
    }

    /// Whether some driver has a covariate.
    pub fn any(&self) -> bool {
        !self.columns.is_empty()
    }

    /// The standard deviation over units of what each coefficient (by the number of its real) is multiplied with, where it
    /// is a covariate's number; 0 where it is the same in all units, or nothing looks at its driver.
    pub(super) fn spreads(&self, model: &Model, classes: &Classes) -> Vec<(usize, f64, bool)> {
        let looked = ancestors(model, &classes.drivers);
        let units = self.of.len().max(1) as f64;
        let sd = |column: usize| {
            let gap = |&p: &usize| (self.distinct[p][column] - self.mean[column]).powi(2);
            let sd = (self.of.iter().map(gap).sum::<f64>() / units).sqrt();
            if sd > 1e-12 * self.mean[column].abs() { sd } else { 0.0 }
        };
        let all = self.terms.iter().enumerate().flat_map(|(d, rows)| rows.iter().flatten().map(move |term| (d, term)));
        let one = |(d, &(column, _, real)): (usize, &Term)| {
            let spread = if looked[d] { sd(column) } else { 0.0 };
            (real, spread, self.columns[column].1.is_none())
        };
        all.map(one).collect()
    }

    /// A driver's row as a profile's columns change it.
    fn row(&self, driver: usize, config: usize, base: &[f64], values: &Values, profile: &[f64]) -> Vec<f64> {
        let terms = self.terms.get(driver).map_or(&[][..], |rows| &rows[config]);
        if terms.is_empty() {
            return base.to_vec();
        }
        let mut logs: Vec<f64> = base.iter().map(|p| p.ln()).collect();
        terms.iter().for_each(|&(column, entry, real)| logs[entry] += profile[column] * values.reals[real]);
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|log| (log - top).exp()).sum();
        logs.iter().map(|log| (log - top).exp() / total).collect()
    }

    /// Each driver's table, its rows one after the other.
    fn tables(&self, model: &Model, values: &Values, profile: &[f64]) -> Vec<Vec<f64>> {
        let one = |(d, driver): (usize, &Driver)| {
            let rows = driver.rows.iter().enumerate();
            rows.flat_map(|(config, &row)| self.row(d, config, &values.rows[row], values, profile)).collect()
        };
        model.drivers.iter().enumerate().map(one).collect()
    }

    /// The drivers' network for units of a profile.
    pub(super) fn network(&self, model: &Model, values: &Values, profile: &[f64]) -> Result<Network> {
        Network::new(
            model.drivers.iter().map(|driver| driver.states.len()).collect(),
            model.drivers.iter().map(|driver| driver.parents.clone()).collect(),
            self.tables(model, values, profile),
        )
    }

    /// P(class) of units of each profile, before any row.
    pub(super) fn laws(&self, classes: &Classes, model: &Model, values: &Values) -> Result<Vec<Vec<f64>>> {
        let law = |profile: &Vec<f64>| match self.any() && is_closed(model, &classes.drivers) {
            true => {
                let tables = self.tables(model, values, profile);
                let class = |config: &Vec<usize>| {
                    classes.drivers.iter().map(|&d| tables[d][cell(model, d, config)]).product::<f64>()
                };
                Ok(classes.configs.iter().map(class).collect())
            }
            false => {
                let network = self.network(model, values, profile)?;
                Ok(network.joint(&[], 0.0, &classes.drivers, limits::memory())?.0.values().to_vec())
            }
        };
        self.distinct.iter().map(law).collect()
    }

    /// Adds the expected counts of the drivers' tables, given how many units are of each profile and class; all else is
    /// summed out.
    pub(super) fn expect(
        &self,
        classes: &Classes,
        model: &Model,
        values: &Values,
        laws: &[Vec<f64>],
        of_class: &[f64],
        statistics: &mut Statistics,
    ) -> Result<()> {
        let n = classes.configs.len();
        for ((profile, law), own) in self.distinct.iter().zip(laws).zip(of_class.chunks_exact(n)) {
            if own.iter().sum::<f64>() == 0.0 {
                continue;
            }
            let counts = match self.any() && is_closed(model, &classes.drivers) {
                true => counted(classes, model, own),
                false => expected(classes, model, &self.network(model, values, profile)?, law, own)?,
            };
            for (d, driver) in model.drivers.iter().enumerate() {
                let size = driver.states.len();
                for (config, (&number, counts)) in driver.rows.iter().zip(counts[d].chunks_exact(size)).enumerate() {
                    self.tell(d, config, number, counts, values, profile, statistics);
                }
            }
        }
        Ok(())
    }

    /// What counts of a row say of it and of its coefficients.
    #[allow(clippy::too_many_arguments)]
    fn tell(
        &self,
        driver: usize,
        config: usize,
        number: usize,
        counts: &[f64],
        values: &Values,
        profile: &[f64],
        into: &mut Statistics,
    ) {
        let terms = &self.terms[driver][config];
        if terms.is_empty() {
            into.rows[number].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            return;
        }
        // The slope by an entry's logit is N_k − N p_k(z). Counts whose slope is that: N_k − N p_k(z) + N p_k.
        let (base, total) = (&values.rows[number], counts.iter().sum::<f64>());
        let row = self.row(driver, config, base, values, profile);
        for (k, sum) in into.rows[number].iter_mut().enumerate() {
            *sum += counts[k] - total * row[k] + total * base[k];
        }
        for &(column, entry, real) in terms {
            into.reals[real] += profile[column] * (counts[entry] - total * row[entry]);
        }
    }
}

/// The place of a class's entry in a driver's table.
fn cell(model: &Model, driver: usize, config: &[usize]) -> usize {
    let own = &model.drivers[driver];
    let row = own.parents.iter().fold(0, |row, &parent| row * model.drivers[parent].states.len() + config[parent]);
    row * own.states.len() + config[driver]
}

/// Whether the parents of these drivers are among them.
fn is_closed(model: &Model, drivers: &[usize]) -> bool {
    drivers.iter().all(|&d| model.drivers[d].parents.iter().all(|parent| drivers.contains(parent)))
}

/// These drivers and all that they depend on.
fn ancestors(model: &Model, drivers: &[usize]) -> Vec<bool> {
    let mut found = vec![false; model.drivers.len()];
    let mut stack = drivers.to_vec();
    while let Some(d) = stack.pop() {
        if !std::mem::replace(&mut found[d], true) {
            stack.extend(&model.drivers[d].parents);
        }
    }
    found
}

/// Counts by driver where a class says all that its drivers depend on.
fn counted(classes: &Classes, model: &Model, of_class: &[f64]) -> Vec<Vec<f64>> {
    let mut counts: Vec<Vec<f64>> = model.drivers.iter().map(|d| vec![0.0; d.rows.len() * d.states.len()]).collect();
    for (config, weight) in classes.configs.iter().zip(of_class) {
        classes.drivers.iter().for_each(|&d| counts[d][cell(model, d, config)] += weight);
    }
    counts
}

/// The same where drivers that nothing looks at are summed out.
fn expected(
    classes: &Classes,
    model: &Model,
    network: &Network,
    law: &[f64],
    of_class: &[f64],
) -> Result<Vec<Vec<f64>>> {
    let total: f64 = of_class.iter().sum();
    let ratio = law.iter().zip(of_class).map(|(p, w)| if *p > 0.0 { w / total / p } else { 0.0 }).collect();
    let seen = [Factor::new(classes.drivers.clone(), classes.sizes.clone(), ratio)?];
    let one = |(number, driver): (usize, &Driver)| -> Result<Vec<f64>> {
        let known = |&row: &usize| model.parameters.rows[row].prior == RowPrior::Fixed;
        if driver.covariates.is_empty() && driver.rows.iter().all(known) {
            return Ok(vec![0.0; driver.rows.len() * driver.states.len()]);
        }
        let family: Vec<usize> = driver.parents.iter().copied().chain([number]).collect();
        let counts = network.joint(&seen, 0.0, &family, limits::memory())?.0;
        Ok(counts.values().iter().map(|count| total * count).collect())
    };
    model.drivers.iter().enumerate().map(one).collect()
}
