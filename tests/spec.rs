//! Models, dossiers and questions read, compiled and written again as docs/format.md says.

use escalade::escalation::condition::{Condition, Instant};
use escalade::escalation::dossier::{Dossier, Evidence, Record};
use escalade::escalation::model::{First, Model, Variable};
use escalade::escalation::parameter::{Kind, Positive, Prior, RowPrior};
use escalade::escalation::question::{Ask, Atom, Question};
use escalade::escalation::read::*;
use escalade::escalation::spec::*;
use escalade::ground::time::{Clock, MONTH, YEAR};
use escalade::ground::words::grade;
use proptest::prelude::*;

/// The reference's own model, with the driver that it leaves to the reader, and a little more.
const MODEL: &str = r#"
name = "Troops abroad"
origin = 2024-10-01

[[driver]]
name = "us_policy"
states = ["continuity", "settlement", "disengagement"]
table = [0.3, 0.6, 0.1]
free = true
source = "polls"
known = "2024-09-30"
basis = "base rate"

[[driver]]
name = "restraint"
states = ["strong", "weak"]
given = ["us_policy"]
table = { continuity = [0.7, 0.3], settlement = [0.6, 0.4], disengagement = [0.5, 0.5] }
worth = 20

[[ladder]]
name = "peninsula"
rungs = ["rhetoric", "provocation", "limited clash", "war"]
start = { rhetoric = 0.8, provocation = 0.2 }

[[ladder.rate]]
moves = "up"
chance = "unlikely"
within = "1 year"

[[ladder.rate]]
moves = "down"
rate = 0.5
per = "month"
spread = 2

[[ladder.rate]]
moves = [["rhetoric", "war"], ["war", "rhetoric"]]
events = 3
over = "10 years"

[[ladder.effect]]
when = { driver = "restraint", is = "weak" }
moves = "up"
factor = 2
spread = 1.5

[[ladder.effect]]
when = { all = [{ driver = "restraint", is = "weak" }] }
moves = "up"
factor = 0

[[ladder.effect]]
when = { any = [{ ladder = "front", is = "broken" }, { since = "2025-01-20", until = "2025-06-30" }] }
moves = "down"
free = true

[[ladder]]
name = "front"
rungs = ["firm", "thin", "broken"]
ordered = false
start = "firm"

[[ladder.rate]]
moves = [["firm", "broken"]]
free = true

[[ladder.rate]]
moves = [["broken", "firm"]]
chance = 0.5
within = "2 weeks"

[[ladder.effect]]
when = { ladder = "peninsula", at_least = "limited clash" }
moves = "all"
factor = 3

[[status]]
name = "official_tone"
states = ["calm", "sharp"]
given = ["peninsula", "restraint"]
table = { rhetoric = [[0.9, 0.1], [0.8, 0.2]], provocation = { strong = [0.5, 0.5], weak = [0.4, 0.6] }, "limited clash" = [[0.2, 0.8], [0.2, 0.8]], war = [[0, 1], [0, 1]] }

[[events]]
name = "missile_tests"
given = ["peninsula"]
rate = [0.5, 1, 2, 3]
per = "month"
spread = 1.5

[[events]]
name = "leaflets"
given = ["peninsula", "restraint"]
rate = 2
per = "week"
"#;

fn model() -> Model {
    Model::compile(&model_from_toml(MODEL, None).unwrap()).unwrap()
}

fn positive<'a>(model: &'a Model, name: &str) -> &'a Positive {
    let found = model.parameters.positives.iter().find(|p| p.name == name);
    found.unwrap_or_else(|| {
        panic!("{name}: {:?}", model.parameters.positives.iter().map(|p| &p.name).collect::<Vec<_>>())
    })
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

#[test]
fn the_examples_of_the_reference_are_good() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/format.md")).unwrap();
    let mut blocks = text.split("```toml").skip(1).map(|block| block.split("```").next().unwrap());
    // The page shows one driver; its parent is left to the reader.
    let parent = "\n[[driver]]\nname = \"us_policy\"\nstates = [\"continuity\", \"settlement\", \"disengagement\"]\n\
                  table = [0.3, 0.6, 0.1]\n";
    let page = blocks.next().unwrap();
    let whole = if page.contains("name = \"us_policy\"") { page.to_string() } else { format!("{page}{parent}") };
    let model = Model::compile(&model_from_toml(&whole, None).unwrap()).unwrap();
    assert_eq!(check_dossier_toml(blocks.next().unwrap(), None, &model).unwrap().developments.len(), 1);
}

#[test]
fn parameters_are_named_as_a_reader_would() {
    let model = model();
    let names: Vec<&str> = model.parameters.positives.iter().map(|p| p.name.as_str()).collect();
    let expected = [
        "peninsula: up",
        "peninsula: down",
        "peninsula: rhetoric → war, war → rhetoric",
        "peninsula: up × (restraint = weak)",
        "peninsula: up × (restraint = weak) (2)",
        "peninsula: down × (front = broken or since 2025-01-20 until 2025-06-30)",
        "front: firm → broken",
        "front: broken → firm",
        "front: all × (peninsula ≥ limited clash)",
        "missile_tests | rhetoric",
        "missile_tests | provocation",
        "missile_tests | limited clash",
        "missile_tests | war",
        "leaflets",
    ];
    assert_eq!(names, expected);
    let rows: Vec<&str> = model.parameters.rows.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(rows[..3], ["us_policy", "restraint | us_policy = continuity", "restraint | us_policy = settlement"]);
    assert_eq!(rows[5], "official_tone | peninsula = rhetoric, restraint = weak");
    assert_eq!(rows.len(), 4 + 8);
}

#[test]
fn a_word_is_the_central_half_of_a_belief() {
    let model = model();
    let up = positive(&model, "peninsula: up");
    let q = |p: f64| -(1.0 - p).ln() / YEAR;
    let Prior::LogNormal { mean, sd } = up.prior else { panic!("{:?}", up.prior) };
    assert!(close(mean, (q(0.25).ln() + q(0.35).ln()) / 2.0));
    assert!((sd - (q(0.35) / q(0.25)).ln() / (2.0 * 0.6745)).abs() < 1e-4);
    assert!(close(up.value, mean.exp()));
    assert_eq!((up.kind, up.words.as_str()), (Kind::Intensity, "unlikely within 1 year"));
}

#[test]
fn numbers_become_rates_a_day() {
    let model = model();
    let down = positive(&model, "peninsula: down");
    assert!(close(down.value, 0.5 / MONTH));
    assert_eq!(down.prior, Prior::LogNormal { mean: (0.5 / MONTH).ln(), sd: 2f64.ln() });
    assert_eq!(down.words, "0.5 per month (spread 2)");
    let jump = positive(&model, "peninsula: rhetoric → war, war → rhetoric");
    assert_eq!(jump.prior, Prior::Gamma { shape: 3.5, exposure: 10.0 * YEAR });
    assert!(close(jump.value, 3.5 / (10.0 * YEAR)));
    assert_eq!(jump.words, "3 events over 10 years");
    let free = positive(&model, "front: firm → broken");
    assert_eq!((free.value, &free.prior), (1.0 / YEAR, &Prior::Flat));
    let half = positive(&model, "front: broken → firm");
    assert!(close(half.value, 2f64.ln() / 14.0) && half.prior == Prior::Fixed);
    let factor = positive(&model, "peninsula: up × (restraint = weak)");
    assert_eq!((factor.kind, factor.words.as_str()), (Kind::Factor, "2 (spread 1.5)"));
    let released = positive(&model, "peninsula: down × (front = broken or since 2025-01-20 until 2025-06-30)");
    assert_eq!((released.value, &released.prior), (1.0, &Prior::Flat));
    assert!(close(positive(&model, "missile_tests | war").value, 3.0 / MONTH));
    assert!(close(positive(&model, "leaflets").value, 2.0 / 7.0));
}

#[test]
fn bands_with_open_ends_and_spreads() {
    let rate = |extra: &str| {
        let text = MODEL.replace("chance = \"unlikely\"", extra);
        let model = Model::compile(&model_from_toml(&text, None).unwrap()).unwrap();
        model.parameters.positives[0].clone()
    };
    let q = |p: f64| -(1.0 - p).ln() / YEAR;
    let remote = rate("chance = \"remote chance\"");
    assert!(close(remote.value, (q(0.01) * q(0.05)).sqrt()));
    let certain = rate("chance = \"almost certain\"");
    assert!(close(certain.value, (q(0.95) * q(0.99)).sqrt()));
    let wide = rate("chance = \"probable\"\nspread = 3");
    let own = rate("chance = \"likely\"");
    let sd = |p: &Positive| if let Prior::LogNormal { sd, .. } = p.prior { sd } else { panic!() };
    assert!(close(sd(&wide).powi(2), sd(&own).powi(2) + 3f64.ln().powi(2)));
    assert_eq!(wide.words, "likely or probable within 1 year (spread 3)");
    let number = rate("chance = 0.3\nspread = 2");
    assert_eq!(number.prior, Prior::LogNormal { mean: q(0.3).ln(), sd: 2f64.ln() });
}

#[test]
fn graphs_moves_and_rows_are_by_index() {
    let model = model();
    assert_eq!((&model.drivers[1].parents, &model.drivers[1].rows), (&vec![0], &vec![1, 2, 3]));
    let row = &model.parameters.rows[0];
    assert_eq!((row.prior.clone(), row.provenance.source.as_deref()), (RowPrior::Flat, Some("polls")));
    assert_eq!(row.provenance.basis, Some(Basis::BaseRate));
    assert_eq!(model.parameters.rows[1].prior, RowPrior::Dirichlet { worth: 20.0 });
    let peninsula = &model.ladders[0];
    assert_eq!(peninsula.first, First::Given(vec![0.8, 0.2, 0.0, 0.0]));
    let moves: Vec<(usize, usize, usize)> = peninsula.moves.iter().map(|m| (m.from, m.to, m.rate)).collect();
    assert_eq!(moves, [(0, 1, 0), (1, 2, 0), (2, 3, 0), (1, 0, 1), (2, 1, 1), (3, 2, 1), (0, 3, 2), (3, 0, 2)]);
    // "up" in an effect is every move to a later rung, the jump to war among them.
    assert_eq!(peninsula.effects[0].moves, [0, 1, 2, 6]);
    assert_eq!(peninsula.effects[2].moves, [3, 4, 5, 7]);
    assert_eq!(model.statuses[0].parents, [Variable::Ladder(0), Variable::Driver(1)]);
    let tone: Vec<f64> = model.statuses[0].rows.iter().map(|r| model.parameters.rows[*r].value[1]).collect();
    assert_eq!(tone, [0.1, 0.2, 0.5, 0.6, 0.8, 0.8, 1.0, 1.0]);
    assert_eq!(model.events[1].rates, [13; 8]);
}

#[test]
fn rows_are_divided_by_their_sum() {
    let text = MODEL.replace("table = [0.3, 0.6, 0.1]", "table = [0.3, 0.6, 0.1000005]");
    let model = Model::compile(&model_from_toml(&text, None).unwrap()).unwrap();
    let sum: f64 = model.parameters.rows[0].value.iter().sum();
    assert!((sum - 1.0).abs() < 1e-15);
}

#[test]
fn conditions_are_simplified_and_described() {
    let model = model();
    let read = |text: &str| -> Condition { Condition::compile(&toml::from_str(text).unwrap(), &model).unwrap() };
    for (text, says) in [
        (
            r#"ladder = "peninsula"
is = ["rhetoric", "war"]"#,
            "peninsula in (rhetoric, war)",
        ),
        (
            r#"ladder = "peninsula"
at_most = "provocation""#,
            "peninsula ≤ provocation",
        ),
        (
            r#"ladder = "peninsula"
at_least = "rhetoric""#,
            "always",
        ),
        (r#"not = { driver = "restraint", is = "weak" }"#, "restraint = strong"),
        (r#"not = { since = "2025-01-20" }"#, "not (since 2025-01-20)"),
        (r#"until = "2025-01-19T06:00""#, "until 2025-01-19T06:00"),
        (
            r#"all = [{ any = [{ driver = "restraint", is = "weak" }, { since = "2025-01-20" }] }, { ladder = "front", is = "thin" }]"#,
            "(restraint = weak or since 2025-01-20) and front = thin",
        ),
        (
            r#"any = [{ any = [{ driver = "restraint", is = "weak" }] }, { not = { ladder = "peninsula", at_least = "rhetoric" } }]"#,
            "restraint = weak",
        ),
        (r#"all = [{ driver = "restraint", is = ["strong", "weak"] }]"#, "always"),
    ] {
        assert_eq!(read(text).describe(&model), says);
    }
    let mixed = read(
        r#"all = [{ ladder = "front", is = "thin" }, { not = { all = [{ driver = "restraint", is = "weak" }, { since = "2024-10-11", until = "2024-10-20" }] } }]"#,
    );
    assert_eq!((mixed.ladders(), mixed.drivers(), mixed.boundaries()), (vec![1], vec![1], vec![10.0, 20.0]));
    assert!(mixed.holds(|_| 1, |_| 1, 9.99) && !mixed.holds(|_| 1, |_| 1, 10.0));
    assert!(!mixed.holds(|_| 1, |_| 1, 19.99) && mixed.holds(|_| 1, |_| 1, 20.0));
    assert!(mixed.holds(|_| 0, |_| 1, 15.0) && !mixed.holds(|_| 0, |_| 2, 15.0));
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Condition::Always),
        (0..2usize, prop::collection::vec(any::<bool>(), 2))
            .prop_map(|(driver, states)| Condition::Driver { driver, states }),
        (0..2usize, prop::collection::vec(any::<bool>(), 3))
            .prop_map(|(ladder, rungs)| Condition::Ladder { ladder, rungs }),
        (-2..3i32, -2..3i32).prop_map(|(a, b)| {
            let end = |x: i32, inf: f64| if x.abs() == 2 { inf } else { f64::from(x) };
            Condition::Period { from: Instant(end(a, f64::NEG_INFINITY)), to: Instant(end(b, f64::INFINITY)) }
        }),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::Any),
            inner.prop_map(|c| Condition::Not(Box::new(c))),
        ]
    })
}

proptest! {
    #[test]
    fn simplifying_keeps_the_truth(c in any_condition(), d in 0..4usize, l in 0..9usize, t in -3..4i32) {
        let at = |c: &Condition| c.holds(|i| (d >> i) & 1, |i| [l % 3, l / 3][i], f64::from(t) / 2.0);
        let simple = c.clone().simplify();
        prop_assert_eq!(at(&c), at(&simple));
        prop_assert_eq!(simple.clone().simplify(), simple);
    }
}

const DOSSIER: &str = r#"
as_of = "2024-11-30"

[[development]]
id = "state"
saw = { all = [{ ladder = "peninsula", at_least = "provocation" }, { driver = "restraint", is = "weak" }] }
on = 2024-10-31

[[development]]
id = "window"
saw = { ladder = "peninsula", at_least = "provocation" }
between = ["2024-10-08", "2024-10-17"]
reported = "2024-10-19"
grade = "B2"
paragraph = 6

[[development]]
id = "entered"
saw = { ladder = "peninsula", is = "war" }
between = ["2024-10-08T06:00", "2024-10-17T18:00"]
entered = true
hit = 0.9
false_alarm = 0.2

[[development]]
id = "never"
never = { ladder = "peninsula", is = "war" }
between = ["2024-10-01", "2024-11-30"]
grade = "A1"
false_alarm = 0.25

[[development]]
id = "driver"
saw = { driver = "us_policy", is = ["continuity", "settlement"] }

[[development]]
id = "driver on"
saw = { driver = "restraint", is = "weak" }
on = "2024-11-06"

[[development]]
id = "driver between"
saw = { driver = "restraint", is = "weak" }
between = ["2024-11-06", "2024-11-07"]

[[development]]
id = "tone"
saw = { indicator = "official_tone", is = "sharp" }
on = "2024-11-06"
hit = 0.9
false_alarm = 0.1

[[development]]
id = "soft"
likelihood = { of = "peninsula", values = { rhetoric = 1, provocation = 0.5 } }
on = "2024-10-02"

[[development]]
id = "soft driver"
likelihood = { of = "us_policy", values = { settlement = 2 } }

[[development]]
id = "soft status"
likelihood = { of = "official_tone", values = { calm = 1, sharp = 0.25 } }
on = "2024-10-02"

[[development]]
id = "move"
moved = { ladder = "peninsula", from = "rhetoric", to = "provocation" }
on = "2024-10-02T12:30"
grade = "B2"
false_rate = 1
false_per = "week"

[[development]]
id = "tests"
counted = { indicator = "missile_tests", at = ["2024-10-31", "2024-10-05T06:00"] }
over = ["2024-10-01", "2024-10-31"]

[[development]]
id = "more tests"
counted = { indicator = "missile_tests", count = 0 }
over = ["2024-11-01", "2024-11-30"]

[[development]]
id = "too late"
saw = { ladder = "peninsula", is = "war" }
on = "2024-12-24"
"#;

fn dossier() -> Dossier {
    check_dossier_toml(DOSSIER, None, &model()).unwrap()
}

fn evidence(id: &str) -> Evidence {
    dossier().developments.into_iter().find(|d| d.id == id).unwrap().evidence
}

#[test]
fn developments_become_evidence() {
    let b2 = grade("B2").unwrap();
    let Evidence::State { time, when, hit, miss } = evidence("state") else { panic!() };
    assert_eq!((time, hit, miss), (30.5, 1.0, 0.0));
    assert_eq!(when.describe(&model()), "peninsula ≥ provocation and restraint = weak");
    let Evidence::Window { start, end, entered, happened, never, .. } = evidence("window") else { panic!() };
    assert_eq!((start, end, entered, happened, never), (7.0, 17.0, false, b2.hit, b2.false_alarm));
    let Evidence::Window { start, end, entered, happened, never, .. } = evidence("entered") else { panic!() };
    assert_eq!((start, end, entered, happened, never), (7.25, 16.75, true, 0.9, 0.2));
    let Evidence::Window { start, end, happened, never, .. } = evidence("never") else { panic!() };
    assert_eq!((start, end, happened, never), (0.0, 61.0, 0.25, grade("A1").unwrap().hit));
    let Evidence::State { time, hit, miss, .. } = evidence("driver") else { panic!() };
    assert_eq!((time, hit, miss), (61.0, 1.0, 0.0));
    assert!(matches!(evidence("driver on"), Evidence::State { time: 36.5, .. }));
    assert!(matches!(evidence("driver between"), Evidence::Window { start: 36.0, end: 38.0, .. }));
    assert_eq!(evidence("tone"), Evidence::Status { time: 36.5, status: 0, weights: vec![0.1, 0.9] });
    let soft = Evidence::Soft { time: 1.5, of: Variable::Ladder(0), weights: vec![1.0, 0.5, 0.0, 0.0] };
    assert_eq!(evidence("soft"), soft);
    let soft = Evidence::Soft { time: 61.0, of: Variable::Driver(0), weights: vec![0.0, 2.0, 0.0] };
    assert_eq!(evidence("soft driver"), soft);
    assert_eq!(evidence("soft status"), Evidence::Status { time: 1.5, status: 0, weights: vec![1.0, 0.25] });
    let time = 36.5 / 24.0;
    let moved = Evidence::Move { time, ladder: 0, from: 0, to: 1, hit: b2.hit, false_rate: 1.0 / 7.0 };
    assert_eq!(evidence("move"), moved);
    let record = Record::Times(vec![4.25, 30.5]);
    let tests = Evidence::Events { start: 0.0, end: 31.0, events: 0, record, hit: 1.0, false_rate: 0.0 };
    assert_eq!(evidence("tests"), tests);
    assert!(matches!(
        evidence("more tests"),
        Evidence::Events { record: Record::Count(0), start: 31.0, end: 61.0, .. }
    ));
}

#[test]
fn reports_come_when_it_ended_and_late_ones_are_left_out() {
    let dossier = dossier();
    let reported = |id: &str| dossier.developments.iter().find(|d| d.id == id).unwrap().reported;
    assert_eq!((reported("state"), reported("window"), reported("entered")), (31.0, 19.0, 16.75));
    assert_eq!((reported("driver"), reported("tests")), (61.0, 31.0));
    assert_eq!((dossier.as_of, dossier.left_out), (61.0, vec!["too late".to_string()]));
}

const QUESTIONS: &str = r#"
[[question]]
name = "at"
ask = { at = { ladder = "peninsula", is = "war" }, on = "2025-06-30" }

[[question]]
name = "first"
ask = { first = { ladder = "peninsula", is = "war" }, before = { ladder = "front", is = "broken" }, by = "2025-06-30" }
criterion = "as reported by two agencies"

[[question]]
name = "joined"
ask = { all = [
    { reach = { ladder = "peninsula", at_least = "limited clash" }, by = "2025-06-30" },
    { not = { any = [{ enters = { ladder = "front", is = "broken" }, by = "2025-06-30" }] } },
] }
given = { reach = { ladder = "peninsula", at_least = "limited clash" }, by = 2025-06-30 }
"#;

#[test]
fn questions_become_atoms() {
    let model = model();
    let by = Clock::new("2024-10-01").unwrap().day_end("2025-06-30").unwrap();
    let questions = check_questions_toml(QUESTIONS, None, &model, 61.0).unwrap();
    assert_eq!(questions[0].atoms, [Atom::At { when: war(), time: by - 0.5 }]);
    assert!(matches!(&questions[1].atoms[..], [Atom::First { when, by: b, .. }] if *when == war() && *b == by));
    let joined = &questions[2];
    let not = Ask::Not(Box::new(Ask::Any(vec![Ask::Atom(1)])));
    assert_eq!((&joined.ask, &joined.given), (&Ask::All(vec![Ask::Atom(0), not]), &Some(Ask::Atom(0))));
    assert_eq!(joined.atoms.len(), 2);
    let one = questions_from_toml(QUESTIONS, None).unwrap().question.remove(1);
    assert_eq!(Question::compile(&one, &model, 61.0).unwrap(), questions[1]);
}

fn war() -> Condition {
    Condition::Ladder { ladder: 0, rungs: vec![false, false, false, true] }
}

#[test]
fn toml_and_json_round_trips_are_equal() {
    let spec = model_from_toml(MODEL, None).unwrap();
    let text = model_to_toml(&spec).unwrap();
    assert_eq!(model_from_toml(&text, None).unwrap(), spec, "{text}");
    assert_eq!(from_json::<ModelSpec>(&to_json(&spec).unwrap()).unwrap(), spec);
    let spec = dossier_from_toml(DOSSIER, None).unwrap();
    let text = dossier_to_toml(&spec).unwrap();
    assert_eq!(dossier_from_toml(&text, None).unwrap(), spec, "{text}");
    assert_eq!(from_json::<DossierSpec>(&to_json(&spec).unwrap()).unwrap(), spec);
    let spec = questions_from_toml(QUESTIONS, None).unwrap();
    let text = questions_to_toml(&spec).unwrap();
    assert_eq!(questions_from_toml(&text, None).unwrap(), spec, "{text}");
    assert_eq!(from_json::<QuestionsSpec>(&to_json(&spec).unwrap()).unwrap(), spec);
}

#[test]
fn a_file_is_written_as_the_reference_writes_it() {
    let text = model_to_toml(&model_from_toml(MODEL, None).unwrap()).unwrap();
    assert!(text.contains("when = { driver = \"restraint\", is = \"weak\" }\n"), "{text}");
    assert!(text.contains("\n[[ladder.rate]]\nmoves = \"up\"\nchance = \"unlikely\"\nwithin = \"1 year\"\n"), "{text}");
}

proptest! {
    #[test]
    fn any_text_and_number_survives_toml(name in ".{1,12}", state in ".{1,12}", p in 0.0..1.0f64, x: f64) {
        prop_assume!(name != state);
        let states = vec![name.clone(), state.clone()];
        let start = StartSpec::Law([(name.clone(), p), (state.clone(), x)].into_iter().collect());
        let (source, known, basis, note) = (Some(name.clone()), None, None, None);
        let (rate, effect, covariate) = (vec![], vec![], vec![]);
        let (start_given, first, worth) = (vec![], FirstSpec::Given, None);
        let (stages, first_stage) = ([(state.clone(), 3)].into_iter().collect(), FirstStageSpec::Uniform);
        let ladder = LadderSpec {
            stages, first_stage, name, rungs: states, ordered: true, start, start_given, first, worth, rate, effect, covariate, source, known, basis, note,
        };
        let origin = "2024-10-01".to_string();
        let spec = ModelSpec { name: String::new(), origin, note: None, driver: vec![], ladder: vec![ladder], status: vec![], events: vec![], expect: vec![] };
        let text = model_to_toml(&spec).unwrap();
        prop_assert_eq!(toml::from_str::<ModelSpec>(&text).unwrap(), spec);
    }
}
