//! Contradictory evidence: which development made the dossier impossible.

use super::dossier::Dossier;
use super::engine::Prepared;
use super::model::Model;
use crate::ground::{Control, Error, Result};
use std::sync::Arc;

/// Most developments that a message lists.
const LISTED: usize = 8;

/// The error for a dossier that has probability zero: the development that makes it impossible, or, where it is possible
/// but weighs less than double precision can hold, that.
///
/// Developments are added in the order in which they were reported; the first that leaves probability 0 is named,
/// with a smallest set of earlier ones that it contradicts. Only what is 0 and what is not counts: see
/// [`Prepared::possible`].
pub fn culprit(model: &Arc<Model>, dossier: &Dossier, surgery: &[(usize, usize)], control: &Control) -> Result<Error> {
    let mut order: Vec<usize> = (0..dossier.developments.len()).collect();
    order.sort_by(|&a, &b| dossier.developments[a].reported.total_cmp(&dossier.developments[b].reported));
    let trial = Trial { model, dossier, surgery, control };
    if trial.possible(&order)? {
        return Ok(Error::Diverged {
            message:
                "the evidence is too improbable to be weighed in double precision: nothing in it is impossible, but \
                      some developments lie more than 300 powers of ten from what the model expects"
                    .into(),
        });
    }
    // How many of the first can be true together, by bisection: adding a development makes nothing possible.
    let (mut good, mut bad) = (0, order.len());
    if !trial.possible(&[])? {
        return Ok(Error::Impossible { development: None, message: "the model's own tables leave no world".into() });
    }
    while bad - good > 1 {
        let middle = (good + bad) / 2;
        match trial.possible(&order[..middle])? {
            true => good = middle,
            false => bad = middle,
        }
    }
    let found = order[good];
    let needed = match trial.possible(&[found])? {
        true => trial.needed(&[found], false, &order[..good])?,
        false => vec![],
    };
    let name = |k: usize| format!("'{}'", dossier.developments[k].id);
    let mut names: Vec<String> = needed.iter().take(LISTED).map(|&k| name(k)).collect();
    if needed.len() > LISTED {
        names.push(format!("{} more", needed.len() - LISTED));
    }
    let against = match needed.as_slice() {
        [] if surgery.is_empty() => "under the model by itself".to_string(),
        [] => "under what is done".to_string(),
        _ => format!("together with {}", names.join(", ")),
    };
    Ok(Error::Impossible {
        development: Some(dossier.developments[found].id.clone()),
        message: format!("development {} has probability zero {against}", name(found)),
    })
}

/// Some of a dossier's developments, tried.
struct Trial<'a> {
    model: &'a Arc<Model>,
    dossier: &'a Dossier,
    surgery: &'a [(usize, usize)],
    control: &'a Control,
}

impl Trial<'_> {
    fn possible(&self, chosen: &[usize]) -> Result<bool> {
        let mut part = self.dossier.clone();
        part.developments = chosen.iter().map(|&k| self.dossier.developments[k].clone()).collect();
        let mut prepared = Prepared::new(self.model, &part, &[], &[])?;
        prepared.surgery = self.surgery.to_vec();
        prepared.possible(self.control)
    }

    /// A smallest subset of `rest` that contradicts `base`, none of which can be spared (Junker 2004, QuickXplain).
    fn needed(&self, base: &[usize], wider: bool, rest: &[usize]) -> Result<Vec<usize>> {
        if rest.is_empty() || (wider && !self.possible(base)?) {
            return Ok(vec![]);
        }
        if let [only] = rest {
            return Ok(vec![*only]);
        }
        let (early, late) = rest.split_at(rest.len() / 2);
        let second = self.needed(&[base, early].concat(), true, late)?;
        let first = self.needed(&[base, second.as_slice()].concat(), !second.is_empty(), early)?;
        Ok([first, second].concat())
    }
}
