//! A generator by itself: the rates of the moves between n rungs, checked once; dense, sparse, or of coupled ladders.

use super::classes::Links;
use super::field::Field;
use super::gather::{self, Gather, Rows};
use super::space::Space;
use super::stencil::{Arc, NO_LABEL, Stencil, Tiles};
use crate::ground::{Error, Result, limits};
use nalgebra::DMatrix;
use std::sync::OnceLock;

/// How far a row's sum may lie from 0, relative to the sizes of its entries: what decimal input leaves.
const SUM: f64 = 1e-9;

/// Most rungs: their numbers take 32 bits.
const MOST: usize = u32::MAX as usize / 2;

/// Points of a block of coupled ladders, at least.
const BLOCK: usize = 512;

/// A move of one ladder among several: `from` → `to` along `axis`, at the rate that the coordinates along the axes in
/// `looks` name (ascending, the last fastest).
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    pub axis: usize,
    pub from: usize,
    pub to: usize,
    pub looks: Vec<usize>,
    pub rates: Vec<f64>,
}

/// The rates of the moves between n rungs, per unit of time; row i holds the moves out of rung i.
///
/// The diagonal is minus the sum of the moves, made here, never taken from outside. Cloning is as dear as building.
#[derive(Debug, Clone)]
pub struct Generator {
    /// Moves out of each rung.
    outgoing: Gather,
    /// Those of coupled ladders, made with `outgoing`; else on demand.
    incoming: OnceLock<Gather>,
    links: OnceLock<Links>,
    exit: Vec<f64>,
    space: Option<Space>,
}

impl Generator {
    /// From a dense matrix, row by row. A diagonal of zeros is filled in.
    ///
    /// # Errors
    /// An entry that is not finite, a negative rate, a row whose sum is not 0; `name(i)` says which rung.
    pub fn dense(rates: &[f64], n: usize, name: &dyn Fn(usize) -> String) -> Result<Self> {
        let mut moves = vec![];
        for i in 0..n {
            for j in 0..n {
                let rate = rates[i * n + j];
                if rate != 0.0 {
                    moves.push((i, j, rate));
                }
            }
        }
        Generator::sparse(n, moves, name)
    }

    /// From triplets (row, column, rate) in any order; what stands at one place is added up. A diagonal without an entry
    /// is filled in.
    ///
    /// # Errors
    /// As [`Generator::dense`], and places outside the matrix.
    pub fn sparse(n: usize, mut moves: Vec<(usize, usize, f64)>, name: &dyn Fn(usize) -> String) -> Result<Self> {
        if n == 0 || n > MOST {
            return Err(wrong(format!("it has {n} rungs; expected 1 to {MOST}")));
        }
        if let Some(&(i, j, _)) = moves.iter().find(|(i, j, _)| *i >= n || *j >= n) {
            return Err(wrong(format!("an entry stands at row {i}, column {j}; there are {n} rungs")));
        }
        let mut given = vec![0.0; n];
        let mut diagonal = false;
        for &(i, j, rate) in &moves {
            if !rate.is_finite() || (i != j && rate < 0.0) {
                let (from, to) = (name(i), name(j));
                let message = match i == j {
                    true => format!("row {i} (rung '{from}') has {rate} on its diagonal; expected a finite number"),
                    false => format!(
                        "row {i} (rung '{from}') has the rate {rate} to '{to}'; expected a finite number, 0 or more"
                    ),
                };
                return Err(wrong(message));
            }
            if i == j {
                given[i] += rate;
                diagonal |= rate != 0.0;
            }
        }
        moves.retain(|&(i, j, rate)| i != j && rate > 0.0);
        moves.sort_unstable_by_key(|&(i, j, _)| (i, j));
        let mut rows = Rows { starts: vec![0; n + 1], ..Rows::default() };
        let mut last = None;
        for (i, j, rate) in moves {
            match last == Some((i, j)) {
                true => *rows.values.last_mut().unwrap_or(&mut 0.0) += rate,
                false => {
                    rows.columns.push(j as u32);
                    rows.values.push(rate);
                    rows.starts[i + 1] += 1;
                }
            }
            last = Some((i, j));
        }
        for i in 0..n {
            rows.starts[i + 1] += rows.starts[i];
        }
        let exit: Vec<f64> = (0..n).map(|i| rows.row(i).fold(0.0, |sum, (_, rate)| sum + rate)).collect();
        for i in 0..n {
            if !exit[i].is_finite() {
                return Err(wrong(format!(
                    "row {i} (rung '{}'): its rates add up beyond what a number holds",
                    name(i)
                )));
            }
            let sum = exit[i] + given[i];
            if diagonal && sum.abs() > SUM * exit[i].max(-given[i]) {
                return Err(wrong(format!(
                    "row {i} (rung '{}') sums to {sum:e}; rows must sum to 0 within {SUM:e} of their rates",
                    name(i)
                )));
            }
        }
        Ok(Generator {
            outgoing: Gather::of(&rows),
            incoming: OnceLock::new(),
            links: OnceLock::new(),
            exit,
            space: None,
        })
    }

    /// Several ladders of the given sizes that move one at a time; their joint rungs have the last ladder fastest.
    ///
    /// # Errors
    /// A move whose axis, rungs or table do not fit, a rate that is not finite or negative; `TooLarge` where the joint
    /// space exceeds the memory allowed.
    ///
    /// # Complexity
    /// Time and memory are O(joint rungs / 512 · moves), and a few vectors.
    pub fn coupled(sizes: &[usize], moves: &[Move]) -> Result<Self> {
        let points = sizes.iter().map(|&size| size as f64).product::<f64>();
        if sizes.is_empty() || points < 1.0 || points > MOST as f64 {
            return Err(wrong(format!("it has {points} joint rungs; expected 1 to {MOST}")));
        }
        hold(8.0 * points * 6.0, &format!("{points} joint rungs"))?;
        let space = Space::new(sizes.to_vec());
        let mut rates = vec![];
        let mut arcs = vec![];
        for (number, m) in moves.iter().enumerate() {
            let rungs = sizes.get(m.axis).copied().unwrap_or(0);
            let contexts: usize = m.looks.iter().map(|&axis| sizes.get(axis).copied().unwrap_or(0)).product();
            let ascending = m.looks.windows(2).all(|pair| pair[0] < pair[1]) && !m.looks.contains(&m.axis);
            if m.from >= rungs || m.to >= rungs || m.from == m.to || !ascending || m.rates.len() != contexts {
                return Err(wrong(format!(
                    "move {number} ({} → {} of ladder {}, {} rates) does not fit {contexts} contexts of {rungs} rungs",
                    m.from,
                    m.to,
                    m.axis,
                    m.rates.len()
                )));
            }
            if let Some(rate) = m.rates.iter().find(|rate| !rate.is_finite() || **rate < 0.0) {
                return Err(wrong(format!(
                    "move {number} ({} → {} of ladder {}) has the rate {rate}; expected a finite number, 0 or more",
                    m.from, m.to, m.axis
                )));
            }
            let first = rates.len();
            rates.extend_from_slice(&m.rates);
            let mut context = 0;
            let label = Field::tabulate(&space, m.looks.clone(), |_| {
                let rate = m.rates[context];
                context += 1;
                if rate > 0.0 { (first + context - 1) as u32 } else { NO_LABEL }
            });
            arcs.push(Arc { axis: m.axis, from: m.from, to: m.to, label });
        }
        let mut seen: Vec<(usize, usize, usize)> = moves.iter().map(|m| (m.axis, m.from, m.to)).collect();
        seen.sort_unstable();
        if let Some(pair) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
            let (axis, from, to) = pair[0];
            return Err(wrong(format!("the move {from} → {to} of ladder {axis} is given twice")));
        }
        let stencil = Stencil::with_block(space, &arcs, BLOCK);
        let tiles = stencil.fill(&rates);
        let mut exit = vec![0.0; stencil.space().len()];
        stencil.exits(&tiles, &mut exit);
        if let Some(i) = exit.iter().position(|exit| !exit.is_finite()) {
            return Err(wrong(format!("joint rung {i}: its rates add up beyond what a number holds")));
        }
        Ok(Generator::labelled(&stencil, tiles, exit))
    }

    /// Of a structure with its rates filled in; `exit` is the total rate out of each point.
    pub fn labelled(stencil: &Stencil, tiles: Tiles, exit: Vec<f64>) -> Self {
        let (outgoing, incoming) = gather::of_stencil(stencil, tiles);
        Generator {
            outgoing: Gather::Banded(outgoing),
            incoming: Gather::Banded(incoming).into(),
            links: OnceLock::new(),
            exit,
            space: Some(stencil.space().clone()),
        }
    }

    /// Number of rungs.
    pub fn len(&self) -> usize {
        self.exit.len()
    }

    /// Whether there is no rung; there always is.
    pub fn is_empty(&self) -> bool {
        self.exit.is_empty()
    }

    /// The joint space of coupled ladders.
    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref()
    }

    /// Total rate out of each rung, per unit of time.
    pub fn exit(&self) -> &[f64] {
        &self.exit
    }

    /// Visits the moves out of a rung as (to, rate).
    pub fn row(&self, i: usize, visit: impl FnMut(usize, f64)) {
        self.outgoing.row(i, visit);
    }

    /// The off-diagonal part, to be applied to columns.
    pub fn outgoing(&self) -> &Gather {
        &self.outgoing
    }

    /// The transposed off-diagonal part, to be applied to rows.
    pub fn incoming(&self) -> &Gather {
        self.incoming.get_or_init(|| {
            let rows = self.outgoing.rows();
            Gather::of(&rows.turned(self.len()))
        })
    }

    /// Which rungs one move leads to.
    pub fn links(&self) -> &Links {
        self.links.get_or_init(|| {
            let mut links = Links { starts: vec![0], to: vec![] };
            for i in 0..self.len() {
                self.row(i, |j, _| links.to.push(j as u32));
                links.starts.push(links.to.len());
            }
            links
        })
    }

    /// The whole matrix, diagonal included.
    ///
    /// # Errors
    /// `TooLarge`.
    pub fn matrix(&self) -> Result<DMatrix<f64>> {
        let n = self.len();
        hold(8.0 * (n as f64).powi(2), &format!("the matrix of {n} rungs"))?;
        let mut matrix = DMatrix::zeros(n, n);
        for i in 0..n {
            self.row(i, |j, rate| matrix[(i, j)] = rate);
            matrix[(i, i)] = -self.exit[i];
        }
        Ok(matrix)
    }
}

/// The error of a generator.
pub(super) fn wrong(message: String) -> Error {
    Error::spec("generator", "the generator", message)
}

/// Refuses what would take more bytes than are allowed.
///
/// # Errors
/// `TooLarge`.
pub fn hold(bytes: f64, what: &str) -> Result<()> {
    let limit = limits::memory();
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("{what} would take {:.2e} bytes; {limit:.2e} are allowed", bytes);
    Err(Error::TooLarge { bytes, limit, message })
}
