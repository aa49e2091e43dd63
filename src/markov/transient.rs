//! Where a chain is after a time, and what it has gathered on the way.
//!
//! Uniformisation (Jensen 1953): one walk over the powers of P = I + Q/Λ serves all horizons. What is asked of a start is
//! read from each power as a number (a reward, in [`super::passage`] what is absorbed) and weighed at the end by Poisson probabilities and their
//! tails; nothing is subtracted, so rare events keep their relative accuracy. Stiff chains of few rungs go by squaring.

use super::exponential::Doublings;
use super::gather::{Aligned, Gather};
use super::generator::{Generator, hold, wrong};
use super::poisson;
use super::stencil::{axpy, dot};
use crate::ground::{Control, Error, Result};
use nalgebra::DMatrix;

/// Λ over the largest exit rate. A state that only moves does no harm to a mixture of powers.
pub(super) const MARGIN: f64 = 1.0;
/// Most steps of one stretch of a vector: the weights of longer ones are made in pieces.
const LONGEST: f64 = 1e4;
/// Most steps that a walk takes.
const STEPS: f64 = 1e8;
/// Most rungs that a matrix is made for.
const DENSE: usize = 1000;
/// A walk has settled where what all steps to come can change is less than this.
const SETTLED: f64 = 1e-14;
/// How often that is looked at, in steps.
const LOOK: usize = 32;

/// A uniformised chain on some rungs; what leaves them is gone.
pub(super) struct Walk {
    pub(super) gather: Gather,
    stay: Aligned,
    pub(super) lambda: f64,
    /// Runs of rungs that are not kept, within each block where others are.
    cut: Vec<Vec<(u32, u32)>>,
    /// Blocks where some rung is kept.
    kept: Vec<bool>,
    seen: Vec<Vec<u32>>,
}

impl Walk {
    pub(super) fn new(generator: &Generator, by_row: bool, kept: Option<&[bool]>) -> Self {
        let exit = generator.exit();
        let most = (0..exit.len()).filter(|&i| kept.is_none_or(|kept| kept[i])).map(|i| exit[i]).fold(0.0, f64::max);
        let lambda = MARGIN * most;
        let scale = if lambda > 0.0 { 1.0 / lambda } else { 0.0 };
        let source = if by_row { generator.incoming() } else { generator.outgoing() };
        let (size, count) = source.blocks();
        let mut walk = Walk {
            gather: source.scaled(scale),
            stay: Aligned::new(&exit.iter().map(|exit| (1.0 - exit * scale).max(0.0)).collect::<Vec<f64>>()),
            lambda,
            cut: vec![vec![]; count],
            kept: vec![true; count],
            seen: source.seen_from(),
        };
        if let Some(kept) = kept {
            for (block, own) in kept.chunks(size).enumerate() {
                walk.kept[block] = own.contains(&true);
                if !walk.kept[block] {
                    continue;
                }
                let mut k = 0;
                while k < own.len() {
                    let end = (k..own.len()).find(|&end| own[end] != own[k]).unwrap_or(own.len());
                    if !own[k] {
                        walk.cut[block].push((k as u32, end as u32));
                    }
                    k = end;
                }
            }
        }
        walk
    }

    /// Visits x, P x, P² x, … until `see` says false.
    fn each(&self, x: &[f64], control: &Control, mut see: impl FnMut(usize, &[f64]) -> bool) -> Result<()> {
        self.each_read(x, control, &|_, _| 0.0, |u, x, _| see(u, x))
    }

    /// The same with what `read` makes of each block (numbered) of the vector; 0 where no weight has come to.
    pub(super) fn each_read<R: Default + Copy + Send>(
        &self,
        x: &[f64],
        control: &Control,
        read: &(impl Fn(usize, &[f64]) -> R + Sync),
        mut see: impl FnMut(usize, &[f64], &[R]) -> bool,
    ) -> Result<()> {
        let (size, count) = self.gather.blocks();
        let mut x = Aligned::new(x);
        let mut out = Aligned::new(&vec![0.0; x.get().len()]);
        let mut live: Vec<bool> = x.get().chunks(size).map(|own| own.iter().any(|x| *x != 0.0)).collect();
        let mut next = live.clone();
        let mut growing = true;
        let mut found = vec![R::default(); count];
        x.get().chunks(size).enumerate().for_each(|(block, own)| found[block] = read(block, own));
        for u in 0.. {
            if !see(u, x.get(), &found) {
                break;
            }
            control.check()?;
            if growing {
                for from in (0..live.len()).filter(|&b| live[b]) {
                    self.seen[from].iter().for_each(|&to| next[to as usize] |= self.kept[to as usize]);
                }
                growing = next != live;
                live.copy_from_slice(&next);
            }
            let finish = |block: usize, own: &mut [f64]| {
                self.cut[block].iter().for_each(|&(start, end)| own[start as usize..end as usize].fill(0.0));
                read(block, own)
            };
            self.gather.apply_where(self.stay.get(), x.get(), out.get_mut(), &|b| live[b], &finish, &mut found);
            std::mem::swap(&mut x, &mut out);
        }
        Ok(())
    }

    /// Refuses times that would take too many steps.
    pub(super) fn check(&self, longest: f64) -> Result<()> {
        let steps = self.lambda * longest;
        if steps <= STEPS {
            return hold(32.0 * steps, &format!("the weights of {steps:.1e} steps"));
        }
        Err(Error::Diverged {
            message: format!(
                "a total rate of {:.3e} over a time of {longest:.3e} would take {steps:.1e} steps; {STEPS:.0e} are the most",
                self.lambda / MARGIN
            ),
        })
    }
}

/// Poisson weights without the zeros that underflow leaves at their end.
pub(super) fn weights(mean: f64, reach: usize) -> Vec<f64> {
    let mut weights = poisson::weights(mean, reach.min(1 << 16));
    while weights.last() == Some(&0.0) {
        weights.pop();
    }
    weights
}

/// P(N > u) for u = 0, 1, …, summed from the small end.
pub(super) fn tails(weights: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut tails: Vec<f64> = weights
        .iter()
        .rev()
        .map(|weight| {
            let beyond = sum;
            sum += weight;
            beyond
        })
        .collect();
    tails.reverse();
    tails
}

pub(super) fn check(generator: &Generator, vectors: &[(&[f64], &str)], times: &[f64]) -> Result<f64> {
    for (vector, what) in vectors {
        if vector.len() != generator.len() {
            return Err(wrong(format!("{what} has {} entries; there are {} rungs", vector.len(), generator.len())));
        }
        if let Some(i) = vector.iter().position(|x| !x.is_finite()) {
            return Err(wrong(format!("{what} has {} at rung {i}; expected finite numbers", vector[i])));
        }
    }
    if let Some(i) = times.iter().position(|t| !t.is_finite() || *t < 0.0) {
        return Err(wrong(format!("time {i} is {}; expected a finite number, 0 or more", times[i])));
    }
    Ok(times.iter().copied().fold(0.0, f64::max))
}

/// Most moves that it takes from anywhere to anywhere, or an upper bound of it.
pub(super) fn spread(generator: &Generator) -> usize {
    match generator.space() {
        Some(space) => space.sizes().iter().map(|size| size - 1).sum(),
        None => generator.len() - 1,
    }
}

/// Whether squaring is cheaper than walking, for `vectors` vectors at so many times.
pub(super) fn is_dense(n: usize, operations: usize, lambda: f64, longest: f64, reach: usize) -> bool {
    if n > DENSE {
        return false;
    }
    let mean = lambda * longest;
    let walk = poisson::steps(mean.min(1e300), reach.min(170)) as f64 * (operations + 2 * n + 40) as f64;
    (n as f64).powi(3) * (mean.max(1.0).log2() + 14.0) < walk
}

/// The law after each of `times`, from the law `start`: one row of n numbers a time.
///
/// # Errors
/// Vectors or times that do not fit, `TooLarge`, `Diverged` where it would take more than 1e8 steps, `Interrupted`.
///
/// # Complexity
/// About Λt + 8.5 √Λt passes over the moves for the longest time t, and one vector sum a pass and time; chains of up to
/// 1,000 rungs take log₂ Λt matrix products where that is cheaper. A chain that has settled is walked no further.
pub fn law(generator: &Generator, start: &[f64], times: &[f64], control: &Control) -> Result<Vec<f64>> {
    carried(generator, start, times, true, control)
}

/// E[f(X_t) | X_0 = i] after each of `times` for every rung i: one row of n numbers a time.
///
/// # Errors
/// As [`law`].
pub fn expect(generator: &Generator, values: &[f64], times: &[f64], control: &Control) -> Result<Vec<f64>> {
    carried(generator, values, times, false, control)
}

fn carried(generator: &Generator, vector: &[f64], times: &[f64], by_row: bool, control: &Control) -> Result<Vec<f64>> {
    let longest = check(generator, &[(vector, "the vector")], times)?;
    let n = generator.len();
    hold(8.0 * n as f64 * (times.len() as f64 + 4.0), &format!("laws of {n} rungs at {} times", times.len()))?;
    let most = generator.exit().iter().copied().fold(0.0, f64::max);
    if is_dense(n, generator.outgoing().operations(), MARGIN * most, longest, spread(generator)) {
        let doublings = Doublings::new(&generator.matrix()?, longest)?;
        let mut out = Vec::with_capacity(n * times.len());
        for &time in times {
            control.check()?;
            out.extend(doublings.carry(vector, time, by_row));
        }
        return Ok(out);
    }
    let walk = Walk::new(generator, by_row, None);
    walk.check(longest)?;
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|&a, &b| times[a].total_cmp(&times[b]));
    let mut out = vec![0.0; n * times.len()];
    let (mut row, mut now, mut done) = (vector.to_vec(), 0.0, 0);
    while done < order.len() {
        let near = order[done..].iter().filter(|&&k| walk.lambda * (times[k] - now) <= LONGEST).count();
        let ahead = match near {
            0 => vec![now + LONGEST / walk.lambda],
            _ => order[done..done + near].iter().map(|&k| times[k]).collect(),
        };
        let (rows, settled) = nearby(&walk, row, now, &ahead, spread(generator), longest, control)?;
        for (&k, row) in order[done..done + near].iter().zip(&rows) {
            out[k * n..(k + 1) * n].copy_from_slice(row);
        }
        (row, now, done) = (rows.into_iter().last().unwrap_or_default(), ahead[ahead.len() - 1], done + near);
        if settled {
            order[done..].iter().for_each(|&k| out[k * n..(k + 1) * n].copy_from_slice(&row));
            break;
        }
    }
    Ok(out)
}

/// The vector at some times, and whether it has settled for good.
fn nearby(
    walk: &Walk,
    row: Vec<f64>,
    now: f64,
    times: &[f64],
    reach: usize,
    longest: f64,
    control: &Control,
) -> Result<(Vec<Vec<f64>>, bool)> {
    let weights: Vec<Vec<f64>> = times.iter().map(|time| weights(walk.lambda * (time - now), reach)).collect();
    let steps = weights.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = vec![vec![0.0; row.len()]; times.len()];
    let mut last: Vec<f64> = vec![];
    let mut settled = false;
    let size = row.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    walk.each(&row, control, |u, x| {
        if u % LOOK == LOOK - 1 && u + LOOK < steps {
            last = x.to_vec();
        } else if u % LOOK == 0 && !last.is_empty() {
            // A step's change never grows (in the sum of absolute values for a row, in the largest for a column); as many
            // steps as are left, to the end of all, can change no more than this.
            let change = last.iter().zip(x).map(|(a, b)| (a - b).abs()).fold(0.0, |sum: f64, d| sum + d);
            let left = poisson::steps(walk.lambda * (longest - now), reach) as f64;
            // Small entries count as well: none may still move by more than rounding does.
            settled = change * left <= SETTLED * size.min(1.0)
                && last.iter().zip(x).all(|(a, b)| (a - b).abs() <= SETTLED * b.abs());
            last.clear();
        }
        for (row, weights) in rows.iter_mut().zip(&weights) {
            if settled {
                axpy(weights.get(u..).unwrap_or(&[]).iter().sum(), x, row);
            } else if let Some(&weight) = weights.get(u).filter(|weight| **weight > 0.0) {
                axpy(weight, x, row);
            }
        }
        !settled && u + 1 < steps
    })?;
    Ok((rows, settled))
}

/// The generator on some rungs, then one for the target and one for what has left.
pub(super) fn confined(generator: &Generator, inner: &[usize], into: &[f64]) -> DMatrix<f64> {
    let m = inner.len();
    let mut place = vec![usize::MAX; generator.len()];
    inner.iter().enumerate().for_each(|(k, &i)| place[i] = k);
    let mut matrix = DMatrix::zeros(m + 2, m + 2);
    for (k, &i) in inner.iter().enumerate() {
        let mut left = 0.0;
        generator.row(i, |j, rate| match place[j] {
            usize::MAX => left += rate,
            to => matrix[(k, to)] = rate,
        });
        matrix[(k, m)] = into[i];
        matrix[(k, m + 1)] = (left - into[i]).max(0.0);
        if matrix[(k, m + 1)] <= 1e-12 * left {
            matrix[(k, m + 1)] = 0.0;
        }
    }
    matrix
}

/// E[∫₀ᵗ r(X_s) ds] from the law `start`, at each time.
///
/// # Errors
/// As [`law`].
pub fn accumulated(
    generator: &Generator,
    start: &[f64],
    rewards: &[f64],
    times: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    let longest = check(generator, &[(start, "the start"), (rewards, "the rewards")], times)?;
    let most = MARGIN * generator.exit().iter().copied().fold(0.0, f64::max);
    let reach = spread(generator);
    if is_dense(generator.len(), generator.outgoing().operations(), most, longest, reach) {
        let each = gathered(generator, rewards, None, times, control)?;
        return Ok(each.chunks_exact(generator.len()).map(|row| dot(row, start)).collect());
    }
    let walk = Walk::new(generator, true, None);
    walk.check(longest)?;
    let steps = weights(walk.lambda * longest, reach).len();
    let mut gained = vec![];
    walk.each(start, control, |u, x| {
        gained.push(dot(x, rewards));
        u + 1 < steps
    })?;
    Ok(times.iter().map(|&time| integral(&weights(walk.lambda * time, reach), &gained, walk.lambda, time)).collect())
}

/// ∫₀ᵗ of the mixture: (1/Λ) Σ_u P(N > u) g_u.
fn integral(weights: &[f64], gained: &[f64], lambda: f64, time: f64) -> f64 {
    if lambda <= 0.0 {
        return time * gained.first().copied().unwrap_or(0.0);
    }
    let tails = tails(weights);
    let most = tails.len().min(gained.len());
    dot(&tails[..most], &gained[..most]) / lambda
}

/// E[∫₀ᵗ r(X_s) ds | X_0 = i] for every rung i: one row of n numbers a time.
///
/// # Errors
/// As [`law`].
pub fn accumulated_from_each(
    generator: &Generator,
    rewards: &[f64],
    times: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    gathered(generator, rewards, None, times, control)
}

/// ∫₀ᵗ e^{Qs} r ds on the rungs of `confined.0` (all: none), `confined.1` elsewhere.
pub(super) fn gathered(
    generator: &Generator,
    rewards: &[f64],
    confined: Option<(&[bool], &[f64])>,
    times: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    let longest = check(generator, &[(rewards, "the rewards")], times)?;
    let (n, reach) = (generator.len(), spread(generator));
    hold(8.0 * n as f64 * (times.len() as f64 + 4.0), &format!("{n} rungs at {} times", times.len()))?;
    let way = confined.map(|(way, _)| way);
    let kept = |i: usize| way.is_none_or(|way| way[i]);
    let most = MARGIN * (0..n).filter(|&i| kept(i)).map(|i| generator.exit()[i]).fold(0.0, f64::max);
    let mut out = vec![0.0; n * times.len()];
    if let Some((way, elsewhere)) = confined {
        for row in out.chunks_exact_mut(n) {
            (0..n).filter(|&i| !way[i]).for_each(|i| row[i] = elsewhere[i]);
        }
    }
    if is_dense(n, generator.outgoing().operations(), most, longest, reach) {
        let inner: Vec<usize> = (0..n).filter(|&i| kept(i)).collect();
        let matrix = self::confined(generator, &inner, &vec![0.0; n]);
        let gains: Vec<f64> = inner.iter().map(|&i| rewards[i]).collect();
        for (row, &time) in out.chunks_exact_mut(n).zip(times) {
            control.check()?;
            let found = doubled(&matrix, &gains, time);
            inner.iter().zip(found.iter()).for_each(|(&i, x)| row[i] = *x);
        }
        return Ok(out);
    }
    let walk = Walk::new(generator, false, way);
    walk.check(longest)?;
    let weights: Vec<Vec<f64>> = times.iter().map(|time| weights(walk.lambda * time, reach)).collect();
    let tails: Vec<Vec<f64>> = weights.iter().map(|weights| tails(weights)).collect();
    let steps = weights.iter().map(Vec::len).max().unwrap_or(0);
    let first: Vec<f64> = (0..n).map(|i| if kept(i) { rewards[i] } else { 0.0 }).collect();
    if walk.lambda <= 0.0 {
        for (row, time) in out.chunks_exact_mut(n).zip(times) {
            axpy(*time, &first, row);
        }
        return Ok(out);
    }
    walk.each(&first, control, |u, x| {
        for (row, tails) in out.chunks_exact_mut(n).zip(&tails) {
            if let Some(&tail) = tails.get(u).filter(|tail| **tail > 0.0) {
                axpy(tail / walk.lambda, x, row);
            }
        }
        u + 1 < steps
    })?;
    Ok(out)
}

/// ∫₀ᵗ e^{Qs} r ds on the first rungs of a generator, by R(2t) = R(t) + E(t) R(t).
fn doubled(matrix: &DMatrix<f64>, gains: &[f64], time: f64) -> Vec<f64> {
    let n = matrix.nrows();
    let flat: Vec<f64> = (0..n * n).map(|k| matrix[(k / n, k % n)]).collect();
    let exponential = super::Exponential::new(&flat, n);
    let exit = (0..n).map(|i| (0..n).filter(|&j| j != i).map(|j| flat[i * n + j]).sum::<f64>()).fold(0.0, f64::max);
    let lambda = MARGIN * exit;
    let mut gains = gains.to_vec();
    gains.resize(n, 0.0);
    let r = nalgebra::DVector::from_vec(gains);
    if lambda <= 0.0 {
        return (r * time).iter().copied().collect();
    }
    let mut doublings = 0;
    let mut piece = time;
    while lambda * piece > 1.0 {
        piece *= 0.5;
        doublings += 1;
    }
    let mut step = matrix / lambda;
    for i in 0..n {
        let out: f64 = (0..n).filter(|&j| j != i).map(|j| step[(i, j)]).sum();
        step[(i, i)] = 1.0 - out;
    }
    let tails = tails(&weights(lambda * piece, n.min(160)));
    let mut x = r;
    let mut sum = nalgebra::DVector::zeros(n);
    for tail in tails {
        sum += &x * (tail / lambda);
        x = &step * x;
    }
    if doublings > 0 {
        let mut e = DMatrix::from_row_slice(n, n, &exponential.at(piece));
        for k in 0..doublings {
            sum = &sum + &e * &sum;
            if k + 1 < doublings {
                e = super::exponential::divided(&e * &e);
            }
        }
    }
    sum.iter().copied().collect()
}
