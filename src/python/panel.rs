//! `PanelFit`: a panel's table in, what was learnt and its answers out.

use super::errors::raise;
use super::files::{json, parse};
use super::fit::{profiles, sampled};
use super::model::Model;
use super::run::run;
use crate::escalation::model::Model as Kernel;
use crate::escalation::panel::ask::{Ask, Told};
use crate::escalation::panel::columns::{Columns, CovariateColumn, DriverColumn, RungColumn, StatusColumn};
use crate::escalation::panel::fit::Kept;
use crate::escalation::panel::given::Named;
use crate::escalation::panel::{PanelFit as Fitted, paths};
use crate::escalation::sample::Settings;
use crate::ground::{Error, limits};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Deserialize;
use std::sync::Arc;

/// What is not an array of a panel, as JSON.
#[derive(Deserialize)]
struct Frame {
    units: Vec<String>,
    tick: f64,
    /// (ladder, sets of rungs).
    rungs: Vec<(String, Vec<Vec<usize>>)>,
    statuses: Vec<String>,
    /// Status indicators whose columns are numbers.
    numbers: Vec<String>,
    covariates: Vec<String>,
    entered: Vec<(String, Vec<usize>)>,
    #[serde(default)]
    drivers: Vec<String>,
    /// Time is in days since the model's origin.
    #[serde(default)]
    dated: bool,
    /// Leave out rows that lack a covariate.
    #[serde(default)]
    drop: bool,
    /// Each unit's likelihood by itself is wanted.
    #[serde(default)]
    each: bool,
}

type Integers<'py> = Bound<'py, PyArray1<i64>>;
/// Units, times and joint rungs; the class of each unit.
type Paths<'py> = (Integers<'py>, Bound<'py, PyArray1<f64>>, Integers<'py>, Integers<'py>);
type Floats<'py> = PyReadonlyArray1<'py, f64>;
type Codes<'py> = PyReadonlyArray1<'py, i64>;

/// What a panel taught a model.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct PanelFit {
    fitted: Fitted,
}

#[pyfunction]
#[pyo3(signature = (model, frame_json, unit, time, weights, rungs, statuses, numbers, covariates, drivers, moved, starts=0, seed=0, kept_json=None, sample_json=None, progress=None))]
#[allow(clippy::too_many_arguments)]
fn fit_panel(
    py: Python<'_>,
    model: &Model,
    frame_json: &str,
    unit: Codes<'_>,
    time: Floats<'_>,
    weights: Floats<'_>,
    rungs: Vec<Codes<'_>>,
    statuses: Vec<Codes<'_>>,
    numbers: Vec<Floats<'_>>,
    covariates: Vec<Floats<'_>>,
    drivers: Vec<Codes<'_>>,
    moved: Vec<bool>,
    starts: usize,
    seed: u64,
    kept_json: Option<&str>,
    sample_json: Option<&str>,
    progress: Option<Py<PyAny>>,
) -> PyResult<PanelFit> {
    let frame: Frame = parse(py, "the panel", frame_json)?;
    let columns = Columns {
        units: frame.units,
        unit: unit.as_array().iter().map(|u| usize::try_from(*u).unwrap_or(0)).collect(),
        time: time.as_array().to_vec(),
        tick: frame.tick,
        weights: weights.as_array().to_vec(),
        rungs: frame
            .rungs
            .into_iter()
            .zip(&rungs)
            .map(|((ladder, sets), codes)| RungColumn { ladder, codes: codes.as_array().to_vec(), sets })
            .collect(),
        statuses: frame
            .statuses
            .into_iter()
            .zip(&statuses)
            .map(|(status, codes)| StatusColumn { status, codes: codes.as_array().to_vec(), numbers: vec![] })
            .chain(frame.numbers.into_iter().zip(&numbers).map(|(status, numbers)| StatusColumn {
                status,
                codes: vec![],
                numbers: numbers.as_array().to_vec(),
            }))
            .collect(),
        covariates: frame
            .covariates
            .into_iter()
            .zip(&covariates)
            .map(|(name, values)| CovariateColumn { name, values: values.as_array().to_vec() })
            .collect(),
        drivers: frame
            .drivers
            .into_iter()
            .zip(&drivers)
            .map(|(driver, codes)| DriverColumn { driver, codes: codes.as_array().to_vec() })
            .collect(),
        entered: frame.entered,
        dated: frame.dated,
        drop: frame.drop,
        each: frame.each,
        moved,
    };
    let kernel: Arc<Kernel> = model.kernel.clone();
    let kept: Option<Kept> = kept_json.map(|text| parse(py, "the fit", text)).transpose()?;
    let settings: Option<Settings> = sample_json.map(|text| parse(py, "the sample", text)).transpose()?;
    let fitted = run(py, progress, move |control| match (kept, settings) {
        (Some(kept), _) => Fitted::restore(kernel, &columns, kept),
        (None, Some(settings)) => Fitted::sample(kernel, &columns, &settings, control),
        (None, None) => Fitted::learn(kernel, &columns, starts, seed, control),
    })?;
    Ok(PanelFit { fitted })
}

fn integers<'py>(py: Python<'py>, values: &[usize]) -> Integers<'py> {
    values.iter().map(|&x| x as i64).collect::<Vec<_>>().into_pyarray(py)
}

fn told<'py>(py: Python<'py>, told: Told) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("estimate", told.estimate.into_pyarray(py))?;
    dict.set_item("error", told.error.into_pyarray(py))?;
    dict.set_item("low", told.low.into_pyarray(py))?;
    dict.set_item("high", told.high.into_pyarray(py))?;
    Ok(dict)
}

/// A question about a fitted panel, as JSON; designs are covariate values, with the time they hold at.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    Intensities((Vec<f64>, f64)),
    Numbers,
    /// From a time on: covariate values, and for how long.
    Transition(f64, Vec<(Vec<f64>, f64)>),
    Sojourn((Vec<f64>, f64)),
    Next((Vec<f64>, f64)),
    Passage((Vec<f64>, f64), Vec<bool>),
    Law((Vec<f64>, f64), Vec<bool>, Vec<f64>),
    Quantiles((Vec<f64>, f64), Vec<bool>, Vec<f64>),
    Spent((Vec<f64>, f64), Option<f64>),
    Prevalence(Vec<f64>),
}

impl PanelFit {
    fn asked(&self, asked: &Asked, given: &[Named]) -> Result<Ask, Error> {
        let fit = &self.fitted;
        let design = |d: &[usize], (values, time): &(Vec<f64>, f64)| fit.design(d, values, *time);
        let like = |values: &[f64]| (given, fit.profile(values));
        match asked {
            Asked::Numbers => Ok(Ask::Numbers),
            Asked::Prevalence(times) => Ok(Ask::Prevalence { times: times.clone() }),
            Asked::Intensities(at) => {
                fit.for_classes("intensities", like(&at.0), false, |d| Ask::Intensities { design: design(d, at) })
            }
            Asked::Sojourn(at) => {
                fit.for_classes("sojourn", like(&at.0), false, |d| Ask::Sojourn { design: design(d, at) })
            }
            Asked::Next(at) => {
                fit.for_classes("next rung", like(&at.0), false, |d| Ask::Next { design: design(d, at) })
            }
            Asked::Transition(start, history) => {
                // As of a unit of a panel, the first values are those that the drivers' tables see.
                let first = history.first().map_or(&[][..], |(values, _)| values);
                fit.for_classes("transition", like(first), true, |d| Ask::Transition {
                    stretches: fit.stretches(d, *start, history),
                })
            }
            Asked::Passage(at, target) => fit.for_classes("first passage", like(&at.0), true, |d| Ask::Passage {
                design: design(d, at),
                target: target.clone(),
            }),
            Asked::Law(at, target, times) => fit.for_classes("first passage", like(&at.0), true, |d| Ask::PassageLaw {
                design: design(d, at),
                target: target.clone(),
                times: times.clone(),
            }),
            Asked::Quantiles(at, target, shares) => {
                fit.passage_quantiles(like(&at.0), target.clone(), shares.clone(), |d| design(d, at))
            }
            Asked::Spent(at, until) => fit.for_classes("time in rungs", like(&at.0), true, |d| Ask::Spent {
                design: design(d, at),
                until: until.unwrap_or(f64::INFINITY),
            }),
        }
    }
}

#[pymethods]
impl PanelFit {
    #[getter]
    fn log_likelihood(&self) -> f64 {
        self.fitted.log_likelihood
    }

    #[getter]
    fn log_prior(&self) -> f64 {
        self.fitted.log_prior
    }

    /// Norm of the gradient at the top, in standard errors.
    #[getter]
    fn gradient_norm(&self) -> f64 {
        self.fitted.gradient_norm
    }

    #[getter]
    fn converged(&self) -> bool {
        self.fitted.converged
    }

    #[getter]
    fn iterations(&self) -> u64 {
        self.fitted.iterations
    }

    #[getter]
    fn evaluations(&self) -> u64 {
        self.fitted.evaluations
    }

    /// The log-posterior reached from each start.
    #[getter]
    fn starts(&self) -> Vec<f64> {
        self.fitted.starts.clone()
    }

    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.fitted.warnings.clone()
    }

    #[getter]
    fn theta<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.fitted.theta.clone().into_pyarray(py)
    }

    /// Standard errors of θ.
    fn errors<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.fitted.errors().into_pyarray(py)
    }

    /// Covariance of θ, flat, row by row.
    fn covariance<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.fitted.covariance.clone().into_pyarray(py)
    }

    /// Names of the covariates that answers need, with their levels; empty for a number.
    fn covariates(&self) -> Vec<(String, Vec<String>)> {
        self.fitted.panel.structure.covariates.iter().map(|c| (c.name.clone(), c.levels.clone())).collect()
    }

    /// What the joint rungs are called.
    fn rungs(&self) -> Vec<String> {
        let structure = &self.fitted.panel.structure;
        (0..structure.n_rungs).map(|rung| structure.words(&self.fitted.model, structure.entry(rung))).collect()
    }

    /// The ladder's rung at each joint rung.
    fn ladder_rungs(&self, ladder: &str) -> Vec<usize> {
        let structure = &self.fitted.panel.structure;
        let place = structure.ladders.iter().position(|&l| self.fitted.model.ladders[l].name == ladder);
        let rung =
            |place: usize| (0..structure.n_rungs).map(|rung| structure.rung(structure.entry(rung), place)).collect();
        place.map_or_else(Vec::new, rung)
    }

    /// The arcs out of rungs as (from, to) of joint rungs.
    fn arcs(&self) -> Vec<(usize, usize)> {
        let structure = &self.fitted.panel.structure;
        let ends = |a: usize| (structure.joint[structure.arcs[a].from], structure.joint[structure.arcs[a].to]);
        structure.exits().into_iter().map(ends).collect()
    }

    /// Positives as (name, kind, free), then table entries as (name, "table", free), then reals as the positives.
    fn numbers(&self) -> Vec<(String, &'static str, bool)> {
        use crate::escalation::parameter::{Kind, Prior, RealPrior, RowPrior};
        let parameters = &self.fitted.model.parameters;
        let positives = parameters.positives.iter().map(|p| {
            let kind = if p.kind == Kind::Factor { "ratio" } else { p.kind.word() };
            (p.name.clone(), kind, p.prior != Prior::Fixed)
        });
        let rows = parameters.rows.iter().flat_map(|row| {
            let free = row.prior != RowPrior::Fixed;
            row.states.iter().map(move |state| (format!("{}: {state}", row.name), "table", free))
        });
        let reals = parameters.reals.iter().map(|r| (r.name.clone(), r.kind.word(), r.prior != RealPrior::Fixed));
        positives.chain(rows).chain(reals).collect()
    }

    /// What was used and what was not.
    fn used<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let used = &self.fitted.panel.used;
        let dict = PyDict::new(py);
        dict.set_item("units", used.units)?;
        dict.set_item("rows", used.rows)?;
        dict.set_item("intervals", used.intervals)?;
        dict.set_item("single", used.single)?;
        dict.set_item("empty", used.empty)?;
        dict.set_item("censored", used.censored)?;
        dict.set_item("entries", used.entries)?;
        dict.set_item("dropped", used.dropped)?;
        dict.set_item("groups", used.groups)?;
        dict.set_item("chains", used.chains)?;
        dict.set_item("table", used.table.clone().into_pyarray(py))?;
        Ok(dict)
    }

    /// First and last time.
    fn span(&self) -> (f64, f64) {
        self.fitted.panel.span
    }

    /// estimate, error, low and high of what is asked, flat.
    #[pyo3(signature = (ask_json, given=vec![], level=0.95, draws=0, seed=0, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn ask<'py>(
        &self,
        py: Python<'py>,
        ask_json: &str,
        given: Vec<Named>,
        level: f64,
        draws: usize,
        seed: u64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let asked: Asked = parse(py, "the question", ask_json)?;
        let ask = self.asked(&asked, &given).map_err(|error| raise(py, error))?;
        let answer = run(py, progress, |control| self.fitted.ask(&ask, level, draws, seed, control))?;
        told(py, answer)
    }

    /// Profiles of numbers by name (none: all free ones); intensities per unit of the clock.
    #[pyo3(signature = (names, level=0.95, steps=1, progress=None))]
    fn profile<'py>(
        &self,
        py: Python<'py>,
        names: Vec<String>,
        level: f64,
        steps: usize,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let found = run(py, progress, |control| self.fitted.profiles(&names, level, steps, control))?;
        profiles(py, found)
    }

    /// times × joint rungs: how many units were where by their last sight.
    fn observed<'py>(&self, py: Python<'py>, times: Floats<'_>) -> Bound<'py, PyArray1<f64>> {
        self.fitted.observed(&times.as_array().to_vec()).into_pyarray(py)
    }

    /// Each row's law of the joint rung given all of its unit's rows, flat; rows by unit.
    fn smoothed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let laws = run(py, None, |control| paths::smoothed(&self.fitted, control))?;
        Ok(laws.into_pyarray(py))
    }

    /// Of each unit the class, and the joint rung at its rows, on its likeliest path; rows by unit.
    fn likeliest<'py>(&self, py: Python<'py>) -> PyResult<(Integers<'py>, Integers<'py>)> {
        let (classes, states) = run(py, None, |control| paths::likeliest(&self.fitted, control))?;
        Ok((integers(py, &classes), integers(py, &states)))
    }

    /// The drivers that units have, with the states of each class.
    fn classes(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let (panel, model) = (&self.fitted.panel, &self.fitted.model);
        let Some(classes) = &panel.classes else { return (vec![], vec![]) };
        let names = classes.drivers.iter().map(|&d| model.drivers[d].name.clone()).collect();
        let states = |config: &Vec<usize>| {
            classes.drivers.iter().map(|&d| model.drivers[d].states[config[d]].clone()).collect::<Vec<_>>()
        };
        (names, classes.configs.iter().map(states).collect())
    }

    /// P(state) of each driver of the model, one after the other, by unit, flat.
    fn drivers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let laws = run(py, None, |control| self.fitted.drivers(control))?;
        Ok(laws.concat().into_pyarray(py))
    }

    /// The table's rows that were used, by unit.
    fn rows<'py>(&self, py: Python<'py>) -> Integers<'py> {
        let panel = &self.fitted.panel;
        let rows: Vec<usize> =
            (0..panel.units.len()).flat_map(|unit| panel.rows_of(unit).iter().map(|row| row.row)).collect();
        integers(py, &rows)
    }

    /// Simulated units.
    #[allow(clippy::too_many_arguments)]
    fn simulate<'py>(
        &self,
        py: Python<'py>,
        covariates: Vec<f64>,
        given: Vec<Named>,
        start: usize,
        until: f64,
        n: usize,
        seed: u64,
    ) -> PyResult<Paths<'py>> {
        if start >= self.fitted.panel.structure.n_rungs || !until.is_finite() {
            return Err(raise(py, Error::spec("simulate", "simulate", "the rung or the time is none")));
        }
        let given = self.fitted.given(&given).map_err(|error| raise(py, error))?;
        let like = paths::Like { covariates: &covariates, given: &given, from: start };
        let made = run(py, None, |control| paths::simulate(&self.fitted, &like, until, n, seed, control))?;
        let classes = integers(py, &made.classes);
        Ok((made.units.into_pyarray(py), made.times.into_pyarray(py), made.rungs.into_pyarray(py), classes))
    }

    /// ln L of each unit at draws of θ (of a fit, draws of Laplace's normal), or at the estimate alone where none are wanted;
    /// shape (draws, units). The fit was made again for each unit by itself.
    #[pyo3(signature = (n, seed=0, progress=None))]
    fn unit_logs<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        seed: u64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let thetas = match (n, &self.fitted.sampled) {
            (0, _) => vec![self.fitted.theta.clone()],
            (_, Some(sampled)) => sampled.theta.clone(),
            (n, None) => self.fitted.draws(n, seed),
        };
        let (rows, units, limit) = (thetas.len(), self.fitted.panel.units.len(), limits::memory());
        let bytes = 24.0 * rows as f64 * units as f64;
        if bytes > limit {
            let message =
                format!("{rows} draws of {units} units would take {bytes:.3e} bytes; {limit:.3e} are allowed");
            return Err(raise(py, Error::TooLarge { bytes, limit, message }));
        }
        let flat = run(py, progress, |control| self.fitted.unit_logs(&thetas, control))?;
        flat.into_pyarray(py).reshape([thetas.len(), self.fitted.panel.units.len()])
    }

    /// What was learnt, as JSON, to be kept with the model and the table.
    fn kept(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &self.fitted.kept())
    }

    /// What the sampler kept, by name; nothing for a fit. Intensities per day.
    fn sampled<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let kept = self.fitted.sampled.as_ref();
        kept.map(|kept| sampled(py, kept, &self.fitted.model.parameters)).transpose()
    }

    /// The same with at least n of the draws, evenly spaced.
    fn thin(&self, n: usize) -> PanelFit {
        PanelFit { fitted: self.fitted.thin(n) }
    }

    /// Names of the coordinates of θ.
    fn names(&self) -> Vec<String> {
        self.fitted.model.parameters.coordinates()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PanelFit>()?;
    module.add_function(wrap_pyfunction!(fit_panel, module)?)
}
