//! Large networks: ways of asking against each other, closed forms, and what must be refused.

use crate::oracle::{Found, TOLERANCE, all_close, close, row};
use escalade::bayes::cpd::{Cpd, Summary};
use escalade::bayes::formats::bif;
use escalade::bayes::named::{BayesNet, NetSpec, NodeSpec};
use escalade::bayes::propagate::{Finding, Work};
use escalade::bayes::tree::{Plan, Tree};
use escalade::bayes::{Engine, Network};
use escalade::ground::{Control, Error, random};
use rand::RngExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Table entries of a pass that takes well under a second: 21 of the 24 networks.
const QUICK: f64 = 1.5e7;
/// What must be quick takes less on any machine: a hundred times what it takes here.
const QUICKLY: Duration = Duration::from_secs(20);

fn node(name: String, states: usize, given: &[String], cpd: Cpd) -> NodeSpec {
    NodeSpec { name, states: (0..states).map(|s| format!("s{s}")).collect(), given: given.to_vec(), cpd }
}

fn net(node: Vec<NodeSpec>) -> BayesNet {
    BayesNet::new(NetSpec { name: "large".into(), node }, 0.2).unwrap()
}

/// Engines of both ways.
fn both(net: &BayesNet) -> [Engine; 2] {
    let made = || Engine::new(net.engine().network().clone(), net.engine().visible(), 0.2);
    [made().with_whole(true), made().with_whole(false)]
}

/// Marginals of all variables and ln P(evidence) by a tree of this plan.
fn by(network: &Network, plan: &Plan<'_>, evidence: &Found) -> (Vec<Vec<f64>>, f64) {
    let all: Vec<usize> = (0..network.cards().len()).collect();
    let tree = Tree::new(network, &Plan { marginals: &all, ..*plan }).unwrap();
    let mut work = Work::new(&tree);
    let mut findings = vec![Finding::Nothing; all.len()];
    evidence.iter().for_each(|(v, finding)| findings[*v] = finding.clone());
    tree.load(network, &[], &findings, &mut work);
    let log = tree.collect(&mut work, &Control::default()).unwrap();
    tree.distribute(&mut work, &Control::default()).unwrap();
    let mut laws: Vec<Vec<f64>> = network.cards().iter().map(|&card| vec![0.0; card]).collect();
    evidence.iter().for_each(|(v, finding)| {
        if let Finding::State(state) = finding {
            laws[*v][*state] = 1.0;
        }
    });
    tree.marginals(&work).into_iter().for_each(|(v, law)| laws[v] = law);
    (laws, log)
}

fn agree(name: &str, what: &str, a: &(Vec<Vec<f64>>, f64), b: &(Vec<Vec<f64>>, f64)) {
    assert!(close(a.1, b.1), "{name}, {what}: ln P {} {}", a.1, b.1);
    for (v, (a, b)) in a.0.iter().zip(&b.0).enumerate() {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < TOLERANCE), "{name}, {what}: variable {v}: {a:?} {b:?}");
    }
}

/// The networks of the repository, where they lie beside the checkout.
#[test]
fn the_networks_of_the_repository_agree_whatever_the_way() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/networks");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "gz"));
    paths.sort();
    let mut compared = 0;
    for path in paths {
        let shown = path.file_name().unwrap().to_string_lossy().into_owned();
        let document = bif::read_bytes(&std::fs::read(&path).unwrap(), Some(&shown)).unwrap();
        let net = BayesNet::from_document(document, 0.2).unwrap();
        let network = net.engine().network();
        let n = network.cards().len();
        let all: Vec<usize> = (0..n).collect();
        let whole = Tree::new(network, &Plan { marginals: &all, effort: 0.3, ..Plan::default() });
        if !whole.is_ok_and(|tree| tree.total() < QUICK) {
            continue;
        }
        compared += 1;
        // Evidence that is possible: some variables of one draw, one of them softly.
        let mut rng = random::stream(7, n as u64);
        let draw = net.engine().sample(1, 3, &[], &Control::default()).unwrap();
        let mut hard: Found = vec![];
        for v in (0..n).filter(|v| *v % 9 == 4) {
            hard.push((v, Finding::State(draw[v] as usize)));
        }
        let soft = (1, Finding::Likelihood((0..network.cards()[1]).map(|_| rng.random_range(0.1..1.0)).collect()));
        hard.push(soft);
        let likely = |(v, finding): &(usize, Finding)| match finding {
            Finding::State(state) => {
                (*v, Finding::Likelihood((0..network.cards()[*v]).map(|s| f64::from(u8::from(s == *state))).collect()))
            }
            other => (*v, other.clone()),
        };
        let as_likelihood: Found = hard.iter().map(likely).collect();
        let cut: Vec<usize> = hard.iter().filter(|(_, f)| matches!(f, Finding::State(_))).map(|(v, _)| *v).collect();
        let late: Vec<usize> = (0..n).filter(|v| v % (n / 3).max(2) == 1 && !cut.contains(v)).collect();
        let plan = |cut, effort, late| Plan { cut, effort, late, ..Plan::default() };
        let first = by(network, &plan(&cut, 0.0, &[]), &hard);
        let priors = by(network, &plan(&[], 0.0, &[]), &vec![]);
        agree(&shown, "evidence in the tree", &by(network, &plan(&[], 0.0, &[]), &as_likelihood), &first);
        agree(&shown, "more effort", &by(network, &plan(&cut, 2.0, &[]), &hard), &first);
        if Tree::new(network, &plan(&cut, 0.0, &late)).is_ok_and(|tree| tree.total() < QUICK) {
            agree(&shown, "others last", &by(network, &plan(&cut, 0.0, &late), &hard), &first);
        }
        for engine in both(&net) {
            // Perhaps one by one, each from its own ancestors.
            let found = engine.posteriors(&all, &[], &Control::default()).unwrap();
            let laws = found.laws().map(|(_, law)| law.to_vec()).collect();
            agree(&shown, "priors", &(laws, found.log_evidence), &priors);
            let found = engine.posteriors(&all, &hard, &Control::default()).unwrap();
            let mut laws = vec![vec![]; n];
            found.laws().for_each(|(v, law)| laws[v] = law.to_vec());
            agree(&shown, "the engine", &(laws, found.log_evidence), &first);
            // One variable alone, its tree cut to what it needs.
            let one = engine.posteriors(&[n / 2], &hard, &Control::default()).unwrap();
            assert!(close(one.log_evidence, first.1), "{shown}: {} {}", one.log_evidence, first.1);
            assert!(one.law(0).iter().zip(&first.0[n / 2]).all(|(a, b)| (a - b).abs() < TOLERANCE), "{shown}");
        }
    }
    assert!(compared >= 20, "{compared}");
}

#[test]
fn three_thousand_observations_of_a_hidden_chain() {
    const STEPS: usize = 3000;
    let mut rng = random::stream(1, 0);
    let start = row(&mut rng, 3, 0.0);
    let moves: Vec<f64> = (0..3).flat_map(|_| row(&mut rng, 3, 0.2)).collect();
    let shows: Vec<f64> = (0..3).flat_map(|_| row(&mut rng, 4, 0.0)).collect();
    let mut nodes = vec![];
    for t in 0..STEPS {
        let (given, table) =
            if t == 0 { (vec![], start.clone()) } else { (vec![format!("x{}", t - 1)], moves.clone()) };
        nodes.push(node(format!("x{t}"), 3, &given, Cpd::Table(table)));
        nodes.push(node(format!("y{t}"), 4, &[format!("x{t}")], Cpd::Table(shows.clone())));
    }
    let net = net(nodes);
    let seen: Vec<usize> = (0..STEPS).map(|_| rng.random_range(0..4)).collect();
    let evidence: Found = seen.iter().enumerate().map(|(t, &y)| (2 * t + 1, Finding::State(y))).collect();
    // The forward recursion, scaled, and the backward one.
    let mut log = 0.0;
    let mut forward: Vec<Vec<f64>> = vec![];
    for (t, &y) in seen.iter().enumerate() {
        let before = |x: usize| match t {
            0 => start[x],
            _ => (0..3).map(|u| forward[t - 1][u] * moves[u * 3 + x]).sum(),
        };
        let law: Vec<f64> = (0..3).map(|x| before(x) * shows[x * 4 + y]).collect();
        let sum: f64 = law.iter().sum();
        log += sum.ln();
        forward.push(law.iter().map(|p| p / sum).collect());
    }
    let mut backward = vec![1.0; 3];
    for t in (STEPS / 2 + 1..STEPS).rev() {
        let next: Vec<f64> =
            (0..3).map(|u| (0..3).map(|x| moves[u * 3 + x] * shows[x * 4 + seen[t]] * backward[x]).sum()).collect();
        let sum: f64 = next.iter().sum();
        backward = next.iter().map(|p| p / sum).collect();
    }
    let smooth: Vec<f64> = forward[STEPS / 2].iter().zip(&backward).map(|(a, b)| a * b).collect();
    let sum: f64 = smooth.iter().sum();
    for engine in both(&net) {
        let found = engine.log_evidence(&evidence, &Control::default()).unwrap();
        assert!((found - log).abs() < 1e-13 * log.abs() * (STEPS as f64).sqrt(), "{found} {log}");
        let found = engine.posteriors(&[STEPS], &evidence, &Control::default()).unwrap();
        assert!(close(found.log_evidence, log));
        assert!(found.law(0).iter().zip(&smooth).all(|(a, b)| (a - b / sum).abs() < TOLERANCE));
    }
}

/// A class of `states` states with children of the given law of their second state.
fn naive(prior: &[f64], children: &[Vec<f64>]) -> BayesNet {
    let mut nodes = vec![node("class".into(), prior.len(), &[], Cpd::Table(prior.to_vec()))];
    for (i, law) in children.iter().enumerate() {
        let table = law.iter().flat_map(|p| [1.0 - p, *p]).collect();
        nodes.push(node(format!("c{i}"), 2, &["class".into()], Cpd::Table(table)));
    }
    net(nodes)
}

/// The class's law and ln P(evidence), by logarithms.
fn naive_law(prior: &[f64], children: &[Vec<f64>], seen: &[usize]) -> (Vec<f64>, f64) {
    let logs: Vec<f64> = (0..prior.len())
        .map(|k| {
            let likelihood =
                children.iter().zip(seen).map(|(law, &s)| if s == 1 { law[k].ln() } else { (-law[k]).ln_1p() });
            prior[k].ln() + likelihood.sum::<f64>()
        })
        .collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|l| (l - most).exp()).sum();
    (logs.iter().map(|l| (l - most).exp() / sum).collect(), most + sum.ln())
}

fn naive_agrees(prior: &[f64], children: &[Vec<f64>], seen: &[usize]) {
    let net = naive(prior, children);
    let evidence: Found = seen.iter().enumerate().map(|(i, &s)| (i + 1, Finding::State(s))).collect();
    let (law, log) = naive_law(prior, children, seen);
    for engine in both(&net) {
        let found = engine.posteriors(&[0], &evidence, &Control::default()).unwrap();
        assert!((found.log_evidence - log).abs() < 1e-9 * log.abs().max(1.0), "{} {log}", found.log_evidence);
        assert!(found.law(0).iter().zip(&law).all(|(a, b)| (a - b).abs() < 1e-9), "{:?} {law:?}", found.law(0));
    }
}

#[test]
fn three_thousand_children_do_not_underflow() {
    let mut rng = random::stream(2, 0);
    let prior = row(&mut rng, 3, 0.0);
    let children: Vec<Vec<f64>> = (0..3000).map(|_| (0..3).map(|_| rng.random_range(0.02..0.98)).collect()).collect();
    let seen: Vec<usize> = (0..3000).map(|_| rng.random_range(0..2)).collect();
    naive_agrees(&prior, &children, &seen);
}

#[test]
fn many_rare_findings_in_a_wide_clique_do_not_underflow() {
    let mut rng = random::stream(3, 0);
    let prior = row(&mut rng, 600, 0.0);
    let children: Vec<Vec<f64>> =
        (0..60).map(|_| (0..600).map(|_| 1e-7 * rng.random_range(0.5..1.0)).collect()).collect();
    naive_agrees(&prior, &children, &[1; 60]);
}

#[test]
fn findings_that_outweigh_all_numbers_are_not_called_impossible() {
    // A thousand children say one thing, a thousand the other, each by 1 to 99.
    let net = naive(&[0.5, 0.5], &vec![vec![0.01, 0.99]; 2000]);
    let evidence: Found = (0..2000).map(|i| (i + 1, Finding::State(usize::from(i < 1000)))).collect();
    let log = 1000.0 * (0.01f64.ln() + 0.99f64.ln());
    for engine in both(&net) {
        match engine.posteriors(&[0], &evidence, &Control::default()) {
            Ok(found) => assert!(close(found.log_evidence, log) && close(found.law(0)[0], 0.5), "{found:?}"),
            Err(error) => assert!(matches!(error, Error::Diverged { .. }), "{error}"),
        }
        let columns: Vec<usize> = evidence.iter().map(|(v, _)| *v).collect();
        let rows: Vec<i32> = (0..2000).map(|i| i32::from(i < 1000)).chain(vec![1; 2000]).collect();
        let (laws, logs) = engine.predict(&columns, &rows, &[0], &Control::default()).unwrap();
        assert!(logs[0].is_nan() || close(logs[0], log));
        assert!(close(logs[1], 0.5f64.ln() + 2000.0 * 0.99f64.ln()) && close(laws[3], 1.0));
    }
}

#[test]
fn five_thousand_links_of_a_chain() {
    const LINKS: usize = 5000;
    let started = Instant::now();
    let mut rng = random::stream(4, 0);
    let tables: Vec<Vec<f64>> = (0..LINKS).map(|_| (0..2).flat_map(|_| row(&mut rng, 2, 0.0)).collect()).collect();
    let nodes = (0..LINKS).map(|t| {
        let given = if t == 0 { vec![] } else { vec![format!("x{}", t - 1)] };
        let table = if t == 0 { tables[0][..2].to_vec() } else { tables[t].clone() };
        node(format!("x{t}"), 2, &given, Cpd::Table(table))
    });
    let net = net(nodes.collect());
    let mut law = tables[0][..2].to_vec();
    let mut laws = vec![law.clone()];
    for table in &tables[1..] {
        law = (0..2).map(|s| law[0] * table[s] + law[1] * table[2 + s]).collect();
        laws.push(law.clone());
    }
    let all: Vec<usize> = (0..LINKS).collect();
    for engine in both(&net) {
        let found = engine.posteriors(&all, &[], &Control::default()).unwrap();
        assert!(found.laws().all(|(v, law)| law.iter().zip(&laws[v]).all(|(a, b)| (a - b).abs() < TOLERANCE)));
    }
    assert!(started.elapsed() < QUICKLY, "{:?}", started.elapsed());
}

/// Pairs of roots with a child each: nothing holds the roots apart.
fn tangle(roots: usize) -> BayesNet {
    let mut nodes: Vec<NodeSpec> =
        (0..roots).map(|i| node(format!("r{i}"), 2, &[], Cpd::Table(vec![0.5, 0.5]))).collect();
    for j in 0..roots {
        for i in (0..j).filter(|i| (i + j) % roots != 0) {
            let given = [format!("r{i}"), format!("r{j}")];
            nodes.push(node(format!("p{i}-{j}"), 2, &given, Cpd::Function(vec![0, 1, 1, 0])));
        }
    }
    net(nodes)
}

#[test]
fn a_clique_too_large_is_refused_by_name() {
    let started = Instant::now();
    let net = tangle(44);
    let all: Vec<usize> = (0..44).collect();
    let parities = 44..net.engine().visible();
    let agree: Vec<(usize, Finding)> = parities.map(|v| (v, Finding::State(0))).collect();
    for engine in both(&net) {
        match engine.posteriors(&all, &agree, &Control::default()) {
            Err(Error::TooLarge { bytes, limit, message }) => {
                assert!(bytes > limit && bytes > 1e12, "{message}");
                assert!(message.contains("the widest clique has") && message.contains("joint states"), "{message}");
                let named = (0..44).filter(|i| message.contains(&format!("r{i}"))).count();
                assert!(named >= 10, "{message}");
            }
            other => panic!("{:?}", other.map(|found| found.log_evidence)),
        }
    }
    // What needs no wide clique is answered all the same.
    let kid = net.number("p0-1").unwrap();
    let other = net.number("p1-2").unwrap();
    for evidence in [vec![], vec![(other, Finding::State(1))]] {
        let found = net.engine().posteriors(&[kid], &evidence, &Control::default()).unwrap();
        assert!(close(found.law(0)[0], 0.5));
    }
    assert!(started.elapsed() < QUICKLY, "{:?}", started.elapsed());
}

#[test]
fn a_draw_does_not_go_through_a_wide_clique() {
    let started = Instant::now();
    let net = tangle(18);
    // Pairs that agree, all of them: every root is in the one state or every root in the other, and the second likes that.
    let mut evidence: Found = (18..net.engine().visible()).map(|v| (v, Finding::State(0))).collect();
    evidence.push((1, Finding::Likelihood(vec![0.25, 0.75])));
    for engine in both(&net) {
        let draws = engine.sample(3000, 1, &evidence, &Control::default()).unwrap();
        let roots = draws.chunks(engine.visible()).map(|draw| &draw[..18]);
        assert!(roots.clone().all(|draw| draw.iter().all(|s| *s == draw[0])));
        let ones = roots.filter(|draw| draw[0] == 1).count();
        assert!((2150..2350).contains(&ones), "{ones}");
        let all: Vec<usize> = (0..18).collect();
        let found = engine.most_probable(&all, &evidence, &Control::default()).unwrap();
        assert!(found.states.iter().all(|s| *s == 1) && close(found.log_joint - found.log_evidence, 0.75f64.ln()));
    }
    assert!(started.elapsed() < QUICKLY, "{:?}", started.elapsed());
}

#[test]
fn joint_laws_and_slopes_cut_what_is_known() {
    let net = tangle(44);
    // All roots but three are known, and whether they agree: together they would be one clique.
    let apart = |name: &str| name[1..].split('-').all(|root| root.parse::<usize>().unwrap() > 2);
    let known = net.spec().node.iter().enumerate().filter(|(_, node)| apart(&node.name));
    let mut evidence: Found = known.map(|(v, _)| (v, Finding::State(0))).collect();
    evidence.push((net.number("p0-1").unwrap(), Finding::Likelihood(vec![0.75, 0.25])));
    let (law, log) = net.engine().joint(&[0, 5, 1], &evidence, &Control::default()).unwrap();
    assert!(all_close(&law, &[0.375, 0.125, 0.0, 0.0, 0.125, 0.375, 0.0, 0.0]), "{law:?}");
    assert!(close(log, 41.0 * 0.5f64.ln() + 0.5f64.ln()), "{log}");
    let (both, _) = net.engine().joints(&[vec![7], vec![2, 8]], &evidence, &Control::default()).unwrap();
    assert_eq!(both, [vec![1.0, 0.0], vec![0.5, 0.0, 0.5, 0.0]]);
    let (value, slopes) = net.slopes(0, 1, &evidence, &Control::default()).unwrap();
    assert!(close(value, 0.5));
    // At θ = P(r0 = 1) nothing but r0 moves: its joint with the evidence by 1 a unit, the evidence not at all.
    let own = slopes.iter().find(|slope| (slope.variable, slope.entry) == (0, 1)).unwrap();
    assert!(close(own.joint, 1.0) && close(own.evidence, 0.0), "{own:?}");
}

#[test]
fn what_is_impossible_has_a_logarithm_without_a_search() {
    const LINKS: usize = 4000;
    let started = Instant::now();
    let root = |i: usize| node(format!("x{i}"), 2, &[], Cpd::Table(vec![0.5, 0.5]));
    let pair =
        |i: usize| node(format!("y{i}"), 2, &[format!("x{i}"), format!("x{}", i + 1)], Cpd::Function(vec![0, 1, 1, 0]));
    let net = net((0..=LINKS).map(root).chain((0..LINKS).map(pair)).collect());
    // Neighbours agree, and the ends do not: nothing can be left out.
    let mut evidence: Found = (LINKS + 1..=2 * LINKS).map(|v| (v, Finding::State(0))).collect();
    evidence.extend([(0, Finding::State(0)), (LINKS, Finding::State(1))]);
    for engine in both(&net) {
        assert_eq!(engine.log_evidence(&evidence, &Control::default()).unwrap(), f64::NEG_INFINITY);
    }
    assert!(started.elapsed() < QUICKLY, "{:?}", started.elapsed());
}

#[test]
fn cliques_past_all_numbers_are_refused() {
    // 32 to the power of 220 is more than a double holds.
    let n = 220;
    let roots = (0..n).map(|i| node(format!("r{i}"), 32, &[], Cpd::Table(vec![1.0 / 32.0; 32])));
    let net = net(roots.collect());
    let pairs: Vec<Vec<usize>> =
        (0..n).flat_map(|j| (0..j).filter(move |i| i + 1 != j).map(move |i| vec![i, j])).collect();
    let asked = net.engine().joints(&pairs, &[], &Control::default());
    assert!(matches!(asked, Err(Error::TooLarge { .. })), "{:?}", asked.map(|_| ()));
}

#[test]
fn laws_over_too_many_parents_are_refused() {
    let names: Vec<String> = (0..45).map(|i| format!("r{i}")).collect();
    let laws = [
        Cpd::Ranked { weights: vec![1.0; 45], spread: 0.3, by: Summary::Mean },
        Cpd::Logistic { cuts: vec![0.0], effects: vec![vec![0.0, 1.0]; 45] },
    ];
    for cpd in laws {
        let roots = names.iter().map(|name| node(name.clone(), 2, &[], Cpd::Table(vec![0.5, 0.5])));
        let node = roots.chain([node("y".into(), 2, &names, cpd)]).collect();
        let made = BayesNet::new(NetSpec { name: String::new(), node }, 0.0);
        let error = made.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }) && error.to_string().contains("'y'"), "{error}");
    }
}

#[test]
fn tables_made_of_few_numbers_are_refused_before_they_are_made() {
    // As many states as make tables of some 1e12 bytes from a few million numbers.
    const MANY: usize = 350_000;
    let row = |at: usize| (0..MANY).map(move |s| f64::from(u8::from(s == at)));
    let noisy = Cpd::NoisyMax { links: vec![row(0).chain(row(1)).collect()], leak: Some(row(0).collect()) };
    for (states, cpd) in [(MANY, Cpd::Function(vec![0; MANY])), (2, noisy)] {
        let parent = node("x".into(), states, &[], Cpd::Table(vec![1.0 / states as f64; states]));
        let node = vec![parent, node("y".into(), MANY, &["x".into()], cpd)];
        let made = BayesNet::new(NetSpec { name: String::new(), node }, 0.0);
        let error = made.map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }) && error.to_string().contains("node 'y'"), "{error}");
    }
}

#[test]
fn a_joint_law_over_what_is_known_is_refused_by_its_size() {
    let roots = (0..50).map(|i| node(format!("r{i}"), 2, &[], Cpd::Table(vec![0.5, 0.5])));
    let net = net(roots.collect());
    let all: Vec<usize> = (0..50).collect();
    let evidence: Found = (0..45).map(|v| (v, Finding::State(0))).collect();
    for engine in both(&net) {
        let error = engine.joint(&all, &evidence, &Control::default()).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }) && error.to_string().contains("r0, r1"), "{error}");
    }
}

#[test]
fn work_beside_the_messages_is_counted() {
    // A joint law of 2^20 entries is read off, then reordered: more than its belief and message take.
    let roots = (0..20).map(|_| vec![0.5, 0.5]).collect();
    let network = Network::new(vec![2; 20], vec![vec![]; 20], roots).unwrap();
    let joints = [(0..20).collect::<Vec<_>>()];
    let tree = |limit| Tree::new(&network, &Plan { joints: &joints, limit, ..Plan::default() });
    assert!(matches!(tree(2e7), Err(Error::TooLarge { .. })));
    assert!(tree(6e7).is_ok());
}

#[test]
fn partial_maxima_are_told_by_the_name_of_their_node() {
    let names: Vec<String> = (0..3).map(|i| format!("r{i}")).collect();
    let roots = names.iter().map(|name| node(name.clone(), 2, &[], Cpd::Table(vec![0.5, 0.5])));
    let noisy = Cpd::NoisyMax { links: vec![vec![0.9, 0.1, 0.2, 0.8]; 3], leak: Some(vec![0.9, 0.1]) };
    let net = net(roots.chain([node("y".into(), 2, &names, noisy)]).collect());
    let joints = [(0..net.engine().network().cards().len()).collect::<Vec<_>>()];
    let plan = Plan { joints: &joints, limit: 1.0, ..Plan::default() };
    let error = Tree::new(net.engine().network(), &plan).unwrap_err();
    assert!(error.to_string().contains("partial maximum 2 of 'y'"), "{error}");
}

#[test]
fn a_table_over_many_parents_of_one_state() {
    let names: Vec<String> = (0..70).map(|i| format!("r{i}")).collect();
    let roots = names.iter().map(|name| node(name.clone(), 1, &[], Cpd::Table(vec![1.0])));
    let net = net(roots.chain([node("y".into(), 2, &names, Cpd::Table(vec![0.25, 0.75]))]).collect());
    for engine in both(&net) {
        let found = engine.posteriors(&[70], &[], &Control::default()).unwrap();
        assert!(close(found.law(0)[0], 0.25));
    }
}

#[test]
fn a_noisy_or_of_two_hundred_parents() {
    const PARENTS: usize = 200;
    let started = Instant::now();
    let mut rng = random::stream(5, 0);
    let chances: Vec<f64> = (0..PARENTS).map(|_| rng.random_range(0.01..0.05)).collect();
    let works: Vec<f64> = (0..PARENTS).map(|_| rng.random_range(0.2..0.9)).collect();
    let mut nodes: Vec<NodeSpec> =
        (0..PARENTS).map(|i| node(format!("r{i}"), 2, &[], Cpd::Table(vec![1.0 - chances[i], chances[i]]))).collect();
    let given: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let links = works.iter().map(|w| vec![1.0, 0.0, 1.0 - w, *w]).collect();
    nodes.push(node("y".into(), 2, &given, Cpd::NoisyMax { links, leak: Some(vec![0.99, 0.01]) }));
    let net = net(nodes);
    let off: f64 = 0.99 * (0..PARENTS).map(|i| 1.0 - chances[i] * works[i]).product::<f64>();
    let all: Vec<usize> = (0..=PARENTS).collect();
    let evidence = vec![(PARENTS, Finding::State(1))];
    for engine in both(&net) {
        let prior = engine.posteriors(&all, &[], &Control::default()).unwrap();
        let law = |v: usize| prior.laws().find(|(u, _)| *u == v).unwrap().1.to_vec();
        assert!(close(law(PARENTS)[0], off));
        let found = engine.posteriors(&all, &evidence, &Control::default()).unwrap();
        assert!(close(found.log_evidence, (1.0 - off).ln()));
        for (v, law) in found.laws().filter(|(v, _)| *v < PARENTS) {
            // P(r = 1, y = 0) = chance · (1 − works) · what the others leave off.
            let without = off / (1.0 - chances[v] * works[v]);
            let expected = chances[v] * (1.0 - (1.0 - works[v]) * without) / (1.0 - off);
            assert!(close(law[1], expected), "{v}: {} {expected}", law[1]);
        }
    }
    let table = net.table(PARENTS);
    assert!(matches!(table, Err(Error::TooLarge { .. })));
    assert!(matches!(net.document(), Err(Error::TooLarge { .. })));
    assert!(started.elapsed() < QUICKLY, "{:?}", started.elapsed());
}

#[test]
fn products_kept_or_formed_again_give_the_same_bits() {
    // A pair of large variables that nothing joins to the rest takes the tree past what keeps its products.
    let large = 300;
    let mut rng = random::stream(8, 0);
    let mut nodes: Vec<NodeSpec> = (0..12usize)
        .map(|v| {
            let given: Vec<String> = (v.saturating_sub(3)..v).map(|u| format!("x{u}")).collect();
            let table = (0..3usize.pow(given.len() as u32)).flat_map(|_| row(&mut rng, 3, 0.2)).collect();
            node(format!("x{v}"), 3, &given, Cpd::Table(table))
        })
        .collect();
    let small = net(nodes.clone());
    nodes.push(node("a".into(), large, &[], Cpd::Table(vec![1.0 / large as f64; large])));
    let uniform = vec![1.0 / large as f64; large * large];
    nodes.push(node("b".into(), large, &["a".into()], Cpd::Table(uniform)));
    let padded = net(nodes);
    let targets: Vec<usize> = (0..12).collect();
    let evidence: Found = vec![(11, Finding::Likelihood(vec![0.2, 1.0, 0.7])), (5, Finding::State(0))];
    let ask = |net: &BayesNet| {
        let engine = Engine::new(net.engine().network().clone(), net.engine().visible(), 0.0).with_whole(true);
        let first = engine.posteriors(&targets, &evidence, &Control::default()).unwrap();
        let again = engine.posteriors(&targets, &evidence, &Control::default()).unwrap();
        assert_eq!(first, again);
        first.into_values()
    };
    assert_eq!(ask(&small), ask(&padded));
}

#[test]
fn no_answer_is_not_a_number() {
    // Findings that lift what had all but left the range of numbers back into it.
    let mut nodes = vec![node("x0".into(), 3, &[], Cpd::Table(vec![1.0 / 3.0; 3]))];
    let same: Vec<f64> = (0..9).map(|i| if i % 4 == 0 { 1.0 } else { 0.0 }).collect();
    (1..6).for_each(|v| nodes.push(node(format!("x{v}"), 3, &[format!("x{}", v - 1)], Cpd::Table(same.clone()))));
    let net = net(nodes);
    let evidence: Found = vec![
        (0, Finding::Likelihood(vec![1.0, 1e-50, 1e-160])),
        (1, Finding::Likelihood(vec![1.0, 1e-50, 1e-155])),
        (3, Finding::Likelihood(vec![0.0, 1.0, 1.0])),
        (5, Finding::Likelihood(vec![1.0, 0.0, 1.0])),
    ];
    for engine in both(&net) {
        let all: Vec<usize> = (0..6).collect();
        match engine.posteriors(&all, &evidence, &Control::default()) {
            Ok(found) => assert!(found.laws().all(|(_, law)| law.iter().all(|p| p.is_finite()))),
            Err(error) => assert!(matches!(error, Error::Diverged { .. }), "{error}"),
        }
    }
}

#[test]
fn large_factors_are_no_error() {
    let network = Network::new(vec![2], vec![vec![]], vec![vec![0.5, 0.5]]).unwrap();
    let factor = || escalade::bayes::Factor::new(vec![0], vec![2], vec![1e200, 1e199]).unwrap();
    let (laws, log) = network.posteriors(&[factor(), factor()], 1e9).unwrap();
    assert!(close(laws[0][0], 1.0 / 1.01) && close(log, 0.505f64.ln() + 400.0 * 10f64.ln()), "{laws:?} {log}");
}

#[test]
fn a_tree_takes_no_more_than_its_limit() {
    let tree = |plan: &Plan<'_>, network: &Network| Tree::new(network, plan).unwrap();
    let pair = |v: usize| node(format!("x{v}"), 240, &[], Cpd::Table(vec![1.0 / 240.0; 240]));
    let child = node("y".into(), 240, &["x0".into()], Cpd::Table(vec![1.0 / 240.0; 240 * 240]));
    let net = net(vec![pair(0), child]);
    let network = net.engine().network();
    // Products are kept only where they fit as well, and are counted.
    for limit in [2e6, 9.5e5, 7e5] {
        let made = tree(&Plan { marginals: &[0, 1], limit, ..Plan::default() }, network);
        assert!(made.bytes() <= limit, "{} {limit}", made.bytes());
    }
}
