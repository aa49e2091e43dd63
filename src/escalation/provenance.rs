//! How far each number moved from its prior, so that a reader sees what is evidence and what is judgement.

use super::fit::prior_scale;
use super::parameter::{Parameters, Prior, Provenance, RealPrior, RowPrior};
use super::summary::{Draws, Summary};
use super::theta::Values;
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF, Gamma};
use statrs::function::gamma::ln_gamma;

/// One number, or one row of a table, before and after the evidence. Intensities are per day.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    pub name: String,
    /// "intensity", "factor", "event rate", "table row", or of an indicator's number "mean", "sd", "size", …
    pub kind: &'static str,
    pub fixed: bool,
    /// Names of a row's entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// The prior's mode: one number, or one for each entry.
    pub value: Vec<f64>,
    pub prior: String,
    /// 90 % interval of the prior; absent for what is fixed or flat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior_low: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior_high: Option<Vec<f64>>,
    pub words: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<super::spec::Basis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// After the evidence, for a fit.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
}

/// What the evidence made of a number.
#[derive(Debug, Clone, Serialize)]
pub struct After {
    pub mode: Vec<f64>,
    pub mean: Vec<f64>,
    pub low: Vec<f64>,
    pub high: Vec<f64>,
    /// Posterior mode minus prior mode in prior standard deviations, on the unconstrained scale (a row: its largest move).
    pub moved: f64,
    /// 1 − posterior over prior standard deviation there (a row: its largest).
    pub shrink: f64,
}

/// θ after the evidence: the mode and draws.
pub struct Learned<'a> {
    pub theta: &'a [f64],
    pub draws: &'a [Vec<f64>],
    /// Posterior standard deviation of each coordinate; empty where nothing was learnt.
    pub spread: Vec<f64>,
    pub level: f64,
}

/// Every number of a model, positives first, as `Parameters` orders them.
pub fn readings(parameters: &Parameters, learned: Option<&Learned<'_>>) -> Vec<Reading> {
    let scale = prior_scale(parameters);
    let start = parameters.start();
    let spans = spans(parameters);
    let before = before(parameters);
    let summaries = learned.map(|learned| summaries(parameters, learned));
    let mut readings = before;
    for (number, reading) in readings.iter_mut().enumerate() {
        if let (Some(learned), Some((mode, summaries))) = (learned, &summaries) {
            let (values, summary) = (&mode[number], &summaries[number]);
            let mut after = After {
                mode: values.clone(),
                mean: summary.mean.clone(),
                low: summary.low.clone(),
                high: summary.high.clone(),
                moved: 0.0,
                shrink: 0.0,
            };
            for k in spans[number].clone() {
                let moved = (learned.theta[k] - start[k]) / scale[k];
                if moved.abs() > after.moved.abs() {
                    after.moved = moved;
                }
                let shrink = learned.spread.get(k).map_or(0.0, |sd| 1.0 - sd / scale[k]);
                if shrink.abs() > after.shrink.abs() {
                    after.shrink = shrink;
                }
            }
            reading.after = Some(after);
        }
    }
    readings
}

/// The coordinates of θ that belong to each number, positives first.
fn spans(parameters: &Parameters) -> Vec<std::ops::Range<usize>> {
    let mut spans = vec![];
    let mut next = 0;
    let free: Vec<usize> = parameters.free_positives().collect();
    for p in 0..parameters.positives.len() {
        let width = usize::from(free.contains(&p));
        spans.push(next..next + width);
        next += width;
    }
    let free: Vec<usize> = parameters.free_rows().collect();
    for (r, row) in parameters.rows.iter().enumerate() {
        let support = row.value.iter().filter(|p| **p > 0.0).count();
        let width = if free.contains(&r) { support - 1 } else { 0 };
        spans.push(next..next + width);
        next += width;
    }
    let free: Vec<usize> = parameters.free_reals().collect();
    for r in 0..parameters.reals.len() {
        let width = usize::from(free.contains(&r));
        spans.push(next..next + width);
        next += width;
    }
    spans
}

fn numbers(values: &Values) -> Vec<Vec<f64>> {
    let reals = values.reals.iter().map(|x| vec![*x]);
    values.positives.iter().map(|x| vec![*x]).chain(values.rows.iter().cloned()).chain(reals).collect()
}

fn summaries(parameters: &Parameters, learned: &Learned<'_>) -> (Vec<Vec<f64>>, Vec<Summary>) {
    let mode = numbers(&parameters.values(learned.theta));
    let draws: Vec<Vec<Vec<f64>>> = learned.draws.iter().map(|theta| numbers(&parameters.values(theta))).collect();
    let summaries = (0..mode.len())
        .map(|k| {
            let own = Draws { mode: mode[k].clone(), draws: draws.iter().map(|draw| draw[k].clone()).collect() };
            own.summary(learned.level)
        })
        .collect();
    (mode, summaries)
}

fn before(parameters: &Parameters) -> Vec<Reading> {
    let positives = parameters.positives.iter().map(|p| {
        let (prior, interval) = positive_prior(&p.prior);
        let reading = reading(&p.name, p.kind.word(), vec![p.value], prior, &p.words, &p.provenance);
        with_interval(reading, interval.map(|(low, high)| (vec![low], vec![high])), p.prior == Prior::Fixed)
    });
    let rows = parameters.rows.iter().map(|r| {
        let (prior, interval) = match r.prior {
            RowPrior::Fixed => ("fixed".to_string(), None),
            RowPrior::Flat => ("flat on the logits".to_string(), None),
            RowPrior::Dirichlet { worth } => {
                let bound = |q: f64| r.value.iter().map(|&p| beta_quantile(worth, p, q)).collect();
                (format!("Dirichlet worth {worth}"), Some((bound(0.05), bound(0.95))))
            }
        };
        let mut reading = reading(&r.name, "table row", r.value.clone(), prior, "", &r.provenance);
        reading.states.clone_from(&r.states);
        with_interval(reading, interval, r.prior == RowPrior::Fixed)
    });
    let reals = parameters.reals.iter().map(|r| {
        let (prior, interval) = match r.prior {
            RealPrior::Fixed => ("fixed".to_string(), None),
            RealPrior::Flat => ("flat".to_string(), None),
            RealPrior::Normal { mean, sd } => {
                let interval = Some((vec![mean - OUTER * sd], vec![mean + OUTER * sd]));
                (format!("normal, mean {mean:.4}, sd {sd:.3}"), interval)
            }
        };
        let reading = reading(&r.name, r.kind.word(), vec![r.value], prior, &r.words, &r.provenance);
        with_interval(reading, interval, r.prior == RealPrior::Fixed)
    });
    positives.chain(rows).chain(reals).collect()
}

/// 95 % of a standard normal lie below.
const OUTER: f64 = 1.644_853_626_951_472_2;

fn positive_prior(prior: &Prior) -> (String, Option<(f64, f64)>) {
    match prior {
        Prior::Fixed => ("fixed".into(), None),
        Prior::Flat => ("flat on the log".into(), None),
        Prior::LogNormal { mean, sd } => {
            let z = OUTER;
            let text = format!("log-normal, median {:.4}, spread {:.3}", mean.exp(), sd.exp());
            (text, Some(((mean - z * sd).exp(), (mean + z * sd).exp())))
        }
        Prior::Gamma { shape, exposure } => {
            let unit = |q: f64| gamma_quantile(*shape, q) / exposure;
            let interval = Some((unit(0.05), unit(0.95)));
            (format!("Gamma, shape {shape}, exposure {exposure:.1} days"), interval)
        }
    }
}

fn beta_quantile(worth: f64, p: f64, q: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return p;
    }
    Beta::new(worth * p, worth * (1.0 - p)).map_or(p, |beta| log_quantile(q, 0.0, |x| beta.cdf(x)))
}

/// Quantile of a Gamma variable of rate 1, to relative accuracy however small it is.
fn gamma_quantile(shape: f64, q: f64) -> f64 {
    // Below 1 the series of the lower incomplete gamma function converges at once: x^k e^−x / Γ(k + 1) · Σ xⁿ / (k + 1)…(k + n).
    let small = |x: f64| {
        let (mut term, mut sum) = (1.0, 1.0);
        for n in 1..30 {
            term *= x / (shape + f64::from(n));
            sum += term;
        }
        (shape * x.ln() - x - ln_gamma(shape + 1.0)).exp() * sum
    };
    let top = (shape + 40.0 * shape.sqrt() + 40.0).ln();
    Gamma::new(shape, 1.0)
        .map_or(f64::NAN, |gamma| log_quantile(q, top, |x| if x < 1.0 { small(x) } else { gamma.cdf(x) }))
}

/// Where a distribution function reaches `q`, by bisection on ln x up to `top`: 0 where that is below every number.
fn log_quantile(q: f64, top: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-745.0, top);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        match cdf(f64::exp(middle)) < q {
            true => low = middle,
            false => high = middle,
        }
    }
    if low == -745.0 { 0.0 } else { f64::exp(0.5 * (low + high)) }
}

fn reading(name: &str, kind: &'static str, value: Vec<f64>, prior: String, words: &str, from: &Provenance) -> Reading {
    Reading {
        name: name.into(),
        kind,
        fixed: false,
        states: vec![],
        value,
        prior,
        prior_low: None,
        prior_high: None,
        words: words.into(),
        source: from.source.clone(),
        known: from.known.clone(),
        basis: from.basis,
        note: from.note.clone(),
        after: None,
    }
}

fn with_interval(mut reading: Reading, interval: Option<(Vec<f64>, Vec<f64>)>, fixed: bool) -> Reading {
    if let Some((low, high)) = interval {
        reading.prior_low = Some(low);
        reading.prior_high = Some(high);
    }
    reading.fixed = fixed;
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_tiny_numbers_keep_their_digits() {
        // Of an exponential variable −ln(1 − q), of x^k small (q Γ(k + 1))^(1/k).
        assert!((gamma_quantile(1.0, 0.05) / -0.95f64.ln() - 1.0).abs() < 1e-12);
        assert!((gamma_quantile(1.0, 0.95) / -0.05f64.ln() - 1.0).abs() < 1e-9);
        let tiny = ((0.05f64.ln() + ln_gamma(1.01)) / 0.01).exp();
        assert!((gamma_quantile(0.01, 0.05) / tiny - 1.0).abs() < 1e-9);
        let (_, interval) = positive_prior(&Prior::Gamma { shape: 0.5, exposure: 3.65e9 });
        let (low, high) = interval.expect("an interval");
        // Half a squared normal.
        assert!((low * 3.65e9 / 0.001_966_07 - 1.0).abs() < 1e-5 && (high * 3.65e9 / 1.920_729 - 1.0).abs() < 1e-5);
        // A Beta(1, b) variable: 1 − (1 − q)^(1/b).
        let wanted = 1.0 - 0.95f64.powf(1.0 / 999.0);
        assert!((beta_quantile(1000.0, 0.001, 0.05) / wanted - 1.0).abs() < 1e-9);
    }
}
