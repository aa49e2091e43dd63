//! Understanding an answer: derivatives by every parameter, what each finding did, what an observation would tell, and who
//! depends on whom.

use super::engine::{Engine, Evidence, Posteriors};
use super::network::Network;
use super::propagate::Finding;
use crate::ground::{Control, Result};
use rayon::prelude::*;

/// Bits that the sums of an expected information may be off by.
const ROUNDING: f64 = 1e-14;

/// What one parameter of a table, θ = P(state | row), does to P(target | evidence).
///
/// The other probabilities of the row give way in proportion (Chan and Darwiche 2002), so both P(target, evidence) and
/// P(evidence) are linear in θ, and P(target | evidence) at θ + d is (value + d·joint) / (1 + d·evidence), exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    pub variable: usize,
    /// Index into the variable's table; of a noisy maximum into its links, one after the other, and its leak.
    pub entry: usize,
    pub theta: f64,
    /// ∂P(target, evidence) / ∂θ, over P(evidence).
    pub joint: f64,
    /// ∂P(evidence) / ∂θ, over P(evidence).
    pub evidence: f64,
}

/// What observing one variable would tell about a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    pub variable: usize,
    /// Expected reduction of the target's entropy, in bits.
    pub bits: f64,
    /// Expected reduction of the Brier score of the target's law.
    pub brier: f64,
}

/// What one finding did to a target's log-odds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    pub variable: usize,
    /// ln odds(target | all) − ln odds(target | all but this).
    pub weight: f64,
    /// P(target | all but this).
    pub without: f64,
    /// ln P(finding | the others): how surprising it is given them.
    pub surprise: f64,
}

/// The law of each variable with its parents, as its table lies; zeros where neither the target nor evidence descends from
/// it: its parameters bear on nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// P(target | evidence).
    pub value: f64,
    /// Given target and evidence.
    pub with: Vec<Vec<f64>>,
    /// Given the evidence.
    pub all: Vec<Vec<f64>>,
}

impl Counts {
    /// The slopes by the parameters of some rows that are neither 0 nor 1, from what those rows are expected to be in; the
    /// first of them is entry `first` of the variable's parameters.
    pub fn slopes(
        &self,
        variable: usize,
        first: usize,
        card: usize,
        table: &[f64],
        with: &[f64],
        all: &[f64],
    ) -> Vec<Slope> {
        let mut slopes = vec![];
        let rows = table.chunks(card).zip(with.chunks(card).zip(all.chunks(card)));
        for (row, (theta, (with, all))) in rows.enumerate() {
            let sums = (with.iter().sum::<f64>(), all.iter().sum::<f64>());
            for s in (0..card).filter(|&s| theta[s] > 0.0 && theta[s] < 1.0) {
                let slope = |own: f64, sum: f64| own / theta[s] - (sum - own) / (1.0 - theta[s]);
                slopes.push(Slope {
                    variable,
                    entry: first + row * card + s,
                    theta: theta[s],
                    joint: self.value * slope(with[s], sums.0),
                    evidence: slope(all[s], sums.1),
                });
            }
        }
        slopes
    }
}

impl Engine {
    /// P(target = state | evidence), and what every family is expected to be in, with the target in its state and without.
    /// One tree answers both.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn counts(&self, target: usize, state: usize, evidence: &Evidence, control: &Control) -> Result<Counts> {
        let network = self.network();
        let seen = evidence.iter().filter(|(_, finding)| *finding != Finding::Nothing).map(|(v, _)| *v);
        let bears = network.ancestors(seen.chain([target]));
        let bearing: Vec<usize> = (0..bears.len()).filter(|&v| bears[v]).collect();
        let family = |&v: &usize| network.parents()[v].iter().copied().chain([v]).collect();
        let families: Vec<Vec<usize>> = bearing.iter().map(family).collect();
        let ask = |evidence: &Evidence| -> Result<Vec<Vec<f64>>> {
            let (laws, _) = self.laws(&families, &[], &[target], evidence, control)?;
            let mut all: Vec<Vec<f64>> = network.tables().iter().map(|table| vec![0.0; table.len()]).collect();
            bearing.iter().zip(laws).for_each(|(&v, law)| all[v] = law);
            Ok(all)
        };
        let all = ask(evidence)?;
        let value = all[target].iter().skip(state).step_by(network.cards()[target]).sum();
        let with = match value > 0.0 {
            true => ask(&restrict(network, evidence, target, state))?,
            false => all.iter().map(|law| vec![0.0; law.len()]).collect(),
        };
        Ok(Counts { value, with, all })
    }

    /// What each unobserved variable would tell about the target.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn information(&self, target: usize, evidence: &Evidence, control: &Control) -> Result<Vec<Told>> {
        let visible: Vec<usize> = (0..self.visible()).collect();
        let before = self.posteriors(&visible, evidence, control)?;
        // Laws come in the order asked for.
        let target_law = before.law(target);
        let mut given: Vec<Option<Posteriors>> = vec![];
        for (state, &p) in target_law.iter().enumerate() {
            control.check()?;
            let ask = || self.posteriors(&visible, &restrict(self.network(), evidence, target, state), control);
            given.push(if p >= f64::MIN_POSITIVE { Some(ask()?) } else { None });
        }
        let findings = self.dense(evidence);
        let observed = |v: usize| matches!(findings[v], Finding::State(_));
        let told = |v: usize| {
            let own = before.law(v);
            let (mut bits, mut brier) = (0.0, 0.0);
            for (x, &px) in own.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                for (t, &pt) in target_law.iter().enumerate() {
                    let joint = given[t].as_ref().map_or(0.0, |found| pt * found.law(v)[x]);
                    if joint > 0.0 {
                        bits += joint * (joint / (pt * px)).log2();
                    }
                    brier += px * (joint / px - pt) * (joint / px - pt);
                }
            }
            // Below this it is rounding.
            let told = bits > ROUNDING;
            Told { variable: v, bits: if told { bits } else { 0.0 }, brier: if told { brier } else { 0.0 } }
        };
        Ok(visible.iter().copied().filter(|&v| v != target && !observed(v)).map(told).collect())
    }

    /// What each finding did to the log-odds of the target, all others kept (Good 1950's weight of evidence, in nats).
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn weights(
        &self,
        target: usize,
        state: usize,
        evidence: &Evidence,
        control: &Control,
    ) -> Result<(f64, Vec<Weight>)> {
        let odds = |p: f64| p.ln() - (-p).ln_1p();
        let all = self.posteriors(&[target], evidence, control)?;
        let value = all.law(0)[state];
        let weights: Result<Vec<Weight>> = (0..evidence.len())
            .into_par_iter()
            .map(|i| {
                let rest: Vec<_> =
                    evidence.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, f)| f.clone()).collect();
                let found = self.posteriors(&[target], &rest, control)?;
                let without = found.law(0)[state];
                Ok(Weight {
                    variable: evidence[i].0,
                    // Of what was sure already, the odds are infinite both times.
                    weight: if value == without { 0.0 } else { odds(value) - odds(without) },
                    without,
                    surprise: all.log_evidence - found.log_evidence,
                })
            })
            .collect();
        Ok((value, weights?))
    }
}

/// Evidence with the target in a state as well.
fn restrict(network: &Network, evidence: &Evidence, target: usize, state: usize) -> Vec<(usize, Finding)> {
    let mut more: Vec<(usize, Finding)> = evidence.to_vec();
    match more.iter_mut().find(|(v, _)| *v == target) {
        None => more.push((target, Finding::State(state))),
        Some((_, finding @ Finding::Nothing)) => *finding = Finding::State(state),
        Some((_, finding @ Finding::Likelihood(_))) => {
            if let Finding::Likelihood(weights) = finding {
                weights.iter_mut().enumerate().filter(|(s, _)| *s != state).for_each(|(_, w)| *w = 0.0);
            }
        }
        Some((_, finding)) => {
            let card = network.cards()[target];
            if *finding != Finding::State(state) {
                *finding = Finding::Likelihood(vec![0.0; card]);
            }
        }
    }
    more
}

/// Whether `a` and `b` are independent whatever the tables, once `given` is known (Bayes ball, Shachter 1998).
pub fn separated(parents: &[Vec<usize>], a: &[usize], b: &[usize], given: &[usize]) -> bool {
    let n = parents.len();
    let mut children: Vec<Vec<usize>> = vec![vec![]; n];
    for (v, parents) in parents.iter().enumerate() {
        parents.iter().for_each(|&p| children[p].push(v));
    }
    let mut known = vec![false; n];
    given.iter().for_each(|&v| known[v] = true);
    // (vertex, whether the ball comes from a child).
    let mut ahead: Vec<(usize, bool)> = a.iter().map(|&v| (v, true)).collect();
    let mut seen = vec![[false; 2]; n];
    while let Some((v, from_child)) = ahead.pop() {
        if std::mem::replace(&mut seen[v][usize::from(from_child)], true) {
            continue;
        }
        if !known[v] && b.contains(&v) {
            return false;
        }
        match (known[v], from_child) {
            (false, true) => {
                ahead.extend(parents[v].iter().map(|&p| (p, true)));
                ahead.extend(children[v].iter().map(|&c| (c, false)));
            }
            (false, false) => ahead.extend(children[v].iter().map(|&c| (c, false))),
            (true, false) => ahead.extend(parents[v].iter().map(|&p| (p, true))),
            (true, true) => {}
        }
    }
    true
}

/// Parents, children and the children's other parents, ascending.
pub fn blanket(parents: &[Vec<usize>], of: usize) -> Vec<usize> {
    let mut found: Vec<usize> = parents[of].clone();
    for (v, given) in parents.iter().enumerate().filter(|(_, given)| given.contains(&of)) {
        found.push(v);
        found.extend(given.iter().filter(|&&p| p != of));
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colliders_open_when_they_or_their_descendants_are_known() {
        // 0 → 2 ← 1, 2 → 3.
        let parents = vec![vec![], vec![], vec![0, 1], vec![2]];
        assert!(separated(&parents, &[0], &[1], &[]));
        assert!(!separated(&parents, &[0], &[1], &[2]));
        assert!(!separated(&parents, &[0], &[1], &[3]));
        assert!(separated(&parents, &[0], &[3], &[2]));
        assert!(!separated(&parents, &[0], &[3], &[]));
        assert_eq!(blanket(&parents, 0), vec![1, 2]);
        assert_eq!(blanket(&parents, 2), vec![0, 1, 3]);
    }
}
