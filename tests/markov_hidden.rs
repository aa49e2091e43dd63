//! Hidden Markov chains: every path enumerated, laws, bits on any number of threads.

use escalade::ground::{Control, Error};
use escalade::markov::hidden::{Expected, Hidden, HiddenPrior, Kind, Sequences, Settings, fit, start};
use escalade::markov::outcome::{Column, Family, Prior};
use escalade::markov::tick::{Counts, Forward, Steps, Tables, backward, forward, padded};
use escalade::markov::tick_log::LogTables;
use proptest::prelude::*;

/// Sums of a few thousand products, each exact to an ulp.
const EXACT: f64 = 1e-11;

/// Numbers in (0, 1) that look random.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f64 + 0.5) / (1u64 << 24) as f64
    }

    fn law(&mut self, n: usize) -> Vec<f64> {
        let row: Vec<f64> = (0..n).map(|_| 0.05 + self.next()).collect();
        let sum: f64 = row.iter().sum();
        row.into_iter().map(|x| x / sum).collect()
    }

    fn table(&mut self, rows: usize, n: usize) -> Vec<f64> {
        (0..rows).flat_map(|_| self.law(n)).collect()
    }
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} is not {b}");
}

/// A chain with a categorical, a Poisson, a negative-binomial and Gaussian columns, and sequences of these lengths, some
/// values missing.
fn mixed(k: usize, lengths: &[usize], seed: u64) -> (Hidden, Sequences) {
    let mut noise = Noise(seed);
    let rows: usize = lengths.iter().sum();
    let mut covariances = vec![];
    for state in 0..k {
        let c = 0.3 + 0.1 * (state % 5) as f64;
        covariances.extend([1.0, c, c, 0.8]);
    }
    let spread = |noise: &mut Noise, n: usize| (0..n).map(|_| 0.5 + 3.0 * noise.next()).collect::<Vec<f64>>();
    let families = vec![
        Family::Categorical { symbols: 3, probs: noise.table(k, 3) },
        Family::Poisson { means: spread(&mut noise, k) },
        Family::NegativeBinomial { means: spread(&mut noise, k), sizes: spread(&mut noise, k) },
        Family::Gaussian { dims: 2, means: spread(&mut noise, 2 * k), covariances, full: true },
        Family::Gaussian {
            dims: 2,
            means: spread(&mut noise, 2 * k),
            covariances: spread(&mut noise, 2 * k),
            full: false,
        },
    ];
    let counts: Vec<f64> = (0..6).map(f64::from).collect();
    let code = |noise: &mut Noise, n: usize| (0..rows).map(|_| (noise.next() * (n as f64 + 0.6)) as u32).collect();
    let real = |noise: &mut Noise| -> Vec<f64> {
        let value = |noise: &mut Noise| if noise.next() < 0.2 { f64::NAN } else { 4.0 * noise.next() };
        (0..2 * rows).map(|_| value(noise)).collect()
    };
    let columns = vec![
        Column::codes(code(&mut noise, 3), vec![0.0, 1.0, 2.0]),
        Column::codes(code(&mut noise, 6), counts.clone()),
        Column::codes(code(&mut noise, 6), counts),
        Column::reals(real(&mut noise), 2),
        Column::reals(real(&mut noise), 2),
    ];
    let offsets = std::iter::once(0)
        .chain(lengths.iter().scan(0, |at, n| {
            *at += n;
            Some(*at)
        }))
        .collect();
    let chain = Hidden { start: noise.law(k), transitions: noise.table(k, k), families };
    (chain.checked().unwrap(), Sequences::new(offsets, columns).unwrap())
}

/// ln density of a normal with this covariance, by the textbook formula.
fn normal(gap: [f64; 2], c: [f64; 3]) -> f64 {
    let det = c[0] * c[2] - c[1] * c[1];
    let q = (c[2] * gap[0] * gap[0] - 2.0 * c[1] * gap[0] * gap[1] + c[0] * gap[1] * gap[1]) / det;
    -0.5 * q - 0.5 * det.ln() - (2.0 * std::f64::consts::PI).ln()
}

fn normal_one(gap: f64, v: f64) -> f64 {
    -0.5 * gap * gap / v - 0.5 * (2.0 * std::f64::consts::PI * v).ln()
}

/// ln likelihood of a row in a state, family by family.
fn row_log(chain: &Hidden, data: &Sequences, row: usize, state: usize) -> f64 {
    let gamma = statrs::function::gamma::ln_gamma;
    chain
        .families
        .iter()
        .zip(data.columns())
        .map(|(family, column)| match (family, column) {
            (Family::Categorical { symbols, probs }, Column::Codes { codes, values }) => match codes[row] as usize {
                c if c < values.len() => probs[state * symbols + c].ln(),
                _ => 0.0,
            },
            (Family::Poisson { means }, Column::Codes { codes, values }) => match values.get(codes[row] as usize) {
                Some(x) => x * means[state].ln() - means[state] - gamma(x + 1.0),
                None => 0.0,
            },
            (Family::NegativeBinomial { means, sizes }, Column::Codes { codes, values }) => {
                match values.get(codes[row] as usize) {
                    Some(x) => {
                        let (m, r) = (means[state], sizes[state]);
                        gamma(x + r) - gamma(r) - gamma(x + 1.0) + r * (r / (r + m)).ln() + x * (m / (r + m)).ln()
                    }
                    None => 0.0,
                }
            }
            (Family::Gaussian { means, covariances, full, .. }, Column::Reals { rows, .. }) => {
                let gap = [rows[2 * row] - means[2 * state], rows[2 * row + 1] - means[2 * state + 1]];
                let c = match full {
                    true => [covariances[4 * state], covariances[4 * state + 1], covariances[4 * state + 3]],
                    false => [covariances[2 * state], 0.0, covariances[2 * state + 1]],
                };
                match (gap[0].is_nan(), gap[1].is_nan()) {
                    (true, true) => 0.0,
                    (false, true) => normal_one(gap[0], c[0]),
                    (true, false) => normal_one(gap[1], c[2]),
                    _ => normal(gap, c),
                }
            }
            _ => unreachable!(),
        })
        .sum()
}

/// Calls with every path of a sequence and ln P(path, outcomes).
fn each_path(chain: &Hidden, data: &Sequences, s: usize, mut visit: impl FnMut(&[usize], f64)) {
    let (k, range) = (chain.states(), data.range(s));
    for number in 0..k.pow(range.len() as u32) {
        let path: Vec<usize> = (0..range.len()).map(|t| number / k.pow(t as u32) % k).collect();
        let mut log = path.first().map_or(0.0, |&i| chain.start[i].ln());
        log += path.windows(2).map(|p| chain.transitions[p[0] * k + p[1]].ln()).sum::<f64>();
        log += path.iter().enumerate().map(|(t, &i)| row_log(chain, data, range.start + t, i)).sum::<f64>();
        visit(&path, log);
    }
}

#[test]
fn all_answers_are_those_of_all_paths() {
    let control = Control::default();
    for k in [1, 2, 3, 4, 5] {
        let (chain, data) = mixed(k, &[4, 0, 1, 5, 3, 2, 5], 7 + k as u64);
        let logs = chain.log_likelihoods(&data, &control).unwrap();
        let (smoothed, again) = chain.smoothed(&data, &control).unwrap();
        let (paths, path_logs) = chain.best_paths(&data, &control).unwrap();
        let expected = chain.expected(&data, &control).unwrap();
        let (mut first, mut moves) = (vec![0.0; k], vec![0.0; k * k]);
        for s in 0..data.len() {
            let range = data.range(s);
            let (mut total, mut best, mut at) = (0.0, f64::NEG_INFINITY, vec![]);
            let mut rows = vec![0.0; range.len() * k];
            let (mut own_first, mut own_moves) = (vec![0.0; k], vec![0.0; k * k]);
            each_path(&chain, &data, s, |path, log| {
                let p = log.exp();
                total += p;
                path.iter().enumerate().for_each(|(t, i)| rows[t * k + i] += p);
                path.first().into_iter().for_each(|&i| own_first[i] += p);
                path.windows(2).for_each(|pair| own_moves[pair[0] * k + pair[1]] += p);
                if log > best {
                    (best, at) = (log, path.to_vec());
                }
            });
            close(logs[s], total.ln(), EXACT);
            close(again[s], total.ln(), EXACT);
            close(path_logs[s], best, EXACT);
            assert_eq!(paths[range.clone()].iter().map(|&i| i as usize).collect::<Vec<_>>(), at);
            rows.iter().zip(&smoothed[range.start * k..]).for_each(|(a, b)| close(*b, a / total, EXACT));
            first.iter_mut().zip(&own_first).for_each(|(f, own)| *f += own / total);
            moves.iter_mut().zip(&own_moves).for_each(|(f, own)| *f += own / total);
        }
        expected.first.iter().zip(&first).for_each(|(a, b)| close(*a, *b, EXACT));
        expected.moves.iter().zip(&moves).for_each(|(a, b)| close(*a, *b, EXACT));
        close(expected.log_likelihood, logs.iter().sum(), EXACT);
    }
}

#[test]
fn several_tables_and_laws_of_the_first_state() {
    // A panel's use of the kernel: the table depends on the step, the first law on the sequence.
    for k in [2, 3, 7, 17] {
        let mut noise = Noise(k as u64);
        let all = noise.table(3 * k, k);
        let tables = Tables::new(k, &all);
        let firsts: Vec<Vec<f64>> = (0..6).map(|_| padded(&noise.law(k), k)).collect();
        let rows = padded(&noise.table(4, k), k);
        let which: Vec<Vec<u32>> = (0..6).map(|s| (0..3 + s).map(|t| ((t * 7 + s) % 3) as u32).collect()).collect();
        let symbols: Vec<Vec<u32>> = (0..6).map(|s| (0..4 + s).map(|t| ((t * 5 + s) % 4) as u32).collect()).collect();
        let logs = [0.5; 4];
        let steps: Vec<Steps> = (0..6)
            .map(|s| Steps {
                first: &firsts[s],
                tables: Some(&which[s]),
                rows: &rows,
                logs: &logs,
                symbols: Some(&symbols[s]),
                len: 4 + s,
                weight: 1.0,
            })
            .collect();
        let mut out = vec![Forward::default(); 6];
        let (mut counts, control) = (Counts::new(&tables), Control::default());
        forward(&tables, &steps, true, &mut out, &control).unwrap();
        assert!(backward(&tables, &steps, &mut out, &mut counts, None, &control).unwrap());
        let log_rows: Vec<f64> = rows.iter().map(|x| x.ln()).collect();
        let mut careful = Counts::new(&tables);
        for (s, f) in steps.iter().zip(&out) {
            let s = Steps { rows: &log_rows, ..*s };
            let smoothed = LogTables::new(&tables).smooth(&tables, &s, Some(&mut careful)).unwrap();
            close(f.log.unwrap(), smoothed.log + 0.5 * s.len as f64, EXACT);
            f.rows.iter().zip(&smoothed.rows).for_each(|(a, b)| close(*a, *b, EXACT));
        }
        counts.moves(&tables).iter().zip(careful.moves(&tables)).for_each(|(a, b)| close(*a, b, EXACT));
        assert_eq!(counts.moves(&tables).len(), 3 * k * k);
    }
}

#[test]
fn wide_chains_agree_with_logarithms() {
    let control = Control::default();
    for k in [6, 8, 9, 12, 16, 17, 30] {
        let (chain, data) = mixed(k, &[40, 17, 33, 64, 9, 1], 3);
        let (smoothed, logs) = chain.smoothed(&data, &control).unwrap();
        let tables = Tables::new(k, &chain.transitions);
        let first = padded(&chain.start, k);
        for s in 0..data.len() {
            let rows: Vec<f64> = data
                .range(s)
                .flat_map(|row| (0..k).map(move |i| (row, i)))
                .map(|(r, i)| row_log(&chain, &data, r, i))
                .collect();
            let rows = padded(&rows, k);
            let len = data.range(s).len();
            let steps = Steps { first: &first, tables: None, rows: &rows, logs: &[], symbols: None, len, weight: 1.0 };
            let exact = LogTables::new(&tables).smooth(&tables, &steps, None).unwrap();
            close(logs[s], exact.log, EXACT);
            for (t, row) in exact.rows.chunks(tables.width()).enumerate() {
                row[..k].iter().zip(&smoothed[(data.range(s).start + t) * k..]).for_each(|(a, b)| close(*b, *a, EXACT));
            }
        }
    }
}

#[test]
fn what_underflows_is_summed_in_logarithms() {
    // From left to right, an outlier at the end that only the first state can tell from nothing: P falls under 1e-308.
    let gaussian =
        |means: Vec<f64>| Family::Gaussian { dims: 1, covariances: vec![1.0; means.len()], means, full: false };
    let chain = Hidden {
        start: vec![0.5, 0.5],
        transitions: vec![1.0, 0.0, 0.0, 1.0],
        families: vec![gaussian(vec![0.0, 100.0])],
    };
    let x = vec![0.0, 0.0, 100.0, 100.0, 100.0];
    let data = Sequences::new(vec![0, 5], vec![Column::reals(x, 1)]).unwrap();
    let control = Control::default();
    let logs = chain.log_likelihoods(&data, &control).unwrap();
    let own = |gaps: [f64; 5]| gaps.iter().map(|g| normal_one(*g, 1.0)).sum::<f64>();
    let (a, b) = (own([0.0, 0.0, 100.0, 100.0, 100.0]), own([100.0, 100.0, 0.0, 0.0, 0.0]));
    let exact = 0.5f64.ln() + b + (a - b).exp().ln_1p();
    close(logs[0], exact, EXACT);
    let expected = chain.expected(&data, &control).unwrap();
    close(expected.log_likelihood, exact, EXACT);
    close(expected.first[1], 1.0, EXACT);
    close(expected.moves[3], 4.0, EXACT);
}

#[test]
fn directions_that_hardly_meet_are_counted_once() {
    // Two states that never mix; half the symbols speak for the one and half for the other by 1,000 to 1: at the turn the
    // one is 1e300 times likelier by what was, the other by what comes. Neither sweep leaves its range.
    let families = vec![Family::Categorical { symbols: 2, probs: vec![0.999, 0.001, 0.001, 0.999] }];
    let chain = Hidden { start: vec![0.5, 0.5], transitions: vec![1.0, 0.0, 0.0, 1.0], families };
    let codes: Vec<u32> = (0..6).flat_map(|_| (0..200).map(|t| u32::from(t >= 100))).collect();
    let data = Sequences::new((0..7).map(|s| 200 * s).collect(), vec![Column::codes(codes, vec![0.0, 1.0])]).unwrap();
    let control = Control::default();
    let expected = chain.expected(&data, &control).unwrap();
    close(expected.log_likelihood, 600.0 * (0.999f64.ln() + 0.001f64.ln()), EXACT);
    expected.first.iter().for_each(|n| close(*n, 3.0, EXACT));
    [0, 3].iter().for_each(|n| close(expected.moves[*n], 3.0 * 199.0, EXACT));
    close(expected.columns[0].iter().sum(), 1_200.0, EXACT);
    let twice = chain.expected(&data.clone().weighted(vec![2.0; 6]).unwrap(), &control).unwrap();
    close(twice.moves[0], 2.0 * expected.moves[0], EXACT);
    close(twice.columns[0].iter().sum(), 2_400.0, EXACT);
    let (rows, _) = chain.smoothed(&data, &control).unwrap();
    rows.iter().for_each(|p| close(*p, 0.5, EXACT));
}

#[test]
fn the_impossible_is_named() {
    let families = vec![Family::Categorical { symbols: 2, probs: vec![1.0, 0.0, 0.0, 1.0] }];
    let chain = Hidden { start: vec![1.0, 0.0], transitions: vec![1.0, 0.0, 0.5, 0.5], families };
    let codes = Column::codes(vec![0, 0, 0, 0, 1], vec![0.0, 1.0]);
    let data = Sequences::new(vec![0, 2, 5], vec![codes]).unwrap();
    let control = Control::default();
    assert_eq!(chain.log_likelihoods(&data, &control).unwrap()[1], f64::NEG_INFINITY);
    for error in [chain.expected(&data, &control).map(|_| ()), chain.best_paths(&data, &control).map(|_| ())] {
        let message = error.unwrap_err().to_string();
        assert!(message.starts_with("sequence 1, row 2: "), "{message}");
    }
    let (rows, logs) = chain.smoothed(&data, &control).unwrap();
    assert!(rows[4..].iter().all(|x| x.is_nan()) && logs[1] == f64::NEG_INFINITY);
    let without = data.clone().weighted(vec![3.0, 0.0]).unwrap();
    assert_eq!(chain.expected(&without, &control).unwrap().first[0], 3.0);
    for weights in [vec![1.0], vec![1.0, -1.0], vec![f64::NAN, 1.0]] {
        assert!(data.clone().weighted(weights).is_err());
    }
    control.stop();
    assert!(matches!(chain.expected(&data, &control), Err(Error::Interrupted)));
}

/// The sequences of some data, so many times each.
fn repeated(data: &Sequences, times: &[usize]) -> Sequences {
    let order: Vec<usize> = times.iter().enumerate().flat_map(|(s, n)| vec![s; *n]).collect();
    let rows: Vec<usize> = order.iter().flat_map(|&s| data.range(s)).collect();
    let column = |column: &Column| match column {
        Column::Codes { codes, values } => Column::codes(rows.iter().map(|&r| codes[r]).collect(), values.clone()),
        Column::Reals { rows: x, dims, .. } => {
            Column::reals(rows.iter().flat_map(|&r| &x[r * dims..(r + 1) * dims]).copied().collect(), *dims)
        }
    };
    let mut offsets = vec![0];
    order.iter().for_each(|&s| offsets.push(offsets.last().unwrap() + data.range(s).len()));
    Sequences::new(offsets, data.columns().iter().map(column).collect()).unwrap()
}

/// Negative-binomial parameters found by a search of their own: the weighted log-likelihood and the priors by the textbook.
fn searched(counts: &[(f64, f64)], prior: &Prior) -> (f64, f64) {
    let gamma = statrs::function::gamma::ln_gamma;
    let value = |log: [f64; 2]| {
        let (m, r) = (log[0].exp(), log[1].exp());
        let seen =
            |(x, w): &(f64, f64)| w * (gamma(x + r) - gamma(r) + r * (r / (r + m)).ln() + x * (m / (r + m)).ln());
        let gap = log[1] - prior.spread[0].ln();
        counts.iter().map(seen).sum::<f64>() + prior.worth * (prior.center[0] * m.ln() - m)
            - 0.5 * prior.spread_worth * gap * gap
    };
    let (mut at, mut step) = ([0.0, 0.0], 1.0);
    while step > 1e-9 {
        let around = [[step, 0.0], [-step, 0.0], [0.0, step], [0.0, -step]];
        let next = around.iter().map(|d| [at[0] + d[0], at[1] + d[1]]).max_by(|a, b| value(*a).total_cmp(&value(*b)));
        match next.filter(|next| value(*next) > value(at)) {
            Some(next) => at = next,
            None => step *= 0.5,
        }
    }
    (at[0].exp(), at[1].exp())
}

#[test]
fn a_negative_binomial_is_learnt_with_its_prior() {
    // One state that is always: the statistics are the counts. Spread counts, equal ones, and none at all.
    let prior = Prior { worth: 2.5, center: vec![3.0], spread_worth: 1.7, spread: vec![4.0], ..Prior::default() };
    for seen in [vec![0.0, 7.0, 1.0, 12.0, 3.0], vec![2.0; 6], vec![]] {
        let values: Vec<f64> = (0..13).map(f64::from).collect();
        let column = Column::codes(seen.iter().map(|x| *x as u32).chain([13]).collect(), values);
        let data = Sequences::new(vec![0, seen.len() + 1], vec![column]).unwrap();
        let families = vec![Family::NegativeBinomial { means: vec![1.0], sizes: vec![2.0] }];
        let mut chain = Hidden { start: vec![1.0], transitions: vec![1.0], families };
        let expected = chain.expected(&data, &Control::default()).unwrap();
        chain.learn(&data, &expected, &HiddenPrior { families: vec![prior.clone()], ..HiddenPrior::default() });
        let Family::NegativeBinomial { means, sizes } = &chain.families[0] else { unreachable!() };
        let counts: Vec<(f64, f64)> = seen.iter().map(|x| (*x, 1.0)).collect();
        let (mean, size) = searched(&counts, &prior);
        // A search that compares values ends within the root of their rounding.
        close(means[0], mean, 1e-6);
        close(sizes[0], size, 1e-6);
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    // Blocks of 256 sequences, and a few of long ones.
    let mut lengths: Vec<usize> = (0..700).map(|s| 1 + s * 7 % 23).collect();
    lengths.splice(300..300, (0..9).map(|s| 10_000 + s));
    let (chain, data) = mixed(3, &lengths, 11);
    let settings = Settings { rounds: 14, tolerance: 0.0, accelerate: true };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fit(chain.clone(), &data, &HiddenPrior::default(), settings, &Control::default()).unwrap())
    };
    let one = run(1);
    for threads in [2, 7] {
        let other = run(threads);
        assert_eq!(one.chain, other.chain);
        assert_eq!(one.trace, other.trace);
    }
}

#[test]
fn starts_are_laws_and_keyed_by_seed() {
    let (_, data) = mixed(2, &[30, 20, 50], 5);
    let kinds = [
        Kind::Categorical { symbols: 3 },
        Kind::Poisson,
        Kind::NegativeBinomial,
        Kind::Gaussian { dims: 2, full: true },
        Kind::Gaussian { dims: 2, full: false },
    ];
    let a = start(3, &kinds, &data, 1, 0).checked().unwrap();
    assert_eq!(a, start(3, &kinds, &data, 1, 0).checked().unwrap());
    assert_ne!(a, start(3, &kinds, &data, 1, 1).checked().unwrap());
    assert_ne!(a, start(3, &kinds, &data, 2, 0).checked().unwrap());
}

#[test]
fn acceleration_ends_no_lower_and_sooner() {
    let mut noise = Noise(3);
    let lengths = vec![100; 40];
    let truth = Hidden {
        start: vec![0.5, 0.5],
        transitions: vec![0.9, 0.1, 0.2, 0.8],
        families: vec![Family::Poisson { means: vec![2.0, 4.0] }],
    };
    let (states, _) = truth.simulate(&lengths, 1);
    let values: Vec<f64> = (0..40).map(f64::from).collect();
    let mut draw = |mean: f64| {
        let (mut left, mut n) = (noise.next(), 0);
        let mut p = (-mean).exp();
        while left > p && n < 39 {
            left -= p;
            n += 1;
            p *= mean / f64::from(n);
        }
        n as u32
    };
    let codes = states.iter().map(|&s| draw([2.0, 4.0][s as usize])).collect();
    let data = Sequences::new((0..41).map(|n| n * 100).collect(), vec![Column::codes(codes, values)]).unwrap();
    let from = Hidden { families: vec![Family::Poisson { means: vec![2.9, 3.1] }], ..truth };
    let run = |accelerate| {
        let settings = Settings { rounds: 5_000, tolerance: 1e-6, accelerate };
        fit(from.clone(), &data, &HiddenPrior::default(), settings, &Control::default()).unwrap()
    };
    let (plain, fast) = (run(false), run(true));
    assert!(plain.converged && fast.converged);
    assert!(fast.log_likelihood > plain.log_likelihood - 1e-5, "{} {}", fast.log_likelihood, plain.log_likelihood);
    assert!(fast.rounds * 2 < plain.rounds, "{} {}", fast.rounds, plain.rounds);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_round_gains(k in 1usize..5, seed in 0u64..1_000_000, worth in 0.0f64..2.0) {
        let (chain, data) = mixed(k, &[25, 3, 14, 40, 8], seed);
        let gaussian = Prior { worth, center: vec![1.0, 2.0], spread_worth: worth, spread: vec![1.0, 0.5], floor: vec![0.05, 0.05] };
        let count = Prior { worth, center: vec![2.0], ..Prior::default() };
        let size = Prior { spread_worth: worth, spread: vec![3.0], ..count.clone() };
        let families = vec![count.clone(), count, size, gaussian.clone(), gaussian];
        let prior = HiddenPrior { start: worth, transitions: worth, families };
        for accelerate in [false, true] {
            let settings = Settings { rounds: 30, tolerance: 0.0, accelerate };
            let fitted = fit(chain.clone(), &data, &prior, settings, &Control::default()).unwrap();
            for pair in fitted.trace.windows(2) {
                prop_assert!(pair[1] >= pair[0] - 1e-8 * (1.0 + pair[0].abs()), "{:?}", pair);
            }
            prop_assert!(fitted.chain.checked().is_ok());
        }
    }

    #[test]
    fn a_weight_is_so_many_times_the_sequence(k in 1usize..5, seed in 0u64..1_000_000, times in [0usize..4, 1..4, 0..4, 0..3]) {
        let (chain, data) = mixed(k, &[12, 1, 9, 30], seed);
        let control = Control::default();
        let weighted = data.clone().weighted(times.iter().map(|n| *n as f64).collect()).unwrap();
        let (a, b) = (chain.expected(&weighted, &control).unwrap(), chain.expected(&repeated(&data, &times), &control).unwrap());
        close(a.log_likelihood, b.log_likelihood, EXACT);
        let all = |e: &Expected| [&e.first[..], &e.moves, &e.columns.concat()].concat();
        all(&a).iter().zip(&all(&b)).for_each(|(a, b)| close(*a, *b, EXACT));
        // A sequence's own answers do not know of weights; weights of 1 are none, bit by bit.
        prop_assert_eq!(chain.smoothed(&weighted, &control).unwrap(), chain.smoothed(&data, &control).unwrap());
        let ones = chain.expected(&data.clone().weighted(vec![1.0; 4]).unwrap(), &control).unwrap();
        prop_assert_eq!(all(&ones), all(&chain.expected(&data, &control).unwrap()));
    }

    #[test]
    fn the_filter_is_the_smoother_at_the_end(k in 1usize..6, seed in 0u64..1_000_000, len in 1usize..20) {
        let (chain, data) = mixed(k, &[len], seed);
        let control = Control::default();
        let (rows, logs) = chain.smoothed(&data, &control).unwrap();
        prop_assert!(rows.chunks(k).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < EXACT));
        let tables = Tables::new(k, &chain.transitions);
        let first = padded(&chain.start, k);
        let by_row: Vec<f64> = (0..len * k).map(|n| row_log(&chain, &data, n / k, n % k).exp()).collect();
        let outcomes = padded(&by_row, k);
        let zeros = vec![0.0; len];
        let steps = [Steps { first: &first, tables: None, rows: &outcomes, logs: &zeros, symbols: None, len, weight: 1.0 }];
        let mut out = [Forward::default()];
        forward(&tables, &steps, true, &mut out, &control).unwrap();
        let last = &out[0].rows[(len - 1) * tables.width()..][..k];
        let sum: f64 = last.iter().sum();
        last.iter().zip(&rows[(len - 1) * k..]).for_each(|(a, b)| close(a / sum, *b, EXACT));
        let drawn = chain.drawn_paths(&data, 1, 0, &control).unwrap();
        prop_assert!(drawn.iter().all(|s| (*s as usize) < k));
        prop_assert!(logs[0].is_finite());
    }

    #[test]
    fn names_of_states_do_not_matter(k in 2usize..7, seed in 0u64..1_000_000) {
        let (chain, data) = mixed(k, &[9, 30, 2, 11, 5], seed);
        let order: Vec<usize> = (0..k).rev().collect();
        let by = |x: &[f64], n: usize| order.iter().flat_map(|&i| x[i * n..(i + 1) * n].to_vec()).collect::<Vec<f64>>();
        let other = Hidden {
            start: by(&chain.start, 1),
            transitions: order.iter().flat_map(|&i| order.iter().map(move |&j| (i, j))).map(|(i, j)| chain.transitions[i * k + j]).collect(),
            families: chain.families.iter().map(|f| match f {
                Family::Categorical { symbols, probs } => Family::Categorical { symbols: *symbols, probs: by(probs, *symbols) },
                Family::Poisson { means } => Family::Poisson { means: by(means, 1) },
                Family::NegativeBinomial { means, sizes } => Family::NegativeBinomial { means: by(means, 1), sizes: by(sizes, 1) },
                Family::Gaussian { dims, means, covariances, full } => Family::Gaussian {
                    dims: *dims,
                    means: by(means, *dims),
                    covariances: by(covariances, if *full { dims * dims } else { *dims }),
                    full: *full,
                },
            }).collect(),
        };
        let control = Control::default();
        let (a, b) = (chain.smoothed(&data, &control).unwrap(), other.smoothed(&data, &control).unwrap());
        a.1.iter().zip(&b.1).for_each(|(a, b)| close(*a, *b, EXACT));
        for (a, b) in a.0.chunks(k).zip(b.0.chunks(k)) {
            (0..k).for_each(|i| close(b[i], a[order[i]], EXACT));
        }
    }
}

#[test]
fn a_missing_value_is_summed_over() {
    let mut noise = Noise(9);
    let families = vec![Family::Categorical { symbols: 3, probs: noise.table(3, 3) }];
    let chain = Hidden { start: noise.law(3), transitions: noise.table(3, 3), families };
    let control = Control::default();
    let log = |codes: Vec<u32>| {
        let column = Column::codes(codes, vec![0.0, 1.0, 2.0]);
        chain.log_likelihoods(&Sequences::new(vec![0, 5], vec![column]).unwrap(), &control).unwrap()[0]
    };
    let all: f64 = (0..3).flat_map(|a| (0..3).map(move |b| (a, b))).map(|(a, b)| log(vec![0, a, 2, b, 1]).exp()).sum();
    close(log(vec![0, 3, 2, 3, 1]), all.ln(), EXACT);
}

#[test]
fn drawn_paths_and_new_sequences_have_their_laws() {
    // 4,000 draws: a frequency is within 5 standard errors, 0.04.
    let control = Control::default();
    let (chain, data) = mixed(2, &[4], 5);
    let (rows, _) = chain.smoothed(&data, &control).unwrap();
    let mut share = [0.0; 4];
    for draw in 0..4_000 {
        let path = chain.drawn_paths(&data, 3, draw, &control).unwrap();
        path.iter().zip(&mut share).for_each(|(state, share)| *share += f64::from(*state) / 4_000.0);
    }
    share.iter().enumerate().for_each(|(t, share)| assert!((share - rows[2 * t + 1]).abs() < 0.04));

    let (states, columns) = chain.simulate(&[1; 4_000], 9);
    let second: Vec<usize> = (0..4_000).filter(|&s| states[s] == 1).collect();
    assert!((second.len() as f64 / 4_000.0 - chain.start[1]).abs() < 0.04);
    let mean =
        |c: usize, n: usize, d: usize| second.iter().map(|s| columns[c][s * n + d]).sum::<f64>() / second.len() as f64;
    for (c, family) in chain.families.iter().enumerate() {
        match family {
            Family::Categorical { probs, .. } => close(mean(c, 1, 0), probs[4] + 2.0 * probs[5], 0.1),
            Family::Poisson { means } | Family::NegativeBinomial { means, .. } => close(mean(c, 1, 0), means[1], 0.1),
            Family::Gaussian { means, .. } => (0..2).for_each(|d| close(mean(c, 2, d), means[2 + d], 0.1)),
        }
    }
}
