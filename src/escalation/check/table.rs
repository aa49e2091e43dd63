//! Tables as written to rows in order: nested by the parents' states or listed, each row checked and divided by its sum.

use super::{At, formula, names};
use crate::escalation::parameter::RowPrior;
use crate::escalation::spec::{FormulaSpec, TableSpec};
use crate::ground::Result;

/// How far the sum of a row may be from 1.
pub(super) const TOLERANCE: f64 = 1e-6;

/// How many parent configurations an indicator may have.
const CONFIGURATIONS: usize = 1 << 22;

/// A parent of a table: its name and its states.
pub(super) type Parent<'a> = (&'a str, &'a [String]);

/// How many configurations the parents have.
pub(super) fn configurations(at: &At, parents: &[Parent]) -> Result<usize> {
    let product = parents.iter().try_fold(1usize, |n, (_, states)| n.checked_mul(states.len()));
    product.filter(|n| *n <= CONFIGURATIONS).ok_or_else(|| {
        at.key("given").wrong(format!("the parents have more than {CONFIGURATIONS} configurations together"))
    })
}

/// The states of the parents in each configuration, the last parent fastest.
pub(super) fn labels<'a>(parents: &[Parent<'a>]) -> Vec<Vec<(&'a str, &'a str)>> {
    parents.iter().fold(vec![Vec::new()], |all, (name, states)| {
        let grown = |head: &Vec<(&'a str, &'a str)>| {
            let head = head.clone();
            states.iter().map(move |s| head.iter().copied().chain([(*name, s.as_str())]).collect()).collect::<Vec<_>>()
        };
        all.iter().flat_map(grown).collect()
    })
}

/// "restraint | us_policy = settlement, other = x", or "us_policy" without parents.
pub(super) fn row_name(name: &str, label: &[(&str, &str)]) -> String {
    let states: Vec<String> = label.iter().map(|(parent, state)| format!("{parent} = {state}")).collect();
    if states.is_empty() { name.to_string() } else { format!("{name} | {}", states.join(", ")) }
}

/// The rows of the table at a place, over `parents` for a variable with `states`, in order and each divided by its sum.
pub(super) fn rows(at: &At, table: &TableSpec, parents: &[Parent], states: &[String]) -> Result<Vec<Vec<f64>>> {
    let mut found = Vec::new();
    collect(at, table, parents, states, "", &mut found)?;
    Ok(found)
}

/// The rows of an entry that has a table or a formula.
pub(super) fn stated(
    at: &At,
    (table, formula): (Option<&TableSpec>, Option<&FormulaSpec>),
    parents: &[Parent],
    states: &[String],
) -> Result<Vec<Vec<f64>>> {
    match (table, formula) {
        (Some(table), None) => rows(&at.key("table"), table, parents, states),
        (None, Some(formula)) => formula::rows(at, formula, parents, states),
        (Some(_), Some(_)) => Err(at.key("formula").wrong("it has a `table` and a `formula`; expected one of them")),
        (None, None) => Err(at.wrong("it has no probabilities; expected a `table` or a `formula`")),
    }
}

fn collect(
    at: &At,
    table: &TableSpec,
    parents: &[Parent],
    states: &[String],
    label: &str,
    found: &mut Vec<Vec<f64>>,
) -> Result<()> {
    match (table, parents) {
        (TableSpec::Row(values), []) => {
            found.push(row(at, label, values, states)?);
            Ok(())
        }
        (TableSpec::Row(_), [(parent, _), ..]) => {
            Err(at.wrong(format!("the table{label} is one row, but it has the parent '{parent}'; {}", shape(parents))))
        }
        (TableSpec::Rows(rows), _) => {
            let expected = configurations(at, parents)?;
            at.need(rows.len() == expected, || {
                format!("the table{label} has {} rows; expected {expected}: {}", rows.len(), shape(parents))
            })?;
            for ((i, values), names) in rows.iter().enumerate().zip(labels(parents)) {
                let label = names.iter().fold(label.to_string(), |text, (parent, state)| with(&text, parent, state));
                found.push(row(&at.item(i), &label, values, states)?);
            }
            Ok(())
        }
        (TableSpec::Nested(_), []) => Err(at.wrong(format!(
            "the table{label} is nested deeper than there are parents; expected a row of probabilities"
        ))),
        (TableSpec::Nested(inner), [(parent, known), rest @ ..]) => {
            for name in inner.keys() {
                names::find(&at.key(name), &format!("state of '{parent}'"), name, known)?;
            }
            for state in known.iter() {
                let part = inner
                    .get(state)
                    .ok_or_else(|| at.wrong(format!("the table{label} has no entry for {parent} = '{state}'")))?;
                collect(&at.key(state), part, rest, states, &with(label, parent, state), found)?;
            }
            Ok(())
        }
    }
}

/// " for us_policy = settlement", grown by one parent.
fn with(label: &str, parent: &str, state: &str) -> String {
    let joint = if label.is_empty() { " for " } else { ", " };
    format!("{label}{joint}{parent} = {state}")
}

fn shape(parents: &[Parent]) -> String {
    let names: Vec<String> =
        parents.iter().map(|(name, states)| format!("'{name}' ({} states)", states.len())).collect();
    match names.as_slice() {
        [] => "one row, there being no parents".into(),
        [one] => format!("one row for each state of {one}"),
        several => format!("one row for each configuration of {}, the last fastest", several.join(", ")),
    }
}

/// One row, checked and divided by its sum.
fn row(at: &At, label: &str, values: &[f64], states: &[String]) -> Result<Vec<f64>> {
    at.need(values.len() == states.len(), || {
        let listed = states.join(", ");
        format!("the row{label} has {} entries; expected {}, one for each of {listed}", values.len(), states.len())
    })?;
    let bad = values.iter().zip(states).find(|(p, _)| !p.is_finite() || **p < 0.0);
    if let Some((p, state)) = bad {
        return Err(at.wrong(format!("the row{label} gives '{state}' the probability {p}; expected 0 or more")));
    }
    normalised(at, &format!("the row{label}"), values)
}

/// The values divided by their sum, which must be 1 within the tolerance.
pub(super) fn normalised(at: &At, what: &str, values: &[f64]) -> Result<Vec<f64>> {
    let sum: f64 = values.iter().sum();
    at.need((sum - 1.0).abs() <= TOLERANCE, || format!("{what} sums to {sum}; expected 1 within {TOLERANCE}"))?;
    Ok(values.iter().map(|p| p / sum).collect())
}

/// What is believed of a table's rows.
pub(super) fn prior(at: &At, worth: Option<f64>, free: bool) -> Result<RowPrior> {
    match (worth, free) {
        (None, false) => Ok(RowPrior::Fixed),
        (None, true) => Ok(RowPrior::Flat),
        (Some(_), true) => Err(at.key("worth").wrong("`worth` and `free` are together; expected one of them at most")),
        (Some(worth), false) => {
            at.key("worth").need(worth.is_finite() && worth > 0.0, || {
                format!("the table is worth {worth} observations a row; expected a finite number above 0")
            })?;
            Ok(RowPrior::Dirichlet { worth })
        }
    }
}
