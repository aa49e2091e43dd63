//! Words for chances and grades for sources: yardsticks that others published, and the Admiralty code with our reading.

use super::error::{Error, Result};

/// Where the letters and digits of a grade come from.
pub const ADMIRALTY: &str = "Admiralty code (UK JWP 2-00): reliability and credibility are graded independently";

/// The chance that an open lower end of a band is read as (the outer bound of ICD 203).
pub const LOWEST: f64 = 0.01;

/// The chance that an open upper end of a band is read as (the outer bound of ICD 203).
pub const HIGHEST: f64 = 0.99;

/// The upper quartile of the standard normal: a band is the central half of its writer's belief.
pub const QUARTILE: f64 = 0.674_489_750_196_081_7;

/// Two distances that differ by less are equal: ends are written with four digits at most.
const SAME: f64 = 1e-9;

/// A word of a yardstick and the probabilities that it stands for, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub word: &'static str,
    /// Words that mean the same.
    pub same: &'static [&'static str],
    pub low: f64,
    pub high: f64,
}

/// Words with their bands, from the least to the most likely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yardstick {
    pub name: &'static str,
    pub source: &'static str,
    pub bands: &'static [Band],
}

const fn band(word: &'static str, same: &'static [&'static str], low: f64, high: f64) -> Band {
    Band { word, same, low, high }
}

/// The yardstick of a bare word; the gaps between its bands are deliberate.
pub const PHIA: Yardstick = Yardstick {
    name: "PHIA",
    source: "PHIA (Cabinet Office), Explaining Uncertainty in UK Intelligence Assessment, 24 March 2025",
    bands: &[
        band("remote chance", &[], 0.0, 0.05),
        band("highly unlikely", &[], 0.1, 0.2),
        band("unlikely", &[], 0.25, 0.35),
        band("realistic possibility", &[], 0.4, 0.5),
        band("likely or probable", &["likely", "probable"], 0.55, 0.75),
        band("highly likely", &[], 0.8, 0.9),
        band("almost certain", &[], 0.95, 1.0),
    ],
};

/// Two rows of words that should not be mixed in one product; the first names the band.
pub const ICD_203: Yardstick = Yardstick {
    name: "ICD 203",
    source: "ODNI, Intelligence Community Directive 203, Analytic Standards, 2 January 2015",
    bands: &[
        band("almost no chance", &["remote"], 0.01, 0.05),
        band("very unlikely", &["highly improbable"], 0.05, 0.2),
        band("unlikely", &["improbable"], 0.2, 0.45),
        band("roughly even chance", &["roughly even odds"], 0.45, 0.55),
        band("likely", &["probable"], 0.55, 0.8),
        band("very likely", &["highly probable"], 0.8, 0.95),
        band("almost certain", &["almost certainly", "nearly certain"], 0.95, 0.99),
    ],
};

/// So much, "give or take about" so much.
pub const KENT: Yardstick = Yardstick {
    name: "Kent",
    source: "Kent, Words of Estimative Probability, Studies in Intelligence 8(4), 1964",
    bands: &[
        band("impossibility", &["impossible"], 0.0, 0.0),
        band("almost certainly not", &[], 0.02, 0.12),
        band("probably not", &[], 0.2, 0.4),
        band("chances about even", &[], 0.4, 0.6),
        band("probable", &[], 0.63, 0.87),
        band("almost certain", &[], 0.87, 0.99),
        band("certainty", &["certain"], 1.0, 1.0),
    ],
};

/// Quartiles of the answers of 46 readers, each answer spread over what it was rounded to (`Yardstick.survey` in Python).
pub const PERCEPTIONS: Yardstick = Yardstick {
    name: "Perceptions",
    source: "Perceptions of Probability, a poll of 46 readers of r/samplesize, 2015 (probly.csv of zonination/perceptions)",
    bands: &[
        band("almost no chance", &[], 0.0138, 0.0577),
        band("highly unlikely", &[], 0.0353, 0.1143),
        band("chances are slight", &[], 0.0769, 0.1719),
        band("little chance", &[], 0.0819, 0.1955),
        band("improbable", &[], 0.0692, 0.2833),
        band("unlikely", &[], 0.1111, 0.28),
        band("we doubt", &[], 0.1375, 0.3325),
        band("probably not", &[], 0.2071, 0.3781),
        band("about even", &[], 0.4849, 0.5125),
        band("better than even", &[], 0.5346, 0.6138),
        band("we believe", &[], 0.5875, 0.8031),
        band("probably", &[], 0.6312, 0.7906),
        band("probable", &[], 0.65, 0.7792),
        band("likely", &[], 0.6577, 0.7725),
        band("very good chance", &[], 0.7479, 0.8458),
        band("highly likely", &[], 0.8278, 0.9344),
        band("almost certainly", &[], 0.8958, 0.9757),
    ],
};

/// Those that are known by name.
pub const YARDSTICKS: [Yardstick; 4] = [PHIA, ICD_203, KENT, PERCEPTIONS];

impl Yardstick {
    /// The yardstick of a name; case does not matter.
    ///
    /// # Errors
    /// `Error::Spec` without a place when there is none of that name.
    pub fn named(name: &str) -> Result<&'static Yardstick> {
        let plain = name.trim().to_lowercase();
        YARDSTICKS.iter().find(|y| y.name.to_lowercase() == plain).ok_or_else(|| {
            let names = YARDSTICKS.map(|y| format!("\"{}\"", y.name)).join(", ");
            Error::spec("", "", format!("'{name}' is no yardstick; expected one of {names}"))
        })
    }

    fn get(&self, word: &str) -> Option<&'static Band> {
        let plain = word.trim().to_lowercase();
        self.bands.iter().find(|b| b.word == plain || b.same.contains(&plain.as_str()))
    }

    /// The band of a word, or of one that means the same; case does not matter.
    ///
    /// # Errors
    /// `Error::Spec` without a place when the yardstick has no such word; it names the yardsticks that have.
    pub fn find(&self, word: &str) -> Result<&'static Band> {
        self.get(word).ok_or_else(|| {
            let others: Vec<&str> = YARDSTICKS.iter().filter(|y| y.get(word).is_some()).map(|y| y.name).collect();
            let there = match others.as_slice() {
                [] => String::new(),
                names => format!(" (it is of {})", names.join(", ")),
            };
            let words: Vec<String> = self.bands.iter().map(|b| format!("\"{}\"", b.word)).collect();
            let (name, words) = (self.name, words.join(", "));
            Error::spec("", "", format!("'{word}' is no word of the yardstick {name}{there}; expected one of {words}"))
        })
    }
}

/// The ends of a band as a belief's quartiles, open ends read; none where nothing lies between them.
pub fn quartiles(low: f64, high: f64) -> Option<(f64, f64)> {
    let low = if low == 0.0 { LOWEST } else { low };
    let high = if high == 1.0 { HIGHEST } else { high };
    (0.0 < low && low < high && high < 1.0).then_some((low, high))
}

/// The place of the band that a probability belongs to, and whether it lies inside; none where there is no band or no
/// number. It is the nearest band; where several hold it, or are equally near, the one whose middle is nearest; of two
/// such the first.
pub fn nearest(bands: &[(f64, f64)], p: f64) -> Option<(usize, bool)> {
    let far = |&(low, high): &(f64, f64)| ((low - p).max(p - high).max(0.0), (p - 0.5 * (low + high)).abs());
    let closer = |a: (f64, f64), b: (f64, f64)| a.0 < b.0 - SAME || (a.0 < b.0 + SAME && a.1 < b.1 - SAME);
    let mut found: Option<(usize, (f64, f64))> = None;
    for (place, band) in bands.iter().enumerate().filter(|_| !p.is_nan()) {
        if found.is_none_or(|(_, best)| closer(far(band), best)) {
            found = Some((place, far(band)));
        }
    }
    found.map(|(place, (outside, _))| (place, outside == 0.0))
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

    fn word_for(yardstick: &Yardstick, p: f64) -> (&'static str, bool) {
        let bands: Vec<(f64, f64)> = yardstick.bands.iter().map(|b| (b.low, b.high)).collect();
        let (place, inside) = nearest(&bands, p).expect("bands");
        (yardstick.bands[place].word, inside)
    }

    #[test]
    fn every_word_is_found_under_every_name() {
        for yardstick in YARDSTICKS {
            assert_eq!(Yardstick::named(&yardstick.name.to_uppercase()).unwrap(), &yardstick);
            for b in yardstick.bands {
                assert_eq!(yardstick.find(b.word).unwrap(), b);
                for other in b.same {
                    assert_eq!(yardstick.find(&format!(" {} ", other.to_uppercase())).unwrap(), b);
                }
            }
        }
        assert_eq!(PHIA.find("probable").unwrap(), PHIA.find("Likely ").unwrap());
        assert_eq!(PHIA.find("unlikely").unwrap().word, "unlikely");
        assert!(Yardstick::named("IPCC").unwrap_err().to_string().contains("expected one of \"PHIA\", \"ICD 203\""));
        assert!(PHIA.find("maybe").unwrap_err().to_string().contains("'maybe' is no word of the yardstick PHIA;"));
        let said = PHIA.find("probably not").unwrap_err().to_string();
        assert!(said.contains("(it is of Kent, Perceptions)"), "{said}");
    }

    #[test]
    fn bands_are_in_order_and_the_middle_of_one_names_it() {
        for yardstick in YARDSTICKS {
            assert!(yardstick.bands.windows(2).all(|w| w[0].low + w[0].high <= w[1].low + w[1].high));
            // The words of a survey overlap: several may have one middle, nearly.
            for b in yardstick.bands.iter().filter(|_| yardstick.name != "Perceptions") {
                assert_eq!(word_for(&yardstick, 0.5 * (b.low + b.high)), (b.word, true));
            }
        }
    }

    #[test]
    fn gaps_are_marked() {
        let cases = [
            (0.0, "remote chance", true),
            (0.06, "remote chance", false),
            (0.09, "highly unlikely", false),
            (0.075, "remote chance", false),
            (0.225, "highly unlikely", false),
            (1.0, "almost certain", true),
        ];
        for (p, word, inside) in cases {
            assert_eq!(word_for(&PHIA, p), (word, inside), "{p}");
        }
        assert_eq!(word_for(&ICD_203, 0.001), ("almost no chance", false));
        assert_eq!(nearest(&[(0.0, 1.0)], f64::NAN), None);
        assert_eq!(nearest(&[], 0.5), None);
    }

    #[test]
    fn where_bands_touch_the_nearer_middle_decides() {
        let ends = [(0.05, 0), (0.2, 1), (0.45, 3), (0.55, 3), (0.8, 5), (0.95, 6)];
        for (p, place) in ends {
            assert_eq!(word_for(&ICD_203, p), (ICD_203.bands[place].word, true), "{p}");
        }
        assert_eq!(word_for(&KENT, 0.4).0, "probably not");
        assert_eq!(word_for(&KENT, 1.0), ("certainty", true));
    }

    #[test]
    fn open_ends_are_read_and_points_are_no_belief() {
        assert_eq!(quartiles(0.0, 0.05), Some((LOWEST, 0.05)));
        assert_eq!(quartiles(0.95, 1.0), Some((0.95, HIGHEST)));
        assert_eq!(quartiles(0.001, 0.005), Some((0.001, 0.005)));
        for (low, high) in [(0.0, 0.0), (1.0, 1.0), (0.0, 0.01), (0.5, 0.5), (0.6, 0.4), (-0.1, 0.5), (f64::NAN, 0.5)] {
            assert_eq!(quartiles(low, high), None);
        }
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
