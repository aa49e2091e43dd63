//! The tick propagator: laws carried through sequences of steps, a transition table a step, outcomes weighed on the way.
//!
//! A sequence has a law of its first state, outcome rows b_t (likelihoods by state, each divided by its largest, the
//! logarithm kept) and, between t − 1 and t, one of several tables A. Forward a_t = (a_{t−1} A) b_t, backward
//! β_{t−1} = A (b_t β_t) (Rabiner 1989, equations 20 and 25). States lie in SIMD lanes, padded with zeros; four sequences
//! run in step, so that one's latency hides behind the others. Scaling is deferred: every eight steps a vector is
//! multiplied by the power of two that brings its largest entry near 1, which is exact. A sequence whose numbers came
//! near the end of the range is told by `None`, and is for [`super::tick_log`].

// Loops over lanes index and copy by hand: what is called is not inlined into functions of another SIMD level.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use crate::ground::{Control, Result};
use multiversion::multiversion;
use std::ops::Range;

/// Sequences that run in step.
pub const GROUP: usize = 4;
/// Steps between two looks at the scale.
const DEFERRED: usize = 8;
/// Multiplications between two looks at the control, a few milliseconds.
const PART: usize = 1 << 24;
/// A vector whose largest entry fell under 2 to this between two looks may have lost others.
const LOST: i64 = -500;
/// Beyond 2 to this, forward and backward hardly meet.
const APART: i64 = 900;

/// Numbers in a padded row: lanes of 2 or 4 states, beyond that multiples of 8.
pub fn width(states: usize) -> usize {
    match states {
        0..=2 => 2,
        3..=4 => 4,
        _ => states.next_multiple_of(8),
    }
}

/// Pads rows of `states` numbers to rows of [`width`], with zeros.
pub fn padded(rows: &[f64], states: usize) -> Vec<f64> {
    let width = width(states);
    let mut out = vec![0.0; rows.len() / states.max(1) * width];
    for (to, from) in out.chunks_exact_mut(width).zip(rows.chunks_exact(states.max(1))) {
        to[..states].copy_from_slice(from);
    }
    out
}

/// Transition tables by number, rows "from", and their transposes; padded.
#[derive(Debug, Clone)]
pub struct Tables {
    states: usize,
    width: usize,
    count: usize,
    rows: Vec<f64>,
    columns: Vec<f64>,
}

impl Tables {
    /// Tables of `states` by `states` numbers, one after the other.
    pub fn new(states: usize, tables: &[f64]) -> Self {
        let (width, size) = (width(states), states * states);
        let count = tables.len() / size.max(1);
        let mut rows = vec![0.0; count * width * width];
        let mut columns = rows.clone();
        for (number, table) in tables.chunks_exact(size.max(1)).enumerate() {
            let base = number * width * width;
            for i in 0..states {
                for j in 0..states {
                    rows[base + i * width + j] = table[i * states + j];
                    columns[base + j * width + i] = table[i * states + j];
                }
            }
        }
        Tables { states, width, count, rows, columns }
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Numbers in a padded row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of tables.
    pub fn count(&self) -> usize {
        self.count
    }

    /// P(i → j) by a table.
    pub fn entry(&self, table: usize, i: usize, j: usize) -> f64 {
        self.rows[(table * self.width + i) * self.width + j]
    }
}

/// One sequence as the sweeps look at it.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// The law of the first state, padded.
    pub first: &'a [f64],
    /// Number of the table between t − 1 and t, by t − 1; table 0 throughout where there is none.
    pub tables: Option<&'a [u32]>,
    /// Outcome rows, padded, and the logarithm that was taken out of each.
    pub rows: &'a [f64],
    pub logs: &'a [f64],
    /// The row of each step; the t-th where there is none.
    pub symbols: Option<&'a [u32]>,
    /// Number of steps.
    pub len: usize,
    /// How many times what it says is counted.
    pub weight: f64,
}

impl Steps<'_> {
    #[inline(always)]
    pub(super) fn index(&self, t: usize) -> usize {
        match self.symbols {
            Some(symbols) => symbols[t] as usize,
            None => t,
        }
    }

    #[inline(always)]
    fn row(&self, t: usize, width: usize) -> &[f64] {
        &self.rows[self.index(t) * width..][..width]
    }

    #[inline(always)]
    pub(super) fn table(&self, t: usize) -> usize {
        self.tables.map_or(0, |tables| tables[t - 1] as usize)
    }
}

/// What a forward sweep leaves of one sequence.
#[derive(Debug, Clone, Default)]
pub struct Forward {
    /// Scaled forward vectors, one padded row a step where they are kept, else two rows in turn.
    pub rows: Vec<f64>,
    /// Powers of two taken out at each look.
    exponents: Vec<i64>,
    /// Their sum.
    exponent: i64,
    /// Sum of the last vector.
    sum: f64,
    /// ln P(outcomes), or `None` where numbers left their range.
    pub log: Option<f64>,
}

/// Expected counts, padded: moves by table, the first state, and what was seen.
#[derive(Debug, Clone)]
pub struct Counts {
    /// `[table][i][j]`, still to be multiplied by the entries of the tables: see [`Counts::moves`].
    moves: Vec<f64>,
    /// Expected number of sequences that start in each state.
    pub first: Vec<f64>,
}

impl Counts {
    /// Nothing counted yet.
    pub fn new(tables: &Tables) -> Self {
        Counts { moves: vec![0.0; tables.rows.len()], first: vec![0.0; tables.width] }
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: &Counts) {
        sum_into(&mut self.moves, &other.moves);
        sum_into(&mut self.first, &other.first);
    }

    /// Adds expected moves of one table that were counted elsewhere.
    pub(super) fn add_move(&mut self, tables: &Tables, table: usize, i: usize, j: usize, expected: f64) {
        let entry = tables.entry(table, i, j);
        if entry > 0.0 {
            self.moves[(table * tables.width + i) * tables.width + j] += expected / entry;
        }
    }

    /// Expected moves i → j by table, `[table][i][j]`, without padding.
    pub fn moves(&self, tables: &Tables) -> Vec<f64> {
        let (k, w) = (tables.states, tables.width);
        let at = |table: usize, i: usize, j: usize| (table * w + i) * w + j;
        (0..tables.count * k * k)
            .map(|n| at(n / (k * k), n / k % k, n % k))
            .map(|n| self.moves[n] * tables.rows[n])
            .collect()
    }
}

/// Adds numbers to numbers.
pub fn sum_into(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

/// Picks the kernel by width: lanes of `B` states, `W` states in all (0: as many as there are).
macro_rules! widths {
    ($tables:expr, $kernel:ident::<$g:tt>($($argument:expr),* $(,)?)) => {
        match ($tables.width, $tables.count > 1) {
            (2, false) => $kernel::<2, 2, { $g }, false>($($argument),*),
            (4, false) => $kernel::<4, 4, { $g }, false>($($argument),*),
            (8, false) => $kernel::<8, 8, { $g }, false>($($argument),*),
            (16, false) => $kernel::<16, 8, { $g }, false>($($argument),*),
            (2, true) => $kernel::<2, 2, { $g }, true>($($argument),*),
            (4, true) => $kernel::<4, 4, { $g }, true>($($argument),*),
            (8, true) => $kernel::<8, 8, { $g }, true>($($argument),*),
            (16, true) => $kernel::<16, 8, { $g }, true>($($argument),*),
            (_, false) => $kernel::<0, 8, { $g }, false>($($argument),*),
            (_, true) => $kernel::<0, 8, { $g }, true>($($argument),*),
        }
    };
}
/// Runs the sequences forward, four in step; where `keep`, all vectors stay.
///
/// # Errors
/// `Interrupted`.
///
/// # Complexity
/// O(steps · width²).
pub fn forward(
    tables: &Tables,
    sequences: &[Steps<'_>],
    keep: bool,
    out: &mut [Forward],
    control: &Control,
) -> Result<()> {
    for (sequences, out) in sequences.chunks(GROUP).zip(out.chunks_mut(GROUP)) {
        for (s, f) in sequences.iter().zip(out.iter_mut()) {
            let rows = if keep { s.len } else { s.len.min(2) };
            f.rows.resize(rows * tables.width, 0.0);
            f.exponents.clear();
            (f.exponent, f.sum, f.log) = (0, 0.0, None);
        }
        let least = sequences.iter().map(|s| s.len).min().unwrap_or(0);
        let mut from = 0;
        if let (Some(four), Some(into)) = (sequences.first_chunk::<GROUP>(), out.first_chunk_mut::<GROUP>()) {
            for part in parts(tables, 0, least) {
                control.check()?;
                widths!(tables, advance::<GROUP>(tables, four, part.start, part.end, keep, into));
            }
            from = least;
        }
        for (s, f) in sequences.iter().zip(out.iter_mut()) {
            for part in parts(tables, from, s.len) {
                control.check()?;
                let (s, f) = (std::array::from_ref(s), std::array::from_mut(f));
                widths!(tables, advance::<1>(tables, s, part.start, part.end, keep, f));
            }
            f.finish(s, tables, keep);
        }
    }
    Ok(())
}

/// The steps `from..to` in parts short enough to look at the control between them.
fn parts(tables: &Tables, from: usize, to: usize) -> impl DoubleEndedIterator<Item = Range<usize>> {
    let length = (PART / (tables.width * tables.width)).max(1);
    (0..to.saturating_sub(from).div_ceil(length)).map(move |n| from + n * length..(from + (n + 1) * length).min(to))
}

impl Forward {
    fn finish(&mut self, s: &Steps<'_>, tables: &Tables, keep: bool) {
        if s.len == 0 {
            (self.sum, self.log) = (1.0, Some(0.0));
            return;
        }
        let at = if keep { s.len - 1 } else { (s.len - 1) & 1 };
        self.sum = lanes_sum(&self.rows[at * tables.width..][..tables.width]);
        self.exponent = self.exponents.iter().sum();
        let fell = self.exponents.iter().any(|&e| e < LOST) || self.sum < pow2(LOST);
        let taken: f64 = match s.symbols {
            Some(symbols) => symbols[..s.len].iter().map(|&symbol| s.logs[symbol as usize]).sum(),
            None => s.logs[..s.len].iter().sum(),
        };
        let log = self.sum.ln() + self.exponent as f64 * std::f64::consts::LN_2 + taken;
        self.log = (!fell && log.is_finite()).then_some(log);
    }
}

/// Runs the sequences backward after [`forward`] with `keep`; adds to the counts, and turns the forward vectors into
/// P(state at t | outcomes) times the sequence's weight, one padded row a step. `seen` takes the sums of these by symbol,
/// where there are symbols.
///
/// Sequences without a logarithm are passed over. Where the two directions of a sequence hardly meet, its `log` becomes
/// `None` and the answer is false: the counts hold some of it and are to be thrown away, and made without it.
///
/// # Errors
/// `Interrupted`.
///
/// # Complexity
/// O(steps · width²).
pub fn backward(
    tables: &Tables,
    sequences: &[Steps<'_>],
    forward: &mut [Forward],
    counts: &mut Counts,
    mut seen: Option<&mut [f64]>,
    control: &Control,
) -> Result<bool> {
    let w = tables.width;
    let mut sound = true;
    let mut scratch = vec![0.0; GROUP * 2 * w];
    for (sequences, forward) in sequences.chunks(GROUP).zip(forward.chunks_mut(GROUP)) {
        let mut run = [Run::default(); GROUP];
        for (run, (s, f)) in run.iter_mut().zip(sequences.iter().zip(forward.iter())) {
            *run = Run { ahead: f.exponent, behind: 0, inverse: s.weight / f.sum, apart: false };
        }
        let whole = forward.iter().all(|f| f.log.is_some()) && sequences.len() == GROUP;
        let least = if whole { sequences.iter().map(|s| s.len).min().unwrap_or(0) } else { 0 };
        scratch.fill(1.0);
        for (g, (s, f)) in sequences.iter().zip(forward.iter_mut()).enumerate() {
            if f.log.is_none() {
                continue;
            }
            for part in parts(tables, least, s.len).rev() {
                control.check()?;
                let own = &mut scratch[g * 2 * w..][..2 * w];
                let run = std::array::from_mut(&mut run[g]);
                let (s, f) = (std::array::from_ref(s), std::array::from_mut(f));
                let seen = seen.as_deref_mut();
                widths!(tables, retreat::<1>(tables, s, f, part.end, part.start, run, own, counts, seen));
            }
        }
        if let (Some(four), Some(f)) = (sequences.first_chunk::<GROUP>(), forward.first_chunk_mut::<GROUP>()) {
            for part in parts(tables, 0, least).rev() {
                control.check()?;
                let seen = seen.as_deref_mut();
                widths!(
                    tables,
                    retreat::<GROUP>(tables, four, f, part.end, part.start, &mut run, &mut scratch, counts, seen)
                );
            }
        }
        for ((s, f), run) in sequences.iter().zip(forward.iter_mut()).zip(&run) {
            if run.apart && f.log.is_some() {
                f.log = None;
                sound = false;
            }
            if f.log.is_some() && s.len > 0 {
                sum_into(&mut counts.first, &f.rows[..w]);
            }
        }
    }
    Ok(sound)
}

/// Where a backward sweep of one sequence is.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// The power of two in the forward vector at hand.
    ahead: i64,
    /// That in the backward vector.
    behind: i64,
    /// The sequence's weight over the last forward vector's sum.
    inverse: f64,
    apart: bool,
}

impl Run {
    /// What makes a product of forward and backward entries a probability, times the weight.
    #[inline(always)]
    fn factor(&mut self, total: i64) -> f64 {
        let exponent = self.ahead + self.behind - total;
        self.apart |= exponent.abs() > APART;
        pow2(exponent) * self.inverse
    }
}

#[inline(always)]
fn load<const B: usize>(x: &[f64], at: usize) -> [f64; B] {
    let x = &x[at..at + B];
    let mut lane = [0.0; B];
    for k in 0..B {
        lane[k] = x[k];
    }
    lane
}

#[inline(always)]
fn store<const B: usize>(lane: &[f64; B], x: &mut [f64], at: usize) {
    let x = &mut x[at..at + B];
    for k in 0..B {
        x[k] = lane[k];
    }
}

/// Four rows of a block of a matrix, or two where there are no more.
#[inline(always)]
fn quad<const W: usize, const B: usize>(m: &[f64], w: usize, i: usize, block: usize) -> [[f64; B]; 4] {
    let (a, b) = (load(m, i * w + block), load(m, (i + 1) * w + block));
    if W == 2 {
        return [a, b, [0.0; B], [0.0; B]];
    }
    [a, b, load(m, (i + 2) * w + block), load(m, (i + 3) * w + block)]
}

/// A block of v M for each of several vectors, M by rows, sums in a fixed tree of four.
#[inline(always)]
fn product<const W: usize, const B: usize, const G: usize, const MANY: bool>(
    w: usize,
    matrix: [&[f64]; G],
    vector: [&[f64]; G],
    block: usize,
) -> [[f64; B]; G] {
    let mut sum = [[0.0; B]; G];
    let mut i = 0;
    while i < w {
        let mut m = quad::<W, B>(matrix[0], w, i, block);
        for g in 0..G {
            if MANY {
                m = quad::<W, B>(matrix[g], w, i, block);
            }
            let v = &vector[g][..w];
            if W == 2 {
                for lane in 0..B {
                    sum[g][lane] = v[0] * m[0][lane] + v[1] * m[1][lane];
                }
            } else {
                let v = &v[i..i + 4];
                for lane in 0..B {
                    sum[g][lane] += (v[0] * m[0][lane] + v[1] * m[1][lane]) + (v[2] * m[2][lane] + v[3] * m[3][lane]);
                }
            }
        }
        i += 4;
    }
    sum
}

/// Forward over the steps `from..to`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn advance<const W: usize, const B: usize, const G: usize, const MANY: bool>(
    tables: &Tables,
    sequences: &[Steps<'_>; G],
    from: usize,
    to: usize,
    keep: bool,
    out: &mut [Forward; G],
) {
    let w = if W == 0 { tables.width } else { W };
    let mut t = from;
    while t < to {
        let (now, ago) = match keep {
            true => (t * w, t.wrapping_sub(1).wrapping_mul(w)),
            false => ((t & 1) * w, (!t & 1) * w),
        };
        if t == 0 {
            for g in 0..G {
                let row = sequences[g].row(0, w);
                for k in 0..w {
                    out[g].rows[k] = sequences[g].first[k] * row[k];
                }
            }
        } else {
            let mut matrix = [&tables.rows[..]; G];
            if MANY {
                for g in 0..G {
                    matrix[g] = &tables.rows[sequences[g].table(t) * w * w..][..w * w];
                }
            }
            let mut block = 0;
            while block < w {
                let mut vector: [&[f64]; G] = [&[]; G];
                for g in 0..G {
                    vector[g] = &out[g].rows[ago..][..w];
                }
                let sum = product::<W, B, G, MANY>(w, matrix, vector, block);
                for g in 0..G {
                    let row: [f64; B] = load(sequences[g].row(t, w), block);
                    let mut weighed = [0.0; B];
                    for lane in 0..B {
                        weighed[lane] = sum[g][lane] * row[lane];
                    }
                    store(&weighed, &mut out[g].rows, now + block);
                }
                block += B;
            }
        }
        if t % DEFERRED == DEFERRED - 1 {
            for g in 0..G {
                let exponent = rescale(&mut out[g].rows[now..][..w]);
                out[g].exponents.push(exponent);
            }
        }
        t += 1;
    }
}

/// Backward over the steps `from` − 1 down to `to`: probabilities at these, moves into these; the backward vector at `to`
/// − 1, where there is one, is left in the first half of each scratch.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
#[allow(clippy::too_many_arguments)]
fn retreat<const W: usize, const B: usize, const G: usize, const MANY: bool>(
    tables: &Tables,
    sequences: &[Steps<'_>; G],
    forward: &mut [Forward; G],
    from: usize,
    to: usize,
    run: &mut [Run; G],
    scratch: &mut [f64],
    counts: &mut Counts,
    mut seen: Option<&mut [f64]>,
) {
    let w = if W == 0 { tables.width } else { W };
    let mut factor = [0.0; G];
    for g in 0..G {
        factor[g] = run[g].factor(forward[g].exponent);
    }
    let mut t = from;
    while t > to {
        t -= 1;
        // P(state at t | outcomes), in place of the forward vector; b_t β_t, and the same as a share of the whole.
        for g in 0..G {
            let (beta, weighed) = scratch[g * 2 * w..][..2 * w].split_at_mut(w);
            let own = &mut forward[g].rows[t * w..][..w];
            for k in 0..w {
                own[k] *= beta[k] * factor[g];
            }
            let row = sequences[g].row(t, w);
            for k in 0..w {
                weighed[k] = row[k] * beta[k];
            }
            if let Some(seen) = seen.as_deref_mut() {
                let into = &mut seen[sequences[g].index(t) * w..][..w];
                for k in 0..w {
                    into[k] += own[k];
                }
            }
        }
        if t == 0 {
            break;
        }
        if t % DEFERRED == DEFERRED - 1 {
            for g in 0..G {
                run[g].ahead -= forward[g].exponents[t / DEFERRED];
                factor[g] = run[g].factor(forward[g].exponent);
            }
        }
        let mut base = [0; G];
        if MANY {
            for g in 0..G {
                base[g] = sequences[g].table(t) * w * w;
            }
        }
        let mut block = 0;
        while block < w {
            let mut share = [[0.0; B]; G];
            for g in 0..G {
                let weighed: [f64; B] = load(scratch, (g * 2 + 1) * w + block);
                for lane in 0..B {
                    share[g][lane] = weighed[lane] * factor[g];
                }
            }
            let mut before: [&[f64]; G] = [&[]; G];
            for g in 0..G {
                before[g] = &forward[g].rows[(t - 1) * w..][..w];
            }
            for i in 0..w {
                if MANY {
                    for g in 0..G {
                        let into = &mut counts.moves[base[g] + i * w + block..][..B];
                        for lane in 0..B {
                            into[lane] += before[g][i] * share[g][lane];
                        }
                    }
                } else {
                    let into = &mut counts.moves[i * w + block..][..B];
                    let mut sum: [f64; B] = load(into, 0);
                    for g in 0..G {
                        for lane in 0..B {
                            sum[lane] += before[g][i] * share[g][lane];
                        }
                    }
                    store(&sum, into, 0);
                }
            }
            let mut matrix = [&tables.columns[..]; G];
            let mut vector: [&[f64]; G] = [&[]; G];
            for g in 0..G {
                if MANY {
                    matrix[g] = &tables.columns[base[g]..][..w * w];
                }
                vector[g] = &scratch[(g * 2 + 1) * w..][..w];
            }
            let sum = product::<W, B, G, MANY>(w, matrix, vector, block);
            for g in 0..G {
                store(&sum[g], scratch, g * 2 * w + block);
            }
            block += B;
        }
        if (t - 1) % DEFERRED == DEFERRED - 1 {
            for g in 0..G {
                let exponent = rescale(&mut scratch[g * 2 * w..][..w]);
                run[g].behind += exponent;
                run[g].apart |= exponent < LOST;
                factor[g] = run[g].factor(forward[g].exponent);
            }
        }
    }
}

/// Brings the largest entry into [1, 2) by a power of two, and tells its exponent; far below [`LOST`] where there is none.
#[inline(always)]
fn rescale(vector: &mut [f64]) -> i64 {
    let mut most = 0.0;
    for k in 0..vector.len() {
        most = if vector[k] > most { vector[k] } else { most };
    }
    let exponent = (most.to_bits() >> 52) as i64 - 1023;
    let scale = pow2(-exponent.max(-1000));
    for k in 0..vector.len() {
        vector[k] *= scale;
    }
    exponent
}

/// 2 to a power, within the range of normal numbers.
#[inline(always)]
fn pow2(exponent: i64) -> f64 {
    f64::from_bits(((exponent.clamp(-1022, 1023) + 1023) as u64) << 52)
}

/// The sum of a padded row.
fn lanes_sum(row: &[f64]) -> f64 {
    row.iter().sum()
}
