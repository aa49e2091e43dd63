//! Expected time that conditions hold over a span, given all evidence before, in and after it.

use super::condition::Condition;
use super::dossier::{Development, Dossier, Evidence};
use super::engine::Prepared;
use super::model::Model;
use super::plan::Plan;
use super::restrict::Known;
use super::sweep::{Gained, Keep, Sweep, Swept};
use super::theta::{Statistics, Values};
use crate::ground::{Control, Error, Result};
use crate::markov::Tally;
use std::sync::Arc;

/// Conditions and a span, compiled against a dossier.
#[derive(Debug)]
pub struct Occupancy {
    prepared: Prepared,
    conditions: Vec<Condition>,
    /// The plan that each condition is read from.
    plans: Vec<usize>,
}

impl Occupancy {
    /// Compiles the span [start, end], days since the origin. A span may reach beyond the dossier's date.
    ///
    /// # Errors
    /// `Spec` where the span is empty; `TooLarge`, before memory is taken.
    pub fn new(
        model: &Arc<Model>,
        dossier: &Dossier,
        surgery: &[(usize, usize)],
        conditions: Vec<Condition>,
        span: (f64, f64),
    ) -> Result<Self> {
        let (start, end) = span;
        if !(0.0 <= start && start < end && end.is_finite()) {
            let message = format!("it goes from day {start} to day {end} after the origin; a later end is expected");
            return Err(Error::spec("time_in", "over", message));
        }
        let mut dossier = dossier.clone();
        for (k, when) in conditions.iter().enumerate() {
            // It says nothing, but what the condition looks at is swept together.
            let evidence = Evidence::State { time: end, when: when.clone(), hit: 1.0, miss: 1.0 };
            let reported = dossier.as_of;
            dossier.developments.push(Development { id: format!("time in condition {k}"), reported, evidence });
        }
        dossier.as_of = dossier.as_of.max(end);
        let mut prepared = Prepared::new(model, &dossier, &[], &[start, end])?;
        prepared.surgery = surgery.to_vec();
        let inside = |plan: &Plan, when: &Condition| {
            when.ladders().iter().all(|l| plan.part.ladders.contains(l))
                && when.drivers().iter().all(|d| plan.part.drivers.contains(d))
        };
        let place = |when: &Condition| prepared.plans.iter().position(|plan| inside(plan, when)).unwrap_or(0);
        let plans = conditions.iter().map(place).collect();
        Ok(Occupancy { prepared, conditions, plans })
    }

    /// Days, one number for each condition.
    ///
    /// # Errors
    /// `Impossible` where the evidence has probability 0.
    pub fn days(&self, values: &Values, control: &Control) -> Result<Vec<f64>> {
        let mut logs = vec![];
        let mut found: Vec<Vec<Vec<f64>>> = vec![];
        let opened = self.prepared.opened(values, control)?;
        for (number, plan) in self.prepared.plans.iter().enumerate() {
            let filled = plan.part.fill(values)?;
            let asked: Vec<usize> = (0..self.plans.len()).filter(|&k| self.plans[k] == number).collect();
            let (mut own, mut days) = (vec![], vec![]);
            for config in 0..plan.part.configs.len() {
                let sweep = Sweep::new(plan, &filled, values, config, control);
                let keep = if asked.is_empty() { Keep::Nothing } else { Keep::Steps };
                let swept = sweep.forward(opened[number].law(&plan.part.space, config), keep)?;
                own.push(swept.log);
                let counted = !asked.is_empty() && swept.log.is_finite();
                days.push(if counted { self.counted(plan, &sweep, &swept, config, &asked)? } else { vec![] });
            }
            logs.push(own);
            found.push(days);
        }
        let joined = self.prepared.join(values, logs)?;
        if !joined.log_evidence.is_finite() {
            let message = "the developments contradict each other".into();
            return Err(Error::Impossible { development: None, message });
        }
        let mut total = vec![0.0; self.conditions.len()];
        for (number, (plan, days)) in self.prepared.plans.iter().zip(&found).enumerate() {
            let weights = joined.posterior(&plan.part.drivers)?;
            let asked = (0..self.plans.len()).filter(|&k| self.plans[k] == number);
            for (place, condition) in asked.enumerate() {
                let own = days.iter().zip(&weights).filter(|(days, _)| !days.is_empty());
                total[condition] = own.map(|(days, weight)| weight * days[place]).sum();
            }
        }
        Ok(total)
    }

    /// Of the conditions asked of a plan, in one configuration.
    fn counted(
        &self,
        plan: &Plan,
        sweep: &Sweep<'_>,
        swept: &Swept,
        config: usize,
        asked: &[usize],
    ) -> Result<Vec<f64>> {
        let model = &*self.prepared.model;
        let (tally, none) = (Tally::new(plan.part.labels()), Statistics::zero(&model.parameters));
        let mut gained = Gained::new(tally, none);
        gained.between = true;
        sweep.backward(swept, 1.0, &mut gained)?;
        let mut days = vec![0.0; asked.len()];
        for (&piece, sheet) in &gained.sheets {
            let drivers = plan.part.drivers_at(model, config, piece);
            let known = Known { drivers: &drivers, time: plan.part.calendar.piece_start(piece) };
            for (days, &condition) in days.iter_mut().zip(asked) {
                let here = self.conditions[condition].restrict(&known);
                let field = plan.part.field(&here.ladders(), |rung| here.at_rungs(&rung));
                field.runs(&plan.part.space, |start, end, index| {
                    if field.table()[index] {
                        *days += sheet.spent[start..end].iter().sum::<f64>();
                    }
                });
            }
        }
        Ok(days)
    }
}
