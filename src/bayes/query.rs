//! Queries: joint laws and posteriors of a network given factors, each by a clique tree made for it.

use super::factor::Factor;
use super::network::Network;
use super::propagate::Work;
use super::tree::{Plan, Tree};
use crate::ground::{Control, Error, Result};

impl Network {
    /// The joint law of `keep` (in that order, the last fastest) given the product of `evidence`, and the logarithm of the
    /// total mass, `logs` added: ln Σ P(x) Π factors + logs. Where the mass is 0 the logarithm is −inf and the law is 0.
    ///
    /// `logs` is the logarithm of whatever the factors were divided by; `limit` the bytes that messages may take.
    ///
    /// # Errors
    /// `Error::TooLarge` when they would take more, told before it is taken; `Error::Spec` for a variable that does not
    /// exist or is kept twice, and a factor of other sizes.
    ///
    /// # Complexity
    /// The sum of the clique tables of the best order found; variables that neither `keep` nor the evidence descends from
    /// are never looked at.
    pub fn joint(&self, evidence: &[Factor], logs: f64, keep: &[usize], limit: f64) -> Result<(Factor, f64)> {
        self.check_query(evidence, keep)?;
        let given: Vec<Vec<usize>> = evidence.iter().map(|factor| factor.vars().to_vec()).collect();
        let joints = [keep.to_vec()];
        let plan = Plan { given: &given, joints: &joints, late: keep, limit, ..Plan::default() };
        let tree = Tree::new(self, &plan)?;
        let mut work = Work::new(&tree);
        let control = Control::default();
        tree.load(self, evidence, &[], &mut work);
        let log = tree.collect(&mut work, &control)?;
        let sizes: Vec<usize> = keep.iter().map(|&v| self.cards()[v]).collect();
        let cells = sizes.iter().product();
        if log == f64::NEG_INFINITY {
            return Ok((Factor::new(keep.to_vec(), sizes, vec![0.0; cells])?, log));
        }
        tree.distribute(&mut work, &control)?;
        let law = tree.joint(0, keep, &work);
        Ok((Factor::new(keep.to_vec(), sizes, law)?, log + logs))
    }

    /// The law of every variable given the product of `evidence`, and the logarithm of the total mass (−inf, and zeros,
    /// where it is 0).
    ///
    /// # Errors
    /// As [`Network::joint`].
    pub fn posteriors(&self, evidence: &[Factor], limit: f64) -> Result<(Vec<Vec<f64>>, f64)> {
        self.check_query(evidence, &[])?;
        let given: Vec<Vec<usize>> = evidence.iter().map(|factor| factor.vars().to_vec()).collect();
        let all: Vec<usize> = (0..self.cards().len()).collect();
        let tree = Tree::new(self, &Plan { given: &given, marginals: &all, limit, ..Plan::default() })?;
        let mut work = Work::new(&tree);
        let control = Control::default();
        tree.load(self, evidence, &[], &mut work);
        let log = tree.collect(&mut work, &control)?;
        let mut laws: Vec<Vec<f64>> = self.cards().iter().map(|&card| vec![0.0; card]).collect();
        if log > f64::NEG_INFINITY {
            tree.distribute(&mut work, &control)?;
            tree.marginals(&work).into_iter().for_each(|(v, law)| laws[v] = law);
        }
        Ok((laws, log))
    }

    fn check_query(&self, evidence: &[Factor], keep: &[usize]) -> Result<()> {
        let wrong = |message: String| Err(Error::spec("", "network", message));
        for (i, v) in keep.iter().enumerate() {
            if *v >= self.cards().len() || keep.iter().take(i).any(|w| w == v) {
                return wrong(format!("variable {v} does not exist or is asked for twice"));
            }
        }
        for (v, size) in evidence.iter().flat_map(|f| f.vars().iter().zip(f.sizes())) {
            if self.cards().get(*v) != Some(size) {
                return wrong(format!("a factor has {size} states of variable {v}, which has not as many"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: f64 = 1e9;

    /// The joint of `keep` and the mass by going through every joint state.
    fn brute(net: &Network, evidence: &[Factor], keep: &[usize]) -> (Vec<f64>, f64) {
        let cards = net.cards();
        let index = |vars: &[usize], x: &[usize]| vars.iter().fold(0, |i, v| i * cards[*v] + x[*v]);
        let mut law = vec![0.0; keep.iter().map(|v| cards[*v]).product()];
        for mut code in 0..cards.iter().product() {
            let mut x = vec![0; cards.len()];
            for (digit, card) in x.iter_mut().zip(cards) {
                *digit = code % card;
                code /= card;
            }
            let prior: f64 =
                (0..cards.len()).map(|v| net.tables()[v][index(&net.parents()[v], &x) * cards[v] + x[v]]).product();
            let weight: f64 = evidence.iter().map(|f| f.values()[index(f.vars(), &x)]).product();
            law[index(keep, &x)] += prior * weight;
        }
        let mass: f64 = law.iter().sum();
        (law.iter().map(|p| if mass > 0.0 { p / mass } else { 0.0 }).collect(), mass.ln())
    }

    /// A network of `n` variables in which each has some of the earlier ones as parents, all by `pick`.
    fn network(n: usize, mut pick: impl FnMut() -> f64) -> Network {
        let cards: Vec<usize> = (0..n).map(|_| 2 + (pick() * 2.0) as usize).collect();
        let parents: Vec<Vec<usize>> = (0..n).map(|v| (0..v).rev().filter(|_| pick() < 0.5).collect()).collect();
        let row = |card: usize, pick: &mut dyn FnMut() -> f64| {
            let raw: Vec<f64> = (0..card).map(|_| 0.01 + pick()).collect();
            let sum: f64 = raw.iter().sum();
            raw.into_iter().map(|x| x / sum).collect::<Vec<_>>()
        };
        let tables = (0..n)
            .map(|v| {
                let rows: usize = parents[v].iter().map(|p| cards[*p]).product();
                (0..rows).flat_map(|_| row(cards[v], &mut pick)).collect()
            })
            .collect();
        Network::new(cards, parents, tables).unwrap()
    }

    /// Numbers in [0, 1) from a seed (splitmix64).
    fn stream(mut seed: u64) -> impl FnMut() -> f64 {
        move || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    proptest! {
        #[test]
        fn elimination_is_the_joint_summed_out(seed: u64) {
            let mut pick = stream(seed);
            let net = network(5, &mut pick);
            let cards = net.cards();
            let mut some = |vars: Vec<usize>| {
                let sizes: Vec<usize> = vars.iter().map(|v| cards[*v]).collect();
                let values = (0..sizes.iter().product()).map(|_| if pick() < 0.3 { 0.0 } else { pick() }).collect();
                Factor::new(vars, sizes, values).unwrap()
            };
            let evidence = [some(vec![3, 1]), some(vec![2]), some(vec![])];
            for keep in [vec![], vec![4], vec![3, 0], vec![1, 4, 2]] {
                let (law, log) = net.joint(&evidence, 0.25, &keep, LIMIT).unwrap();
                let (expected, mass) = brute(&net, &evidence, &keep);
                prop_assert_eq!(law.vars(), &keep);
                prop_assert!(law.values().iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12));
                prop_assert!(log == mass || (log - 0.25 - mass).abs() < 1e-10, "{} {}", log, mass);
            }
        }
    }

    #[test]
    fn posteriors_are_the_marginals() {
        let net = network(5, stream(7));
        let evidence = [Factor::new(vec![4], vec![net.cards()[4]], vec![1.0; net.cards()[4]]).unwrap()];
        let (laws, log) = net.posteriors(&evidence, LIMIT).unwrap();
        assert!(log.abs() < 1e-12);
        for (v, law) in laws.iter().enumerate() {
            let (expected, _) = brute(&net, &[], &[v]);
            assert!(law.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }

    #[test]
    fn doing_cuts_the_parents_and_seeing_does_not() {
        let net =
            Network::new(vec![2, 2], vec![vec![], vec![0]], vec![vec![0.5, 0.5], vec![0.9, 0.1, 0.1, 0.9]]).unwrap();
        let done = net.do_(1, 1).unwrap().joint(&[], 0.0, &[0], LIMIT).unwrap().0;
        let seen = Factor::new(vec![1], vec![2], vec![0.0, 1.0]).unwrap();
        let seen = net.joint(&[seen], 0.0, &[0], LIMIT).unwrap().0;
        assert_eq!(done.values(), &[0.5, 0.5]);
        assert!((seen.values()[1] - 0.9).abs() < 1e-15);
    }

    #[test]
    fn no_mass_is_minus_infinity_and_zeros() {
        let net = Network::new(vec![2], vec![vec![]], vec![vec![1.0, 0.0]]).unwrap();
        let never = Factor::new(vec![0], vec![2], vec![0.0, 1.0]).unwrap();
        let (law, log) = net.joint(&[never], 0.0, &[0], LIMIT).unwrap();
        assert_eq!((law.values(), log), (&[0.0, 0.0][..], f64::NEG_INFINITY));
    }

    #[test]
    fn a_long_chain_of_faint_evidence_keeps_its_log() {
        let n = 400;
        let net = Network::new(vec![2; n], vec![vec![]; n], vec![vec![0.5, 0.5]; n]).unwrap();
        let faint: Vec<Factor> = (0..n).map(|v| Factor::new(vec![v], vec![2], vec![1e-9, 3e-9]).unwrap()).collect();
        let (law, log) = net.joint(&faint, 0.0, &[0], LIMIT).unwrap();
        assert!((law.values()[1] - 0.75).abs() < 1e-14);
        assert!((log - n as f64 * 2e-9f64.ln()).abs() < 1e-8);
    }

    #[test]
    fn tables_that_do_not_fit_are_refused_before_they_are_made() {
        let n = 40;
        let net = Network::new(vec![2; n], vec![vec![]; n], vec![vec![0.5, 0.5]; n]).unwrap();
        let all: Vec<usize> = (0..n).collect();
        assert!(matches!(net.joint(&[], 0.0, &all, LIMIT), Err(Error::TooLarge { .. })));
        assert!(net.joint(&[], 0.0, &[0, 0], LIMIT).is_err());
        assert!(net.joint(&[], 0.0, &[40], LIMIT).is_err());
        let wrong = Factor::new(vec![0], vec![3], vec![1.0; 3]).unwrap();
        assert!(net.joint(&[wrong], 0.0, &[0], LIMIT).is_err());
    }
}
