//! The grammar: text to blocks whose names are not yet looked up, every number already a number.
//!
//! A parser that does not match returns a [`Refused`] without a message, and another may be tried; a message is final.

use super::Refused;
use std::borrow::Cow;
use std::ops::Range;
use winnow::combinator::{alt, opt, peek, repeat, terminated};
use winnow::error::ParserError;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, none_of, take_till, take_until, take_while};

type Input<'t> = LocatingSlice<&'t str>;
type Parsed<T> = std::result::Result<T, Refused>;

/// How many characters of what was found an error shows.
const SHOWN: usize = 24;

/// A name and where it stands.
#[derive(Debug)]
pub(super) struct Word<'t> {
    pub text: Cow<'t, str>,
    pub at: usize,
}

/// A `variable` block.
#[derive(Debug)]
pub(super) struct Declaration<'t> {
    pub name: Word<'t>,
    pub states: Vec<Word<'t>>,
    pub properties: Vec<String>,
}

/// A `probability` block.
#[derive(Debug)]
pub(super) struct Block<'t> {
    pub child: Word<'t>,
    pub parents: Vec<Word<'t>>,
    pub entries: Vec<Entry>,
    pub properties: Vec<String>,
}

/// One list of numbers of a block, as a part of [`Blocks::numbers`].
#[derive(Debug)]
pub(super) struct Entry {
    pub at: usize,
    pub kind: Kind,
    pub numbers: Range<usize>,
}

/// What a list of numbers is for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Table,
    Default,
    /// A row, for the parents' states in this part of [`Blocks::names`].
    Row(Range<usize>),
}

/// All blocks of a text. Numbers and the names of rows lie in one list each, as there are many and most lists are
/// short.
#[derive(Debug, Default)]
pub(super) struct Blocks<'t> {
    pub name: Cow<'t, str>,
    pub properties: Vec<String>,
    pub declarations: Vec<Declaration<'t>>,
    pub blocks: Vec<Block<'t>>,
    pub names: Vec<Word<'t>>,
    pub numbers: Vec<f64>,
}

impl<'t> ParserError<Input<'t>> for Refused {
    type Inner = Self;

    fn from_input(input: &Input<'t>) -> Self {
        Refused { at: input.current_token_start(), message: None, bytes: None }
    }

    fn is_backtrack(&self) -> bool {
        self.message.is_none()
    }

    fn into_inner(self) -> std::result::Result<Self, Self> {
        Ok(self)
    }
}

/// The blocks of a text.
pub(super) fn parse(text: &str) -> Parsed<Blocks<'_>> {
    let input = &mut LocatingSlice::new(text);
    let mut found = Blocks::default();
    gap(input)?;
    network(input, &mut found)?;
    while !input.is_empty() {
        let start = at(input);
        match opt(keyword).parse_next(input)? {
            Some("variable") => found.declarations.push(declaration(input)?),
            Some("probability") => probability(input, &mut found)?,
            Some("network") => return Err(Refused::new(start, "there is a second 'network' block".into())),
            other => return Err(unknown(input, start, other, "'variable' or 'probability'")),
        }
    }
    Ok(found)
}

fn network<'t>(input: &mut Input<'t>, found: &mut Blocks<'t>) -> Parsed<()> {
    let start = at(input);
    match opt(keyword).parse_next(input)? {
        Some("network") => {}
        other => return Err(unknown(input, start, other, "'network', which comes first")),
    }
    found.name = opt(name).parse_next(input)?.map(|word| word.text).unwrap_or_default();
    open(input, start, "'{' after the name of the network")?;
    while !close(input, start, "network")? {
        let start = at(input);
        match opt(keyword).parse_next(input)? {
            Some("property") => found.properties.push(property(input)?),
            other => return Err(unknown(input, start, other, "'property' or '}' in the network block")),
        }
    }
    Ok(())
}

fn declaration<'t>(input: &mut Input<'t>) -> Parsed<Declaration<'t>> {
    let name = need(input, name, "the name of a variable")?;
    open(input, name.at, &format!("'{{' after variable '{}'", name.text))?;
    let (mut states, mut properties) = (None, Vec::new());
    while !close(input, name.at, &format!("variable '{}'", name.text))? {
        let start = at(input);
        match opt(keyword).parse_next(input)? {
            Some("property") => properties.push(property(input)?),
            Some("type") if states.is_some() => {
                return Err(Refused::new(start, format!("variable '{}' has a second 'type'", name.text)));
            }
            Some("type") => states = Some(kind(input, &name.text)?),
            other => {
                return Err(unknown(input, start, other, &format!("'type', 'property' or '}}' in '{}'", name.text)));
            }
        }
    }
    match states {
        Some(states) => Ok(Declaration { name, states, properties }),
        None => Err(Refused::new(name.at, format!("variable '{}' has no 'type'", name.text))),
    }
}

/// The states of `type discrete [2] { yes, no };`.
fn kind<'t>(input: &mut Input<'t>, owner: &str) -> Parsed<Vec<Word<'t>>> {
    let discrete = || format!("'discrete' as the type of '{owner}'");
    need(input, lexeme("discrete"), &discrete())?;
    need(input, lexeme('['), "'[' and the number of states")?;
    let start = at(input);
    let digits = lexeme(take_while(1.., |c: char| c.is_ascii_digit()));
    let declared = need(input, digits, &format!("the number of states of '{owner}'"))?;
    need(input, lexeme(']'), "']' after the number of states")?;
    let brace = at(input);
    open(input, brace, &format!("'{{' and the states of '{owner}'"))?;
    let states: Vec<Word> = repeat(0.., terminated(name, comma)).parse_next(input)?;
    need(input, lexeme('}'), &format!("a state of '{owner}' or '}}'"))?;
    need(input, lexeme(';'), &format!("';' after the states of '{owner}'"))?;
    if states.is_empty() {
        return Err(Refused::new(brace, format!("variable '{owner}' has no states; expected at least one")));
    }
    // A number that is too long to be one is not the number of states either.
    if declared.parse() == Ok(states.len()) {
        return Ok(states);
    }
    let hint =
        if declared.parse().is_ok_and(|n: usize| n < states.len()) { "; names with spaces need quotes" } else { "" };
    let declared: String = declared.chars().take(SHOWN).collect();
    Err(Refused::new(start, format!("variable '{owner}' declares {declared} states, but lists {}{hint}", states.len())))
}

fn probability<'t>(input: &mut Input<'t>, found: &mut Blocks<'t>) -> Parsed<()> {
    need(input, lexeme('('), "'(' and a variable after 'probability'")?;
    let child = need(input, name, "the name of a variable")?;
    let block = format!("probability of '{}'", child.text);
    opt(lexeme('|')).parse_next(input)?;
    comma(input)?;
    let parents = repeat(0.., terminated(name, comma)).parse_next(input)?;
    need(input, lexeme(')'), &format!("a parent of '{}' or ')'", child.text))?;
    open(input, child.at, &format!("'{{' after the {block}"))?;
    let (mut entries, mut properties) = (Vec::new(), Vec::new());
    while !close(input, child.at, &block)? {
        let start = at(input);
        let kind = match opt(keyword).parse_next(input)? {
            Some("property") => {
                properties.push(property(input)?);
                continue;
            }
            Some("table") => Kind::Table,
            Some("default") => Kind::Default,
            None if input.starts_with('(') => Kind::Row(row(input, &mut found.names)?),
            other => {
                let expected = format!("'table', 'default', 'property', a row '(...)' or '}}' in the {block}");
                return Err(unknown(input, start, other, &expected));
            }
        };
        let numbers = numbers(input, &mut found.numbers)?;
        entries.push(Entry { at: start, kind, numbers });
    }
    found.blocks.push(Block { child, parents, entries, properties });
    Ok(())
}

/// The parents' states of a row, `(a, b)`.
fn row<'t>(input: &mut Input<'t>, names: &mut Vec<Word<'t>>) -> Parsed<Range<usize>> {
    let first = names.len();
    lexeme('(').parse_next(input)?;
    repeat(0.., terminated(name, comma)).fold(|| (), |(), word| names.push(word)).parse_next(input)?;
    need(input, lexeme(')'), "a state or ')'")?;
    Ok(first..names.len())
}

/// Numbers up to their ';'.
fn numbers(input: &mut Input, numbers: &mut Vec<f64>) -> Parsed<Range<usize>> {
    let first = numbers.len();
    repeat(0.., terminated(number, comma)).fold(|| (), |(), x| numbers.push(x)).parse_next(input)?;
    need(input, lexeme(';'), "a number or ';'")?;
    Ok(first..numbers.len())
}

fn number(input: &mut Input) -> Parsed<f64> {
    let start = at(input);
    let text = lexeme(word).parse_next(input)?;
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x >= 0.0 => Ok(x),
        Ok(_) => {
            let text = shown(text);
            Err(Refused::new(start, format!("'{text}' is not a probability; expected a finite number, 0 or more")))
        }
        Err(_) => Err(Refused::new(start, format!("expected a number or ';', found '{}'", shown(text)))),
    }
}

/// What stands between `property` and its ';'.
fn property(input: &mut Input) -> Parsed<String> {
    let start = at(input);
    if let Some(text) = opt(terminated(quoted, (gap, ';', gap))).parse_next(input)? {
        return Ok(text.into_owned());
    }
    let text = opt(terminated(take_until(0.., ";"), (';', gap))).parse_next(input)?;
    match text.map(str::trim_end) {
        // A missing ';' shows when the text runs on into other lines' braces.
        Some(text) if !(text.contains('\n') && text.contains(['{', '}'])) => Ok(text.into()),
        _ => Err(Refused::new(start, "the property has no ';' at its end".into())),
    }
}

// Tokens. Each takes the gap after it along, so that an error stands where the next token begins.

fn lexeme<'t, T>(token: impl Parser<Input<'t>, T, Refused>) -> impl Parser<Input<'t>, T, Refused> {
    terminated(token, gap)
}

/// A word where a keyword may stand.
fn keyword<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    lexeme(word).parse_next(input)
}

fn name<'t>(input: &mut Input<'t>) -> Parsed<Word<'t>> {
    let start = at(input);
    let text = lexeme(alt((word.map(Cow::Borrowed), quoted))).parse_next(input)?;
    Ok(Word { text, at: start })
}

/// A comma, or none.
fn comma(input: &mut Input) -> Parsed<()> {
    opt(lexeme(',')).void().parse_next(input)
}

/// A run of characters up to white space, a mark or a comment.
fn word<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    let run: &str = peek(take_while(1.., in_word)).parse_next(input)?;
    let end = if run.contains('/') { comment(run).unwrap_or(run.len()) } else { run.len() };
    Ok(input.next_slice(end))
}

/// Whether a name needs no quotes.
pub(super) fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(in_word) && comment(name).is_none()
}

fn in_word(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '{' | '}' | '(' | ')' | ',' | ';' | '|' | '"')
}

/// Where the first comment of a text begins.
pub(super) fn comment(text: &str) -> Option<usize> {
    [text.find("//"), text.find("/*")].into_iter().flatten().min()
}

fn quoted<'t>(input: &mut Input<'t>) -> Parsed<Cow<'t, str>> {
    let start = at(input);
    '"'.parse_next(input)?;
    let plain = take_while(1.., |c| !matches!(c, '"' | '\\' | '\n')).void();
    let inside = repeat::<_, _, (), _, _>(0.., alt((plain, ('\\', none_of('\n')).void())));
    let text = inside.take().parse_next(input)?;
    match opt('"').parse_next(input)? {
        Some(_) => Ok(if text.contains('\\') { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) }),
        None => Err(Refused::new(start, "the string is not closed; expected '\"' on its line".into())),
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, rest.as_str().chars().next()) {
            ('\\', Some(next @ ('"' | '\\' | 'n' | 'r'))) => {
                plain.push(match next {
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                });
                rest.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// White space and comments.
fn gap(input: &mut Input) -> Parsed<()> {
    loop {
        take_while(0.., char::is_whitespace).void().parse_next(input)?;
        if input.starts_with("//") {
            take_till(0.., '\n').void().parse_next(input)?;
        } else if input.starts_with("/*") {
            let start = at(input);
            let whole = opt(("/*", take_until(0.., "*/"), "*/")).parse_next(input)?;
            whole.ok_or_else(|| Refused::new(start, "the comment is not closed; expected '*/'".into()))?;
        } else {
            return Ok(());
        }
    }
}

fn at(input: &Input) -> usize {
    input.current_token_start()
}

/// What must come next, or what was found in its place.
fn need<'t, T>(input: &mut Input<'t>, mut parser: impl Parser<Input<'t>, T, Refused>, what: &str) -> Parsed<T> {
    let start = at(input);
    match opt(parser.by_ref()).parse_next(input)? {
        Some(value) => Ok(value),
        None => Err(Refused::new(start, format!("expected {what}, found {}", next(input)))),
    }
}

/// The '{' of the block that begins at `start`.
fn open(input: &mut Input, start: usize, what: &str) -> Parsed<()> {
    if input.is_empty() {
        return Err(Refused::new(start, format!("expected {what}, found the end of the text")));
    }
    need(input, lexeme('{').void(), what)
}

/// Whether the '}' of the block that begins at `start` is next.
fn close(input: &mut Input, start: usize, block: &str) -> Parsed<bool> {
    if input.is_empty() {
        return Err(Refused::new(start, format!("the block of the {block} is not closed; expected '}}'")));
    }
    Ok(opt(lexeme('}')).parse_next(input)?.is_some())
}

/// A keyword that is none, or what stands where one should.
fn unknown(input: &mut Input, start: usize, word: Option<&str>, expected: &str) -> Refused {
    let message = match word {
        Some(word) => format!("unknown keyword '{}'; expected {expected}", shown(word)),
        None => format!("expected {expected}, found {}", next(input)),
    };
    Refused::new(start, message)
}

/// The next word or mark, for messages.
fn next(input: &mut Input) -> String {
    let token = peek(alt((word, any.take()))).parse_next(input);
    token.map_or_else(|_: Refused| "the end of the text".into(), |token| format!("'{}'", shown(token)))
}

/// The beginning of a text.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(text)),
        None => text.into(),
    }
}
