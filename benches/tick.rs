//! Hidden chains of 8 states: forward, and forward with backward, over 1,000 sequences of 200 steps.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use escalade::ground::Control;
use escalade::markov::tick::{Counts, Forward, Steps, Tables, backward, forward, padded};
use std::hint::black_box;

fn steps(c: &mut Criterion) {
    let control = Control::default();
    let mut group = c.benchmark_group("tick");
    group.sample_size(20);
    for k in [2usize, 4, 8, 12, 16, 24] {
        let mut seed = 1u64;
        let mut next = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 40) as f64 / (1u64 << 24) as f64
        };
        let mut law = |rows: usize, n: usize| -> Vec<f64> {
            (0..rows)
                .flat_map(|_| {
                    let row: Vec<f64> = (0..n).map(|_| 0.1 + next()).collect();
                    let sum: f64 = row.iter().sum();
                    row.into_iter().map(|x| x / sum).collect::<Vec<_>>()
                })
                .collect()
        };
        let tables = Tables::new(k, &law(k, k));
        let first = padded(&law(1, k), k);
        let rows = padded(&law(12, k), k);
        let symbols: Vec<u32> = (0..200_000).map(|_| (next() * 12.0) as u32).collect();
        let logs = [0.0; 12];
        let sequences: Vec<Steps> = symbols
            .chunks(200)
            .map(|s| Steps {
                first: &first,
                tables: None,
                rows: &rows,
                logs: &logs,
                symbols: Some(s),
                len: 200,
                weight: 1.0,
            })
            .collect();
        group.throughput(Throughput::Elements(200_000));
        group.bench_function(format!("forward {k}"), |b| {
            let mut out = vec![Forward::default(); 4];
            b.iter(|| {
                for four in sequences.chunks(4) {
                    forward(&tables, four, false, &mut out, &control).expect("not stopped");
                    black_box(out[0].log);
                }
            })
        });
        group.bench_function(format!("both {k}"), |b| {
            let mut out = vec![Forward::default(); 4];
            b.iter(|| {
                let mut counts = Counts::new(&tables);
                let mut seen = vec![0.0; 12 * tables.width()];
                for four in sequences.chunks(4) {
                    forward(&tables, four, true, &mut out, &control).expect("not stopped");
                    backward(&tables, four, &mut out, &mut counts, Some(&mut seen), &control).expect("not stopped");
                }
                black_box(counts.moves(&tables));
            })
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
