//! A component's plan: its evidence or questions as operators in order of time, with the stretches between.

use super::law::Cell;
use super::part::Part;
use super::theta::Values;
use crate::markov::monitor::Classes;
use crate::markov::{self, Automaton, Field};
use std::sync::Arc;

/// A monitor of a plan: its law, and its classes in each (config, piece).
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    /// Its law, by how many of its windows are open beyond the first.
    pub laws: Vec<Automaton>,
    /// The level that means "it happened".
    pub success: usize,
    /// Most moves that it takes to get anywhere on the axes that it looks at.
    pub detour: usize,
    /// Equal classes are kept once.
    pub(super) classes: Vec<Arc<Classes>>,
}

/// An event intensity under observation, and the monitor that counts it.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Labels in each (config, piece).
    pub(super) labels: Vec<Field<u32>>,
    pub counter: Option<Counted>,
}

/// A count of events: how many, over how many days, and the monitor that counts them.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    pub monitor: usize,
    pub events: usize,
    pub length: f64,
    /// Whether they are marks of our own, the last level standing for more as well.
    pub marks: bool,
}

/// A factor on the joint weights at one instant.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// Known weights, in each config.
    Weights(Vec<Field<f64>>),
    /// A likelihood over a status indicator's values: the row (of `Parameters::rows`) at each point, in each config.
    Status { rows: Vec<Field<usize>>, weights: Vec<f64> },
    /// A status indicator's number: its law at each point, in each config; `None` where it is never shown.
    Number { cells: Vec<Field<Option<Cell>>>, value: f64 },
    /// One event: multiply by its intensity.
    Event { labels: Vec<Field<u32>> },
}

impl Point {
    /// The table rows that it looks at.
    pub(super) fn rows(&self) -> Vec<usize> {
        match self {
            Point::Status { rows, .. } => rows.iter().flat_map(|field| field.table().to_vec()).collect(),
            Point::Number { .. } => self.cells().filter_map(|cell| cell.zero).collect(),
            Point::Weights(_) | Point::Event { .. } => vec![],
        }
    }

    /// The laws of a number.
    fn cells(&self) -> impl Iterator<Item = &Cell> {
        let cells = if let Point::Number { cells, .. } = self { cells.as_slice() } else { &[] };
        cells.iter().flat_map(|field| field.table().iter().flatten())
    }

    /// The positives that a number's laws look at.
    pub(super) fn positives(&self) -> Vec<usize> {
        self.cells().flat_map(Cell::positives).collect()
    }

    /// The reals that a number's laws look at.
    pub(super) fn reals(&self) -> Vec<usize> {
        self.cells().filter_map(Cell::real).collect()
    }
}

/// A timed move, by config; `None` where it cannot happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Jump {
    pub arcs: Vec<Option<markov::Arc>>,
    pub hit: f64,
    pub false_rate: f64,
}

/// A monitor that is open during a step, and whether it still listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub monitor: usize,
    /// Which of its laws holds.
    pub law: usize,
    pub listens: bool,
}

/// What each level of a monitor weighs, in each configuration or one for all.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels(Vec<Vec<f64>>);

impl Levels {
    /// `n` lists of weights, one for each configuration or one for all.
    pub fn each(n: usize, of: impl FnMut(usize) -> Vec<f64>) -> Self {
        Levels((0..n).map(of).collect())
    }

    /// The weights in a configuration.
    pub fn at(&self, config: usize) -> &[f64] {
        &self.0[if self.0.len() == 1 { 0 } else { config }]
    }

    /// Both, one after the other.
    pub fn times(&self, other: &Levels) -> Levels {
        let both = |config| self.at(config).iter().zip(other.at(config)).map(|(a, b)| a * b).collect();
        Levels::each(self.0.len().max(other.0.len()), both)
    }
}

/// One operator. Every step that carries monitors says which are open, in the order of their levels, fastest first.
#[derive(Debug, Clone)]
pub enum Step {
    /// Time passes (days). Once `settled`, nothing ahead looks at where the ladders are, only at monitors that listen.
    Flow {
        length: f64,
        piece: usize,
        watched: Vec<usize>,
        open: Vec<Slot>,
        settled: bool,
        /// How far into it (days, ascending) the laws of the ladders are wanted.
        reads: Vec<f64>,
    },
    /// The calendar turned: listening monitors see the world anew.
    Arrive {
        piece: usize,
        open: Vec<Slot>,
    },
    /// A ladder is set to a rung by hand: to its first phase.
    Set {
        axis: usize,
        phase: usize,
    },
    Jump {
        jump: usize,
        piece: usize,
        open: Vec<Slot>,
    },
    /// A monitor opens; it becomes the slowest level.
    Open {
        monitor: usize,
        piece: usize,
    },
    /// One of a monitor's windows closes with a weight for each level; level k then becomes `next[k]`.
    Weigh {
        position: usize,
        weights: Levels,
        next: Vec<usize>,
        open: Vec<Slot>,
    },
    /// A monitor closes with a weight for each level; `position` among the open ones.
    Close {
        position: usize,
        weights: Levels,
        open: Vec<Slot>,
    },
    Point {
        point: usize,
    },
    /// The marginals are wanted here.
    Mark,
    /// The laws of the ladders are wanted here.
    Read,
}

/// What is read on the way, at times (ascending, days since the origin).
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Reading {
    #[default]
    None,
    /// The laws of the ladders.
    Ladders(Vec<f64>),
    /// How much weight each level of the open monitors has.
    Levels(Vec<f64>),
    /// The same, and its integrals from the start to the end.
    Integrals(Vec<f64>),
}

impl Reading {
    /// When.
    pub fn times(&self) -> &[f64] {
        match self {
            Reading::None => &[],
            Reading::Ladders(times) | Reading::Levels(times) | Reading::Integrals(times) => times,
        }
    }
}

/// A component's timeline from `start` to `end`.
#[derive(Debug, Clone)]
pub struct Plan {
    pub part: Arc<Part>,
    pub monitors: Vec<Monitor>,
    pub watched: Vec<Watched>,
    pub points: Vec<Point>,
    pub jumps: Vec<Jump>,
    pub steps: Vec<Step>,
    /// Largest product of open monitors' levels.
    pub flags: usize,
    /// Monitors still open at the end, fastest level first.
    pub open: Vec<usize>,
    /// Levels of the monitors that are open from the start, together.
    pub resumed: usize,
    /// What is read on the way.
    pub reading: Reading,
    /// The positives, the rows and the reals that it uses.
    pub(super) uses: (Vec<usize>, Vec<usize>, Vec<usize>),
}

impl Monitor {
    /// Number of levels.
    pub fn levels(&self) -> usize {
        self.laws[0].levels()
    }
}

impl Plan {
    /// Whether a level of the monitors open at the end holds paths once: not what was copied to be counted.
    pub fn holds_paths(&self, mut level: usize) -> bool {
        self.open.iter().all(|&monitor| {
            let own = &self.monitors[monitor].laws[0];
            let digit = level % own.levels();
            level /= own.levels();
            digit < own.paths()
        })
    }

    /// The share of a vector's weight at the end that was not copied to be counted.
    pub fn share(&self, end: &[f64]) -> f64 {
        if !self.open.iter().any(|&monitor| self.monitors[monitor].laws[0].copying()) {
            return 1.0;
        }
        let levels = end.chunks_exact(self.part.space.len()).enumerate();
        let paths: f64 = levels.filter(|(level, _)| self.holds_paths(*level)).map(|(_, x)| x.iter().sum::<f64>()).sum();
        paths / end.iter().sum::<f64>()
    }
}

impl Plan {
    /// The positives, the rows and the reals that it uses, ascending.
    pub fn uses(&self) -> &(Vec<usize>, Vec<usize>, Vec<usize>) {
        &self.uses
    }

    /// Adds rows that it uses beside its points'.
    pub(super) fn use_rows(&mut self, rows: impl Iterator<Item = usize>) {
        self.uses.1.extend(rows);
        self.uses.1.sort_unstable();
        self.uses.1.dedup();
    }

    /// Whether a change of values from `a` to `b` changes anything here.
    pub fn concerned(&self, a: &Values, b: &Values) -> bool {
        let (positives, rows, reals) = &self.uses;
        positives.iter().any(|&p| a.positives[p] != b.positives[p])
            || rows.iter().any(|&r| a.rows[r] != b.rows[r])
            || reals.iter().any(|&r| a.reals[r] != b.reals[r])
    }

    /// How many steps, from the start, do the same as those of another plan of the same model.
    pub fn same_until(&self, other: &Plan) -> usize {
        if !self.part.is_like(&other.part) {
            return 0;
        }
        let pairs = self.steps.iter().zip(&other.steps);
        pairs.take_while(|(own, its)| self.same_step(own, other, its)).count()
    }

    fn same_step(&self, own: &Step, other: &Plan, its: &Step) -> bool {
        let monitor = |a: usize, b: usize| self.monitors[a] == other.monitors[b];
        let open = |a: &[Slot], b: &[Slot]| {
            let same =
                |(a, b): (&Slot, &Slot)| monitor(a.monitor, b.monitor) && (a.law, a.listens) == (b.law, b.listens);
            a.len() == b.len() && a.iter().zip(b).all(same)
        };
        let watched = |a: &[usize], b: &[usize]| {
            let same = |(&a, &b): (&usize, &usize)| {
                let (a, b) = (&self.watched[a], &other.watched[b]);
                let counted = match (a.counter, b.counter) {
                    (Some(a), Some(b)) => monitor(a.monitor, b.monitor) && (a.events, a.length) == (b.events, b.length),
                    (None, None) => true,
                    _ => false,
                };
                counted && a.labels == b.labels
            };
            a.len() == b.len() && a.iter().zip(b).all(same)
        };
        match (own, its) {
            (
                Step::Flow { length, piece, watched: w, open: o, settled, reads },
                Step::Flow { length: l, piece: p, watched: v, open: q, settled: s, reads: r },
            ) => (length, piece, settled, reads) == (l, p, s, r) && watched(w, v) && open(o, q),
            (Step::Arrive { piece, open: o }, Step::Arrive { piece: p, open: q }) => piece == p && open(o, q),
            (Step::Set { axis, phase }, Step::Set { axis: a, phase: p }) => (axis, phase) == (a, p),
            (Step::Jump { jump, piece, open: o }, Step::Jump { jump: j, piece: p, open: q }) => {
                self.jumps[*jump] == other.jumps[*j] && piece == p && open(o, q)
            }
            (Step::Open { monitor: m, piece }, Step::Open { monitor: n, piece: p }) => monitor(*m, *n) && piece == p,
            (
                Step::Weigh { position, weights, next, open: o },
                Step::Weigh { position: p, weights: w, next: n, open: q },
            ) => (position, weights, next) == (p, w, n) && open(o, q),
            (Step::Close { position, weights, open: o }, Step::Close { position: p, weights: w, open: q }) => {
                // What a count was carried times is told at its close.
                let all = |plan: &Plan| (0..plan.watched.len()).collect::<Vec<usize>>();
                let counts = self.watched.iter().chain(&other.watched).any(|watched| watched.counter.is_some());
                (position, weights) == (p, w) && open(o, q) && (!counts || watched(&all(self), &all(other)))
            }
            (Step::Point { point }, Step::Point { point: p }) => self.points[*point] == other.points[*p],
            (Step::Mark, Step::Mark) | (Step::Read, Step::Read) => true,
            _ => false,
        }
    }

    fn cell(&self, config: usize, piece: usize) -> usize {
        config * (self.part.calendar.pieces()) + piece
    }

    /// Classes of a monitor in a configuration and piece.
    pub fn classes(&self, monitor: usize, config: usize, piece: usize) -> &Classes {
        &self.monitors[monitor].classes[self.cell(config, piece)]
    }

    /// Labels of a watched intensity in a configuration and piece.
    pub fn watched_labels(&self, watched: usize, config: usize, piece: usize) -> &Field<u32> {
        &self.watched[watched].labels[self.cell(config, piece)]
    }
}
