//! The likelihood of units whose class is not known: ln Σ_d P(d) L(unit | d), and its exact score by Fisher's identity.
//!
//! One exponential a group serves all units and classes: a first pass gives each unit's likelihood in each class, and what
//! the classes are worth then weighs counts, stays and chains (McLachlan and Peel 2000, ch. 2: the E-step of a mixture).

use super::chain::{Said, Tables, Work};
use super::classes::{Classes, Part};
use super::compile::{Count, Panel};
use super::likelihood::{BLOCK, Score};
use crate::escalation::model::Model;
use crate::escalation::theta::{Statistics, Values};
use crate::ground::{Control, Error, Result};
use rayon::prelude::*;

/// What each unit is, given its rows.
#[derive(Debug, Clone)]
pub struct Mixture {
    pub log: f64,
    /// P(class) before any row, of units of each profile.
    pub laws: Vec<Vec<f64>>,
    /// P(class | rows) by unit, then class; 0 where it is impossible.
    pub weights: Vec<f64>,
    /// ln L of each unit.
    pub units: Vec<f64>,
}

impl Panel {
    /// What each unit is at these numbers.
    ///
    /// # Errors
    /// `Impossible`, with the unit, where its rows have probability zero in every class; `Interrupted`.
    pub fn mixture(&self, model: &Model, values: &Values, control: &Control) -> Result<Option<Mixture>> {
        let Some(classes) = &self.classes else { return Ok(None) };
        let rates = self.all_rates(values);
        let laws = self.chain_laws(&rates, control)?;
        let ((looks, bases), first) = (self.look_table(values), self.first_law(values, &rates)?);
        let tables = Tables { panel: self, laws: &laws, looks: &looks, bases: &bases, rates: &rates, first: &first };
        self.weigh(classes, model, values, &tables, control).map(Some)
    }

    fn weigh(
        &self,
        classes: &Classes,
        model: &Model,
        values: &Values,
        tables: &Tables<'_>,
        control: &Control,
    ) -> Result<Mixture> {
        let n = classes.configs.len();
        let laws = classes.profiles.laws(classes, model, values)?;
        let priors: Vec<Vec<f64>> = laws.iter().map(|law| law.iter().map(|p| p.ln()).collect()).collect();
        let mut weights = self.class_logs(classes, tables, control)?;
        let (mut log, mut units) = (0.0, Vec::with_capacity(self.units.len()));
        for (unit, own) in weights.chunks_exact_mut(n).enumerate() {
            own.iter_mut().zip(&priors[classes.profiles.of[unit]]).for_each(|(log, prior)| *log += prior);
            let top = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if !top.is_finite() {
                return Err(self.no_class(unit));
            }
            own.iter_mut().for_each(|x| *x = (*x - top).exp());
            let total: f64 = own.iter().sum();
            own.iter_mut().for_each(|x| *x /= total);
            units.push(top + total.ln());
            log += classes.weights[unit] * (top + total.ln());
        }
        Ok(Mixture { log, laws, weights, units })
    }

    fn no_class(&self, unit: usize) -> Error {
        let name = self.units.get(unit).map_or("", String::as_str);
        let rows = self.rows_of(unit);
        let (a, b) = (rows.first().map_or(0, |row| row.row + 1), rows.last().map_or(0, |row| row.row + 1));
        let message =
            format!("unit '{name}', rows {a} to {b}: what was seen there has probability zero in every class");
        Error::Impossible { development: None, message }
    }

    /// ln L(unit | class), by unit, then class.
    fn class_logs(&self, classes: &Classes, tables: &Tables<'_>, control: &Control) -> Result<Vec<f64>> {
        let tell = |chains: &[super::compile::Chain]| -> Result<Vec<f64>> {
            control.check()?;
            let mut work = Work::default();
            let log = |chain| match tables.rows(chain, &mut work.rows, &mut work.scales) {
                Err(Error::Impossible { .. }) => Ok(f64::NEG_INFINITY),
                other => other,
            };
            chains.iter().map(log).collect()
        };
        let chains: Vec<Vec<f64>> = self.chains.par_chunks(BLOCK).map(tell).collect::<Result<_>>()?;
        let chains = chains.concat();
        let mut logs = self.known_logs(classes, tables);
        for (log, part) in logs.iter_mut().zip(&classes.parts) {
            *log += chains[part.chains.clone()].iter().sum::<f64>();
        }
        Ok(logs)
    }

    /// The part of ln L(unit | class) in which nothing is hidden.
    pub(super) fn known_logs(&self, classes: &Classes, tables: &Tables<'_>) -> Vec<f64> {
        let counts: Vec<f64> = self.in_groups(|count, law, own| self.probability(count, law, own).ln(), tables);
        let arcs = self.structure.arcs.len();
        let log = |part: &Part| {
            if !part.possible {
                return f64::NEG_INFINITY;
            }
            let seen: f64 = classes.counts[part.counts.clone()].iter().map(|&count| counts[count]).sum();
            let stays = classes.stays[part.stays.clone()].iter();
            let stayed: f64 = stays.map(|&(design, state, time)| time * tables.exit(design, state)).sum();
            let moves = classes.moves[part.moves.clone()].iter();
            let moved: f64 = moves.map(|&(design, arc)| tables.rates[design * arcs + arc].ln()).sum();
            seen - stayed + moved
        };
        classes.parts.iter().map(log).collect()
    }

    /// Of each count: a function of it, its law and the rates of its design.
    fn in_groups<T>(&self, mut of: impl FnMut(&Count, &[f64], &[f64]) -> T, tables: &Tables<'_>) -> Vec<T> {
        let size = self.structure.n * self.structure.n;
        let arcs = self.structure.arcs.len();
        let mut out = Vec::with_capacity(self.counts.len());
        for (g, group) in self.groups.iter().enumerate() {
            let law = &tables.laws[g * size..(g + 1) * size];
            let own = &tables.rates[group.design * arcs..(group.design + 1) * arcs];
            out.extend(self.counts[self.starts[g]..self.starts[g + 1]].iter().map(|count| of(count, law, own)));
        }
        out
    }

    /// The probability (at an entry: the density) of one count.
    fn probability(&self, count: &Count, law: &[f64], rates: &[f64]) -> f64 {
        let row = count.from * self.structure.n;
        match count.entry {
            None => law[row + count.to],
            Some(set) => self.into(set, count.to).map(|a| law[row + self.structure.arcs[a].from] * rates[a]).sum(),
        }
    }

    /// The arcs of a set that lead to a joint rung.
    fn into(&self, set: usize, to: usize) -> impl Iterator<Item = usize> + '_ {
        self.sets[set].iter().copied().filter(move |&a| self.structure.arcs[a].to == to)
    }

    /// Log-likelihood and score of a panel whose units have classes.
    pub(super) fn mixed(&self, classes: &Classes, model: &Model, values: &Values, control: &Control) -> Result<Score> {
        let (n, n_arcs, n_classes) = (self.structure.n, self.structure.arcs.len(), classes.configs.len());
        let rates = self.all_rates(values);
        if let Some(rate) = rates.iter().find(|rate| !rate.is_finite()) {
            return Err(Error::Diverged { message: format!("an intensity is {rate}") });
        }
        let mut blocks = self.first_passes(&rates, control)?;
        let laws = self.laws(&blocks);
        let ((looks, bases), first) = (self.look_table(values), self.first_law(values, &rates)?);
        let tables = Tables { panel: self, laws: &laws, looks: &looks, bases: &bases, rates: &rates, first: &first };
        let mixture = self.weigh(classes, model, values, &tables, control)?;
        let mut statistics = Statistics::zero(&model.parameters);
        let mut pulled = vec![0.0; rates.len()];
        let mut slopes = vec![0.0; self.groups.len() * n * n];
        // Units in their order: the sums are the same whoever computes them.
        let mut worth = vec![0.0; self.counts.len()];
        let mut of_chain = vec![0.0; self.chains.len()];
        let mut of_class = vec![0.0; classes.profiles.distinct.len() * n_classes];
        for (k, (part, &weight)) in classes.parts.iter().zip(&mixture.weights).enumerate() {
            let weight = weight * classes.weights[k / n_classes];
            if weight == 0.0 {
                continue;
            }
            of_class[classes.profiles.of[k / n_classes] * n_classes + k % n_classes] += weight;
            classes.counts[part.counts.clone()].iter().for_each(|&count| worth[count] += weight);
            of_chain[part.chains.clone()].fill(weight);
            for &(design, state, time) in &classes.stays[part.stays.clone()] {
                for (a, _) in self.structure.arcs.iter().enumerate().filter(|(_, arc)| arc.from == state) {
                    pulled[design * n_arcs + a] -= weight * time * rates[design * n_arcs + a];
                }
            }
            classes.moves[part.moves.clone()].iter().for_each(|(design, arc)| pulled[design * n_arcs + arc] += weight);
        }
        for (g, group) in self.groups.iter().enumerate() {
            let law = &laws[g * n * n..(g + 1) * n * n];
            let slopes = &mut slopes[g * n * n..(g + 1) * n * n];
            let range = self.starts[g]..self.starts[g + 1];
            for (count, &worth) in self.counts[range.clone()].iter().zip(&worth[range]).filter(|(_, w)| **w != 0.0) {
                let own = group.design * n_arcs;
                let share = worth / self.probability(count, law, &rates[own..own + n_arcs]);
                match count.entry {
                    None => slopes[count.from * n + count.to] += share,
                    Some(set) => {
                        for a in self.into(set, count.to) {
                            let place = count.from * n + self.structure.arcs[a].from;
                            slopes[place] += share * rates[own + a];
                            pulled[own + a] += share * law[place] * rates[own + a];
                        }
                    }
                }
            }
        }
        let tell = |(chains, weights): (&[super::compile::Chain], &[f64])| -> Result<Said> {
            control.check()?;
            let (mut said, mut work) = (Said::default(), Work::default());
            let mut told = chains.iter().zip(weights).filter(|(_, weight)| **weight != 0.0);
            told.try_for_each(|(chain, &weight)| tables.tell(chain, weight, &mut work, &mut said))?;
            Ok(said)
        };
        let said: Vec<Said> =
            self.chains.par_chunks(BLOCK).zip(of_chain.par_chunks(BLOCK)).map(tell).collect::<Result<_>>()?;
        self.gather(said, &rates, values, &first, &mut slopes, &mut pulled, &mut statistics)?;
        self.pull_back(&mut blocks, &slopes, &rates, &mut pulled);
        self.by_number(&pulled, &mut statistics);
        classes.profiles.expect(classes, model, values, &mixture.laws, &of_class, &mut statistics)?;
        match mixture.log.is_finite() {
            true => Ok(Score { log: mixture.log, statistics }),
            false => Err(Error::Diverged { message: format!("the log-likelihood is {}", mixture.log) }),
        }
    }
}
