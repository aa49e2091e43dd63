//! Chains in discrete time from observed sequences: counts, laws, and tests of order and of change over time.
//!
//! A sequence is a run of states, −1 where one is missing. What is asked of the matrix itself (stationary law, absorption)
//! is asked of the generator P − I, whose unit of time is a step: see [`super::hitting`] and [`super::stationary`].

use super::generator::{Generator, hold, wrong};
use crate::ground::{Control, Error, Result, random};
use nalgebra::DMatrix;
use rand::RngExt;
use rayon::prelude::*;
use statrs::distribution::{Beta, ChiSquared, ContinuousCDF};
use std::collections::{BTreeMap, BTreeSet};

/// Where EM stops: the largest change of a probability.
const STILL: f64 = 1e-12;
/// Most rounds of EM.
const ROUNDS: usize = 10_000;
/// Sequences that one thread draws at a time.
const BATCH: usize = 256;

/// Sequences one after the other: those of sequence s are at starts[s]..starts[s + 1], −1 where a state is missing.
#[derive(Debug, Clone, Copy)]
pub struct Sequences<'a> {
    pub states: &'a [i32],
    pub starts: &'a [usize],
    pub n: usize,
}

impl<'a> Sequences<'a> {
    /// Checks that every state is below `n`.
    ///
    /// # Errors
    /// A state that there is not, with its sequence and place.
    pub fn new(states: &'a [i32], starts: &'a [usize], n: usize) -> Result<Self> {
        let fits = starts.first() == Some(&0)
            && starts.last() == Some(&states.len())
            && starts.windows(2).all(|pair| pair[0] <= pair[1]);
        if !fits || n == 0 {
            return Err(wrong("the sequences' starts do not fit".into()));
        }
        if let Some(at) = states.iter().position(|&state| state >= n as i32) {
            let s = starts.partition_point(|&start| start <= at) - 1;
            let message = format!("state {} is given; there are {n}", states[at]);
            return Err(Error::spec("sequences", format!("sequence {s}, row {}", at - starts[s]), message));
        }
        Ok(Sequences { states, starts, n })
    }

    /// Each sequence.
    pub fn each(&self) -> impl Iterator<Item = &'a [i32]> + '_ {
        self.starts.windows(2).map(|pair| &self.states[pair[0]..pair[1]])
    }

    /// How often each sequence of `order` + 1 states without a gap occurs, as a table with the last state fastest; only
    /// windows that also have `before` states before them count.
    ///
    /// # Errors
    /// `TooLarge`.
    pub fn counts(&self, order: usize, before: usize) -> Result<Vec<f64>> {
        let cells = (self.n as f64).powi(order as i32 + 1);
        hold(8.0 * cells, &format!("the {cells:.1e} counts of order {order}"))?;
        let mut counts = vec![0.0; cells as usize];
        let window = order + 1 + before;
        for sequence in self.each() {
            for seen in sequence.windows(window).filter(|seen| seen.iter().all(|&state| state >= 0)) {
                let cell = seen[before..].iter().fold(0, |cell, &state| cell * self.n + state as usize);
                counts[cell] += 1.0;
            }
        }
        Ok(counts)
    }

    /// How often each state comes first, among the states that are known.
    pub fn firsts(&self) -> Vec<f64> {
        let mut firsts = vec![0.0; self.n];
        for sequence in self.each() {
            if let Some(&state) = sequence.first().filter(|state| **state >= 0) {
                firsts[state as usize] += 1.0;
            }
        }
        firsts
    }

    /// Pairs of known states with nothing known between them: (from, to, steps) and how often.
    fn gaps(&self) -> BTreeMap<(usize, usize, usize), f64> {
        let mut gaps = BTreeMap::new();
        for sequence in self.each() {
            let mut last = None;
            for (at, &state) in sequence.iter().enumerate().filter(|(_, state)| **state >= 0) {
                if let Some((before, from)) = last {
                    *gaps.entry((from, state as usize, at - before)).or_insert(0.0) += 1.0;
                }
                last = Some((at, state as usize));
            }
        }
        gaps
    }
}

/// A table of probabilities: each row of counts over its sum, evenly where there is none.
pub fn proportions(counts: &[f64], n: usize) -> Vec<f64> {
    let mut out = counts.to_vec();
    for row in out.chunks_exact_mut(n) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|x| *x = if sum > 0.0 { *x / sum } else { 1.0 / n as f64 });
    }
    out
}

/// Expected counts of moves with the missing states summed over, at the most likely matrix given `prior` counts (EM), and
/// the rounds that it took.
///
/// # Errors
/// `NotConverged`, `Interrupted`.
///
/// # Complexity
/// A round takes O(longest gap · n³) and, for each distinct gap, O(steps · n²).
pub fn expected_counts(sequences: &Sequences<'_>, prior: &[f64], control: &Control) -> Result<(Vec<f64>, usize)> {
    let n = sequences.n;
    let gaps = sequences.gaps();
    let longest = gaps.keys().map(|gap| gap.2).max().unwrap_or(1);
    hold(8.0 * longest as f64 * (n * n) as f64, &format!("powers of a matrix over gaps of {longest} steps"))?;
    let mut matrix = vec![1.0 / n as f64; n * n];
    for round in 1..=ROUNDS {
        control.check()?;
        let powers = powers(&matrix, n, longest);
        let mut counts = vec![0.0; n * n];
        for (&(i, j, steps), &times) in &gaps {
            if steps == 1 {
                counts[i * n + j] += times;
                continue;
            }
            let whole = powers[steps][i * n + j];
            if whole <= 0.0 {
                continue;
            }
            for s in 0..steps {
                for a in 0..n {
                    let before = powers[s][i * n + a] * times / whole;
                    if before > 0.0 {
                        for b in 0..n {
                            counts[a * n + b] += before * matrix[a * n + b] * powers[steps - 1 - s][b * n + j];
                        }
                    }
                }
            }
        }
        let next = proportions(&counts.iter().zip(prior).map(|(a, b)| a + b).collect::<Vec<f64>>(), n);
        let change = next.iter().zip(&matrix).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        matrix = next;
        if change <= STILL {
            return Ok((counts, round));
        }
    }
    Err(Error::NotConverged { message: format!("the missing states still move the matrix after {ROUNDS} rounds") })
}

/// I, P, P², …, each row over its sum.
fn powers(matrix: &[f64], n: usize, most: usize) -> Vec<Vec<f64>> {
    let mut identity = vec![0.0; n * n];
    (0..n).for_each(|i| identity[i * n + i] = 1.0);
    let mut all = vec![identity];
    for k in 1..=most {
        let mut next = vec![0.0; n * n];
        for i in 0..n {
            for a in 0..n {
                let x = all[k - 1][i * n + a];
                if x > 0.0 {
                    (0..n).for_each(|j| next[i * n + j] += x * matrix[a * n + j]);
                }
            }
            let sum: f64 = next[i * n..(i + 1) * n].iter().sum();
            next[i * n..(i + 1) * n].iter_mut().for_each(|x| *x /= sum);
        }
        all.push(next);
    }
    all
}

/// ln P(states | the first known one) of each sequence, missing states summed over; plus ln of the first known state's
/// probability where `start`, the law of the first state, is given.
///
/// # Errors
/// `TooLarge`, `Interrupted`.
pub fn log_likelihoods(
    sequences: &Sequences<'_>,
    matrix: &[f64],
    start: Option<&[f64]>,
    control: &Control,
) -> Result<Vec<f64>> {
    let n = sequences.n;
    let mut rows: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    for sequence in sequences.each() {
        let mut last = None;
        for (at, _) in sequence.iter().enumerate().filter(|(_, state)| **state >= 0) {
            wanted.insert(at - last.unwrap_or(0));
            last = Some(at);
        }
    }
    let base = DMatrix::from_row_slice(n, n, matrix);
    for steps in wanted {
        control.check()?;
        rows.insert(steps, flat(&power(&base, steps as u64)));
    }
    let over = |steps: usize, i: usize, j: usize| -> f64 { rows.get(&steps).map_or(0.0, |p| p[i * n + j]) };
    let law = |sequence: &[i32]| {
        let (mut log, mut last) = (0.0, None);
        for (at, &state) in sequence.iter().enumerate().filter(|(_, state)| **state >= 0) {
            let j = state as usize;
            if let Some((before, i)) = last {
                log += over(at - before, i, j).ln();
            } else if let Some(start) = start {
                log += (0..n).map(|i| start[i] * over(at, i, j)).sum::<f64>().ln();
            }
            last = Some((at, j));
        }
        log
    };
    Ok(sequences.each().map(law).collect())
}

fn flat(matrix: &DMatrix<f64>) -> Vec<f64> {
    let n = matrix.nrows();
    (0..n * n).map(|k| matrix[(k / n, k % n)]).collect()
}

/// P^k by squaring, each row over its sum.
fn power(matrix: &DMatrix<f64>, k: u64) -> DMatrix<f64> {
    let n = matrix.nrows();
    let (mut out, mut square, mut left) = (DMatrix::identity(n, n), matrix.clone(), k);
    while left > 0 {
        if left & 1 == 1 {
            out = super::exponential::divided(out * &square);
        }
        left >>= 1;
        if left > 0 {
            square = super::exponential::divided(&square * &square);
        }
    }
    out
}

/// The matrix of so many steps.
pub fn n_step(matrix: &[f64], n: usize, steps: u64) -> Vec<f64> {
    flat(&power(&DMatrix::from_row_slice(n, n, matrix), steps))
}

/// The law after each of so many steps from the law `start`: one row of n numbers each.
pub fn laws(matrix: &[f64], n: usize, start: &[f64], steps: &[u64]) -> Vec<f64> {
    let base = DMatrix::from_row_slice(n, n, matrix);
    let most = steps.iter().copied().max().unwrap_or(0);
    let mut squares = vec![base];
    while (2u128 << (squares.len() - 1)) <= u128::from(most) {
        let last = &squares[squares.len() - 1];
        squares.push(super::exponential::divided(last * last));
    }
    let mut out = Vec::with_capacity(n * steps.len());
    for &count in steps {
        let mut row = nalgebra::DVector::from_column_slice(start);
        for (k, square) in squares.iter().enumerate() {
            if count >> k & 1 == 1 {
                row = square.tr_mul(&row);
            }
        }
        out.extend(row.iter());
    }
    out
}

/// The chain as a generator whose unit of time is a step.
///
/// # Errors
/// Rows that are no laws.
pub fn generator(matrix: &[f64], n: usize, name: &dyn Fn(usize) -> String) -> Result<Generator> {
    check(matrix, n, name)?;
    let moves = (0..n * n).filter(|k| k / n != k % n).map(|k| (k / n, k % n, matrix[k])).collect();
    Generator::sparse(n, moves, name)
}

/// Refuses a matrix whose rows are no laws within 1e-9.
///
/// # Errors
/// The row, and what it sums to.
pub fn check(matrix: &[f64], n: usize, name: &dyn Fn(usize) -> String) -> Result<()> {
    for (i, row) in matrix.chunks_exact(n).enumerate() {
        let sum: f64 = row.iter().sum();
        if row.iter().any(|p| !p.is_finite() || *p < 0.0) || (sum - 1.0).abs() > 1e-9 {
            let message = format!(
                "row {i} (state '{}') sums to {sum}; rows must hold probabilities and sum to 1 within 1e-9",
                name(i)
            );
            return Err(Error::spec("matrix", "the transition matrix", message));
        }
    }
    Ok(())
}

/// Marginal intervals of Dirichlet rows: the Beta law of each entry, cut equally at both ends.
///
/// # Errors
/// Counts that are negative or not finite.
pub fn intervals(counts: &[f64], n: usize, level: f64) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut low, mut high) = (vec![], vec![]);
    for row in counts.chunks_exact(n) {
        let sum: f64 = row.iter().sum();
        for &a in row {
            let b = sum - a;
            match Beta::new(a, b) {
                Ok(beta) => {
                    low.push(beta.inverse_cdf(0.5 - 0.5 * level));
                    high.push(beta.inverse_cdf(0.5 + 0.5 * level));
                }
                // A structural zero or a row with one entry is sure.
                Err(_) if a >= 0.0 && b >= 0.0 && a.is_finite() && b.is_finite() => {
                    let sure = if sum > 0.0 { a / sum } else { f64::NAN };
                    low.push(sure);
                    high.push(sure);
                }
                Err(_) => return Err(wrong(format!("a count is {a}; expected a finite number, 0 or more"))),
            }
        }
    }
    Ok((low, high))
}

/// A likelihood-ratio test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// G² = 2 Σ observed ln(observed / expected).
    pub statistic: f64,
    pub degrees: usize,
    /// P(a chi-squared variable is larger); 1 with no degree of freedom.
    pub p_value: f64,
}

impl Test {
    fn new(statistic: f64, degrees: usize) -> Self {
        let law = ChiSquared::new(degrees as f64).ok();
        // Rounding may leave less than 0.
        let statistic = statistic.max(0.0);
        Test { statistic, degrees, p_value: law.map_or(1.0, |law| law.sf(statistic)) }
    }
}

/// How well a chain of an order fits, on the windows that all orders compared share.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub order: usize,
    pub log_likelihood: f64,
    /// Free probabilities of the contexts that occur.
    pub parameters: usize,
    pub aic: f64,
    pub bic: f64,
    /// Against the next order.
    pub test: Option<Test>,
}

/// Chains of orders 0 to `most` on the same windows; each is tested against the next (Billingsley 1961, Annals of
/// Mathematical Statistics 32(1), eq. 5.7; degrees of freedom count what occurs). BIC after Katz 1981, Technometrics 23(3).
///
/// # Errors
/// `TooLarge`, no window of `most` + 1 states without a gap.
pub fn orders(sequences: &Sequences<'_>, most: usize) -> Result<Vec<Order>> {
    let n = sequences.n;
    let mut found: Vec<Order> = vec![];
    let tables: Vec<Vec<f64>> = (0..=most).map(|order| sequences.counts(order, most - order)).collect::<Result<_>>()?;
    let windows: f64 = tables[0].iter().sum();
    if windows == 0.0 {
        let message = format!("no {} states follow one another without a gap", most + 1);
        return Err(Error::spec("sequences", "the order test", message));
    }
    for (order, counts) in tables.iter().enumerate() {
        let (mut log_likelihood, mut contexts) = (0.0, 0);
        for row in counts.chunks_exact(n) {
            let sum: f64 = row.iter().sum();
            contexts += usize::from(sum > 0.0);
            log_likelihood += row.iter().filter(|x| **x > 0.0).map(|x| x * (x / sum).ln()).sum::<f64>();
        }
        let parameters = contexts * (n - 1);
        let free = parameters as f64;
        let (aic, bic) = (2.0 * free - 2.0 * log_likelihood, free * windows.ln() - 2.0 * log_likelihood);
        found.push(Order { order, log_likelihood, parameters, aic, bic, test: None });
    }
    for order in 0..most {
        let statistic = 2.0 * (found[order + 1].log_likelihood - found[order].log_likelihood);
        // Of each context: (what comes before it − 1)(what comes after it − 1), as far as it occurs.
        let longer = &tables[order + 1];
        let contexts = n.pow(order as u32);
        let degrees = (0..contexts)
            .map(|context| {
                let after = (0..n).filter(|j| tables[order][context * n + j] > 0.0).count();
                let row = |i: usize| &longer[(i * contexts + context) * n..(i * contexts + context + 1) * n];
                let before = (0..n).filter(|&i| row(i).iter().any(|x| *x > 0.0)).count();
                after.saturating_sub(1) * before.saturating_sub(1)
            })
            .sum();
        found[order].test = Some(Test::new(statistic, degrees));
    }
    Ok(found)
}

/// Whether the moves follow one matrix in every period (Anderson and Goodman 1957, Annals of Mathematical Statistics 28(1),
/// section 3.2). `period` numbers the period of each entry of the sequences, that which a move leads to counts.
///
/// # Errors
/// `TooLarge`.
pub fn homogeneity(sequences: &Sequences<'_>, period: &[usize], periods: usize) -> Result<Test> {
    let n = sequences.n;
    hold(8.0 * (periods * n * n) as f64, &format!("counts of {periods} periods"))?;
    let mut counts = vec![0.0; periods * n * n];
    for pair in sequences.starts.windows(2) {
        for at in pair[0] + 1..pair[1] {
            let (i, j) = (sequences.states[at - 1], sequences.states[at]);
            if i >= 0 && j >= 0 {
                counts[(period[at] * n + i as usize) * n + j as usize] += 1.0;
            }
        }
    }
    let cell = |t: usize, i: usize, j: usize| counts[(t * n + i) * n + j];
    let (mut statistic, mut degrees) = (0.0, 0);
    for i in 0..n {
        let pooled: Vec<f64> = (0..n).map(|j| (0..periods).map(|t| cell(t, i, j)).sum()).collect();
        let all: f64 = pooled.iter().sum();
        let mut seen = 0;
        for t in 0..periods {
            let own: f64 = (0..n).map(|j| cell(t, i, j)).sum();
            seen += usize::from(own > 0.0);
            let occurring = (0..n).filter(|&j| cell(t, i, j) > 0.0);
            statistic +=
                occurring.map(|j| 2.0 * cell(t, i, j) * (cell(t, i, j) / own / (pooled[j] / all)).ln()).sum::<f64>();
        }
        let targets = pooled.iter().filter(|x| **x > 0.0).count();
        degrees += targets.saturating_sub(1) * seen.saturating_sub(1usize);
    }
    Ok(Test::new(statistic, degrees))
}

/// Draws sequences of `length` states, one row each; the bits do not depend on threads.
///
/// # Errors
/// `TooLarge`, `Interrupted`.
pub fn simulate(
    matrix: &[f64],
    n: usize,
    start: &[f64],
    length: usize,
    count: usize,
    seed: u64,
    control: &Control,
) -> Result<Vec<u32>> {
    hold(4.0 * length as f64 * count as f64, &format!("{count} sequences of {length} states"))?;
    if length == 0 {
        return Ok(vec![]);
    }
    let mut sums = matrix.to_vec();
    sums.chunks_exact_mut(n).for_each(|row| (1..n).for_each(|j| row[j] += row[j - 1]));
    let mut first = start.to_vec();
    (1..n).for_each(|j| first[j] += first[j - 1]);
    let pick = |sums: &[f64], u: f64| {
        let total = u * sums[n - 1];
        sums.partition_point(|sum| *sum <= total).min(n - 1)
    };
    let mut out = vec![0u32; length * count];
    control.announce(count.div_ceil(BATCH));
    out.par_chunks_mut((BATCH * length).max(1)).enumerate().try_for_each(|(batch, out)| {
        for (k, row) in out.chunks_exact_mut(length).enumerate() {
            control.check()?;
            let mut rng = random::stream(seed, (batch * BATCH + k) as u64);
            let mut at = pick(&first, rng.random());
            for (t, to) in row.iter_mut().enumerate() {
                if t > 0 {
                    at = pick(&sums[at * n..(at + 1) * n], rng.random());
                }
                *to = at as u32;
            }
        }
        control.tick();
        Ok(())
    })?;
    Ok(out)
}
