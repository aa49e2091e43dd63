//! Laws over time, passages and rewards: walks against squaring, coupled ladders against lists of moves, closed forms.

use super::{coupled, listed, name, near, sparse};
use escalade::ground::{Control, Error};
use escalade::markov::{Exponential, Generator, hitting, passage, transient};

const TIMES: [f64; 4] = [3.0, 0.0, 0.4, 11.0];

fn flat(generator: &Generator) -> Vec<f64> {
    let (n, matrix) = (generator.len(), generator.matrix().expect("a small matrix"));
    (0..n * n).map(|k| matrix[(k / n, k % n)]).collect()
}

fn point(n: usize, i: usize) -> Vec<f64> {
    (0..n).map(|k| f64::from(u8::from(k == i))).collect()
}

#[test]
fn laws_are_rows_of_the_exponential() {
    let control = Control::default();
    for generator in [coupled(&[3, 4, 3]), listed(&coupled(&[3, 4, 3])), coupled(&[2]), coupled(&[9, 8, 8])] {
        let n = generator.len();
        let e = Exponential::new(&flat(&generator), n);
        let start = point(n, n / 2);
        let laws = transient::law(&generator, &start, &TIMES, &control).expect("laws");
        let values: Vec<f64> = (0..n).map(|i| (i % 5) as f64).collect();
        let means = transient::expect(&generator, &values, &TIMES, &control).expect("means");
        for (k, &t) in TIMES.iter().enumerate() {
            let p = e.at(t);
            near(&laws[k * n..(k + 1) * n], &p[n / 2 * n..(n / 2 + 1) * n], 1e-11);
            let mean: Vec<f64> =
                p.chunks_exact(n).map(|row| row.iter().zip(&values).map(|(a, b)| a * b).sum()).collect();
            near(&means[k * n..(k + 1) * n], &mean, 1e-11);
        }
    }
}

#[test]
fn a_long_walk_settles_and_is_the_stationary_law() {
    let control = Control::default();
    let generator = coupled(&[12, 12, 12]);
    let start = point(generator.len(), 0);
    let laws = transient::law(&generator, &start, &[1e4, 5e6], &control).expect("laws");
    let (first, last) = laws.split_at(generator.len());
    let found = escalade::markov::stationary::stationary(&generator, &name, &control).expect("a unique law").values;
    for (a, b) in first.iter().chain(last).zip(found.iter().chain(&found)) {
        assert!((a - b).abs() < 1e-12);
    }
}

/// The chain with the target absorbing and what is outside absorbing too, by squaring.
fn absorbing(generator: &Generator, target: &[bool], within: &[bool]) -> Exponential {
    let n = generator.len();
    let mut q = flat(generator);
    (0..n).filter(|&i| target[i] || !within[i]).for_each(|i| q[i * n..(i + 1) * n].fill(0.0));
    Exponential::new(&q, n)
}

#[test]
fn passages_are_laws_with_the_target_absorbing() {
    let control = Control::default();
    for generator in [coupled(&[3, 4, 3]), listed(&coupled(&[4, 5, 2])), coupled(&[9, 8, 8])] {
        let n = generator.len();
        let target: Vec<bool> = (0..n).map(|i| i % 7 == 3 || i == n - 1).collect();
        let within: Vec<bool> = (0..n).map(|i| i % 11 != 5).collect();
        let mut start = vec![0.0; n];
        (start[0], start[1], start[3]) = (0.5, 0.3, 0.2);
        let e = absorbing(&generator, &target, &within);
        let found = passage::reach(&generator, &start, &target, Some(&within), &TIMES, &control).expect("a passage");
        let each = passage::reach_from_each(&generator, &target, Some(&within), &TIMES, &control).expect("each");
        for (k, &t) in TIMES.iter().enumerate() {
            let p = e.at(t);
            let sure: Vec<f64> =
                p.chunks_exact(n).map(|row| row.iter().zip(&target).filter(|x| *x.1).map(|x| x.0).sum()).collect();
            near(&each[k * n..(k + 1) * n], &sure, 1e-11);
            let law: Vec<f64> = (0..n).map(|j| (0..n).map(|i| start[i] * p[i * n + j]).sum()).collect();
            near(&[found.reached[k]], &[start.iter().zip(&sure).map(|(a, b)| a * b).sum()], 1e-11);
            let waiting: f64 = (0..n).filter(|&i| !target[i] && within[i]).map(|i| law[i]).sum();
            near(&[found.waiting[k]], &[waiting], 1e-11);
            let mut slope = 0.0;
            for i in (0..n).filter(|&i| !target[i] && within[i]) {
                generator.row(i, |j, rate| slope += if target[j] { rate * law[i] } else { 0.0 });
            }
            near(&[found.density[k]], &[slope], 1e-11);
        }
    }
}

#[test]
fn quantiles_are_where_passages_have_got_to() {
    let control = Control::default();
    let still = sparse(2, &[]);
    for generator in [coupled(&[3, 4, 3]), listed(&coupled(&[4, 5, 2])), coupled(&[6, 5, 5]), still] {
        let n = generator.len();
        let target: Vec<bool> = (0..n).map(|i| i == n - 1).collect();
        let within: Vec<bool> = (0..n).map(|i| i % 11 != 5).collect();
        let mut start = vec![0.0; n];
        (start[0], start[n - 1]) = (0.9, 0.1);
        for within in [None, Some(&within[..])] {
            let ever =
                0.1 + 0.9 * hitting::probability(&generator, &target, within, &control).expect("a chance").values[0];
            let shares = [0.05, 0.1, 0.1 + 1e-9, 0.5 * ever, 0.9 * ever, 1.0];
            let found = passage::quantiles(&generator, &start, &target, within, &shares, &control).expect("times");
            assert_eq!(found[..2], [0.0, 0.0]);
            for (&share, &time) in shares[2..].iter().zip(&found[2..]) {
                if share <= 0.1 || share >= ever {
                    assert_eq!(time, if share <= 0.1 { 0.0 } else { f64::INFINITY });
                    continue;
                }
                let reached =
                    passage::reach(&generator, &start, &target, within, &[time], &control).expect("a passage");
                near(&reached.reached, &[share], 1e-13);
            }
        }
    }
    let few = coupled(&[2]);
    for share in [-0.1, 1.5, f64::NAN] {
        assert!(passage::quantiles(&few, &[1.0, 0.0], &[false, true], None, &[share], &control).is_err());
    }
    control.stop();
    let stopped = passage::quantiles(&few, &[1.0, 0.0], &[false, true], None, &[0.5], &control);
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

#[test]
fn rare_passages_keep_their_digits() {
    let control = Control::default();
    // Up 30 rungs at 1e-3 each and never down: a gamma law.
    let moves: Vec<(usize, usize, f64)> = (0..30).map(|i| (i, i + 1, 1e-3)).collect();
    let generator = sparse(31, &moves);
    let target: Vec<bool> = (0..31).map(|i| i == 30).collect();
    let found = passage::reach(&generator, &point(31, 0), &target, None, &[1.0], &control).expect("a passage");
    // P(Poisson(1e-3) ≥ 30), its first three terms.
    let log = 30.0 * 1e-3f64.ln() - 1e-3 - (1..=30).map(|k| f64::from(k).ln()).sum::<f64>();
    near(&found.reached, &[log.exp() * (1.0 + 1e-3 / 31.0 + 1e-6 / 992.0)], 1e-11);
}

#[test]
fn rewards_are_integrals() {
    let control = Control::default();
    for generator in [coupled(&[3, 4]), coupled(&[9, 8, 8]), sparse(2, &[(0, 1, 3e5), (1, 0, 2e5)])] {
        let n = generator.len();
        let rewards: Vec<f64> = (0..n).map(|i| (i % 4) as f64 - 0.5).collect();
        let each = transient::accumulated_from_each(&generator, &rewards, &TIMES, &control).expect("rewards");
        let start = point(n, 1);
        let own = transient::accumulated(&generator, &start, &rewards, &TIMES, &control).expect("rewards");
        for k in 0..TIMES.len() {
            near(&[own[k]], &[each[k * n + 1]], 1e-10);
        }
        // Time in all rungs is time.
        let all = transient::accumulated(&generator, &start, &vec![1.0; n], &TIMES, &control).expect("time");
        near(&all, &TIMES, 1e-12);
        // Simpson's rule on the means.
        let h = TIMES[2] / 2000.0;
        let times: Vec<f64> = (0..=2000).map(|k| h * f64::from(k)).collect();
        if n < 100 && generator.exit()[0] < 1e3 {
            let means = transient::expect(&generator, &rewards, &times, &control).expect("means");
            let weight = |k: usize| {
                if k == 0 || k == 2000 {
                    1.0
                } else if k % 2 == 1 {
                    4.0
                } else {
                    2.0
                }
            };
            let sum: f64 = (0..=2000).map(|k| weight(k) * means[k * n + 1]).sum::<f64>() * h / 3.0;
            near(&[own[2]], &[sum], 1e-9);
        }
    }
}

#[test]
fn nothing_moves_where_no_rate_is_positive() {
    let control = Control::default();
    let still = sparse(2, &[]);
    let law = transient::law(&still, &[0.25, 0.75], &[5.0], &control).expect("a law");
    assert_eq!(law, [0.25, 0.75]);
    let gained = transient::accumulated(&still, &[0.25, 0.75], &[1.0, 2.0], &[4.0], &control).expect("a reward");
    near(&gained, &[7.0], 1e-15);
    let found = passage::reach(&still, &[0.25, 0.75], &[false, true], None, &[4.0], &control).expect("a passage");
    assert_eq!((found.reached[0], found.density[0], found.waiting[0]), (0.75, 0.0, 0.25));
}

#[test]
fn what_does_not_fit_is_refused() {
    let control = Control::default();
    let generator = coupled(&[3, 3]);
    assert!(transient::law(&generator, &[1.0], &[1.0], &control).is_err());
    assert!(transient::law(&generator, &point(9, 0), &[-1.0], &control).is_err());
    let big = coupled(&[12, 12, 12]);
    let far = passage::reach(&big, &point(1728, 0), &vec![false; 1728], None, &[1e12], &control);
    assert!(matches!(far, Err(Error::Diverged { .. })));
    control.stop();
    assert!(matches!(transient::law(&big, &point(1728, 0), &[1.0], &control), Err(Error::Interrupted)));
}

#[test]
fn rates_are_checked_by_row_and_rung() {
    let refused = |n: usize, q: &[f64]| Generator::dense(q, n, &name).expect_err("a refusal").to_string();
    assert!(refused(2, &[-1.0, 1.0, 0.5, -0.6]).contains("row 1 (rung 'r1') sums to"));
    assert!(refused(2, &[-1.0, 1.0, -0.5, 0.5]).contains("row 1 (rung 'r1') has the rate -0.5 to 'r0'"));
    assert!(refused(2, &[-1.0, f64::NAN, 0.5, -0.5]).contains("NaN"));
    assert!(Generator::dense(&[0.0, 1.0, 0.5, 0.0], 2, &name).is_ok());
    assert!(Generator::sparse(2, vec![(0, 2, 1.0)], &name).is_err());
}

/// Vectors long enough to be spread over threads.
#[test]
fn bits_do_not_depend_on_threads() {
    let control = Control::default();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let generator = coupled(&[10, 10, 10, 10, 5]);
            let n = generator.len();
            let target: Vec<bool> = (0..n).map(|i| i / (n / 10) == 2).collect();
            let passage = passage::reach(&generator, &point(n, 0), &target, None, &[2.0], &control).expect("a passage");
            (passage, transient::law(&generator, &point(n, 3), &[1.0], &control).expect("a law"))
        })
    };
    let one = on(1);
    assert!(one == on(2) && one == on(3));
    assert!((one.1.iter().sum::<f64>() - 1.0).abs() < 1e-13);
}
