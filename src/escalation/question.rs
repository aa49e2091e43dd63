//! Questions with names resolved to indices: atoms about one condition and a time, joined by and, or, not.

use super::condition::Condition;
use super::spent::{STAGES, extrapolated};
use crate::markov::{Automaton, Counting};

/// What can happen several times.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// The condition becomes true.
    Entry(Condition),
    /// A ladder of so many rungs makes one of these moves, (from, to).
    Move { ladder: usize, rungs: usize, moves: Vec<(usize, usize)> },
}

/// How a happening is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Up to this number, which stands for more as well.
    UpTo(usize),
    /// By its binomial moments, up to this one: see [`Counting::chosen`].
    Moments(usize),
}

/// One thing asked of the world, over a span [since, by] or at a time, in days since the origin.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// The condition holds at `time`.
    At { when: Condition, time: f64 },
    /// The condition holds at some time in [since, by]; `since` is −∞ where only a dossier will say what now is.
    Reach { when: Condition, since: f64, by: f64 },
    /// It happens in (since, by], as often as the count's last level says.
    Happens { what: Happening, count: Count, since: f64, by: f64 },
    /// The condition holds for `days` or more of (since, by], all in all; told by `stages` marks at the rate of stages/days
    /// while it holds, and by what that comes to as the stages go up: see [`spent`](super::spent).
    Spends { when: Condition, days: f64, stages: usize, since: f64, by: f64 },
    /// `when` holds at some time in [since, by], and `before` at no time of it until then.
    First { when: Condition, before: Condition, since: f64, by: f64 },
}

impl Atom {
    /// From when on the world is watched.
    pub fn start(&self) -> f64 {
        match self {
            Atom::At { time, .. } => *time,
            Atom::Reach { since, .. }
            | Atom::Happens { since, .. }
            | Atom::Spends { since, .. }
            | Atom::First { since, .. } => *since,
        }
    }

    /// When it is decided.
    pub fn end(&self) -> f64 {
        match self {
            Atom::At { time, .. } => *time,
            Atom::Reach { by, .. } | Atom::Happens { by, .. } | Atom::Spends { by, .. } | Atom::First { by, .. } => *by,
        }
    }

    /// Whether it looks at the world before `now`, or at what it is then, before anything is set by hand.
    pub fn is_past(&self, now: f64) -> bool {
        self.start() < now || self.end() <= now
    }

    /// The conditions that it looks at.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Atom::At { when, .. } | Atom::Reach { when, .. } | Atom::Spends { when, .. } => vec![when],
            Atom::Happens { what: Happening::Entry(when), .. } => vec![when],
            Atom::Happens { what: Happening::Move { .. }, .. } => vec![],
            Atom::First { when, before, .. } => vec![when, before],
        }
    }

    /// The ladders that it looks at.
    pub fn ladders(&self) -> Vec<usize> {
        match self {
            Atom::Happens { what: Happening::Move { ladder, .. }, .. } => vec![*ladder],
            _ => self.conditions().into_iter().flat_map(Condition::ladders).collect(),
        }
    }

    /// Its law, and the level that means "yes".
    pub fn automaton(&self) -> (Automaton, usize) {
        match self {
            Atom::At { .. } | Atom::Reach { .. } => (Automaton::reach(), 1),
            Atom::First { .. } => (Automaton::first(), 1),
            Atom::Spends { stages, .. } => (Automaton::count(*stages), *stages),
            Atom::Happens { what, count, .. } => {
                let counting = what.counting();
                let automaton = match *count {
                    Count::UpTo(most) => counting.up_to(most),
                    Count::Moments(most) => counting.chosen(most),
                };
                let last = automaton.levels() - 1;
                (automaton, last)
            }
        }
    }

    /// How many levels its monitor has, without making it.
    pub fn levels(&self) -> f64 {
        match self {
            Atom::At { .. } | Atom::Reach { .. } => 2.0,
            Atom::First { .. } => 3.0,
            Atom::Spends { stages, .. } => *stages as f64 + 1.0,
            Atom::Happens { what, count, .. } => match *count {
                Count::UpTo(most) => what.memories() * most as f64 + 1.0,
                Count::Moments(most) => what.memories() * (most as f64 + 1.0),
            },
        }
    }
}

impl Happening {
    /// What is remembered of the past to count it.
    pub fn counting(&self) -> Counting {
        match self {
            Happening::Entry(_) => Counting::entries(),
            Happening::Move { rungs, moves, .. } => Counting::changes(*rungs, |from, to| moves.contains(&(from, to))),
        }
    }

    /// How many memories that takes.
    pub fn memories(&self) -> f64 {
        match self {
            Happening::Entry(_) => 2.0,
            Happening::Move { rungs, .. } => *rungs as f64 + 1.0,
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

    /// What it comes to, as a sum of weighed answers: itself, or where it asks for times spent, versions of it in stages.
    pub fn staged(&self) -> Vec<(f64, Question)> {
        if !self.atoms.iter().any(|atom| matches!(atom, Atom::Spends { .. })) {
            return vec![(1.0, self.clone())];
        }
        let one = |(weight, number): (f64, usize)| {
            let mut question = self.clone();
            for atom in &mut question.atoms {
                if let Atom::Spends { stages, .. } = atom {
                    *stages = number;
                }
            }
            (weight, question)
        };
        extrapolated(&STAGES).into_iter().zip(STAGES).map(one).collect()
    }

    /// The same with spans that begin in no time made to begin at `now`.
    pub fn as_of(&self, now: f64) -> Question {
        let mut question = self.clone();
        for atom in &mut question.atoms {
            match atom {
                Atom::Reach { since, .. }
                | Atom::Happens { since, .. }
                | Atom::Spends { since, .. }
                | Atom::First { since, .. } => {
                    if *since == f64::NEG_INFINITY {
                        *since = now;
                    }
                }
                Atom::At { .. } => {}
            }
        }
        question
    }

    /// Its atoms that begin before `now`.
    pub fn past(&self, now: f64) -> Vec<Atom> {
        self.atoms.iter().filter(|atom| atom.is_past(now)).cloned().collect()
    }
}
