//! From blocks to a network: names looked up, tables filled and checked, cycles refused.

use super::grammar::{Block, Blocks, Declaration, Entry, Kind, Word};
use super::{Document, Refused, Variable, position};
use crate::bayes::row::{TOLERANCE, normalise};
use crate::ground::limits;
use std::collections::HashMap;

type Resolved<T> = std::result::Result<T, Refused>;

/// How many names a message lists.
const LISTED: usize = 12;

/// The names of a text as indices.
struct Names<'a> {
    text: &'a str,
    found: &'a Blocks<'a>,
    variables: HashMap<&'a str, usize>,
    states: HashMap<(usize, &'a str), usize>,
}

/// A block whose variables are known: the child, its parents, and how many states and rows its table has.
struct Shape<'a> {
    block: &'a Block<'a>,
    child: usize,
    parents: Vec<usize>,
    states: usize,
    rows: usize,
}

/// The network of all blocks.
pub(super) fn document(mut found: Blocks, text: &str) -> Resolved<Document> {
    let name = std::mem::take(&mut found.name).into_owned();
    let properties = std::mem::take(&mut found.properties);
    let names = Names::of(&found, text)?;
    let mut shapes: Vec<Option<Shape>> = found.declarations.iter().map(|_| None).collect();
    let mut seen = vec![0; shapes.len()];
    let mut bytes = 0.0;
    let mut tables = vec![Vec::new(); shapes.len()];
    for (i, block) in found.blocks.iter().enumerate() {
        let shape = names.shape(block, i + 1, &mut seen)?;
        if let (Some(slot), Some(table)) = (shapes.get_mut(shape.child), tables.get_mut(shape.child)) {
            if let Some(first) = slot {
                return Err(names.twice(
                    block.child.at,
                    &format!("the probability of '{}'", block.child.text),
                    first.block.child.at,
                ));
            }
            *table = names.table(&shape, &mut bytes)?;
            *slot = Some(shape);
        }
    }
    let rows = found.declarations.iter().zip(shapes).zip(tables);
    let variables = rows.map(|((declaration, shape), table)| variable(declaration, shape, table));
    let variables = variables.collect::<Resolved<Vec<Variable>>>()?;
    acyclic(&variables, &found.declarations)?;
    Ok(Document { name, properties, variables })
}

fn variable(declaration: &Declaration, shape: Option<Shape>, table: Vec<f64>) -> Resolved<Variable> {
    let Declaration { name, states, properties } = declaration;
    let Some(shape) = shape else {
        return Err(Refused::new(name.at, format!("variable '{}' has no probability block", name.text)));
    };
    Ok(Variable {
        name: name.text.to_string(),
        states: states.iter().map(|s| s.text.to_string()).collect(),
        parents: shape.parents,
        table,
        properties: properties.iter().chain(&shape.block.properties).cloned().collect(),
    })
}

impl<'a> Names<'a> {
    fn of(found: &'a Blocks<'a>, text: &'a str) -> Resolved<Self> {
        let count = found.declarations.len();
        let (variables, states) = (HashMap::with_capacity(count), HashMap::with_capacity(4 * count));
        let mut names = Names { text, found, variables, states };
        for (v, declaration) in found.declarations.iter().enumerate() {
            let name = &declaration.name;
            if let Some(first) = names.variables.insert(&name.text, v) {
                let first = found.declarations.get(first).map_or(0, |d| d.name.at);
                return Err(names.twice(name.at, &format!("variable '{}'", name.text), first));
            }
            for (s, state) in declaration.states.iter().enumerate() {
                if names.states.insert((v, &state.text), s).is_some() {
                    let message = format!("state '{}' of '{}' is there twice", state.text, name.text);
                    return Err(Refused::new(state.at, message));
                }
            }
        }
        Ok(names)
    }

    fn twice(&self, at: usize, what: &str, first: usize) -> Refused {
        let (line, column) = position(self.text, first);
        Refused::new(at, format!("{what} is there twice; the first is on line {line}, column {column}"))
    }

    fn variable(&self, word: &Word) -> Resolved<usize> {
        let unknown = || Refused::new(word.at, format!("there is no variable '{}'", word.text));
        self.variables.get(word.text.as_ref()).copied().ok_or_else(unknown)
    }

    fn states(&self, variable: usize) -> &'a [Word<'a>] {
        self.found.declarations.get(variable).map(|d| d.states.as_slice()).unwrap_or_default()
    }

    /// The variables of a block; `seen` holds, for each variable, the last block (of number `mark`) that it was a
    /// parent in.
    fn shape(&self, block: &'a Block<'a>, mark: usize, seen: &mut [usize]) -> Resolved<Shape<'a>> {
        let child = self.variable(&block.child)?;
        let states = self.states(child).len();
        let mut parents = Vec::with_capacity(block.parents.len());
        let mut rows = Some(1usize);
        for word in &block.parents {
            let parent = self.variable(word)?;
            if let Some(last) = seen.get_mut(parent)
                && std::mem::replace(last, mark) == mark
            {
                let message = format!("'{}' is twice among the parents of '{}'", word.text, block.child.text);
                return Err(Refused::new(word.at, message));
            }
            rows = rows.and_then(|n| n.checked_mul(self.states(parent).len()));
            parents.push(parent);
        }
        match rows.filter(|n| n.checked_mul(states).is_some()) {
            Some(rows) => Ok(Shape { block, child, parents, states, rows }),
            None => {
                let cells: f64 = parents.iter().chain([&child]).map(|v| self.states(*v).len() as f64).product();
                Err(large(block, cells * 8.0, limits::memory()))
            }
        }
    }

    /// The table of a block, its rows normalised; `bytes` counts what all tables take.
    fn table(&self, shape: &Shape, bytes: &mut f64) -> Resolved<Vec<f64>> {
        let entries = &shape.block.entries;
        let Some(table) = entries.iter().find(|e| e.kind == Kind::Table) else { return self.rows(shape, bytes) };
        match entries.as_slice() {
            [_] => self.listed(shape, table),
            [first, second, ..] => {
                let at = if first.at == table.at { second.at } else { table.at };
                let child = &shape.block.child.text;
                Err(Refused::new(at, format!("'{child}' has a table and other rows; expected the table alone")))
            }
            [] => Ok(Vec::new()),
        }
    }

    /// A table given whole, the child's own state slowest.
    fn listed(&self, shape: &Shape, entry: &Entry) -> Resolved<Vec<f64>> {
        let numbers = self.numbers(entry);
        let child = &shape.block.child.text;
        if numbers.len() != shape.rows * shape.states {
            let (given, Shape { states, rows, .. }) = (numbers.len(), shape);
            let expected = if shape.parents.is_empty() {
                format!("one for each of {}", listing(self.states(shape.child)))
            } else {
                format!("{states} states times {rows} configurations of the parents")
            };
            let message = format!("the table of '{child}' has {given} numbers; expected {}: {expected}", states * rows);
            return Err(Refused::new(entry.at, message));
        }
        let mut table: Vec<f64> =
            (0..shape.rows).flat_map(|row| numbers.iter().skip(row).step_by(shape.rows).copied()).collect();
        for (i, row) in table.chunks_mut(shape.states).enumerate() {
            normalise(row).map_err(|sum| self.astray(shape, entry, &self.label(shape, i), sum))?;
        }
        Ok(table)
    }

    /// A table given row by row.
    fn rows(&self, shape: &Shape, bytes: &mut f64) -> Resolved<Vec<f64>> {
        let entries = &shape.block.entries;
        let default = self.default(shape)?;
        // Without a default there is a number in the text for each that is allocated.
        if default.is_none() && entries.len() < shape.rows {
            return Err(self.missing(shape)?);
        }
        let size = shape.rows * shape.states;
        *bytes += size as f64 * 8.0;
        let limit = limits::memory();
        if *bytes > limit {
            return Err(large(shape.block, *bytes, limit));
        }
        let mut table = vec![f64::NAN; size];
        for entry in entries {
            let Kind::Row(_) = entry.kind else { continue };
            let index = self.index(shape, entry)?;
            let start = index * shape.states;
            let Some(row) = table.get_mut(start..start + shape.states) else { continue };
            if row.iter().any(|p| !p.is_nan()) {
                return Err(self.repeated(shape, entry, index));
            }
            row.copy_from_slice(self.row(shape, entry)?);
            normalise(row).map_err(|sum| self.astray(shape, entry, &self.label(shape, index), sum))?;
        }
        if let Some(default) = default {
            let open = table.chunks_mut(shape.states).filter(|row| row.iter().any(|p| p.is_nan()));
            open.for_each(|row| row.copy_from_slice(&default));
        }
        Ok(table)
    }

    /// The default row of a block, if it has one.
    fn default(&self, shape: &Shape) -> Resolved<Option<Vec<f64>>> {
        let mut defaults = shape.block.entries.iter().filter(|e| e.kind == Kind::Default);
        let Some(entry) = defaults.next() else { return Ok(None) };
        if let Some(second) = defaults.next() {
            return Err(self.twice(second.at, &format!("the default of '{}'", shape.block.child.text), entry.at));
        }
        let mut row = self.row(shape, entry)?.to_vec();
        normalise(&mut row).map_err(|sum| self.astray(shape, entry, "the default", sum))?;
        Ok(Some(row))
    }

    /// The number of a row, the last parent fastest.
    fn index(&self, shape: &Shape, entry: &Entry) -> Resolved<usize> {
        let words = self.words(entry);
        let child = &shape.block.child.text;
        if words.len() != shape.parents.len() {
            let (given, expected) = (words.len(), shape.parents.len());
            let message =
                format!("this row of '{child}' names {given} states; expected {expected}, one for each parent");
            return Err(Refused::new(entry.at, message));
        }
        words.iter().zip(&shape.parents).zip(&shape.block.parents).try_fold(0, |index, ((word, parent), name)| {
            let states = self.states(*parent);
            match self.states.get(&(*parent, word.text.as_ref())) {
                Some(state) => Ok(index * states.len() + state),
                None => {
                    let message =
                        format!("'{}' has no state '{}'; expected one of {}", name.text, word.text, listing(states));
                    Err(Refused::new(word.at, message))
                }
            }
        })
    }

    /// The numbers of a row or of the default, one for each state.
    fn row(&self, shape: &Shape, entry: &Entry) -> Resolved<&'a [f64]> {
        let numbers = self.numbers(entry);
        if numbers.len() == shape.states {
            return Ok(numbers);
        }
        let what = match entry.kind {
            Kind::Default => "the default".into(),
            _ => row_name(self.words(entry).iter().map(|w| w.text.as_ref())),
        };
        let (child, given, expected) = (&shape.block.child.text, numbers.len(), shape.states);
        let listed = listing(self.states(shape.child));
        let message = format!("{what} of '{child}' has {given} numbers; expected {expected}, one for each of {listed}");
        Err(Refused::new(entry.at, message))
    }

    fn numbers(&self, entry: &Entry) -> &'a [f64] {
        self.found.numbers.get(entry.numbers.clone()).unwrap_or_default()
    }

    fn words(&self, entry: &Entry) -> &'a [Word<'a>] {
        match &entry.kind {
            Kind::Row(range) => self.found.names.get(range.clone()).unwrap_or_default(),
            _ => &[],
        }
    }

    /// "row (LOW, HIGH)", or "the row" where there are no parents.
    fn label(&self, shape: &Shape, index: usize) -> String {
        let mut rest = index;
        let mut states = Vec::new();
        for parent in shape.parents.iter().rev() {
            let known = self.states(*parent);
            states.push(known.get(rest % known.len().max(1)).map_or("", |s| s.text.as_ref()));
            rest /= known.len().max(1);
        }
        row_name(states.into_iter().rev())
    }

    fn astray(&self, shape: &Shape, entry: &Entry, what: &str, sum: f64) -> Refused {
        let child = &shape.block.child.text;
        Refused::new(entry.at, format!("{what} of '{child}' sums to {sum}; rows must sum to 1 within {TOLERANCE:e}"))
    }

    /// A row that is there twice, with the place of the first.
    fn repeated(&self, shape: &Shape, entry: &Entry, index: usize) -> Refused {
        let rows = shape.block.entries.iter().filter(|e| matches!(e.kind, Kind::Row(_)));
        let first = rows.clone().find(|e| self.index(shape, e) == Ok(index)).map_or(entry.at, |e| e.at);
        self.twice(entry.at, &format!("{} of '{}'", self.label(shape, index), shape.block.child.text), first)
    }

    /// What is wrong with a block of too few rows: one that is malformed, one that is there twice, or the first that is
    /// not.
    fn missing(&self, shape: &Shape) -> Resolved<Refused> {
        let rows = shape.block.entries.iter().map(|e| Ok((self.index(shape, e)?, e)));
        let mut rows = rows.collect::<Resolved<Vec<(usize, &Entry)>>>()?;
        rows.sort_by_key(|(index, entry)| (*index, entry.at));
        for ((before, _), (index, entry)) in rows.iter().zip(rows.iter().skip(1)) {
            if before == index {
                return Ok(self.repeated(shape, entry, *index));
            }
        }
        let first = rows.iter().enumerate().find(|(i, (index, _))| i != index).map_or(rows.len(), |(i, _)| i);
        let (child, expected) = (&shape.block.child, shape.rows);
        let message = format!(
            "{} of '{}' is missing, and there is no default; {} of {expected} rows are there",
            self.label(shape, first),
            child.text,
            rows.len()
        );
        Ok(Refused::new(child.at, message))
    }
}

fn row_name<'n>(states: impl Iterator<Item = &'n str>) -> String {
    let states: Vec<&str> = states.collect();
    if states.is_empty() { "the row".into() } else { format!("row ({})", states.join(", ")) }
}

/// The first few names, for messages.
fn listing(words: &[Word]) -> String {
    let mut names: Vec<&str> = words.iter().take(LISTED).map(|w| w.text.as_ref()).collect();
    if words.len() > LISTED {
        names.push("...");
    }
    names.join(", ")
}

fn large(block: &Block, bytes: f64, limit: f64) -> Refused {
    let child = &block.child;
    let message =
        format!("with the table of '{}' the network takes {bytes:.1e} bytes; {limit:.1e} are allowed", child.text);
    Refused { bytes: Some(bytes), ..Refused::new(child.at, message) }
}

/// Refuses a cycle, naming the variables on it: a walk from child to parents comes back to where it is.
fn acyclic(variables: &[Variable], declarations: &[Declaration]) -> Resolved<()> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; variables.len()];
    for start in 0..variables.len() {
        // The walk: variables, and how many of their parents were looked at.
        let mut walk = vec![(start, 0)];
        while let Some((v, next)) = walk.last_mut() {
            let v = *v;
            let parent = variables.get(v).and_then(|variable| variable.parents.get(*next)).copied();
            *next += 1;
            let Some(mark) = marks.get_mut(v) else { break };
            if *mark == Mark::Done || parent.is_none() {
                *mark = Mark::Done;
                walk.pop();
                continue;
            }
            *mark = Mark::Open;
            let Some(parent) = parent else { continue };
            match marks.get(parent) {
                Some(Mark::Open) => return Err(cycle(&walk, parent, declarations)),
                Some(Mark::New) => walk.push((parent, 0)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// "a -> b -> a" for the end of a walk that came back to `to`.
fn cycle(walk: &[(usize, usize)], to: usize, declarations: &[Declaration]) -> Refused {
    let around = walk.iter().rev().map(|(v, _)| *v).take_while(|v| *v != to);
    let name = |v: usize| declarations.get(v).map_or("", |d| d.name.text.as_ref());
    // The walk's last variable is a child of `to`, the one before it a child of the last.
    let children: Vec<usize> = [to].into_iter().chain(around).chain([to]).collect();
    let mut names: Vec<&str> = children.iter().take(LISTED).map(|v| name(*v)).collect();
    if children.len() > LISTED {
        names.extend(["...", name(to)]);
    }
    let at = declarations.get(to).map_or(0, |d| d.name.at);
    Refused::new(at, format!("the network has a cycle: {}", names.join(" -> ")))
}
