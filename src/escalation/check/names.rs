//! Names to indices: unknown ones with what they may have meant, empty and repeated ones refused.

use super::At;
use crate::escalation::model::{Model, Variable};
use crate::ground::Result;
use crate::ground::names::hint;

/// The index of `name` among `known`; `kind` says what is looked for ("rung of 'peninsula'").
pub(super) fn find<S: AsRef<str>>(at: &At, kind: &str, name: &str, known: &[S]) -> Result<usize> {
    let found = known.iter().position(|k| k.as_ref() == name);
    found.ok_or_else(|| at.wrong(format!("there is no {kind} '{name}'{}", hint(name, known))))
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
