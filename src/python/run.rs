//! The only door into long work: no GIL, Ctrl-C within a tenth of a second, progress, threads of our own.

use super::errors::{InternalError, raise};
use crate::ground::{Control, Error, Result, limits};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often signals are looked at and progress is told.
const SLICE: Duration = Duration::from_millis(100);

/// Most threads that can be asked for.
const THREADS: usize = 1024;

/// The pool, with the process that made it (a forked child must make its own) and its size.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

fn pool() -> PyResult<Arc<ThreadPool>> {
    build(None)
}

fn build(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    let broken = |_| PyRuntimeError::new_err("the lock of the thread pool is poisoned");
    let mut held = POOL.lock().map_err(broken)?;
    let process = std::process::id();
    match (held.as_ref(), threads) {
        (Some((owner, pool)), None) if *owner == process => Ok(pool.clone()),
        _ => {
            let made = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
            let made = Arc::new(made.map_err(|error| PyRuntimeError::new_err(error.to_string()))?);
            if let Some((owner, old)) = held.replace((process, made.clone()))
                && owner != process
            {
                // A forked child's copy of the parent's pool has no threads to join.
                std::mem::forget(old);
            }
            Ok(made)
        }
    }
}

/// Runs `work` away from the GIL; `progress`, if given, is called with the share done, in [0, 1].
pub fn run<T: Send>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&Control) -> Result<T> + Send,
) -> PyResult<T> {
    let control = Control::default();
    let pool = pool()?;
    std::thread::scope(|scope| {
        let (done, mut wait) = channel();
        let control = &control;
        let worker = scope.spawn(move || {
            let result = pool.install(|| work(control));
            // The other end may have gone away with an interrupt; the result is dropped with it.
            let _ = done.send(result);
        });
        let mut interrupt = None;
        let received = loop {
            let result;
            (result, wait) = py.detach(move || (wait.recv_timeout(SLICE), wait));
            match result {
                Ok(result) => break Some(result),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => {
                    let told = progress.as_ref().map_or(Ok(()), |tell| tell.call1(py, (control.progress(),)).map(drop));
                    if interrupt.is_none()
                        && let Err(error) = py.check_signals().and(told)
                    {
                        interrupt = Some(error);
                        control.stop();
                    }
                }
            }
        };
        let _ = worker.join();
        match (interrupt, received) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => result.map_err(|error| raise(py, error)),
            (None, None) => Err(InternalError::new_err("the kernel stopped on an internal error; please report it")),
        }
    })
}

/// Runs work that is short, away from the GIL but in this thread: a thread of its own would cost more than it.
pub fn run_here<T: Send>(py: Python<'_>, work: impl FnOnce(&Control) -> Result<T> + Send) -> PyResult<T> {
    py.detach(|| work(&Control::default())).map_err(|error| raise(py, error))
}

/// Use so many threads from now on (0: as many as there are cores). Results do not depend on it.
#[pyfunction]
fn set_threads(py: Python<'_>, n: usize) -> PyResult<()> {
    if n > THREADS {
        let message = format!("{n} threads are asked for; at most {THREADS} are possible");
        return Err(raise(py, Error::spec("threads", "threads", message)));
    }
    build(Some(n)).map(drop)
}

/// Number of threads in use.
#[pyfunction]
fn threads() -> PyResult<usize> {
    Ok(pool()?.current_num_threads())
}

/// Refuse answers that would take more bytes than this (0: restore the default, 60 % of what was free at first use).
#[pyfunction]
fn set_memory_limit(bytes: f64) {
    limits::set_memory(bytes);
}

/// Bytes that an exact answer may take.
#[pyfunction]
fn memory_limit() -> f64 {
    limits::memory()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(set_threads, module)?)?;
    module.add_function(wrap_pyfunction!(threads, module)?)?;
    module.add_function(wrap_pyfunction!(set_memory_limit, module)?)?;
    module.add_function(wrap_pyfunction!(memory_limit, module)?)
}
