//! Where the search for an outcome's numbers begins, and on what scale: found in a panel's column.

use super::columns::{Columns, StatusColumn};
use super::compile::Panel;
use crate::escalation::check::set_units;
use crate::escalation::law::{Cell, Law};
use crate::escalation::model::{Model, Scale, Status, Variable};
use crate::escalation::parameter::{Parameters, RealPrior, UNSET};
use crate::ground::{Error, Result};
use std::sync::Arc;

/// Sizes of a negative binomial that a search begins from.
const SIZES: (f64, f64) = (0.1, 100.0);

/// The model with numbers of outcomes that were not given taken from the columns: of rows at which the rung is known from
/// those of each rung, of others by dividing the sorted values into as many parts as there are laws.
pub fn started(model: Arc<Model>, columns: &Columns) -> Arc<Model> {
    let mut parameters = model.parameters.clone();
    for column in &columns.statuses {
        let Some(status) = model.statuses.iter().find(|s| s.name == column.status && !s.cells.is_empty()) else {
            continue;
        };
        start(&model, status, column, columns, &mut parameters);
        set_units(status, &mut parameters);
    }
    match parameters == model.parameters {
        true => model,
        false => Arc::new(Model { parameters, ..(*model).clone() }),
    }
}

fn start(model: &Model, status: &Status, column: &StatusColumn, columns: &Columns, parameters: &mut Parameters) {
    let unset = |cell: &Cell| {
        let real = cell.real().is_some_and(|r| parameters.reals[r].words == UNSET);
        real || cell.positives().iter().any(|&p| parameters.positives[p].words == UNSET)
    };
    let shown: Vec<usize> =
        (0..status.cells.len()).filter(|&config| status.cells[config].is_some_and(|cell| unset(&cell))).collect();
    let there: Vec<usize> = (0..column.numbers.len()).filter(|&row| column.numbers[row].is_finite()).collect();
    if shown.is_empty() || there.is_empty() {
        return;
    }
    // The rung of the one ladder that it looks at, where it is known.
    let rung = |row: usize| -> Option<usize> {
        let [Variable::Ladder(ladder)] = status.parents.as_slice() else { return None };
        let rungs = columns.rungs.iter().find(|c| c.ladder == model.ladders[*ladder].name)?;
        usize::try_from(*rungs.codes.get(row)?).ok().filter(|code| *code < status.cells.len())
    };
    let mut of: Vec<Vec<f64>> = vec![vec![]; status.cells.len()];
    let mut hidden = vec![];
    for &row in &there {
        match rung(row) {
            Some(config) => of[config].push(column.numbers[row]),
            None => hidden.push(column.numbers[row]),
        }
    }
    let open: Vec<usize> = shown.iter().copied().filter(|&config| of[config].len() < 2).collect();
    hidden.sort_by(f64::total_cmp);
    if trend(column, columns) < 0.0 {
        hidden.reverse();
    }
    for (k, &config) in open.iter().enumerate() {
        let part = |k: usize| k * hidden.len() / open.len();
        of[config].extend(&hidden[part(k)..part(k + 1)]);
    }
    let all: Vec<f64> = there.iter().map(|&row| column.numbers[row]).collect();
    for &config in &shown {
        let Some(cell) = status.cells[config] else { continue };
        // A number that several configurations share is started from all that they show.
        let shares = |other: &usize| status.cells[*other].is_some_and(|o| *other != config && touches(&o, &cell));
        let mut own = of[config].clone();
        shown.iter().filter(|other| shares(other)).for_each(|&other| own.extend(&of[other]));
        settle(&cell, if own.is_empty() { &all } else { &own }, &of[config], &all, parameters);
    }
}

/// Whether two laws have the same mean.
fn touches(a: &Cell, b: &Cell) -> bool {
    match (a.real(), b.real()) {
        (Some(a), Some(b)) => a == b,
        _ => a.positives().first() == b.positives().first(),
    }
}

/// Takes the numbers of one law that were not given from values.
fn settle(cell: &Cell, shared: &[f64], own: &[f64], all: &[f64], parameters: &mut Parameters) {
    let own = if own.is_empty() { shared } else { own };
    let log = matches!(cell.law, Law::LogNormal { .. });
    let scaled = |values: &[f64]| -> Vec<f64> {
        if log { values.iter().filter(|x| **x > 0.0).map(|x| x.ln()).collect() } else { values.to_vec() }
    };
    let (mean, _) = moments(&scaled(shared));
    let (mut put, mut set) = (vec![], None);
    match cell.law {
        Law::Normal { mean: m, sd } | Law::LogNormal { mean: m, sd } | Law::Student { mean: m, sd, .. } => {
            // Parts of sorted values spread less than what they are parts of.
            let spread = moments(&scaled(own)).1.max(0.5 * moments(&scaled(all)).1);
            set = Some((m, mean));
            put.push((sd, if spread > 0.0 { spread } else { 1.0 }));
        }
        Law::Poisson { mean: m } => put.push((m, mean.max(0.1))),
        Law::NegativeBinomial { mean: m, size } => {
            let (mean, sd) = moments(shared);
            let more = sd * sd - mean;
            let size_of = if more > 0.0 { mean * mean / more } else { SIZES.1 };
            put.push((m, mean.max(0.1)));
            put.push((size, size_of.clamp(SIZES.0, SIZES.1)));
        }
    }
    if let Some((m, mean)) = set
        && parameters.reals[m].words == UNSET
        && parameters.reals[m].prior == RealPrior::Flat
    {
        parameters.reals[m].value = mean;
    }
    for (p, value) in put {
        if parameters.positives[p].words == UNSET {
            parameters.positives[p].value = value;
        }
    }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// Whether values rise or fall as a unit's time goes on.
fn trend(column: &StatusColumn, columns: &Columns) -> f64 {
    let mut last: Vec<Option<f64>> = vec![None; columns.units.len()];
    let mut trend = 0.0;
    for (&x, &unit) in column.numbers.iter().zip(&columns.unit).filter(|(x, _)| x.is_finite()) {
        if let Some(before) = last.get_mut(unit).and_then(|last| last.replace(x)) {
            trend += x - before;
        }
    }
    trend
}

impl Panel {
    /// Standard deviation of each covariate of an indicator over its readings.
    fn reading_spreads(&self, indicator: usize) -> Vec<f64> {
        let readings = self.looks.iter().flat_map(|look| &look.readings);
        let own: Vec<_> = readings.filter(|reading| reading.indicator == indicator).collect();
        let of = |k: usize| moments(&own.iter().map(|r| f64::from_bits(r.covariates[k])).collect::<Vec<f64>>()).1;
        (0..self.shown[indicator].status.covariates.len()).map(of).collect()
    }

    /// A natural step of each real.
    pub(super) fn real_units(&self, model: &Model) -> Vec<f64> {
        let mut units: Vec<f64> = model.parameters.reals.iter().map(|real| real.unit).collect();
        for (indicator, shown) in self.shown.iter().enumerate() {
            let spreads = self.reading_spreads(indicator);
            for (covariate, sd) in shown.status.covariates.iter().zip(spreads) {
                if covariate.scale == Scale::Number && sd > 0.0 {
                    for term in &covariate.terms {
                        units[term.coefficient] = model.parameters.reals[term.coefficient].unit / sd;
                    }
                }
            }
        }
        for (real, sd, is_number) in self.driver_spreads(model) {
            if is_number && sd > 0.0 {
                units[real] = model.parameters.reals[real].unit / sd;
            }
        }
        units
    }

    /// Of each coefficient of a driver its real, how its covariate varies over units that look at it, and whether it is a
    /// number's.
    fn driver_spreads(&self, model: &Model) -> Vec<(usize, f64, bool)> {
        if let Some(classes) = &self.classes {
            return classes.profiles.spreads(model, classes);
        }
        let terms = model.drivers.iter().flat_map(|d| &d.covariates).flat_map(|covariate| &covariate.terms);
        terms.map(|term| (term.coefficient, 0.0, true)).collect()
    }

    /// Refuses a flat coefficient of a covariate that is the same wherever its indicator is seen, or in all units whose
    /// driver it acts on.
    pub(super) fn refuse_constant_coefficients(&self, model: &Model) -> Result<()> {
        for (indicator, shown) in self.shown.iter().enumerate() {
            for (covariate, sd) in shown.status.covariates.iter().zip(self.reading_spreads(indicator)) {
                for term in covariate.terms.iter().filter(|_| sd == 0.0) {
                    let real = &model.parameters.reals[term.coefficient];
                    if real.prior == RealPrior::Flat {
                        let message = format!(
                            "the panel says nothing about '{}', whose prior is flat: covariate '{}' does not vary where \
                             '{}' is seen; give it a value or a prior, or leave it out",
                            real.name, covariate.name, shown.status.name
                        );
                        return Err(Error::Unidentified { parameter: real.name.clone(), message });
                    }
                }
            }
        }
        for (coefficient, sd, _) in self.driver_spreads(model) {
            let real = &model.parameters.reals[coefficient];
            if sd == 0.0 && real.prior == RealPrior::Flat {
                let message = format!(
                    "the panel says nothing about '{}', whose prior is flat: its covariate does not vary over units, or \
                     nothing in the panel looks at its driver; give it a value or a prior, or leave it out",
                    real.name
                );
                return Err(Error::Unidentified { parameter: real.name.clone(), message });
            }
        }
        Ok(())
    }
}
