//! Filtering: the law of the ladders given only what was complete by a time.

use super::dossier::{Dossier, Evidence, Record};
use super::engine::{Evaluated, Prepared, mix};
use super::model::Model;
use super::scenario::Scenario;
use super::theta::Values;
use crate::ground::{Control, Result};
use rayon::prelude::*;
use std::collections::BTreeSet;
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
    let laws: Vec<Vec<Vec<f64>>> = cuts(&scenario.dossier, times)
        .par_iter()
        .map(|(dossier, times)| {
            let laws = cut_laws(model, dossier, &scenario.surgery, times, &values, control)?;
            control.check().map(|()| laws)
        })
        .collect::<Result<Vec<_>>>()?
        .concat();
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|&a, &b| times[a].total_cmp(&times[b]));
    let mut by_time: Vec<Vec<f64>> = vec![vec![]; times.len()];
    for (at, law) in order.into_iter().zip(laws) {
        by_time[at] = law.concat();
    }
    Ok(by_time.concat())
}

/// The times in ascending order, those that see the same evidence together.
fn cuts(dossier: &Dossier, times: &[f64]) -> Vec<(Dossier, Vec<f64>)> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut cuts: Vec<(Dossier, Vec<f64>)> = vec![];
    for time in sorted {
        let cut = until(dossier, time);
        match cuts.last_mut() {
            Some((known, times)) if known.developments == cut.developments => {
                known.as_of = time;
                times.push(time);
            }
            _ => cuts.push((cut, vec![time])),
        }
    }
    cuts
}

/// `[time][ladder][rung]` at times (ascending) between which nothing more is learnt.
///
/// Ladders that the evidence reaches are read from one sweep; each other one from the least that carries it.
fn cut_laws(
    model: &Arc<Model>,
    dossier: &Dossier,
    surgery: &[(usize, usize)],
    times: &[f64],
    values: &Values,
    control: &Control,
) -> Result<Vec<Vec<Vec<f64>>>> {
    let mut laws: Vec<Vec<Vec<f64>>> = vec![vec![vec![]; model.ladders.len()]; times.len()];
    let mut read = |wanted: &[usize]| -> Result<BTreeSet<usize>> {
        let mut prepared = Prepared::new(model, dossier, wanted, times)?;
        prepared.surgery = surgery.to_vec();
        let evaluated = prepared.forward(values.clone(), control)?;
        let found = filtered_laws(&prepared, &evaluated)?;
        let own = if wanted.is_empty() { prepared.carried.iter().copied().collect() } else { wanted.to_vec() };
        for ladder in own {
            laws.iter_mut().zip(&found[ladder]).for_each(|(at, law)| at[ladder].clone_from(law));
        }
        Ok(prepared.carried)
    };
    let carried = read(&[])?;
    (0..model.ladders.len())
        .filter(|ladder| !carried.contains(ladder))
        .try_for_each(|ladder| read(&[ladder]).map(drop))?;
    Ok(laws)
}

/// `[ladder][mark][rung]`.
fn filtered_laws(prepared: &Prepared, evaluated: &Evaluated) -> Result<Vec<Vec<Vec<f64>>>> {
    let mut laws: Vec<Vec<Vec<f64>>> = vec![vec![]; prepared.model.ladders.len()];
    for (plan, passes) in prepared.plans.iter().zip(&evaluated.swept).filter(|(plan, _)| !plan.part.ladders.is_empty())
    {
        let weights = evaluated.joined.posterior(&plan.part.drivers)?;
        for (pass, &weight) in passes.iter().zip(&weights).filter(|(_, weight)| **weight > 0.0) {
            mix(plan, &pass.marks, weight, &mut laws);
        }
    }
    Ok(laws)
}

/// What had happened by a time: points before it, spans that had closed, timed events so far.
fn until(dossier: &Dossier, time: f64) -> Dossier {
    let mut cut = dossier.clone();
    cut.as_of = time;
    cut.developments.retain_mut(|development| match &mut development.evidence {
        Evidence::State { time: t, .. }
        | Evidence::Soft { time: t, .. }
        | Evidence::Status { time: t, .. }
        | Evidence::Measured { time: t, .. }
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
        Evidence::Trusted { .. } => true,
    });
    let late = |evidence: &Evidence| match evidence.plain() {
        Evidence::State { time: t, .. } | Evidence::Window { end: t, .. } => *t > time,
        _ => false,
    };
    cut.developments.retain(|d| !matches!(d.evidence, Evidence::Trusted { .. }) || !late(&d.evidence));
    cut
}
