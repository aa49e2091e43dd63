//! Rates, counts and evidence far from what a model expects: exact, or refused by the right name.

use escalade::escalation::dossier::Dossier;
use escalade::escalation::engine::Prepared;
use escalade::escalation::fit::learn;
use escalade::escalation::fitted::Fitted;
use escalade::escalation::model::Model;
use escalade::escalation::spec::{DossierSpec, ModelSpec};
use escalade::ground::{Control, Error, Result};
use serde_json::{Value, json};
use statrs::function::gamma::ln_gamma;
use std::sync::Arc;

/// Relative agreement asked of a log-evidence with its closed form.
const EXACT: f64 = 1e-9;

fn model(tree: Value) -> Arc<Model> {
    let spec: ModelSpec = serde_json::from_value(tree).expect("a model's tree");
    Arc::new(Model::compile(&spec).expect("a model"))
}

fn spec(tree: Value) -> DossierSpec {
    serde_json::from_value(tree).expect("a dossier's tree")
}

fn log_evidence(m: Value, d: Value) -> Result<f64> {
    Ok(Fitted::fixed(model(m), spec(d), None, &Control::default())?.log_evidence())
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= EXACT * wanted.abs().max(1.0), "{found}, wanted {wanted}");
}

/// Two rungs and moves both ways at a rate a day; seen in the second at the end.
fn pair(rate: f64) -> (Value, Value) {
    (
        json!({"origin": "2024-01-01", "ladder": [{"name": "L", "rungs": ["a", "b"], "start": "a", "rate": [
            {"moves": "up", "rate": rate, "per": "day"}, {"moves": "down", "rate": rate, "per": "day"}]}]}),
        json!({"as_of": "2026-12-31", "development": [{"id": "s", "saw": {"ladder": "L", "is": "b"}, "on": "2026-12-01"}]}),
    )
}

#[test]
fn stiff_rates_are_exact_or_refused() {
    for rate in [1.0, 1e4, 1e7, 1e15, 1e100, 1e290] {
        let (m, d) = pair(rate);
        near(log_evidence(m, d).expect("an answer"), 0.5f64.ln());
    }
    let (m, d) = pair(1e308);
    let error = log_evidence(m, d).expect_err("too fast");
    assert!(matches!(&error, Error::Diverged { message } if message.contains("1.000e308")), "{error}");
}

#[test]
fn intensities_that_add_up_to_infinity_are_refused() {
    let m = json!({"origin": "2024-01-01", "ladder": [{"name": "L", "rungs": ["a", "b", "c"], "start": "a", "rate": [
        {"moves": [["a", "b"]], "rate": 1e308, "per": "day"}, {"moves": [["a", "c"]], "rate": 1e308, "per": "day"}]}]});
    let d = json!({"as_of": "2024-01-31", "development": [{"id": "s", "saw": {"ladder": "L", "is": "b"}, "on": "2024-01-10"}]});
    let error = log_evidence(m, d).expect_err("no finite rate");
    assert!(matches!(&error, Error::Diverged { message } if message.contains("finite")), "{error}");
}

/// `n` events of Poisson mean `mean`, as a log-probability.
fn poisson(n: f64, mean: f64) -> f64 {
    n * mean.ln() - mean - ln_gamma(n + 1.0)
}

fn counting(rate: f64, count: usize, extra: Value) -> (Value, Value) {
    let mut events = json!({"name": "e", "rate": rate, "per": "day"});
    events.as_object_mut().expect("a table").extend(extra.as_object().expect("a table").clone());
    (
        json!({"origin": "2024-01-01", "events": [events]}),
        json!({"as_of": "2024-01-31", "development": [
            {"id": "c", "counted": {"indicator": "e", "count": count}, "over": ["2024-01-01", "2024-01-30"]}]}),
    )
}

#[test]
fn counts_far_from_their_rate_keep_their_digits() {
    for (rate, count) in [(1.0, 300), (1.0, 1000), (1e-6, 40), (1e5, 3), (1e5, 0), (20.0, 500), (1e-300, 2)] {
        let (m, d) = counting(rate, count, json!({}));
        near(log_evidence(m, d).expect("a count"), poisson(count as f64, 30.0 * rate));
    }
}

#[test]
fn a_count_under_a_ladder_is_a_mixture() {
    // Two rungs that never move: the count is a mixture of two Poisson laws, tilted by one of them.
    for count in [0, 5, 60, 400] {
        let m = json!({"origin": "2024-01-01", "ladder": [{"name": "L", "rungs": ["a", "b"], "start": {"a": 0.5, "b": 0.5}}],
            "events": [{"name": "e", "given": ["L"], "rate": [0.5, 3], "per": "day"}]});
        let d = json!({"as_of": "2024-01-31", "development": [
            {"id": "c", "counted": {"indicator": "e", "count": count}, "over": ["2024-01-01", "2024-01-30"]}]});
        let (a, b) = (poisson(f64::from(count), 15.0), poisson(f64::from(count), 90.0));
        let top = a.max(b);
        near(log_evidence(m, d).expect("a count"), top + (0.5 * ((a - top).exp() + (b - top).exp())).ln());
    }
}

#[test]
fn a_fit_finds_a_rate_that_starts_far_off() {
    for (rate, count) in [(1.0, 500), (1e4, 3)] {
        let (m, d) = counting(rate, count, json!({"free": true}));
        let model = model(m);
        let dossier = Dossier::compile(&spec(d), &model).expect("a dossier");
        let prepared = Prepared::new(&model, &dossier, &[], &[]).expect("plans");
        let learnt = learn(&prepared, &dossier, &Control::default()).expect("a mode");
        let wanted = (count as f64 / 30.0).ln();
        assert!((learnt.theta[0] - wanted).abs() < 1e-5, "{} {wanted}", learnt.theta[0]);
        let sd = 1.0 / (count as f64).sqrt();
        assert!((learnt.spread()[0] / sd - 1.0).abs() < 1e-4, "{} {sd}", learnt.spread()[0]);
    }
}

#[test]
fn a_fit_sees_the_silence_between_events_where_nothing_moves() {
    let (m, mut d) = counting(1000.0, 0, json!({"free": true}));
    d["development"][0]["counted"] = json!({"indicator": "e", "at": ["2024-01-05", "2024-01-11", "2024-01-30"]});
    let model = model(m);
    let dossier = Dossier::compile(&spec(d), &model).expect("a dossier");
    let prepared = Prepared::new(&model, &dossier, &[], &[]).expect("plans");
    let learnt = learn(&prepared, &dossier, &Control::default()).expect("a mode");
    assert!((learnt.theta[0] - 0.1f64.ln()).abs() < 1e-5, "{}", learnt.theta[0]);
}

#[test]
fn components_that_disagree_over_a_driver_are_weighed_as_logs() {
    let m = json!({"origin": "2024-01-01", "driver": [{"name": "D", "states": ["x", "y"], "table": [0.5, 0.5]}],
        "events": [{"name": "e1", "given": ["D"], "rate": [1, 100], "per": "day"},
                   {"name": "e2", "given": ["D"], "rate": [150, 1], "per": "day"}]});
    let silence = |id: &str, of: &str| json!({"id": id, "counted": {"indicator": of, "at": []}, "over": ["2024-01-01", "2024-01-10"]});
    let d = json!({"as_of": "2024-01-31", "development": [silence("q1", "e1"), silence("q2", "e2")]});
    let (x, y): (f64, f64) = (-1510.0, -1010.0);
    near(log_evidence(m, d).expect("evidence"), y + (0.5 * (1.0 + (x - y).exp())).ln());
}

#[test]
fn underflow_accuses_no_development() {
    let m = json!({"origin": "2024-01-01", "ladder": [{"name": "L", "rungs": ["a", "b"], "start": {"a": 0.5, "b": 0.5}}],
        "events": [{"name": "e", "given": ["L"], "rate": [0.01, 100], "per": "day"}]});
    let d = json!({"as_of": "2024-01-31", "development": [
        {"id": "silence", "counted": {"indicator": "e", "at": []}, "over": ["2024-01-01", "2024-01-10"]},
        {"id": "b", "saw": {"ladder": "L", "is": "b"}, "on": "2024-01-20"}]});
    match log_evidence(m, d) {
        Ok(log) => near(log, -1000.0 + 0.5f64.ln()),
        Err(error) => {
            assert!(matches!(&error, Error::Diverged { message } if message.contains("too improbable")), "{error}")
        }
    }
}

#[test]
fn a_true_contradiction_is_named_with_few_others() {
    let m = json!({"origin": "2024-01-01", "ladder": [{"name": "L", "rungs": ["a", "b"], "start": "a",
        "rate": [{"moves": "up", "rate": 0.1, "per": "day"}]}]});
    let saw = |id: String, rung: &str, day: usize| json!({"id": id, "saw": {"ladder": "L", "is": rung}, "on": format!("2024-01-{day:02}")});
    let mut all: Vec<Value> = (1..20).map(|day| saw(format!("a{day}"), "a", day)).collect();
    all.push(saw("b".into(), "b", 20));
    all.push(saw("again".into(), "a", 21));
    all.push(saw("late".into(), "b", 22));
    let error = log_evidence(m, json!({"as_of": "2024-01-31", "development": all})).expect_err("a contradiction");
    let Error::Impossible { development, message } = &error else { panic!("{error}") };
    assert_eq!(development.as_deref(), Some("again"));
    assert!(message.ends_with("together with 'b'"), "{message}");
}

#[test]
fn windows_on_one_set_take_one_level_each() {
    // Twenty-two windows with one end: 2^22 flags if each had its own.
    let m = json!({"origin": "2024-01-01", "ladder": [{"name": "L", "rungs": ["a", "b"], "start": "a",
        "rate": [{"moves": "up", "rate": 0.1, "per": "day"}, {"moves": "down", "rate": 0.1, "per": "day"}]}]});
    let window = |k: usize, from: usize, to: usize| {
        json!({"id": format!("w{k}"), "saw": {"ladder": "L", "is": "b"}, "hit": 0.9, "false_alarm": 0.2,
            "between": [format!("2024-01-{from:02}"), format!("2024-01-{to:02}")]})
    };
    let nested: Vec<Value> = (0..22).map(|k| window(k, 1 + k, 28)).collect();
    log_evidence(m.clone(), json!({"as_of": "2024-01-31", "development": nested})).expect("an answer");
    // Spans of every kind against the same windows on sets that differ in name only.
    for spans in
        [[(2, 9), (4, 9), (6, 9)], [(2, 5), (2, 8), (2, 11)], [(2, 6), (4, 9), (8, 12)], [(2, 12), (4, 6), (5, 9)]]
    {
        let shared: Vec<Value> = spans.iter().enumerate().map(|(k, &(from, to))| window(k, from, to)).collect();
        let mut apart = shared.clone();
        for (k, development) in apart.iter_mut().enumerate() {
            // Always true beside it, in a form that is not folded away.
            let since = json!({"any": [{"since": "2023-01-01"}, {"since": format!("2025-01-{:02}", 1 + k)}]});
            development["saw"] = json!({"all": [{"ladder": "L", "is": "b"}, since]});
        }
        let dossier = |list: Vec<Value>| json!({"as_of": "2024-01-31", "development": list});
        let one = log_evidence(m.clone(), dossier(shared)).expect("an answer");
        near(one, log_evidence(m.clone(), dossier(apart)).expect("an answer"));
    }
}
