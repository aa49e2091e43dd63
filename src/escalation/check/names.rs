//! Names to indices: unknown ones with what they may have meant, empty and repeated ones refused.

use super::At;
use crate::escalation::model::{Model, Variable};
use crate::ground::Result;

/// How many known names a message lists at most.
const LISTED: usize = 12;

/// The index of `name` among `known`; `kind` says what is looked for ("rung of 'peninsula'").
pub(super) fn find<S: AsRef<str>>(at: &At, kind: &str, name: &str, known: &[S]) -> Result<usize> {
    let found = known.iter().position(|k| k.as_ref() == name);
    found.ok_or_else(|| at.wrong(format!("there is no {kind} '{name}'{}", hint(name, known))))
}

/// "; did you mean 'war'? expected one of 'rhetoric', 'war'".
fn hint<S: AsRef<str>>(name: &str, known: &[S]) -> String {
    let allowed = (name.chars().count() / 3).max(1);
    let near = known
        .iter()
        .map(|k| (distance(&name.to_lowercase(), &k.as_ref().to_lowercase()), k.as_ref()))
        .min_by_key(|(d, _)| *d)
        .filter(|(d, _)| *d <= allowed)
        .map(|(_, k)| format!("; did you mean '{k}'?"))
        .unwrap_or_default();
    let listed: Vec<String> = known.iter().take(LISTED).map(|k| format!("'{}'", k.as_ref())).collect();
    let more = if known.len() > LISTED { format!(" and {} more", known.len() - LISTED) } else { String::new() };
    match listed.is_empty() {
        true => "; none is declared".into(),
        false => {
            format!("{}{} expected one of {}{more}", near, if near.is_empty() { ";" } else { "" }, listed.join(", "))
        }
    }
}

/// The edit distance of two words (insertions, deletions, substitutions).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((y, pair), left) in b.iter().zip(row.windows(2)).zip(0..) {
            if let ([diagonal, above], Some(before)) = (pair, next.get(left).copied()) {
                next.push((diagonal + usize::from(x != *y)).min(above + 1).min(before + 1));
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Refuses an empty list, empty names and names given twice; `what` is "states" or "rungs".
pub(super) fn distinct(at: &At, what: &str, names: &[String], least: usize) -> Result<()> {
    let given = match names.len() {
        0 => "none".to_string(),
        n => n.to_string(),
    };
    at.need(names.len() >= least, || format!("it has {given} of the {what}; expected at least {least}"))?;
    for (i, name) in names.iter().enumerate() {
        at.item(i).need(!name.trim().is_empty(), || format!("one of the {what} has an empty name"))?;
        at.item(i).need(!names.iter().take(i).any(|n| n == name), || format!("'{name}' is twice among the {what}"))?;
    }
    Ok(())
}

/// What a name of the model stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Variable(Variable),
    Status(usize),
    Events(usize),
}

impl Named {
    fn kind(self) -> &'static str {
        match self {
            Named::Variable(Variable::Driver(_)) => "a driver",
            Named::Variable(Variable::Ladder(_)) => "a ladder",
            Named::Status(_) => "a status indicator",
            Named::Events(_) => "an events indicator",
        }
    }
}

/// Everything in the model that has a name.
fn names(model: &Model) -> impl Iterator<Item = (&str, Named)> {
    let drivers =
        model.drivers.iter().enumerate().map(|(i, d)| (d.name.as_str(), Named::Variable(Variable::Driver(i))));
    let ladders =
        model.ladders.iter().enumerate().map(|(i, l)| (l.name.as_str(), Named::Variable(Variable::Ladder(i))));
    let statuses = model.statuses.iter().enumerate().map(|(i, s)| (s.name.as_str(), Named::Status(i)));
    let events = model.events.iter().enumerate().map(|(i, e)| (e.name.as_str(), Named::Events(i)));
    drivers.chain(ladders).chain(statuses).chain(events)
}

/// What `name` stands for, if `pick` takes it; `kind` says what is looked for ("driver").
pub(super) fn lookup<T>(
    at: &At,
    model: &Model,
    kind: &str,
    name: &str,
    pick: impl Fn(Named) -> Option<T>,
) -> Result<T> {
    match names(model).find(|(n, _)| *n == name) {
        Some((_, found)) => pick(found).ok_or_else(|| at.wrong(format!("'{name}' is {}, not a {kind}", found.kind()))),
        None => {
            let known: Vec<&str> = names(model).filter(|(_, n)| pick(*n).is_some()).map(|(n, _)| n).collect();
            Err(at.wrong(format!("there is no {kind} '{name}'{}", hint(name, &known))))
        }
    }
}

pub(super) fn driver(at: &At, model: &Model, name: &str) -> Result<usize> {
    lookup(at, model, "driver", name, |n| match n {
        Named::Variable(Variable::Driver(i)) => Some(i),
        _ => None,
    })
}

pub(super) fn ladder(at: &At, model: &Model, name: &str) -> Result<usize> {
    lookup(at, model, "ladder", name, |n| match n {
        Named::Variable(Variable::Ladder(i)) => Some(i),
        _ => None,
    })
}

pub(super) fn variable(at: &At, model: &Model, name: &str) -> Result<Variable> {
    lookup(at, model, "driver or ladder", name, |n| match n {
        Named::Variable(v) => Some(v),
        _ => None,
    })
}

pub(super) fn status(at: &At, model: &Model, name: &str) -> Result<usize> {
    lookup(at, model, "status indicator", name, |n| match n {
        Named::Status(i) => Some(i),
        _ => None,
    })
}

pub(super) fn events(at: &At, model: &Model, name: &str) -> Result<usize> {
    lookup(at, model, "events indicator", name, |n| match n {
        Named::Events(i) => Some(i),
        _ => None,
    })
}

/// The name of a driver or ladder and of its states or rungs.
pub(super) fn states(model: &Model, of: Variable) -> (&str, &[String]) {
    match of {
        Variable::Driver(i) => model.drivers.get(i).map(|d| (d.name.as_str(), d.states.as_slice())),
        Variable::Ladder(i) => model.ladders.get(i).map(|l| (l.name.as_str(), l.rungs.as_slice())),
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances() {
        for (a, b, d) in [("", "", 0), ("war", "", 3), ("wra", "war", 2), ("kitten", "sitting", 3), ("weak", "weak", 0)]
        {
            assert_eq!(distance(a, b), d);
            assert_eq!(distance(b, a), d);
        }
    }
}
