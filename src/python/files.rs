//! Files and words: TOML text to and from JSON text, the yardstick and the grades.

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

/// The yardstick: (word, low, high).
#[pyfunction]
fn yardstick() -> Vec<(String, f64, f64)> {
    words::BANDS.iter().map(|band| (band.word.to_string(), band.low, band.high)).collect()
}

/// The yardstick's word for a probability; "≈ " and the nearest word in a gap between bands.
#[pyfunction]
fn word_for(p: f64) -> String {
    words::word_for(p)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(model_from_toml, module)?)?;
    module.add_function(wrap_pyfunction!(model_to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(dossier_from_toml, module)?)?;
    module.add_function(wrap_pyfunction!(dossier_to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(questions_from_toml, module)?)?;
    module.add_function(wrap_pyfunction!(questions_to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(grades, module)?)?;
    module.add_function(wrap_pyfunction!(yardstick, module)?)?;
    module.add_function(wrap_pyfunction!(word_for, module)?)
}
