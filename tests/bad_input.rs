//! Every way to write a model, a dossier or a question wrongly: the message names the entry, what was given and the line.

use escalade::escalation::dossier::Dossier;
use escalade::escalation::model::Model;
use escalade::escalation::question::Question;
use escalade::escalation::read::*;
use escalade::escalation::spec::*;
use escalade::ground::{Error, Result};
use proptest::prelude::*;

const MODEL: &str = r#"
name = "small"
origin = "2024-10-01"

[[driver]]
name = "policy"
states = ["soft", "hard"]
table = [0.4, 0.6]

[[driver]]
name = "restraint"
states = ["strong", "weak"]
given = ["policy"]
table = { soft = [0.7, 0.3], hard = [0.2, 0.8] }
worth = 20

[[ladder]]
name = "peninsula"
rungs = ["talk", "clash", "war"]
start = { talk = 0.75, clash = 0.25 }

[[ladder.rate]]
moves = "up"
chance = "unlikely"
within = "1 year"

[[ladder.rate]]
moves = "down"
rate = 0.5
per = "month"

[[ladder.effect]]
when = { driver = "restraint", is = "weak" }
moves = "up"
factor = 2
spread = 1.5

[[ladder]]
name = "front"
rungs = ["firm", "broken"]
ordered = false
start = "firm"
rate = [{ moves = [["firm", "broken"]], events = 3, over = "10 years" }]

[[status]]
name = "tone"
states = ["calm", "sharp"]
given = ["peninsula"]
table = [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]

[[events]]
name = "tests"
given = ["peninsula"]
rate = [1, 2, 3]
per = "month"
known = "2024-01-01"
"#;

/// The text with one passage replaced, and the line of the replacement's mark "§" (taken out again), if it has one.
fn spoil(text: &str, old: &str, new: &str) -> (String, Option<usize>) {
    assert_eq!(text.matches(old).count(), 1, "'{old}' must be there once");
    let text = text.replace(old, new);
    let line = text.lines().position(|l| l.contains('§')).map(|i| i + 1);
    (text.replace('§', ""), line)
}

/// Refused with a message that names the file, the marked line, the entry and all of `says`.
fn refused<T: std::fmt::Debug>(result: Result<T>, line: Option<usize>, entry: &str, says: &[&str]) {
    let error = result.expect_err(&format!("{entry}: {says:?}"));
    let message = error.to_string();
    let Error::Spec { place, .. } = &error else { panic!("{message}") };
    assert_eq!(place.line, line, "{message} ({})", place.path);
    assert_eq!(place.entry, entry, "{message} ({})", place.path);
    for part in says {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
}

/// Spoils the model and expects to be refused.
fn model(old: &str, new: &str, entry: &str, says: &[&str]) {
    let (text, line) = spoil(MODEL, old, new);
    refused(model_from_toml(&text, Some("model.toml")), line, entry, says);
}

#[test]
fn the_model_is_good_unspoilt() {
    model_from_toml(MODEL, None).unwrap();
}

#[test]
fn text_of_the_wrong_shape() {
    model("name = \"small\"", "name = §small", "", &["quoted"]);
    model("worth = 20", "§wroth = 20", "driver 'restraint'", &["unknown field `wroth`", "`worth`"]);
    model("rate = 0.5", "§rate = \"often\"", "ladder 'peninsula', rate 2", &["string \"often\"", "f64"]);
    model("factor = 2", "§basis = \"hunch\"", "ladder 'peninsula', effect 1", &["hunch", "base rate"]);
    model("states = [\"calm\", \"sharp\"]", "§states = \"calm\"", "status 'tone'", &["calm", "expected a sequence"]);
    model("table = [0.4, 0.6]", "§table = \"even\"", "driver 'policy'", &["expected a row of probabilities"]);
}

#[test]
fn names() {
    model("name = \"restraint\"", "§name = \"policy\"", "driver 'policy'", &["already names a driver"]);
    model("name = \"tests\"", "§name = \"peninsula\"", "events 'peninsula'", &["already names a ladder"]);
    model("name = \"tone\"", "§name = \" \"", "status 1", &["the name is empty"]);
    model("given = [\"policy\"]", "§given = [\"polcy\"]", "driver 'restraint'", &["'polcy'", "did you mean 'policy'?"]);
    model("given = [\"policy\"]", "§given = [\"front\"]", "driver 'restraint'", &["'front' is a ladder, not a driver"]);
    model("given = [\"policy\"]", "§given = [\"policy\", \"policy\"]", "driver 'restraint'", &["'policy' is twice"]);
    let (old, new) = ("given = [\"peninsula\"]\ntable", "§given = [\"tests\"]\ntable");
    model(old, new, "status 'tone'", &["there is no driver or ladder 'tests'"]);
}

#[test]
fn variables_and_their_states() {
    model("states = [\"soft\", \"hard\"]", "§states = []", "driver 'policy'", &["none of the states", "at least 2"]);
    model("states = [\"soft\", \"hard\"]", "§states = [\"soft\"]", "driver 'policy'", &["1 of the states"]);
    model("states = [\"soft\", \"hard\"]", "§states = [\"soft\", \"soft\"]", "driver 'policy'", &["'soft' is twice"]);
    model("rungs = [\"firm\", \"broken\"]", "§rungs = [\"firm\"]", "ladder 'front'", &["1 of the rungs"]);
    model("rungs = [\"firm\", \"broken\"]", "§rungs = [\"firm\", \"\"]", "ladder 'front'", &["empty name"]);
    model("start = \"firm\"", "§start = \"frim\"", "ladder 'front'", &["'frim'", "'firm', 'broken'"]);
    model("talk = 0.75, clash", "§talk = 0.7, clash", "ladder 'peninsula'", &["the start sums to 0.95"]);
    model("talk = 0.75, clash", "§talk = -0.75, clash", "ladder 'peninsula'", &["'talk'", "-0.75"]);
    model("talk = 0.75, clash", "§tlak = 0.75, clash", "ladder 'peninsula'", &["'tlak'"]);
}

#[test]
fn tables() {
    let driver = |new: &str, says: &[&str]| {
        model("table = { soft = [0.7, 0.3], hard = [0.2, 0.8] }", new, "driver 'restraint'", says);
    };
    driver("§table = [0.5, 0.5]", &["one row", "'policy'"]);
    driver("§table = [[0.5, 0.5]]", &["1 rows; expected 2"]);
    driver("§table = { soft = [0.7, 0.3] }", &["no entry for policy = 'hard'"]);
    driver("§table = { soft = [0.7, 0.3], hart = [0.2, 0.8] }", &["'hart'", "did you mean 'hard'?"]);
    driver("§table = { soft = [0.7, 0.3], hard = { x = [0.2, 0.8] } }", &["policy = hard", "nested deeper"]);
    driver("table = [[0.7, 0.3],\n§[0.2, 0.7]]", &["policy = hard", "sums to 0.89", "expected 1 within"]);
    driver("table = [[0.7, 0.3],\n§[0.2, 0.8, 0.0]]", &["policy = hard", "3 entries; expected 2", "strong, weak"]);
    driver("table = [[0.7, 0.3],\n§[1.2, -0.2]]", &["'weak'", "-0.2"]);
    driver("table = [[0.7, 0.3],\n§[nan, 0.2]]", &["'strong'", "NaN"]);
    driver("table = [[0.7, 0.3],\n§[inf, 0.2]]", &["'strong'", "inf"]);
    driver("table = [[0.7, 0.3],\n§[]]", &["0 entries"]);
    model("worth = 20", "§worth = 0", "driver 'restraint'", &["worth 0"]);
    model("worth = 20", "§worth = 20\nfree = true", "driver 'restraint'", &["`worth` and `free`"]);
    model("table = [0.4, 0.6]", "§table = [0.4, 0.5]", "driver 'policy'", &["the row sums to 0.9;"]);
}

#[test]
fn cycles_are_named() {
    let third =
        "[[driver]]\nname = \"mood\"\nstates = [\"a\", \"b\"]\ngiven = [\"restraint\"]\ntable = [[1, 0], [0, 1]]\n";
    let first = "§given = [\"mood\"]\ntable = [[0.4, 0.6], [0.4, 0.6]]";
    let (text, line) = spoil(MODEL, "table = [0.4, 0.6]", first);
    let text = format!("{text}\n{third}");
    let says = ["cycle", "policy → restraint → mood → policy"];
    refused(model_from_toml(&text, None), line, "driver 'policy'", &says);
    let own = "§given = [\"policy\"]\ntable = [[0.4, 0.6], [0.4, 0.6]]";
    model("table = [0.4, 0.6]", own, "driver 'policy'", &["policy → policy"]);
}

#[test]
fn rates() {
    let rate = |new: &str, says: &[&str]| model("rate = 0.5\nper = \"month\"", new, "ladder 'peninsula', rate 2", says);
    rate("§rate = -0.5\nper = \"month\"", &["the rate is -0.5"]);
    rate("§rate = nan\nper = \"month\"", &["NaN"]);
    rate("§rate = inf\nper = \"month\"", &["inf"]);
    rate("rate = 0.5\n§per = \"months\"", &["'months'", "\"month\""]);
    rate("rate = 0.5\nper = \"month\"\n§spread = 1", &["the spread is 1", "above 1"]);
    rate("rate = 0.5\nper = \"month\"\n§spread = nan", &["NaN"]);
    rate("§rate = 0\nper = \"month\"\nspread = 2", &["the rate is 0 and has a spread"]);
    rate("§chance = \"maybe\"\nwithin = \"1 year\"", &["'maybe'", "\"highly unlikely\""]);
    rate("§chance = 1\nwithin = \"1 year\"", &["the chance is 1"]);
    rate("§chance = -0.1\nwithin = \"1 year\"", &["the chance is -0.1"]);
    rate("chance = 0.1\n§within = \"1 fortnight\"", &["'1 fortnight'", "2 weeks"]);
    rate("§events = -1\nover = \"1 year\"", &["-1"]);
    rate("events = 1\n§over = \"long\"", &["'long'"]);
    rate("events = 1\nover = \"1 year\"\n§spread = 2", &["`spread` does not go with `events`"]);
    rate("free = true\n§spread = 2", &["`spread` does not go with `free`"]);
    rate("free = true\n§rate = 0\nper = \"day\"", &["start of a free rate", "above 0"]);
    // Whatever an entry lacks or has too much of stands at the entry itself.
    let entry = |new: &str, says: &[&str]| {
        let new = format!("§{new}");
        model(
            "[[ladder.rate]]\nmoves = \"down\"\nrate = 0.5\nper = \"month\"",
            &new,
            "ladder 'peninsula', rate 2",
            says,
        );
    };
    entry("[[ladder.rate]]\nmoves = \"down\"", &["no number", "`chance`"]);
    entry("[[ladder.rate]]\nmoves = \"down\"\nevents = 1\nover = \"1e-320 days\"", &["any finite rate"]);
    entry("[[ladder.rate]]\nmoves = \"down\"\nrate = 1", &["`rate` needs `per`"]);
    entry("[[ladder.rate]]\nmoves = \"down\"\nper = \"day\"", &["`per` needs `rate`"]);
    entry("[[ladder.rate]]\nmoves = \"down\"\nchance = 0.1", &["`chance` needs `within`"]);
    entry("[[ladder.rate]]\nmoves = \"down\"\nover = \"1 year\"", &["`over` needs `events`"]);
    entry("[[ladder.rate]]\nmoves = \"down\"\nrate = 1\nper = \"day\"\nchance = 0.1", &["rate and chance together"]);
    entry("[[ladder.rate]]\nmoves = \"down\"\nfree = true\nevents = 1", &["events and free together"]);
}

#[test]
fn moves() {
    let second = |new: &str, says: &[&str]| model("moves = \"down\"", new, "ladder 'peninsula', rate 2", says);
    second("§moves = \"up\"", &["talk → clash", "already has a rate"]);
    second("§moves = \"sideways\"", &["'sideways'", "\"down\""]);
    second("§moves = \"all\"", &["'all'", "pairs"]);
    second("§moves = []", &["empty"]);
    second("§moves = [[\"talk\", \"talk\"]]", &["talk → talk"]);
    second("§moves = [[\"war\", \"talk\"], [\"war\", \"talk\"]]", &["war → talk", "twice"]);
    second("§moves = [[\"war\", \"tlak\"]]", &["rung of 'peninsula'", "'tlak'", "expected one of"]);
    second("§moves = [[\"clash\", \"war\"]]", &["clash → war", "already has a rate"]);
    model("moves = [[\"firm\", \"broken\"]]", "§moves = \"up\"", "ladder 'front', rate 1", &["not ordered", "'up'"]);
    let effect = |new: &str, says: &[&str]| {
        let old = "moves = \"up\"\nfactor = 2";
        model(old, &format!("§{new}\nfactor = 2"), "ladder 'peninsula', effect 1", says);
    };
    effect("moves = [[\"talk\", \"war\"]]", &["talk → war", "no rate"]);
    effect("moves = \"on\"", &["'on'", "\"all\""]);
    let front = "over = \"10 years\" }]";
    let with = |effect: &str| format!("{front}\n§effect = [{effect}]");
    let condition = "when = { driver = \"policy\", is = \"soft\" }";
    let says = ["not ordered", "'down'"];
    model(front, &with(&format!("{{ {condition}, moves = \"down\", factor = 2 }}")), "ladder 'front', effect 1", &says);
    let (text, line) = spoil(MODEL, "moves = \"down\"", "moves = [[\"talk\", \"war\"]]");
    assert!(line.is_none());
    let (text, line) = spoil(&text, "moves = \"up\"\nfactor", "§moves = \"down\"\nfactor");
    refused(model_from_toml(&text, None), line, "ladder 'peninsula', effect 1", &["no move of the ladder", "'down'"]);
}

#[test]
fn first_rungs_and_formulas() {
    let first = |new: &str, says: &[&str]| model("start = \"firm\"", new, "ladder 'front'", says);
    first("start = \"firm\"\n§start_given = [\"tone\"]", &["no driver 'tone'"]);
    first("start_given = [\"policy\"]\n§start = { soft = \"firm\" }", &["no entry for policy = 'hard'"]);
    first("start_given = [\"policy\"]\n§start = { soft = \"firm\", hard = \"frim\" }", &["'frim'", "'firm', 'broken'"]);
    first("start_given = [\"policy\"]\n§start = { soft = \"firm\", hard = [0.5, 0.4] }", &["sums to 0.9"]);
    first("§start = { soft = \"firm\", hard = \"firm\" }", &["`start_given`"]);
    first("start = \"firm\"\n§worth = -1", &["worth -1 observations"]);
    first("start = \"firm\"\n§first = \"guessed\"", &["guessed", "equilibrium"]);
    let tone =
        |new: &str, says: &[&str]| model("table = [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]", new, "status 'tone'", says);
    let or = |said: &str| format!("§formula = {{ noisy_or = {{ {said} }} }}");
    tone(&or("chances = { peninsula = [0, 0.5, 1.5] }"), &["the chance is 1.5"]);
    tone(&or("chances = { policy = [0, 0.5] }"), &["'policy' is none of `given`"]);
    tone(&or("chances = { peninsula = [0, 0.5] }"), &["expected 6"]);
    tone(&or("chances = {}"), &["nothing is said of 'peninsula'"]);
    tone("§formula = { noisy_xor = {} }", &["noisy_xor", "noisy_max"]);
    tone("§formula = { logistic = { cuts = [], effects = { peninsula = [0, 1, 2] } } }", &["cuts"]);
    tone("table = [[0.9, 0.1]]\n§formula = { noisy_or = { chances = {} } }", &["`table` and a `formula`"]);
}

#[test]
fn factors() {
    let factor =
        |new: &str, says: &[&str]| model("factor = 2\nspread = 1.5", new, "ladder 'peninsula', effect 1", says);
    factor("§factor = -2", &["the factor is -2"]);
    factor("§factor = nan", &["NaN"]);
    factor("§factor = 0\nspread = 2", &["the factor is 0 and has a spread"]);
    factor("factor = 2\n§spread = 0.5", &["the spread is 0.5"]);
    factor("§factor = 0\nfree = true", &["start of a free factor"]);
    factor("free = true\n§spread = 2", &["`spread` does not go with `free`"]);
    let (text, _) = spoil(MODEL, "factor = 2\nspread = 1.5", "");
    let line = text.lines().position(|l| l == "[[ladder.effect]]").map(|i| i + 1);
    refused(model_from_toml(&text, None), line, "ladder 'peninsula', effect 1", &["no number", "`factor`"]);
}

#[test]
fn events() {
    model("rate = [1, 2, 3]", "§rate = [1, 2]", "events 'tests'", &["2 rates; expected 3"]);
    model("rate = [1, 2, 3]", "§rate = [1, 2, -3]", "events 'tests'", &["-3"]);
    model("rate = [1, 2, 3]", "§rate = inf", "events 'tests'", &["inf"]);
    model("rate = [1, 2, 3]", "§rate = [0, 2, 3]\nspread = 2", "events 'tests'", &["is 0 and has a spread"]);
    model("rate = [1, 2, 3]", "§rate = 0\nfree = true", "events 'tests'", &["above 0"]);
    model("rate = [1, 2, 3]", "rate = 1\nfree = true\n§spread = 2", "events 'tests'", &["`spread` does not go"]);
    let (old, new) = ("per = \"month\"\nknown = \"2024-01-01\"", "§per = \"moon\"");
    model(old, new, "events 'tests'", &["'moon'"]);
    model("known = \"2024-01-01\"", "§known = \"early\"", "events 'tests'", &["'early'", "not a date"]);
    let parents: Vec<String> = (0..30).map(|i| format!("\"d{i}\"")).collect();
    let drivers: String = (0..30)
        .map(|i| format!("[[driver]]\nname = \"d{i}\"\nstates = [\"a\", \"b\"]\ntable = [0.5, 0.5]\n"))
        .collect();
    let wide = format!("{drivers}[[events]]\nname = \"tests\"\n§given = [{}]\nrate = 1", parents.join(", "));
    let old = "[[events]]\nname = \"tests\"\ngiven = [\"peninsula\"]\nrate = [1, 2, 3]";
    model(old, &wide, "events 'tests'", &["configurations"]);
}

#[test]
fn dates_of_a_model() {
    model("origin = \"2024-10-01\"", "§origin = \"October\"", "model", &["'October'", "2024-10-31"]);
    model("origin = \"2024-10-01\"", "§origin = \"2024-10-01T12:00\"", "model", &["without a time of day"]);
    model("worth = 20", "§known = \"2024-13-01\"", "driver 'restraint'", &["'2024-13-01'"]);
}

#[test]
fn conditions() {
    let when = |new: &str, says: &[&str]| {
        let old = "when = { driver = \"restraint\", is = \"weak\" }";
        model(old, &format!("§when = {new}"), "ladder 'peninsula', effect 1", says);
    };
    when("{}", &["says nothing", "driver, ladder"]);
    when("{ driver = \"restrain\", is = \"weak\" }", &["'restrain'", "did you mean 'restraint'?"]);
    when("{ driver = \"front\", is = \"weak\" }", &["'front' is a ladder, not a driver"]);
    when("{ driver = \"restraint\", is = \"week\" }", &["state of 'restraint'", "did you mean 'weak'?"]);
    when("{ driver = \"restraint\", is = [] }", &["empty list"]);
    when("{ driver = \"restraint\" }", &["lacks `is`"]);
    when("{ driver = \"restraint\", at_least = \"weak\" }", &["for ladders"]);
    when("{ driver = \"restraint\", ladder = \"front\", is = \"firm\" }", &["driver and ladder together"]);
    when("{ ladder = \"peninsula\", is = \"war\", at_least = \"war\" }", &["exactly one of `is`"]);
    when("{ ladder = \"peninsula\" }", &["exactly one of `is`"]);
    when("{ ladder = \"front\", at_least = \"broken\" }", &["'front' is not ordered", "`at_least`"]);
    when("{ ladder = \"front\", at_most = \"broken\" }", &["'front' is not ordered", "`at_most`"]);
    when("{ ladder = \"peninsula\", at_least = \"wars\" }", &["did you mean 'war'?"]);
    when("{ since = \"2025\" }", &["'2025'", "not a date"]);
    when("{ since = \"2025-01-20\", is = \"war\" }", &["do not go with since or until"]);
    when("{ since = \"2025-01-20\", until = \"2025-01-19\" }", &["ends (2025-01-19) before it starts (2025-01-20)"]);
    when("{ all = [] }", &["empty"]);
    when(
        "{ any = [{ driver = \"restraint\", is = \"weak\" }, { driver = \"restraint\", is = \"week\" }] }",
        &["'week'"],
    );
    when("{ not = { all = [{ since = \"soon\" }] } }", &["'soon'"]);
    when("{ indicator = \"tone\", is = \"sharp\" }", &["only a development may"]);
    when("{ all = [{ indicator = \"tone\", is = \"sharp\" }] }", &["only a development may"]);
}

/// A dossier of one development with this text, "§" at the line that must be named.
fn development(body: &str, says: &[&str]) {
    let head = "as_of = \"2024-11-30\"\n\n[[development]]\nid = \"it\"\n";
    let (text, line) = spoil(&format!("{head}BODY\n"), "BODY", body);
    let line = line.or(Some(3));
    let model = Model::compile(&model_from_toml(MODEL, None).unwrap()).unwrap();
    refused(check_dossier_toml(&text, Some("dossier.toml"), &model), line, "development 'it'", says);
}

const WAR: &str = "{ ladder = \"peninsula\", is = \"war\" }";

#[test]
fn developments_say_one_thing() {
    development("", &["says nothing", "moved"]);
    development(&format!("saw = {WAR}\nnever = {WAR}\non = \"2024-10-10\""), &["saw and never together"]);
    development(&format!("saw = {WAR}"), &["no date", "`between`"]);
    development(
        &format!("saw = {WAR}\non = \"2024-10-10\"\nbetween = [\"2024-10-10\", \"2024-10-11\"]"),
        &["together"],
    );
    development(&format!("saw = {WAR}\n§over = [\"2024-10-10\", \"2024-10-11\"]"), &["`over` does not go with"]);
    development(&format!("saw = {WAR}\non = \"2024-10-10\"\n§entered = true"), &["`entered` needs a span"]);
    development(&format!("saw = {WAR}\non = \"2024-10-10\"\n§false_rate = 1"), &["`false_rate` does not go with"]);
    development("§saw = { since = \"2024-10-10\" }\non = \"2024-10-10\"", &["of dates alone"]);
    development("§saw = { ladder = \"penisula\", is = \"war\" }\non = \"2024-10-10\"", &["did you mean 'peninsula'?"]);
    development(&format!("never = {WAR}"), &["`never` needs a span"]);
    development(&format!("never = {WAR}\n§on = \"2024-10-10\""), &["`on` does not go with `never`"]);
    let span = "between = [\"2024-10-10\", \"2024-10-11\"]";
    development(&format!("§never = {{ driver = \"policy\", is = \"hard\" }}\n{span}"), &["drivers alone"]);
    development(&format!("§never = {{ indicator = \"tone\", is = \"sharp\" }}\n{span}"), &["status indicator"]);
}

#[test]
fn indicators_stand_alone() {
    let tone = "saw = { indicator = \"tone\", is = \"sharp\" }";
    development(tone, &["needs a date", "`on`"]);
    development(
        &format!("{tone}\n§between = [\"2024-10-10\", \"2024-10-11\"]"),
        &["`between` does not go with a status"],
    );
    development(&format!("{tone}\non = \"2024-10-10\"\n§entered = true"), &["`entered`"]);
    let with = |condition: &str| format!("§saw = {condition}\non = \"2024-10-10\"");
    development(&with("{ indicator = \"tone\", is = \"sharp\", ladder = \"front\" }"), &["stands alone"]);
    development(&with("{ indicator = \"tone\", at_least = \"sharp\" }"), &["stands alone"]);
    development(&with("{ indicator = \"tone\" }"), &["`is`"]);
    development(&with("{ indicator = \"tone\", is = \"sharpe\" }"), &["value of 'tone'", "did you mean 'sharp'?"]);
    development(&with("{ indicator = \"tune\", is = \"sharp\" }"), &["did you mean 'tone'?"]);
    development(&with("{ indicator = \"tests\", is = \"sharp\" }"), &["'tests' is an events indicator"]);
    let inner = "{ indicator = \"tone\", is = \"sharp\" }";
    development(&with(&format!("{{ all = [{inner}, {WAR}] }}")), &["alone"]);
}

#[test]
fn dates_of_developments() {
    let saw = format!("saw = {WAR}");
    development(&format!("{saw}\n§on = \"2024-10-32\""), &["'2024-10-32' is not a date"]);
    development(&format!("{saw}\n§on = \"2024-09-30\""), &["2024-09-30 is before the model's origin 2024-10-01"]);
    development(&format!("{saw}\nbetween = [\"2024-10-10\",\n§\"x\"]"), &["'x' is not a date"]);
    development(&format!("{saw}\n§between = [\"2024-09-30\", \"2024-10-11\"]"), &["before the model's origin"]);
    development(
        &format!("{saw}\n§between = [\"2024-10-11\", \"2024-10-10\"]"),
        &["ends (2024-10-10) before it starts"],
    );
    development(&format!("{saw}\n§between = [\"2024-10-11T01:00\", \"2024-10-11T01:00\"]"), &["no length"]);
    development(&format!("{saw}\non = \"2024-10-10\"\n§reported = \"2024-10-09\""), &["(2024-10-09) before it ended"]);
    development(&format!("{saw}\non = \"2024-10-10\"\n§reported = \"later\""), &["'later' is not a date"]);
    let span = "between = [\"2024-10-10\", \"2024-12-24\"]";
    development(&format!("{saw}\n{span}\n§reported = \"2024-11-01\""), &["reported (2024-11-01) before it ended"]);
    development(
        "saw = { driver = \"policy\", is = \"soft\" }\n§reported = \"2024-09-01\"",
        &["before the model's origin"],
    );
}

#[test]
fn weights() {
    let saw = format!("saw = {WAR}\non = \"2024-10-10\"");
    development(&format!("{saw}\n§hit = 1.5"), &["hit is 1.5"]);
    development(&format!("{saw}\n§hit = nan"), &["hit is NaN"]);
    development(&format!("{saw}\n§false_alarm = -0.1"), &["false_alarm is -0.1"]);
    development(&format!("{saw}\n§grade = \"G7\""), &["'G7' is no grade", "B2"]);
    development(&format!("{saw}\n§hit = 0"), &["both 0"]);
}

#[test]
fn likelihoods() {
    let soft =
        |of: &str, values: &str| format!("§likelihood = {{ of = \"{of}\", values = {values} }}\non = \"2024-10-10\"");
    development(&soft("peninsula", "{ talk = -1 }"), &["'talk' is -1"]);
    development(&soft("peninsula", "{ talk = inf }"), &["inf"]);
    development(&soft("peninsula", "{ talk = 0 }"), &["0 everywhere"]);
    development(&soft("peninsula", "{}"), &["0 everywhere"]);
    development(&soft("peninsula", "{ tlak = 1 }"), &["state of 'peninsula'", "'tlak'"]);
    development(&soft("penninsula", "{ talk = 1 }"), &["did you mean 'peninsula'?"]);
    development(&soft("tests", "{ talk = 1 }"), &["'tests' is an events indicator"]);
    let peninsula = "likelihood = { of = \"peninsula\", values = { talk = 1 } }";
    development(peninsula, &["needs a date"]);
    development(
        &format!("{peninsula}\non = \"2024-10-10\"\n§grade = \"B2\""),
        &["`grade` does not go with a likelihood"],
    );
}

#[test]
fn timed_moves() {
    let up = "moved = { ladder = \"peninsula\", from = \"talk\", to = \"clash\" }";
    let on = "on = \"2024-10-10\"";
    development(up, &["a move needs a date"]);
    development(&format!("{up}\n{on}\ngrade = \"B2\""), &["rate of false reports", "`false_rate`"]);
    development(&format!("{up}\n{on}\nhit = 0.9"), &["rate of false reports"]);
    development(&format!("{up}\n{on}\n§false_rate = 1"), &["`false_rate` needs `false_per`"]);
    development(&format!("{up}\n{on}\n§false_per = \"day\""), &["`false_per` needs `false_rate`"]);
    development(&format!("{up}\n{on}\n§false_rate = -1\nfalse_per = \"day\""), &["false_rate is -1"]);
    development(&format!("{up}\n{on}\nfalse_rate = 1\n§false_per = \"hour\""), &["'hour'"]);
    development(&format!("{up}\n{on}\n§false_alarm = 0.1"), &["`false_alarm` does not go with a move"]);
    development(&format!("{up}\n{on}\n§hit = 0\nfalse_rate = 0\nfalse_per = \"day\""), &["both 0"]);
    let moved = |m: &str| format!("§moved = {{ {m} }}\n{on}");
    development(&moved("ladder = \"peninsula\", from = \"talk\", to = \"war\""), &["no rate for the move talk → war"]);
    development(
        &moved("ladder = \"peninsula\", from = \"talk\", to = \"talk\""),
        &["no rate for the move talk → talk"],
    );
    development(&moved("ladder = \"peninsula\", from = \"talk\", to = \"wars\""), &["did you mean 'war'?"]);
    development(&moved("ladder = \"policy\", from = \"soft\", to = \"hard\""), &["'policy' is a driver, not a ladder"]);
}

#[test]
fn counts() {
    let over = "over = [\"2024-10-10\", \"2024-10-20\"]";
    let counted = |c: &str| format!("counted = {{ {c} }}");
    let three = counted("indicator = \"tests\", count = 3");
    development(&three, &["expected `over`"]);
    development(&format!("{three}\n{over}\n§on = \"2024-10-10\""), &["`on` does not go with a count"]);
    development(&format!("{three}\n{over}\ngrade = \"A1\""), &["rate of false reports"]);
    development(&format!("§{}\n{over}", counted("indicator = \"tests\"")), &["lacks its events"]);
    development(&format!("§{}\n{over}", counted("indicator = \"tests\", count = 0, at = []")), &["together"]);
    development(&format!("§{}\n{over}", counted("indicator = \"tone\", count = 0")), &["'tone' is a status indicator"]);
    development(&format!("§{}\n{over}", counted("indicator = \"test\", count = 0")), &["did you mean 'tests'?"]);
    let at = |date: &str| format!("§{}\n{over}", counted(&format!("indicator = \"tests\", at = [\"{date}\"]")));
    development(&at("2024-10-21"), &["2024-10-21 lies outside its span, 2024-10-10 to 2024-10-20"]);
    development(&at("2024-10-09T23:59"), &["outside its span"]);
    development(&at("often"), &["'often' is not a date"]);
    development(&format!("{three}\n§over = [\"2024-10-20\", \"2024-10-10\"]"), &["before it starts"]);
}

fn compiled() -> Model {
    Model::compile(&model_from_toml(MODEL, None).unwrap()).unwrap()
}

#[test]
fn ids_and_overlaps() {
    let seen = format!("saw = {WAR}\non = \"2024-10-10\"\n");
    let twice =
        format!("as_of = \"2024-11-30\"\n[[development]]\nid = \"a\"\n{seen}[[development]]\nid = \"a\"\n{seen}");
    refused(check_dossier_toml(&twice, None, &compiled()), Some(7), "development 'a'", &["another development 'a'"]);
    let empty = format!("as_of = \"2024-11-30\"\n[[development]]\nid = \"\"\n{seen}");
    refused(check_dossier_toml(&empty, None, &compiled()), Some(3), "development 1", &["id is empty"]);
    let none = format!("as_of = \"2024-11-30\"\n[[development]]\n{seen}");
    refused(check_dossier_toml(&none, None, &compiled()), Some(2), "development 1", &["id is empty"]);
    let count = |id: &str, from: &str, to: &str| {
        let counted = "counted = { indicator = \"tests\", count = 1 }";
        format!("[[development]]\nid = \"{id}\"\n{counted}\nover = [\"{from}\", \"{to}\"]\n")
    };
    let touching = [count("b", "2024-10-16", "2024-10-20"), count("a", "2024-10-10", "2024-10-15")].concat();
    assert!(check_dossier_toml(&format!("as_of = \"2024-11-30\"\n{touching}"), None, &compiled()).is_ok());
    let overlapping = [count("b", "2024-10-15", "2024-10-20"), count("a", "2024-10-10", "2024-10-15")].concat();
    let text = format!("as_of = \"2024-11-30\"\n{overlapping}");
    refused(check_dossier_toml(&text, None, &compiled()), Some(5), "development 'b'", &["'tests' overlaps", "'a'"]);
}

#[test]
fn as_of() {
    let text = |as_of: &str| format!("name = \"d\"\nas_of = \"{as_of}\"\n");
    refused(check_dossier_toml(&text("now"), None, &compiled()), Some(2), "dossier", &["'now' is not a date"]);
    let before = check_dossier_toml(&text("2024-09-29"), None, &compiled());
    refused(before, Some(2), "dossier", &["2024-09-29", "before the model's origin"]);
}

/// A file of one question that asks this.
fn question(ask: &str, says: &[&str]) {
    let head = "[[question]]\nname = \"it\"\n";
    let (text, line) = spoil(&format!("{head}ask = ASK\n"), "ASK", &format!("§{ask}"));
    let now = 61.0;
    refused(check_questions_toml(&text, Some("questions.toml"), &compiled(), now), line, "question 'it'", says);
}

#[test]
fn questions() {
    question("{}", &["asks nothing", "reach"]);
    question(&format!("{{ reach = {WAR}, at = {WAR}, by = \"2025-06-30\" }}"), &["at and reach together"]);
    question(&format!("{{ reach = {WAR} }}"), &["expected `by`"]);
    question(&format!("{{ reach = {WAR}, on = \"2025-06-30\" }}"), &["`on` does not go with `reach`"]);
    question(&format!("{{ at = {WAR} }}"), &["expected `on`"]);
    question(&format!("{{ at = {WAR}, on = \"2024-09-30\" }}"), &["`on` is 2024-09-30", "after the model's origin"]);
    question(&format!("{{ reach = {WAR}, by = \"2024-11-30\" }}"), &["`by` is 2024-11-30", "after now, 2024-12-01"]);
    question(&format!("{{ reach = {WAR}, since = \"2024-09-30\", by = \"2024-11-30\" }}"), &["`since`", "origin"]);
    question(&format!("{{ reach = {WAR}, since = \"2024-11-30\", by = \"2024-11-29\" }}"), &["after `since`"]);
    question(&format!("{{ reach = {WAR}, times = 2, by = \"2025-06-30\" }}"), &["`times` does not go with `reach`"]);
    question(&format!("{{ enters = {WAR}, times = 0, by = \"2025-06-30\" }}"), &["`times` is 0"]);
    question("{ moves = { ladder = \"x\" }, by = \"2025-06-30\" }", &["ladder 'x'"]);
    question(
        "{ moves = { ladder = \"peninsula\", moves = \"off\" }, by = \"2025-06-30\" }",
        &["'off' is no set of moves"],
    );
    question(&format!("{{ enters = {WAR}, by = \"summer\" }}"), &["'summer' is not a date"]);
    question(&format!("{{ first = {WAR}, by = \"2025-06-30\" }}"), &["`first` needs `before`"]);
    question(&format!("{{ reach = {WAR}, before = {WAR}, by = \"2025-06-30\" }}"), &["`before` does not go with"]);
    question("{ all = [] }", &["empty"]);
    question(
        &format!("{{ any = [{{ reach = {WAR}, by = \"2025-06-30\" }}], by = \"2025-06-30\" }}"),
        &["`by` does not"],
    );
    question("{ not = { reach = { ladder = \"x\", is = \"war\" }, by = \"2025-06-30\" } }", &["ladder 'x'"]);
    question("{ reach = { indicator = \"tone\", is = \"sharp\" }, by = \"2025-06-30\" }", &["only a development may"]);
    let one = format!("[[question]]\nname = \"it\"\nask = {{ reach = {WAR}, by = \"2025-06-30\" }}\n");
    let twice = check_questions_toml(&format!("{one}{one}"), None, &compiled(), 61.0);
    refused(twice, Some(5), "question 'it'", &["another question 'it'"]);
    let nameless = one.replace("\"it\"", "\"\"");
    refused(check_questions_toml(&nameless, None, &compiled(), 61.0), Some(2), "question 1", &["no name"]);
}

#[test]
fn json_errors_have_lines_too() {
    let error = from_json::<ModelSpec>("{\n\"origin\": 3}").unwrap_err().to_string();
    assert!(error.starts_with("line 2: ") && error.contains("expected a string"), "{error}");
}

#[test]
fn files_are_named() {
    let error = model_from_toml("origin = 3", Some("m.toml")).unwrap_err().to_string();
    assert!(error.starts_with("m.toml, line 1: "), "{error}");
}

/// Small pieces of the vocabulary, thrown together.
fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "peninsula",
        "policy",
        "tone",
        "tests",
        "war",
        "soft",
        "sharp",
        "2024-10-10",
        "2030-01-01",
        "B2",
        "day",
        "",
        "x",
    ]);
    let text = word.prop_map(|w| format!("\"{w}\""));
    let condition = (
        prop::sample::subsequence(vec!["driver", "ladder", "indicator", "is", "at_least", "since"], 0..4),
        text.clone(),
    )
        .prop_map(|(keys, t)| {
            format!("{{ {} }}", keys.iter().map(|k| format!("{k} = {t}")).collect::<Vec<_>>().join(", "))
        });
    let key = prop::sample::select(vec![
        "saw",
        "never",
        "on",
        "between",
        "over",
        "reported",
        "grade",
        "hit",
        "false_rate",
        "false_per",
        "likelihood",
        "moved",
        "counted",
        "entered",
        "ask",
        "given",
    ]);
    let value = prop_oneof![
        text.clone(),
        condition,
        (text.clone(), text.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
        any::<f64>().prop_map(|x| format!("{x:?}")),
        Just("true".to_string()),
        (text.clone(), text.clone())
            .prop_map(|(a, b)| format!("{{ of = {a}, values = {{ war = 1, soft = 2 }}, x = {b} }}")),
        (text.clone(), text.clone()).prop_map(|(a, b)| format!("{{ indicator = {a}, at = [{b}] }}")),
        (text.clone(), text.clone(), text).prop_map(|(a, b, c)| format!("{{ ladder = {a}, from = {b}, to = {c} }}")),
    ];
    prop::collection::vec((key, value), 0..4)
        .prop_map(|pairs| pairs.into_iter().map(|(k, v)| format!("{k} = {v}\n")).collect::<String>())
}

proptest! {
    #[test]
    fn nothing_panics(body in soup()) {
        let model = compiled();
        let _ = check_dossier_toml(&format!("as_of = \"2024-11-30\"\n[[development]]\nid = \"a\"\n{body}"), None, &model);
        let _ = check_questions_toml(&format!("[[question]]\nname = \"a\"\n{body}"), None, &model, 61.0);
    }

    #[test]
    fn a_damaged_model_does_not_panic(at in 0..MODEL.len(), cut in 1..40usize) {
        let kept: String = MODEL.chars().take(at).chain(MODEL.chars().skip(at + cut)).collect();
        let _ = model_from_toml(&kept, None);
    }
}

/// Specs made by hand meet the same checks as specs from a file.
#[test]
fn specs_made_by_hand() {
    let question = QuestionSpec {
        name: "it".into(),
        ask: AskSpec::default(),
        given: None,
        criterion: None,
        paragraph: None,
        note: None,
    };
    refused(Question::compile(&question, &compiled(), 61.0), None, "question 'it'", &["asks nothing"]);
    let dossier = DossierSpec { as_of: "2024".into(), name: None, note: None, development: vec![] };
    refused(Dossier::compile(&dossier, &compiled()), None, "dossier", &["'2024'"]);
}
