//! One atom's monitor ahead of now, under each state of the drivers: what passages, counts and times are read from.

use super::component::ancestors;
use super::engine::{Evaluated, Prepared};
use super::fitted::Fitted;
use super::onward::{Beside, Fills, Onward, Parts, onward};
use super::plan::Reading;
use super::question::Atom;
use super::sweep::{Keep, Sweep, Swept};
use crate::ground::{Control, Error, Result};
use std::sync::{Arc, PoisonError};

/// An atom with what carries it on from now.
#[derive(Debug, Clone)]
pub struct Levels {
    pub part: Onward,
}

/// What a configuration of the drivers leads to.
pub struct Led<'s, 'a> {
    /// The configuration, and how likely it is.
    pub config: usize,
    pub weight: f64,
    pub sweep: &'s Sweep<'a>,
    pub swept: Swept,
}

impl Levels {
    /// Compiles an atom, carried on to `end`.
    ///
    /// # Errors
    /// `TooLarge`, before memory is taken.
    pub fn new(
        fitted: &Fitted,
        prepared: &Prepared,
        atom: &Atom,
        end: f64,
        reading: &Reading,
        known: &mut Parts,
    ) -> Result<Self> {
        let end = end.max(prepared.now);
        let overrides = &fitted.scenario.overrides;
        let parts = onward(prepared, &Beside::default(), std::slice::from_ref(atom), overrides, end, reading, known)?;
        let own = parts.into_iter().find(|part| !part.atoms.is_empty());
        let missing = || Error::spec("", "", "the question looks at nothing");
        Ok(Levels { part: own.ok_or_else(missing)? })
    }

    /// Visits what each configuration that has weight leads to.
    ///
    /// # Errors
    /// As [`Sweep::forward`].
    pub fn each(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        fills: &mut Fills,
        control: &Control,
        mut see: impl FnMut(Led<'_, '_>) -> Result<()>,
    ) -> Result<()> {
        let plan = &self.part.plan;
        let filled = fills.of(&plan.part, &evaluated.values)?;
        let weights = evaluated.joined.posterior(&plan.part.drivers)?;
        for (config, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let Some(start) = fills.start(&self.part, prepared, evaluated, config) else { continue };
            let sweep = Sweep::new(plan, &filled, &evaluated.values, config, control);
            let swept = sweep.forward(start.to_vec(), Keep::Nothing)?;
            see(Led { config, weight, sweep: &sweep, swept })?;
        }
        Ok(())
    }

    /// The weight of each level at the end, all configurations together.
    ///
    /// # Errors
    /// As [`Levels::each`].
    pub fn at_end(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        fills: &mut Fills,
        control: &Control,
    ) -> Result<Vec<f64>> {
        let plan = &self.part.plan;
        let mut sum = vec![0.0; plan.open.iter().map(|&monitor| plan.monitors[monitor].levels()).product()];
        self.each(prepared, evaluated, fills, control, |led| {
            let own = led.sweep.level_weights(&led.swept.end);
            sum.resize(own.len().max(sum.len()), 0.0);
            sum.iter_mut().zip(&own).for_each(|(sum, level)| *sum += led.weight * level);
            Ok(())
        })?;
        Ok(sum)
    }
}

impl Fitted {
    /// The evidence beside which an atom is asked, and the parts ahead that are known.
    pub(super) fn beside(&self, atom: &Atom) -> Result<(Arc<Prepared>, Parts)> {
        let needed = ancestors(&self.model, atom.ladders());
        let wanted: Vec<usize> = needed.difference(&self.base.carried).copied().collect();
        let past = atom.is_past(self.dossier().as_of).then(|| atom.clone());
        let prepared = self.prepared(&wanted, &[], past.as_slice())?;
        let mut known = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget();
        Ok((prepared, known.clone()))
    }
}
