//! The log-likelihood of a panel and its exact score: one exponential a group, slopes pulled back once a generator.
//!
//! Seen at both ends: Σ N_ij ln P_ij (Kalbfleisch and Lawless 1985, eq. 3.1). Entered at a known time from a rung not known:
//! ln Σ_k P_ik q_kj; moved at a known time: q_ij e^{−q_i t} (Jackson 2011, J. Stat. Softw. 38(8), eq. 3 to 5).

use super::chain::{Said, Tables, Work};
use super::compile::{Begin, Panel};
use crate::escalation::model::Model;
use crate::escalation::theta::{Statistics, Values};
use crate::ground::{Control, Error, Result};
use crate::markov::Bundle;
use rayon::prelude::*;

/// Groups a block, and chains a block: sums run within blocks and then over them, so that the bits do not depend on threads.
pub(super) const BLOCK: usize = 256;

/// Log-likelihood, and its slopes by parameter: ∂/∂ ln x of positives, expected counts of rows.
#[derive(Debug, Clone)]
pub struct Score {
    pub log: f64,
    pub statistics: Statistics,
}

/// A block of groups of one design, between the two passes.
pub(super) struct Block {
    groups: std::ops::Range<usize>,
    design: usize,
    bundle: Bundle,
    log: f64,
    /// Laws of its chained groups, one after the other.
    laws: Vec<f64>,
    /// dL/d ln q by arc, of what was entered at a known time.
    arcs: Vec<(usize, f64)>,
}

impl Panel {
    /// Log-likelihood and score at these numbers.
    ///
    /// # Errors
    /// `Impossible`, with the unit, where what was seen has probability zero; `Interrupted`.
    pub fn score(&self, model: &Model, values: &Values, control: &Control) -> Result<Score> {
        if let Some(classes) = &self.classes {
            return self.mixed(classes, model, values, control);
        }
        let n = self.structure.n;
        let mut statistics = Statistics::zero(&model.parameters);
        let rates = self.all_rates(values);
        let mut first = self.first_passes(&rates, control)?;
        let mut log: f64 = first.iter().map(|block| block.log).sum();
        // dL/d ln q by design and arc.
        let mut pulled = vec![0.0; rates.len()];
        let mut slopes = vec![0.0; self.chained * n * n];
        if !self.chains.is_empty() {
            log += self.chains(values, &rates, &first, &mut slopes, &mut pulled, &mut statistics, control)?;
        }
        self.pull_back(&mut first, &slopes, &rates, &mut pulled);
        log += self.timed(&rates, &mut pulled);
        self.by_number(&pulled, &mut statistics);
        match log.is_finite() {
            true => Ok(Score { log, statistics }),
            false => Err(Error::Diverged { message: format!("the log-likelihood is {log}") }),
        }
    }

    /// The first passes of all blocks.
    pub(super) fn first_passes(&self, rates: &[f64], control: &Control) -> Result<Vec<Block>> {
        let blocks = self.blocks();
        match blocks.len() {
            0 | 1 => blocks.into_iter().map(|block| self.first_pass(block, rates, control)).collect(),
            _ => blocks.into_par_iter().map(|block| self.first_pass(block, rates, control)).collect(),
        }
    }

    /// Slopes of the laws pulled back to dL/d ln q by design and arc.
    pub(super) fn pull_back(&self, first: &mut [Block], slopes: &[f64], rates: &[f64], pulled: &mut [f64]) {
        let (n, n_arcs) = (self.structure.n, self.structure.arcs.len());
        let gradients: Vec<Vec<f64>> = match first.len() {
            0 | 1 => first.iter_mut().map(|block| self.second_pass(block, slopes)).collect(),
            _ => first.par_iter_mut().map(|block| self.second_pass(block, slopes)).collect(),
        };
        for (block, gradient) in first.iter().zip(&gradients) {
            let own = block.design * n_arcs..(block.design + 1) * n_arcs;
            let pulled = &mut pulled[own.clone()];
            for ((arc, rate), sum) in self.structure.arcs.iter().zip(&rates[own]).zip(pulled.iter_mut()) {
                *sum += rate * gradient[arc.from * n + arc.to];
            }
            block.arcs.iter().for_each(|(arc, slope)| pulled[*arc] += slope);
        }
    }

    /// dL/d ln q added up by the numbers that intensities are made of.
    pub(super) fn by_number(&self, pulled: &[f64], statistics: &mut Statistics) {
        let n_arcs = self.structure.arcs.len();
        for (design, pulled) in self.designs.iter().zip(pulled.chunks_exact(n_arcs.max(1))) {
            for (arc, slope) in self.structure.arcs.iter().zip(pulled) {
                arc.base.iter().for_each(|&p| statistics.positives[p] += slope);
                arc.terms.iter().for_each(|&(p, column)| statistics.positives[p] += slope * design[column]);
            }
        }
    }

    /// Ranges of groups of one design, at most so many each.
    fn blocks(&self) -> Vec<std::ops::Range<usize>> {
        let mut blocks = vec![];
        let mut start = 0;
        for g in 1..=self.groups.len() {
            let ends = g == self.groups.len() || self.groups[g].design != self.groups[start].design;
            if ends || g - start == BLOCK {
                blocks.push(start..g);
                start = g;
            }
        }
        blocks
    }

    fn first_pass(&self, groups: std::ops::Range<usize>, rates: &[f64], control: &Control) -> Result<Block> {
        control.check()?;
        let (n, arcs) = (self.structure.n, &self.structure.arcs);
        let design = self.groups[groups.start].design;
        let own = &rates[design * arcs.len()..(design + 1) * arcs.len()];
        let mut dense = vec![0.0; n * n];
        self.structure.dense(own, &mut dense);
        let longest = self.groups[groups.clone()].iter().map(|g| g.length).fold(0.0, f64::max);
        let mut block = Block {
            bundle: Bundle::new(&dense, n, longest),
            groups: groups.clone(),
            design,
            log: 0.0,
            laws: vec![],
            arcs: vec![],
        };
        let mut law = vec![0.0; n * n];
        let mut slopes = vec![0.0; n * n];
        for g in groups {
            let group = &self.groups[g];
            block.bundle.law(group.length, &mut law);
            if group.chained.is_some() {
                block.laws.extend_from_slice(&law);
            }
            let counts = &self.counts[self.starts[g]..self.starts[g + 1]];
            if counts.is_empty() || self.classes.is_some() {
                continue;
            }
            slopes.fill(0.0);
            for count in counts {
                let row = count.from * n;
                match count.entry {
                    None => {
                        let p = law[row + count.to];
                        block.log += count.weight * p.ln();
                        slopes[row + count.to] += count.weight / p;
                    }
                    Some(set) => {
                        let into = || self.sets[set].iter().filter(|&&a| arcs[a].to == count.to);
                        let p: f64 = into().map(|&a| law[row + arcs[a].from] * own[a]).sum();
                        block.log += count.weight * p.ln();
                        for &a in into() {
                            let share = count.weight / p;
                            slopes[row + arcs[a].from] += share * own[a];
                            block.arcs.push((a, share * law[row + arcs[a].from] * own[a]));
                        }
                    }
                }
            }
            block.bundle.push(group.length, &slopes);
        }
        Ok(block)
    }

    fn second_pass(&self, block: &mut Block, slopes: &[f64]) -> Vec<f64> {
        let n = self.structure.n;
        for g in block.groups.clone() {
            if let Some(place) = self.groups[g].chained {
                block.bundle.push(self.groups[g].length, &slopes[place * n * n..(place + 1) * n * n]);
            }
        }
        let mut gradient = vec![0.0; n * n];
        block.bundle.pull(&mut gradient);
        gradient
    }

    /// Likelihood of each look by joint rung, and what was taken out of each as a logarithm, for densities know no bounds.
    pub fn look_table(&self, values: &Values) -> (Vec<f64>, Vec<f64>) {
        let mut table = Vec::with_capacity(self.looks.len() * self.structure.n);
        let mut bases = vec![0.0; self.looks.len()];
        for (look, base) in self.looks.iter().zip(&mut bases) {
            let start = table.len();
            for (state, possible) in look.rungs.iter().enumerate() {
                let of = |&(s, v): &(usize, usize)| values.rows[self.status_rows[s][look.of + state]][v];
                table.push(if *possible { look.values.iter().map(of).product() } else { 0.0 });
            }
            if look.readings.is_empty() {
                continue;
            }
            let log = |(state, p): (usize, &f64)| match *p > 0.0 {
                true => {
                    p.ln()
                        + look
                            .readings
                            .iter()
                            .map(|r| self.shown[r.indicator].log(r, look.of + state, values))
                            .sum::<f64>()
                }
                false => f64::NEG_INFINITY,
            };
            let logs: Vec<f64> = table[start..].iter().enumerate().map(log).collect();
            let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            *base = if top.is_finite() { top } else { 0.0 };
            table[start..].iter_mut().zip(&logs).for_each(|(p, log)| *p = (log - *base).exp());
        }
        (table, bases)
    }

    /// Laws of the chained groups.
    pub(super) fn laws(&self, blocks: &[Block]) -> Vec<f64> {
        let size = self.structure.n * self.structure.n;
        let mut laws = vec![0.0; self.chained * size];
        for block in blocks {
            let places = block.groups.clone().filter_map(|g| self.groups[g].chained);
            for (place, law) in places.zip(block.laws.chunks_exact(size)) {
                laws[place * size..(place + 1) * size].copy_from_slice(law);
            }
        }
        laws
    }

    /// The chained groups' laws at these numbers, for paths.
    pub(super) fn chain_laws(&self, rates: &[f64], control: &Control) -> Result<Vec<f64>> {
        Ok(self.laws(&self.first_passes(rates, control)?))
    }

    /// Intensities by design and arc.
    pub(super) fn all_rates(&self, values: &Values) -> Vec<f64> {
        let n_arcs = self.structure.arcs.len();
        let logs: Vec<f64> = values.positives.iter().map(|x| x.ln()).collect();
        let mut rates = vec![0.0; self.designs.len() * n_arcs];
        for (design, own) in self.designs.iter().zip(rates.chunks_exact_mut(n_arcs.max(1))) {
            self.structure.rates(&logs, design, own);
        }
        rates
    }

    #[allow(clippy::too_many_arguments)]
    fn chains(
        &self,
        values: &Values,
        rates: &[f64],
        blocks: &[Block],
        slopes: &mut [f64],
        pulled: &mut [f64],
        statistics: &mut Statistics,
        control: &Control,
    ) -> Result<f64> {
        let (laws, (looks, bases)) = (self.laws(blocks), self.look_table(values));
        let first = self.first_law(values, rates)?;
        let tables = Tables { panel: self, laws: &laws, looks: &looks, bases: &bases, rates, first: &first };
        let tell = |chains: &[super::compile::Chain]| -> Result<Said> {
            control.check()?;
            let (mut said, mut work) = (Said::default(), Work::default());
            chains.iter().try_for_each(|chain| tables.tell(chain, chain.weight, &mut work, &mut said))?;
            Ok(said)
        };
        let all: Vec<Said> = self.chains.par_chunks(BLOCK).map(tell).collect::<Result<_>>()?;
        self.gather(all, rates, values, &first, slopes, pulled, statistics)
    }

    /// Adds up what blocks of chains say, in their order.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn gather(
        &self,
        all: Vec<Said>,
        rates: &[f64],
        values: &Values,
        first: &[f64],
        slopes: &mut [f64],
        pulled: &mut [f64],
        statistics: &mut Statistics,
    ) -> Result<f64> {
        let (n, arcs) = (self.structure.n, &self.structure.arcs);
        let size = n * n;
        let mut log = 0.0;
        let mut occupied = vec![0.0; self.looks.len() * n];
        let mut firsts: Vec<(usize, Vec<f64>)> = vec![];
        for said in all {
            log += said.log;
            for (group, own) in said.groups.iter().zip(said.slopes.chunks_exact(size)) {
                slopes[group * size..(group + 1) * size].iter_mut().zip(own).for_each(|(sum, x)| *sum += x);
            }
            for (look, own) in said.seen.iter().zip(said.occupied.chunks_exact(n)) {
                occupied[look * n..(look + 1) * n].iter_mut().zip(own).for_each(|(sum, x)| *sum += x);
            }
            said.arcs.iter().for_each(|(design, a, slope)| pulled[design * arcs.len() + a] += slope);
            for (design, state, slope) in said.exits {
                for (a, _) in arcs.iter().enumerate().filter(|(_, arc)| arc.from == state) {
                    pulled[design * arcs.len() + a] += slope * rates[design * arcs.len() + a];
                }
            }
            firsts.extend(said.first);
        }
        for (look, own) in self.looks.iter().zip(occupied.chunks_exact(n)) {
            for &(status, value) in &look.values {
                for (state, x) in own.iter().enumerate() {
                    statistics.rows[self.status_rows[status][look.of + state]][value] += x;
                }
            }
            for reading in &look.readings {
                for (state, x) in own.iter().enumerate().filter(|(_, x)| **x > 0.0) {
                    self.shown[reading.indicator].gain(reading, look.of + state, *x, values, statistics);
                }
            }
        }
        self.first_slopes(rates, first, &firsts, pulled, statistics)?;
        Ok(log)
    }

    /// Rungs and moves at known times.
    fn timed(&self, rates: &[f64], pulled: &mut [f64]) -> f64 {
        let (n, arcs) = (self.structure.n, &self.structure.arcs);
        if self.stayed.is_empty() {
            return 0.0;
        }
        let mut log = 0.0;
        for (place, (&rate, sum)) in rates.iter().zip(pulled.iter_mut()).enumerate() {
            let (design, arc) = (place / arcs.len(), place % arcs.len());
            let time = self.stayed[design * n + arcs[arc].from] * rate;
            let moves = self.moved[place];
            log -= time;
            if moves > 0.0 {
                log += moves * rate.ln();
            }
            *sum += moves - time;
        }
        log
    }

    /// Whether some chain begins with the first rung's law.
    pub fn starts_unknown(&self) -> bool {
        self.chains.iter().any(|chain| matches!(chain.begin, Begin::First(_)))
    }
}
