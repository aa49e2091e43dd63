//! Forward and backward over one chain's operators, with what each says of its generator, look and first rung.

use super::compile::{Begin, Chain, Op, Panel};
use super::structure::Arc;
use crate::ground::{Error, Result};

/// What operators look up at one value of the parameters.
#[derive(Debug)]
pub struct Tables<'a> {
    pub panel: &'a Panel,
    /// e^{Qt} of each chained group, n × n.
    pub laws: &'a [f64],
    /// Likelihood of each look, by joint rung.
    pub looks: &'a [f64],
    /// What was taken out of each look's likelihoods, as a logarithm.
    pub bases: &'a [f64],
    /// Intensities, by design and arc.
    pub rates: &'a [f64],
    /// The first rung's laws, by place.
    pub first: &'a [f64],
}

/// What chains say, to be added up in their order.
#[derive(Debug, Default)]
pub struct Said {
    pub log: f64,
    /// dL/d e^{Qt}: the chained groups, and n × n numbers each.
    pub groups: Vec<usize>,
    pub slopes: Vec<f64>,
    /// dL/dq · q by (design, arc).
    pub arcs: Vec<(usize, usize, f64)>,
    /// dL/d exit rate by (design, joint rung).
    pub exits: Vec<(usize, usize, f64)>,
    /// Expected rungs: the looks, and n numbers each.
    pub seen: Vec<usize>,
    pub occupied: Vec<f64>,
    /// Expected first rungs by place.
    pub first: Vec<(usize, Vec<f64>)>,
}

impl Tables<'_> {
    pub(super) fn exit(&self, design: usize, state: usize) -> f64 {
        let arcs = &self.panel.structure.arcs;
        let own = &self.rates[design * arcs.len()..(design + 1) * arcs.len()];
        arcs.iter().zip(own).filter(|(arc, _)| arc.from == state).map(|(_, rate)| rate).sum()
    }

    fn rate(&self, design: usize, arc: usize) -> f64 {
        self.rates[design * self.panel.structure.arcs.len() + arc]
    }

    fn first(&self, place: usize) -> &[f64] {
        let n = self.panel.structure.n;
        &self.first[place * n..(place + 1) * n]
    }

    fn forward(&self, op: Op, from: &[f64], to: &mut [f64]) {
        let n = from.len();
        let arcs = &self.panel.structure.arcs;
        match op {
            Op::Law(group) => {
                to.fill(0.0);
                let law = &self.laws[group * n * n..(group + 1) * n * n];
                for (x, row) in from.iter().zip(law.chunks_exact(n)).filter(|(x, _)| **x != 0.0) {
                    to.iter_mut().zip(row).for_each(|(sum, p)| *sum += x * p);
                }
            }
            Op::Look(look) => {
                let own = &self.looks[look * n..(look + 1) * n];
                to.iter_mut().zip(from.iter().zip(own)).for_each(|(to, (x, e))| *to = x * e);
            }
            Op::Jump { design, set } => {
                to.fill(0.0);
                for &a in &self.panel.sets[set] {
                    to[arcs[a].to] += from[arcs[a].from] * self.rate(design, a);
                }
            }
            Op::JumpOrStay { design } => {
                to.copy_from_slice(from);
                for (a, arc) in arcs.iter().enumerate().filter(|(_, arc)| !arc.advance) {
                    to[arc.to] += from[arc.from] * self.rate(design, a);
                }
            }
            Op::Stay { design, length } => {
                for (s, to) in to.iter_mut().enumerate() {
                    *to = from[s] * (-self.exit(design, s) * length).exp();
                }
                self.advanced(design, length, to, |arc| (arc.from, arc.to));
            }
        }
    }

    /// e^{At}, A from stage to stage: a finite series, since stages end. All phases of a joint rung are left at one rate,
    /// so that A and the exits commute.
    fn advanced(&self, design: usize, length: f64, vector: &mut [f64], way: impl Fn(&Arc) -> (usize, usize)) {
        let structure = &self.panel.structure;
        if !structure.is_staged() {
            return;
        }
        let mut term = vector.to_vec();
        for k in 1..structure.n {
            let mut next = vec![0.0; term.len()];
            for (a, arc) in structure.arcs.iter().enumerate().filter(|(_, arc)| arc.advance) {
                let (from, to) = way(arc);
                next[to] += term[from] * self.rate(design, a) * (length / k as f64);
            }
            if next.iter().all(|x| *x == 0.0) {
                break;
            }
            vector.iter_mut().zip(&next).for_each(|(sum, x)| *sum += x);
            term = next;
        }
    }

    /// Op · after, into `before`; and what the operator's parts say, given that row · Op · after = 1.
    fn backward(&self, op: Op, row: &[f64], after: &[f64], before: &mut [f64], weight: f64, said: &mut Said) {
        let n = row.len();
        let arcs = &self.panel.structure.arcs;
        match op {
            Op::Law(group) => {
                let law = &self.laws[group * n * n..(group + 1) * n * n];
                said.groups.push(group);
                for (i, own) in law.chunks_exact(n).enumerate() {
                    let x = weight * row[i];
                    said.slopes.extend(after.iter().map(|u| x * u));
                    before[i] = own.iter().zip(after).map(|(p, u)| p * u).sum();
                }
            }
            Op::Look(look) => {
                let own = &self.looks[look * n..(look + 1) * n];
                said.seen.push(look);
                for s in 0..n {
                    before[s] = own[s] * after[s];
                    said.occupied.push(weight * row[s] * before[s]);
                }
            }
            Op::Jump { design, set } => {
                before.fill(0.0);
                for &a in &self.panel.sets[set] {
                    let flow = self.rate(design, a) * after[arcs[a].to];
                    before[arcs[a].from] += flow;
                    said.arcs.push((design, a, weight * row[arcs[a].from] * flow));
                }
            }
            Op::JumpOrStay { design } => {
                before.copy_from_slice(after);
                for (a, arc) in arcs.iter().enumerate().filter(|(_, arc)| !arc.advance) {
                    let flow = self.rate(design, a) * after[arc.to];
                    before[arc.from] += flow;
                    said.arcs.push((design, a, weight * row[arc.from] * flow));
                }
            }
            Op::Stay { design, length } => {
                for s in 0..n {
                    before[s] = (-self.exit(design, s) * length).exp() * after[s];
                }
                self.advanced(design, length, before, |arc| (arc.to, arc.from));
                for s in 0..n {
                    said.exits.push((design, s, -weight * length * row[s] * before[s]));
                }
                // d e^{At} = t dA e^{At}.
                for (a, arc) in arcs.iter().enumerate().filter(|(_, arc)| arc.advance) {
                    let flow = length * self.rate(design, a) * before[arc.to];
                    said.arcs.push((design, a, weight * row[arc.from] * flow));
                }
            }
        }
    }

    /// The law at the beginning of a chain.
    pub fn begin(&self, chain: &Chain) -> Vec<f64> {
        match chain.begin {
            Begin::At(state) => (0..self.panel.structure.n).map(|s| f64::from(u8::from(s == state))).collect(),
            Begin::Seen(rung) => {
                let structure = &self.panel.structure;
                let own = structure.joint.iter().zip(&structure.shares);
                own.map(|(joint, share)| if *joint == rung { *share } else { 0.0 }).collect()
            }
            Begin::First(place) => self.first(place).to_vec(),
        }
    }

    /// An operator as a matrix, row by row.
    pub fn matrix(&self, op: Op) -> Vec<f64> {
        let n = self.panel.structure.n;
        let mut matrix = vec![0.0; n * n];
        for (i, row) in matrix.chunks_exact_mut(n).enumerate() {
            let unit: Vec<f64> = (0..n).map(|s| f64::from(u8::from(s == i))).collect();
            self.forward(op, &unit, row);
        }
        matrix
    }

    /// The forward rows of a chain, each divided by its sum (row 0 the first law), and the logarithm of the likelihood.
    pub fn rows(&self, chain: &Chain, rows: &mut Vec<f64>, scales: &mut Vec<f64>) -> Result<f64> {
        let n = self.panel.structure.n;
        let ops = &self.panel.ops[chain.ops.clone()];
        rows.clear();
        scales.clear();
        rows.resize((ops.len() + 1) * n, 0.0);
        rows[..n].copy_from_slice(&self.begin(chain));
        let mut log = 0.0;
        for (k, &op) in ops.iter().enumerate() {
            let (done, next) = rows.split_at_mut((k + 1) * n);
            let next = &mut next[..n];
            self.forward(op, &done[k * n..], next);
            let total: f64 = next.iter().sum();
            if !(total > 0.0 && total.is_finite()) {
                return Err(self.impossible(chain));
            }
            let scale = 1.0 / total;
            next.iter_mut().for_each(|x| *x *= scale);
            scales.push(scale);
            log += total.ln();
            if let Op::Look(look) = op {
                log += self.bases[look];
            }
        }
        Ok(log)
    }

    /// Adds what a chain says, so many times.
    pub fn tell(&self, chain: &Chain, weight: f64, work: &mut Work, said: &mut Said) -> Result<()> {
        let n = self.panel.structure.n;
        said.log += weight * self.rows(chain, &mut work.rows, &mut work.scales)?;
        work.after.clear();
        work.after.resize(n, 1.0);
        work.before.resize(n, 0.0);
        let ops = &self.panel.ops[chain.ops.clone()];
        for (k, &op) in ops.iter().enumerate().rev() {
            let row = &work.rows[k * n..(k + 1) * n];
            work.after.iter_mut().for_each(|u| *u *= work.scales[k]);
            self.backward(op, row, &work.after, &mut work.before, weight, said);
            std::mem::swap(&mut work.after, &mut work.before);
        }
        if let Begin::First(place) = chain.begin {
            let own = work.rows[..n].iter().zip(&work.after).map(|(x, u)| weight * x * u).collect();
            said.first.push((place, own));
        }
        Ok(())
    }

    fn impossible(&self, chain: &Chain) -> Error {
        let unit = self.panel.units.get(chain.unit).map_or("", String::as_str);
        let message = format!(
            "unit '{unit}', rows {} to {}: what was seen there has probability zero under the model",
            chain.rows.0 + 1,
            chain.rows.1 + 1
        );
        Error::Impossible { development: None, message }
    }
}

/// Vectors that chains use one after the other.
#[derive(Debug, Default)]
pub struct Work {
    pub rows: Vec<f64>,
    pub scales: Vec<f64>,
    after: Vec<f64>,
    before: Vec<f64>,
}
