//! A network made ready for many queries: trees are compiled once for each kind of question and kept with their numbers.

use super::network::Network;
use super::propagate::{Finding, Work};
use super::tree::{Plan, Tree};
use crate::ground::{Control, Error, Result, limits, random};
use rand::RngExt;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Networks whose tables together are no larger than this keep one tree for all evidence; in larger ones evidence is cut
/// out of the tables first, by a tree for each set of observed variables.
const WHOLE: usize = 60_000;
/// Likewise networks whose cliques are larger than this: what is asked may need but a part of them.
const WIDE: f64 = 1e6;
/// Messages up and down, as a multiple of the work up alone.
const BOTH_WAYS: f64 = 2.5;
/// Work of compiling a tree, a variable, in entries of tables.
const COMPILED: f64 = 300.0;
/// Bytes of a work that is held for the next query.
const IDLE: f64 = 32e6;
/// How many of them a tree holds.
const HELD: usize = 4;
/// How many trees are kept.
const KEPT: usize = 16;
/// Bytes of an entry of a joint law while it is brought into the order asked for.
const JOINT: f64 = 24.0;
/// Rows that one task predicts: fixed, so that the work does not depend on the number of threads.
const ROWS: usize = 64;

/// What is known, by variable; each variable at most once.
pub type Evidence = [(usize, Finding)];

/// What a kept tree answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Key {
    cut: Vec<usize>,
    seen: Vec<usize>,
    marginals: Vec<usize>,
    joints: Vec<Vec<usize>>,
    late: Vec<usize>,
    maximise: bool,
    apart: bool,
}

#[derive(Debug)]
struct Kept {
    tree: Tree,
    idle: Mutex<Vec<Work>>,
}

/// A network with its compiled trees.
#[derive(Debug)]
pub struct Engine {
    network: Network,
    /// Variables up to this one are the user's; later ones were made by lowering.
    visible: usize,
    effort: f64,
    whole: OnceLock<bool>,
    /// The tree used longest ago first.
    kept: Mutex<Vec<(Key, Arc<Kept>)>>,
}

/// Marginals of some variables, and the logarithm of the probability of the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Posteriors {
    /// Each variable, and where its law ends among the values.
    ends: Vec<(usize, usize)>,
    values: Vec<f64>,
    pub log_evidence: f64,
}

impl Posteriors {
    /// Each variable's law, in the order asked for.
    pub fn laws(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.ends.iter().enumerate().map(|(i, (v, _))| (*v, self.law(i)))
    }

    /// The law of the `i`-th variable asked for.
    pub fn law(&self, i: usize) -> &[f64] {
        let start = if i == 0 { 0 } else { self.ends[i - 1].1 };
        &self.values[start..self.ends[i].1]
    }

    /// One law after the other.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
}

/// A joint state that is most probable.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// States of the variables asked for, in their order.
    pub states: Vec<usize>,
    /// ln P(states, evidence).
    pub log_joint: f64,
    /// ln P(evidence).
    pub log_evidence: f64,
}

impl Engine {
    /// A network of which the first `visible` variables are the user's. `effort` is the work spent on elimination orders, as
    /// a multiple of the work on the tables.
    pub fn new(network: Network, visible: usize, effort: f64) -> Self {
        Engine { network, visible, effort, whole: OnceLock::new(), kept: Mutex::new(vec![]) }
    }

    /// The same engine, told whether one tree serves all evidence and not left to choose by size.
    pub fn with_whole(self, whole: bool) -> Self {
        Engine { whole: OnceLock::from(whole), ..self }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Number of the user's variables.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// Whether one tree serves all evidence: messages through it take microseconds to few milliseconds.
    pub fn whole(&self) -> bool {
        *self.whole.get_or_init(|| {
            let small = self.network.tables().iter().map(Vec::len).sum::<usize>() <= WHOLE;
            small && self.compiled(self.all(), Some(WIDE)).is_ok()
        })
    }

    /// The tree that serves all evidence.
    fn all(&self) -> Key {
        Key { marginals: (0..self.visible).collect(), ..Key::default() }
    }

    fn kept(&self, key: Key) -> Result<Arc<Kept>> {
        self.compiled(key, None)
    }

    /// The tree of a key, refused where it has more than so many entries.
    fn compiled(&self, key: Key, most: Option<f64>) -> Result<Arc<Kept>> {
        if let Some(tree) = held(&mut lock(&self.kept), &key) {
            return Ok(tree);
        }
        let plan = Plan {
            cut: &key.cut,
            seen: &key.seen,
            marginals: &key.marginals,
            joints: &key.joints,
            late: &key.late,
            maximise: key.maximise,
            apart: key.apart,
            effort: self.effort,
            ..Plan::default()
        };
        let plan = match most {
            // Bounded by this alone, so that what a network is does not depend on what is free.
            Some(most) => Plan { most, limit: f64::INFINITY, ..plan },
            None => plan,
        };
        let tree = Arc::new(Kept { tree: Tree::new(&self.network, &plan)?, idle: Mutex::new(vec![]) });
        let mut kept = lock(&self.kept);
        // Another thread may have been as fast.
        if let Some(tree) = held(&mut kept, &key) {
            return Ok(tree);
        }
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, tree.clone()));
        Ok(tree)
    }

    /// A tree for the marginals of `targets`: the one that serves all evidence, or one from which hard evidence is cut.
    fn key(&self, targets: &[usize], evidence: &Evidence) -> Key {
        if self.whole() {
            return self.all();
        }
        Key { marginals: targets.to_vec(), ..cutting(evidence) }
    }

    /// Puts the evidence into a tree, sends messages to the roots, and gives both, with ln P(evidence), to `answer`.
    fn ask<T>(
        &self,
        key: Key,
        evidence: &Evidence,
        control: &Control,
        answer: impl FnOnce(&Tree, &mut Work, f64) -> Result<T>,
    ) -> Result<T> {
        let possible = |tree: &Tree, work: &mut Work, log: f64| match log > f64::NEG_INFINITY {
            true => answer(tree, work, log).map(Some),
            false => Ok(None),
        };
        match self.pass(key, evidence, control, possible)? {
            Some(answer) => Ok(answer),
            None => Err(self.contradiction(&scaled(evidence).0, control)?),
        }
    }

    /// As [`Engine::ask`], whether the evidence is possible or ln P is −inf.
    fn pass<T>(
        &self,
        key: Key,
        evidence: &Evidence,
        control: &Control,
        answer: impl FnOnce(&Tree, &mut Work, f64) -> Result<T>,
    ) -> Result<T> {
        let (evidence, divided) = scaled(evidence);
        let evidence = &*evidence;
        let cuts = !key.cut.is_empty();
        let kept = self.kept(key)?;
        let tree = &kept.tree;
        let held = lock(&kept.idle).pop();
        let mut work = held.unwrap_or_else(|| Work::new(tree));
        if cuts {
            tree.load(&self.network, &[], &self.dense(evidence), &mut work);
        } else {
            if !work.loaded() {
                tree.load(&self.network, &[], &[], &mut work);
            }
            tree.enter(&self.network, evidence, &mut work);
        }
        let log = tree.collect(&mut work, control)?;
        let found = answer(tree, &mut work, log + divided);
        // Numbers of a large tree are made anew rather than held: every kept tree would hold its own.
        let mut idle = lock(&kept.idle);
        if tree.bytes() <= IDLE && idle.len() < HELD {
            idle.push(work);
        }
        found
    }

    /// The finding of each variable.
    pub(super) fn dense(&self, evidence: &Evidence) -> Vec<Finding> {
        let mut findings = vec![Finding::Nothing; self.network.cards().len()];
        evidence.iter().for_each(|(v, finding)| findings[*v] = finding.clone());
        findings
    }

    /// Marginals of `targets`, in their order, given the evidence.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Diverged`, `Interrupted`.
    pub fn posteriors(&self, targets: &[usize], evidence: &Evidence, control: &Control) -> Result<Posteriors> {
        let mut end = 0;
        let ends: Vec<(usize, usize)> = targets
            .iter()
            .map(|&v| {
                end += self.network.cards()[v];
                (v, end)
            })
            .collect();
        if evidence.is_empty()
            && let Some(values) = self.one_by_one(targets, control)?
        {
            return Ok(Posteriors { ends, values, log_evidence: 0.0 });
        }
        self.ask(self.key(targets, evidence), evidence, control, |tree, work, log_evidence| {
            tree.distribute(work, control)?;
            let mut reads = vec![None; self.network.cards().len()];
            tree.reads.iter().for_each(|(v, read)| reads[*v] = Some(read));
            let known = self.dense(evidence);
            let mut values = vec![0.0; end];
            let mut start = 0;
            for &(v, end) in &ends {
                match reads[v] {
                    Some(read) => tree.marginal(read, work, &mut values[start..end]),
                    None => values[start + state_of(&known[v])] = 1.0,
                }
                start = end;
            }
            match values.iter().any(|p| p.is_nan()) {
                true => Err(lost()),
                false => Ok(Posteriors { ends, values, log_evidence }),
            }
        })
    }

    /// Prior laws, one after the other, each from a tree over the target's ancestors alone, where that is less work than one
    /// tree for all: nothing below a target bears on it while nothing is observed. None where one tree is better.
    fn one_by_one(&self, targets: &[usize], control: &Control) -> Result<Option<Vec<f64>>> {
        if targets.len() < 2 || self.whole() {
            return Ok(None);
        }
        let rough = Tree::new(&self.network, &Plan { marginals: targets, effort: 0.0, ..Plan::default() });
        let budget = match rough {
            Ok(tree) => BOTH_WAYS * tree.total(),
            Err(Error::TooLarge { .. }) => f64::INFINITY,
            Err(error) => return Err(error),
        };
        let mut spent = 0.0;
        let mut trees = Vec::with_capacity(targets.len());
        for &v in targets {
            control.check()?;
            let plan = Plan { marginals: &[v], late: &[v], effort: 0.0, ..Plan::default() };
            let tree = Tree::new(&self.network, &plan)?;
            spent += tree.total() + COMPILED * tree.len() as f64;
            if spent > budget {
                return Ok(None);
            }
            trees.push((v, tree));
        }
        let law = |(v, tree): &(usize, Tree)| {
            let mut work = Work::new(tree);
            tree.load(&self.network, &[], &[], &mut work);
            tree.collect(&mut work, control)?;
            tree.distribute(&mut work, control)?;
            let mut law = vec![0.0; self.network.cards()[*v]];
            tree.reads.iter().for_each(|(_, read)| tree.marginal(read, &work, &mut law));
            Ok(law)
        };
        let widest = trees.iter().map(|(_, tree)| tree.bytes()).fold(1.0, f64::max);
        let mut values = vec![];
        for trees in trees.chunks(at_once(widest)) {
            values.extend(trees.par_iter().map(law).collect::<Result<Vec<_>>>()?.concat());
        }
        Ok(Some(values))
    }

    /// ln P(evidence); −inf where it is impossible.
    ///
    /// # Errors
    /// `TooLarge`, `Diverged`, `Interrupted`.
    pub fn log_evidence(&self, evidence: &Evidence, control: &Control) -> Result<f64> {
        let log = self.pass(self.key(&[], evidence), evidence, control, |_, _, log| Ok(log))?;
        match log == f64::NEG_INFINITY && self.possible(&scaled(evidence).0, control)? {
            true => Err(lost()),
            false => Ok(log),
        }
    }

    /// The joint law of `of` given the evidence, the last fastest, and ln P(evidence).
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Diverged`, `Interrupted`; `Spec` for a variable that is there twice.
    pub fn joint(&self, of: &[usize], evidence: &Evidence, control: &Control) -> Result<(Vec<f64>, f64)> {
        let (mut laws, log) = self.laws(&[of.to_vec()], of, &[], evidence, control)?;
        Ok((laws.pop().unwrap_or_default(), log))
    }

    /// Joint laws of several sets at once, each the last fastest.
    ///
    /// # Errors
    /// As [`Engine::joint`].
    pub fn joints(&self, sets: &[Vec<usize>], evidence: &Evidence, control: &Control) -> Result<(Vec<Vec<f64>>, f64)> {
        self.laws(sets, &[], &[], evidence, control)
    }

    /// Joint laws by a tree that sums `late` out last and from which hard evidence is cut, save that on `open` variables,
    /// which may be found in several states one after the other.
    pub(super) fn laws(
        &self,
        sets: &[Vec<usize>],
        late: &[usize],
        open: &[usize],
        evidence: &Evidence,
        control: &Control,
    ) -> Result<(Vec<Vec<f64>>, f64)> {
        let twice = |set: &Vec<usize>| set.iter().enumerate().any(|(i, v)| set[..i].contains(v));
        if let Some(set) = sets.iter().find(|set| twice(set)) {
            let message = format!("a variable is asked for twice: {}", self.network.named(set));
            return Err(Error::spec("", "joint law", message));
        }
        for set in sets {
            let cells: f64 = set.iter().map(|&v| self.network.cards()[v] as f64).product();
            afford(JOINT * cells, || format!("the joint law of {}", self.network.named(set)))?;
        }
        let stays = |v: &usize, finding: &Finding| self.whole() || !hard(finding) || open.contains(v);
        let cut = variables(evidence, |v, finding| !stays(v, finding));
        let mut seen = variables(evidence, stays);
        seen.extend(open);
        seen.sort_unstable();
        seen.dedup();
        let uncut =
            |set: &[usize]| -> Vec<usize> { set.iter().copied().filter(|v| cut.binary_search(v).is_err()).collect() };
        let free: Vec<Vec<usize>> = sets.iter().map(|set| uncut(set)).collect();
        let key = Key { joints: free.clone(), late: uncut(late), seen, cut, ..Key::default() };
        self.ask(key, evidence, control, |tree, work, log| {
            tree.distribute(work, control)?;
            let known = self.dense(evidence);
            let law = |(i, (set, free)): (usize, (&Vec<usize>, &Vec<usize>))| {
                let law = tree.joint(i, free, work);
                if set.len() == free.len() { law } else { self.spread(law, set, free, &known) }
            };
            Ok((sets.iter().zip(&free).enumerate().map(law).collect(), log))
        })
    }

    /// The law of a set of which only the `free` ones are not known: the others are in their states for sure.
    fn spread(&self, law: Vec<f64>, set: &[usize], free: &[usize], known: &[Finding]) -> Vec<f64> {
        let mut stride = set.iter().map(|&v| self.network.cards()[v]).product::<usize>();
        let mut all = vec![0.0; stride];
        let mut at = vec![0];
        for &v in set {
            let card = self.network.cards()[v];
            stride /= card;
            let states = if free.contains(&v) { 0..card } else { state_of(&known[v])..state_of(&known[v]) + 1 };
            at = at.iter().flat_map(|&base| states.clone().map(move |s| base + s * stride)).collect();
        }
        at.into_iter().zip(law).for_each(|(i, p)| all[i] = p);
        all
    }

    /// The most probable joint state of `of` given the evidence, all else summed out (marginal MAP); of all variables, the
    /// most probable explanation. Of equally probable ones the first found.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Diverged`, `Interrupted`.
    pub fn most_probable(&self, of: &[usize], evidence: &Evidence, control: &Control) -> Result<Explained> {
        let log_evidence = self.ask(self.key(&[], evidence), evidence, control, |_, _, log| Ok(log))?;
        let mut late = of.to_vec();
        late.sort_unstable();
        let key = Key { late, maximise: true, apart: true, ..cutting(evidence) };
        self.ask(key, evidence, control, |tree, work, log_joint| {
            let mut places = vec![];
            tree.decode(work, true, &mut places, &mut vec![], best);
            let known = self.dense(evidence);
            let state = |v: usize| tree.place(v).map_or_else(|| state_of(&known[v]), |place| places[place]);
            Ok(Explained { states: of.iter().map(|&v| state(v)).collect(), log_joint, log_evidence })
        })
    }

    /// `n` exact draws of all visible variables given the evidence: `[draw][variable]`, flat. Streams are keyed by seed and
    /// draw.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Diverged`, `Interrupted`.
    pub fn sample(&self, n: usize, seed: u64, evidence: &Evidence, control: &Control) -> Result<Vec<u32>> {
        afford(4.0 * n as f64 * self.visible as f64, || format!("{n} draws"))?;
        let mut draws = vec![0; n * self.visible];
        self.ask(self.drawing(evidence), evidence, control, |tree, work, _| {
            let (work, known) = (&*work, self.dense(evidence));
            let draw = |(places, weights): &mut (Vec<usize>, Vec<f64>), (i, draw): (usize, &mut [u32])| {
                control.check()?;
                let mut rng = random::stream(seed, i as u64);
                tree.decode(work, false, places, weights, |weights| pick(weights, rng.random()));
                let state = |v: usize| tree.place(v).map_or_else(|| state_of(&known[v]), |place| places[place]);
                draw.iter_mut().enumerate().for_each(|(v, drawn)| *drawn = state(v) as u32);
                Ok(())
            };
            draws.par_chunks_mut(self.visible.max(1)).enumerate().try_for_each_init(Default::default, draw)
        })?;
        Ok(draws)
    }

    /// A tree to draw all visible variables from.
    fn drawing(&self, evidence: &Evidence) -> Key {
        let mut key = if self.whole() { Key::default() } else { cutting(evidence) };
        key.seen = (0..self.visible).filter(|v| key.cut.binary_search(v).is_err()).collect();
        Key { apart: true, ..key }
    }

    /// Marginals of `targets` for a table of evidence: `rows[row][column]` is the state of `columns[column]`, negative where
    /// it is missing. Gives `[row][target][state]`, flat, and ln P(evidence) of each row; an impossible row has NaN and −inf.
    /// ln P is NaN where a row is possible but its probability was lost on the way.
    ///
    /// Rows with the same columns observed share a tree; those with some missing take the one that serves all evidence, where
    /// that is less work than to compile another.
    ///
    /// # Errors
    /// `TooLarge`, `Interrupted`.
    pub fn predict(
        &self,
        columns: &[usize],
        rows: &[i32],
        targets: &[usize],
        control: &Control,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let count = rows.len() / columns.len().max(1);
        let size: usize = targets.iter().map(|&v| self.network.cards()[v]).sum();
        afford(count as f64 * (16.0 * size as f64 + 64.0), || format!("{count} rows"))?;
        if let Some((i, _)) = columns.iter().enumerate().find(|(i, v)| columns[..*i].contains(v)) {
            let message = format!("a column is there twice: {}", self.network.named(&columns[i..=i]));
            return Err(Error::spec("", "table of evidence", message));
        }
        let mut laws = vec![f64::NAN; count * size];
        let mut logs = vec![f64::NEG_INFINITY; count];
        control.announce(count);
        for (cut, members) in self.patterns(columns, rows) {
            control.check()?;
            let kept = self.kept(self.row_key(&cut, targets))?;
            let some = |chunk| self.predict_some(&kept.tree, !cut.is_empty(), columns, rows, chunk, targets, control);
            for members in members.chunks(at_once(kept.tree.bytes()).saturating_mul(ROWS)) {
                let parts = members.par_chunks(ROWS).map(some).collect::<Result<Vec<_>>>()?;
                for (row, log, law) in parts.into_iter().flatten() {
                    logs[row] = log;
                    if log > f64::NEG_INFINITY {
                        laws[row * size..(row + 1) * size].copy_from_slice(&law);
                    }
                }
            }
        }
        Ok((laws, logs))
    }

    /// Sets of variables to cut and the rows that each is for. It is the row that decides and not how many are like it, so
    /// that a row has the same answer in any table of these columns.
    fn patterns(&self, columns: &[usize], rows: &[i32]) -> Vec<(Vec<usize>, Vec<usize>)> {
        let whole = self.whole() && self.sooner_passed_than_compiled();
        let mut patterns: Vec<(Vec<usize>, Vec<usize>)> = vec![];
        let mut index = HashMap::new();
        for (row, states) in rows.chunks_exact(columns.len().max(1)).enumerate() {
            let observed = columns.iter().zip(states).filter(|(_, state)| **state >= 0);
            let mut cut: Vec<usize> = observed.map(|(v, _)| *v).collect();
            if whole && cut.len() < columns.len() {
                cut.clear();
            }
            let pattern = *index.entry(cut).or_insert_with_key(|cut| {
                patterns.push((cut.clone(), vec![]));
                patterns.len() - 1
            });
            patterns[pattern].1.push(row);
        }
        patterns
    }

    /// Whether messages through the tree that serves all evidence take less than another tree.
    fn sooner_passed_than_compiled(&self) -> bool {
        self.kept(self.all()).is_ok_and(|kept| BOTH_WAYS * kept.tree.total() <= COMPILED * kept.tree.len() as f64)
    }

    /// A tree for rows from which some columns are cut.
    fn row_key(&self, cut: &[usize], targets: &[usize]) -> Key {
        if cut.is_empty() && self.whole() {
            return self.all();
        }
        let open: Vec<usize> = targets.iter().copied().filter(|v| !cut.contains(v)).collect();
        let late = if open.len() == 1 { open.clone() } else { vec![] };
        Key { cut: cut.to_vec(), marginals: open, late, ..Key::default() }
    }

    #[allow(clippy::too_many_arguments)]
    fn predict_some(
        &self,
        tree: &Tree,
        cuts: bool,
        columns: &[usize],
        rows: &[i32],
        members: &[usize],
        targets: &[usize],
        control: &Control,
    ) -> Result<Vec<(usize, f64, Vec<f64>)>> {
        let mut work = Work::new(tree);
        let mut findings = vec![Finding::Nothing; self.network.cards().len()];
        let mut reads = vec![None; findings.len()];
        tree.reads.iter().for_each(|(v, read)| reads[*v] = Some(read));
        let mut found = Vec::with_capacity(members.len());
        for &row in members {
            control.check()?;
            let states = columns.iter().zip(&rows[row * columns.len()..]).filter(|(_, state)| **state >= 0);
            let evidence: Vec<_> = states.map(|(&v, &state)| (v, Finding::State(state as usize))).collect();
            columns.iter().for_each(|&v| findings[v] = Finding::Nothing);
            evidence.iter().for_each(|(v, finding)| findings[*v] = finding.clone());
            // What was possible but lost, or impossible, left no table as it was.
            match (cuts, work.loaded()) {
                (true, true) => tree.slice(&self.network, &findings, &mut work),
                (true, false) => tree.load(&self.network, &[], &findings, &mut work),
                (false, true) => {}
                (false, false) => tree.load(&self.network, &[], &[], &mut work),
            }
            if !cuts {
                tree.enter(&self.network, &evidence, &mut work);
            }
            let mut log = tree.collect(&mut work, control)?;
            if log == f64::NEG_INFINITY && tree.possible(&mut work, control)? {
                log = f64::NAN;
            }
            let mut law = vec![];
            if log > f64::NEG_INFINITY {
                tree.distribute(&mut work, control)?;
                for &v in targets {
                    let start = law.len();
                    law.resize(start + self.network.cards()[v], 0.0);
                    match (&findings[v], reads[v]) {
                        (Finding::State(state), _) => law[start + state] = 1.0,
                        (_, Some(read)) => tree.marginal(read, &work, &mut law[start..]),
                        _ => {}
                    }
                }
                if law.iter().any(|p| p.is_nan()) {
                    log = f64::NAN;
                }
            }
            found.push((row, log, law));
            control.tick();
        }
        Ok(found)
    }

    /// Why evidence has no mass: a smallest set of findings that contradict each other, as far as sets are tried one by one
    /// (up to three findings), else a set from which none can be left out. Where the findings are possible together, their
    /// probability was lost on the way.
    fn contradiction(&self, evidence: &Evidence, control: &Control) -> Result<Error> {
        if self.possible(evidence, control)? {
            return Ok(lost());
        }
        let culprits = super::contradiction::smallest(evidence.len(), &mut |subset: &[usize]| {
            let some: Vec<(usize, Finding)> = subset.iter().map(|&i| evidence[i].clone()).collect();
            self.possible(&some, control)
        })?;
        let variables = culprits.into_iter().map(|i| evidence[i].0).collect();
        Ok(Error::Contradiction { variables })
    }

    /// Whether evidence has any probability.
    fn possible(&self, evidence: &Evidence, control: &Control) -> Result<bool> {
        control.check()?;
        let (cut, seen) = sides(evidence);
        let tree = Tree::new(&self.network, &Plan { cut: &cut, seen: &seen, effort: 0.0, ..Plan::default() })?;
        let mut work = Work::new(&tree);
        let mut findings = self.dense(evidence);
        for finding in &mut findings {
            if let Finding::Likelihood(weights) = finding {
                weights.iter_mut().for_each(|weight| *weight = f64::from(u8::from(*weight > 0.0)));
            }
        }
        tree.load(&self.network, &[], &findings, &mut work);
        tree.possible(&mut work, control)
    }
}

/// Evidence is possible whose probability left the range of numbers.
fn lost() -> Error {
    let message = "the evidence is possible, but some of it speaks against the rest by more than numbers can hold \
                   (1 to 1e308)";
    Error::Diverged { message: message.into() }
}

/// How many tasks, each with numbers of its own that take so many bytes, memory holds at once.
fn at_once(bytes: f64) -> usize {
    (limits::memory() / bytes).max(1.0) as usize
}

/// Refuses what takes more than memory holds.
fn afford(bytes: f64, what: impl FnOnce() -> String) -> Result<()> {
    let limit = limits::memory();
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("{} would take {bytes:.3e} bytes; {limit:.3e} are allowed", what());
    Err(Error::TooLarge { bytes, limit, message })
}

/// Evidence whose likelihoods have 1 as their largest value, and the logarithm of what they were divided by: only their
/// ratios matter, and large or small ones would leave the range of numbers.
fn scaled(evidence: &Evidence) -> (Cow<'_, Evidence>, f64) {
    let most = |finding: &Finding| match finding {
        Finding::Likelihood(weights) => weights.iter().copied().fold(0.0, f64::max),
        _ => 1.0,
    };
    if evidence.iter().all(|(_, finding)| most(finding) == 1.0) {
        return (Cow::Borrowed(evidence), 0.0);
    }
    let mut divided = 0.0;
    let mut all = evidence.to_vec();
    // In one order, whatever that of the evidence: sums depend on it in the last digit.
    all.sort_by_key(|(v, _)| *v);
    for (_, finding) in &mut all {
        let top = most(finding);
        if let Finding::Likelihood(weights) = finding
            && top > 0.0
        {
            weights.iter_mut().for_each(|weight| *weight /= top);
            divided += top.ln();
        }
    }
    (Cow::Owned(all), divided)
}

/// Whether a finding is a state.
fn hard(finding: &Finding) -> bool {
    matches!(finding, Finding::State(_))
}

/// Variables of some findings, ascending.
fn variables(evidence: &Evidence, which: impl Fn(&usize, &Finding) -> bool) -> Vec<usize> {
    let mut variables: Vec<usize> = evidence.iter().filter(|(v, finding)| which(v, finding)).map(|(v, _)| *v).collect();
    variables.sort_unstable();
    variables
}

/// Variables of hard evidence, and of other.
fn sides(evidence: &Evidence) -> (Vec<usize>, Vec<usize>) {
    (variables(evidence, |_, finding| hard(finding)), variables(evidence, |_, finding| !hard(finding)))
}

/// A tree from which hard evidence is cut.
fn cutting(evidence: &Evidence) -> Key {
    let (cut, seen) = sides(evidence);
    Key { cut, seen, ..Key::default() }
}

/// The state of what was found in one.
fn state_of(finding: &Finding) -> usize {
    match finding {
        Finding::State(state) => *state,
        _ => 0,
    }
}

/// The first of the largest weights.
fn best(weights: &[f64]) -> usize {
    (1..weights.len()).fold(0, |best, i| if weights[i] > weights[best] { i } else { best })
}

/// What a number in [0, 1) falls on, each weight as wide as it is.
fn pick(weights: &[f64], at: f64) -> usize {
    let mut left = at * weights.iter().sum::<f64>();
    let fits = weights.iter().position(|&weight| {
        left -= weight;
        left < 0.0
    });
    // Rounding may leave a sliver: it belongs to the last state that has weight.
    fits.unwrap_or_else(|| weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0))
}

/// The tree for a key, if it is there; it becomes the last to go.
fn held(kept: &mut [(Key, Arc<Kept>)], key: &Key) -> Option<Arc<Kept>> {
    let at = kept.iter().rposition(|(k, _)| k == key)?;
    kept[at..].rotate_left(1);
    kept.last().map(|(_, tree)| tree.clone())
}

/// A lock whose holder cannot panic while it is held.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_used_longest_ago_goes_first() {
        let n = 2 * KEPT;
        let network = Network::new(vec![2; n], vec![vec![]; n], vec![vec![0.5, 0.5]; n]).unwrap();
        let engine = Engine::new(network, n, 0.0).with_whole(false);
        for v in 0..n {
            engine.posteriors(&[v], &[], &Control::default()).unwrap();
            engine.posteriors(&[0], &[], &Control::default()).unwrap();
        }
        let kept = lock(&engine.kept);
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept.last().unwrap().0.marginals, [0]);
        assert!(kept.iter().rev().skip(1).rev().all(|(key, _)| key.marginals[0] > KEPT));
    }
}
