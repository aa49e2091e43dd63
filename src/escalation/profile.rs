//! Profile intervals: one number held at a value, the others climbing anew (Venzon and Moolgavkar 1988).
//!
//! The interval holds the values at which twice what the height falls by stays below a quantile of χ² with one degree of
//! freedom. Ends are found as roots of √(2 · fall) − √quantile, which is straight where the top is a parabola. Where the
//! height never falls so far, the end is open: 0 or infinity, a probability's 0 or 1.

use super::climb::{Height, climb_near, too_far};
use super::parameter::{Kind, Parameters};
use super::theta::Number;
use crate::ground::{Control, Error, Result};
use argmin::core::{CostFunction, Executor, State};
use argmin::solver::brent::BrentRoot;
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::sync::Mutex;

/// How far, in logarithms (logits of a probability; a ratio's over its covariate's standard deviation), an end is looked for:
/// beyond e^30 times the estimate it is open.
const OPEN: f64 = 30.0;
/// The longest standard error, in the same units, that is believed: beyond, nothing is known.
const LOOSE: f64 = 3.0;
/// Accuracy of an end, in standard errors.
const ACCURACY: f64 = 1e-4;
/// What stands for a height where there is none, in roots of twice the fall.
const NOWHERE: f64 = 10.0;
/// A height above the top's by this much says that the top is none.
const HIGHER: f64 = 1e-3;

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// One coordinate of θ: a logarithm.
    Coordinate(usize),
    /// One coordinate of θ: the number itself.
    Line(usize),
    /// A probability of a row of `width` + 1 entries that are not 0, whose logits begin at coordinate `first`.
    Entry { first: usize, width: usize, entry: usize },
}

/// What a profiled number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A positive number: a rate is per day.
    Positive(Kind),
    Probability,
    /// A number on the whole line.
    Real,
}

impl What {
    /// Whether it is per day.
    pub fn is_rate(self) -> bool {
        matches!(self, What::Positive(kind) if kind.is_rate())
    }
}

/// A number that can be profiled, by its reader's name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub name: String,
    pub held: Held,
    pub kind: What,
}

/// A profile: heights along one number, and where they have fallen too far.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub name: String,
    pub kind: What,
    /// The number at the top; numbers are intensities per day, factors, probabilities.
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
    /// (number, log density of the best of the rest), in ascending order.
    pub points: Vec<(f64, f64)>,
    /// The log density at the top.
    pub top: f64,
    /// The fall at the ends.
    pub fall: f64,
    /// A height above the top was met: the top is none.
    pub higher: bool,
}

/// Where the search begins.
#[derive(Debug, Clone)]
pub struct Summit<'a> {
    pub theta: &'a [f64],
    pub value: f64,
    pub information: DMatrix<f64>,
}

impl Parameters {
    /// Every free number by name: positives, then the entries of rows, then reals.
    pub fn named(&self) -> Vec<Named> {
        let owners = self.owners();
        let mut named: Vec<Named> = vec![];
        let mut k = 0;
        while k < owners.len() {
            match owners[k] {
                Number::Positive(p) => {
                    let positive = &self.positives[p];
                    let (name, kind) = (positive.name.clone(), What::Positive(positive.kind));
                    named.push(Named { name, held: Held::Coordinate(k), kind });
                    k += 1;
                }
                Number::Real(r) => {
                    let name = self.reals[r].name.clone();
                    named.push(Named { name, held: Held::Line(k), kind: What::Real });
                    k += 1;
                }
                Number::Row(r) => {
                    let row = &self.rows[r];
                    let support: Vec<usize> = (0..row.value.len()).filter(|&s| row.value[s] > 0.0).collect();
                    let (first, width) = (k, support.len() - 1);
                    named.extend(support.iter().enumerate().map(|(entry, &s)| Named {
                        name: format!("{}: {}", row.name, row.states[s]),
                        held: Held::Entry { first, width, entry },
                        kind: What::Probability,
                    }));
                    k += width;
                }
            }
        }
        named
    }
}

impl Parameters {
    /// The numbers with these names; all where none is named.
    ///
    /// # Errors
    /// `Spec` for a name that there is none of.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<Named>> {
        let all = self.named();
        let find = |name: &String| {
            let known: Vec<&str> = all.iter().map(|named| named.name.as_str()).collect();
            let message = || format!("there is no free number '{name}'; known are {}", known.join(", "));
            let found = all.iter().find(|named| named.name == *name);
            found.cloned().ok_or_else(|| Error::spec("profile", "profile", message()))
        };
        if names.is_empty() { Ok(all.clone()) } else { names.iter().map(find).collect() }
    }
}

impl Profile {
    /// The same in another unit.
    pub fn scale(&mut self, by: f64) {
        [&mut self.estimate, &mut self.low, &mut self.high].into_iter().for_each(|x| *x *= by);
        self.points.iter_mut().for_each(|(x, _)| *x *= by);
    }
}

impl Held {
    /// What is held, and the rest, of θ.
    fn apart(self, theta: &[f64]) -> (f64, Vec<f64>) {
        match self {
            Held::Coordinate(k) | Held::Line(k) => {
                (theta[k], theta.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, x)| *x).collect())
            }
            Held::Entry { first, width, entry } => {
                let logits = |j: usize| if j == width { 0.0 } else { theta[first + j] };
                let others: Vec<f64> = (0..=width).filter(|&j| j != entry).map(logits).collect();
                let held = logits(entry) - log_sum(&others);
                let mut rest: Vec<f64> = theta[..first].iter().chain(&theta[first + width..]).copied().collect();
                rest.extend(others[1..].iter().map(|x| x - others[0]));
                (held, rest)
            }
        }
    }

    /// θ of what is held and the rest.
    fn whole(self, held: f64, rest: &[f64]) -> Vec<f64> {
        match self {
            Held::Coordinate(k) | Held::Line(k) => rest[..k].iter().chain([&held]).chain(&rest[k..]).copied().collect(),
            Held::Entry { first, width, entry } => {
                let (outside, inside) = rest.split_at(rest.len() + 1 - width);
                let mut logs: Vec<f64> = std::iter::once(0.0).chain(inside.iter().copied()).collect();
                logs.insert(entry, held + log_sum(&logs));
                let row = logs[..width].iter().map(|x| x - logs[width]);
                outside[..first].iter().copied().chain(row).chain(outside[first..].iter().copied()).collect()
            }
        }
    }

    /// The gradient in the rest, of one in θ.
    fn pull(self, gradient: &[f64], rest: &[f64]) -> Vec<f64> {
        match self {
            Held::Coordinate(k) | Held::Line(k) => {
                gradient.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, g)| *g).collect()
            }
            Held::Entry { first, width, entry } => {
                let (_, inside) = rest.split_at(rest.len() + 1 - width);
                let logs: Vec<f64> = std::iter::once(0.0).chain(inside.iter().copied()).collect();
                let total = log_sum(&logs);
                let mut own = gradient[first..first + width].to_vec();
                own.push(-own.iter().sum::<f64>());
                let held = own.remove(entry);
                let mut out: Vec<f64> = gradient[..first].iter().chain(&gradient[first + width..]).copied().collect();
                out.extend((1..logs.len()).map(|m| own[m] + held * (logs[m] - total).exp()));
                out
            }
        }
    }

    /// The number at θ.
    pub fn of(self, theta: &[f64]) -> f64 {
        self.number(self.apart(theta).0)
    }

    /// What is held of θ.
    pub fn place(self, theta: &[f64]) -> f64 {
        self.apart(theta).0
    }

    /// θ with another value of what is held; the other entries of a row keep their proportions.
    pub fn moved(self, theta: &[f64], held: f64) -> Vec<f64> {
        self.whole(held, &self.apart(theta).1)
    }

    /// The number a held value stands for.
    pub fn number(self, held: f64) -> f64 {
        match self {
            Held::Coordinate(_) => held.exp(),
            Held::Line(_) => held,
            Held::Entry { .. } => 1.0 / (1.0 + (-held).exp()),
        }
    }
}

fn log_sum(logs: &[f64]) -> f64 {
    let top = logs.iter().fold(f64::NEG_INFINITY, |top: f64, x| top.max(*x));
    top + logs.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
}

/// The density over the rest, one number held.
struct Rest<'a, H> {
    of: &'a H,
    held: Held,
    at: f64,
}

impl<H: Height> Height for Rest<'_, H> {
    type Base = ();
    const LOCAL: bool = false;

    fn at(&self, rest: &[f64], _: Option<&()>) -> Result<(f64, Vec<f64>, ())> {
        let (value, gradient, _) = self.of.at(&self.held.whole(self.at, rest), None)?;
        Ok((value, self.held.pull(&gradient, rest), ()))
    }

    fn units(&self) -> Vec<f64> {
        let units = self.of.units();
        match self.held {
            Held::Coordinate(k) | Held::Line(k) => {
                units.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, u)| *u).collect()
            }
            Held::Entry { first, width, .. } => {
                let outside = units[..first].iter().chain(&units[first + width..]);
                outside.chain(&units[first + 1..first + width]).copied().collect()
            }
        }
    }
}

/// What is known of a number's ridge: how the rest moves with it, and its curvature in the rest.
struct Ridge<'a, H> {
    of: &'a H,
    held: Held,
    centre: f64,
    top: f64,
    /// Movement of the rest for a step of what is held.
    tangent: Vec<f64>,
    information: DMatrix<f64>,
    error: f64,
    unit: f64,
    quantile: f64,
    control: &'a Control,
    /// Where the rest was best: (held, rest), the points with heights, and whether one is above the top.
    walked: Mutex<Walked>,
}

#[derive(Default)]
struct Walked {
    last: Option<(f64, Vec<f64>)>,
    points: Vec<(f64, f64)>,
}

impl<H: Height> Ridge<'_, H> {
    /// √(2 · fall) − √quantile where the number is held.
    fn depth(&self, held: f64) -> Result<f64> {
        self.control.check()?;
        let lost = || Error::NotConverged { message: "the profile's memory is locked".into() };
        let last = self.walked.lock().map_err(|_| lost())?.last.clone();
        let (from, rest) = last.ok_or_else(lost)?;
        let ahead = |share: f64| -> Vec<f64> {
            rest.iter().zip(&self.tangent).map(|(x, t)| x + share * t * (held - from)).collect()
        };
        let over = Rest { of: self.of, held: self.held, at: held };
        let mut reached = climb_near(&over, &ahead(1.0), &self.information, self.control);
        if reached.as_ref().is_err_and(too_far) {
            reached = climb_near(&over, &ahead(0.0), &self.information, self.control);
        }
        match reached {
            Ok((rest, height)) => {
                let mut walked = self.walked.lock().map_err(|_| lost())?;
                walked.last = Some((held, rest));
                walked.points.push((held, height));
                Ok((2.0 * (self.top - height).max(0.0)).sqrt() - self.quantile.sqrt())
            }
            Err(error) if too_far(&error) => Ok(NOWHERE),
            Err(error) => Err(error),
        }
    }

    /// The end on one side (`sign` −1 or 1), `steps` points on the way; infinite where it is open.
    fn end(&self, sign: f64, steps: usize) -> Result<f64> {
        let far = OPEN * self.unit;
        let stride = self.quantile.sqrt() * self.error / steps as f64;
        let (mut inside, mut step) = (self.centre, stride);
        for taken in 1.. {
            let next = inside + sign * step;
            if self.depth(next)? >= 0.0 {
                return self.root(inside, next);
            }
            if (next - self.centre).abs() >= far {
                return Ok(sign * f64::INFINITY);
            }
            inside = next;
            if taken >= steps {
                step *= 2.0;
            }
        }
        Ok(f64::NAN)
    }

    fn root(&self, inside: f64, outside: f64) -> Result<f64> {
        let solver = BrentRoot::new(inside, outside, ACCURACY * self.error);
        let run = Executor::new(Depth { ridge: self }, solver)
            .configure(|state| state.max_iters(100))
            .ctrlc(false)
            .timer(false)
            .run();
        match run {
            Ok(done) => done
                .state()
                .get_best_param()
                .copied()
                .ok_or_else(|| Error::NotConverged { message: "the end of a profile was not found".into() }),
            Err(error) => Err(match error.downcast::<Error>() {
                Ok(own) => own,
                Err(other) => Error::NotConverged { message: format!("the end of a profile was not found: {other}") },
            }),
        }
    }
}

/// A ridge's depth for argmin, which keeps a problem to itself.
struct Depth<'a, 'b, H> {
    ridge: &'a Ridge<'b, H>,
}

impl<H: Height> CostFunction for Depth<'_, '_, H> {
    type Param = f64;
    type Output = f64;

    fn cost(&self, held: &f64) -> std::result::Result<f64, argmin::core::Error> {
        Ok(self.ridge.depth(*held)?)
    }
}

/// Profiles of some numbers at a level, with `steps` points from the top to each end.
///
/// # Errors
/// `Spec` for a level that is none; `Interrupted`; what the density refuses.
///
/// # Complexity
/// Some ten gradients for each point and for each step of the search for an end.
pub fn profiles<H: Height>(
    of: &H,
    summit: &Summit<'_>,
    named: &[Named],
    level: f64,
    steps: usize,
    control: &Control,
) -> Result<Vec<Profile>> {
    let quantile =
        ChiSquared::new(1.0).ok().filter(|_| level > 0.0 && level < 1.0).map(|law| law.inverse_cdf(level)).ok_or_else(
            || Error::spec("level", "level", format!("{level} is given; a number between 0 and 1 is expected")),
        )?;
    control.announce(2 * named.len());
    named.par_iter().map(|one| profile(of, summit, one, quantile, steps.max(1), control)).collect()
}

fn profile<H: Height>(
    of: &H,
    summit: &Summit<'_>,
    named: &Named,
    quantile: f64,
    steps: usize,
    control: &Control,
) -> Result<Profile> {
    let held = named.held;
    let (centre, rest) = held.apart(summit.theta);
    let width = summit.theta.len();
    // The Jacobian of θ in (rest, held), by differences of a map that is smooth and cheap.
    let small = 1e-6;
    let column = |j: usize, sign: f64| {
        let mut moved = rest.clone();
        let at = if j < rest.len() { centre } else { centre + sign * small };
        if j < rest.len() {
            moved[j] += sign * small;
        }
        held.whole(at, &moved)
    };
    let sides: Vec<(Vec<f64>, Vec<f64>)> = (0..width).map(|j| (column(j, 1.0), column(j, -1.0))).collect();
    let jacobian = DMatrix::from_fn(width, width, |i, j| (sides[j].0[i] - sides[j].1[i]) / (2.0 * small));
    let whole = jacobian.tr_mul(&(&summit.information * &jacobian));
    let n = rest.len();
    let information = whole.view((0, 0), (n, n)).into_owned();
    let across: DVector<f64> = whole.view((0, n), (n, 1)).column(0).into_owned();
    let solved = if n == 0 { None } else { information.clone().lu().solve(&across) };
    let solved = solved.filter(|x| x.iter().all(|x| x.is_finite()));
    let tangent: Vec<f64> = solved.map_or_else(|| vec![0.0; n], |x| x.iter().map(|x| -x).collect());
    let left = whole[(n, n)] + across.iter().zip(&tangent).map(|(a, t)| a * t).sum::<f64>();
    let unit = match held {
        Held::Coordinate(k) | Held::Line(k) => of.units()[k],
        Held::Entry { .. } => 1.0,
    };
    let error = if left > 0.0 { (1.0 / left.sqrt()).min(LOOSE * unit) } else { unit };
    let begin = || Walked { last: Some((centre, rest.clone())), points: vec![] };
    let ridge = Ridge {
        of,
        held,
        centre,
        top: summit.value,
        tangent,
        information,
        error,
        unit,
        quantile,
        control,
        walked: Mutex::new(begin()),
    };
    let mut ends = [0.0; 2];
    let mut points = vec![(centre, summit.value)];
    for (end, sign) in ends.iter_mut().zip([-1.0, 1.0]) {
        *end = ridge.end(sign, steps)?;
        control.tick();
        if let Ok(mut walked) = ridge.walked.lock() {
            points.append(&mut std::mem::replace(&mut *walked, begin()).points);
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let higher = points.iter().any(|(_, height)| *height > summit.value + HIGHER);
    Ok(Profile {
        name: named.name.clone(),
        kind: named.kind,
        estimate: held.number(centre),
        low: held.number(ends[0]),
        high: held.number(ends[1]),
        points: points.into_iter().map(|(at, height)| (held.number(at), height)).collect(),
        top: summit.value,
        fall: quantile / 2.0,
        higher,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_and_the_rest_make_up_the_whole() {
        let theta = [0.3, -1.0, 0.7, 2.0, -0.4];
        let gradient = [1.0, -2.0, 0.5, 0.25, 3.0];
        let holds = (0..=3).map(|entry| Held::Entry { first: 1, width: 3, entry });
        for held in holds.chain([Held::Coordinate(0), Held::Coordinate(4)]) {
            let (at, rest) = held.apart(&theta);
            let back = held.whole(at, &rest);
            assert!(theta.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-12), "{held:?}: {back:?}");
            let pulled = held.pull(&gradient, &rest);
            for k in 0..rest.len() {
                let side = |sign: f64| -> f64 {
                    let mut moved = rest.clone();
                    moved[k] += sign * 1e-6;
                    held.whole(at, &moved).iter().zip(&gradient).map(|(x, g)| x * g).sum()
                };
                assert!((pulled[k] - (side(1.0) - side(-1.0)) / 2e-6).abs() < 1e-8, "{held:?} {k}");
            }
        }
        let held = Held::Entry { first: 0, width: 1, entry: 1 };
        assert!((held.number(held.apart(&[1.0f64.ln()]).0) - 0.5).abs() < 1e-12);
    }
}
