//! Phases: a rung with an Erlang dwell is a run of stages, and this is the map between phases and rungs that all else asks.
//!
//! A ladder's axis is its phases, rung after rung, within a rung its stages in order. A stage is left for the next at so many
//! times the sum of the moves out of the rung, the last for the first of another (the device of stages: Cox and Miller 1965, ch. 6).

use crate::markov::{Field, Space};

/// The phases of one ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phases {
    /// The first phase of each rung, then how many phases there are.
    starts: Vec<usize>,
    /// The rung of each phase.
    rungs: Vec<usize>,
    /// Where a first rung's stage is not known it is any, each as likely; else it is the first.
    uniform: bool,
}

impl Phases {
    /// Of a ladder whose rungs have so many stages each, one at least.
    pub fn new(stages: &[usize], uniform: bool) -> Self {
        let mut starts = vec![0];
        let mut rungs = vec![];
        for (rung, &count) in stages.iter().enumerate() {
            rungs.extend(std::iter::repeat_n(rung, count));
            starts.push(rungs.len());
        }
        Phases { starts, rungs, uniform }
    }

    /// Of a ladder without stages.
    pub fn plain(rungs: usize) -> Self {
        Phases::new(&vec![1; rungs], false)
    }

    /// How many phases there are.
    pub fn count(&self) -> usize {
        self.rungs.len()
    }

    /// How many rungs there are.
    pub fn n_rungs(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether every rung has one stage.
    pub fn is_plain(&self) -> bool {
        self.count() == self.n_rungs()
    }

    /// The rung of a phase.
    pub fn rung(&self, phase: usize) -> usize {
        self.rungs[phase]
    }

    /// How many stages a rung has.
    pub fn stages(&self, rung: usize) -> usize {
        self.starts[rung + 1] - self.starts[rung]
    }

    /// The phase that a rung is entered by.
    pub fn entry(&self, rung: usize) -> usize {
        self.starts[rung]
    }

    /// The phase that a rung is left from.
    pub fn last(&self, rung: usize) -> usize {
        self.starts[rung + 1] - 1
    }

    /// Where a ladder is at a rung first, how likely it is in this phase of it.
    pub fn share(&self, phase: usize) -> f64 {
        let rung = self.rung(phase);
        match self.uniform {
            true => 1.0 / self.stages(rung) as f64,
            false => f64::from(u8::from(phase == self.entry(rung))),
        }
    }

    /// What lies on phases as what lies on rungs.
    pub fn fold(&self, by_phase: &[f64]) -> Vec<f64> {
        let sum = |pair: &[usize]| by_phase[pair[0]..pair[1]].iter().fold(0.0, |sum, x| sum + x);
        self.starts.windows(2).map(sum).collect()
    }
}

/// The joint space of some ladders' phases.
pub fn space(ladders: &[Phases]) -> Space {
    Space::new(ladders.iter().map(Phases::count).collect())
}

/// A law of the first joint rung as one of the joint phases: each ladder's stages as it declares them, whatever the others'.
pub fn spread(ladders: &[Phases], law: Vec<f64>) -> Vec<f64> {
    if ladders.iter().all(Phases::is_plain) {
        return law;
    }
    let (phases, rungs) = (space(ladders), Space::new(ladders.iter().map(Phases::n_rungs).collect()));
    let all = Field::tabulate(&phases, (0..ladders.len()).collect(), |digits| {
        let rung: Vec<usize> = digits.iter().zip(ladders).map(|(&phase, own)| own.rung(phase)).collect();
        let share: f64 = digits.iter().zip(ladders).map(|(&phase, own)| own.share(phase)).product();
        share * law[rungs.index(&rung)]
    });
    all.table().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_of_a_rung_follow_each_other() {
        let phases = Phases::new(&[1, 3, 2], true);
        assert_eq!((phases.count(), phases.n_rungs(), phases.is_plain()), (6, 3, false));
        assert_eq!((0..6).map(|p| phases.rung(p)).collect::<Vec<_>>(), [0, 1, 1, 1, 2, 2]);
        assert_eq!((phases.entry(1), phases.last(1), phases.stages(1)), (1, 3, 3));
        assert_eq!(phases.fold(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [1.0, 9.0, 11.0]);
    }

    #[test]
    fn a_law_is_spread_over_the_stages_of_each_ladder_by_itself() {
        let ladders = [Phases::new(&[2, 1], true), Phases::new(&[1, 2], false)];
        // Joint rungs (0, 0), (0, 1), (1, 0), (1, 1); the second ladder begins in its first stage.
        let law = spread(&ladders, vec![0.1, 0.4, 0.2, 0.3]);
        assert_eq!(law, [0.05, 0.2, 0.0, 0.05, 0.2, 0.0, 0.2, 0.3, 0.0]);
        assert_eq!(spread(&[Phases::plain(2)], vec![0.4, 0.6]), [0.4, 0.6]);
    }
}
