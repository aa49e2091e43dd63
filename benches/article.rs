//! The article's model: conditioned on its dossier with all its questions answered, one gradient, one fit.

use criterion::{Criterion, criterion_group, criterion_main};
use escalade::escalation::answer::Asked;
use escalade::escalation::dossier::Dossier;
use escalade::escalation::engine::Prepared;
use escalade::escalation::fit::learn;
use escalade::escalation::fitted::Fitted;
use escalade::escalation::model::Model;
use escalade::escalation::onward::{Fills, Parts};
use escalade::escalation::question::Question;
use escalade::escalation::read::{dossier_from_toml, model_from_toml, questions_from_toml};
use escalade::ground::Control;
use std::hint::black_box;
use std::sync::Arc;

fn article(c: &mut Criterion) {
    let model = model_from_toml(include_str!("../python/escalade/data/article/model.toml"), None).expect("a model");
    let spec =
        dossier_from_toml(include_str!("../python/escalade/data/article/dossier.toml"), None).expect("a dossier");
    let asked =
        questions_from_toml(include_str!("../python/escalade/data/article/questions.toml"), None).expect("questions");
    let model = Arc::new(Model::compile(&model).expect("a model that compiles"));
    let dossier = Dossier::compile(&spec, &model).expect("a dossier that compiles");
    let compile = |question| Question::compile(question, &model, dossier.as_of).expect("a question that compiles");
    let questions: Vec<Question> = asked.question.iter().map(compile).collect();
    let control = Control::default();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let start = model.parameters.start();
    let prepared = Prepared::new(&model, &dossier, &[], &[]).expect("plans");

    let mut group = c.benchmark_group("article");
    group.sample_size(10);
    group.bench_function("condition and answer all questions, one core", |b| {
        b.iter(|| {
            one.install(|| {
                let fitted = Fitted::fixed(model.clone(), spec.clone(), None, &control).expect("evidence that fits");
                black_box(fitted.ask(&questions, &control).expect("answers"));
            });
        });
    });
    group.bench_function("compile the plans", |b| {
        b.iter(|| black_box(Prepared::new(&model, &dossier, &[], &[]).expect("plans")));
    });
    group.bench_function("forward, one core", |b| {
        let values = model.parameters.values(&start);
        b.iter(|| one.install(|| black_box(prepared.forward(values.clone(), &control).expect("weights"))));
    });
    let evaluated = prepared.forward(model.parameters.values(&start), &control).expect("weights");
    group.bench_function("compile the questions", |b| {
        b.iter(|| {
            let mut known = Parts::default();
            for question in &questions {
                black_box(Asked::new(&prepared, question, &[], &mut known).expect("a plan"));
            }
        });
    });
    let mut known = Parts::default();
    let compiled: Vec<Asked> =
        questions.iter().map(|question| Asked::new(&prepared, question, &[], &mut known).expect("a plan")).collect();
    group.bench_function("answer all questions, one core", |b| {
        b.iter(|| {
            let mut fills = Fills::default();
            for asked in &compiled {
                black_box(asked.answer(&prepared, &evaluated, &mut fills, &control).expect("an answer"));
            }
        });
    });
    group.bench_function("gradient, one core", |b| {
        b.iter(|| one.install(|| black_box(prepared.posterior(&start, &control).expect("a gradient"))));
    });
    group.bench_function("fit, one core", |b| {
        b.iter(|| one.install(|| black_box(learn(&prepared, &dossier, &control).expect("a mode"))));
    });
    group.bench_function("fit, all cores", |b| {
        b.iter(|| black_box(learn(&prepared, &dossier, &control).expect("a mode")))
    });
    group.finish();
}

criterion_group!(benches, article);
criterion_main!(benches);
