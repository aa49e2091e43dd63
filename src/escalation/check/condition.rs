//! Conditions as written to conditions with indices: exactly one form each, every name known.

use super::{At, names};
use crate::escalation::condition::{Condition, Instant};
use crate::escalation::model::Model;
use crate::escalation::spec::{ConditionSpec, Names};
use crate::ground::Result;

const FORMS: &str = "expected exactly one of driver, ladder, since or until, all, any, not";

impl Condition {
    /// A condition of drivers, ladders and time, its names resolved and simplified.
    ///
    /// # Errors
    /// `Error::Spec` for unknown names, keys of two forms or of none, an order asked of an unordered ladder, dates that do
    /// not parse, and indicators (which only a development may see).
    pub fn compile(spec: &ConditionSpec, model: &Model) -> Result<Condition> {
        compile(&At::top(), spec, model)
    }
}

/// A condition at its place, simplified.
pub(super) fn compile(at: &At, spec: &ConditionSpec, model: &Model) -> Result<Condition> {
    Ok(literal(at, spec, model)?.simplify())
}

/// A condition at its place as it was written, so that what it looks at can be told.
pub(super) fn literal(at: &At, spec: &ConditionSpec, model: &Model) -> Result<Condition> {
    one_form(at, spec)?;
    if let Some(name) = &spec.driver {
        let driver = names::driver(&at.key("driver"), model, name)?;
        let (name, states) = names::states(model, crate::escalation::model::Variable::Driver(driver));
        let is = spec.is.as_ref().ok_or_else(|| at.wrong(format!("the condition on driver '{name}' lacks `is`")))?;
        Ok(Condition::Driver { driver, states: mask(&at.key("is"), &format!("state of '{name}'"), is, states)? })
    } else if let Some(name) = &spec.ladder {
        on_ladder(at, spec, model, name)
    } else if let Some(parts) = &spec.all {
        Ok(Condition::All(each(&at.key("all"), parts, model)?))
    } else if let Some(parts) = &spec.any {
        Ok(Condition::Any(each(&at.key("any"), parts, model)?))
    } else if let Some(inner) = &spec.not {
        Ok(Condition::Not(Box::new(literal(&at.key("not"), inner, model)?)))
    } else {
        period(at, spec, model)
    }
}

/// Refuses keys of two forms together, or of none.
fn one_form(at: &At, spec: &ConditionSpec) -> Result<()> {
    let forms = [
        ("driver", spec.driver.is_some()),
        ("ladder", spec.ladder.is_some()),
        ("indicator", spec.indicator.is_some()),
        ("since or until", spec.since.is_some() || spec.until.is_some()),
        ("all", spec.all.is_some()),
        ("any", spec.any.is_some()),
        ("not", spec.not.is_some()),
    ];
    let given: Vec<&str> = forms.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    match given.as_slice() {
        ["indicator"] => Err(at.wrong(
            "an indicator is no part of a condition of drivers, ladders and time; only a development may have seen one, alone",
        )),
        [one] => {
            let set = spec.is.is_some() || spec.at_least.is_some() || spec.at_most.is_some();
            let takes = matches!(*one, "driver" | "ladder");
            at.need(takes || !set, || format!("`is`, `at_least` and `at_most` do not go with {one}"))?;
            let order = spec.at_least.is_some() || spec.at_most.is_some();
            at.need(*one == "ladder" || !order, || "`at_least` and `at_most` are for ladders; a driver takes `is`".into())
        }
        [] => Err(at.wrong(format!("the condition says nothing; {FORMS}"))),
        several => Err(at.wrong(format!("the condition has {} together; {FORMS}", several.join(" and ")))),
    }
}

fn on_ladder(at: &At, spec: &ConditionSpec, model: &Model, name: &str) -> Result<Condition> {
    let ladder = names::ladder(&at.key("ladder"), model, name)?;
    let found = model.ladders.get(ladder).ok_or_else(|| at.wrong(format!("there is no ladder '{name}'")))?;
    let kind = format!("rung of '{name}'");
    let bound = |key: &str, rung: &str| -> Result<usize> {
        at.need(found.ordered, || format!("ladder '{name}' is not ordered, so `{key}` has no meaning; expected `is`"))?;
        names::find(&at.key(key), &kind, rung, &found.rungs)
    };
    let rungs = match (&spec.is, &spec.at_least, &spec.at_most) {
        (Some(is), None, None) => mask(&at.key("is"), &kind, is, &found.rungs)?,
        (None, Some(low), None) => {
            let low = bound("at_least", low)?;
            (0..found.rungs.len()).map(|r| r >= low).collect()
        }
        (None, None, Some(high)) => {
            let high = bound("at_most", high)?;
            (0..found.rungs.len()).map(|r| r <= high).collect()
        }
        _ => {
            let message =
                format!("the condition on ladder '{name}' needs exactly one of `is`, `at_least` and `at_most`");
            return Err(at.wrong(message));
        }
    };
    Ok(Condition::Ladder { ladder, rungs })
}

/// Marks the named states.
pub(super) fn mask(at: &At, kind: &str, is: &Names, states: &[String]) -> Result<Vec<bool>> {
    let given = match is {
        Names::One(name) => std::slice::from_ref(name),
        Names::Many(names) => names.as_slice(),
    };
    at.need(!given.is_empty(), || format!("`is` is an empty list; expected at least one {kind}"))?;
    for name in given {
        names::find(at, kind, name, states)?;
    }
    Ok(states.iter().map(|s| given.contains(s)).collect())
}

fn each(at: &At, parts: &[ConditionSpec], model: &Model) -> Result<Vec<Condition>> {
    at.need(!parts.is_empty(), || "the list of conditions is empty".into())?;
    parts.iter().enumerate().map(|(i, part)| literal(&at.item(i), part, model)).collect()
}

fn period(at: &At, spec: &ConditionSpec, model: &Model) -> Result<Condition> {
    let clock = at.calendar(model)?;
    let from = spec.since.as_ref().map(|text| at.key("since").put(clock.day_start(text))).transpose()?;
    let to = spec.until.as_ref().map(|text| at.key("until").put(clock.day_end(text))).transpose()?;
    let (from, to) = (from.unwrap_or(f64::NEG_INFINITY), to.unwrap_or(f64::INFINITY));
    at.need(from < to, || {
        let text = |date: &Option<String>| date.clone().unwrap_or_default();
        format!("the period ends ({}) before it starts ({})", text(&spec.until), text(&spec.since))
    })?;
    Ok(Condition::Period { from: Instant(from), to: Instant(to) })
}
