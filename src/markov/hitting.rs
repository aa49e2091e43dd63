//! Whether a chain ever reaches a set of rungs, how long it takes, and what it gathers until then.

use super::elimination::{Elimination, band};
use super::gather::Rows;
use super::generator::{Generator, hold, wrong};
use super::krylov::System;
use crate::ground::{Control, Error, Result};

/// Most multiplications that an elimination takes before an iteration is tried instead.
const DIRECT: f64 = 4e9;
/// A residual, relative to the right side, above which the target is so rare that the way goes by a hub.
const RARE: f64 = 1e-10;
/// Probabilities below this are made accurate one by one.
const SMALL: f64 = 1e-4;
/// Systems of so few rungs are always eliminated.
const FEW: usize = 1200;

/// Numbers of each rung, and how they were found.
#[derive(Debug, Clone, PartialEq)]
pub struct Solved {
    pub values: Vec<f64>,
    /// 0 where the rungs were eliminated, which is exact up to rounding in each value.
    pub iterations: usize,
    /// ‖b − A x‖ / ‖b‖ of the iteration; 0 where the rungs were eliminated.
    pub residual: f64,
}

impl Solved {
    /// The same, with the iterations and the residual of what it was made from.
    fn after(self, before: &Solved) -> Self {
        let (iterations, residual) = (self.iterations + before.iterations, self.residual.max(before.residual));
        Solved { iterations, residual, ..self }
    }
}

/// (D − R) of the chain on some rungs, ready to be solved from the right or from the left.
#[derive(Debug)]
pub(super) enum Solver<'g> {
    Direct(Elimination),
    Iterative(System<'g>),
}

impl<'g> Solver<'g> {
    /// On the rungs `inner` (ascending), every rung also leaving at the rate `discount`; `left` for x A = b.
    pub fn new(
        generator: &'g Generator,
        inner: &[usize],
        discount: f64,
        left: bool,
        control: &Control,
    ) -> Result<Self> {
        let (rows, out) = restricted(generator, inner, discount);
        let (m, band) = (inner.len(), band(&rows));
        let direct = m as f64 * (band as f64).powi(2);
        let bytes = 8.0 * m as f64 * (2.0 * band as f64 + 1.0);
        if (m <= FEW || direct <= DIRECT) && hold(bytes, "").is_ok() {
            return Ok(Solver::Direct(Elimination::new(&rows, Some(&out), control)?));
        }
        hold(40.0 * rows.values.len() as f64 + 100.0 * m as f64, &format!("a system of {m} rungs"))?;
        let diagonal: Vec<f64> = (0..m).map(|k| out[k] + rows.row(k).map(|(_, rate)| rate).sum::<f64>()).collect();
        let rows = if left { rows.turned(m) } else { rows };
        let whole = if left { generator.incoming() } else { generator.outgoing() };
        Ok(Solver::Iterative(System::new(rows, diagonal, whole, inner)))
    }

    /// The solution, the iterations and the residual.
    pub fn solve(&self, b: &[f64], left: bool, guess: Option<&[f64]>, control: &Control) -> Result<Solved> {
        Ok(match self {
            Solver::Direct(elimination) => {
                let values = if left { elimination.solve_left(b) } else { elimination.solve(b) };
                Solved { values, iterations: 0, residual: 0.0 }
            }
            Solver::Iterative(system) => {
                let found = system.solve(b, guess, control)?;
                Solved { values: found.x, iterations: found.iterations, residual: found.residual }
            }
        })
    }
}

impl Solver<'_> {
    /// [`Solver::solve`], small entries as accurate as large ones.
    fn solve_each(&self, b: &[f64], control: &Control) -> Result<Solved> {
        let mut solved = self.solve(b, false, None, control)?;
        if let Solver::Iterative(system) = self {
            system.polish(b, &mut solved.values, control)?;
        }
        Ok(solved)
    }
}

/// The rates within `inner` by rows, columns ascending, and the total rate from each that leaves it, `discount` included.
pub(super) fn restricted(generator: &Generator, inner: &[usize], discount: f64) -> (Rows, Vec<f64>) {
    let mut place = vec![u32::MAX; generator.len()];
    inner.iter().enumerate().for_each(|(k, &i)| place[i] = k as u32);
    let mut rows = Rows { starts: vec![0], ..Rows::default() };
    let mut out = vec![discount; inner.len()];
    let mut own: Vec<(u32, f64)> = vec![];
    for (k, &i) in inner.iter().enumerate() {
        generator.row(i, |j, rate| match place[j] {
            u32::MAX => out[k] += rate,
            to => own.push((to, rate)),
        });
        own.sort_unstable_by_key(|entry| entry.0);
        for (to, rate) in own.drain(..) {
            rows.columns.push(to);
            rows.values.push(rate);
        }
        rows.starts.push(rows.values.len());
    }
    (rows, out)
}

/// Which rungs may reach the target by the way of rungs on the way, and which of these surely do.
pub(super) struct Fate {
    pub may: Vec<bool>,
    pub surely: Vec<bool>,
}

pub(super) fn fate(generator: &Generator, target: &[bool], within: Option<&[bool]>) -> Fate {
    let way: Vec<bool> = (0..generator.len()).map(|i| !target[i] && within.is_none_or(|within| within[i])).collect();
    let back = generator.links().turned();
    let may = back.reached(target, |i| way[i]);
    let lost: Vec<bool> = may.iter().map(|may| !may).collect();
    let risk = back.reached(&lost, |i| way[i]);
    let surely = may.iter().zip(&risk).map(|(may, risk)| *may && !risk).collect();
    Fate { may, surely }
}

fn check(generator: &Generator, sets: &[&[bool]], values: &[f64]) -> Result<()> {
    let n = generator.len();
    if sets.iter().any(|set| set.len() != n) || (!values.is_empty() && values.len() != n) {
        return Err(wrong(format!("a set or a vector does not have {n} entries")));
    }
    if let Some(i) = values.iter().position(|x| !x.is_finite() || *x < 0.0) {
        return Err(wrong(format!("rung {i} has the reward {}; expected a finite number, 0 or more", values[i])));
    }
    Ok(())
}

/// P(ever in `target`, having stayed `within` until then) from every rung. 0 and 1 are exact where they hold.
///
/// # Errors
/// Sets that do not fit, `TooLarge`, `NotConverged`, `Interrupted`.
///
/// # Complexity
/// O(m band²) for an elimination, taken below 4e9 or 1,200 rungs; else iterations of four passes over the moves.
///
/// # Examples
/// ```
/// use escalade::ground::Control;
/// use escalade::markov::{Generator, hitting};
///
/// // A gambler with 1 of 3 coins, up at 1 and down at 2.
/// let q = Generator::sparse(4, vec![(1, 0, 2.0), (1, 2, 1.0), (2, 1, 2.0), (2, 3, 1.0)], &|i| i.to_string())?;
/// let p = hitting::probability(&q, &[false, false, false, true], None, &Control::default())?;
/// assert!((p.values[1] - 1.0 / 7.0).abs() < 1e-15);
/// # Ok::<(), escalade::ground::Error>(())
/// ```
pub fn probability(
    generator: &Generator,
    target: &[bool],
    within: Option<&[bool]>,
    control: &Control,
) -> Result<Solved> {
    let sets: Vec<&[bool]> = [target].into_iter().chain(within).collect();
    check(generator, &sets, &[])?;
    let fate = fate(generator, target, within);
    let n = generator.len();
    let inner: Vec<usize> = (0..n).filter(|&i| fate.may[i] && !fate.surely[i]).collect();
    let b: Vec<f64> = inner
        .iter()
        .map(|&i| {
            let mut rate_in = 0.0;
            generator.row(i, |j, rate| rate_in += if fate.surely[j] { rate } else { 0.0 });
            rate_in
        })
        .collect();
    let solver = Solver::new(generator, &inner, 0.0, false, control)?;
    let mut solved = solver.solve(&b, false, None, control)?;
    if solved.values.iter().any(|p| *p < SMALL) {
        solved = solver.solve_each(&b, control)?;
    }
    let mut values: Vec<f64> = fate.surely.iter().map(|&surely| f64::from(u8::from(surely))).collect();
    inner.iter().zip(&solved.values).for_each(|(&i, p)| values[i] = p.min(1.0));
    solved.values = values;
    Ok(solved)
}

/// E[∫ r(X_s) ds until `target`] from every rung; infinite where the target may never be reached. Rewards are 0 or more;
/// with 1 everywhere it is the mean hitting time.
///
/// # Errors
/// As [`probability`], and rewards that are negative or not finite.
///
/// # Complexity
/// As [`probability`].
pub fn gathered(generator: &Generator, target: &[bool], rewards: &[f64], control: &Control) -> Result<Solved> {
    check(generator, &[target], rewards)?;
    let fate = fate(generator, target, None);
    let inner: Vec<usize> = (0..generator.len()).filter(|&i| fate.surely[i] && !target[i]).collect();
    let b: Vec<f64> = inner.iter().map(|&i| rewards[i]).collect();
    let tried = Solver::new(generator, &inner, 0.0, false, control)?.solve(&b, false, None, control);
    let mut solved = match tried {
        Ok(solved) if solved.residual <= RARE => solved,
        Ok(_) | Err(Error::NotConverged { .. }) => by_hub(generator, &inner, target, &b, control)?,
        Err(error) => return Err(error),
    };
    let mut values: Vec<f64> = fate.surely.iter().map(|&sure| if sure { 0.0 } else { f64::INFINITY }).collect();
    inner.iter().zip(&solved.values).for_each(|(&i, x)| values[i] = *x);
    solved.values = values;
    Ok(solved)
}

/// What is gathered until a target so rare that rounding hides it: in rounds from a hub, the rung that is likeliest after a
/// while, back to it. With u = P(target before the hub) and v what is gathered until either, it is v + (1 − u) v'/u', primes
/// for a round from the hub. Both systems are far from singular, and u is made accurate in each entry.
fn by_hub(
    generator: &Generator,
    inner: &[usize],
    target: &[bool],
    rewards: &[f64],
    control: &Control,
) -> Result<Solved> {
    let mut start = vec![0.0; generator.len()];
    inner.iter().for_each(|&i| start[i] = 1.0 / inner.len() as f64);
    let fastest = inner.iter().map(|&i| generator.exit()[i]).fold(0.0, f64::max);
    let law = super::transient::law(generator, &start, &[200.0 / fastest], control)?;
    let hub = (0..inner.len()).max_by(|&a, &b| law[inner[a]].total_cmp(&law[inner[b]])).unwrap_or(0);
    let others: Vec<usize> = inner.iter().copied().filter(|&i| i != inner[hub]).collect();
    let solver = Solver::new(generator, &others, 0.0, false, control)?;
    let b: Vec<f64> = others
        .iter()
        .map(|&i| {
            let mut rate_in = 0.0;
            generator.row(i, |j, rate| rate_in += if target[j] { rate } else { 0.0 });
            rate_in
        })
        .collect();
    let u = solver.solve_each(&b, control)?;
    let own: Vec<f64> = (0..inner.len()).filter(|&k| k != hub).map(|k| rewards[k]).collect();
    let v = solver.solve(&own, false, None, control)?;
    let mut place = vec![usize::MAX; generator.len()];
    others.iter().enumerate().for_each(|(k, &i)| place[i] = k);
    let (mut once, mut gain) = (0.0, rewards[hub]);
    generator.row(inner[hub], |j, rate| {
        if target[j] {
            once += rate;
        } else if place[j] != usize::MAX {
            once += rate * u.values[place[j]];
            gain += rate * v.values[place[j]];
        }
    });
    let round = gain / once;
    let mut values: Vec<f64> = v.values.iter().zip(&u.values).map(|(v, u)| v + (1.0 - u.min(1.0)) * round).collect();
    values.insert(hub, round);
    Ok(Solved { values, iterations: u.iterations + v.iterations, residual: u.residual.max(v.residual) })
}

/// E[T^k] of the time T to `target` from every rung, k = `order`; infinite where it may never be reached.
///
/// m_k = k (D − R)⁻¹ m_{k−1}, all of one sign.
///
/// # Errors
/// As [`probability`].
pub fn moment(generator: &Generator, target: &[bool], order: u32, control: &Control) -> Result<Solved> {
    let mut solved = Solved { values: vec![1.0; generator.len()], iterations: 0, residual: 0.0 };
    for k in 1..=order {
        let finite = solved.values.iter().map(|x| if x.is_finite() { f64::from(k) * x } else { 0.0 });
        let next = gathered(generator, target, &finite.collect::<Vec<f64>>(), control)?;
        solved = next.after(&solved);
    }
    Ok(solved)
}

/// Var T of the time T to `target` from every rung; infinite where it may never be reached.
///
/// t + m(X_t), m the mean time left, is a martingale, so the variance is what is gathered of Σ_j q_ij (m_j − m_i)²: nothing
/// large is subtracted from what is large.
///
/// # Errors
/// As [`probability`].
pub fn variance(generator: &Generator, target: &[bool], control: &Control) -> Result<Solved> {
    let mean = moment(generator, target, 1, control)?;
    let finite = |i: usize| mean.values[i].is_finite() && !target[i];
    let jumps = |i: usize| if finite(i) { squared_jumps(generator, i, &mean.values, |_| 1.0) } else { 0.0 };
    let rewards: Vec<f64> = (0..generator.len()).map(jumps).collect();
    Ok(gathered(generator, target, &rewards, control)?.after(&mean))
}

/// Σ_j q_ij w_j (x_j − x_i)² over the rungs of positive weight.
fn squared_jumps(generator: &Generator, i: usize, x: &[f64], weight: impl Fn(usize) -> f64) -> f64 {
    let mut sum = 0.0;
    generator.row(i, |j, rate| sum += if weight(j) > 0.0 { rate * weight(j) * (x[j] - x[i]).powi(2) } else { 0.0 });
    sum
}

/// E[T^k | `target` is reached] from every rung; NaN where it cannot be.
///
/// # Errors
/// As [`probability`].
pub fn moment_if_reached(generator: &Generator, target: &[bool], order: u32, control: &Control) -> Result<Solved> {
    let reached = probability(generator, target, None, control)?;
    let (inner, solver) = likely(generator, target, &reached.values, control)?;
    let (mut iterations, mut residual) = (reached.iterations, reached.residual);
    let mut b: Vec<f64> = inner.iter().map(|&i| reached.values[i]).collect();
    for k in 1..=order {
        let solved = solver.solve(&b, false, None, control)?;
        (iterations, residual) = (iterations + solved.iterations, f64::max(residual, solved.residual));
        b = solved.values.iter().map(|x| f64::from(k) * x).collect();
    }
    let at_once = if order == 0 { 1.0 } else { 0.0 };
    let mut values: Vec<f64> = target.iter().map(|&target| if target { at_once } else { f64::NAN }).collect();
    inner.iter().zip(&b).for_each(|(&i, x)| values[i] = x / reached.values[i]);
    Ok(Solved { values, iterations, residual })
}

/// Var(T | `target` is reached) from every rung; NaN where it cannot be. As [`variance`], on the chain that will reach it,
/// whose rates are q_ij h_j/h_i (Doob), h the probability.
///
/// # Errors
/// As [`probability`].
pub fn variance_if_reached(generator: &Generator, target: &[bool], control: &Control) -> Result<Solved> {
    let reached = probability(generator, target, None, control)?.values;
    let mean = moment_if_reached(generator, target, 1, control)?;
    let (inner, solver) = likely(generator, target, &reached, control)?;
    let jumps = inner.iter().map(|&i| squared_jumps(generator, i, &mean.values, |j| reached[j]));
    let solved = solver.solve(&jumps.collect::<Vec<f64>>(), false, None, control)?;
    let mut values: Vec<f64> = target.iter().map(|&target| if target { 0.0 } else { f64::NAN }).collect();
    inner.iter().zip(&solved.values).for_each(|(&i, x)| values[i] = x / reached[i]);
    Ok(Solved { values, ..solved }.after(&mean))
}

/// The rungs from which the target may be reached, but for its own, and their system.
fn likely<'g>(
    generator: &'g Generator,
    target: &[bool],
    reached: &[f64],
    control: &Control,
) -> Result<(Vec<usize>, Solver<'g>)> {
    let inner: Vec<usize> = (0..generator.len()).filter(|&i| reached[i] > 0.0 && !target[i]).collect();
    let solver = Solver::new(generator, &inner, 0.0, false, control)?;
    Ok((inner, solver))
}

/// P(`target` is ever reached), E[T; it is] and E[T²; it is] from every rung, T the time that it takes.
///
/// With A the rates out of the rungs on the way less those among them, A m₁ = p and A m₂ = 2 m₁.
///
/// # Errors
/// As [`probability`].
pub fn moments_if_reached(generator: &Generator, target: &[bool], control: &Control) -> Result<[Vec<f64>; 3]> {
    let reached = probability(generator, target, None, control)?.values;
    let (mut once, mut twice) = (vec![0.0; generator.len()], vec![0.0; generator.len()]);
    if (0..generator.len()).any(|i| reached[i] > 0.0 && !target[i]) {
        let (inner, solver) = likely(generator, target, &reached, control)?;
        let first: Vec<f64> = inner.iter().map(|&i| reached[i]).collect();
        let first = solver.solve(&first, false, None, control)?.values;
        let second: Vec<f64> = first.iter().map(|x| 2.0 * x).collect();
        let second = solver.solve(&second, false, None, control)?.values;
        for (k, &i) in inner.iter().enumerate() {
            (once[i], twice[i]) = (first[k], second[k]);
        }
    }
    Ok([reached, once, twice])
}

/// E[∫ e^{−δs} r(X_s) ds] over all time from every rung, δ > 0 per unit of time.
///
/// # Errors
/// As [`gathered`], and a discount that is not positive.
pub fn discounted(generator: &Generator, rewards: &[f64], discount: f64, control: &Control) -> Result<Solved> {
    check(generator, &[], rewards)?;
    if !discount.is_finite() || discount <= 0.0 {
        return Err(wrong(format!("the discount is {discount}; expected a finite number above 0")));
    }
    let all: Vec<usize> = (0..generator.len()).collect();
    Solver::new(generator, &all, discount, false, control)?.solve(rewards, false, None, control)
}
