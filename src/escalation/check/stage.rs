//! Stages as written: which rungs have them, and how many.

use super::At;
use super::names;
use crate::escalation::model::Move;
use crate::escalation::phase::Phases;
use crate::escalation::spec::{FirstStageSpec, LadderSpec};
use crate::ground::Result;

/// Most stages of a rung: the dwell of a hundred varies by a tenth of its mean.
const MOST_STAGES: i64 = 1000;

/// The stages of a ladder's rungs.
pub(super) fn phases(at: &At, spec: &LadderSpec) -> Result<Phases> {
    let mut stages = vec![1; spec.rungs.len()];
    for (rung, &count) in &spec.stages {
        let at = at.key("stages").key(rung);
        let place = names::find(&at, &format!("rung of '{}'", spec.name), rung, &spec.rungs)?;
        at.need((1..=MOST_STAGES).contains(&count), || {
            format!("'{rung}' has {count} stages; expected 1 to {MOST_STAGES}")
        })?;
        stages[place] = count as usize;
    }
    Ok(Phases::new(&stages, spec.first_stage == FirstStageSpec::Uniform))
}

/// Refuses stages of a rung that no move leaves.
pub(super) fn left(at: &At, spec: &LadderSpec, moves: &[Move]) -> Result<()> {
    let stays = |rung: &String| {
        let place = spec.rungs.iter().position(|own| own == rung);
        !moves.iter().any(|way| Some(way.from) == place)
    };
    let staged = |(rung, count): &(&String, &i64)| **count > 1 && stays(rung);
    match spec.stages.iter().find(staged) {
        Some((rung, count)) => Err(at.key("stages").key(rung).wrong(format!(
            "'{rung}' has {count} stages, and no move leaves it; expected stages of rungs that are left again"
        ))),
        None => Ok(()),
    }
}
