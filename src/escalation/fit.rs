//! Learning: the mode of the posterior on the exact gradient, and Laplace's normal around it.

use super::climb::{Height, TOLERANCE, Top, climb, norm};
use super::dossier::Dossier;
use super::engine::Prepared;
use super::parameter::{Parameters, Prior, RealPrior, RowPrior};
use super::statistics::Told;
use super::theta::Number;
use crate::ground::{Control, Error, Result, random};
use nalgebra::{Cholesky, DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};

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
pub(super) mod nan_as_null {
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
    /// Norm of the gradient at the mode, in standard errors; NaN where nothing was learnt.
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

/// A dossier's log-posterior over θ, to be climbed and sampled.
pub struct LogPosterior<'a> {
    pub prepared: &'a Prepared,
    pub control: &'a Control,
}

impl Height for LogPosterior<'_> {
    type Base = Told;
    const LOCAL: bool = true;

    fn at(&self, theta: &[f64], base: Option<&Told>) -> Result<(f64, Vec<f64>, Told)> {
        let (posterior, told) = self.prepared.posterior_from(theta, base, self.control)?;
        let value = posterior.log_evidence + posterior.log_prior;
        if posterior.log_evidence == f64::NEG_INFINITY {
            let message = "the dossier has probability zero here".into();
            return Err(Error::Impossible { development: None, message });
        }
        let both = posterior.evidence_gradient.iter().zip(&posterior.prior_gradient);
        let gradient: Vec<f64> = both.map(|(a, b)| a + b).collect();
        if !value.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            return Err(Error::Diverged { message: "the log-posterior or its gradient is not finite".into() });
        }
        Ok((value, gradient, told))
    }

    fn units(&self) -> Vec<f64> {
        prior_scale(&self.prepared.model.parameters)
    }

    /// Steps of uniformisation times joint rungs, over components; a hundred steps are there at any intensity.
    fn work(&self, theta: &[f64]) -> f64 {
        let values = self.prepared.model.parameters.values(theta);
        let plan = |plan: &super::plan::Plan| {
            let most = |all: &mut dyn Iterator<Item = &f64>| all.fold(0.0, |most: f64, &x| most.max(x));
            // Exits count, and the events that decay beside them.
            let rate = plan
                .part
                .fill(&values)
                .map(|filled| most(&mut filled.exits.iter().flatten()) + most(&mut filled.rates.iter()));
            plan.part.space.len() as f64 * (100.0 + rate.unwrap_or(f64::INFINITY) * self.prepared.now)
        };
        self.prepared.plans.iter().map(plan).sum()
    }
}

/// Finds the mode of the posterior and the normal around it.
///
/// # Errors
/// `Impossible` where the developments contradict each other, `Unidentified` for a flat parameter that they say nothing
/// about, `NotConverged` where no mode was found.
pub fn learn(prepared: &Prepared, dossier: &Dossier, control: &Control) -> Result<Learnt> {
    let parameters = &prepared.model.parameters;
    refuse_untouched(prepared)?;
    let start = parameters.start();
    control.announce(40 + 3 * start.len());
    let top = match climb(&LogPosterior { prepared, control }, &start, control) {
        Err(Error::Impossible { .. }) => {
            return Err(super::contradiction::culprit(&prepared.model, dossier, &[], control)?);
        }
        top => top?,
    };
    let root = spread(parameters, &top)?;
    let log_prior = parameters.log_prior(&top.theta).0;
    let (gradient_norm, iterations) = (top.gradient_norm, top.iterations);
    Ok(Learnt { theta: top.theta, log_prior, gradient_norm, iterations, root })
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

/// The root of the covariance in θ, or why there is none.
fn spread(parameters: &Parameters, top: &Top) -> Result<Vec<f64>> {
    let width = top.theta.len();
    let scale = prior_scale(parameters);
    let information = DMatrix::from_fn(width, width, |i, j| top.information[(i, j)] * scale[i] * scale[j]);
    if let Some(direction) = flat_direction(parameters, &information) {
        return Err(unidentified(&parameters.coordinates()[direction]));
    }
    let gradient = top.gradient_norm;
    let stuck = || Error::NotConverged {
        message: format!(
            "no mode was found: the gradient's norm is {gradient:.2e} (in standard errors; {TOLERANCE:.0e} wanted) or \
             the curvature there is not definite"
        ),
    };
    if gradient > 10.0 * TOLERANCE || gradient.is_nan() {
        return Err(stuck());
    }
    let covariance = Cholesky::new(information).ok_or_else(stuck)?.inverse();
    let lower = Cholesky::new(covariance).ok_or_else(stuck)?.l();
    Ok((0..width)
        .flat_map(|row| (0..width).map(move |column| (row, column)))
        .map(|(row, column)| scale[row] * lower[(row, column)])
        .collect())
}

/// The flat coordinate that dominates a direction of which nothing is known, by the information in the prior's units.
fn flat_direction(parameters: &Parameters, information: &DMatrix<f64>) -> Option<usize> {
    let flat = parameters.flat();
    if !flat.contains(&true) {
        return None;
    }
    let eigen = SymmetricEigen::new(information.clone());
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
