//! The distribution of the time spent in a condition over a span.
//!
//! While the condition holds, marks come at the rate of n/x: the n-th comes before the time spent exceeds x where an Erlang
//! time of n stages and mean x is exceeded. As n goes up that becomes x itself, and the answer has an expansion in 1/n, of
//! which Richardson's rule leaves the constant: the transform of the time inverted by Post and Widder's formula (Abate and
//! Whitt 1995, ORSA J. Computing 7(1), section 3), all of it carried by the sweep as a count, whatever stands beside it.
//!
//! Over a span ahead in which no calendar turns it is exact: given u events of the uniformised chain and k of the u + 1 spans
//! between them in the condition, the share of the time is Beta(k, u + 1 - k) (de Souza e Silva and Gail 1986, IEEE Trans.
//! Computers 35(4)).

use super::condition::Condition;
use super::engine::{Evaluated, Prepared};
use super::fitted::Fitted;
use super::levels::Levels;
use super::onward::Fills;
use super::plan::Reading;
use super::question::Atom;
use super::restrict::Known;
use super::summary::Draws;
use crate::ground::{Control, Error, Result, limits};
use crate::markov::spent::STEPS;
use statrs::function::gamma::gamma_ur;
use std::sync::Arc;

/// Stages of the marks, each twice the one before.
pub const STAGES: [usize; 5] = [8, 16, 32, 64, 128];

/// How many of them a question's answer takes at a draw; what the others add is taken from the mode.
pub const AT_DRAWS: usize = 3;

/// What is asked of an answer's error, as it was before the last stage, for no more stages to be taken.
const ENOUGH: f64 = 1e-7;
/// The same at draws, whose spread is far wider.
const ENOUGH_DRAWN: f64 = 1e-5;

/// An error of the law at the mode beyond which nothing is told.
const UNSETTLED: f64 = 1e-3;

/// Nodes between which a distribution is interpolated: Chebyshev's, the ends among them.
const NODES: usize = 25;

/// What the answers at these stages weigh in the one at infinitely many (Richardson): the polynomial through them at 1/n = 0.
pub fn extrapolated(stages: &[usize]) -> Vec<f64> {
    let one = |(i, n): (usize, &usize)| {
        let others = stages.iter().enumerate().filter(|(j, _)| *j != i);
        others.map(|(_, m)| *n as f64 / (*n as f64 - *m as f64)).product()
    };
    stages.iter().enumerate().map(one).collect()
}

/// How far the answers at all stages and at all but the last may lie apart for the first to be told.
const APART: f64 = 1e-4;

/// What answers at the first of [`STAGES`] come to.
pub fn come_to(answers: &[f64]) -> f64 {
    extrapolated(&STAGES[..answers.len()]).iter().zip(answers).map(|(weight, answer)| weight * answer).sum()
}

/// What answers at all [`STAGES`] come to.
///
/// # Errors
/// `NotConverged` where they do not settle: something fixes the time, or part of it, so that it has weight at single values.
pub fn settled(name: &str, answers: &[f64]) -> Result<f64> {
    let (told, before) = (come_to(answers), come_to(&answers[..answers.len() - 1]));
    match (told - before).abs() <= APART || told.is_nan() {
        true => Ok(told.clamp(0.0, 1.0)),
        false => Err(Error::NotConverged {
            message: format!(
                "{name}: the time spent cannot be told near that many days (with more stages the answer still moved by {:.1e}): \
                 a timed move, an intervention or a date within the span fixes part of it; ask for a span that ends or begins \
                 there, or count it in simulated worlds",
                (told - before).abs()
            ),
        }),
    }
}

/// P(time > x) at some x, and how it lies between them.
#[derive(Debug, Clone)]
pub struct SpentLaw {
    /// Days, ascending, from 0 to the whole span.
    pub nodes: Vec<f64>,
    /// P(more than each node), at 0 that of any time at all; the last is P(the whole span).
    pub beyond: Draws,
    /// By how much each may be wrong.
    pub errors: Vec<f64>,
    /// Mean and standard deviation, days.
    pub moments: Draws,
    /// Days that are spent or less with each of the probabilities asked for.
    pub quantiles: Draws,
    /// The same of all draws together.
    pub together: Vec<f64>,
    /// Whether it is exact but for rounding.
    pub exact: bool,
}

/// How one condition's time is read.
enum Way {
    /// From the state at the span's beginning, exactly.
    Counted(Box<Levels>, Arc<Prepared>),
    /// By marks; for each node between the ends.
    Marked(Vec<Vec<Marked>>),
}

/// Marks of a number of stages, in the condition or in its opposite, whose time is to stay short then.
struct Marked {
    levels: Levels,
    prepared: Arc<Prepared>,
    inside: bool,
    days: f64,
    stages: usize,
}

impl Fitted {
    /// The distribution of the time in a condition over a span (days since the origin), and its quantiles.
    ///
    /// # Errors
    /// `Spec` where the span is empty; `TooLarge`, before memory is taken.
    pub fn spent(&self, when: &Condition, span: (f64, f64), levels: &[f64], control: &Control) -> Result<SpentLaw> {
        let (since, by) = span;
        let length = by - since;
        let nodes: Vec<f64> = (0..NODES).map(|k| length * half(k).sin().powi(2)).collect();
        // Never, and all the time.
        let reach = |when: Condition| {
            let atom = Atom::Reach { when, since, by };
            let (prepared, mut known) = self.beside(&atom)?;
            Ok::<_, Error>((Levels::new(self, &prepared, &atom, by, &Reading::None, &mut known)?, prepared))
        };
        let other = Condition::Not(Box::new(when.clone())).simplify();
        let (some, some_of) = reach(when.clone())?;
        let (rest, rest_of) = reach(other.clone())?;
        let way = match self.counted(when, span)? {
            Some((start, prepared)) => Way::Counted(Box::new(start), prepared),
            None => {
                let between = nodes[1..NODES - 1].iter();
                Way::Marked(between.map(|&x| self.marked(when, &other, span, x)).collect::<Result<_>>()?)
            }
        };
        let drawn = self.each(control, |theta| {
            let end = |levels: &Levels, prepared: &Arc<Prepared>, fills: &mut Fills| {
                levels.at_end(prepared, &*self.evaluated(prepared, theta, control)?, fills, control)
            };
            let some = end(&some, &some_of, &mut Fills::default())?[1];
            let all = end(&rest, &rest_of, &mut Fills::default())?[0];
            let (between, errors) = match &way {
                Way::Counted(start, prepared) => {
                    let evaluated = self.evaluated(prepared, theta, control)?;
                    (self.exact(start, when, span, &nodes, prepared, &evaluated, control)?, vec![0.0; NODES - 2])
                }
                Way::Marked(nodes) => {
                    let drawn = !std::ptr::eq(theta, self.learnt.theta.as_slice());
                    let enough = if drawn { ENOUGH_DRAWN } else { ENOUGH };
                    let read = |marked: &Marked| -> Result<f64> {
                        let levels = end(&marked.levels, &marked.prepared, &mut Fills::default())?;
                        let (below, top) = levels.split_at(levels.len() - 1);
                        // The whole span has weight by itself, of which the stages miss a little.
                        let missed = gamma_ur(marked.stages as f64, marked.stages as f64 * length / marked.days);
                        Ok(match marked.inside {
                            true => top[0] + all * missed,
                            false => below.iter().sum::<f64>() - (1.0 - some) * missed,
                        })
                    };
                    let found = nodes
                        .iter()
                        .map(|stages| climbed(stages, enough, read))
                        .collect::<Result<Vec<(f64, f64)>>>()?;
                    found.into_iter().unzip()
                }
            };
            let mut beyond = vec![some];
            // A rounding or an extrapolation may lie a little beside.
            for p in between {
                beyond.push(p.max(all).min(beyond[beyond.len() - 1]));
            }
            beyond.push(all);
            let quantiles = levels.iter().map(|&level| quantile(&nodes, &beyond, level)).collect::<Vec<f64>>();
            let moments = moments(&nodes, &beyond);
            Ok([beyond, errors, moments.to_vec(), quantiles].concat())
        })?;
        let exact = matches!(way, Way::Counted(..));
        let at_mode = &drawn.mode[NODES..2 * NODES - 2];
        if let Some(error) = at_mode.iter().copied().find(|error| *error > UNSETTLED) {
            let message = format!(
                "the law of the time spent does not settle (an error of {error:.1e}): a timed move, an intervention or a date \
                 within the span fixes part of it; expected a span that ends or begins there"
            );
            return Err(Error::NotConverged { message });
        }
        let beyond = drawn.part(0, NODES);
        let all = drawn.part(NODES, NODES - 2);
        let worst = |k: usize| all.draws.iter().map(|draw| draw[k]).fold(all.mode[k], f64::max);
        let errors = [0.0].into_iter().chain((0..NODES - 2).map(worst)).chain([0.0]).collect();
        let mean = beyond.summary(0.9).mean;
        let together = levels.iter().map(|&level| quantile(&nodes, &mean, level)).collect();
        let moments = drawn.part(2 * NODES - 2, 2);
        let quantiles = drawn.part(2 * NODES, levels.len());
        Ok(SpentLaw { nodes, beyond, errors, moments, quantiles, together, exact })
    }

    /// The state at the beginning of a span ahead in which no calendar turns; `None` where it is not of that kind, or takes
    /// too many steps.
    fn counted(&self, when: &Condition, (since, by): (f64, f64)) -> Result<Option<(Levels, Arc<Prepared>)>> {
        if since < self.dossier().as_of {
            return Ok(None);
        }
        let (prepared, mut known) = self.beside(&Atom::Reach { when: when.clone(), since, by })?;
        let atom = Atom::At { when: when.clone(), time: since };
        let levels = Levels::new(self, &prepared, &atom, since, &Reading::None, &mut known)?;
        let part = &levels.part.plan.part;
        let filled = part.fill(&self.model.parameters.values(&self.learnt.theta))?;
        let fastest = filled.exits.iter().flatten().fold(0.0, |most: f64, &exit| most.max(exit));
        let turns = part.calendar.boundaries.iter().any(|&turn| since < turn && turn < by);
        let steps = fastest * (by - since);
        // Twice as many vectors as steps, in every thread that works on a draw.
        let bytes = 16.0 * (steps + 50.0) * part.space.len() as f64 * rayon::current_num_threads() as f64;
        let held = bytes <= limits::memory();
        Ok((!turns && steps <= STEPS && held).then_some((levels, prepared)))
    }

    /// What tells whether more than x days are spent, by numbers of stages; for more than half the span in the opposite, so that
    /// the stages are as sure of the whole span as of none of it.
    fn marked(&self, when: &Condition, other: &Condition, (since, by): (f64, f64), x: f64) -> Result<Vec<Marked>> {
        let inside = 2.0 * x <= by - since;
        let (when, days) = if inside { (when, x) } else { (other, by - since - x) };
        let one = |&stages: &usize| {
            let atom = Atom::Spends { when: when.clone(), days, stages, since, by };
            let (prepared, mut known) = self.beside(&atom)?;
            let levels = Levels::new(self, &prepared, &atom, by, &Reading::None, &mut known)?;
            Ok(Marked { levels, prepared, inside, days, stages })
        };
        STAGES.iter().map(one).collect()
    }

    /// P(time > x) at the nodes between the ends, by counting the events of the uniformised chain.
    #[allow(clippy::too_many_arguments)]
    fn exact(
        &self,
        start: &Levels,
        when: &Condition,
        (since, by): (f64, f64),
        nodes: &[f64],
        prepared: &Prepared,
        evaluated: &Evaluated,
        control: &Control,
    ) -> Result<Vec<f64>> {
        let part = &start.part.plan.part;
        let n = part.space.len();
        let mut sum = vec![0.0; NODES - 2];
        start.each(prepared, evaluated, &mut Fills::default(), control, |led| {
            let mut row = vec![0.0; n];
            let total: f64 = led.swept.end.iter().sum();
            for level in led.swept.end.chunks_exact(n) {
                row.iter_mut().zip(level).for_each(|(sum, x)| *sum += x / total);
            }
            let piece = part.calendar.piece_at(since);
            let drivers = part.drivers_at(&self.model, led.config, piece);
            let here = when.restrict(&Known { drivers: &drivers, time: since });
            let field = part.field(&here.ladders(), |rung| here.at_rungs(&rung));
            let mut inside = vec![false; n];
            field.runs(&part.space, |start, end, index| inside[start..end].fill(field.table()[index]));
            let law = led.sweep.spent(&row, piece, &inside, by - since)?;
            for (sum, x) in sum.iter_mut().zip(&nodes[1..]) {
                *sum += led.weight * law.beyond(x / (by - since));
            }
            Ok(())
        })?;
        Ok(sum)
    }
}

/// The answer at more and more stages, until what they come to moves no more; and by how much it last moved.
fn climbed(stages: &[Marked], enough: f64, read: impl Fn(&Marked) -> Result<f64>) -> Result<(f64, f64)> {
    let mut answers = vec![];
    let mut told = (f64::NAN, f64::INFINITY);
    for marked in stages {
        answers.push(read(marked)?);
        if answers.len() < 3 {
            continue;
        }
        let come_to = |from: usize| -> f64 {
            let weights = extrapolated(&STAGES[from..answers.len()]);
            weights.iter().zip(&answers[from..]).map(|(weight, answer)| weight * answer).sum()
        };
        // What it came to without the first, and without the last: the error then, so more than it is now.
        let before = told.0;
        told = (come_to(0), (come_to(0) - come_to(1)).abs());
        if before.is_finite() {
            told.1 = told.1.max((told.0 - before).abs());
        }
        if told.1 <= enough {
            break;
        }
    }
    Ok(told)
}

/// Half the angle of a node.
fn half(k: usize) -> f64 {
    std::f64::consts::FRAC_PI_2 * k as f64 / (NODES - 1) as f64
}

/// The polynomial through the values at the nodes, by the barycentric formula (Berrut and Trefethen 2004).
fn between(nodes: &[f64], values: &[f64], x: f64) -> f64 {
    let (mut over, mut under) = (0.0, 0.0);
    for (k, (node, value)) in nodes.iter().zip(values).enumerate() {
        if x == *node {
            return *value;
        }
        let end = if k == 0 || k + 1 == nodes.len() { 0.5 } else { 1.0 };
        let weight = end * if k % 2 == 0 { 1.0 } else { -1.0 } / (x - node);
        over += weight * value;
        under += weight;
    }
    over / under
}

/// The least time that is not exceeded with a probability.
fn quantile(nodes: &[f64], beyond: &[f64], level: f64) -> f64 {
    let rest = 1.0 - level;
    let Some(k) = beyond.iter().position(|p| *p <= rest) else { return nodes[nodes.len() - 1] };
    if k == 0 {
        return 0.0;
    }
    let (mut low, mut high) = (nodes[k - 1], nodes[k]);
    // To the last digits of the node.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        match between(nodes, beyond, middle) <= rest {
            true => high = middle,
            false => low = middle,
        }
    }
    high
}

/// Mean and standard deviation: ∫ P(time > x) dx and 2 ∫ x P(time > x) dx, by Clenshaw and Curtis' rule.
fn moments(nodes: &[f64], beyond: &[f64]) -> [f64; 2] {
    let n = NODES - 1;
    let weight = |k: usize| {
        let cosines: f64 = (1..=n / 2)
            .map(|j| {
                let last = if 2 * j == n { 1.0 } else { 2.0 };
                last * (4.0 * j as f64 * half(k)).cos() / (4.0 * (j * j) as f64 - 1.0)
            })
            .sum();
        let end = if k == 0 || k == n { 1.0 } else { 2.0 };
        end * (1.0 - cosines) / n as f64 * nodes[n] / 2.0
    };
    let sum = |value: &dyn Fn(usize) -> f64| (0..NODES).map(|k| weight(k) * value(k)).sum::<f64>();
    let (once, twice) = (sum(&|k| beyond[k]), sum(&|k| 2.0 * nodes[k] * beyond[k]));
    [once, (twice - once * once).max(0.0).sqrt()]
}
