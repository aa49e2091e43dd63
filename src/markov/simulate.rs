//! Exact paths: from a start onwards, or between two ends.
//!
//! Every path has random numbers of its own, keyed by seed and number, so that the bits do not depend on threads. Paths
//! between ends are drawn by uniformisation: how many steps, virtual ones included, then each given where it must end, then
//! when (Fearnhead and Sherlock 2006; Hobolth and Stone 2009, Annals of Applied Statistics 3(3), algorithm 5).

use super::gather::Rows;
use super::generator::{Generator, hold, wrong};
use super::poisson;
use crate::ground::{Control, Error, Result, limits, random};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Paths that one thread draws at a time.
const BATCH: usize = 256;
/// Tables are made for generators with at most so many moves; of larger ones a rung's moves are gone through.
const TABLES: usize = 1 << 23;
/// Bytes of an event: a rung and a time.
const EVENT: f64 = 12.0;
/// Λ exceeds the largest exit rate by this factor.
const MARGIN: f64 = 1.02;
/// Events after which a path looks whether to stop.
const LOOK: usize = 4096;

/// Paths one after the other: those of path p are at starts[p]..starts[p + 1], the first its start at time 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Paths {
    pub starts: Vec<usize>,
    pub rungs: Vec<u32>,
    /// When each rung was entered.
    pub times: Vec<f64>,
}

/// Draws an index by weights at one random number and two reads (Walker 1977; Vose 1991).
#[derive(Debug, Clone)]
struct Alias {
    /// Rung i's slots are starts[i]..starts[i + 1].
    starts: Vec<u32>,
    /// The share of a slot that is its own, and whose it is, and whose the rest is.
    slots: Vec<(f64, u32, u32)>,
}

impl Alias {
    fn new(rows: &Rows) -> Self {
        let mut made = Alias { starts: vec![0], slots: Vec::with_capacity(rows.values.len()) };
        for i in 0..rows.len() {
            let own: Vec<(usize, f64)> = rows.row(i).collect();
            let mean = own.iter().map(|entry| entry.1).sum::<f64>() / own.len() as f64;
            let first = made.slots.len();
            made.slots.extend(own.iter().map(|&(j, rate)| (rate / mean, j as u32, j as u32)));
            let slots = &mut made.slots[first..];
            let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..own.len()).partition(|&k| slots[k].0 < 1.0);
            while let (Some(&poor), Some(&rich)) = (small.last(), large.last()) {
                small.pop();
                slots[poor].2 = slots[rich].1;
                slots[rich].0 -= 1.0 - slots[poor].0;
                if slots[rich].0 < 1.0 {
                    large.pop();
                    small.push(rich);
                }
            }
            // What rounding leaves over is whole.
            small.into_iter().chain(large).for_each(|k| slots[k].0 = 1.0);
            made.starts.push(made.slots.len() as u32);
        }
        made
    }

    fn draw(&self, i: usize, u: f64) -> usize {
        let first = self.starts[i] as usize;
        let count = self.starts[i + 1] as usize - first;
        let at = u * count as f64;
        let k = (at as usize).min(count - 1);
        let (own, mine, other) = self.slots[first + k];
        if at - (k as f64) < own { mine as usize } else { other as usize }
    }
}

enum Draw<'g> {
    Tables(Alias),
    Moves(&'g Generator),
}

impl Draw<'_> {
    fn next(&self, i: usize, exit: f64, u: f64) -> usize {
        match self {
            Draw::Tables(alias) => alias.draw(i, u),
            Draw::Moves(generator) => {
                let (mut left, mut next, mut found) = (u * exit, i, false);
                generator.row(i, |j, rate| {
                    if !found {
                        (next, left) = (j, left - rate);
                        found = left < 0.0;
                    }
                });
                next
            }
        }
    }
}

/// Cumulated weights to draw a start from.
fn cumulated(start: &[f64], n: usize) -> Result<Vec<f64>> {
    let mut sum = 0.0;
    let sums: Vec<f64> = start
        .iter()
        .map(|p| {
            sum += p;
            sum
        })
        .collect();
    if start.len() != n || start.iter().any(|p| !p.is_finite() || *p < 0.0) || !(sum > 0.0 && sum.is_finite()) {
        return Err(wrong(format!("the start is no law over {n} rungs")));
    }
    Ok(sums)
}

fn pick(sums: &[f64], u: f64) -> usize {
    let total = sums.last().copied().unwrap_or(0.0);
    sums.partition_point(|sum| *sum <= u * total).min(sums.len() - 1)
}

/// Counts what is drawn, and refuses more than fits.
struct Meter {
    events: AtomicUsize,
    most: f64,
}

impl Meter {
    fn new() -> Self {
        Meter { events: AtomicUsize::new(0), most: limits::memory() / (2.0 * EVENT) }
    }

    fn add(&self, events: usize) -> Result<()> {
        let drawn = self.events.fetch_add(events, Ordering::Relaxed) as f64;
        if drawn <= self.most {
            return Ok(());
        }
        let (bytes, limit) = (2.0 * EVENT * drawn, limits::memory());
        let message = format!("{drawn:.2e} moves were drawn and more were to come; {:.2e} bytes are allowed", limit);
        Err(Error::TooLarge { bytes, limit, message })
    }
}

/// Draws `n_paths` paths from the law `start` over [0, `horizon`]; a path ends earlier where nothing leaves its rung.
///
/// # Errors
/// A start that is no law, a horizon that is not finite or negative, `TooLarge`, `Interrupted`.
///
/// # Complexity
/// O(moves) for the tables, then two random numbers an event.
pub fn paths(
    generator: &Generator,
    start: &[f64],
    horizon: f64,
    n_paths: usize,
    seed: u64,
    control: &Control,
) -> Result<Paths> {
    let sums = cumulated(start, generator.len())?;
    if !horizon.is_finite() || horizon < 0.0 {
        return Err(wrong(format!("the horizon is {horizon}; expected a finite number, 0 or more")));
    }
    let rows = match generator.outgoing().operations() <= TABLES {
        true => Draw::Tables(Alias::new(&generator.outgoing().rows())),
        false => Draw::Moves(generator),
    };
    let exit = generator.exit();
    let inverse: Vec<f64> = exit.iter().map(|exit| 1.0 / exit).collect();
    let meter = Meter::new();
    batches(n_paths, control, |path, out| {
        let mut rng = random::stream(seed, path as u64);
        let mut at = pick(&sums, rng.random());
        let (mut now, mut events) = (0.0, 1usize);
        out.rungs.push(at as u32);
        out.times.push(0.0);
        while exit[at] > 0.0 {
            let wait: f64 = Exp1.sample(&mut rng);
            now += wait * inverse[at];
            if now > horizon {
                break;
            }
            at = rows.next(at, exit[at], rng.random());
            out.rungs.push(at as u32);
            out.times.push(now);
            events += 1;
            if events % LOOK == 0 {
                control.check()?;
                meter.add(LOOK)?;
            }
        }
        meter.add(events % LOOK)
    })
}

/// Runs batches of paths, in parallel, and joins them in order.
fn batches(n_paths: usize, control: &Control, draw: impl Fn(usize, &mut Paths) -> Result<()> + Sync) -> Result<Paths> {
    hold(24.0 * n_paths as f64, &format!("{n_paths} paths"))?;
    control.announce(n_paths.div_ceil(BATCH));
    let batch = |first: usize| {
        let mut own = Paths::default();
        for path in first..(first + BATCH).min(n_paths) {
            own.starts.push(own.rungs.len());
            control.check()?;
            draw(path, &mut own)?;
        }
        control.tick();
        Ok(own)
    };
    let parts: Vec<Paths> =
        (0..n_paths.div_ceil(BATCH)).into_par_iter().map(|b| batch(b * BATCH)).collect::<Result<_>>()?;
    let total = parts.iter().map(|part| part.rungs.len()).sum();
    let mut all = Paths {
        starts: Vec::with_capacity(n_paths + 1),
        rungs: Vec::with_capacity(total),
        times: Vec::with_capacity(total),
    };
    for part in parts {
        let first = all.rungs.len();
        all.starts.extend(part.starts.iter().map(|start| first + start));
        all.rungs.extend(part.rungs);
        all.times.extend(part.times);
    }
    all.starts.push(all.rungs.len());
    Ok(all)
}

/// Draws `n_paths` paths that start at rung `from` and are at rung `to` after `length`.
///
/// # Errors
/// Ends that are no rungs or where one does not lead to the other, a length that is not positive, `TooLarge`,
/// `Interrupted`.
///
/// # Complexity
/// About Λt + 8.5 √Λt passes over the moves and vectors kept, then as many steps a path as it has events, virtual ones
/// included.
pub fn bridges(
    generator: &Generator,
    (from, to): (usize, usize),
    length: f64,
    n_paths: usize,
    seed: u64,
    control: &Control,
) -> Result<Paths> {
    let n = generator.len();
    if from >= n || to >= n {
        return Err(wrong(format!("the ends are rungs {from} and {to}; there are {n} rungs")));
    }
    if !length.is_finite() || length <= 0.0 {
        return Err(wrong(format!("the length is {length}; expected a finite number above 0")));
    }
    let exit = generator.exit();
    let lambda = MARGIN * exit.iter().copied().fold(0.0, f64::max);
    let mean = lambda * length;
    let weights = poisson::weights(mean.min(1e9), (n - 1).min(1 << 12));
    hold(8.0 * n as f64 * weights.len() as f64, &format!("paths of {n} rungs over {mean:.1e} steps"))?;
    // columns[m][i] = P(at `to` after m steps | at i now).
    let step = generator.outgoing().scaled(if lambda > 0.0 { 1.0 / lambda } else { 0.0 });
    let stay: Vec<f64> = exit.iter().map(|exit| if lambda > 0.0 { 1.0 - exit / lambda } else { 1.0 }).collect();
    let mut columns = vec![vec![0.0; n]];
    columns[0][to] = 1.0;
    for m in 1..weights.len() {
        control.check()?;
        let mut next = vec![0.0; n];
        step.apply(&stay, &columns[m - 1], &mut next);
        columns.push(next);
    }
    let mut sum = 0.0;
    let steps: Vec<f64> = weights
        .iter()
        .zip(&columns)
        .map(|(weight, column)| {
            sum += weight * column[from];
            sum
        })
        .collect();
    if sum <= 0.0 {
        return Err(wrong(format!("no path of that length leads from rung {from} to rung {to}")));
    }
    let meter = Meter::new();
    batches(n_paths, control, |path, out| {
        let mut rng = random::stream(seed, path as u64);
        let count = pick(&steps, rng.random());
        let first = out.times.len();
        out.rungs.push(from as u32);
        out.times.push(0.0);
        let mut times: Vec<f64> = (0..count).map(|_| length * rng.random::<f64>()).collect();
        times.sort_unstable_by(f64::total_cmp);
        let mut at = from;
        for (k, &time) in times.iter().enumerate() {
            let next = ahead(&step, stay[at], at, &columns[count - k - 1], columns[count - k][at], &mut rng);
            if next != at {
                at = next;
                out.rungs.push(at as u32);
                out.times.push(time);
            }
        }
        meter.add(out.times.len() - first)
    })
}

/// The next rung given what is still to be done: P_ij · column_j over their sum.
fn ahead(step: &super::gather::Gather, stay: f64, at: usize, column: &[f64], sum: f64, rng: &mut impl Rng) -> usize {
    let mut left = rng.random::<f64>() * sum - stay * column[at];
    let (mut next, mut found) = (at, left < 0.0);
    step.row(at, |j, p| {
        if !found && column[j] > 0.0 {
            (next, left) = (j, left - p * column[j]);
            found = left < 0.0;
        }
    });
    next
}
