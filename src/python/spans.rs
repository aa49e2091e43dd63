//! What a fit tells of spans: when a condition first holds, how often something happens.

use super::errors::raise;
use super::files::parse;
use super::fit::{Fit, check_level};
use super::model::questions;
use super::run::run;
use crate::escalation::condition::Condition;
use crate::escalation::passage;
use crate::escalation::question::{Atom, Count};
use crate::escalation::spec::ConditionSpec;
use crate::escalation::summary::Draws;
use crate::ground::time::Clock;
use crate::ground::{Error, Result};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Mean, low, high and mode of some numbers, as arrays.
pub fn summed<'py>(py: Python<'py>, draws: &Draws, level: f64) -> PyResult<Bound<'py, PyDict>> {
    let summary = draws.summary(level);
    let dict = PyDict::new(py);
    dict.set_item("mean", summary.mean.into_pyarray(py))?;
    dict.set_item("low", summary.low.into_pyarray(py))?;
    dict.set_item("high", summary.high.into_pyarray(py))?;
    dict.set_item("mode", draws.mode.clone().into_pyarray(py))?;
    Ok(dict)
}

impl Fit {
    /// A condition in JSON.
    fn condition(&self, py: Python<'_>, text: &str) -> PyResult<Condition> {
        let spec: ConditionSpec = parse(py, "the condition", text)?;
        Condition::compile(&spec, &self.fitted.model).map_err(|error| raise(py, error))
    }

    /// When a condition first holds; dates are days that end at 24:00, ascending.
    pub fn told_passage<'py>(
        &self,
        py: Python<'py>,
        condition_json: &str,
        dates: &[String],
        quantiles: &[f64],
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        check_level(py, level)?;
        let when = self.condition(py, condition_json)?;
        let times = self.ahead(dates).map_err(|error| raise(py, error))?;
        let found = run(py, progress, |control| self.fitted.passage(&when, &times, quantiles, control))?;
        let dict = PyDict::new(py);
        dict.set_item("reached", summed(py, &found.reached, level)?)?;
        dict.set_item("by", summed(py, &found.by, level)?)?;
        dict.set_item("ever", summed(py, &found.ever, level)?)?;
        dict.set_item("quantiles", summed(py, &found.quantiles, level)?)?;
        dict.set_item("together", found.together.map(|own| own.to_vec().into_pyarray(py)).to_vec())?;
        dict.set_item("quantiles_together", found.quantiles_together.into_pyarray(py))?;
        dict.set_item("now", self.fitted.dossier().as_of)?;
        dict.set_item("tolerance", passage::TOLERANCE)?;
        Ok(dict)
    }

    /// The ends of days from now on, ascending.
    fn ahead(&self, dates: &[String]) -> Result<Vec<f64>> {
        let (clock, now) = (Clock::new(&self.fitted.model.origin)?, self.fitted.dossier().as_of);
        let refuse = |message: String| Err(Error::spec("dates", "passage", message));
        let mut times = vec![];
        for date in dates {
            let time = clock.day_end(date)?;
            if times.last().is_some_and(|last| *last >= time) || time < now {
                return refuse(format!(
                    "{date} is given; expected dates from now, {}, on, ascending",
                    clock.date_of(now)
                ));
            }
            times.push(time);
        }
        match times.last() {
            Some(last) if *last > now => Ok(times),
            _ => refuse(format!("expected a date after now, {}", clock.date_of(now))),
        }
    }

    /// The time in a condition: the atom of a question of `reach`, whose span counts.
    pub fn told_spent<'py>(
        &self,
        py: Python<'py>,
        question_json: &str,
        quantiles: &[f64],
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        check_level(py, level)?;
        let asked = questions(py, &self.fitted.model, question_json, self.fitted.dossier().as_of)?;
        let Some(Atom::Reach { when, since, by }) = asked.first().and_then(|question| question.atoms.first()) else {
            return Err(raise(py, Error::spec("ask", "time_law", "a question of `reach` is expected")));
        };
        let found = run(py, progress, |control| self.fitted.spent(when, (*since, *by), quantiles, control))?;
        let dict = PyDict::new(py);
        dict.set_item("days", found.nodes.into_pyarray(py))?;
        dict.set_item("beyond", summed(py, &found.beyond, level)?)?;
        dict.set_item("errors", found.errors.into_pyarray(py))?;
        dict.set_item("moments", summed(py, &found.moments, level)?)?;
        dict.set_item("quantiles", summed(py, &found.quantiles, level)?)?;
        dict.set_item("quantiles_together", found.together.into_pyarray(py))?;
        dict.set_item("exact", found.exact)?;
        Ok(dict)
    }

    /// How often something happens: the atom of a question of `enters` or `moves`, whose `times` is where counting ends.
    pub fn told_counts<'py>(
        &self,
        py: Python<'py>,
        question_json: &str,
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        check_level(py, level)?;
        let asked = questions(py, &self.fitted.model, question_json, self.fitted.dossier().as_of)?;
        let atom = asked.first().and_then(|question| question.atoms.first());
        let Some(Atom::Happens { what, count: Count::UpTo(most), since, by }) = atom else {
            return Err(raise(py, Error::spec("ask", "counts", "a question of `enters` or `moves` is expected")));
        };
        let found = run(py, progress, |control| self.fitted.counts(what, (*since, *by), *most, control))?;
        let dict = PyDict::new(py);
        dict.set_item("moments", summed(py, &found.part(0, 2), level)?)?;
        dict.set_item("law", summed(py, &found.part(2, most + 1), level)?)?;
        dict.set_item("span", by - since)?;
        Ok(dict)
    }
}
