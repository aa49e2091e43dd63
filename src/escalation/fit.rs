//! Learning: the mode of the posterior by L-BFGS on the exact gradient, and Laplace's normal around it.

use super::dossier::Dossier;
use super::engine::Prepared;
use super::parameter::{Parameters, Prior, RealPrior, RowPrior};
use super::statistics::Told;
use super::theta::Number;
use crate::ground::{Control, Error, Result, random};
use argmin::core::{CostFunction, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// Most L-BFGS iterations.
const ITERATIONS: u64 = 500;
/// Gradient norm, in prior standard deviations, at which the mode is found.
const TOLERANCE: f64 = 1e-6;
/// Step of the central differences of the gradient, in prior standard deviations.
const STEP: f64 = 1e-3;
/// Most Newton steps after L-BFGS.
const NEWTON: usize = 30;
/// An eigenvalue of the information, per squared logarithm, below this says nothing is known about a flat direction.
const FLAT: f64 = 1e-4;

/// Log-evidence and log-prior at θ with their gradients.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    pub log_evidence: f64,
    pub log_prior: f64,
    pub evidence_gradient: Vec<f64>,
    pub prior_gradient: Vec<f64>,
}

/// JSON has no NaN.
mod nan_as_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        x.is_finite().then_some(*x).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

/// What was learnt: the mode and the spread around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    pub theta: Vec<f64>,
    pub log_prior: f64,
    /// Norm of the gradient at the mode, in prior standard deviations; NaN where nothing was learnt.
    #[serde(with = "nan_as_null")]
    pub gradient_norm: f64,
    pub iterations: u64,
    /// Draws are θ + root · z; row by row, p × p.
    pub root: Vec<f64>,
}

impl Prepared {
    /// [`Prepared::posterior`] of a θ from outside, its length checked.
    pub fn posterior_checked(&self, theta: &[f64], control: &Control) -> Result<Posterior> {
        let width = self.model.parameters.start().len();
        if theta.len() != width || theta.iter().any(|x| !x.is_finite()) {
            let message = format!("θ has {} numbers; {width} finite ones are expected", theta.len());
            return Err(Error::spec("theta", "theta", message));
        }
        self.posterior(theta, control)
    }

    /// The log-posterior's two parts at θ, with exact gradients (Fisher's identity).
    pub fn posterior(&self, theta: &[f64], control: &Control) -> Result<Posterior> {
        Ok(self.posterior_from(theta, None, control)?.0)
    }

    /// The same, taking over from an earlier θ what has not changed.
    fn posterior_from(&self, theta: &[f64], base: Option<&Told>, control: &Control) -> Result<(Posterior, Told)> {
        let parameters = &self.model.parameters;
        let values = parameters.values(theta);
        let (mut log_prior, mut prior_gradient) = parameters.log_prior(theta);
        if let Some(judged) = &self.judged {
            let (log, slope) = judged.log_density(&self.model, theta, control)?;
            log_prior += log;
            prior_gradient.iter_mut().zip(&slope).for_each(|(sum, g)| *sum += g);
        }
        let told = self.tell(values.clone(), base, control)?;
        let (log_evidence, statistics) = self.expected(&told)?;
        let evidence_gradient = if log_evidence.is_finite() {
            parameters.gradient(&values, &statistics)
        } else {
            vec![f64::NAN; theta.len()]
        };
        Ok((Posterior { log_evidence, log_prior, evidence_gradient, prior_gradient }, told))
    }
}

/// The spread that each coordinate's prior has at its mode; 1 where it is flat.
pub fn prior_scale(parameters: &Parameters) -> Vec<f64> {
    let mut scale: Vec<f64> = parameters
        .free_positives()
        .map(|p| match &parameters.positives[p].prior {
            Prior::LogNormal { sd, .. } => *sd,
            Prior::Gamma { shape, .. } => 1.0 / shape.sqrt(),
            Prior::Flat | Prior::Fixed => 1.0,
        })
        .collect();
    for r in parameters.free_rows() {
        let row = &parameters.rows[r];
        let support: Vec<f64> = row.value.iter().copied().filter(|p| *p > 0.0).collect();
        for p in &support[..support.len() - 1] {
            scale.push(match row.prior {
                RowPrior::Dirichlet { worth } => {
                    (1.0 / (worth * p) + 1.0 / (worth * support[support.len() - 1])).sqrt()
                }
                RowPrior::Flat | RowPrior::Fixed => 1.0,
            });
        }
    }
    scale.extend(parameters.free_reals().map(|r| match parameters.reals[r].prior {
        RealPrior::Normal { sd, .. } => sd,
        RealPrior::Flat | RealPrior::Fixed => parameters.reals[r].unit,
    }));
    scale
}

/// Minus the log-posterior over z = (θ − start) / prior scale.
struct Objective<'a> {
    prepared: &'a Prepared,
    start: Vec<f64>,
    scale: Vec<f64>,
    control: &'a Control,
    /// The optimiser asks for cost and gradient one after the other.
    last: Mutex<Option<Slope>>,
    /// The lowest point seen, for when a line search loses its way.
    best: Mutex<Option<Slope>>,
}

/// The objective and its gradient at a point.
#[derive(Debug, Clone)]
struct Slope {
    z: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

impl Objective<'_> {
    fn theta(&self, z: &[f64]) -> Vec<f64> {
        self.start.iter().zip(z.iter().zip(&self.scale)).map(|(start, (z, scale))| start + z * scale).collect()
    }

    fn slope(&self, z: &[f64], base: Option<&Told>) -> Result<(Slope, Told)> {
        let (posterior, told) = self.prepared.posterior_from(&self.theta(z), base, self.control)?;
        self.control.tick();
        let cost = -(posterior.log_evidence + posterior.log_prior);
        let both = posterior.evidence_gradient.iter().zip(&posterior.prior_gradient);
        let gradient = both.zip(&self.scale).map(|((a, b), scale)| -(a + b) * scale).collect();
        Ok((Slope { z: z.to_vec(), cost, gradient }, told))
    }

    fn at(&self, z: &[f64]) -> Result<Slope> {
        if let Ok(last) = self.last.lock()
            && let Some(known) = last.as_ref().filter(|known| known.z == z)
        {
            return Ok(known.clone());
        }
        let (slope, _) = self.slope(z, None)?;
        if let Ok(mut last) = self.last.lock() {
            *last = Some(slope.clone());
        }
        if let Ok(mut best) = self.best.lock()
            && slope.cost.is_finite()
            && best.as_ref().is_none_or(|best| slope.cost < best.cost)
        {
            *best = Some(slope.clone());
        }
        Ok(slope)
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

/// Finds the mode of the posterior and the normal around it.
///
/// # Errors
/// `Impossible` where the developments contradict each other, `Unidentified` for a flat parameter that they say nothing
/// about, `NotConverged` where no mode was found.
pub fn learn(prepared: &Prepared, dossier: &Dossier, control: &Control) -> Result<Learnt> {
    let parameters = &prepared.model.parameters;
    let start = parameters.start();
    let mut objective = Objective {
        prepared,
        scale: prior_scale(parameters),
        start,
        control,
        last: Mutex::new(None),
        best: Mutex::new(None),
    };
    let width = objective.start.len();
    let at_start = prepared.posterior(&objective.start, control)?;
    if !at_start.log_evidence.is_finite() {
        return Err(super::contradiction::culprit(&prepared.model, dossier, &[], control)?);
    }
    refuse_untouched(prepared)?;
    control.announce(60 + 2 * width);
    soften(&mut objective, &at_start);
    let (mut z, iterations) = descend(&objective)?;
    let mut here = objective.at(&z)?;
    let mut information = curvature(&objective, &z)?;
    // Newton steps from where the quasi-Newton method stopped; the information is wanted anyway.
    for _ in 0..NEWTON {
        if norm(&here.gradient) <= TOLERANCE {
            break;
        }
        let Some(next) = newton(&objective, &here, &information)? else { break };
        let far = next.z.iter().zip(&z).any(|(a, b)| (a - b).abs() > STEP);
        (z, here) = (next.z.clone(), next);
        if far {
            information = curvature(&objective, &z)?;
        }
    }
    let root = spread(&objective, &information, norm(&here.gradient))?;
    let theta = objective.theta(&z);
    let log_prior = parameters.log_prior(&theta).0;
    let scale = prior_scale(parameters);
    let plain: Vec<f64> =
        here.gradient.iter().zip(scale.iter().zip(&objective.scale)).map(|(g, (prior, own))| g * prior / own).collect();
    Ok(Learnt { theta, log_prior, gradient_norm: norm(&plain), iterations, root })
}

/// Shrinks the scale of coordinates whose gradient at the start is large, so that a first step moves none by more than
/// a prior standard deviation: where n events pull, the curvature is about n too.
fn soften(objective: &mut Objective<'_>, at_start: &Posterior) {
    let pull = at_start.evidence_gradient.iter().zip(&at_start.prior_gradient);
    for (scale, (a, b)) in objective.scale.iter_mut().zip(pull) {
        *scale /= (1.0 + ((a + b) * *scale).abs()).sqrt();
    }
}

/// A damped Newton step that lowers the objective (Levenberg's ridge where the curvature is not definite), if there is one.
fn newton(objective: &Objective<'_>, here: &Slope, information: &DMatrix<f64>) -> Result<Option<Slope>> {
    let width = here.z.len();
    let mut ridge = 0.0;
    for _ in 0..12 {
        if let Some(cholesky) = Cholesky::new(information + DMatrix::identity(width, width) * ridge) {
            let step = cholesky.solve(&DVector::from_column_slice(&here.gradient));
            let next: Vec<f64> = here.z.iter().zip(step.iter()).map(|(z, s)| z - s).collect();
            let ahead = objective.at(&next)?;
            let flatter =
                norm(&ahead.gradient) < norm(&here.gradient) && ahead.cost <= here.cost + 1e-9 * here.cost.abs();
            if ahead.cost < here.cost || flatter {
                return Ok(Some(ahead));
            }
        }
        ridge = if ridge == 0.0 { 1e-3 } else { ridge * 10.0 };
    }
    Ok(None)
}

fn descend(objective: &Objective<'_>) -> Result<(Vec<f64>, u64)> {
    let mut best = vec![0.0; objective.start.len()];
    let mut iterations = 0;
    // A line search that ends in noise is started afresh from where it got to.
    for _ in 0..3 {
        if norm(&objective.at(&best)?.gradient) <= TOLERANCE {
            break;
        }
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), 10)
            .with_tolerance_grad(TOLERANCE)
            .and_then(|solver| solver.with_tolerance_cost(1e-13))
            .map_err(|error| Error::NotConverged { message: error.to_string() })?;
        let from = best.clone();
        let run = Executor::new(objective, solver)
            .configure(|state| state.param(from).max_iters(ITERATIONS))
            .ctrlc(false)
            .run();
        objective.control.check()?;
        match run {
            Ok(done) => {
                iterations += done.state().get_iter();
            }
            Err(error) => match error.downcast::<Error>() {
                // A step too far is the line search's to learn from; anything else of ours is not.
                Ok(Error::Diverged { .. }) | Err(_) => {}
                Ok(own) => return Err(own),
            },
        }
        if let Ok(lowest) = objective.best.lock()
            && let Some(slope) = lowest.as_ref()
        {
            best.clone_from(&slope.z);
        }
    }
    Ok((best, iterations))
}

/// A flat parameter that no component's evidence uses.
fn refuse_untouched(prepared: &Prepared) -> Result<()> {
    let parameters = &prepared.model.parameters;
    let names = parameters.coordinates();
    let tables: Vec<usize> = prepared.model.drivers.iter().flat_map(|driver| driver.rows.clone()).collect();
    let used = |number: &Number| match number {
        Number::Positive(p) => prepared.plans.iter().any(|plan| plan.uses().0.contains(p)),
        Number::Row(r) => tables.contains(r) || prepared.plans.iter().any(|plan| plan.uses().1.contains(r)),
        Number::Real(r) => prepared.plans.iter().any(|plan| plan.uses().2.contains(r)),
    };
    for ((number, flat), name) in parameters.owners().iter().zip(parameters.flat()).zip(&names) {
        if flat && !used(number) {
            return Err(unidentified(name));
        }
    }
    Ok(())
}

fn unidentified(name: &str) -> Error {
    let name = name.trim_start_matches("ln ");
    Error::Unidentified {
        parameter: name.into(),
        message: format!(
            "parameter '{name}' has no prior and the developments do not determine it; give it a prior or a value, \
             or evidence that bears on it"
        ),
    }
}

/// Minus the Hessian of the log-posterior in z, by central differences of the exact gradient.
fn curvature(objective: &Objective<'_>, z: &[f64]) -> Result<DMatrix<f64>> {
    let width = z.len();
    let (_, base) = objective.slope(z, None)?;
    let columns: Vec<Vec<f64>> = (0..width)
        .into_par_iter()
        .map(|k| {
            let side = |sign: f64| -> Result<Vec<f64>> {
                let mut moved = z.to_vec();
                moved[k] += sign * STEP;
                Ok(objective.slope(&moved, Some(&base))?.0.gradient)
            };
            let (up, down): (Vec<f64>, Vec<f64>) = (side(1.0)?, side(-1.0)?);
            Ok(up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP)).collect())
        })
        .collect::<Result<_>>()?;
    let raw = DMatrix::from_fn(width, width, |row, column| columns[column][row]);
    Ok((&raw + raw.transpose()) * 0.5)
}

/// The root of the covariance in θ, or why there is none.
fn spread(objective: &Objective<'_>, information: &DMatrix<f64>, gradient: f64) -> Result<Vec<f64>> {
    let width = information.nrows();
    let parameters = &objective.prepared.model.parameters;
    let own: Vec<f64> = prior_scale(parameters).iter().zip(&objective.scale).map(|(prior, own)| prior / own).collect();
    if let Some(direction) = flat_direction(parameters, information, &own) {
        return Err(unidentified(&parameters.coordinates()[direction]));
    }
    let stuck = || Error::NotConverged {
        message: format!(
            "no mode was found: the gradient's norm is {gradient:.2e} (in prior standard deviations; {TOLERANCE:.0e} \
             wanted) or the curvature there is not definite"
        ),
    };
    if gradient > 10.0 * TOLERANCE || gradient.is_nan() {
        return Err(stuck());
    }
    let covariance = Cholesky::new(information.clone()).ok_or_else(stuck)?.inverse();
    let lower = Cholesky::new(covariance).ok_or_else(stuck)?.l();
    Ok((0..width)
        .flat_map(|row| (0..width).map(move |column| (row, column)))
        .map(|(row, column)| objective.scale[row] * lower[(row, column)])
        .collect())
}

/// The flat coordinate that dominates a direction of which nothing is known. The information is in units of `own`, which
/// a start far off makes small; what is known is asked in the prior's units.
fn flat_direction(parameters: &Parameters, information: &DMatrix<f64>, own: &[f64]) -> Option<usize> {
    let flat = parameters.flat();
    if !flat.contains(&true) {
        return None;
    }
    let plain =
        DMatrix::from_fn(own.len(), own.len(), |row, column| information[(row, column)] * own[row] * own[column]);
    let eigen = SymmetricEigen::new(plain);
    let worst = (0..flat.len()).min_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]))?;
    if eigen.eigenvalues[worst] > FLAT {
        return None;
    }
    let vector = eigen.eigenvectors.column(worst);
    (0..flat.len()).filter(|&k| flat[k]).max_by(|&a, &b| vector[a].abs().total_cmp(&vector[b].abs()))
}

impl Learnt {
    /// Posterior standard deviation of each coordinate; empty where nothing was learnt.
    pub fn spread(&self) -> Vec<f64> {
        self.root.chunks_exact(self.theta.len().max(1)).map(norm).collect()
    }

    /// The k-th draw of θ: the same for any number of threads, whatever other draws are made.
    pub fn draw(&self, seed: u64, k: u64) -> Vec<f64> {
        let z = random::normals(seed, k, self.theta.len());
        let rows = self.root.chunks_exact(self.theta.len().max(1));
        self.theta.iter().zip(rows).map(|(mode, row)| mode + crate::markov::stencil::dot(row, &z)).collect()
    }
}
