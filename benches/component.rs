//! One component of 110,592 joint rungs with 20 developments: forward, and the gradient.
//!
//! Throughput counts (joint state, move, step): its inverse is the time of one.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use escalade::escalation::dossier::Dossier;
use escalade::escalation::engine::Prepared;
use escalade::escalation::model::Model;
use escalade::escalation::spec::{DossierSpec, ModelSpec};
use escalade::ground::Control;
use escalade::markov::poisson;
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;

const SIZES: [usize; 9] = [4, 4, 3, 4, 4, 3, 4, 4, 3];
const UP: f64 = 0.01;
const DOWN: f64 = 0.02;
const FACTOR: f64 = 1.5;
/// Days between developments.
const GAP: f64 = 7.0;

fn rung(k: usize) -> String {
    format!("r{k}")
}

/// A chain of ladders, each pushed up by the next one, and a state sighting of one of them each week.
fn world() -> (Model, Dossier) {
    let ladders: Vec<Value> = SIZES
        .iter()
        .enumerate()
        .map(|(l, &size)| {
            let effects: Vec<Value> = (l + 1 < SIZES.len())
                .then(|| {
                    let when = json!({"ladder": format!("l{}", l + 1), "at_least": "r1"});
                    json!({"when": when, "moves": "up", "factor": FACTOR, "spread": 1.5})
                })
                .into_iter()
                .collect();
            json!({
                "name": format!("l{l}"), "rungs": (0..size).map(rung).collect::<Vec<_>>(), "start": "r0",
                "rate": [{"moves": "up", "rate": UP, "per": "day", "spread": 2.0},
                         {"moves": "down", "rate": DOWN, "per": "day", "spread": 2.0}],
                "effect": effects,
            })
        })
        .collect();
    let developments: Vec<Value> = (0..20)
        .map(|k| {
            let saw = json!({"ladder": format!("l{}", k % SIZES.len()), "at_least": "r1"});
            let day = date((k + 1) * GAP as usize);
            json!({"id": format!("d{k}"), "saw": saw, "on": day, "hit": 0.8, "false_alarm": 0.3})
        })
        .collect();
    let model: ModelSpec =
        serde_json::from_value(json!({"name": "chain", "origin": "2024-01-01", "ladder": ladders})).expect("a tree");
    let dossier: DossierSpec =
        serde_json::from_value(json!({"as_of": "2024-06-01", "development": developments})).expect("a tree");
    let model = Model::compile(&model).expect("a model");
    let dossier = Dossier::compile(&dossier, &model).expect("a dossier");
    (model, dossier)
}

/// The date so many days after 1 January 2024.
fn date(days: usize) -> String {
    escalade::ground::time::Clock::new("2024-01-01").expect("a date").date_of(days as f64)
}

fn component(c: &mut Criterion) {
    let (model, dossier) = world();
    let model = Arc::new(model);
    let control = Control::default();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let prepared = Prepared::new(&model, &dossier, &[], &[]).expect("plans");
    let start = model.parameters.start();
    let values = model.parameters.values(&start);
    let last = SIZES.len() - 1;
    let lambda = 1.02 * (last as f64 * (UP * FACTOR + DOWN) + UP + DOWN);
    let reach: usize = SIZES.iter().map(|size| size - 1).sum();
    let mut steps = 19 * poisson::weights(lambda * GAP, reach).len();
    steps += poisson::weights(lambda * (GAP + 0.5), reach).len();
    steps += poisson::weights(lambda * (dossier.as_of - 20.0 * GAP - 0.5), reach).len();
    let states: usize = SIZES.iter().product();
    let moves: f64 = SIZES.iter().map(|&size| 2.0 * (size - 1) as f64 / size as f64).sum();

    let mut group = c.benchmark_group(format!("{states} joint rungs, 20 developments, {steps} steps"));
    group.sample_size(10);
    group.throughput(Throughput::Elements((states as f64 * moves * steps as f64) as u64));
    group.bench_function("forward, one core", |b| {
        b.iter(|| one.install(|| black_box(prepared.forward(values.clone(), &control).expect("weights"))));
    });
    group.bench_function("gradient, one core", |b| {
        b.iter(|| one.install(|| black_box(prepared.posterior(&start, &control).expect("a gradient"))));
    });
    group.finish();
}

criterion_group!(benches, component);
criterion_main!(benches);
