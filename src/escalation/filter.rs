//! Filtering: the law of the ladders given only what was complete by a time.

use super::dossier::{Dossier, Evidence, Record};
use super::engine::{Evaluated, Prepared, mix};
use super::model::Model;
use super::scenario::Scenario;
use crate::ground::{Control, Result};
use std::sync::Arc;

/// The law of every ladder at each time given what was complete by then: `[time][ladder][rung]`, flat.
///
/// A window or count that has not closed says nothing yet; timed events count up to the time, silence included.
pub fn filtered(
    model: &Arc<Model>,
    scenario: &Scenario,
    theta: &[f64],
    times: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    let values = model.parameters.values(theta);
    let mut all = vec![];
    for &time in times {
        let dossier = until(&scenario.dossier, time);
        for ladder in 0..model.ladders.len() {
            let mut prepared = Prepared::new(model, &dossier, &[ladder], &[time])?;
            prepared.surgery.clone_from(&scenario.surgery);
            let evaluated = prepared.forward(values.clone(), control)?;
            all.extend(filtered_law(&prepared, &evaluated, ladder)?);
        }
    }
    Ok(all)
}

fn filtered_law(prepared: &Prepared, evaluated: &Evaluated, ladder: usize) -> Result<Vec<f64>> {
    let mut laws: Vec<Vec<Vec<f64>>> = vec![vec![]; prepared.model.ladders.len()];
    for (plan, passes) in prepared.plans.iter().zip(&evaluated.swept) {
        if plan.part.axis(ladder).is_some() {
            let weights = evaluated.joined.posterior(&plan.part.drivers)?;
            for (pass, &weight) in passes.iter().zip(&weights).filter(|(_, weight)| **weight > 0.0) {
                mix(plan, &pass.marks, weight, &mut laws);
            }
        }
    }
    Ok(laws[ladder].iter().flatten().copied().collect())
}

/// What had happened by a time: points before it, spans that had closed, timed events so far.
fn until(dossier: &Dossier, time: f64) -> Dossier {
    let mut cut = dossier.clone();
    cut.as_of = time;
    cut.developments.retain_mut(|development| match &mut development.evidence {
        Evidence::State { time: t, .. }
        | Evidence::Soft { time: t, .. }
        | Evidence::Status { time: t, .. }
        | Evidence::Move { time: t, .. } => *t <= time,
        Evidence::Window { end, .. } => *end <= time,
        Evidence::Events { start, end, record, .. } => match record {
            Record::Count(_) => *end <= time,
            Record::Times(times) => {
                times.retain(|&t| t <= time);
                *end = end.min(time);
                *start <= time
            }
        },
    });
    cut
}
