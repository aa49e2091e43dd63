//! From now on: the filtered weights of some ladders, carried ahead without those that they do not depend on.

use super::account::{Account, Load, afford};
use super::component::{Component, Item, ancestors, components};
use super::dossier::Evidence;
use super::engine::{Evaluated, Prepared, boundaries};
use super::model::Model;
use super::part::{Calendar, Filled, Override, Part};
use super::plan::{Plan, Reading};
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
#[derive(Debug, Clone, Default)]
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

    /// Forgets the weights now, for other evidence at the same values.
    pub fn forget_starts(&mut self) {
        self.starts.clear();
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

/// What is carried on beside the atoms of a question.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    pub ladders: &'a [usize],
    /// Ladders, with the drivers, that something looks at together.
    pub links: &'a [(Vec<usize>, Vec<usize>)],
    /// What is supposed to be seen after now, each of it of ladders that are linked.
    pub evidence: &'a [Evidence],
    /// When marginals are wanted of a backward pass.
    pub marks: &'a [f64],
}

impl<'a> Beside<'a> {
    /// Some ladders alone.
    pub fn ladders(ladders: &'a [usize]) -> Self {
        Beside { ladders, ..Beside::default() }
    }
}

/// Compiles what carries `atoms`, and what stands beside them, on from now to `end`, and what is read on the way.
pub fn onward(
    prepared: &Prepared,
    beside: &Beside<'_>,
    atoms: &[Atom],
    overrides: &[Override],
    end: f64,
    reading: &Reading,
    parts_known: &mut Parts,
) -> Result<Vec<Onward>> {
    let model = &*prepared.model;
    let together: Vec<(Vec<usize>, Vec<usize>)> =
        prepared.plans.iter().map(|plan| (plan.part.ladders.clone(), plan.part.drivers.clone())).collect();
    let resumed = |number: usize| {
        let asked = &prepared.asked[number];
        asked.iter().filter_map(|own| atoms.iter().position(|atom| atom == own))
    };
    let mut parts = vec![];
    let linked: Vec<(Vec<usize>, Vec<usize>)> = together.iter().chain(beside.links).cloned().collect();
    let told: Vec<(Item, &Evidence)> =
        beside.evidence.iter().map(|one| (Item::of_evidence(model, one, String::new()), one)).collect();
    for (component, account) in ahead(model, beside.ladders, atoms, &linked, end - prepared.now) {
        afford(model, &account)?;
        let conditions = component.items.iter().flat_map(|&item| atoms[item].conditions());
        let boundaries = boundaries(model, &component, conditions, overrides);
        let calendar = Calendar::new(prepared.now, &boundaries, overrides);
        let part = parts_known.part(model, component.ladders, component.drivers, calendar);
        let carried = |(number, (past, _)): (usize, &(Vec<usize>, Vec<usize>))| {
            let inside: Vec<usize> = past.iter().copied().filter(|&ladder| part.axis(ladder).is_some()).collect();
            let remembers = resumed(number).any(|atom| component.items.contains(&atom));
            (remembers || !inside.is_empty()).then_some((number, inside))
        };
        let sources: Vec<(usize, Vec<usize>)> = together.iter().enumerate().filter_map(carried).collect();
        let mut planner = Planner::new(model, part, end);
        let begun: Vec<usize> = sources.iter().flat_map(|(number, _)| resumed(*number)).collect();
        let mut monitored: Vec<(usize, usize)> =
            begun.iter().map(|&atom| (planner.resume(&atoms[atom]), atom)).collect();
        let later = component.items.iter().filter(|item| !begun.contains(item));
        monitored.extend(later.map(|&atom| (planner.atom(&atoms[atom]), atom)));
        for (item, evidence) in &told {
            let inside = |ladder: &usize| planner.part().axis(*ladder).is_some();
            if !item.ladders.is_empty() && item.ladders.iter().all(inside) {
                planner.evidence(evidence);
            }
        }
        beside.marks.iter().for_each(|&mark| planner.mark(mark));
        planner.read(reading);
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
        let flags = component.items.iter().map(|&item| atoms[item].levels()).product();
        let account = component.account(model, &Load::forward(flags, component.items.len(), span));
        (component, account)
    };
    components(model, &closure, &items, &together).into_iter().map(account).collect()
}

impl Onward {
    /// The truth of the atoms at a level of the open monitors; bit k is the k-th atom.
    pub fn outcome(&self, level: usize) -> usize {
        let (mut rest, mut index) = (level, 0);
        for (bit, &monitor) in self.plan.open.iter().enumerate() {
            let monitor = &self.plan.monitors[monitor];
            index |= usize::from(rest % monitor.levels() == monitor.success) << bit;
            rest /= monitor.levels();
        }
        index
    }

    /// The weights now, in one configuration of this plan's drivers, level by level of what is remembered of the past;
    /// `None` where the past is impossible.
    pub fn start(&self, prepared: &Prepared, evaluated: &Evaluated, config: usize) -> Option<Vec<f64>> {
        let space = &self.plan.part.space;
        let mut start = vec![1.0; space.len() * self.plan.resumed];
        for source in self.taken(prepared, evaluated, config)? {
            let field = Field::tabulate(space, source.target.clone(), |_| ());
            for (level, start) in start.chunks_exact_mut(space.len()).enumerate() {
                let own = source.level(level) * source.width();
                field.runs(space, |first, end, index| {
                    start[first..end].iter_mut().for_each(|weight| *weight *= source.marginal[own + index]);
                });
            }
        }
        Some(start)
    }

    /// What the joint rungs of each evidence plan weigh, by (plan, configuration), where those of this plan weigh `column`.
    pub fn sources(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        config: usize,
        column: &[f64],
    ) -> Vec<((usize, usize), Vec<f64>)> {
        let taken = self.taken(prepared, evaluated, config).unwrap_or_default();
        let weigh = |k: usize| {
            let mut small = vec![0.0; taken[k].marginal.len()];
            for (at, value) in column.iter().enumerate() {
                let others = taken.iter().enumerate().filter(|(j, _)| *j != k);
                let weight: f64 = others.map(|(_, other)| other.marginal[other.index(self, at)]).product();
                small[taken[k].index(self, at)] += weight * value;
            }
            let space = &prepared.plans[taken[k].plan].part.space;
            let place = |at: usize| at / space.len() * taken[k].width() + fold(space, at % space.len(), &taken[k].axes);
            let spread = (0..space.len() * taken[k].levels).map(|at| small[place(at)]).collect();
            ((taken[k].plan, taken[k].config), spread)
        };
        (0..taken.len()).map(weigh).collect()
    }

    /// What each evidence plan hands over in one configuration; `None` where the past is impossible.
    fn taken(&self, prepared: &Prepared, evaluated: &Evaluated, config: usize) -> Option<Vec<Taken>> {
        let part = &self.plan.part;
        let mut stride = 1;
        let one = |(number, ladders): &(usize, Vec<usize>)| {
            let plan = &prepared.plans[*number];
            let source = &plan.part;
            let levels = plan.open.iter().map(|&monitor| plan.monitors[monitor].levels()).product();
            stride *= levels;
            let digit = |driver: &usize| part.configs.digit(config, part.drivers.binary_search(driver).unwrap_or(0));
            let config = source.configs.index(&source.drivers.iter().map(digit).collect::<Vec<_>>());
            let end = &evaluated.swept[*number][config].end;
            let axes: Vec<usize> = ladders.iter().filter_map(|&ladder| source.axis(ladder)).collect();
            (!end.is_empty()).then(|| Taken {
                plan: *number,
                config,
                marginal: project(&source.space, end, &axes),
                sizes: axes.iter().map(|&axis| source.space.sizes()[axis]).collect(),
                levels,
                stride: stride / levels,
                axes,
                target: ladders.iter().filter_map(|&ladder| part.axis(ladder)).collect(),
            })
        };
        self.sources.iter().map(one).collect()
    }
}

/// The law of some ladders now, from one evidence plan in one configuration.
struct Taken {
    plan: usize,
    config: usize,
    /// Level by level of the monitors that remember the past, of this plan alone.
    marginal: Vec<f64>,
    sizes: Vec<usize>,
    levels: usize,
    /// Distance between its neighbouring levels among those of all plans.
    stride: usize,
    /// Their axes there, and here.
    axes: Vec<usize>,
    target: Vec<usize>,
}

impl Taken {
    /// The place in the law of a place in the weights ahead.
    fn index(&self, onward: &Onward, at: usize) -> usize {
        let space = &onward.plan.part.space;
        let (level, x) = (self.level(at / space.len()), at % space.len());
        let axes = self.target.iter().zip(&self.sizes);
        level * self.width() + axes.fold(0, |index, (&axis, size)| index * size + space.digit(x, axis))
    }

    /// Its own level, of one of all plans together.
    fn level(&self, level: usize) -> usize {
        level / self.stride % self.levels
    }

    /// Joint rungs that are taken.
    fn width(&self) -> usize {
        self.sizes.iter().product()
    }
}

/// The index of a joint rung among those of some of its axes.
fn fold(space: &Space, x: usize, axes: &[usize]) -> usize {
    axes.iter().fold(0, |index, &axis| index * space.sizes()[axis] + space.digit(x, axis))
}

/// Sums a vector, level by level, over all axes but some.
fn project(space: &Space, values: &[f64], axes: &[usize]) -> Vec<f64> {
    if axes.len() == space.sizes().len() {
        return values.to_vec();
    }
    let width: usize = axes.iter().map(|&axis| space.sizes()[axis]).product();
    let mut out = vec![0.0; width * (values.len() / space.len())];
    let field = Field::tabulate(space, axes.to_vec(), |_| ());
    for (values, out) in values.chunks_exact(space.len()).zip(out.chunks_exact_mut(width)) {
        field.runs(space, |start, end, index| out[index] += values[start..end].iter().sum::<f64>());
    }
    out
}
