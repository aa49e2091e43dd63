//! Files and words: TOML text to and from JSON text, the yardsticks and the grades.

use super::errors::raise;
use super::place::refused;
use crate::escalation::read;
use crate::escalation::spec::{DossierSpec, ModelSpec, QuestionsSpec};
use crate::ground::{Error, words};
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Parses JSON text that crossed the boundary.
pub fn parse<T: DeserializeOwned>(py: Python<'_>, what: &str, json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| raise(py, refused(what, json, &error)))
}

/// Writes JSON text for the boundary.
pub fn json<T: Serialize>(py: Python<'_>, value: &T) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| raise(py, Error::spec("", "", error.to_string())))
}

/// The model in a TOML text, checked, as JSON.
#[pyfunction]
#[pyo3(signature = (text, file=None))]
fn model_from_toml(py: Python<'_>, text: &str, file: Option<&str>) -> PyResult<String> {
    json(py, &read::model_from_toml(text, file).map_err(|error| raise(py, error))?)
}

/// A model in JSON as TOML text.
#[pyfunction(name = "model_to_toml")]
fn model_to_toml(py: Python<'_>, json: &str) -> PyResult<String> {
    let spec: ModelSpec = parse(py, "the model", json)?;
    read::model_to_toml(&spec).map_err(|error| raise(py, error))
}

/// The dossier in a TOML text as JSON.
#[pyfunction]
#[pyo3(signature = (text, file=None))]
fn dossier_from_toml(py: Python<'_>, text: &str, file: Option<&str>) -> PyResult<String> {
    json(py, &read::dossier_from_toml(text, file).map_err(|error| raise(py, error))?)
}

/// A dossier in JSON as TOML text.
#[pyfunction]
fn dossier_to_toml(py: Python<'_>, json: &str) -> PyResult<String> {
    let spec: DossierSpec = parse(py, "the dossier", json)?;
    read::dossier_to_toml(&spec).map_err(|error| raise(py, error))
}

/// The questions in a TOML text as JSON.
#[pyfunction]
#[pyo3(signature = (text, file=None))]
fn questions_from_toml(py: Python<'_>, text: &str, file: Option<&str>) -> PyResult<String> {
    json(py, &read::questions_from_toml(text, file).map_err(|error| raise(py, error))?)
}

/// Questions in JSON as TOML text.
#[pyfunction]
fn questions_to_toml(py: Python<'_>, json: &str) -> PyResult<String> {
    let spec: QuestionsSpec = parse(py, "the questions", json)?;
    read::questions_to_toml(&spec).map_err(|error| raise(py, error))
}

/// The table of grades: (grade, P(reported | true), P(reported | false)).
#[pyfunction]
fn grades() -> Vec<(String, f64, f64)> {
    words::grades().into_iter().map(|grade| (grade.code, grade.hit, grade.false_alarm)).collect()
}

/// A word, those that mean the same, and its band.
type Word = (&'static str, Vec<&'static str>, f64, f64);

/// The yardsticks that come with the package: (name, source, words).
#[pyfunction]
fn yardsticks() -> Vec<(&'static str, &'static str, Vec<Word>)> {
    let one = |y: words::Yardstick| {
        let words = y.bands.iter().map(|b| (b.word, b.same.to_vec(), b.low, b.high)).collect();
        (y.name, y.source, words)
    };
    words::YARDSTICKS.into_iter().map(one).collect()
}

/// The place of the band that a probability belongs to, and whether it lies inside.
#[pyfunction]
fn nearest_band(bands: Vec<(f64, f64)>, p: f64) -> Option<(usize, bool)> {
    words::nearest(&bands, p)
}

/// The ends of a band as a belief's quartiles, open ends read.
#[pyfunction]
fn band_quartiles(low: f64, high: f64) -> Option<(f64, f64)> {
    words::quartiles(low, high)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(model_from_toml, module)?)?;
    module.add_function(wrap_pyfunction!(model_to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(dossier_from_toml, module)?)?;
    module.add_function(wrap_pyfunction!(dossier_to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(questions_from_toml, module)?)?;
    module.add_function(wrap_pyfunction!(questions_to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(grades, module)?)?;
    module.add_function(wrap_pyfunction!(yardsticks, module)?)?;
    module.add_function(wrap_pyfunction!(nearest_band, module)?)?;
    module.add_function(wrap_pyfunction!(band_quartiles, module)?)
}
