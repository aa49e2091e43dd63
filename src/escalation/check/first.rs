//! The first rung as written to its law: a rung, probabilities, a table of these over drivers, or the equilibrium.

use super::model::{Cells, Numbers};
use super::names::{self, distinct};
use super::{At, named, table};
use crate::escalation::model::{First, Model, Variable};
use crate::escalation::parameter::Provenance;
use crate::escalation::spec::{FirstSpec, LadderSpec, StartSpec, TableSpec};
use crate::ground::Result;

/// Where a ladder begins; its drivers are known already.
pub(super) fn first(
    at: &At,
    spec: &LadderSpec,
    model: &Model,
    numbers: &mut Numbers,
    provenance: Provenance,
) -> Result<First> {
    let given = at.key("start_given");
    distinct(&given, "parents", &spec.start_given, 0)?;
    let find = |(k, name): (usize, &String)| names::driver(&given.item(k), model, name);
    let parents = spec.start_given.iter().enumerate().map(find).collect::<Result<Vec<usize>>>()?;
    let over: Vec<Variable> = parents.iter().map(|p| Variable::Driver(*p)).collect();
    let states: Vec<table::Parent> = over.iter().map(|p| names::states(model, *p)).collect();
    let place = at.key("start");
    let laws = resolved(&place, &spec.start, parents.len(), &spec.name, &spec.rungs)?;
    let rows = table::rows(&place, &laws, &states, &spec.rungs)?;
    match spec.first {
        FirstSpec::Equilibrium => {
            at.need(parents.is_empty() && spec.worth.is_none(), || {
                "`start_given` and `worth` do not go with first = \"equilibrium\", which the intensities settle".into()
            })?;
            return Ok(First::Equilibrium);
        }
        FirstSpec::Given if parents.is_empty() && spec.worth.is_none() => return Ok(First::Given(rows.concat())),
        FirstSpec::Given | FirstSpec::Estimated => {}
    }
    let name = format!("{}: first rung", spec.name);
    let (worth, free) = (spec.worth, spec.first == FirstSpec::Estimated && spec.worth.is_none());
    let cells = Cells { at, name: &name, states: &spec.rungs, parents: &over, rows, worth, free, provenance };
    let rows = numbers.rows(model, cells)?;
    Ok(First::Table { parents, rows })
}

/// A start as a table, so many parents deep, of rows over the rungs.
fn resolved(at: &At, spec: &StartSpec, depth: usize, ladder: &str, rungs: &[String]) -> Result<TableSpec> {
    Ok(match spec {
        StartSpec::Nested(inner) if depth > 0 => {
            let one = |(state, spec): (&String, &StartSpec)| {
                Ok((state.clone(), resolved(&at.key(state), spec, depth - 1, ladder, rungs)?))
            };
            TableSpec::Nested(inner.iter().map(one).collect::<Result<_>>()?)
        }
        StartSpec::Each(list) if depth > 0 => {
            let one = |(k, spec): (usize, &StartSpec)| law(&at.item(k), spec, ladder, rungs);
            TableSpec::Rows(list.iter().enumerate().map(one).collect::<Result<_>>()?)
        }
        one => TableSpec::Row(law(at, one, ladder, rungs)?),
    })
}

/// The law of the first rung where the drivers are known.
fn law(at: &At, spec: &StartSpec, ladder: &str, rungs: &[String]) -> Result<Vec<f64>> {
    let kind = format!("rung of '{ladder}'");
    match spec {
        StartSpec::Rung(rung) => {
            let first = names::find(at, &kind, rung, rungs)?;
            Ok((0..rungs.len()).map(|r| if r == first { 1.0 } else { 0.0 }).collect())
        }
        StartSpec::Law(law) => {
            for (rung, p) in law {
                names::find(&at.key(rung), &kind, rung, rungs)?;
                at.key(rung).need(p.is_finite() && *p >= 0.0, || {
                    format!("the start gives '{rung}' the probability {p}; expected 0 or more")
                })?;
            }
            let values: Vec<f64> = rungs.iter().map(|r| law.get(r).copied().unwrap_or(0.0)).collect();
            table::normalised(at, "the law of the start", &values)
        }
        StartSpec::Row(values) => {
            let rows = table::rows(at, &TableSpec::Row(values.clone()), &[], rungs)?;
            Ok(rows.concat())
        }
        StartSpec::Each(_) | StartSpec::Nested(_) => Err(
            at.wrong("the start is a table where a law was expected; `start_given` names the drivers that it is over")
        ),
    }
}

/// Refuses an equilibrium that depends on a ladder which is not at one.
pub(super) fn settled(spec: &[LadderSpec], model: &Model) -> Result<()> {
    for (i, ladder) in model.ladders.iter().enumerate().filter(|(_, ladder)| ladder.first == First::Equilibrium) {
        for other in ladder.effects.iter().flat_map(|effect| effect.when.ladders()) {
            let Some(other) = model.ladders.get(other).filter(|other| other.first != First::Equilibrium) else {
                continue;
            };
            let name = spec.get(i).map_or("", |ladder| ladder.name.as_str());
            let at = At::top().key("ladder").item(i).called(named("ladder", name, i));
            return Err(at.key("first").wrong(format!(
                "it is to begin at equilibrium, but an effect of it looks at ladder '{}', which is not; expected \
                 first = \"equilibrium\" there too",
                other.name
            )));
        }
    }
    Ok(())
}
