//! Conditions with names resolved to indices: where the world is, as a truth function of drivers, ladders and time.

use super::model::Model;
use crate::ground::time::Clock;
use std::collections::BTreeSet;

/// A condition over drivers, ladders and time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// True or false whatever the world.
    Always(bool),
    /// The driver is in one of the marked states.
    Driver {
        driver: usize,
        states: Vec<bool>,
    },
    /// The ladder is at one of the marked rungs.
    Ladder {
        ladder: usize,
        rungs: Vec<bool>,
    },
    /// Time (in the order-preserving bits of a day number) lies in [from, to).
    Period {
        from: Instant,
        to: Instant,
    },
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

/// A finite or infinite time in days since the origin that can be compared and hashed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instant(pub f64);

impl Eq for Instant {}

impl std::hash::Hash for Instant {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl PartialOrd for Instant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Instant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Condition {
    /// Whether it holds in a world: the state of each driver, the rung of each ladder, the time in days.
    pub fn holds(&self, driver: impl Fn(usize) -> usize, rung: impl Fn(usize) -> usize, time: f64) -> bool {
        self.truth(&driver, &rung, time)
    }

    pub(super) fn truth(&self, driver: &dyn Fn(usize) -> usize, rung: &dyn Fn(usize) -> usize, time: f64) -> bool {
        let marked = |mask: &[bool], i: usize| mask.get(i).copied().unwrap_or(false);
        match self {
            Condition::Always(truth) => *truth,
            Condition::Driver { driver: d, states } => marked(states, driver(*d)),
            Condition::Ladder { ladder, rungs } => marked(rungs, rung(*ladder)),
            Condition::Period { from, to } => from.0 <= time && time < to.0,
            Condition::All(parts) => parts.iter().all(|c| c.truth(driver, rung, time)),
            Condition::Any(parts) => parts.iter().any(|c| c.truth(driver, rung, time)),
            Condition::Not(inner) => !inner.truth(driver, rung, time),
        }
    }

    /// The ladders that it looks at, sorted.
    pub fn ladders(&self) -> Vec<usize> {
        let mut found = BTreeSet::new();
        self.visit(&mut |c| {
            if let Condition::Ladder { ladder, .. } = c {
                found.insert(*ladder);
            }
        });
        found.into_iter().collect()
    }

    /// The drivers that it looks at, sorted.
    pub fn drivers(&self) -> Vec<usize> {
        let mut found = BTreeSet::new();
        self.visit(&mut |c| {
            if let Condition::Driver { driver, .. } = c {
                found.insert(*driver);
            }
        });
        found.into_iter().collect()
    }

    /// The finite ends of its periods in days, sorted: where its truth may change with nothing moving.
    pub fn boundaries(&self) -> Vec<f64> {
        let mut found = BTreeSet::new();
        self.visit(&mut |c| {
            if let Condition::Period { from, to } = c {
                found.extend([*from, *to].into_iter().filter(|t| t.0.is_finite()));
            }
        });
        found.into_iter().map(|t| t.0).collect()
    }

    fn visit(&self, see: &mut dyn FnMut(&Condition)) {
        see(self);
        match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|c| c.visit(see)),
            Condition::Not(inner) => inner.visit(see),
            _ => {}
        }
    }

    /// The same truth function, a little shorter: constants folded, nested `All` and `Any` flattened, `Not` of a set of
    /// states made its complement.
    pub fn simplify(self) -> Self {
        match self {
            Condition::Driver { ref states, .. } => constant(states).map_or(self, Condition::Always),
            Condition::Ladder { ref rungs, .. } => constant(rungs).map_or(self, Condition::Always),
            Condition::Period { from, to } if from.0 >= to.0 => Condition::Always(false),
            Condition::Period { from, to } if from.0.is_infinite() && to.0.is_infinite() => Condition::Always(true),
            Condition::All(parts) => join(parts, true),
            Condition::Any(parts) => join(parts, false),
            Condition::Not(inner) => negate(inner.simplify()),
            other => other,
        }
    }

    /// In words, with the model's names: "peninsula ≥ provocation and (restraint = weak or since 2025-01-20)".
    pub fn describe(&self, model: &Model) -> String {
        match self {
            Condition::Always(true) => "always".into(),
            Condition::Always(false) => "never".into(),
            Condition::Driver { driver, states } => {
                model.drivers.get(*driver).map_or_else(String::new, |d| one_of(&d.name, &d.states, states, false))
            }
            Condition::Ladder { ladder, rungs } => {
                model.ladders.get(*ladder).map_or_else(String::new, |l| one_of(&l.name, &l.rungs, rungs, l.ordered))
            }
            Condition::Period { from, to } => period(*from, *to, &model.origin),
            Condition::All(parts) => list(parts, " and ", model),
            Condition::Any(parts) => list(parts, " or ", model),
            Condition::Not(inner) => format!("not ({})", inner.describe(model)),
        }
    }
}

/// What a set is if it holds all or nothing.
fn constant(mask: &[bool]) -> Option<bool> {
    let first = mask.first().copied().unwrap_or(false);
    mask.iter().all(|m| *m == first).then_some(first)
}

/// `All` (with `all`) or `Any` of the parts, simplified.
fn join(parts: Vec<Condition>, all: bool) -> Condition {
    let mut kept = Vec::new();
    for part in parts {
        match part.simplify() {
            Condition::Always(truth) if truth == all => {}
            Condition::Always(truth) => return Condition::Always(truth),
            Condition::All(inner) if all => kept.extend(inner),
            Condition::Any(inner) if !all => kept.extend(inner),
            other => kept.push(other),
        }
    }
    match kept.len() {
        0 => Condition::Always(all),
        1 => kept.remove(0),
        _ if all => Condition::All(kept),
        _ => Condition::Any(kept),
    }
}

fn negate(condition: Condition) -> Condition {
    let flip = |mask: Vec<bool>| mask.into_iter().map(|m| !m).collect();
    match condition {
        Condition::Always(truth) => Condition::Always(!truth),
        Condition::Driver { driver, states } => Condition::Driver { driver, states: flip(states) },
        Condition::Ladder { ladder, rungs } => Condition::Ladder { ladder, rungs: flip(rungs) },
        Condition::Not(inner) => *inner,
        other => Condition::Not(Box::new(other)),
    }
}

/// "peninsula = war", "peninsula ≥ limited clash", "us_policy in (continuity, settlement)".
fn one_of(name: &str, states: &[String], mask: &[bool], ordered: bool) -> String {
    let marked: Vec<&str> = states.iter().zip(mask).filter(|(_, m)| **m).map(|(s, _)| s.as_str()).collect();
    let rises = mask.windows(2).all(|pair| pair != [true, false]);
    let falls = mask.windows(2).all(|pair| pair != [false, true]);
    match marked.as_slice() {
        [only] => format!("{name} = {only}"),
        [first, ..] if ordered && rises => format!("{name} ≥ {first}"),
        [.., last] if ordered && falls => format!("{name} ≤ {last}"),
        _ => format!("{name} in ({})", marked.join(", ")),
    }
}

/// "since 2025-01-20", "until 2025-01-19" (its day included), or both.
fn period(from: Instant, to: Instant, origin: &str) -> String {
    let date = |days: f64| Clock::new(origin).map_or_else(|_| format!("day {days}"), |clock| clock.date_of(days));
    let start = from.0.is_finite().then(|| format!("since {}", date(from.0)));
    let end = to.0.is_finite().then(|| {
        if to.0.fract() == 0.0 { format!("until {}", date(to.0 - 1.0)) } else { format!("until {}", date(to.0)) }
    });
    start.into_iter().chain(end).collect::<Vec<_>>().join(" ")
}

fn list(parts: &[Condition], word: &str, model: &Model) -> String {
    let one = |c: &Condition| match c {
        Condition::All(_) | Condition::Any(_) => format!("({})", c.describe(model)),
        _ => c.describe(model),
    };
    parts.iter().map(one).collect::<Vec<_>>().join(word)
}
