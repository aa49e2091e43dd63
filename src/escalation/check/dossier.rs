//! Developments as written to evidence with indices and days: one kind each, its dates in order, its two rates.

use super::names::{self, Named};
use super::{At, condition, named};
use crate::escalation::condition::Condition;
use crate::escalation::dossier::{Development, Dossier, Evidence, Record};
use crate::escalation::model::{Model, Variable};
use crate::escalation::spec::{
    ConditionSpec, CountedSpec, DevelopmentSpec, DossierSpec, LikelihoodSpec, MeasuredSpec, MovedSpec, TrustSpec,
    TrustedSpec,
};
use crate::ground::time::{self, Clock};
use crate::ground::{Result, words};
use std::collections::BTreeSet;

impl Dossier {
    /// The developments of a dossier that were reported by its `as_of`, as evidence on `model`.
    ///
    /// # Errors
    /// `Error::Spec` with the development and its path for whatever docs/format.md does not allow; developments that are
    /// left out are checked too.
    pub fn compile(spec: &DossierSpec, model: &Model) -> Result<Dossier> {
        let top = At::top().called("dossier");
        let clock = top.calendar(model)?;
        for ladder in &model.ladders {
            let plain = ladder.covariates.is_empty();
            top.need(plain, || format!("ladder '{}' has covariates, which only a panel has", ladder.name))?;
        }
        for driver in &model.drivers {
            let plain = driver.covariates.is_empty();
            top.need(plain, || format!("driver '{}' has covariates, which only a panel has", driver.name))?;
        }
        for status in &model.statuses {
            let plain = status.covariates.is_empty();
            top.need(plain, || format!("indicator '{}' has covariates, which only a panel has", status.name))?;
        }
        let as_of = top.key("as_of").put(clock.day_end(&spec.as_of))?;
        top.key("as_of")
            .need(as_of >= 0.0, || format!("as_of is {}, before the model's origin {}", spec.as_of, model.origin))?;
        let (mut developments, mut left_out) = (Vec::new(), Vec::new());
        let mut ids = BTreeSet::new();
        for (i, development) in spec.development.iter().enumerate() {
            let at = At::top().key("development").item(i).called(named("development", &development.id, i));
            at.key("id").need(!development.id.trim().is_empty(), || "the id is empty".into())?;
            let fresh = ids.insert(development.id.as_str());
            at.key("id").need(fresh, || format!("there is another development '{}'", development.id))?;
            let found = Reader { at, spec: development, model, clock, as_of }.read()?;
            match found.reported <= as_of {
                true => developments.push((i, found)),
                false => left_out.push(found.id),
            }
        }
        no_overlap(&developments, model)?;
        Ok(Dossier { as_of, developments: developments.into_iter().map(|(_, d)| d).collect(), left_out })
    }
}

/// Refuses spans of one events indicator that overlap; touching ends are fine.
fn no_overlap(developments: &[(usize, Development)], model: &Model) -> Result<()> {
    let mut spans: Vec<(usize, f64, f64, usize, &str)> = Vec::new();
    for (i, development) in developments {
        if let Evidence::Events { start, end, events, .. } = development.evidence {
            spans.push((events, start, end, *i, &development.id));
        }
    }
    spans.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    for pair in spans.windows(2) {
        if let [(events, _, end, _, first), (other, start, _, i, id)] = pair
            && events == other
            && start < end
        {
            let name = model.events.get(*events).map_or("", |e| e.name.as_str());
            let at = At::top().key("development").item(*i).called(named("development", id, *i)).key("over");
            return Err(at.wrong(format!(
                "its span of '{name}' overlaps that of development '{first}'; expected spans that touch at most"
            )));
        }
    }
    Ok(())
}

/// P(reported | it held) and P(reported | it did not).
#[derive(Clone, Copy)]
struct Weights {
    hit: f64,
    false_alarm: f64,
}

/// When something held, and the latest instant of the days that were named.
#[derive(Clone, Copy)]
struct Span {
    start: f64,
    end: f64,
    /// The default of `reported`.
    last: f64,
}

/// One development being read.
struct Reader<'a> {
    at: At,
    spec: &'a DevelopmentSpec,
    model: &'a Model,
    clock: Clock,
    as_of: f64,
}

impl Reader<'_> {
    fn read(&self) -> Result<Development> {
        let (evidence, span) = match &self.spec.trust {
            Some(trust) => self.trusted(trust)?,
            None => self.said()?,
        };
        let reported = self.reported(span)?;
        Ok(Development { id: self.spec.id.clone(), reported, evidence })
    }

    /// The report under each state of the driver that its rates depend on.
    fn trusted(&self, trust: &TrustSpec) -> Result<(Evidence, Span)> {
        let (s, at) = (self.spec, self.at.key("trust"));
        at.need(s.grade.is_none() && s.hit.is_none() && s.false_alarm.is_none(), || {
            "`trust` gives the rates; expected no `grade`, `hit` or `false_alarm` beside it".into()
        })?;
        let place = at.key("driver");
        let driver = match names::variable(&place, self.model, &trust.driver)? {
            Variable::Driver(driver) => driver,
            Variable::Ladder(_) => {
                return Err(place.wrong(format!("'{}' is a ladder; expected a driver", trust.driver)));
            }
        };
        let (name, states) = names::states(self.model, Variable::Driver(driver));
        let rates = at.key("rates");
        for state in trust.rates.keys() {
            names::find(&rates.key(state), &format!("state of '{name}'"), state, states)?;
        }
        let mut each = Vec::with_capacity(states.len());
        let mut last = None;
        for state in states {
            let own = trust.rates.get(state);
            let own =
                own.ok_or_else(|| rates.wrong(format!("there are no rates for '{state}'; expected all states")))?;
            let (grade, hit, false_alarm) = match own {
                TrustedSpec::Grade(grade) => (Some(grade.clone()), None, None),
                TrustedSpec::Rates((hit, false_alarm)) => (None, Some(*hit), Some(*false_alarm)),
            };
            let spec = DevelopmentSpec { trust: None, grade, hit, false_alarm, ..s.clone() };
            let (evidence, span) = Reader { at: self.at.clone(), spec: &spec, ..*self }.said()?;
            at.need(matches!(evidence, Evidence::State { .. } | Evidence::Window { .. }), || {
                "`trust` goes with `saw` or `never` of drivers and ladders; an indicator takes the driver as a parent"
                    .into()
            })?;
            each.push(evidence);
            last = Some(span);
        }
        let span = last.ok_or_else(|| place.wrong(format!("'{name}' has no state")))?;
        Ok((Evidence::Trusted { driver, each }, span))
    }

    fn said(&self) -> Result<(Evidence, Span)> {
        Ok(match self.kind()? {
            Saying::Saw(c) if c.indicator.is_some() => self.status(c)?,
            Saying::Saw(c) => self.saw(c)?,
            Saying::Never(c) => self.never(c)?,
            Saying::Likelihood(l) => self.likelihood(l)?,
            Saying::Moved(m) => self.moved(m)?,
            Saying::Counted(c) => self.counted(c)?,
            Saying::Measured(m) => self.measured(m)?,
        })
    }

    /// The one thing that the development says.
    fn kind(&self) -> Result<Saying<'_>> {
        let s = self.spec;
        let all = [
            ("saw", s.saw.as_ref().map(Saying::Saw)),
            ("never", s.never.as_ref().map(Saying::Never)),
            ("likelihood", s.likelihood.as_ref().map(Saying::Likelihood)),
            ("moved", s.moved.as_ref().map(Saying::Moved)),
            ("counted", s.counted.as_ref().map(Saying::Counted)),
            ("measured", s.measured.as_ref().map(Saying::Measured)),
        ];
        let mut given: Vec<(&str, Saying)> = all.into_iter().filter_map(|(key, says)| Some((key, says?))).collect();
        let expected = "expected exactly one of saw, never, likelihood, moved, counted, measured";
        match given.len() {
            0 => Err(self.at.wrong(format!("the development says nothing; {expected}"))),
            1 => Ok(given.remove(0).1),
            _ => {
                let keys: Vec<&str> = given.iter().map(|(key, _)| *key).collect();
                Err(self.at.wrong(format!("the development has {} together; {expected}", keys.join(" and "))))
            }
        }
    }

    /// Refuses keys that are given but do not go with this kind of development.
    fn only(&self, kind: &str, allowed: &[&str]) -> Result<()> {
        let s = self.spec;
        let given = [
            ("on", s.on.is_some()),
            ("between", s.between.is_some()),
            ("over", s.over.is_some()),
            ("entered", s.entered),
            ("grade", s.grade.is_some()),
            ("hit", s.hit.is_some()),
            ("false_alarm", s.false_alarm.is_some()),
            ("false_rate", s.false_rate.is_some()),
            ("false_per", s.false_per.is_some()),
        ];
        let wrong = given.iter().find(|(key, there)| *there && !allowed.contains(key));
        match wrong {
            Some((key, _)) => {
                Err(self.at.key(key).wrong(format!("`{key}` does not go with {kind}; it takes {}", allowed.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// A condition of drivers and ladders that is not of time alone, and whether a ladder is in it.
    fn condition(&self, key: &str, spec: &ConditionSpec) -> Result<(Condition, bool)> {
        let at = self.at.key(key);
        let literal = condition::literal(&at, spec, self.model)?;
        let of_ladders = !literal.ladders().is_empty();
        at.need(of_ladders || !literal.drivers().is_empty(), || {
            "the condition is of dates alone and says nothing of the world; expected a driver or a ladder in it".into()
        })?;
        Ok((literal.simplify(), of_ladders))
    }

    fn saw(&self, spec: &ConditionSpec) -> Result<(Evidence, Span)> {
        self.only("what was seen", &["on", "between", "entered", "grade", "hit", "false_alarm"])?;
        let (when, of_ladders) = self.condition("saw", spec)?;
        let Weights { hit, false_alarm } = self.weights()?;
        let entered = self.spec.entered;
        match (&self.spec.on, &self.spec.between) {
            (Some(_), Some(_)) => Err(self.at.wrong("`on` and `between` are together; expected one of them")),
            (None, Some(between)) => {
                let span = self.span("between", between)?;
                let Span { start, end, .. } = span;
                Ok((Evidence::Window { start, end, when, entered, happened: hit, never: false_alarm }, span))
            }
            _ if entered => Err(self.at.key("entered").wrong("`entered` needs a span of dates; expected `between`")),
            (Some(on), None) => {
                let span = self.instant("on", on)?;
                Ok((Evidence::State { time: span.start, when, hit, miss: false_alarm }, span))
            }
            (None, None) if of_ladders => {
                Err(self.at.wrong("the development has no date; expected `on`, or `between` two dates"))
            }
            (None, None) => {
                let span = self.undated()?;
                Ok((Evidence::State { time: span.start, when, hit, miss: false_alarm }, span))
            }
        }
    }

    fn never(&self, spec: &ConditionSpec) -> Result<(Evidence, Span)> {
        self.only("`never`", &["between", "entered", "grade", "hit", "false_alarm"])?;
        self.at.key("never").need(spec.indicator.is_none(), || {
            "a status indicator has a value at a date only; expected a condition of ladders".into()
        })?;
        let (when, of_ladders) = self.condition("never", spec)?;
        self.at.key("never").need(of_ladders, || {
            "`never` is of drivers alone, which do not change; expected a ladder in it, or `saw` with { not = … }"
                .into()
        })?;
        let between = self.spec.between.as_ref();
        let between = between.ok_or_else(|| self.at.wrong("`never` needs a span of dates; expected `between`"))?;
        let Weights { hit, false_alarm } = self.weights()?;
        let span = self.span("between", between)?;
        let (Span { start, end, .. }, entered) = (span, self.spec.entered);
        Ok((Evidence::Window { start, end, when, entered, happened: false_alarm, never: hit }, span))
    }

    fn status(&self, spec: &ConditionSpec) -> Result<(Evidence, Span)> {
        self.only("a status indicator", &["on", "grade", "hit", "false_alarm"])?;
        let at = self.at.key("saw");
        let alone =
            ConditionSpec { indicator: spec.indicator.clone(), is: spec.is.clone(), ..ConditionSpec::default() };
        at.need(*spec == alone, || "an indicator stands alone; expected { indicator, is } and nothing else".into())?;
        let name = spec.indicator.as_deref().unwrap_or_default();
        let status = names::status(&at.key("indicator"), self.model, name)?;
        let states = self.model.statuses.get(status).map(|s| s.states.as_slice()).unwrap_or_default();
        at.need(!states.is_empty(), || format!("'{name}' shows a number; expected `measured`"))?;
        let is =
            spec.is.as_ref().ok_or_else(|| at.wrong(format!("the value of '{name}' is missing; expected `is`")))?;
        let mask = condition::mask(&at.key("is"), &format!("value of '{name}'"), is, states)?;
        let Weights { hit, false_alarm } = self.weights()?;
        let span = self.dated(&format!("a value of '{name}'"))?;
        let weights = mask.into_iter().map(|m| if m { hit } else { false_alarm }).collect();
        Ok((Evidence::Status { time: span.start, status, weights }, span))
    }

    fn likelihood(&self, spec: &LikelihoodSpec) -> Result<(Evidence, Span)> {
        self.only("a likelihood", &["on"])?;
        let at = self.at.key("likelihood");
        let of =
            names::lookup(&at.key("of"), self.model, "driver, ladder or status indicator", &spec.of, |n| match n {
                Named::Events(_) => None,
                other => Some(other),
            })?;
        let states = match of {
            Named::Variable(v) => names::states(self.model, v).1,
            Named::Status(i) => self.model.statuses.get(i).map(|s| s.states.as_slice()).unwrap_or_default(),
            Named::Events(_) => &[],
        };
        at.key("of").need(!states.is_empty(), || format!("'{}' shows a number; expected `measured`", spec.of))?;
        let values = at.key("values");
        for (name, weight) in &spec.values {
            names::find(&values.key(name), &format!("state of '{}'", spec.of), name, states)?;
            values.key(name).need(weight.is_finite() && *weight >= 0.0, || {
                format!("the likelihood of '{name}' is {weight}; expected a finite number, 0 or more")
            })?;
        }
        let weights: Vec<f64> = states.iter().map(|s| spec.values.get(s).copied().unwrap_or(0.0)).collect();
        values.need(weights.iter().any(|w| *w > 0.0), || {
            "the likelihood is 0 everywhere; expected a positive one".into()
        })?;
        let span = match (of, &self.spec.on) {
            (Named::Variable(Variable::Driver(_)), None) => self.undated()?,
            _ => self.dated("a likelihood")?,
        };
        let time = span.start;
        let evidence = match of {
            Named::Variable(of) => Evidence::Soft { time, of, weights },
            Named::Status(status) | Named::Events(status) => Evidence::Status { time, status, weights },
        };
        Ok((evidence, span))
    }

    fn measured(&self, spec: &MeasuredSpec) -> Result<(Evidence, Span)> {
        self.only("a measured number", &["on"])?;
        let at = self.at.key("measured");
        let status = names::status(&at.key("indicator"), self.model, &spec.indicator)?;
        let number = self.model.statuses.get(status).is_some_and(|s| !s.cells.is_empty());
        at.key("indicator")
            .need(number, || format!("'{}' shows one of its states, no number; expected `saw`", spec.indicator))?;
        let value = spec.value;
        at.key("value").need(value.is_finite(), || format!("the value is {value}; expected a finite number"))?;
        let span = self.dated(&format!("a number of '{}'", spec.indicator))?;
        Ok((Evidence::Measured { time: span.start, status, value }, span))
    }

    fn moved(&self, spec: &MovedSpec) -> Result<(Evidence, Span)> {
        self.only("a move", &["on", "grade", "hit", "false_rate", "false_per"])?;
        let at = self.at.key("moved");
        let ladder = names::ladder(&at.key("ladder"), self.model, &spec.ladder)?;
        let (name, rungs) = names::states(self.model, Variable::Ladder(ladder));
        let kind = format!("rung of '{name}'");
        let from = names::find(&at.key("from"), &kind, &spec.from, rungs)?;
        let to = names::find(&at.key("to"), &kind, &spec.to, rungs)?;
        let moves = self.model.ladders.get(ladder).map(|l| l.moves.as_slice()).unwrap_or_default();
        at.need(moves.iter().any(|m| (m.from, m.to) == (from, to)), || {
            format!("ladder '{name}' has no rate for the move {} → {}; expected one of its moves", spec.from, spec.to)
        })?;
        let (hit, false_rate) = self.density("a move")?;
        let span = self.dated("a move")?;
        Ok((Evidence::Move { time: span.start, ladder, from, to, hit, false_rate }, span))
    }

    fn counted(&self, spec: &CountedSpec) -> Result<(Evidence, Span)> {
        self.only("a count", &["over", "grade", "hit", "false_rate", "false_per"])?;
        let at = self.at.key("counted");
        let events = names::events(&at.key("indicator"), self.model, &spec.indicator)?;
        let (hit, false_rate) = self.density("a count")?;
        let over = self.spec.over.as_ref();
        let over = over.ok_or_else(|| self.at.wrong("a count needs the span that was looked at; expected `over`"))?;
        let span = self.span("over", over)?;
        let record = match (&spec.at, spec.count) {
            (None, Some(count)) => Record::Count(count),
            (Some(dates), None) => Record::Times(self.times(&at.key("at"), dates, span, over)?),
            (Some(_), Some(_)) => return Err(at.wrong("`at` and `count` are together; expected one of them")),
            (None, None) => return Err(at.wrong("the count lacks its events; expected `at` or `count`")),
        };
        Ok((Evidence::Events { start: span.start, end: span.end, events, record, hit, false_rate }, span))
    }

    /// The times of events, sorted, all within the span.
    fn times(&self, at: &At, dates: &[String], span: Span, over: &(String, String)) -> Result<Vec<f64>> {
        let mut times = Vec::with_capacity(dates.len());
        for (k, date) in dates.iter().enumerate() {
            let time = at.item(k).put(self.clock.point(date))?;
            at.item(k).need(span.start <= time && time <= span.end, || {
                format!("the event at {date} lies outside its span, {} to {}", over.0, over.1)
            })?;
            times.push(time);
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }
}

/// What a development says, as written.
enum Saying<'a> {
    Saw(&'a ConditionSpec),
    Never(&'a ConditionSpec),
    Likelihood(&'a LikelihoodSpec),
    Moved(&'a MovedSpec),
    Counted(&'a CountedSpec),
    Measured(&'a MeasuredSpec),
}

// Dates and rates.
impl Reader<'_> {
    /// An instant, no earlier than the origin.
    fn instant(&self, key: &str, date: &str) -> Result<Span> {
        let at = self.at.key(key);
        let time = at.put(self.clock.point(date))?;
        at.need(time >= 0.0, || format!("{date} is before the model's origin {}", self.model.origin))?;
        Ok(Span { start: time, end: time, last: at.put(self.clock.day_end(date))? })
    }

    /// The instant of `on`, which must be there.
    fn dated(&self, what: &str) -> Result<Span> {
        match &self.spec.on {
            Some(on) => self.instant("on", on),
            None => Err(self.at.wrong(format!("{what} needs a date; expected `on`"))),
        }
    }

    /// The time of what needs none: when it was reported, else `as_of`.
    fn undated(&self) -> Result<Span> {
        match &self.spec.reported {
            Some(reported) => {
                let span = self.instant("reported", reported)?;
                Ok(Span { start: span.last, end: span.last, last: span.last })
            }
            None => Ok(Span { start: self.as_of, end: self.as_of, last: self.as_of }),
        }
    }

    /// A span of dates of positive length, no earlier than the origin.
    fn span(&self, key: &str, (from, to): &(String, String)) -> Result<Span> {
        let at = self.at.key(key);
        let start = at.item(0).put(self.clock.day_start(from))?;
        let end = at.item(1).put(self.clock.day_end(to))?;
        at.need(start < end, || format!("the span ends ({to}) before it starts ({from}), or has no length"))?;
        at.item(0).need(start >= 0.0, || format!("{from} is before the model's origin {}", self.model.origin))?;
        Ok(Span { start, end, last: end })
    }

    /// When it became known.
    fn reported(&self, span: Span) -> Result<f64> {
        let Some(text) = &self.spec.reported else { return Ok(span.last) };
        let at = self.at.key("reported");
        let reported = at.put(self.clock.day_end(text))?;
        at.need(reported >= span.end, || {
            format!("it was reported ({text}) before it ended ({})", self.clock.date_of(span.end))
        })?;
        Ok(reported)
    }

    /// The grade's rates, or a hard fact's, where `hit` and `false_alarm` do not say otherwise.
    fn weights(&self) -> Result<Weights> {
        let grade = self.spec.grade.as_ref().map(|g| self.at.key("grade").put(words::grade(g))).transpose()?;
        let (hit, false_alarm) = grade.map_or((1.0, 0.0), |g| (g.hit, g.false_alarm));
        let hit = self.probability("hit", self.spec.hit.unwrap_or(hit))?;
        let false_alarm = self.probability("false_alarm", self.spec.false_alarm.unwrap_or(false_alarm))?;
        self.at.key("hit").need(hit > 0.0 || false_alarm > 0.0, || {
            "hit and false_alarm are both 0, so nothing could have been reported; expected one above 0".into()
        })?;
        Ok(Weights { hit, false_alarm })
    }

    fn probability(&self, key: &str, p: f64) -> Result<f64> {
        self.at.key(key).need((0.0..=1.0).contains(&p), || format!("{key} is {p}; expected a probability, 0 to 1"))?;
        Ok(p)
    }

    /// The share of true reports and the rate of false ones, per day.
    fn density(&self, what: &str) -> Result<(f64, f64)> {
        let s = self.spec;
        let grade = s.grade.as_ref().map(|g| self.at.key("grade").put(words::grade(g))).transpose()?;
        let hit = self.probability("hit", s.hit.unwrap_or(grade.as_ref().map_or(1.0, |g| g.hit)))?;
        let false_rate = match (s.false_rate, &s.false_per) {
            (None, None) => {
                self.at.need(hit == 1.0 && grade.is_none(), || {
                    format!(
                        "{what} that may be false needs a rate of false reports; expected `false_rate` and `false_per`"
                    )
                })?;
                0.0
            }
            (Some(rate), Some(per)) => {
                self.at.key("false_rate").need(rate.is_finite() && rate >= 0.0, || {
                    format!("false_rate is {rate}; expected a finite number, 0 or more")
                })?;
                rate / self.at.key("false_per").put(time::per(per))?
            }
            (Some(_), None) => return Err(self.at.key("false_rate").wrong("`false_rate` needs `false_per` beside it")),
            (None, Some(_)) => return Err(self.at.key("false_per").wrong("`false_per` needs `false_rate` beside it")),
        };
        self.at.key("hit").need(hit > 0.0 || false_rate > 0.0, || {
            "hit and false_rate are both 0, so nothing could have been reported; expected one above 0".into()
        })?;
        Ok((hit, false_rate))
    }
}
