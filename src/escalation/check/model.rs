//! The model as written to the model with indices: names, graph, moves, effects, tables and the numbers they share.

use super::names::{self, distinct};
use super::numbers::{self, Judged};
use super::outcome::{self, Acted};
use super::table::{self, Parent};
use super::{At, condition, first, named, question, stage};
use crate::escalation::condition::Condition;
use crate::escalation::model::{
    Covariate, Driver, Effect, Events, Expectation, First, Ladder, Model, Move, Scale, Status, StatusCovariate, Term,
    Variable,
};
use crate::escalation::parameter::{Kind, Parameters, Positive, Provenance, Real, Row};
use crate::escalation::spec::{
    CovariateSpec, DriverSpec, EffectSpec, EventsSpec, ExpectSpec, LadderSpec, ModelSpec, MovesSpec, NumbersSpec,
    QuestionSpec, StatusCovariateSpec, StatusSpec,
};
use crate::ground::Result;
use crate::ground::time::Clock;
use std::collections::BTreeSet;

impl Model {
    /// The model that a spec describes: every name resolved, every number checked, every parameter listed.
    ///
    /// ```
    /// # use escalade::escalation::{model::Model, read::model_from_toml};
    /// let spec = model_from_toml(
    ///     r#"
    ///     origin = "2024-10-01"
    ///     [[ladder]]
    ///     name = "peninsula"
    ///     rungs = ["calm", "clash"]
    ///     start = "calm"
    ///     rate = [{ moves = "up", chance = 0.5, within = "1 year" }]
    ///     "#,
    ///     None,
    /// )?;
    /// let up = &Model::compile(&spec)?.parameters.positives[0];
    /// assert_eq!(up.name, "peninsula: up");
    /// assert!((up.value - 2f64.ln() / 365.25).abs() < 1e-15); // a day
    /// # Ok::<(), escalade::ground::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Error::Spec` with the entry and its path for whatever docs/format.md does not allow.
    pub fn compile(spec: &ModelSpec) -> Result<Model> {
        let at = At::top().called("model");
        // A model without an origin has no calendar; dates of sources are still checked.
        let origin = if spec.origin.is_empty() { "1970-01-01" } else { &spec.origin };
        let clock = at.key("origin").put(Clock::new(origin))?;
        distinct_names(spec)?;
        let mut build = Build { clock, model: shell(spec)?, numbers: Numbers::default() };
        for (i, driver) in spec.driver.iter().enumerate() {
            build.driver(i, driver)?;
        }
        acyclic(&build.model)?;
        for (i, ladder) in spec.ladder.iter().enumerate() {
            build.ladder(i, ladder)?;
        }
        first::settled(&spec.ladder, &build.model)?;
        for (i, status) in spec.status.iter().enumerate() {
            build.status(i, status)?;
        }
        for (i, events) in spec.events.iter().enumerate() {
            build.events(i, events)?;
        }
        let mut model = Model { parameters: build.numbers.parameters, ..build.model };
        model.expectations = expectations(spec, &model)?;
        Ok(model)
    }
}

/// The judgements about answers; what they ask has dates after the day of the judgement, or after the origin.
fn expectations(spec: &ModelSpec, model: &Model) -> Result<Vec<Expectation>> {
    let mut names = BTreeSet::new();
    let one = |(i, expect): (usize, &ExpectSpec)| {
        let at = At::top().key("expect").item(i).called(named("expectation", &expect.name, i));
        let clock = at.calendar(model)?;
        let fresh = names.insert(expect.name.clone());
        at.key("name").need(fresh, || format!("there is another expectation '{}'", expect.name))?;
        let known = expect.known.as_deref().map(|date| at.key("known").put(clock.day_end(date))).transpose()?;
        at.key("known")
            .need(known.is_none_or(|day| day >= 0.0), || "it was judged before the model's origin".into())?;
        let question = question::compile_at(
            &at,
            &QuestionSpec {
                name: expect.name.clone(),
                ask: expect.ask.clone(),
                given: expect.given.clone(),
                criterion: None,
                paragraph: None,
                note: None,
            },
            model,
            // Without a day of its own it is asked as of the dossier's.
            known.unwrap_or(f64::NEG_INFINITY),
        )?;
        let (mean, sd, words) = numbers::logit(&at, expect)?;
        let provenance =
            numbers::provenance(&at, &clock, (&expect.source, &expect.known, &expect.basis, &expect.note))?;
        Ok(Expectation { question, mean, sd, words, known, provenance })
    };
    spec.expect.iter().enumerate().map(one).collect()
}

fn driver_at(i: usize, name: &str) -> At {
    At::top().key("driver").item(i).called(named("driver", name, i))
}

fn ladder_at(i: usize, name: &str) -> At {
    At::top().key("ladder").item(i).called(named("ladder", name, i))
}

fn status_at(i: usize, name: &str) -> At {
    At::top().key("status").item(i).called(named("status", name, i))
}

fn events_at(i: usize, name: &str) -> At {
    At::top().key("events").item(i).called(named("events", name, i))
}

/// Refuses empty names, and one name for two things.
fn distinct_names(spec: &ModelSpec) -> Result<()> {
    let drivers = spec.driver.iter().enumerate().map(|(i, d)| (driver_at(i, &d.name), d.name.as_str(), "driver"));
    let ladders = spec.ladder.iter().enumerate().map(|(i, l)| (ladder_at(i, &l.name), l.name.as_str(), "ladder"));
    let statuses = spec.status.iter().enumerate().map(|(i, s)| (status_at(i, &s.name), s.name.as_str(), "status"));
    let events = spec.events.iter().enumerate().map(|(i, e)| (events_at(i, &e.name), e.name.as_str(), "events"));
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (at, name, kind) in drivers.chain(ladders).chain(statuses).chain(events) {
        let at = at.key("name");
        at.need(!name.trim().is_empty(), || "the name is empty".into())?;
        if let Some((_, other)) = seen.iter().find(|(n, _)| *n == name) {
            return Err(at.wrong(format!("'{name}' already names a {other} entry; expected a name of its own")));
        }
        seen.push((name, kind));
    }
    Ok(())
}

/// The variables with their states, so that conditions, parents and moves can be resolved against them.
fn shell(spec: &ModelSpec) -> Result<Model> {
    let mut drivers = Vec::with_capacity(spec.driver.len());
    for (i, d) in spec.driver.iter().enumerate() {
        distinct(&driver_at(i, &d.name).key("states"), "states", &d.states, 2)?;
        let (name, states) = (d.name.clone(), d.states.clone());
        drivers.push(Driver { name, states, parents: vec![], rows: vec![], covariates: vec![] });
    }
    let mut ladders = Vec::with_capacity(spec.ladder.len());
    for (i, l) in spec.ladder.iter().enumerate() {
        let at = ladder_at(i, &l.name);
        distinct(&at.key("rungs"), "rungs", &l.rungs, 2)?;
        let (name, rungs, ordered) = (l.name.clone(), l.rungs.clone(), l.ordered);
        let phases = stage::phases(&at, l)?;
        let (first, moves, effects, covariates) = (First::Given(vec![]), vec![], vec![], vec![]);
        ladders.push(Ladder { name, rungs, phases, ordered, first, moves, effects, covariates });
    }
    let (name, origin) = (spec.name.clone(), spec.origin.clone());
    Ok(Model {
        name,
        origin,
        drivers,
        ladders,
        statuses: vec![],
        events: vec![],
        expectations: vec![],
        parameters: Parameters::default(),
    })
}

/// Names a cycle among the drivers if there is one.
fn acyclic(model: &Model) -> Result<()> {
    // Leave out, again and again, whoever has no parent left: what stays has a parent that stays.
    let mut left: Vec<(usize, &[usize])> = model.drivers.iter().map(|d| d.parents.as_slice()).enumerate().collect();
    let mut stays = vec![true; left.len()];
    loop {
        let (rest, gone): (Vec<_>, Vec<_>) =
            left.iter().partition(|(_, parents)| parents.iter().any(|p| stays.get(*p) == Some(&true)));
        gone.iter().filter_map(|(d, _)| stays.get_mut(*d).map(|s| *s = false)).count();
        left = rest;
        if gone.is_empty() {
            break;
        }
    }
    let Some((first, _)) = left.first() else { return Ok(()) };
    let mut path = vec![*first];
    let (start, names) = loop {
        let child = path.last().and_then(|d| model.drivers.get(*d));
        let Some(next) = child.and_then(|d| d.parents.iter().find(|p| stays.get(**p) == Some(&true))) else {
            return Ok(());
        };
        let seen = path.iter().position(|d| d == next);
        path.push(*next);
        if let Some(back) = seen {
            let name = |d: &usize| model.drivers.get(*d).map_or("", |d| d.name.as_str());
            break (*next, path.iter().skip(back).rev().map(name).collect::<Vec<_>>());
        }
    };
    let name = names.first().copied().unwrap_or_default();
    let message = format!("the drivers depend on each other in a cycle: {}", names.join(" → "));
    Err(driver_at(start, name).key("given").wrong(message))
}

/// A table's rows to be: where, over what, and with what prior.
pub(super) struct Cells<'a> {
    pub(super) at: &'a At,
    pub(super) name: &'a str,
    pub(super) states: &'a [String],
    pub(super) parents: &'a [Variable],
    /// The last parent fastest.
    pub(super) rows: Vec<Vec<f64>>,
    pub(super) worth: Option<f64>,
    pub(super) free: bool,
    pub(super) provenance: Provenance,
}

/// The parameters so far, each under a name of its own.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) parameters: Parameters,
    used: BTreeSet<String>,
}

impl Numbers {
    /// The name, with " (2)" and so on where it is taken.
    fn unique(&mut self, name: String) -> String {
        let free = (2..).map(|n| format!("{name} ({n})"));
        let chosen = std::iter::once(name.clone()).chain(free).find(|n| !self.used.contains(n)).unwrap_or(name);
        self.used.insert(chosen.clone());
        chosen
    }

    pub(super) fn positive(&mut self, name: String, kind: Kind, judged: Judged, provenance: Provenance) -> usize {
        let name = self.unique(name);
        let Judged { value, prior, words } = judged;
        self.parameters.positives.push(Positive { name, kind, value, prior, words, provenance });
        self.parameters.positives.len() - 1
    }

    pub(super) fn row(&mut self, row: Row) -> usize {
        let name = self.unique(row.name);
        self.parameters.rows.push(Row { name, ..row });
        self.parameters.rows.len() - 1
    }

    /// The rows of a table, each with its prior and a name of its own.
    pub(super) fn rows(&mut self, model: &Model, cells: Cells) -> Result<Vec<usize>> {
        let prior = table::prior(cells.at, cells.worth, cells.free)?;
        let parents: Vec<Parent> = cells.parents.iter().map(|p| names::states(model, *p)).collect();
        let labels: Vec<String> = table::labels(&parents).iter().map(|l| table::row_name(cells.name, l)).collect();
        let mut indices = Vec::with_capacity(cells.rows.len());
        for (name, value) in labels.into_iter().zip(cells.rows) {
            let (states, prior, provenance) = (cells.states.to_vec(), prior.clone(), cells.provenance.clone());
            indices.push(self.row(Row { name, states, value, prior, provenance }));
        }
        Ok(indices)
    }

    pub(super) fn real(&mut self, real: Real) -> usize {
        let name = self.unique(real.name);
        self.parameters.reals.push(Real { name, ..real });
        self.parameters.reals.len() - 1
    }
}

/// The model under construction.
struct Build {
    clock: Clock,
    model: Model,
    numbers: Numbers,
}

impl Build {
    fn driver(&mut self, i: usize, spec: &DriverSpec) -> Result<()> {
        let at = driver_at(i, &spec.name);
        let given = at.key("given");
        distinct(&given, "parents", &spec.given, 0)?;
        let find = |(k, name): (usize, &String)| names::driver(&given.item(k), &self.model, name);
        let parents = spec.given.iter().enumerate().map(find).collect::<Result<Vec<usize>>>()?;
        let over: Vec<Variable> = parents.iter().map(|p| Variable::Driver(*p)).collect();
        let said = (&spec.source, &spec.known, &spec.basis, &spec.note);
        let provenance = numbers::provenance(&at, &self.clock, said)?;
        let states: Vec<Parent> = over.iter().map(|p| names::states(&self.model, *p)).collect();
        let stated = (spec.table.as_ref(), spec.formula.as_ref());
        let rows = table::stated(&at, stated, &states, &spec.states)?;
        let (worth, free) = (spec.worth, spec.free);
        let cells =
            Cells { at: &at, name: &spec.name, states: &spec.states, parents: &over, rows, worth, free, provenance };
        let rows = self.numbers.rows(&self.model, cells)?;
        if let Some(driver) = self.model.drivers.get_mut(i) {
            (driver.parents, driver.rows) = (parents, rows.clone());
        }
        let of = Acted { name: &spec.name, states: &spec.states, rows: &rows, cells: &[] };
        let covariates = self.added(&at, of, &spec.covariate, &over)?;
        if let Some(driver) = self.model.drivers.get_mut(i) {
            driver.covariates = covariates;
        }
        Ok(())
    }

    fn ladder(&mut self, i: usize, spec: &LadderSpec) -> Result<()> {
        let at = ladder_at(i, &spec.name);
        let provenance = numbers::provenance(&at, &self.clock, (&spec.source, &spec.known, &spec.basis, &spec.note))?;
        let moves = self.moves(&at, spec)?;
        stage::left(&at, spec, &moves)?;
        let mut effects = Vec::with_capacity(spec.effect.len());
        for (k, effect) in spec.effect.iter().enumerate() {
            let entry = format!("{}, effect {}", named("ladder", &spec.name, i), k + 1);
            effects.push(self.effect(&at.key("effect").item(k).called(entry), effect, spec, &moves)?);
        }
        let covariates = self.covariates(&at, spec, &moves)?;
        let first = first::first(&at, spec, &self.model, &mut self.numbers, provenance)?;
        if let Some(ladder) = self.model.ladders.get_mut(i) {
            (ladder.moves, ladder.effects, ladder.covariates, ladder.first) = (moves, effects, covariates, first);
        }
        Ok(())
    }

    fn covariates(&mut self, ladder: &At, spec: &LadderSpec, moves: &[Move]) -> Result<Vec<Covariate>> {
        let mut covariates: Vec<Covariate> = Vec::with_capacity(spec.covariate.len());
        for (k, covariate) in spec.covariate.iter().enumerate() {
            let entry = format!("{}, {}", ladder.entry, named("covariate", &covariate.name, k));
            let at = ladder.key("covariate").item(k).called(entry);
            at.key("name").need(!covariate.name.trim().is_empty(), || "the name is empty".into())?;
            let made = self.covariate(&at, covariate, spec, moves)?;
            let acts = |c: &Covariate, m: usize| c.terms.iter().any(|term| term.moves.contains(&m));
            for other in covariates.iter().filter(|other| other.name == made.name) {
                at.need(other.scale == made.scale, || {
                    format!("'{}' has other levels or cuts before; expected the same", covariate.name)
                })?;
                let twice = (0..moves.len()).any(|m| acts(other, m) && acts(&made, m));
                at.key("moves").need(!twice || other.when != made.when, || {
                    format!("'{}' already acts on one of these moves; expected one ratio for a move", covariate.name)
                })?;
            }
            covariates.push(made);
        }
        Ok(covariates)
    }

    fn covariate(&mut self, at: &At, spec: &CovariateSpec, ladder: &LadderSpec, moves: &[Move]) -> Result<Covariate> {
        let scale = scale(at, spec)?;
        let acted = acted_on(&at.key("moves"), &spec.moves, ladder, moves)?;
        let said = (&spec.source, &spec.known, &spec.basis, &spec.note);
        let provenance = numbers::provenance(at, &self.clock, said)?;
        let judged = numbers::ratio(at, spec)?;
        let when = match &spec.when {
            Some(when) => condition::compile(&at.key("when"), when, &self.model)?,
            None => Condition::Always(true),
        };
        let during = match &when {
            Condition::Always(true) => String::new(),
            when => format!(" while {}", when.describe(&self.model)),
        };
        let levels: Vec<(usize, String)> = match &scale {
            Scale::Number => vec![(0, spec.name.clone())],
            Scale::Levels(levels) => {
                levels.iter().enumerate().skip(1).map(|(l, level)| (l, format!("{} = {level}", spec.name))).collect()
            }
            Scale::Clock(cuts) => (1..=cuts.len())
                .map(|p| {
                    let from = cuts[p - 1];
                    let to = cuts.get(p).map_or_else(|| "∞".to_string(), |to| to.to_string());
                    (p, format!("{} in [{from}, {to})", spec.name))
                })
                .collect(),
        };
        let mut terms = vec![];
        for (level, word) in levels {
            let mut term = |moves: Vec<usize>, of: &str| {
                let name = format!("{}: {of} × ({word}{during})", ladder.name);
                let ratio = self.numbers.positive(name, Kind::Factor, judged.clone(), provenance.clone());
                terms.push(Term { level, moves, ratio });
            };
            if spec.shared {
                term(acted.clone(), &moves_name(&spec.moves));
                continue;
            }
            for &m in &acted {
                let pair = moves.get(m).map_or_else(String::new, |m| arrow(ladder, m.from, m.to));
                term(vec![m], &pair);
            }
        }
        Ok(Covariate { name: spec.name.clone(), scale, when, terms })
    }

    fn moves(&mut self, ladder: &At, spec: &LadderSpec) -> Result<Vec<Move>> {
        let mut moves: Vec<Move> = Vec::new();
        for (k, rate) in spec.rate.iter().enumerate() {
            let entry = format!("{}, rate {}", ladder.entry, k + 1);
            let at = ladder.key("rate").item(k).called(entry);
            let pairs = declared(&at.key("moves"), &rate.moves, spec)?;
            for (from, to) in &pairs {
                at.key("moves").need(!moves.iter().any(|m| (m.from, m.to) == (*from, *to)), || {
                    format!("the move {} already has a rate; expected one rate for a move", arrow(spec, *from, *to))
                })?;
            }
            let said = (&rate.source, &rate.known, &rate.basis, &rate.note);
            let provenance = numbers::provenance(&at, &self.clock, said)?;
            let judged = numbers::intensity(&at, rate)?;
            let name = format!("{}: {}", spec.name, moves_name(&rate.moves));
            let rate = self.numbers.positive(name, Kind::Intensity, judged, provenance);
            moves.extend(pairs.into_iter().map(|(from, to)| Move { from, to, rate }));
        }
        Ok(moves)
    }

    fn effect(&mut self, at: &At, spec: &EffectSpec, ladder: &LadderSpec, moves: &[Move]) -> Result<Effect> {
        let when = condition::compile(&at.key("when"), &spec.when, &self.model)?;
        let acted = acted_on(&at.key("moves"), &spec.moves, ladder, moves)?;
        let said = (&spec.source, &spec.known, &spec.basis, &spec.note);
        let provenance = numbers::provenance(at, &self.clock, said)?;
        let judged = numbers::factor(at, spec)?;
        let name = format!("{}: {} × ({})", ladder.name, moves_name(&spec.moves), when.describe(&self.model));
        let factor = self.numbers.positive(name, Kind::Factor, judged, provenance);
        Ok(Effect { when, moves: acted, factor })
    }

    /// What a panel's covariates add to an indicator, or to a driver's table.
    fn added(
        &mut self,
        at: &At,
        of: Acted<'_>,
        specs: &[StatusCovariateSpec],
        parents: &[Variable],
    ) -> Result<Vec<StatusCovariate>> {
        let mut said = Vec::with_capacity(specs.len());
        for covariate in specs {
            let own = (&covariate.source, &covariate.known, &covariate.basis, &covariate.note);
            said.push(numbers::provenance(&at.key("covariate"), &self.clock, own)?);
        }
        let over: Vec<Parent> = parents.iter().map(|p| names::states(&self.model, *p)).collect();
        outcome::covariates(at, of, specs, &over, &mut self.numbers, &said)
    }

    /// The parents of an indicator.
    fn parents(&self, at: &At, given: &[String]) -> Result<Vec<Variable>> {
        let at = at.key("given");
        distinct(&at, "parents", given, 0)?;
        given.iter().enumerate().map(|(k, name)| names::variable(&at.item(k), &self.model, name)).collect()
    }

    fn status(&mut self, i: usize, spec: &StatusSpec) -> Result<()> {
        let at = status_at(i, &spec.name);
        let parents = self.parents(&at, &spec.given)?;
        let provenance = numbers::provenance(&at, &self.clock, (&spec.source, &spec.known, &spec.basis, &spec.note))?;
        let (name, states) = (spec.name.clone(), spec.states.clone());
        let mut made = Status { name, states, parents, rows: vec![], cells: vec![], covariates: vec![] };
        let stated = (spec.table.as_ref(), spec.formula.as_ref());
        match (stated.0.is_some() || stated.1.is_some(), &spec.outcome) {
            (true, None) => {
                distinct(&at.key("states"), "states", &spec.states, 2)?;
                let over: Vec<Parent> = made.parents.iter().map(|p| names::states(&self.model, *p)).collect();
                let rows = table::stated(&at, stated, &over, &spec.states)?;
                let (name, states, parents) = (&spec.name, &spec.states, &made.parents);
                let (worth, free) = (spec.worth, spec.free);
                let cells = Cells { at: &at, name, states, parents, rows, worth, free, provenance };
                made.rows = self.numbers.rows(&self.model, cells)?;
            }
            (false, Some(number)) => {
                at.need(spec.states.is_empty() && spec.worth.is_none() && !spec.free, || {
                    "`states`, `worth` and `free` do not go with `outcome`; expected it alone, `free` within it".into()
                })?;
                let over: Vec<Parent> = made.parents.iter().map(|p| names::states(&self.model, *p)).collect();
                made.cells = outcome::cells(&at, &spec.name, number, &over, &mut self.numbers, &provenance)?;
            }
            (true, Some(_)) => {
                let what = if stated.0.is_some() { "`table`" } else { "`formula`" };
                return Err(at.wrong(format!("it has a {what} and an `outcome`; expected one of them")));
            }
            (false, None) => {
                return Err(at.wrong("it has no value; expected `states` and `table`, or `outcome` for a number"));
            }
        }
        let of = Acted { name: &made.name, states: &made.states, rows: &made.rows, cells: &made.cells };
        made.covariates = self.added(&at, of, &spec.covariate, &made.parents)?;
        outcome::set_units(&made, &mut self.numbers.parameters);
        self.model.statuses.push(made);
        Ok(())
    }

    fn events(&mut self, i: usize, spec: &EventsSpec) -> Result<()> {
        let at = events_at(i, &spec.name);
        let parents = self.parents(&at, &spec.given)?;
        let over: Vec<Parent> = parents.iter().map(|p| names::states(&self.model, *p)).collect();
        let size = table::configurations(&at, &over)?;
        let provenance = numbers::provenance(&at, &self.clock, (&spec.source, &spec.known, &spec.basis, &spec.note))?;
        let place = at.key("rate");
        let rates = match &spec.rate {
            NumbersSpec::One(rate) => {
                let judged = numbers::event_rate(&at, spec, *rate, &place)?;
                vec![self.numbers.positive(spec.name.clone(), Kind::EventRate, judged, provenance); size]
            }
            NumbersSpec::Many(rates) => {
                place.need(rates.len() == size, || {
                    format!("there are {} rates; expected {size}, one for each configuration of `given`", rates.len())
                })?;
                let labels = table::labels(&over);
                let mut found = Vec::with_capacity(size);
                for ((k, rate), label) in rates.iter().enumerate().zip(&labels) {
                    let judged = numbers::event_rate(&at, spec, *rate, &place.item(k))?;
                    let states: Vec<&str> = label.iter().map(|(_, state)| *state).collect();
                    let bar = if states.is_empty() { "" } else { " | " };
                    let name = format!("{}{bar}{}", spec.name, states.join(", "));
                    found.push(self.numbers.positive(name, Kind::EventRate, judged, provenance.clone()));
                }
                found
            }
        };
        self.model.events.push(Events { name: spec.name.clone(), parents, rates });
        Ok(())
    }
}

/// "up", or "rhetoric → war, war → rhetoric".
fn moves_name(moves: &MovesSpec) -> String {
    match moves {
        MovesSpec::Word(word) => word.clone(),
        MovesSpec::Pairs(pairs) => pairs.iter().map(|(a, b)| format!("{a} → {b}")).collect::<Vec<_>>().join(", "),
    }
}

fn arrow(ladder: &LadderSpec, from: usize, to: usize) -> String {
    let rung = |r: usize| ladder.rungs.get(r).map_or("?", String::as_str);
    format!("{} → {}", rung(from), rung(to))
}

/// The pairs of rungs that a rate is for.
fn declared(at: &At, moves: &MovesSpec, ladder: &LadderSpec) -> Result<Vec<(usize, usize)>> {
    match moves {
        MovesSpec::Word(word) => {
            let steps = (0..ladder.rungs.len()).zip(1..ladder.rungs.len());
            match word.as_str() {
                "up" => ordered(at, word, ladder.ordered).map(|()| steps.collect()),
                "down" => ordered(at, word, ladder.ordered).map(|()| steps.map(|(low, high)| (high, low)).collect()),
                _ => {
                    Err(at.wrong(format!("'{word}' is no set of moves; expected \"up\", \"down\" or pairs [from, to]")))
                }
            }
        }
        MovesSpec::Pairs(pairs) => rung_pairs(at, pairs, &ladder.name, &ladder.rungs),
    }
}

fn ordered(at: &At, word: &str, ordered: bool) -> Result<()> {
    at.need(ordered, || format!("the ladder is not ordered, so '{word}' has no meaning; expected pairs [from, to]"))
}

fn rung_pairs(at: &At, pairs: &[(String, String)], ladder: &str, rungs: &[String]) -> Result<Vec<(usize, usize)>> {
    at.need(!pairs.is_empty(), || "the list of moves is empty; expected at least one pair [from, to]".into())?;
    let kind = format!("rung of '{ladder}'");
    let mut found = Vec::with_capacity(pairs.len());
    for (k, (from, to)) in pairs.iter().enumerate() {
        let at = at.item(k);
        let pair = (names::find(&at, &kind, from, rungs)?, names::find(&at, &kind, to, rungs)?);
        at.need(pair.0 != pair.1, || format!("the move {from} → {to} stays where it is"))?;
        at.need(!found.contains(&pair), || format!("the move {from} → {to} is listed twice"))?;
        found.push(pair);
    }
    Ok(found)
}

/// The moves, (from, to), that are asked for of a ladder of the model, be there rates for them or not.
pub(super) fn asked_moves(at: &At, spec: &MovesSpec, ladder: &Ladder) -> Result<Vec<(usize, usize)>> {
    let rungs = ladder.rungs.len();
    let all = || (0..rungs).flat_map(|from| (0..rungs).map(move |to| (from, to)));
    match spec {
        MovesSpec::Word(word) => match word.as_str() {
            "all" => Ok(all().filter(|(from, to)| from != to).collect()),
            "up" => ordered(at, word, ladder.ordered).map(|()| all().filter(|(from, to)| to > from).collect()),
            "down" => ordered(at, word, ladder.ordered).map(|()| all().filter(|(from, to)| to < from).collect()),
            _ => {
                let expected = "expected \"up\", \"down\", \"all\" or pairs [from, to]";
                Err(at.wrong(format!("'{word}' is no set of moves; {expected}")))
            }
        },
        MovesSpec::Pairs(pairs) => rung_pairs(at, pairs, &ladder.name, &ladder.rungs),
    }
}

/// What the values of a covariate are.
fn scale(at: &At, spec: &CovariateSpec) -> Result<Scale> {
    match (spec.levels.is_empty(), spec.cuts.is_empty()) {
        (false, false) => Err(at.wrong("it has `levels` and `cuts`; expected one of them, or neither for a number")),
        (true, true) => Ok(Scale::Number),
        (false, true) => {
            distinct(&at.key("levels"), "levels", &spec.levels, 2)?;
            Ok(Scale::Levels(spec.levels.clone()))
        }
        (true, false) => {
            let climb = spec.cuts.windows(2).all(|pair| pair[0] < pair[1]);
            at.key("cuts").need(climb && spec.cuts.iter().all(|cut| cut.is_finite()), || {
                format!("the cuts are {:?}; expected finite times in ascending order", spec.cuts)
            })?;
            Ok(Scale::Clock(spec.cuts.clone()))
        }
    }
}

/// Indices of the ladder's moves that an effect acts on.
fn acted_on(at: &At, spec: &MovesSpec, ladder: &LadderSpec, moves: &[Move]) -> Result<Vec<usize>> {
    let matching = |keep: &dyn Fn(&Move) -> bool| -> Vec<usize> {
        moves.iter().enumerate().filter(|(_, m)| keep(m)).map(|(k, _)| k).collect()
    };
    let found = match spec {
        MovesSpec::Word(word) => match word.as_str() {
            "up" => ordered(at, word, ladder.ordered).map(|()| matching(&|m| m.to > m.from))?,
            "down" => ordered(at, word, ladder.ordered).map(|()| matching(&|m| m.to < m.from))?,
            "all" => matching(&|_| true),
            _ => {
                let expected = "expected \"up\", \"down\", \"all\" or pairs [from, to]";
                return Err(at.wrong(format!("'{word}' is no set of moves; {expected}")));
            }
        },
        MovesSpec::Pairs(pairs) => {
            let pairs = rung_pairs(at, pairs, &ladder.name, &ladder.rungs)?;
            let one = |(k, (from, to)): (usize, &(usize, usize))| {
                let index = moves.iter().position(|m| (m.from, m.to) == (*from, *to));
                index.ok_or_else(|| at.item(k).wrong(format!("the move {} has no rate", arrow(ladder, *from, *to))))
            };
            pairs.iter().enumerate().map(one).collect::<Result<_>>()?
        }
    };
    at.need(!found.is_empty(), || format!("no move of the ladder with a rate is '{}'", moves_name(spec)))?;
    Ok(found)
}
