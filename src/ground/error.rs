//! The one error of the crate: what was wrong, where it stands, what was expected.

use std::fmt;

/// Where in a model, dossier or question something stands.
///
/// `path` is the machine's path (`ladder[2].rate[0].moves`), `entry` the reader's ("ladder 'peninsula', rate 1"), `line`
/// the line of the file where there is one, `column` the character of that line; both count from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub file: Option<String>,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub path: String,
    pub entry: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!("line {line}"));
        let column = self.line.and(self.column).map(|column| format!("column {column}"));
        let parts: Vec<&str> = [&self.file, &line, &column].into_iter().flatten().map(String::as_str).collect();
        if !parts.is_empty() {
            write!(f, "{}: ", parts.join(", "))?;
        }
        if self.entry.is_empty() { Ok(()) } else { write!(f, "{}: ", self.entry) }
    }
}

/// Everything that can go wrong, one variant for each thing a caller may want to tell apart.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model, dossier or question is malformed: an unknown name, a row that does not sum to 1, a date that does not parse.
    #[error("{place}{message}")]
    Spec { place: Box<Place>, message: String },
    /// The developments cannot all be true under the model.
    #[error("{message}")]
    Impossible { development: Option<String>, message: String },
    /// Findings on these variables of a network cannot all be true.
    #[error("the evidence on variables {variables:?} is impossible")]
    Contradiction { variables: Vec<usize> },
    /// The exact answer would need more memory than is allowed.
    #[error("{message}")]
    TooLarge { bytes: f64, limit: f64, message: String },
    /// A parameter with a flat prior that the evidence says nothing about.
    #[error("{message}")]
    Unidentified { parameter: String, message: String },
    /// The optimiser stopped short of a mode.
    #[error("{message}")]
    NotConverged { message: String },
    /// A number left the range in which an answer exists.
    #[error("{message}")]
    Diverged { message: String },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A malformed entry, named for machine and reader.
    pub fn spec(path: impl Into<String>, entry: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Spec {
            place: Box::new(Place { path: path.into(), entry: entry.into(), ..Place::default() }),
            message: message.into(),
        }
    }

    /// The same error at a place, where it has none yet: for checks that do not know what they are reading for.
    pub fn at(mut self, path: &str, entry: &str) -> Self {
        if let Error::Spec { place, .. } = &mut self
            && place.path.is_empty()
            && place.entry.is_empty()
        {
            place.path = path.to_string();
            place.entry = entry.to_string();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_shows_what_is_known() {
        let place = |file: Option<&str>, line, column, entry: &str| {
            let (file, entry) = (file.map(String::from), entry.to_string());
            Place { file, line, column, entry, ..Place::default() }.to_string()
        };
        assert_eq!(place(Some("a.bif"), Some(3), Some(7), ""), "a.bif, line 3, column 7: ");
        assert_eq!(place(Some("a.toml"), Some(3), None, "driver 'x'"), "a.toml, line 3: driver 'x': ");
        assert_eq!(place(None, Some(3), None, ""), "line 3: ");
        assert_eq!(place(Some("a.toml"), None, Some(7), ""), "a.toml: ");
        assert_eq!(place(None, None, None, "network"), "network: ");
        assert_eq!(place(None, None, None, ""), "");
    }
}
