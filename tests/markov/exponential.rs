//! Exponentials of generators and their derivatives.

use super::near;
use escalade::markov::Exponential;
use proptest::prelude::*;

#[derive(serde::Deserialize)]
struct Case {
    n: usize,
    q: Vec<(usize, usize, f64)>,
    t: f64,
    p: Vec<f64>,
}

fn dense(n: usize, moves: &[(usize, usize, f64)]) -> Vec<f64> {
    let mut q = vec![0.0; n * n];
    for &(i, j, rate) in moves {
        q[i * n + j] = rate;
        q[i * n + i] -= rate;
    }
    q
}

/// Every entry of every size to twelve digits, ‖Qt‖ to 1e7, entries to 1e-30.
#[test]
fn entries_keep_their_relative_accuracy() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/exponential.json")).expect("numbers of mpmath");
    for case in cases {
        let q = dense(case.n, &case.q);
        near(&Exponential::new(&q, case.n).at(case.t), &case.p, 1e-12);
        // The kernel of any size, by rungs that nothing touches.
        let m = case.n.max(9);
        let mut wide = vec![0.0; m * m];
        (0..case.n).for_each(|i| wide[i * m..i * m + case.n].copy_from_slice(&q[i * case.n..(i + 1) * case.n]));
        let law = Exponential::new(&wide, m).at(case.t);
        for i in 0..case.n {
            near(&law[i * m..i * m + case.n], &case.p[i * case.n..(i + 1) * case.n], 1e-12);
        }
    }
}

#[test]
fn two_rungs_have_a_closed_form() {
    let (a, b) = (2.0, 0.5);
    for t in [0.0, 1e-9, 0.3, 4.0, 1e9] {
        let law = Exponential::new(&[-a, a, b, -b], 2).at(t);
        let gone = -f64::exp_m1(-(a + b) * t) / (a + b);
        near(&[law[1], law[2]], &[a * gone, b * gone], 1e-14);
    }
}

fn world() -> impl Strategy<Value = (usize, Vec<f64>, Vec<f64>, f64, f64)> {
    (2usize..12).prop_flat_map(|n| {
        let rates = proptest::collection::vec(prop_oneof![Just(0.0), 1e-3..5.0f64], n * n);
        (Just(n), rates, proptest::collection::vec(-1.0..1.0f64, n * n), 0.01..8.0f64, 0.01..8.0f64)
    })
}

fn times(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|k| (0..n).map(|m| a[k / n * n + m] * b[m * n + k % n]).sum()).collect()
}

proptest! {
    #[test]
    fn what_is_over_two_stretches_is_one_after_the_other((n, q, _, s, t) in world()) {
        let e = Exponential::new(&q, n);
        near(&times(&e.at(s), &e.at(t), n), &e.at(s + t), 1e-12);
        for row in e.at(t).chunks_exact(n) {
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() <= 1e-14);
        }
    }

    /// Along a direction V, e^{Qt} is the corner of the exponential of [[Q, V], [0, Q]]; here by central differences.
    #[test]
    fn derivatives_are_differences((n, q, v, t, _) in world()) {
        let mut q: Vec<f64> = q.iter().map(|rate| rate + 0.5).collect();
        let mut v = v;
        for i in 0..n {
            let (rate, slope): (f64, f64) = (0..n).filter(|&j| j != i).fold((0.0, 0.0), |sum, j| (sum.0 + q[i * n + j], sum.1 + v[i * n + j]));
            (q[i * n + i], v[i * n + i]) = (-rate, -slope);
        }
        let h = 1e-5;
        let moved = |h: f64| Exponential::new(&q.iter().zip(&v).map(|(q, v)| q + h * v).collect::<Vec<f64>>(), n).at(t);
        let e = Exponential::new(&q, n);
        let (law, slope) = e.along(t, &v);
        near(&law, &e.at(t), 1e-14);
        for ((plus, minus), slope) in moved(h).iter().zip(moved(-h)).zip(&slope) {
            prop_assert!(((plus - minus) / (2.0 * h) - slope).abs() < 1e-8, "{} {}", (plus - minus) / (2.0 * h), slope);
        }
        // Σ G·dP = Σ gradient·dQ for any weights G.
        let weights: Vec<f64> = (0..n * n).map(|k| ((k * 7919) % 13) as f64 - 6.0).collect();
        let mut gradient = vec![0.0; n * n];
        e.pull(t, &weights, &mut gradient);
        let there: f64 = weights.iter().zip(&slope).map(|(a, b)| a * b).sum();
        let back: f64 = gradient.iter().zip(&v).map(|(a, b)| a * b).sum();
        prop_assert!((there - back).abs() <= 1e-10 * (1.0 + there.abs()), "{there} {back}");
    }
}
