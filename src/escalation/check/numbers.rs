//! Intensities and factors as written to values and priors: rates per day, chances within a time, base rates.

use super::At;
use crate::escalation::parameter::{Prior, Provenance};
use crate::escalation::spec::{
    Basis, ChanceSpec, CovariateSpec, EffectSpec, EventsSpec, ExpectSpec, RateSpec, YardstickSpec,
};
use crate::ground::Result;
use crate::ground::time::{self, Clock, YEAR};
use crate::ground::words::{self, PHIA, QUARTILE, Yardstick};

/// The ratio of a covariate: flat unless it has a number.
pub(super) fn ratio(at: &At, spec: &CovariateSpec) -> Result<Judged> {
    match spec.factor {
        None => {
            no_spread(at, spec.spread, "free")?;
            Ok(Judged { value: 1.0, prior: Prior::Flat, words: "free".into() })
        }
        Some(factor) => {
            let value = at.key("factor").put(positive("the factor", factor))?;
            log_normal(at, "factor", value, spec.spread, format!("{factor}"))
        }
    }
}

/// A positive number: where it starts, its prior, and how it was put.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub value: f64,
    pub prior: Prior,
    pub words: String,
}

/// A baseline intensity, per day.
pub(super) fn intensity(at: &At, spec: &RateSpec) -> Result<Judged> {
    let forms = [
        ("rate", spec.rate.is_some() || (spec.per.is_some() && !spec.free)),
        ("chance", spec.chance.is_some() || spec.within.is_some() || spec.yardstick.is_some()),
        ("events", spec.events.is_some() || spec.over.is_some()),
        ("free", spec.free),
    ];
    let given: Vec<&str> = forms.iter().filter(|(_, there)| *there).map(|(form, _)| *form).collect();
    let expected = "expected one of `rate` and `per`; `chance` and `within`; `events` and `over`; `free = true`";
    let judged = match given.as_slice() {
        ["rate"] => rate(at, spec),
        ["chance"] => chance(at, spec),
        ["events"] => base_rate(at, spec),
        ["free"] | ["rate", "free"] => free_rate(at, spec),
        [] => Err(at.wrong(format!("the rate has no number; {expected}"))),
        several => Err(at.wrong(format!("the rate has {} together; {expected}", several.join(" and ")))),
    }?;
    at.need(judged.value.is_finite(), || format!("{} is more than any finite rate", judged.words))?;
    Ok(judged)
}

/// Both of two keys that belong together.
fn pair<'a, A, B>(at: &At, a: (&str, &'a Option<A>), b: (&str, &'a Option<B>)) -> Result<(&'a A, &'a B)> {
    match (a.1, b.1) {
        (Some(x), Some(y)) => Ok((x, y)),
        (None, _) => Err(at.wrong(format!("`{}` needs `{}` beside it", b.0, a.0))),
        (_, None) => Err(at.wrong(format!("`{}` needs `{}` beside it", a.0, b.0))),
    }
}

fn rate(at: &At, spec: &RateSpec) -> Result<Judged> {
    let (rate, per) = pair(at, ("rate", &spec.rate), ("per", &spec.per))?;
    let value = at.key("rate").put(nonnegative("the rate", *rate))? / at.key("per").put(time::per(per))?;
    log_normal(at, "rate", value, spec.spread, format!("{rate} per {per}"))
}

fn free_rate(at: &At, spec: &RateSpec) -> Result<Judged> {
    no_spread(at, spec.spread, "free")?;
    let (value, words) = match (&spec.rate, &spec.per) {
        (None, None) => (1.0 / YEAR, "free".to_string()),
        _ => {
            let (rate, per) = pair(at, ("rate", &spec.rate), ("per", &spec.per))?;
            let value = at.key("rate").put(positive("the start of a free rate", *rate))?;
            (value / at.key("per").put(time::per(per))?, format!("free, from {rate} per {per}"))
        }
    };
    Ok(Judged { value, prior: Prior::Flat, words })
}

fn chance(at: &At, spec: &RateSpec) -> Result<Judged> {
    let (chance, within) = pair(at, ("chance", &spec.chance), ("within", &spec.within))?;
    let days = at.key("within").put(time::duration(within))?;
    // The intensity at which a move happens within `days` with probability p, if nothing else does.
    let rate = |p: f64| -(-p).ln_1p() / days;
    match chance {
        ChanceSpec::Number(p) => {
            no_yardstick(at, spec.yardstick.as_ref())?;
            at.key("chance").need((0.0..1.0).contains(p), || {
                format!("the chance is {p}; expected at least 0 and less than 1 (1 would need an infinite rate)")
            })?;
            log_normal(at, "chance", rate(*p), spec.spread, format!("{p} within {within}"))
        }
        ChanceSpec::Word(word) => {
            let (low, high, word) = belief(at, word, spec.yardstick.as_ref())?;
            let (low, high) = (rate(low).ln(), rate(high).ln());
            let own = (high - low) / (2.0 * QUARTILE);
            let sd = own.hypot(spread(at, spec.spread)?.unwrap_or(0.0));
            let mean = (low + high) / 2.0;
            let words = with_spread(format!("{word} within {within}"), spec.spread);
            Ok(Judged { value: mean.exp(), prior: Prior::LogNormal { mean, sd }, words })
        }
    }
}

fn base_rate(at: &At, spec: &RateSpec) -> Result<Judged> {
    no_spread(at, spec.spread, "events")?;
    let (events, over) = pair(at, ("events", &spec.events), ("over", &spec.over))?;
    let shape = at.key("events").put(nonnegative("the number of events", *events))? + 0.5;
    let exposure = at.key("over").put(time::duration(over))?;
    let words = format!("{events} event{} over {over}", if *events == 1.0 { "" } else { "s" });
    Ok(Judged { value: shape / exposure, prior: Prior::Gamma { shape, exposure }, words })
}

/// A factor on intensities.
pub(super) fn factor(at: &At, spec: &EffectSpec) -> Result<Judged> {
    match (spec.factor, spec.free) {
        (None, false) => Err(at.wrong("the effect has no number; expected `factor`, or `free = true`")),
        (start, true) => {
            no_spread(at, spec.spread, "free")?;
            let value = at.key("factor").put(positive("the start of a free factor", start.unwrap_or(1.0)))?;
            let words = start.map_or_else(|| "free".to_string(), |s| format!("free, from {s}"));
            Ok(Judged { value, prior: Prior::Flat, words })
        }
        (Some(factor), false) => {
            let value = at.key("factor").put(nonnegative("the factor", factor))?;
            log_normal(at, "factor", value, spec.spread, format!("{factor}"))
        }
    }
}

/// One event intensity, per day, out of the numbers of an indicator.
pub(super) fn event_rate(at: &At, spec: &EventsSpec, rate: f64, place: &At) -> Result<Judged> {
    let days = at.key("per").put(time::per(&spec.per))?;
    let words = format!("{rate} per {}", spec.per);
    if spec.free {
        no_spread(at, spec.spread, "free")?;
        let value = place.put(positive("the start of a free rate", rate))? / days;
        return Ok(Judged { value, prior: Prior::Flat, words: format!("free, from {words}") });
    }
    let value = place.put(nonnegative("the rate", rate))? / days;
    log_normal(at, "rate", value, spec.spread, words)
}

/// The quartiles of what the writer of a word believed, and how the word is shown: its band is the central half of that,
/// by the yardstick that is named, or by PHIA's.
fn belief(at: &At, word: &str, by: Option<&YardstickSpec>) -> Result<(f64, f64, String)> {
    let (low, high, shown) = match by {
        None => at.key("chance").put(PHIA.find(word)).map(|band| (band.low, band.high, band.word.to_string()))?,
        Some(YardstickSpec::Name(name)) => {
            let yardstick = at.key("yardstick").put(Yardstick::named(name))?;
            let band = at.key("chance").put(yardstick.find(word))?;
            (band.low, band.high, format!("{} ({})", band.word, yardstick.name))
        }
        Some(YardstickSpec::Own(own)) => (own.low, own.high, format!("{word} ({})", own.name)),
    };
    let place = at.key(if matches!(by, Some(YardstickSpec::Own(_))) { "yardstick" } else { "chance" });
    let (low, high) = words::quartiles(low, high).ok_or_else(|| {
        let expected = "expected a band with something between its ends (0 is read as 0.01, 1 as 0.99)";
        place.wrong(format!("the band of '{word}' is {low} to {high}, no belief; {expected}"))
    })?;
    Ok((low, high, shown))
}

fn no_yardstick(at: &At, by: Option<&YardstickSpec>) -> Result<()> {
    at.key("yardstick")
        .need(by.is_none(), || "a yardstick is given beside a number; expected one beside a word only".into())
}

/// The logit of a judged probability: mean, standard deviation, and how it was put.
pub(super) fn logit(at: &At, spec: &ExpectSpec) -> Result<(f64, f64, String)> {
    let (logit, width) = (|p: f64| (p / (1.0 - p)).ln(), spec.spread);
    match &spec.chance {
        ChanceSpec::Number(p) => {
            no_yardstick(at, spec.yardstick.as_ref())?;
            at.key("chance")
                .need(*p > 0.0 && *p < 1.0, || format!("the chance is {p}; expected more than 0 and less than 1"))?;
            let sd = spread(at, width)?.ok_or_else(|| {
                at.wrong("the chance has no spread; expected a factor on its odds, such as `spread = 2`")
            })?;
            Ok((logit(*p), sd, with_spread(format!("{p}"), width)))
        }
        ChanceSpec::Word(word) => {
            let (low, high, word) = belief(at, word, spec.yardstick.as_ref())?;
            let (low, high) = (logit(low), logit(high));
            let sd = ((high - low) / (2.0 * QUARTILE)).hypot(spread(at, width)?.unwrap_or(0.0));
            Ok(((low + high) / 2.0, sd, with_spread(word, width)))
        }
    }
}

/// A fixed number, or with a spread a log-normal one about it.
fn log_normal(at: &At, key: &str, value: f64, width: Option<f64>, words: String) -> Result<Judged> {
    let Some(sd) = spread(at, width)? else {
        return Ok(Judged { value, prior: Prior::Fixed, words });
    };
    at.key(key)
        .need(value > 0.0, || format!("the {key} is 0 and has a spread; expected a positive {key}, or no spread"))?;
    let mean = value.ln();
    Ok(Judged { value, prior: Prior::LogNormal { mean, sd }, words: with_spread(words, width) })
}

/// "2 (spread 1.5)".
fn with_spread(words: String, spread: Option<f64>) -> String {
    match spread {
        Some(spread) => format!("{words} (spread {spread})"),
        None => words,
    }
}

/// The standard deviation of the logarithm that a spread means.
pub(super) fn spread(at: &At, spread: Option<f64>) -> Result<Option<f64>> {
    let Some(spread) = spread else { return Ok(None) };
    at.key("spread").need(spread.is_finite() && spread > 1.0, || {
        format!("the spread is {spread}; expected a factor above 1 (leave it out for a fixed number)")
    })?;
    Ok(Some(spread.ln()))
}

fn no_spread(at: &At, spread: Option<f64>, form: &str) -> Result<()> {
    at.key("spread").need(spread.is_none(), || format!("`spread` does not go with `{form}`"))
}

fn nonnegative(what: &str, x: f64) -> Result<f64> {
    At::top().need(x.is_finite() && x >= 0.0, || format!("{what} is {x}; expected a finite number, 0 or more"))?;
    Ok(x)
}

fn positive(what: &str, x: f64) -> Result<f64> {
    At::top().need(x.is_finite() && x > 0.0, || format!("{what} is {x}; expected a finite number above 0"))?;
    Ok(x)
}

/// Who says a number; refuses a `known` that is no date.
pub(super) fn provenance(
    at: &At,
    clock: &Clock,
    (source, known, basis, note): (&Option<String>, &Option<String>, &Option<Basis>, &Option<String>),
) -> Result<Provenance> {
    if let Some(date) = known {
        at.key("known").put(clock.day_start(date))?;
    }
    Ok(Provenance { source: source.clone(), known: known.clone(), basis: *basis, note: note.clone() })
}
