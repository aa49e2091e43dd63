//! Blocks and tiles: how a matrix over a joint space lies in memory, and the one step that vectors are carried by.
//!
//! The rows are cut into blocks; within a block the entries at one distance from the diagonal are a *tile*, and equal tiles
//! are stored once. A run of 32 numbers is summed in registers over all entries and written once. Whatever else is done
//! with a vector at each step (adding it up with Poisson weights, counting moves) is done while the run is there.

use multiversion::multiversion;
use rayon::prelude::*;

/// Numbers that one turn of the inner loop holds in registers.
pub const WIDE: usize = 32;
/// Numbers of a cache line.
pub const LINE: usize = 8;
/// Vectors shorter than this are not spread over threads.
pub const SPREAD: usize = 1 << 15;

/// out[base + k] += value(k) · x[base + k + jump] over a block: the value of a tile, or one for all.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Offset of the tile in the pool.
    pub tile: u32,
    pub uniform: bool,
    pub jump: isize,
}

/// Numbers that begin at a cache line: loads that straddle two cost twice.
#[derive(Debug)]
pub struct Aligned {
    held: Vec<f64>,
    first: usize,
}

impl Aligned {
    /// A copy of the numbers.
    pub fn new(values: &[f64]) -> Self {
        let mut held: Vec<f64> = Vec::with_capacity(values.len() + LINE);
        let first = held.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        held.resize(first, 0.0);
        held.extend_from_slice(values);
        Aligned { held, first }
    }

    /// So many zeros.
    pub fn zero(len: usize) -> Self {
        let mut held = vec![0.0; len + LINE];
        let first = held.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        held.truncate(first + len);
        Aligned { held, first }
    }

    /// The numbers.
    pub fn get(&self) -> &[f64] {
        &self.held[self.first..]
    }

    /// The numbers, to be changed.
    pub fn get_mut(&mut self) -> &mut [f64] {
        &mut self.held[self.first..]
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        Aligned::new(self.get())
    }
}

/// Which tile lies where.
#[derive(Debug, Clone)]
pub struct Frame {
    block: usize,
    entries: Vec<Entry>,
    /// Entries of block b are starts[b]..starts[b + 1], uniform ones first.
    starts: Vec<u32>,
    /// How many of block b are uniform.
    uniform: Vec<u32>,
}

/// One step of a level of a vector: out = stay ∘ x + scale · M x, the level beginning at x[at].
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub pool: &'a [f64],
    pub scale: f64,
    pub stay: &'a [f64],
    pub x: &'a [f64],
    pub at: usize,
}

impl Frame {
    /// From the entries of each block.
    pub fn new(block: usize, blocks: Vec<Vec<Entry>>) -> Self {
        let (mut entries, mut starts, mut uniform) = (vec![], vec![0], vec![]);
        for mut own in blocks {
            own.sort_by_key(|entry| (!entry.uniform, entry.jump));
            uniform.push(own.iter().filter(|entry| entry.uniform).count() as u32);
            entries.extend(own);
            starts.push(entries.len() as u32);
        }
        Frame { block, entries, starts, uniform }
    }

    /// Points of a block.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.uniform.len()
    }

    /// How many numbers one application multiplies.
    pub fn operations(&self) -> usize {
        self.entries.len() * self.block
    }

    /// The entries of a block, uniform ones and others.
    pub fn own(&self, block: usize) -> (&[Entry], &[Entry]) {
        let own = &self.entries[self.starts[block] as usize..self.starts[block + 1] as usize];
        own.split_at(self.uniform[block] as usize)
    }

    /// Room that a buffer needs before and after its levels so that every run that is read lies inside.
    pub fn halo(&self) -> usize {
        (self.block.max(WIDE) + LINE).next_multiple_of(LINE)
    }

    /// The step into `out`, the level there. `gain`, where it is not empty, gets `weight` times the level as it is before
    /// the step; `add`, where it is not empty, is added to `out`, times `weight`.
    pub fn apply(&self, step: &Step<'_>, out: &mut [f64], weight: f64, gain: &mut [f64], add: &[f64]) {
        let n = self.block * self.blocks();
        if n < SPREAD || rayon::current_num_threads() == 1 {
            return all(self, step, 0, out, weight, gain, add);
        }
        let some = (SPREAD / 4 / self.block).max(1);
        let size = some * self.block;
        let mut gains: Vec<&mut [f64]> = match gain.is_empty() {
            true => (0..n.div_ceil(size)).map(|_| &mut [][..]).collect(),
            false => gain[..n].chunks_mut(size).collect(),
        };
        out[..n].par_chunks_mut(size).zip(&mut gains).enumerate().for_each(|(k, (out, gain))| {
            let add = if add.is_empty() { add } else { &add[k * size..k * size + out.len()] };
            all(self, step, k * some, out, weight, gain, add);
        });
    }

    /// The same step backwards, counting: adds row(x) · column(y) of each move x → y to `tally`, in the layout of the pool
    /// (a uniform tile has eight lanes); `step.x` is the column, `row` lies as it does.
    pub fn apply_tally(
        &self,
        step: &Step<'_>,
        row: &[f64],
        out: &mut [f64],
        weight: f64,
        add: &[f64],
        tally: &mut [f64],
    ) {
        tallied(self, step, row, out, weight, add, tally);
    }
}

// The first target that the machine has is taken. The loops below index instead of iterating: iterator adapters are not inlined into functions of another SIMD level.

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn all(frame: &Frame, step: &Step<'_>, first: usize, out: &mut [f64], weight: f64, gain: &mut [f64], add: &[f64]) {
    let width = frame.block.max(WIDE);
    let count = (frame.uniform.len() - first).min(out.len() / frame.block);
    for b in 0..count {
        let (low, high) = (b * frame.block, b * frame.block + width);
        let gain = if gain.is_empty() { &mut [][..] } else { &mut gain[low..high] };
        let add = if add.is_empty() { &[][..] } else { &add[low..high] };
        run(frame, step, first + b, &mut out[low..high], weight, gain, add);
    }
}

/// One block whose reads all lie inside the vector.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn one(frame: &Frame, step: &Step<'_>, block: usize, out: &mut [f64]) {
    run(frame, step, block, out, 0.0, &mut [], &[]);
}

/// The sums stay in registers until they are written. The last turn goes back to end with the block; what it computes
/// twice is the same.
#[inline(always)]
fn run(frame: &Frame, step: &Step<'_>, block: usize, out: &mut [f64], weight: f64, gain: &mut [f64], add: &[f64]) {
    let own = &frame.entries[frame.starts[block] as usize..frame.starts[block + 1] as usize];
    let some = frame.uniform[block] as usize;
    let (pool, x, scale) = (step.pool, step.x, step.scale);
    let (base, len) = (step.at + block * frame.block, out.len());
    let stay = &step.stay[block * frame.block..block * frame.block + len];
    let mut at = 0;
    while at < len {
        let start = if at + WIDE > len { len - WIDE } else { at };
        let mut sum = [0.0; WIDE];
        for entry in &own[..some] {
            let value = pool[entry.tile as usize];
            let first = ((base + start) as isize + entry.jump) as usize;
            let from = &x[first..first + WIDE];
            for k in 0..WIDE {
                sum[k] += value * from[k];
            }
        }
        for entry in &own[some..] {
            let tile = entry.tile as usize + start;
            let values = &pool[tile..tile + WIDE];
            let first = ((base + start) as isize + entry.jump) as usize;
            let from = &x[first..first + WIDE];
            for k in 0..WIDE {
                sum[k] += values[k] * from[k];
            }
        }
        let here = &x[base + start..base + start + WIDE];
        let stay = &stay[start..start + WIDE];
        for k in 0..WIDE {
            sum[k] = stay[k] * here[k] + scale * sum[k];
        }
        if !add.is_empty() {
            let add = &add[start..start + WIDE];
            for k in 0..WIDE {
                sum[k] += weight * add[k];
            }
        }
        if !gain.is_empty() {
            let skip = at - start;
            let gain = &mut gain[start..start + WIDE];
            if skip == 0 {
                for k in 0..WIDE {
                    gain[k] += weight * here[k];
                }
            } else {
                for k in skip..WIDE {
                    gain[k] += weight * here[k];
                }
            }
        }
        out[start..start + WIDE].copy_from_slice(&sum);
        at += WIDE;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn tallied(frame: &Frame, step: &Step<'_>, row: &[f64], out: &mut [f64], weight: f64, add: &[f64], tally: &mut [f64]) {
    let width = frame.block.max(WIDE);
    for block in 0..frame.uniform.len() {
        let (low, high) = (block * frame.block, block * frame.block + width);
        run(frame, step, block, &mut out[low..high], weight, &mut [], &add[low..high]);
        let own = &frame.entries[frame.starts[block] as usize..frame.starts[block + 1] as usize];
        let some = frame.uniform[block] as usize;
        let base = step.at + low;
        let mut at = 0;
        while at < width {
            let start = if at + WIDE > width { width - WIDE } else { at };
            let mut left = [0.0; WIDE];
            left.copy_from_slice(&row[base + start..base + start + WIDE]);
            // What the turn before has counted is not counted again.
            left[..at - start].fill(0.0);
            for entry in &own[..some] {
                let first = ((base + start) as isize + entry.jump) as usize;
                let from = &step.x[first..first + WIDE];
                let lanes = &mut tally[entry.tile as usize..entry.tile as usize + LINE];
                let mut sum = [0.0; LINE];
                for k in 0..LINE {
                    let (a, b) = (left[k] * from[k], left[LINE + k] * from[LINE + k]);
                    let (c, d) = (left[2 * LINE + k] * from[2 * LINE + k], left[3 * LINE + k] * from[3 * LINE + k]);
                    sum[k] = lanes[k] + ((a + b) + (c + d));
                }
                lanes.copy_from_slice(&sum);
            }
            for entry in &own[some..] {
                let first = ((base + start) as isize + entry.jump) as usize;
                let from = &step.x[first..first + WIDE];
                let slots = &mut tally[entry.tile as usize + start..entry.tile as usize + start + WIDE];
                // All are read before one is written, or they would be taken one by one for fear of overlap.
                let mut sum = [0.0; WIDE];
                for k in 0..WIDE {
                    sum[k] = slots[k] + left[k] * from[k];
                }
                slots.copy_from_slice(&sum);
            }
            at += WIDE;
        }
    }
}
