//! Variations on a fit: developments added or struck out, facts given, drivers and ladders set by hand.

use super::condition::Condition;
use super::contradiction::culprit;
use super::dossier::{Development, Dossier, Evidence};
use super::engine::{Evaluated, Prepared};
use super::fit::Learnt;
use super::model::Model;
use super::part::Override;
use super::question::Atom;
use super::spec::{ConditionSpec, DevelopmentSpec, DossierSpec};
use crate::ground::time::Clock;
use crate::ground::{Control, Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A variation on a fit, its parameters kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A condition that holds now (for drivers: over the window).
    Given(ConditionSpec),
    /// More developments.
    Also(Vec<DevelopmentSpec>),
    /// A driver or ladder set by hand from a date on (by default now).
    Do { condition: ConditionSpec, since: Option<String> },
    /// Developments struck out, by id.
    Without(Vec<String>),
}

/// A dossier as changes left it, and what is set by hand.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub dossier: Dossier,
    pub overrides: Vec<Override>,
    /// Drivers set from the origin on.
    pub surgery: Vec<(usize, usize)>,
}

impl Scenario {
    /// Applies changes to a dossier, in order.
    ///
    /// # Errors
    /// `Spec` where a change names what does not exist or sets what cannot be set.
    pub fn compile(model: &Model, spec: &DossierSpec, changes: &[Change]) -> Result<Self> {
        let mut effective = spec.clone();
        for change in changes {
            match change {
                Change::Also(more) => effective.development.extend(more.iter().cloned()),
                Change::Without(ids) => strike(&mut effective, ids)?,
                Change::Given(_) | Change::Do { .. } => {}
            }
        }
        let dossier = Dossier::compile(&effective, model)?;
        refuse_later(&dossier, spec, changes)?;
        let mut scenario = Scenario { dossier, overrides: vec![], surgery: vec![] };
        let clock = Clock::new(&model.origin)?;
        for change in changes {
            match change {
                Change::Given(condition) => {
                    let when = Condition::compile(condition, model)?;
                    let id = format!("given {}", when.describe(model));
                    let now = scenario.dossier.as_of;
                    let evidence = Evidence::State { time: now, when, hit: 1.0, miss: 0.0 };
                    scenario.dossier.developments.push(Development { id, reported: now, evidence });
                }
                Change::Do { condition, since } => {
                    let since = since.as_deref().map(|text| clock.day_start(text)).transpose()?;
                    scenario.set(model, &Condition::compile(condition, model)?, since)?;
                }
                Change::Also(_) | Change::Without(_) => {}
            }
        }
        // Of several settings the latest to begin holds.
        scenario.overrides.sort_by(|a, b| a.since().total_cmp(&b.since()));
        Ok(scenario)
    }

    fn set(&mut self, model: &Model, when: &Condition, since: Option<f64>) -> Result<()> {
        let now = self.dossier.as_of;
        let entry = format!("do({})", when.describe(model));
        let refuse = |message: &str| Err(Error::spec("do", entry.clone(), message));
        let single = |marks: &[bool]| match marks.iter().filter(|&&mark| mark).count() {
            1 => marks.iter().position(|&mark| mark),
            _ => None,
        };
        let since = since.unwrap_or(now);
        match when {
            Condition::Driver { driver, states } => {
                let Some(state) = single(states) else { return refuse("one state is expected, as in driver == state") };
                if since < 0.0 {
                    return refuse("since must not be before the model's origin");
                }
                if since == 0.0 {
                    self.surgery.push((*driver, state));
                } else if since >= now {
                    self.overrides.push(Override::Driver { driver: *driver, state, since });
                } else {
                    return refuse("since must be the model's origin, or as_of or later");
                }
                Ok(())
            }
            Condition::Ladder { ladder, rungs } => {
                let Some(rung) = single(rungs) else { return refuse("one rung is expected, as in ladder == rung") };
                if since < now {
                    return refuse("a ladder can be set from as_of on, not in the past");
                }
                self.overrides.push(Override::Ladder { ladder: *ladder, rung, since });
                Ok(())
            }
            _ => refuse("a driver in one state or a ladder at one rung is expected"),
        }
    }

    /// The plans of the dossier: see [`Prepared::asking`].
    pub fn prepare(&self, model: &Arc<Model>, wanted: &[usize], marks: &[f64], atoms: &[Atom]) -> Result<Prepared> {
        let mut prepared = Prepared::asking(model, &self.dossier, wanted, marks, atoms, None)?;
        prepared.surgery.clone_from(&self.surgery);
        Ok(prepared)
    }

    /// The plans, and the evidence at what was learnt; what it shares with `past` is taken over.
    ///
    /// # Errors
    /// `Impossible`, naming the development that contradicts the others; `Diverged` where the evidence underflows.
    pub fn evaluate(
        &self,
        model: &Arc<Model>,
        learnt: &Learnt,
        past: Option<(&Prepared, &Evaluated)>,
        control: &Control,
    ) -> Result<(Arc<Prepared>, Arc<Evaluated>)> {
        let mut prepared = Prepared::asking(model, &self.dossier, &[], &[], &[], past.map(|(prepared, _)| prepared))?;
        prepared.surgery.clone_from(&self.surgery);
        let evaluated = prepared.append(model.parameters.values(&learnt.theta), past, control)?;
        if !evaluated.joined.log_evidence.is_finite() {
            return Err(culprit(model, &self.dossier, &self.surgery, control)?);
        }
        Ok((Arc::new(prepared), Arc::new(evaluated)))
    }
}

/// Refuses added developments that are reported only after the dossier's date: they would be left out without a word.
fn refuse_later(dossier: &Dossier, spec: &DossierSpec, changes: &[Change]) -> Result<()> {
    for change in changes {
        let Change::Also(more) = change else { continue };
        if let Some(late) = more.iter().find(|development| dossier.left_out.contains(&development.id)) {
            let entry = format!("development '{}'", late.id);
            let message = format!(
                "it is reported after as_of ({}), so it would say nothing; expected one that is known by then, or a \
                 dossier of a later date",
                spec.as_of
            );
            return Err(Error::spec("given", entry, message));
        }
    }
    Ok(())
}

fn strike(spec: &mut DossierSpec, ids: &[String]) -> Result<()> {
    for id in ids {
        let before = spec.development.len();
        spec.development.retain(|development| development.id != *id);
        if spec.development.len() == before {
            let known: Vec<&str> = spec.development.iter().map(|d| d.id.as_str()).collect();
            let message = format!("no development '{id}'; known are {}", known.join(", "));
            return Err(Error::spec("without", "without", message));
        }
    }
    Ok(())
}
