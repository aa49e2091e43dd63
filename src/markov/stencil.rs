//! A generator over a joint space where one axis moves at a time, kept as tiles of labels instead of a matrix.
//!
//! The space is cut into blocks of its fastest axes. Within a block, the moves along one axis by one distance lie on one
//! diagonal, whose labels depend on few outer coordinates, so few distinct *tiles* exist and stay in cache. A label
//! names a rate; rates are filled in anew for each parameter value, the structure is built once.
//! Kronecker-structured generators: Buchholz, Ciardo, Donatelli and Kemper 2000, INFORMS J. Computing 12(3).

use super::field::Field;
use super::space::Space;
use multiversion::multiversion;
use std::collections::HashMap;

/// The label of a move that does not exist here.
pub const NO_LABEL: u32 = u32::MAX;

/// Blocks hold at least this many points where the space does.
const BLOCK: usize = 64;

/// A kind of move: along `axis`, `from` → `to`, at the rate its label names, which may depend on other axes.
#[derive(Debug, Clone)]
pub struct Arc {
    pub axis: usize,
    pub from: usize,
    pub to: usize,
    pub label: Field<u32>,
}

#[derive(Debug, Clone)]
enum Tile {
    Uniform(u32),
    Each(Vec<u32>),
}

/// Where a tile applies: source points block + k, target points block + k + jump, for k in [low, high).
#[derive(Debug, Clone, Copy)]
struct Entry {
    tile: u32,
    low: u32,
    high: u32,
    jump: isize,
}

/// The structure of a generator: which moves exist and what their rates are called.
#[derive(Debug, Clone)]
pub struct Stencil {
    space: Space,
    block: usize,
    tiles: Vec<Tile>,
    /// Offset of each tile's numbers in a filled stencil.
    offsets: Vec<usize>,
    entries: Vec<Entry>,
    /// Entries of block b are starts[b]..starts[b + 1].
    starts: Vec<usize>,
}

impl Stencil {
    /// Builds the structure from the moves.
    ///
    /// # Complexity
    /// Time and memory are O(points / 64 · moves), plus the tiles.
    pub fn new(space: Space, arcs: &[Arc]) -> Self {
        Stencil::with_block(space, arcs, BLOCK)
    }

    /// The same with blocks of at least so many points.
    pub fn with_block(space: Space, arcs: &[Arc], least: usize) -> Self {
        let axes = space.sizes().len();
        let split = (0..axes).rev().find(|&axis| space.stride(axis) * space.sizes()[axis] >= least).unwrap_or(0);
        let block = if axes == 0 { 1 } else { space.stride(split) * space.sizes()[split] };
        let mut built = Stencil { block, tiles: vec![], offsets: vec![0], entries: vec![], starts: vec![0], space };
        let mut groups: Vec<(usize, isize, Vec<&Arc>)> = vec![];
        for arc in arcs {
            let by = arc.to as isize - arc.from as isize;
            match groups.iter_mut().find(|group| group.0 == arc.axis && group.1 == by) {
                Some(group) => group.2.push(arc),
                None => groups.push((arc.axis, by, vec![arc])),
            }
        }
        let mut known: HashMap<(usize, Vec<usize>), Option<u32>> = HashMap::new();
        for base in (0..built.space.len()).step_by(block.max(1)) {
            for (number, (axis, by, members)) in groups.iter().enumerate() {
                let key = built.outer_context(base, split, *axis, members);
                let tile = match known.get(&(number, key.clone())) {
                    Some(&tile) => tile,
                    None => {
                        let tile = built.add_tile(base, *axis, members);
                        known.insert((number, key), tile);
                        tile
                    }
                };
                if let Some(tile) = tile {
                    let jump = by * built.space.stride(*axis) as isize;
                    let shift = if *axis >= split { jump } else { 0 };
                    let low = (-shift).max(0) as u32;
                    let high = (block as isize - shift.max(0)) as u32;
                    built.entries.push(Entry { tile, low, high, jump });
                }
            }
            built.starts.push(built.entries.len());
        }
        built
    }

    fn outer_context(&self, base: usize, split: usize, axis: usize, members: &[&Arc]) -> Vec<usize> {
        let mut key = vec![];
        for outer in 0..split {
            if outer == axis || members.iter().any(|arc| arc.label.axes().contains(&outer)) {
                key.push(self.space.digit(base, outer));
            }
        }
        key
    }

    fn add_tile(&mut self, base: usize, axis: usize, members: &[&Arc]) -> Option<u32> {
        let labels: Vec<u32> = (base..base + self.block)
            .map(|x| {
                let digit = self.space.digit(x, axis);
                members.iter().find(|arc| arc.from == digit).map_or(NO_LABEL, |arc| *arc.label.at(&self.space, x))
            })
            .collect();
        let first = *labels.first()?;
        if labels.iter().all(|&label| label == first) {
            if first == NO_LABEL {
                return None;
            }
            self.tiles.push(Tile::Uniform(first));
        } else {
            self.tiles.push(Tile::Each(labels));
        }
        let width = match self.tiles.last() {
            Some(Tile::Each(labels)) => labels.len(),
            _ => 1,
        };
        let end = self.offsets.last().copied().unwrap_or(0) + width;
        self.offsets.push(end);
        Some(self.tiles.len() as u32 - 1)
    }

    /// The joint space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// How many multiplications one application takes.
    pub fn operations(&self) -> usize {
        self.entries.iter().map(|entry| (entry.high - entry.low) as usize).sum::<usize>() + self.space.len()
    }

    /// Number of stored tile values.
    pub fn width(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// The tiles' numbers for these rates (one for each label).
    pub fn fill(&self, rates: &[f64]) -> Vec<f64> {
        let rate = |label: &u32| if *label == NO_LABEL { 0.0 } else { rates[*label as usize] };
        let mut values = Vec::with_capacity(self.width());
        for tile in &self.tiles {
            match tile {
                Tile::Uniform(label) => values.push(rate(label)),
                Tile::Each(labels) => values.extend(labels.iter().map(rate)),
            }
        }
        values
    }

    /// Adds to `exit` the total rate out of each point.
    pub fn exits(&self, tiles: &[f64], exit: &mut [f64]) {
        self.visit(|base, entry, tile| {
            let exit = &mut exit[base..base + self.block];
            match &self.tiles[tile] {
                Tile::Uniform(_) => (entry.low..entry.high).for_each(|k| exit[k as usize] += tiles[self.offsets[tile]]),
                Tile::Each(_) => {
                    let values = &tiles[self.offsets[tile]..self.offsets[tile + 1]];
                    (entry.low as usize..entry.high as usize).for_each(|k| exit[k] += values[k]);
                }
            }
        });
    }

    /// Points of a block.
    pub(super) fn block(&self) -> usize {
        self.block
    }

    /// Visits the moves of each block that share a tile: (first point, jump, number of the tile, its values, or one for all).
    pub(super) fn runs(&self, tiles: &[f64], mut visit: impl FnMut(usize, isize, u32, &[f64])) {
        self.visit(|base, entry, tile| {
            visit(base, entry.jump, entry.tile, &tiles[self.offsets[tile]..self.offsets[tile + 1]]);
        });
    }

    fn visit(&self, mut f: impl FnMut(usize, &Entry, usize)) {
        for (block, window) in self.starts.windows(2).enumerate() {
            for entry in &self.entries[window[0]..window[1]] {
                f(block * self.block, entry, entry.tile as usize);
            }
        }
    }

    /// Adds row · A to `out`, A the off-diagonal part with these tile values.
    pub fn forward(&self, tiles: &[f64], row: &[f64], out: &mut [f64]) {
        self.visit(|base, entry, tile| {
            let (low, high) = (entry.low as usize, entry.high as usize);
            let from = &row[base + low..base + high];
            let start = (base + low) as isize + entry.jump;
            let to = &mut out[start as usize..start as usize + from.len()];
            match &self.tiles[tile] {
                Tile::Uniform(_) => axpy(tiles[self.offsets[tile]], from, to),
                Tile::Each(_) => axpy_each(&tiles[self.offsets[tile] + low..self.offsets[tile] + high], from, to),
            }
        });
    }

    /// Adds A · column to `out`.
    pub fn backward(&self, tiles: &[f64], column: &[f64], out: &mut [f64]) {
        self.visit(|base, entry, tile| {
            let (low, high) = (entry.low as usize, entry.high as usize);
            let to = &mut out[base + low..base + high];
            let start = (base + low) as isize + entry.jump;
            let from = &column[start as usize..start as usize + to.len()];
            match &self.tiles[tile] {
                Tile::Uniform(_) => axpy(tiles[self.offsets[tile]], from, to),
                Tile::Each(_) => axpy_each(&tiles[self.offsets[tile] + low..self.offsets[tile] + high], from, to),
            }
        });
    }

    /// Adds row(x) · column(y) to the tally of each move x → y, in the layout of the tiles.
    pub fn tally(&self, row: &[f64], column: &[f64], tally: &mut [f64]) {
        self.visit(|base, entry, tile| {
            let (low, high) = (entry.low as usize, entry.high as usize);
            let from = &row[base + low..base + high];
            let start = (base + low) as isize + entry.jump;
            let to = &column[start as usize..start as usize + from.len()];
            match &self.tiles[tile] {
                Tile::Uniform(_) => tally[self.offsets[tile]] += dot(from, to),
                Tile::Each(_) => {
                    let slots = &mut tally[self.offsets[tile] + low..self.offsets[tile] + high];
                    axpy_each(from, to, slots);
                }
            }
        });
    }

    /// Sums a tally and the time spent at each point into `moves[label]` and `time[label]`.
    pub fn collect(&self, tally: &[f64], spent: &[f64], moves: &mut [f64], time: &mut [f64]) {
        for (tile, offset) in self.tiles.iter().zip(&self.offsets) {
            match tile {
                Tile::Uniform(label) => moves[*label as usize] += tally[*offset],
                Tile::Each(labels) => {
                    for (label, value) in labels.iter().zip(&tally[*offset..]) {
                        if *label != NO_LABEL {
                            moves[*label as usize] += value;
                        }
                    }
                }
            }
        }
        self.visit(|base, entry, tile| match &self.tiles[tile] {
            Tile::Uniform(label) => {
                time[*label as usize] +=
                    spent[base + entry.low as usize..base + entry.high as usize].iter().sum::<f64>();
            }
            Tile::Each(labels) => {
                for k in entry.low as usize..entry.high as usize {
                    if labels[k] != NO_LABEL {
                        time[labels[k] as usize] += spent[base + k];
                    }
                }
            }
        });
    }

    /// Visits every move as (from point, to point, index into the tile values).
    pub fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        self.visit(|base, entry, tile| {
            for k in entry.low as usize..entry.high as usize {
                let (exists, slot) = match &self.tiles[tile] {
                    Tile::Uniform(_) => (true, self.offsets[tile]),
                    Tile::Each(labels) => (labels[k] != NO_LABEL, self.offsets[tile] + k),
                };
                if exists {
                    f(base + k, ((base + k) as isize + entry.jump) as usize, slot);
                }
            }
        });
    }
}

// The loops below index instead of iterating: iterator adapters are not inlined into functions of another SIMD level.

/// y = a x, element by element.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
pub(super) fn multiply(a: &[f64], x: &[f64], y: &mut [f64]) {
    let n = y.len();
    let (a, x) = (&a[..n], &x[..n]);
    for k in 0..n {
        y[k] = a[k] * x[k];
    }
}

/// y += a x.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
pub(super) fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    let n = y.len();
    let x = &x[..n];
    for k in 0..n {
        y[k] += a * x[k];
    }
}

/// y += a x, element by element.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
pub(super) fn axpy_each(a: &[f64], x: &[f64], y: &mut [f64]) {
    let n = y.len();
    let (a, x) = (&a[..n], &x[..n]);
    for k in 0..n {
        y[k] += a[k] * x[k];
    }
}

/// The sum of products in a fixed order, eight lanes wide: the same bits at every SIMD level.
#[multiversion(targets("x86_64+avx2", "x86_64+avx512f+avx512vl"))]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len();
    let b = &b[..n];
    let mut lanes = [0.0; 8];
    let wide = n - n % 8;
    let mut k = 0;
    while k < wide {
        for lane in 0..8 {
            lanes[lane] += a[k + lane] * b[k + lane];
        }
        k += 8;
    }
    let mut sum = 0.0;
    for lane in lanes {
        sum += lane;
    }
    while k < n {
        sum += a[k] * b[k];
        k += 1;
    }
    sum
}
