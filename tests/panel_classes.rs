//! Units with drivers: the score against differences, classes that are impossible, the same bits for any number of threads.

use escalade::escalation::model::Model;
use escalade::escalation::panel::columns::{Columns, CovariateColumn, DriverColumn, RungColumn, StatusColumn};
use escalade::escalation::panel::mixture::Mixture;
use escalade::escalation::panel::{Panel, PanelFit};
use escalade::escalation::spec::ModelSpec;
use escalade::ground::{Control, Error};
use std::sync::Arc;

/// Central differences of a log-likelihood of this size.
const SLOPE: f64 = 2e-6;

const MODEL: &str = r#"{"driver": [
    {"name": "region", "states": ["north", "south"], "table": [0.4, 0.6], "free": true},
    {"name": "kind", "states": ["mover", "slow", "stayer"], "given": ["region"], "free": true,
     "table": [[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]]},
    {"name": "source", "states": ["good", "bad"], "table": [0.7, 0.3], "free": true}],
  "ladder": [
    {"name": "l", "rungs": ["a", "b", "c"], "start": {"a": 0.7, "b": 0.3}, "first": "given",
     "rate": [{"moves": [["a", "b"]], "free": true, "rate": 0.5, "per": "day"},
              {"moves": [["b", "a"]], "free": true, "rate": 0.3, "per": "day"},
              {"moves": [["b", "c"]], "free": true, "rate": 0.2, "per": "day"}],
     "effect": [{"when": {"driver": "kind", "is": "stayer"}, "moves": "all", "factor": 0},
                {"when": {"driver": "kind", "is": "slow"}, "moves": "up", "free": true, "factor": 0.4},
                {"when": {"all": [{"driver": "kind", "is": "slow"}, {"ladder": "k", "is": "on"}]}, "moves": "down",
                 "free": true, "factor": 2.0}],
     "covariate": [{"name": "x", "moves": [["a", "b"]]}]},
    {"name": "k", "rungs": ["off", "on"], "start": "off",
     "rate": [{"moves": "up", "free": true, "rate": 0.3, "per": "day"},
              {"moves": "down", "free": true, "rate": 0.6, "per": "day"}],
     "effect": [{"when": {"ladder": "l", "at_least": "b"}, "moves": "up", "free": true, "factor": 1.7}]}],
  "status": [{"name": "s", "states": ["p", "q"], "given": ["l", "source"], "free": true,
              "table": [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.5, 0.5], [0.0, 1.0], [0.3, 0.7]]}]}"#;

fn model() -> Model {
    let spec: ModelSpec = serde_json::from_str(MODEL).unwrap();
    Model::compile(&spec).unwrap()
}

/// Three units: one that moves, one that is never seen to, one of which only values are seen.
fn table() -> Columns {
    Columns {
        units: vec!["one".into(), "two".into(), "three".into()],
        unit: vec![0, 0, 0, 0, 1, 1, 1, 2, 2, 2],
        time: vec![0.0, 0.7, 1.2, 2.5, 0.5, 1.0, 3.0, 0.0, 1.0, 2.0],
        tick: 1.0,
        weights: vec![1.0, 2.0, 1.5],
        rungs: vec![
            RungColumn { ladder: "l".into(), codes: vec![0, 1, -1, 2, 0, 0, 0, -1, -1, 0], sets: vec![] },
            RungColumn { ladder: "k".into(), codes: vec![0, 0, 1, 1, 0, 0, 0, 0, -1, 0], sets: vec![] },
        ],
        statuses: vec![StatusColumn {
            status: "s".into(),
            codes: vec![0, -1, 1, 1, 0, -1, 0, 1, 0, 0],
            numbers: vec![],
        }],
        covariates: vec![CovariateColumn {
            name: "x".into(),
            values: vec![0.5, -1.0, 0.0, 2.0, 0.3, 0.2, f64::NAN, 0.1, 0.4, 0.0],
        }],
        drivers: vec![DriverColumn { driver: "source".into(), codes: vec![-1, 0, -1, -1, -1, -1, -1, -1, -1, -1] }],
        ..Columns::default()
    }
}

#[test]
fn the_score_is_the_slope_of_the_log_likelihood() {
    let model = model();
    let mixture = slopes_agree(&model);
    // Who moved is no stayer, exactly; who was seen to have a good source has one.
    assert!(mixture.weights[4] == 0.0 && mixture.weights[5] == 0.0);
    assert!(mixture.weights[1] == 0.0 && mixture.weights[3] == 0.0 && mixture.weights[0] > 0.0);
    assert!(mixture.weights[6..].iter().all(|weight| *weight > 0.0));
}

/// A first rung that depends on the class: what is seen of it weighs the class, and its rows are learnt.
#[test]
fn first_rungs_by_drivers_weigh_the_class() {
    let spec = MODEL
        .replace(
            r#""start": {"a": 0.7, "b": 0.3}, "first": "given","#,
            r#""start": {"mover": {"a": 0.7, "b": 0.3}, "slow": [0.2, 0.5, 0.3], "stayer": [0.5, 0.25, 0.25]},
            "start_given": ["kind"], "first": "estimated","#,
        )
        .replace(r#""start": "off","#, r#""start": {"off": 0.6, "on": 0.4}, "worth": 5,"#);
    let model = Model::compile(&serde_json::from_str::<ModelSpec>(&spec).unwrap()).unwrap();
    let names: Vec<&str> = model.parameters.rows.iter().map(|row| row.name.as_str()).collect();
    assert!(names.contains(&"l: first rung | kind = slow") && names.contains(&"k: first rung"), "{names:?}");
    let mixture = slopes_agree(&model);
    assert!(mixture.weights[4] == 0.0 && mixture.weights[5] == 0.0 && mixture.weights[0] > 0.0);
}

fn slopes_agree(model: &Model) -> Mixture {
    let control = Control::default();
    let panel = Panel::compile(&table(), model).unwrap();
    assert_eq!(panel.n_classes(), 6);
    let start = model.parameters.start();
    let theta: Vec<f64> = start.iter().enumerate().map(|(k, x)| x + 0.2 * ((k as f64) * 1.7).sin()).collect();
    let log = |theta: &[f64]| panel.score(model, &model.parameters.values(theta), &control).unwrap().log;
    let values = model.parameters.values(&theta);
    let score = panel.score(model, &values, &control).unwrap();
    let gradient = model.parameters.gradient(&values, &score.statistics);
    for (k, slope) in gradient.iter().enumerate() {
        let along = |step: f64| {
            let mut moved = theta.clone();
            moved[k] += step;
            log(&moved)
        };
        let difference = (along(1e-5) - along(-1e-5)) / 2e-5;
        let name = &model.parameters.coordinates()[k];
        assert!((slope - difference).abs() < SLOPE, "{name}: {slope} {difference}");
    }
    let mixture = panel.mixture(model, &values, &control).unwrap().unwrap();
    assert_eq!(mixture.log, score.log);
    mixture
}

/// Covariates on all three drivers: numbers, levels, one shared coefficient.
fn regressed() -> Model {
    let spec = MODEL
        .replace(
            r#""table": [0.4, 0.6], "free": true"#,
            r#""table": [0.4, 0.6], "free": true, "covariate": [{"name": "x"}]"#,
        )
        .replace(
            r#""given": ["region"], "free": true,"#,
            r#""given": ["region"], "free": true,
               "covariate": [{"name": "age"}, {"name": "arm", "levels": ["u", "v", "w"]}],"#,
        )
        .replace(
            r#""table": [0.7, 0.3], "free": true"#,
            r#""table": [0.7, 0.3], "covariate": [{"name": "age", "shared": true, "coefficient": 0.2, "spread": 1}]"#,
        );
    Model::compile(&serde_json::from_str::<ModelSpec>(&spec).unwrap()).unwrap()
}

/// Only the first row of a unit tells what drivers look at.
fn aged() -> Columns {
    let mut columns = table();
    let nan = f64::NAN;
    let of = |name: &str, values: [f64; 10]| CovariateColumn { name: name.into(), values: values.to_vec() };
    columns.covariates.push(of("age", [1.5, nan, 3.0, 4.0, -0.5, nan, nan, 0.25, 9.0, nan]));
    columns.covariates.push(of("arm", [2.0, 0.0, nan, 0.0, 1.0, 1.0, nan, 0.0, 0.0, 0.0]));
    columns
}

#[test]
fn the_score_of_a_driver_s_covariates_is_the_slope() {
    let (model, control) = (regressed(), Control::default());
    // Region is summed out where nothing looks at it; where it has a column, classes say all that a table depends on.
    let mut closed = aged();
    closed.drivers.push(DriverColumn { driver: "region".into(), codes: vec![-1; 10] });
    let (open, closed) = (Panel::compile(&aged(), &model).unwrap(), Panel::compile(&closed, &model).unwrap());
    assert_eq!((open.n_classes(), closed.n_classes()), (6, 12));
    let start = model.parameters.start();
    let theta: Vec<f64> = start.iter().enumerate().map(|(k, x)| x + 0.3 * ((k as f64) * 1.7).sin()).collect();
    let values = model.parameters.values(&theta);
    let of = |panel: &Panel| {
        let score = panel.score(&model, &values, &control).unwrap();
        (score.log, model.parameters.gradient(&values, &score.statistics))
    };
    let ((log, gradient), (other, same)) = (of(&open), of(&closed));
    assert!((log - other).abs() < 1e-12 * log.abs());
    for (k, (slope, also)) in gradient.iter().zip(&same).enumerate() {
        let along = |step: f64| {
            let mut moved = theta.clone();
            moved[k] += step;
            open.score(&model, &model.parameters.values(&moved), &control).unwrap().log
        };
        let difference = (along(1e-5) - along(-1e-5)) / 2e-5;
        let name = &model.parameters.coordinates()[k];
        assert!(
            (slope - difference).abs() < SLOPE && (slope - also).abs() < 1e-10,
            "{name}: {slope} {also} {difference}"
        );
    }
    let names = model.parameters.coordinates().join("; ");
    let wanted =
        ["region: north: + (x)", "kind | north: slow: + (age)", "kind | south: stayer: + (arm = w)", "source: + (age)"];
    for name in wanted {
        assert!(names.contains(name), "{name} is not in {names}");
    }
}

#[test]
fn what_a_driver_s_covariate_lacks_is_named() {
    let model = Arc::new(regressed());
    let mut columns = aged();
    columns.covariates[1].values[4] = f64::NAN;
    let error = Panel::compile(&columns, &model).unwrap_err().to_string();
    let expected = "unit 'two', row 5: covariate 'age' of driver 'kind' is NaN; expected a finite number or a level in the \
                    unit's first row";
    assert_eq!(error, expected);
    columns.covariates.truncate(1);
    let error = Panel::compile(&columns, &model).unwrap_err().to_string();
    assert!(error.contains("no column for covariate 'age'"), "{error}");
    let mut columns = aged();
    columns.covariates[1].values = vec![1.0; 10];
    let error = PanelFit::learn(model, &columns, 1, 0, &Control::default()).unwrap_err();
    assert!(
        matches!(&error, Error::Unidentified { parameter, .. } if parameter == "kind | north: slow: + (age)"),
        "{error}"
    );
}

#[test]
fn one_thread_or_seven_give_the_same_bits() {
    same_bits(model());
    same_bits(regressed());
}

fn same_bits(model: Model) {
    let (one, control) = (aged(), Control::default());
    let (model, mut many) = (Arc::new(model), Columns { units: vec![], unit: vec![], ..one.clone() });
    for copy in 0..300 {
        many.units.extend(one.units.iter().map(|name| format!("{name} {copy}")));
        many.unit.extend(one.unit.iter().map(|unit| unit + 3 * copy));
    }
    let repeat = |x: &Vec<i64>| x.repeat(300);
    many.time = one.time.iter().enumerate().map(|(k, t)| t + 0.01 * (k % 3) as f64).collect::<Vec<_>>().repeat(300);
    many.weights = one.weights.repeat(300);
    many.rungs.iter_mut().for_each(|column| column.codes = repeat(&column.codes));
    many.statuses.iter_mut().for_each(|column| column.codes = repeat(&column.codes));
    many.drivers.iter_mut().for_each(|column| column.codes = repeat(&column.codes));
    many.covariates.iter_mut().for_each(|column| column.values = column.values.repeat(300));
    let panel = Panel::compile(&many, &model).unwrap();
    let values = model.parameters.values(&model.parameters.start());
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| panel.score(&model, &values, &control).unwrap())
    };
    let (a, b, c) = (on(1), on(2), on(7));
    assert!(a.log == b.log && b.log == c.log);
    assert!(a.statistics == b.statistics && b.statistics == c.statistics);
}

#[test]
fn a_driver_that_changes_is_named() {
    let columns = Columns {
        drivers: vec![DriverColumn { driver: "source".into(), codes: vec![0, -1, 1, -1, 0, 0, 0, 1, 1, 1] }],
        ..table()
    };
    let error = Panel::compile(&columns, &model()).unwrap_err().to_string();
    assert!(error.starts_with("unit 'one', row 3: driver 'source' is 'bad' there and 'good' before"), "{error}");
}

#[test]
fn rows_that_no_class_can_have_are_named() {
    let spec = MODEL.replace(r#""is": "stayer"}"#, r#""is": ["mover", "slow", "stayer"]}"#);
    let model = Model::compile(&serde_json::from_str::<ModelSpec>(&spec).unwrap()).unwrap();
    let error = Panel::compile(&table(), &model).unwrap_err().to_string();
    assert!(error.starts_with("unit 'one', row 2: the moves of the model do not lead from a, off (row 1)"), "{error}");
}

#[test]
fn more_classes_than_are_summed_over_are_refused() {
    let states: Vec<String> = (0..600).map(|k| format!("\"s{k}\"")).collect();
    let spec = format!(
        r#"{{"driver": [{{"name": "d", "states": [{}], "table": [{}]}}],
          "ladder": [{{"name": "l", "rungs": ["a", "b"], "start": "a",
                       "rate": [{{"moves": "up", "free": true}}],
                       "effect": [{{"when": {{"driver": "d", "is": "s1"}}, "moves": "up", "factor": 2}}]}}]}}"#,
        states.join(","),
        vec![(1.0 / 600.0).to_string(); 600].join(",")
    );
    let model = Model::compile(&serde_json::from_str::<ModelSpec>(&spec).unwrap()).unwrap();
    let columns = Columns {
        units: vec!["one".into()],
        unit: vec![0, 0],
        time: vec![0.0, 1.0],
        tick: 1.0,
        rungs: vec![RungColumn { ladder: "l".into(), codes: vec![0, 1], sets: vec![] }],
        ..Columns::default()
    };
    let error = Panel::compile(&columns, &model).unwrap_err();
    assert!(matches!(error, Error::Spec { .. }));
    assert!(error.to_string().contains("600 classes (states of d); at most 512"), "{error}");
}

#[test]
fn a_fit_starts_from_several_places() {
    let fit = PanelFit::learn(Arc::new(model()), &table(), 0, 1, &Control::default());
    // Three units teach little; that they are climbed from six places is what is told.
    if let Ok(fit) = fit {
        assert!(fit.starts.len() > 1);
    }
}
