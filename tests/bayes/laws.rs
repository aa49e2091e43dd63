//! Laws that hold for every network and all evidence.

use crate::oracle::{Found, Oracle, TOLERANCE, close, evidence, network, shuffle, some};
use escalade::bayes::Engine;
use escalade::bayes::cpd::Cpd;
use escalade::bayes::named::{BayesNet, NetSpec, NodeSpec};
use escalade::bayes::propagate::Finding;
use escalade::ground::{Control, Error, random};
use proptest::prelude::*;
use rand::RngExt;

const NODES: usize = 9;

/// A network, larger than what brute force is kept for, an engine of either way, and the generator to go on with.
fn asked(seed: u64, whole: bool) -> (BayesNet, Engine, rand_chacha::ChaCha8Rng) {
    let mut rng = random::stream(seed, 0);
    let net = BayesNet::new(network(&mut rng, NODES), 0.2).unwrap();
    let engine = Engine::new(net.engine().network().clone(), net.engine().visible(), 0.2).with_whole(whole);
    (net, engine, rng)
}

fn cards(net: &BayesNet) -> Vec<usize> {
    net.spec().node.iter().map(|node| node.states.len()).collect()
}

/// Every law by variable, and ln P(evidence); none where the evidence is impossible.
fn laws(engine: &Engine, evidence: &Found) -> Option<(Vec<Vec<f64>>, f64)> {
    let all: Vec<usize> = (0..engine.visible()).collect();
    match engine.posteriors(&all, evidence, &Control::default()) {
        Ok(found) => {
            let mut laws = vec![vec![]; all.len()];
            found.laws().for_each(|(v, law)| laws[v] = law.to_vec());
            Some((laws, found.log_evidence))
        }
        Err(Error::Contradiction { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// The same network with every law a table.
fn tables(net: &BayesNet) -> NetSpec {
    let mut spec = net.spec().clone();
    spec.node.iter_mut().enumerate().for_each(|(v, node)| node.cpd = Cpd::Table(net.table(v).unwrap()));
    spec
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn posteriors_are_laws(seed: u64, whole: bool) {
        let (net, engine, mut rng) = asked(seed, whole);
        let evidence = evidence(&mut rng, &cards(&net), 0.3);
        if let Some((laws, _)) = laws(&engine, &evidence) {
            for law in laws {
                prop_assert!(law.iter().all(|p| (0.0..=1.0).contains(p)), "{law:?}");
                prop_assert!((law.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{law:?}");
            }
        }
    }

    #[test]
    fn other_names_and_places_give_the_same_answers(seed: u64, whole: bool) {
        let (net, engine, mut rng) = asked(seed, whole);
        let cards = cards(&net);
        let n = cards.len();
        let found = evidence(&mut rng, &cards, 0.3);
        // Variable v moves to place[v]; state s of v to to[v][s].
        let mut place: Vec<usize> = (0..n).collect();
        shuffle(&mut rng, &mut place);
        let to: Vec<Vec<usize>> = cards
            .iter()
            .map(|&card| {
                let mut to: Vec<usize> = (0..card).collect();
                shuffle(&mut rng, &mut to);
                to
            })
            .collect();
        let spec = tables(&net);
        let oracle = Oracle::new(&spec);
        let mut node = spec.node.clone();
        for v in 0..n {
            let mut given = oracle.parents[v].clone();
            shuffle(&mut rng, &mut given);
            let mut table = vec![0.0; oracle.tables[v].len()];
            let own: Vec<usize> = oracle.parents[v].iter().chain([&v]).copied().collect();
            let sizes: Vec<usize> = own.iter().map(|&u| cards[u]).collect();
            for (x, p) in crate::oracle::states(&sizes).iter().zip(&oracle.tables[v]) {
                let state = |u: usize| to[u][x[own.iter().position(|&w| w == u).unwrap()]];
                table[given.iter().chain([&v]).fold(0, |at, &u| at * cards[u] + state(u))] = *p;
            }
            let mut states = vec![String::new(); cards[v]];
            (0..cards[v]).for_each(|s| states[to[v][s]] = format!("was {s}"));
            let given = given.iter().map(|&p| format!("was {p}")).collect();
            node[place[v]] = NodeSpec { name: format!("was {v}"), states, given, cpd: Cpd::Table(table) };
        }
        let other = BayesNet::new(NetSpec { name: String::new(), node }, 0.2).unwrap();
        let moved: Found = found
            .iter()
            .map(|(v, finding)| {
                let finding = match finding {
                    Finding::State(s) => Finding::State(to[*v][*s]),
                    Finding::Likelihood(weights) => {
                        let mut likely = vec![0.0; weights.len()];
                        weights.iter().enumerate().for_each(|(s, w)| likely[to[*v][s]] = *w);
                        Finding::Likelihood(likely)
                    }
                    Finding::Nothing => Finding::Nothing,
                };
                (place[*v], finding)
            })
            .collect();
        match (laws(&engine, &found), laws(other.engine(), &moved)) {
            (None, None) => {}
            (Some((a, log)), Some((b, moved_log))) => {
                prop_assert!(close(log, moved_log));
                for v in 0..n {
                    for s in 0..cards[v] {
                        prop_assert!((a[v][s] - b[place[v]][to[v][s]]).abs() < TOLERANCE);
                    }
                }
            }
            (a, b) => prop_assert!(false, "{a:?} {b:?}"),
        }
    }

    #[test]
    fn the_order_of_evidence_does_not_matter(seed: u64, whole: bool) {
        let (net, engine, mut rng) = asked(seed, whole);
        let mut found = evidence(&mut rng, &cards(&net), 0.5);
        let first = laws(&engine, &found);
        shuffle(&mut rng, &mut found);
        let control = Control::default();
        prop_assert_eq!(&laws(&engine, &found), &first);
        // Nor what was asked between.
        let _ = engine.log_evidence(&evidence(&mut rng, &cards(&net), 0.5), &control);
        prop_assert_eq!(&laws(&engine, &found), &first);
    }

    #[test]
    fn what_is_impossible_stays_impossible(seed: u64, whole: bool) {
        let (net, engine, mut rng) = asked(seed, whole);
        let cards = cards(&net);
        let mut found = evidence(&mut rng, &cards, 0.3);
        let before = laws(&engine, &found);
        let open: Vec<usize> = (0..cards.len()).filter(|v| found.iter().all(|(u, _)| u != v)).collect();
        prop_assume!(!open.is_empty());
        let v = open[rng.random_range(0..open.len())];
        found.push((v, Finding::State(rng.random_range(0..cards[v]))));
        if let Some((after, log)) = laws(&engine, &found) {
            let (before, before_log) = before.unwrap();
            prop_assert!(log <= before_log + TOLERANCE);
            for (before, after) in before.iter().zip(&after) {
                prop_assert!(before.iter().zip(after).all(|(b, a)| *b > 0.0 || *a == 0.0), "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn the_chain_rule(seed: u64, whole: bool) {
        let (net, engine, mut rng) = asked(seed, whole);
        let cards = cards(&net);
        let mut found = evidence(&mut rng, &cards, 0.3);
        found.retain(|(v, _)| *v != 0);
        let control = Control::default();
        let log = engine.log_evidence(&found, &control).unwrap();
        prop_assume!(log > f64::NEG_INFINITY);
        let law = engine.posteriors(&[0], &found, &control).unwrap().law(0).to_vec();
        for (state, p) in law.iter().enumerate() {
            let mut more = found.clone();
            more.push((0, Finding::State(state)));
            let both = engine.log_evidence(&more, &control).unwrap();
            prop_assert!(close(both, log + p.ln()), "{both} {log} {p}");
        }
    }

    #[test]
    fn nothing_drawn_is_more_probable_than_the_most_probable(seed: u64, whole: bool) {
        let (net, engine, mut rng) = asked(seed, whole);
        let found = evidence(&mut rng, &cards(&net), 0.3);
        let control = Control::default();
        prop_assume!(laws(&engine, &found).is_some());
        let all: Vec<usize> = (0..engine.visible()).collect();
        let best = engine.most_probable(&all, &found, &control).unwrap();
        let oracle = Oracle::new(&tables(&net));
        let log = |x: &[usize]| -> f64 {
            let own = |v: usize| oracle.tables[v][oracle.row(v, x) * oracle.cards[v] + x[v]].ln();
            let seen = found.iter().map(|(v, f)| crate::oracle::likelihood(f, x[*v]).ln()).sum::<f64>();
            (0..x.len()).map(own).sum::<f64>() + seen
        };
        prop_assert!(close(log(&best.states), best.log_joint));
        for draw in engine.sample(40, seed, &found, &control).unwrap().chunks(all.len()) {
            let draw: Vec<usize> = draw.iter().map(|s| *s as usize).collect();
            prop_assert!(log(&draw) > f64::NEG_INFINITY && log(&draw) <= best.log_joint + TOLERANCE);
        }
        // Nor can summing variables out make the rest less probable.
        let few = some(&mut rng, all.len(), 0.5);
        let part = engine.most_probable(&few, &found, &control).unwrap();
        prop_assert!(part.log_joint >= best.log_joint - TOLERANCE && part.log_joint <= part.log_evidence + TOLERANCE);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let threads = |n: usize| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    for seed in 0..6u64 {
        for whole in [true, false] {
            let (net, _, mut rng) = asked(seed, whole);
            let cards = cards(&net);
            let n = cards.len();
            let columns: Vec<usize> = (0..n).filter(|v| v % 2 == 0).collect();
            let rows: Vec<i32> = (0..300)
                .flat_map(|_| columns.iter().map(|&v| rng.random_range(-1..cards[v] as i32)).collect::<Vec<_>>())
                .collect();
            let all: Vec<usize> = (0..n).collect();
            let answer = |count: usize| {
                let engine = asked(seed, whole).1;
                let control = Control::default();
                threads(count).install(|| {
                    let (laws, logs) = engine.predict(&columns, &rows, &all, &control).unwrap();
                    let bits: Vec<u64> = laws.iter().chain(&logs).map(|p| p.to_bits()).collect();
                    (bits, engine.sample(500, seed, &[], &control).unwrap())
                })
            };
            let first = answer(1);
            assert!(answer(2) == first && answer(7) == first, "seed {seed}");
        }
    }
}

#[test]
fn impossible_evidence_is_told_in_words() {
    let node = |name: &str, given: &[&str], cpd| NodeSpec {
        name: name.into(),
        states: vec!["no".into(), "yes".into()],
        given: given.iter().map(|s| (*s).into()).collect(),
        cpd,
    };
    let net = BayesNet::new(
        NetSpec {
            name: String::new(),
            node: vec![
                node("tub", &[], Cpd::Table(vec![0.99, 0.01])),
                node("lung", &[], Cpd::Table(vec![0.9, 0.1])),
                node("either", &["tub", "lung"], Cpd::Function(vec![0, 1, 1, 1])),
                node("xray", &["either"], Cpd::Table(vec![0.95, 0.05, 0.02, 0.98])),
                node("never", &[], Cpd::Table(vec![1.0, 0.0])),
            ],
        },
        0.2,
    )
    .unwrap();
    let told = |evidence: &Found| {
        let error = net.engine().posteriors(&[1], evidence, &Control::default()).unwrap_err();
        match net.explain(error, evidence) {
            Error::Impossible { message, .. } => message,
            other => panic!("{other:?}"),
        }
    };
    let yes = |name: &str| (net.number(name).unwrap(), Finding::State(1));
    let not = (net.number("either").unwrap(), Finding::Likelihood(vec![1.0, 0.0]));
    let message = told(&vec![yes("xray"), yes("tub"), not]);
    assert_eq!(message, "the evidence is impossible: tub = yes, either in {no} cannot all be true");
    assert_eq!(told(&vec![yes("xray"), yes("never")]), "the evidence is impossible: never = yes has probability 0");
}
