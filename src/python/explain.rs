//! What developments and numbers do to an answer, as arrays.

use super::errors::raise;
use super::fit::{Fit, kind_word};
use super::model::questions;
use super::run::run;
use crate::escalation::attribution::Odds;
use crate::escalation::question::Question;
use crate::escalation::sensitivity::{Breaking, Lever};
use crate::escalation::watch::{Watch, Watched};
use crate::ground::Error;
use crate::ground::time::Clock;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The one question of a JSON text, and the players' developments by their place in the dossier.
fn game(py: Python<'_>, fit: &Fit, question: &str, players: &[Vec<String>]) -> PyResult<(Question, Vec<Vec<usize>>)> {
    let dossier = fit.fitted.dossier();
    let mut asked = questions(py, &fit.fitted.model, question, dossier.as_of)?;
    let wrong = |message: String| raise(py, Error::spec("explain", "explain", message));
    if asked.len() != 1 {
        return Err(wrong(format!("there are {} questions; one is expected", asked.len())));
    }
    let place = |id: &String| {
        let found = dossier.developments.iter().position(|development| development.id == *id);
        found.ok_or_else(|| wrong(format!("there is no development '{id}' by the fit's date")))
    };
    let players = players.iter().map(|ids| ids.iter().map(place).collect()).collect::<PyResult<_>>()?;
    Ok((asked.swap_remove(0), players))
}

/// What each player, a list of ids of developments, does to the answer of one question at the mode.
#[pyfunction]
#[pyo3(signature = (fit, question_json, players, pairs=200, seed=0, progress=None))]
fn attribute<'py>(
    py: Python<'py>,
    fit: &Fit,
    question_json: &str,
    players: Vec<Vec<String>>,
    pairs: usize,
    seed: u64,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let (question, players) = game(py, fit, question_json, &players)?;
    let found = run(py, progress, |control| fit.fitted.attribute(&question, &players, (pairs, seed), control))?;
    let pair = |odds: &Odds| (odds.probability(), odds.logit());
    let flat = |all: Vec<Odds>| all.iter().flat_map(|odds| [odds.probability(), odds.logit()]).collect::<Vec<f64>>();
    let id = |&development: &usize| fit.fitted.dossier().developments[development].id.clone();
    let days: Vec<Vec<String>> = found.arrivals.iter().map(|(day, _)| day.iter().map(id).collect()).collect();
    let dict = PyDict::new(py);
    dict.set_item("before", pair(&found.before))?;
    dict.set_item("now", pair(&found.now))?;
    dict.set_item("days", days)?;
    dict.set_item("arrivals", flat(found.arrivals.iter().map(|(_, odds)| *odds).collect()).into_pyarray(py))?;
    dict.set_item("without", flat(found.without).into_pyarray(py))?;
    dict.set_item("alone", flat(found.alone).into_pyarray(py))?;
    dict.set_item("shares", found.shares.value.into_pyarray(py))?;
    dict.set_item("errors", found.shares.error.into_pyarray(py))?;
    dict.set_item("on_probability", found.on_probability)?;
    Ok(dict)
}

/// What each player does to the probability through the parameters that it taught, to first order.
#[pyfunction]
#[pyo3(signature = (fit, question_json, players, progress=None))]
fn taught<'py>(
    py: Python<'py>,
    fit: &Fit,
    question_json: &str,
    players: Vec<Vec<String>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let (question, players) = game(py, fit, question_json, &players)?;
    let found = run(py, progress, |control| fit.fitted.taught(&question, &players, control))?;
    Ok(found.into_pyarray(py))
}

/// Whether developments agree: ids, ln P of each given all others, ln P of each alone, pairs (a, b) with ln P(a) P(b) / P(a, b),
/// and ln Π P / P of all.
#[pyfunction]
#[pyo3(signature = (fit, pairs=true, progress=None))]
fn quarrels<'py>(py: Python<'py>, fit: &Fit, pairs: bool, progress: Option<Py<PyAny>>) -> PyResult<Bound<'py, PyDict>> {
    let found = run(py, progress, |control| fit.fitted.quarrels(pairs, control))?;
    let dict = PyDict::new(py);
    let ids: Vec<String> = fit.fitted.dossier().developments.iter().map(|d| d.id.clone()).collect();
    dict.set_item("id", ids)?;
    dict.set_item("given_rest", found.given_rest.into_pyarray(py))?;
    dict.set_item("alone", found.alone.into_pyarray(py))?;
    dict.set_item("pairs", found.pairs)?;
    dict.set_item("whole", found.whole)?;
    Ok(dict)
}

/// The one question of a JSON text.
fn one(py: Python<'_>, fit: &Fit, question: &str) -> PyResult<Question> {
    Ok(game(py, fit, question, &[])?.0)
}

/// Every free number's pull on the answer of one question at the mode, the strongest first; the answer at both ends of what
/// is believed of the first `top`. Intensities per day.
#[pyfunction]
#[pyo3(signature = (fit, question_json, top=15, progress=None))]
fn levers<'py>(
    py: Python<'py>,
    fit: &Fit,
    question_json: &str,
    top: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let question = one(py, fit, question_json)?;
    let found = run(py, progress, |control| fit.fitted.levers(&question, top, control))?;
    let column = |of: fn(&Lever) -> f64| found.iter().map(of).collect::<Vec<f64>>().into_pyarray(py);
    let dict = PyDict::new(py);
    dict.set_item("name", found.iter().map(|lever| lever.name.clone()).collect::<Vec<_>>())?;
    dict.set_item("kind", found.iter().map(|lever| kind_word(lever.kind)).collect::<Vec<_>>())?;
    dict.set_item("value", column(|lever| lever.value))?;
    dict.set_item("slope", column(|lever| lever.slope))?;
    dict.set_item("elasticity", column(|lever| lever.elasticity))?;
    dict.set_item("low", column(|lever| lever.low))?;
    dict.set_item("high", column(|lever| lever.high))?;
    dict.set_item("at_low", column(|lever| lever.at_low))?;
    dict.set_item("at_high", column(|lever| lever.at_high))?;
    Ok(dict)
}

/// For each of the `top` strongest numbers, where the answer of one question crosses a line (NaN: nowhere).
#[pyfunction]
#[pyo3(signature = (fit, question_json, line, top=15, progress=None))]
fn breaking<'py>(
    py: Python<'py>,
    fit: &Fit,
    question_json: &str,
    line: f64,
    top: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let question = one(py, fit, question_json)?;
    let found = run(py, progress, |control| fit.fitted.breaking(&question, line, top, control))?;
    let column = |of: fn(&Breaking) -> f64| found.iter().map(of).collect::<Vec<f64>>().into_pyarray(py);
    let dict = PyDict::new(py);
    dict.set_item("name", found.iter().map(|one| one.name.clone()).collect::<Vec<_>>())?;
    dict.set_item("kind", found.iter().map(|one| kind_word(one.kind)).collect::<Vec<_>>())?;
    dict.set_item("value", column(|one| one.value))?;
    dict.set_item("at", column(|one| one.at.unwrap_or(f64::NAN)))?;
    dict.set_item("quantile", column(|one| one.quantile))?;
    Ok(dict)
}

type Map<'py> = (Vec<&'static str>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>);

/// The answer of one question over what is believed of two numbers: their kinds and values, and the answers, shape (n, n).
#[pyfunction]
#[pyo3(signature = (fit, question_json, names, n=21, progress=None))]
fn two_way<'py>(
    py: Python<'py>,
    fit: &Fit,
    question_json: &str,
    names: (String, String),
    n: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<Map<'py>> {
    let question = one(py, fit, question_json)?;
    let names = [names.0, names.1];
    let ([first, second], table) = run(py, progress, |control| fit.fitted.two_way(&question, &names, n, control))?;
    let chosen = fit.fitted.model.parameters.chosen(&names).map_err(|error| raise(py, error))?;
    let kinds = chosen.iter().map(|named| kind_word(named.kind)).collect();
    Ok((kinds, first.into_pyarray(py), second.into_pyarray(py), table.into_pyarray(py).reshape([n, n])?))
}

/// What can be watched at dates ahead: (kind, name, days since the origin, values, P(value), P(answer | value), bits, fall of the
/// Brier score), in the order of the model.
type Row = (&'static str, String, f64, Vec<String>, Vec<f64>, Vec<f64>, f64, f64);

#[pyfunction]
#[pyo3(signature = (fit, question_json, dates, progress=None))]
fn watch(
    py: Python<'_>,
    fit: &Fit,
    question_json: &str,
    dates: Vec<String>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Vec<Row>> {
    let question = one(py, fit, question_json)?;
    let model = &fit.fitted.model;
    let clock = Clock::new(&model.origin).map_err(|error| raise(py, error))?;
    let times = dates.iter().map(|date| clock.point(date)).collect::<Result<Vec<f64>, _>>();
    let times = times.map_err(|error| raise(py, error))?;
    let found = run(py, progress, |control| fit.fitted.watch(&question, &times, control))?;
    let row = |watched: Watched| {
        let (kind, name, values) = match watched.what {
            Watch::Status(s) => ("status", model.statuses[s].name.clone(), model.statuses[s].states.clone()),
            Watch::Events(e) => ("events", model.events[e].name.clone(), vec!["none".into(), "some".into()]),
            Watch::Driver(d) => ("driver", model.drivers[d].name.clone(), model.drivers[d].states.clone()),
        };
        (kind, name, watched.time, values, watched.chances, watched.answers, watched.bits, watched.brier)
    };
    Ok(found.into_iter().map(row).collect())
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(attribute, module)?)?;
    module.add_function(wrap_pyfunction!(levers, module)?)?;
    module.add_function(wrap_pyfunction!(quarrels, module)?)?;
    module.add_function(wrap_pyfunction!(breaking, module)?)?;
    module.add_function(wrap_pyfunction!(two_way, module)?)?;
    module.add_function(wrap_pyfunction!(watch, module)?)?;
    module.add_function(wrap_pyfunction!(taught, module)?)
}
