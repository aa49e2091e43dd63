//! A matrix ready to be applied to vectors: out = diag ∘ x + M x, written once a number, read in long runs.
//!
//! The rows are cut into blocks; within a block the entries at one distance from the diagonal are a *tile*, and equal tiles
//! are stored once. For coupled ladders few distinct tiles exist, so that coefficients stay in cache and a step reads the
//! vector and writes the next one, no more: Kronecker-structured generators, Buchholz, Ciardo, Donatelli and Kemper 2000,
//! INFORMS J. Computing 12(3). A matrix without such structure is kept by rows.

pub use super::frame::Aligned;
use super::frame::{Entry, Frame, LINE, SPREAD, Step, WIDE, one};
use super::stencil::{Stencil, Tiles, axpy, axpy_each, multiply};
use multiversion::multiversion;
use rayon::prelude::*;
use std::collections::HashMap;

/// Rows of a block, where the matrix gives none.
const BLOCK: usize = 256;

/// Tiles are used where they hold at most so many numbers for each entry of the matrix.
const PADDING: usize = 3;

/// A sparse matrix by rows; the diagonal is kept apart by whoever uses it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub starts: Vec<usize>,
    pub columns: Vec<u32>,
    pub values: Vec<f64>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries of a row as (column, value).
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.starts[i]..self.starts[i + 1];
        self.columns[range.clone()].iter().map(|&j| j as usize).zip(self.values[range].iter().copied())
    }

    /// The transposed matrix.
    pub fn turned(&self, columns: usize) -> Rows {
        let mut starts = vec![0; columns + 1];
        self.columns.iter().for_each(|&j| starts[j as usize + 1] += 1);
        for j in 0..columns {
            starts[j + 1] += starts[j];
        }
        let mut at = starts.clone();
        let (mut rows, mut values) = (vec![0; self.columns.len()], vec![0.0; self.values.len()]);
        for i in 0..self.len() {
            for (j, value) in self.row(i) {
                (rows[at[j]], values[at[j]]) = (i as u32, value);
                at[j] += 1;
            }
        }
        Rows { starts, columns: rows, values }
    }
}

/// Goes on to the next cache line.
fn pad(pool: &mut Vec<f64>) {
    pool.resize(pool.len().next_multiple_of(LINE), 0.0);
}

/// A matrix by blocks and tiles.
#[derive(Debug, Clone)]
pub struct Banded {
    len: usize,
    frame: Frame,
    /// The tiles, one after the other, each beginning a cache line; one number of a uniform tile.
    pool: Aligned,
}

impl Banded {
    /// From a square matrix by rows; `None` where its diagonals are too sparse for tiles.
    pub fn of(rows: &Rows) -> Option<Self> {
        let (n, most) = (rows.len(), PADDING * rows.values.len());
        let mut known: HashMap<Vec<u64>, (u32, bool)> = HashMap::new();
        let (mut pool, mut blocks, mut used) = (vec![], vec![], 0);
        let mut tiles: HashMap<isize, Vec<f64>> = HashMap::new();
        for base in (0..n).step_by(BLOCK) {
            let len = BLOCK.min(n - base);
            for k in 0..len {
                for (j, value) in rows.row(base + k) {
                    let jump = j as isize - (base + k) as isize;
                    tiles.entry(jump).or_insert_with(|| vec![0.0; BLOCK])[k] += value;
                }
            }
            used += tiles.len() * len;
            if used > most + 64 * BLOCK {
                return None;
            }
            let mut own: Vec<(isize, Vec<f64>)> = tiles.drain().collect();
            own.sort_by_key(|tile| tile.0);
            let entries = own.into_iter().map(|(jump, tile)| {
                let key: Vec<u64> = tile.iter().map(|value| value.to_bits()).collect();
                let (tile, uniform) = *known.entry(key).or_insert_with(|| {
                    pad(&mut pool);
                    let at = pool.len() as u32;
                    let uniform = len == BLOCK && tile.iter().all(|value| *value == tile[0]);
                    pool.extend(if uniform { &tile[..1] } else { &tile[..] });
                    (at, uniform)
                });
                Entry { tile, uniform, jump }
            });
            blocks.push(entries.collect());
        }
        Some(Banded { len: n, frame: Frame::new(BLOCK, blocks), pool: Aligned::new(&pool) })
    }

    fn apply_block(&self, block: usize, diagonal: &[f64], x: &[f64], out: &mut [f64]) {
        let base = block * self.frame.block();
        let (uniform, each) = self.frame.own(block);
        let inside = |entry: &Entry| {
            let first = base as isize + entry.jump;
            first >= 0 && first as usize + out.len() <= self.len
        };
        if out.len() >= WIDE && uniform.iter().chain(each).all(inside) {
            let step = Step { pool: self.pool.get(), scale: 1.0, stay: diagonal, x, at: 0 };
            return one(&self.frame, &step, block, out);
        }
        let pool = self.pool.get();
        multiply(&diagonal[base..base + out.len()], &x[base..base + out.len()], out);
        for entry in uniform.iter().chain(each) {
            let first = base as isize + entry.jump;
            let low = (-first).clamp(0, out.len() as isize) as usize;
            let high = (self.len as isize - first).clamp(low as isize, out.len() as isize) as usize;
            let start = (first + low as isize).max(0) as usize;
            let from = &x[start..start + high - low];
            let tile = entry.tile as usize;
            match entry.uniform {
                true => axpy(pool[tile], from, &mut out[low..high]),
                false => axpy_each(&pool[tile + low..tile + high], from, &mut out[low..high]),
            }
        }
    }

    /// Visits the entries of a row as (column, value).
    fn row(&self, i: usize, mut visit: impl FnMut(usize, f64)) {
        let (block, k) = (i / self.frame.block(), i % self.frame.block());
        let (uniform, each) = self.frame.own(block);
        for entry in uniform.iter().chain(each) {
            let value = self.pool.get()[entry.tile as usize + if entry.uniform { 0 } else { k }];
            if value != 0.0 {
                visit((i as isize + entry.jump) as usize, value);
            }
        }
    }
}

/// A matrix in the form that suits it.
#[derive(Debug, Clone)]
pub enum Gather {
    Banded(Banded),
    Rows(Rows),
}

impl Gather {
    /// The form that suits a square matrix.
    pub fn of(rows: &Rows) -> Self {
        match Banded::of(rows) {
            Some(banded) => Gather::Banded(banded),
            None => Gather::Rows(rows.clone()),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Gather::Banded(banded) => banded.len,
            Gather::Rows(rows) => rows.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers one application multiplies.
    pub fn operations(&self) -> usize {
        match self {
            Gather::Banded(banded) => banded.frame.operations(),
            Gather::Rows(rows) => 4 * rows.values.len(),
        }
    }

    /// The same matrix, times a number.
    pub fn scaled(&self, scale: f64) -> Self {
        let mut out = self.clone();
        let values = match &mut out {
            Gather::Banded(banded) => banded.pool.get_mut(),
            Gather::Rows(rows) => &mut rows.values,
        };
        values.iter_mut().for_each(|value| *value *= scale);
        out
    }

    /// Visits the entries of a row as (column, value).
    pub fn row(&self, i: usize, mut visit: impl FnMut(usize, f64)) {
        match self {
            Gather::Banded(banded) => banded.row(i, visit),
            Gather::Rows(rows) => rows.row(i).for_each(|(j, value)| visit(j, value)),
        }
    }

    /// The matrix by rows.
    pub fn rows(&self) -> Rows {
        if let Gather::Rows(rows) = self {
            return rows.clone();
        }
        let mut rows = Rows { starts: vec![0], ..Rows::default() };
        for i in 0..self.len() {
            self.row(i, |j, value| {
                rows.columns.push(j as u32);
                rows.values.push(value);
            });
            rows.starts.push(rows.values.len());
        }
        rows
    }

    /// Rows that are computed together, and how many such blocks there are.
    pub(super) fn blocks(&self) -> (usize, usize) {
        let block = match self {
            Gather::Banded(banded) => banded.frame.block(),
            Gather::Rows(_) => BLOCK,
        };
        (block, self.len().div_ceil(block.max(1)))
    }

    /// The blocks whose rows have an entry in a column of block `from`, for each block `from`.
    pub(super) fn seen_from(&self) -> Vec<Vec<u32>> {
        let (size, count) = self.blocks();
        let mut seen = vec![vec![]; count];
        for block in 0..count {
            seen[block].push(block as u32);
            let mut see = |column: usize| {
                let list: &mut Vec<u32> = &mut seen[column / size];
                if list.last() != Some(&(block as u32)) {
                    list.push(block as u32);
                }
            };
            match self {
                Gather::Rows(rows) => {
                    rows.columns[rows.starts[block * size]..rows.starts[((block + 1) * size).min(rows.len())]]
                        .iter()
                        .for_each(|&column| see(column as usize));
                }
                Gather::Banded(banded) => {
                    let (uniform, each) = banded.frame.own(block);
                    for entry in uniform.iter().chain(each) {
                        let first = (block * size) as isize + entry.jump;
                        let last = (first + size as isize - 1).min(banded.len as isize - 1);
                        (first.max(0) as usize / size..=last.max(0) as usize / size).for_each(|b| see(b * size));
                    }
                }
            }
        }
        seen
    }

    /// out = diagonal ∘ x + M x.
    pub fn apply(&self, diagonal: &[f64], x: &[f64], out: &mut [f64]) {
        let mut read = vec![(); self.blocks().1];
        self.apply_where(diagonal, x, out, &|_| true, &|_, _| (), &mut read);
    }

    /// The same for the blocks that `live` marks, the others being left alone; each is handed to `finish`, with its number,
    /// while it is in the nearest cache, and what that returns is kept in `read`.
    pub(super) fn apply_where<R: Send>(
        &self,
        diagonal: &[f64],
        x: &[f64],
        out: &mut [f64],
        live: &(impl Fn(usize) -> bool + Sync),
        finish: &(impl Fn(usize, &mut [f64]) -> R + Sync),
        read: &mut [R],
    ) {
        let (size, _) = self.blocks();
        let work = |(block, (out, read)): (usize, (&mut [f64], &mut R))| {
            if !live(block) {
                return;
            }
            let base = block * size;
            match self {
                Gather::Banded(banded) => banded.apply_block(block, diagonal, x, out),
                Gather::Rows(rows) => rows_block(rows, &diagonal[base..base + out.len()], x, base, out),
            }
            *read = finish(block, out);
        };
        if x.len() < SPREAD || rayon::current_num_threads() == 1 {
            out.chunks_mut(size).zip(read).enumerate().for_each(work);
        } else {
            let some = (SPREAD / 4 / size).max(1);
            out.par_chunks_mut(size).zip(read).enumerate().with_min_len(some).for_each(work);
        }
    }
}

fn rows_block(rows: &Rows, diagonal: &[f64], x: &[f64], base: usize, out: &mut [f64]) {
    for (k, out) in out.iter_mut().enumerate() {
        let i = base + k;
        let range = rows.starts[i]..rows.starts[i + 1];
        let mut sum = diagonal[k] * x[i];
        for (&j, value) in rows.columns[range.clone()].iter().zip(&rows.values[range]) {
            sum += value * x[j as usize];
        }
        *out = sum;
    }
}

/// A stencil with its numbers filled in, as a matrix to be applied to columns, and the transposed one.
pub fn of_stencil(stencil: &Stencil, tiles: Tiles) -> (Banded, Banded) {
    let (outgoing, incoming) = stencil.frames();
    let banded = |frame: &Frame, pool| Banded { len: stencil.space().len(), frame: frame.clone(), pool };
    (banded(outgoing, tiles.out), banded(incoming, tiles.into))
}

/// The sum in a fixed order, thirty-two lanes wide: the same bits at every SIMD level.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
pub(super) fn total(x: &[f64]) -> f64 {
    let n = x.len();
    let mut lanes = [0.0; WIDE];
    let full = n - n % WIDE;
    let mut k = 0;
    while k < full {
        let part = &x[k..k + WIDE];
        for lane in 0..WIDE {
            lanes[lane] += part[lane];
        }
        k += WIDE;
    }
    let mut sum = 0.0;
    for lane in lanes {
        sum += lane;
    }
    while k < n {
        sum += x[k];
        k += 1;
    }
    sum
}
