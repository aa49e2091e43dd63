//! Chains of steps in logarithms: the sweeps of [`super::tick`] where numbers leave their range, and the most probable path.
//!
//! Slower by an order of magnitude and free of underflow. The rows of [`Steps`] are logarithms here, −∞ allowed, and their
//! `logs` are not looked at.

// Loops over lanes index by hand: what is called is not inlined into functions of another SIMD level.
#![allow(clippy::needless_range_loop)]

use super::tick::{Counts, Steps, Tables};
use multiversion::multiversion;

/// Logarithms of tables, padded with −∞.
#[derive(Debug, Clone)]
pub struct LogTables {
    states: usize,
    width: usize,
    rows: Vec<f64>,
}

/// What a sequence says, in logarithms.
#[derive(Debug, Clone)]
pub struct Smoothed {
    /// ln P(outcomes).
    pub log: f64,
    /// P(state at t | outcomes) times the sequence's weight, a padded row a step.
    pub rows: Vec<f64>,
}

impl LogTables {
    /// The logarithms of tables.
    pub fn new(tables: &Tables) -> Self {
        let (k, w) = (tables.states(), tables.width());
        let mut rows = vec![f64::NEG_INFINITY; tables.count() * w * w];
        for n in 0..tables.count() {
            for i in 0..k {
                for j in 0..k {
                    rows[(n * w + i) * w + j] = tables.entry(n, i, j).ln();
                }
            }
        }
        LogTables { states: k, width: w, rows }
    }

    fn entry(&self, table: usize, i: usize, j: usize) -> f64 {
        self.rows[(table * self.width + i) * self.width + j]
    }

    fn row<'s>(&self, s: &'s Steps<'_>, t: usize) -> &'s [f64] {
        &s.rows[s.index(t) * self.width..][..self.states]
    }

    /// ln of the forward vectors, a row of `states` numbers a step.
    fn forward(&self, s: &Steps<'_>) -> Vec<f64> {
        let k = self.states;
        let mut out: Vec<f64> = Vec::with_capacity(s.len * k);
        for t in 0..s.len {
            let row = self.row(s, t);
            for (j, here) in row.iter().enumerate() {
                let before = match t {
                    0 => s.first[j].ln(),
                    _ => log_sum((0..k).map(|i| out[(t - 1) * k + i] + self.entry(s.table(t), i, j))),
                };
                out.push(before + here);
            }
        }
        out
    }

    /// The first step that nothing of positive probability reaches, where the sequence is impossible.
    pub fn impossible_at(&self, s: &Steps<'_>) -> Option<usize> {
        self.forward(s).chunks_exact(self.states).position(|row| row.iter().all(|x| *x == f64::NEG_INFINITY))
    }

    /// Forward and backward over one sequence; adds to the counts. `None` where the sequence is impossible.
    pub fn smooth(&self, tables: &Tables, s: &Steps<'_>, counts: Option<&mut Counts>) -> Option<Smoothed> {
        let (k, w) = (self.states, self.width);
        let ahead = self.forward(s);
        let log = if s.len == 0 { 0.0 } else { log_sum(ahead[(s.len - 1) * k..].iter().copied()) };
        if !log.is_finite() {
            return None;
        }
        let mut counts = counts;
        let mut rows = vec![0.0; s.len * w];
        let mut beta = vec![0.0; k];
        for t in (0..s.len).rev() {
            for j in 0..k {
                rows[t * w + j] = s.weight * (ahead[t * k + j] + beta[j] - log).exp();
            }
            if t == 0 {
                break;
            }
            let weighed: Vec<f64> = self.row(s, t).iter().zip(&beta).map(|(b, beta)| b + beta).collect();
            let table = s.table(t);
            if let Some(counts) = counts.as_deref_mut() {
                for i in 0..k {
                    for (j, weighed) in weighed.iter().enumerate() {
                        let expected = (ahead[(t - 1) * k + i] + self.entry(table, i, j) + weighed - log).exp();
                        counts.add_move(tables, table, i, j, s.weight * expected);
                    }
                }
            }
            for (i, beta) in beta.iter_mut().enumerate() {
                *beta = log_sum((0..k).map(|j| self.entry(table, i, j) + weighed[j]));
            }
        }
        if let (Some(counts), true) = (counts, s.len > 0) {
            super::tick::sum_into(&mut counts.first, &rows[..w]);
        }
        Some(Smoothed { log, rows })
    }

    /// The most probable path and ln P(path, outcomes) (Viterbi 1967); of equals the lowest states. `None` where the
    /// sequence is impossible.
    pub fn best_path(&self, s: &Steps<'_>) -> Option<(Vec<u32>, f64)> {
        let (k, w) = (self.states, self.width);
        let mut best = vec![f64::NEG_INFINITY; 2 * w];
        let mut from = vec![0u32; s.len * w];
        if s.len > 0 {
            (0..k).for_each(|j| best[j] = s.first[j].ln() + self.row(s, 0)[j]);
        }
        match w {
            2 => reach::<2>(w, &self.rows, s, &mut best, &mut from),
            4 => reach::<4>(w, &self.rows, s, &mut best, &mut from),
            _ => reach::<8>(w, &self.rows, s, &mut best, &mut from),
        }
        let best = &best[(s.len.max(1) - 1) % 2 * w..][..w];
        let (mut state, mut log) = (0, if s.len == 0 { 0.0 } else { f64::NEG_INFINITY });
        for (j, &reached) in best.iter().enumerate().take(k) {
            if s.len > 0 && reached > log {
                (state, log) = (j, reached);
            }
        }
        if !log.is_finite() {
            return None;
        }
        let mut path = vec![0; s.len];
        for t in (0..s.len).rev() {
            path[t] = state as u32;
            state = from[t * w + state] as usize;
        }
        Some((path, log))
    }

    /// A path drawn from P(path | outcomes), backward (Frühwirth-Schnatter 1994); `uniform` gives numbers in [0, 1). `None`
    /// where the sequence is impossible.
    pub fn draw_path(&self, s: &Steps<'_>, mut uniform: impl FnMut() -> f64) -> Option<Vec<u32>> {
        let k = self.states;
        let ahead = self.forward(s);
        let mut path = vec![0; s.len];
        let mut weights = vec![0.0; k];
        for t in (0..s.len).rev() {
            let onward = |i: usize| match path.get(t + 1) {
                Some(&next) => self.entry(s.table(t + 1), i, next as usize),
                None => 0.0,
            };
            (0..k).for_each(|i| weights[i] = ahead[t * k + i] + onward(i));
            let total = log_sum(weights.iter().copied());
            if !total.is_finite() {
                return None;
            }
            weights.iter_mut().for_each(|x| *x = (*x - total).exp());
            path[t] = pick(&weights, uniform()) as u32;
        }
        Some(path)
    }
}

/// Viterbi's forward pass: the best ln P of a path into each state, rows of two steps in turn, and where it came from.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn reach<const B: usize>(w: usize, tables: &[f64], s: &Steps<'_>, best: &mut [f64], from: &mut [u32]) {
    for t in 1..s.len {
        let moves = &tables[s.table(t) * w * w..][..w * w];
        let row = &s.rows[s.index(t) * w..][..w];
        let (even, odd) = best.split_at_mut(w);
        let (before, now) = if t % 2 == 1 { (even, odd) } else { (odd, even) };
        let mut block = 0;
        while block < w {
            let mut most = [f64::NEG_INFINITY; B];
            // Numbers of states as floats: they are chosen in the lanes of what they belong to.
            let mut origin = [0.0; B];
            let mut i = 0;
            while i < w {
                let step = &moves[i * w + block..][..B];
                let (sofar, number) = (before[i], i as f64);
                for k in 0..B {
                    let reached = sofar + step[k];
                    let better = reached > most[k];
                    most[k] = if better { reached } else { most[k] };
                    origin[k] = if better { number } else { origin[k] };
                }
                i += 1;
            }
            let into = &mut from[t * w + block..][..B];
            for k in 0..B {
                into[k] = origin[k] as i32 as u32;
                now[block + k] = most[k] + row[block + k];
            }
            block += B;
        }
    }
}

/// The place at which the running sum of a law passes `u`.
pub fn pick(law: &[f64], u: f64) -> usize {
    let mut left = u;
    let mut last = 0;
    for (i, p) in law.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        last = i;
        left -= p;
        if left < 0.0 {
            break;
        }
    }
    last
}

/// ln Σ exp.
fn log_sum(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + logs.map(|x| (x - most).exp()).sum::<f64>().ln()
}
