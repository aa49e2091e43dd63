//! An indicator's number as written to laws and their parameters, and what covariates add to an indicator.

use super::At;
use super::model::Numbers;
use super::names::distinct;
use super::numbers::{Judged, spread};
use super::table::{self, Parent};
use crate::escalation::law::{Cell, Law};
use crate::escalation::model::{Addend, Scale, Status, StatusCovariate};
use crate::escalation::parameter::{Kind, Parameters, Prior, Provenance, Real, RealKind, RealPrior, Row, UNSET};
use crate::escalation::spec::{EachSpec, JudgedSpec, NumberSpec, OutcomeSpec, StatusCovariateSpec};
use crate::ground::Result;

/// The families, and which parameters each has.
const FAMILIES: [(&str, &[&str]); 5] = [
    ("normal", &["mean", "sd"]),
    ("log_normal", &["mean", "sd"]),
    ("student", &["mean", "sd", "freedom"]),
    ("poisson", &["mean", "zero"]),
    ("negative_binomial", &["mean", "size", "zero"]),
];

/// Where a search begins that nothing is said of.
const FREEDOM: f64 = 5.0;
const ZERO: f64 = 0.2;

/// The laws of a number in each configuration of its parents, their parameters entered among the model's numbers.
pub(super) fn cells(
    status: &At,
    name: &str,
    spec: &OutcomeSpec,
    parents: &[Parent],
    numbers: &mut Numbers,
    provenance: &Provenance,
) -> Result<Vec<Option<Cell>>> {
    let at = status.key("outcome");
    let family = FAMILIES.iter().find(|(family, _)| *family == spec.family);
    let Some((_, keys)) = family else {
        let known: Vec<&str> = FAMILIES.iter().map(|(family, _)| *family).collect();
        let message = format!("there is no family '{}'; expected one of {}", spec.family, known.join(", "));
        return Err(at.key("family").wrong(message));
    };
    let given = [
        ("mean", &spec.mean),
        ("sd", &spec.sd),
        ("freedom", &spec.freedom),
        ("size", &spec.size),
        ("zero", &spec.zero),
    ];
    if let Some((key, _)) = given.iter().find(|(key, each)| each.is_some() && !keys.contains(key)) {
        let message = format!("`{key}` does not go with {}; it takes {}", spec.family, keys.join(", "));
        return Err(at.key(key).wrong(message));
    }
    let mut build = Build {
        at: &at,
        name,
        free: spec.free,
        labels: table::labels(parents),
        shown: vec![true; table::configurations(status, parents)?],
        numbers,
        provenance,
    };
    for (key, each) in &given {
        build.shown(key, each.as_ref())?;
    }
    let place = |key: &str| given.iter().find(|(own, _)| *own == key).and_then(|(_, each)| each.as_ref());
    let size = build.shown.len();
    let real = spec.family != "poisson" && spec.family != "negative_binomial";
    let means = match real {
        true => build.reals(place("mean"))?,
        false => build.positives("mean", place("mean"), Kind::Count, 1.0)?,
    };
    let of = |build: &mut Build<'_>, key: &str, kind: Kind, start: f64| match keys.contains(&key) {
        true => build.positives(key, place(key), kind, start),
        false => Ok(vec![None; size]),
    };
    let sds = of(&mut build, "sd", Kind::Sd, 1.0)?;
    let freedoms = of(&mut build, "freedom", Kind::Freedom, FREEDOM)?;
    let sizes = of(&mut build, "size", Kind::Size, 1.0)?;
    let zeros = build.zeros(place("zero"))?;
    let law = |config: usize| -> Option<Law> {
        let mean = means[config]?;
        Some(match (spec.family.as_str(), sds[config], freedoms[config], sizes[config]) {
            ("normal", Some(sd), ..) => Law::Normal { mean, sd },
            ("log_normal", Some(sd), ..) => Law::LogNormal { mean, sd },
            (_, Some(sd), Some(freedom), _) => Law::Student { mean, sd, freedom },
            (_, _, _, Some(size)) => Law::NegativeBinomial { mean, size },
            _ => Law::Poisson { mean },
        })
    };
    let cells: Vec<Option<Cell>> =
        (0..size).map(|config| law(config).map(|law| Cell { law, zero: zeros[config] })).collect();
    at.need(cells.iter().any(Option::is_some), || "it is shown nowhere; expected a number somewhere".into())?;
    Ok(cells)
}

/// A flat mean's natural step is the standard deviation around it, and so is that of what is added to it.
pub(crate) fn set_units(status: &Status, parameters: &mut Parameters) {
    for cell in status.cells.iter().flatten() {
        if let (Some(mean), Some(&sd)) = (cell.real(), cell.positives().first()) {
            parameters.reals[mean].unit = parameters.positives[sd].value;
        }
    }
    for term in status.covariates.iter().flat_map(|covariate| &covariate.terms) {
        let cell = status.cells.get(term.config).and_then(Option::as_ref);
        if let Some(mean) = cell.filter(|cell| cell.is_identity()).and_then(Cell::real) {
            parameters.reals[term.coefficient].unit = parameters.reals[mean].unit;
        }
    }
}

/// The parameters of one outcome under construction.
struct Build<'a> {
    at: &'a At,
    name: &'a str,
    free: bool,
    labels: Vec<Vec<(&'a str, &'a str)>>,
    /// Configurations in which it is shown.
    shown: Vec<bool>,
    numbers: &'a mut Numbers,
    provenance: &'a Provenance,
}

impl Build<'_> {
    /// Where "none" stands it is never shown; refuses a list of the wrong length and words that mean nothing.
    fn shown(&mut self, key: &str, each: Option<&EachSpec>) -> Result<()> {
        let at = self.at.key(key);
        let word = |at: &At, number: &NumberSpec| match number {
            NumberSpec::Word(word) if word != "free" && word != "none" => {
                Err(at.wrong(format!("`{key}` is \"{word}\"; expected a number, \"free\" or \"none\"")))
            }
            _ => Ok(()),
        };
        match each {
            None => {}
            Some(EachSpec::One(number)) => {
                word(&at, number)?;
                at.need(!is_none(number), || "it is shown nowhere; expected a number".into())?;
            }
            Some(EachSpec::Each(list)) => {
                let size = self.shown.len();
                at.need(list.len() == size, || {
                    format!(
                        "there are {} of `{key}`; expected {size}, one for each configuration of `given`, \"none\" where \
                         it is never shown",
                        list.len()
                    )
                })?;
                for (k, number) in list.iter().enumerate() {
                    word(&at.item(k), number)?;
                    self.shown[k] &= !is_none(number);
                }
            }
        }
        Ok(())
    }

    /// Enters a parameter: one where one is given for all, else one for each configuration.
    fn each(
        &mut self,
        key: &str,
        given: Option<&EachSpec>,
        mut enter: impl FnMut(&mut Self, &At, String, Asked) -> Result<usize>,
    ) -> Result<Vec<Option<usize>>> {
        let at = self.at.key(key);
        let free = self.free;
        let asked = |number: &NumberSpec| match number {
            NumberSpec::Plain(value) => Asked { value: Some(*value), free, ..Asked::default() },
            NumberSpec::Word(_) => Asked { free: true, ..Asked::default() },
            NumberSpec::Judged(JudgedSpec { value, spread, worth, free: own }) => {
                let free = *own || (free && spread.is_none() && worth.is_none());
                Asked { value: *value, spread: *spread, worth: *worth, free }
            }
        };
        if let Some(EachSpec::One(number)) = given {
            let name = format!("{}: {key}", self.name);
            let one = enter(self, &at, name, asked(number))?;
            return Ok(self.shown.iter().map(|shown| shown.then_some(one)).collect());
        }
        let mut out = Vec::with_capacity(self.shown.len());
        for config in 0..self.shown.len() {
            if !self.shown[config] {
                out.push(None);
                continue;
            }
            let (at, own) = match given {
                Some(EachSpec::Each(list)) => (at.item(config), asked(&list[config])),
                _ => (at.clone(), Asked { free, ..Asked::default() }),
            };
            at.need(own.value.is_some() || own.free, || {
                format!("the outcome has no `{key}`; expected a number, or `free = true`")
            })?;
            let name = format!("{}: {key}{}", self.name, bar(&self.labels[config]));
            out.push(Some(enter(self, &at, name, own)?));
        }
        Ok(out)
    }

    fn reals(&mut self, given: Option<&EachSpec>) -> Result<Vec<Option<usize>>> {
        self.each("mean", given, |build, at, name, asked| {
            no_worth(at, &asked)?;
            let (prior, words) = real_prior(at, "mean", asked.value, asked.spread, asked.free)?;
            let (value, provenance) = (asked.value.unwrap_or(0.0), build.provenance.clone());
            Ok(build.numbers.real(Real { name, kind: RealKind::Mean, value, prior, unit: 1.0, words, provenance }))
        })
    }

    fn positives(&mut self, key: &str, given: Option<&EachSpec>, kind: Kind, start: f64) -> Result<Vec<Option<usize>>> {
        self.each(key, given, |build, at, name, asked| {
            no_worth(at, &asked)?;
            let zero = kind == Kind::Count && !asked.free && asked.spread.is_none();
            let value = asked.value.unwrap_or(start);
            at.need(value.is_finite() && (value > 0.0 || (zero && value == 0.0)), || {
                format!("`{key}` is {value}; expected a finite number above 0")
            })?;
            let words = asked.words();
            let prior = match (asked.free, spread(at, asked.spread)?) {
                (true, Some(_)) => return Err(at.wrong("`spread` and `free` are together; expected one of them")),
                (true, None) => Prior::Flat,
                (false, None) => Prior::Fixed,
                (false, Some(sd)) => Prior::LogNormal { mean: value.ln(), sd },
            };
            Ok(build.numbers.positive(name, kind, Judged { value, prior, words }, build.provenance.clone()))
        })
    }

    fn zeros(&mut self, given: Option<&EachSpec>) -> Result<Vec<Option<usize>>> {
        if given.is_none() {
            return Ok(vec![None; self.shown.len()]);
        }
        self.each("zero", given, |build, at, name, asked| {
            at.need(asked.spread.is_none(), || "`spread` does not go with a probability; expected `worth`".into())?;
            let value = asked.value.unwrap_or(ZERO);
            at.need((0.0..=1.0).contains(&value), || format!("`zero` is {value}; expected a probability, 0 to 1"))?;
            at.need((0.0 < value && value < 1.0) || !asked.free, || {
                format!("`zero` is {value} and free; expected a probability above 0 and below 1")
            })?;
            let prior = table::prior(at, asked.worth, asked.free)?;
            let states = vec!["zero".to_string(), "by the law".to_string()];
            let (value, provenance) = (vec![value, 1.0 - value], build.provenance.clone());
            Ok(build.numbers.row(Row { name, states, value, prior, provenance }))
        })
    }
}

/// A parameter as it was asked for.
#[derive(Debug, Clone, Default)]
struct Asked {
    value: Option<f64>,
    spread: Option<f64>,
    worth: Option<f64>,
    free: bool,
}

impl Asked {
    fn words(&self) -> String {
        words(self.value, self.spread, self.free)
    }
}

fn words(value: Option<f64>, spread: Option<f64>, free: bool) -> String {
    match (value, spread, free) {
        (None, ..) => UNSET.into(),
        (Some(value), _, true) => format!("free, from {value}"),
        (Some(value), Some(spread), false) => format!("{value} (spread {spread})"),
        (Some(value), None, false) => format!("{value}"),
    }
}

fn no_worth(at: &At, asked: &Asked) -> Result<()> {
    at.need(asked.worth.is_none(), || "`worth` goes with the probability `zero` alone; expected `spread`".into())
}

/// What is believed of a number on the whole line: normal about a value, within the spread about two thirds of the time.
fn real_prior(at: &At, key: &str, value: Option<f64>, spread: Option<f64>, free: bool) -> Result<(RealPrior, String)> {
    at.need(value.is_none_or(f64::is_finite), || {
        format!("`{key}` is {}; expected a finite number", value.unwrap_or(f64::NAN))
    })?;
    let prior = match (spread, free) {
        (Some(_), true) => return Err(at.wrong("`spread` and `free` are together; expected one of them")),
        (None, true) => RealPrior::Flat,
        (None, false) => RealPrior::Fixed,
        (Some(sd), false) => {
            at.need(sd.is_finite() && sd > 0.0, || format!("the spread is {sd}; expected a finite number above 0"))?;
            let mean = value.ok_or_else(|| at.wrong(format!("`spread` needs a number of `{key}` beside it")))?;
            RealPrior::Normal { mean, sd }
        }
    };
    Ok((prior, words(value, spread, free)))
}

fn is_none(number: &NumberSpec) -> bool {
    matches!(number, NumberSpec::Word(word) if word == "none")
}

/// " | war, weak", or nothing without parents.
fn bar(label: &[(&str, &str)]) -> String {
    let states: Vec<&str> = label.iter().map(|(_, state)| *state).collect();
    if states.is_empty() { String::new() } else { format!(" | {}", states.join(", ")) }
}

/// What covariates act on: an indicator, or a driver's table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acted<'a> {
    pub(super) name: &'a str,
    pub(super) states: &'a [String],
    /// One for each configuration of the parents; empty for a number.
    pub(super) rows: &'a [usize],
    /// Empty for states.
    pub(super) cells: &'a [Option<Cell>],
}

/// What a panel's covariates add to an indicator, or to a driver's table.
pub(super) fn covariates(
    owner: &At,
    own: Acted<'_>,
    specs: &[StatusCovariateSpec],
    parents: &[Parent],
    numbers: &mut Numbers,
    said: &[Provenance],
) -> Result<Vec<StatusCovariate>> {
    let labels = table::labels(parents);
    let mut found: Vec<StatusCovariate> = Vec::with_capacity(specs.len());
    for (k, (spec, provenance)) in specs.iter().zip(said).enumerate() {
        let entry = format!("{}, {}", owner.entry, super::named("covariate", &spec.name, k));
        let at = owner.key("covariate").item(k).called(entry);
        at.key("name").need(!spec.name.trim().is_empty(), || "the name is empty".into())?;
        at.key("name").need(!found.iter().any(|other| other.name == spec.name), || {
            format!("'{}' is twice among the covariates; expected it once", spec.name)
        })?;
        let (prior, words) = real_prior(&at, "coefficient", spec.coefficient, spec.spread, spec.coefficient.is_none())?;
        let scale = match spec.levels.is_empty() {
            true => Scale::Number,
            false => {
                distinct(&at.key("levels"), "levels", &spec.levels, 2)?;
                Scale::Levels(spec.levels.clone())
            }
        };
        let levels: Vec<(usize, String)> = match spec.levels.is_empty() {
            true => vec![(0, spec.name.clone())],
            false => {
                let each = spec.levels.iter().enumerate().skip(1);
                each.map(|(l, level)| (l, format!("{} = {level}", spec.name))).collect()
            }
        };
        let mut terms = vec![];
        for (level, word) in levels {
            let mut one: Option<usize> = None;
            for (config, label) in labels.iter().enumerate() {
                for (entry, of) in entries(own, config, parents, label, &numbers.parameters) {
                    let coefficient = match one.filter(|_| spec.shared) {
                        Some(known) => known,
                        None => {
                            let place = if spec.shared { String::new() } else { format!("{}{of}", bar(label)) };
                            numbers.real(Real {
                                name: format!("{}{place}: + ({word})", own.name),
                                kind: RealKind::Coefficient,
                                value: spec.coefficient.unwrap_or(0.0),
                                prior: prior.clone(),
                                unit: 1.0,
                                words: words.clone(),
                                provenance: provenance.clone(),
                            })
                        }
                    };
                    one = Some(coefficient);
                    terms.push(Addend { level, config, entry, coefficient });
                }
            }
        }
        at.need(!terms.is_empty(), || "there is nothing that it could change".into())?;
        found.push(StatusCovariate { name: spec.name.clone(), scale, terms });
    }
    Ok(found)
}

/// The entries of a configuration that a covariate acts on, in words: those of a row but for its reference, which is the
/// state that is called as the parent's, else the likeliest.
fn entries(
    own: Acted<'_>,
    config: usize,
    parents: &[Parent],
    label: &[(&str, &str)],
    parameters: &Parameters,
) -> Vec<(usize, String)> {
    if !own.cells.is_empty() {
        return own.cells[config].iter().map(|_| (0, String::new())).collect();
    }
    let row = &parameters.rows[own.rows[config]].value;
    let same = match (parents, label) {
        ([_], [(_, state)]) => own.states.iter().position(|s| s == state).filter(|&s| row[s] > 0.0),
        _ => None,
    };
    let likeliest = (0..row.len()).rev().max_by(|&a, &b| row[a].total_cmp(&row[b]));
    let reference = same.or(likeliest);
    let open = |&k: &usize| row[k] > 0.0 && Some(k) != reference;
    (0..row.len()).filter(open).map(|k| (k, format!(": {}", own.states[k]))).collect()
}
