//! The discrete Bayesian network with names: its specification checked, lowered to tables, and made ready to be asked.

use super::cpd::Cpd;
use super::engine::Engine;
use super::formats::bif::{Document, Variable};
use super::network::Network;
use super::propagate::Finding;
use super::row;
use super::understand::Slope;
use crate::ground::names::hint;
use crate::ground::{Control, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// One node as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    pub name: String,
    pub states: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    pub cpd: Cpd,
}

/// A network as written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub node: Vec<NodeSpec>,
}

/// A network with names, ready to be asked.
#[derive(Debug)]
pub struct BayesNet {
    spec: NetSpec,
    index: HashMap<String, usize>,
    parents: Vec<Vec<usize>>,
    engine: Engine,
    /// The first lowered variable that stands between each node and its parents, and how many there are.
    between: Vec<(usize, usize)>,
}

impl BayesNet {
    /// Checks a network and makes it ready. Rows within 1e-6 of 1 are divided by their sum.
    ///
    /// # Errors
    /// `Error::Spec` that names the node: a name or state used twice, a parent that does not exist, a row that does not sum
    /// to 1, a cycle.
    pub fn new(mut spec: NetSpec, effort: f64) -> Result<Self> {
        let index = names(&spec)?;
        let cards: Vec<usize> = spec.node.iter().map(|node| node.states.len()).collect();
        let mut parents = vec![];
        for node in &spec.node {
            parents.push(resolve(node, &index)?);
        }
        cycle(&spec, &parents)?;
        for (number, given) in parents.iter().enumerate() {
            match &mut spec.node[number].cpd {
                Cpd::Table(table) => {
                    let mut taken = std::mem::take(table);
                    check_rows(&spec, number, given, &mut taken)?;
                    spec.node[number].cpd = Cpd::Table(taken);
                }
                Cpd::NoisyMax { links, leak } => {
                    let rows = links.iter_mut().flat_map(|link| link.chunks_mut(cards[number]));
                    rows.chain(leak.as_deref_mut()).for_each(|row| {
                        // What is too far from 1 is refused below.
                        let _ = row::normalise(row);
                    });
                }
                _ => {}
            }
        }
        // The node's own tables keep its number; what stands between comes after all nodes.
        let mut lowered: Vec<(usize, Vec<usize>, Vec<f64>)> = vec![(0, vec![], vec![]); spec.node.len()];
        let mut between = vec![];
        for (number, node) in spec.node.iter().enumerate() {
            let given: Vec<usize> = parents[number].iter().map(|&p| cards[p]).collect();
            let next = lowered.len();
            let place = |error| match error {
                Error::TooLarge { bytes, limit, message } => {
                    Error::TooLarge { bytes, limit, message: format!("node '{}': {message}", node.name) }
                }
                error => error.at(&format!("node[{number}]"), &format!("node '{}'", node.name)),
            };
            let mut made = node.cpd.lower(cards[number], &parents[number], &given, next).map_err(place)?;
            if let Some(own) = made.pop() {
                lowered[number] = (own.card, own.parents, own.table);
            }
            between.push((next, made.len()));
            lowered.extend(made.into_iter().map(|part| (part.card, part.parents, part.table)));
        }
        for (card, _, table) in &mut lowered {
            table.chunks_mut(*card).for_each(|row| {
                // Checked above, or made here.
                let _ = row::normalise(row);
            });
        }
        let mut labels: Vec<String> = spec.node.iter().map(|node| node.name.clone()).collect();
        for (node, &(_, count)) in spec.node.iter().zip(&between) {
            labels.extend((1..=count).map(|i| format!("partial maximum {i} of '{}'", node.name)));
        }
        let network = Network::new(
            lowered.iter().map(|part| part.0).collect(),
            lowered.iter().map(|part| part.1.clone()).collect(),
            lowered.into_iter().map(|part| part.2).collect(),
        )?;
        let visible = spec.node.len();
        let engine = Engine::new(network.labelled(labels), visible, effort);
        Ok(BayesNet { spec, index, parents, engine, between })
    }

    /// The network of a document in BIF.
    ///
    /// # Errors
    /// As [`BayesNet::new`].
    pub fn from_document(document: Document, effort: f64) -> Result<Self> {
        let all: Vec<String> = document.variables.iter().map(|variable| variable.name.clone()).collect();
        let node = document.variables.into_iter().map(|variable| NodeSpec {
            given: variable.parents.iter().filter_map(|&p| all.get(p).cloned()).collect(),
            name: variable.name,
            states: variable.states,
            cpd: Cpd::Table(variable.table),
        });
        BayesNet::new(NetSpec { name: document.name, node: node.collect() }, effort)
    }

    /// The network as a document; nodes of other kinds become tables.
    ///
    /// # Errors
    /// `Error::TooLarge` for a noisy maximum with too many parents for a table.
    pub fn document(&self) -> Result<Document> {
        let mut variables = vec![];
        for (number, node) in self.spec.node.iter().enumerate() {
            let parents = self.parents[number].clone();
            variables.push(Variable {
                name: node.name.clone(),
                states: node.states.clone(),
                table: self.table(number)?,
                parents,
                properties: vec![],
            });
        }
        Ok(Document { name: self.spec.name.clone(), properties: vec![], variables })
    }

    /// The whole table of a node: a row for each configuration of its parents, the last fastest.
    ///
    /// # Errors
    /// `Error::TooLarge` where it does not fit in memory.
    pub fn table(&self, number: usize) -> Result<Vec<f64>> {
        let Cpd::NoisyMax { .. } = self.spec.node[number].cpd else {
            return Ok(self.engine.network().tables()[number].clone());
        };
        let cells = self.parents[number].iter().chain([&number]).map(|&p| self.spec.node[p].states.len() as f64);
        let bytes = 8.0 * cells.product::<f64>();
        let limit = crate::ground::limits::memory();
        if bytes > limit {
            let message = format!(
                "the table of '{}' would take {bytes:.3e} bytes; {limit:.3e} are allowed",
                self.spec.node[number].name
            );
            return Err(Error::TooLarge { bytes, limit, message });
        }
        let given = &self.parents[number];
        let card = self.spec.node[number].states.len();
        let Cpd::NoisyMax { links, leak } = &self.spec.node[number].cpd else { return Ok(vec![]) };
        let leak = leak.clone().unwrap_or_else(|| (0..card).map(|y| f64::from(u8::from(y == 0))).collect());
        let mut rows = vec![leak];
        for (link, &parent) in links.iter().zip(given) {
            let size = self.spec.node[parent].states.len();
            rows = rows
                .iter()
                .flat_map(|law| (0..size).map(move |s| most(law, &link[s * card..(s + 1) * card])))
                .collect();
        }
        Ok(rows.concat())
    }

    /// The specification.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The parents of each node, as written.
    pub fn parents(&self) -> &[Vec<usize>] {
        &self.parents
    }

    /// The number of a node.
    ///
    /// # Errors
    /// `Error::Spec` with names that are near.
    pub fn number(&self, name: &str) -> Result<usize> {
        self.index.get(name).copied().ok_or_else(|| {
            let known: Vec<&str> = self.spec.node.iter().map(|node| node.name.as_str()).collect();
            Error::spec("", "", format!("there is no variable '{name}'{}", hint(name, &known)))
        })
    }

    /// The number of a state.
    ///
    /// # Errors
    /// `Error::Spec` with the states that there are.
    pub fn state(&self, number: usize, state: &str) -> Result<usize> {
        let node = &self.spec.node[number];
        node.states.iter().position(|s| s == state).ok_or_else(|| {
            let message = format!("'{}' has no state '{state}'; it has {}", node.name, node.states.join(", "));
            Error::spec("", "", message)
        })
    }

    /// P(target = state | evidence) and its slope by every parameter that is neither 0 nor 1: the entries of tables, and of
    /// noisy maxima those of their links and leak.
    ///
    /// # Errors
    /// Those of [`Engine::counts`].
    pub fn slopes(
        &self,
        target: usize,
        state: usize,
        evidence: &[(usize, Finding)],
        control: &Control,
    ) -> Result<(f64, Vec<Slope>)> {
        let counts = self.engine.counts(target, state, evidence, control)?;
        let mut slopes = vec![];
        for (v, node) in self.spec.node.iter().enumerate() {
            let card = node.states.len();
            match &node.cpd {
                Cpd::NoisyMax { links, leak } => {
                    // The parts of the chain: the leak, then a link each; the last is the variable itself.
                    let (next, before) = self.between[v];
                    let mut parts = (next..next + before).chain([v]);
                    let mut first = links.iter().map(Vec::len).sum();
                    if let Some((leak, part)) = leak.as_ref().and_then(|leak| Some((leak, parts.next()?))) {
                        slopes.extend(counts.slopes(v, first, card, leak, &counts.with[part], &counts.all[part]));
                    }
                    first = 0;
                    for (link, part) in links.iter().zip(parts) {
                        let causes = |law: &[f64]| causes(card, link, law);
                        let (with, all) = (causes(&counts.with[part]), causes(&counts.all[part]));
                        slopes.extend(counts.slopes(v, first, card, link, &with, &all));
                        first += link.len();
                    }
                }
                _ => {
                    let table = &self.engine.network().tables()[v];
                    slopes.extend(counts.slopes(v, 0, card, table, &counts.with[v], &counts.all[v]));
                }
            }
        }
        Ok((counts.value, slopes))
    }

    /// A finding in words: "smoke = yes".
    pub fn words(&self, number: usize, finding: Option<&Finding>) -> String {
        let node = &self.spec.node[number];
        match finding {
            Some(Finding::State(state)) => format!("{} = {}", node.name, node.states[*state]),
            Some(Finding::Likelihood(weights)) => {
                let here: Vec<&str> =
                    node.states.iter().zip(weights).filter(|(_, w)| **w > 0.0).map(|(s, _)| s.as_str()).collect();
                format!("{} in {{{}}}", node.name, here.join(", "))
            }
            _ => node.name.clone(),
        }
    }

    /// The same error in names, where it speaks of variables by number.
    pub fn explain(&self, error: Error, evidence: &[(usize, Finding)]) -> Error {
        let Error::Contradiction { variables } = error else { return error };
        let words: Vec<String> = variables
            .iter()
            .map(|&v| self.words(v, evidence.iter().find(|(u, _)| *u == v).map(|(_, finding)| finding)))
            .collect();
        let message = match words.as_slice() {
            [one] => format!("the evidence is impossible: {one} has probability 0"),
            several => format!("the evidence is impossible: {} cannot all be true", several.join(", ")),
        };
        Error::Impossible { development: None, message }
    }
}

/// The law of a link's parent and cause, from that of (maximum before,) parent and maximum: where the cause did not raise the
/// maximum, it is somewhere at or below it.
fn causes(card: usize, link: &[f64], law: &[f64]) -> Vec<f64> {
    if law.len() == link.len() {
        return law.to_vec();
    }
    let mut found = vec![0.0; link.len()];
    for (m, law) in law.chunks(link.len()).enumerate() {
        for (row, (theta, law)) in link.chunks(card).zip(law.chunks(card)).enumerate() {
            let found = &mut found[row * card..(row + 1) * card];
            found.iter_mut().zip(law).skip(m + 1).for_each(|(found, p)| *found += p);
            let below: f64 = theta.iter().take(m + 1).sum();
            if below > 0.0 {
                found.iter_mut().zip(theta).take(m + 1).for_each(|(found, p)| *found += law[m] * p / below);
            }
        }
    }
    found
}

/// The law of the larger of two independent states.
fn most(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut law = vec![0.0; a.len()];
    for (i, p) in a.iter().enumerate() {
        for (j, q) in b.iter().enumerate() {
            law[i.max(j)] += p * q;
        }
    }
    law
}

fn names(spec: &NetSpec) -> Result<HashMap<String, usize>> {
    let mut index = HashMap::with_capacity(spec.node.len());
    for (number, node) in spec.node.iter().enumerate() {
        let wrong = |message: String| Error::spec(format!("node[{number}]"), format!("node '{}'", node.name), message);
        if node.states.is_empty() {
            return Err(wrong("it has no state".into()));
        }
        let mut seen: Vec<&String> = node.states.iter().collect();
        seen.sort();
        if let Some(pair) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(wrong(format!("its state '{}' is there twice", pair[0])));
        }
        if index.insert(node.name.clone(), number).is_some() {
            return Err(wrong("its name is there twice".into()));
        }
    }
    Ok(index)
}

fn resolve(node: &NodeSpec, index: &HashMap<String, usize>) -> Result<Vec<usize>> {
    let wrong = |message: String| Error::spec("", format!("node '{}'", node.name), message);
    let mut parents = vec![];
    for name in &node.given {
        let Some(&parent) = index.get(name) else {
            let mut known: Vec<&str> = index.keys().map(String::as_str).collect();
            known.sort_unstable();
            return Err(wrong(format!("its parent '{name}' does not exist{}", hint(name, &known))));
        };
        if parents.contains(&parent) {
            return Err(wrong(format!("its parent '{name}' is there twice")));
        }
        parents.push(parent);
    }
    Ok(parents)
}

/// A cycle, by its names.
fn cycle(spec: &NetSpec, parents: &[Vec<usize>]) -> Result<()> {
    // 0 not seen, 1 on the path, 2 done.
    let mut mark = vec![0u8; parents.len()];
    for start in 0..parents.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        if mark[start] == 2 {
            continue;
        }
        mark[start] = 1;
        while let Some((v, next)) = path.last_mut() {
            let v = *v;
            match parents[v].get(*next) {
                None => {
                    mark[v] = 2;
                    path.pop();
                }
                Some(&parent) => {
                    *next += 1;
                    match mark[parent] {
                        0 => {
                            mark[parent] = 1;
                            path.push((parent, 0));
                        }
                        1 => {
                            let from = path.iter().position(|(u, _)| *u == parent).unwrap_or(0);
                            let mut names: Vec<&str> =
                                path[from..].iter().rev().map(|(u, _)| spec.node[*u].name.as_str()).collect();
                            names.insert(0, &spec.node[parent].name);
                            return Err(Error::spec(
                                format!("node[{parent}].given"),
                                format!("node '{}'", spec.node[parent].name),
                                format!("it depends on itself: {}", names.join(" → ")),
                            ));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    Ok(())
}

/// Refuses a table of the wrong size and rows that do not sum to 1, by their names.
fn check_rows(spec: &NetSpec, number: usize, parents: &[usize], table: &mut [f64]) -> Result<()> {
    let node = &spec.node[number];
    let card = node.states.len();
    let wrong =
        |message: String| Err(Error::spec(format!("node[{number}].cpd"), format!("node '{}'", node.name), message));
    let sizes = parents.iter().map(|&p| spec.node[p].states.len());
    let wanted = sizes.chain([card]).try_fold(1usize, |n, size| n.checked_mul(size));
    if wanted != Some(table.len()) {
        let wanted = wanted.map_or("more than can be".into(), |n| n.to_string());
        return wrong(format!("its table has {} numbers; expected {wanted}", table.len()));
    }
    // A table of as many rows as states may have been given with its configurations as columns.
    let square = table.len() == card * card;
    let columns =
        square && (0..card).all(|k| (table.iter().skip(k).step_by(card).sum::<f64>() - 1.0).abs() < row::TOLERANCE);
    for (i, row) in table.chunks_mut(card).enumerate() {
        if let Some(p) = row.iter().find(|p| !p.is_finite() || **p < 0.0) {
            return wrong(format!("{} has {p}; expected probabilities", row_name(spec, parents, i)));
        }
        if let Err(sum) = row::normalise(row) {
            let row = row_name(spec, parents, i);
            let hint = if columns { "; the columns do: is the table transposed?" } else { "" };
            return wrong(format!("{row} sums to {sum}; rows must sum to 1 within {:e}{hint}", row::TOLERANCE));
        }
    }
    Ok(())
}

/// A row of a table by the parents' states.
fn row_name(spec: &NetSpec, parents: &[usize], mut row: usize) -> String {
    let mut words = vec![];
    for &p in parents.iter().rev() {
        let parent = &spec.node[p];
        words.push(format!("{} = {}", parent.name, parent.states[row % parent.states.len()]));
        row /= parent.states.len();
    }
    words.reverse();
    if words.is_empty() { "its row".into() } else { format!("row ({})", words.join(", ")) }
}
