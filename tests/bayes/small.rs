//! Random small networks, all kinds of nodes and evidence, against every joint state.

use crate::oracle::{Found, Oracle, all_close, close, dense, evidence, network, posterior, some, summed};
use escalade::bayes::Engine;
use escalade::bayes::cpd::Cpd;
use escalade::bayes::named::{BayesNet, NetSpec, NodeSpec};
use escalade::bayes::propagate::Finding;
use escalade::ground::{Control, Error, random};
use rand::RngExt;
use rayon::prelude::*;
use statrs::distribution::{ChiSquared, ContinuousCDF};

const NETWORKS: u64 = 330;
const NODES: usize = 7;
/// How unlikely a chi-square may be before it fails: seeds are fixed, so that one in many thousands never comes up by chance.
const UNLIKELY: f64 = 1e-5;

/// A network with its oracle, and engines of both ways, which are asked again and again.
struct Case {
    seed: u64,
    net: BayesNet,
    oracle: Oracle,
    engines: Vec<Engine>,
}

impl Case {
    fn new(seed: u64) -> Self {
        Case::of(seed, network(&mut random::stream(seed, 0), NODES))
    }

    fn of(seed: u64, spec: NetSpec) -> Self {
        let effort = [0.0, 0.2, 3.0][seed as usize % 3];
        let net = BayesNet::new(spec.clone(), effort).unwrap();
        let oracle = Oracle::new(&spec);
        let engine = |whole| {
            let made = Engine::new(net.engine().network().clone(), net.engine().visible(), effort);
            made.with_whole(whole)
        };
        let engines = vec![engine(true), engine(false)];
        assert!(engines[0].whole() && !engines[1].whole());
        Case { seed, net, oracle, engines }
    }

    /// The same with a variable set by hand.
    fn set(mut self, v: usize, state: usize) -> Self {
        self.oracle = self.oracle.set(v, state);
        for engine in &mut self.engines {
            let cut = engine.network().do_(v, state).unwrap();
            *engine = Engine::new(cut, engine.visible(), 0.2).with_whole(engine.whole());
        }
        self
    }

    fn cards(&self) -> &[usize] {
        &self.oracle.cards
    }

    fn n(&self) -> usize {
        self.oracle.cards.len()
    }

    fn all(&self) -> Vec<usize> {
        (0..self.n()).collect()
    }

    fn told(&self, what: &str, evidence: &Found) -> String {
        format!("seed {}: {what} given {evidence:?}", self.seed)
    }
}

/// Every network with several sets of evidence; half of them after an intervention.
fn each(salt: u64, check: impl Fn(&Case, &Found) + Sync) {
    (0..NETWORKS).into_par_iter().for_each(|seed| {
        let mut rng = random::stream(seed, salt);
        let mut case = Case::new(seed);
        if seed % 2 == 1 {
            let v = rng.random_range(0..case.n());
            let state = rng.random_range(0..case.cards()[v]);
            case = case.set(v, state);
        }
        for share in [0.0, 0.3, 0.6, 0.3] {
            let evidence = evidence(&mut rng, case.cards(), share);
            check(&case, &evidence);
        }
    });
}

/// As [`each`], with evidence that is possible.
fn each_possible(salt: u64, check: impl Fn(&Case, &Found) + Sync) {
    each(salt, |case, evidence| {
        if case.oracle.mass(evidence) > 0.0 {
            check(case, evidence);
        }
    });
}

#[test]
fn tables_of_all_kinds_are_their_definitions() {
    (0..NETWORKS).into_par_iter().for_each(|seed| {
        let case = Case::new(seed);
        for (v, table) in case.oracle.tables.iter().enumerate() {
            assert!(all_close(&case.net.table(v).unwrap(), table), "seed {seed}, node {v}");
        }
    });
}

#[test]
fn all_posteriors_and_some() {
    each_possible(1, |case, evidence| {
        let weights = case.oracle.weights(evidence);
        let log = weights.iter().map(|(_, w)| w).sum::<f64>().ln();
        let few = some(&mut random::stream(case.seed, 2), case.n(), 0.4);
        let one = [case.seed as usize % case.n()];
        for engine in &case.engines {
            for targets in [&case.all()[..], &few, &one] {
                let found = engine.posteriors(targets, evidence, &Control::default()).unwrap();
                assert!(close(found.log_evidence, log), "{}", case.told("ln P of some", evidence));
                let mut told: Vec<usize> = found.laws().map(|(v, _)| v).collect();
                let mut wanted = targets.to_vec();
                told.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(told, wanted, "{}", case.told("targets", evidence));
                for (v, law) in found.laws() {
                    let expected = posterior(&weights, case.cards(), &[v]);
                    assert!(all_close(law, &expected), "{} {law:?} {expected:?}", case.told("a posterior", evidence));
                }
            }
            let found = engine.log_evidence(evidence, &Control::default()).unwrap();
            assert!(close(found, log), "{} {found} {log}", case.told("ln P", evidence));
        }
    });
}

#[test]
fn joint_laws_of_any_set() {
    each_possible(3, |case, evidence| {
        let weights = case.oracle.weights(evidence);
        let log = weights.iter().map(|(_, w)| w).sum::<f64>().ln();
        let mut rng = random::stream(case.seed, 4);
        let sets: Vec<Vec<usize>> = [0.0, 0.4, 0.7, 1.0].iter().map(|&share| some(&mut rng, case.n(), share)).collect();
        for engine in &case.engines {
            let (together, mass) = engine.joints(&sets, evidence, &Control::default()).unwrap();
            assert!(close(mass, log), "{}", case.told("ln P", evidence));
            for (set, with_others) in sets.iter().zip(&together) {
                let (law, mass) = engine.joint(set, evidence, &Control::default()).unwrap();
                let expected = posterior(&weights, case.cards(), set);
                assert!(close(mass, log), "{}", case.told("ln P", evidence));
                assert!(all_close(&law, &expected), "{}", case.told(&format!("the joint of {set:?}"), evidence));
                assert!(all_close(with_others, &expected), "{}", case.told(&format!("joints, {set:?}"), evidence));
            }
        }
    });
}

/// Larger cliques run in many blocks, and tables along them in every way.
#[test]
fn dense_networks_in_many_blocks() {
    (0..24u64).into_par_iter().for_each(|seed| {
        let mut rng = random::stream(seed, 20);
        let case = Case::of(seed, dense(&mut rng));
        let draw = case.engines[0].sample(1, seed, &[], &Control::default()).unwrap();
        let seen = rng.random_range(0..case.n());
        let soft = (seen, Finding::Likelihood((0..case.cards()[seen]).map(|s| 0.1 + s as f64).collect()));
        let hard = (7 - seen, Finding::State(draw[7 - seen] as usize));
        for evidence in [vec![soft], vec![hard]] {
            let weights = case.oracle.weights(&evidence);
            let log = weights.iter().map(|(_, w)| w).sum::<f64>().ln();
            let sets = [some(&mut rng, 8, 0.4), some(&mut rng, 8, 0.6)];
            for engine in &case.engines {
                let found = engine.posteriors(&case.all(), &evidence, &Control::default()).unwrap();
                assert!(close(found.log_evidence, log), "{}", case.told("dense ln P", &evidence));
                for (v, law) in found.laws() {
                    let expected = posterior(&weights, case.cards(), &[v]);
                    assert!(all_close(law, &expected), "{}", case.told("a dense posterior", &evidence));
                }
                for set in &sets {
                    let (law, _) = engine.joint(set, &evidence, &Control::default()).unwrap();
                    let expected = posterior(&weights, case.cards(), set);
                    assert!(all_close(&law, &expected), "{}", case.told(&format!("dense {set:?}"), &evidence));
                    let found = engine.most_probable(set, &evidence, &Control::default()).unwrap();
                    let law = summed(&weights, case.cards(), set);
                    let best = law.iter().copied().fold(0.0, f64::max).ln();
                    assert!(close(found.log_joint, best), "{}", case.told(&format!("dense best {set:?}"), &evidence));
                }
            }
        }
    });
}

#[test]
fn a_variable_asked_for_twice_is_refused() {
    let case = Case::new(3);
    let asked = case.engines[0].joint(&[0, 0], &[], &Control::default());
    assert!(matches!(asked, Err(Error::Spec { .. })), "{asked:?}");
}

#[test]
fn rounded_links_of_a_noisy_maximum_sum_to_one() {
    let yes = |name: &str, given: &[&str], cpd| NodeSpec {
        name: name.into(),
        states: vec!["no".into(), "yes".into()],
        given: given.iter().map(|s| (*s).into()).collect(),
        cpd,
    };
    let noisy = Cpd::NoisyMax { links: vec![vec![1.0, 0.0, 0.3333333, 0.6666666]], leak: Some(vec![0.9, 0.0999999]) };
    let node = vec![yes("a", &[], Cpd::Table(vec![0.5, 0.5])), yes("y", &["a"], noisy)];
    let net = BayesNet::new(NetSpec { name: String::new(), node }, 0.2).unwrap();
    for row in net.table(1).unwrap().chunks(2) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-15, "{row:?}");
    }
}

#[test]
fn most_probable_states() {
    each_possible(5, |case, evidence| {
        let weights = case.oracle.weights(evidence);
        let log = weights.iter().map(|(_, w)| w).sum::<f64>().ln();
        let few = some(&mut random::stream(case.seed, 6), case.n(), 0.5);
        for engine in &case.engines {
            for of in [&case.all(), &few] {
                let found = engine.most_probable(of, evidence, &Control::default()).unwrap();
                let law = summed(&weights, case.cards(), of);
                let best = law.iter().copied().fold(0.0, f64::max);
                let at = of.iter().zip(&found.states).fold(0, |at, (&v, s)| at * case.cards()[v] + s);
                let told = case.told(&format!("the most probable of {of:?}"), evidence);
                assert_eq!(found.states.len(), of.len(), "{told}");
                assert!(close(found.log_joint, best.ln()), "{told}: {} {}", found.log_joint, best.ln());
                assert!(close(law[at].ln(), best.ln()), "{told}: {:?}", found.states);
                assert!(close(found.log_evidence, log), "{told}: ln P");
            }
        }
    });
}

#[test]
fn impossible_evidence_names_a_smallest_contradiction() {
    let control = Control::default();
    let seen = std::sync::atomic::AtomicUsize::new(0);
    each(7, |case, evidence| {
        if case.oracle.mass(evidence) > 0.0 {
            return;
        }
        let size = case.oracle.smallest(evidence);
        seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        for engine in &case.engines {
            let errors = [
                engine.posteriors(&case.all(), evidence, &control).unwrap_err(),
                engine.posteriors(&[0], evidence, &control).unwrap_err(),
                engine.joint(&[0], evidence, &control).unwrap_err(),
                engine.joints(&[vec![0]], evidence, &control).unwrap_err(),
                engine.most_probable(&[0], evidence, &control).unwrap_err(),
                engine.sample(1, 0, evidence, &control).unwrap_err(),
                engine.counts(0, 0, evidence, &control).unwrap_err(),
                engine.information(0, evidence, &control).unwrap_err(),
            ];
            for error in errors {
                let told = case.told(&format!("{error}"), evidence);
                let Error::Contradiction { variables } = &error else { panic!("{told}") };
                let part = |left: Option<usize>| -> Found {
                    let there = |v: &usize| variables.contains(v) && Some(*v) != left;
                    evidence.iter().filter(|(v, _)| there(v)).cloned().collect()
                };
                assert_eq!(case.oracle.mass(&part(None)), 0.0, "{told}");
                assert!(variables.iter().all(|&v| case.oracle.mass(&part(Some(v))) > 0.0), "{told}");
                assert!(size.is_none_or(|size| size == variables.len()), "{told}: {size:?}");
                let Error::Impossible { message, .. } = case.net.explain(error.clone(), evidence) else {
                    panic!("{told}")
                };
                assert!(variables.iter().all(|v| message.contains(&format!("n{v} "))), "{message}");
            }
            assert_eq!(engine.log_evidence(evidence, &control).unwrap(), f64::NEG_INFINITY);
        }
    });
    let seen = seen.into_inner();
    assert!(seen > 100, "{seen}");
}

#[test]
fn prediction_with_missing_values() {
    (0..NETWORKS).into_par_iter().for_each(|seed| {
        let case = Case::new(seed);
        let mut rng = random::stream(seed, 8);
        let columns = some(&mut rng, case.n(), 0.6);
        let targets = [some(&mut rng, case.n(), 0.5), vec![rng.random_range(0..case.n())]];
        if columns.is_empty() {
            return;
        }
        let mut rows: Vec<i32> = vec![];
        for _ in 0..12 {
            rows.extend(columns.iter().map(|&v| rng.random_range(-1..case.cards()[v] as i32)));
        }
        for (engine, targets) in case.engines.iter().flat_map(|engine| targets.iter().map(move |t| (engine, t))) {
            let (laws, logs) = engine.predict(&columns, &rows, targets, &Control::default()).unwrap();
            let width: usize = targets.iter().map(|&v| case.cards()[v]).sum();
            assert_eq!((laws.len(), logs.len()), (12 * width, 12), "seed {seed}");
            for (i, row) in rows.chunks(columns.len()).enumerate() {
                let seen = columns.iter().zip(row).filter(|(_, s)| **s >= 0);
                let evidence: Found = seen.map(|(&v, &s)| (v, Finding::State(s as usize))).collect();
                let weights = case.oracle.weights(&evidence);
                let mass: f64 = weights.iter().map(|(_, w)| w).sum();
                let told = format!("{} {} {}", case.told("ln P of a row", &evidence), logs[i], mass.ln());
                assert!(close(logs[i], mass.ln()), "{told}");
                let found = &laws[i * width..(i + 1) * width];
                // The same bits alone as in a table.
                let (alone, log) = engine.predict(&columns, row, targets, &Control::default()).unwrap();
                assert!(alone.iter().zip(found).all(|(a, b)| a.to_bits() == b.to_bits()), "{told}");
                assert_eq!(log[0].to_bits(), logs[i].to_bits(), "{told}");
                if mass == 0.0 {
                    assert!(found.iter().all(|p| p.is_nan()), "{}", case.told("an impossible row", &evidence));
                } else {
                    let expected: Vec<f64> =
                        targets.iter().flat_map(|&v| posterior(&weights, case.cards(), &[v])).collect();
                    assert!(all_close(found, &expected), "{}", case.told("a row", &evidence));
                }
            }
        }
    });
}

#[test]
fn draws_come_as_often_as_they_should() {
    const DRAWS: usize = 3000;
    (0..60u64).into_par_iter().for_each(|seed| {
        let case = Case::new(seed);
        let evidence = evidence(&mut random::stream(seed, 9), case.cards(), 0.3);
        let weights = case.oracle.weights(&evidence);
        let mass: f64 = weights.iter().map(|(_, w)| w).sum();
        if mass == 0.0 {
            return;
        }
        for engine in &case.engines {
            let draws = engine.sample(DRAWS, seed, &evidence, &Control::default()).unwrap();
            let mut counts = vec![0usize; weights.len()];
            for x in draws.chunks(case.n()) {
                counts[x.iter().zip(case.cards()).fold(0, |at, (&s, card)| at * card + s as usize)] += 1;
            }
            // Joint states that are rare are counted together.
            let (mut chi, mut cells, mut rare) = (0.0, 0usize, (0.0, 0.0));
            for ((_, weight), &count) in weights.iter().zip(&counts) {
                let expected = weight / mass * DRAWS as f64;
                assert!(expected > 0.0 || count == 0, "{}", case.told("what cannot be was drawn", &evidence));
                if expected < 8.0 {
                    rare = (rare.0 + expected, rare.1 + count as f64);
                } else {
                    chi += (count as f64 - expected).powi(2) / expected;
                    cells += 1;
                }
            }
            if rare.0 >= 8.0 {
                chi += (rare.1 - rare.0).powi(2) / rare.0;
                cells += 1;
            }
            if cells > 1 {
                let chance = 1.0 - ChiSquared::new((cells - 1) as f64).unwrap().cdf(chi);
                assert!(chance > UNLIKELY, "{} {chi} in {cells} cells", case.told("draws", &evidence));
            }
        }
    });
}

#[test]
fn slopes_are_central_differences_with_the_row_in_proportion() {
    each_possible(10, |case, evidence| {
        if case.seed % 2 == 1 {
            return;
        }
        let mut rng = random::stream(case.seed, 11);
        let target = rng.random_range(0..case.n());
        let state = rng.random_range(0..case.cards()[target]);
        let at = |oracle: &Oracle| {
            let weights = oracle.weights(evidence);
            let law = summed(&weights, case.cards(), &[target]);
            (law[state], law.iter().sum::<f64>())
        };
        let (joint, mass) = at(&case.oracle);
        let (value, mut slopes) = case.net.slopes(target, state, evidence, &Control::default()).unwrap();
        assert!(close(value, joint / mass), "{}", case.told("the value", evidence));
        // Each entry of a table that is neither 0 nor 1 has one.
        let noisy = |v: usize| matches!(case.net.spec().node[v].cpd, Cpd::NoisyMax { .. });
        slopes.retain(|slope| !noisy(slope.variable));
        let free: usize = (0..case.n())
            .filter(|&v| !noisy(v))
            .map(|v| case.net.table(v).unwrap().iter().filter(|p| **p > 0.0 && **p < 1.0).count())
            .sum();
        assert_eq!(slopes.len(), free, "{}", case.told("parameters", evidence));
        for _ in 0..slopes.len().min(5) {
            let slope = slopes[rng.random_range(0..slopes.len())];
            let card = case.cards()[slope.variable];
            let theta = case.oracle.tables[slope.variable][slope.entry];
            assert!(close(theta, slope.theta), "{}", case.told("θ", evidence));
            let step = theta.min(1.0 - theta) / 2.0;
            if step < 1e-3 {
                continue;
            }
            let moved = |by: f64| {
                let mut moved = case.oracle.clone();
                let start = slope.entry / card * card;
                for (s, p) in moved.tables[slope.variable][start..start + card].iter_mut().enumerate() {
                    *p = if start + s == slope.entry { *p + by } else { *p * (1.0 - theta - by) / (1.0 - theta) };
                }
                at(&moved)
            };
            let (up, down) = (moved(step), moved(-step));
            // Both are linear in θ: their differences are exact for any step.
            let found = ((up.0 - down.0) / (2.0 * step) / mass, (up.1 - down.1) / (2.0 * step) / mass);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-11 * (1.0 + b.abs()) / step;
            let told = format!("{} {slope:?} {found:?}", case.told("a slope", evidence));
            assert!(near(slope.joint, found.0) && near(slope.evidence, found.1), "{told}");
            let curve = (value + step * slope.joint) / (1.0 + step * slope.evidence);
            assert!(up.1 <= 0.0 || close(curve, up.0 / up.1), "{told}");
        }
    });
}

#[test]
fn information_is_what_is_expected_of_observing() {
    each_possible(12, |case, evidence| {
        let weights = case.oracle.weights(evidence);
        let target = random::stream(case.seed, 13).random_range(0..case.n());
        let before = posterior(&weights, case.cards(), &[target]);
        let entropy = |law: &[f64]| -law.iter().filter(|p| **p > 0.0).map(|p| p * p.log2()).sum::<f64>();
        let brier = |law: &[f64]| 1.0 - law.iter().map(|p| p * p).sum::<f64>();
        for engine in &case.engines {
            let told = engine.information(target, evidence, &Control::default()).unwrap();
            let hard = |v: &usize| evidence.iter().any(|(u, f)| u == v && matches!(f, Finding::State(_)));
            let wanted: Vec<usize> = case.all().into_iter().filter(|v| *v != target && !hard(v)).collect();
            assert_eq!(told.iter().map(|t| t.variable).collect::<Vec<_>>(), wanted);
            for one in told {
                let joint = posterior(&weights, case.cards(), &[one.variable, target]);
                let (mut bits, mut drop) = (entropy(&before), brier(&before));
                for row in joint.chunks(case.cards()[target]) {
                    let p: f64 = row.iter().sum();
                    if p > 0.0 {
                        let after: Vec<f64> = row.iter().map(|x| x / p).collect();
                        bits -= p * entropy(&after);
                        drop -= p * brier(&after);
                    }
                }
                let told = format!("{} {one:?} {bits} {drop}", case.told("information", evidence));
                assert!(close(one.bits, bits) && close(one.brier, drop), "{told}");
            }
        }
    });
}

#[test]
fn weights_of_evidence_leave_one_finding_out() {
    each_possible(14, |case, evidence| {
        let target = random::stream(case.seed, 15).random_range(0..case.n());
        let chance = |evidence: &Found| posterior(&case.oracle.weights(evidence), case.cards(), &[target])[0];
        let odds = |p: f64| (p / (1.0 - p)).ln();
        for engine in &case.engines {
            let (value, weights) = engine.weights(target, 0, evidence, &Control::default()).unwrap();
            assert!(close(value, chance(evidence)), "{}", case.told("the value", evidence));
            assert_eq!(weights.len(), evidence.len());
            for (i, one) in weights.iter().enumerate() {
                let mut rest = evidence.clone();
                rest.remove(i);
                let told = format!("{} {one:?} of {target}", case.told("a weight", evidence));
                let without = chance(&rest);
                assert_eq!(one.variable, evidence[i].0);
                assert!(close(one.without, without), "{told} {without}");
                let surprise = (case.oracle.mass(evidence) / case.oracle.mass(&rest)).ln();
                assert!(close(one.surprise, surprise), "{told} {surprise}");
                assert!(!one.weight.is_nan(), "{told}");
                // Odds of what is nearly sure have no digits left.
                let open = |p: f64| p > 1e-6 && p < 1.0 - 1e-6;
                if open(value) && open(without) {
                    let weight = odds(chance(evidence)) - odds(without);
                    assert!((one.weight - weight).abs() < 1e-8, "{told} {weight}");
                }
            }
        }
    });
}

#[test]
fn only_ratios_of_likelihoods_matter() {
    each_possible(17, |case, evidence| {
        for engine in &case.engines {
            let (all, control) = (case.all(), Control::default());
            let found = engine.posteriors(&all, evidence, &control).unwrap();
            for scale in [1e200, 1e-200] {
                let mut soft = 0.0;
                let scaled: Vec<(usize, Finding)> = evidence
                    .iter()
                    .map(|(v, finding)| match finding {
                        Finding::Likelihood(weights) => {
                            soft += 1.0;
                            (*v, Finding::Likelihood(weights.iter().map(|w| w * scale).collect()))
                        }
                        other => (*v, other.clone()),
                    })
                    .collect();
                let again = engine.posteriors(&all, &scaled, &control).unwrap();
                assert!((again.log_evidence - found.log_evidence - soft * f64::ln(scale)).abs() < 1e-9);
                for ((_, a), (_, b)) in again.laws().zip(found.laws()) {
                    assert!(a.iter().zip(b).all(|(a, b)| close(*a, *b)), "{}", case.told("scaled", evidence));
                }
            }
        }
    });
}

#[test]
fn a_column_twice_is_refused() {
    let table = |n: usize| NodeSpec {
        name: format!("v{n}"),
        states: vec!["a".into(), "b".into()],
        given: vec![],
        cpd: Cpd::Table(vec![0.5, 0.5]),
    };
    let net = BayesNet::new(NetSpec { name: String::new(), node: vec![table(0), table(1)] }, 0.3).unwrap();
    let error = net.engine().predict(&[0, 0], &[1, -1], &[1], &Control::default()).unwrap_err();
    assert!(error.to_string().contains("twice: v0"), "{error}");
}
