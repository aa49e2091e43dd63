//! From now on: the filtered weights of some ladders, carried ahead without those that they do not depend on.

use super::account::{Account, Load, afford};
use super::component::{Component, Item, ancestors, components};
use super::condition::Condition;
use super::engine::{Evaluated, Prepared, boundaries};
use super::model::Model;
use super::part::{Calendar, Filled, Override, Part};
use super::plan::Plan;
use super::question::Atom;
use super::theta::Values;
use super::timeline::Planner;
use crate::ground::Result;
use crate::markov::{Field, Space};
use std::collections::HashMap;
use std::sync::Arc;

/// Ladders that must be carried on together from now, and where their weights come from.
#[derive(Debug, Clone)]
pub struct Onward {
    pub plan: Plan,
    /// (evidence plan, the ladders taken from it).
    sources: Vec<(usize, Vec<usize>)>,
    /// The question's atoms that this plan monitors, in the order of its open monitors.
    pub atoms: Vec<usize>,
}

/// Parts that several questions share, built once.
#[derive(Debug, Default)]
pub struct Parts(Vec<Arc<Part>>);

/// Parts that are kept from one set of questions to the next, and the most joint rungs of all of them.
const PARTS: usize = 256;
const RUNGS: usize = 1 << 18;

impl Parts {
    /// Forgets all where they have become many or large.
    pub fn forget(&mut self) {
        if self.0.len() > PARTS || self.0.iter().map(|part| part.space.len()).sum::<usize>() > RUNGS {
            self.0.clear();
        }
    }

    fn part(&mut self, model: &Model, ladders: Vec<usize>, drivers: Vec<usize>, calendar: Calendar) -> Arc<Part> {
        let same = |p: &&Arc<Part>| p.ladders == ladders && p.drivers == drivers && p.calendar == calendar;
        if let Some(known) = self.0.iter().find(same) {
            return known.clone();
        }
        let part = Arc::new(Part::new(model, ladders, drivers, calendar));
        self.0.push(part.clone());
        part
    }
}

/// Shared parts with their rates filled in and the weights now, at one value of the parameters.
#[derive(Debug, Default)]
pub struct Fills {
    filled: Vec<(Arc<Part>, Arc<Filled>)>,
    /// By the part's address and configuration.
    starts: HashMap<(usize, usize), Option<Arc<Vec<f64>>>>,
}

impl Fills {
    /// [`Onward::start`], made at most once for parts that are shared.
    pub fn start(
        &mut self,
        onward: &Onward,
        prepared: &Prepared,
        evaluated: &Evaluated,
        config: usize,
    ) -> Option<Arc<Vec<f64>>> {
        let key = (Arc::as_ptr(&onward.plan.part) as usize, config);
        let start = || onward.start(prepared, evaluated, config).map(Arc::new);
        self.starts.entry(key).or_insert_with(start).clone()
    }

    /// The part's rates, filled in at most once.
    ///
    /// # Errors
    /// As [`Part::fill`].
    pub fn of(&mut self, part: &Arc<Part>, values: &Values) -> Result<Arc<Filled>> {
        if let Some((_, filled)) = self.filled.iter().find(|(known, _)| Arc::ptr_eq(known, part)) {
            return Ok(filled.clone());
        }
        let filled = Arc::new(part.fill(values)?);
        self.filled.push((part.clone(), filled.clone()));
        Ok(filled)
    }
}

/// Compiles what carries `ladders` on from now to `end` under `atoms`; the ladders' laws are read at `reads` on the way.
pub fn onward(
    prepared: &Prepared,
    ladders: &[usize],
    atoms: &[Atom],
    overrides: &[Override],
    end: f64,
    reads: &[f64],
    parts_known: &mut Parts,
) -> Result<Vec<Onward>> {
    let model = &*prepared.model;
    let together: Vec<(Vec<usize>, Vec<usize>)> =
        prepared.plans.iter().map(|plan| (plan.part.ladders.clone(), plan.part.drivers.clone())).collect();
    let mut parts = vec![];
    for (component, account) in ahead(model, ladders, atoms, &together, end - prepared.now) {
        afford(model, &account)?;
        let conditions = component.items.iter().flat_map(|&item| conditions(&atoms[item]));
        let boundaries = boundaries(model, &component, conditions, overrides);
        let calendar = Calendar::new(prepared.now, &boundaries, overrides);
        let part = parts_known.part(model, component.ladders, component.drivers, calendar);
        let carried = |(number, (past, _)): (usize, &(Vec<usize>, Vec<usize>))| {
            let inside: Vec<usize> = past.iter().copied().filter(|&ladder| part.axis(ladder).is_some()).collect();
            (!inside.is_empty()).then_some((number, inside))
        };
        let sources = together.iter().enumerate().filter_map(carried).collect();
        let mut planner = Planner::new(model, part, end);
        let mut monitored: Vec<(usize, usize)> =
            component.items.iter().map(|&atom| (planner.atom(&atoms[atom]), atom)).collect();
        planner.read(reads);
        let plan = planner.finish();
        monitored.sort_by_key(|(monitor, _)| plan.open.iter().position(|open| open == monitor));
        parts.push(Onward { plan, sources, atoms: monitored.into_iter().map(|(_, atom)| atom).collect() });
    }
    Ok(parts)
}

/// The components that carry `ladders` and `atoms` on over `span` days, and their accounts; nothing is allocated.
/// `together` are the ladders, with the drivers, that the past links.
pub fn ahead(
    model: &Model,
    ladders: &[usize],
    atoms: &[Atom],
    together: &[(Vec<usize>, Vec<usize>)],
    span: f64,
) -> Vec<(Component, Account)> {
    let items: Vec<Item> = atoms.iter().map(|atom| Item::of_atom(atom, "the question".into())).collect();
    let seen = items.iter().flat_map(|item| item.ladders.clone());
    let closure = ancestors(model, seen.chain(ladders.iter().copied()));
    let inside = |(past, drivers): &(Vec<usize>, Vec<usize>)| {
        (past.iter().copied().filter(|ladder| closure.contains(ladder)).collect(), drivers.clone())
    };
    let together: Vec<(Vec<usize>, Vec<usize>)> = together.iter().map(inside).collect();
    let account = |component: Component| {
        let flags = component.items.iter().map(|&item| levels(&atoms[item])).product();
        let account = component.account(model, &Load::forward(flags, component.items.len(), span));
        (component, account)
    };
    components(model, &closure, &items, &together).into_iter().map(account).collect()
}

fn conditions(atom: &Atom) -> Vec<&Condition> {
    match atom {
        Atom::At { when, .. } | Atom::Reach { when, .. } | Atom::Enters { when, .. } => vec![when],
        Atom::First { when, before, .. } => vec![when, before],
    }
}

fn levels(atom: &Atom) -> f64 {
    match atom {
        Atom::At { .. } | Atom::Reach { .. } => 2.0,
        Atom::Enters { .. } | Atom::First { .. } => 3.0,
    }
}

impl Onward {
    /// The weights now, in one configuration of this plan's drivers; `None` where the past is impossible.
    pub fn start(&self, prepared: &Prepared, evaluated: &Evaluated, config: usize) -> Option<Vec<f64>> {
        let part = &self.plan.part;
        let mut start = vec![1.0; part.space.len()];
        for (number, ladders) in &self.sources {
            let source = &prepared.plans[*number].part;
            let digits: Vec<usize> = source
                .drivers
                .iter()
                .map(|driver| {
                    let axis = part.drivers.binary_search(driver).unwrap_or(0);
                    part.configs.digit(config, axis)
                })
                .collect();
            let end = &evaluated.swept[*number][source.configs.index(&digits)].end;
            if end.is_empty() {
                return None;
            }
            let axes: Vec<usize> = ladders.iter().filter_map(|&ladder| source.axis(ladder)).collect();
            let marginal = project(&source.space, end, &axes);
            let target: Vec<usize> = ladders.iter().filter_map(|&ladder| part.axis(ladder)).collect();
            let field = Field::tabulate(&part.space, target, |_| ());
            field.runs(&part.space, |first, end, index| {
                start[first..end].iter_mut().for_each(|weight| *weight *= marginal[index]);
            });
        }
        Some(start)
    }
}

/// Sums a vector over all axes but some.
fn project(space: &Space, values: &[f64], axes: &[usize]) -> Vec<f64> {
    if axes.len() == space.sizes().len() {
        return values.to_vec();
    }
    let mut out = vec![0.0; axes.iter().map(|&axis| space.sizes()[axis]).product()];
    let field = Field::tabulate(space, axes.to_vec(), |_| ());
    field.runs(space, |start, end, index| out[index] += values[start..end].iter().sum::<f64>());
    out
}
