//! `Model`: a checked model, and the ways from it to a fit.

use super::errors::raise;
use super::files::{json, parse};
use super::fit::Fit;
use super::run::run;
use crate::escalation::condition::Condition;
use crate::escalation::dossier::Dossier;
use crate::escalation::engine::Prepared;
use crate::escalation::fitted::Fitted;
use crate::escalation::model::Model as Kernel;
use crate::escalation::provenance::readings;
use crate::escalation::question::Question;
use crate::escalation::read;
use crate::escalation::sample::Settings;
use crate::escalation::size::size;
use crate::escalation::spec::{ConditionSpec, DossierSpec, ModelSpec, QuestionsSpec};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use std::sync::Arc;

/// A checked model. Made from the JSON of its tree (docs/format.md); raises SpecError where that is malformed.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct Model {
    pub kernel: Arc<Kernel>,
    pub spec: Arc<ModelSpec>,
}

impl Model {
    fn dossier(&self, py: Python<'_>, json: &str) -> PyResult<(DossierSpec, Dossier)> {
        let spec: DossierSpec = parse(py, "the dossier", json)?;
        let dossier = Dossier::compile(&spec, &self.kernel).map_err(|error| raise(py, error))?;
        Ok((spec, dossier))
    }
}

/// Compiles the questions of a JSON text against a model, asked at `now`.
pub fn questions(py: Python<'_>, model: &Kernel, text: &str, now: f64) -> PyResult<Vec<Question>> {
    let spec: QuestionsSpec = parse(py, "the questions", text)?;
    Question::compile_all(&spec, model, now).map_err(|error| raise(py, error))
}

type LogPosterior<'py> = (f64, f64, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

#[pymethods]
impl Model {
    #[new]
    fn new(py: Python<'_>, spec_json: &str) -> PyResult<Self> {
        let spec: ModelSpec = parse(py, "the model", spec_json)?;
        let kernel = Kernel::compile(&spec).map_err(|error| raise(py, error))?;
        Ok(Model { kernel: Arc::new(kernel), spec: Arc::new(spec) })
    }

    /// The model's tree as JSON.
    fn spec(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &*self.spec)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        let py = slf.py();
        Ok((py.get_type::<Model>().into_any().unbind(), (slf.get().spec(py)?,)))
    }

    /// Raises SpecError where the dossier is malformed.
    fn check_dossier(&self, py: Python<'_>, json: &str) -> PyResult<()> {
        self.dossier(py, json).map(drop)
    }

    /// Raises SpecError, with the line, where a dossier in TOML is malformed.
    #[pyo3(signature = (text, file=None))]
    fn check_dossier_toml(&self, py: Python<'_>, text: &str, file: Option<&str>) -> PyResult<()> {
        read::check_dossier_toml(text, file, &self.kernel).map(drop).map_err(|error| raise(py, error))
    }

    /// Raises SpecError, with the line, where questions in TOML, asked as of a dossier, are malformed.
    #[pyo3(signature = (dossier_json, text, file=None))]
    fn check_questions_toml(&self, py: Python<'_>, dossier_json: &str, text: &str, file: Option<&str>) -> PyResult<()> {
        let (_, dossier) = self.dossier(py, dossier_json)?;
        let checked = read::check_questions_toml(text, file, &self.kernel, dossier.as_of);
        checked.map(drop).map_err(|error| raise(py, error))
    }

    /// Raises SpecError where a question is malformed.
    fn check_questions(&self, py: Python<'_>, dossier_json: &str, questions_json: &str) -> PyResult<()> {
        let (_, dossier) = self.dossier(py, dossier_json)?;
        questions(py, &self.kernel, questions_json, dossier.as_of).map(drop)
    }

    /// Raises SpecError where a condition is malformed.
    fn check_condition(&self, py: Python<'_>, json: &str) -> PyResult<()> {
        let spec: ConditionSpec = parse(py, "the condition", json)?;
        Condition::compile(&spec, &self.kernel).map(drop).map_err(|error| raise(py, error))
    }

    /// Which link joins what, and its price, as JSON; nothing is computed.
    #[pyo3(signature = (dossier_json=None, questions_json=None))]
    fn size(&self, py: Python<'_>, dossier_json: Option<&str>, questions_json: Option<&str>) -> PyResult<String> {
        let dossier = dossier_json.map(|text| self.dossier(py, text)).transpose()?.map(|(_, dossier)| dossier);
        let now = dossier.as_ref().map_or(0.0, |dossier| dossier.as_of);
        let asked = questions_json.map_or(Ok(vec![]), |text| questions(py, &self.kernel, text, now))?;
        json(py, &size(&self.kernel, dossier.as_ref(), &asked))
    }

    /// Every number of the model with its prior and its ground, as JSON.
    fn parameters(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &readings(&self.kernel.parameters, None))
    }

    /// The table of each driver at the modes of the priors, row after row.
    fn driver_tables(&self) -> Vec<Vec<f64>> {
        let rows = &self.kernel.parameters.rows;
        let table = |rows_of: &Vec<usize>| rows_of.iter().flat_map(|&row| rows[row].value.clone()).collect();
        self.kernel.drivers.iter().map(|driver| table(&driver.rows)).collect()
    }

    /// θ at the prior modes.
    fn start<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.kernel.parameters.start().into_pyarray(py)
    }

    /// Names of the coordinates of θ.
    fn coordinates(&self) -> Vec<String> {
        self.kernel.parameters.coordinates()
    }

    /// (log-evidence, log-prior, gradient of each) at θ.
    fn log_posterior<'py>(
        &self,
        py: Python<'py>,
        dossier_json: &str,
        theta: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<LogPosterior<'py>> {
        let (_, dossier) = self.dossier(py, dossier_json)?;
        let theta = theta.as_array().to_vec();
        let kernel = self.kernel.clone();
        let posterior = run(py, None, move |control| {
            Prepared::new(&kernel, &dossier, &[], &[])?.judged(&dossier)?.posterior_checked(&theta, control)
        })?;
        let evidence = posterior.evidence_gradient.into_pyarray(py);
        Ok((posterior.log_evidence, posterior.log_prior, evidence, posterior.prior_gradient.into_pyarray(py)))
    }

    /// The mode of the posterior, and draws around it.
    #[pyo3(signature = (dossier_json, draws=200, seed=0, progress=None))]
    fn fit(
        &self,
        py: Python<'_>,
        dossier_json: &str,
        draws: usize,
        seed: u64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Fit> {
        let spec: DossierSpec = parse(py, "the dossier", dossier_json)?;
        let kernel = self.kernel.clone();
        let fitted = run(py, progress, move |control| Fitted::learn(kernel, spec, draws, seed, control))?;
        Ok(Fit { fitted, spec: self.spec.clone() })
    }

    /// Draws from the posterior.
    #[pyo3(signature = (dossier_json, draws=1000, tune=1000, chains=4, seed=0, accept=0.8, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn sample(
        &self,
        py: Python<'_>,
        dossier_json: &str,
        draws: usize,
        tune: usize,
        chains: usize,
        seed: u64,
        accept: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Fit> {
        let spec: DossierSpec = parse(py, "the dossier", dossier_json)?;
        let kernel = self.kernel.clone();
        let settings = Settings { draws, tune, chains, seed, accept };
        let fitted = run(py, progress, move |control| Fitted::sample(kernel, spec, &settings, control))?;
        Ok(Fit { fitted, spec: self.spec.clone() })
    }

    /// The dossier at given parameters: no learning, no draws.
    #[pyo3(signature = (dossier_json, theta=None))]
    fn condition(&self, py: Python<'_>, dossier_json: &str, theta: Option<PyReadonlyArray1<'_, f64>>) -> PyResult<Fit> {
        let spec: DossierSpec = parse(py, "the dossier", dossier_json)?;
        let theta = theta.map(|theta| theta.as_array().to_vec());
        let kernel = self.kernel.clone();
        let fitted = run(py, None, move |control| Fitted::fixed(kernel, spec, theta, control))?;
        Ok(Fit { fitted, spec: self.spec.clone() })
    }
}
