//! Specs to TOML as docs/format.md writes it: one section an entry, conditions and tables on a line.

use crate::ground::{Error, Result};
use serde::Serialize;
use toml::{Table, Value};

/// Keys in the order of the reference; others follow by name.
const ORDER: &str = "name id origin as_of driver ladder indicator of states rungs ordered given start start_given first stages first_stage levels cuts when moves is at_least \
     at_most since until all any not status saw never entered likelihood moved counted measured values from to ask at reach enters first \
     before count table formula noisy_or noisy_max ranked logistic chances links effects weights leak outcome family mean sd freedom size zero value rate per chance yardstick low high within events factor coefficient spread shared over free worth effect covariate on by between reported grade hit \
     false_alarm false_rate false_per source known paragraph basis criterion note doubt";

/// Lists of entries: each a section of its own.
const SECTIONS: [&str; 9] =
    ["driver", "ladder", "rate", "effect", "covariate", "status", "events", "development", "question"];

/// A spec as TOML.
///
/// # Errors
/// `Error::Spec` for a number that TOML cannot hold.
pub(super) fn to_toml<T: Serialize>(spec: &T) -> Result<String> {
    let table = Table::try_from(spec).map_err(|e| Error::spec("", "", format!("cannot be written as TOML: {e}")))?;
    let mut text = String::new();
    section("", &table, &mut text)?;
    Ok(text)
}

/// The keys of one entry, then its own sections.
fn section(prefix: &str, table: &Table, text: &mut String) -> Result<()> {
    let (lists, values): (Vec<_>, Vec<_>) = sorted(table).into_iter().partition(|(k, v)| is_section(k, v));
    for (key, value) in values {
        text.push_str(&format!("{} = {}\n", bare(key)?, inline(value)?));
    }
    for (key, list) in lists {
        let header = if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
        for entry in list.as_array().into_iter().flatten().filter_map(Value::as_table) {
            text.push_str(&format!("\n[[{header}]]\n"));
            section(&header, entry, text)?;
        }
    }
    Ok(())
}

fn is_section(key: &str, value: &Value) -> bool {
    let tables = |list: &Vec<Value>| !list.is_empty() && list.iter().all(Value::is_table);
    SECTIONS.contains(&key) && value.as_array().is_some_and(tables)
}

/// A table's entries in the order of the reference.
fn sorted(table: &Table) -> Vec<(&str, &Value)> {
    let place = |key: &str| ORDER.split_whitespace().position(|k| k == key).unwrap_or(usize::MAX);
    let mut entries: Vec<(&str, &Value)> = table.iter().map(|(k, v)| (k.as_str(), v)).collect();
    entries.sort_by_key(|(key, _)| place(key));
    entries
}

/// A value on one line.
fn inline(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Table(table) if table.is_empty() => "{}".into(),
        Value::Table(table) => {
            let one = |(key, value): (&str, &Value)| Ok(format!("{} = {}", bare(key)?, inline(value)?));
            format!("{{ {} }}", sorted(table).into_iter().map(one).collect::<Result<Vec<_>>>()?.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Result<Vec<_>>>()?.join(", ")),
        plain => plain.to_string(),
    })
}

/// A key, quoted where it must be.
fn bare(key: &str) -> Result<String> {
    let line = toml::to_string(&Table::from_iter([(key.to_string(), Value::Integer(0))]));
    let line = line.map_err(|e| Error::spec("", "", format!("'{key}' cannot be a key in TOML: {e}")))?;
    Ok(line.trim_end().trim_end_matches('0').trim_end().trim_end_matches('=').trim_end().to_string())
}
