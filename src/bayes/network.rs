//! The discrete Bayesian network by index: sizes, parents and tables, and the network under an intervention.

use crate::ground::{Error, Result};

/// How far the sum of a row may be from 1.
const TOLERANCE: f64 = 1e-9;

/// A discrete Bayesian network, checked: tables have the right shape, rows sum to 1, the graph has no cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    cards: Vec<usize>,
    parents: Vec<Vec<usize>>,
    tables: Vec<Vec<f64>>,
    /// Names of the first variables, for messages.
    labels: Vec<String>,
}

impl Network {
    /// A network of `cards[v]` states for variable v; `tables[v]` holds one row for each configuration of `parents[v]` in
    /// the order given, the last parent fastest, and within a row the states of v.
    ///
    /// # Errors
    /// `Error::Spec` for a table of the wrong size, a row that is negative, not finite or does not sum to 1 within 1e-9, a
    /// parent that does not exist or is there twice, and a cycle.
    pub fn new(cards: Vec<usize>, parents: Vec<Vec<usize>>, tables: Vec<Vec<f64>>) -> Result<Self> {
        let count = cards.len();
        if parents.len() != count || tables.len() != count {
            let message =
                format!("{count} variables have {} lists of parents and {} tables", parents.len(), tables.len());
            return Err(Error::spec("", "network", message));
        }
        for (v, ((card, given), table)) in cards.iter().zip(&parents).zip(&tables).enumerate() {
            check(v, *card, given, table, &cards)?;
        }
        let network = Network { cards, parents, tables, labels: vec![] };
        network.acyclic()?;
        Ok(network)
    }

    /// The number of states of each variable.
    pub fn cards(&self) -> &[usize] {
        &self.cards
    }

    /// The parents of each variable.
    pub fn parents(&self) -> &[Vec<usize>] {
        &self.parents
    }

    /// The tables, a row for each configuration of the parents.
    pub fn tables(&self) -> &[Vec<f64>] {
        &self.tables
    }

    /// The network in which `var` is set to `state`, cut from its parents.
    ///
    /// # Errors
    /// `Error::Spec` when there is no such variable or state.
    pub fn do_(&self, var: usize, state: usize) -> Result<Network> {
        let mut cut = self.clone();
        let card = self.cards.get(var).copied().unwrap_or(0);
        match (cut.parents.get_mut(var), cut.tables.get_mut(var)) {
            (Some(parents), Some(table)) if state < card => {
                parents.clear();
                *table = (0..card).map(|s| if s == state { 1.0 } else { 0.0 }).collect();
                Ok(cut)
            }
            _ => {
                Err(Error::spec("", "network", format!("there is no state {state} of variable {var} ({card} states)")))
            }
        }
    }

    /// The network with names for its first variables, by which errors speak of them.
    pub fn labelled(mut self, labels: Vec<String>) -> Self {
        self.labels = labels;
        self
    }

    /// Variables in words, for messages.
    pub(super) fn named(&self, variables: &[usize]) -> String {
        let name = |v: &usize| self.labels.get(*v).cloned().unwrap_or_else(|| format!("{v}"));
        let names: Vec<String> = variables.iter().take(12).map(name).collect();
        let more = if variables.len() > 12 { ", …" } else { "" };
        format!("{}{more}", names.join(", "))
    }

    /// Marks `of` and everything that they descend from.
    pub(super) fn ancestors(&self, of: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut marked = vec![false; self.cards.len()];
        let mut open: Vec<usize> = of.into_iter().collect();
        while let Some(v) = open.pop() {
            if let (Some(mark @ false), Some(parents)) = (marked.get_mut(v), self.parents.get(v)) {
                *mark = true;
                open.extend(parents);
            }
        }
        marked
    }

    /// Takes away, again and again, the variables that have no parent left; a cycle is what stays.
    fn acyclic(&self) -> Result<()> {
        let mut waits: Vec<usize> = self.parents.iter().map(Vec::len).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.cards.len()];
        for (v, parents) in self.parents.iter().enumerate() {
            parents.iter().filter_map(|p| children.get_mut(*p).map(|c| c.push(v))).count();
        }
        let mut free: Vec<usize> = waits.iter().enumerate().filter(|(_, w)| **w == 0).map(|(v, _)| v).collect();
        let mut gone = 0;
        while let Some(v) = free.pop() {
            gone += 1;
            for child in children.get(v).into_iter().flatten() {
                if let Some(left) = waits.get_mut(*child) {
                    *left -= 1;
                    if *left == 0 {
                        free.push(*child);
                    }
                }
            }
        }
        match waits.iter().position(|w| *w > 0) {
            Some(v) if gone < self.cards.len() => {
                Err(Error::spec("", "network", format!("variable {v} is on a cycle, or descends from one")))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses a variable whose parents or table are malformed.
fn check(v: usize, card: usize, parents: &[usize], table: &[f64], cards: &[usize]) -> Result<()> {
    let wrong = |message: String| Err(Error::spec("", format!("variable {v}"), message));
    if card == 0 {
        return wrong("it has no state".into());
    }
    let mut size = Some(card);
    for (i, parent) in parents.iter().enumerate() {
        match cards.get(*parent) {
            None => return wrong(format!("its parent {parent} does not exist; there are {} variables", cards.len())),
            _ if parents.iter().take(i).any(|p| p == parent) => {
                return wrong(format!("its parent {parent} is there twice"));
            }
            Some(states) => size = size.and_then(|n| n.checked_mul(*states)),
        }
    }
    if size != Some(table.len()) {
        return wrong(format!("its table has {} values; expected its states times those of its parents", table.len()));
    }
    for (i, row) in table.chunks(card).enumerate() {
        let sum: f64 = row.iter().sum();
        let good = row.iter().all(|p| p.is_finite() && *p >= 0.0) && (sum - 1.0).abs() <= TOLERANCE;
        if !good {
            return wrong(format!("row {i} of its table sums to {sum}; expected probabilities that sum to 1"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_networks_are_refused() {
        let row = || vec![0.5, 0.5];
        let two = |parents: Vec<Vec<usize>>, tables| Network::new(vec![2, 2], parents, tables);
        let square = || vec![0.5; 4];
        assert!(two(vec![vec![], vec![]], vec![row(), row()]).is_ok());
        for (parents, tables, says) in [
            (vec![vec![1], vec![0]], vec![square(), square()], "cycle"),
            (vec![vec![0], vec![]], vec![square(), row()], "cycle"),
            (vec![vec![], vec![7]], vec![row(), square()], "does not exist"),
            (vec![vec![], vec![0, 0]], vec![row(), vec![0.5; 8]], "twice"),
            (vec![vec![], vec![0]], vec![row(), row()], "2 values"),
            (vec![vec![], vec![]], vec![row(), vec![0.5, 0.6]], "sums to 1.1"),
            (vec![vec![], vec![]], vec![row(), vec![1.5, -0.5]], "row 0"),
            (vec![vec![]], vec![row(), row()], "1 lists of parents"),
        ] {
            let message = two(parents, tables).unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
        assert!(two(vec![vec![], vec![]], vec![row(), row()]).unwrap().do_(0, 2).is_err());
    }
}
