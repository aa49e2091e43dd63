//! Monitors: small automata beside the joint state that remember what it has done.
//!
//! A monitor's level changes on arrival, by the class of the state arrived at; nothing is subtracted, so the weight of a
//! rare "happened" keeps its digits. Every automaton here is idempotent: arriving twice in a class is arriving once.

use multiversion::multiversion;

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

/// Runs shorter than this on average are told point by point.
const SHORT: usize = 24;

/// The class of every point of the joint space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// Runs of equal class: (start, end, class), ascending, without gaps.
    runs: Vec<(usize, usize, u8)>,
    /// The class of each point, where the runs are short; else empty.
    each: Vec<u8>,
    /// How many there are.
    count: u8,
}

impl Classes {
    /// From its runs.
    pub fn new(runs: Vec<(usize, usize, u8)>) -> Self {
        let points = runs.last().map_or(0, |run| run.1);
        let short = points < SHORT * runs.len();
        let each =
            runs.iter().filter(|_| short).flat_map(|&(start, end, class)| (start..end).map(move |_| class)).collect();
        let count = runs.iter().map(|run| run.2 + 1).max().unwrap_or(0);
        Classes { runs, each, count }
    }

    /// Runs of equal class: (start, end, class).
    pub fn runs(&self) -> &[(usize, usize, u8)] {
        &self.runs
    }
}

/// Two of the vectors of `len` numbers that lie one after the other, different ones.
fn two(values: &mut [f64], len: usize, a: usize, b: usize) -> (&mut [f64], &mut [f64]) {
    let (head, tail) = values.split_at_mut(a.max(b) * len);
    let (low, high) = (&mut head[a.min(b) * len..][..len], &mut tail[..len]);
    if a < b { (low, high) } else { (high, low) }
}

/// Moves what lies at the points of a class.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2"))]
fn moved(classes: &[u8], class: u8, from: &mut [f64], to: &mut [f64]) {
    let n = classes.len();
    let (from, to) = (&mut from[..n], &mut to[..n]);
    for x in 0..n {
        let here = from[x];
        let there = classes[x] == class;
        to[x] += if there { here } else { 0.0 };
        from[x] = if there { 0.0 } else { here };
    }
}

/// Takes away what lies at the points of a class, and tells how much it was: eight lanes, so that the bits are those of any
/// SIMD level.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2"))]
fn taken(classes: &[u8], class: u8, from: &mut [f64]) -> f64 {
    let n = classes.len();
    let from = &mut from[..n];
    let mut lanes = [0.0; 8];
    let wide = n - n % 8;
    let mut x = 0;
    while x < wide {
        // All are read before one is written: taken one by one they would cost eight times as much.
        let (mut here, mut of, mut left) = ([0.0; 8], [0; 8], [0.0; 8]);
        here.copy_from_slice(&from[x..x + 8]);
        of.copy_from_slice(&classes[x..x + 8]);
        for lane in 0..8 {
            let taken = if of[lane] == class { here[lane] } else { 0.0 };
            lanes[lane] += taken;
            left[lane] = here[lane] - taken;
        }
        from[x..x + 8].copy_from_slice(&left);
        x += 8;
    }
    let mut sum = 0.0;
    for lane in lanes {
        sum += lane;
    }
    while x < n {
        if classes[x] == class {
            sum += std::mem::take(&mut from[x]);
        }
        x += 1;
    }
    sum
}

/// to += from.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn add(from: &[f64], to: &mut [f64]) {
    let n = to.len();
    let from = &from[..n];
    for x in 0..n {
        to[x] += from[x];
    }
}

/// The sum, eight numbers at a time.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn sum_of(x: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let wide = x.len() - x.len() % 8;
    let mut k = 0;
    while k < wide {
        for lane in 0..8 {
            lanes[lane] += x[k + lane];
        }
        k += 8;
    }
    let mut sum = 0.0;
    for lane in lanes {
        sum += lane;
    }
    while k < x.len() {
        sum += x[k];
        k += 1;
    }
    sum
}

/// Overwrites what lies at the points of a class.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2"))]
fn replaced(classes: &[u8], class: u8, values: &mut [f64], by: &[f64]) {
    let n = classes.len();
    let (values, by) = (&mut values[..n], &by[..n]);
    for x in 0..n {
        let (old, new) = (values[x], by[x]);
        values[x] = if classes[x] == class { new } else { old };
    }
}

/// An open monitor as a flow sees it: its automaton, its classes here, and whether it still listens.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    pub automaton: &'a Automaton,
    pub classes: &'a Classes,
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
            for &(start, end, class) in &self.classes.runs {
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
            for &(start, end, class) in &self.classes.runs {
                let next = self.automaton.next(class as usize, digit);
                if next == GONE {
                    visit(level, GONE, start, end);
                } else if next != digit {
                    visit(level, level + next * self.stride - digit * self.stride, start, end);
                }
            }
        }
    }

    /// Visits the levels that a class changes, point by point: (class, level, next level).
    fn each_class(&self, levels: usize, mut visit: impl FnMut(u8, usize, usize)) {
        let size = self.automaton.levels();
        for level in (0..levels).filter(|_| self.listens) {
            let digit = level / self.stride % size;
            for class in 0..self.classes.count {
                match self.automaton.next(class as usize, digit) {
                    GONE => visit(class, level, GONE),
                    next if next == digit => {}
                    next => visit(class, level, level + next * self.stride - digit * self.stride),
                }
            }
        }
    }

    /// Whether it is told point by point.
    fn spelt(&self) -> bool {
        !self.classes.each.is_empty() && !self.automaton.copying()
    }

    /// Moves weight to the level it belongs to after arrival. `values` holds `levels` vectors of `len` points; of what comes
    /// to a level that is `still` only the total is `gained` (both empty where none is).
    pub fn arrive(&self, values: &mut [f64], len: usize, still: &[bool], gained: &mut [f64]) {
        let levels = values.len() / len;
        let stays = |level: usize| still.get(level).copied().unwrap_or(false);
        if self.spelt() {
            return self.each_class(levels, |class, level, next| {
                let each = &self.classes.each;
                if next == GONE {
                    taken(each, class, &mut values[level * len..]);
                } else if stays(next) {
                    gained[next] += taken(each, class, &mut values[level * len..]);
                } else {
                    let (from, to) = two(values, len, level, next);
                    moved(each, class, from, to);
                }
            });
        }
        self.each_copy(levels, |level, copy, start, end| {
            let (from, to) = two(values, len, level, copy);
            add(&from[start..end], &mut to[start..end]);
        });
        self.each(levels, |level, next, start, end| {
            if next != GONE && stays(next) {
                gained[next] += sum_of(&values[level * len + start..level * len + end]);
            } else if next != GONE {
                let (from, to) = two(values, len, level, next);
                add(&from[start..end], &mut to[start..end]);
            }
            values[level * len + start..level * len + end].fill(0.0);
        });
    }

    /// The adjoint of [`Open::arrive`] on a backward vector.
    pub fn before(&self, values: &mut [f64], len: usize) {
        if self.spelt() {
            let each = &self.classes.each;
            return self.each_class(values.len() / len, |class, level, next| {
                if next == GONE {
                    taken(each, class, &mut values[level * len..]);
                } else {
                    let (level, next) = two(values, len, level, next);
                    replaced(each, class, level, next);
                }
            });
        }
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
            && let Some(&(_, _, class)) = self.classes.runs.iter().find(|run| run.0 <= point && point < run.1)
        {
            result = match self.automaton.next(class as usize, digit) {
                GONE => GONE,
                next => level - digit * self.stride + next * self.stride,
            };
        }
        result
    }
}
