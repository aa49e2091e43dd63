//! `Generator` and the functions of chains in discrete time: arrays in, arrays out.

use super::errors::raise;
use super::run::{run, run_here};
use crate::ground::{Control, Error, Result};
use crate::markov::chain::{self, Sequences, Test};
use crate::markov::exponential::Exponential;
use crate::markov::generator::{Generator as Kernel, Move};
use crate::markov::hitting::{self, Solved};
use crate::markov::simulate::{self, Paths};
use crate::markov::{passage, stationary, transient};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use std::sync::Arc;

type Numbers<'py> = Bound<'py, PyArray1<f64>>;
type Table<'py> = Bound<'py, PyArray2<f64>>;
type Found<'py> = (Numbers<'py>, usize, f64);
type Walked<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<u32>>, Numbers<'py>);
type Decay<'py> = (Numbers<'py>, Numbers<'py>, f64, f64, f64, usize);
type Tested = (f64, usize, f64);
type Told = (usize, usize, usize, Vec<usize>, Vec<f64>);
type Triplets<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Numbers<'py>);
type Fitted = (usize, f64, usize, f64, f64, Option<Tested>);

/// Rungs whose matrix is so small that a thread of its own would cost more than the work.
const HERE: usize = 32;

/// The rates of the moves between named rungs.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct Generator {
    kernel: Arc<Kernel>,
    names: Names,
}

/// Rungs by name: one list, or one a ladder, whose joint rungs have the last ladder fastest.
#[derive(Debug, Clone)]
struct Names(Vec<Vec<String>>);

impl Names {
    fn of(&self, i: usize) -> String {
        let mut left = i;
        let mut parts: Vec<&str> = vec![];
        for names in self.0.iter().rev() {
            let size = names.len().max(1);
            parts.push(names.get(left % size).map_or("?", String::as_str));
            left /= size;
        }
        parts.reverse();
        parts.join(", ")
    }
}

fn vector(array: &PyReadonlyArray1<'_, f64>) -> Vec<f64> {
    array.as_array().iter().copied().collect()
}

fn flat(array: &PyReadonlyArray2<'_, f64>) -> Vec<f64> {
    array.as_array().iter().copied().collect()
}

fn set(array: &PyReadonlyArray1<'_, bool>) -> Vec<bool> {
    array.as_array().iter().copied().collect()
}

fn found(py: Python<'_>, solved: Solved) -> Found<'_> {
    (solved.values.into_pyarray(py), solved.iterations, solved.residual)
}

fn tested(test: Test) -> Tested {
    (test.statistic, test.degrees, test.p_value)
}

fn walked(py: Python<'_>, paths: Paths) -> Walked<'_> {
    let starts: Vec<i64> = paths.starts.iter().map(|&start| start as i64).collect();
    (starts.into_pyarray(py), paths.rungs.into_pyarray(py), paths.times.into_pyarray(py))
}

impl Generator {
    /// Runs work on the kernel: in this thread where it is small, else with a way to stop it.
    fn take<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&Kernel, &Control) -> Result<T> + Send) -> PyResult<T> {
        let kernel = &self.kernel;
        match kernel.len() <= HERE {
            true => run_here(py, |control| work(kernel, control)),
            false => run(py, None, |control| work(kernel, control)),
        }
    }
}

#[pymethods]
impl Generator {
    /// From a matrix; its rows sum to 0, or its diagonal is 0.
    #[staticmethod]
    fn dense(py: Python<'_>, rungs: Vec<String>, rates: PyReadonlyArray2<'_, f64>) -> PyResult<Self> {
        let shape = rates.as_array().dim();
        if shape != (rungs.len(), rungs.len()) {
            let message = format!("it has {} × {} rates; there are {} rungs", shape.0, shape.1, rungs.len());
            return Err(raise(py, Error::spec("generator", "the generator", message)));
        }
        let names = Names(vec![rungs]);
        let kernel = Kernel::dense(&flat(&rates), shape.0, &|i| names.of(i)).map_err(|error| raise(py, error))?;
        Ok(Generator { kernel: Arc::new(kernel), names })
    }

    /// From triplets.
    #[staticmethod]
    fn sparse(
        py: Python<'_>,
        rungs: Vec<String>,
        rows: PyReadonlyArray1<'_, i64>,
        columns: PyReadonlyArray1<'_, i64>,
        rates: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Self> {
        let n = rungs.len();
        let place = |i: i64| usize::try_from(i).unwrap_or(usize::MAX);
        let (rows, columns) = (rows.as_array(), columns.as_array());
        let rates = rates.as_array();
        let moves: Vec<(usize, usize, f64)> =
            rows.iter().zip(&columns).zip(&rates).map(|((&i, &j), &rate)| (place(i), place(j), rate)).collect();
        let names = Names(vec![rungs]);
        let kernel = run(py, None, |_| Kernel::sparse(n, moves, &|i| names.of(i)))?;
        Ok(Generator { kernel: Arc::new(kernel), names })
    }

    /// Of ladders that move one at a time: (ladder, from, to, ladders that the rates look at, rates).
    #[staticmethod]
    fn coupled(py: Python<'_>, ladders: Vec<Vec<String>>, moves: Vec<Told>) -> PyResult<Self> {
        let sizes: Vec<usize> = ladders.iter().map(Vec::len).collect();
        let moves: Vec<Move> =
            moves.into_iter().map(|(axis, from, to, looks, rates)| Move { axis, from, to, looks, rates }).collect();
        let kernel = run(py, None, |_| Kernel::coupled(&sizes, &moves))?;
        Ok(Generator { kernel: Arc::new(kernel), names: Names(ladders) })
    }

    fn __len__(&self) -> usize {
        self.kernel.len()
    }

    /// Total rate out of each rung.
    fn exit_rates<'py>(&self, py: Python<'py>) -> Numbers<'py> {
        self.kernel.exit().to_vec().into_pyarray(py)
    }

    /// The moves as (row, column, rate).
    fn moves<'py>(&self, py: Python<'py>) -> PyResult<Triplets<'py>> {
        let (rows, columns, rates) = self.take(py, |kernel, control| {
            let (mut rows, mut columns, mut rates) = (vec![], vec![], vec![]);
            for i in 0..kernel.len() {
                if i % 1024 == 0 {
                    control.check()?;
                }
                kernel.row(i, |j, rate| {
                    rows.push(i as i64);
                    columns.push(j as i64);
                    rates.push(rate);
                });
            }
            Ok((rows, columns, rates))
        })?;
        Ok((rows.into_pyarray(py), columns.into_pyarray(py), rates.into_pyarray(py)))
    }

    /// The whole matrix.
    fn matrix<'py>(&self, py: Python<'py>) -> PyResult<Table<'py>> {
        let matrix = self.take(py, |kernel, _| kernel.matrix())?;
        let n = matrix.nrows();
        let flat: Vec<f64> = (0..n * n).map(|k| matrix[(k / n, k % n)]).collect();
        flat.into_pyarray(py).reshape([n, n])
    }

    /// e^{Qt} at each time, shape (times, n, n).
    fn transition<'py>(
        &self,
        py: Python<'py>,
        times: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray3<f64>>> {
        let times = vector(&times);
        let n = self.kernel.len();
        let flat = self.take(py, |kernel, control| {
            crate::markov::generator::hold(8.0 * (n * n) as f64 * (times.len() + 6) as f64, "the transition matrices")?;
            let matrix = kernel.matrix()?;
            let rates: Vec<f64> = (0..n * n).map(|k| matrix[(k / n, k % n)]).collect();
            let exponential = Exponential::new(&rates, n);
            let mut flat = vec![0.0; n * n * times.len()];
            for (out, time) in flat.chunks_exact_mut(n * n).zip(&times) {
                control.check()?;
                exponential.batch(std::slice::from_ref(time), out);
            }
            Ok(flat)
        })?;
        flat.into_pyarray(py).reshape([times.len(), n, n])
    }

    /// e^{Qt} and its derivative along a direction, each of shape (n, n).
    fn along<'py>(
        &self,
        py: Python<'py>,
        time: f64,
        direction: PyReadonlyArray2<'py, f64>,
    ) -> PyResult<(Table<'py>, Table<'py>)> {
        let n = self.kernel.len();
        let direction = flat(&direction);
        let (law, slope) = self.take(py, |kernel, _| {
            let matrix = kernel.matrix()?;
            let rates: Vec<f64> = (0..n * n).map(|k| matrix[(k / n, k % n)]).collect();
            Ok(Exponential::new(&rates, n).along(time, &direction))
        })?;
        Ok((law.into_pyarray(py).reshape([n, n])?, slope.into_pyarray(py).reshape([n, n])?))
    }

    /// The law at each time from a start, shape (times, n).
    fn law<'py>(
        &self,
        py: Python<'py>,
        start: PyReadonlyArray1<'py, f64>,
        times: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Table<'py>> {
        let (start, times) = (vector(&start), vector(&times));
        let flat = self.take(py, |kernel, control| transient::law(kernel, &start, &times, control))?;
        flat.into_pyarray(py).reshape([times.len(), self.kernel.len()])
    }

    /// The expectation of a value at each time from every rung, shape (times, n).
    fn expect<'py>(
        &self,
        py: Python<'py>,
        values: PyReadonlyArray1<'py, f64>,
        times: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Table<'py>> {
        let (values, times) = (vector(&values), vector(&times));
        let flat = self.take(py, |kernel, control| transient::expect(kernel, &values, &times, control))?;
        flat.into_pyarray(py).reshape([times.len(), self.kernel.len()])
    }

    /// P(reached by t), its density and P(still on the way), at each time.
    #[pyo3(signature = (start, target, times, within=None))]
    fn passage<'py>(
        &self,
        py: Python<'py>,
        start: PyReadonlyArray1<'py, f64>,
        target: PyReadonlyArray1<'py, bool>,
        times: PyReadonlyArray1<'py, f64>,
        within: Option<PyReadonlyArray1<'py, bool>>,
    ) -> PyResult<(Numbers<'py>, Numbers<'py>, Numbers<'py>)> {
        let (start, target, times) = (vector(&start), set(&target), vector(&times));
        let within = within.map(|within| set(&within));
        let passage = self
            .take(py, |kernel, control| passage::reach(kernel, &start, &target, within.as_deref(), &times, control))?;
        Ok((passage.reached.into_pyarray(py), passage.density.into_pyarray(py), passage.waiting.into_pyarray(py)))
    }

    /// P(reached by t) from every rung, shape (times, n).
    #[pyo3(signature = (target, times, within=None))]
    fn reach_from_each<'py>(
        &self,
        py: Python<'py>,
        target: PyReadonlyArray1<'py, bool>,
        times: PyReadonlyArray1<'py, f64>,
        within: Option<PyReadonlyArray1<'py, bool>>,
    ) -> PyResult<Table<'py>> {
        let (target, times) = (set(&target), vector(&times));
        let within = within.map(|within| set(&within));
        let flat = self.take(py, |kernel, control| {
            passage::reach_from_each(kernel, &target, within.as_deref(), &times, control)
        })?;
        flat.into_pyarray(py).reshape([times.len(), self.kernel.len()])
    }

    /// The expected reward gathered until each time from a start.
    fn accumulated<'py>(
        &self,
        py: Python<'py>,
        start: PyReadonlyArray1<'py, f64>,
        rewards: PyReadonlyArray1<'py, f64>,
        times: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Numbers<'py>> {
        let (start, rewards, times) = (vector(&start), vector(&rewards), vector(&times));
        let out = self.take(py, |kernel, control| transient::accumulated(kernel, &start, &rewards, &times, control))?;
        Ok(out.into_pyarray(py))
    }

    /// The expected reward gathered until each time from every rung, shape (times, n).
    fn accumulated_from_each<'py>(
        &self,
        py: Python<'py>,
        rewards: PyReadonlyArray1<'py, f64>,
        times: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Table<'py>> {
        let (rewards, times) = (vector(&rewards), vector(&times));
        let flat =
            self.take(py, |kernel, control| transient::accumulated_from_each(kernel, &rewards, &times, control))?;
        flat.into_pyarray(py).reshape([times.len(), self.kernel.len()])
    }

    /// P(ever reached) from every rung, iterations, residual.
    #[pyo3(signature = (target, within=None))]
    fn hitting<'py>(
        &self,
        py: Python<'py>,
        target: PyReadonlyArray1<'py, bool>,
        within: Option<PyReadonlyArray1<'py, bool>>,
    ) -> PyResult<Found<'py>> {
        let target = set(&target);
        let within = within.map(|within| set(&within));
        let solved =
            self.take(py, |kernel, control| hitting::probability(kernel, &target, within.as_deref(), control))?;
        Ok(found(py, solved))
    }

    /// The expected reward gathered until the target is reached, from every rung, iterations, residual.
    fn gathered<'py>(
        &self,
        py: Python<'py>,
        target: PyReadonlyArray1<'py, bool>,
        rewards: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Found<'py>> {
        let (target, rewards) = (set(&target), vector(&rewards));
        let solved = self.take(py, |kernel, control| hitting::gathered(kernel, &target, &rewards, control))?;
        Ok(found(py, solved))
    }

    /// The expected power of the time to the target, also if it is reached, from every rung, iterations, residual.
    fn moment<'py>(
        &self,
        py: Python<'py>,
        target: PyReadonlyArray1<'py, bool>,
        order: u32,
        if_reached: bool,
    ) -> PyResult<Found<'py>> {
        let target = set(&target);
        let solved = self.take(py, |kernel, control| match if_reached {
            true => hitting::moment_if_reached(kernel, &target, order, control),
            false => hitting::moment(kernel, &target, order, control),
        })?;
        Ok(found(py, solved))
    }

    /// The variance of the time to the target, also if it is reached, from every rung, iterations, residual.
    fn variance<'py>(
        &self,
        py: Python<'py>,
        target: PyReadonlyArray1<'py, bool>,
        if_reached: bool,
    ) -> PyResult<Found<'py>> {
        let target = set(&target);
        let solved = self.take(py, |kernel, control| match if_reached {
            true => hitting::variance_if_reached(kernel, &target, control),
            false => hitting::variance(kernel, &target, control),
        })?;
        Ok(found(py, solved))
    }

    /// The times by which the target has been reached with these probabilities.
    #[pyo3(signature = (start, target, probabilities, within=None))]
    fn quantiles<'py>(
        &self,
        py: Python<'py>,
        start: PyReadonlyArray1<'py, f64>,
        target: PyReadonlyArray1<'py, bool>,
        probabilities: PyReadonlyArray1<'py, f64>,
        within: Option<PyReadonlyArray1<'py, bool>>,
    ) -> PyResult<Numbers<'py>> {
        let (start, target, probabilities) = (vector(&start), set(&target), vector(&probabilities));
        let within = within.map(|within| set(&within));
        let times = self.take(py, |kernel, control| {
            passage::quantiles(kernel, &start, &target, within.as_deref(), &probabilities, control)
        })?;
        Ok(times.into_pyarray(py))
    }

    /// The expected discounted reward from every rung, iterations, residual.
    fn discounted<'py>(
        &self,
        py: Python<'py>,
        rewards: PyReadonlyArray1<'py, f64>,
        discount: f64,
    ) -> PyResult<Found<'py>> {
        let rewards = vector(&rewards);
        let solved = self.take(py, |kernel, control| hitting::discounted(kernel, &rewards, discount, control))?;
        Ok(found(py, solved))
    }

    /// The stationary law, iterations, residual.
    fn stationary<'py>(&self, py: Python<'py>) -> PyResult<Found<'py>> {
        let names = &self.names;
        let solved = self.take(py, |kernel, control| stationary::stationary(kernel, &|i| names.of(i), control))?;
        Ok(found(py, solved))
    }

    /// The law in the long run from a start, iterations, residual.
    fn long_run<'py>(&self, py: Python<'py>, start: PyReadonlyArray1<'py, f64>) -> PyResult<Found<'py>> {
        let start = vector(&start);
        let solved = self.take(py, |kernel, control| stationary::long_run(kernel, &start, control))?;
        Ok(found(py, solved))
    }

    /// The law, profile, rate, its bounds, and iterations, of a chain that has not left a set.
    fn quasi_stationary<'py>(&self, py: Python<'py>, kept: PyReadonlyArray1<'py, bool>) -> PyResult<Decay<'py>> {
        let kept = set(&kept);
        let names = &self.names;
        let q =
            self.take(py, |kernel, control| stationary::quasi_stationary(kernel, &kept, &|i| names.of(i), control))?;
        Ok((q.law.into_pyarray(py), q.profile.into_pyarray(py), q.rate, q.low, q.high, q.iterations))
    }

    /// The members of each closed class.
    fn closed_classes(&self, py: Python<'_>) -> PyResult<Vec<Vec<usize>>> {
        self.take(py, |kernel, _| Ok(kernel.links().closed()))
    }

    /// Paths from a start: where each begins, the rungs, when they were entered.
    #[pyo3(signature = (start, horizon, n_paths, seed=0, progress=None))]
    fn paths<'py>(
        &self,
        py: Python<'py>,
        start: PyReadonlyArray1<'py, f64>,
        horizon: f64,
        n_paths: usize,
        seed: u64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Walked<'py>> {
        let start = vector(&start);
        let kernel = &self.kernel;
        let work = |control: &Control| simulate::paths(kernel, &start, horizon, n_paths, seed, control);
        Ok(walked(py, run(py, progress, work)?))
    }

    /// Paths between two rungs.
    #[pyo3(signature = (ends, length, n_paths, seed=0, progress=None))]
    fn bridges<'py>(
        &self,
        py: Python<'py>,
        ends: (usize, usize),
        length: f64,
        n_paths: usize,
        seed: u64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Walked<'py>> {
        let kernel = &self.kernel;
        let work = |control: &Control| simulate::bridges(kernel, ends, length, n_paths, seed, control);
        Ok(walked(py, run(py, progress, work)?))
    }
}

/// Sequences of states in discrete time, −1 where one is missing.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct ChainData {
    states: Vec<i32>,
    starts: Vec<usize>,
    n: usize,
}

impl ChainData {
    fn view(&self) -> Sequences<'_> {
        Sequences { states: &self.states, starts: &self.starts, n: self.n }
    }
}

#[pymethods]
impl ChainData {
    #[new]
    fn new(
        py: Python<'_>,
        states: PyReadonlyArray1<'_, i32>,
        starts: PyReadonlyArray1<'_, i64>,
        n: usize,
    ) -> PyResult<Self> {
        let states: Vec<i32> = states.as_array().iter().copied().collect();
        let starts: Vec<usize> =
            starts.as_array().iter().map(|&start| usize::try_from(start).unwrap_or(usize::MAX)).collect();
        Sequences::new(&states, &starts, n).map_err(|error| raise(py, error))?;
        Ok(ChainData { states, starts, n })
    }

    /// Counts of moves after `order` states, flat, the last state fastest.
    fn counts<'py>(&self, py: Python<'py>, order: usize) -> PyResult<Numbers<'py>> {
        Ok(run_here(py, |_| self.view().counts(order, 0))?.into_pyarray(py))
    }

    /// How often each state comes first.
    fn firsts<'py>(&self, py: Python<'py>) -> Numbers<'py> {
        self.view().firsts().into_pyarray(py)
    }

    /// Expected counts with missing states summed over, and the rounds it took.
    fn expected_counts<'py>(
        &self,
        py: Python<'py>,
        prior: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<(Numbers<'py>, usize)> {
        let prior = vector(&prior);
        let (counts, rounds) = run(py, None, |control| chain::expected_counts(&self.view(), &prior, control))?;
        Ok((counts.into_pyarray(py), rounds))
    }

    /// ln P of each sequence.
    #[pyo3(signature = (matrix, start=None))]
    fn log_likelihoods<'py>(
        &self,
        py: Python<'py>,
        matrix: PyReadonlyArray2<'py, f64>,
        start: Option<PyReadonlyArray1<'py, f64>>,
    ) -> PyResult<Numbers<'py>> {
        let matrix = flat(&matrix);
        let start = start.map(|start| vector(&start));
        let logs = run(py, None, |control| chain::log_likelihoods(&self.view(), &matrix, start.as_deref(), control))?;
        Ok(logs.into_pyarray(py))
    }

    /// Of orders 0 to `most`: order, log-likelihood, parameters, AIC, BIC, and the test against the next.
    fn orders(&self, py: Python<'_>, most: usize) -> PyResult<Vec<Fitted>> {
        let found = run(py, None, |_| chain::orders(&self.view(), most))?;
        Ok(found
            .into_iter()
            .map(|o| (o.order, o.log_likelihood, o.parameters, o.aic, o.bic, o.test.map(tested)))
            .collect())
    }

    /// The test of one matrix in all periods: statistic, degrees of freedom, p-value.
    fn homogeneity(&self, py: Python<'_>, period: PyReadonlyArray1<'_, i64>, periods: usize) -> PyResult<Tested> {
        let period: Vec<usize> =
            period.as_array().iter().map(|&t| usize::try_from(t).unwrap_or(0).min(periods.max(1) - 1)).collect();
        if period.len() != self.states.len() {
            let message = format!("{} periods are given for {} states", period.len(), self.states.len());
            return Err(raise(py, Error::spec("periods", "the periods", message)));
        }
        run_here(py, |_| chain::homogeneity(&self.view(), &period, periods)).map(tested)
    }
}

/// Refuses a matrix whose rows are no laws, naming the state.
#[pyfunction]
fn chain_check(py: Python<'_>, matrix: PyReadonlyArray2<'_, f64>, states: Vec<String>) -> PyResult<()> {
    let name = |i: usize| states.get(i).cloned().unwrap_or_default();
    chain::check(&flat(&matrix), states.len().max(1), &name).map_err(|error| raise(py, error))
}

/// The matrix of so many steps.
#[pyfunction]
fn chain_power<'py>(py: Python<'py>, matrix: PyReadonlyArray2<'py, f64>, steps: u64) -> PyResult<Table<'py>> {
    let n = matrix.as_array().nrows();
    let matrix = flat(&matrix);
    run_here(py, |_| Ok(chain::n_step(&matrix, n, steps)))?.into_pyarray(py).reshape([n, n])
}

/// The law after each of so many steps, shape (steps, n).
#[pyfunction]
fn chain_laws<'py>(
    py: Python<'py>,
    matrix: PyReadonlyArray2<'py, f64>,
    start: PyReadonlyArray1<'py, f64>,
    steps: Vec<u64>,
) -> PyResult<Table<'py>> {
    let n = matrix.as_array().nrows();
    let (matrix, start) = (flat(&matrix), vector(&start));
    run_here(py, |_| Ok(chain::laws(&matrix, n, &start, &steps)))?.into_pyarray(py).reshape([steps.len(), n])
}

/// Marginal intervals of Dirichlet rows, (low, high), each of shape (rows, n).
#[pyfunction]
fn dirichlet_intervals<'py>(
    py: Python<'py>,
    counts: PyReadonlyArray2<'py, f64>,
    level: f64,
) -> PyResult<(Table<'py>, Table<'py>)> {
    let shape = counts.as_array().dim();
    let counts = flat(&counts);
    let (low, high) = run_here(py, |_| chain::intervals(&counts, shape.1.max(1), level))?;
    let shape = [shape.0, shape.1];
    Ok((low.into_pyarray(py).reshape(shape)?, high.into_pyarray(py).reshape(shape)?))
}

/// Sequences drawn from a chain, shape (count, length).
#[pyfunction]
#[pyo3(signature = (matrix, start, length, count, seed=0, progress=None))]
fn chain_simulate<'py>(
    py: Python<'py>,
    matrix: PyReadonlyArray2<'py, f64>,
    start: PyReadonlyArray1<'py, f64>,
    length: usize,
    count: usize,
    seed: u64,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyArray2<u32>>> {
    let n = matrix.as_array().nrows();
    let (matrix, start) = (flat(&matrix), vector(&start));
    let draws = run(py, progress, |control| chain::simulate(&matrix, n, &start, length, count, seed, control))?;
    draws.into_pyarray(py).reshape([count, length])
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(chain_check, module)?)?;
    module.add_function(wrap_pyfunction!(chain_power, module)?)?;
    module.add_function(wrap_pyfunction!(chain_laws, module)?)?;
    module.add_function(wrap_pyfunction!(dirichlet_intervals, module)?)?;
    module.add_function(wrap_pyfunction!(chain_simulate, module)?)?;
    module.add_class::<ChainData>()?;
    module.add_class::<Generator>()
}
