//! Where a JSON text that crossed the boundary is wrong: the reader's entry and field, instead of a column of the text.

use crate::ground::Error;
use serde_json::Value;

/// A step into a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// The error of a parse, with its place in the tree; `what` names the whole, such as "the dossier".
pub fn refused(what: &str, text: &str, error: &serde_json::Error) -> Error {
    let steps = steps(text.as_bytes(), error.column());
    let whole = error.to_string();
    let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message);
    let (entry, field) = names(&serde_json::from_str(text).unwrap_or_default(), &steps);
    let entry = if entry.is_empty() { what.to_string() } else { entry };
    Error::spec(field.clone(), entry, spoken(message, &field))
}

/// The steps to the value that was being read at a column: the last that began before it, or the one that it closes.
fn steps(text: &[u8], column: usize) -> Vec<Step> {
    let mut open: Vec<Step> = vec![];
    let mut at = 0;
    let mut key_next = vec![];
    while at < column.min(text.len()) {
        match text[at] {
            b'{' => {
                open.push(Step::Key(String::new()));
                key_next.push(true);
            }
            b'[' => {
                open.push(Step::Index(0));
                key_next.push(false);
            }
            b'}' | b']' => {
                open.pop();
                key_next.pop();
                if at + 1 == column {
                    return open;
                }
            }
            b',' => match open.last_mut() {
                Some(Step::Index(i)) => *i += 1,
                Some(Step::Key(_)) => key_next.iter_mut().last().into_iter().for_each(|next| *next = true),
                None => {}
            },
            b'"' => {
                let start = at + 1;
                at = start;
                while at < text.len() && text[at] != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                if let (Some(next @ true), Some(Step::Key(key))) = (key_next.last_mut(), open.last_mut()) {
                    *key = String::from_utf8_lossy(&text[start..at.min(text.len())]).into_owned();
                    *next = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    // A container that has just been opened is itself the value.
    if column > 0 && column <= text.len() && matches!(text[column - 1], b'{' | b'[') {
        open.pop();
    }
    open
}

/// The reader's name of the entry that the steps lead into ("development 'd1'"), and of the field in it.
fn names(tree: &Value, steps: &[Step]) -> (String, String) {
    let (mut entry, mut field, mut section) = (String::new(), String::new(), "development");
    let mut here = tree;
    for (depth, step) in steps.iter().enumerate() {
        match step {
            Step::Key(key) => {
                here = &here[key.as_str()];
                if depth == 0 && here.is_array() {
                    section = key;
                } else if !key.is_empty() {
                    field = if field.is_empty() { key.clone() } else { format!("{field}.{key}") };
                }
            }
            Step::Index(i) => {
                here = &here[*i];
                let name = here["id"].as_str().or_else(|| here["name"].as_str());
                if depth < 2 && !matches!(section, "name" | "note") {
                    entry = name.map_or(format!("{section} {}", i + 1), |name| format!("{section} '{name}'"));
                } else if matches!(field.as_str(), "rate" | "effect") {
                    entry = format!("{entry}, {field} {}", i + 1);
                    field.clear();
                } else {
                    field = format!("{field}[{i}]");
                }
            }
        }
    }
    (entry, field)
}

/// serde's message in the words of the others: what was given, what was expected.
fn spoken(message: &str, field: &str) -> String {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((given, expected)) = rest.and_then(|rest| rest.split_once(", expected ")) else {
        return if field.is_empty() || message.contains(field) {
            message.to_string()
        } else {
            format!("{field}: {message}")
        };
    };
    let given = match given.split_once(' ') {
        Some(("integer" | "floating" | "string" | "boolean", value)) => {
            value.trim_start_matches("point ").replace('`', "").to_string()
        }
        _ => match given {
            "map" => "a table".into(),
            "sequence" => "a list".into(),
            "null" => "nothing".into(),
            other => other.to_string(),
        },
    };
    let expected = match expected {
        "a string" if field.ends_with("grade") => "text such as \"B2\"",
        "a string" => "text",
        "f64" => "a number",
        "usize" | "u64" | "u32" => "a whole number, 0 or more",
        "a map" => "a table of names and values",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") || other.starts_with("enum ") => "an entry with its fields",
        other => other,
    };
    let field = if field.is_empty() { "it" } else { field };
    format!("{field} is {given}; expected {expected}")
}
