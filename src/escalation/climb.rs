//! The top of a log density by L-BFGS and Newton steps on its exact gradient, and the curvature there.
//!
//! Dossiers and panels, their modes, profiles and starting points all climb here.

use crate::ground::{Control, Error, Result};
use argmin::core::{CostFunction, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;
use std::sync::Mutex;

/// Most L-BFGS iterations.
const ITERATIONS: u64 = 300;
/// Gradient norm, in standard errors, at which quasi-Newton steps end; Newton's take over.
const NEAR: f64 = 1e-3;
/// Gradient norm, in standard errors, at which the top is found.
pub const TOLERANCE: f64 = 1e-6;
/// Step of the differences of the gradient, in standard errors.
const STEP: f64 = 1e-3;
/// Least curvature that a direction is scaled by at the start.
const LEAST: f64 = 1e-2;
/// Most Newton steps.
const NEWTON: usize = 30;
/// A Newton step of so many standard errors asks for the curvature anew.
const FAR: f64 = 0.05;

/// A log density over unconstrained coordinates, with its exact gradient.
pub trait Height: Sync {
    /// What an evaluation leaves behind for those near it.
    type Base: Send + Sync;
    /// Whether, from a base, a step along one coordinate costs less than one along all.
    const LOCAL: bool;

    /// Value and gradient at θ, taking over from a base what has not changed.
    ///
    /// # Errors
    /// `Impossible` or `Diverged` where there is no finite value: a step too far.
    fn at(&self, theta: &[f64], base: Option<&Self::Base>) -> Result<(f64, Vec<f64>, Self::Base)>;

    /// A natural step of each coordinate.
    fn units(&self) -> Vec<f64>;

    /// What an evaluation costs, in any unit; 0 where it costs much the same everywhere.
    fn work(&self, _theta: &[f64]) -> f64 {
        0.0
    }
}

/// Where a log density is highest.
#[derive(Debug, Clone)]
pub struct Top {
    pub theta: Vec<f64>,
    pub value: f64,
    /// Minus the second derivatives there.
    pub information: DMatrix<f64>,
    /// Norm of the gradient in standard errors.
    pub gradient_norm: f64,
    pub iterations: u64,
    pub evaluations: u64,
}

#[derive(Clone)]
struct Point {
    z: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

/// Minus the log density over z, θ = start + root · z.
struct Objective<'a, H> {
    of: &'a H,
    start: &'a [f64],
    root: DMatrix<f64>,
    control: &'a Control,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The optimiser asks for cost and gradient one after the other.
    last: Option<Point>,
    /// The lowest point seen, for when a line search loses its way.
    best: Option<Point>,
    evaluations: u64,
}

/// Whether an error is a step too far, which a search learns from, rather than a reason to stop.
pub fn too_far(error: &Error) -> bool {
    matches!(error, Error::Diverged { .. } | Error::Impossible { .. })
}

impl<H: Height> Objective<'_, H> {
    fn theta(&self, z: &[f64]) -> Vec<f64> {
        let step = &self.root * DVector::from_column_slice(z);
        self.start.iter().zip(step.iter()).map(|(a, b)| a + b).collect()
    }

    fn at(&self, z: &[f64]) -> Result<Point> {
        let locked = || Error::NotConverged { message: "the optimiser's memory is locked".into() };
        if let Some(known) = self.state.lock().map_err(|_| locked())?.last.as_ref().filter(|known| known.z == z) {
            return Ok(known.clone());
        }
        self.control.tick();
        let point = match self.of.at(&self.theta(z), None) {
            Ok((value, gradient, _)) => {
                let gradient = self.root.tr_mul(&DVector::from_vec(gradient));
                Point { z: z.to_vec(), cost: -value, gradient: gradient.iter().map(|g| -g).collect() }
            }
            Err(error) if too_far(&error) => Point { z: z.to_vec(), cost: f64::INFINITY, gradient: vec![0.0; z.len()] },
            Err(error) => return Err(error),
        };
        let mut state = self.state.lock().map_err(|_| locked())?;
        state.evaluations += 1;
        state.last = Some(point.clone());
        if point.cost.is_finite() && state.best.as_ref().is_none_or(|best| point.cost < best.cost) {
            state.best = Some(point.clone());
        }
        Ok(point)
    }

    fn best(&self) -> Option<Point> {
        self.state.lock().ok().and_then(|state| state.best.clone())
    }

    fn evaluations(&self) -> u64 {
        self.state.lock().map_or(0, |state| state.evaluations)
    }
}

impl<H: Height> CostFunction for &Objective<'_, H> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, z: &Self::Param) -> std::result::Result<f64, argmin::core::Error> {
        Ok(self.at(z)?.cost)
    }
}

impl<H: Height> Gradient for &Objective<'_, H> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, z: &Self::Param) -> std::result::Result<Vec<f64>, argmin::core::Error> {
        Ok(self.at(z)?.gradient)
    }
}

/// Euclidean length.
pub fn norm(gradient: &[f64]) -> f64 {
    gradient.iter().map(|g| g * g).sum::<f64>().sqrt()
}

fn symmetric(raw: &DMatrix<f64>) -> DMatrix<f64> {
    (raw + raw.transpose()) * 0.5
}

/// Minus the second derivatives at θ, roughly: differences of the gradient ahead, along the coordinates.
fn rough<H: Height>(of: &H, theta: &[f64], units: &[f64], control: &Control) -> Result<DMatrix<f64>> {
    let (_, gradient, base) = of.at(theta, None)?;
    let column = |k: usize| -> Result<Vec<f64>> {
        control.tick();
        let mut moved = theta.to_vec();
        moved[k] += STEP * units[k];
        match of.at(&moved, Some(&base)) {
            Ok((_, ahead, _)) => Ok(gradient.iter().zip(&ahead).map(|(g, a)| (g - a) / (STEP * units[k])).collect()),
            // At the edge of what is possible nothing is known of this coordinate.
            Err(error) if too_far(&error) => Ok(vec![0.0; theta.len()]),
            Err(error) => Err(error),
        }
    };
    let columns: Vec<Vec<f64>> = (0..theta.len()).into_par_iter().map(column).collect::<Result<_>>()?;
    Ok(symmetric(&DMatrix::from_fn(theta.len(), theta.len(), |i, j| columns[j][i])))
}

/// Minus the second derivatives in z at θ, by central differences of the gradient: `steps` along the coordinates where that
/// is cheaper, else along the columns of `root`.
fn curvature<H: Height>(
    of: &H,
    theta: &[f64],
    root: &DMatrix<f64>,
    steps: &[f64],
    control: &Control,
) -> Result<DMatrix<f64>> {
    let width = theta.len();
    let base = if H::LOCAL { Some(of.at(theta, None)?.2) } else { None };
    let along = |k: usize| -> Result<Vec<f64>> {
        let side = |sign: f64| -> Result<Vec<f64>> {
            control.tick();
            let move_by = |j: usize| match H::LOCAL {
                true => f64::from(u8::from(j == k)),
                false => root[(j, k)],
            };
            let moved: Vec<f64> = (0..width).map(|j| theta[j] + sign * steps[k] * move_by(j)).collect();
            Ok(of.at(&moved, base.as_ref())?.1)
        };
        let (ahead, behind) = (side(1.0)?, side(-1.0)?);
        Ok(ahead.iter().zip(&behind).map(|(a, b)| (b - a) / (2.0 * steps[k])).collect())
    };
    let columns: Vec<Vec<f64>> = (0..width).into_par_iter().map(along).collect::<Result<_>>()?;
    let raw = root.tr_mul(&DMatrix::from_fn(width, width, |i, j| columns[j][i]));
    Ok(symmetric(&if H::LOCAL { raw * root } else { raw }))
}

/// A root of the inverse of |information|, with curvatures below `least` taken as that.
fn scaling(information: &DMatrix<f64>, least: f64) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(information.clone());
    let mut root = eigen.eigenvectors;
    for (k, value) in eigen.eigenvalues.iter().enumerate() {
        root.column_mut(k).scale_mut(1.0 / value.abs().max(least).sqrt());
    }
    root
}

/// Climbs from `start`.
///
/// # Errors
/// What the density refuses at the start; `Interrupted`.
pub fn climb<H: Height>(of: &H, start: &[f64], control: &Control) -> Result<Top> {
    let width = start.len();
    if width == 0 {
        let information = DMatrix::zeros(0, 0);
        let value = of.at(start, None)?.0;
        return Ok(Top { theta: vec![], value, information, gradient_norm: 0.0, iterations: 0, evaluations: 1 });
    }
    let units = of.units();
    let (root, steps) = match H::LOCAL {
        true => soft(of, start, &units)?,
        false => bent(of, start, &units, control)?,
    };
    let objective = Objective { of, start, root, control, state: Mutex::default() };
    let mut evaluations = 1 + if H::LOCAL { 0 } else { width as u64 };
    let (z, mut iterations) = descend(&objective)?;
    let mut here = objective.at(&z)?;
    let curved = |point: &Point| curvature(of, &objective.theta(&point.z), &objective.root, &steps, control);
    let mut information = curved(&here)?;
    evaluations += 2 * width as u64;
    let mut last = here.z.clone();
    for _ in 0..NEWTON {
        control.check()?;
        if newton_norm(&information, &here.gradient) <= TOLERANCE {
            break;
        }
        let Some(next) = newton(&objective, &here, &information)? else { break };
        here = next;
        iterations += 1;
        if here.z.iter().zip(&last).any(|(a, b)| (a - b).abs() > FAR) {
            last.clone_from(&here.z);
            information = curved(&here)?;
            evaluations += 2 * width as u64;
        }
    }
    // Back to θ: information_z = rootᵀ I root.
    let inverse = objective.root.clone().lu().solve(&DMatrix::identity(width, width));
    let inverse = inverse.unwrap_or_else(|| DMatrix::zeros(width, width));
    Ok(Top {
        theta: objective.theta(&here.z),
        value: -here.cost,
        gradient_norm: newton_norm(&information, &here.gradient),
        information: symmetric(&(inverse.transpose() * information * inverse)),
        iterations,
        evaluations: evaluations + objective.evaluations(),
    })
}

/// Climbs from a place near the top, of which the curvature is known about: where it ends, and the value there, right to
/// some [`NEAR`]² / 2.
///
/// # Errors
/// What the density refuses at the start; `Interrupted`.
pub fn climb_near<H: Height>(
    of: &H,
    start: &[f64],
    information: &DMatrix<f64>,
    control: &Control,
) -> Result<(Vec<f64>, f64)> {
    if start.is_empty() {
        return Ok((vec![], of.at(start, None)?.0));
    }
    let units = DMatrix::from_diagonal(&DVector::from_vec(of.units()));
    let root = &units * scaling(&(&units * information * &units), LEAST);
    let objective = Objective { of, start, root, control, state: Mutex::default() };
    if !objective.at(&vec![0.0; start.len()])?.cost.is_finite() {
        return Err(Error::Diverged { message: "the climb begins where there is no finite value".into() });
    }
    let (z, _) = descend(&objective)?;
    let here = objective.at(&z)?;
    Ok((objective.theta(&here.z), -here.cost))
}

/// A root and steps along its columns, from the curvature at the start.
fn bent<H: Height>(of: &H, start: &[f64], units: &[f64], control: &Control) -> Result<(DMatrix<f64>, Vec<f64>)> {
    let diagonal = DMatrix::from_diagonal(&DVector::from_column_slice(units));
    let information = &diagonal * rough(of, start, units, control)? * &diagonal;
    Ok((&diagonal * scaling(&information, LEAST), vec![STEP; start.len()]))
}

/// A root and steps along the coordinates, from the gradient at the start alone: where n events pull, the curvature is
/// about n too. It moves no coordinate by more than a unit at first, and costs nothing where the units are of priors.
fn soft<H: Height>(of: &H, start: &[f64], units: &[f64]) -> Result<(DMatrix<f64>, Vec<f64>)> {
    let gradient = of.at(start, None)?.1;
    let scale: Vec<f64> = units.iter().zip(&gradient).map(|(u, g)| u / (1.0 + (g * u).abs()).sqrt()).collect();
    let steps = scale.iter().map(|scale| STEP * scale).collect();
    Ok((DMatrix::from_diagonal(&DVector::from_vec(scale)), steps))
}

/// L-BFGS until Newton's method can take over: where it ends, and after how many iterations.
fn descend<H: Height>(objective: &Objective<'_, H>) -> Result<(Vec<f64>, u64)> {
    let mut z = vec![0.0; objective.start.len()];
    let mut iterations = 0;
    // A line search that ends in noise is started afresh from where it got to.
    for _ in 0..3 {
        let before = objective.at(&z)?;
        if norm(&before.gradient) <= NEAR {
            break;
        }
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), 10)
            .with_tolerance_grad(NEAR)
            .and_then(|solver| solver.with_tolerance_cost(1e-13))
            .map_err(|error| Error::NotConverged { message: error.to_string() })?;
        let from = z.clone();
        let run = Executor::new(objective, solver)
            .configure(|state| state.param(from).max_iters(ITERATIONS))
            .ctrlc(false)
            .timer(false)
            .run();
        objective.control.check()?;
        match run {
            Ok(done) => iterations += argmin::core::State::get_iter(done.state()),
            Err(error) => match error.downcast::<Error>() {
                Ok(own) if !too_far(&own) && !matches!(own, Error::NotConverged { .. }) => return Err(own),
                // The line search lost its way.
                _ => {}
            },
        }
        match objective.best() {
            Some(best) if best.cost < before.cost => z = best.z,
            _ => break,
        }
    }
    Ok((z, iterations))
}

/// √(gᵀ I⁻¹ g), directions of no curvature at their own scale.
fn newton_norm(information: &DMatrix<f64>, gradient: &[f64]) -> f64 {
    norm(scaling(information, LEAST).tr_mul(&DVector::from_column_slice(gradient)).as_slice())
}

/// A damped Newton step downhill (Levenberg's ridge where the curvature is not definite), if there is one.
fn newton<H: Height>(objective: &Objective<'_, H>, here: &Point, information: &DMatrix<f64>) -> Result<Option<Point>> {
    let width = here.z.len();
    let mut ridge = 0.0;
    for _ in 0..12 {
        if let Some(cholesky) = Cholesky::new(information + DMatrix::identity(width, width) * ridge) {
            let step = cholesky.solve(&DVector::from_column_slice(&here.gradient));
            let next: Vec<f64> = here.z.iter().zip(step.iter()).map(|(z, s)| z - s).collect();
            if next.iter().all(|z| z.is_finite()) {
                let ahead = objective.at(&next)?;
                let flatter =
                    norm(&ahead.gradient) < norm(&here.gradient) && ahead.cost <= here.cost + 1e-9 * here.cost.abs();
                if ahead.cost < here.cost || flatter {
                    return Ok(Some(ahead));
                }
            }
        }
        ridge = if ridge == 0.0 { 1e-3 } else { ridge * 10.0 };
    }
    Ok(None)
}
