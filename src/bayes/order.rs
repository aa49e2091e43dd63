//! Elimination orders: safe reductions, then greedy heuristics with random ties; the order with the smallest tables wins.
//!
//! Min-fill, weighted min-fill, min-weight and min-neighbours (Kjærulff 1990; Koller and Friedman 2009, 9.4.3): none wins
//! everywhere, so each is tried and the best is tried again with ties broken at random. Vertices whose neighbours are all
//! joined cost nothing and go first. Effort is counted in steps of work, not in seconds, so that the same network always
//! gets the same order.

use crate::ground::{Error, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use smallvec::SmallVec;

/// A short list of vertices or places, in place.
pub(super) type Near = SmallVec<[u32; 8]>;

/// An undirected graph over variables with numbers of states; the moral graph of what is asked.
#[derive(Debug, Clone)]
pub struct Graph {
    sizes: Vec<f64>,
    /// Ascending neighbours of each vertex.
    near: Vec<Near>,
}

/// What a vertex costs to eliminate, by which the next one is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Heuristic {
    Fill,
    WeightedFill,
    Weight,
    Neighbours,
}

const HEURISTICS: [Heuristic; 4] = [Heuristic::Fill, Heuristic::WeightedFill, Heuristic::Weight, Heuristic::Neighbours];

/// Most rounds with random ties, whatever the effort.
const ROUNDS: usize = 400;
/// Most work on an order, about a second: no query may hang before it is refused.
const MOST_WORK: f64 = 3e8;
/// Orders that are so many times too large are not tried again with other ties.
const FAR: f64 = 2.0;

/// An order, and the sum of the sizes of the tables that it makes, one a vertex.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub vertices: Vec<usize>,
    pub total: f64,
}

impl Graph {
    /// A graph without edges.
    pub fn new(sizes: Vec<usize>) -> Self {
        let near = vec![Near::new(); sizes.len()];
        Graph { sizes: sizes.into_iter().map(|size| size as f64).collect(), near }
    }

    /// Joins every two of some vertices.
    pub fn join(&mut self, vertices: &[usize]) {
        for &v in vertices {
            self.near[v].extend(vertices.iter().filter(|&&u| u != v).map(|&u| u as u32));
        }
    }

    /// Sorts neighbours; call once after the last `join`.
    pub fn settle(&mut self) {
        for near in &mut self.near {
            near.sort_unstable();
            near.dedup();
        }
    }

    /// Ascending neighbours of a vertex.
    pub fn near(&self, v: usize) -> &[u32] {
        &self.near[v]
    }

    fn joined(&self, u: u32, v: u32) -> bool {
        self.near[u as usize].binary_search(&v).is_ok()
    }

    fn simplicial(&self, v: usize) -> bool {
        let near = &self.near[v];
        near.iter().enumerate().all(|(i, &u)| near[i + 1..].iter().all(|&w| self.joined(u, w)))
    }

    fn weight(&self, v: usize) -> f64 {
        self.near[v].iter().fold(self.sizes[v], |size, &u| size * self.sizes[u as usize])
    }

    fn remove(&mut self, v: usize) {
        for u in std::mem::take(&mut self.near[v]) {
            if let Ok(at) = self.near[u as usize].binary_search(&(v as u32)) {
                self.near[u as usize].remove(at);
            }
        }
    }

    /// An order of all vertices; those marked `late` come after all others, in an order of their own. Rounds with random
    /// ties go on while they have taken less than `effort` times the work that the tables themselves will take, and while
    /// these are not far from `most` entries.
    ///
    /// # Errors
    /// `Error::TooLarge` where the search itself would take more than `limit` bytes.
    pub fn order(&self, late: Option<&[bool]>, effort: f64, most: f64, limit: f64) -> Result<Order> {
        let mut left = self.clone();
        left.reduce(late, effort, most, limit)
    }

    fn reduce(&mut self, late: Option<&[bool]>, effort: f64, most: f64, limit: f64) -> Result<Order> {
        let is_late = |v: usize| late.is_some_and(|late| late[v]);
        let mut gone = vec![false; self.sizes.len()];
        let mut vertices = Vec::with_capacity(self.sizes.len());
        let mut total = 0.0;
        // Safe reductions.
        let mut ahead: Vec<usize> = (0..self.sizes.len()).rev().filter(|&v| !is_late(v)).collect();
        let mut waits = vec![true; self.sizes.len()];
        while let Some(v) = ahead.pop() {
            waits[v] = false;
            if gone[v] || is_late(v) || !self.simplicial(v) {
                continue;
            }
            gone[v] = true;
            vertices.push(v);
            total += self.weight(v);
            for &u in &self.near[v] {
                if !std::mem::replace(&mut waits[u as usize], true) {
                    ahead.push(u as usize);
                }
            }
            self.remove(v);
        }
        let rest: Vec<usize> = (0..self.sizes.len()).filter(|&v| !gone[v]).collect();
        if !rest.is_empty() {
            afford(rest.len(), limit)?;
            let core = Core::new(self, &rest, is_late);
            let best = core.best(total, effort, most);
            total += best.total;
            vertices.extend(best.vertices.into_iter().map(|i| rest[i]));
        }
        Ok(Order { vertices, total })
    }
}

/// Refuses a core whose bit rows, and their copy in a round, are too many.
fn afford(vertices: usize, limit: f64) -> Result<()> {
    let bytes = 16.0 * vertices as f64 * vertices.div_ceil(64) as f64;
    if bytes <= limit {
        return Ok(());
    }
    let message = format!(
        "the search for an order of {vertices} variables that hang together takes {bytes:.3e} bytes and {limit:.3e} are \
         allowed"
    );
    Err(Error::TooLarge { bytes, limit, message })
}

/// What reductions leave, as bit rows.
struct Core {
    words: usize,
    rows: Vec<u64>,
    sizes: Vec<f64>,
    late: Vec<bool>,
}

/// A core while an order is being made.
struct Round<'a> {
    core: &'a Core,
    rows: Vec<u64>,
    alive: Vec<u32>,
    score: Vec<f64>,
    heuristic: Heuristic,
    work: f64,
}

impl Core {
    fn new(graph: &Graph, rest: &[usize], late: impl Fn(usize) -> bool) -> Self {
        let words = rest.len().div_ceil(64);
        let mut index = vec![u32::MAX; graph.sizes.len()];
        rest.iter().enumerate().for_each(|(i, &v)| index[v] = i as u32);
        let mut rows = vec![0u64; rest.len() * words];
        for (i, &v) in rest.iter().enumerate() {
            for &u in &graph.near[v] {
                let j = index[u as usize] as usize;
                rows[i * words + j / 64] |= 1 << (j % 64);
            }
        }
        let sizes = rest.iter().map(|&v| graph.sizes[v]).collect();
        Core { words, rows, sizes, late: rest.iter().map(|&v| late(v)).collect() }
    }

    fn best(&self, reduced: f64, effort: f64, most: f64) -> Order {
        let mut best = Order { vertices: vec![], total: f64::INFINITY };
        // The first one counts even where its tables are past all numbers.
        let better = |order: &Order, best: &Order| order.total < best.total || best.vertices.is_empty();
        let mut winner = Heuristic::Fill;
        let mut work = 0.0;
        for heuristic in HEURISTICS {
            // Even a second heuristic must be worth it: small tables are done before it is.
            if best.total < f64::INFINITY && work >= (effort * (reduced + best.total)).min(MOST_WORK) {
                break;
            }
            let (order, spent) = self.round(heuristic, best.total, None);
            work += spent;
            if let Some(order) = order
                && better(&order, &best)
            {
                (best, winner) = (order, heuristic);
            }
        }
        let mut rng = crate::ground::random::stream(0, 0);
        for round in 0..ROUNDS {
            if work >= (effort * (reduced + best.total)).min(MOST_WORK) || best.total >= FAR * most {
                break;
            }
            // The winner and the two fills take turns: ties are where they differ.
            let heuristic = [winner, Heuristic::Fill, winner, Heuristic::WeightedFill][round % 4];
            let (order, spent) = self.round(heuristic, best.total, Some(&mut rng));
            work += spent;
            if let Some(order) = order
                && better(&order, &best)
            {
                (best, winner) = (order, heuristic);
            }
        }
        best
    }

    /// One greedy order; none once it costs more than `limit`. Also the work that it took.
    fn round(&self, heuristic: Heuristic, limit: f64, mut rng: Option<&mut ChaCha8Rng>) -> (Option<Order>, f64) {
        let n = self.sizes.len();
        let mut round = Round {
            core: self,
            rows: self.rows.clone(),
            alive: (0..n as u32).collect(),
            score: vec![0.0; n],
            heuristic,
            work: n as f64 * self.words as f64,
        };
        (0..n).for_each(|v| round.rescore(v));
        let mut order = Order { vertices: Vec::with_capacity(n), total: 0.0 };
        let mut late = self.late.iter().all(|late| *late);
        let mut early = self.late.iter().filter(|late| !**late).count();
        while !round.alive.is_empty() {
            let v = round.next(late, rng.as_deref_mut());
            order.total += round.eliminate(v);
            order.vertices.push(v);
            if !late {
                early -= 1;
                late = early == 0;
            }
            if order.total > limit {
                return (None, round.work);
            }
        }
        (Some(order), round.work)
    }
}

impl Round<'_> {
    fn row(&self, v: usize) -> &[u64] {
        &self.rows[v * self.core.words..(v + 1) * self.core.words]
    }

    /// The vertex to take next, taken out of `alive`.
    fn next(&mut self, late: bool, rng: Option<&mut ChaCha8Rng>) -> usize {
        let mut best = f64::INFINITY;
        let (mut at, mut ties) = (0, 0u32);
        let mut rng = rng;
        for (i, &v) in self.alive.iter().enumerate() {
            if !late && self.core.late[v as usize] {
                continue;
            }
            let score = self.score[v as usize];
            if score < best {
                (best, at, ties) = (score, i, 1);
            } else if score == best
                && let Some(rng) = rng.as_deref_mut()
            {
                ties += 1;
                if rng.random_range(0..ties) == 0 {
                    at = i;
                }
            }
        }
        self.work += self.alive.len() as f64 * 0.5;
        self.alive.swap_remove(at) as usize
    }

    /// Removes a vertex, joins its neighbours, and gives the size of its table.
    fn eliminate(&mut self, v: usize) -> f64 {
        let words = self.core.words;
        let near: SmallVec<[u64; 4]> = SmallVec::from_slice(self.row(v));
        let mut size = self.core.sizes[v];
        let mut filled = false;
        let neighbours: SmallVec<[usize; 16]> = bits(&near).collect();
        for &u in &neighbours {
            size *= self.core.sizes[u];
            let row = &mut self.rows[u * words..(u + 1) * words];
            for (word, more) in row.iter_mut().zip(&near) {
                let joined = *word | more;
                filled |= joined != *word;
                *word = joined;
            }
            row[u / 64] &= !(1 << (u % 64));
            row[v / 64] &= !(1 << (v % 64));
        }
        self.work += (neighbours.len() * words) as f64;
        for &u in &neighbours {
            self.rescore(u);
        }
        if filled && matches!(self.heuristic, Heuristic::Fill | Heuristic::WeightedFill) {
            // Farther vertices that see two of the neighbours: a pair that they miss may have been joined.
            let mut once: SmallVec<[u64; 4]> = SmallVec::from_elem(0, words);
            let mut twice = once.clone();
            for &u in &neighbours {
                for ((once, twice), row) in once.iter_mut().zip(&mut twice).zip(&self.rows[u * words..]) {
                    *twice |= *once & row;
                    *once |= row;
                }
            }
            twice.iter_mut().zip(&near).for_each(|(word, near)| *word &= !near);
            let farther: SmallVec<[usize; 16]> = bits(&twice).collect();
            farther.into_iter().for_each(|w| self.rescore(w));
        }
        size
    }

    fn rescore(&mut self, v: usize) {
        let words = self.core.words;
        let sizes = &self.core.sizes;
        let row = self.row(v);
        let mut score = 0.0;
        let mut degree = 0usize;
        match self.heuristic {
            Heuristic::Fill => {
                let mut missing = 0u32;
                for u in bits(row) {
                    degree += 1;
                    let other = &self.rows[u * words..(u + 1) * words];
                    missing += row.iter().zip(other).map(|(a, b)| (a & !b).count_ones()).sum::<u32>() - 1;
                }
                score = f64::from(missing);
            }
            Heuristic::WeightedFill => {
                for u in bits(row) {
                    degree += 1;
                    let other = &self.rows[u * words..(u + 1) * words];
                    let mut missing = -sizes[u];
                    for (i, (a, b)) in row.iter().zip(other).enumerate() {
                        let mut left = a & !b;
                        while left != 0 {
                            missing += sizes[i * 64 + left.trailing_zeros() as usize];
                            left &= left - 1;
                        }
                    }
                    score += sizes[u] * missing;
                }
            }
            Heuristic::Weight => score = bits(row).fold(sizes[v], |size, u| size * sizes[u]),
            Heuristic::Neighbours => score = bits(row).count() as f64,
        }
        self.work += ((degree + 1) * words) as f64;
        self.score[v] = score;
    }
}

/// The positions of the bits that are set, ascending.
fn bits(row: &[u64]) -> impl Iterator<Item = usize> + '_ {
    row.iter().enumerate().flat_map(|(i, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let at = left.trailing_zeros() as usize;
                left &= left - 1;
                i * 64 + at
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(side: usize, size: usize) -> Graph {
        let mut graph = Graph::new(vec![size; side * side]);
        for i in 0..side {
            for j in 0..side {
                if i + 1 < side {
                    graph.join(&[i * side + j, (i + 1) * side + j]);
                }
                if j + 1 < side {
                    graph.join(&[i * side + j, i * side + j + 1]);
                }
            }
        }
        graph.settle();
        graph
    }

    #[test]
    fn a_tree_costs_its_edges() {
        let mut graph = Graph::new(vec![3; 50]);
        (1..50).for_each(|v| graph.join(&[v / 2, v]));
        graph.settle();
        let order = graph.order(None, 1.0, 1e15, 1e9).unwrap();
        assert_eq!(order.total, 49.0 * 9.0 + 3.0);
        let mut seen = order.vertices.clone();
        seen.sort_unstable();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn a_grid_is_cut_along_its_side() {
        // No table of a side × side grid need hold more than side + 1 vertices.
        let order = grid(6, 2).order(None, 1000.0, 1e15, 1e9).unwrap();
        assert!(order.total <= 36.0 * 128.0, "{}", order.total);
    }

    #[test]
    fn a_search_too_large_is_refused() {
        let refused = grid(30, 2).order(None, 1.0, 1e15, 1e5);
        assert!(matches!(refused, Err(Error::TooLarge { bytes, .. }) if bytes > 1e5));
    }

    #[test]
    fn late_vertices_come_last() {
        let late: Vec<bool> = (0..36).map(|v| v % 7 == 0).collect();
        let order = grid(6, 2).order(Some(&late), 1.0, 1e15, 1e9).unwrap();
        let first = order.vertices.iter().position(|&v| late[v]).unwrap();
        assert!(order.vertices[first..].iter().all(|&v| late[v]));
        assert_eq!(order.vertices.len(), 36);
    }

    #[test]
    fn the_same_graph_gets_the_same_order() {
        assert_eq!(grid(5, 3).order(None, 50.0, 1e15, 1e9).unwrap(), grid(5, 3).order(None, 50.0, 1e15, 1e9).unwrap());
    }
}
