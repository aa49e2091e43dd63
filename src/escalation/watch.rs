//! What to watch: what each indicator might show at dates ahead, and what that would make of an answer.
//!
//! A forward pass over the question's monitors and a backward pass from each of its outcomes give P(joint rung at t, outcome)
//! at all dates at once; a table of the indicator then gives P(value, answer). What an indicator is worth is the mutual
//! information of its value and the answer (Shannon 1948) and the expected fall of the Brier score, Var P(answer | value).

use super::answer::{Asked, limited};
use super::attribution::refuse_staged;
use super::dossier::{Evidence, Record};
use super::engine::{Evaluated, Prepared};
use super::fitted::Fitted;
use super::model::Variable;
use super::onward::{Beside, Fills, Onward, Parts, onward};
use super::part::Override;
use super::plan::Reading;
use super::question::{Ask, Question};
use super::sweep::{Gained, Keep, Sweep};
use super::theta::Statistics;
use crate::ground::{Control, Error, Result, limits};
use crate::markov::{Field, Space, Tally};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Most joint states of all drivers for which every one of them is watched.
const JOINT: f64 = 65_536.0;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// A status indicator's state at a date.
    Status(usize),
    /// Whether an events indicator happens at all since the date before.
    Events(usize),
    /// A driver, if it were known.
    Driver(usize),
}

/// One thing to look at, and what it would say.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    pub what: Watch,
    /// When, days since the origin; of a driver, now.
    pub time: f64,
    /// P(value), and P(answer | value); of events the values are "none" and "some".
    pub chances: Vec<f64>,
    pub answers: Vec<f64>,
    /// Expected information about the answer, in bits, and expected fall of the Brier score.
    pub bits: f64,
    pub brier: f64,
}

impl Watched {
    /// From P(value, yes) and P(value, no).
    fn new(what: Watch, time: f64, yes: &[f64], no: &[f64]) -> Self {
        let total: f64 = yes.iter().chain(no).sum();
        let p = yes.iter().sum::<f64>() / total;
        let chances: Vec<f64> = yes.iter().zip(no).map(|(a, b)| (a + b) / total).collect();
        let answers: Vec<f64> = yes.iter().zip(no).map(|(a, b)| a / (a + b)).collect();
        let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).log2() } else { 0.0 };
        let told = chances.iter().zip(&answers).filter(|(chance, _)| **chance > 0.0);
        let bits = told.clone().map(|(c, a)| c * (part(*a, p) + part(1.0 - a, 1.0 - p))).sum::<f64>().max(0.0);
        let brier = told.map(|(c, a)| c * (a - p).powi(2)).sum();
        Watched { what, time, chances, answers, bits, brier }
    }
}

/// What one part says in one configuration of its drivers: P(outcome), and by outcome the law of the joint rung at each date.
#[derive(Debug, Clone)]
struct Seen {
    outcomes: Vec<f64>,
    /// `[outcome][date][joint rung]`; empty where the outcome cannot be.
    laws: Vec<Vec<Vec<f64>>>,
}

impl Fitted {
    /// Everything that can be watched at dates after now (days since the origin, ascending), in the order of the model: status
    /// indicators with states, events indicators of ladders, drivers.
    ///
    /// # Errors
    /// `Spec` for a date that is not after now; `TooLarge`; `Interrupted`.
    pub fn watch(&self, question: &Question, times: &[f64], control: &Control) -> Result<Vec<Watched>> {
        let model = &self.model;
        let now = self.dossier().as_of;
        refuse_staged("watch", question)?;
        if times.iter().any(|time| *time <= now) {
            return Err(Error::spec("watch", "watch", "a date lies before the fit's; expected dates ahead"));
        }
        if let Some(atom) = question.past(now).first() {
            let message =
                format!("the question looks at what was on day {:.1}; expected one about what is ahead", atom.start());
            return Err(Error::spec("watch", "watch", message));
        }
        limited(question)?;
        let statuses: Vec<usize> = (0..model.statuses.len()).filter(|&s| !model.statuses[s].rows.is_empty()).collect();
        let parents = |s: &usize| apart(&model.statuses[*s].parents);
        let links: Vec<(Vec<usize>, Vec<usize>)> = statuses.iter().map(|s| (parents(s).0, vec![])).collect();
        let ladders: Vec<usize> = links.iter().flat_map(|(ladders, _)| ladders.clone()).collect();
        let wanted: BTreeSet<usize> =
            super::component::ancestors(model, ladders.iter().copied().chain(Asked::ladders(question)));
        let outside: Vec<usize> = wanted.difference(&self.base.carried).copied().collect();
        let prepared = self.prepared(&outside, &[], &[])?;
        let evaluated = self.evaluated(&prepared, &self.learnt.theta, control)?;
        let end = times.iter().copied().fold(question.end(now), f64::max);
        let beside = Beside { ladders: &ladders, links: &links, evidence: &[], marks: times };
        let overrides = &self.scenario.overrides;
        let parts = onward(&prepared, &beside, &question.atoms, overrides, end, &Reading::None, &mut Parts::default())?;
        let drivers: BTreeSet<usize> = parts.iter().flat_map(|part| part.plan.part.drivers.clone()).collect();
        let (by_ladders, by_drivers): (Vec<usize>, Vec<usize>) =
            (0..model.events.len()).partition(|&e| !apart(&model.events[e].parents).0.is_empty());
        let of_events = by_drivers.iter().flat_map(|&e| apart(&model.events[e].parents).1);
        let looked = statuses.iter().flat_map(|s| parents(s).1).chain(of_events);
        let mut drivers: BTreeSet<usize> = drivers.into_iter().chain(looked).collect();
        // Every driver, where they are few: what it would settle to know one.
        let states = |of: &mut dyn Iterator<Item = usize>| of.map(|d| model.drivers[d].states.len() as f64).product();
        let all: f64 = states(&mut (0..model.drivers.len()));
        if all <= JOINT {
            drivers.extend(0..model.drivers.len());
        }
        let drivers: Vec<usize> = drivers.into_iter().collect();
        let seen = self.seen(&prepared, &evaluated, &parts, times.len(), control)?;
        let asked = Asked { question: question.clone(), parts, drivers };
        let mut found = self.at_once(&asked, &evaluated, &seen, (&statuses, &by_drivers), times)?;
        let events: Vec<(usize, usize)> =
            by_ladders.iter().flat_map(|&e| (0..times.len()).map(move |t| (e, t))).collect();
        let whole = asked.odds(&prepared, &evaluated, &mut Fills::default(), control)?;
        let silent = |&(number, t): &(usize, usize)| {
            let span = (if t == 0 { now } else { times[t - 1] }, times[t]);
            self.silence(&prepared, &evaluated, question, (number, span), whole, control)
        };
        let drivers_from = found.iter().position(|w| matches!(w.what, Watch::Driver(_))).unwrap_or(found.len());
        let told = events.par_iter().map(silent).collect::<Result<Vec<Watched>>>()?;
        found.splice(drivers_from..drivers_from, told);
        Ok(found)
    }

    /// What every part says in every configuration.
    fn seen(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        parts: &[Onward],
        dates: usize,
        control: &Control,
    ) -> Result<Vec<Vec<Option<Seen>>>> {
        let laws = |part: &Onward| {
            let (configs, n) = (part.plan.part.configs.len() as f64, part.plan.part.space.len() as f64);
            8.0 * configs * 2f64.powi(part.atoms.len() as i32) * dates as f64 * n
        };
        let (bytes, limit) = (parts.iter().map(laws).sum::<f64>(), limits::memory());
        if bytes > limit {
            let message = format!(
                "where the ladders are at {dates} dates, under each outcome, would take {bytes:.3e} bytes; {limit:.3e} are \
                 allowed: expected fewer dates, or a question of fewer atoms"
            );
            return Err(Error::TooLarge { bytes, limit, message });
        }
        let filled: Vec<_> = parts.iter().map(|part| part.plan.part.fill(&evaluated.values)).collect::<Result<_>>()?;
        let tasks: Vec<(usize, usize)> = (0..parts.len())
            .flat_map(|p| (0..parts[p].plan.part.configs.len()).map(move |config| (p, config)))
            .collect();
        control.announce(tasks.len());
        let one = |&(p, config): &(usize, usize)| -> Result<Option<Seen>> {
            let part = &parts[p];
            let Some(start) = part.start(prepared, evaluated, config) else { return Ok(None) };
            let sweep = Sweep::new(&part.plan, &filled[p], &evaluated.values, config, control);
            let swept = sweep.forward(start, Keep::Marks)?;
            let n = part.plan.part.space.len();
            let mut outcomes = vec![0.0; 1 << part.atoms.len()];
            for (level, values) in swept.end.chunks_exact(n).enumerate() {
                outcomes[part.outcome(level)] += values.iter().sum::<f64>();
            }
            let law = |outcome: usize| -> Result<Vec<Vec<f64>>> {
                if outcomes[outcome] <= 0.0 {
                    return Ok(vec![]);
                }
                let weigh = |level: usize| if part.outcome(level) == outcome { 1.0 } else { 0.0 };
                let levels = 0..swept.end.len() / n;
                let column = levels.flat_map(|level| std::iter::repeat_n(weigh(level), n)).collect();
                let nothing = Statistics::zero(&self.model.parameters);
                let mut gained = Gained::new(Tally::new(part.plan.part.labels()), nothing);
                sweep.backward_from(&swept, column, 0.0, &mut gained)?;
                debug_assert_eq!(gained.marks.len(), dates);
                Ok(gained.marks)
            };
            let laws = (0..outcomes.len()).map(law).collect::<Result<_>>()?;
            control.tick();
            Ok(Some(Seen { outcomes, laws }))
        };
        let mut told = tasks.par_iter().map(one).collect::<Result<Vec<_>>>()?.into_iter();
        Ok(parts.iter().map(|part| told.by_ref().take(part.plan.part.configs.len()).collect()).collect())
    }

    /// What is told by where ladders and drivers are: status indicators, events that look at drivers alone, drivers.
    fn at_once(
        &self,
        asked: &Asked,
        evaluated: &Evaluated,
        seen: &[Vec<Option<Seen>>],
        (statuses, events): (&[usize], &[usize]),
        times: &[f64],
    ) -> Result<Vec<Watched>> {
        let (model, now) = (&self.model, self.dossier().as_of);
        let weights = evaluated.joined.posterior(&asked.drivers)?;
        let space = Space::new(asked.drivers.iter().map(|&d| model.drivers[d].states.len()).collect());
        let state =
            |config: usize, driver: usize| space.digit(config, asked.drivers.binary_search(&driver).unwrap_or(0));
        let zero = |n: usize| [vec![0.0; n], vec![0.0; n]];
        let mut by_status: Vec<Vec<[Vec<f64>; 2]>> =
            statuses.iter().map(|&s| times.iter().map(|_| zero(model.statuses[s].states.len())).collect()).collect();
        let mut by_events: Vec<Vec<[Vec<f64>; 2]>> =
            events.iter().map(|_| times.iter().map(|_| zero(2)).collect()).collect();
        let mut by_driver: Vec<[Vec<f64>; 2]> = model.drivers.iter().map(|d| zero(d.states.len())).collect();
        let home: Vec<Option<usize>> = statuses
            .iter()
            .map(|&s| {
                let ladders = apart(&model.statuses[s].parents).0;
                let holds = |part: &Onward| ladders.iter().all(|l| part.plan.part.axis(*l).is_some());
                (!ladders.is_empty()).then(|| asked.parts.iter().position(holds)).flatten()
            })
            .collect();
        for (config, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let here: Option<Vec<&Seen>> = asked
                .parts
                .iter()
                .zip(seen)
                .map(|(part, seen)| seen[asked.config(part, &space, config)].as_ref())
                .collect();
            let Some(here) = here else { continue };
            // P(outcome of a part, answer | the drivers), yes and no, by part and outcome.
            let mut shares: Vec<[Vec<f64>; 2]> = here.iter().map(|seen| zero(seen.outcomes.len())).collect();
            let mut all = [0.0; 2];
            for truth in 0..1usize << asked.question.atoms.len() {
                let holds = |atom: usize| truth >> atom & 1 == 1;
                if !asked.question.given.as_ref().is_none_or(|given: &Ask| given.holds(&holds)) {
                    continue;
                }
                let side = usize::from(!asked.question.ask.holds(&holds));
                let own: Vec<usize> = asked
                    .parts
                    .iter()
                    .map(|part| part.atoms.iter().enumerate().map(|(bit, &a)| (truth >> a & 1) << bit).sum())
                    .collect();
                let p: f64 = here.iter().zip(&own).map(|(seen, &outcome)| seen.outcomes[outcome]).product();
                all[side] += p;
                shares.iter_mut().zip(&own).for_each(|(shares, &outcome)| shares[side][outcome] += p);
            }
            for &driver in &asked.drivers {
                let sums = &mut by_driver[driver];
                (0..2).for_each(|side| sums[side][state(config, driver)] += weight * all[side]);
            }
            let set = |driver: usize, time: f64| {
                let mut by_hand = self.scenario.overrides.iter().filter_map(|set| match *set {
                    Override::Driver { driver: d, state, since } if d == driver && since <= time => Some(state),
                    _ => None,
                });
                by_hand.next_back().unwrap_or_else(|| state(config, driver))
            };
            for (&e, sums) in events.iter().zip(&mut by_events) {
                let indicator = &model.events[e];
                let rate = |time: f64| {
                    let place = indicator.parents.iter().fold(0, |place, parent| match *parent {
                        Variable::Driver(d) => place * model.drivers[d].states.len() + set(d, time),
                        Variable::Ladder(l) => place * model.ladders[l].rungs.len(),
                    });
                    evaluated.values.positives[indicator.rates[place]]
                };
                let mut start = now;
                for (sums, &end) in sums.iter_mut().zip(times) {
                    let turns = self.scenario.overrides.iter().filter_map(|set| match *set {
                        Override::Driver { since, .. } if start < since && since < end => Some(since),
                        _ => None,
                    });
                    let mut ends: Vec<f64> = turns.chain([end]).collect();
                    ends.sort_by(f64::total_cmp);
                    let mut expected = 0.0;
                    for end in ends {
                        expected += rate(start) * (end - start);
                        start = end;
                    }
                    for (side, sums) in sums.iter_mut().enumerate() {
                        sums[0] += weight * all[side] * (-expected).exp();
                        sums[1] -= weight * all[side] * (-expected).exp_m1();
                    }
                }
            }
            for ((&s, home), sums) in statuses.iter().zip(&home).zip(&mut by_status) {
                let status = &model.statuses[s];
                let row = |time: f64, rung: &dyn Fn(usize) -> usize| {
                    let place = status.parents.iter().fold(0, |place, parent| match *parent {
                        Variable::Driver(d) => place * model.drivers[d].states.len() + set(d, time),
                        Variable::Ladder(l) => place * model.ladders[l].rungs.len() + rung(l),
                    });
                    &evaluated.values.rows[status.rows[place]]
                };
                let Some(part) = *home else {
                    // Of drivers alone.
                    for (sums, &time) in sums.iter_mut().zip(times) {
                        for (side, sums) in sums.iter_mut().enumerate() {
                            sums.iter_mut().zip(row(time, &|_| 0)).for_each(|(sum, p)| *sum += weight * all[side] * p);
                        }
                    }
                    continue;
                };
                let plan = &asked.parts[part].plan.part;
                let ladders = apart(&status.parents).0;
                let tables: Vec<Field<Vec<f64>>> =
                    times.iter().map(|&time| plan.field(&ladders, |rung| row(time, rung).clone())).collect();
                for (outcome, laws) in here[part].laws.iter().enumerate() {
                    for ((law, tables), sums) in laws.iter().zip(&tables).zip(sums.iter_mut()) {
                        let mut shown = vec![0.0; status.states.len()];
                        tables.runs(&plan.space, |start, end, index| {
                            let there: f64 = law[start..end].iter().sum();
                            shown.iter_mut().zip(&tables.table()[index]).for_each(|(sum, p)| *sum += there * p);
                        });
                        for (side, sums) in sums.iter_mut().enumerate() {
                            let share = weight * shares[part][side][outcome];
                            sums.iter_mut().zip(&shown).for_each(|(sum, p)| *sum += share * p);
                        }
                    }
                }
            }
        }
        let mut found = vec![];
        for (&s, sums) in statuses.iter().zip(&by_status) {
            found
                .extend(times.iter().zip(sums).map(|(&time, [yes, no])| Watched::new(Watch::Status(s), time, yes, no)));
        }
        for (&e, sums) in events.iter().zip(&by_events) {
            found
                .extend(times.iter().zip(sums).map(|(&time, [yes, no])| Watched::new(Watch::Events(e), time, yes, no)));
        }
        for &driver in &asked.drivers {
            let [yes, no] = &by_driver[driver];
            found.push(Watched::new(Watch::Driver(driver), now, yes, no));
        }
        Ok(found)
    }

    /// Whether an events indicator happens at all in a span.
    fn silence(
        &self,
        prepared: &Prepared,
        evaluated: &Evaluated,
        question: &Question,
        (number, (start, end)): (usize, (f64, f64)),
        (yes, no): (f64, f64),
        control: &Control,
    ) -> Result<Watched> {
        let record = Record::Times(vec![]);
        let evidence = [Evidence::Events { start, end, events: number, record, hit: 1.0, false_rate: 0.0 }];
        let links = [apart(&self.model.events[number].parents)];
        let ladders = links[0].0.clone();
        let beside = Beside { ladders: &ladders, links: &links, evidence: &evidence, marks: &[] };
        let last = question.end(prepared.now).max(end);
        let overrides = &self.scenario.overrides;
        let parts = onward(prepared, &beside, &question.atoms, overrides, last, &Reading::None, &mut Parts::default())?;
        let drivers: BTreeSet<usize> = parts.iter().flat_map(|part| part.plan.part.drivers.clone()).collect();
        let asked = Asked { question: question.clone(), parts, drivers: drivers.into_iter().collect() };
        let (quiet, still) = asked.odds(prepared, evaluated, &mut Fills::default(), control)?;
        let none = [(quiet, still), ((yes - quiet).max(0.0), (no - still).max(0.0))];
        let side = |pick: fn(&(f64, f64)) -> f64| none.iter().map(pick).collect::<Vec<f64>>();
        Ok(Watched::new(Watch::Events(number), end, &side(|x| x.0), &side(|x| x.1)))
    }
}

/// The ladders and the drivers among parents.
fn apart(parents: &[Variable]) -> (Vec<usize>, Vec<usize>) {
    let mut found = (vec![], vec![]);
    for parent in parents {
        match *parent {
            Variable::Ladder(ladder) => found.0.push(ladder),
            Variable::Driver(driver) => found.1.push(driver),
        }
    }
    found
}
