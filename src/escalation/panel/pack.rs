//! What was built of a table, packed: groups by generator, counts by group, the memory counted.

use super::compile::{Build, Count, Group, Op, Panel, Used};
use crate::ground::{Error, Result, limits};

impl Build<'_> {
    pub(super) fn finish(mut self) -> Result<Panel> {
        let n = self.structure.n;
        // Groups by design, so that one generator's powers serve all its lengths.
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.groups[a], &self.groups[b]);
            a.design.cmp(&b.design).then(a.length.total_cmp(&b.length))
        });
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| place[old] = new);
        let mut groups: Vec<Group> = order.iter().map(|&old| self.groups[old]).collect();
        for op in &mut self.ops {
            if let Op::Law(group) = op {
                groups[place[*group]].chained = Some(0);
            }
        }
        if self.classes.is_some() {
            // What a unit's class is worth weighs every law.
            groups.iter_mut().for_each(|group| group.chained = Some(0));
        }
        let mut chained = 0;
        for group in groups.iter_mut().filter(|group| group.chained.is_some()) {
            group.chained = Some(chained);
            chained += 1;
        }
        for op in &mut self.ops {
            if let Op::Law(group) = op {
                *group = groups[place[*group]].chained.unwrap_or(0);
            }
        }
        let key = |(group, count): &(usize, Count)| (place[*group], count.from, count.to, count.entry);
        if let Some(classes) = &mut self.classes {
            let mut order: Vec<usize> = (0..self.count_list.len()).collect();
            order.sort_by_key(|&old| key(&self.count_list[old]));
            let mut renamed = vec![0; order.len()];
            order.iter().enumerate().for_each(|(new, &old)| renamed[old] = new);
            classes.counts.iter_mut().for_each(|count| *count = renamed[*count]);
        }
        self.count_list.sort_by_key(key);
        let mut starts = vec![0; groups.len() + 1];
        for (group, _) in &self.count_list {
            starts[place[*group] + 1] += 1;
        }
        (0..groups.len()).for_each(|g| starts[g + 1] += starts[g]);
        let longest = self.chains.iter().map(|c| c.ops.len()).max().unwrap_or(0);
        let bytes = 8.0 * ((n * n) as f64 * (3 * chained + self.ops.len()) as f64 + (n * longest) as f64)
            + 64.0 * (groups.len() + self.ops.len() + self.count_list.len()) as f64;
        // A look of its own for each number.
        let readings: usize =
            self.looks.iter().flat_map(|look| &look.readings).map(|r| 64 + 8 * r.covariates.len()).sum();
        let bytes = bytes + readings as f64 + self.looks.len() as f64 * (64 + 9 * n) as f64;
        let limit = limits::memory();
        if bytes > limit {
            let message = format!(
                "the panel's {} steps with something hidden, over {n} joint rungs, would take {bytes:.3e} bytes; \
                 {limit:.3e} are allowed",
                self.ops.len()
            );
            return Err(Error::TooLarge { bytes, limit, message });
        }
        let (designs, arcs) = (self.designs.len(), self.structure.arcs.len());
        let mut stayed = vec![0.0; if self.stayed.is_empty() { 0 } else { designs * n }];
        self.stayed.iter().for_each(|((design, state), time)| stayed[design * n + state] = *time);
        let mut moved = vec![0.0; if self.stayed.is_empty() { 0 } else { designs * arcs }];
        self.moved.iter().for_each(|((design, arc), count)| moved[design * arcs + arc] = *count);
        let intervals = self.used.intervals.max(1) as f64;
        let times = self.columns.time.iter().copied();
        let span = times.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| (a.min(t), b.max(t)));
        let used = Used { groups: groups.len(), designs, chains: self.chains.len(), ..self.used };
        Ok(Panel {
            designs: self.designs,
            groups,
            starts,
            counts: self.count_list.into_iter().map(|(_, count)| count).collect(),
            chained,
            stayed,
            moved,
            chains: self.chains,
            ops: self.ops,
            looks: self.looks,
            status_rows: self.status_rows,
            shown: self.shown,
            sets: self.sets,
            first: self.first,
            units: self.columns.units.clone(),
            used,
            mean: self.sums.iter().map(|sum| sum / intervals).collect(),
            span,
            histories: self.histories,
            classes: self.classes,
            structure: self.structure,
        })
    }
}
