//! Monitors: small automata beside the joint state that remember what it has done.
//!
//! A monitor's level changes on arrival, by the class of the state arrived at; nothing is subtracted, so the weight of a
//! rare "happened" keeps its digits. Every automaton here is idempotent: arriving twice in a class is arriving once.

/// What follows an arrival that cannot have been: the weight is gone.
pub const GONE: usize = usize::MAX;

/// The law of a monitor: `delta[class][level]` is the level after arriving in a state of that class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automaton {
    delta: Vec<Vec<usize>>,
    /// The level that the weight is added to as well, [`GONE`] where there is none; empty where nothing is ever copied.
    copies: Vec<Vec<usize>>,
    /// Levels that hold a path once; what lies above them was copied.
    paths: usize,
}

/// What is counted: a memory of what was seen last, and which arrivals count. `next[class][memory]` is the memory after
/// arriving in a state of that class, and whether that counts; the memory is 0 before anything was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counting {
    next: Vec<Vec<(usize, bool)>>,
}

impl Counting {
    /// Entries of the set of class 1: what is in it from the start has not entered.
    pub fn entries() -> Self {
        Counting { next: vec![vec![(1, false), (1, false)], vec![(0, false), (0, true)]] }
    }

    /// Changes from one class to another, of so many classes: those that `counts(from, to)`.
    pub fn changes(classes: usize, counts: impl Fn(usize, usize) -> bool) -> Self {
        let arrive = |to: usize| {
            let from_some = (0..classes).map(|from| (to + 1, from != to && counts(from, to)));
            [(to + 1, false)].into_iter().chain(from_some).collect()
        };
        Counting { next: (0..classes).map(arrive).collect() }
    }

    /// How many memories there are.
    pub fn memories(&self) -> usize {
        self.next[0].len()
    }

    /// Level k · memories + m: k were counted, the memory is m; the last level: `most` or more.
    pub fn up_to(&self, most: usize) -> Automaton {
        let (m, top) = (self.memories(), most * self.memories());
        let after = |next: &Vec<(usize, bool)>, level: usize| {
            if level == top {
                return top;
            }
            let (memory, counts) = next[level % m];
            let count = level / m + usize::from(counts);
            if count == most { top } else { count * m + memory }
        };
        Automaton::of(self.next.iter().map(|next| (0..=top).map(|level| after(next, level)).collect()).collect())
    }

    /// Level k · memories + m holds the paths of memory m, each as often as k of what it counts can be chosen: binomial
    /// moments, up to the `most`-th. Whoever counts is copied one k up, so that nothing is subtracted, and nothing is cut.
    pub fn chosen(&self, most: usize) -> Automaton {
        let m = self.memories();
        let levels = (most + 1) * m;
        let delta = |next: &Vec<(usize, bool)>| (0..levels).map(|level| level / m * m + next[level % m].0).collect();
        let copy = |next: &Vec<(usize, bool)>, level: usize| match next[level % m] {
            (memory, true) if level / m < most => (level / m + 1) * m + memory,
            _ => GONE,
        };
        Automaton {
            delta: self.next.iter().map(delta).collect(),
            copies: self.next.iter().map(|next| (0..levels).map(|level| copy(next, level)).collect()).collect(),
            paths: m,
        }
    }
}

impl Automaton {
    fn of(delta: Vec<Vec<usize>>) -> Self {
        let paths = delta[0].len();
        Automaton { delta, copies: vec![], paths }
    }

    /// Class 1 is the set; level 1 once it has been occupied.
    pub fn reach() -> Self {
        Automaton::of(vec![vec![0, 1], vec![1, 1]])
    }

    /// Class 1 is a set that was never entered, for sure: what arrives there is gone, and there is nothing to remember.
    pub fn never() -> Self {
        Automaton::of(vec![vec![0], vec![GONE]])
    }

    /// Class 1 is the set; of windows that opened one after the other and are still open, level m says that the first m
    /// have seen it occupied. A visit while `open` of them are open is seen by all of those; there is room for `most`.
    pub fn windows(open: usize, most: usize) -> Self {
        Automaton::of(vec![(0..=most).collect(), (0..=most).map(|level| level.max(open)).collect()])
    }

    /// Class 1 is the set; level 0 in it from the start, 1 outside, 2 newly entered.
    pub fn enters() -> Self {
        Counting::entries().up_to(1)
    }

    /// Class 1 is A alone, class 2 is B (with or without A); level 1 A came first, level 2 it did not.
    pub fn first() -> Self {
        Automaton::of(vec![vec![0, 1, 2], vec![1, 1, 2], vec![2, 1, 2]])
    }

    /// `n + 1` levels that count something and that no arrival changes; used for counts of events.
    pub fn count(n: usize) -> Self {
        Automaton::of(vec![(0..=n).collect()])
    }

    /// Number of levels.
    pub fn levels(&self) -> usize {
        self.delta[0].len()
    }

    /// Most changes of level, one after the other.
    pub fn changes(&self) -> usize {
        let mut longest = vec![0; self.levels()];
        // No automaton here comes back to a level, so as many rounds as there are levels find the longest way.
        for _ in 0..self.levels() {
            for level in 0..self.levels() {
                let next = self.delta.iter().map(|next| next[level]).filter(|&next| next != level && next != GONE);
                longest[level] = next.map(|next| longest[next] + 1).max().unwrap_or(0);
            }
        }
        longest.into_iter().max().unwrap_or(0)
    }

    /// Whether no arrival changes this level.
    pub fn absorbing(&self, level: usize) -> bool {
        self.delta.iter().all(|next| next[level] == level) && self.copies.iter().all(|copy| copy[level] == GONE)
    }

    /// Whether some arrival adds weight to a level beside the one it moves to.
    pub fn copying(&self) -> bool {
        !self.copies.is_empty()
    }

    /// Levels that hold a path once; the weight of a level beyond them was copied.
    pub fn paths(&self) -> usize {
        self.paths
    }

    /// The level after arriving in a state of a class.
    pub fn next(&self, class: usize, level: usize) -> usize {
        self.delta[class][level]
    }
}

/// Maximal runs of equal class over the joint space: (start, end, class).
pub type Runs = Vec<(usize, usize, u8)>;

/// An open monitor as a flow sees it: its automaton, its classes here, and whether it still listens.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    pub automaton: &'a Automaton,
    pub runs: &'a Runs,
    /// Distance between neighbouring levels of this monitor in the level index.
    pub stride: usize,
    /// A monitor past its date only remembers.
    pub listens: bool,
    /// Most moves that it can take to get into a class, and so to change its level, whatever the rest of the state does.
    pub detour: usize,
}

impl Open<'_> {
    /// Visits where an arrival adds weight to another level as well: (level, that level, first point, end). That comes
    /// before [`Open::each`].
    pub(super) fn each_copy(&self, levels: usize, mut visit: impl FnMut(usize, usize, usize, usize)) {
        if !self.listens || !self.automaton.copying() {
            return;
        }
        let size = self.automaton.levels();
        // From the top, so that what was copied is not copied again.
        for level in (0..levels).rev() {
            let digit = level / self.stride % size;
            for &(start, end, class) in self.runs {
                let copy = self.automaton.copies[class as usize][digit];
                if copy != GONE {
                    visit(level, level + copy * self.stride - digit * self.stride, start, end);
                }
            }
        }
    }

    /// Visits where an arrival changes the level: (level, next level, first point, end).
    pub(super) fn each(&self, levels: usize, mut visit: impl FnMut(usize, usize, usize, usize)) {
        if !self.listens {
            return;
        }
        let size = self.automaton.levels();
        for level in 0..levels {
            let digit = level / self.stride % size;
            for &(start, end, class) in self.runs {
                let next = self.automaton.next(class as usize, digit);
                if next == GONE {
                    visit(level, GONE, start, end);
                } else if next != digit {
                    visit(level, level + next * self.stride - digit * self.stride, start, end);
                }
            }
        }
    }

    /// Moves weight to the level it belongs to after arrival. `values` holds `levels` vectors of `len` points.
    pub fn arrive(&self, values: &mut [f64], len: usize) {
        self.each_copy(values.len() / len, |level, copy, start, end| {
            for x in start..end {
                values[copy * len + x] += values[level * len + x];
            }
        });
        self.each(values.len() / len, |level, next, start, end| {
            if next != GONE {
                for x in start..end {
                    values[next * len + x] += values[level * len + x];
                }
            }
            values[level * len + start..level * len + end].fill(0.0);
        });
    }

    /// The adjoint of [`Open::arrive`] on a backward vector.
    pub fn before(&self, values: &mut [f64], len: usize) {
        self.each(values.len() / len, |level, next, start, end| {
            for x in start..end {
                values[level * len + x] = if next == GONE { 0.0 } else { values[next * len + x] };
            }
        });
        self.each_copy(values.len() / len, |level, copy, start, end| {
            for x in start..end {
                values[level * len + x] += values[copy * len + x];
            }
        });
    }

    /// Whether no arrival changes this monitor's part of a level.
    pub fn absorbing(&self, level: usize) -> bool {
        !self.listens || self.automaton.absorbing(level / self.stride % self.automaton.levels())
    }

    /// The level after arriving at a point; [`GONE`] where that cannot have been.
    pub fn level_at(&self, level: usize, point: usize) -> usize {
        let mut result = level;
        let digit = level / self.stride % self.automaton.levels();
        if self.listens
            && let Some(&(_, _, class)) = self.runs.iter().find(|run| run.0 <= point && point < run.1)
        {
            result = match self.automaton.next(class as usize, digit) {
                GONE => GONE,
                next => level - digit * self.stride + next * self.stride,
            };
        }
        result
    }
}
