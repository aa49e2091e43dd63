//! A network as BIF text, in the layout of the Bayesian Network Repository.

use super::grammar::{comment, is_word};
use super::{Document, Variable};
use std::borrow::Cow;
use std::fmt::{self, Write};

/// The text of a network. Numbers are as short as reads back bit-equal; names are quoted where they must be; `read`
/// gives the network back, if it is one.
///
/// ```
/// use escalade::bayes::formats::bif;
///
/// let text = r#"network n {
/// }
/// variable x {
///   type discrete [ 2 ] { yes, "not yet" };
/// }
/// probability ( x ) {
///   table 0.25, 0.75;
/// }
/// "#;
/// assert_eq!(bif::write(&bif::read(text, None)?), text);
/// # Ok::<(), escalade::ground::Error>(())
/// ```
pub fn write(document: &Document) -> String {
    let mut out = String::new();
    // A string takes all that is written to it.
    let _ = blocks(&mut out, document);
    out
}

fn blocks(out: &mut String, document: &Document) -> fmt::Result {
    writeln!(out, "network {} {{", name(&document.name))?;
    properties(out, &document.properties)?;
    writeln!(out, "}}")?;
    for variable in &document.variables {
        let states = &variable.states;
        writeln!(out, "variable {} {{", name(&variable.name))?;
        writeln!(out, "  type discrete [ {} ] {{ {} }};", states.len(), list(states.iter().map(|s| name(s))))?;
        properties(out, &variable.properties)?;
        writeln!(out, "}}")?;
    }
    document.variables.iter().try_for_each(|variable| probability(out, document, variable))
}

fn probability(out: &mut String, document: &Document, variable: &Variable) -> fmt::Result {
    let parents: Vec<Option<&Variable>> = variable.parents.iter().map(|p| document.variables.get(*p)).collect();
    // A parent that does not exist is written as one that is not declared.
    let names = variable.parents.iter().zip(&parents);
    let names = list(names.map(|(p, v)| v.map_or_else(|| format!("#{p}").into(), |v| name(&v.name))));
    let bar = if parents.is_empty() { "" } else { " | " };
    writeln!(out, "probability ( {}{bar}{names} ) {{", name(&variable.name))?;
    let states: Vec<Vec<Cow<str>>> =
        parents.iter().map(|v| v.iter().flat_map(|v| &v.states).map(|s| name(s)).collect()).collect();
    let mut digits = vec![0; parents.len()];
    for row in variable.table.chunks(variable.states.len().max(1)) {
        out.push_str("  ");
        match parents.is_empty() {
            true => out.push_str("table"),
            false => label(out, &states, &digits)?,
        }
        for (i, number) in row.iter().enumerate() {
            write!(out, "{} {number:?}", if i == 0 { "" } else { "," })?;
        }
        writeln!(out, ";")?;
        advance(&mut digits, &states);
    }
    writeln!(out, "}}")
}

/// The parents' states of a row: "(yes, no)".
fn label(out: &mut String, states: &[Vec<Cow<str>>], digits: &[usize]) -> fmt::Result {
    for (i, (states, digit)) in states.iter().zip(digits).enumerate() {
        let state = states.get(*digit).map(Cow::as_ref).unwrap_or_default();
        write!(out, "{}{state}", if i == 0 { "(" } else { ", " })?;
    }
    out.write_char(')')
}

/// Counts on by one, the last digit fastest.
fn advance(digits: &mut [usize], states: &[Vec<Cow<str>>]) {
    for (digit, states) in digits.iter_mut().zip(states).rev() {
        *digit += 1;
        if *digit < states.len() {
            return;
        }
        *digit = 0;
    }
}

fn properties(out: &mut String, properties: &[String]) -> fmt::Result {
    properties.iter().try_for_each(|text| writeln!(out, "  property {};", plain_or_quoted(text)))
}

fn plain_or_quoted(text: &str) -> Cow<'_, str> {
    let whole = !text.is_empty() && text.trim() == text && !text.starts_with('"');
    let plain = whole && !text.contains([';', '\n', '{', '}']) && comment(text).is_none();
    if plain { text.into() } else { quote(text).into() }
}

fn name(text: &str) -> Cow<'_, str> {
    if is_word(text) { text.into() } else { quote(text).into() }
}

fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn list<'a>(names: impl Iterator<Item = Cow<'a, str>>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
