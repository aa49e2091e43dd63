//! How an answer hangs on each number: exact slopes, the answer over what is believed of it, and where it crosses a line.

use super::answer::Asked;
use super::engine::Prepared;
use super::fitted::Fitted;
use super::onward::Fills;
use super::parameter::{Parameters, Prior, RealPrior, RowPrior};
use super::profile::{Held, Named, What};
use super::question::Question;
use super::theta::Number;
use crate::ground::{Control, Error, Result};
use argmin::core::{CostFunction, Executor, State};
use argmin::solver::brent::BrentRoot;
use rayon::prelude::*;
use statrs::distribution::{Beta, ContinuousCDF, Gamma, Normal};
use std::sync::Arc;

/// Standard normal quantiles of the central 90 %.
const NINETY: f64 = 1.644_853_626_951_472_2;
/// How far out in a belief a breaking point is looked for, in standard normal quantiles.
const FAR: f64 = 4.0;
/// Accuracy of a breaking point there.
const ACCURACY: f64 = 1e-10;

/// What is believed of a held number (a logarithm, a logit or the number itself), by standard normal quantiles.
#[derive(Debug, Clone, Copy)]
enum Belief {
    Normal {
        mean: f64,
        sd: f64,
    },
    /// The logarithm of a gamma.
    LogGamma(Gamma),
    /// The logit of a beta.
    LogitBeta(Beta),
}

impl Belief {
    fn held(self, z: f64) -> f64 {
        let p = standard().cdf(z);
        match self {
            Belief::Normal { mean, sd } => mean + sd * z,
            Belief::LogGamma(gamma) => gamma.inverse_cdf(p).ln(),
            Belief::LogitBeta(beta) => {
                let p = beta.inverse_cdf(p);
                (p / (1.0 - p)).ln()
            }
        }
    }

    fn quantile(self, held: f64) -> f64 {
        let of = |p: f64| standard().inverse_cdf(p.clamp(1e-12, 1.0 - 1e-12));
        match self {
            Belief::Normal { mean, sd } => (held - mean) / sd,
            Belief::LogGamma(gamma) => of(gamma.cdf(held.exp())),
            Belief::LogitBeta(beta) => of(beta.cdf(1.0 / (1.0 + (-held).exp()))),
        }
    }
}

fn standard() -> Normal {
    Normal::standard()
}

/// One number, and what the answer does over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lever {
    pub name: String,
    pub kind: What,
    /// The number at the mode (intensities per day).
    pub value: f64,
    /// ∂P/∂x.
    pub slope: f64,
    /// ∂ ln P / ∂ ln x; of a number on the whole line NaN.
    pub elasticity: f64,
    /// Central 90 % of what was believed of it beforehand (of a flat number: what is believed now); NaN where nothing is.
    pub low: f64,
    pub high: f64,
    /// The answer there, all else at the mode; NaN beyond the first so many.
    pub at_low: f64,
    pub at_high: f64,
    /// By how much the answer differs between them, to first order: what levers are sorted by.
    pub swing: f64,
}

/// How far a number must move for the answer to cross a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Breaking {
    pub name: String,
    pub kind: What,
    pub value: f64,
    /// Where it crosses; `None` where it does not within all but one in thirty thousand of what is believed.
    pub at: Option<f64>,
    /// How far out that lies in the belief, in standard normal quantiles.
    pub quantile: f64,
}

/// What is asked of a plan, and by what each is weighed.
type Weighed = (Arc<Prepared>, Vec<(f64, Asked)>);

/// An answer at other numbers.
struct Answers<'a> {
    fitted: &'a Fitted,
    /// Plans of the evidence, and what is asked of them: the answer is the weighed sum.
    asked: Vec<Weighed>,
    control: &'a Control,
}

impl Answers<'_> {
    fn at(&self, theta: &[f64]) -> Result<f64> {
        self.control.check()?;
        let mut sum = 0.0;
        for (prepared, asked) in &self.asked {
            let evaluated = self.fitted.evaluated(prepared, theta, self.control)?;
            let mut fills = Fills::default();
            for (weight, asked) in asked {
                sum += weight * asked.answer(prepared, &evaluated, &mut fills, self.control)?;
            }
        }
        Ok(sum)
    }
}

/// The distance of an answer from a line, over quantiles of one number's belief.
struct Crossing<'a> {
    answers: &'a Answers<'a>,
    held: Held,
    belief: Belief,
    theta: &'a [f64],
    line: f64,
}

impl CostFunction for Crossing<'_> {
    type Param = f64;
    type Output = f64;

    fn cost(&self, z: &f64) -> std::result::Result<f64, argmin::core::Error> {
        Ok(self.answers.at(&self.held.moved(self.theta, self.belief.held(*z)))? - self.line)
    }
}

impl Parameters {
    /// What is believed of a free number beforehand; `None` where its prior is flat.
    fn belief(&self, held: Held) -> Option<Belief> {
        let owners = self.owners();
        match held {
            Held::Coordinate(k) | Held::Line(k) => match owners.get(k)? {
                Number::Positive(p) => match self.positives[*p].prior {
                    Prior::LogNormal { mean, sd } => Some(Belief::Normal { mean, sd }),
                    Prior::Gamma { shape, exposure } => Gamma::new(shape, exposure).ok().map(Belief::LogGamma),
                    Prior::Flat | Prior::Fixed => None,
                },
                Number::Real(r) => match self.reals[*r].prior {
                    RealPrior::Normal { mean, sd } => Some(Belief::Normal { mean, sd }),
                    RealPrior::Flat | RealPrior::Fixed => None,
                },
                Number::Row(_) => None,
            },
            Held::Entry { first, entry, .. } => {
                let Number::Row(row) = owners.get(first)? else { return None };
                let RowPrior::Dirichlet { worth } = self.rows[*row].prior else { return None };
                let p = self.rows[*row].value.iter().copied().filter(|p| *p > 0.0).nth(entry)?;
                Beta::new(worth * p, worth * (1.0 - p)).ok().map(Belief::LogitBeta)
            }
        }
    }
}

/// The slope by what is held, of one in θ.
fn by_held(held: Held, gradient: &[f64]) -> f64 {
    match held {
        Held::Coordinate(k) | Held::Line(k) => gradient[k],
        Held::Entry { first, width, entry } => {
            let own = &gradient[first..first + width];
            own.get(entry).copied().unwrap_or_else(|| -own.iter().sum::<f64>())
        }
    }
}

impl Fitted {
    fn answers<'a>(&'a self, question: &Question, control: &'a Control) -> Result<Answers<'a>> {
        let compiled = self.compiled(std::slice::from_ref(question))?.into_iter();
        let weighed = |asked: Vec<(usize, f64, Asked)>| asked.into_iter().map(|(_, w, asked)| (w, asked)).collect();
        let asked = compiled.map(|(prepared, asked)| (prepared, weighed(asked))).collect();
        Ok(Answers { fitted: self, asked, control })
    }

    /// What is believed of a number: beforehand, or, where that is flat, by the normal around the mode.
    fn believed(&self, held: Held) -> Option<Belief> {
        let own = || {
            let sd = match held {
                Held::Coordinate(k) | Held::Line(k) => *self.source.spread(&self.learnt).get(k)?,
                Held::Entry { .. } => return None,
            };
            (sd > 0.0).then(|| Belief::Normal { mean: held.place(&self.learnt.theta), sd })
        };
        self.model.parameters.belief(held).or_else(own)
    }

    /// Every free number's pull on an answer at the mode, the strongest first; the answer at both ends of what is believed of
    /// each of the first `top`.
    ///
    /// # Errors
    /// As [`Fitted::slopes`].
    pub fn levers(&self, question: &Question, top: usize, control: &Control) -> Result<Vec<Lever>> {
        let theta = &self.learnt.theta;
        let slope = self.slopes(std::slice::from_ref(question), control)?.swap_remove(0);
        let answers = self.answers(question, control)?;
        let mut levers: Vec<(Held, Option<Belief>, Lever)> = vec![];
        for Named { name, held, kind } in self.model.parameters.named() {
            let (value, by) = (held.of(theta), by_held(held, &slope.gradient));
            // dx of a step of what is held, and d ln x.
            let (step, relative) = match kind {
                What::Positive(_) => (value, 1.0),
                What::Probability => (value * (1.0 - value), 1.0 - value),
                What::Real => (1.0, f64::NAN),
            };
            let belief = self.believed(held);
            let ends = belief.map_or([f64::NAN; 2], |belief| [-NINETY, NINETY].map(|z| belief.held(z)));
            levers.push((
                held,
                belief,
                Lever {
                    name,
                    kind,
                    value,
                    slope: by / step,
                    elasticity: by / relative / slope.probability,
                    low: held.number(ends[0]),
                    high: held.number(ends[1]),
                    at_low: f64::NAN,
                    at_high: f64::NAN,
                    // On the scale of the number itself where it has an end.
                    swing: match kind {
                        What::Probability => (by / step * (held.number(ends[1]) - held.number(ends[0]))).abs(),
                        _ => (by * (ends[1] - ends[0])).abs(),
                    },
                },
            ));
        }
        let size = |lever: &Lever| if lever.swing.is_nan() { -1.0 } else { lever.swing };
        levers.sort_by(|(_, _, a), (_, _, b)| size(b).total_cmp(&size(a)));
        levers.par_iter_mut().take(top).try_for_each(|(held, belief, lever)| -> Result<()> {
            let Some(belief) =
                belief.filter(|belief| belief.held(-NINETY).is_finite() && belief.held(NINETY).is_finite())
            else {
                return Ok(());
            };
            lever.at_low = answers.at(&held.moved(theta, belief.held(-NINETY)))?;
            lever.at_high = answers.at(&held.moved(theta, belief.held(NINETY)))?;
            Ok(())
        })?;
        let asked = top.min(levers.len());
        // NaN, where an end is not finite, comes last.
        let width = |lever: &Lever| (lever.at_high - lever.at_low).abs().max(-1.0);
        levers[..asked].sort_by(|(_, _, a), (_, _, b)| width(b).total_cmp(&width(a)));
        Ok(levers.into_iter().map(|(_, _, lever)| lever).collect())
    }

    /// For each of the `top` strongest numbers, where the answer crosses a line while all else stays at the mode.
    ///
    /// # Errors
    /// As [`Fitted::levers`].
    pub fn breaking(&self, question: &Question, line: f64, top: usize, control: &Control) -> Result<Vec<Breaking>> {
        let theta = &self.learnt.theta;
        let strongest: Vec<Lever> = self.levers(question, 0, control)?.into_iter().take(top).collect();
        let answers = self.answers(question, control)?;
        let now = answers.at(theta)?;
        let named = self.model.parameters.named();
        control.announce(strongest.len());
        let one = |lever: &Lever| -> Result<Option<Breaking>> {
            let Some(Named { name, held, kind }) = named.iter().find(|named| named.name == lever.name).cloned() else {
                return Ok(None);
            };
            let found = match self.believed(held) {
                Some(belief) => {
                    let crossing = Crossing { answers: &answers, held, belief, theta, line };
                    let upward = (line - now) * lever.slope > 0.0;
                    cross(&crossing, if upward { FAR } else { -FAR })?.map(|z| (held.number(belief.held(z)), z))
                }
                None => None,
            };
            control.tick();
            let (at, quantile) = (found.map(|(at, _)| at), found.map_or(f64::NAN, |(_, z)| z));
            Ok(Some(Breaking { name, kind, value: lever.value, at, quantile }))
        };
        Ok(strongest.par_iter().map(one).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The answer over the central 90 % of what is believed of two numbers: their values, `n` each, and the answers, the second
    /// fastest.
    ///
    /// # Errors
    /// `Spec` for a name that there is none of, or a number of which nothing is believed.
    pub fn two_way(
        &self,
        question: &Question,
        names: &[String; 2],
        n: usize,
        control: &Control,
    ) -> Result<([Vec<f64>; 2], Vec<f64>)> {
        let answers = self.answers(question, control)?;
        let named = self.model.parameters.chosen(names)?;
        let mut held = vec![];
        for one in &named {
            let belief = self.believed(one.held).ok_or_else(|| {
                Error::spec("sensitivity", format!("number '{}'", one.name), "nothing is believed of it beforehand")
            })?;
            let z = |k: usize| NINETY * (2.0 * k as f64 / (n.max(2) - 1) as f64 - 1.0);
            held.push((0..n).map(|k| belief.held(z(k))).collect::<Vec<f64>>());
        }
        let (a, b) = (named[0].held, named[1].held);
        control.announce(n * n);
        let one = |k: usize| {
            let first = a.moved(&self.learnt.theta, held[0][k / n]);
            let answer = answers.at(&b.moved(&first, held[1][k % n]));
            control.tick();
            answer
        };
        let table = (0..n * n).into_par_iter().map(one).collect::<Result<Vec<f64>>>()?;
        let numbers = |held: &[f64], of: Held| held.iter().map(|&x| of.number(x)).collect();
        Ok(([numbers(&held[0], a), numbers(&held[1], b)], table))
    }
}

/// Where the distance changes its sign between the belief's quantile now and `far`: in steps first, then by Brent's method.
fn cross(crossing: &Crossing<'_>, far: f64) -> Result<Option<f64>> {
    let lost = |error: argmin::core::Error| match error.downcast::<Error>() {
        Ok(own) => own,
        Err(other) => Error::NotConverged { message: other.to_string() },
    };
    let begin = crossing.belief.quantile(crossing.held.place(crossing.theta));
    let steps = 8;
    let mut last = (begin, crossing.cost(&begin).map_err(lost)?);
    for k in 1..=steps {
        let z = begin + (far - begin) * f64::from(k) / f64::from(steps);
        let height = crossing.cost(&z).map_err(lost)?;
        if last.1 * height <= 0.0 {
            let solver = BrentRoot::new(last.0.min(z), last.0.max(z), ACCURACY);
            let of = Crossing { ..*crossing };
            let run = Executor::new(of, solver).configure(|state| state.max_iters(100)).run().map_err(lost)?;
            return Ok(run.state.get_best_param().copied());
        }
        last = (z, height);
    }
    Ok(None)
}
