//! Reading BIF: a network made here, and those of the Bayesian Network Repository where they lie beside the checkout.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use escalade::bayes::formats::bif;
use flate2::read::GzDecoder;
use std::fmt::Write;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;

/// A chain of variables of so many states, each given the two before it.
fn synthetic(variables: usize, states: usize) -> String {
    let names: Vec<String> = (0..states).map(|s| format!("state{s}")).collect();
    let mut text = String::from("network chain {\n}\n");
    for v in 0..variables {
        let list = names.join(", ");
        writeln!(text, "variable v{v} {{\n  type discrete [ {states} ] {{ {list} }};\n}}").unwrap();
    }
    let row = vec![format!("{:.6e}", 1.0 / states as f64); states].join(", ");
    for v in 0..variables {
        if v < 2 {
            writeln!(text, "probability ( v{v} ) {{\n  table {row};\n}}").unwrap();
            continue;
        }
        writeln!(text, "probability ( v{v} | v{}, v{} ) {{", v - 1, v - 2).unwrap();
        for (first, second) in names.iter().flat_map(|a| names.iter().map(move |b| (a, b))) {
            writeln!(text, "  ({first}, {second}) {row};").unwrap();
        }
        writeln!(text, "}}").unwrap();
    }
    text
}

/// The text of a network of the repository, if it is there.
fn shared(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../shared/networks/{name}.bif.gz"));
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
    Some(text)
}

fn formats(c: &mut Criterion) {
    let made = [("synthetic".to_string(), synthetic(200, 8))];
    let found = ["alarm", "diabetes", "munin"].into_iter().filter_map(|name| Some((name.to_string(), shared(name)?)));
    for (name, text) in made.into_iter().chain(found) {
        let document = bif::read(&text, None).unwrap();
        let mut group = c.benchmark_group("bif");
        group.sample_size(20).throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("read", &name), |b| b.iter(|| bif::read(black_box(&text), None)));
        group.bench_function(BenchmarkId::new("write", &name), |b| b.iter(|| bif::write(black_box(&document))));
        group.finish();
    }
}

criterion_group!(benches, formats);
criterion_main!(benches);
