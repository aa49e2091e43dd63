//! Numbers that run to 0 or without end: the likelihood has no top along them, and one in all else.

use super::compile::Panel;
use super::structure::Column;
use crate::escalation::model::Model;
use crate::escalation::parameter::{Kind, Prior, RowPrior};
use crate::escalation::theta::Number;
use nalgebra::{DMatrix, SymmetricEigen};

/// A ratio has run off where it changes an intensity by more than e to this; odds and numbers of moves, at e to minus this.
const OFF: f64 = 5.0;
/// Curvature below which nothing is known (as in the fit), and the share of a direction that may lie elsewhere.
const FLAT: f64 = 1e-4;
const REST: f64 = 0.05;

/// A coordinate of θ that ran off, and what a reader should know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Runaway {
    pub coordinate: usize,
    pub words: String,
}

/// The flat coordinates that ran off.
pub fn runaways(model: &Model, panel: &Panel, theta: &[f64], flat: &[bool]) -> Vec<Runaway> {
    let mut found = vec![];
    let owners = model.parameters.owners();
    for (coordinate, &owner) in owners.iter().enumerate().filter(|(k, _)| flat[*k]) {
        let p = match owner {
            Number::Positive(p) => p,
            Number::Real(_) => continue,
            Number::Row(r) => {
                let place = owners[..coordinate].iter().filter(|other| **other == owner).count();
                found.extend(vanishing(model, r, place, theta[coordinate]).map(|words| Runaway { coordinate, words }));
                continue;
            }
        };
        let positive = &model.parameters.positives[p];
        if positive.kind == Kind::Intensity && positive.prior == Prior::Flat {
            let words = format!("intensity '{}' runs to 0: the panel shows no such move", positive.name);
            found.extend(unseen(panel, p, theta[coordinate]).then_some(Runaway { coordinate, words }));
            continue;
        }
        if positive.kind != Kind::Factor || positive.prior != Prior::Flat {
            continue;
        }
        let terms = panel.structure.arcs.iter().flat_map(|arc| &arc.terms);
        let Some(column) = terms.filter(|(own, _)| *own == p).map(|(_, column)| *column).next() else { continue };
        let values = || panel.designs.iter().map(|design| design[column]);
        let most = values().fold(0.0, |most: f64, x| if x.abs() > f64::abs(most) { x } else { most });
        if (theta[coordinate] * most).abs() < OFF {
            continue;
        }
        let several = values().any(|x| x != 0.0 && x != most);
        let (of, during) = match &panel.structure.columns[column] {
            Column::Product(of, when) => (*of, format!(" while {}", when.describe(model))),
            _ => (column, String::new()),
        };
        let place = match &panel.structure.columns[of] {
            Column::Value(c) if several => format!("where '{}' is not 0", panel.structure.covariates[*c].name),
            Column::Value(c) => format!("with {} = {most}", panel.structure.covariates[*c].name),
            Column::Level(c, level) => {
                let given = &panel.structure.covariates[*c];
                format!("with {} = {}", given.name, given.levels[*level])
            }
            Column::Period(from, to) => format!("in [{from}, {to})"),
            Column::When(when) | Column::Product(_, when) => format!("while {}", when.describe(model)),
        } + &during;
        let words = match theta[coordinate] * most < 0.0 {
            true => format!("ratio '{}' runs to 0: no such move shows {place}", positive.name),
            false => format!("ratio '{}' runs off without end: such moves show {place} only", positive.name),
        };
        found.push(Runaway { coordinate, words });
    }
    found
}

/// Whether an intensity that leads to rungs which are seen is such that no move would come of it in all the panel's time.
fn unseen(panel: &Panel, p: usize, log: f64) -> bool {
    let rows = || (0..panel.units.len()).map(|unit| panel.rows_of(unit));
    let time: f64 = rows().filter_map(|rows| Some(rows.last()?.time - rows.first()?.time)).sum();
    let seen = |state: usize| rows().flatten().any(|row| row.guess == Some(state));
    let led =
        panel.structure.arcs.iter().filter(|arc| arc.base.contains(&p)).any(|arc| seen(panel.structure.joint[arc.to]));
    led && log + (panel.structure.tick * time).ln() < -OFF
}

/// What runs to 0 where a logit of a row has run off: its own entry, or the last.
fn vanishing(model: &Model, row: usize, place: usize, logit: f64) -> Option<String> {
    let row = &model.parameters.rows[row];
    let support: Vec<usize> = (0..row.value.len()).filter(|&k| row.value[k] > 0.0).collect();
    let entry = if logit < 0.0 { *support.get(place)? } else { *support.last()? };
    let off = logit.abs() > OFF && row.prior == RowPrior::Flat;
    off.then(|| format!("'{}' of '{}' runs to 0: the panel shows none", row.states[entry], row.name))
}

/// Whether all flat directions of the information are these coordinates', so that the rest has a top.
pub fn only(information: &[f64], unit: &[f64], off: &[Runaway]) -> bool {
    let width = unit.len();
    if off.is_empty() {
        return false;
    }
    let scaled = DMatrix::from_fn(width, width, |i, j| information[i * width + j] * unit[i] * unit[j]);
    let eigen = SymmetricEigen::new(scaled);
    eigen.eigenvalues.iter().enumerate().filter(|(_, value)| **value <= FLAT).all(|(k, _)| {
        let vector = eigen.eigenvectors.column(k);
        let inside: f64 = off.iter().map(|own| vector[own.coordinate] * vector[own.coordinate]).sum();
        inside > 1.0 - REST
    })
}
