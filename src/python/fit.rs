//! `Fit`: a model with what was learnt, its answers as labelled arrays.

use super::errors::raise;
use super::files::{json, parse};
use super::model::{Model, questions};
use super::run::run;
use super::spans::summed;
use super::worlds::Worlds;
use crate::escalation::condition::Condition;
use crate::escalation::diagnose::diagnose;
use crate::escalation::expect::GaveWay;
use crate::escalation::fit::Learnt;
use crate::escalation::fitted::Fitted;
use crate::escalation::parameter::{Kind, Parameters};
use crate::escalation::profile::{Profile, What};
use crate::escalation::provenance::{Learned, readings};
use crate::escalation::sample::Sampled;
use crate::escalation::scenario::Change;
use crate::escalation::source::Source;
use crate::escalation::spec::{ConditionSpec, DevelopmentSpec, DossierSpec, ModelSpec};
use crate::ground::Error;
use crate::ground::time::Clock;
use crate::ground::words::QUARTILE;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;

/// Parameters with a dossier: what answers, forecasts and is varied.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct Fit {
    pub fitted: Fitted,
    pub spec: Arc<ModelSpec>,
}

type Slopes<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>);

fn matrix<'py>(py: Python<'py>, flat: Vec<f64>, columns: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let rows = flat.len().checked_div(columns).unwrap_or(0);
    flat.into_pyarray(py).reshape([rows, columns])
}

impl Fit {
    fn varied(&self, py: Python<'_>, change: Change) -> PyResult<Fit> {
        let fitted = run(py, None, |control| self.fitted.with(change, control))?;
        Ok(Fit { fitted, spec: self.spec.clone() })
    }

    fn times(&self, py: Python<'_>, dates: &[String]) -> PyResult<Vec<f64>> {
        let clock = Clock::new(&self.fitted.model.origin).map_err(|error| raise(py, error))?;
        if dates.is_empty() {
            return Err(raise(py, Error::spec("dates", "dates", "no date is given; at least one is expected")));
        }
        let point = |date: &String| {
            let time = clock.point(date)?;
            match time >= 0.0 {
                true => Ok(time),
                false => {
                    let message = format!("{date} lies before the model's origin, {}", self.fitted.model.origin);
                    Err(Error::spec("dates", "dates", message))
                }
            }
        };
        dates.iter().map(|date| point(date).map_err(|error| raise(py, error))).collect()
    }

    /// Splits `[time][ladder][rung]` into one array a ladder.
    fn by_ladder<'py>(&self, py: Python<'py>, flat: &[f64]) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let sizes: Vec<usize> = self.fitted.model.ladders.iter().map(|ladder| ladder.rungs.len()).collect();
        let width: usize = sizes.iter().sum();
        let mut first = 0;
        for (ladder, &size) in self.fitted.model.ladders.iter().zip(&sizes) {
            let own = flat.chunks_exact(width.max(1)).flat_map(|row| row[first..first + size].to_vec()).collect();
            dict.set_item(&ladder.name, matrix(py, own, size)?)?;
            first += size;
        }
        Ok(dict)
    }
}

/// Profiles as a reader's arrays.
pub fn profiles(py: Python<'_>, found: Vec<Profile>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let told = |profile: Profile| -> PyResult<Bound<'_, PyDict>> {
        let (values, heights): (Vec<f64>, Vec<f64>) = profile.points.into_iter().unzip();
        let dict = PyDict::new(py);
        dict.set_item("name", profile.name)?;
        dict.set_item("kind", kind_word(profile.kind))?;
        dict.set_item("estimate", profile.estimate)?;
        dict.set_item("low", profile.low)?;
        dict.set_item("high", profile.high)?;
        dict.set_item("top", profile.top)?;
        dict.set_item("fall", profile.fall)?;
        dict.set_item("higher", profile.higher)?;
        dict.set_item("value", values.into_pyarray(py))?;
        dict.set_item("height", heights.into_pyarray(py))?;
        Ok(dict)
    };
    found.into_iter().map(told).collect()
}

/// What a sampler kept, as arrays: draws of θ and of every free number (intensities per day), flat and chain after chain,
/// what is to be known of each draw, and the diagnoses of each number.
pub fn sampled<'py>(py: Python<'py>, kept: &Sampled, parameters: &Parameters) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let named = parameters.named();
    let n = kept.theta.len();
    let mut numbers = vec![0.0; n * named.len()];
    for (row, theta) in numbers.chunks_exact_mut(named.len().max(1)).zip(&kept.theta) {
        row.iter_mut().zip(&named).for_each(|(x, one)| *x = one.held.of(theta));
    }
    let columns = (0..named.len()).map(|k| numbers.iter().skip(k).step_by(named.len()).copied().collect::<Vec<f64>>());
    let diagnoses: Vec<_> = columns.map(|column| diagnose(&column, kept.chains)).collect();
    let floats = |x: &[f64]| x.to_vec().into_pyarray(py);
    dict.set_item("chains", kept.chains)?;
    dict.set_item("tune", kept.tune)?;
    dict.set_item("seed", kept.seed)?;
    dict.set_item("names", named.iter().map(|one| one.name.clone()).collect::<Vec<_>>())?;
    dict.set_item("kinds", named.iter().map(|one| kind_word(one.kind)).collect::<Vec<_>>())?;
    dict.set_item("theta", matrix(py, kept.theta.concat(), kept.theta.first().map_or(0, Vec::len))?)?;
    dict.set_item("numbers", matrix(py, numbers, named.len())?)?;
    dict.set_item("r_hat", diagnoses.iter().map(|one| one.r_hat).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("ess_bulk", diagnoses.iter().map(|one| one.ess_bulk).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("ess_tail", diagnoses.iter().map(|one| one.ess_tail).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("mcse_mean", diagnoses.iter().map(|one| one.mcse_mean).collect::<Vec<_>>().into_pyarray(py))?;
    dict.set_item("lp", floats(&kept.log_density))?;
    let log_prior: Vec<f64> = kept.theta.iter().map(|theta| parameters.log_prior(theta).0).collect();
    dict.set_item("log_prior", log_prior.into_pyarray(py))?;
    dict.set_item("diverging", kept.diverging.clone().into_pyarray(py))?;
    dict.set_item("n_steps", kept.steps.clone().into_pyarray(py))?;
    dict.set_item("tree_depth", kept.depth.clone().into_pyarray(py))?;
    dict.set_item("step_size", floats(&kept.step_size))?;
    dict.set_item("acceptance_rate", floats(&kept.accept))?;
    dict.set_item("energy", floats(&kept.energy))?;
    dict.set_item("deep", kept.deep())?;
    Ok(dict)
}

pub fn kind_word(kind: What) -> &'static str {
    match kind {
        What::Positive(Kind::Factor) => "factor",
        What::Positive(kind) if kind.is_rate() => "rate",
        What::Positive(kind) => kind.word(),
        What::Probability => "probability",
        What::Real => "number",
    }
}

/// R-hat, bulk and tail effective sample size, and the standard error of the mean, of draws chain after chain.
#[pyfunction]
#[pyo3(name = "diagnose")]
fn diagnosed(draws: PyReadonlyArray1<'_, f64>, chains: usize) -> (f64, f64, f64, f64) {
    let found = diagnose(&draws.as_array().to_vec(), chains);
    (found.r_hat, found.ess_bulk, found.ess_tail, found.mcse_mean)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Fit>()?;
    module.add_function(wrap_pyfunction!(diagnosed, module)?)
}

/// An interval's level must lie strictly between 0 and 1.
pub fn check_level(py: Python<'_>, level: f64) -> PyResult<()> {
    match level > 0.0 && level < 1.0 {
        true => Ok(()),
        false => {
            let message = format!("{level} is given; a number between 0 and 1 is expected, such as 0.9");
            Err(raise(py, Error::spec("level", "level", message)))
        }
    }
}

#[pymethods]
impl Fit {
    /// Log-evidence of the dossier as it now is, at the mode.
    #[getter]
    fn log_evidence(&self) -> f64 {
        self.fitted.log_evidence()
    }

    #[getter]
    fn log_prior(&self) -> f64 {
        self.fitted.learnt.log_prior
    }

    /// Norm of the gradient at the mode, in standard errors; NaN where nothing was learnt.
    #[getter]
    fn gradient_norm(&self) -> f64 {
        self.fitted.learnt.gradient_norm
    }

    #[getter]
    fn iterations(&self) -> u64 {
        self.fitted.learnt.iterations
    }

    #[getter]
    fn n_draws(&self) -> usize {
        self.fitted.source.len()
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.fitted.source.seed()
    }

    #[getter]
    fn theta<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.fitted.learnt.theta.clone().into_pyarray(py)
    }

    #[getter]
    fn as_of(&self) -> &str {
        &self.fitted.spec.as_of
    }

    /// Ids of developments reported after `as_of`.
    #[getter]
    fn left_out(&self) -> Vec<String> {
        self.fitted.dossier().left_out.clone()
    }

    /// Draws of θ, shape (n_draws, coordinates).
    fn draws<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        matrix(py, self.fitted.draws().concat(), self.fitted.learnt.theta.len())
    }

    /// What the sampler kept, by name; nothing for draws of Laplace's normal.
    fn sampled<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        match &self.fitted.source {
            Source::Nuts(kept) => Ok(Some(sampled(py, kept, &self.fitted.model.parameters)?)),
            Source::Laplace { .. } => Ok(None),
        }
    }

    /// The same with at least n of the draws, evenly spaced.
    fn thin(&self, n: usize) -> Fit {
        Fit { fitted: self.fitted.thin(n), spec: self.spec.clone() }
    }

    /// The same without its draws: answers and forecasts at the mode alone.
    fn at_mode(&self) -> Fit {
        Fit { fitted: self.fitted.at_mode(), spec: self.spec.clone() }
    }

    /// Names of the coordinates of θ.
    fn coordinates(&self) -> Vec<String> {
        self.fitted.model.parameters.coordinates()
    }

    /// The dossier's tree as JSON.
    fn dossier(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &self.fitted.spec)
    }

    /// What `given`, `do` and `without` changed, as JSON.
    fn scenario(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &self.fitted.changes)
    }

    /// Every number before and after, as JSON.
    fn parameters(&self, py: Python<'_>) -> PyResult<String> {
        let learnt = &self.fitted.learnt;
        let spread = self.fitted.source.spread(learnt);
        let learned = Learned { theta: &learnt.theta, draws: self.fitted.draws(), spread, level: 0.9 };
        json(py, &readings(&self.fitted.model.parameters, Some(&learned)))
    }

    /// Profiles of numbers by name (none: all); intensities per day.
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

    /// Probabilities of questions: name, probability, low, high, mode.
    #[pyo3(signature = (questions_json, level=0.9, progress=None))]
    fn ask<'py>(
        &self,
        py: Python<'py>,
        questions_json: &str,
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        check_level(py, level)?;
        let asked = questions(py, &self.fitted.model, questions_json, self.fitted.dossier().as_of)?;
        let draws = run(py, progress, |control| self.fitted.ask(&asked, control))?;
        let summary = draws.summary(level);
        let dict = PyDict::new(py);
        dict.set_item("name", asked.iter().map(|question| question.name.clone()).collect::<Vec<_>>())?;
        dict.set_item("probability", summary.mean.into_pyarray(py))?;
        dict.set_item("low", summary.low.into_pyarray(py))?;
        dict.set_item("high", summary.high.into_pyarray(py))?;
        dict.set_item("mode", draws.mode.into_pyarray(py))?;
        dict.set_item("draws", summary.draws)?;
        Ok(dict)
    }

    /// Probabilities of questions at every draw, shape (n_draws, questions).
    fn ask_draws<'py>(&self, py: Python<'py>, questions_json: &str) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let asked = questions(py, &self.fitted.model, questions_json, self.fitted.dossier().as_of)?;
        let draws = run(py, None, |control| self.fitted.ask(&asked, control))?;
        matrix(py, draws.draws.concat(), asked.len())
    }

    /// How far each judgement about an answer gave way, as JSON: name, words, known, source, judged (a middle and the central
    /// half), answer, others, gave_way, conflict.
    fn expectations(&self, py: Python<'_>) -> PyResult<String> {
        let told = run(py, None, |control| self.fitted.gave_way(control))?;
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        let one = |way: &GaveWay| {
            let own = &self.fitted.model.expectations[way.number];
            let half = QUARTILE * own.sd;
            serde_json::json!({
                "name": own.question.name, "words": own.words, "known": own.provenance.known,
                "source": own.provenance.source,
                "judged": [logistic(own.mean), logistic(own.mean - half), logistic(own.mean + half)],
                "answer": way.probability, "others": way.others, "others_sd": way.others_sd,
                "gave_way": way.gave_way, "conflict": way.conflict,
            })
        };
        json(py, &told.iter().map(one).collect::<Vec<_>>())
    }

    /// Probabilities at the mode, and their slopes in θ, shape (questions, coordinates).
    fn slopes<'py>(&self, py: Python<'py>, questions_json: &str) -> PyResult<Slopes<'py>> {
        let asked = questions(py, &self.fitted.model, questions_json, self.fitted.dossier().as_of)?;
        let told = run(py, None, |control| self.fitted.slopes(&asked, control))?;
        let width = self.fitted.learnt.theta.len();
        let probabilities: Vec<f64> = told.iter().map(|slope| slope.probability).collect();
        let gradients: Vec<f64> = told.into_iter().flat_map(|slope| slope.gradient).collect();
        Ok((probabilities.into_pyarray(py), matrix(py, gradients, width)?))
    }

    /// The law of every ladder at dates: smoothed up to now, forecast after.
    #[pyo3(signature = (dates, level=0.9, progress=None))]
    fn forecast<'py>(
        &self,
        py: Python<'py>,
        dates: Vec<String>,
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        check_level(py, level)?;
        let times = self.times(py, &dates)?;
        let (sorted, rank) = ranked(&times);
        let draws = run(py, progress, |control| self.fitted.forecast(&sorted, control))?;
        let summary = draws.summary(level);
        let back = |flat: &[f64]| unranked(flat, &rank);
        let (mean, low) = (self.by_ladder(py, &back(&summary.mean))?, self.by_ladder(py, &back(&summary.low))?);
        let (high, mode) = (self.by_ladder(py, &back(&summary.high))?, self.by_ladder(py, &back(&draws.mode))?);
        let ladders = PyDict::new(py);
        for ladder in &self.fitted.model.ladders {
            let one = PyDict::new(py);
            for (name, from) in [("mean", &mean), ("low", &low), ("high", &high), ("mode", &mode)] {
                one.set_item(name, from.get_item(&ladder.name)?)?;
            }
            ladders.set_item(&ladder.name, one)?;
        }
        let dict = PyDict::new(py);
        dict.set_item("time", times.into_pyarray(py))?;
        dict.set_item("ladders", ladders)?;
        Ok(dict)
    }

    /// The law of every ladder at dates given what was complete by then, at the mode.
    fn filtered<'py>(&self, py: Python<'py>, dates: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        let times = self.times(py, &dates)?;
        let flat = run(py, None, |control| self.fitted.filtered(&times, control))?;
        self.by_ladder(py, &flat)
    }

    /// The law of every ladder at dates given the whole dossier, at the mode.
    fn smoothed<'py>(&self, py: Python<'py>, dates: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        let times = self.times(py, &dates)?;
        let (sorted, rank) = ranked(&times);
        let draws = run(py, None, |control| self.fitted.at_mode().forecast(&sorted, control))?;
        self.by_ladder(py, &unranked(&draws.mode, &rank))
    }

    /// Prior and posterior of every driver.
    #[pyo3(signature = (level=0.9, progress=None))]
    fn drivers<'py>(&self, py: Python<'py>, level: f64, progress: Option<Py<PyAny>>) -> PyResult<Bound<'py, PyDict>> {
        check_level(py, level)?;
        let draws = run(py, progress, |control| self.fitted.drivers(control))?;
        let before = run(py, None, |control| self.fitted.drivers_before(control))?;
        let summary = draws.summary(level);
        let dict = PyDict::new(py);
        let mut first = 0;
        for driver in &self.fitted.model.drivers {
            let range = first..first + driver.states.len();
            let one = PyDict::new(py);
            for (name, all) in [
                ("prior", &before),
                ("mode", &draws.mode),
                ("mean", &summary.mean),
                ("low", &summary.low),
                ("high", &summary.high),
            ] {
                one.set_item(name, all[range.clone()].to_vec().into_pyarray(py))?;
            }
            dict.set_item(&driver.name, one)?;
            first = range.end;
        }
        Ok(dict)
    }

    /// Expected days that conditions hold from one date to another: mean, low, high, mode.
    #[pyo3(signature = (conditions_json, start, end, level=0.9, progress=None))]
    fn time_in<'py>(
        &self,
        py: Python<'py>,
        conditions_json: &str,
        start: &str,
        end: &str,
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        check_level(py, level)?;
        let specs: Vec<ConditionSpec> = parse(py, "the conditions", conditions_json)?;
        let compiled = specs.iter().map(|spec| Condition::compile(spec, &self.fitted.model)).collect::<Result<_, _>>();
        let conditions = compiled.map_err(|error| raise(py, error))?;
        let clock = Clock::new(&self.fitted.model.origin).map_err(|error| raise(py, error))?;
        let start = clock.day_start(start).map_err(|error| raise(py, error))?;
        let end = clock.day_end(end).map_err(|error| raise(py, error))?;
        let draws = run(py, progress, |control| self.fitted.time_in(conditions, (start, end), control))?;
        let dict = summed(py, &draws, level)?;
        dict.set_item("span", end - start)?;
        Ok(dict)
    }

    /// ln of the marginal likelihood, its standard error, and Laplace's value (NaN for a posterior).
    #[pyo3(signature = (progress=None))]
    fn log_marginal(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> PyResult<(f64, f64, f64)> {
        let found = run(py, progress, |control| self.fitted.marginal(control))?;
        Ok((found.log, found.error, found.laplace))
    }

    /// Worlds drawn onward from the fit's date to the end of a day, or, without one, from the origin to the fit's date.
    #[pyo3(signature = (until, n, seed, progress=None))]
    fn worlds(
        &self,
        py: Python<'_>,
        until: Option<&str>,
        n: usize,
        seed: u64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Worlds> {
        let clock = Clock::new(&self.fitted.model.origin).map_err(|error| raise(py, error))?;
        let until = until.map(|date| clock.day_end(date)).transpose().map_err(|error| raise(py, error))?;
        let kernel = run(py, progress, |control| self.fitted.worlds(until, n, seed, control))?;
        Ok(Worlds { kernel })
    }

    /// When a condition first holds, read at the ends of days: reached (mean, low, high, mode), by and ever (P, mean and
    /// deviation in days from now), quantiles (days since the origin), and the same of all draws together.
    #[pyo3(signature = (condition_json, dates, quantiles, level=0.9, progress=None))]
    fn passage<'py>(
        &self,
        py: Python<'py>,
        condition_json: &str,
        dates: Vec<String>,
        quantiles: Vec<f64>,
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.told_passage(py, condition_json, &dates, &quantiles, level, progress)
    }

    /// How often what a question of `enters` or `moves` asks for happens: moments (mean, variance) and law (P(0), P(1), …,
    /// P(`times` or more)), each with mean, low, high, mode.
    #[pyo3(signature = (question_json, level=0.9, progress=None))]
    fn counts<'py>(
        &self,
        py: Python<'py>,
        question_json: &str,
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.told_counts(py, question_json, level, progress)
    }

    /// The time in what a question of `reach` asks for, over its span: days, P(more than each), by how much it may be wrong,
    /// moments (mean, deviation), quantiles.
    #[pyo3(signature = (question_json, quantiles, level=0.9, progress=None))]
    fn spent<'py>(
        &self,
        py: Python<'py>,
        question_json: &str,
        quantiles: Vec<f64>,
        level: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        self.told_spent(py, question_json, &quantiles, level, progress)
    }

    /// The same parameters on another dossier; what both share up to the first difference is not swept again.
    fn on(&self, py: Python<'_>, dossier_json: &str) -> PyResult<Fit> {
        let spec: DossierSpec = parse(py, "the dossier", dossier_json)?;
        let fitted = run(py, None, |control| self.fitted.on(spec, control))?;
        Ok(Fit { fitted, spec: self.spec.clone() })
    }

    /// The fit with a condition that holds now, or with more developments; parameters kept.
    #[pyo3(signature = (condition_json=None, developments_json=None))]
    fn given(&self, py: Python<'_>, condition_json: Option<&str>, developments_json: Option<&str>) -> PyResult<Fit> {
        let mut fit = Fit { fitted: self.fitted.clone(), spec: self.spec.clone() };
        if let Some(text) = condition_json {
            fit = fit.varied(py, Change::Given(parse::<ConditionSpec>(py, "the condition", text)?))?;
        }
        if let Some(text) = developments_json {
            fit = fit.varied(py, Change::Also(parse::<Vec<DevelopmentSpec>>(py, "the developments", text)?))?;
        }
        Ok(fit)
    }

    /// The fit with a driver or ladder set by hand from a date on (default: now).
    #[pyo3(signature = (condition_json, since=None))]
    fn r#do(&self, py: Python<'_>, condition_json: &str, since: Option<String>) -> PyResult<Fit> {
        let condition: ConditionSpec = parse(py, "the condition", condition_json)?;
        self.varied(py, Change::Do { condition, since })
    }

    /// The fit without some developments; parameters kept.
    fn without(&self, py: Python<'_>, ids: Vec<String>) -> PyResult<Fit> {
        self.varied(py, Change::Without(ids))
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, (String,))> {
        let kept = Kept {
            model: (*self.spec).clone(),
            dossier: self.fitted.spec.clone(),
            changes: self.fitted.changes.clone(),
            learnt: (*self.fitted.learnt).clone(),
            n_draws: self.fitted.source.len(),
            seed: self.fitted.source.seed(),
            sampled: match &self.fitted.source {
                Source::Nuts(sampled) => Some((**sampled).clone()),
                Source::Laplace { .. } => None,
            },
        };
        let restore = py.get_type::<Fit>().getattr("_restore")?.unbind();
        Ok((restore, (json(py, &kept)?,)))
    }

    #[staticmethod]
    fn _restore(py: Python<'_>, text: &str) -> PyResult<Fit> {
        let kept: Kept = parse(py, "the fit", text)?;
        let model = crate::escalation::model::Model::compile(&kept.model).map_err(|error| raise(py, error))?;
        let (model, spec) = (Arc::new(model), Arc::new(kept.model));
        let fitted = run(py, None, move |control| {
            let source = match kept.sampled {
                Some(sampled) => Source::Nuts(Arc::new(sampled)),
                None => Source::Laplace { draws: kept.n_draws, seed: kept.seed },
            };
            Fitted::restore(model, kept.dossier, kept.changes, kept.learnt, source, control)
        })?;
        Ok(Fit { fitted, spec })
    }

    /// The model that was fitted.
    fn model(&self) -> Model {
        Model { kernel: self.fitted.model.clone(), spec: self.spec.clone() }
    }
}

/// What a pickle holds.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    model: ModelSpec,
    dossier: DossierSpec,
    changes: Vec<Change>,
    learnt: Learnt,
    n_draws: usize,
    seed: u64,
    #[serde(default)]
    sampled: Option<Sampled>,
}

/// Times in ascending order, and where each given time stands in it.
fn ranked(times: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    let rank = times.iter().map(|time| sorted.partition_point(|t| t < time)).collect();
    (sorted, rank)
}

fn unranked(flat: &[f64], rank: &[usize]) -> Vec<f64> {
    let rows = rank.iter().copied().max().map_or(1, |last| last + 1);
    let width = flat.len() / rows;
    rank.iter().flat_map(|&row| flat[row * width..(row + 1) * width].to_vec()).collect()
}
