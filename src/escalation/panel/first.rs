//! The law of a panel's first joint phase: as it is seen, by tables of each class, or at equilibrium; and what it is told.

use super::compile::{Begin, Panel};
use super::structure::Structure;
use crate::escalation::model::{First, Model};
use crate::escalation::theta::{Statistics, Values};
use crate::ground::{Error, Result};
use nalgebra::{DMatrix, DVector};
use std::collections::BTreeSet;

/// Where the law of the first joint rung comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum FirstLaw {
    /// As it is seen; where it is not, this one.
    Given(Vec<f64>),
    /// Of each class, the row (of `Parameters::rows`) of each ladder.
    Tables(Vec<Vec<usize>>),
    /// The law that the intensities keep, by design.
    Equilibrium,
}

impl FirstLaw {
    /// Of a panel's ladders, whose units are of these classes (states of the model's drivers).
    ///
    /// # Errors
    /// `Spec` where ladders begin in different ways.
    pub fn new(model: &Model, structure: &Structure, classes: &[Vec<usize>]) -> Result<Self> {
        let ladders: Vec<&First> = structure.ladders.iter().map(|&l| &model.ladders[l].first).collect();
        let given: Vec<&Vec<f64>> =
            ladders.iter().filter_map(|first| if let First::Given(law) = first { Some(law) } else { None }).collect();
        let at = |state: usize| (0..ladders.len()).map(move |place| structure.rung(state, place));
        if given.len() == ladders.len() {
            let joint = |state: usize| {
                at(state).zip(&given).map(|(rung, law)| law[rung]).product::<f64>() * structure.shares[state]
            };
            return Ok(FirstLaw::Given((0..structure.n).map(joint).collect()));
        }
        if ladders.iter().all(|first| **first == First::Equilibrium) {
            return Ok(FirstLaw::Equilibrium);
        }
        let row = |first: &&First, states: &[usize]| match first {
            First::Table { parents, rows } => {
                let sizes = parents.iter().map(|&d| (d, model.drivers[d].states.len()));
                let config = sizes.fold(0, |config, (d, size)| config * size + states.get(d).copied().unwrap_or(0));
                Some(rows[config])
            }
            First::Given(_) | First::Equilibrium => None,
        };
        let of = |states: &Vec<usize>| ladders.iter().map(|first| row(first, states)).collect();
        let rows: Option<Vec<Vec<usize>>> = classes.iter().map(of).collect();
        let mixed = || {
            let message = "its ladders begin in different ways; expected the first rungs of all to be as they are seen, of all to \
                           have a table or be estimated, or of all to be at equilibrium";
            Error::spec("panel", "the panel", message)
        };
        rows.map(FirstLaw::Tables).ok_or_else(mixed)
    }

    /// Which of the laws a unit of a class has whose first row has this design.
    pub fn place(&self, class: usize, design: usize) -> usize {
        match self {
            FirstLaw::Given(_) => 0,
            FirstLaw::Tables(_) => class,
            FirstLaw::Equilibrium => design,
        }
    }
}

impl Panel {
    /// The laws of the first joint phase, by place.
    pub(super) fn first_law(&self, values: &Values, rates: &[f64]) -> Result<Vec<f64>> {
        let structure = &self.structure;
        match &self.first {
            FirstLaw::Given(law) => Ok(law.clone()),
            FirstLaw::Tables(classes) => {
                let law = |rows: &Vec<usize>, state: usize| -> f64 {
                    let each = rows.iter().enumerate().map(|(p, &row)| values.rows[row][structure.rung(state, p)]);
                    each.product::<f64>() * structure.shares[state]
                };
                Ok(classes.iter().flat_map(|rows| (0..structure.n).map(move |state| law(rows, state))).collect())
            }
            FirstLaw::Equilibrium => {
                // Only where some unit begins: elsewhere there need not be one.
                let begun: BTreeSet<usize> = self
                    .chains
                    .iter()
                    .filter_map(|chain| if let Begin::First(design) = chain.begin { Some(design) } else { None })
                    .collect();
                let mut laws = vec![];
                for (design, own) in rates.chunks_exact(structure.arcs.len().max(1)).enumerate() {
                    match begun.contains(&design) {
                        true => laws.extend(self.stationary(own)?.0),
                        false => laws.extend(std::iter::repeat_n(0.0, structure.n)),
                    }
                }
                Ok(laws)
            }
        }
    }

    /// The law that intensities keep, and its deviation matrix (Π − Q)⁻¹ − Π.
    fn stationary(&self, rates: &[f64]) -> Result<(Vec<f64>, DMatrix<f64>)> {
        let n = self.structure.n;
        let mut q = DMatrix::<f64>::zeros(n, n);
        for (arc, rate) in self.structure.arcs.iter().zip(rates) {
            q[(arc.from, arc.to)] += rate;
            q[(arc.from, arc.from)] -= rate;
        }
        let not_one = || {
            Error::spec(
                "panel",
                "the first rung",
                "its law at equilibrium is not one: not every rung leads to the others",
            )
        };
        let scale = q.amax().max(f64::MIN_POSITIVE);
        let mut system = q.transpose() / scale;
        system.row_mut(n - 1).fill(1.0);
        let mut right = DVector::zeros(n);
        right[n - 1] = 1.0;
        let law = system.lu().solve(&right).filter(|law| law.iter().all(|p| *p > -1e-12)).ok_or_else(not_one)?;
        let pi = DMatrix::from_fn(n, n, |_, j| law[j]);
        let deviation = (&pi - &q).try_inverse().ok_or_else(not_one)? - pi;
        Ok((law.iter().copied().collect(), deviation))
    }

    /// What the expected first rungs, by place, say of their law.
    pub(super) fn first_slopes(
        &self,
        rates: &[f64],
        laws: &[f64],
        firsts: &[(usize, Vec<f64>)],
        pulled: &mut [f64],
        statistics: &mut Statistics,
    ) -> Result<()> {
        let (n, arcs) = (self.structure.n, &self.structure.arcs);
        match &self.first {
            FirstLaw::Given(_) => {}
            FirstLaw::Tables(classes) => {
                for (class, own) in firsts {
                    for (place, &row) in classes[*class].iter().enumerate() {
                        let counts = &mut statistics.rows[row];
                        own.iter().enumerate().for_each(|(s, x)| counts[self.structure.rung(s, place)] += x);
                    }
                }
            }
            FirstLaw::Equilibrium => {
                let mut by_design = vec![vec![0.0; n]; self.designs.len()];
                for (design, own) in firsts {
                    by_design[*design].iter_mut().zip(own).for_each(|(sum, x)| *sum += x);
                }
                for (design, own) in by_design.iter().enumerate().filter(|(_, own)| own.iter().any(|x| *x != 0.0)) {
                    let law = &laws[design * n..(design + 1) * n];
                    let slope = DVector::from_fn(n, |s, _| if law[s] > 0.0 { own[s] / law[s] } else { 0.0 });
                    let range = design * arcs.len()..(design + 1) * arcs.len();
                    // dπ = π dQ D.
                    let gain = self.stationary(&rates[range.clone()])?.1 * slope;
                    for ((arc, rate), sum) in arcs.iter().zip(&rates[range.clone()]).zip(&mut pulled[range]) {
                        *sum += rate * law[arc.from] * (gain[arc.to] - gain[arc.from]);
                    }
                }
            }
        }
        Ok(())
    }
}
