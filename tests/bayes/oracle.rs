//! The oracle: every joint state of a small network, one by one, from the definitions of the laws; and networks at random.

use escalade::bayes::cpd::{Cpd, Summary};
use escalade::bayes::named::{NetSpec, NodeSpec};
use escalade::bayes::propagate::Finding;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Agreement asked of two ways to the same number.
pub const TOLERANCE: f64 = 1e-10;

pub type Found = Vec<(usize, Finding)>;

/// Whether two numbers agree; logarithms and slopes may be large, and are compared by their size.
pub fn close(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= TOLERANCE * b.abs().max(1.0)
}

pub fn all_close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(*a, *b))
}

/// A network as full tables by the definition of each node's law, nothing of the kernel in them.
#[derive(Debug, Clone)]
pub struct Oracle {
    pub cards: Vec<usize>,
    pub parents: Vec<Vec<usize>>,
    pub tables: Vec<Vec<f64>>,
}

impl Oracle {
    pub fn new(spec: &NetSpec) -> Self {
        let cards: Vec<usize> = spec.node.iter().map(|node| node.states.len()).collect();
        let number = |name: &String| spec.node.iter().position(|node| node.name == *name).unwrap();
        let parents: Vec<Vec<usize>> = spec.node.iter().map(|node| node.given.iter().map(number).collect()).collect();
        let tables = (0..cards.len())
            .map(|v| {
                let sizes: Vec<usize> = parents[v].iter().map(|&p| cards[p]).collect();
                let rows = states(&sizes);
                rows.iter().enumerate().flat_map(|(i, row)| law(&spec.node[v].cpd, cards[v], &sizes, row, i)).collect()
            })
            .collect();
        Oracle { cards, parents, tables }
    }

    /// The network in which a variable is set by hand.
    pub fn set(&self, v: usize, state: usize) -> Oracle {
        let mut cut = self.clone();
        cut.parents[v].clear();
        cut.tables[v] = (0..self.cards[v]).map(|s| if s == state { 1.0 } else { 0.0 }).collect();
        cut
    }

    pub fn row(&self, v: usize, x: &[usize]) -> usize {
        self.parents[v].iter().fold(0, |row, &p| row * self.cards[p] + x[p])
    }

    /// P(x, evidence) of every joint state, the last variable fastest.
    pub fn weights(&self, evidence: &Found) -> Vec<(Vec<usize>, f64)> {
        let weigh = |x: Vec<usize>| {
            let prior: f64 =
                (0..self.cards.len()).map(|v| self.tables[v][self.row(v, &x) * self.cards[v] + x[v]]).product();
            let seen: f64 = evidence.iter().map(|(v, finding)| likelihood(finding, x[*v])).product();
            (x, prior * seen)
        };
        states(&self.cards).into_iter().map(weigh).collect()
    }

    /// P(evidence).
    pub fn mass(&self, evidence: &Found) -> f64 {
        self.weights(evidence).iter().map(|(_, w)| w).sum()
    }

    /// A smallest number of findings that contradict each other, of all sets up to three; none where those are possible.
    pub fn smallest(&self, evidence: &Found) -> Option<usize> {
        let n = evidence.len();
        let subsets = (1usize..1 << n).filter(|set| set.count_ones() <= 3);
        let part =
            |set: usize| -> Found { (0..n).filter(|i| set >> i & 1 == 1).map(|i| evidence[i].clone()).collect() };
        subsets.filter(|&set| self.mass(&part(set)) == 0.0).map(|set| set.count_ones() as usize).min()
    }
}

/// The law of some variables, the last fastest, not divided by anything.
pub fn summed(weights: &[(Vec<usize>, f64)], cards: &[usize], of: &[usize]) -> Vec<f64> {
    let mut law = vec![0.0; of.iter().map(|&v| cards[v]).product()];
    for (x, weight) in weights {
        law[of.iter().fold(0, |at, &v| at * cards[v] + x[v])] += weight;
    }
    law
}

/// The law of some variables, which sums to 1.
pub fn posterior(weights: &[(Vec<usize>, f64)], cards: &[usize], of: &[usize]) -> Vec<f64> {
    let law = summed(weights, cards, of);
    let mass: f64 = law.iter().sum();
    law.into_iter().map(|p| p / mass).collect()
}

pub fn likelihood(finding: &Finding, state: usize) -> f64 {
    match finding {
        Finding::Nothing => 1.0,
        Finding::State(s) => f64::from(u8::from(*s == state)),
        Finding::Likelihood(weights) => weights[state],
    }
}

/// Every joint state, the last fastest.
pub fn states(cards: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &card in cards {
        all = all.into_iter().flat_map(|x: Vec<usize>| (0..card).map(move |s| [x.clone(), vec![s]].concat())).collect();
    }
    all
}

/// P(each state | parents' states) by definition; `row` is the number of the parents' joint state.
fn law(cpd: &Cpd, card: usize, sizes: &[usize], x: &[usize], row: usize) -> Vec<f64> {
    match cpd {
        Cpd::Table(table) => table[row * card..(row + 1) * card].to_vec(),
        Cpd::Function(states) => (0..card).map(|s| f64::from(u8::from(states[row] == s))).collect(),
        Cpd::NoisyMax { links, leak } => {
            // Every joint state of the causes and the leak.
            let mut causes: Vec<&[f64]> = links.iter().zip(x).map(|(l, &s)| &l[s * card..(s + 1) * card]).collect();
            causes.extend(leak.as_deref());
            let mut law = vec![0.0; card];
            for y in states(&vec![card; causes.len()]) {
                let p: f64 = y.iter().zip(&causes).map(|(&s, cause)| cause[s]).product();
                law[y.into_iter().max().unwrap_or(0)] += p;
            }
            law
        }
        Cpd::Logistic { cuts, effects } => {
            let score: f64 = effects.iter().zip(x).map(|(effect, &s)| effect[s]).sum();
            // σ(a) − σ(b) = σ(a)·σ(−b)·(1 − e^(b − a)): no digit of a small one is lost.
            let f = |x: f64| 1.0 / (1.0 + (-x).exp());
            let at = |k: usize| if k + 1 == card { f64::INFINITY } else { cuts[k] - score };
            let below = |k: usize| if k == 0 { f64::NEG_INFINITY } else { at(k - 1) };
            (0..card).map(|k| f(at(k)) * f(-below(k)) * -(below(k) - at(k)).exp_m1()).collect()
        }
        Cpd::Ranked { weights, spread, by } => {
            // As many points stand for a parent's interval as the format says.
            let fine = [5, 5, 5, 5, 3, 3].get(sizes.len()).copied().unwrap_or(1);
            let points = states(&vec![fine; sizes.len()]);
            let mut law = vec![0.0; card];
            for at in &points {
                let ranks: Vec<f64> = (0..sizes.len())
                    .map(|i| (x[i] as f64 + (at[i] as f64 + 0.5) / fine as f64) / sizes[i] as f64)
                    .collect();
                let centre = centre(&ranks, weights, *by);
                let density = |t: f64| (-0.5 * ((t - centre) / spread).powi(2)).exp();
                let parts: Vec<f64> = (0..card)
                    .map(|k| integral(density, k as f64 / card as f64, (k + 1) as f64 / card as f64))
                    .collect();
                let whole: f64 = parts.iter().sum();
                law.iter_mut().zip(parts).for_each(|(p, part)| *p += part / whole / points.len() as f64);
            }
            law
        }
    }
}

fn centre(ranks: &[f64], weights: &[f64], by: Summary) -> f64 {
    let n = ranks.len();
    let leaning: Vec<f64> = (0..n)
        .map(|i| {
            let others: f64 = (0..n).filter(|&j| j != i).map(|j| ranks[j]).sum();
            (weights[i] * ranks[i] + others) / (weights[i] + (n - 1) as f64)
        })
        .collect();
    match by {
        _ if n == 0 => 0.5,
        Summary::Mean => (0..n).map(|i| weights[i] * ranks[i]).sum::<f64>() / weights.iter().sum::<f64>(),
        Summary::Min => leaning.into_iter().fold(f64::INFINITY, f64::min),
        Summary::Max => leaning.into_iter().fold(f64::NEG_INFINITY, f64::max),
    }
}

/// By the five-point rule of Gauss and Legendre on 24 pieces: no error function is asked.
fn integral(f: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let pieces = 24;
    let half = (high - low) / pieces as f64 / 2.0;
    let root = 2.0 * (10.0f64 / 7.0).sqrt();
    let points = [0.0, (5.0 - root).sqrt() / 3.0, (5.0 + root).sqrt() / 3.0];
    let heavy = [128.0 / 225.0, (322.0 + 13.0 * 70f64.sqrt()) / 900.0, (322.0 - 13.0 * 70f64.sqrt()) / 900.0];
    (0..pieces)
        .map(|i| {
            let middle = low + half * (2 * i + 1) as f64;
            let pair = |k: usize| heavy[k] * (f(middle - half * points[k]) + f(middle + half * points[k]));
            half * (heavy[0] * f(middle) + pair(1) + pair(2))
        })
        .sum()
}

/// A row that sums to 1; some entries are 0.
pub fn row(rng: &mut ChaCha8Rng, card: usize, zeros: f64) -> Vec<f64> {
    let sure = rng.random_range(0..card);
    let mut row: Vec<f64> = (0..card)
        .map(|s| if s != sure && rng.random_bool(zeros) { 0.0 } else { rng.random_range(0.05..1.0) })
        .collect();
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|p| *p /= sum);
    row
}

fn cpd(rng: &mut ChaCha8Rng, card: usize, sizes: &[usize]) -> Cpd {
    let rows: usize = sizes.iter().product();
    let rows_of = |rng: &mut ChaCha8Rng, count: usize| -> Vec<f64> {
        let zeros = [0.0, 0.3, 0.7][rng.random_range(0..3)];
        (0..count).flat_map(|_| row(rng, card, zeros)).collect()
    };
    match rng.random_range(0..9) {
        0 | 1 => {
            let links = sizes.iter().map(|&size| rows_of(rng, size)).collect();
            let leak = (sizes.is_empty() || rng.random_bool(0.5)).then(|| rows_of(rng, 1));
            Cpd::NoisyMax { links, leak }
        }
        2 => Cpd::Function((0..rows).map(|_| rng.random_range(0..card)).collect()),
        3 => Cpd::Ranked {
            weights: sizes.iter().map(|_| rng.random_range(0.5..4.0)).collect(),
            spread: rng.random_range(0.15..1.0),
            by: [Summary::Mean, Summary::Min, Summary::Max][rng.random_range(0..3)],
        },
        4 => {
            let mut cuts: Vec<f64> = (1..card).map(|k| k as f64 + rng.random_range(-1.4..-0.6)).collect();
            cuts.sort_by(f64::total_cmp);
            let effects = sizes.iter().map(|&size| (0..size).map(|_| rng.random_range(-2.0..2.0)).collect()).collect();
            Cpd::Logistic { cuts, effects }
        }
        _ => Cpd::Table(rows_of(rng, rows)),
    }
}

/// A network of up to `most` nodes of one to four states, parents before or after their children in the list.
pub fn network(rng: &mut ChaCha8Rng, most: usize) -> NetSpec {
    let n = rng.random_range(1..=most);
    let cards: Vec<usize> = (0..n).map(|_| [1, 2, 2, 2, 3, 3, 3, 4, 4][rng.random_range(0..9)]).collect();
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(rng, &mut order);
    let dense = rng.random_range(0.2..0.9);
    let mut node = vec![NodeSpec { name: String::new(), states: vec![], given: vec![], cpd: Cpd::Table(vec![]) }; n];
    for (place, &v) in order.iter().enumerate() {
        let mut before = order[..place].to_vec();
        shuffle(rng, &mut before);
        let given: Vec<usize> = before.into_iter().filter(|_| rng.random_bool(dense)).take(4).collect();
        let sizes: Vec<usize> = given.iter().map(|&p| cards[p]).collect();
        node[v] = NodeSpec {
            name: format!("n{v}"),
            states: (0..cards[v]).map(|s| format!("s{s}")).collect(),
            given: given.into_iter().map(|p| format!("n{p}")).collect(),
            cpd: cpd(rng, cards[v], &sizes),
        };
    }
    NetSpec { name: "random".into(), node }
}

/// Eight nodes of three to five states that depend on many before them: cliques that no block holds.
pub fn dense(rng: &mut ChaCha8Rng) -> NetSpec {
    let cards: Vec<usize> = (0..8).map(|_| rng.random_range(3..6)).collect();
    let share = rng.random_range(0.4..0.9);
    let node = (0..8).map(|v| {
        let mut given: Vec<usize> = (0..v).filter(|_| rng.random_bool(share)).collect();
        shuffle(rng, &mut given);
        given.truncate(4);
        let rows = given.iter().map(|&p| cards[p]).product::<usize>();
        NodeSpec {
            name: format!("n{v}"),
            states: (0..cards[v]).map(|s| format!("s{s}")).collect(),
            given: given.iter().map(|p| format!("n{p}")).collect(),
            cpd: Cpd::Table((0..rows).flat_map(|_| row(rng, cards[v], 0.3)).collect()),
        }
    });
    NetSpec { name: "dense".into(), node: node.collect() }
}

pub fn shuffle<T>(rng: &mut ChaCha8Rng, items: &mut [T]) {
    (1..items.len()).rev().for_each(|i| items.swap(i, rng.random_range(0..=i)));
}

/// Findings of every kind on some variables, in any order.
pub fn evidence(rng: &mut ChaCha8Rng, cards: &[usize], share: f64) -> Found {
    let mut found = vec![];
    for (v, &card) in cards.iter().enumerate() {
        if !rng.random_bool(share) {
            continue;
        }
        let finding = match rng.random_range(0..8) {
            0..4 => Finding::State(rng.random_range(0..card)),
            4 => {
                let not = rng.random_range(0..card.max(2));
                Finding::Likelihood((0..card).map(|s| f64::from(u8::from(s != not))).collect())
            }
            5 => Finding::Nothing,
            _ => {
                let scale = [1.0, 1e-6, 40.0][rng.random_range(0..3)];
                let sure = rng.random_range(0..card);
                let zero = |s: usize, rng: &mut ChaCha8Rng| s != sure && rng.random_bool(0.2);
                Finding::Likelihood(
                    (0..card).map(|s| if zero(s, rng) { 0.0 } else { scale * rng.random_range(0.05..1.0) }).collect(),
                )
            }
        };
        found.push((v, finding));
    }
    shuffle(rng, &mut found);
    found
}

/// Some variables, in any order.
pub fn some(rng: &mut ChaCha8Rng, n: usize, share: f64) -> Vec<usize> {
    let mut of: Vec<usize> = (0..n).filter(|_| rng.random_bool(share)).collect();
    shuffle(rng, &mut of);
    of
}
