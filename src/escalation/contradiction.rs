//! Contradictory evidence: which development made the dossier impossible.

use super::dossier::Dossier;
use super::engine::Prepared;
use super::model::Model;
use super::theta::Values;
use crate::ground::{Control, Error, Result};
use std::sync::Arc;

/// The error that names the development that makes the dossier impossible.
///
/// Developments are added in the order in which they were reported; the first that leaves probability 0 is named,
/// with the smallest set of earlier ones that it contradicts.
pub fn culprit(
    model: &Arc<Model>,
    dossier: &Dossier,
    surgery: &[(usize, usize)],
    values: &Values,
    control: &Control,
) -> Result<Error> {
    let mut order: Vec<usize> = (0..dossier.developments.len()).collect();
    order.sort_by(|&a, &b| dossier.developments[a].reported.total_cmp(&dossier.developments[b].reported));
    let possible = |chosen: &[usize]| -> Result<bool> {
        let mut part = dossier.clone();
        part.developments = chosen.iter().map(|&k| dossier.developments[k].clone()).collect();
        let mut prepared = Prepared::new(model, &part, &[], &[])?;
        prepared.surgery = surgery.to_vec();
        let evaluated = prepared.forward(values.clone(), control)?;
        Ok(evaluated.joined.log_evidence.is_finite())
    };
    let mut last = order.len();
    for count in 1..=order.len() {
        if !possible(&order[..count])? {
            last = count;
            break;
        }
    }
    let Some((&found, earlier)) = order[..last].split_last() else {
        return Ok(Error::Impossible { development: None, message: "the model's own tables leave no world".into() });
    };
    // Drop every earlier development that is not needed for the contradiction.
    let mut needed = earlier.to_vec();
    for candidate in earlier {
        let fewer: Vec<usize> = needed.iter().copied().filter(|k| k != candidate).collect();
        let with: Vec<usize> = fewer.iter().copied().chain([found]).collect();
        if !possible(&with)? {
            needed = fewer;
        }
    }
    let name = |k: usize| format!("'{}'", dossier.developments[k].id);
    let against = match needed.as_slice() {
        [] if surgery.is_empty() => "under the model by itself".to_string(),
        [] => "under what is done".to_string(),
        some => format!("together with {}", some.iter().map(|&k| name(k)).collect::<Vec<_>>().join(", ")),
    };
    Ok(Error::Impossible {
        development: Some(dossier.developments[found].id.clone()),
        message: format!("development {} has probability zero {against}", name(found)),
    })
}
