//! `BayesNet`: a network asked by names, its answers as arrays.

use super::errors::raise;
use super::files::{json, parse};
use super::run::{run, run_here};
use crate::bayes::cpd::Cpd;
use crate::bayes::formats::bif;
use crate::bayes::named::{BayesNet as Kernel, NetSpec};
use crate::bayes::propagate::Finding;
use crate::bayes::understand::{blanket, separated};
use crate::ground::{Control, Error, Result};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use std::sync::Arc;

/// A discrete Bayesian network. Made from the JSON of its specification; raises SpecError where that is malformed.
///
/// Evidence is a mapping of a variable to a state, to a list of states (one of these), or to a mapping of states to
/// likelihoods; a state that is left out has likelihood 0.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct BayesNet {
    kernel: Arc<Kernel>,
    effort: f64,
}

type Found = Vec<(usize, Finding)>;
type Slopes<'py> = (f64, Vec<usize>, Vec<usize>, Bound<'py, PyArray2<f64>>);
type Told<'py> = (Vec<usize>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);
type Predicted<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>);
type Weights<'py> = (f64, Vec<usize>, Bound<'py, PyArray2<f64>>);

impl BayesNet {
    /// Checks and lowers a network away from the GIL.
    fn made(py: Python<'_>, make: impl FnOnce() -> Result<Kernel> + Send, effort: f64) -> PyResult<Self> {
        Ok(BayesNet { kernel: Arc::new(py.detach(make).map_err(|error| raise(py, error))?), effort })
    }

    /// The evidence by number.
    fn evidence(&self, py: Python<'_>, evidence: Option<&Bound<'_, PyDict>>) -> PyResult<Found> {
        let mut found = vec![];
        for (name, what) in evidence.into_iter().flatten() {
            let name = name.cast::<PyString>().map_err(|_| self.not_text(py, &name, "a variable"))?;
            let v = self.number(py, name.to_str()?)?;
            let finding = self.finding(py, v, &what)?;
            found.push((v, finding));
        }
        Ok(found)
    }

    fn finding(&self, py: Python<'_>, v: usize, what: &Bound<'_, PyAny>) -> PyResult<Finding> {
        if let Ok(state) = what.cast::<PyString>() {
            return Ok(Finding::State(self.state(py, v, state.to_str()?)?));
        }
        let mut weights = vec![0.0; self.kernel.spec().node[v].states.len()];
        if let Ok(likelihood) = what.cast::<PyDict>() {
            for (state, weight) in likelihood {
                let state = state.cast::<PyString>().map_err(|_| self.not_text(py, &state, "a state"))?.to_str()?;
                let weight: f64 = weight.extract()?;
                let state = self.state(py, v, state)?;
                if !weight.is_finite() || weight < 0.0 {
                    let message = format!("the likelihood {weight} is given; a finite number, 0 or more, is expected");
                    return Err(self.wrong(py, v, message));
                }
                weights[state] = weight;
            }
        } else if let Ok(states) = what.cast::<PyList>() {
            for state in states {
                let state = state.cast::<PyString>().map_err(|_| self.not_text(py, &state, "a state"))?.to_str()?;
                weights[self.state(py, v, state)?] = 1.0;
            }
        } else {
            let message = format!(
                "{} is given; a state, a list of states, or a mapping to likelihoods is expected",
                what.repr()?
            );
            return Err(self.wrong(py, v, message));
        }
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(self.wrong(py, v, "no state has any likelihood".into()));
        }
        Ok(Finding::Likelihood(weights))
    }

    fn wrong(&self, py: Python<'_>, v: usize, message: String) -> PyErr {
        raise(py, Error::spec("evidence", format!("evidence on '{}'", self.kernel.spec().node[v].name), message))
    }

    fn not_text(&self, py: Python<'_>, given: &Bound<'_, PyAny>, what: &str) -> PyErr {
        let given = given.repr().map_or_else(|_| "something".into(), |repr| repr.to_string());
        raise(py, Error::spec("evidence", "evidence", format!("{given} is given where the name of {what} is expected")))
    }

    fn number(&self, py: Python<'_>, name: &str) -> PyResult<usize> {
        self.kernel.number(name).map_err(|error| raise(py, error))
    }

    fn state(&self, py: Python<'_>, v: usize, state: &str) -> PyResult<usize> {
        self.kernel.state(v, state).map_err(|error| raise(py, error))
    }

    fn numbers(&self, py: Python<'_>, names: &[String]) -> PyResult<Vec<usize>> {
        names.iter().map(|name| self.number(py, name)).collect()
    }

    /// Runs a query of one pass: in this thread where that is short, else with a way to stop it.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        evidence: &Found,
        work: impl FnOnce(&Control) -> Result<T> + Send,
    ) -> PyResult<T> {
        let work = |control: &Control| work(control).map_err(|error| self.kernel.explain(error, evidence));
        match py.detach(|| self.kernel.engine().whole()) {
            true => run_here(py, work),
            false => run(py, None, work),
        }
    }

    /// Runs a query that may be long, with a way to stop it.
    fn take<T: Send>(
        &self,
        py: Python<'_>,
        evidence: &Found,
        work: impl FnOnce(&Control) -> Result<T> + Send,
    ) -> PyResult<T> {
        run(py, None, |control| work(control).map_err(|error| self.kernel.explain(error, evidence)))
    }

    fn named(&self, numbers: &[usize]) -> Vec<String> {
        numbers.iter().map(|&v| self.kernel.spec().node[v].name.clone()).collect()
    }
}

#[pymethods]
impl BayesNet {
    #[new]
    #[pyo3(signature = (spec_json, effort=0.3))]
    fn new(py: Python<'_>, spec_json: &str, effort: f64) -> PyResult<Self> {
        let spec: NetSpec = parse(py, "the network", spec_json)?;
        BayesNet::made(py, || Kernel::new(spec, effort), effort)
    }

    /// The network of a text in BIF, gzipped or not.
    #[staticmethod]
    #[pyo3(signature = (content, file=None, effort=0.3))]
    fn from_bif(py: Python<'_>, content: &Bound<'_, PyBytes>, file: Option<&str>, effort: f64) -> PyResult<Self> {
        let content = content.as_bytes();
        let read = || bif::read_bytes(content, file).and_then(|document| Kernel::from_document(document, effort));
        BayesNet::made(py, read, effort)
    }

    /// The network in BIF.
    fn to_bif(&self, py: Python<'_>) -> PyResult<String> {
        let written = py.detach(|| self.kernel.document().map(|document| bif::write(&document)));
        written.map_err(|error| raise(py, error))
    }

    /// The specification as JSON.
    fn spec(&self, py: Python<'_>) -> PyResult<String> {
        json(py, self.kernel.spec())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String, f64))> {
        let py = slf.py();
        Ok((py.get_type::<BayesNet>().into_any().unbind(), (slf.get().spec(py)?, slf.get().effort)))
    }

    /// The same network with nothing compiled yet, and this much work for elimination orders.
    fn fresh(&self, py: Python<'_>, effort: f64) -> PyResult<Self> {
        BayesNet::made(py, || Kernel::new(self.kernel.spec().clone(), effort), effort)
    }

    #[getter]
    fn name(&self) -> &str {
        &self.kernel.spec().name
    }

    /// The variables in order.
    fn names(&self) -> Vec<String> {
        self.kernel.spec().node.iter().map(|node| node.name.clone()).collect()
    }

    /// The states of each variable.
    fn states(&self) -> Vec<Vec<String>> {
        self.kernel.spec().node.iter().map(|node| node.states.clone()).collect()
    }

    /// The numbers of each variable's parents.
    fn parents(&self) -> Vec<Vec<usize>> {
        self.kernel.parents().to_vec()
    }

    /// The kind of each variable's law.
    fn kinds(&self) -> Vec<&'static str> {
        let kind = |cpd: &Cpd| match cpd {
            Cpd::Table(_) => "table",
            Cpd::NoisyMax { .. } => "noisy_max",
            Cpd::Function(_) => "function",
            Cpd::Ranked { .. } => "ranked",
            Cpd::Logistic { .. } => "logistic",
        };
        self.kernel.spec().node.iter().map(|node| kind(&node.cpd)).collect()
    }

    /// The whole table of a variable, shape (configurations of the parents, states).
    fn table<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let v = self.number(py, name)?;
        let table = py.detach(|| self.kernel.table(v)).map_err(|error| raise(py, error))?;
        let card = self.kernel.spec().node[v].states.len();
        let rows = table.len() / card;
        table.into_pyarray(py).reshape([rows, card])
    }

    /// Marginals of the targets (all: none given), one after the other, and ln P(evidence).
    #[pyo3(signature = (evidence=None, targets=None))]
    fn posteriors<'py>(
        &self,
        py: Python<'py>,
        evidence: Option<&Bound<'_, PyDict>>,
        targets: Option<Vec<String>>,
    ) -> PyResult<(Bound<'py, PyArray1<f64>>, f64)> {
        let evidence = self.evidence(py, evidence)?;
        let engine = self.kernel.engine();
        let targets = match targets {
            Some(names) => self.numbers(py, &names)?,
            None => (0..engine.visible()).collect(),
        };
        let flat = self.ask(py, &evidence, |control| {
            let found = engine.posteriors(&targets, &evidence, control)?;
            let log = found.log_evidence;
            Ok((found.into_values(), log))
        })?;
        Ok((flat.0.into_pyarray(py), flat.1))
    }

    /// ln P(evidence); −inf where it is impossible.
    #[pyo3(signature = (evidence=None))]
    fn log_evidence(&self, py: Python<'_>, evidence: Option<&Bound<'_, PyDict>>) -> PyResult<f64> {
        let evidence = self.evidence(py, evidence)?;
        self.ask(py, &evidence, |control| self.kernel.engine().log_evidence(&evidence, control))
    }

    /// The joint law of some variables, flat, the last fastest, and ln P(evidence).
    #[pyo3(signature = (of, evidence=None))]
    fn joint<'py>(
        &self,
        py: Python<'py>,
        of: Vec<String>,
        evidence: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(Bound<'py, PyArray1<f64>>, f64)> {
        let evidence = self.evidence(py, evidence)?;
        let of = self.numbers(py, &of)?;
        let (law, log) = self.take(py, &evidence, |control| self.kernel.engine().joint(&of, &evidence, control))?;
        Ok((law.into_pyarray(py), log))
    }

    /// The most probable states of some variables (all: none given), ln P(states, evidence) and ln P(evidence).
    #[pyo3(signature = (of=None, evidence=None))]
    fn most_probable(
        &self,
        py: Python<'_>,
        of: Option<Vec<String>>,
        evidence: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(Vec<usize>, f64, f64)> {
        let evidence = self.evidence(py, evidence)?;
        let of = match of {
            Some(names) => self.numbers(py, &names)?,
            None => (0..self.kernel.engine().visible()).collect(),
        };
        let found = self.take(py, &evidence, |control| self.kernel.engine().most_probable(&of, &evidence, control))?;
        Ok((found.states, found.log_joint, found.log_evidence))
    }

    /// Exact draws given the evidence, shape (draws, variables), as numbers of states.
    #[pyo3(signature = (n, seed=0, evidence=None))]
    fn sample<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        seed: u64,
        evidence: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let evidence = self.evidence(py, evidence)?;
        let engine = self.kernel.engine();
        let work = |control: &Control| {
            engine.sample(n, seed, &evidence, control).map_err(|error| self.kernel.explain(error, &evidence))
        };
        let draws = run(py, None, work)?;
        draws.into_pyarray(py).reshape([n, engine.visible()])
    }

    /// Marginals of the targets for a table of evidence, as numbers of states (negative: missing), shape (rows, columns):
    /// shape (rows, states of all targets), and ln P(evidence) of each row. An impossible row is NaN, with −inf; one that cannot be weighed is NaN, with NaN.
    #[pyo3(signature = (columns, rows, targets, progress=None))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<String>,
        rows: PyReadonlyArray2<'py, i32>,
        targets: Vec<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Predicted<'py>> {
        let (columns, targets) = (self.numbers(py, &columns)?, self.numbers(py, &targets)?);
        let engine = self.kernel.engine();
        let shape = rows.as_array().dim();
        if columns.is_empty() || shape.1 != columns.len() {
            let message = format!("it has {} columns and names {}; expected one name a column", shape.1, columns.len());
            return Err(raise(py, Error::spec("rows", "the table of evidence", message)));
        }
        let states: Vec<i32> = rows.as_array().iter().copied().collect();
        for (i, row) in states.chunks_exact(columns.len().max(1)).enumerate() {
            for (&v, &state) in columns.iter().zip(row) {
                let node = &self.kernel.spec().node[v];
                if state >= node.states.len() as i32 {
                    let message =
                        format!("row {i} has state {state} of '{}', which has {}", node.name, node.states.len());
                    return Err(raise(py, Error::spec("rows", "the table of evidence", message)));
                }
            }
        }
        let (laws, logs) = run(py, progress, |control| engine.predict(&columns, &states, &targets, control))?;
        let width: usize = targets.iter().map(|&v| self.kernel.spec().node[v].states.len()).sum();
        let count = logs.len();
        Ok((laws.into_pyarray(py).reshape([count, width])?, logs.into_pyarray(py)))
    }

    /// The network in which some variables are set by hand, cut from their parents.
    fn do_(&self, py: Python<'_>, states: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut set = vec![];
        for (v, finding) in self.evidence(py, Some(states))? {
            let Finding::State(state) = finding else {
                return Err(self.wrong(py, v, "an intervention sets one state".into()));
            };
            set.push((v, state));
        }
        let cut = || {
            let mut spec = self.kernel.spec().clone();
            for (v, state) in set {
                let node = &mut spec.node[v];
                node.given.clear();
                node.cpd = Cpd::Table((0..node.states.len()).map(|s| f64::from(u8::from(s == state))).collect());
            }
            Kernel::new(spec, self.effort)
        };
        BayesNet::made(py, cut, self.effort)
    }

    /// P(target = state | evidence), and for every parameter that is neither 0 nor 1: its variable, its entry in that
    /// variable's table (of a noisy maximum in its links, one after the other, and its leak), and (θ, ∂P(target, e)/∂θ / P(e), ∂P(e)/∂θ / P(e)), the rest of its row in proportion.
    #[pyo3(signature = (target, state, evidence=None))]
    fn slopes<'py>(
        &self,
        py: Python<'py>,
        target: &str,
        state: &str,
        evidence: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Slopes<'py>> {
        let evidence = self.evidence(py, evidence)?;
        let v = self.number(py, target)?;
        let s = self.state(py, v, state)?;
        let (value, slopes) = self.take(py, &evidence, |control| self.kernel.slopes(v, s, &evidence, control))?;
        let numbers: Vec<f64> = slopes.iter().flat_map(|s| [s.theta, s.joint, s.evidence]).collect();
        let count = slopes.len();
        let variables = slopes.iter().map(|s| s.variable).collect();
        let entries = slopes.iter().map(|s| s.entry).collect();
        Ok((value, variables, entries, numbers.into_pyarray(py).reshape([count, 3])?))
    }

    /// For every variable that is not observed: expected bits about the target, and expected drop of its Brier score.
    #[pyo3(signature = (target, evidence=None))]
    fn information<'py>(
        &self,
        py: Python<'py>,
        target: &str,
        evidence: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Told<'py>> {
        let evidence = self.evidence(py, evidence)?;
        let v = self.number(py, target)?;
        let told = self.take(py, &evidence, |control| self.kernel.engine().information(v, &evidence, control))?;
        let bits: Vec<f64> = told.iter().map(|t| t.bits).collect();
        let brier: Vec<f64> = told.iter().map(|t| t.brier).collect();
        Ok((told.iter().map(|t| t.variable).collect(), bits.into_pyarray(py), brier.into_pyarray(py)))
    }

    /// P(target = state | evidence), and for each finding: its variable and (weight of evidence in nats, the probability
    /// without it, its surprise given the others).
    #[pyo3(signature = (target, state, evidence))]
    fn weights<'py>(
        &self,
        py: Python<'py>,
        target: &str,
        state: &str,
        evidence: &Bound<'_, PyDict>,
    ) -> PyResult<Weights<'py>> {
        let evidence = self.evidence(py, Some(evidence))?;
        let v = self.number(py, target)?;
        let s = self.state(py, v, state)?;
        let (value, weights) =
            self.take(py, &evidence, |control| self.kernel.engine().weights(v, s, &evidence, control))?;
        let numbers: Vec<f64> = weights.iter().flat_map(|w| [w.weight, w.without, w.surprise]).collect();
        let count = weights.len();
        let variables = weights.iter().map(|w| w.variable).collect();
        Ok((value, variables, numbers.into_pyarray(py).reshape([count, 3])?))
    }

    /// Whether two sets are d-separated by a third.
    fn separated(&self, py: Python<'_>, a: Vec<String>, b: Vec<String>, given: Vec<String>) -> PyResult<bool> {
        let (a, b, given) = (self.numbers(py, &a)?, self.numbers(py, &b)?, self.numbers(py, &given)?);
        Ok(separated(self.kernel.parents(), &a, &b, &given))
    }

    /// Parents, children and the children's other parents.
    fn blanket(&self, py: Python<'_>, name: &str) -> PyResult<Vec<String>> {
        Ok(self.named(&blanket(self.kernel.parents(), self.number(py, name)?)))
    }
}
