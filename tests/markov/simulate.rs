//! Simulated paths: the same bits for any number of threads, frequencies that match the laws.

use super::{coupled, sparse};
use escalade::ground::Control;
use escalade::markov::simulate::{self, Paths};
use escalade::markov::{Exponential, Generator};

/// Five standard errors.
const ERRORS: f64 = 5.0;

fn on(threads: usize, work: impl FnOnce() -> Paths + Send) -> Paths {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(work)
}

/// Share of paths at a rung at a time.
fn share(paths: &Paths, rung: u32, time: f64) -> f64 {
    let at = |p: &[usize]| {
        let own = &paths.times[p[0]..p[1]];
        paths.rungs[p[0] + own.partition_point(|t| *t <= time) - 1]
    };
    let count = paths.starts.windows(2).filter(|p| at(p) == rung).count();
    count as f64 / (paths.starts.len() - 1) as f64
}

fn close(found: f64, p: f64, n: usize) {
    let error = (p * (1.0 - p) / n as f64).sqrt();
    assert!((found - p).abs() <= ERRORS * error + 1e-12, "{found} {p} ± {error}");
}

#[test]
fn bits_do_not_depend_on_threads() {
    let control = Control::default();
    let generator = coupled(&[3, 3]);
    let start = vec![1.0 / 9.0; 9];
    let draw = |threads| on(threads, || simulate::paths(&generator, &start, 20.0, 1500, 7, &control).expect("paths"));
    assert!(draw(1) == draw(2) && draw(1) == draw(7));
    let between =
        |threads| on(threads, || simulate::bridges(&generator, (0, 8), 2.0, 700, 7, &control).expect("paths"));
    assert!(between(1) == between(2) && between(1) == between(7));
    let fewer = on(1, || simulate::paths(&generator, &start, 20.0, 10, 7, &control).expect("paths"));
    assert_eq!(draw(1).times[..fewer.times.len()], fewer.times);
}

fn three() -> (Generator, Vec<f64>) {
    let moves = [(0, 1, 0.7), (0, 2, 0.2), (1, 0, 0.4), (1, 2, 1.1), (2, 0, 0.3)];
    let mut q = vec![0.0; 9];
    moves.iter().for_each(|&(i, j, rate)| q[i * 3 + j] = rate);
    (sparse(3, &moves), q)
}

#[test]
fn frequencies_are_the_laws() {
    let (control, n) = (Control::default(), 40_000);
    let (generator, q) = three();
    let paths = simulate::paths(&generator, &[1.0, 0.0, 0.0], 5.0, n, 1, &control).expect("paths");
    for t in [0.5, 2.0, 5.0] {
        let law = Exponential::new(&q, 3).at(t);
        (0..3).for_each(|j| close(share(&paths, j, t), law[j as usize], n));
    }
}

#[test]
fn between_two_ends_it_is_where_it_must_be() {
    let (control, n) = (Control::default(), 40_000);
    let (generator, q) = three();
    let paths = simulate::bridges(&generator, (0, 2), 3.0, n, 1, &control).expect("paths");
    assert!(paths.starts.windows(2).all(|p| paths.rungs[p[0]] == 0 && paths.rungs[p[1] - 1] == 2));
    let e = Exponential::new(&q, 3);
    for t in [0.3, 1.5, 2.9] {
        let (before, after, whole) = (e.at(t), e.at(3.0 - t), e.at(3.0));
        (0..3).for_each(|k| close(share(&paths, k as u32, t), before[k] * after[k * 3 + 2] / whole[2], n));
    }
    let absorbing = sparse(2, &[(0, 1, 1.0)]);
    assert!(simulate::bridges(&absorbing, (1, 0), 1.0, 1, 0, &control).is_err());
}

#[test]
fn a_path_ends_where_nothing_leaves() {
    let control = Control::default();
    let paths = simulate::paths(&sparse(2, &[(0, 1, 1.0)]), &[1.0, 0.0], 1e9, 5, 0, &control).expect("paths");
    assert_eq!(paths.rungs, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    assert!(simulate::paths(&sparse(2, &[]), &[0.0, 0.0], 1.0, 5, 0, &control).is_err());
}
