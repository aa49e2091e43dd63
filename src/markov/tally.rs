//! What happens over a stretch, given both ends: expected moves and the time at each point, counted on the way back.
//!
//! For a forward row a and a backward column b, ∫ (a e^{Qs})_i (e^{Q(t−s)} b)_j ds = (1/Λ) Σ_u (a Pᵘ)_i (W_u)_j with
//! W_u = Pois(u+1; Λt) b + P W_{u+1}: the expected time at i for i = j and, times q_ij, the expected moves i → j. All terms
//! are nonnegative; nothing cancels. The rows a Pᵘ are kept where there is room and made again where not.

use super::carry::{Rows, rescale};
use super::dense::Dense;
use super::flow::{Flow, LONGEST, STEPS, Tally};
use super::frame::{Aligned, Step};
use super::poisson;
use super::rewind::Rewind;
use super::stencil::{Stencil, axpy_each, dot};
use crate::ground::limits;
use std::convert::Infallible;

/// Most bytes that the rows of one backward stretch take.
const STORED: f64 = 128e6;
/// Fewest rows that are kept of it, whatever their size.
const FEWEST: usize = 6;

/// Expected moves by tile and time at each point: what stretches of one generator add up before labels are looked at.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// In the layout of the tiles.
    pub moves: Vec<f64>,
    /// Days, weighted.
    pub spent: Vec<f64>,
}

impl Sheet {
    /// Nothing has happened yet.
    pub fn new(stencil: &Stencil) -> Self {
        Sheet { moves: vec![0.0; stencil.width()], spent: vec![0.0; stencil.space().len()] }
    }

    /// Of a computation that only asks for times: moves are not counted.
    pub fn times(stencil: &Stencil) -> Self {
        Sheet { moves: vec![], spent: vec![0.0; stencil.space().len()] }
    }

    /// Adds it up by label.
    pub fn collect(&self, stencil: &Stencil, tally: &mut Tally) {
        stencil.collect(&self.moves, &self.spent, &mut tally.moves, &mut tally.time);
    }
}

impl Flow<'_> {
    /// e^{Q length} · column, adding the stretch's expected statistics to `tally`, given the row that enters it.
    ///
    /// The statistics are those of the path given both ends, times `weight`.
    pub fn backward_tally(&self, row: &[f64], column: &[f64], length: f64, weight: f64, tally: &mut Tally) -> Vec<f64> {
        let mut sheet = Sheet::new(self.stencil);
        let column = self.backward_sheet((row, None), column, length, weight, &mut sheet, tally);
        sheet.collect(self.stencil, tally);
        column
    }

    /// The same with what the generator does on a sheet; `tally` gets what is watched beside it. The `rows` of
    /// [`Flow::forward_rows`], where they were kept, are not made again.
    pub fn backward_sheet(
        &self,
        (row, rows): (&[f64], Option<&Rows>),
        column: &[f64],
        length: f64,
        weight: f64,
        sheet: &mut Sheet,
        tally: &mut Tally,
    ) -> Vec<f64> {
        if self.lambda * length <= 0.0 {
            self.tally_rest(row, column, length, weight, sheet, tally);
            return column.to_vec();
        }
        let pieces = self.pieces(length);
        if pieces == 1 {
            return match self.is_dense(length) {
                true => Dense::new(self).backward_tally(row, column, length, weight, sheet, tally),
                false => self.tally_piece((row, rows), column, length, weight, sheet, tally),
            };
        }
        // Too many pieces for a row of each: pieces of pieces.
        let pieces = pieces.min(slots(row.len()));
        let piece = length / pieces as f64;
        let mut rows = vec![row.to_vec()];
        for k in 1..pieces {
            let mut next = self.forward(&rows[k - 1], piece).0;
            rescale(&mut next);
            rows.push(next);
        }
        let mut column = column.to_vec();
        for row in rows.iter().rev() {
            if self.control.stopped() {
                break;
            }
            column = self.backward_sheet((row, None), &column, piece, weight, sheet, tally);
            rescale(&mut column);
        }
        column
    }

    /// Nothing moves and nothing leaks: all of the stretch is time at risk where one is.
    fn tally_rest(&self, row: &[f64], column: &[f64], length: f64, weight: f64, sheet: &mut Sheet, tally: &mut Tally) {
        let n = self.points();
        let mut spent = vec![0.0; n];
        for (row, column) in row.chunks_exact(n).zip(column.chunks_exact(n)) {
            axpy_each(row, column, &mut spent);
        }
        let scale = weight * length / spent.iter().sum::<f64>();
        spent.iter_mut().for_each(|sum| *sum *= scale);
        let none: Vec<Vec<f64>> = self.drains.iter().map(|_| vec![0.0; n]).collect();
        self.record(&[], &spent, &none, sheet, tally);
    }

    fn tally_piece(
        &self,
        (row, kept): (&[f64], Option<&Rows>),
        column: &[f64],
        length: f64,
        weight: f64,
        sheet: &mut Sheet,
        tally: &mut Tally,
    ) -> Vec<f64> {
        let (n, room) = (self.points(), &self.room);
        let mut weights = poisson::weights(self.lambda * length, self.reach());
        let own = if kept.is_none() { self.rows(row, &weights, self::room()).map(|(rows, _)| rows) } else { None };
        let kept = kept.or(own.as_ref());
        weights.truncate(kept.map_or(weights.len(), |rows| rows.0.len()));
        // Where not all rows can be held at once.
        let mut again = kept.is_none().then(|| Rewind::new(room.hold(row), slots(row.len())));
        let end = room.hold(column);
        let mut moves = vec![0.0; self.stencil.width()];
        let mut spent = vec![0.0; n];
        let mut lifted: Vec<Vec<f64>> = self.drains.iter().map(|_| vec![0.0; n]).collect();
        // W_u, with W of the last step Pois(u+1) b, and what becomes W_{u−1}.
        let last = weights.len() - 1;
        let mut w = end.clone();
        w.get_mut().iter_mut().for_each(|x| *x *= weights[last]);
        let mut next = room.empty();
        let (mut none, mut gained) = (Aligned::zero(0), vec![0.0; self.levels]);
        for u in (0..last).rev() {
            if self.control.stopped() {
                break;
            }
            let made = again.as_mut().and_then(|again| {
                let made = again.at(u, |_, from: &Aligned, spare| {
                    if self.control.stopped() {
                        return Ok(None);
                    }
                    let mut to = spare.unwrap_or_else(|| room.empty());
                    self.step(from, &mut to, 0.0, &mut none, &mut gained);
                    Ok::<_, Infallible>(Some(to))
                });
                made.ok().flatten()
            });
            let Some(before) = made.as_ref().or_else(|| kept.map(|rows| &rows.0[u])) else { break };
            for level in 0..self.levels {
                axpy_each(&room.level(before, level)[..n], &room.level(&w, level)[..n], &mut spent);
            }
            self.arrived(&mut w);
            let (frame, _) = self.stencil.frames();
            for level in 0..self.levels {
                let (pool, stay) = (self.tiles.out.get(), self.stay.get());
                let step = Step { pool, scale: self.inverse, stay, x: w.get(), at: room.at(level) };
                let (out, add) = (room.level_mut(&mut next, level), room.level(&end, level));
                match sheet.moves.is_empty() {
                    true => frame.apply(&step, out, weights[u], &mut [], add),
                    false => frame.apply_tally(&step, before.get(), out, weights[u], add, &mut moves),
                }
            }
            for ((drain, rate), lifted) in self.drains.iter().zip(&self.lifts).zip(&mut lifted) {
                let Some(counter) = drain.counter else { continue };
                for level in (0..self.levels).filter(|&level| counter.keeps && counter.full(level)) {
                    let (column, out) = (room.level(&w, level), room.level_mut(&mut next, level));
                    (0..n).for_each(|x| out[x] += rate[x] * column[x]);
                }
                for level in (0..self.levels).filter(|&level| !counter.full(level)) {
                    let (row, column) = (room.level(before, level), room.level(&w, level + counter.stride));
                    let out = room.level_mut(&mut next, level);
                    for x in 0..n {
                        let gain = rate[x] * column[x];
                        out[x] += gain;
                        lifted[x] += row[x] * gain;
                    }
                }
            }
            if let (Some(again), Some(made)) = (&mut again, made) {
                again.give(made);
            }
            std::mem::swap(&mut w, &mut next);
        }
        let back = room.read(&w);
        let scale = weight / dot(row, &back);
        spent.iter_mut().for_each(|sum| *sum *= scale * self.inverse);
        lifted.iter_mut().for_each(|lifted| lifted.iter_mut().for_each(|sum| *sum *= scale));
        let moves = self.stencil.rated(self.tiles, &moves, scale * self.inverse);
        self.record(&moves, &spent, &lifted, sheet, tally);
        back
    }

    /// Adds expected moves (in the tiles' layout) and time at each point to a sheet, what is watched to its labels.
    pub(super) fn record(
        &self,
        moves: &[f64],
        spent: &[f64],
        lifted: &[Vec<f64>],
        sheet: &mut Sheet,
        tally: &mut Tally,
    ) {
        sheet.moves.iter_mut().zip(moves).for_each(|(sum, moves)| *sum += moves);
        sheet.spent.iter_mut().zip(spent).for_each(|(sum, spent)| *sum += spent);
        for (drain, lifted) in self.drains.iter().zip(lifted) {
            drain.label.runs(self.stencil.space(), |start, end, index| {
                let label = drain.label.table()[index] as usize;
                tally.time[label] += spent[start..end].iter().sum::<f64>();
                tally.moves[label] += lifted[start..end].iter().sum::<f64>();
            });
        }
    }
}

/// Bytes that the vectors may take which are kept for a backward pass, or for evidence that may be appended.
pub fn room() -> f64 {
    STORED.min(limits::memory() / (4.0 * rayon::current_num_threads() as f64))
}

/// Bytes that the rows of all stretches of a forward pass may take, so that the pass back does not make them again.
pub fn rows_kept() -> f64 {
    room() / 4.0
}

/// How many vectors of so many numbers a backward pass keeps: of one stretch, and as many of the steps between stretches.
pub fn slots(numbers: usize) -> usize {
    ((room() / (8.0 * numbers.max(1) as f64)) as usize).max(FEWEST)
}

/// The most vectors of so many numbers that [`Flow::backward_tally`] holds at once over `steps` steps in all, `reach` of
/// them the most moves that it can take to get anywhere; for accounts of memory.
pub fn rows_held(numbers: f64, steps: f64, reach: f64) -> f64 {
    let kept = slots(numbers.min(1e15) as usize) as f64;
    let piece = steps.min(LONGEST);
    let own = kept.min(piece + 8.5 * piece.sqrt() + 13.0 + reach) + 2.0;
    // Where the steps are without number the flow will be refused: see [`Flow::check`].
    let mut pieces = (steps.min(STEPS) / LONGEST).ceil();
    let mut above = 0.0;
    while pieces > 1.0 {
        above += pieces.min(kept);
        pieces = (pieces / kept).ceil();
    }
    own + above
}
