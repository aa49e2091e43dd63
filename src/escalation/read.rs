//! Models, dossiers and questions from text and back: TOML with the line of every error, and JSON.

use super::dossier::Dossier;
use super::model::Model;
use super::question::Question;
use super::spec::{DossierSpec, ModelSpec, QuestionsSpec};
use super::write::to_toml;
use crate::ground::{Error, Place, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// A model from TOML, parsed and checked.
///
/// # Errors
/// `Error::Spec` with the line, for text that is no TOML, entries of the wrong shape, and whatever [`Model::compile`]
/// refuses.
pub fn model_from_toml(text: &str, file: Option<&str>) -> Result<ModelSpec> {
    let (spec, lines) = from_toml::<ModelSpec>(text, file)?;
    Model::compile(&spec).map_err(|e| locate(e, &lines, file))?;
    Ok(spec)
}

/// A dossier from TOML, parsed but not checked: that needs its model ([`check_dossier_toml`]).
///
/// # Errors
/// `Error::Spec` with the line, for text that is no TOML and entries of the wrong shape.
pub fn dossier_from_toml(text: &str, file: Option<&str>) -> Result<DossierSpec> {
    Ok(from_toml(text, file)?.0)
}

/// Questions from TOML, parsed but not checked: that needs their model and now ([`check_questions_toml`]).
///
/// # Errors
/// `Error::Spec` with the line, for text that is no TOML and entries of the wrong shape.
pub fn questions_from_toml(text: &str, file: Option<&str>) -> Result<QuestionsSpec> {
    Ok(from_toml(text, file)?.0)
}

/// A dossier from TOML, compiled against its model.
///
/// # Errors
/// `Error::Spec` with the line, as [`dossier_from_toml`] and [`Dossier::compile`].
pub fn check_dossier_toml(text: &str, file: Option<&str>, model: &Model) -> Result<Dossier> {
    let (spec, lines) = from_toml::<DossierSpec>(text, file)?;
    Dossier::compile(&spec, model).map_err(|e| locate(e, &lines, file))
}

/// Questions from TOML, compiled against their model, asked at `now` (days since its origin).
///
/// # Errors
/// `Error::Spec` with the line, as [`questions_from_toml`] and [`Question::compile_all`].
pub fn check_questions_toml(text: &str, file: Option<&str>, model: &Model, now: f64) -> Result<Vec<Question>> {
    let (spec, lines) = from_toml::<QuestionsSpec>(text, file)?;
    Question::compile_all(&spec, model, now).map_err(|e| locate(e, &lines, file))
}

/// A model as TOML.
///
/// # Errors
/// `Error::Spec` for a number that TOML cannot hold.
pub fn model_to_toml(spec: &ModelSpec) -> Result<String> {
    to_toml(spec)
}

/// A dossier as TOML.
///
/// # Errors
/// As [`model_to_toml`].
pub fn dossier_to_toml(spec: &DossierSpec) -> Result<String> {
    to_toml(spec)
}

/// Questions as TOML.
///
/// # Errors
/// As [`model_to_toml`].
pub fn questions_to_toml(spec: &QuestionsSpec) -> Result<String> {
    to_toml(spec)
}

/// A spec (of a model, a dossier, questions or a part of one) from JSON, parsed but not checked.
///
/// # Errors
/// `Error::Spec` with the line, for text that is no JSON and entries of the wrong shape.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| {
        let line = (e.line() > 0).then_some(e.line());
        let told = e.to_string();
        let message = told.split(" at line ").next().unwrap_or_default();
        Error::Spec { place: Box::new(Place { line, ..Place::default() }), message: message.to_string() }
    })
}

/// A spec as JSON; numbers that are not finite become null.
///
/// # Errors
/// `Error::Spec` if the spec cannot be written.
pub fn to_json<T: Serialize>(spec: &T) -> Result<String> {
    serde_json::to_string(spec).map_err(|e| Error::spec("", "", format!("cannot be written as JSON: {e}")))
}

/// The line of every key and list element of a TOML text, by machine path ("ladder[2].rate[0]").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    found: BTreeMap<String, usize>,
}

impl Lines {
    /// The lines of a TOML text.
    ///
    /// # Errors
    /// `Error::Spec` with the line where the text is no TOML.
    pub fn of(text: &str) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|e| refused(&e, text, None, String::new()))?;
        Ok(Lines::from_table(table.get_ref(), &Breaks::of(text)))
    }

    fn from_table(table: &DeTable, breaks: &Breaks) -> Self {
        let mut lines = Lines::default();
        lines.table("", table, breaks);
        lines
    }

    fn table(&mut self, path: &str, table: &DeTable, breaks: &Breaks) {
        for (key, value) in table {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", key.get_ref());
            self.found.insert(path.clone(), breaks.line(key.span().start));
            self.value(&path, value.get_ref(), breaks);
        }
    }

    fn value(&mut self, path: &str, value: &DeValue, breaks: &Breaks) {
        match value {
            DeValue::Table(table) => self.table(path, table, breaks),
            DeValue::Array(list) => {
                for (i, element) in list.iter().enumerate() {
                    let path = format!("{path}[{i}]");
                    self.found.insert(path.clone(), breaks.line(element.span().start));
                    self.value(&path, element.get_ref(), breaks);
                }
            }
            _ => {}
        }
    }

    /// The line of a path, or of the longest beginning of it that is there.
    pub fn line(&self, path: &str) -> Option<usize> {
        let ends = path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(i, _)| i);
        let ends: Vec<usize> = ends.chain([path.len()]).collect();
        ends.iter().rev().filter_map(|end| path.get(..*end)).find_map(|start| self.found.get(start)).copied()
    }
}

/// Where the lines of a text begin, in bytes.
struct Breaks(Vec<usize>);

impl Breaks {
    fn of(text: &str) -> Self {
        Breaks(text.match_indices('\n').map(|(i, _)| i + 1).collect())
    }

    /// The line (from 1) of a byte.
    fn line(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte) + 1
    }
}

/// The error with its file and line: that of the longest beginning of its path that the text has.
pub fn locate(mut error: Error, lines: &Lines, file: Option<&str>) -> Error {
    if let Error::Spec { place, .. } = &mut error {
        place.line = place.line.or_else(|| lines.line(&place.path));
        place.file = place.file.take().or_else(|| file.map(String::from));
    }
    error
}

/// A spec and the lines of its text.
fn from_toml<T: DeserializeOwned>(text: &str, file: Option<&str>) -> Result<(T, Lines)> {
    let mut root = DeTable::parse(text).map_err(|e| refused(&e, text, file, String::new()))?;
    let lines = Lines::from_table(root.get_ref(), &Breaks::of(text));
    root.get_mut().iter_mut().for_each(|(_, value)| unquoted_dates(value));
    let table = root.get_ref().clone();
    let spec = T::deserialize(Deserializer::from(root)).map_err(|e| {
        let entry = e.span().map(|s| entry(&table, s.start)).unwrap_or_default();
        refused(&e, text, file, entry)
    })?;
    Ok((spec, lines))
}

/// Makes TOML's own dates texts: `origin = 2024-10-01` is as good as `origin = "2024-10-01"`.
fn unquoted_dates(value: &mut Spanned<DeValue>) {
    match value.get_mut() {
        DeValue::Table(table) => table.iter_mut().for_each(|(_, inner)| unquoted_dates(inner)),
        DeValue::Array(list) => list.iter_mut().for_each(unquoted_dates),
        other => {
            if let DeValue::Datetime(date) = other {
                *other = DeValue::String(date.to_string().into());
            }
        }
    }
}

/// What the parser refused, on its line.
fn refused(error: &toml::de::Error, text: &str, file: Option<&str>, entry: String) -> Error {
    let line = error.span().map(|s| Breaks::of(text).line(s.start));
    let place = Place { file: file.map(String::from), line, entry, ..Place::default() };
    Error::Spec { place: Box::new(place), message: error.message().to_string() }
}

/// The reader's name of the entry around a byte of the text: "ladder 'peninsula', rate 2".
fn entry(table: &DeTable, byte: usize) -> String {
    let Some((kind, i, entry)) = element(table, byte) else { return String::new() };
    let name = ["name", "id"].iter().find_map(|key| entry.get(*key)?.get_ref().as_str());
    let outer = name.map_or_else(|| format!("{kind} {}", i + 1), |name| format!("{kind} '{name}'"));
    match element(entry, byte) {
        Some((kind @ ("rate" | "effect"), i, _)) => format!("{outer}, {kind} {}", i + 1),
        _ => outer,
    }
}

/// The last table in a list of tables that begins at or before a byte: its list's key, its number and itself.
fn element<'t>(table: &'t DeTable, byte: usize) -> Option<(&'t str, usize, &'t DeTable<'t>)> {
    let lists = table.iter().filter_map(|(key, value)| Some((key.get_ref().as_ref(), value.get_ref().as_array()?)));
    let elements = lists.flat_map(|(key, list)| list.iter().enumerate().map(move |(i, e)| (key, i, e)));
    let before = elements.filter(|(_, _, e)| e.span().start <= byte);
    let tables = before.filter_map(|(key, i, e)| Some((e.span().start, key, i, e.get_ref().as_table()?)));
    tables.max_by_key(|(start, ..)| *start).map(|(_, key, i, table)| (key, i, table))
}
