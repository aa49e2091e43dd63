//! A model with what was learnt from a dossier: the one object that answers, forecasts and is varied.

use super::answer::Asked;
use super::climb::Height;
use super::component::ancestors;
use super::condition::Condition;
use super::dossier::Dossier;
use super::engine::{Evaluated, Prepared};
use super::expect::{GaveWay, Judged};
use super::filter::filtered;
use super::fit::{Learnt, LogPosterior, learn};
use super::forecast::Ahead;
use super::marginal::{Marginal, by_bridge, by_importance};
use super::model::Model;
use super::occupancy::Occupancy;
use super::onward::{Fills, Parts};
use super::part::Override;
use super::profile::{Profile, Summit, profiles};
use super::question::{Atom, Question};
use super::sample::{Settings, refuse_flat, sample};
use super::scenario::{Change, Scenario};
use super::slope::{Slope, slopes};
use super::source::Source;
use super::spec::DossierSpec;
use super::spent::{AT_DRAWS, come_to, settled};
use super::summary::Draws;
use super::worlds::{Worlds, worlds};
use crate::ground::{Control, Error, Result, limits};
use nalgebra::DMatrix;
use rayon::prelude::*;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Parameters, learnt or given, with a dossier.
#[derive(Debug, Clone)]
pub struct Fitted {
    pub model: Arc<Model>,
    pub spec: DossierSpec,
    pub changes: Vec<Change>,
    pub learnt: Arc<Learnt>,
    pub source: Source,
    pub(super) scenario: Scenario,
    pub(super) base: Arc<Prepared>,
    /// The evidence at the mode.
    mode: Arc<Evaluated>,
    draws: Arc<Vec<Vec<f64>>>,
    /// What questions carry ahead, built once for all fits with these parameters.
    pub(super) parts: Arc<Mutex<Parts>>,
}

impl Fitted {
    /// Learns the parameters from a dossier: MAP, and draws from Laplace's normal around it.
    pub fn learn(model: Arc<Model>, spec: DossierSpec, n_draws: usize, seed: u64, control: &Control) -> Result<Self> {
        afford_draws(n_draws, model.parameters.start().len())?;
        let dossier = Dossier::compile(&spec, &model)?;
        let learnt = learn(&Prepared::new(&model, &dossier, &[], &[])?.judged(&dossier)?, &dossier, control)?;
        Fitted::restore(model, spec, vec![], learnt, Source::Laplace { draws: n_draws, seed }, control)
    }

    /// Draws the parameters from their posterior given a dossier; see [`sample`].
    ///
    /// # Errors
    /// As [`Fitted::learn`], and `Unidentified` for a number with a flat prior; where no mode is found, chains begin about
    /// the priors' modes.
    pub fn sample(model: Arc<Model>, spec: DossierSpec, settings: &Settings, control: &Control) -> Result<Self> {
        refuse_flat(&model.parameters)?;
        afford_draws(settings.chains.saturating_mul(settings.draws), model.parameters.start().len())?;
        let dossier = Dossier::compile(&spec, &model)?;
        let prepared = Prepared::new(&model, &dossier, &[], &[])?.judged(&dossier)?;
        let found = match learn(&prepared, &dossier, control) {
            Err(Error::NotConverged { .. }) => None,
            found => Some(found?),
        };
        let of = LogPosterior { prepared: &prepared, control };
        let (centre, root) = match &found {
            Some(learnt) => (learnt.theta.clone(), learnt.root.clone()),
            None => (model.parameters.start(), diagonal(&of.units())),
        };
        let sampled = sample(&of, &centre, &root, settings, control)?;
        let learnt = found.unwrap_or_else(|| {
            let best =
                (0..sampled.theta.len()).max_by(|&a, &b| sampled.log_density[a].total_cmp(&sampled.log_density[b]));
            let theta = best.map_or(centre, |k| sampled.theta[k].clone());
            let log_prior = model.parameters.log_prior(&theta).0;
            Learnt { theta, log_prior, gradient_norm: f64::NAN, iterations: 0, root: vec![] }
        });
        Fitted::restore(model, spec, vec![], learnt, Source::Nuts(Arc::new(sampled)), control)
    }

    /// The same with at least `n` of a sampler's draws, evenly spaced.
    pub fn thin(&self, n: usize) -> Self {
        let source = match &self.source {
            Source::Nuts(sampled) => Source::Nuts(Arc::new(sampled.thin(n))),
            Source::Laplace { draws, seed } => Source::Laplace { draws: n.min(*draws), seed: *seed },
        };
        Fitted { draws: Arc::new(source.draws(&self.learnt)), source, ..self.clone() }
    }

    /// Conditions on a dossier at given parameters (by default the prior modes), without learning or draws.
    pub fn fixed(model: Arc<Model>, spec: DossierSpec, theta: Option<Vec<f64>>, control: &Control) -> Result<Self> {
        let start = model.parameters.start();
        let theta = theta.unwrap_or_else(|| start.clone());
        if theta.len() != start.len() || theta.iter().any(|x| !x.is_finite()) {
            let message = format!("θ has {} numbers; {} finite ones are expected", theta.len(), start.len());
            return Err(Error::spec("theta", "theta", message));
        }
        let log_prior = model.parameters.log_prior(&theta).0;
        let learnt = Learnt { theta, log_prior, gradient_norm: f64::NAN, iterations: 0, root: vec![] };
        Fitted::restore(model, spec, vec![], learnt, Source::Laplace { draws: 0, seed: 0 }, control)
    }

    /// Puts a fit together from what was learnt and how it was varied.
    ///
    /// # Errors
    /// `Impossible` where the developments, or the changes and they, contradict each other.
    pub fn restore(
        model: Arc<Model>,
        spec: DossierSpec,
        changes: Vec<Change>,
        learnt: Learnt,
        source: Source,
        control: &Control,
    ) -> Result<Self> {
        let width = model.parameters.start().len();
        let sound = match &source {
            Source::Laplace { draws, .. } => *draws == 0 || learnt.root.len() == width * width,
            Source::Nuts(sampled) => sampled.sound(width),
        };
        if learnt.theta.len() != width || !sound {
            let message = format!("what was learnt has {} numbers; the model has {width}", learnt.theta.len());
            return Err(Error::spec("learnt", "the fit", message));
        }
        let draws = Arc::new(source.draws(&learnt));
        let learnt = Arc::new(learnt);
        let scenario = Scenario::compile(&model, &spec, &changes)?;
        let (base, mode) = scenario.evaluate(&model, &learnt, None, control)?;
        let parts = Arc::default();
        Ok(Fitted { model, spec, changes, learnt, source, scenario, base, mode, draws, parts })
    }

    /// The same parameters under one more change.
    ///
    /// # Errors
    /// `Impossible` where the change contradicts the developments.
    pub fn with(&self, change: Change, control: &Control) -> Result<Self> {
        let changes: Vec<Change> = self.changes.iter().cloned().chain([change]).collect();
        let scenario = Scenario::compile(&self.model, &self.spec, &changes)?;
        let (base, mode) = scenario.evaluate(&self.model, &self.learnt, Some((&self.base, &self.mode)), control)?;
        Ok(Fitted { changes, scenario, base, mode, ..self.clone() })
    }

    /// The same parameters on another dossier, the changes kept: what both share up to the first difference is not swept
    /// again, so that a dossier which grows at its end costs what is new in it.
    ///
    /// # Errors
    /// `Impossible` where the developments contradict each other.
    pub fn on(&self, spec: DossierSpec, control: &Control) -> Result<Self> {
        let scenario = Scenario::compile(&self.model, &spec, &self.changes)?;
        let (base, mode) = scenario.evaluate(&self.model, &self.learnt, Some((&self.base, &self.mode)), control)?;
        Ok(Fitted { spec, scenario, base, mode, ..self.clone() })
    }

    /// The dossier as the changes left it.
    pub fn dossier(&self) -> &Dossier {
        &self.scenario.dossier
    }

    /// Log-evidence of the dossier as it now is, at the mode.
    pub fn log_evidence(&self) -> f64 {
        self.mode.joined.log_evidence
    }

    /// Draws of θ.
    pub fn draws(&self) -> &[Vec<f64>] {
        &self.draws
    }

    /// Profiles of the log-posterior of the numbers with these names, or of all; intensities per day.
    ///
    /// # Errors
    /// `Spec` for a name that there is none of, a level outside (0, 1), or a fit whose evidence was changed after it
    /// learnt, or that learnt nothing; `Interrupted`.
    pub fn profiles(&self, names: &[String], level: f64, steps: usize, control: &Control) -> Result<Vec<Profile>> {
        let width = self.learnt.theta.len();
        let refuse = |message: &str| Err(Error::spec("profile", "profile", message));
        if !self.changes.is_empty() {
            return refuse("parameters are kept under given, do and without; profile the fit that learnt them");
        }
        if self.learnt.root.len() != width * width {
            return refuse("nothing was learnt here; expected a fit by m.fit");
        }
        let root = DMatrix::from_row_slice(width, width, &self.learnt.root);
        let inverse = root.solve_lower_triangular(&DMatrix::identity(width, width));
        let inverse = inverse.unwrap_or_else(|| DMatrix::identity(width, width));
        let summit = Summit {
            theta: &self.learnt.theta,
            value: self.log_evidence() + self.learnt.log_prior,
            information: inverse.tr_mul(&inverse),
        };
        let of = LogPosterior { prepared: &self.base, control };
        profiles(&of, &summit, &self.model.parameters.chosen(names)?, level, steps, control)
    }

    /// The log marginal likelihood of the dossier: see [`marginal`](super::marginal).
    ///
    /// # Errors
    /// `Unidentified` for a number with a flat prior; `Spec` for a fit that learnt nothing or was changed since, and for
    /// judgements about answers, whose density has no normalising constant.
    pub fn marginal(&self, control: &Control) -> Result<Marginal> {
        let refuse = |message: &str| Err(Error::spec("log_marginal", "log_marginal", message));
        refuse_flat(&self.model.parameters)?;
        if !self.changes.is_empty() {
            return refuse("parameters are kept under given, do and without; ask the fit that learnt them");
        }
        if !self.model.expectations.is_empty() {
            return refuse("judgements about answers have no normalising constant; expected a model without them");
        }
        let parameters = &self.model.parameters;
        let log = |theta: &[f64]| {
            let evaluated = self.base.forward(parameters.values(theta), control)?;
            Ok(evaluated.joined.log_evidence + parameters.log_prior(theta).0)
        };
        match &self.source {
            Source::Nuts(sampled) => by_bridge(sampled, sampled.seed, log),
            Source::Laplace { draws, seed } if self.learnt.root.len() == self.learnt.theta.len().pow(2) => {
                by_importance((&self.learnt.theta, &self.learnt.root), (*draws, *seed), log)
            }
            Source::Laplace { .. } => refuse("nothing was learnt here; expected a fit by m.fit, or a posterior"),
        }
    }

    pub(super) fn prepared(&self, wanted: &[usize], marks: &[f64], atoms: &[Atom]) -> Result<Arc<Prepared>> {
        if wanted.is_empty() && marks.is_empty() && atoms.is_empty() {
            return Ok(self.base.clone());
        }
        Ok(Arc::new(self.scenario.prepare(&self.model, wanted, marks, atoms)?))
    }

    /// The evidence at θ; what is known of the mode is not computed again.
    pub(super) fn evaluated(
        &self,
        prepared: &Arc<Prepared>,
        theta: &[f64],
        control: &Control,
    ) -> Result<Arc<Evaluated>> {
        if Arc::ptr_eq(prepared, &self.base) && std::ptr::eq(theta, self.learnt.theta.as_slice()) {
            return Ok(self.mode.clone());
        }
        let values = self.model.parameters.values(theta);
        let evaluated = match Arc::ptr_eq(prepared, &self.base) {
            true => prepared.beside(values, &self.mode, control)?,
            false => prepared.forward(values, control)?,
        };
        if evaluated.joined.log_evidence.is_finite() {
            return Ok(Arc::new(evaluated));
        }
        Err(Error::Impossible { development: None, message: "the dossier has probability zero at this draw".into() })
    }

    /// Evaluates something at the mode and at every draw, in parallel over draws.
    pub(super) fn each(&self, control: &Control, at: impl Fn(&[f64]) -> Result<Vec<f64>> + Sync) -> Result<Draws> {
        control.announce(1 + self.draws.len());
        let mode = at(&self.learnt.theta)?;
        afford_draws(self.draws.len(), mode.len())?;
        control.tick();
        let draws: Vec<Option<Vec<f64>>> = self
            .draws
            .par_iter()
            .map(|theta| {
                let result = at(theta);
                control.tick();
                match result {
                    // A draw far out, where the dossier or a question's condition cannot be: it has no weight.
                    Err(Error::Impossible { .. }) => Ok(None),
                    result => result.map(Some),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Draws { mode, draws: draws.into_iter().flatten().collect() })
    }

    /// Probabilities of the questions, in their order; NaN at a draw where what a question is given cannot be.
    pub fn ask(&self, questions: &[Question], control: &Control) -> Result<Draws> {
        let compiled = self.compiled(questions)?;
        // What the later stages of a question of time spent add at the mode, which draws take over.
        let later: OnceLock<Vec<f64>> = OnceLock::new();
        self.each(control, |theta| {
            let at_mode = std::ptr::eq(theta, self.learnt.theta.as_slice());
            let mut answers: Vec<Vec<f64>> = vec![vec![]; questions.len()];
            for (prepared, asked) in &compiled {
                let enough = |number: usize, answers: &[Vec<f64>]| !at_mode && answers[number].len() == AT_DRAWS;
                if asked.iter().all(|(number, ..)| enough(*number, &answers)) {
                    continue;
                }
                let evaluated = self.evaluated(prepared, theta, control)?;
                let mut fills = Fills::default();
                for (number, _, asked) in asked {
                    if enough(*number, &answers) {
                        continue;
                    }
                    answers[*number].push(match asked.answer(prepared, &evaluated, &mut fills, control) {
                        // At this draw what is given cannot be: that says nothing of the other questions.
                        Err(Error::Impossible { .. }) if !at_mode => f64::NAN,
                        answer => answer?,
                    });
                }
            }
            if at_mode {
                let added =
                    |all: &Vec<f64>| if all.len() == 1 { 0.0 } else { come_to(all) - come_to(&all[..AT_DRAWS]) };
                let _ = later.set(answers.iter().map(added).collect());
            }
            let told = |(number, answers): (usize, &Vec<f64>)| match answers.as_slice() {
                [p] => Ok(*p),
                staged if at_mode => settled(&format!("question '{}'", questions[number].name), staged),
                // A sum of weighed answers may lie a little beside.
                staged => Ok((come_to(staged) + later.get().map_or(0.0, |added| added[number])).clamp(0.0, 1.0)),
            };
            answers.iter().enumerate().map(told).collect()
        })
    }

    /// Questions compiled, by the evidence plans that they need: each with its number, or several with weights for one whose
    /// answer is a sum.
    #[allow(clippy::type_complexity)]
    pub(super) fn compiled(&self, questions: &[Question]) -> Result<Vec<(Arc<Prepared>, Vec<(usize, f64, Asked)>)>> {
        let now = self.dossier().as_of;
        // By the ladders that the evidence does not carry, and what is asked of the past.
        let mut groups: Vec<(Vec<usize>, Vec<Atom>, Vec<(usize, f64, Question)>)> = vec![];
        let staged = |(number, question): (usize, &Question)| {
            question.staged().into_iter().map(move |(weight, question)| (number, weight, question))
        };
        for one in questions.iter().enumerate().flat_map(staged) {
            let needed = ancestors(&self.model, Asked::ladders(&one.2));
            let wanted: Vec<usize> = needed.difference(&self.base.carried).copied().collect();
            let past = one.2.past(now);
            match groups.iter_mut().find(|group| group.0 == wanted && group.1 == past) {
                Some(group) => group.2.push(one),
                None => groups.push((wanted, past, vec![one])),
            }
        }
        let mut compiled = vec![];
        for (wanted, past, group) in groups {
            let prepared = self.prepared(&wanted, &[], &past)?;
            let mut known = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
            known.forget();
            let mut asked = vec![];
            for (number, weight, question) in group {
                let overrides = &self.scenario.overrides;
                asked.push((number, weight, Asked::new(&prepared, &question, overrides, &mut known)?));
            }
            compiled.push((prepared, asked));
        }
        Ok(compiled)
    }

    /// The questions' slopes in θ at the mode, in their order: see [`slope`](super::slope).
    ///
    /// # Errors
    /// `Impossible` where what a question is given has probability 0.
    pub fn slopes(&self, questions: &[Question], control: &Control) -> Result<Vec<Slope>> {
        let mut all = vec![Slope::nothing(self.learnt.theta.len()); questions.len()];
        let mut staged: Vec<Vec<f64>> = vec![vec![]; questions.len()];
        for (prepared, asked) in self.compiled(questions)? {
            let evaluated = self.evaluated(&prepared, &self.learnt.theta, control)?;
            let (places, asked): (Vec<(usize, f64)>, Vec<Asked>) =
                asked.into_iter().map(|(number, weight, asked)| ((number, weight), asked)).unzip();
            let told = slopes(&prepared, &evaluated, &asked, &mut Fills::default(), control)?;
            for (&(number, weight), slope) in places.iter().zip(&told) {
                all[number].add(slope, weight);
                staged[number].push(slope.probability);
            }
        }
        for (question, answers) in questions.iter().zip(&staged).filter(|(_, answers)| answers.len() > 1) {
            settled(&format!("question '{}'", question.name), answers)?;
        }
        Ok(all)
    }

    /// The law of every ladder at `times` (days since the origin, ascending): `[time][ladder][rung]`, flat.
    ///
    /// Smoothed up to now, forecast after.
    pub fn forecast(&self, times: &[f64], control: &Control) -> Result<Draws> {
        let now = self.dossier().as_of;
        // At the instant of an intervention the law after it is shown.
        let set_now =
            self.scenario.overrides.iter().any(|set| matches!(set, Override::Ladder { since, .. } if *since == now));
        let (past, ahead): (Vec<f64>, Vec<f64>) =
            times.iter().copied().partition(|&t| t < now || (t == now && !set_now));
        let base = self.prepared(&[], &past, &[])?;
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..self.model.ladders.len()).partition(|ladder| base.carried.contains(ladder));
        let mut compiled = vec![(Ahead::new(&base, &inside, &self.scenario.overrides, &ahead)?, base, inside)];
        for ladder in outside {
            let prepared = self.prepared(&[ladder], &past, &[])?;
            compiled.push((
                Ahead::new(&prepared, &[ladder], &self.scenario.overrides, &ahead)?,
                prepared,
                vec![ladder],
            ));
        }
        self.each(control, |theta| {
            let mut laws: Vec<Vec<Vec<f64>>> = vec![vec![]; self.model.ladders.len()];
            for (later, prepared, read) in &compiled {
                let evaluated = self.evaluated(prepared, theta, control)?;
                let behind = if past.is_empty() { vec![] } else { prepared.smoothed(&evaluated, control)? };
                let next = later.laws(prepared, &evaluated, control)?;
                for &ladder in read {
                    laws[ladder].extend(behind.get(ladder).cloned().unwrap_or_default());
                    laws[ladder].extend(next[ladder].clone());
                }
            }
            let by_time = (0..times.len()).flat_map(|t| laws.iter().flat_map(move |law| law[t].clone()));
            Ok(by_time.collect())
        })
    }

    /// The law of every ladder at each time given what was complete by then, at the mode: `[time][ladder][rung]`, flat.
    pub fn filtered(&self, times: &[f64], control: &Control) -> Result<Vec<f64>> {
        filtered(&self.model, &self.scenario, &self.learnt.theta, times, control)
    }

    /// `n` worlds: from now until a time (days since the origin), given all that is known; or, without `until`, from the
    /// origin until now, of all that is known only the parameters kept. World w is drawn at draw w of θ, in turn.
    ///
    /// # Errors
    /// As [`worlds`]; `Spec` where `until` is not after now; `TooLarge` where the ladders together are too large.
    pub fn worlds(&self, until: Option<f64>, n: usize, seed: u64, control: &Control) -> Result<Worlds> {
        let all: Vec<usize> = (0..self.model.ladders.len()).collect();
        let now = self.dossier().as_of;
        let (prepared, until) = match until {
            Some(until) if until > now => {
                let outside: Vec<usize> = all.into_iter().filter(|l| !self.base.carried.contains(l)).collect();
                (self.prepared(&outside, &[], &[])?, until)
            }
            Some(_) => return Err(Error::spec("until", "until", "the worlds would end before they begin")),
            None => {
                let empty = Dossier { as_of: 0.0, developments: vec![], left_out: vec![] };
                let mut prepared = Prepared::new(&self.model, &empty, &all, &[])?;
                prepared.surgery.clone_from(&self.scenario.surgery);
                (Arc::new(prepared), now)
            }
        };
        let at = |k: usize| {
            // Fewer worlds than draws take some from all along: a sampler's lie chain after chain.
            let used = self.draws.len().min(n.max(1));
            let theta = self.draws.get(k * self.draws.len() / used.max(1)).unwrap_or(&self.learnt.theta);
            match self.evaluated(&prepared, theta, control) {
                // A draw far out, where the dossier cannot be: its worlds are drawn at the mode.
                Err(Error::Impossible { .. }) => self.evaluated(&prepared, &self.learnt.theta, control),
                evaluated => evaluated,
            }
        };
        let overrides = self.scenario.overrides.clone();
        let count = self.draws.len();
        let (drawn, values) = worlds(&prepared, &overrides, until, (n, seed), count, at, control)?;
        let (model, dossier) = (self.model.clone(), self.dossier().clone());
        Ok(Worlds { model, overrides, worlds: drawn, span: (prepared.now, until), values, seed, dossier })
    }

    /// The same fit without its draws.
    pub fn at_mode(&self) -> Self {
        Fitted { draws: Arc::new(vec![]), source: Source::Laplace { draws: 0, seed: 0 }, ..self.clone() }
    }

    /// Law of every driver's states before any development, at the prior modes, in order, flat.
    pub fn drivers_before(&self, control: &Control) -> Result<Vec<f64>> {
        control.check()?;
        let empty = Dossier { as_of: self.dossier().as_of, developments: vec![], left_out: vec![] };
        let prepared = Prepared::new(&self.model, &empty, &[], &[])?;
        let evaluated = prepared.forward(self.model.parameters.values(&self.model.parameters.start()), control)?;
        evaluated.joined.posteriors()
    }

    /// How far each judgement about an answer gave way to the rest; those made after the dossier's date are not there.
    ///
    /// # Errors
    /// As [`Judged::hear`].
    pub fn gave_way(&self, control: &Control) -> Result<Vec<GaveWay>> {
        let dossier = Dossier::compile(&self.spec, &self.model)?;
        Judged::new(&self.model, &dossier)?.gave_way(&self.model, &self.learnt.theta, &self.learnt.root, control)
    }

    /// Expected days that each condition holds over a span (days since the origin), given all evidence.
    ///
    /// # Errors
    /// `Spec` where the span reaches beyond now and something is set by hand after now.
    pub fn time_in(&self, conditions: Vec<Condition>, span: (f64, f64), control: &Control) -> Result<Draws> {
        if span.1 > self.dossier().as_of && !self.scenario.overrides.is_empty() {
            let message = "the span reaches beyond the fit's date, from which on something is set by hand; a span that \
                           ends by then is expected";
            return Err(Error::spec("time_in", "over", message));
        }
        let surgery = &self.scenario.surgery;
        let asked = Occupancy::new(&self.model, self.dossier(), surgery, conditions, span)?;
        self.each(control, |theta| asked.days(&self.model.parameters.values(theta), control))
    }

    /// Posterior of every driver's states, in order, flat.
    pub fn drivers(&self, control: &Control) -> Result<Draws> {
        let prepared = self.prepared(&[], &[], &[])?;
        self.each(control, |theta| {
            control.check()?;
            self.evaluated(&prepared, theta, control)?.joined.posteriors()
        })
    }
}

/// A matrix of so many entries on its diagonal, row by row.
fn diagonal(entries: &[f64]) -> Vec<f64> {
    let width = entries.len();
    (0..width * width).map(|k| if k / width == k % width { entries[k / width] } else { 0.0 }).collect()
}

/// Refuses more draws of so many numbers than memory holds.
fn afford_draws(draws: usize, numbers: usize) -> Result<()> {
    // A vector's own header, and a copy for sorting.
    let bytes = draws as f64 * (16.0 * numbers as f64 + 64.0);
    let limit = limits::memory();
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("{draws} draws of {numbers} numbers would take {bytes:.3e} bytes; {limit:.3e} are allowed");
    Err(Error::TooLarge { bytes, limit, message })
}
