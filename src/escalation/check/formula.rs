//! A table by a formula to its rows: the numbers by the parents' names, put in order for [`Cpd`], which has the formulas.

use super::At;
use super::table::{Parent, configurations};
use crate::bayes::cpd::Cpd;
use crate::escalation::spec::FormulaSpec;
use crate::ground::Result;
use crate::ground::names::hint;
use std::collections::BTreeMap;

/// The rows over `parents` for a variable with `states`, the last parent fastest.
pub(super) fn rows(at: &At, formula: &FormulaSpec, parents: &[Parent], states: &[String]) -> Result<Vec<Vec<f64>>> {
    configurations(at, parents)?;
    let at = at.key("formula");
    let cards: Vec<usize> = parents.iter().map(|(_, states)| states.len()).collect();
    let cpd = match formula {
        FormulaSpec::NoisyOr { chances, leak } => {
            let at = at.key("noisy_or");
            at.need(states.len() == 2, || {
                format!("a noisy or is for two states, and there are {}; expected `noisy_max`", states.len())
            })?;
            let of = |at: &At, p: &f64| {
                at.need((0.0..=1.0).contains(p), || format!("the chance is {p}; expected a probability"))?;
                Ok([1.0 - p, *p])
            };
            let link = |at: At, chances: &Vec<f64>| {
                let each = chances.iter().enumerate().map(|(k, p)| of(&at.item(k), p));
                Ok(each.collect::<Result<Vec<_>>>()?.concat())
            };
            let links = in_order(&at.key("chances"), chances, parents, link)?;
            let leak = leak.as_ref().map(|leak| of(&at.key("leak"), leak)).transpose()?;
            Cpd::NoisyMax { links, leak: leak.map(Vec::from) }
        }
        FormulaSpec::NoisyMax { links, leak } => {
            let link = |_, rows: &Vec<Vec<f64>>| Ok(rows.concat());
            let links = in_order(&at.key("noisy_max").key("links"), links, parents, link)?;
            Cpd::NoisyMax { links, leak: leak.clone() }
        }
        FormulaSpec::Ranked { weights, spread, by } => {
            let weights = in_order(&at.key("ranked").key("weights"), weights, parents, |_, weight| Ok(*weight))?;
            Cpd::Ranked { weights, spread: *spread, by: *by }
        }
        FormulaSpec::Logistic { cuts, effects } => {
            let own = |_, effects: &Vec<f64>| Ok(effects.clone());
            let effects = in_order(&at.key("logistic").key("effects"), effects, parents, own)?;
            Cpd::Logistic { cuts: cuts.clone(), effects }
        }
    };
    let table = at.put(cpd.table(states.len(), &cards))?;
    let normalised = |row: &[f64]| {
        let sum: f64 = row.iter().sum();
        row.iter().map(|p| p / sum).collect()
    };
    Ok(table.chunks_exact(states.len()).map(normalised).collect())
}

/// What is said of each parent, in their order.
fn in_order<T, U>(
    at: &At,
    said: &BTreeMap<String, T>,
    parents: &[Parent],
    of: impl Fn(At, &T) -> Result<U>,
) -> Result<Vec<U>> {
    let known: Vec<&str> = parents.iter().map(|(name, _)| *name).collect();
    if let Some(odd) = said.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(at.key(odd).wrong(format!("'{odd}' is none of `given`{}", hint(odd, &known))));
    }
    let one = |name: &&str| match said.get(*name) {
        Some(own) => of(at.key(name), own),
        None => Err(at.wrong(format!("nothing is said of '{name}'; expected an entry for each of `given`"))),
    };
    known.iter().map(one).collect()
}
