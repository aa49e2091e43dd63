//! Panels whose rungs have stages: the likelihood of a model that names every stage, and the score against differences.

use escalade::escalation::model::Model;
use escalade::escalation::panel::Panel;
use escalade::escalation::panel::columns::{Columns, CovariateColumn, DriverColumn, RungColumn, StatusColumn};
use escalade::ground::Control;

/// Digits that a sum of logarithms keeps.
const EXACT: f64 = 1e-11;
/// Central differences of a log-likelihood of this size.
const SLOPE: f64 = 2e-6;

fn model(json: &str) -> Model {
    Model::compile(&serde_json::from_str(json).unwrap()).unwrap()
}

fn at(panel: &Panel, model: &Model, theta: &[f64]) -> (f64, Vec<f64>) {
    let values = model.parameters.values(theta);
    let score = panel.score(model, &values, &Control::default()).unwrap();
    (score.log, model.parameters.gradient(&values, &score.statistics))
}

/// The gradient is that of the log-likelihood, away from where covariates do nothing.
fn slopes_agree(json: &str, columns: &Columns) {
    let model = model(json);
    let panel = Panel::compile(columns, &model).unwrap();
    let start = model.parameters.start();
    let theta: Vec<f64> = start.iter().enumerate().map(|(k, x)| x + 0.2 * ((k as f64) * 1.7).sin()).collect();
    let (log, gradient) = at(&panel, &model, &theta);
    assert!(log.is_finite());
    for k in 0..theta.len() {
        let along = |step: f64| {
            let mut moved = theta.clone();
            moved[k] += step;
            at(&panel, &model, &moved).0
        };
        let slope = (along(1e-5) - along(-1e-5)) / 2e-5;
        let name = &model.parameters.coordinates()[k];
        assert!((slope - gradient[k]).abs() < SLOPE, "{name}: {slope} {}", gradient[k]);
    }
}

/// a and b have stages, c has one; c is entered at a known time, and rungs are seen, hidden, misread and one of a set.
fn staged(first: &str, more: &str) -> String {
    format!(
        r#"{{"driver": [{{"name": "d", "states": ["u", "v"], "table": [0.4, 0.6], "free": true}}],
        "ladder": [{{"name": "l", "rungs": ["a", "b", "c"], "start": {{"a": 0.5, "b": 0.3, "c": 0.2}}, {first}
        "stages": {{"a": 2, "b": 3}}, "first_stage": "uniform",
        "rate": [{{"moves": [["a", "b"]], "free": true, "rate": 0.5, "per": "day"}},
                 {{"moves": [["b", "a"]], "free": true, "rate": 0.3, "per": "day"}},
                 {{"moves": [["b", "c"], ["a", "c"]], "free": true, "rate": 0.2, "per": "day"}},
                 {{"moves": [["c", "a"]], "free": true, "rate": 0.1, "per": "day"}}],
        "covariate": [{{"name": "x", "moves": [["b", "c"]]}}, {{"name": "t", "cuts": [1.5]}}] {more} }}],
        "status": [{{"name": "s", "states": ["p", "q"], "given": ["l"], "free": true,
                    "table": [[0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]}}]}}"#
    )
}

fn table() -> Columns {
    Columns {
        units: vec!["one".into(), "two".into(), "three".into()],
        unit: vec![0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2],
        time: vec![0.0, 0.7, 1.2, 2.5, 4.0, 0.5, 1.0, 3.0, 3.6, 0.0, 2.0, 2.2],
        tick: 1.0,
        weights: vec![1.0, 2.0, 1.0],
        rungs: vec![RungColumn {
            ladder: "l".into(),
            codes: vec![0, 1, 3, 0, 2, -1, 1, -1, -1, 1, 2, 0],
            sets: vec![vec![0, 1]],
        }],
        statuses: vec![StatusColumn {
            status: "s".into(),
            codes: vec![-1, -1, -1, -1, -1, 0, -1, 1, 0, 1, 1, -1],
            numbers: vec![],
        }],
        covariates: vec![CovariateColumn {
            name: "x".into(),
            values: vec![0.5, -1.0, 0.0, 2.0, 1.0, 1.0, 0.3, 0.2, 0.0, 0.1, 0.2, 0.3],
        }],
        entered: vec![("l".into(), vec![2])],
        ..Columns::default()
    }
}

#[test]
fn the_score_is_the_slope_of_the_likelihood() {
    slopes_agree(&staged("", ""), &table());
    slopes_agree(&staged(r#""first": "estimated","#, ""), &table());
    slopes_agree(&staged(r#""first": "equilibrium","#, ""), &table());
}

#[test]
fn stages_pass_while_no_move_is_made() {
    let mut columns = table();
    columns.entered = vec![("l".into(), vec![1])];
    columns.moved = vec![false, true, true, true, true, false, false, true, true, false, true, false];
    slopes_agree(&staged("", ""), &columns);
}

#[test]
fn classes_of_units() {
    let effect = r#", "effect": [{"when": {"driver": "d", "is": "v"}, "moves": "all", "free": true, "factor": 2}]"#;
    slopes_agree(&staged("", effect), &table());
    let mut columns = table();
    let codes = vec![0, 0, 0, 0, 0, -1, -1, -1, -1, 1, 1, 1];
    columns.drivers.push(DriverColumn { driver: "d".into(), codes });
    slopes_agree(&staged(r#""first": "estimated","#, effect), &columns);
}

#[test]
fn two_ladders_each_with_stages() {
    let two = r#"{"ladder": [
        {"name": "l", "rungs": ["a", "b", "c"], "start": "a", "stages": {"b": 2},
         "rate": [{"moves": "up", "free": true}, {"moves": "down", "free": true}],
         "effect": [{"when": {"ladder": "k", "is": "y"}, "moves": "down", "free": true, "factor": 2}]},
        {"name": "k", "rungs": ["x", "y"], "start": "x", "stages": {"x": 3}, "first_stage": "uniform",
         "rate": [{"moves": "up", "free": true}, {"moves": "down", "free": true}],
         "effect": [{"when": {"ladder": "l", "at_least": "b"}, "moves": "up", "free": true, "factor": 3}]}]}"#;
    let mut columns = table();
    columns.statuses.clear();
    columns.entered = vec![("k".into(), vec![0])];
    columns.tick = 100.0;
    columns.rungs[0].codes = vec![0, 1, 3, 0, 2, 1, 1, 2, 0, 1, 1, 2];
    columns.rungs.push(RungColumn {
        ladder: "k".into(),
        codes: vec![0, 1, -1, 0, 1, 0, 0, 1, 1, 1, 0, 0],
        sets: vec![],
    });
    slopes_agree(two, &columns);
    columns.entered.clear();
    columns.moved = vec![false, true, true, true, false, false, true, false, false, false, true, true];
    columns.rungs[0].codes = vec![0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2];
    columns.rungs[1].codes = vec![0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0];
    slopes_agree(two, &columns);
}

/// The likelihood is that of a ladder whose rungs are the stages, each sight of a rung a set of them.
#[test]
fn stages_are_rungs_that_nobody_tells_apart() {
    let short = r#"{"ladder": [{"name": "l", "rungs": ["a", "b", "c"], "start": "a", "stages": {"b": 3},
        "rate": [{"moves": [["a", "b"]], "rate": 0.5, "per": "day"}, {"moves": [["b", "a"]], "rate": 0.3, "per": "day"},
                 {"moves": [["b", "c"]], "rate": 0.2, "per": "day"}]}]}"#;
    let long = r#"{"ladder": [{"name": "l", "rungs": ["a", "b1", "b2", "b3", "c"], "start": "a",
        "rate": [{"moves": [["a", "b1"]], "rate": 0.5, "per": "day"},
                 {"moves": [["b1", "b2"], ["b2", "b3"]], "rate": 1.5, "per": "day"},
                 {"moves": [["b3", "a"]], "rate": 0.9, "per": "day"},
                 {"moves": [["b3", "c"]], "rate": 0.6, "per": "day"}]}]}"#;
    let rows = |codes: Vec<i64>, sets: Vec<Vec<usize>>| Columns {
        rungs: vec![RungColumn { ladder: "l".into(), codes, sets }],
        unit: vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
        statuses: vec![],
        covariates: vec![],
        time: vec![0.0, 0.7, 1.2, 2.5, 4.0, 4.5, 5.0, 6.0, 6.6, 0.0, 2.0, 2.2],
        entered: vec![],
        ..table()
    };
    let (model, other) = (model(short), model(long));
    let panel = Panel::compile(&rows(vec![0, 1, 3, 1, 1, -1, 0, 1, 2, 0, 1, 1], vec![vec![0, 1]]), &model).unwrap();
    let sets = vec![vec![1, 2, 3], vec![0, 1, 2, 3]];
    let wide = Panel::compile(&rows(vec![0, 5, 6, 5, 5, -1, 0, 5, 4, 0, 5, 5], sets), &other).unwrap();
    let (log, wanted) = (at(&panel, &model, &[]).0, at(&wide, &other, &[]).0);
    assert!((log - wanted).abs() < EXACT, "{log} {wanted}");
}
