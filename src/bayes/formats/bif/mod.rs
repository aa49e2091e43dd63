//! BIF, the Interchange Format 0.15 for Bayesian networks, as the Bayesian Network Repository of bnlearn writes it.
//!
//! ```text
//! network unknown { property author = "n. n."; }
//! variable smoke { type discrete [ 2 ] { yes, no }; }
//! variable lung { type discrete [ 2 ] { yes, no }; }
//! probability ( smoke ) { table 0.5, 0.5; }
//! probability ( lung | smoke ) {
//!   (yes) 0.1, 0.9;
//!   (no) 0.01, 0.99;
//! }
//! ```
//!
//! # The dialect
//!
//! - The `network` block comes first; `variable` and `probability` blocks follow in any order. `//` and `/* */`
//!   comment.
//! - A name is any run of characters other than white space and `{ } ( ) , ; | "`, up to a comment (`12+`, `<5`,
//!   `Asy/Patch`), or is quoted. Within quotes `\"`, `\\`, `\n` and `\r` stand for a quote, a backslash and line ends;
//!   any other backslash stands for itself. A quoted name and the same name without quotes are one name.
//! - Commas between names and numbers are free, and so is the `|`: the first name of a `probability` block is the
//!   child.
//! - **`table` with parents** lists the numbers with the child's own state *slowest*, then the parents, the last one
//!   fastest. So says the specification, and so read pgmpy and aGrUM; bnlearn reads no such table, and writes rows.
//! - A row `(a, b)` names the parents' states in the order of the parents; `default` stands for every row that is not
//!   there.
//! - A row that sums to 1 within 1e-6 is made to sum to 1 ([`row::normalise`](crate::bayes::row::normalise)); any other
//!   row is refused.
//! - A `property` is the text up to its `;`, or what stands between quotes where that is all.

mod grammar;
mod resolve;
mod write;

use crate::ground::{Error, Place, Result, limits};
use flate2::read::MultiGzDecoder;
use std::io::Read;

pub use write::write;

/// How the text of a gzipped file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What reading a text takes, at most, in units of its length: a state of one letter becomes a string of its own.
const GROWTH: f64 = 32.0;

/// A variable of a network: its states, and its table given its parents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variable {
    pub name: String,
    pub states: Vec<String>,
    /// The parents, as positions in [`Document::variables`].
    pub parents: Vec<usize>,
    /// One row for each configuration of the parents, in the order of `parents`, the last parent fastest; within a row
    /// the states.
    pub table: Vec<f64>,
    /// The properties of its `variable` block, then those of its `probability` block.
    pub properties: Vec<String>,
}

/// A network as a file holds it, with the variables in the order of their declarations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    pub name: String,
    pub properties: Vec<String>,
    pub variables: Vec<Variable>,
}

/// A network from the text of a BIF file; `file` names it in errors.
///
/// ```
/// use escalade::bayes::formats::bif;
///
/// let text = "network n { } variable x { type discrete [2] { yes, no }; } probability (x) { table 0.3 0.6; }";
/// let message = bif::read(text, Some("n.bif")).unwrap_err().to_string();
/// let expected = "the row of 'x' sums to 0.8999999999999999; rows must sum to 1 within 1e-6";
/// assert_eq!(message, format!("n.bif, line 1, column 79: {expected}"));
///
/// let document = bif::read(&text.replace("0.6", "0.7"), None)?;
/// assert_eq!(document.variables[0].table, [0.3, 0.7]);
/// # Ok::<(), escalade::ground::Error>(())
/// ```
///
/// # Errors
/// `Error::Spec` with line and column for text that is no BIF, and for a network that is none: names that are unknown
/// or there twice, tables that are not whole, rows that do not sum to 1, a cycle. `Error::TooLarge` for tables that a
/// default fills beyond [`limits::memory`].
///
/// # Complexity
/// Linear in the length of the text and the size of the tables.
pub fn read(text: &str, file: Option<&str>) -> Result<Document> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = grammar::parse(text).and_then(|parsed| resolve::document(parsed, text));
    parsed.map_err(|refused| refused.locate(text, file))
}

/// A network from the bytes of a BIF file, which may be gzipped.
///
/// # Errors
/// As [`read`]; `Error::Spec` for bytes that are no UTF-8 or broken gzip, `Error::TooLarge` for a gzipped text that
/// would not fit in memory.
pub fn read_bytes(bytes: &[u8], file: Option<&str>) -> Result<Document> {
    if bytes.starts_with(&GZIP) { read_utf8(&unpack(bytes, file)?, file) } else { read_utf8(bytes, file) }
}

fn read_utf8(bytes: &[u8], file: Option<&str>) -> Result<Document> {
    match std::str::from_utf8(bytes) {
        Ok(text) => read(text, file),
        Err(error) => {
            let (good, bad) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
            let byte = bad.first().copied().unwrap_or_default();
            let message = format!("the byte 0x{byte:02x} is not UTF-8; expected text in UTF-8");
            Err(Refused::new(good.len(), message).locate(&String::from_utf8_lossy(good), file))
        }
    }
}

/// The text of a gzipped file, as far as a network of it would fit in memory.
fn unpack(bytes: &[u8], file: Option<&str>) -> Result<Vec<u8>> {
    let limit = limits::memory();
    let most = (limit / GROWTH) as u64;
    let mut text = Vec::new();
    let place = || Place { file: file.map(String::from), ..Place::default() };
    MultiGzDecoder::new(bytes).take(most.saturating_add(1)).read_to_end(&mut text).map_err(|e| Error::Spec {
        place: Box::new(place()),
        message: format!("the gzipped text cannot be unpacked: {e}"),
    })?;
    if text.len() as u64 <= most {
        return Ok(text);
    }
    let message = format!(
        "{}the gzipped text is longer than {most} bytes; to read it could take more than the {limit:.1e} bytes allowed",
        place()
    );
    Err(Error::TooLarge { bytes: text.len() as f64 * GROWTH, limit, message })
}

/// What was refused, at a byte of the text. Without a message it says no more than that a parser did not match.
#[derive(Debug, Clone, PartialEq)]
struct Refused {
    at: usize,
    message: Option<String>,
    /// The bytes that it would take, where that is what is wrong.
    bytes: Option<f64>,
}

impl Refused {
    fn new(at: usize, message: String) -> Self {
        Refused { at, message: Some(message), bytes: None }
    }

    /// The error, with the line and column of its byte.
    fn locate(self, text: &str, file: Option<&str>) -> Error {
        let (line, column) = position(text, self.at);
        let file = file.map(String::from);
        let place = Place { file, line: Some(line), column: Some(column), ..Place::default() };
        let message = self.message.unwrap_or_else(|| "this is not understood".into());
        match self.bytes {
            None => Error::Spec { place: Box::new(place), message },
            Some(bytes) => Error::TooLarge { bytes, limit: limits::memory(), message: format!("{place}{message}") },
        }
    }
}

/// The line and the column, in characters, of a byte of a text; both count from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests;
