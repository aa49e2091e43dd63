//! Questions answered: what carries the world on from now is read at the end, and the drivers are summed out.

use super::engine::{Evaluated, Prepared};
use super::onward::{Beside, Fills, Onward, Parts, onward};
use super::part::Override;
use super::plan::Reading;
use super::question::{Ask, Atom, Question};
use super::sweep::{Keep, Sweep};
use crate::ground::{Control, Error, Result};
use crate::markov::Space;
use std::collections::BTreeSet;

/// Most atoms of one question: their joint outcomes, 2 to that power, are enumerated.
const ATOMS: usize = 16;

/// A question compiled against a dossier's plans.
#[derive(Debug, Clone)]
pub struct Asked {
    pub(super) question: Question,
    pub(super) parts: Vec<Onward>,
    /// Drivers that any part looks at, ascending.
    pub(super) drivers: Vec<usize>,
}

/// Refuses a question of more atoms than are joined.
pub(super) fn limited(question: &Question) -> Result<()> {
    let (atoms, name) = (question.atoms.len(), &question.name);
    if atoms <= ATOMS {
        return Ok(());
    }
    Err(Error::TooLarge {
        bytes: 8.0 * 2f64.powi(atoms.min(1000) as i32),
        limit: 8.0 * 2f64.powi(ATOMS as i32),
        message: format!("question '{name}' joins {atoms} atoms; at most {ATOMS} can be joined"),
    })
}

impl Asked {
    /// Compiles a question.
    ///
    /// # Errors
    /// `TooLarge`, before memory is taken.
    pub fn new(prepared: &Prepared, question: &Question, overrides: &[Override], known: &mut Parts) -> Result<Self> {
        let end = question.end(prepared.now);
        limited(question)?;
        let parts = onward(prepared, &Beside::default(), &question.atoms, overrides, end, &Reading::None, known)?;
        let drivers: BTreeSet<usize> = parts.iter().flat_map(|part| part.plan.part.drivers.clone()).collect();
        Ok(Asked { question: question.clone(), parts, drivers: drivers.into_iter().collect() })
    }

    /// The ladders that a question looks at.
    pub fn ladders(question: &Question) -> Vec<usize> {
        question.atoms.iter().flat_map(Atom::ladders).collect()
    }

    /// A part's configuration in one of all drivers asked about.
    pub(super) fn config(&self, part: &Onward, space: &Space, config: usize) -> usize {
        let own = part.plan.part.drivers.iter();
        let digits: Vec<usize> =
            own.map(|driver| space.digit(config, self.drivers.binary_search(driver).unwrap_or(0))).collect();
        part.plan.part.configs.index(&digits)
    }

    /// What each part says in the configurations that have weight.
    pub(super) fn tables(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        fills: &mut Fills,
        weights: &[f64],
        space: &Space,
        control: &Control,
    ) -> Result<Vec<Outcomes>> {
        self.parts
            .iter()
            .map(|part| {
                let mut wanted = vec![false; part.plan.part.configs.len()];
                let weighed = weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
                weighed.for_each(|(config, _)| wanted[self.config(part, space, config)] = true);
                outcomes(part, &wanted, prepared, evaluated, fills, control)
            })
            .collect()
    }

    /// P(ask | evidence), or P(ask and given | evidence) / P(given | evidence).
    ///
    /// # Errors
    /// `Impossible` where what is given has probability 0.
    pub fn answer(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        fills: &mut Fills,
        control: &Control,
    ) -> Result<f64> {
        let (both, rest) = self.odds(prepared, evaluated, fills, control)?;
        if self.question.given.is_none() {
            return Ok(both);
        }
        if both + rest > 0.0 {
            return Ok(both / (both + rest));
        }
        Err(Error::Impossible {
            development: None,
            message: format!("question '{}': what is given has probability 0", self.question.name),
        })
    }

    /// P(ask and given | evidence) and P(not ask, but given | evidence), neither from the other.
    ///
    /// # Errors
    /// As [`Sweep::forward`].
    pub fn odds(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        fills: &mut Fills,
        control: &Control,
    ) -> Result<(f64, f64)> {
        let weights = evaluated.joined.posterior(&self.drivers)?;
        let sizes = self.drivers.iter().map(|&d| prepared.model.drivers[d].states.len()).collect();
        let space = Space::new(sizes);
        let tables = self.tables(prepared, evaluated, fills, &weights, &space, control)?;
        let (mut both, mut rest) = (0.0, 0.0);
        let atoms = self.question.atoms.len();
        for (config, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            control.check()?;
            let here: Option<Vec<&Vec<f64>>> = self
                .parts
                .iter()
                .zip(&tables)
                .map(|(part, table)| table[self.config(part, &space, config)].as_ref())
                .collect();
            let Some(here) = here else { continue };
            for truth in 0..1usize << atoms {
                let holds = |atom: usize| truth >> atom & 1 == 1;
                let given = self.question.given.as_ref().is_none_or(|given| given.holds(&holds));
                if !given {
                    continue;
                }
                let mut probability = weight;
                for (part, table) in self.parts.iter().zip(&here) {
                    let index = part.atoms.iter().enumerate().map(|(bit, &atom)| (truth >> atom & 1) << bit);
                    probability *= table[index.sum::<usize>()];
                }
                match self.question.ask.holds(&holds) {
                    true => both += probability,
                    false => rest += probability,
                }
            }
        }
        Ok((both, rest))
    }
}

/// By configuration, the probability of each truth of a part's atoms; bit k of the index is the part's k-th atom.
pub(super) type Outcomes = Vec<Option<Vec<f64>>>;

/// P(atoms' truth | configuration) for each configuration that is wanted; bit k of the index is the part's k-th atom.
fn outcomes(
    part: &Onward,
    wanted: &[bool],
    prepared: &Prepared,
    evaluated: &Evaluated,
    fills: &mut Fills,
    control: &Control,
) -> Result<Outcomes> {
    let filled = fills.of(&part.plan.part, &evaluated.values)?;
    (0..part.plan.part.configs.len())
        .map(|config| {
            if !wanted[config] {
                return Ok(None);
            }
            let Some(start) = fills.start(part, prepared, evaluated, config) else { return Ok(None) };
            let sweep = Sweep::new(&part.plan, &filled, &evaluated.values, config, control);
            let swept = sweep.forward(start.to_vec(), Keep::Nothing)?;
            // Where something is supposed to be seen, its probability comes with the answer.
            let seen = if part.plan.watched.is_empty() { 1.0 } else { swept.log.exp() };
            let end = swept.end;
            let n = part.plan.part.space.len();
            let mut table = vec![0.0; 1 << part.atoms.len()];
            for (level, values) in end.chunks_exact(n).enumerate() {
                table[part.outcome(level)] += seen * values.iter().sum::<f64>();
            }
            Ok(Some(table))
        })
        .collect()
}

impl Ask {
    /// Truth of the expression, given each atom's.
    pub fn holds(&self, atom: &impl Fn(usize) -> bool) -> bool {
        match self {
            Ask::Atom(number) => atom(*number),
            Ask::All(parts) => parts.iter().all(|part| part.holds(atom)),
            Ask::Any(parts) => parts.iter().any(|part| part.holds(atom)),
            Ask::Not(part) => !part.holds(atom),
        }
    }
}
