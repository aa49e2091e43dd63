//! The only place where an error of the kernel becomes a Python exception.

use crate::ground::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;

create_exception!(
    escalade,
    EscaladeError,
    PyValueError,
    "What escalade refuses; the base of its other errors.\n\n\
     Its message names the entry, the line where there is one, what was given and what was expected."
);
create_exception!(
    escalade,
    SpecError,
    EscaladeError,
    "A model, dossier or question is malformed.\n\n\
     From the kernel it carries `line`, of the file, and `path`, such as `ladder[2].rate[0].moves`."
);
create_exception!(
    escalade,
    ImpossibleEvidence,
    EscaladeError,
    "The developments cannot all be true.\n\n`development` is the id of one that contradicts those before it."
);
create_exception!(
    escalade,
    TooLarge,
    EscaladeError,
    "The exact answer would need more memory than is allowed: `bytes` against `limit`. See `set_memory_limit`, `Model.size`."
);
create_exception!(
    escalade,
    Unidentified,
    EscaladeError,
    "A flat parameter that the evidence says nothing about: `parameter` is its name. Give it a prior or a value."
);
create_exception!(escalade, NotConverged, EscaladeError, "No mode of the posterior was found.");
create_exception!(escalade, InternalError, EscaladeError, "The kernel stopped on an error of its own.");

/// The exception for an error.
pub fn raise(py: Python<'_>, error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Spec { place, .. } => {
            let err = SpecError::new_err(message);
            set(py, &err, "line", place.line);
            set(py, &err, "path", place.path);
            err
        }
        Error::Impossible { development, .. } => {
            let err = ImpossibleEvidence::new_err(message);
            set(py, &err, "development", development);
            err
        }
        Error::Contradiction { .. } => ImpossibleEvidence::new_err(message),
        Error::TooLarge { bytes, limit, .. } => {
            let err = TooLarge::new_err(message);
            set(py, &err, "bytes", bytes);
            set(py, &err, "limit", limit);
            err
        }
        Error::Unidentified { parameter, .. } => {
            let err = Unidentified::new_err(message);
            set(py, &err, "parameter", parameter);
            err
        }
        Error::NotConverged { .. } | Error::Diverged { .. } => NotConverged::new_err(message),
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
    }
}

/// An attribute that cannot be set is left out: the message says it all.
fn set<'py>(py: Python<'py>, error: &PyErr, name: &str, value: impl IntoPyObject<'py>) {
    let _ = error.value(py).setattr(name, value);
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("EscaladeError", py.get_type::<EscaladeError>())?;
    module.add("SpecError", py.get_type::<SpecError>())?;
    module.add("ImpossibleEvidence", py.get_type::<ImpossibleEvidence>())?;
    module.add("TooLarge", py.get_type::<TooLarge>())?;
    module.add("Unidentified", py.get_type::<Unidentified>())?;
    module.add("NotConverged", py.get_type::<NotConverged>())?;
    module.add("InternalError", py.get_type::<InternalError>())
}
