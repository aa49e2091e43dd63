//! Questions as written to atoms with indices and days: one form each; a span that begins before now says so.

use super::model::asked_moves;
use super::{At, condition, named, names};
use crate::escalation::condition::Condition;
use crate::escalation::model::Model;
use crate::escalation::question::{Ask, Atom, Count, Happening, Question};
use crate::escalation::spec::{AskSpec, AskedMovesSpec, ConditionSpec, QuestionSpec, QuestionsSpec};
use crate::escalation::spent::STAGES;
use crate::ground::Result;
use crate::ground::time::{Clock, duration};
use std::collections::BTreeSet;

const FORMS: &str = "expected exactly one of at, reach, enters, moves, time_in, first, all, any, not";

/// Most times that can be asked for: each has a level of its own.
const TIMES: usize = 10_000;

/// Most rungs of a ladder whose moves are counted: a monitor's classes are bytes.
const MOST_RUNGS: usize = 255;

impl Question {
    /// One question asked at `now` (days since the model's origin), its equal atoms shared.
    ///
    /// # Errors
    /// `Error::Spec` with the question and its path for whatever docs/format.md does not allow.
    pub fn compile(spec: &QuestionSpec, model: &Model, now: f64) -> Result<Question> {
        compile_at(&At::top().called(named("question", &spec.name, 0)), spec, model, now)
    }

    /// All questions of a file, in order.
    ///
    /// # Errors
    /// As [`Question::compile`], and for a name given twice.
    pub fn compile_all(spec: &QuestionsSpec, model: &Model, now: f64) -> Result<Vec<Question>> {
        let mut names = BTreeSet::new();
        let one = |(i, question): (usize, &QuestionSpec)| {
            let at = At::top().key("question").item(i).called(named("question", &question.name, i));
            let fresh = names.insert(question.name.clone());
            at.key("name").need(fresh, || format!("there is another question '{}'", question.name))?;
            compile_at(&at, question, model, now)
        };
        spec.question.iter().enumerate().map(one).collect()
    }
}

/// One question at its place.
pub(super) fn compile_at(at: &At, spec: &QuestionSpec, model: &Model, now: f64) -> Result<Question> {
    at.key("name").need(!spec.name.trim().is_empty(), || "the question has no name".into())?;
    let clock = at.calendar(model)?;
    let mut asked = Asked { model, clock, now, atoms: Vec::new() };
    let ask = asked.read(&at.key("ask"), &spec.ask)?;
    let given = spec.given.as_ref().map(|g| asked.read(&at.key("given"), g)).transpose()?;
    Ok(Question { name: spec.name.clone(), atoms: asked.atoms, ask, given })
}

impl Happening {
    /// Moves of a ladder as written.
    pub(super) fn compile(at: &At, spec: &AskedMovesSpec, model: &Model) -> Result<Happening> {
        let ladder = names::ladder(&at.key("ladder"), model, &spec.ladder)?;
        let moves = asked_moves(&at.key("moves"), &spec.moves, &model.ladders[ladder])?;
        let rungs = model.ladders[ladder].rungs.len();
        at.need(rungs <= MOST_RUNGS, || {
            format!(
                "'{}' has {rungs} rungs; moves are counted on ladders of at most {MOST_RUNGS}",
                model.ladders[ladder].name
            )
        })?;
        Ok(Happening::Move { ladder, rungs, moves })
    }
}

/// A question being read: its atoms so far.
struct Asked<'a> {
    model: &'a Model,
    clock: Clock,
    now: f64,
    atoms: Vec<Atom>,
}

impl Asked<'_> {
    fn read(&mut self, at: &At, spec: &AskSpec) -> Result<Ask> {
        one_form(at, spec)?;
        if let Some(parts) = &spec.all {
            return Ok(Ask::All(self.each(&at.key("all"), parts)?));
        }
        if let Some(parts) = &spec.any {
            return Ok(Ask::Any(self.each(&at.key("any"), parts)?));
        }
        if let Some(inner) = &spec.not {
            return Ok(Ask::Not(Box::new(self.read(&at.key("not"), inner)?)));
        }
        if let Some(when) = &spec.time_in {
            return self.time_in(at, spec, condition::compile(&at.key("time_in"), when, self.model)?);
        }
        let atom = self.atom(at, spec)?;
        Ok(Ask::Atom(self.index(atom)))
    }

    /// Whether a condition holds for so long, all in all. More than half the span is asked of its opposite, the whole span as
    /// whether that is ever reached.
    fn time_in(&mut self, at: &At, spec: &AskSpec, when: Condition) -> Result<Ask> {
        let (since, by) = self.span(at, spec)?;
        let key = at.key("at_least");
        let text = spec.at_least.as_deref().ok_or_else(|| key.wrong("expected a duration, such as \"30 days\""))?;
        let (days, span) = (key.put(duration(text))?, by - since);
        at.need(span.is_finite(), || {
            "a judgement about time spent needs to say when it begins; expected `since`, or `known`".into()
        })?;
        key.need(days <= span, || format!("`at_least` is {text}; the span has {span} days"))?;
        let other = || Condition::Not(Box::new(when.clone())).simplify();
        let stages = STAGES[STAGES.len() - 1];
        if 2.0 * days <= span {
            let spends = Atom::Spends { when: when.clone(), days, stages, since, by };
            return Ok(self.or_whole(spends, other(), since, by));
        }
        let rest = match days < span {
            true => {
                let spends = Atom::Spends { when: other(), days: span - days, stages, since, by };
                self.or_whole(spends, when.clone(), since, by)
            }
            false => Ask::Atom(self.index(Atom::Reach { when: other(), since, by })),
        };
        Ok(Ask::Not(Box::new(rest)))
    }

    /// Of the whole span it is asked as whether the opposite is ever reached: that has weight by itself, which stages would blur.
    fn or_whole(&mut self, spends: Atom, opposite: Condition, since: f64, by: f64) -> Ask {
        let spends = Ask::Atom(self.index(spends));
        let whole = Ask::Atom(self.index(Atom::Reach { when: opposite, since, by }));
        Ask::Any(vec![spends, Ask::Not(Box::new(whole))])
    }

    fn index(&mut self, atom: Atom) -> usize {
        let index = self.atoms.iter().position(|a| *a == atom).unwrap_or(self.atoms.len());
        if index == self.atoms.len() {
            self.atoms.push(atom);
        }
        index
    }

    fn each(&mut self, at: &At, parts: &[AskSpec]) -> Result<Vec<Ask>> {
        at.need(!parts.is_empty(), || "the list of questions is empty".into())?;
        parts.iter().enumerate().map(|(i, part)| self.read(&at.item(i), part)).collect()
    }

    fn atom(&self, at: &At, spec: &AskSpec) -> Result<Atom> {
        let when = |key: &str, c: &ConditionSpec| condition::compile(&at.key(key), c, self.model);
        if let Some(c) = &spec.at {
            let (when, on) = (when("at", c)?, self.date(at, "on", &spec.on)?);
            return Ok(Atom::At { when, time: self.after_origin(&at.key("on"), "on", on, Clock::point)? });
        }
        let (since, by) = self.span(at, spec)?;
        let count = Count::UpTo(spec.times.unwrap_or(1));
        let often = spec.times.is_none_or(|times| (1..=TIMES).contains(&times));
        at.key("times").need(often, || {
            format!("`times` is {}; expected a whole number from 1 to {TIMES}", spec.times.unwrap_or(0))
        })?;
        match (&spec.reach, &spec.enters, &spec.moves, &spec.first, &spec.before) {
            (Some(c), ..) => Ok(Atom::Reach { when: when("reach", c)?, since, by }),
            (_, Some(c), ..) => Ok(Atom::Happens { what: Happening::Entry(when("enters", c)?), count, since, by }),
            (_, _, Some(m), ..) => {
                let what = Happening::compile(&at.key("moves"), m, self.model)?;
                Ok(Atom::Happens { what, count, since, by })
            }
            (_, _, _, Some(a), Some(b)) => {
                Ok(Atom::First { when: when("first", a)?, before: when("before", b)?, since, by })
            }
            _ => Err(at.wrong("`first` needs `before` beside it")),
        }
    }

    /// Where the span of an atom begins, by default now, and where it ends.
    fn span(&self, at: &At, spec: &AskSpec) -> Result<(f64, f64)> {
        let text = self.date(at, "by", &spec.by)?;
        let Some(from) = spec.since.as_deref() else {
            return Ok((self.now, self.after_now(at, "by", text, Clock::day_end)?));
        };
        let since = self.after_origin(&at.key("since"), "since", from, Clock::day_start)?;
        let by = at.key("by").put(self.clock.day_end(text))?;
        at.key("by").need(by > since, || format!("`by` is {text}; expected a date after `since`, {from}"))?;
        Ok((since, by))
    }

    fn after_origin(&self, at: &At, key: &str, text: &str, read: fn(&Clock, &str) -> Result<f64>) -> Result<f64> {
        let time = at.put(read(&self.clock, text))?;
        at.need(time >= 0.0, || format!("`{key}` is {text}; expected a date after the model's origin"))?;
        Ok(time)
    }

    fn date<'t>(&self, at: &At, key: &str, text: &'t Option<String>) -> Result<&'t str> {
        text.as_deref().ok_or_else(|| at.wrong(format!("the question has no date; expected `{key}`")))
    }

    fn after_now(&self, at: &At, key: &str, text: &str, read: fn(&Clock, &str) -> Result<f64>) -> Result<f64> {
        let at = at.key(key);
        let time = at.put(read(&self.clock, text))?;
        at.need(time > self.now, || {
            format!(
                "`{key}` is {text}; expected a date after now, {} at the end of as_of, or `since` for a span that \
                 begins before it",
                self.clock.date_of(self.now)
            )
        })?;
        Ok(time)
    }
}

/// Refuses keys of two forms together, or of none.
fn one_form(at: &At, spec: &AskSpec) -> Result<()> {
    let forms = [
        ("at", spec.at.is_some()),
        ("reach", spec.reach.is_some()),
        ("enters", spec.enters.is_some()),
        ("first", spec.first.is_some()),
        ("moves", spec.moves.is_some()),
        ("time_in", spec.time_in.is_some()),
        ("all", spec.all.is_some()),
        ("any", spec.any.is_some()),
        ("not", spec.not.is_some()),
    ];
    let given: Vec<&str> = forms.iter().filter(|(_, there)| *there).map(|(form, _)| *form).collect();
    let form = match given.as_slice() {
        [one] => *one,
        [] => return Err(at.wrong(format!("the question asks nothing; {FORMS}"))),
        several => return Err(at.wrong(format!("the question has {} together; {FORMS}", several.join(" and ")))),
    };
    let extra = [
        ("on", spec.on.is_some()),
        ("since", spec.since.is_some()),
        ("by", spec.by.is_some()),
        ("before", spec.before.is_some()),
        ("times", spec.times.is_some()),
        ("at_least", spec.at_least.is_some()),
    ];
    let allowed: &[&str] = match form {
        "at" => &["on"],
        "reach" => &["since", "by"],
        "enters" | "moves" => &["since", "by", "times"],
        "time_in" => &["since", "by", "at_least"],
        "first" => &["before", "since", "by"],
        _ => &[],
    };
    let wrong = extra.iter().find(|(key, there)| *there && !allowed.contains(key));
    wrong.map_or(Ok(()), |(key, _)| Err(at.key(key).wrong(format!("`{key}` does not go with `{form}`"))))
}
