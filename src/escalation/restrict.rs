//! A condition seen from inside one sweep: the drivers known, the time known, only ladders left.

use super::condition::Condition;

/// What is taken as known while a condition is restricted.
pub struct Known<'a> {
    /// State of each driver.
    pub drivers: &'a [usize],
    /// Days since the origin.
    pub time: f64,
}

impl Condition {
    /// The condition with drivers and time filled in; only ladders remain, folded where they no longer matter.
    pub fn restrict(&self, known: &Known<'_>) -> Condition {
        match self {
            Condition::Always(value) => Condition::Always(*value),
            Condition::Driver { driver, states } => Condition::Always(states[known.drivers[*driver]]),
            Condition::Ladder { .. } => self.clone(),
            Condition::Period { from, to } => Condition::Always(from.0 <= known.time && known.time < to.0),
            Condition::Not(inner) => match inner.restrict(known) {
                Condition::Always(value) => Condition::Always(!value),
                inner => Condition::Not(Box::new(inner)),
            },
            Condition::All(parts) => fold(parts, known, false),
            Condition::Any(parts) => fold(parts, known, true),
        }
    }

    /// Truth of a restricted condition, given each ladder's rung.
    pub fn at_rungs(&self, rung: &dyn Fn(usize) -> usize) -> bool {
        // Drivers and time were restricted away.
        self.truth(&|_| 0, rung, 0.0)
    }
}

/// `any` = true joins by or, else by and; the joining value `any` decides alone.
fn fold(parts: &[Condition], known: &Known<'_>, any: bool) -> Condition {
    let mut open = vec![];
    for part in parts {
        match part.restrict(known) {
            Condition::Always(value) if value == any => return Condition::Always(any),
            Condition::Always(_) => {}
            part => open.push(part),
        }
    }
    match (open.len(), any) {
        (0, _) => Condition::Always(!any),
        (1, _) => open.swap_remove(0),
        (_, true) => Condition::Any(open),
        (_, false) => Condition::All(open),
    }
}
