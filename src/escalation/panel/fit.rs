//! A fitted panel: the top of the likelihood (with priors: of the posterior), its certificate, and the spread around it.

use super::certificate;
use super::columns::Columns;
use super::compile::Panel;
use super::structure::Column;
use crate::escalation::climb::{Height, TOLERANCE, Top, climb, too_far};
use crate::escalation::fit::{nan_as_null, prior_scale};
use crate::escalation::model::Model;
use crate::escalation::parameter::Prior;
use crate::escalation::profile::{Profile, Summit, profiles};
use crate::escalation::sample::{Sampled, Settings, refuse_flat, sample};
use crate::escalation::theta::Number;
use crate::ground::{Control, Error, Result, random};
use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Curvature, per squared logarithm of a ratio over a standard deviation of its covariate, below which nothing is known.
const FLAT: f64 = 1e-4;
/// Share of a flat direction that makes a coordinate part of it.
const PART: f64 = 0.05;
/// Spread of the logarithms of further starts about the first.
const JITTER: f64 = 0.7;

/// Parameters learnt from a panel.
#[derive(Debug, Clone)]
pub struct PanelFit {
    pub model: Arc<Model>,
    pub panel: Arc<Panel>,
    pub theta: Vec<f64>,
    pub log_likelihood: f64,
    pub log_prior: f64,
    /// Observed information in θ, row by row.
    pub information: Vec<f64>,
    /// Covariance of θ, row by row; what is known of flat directions left out.
    pub covariance: Vec<f64>,
    /// Norm of the gradient at the top, in standard errors.
    pub gradient_norm: f64,
    pub iterations: u64,
    pub evaluations: u64,
    /// The value reached from each start.
    pub starts: Vec<f64>,
    /// Coordinates of which the panel says nothing.
    pub flat: Vec<bool>,
    /// The top is one: gradient nothing, information definite but for numbers that run off.
    pub converged: bool,
    pub warnings: Vec<String>,
    /// Draws of the posterior, of which all intervals are made where there are any.
    pub sampled: Option<Arc<Sampled>>,
}

/// What was learnt, without the model and the panel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    theta: Vec<f64>,
    log_likelihood: f64,
    information: Vec<f64>,
    covariance: Vec<f64>,
    #[serde(with = "nan_as_null")]
    gradient_norm: f64,
    iterations: u64,
    evaluations: u64,
    starts: Vec<f64>,
    flat: Vec<bool>,
    converged: bool,
    warnings: Vec<String>,
    #[serde(default)]
    sampled: Option<Sampled>,
}

impl PanelFit {
    /// What was learnt, to be kept beside the model and the table.
    pub fn kept(&self) -> Kept {
        Kept {
            theta: self.theta.clone(),
            log_likelihood: self.log_likelihood,
            information: self.information.clone(),
            covariance: self.covariance.clone(),
            gradient_norm: self.gradient_norm,
            iterations: self.iterations,
            evaluations: self.evaluations,
            starts: self.starts.clone(),
            flat: self.flat.clone(),
            converged: self.converged,
            warnings: self.warnings.clone(),
            sampled: self.sampled.as_deref().cloned(),
        }
    }

    /// Puts a fit together from what was learnt.
    ///
    /// # Errors
    /// What [`Panel::compile`] refuses; `Spec` where what was learnt is of another model.
    pub fn restore(model: Arc<Model>, columns: &Columns, kept: Kept) -> Result<Self> {
        let model = super::outcomes::started(model, columns);
        let panel = Arc::new(Panel::compile(columns, &model)?);
        let width = model.parameters.start().len();
        let sizes = [kept.theta.len(), kept.flat.len()];
        let squares = [kept.information.len(), kept.covariance.len()];
        let sound = kept.sampled.as_ref().is_none_or(|sampled| sampled.sound(width));
        if sizes != [width; 2] || squares != [width * width; 2] || !sound {
            let message = format!("what was learnt has {} numbers; the model has {width}", kept.theta.len());
            return Err(Error::spec("learnt", "the fit", message));
        }
        Ok(PanelFit {
            log_prior: model.parameters.log_prior(&kept.theta).0,
            model,
            panel,
            theta: kept.theta,
            log_likelihood: kept.log_likelihood,
            information: kept.information,
            covariance: kept.covariance,
            gradient_norm: kept.gradient_norm,
            iterations: kept.iterations,
            evaluations: kept.evaluations,
            starts: kept.starts,
            flat: kept.flat,
            converged: kept.converged,
            warnings: kept.warnings,
            sampled: kept.sampled.map(Arc::new),
        })
    }

    /// ln L of each unit at each of some θ: `[θ][unit]`, flat. The panel was compiled for [`Columns::each`].
    ///
    /// # Errors
    /// `Impossible`, with the unit; `Interrupted`.
    pub fn unit_logs(&self, thetas: &[Vec<f64>], control: &Control) -> Result<Vec<f64>> {
        control.announce(thetas.len());
        let one = |theta: &Vec<f64>| {
            let mixture = self.panel.mixture(&self.model, &self.model.parameters.values(theta), control)?;
            control.tick();
            mixture.map(|mixture| mixture.units).ok_or_else(|| {
                Error::spec("panel", "the panel", "its units were put together; expected one compiled for each")
            })
        };
        Ok(thetas.par_iter().map(one).collect::<Result<Vec<_>>>()?.concat())
    }

    /// Draws the parameters from their posterior given a table; see [`sample`].
    ///
    /// # Errors
    /// As [`PanelFit::learn`], and `Unidentified` for a number with a flat prior.
    pub fn sample(model: Arc<Model>, columns: &Columns, settings: &Settings, control: &Control) -> Result<Self> {
        refuse_flat(&model.parameters)?;
        let mut fit = PanelFit::learn(model, columns, 0, settings.seed, control)?;
        let width = fit.theta.len();
        let root = Cholesky::new(DMatrix::from_row_slice(width, width, &fit.covariance)).map(|lower| lower.l());
        // Where there is no top, the scales of the priors are all that is known.
        let scale = DVector::from_vec(prior_scale(&fit.model.parameters));
        let root = rows(&root.unwrap_or_else(|| DMatrix::from_diagonal(&scale)));
        let of = LogPosterior { model: &fit.model, panel: &fit.panel, control };
        let sampled = sample(&of, &fit.theta, &root, settings, control)?;
        fit.sampled = Some(Arc::new(sampled));
        Ok(fit)
    }

    /// The same with at least `n` of a sampler's draws, evenly spaced.
    pub fn thin(&self, n: usize) -> Self {
        let sampled = self.sampled.as_ref().map(|sampled| Arc::new(sampled.thin(n)));
        PanelFit { sampled, ..self.clone() }
    }

    /// Learns a model's numbers from a table, from so many starts (0: as many as are usual for such a panel).
    ///
    /// # Errors
    /// What [`Panel::compile`] refuses; `Unidentified` for a flat ratio of a covariate that does not vary; `Interrupted`.
    pub fn learn(model: Arc<Model>, columns: &Columns, starts: usize, seed: u64, control: &Control) -> Result<Self> {
        let model = super::outcomes::started(model, columns);
        let panel = Panel::compile(columns, &model)?;
        refuse_constant(&model, &panel)?;
        panel.refuse_constant_coefficients(&model)?;
        let start = panel.crude(&model);
        let starts = if starts == 0 { panel.usual_starts() } else { starts };
        PanelFit::climb(model, Arc::new(panel), start, starts, seed, control)
    }

    fn climb(
        model: Arc<Model>,
        panel: Arc<Panel>,
        start: Vec<f64>,
        starts: usize,
        seed: u64,
        control: &Control,
    ) -> Result<Self> {
        let parameters = &model.parameters;
        let of = LogPosterior { model: &model, panel: &panel, control };
        let unit = of.units();
        control.announce(starts * (40 + 3 * start.len()));
        let mut reached: Vec<f64> = vec![];
        let mut best: Option<Top> = None;
        for k in 0..starts {
            let from: Vec<f64> = match k {
                0 => start.clone(),
                _ => {
                    let z = random::normals(seed, k as u64, start.len());
                    start.iter().zip(z.iter().zip(&unit)).map(|(x, (z, unit))| x + JITTER * z * unit).collect()
                }
            };
            let top = match climb(&of, &from, control) {
                Err(error) if k > 0 && (too_far(&error) || matches!(error, Error::NotConverged { .. })) => continue,
                top => top?,
            };
            reached.push(top.value);
            if best.as_ref().is_none_or(|best| top.value > best.value) {
                best = Some(top);
            }
        }
        let none = || Error::NotConverged { message: "no start led anywhere".into() };
        let top = best.ok_or_else(none)?;
        let log_prior = parameters.log_prior(&top.theta).0;
        let (covariance, flat, definite) = spread(&top.information, &unit);
        let mut fit = PanelFit {
            log_likelihood: top.value - log_prior,
            log_prior,
            information: rows(&top.information),
            covariance: rows(&covariance),
            gradient_norm: top.gradient_norm,
            iterations: top.iterations,
            evaluations: top.evaluations,
            starts: reached,
            converged: definite && top.gradient_norm <= 10.0 * TOLERANCE,
            flat,
            warnings: vec![],
            sampled: None,
            theta: top.theta,
            model,
            panel,
        };
        let off = certificate::runaways(&fit.model, &fit.panel, &fit.theta, &fit.flat);
        let settled = definite || certificate::only(&fit.information, &unit, &off);
        fit.converged = settled && fit.gradient_norm <= 10.0 * TOLERANCE;
        fit.warnings = fit.doubts(settled, &off);
        Ok(fit)
    }

    /// What a reader must know before trusting the numbers.
    fn doubts(&self, definite: bool, off: &[certificate::Runaway]) -> Vec<String> {
        let mut doubts: Vec<String> = off.iter().map(|own| own.words.clone()).collect();
        let names = self.model.parameters.coordinates();
        let unknown = |k: &usize| self.flat[*k] && off.iter().all(|own| own.coordinate != *k);
        for name in (0..names.len()).filter(unknown).map(|k| &names[k]) {
            let name = name.trim_start_matches("ln ");
            doubts.push(format!("the panel says next to nothing about '{name}': it has no standard error"));
        }
        if !definite && !self.flat.contains(&true) {
            doubts.push("the information is not definite: this is no maximum, and standard errors are left out".into());
        }
        if self.gradient_norm > 10.0 * TOLERANCE || self.gradient_norm.is_nan() {
            doubts.push(format!(
                "the search ended before the top: the gradient is {:.1e} standard errors long ({TOLERANCE:.0e} wanted)",
                self.gradient_norm
            ));
        }
        for (place, &ladder) in self.panel.structure.ladders.iter().enumerate() {
            for (rung, name) in self.model.ladders[ladder].rungs.iter().enumerate() {
                let here = |state: usize| self.panel.structure.rung(state, place) == rung;
                let seen = self.panel.looks.iter().any(|look| {
                    look.rungs.contains(&false) && look.rungs.iter().enumerate().any(|(s, p)| *p && here(s))
                        || look.rungs.iter().enumerate().any(|(s, p)| *p && here(s))
                            && !(look.values.is_empty() && look.readings.is_empty())
                });
                if !seen {
                    doubts.push(format!("rung '{name}' of '{}' is never seen", self.model.ladders[ladder].name));
                }
            }
        }
        doubts
    }

    /// Standard error of each coordinate of θ; NaN where the panel says nothing.
    pub fn errors(&self) -> Vec<f64> {
        let width = self.theta.len();
        (0..width)
            .map(|k| match self.flat[k] {
                true => f64::NAN,
                false => self.covariance[k * width + k].max(0.0).sqrt(),
            })
            .collect()
    }

    /// Profiles of the log-likelihood (with priors: of the log-posterior), of the numbers with these names, or of all.
    ///
    /// # Errors
    /// `Spec` for a name that there is none of, or a level outside (0, 1); `Interrupted`.
    pub fn profiles(&self, names: &[String], level: f64, steps: usize, control: &Control) -> Result<Vec<Profile>> {
        let of = LogPosterior { model: &self.model, panel: &self.panel, control };
        let width = self.theta.len();
        let summit = Summit {
            theta: &self.theta,
            value: self.log_likelihood + self.log_prior,
            information: DMatrix::from_row_slice(width, width, &self.information),
        };
        let mut found = profiles(&of, &summit, &self.model.parameters.chosen(names)?, level, steps, control)?;
        let tick = self.panel.structure.tick;
        for profile in &mut found {
            if profile.kind.is_rate() {
                profile.scale(tick);
            }
        }
        Ok(found)
    }

    /// Draws of θ: those of a sampler, or so many from the normal around the top.
    pub fn draws(&self, n: usize, seed: u64) -> Vec<Vec<f64>> {
        if let Some(sampled) = &self.sampled {
            return sampled.theta.clone();
        }
        let width = self.theta.len();
        if width == 0 {
            return vec![vec![]; n];
        }
        let covariance = DMatrix::from_row_slice(width, width, &self.covariance);
        let eigen = SymmetricEigen::new(covariance);
        let mut root = eigen.eigenvectors;
        for (k, value) in eigen.eigenvalues.iter().enumerate() {
            root.column_mut(k).scale_mut(value.max(0.0).sqrt());
        }
        let draw = |k: usize| {
            let z = random::normals(seed, k as u64, width);
            let add = |j: usize| z.iter().enumerate().map(|(i, z)| root[(j, i)] * z).sum::<f64>();
            self.theta.iter().enumerate().map(|(j, x)| x + add(j)).collect()
        };
        (0..n).map(draw).collect()
    }
}

fn rows(matrix: &DMatrix<f64>) -> Vec<f64> {
    matrix.transpose().iter().copied().collect()
}

/// A panel's log-posterior over θ (flat priors add nothing), to be climbed and sampled.
pub struct LogPosterior<'a> {
    pub model: &'a Model,
    pub panel: &'a Panel,
    pub control: &'a Control,
}

impl Height for LogPosterior<'_> {
    type Base = ();
    const LOCAL: bool = false;

    fn at(&self, theta: &[f64], _: Option<&()>) -> Result<(f64, Vec<f64>, ())> {
        let parameters = &self.model.parameters;
        let values = parameters.values(theta);
        let score = self.panel.score(self.model, &values, self.control)?;
        let (log_prior, prior) = parameters.log_prior(theta);
        let gradient = parameters.gradient(&values, &score.statistics);
        let gradient: Vec<f64> = gradient.iter().zip(&prior).map(|(a, b)| a + b).collect();
        match (score.log + log_prior).is_finite() && gradient.iter().all(|g| g.is_finite()) {
            true => Ok((score.log + log_prior, gradient, ())),
            false => Err(Error::Diverged { message: "the score is not finite".into() }),
        }
    }

    fn units(&self) -> Vec<f64> {
        units(self.model, self.panel)
    }
}

/// A natural step of each coordinate: one over the standard deviation of what a ratio's logarithm is multiplied with.
fn units(model: &Model, panel: &Panel) -> Vec<f64> {
    let parameters = &model.parameters;
    let sds = panel.column_spreads();
    let mut of = vec![1.0; parameters.positives.len()];
    for arc in &panel.structure.arcs {
        for &(p, column) in &arc.terms {
            let number = match &panel.structure.columns[column] {
                Column::Product(of, _) => &panel.structure.columns[*of],
                other => other,
            };
            if matches!(number, Column::Value(_)) && sds[column] > 0.0 {
                of[p] = 1.0 / sds[column];
            }
        }
    }
    let owners = parameters.owners();
    let reals = panel.real_units(model);
    let unit = |owner: &Number| match owner {
        Number::Positive(p) => of[*p],
        Number::Row(_) => 1.0,
        Number::Real(r) => reals[*r],
    };
    owners.iter().map(unit).collect()
}

/// A flat ratio of a covariate that is the same in all intervals.
fn refuse_constant(model: &Model, panel: &Panel) -> Result<()> {
    let sds = panel.column_spreads();
    for arc in &panel.structure.arcs {
        for &(p, column) in &arc.terms {
            let positive = &model.parameters.positives[p];
            if positive.prior == Prior::Flat && sds[column] == 0.0 {
                let what = match &panel.structure.columns[column] {
                    Column::Value(c) => format!("covariate '{}' does not vary", panel.structure.covariates[*c].name),
                    Column::Level(c, level) => {
                        let given = &panel.structure.covariates[*c];
                        format!("covariate '{}' is always, or never, '{}'", given.name, given.levels[*level])
                    }
                    Column::Period(from, to) => {
                        format!("all intervals, or none, lie in [{}, {})", from, to)
                    }
                    Column::When(when) => format!("in all intervals, or in none, {}", when.describe(model)),
                    Column::Product(_, when) => format!("it does not vary while {}", when.describe(model)),
                };
                let message = format!(
                    "the panel says nothing about '{}', whose prior is flat: {what} in the panel; give it a value or a \
                     prior, or leave it out",
                    positive.name
                );
                return Err(Error::Unidentified { parameter: positive.name.clone(), message });
            }
        }
    }
    Ok(())
}

/// Covariance, which coordinates are flat, and whether the information is definite.
fn spread(information: &DMatrix<f64>, unit: &[f64]) -> (DMatrix<f64>, Vec<bool>, bool) {
    let width = unit.len();
    if width == 0 {
        return (DMatrix::zeros(0, 0), vec![], true);
    }
    let scaled = DMatrix::from_fn(width, width, |i, j| information[(i, j)] * unit[i] * unit[j]);
    let eigen = SymmetricEigen::new(scaled);
    let mut covariance = DMatrix::zeros(width, width);
    let mut flat = vec![false; width];
    let mut definite = true;
    for (k, &value) in eigen.eigenvalues.iter().enumerate() {
        let vector = eigen.eigenvectors.column(k);
        if value > FLAT {
            covariance += vector * vector.transpose() / value;
            continue;
        }
        definite = false;
        for (j, flat) in flat.iter_mut().enumerate() {
            *flat |= vector[j] * vector[j] > PART;
        }
    }
    (DMatrix::from_fn(width, width, |i, j| covariance[(i, j)] * unit[i] * unit[j]), flat, definite)
}

impl Panel {
    /// Standard deviation of each column of the designs over what is in the panel.
    pub fn column_spreads(&self) -> Vec<f64> {
        let mut count = vec![0.0; self.designs.len()];
        for group in &self.groups {
            count[group.design] += 1.0;
        }
        for (place, time) in self.stayed.iter().enumerate() {
            count[place / self.structure.n] += f64::from(u8::from(*time > 0.0));
        }
        let total: f64 = count.iter().sum();
        (0..self.structure.columns.len())
            .map(|column| {
                let of = |design: &Vec<f64>| design[column];
                let mean = self.designs.iter().zip(&count).map(|(d, c)| c * of(d)).sum::<f64>() / total.max(1.0);
                let square = self.designs.iter().zip(&count).map(|(d, c)| c * (of(d) - mean).powi(2)).sum::<f64>();
                let sd = (square / total.max(1.0)).sqrt();
                if sd > 1e-12 * mean.abs() { sd } else { 0.0 }
            })
            .collect()
    }
}
