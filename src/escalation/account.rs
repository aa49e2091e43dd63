//! What a component costs, counted before anything is allocated, and the refusal of what would not fit.

use super::component::{Component, Link};
use super::dossier::{Evidence, Record};
use super::first;
use super::model::Model;
use super::question::Atom;
use super::timeline::{Report, clusters, most_open, same_window};
use crate::ground::{Error, Result, limits};
use crate::markov::tally;
use std::collections::BTreeSet;

/// The size of a component in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub ladders: Vec<usize>,
    pub drivers: Vec<usize>,
    pub driver_states: f64,
    /// A rung with stages counts once for each.
    pub joint_rungs: f64,
    /// Largest product of open monitors' levels.
    pub flags: f64,
    /// Kinds of move.
    pub moves: usize,
    /// Uniformisation steps from the origin to the end, at the starting values.
    pub steps: f64,
    /// Multiplications of one sweep.
    pub operations: f64,
    /// Memory of forward and backward sweeps on all threads.
    pub bytes: f64,
    pub links: Vec<Link>,
}

/// What a plan will ask of a component beside its generators, known before it is made.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Most levels that are open at once.
    pub flags: f64,
    /// Steps of the plan whose vectors a backward pass needs, and the levels of those vectors together.
    steps: f64,
    levels: f64,
    /// Vectors that each configuration hands on: its end and its marks.
    handed: f64,
    /// Most events that are counted at once, and all that are expected to be watched.
    counted: f64,
    events: f64,
    /// Longest stretch and all of them, days.
    longest: f64,
    span: f64,
    monitors: f64,
}

impl Load {
    /// Questions are only carried forward.
    pub fn forward(flags: f64, monitors: usize, span: f64) -> Self {
        Load {
            flags,
            steps: 0.0,
            levels: 0.0,
            handed: 1.0,
            counted: 0.0,
            events: 0.0,
            longest: span,
            span,
            monitors: monitors as f64,
        }
    }

    /// What the evidence asks: a vector before every step, times the levels that are open there.
    pub fn evidence(
        component: &Component,
        model: &Model,
        evidence: &[&Evidence],
        atoms: &[Atom],
        marks: usize,
        end: f64,
    ) -> Self {
        let own: Vec<&Evidence> = component.items.iter().filter_map(|&item| evidence.get(item).copied()).collect();
        let asked = component.items.iter().filter_map(|&item| atoms.get(item.checked_sub(evidence.len())?));
        let mut spans = open_spans(&own);
        // What is asked is remembered to the end.
        spans.extend(asked.map(|atom| (atom.start(), f64::INFINITY, atom.levels())));
        let open_at = |t: f64| spans.iter().filter(|s| s.0 <= t && t < s.1).map(|s| s.2).product::<f64>();
        let mut times: Vec<f64> = own.iter().flat_map(|item| instants(item)).chain([0.0, end]).collect();
        times.extend(own.iter().flat_map(|item| turns(item)));
        times.extend(spans.iter().map(|span| span.0));
        for &ladder in &component.ladders {
            times.extend(model.ladders[ladder].effects.iter().flat_map(|effect| effect.when.boundaries()));
        }
        times.retain(|t| (0.0..=end).contains(t));
        times.sort_by(f64::total_cmp);
        // A flow up to each instant, and what happens there.
        let levels: f64 = times.iter().map(|&t| 2.0 * open_at(t)).sum();
        let steps = 2.0 * times.len() as f64 + marks as f64;
        let counts = own.iter().filter_map(|item| match item {
            Evidence::Events { record: Record::Count(n), .. } => Some(*n as f64),
            _ => None,
        });
        let watched = own.iter().filter_map(|item| match item {
            Evidence::Events { start, end, events, hit, false_rate, .. } => {
                let rates = model.events[*events].rates.iter().map(|&rate| model.parameters.positives[rate].value);
                Some((end - start) * (hit * rates.fold(0.0, f64::max) + false_rate))
            }
            _ => None,
        });
        Load {
            flags: spans.iter().map(|span| open_at(span.0)).fold(1.0, f64::max),
            steps,
            levels: levels + marks as f64,
            handed: 1.0 + marks as f64,
            counted: counts.sum(),
            events: watched.sum(),
            longest: times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max),
            span: end,
            monitors: spans.len() as f64,
        }
    }
}

impl Component {
    /// The account of this component, before anything is allocated.
    pub fn account(&self, model: &Model, load: &Load) -> Account {
        let states = |drivers: &BTreeSet<usize>| -> f64 {
            drivers.iter().map(|&d| model.drivers[d].states.len() as f64).product()
        };
        let joint_rungs: f64 = self.ladders.iter().map(|&l| model.ladders[l].phases.count() as f64).product();
        let driver_states = states(&self.drivers.iter().copied().collect());
        let effects = || self.ladders.iter().flat_map(|&l| &model.ladders[l].effects);
        let turns: BTreeSet<u64> = effects().flat_map(|e| e.when.boundaries()).map(f64::to_bits).collect();
        let generators =
            states(&effects().flat_map(|effect| effect.when.drivers()).collect()) * (1.0 + turns.len() as f64);
        // From stage to stage is a move as well.
        let kinds = |l: usize| {
            let ladder = &model.ladders[l];
            ladder.moves.len() + ladder.phases.count() - ladder.phases.n_rungs()
        };
        let moves: usize = self.ladders.iter().map(|&l| kinds(l)).sum();
        let distance: usize = self.ladders.iter().map(|&l| model.ladders[l].phases.count() - 1).sum();
        let lambda: f64 = self.ladders.iter().map(|&l| largest_exit(model, l)).sum();
        let reach = distance as f64 * (1.0 + 2.0 * load.flags.log2()) + load.counted;
        let steps = lambda * load.span + load.events + load.counted + 15.0 * (1.0 + load.steps / 2.0);
        let average: f64 = self.ladders.iter().map(|&l| kinds(l) as f64 / model.ladders[l].phases.count() as f64).sum();
        let operations = driver_states * joint_rungs * load.flags * (average + 1.0) * steps;
        // By thread, since driver states, draws and columns of the curvature go to all of them: the vectors kept before the
        // steps, the rows of one backward stretch, a few more, an equilibrium's elimination; and one evaluation, which hands on the filtered weights and
        // holds the exits and tiles of the generators. For all threads: the structure of those, and the monitors' classes.
        let numbers = joint_rungs * load.flags;
        let room = tally::slots(numbers.min(1e15) as usize) as f64;
        let kept = if load.steps <= room { joint_rungs * load.levels } else { numbers * room };
        let rows = match load.steps > 0.0 {
            true => tally::rows_held(numbers, (lambda * load.longest).max(load.events), reach),
            false => 0.0,
        };
        let opening = if load.steps > 0.0 { first::bytes(model, &self.ladders) } else { 0.0 };
        let own = 8.0 * (kept + numbers * (rows + 8.0)) + opening + tally::rows_kept().min(8.0 * numbers * steps);
        let evaluation = 8.0 * joint_rungs * (driver_states * load.handed + generators * (1.0 + average));
        // What one fit keeps of its forward pass, for evidence that may be appended.
        let vector = 8.0 * numbers * driver_states;
        let live = (vector * load.steps).min(tally::room().max(2.0 * vector));
        let structure = joint_rungs * (generators * (1.0 + average) * 4.0 + load.monitors * 25.0);
        let bytes = rayon::current_num_threads() as f64 * (own + evaluation) + live + structure;
        Account {
            ladders: self.ladders.clone(),
            drivers: self.drivers.clone(),
            driver_states,
            joint_rungs,
            flags: load.flags,
            moves,
            steps,
            operations,
            bytes,
            links: self.links.clone(),
        }
    }
}

fn largest_exit(model: &Model, ladder: usize) -> f64 {
    let ladder = &model.ladders[ladder];
    (0..ladder.rungs.len())
        .map(|rung| {
            let out = ladder.moves.iter().filter(|m| m.from == rung);
            let exit: f64 = out.map(|m| model.parameters.positives[m.rate].value).sum();
            exit * ladder.phases.stages(rung) as f64
        })
        .fold(0.0, f64::max)
}

/// Refuses what would not fit in memory, naming the component and what links it.
pub fn afford(model: &Model, account: &Account) -> Result<()> {
    let limit = limits::memory();
    if account.bytes <= limit {
        return Ok(());
    }
    let names: Vec<&str> = account.ladders.iter().map(|&l| model.ladders[l].name.as_str()).collect();
    let mut links: Vec<String> = account
        .links
        .iter()
        .map(|link| format!("{} – {} ({})", model.ladders[link.a].name, model.ladders[link.b].name, link.why))
        .collect();
    links.dedup();
    links.truncate(8);
    let mut why = vec![];
    if account.flags > 1.0 {
        why.push(format!("{:.3e} combinations of windows, counts or questions open at once", account.flags));
    }
    if account.driver_states > 1.0 {
        let drivers: Vec<&str> = account.drivers.iter().map(|&d| model.drivers[d].name.as_str()).take(8).collect();
        why.push(format!(
            "{:.3e} joint states of the drivers it looks at ({})",
            account.driver_states,
            drivers.join(", ")
        ));
    }
    if !links.is_empty() {
        why.push(format!("its ladders are linked by {}", links.join("; ")));
    }
    let what =
        if names.is_empty() { "the drivers".to_string() } else { format!("the component of {}", names.join(", ")) };
    Err(Error::TooLarge {
        bytes: account.bytes,
        limit,
        message: format!(
            "{what} has {:.3e} joint rungs and would take {:.3e} bytes; {:.3e} are allowed: {}",
            account.joint_rungs,
            account.bytes,
            limit,
            why.join("; ")
        ),
    })
}

/// When monitors are open, and their levels; windows on one condition that overlap share a monitor.
fn open_spans(evidence: &[&Evidence]) -> Vec<(f64, f64, f64)> {
    let mut spans: Vec<(f64, f64, f64)> = vec![];
    let mut windows: Vec<&Evidence> = vec![];
    let mut reports: Vec<Report> = vec![];
    for item in evidence.iter().map(|item| item.plain()) {
        match item {
            twin @ Evidence::Window { .. } if windows.iter().any(|window| same_window(window, twin)) => {}
            window @ Evidence::Window { start, end, entered: true, .. } => {
                windows.push(window);
                spans.push((*start, *end, 3.0));
            }
            Evidence::Window { start, end, when, happened, never, .. } if start < end => {
                let (when, happened, never) = (when.clone(), vec![*happened], vec![*never]);
                reports.push(Report { start: *start, end: *end, when, happened, never });
            }
            Evidence::Events { start, end, record: Record::Count(n), .. } => {
                spans.push((*start, *end, *n as f64 + 1.0));
            }
            _ => {}
        }
    }
    for cluster in clusters(reports) {
        let end = cluster.iter().fold(0.0, |end: f64, report| end.max(report.end));
        spans.push((cluster[0].start, end, most_open(&cluster) as f64 + 1.0));
    }
    spans
}

/// The instants at which evidence acts.
fn instants(evidence: &Evidence) -> Vec<f64> {
    match evidence {
        Evidence::State { time, .. }
        | Evidence::Soft { time, .. }
        | Evidence::Status { time, .. }
        | Evidence::Measured { time, .. }
        | Evidence::Move { time, .. } => vec![*time],
        Evidence::Window { start, end, .. } => vec![*start, *end],
        Evidence::Events { start, end, record, .. } => match record {
            Record::Count(_) => vec![*start, *end],
            Record::Times(times) => times.iter().copied().chain([*start, *end]).collect(),
        },
        Evidence::Trusted { each, .. } => each.first().map_or_else(Vec::new, instants),
    }
}

/// The instants at which the truth of what evidence looks at turns.
fn turns(evidence: &Evidence) -> Vec<f64> {
    match evidence.plain() {
        Evidence::State { when, .. } | Evidence::Window { when, .. } => when.boundaries(),
        _ => vec![],
    }
}
