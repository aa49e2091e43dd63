//! Questions with names resolved to indices: atoms about one condition and a time, joined by and, or, not.

use super::condition::Condition;

/// One thing asked of the world after now; times in days since the origin.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// The condition holds at `time`.
    At { when: Condition, time: f64 },
    /// The condition holds at some time in [now, by].
    Reach { when: Condition, by: f64 },
    /// The condition becomes true at some time in (now, by].
    Enters { when: Condition, by: f64 },
    /// `when` holds at some time in [now, by], and `before` at no time until then.
    First { when: Condition, before: Condition, by: f64 },
}

impl Atom {
    /// When it is decided.
    pub fn end(&self) -> f64 {
        match self {
            Atom::At { time, .. } => *time,
            Atom::Reach { by, .. } | Atom::Enters { by, .. } | Atom::First { by, .. } => *by,
        }
    }
}

/// A truth function of atoms.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Index into `Question::atoms`.
    Atom(usize),
    All(Vec<Ask>),
    Any(Vec<Ask>),
    Not(Box<Ask>),
}

/// A named question, perhaps conditional on another.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub name: String,
    pub atoms: Vec<Atom>,
    pub ask: Ask,
    pub given: Option<Ask>,
}

impl Question {
    /// The latest time that it asks about, at least `now`.
    pub fn end(&self, now: f64) -> f64 {
        self.atoms.iter().map(Atom::end).fold(now, f64::max)
    }
}
