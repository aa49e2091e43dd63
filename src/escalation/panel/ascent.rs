//! The top of a smooth function by L-BFGS and Newton steps on its exact gradient, and the curvature there.

use crate::ground::{Control, Error, Result};
use argmin::core::{CostFunction, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};
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

/// Where a function is highest.
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

/// A function with its gradient.
pub type Slope<'a> = dyn Fn(&[f64]) -> Result<(f64, Vec<f64>)> + Sync + 'a;

#[derive(Clone)]
struct Point {
    z: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

/// Minus the function over z, θ = start + root · z.
struct Objective<'a> {
    of: &'a Slope<'a>,
    start: &'a [f64],
    root: DMatrix<f64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Point>,
    best: Option<Point>,
    evaluations: u64,
}

impl Objective<'_> {
    fn theta(&self, z: &[f64]) -> Vec<f64> {
        let step = &self.root * DVector::from_column_slice(z);
        self.start.iter().zip(step.iter()).map(|(a, b)| a + b).collect()
    }

    fn at(&self, z: &[f64]) -> Result<Point> {
        let locked = || Error::NotConverged { message: "the optimiser's memory is locked".into() };
        if let Some(known) = self.state.lock().map_err(|_| locked())?.last.as_ref().filter(|known| known.z == z) {
            return Ok(known.clone());
        }
        let point = match (self.of)(&self.theta(z)) {
            Ok((value, gradient)) => {
                let gradient = self.root.tr_mul(&DVector::from_vec(gradient));
                Point { z: z.to_vec(), cost: -value, gradient: gradient.iter().map(|g| -g).collect() }
            }
            // A step too far is the line search's to learn from.
            Err(Error::Diverged { .. } | Error::Impossible { .. }) => {
                Point { z: z.to_vec(), cost: f64::INFINITY, gradient: vec![0.0; z.len()] }
            }
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

impl CostFunction for &Objective<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, z: &Self::Param) -> std::result::Result<f64, argmin::core::Error> {
        Ok(self.at(z)?.cost)
    }
}

impl Gradient for &Objective<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, z: &Self::Param) -> std::result::Result<Vec<f64>, argmin::core::Error> {
        Ok(self.at(z)?.gradient)
    }
}

fn norm(gradient: &[f64]) -> f64 {
    gradient.iter().map(|g| g * g).sum::<f64>().sqrt()
}

/// Minus the second derivatives at θ along the columns of `root` (central differences of the gradient; one-sided where
/// `rough`), and the number of evaluations.
fn curvature(
    of: &Slope<'_>,
    theta: &[f64],
    gradient: &[f64],
    root: &DMatrix<f64>,
    rough: bool,
) -> Result<(DMatrix<f64>, u64)> {
    let width = theta.len();
    let mut raw = DMatrix::zeros(width, width);
    for k in 0..width {
        let along = |step: f64| -> Result<Vec<f64>> {
            let moved: Vec<f64> = theta.iter().enumerate().map(|(j, x)| x + step * root[(j, k)]).collect();
            Ok((of)(&moved)?.1)
        };
        let ahead = along(STEP)?;
        let column = match rough {
            true => DVector::from_fn(width, |j, _| (gradient[j] - ahead[j]) / STEP),
            false => {
                let behind = along(-STEP)?;
                DVector::from_fn(width, |j, _| (behind[j] - ahead[j]) / (2.0 * STEP))
            }
        };
        raw.set_column(k, &root.tr_mul(&column));
    }
    let evaluations = width as u64 * if rough { 1 } else { 2 };
    Ok(((&raw + raw.transpose()) * 0.5, evaluations))
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

/// Climbs from `start`; `unit` is a natural step of each coordinate.
///
/// # Errors
/// What the function refuses at the start; `Interrupted`.
pub fn climb(of: &Slope<'_>, start: &[f64], unit: &[f64], control: &Control) -> Result<Top> {
    let width = start.len();
    let (value, gradient) = (of)(start)?;
    if width == 0 {
        let information = DMatrix::zeros(0, 0);
        return Ok(Top { theta: vec![], value, information, gradient_norm: 0.0, iterations: 0, evaluations: 1 });
    }
    let units = DMatrix::from_diagonal(&DVector::from_column_slice(unit));
    let (rough, mut evaluations) = curvature(of, start, &gradient, &units, true)?;
    evaluations += 1;
    let root = &units * scaling(&rough, LEAST);
    let objective = Objective { of, start, root, state: Mutex::default() };
    let mut iterations = 0;
    let mut z = vec![0.0; width];
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
        let run = Executor::new(&objective, solver)
            .configure(|state| state.param(from).max_iters(ITERATIONS))
            .ctrlc(false)
            .timer(false)
            .run();
        control.check()?;
        match run {
            Ok(done) => iterations += argmin::core::State::get_iter(done.state()),
            Err(error) => match error.downcast::<Error>() {
                Ok(Error::Interrupted) => return Err(Error::Interrupted),
                Ok(own @ Error::Spec { .. }) => return Err(own),
                _ => {}
            },
        }
        match objective.best() {
            Some(best) if best.cost < before.cost => z = best.z,
            _ => break,
        }
    }
    let mut here = objective.at(&z)?;
    let mut theta = objective.theta(&here.z);
    let plain = |point: &Point| -> Vec<f64> {
        let inverse = objective.root.clone().lu().solve(&DMatrix::identity(width, width));
        let back = inverse.map(|inverse| inverse.transpose() * DVector::from_column_slice(&point.gradient));
        back.map_or_else(|| vec![f64::NAN; width], |g| g.iter().map(|g| -g).collect())
    };
    let (mut information, more) = curvature(of, &theta, &plain(&here), &objective.root, false)?;
    evaluations += more;
    for _ in 0..NEWTON {
        control.check()?;
        if newton_norm(&information, &here.gradient) <= TOLERANCE {
            break;
        }
        let Some(next) = newton(&objective, &here, &information)? else { break };
        let far = next.z.iter().zip(&here.z).any(|(a, b)| (a - b).abs() > 0.05);
        here = next;
        theta = objective.theta(&here.z);
        if far {
            let (again, more) = curvature(of, &theta, &plain(&here), &objective.root, false)?;
            (information, evaluations) = (again, evaluations + more);
        }
        iterations += 1;
    }
    let gradient_norm = newton_norm(&information, &here.gradient);
    // Back to θ: information_z = rootᵀ I root.
    let inverse = objective.root.clone().lu().solve(&DMatrix::identity(width, width));
    let inverse = inverse.unwrap_or_else(|| DMatrix::zeros(width, width));
    let information = inverse.transpose() * information * inverse;
    let evaluations = evaluations + objective.evaluations();
    Ok(Top { theta, value: -here.cost, information, gradient_norm, iterations, evaluations })
}

/// √(gᵀ I⁻¹ g), directions of no curvature at their own scale.
fn newton_norm(information: &DMatrix<f64>, gradient: &[f64]) -> f64 {
    norm(scaling(information, LEAST).tr_mul(&DVector::from_column_slice(gradient)).as_slice())
}

/// A damped Newton step downhill (Levenberg's ridge where the curvature is not definite), if there is one.
fn newton(objective: &Objective<'_>, here: &Point, information: &DMatrix<f64>) -> Result<Option<Point>> {
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
