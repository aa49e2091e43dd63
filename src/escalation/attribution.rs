//! What each development does to an answer, at fixed parameters and fixed now: by arrival, left out, and Shapley's shares.

use super::answer::Asked;
use super::component::{Component, ancestors};
use super::dossier::{Dossier, Evidence};
use super::engine::{Evaluated, Prepared};
use super::fitted::Fitted;
use super::onward::{Fills, Parts};
use super::question::{Atom, Question};
use super::sweep::{Keep, Sweep, Swept};
use super::theta::Values;
use super::timeline::Planner;
use crate::ground::{Control, Error, Result, random};
use crate::markov::tally::room;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most players whose Shapley shares are found by all coalitions: 2^12 of them.
pub const EXACT: usize = 12;

/// An answer under some of the developments: what holds, and what does not, neither from the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odds {
    pub yes: f64,
    pub no: f64,
}

impl Odds {
    /// The probability; NaN where what is asked under cannot be.
    pub fn probability(self) -> f64 {
        self.yes / (self.yes + self.no)
    }

    /// ln of yes over no: infinite where one is 0.
    pub fn logit(self) -> f64 {
        self.yes.ln() - self.no.ln()
    }
}

/// Shares of players, and their standard errors (0 where all coalitions were counted).
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    pub value: Vec<f64>,
    pub error: Vec<f64>,
}

/// A component, and the developments of it that are there.
type Subset = (usize, Vec<usize>);

/// The evidence of any of the developments.
///
/// A component is swept once for each set of its own developments that comes up: what sets share is not done again.
pub struct Subsets<'a> {
    prepared: &'a Prepared,
    dossier: &'a Dossier,
    components: Vec<Component>,
    values: Values,
    swept: Mutex<HashMap<Subset, Arc<Vec<Swept>>>>,
    control: &'a Control,
}

impl<'a> Subsets<'a> {
    /// Of plans that carry the ladders `wanted` beside those of the evidence, and remember what `atoms` ask of the past.
    pub fn new(
        prepared: &'a Prepared,
        dossier: &'a Dossier,
        (wanted, atoms): (&[usize], &[Atom]),
        values: Values,
        control: &'a Control,
    ) -> Self {
        let components = Prepared::split(&prepared.model, dossier, wanted, 0, atoms).1;
        Subsets { prepared, dossier, components, values, swept: Mutex::default(), control }
    }

    /// The forward passes of a component under some of its developments.
    fn passes(&self, plan: usize, items: Vec<usize>) -> Result<Arc<Vec<Swept>>> {
        let key = (plan, items);
        if let Some(known) = self.swept.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let whole = &self.prepared.plans[plan];
        let mut planner = Planner::new(&self.prepared.model, whole.part.clone(), self.prepared.now);
        planner.hand_on();
        let evidence = |&item: &usize| -> &Evidence { &self.dossier.developments[item].evidence };
        key.1.iter().for_each(|item| planner.evidence(evidence(item)));
        for atom in &self.prepared.asked[plan] {
            planner.atom(atom);
        }
        let own = planner.finish();
        let filled = own.part.fill(&self.values)?;
        let opened = self.prepared.openings[plan].at(&self.values, self.control)?;
        let pass = |config: usize| {
            let sweep = Sweep::new(&own, &filled, &self.values, config, self.control);
            sweep.forward(opened.law(&own.part.space, config), Keep::Nothing)
        };
        let passes = Arc::new((0..own.part.configs.len()).map(pass).collect::<Result<Vec<_>>>()?);
        let mut known = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes =
            8 * known.values().map(|passes| passes.iter().map(|pass| pass.end.len()).sum::<usize>()).sum::<usize>();
        if (bytes as f64) < room() {
            known.insert(key, passes.clone());
        }
        Ok(passes)
    }

    /// The evidence of the developments that are marked.
    ///
    /// # Errors
    /// `Interrupted`, `Diverged`.
    pub fn evaluated(&self, keep: &[bool]) -> Result<Evaluated> {
        self.control.check()?;
        let mut swept = Vec::with_capacity(self.components.len());
        for (plan, component) in self.components.iter().enumerate() {
            // Beyond the developments are what is asked of the past.
            let told = component.items.iter().copied().filter(|&item| item < keep.len());
            let items = told.filter(|&item| keep[item]).collect();
            swept.push(self.passes(plan, items)?.to_vec());
        }
        let logs = swept.iter().map(|passes| passes.iter().map(|pass| pass.log).collect()).collect();
        let joined = self.prepared.join(&self.values, logs)?;
        Ok(Evaluated { values: self.values.clone(), joined, filled: vec![], swept })
    }

    /// ln P of each of several sets of developments.
    ///
    /// # Errors
    /// As [`Subsets::evaluated`].
    pub fn log_evidence(&self, sets: &[Vec<bool>]) -> Result<Vec<f64>> {
        self.control.announce(sets.len());
        let one = |keep: &Vec<bool>| {
            let log = self.evaluated(keep)?.joined.log_evidence;
            self.control.tick();
            Ok(log)
        };
        sets.par_iter().map(one).collect()
    }
}

/// A question that can be answered under any of the developments.
pub struct Coalitions<'a> {
    subsets: Subsets<'a>,
    asked: Asked,
}

impl Coalitions<'_> {
    /// The answer under the developments that are marked.
    ///
    /// # Errors
    /// As [`Subsets::evaluated`].
    pub fn odds(&self, keep: &[bool], fills: &mut Fills) -> Result<Odds> {
        let evaluated = self.subsets.evaluated(keep)?;
        fills.forget_starts();
        let (yes, no) = self.asked.odds(self.subsets.prepared, &evaluated, fills, self.subsets.control)?;
        Ok(Odds { yes, no })
    }

    /// The answers under several sets of developments, in their order.
    ///
    /// # Errors
    /// As [`Coalitions::odds`].
    pub fn each(&self, sets: &[Vec<bool>]) -> Result<Vec<Odds>> {
        self.subsets.control.announce(sets.len());
        let one = |fills: &mut Fills, keep: &Vec<bool>| {
            let odds = self.odds(keep, fills);
            self.subsets.control.tick();
            odds
        };
        sets.par_iter().map_init(Fills::default, one).collect()
    }
}

/// What developments do to an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributed {
    /// Under none of the developments, and under all.
    pub before: Odds,
    pub now: Odds,
    /// The developments of each day on which some became known (indices into the dossier), and the answer after them.
    pub arrivals: Vec<(Vec<usize>, Odds)>,
    /// By player: the answer without it, and under it alone.
    pub without: Vec<Odds>,
    pub alone: Vec<Odds>,
    /// By player (none where no orders were asked for), on the scale that `on_probability` says.
    pub shares: Shares,
    /// Whether some coalition makes the answer 0 or 1, so that shares are of probability and not of log-odds.
    pub on_probability: bool,
}

/// Whether developments agree, in natural logarithms, all at the mode of the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarrels {
    /// ln P(development | all others).
    pub given_rest: Vec<f64>,
    /// ln P(development).
    pub alone: Vec<f64>,
    /// Of two developments, ln P(a) P(b) / P(a, b): above 0 they speak against each other (Jensen et al. 1991).
    pub pairs: Vec<(usize, usize, f64)>,
    /// ln Π P(development) / P(all).
    pub whole: f64,
}

impl Fitted {
    fn coalitions<'a>(
        &'a self,
        prepared: &'a Prepared,
        (wanted, past): (&[usize], &[Atom]),
        question: &Question,
        control: &'a Control,
    ) -> Result<Coalitions<'a>> {
        let asked = Asked::new(prepared, question, &self.scenario.overrides, &mut Parts::default())?;
        Ok(Coalitions { subsets: self.subsets(prepared, (wanted, past), control), asked })
    }

    fn subsets<'a>(&'a self, prepared: &'a Prepared, beside: (&[usize], &[Atom]), control: &'a Control) -> Subsets<'a> {
        let values = self.model.parameters.values(&self.learnt.theta);
        Subsets::new(prepared, self.dossier(), beside, values, control)
    }

    /// Of each development and of pairs of them, how they get on with each other; see [`Quarrels`].
    ///
    /// # Errors
    /// As [`Subsets::log_evidence`].
    pub fn quarrels(&self, pairs: bool, control: &Control) -> Result<Quarrels> {
        let n = self.dossier().developments.len();
        let subsets = self.subsets(&self.base, (&[], &[]), control);
        let only = |of: &dyn Fn(usize) -> bool| (0..n).map(of).collect::<Vec<bool>>();
        let mut sets = vec![only(&|_| true)];
        sets.extend((0..n).map(|k| only(&|other| other != k)));
        sets.extend((0..n).map(|k| only(&|other| other == k)));
        let couples: Vec<(usize, usize)> =
            if pairs { (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect() } else { vec![] };
        sets.extend(couples.iter().map(|&(a, b)| only(&|other| other == a || other == b)));
        let logs = subsets.log_evidence(&sets)?;
        let (all, rest) = (logs[0], &logs[1..]);
        let (without, rest) = rest.split_at(n);
        let (alone, together) = rest.split_at(n);
        let pair = |(&(a, b), log): (&(usize, usize), &f64)| (a, b, alone[a] + alone[b] - log);
        Ok(Quarrels {
            given_rest: without.iter().map(|log| all - log).collect(),
            alone: alone.to_vec(),
            pairs: couples.iter().zip(together).map(pair).collect(),
            whole: alone.iter().sum::<f64>() - all,
        })
    }

    /// The evidence plans that a question needs, the ladders that they carry beyond those of the evidence, and what is asked
    /// of the past.
    fn needed(&self, question: &Question) -> Result<(Arc<Prepared>, Vec<usize>, Vec<Atom>)> {
        refuse_staged("explain", question)?;
        let needed = ancestors(&self.model, Asked::ladders(question));
        let wanted: Vec<usize> = needed.difference(&self.base.carried).copied().collect();
        let past = question.past(self.dossier().as_of);
        Ok((self.prepared(&wanted, &[], &past)?, wanted, past))
    }

    /// What sets of developments (indices into the dossier; those in none are always there) do to the answer at the mode.
    /// Up to [`EXACT`] of them have exact shares, more `pairs` random orders and their reverses; none without pairs.
    ///
    /// # Errors
    /// As [`Coalitions::odds`].
    pub fn attribute(
        &self,
        question: &Question,
        players: &[Vec<usize>],
        (pairs, seed): (usize, u64),
        control: &Control,
    ) -> Result<Attributed> {
        let (prepared, wanted, past) = self.needed(question)?;
        let game = self.coalitions(&prepared, (&wanted, &past), question, control)?;
        let n = self.dossier().developments.len();
        let of = |absent: &dyn Fn(usize) -> bool| -> Vec<bool> {
            let mut keep = vec![true; n];
            let out = players.iter().enumerate().filter(|(player, _)| absent(*player));
            out.flat_map(|(_, own)| own).for_each(|&development| keep[development] = false);
            keep
        };
        let days = self.days(players);
        let mut sets = vec![of(&|_| true), of(&|_| false)];
        let mut keep = sets[0].clone();
        for day in &days {
            day.iter().for_each(|&development| keep[development] = true);
            sets.push(keep.clone());
        }
        sets.extend((0..players.len()).map(|player| of(&|other| other == player)));
        sets.extend((0..players.len()).map(|player| of(&|other| other != player)));
        let exact = players.len() <= EXACT && pairs > 0;
        let orders = if exact { vec![] } else { orders(players.len(), pairs, seed) };
        let first = sets.len();
        if exact {
            sets.extend((0..1usize << players.len()).map(|mask| of(&|player| mask >> player & 1 == 0)));
        }
        for order in &orders {
            let place: HashMap<usize, usize> = order.iter().enumerate().map(|(i, &player)| (player, i)).collect();
            sets.extend((0..=players.len()).map(|i| of(&|player| place[&player] >= i)));
        }
        let odds = game.each(&sets)?;
        let on_probability = odds[first..].iter().chain(&odds[..2]).any(|odds| !odds.logit().is_finite());
        let worth = |odds: &Odds| if on_probability { odds.probability() } else { odds.logit() };
        let coalitions: Vec<f64> = odds[first..].iter().map(worth).collect();
        let shares = match exact {
            _ if pairs == 0 => Shares { value: vec![], error: vec![] },
            true => Shares { value: shapley(players.len(), &coalitions), error: vec![0.0; players.len()] },
            false => {
                let along: Vec<Vec<f64>> = coalitions.chunks_exact(players.len() + 1).map(<[f64]>::to_vec).collect();
                sampled(players.len(), &orders, &along)
            }
        };
        let (before, now) = (odds[0], odds[1]);
        let arrivals: Vec<(Vec<usize>, Odds)> = days.into_iter().zip(odds[2..].iter().copied()).collect();
        let (without, alone) = odds[2 + arrivals.len()..first].split_at(players.len());
        let (without, alone) = (without.to_vec(), alone.to_vec());
        Ok(Attributed { before, now, arrivals, without, alone, shares, on_probability })
    }

    /// The players' developments by the day on which they became known, in order.
    fn days(&self, players: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let mut all: Vec<usize> = players.concat();
        let reported = |k: usize| self.dossier().developments[k].reported;
        all.sort_by(|&a, &b| reported(a).total_cmp(&reported(b)).then(a.cmp(&b)));
        // What is known by 24:00 was known that day.
        let day = |k: usize| reported(k).ceil();
        let mut days: Vec<Vec<usize>> = vec![];
        for k in all {
            match days.last_mut().filter(|last| day(last[0]) == day(k)) {
                Some(last) => last.push(k),
                None => days.push(vec![k]),
            }
        }
        days
    }

    /// What each player does to the probability through the parameters that it taught, to first order: the slope of the
    /// answer times how far the mode moves with it, Σ (∇ log-evidence − ∇ log-evidence without it).
    ///
    /// # Errors
    /// `Spec` where nothing was learnt or the fit was changed since; as [`Fitted::slopes`].
    pub fn taught(&self, question: &Question, players: &[Vec<usize>], control: &Control) -> Result<Vec<f64>> {
        let width = self.learnt.theta.len();
        if self.learnt.root.len() != width * width || !self.changes.is_empty() {
            let message = "what developments taught is known of a fit by m.fit alone, before given, do and without";
            return Err(Error::spec("explain", "explain", message));
        }
        let slope = &self.slopes(std::slice::from_ref(question), control)?[0].gradient;
        // Σ slope, with Σ = root · rootᵀ.
        let mut back = vec![0.0; width];
        for (row, slope) in self.learnt.root.chunks_exact(width.max(1)).zip(slope) {
            back.iter_mut().zip(row).for_each(|(sum, x)| *sum += slope * x);
        }
        let rows = self.learnt.root.chunks_exact(width.max(1));
        let lever: Vec<f64> = rows.map(|row| row.iter().zip(&back).map(|(a, b)| a * b).sum()).collect();
        let gradient = |dossier: &Dossier| -> Result<Vec<f64>> {
            Ok(Prepared::new(&self.model, dossier, &[], &[])?.posterior(&self.learnt.theta, control)?.evidence_gradient)
        };
        let all = gradient(self.dossier())?;
        control.announce(players.len());
        players
            .par_iter()
            .map(|own| {
                let mut dossier = self.dossier().clone();
                let mut k = 0;
                dossier.developments.retain(|_| {
                    k += 1;
                    !own.contains(&(k - 1))
                });
                let without = gradient(&dossier)?;
                control.tick();
                let moved = all.iter().zip(&without).zip(&lever);
                Ok(moved.map(|((all, without), lever)| (all - without) * lever).sum())
            })
            .collect()
    }
}

/// Refuses a question of time spent, whose answer is extrapolated from several.
pub(super) fn refuse_staged(what: &str, question: &Question) -> Result<()> {
    if question.staged().len() == 1 {
        return Ok(());
    }
    let message = "it asks for the time spent in a condition, which cannot be taken apart; expected other questions";
    Err(Error::spec(what, format!("question '{}'", question.name), message))
}

/// Shapley's shares of players in a game by all coalitions (Shapley 1953): `worth[mask]` has bit k set where player k is in.
pub fn shapley(players: usize, worth: &[f64]) -> Vec<f64> {
    // Weight of a coalition of s others: s! (n − 1 − s)! / n!.
    let mut weight = vec![1.0 / players.max(1) as f64; players];
    for s in 1..players {
        weight[s] = weight[s - 1] * s as f64 / (players - s) as f64;
    }
    let share = |player: usize| {
        let without = (0..worth.len()).filter(|mask| mask >> player & 1 == 0);
        without.map(|mask| weight[mask.count_ones() as usize] * (worth[mask | 1 << player] - worth[mask])).sum()
    };
    (0..players).map(share).collect()
}

/// Orders in which players arrive: each random one is followed by its reverse, which halves the noise (Mitchell et al. 2022,
/// J. Mach. Learn. Res. 23(43), section 4).
pub fn orders(players: usize, pairs: usize, seed: u64) -> Vec<Vec<usize>> {
    let pair = |k: u64| {
        let mut order: Vec<usize> = (0..players).collect();
        order.shuffle(&mut random::stream(seed, k));
        let reverse = order.iter().rev().copied().collect();
        [order, reverse]
    };
    (0..pairs as u64).flat_map(pair).collect()
}

/// Shares by sampled orders: `worth[k][i]` is what the first i players of the k-th order are worth.
pub fn sampled(players: usize, orders: &[Vec<usize>], worth: &[Vec<f64>]) -> Shares {
    let pairs = (orders.len() / 2).max(1);
    let mut each = vec![vec![0.0; players]; pairs];
    for (k, (order, worth)) in orders.iter().zip(worth).enumerate() {
        for (i, &player) in order.iter().enumerate() {
            each[k / 2][player] += 0.5 * (worth[i + 1] - worth[i]);
        }
    }
    let n = pairs as f64;
    let mean = |player: usize| each.iter().map(|pair| pair[player]).sum::<f64>() / n;
    let value: Vec<f64> = (0..players).map(mean).collect();
    let error = |player: usize| {
        let square = each.iter().map(|pair| (pair[player] - value[player]).powi(2)).sum::<f64>();
        (square / (n - 1.0).max(1.0) / n).sqrt()
    };
    Shares { error: (0..players).map(error).collect(), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A game with a veto player and two substitutes: shares known by hand.
    fn glove(mask: usize) -> f64 {
        f64::from(u8::from(mask & 1 == 1 && mask & 6 != 0))
    }

    #[test]
    fn the_glove_game_has_its_known_shares() {
        let worth: Vec<f64> = (0..8).map(glove).collect();
        let shares = shapley(3, &worth);
        for (own, wanted) in shares.iter().zip([4.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]) {
            assert!((own - wanted).abs() < 1e-15, "{shares:?}");
        }
    }

    #[test]
    fn sampled_shares_add_up_and_come_near() {
        let orders = orders(3, 2000, 1);
        let along = |order: &Vec<usize>| {
            let masks = (0..=3).map(|i| order[..i].iter().fold(0, |mask, player| mask | 1 << player));
            masks.map(glove).collect()
        };
        let worth: Vec<Vec<f64>> = orders.iter().map(along).collect();
        let shares = sampled(3, &orders, &worth);
        assert!((shares.value.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for ((own, error), wanted) in shares.value.iter().zip(&shares.error).zip([4.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]) {
            assert!((own - wanted).abs() < 5.0 * error + 1e-12 && *error < 0.02, "{shares:?}");
        }
    }
}
