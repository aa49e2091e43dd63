//! The sweep in CPU time of one thread: conditioning, answers, gradient, appending; from 10^2 to 10^7 joint rungs.
//!
//! `cargo bench --bench engine -- [article] [component] [network] [large] [growth]`; without a word, the first three. Medians; CPU time
//! where the kernel tells it, so that neighbours on the machine disturb less.

use escalade::escalation::answer::Asked;
use escalade::escalation::dossier::Dossier;
use escalade::escalation::engine::Prepared;
use escalade::escalation::fitted::Fitted;
use escalade::escalation::model::Model;
use escalade::escalation::onward::{Fills, Parts};
use escalade::escalation::question::Question;
use escalade::escalation::read::{dossier_from_toml, model_from_toml, questions_from_toml};
use escalade::escalation::spec::{DossierSpec, ModelSpec, QuestionSpec};
use escalade::ground::Control;
use serde_json::{Value, json};
use std::hint::black_box;
use std::sync::Arc;

/// Seconds that this thread has computed; the kernel brings its count up to date when the thread gives way.
fn cpu() -> f64 {
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    spent.map_or_else(|| START.elapsed().as_secs_f64(), |spent| spent * 1e-9)
}

static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);

/// Most memory that the process has taken, bytes.
fn peak() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).map_or(f64::NAN, |kb| kb * 1024.0)
}

/// The median of some rounds, each long enough for the clock, which turns every few milliseconds.
fn median(rounds: usize, mut work: impl FnMut()) -> f64 {
    let begin = std::time::Instant::now();
    work();
    let times = (0.1 / begin.elapsed().as_secs_f64()).clamp(1.0, 1e5) as usize;
    let mut spent: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = cpu();
            (0..times).for_each(|_| work());
            (cpu() - start) / times as f64
        })
        .collect();
    spent.sort_by(f64::total_cmp);
    spent[rounds / 2]
}

fn tell(what: &str, seconds: f64) {
    println!("{what:<58} {:>12.3} ms", seconds * 1e3);
}

fn article() {
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
    let start = model.parameters.start();
    let prepared = Prepared::new(&model, &dossier, &[], &[]).expect("plans");
    let values = model.parameters.values(&start);
    tell(
        "article: compile the plans",
        median(9, || {
            black_box(Prepared::new(&model, &dossier, &[], &[]).expect("plans"));
        }),
    );
    let forward = median(9, || {
        black_box(prepared.forward(values.clone(), &control).expect("weights"));
    });
    tell("article: evidence", forward);
    let gradient = median(9, || {
        black_box(prepared.posterior(&start, &control).expect("a gradient"));
    });
    tell("article: gradient", gradient);
    println!("{:<58} {:>12.2}", "article: gradient, in evaluations of the evidence", gradient / forward);
    let evaluated = prepared.forward(values.clone(), &control).expect("weights");
    tell(
        "article: compile the questions",
        median(9, || {
            let mut known = Parts::default();
            for question in &questions {
                black_box(Asked::new(&prepared, question, &[], &mut known).expect("a plan"));
            }
        }),
    );
    let mut known = Parts::default();
    let compiled: Vec<Asked> =
        questions.iter().map(|question| Asked::new(&prepared, question, &[], &mut known).expect("a plan")).collect();
    tell(
        "article: answer all questions",
        median(9, || {
            let mut fills = Fills::default();
            for asked in &compiled {
                black_box(asked.answer(&prepared, &evaluated, &mut fills, &control).expect("an answer"));
            }
        }),
    );
    tell(
        "article: condition and answer all questions",
        median(9, || {
            let fitted = Fitted::fixed(model.clone(), spec.clone(), None, &control).expect("evidence that fits");
            black_box(fitted.ask(&questions, &control).expect("answers"));
        }),
    );
    // All but the newest development, then that one as well: what a reader does who follows the news.
    let mut before = spec.clone();
    let newest = |k: &usize| {
        let own = &spec.development[*k];
        own.between.clone().map(|between| between.1).or(own.on.clone())
    };
    let last = (0..spec.development.len()).max_by_key(newest).expect("a development");
    before.development.remove(last);
    before.development.push(spec.development[last].clone());
    let whole = before.clone();
    before.development.pop();
    let fitted = Fitted::fixed(model.clone(), before, None, &control).expect("evidence that fits");
    black_box(fitted.ask(&questions, &control).expect("answers"));
    tell(
        "article: one more development",
        median(9, || {
            black_box(fitted.on(whole.clone(), &control).expect("evidence that fits"));
        }),
    );
    tell(
        "article: one more development, all answers",
        median(9, || {
            let fitted = fitted.on(whole.clone(), &control).expect("evidence that fits");
            black_box(fitted.ask(&questions, &control).expect("answers"));
        }),
    );
}

/// A chain of ladders, each pushed up by the next one; a sighting of one of them every few days, and windows, at most two
/// of them open at once.
fn chain(sizes: &[usize], gap: f64, windows: bool) -> (Arc<Model>, Dossier, Vec<Question>) {
    let rung = |k: usize| format!("r{k}");
    let ladders: Vec<Value> = sizes
        .iter()
        .enumerate()
        .map(|(l, &size)| {
            let when = json!({"ladder": format!("l{}", l + 1), "at_least": "r1"});
            let effect = json!({"when": when, "moves": "up", "factor": 1.5, "spread": 1.5});
            let effects: Vec<Value> = (l + 1 < sizes.len()).then_some(effect).into_iter().collect();
            json!({
                "name": format!("l{l}"), "rungs": (0..size).map(rung).collect::<Vec<_>>(), "start": "r0",
                "rate": [{"moves": "up", "rate": 0.01, "per": "day", "spread": 2.0},
                         {"moves": "down", "rate": 0.02, "per": "day", "spread": 2.0}],
                "effect": effects,
            })
        })
        .collect();
    let clock = escalade::ground::time::Clock::new("2024-01-01").expect("a date");
    let date = |days: f64| clock.date_of(days);
    let count = if windows { 30 } else { 20 };
    let developments: Vec<Value> = (0..count)
        .map(|k| {
            let saw = json!({"ladder": format!("l{}", k % sizes.len()), "at_least": "r1"});
            let end = (k + 1) as f64 * gap;
            match windows && k % 3 == 0 {
                true => {
                    let start = date(end - 1.5 * gap.min(end / 1.5));
                    json!({"id": format!("d{k}"), "saw": saw, "between": [start, date(end)], "hit": 0.8, "false_alarm": 0.3})
                }
                false => json!({"id": format!("d{k}"), "saw": saw, "on": date(end), "hit": 0.8, "false_alarm": 0.3}),
            }
        })
        .collect();
    let as_of = date((count + 1) as f64 * gap);
    let model: ModelSpec =
        serde_json::from_value(json!({"name": "chain", "origin": "2024-01-01", "ladder": ladders})).expect("a tree");
    let dossier: DossierSpec =
        serde_json::from_value(json!({"as_of": as_of, "development": developments})).expect("a tree");
    let model = Arc::new(Model::compile(&model).expect("a model"));
    let dossier = Dossier::compile(&dossier, &model).expect("a dossier");
    let by = date((count + 10) as f64 * gap);
    let questions = (0..3)
        .map(|k| {
            let (ladder, rung) = (format!("l{}", k % sizes.len()), rung(1 + k / sizes.len()));
            let reach =
                json!({"name": format!("q{k}"), "ask": {"reach": {"ladder": ladder, "at_least": rung}, "by": by}});
            let spec: QuestionSpec = serde_json::from_value(reach).expect("a question");
            Question::compile(&spec, &model, dossier.as_of).expect("a question")
        })
        .collect();
    (model, dossier, questions)
}

fn component(sizes: &[usize], rounds: usize) {
    let (model, dossier, _) = chain(sizes, 7.0, false);
    let control = Control::default();
    let prepared = Prepared::new(&model, &dossier, &[], &[]).expect("plans");
    let start = model.parameters.start();
    let values = model.parameters.values(&start);
    let states: usize = sizes.iter().product();
    let forward = median(rounds, || {
        black_box(prepared.forward(values.clone(), &control).expect("weights"));
    });
    tell(&format!("{states} joint rungs, 20 developments: evidence"), forward);
    let gradient = median(rounds, || {
        black_box(prepared.posterior(&start, &control).expect("a gradient"));
    });
    tell(&format!("{states} joint rungs, 20 developments: gradient"), gradient);
    println!("{:<58} {:>12.2}", "  in evaluations of the evidence", gradient / forward);
}

/// Filter, smooth at a date between all developments, answer three questions.
fn large(sizes: &[usize]) {
    let states: usize = sizes.iter().product();
    let (model, dossier, questions) = chain(sizes, 12.0 / sizes.len() as f64 * 2.0, true);
    let control = Control::default();
    let marks: Vec<f64> = (1..=4).map(|k| dossier.as_of * k as f64 / 5.0).collect();
    let begin = cpu();
    let prepared = Prepared::new(&model, &dossier, &[], &marks).expect("plans");
    let compiled = cpu();
    let evaluated = prepared.forward(model.parameters.values(&model.parameters.start()), &control).expect("weights");
    let filtered = cpu();
    black_box(prepared.smoothed(&evaluated, &control).expect("laws"));
    let smoothed = cpu();
    let mut known = Parts::default();
    let mut fills = Fills::default();
    for question in &questions {
        let asked = Asked::new(&prepared, question, &[], &mut known).expect("a plan");
        black_box(asked.answer(&prepared, &evaluated, &mut fills, &control).expect("an answer"));
    }
    let answered = cpu();
    let steps: f64 = prepared.accounts.iter().map(|account| account.steps).sum();
    println!(
        "{states:>9} joint rungs, Λt {:.0}: compile {:.3} s, filter {:.3} s, smooth {:.3} s, three questions {:.3} s, all \
         {:.3} s; {:.0} MB",
        steps,
        compiled - begin,
        filtered - compiled,
        smoothed - filtered,
        answered - smoothed,
        answered - begin,
        peak() / 1e6
    );
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let asked = |word: &str, usual: bool| if words.is_empty() { usual } else { words.iter().any(|w| w == word) };
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().expect("a pool");
    one.install(|| {
        if asked("article", true) {
            article();
        }
        if asked("component", true) {
            component(&[4, 3, 3, 4], 9);
            component(&[4, 4, 3, 4, 4, 3, 4, 4, 3], 3);
        }
        if asked("large", false) {
            large(&[4; 10]);
        }
        if let Some(digits) = words.iter().find_map(|word| word.strip_prefix("growth=")?.parse::<u32>().ok()) {
            large(&vec![10; digits as usize]);
        }
    });
}
