//! Draws from a posterior by the No-U-Turn Sampler (Hoffman and Gelman 2014; Betancourt 2016), by the crate nuts-rs.
//!
//! The log density is the exact marginal one, with its exact gradient, over all free numbers. It is sampled over z,
//! θ = centre + root · z, where centre and root are the mode and Laplace's root: what is nearly normal is then nearly round,
//! and few steps make a draw. Chains begin at draws of a normal twice as wide as Laplace's, so that R-hat sees chains that
//! do not come together. Each has a random stream of its own: the draws are the same for any number of threads.

use super::climb::{Height, too_far};
use super::parameter::{Parameters, Prior, RowPrior};
use crate::ground::{Control, Error, Result, limits, random};
use nuts_rs::{Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, Settings as _};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How much wider than Laplace's normal the starts are spread.
const WIDE: f64 = 2.0;
/// How many places are tried to start a chain, each half as far from the mode as the one before.
const STARTS: u64 = 12;
/// Deepest trajectory: 2^10 steps.
const DEPTH: u64 = 10;
/// How many times the work at the centre a gradient may take where a chain starts, and anywhere. Intensities that many times
/// the mode's are so far out in the priors that nothing is lost, and a step that overshoots into them would take hours.
const EASY: f64 = 30.0;
const LABOUR: f64 = 1e4;
/// Where the streams of starts begin, away from those of chains.
const AWAY: u64 = 1 << 40;

/// How to sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Draws kept of each chain.
    pub draws: usize,
    /// Draws before them, of which the step's length and the scales are learnt.
    pub tune: usize,
    pub chains: usize,
    pub seed: u64,
    /// Share of steps accepted that the step's length is tuned to.
    pub accept: f64,
}

/// Draws of θ, chain after chain, with what is to be known of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    pub chains: usize,
    pub seed: u64,
    pub tune: usize,
    /// `[chain · draws + draw]`.
    pub theta: Vec<Vec<f64>>,
    /// Log-posterior, up to what normalises it.
    pub log_density: Vec<f64>,
    /// Whether the trajectory left where the density is finite, or gained or lost too much energy.
    pub diverging: Vec<bool>,
    /// Steps of the trajectory, each one gradient.
    pub steps: Vec<u32>,
    /// Doublings of the trajectory.
    pub depth: Vec<u32>,
    pub step_size: Vec<f64>,
    /// Mean probability of acceptance along the trajectory.
    pub accept: Vec<f64>,
    pub energy: Vec<f64>,
}

impl Sampled {
    /// Draws of each chain.
    pub fn draws(&self) -> usize {
        self.theta.len() / self.chains.max(1)
    }

    /// At least `n` draws, evenly spaced in each chain; all where there are fewer.
    pub fn thin(&self, n: usize) -> Self {
        let draws = self.draws();
        let wanted = n.div_ceil(self.chains.max(1)).clamp(1, draws.max(1));
        let places: Vec<usize> = (0..self.chains)
            .flat_map(|chain| (0..wanted).map(move |k| chain * draws + (2 * k + 1) * draws / (2 * wanted)))
            .collect();
        fn take<T: Clone>(all: &[T], places: &[usize]) -> Vec<T> {
            places.iter().map(|&k| all[k].clone()).collect()
        }
        Sampled {
            theta: take(&self.theta, &places),
            log_density: take(&self.log_density, &places),
            diverging: take(&self.diverging, &places),
            steps: take(&self.steps, &places),
            depth: take(&self.depth, &places),
            step_size: take(&self.step_size, &places),
            accept: take(&self.accept, &places),
            energy: take(&self.energy, &places),
            ..*self
        }
    }

    /// Whether all parts fit each other and a model of so many coordinates.
    pub fn sound(&self, width: usize) -> bool {
        let n = self.theta.len();
        let of_draws = [self.log_density.len(), self.diverging.len(), self.steps.len(), self.depth.len()];
        let more = [self.step_size.len(), self.accept.len(), self.energy.len()];
        self.chains > 0
            && n > 0
            && n.is_multiple_of(self.chains)
            && of_draws.iter().chain(&more).all(|len| *len == n)
            && self.theta.iter().all(|theta| theta.len() == width)
    }

    /// How many trajectories stopped at the deepest tree.
    pub fn deep(&self) -> usize {
        self.depth.iter().filter(|depth| u64::from(**depth) >= DEPTH).count()
    }
}

/// Refuses numbers without a proper prior.
///
/// A flat prior on a logarithm is improper, and evidence seldom mends it: where no path needs a move, the likelihood keeps
/// a positive value as its intensity goes to nothing; where rungs are only looked at now and then, it keeps one as the
/// intensities of moves there and back go to infinity together. A mode may exist all the same, a posterior does not.
///
/// # Errors
/// `Unidentified`, naming the first such number.
pub fn refuse_flat(parameters: &Parameters) -> Result<()> {
    let positives = parameters.free_positives().map(|p| &parameters.positives[p]);
    let flat = positives.filter(|positive| positive.prior == Prior::Flat).map(|positive| &positive.name);
    let rows = parameters.free_rows().map(|r| &parameters.rows[r]);
    let mut all = flat.chain(rows.filter(|row| row.prior == RowPrior::Flat).map(|row| &row.name));
    let Some(name) = all.next() else { return Ok(()) };
    let more = match all.count() {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    Err(Error::Unidentified {
        parameter: name.clone(),
        message: format!(
            "sample: parameter '{name}'{more} has a flat prior, under which there need be no posterior: its density may not \
             sum up to anything finite. Give it a prior, such as esc.per_year(0.3, spread=3), esc.base_rate(...), \
             esc.factor(1, spread=2) or a table's worth=..., or a value; m.fit finds a mode without"
        ),
    })
}

/// A density over z for nuts-rs.
struct Target<'a, H> {
    of: &'a H,
    centre: &'a [f64],
    root: &'a [f64],
    control: &'a Control,
    /// The work of a gradient at the centre, and how many times that it may take.
    work: f64,
    most: f64,
    /// What stopped the chain, apart from steps too far.
    stopped: Arc<Mutex<Option<Error>>>,
}

#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("there is no finite density here")]
    TooFar,
    #[error("stopped")]
    Stopped,
}

impl LogpError for Stop {
    fn is_recoverable(&self) -> bool {
        matches!(self, Stop::TooFar)
    }
}

/// θ = centre + root · z.
fn placed(centre: &[f64], root: &[f64], z: &[f64]) -> Vec<f64> {
    let rows = root.chunks_exact(z.len().max(1));
    centre.iter().zip(rows).map(|(x, row)| x + crate::markov::stencil::dot(row, z)).collect()
}

impl<H: Height> Target<'_, H> {
    /// Value, and the gradient in z into `gradient`.
    fn slope(&self, z: &[f64], gradient: &mut [f64]) -> Result<f64> {
        self.control.check()?;
        let theta = placed(self.centre, self.root, z);
        if theta.iter().any(|x| !x.is_finite()) {
            return Err(Error::Diverged { message: "a step to infinity".into() });
        }
        if self.of.work(&theta) > self.most * self.work {
            return Err(Error::Diverged { message: "intensities far beyond the mode's".into() });
        }
        let (value, slope, _) = self.of.at(&theta, None)?;
        gradient.fill(0.0);
        for (row, g) in self.root.chunks_exact(z.len().max(1)).zip(&slope) {
            gradient.iter_mut().zip(row).for_each(|(sum, r)| *sum += r * g);
        }
        Ok(value)
    }
}

impl<H: Height> HasDims for Target<'_, H> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("unconstrained_parameter".to_string(), self.centre.len() as u64)])
    }
}

impl<H: Height> CpuLogpFunc for Target<'_, H> {
    type LogpError = Stop;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.centre.len()
    }

    fn logp(&mut self, z: &[f64], gradient: &mut [f64]) -> std::result::Result<f64, Stop> {
        match self.slope(z, gradient) {
            Ok(value) => Ok(value),
            Err(error) if too_far(&error) => Err(Stop::TooFar),
            Err(error) => {
                if let Ok(mut stopped) = self.stopped.lock() {
                    *stopped = Some(error);
                }
                Err(Stop::Stopped)
            }
        }
    }

    fn expand_vector<R: rand::Rng + ?Sized>(
        &mut self,
        _: &mut R,
        _: &[f64],
    ) -> std::result::Result<Vec<f64>, CpuMathError> {
        Ok(vec![])
    }
}

/// Samples a density; `centre` and `root` (row by row) are the mode and Laplace's root, or a place and scales like them.
///
/// # Errors
/// `Spec` for settings that make no sample; `Diverged` where a chain finds no place to start; `TooLarge`; `Interrupted`.
///
/// # Complexity
/// A gradient for each step of a trajectory: some 7 a draw where the density is nearly normal.
pub fn sample<H: Height>(
    of: &H,
    centre: &[f64],
    root: &[f64],
    settings: &Settings,
    control: &Control,
) -> Result<Sampled> {
    check(settings, centre.len())?;
    control.announce(settings.chains * (settings.tune + settings.draws));
    let chains: Vec<Sampled> = (0..settings.chains)
        .into_par_iter()
        .map(|chain| one_chain(of, centre, root, settings, chain as u64, control))
        .collect::<Result<_>>()?;
    let mut all = Sampled { chains: settings.chains, seed: settings.seed, tune: settings.tune, ..Sampled::default() };
    for mut chain in chains {
        all.theta.append(&mut chain.theta);
        all.log_density.append(&mut chain.log_density);
        all.diverging.append(&mut chain.diverging);
        all.steps.append(&mut chain.steps);
        all.depth.append(&mut chain.depth);
        all.step_size.append(&mut chain.step_size);
        all.accept.append(&mut chain.accept);
        all.energy.append(&mut chain.energy);
    }
    Ok(all)
}

impl Default for Sampled {
    fn default() -> Self {
        Sampled {
            chains: 1,
            seed: 0,
            tune: 0,
            theta: vec![],
            log_density: vec![],
            diverging: vec![],
            steps: vec![],
            depth: vec![],
            step_size: vec![],
            accept: vec![],
            energy: vec![],
        }
    }
}

fn check(settings: &Settings, width: usize) -> Result<()> {
    let refuse = |what: &str, message: String| Err(Error::spec(what, "sample", message));
    if settings.chains == 0 || settings.draws < 4 {
        let message = format!("{} chains of {} draws are asked for", settings.chains, settings.draws);
        return refuse("draws", format!("{message}; expected at least one chain of four draws"));
    }
    if !(settings.accept > 0.0 && settings.accept < 1.0) {
        return refuse(
            "accept",
            format!("accept is {}; expected a number between 0 and 1, such as 0.8", settings.accept),
        );
    }
    let bytes = settings.chains as f64 * settings.draws as f64 * (16.0 * width as f64 + 128.0);
    let limit = limits::memory();
    if bytes > limit {
        let (chains, draws) = (settings.chains, settings.draws);
        let message = format!("{chains} chains of {draws} draws would take {bytes:.3e} bytes; {limit:.3e} are allowed");
        return Err(Error::TooLarge { bytes, limit, message });
    }
    Ok(())
}

fn one_chain<H: Height>(
    of: &H,
    centre: &[f64],
    root: &[f64],
    settings: &Settings,
    number: u64,
    control: &Control,
) -> Result<Sampled> {
    let stopped = Arc::new(Mutex::new(None));
    let work = of.work(centre);
    let mut target = Target { of, centre, root, control, work, most: EASY, stopped: stopped.clone() };
    let width = centre.len();
    let mut kept = Sampled::default();
    if width == 0 {
        let value = of.at(centre, None)?.0;
        let n = settings.draws;
        return Ok(Sampled {
            theta: vec![vec![]; n],
            log_density: vec![value; n],
            diverging: vec![false; n],
            steps: vec![0; n],
            depth: vec![0; n],
            step_size: vec![1.0; n],
            accept: vec![1.0; n],
            energy: vec![-value; n],
            ..kept
        });
    }
    let start = begin(&target, settings.seed, number)?;
    target.most = LABOUR;
    let mut nuts = DiagNutsSettings {
        num_tune: settings.tune as u64,
        num_draws: settings.draws as u64,
        maxdepth: DEPTH,
        ..DiagNutsSettings::default()
    };
    nuts.adapt_options.step_size_settings.target_accept = settings.accept;
    // What went wrong: ours, where the density said so, else nuts-rs'.
    let failed = |error: String| {
        let own = stopped.lock().ok().and_then(|mut stopped| stopped.take());
        own.unwrap_or_else(|| Error::Diverged { message: format!("chain {}: {error}", number + 1) })
    };
    let mut random = random::stream(settings.seed, number);
    let mut chain =
        nuts.new_chain(number, CpuMath::new(target), &mut random).map_err(|error| failed(error.to_string()))?;
    chain.set_position(&start).map_err(|error| failed(error.to_string()))?;
    for draw in 0..settings.tune + settings.draws {
        control.check()?;
        let (z, _, stats, progress) = chain.expanded_draw().map_err(|error| failed(error.to_string()))?;
        control.tick();
        if draw < settings.tune {
            continue;
        }
        kept.theta.push(placed(centre, root, &z));
        kept.log_density.push(stats.point.logp);
        kept.diverging.push(progress.diverging);
        kept.steps.push(u32::try_from(progress.num_steps).unwrap_or(u32::MAX));
        kept.depth.push(u32::try_from(stats.depth).unwrap_or(u32::MAX));
        kept.step_size.push(progress.step_size);
        kept.accept.push(stats.adapt.step_size.mean_tree_accept);
        kept.energy.push(stats.point.energy);
    }
    Ok(kept)
}

/// A chain's first place: a draw of the wide normal where the density is finite, nearer the mode where it is not.
fn begin<H: Height>(target: &Target<'_, H>, seed: u64, number: u64) -> Result<Vec<f64>> {
    let width = target.centre.len();
    let mut gradient = vec![0.0; width];
    let mut wide = WIDE;
    for attempt in 0..STARTS {
        let draw = random::normals(seed, AWAY + number * STARTS + attempt, width);
        let z: Vec<f64> = draw.iter().map(|z| wide * z).collect();
        match target.slope(&z, &mut gradient) {
            Ok(_) => return Ok(z),
            Err(error) if too_far(&error) => wide *= 0.5,
            Err(error) => return Err(error),
        }
    }
    let message = format!("chain {}: no place to start from has a finite density", number + 1);
    Err(Error::Diverged { message })
}
