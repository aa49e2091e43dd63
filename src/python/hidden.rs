//! `HiddenChain` and `Sequences`: a hidden Markov chain and what it is fitted to, as JSON and arrays.

use super::errors::raise;
use super::files::{json, parse};
use super::run::{run, run_here};
use crate::ground::{Control, Error, Result};
use crate::markov::hidden::{Hidden, HiddenPrior, Kind, Sequences as Kernel, Settings, fit_best, start};
use crate::markov::outcome::Column;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use std::sync::Arc;

/// Rows above which work gets a thread of its own, and a way to stop it.
const SHORT: usize = 20_000;

type Smoothed<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>);
type Paths<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<f64>>);
type Drawn<'py> = (Bound<'py, PyArray1<u32>>, Vec<Bound<'py, PyArray1<f64>>>);
type Fitted<'py> = (HiddenChain, f64, f64, Bound<'py, PyArray1<f64>>, usize, bool);

/// Sequences of outcomes, one after the other: sequence s has the rows offsets[s] to offsets[s + 1] of each column.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct Sequences {
    kernel: Arc<Kernel>,
}

/// A column as it comes: codes with the values that they stand for (one more: missing), or rows of numbers (NaN: missing).
#[derive(FromPyObject)]
enum Given<'py> {
    Codes(PyReadonlyArray1<'py, u32>, PyReadonlyArray1<'py, f64>),
    Reals(PyReadonlyArray2<'py, f64>),
}

#[pymethods]
impl Sequences {
    #[new]
    #[pyo3(signature = (offsets, columns, weights=None))]
    fn new(
        py: Python<'_>,
        offsets: PyReadonlyArray1<'_, i64>,
        columns: Vec<Given<'_>>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
    ) -> PyResult<Self> {
        let columns = columns.into_iter().map(|column| match column {
            Given::Codes(codes, values) => Column::codes(codes.as_array().to_vec(), values.as_array().to_vec()),
            Given::Reals(rows) => {
                let dims = rows.as_array().ncols();
                Column::reals(rows.as_array().iter().copied().collect(), dims)
            }
        });
        let columns: Vec<Column> = columns.collect();
        let offsets = offsets.as_array().iter().map(|&at| usize::try_from(at).unwrap_or(usize::MAX)).collect();
        let kernel = Kernel::new(offsets, columns).and_then(|kernel| match weights {
            Some(weights) => kernel.weighted(weights.as_array().to_vec()),
            None => Ok(kernel),
        });
        let kernel = kernel.map_err(|error| raise(py, error))?;
        Ok(Sequences { kernel: Arc::new(kernel) })
    }

    fn __len__(&self) -> usize {
        self.kernel.len()
    }

    /// Number of rows.
    #[getter]
    fn rows(&self) -> usize {
        self.kernel.rows()
    }
}

/// A hidden Markov chain with its parameters. Made from JSON: start, transitions (flat) and families.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug, Clone)]
pub struct HiddenChain {
    kernel: Arc<Hidden>,
}

impl HiddenChain {
    fn work<T: Send>(
        &self,
        py: Python<'_>,
        data: &Sequences,
        work: impl FnOnce(&Hidden, &Kernel, &Control) -> Result<T> + Send,
    ) -> PyResult<T> {
        let (chain, sequences) = (&*self.kernel, &*data.kernel);
        match sequences.rows() < SHORT {
            true => run_here(py, |control| work(chain, sequences, control)),
            false => run(py, None, |control| work(chain, sequences, control)),
        }
    }
}

#[pymethods]
impl HiddenChain {
    #[new]
    fn new(py: Python<'_>, chain_json: &str) -> PyResult<Self> {
        let chain: Hidden = parse(py, "the chain", chain_json)?;
        let kernel = chain.checked().map_err(|error| raise(py, error))?;
        Ok(HiddenChain { kernel: Arc::new(kernel) })
    }

    /// Where to begin: the chain that start `number` of `seed` gives.
    #[staticmethod]
    fn start(
        py: Python<'_>,
        states: usize,
        kinds_json: &str,
        data: &Sequences,
        seed: u64,
        number: u64,
    ) -> PyResult<Self> {
        let kinds: Vec<Kind> = parse(py, "the outcomes", kinds_json)?;
        let begin = |_: &Control| start(states, &kinds, &data.kernel, seed, number).checked();
        Ok(HiddenChain { kernel: Arc::new(run(py, None, begin)?) })
    }

    /// The parameters as JSON.
    fn spec(&self, py: Python<'_>) -> PyResult<String> {
        json(py, &*self.kernel)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        let py = slf.py();
        Ok((py.get_type::<HiddenChain>().into_any().unbind(), (slf.get().spec(py)?,)))
    }

    /// Number of free parameters.
    #[getter]
    fn free(&self) -> usize {
        self.kernel.free()
    }

    /// ln P of each sequence.
    fn log_likelihoods<'py>(&self, py: Python<'py>, data: &Sequences) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(self.work(py, data, |chain, data, control| chain.log_likelihoods(data, control))?.into_pyarray(py))
    }

    /// P(state | sequence), shape (rows, states), and ln P of each sequence.
    fn smoothed<'py>(&self, py: Python<'py>, data: &Sequences) -> PyResult<Smoothed<'py>> {
        let (rows, logs) = self.work(py, data, |chain, data, control| chain.smoothed(data, control))?;
        let shape = [data.kernel.rows(), self.kernel.states()];
        Ok((rows.into_pyarray(py).reshape(shape)?, logs.into_pyarray(py)))
    }

    /// The most probable paths, and ln P(path, outcomes) of each sequence.
    fn best_paths<'py>(&self, py: Python<'py>, data: &Sequences) -> PyResult<Paths<'py>> {
        let (paths, logs) = self.work(py, data, |chain, data, control| chain.best_paths(data, control))?;
        Ok((paths.into_pyarray(py), logs.into_pyarray(py)))
    }

    /// Paths drawn from P(path | outcomes), shape (draws, rows).
    fn drawn_paths<'py>(
        &self,
        py: Python<'py>,
        data: &Sequences,
        draws: u64,
        seed: u64,
    ) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let all = self.work(py, data, |chain, data, control| {
            let each = (0..draws).map(|draw| chain.drawn_paths(data, seed, draw, control));
            Ok(each.collect::<Result<Vec<_>>>()?.concat())
        })?;
        all.into_pyarray(py).reshape([draws as usize, data.kernel.rows()])
    }

    /// New sequences: states, and for each column its numbers (categories by number), flat.
    fn simulate<'py>(&self, py: Python<'py>, lengths: Vec<usize>, seed: u64) -> PyResult<Drawn<'py>> {
        let (states, columns) = run(py, None, |_| Ok(self.kernel.simulate(&lengths, seed)))?;
        Ok((states.into_pyarray(py), columns.into_iter().map(|column| column.into_pyarray(py)).collect()))
    }

    /// Fits from the best of several starts: the chain, its log-likelihood and log-prior, the trace, rounds, whether it
    /// converged.
    #[staticmethod]
    #[pyo3(signature = (starts, data, prior_json, rounds, tolerance, accelerate, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn fit<'py>(
        py: Python<'py>,
        starts: Vec<Bound<'py, HiddenChain>>,
        data: &Sequences,
        prior_json: &str,
        rounds: usize,
        tolerance: f64,
        accelerate: bool,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Fitted<'py>> {
        let prior: HiddenPrior = parse(py, "the priors", prior_json)?;
        let starts: Vec<Hidden> = starts.iter().map(|chain| (*chain.get().kernel).clone()).collect();
        if data.kernel.rows() == 0 {
            return Err(raise(py, Error::spec("sequences", "the sequences", "there is no row to learn from")));
        }
        let settings = Settings { rounds, tolerance, accelerate };
        let fitted = run(py, progress, |control| fit_best(starts, &data.kernel, &prior, settings, control))?;
        Ok((
            HiddenChain { kernel: Arc::new(fitted.chain) },
            fitted.log_likelihood,
            fitted.log_prior,
            fitted.trace.into_pyarray(py),
            fitted.rounds,
            fitted.converged,
        ))
    }
}
