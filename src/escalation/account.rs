//! What a component costs, counted before anything is allocated, and the refusal of what would not fit.

use super::component::{Component, Link};
use super::dossier::{Evidence, Record};
use super::model::Model;
use super::timeline::same_window;
use crate::ground::{Error, Result, limits};

/// The size of a component in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub ladders: Vec<usize>,
    pub drivers: Vec<usize>,
    pub driver_states: f64,
    pub joint_rungs: f64,
    /// Largest product of open monitors' levels.
    pub flags: f64,
    /// Kinds of move.
    pub moves: usize,
    /// Uniformisation steps from the origin to the end, at the starting values.
    pub steps: f64,
    /// Multiplications of one sweep.
    pub operations: f64,
    /// Memory of a forward and backward sweep of one driver state.
    pub bytes: f64,
    pub links: Vec<Link>,
}

impl Component {
    /// The account of this component, before anything is allocated. `flags` is the most levels that are open at once,
    /// `developments` the number of stored vectors, `span` the days swept.
    pub fn account(&self, model: &Model, flags: f64, developments: usize, span: f64) -> Account {
        let joint_rungs: f64 = self.ladders.iter().map(|&l| model.ladders[l].rungs.len() as f64).product();
        let driver_states: f64 = self.drivers.iter().map(|&d| model.drivers[d].states.len() as f64).product();
        let moves: usize = self.ladders.iter().map(|&l| model.ladders[l].moves.len()).sum();
        let lambda: f64 = self.ladders.iter().map(|&l| largest_exit(model, l)).sum();
        let steps = lambda * span + 15.0 * (developments + 1) as f64;
        let average: f64 = self
            .ladders
            .iter()
            .map(|&l| model.ladders[l].moves.len() as f64 / model.ladders[l].rungs.len() as f64)
            .sum();
        let operations = driver_states * joint_rungs * flags * (average + 1.0) * steps;
        // By thread: the vectors kept before each step and the rows of one stretch. By driver state: the filtered weights,
        // and the exits, tiles and entries of the generators.
        let threads = driver_states.min(rayon::current_num_threads() as f64);
        let vectors = 3.0 * developments as f64 + 32.0;
        let bytes = 8.0 * joint_rungs * (threads * flags * vectors + driver_states * (3.0 + average));
        Account {
            ladders: self.ladders.clone(),
            drivers: self.drivers.clone(),
            driver_states,
            joint_rungs,
            flags,
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
            out.map(|m| model.parameters.positives[m.rate].value).sum::<f64>()
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

/// The most levels that are open at once; reports of one window share a monitor.
pub fn most_open(component: &Component, evidence: &[&Evidence]) -> f64 {
    let mut spans: Vec<(f64, f64, f64)> = vec![];
    let mut windows: Vec<&Evidence> = vec![];
    for &item in &component.items {
        match evidence[item] {
            twin @ Evidence::Window { .. } if windows.iter().any(|window| same_window(window, twin)) => {}
            window @ Evidence::Window { start, end, entered, .. } => {
                windows.push(window);
                spans.push((*start, *end, if *entered { 3.0 } else { 2.0 }));
            }
            Evidence::Events { start, end, record: Record::Count(n), .. } => {
                spans.push((*start, *end, *n as f64 + 1.0));
            }
            _ => {}
        }
    }
    let open_at = |t: f64| spans.iter().filter(|s| s.0 <= t && t < s.1).map(|s| s.2).product::<f64>();
    spans.iter().map(|span| open_at(span.0)).fold(1.0, f64::max)
}
