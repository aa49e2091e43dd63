//! Where the search begins: moves seen over time spent, with covariates at no effect.

use super::compile::Panel;
use crate::escalation::model::Model;
use crate::escalation::parameter::{Kind, Prior};

/// So many moves are supposed of one that was never seen.
const UNSEEN: f64 = 0.5;

impl Panel {
    /// Values at which the search begins: crude rates for flat intensities, the prior modes of all else.
    ///
    /// A row after row seen i then j is taken as one move of each arc on a shortest way from i to j; what is hidden counts
    /// by the rung that its values fit best.
    pub fn crude(&self, model: &Model) -> Vec<f64> {
        let parameters = &model.parameters;
        let mut values = parameters.standing();
        let (n, arcs) = (self.structure.n, &self.structure.arcs);
        let mut time = vec![0.0; n];
        let mut moves = vec![0.0; arcs.len()];
        let next = self.next_arcs();
        for history in &self.histories {
            let mut last: Option<(f64, usize)> = None;
            for row in history {
                let Some(state) = row.guess else { continue };
                if let Some((since, from)) = last {
                    time[from] += row.time - since;
                    let mut here = from;
                    while here != state
                        && let Some(arc) = next[here * n + state]
                    {
                        moves[arc] += 1.0;
                        here = arcs[arc].to;
                    }
                }
                last = Some((row.time, state));
            }
        }
        let total: f64 = time.iter().sum();
        let span: f64 = self.histories.iter().filter_map(|h| Some(h.last()?.time - h.first()?.time)).sum();
        let n_moves: f64 = moves.iter().sum();
        // What nothing was seen of: as often as all moves were over all time.
        let level = (n_moves + UNSEEN) / total.max(span).max(f64::MIN_POSITIVE) / n as f64;
        let mut seen = vec![(0.0, 0.0); parameters.positives.len()];
        for (arc, count) in arcs.iter().zip(&moves) {
            let own = &mut seen[arc.base[0]];
            own.0 += count;
            own.1 += time[arc.from];
        }
        for (p, positive) in parameters.positives.iter().enumerate() {
            if positive.kind == Kind::Intensity && positive.prior == Prior::Flat {
                let (count, time) = seen[p];
                let rate = if time > 0.0 { count.max(UNSEEN) / time } else { level };
                values.positives[p] = rate / self.structure.tick;
            }
        }
        parameters.theta(&values)
    }

    /// The first arc of a shortest way from each joint rung to each other.
    fn next_arcs(&self) -> Vec<Option<usize>> {
        let (n, arcs) = (self.structure.n, &self.structure.arcs);
        let mut next = vec![None; n * n];
        for to in 0..n {
            // Backward from `to`, breadth first.
            let mut reached = vec![false; n];
            reached[to] = true;
            let mut front = vec![to];
            while !front.is_empty() {
                let mut behind = vec![];
                for (a, arc) in arcs.iter().enumerate() {
                    if front.contains(&arc.to) && !reached[arc.from] {
                        reached[arc.from] = true;
                        next[arc.from * n + to] = Some(a);
                        behind.push(arc.from);
                    }
                }
                front = behind;
            }
        }
        next
    }
}
