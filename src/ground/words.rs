//! Words for chances and grades for sources: the PHIA yardstick of 2025 and the Admiralty code, with our readings of them.

use super::error::{Error, Result};

/// Where the bands come from.
pub const YARDSTICK: &str =
    "PHIA (Cabinet Office), Explaining Uncertainty in UK Intelligence Assessment, 24 March 2025";

/// Where the letters and digits of a grade come from.
pub const ADMIRALTY: &str = "Admiralty code (UK JWP 2-00): reliability and credibility are graded independently";

/// The chance that an open lower end of a band is read as (the outer bound of ICD 203).
pub const LOWEST: f64 = 0.01;

/// The chance that an open upper end of a band is read as (the outer bound of ICD 203).
pub const HIGHEST: f64 = 0.99;

/// The upper quartile of the standard normal: a band is the central half of its writer's belief.
pub const QUARTILE: f64 = 0.674_489_750_196_081_7;

/// A word of the yardstick and the probabilities that it stands for, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub word: &'static str,
    pub low: f64,
    pub high: f64,
}

const fn band(word: &'static str, low: f64, high: f64) -> Band {
    Band { word, low, high }
}

/// The yardstick, from the least to the most likely; the gaps between bands are deliberate.
pub const BANDS: [Band; 7] = [
    band("remote chance", 0.0, 0.05),
    band("highly unlikely", 0.1, 0.2),
    band("unlikely", 0.25, 0.35),
    band("realistic possibility", 0.4, 0.5),
    band("likely or probable", 0.55, 0.75),
    band("highly likely", 0.8, 0.9),
    band("almost certain", 0.95, 1.0),
];

impl Band {
    /// How far `p` lies outside the band; 0 inside.
    fn distance(&self, p: f64) -> f64 {
        (self.low - p).max(p - self.high).max(0.0)
    }
}

/// The band of a word; "likely" and "probable" are both "likely or probable"; case does not matter.
///
/// # Errors
/// `Error::Spec` without a place when the yardstick has no such word.
pub fn find(word: &str) -> Result<Band> {
    let plain = word.trim().to_lowercase();
    let known = |b: &&Band| b.word == plain || b.word.split(" or ").any(|w| w == plain);
    BANDS.iter().find(known).copied().ok_or_else(|| {
        let words: Vec<String> = BANDS.iter().map(|b| format!("\"{}\"", b.word)).collect();
        Error::spec("", "", format!("'{word}' is no word of the yardstick; expected one of {}", words.join(", ")))
    })
}

/// The word for a probability: that of the nearest band, the lower of two equally near, with "≈ " before it in a gap;
/// "unknown" for what is no number.
///
/// ```
/// # use escalade::ground::words::word_for;
/// assert_eq!(word_for(0.14), "highly unlikely");
/// assert_eq!(word_for(0.37), "≈ unlikely");
/// ```
pub fn word_for(p: f64) -> String {
    if p.is_nan() {
        return "unknown".into();
    }
    let [first, rest @ ..] = &BANDS;
    let nearest = rest.iter().fold(first, |best, b| if b.distance(p) < best.distance(p) { b } else { best });
    match nearest.distance(p) {
        0.0 => nearest.word.to_string(),
        _ => format!("≈ {}", nearest.word),
    }
}

/// A grade of the Admiralty code as the two rates of a report.
///
/// The rates are our judgement and no part of the code: a source is right with r, the item is true with c; a source that
/// is not right says yes or no with even odds, so hit = r·c + (1 − r)/2 and false alarm = r·(1 − c) + (1 − r)/2.
#[derive(Debug, Clone, PartialEq)]
pub struct Grade {
    /// "B2".
    pub code: String,
    /// What the letter and the digit say: "usually reliable, probably true".
    pub words: String,
    /// P(reported | it happened).
    pub hit: f64,
    /// P(reported | it did not).
    pub false_alarm: f64,
}

const RELIABILITY: [(char, &str, f64); 6] = [
    ('A', "completely reliable", 0.95),
    ('B', "usually reliable", 0.85),
    ('C', "fairly reliable", 0.7),
    ('D', "not usually reliable", 0.5),
    ('E', "unreliable", 0.2),
    ('F', "reliability cannot be judged", 0.5),
];

const CREDIBILITY: [(char, &str, f64); 6] = [
    ('1', "confirmed by other sources", 0.97),
    ('2', "probably true", 0.85),
    ('3', "possibly true", 0.65),
    ('4', "doubtful", 0.35),
    ('5', "improbable", 0.15),
    ('6', "truth cannot be judged", 0.5),
];

/// The table of grades, A1 to F6, the digit fastest.
pub fn grades() -> Vec<Grade> {
    let one = |(letter, source, r): (char, &str, f64), (digit, item, c): (char, &str, f64)| Grade {
        code: format!("{letter}{digit}"),
        words: format!("{source}, {item}"),
        hit: r * c + (1.0 - r) / 2.0,
        false_alarm: r * (1.0 - c) + (1.0 - r) / 2.0,
    };
    RELIABILITY.iter().flat_map(|r| CREDIBILITY.iter().map(move |c| one(*r, *c))).collect()
}

/// The grade of a code such as "B2".
///
/// # Errors
/// `Error::Spec` without a place when the text is not a letter A to F and a digit 1 to 6.
pub fn grade(code: &str) -> Result<Grade> {
    let plain = code.trim().to_uppercase();
    grades().into_iter().find(|g| g.code == plain).ok_or_else(|| {
        let form = "a letter A to F (the source) and a digit 1 to 6 (the item), such as \"B2\"";
        Error::spec("", "", format!("'{code}' is no grade; expected {form}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_and_names_its_own_band() {
        for b in BANDS {
            assert_eq!(find(b.word).unwrap(), b);
            assert_eq!(word_for((b.low + b.high) / 2.0), b.word);
        }
        assert_eq!(find("probable").unwrap(), find("Likely ").unwrap());
        assert_eq!(find("unlikely").unwrap().word, "unlikely");
        assert!(find("maybe").unwrap_err().to_string().contains("'maybe'"));
    }

    #[test]
    fn gaps_are_marked() {
        assert_eq!(word_for(0.0), "remote chance");
        assert_eq!(word_for(0.06), "≈ remote chance");
        assert_eq!(word_for(0.09), "≈ highly unlikely");
        assert_eq!(word_for(1.0), "almost certain");
        assert_eq!(word_for(f64::NAN), "unknown");
    }

    #[test]
    fn grades_are_ordered_and_six_says_nothing() {
        let b2 = grade("b2").unwrap();
        assert!((b2.hit - (0.85 * 0.85 + 0.075)).abs() < 1e-15);
        assert!((b2.false_alarm - (0.85 * 0.15 + 0.075)).abs() < 1e-15);
        assert_eq!(grades().len(), 36);
        for g in grades() {
            assert!((g.hit + g.false_alarm - 1.0).abs() < 1e-12, "{}", g.code);
            if g.code.ends_with('6') {
                assert!((g.hit - 0.5).abs() < 1e-15);
            }
        }
        for code in ["", "G1", "A7", "A", "A12"] {
            assert!(grade(code).unwrap_err().to_string().contains("no grade"));
        }
    }
}
