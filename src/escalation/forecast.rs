//! The law of each ladder over a grid of dates: smoothed before now, forecast after it.

use super::component::ancestors;
use super::engine::{Evaluated, Prepared};
use super::onward::{Beside, Onward, Parts, onward};
use super::part::Override;
use super::plan::{Plan, Reading};
use super::sweep::{Keep, Sweep};
use crate::ground::{Control, Result};

/// The parts that forecast every ladder of the model at some dates after now.
#[derive(Debug, Clone)]
pub struct Ahead {
    /// Each with the ladders that are read from it.
    parts: Vec<(Onward, Vec<usize>)>,
}

impl Ahead {
    /// Compiles a forecast at `times` (ascending, days since the origin, after now).
    ///
    /// A ladder is read from the smallest closed set of ladders that carries it: nothing downstream is swept.
    pub fn new(prepared: &Prepared, ladders: &[usize], overrides: &[Override], times: &[f64]) -> Result<Self> {
        let mut closures: Vec<(usize, Vec<usize>)> = ladders
            .iter()
            .map(|&ladder| (ladder, ancestors(&prepared.model, [ladder]).into_iter().collect()))
            .collect();
        closures.sort_by_key(|(_, closure)| std::cmp::Reverse(closure.len()));
        let mut groups: Vec<(Vec<usize>, Vec<usize>)> = vec![];
        for (ladder, closure) in closures {
            match groups.iter_mut().find(|(known, _)| closure.iter().all(|l| known.contains(l))) {
                Some((_, read)) => read.push(ladder),
                None => groups.push((closure, vec![ladder])),
            }
        }
        let end = times.last().copied().unwrap_or(prepared.now);
        let reading = Reading::Ladders(times.to_vec());
        let mut parts_known = Parts::default();
        let mut parts = vec![];
        for (closure, read) in groups {
            for part in onward(prepared, &Beside::ladders(&closure), &[], overrides, end, &reading, &mut parts_known)? {
                let inside = read.iter().copied().filter(|&ladder| part.plan.part.axis(ladder).is_some()).collect();
                parts.push((part, inside));
            }
        }
        Ok(Ahead { parts })
    }

    /// `[ladder][time][rung]`; empty for ladders not asked for.
    pub fn laws(&self, prepared: &Prepared, evaluated: &Evaluated, control: &Control) -> Result<Vec<Vec<Vec<f64>>>> {
        let mut all: Vec<Vec<Vec<f64>>> = vec![vec![]; prepared.model.ladders.len()];
        for (part, read) in &self.parts {
            let mut mixed: Vec<Vec<Vec<f64>>> = vec![vec![]; prepared.model.ladders.len()];
            let filled = part.plan.part.fill(&evaluated.values)?;
            let weights = evaluated.joined.posterior(&part.plan.part.drivers)?;
            for (config, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                if let Some(start) = part.start(prepared, evaluated, config) {
                    let sweep = Sweep::new(&part.plan, &filled, &evaluated.values, config, control);
                    add_laws(&part.plan, &sweep.forward(start, Keep::Nothing)?.laws, weight, &mut mixed);
                }
            }
            for &ladder in read {
                all[ladder] = std::mem::take(&mut mixed[ladder]);
            }
        }
        Ok(all)
    }
}

/// Adds `weight` times each ladder's laws, given axis after axis, to `[ladder][time][rung]`.
fn add_laws(plan: &Plan, laws: &[Vec<f64>], weight: f64, into: &mut [Vec<Vec<f64>>]) {
    let mut first = 0;
    for (axis, &ladder) in plan.part.ladders.iter().enumerate() {
        let size = plan.part.space.sizes()[axis];
        let phases = &plan.part.phases[axis];
        into[ladder].resize(laws.len(), vec![0.0; phases.n_rungs()]);
        for (sum, law) in into[ladder].iter_mut().zip(laws) {
            let law = phases.fold(&law[first..first + size]);
            sum.iter_mut().zip(&law).for_each(|(s, p)| *s += weight * p);
        }
        first += size;
    }
}
