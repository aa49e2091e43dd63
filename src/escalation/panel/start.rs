//! Where the search begins: moves seen over time spent, with covariates at no effect.

use super::compile::Panel;
use super::structure::Column;
use crate::escalation::model::Model;
use crate::escalation::parameter::{Kind, Prior};
use crate::escalation::theta::Values;

/// So many moves are supposed of one that was never seen.
const UNSEEN: f64 = 0.5;
/// By so much the classes of units differ at the first start.
const PART: f64 = 3.0;

impl Panel {
    /// Values at which the search begins: crude rates for flat intensities, the prior modes of all else.
    ///
    /// A row after row seen i then j is taken as one move of each arc on a shortest way from i to j; what is hidden counts
    /// by the rung that its values fit best.
    pub fn crude(&self, model: &Model) -> Vec<f64> {
        let parameters = &model.parameters;
        let mut values = parameters.standing();
        let (n, arcs) = (self.structure.n, &self.structure.arcs);
        // Time by joint rung; what leads from stage to stage tells nothing.
        let mut time = vec![0.0; self.structure.n_rungs];
        let mut moves = vec![0.0; arcs.len()];
        let next = self.next_arcs();
        let entries: Vec<usize> = (0..self.structure.n_rungs).map(|rung| self.structure.entry(rung)).collect();
        for history in (0..self.units.len()).map(|unit| self.rows_of(unit)) {
            let mut last: Option<(f64, usize)> = None;
            for row in history {
                let Some(rung) = row.guess else { continue };
                if let Some((since, from)) = last {
                    time[from] += row.time - since;
                    let (mut here, state) = (entries[from], entries[rung]);
                    while here != state
                        && let Some(arc) = next[here * n + state]
                    {
                        moves[arc] += 1.0;
                        here = arcs[arc].to;
                    }
                }
                last = Some((row.time, rung));
            }
        }
        let total: f64 = time.iter().sum();
        let histories = (0..self.units.len()).map(|unit| self.rows_of(unit));
        let span: f64 = histories.filter_map(|h| Some(h.last()?.time - h.first()?.time)).sum();
        let exits = || arcs.iter().zip(&moves).filter(|(arc, _)| !arc.advance);
        let n_moves: f64 = exits().map(|(_, count)| count).sum();
        // What nothing was seen of: as often as all moves were over all time.
        let level = (n_moves + UNSEEN) / total.max(span).max(f64::MIN_POSITIVE) / n as f64;
        let mut seen = vec![(0.0, 0.0); parameters.positives.len()];
        for (arc, count) in exits() {
            let own = &mut seen[arc.base[0]];
            own.0 += count;
            own.1 += time[self.structure.joint[arc.from]];
        }
        for (p, positive) in parameters.positives.iter().enumerate() {
            if positive.kind == Kind::Intensity && positive.prior == Prior::Flat {
                let (count, time) = seen[p];
                let rate = if time > 0.0 { count.max(UNSEEN) / time } else { level };
                values.positives[p] = rate / self.structure.tick;
            }
        }
        self.part_classes(model, &mut values);
        parameters.theta(&values)
    }

    /// Moves flat factors of drivers off 1, each condition's its own way: where all classes are alike, so is their score.
    fn part_classes(&self, model: &Model, values: &mut Values) {
        let mut parted = vec![false; values.positives.len()];
        let of_drivers = |column: &Column| match column {
            Column::When(when) | Column::Product(_, when) => !when.drivers().is_empty(),
            _ => false,
        };
        let columns: Vec<usize> =
            (0..self.structure.columns.len()).filter(|&c| of_drivers(&self.structure.columns[c])).collect();
        for arc in &self.structure.arcs {
            for &(p, column) in &arc.terms {
                let Some(place) = columns.iter().position(|c| *c == column) else { continue };
                let positive = &model.parameters.positives[p];
                if positive.prior == Prior::Flat && positive.value == 1.0 && !std::mem::replace(&mut parted[p], true) {
                    // A number's ratio is raised to its values.
                    let most = self.designs.iter().fold(0.0, |most: f64, design| most.max(design[column].abs()));
                    let steps = (place / 2 + 1) as f64 / most.max(1.0);
                    values.positives[p] = PART.powf(if place % 2 == 0 { steps } else { -steps });
                }
            }
        }
    }

    /// From how many places the top is looked for: the likelihood has several where something is hidden.
    pub fn usual_starts(&self) -> usize {
        match &self.classes {
            Some(classes) if classes.latent() => 6,
            _ if !self.status_rows.is_empty() => 3,
            _ => 1,
        }
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
