//! A stencil of several blocks is the matrix of its moves, whatever outer axes the labels look at.

use escalade::markov::{Arc, Field, NO_LABEL, Space, Stencil};

/// Labels are shared, so that one label names moves in several blocks.
const LABELS: u32 = 97;
const TOLERANCE: f64 = 1e-12;

/// Neighbour moves of every axis; the members of one diagonal look at different axes, outer ones too.
fn arcs(space: &Space) -> Vec<Arc> {
    let axes = space.sizes().len();
    let (mut arcs, mut next) = (vec![], 0u32);
    for axis in 0..axes {
        for from in 0..space.sizes()[axis] - 1 {
            let looks: Vec<usize> = match from % 3 {
                0 => vec![],
                1 => vec![(axis + 2) % axes],
                _ => vec![(axis + 4) % axes, (axis + 1) % axes],
            };
            for (from, to) in [(from, from + 1), (from + 1, from)] {
                let label = Field::tabulate(space, looks.clone(), |digits| {
                    next += 1;
                    // In one context of several there is no such move.
                    if digits.first() == Some(&1) && to > from { NO_LABEL } else { next % LABELS }
                });
                arcs.push(Arc { axis, from, to, label });
            }
        }
    }
    arcs
}

/// Every move, one by one, as (from point, to point, label).
fn moves(space: &Space, arcs: &[Arc]) -> Vec<(usize, usize, usize)> {
    let mut all = vec![];
    for arc in arcs {
        for x in (0..space.len()).filter(|&x| space.digit(x, arc.axis) == arc.from) {
            let label = *arc.label.at(space, x);
            if label != NO_LABEL {
                let mut digits = space.digits(x);
                digits[arc.axis] = arc.to;
                all.push((x, space.index(&digits), label as usize));
            }
        }
    }
    all
}

fn numbers(n: usize, factor: usize) -> Vec<f64> {
    (0..n).map(|x| (1 + (x * factor + 11) % 101) as f64).collect()
}

fn near(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    for (k, (a, b)) in found.iter().zip(wanted).enumerate() {
        assert!((a - b).abs() <= TOLERANCE * b.abs(), "{k}: {a}, wanted {b}");
    }
}

fn check(sizes: &[usize]) {
    let space = Space::new(sizes.to_vec());
    let arcs = arcs(&space);
    let (n, labels) = (space.len(), LABELS as usize);
    let rates: Vec<f64> = (0..labels).map(|label| 0.5 + label as f64).collect();
    let (row, column, spent) = (numbers(n, 37), numbers(n, 53), numbers(n, 29));
    let mut forward = vec![0.0; n];
    let (mut backward, mut exits) = (forward.clone(), forward.clone());
    let (mut counts, mut time) = (vec![0.0; labels], vec![0.0; labels]);
    let all = moves(&space, &arcs);
    for &(x, y, label) in &all {
        forward[y] += rates[label] * row[x];
        backward[x] += rates[label] * column[y];
        exits[x] += rates[label];
        counts[label] += rates[label] * row[x] * column[y];
        time[label] += spent[x];
    }
    let stencil = Stencil::new(space, &arcs);
    let tiles = stencil.fill(&rates);
    let mut e = vec![0.0; n];
    let (f, b) = (stencil.forward(&tiles, &row), stencil.backward(&tiles, &column));
    stencil.exits(&tiles, &mut e);
    near(&f, &forward);
    near(&b, &backward);
    near(&e, &exits);
    let tally = stencil.tally(&tiles, &row, &column);
    let (mut moved, mut stayed) = (vec![0.0; labels], vec![0.0; labels]);
    stencil.collect(&tally, &spent, &mut moved, &mut stayed);
    near(&moved, &counts);
    near(&stayed, &time);
    let mut each = vec![];
    stencil.each(|x, y, slot| each.push((x, y, tiles.at(slot).to_bits())));
    let mut wanted: Vec<_> = all.iter().map(|&(x, y, label)| (x, y, rates[label].to_bits())).collect();
    each.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(each, wanted);
}

#[test]
fn a_stencil_of_many_blocks_is_its_matrix() {
    check(&[3, 2, 4, 3, 4, 3]); // six blocks of 144 points
    check(&[3, 4, 4, 4]); // three of 64
    check(&[2, 5, 70]); // ten, cut at the last axis
}

#[test]
fn a_stencil_of_one_block_is_its_matrix() {
    check(&[3, 4]);
    check(&[4, 3, 3, 3]);
}
