//! BIF: raw bytes, and networks rendered to text and then damaged. Nothing panics, and what is read is written and read
//! back as it was.

#![no_main]

use arbitrary::Arbitrary;
use escalade::bayes::formats::bif;
use escalade::ground::limits;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    Network(Network<'a>),
}

/// Blocks of a network, often a good one: names are numbers, and what is not given is filled in.
#[derive(Arbitrary, Debug)]
struct Network<'a> {
    nodes: Vec<Node>,
    probabilities_first: bool,
    names: [&'a str; 3],
    damage: Vec<Damage<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Node {
    states: u8,
    parents: Vec<u8>,
    style: Style,
    rows: Vec<Vec<Number>>,
    property: Option<u8>,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Style {
    Rows,
    RowsBackwards,
    RowsAndDefault,
    Default,
    Table,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Number {
    Even,
    Zero,
    Part(u16),
    Float(f64),
}

/// A change of the text.
#[derive(Arbitrary, Debug)]
enum Damage<'a> {
    Insert(u16, &'a str),
    Word(u16, u8),
    Remove(u16, u8),
    Repeat(u16, u8, u16),
    Cut(u16),
}

/// What the grammar is made of.
const WORDS: [&str; 24] = [
    "network",
    "variable",
    "probability",
    "property",
    "type",
    "discrete",
    "table",
    "default",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    "|",
    "\"",
    "\\",
    "//",
    "/*",
    "*/",
    "1e-05",
    "nan",
];

impl Network<'_> {
    fn text(&self) -> String {
        let variables: String = (0..self.nodes.len()).map(|v| self.variable(v)).collect();
        let probabilities: String = (0..self.nodes.len()).map(|v| self.probability(v)).collect();
        let mut text = String::from("network n { }\n");
        let blocks = if self.probabilities_first { [probabilities, variables] } else { [variables, probabilities] };
        text.extend(blocks);
        self.damage.iter().for_each(|damage| damage.apply(&mut text));
        text
    }

    fn name(&self, v: usize) -> String {
        match self.names.get(v) {
            Some(name) if !name.is_empty() => format!("\"{}\"", name.replace(['"', '\\', '\n'], "'")),
            _ => format!("v{v}"),
        }
    }

    fn states(&self, v: usize) -> usize {
        self.nodes.get(v).map_or(1, |node| usize::from(node.states % 5) + 1)
    }

    fn parents(&self, v: usize) -> Vec<usize> {
        let mut parents: Vec<usize> = self.nodes[v].parents.iter().take(3).map(|p| usize::from(*p)).collect();
        if v > 0 {
            parents.iter_mut().for_each(|p| *p %= v + usize::from(*p == 255));
        } else {
            parents.retain(|p| *p == 255);
            parents.iter_mut().for_each(|p| *p = 0);
        }
        parents.sort_unstable();
        parents.dedup();
        parents
    }

    fn variable(&self, v: usize) -> String {
        let states: Vec<String> = (0..self.states(v)).map(|s| format!("s{s}")).collect();
        let property = self.nodes[v].property.map_or(String::new(), |p| format!("  property p = {p};\n"));
        let (name, count, states) = (self.name(v), self.states(v), states.join(", "));
        format!("variable {name} {{\n  type discrete [ {count} ] {{ {states} }};\n{property}}}\n")
    }

    fn probability(&self, v: usize) -> String {
        let (node, parents) = (&self.nodes[v], self.parents(v));
        let names: Vec<String> = parents.iter().map(|p| self.name(*p)).collect();
        let rows: usize = parents.iter().map(|p| self.states(*p)).product();
        let row = |i: usize| self.row(v, i);
        let named = |i: usize| format!("  ({}) {};\n", self.label(&parents, i), row(i));
        let body: String = match node.style {
            Style::Rows => (0..rows).map(named).collect(),
            Style::RowsBackwards => (0..rows).rev().map(named).collect(),
            Style::RowsAndDefault => (0..rows).step_by(2).map(named).chain([format!("default {};", row(0))]).collect(),
            Style::Default => format!("  default {};\n", row(0)),
            Style::Table if parents.is_empty() => format!("  table {};\n", row(0)),
            Style::Table => {
                let even = vec![format!("{:?}", 1.0 / self.states(v) as f64); rows * self.states(v)];
                format!("  table {};\n", even.join(" "))
            }
        };
        let bar = if names.is_empty() { "" } else { "|" };
        format!("probability ( {} {bar} {} ) {{\n{body}}}\n", self.name(v), names.join(", "))
    }

    fn label(&self, parents: &[usize], mut i: usize) -> String {
        let mut states = Vec::new();
        for p in parents.iter().rev() {
            states.push(format!("s{}", i % self.states(*p)));
            i /= self.states(*p);
        }
        states.reverse();
        states.join(", ")
    }

    /// Numbers as given; the last one is what the others leave of 1.
    fn row(&self, v: usize, i: usize) -> String {
        let (states, node) = (self.states(v), &self.nodes[v]);
        let given = node.rows.get(i % node.rows.len().max(1));
        let mut rest = 1.0;
        let number = |s: usize| {
            let x = match given.and_then(|row| row.get(s)).copied().unwrap_or(Number::Even) {
                Number::Float(x) => return format!("{x:?}"),
                _ if s + 1 == states => rest,
                Number::Even => 1.0 / states as f64,
                Number::Zero => 0.0,
                Number::Part(part) => rest * f64::from(part) / 65_536.0,
            };
            rest -= x;
            format!("{x:?}")
        };
        (0..states).map(number).collect::<Vec<_>>().join(", ")
    }
}

impl Damage<'_> {
    fn apply(&self, text: &mut String) {
        let place =
            |text: &str, at: usize| (0..=at % (text.len() + 1)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        match *self {
            Damage::Insert(at, put) => text.insert_str(place(text, at.into()), put),
            Damage::Word(at, word) => text.insert_str(place(text, at.into()), WORDS[usize::from(word) % WORDS.len()]),
            Damage::Remove(at, length) => {
                let start = place(text, at.into());
                let end = place(text, start + usize::from(length)).max(start);
                text.replace_range(start..end, "");
            }
            Damage::Repeat(at, length, to) => {
                let start = place(text, at.into());
                let end = place(text, start + usize::from(length)).max(start);
                let piece = text[start..end].to_string();
                text.insert_str(place(text, to.into()), &piece);
            }
            Damage::Cut(at) => text.truncate(place(text, at.into())),
        }
    }
}

fn check(bytes: &[u8]) {
    match bif::read_bytes(bytes, Some("fuzz.bif")) {
        Ok(document) => {
            let text = bif::write(&document);
            let back = bif::read(&text, None).expect("what was written is read");
            assert_eq!(back, document, "what was written reads back as it was");
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("fuzz.bif") && message.len() < 100_000, "{message}");
        }
    }
}

fuzz_target!(|input: Input| {
    limits::set_memory(32e6);
    match input {
        Input::Bytes(bytes) => check(bytes),
        Input::Text(text) => check(format!("network n {{}} {text}").as_bytes()),
        Input::Network(network) => check(network.text().as_bytes()),
    }
});
