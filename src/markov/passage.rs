//! When a chain first is in a set of rungs: the whole distribution over time, and its inverse.

use super::exponential::Doublings;
use super::gather::total;
use super::generator::{Generator, wrong};
use super::hitting;
use super::stencil::dot;
use super::transient::{MARGIN, Walk, check, confined, gathered, is_dense, spread, tails, weights};
use crate::ground::{Control, Result};

/// How much further the next walk goes where a quantile lies beyond the last; by squaring, whose cost grows with the
/// logarithm of the time.
const FURTHER: f64 = 4.0;
const FURTHER_SQUARED: f64 = 4096.0;
/// Most steps of the search for a quantile.
const TRIES: usize = 200;

/// P(reached by t), its density and P(still on the way at t), at each time.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    pub reached: Vec<f64>,
    /// Per unit of time.
    pub density: Vec<f64>,
    /// Neither reached nor, where the way is confined, left.
    pub waiting: Vec<f64>,
}

/// A passage walked as far as some time, to be looked at at any time up to it.
struct Walked {
    at_once: f64,
    how: How,
}

enum How {
    Squared {
        doublings: Doublings,
        row: Vec<f64>,
        into: Vec<f64>,
        chance: Vec<f64>,
    },
    /// By step: the flow into the target, the mass on the way, and what of it will arrive.
    Stepped {
        lambda: f64,
        reach: usize,
        flux: Vec<f64>,
        mass: Vec<f64>,
        ahead: Vec<f64>,
    },
}

/// What a passage is at one time.
struct Look {
    reached: f64,
    density: f64,
    waiting: f64,
    /// P(not yet reached, but will be), where the chance of it from each rung was given.
    ahead: f64,
}

impl Walked {
    /// For times up to `longest`; `chance` of ever arriving, from every rung.
    #[allow(clippy::too_many_arguments)]
    fn new(
        generator: &Generator,
        start: &[f64],
        target: &[bool],
        within: Option<&[bool]>,
        chance: Option<&[f64]>,
        longest: f64,
        control: &Control,
    ) -> Result<Self> {
        let way = on_the_way(target, within);
        let at_once: f64 = start.iter().zip(target).filter(|(_, target)| **target).map(|(p, _)| p).sum();
        let first: Vec<f64> = start.iter().zip(&way).map(|(p, way)| if *way { *p } else { 0.0 }).collect();
        let into = into(generator, target, &way);
        let exits = generator.exit().iter().zip(&way).filter(|(_, way)| **way);
        let most = exits.map(|(exit, _)| *exit).fold(0.0, f64::max);
        let (n, reach) = (generator.len(), spread(generator));
        if is_dense(n, generator.outgoing().operations(), MARGIN * most, longest, reach) {
            let inner: Vec<usize> = (0..n).filter(|&i| way[i]).collect();
            let own = |x: &[f64]| inner.iter().map(|&i| x[i]).collect::<Vec<f64>>();
            let doublings = Doublings::new(&confined(generator, &inner, &into), longest)?;
            let row = [own(&first), vec![0.0, 0.0]].concat();
            let how = How::Squared { doublings, row, into: own(&into), chance: chance.map(own).unwrap_or_default() };
            return Ok(Walked { at_once, how });
        }
        let walk = Walk::new(generator, true, Some(&way));
        walk.check(longest)?;
        // Of each block the rungs from which the target is one move away.
        let (size, count) = walk.gather.blocks();
        let mut rim: Vec<Vec<(u32, f64)>> = vec![vec![]; count];
        (0..n).filter(|&i| into[i] > 0.0).for_each(|i| rim[i / size].push(((i % size) as u32, into[i])));
        let (mut flux, mut mass, mut ahead) = (vec![], vec![], vec![]);
        let mean = walk.lambda * longest;
        let mut steps = weights(mean, if rim.iter().all(Vec::is_empty) { 0 } else { reach }).len();
        let mut found = false;
        let read = |block: usize, own: &[f64]| {
            let flows = rim[block].iter().map(|&(k, rate)| rate * own[k as usize]).sum::<f64>();
            let ahead = chance.map_or(0.0, |chance| dot(own, &chance[block * size..][..own.len()]));
            (flows, total(own), ahead)
        };
        walk.each_read(&first, control, &read, |u, _, blocks| {
            let add =
                |sum: (f64, f64, f64), block: &(f64, f64, f64)| (sum.0 + block.0, sum.1 + block.1, sum.2 + block.2);
            let (now, all, coming) = blocks.iter().fold((0.0, 0.0, 0.0), add);
            if now > 0.0 && !found {
                // As many moves as the shortest way takes are the rarest path that matters.
                (found, steps) = (true, steps.min(weights(mean, u + 1).len().max(u + 2)));
            }
            flux.push(now);
            mass.push(all);
            ahead.push(coming);
            u + 1 < steps
        })?;
        let reach = if found { reach } else { 0 };
        Ok(Walked { at_once, how: How::Stepped { lambda: walk.lambda, reach, flux, mass, ahead } })
    }

    fn look(&self, time: f64) -> Look {
        match &self.how {
            How::Squared { doublings, row, into, chance } => {
                let (row, m) = (doublings.carry(row, time, true), into.len());
                Look {
                    reached: self.at_once + row[m],
                    density: into.iter().zip(&row).map(|(rate, p)| rate * p).sum(),
                    waiting: row[..m].iter().sum(),
                    ahead: chance.iter().zip(&row).map(|(chance, p)| chance * p).sum(),
                }
            }
            How::Stepped { lambda, reach, flux, mass, ahead } => {
                let weights = weights(lambda * time, *reach);
                let tails = tails(&weights);
                let most = flux.len().min(weights.len());
                let inverse = if *lambda > 0.0 { 1.0 / lambda } else { 0.0 };
                Look {
                    reached: self.at_once + inverse * dot(&tails[..most], &flux[..most]),
                    density: dot(&weights[..most], &flux[..most]),
                    waiting: dot(&weights[..most], &mass[..most]),
                    ahead: dot(&weights[..most], &ahead[..most]),
                }
            }
        }
    }
}

/// Which rungs are on the way: within, and not the target.
fn on_the_way(target: &[bool], within: Option<&[bool]>) -> Vec<bool> {
    target.iter().enumerate().map(|(i, target)| !target && within.is_none_or(|within| within[i])).collect()
}

fn check_sets(generator: &Generator, target: &[bool], within: Option<&[bool]>) -> Result<()> {
    let n = generator.len();
    if target.len() != n || within.is_some_and(|within| within.len() != n) {
        return Err(wrong(format!("a set of rungs does not have {n} entries")));
    }
    Ok(())
}

fn indicator(set: &[bool]) -> Vec<f64> {
    set.iter().map(|&inside| f64::from(u8::from(inside))).collect()
}

/// The total rate from each rung on the way into the target.
fn into(generator: &Generator, target: &[bool], way: &[bool]) -> Vec<f64> {
    let mut into = vec![0.0; generator.len()];
    generator.outgoing().apply(&vec![0.0; into.len()], &indicator(target), &mut into);
    into.iter_mut().zip(way).for_each(|(rate, way)| *rate = if *way { *rate } else { 0.0 });
    into
}

/// Whether and when a chain that starts by the law `start` first is in `target`, having stayed `within` until then.
///
/// Who starts in the target has reached it at once; who starts or steps outside of `within` never does.
///
/// # Errors
/// As [`super::transient::law`].
///
/// # Complexity
/// As [`super::transient::law`], but the number of times does not matter.
pub fn reach(
    generator: &Generator,
    start: &[f64],
    target: &[bool],
    within: Option<&[bool]>,
    times: &[f64],
    control: &Control,
) -> Result<Passage> {
    let longest = check(generator, &[(start, "the start")], times)?;
    check_sets(generator, target, within)?;
    let walked = Walked::new(generator, start, target, within, None, longest, control)?;
    let mut passage = Passage { reached: vec![], density: vec![], waiting: vec![] };
    for &time in times {
        control.check()?;
        let look = walked.look(time);
        passage.reached.push(look.reached);
        passage.density.push(look.density);
        passage.waiting.push(look.waiting);
    }
    Ok(passage)
}

/// The times by which the passage of [`reach`] has happened with each of these probabilities; infinite where it never is so
/// likely.
///
/// The exact distribution is inverted within a bracket: below its middle what has arrived, above it what is still to come,
/// which keeps its digits where the other has lost them.
///
/// # Errors
/// As [`super::transient::law`], and probabilities that are none.
///
/// # Complexity
/// As [`super::hitting::probability`], and walks of which each is four times as long as the one before (4,096 times, where
/// it goes by squaring); the last covers the longest quantile.
pub fn quantiles(
    generator: &Generator,
    start: &[f64],
    target: &[bool],
    within: Option<&[bool]>,
    probabilities: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    check(generator, &[(start, "the start")], &[])?;
    check_sets(generator, target, within)?;
    if let Some(k) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(wrong(format!("probability {k} is {}; expected a number from 0 to 1", probabilities[k])));
    }
    let chance = hitting::probability(generator, target, within, control)?.values;
    let ever = dot(start, &chance);
    let at_once: f64 = start.iter().zip(target).filter(|(_, target)| **target).map(|(p, _)| p).sum();
    let last = probabilities.iter().copied().filter(|p| *p > at_once && *p < ever).fold(0.0, f64::max);
    let fastest = generator.exit().iter().copied().fold(0.0, f64::max);
    let mut longest = 1.0 / fastest;
    let walk = |longest: f64| Walked::new(generator, start, target, within, Some(&chance), longest, control);
    let mut walked = if last > 0.0 { Some(walk(longest)?) } else { None };
    while let Some(far) = &walked
        && gap(&far.look(longest), last, ever) < 0.0
    {
        longest *= if let How::Squared { .. } = far.how { FURTHER_SQUARED } else { FURTHER };
        walked = Some(walk(longest)?);
    }
    let one = |&p: &f64| match &walked {
        _ if p <= at_once => Ok(0.0),
        Some(walked) if p < ever => quantile(walked, p, ever, longest, control),
        _ => Ok(f64::INFINITY),
    };
    probabilities.iter().map(one).collect()
}

/// How far a passage has come beyond a probability, in logarithms: of what has arrived, or of what is to come.
fn gap(look: &Look, p: f64, ever: f64) -> f64 {
    match p <= 0.5 * ever {
        true => (look.reached / p).ln(),
        false => ((ever - p) / look.ahead).ln(),
    }
}

/// The time of one probability, before `high`: Newton's steps on logarithms, straight for a power of time as for an
/// exponential tail, where they stay inside the bracket.
fn quantile(walked: &Walked, p: f64, ever: f64, mut high: f64, control: &Control) -> Result<f64> {
    let mut low = 0.0;
    let mut time = high;
    for _ in 0..TRIES {
        control.check()?;
        let look = walked.look(time);
        let gap = gap(&look, p, ever);
        if gap >= 0.0 {
            high = time;
        } else {
            low = time;
        }
        let next = match p <= 0.5 * ever {
            true => time * (-gap * look.reached / (time * look.density)).exp(),
            false => time - gap * look.ahead / look.density,
        };
        // Where rounding is all that is left of the gap, the step is as small as the time's own.
        if (next - time).abs() <= 2.0 * f64::EPSILON * time {
            return Ok(next);
        }
        time = if next > low && next < high { next } else { 0.5 * (low + high) };
        if high - low <= 2.0 * f64::EPSILON * high {
            break;
        }
    }
    Ok(time)
}

/// P(reached by t) from every rung: one row of n numbers a time. See [`reach`].
///
/// # Errors
/// As [`super::transient::law`].
pub fn reach_from_each(
    generator: &Generator,
    target: &[bool],
    within: Option<&[bool]>,
    times: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    check_sets(generator, target, within)?;
    let way = on_the_way(target, within);
    let into = into(generator, target, &way);
    let ones = indicator(target);
    gathered(generator, &into, Some((&way, &ones)), times, control)
}
