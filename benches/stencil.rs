//! One step of the stencil on coupled ladders: time per joint state, move and step, from 10^2 to 10^6 joint rungs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use escalade::ground::Control;
use escalade::markov::{Arc, Field, Flow, Space, Stencil};
use std::hint::black_box;

/// Neighbour moves both ways on every axis of size 4 or so; each axis looks at the next one.
fn stencil(sizes: Vec<usize>) -> (Stencil, usize) {
    let space = Space::new(sizes);
    let mut arcs = vec![];
    let mut label = 0;
    for axis in 0..space.sizes().len() {
        for from in 0..space.sizes()[axis] {
            for to in [from.wrapping_sub(1), from + 1].into_iter().filter(|&to| to < space.sizes()[axis]) {
                let looks = if axis + 1 < space.sizes().len() { vec![axis + 1] } else { vec![] };
                let label = Field::tabulate(&space, looks, |_| {
                    label += 1;
                    label - 1
                });
                arcs.push(Arc { axis, from, to, label });
            }
        }
    }
    (Stencil::new(space, &arcs), label as usize)
}

fn steps(c: &mut Criterion) {
    let control = Control::default();
    let mut group = c.benchmark_group("stencil");
    group.sample_size(10);
    for sizes in [vec![4, 3, 3, 4], vec![4, 3, 3, 4, 4, 3, 3], vec![4, 4, 3, 4, 4, 3, 4, 4, 3], vec![4; 10]] {
        let (stencil, labels) = stencil(sizes);
        let rates: Vec<f64> = (0..labels).map(|k| 0.01 + 0.001 * (k % 7) as f64).collect();
        let tiles = stencil.fill(&rates);
        let n = stencil.space().len();
        let mut exit = vec![0.0; n];
        stencil.exits(&tiles, &mut exit);
        let flow = Flow::new(&stencil, &tiles, &exit, &rates, vec![], vec![], 1, &control);
        let row = vec![1.0 / n as f64; n];
        let steps = 50;
        let mut moves = 0u64;
        stencil.each(|_, _, _| moves += 1);
        // Elements are (joint state, move, step): the rate's inverse is the time of one.
        group.throughput(Throughput::Elements(moves * (steps - 1) as u64));
        group.bench_with_input(BenchmarkId::new("series", n), &n, |b, _| {
            b.iter(|| {
                flow.series(&row, steps, |_, current| {
                    black_box(current[0]);
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
