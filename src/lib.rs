//! escalade: forecast how crises climb.
//!
//! One model holds **drivers** (a discrete Bayesian network), **ladders** (Markov processes in continuous time whose
//! intensities depend on the drivers and on each other), **indicators** and dated **developments**. It is compiled from a
//! tree of plain values ([`escalation::spec`], in TOML or JSON), fitted, and asked dated questions, exactly.
//!
//! ```
//! use escalade::escalation::{dossier::Dossier, fitted::Fitted, model::Model, question::Question, read};
//! use escalade::ground::Control;
//! use std::sync::Arc;
//!
//! let model = read::model_from_toml(
//!     r#"
//!     origin = "2024-10-01"
//!
//!     [[driver]]
//!     name = "restraint"
//!     states = ["strong", "weak"]
//!     table = [0.7, 0.3]
//!
//!     [[ladder]]
//!     name = "peninsula"
//!     rungs = ["rhetoric", "provocation", "clash"]
//!     start = "rhetoric"
//!     rate = [
//!         { moves = "up", chance = "unlikely", within = "1 year" },
//!         { moves = "down", chance = "likely", within = "3 months" },
//!     ]
//!     effect = [{ when = { driver = "restraint", is = "weak" }, moves = "up", factor = 2, spread = 1.5 }]
//!     "#,
//!     None,
//! )?;
//! let dossier = read::dossier_from_toml(
//!     r#"
//!     as_of = "2024-11-30"
//!
//!     [[development]]
//!     id = "hostile-state"
//!     saw = { ladder = "peninsula", at_least = "provocation" }
//!     between = ["2024-10-08", "2024-10-17"]
//!     grade = "B2"
//!     "#,
//!     None,
//! )?;
//! let questions = read::questions_from_toml(
//!     r#"
//!     [[question]]
//!     name = "clash by mid-2025"
//!     ask = { reach = { ladder = "peninsula", is = "clash" }, by = "2025-06-30" }
//!     "#,
//!     None,
//! )?;
//!
//! let control = Control::default();
//! let model = Arc::new(Model::compile(&model)?);
//! let fit = Fitted::learn(model.clone(), dossier, 200, 0, &control)?;
//! let clash = Question::compile(&questions.question[0], &model, fit.dossier().as_of)?;
//! let answer = fit.ask(&[clash], &control)?.summary(0.9);
//! assert!(0.0 < answer.low[0] && answer.low[0] < answer.mean[0] && answer.mean[0] < answer.high[0]);
//! # Ok::<(), escalade::ground::Error>(())
//! ```
//!
//! # Storeys
//!
//! [`escalation`] (the coupled model) stands on [`bayes`] (the drivers' network) and [`markov`] (joint spaces, generators,
//! monitors, what carries a vector through time); these two do not know each other; all stand on [`ground`] (errors, dates,
//! words, limits, random streams). Names become indices in [`escalation::check`], once; the sweep
//! ([`escalation::sweep`]) is the only place where a joint vector is carried through time.

pub mod bayes;
pub mod escalation;
pub mod ground;
pub mod markov;

#[cfg(feature = "python")]
mod python;
