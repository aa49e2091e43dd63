//! Between a panel's joint phases, which are carried, and its joint rungs, which are seen and told.

use super::structure::Structure;
use crate::escalation::phase::{self, Phases};
use crate::escalation::theta::Values;
use crate::ground::{Error, Result};
use std::collections::BTreeSet;

impl Structure {
    /// Whether some rung has stages.
    pub fn is_staged(&self) -> bool {
        !self.phases.iter().all(Phases::is_plain)
    }

    /// Whether a joint phase is all of its joint rung.
    pub fn is_alone(&self, state: usize) -> bool {
        (0..self.ladders.len()).all(|place| self.phases[place].stages(self.rung(state, place)) == 1)
    }

    /// A joint phase of a joint rung: the one of each ladder's first stage.
    pub fn entry(&self, joint: usize) -> usize {
        self.joint.iter().position(|own| *own == joint).unwrap_or(0)
    }

    /// What lies on joint phases as what lies on joint rungs.
    pub fn fold(&self, by_phase: &[f64]) -> Vec<f64> {
        if !self.is_staged() {
            return by_phase.to_vec();
        }
        let mut out = vec![0.0; self.n_rungs];
        self.joint.iter().zip(by_phase).for_each(|(&joint, x)| out[joint] += x);
        out
    }

    /// A law of the first joint rung as one of the joint phases.
    pub fn spread(&self, law: Vec<f64>) -> Vec<f64> {
        phase::spread(&self.phases, law)
    }

    /// Of what holds from each joint phase on, what holds from each joint rung on where it comes first.
    pub fn from_first(&self, by_phase: &[f64]) -> Vec<f64> {
        if !self.is_staged() {
            return by_phase.to_vec();
        }
        // A share of 0 of what is infinite is nothing.
        let weighed = |(x, share): (&f64, &f64)| if *share > 0.0 { share * x } else { 0.0 };
        self.fold(&by_phase.iter().zip(&self.shares).map(weighed).collect::<Vec<f64>>())
    }

    /// The joint phases that something holds at of which it is said at which joint rungs it does.
    pub fn marked(&self, by_rung: &[bool]) -> Vec<bool> {
        self.joint.iter().map(|&joint| by_rung.get(joint).copied().unwrap_or(false)).collect()
    }

    /// The arcs out of rungs, one for each way from a joint rung to another.
    pub fn exits(&self) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let fresh = |&a: &usize| {
            let arc = &self.arcs[a];
            !arc.advance && seen.insert((arc.step, self.joint[arc.from], self.joint[arc.to]))
        };
        (0..self.arcs.len()).filter(fresh).collect()
    }

    /// The intensities between joint rungs under a design as the model states them, row by row: no stage is told.
    ///
    /// # Errors
    /// `Spec` where there are several ladders and one has stages: how long a joint rung lasts depends on the stages then.
    pub fn between_rungs(&self, values: &Values, design: &[f64], what: &str) -> Result<Vec<f64>> {
        if !self.is_staged() {
            return Ok(self.generator(values, design));
        }
        if self.ladders.len() > 1 {
            let message = "a stay of several ladders together has no law of its own where rungs have stages; expected a \
                           panel of one ladder, or `transition` and `time_in_rungs`";
            return Err(Error::spec(what, what, message));
        }
        let q = self.generator(values, design);
        let mut out = vec![0.0; self.n_rungs * self.n_rungs];
        for arc in self.arcs.iter().filter(|arc| !arc.advance) {
            let place = self.joint[arc.from] * self.n_rungs + self.joint[arc.to];
            out[place] = q[arc.from * self.n + arc.to] / arc.stages as f64;
        }
        Ok(out)
    }
}
