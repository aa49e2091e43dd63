//! The law of the first joint phase of a plan, as it stands, by drivers or at equilibrium; and what its numbers are told.
//!
//! A law over a ladder's rungs is spread over their stages as the ladder declares; at equilibrium the intensities say the stage.
//! Given the drivers it is a product over groups of ladders: one ladder each, but for those at equilibrium that effects
//! link. These have one law π with π Q = 0, Q their generator at the origin. The posterior of the first rung is what its law
//! is told (Fisher's identity): a row gets expected counts, Q's numbers Σ_i E[1{X0 = i}] ∂ ln π_i, by the potentials of Q.

use super::component::{find, unite};
use super::model::{First, Model, Move};
use super::parameter::{Prior, RowPrior};
use super::part::{Calendar, Filled, Part};
use super::phase::Phases;
use super::theta::{Statistics, Values};
use crate::ground::{Control, Error, Result};
use crate::markov::stationary::{self, listed, potentials};
use crate::markov::{Field, Generator, Sheet, Space, Tally};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most closed classes that an error lists.
const LISTED: usize = 4;

/// Where the ladders of a part begin; groups are independent given the drivers.
#[derive(Debug, Clone)]
pub struct Opening {
    model: Arc<Model>,
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    /// Axes of the part, ascending.
    axes: Vec<usize>,
    /// Of one ladder that is not at equilibrium.
    phases: Phases,
    /// Its own configuration in each configuration of the part.
    config: Vec<usize>,
    law: Law,
    /// Whether some number of it is learnt.
    learnt: bool,
}

#[derive(Debug, Clone)]
enum Law {
    Given(Vec<f64>),
    /// Indices into `Parameters::rows`, by configuration of its own.
    Rows(Vec<usize>),
    /// Of the ladders of a part of its own, whose configurations are the group's.
    Equilibrium(Box<Part>),
}

/// An opening's laws at one value of the parameters.
#[derive(Debug)]
pub struct Opened<'a> {
    opening: &'a Opening,
    values: &'a Values,
    /// By group and its own configuration.
    laws: Vec<Vec<Vec<f64>>>,
    /// Rates of the groups at equilibrium.
    filled: Vec<Option<Filled>>,
}

/// The ladders among these that are at equilibrium, in groups that effects link, ascending.
fn at_equilibrium(model: &Model, ladders: &[usize]) -> Vec<Vec<usize>> {
    let own: Vec<usize> = ladders.iter().copied().filter(|&l| model.ladders[l].first == First::Equilibrium).collect();
    let mut root: Vec<usize> = (0..model.ladders.len()).collect();
    for &ladder in &own {
        for effect in &model.ladders[ladder].effects {
            effect.when.ladders().into_iter().for_each(|other| unite(&mut root, ladder, other));
        }
    }
    let roots: BTreeSet<usize> = own.iter().map(|&ladder| find(&root, ladder)).collect();
    let group = |r: usize| own.iter().copied().filter(|&ladder| find(&root, ladder) == r).collect();
    roots.into_iter().map(group).collect()
}

/// The drivers that a ladder's first rung looks at by itself.
pub fn drivers(first: &First) -> &[usize] {
    if let First::Table { parents, .. } = first { parents } else { &[] }
}

/// Bytes that the laws at equilibrium of these ladders take while one of them is worked out.
pub fn bytes(model: &Model, ladders: &[usize]) -> f64 {
    let group = |group: Vec<usize>| {
        let sizes: Vec<f64> = group.iter().map(|&l| model.ladders[l].phases.count() as f64).collect();
        let inner = |axis: usize| sizes[axis + 1..].iter().product::<f64>();
        let reach = |axis: usize| {
            let ladder = &model.ladders[group[axis]];
            let far = |m: &Move| ladder.phases.last(m.from).abs_diff(ladder.phases.entry(m.to));
            ladder.moves.iter().map(far).max().unwrap_or(0).max(1) as f64 * inner(axis)
        };
        let band = (0..group.len()).map(reach).fold(0.0, f64::max);
        let moves: usize = group.iter().map(|&l| model.ladders[l].moves.len()).sum();
        stationary::bytes(sizes.iter().product(), band, moves as f64)
    };
    at_equilibrium(model, ladders).into_iter().map(group).fold(0.0, f64::max)
}

impl Group {
    /// A law over the rungs of its ladder as one over the phases.
    fn spread(&self, law: &[f64]) -> Vec<f64> {
        (0..self.phases.count()).map(|phase| law[self.phases.rung(phase)] * self.phases.share(phase)).collect()
    }
}

impl Opening {
    /// Where the ladders of a part begin, whose drivers are among those that it looks at.
    pub fn new(model: &Arc<Model>, part: &Part) -> Self {
        let configs = 0..part.configs.len();
        let digit =
            |config: usize, driver: &usize| part.configs.digit(config, part.drivers.binary_search(driver).unwrap_or(0));
        let mut groups = vec![];
        for (axis, &ladder) in part.ladders.iter().enumerate() {
            let phases = model.ladders[ladder].phases.clone();
            let group = match &model.ladders[ladder].first {
                First::Given(law) => {
                    let config = configs.clone().map(|_| 0).collect();
                    Group { axes: vec![axis], phases, config, law: Law::Given(law.clone()), learnt: false }
                }
                First::Table { parents, rows } => {
                    let sizes = parents.iter().map(|&d| model.drivers[d].states.len()).collect();
                    let space = Space::new(sizes);
                    let own = |config| space.index(&parents.iter().map(|d| digit(config, d)).collect::<Vec<_>>());
                    let learnt = rows.iter().any(|&row| model.parameters.rows[row].prior != RowPrior::Fixed);
                    let config = configs.clone().map(own).collect();
                    Group { axes: vec![axis], phases, config, law: Law::Rows(rows.clone()), learnt }
                }
                First::Equilibrium => continue,
            };
            groups.push(group);
        }
        for ladders in at_equilibrium(model, &part.ladders) {
            let axes = ladders.iter().filter_map(|&ladder| part.axis(ladder)).collect();
            let effects = ladders.iter().flat_map(|&ladder| &model.ladders[ladder].effects);
            let looked: BTreeSet<usize> = effects.flat_map(|effect| effect.when.drivers()).collect();
            let own = Part::new(model, ladders, looked.into_iter().collect(), Calendar::new(0.0, &[], &[]));
            let place = |config| own.configs.index(&own.drivers.iter().map(|d| digit(config, d)).collect::<Vec<_>>());
            let config = configs.clone().map(place).collect();
            let learnt = own.positives().iter().any(|&p| model.parameters.positives[p].prior != Prior::Fixed);
            let phases = Phases::plain(1);
            groups.push(Group { axes, phases, config, law: Law::Equilibrium(Box::new(own)), learnt });
        }
        Opening { model: model.clone(), groups }
    }

    /// The rows that it looks at.
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.groups
            .iter()
            .flat_map(|group| if let Law::Rows(rows) = &group.law { rows.as_slice() } else { &[] })
            .copied()
    }

    /// The laws at these values.
    ///
    /// # Errors
    /// `Spec`, with the ladders and the drivers' states, where an equilibrium is not unique; as [`stationary::stationary`].
    pub fn at<'a>(&'a self, values: &'a Values, control: &Control) -> Result<Opened<'a>> {
        let (mut laws, mut filled) = (vec![], vec![]);
        for group in &self.groups {
            let (law, rates) = match &group.law {
                Law::Given(law) => (vec![group.spread(law)], None),
                Law::Rows(rows) => (rows.iter().map(|&row| group.spread(&values.rows[row])).collect(), None),
                Law::Equilibrium(part) => {
                    let filled = part.fill(values)?;
                    let law = |config| self.equilibrium(part, &filled, config, control);
                    ((0..part.configs.len()).into_par_iter().map(law).collect::<Result<_>>()?, Some(filled))
                }
            };
            laws.push(law);
            filled.push(rates);
        }
        Ok(Opened { opening: self, values, laws, filled })
    }

    fn equilibrium(&self, part: &Part, filled: &Filled, config: usize, control: &Control) -> Result<Vec<f64>> {
        let generator = generator(part, filled, config);
        let closed = generator.links().closed();
        let name = |x: usize| self.rungs(part, x);
        if closed.len() == 1 {
            return Ok(stationary::stationary(&generator, &name, control)?.values);
        }
        let (ladders, drivers) = (&self.model.ladders, &self.model.drivers);
        let named: Vec<&str> = part.ladders.iter().map(|&l| ladders[l].name.as_str()).collect();
        let states =
            part.drivers.iter().enumerate().map(|(axis, &d)| {
                format!("{} = {}", drivers[d].name, drivers[d].states[part.configs.digit(config, axis)])
            });
        let given = states.collect::<Vec<_>>().join(", ");
        let classes: Vec<String> = closed.iter().take(LISTED).map(|class| listed(class, &name)).collect();
        let message = format!(
            "there is no one equilibrium to begin at{}{given}: {} classes of rungs are never left, {}{}; expected rates that \
             leave one, or a start",
            if given.is_empty() { "" } else { " where " },
            closed.len(),
            classes.join(", "),
            if closed.len() > LISTED { ", …" } else { "" },
        );
        let path = format!("ladder[{}].first", part.ladders.first().copied().unwrap_or(0));
        Err(Error::spec(path, format!("ladder '{}'", named.join("', '")), message))
    }

    /// A joint rung of a part in words.
    fn rungs(&self, part: &Part, x: usize) -> String {
        let name = |(axis, &ladder): (usize, &usize)| {
            let rung = part.phases[axis].rung(part.space.digit(x, axis));
            self.model.ladders[ladder].rungs[rung].clone()
        };
        part.ladders.iter().enumerate().map(name).collect::<Vec<_>>().join(" & ")
    }
}

/// The generator of a part at the origin.
fn generator(part: &Part, filled: &Filled, config: usize) -> Generator {
    let (tiles, exit) = part.filled(filled, config, 0);
    Generator::labelled(part.stencil(config, 0), tiles.clone(), exit.to_vec())
}

impl Opened<'_> {
    /// The law of the joint phases of `space` in a configuration.
    pub fn law(&self, space: &Space, config: usize) -> Vec<f64> {
        self.without(usize::MAX, space, config)
    }

    /// The product of all groups' laws but one's.
    fn without(&self, left_out: usize, space: &Space, config: usize) -> Vec<f64> {
        let mut law = vec![1.0; space.len()];
        for (number, group) in self.opening.groups.iter().enumerate().filter(|(number, _)| *number != left_out) {
            let own = &self.laws[number][group.config[config]];
            over(&group.axes, space, |start, end, index| {
                law[start..end].iter_mut().for_each(|weight| *weight *= own[index]);
            });
        }
        law
    }

    /// Adds what the numbers of the law in a configuration are told where the joint phases of `space` weigh `column` beyond it:
    /// expected statistics of the first rung, times `weight`.
    ///
    /// # Errors
    /// As [`potentials`].
    pub fn gain(
        &self,
        (space, config): (&Space, usize),
        column: &[f64],
        weight: f64,
        control: &Control,
        into: &mut Statistics,
    ) -> Result<()> {
        for (number, group) in self.opening.groups.iter().enumerate().filter(|(_, group)| group.learnt) {
            let own = group.config[config];
            let law = &self.laws[number][own];
            let mut told = vec![0.0; law.len()];
            let others = self.without(number, space, config);
            over(&group.axes, space, |start, end, index| {
                told[index] += others[start..end].iter().zip(&column[start..end]).map(|(p, x)| p * x).sum::<f64>();
            });
            let scale = weight / law.iter().zip(&told).map(|(p, x)| p * x).sum::<f64>();
            told.iter_mut().for_each(|x| *x *= scale);
            match &group.law {
                Law::Given(_) => {}
                Law::Rows(rows) => {
                    let weighed: Vec<f64> = law.iter().zip(&told).map(|(p, x)| p * x).collect();
                    let counts = into.rows[rows[own]].iter_mut();
                    counts.zip(group.phases.fold(&weighed)).for_each(|(count, x)| *count += x);
                }
                Law::Equilibrium(part) => {
                    let Some(filled) = &self.filled[number] else { continue };
                    let gain = potentials(&generator(part, filled, own), law, &told, control)?;
                    let stencil = part.stencil(own, 0);
                    let tiles = part.filled(filled, own, 0).0;
                    let (mut sheet, mut tally) = (Sheet::new(stencil), Tally::new(part.labels()));
                    stencil.each(|from, to, slot| {
                        sheet.moves[slot] += law[from] * tiles.at(slot) * (gain[to] - gain[from]);
                    });
                    sheet.collect(stencil, &mut tally);
                    part.pull(&tally, self.values, into);
                }
            }
        }
        Ok(())
    }
}

/// Visits a space in runs of equal coordinates along some axes: (start, end, index over these axes).
fn over(axes: &[usize], space: &Space, visit: impl FnMut(usize, usize, usize)) {
    Field::tabulate(space, axes.to_vec(), |_| ()).runs(space, visit);
}
