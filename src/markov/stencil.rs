//! A generator over a joint space where one axis moves at a time, kept as tiles of labels instead of a matrix.
//!
//! The space is cut into blocks of its fastest axes. Within a block, the moves along one axis by one distance lie on one
//! diagonal, whose labels depend on few outer coordinates, so few distinct *tiles* exist and stay in cache. A label
//! names a rate; rates are filled in anew for each parameter value, the structure is built once.
//! Kronecker-structured generators: Buchholz, Ciardo, Donatelli and Kemper 2000, INFORMS J. Computing 12(3).

use super::field::Field;
use super::frame::{self, Aligned, Frame, LINE, Step, WIDE};
use super::space::Space;
use multiversion::multiversion;
use std::collections::HashMap;

/// The label of a move that does not exist here.
pub const NO_LABEL: u32 = u32::MAX;

/// Blocks hold at least this many points where the space does, and larger spaces have larger blocks.
const BLOCK: usize = 64;
const LARGE: usize = 1 << 14;
const LARGE_BLOCK: usize = 512;

/// What stands in a pool where there is no move.
const NONE: u32 = u32::MAX;

/// A kind of move: along `axis`, `from` → `to`, at the rate its label names, which may depend on other axes.
#[derive(Debug, Clone, PartialEq)]
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
    /// Offset of each tile's numbers in a filled stencil, each at the beginning of a cache line.
    offsets: Vec<usize>,
    entries: Vec<Entry>,
    /// Entries of block b are starts[b]..starts[b + 1].
    starts: Vec<usize>,
    /// For columns, by the points that are left, and for rows, by those that are arrived at.
    outgoing: Frame,
    incoming: Frame,
    /// Where in the pool for columns each number of the pool for rows comes from.
    turned: Vec<u32>,
}

/// A stencil's tiles with rates filled in, one after the other.
#[derive(Debug, Clone)]
pub struct Tiles {
    pub(super) out: Aligned,
    pub(super) into: Aligned,
}

impl Tiles {
    /// The rate of a slot, as [`Stencil::each`] numbers them.
    pub fn at(&self, slot: usize) -> f64 {
        self.out.get()[slot]
    }
}

impl Stencil {
    /// Builds the structure from the moves.
    ///
    /// # Complexity
    /// Time and memory are O(points / 64 · moves), plus the tiles.
    pub fn new(space: Space, arcs: &[Arc]) -> Self {
        let least = if space.len() > LARGE { LARGE_BLOCK } else { BLOCK };
        Stencil::with_block(space, arcs, least)
    }

    /// The same with blocks of at least so many points.
    pub fn with_block(space: Space, arcs: &[Arc], least: usize) -> Self {
        let axes = space.sizes().len();
        let split = (0..axes).rev().find(|&axis| space.stride(axis) * space.sizes()[axis] >= least).unwrap_or(0);
        let block = if axes == 0 { 1 } else { space.stride(split) * space.sizes()[split] };
        let none = || Frame::new(block, vec![]);
        let mut built = Stencil {
            block,
            tiles: vec![],
            offsets: vec![0],
            entries: vec![],
            starts: vec![0],
            space,
            outgoing: none(),
            incoming: none(),
            turned: vec![],
        };
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
        built.frame();
        built
    }

    /// Lays the tiles out for steps of columns and of rows.
    fn frame(&mut self) {
        let (block, count) = (self.block, self.starts.len() - 1);
        let (mut outgoing, mut incoming) = (vec![vec![]; count], vec![vec![]; count]);
        let mut turned: Vec<u32> = vec![];
        let mut known: HashMap<(u32, bool), u32> = HashMap::new();
        for (number, window) in self.starts.windows(2).enumerate() {
            for entry in &self.entries[window[0]..window[1]] {
                let from = self.offsets[entry.tile as usize];
                let uniform = matches!(self.tiles[entry.tile as usize], Tile::Uniform(_));
                let within = entry.jump.unsigned_abs() < block;
                let into = *known.entry((entry.tile, within)).or_insert_with(|| {
                    let at = turned.len();
                    match uniform {
                        true => turned.push(from as u32),
                        // By the point that is arrived at.
                        false => turned.extend((0..block as isize).map(|k| {
                            let source = if within { k - entry.jump } else { k };
                            if (0..block as isize).contains(&source) { from as u32 + source as u32 } else { NONE }
                        })),
                    }
                    let len = if uniform { LINE } else { padded(block) };
                    turned.resize(at + len, NONE);
                    at as u32
                });
                let target = if within { number } else { (number as isize + entry.jump / block as isize) as usize };
                outgoing[number].push(frame::Entry { tile: from as u32, uniform, jump: entry.jump });
                incoming[target].push(frame::Entry { tile: into, uniform, jump: -entry.jump });
            }
        }
        self.turned = turned;
        self.outgoing = Frame::new(block, outgoing);
        self.incoming = Frame::new(block, incoming);
    }

    /// For columns and for rows.
    pub(super) fn frames(&self) -> (&Frame, &Frame) {
        (&self.outgoing, &self.incoming)
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
            Some(Tile::Each(labels)) => padded(labels.len()),
            _ => LINE,
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
    pub fn fill(&self, rates: &[f64]) -> Tiles {
        let rate = |label: u32| if label == NO_LABEL { 0.0 } else { rates[label as usize] };
        let mut out = Aligned::zero(self.width());
        let values = out.get_mut();
        for (tile, &offset) in self.tiles.iter().zip(&self.offsets) {
            match tile {
                Tile::Uniform(label) => values[offset] = rate(*label),
                Tile::Each(labels) => {
                    values[offset..].iter_mut().zip(labels).for_each(|(value, label)| *value = rate(*label));
                }
            }
        }
        let mut into = Aligned::zero(self.turned.len());
        for (value, &from) in into.get_mut().iter_mut().zip(&self.turned) {
            *value = if from == NONE { 0.0 } else { out.get()[from as usize] };
        }
        Tiles { out, into }
    }

    /// Adds to `exit` the total rate out of each point.
    pub fn exits(&self, tiles: &Tiles, exit: &mut [f64]) {
        let values = tiles.out.get();
        self.visit(|base, entry, tile| {
            let (low, high) = (entry.low as usize, entry.high as usize);
            let exit = &mut exit[base + low..base + high];
            match &self.tiles[tile] {
                Tile::Uniform(_) => exit.iter_mut().for_each(|exit| *exit += values[self.offsets[tile]]),
                Tile::Each(_) => {
                    let values = &values[self.offsets[tile] + low..];
                    exit.iter_mut().zip(values).for_each(|(exit, value)| *exit += value);
                }
            }
        });
    }

    fn visit(&self, mut f: impl FnMut(usize, &Entry, usize)) {
        for (block, window) in self.starts.windows(2).enumerate() {
            for entry in &self.entries[window[0]..window[1]] {
                f(block * self.block, entry, entry.tile as usize);
            }
        }
    }

    /// row · A, A the off-diagonal part with these tile values.
    pub fn forward(&self, tiles: &Tiles, row: &[f64]) -> Vec<f64> {
        self.applied(&self.incoming, tiles.into.get(), row)
    }

    /// A · column.
    pub fn backward(&self, tiles: &Tiles, column: &[f64]) -> Vec<f64> {
        self.applied(&self.outgoing, tiles.out.get(), column)
    }

    fn applied(&self, frame: &Frame, pool: &[f64], x: &[f64]) -> Vec<f64> {
        let room = Room::new(self, 1);
        let (x, stay, mut out) = (room.hold(x), vec![0.0; room.pitch], room.empty());
        let step = Step { pool, scale: 1.0, stay: &stay, x: x.get(), at: room.halo };
        frame.apply(&step, room.level_mut(&mut out, 0), 0.0, &mut [], &[]);
        room.read(&out)
    }

    /// row(x) · column(y) of each move x → y, times its rate, in the layout of the tiles.
    pub fn tally(&self, tiles: &Tiles, row: &[f64], column: &[f64]) -> Vec<f64> {
        let room = Room::new(self, 1);
        let (row, column, mut out) = (room.hold(row), room.hold(column), room.empty());
        let zero = vec![0.0; room.pitch];
        let step = Step { pool: tiles.out.get(), scale: 0.0, stay: &zero, x: column.get(), at: room.halo };
        let mut tally = vec![0.0; self.width()];
        self.outgoing.apply_tally(&step, row.get(), room.level_mut(&mut out, 0), 0.0, &zero, &mut tally);
        self.rated(tiles, &tally, 1.0)
    }

    /// A raw tally times the rates and `scale`, the lanes of uniform tiles summed.
    pub(super) fn rated(&self, tiles: &Tiles, tally: &[f64], scale: f64) -> Vec<f64> {
        let mut rated: Vec<f64> = tally.iter().zip(tiles.out.get()).map(|(sum, rate)| sum * rate * scale).collect();
        for (tile, &offset) in self.tiles.iter().zip(&self.offsets) {
            if let Tile::Uniform(_) = tile {
                let lanes: f64 = tally[offset..offset + LINE].iter().sum();
                rated[offset] = lanes * tiles.out.get()[offset] * scale;
            }
        }
        rated
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

/// How long a tile of so many numbers is: a whole run at least, and whole cache lines.
fn padded(len: usize) -> usize {
    len.max(WIDE).next_multiple_of(LINE)
}

/// How the levels of a vector lie in a buffer: each at the beginning of a cache line, with room before and after them
/// into which runs may reach. What lies there and between levels is finite and meets only zeros.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub points: usize,
    pub levels: usize,
    /// From a level to the next.
    pub pitch: usize,
    /// Before the first level and after the last.
    pub halo: usize,
}

impl Room {
    /// Of a stencil's vectors with so many levels.
    pub fn new(stencil: &Stencil, levels: usize) -> Self {
        let points = stencil.space.len();
        Room { points, levels, pitch: padded(points), halo: stencil.outgoing.halo() }
    }

    /// A buffer of zeros.
    pub fn empty(&self) -> Aligned {
        Aligned::zero(2 * self.halo + self.levels * self.pitch)
    }

    /// A buffer with a vector whose levels lie one after the other.
    pub fn hold(&self, values: &[f64]) -> Aligned {
        let mut held = self.empty();
        self.put(values, &mut held);
        held
    }

    /// Writes such a vector to a buffer.
    pub fn put(&self, values: &[f64], held: &mut Aligned) {
        for (level, values) in values.chunks_exact(self.points).enumerate() {
            self.level_mut(held, level)[..self.points].copy_from_slice(values);
        }
    }

    /// The vector in a buffer, its levels one after the other.
    pub fn read(&self, held: &Aligned) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.levels * self.points);
        (0..self.levels).for_each(|level| values.extend_from_slice(&self.level(held, level)[..self.points]));
        values
    }

    /// Where a level begins.
    pub fn at(&self, level: usize) -> usize {
        self.halo + level * self.pitch
    }

    /// A level of a buffer.
    pub fn level<'b>(&self, held: &'b Aligned, level: usize) -> &'b [f64] {
        &held.get()[self.at(level)..self.at(level) + self.pitch]
    }

    /// A level of a buffer, to be changed.
    pub fn level_mut<'b>(&self, held: &'b mut Aligned, level: usize) -> &'b mut [f64] {
        &mut held.get_mut()[self.at(level)..self.at(level) + self.pitch]
    }

    /// All levels of a buffer, to be changed.
    pub fn body_mut<'b>(&self, held: &'b mut Aligned) -> &'b mut [f64] {
        let end = self.at(self.levels);
        &mut held.get_mut()[self.halo..end]
    }
}

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
