//! A network made ready for many queries: trees are compiled once for each kind of question and kept with their numbers.

use super::network::Network;
use super::propagate::{Finding, Work};
use super::tree::{Plan, Tree};
use crate::ground::{Control, Error, Result, limits, random};
use rand::RngExt;
use rayon::prelude::*;
use std::sync::{Arc, Mutex};

/// Networks whose tables together are no larger than this keep one tree for all evidence; in larger ones evidence is cut
/// out of the tables first, by a tree for each set of observed variables.
const WHOLE: usize = 60_000;
/// How many trees are kept.
const KEPT: usize = 16;
/// Rows that one task predicts: fixed, so that the work does not depend on the number of threads.
const ROWS: usize = 64;

/// What is known, by variable; each variable at most once.
pub type Evidence = [(usize, Finding)];

/// What a kept tree answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    cut: Vec<usize>,
    marginals: Vec<usize>,
    joints: Vec<Vec<usize>>,
    late: Vec<usize>,
    maximise: bool,
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
    kept: Mutex<Vec<(Key, Arc<Kept>)>>,
}

/// Marginals of some variables, and the logarithm of the probability of the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Posteriors {
    pub laws: Vec<(usize, Vec<f64>)>,
    pub log_evidence: f64,
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
        Engine { network, visible, effort, kept: Mutex::new(vec![]) }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Number of the user's variables.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// Whether one tree serves all evidence: its queries take microseconds to few milliseconds.
    pub fn whole(&self) -> bool {
        self.network.tables().iter().map(Vec::len).sum::<usize>() <= WHOLE
    }

    fn kept(&self, key: Key) -> Result<Arc<Kept>> {
        let find = |kept: &Vec<(Key, Arc<Kept>)>| kept.iter().find(|(k, _)| *k == key).map(|(_, tree)| tree.clone());
        if let Some(tree) = find(&lock(&self.kept)) {
            return Ok(tree);
        }
        let plan = Plan {
            cut: &key.cut,
            given: &[],
            marginals: &key.marginals,
            joints: &key.joints,
            late: &key.late,
            maximise: key.maximise,
            effort: self.effort,
            limit: limits::memory(),
        };
        let tree = Arc::new(Kept { tree: Tree::new(&self.network, &plan)?, idle: Mutex::new(vec![]) });
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, tree.clone()));
        Ok(tree)
    }

    /// A tree with the evidence in it, messages sent to the roots; the work goes back by [`Engine::done`].
    fn ready(&self, mut key: Key, evidence: &Evidence, control: &Control) -> Result<(Arc<Kept>, Work, f64)> {
        if !self.whole() {
            key.cut = evidence.iter().filter(|(_, f)| matches!(f, Finding::State(_))).map(|(v, _)| *v).collect();
            key.cut.sort_unstable();
        }
        let kept = self.kept(key)?;
        let idle = lock(&kept.idle).pop();
        let mut work = match idle {
            Some(work) => work,
            None => Work::new(&kept.tree),
        };
        if self.whole() {
            if !work.loaded() {
                kept.tree.load(&self.network, &[], &[], &mut work);
            }
            kept.tree.enter(&self.network, evidence, &mut work);
        } else {
            kept.tree.load(&self.network, &[], &self.dense(evidence), &mut work);
        }
        let log = kept.tree.collect(&mut work, control)?;
        if log == f64::NEG_INFINITY {
            done(&kept, work);
            return Err(self.contradiction(evidence, control)?);
        }
        Ok((kept, work, log))
    }

    fn dense(&self, evidence: &Evidence) -> Vec<Finding> {
        let mut findings = vec![Finding::Nothing; self.network.cards().len()];
        evidence.iter().for_each(|(v, finding)| findings[*v] = finding.clone());
        findings
    }

    fn key(&self) -> Key {
        Key { cut: vec![], marginals: vec![], joints: vec![], late: vec![], maximise: false }
    }

    /// Marginals of `targets` given the evidence.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn posteriors(&self, targets: &[usize], evidence: &Evidence, control: &Control) -> Result<Posteriors> {
        let (kept, mut work, log_evidence) = self.ready(self.key_of(targets, evidence), evidence, control)?;
        kept.tree.distribute(&mut work, control)?;
        let mut read: Vec<Vec<f64>> = vec![vec![]; self.network.cards().len()];
        kept.tree.marginals(&work).into_iter().for_each(|(v, law)| read[v] = law);
        done(&kept, work);
        for (v, finding) in evidence {
            if let Finding::State(state) = finding
                && kept.tree.cuts(*v)
            {
                read[*v] = (0..self.network.cards()[*v]).map(|s| f64::from(u8::from(s == *state))).collect();
            }
        }
        let laws = targets.iter().map(|&v| (v, std::mem::take(&mut read[v]))).collect();
        Ok(Posteriors { laws, log_evidence })
    }

    /// ln P(evidence); −inf where it is impossible.
    ///
    /// # Errors
    /// `TooLarge`, `Interrupted`.
    pub fn log_evidence(&self, evidence: &Evidence, control: &Control) -> Result<f64> {
        match self.ready(self.key_of(&[], evidence), evidence, control) {
            Ok((kept, work, log)) => {
                done(&kept, work);
                Ok(log)
            }
            Err(Error::Contradiction { .. }) => Ok(f64::NEG_INFINITY),
            Err(error) => Err(error),
        }
    }

    /// The tree in which both targets and evidence are: where one serves all, that of all variables.
    fn key_of(&self, targets: &[usize], evidence: &Evidence) -> Key {
        let mut marginals: Vec<usize> = match self.whole() {
            true => (0..self.visible).collect(),
            false => targets.iter().copied().chain(evidence.iter().map(|(v, _)| *v)).collect(),
        };
        marginals.sort_unstable();
        marginals.dedup();
        Key { marginals, ..self.key() }
    }

    /// The joint law of `of` given the evidence, the last fastest, and ln P(evidence).
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn joint(&self, of: &[usize], evidence: &Evidence, control: &Control) -> Result<(Vec<f64>, f64)> {
        // Hard evidence stays in the tree: a variable asked for may be observed.
        let factors: Vec<(usize, Finding)> = evidence.to_vec();
        let plan_key = Key { joints: vec![of.to_vec()], late: of.to_vec(), marginals: sorted(&factors), ..self.key() };
        let kept = self.kept(plan_key)?;
        let mut work = Work::new(&kept.tree);
        kept.tree.load(&self.network, &[], &self.dense(evidence), &mut work);
        let log = kept.tree.collect(&mut work, control)?;
        if log == f64::NEG_INFINITY {
            return Err(self.contradiction(evidence, control)?);
        }
        kept.tree.distribute(&mut work, control)?;
        Ok((kept.tree.joint(0, of, &work), log))
    }

    /// Joint laws of several sets at once, each the last fastest. Evidence stays in the tree.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn joints(&self, sets: &[Vec<usize>], evidence: &Evidence, control: &Control) -> Result<(Vec<Vec<f64>>, f64)> {
        let kept = self.kept(Key { joints: sets.to_vec(), marginals: sorted(evidence), ..self.key() })?;
        let mut work = lock(&kept.idle).pop().unwrap_or_else(|| Work::new(&kept.tree));
        kept.tree.load(&self.network, &[], &self.dense(evidence), &mut work);
        let log = kept.tree.collect(&mut work, control)?;
        if log == f64::NEG_INFINITY {
            return Err(self.contradiction(evidence, control)?);
        }
        kept.tree.distribute(&mut work, control)?;
        let laws = sets.iter().enumerate().map(|(i, set)| kept.tree.joint(i, set, &work)).collect();
        done(&kept, work);
        Ok((laws, log))
    }

    /// The most probable joint state of `of` given the evidence, all else summed out (marginal MAP); of all variables, the
    /// most probable explanation. Of equally probable ones the first found.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn most_probable(&self, of: &[usize], evidence: &Evidence, control: &Control) -> Result<Explained> {
        let log_evidence = {
            let (kept, work, log) = self.ready(self.key_of(&[], evidence), evidence, control)?;
            done(&kept, work);
            log
        };
        let mut late = of.to_vec();
        late.sort_unstable();
        let cut: Vec<usize> = {
            let hard = evidence.iter().filter(|(_, f)| matches!(f, Finding::State(_)));
            let mut cut: Vec<usize> = hard.map(|(v, _)| *v).collect();
            cut.sort_unstable();
            cut
        };
        let kept = self.kept(Key { cut, late, marginals: sorted(evidence), maximise: true, ..self.key() })?;
        let mut work = Work::new(&kept.tree);
        kept.tree.load(&self.network, &[], &self.dense(evidence), &mut work);
        let log_joint = kept.tree.collect(&mut work, control)?;
        let places = kept.tree.decode(&work, true, |weights| {
            let mut best = 0;
            for (i, &weight) in weights.iter().enumerate() {
                if weight > weights[best] {
                    best = i;
                }
            }
            best
        });
        let known = |v: usize| match evidence.iter().find(|(u, _)| *u == v) {
            Some((_, Finding::State(state))) => *state,
            _ => 0,
        };
        let states = of.iter().map(|&v| kept.tree.place(v).map_or_else(|| known(v), |place| places[place])).collect();
        Ok(Explained { states, log_joint, log_evidence })
    }

    /// `n` exact draws of all visible variables given the evidence: `[draw][variable]`, flat. Streams are keyed by seed and
    /// draw.
    ///
    /// # Errors
    /// `Contradiction`, `TooLarge`, `Interrupted`.
    pub fn sample(&self, n: usize, seed: u64, evidence: &Evidence, control: &Control) -> Result<Vec<u32>> {
        let key = Key { marginals: (0..self.visible).collect(), ..self.key() };
        let (kept, work, _) = self.ready(key, evidence, control)?;
        let mut known = vec![0u32; self.visible];
        for (v, finding) in evidence {
            if let Finding::State(state) = finding {
                known[*v] = *state as u32;
            }
        }
        let draws: Vec<Vec<u32>> = (0..n)
            .into_par_iter()
            .map(|draw| {
                control.check()?;
                let mut rng = random::stream(seed, draw as u64);
                let places = kept.tree.decode(&work, false, |weights| {
                    let total: f64 = weights.iter().sum();
                    let mut left = rng.random::<f64>() * total;
                    let fits = weights.iter().position(|&weight| {
                        left -= weight;
                        left < 0.0
                    });
                    // Rounding may leave a sliver: it belongs to the last state that has weight.
                    fits.unwrap_or_else(|| weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0))
                });
                let state = |v: usize| kept.tree.place(v).map_or(known[v], |place| places[place] as u32);
                Ok((0..self.visible).map(state).collect())
            })
            .collect::<Result<_>>()?;
        done(&kept, work);
        Ok(draws.concat())
    }

    /// Marginals of `targets` for a table of evidence: `rows[row][column]` is the state of `columns[column]`, negative where
    /// it is missing. Gives `[row][target][state]`, flat, and ln P(evidence) of each row; an impossible row has NaN.
    ///
    /// Rows with the same columns observed share a tree.
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
        let width = columns.len().max(1);
        let count = rows.len() / width;
        let size: usize = targets.iter().map(|&v| self.network.cards()[v]).sum();
        let mut laws = vec![f64::NAN; count * size];
        let mut logs = vec![f64::NEG_INFINITY; count];
        let mut groups: Vec<(Vec<bool>, Vec<usize>)> = vec![];
        let mut index = std::collections::HashMap::new();
        for (row, states) in rows.chunks_exact(width).enumerate() {
            let seen: Vec<bool> = states.iter().map(|&state| state >= 0).collect();
            let group = *index.entry(seen.clone()).or_insert_with(|| {
                groups.push((seen, vec![]));
                groups.len() - 1
            });
            groups[group].1.push(row);
        }
        control.announce(count);
        for (seen, members) in &groups {
            let cut: Vec<usize> = columns.iter().zip(seen).filter(|(_, seen)| **seen).map(|(v, _)| *v).collect();
            let open: Vec<usize> = targets.iter().copied().filter(|v| !cut.contains(v)).collect();
            let late = if open.len() == 1 { open.clone() } else { vec![] };
            let kept = self.kept(Key { cut: cut.clone(), marginals: open, late, ..self.key() })?;
            let parts: Vec<Vec<(usize, f64, Vec<f64>)>> = members
                .par_chunks(ROWS)
                .map(|chunk| self.predict_some(&kept.tree, columns, rows, chunk, targets, control))
                .collect::<Result<_>>()?;
            for (row, log, law) in parts.into_iter().flatten() {
                logs[row] = log;
                if log > f64::NEG_INFINITY {
                    laws[row * size..(row + 1) * size].copy_from_slice(&law);
                }
            }
        }
        Ok((laws, logs))
    }

    fn predict_some(
        &self,
        tree: &Tree,
        columns: &[usize],
        rows: &[i32],
        members: &[usize],
        targets: &[usize],
        control: &Control,
    ) -> Result<Vec<(usize, f64, Vec<f64>)>> {
        let mut work = Work::new(tree);
        let mut findings = vec![Finding::Nothing; self.network.cards().len()];
        let mut found = Vec::with_capacity(members.len());
        let mut fresh = true;
        for &row in members {
            control.check()?;
            for (&v, &state) in columns.iter().zip(&rows[row * columns.len()..]) {
                findings[v] = if state < 0 { Finding::Nothing } else { Finding::State(state as usize) };
            }
            if std::mem::take(&mut fresh) {
                tree.load(&self.network, &[], &findings, &mut work);
            } else {
                tree.slice(&self.network, &findings, &mut work);
            }
            let log = tree.collect(&mut work, control)?;
            let mut law = vec![];
            if log > f64::NEG_INFINITY {
                tree.distribute(&mut work, control)?;
                let mut reads = tree.reads.iter();
                for &v in targets {
                    let start = law.len();
                    law.resize(start + self.network.cards()[v], 0.0);
                    match &findings[v] {
                        Finding::State(state) => law[start + state] = 1.0,
                        _ => {
                            if let Some((_, read)) = reads.next() {
                                tree.marginal(read, &work, &mut law[start..]);
                            }
                        }
                    }
                }
            }
            found.push((row, log, law));
            control.tick();
        }
        Ok(found)
    }

    /// Why evidence is impossible: a smallest set of findings that contradict each other, as far as sets are tried one by one
    /// (up to three findings), else a set from which none can be left out.
    fn contradiction(&self, evidence: &Evidence, control: &Control) -> Result<Error> {
        let culprits = super::contradiction::smallest(evidence.len(), &mut |subset: &[usize]| {
            let some: Vec<(usize, Finding)> = subset.iter().map(|&i| evidence[i].clone()).collect();
            self.possible(&some, control)
        })?;
        let variables = culprits.into_iter().map(|i| evidence[i].0).collect();
        Ok(Error::Contradiction { variables })
    }

    /// Whether evidence has any probability.
    fn possible(&self, evidence: &Evidence, control: &Control) -> Result<bool> {
        let tree = Tree::new(&self.network, &Plan { marginals: &sorted(evidence), effort: 0.0, ..Plan::default() })?;
        let mut work = Work::new(&tree);
        tree.load(&self.network, &[], &self.dense(evidence), &mut work);
        Ok(tree.collect(&mut work, control)? > f64::NEG_INFINITY)
    }
}

/// The variables of evidence, ascending.
fn sorted(evidence: &Evidence) -> Vec<usize> {
    let mut variables: Vec<usize> = evidence.iter().map(|(v, _)| *v).collect();
    variables.sort_unstable();
    variables
}

fn done(kept: &Kept, work: Work) {
    lock(&kept.idle).push(work);
}

/// A lock whose holder cannot panic while it is held.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
