//! Numbers and covariates on what a panel's indicators show: the likelihood against statrs and whole matrices, the score
//! against differences, starting values, refusals.

use escalade::escalation::model::Model;
use escalade::escalation::panel::columns::{Columns, CovariateColumn, RungColumn, StatusColumn};
use escalade::escalation::panel::{Panel, PanelFit, paths};
use escalade::escalation::spec::ModelSpec;
use escalade::escalation::theta::Values;
use escalade::ground::{Control, Error, random};
use nalgebra::DMatrix;
use statrs::distribution::{Continuous, Discrete, LogNormal, NegativeBinomial, Normal, Poisson, StudentsT};
use std::sync::Arc;

/// Digits that a sum of logarithms keeps against the oracle.
const EXACT: f64 = 1e-9;
/// Central differences of a log-likelihood of this size.
const SLOPE: f64 = 2e-6;

const ALL: &str = r#"{"ladder": [{"name": "l", "rungs": ["a", "b", "c"], "start": {"a": 0.7, "b": 0.3},
    "rate": [{"moves": "up", "free": true, "rate": 0.5, "per": "day"},
             {"moves": "down", "free": true, "rate": 0.3, "per": "day"}]}],
    "status": [
        {"name": "normal", "given": ["l"], "outcome": {"family": "normal", "mean": [1, 2, 4], "sd": [1, 0.5, 2], "free": true},
         "covariate": [{"name": "x"}, {"name": "kind", "levels": ["u", "v", "w"], "shared": true}]},
        {"name": "log", "given": ["l"], "outcome": {"family": "log_normal", "mean": [0, 1, 2], "sd": 0.8, "free": true},
         "covariate": [{"name": "x", "shared": true}]},
        {"name": "t", "given": ["l"], "outcome": {"family": "student", "mean": [0, 1, 3], "sd": [1, 2, 1], "freedom": 4,
         "free": true}},
        {"name": "poisson", "given": ["l"], "outcome": {"family": "poisson", "mean": [0.5, 2, 6], "free": true},
         "covariate": [{"name": "x"}]},
        {"name": "nb", "given": ["l"], "outcome": {"family": "negative_binomial", "mean": [0.5, 2, "none"],
         "size": [1, 2, 3], "zero": {"value": 0.3, "free": true}, "free": true}, "covariate": [{"name": "x", "shared": true}]},
        {"name": "zip", "given": ["l"], "outcome": {"family": "poisson", "mean": [0.5, 2, 6], "zero": [0.1, 0.2, 0.3],
         "free": true}},
        {"name": "seen", "given": ["l"], "states": ["a", "b", "c"], "free": true,
         "table": [[0.8, 0.2, 0], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]], "covariate": [{"name": "x"}, {"name": "z"}]}]}"#;

fn model(json: &str) -> Model {
    let spec: ModelSpec = serde_json::from_str(json).unwrap();
    Model::compile(&spec).unwrap()
}

fn table() -> Columns {
    let nan = f64::NAN;
    let number = |name: &str, numbers: Vec<f64>| StatusColumn { status: name.into(), codes: vec![], numbers };
    Columns {
        units: vec!["one".into(), "two".into()],
        unit: vec![0, 0, 0, 0, 1, 1, 1],
        time: vec![0.0, 0.7, 1.2, 2.5, 0.5, 1.0, 3.0],
        tick: 1.0,
        weights: vec![1.0, 2.0],
        rungs: vec![RungColumn { ladder: "l".into(), codes: vec![-1, 1, 3, -1, -1, -1, 2], sets: vec![vec![0, 1]] }],
        statuses: vec![
            number("normal", vec![0.3, 2.0, -1.0, nan, 7.0, 2.0, 3.0]),
            number("log", vec![0.3, 2.0, nan, 1.0, 7.0, 2.0, 3.0]),
            number("t", vec![0.3, 2.0, 9.0, nan, 7.0, -2.0, nan]),
            number("poisson", vec![0.0, 2.0, 1.0, nan, 70.0, 2.0, 3.0]),
            number("nb", vec![0.0, 2.0, 1.0, nan, 0.0, 66.0, nan]),
            number("zip", vec![0.0, 2.0, 0.0, nan, 4.0, 0.0, nan]),
            StatusColumn { status: "seen".into(), codes: vec![0, 1, 1, -1, 1, 0, 2], numbers: vec![] },
        ],
        covariates: vec![
            CovariateColumn { name: "x".into(), values: vec![0.5, -1.0, 0.0, 2.0, 0.3, 0.1, 0.7] },
            CovariateColumn { name: "z".into(), values: vec![0.1, 1.0, 0.4, nan, 0.3, -1.1, 0.7] },
            CovariateColumn { name: "kind".into(), values: vec![0.0, 1.0, 2.0, 0.0, 2.0, 0.0, 1.0] },
        ],
        ..Columns::default()
    }
}

/// Values away from where covariates do nothing.
fn values(model: &Model) -> Values {
    let theta: Vec<f64> = model.parameters.start();
    let moved: Vec<f64> = theta.iter().enumerate().map(|(k, x)| x + 0.2 * ((k as f64) * 1.7).sin()).collect();
    model.parameters.values(&moved)
}

fn positive(model: &Model, values: &Values, name: &str) -> f64 {
    let found = model.parameters.positives.iter().position(|p| p.name == name);
    values.positives[found.unwrap_or_else(|| panic!("{name}"))]
}

fn real(model: &Model, values: &Values, name: &str) -> f64 {
    let found = model.parameters.reals.iter().position(|p| p.name == name);
    values.reals[found.unwrap_or_else(|| panic!("{name}"))]
}

fn row(model: &Model, values: &Values, name: &str) -> Vec<f64> {
    let found = model.parameters.rows.iter().position(|p| p.name == name);
    values.rows[found.unwrap_or_else(|| panic!("{name}"))].clone()
}

/// The likelihood of all that is seen at a row, at a rung.
fn shown(model: &Model, values: &Values, columns: &Columns, at: usize, rung: usize) -> f64 {
    let p = |name: &str| positive(model, values, name);
    let r = |name: &str| real(model, values, name);
    let letter = ["a", "b", "c"][rung];
    let covariate = |name: &str| columns.covariates.iter().find(|c| c.name == name).unwrap().values[at];
    let (x, kind) = (covariate("x"), covariate("kind"));
    let mut likelihood = 1.0;
    for column in &columns.statuses {
        let name = column.status.as_str();
        if name == "seen" {
            let Ok(code) = usize::try_from(column.codes[at]) else { continue };
            let mut odds = row(model, values, &format!("seen | l = {letter}"));
            for (k, state) in ["a", "b", "c"].iter().enumerate().filter(|(k, _)| *k != rung) {
                if odds[k] > 0.0 {
                    let own = |covariate: &str| r(&format!("seen | {letter}: {state}: + ({covariate})"));
                    odds[k] *= (x * own("x") + covariate("z") * own("z")).exp();
                }
            }
            likelihood *= odds[code] / odds.iter().sum::<f64>();
            continue;
        }
        let y = column.numbers[at];
        if y.is_nan() {
            continue;
        }
        likelihood *= match name {
            "normal" => {
                let level = match kind as usize {
                    0 => 0.0,
                    1 => r("normal: + (kind = v)"),
                    _ => r("normal: + (kind = w)"),
                };
                let mean = r(&format!("normal: mean | {letter}")) + x * r(&format!("normal | {letter}: + (x)")) + level;
                Normal::new(mean, p(&format!("normal: sd | {letter}"))).unwrap().pdf(y)
            }
            "log" => {
                let mean = r(&format!("log: mean | {letter}")) + x * r("log: + (x)");
                LogNormal::new(mean, p("log: sd")).unwrap().pdf(y)
            }
            "t" => {
                let (mean, sd) = (r(&format!("t: mean | {letter}")), p(&format!("t: sd | {letter}")));
                StudentsT::new(mean, sd, p("t: freedom")).unwrap().pdf(y)
            }
            "poisson" => {
                let mean =
                    p(&format!("poisson: mean | {letter}")) * (x * r(&format!("poisson | {letter}: + (x)"))).exp();
                Poisson::new(mean).unwrap().pmf(y as u64)
            }
            "nb" if rung == 2 => 0.0,
            "nb" => {
                let (mean, size) = (p(&format!("nb: mean | {letter}")), p(&format!("nb: size | {letter}")));
                let mean = mean * (x * r("nb: + (x)")).exp();
                let own = NegativeBinomial::new(size, size / (size + mean)).unwrap().pmf(y as u64);
                let zero = row(model, values, "nb: zero");
                zero[1] * own + if y == 0.0 { zero[0] } else { 0.0 }
            }
            _ => {
                let own = Poisson::new(p(&format!("zip: mean | {letter}"))).unwrap().pmf(y as u64);
                let zero = row(model, values, &format!("zip: zero | {letter}"));
                zero[1] * own + if y == 0.0 { zero[0] } else { 0.0 }
            }
        };
    }
    likelihood
}

fn oracle(columns: &Columns, model: &Model, values: &Values) -> f64 {
    let (up, down) = (positive(model, values, "l: up"), positive(model, values, "l: down"));
    let q = DMatrix::from_row_slice(3, 3, &[-up, up, 0.0, down, -up - down, up, 0.0, down, -down]);
    let mut total = 0.0;
    for (unit, weight) in columns.weights.iter().enumerate() {
        let rows: Vec<usize> = (0..columns.unit.len()).filter(|r| columns.unit[*r] == unit).collect();
        let mut vector = DMatrix::from_row_slice(1, 3, &[0.7, 0.3, 0.0]);
        for (k, &at) in rows.iter().enumerate() {
            if k > 0 {
                vector *= (&q * (columns.time[at] - columns.time[rows[k - 1]])).exp();
            }
            for rung in 0..3 {
                let possible = match columns.rungs[0].codes[at] {
                    -1 => true,
                    3 => rung < 2,
                    code => rung as i64 == code,
                };
                vector[(0, rung)] *= if possible { shown(model, values, columns, at, rung) } else { 0.0 };
            }
        }
        total += weight * vector.sum().ln();
    }
    total
}

fn score(panel: &Panel, model: &Model, values: &Values) -> (f64, Vec<f64>) {
    let score = panel.score(model, values, &Control::default()).unwrap();
    (score.log, model.parameters.gradient(values, &score.statistics))
}

#[test]
fn the_likelihood_is_that_of_whole_matrices() {
    let (model, columns) = (model(ALL), table());
    let values = values(&model);
    let panel = Panel::compile(&columns, &model).unwrap();
    let (log, expected) = (score(&panel, &model, &values).0, oracle(&columns, &model, &values));
    assert!((log - expected).abs() < EXACT * expected.abs(), "{log} {expected}");
}

#[test]
fn the_score_is_the_slope_of_the_likelihood() {
    let (model, columns) = (model(ALL), table());
    let panel = Panel::compile(&columns, &model).unwrap();
    let theta = model.parameters.theta(&values(&model));
    let (_, gradient) = score(&panel, &model, &model.parameters.values(&theta));
    let names = model.parameters.coordinates();
    for k in 0..theta.len() {
        let at = |step: f64| {
            let mut moved = theta.clone();
            moved[k] += step;
            score(&panel, &model, &model.parameters.values(&moved)).0
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((slope - gradient[k]).abs() < SLOPE * (1.0 + slope.abs()), "{}: {slope} {}", names[k], gradient[k]);
    }
}

#[test]
fn densities_far_out_do_not_underflow() {
    let far = model(
        r#"{"ladder": [{"name": "l", "rungs": ["a", "b"], "start": {"a": 0.5, "b": 0.5}, "rate": [{"moves": "up", "free": true}]}],
        "status": [{"name": "y", "given": ["l"], "outcome": {"family": "normal", "mean": [0, 1], "sd": 1, "free": true}}]}"#,
    );
    let columns = Columns {
        units: vec!["one".into()],
        unit: vec![0, 0],
        time: vec![0.0, 1.0],
        tick: 1.0,
        statuses: vec![StatusColumn { status: "y".into(), codes: vec![], numbers: vec![1e3, 1e3] }],
        ..Columns::default()
    };
    let panel = Panel::compile(&columns, &far).unwrap();
    let (log, gradient) = score(&panel, &far, &far.parameters.standing());
    assert!((-1e6..-9e5).contains(&log) && gradient.iter().all(|g| g.is_finite()), "{log} {gradient:?}");
}

/// Units that are well for a time and then ill, and show a number about `means`.
fn two_rungs(means: [f64; 2]) -> Columns {
    let mut columns = Columns { tick: 1.0, ..Columns::default() };
    let mut numbers = vec![];
    for unit in 0..60usize {
        columns.units.push(unit.to_string());
        let noise = random::normals(5, unit as u64, 8);
        for (k, z) in noise.iter().enumerate() {
            columns.unit.push(unit);
            columns.time.push(k as f64);
            numbers.push(means[usize::from(k > unit % 7)] + z);
        }
    }
    columns.statuses = vec![StatusColumn { status: "y".into(), codes: vec![], numbers }];
    columns
}

#[test]
fn numbers_that_are_not_given_are_found() {
    let free = model(
        r#"{"ladder": [{"name": "l", "rungs": ["well", "ill"], "start": "well", "rate": [{"moves": "up", "free": true}]}],
        "status": [{"name": "y", "given": ["l"], "outcome": {"family": "normal", "free": true}}]}"#,
    );
    for means in [[1e6, 1e6 + 5.0], [3.0, -2.0]] {
        let columns = two_rungs(means);
        let fit = PanelFit::learn(Arc::new(free.clone()), &columns, 1, 0, &Control::default()).unwrap();
        let found = fit.model.parameters.values(&fit.theta).reals;
        assert!(fit.converged && fit.warnings.is_empty(), "{:?}", fit.warnings);
        assert!((found[0] - means[0]).abs() < 0.5 && (found[1] - means[1]).abs() < 0.5, "{found:?}");
        let (_, path) = paths::likeliest(&fit, &Control::default()).unwrap();
        assert_eq!(path.len(), columns.unit.len());
        assert!(path[..2] == [0, 1] && path[8..11] == [0, 0, 1], "{:?}", &path[..16]);
        let smoothed = paths::smoothed(&fit, &Control::default()).unwrap();
        assert!(smoothed[0] > 0.9 && smoothed[3] > 0.9, "{:?}", &smoothed[..4]);
    }
}

#[test]
fn refusals_name_unit_and_row() {
    let model = model(ALL);
    let refused = |change: &dyn Fn(&mut Columns)| {
        let mut columns = table();
        change(&mut columns);
        Panel::compile(&columns, &model).unwrap_err().to_string()
    };
    let far = refused(&|c| c.statuses[0].numbers[1] = f64::INFINITY);
    assert!(far.starts_with("unit 'one', row 2: indicator 'normal' is inf; expected a finite number"), "{far}");
    let half = refused(&|c| c.statuses[3].numbers[5] = 1.5);
    assert!(half.starts_with("unit 'two', row 6: indicator 'poisson' is 1.5, which no rung can show"), "{half}");
    let missing = refused(&|c| c.covariates[1].values[4] = f64::NAN);
    assert!(missing.starts_with("unit 'two', row 5: covariate 'z' of indicator 'seen' is NaN"), "{missing}");
    let never = refused(&|c| c.statuses[4].numbers[6] = 1.0);
    assert!(never.starts_with("unit 'two', row 7: what is seen there fits no rung"), "{never}");
    let same = PanelFit::learn(
        Arc::new(model.clone()),
        &Columns {
            covariates: table().covariates.into_iter().map(|c| CovariateColumn { values: vec![1.0; 7], ..c }).collect(),
            ..table()
        },
        1,
        0,
        &Control::default(),
    );
    assert!(matches!(same, Err(Error::Unidentified { .. })), "{same:?}");
}

#[test]
fn specs_that_make_no_sense_are_refused() {
    let refused = |status: &str| {
        let json = format!(
            r#"{{"ladder": [{{"name": "l", "rungs": ["a", "b"], "start": "a", "rate": [{{"moves": "up", "free": true}}]}}],
            "status": [{{"name": "y", "given": ["l"], {status}}}]}}"#
        );
        let spec: ModelSpec = serde_json::from_str(&json).unwrap();
        Model::compile(&spec).unwrap_err().to_string()
    };
    for (status, message) in [
        (r#""states": ["u", "v"]"#, "expected `states` and `table`, or `outcome` for a number"),
        (r#""outcome": {"family": "gamma"}"#, "there is no family 'gamma'; expected one of normal"),
        (r#""outcome": {"family": "normal", "mean": [1, 2]}"#, "the outcome has no `sd`"),
        (r#""outcome": {"family": "normal", "mean": [1, 2, 3], "sd": 1}"#, "there are 3 of `mean`; expected 2"),
        (r#""outcome": {"family": "normal", "mean": 1, "sd": -1}"#, "`sd` is -1; expected a finite number above 0"),
        (r#""outcome": {"family": "normal", "mean": 1, "sd": 1, "size": 1}"#, "`size` does not go with normal"),
        (r#""outcome": {"family": "poisson", "mean": 1, "zero": 1.5}"#, "`zero` is 1.5; expected a probability"),
        (r#""outcome": {"family": "poisson", "mean": "nowhere"}"#, "`mean` is \"nowhere\"; expected a number"),
        (r#""outcome": {"family": "poisson", "mean": "none"}"#, "it is shown nowhere"),
        (r#""outcome": {"family": "poisson", "mean": {"value": 1, "spread": 0.5}}"#, "the spread is 0.5"),
        (r#""outcome": {"family": "poisson", "mean": 1}, "free": true"#, "do not go with `outcome`"),
        (
            r#""outcome": {"family": "poisson", "mean": 1}, "covariate": [{"name": "x"}, {"name": "x"}]"#,
            "'x' is twice among the covariates",
        ),
    ] {
        let told = refused(status);
        assert!(told.contains(message), "{status}: {told}");
    }
}
