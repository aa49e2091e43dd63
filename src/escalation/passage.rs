//! When a condition first holds: the distribution over dates, its quantiles, and its mean and variance given that it comes.
//!
//! P(reached by t) at any number of dates is read from one walk, and with it ∫ P(reached by s) ds and ∫ s P(reached by s) ds,
//! which hold the moments up to a horizon. Beyond the last turn of the calendar the chain is homogeneous: whether it ever gets
//! there, and the moments if it does, solve three systems with the generator cut at the condition. Quantiles are found by
//! reading between two dates again, until these lie together.

use super::condition::Condition;
use super::engine::{Evaluated, Prepared};
use super::fitted::Fitted;
use super::levels::{Led, Levels};
use super::onward::{Fills, Parts};
use super::plan::Reading;
use super::question::Atom;
use super::summary::Draws;
use crate::ground::{Control, Result};
use crate::markov::{Generator, hitting};

/// How close to its date a quantile is found: a minute, in days.
pub const TOLERANCE: f64 = 1.0 / 1440.0;

/// P, E[T; it], E[T²; it] of an event about a time T, days from now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Moments([f64; 3]);

impl Moments {
    fn add(&mut self, weight: f64, other: [f64; 3]) {
        self.0.iter_mut().zip(other).for_each(|(sum, x)| *sum += weight * x);
    }

    /// P, and mean and standard deviation given the event; NaN where it cannot be.
    fn given(&self) -> [f64; 3] {
        let [p, once, twice] = self.0;
        let mean = once / p;
        [p, mean, (twice / p - mean * mean).max(0.0).sqrt()]
    }
}

/// When a condition first holds.
#[derive(Debug, Clone)]
pub struct Passage {
    /// P(reached by each of the times).
    pub reached: Draws,
    /// P(reached by the last time), and mean and standard deviation in days from now, given that.
    pub by: Draws,
    /// The same of "ever".
    pub ever: Draws,
    /// Of all draws together, as `by` and `ever` are of each.
    pub together: [[f64; 3]; 2],
    /// Days since the origin by which the probability is each level, then those by which it is each level's share of what it
    /// is at the last time; infinite where that lies later.
    pub quantiles: Draws,
    /// The same of all draws together.
    pub quantiles_together: Vec<f64>,
}

/// A condition to be reached, ready to be read at any dates.
struct Way<'f> {
    fitted: &'f Fitted,
    prepared: std::sync::Arc<Prepared>,
    known: Parts,
    atom: Atom,
    /// To the last date; to the last turn of the calendar.
    horizon: Levels,
    settled: Levels,
    settled_at: f64,
}

impl<'f> Way<'f> {
    fn new(fitted: &'f Fitted, when: &Condition, times: &[f64]) -> Result<Self> {
        let since = fitted.dossier().as_of;
        let by = times.last().copied().unwrap_or(since);
        let atom = Atom::Reach { when: when.clone(), since, by };
        let (prepared, mut known) = fitted.beside(&atom)?;
        let reading = Reading::Integrals(times.to_vec());
        let horizon = Levels::new(fitted, &prepared, &atom, by, &reading, &mut known)?;
        let turns = &horizon.part.plan.part.calendar.boundaries;
        let settled_at = turns.last().copied().unwrap_or(since).max(since);
        let ever = Atom::Reach { when: when.clone(), since, by: f64::INFINITY };
        let settled = Levels::new(fitted, &prepared, &ever, settled_at, &Reading::Integrals(vec![]), &mut known)?;
        Ok(Way { fitted, prepared, known, atom, horizon, settled, settled_at })
    }

    /// P(reached by t) at some times, ascending.
    fn reached(&self, evaluated: &Evaluated, fills: &mut Fills, times: &[f64], control: &Control) -> Result<Vec<f64>> {
        let (prepared, end) = (&*self.prepared, times.last().copied().unwrap_or(0.0));
        let reading = Reading::Levels(times.to_vec());
        let levels = Levels::new(self.fitted, prepared, &self.atom, end, &reading, &mut self.known.clone())?;
        let mut sum = vec![0.0; times.len()];
        levels.each(prepared, evaluated, fills, control, |led| {
            sum.iter_mut().zip(&led.swept.laws).for_each(|(sum, law)| *sum += led.weight * law[1]);
            Ok(())
        })?;
        Ok(sum)
    }

    /// P(reached by t) at the dates, and the moments up to the last of them and of "ever".
    fn walk(&self, evaluated: &Evaluated, fills: &mut Fills, control: &Control) -> Result<(Vec<f64>, [Moments; 2])> {
        let (prepared, now) = (&*self.prepared, self.prepared.now);
        let dates = self.horizon.part.plan.reading.times();
        let span = dates.last().map_or(0.0, |last| last - now);
        let mut sum = vec![0.0; dates.len()];
        let mut both = [Moments::default(); 2];
        self.horizon.each(prepared, evaluated, fills, control, |led| {
            sum.iter_mut().zip(&led.swept.laws).for_each(|(sum, law)| *sum += led.weight * law[1]);
            both[0].add(led.weight, within(&led, span));
            Ok(())
        })?;
        let span = self.settled_at - now;
        self.settled.each(prepared, evaluated, fills, control, |led| {
            let rest = self.beyond(&led, control)?;
            both[1].add(led.weight, within(&led, span));
            // From the last turn on, T is the span and what it takes from there.
            let [p, once, twice] = rest;
            both[1].add(led.weight, [p, span * p + once, span * span * p + 2.0 * span * once + twice]);
            Ok(())
        })?;
        Ok((sum, both))
    }

    /// P, E[T; ever], E[T²; ever] from the last turn of the calendar on, of what has not got there by then.
    fn beyond(&self, led: &Led<'_, '_>, control: &Control) -> Result<[f64; 3]> {
        let plan = &self.settled.part.plan;
        let (part, piece) = (&plan.part, plan.part.calendar.pieces() - 1);
        let n = part.space.len();
        let (waiting, total) = (&led.swept.end[..n], led.swept.end.iter().sum::<f64>());
        let mut target = vec![false; n];
        for &(start, end, class) in plan.classes(plan.open[0], led.config, piece).runs() {
            target[start..end].fill(class == 1);
        }
        let mut moves = vec![];
        led.sweep.rates(piece, |from, to, rate| moves.push((from, to, rate)));
        let generator = Generator::sparse(n, moves, &|i| format!("joint rung {i}"))?;
        let moments = hitting::moments_if_reached(&generator, &target, control)?;
        Ok(moments.map(|own| waiting.iter().zip(&own).map(|(weight, x)| weight / total * x).sum()))
    }
}

/// P(reached), E[T; reached] and E[T²; reached] over a span that begins now: with F the distribution function, the last two
/// are t F(t) − ∫ F and t² F(t) − 2 ∫ s F(s) ds.
fn within(led: &Led<'_, '_>, span: f64) -> [f64; 3] {
    let reached = led.sweep.level_weights(&led.swept.end)[1];
    let [once, twice] = &led.swept.integrals;
    let (once, twice) = (once.get(1).copied().unwrap_or(0.0), twice.get(1).copied().unwrap_or(0.0));
    [reached, span * reached - once, span * span * reached - 2.0 * twice]
}

/// A time, and what a distribution function is there.
type Read = (f64, f64);

/// Where a distribution function, read at any ascending times by `read`, first comes to each level; `known` are times with
/// what it is there, the first of them the beginning. Infinite where it is below the level at the last time.
///
/// The place between two times is guessed by a straight line, and read beside the guess at two distances: where the function
/// is smooth both ends come near at once, at a jump the fifths of the stretch do.
fn invert(known: &[(f64, f64)], levels: &[f64], mut read: impl FnMut(&[f64]) -> Result<Vec<f64>>) -> Result<Vec<f64>> {
    let start = |&level: &f64| {
        let above = known.iter().position(|(_, p)| *p >= level && *p > 0.0);
        above.map(|k| (known[k.saturating_sub(1)], known[k]))
    };
    let mut between: Vec<Option<(Read, Read)>> = levels.iter().map(start).collect();
    loop {
        let mut probes = vec![];
        for (stretch, level) in between.iter().zip(levels) {
            let Some(((a, below), (b, above))) = *stretch else { continue };
            if b - a <= TOLERANCE {
                continue;
            }
            let guess = a + (b - a) * ((level - below) / (above - below)).clamp(0.0, 1.0);
            let near = [0.02 * (b - a), (1e-3 * (b - a)).max(0.4 * TOLERANCE)];
            probes.extend(near.iter().flat_map(|by| [guess - by, guess + by]));
            probes.extend((1..5).map(|k| a + (b - a) * f64::from(k) / 5.0));
        }
        if probes.is_empty() {
            return Ok(between.iter().map(|stretch| stretch.map_or(f64::INFINITY, |(_, (b, _))| b)).collect());
        }
        probes.sort_by(f64::total_cmp);
        probes.dedup();
        let read = read(&probes)?;
        for (stretch, &level) in between.iter_mut().zip(levels) {
            let Some((a, b)) = stretch else { continue };
            for (&time, &p) in probes.iter().zip(&read) {
                if a.0 < time && time < b.0 {
                    if p >= level {
                        *b = (time, p);
                    } else {
                        *a = (time, p);
                    }
                }
            }
        }
    }
}

impl Fitted {
    /// When a condition first holds, from now on, read at `times` (days since the origin, ascending, none before now); `levels`
    /// are the probabilities of the quantiles.
    ///
    /// # Errors
    /// `TooLarge`, before memory is taken; `Diverged` where a walk to the last date would not end.
    pub fn passage(&self, when: &Condition, times: &[f64], levels: &[f64], control: &Control) -> Result<Passage> {
        let way = Way::new(self, when, times)?;
        let now = way.prepared.now;
        let (m, k) = (times.len(), levels.len());
        let wanted = |reached: &[f64]| -> Vec<f64> {
            let last = reached.last().copied().unwrap_or(0.0);
            levels.iter().copied().chain(levels.iter().map(|level| level * last)).collect()
        };
        let known = |reached: &[f64], at_once: f64| -> Vec<(f64, f64)> {
            [(now, at_once)].into_iter().chain(times.iter().copied().zip(reached.iter().copied())).collect()
        };
        // At each draw: the times, twice P with mean and deviation, twice P and the raw moments, the quantiles, P(now).
        let drawn = self.each(control, |theta| {
            let evaluated = self.evaluated(&way.prepared, theta, control)?;
            let mut fills = Fills::default();
            let (reached, both) = way.walk(&evaluated, &mut fills, control)?;
            let at_once = way.reached(&evaluated, &mut fills, &[now], control)?[0];
            let read = |probes: &[f64]| way.reached(&evaluated, &mut fills, probes, control);
            let quantiles = invert(&known(&reached, at_once), &wanted(&reached), read)?;
            let given = both.iter().flat_map(Moments::given);
            let raw = both.iter().flat_map(|moments| moments.0);
            Ok(reached.iter().copied().chain(given).chain(raw).chain(quantiles).chain([at_once]).collect())
        })?;
        let part = |from: usize, len: usize| drawn.part(from, len);
        let mean = drawn.summary(0.9).mean;
        let together = [0, 1].map(|which| {
            let raw = &mean[m + 6 + 3 * which..];
            Moments([raw[0], raw[1], raw[2]]).given()
        });
        let reached = &mean[..m];
        let quantiles_together = invert(&known(reached, mean[m + 12 + 2 * k]), &wanted(reached), |probes| {
            let read = self.each(control, |theta| {
                let evaluated = self.evaluated(&way.prepared, theta, control)?;
                way.reached(&evaluated, &mut Fills::default(), probes, control)
            })?;
            Ok(read.summary(0.9).mean)
        })?;
        Ok(Passage {
            reached: part(0, m),
            by: part(m, 3),
            ever: part(m + 3, 3),
            together,
            quantiles: part(m + 12, 2 * k),
            quantiles_together,
        })
    }
}
