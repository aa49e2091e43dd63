//! Generators and chains in discrete time against what is written apart from them: closed forms, brute force, numbers of
//! mpmath, and laws.

mod chain;
mod exponential;
mod hitting;
mod simulate;
mod transient;

use escalade::markov::Generator;
use escalade::markov::generator::Move;

/// A name for errors.
pub fn name(i: usize) -> String {
    format!("r{i}")
}

pub fn sparse(n: usize, moves: &[(usize, usize, f64)]) -> Generator {
    Generator::sparse(n, moves.to_vec(), &name).expect("rates that fit")
}

/// Neighbour moves on ladders of these sizes; each looks at the next one.
pub fn coupled(sizes: &[usize]) -> Generator {
    let mut moves = vec![];
    for (axis, &size) in sizes.iter().enumerate() {
        let looks: Vec<usize> = if axis + 1 < sizes.len() { vec![axis + 1] } else { vec![] };
        let contexts: usize = looks.iter().map(|&axis| sizes[axis]).product();
        for from in 0..size {
            for to in [from.wrapping_sub(1), from + 1].into_iter().filter(|&to| to < size) {
                let base = if to > from { 0.4 } else { 1.1 };
                let rates = (0..contexts).map(|k| base * (1.0 + 0.13 * k as f64 + 0.07 * from as f64)).collect();
                moves.push(Move { axis, from, to, looks: looks.clone(), rates });
            }
        }
    }
    Generator::coupled(sizes, &moves).expect("moves that fit")
}

/// The same generator with its moves listed.
pub fn listed(generator: &Generator) -> Generator {
    let mut moves = vec![];
    for i in 0..generator.len() {
        generator.row(i, |j, rate| moves.push((i, j, rate)));
    }
    sparse(generator.len(), &moves)
}

pub fn near(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1e-280), "{k}: {a:e} {b:e}");
    }
}
