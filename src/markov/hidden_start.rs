//! Where to begin fitting a hidden Markov chain: k-means on the numbers, random laws for the rest, keyed by seed and start.

use super::hidden::{Hidden, Sequences};
use super::outcome::{Column, Family};
use crate::ground::random::stream;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Rows that k-means looks at.
const LOOKED_AT: usize = 4_000;
const LLOYD: usize = 25;

/// A family without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Categorical { symbols: usize },
    Poisson,
    NegativeBinomial,
    Gaussian { dims: usize, full: bool },
}

/// Starting parameters of a chain of `states` states: start `number` of `seed`.
pub fn start(states: usize, kinds: &[Kind], data: &Sequences, seed: u64, number: u64) -> Hidden {
    let mut rng = stream(seed, number);
    let counted: Vec<usize> = (0..data.len()).filter(|&s| data.weight(s) > 0.0).flat_map(|s| data.range(s)).collect();
    let points = Points::new(kinds, data, &counted, &mut rng);
    let label = points.clusters(states, &mut rng);
    let dirichlet = |rng: &mut ChaCha8Rng, n: usize| -> Vec<f64> {
        let row: Vec<f64> = (0..n).map(|_| 0.1 - (1.0 - rng.random::<f64>()).ln()).collect();
        let sum: f64 = row.iter().sum();
        row.into_iter().map(|x| x / sum).collect()
    };
    let transitions = (0..states)
        .flat_map(|i| {
            let row = dirichlet(&mut rng, states);
            row.into_iter().enumerate().map(move |(j, p)| 0.5 * p + if i == j { 0.5 } else { 0.0 })
        })
        .collect();
    let mut first = 0;
    let families = kinds
        .iter()
        .zip(data.columns())
        .map(|(kind, column)| match *kind {
            Kind::Categorical { symbols } => {
                let mut share = vec![1.0; symbols];
                if let Column::Codes { codes, .. } = column {
                    let seen = counted.iter().map(|&row| codes[row] as usize);
                    seen.filter_map(|c| share.get_mut(c).map(|s| *s += 1.0)).for_each(drop);
                }
                let probs = (0..states)
                    .flat_map(|_| {
                        let row: Vec<f64> =
                            dirichlet(&mut rng, symbols).iter().zip(&share).map(|(p, s)| p * s).collect();
                        let sum: f64 = row.iter().sum();
                        row.into_iter().map(move |p| p / sum)
                    })
                    .collect();
                Family::Categorical { symbols, probs }
            }
            Kind::Poisson => {
                first += 1;
                Family::Poisson { means: points.means(first - 1, &label, states).iter().map(|m| m.max(1e-3)).collect() }
            }
            Kind::NegativeBinomial => {
                first += 1;
                let means = points.means(first - 1, &label, states);
                Family::NegativeBinomial {
                    means: means.iter().map(|m| m.max(1e-3)).collect(),
                    sizes: vec![5.0; states],
                }
            }
            Kind::Gaussian { dims, full } => {
                first += dims;
                let from = first - dims;
                let size = if full { dims * dims } else { dims };
                let mut means = vec![0.0; states * dims];
                let mut covariances = vec![0.0; states * size];
                for d in 0..dims {
                    let own = points.means(from + d, &label, states);
                    let spread = points.variances(from + d, &own, &label);
                    for state in 0..states {
                        means[state * dims + d] = own[state];
                        covariances[state * size + if full { d * dims + d } else { d }] = spread;
                    }
                }
                Family::Gaussian { dims, means, covariances, full }
            }
        })
        .collect();
    Hidden { start: vec![1.0 / states as f64; states], transitions, families }
}

/// Some complete rows of all numeric columns, of sequences that count.
struct Points {
    dims: usize,
    rows: Vec<f64>,
    scale: Vec<f64>,
}

impl Points {
    /// Of the rows `counted`.
    fn new(kinds: &[Kind], data: &Sequences, counted: &[usize], rng: &mut ChaCha8Rng) -> Self {
        let dims = kinds.iter().map(|kind| match kind {
            Kind::Categorical { .. } => 0,
            Kind::Gaussian { dims, .. } => *dims,
            _ => 1,
        });
        let dims = dims.sum();
        let mut rows = vec![];
        let chosen: Vec<usize> = match counted.len() <= LOOKED_AT {
            true => counted.to_vec(),
            false => (0..LOOKED_AT).map(|_| counted[rng.random_range(0..counted.len())]).collect(),
        };
        for at in chosen {
            let before = rows.len();
            for (kind, column) in kinds.iter().zip(data.columns()) {
                match (kind, column) {
                    (Kind::Categorical { .. }, _) => {}
                    (_, Column::Codes { codes, values }) => {
                        rows.push(values.get(codes[at] as usize).copied().unwrap_or(f64::NAN));
                    }
                    (_, Column::Reals { rows: x, dims, .. }) => rows.extend(&x[at * dims..(at + 1) * dims]),
                }
            }
            if rows[before..].iter().any(|x| x.is_nan()) {
                rows.truncate(before);
            }
        }
        let mut points = Points { dims, rows, scale: vec![1.0; dims] };
        for d in 0..dims {
            let (mean, n) = points.column(d).fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
            let mean = mean / f64::max(n, 1.0);
            let variance = points.column(d).map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::max(n, 1.0);
            points.scale[d] = if variance > 0.0 { 1.0 / variance } else { 1.0 };
        }
        points
    }

    fn column(&self, d: usize) -> impl Iterator<Item = f64> + '_ {
        self.rows.iter().skip(d).step_by(self.dims.max(1)).copied()
    }

    fn row(&self, n: usize) -> &[f64] {
        &self.rows[n * self.dims..][..self.dims]
    }

    fn len(&self) -> usize {
        self.rows.len().checked_div(self.dims).unwrap_or(0)
    }

    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).zip(&self.scale).map(|((a, b), s)| (a - b) * (a - b) * s).sum()
    }

    /// A cluster for each row (Lloyd's algorithm from k-means++ centres).
    fn clusters(&self, k: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let n = self.len();
        if n == 0 {
            return vec![];
        }
        let mut centres: Vec<Vec<f64>> = vec![self.row(rng.random_range(0..n)).to_vec()];
        let mut far: Vec<f64> = (0..n).map(|i| self.distance(self.row(i), &centres[0])).collect();
        while centres.len() < k {
            let mut left = rng.random::<f64>() * far.iter().sum::<f64>();
            let next = far.iter().position(|d| {
                left -= d;
                left < 0.0
            });
            let next = next.unwrap_or_else(|| rng.random_range(0..n));
            centres.push(self.row(next).to_vec());
            (0..n).for_each(|i| far[i] = far[i].min(self.distance(self.row(i), self.row(next))));
        }
        let mut label = vec![0; n];
        for _ in 0..LLOYD {
            let mut moved = false;
            for (i, label) in label.iter_mut().enumerate() {
                let gap = |c: &usize| self.distance(self.row(i), &centres[*c]);
                let best = (0..k).min_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap_or(0);
                moved |= best != *label;
                *label = best;
            }
            if !moved {
                break;
            }
            for (c, centre) in centres.iter_mut().enumerate() {
                let own = label.iter().filter(|l| **l == c).count();
                if own > 0 {
                    for (d, to) in centre.iter_mut().enumerate() {
                        let sum: f64 = self.column(d).zip(&label).filter(|(_, l)| **l == c).map(|(x, _)| x).sum();
                        *to = sum / own as f64;
                    }
                }
            }
        }
        label
    }

    /// Means of a dimension by cluster; of an empty one, and where there is no row, those of all.
    fn means(&self, d: usize, label: &[usize], states: usize) -> Vec<f64> {
        let all = self.column(d).sum::<f64>() / self.len().max(1) as f64;
        let mut sums = vec![(0.0, 0.0); states];
        for (x, &l) in self.column(d).zip(label) {
            sums[l] = (sums[l].0 + x, sums[l].1 + 1.0);
        }
        sums.iter().enumerate().map(|(l, (sum, n))| if *n > 0.0 { sum / n } else { all + l as f64 * 1e-3 }).collect()
    }

    /// The variance within clusters.
    fn variances(&self, d: usize, means: &[f64], label: &[usize]) -> f64 {
        let sum: f64 = self.column(d).zip(label).map(|(x, &l)| (x - means[l]).powi(2)).sum();
        let within = sum / label.len().max(1) as f64;
        if within > 0.0 { within } else { 1.0 / self.scale[d] }
    }
}
