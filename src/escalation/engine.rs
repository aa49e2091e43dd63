//! A dossier made ready: components swept apart, joined by the drivers' network into log-evidence and statistics.

use super::account::{Account, Load, afford};
use super::component::{Component, Item, ancestors, components};
use super::condition::Condition;
use super::dossier::{Dossier, Evidence};
use super::expect::Judged;
use super::first::{Opened, Opening};
use super::model::Model;
use super::parameter::RowPrior;
use super::part::{Calendar, Filled, Override, Part};
use super::plan::Plan;
use super::question::Atom;
use super::sweep::{Gained, Keep, Sweep, Swept};
use super::theta::{Statistics, Values};
use super::timeline::Planner;
use crate::bayes::{Engine, Factor, Finding, Network};
use crate::ground::{Control, Result, limits};
use crate::markov::tally::room;
use crate::markov::{Space, Tally};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A dossier's evidence as plans, one for each component.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub model: Arc<Model>,
    pub plans: Vec<Plan>,
    /// Where the ladders of each plan begin.
    pub openings: Vec<Arc<Opening>>,
    pub accounts: Vec<Account>,
    /// Days since the origin.
    pub now: f64,
    /// Drivers set by hand from the origin on: (driver, state).
    pub surgery: Vec<(usize, usize)>,
    /// Ladders that some plan carries.
    pub carried: BTreeSet<usize>,
    /// By plan, the atoms of a question that begin in the past, in the order of the monitors open at its end.
    pub asked: Vec<Vec<Atom>>,
    /// Judgements about answers that weigh θ; see [`Prepared::judged`].
    pub judged: Option<Arc<Judged>>,
}

/// The drivers' network with what each component says of it.
#[derive(Debug)]
pub struct Joined {
    network: Network,
    /// P(evidence of plans | their drivers), each divided by its largest value.
    factors: Vec<Factor>,
    pub log_evidence: f64,
}

/// The evidence at one value of the parameters.
#[derive(Debug)]
pub struct Evaluated {
    pub values: Values,
    pub joined: Joined,
    pub(super) filled: Vec<Filled>,
    /// Forward passes, by plan and configuration.
    pub swept: Vec<Vec<Swept>>,
}

/// Days since the origin at which some condition that a component looks at, or an override of it, changes, ascending.
pub fn boundaries<'c>(
    model: &Model,
    component: &Component,
    conditions: impl IntoIterator<Item = &'c Condition>,
    overrides: &[Override],
) -> Vec<f64> {
    let mut all: Vec<f64> = conditions.into_iter().flat_map(Condition::boundaries).collect();
    for &ladder in &component.ladders {
        all.extend(model.ladders[ladder].effects.iter().flat_map(|effect| effect.when.boundaries()));
    }
    let own = overrides.iter().filter(|set| match set {
        Override::Driver { driver, .. } => component.drivers.contains(driver),
        Override::Ladder { ladder, .. } => component.ladders.contains(ladder),
    });
    all.extend(own.map(Override::since));
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

impl Prepared {
    /// Compiles the evidence into plans.
    ///
    /// Ladders with no evidence at or downstream of them are dropped, unless `wanted` or upstream of one that is.
    /// `marks` are times (days since the origin) at which smoothed marginals are wanted.
    ///
    /// # Errors
    /// `TooLarge`, before memory is taken.
    pub fn new(model: &Arc<Model>, dossier: &Dossier, wanted: &[usize], marks: &[f64]) -> Result<Self> {
        Self::asking(model, dossier, wanted, marks, &[], None)
    }

    /// The same, with what `atoms` ask of the past remembered beside the evidence, and with the generators of a dossier
    /// compiled before where they do not change.
    pub fn asking(
        model: &Arc<Model>,
        dossier: &Dossier,
        wanted: &[usize],
        marks: &[f64],
        atoms: &[Atom],
        past: Option<&Prepared>,
    ) -> Result<Self> {
        let (accounts, parts) = Self::split(model, dossier, wanted, marks.len(), atoms);
        accounts.iter().try_for_each(|account| afford(model, account))?;
        let evidence: Vec<&Evidence> = dossier.developments.iter().map(|d| &d.evidence).collect();
        let told = evidence.len();
        let mut asked = vec![];
        let known = |past: &Prepared, part: &Arc<Part>| {
            let at = past.plans.iter().position(|plan| plan.part.of(&part.ladders, &part.drivers, &part.calendar))?;
            Arc::ptr_eq(&past.model, model).then(|| past.openings[at].clone())
        };
        let (plans, openings) = parts
            .iter()
            .map(|component| {
                let own = || component.items.iter().filter_map(|&item| atoms.get(item.checked_sub(told)?));
                let items = component.items.iter().filter_map(|&item| evidence.get(item));
                let conditions = items.clone().filter_map(|item| match item.plain() {
                    Evidence::State { when, .. } | Evidence::Window { when, .. } => Some(when),
                    _ => None,
                });
                let conditions = conditions.chain(own().flat_map(Atom::conditions));
                let boundaries = boundaries(model, component, conditions, &[]);
                let (ladders, drivers) = (component.ladders.clone(), component.drivers.clone());
                let calendar = Calendar::new(0.0, &boundaries, &[]);
                let parts = past.iter().flat_map(|past| &past.plans).map(|plan| &plan.part);
                let mut parts = parts.filter(|part| part.of(&ladders, &drivers, &calendar)).cloned();
                let new = || Arc::new(Part::new(model, ladders.clone(), drivers.clone(), calendar.clone()));
                let part = parts.next().unwrap_or_else(new);
                let opening = past.and_then(|past| known(past, &part));
                let opening = opening.unwrap_or_else(|| Arc::new(Opening::new(model, &part)));
                let mut planner = Planner::new(model, part, dossier.as_of);
                planner.hand_on();
                items.for_each(|item| planner.evidence(item));
                let mut monitors: Vec<(usize, &Atom)> = own().map(|atom| (planner.atom(atom), atom)).collect();
                marks.iter().filter(|&&mark| mark <= dossier.as_of).for_each(|&mark| planner.mark(mark));
                let mut plan = planner.finish();
                plan.use_rows(opening.rows());
                monitors.sort_by_key(|(monitor, _)| plan.open.iter().position(|open| open == monitor));
                asked.push(monitors.into_iter().map(|(_, atom)| atom.clone()).collect());
                (plan, opening)
            })
            .unzip();
        let carried = parts.iter().flat_map(|component| component.ladders.clone()).collect();
        Ok(Prepared {
            model: model.clone(),
            plans,
            openings,
            accounts,
            now: dossier.as_of,
            surgery: vec![],
            carried,
            asked,
            judged: None,
        })
    }

    /// The same, with the model's judgements about answers as part of the prior.
    ///
    /// # Errors
    /// As [`Judged::new`].
    pub fn judged(mut self, dossier: &Dossier) -> Result<Self> {
        if !self.model.expectations.is_empty() {
            self.judged = Some(Arc::new(Judged::new(&self.model, dossier)?));
        }
        Ok(self)
    }

    /// The components of a dossier, and of what `atoms` ask of the past, and their accounts; nothing is allocated. Items are
    /// the developments, then the atoms.
    pub fn split(
        model: &Model,
        dossier: &Dossier,
        wanted: &[usize],
        marks: usize,
        atoms: &[Atom],
    ) -> (Vec<Account>, Vec<Component>) {
        let told = dossier.developments.iter();
        let items: Vec<Item> = told
            .map(|d| Item::of_evidence(model, &d.evidence, format!("development '{}'", d.id)))
            .chain(atoms.iter().map(|atom| Item::of_atom(atom, "the question".into())))
            .collect();
        let evidence: Vec<&Evidence> = dossier.developments.iter().map(|d| &d.evidence).collect();
        let seen = items.iter().flat_map(|item| item.ladders.clone());
        let ladders = ancestors(model, seen.chain(wanted.iter().copied()));
        let parts = components(model, &ladders, &items, &[]);
        let accounts = parts
            .iter()
            .map(|c| c.account(model, &Load::evidence(c, model, &evidence, atoms, marks, dossier.as_of)))
            .collect();
        (accounts, parts)
    }

    /// The drivers' network with these values, surgery done.
    pub fn network(&self, values: &Values) -> Result<Network> {
        let drivers = &self.model.drivers;
        let tables =
            drivers.iter().map(|driver| driver.rows.iter().flat_map(|&row| values.rows[row].clone()).collect());
        let network = Network::new(
            drivers.iter().map(|driver| driver.states.len()).collect(),
            drivers.iter().map(|driver| driver.parents.clone()).collect(),
            tables.collect(),
        )?;
        self.surgery.iter().try_fold(network, |network, &(driver, state)| network.do_(driver, state))
    }

    /// Forward passes of all components, and what the drivers make of them.
    ///
    /// # Errors
    /// `Interrupted`; `Diverged` where an intensity is not finite.
    pub fn forward(&self, values: Values, control: &Control) -> Result<Evaluated> {
        self.forward_after(values, None, &|_| Keep::Nothing, control)
    }

    /// The same at what was learnt, where evidence may be appended: of what was swept before for the same values, the steps
    /// up to the first change are taken over, and some of the way is kept for the next time.
    pub fn append(
        &self,
        values: Values,
        past: Option<(&Prepared, &Evaluated)>,
        control: &Control,
    ) -> Result<Evaluated> {
        let past = past.filter(|(prepared, past)| Arc::ptr_eq(&prepared.model, &self.model) && past.values == values);
        let keep = |plan: &Plan| {
            // The first and the last of them at least.
            let bytes = 8.0 * (plan.part.space.len() * plan.flags * plan.part.configs.len()) as f64;
            Keep::Some(((room() / bytes) as usize).clamp(2, plan.steps.len().max(2)))
        };
        self.forward_after(values, past, &keep, control)
    }

    /// The same at other values: plans whose numbers have not changed since `near` are taken over from there.
    ///
    /// # Errors
    /// As [`Prepared::forward`].
    pub fn beside(&self, values: Values, near: &Evaluated, control: &Control) -> Result<Evaluated> {
        self.forward_from(values, None, Some(near), &|_| Keep::Nothing, control)
    }

    fn forward_after(
        &self,
        values: Values,
        past: Option<(&Prepared, &Evaluated)>,
        keep: &(impl Fn(&Plan) -> Keep + Sync),
        control: &Control,
    ) -> Result<Evaluated> {
        self.forward_from(values, past, None, keep, control)
    }

    fn forward_from(
        &self,
        values: Values,
        past: Option<(&Prepared, &Evaluated)>,
        near: Option<&Evaluated>,
        keep: &(impl Fn(&Plan) -> Keep + Sync),
        control: &Control,
    ) -> Result<Evaluated> {
        let same: Vec<Option<(&Vec<Swept>, usize)>> = self
            .plans
            .iter()
            .map(|plan| {
                let (prepared, past) = past?;
                let plans = prepared.plans.iter().zip(&past.swept);
                plans.map(|(other, swept)| (swept, plan.same_until(other))).max_by_key(|(_, same)| *same)
            })
            .collect();
        let filled: Vec<Filled> = self.plans.iter().map(|plan| plan.part.fill(&values)).collect::<Result<_>>()?;
        let opened = self.opened(&values, control)?;
        let tasks: Vec<(usize, usize)> =
            (0..self.plans.len()).flat_map(|p| (0..self.plans[p].part.configs.len()).map(move |c| (p, c))).collect();
        let passes: Vec<Swept> = tasks
            .par_iter()
            .map(|&(p, config)| {
                let plan = &self.plans[p];
                if let Some(near) = near.filter(|near| !plan.concerned(&near.values, &values)) {
                    return Ok(near.swept[p][config].clone());
                }
                let sweep = Sweep::new(plan, &filled[p], &values, config, control);
                let start = opened[p].law(&plan.part.space, config);
                match same[p] {
                    Some((past, same)) if same > 0 => sweep.resume(&past[config], same, start, keep(plan)),
                    _ => sweep.forward(start, keep(plan)),
                }
            })
            .collect::<Result<_>>()?;
        let mut swept: Vec<Vec<Swept>> = self.plans.iter().map(|_| vec![]).collect();
        for ((p, _), pass) in tasks.into_iter().zip(passes) {
            swept[p].push(pass);
        }
        let log = |plan: &Plan, pass: &Swept| pass.log + plan.share(&pass.end).ln();
        let told = self.plans.iter().zip(&swept);
        let logs = told.map(|(plan, passes)| passes.iter().map(|pass| log(plan, pass)).collect()).collect();
        let joined = self.join(&values, logs)?;
        Ok(Evaluated { values, joined, filled, swept })
    }

    /// Whether the developments can all be true, however improbable: a sweep over what is 0 and what is not.
    pub fn possible(&self, control: &Control) -> Result<bool> {
        let values = self.model.parameters.support();
        let mut logs = vec![];
        for (plan, opened) in self.plans.iter().zip(self.opened(&values, control)?) {
            let filled = plan.part.fill(&values)?;
            let start = |config| opened.law(&plan.part.space, config);
            let reachable = |config| Sweep::new(plan, &filled, &values, config, control).reachable(start(config));
            let log = |config| Ok(if reachable(config)? { 0.0 } else { f64::NEG_INFINITY });
            logs.push((0..plan.part.configs.len()).map(log).collect::<Result<_>>()?);
        }
        Ok(self.join(&values, logs)?.log_evidence.is_finite())
    }

    /// What the drivers make of P(evidence of each plan | configuration), given as logs.
    pub fn join(&self, values: &Values, logs: Vec<Vec<f64>>) -> Result<Joined> {
        let mut offset = 0.0;
        let mut factors = vec![];
        let network = self.network(values)?;
        let said = self.plans.iter().zip(logs).map(|(plan, logs)| Said {
            drivers: plan.part.drivers.clone(),
            sizes: plan.part.configs.sizes().to_vec(),
            logs,
        });
        for said in reconciled(said.collect(), &network)? {
            let top = said.top();
            offset += top;
            let weights = said.logs.iter().map(|log| (log - top).exp()).collect();
            factors.push(Factor::new(said.drivers, said.sizes, weights)?);
        }
        let (_, log_evidence) = network.joint(&factors, offset, &[], limits::memory())?;
        Ok(Joined { network, factors, log_evidence })
    }

    /// The laws of the first rungs at these values, by plan.
    ///
    /// # Errors
    /// As [`Opening::at`].
    pub fn opened<'a>(&'a self, values: &'a Values, control: &Control) -> Result<Vec<Opened<'a>>> {
        self.openings.iter().map(|opening| opening.at(values, control)).collect()
    }

    /// Smoothed marginals of every carried ladder at the marks: `[ladder][mark][rung]` (empty for ladders not carried).
    pub fn smoothed(&self, evaluated: &Evaluated, control: &Control) -> Result<Vec<Vec<Vec<f64>>>> {
        let mut all: Vec<Vec<Vec<f64>>> = vec![vec![]; self.model.ladders.len()];
        let opened = self.opened(&evaluated.values, control)?;
        for (p, plan) in self.plans.iter().enumerate() {
            let weights = evaluated.joined.posterior(&plan.part.drivers)?;
            for (config, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                let sweep = Sweep::new(plan, &evaluated.filled[p], &evaluated.values, config, control);
                // One configuration's vectors at a time.
                let swept = sweep.forward(opened[p].law(&plan.part.space, config), Keep::Marks)?;
                let none = Statistics { positives: vec![], rows: vec![], reals: vec![] };
                let mut gained = Gained::new(Tally::new(0), none);
                sweep.backward(&swept, 0.0, &mut gained)?;
                mix(plan, &gained.marks, weight, &mut all);
            }
        }
        Ok(all)
    }
}

/// Adds `weight` times each ladder's marginals at each mark.
pub fn mix(plan: &Plan, marks: &[Vec<f64>], weight: f64, into: &mut [Vec<Vec<f64>>]) {
    for (axis, &ladder) in plan.part.ladders.iter().enumerate() {
        into[ladder].resize(marks.len(), vec![]);
        for (sum, mark) in into[ladder].iter_mut().zip(marks) {
            let marginal = plan.part.phases[axis].fold(&plan.part.space.marginal(mark, axis));
            sum.resize(marginal.len(), 0.0);
            sum.iter_mut().zip(&marginal).for_each(|(s, m)| *s += weight * m);
        }
    }
}

/// Widest range of logs, over all that is said of the same drivers, that single factors are sure to hold: e^−600 is 1e-261.
const RANGE: f64 = 600.0;
/// Most cells of a table that joins what is said of the same drivers as logs.
const CELLS: f64 = 1e6;

/// Work on the order in which drivers are eliminated for draws, as a share of that on tables; see [`Engine::new`].
const ORDERS: f64 = 0.3;

/// ln P(evidence | drivers), over joint states of some drivers, the last fastest.
struct Said {
    drivers: Vec<usize>,
    sizes: Vec<usize>,
    logs: Vec<f64>,
}

impl Said {
    /// The largest log; 0 where all is impossible.
    fn top(&self) -> f64 {
        let top = self.logs.iter().fold(f64::NEG_INFINITY, |top: f64, log| top.max(*log));
        if top.is_finite() { top } else { 0.0 }
    }

    fn range(&self) -> f64 {
        let finite = self.logs.iter().filter(|log| log.is_finite());
        self.top() - finite.fold(self.top(), |least: f64, log| least.min(*log))
    }

    fn meets(&self, other: &Said) -> bool {
        self.drivers.iter().any(|driver| other.drivers.contains(driver))
    }

    /// Both at once, over the drivers of either; `None` where that table would be large.
    fn and(&self, other: &Said) -> Option<Said> {
        let sized = |said: &Said| said.drivers.iter().copied().zip(said.sizes.clone()).collect::<BTreeSet<_>>();
        let (drivers, sizes): (Vec<usize>, Vec<usize>) = sized(self).union(&sized(other)).copied().unzip();
        if sizes.iter().map(|&size| size as f64).product::<f64>() > CELLS {
            return None;
        }
        let space = Space::new(sizes.clone());
        let at = |said: &Said, index: usize| {
            let places = said.drivers.iter().zip(&said.sizes);
            let own = places.fold(0, |own, (driver, size)| {
                own * size + space.digit(index, drivers.binary_search(driver).unwrap_or(0))
            });
            said.logs[own]
        };
        let logs = (0..space.len()).map(|index| at(self, index) + at(other, index)).collect();
        Some(Said { drivers, sizes, logs })
    }
}

/// Joins as logs what is said of the same drivers where it lies so far apart that, each divided by its own largest value,
/// the states on which all agree would underflow. What the network rules out is ruled out first.
fn reconciled(mut all: Vec<Said>, network: &Network) -> Result<Vec<Said>> {
    let mut first = 0;
    while first < all.len() {
        let near: Vec<usize> = (0..all.len()).filter(|&k| k == first || all[k].meets(&all[first])).collect();
        if near.iter().map(|&k| all[k].range()).sum::<f64>() <= RANGE {
            first += 1;
            continue;
        }
        let join = near.iter().filter(|&&k| k != first).find_map(|&k| Some((k, all[first].and(&all[k])?)));
        let Some((other, both)) = join else {
            if !all[first].drivers.is_empty() && all[first].range() > RANGE {
                let law = network.joint(&[], 0.0, &all[first].drivers, limits::memory())?.0;
                let ruled = law.values().iter().zip(&mut all[first].logs).filter(|(p, _)| **p == 0.0);
                ruled.for_each(|(_, log)| *log = f64::NEG_INFINITY);
            }
            first += 1;
            continue;
        };
        all[first.min(other)] = both;
        all.remove(first.max(other));
        first = first.min(other);
    }
    Ok(all)
}

impl Joined {
    /// The posterior of every driver, one after the other.
    pub fn posteriors(&self) -> Result<Vec<f64>> {
        Ok(self.network.posteriors(&self.factors, limits::memory())?.0.concat())
    }

    /// The joint posterior of some drivers, the last fastest.
    pub fn posterior(&self, drivers: &[usize]) -> Result<Vec<f64>> {
        Ok(self.network.joint(&self.factors, 0.0, drivers, limits::memory())?.0.values().to_vec())
    }

    /// The same drivers where something more is said of some of them.
    ///
    /// # Errors
    /// As [`Factor::new`].
    pub fn with(&self, said: Option<Factor>) -> Result<Self> {
        let factors = self.factors.iter().cloned().chain(said).collect();
        Ok(Joined { network: self.network.clone(), factors, log_evidence: self.log_evidence })
    }

    /// `n` draws of all drivers, one world after the other: what is said of some of them is a child that was seen.
    ///
    /// # Errors
    /// As [`Engine::sample`].
    pub fn sample(&self, n: usize, seed: u64, control: &Control) -> Result<Vec<u32>> {
        let visible = self.network.cards().len();
        if visible == 0 {
            return Ok(vec![]);
        }
        let (mut cards, mut parents) = (self.network.cards().to_vec(), self.network.parents().to_vec());
        let mut tables = self.network.tables().to_vec();
        for factor in self.factors.iter().filter(|factor| !factor.vars().is_empty()) {
            let top = factor.values().iter().copied().fold(0.0, f64::max);
            cards.push(2);
            parents.push(factor.vars().to_vec());
            tables.push(factor.values().iter().flat_map(|w| [1.0 - w / top, w / top]).collect());
        }
        let all = cards.len();
        let seen: Vec<(usize, Finding)> = (visible..all).map(|v| (v, Finding::State(1))).collect();
        let engine = Engine::new(Network::new(cards, parents, tables)?, all, ORDERS);
        let draws = engine.sample(n, seed, &seen, control)?;
        Ok(draws.chunks_exact(all).flat_map(|draw| draw[..visible].to_vec()).collect())
    }

    /// The expected counts of the drivers' free tables, times `weight`, added to statistics; none of drivers set by hand.
    ///
    /// # Errors
    /// As [`Joined::posterior`].
    pub fn count(&self, prepared: &Prepared, weight: f64, into: &mut Statistics) -> Result<()> {
        let rows = &prepared.model.parameters.rows;
        for (number, driver) in prepared.model.drivers.iter().enumerate() {
            let free = driver.rows.iter().any(|&row| rows[row].prior != RowPrior::Fixed);
            if free && !prepared.surgery.iter().any(|(d, _)| *d == number) {
                let family: Vec<usize> = driver.parents.iter().copied().chain([number]).collect();
                let counts = self.posterior(&family)?;
                for (&row, counts) in driver.rows.iter().zip(counts.chunks_exact(driver.states.len())) {
                    into.rows[row].iter_mut().zip(counts).for_each(|(sum, count)| *sum += weight * count);
                }
            }
        }
        Ok(())
    }
}
