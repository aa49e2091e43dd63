//! The Python module `escalade._core`: conversions and documentation, no mathematics.

mod bayes;
mod errors;
mod explain;
mod files;
mod fit;
mod hidden;
mod markov;
mod model;
mod panel;
mod place;
mod run;
mod spans;
mod worlds;

use pyo3::prelude::*;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::register(module)?;
    files::register(module)?;
    run::register(module)?;
    markov::register(module)?;
    panel::register(module)?;
    module.add_class::<bayes::BayesNet>()?;
    module.add_class::<model::Model>()?;
    fit::register(module)?;
    explain::register(module)?;
    module.add_class::<worlds::Worlds>()?;
    module.add_class::<hidden::Sequences>()?;
    module.add_class::<hidden::HiddenChain>()
}
