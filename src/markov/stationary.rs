//! Where a chain is in the long run, what that owes to each rate, and where one that has not left a set of rungs is.

use super::elimination::{Elimination, band};
use super::generator::{Generator, hold, wrong};
use super::hitting::{Solved, Solver, restricted};
use super::transient;
use crate::ground::{Control, Error, Result};

/// Most multiplications that an elimination takes before an iteration is tried instead.
const DIRECT: f64 = 4e9;
/// Classes of so few rungs are always eliminated.
const FEW: usize = 1200;
/// How close the bounds of a decay rate come, relative to it.
const CLOSE: f64 = 1e-13;
/// Most steps of inverse iteration.
const STEPS: usize = 20_000;
/// Rungs that an error lists of a class.
const LISTED: usize = 6;

/// The law of a chain that stays in a set of rungs, and how fast it leaves it.
#[derive(Debug, Clone, PartialEq)]
pub struct QuasiStationary {
    /// P(at i | not left yet), after a long time; 0 outside the set.
    pub law: Vec<f64>,
    /// How much likelier than on average (by `law`) one that starts at i stays for long; 0 outside the set.
    pub profile: Vec<f64>,
    /// Rate of leaving, per unit of time: the mean time until then, from `law`, is its inverse.
    pub rate: f64,
    /// Bounds of the rate (Collatz and Wielandt).
    pub low: f64,
    pub high: f64,
    pub iterations: usize,
}

/// The stationary law. Rungs that are left for good have exactly 0.
///
/// # Errors
/// Where it is not unique: the closed classes are named by `name`. `TooLarge`, `NotConverged`, `Interrupted`.
///
/// # Complexity
/// O(m band²) for the elimination of Grassmann, Taksar and Heyman, every entry to rounding; beyond 4e9, iterations.
pub fn stationary(generator: &Generator, name: &dyn Fn(usize) -> String, control: &Control) -> Result<Solved> {
    let closed = generator.links().closed();
    if closed.len() != 1 {
        let classes: Vec<String> = closed.iter().take(LISTED).map(|members| listed(members, name)).collect();
        let more = if closed.len() > LISTED { ", …" } else { "" };
        return Err(wrong(format!(
            "the stationary law is not unique: there are {} closed classes, {}{more}; ask for the long run from a start",
            closed.len(),
            classes.join(", ")
        )));
    }
    let members = &closed[0];
    let mut solved = of_class(generator, members, control)?;
    let mut values = vec![0.0; generator.len()];
    members.iter().zip(&solved.values).for_each(|(&i, p)| values[i] = *p);
    solved.values = values;
    Ok(solved)
}

/// The potentials g of a reward at each rung in the long run: Q g = (π · reward) 1 − reward, 0 at the likeliest rung and at
/// rungs that are left for good. A move i → j changes π · reward by π_i (g_j − g_i) a unit of its rate.
///
/// `law` is the stationary one. P. J. Schweitzer 1968, J. Appl. Probability 5; X.-R. Cao and H.-F. Chen 1997, IEEE Trans.
/// Automatic Control 42(10).
///
/// # Errors
/// `TooLarge`, `NotConverged`, `Interrupted`.
pub fn potentials(generator: &Generator, law: &[f64], reward: &[f64], control: &Control) -> Result<Vec<f64>> {
    let mut potentials = vec![0.0; generator.len()];
    let Some(members) = generator.links().closed().into_iter().next() else { return Ok(potentials) };
    let hub = members.iter().copied().max_by(|&a, &b| law[a].total_cmp(&law[b]));
    let inner: Vec<usize> = members.into_iter().filter(|&i| Some(i) != hub).collect();
    if inner.is_empty() {
        return Ok(potentials);
    }
    let mean: f64 = law.iter().zip(reward).map(|(p, r)| p * r).sum();
    let above: Vec<f64> = inner.iter().map(|&i| reward[i] - mean).collect();
    let solved = Solver::new(generator, &inner, 0.0, false, control)?.solve(&above, false, None, control)?;
    inner.iter().zip(&solved.values).for_each(|(&i, g)| potentials[i] = *g);
    Ok(potentials)
}

/// Some rungs of a class by name.
pub fn listed(members: &[usize], name: &dyn Fn(usize) -> String) -> String {
    let names: Vec<String> = members.iter().take(LISTED).map(|&i| name(i)).collect();
    let more = if members.len() > LISTED { format!(" and {} more", members.len() - LISTED) } else { String::new() };
    format!("{{{}{more}}}", names.join(", "))
}

/// Bytes that the stationary law of m rungs takes whose moves reach so many rungs to either side, so many of them a rung.
pub fn bytes(m: f64, band: f64, moves: f64) -> f64 {
    match m <= FEW as f64 || m * band.powi(2) <= DIRECT {
        true => 8.0 * m * (2.0 * band + 1.0),
        false => m * (100.0 + 40.0 * moves),
    }
}

/// The stationary law within a closed class.
fn of_class(generator: &Generator, members: &[usize], control: &Control) -> Result<Solved> {
    let (rows, _) = restricted(generator, members, 0.0);
    let (m, band) = (members.len(), band(&rows));
    let bytes = 8.0 * m as f64 * (2.0 * band as f64 + 1.0);
    if (m <= FEW || m as f64 * (band as f64).powi(2) <= DIRECT) && hold(bytes, "").is_ok() {
        let values = Elimination::new(&rows, None, control)?.stationary();
        return Ok(Solved { values, iterations: 0, residual: 0.0 });
    }
    // Visits between two returns to a rung, the likeliest after a while: x (D − R) = rates out of it.
    let mut start = vec![0.0; generator.len()];
    members.iter().for_each(|&i| start[i] = 1.0 / m as f64);
    let fastest = members.iter().map(|&i| generator.exit()[i]).fold(0.0, f64::max);
    let law = transient::law(generator, &start, &[100.0 / fastest], control)?;
    let hub = members.iter().copied().max_by(|&a, &b| law[a].total_cmp(&law[b])).unwrap_or(members[0]);
    let inner: Vec<usize> = members.iter().copied().filter(|&i| i != hub).collect();
    let mut place = vec![usize::MAX; generator.len()];
    inner.iter().enumerate().for_each(|(k, &i)| place[i] = k);
    let mut b = vec![0.0; inner.len()];
    generator.row(hub, |j, rate| b[place[j]] = rate);
    let guess: Vec<f64> = inner.iter().map(|&i| law[i] / law[hub]).collect();
    let solved = Solver::new(generator, &inner, 0.0, true, control)?.solve(&b, true, Some(&guess), control)?;
    let sum = 1.0 + solved.values.iter().sum::<f64>();
    let of = |i: usize| if i == hub { 1.0 / sum } else { solved.values[place[i]] / sum };
    Ok(Solved { values: members.iter().map(|&i| of(i)).collect(), ..solved })
}

/// Where a chain that starts by the law `start` is in the long run; unique whatever the classes are.
///
/// # Errors
/// As [`stationary`], but for classes.
pub fn long_run(generator: &Generator, start: &[f64], control: &Control) -> Result<Solved> {
    let n = generator.len();
    if start.len() != n || start.iter().any(|p| !p.is_finite() || *p < 0.0) {
        return Err(wrong(format!("the start is no law over {n} rungs")));
    }
    let closed = generator.links().closed();
    let mut class = vec![usize::MAX; n];
    closed.iter().enumerate().for_each(|(c, members)| members.iter().for_each(|&i| class[i] = c));
    let inner: Vec<usize> = (0..n).filter(|&i| class[i] == usize::MAX).collect();
    let mut caught = vec![0.0; closed.len()];
    (0..n).filter(|&i| class[i] != usize::MAX).for_each(|i| caught[class[i]] += start[i]);
    let (mut iterations, mut residual) = (0, 0.0);
    if inner.iter().any(|&i| start[i] > 0.0) {
        let b: Vec<f64> = inner.iter().map(|&i| start[i]).collect();
        let visits = Solver::new(generator, &inner, 0.0, true, control)?.solve(&b, true, None, control)?;
        for (&i, time) in inner.iter().zip(&visits.values) {
            generator.row(i, |j, rate| {
                if class[j] != usize::MAX {
                    caught[class[j]] += time * rate;
                }
            });
        }
        (iterations, residual) = (visits.iterations, visits.residual);
    }
    let mut values = vec![0.0; n];
    for (members, p) in closed.iter().zip(&caught).filter(|(_, p)| **p > 0.0) {
        let own = of_class(generator, members, control)?;
        members.iter().zip(&own.values).for_each(|(&i, x)| values[i] = p * x);
        (iterations, residual) = (iterations + own.iterations, f64::max(residual, own.residual));
    }
    Ok(Solved { values, iterations, residual })
}

/// The quasi-stationary law of the rungs in `kept`, by inverse iteration on their part of the generator.
///
/// # Errors
/// A set that is empty, that nothing leaves, or whose rungs do not all lead to one another (its classes are named);
/// `NotConverged` where the rate's bounds stay apart, `TooLarge`, `Interrupted`.
///
/// # Complexity
/// One elimination, then two solutions an iteration; the distance to the limit shrinks by the ratio of the two smallest
/// rates at which parts of the set empty.
pub fn quasi_stationary(
    generator: &Generator,
    kept: &[bool],
    name: &dyn Fn(usize) -> String,
    control: &Control,
) -> Result<QuasiStationary> {
    let n = generator.len();
    if kept.len() != n || !kept.contains(&true) {
        return Err(wrong(format!("the set of rungs is empty, or does not have {n} entries")));
    }
    let inner: Vec<usize> = (0..n).filter(|&i| kept[i]).collect();
    let (rows, out) = restricted(generator, &inner, 0.0);
    let links = super::classes::Links { starts: rows.starts.clone(), to: rows.columns.clone() };
    let (class, classes) = links.classes();
    if classes != 1 {
        let mut members: Vec<Vec<usize>> = vec![vec![]; classes];
        class.iter().zip(&inner).for_each(|(&c, &i)| members[c].push(i));
        members.sort();
        let shown: Vec<String> = members.iter().take(LISTED).map(|members| listed(members, name)).collect();
        return Err(wrong(format!(
            "the rungs of the set do not all lead to one another: it has the classes {}; ask for one of them",
            shown.join(", ")
        )));
    }
    if out.iter().all(|rate| *rate == 0.0) {
        return Err(wrong("nothing leaves the set of rungs; its law is the stationary one".into()));
    }
    let (law, low, high, first) = perron(generator, &inner, true, control)?;
    let (mut profile, _, _, second) = perron(generator, &inner, false, control)?;
    let scale: f64 = law.iter().zip(&profile).map(|(a, b)| a * b).sum();
    profile.iter_mut().for_each(|x| *x /= scale);
    let rate = law.iter().zip(&out).map(|(p, out)| p * out).sum();
    let mut found =
        QuasiStationary { law: vec![0.0; n], profile: vec![0.0; n], rate, low, high, iterations: first + second };
    for (k, &i) in inner.iter().enumerate() {
        (found.law[i], found.profile[i]) = (law[k], profile[k]);
    }
    Ok(found)
}

/// The positive vector of the fastest decay, with its sum 1, and bounds of the rate.
fn perron(
    generator: &Generator,
    inner: &[usize],
    left: bool,
    control: &Control,
) -> Result<(Vec<f64>, f64, f64, usize)> {
    let m = inner.len();
    let solver = Solver::new(generator, inner, 0.0, left, control)?;
    let mut x = vec![1.0 / m as f64; m];
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut last = f64::INFINITY;
    for step in 1..=STEPS {
        control.check()?;
        let guess: Vec<f64> = if high.is_finite() { x.iter().map(|x| x / high).collect() } else { vec![0.0; m] };
        let next = solver.solve(&x, left, Some(&guess), control)?.values;
        let ratios = x.iter().zip(&next).filter(|(_, next)| **next > 0.0).map(|(x, next)| x / next);
        (low, high) = ratios.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), r| (low.min(r), high.max(r)));
        let sum: f64 = next.iter().sum();
        x = next.iter().map(|next| next / sum).collect();
        // Rounding keeps the bounds of very small entries apart: enough is what no longer shrinks.
        let gap = (high - low) / high;
        if gap <= CLOSE || (gap <= 1e-9 && gap >= last) {
            return Ok((x, low, high, step));
        }
        last = gap;
    }
    let message = format!("after {STEPS} steps the rate of leaving lies between {low:e} and {high:e}, no closer");
    Err(Error::NotConverged { message })
}
