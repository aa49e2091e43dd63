//! The model as a tree of plain values: what the builders make and a TOML file holds (reference: docs/format.md).

use crate::bayes::cpd::Summary;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// One name or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
pub enum Names {
    One(String),
    Many(Vec<String>),
}

/// A condition as written: exactly one form's keys may be present.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ladder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indicator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Names>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<ConditionSpec>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<ConditionSpec>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<ConditionSpec>>,
}

/// A conditional table: one row, rows with the last parent fastest, or nested by the parents' states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a row of probabilities, a list of rows, or tables nested by the parents' states"
)]
pub enum TableSpec {
    Row(Vec<f64>),
    Rows(Vec<Vec<f64>>),
    Nested(BTreeMap<String, TableSpec>),
}

/// Which moves of a ladder: "up", "down", "all", or pairs (from, to).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"up\", \"down\", \"all\" or a list of pairs [from, to]")]
pub enum MovesSpec {
    Word(String),
    Pairs(Vec<(String, String)>),
}

/// The first rung, or its law; or these by drivers, listed with the last fastest or nested by their states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a rung or a table of rungs and their probabilities, or these by the drivers' states"
)]
pub enum StartSpec {
    Rung(String),
    Law(BTreeMap<String, f64>),
    Row(Vec<f64>),
    Each(Vec<StartSpec>),
    Nested(BTreeMap<String, StartSpec>),
}

/// A table by a formula, its numbers by the parents' names; where there are several, one for each of the parent's states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FormulaSpec {
    /// The chance that each parent, in each of its states, brings the second state about.
    NoisyOr {
        chances: BTreeMap<String, Vec<f64>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leak: Option<f64>,
    },
    /// Rows, one for each of the parent's states.
    NoisyMax {
        links: BTreeMap<String, Vec<Vec<f64>>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leak: Option<Vec<f64>>,
    },
    Ranked {
        weights: BTreeMap<String, f64>,
        spread: f64,
        #[serde(default)]
        by: Summary,
    },
    Logistic {
        effects: BTreeMap<String, Vec<f64>>,
        cuts: Vec<f64>,
    },
}

/// A number, or a word of a yardstick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a probability or a word of a yardstick")]
pub enum ChanceSpec {
    Number(f64),
    Word(String),
}

/// What a word is read by: a yardstick of a name, or a band of one's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the name of a yardstick, or a table { name, low, high }")]
pub enum YardstickSpec {
    Name(String),
    Own(BandSpec),
}

/// The band that a word has in one's own yardstick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandSpec {
    pub name: String,
    pub low: f64,
    pub high: f64,
}

/// One number for all parent configurations, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of numbers")]
pub enum NumbersSpec {
    One(f64),
    Many(Vec<f64>),
}

/// What kind of ground a number stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    #[serde(rename = "word")]
    Word,
    #[serde(rename = "base rate")]
    BaseRate,
    #[serde(rename = "judgement")]
    Judgement,
}

macro_rules! entry {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident : $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$fmeta])* pub $field: $ty,)*
            /// Who or what says so.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub source: Option<String>,
            /// When that source said it (a date).
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub known: Option<String>,
            /// What kind of ground it is.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub basis: Option<Basis>,
            /// Anything a reader should know.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub note: Option<String>,
        }
    };
}

entry! {
    /// A node of the drivers' Bayesian network.
    DriverSpec {
        name: String,
        states: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        given: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<TableSpec>,
        /// Instead of a table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        formula: Option<FormulaSpec>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worth: Option<f64>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        free: bool,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        covariate: Vec<StatusCovariateSpec>,
    }
}

entry! {
    /// One baseline intensity, shared by its moves.
    RateSpec {
        moves: MovesSpec,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chance: Option<ChanceSpec>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        yardstick: Option<YardstickSpec>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        free: bool,
    }
}

entry! {
    /// One factor on the intensities of its moves while its condition holds.
    EffectSpec {
        when: ConditionSpec,
        moves: MovesSpec,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        factor: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        free: bool,
    }
}

entry! {
    /// A number or a level that a unit has at a time, and its ratios on the intensities of its moves (a panel's).
    CovariateSpec {
        name: String,
        /// The levels of one that is no number; the first is the one that the others are compared with.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        levels: Vec<String>,
        /// Times, on the panel's clock, at which the intensities change: the covariate is the clock itself.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cuts: Vec<f64>,
        #[serde(default = "all_moves")]
        moves: MovesSpec,
        /// Its ratios hold only while this does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<ConditionSpec>,
        /// One ratio for all its moves, not one for each.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
        /// The ratio for one more unit, or against the first level; absent: flat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        factor: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
    }
}

fn all_moves() -> MovesSpec {
    MovesSpec::Word("all".into())
}

/// Where the first rung's law comes from, if it is not `start`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstSpec {
    /// `start` as it stands.
    #[default]
    Given,
    /// Estimated; `start` is where the search begins, its zeros stay.
    Estimated,
    /// The law that the intensities keep.
    Equilibrium,
}

fn is_given(first: &FirstSpec) -> bool {
    *first == FirstSpec::Given
}

/// Which stage of its rung a ladder is in where it is first seen or begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstStageSpec {
    /// The first: it has just come.
    #[default]
    First,
    /// Any, each as likely: it has been there for a time that nobody knows.
    Uniform,
}

fn is_first(stage: &FirstStageSpec) -> bool {
    *stage == FirstStageSpec::First
}

fn yes() -> bool {
    true
}

fn is_true(b: &bool) -> bool {
    *b
}

entry! {
    /// A process over rungs in continuous time.
    LadderSpec {
        name: String,
        rungs: Vec<String>,
        #[serde(default = "yes", skip_serializing_if = "is_true")]
        ordered: bool,
        start: StartSpec,
        /// Drivers that `start` is a table over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        start_given: Vec<String>,
        #[serde(default, skip_serializing_if = "is_given")]
        first: FirstSpec,
        /// Observations that each row of `start` is worth.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worth: Option<f64>,
        /// How many stages a rung has, where it is not one.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        stages: BTreeMap<String, i64>,
        #[serde(default, skip_serializing_if = "is_first")]
        first_stage: FirstStageSpec,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rate: Vec<RateSpec>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        effect: Vec<EffectSpec>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        covariate: Vec<CovariateSpec>,
    }
}

/// A number with what is believed of it; absent: where a search begins is found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JudgedSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worth: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub free: bool,
}

/// A number of an indicator's law, or "free", or "none" where the indicator is never shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, \"free\", \"none\", or a table such as { value = 2, spread = 1.5 }")]
pub enum NumberSpec {
    Plain(f64),
    Word(String),
    Judged(#[serde(deserialize_with = "as_table")] JudgedSpec),
}

/// A table and nothing else: serde's structs may be lists as well, which several numbers would look like.
fn as_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<JudgedSpec, D::Error> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = JudgedSpec;

        fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
            formatter.write_str("a table such as { value = 2, spread = 1.5 }")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JudgedSpec, A::Error> {
            JudgedSpec::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(Keys)
}

/// One number for all parent configurations, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number, \"free\", \"none\", a table such as { value = 2, spread = 1.5 }, or a list of these"
)]
pub enum EachSpec {
    One(NumberSpec),
    Each(Vec<NumberSpec>),
}

/// The law of an indicator's number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeSpec {
    pub family: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<EachSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<EachSpec>,
    /// Degrees of freedom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freedom: Option<EachSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<EachSpec>,
    /// The probability of a zero beside those of the law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero: Option<EachSpec>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free: bool,
}

entry! {
    /// What a panel's unit has at a time, and its coefficients on what an indicator shows, or on a driver's table.
    StatusCovariateSpec {
        name: String,
        /// The levels of one that is no number; the first is the one that the others are compared with.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        levels: Vec<String>,
        /// One coefficient for all configurations (and entries), not one for each.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
        /// What one more unit adds, or a level against the first; absent: flat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coefficient: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
    }
}

entry! {
    /// An indicator with a value at a date: one of its states, by a table, or a number, by an outcome's law.
    StatusSpec {
        name: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        states: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        given: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<TableSpec>,
        /// Instead of a table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        formula: Option<FormulaSpec>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worth: Option<f64>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        free: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<OutcomeSpec>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        covariate: Vec<StatusCovariateSpec>,
    }
}

entry! {
    /// An indicator that happens at an intensity.
    EventsSpec {
        name: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        given: Vec<String>,
        rate: NumbersSpec,
        per: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        free: bool,
    }
}

entry! {
    /// A judgement about an answer: what its author expected, knowing what was reported by `known`.
    ExpectSpec {
        name: String,
        ask: AskSpec,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        given: Option<AskSpec>,
        chance: ChanceSpec,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        yardstick: Option<YardstickSpec>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
    }
}

/// The whole model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    #[serde(default)]
    pub name: String,
    /// A date; empty for a model whose time is a panel's clock.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub driver: Vec<DriverSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<LadderSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventsSpec>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<ExpectSpec>,
}

/// A likelihood over the values of one variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LikelihoodSpec {
    pub of: String,
    pub values: BTreeMap<String, f64>,
}

/// An exactly timed move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedSpec {
    pub ladder: String,
    pub from: String,
    pub to: String,
}

/// A number that an indicator showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredSpec {
    pub indicator: String,
    pub value: f64,
}

/// Events counted over a span: their times, or how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountedSpec {
    pub indicator: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
}

/// A grade, or P(reported | so) and P(reported | not).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a grade such as \"B2\", or a pair [hit, false_alarm]")]
pub enum TrustedSpec {
    Grade(String),
    Rates((f64, f64)),
}

/// Rates of a report that depend on the state of a driver: reports that share it are wrong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustSpec {
    pub driver: String,
    pub rates: BTreeMap<String, TrustedSpec>,
}

/// One dated, sourced development.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DevelopmentSpec {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saw: Option<ConditionSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never: Option<ConditionSpec>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub entered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<LikelihoodSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<MovedSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<CountedSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub false_alarm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub false_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub false_per: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paragraph: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// Developments known by a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DossierSpec {
    pub as_of: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub development: Vec<DevelopmentSpec>,
}

/// What is asked: one atom, or atoms joined by and, or, not. Exactly one form's keys may be present.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<ConditionSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<ConditionSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enters: Option<ConditionSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<ConditionSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ConditionSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moves: Option<AskedMovesSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_in: Option<ConditionSpec>,
    /// A duration, such as "30 days".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// How often it is entered, or moved, at least; 1 if missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Where the span begins; now if missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<AskSpec>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<AskSpec>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<AskSpec>>,
}

/// Moves of a ladder that are asked for, be there rates for them or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedMovesSpec {
    pub ladder: String,
    #[serde(default = "all_moves")]
    pub moves: MovesSpec,
}

/// A named question, perhaps conditional on another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionSpec {
    pub name: String,
    pub ask: AskSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<AskSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paragraph: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A file of questions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuestionsSpec {
    pub question: Vec<QuestionSpec>,
}
