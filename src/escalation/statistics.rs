//! The E-step: expected statistics of every parameter, summed over components and driver configurations.
//!
//! By Fisher's identity they are the gradient of the log-evidence. What a component says depends only on the parameters
//! that it uses, so a change elsewhere costs it nothing.

use super::engine::Prepared;
use super::first::Opened;
use super::sweep::{Gained, Keep, Sweep};
use super::theta::{Statistics, Values};
use crate::ground::{Control, Result};
use crate::markov::Tally;
use rayon::prelude::*;
use std::sync::Arc;

/// What one component says under one configuration of its drivers.
#[derive(Debug)]
struct Passage {
    /// Log of P(evidence | configuration).
    log: f64,
    /// Expected statistics given the configuration; `None` where it is impossible.
    statistics: Option<Statistics>,
}

/// What every component says at one value of the parameters.
#[derive(Debug)]
pub struct Told {
    values: Values,
    plans: Vec<Arc<Vec<Passage>>>,
}

impl Prepared {
    /// Sweeps every component forward and back, or takes over from `base` what the change of values leaves alone.
    pub fn tell(&self, values: Values, base: Option<&Told>, control: &Control) -> Result<Told> {
        let known = |plan: usize| {
            let base = base.filter(|base| !self.plans[plan].concerned(&base.values, &values))?;
            Some(base.plans[plan].clone())
        };
        let mut plans: Vec<Option<Arc<Vec<Passage>>>> = (0..self.plans.len()).map(known).collect();
        let new: Vec<usize> = (0..plans.len()).filter(|&plan| plans[plan].is_none()).collect();
        let filled: Vec<_> = new.iter().map(|&plan| self.plans[plan].part.fill(&values)).collect::<Result<_>>()?;
        let opened: Vec<Opened<'_>> =
            new.iter().map(|&plan| self.openings[plan].at(&values, control)).collect::<Result<_>>()?;
        let configs = |k: usize| self.plans[new[k]].part.configs.len();
        let tasks: Vec<(usize, usize)> = (0..new.len()).flat_map(|k| (0..configs(k)).map(move |c| (k, c))).collect();
        let passages: Vec<Passage> = tasks
            .par_iter()
            .map(|&(k, config)| {
                let plan = &self.plans[new[k]];
                let sweep = Sweep::new(plan, &filled[k], &values, config, control);
                let space = &plan.part.space;
                let swept = sweep.forward(opened[k].law(space, config), Keep::Steps)?;
                if !swept.log.is_finite() {
                    return Ok(Passage { log: swept.log, statistics: None });
                }
                let (tally, none) = (Tally::new(plan.part.labels()), Statistics::zero(&self.model.parameters));
                let mut gained = Gained::new(tally, none);
                let column = sweep.backward(&swept, 1.0, &mut gained)?;
                plan.part.pull(&gained.tally, &values, &mut gained.statistics);
                opened[k].gain((space, config), &column, 1.0, control, &mut gained.statistics)?;
                Ok(Passage { log: swept.log, statistics: Some(gained.statistics) })
            })
            .collect::<Result<_>>()?;
        let mut passages = passages.into_iter();
        for (k, &plan) in new.iter().enumerate() {
            plans[plan] = Some(Arc::new(passages.by_ref().take(configs(k)).collect()));
        }
        Ok(Told { values, plans: plans.into_iter().flatten().collect() })
    }

    /// The log-evidence and the expected statistics of every parameter.
    pub fn expected(&self, told: &Told) -> Result<(f64, Statistics)> {
        let logs = told.plans.iter().map(|plan| plan.iter().map(|passage| passage.log).collect()).collect();
        let joined = self.join(&told.values, logs)?;
        let mut total = Statistics::zero(&self.model.parameters);
        for (plan, passages) in self.plans.iter().zip(&told.plans) {
            let weights = joined.posterior(&plan.part.drivers)?;
            for (passage, weight) in passages.iter().zip(weights) {
                if let Some(statistics) = &passage.statistics {
                    total.add(statistics, weight);
                }
            }
        }
        joined.count(self, 1.0, &mut total)?;
        Ok((joined.log_evidence, total))
    }
}
