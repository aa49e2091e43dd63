//! The panel's likelihood against brute force (matrix exponentials, every hidden path), its score against differences.

use escalade::escalation::model::Model;
use escalade::escalation::panel::columns::{Columns, CovariateColumn, RungColumn, StatusColumn};
use escalade::escalation::panel::{Panel, PanelFit};
use escalade::escalation::spec::ModelSpec;
use escalade::escalation::theta::Values;
use escalade::ground::{Control, Error};
use nalgebra::DMatrix;
use std::sync::Arc;

/// Digits that a sum of logarithms keeps against the oracle.
const EXACT: f64 = 1e-10;
/// Central differences of a log-likelihood of this size.
const SLOPE: f64 = 2e-6;

fn model(json: &str) -> Model {
    let spec: ModelSpec = serde_json::from_str(json).unwrap();
    Model::compile(&spec).unwrap()
}

const THREE: &str = r#"{"ladder": [{"name": "l", "rungs": ["a", "b", "c"], "start": {"a": 0.7, "b": 0.3},
    "rate": [{"moves": [["a", "b"]], "free": true, "rate": 0.5, "per": "day"},
             {"moves": [["b", "a"]], "free": true, "rate": 0.3, "per": "day"},
             {"moves": [["b", "c"], ["a", "c"]], "free": true, "rate": 0.2, "per": "day"}],
    "covariate": [{"name": "x", "moves": [["a", "b"]]}, {"name": "x2", "shared": true},
                  {"name": "kind", "levels": ["u", "v"], "moves": [["b", "a"], ["b", "c"]]},
                  {"name": "t", "cuts": [1.5]}]}],
    "status": [{"name": "s", "states": ["p", "q"], "given": ["l"], "free": true,
                "table": [[0.8, 0.2], [0.3, 0.7], [0.0, 1.0]]}]}"#;

/// A table of two units with all kinds of rows; c can be entered at a known time.
fn table() -> Columns {
    Columns {
        units: vec!["one".into(), "two".into()],
        unit: vec![0, 0, 0, 0, 0, 1, 1, 1, 1],
        time: vec![0.0, 0.7, 1.2, 2.5, 4.0, 0.5, 1.0, 3.0, 3.6],
        tick: 1.0,
        weights: vec![1.0, 2.0],
        rungs: vec![RungColumn {
            ladder: "l".into(),
            codes: vec![0, 1, 3, 0, 2, -1, 1, -1, -1],
            sets: vec![vec![0, 1]],
        }],
        statuses: vec![StatusColumn {
            status: "s".into(),
            codes: vec![-1, -1, -1, -1, -1, 0, -1, 1, 0],
            numbers: vec![],
        }],
        covariates: vec![
            CovariateColumn { name: "x".into(), values: vec![0.5, -1.0, 0.0, 2.0, 1.0, 1.0, 0.3, 0.2, f64::NAN] },
            CovariateColumn { name: "x2".into(), values: vec![0.1, 0.2, 0.3, 0.4, 0.5, -0.6, 0.7, 0.8, f64::NAN] },
            CovariateColumn { name: "kind".into(), values: vec![0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0] },
        ],
        entered: vec![("l".into(), vec![2])],
        ..Columns::default()
    }
}

/// Values away from where covariates do nothing.
fn values(model: &Model) -> Values {
    let theta: Vec<f64> = model.parameters.start();
    let moved: Vec<f64> = theta.iter().enumerate().map(|(k, x)| x + 0.2 * ((k as f64) * 1.7).sin()).collect();
    model.parameters.values(&moved)
}

/// e^{Qt} by nalgebra's Padé approximation.
fn law(
    values: &Values,
    model: &Model,
    columns: &Columns,
    row: usize,
    from: f64,
    length: f64,
) -> (DMatrix<f64>, DMatrix<f64>) {
    let at = |name: &str| columns.covariates.iter().find(|c| c.name == name).unwrap().values[row];
    let late = from + 0.5 * length > 1.5;
    let positive = |name: &str| {
        let found = model.parameters.positives.iter().position(|p| p.name == name);
        values.positives[found.unwrap_or_else(|| panic!("{name}"))]
    };
    let rate = |base: &str, arrow: &str| {
        let mut rate = positive(base) * positive("l: all × (x2)").powf(at("x2"));
        if arrow == "a → b" {
            rate *= positive("l: a → b × (x)").powf(at("x"));
        }
        if at("kind") == 1.0 && arrow.starts_with('b') {
            rate *= positive(&format!("l: {arrow} × (kind = v)"));
        }
        if late {
            rate *= positive(&format!("l: {arrow} × (t in [1.5, ∞))"));
        }
        rate
    };
    let mut q = DMatrix::zeros(3, 3);
    for (i, j, base, arrow) in [
        (0, 1, "l: a → b", "a → b"),
        (1, 0, "l: b → a", "b → a"),
        (1, 2, "l: b → c, a → c", "b → c"),
        (0, 2, "l: b → c, a → c", "a → c"),
    ] {
        let rate = rate(base, arrow);
        q[(i, j)] += rate;
        q[(i, i)] -= rate;
    }
    ((&q * length).exp(), q)
}

/// The log-likelihood by products of whole matrices.
fn oracle(columns: &Columns, model: &Model, values: &Values) -> f64 {
    let mut total = 0.0;
    for (unit, weight) in [(0, columns.weights[0]), (1, columns.weights[1])] {
        let rows: Vec<usize> = (0..columns.unit.len()).filter(|r| columns.unit[*r] == unit).collect();
        let look = |row: usize, state: usize| -> f64 {
            let code = columns.rungs[0].codes[row];
            let possible = match code {
                -1 => true,
                3 => state < 2,
                code => state as i64 == code,
            };
            let value = columns.statuses[0].codes[row];
            let table = if value < 0 { 1.0 } else { values.rows[model.statuses[0].rows[state]][value as usize] };
            if possible { table } else { 0.0 }
        };
        // A first rung that is seen is given; one that is hidden has the ladder's law.
        let seen = columns.rungs[0].codes[rows[0]] == 0;
        let first = if seen { [1.0, 0.0, 0.0] } else { [0.7, 0.3, 0.0] };
        let mut row_vector = DMatrix::from_fn(1, 3, |_, s| first[s] * look(rows[0], s));
        for pair in rows.windows(2) {
            let (from, to) = (columns.time[pair[0]], columns.time[pair[1]]);
            let mut ends = vec![from];
            if from < 1.5 && 1.5 < to {
                ends.push(1.5);
            }
            ends.push(to);
            let mut last = DMatrix::zeros(3, 3);
            for piece in ends.windows(2) {
                let (p, q) = law(values, model, columns, pair[0], piece[0], piece[1] - piece[0]);
                row_vector *= p;
                last = q;
            }
            if columns.rungs[0].codes[pair[1]] == 2 {
                let density: f64 = (0..2).map(|k| row_vector[(0, k)] * last[(k, 2)]).sum();
                row_vector = DMatrix::from_row_slice(1, 3, &[0.0, 0.0, density]);
            }
            (0..3).for_each(|s| row_vector[(0, s)] *= look(pair[1], s));
        }
        total += weight * row_vector.sum().ln();
    }
    total
}

fn score(panel: &Panel, model: &Model, values: &Values) -> (f64, Vec<f64>) {
    let score = panel.score(model, values, &Control::default()).unwrap();
    (score.log, model.parameters.gradient(values, &score.statistics))
}

#[test]
fn the_likelihood_is_that_of_whole_matrices() {
    let (model, columns) = (model(THREE), table());
    let values = values(&model);
    let panel = Panel::compile(&columns, &model).unwrap();
    let (log, expected) = (score(&panel, &model, &values).0, oracle(&columns, &model, &values));
    assert!((log - expected).abs() < EXACT, "{log} {expected}");
}

/// The gradient is that of the log-likelihood, whatever the table holds.
fn slopes_agree(model: &Model, columns: &Columns) {
    let panel = Panel::compile(columns, model).unwrap();
    let theta = model.parameters.theta(&values(model));
    let (_, gradient) = score(&panel, model, &model.parameters.values(&theta));
    for k in 0..theta.len() {
        let at = |step: f64| {
            let mut moved = theta.clone();
            moved[k] += step;
            score(&panel, model, &model.parameters.values(&moved)).0
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!(
            (slope - gradient[k]).abs() < SLOPE,
            "{k} {}: {slope} {}",
            model.parameters.coordinates()[k],
            gradient[k]
        );
    }
}

#[test]
fn the_score_is_the_slope_of_the_likelihood() {
    slopes_agree(&model(THREE), &table());
}

#[test]
fn moves_at_known_times_hidden_or_not() {
    let (model, mut columns) = (model(THREE), table());
    columns.moved = vec![false, true, true, true, true, false, true, true, true];
    slopes_agree(&model, &columns);
}

#[test]
fn a_first_rung_estimated_or_at_equilibrium() {
    let circle = |first: &str| {
        format!(
            r#"{{"ladder": [{{"name": "l", "rungs": ["a", "b", "c"], "start": {{"a": 0.5, "b": 0.3, "c": 0.2}},
            "first": "{first}", "rate": [{{"moves": [["a", "b"]], "free": true}}, {{"moves": [["b", "c"]], "free": true}},
            {{"moves": [["c", "a"], ["c", "b"]], "free": true}}], "covariate": [{{"name": "x", "moves": [["a", "b"]]}}]}}],
            "status": [{{"name": "s", "states": ["p", "q"], "given": ["l"], "free": true,
            "table": [[0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]}}]}}"#
        )
    };
    for first in ["estimated", "equilibrium"] {
        let mut columns = table();
        columns.entered.clear();
        columns.tick = 365.25;
        slopes_agree(&model(&circle(first)), &columns);
    }
}

#[test]
fn first_rungs_of_several_ladders() {
    let both = |of_l: &str, of_k: &str| {
        format!(
            r#"{{"ladder": [
            {{"name": "l", "rungs": ["a", "b", "c"], "start": {{"a": 0.5, "b": 0.3, "c": 0.2}}, {of_l}
             "rate": [{{"moves": "up", "free": true}}, {{"moves": "down", "free": true}}]}},
            {{"name": "k", "rungs": ["x", "y"], "start": [0.4, 0.6], {of_k}
             "rate": [{{"moves": "up", "free": true}}, {{"moves": "down", "free": true}}],
             "effect": [{{"when": {{"ladder": "l", "at_least": "b"}}, "moves": "up", "free": true}}]}}]}}"#
        )
    };
    let mut columns = table();
    columns.statuses.clear();
    columns.entered.clear();
    columns.tick = 100.0;
    columns.rungs.push(RungColumn { ladder: "k".into(), codes: vec![0, 1, -1, 0, 1, -1, 0, 1, 1], sets: vec![] });
    columns.rungs[0].codes = vec![0, 1, 3, 0, 2, 1, 1, 2, 0];
    let (estimated, equilibrium) = (r#""first": "estimated","#, r#""first": "equilibrium","#);
    slopes_agree(&model(&both(estimated, r#""worth": 5,"#)), &columns);
    slopes_agree(&model(&both(equilibrium, equilibrium)), &columns);
    for (of_l, of_k) in [(estimated, ""), (equilibrium, estimated)] {
        let message = Panel::compile(&columns, &model(&both(of_l, of_k))).unwrap_err().to_string();
        assert!(message.contains("its ladders begin in different ways"), "{message}");
    }
}

#[test]
fn coupled_ladders_are_one_joint_process() {
    let two = r#"{"ladder": [
        {"name": "l", "rungs": ["a", "b", "c"], "start": "a", "rate": [{"moves": "up", "free": true}, {"moves": "down", "free": true}]},
        {"name": "k", "rungs": ["x", "y"], "start": "x", "rate": [{"moves": "up", "free": true}, {"moves": "down", "free": true}],
         "effect": [{"when": {"ladder": "l", "at_least": "b"}, "moves": "up", "free": true}]}]}"#;
    let mut columns = table();
    columns.statuses.clear();
    columns.entered.clear();
    columns.tick = 100.0;
    columns.rungs.push(RungColumn { ladder: "k".into(), codes: vec![0, 1, -1, 0, 1, 0, 0, 1, 1], sets: vec![] });
    columns.rungs[0].codes = vec![0, 1, 3, 0, 2, 1, 1, 2, 0];
    slopes_agree(&model(two), &columns);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (model, columns) = (model(THREE), table());
    let panel = Panel::compile(&columns, &model).unwrap();
    let values = values(&model);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (log, gradient) = pool.install(|| score(&panel, &model, &values));
        (log.to_bits(), gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>())
    };
    assert_eq!(with(1), with(2));
    assert_eq!(with(1), with(7));
}

#[test]
fn two_rungs_have_a_closed_form() {
    let two = model(
        r#"{"ladder": [{"name": "l", "rungs": ["a", "b"], "start": "a",
        "rate": [{"moves": "up", "free": true}, {"moves": "down", "free": true}]}]}"#,
    );
    // 100 units seen after 1: from a 30 are at b, from b 10 are at a: λ + μ = −ln(1 − p − r), λ : μ = p : r.
    let mut columns = Columns {
        tick: 1.0,
        rungs: vec![RungColumn { ladder: "l".into(), ..Default::default() }],
        ..Default::default()
    };
    for unit in 0..200 {
        columns.units.push(unit.to_string());
        let (from, to) = if unit < 100 { (0, i64::from(unit < 30)) } else { (1, i64::from(unit >= 110)) };
        columns.unit.extend([unit, unit]);
        columns.time.extend([0.0, 1.0]);
        columns.rungs[0].codes.extend([from, to]);
    }
    let fit = PanelFit::learn(Arc::new(two), &columns, 1, 0, &Control::default()).unwrap();
    let (p, r) = (0.3f64, 0.1f64);
    let total = -(1.0 - p - r).ln();
    assert!(fit.converged && fit.warnings.is_empty());
    assert!((fit.theta[0].exp() - total * p / (p + r)).abs() < 1e-9, "{:?}", fit.theta);
    assert!((fit.theta[1].exp() - total * r / (p + r)).abs() < 1e-9);
}

#[test]
fn refusals_name_unit_and_row() {
    let model = model(THREE);
    let refused = |change: &dyn Fn(&mut Columns)| {
        let mut columns = table();
        change(&mut columns);
        Panel::compile(&columns, &model).unwrap_err().to_string()
    };
    let late = refused(&|c| c.time[2] = 0.1);
    assert!(late.starts_with("unit 'one', row 3: its time, 0.1, lies before"), "{late}");
    let back = refused(&|c| c.rungs[0].codes[1] = 2);
    assert!(back.starts_with("unit 'one', row 3: the moves of the model do not lead to what is seen there"), "{back}");
    let up = refused(&|c| (c.rungs[0].codes[1], c.rungs[0].codes[2]) = (2, 1));
    assert!(up.starts_with("unit 'one', row 3: the moves of the model do not lead from c (row 2) to b"), "{up}");
    let nan = refused(&|c| c.covariates[0].values[0] = f64::NAN);
    assert!(nan.starts_with("unit 'one', row 1: covariate 'x' is NaN"), "{nan}");
    let when = refused(&|c| c.time[6] = f64::INFINITY);
    assert!(when.starts_with("unit 'two', row 7: its time is inf"), "{when}");
    let empty = Panel::compile(&Columns::default(), &model).unwrap_err().to_string();
    assert_eq!(empty, "the panel: it has no rows; expected at least one");
    let same = PanelFit::learn(
        Arc::new(model.clone()),
        &Columns {
            covariates: table().covariates.into_iter().map(|c| CovariateColumn { values: vec![1.0; 9], ..c }).collect(),
            ..table()
        },
        1,
        0,
        &Control::default(),
    );
    assert!(matches!(same, Err(Error::Unidentified { .. })), "{same:?}");
}
