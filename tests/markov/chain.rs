//! Chains in discrete time: counts, missing states, tests, against sums over all that might have been.

use super::{name, near};
use escalade::ground::Control;
use escalade::markov::chain::{self, Sequences};
use escalade::markov::{hitting, stationary};

const STATES: [i32; 14] = [0, 1, 1, -1, 0, 0, 1, 2, 0, 1, -1, -1, 2, 2];
const STARTS: [usize; 4] = [0, 6, 9, 14];

fn sequences() -> Sequences<'static> {
    Sequences::new(&STATES, &STARTS, 3).expect("states that fit")
}

#[test]
fn moves_are_counted_and_gaps_are_not() {
    let counts = sequences().counts(1, 0).expect("counts");
    assert_eq!(counts, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(sequences().firsts(), [1.0, 2.0, 0.0]);
    let pairs = sequences().counts(2, 0).expect("counts");
    assert_eq!(pairs.iter().sum::<f64>(), 2.0);
    let refused = Sequences::new(&[0, 3], &[0, 2], 3).expect_err("an unknown state").to_string();
    assert!(refused.contains("sequence 0, row 1"), "{refused}");
}

/// The likelihood of each sequence is the sum over every state that is missing.
#[test]
fn missing_states_are_summed_over() {
    let control = Control::default();
    let matrix = [0.5, 0.3, 0.2, 0.1, 0.6, 0.3, 0.2, 0.2, 0.6];
    let start = [0.2, 0.5, 0.3];
    let states = [-1, 0, -1, -1, 2, 1, -1];
    let one = Sequences::new(&states, &[0, 7], 3).expect("states");
    let mut total = 0.0;
    for code in 0..3usize.pow(4) {
        let digits: Vec<usize> = (0..4).map(|k| code / 3usize.pow(k) % 3).collect();
        let mut next = digits.iter();
        let path: Vec<usize> =
            states.iter().map(|&s| if s >= 0 { s as usize } else { *next.next().expect("a digit") }).collect();
        total += start[path[0]] * path.windows(2).map(|p| matrix[p[0] * 3 + p[1]]).product::<f64>();
    }
    let found = chain::log_likelihoods(&one, &matrix, Some(&start), &control).expect("a likelihood");
    near(&found, &[total.ln()], 1e-13);
}

/// At the maximum no change of the matrix makes the sequences more likely.
#[test]
fn em_climbs_to_the_top() {
    let control = Control::default();
    let (counts, _) = chain::expected_counts(&sequences(), &[0.0; 9], &control).expect("counts");
    let matrix = chain::proportions(&counts, 3);
    let at = |matrix: &[f64]| -> f64 {
        chain::log_likelihoods(&sequences(), matrix, None, &control).expect("likelihoods").iter().sum()
    };
    let best = at(&matrix);
    for k in 0..9 {
        for h in [1e-3, 1e-2] {
            let mut other = matrix.clone();
            other[k] += h;
            let row = k / 3 * 3;
            let sum: f64 = other[row..row + 3].iter().sum();
            other[row..row + 3].iter_mut().for_each(|p| *p /= sum);
            assert!(at(&other) <= best + 1e-9, "{k} {h}");
        }
    }
}

#[test]
fn orders_are_told_apart() {
    // 0 0 1 1 0 0 1 1 … needs two steps back.
    let states: Vec<i32> = (0..400).map(|t| (t / 2) % 2).collect();
    let starts = [0, 400];
    let found = chain::orders(&Sequences::new(&states, &starts, 2).expect("states"), 3).expect("orders");
    let best = found.iter().min_by(|a, b| a.bic.total_cmp(&b.bic)).expect("an order");
    assert_eq!(best.order, 2);
    assert!(found[1].test.expect("a test").p_value < 1e-10);
    near(&[found[2].log_likelihood], &[0.0], 1e-9);
    // All on the same 397 moves; order 0 by hand.
    let ones = states[3..].iter().filter(|s| **s == 1).count() as f64;
    let by_hand = ones * (ones / 397.0).ln() + (397.0 - ones) * (1.0 - ones / 397.0).ln();
    near(&[found[0].log_likelihood], &[by_hand], 1e-12);
    assert_eq!(found[0].test.expect("a test").degrees, 1);
    assert!(chain::orders(&sequences(), 6).is_err());
}

/// A fair test: under one matrix the p-values are even.
#[test]
fn a_chain_that_does_not_change_is_not_found_to() {
    let control = Control::default();
    let matrix = [0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.25, 0.25, 0.5];
    let count = 200;
    let drawn = chain::simulate(&matrix, 3, &[1.0, 0.0, 0.0], 600, count, 3, &control).expect("sequences");
    let period: Vec<usize> = (0..600).map(|t| t * 3 / 600).collect();
    let rejected = |level: f64| {
        let low = drawn.chunks_exact(600).filter(|row| {
            let states: Vec<i32> = row.iter().map(|&s| s as i32).collect();
            let one = Sequences::new(&states, &[0, 600], 3).expect("states");
            let test = chain::homogeneity(&one, &period, 3).expect("a test");
            assert_eq!(test.degrees, 12);
            test.p_value < level
        });
        low.count() as f64 / count as f64
    };
    assert!((rejected(0.1) - 0.1).abs() < 0.08 && (rejected(0.5) - 0.5).abs() < 0.15);
}

#[test]
fn steps_are_powers() {
    let matrix = [0.9, 0.1, 0.4, 0.6];
    let closed = |k: i32| 0.2 * (1.0 - 0.5f64.powi(k));
    near(&[chain::n_step(&matrix, 2, 7)[1]], &[closed(7)], 1e-14);
    let laws = chain::laws(&matrix, 2, &[1.0, 0.0], &[0, 1, 5, 1 << 40]);
    near(&[laws[1], laws[3], laws[5], laws[7]], &[0.0, closed(1), closed(5), 0.2], 1e-13);
}

#[test]
fn absorption_is_asked_of_the_generator() {
    let control = Control::default();
    let matrix = [0.9, 0.1, 0.0, 0.3, 0.6, 0.1, 0.0, 0.0, 1.0];
    let rates = chain::generator(&matrix, 3, &name).expect("a chain");
    let steps = hitting::gathered(&rates, &[false, false, true], &[1.0; 3], &control).expect("steps");
    near(&steps.values, &[50.0, 40.0, 0.0], 1e-13);
    let law = stationary::stationary(&rates, &name, &control).expect("a law");
    assert_eq!(law.values, [0.0, 0.0, 1.0]);
    assert!(chain::generator(&[0.5, 0.4, 0.0, 1.0], 2, &name).is_err());
}

#[test]
fn intervals_are_those_of_beta_laws() {
    // Beta(1, 1) is even; a row with one entry is sure.
    let (low, high) = chain::intervals(&[1.0, 1.0, 3.0, 0.0], 2, 0.9).expect("intervals");
    near(&[low[0], high[0], low[2]], &[0.05, 0.95, 1.0], 1e-9);
    assert_eq!(low[3], 0.0);
}
