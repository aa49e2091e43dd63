//! Hitting probabilities and times, stationary and quasi-stationary laws.

use super::{coupled, name, near, sparse};
use escalade::ground::Control;
use escalade::markov::elimination::Elimination;
use escalade::markov::gather::{Gather, Rows};
use escalade::markov::krylov::System;
use escalade::markov::{Generator, hitting, passage, stationary};
use proptest::prelude::*;

fn birth_death(n: usize, up: impl Fn(usize) -> f64, down: impl Fn(usize) -> f64) -> Generator {
    let mut moves = vec![];
    for i in 0..n - 1 {
        moves.push((i, i + 1, up(i)));
        moves.push((i + 1, i, down(i + 1)));
    }
    sparse(n, &moves)
}

fn only(n: usize, i: usize) -> Vec<bool> {
    (0..n).map(|k| k == i).collect()
}

/// π · reward by central differences of each rate; a rung that is left for good and one rate of 1e-6 beside others.
#[test]
fn potentials_are_the_slopes_of_the_long_run() {
    let control = Control::default();
    let moves = [
        (0, 1, 0.3),
        (1, 0, 0.7),
        (1, 2, 1e-6),
        (2, 1, 0.4),
        (2, 3, 2.0),
        (3, 0, 0.9),
        (3, 2, 0.1),
        (4, 2, 1.0),
        (4, 0, 0.5),
    ];
    let reward = [0.2, 1.5, 40.0, 3.0, 7.0];
    let law = |moves: &[(usize, usize, f64)]| {
        stationary::stationary(&sparse(5, moves), &name, &control).expect("a unique law").values
    };
    let mean = |moves: &[(usize, usize, f64)]| law(moves).iter().zip(&reward).map(|(p, r)| p * r).sum::<f64>();
    let own = law(&moves);
    let gain = stationary::potentials(&sparse(5, &moves), &own, &reward, &control).expect("potentials");
    for (k, &(i, j, rate)) in moves.iter().enumerate() {
        let along = |step: f64| {
            let mut moved = moves;
            moved[k].2 = rate * (1.0 + step);
            mean(&moved)
        };
        let wanted = (along(1e-6) - along(-1e-6)) / 2e-6;
        let found = rate * own[i] * (gain[j] - gain[i]);
        assert!((found - wanted).abs() < 1e-8, "{i} → {j}: {found} {wanted}");
    }
}

#[test]
fn a_gambler_is_ruined_as_the_books_say() {
    let control = Control::default();
    let n = 60;
    let mut moves = vec![];
    for i in 1..n - 1 {
        moves.push((i, i + 1, 1.0));
        moves.push((i, i - 1, 3.0));
    }
    let generator = sparse(n, &moves);
    let found = hitting::probability(&generator, &only(n, n - 1), None, &control).expect("probabilities");
    let exact: Vec<f64> = (0..n).map(|i| (3f64.powi(i as i32) - 1.0) / (3f64.powi(n as i32 - 1) - 1.0)).collect();
    near(&found.values, &exact, 1e-12);
    assert_eq!((found.values[0], found.values[n - 1], found.iterations), (0.0, 1.0, 0));
    let times = hitting::gathered(&generator, &only(n, n - 1), &vec![1.0; n], &control).expect("times");
    assert!(times.values[..n - 1].iter().all(|time| time.is_infinite()));
    let given = hitting::moment_if_reached(&generator, &only(n, n - 1), 1, &control).expect("times");
    assert!(given.values[0].is_nan() && given.values[1] > given.values[2] && given.values[n - 1] == 0.0);
}

/// Σ_k (1/(b_k π_k)) Σ_{m ≤ k} π_m: a hundred thousand rungs, mean times to 1e278.
#[test]
fn long_ladders_keep_every_digit() {
    let control = Control::default();
    for (n, down) in [(100_000, 1.0), (400, 5.0)] {
        let generator = birth_death(n, |_| 1.0, |_| down);
        let found = hitting::gathered(&generator, &only(n, n - 1), &vec![1.0; n], &control).expect("times");
        // The time from k to k + 1: t_0 = 1, t_k = 1 + down t_{k−1}.
        let (mut step, mut sum) = (1.0, 0.0);
        for _ in 0..n - 1 {
            sum += step;
            step = 1.0 + down * step;
        }
        near(&[found.values[0]], &[sum], 1e-11);
    }
}

#[test]
fn iterations_agree_with_eliminations() {
    let control = Control::default();
    let generator = coupled(&[7, 8, 9]);
    let n = generator.len();
    let inner: Vec<usize> = (0..n - 1).collect();
    let mut rows = Rows { starts: vec![0], ..Rows::default() };
    let mut out = vec![];
    for &i in &inner {
        let mut own = vec![];
        let mut left = 0.0;
        generator.row(i, |j, rate| if j == n - 1 { left = rate } else { own.push((j as u32, rate)) });
        own.sort_by_key(|entry| entry.0);
        out.push(left + 0.01);
        rows.columns.extend(own.iter().map(|entry| entry.0));
        rows.values.extend(own.iter().map(|entry| entry.1));
        rows.starts.push(rows.values.len());
    }
    let diagonal: Vec<f64> = (0..n - 1).map(|i| out[i] + rows.row(i).map(|x| x.1).sum::<f64>()).collect();
    let b: Vec<f64> = (0..n - 1).map(|i| 1.0 + (i % 3) as f64).collect();
    let direct = Elimination::new(&rows, Some(&out), &control).expect("an elimination");
    let right = System::new(rows.clone(), diagonal.clone(), generator.outgoing(), &inner);
    let found = right.solve(&b, None, &control).expect("a solution");
    assert!(found.residual < 1e-11 && found.iterations < 100);
    near(&found.x, &direct.solve(&b), 1e-9);
    let left = System::new(rows.turned(n - 1), diagonal, generator.incoming(), &inner);
    let mut x = left.solve(&b, None, &control).expect("a solution").x;
    near(&x, &direct.solve_left(&b), 1e-9);
    left.polish(&b, &mut x, &control).expect("sweeps");
    near(&x, &direct.solve_left(&b), 1e-10);
    // The same matrix by rows.
    let plain = Gather::Rows(rows.clone());
    let whole: Vec<usize> = (0..n - 1).collect();
    let again = System::new(
        rows.clone(),
        (0..n - 1).map(|i| out[i] + rows.row(i).map(|x| x.1).sum::<f64>()).collect(),
        &plain,
        &whole,
    );
    near(&again.solve(&b, None, &control).expect("a solution").x, &found.x, 1e-9);
}

/// A target so rare that rounding hides it from an iteration: many joint rungs against the ladder that matters alone.
#[test]
fn rare_targets_go_by_a_hub() {
    let control = Control::default();
    // Four independent ladders of 10; the target looks at two of them only.
    let moves = |sizes: &[usize]| {
        let mut moves = vec![];
        for (axis, &size) in sizes.iter().enumerate() {
            for i in 0..size - 1 {
                let m = |from, to, rate| escalade::markov::generator::Move {
                    axis,
                    from,
                    to,
                    looks: vec![],
                    rates: vec![rate],
                };
                moves.push(m(i, i + 1, 0.2));
                moves.push(m(i + 1, i, 2.0));
            }
        }
        Generator::coupled(sizes, &moves).expect("moves that fit")
    };
    let (small, large) = (moves(&[10, 10]), moves(&[10, 10, 10, 10]));
    let exact = hitting::gathered(&small, &only(100, 99), &[1.0; 100], &control).expect("times");
    let target: Vec<bool> = (0..10_000).map(|i| i / 100 == 99).collect();
    let found = hitting::gathered(&large, &target, &vec![1.0; 10_000], &control).expect("times");
    assert!(found.iterations > 0 && exact.values[0] > 1e15);
    for i in [0, 1, 55, 98] {
        near(&[found.values[i * 100 + 7]], &[exact.values[i]], 1e-8);
    }
}

#[test]
fn ladders_in_balance_are_balanced() {
    let control = Control::default();
    for n in [2, 9, 300, 5000] {
        let (up, down) = (|i: usize| 1.0 + (i % 3) as f64, |i: usize| 1.5 + (i % 2) as f64);
        let generator = birth_death(n, up, down);
        let law = stationary::stationary(&generator, &name, &control).expect("a unique law").values;
        for i in 0..n - 1 {
            near(&[law[i] * up(i)], &[law[i + 1] * down(i + 1)], 1e-12);
        }
        near(&[law.iter().sum()], &[1.0], 1e-12);
    }
}

#[test]
fn closed_classes_are_named_and_weighed() {
    let control = Control::default();
    let generator = sparse(5, &[(0, 1, 1.0), (0, 3, 3.0), (1, 2, 2.0), (2, 1, 1.0), (4, 0, 1.0)]);
    let refused = stationary::stationary(&generator, &name, &control).expect_err("two classes").to_string();
    assert!(refused.contains("2 closed classes, {r1, r2}, {r3}"), "{refused}");
    let law = stationary::long_run(&generator, &[0.0, 0.0, 0.0, 0.0, 1.0], &control).expect("a law").values;
    near(&law[1..4], &[0.25 / 3.0, 0.5 / 3.0, 0.75], 1e-14);
    assert_eq!((law[0], law[4]), (0.0, 0.0));
}

#[test]
fn large_classes_agree_with_their_marginals() {
    let control = Control::default();
    // The last ladder looks at nobody: its marginal is a chain by itself.
    let law = stationary::stationary(&coupled(&[11, 11, 11, 11]), &name, &control).expect("a unique law");
    assert!(law.iterations > 0 && law.residual < 1e-11);
    let own = stationary::stationary(&coupled(&[11]), &name, &control).expect("a unique law").values;
    let marginal: Vec<f64> = (0..11).map(|k| law.values.iter().skip(k).step_by(11).sum()).collect();
    near(&marginal, &own, 1e-10);
}

#[test]
fn what_has_not_left_settles() {
    let control = Control::default();
    let generator = sparse(3, &[(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0)]);
    let found = stationary::quasi_stationary(&generator, &[true, true, false], &name, &control).expect("a law");
    let golden = (3.0 - 5f64.sqrt()) / 2.0;
    near(&[found.rate, found.low, found.high], &[golden; 3], 1e-12);
    near(&[found.law[0] / found.law[1]], &[1.0 / (1.0 - golden)], 1e-12);
    // What a long time leaves.
    let ladder = birth_death(40, |i| 0.5 + 0.01 * i as f64, |_| 1.0);
    let kept: Vec<bool> = (0..40).map(|i| i < 20).collect();
    let target: Vec<bool> = kept.iter().map(|kept| !kept).collect();
    let found = stationary::quasi_stationary(&ladder, &kept, &name, &control).expect("a law");
    let start: Vec<f64> = found.law.clone();
    let left = passage::reach(&ladder, &start, &target, None, &[50.0], &control).expect("a passage");
    near(&left.waiting, &[(-found.rate * 50.0).exp()], 1e-11);
    let refused = stationary::quasi_stationary(&generator, &[true, false, true], &name, &control).expect_err("classes");
    assert!(refused.to_string().contains("{r0}, {r2}"));
}

#[test]
fn discounted_rewards_are_laplace_transforms() {
    let control = Control::default();
    let found = hitting::discounted(&sparse(2, &[(0, 1, 2.0)]), &[3.0, 0.0], 0.5, &control).expect("rewards");
    near(&found.values, &[3.0 / 2.5, 0.0], 1e-15);
}

proptest! {
    /// Relabelling rungs relabels the answer; every digit is kept whatever the order of elimination.
    #[test]
    fn names_do_not_matter(
        rates in proptest::collection::vec(prop_oneof![Just(0.0), 1e-8..1.0f64, 1.0..1e6f64], 49),
        order in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let control = Control::default();
        let moves: Vec<(usize, usize, f64)> =
            (0..49).filter(|k| k / 7 != k % 7).map(|k| (k / 7, k % 7, rates[k] + if (k / 7 + 1) % 7 == k % 7 { 1e-6 } else { 0.0 })).collect();
        let moved: Vec<(usize, usize, f64)> = moves.iter().map(|&(i, j, rate)| (order[i], order[j], rate)).collect();
        let (a, b) = (sparse(7, &moves), sparse(7, &moved));
        let (x, y) = (stationary::stationary(&a, &name, &control).expect("a law").values, stationary::stationary(&b, &name, &control).expect("a law").values);
        near(&x, &(0..7).map(|i| y[order[i]]).collect::<Vec<f64>>(), 1e-12);
        let (x, y) = (
            hitting::gathered(&a, &only(7, 3), &[1.0; 7], &control).expect("times").values,
            hitting::gathered(&b, &only(7, order[3]), &[1.0; 7], &control).expect("times").values,
        );
        near(&x, &(0..7).map(|i| y[order[i]]).collect::<Vec<f64>>(), 1e-12);
    }
}
