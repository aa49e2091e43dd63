//! The slope of an answer in θ: what the parameters are told where it is true, less what the evidence alone tells them.
//!
//! Fisher's identity for P(a, e) and for P(e): ∂P(a | e)/∂θ = P(a | e) (E[s | a, e] − E[s | e]), with s the score of the
//! complete path. The backward pass starts from the answer's own weights instead of from ones.

use super::answer::Asked;
use super::engine::{Evaluated, Joined, Prepared};
use super::onward::{Fills, Onward};
use super::question::Ask;
use super::sweep::{Gained, Keep, Sweep};
use super::theta::Statistics;
use crate::bayes::Factor;
use crate::ground::{Control, Error, Result};
use crate::markov::{Space, Tally};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// An answer's probability and its slope in every coordinate of θ.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    pub probability: f64,
    /// That of its opposite, nothing subtracted.
    pub complement: f64,
    pub gradient: Vec<f64>,
}

impl Slope {
    /// Of what cannot be, whatever the parameters.
    pub fn nothing(width: usize) -> Self {
        Slope { probability: 0.0, complement: 0.0, gradient: vec![0.0; width] }
    }

    /// Adds another, weighed.
    pub fn add(&mut self, other: &Slope, weight: f64) {
        self.probability += weight * other.probability;
        self.complement += weight * other.complement;
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(sum, g)| *sum += weight * g);
    }
}

/// What it says that a truth function of a question's atoms holds.
struct Leaning {
    /// P(it holds | evidence).
    mass: f64,
    /// P(it does not, but what the question is given does | evidence).
    rest: f64,
    /// The drivers given that it holds.
    joined: Joined,
    /// Expected statistics after now, times the mass.
    ahead: Statistics,
    /// By plan and configuration: what each joint rung now weighs, and with it the mass; none where all weigh the same.
    columns: BTreeMap<(usize, usize), (Vec<f64>, f64)>,
}

/// Slopes of answers at what was evaluated, in their order.
///
/// # Errors
/// `Impossible` where what a question is given has probability 0; `Interrupted`.
pub fn slopes(
    prepared: &Prepared,
    evaluated: &Evaluated,
    asked: &[Asked],
    fills: &mut Fills,
    control: &Control,
) -> Result<Vec<Slope>> {
    let mut leanings = vec![];
    for one in asked {
        leanings.push(one.lean(prepared, evaluated, fills, true, control)?);
        if one.question.given.is_some() {
            leanings.push(one.lean(prepared, evaluated, fills, false, control)?);
        }
    }
    let (alone, told) = behind(prepared, evaluated, &leanings, control)?;
    let values = &evaluated.values;
    let gradient = |statistics: &Statistics| prepared.model.parameters.gradient(values, statistics);
    let alone = gradient(&alone);
    let mut each = leanings.iter().zip(told).map(|(leaning, statistics)| {
        let slope = gradient(&statistics).iter().zip(&alone).map(|(own, alone)| own - leaning.mass * alone).collect();
        Slope { probability: leaning.mass, complement: leaning.rest, gradient: slope }
    });
    let mut out = vec![];
    for one in asked {
        let Some(both) = each.next() else { break };
        if one.question.given.is_none() {
            out.push(both);
            continue;
        }
        let Some(given) = each.next().filter(|given| given.probability > 0.0) else { return Err(one.nowhere()) };
        let probability = both.probability / given.probability;
        let complement = both.complement / given.probability;
        let ratio = |(a, b): (&f64, &f64)| (a - probability * b) / given.probability;
        out.push(Slope {
            probability,
            complement,
            gradient: both.gradient.iter().zip(&given.gradient).map(ratio).collect(),
        });
    }
    Ok(out)
}

/// Expected statistics of the evidence alone, and for each leaning those where it holds, times its mass.
fn behind(
    prepared: &Prepared,
    evaluated: &Evaluated,
    leanings: &[Leaning],
    control: &Control,
) -> Result<(Statistics, Vec<Statistics>)> {
    let parameters = &prepared.model.parameters;
    let tasks: Vec<(usize, usize)> = (0..prepared.plans.len())
        .flat_map(|p| (0..prepared.plans[p].part.configs.len()).map(move |config| (p, config)))
        .collect();
    let (opened, values) = (prepared.opened(&evaluated.values, control)?, &evaluated.values);
    // Statistics of the evidence alone, and of the leanings that weigh this plan's joint rungs.
    let told: Vec<Option<(Statistics, Vec<Option<Statistics>>)>> = tasks
        .par_iter()
        .map(|&(p, config)| {
            let plan = &prepared.plans[p];
            if evaluated.swept[p][config].end.is_empty() {
                return Ok(None);
            }
            let (sweep, space) = (Sweep::new(plan, &evaluated.filled[p], values, config, control), &plan.part.space);
            let swept = sweep.forward(opened[p].law(space, config), Keep::Steps)?;
            let gain = |column: Vec<f64>| -> Result<Statistics> {
                let mut gained = Gained::new(Tally::new(plan.part.labels()), Statistics::zero(parameters));
                let column = sweep.backward_from(&swept, column, 1.0, &mut gained)?;
                plan.part.pull(&gained.tally, values, &mut gained.statistics);
                opened[p].gain((space, config), &column, 1.0, control, &mut gained.statistics)?;
                Ok(gained.statistics)
            };
            let alone = gain(vec![1.0; swept.end.len()])?;
            let own = leanings
                .iter()
                .map(|leaning| leaning.columns.get(&(p, config)).map(|(column, _)| gain(column.clone())).transpose())
                .collect::<Result<_>>()?;
            Ok(Some((alone, own)))
        })
        .collect::<Result<_>>()?;
    let mut alone = Statistics::zero(parameters);
    let mut all: Vec<Statistics> = leanings.iter().map(|leaning| leaning.ahead.clone()).collect();
    for (p, plan) in prepared.plans.iter().enumerate() {
        let own = || tasks.iter().zip(&told).filter(|((plan, _), _)| *plan == p);
        let weights = evaluated.joined.posterior(&plan.part.drivers)?;
        own().filter_map(|((_, config), told)| Some((config, told.as_ref()?))).for_each(
            |(&config, (statistics, _))| {
                alone.add(statistics, weights[config]);
            },
        );
        for (k, (leaning, sum)) in leanings.iter().zip(&mut all).enumerate().filter(|(_, (l, _))| l.mass > 0.0) {
            let weights = leaning.joined.posterior(&plan.part.drivers)?;
            for ((_, config), told) in own() {
                let Some((statistics, leaning_statistics)) = told else { continue };
                match (&leaning_statistics[k], leaning.columns.get(&(p, *config))) {
                    (Some(statistics), Some((_, mass))) => sum.add(statistics, *mass),
                    _ => sum.add(statistics, leaning.mass * weights[*config]),
                }
            }
        }
    }
    evaluated.joined.count(prepared, 1.0, &mut alone)?;
    for (leaning, sum) in leanings.iter().zip(&mut all).filter(|(leaning, _)| leaning.mass > 0.0) {
        leaning.joined.count(prepared, leaning.mass, sum)?;
    }
    Ok((alone, all))
}

impl Asked {
    /// What it says that the question holds (with what it is given), or that what it is given holds.
    fn lean(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        fills: &mut Fills,
        asked: bool,
        control: &Control,
    ) -> Result<Leaning> {
        let weights = evaluated.joined.posterior(&self.drivers)?;
        let sizes: Vec<usize> = self.drivers.iter().map(|&d| prepared.model.drivers[d].states.len()).collect();
        let space = Space::new(sizes.clone());
        let tables = self.tables(prepared, evaluated, fills, &weights, &space, control)?;
        // Which part's outcomes weigh how much, by part, configuration and outcome.
        let mut slopes: Vec<Vec<Vec<f64>>> = self
            .parts
            .iter()
            .map(|part| vec![vec![0.0; 1 << part.atoms.len()]; part.plan.part.configs.len()])
            .collect();
        let mut holds_by_config = vec![0.0; weights.len()];
        let mut rest = 0.0;
        for (config, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            control.check()?;
            let own: Vec<usize> = self.parts.iter().map(|part| self.config(part, &space, config)).collect();
            let here: Option<Vec<&Vec<f64>>> =
                tables.iter().zip(&own).map(|(table, &config)| table[config].as_ref()).collect();
            let Some(here) = here else { continue };
            for truth in (0..1usize << self.question.atoms.len()).filter(|&truth| self.holds(truth, false)) {
                let index: Vec<usize> = self.parts.iter().map(|part| outcome(part, truth)).collect();
                let each: Vec<f64> = here.iter().zip(&index).map(|(table, &index)| table[index]).collect();
                if !self.holds(truth, asked) {
                    rest += weight * each.iter().product::<f64>();
                    continue;
                }
                holds_by_config[config] += each.iter().product::<f64>();
                for (k, (&own, &index)) in own.iter().zip(&index).enumerate() {
                    let others: f64 = each.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, p)| p).product();
                    slopes[k][own][index] += weight * others;
                }
            }
        }
        let mass = weights.iter().zip(&holds_by_config).map(|(weight, holds)| weight * holds).sum();
        let said = (!self.drivers.is_empty() && mass > 0.0)
            .then(|| Factor::new(self.drivers.clone(), sizes, holds_by_config))
            .transpose()?;
        let mut leaning = Leaning {
            mass,
            rest,
            joined: evaluated.joined.with(said)?,
            ahead: Statistics::zero(&prepared.model.parameters),
            columns: BTreeMap::new(),
        };
        for (part, slopes) in self.parts.iter().zip(&slopes) {
            for (config, slopes) in slopes.iter().enumerate() {
                self.retreat(prepared, evaluated, fills, (part, config), slopes, &mut leaning, control)?;
            }
        }
        Ok(leaning)
    }

    /// From the end of a part in one configuration, whose outcomes weigh `slopes`, back to now.
    #[allow(clippy::too_many_arguments)]
    fn retreat(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        fills: &mut Fills,
        (part, config): (&Onward, usize),
        slopes: &[f64],
        leaning: &mut Leaning,
        control: &Control,
    ) -> Result<()> {
        if slopes.iter().all(|slope| *slope == 0.0) {
            return Ok(());
        }
        let Some(start) = part.start(prepared, evaluated, config) else { return Ok(()) };
        let filled = fills.of(&part.plan.part, &evaluated.values)?;
        let sweep = Sweep::new(&part.plan, &filled, &evaluated.values, config, control);
        let swept = sweep.forward(start.clone(), Keep::Steps)?;
        let n = part.plan.part.space.len();
        let column: Vec<f64> =
            (0..swept.end.len() / n).flat_map(|level| std::iter::repeat_n(slopes[part.outcome(level)], n)).collect();
        let mass: f64 = swept.end.iter().zip(&column).map(|(weight, slope)| weight * slope).sum();
        if mass <= 0.0 {
            return Ok(());
        }
        let mut gained = Gained::new(Tally::new(part.plan.part.labels()), Statistics::zero(&prepared.model.parameters));
        let back = sweep.backward_from(&swept, column, mass, &mut gained)?;
        part.plan.part.pull(&gained.tally, &evaluated.values, &mut gained.statistics);
        leaning.ahead.add(&gained.statistics, 1.0);
        let scale = mass / start.iter().zip(&back).map(|(weight, x)| weight * x).sum::<f64>();
        for (place, column) in part.sources(prepared, evaluated, config, &back) {
            let (sum, total) = leaning.columns.entry(place).or_insert_with(|| (vec![0.0; column.len()], 0.0));
            sum.iter_mut().zip(&column).for_each(|(sum, x)| *sum += scale * x);
            *total += mass;
        }
        Ok(())
    }

    /// Whether the question (with what it is given), or only what it is given, holds at a truth of the atoms.
    fn holds(&self, truth: usize, asked: bool) -> bool {
        let atom = |atom: usize| truth >> atom & 1 == 1;
        let given = self.question.given.as_ref().is_none_or(|given: &Ask| given.holds(&atom));
        given && (!asked || self.question.ask.holds(&atom))
    }

    fn nowhere(&self) -> Error {
        Error::Impossible {
            development: None,
            message: format!("question '{}': what is given has probability 0", self.question.name),
        }
    }
}

/// A part's own outcome at a truth of all atoms.
fn outcome(part: &Onward, truth: usize) -> usize {
    part.atoms.iter().enumerate().map(|(bit, &atom)| (truth >> atom & 1) << bit).sum()
}
