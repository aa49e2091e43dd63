//! Dates and durations: ISO text to days since a model's origin and back, in UTC.

use super::error::{Error, Result};
use jiff::civil::{Date, DateTime, Time};

/// Days in a month: a twelfth of a year of 365.25 days.
pub const MONTH: f64 = 30.4375;
/// Days in a year.
pub const YEAR: f64 = 365.25;

const DAY_SECONDS: f64 = 86_400.0;

/// A calendar whose t = 0 is 00:00 UTC of its origin; all times are days since then.
///
/// ```
/// # use escalade::ground::time::Clock;
/// let clock = Clock::new("2024-10-01")?;
/// assert_eq!(clock.point("2024-10-01")?, 0.5);
/// assert_eq!(clock.day_end("2024-10-31")?, 31.0);
/// assert_eq!(clock.date_of(31.25), "2024-11-01T06:00");
/// # Ok::<(), escalade::ground::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    origin: DateTime,
}

/// What a date's text said: a whole day or an instant.
enum When {
    Day(Date),
    Instant(DateTime),
}

impl Clock {
    /// The clock that starts at 00:00 of a bare ISO date.
    ///
    /// # Errors
    /// `Error::Spec` without a place when the text is not a bare date.
    pub fn new(origin: &str) -> Result<Self> {
        match read(origin)? {
            When::Day(date) => Ok(Clock { origin: midnight(date) }),
            When::Instant(_) => Err(wrong(format!("the origin is '{origin}'; expected a date without a time of day"))),
        }
    }

    /// Where a span starts, in days: 00:00 of a bare date, a date-time itself.
    ///
    /// # Errors
    /// `Error::Spec` without a place when the text is not a date.
    pub fn day_start(&self, text: &str) -> Result<f64> {
        self.days(text, 0.0)
    }

    /// A point in time, in days: noon of a bare date, a date-time itself.
    ///
    /// # Errors
    /// `Error::Spec` without a place when the text is not a date.
    pub fn point(&self, text: &str) -> Result<f64> {
        self.days(text, 0.5)
    }

    /// Where a span ends, in days: 24:00 of a bare date, a date-time itself.
    ///
    /// # Errors
    /// `Error::Spec` without a place when the text is not a date.
    pub fn day_end(&self, text: &str) -> Result<f64> {
        self.days(text, 1.0)
    }

    /// The date of a time in days, to the minute: "2024-11-01" at 00:00, else "2024-11-01T06:00"; "day 1e30" outside the
    /// calendar.
    pub fn date_of(&self, days: f64) -> String {
        let minutes = (days * 1440.0).round();
        let late = jiff::SignedDuration::try_from_secs_f64(minutes * 60.0).ok();
        match late.and_then(|d| self.origin.checked_add(d).ok()) {
            Some(at) if at.time() == Time::midnight() => at.date().to_string(),
            Some(at) => at.strftime("%Y-%m-%dT%H:%M").to_string(),
            None => format!("day {days}"),
        }
    }

    /// Days from the origin to the text's instant, or to `part` of its day.
    fn days(&self, text: &str, part: f64) -> Result<f64> {
        let since = |at: DateTime| at.duration_since(self.origin).as_secs_f64() / DAY_SECONDS;
        Ok(match read(text)? {
            When::Day(date) => since(midnight(date)) + part,
            When::Instant(at) => since(at),
        })
    }
}

fn midnight(date: Date) -> DateTime {
    date.to_datetime(Time::midnight())
}

fn wrong(message: String) -> Error {
    Error::spec("", "", message)
}

fn read(text: &str) -> Result<When> {
    let plain = text.trim();
    let when = match plain.split_once(['T', 't', ' ']) {
        None => plain.parse().ok().map(When::Day),
        // A civil time would silently drop an offset or a zone.
        Some((_, hour)) if hour.contains(['+', '-', '[']) => None,
        Some(_) => plain.strip_suffix(['Z', 'z']).unwrap_or(plain).parse().ok().map(When::Instant),
    };
    when.ok_or_else(|| {
        let form = "a date such as \"2024-10-31\" or \"2024-10-31T06:30\" (UTC)";
        wrong(format!("'{text}' is not a date; expected {form}"))
    })
}

/// Days in "day", "week", "month" (30.4375) or "year" (365.25).
///
/// # Errors
/// `Error::Spec` without a place for any other word.
pub fn per(unit: &str) -> Result<f64> {
    unit_days(unit).ok_or_else(|| {
        wrong(format!("'{unit}' is not a unit of time; expected \"day\", \"week\", \"month\" or \"year\""))
    })
}

fn unit_days(unit: &str) -> Option<f64> {
    match unit {
        "day" => Some(1.0),
        "week" => Some(7.0),
        "month" => Some(MONTH),
        "year" => Some(YEAR),
        _ => None,
    }
}

/// Days in "3 months", "1 year", "10 days" or "2 weeks".
///
/// # Errors
/// `Error::Spec` without a place when the text is not a positive number and a unit.
pub fn duration(text: &str) -> Result<f64> {
    let mut words = text.split_whitespace();
    let parts = (words.next(), words.next(), words.next());
    let days = match parts {
        (Some(number), Some(unit), None) => {
            let unit = unit_days(unit.strip_suffix('s').unwrap_or(unit));
            number.parse::<f64>().ok().zip(unit).map(|(n, d)| n * d)
        }
        _ => None,
    };
    days.filter(|d| d.is_finite() && *d > 0.0).ok_or_else(|| {
        let form = "a positive number and a unit, such as \"3 months\", \"1 year\", \"10 days\" or \"2 weeks\"";
        wrong(format!("'{text}' is not a duration; expected {form}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock() -> Clock {
        Clock::new("2024-10-01").unwrap()
    }

    #[test]
    fn a_bare_date_is_noon_or_a_whole_day() {
        let c = clock();
        assert_eq!(c.day_start("2024-10-31").unwrap(), 30.0);
        assert_eq!(c.point("2024-10-31").unwrap(), 30.5);
        assert_eq!(c.day_end("2024-10-31").unwrap(), 31.0);
        assert_eq!(c.day_start("2024-09-30").unwrap(), -1.0);
    }

    #[test]
    fn a_date_time_is_itself_whatever_is_asked() {
        let c = clock();
        for text in ["2024-10-02T06:00", "2024-10-02 06:00:00", "2024-10-02T06:00Z"] {
            for days in [c.day_start(text), c.point(text), c.day_end(text)] {
                assert_eq!(days.unwrap(), 1.25, "{text}");
            }
        }
    }

    #[test]
    fn wrong_dates_say_what_was_given_and_expected() {
        for text in
            ["2024-13-01", "last week", "", "2024-10", "31.10.2024", "2024-10-02T06:00+02:00", "2024-10-02T25:00"]
        {
            let message = clock().point(text).unwrap_err().to_string();
            assert!(message.contains(&format!("'{text}'")) && message.contains("expected a date"), "{message}");
        }
        let message = Clock::new("2024-10-01T06:00").unwrap_err().to_string();
        assert!(message.contains("without a time of day"), "{message}");
    }

    #[test]
    fn durations_and_units() {
        for (text, days) in [("3 months", 91.3125), ("1 year", 365.25), ("10 days", 10.0), ("2 weeks", 14.0)] {
            assert_eq!(duration(text).unwrap(), days);
        }
        assert_eq!(duration(" 0.5  years ").unwrap(), 182.625);
        assert_eq!(per("month").unwrap(), MONTH);
        for text in ["", "3", "months", "3 fortnights", "-1 day", "0 days", "NaN days", "inf days", "3 months ago"] {
            let message = duration(text).unwrap_err().to_string();
            assert!(message.contains(&format!("'{text}'")) && message.contains("3 months"), "{message}");
        }
        assert!(per("months").unwrap_err().to_string().contains("\"month\""));
    }

    #[test]
    fn far_times_are_named_by_their_number() {
        assert_eq!(clock().date_of(1e30), format!("day {}", 1e30));
        assert_eq!(clock().date_of(f64::NAN), "day NaN");
    }

    proptest! {
        #[test]
        fn dates_round_trip_to_the_minute(minutes in -500_000_000i64..500_000_000) {
            let days = minutes as f64 / 1440.0;
            let back = clock().day_start(&clock().date_of(days)).unwrap();
            prop_assert!((back - days).abs() < 1e-9);
        }

        #[test]
        fn a_day_is_its_start_noon_and_end(day in -100_000i32..100_000) {
            let text = clock().date_of(f64::from(day));
            prop_assert_eq!(clock().day_start(&text).unwrap(), f64::from(day));
            prop_assert_eq!(clock().point(&text).unwrap(), f64::from(day) + 0.5);
            prop_assert_eq!(clock().day_end(&text).unwrap(), f64::from(day) + 1.0);
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = clock().point(&text);
            let _ = duration(&text);
        }
    }
}
