//! Judgements about answers as priors: each a normal density of an answer's logit, with its exact slope, and what gave way.
//!
//! The density weighs θ: ln N(logit P(answer | what was known then; θ); mean, sd), no Jacobian. Leaving one out gives what the
//! rest of the model says (the cavity of expectation propagation, Minka 2001; exact where all is normal); how far that lies
//! from the judgement is a conflict in the sense of Presanis et al. 2013 (Stat. Sci. 28(3)).

use super::answer::Asked;
use super::dossier::Dossier;
use super::engine::Prepared;
use super::model::{Expectation, Model};
use super::onward::{Fills, Parts};
use super::question::Question;
use super::slope::{Slope, slopes};
use crate::ground::{Control, Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The judgements that count as of a dossier's date, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    cuts: Vec<Cut>,
}

/// What was known on one day, and what was judged then.
#[derive(Debug, Clone)]
struct Cut {
    prepared: Prepared,
    /// Their numbers among the model's, and what each weighs in the answer.
    numbers: Vec<(usize, f64)>,
    asked: Vec<Asked>,
}

/// A judgement at some θ: the logit of the answer, and its slope.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Its number among the model's.
    pub number: usize,
    pub probability: f64,
    pub logit: f64,
    pub slope: Vec<f64>,
}

/// How far a judgement gave way.
#[derive(Debug, Clone, PartialEq)]
pub struct GaveWay {
    pub number: usize,
    /// The answer now, all considered.
    pub probability: f64,
    /// What all but this judgement says of it: the middle, and the standard deviation of the logit.
    pub others: f64,
    pub others_sd: f64,
    /// Answer minus judgement, in the judgement's standard deviations.
    pub gave_way: f64,
    /// What all else says minus the judgement, in standard deviations of the difference.
    pub conflict: f64,
}

impl Judged {
    /// The model's judgements that had been made by the dossier's date.
    ///
    /// # Errors
    /// `Spec` where what was judged without a date asks about a day that has passed; `TooLarge`.
    pub fn new(model: &Arc<Model>, dossier: &Dossier) -> Result<Self> {
        let mut by_day: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (number, expectation) in model.expectations.iter().enumerate() {
            let day = expectation.known.unwrap_or(dossier.as_of);
            if day <= dossier.as_of {
                in_time(expectation, day)?;
                // Days since the origin are not negative, so that their bits are in their order.
                by_day.entry(day.to_bits()).or_default().push(number);
            }
        }
        let cut = |(day, numbers): (u64, Vec<usize>)| -> Result<Cut> {
            let day = f64::from_bits(day);
            let developments = dossier.developments.iter().filter(|d| d.reported <= day).cloned().collect();
            let known = Dossier { as_of: day, developments, left_out: vec![] };
            let staged = |number: usize| {
                let staged = model.expectations[number].question.as_of(day).staged();
                staged.into_iter().map(move |(weight, question)| ((number, weight), question))
            };
            let (numbers, questions): (Vec<(usize, f64)>, Vec<Question>) = numbers.into_iter().flat_map(staged).unzip();
            let wanted: Vec<usize> = questions.iter().flat_map(Asked::ladders).collect();
            let prepared = Prepared::new(model, &known, &wanted, &[])?;
            let mut parts = Parts::default();
            let ask = |q: &Question| Asked::new(&prepared, q, &[], &mut parts);
            let asked = questions.iter().map(ask).collect::<Result<_>>()?;
            Ok(Cut { prepared, numbers, asked })
        };
        Ok(Judged { cuts: by_day.into_iter().map(cut).collect::<Result<_>>()? })
    }

    /// Every judgement's answer at θ.
    ///
    /// # Errors
    /// `Impossible` where what was known, or what an answer is given, has probability 0.
    pub fn hear(&self, theta: &[f64], control: &Control) -> Result<Vec<Heard>> {
        let mut heard = vec![];
        for cut in &self.cuts {
            let values = cut.prepared.model.parameters.values(theta);
            let evaluated = cut.prepared.forward(values, control)?;
            if !evaluated.joined.log_evidence.is_finite() {
                let message = "what was known when an answer was judged has probability zero".into();
                return Err(Error::Impossible { development: None, message });
            }
            let told = slopes(&cut.prepared, &evaluated, &cut.asked, &mut Fills::default(), control)?;
            let mut sums: Vec<(usize, Slope)> = vec![];
            for (&(number, weight), slope) in cut.numbers.iter().zip(&told) {
                match sums.last_mut().filter(|(last, _)| *last == number) {
                    Some((_, sum)) => sum.add(slope, weight),
                    None => {
                        let mut sum = Slope::nothing(theta.len());
                        sum.add(slope, weight);
                        sums.push((number, sum));
                    }
                }
            }
            for (number, slope) in sums {
                let (p, rest) = (slope.probability, slope.complement);
                let slope = slope.gradient.iter().map(|g| g / (p * rest)).collect();
                heard.push(Heard { number, probability: p, logit: p.ln() - rest.ln(), slope });
            }
        }
        Ok(heard)
    }

    /// The log density of all judgements at θ, and its slope; −∞ where one's answer is certain.
    ///
    /// # Errors
    /// As [`Judged::hear`].
    pub fn log_density(&self, model: &Model, theta: &[f64], control: &Control) -> Result<(f64, Vec<f64>)> {
        let mut log = 0.0;
        let mut slope = vec![0.0; theta.len()];
        for heard in self.hear(theta, control)? {
            let Expectation { mean, sd, .. } = &model.expectations[heard.number];
            if !heard.logit.is_finite() {
                return Ok((f64::NEG_INFINITY, vec![f64::NAN; theta.len()]));
            }
            let z = (heard.logit - mean) / sd;
            log -= 0.5 * z * z + sd.ln() + 0.5 * std::f64::consts::TAU.ln();
            slope.iter_mut().zip(&heard.slope).for_each(|(sum, g)| *sum -= z / sd * g);
        }
        Ok((log, slope))
    }

    /// How far each judgement gave way to the rest at the mode θ, where draws are θ + root · z (row by row).
    ///
    /// # Errors
    /// As [`Judged::hear`].
    pub fn gave_way(&self, model: &Model, theta: &[f64], root: &[f64], control: &Control) -> Result<Vec<GaveWay>> {
        let one = |heard: Heard| {
            let Expectation { mean, sd, .. } = &model.expectations[heard.number];
            let along = |column: usize| {
                heard.slope.iter().enumerate().map(|(row, g)| g * root[row * theta.len() + column]).sum::<f64>()
            };
            // Variance of the logit under all, then under all but this judgement.
            let variance = if root.is_empty() { 0.0 } else { (0..theta.len()).map(|k| along(k).powi(2)).sum::<f64>() };
            let own = 1.0 / (sd * sd);
            let precision = 1.0 / variance - own;
            let others = match precision > 1e-9 * own {
                true => (heard.logit / variance - mean * own) / precision,
                // Nothing else speaks of it (or the answer does not depend on θ at all).
                false => heard.logit,
            };
            let others_sd = if variance == 0.0 { 0.0 } else { precision.max(1e-9 * own).sqrt().recip() };
            GaveWay {
                number: heard.number,
                probability: heard.probability,
                others: 1.0 / (1.0 + (-others).exp()),
                others_sd,
                gave_way: (heard.logit - mean) / sd,
                conflict: (others - mean) / sd.hypot(others_sd),
            }
        };
        Ok(self.hear(theta, control)?.into_iter().map(one).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }
}

/// Refuses a judgement whose question looks at what has passed on the day it counts from.
fn in_time(expectation: &Expectation, day: f64) -> Result<()> {
    let atoms = expectation.question.as_of(day).atoms;
    if !atoms.iter().any(|atom| atom.is_past(day)) {
        return Ok(());
    }
    let entry = format!("expectation '{}'", expectation.question.name);
    let message = match atoms.iter().all(|atom| atom.end() > day) {
        true => "it looks at what lay behind on the day on which it was judged; expected a question of what was ahead",
        false => "its date has passed by the dossier's; expected `known`, the day on which it was judged",
    };
    Err(Error::spec("expect", entry, message))
}
