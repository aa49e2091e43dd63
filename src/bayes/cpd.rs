//! How a variable depends on its parents: a table, a noisy maximum, a function, ranks, a logistic law; and how each becomes
//! tables that the kernel multiplies.

use crate::ground::{Error, Result, limits};
use serde::{Deserialize, Serialize};

/// A conditional law. Where there are rows, one stands for each configuration of the parents, the last parent fastest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cpd {
    /// Probabilities, a row for each configuration.
    Table(Vec<f64>),
    /// The largest of one cause a parent and a leak (Henrion 1989; Díez 1993): `links[i]` has a row for each state of
    /// parent i, the law of its cause; the first state is the lowest. Never expanded over all parents.
    NoisyMax { links: Vec<Vec<f64>>, leak: Option<Vec<f64>> },
    /// The state for each configuration.
    Function(Vec<usize>),
    /// A normal law truncated to [0, 1] around a weighted summary of the parents' ranks (Fenton, Neil and Caballero 2007).
    Ranked { weights: Vec<f64>, spread: f64, by: Summary },
    /// P(at most state k) = logistic(cuts[k] − Σ effects[i][state of parent i]) (McCullagh 1980).
    Logistic { cuts: Vec<f64>, effects: Vec<Vec<f64>> },
}

/// What ranks are summarised by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    #[default]
    Mean,
    Min,
    Max,
}

/// One variable of a network made of tables: parents and rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    pub card: usize,
    pub parents: Vec<usize>,
    pub table: Vec<f64>,
}

impl Cpd {
    /// The tables of a variable of `card` states whose `parents` have `cards` states: its own, and those of variables put
    /// between it and its parents, numbered from `next` on.
    ///
    /// A noisy maximum becomes a chain of partial maxima (Heckerman 1993): each link is a table over two of them and one
    /// parent, all of it nonnegative, so nothing cancels.
    ///
    /// # Errors
    /// `Error::Spec`, without a place, for numbers of the wrong count or range; `Error::TooLarge` for a law over so many
    /// parents that its table does not fit in memory.
    pub fn lower(&self, card: usize, parents: &[usize], cards: &[usize], next: usize) -> Result<Vec<Lowered>> {
        let rows = cards.iter().try_fold(1usize, |n, &c| n.checked_mul(c)).filter(|n| n.checked_mul(card).is_some());
        let own = |table| vec![Lowered { card, parents: parents.to_vec(), table }];
        let Some(rows) = rows else {
            return match self {
                Cpd::NoisyMax { links, leak } => chain(card, parents, cards, links, leak.as_deref(), next),
                _ => wrong("it has more configurations of its parents than a table can hold".into()),
            };
        };
        match self {
            Cpd::Table(table) => {
                expect("its table", table.len(), rows * card)?;
                Ok(own(table.clone()))
            }
            Cpd::NoisyMax { links, leak } => chain(card, parents, cards, links, leak.as_deref(), next),
            Cpd::Function(states) => {
                expect("its function", states.len(), rows)?;
                if let Some(state) = states.iter().find(|state| **state >= card) {
                    return wrong(format!("its function gives state {state} of {card}"));
                }
                fits(rows as f64 * card as f64)?;
                Ok(own(states.iter().flat_map(|&s| (0..card).map(move |k| f64::from(u8::from(k == s)))).collect()))
            }
            Cpd::Ranked { weights, spread, by } => {
                fits(rows as f64 * card as f64)?;
                Ok(own(ranked(card, cards, rows, weights, *spread, *by)?))
            }
            Cpd::Logistic { cuts, effects } => {
                fits(rows as f64 * card as f64)?;
                Ok(own(logistic(card, cards, rows, cuts, effects)?))
            }
        }
    }
}

impl Cpd {
    /// The whole table over parents with `cards` states, a row of `card` probabilities for each configuration, the last
    /// parent fastest. A noisy maximum's causes are taken one after the other, nothing subtracted.
    ///
    /// # Errors
    /// As [`Cpd::lower`].
    pub fn table(&self, card: usize, cards: &[usize]) -> Result<Vec<f64>> {
        let parents: Vec<usize> = (0..cards.len()).collect();
        let mut made = self.lower(card, &parents, cards, cards.len())?;
        if made.len() == 1 {
            return Ok(made.swap_remove(0).table);
        }
        let rows = cards.iter().try_fold(1usize, |n, &c| n.checked_mul(c)).unwrap_or(usize::MAX);
        fits(rows as f64 * card as f64)?;
        let mut table = Vec::with_capacity(rows * card);
        for states in configurations(cards, rows) {
            let mut law: Vec<f64> = vec![];
            for part in &made {
                let (size, state) = match part.parents.iter().find(|p| **p < cards.len()) {
                    Some(&parent) => (cards[parent], states[parent]),
                    None => (1, 0),
                };
                let row = |m: usize| &part.table[(m * size + state) * card..(m * size + state + 1) * card];
                law = match law.is_empty() {
                    true => row(0).to_vec(),
                    false => (0..card).map(|y| (0..card).map(|m| law[m] * row(m)[y]).sum()).collect(),
                };
            }
            table.extend(law);
        }
        Ok(table)
    }
}

fn wrong<T>(message: String) -> Result<T> {
    Err(Error::spec("", "", message))
}

fn expect(what: &str, found: usize, wanted: usize) -> Result<()> {
    if found == wanted { Ok(()) } else { wrong(format!("{what} has {found} numbers; expected {wanted}")) }
}

/// Refuses tables of more entries than memory holds.
fn fits(cells: f64) -> Result<()> {
    let (bytes, limit) = (8.0 * cells, limits::memory());
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("its table would take {bytes:.3e} bytes; {limit:.3e} are allowed");
    Err(Error::TooLarge { bytes, limit, message })
}

/// Partial maxima M₀ (the leak), M₁, …, the variable itself last: M_i = max(M_{i−1}, cause i).
fn chain(
    card: usize,
    parents: &[usize],
    cards: &[usize],
    links: &[Vec<f64>],
    leak: Option<&[f64]>,
    next: usize,
) -> Result<Vec<Lowered>> {
    expect("the list of links", links.len(), parents.len())?;
    for (i, (link, size)) in links.iter().zip(cards).enumerate() {
        expect(&format!("link {i}"), link.len(), size * card)?;
        link.chunks(card).try_for_each(|row| law(&format!("a row of link {i}"), row))?;
    }
    if let Some(leak) = leak {
        expect("the leak", leak.len(), card)?;
        law("the leak", leak)?;
    }
    fits(links.iter().map(|link| card as f64 * link.len() as f64).sum())?;
    let mut made = vec![];
    let mut before: Option<usize> = None;
    if let Some(leak) = leak {
        made.push(Lowered { card, parents: vec![], table: leak.to_vec() });
        before = Some(next);
    }
    for ((link, &parent), &size) in links.iter().zip(parents).zip(cards) {
        let (table, given) = match before {
            None => (link.clone(), vec![parent]),
            Some(last) => (larger(card, size, link), vec![last, parent]),
        };
        before = Some(next + made.len());
        made.push(Lowered { card, parents: given, table });
    }
    match made.is_empty() {
        true => wrong("a noisy maximum needs a parent or a leak".into()),
        false => Ok(made),
    }
}

/// P(max(m, cause) = y | m, state of the parent).
fn larger(card: usize, size: usize, link: &[f64]) -> Vec<f64> {
    let mut table = Vec::with_capacity(card * size * card);
    for m in 0..card {
        for row in link.chunks(card) {
            let below: f64 = row.iter().take(m + 1).sum();
            table.extend(row.iter().enumerate().map(|(y, &p)| match y.cmp(&m) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => below,
                std::cmp::Ordering::Greater => p,
            }));
        }
    }
    table
}

fn law(what: &str, row: &[f64]) -> Result<()> {
    let sum: f64 = row.iter().sum();
    if row.iter().any(|p| !p.is_finite() || *p < 0.0) || (sum - 1.0).abs() > super::row::TOLERANCE {
        return wrong(format!("{what} sums to {sum}; expected probabilities that sum to 1"));
    }
    Ok(())
}

/// Every configuration's states, the last parent fastest.
fn configurations(cards: &[usize], rows: usize) -> impl Iterator<Item = Vec<usize>> + '_ {
    (0..rows).map(move |mut row| {
        let mut states = vec![0; cards.len()];
        for (state, card) in states.iter_mut().zip(cards).rev() {
            *state = row % card;
            row /= card;
        }
        states
    })
}

/// Points that stand for the interval of a parent's state.
fn points(parents: usize) -> usize {
    match parents {
        0..=3 => 5,
        4..=5 => 3,
        _ => 1,
    }
}

fn ranked(card: usize, cards: &[usize], rows: usize, weights: &[f64], spread: f64, by: Summary) -> Result<Vec<f64>> {
    expect("the list of weights", weights.len(), cards.len())?;
    if weights.iter().any(|w| !w.is_finite() || *w < 0.0) || (!cards.is_empty() && weights.iter().sum::<f64>() <= 0.0) {
        return wrong("its weights are not finite, negative or all 0; expected positive numbers".into());
    }
    if spread.is_nan() || spread <= 0.0 {
        return wrong(format!("its spread is {spread}; expected a positive number"));
    }
    // A wider law is even within 1e-12, and its differences would lose their digits.
    let spread = spread.min(1e6);
    // libm's erfc is right to the last digit; statrs's is off by 1e-10.
    let below = |x: f64| 0.5 * libm::erfc(-x / (spread * std::f64::consts::SQRT_2));
    let fine = points(cards.len());
    let inner = vec![fine; cards.len()];
    let count = fine.pow(cards.len() as u32);
    let mut table = Vec::with_capacity(rows * card);
    for states in configurations(cards, rows) {
        let mut row = vec![0.0; card];
        for at in configurations(&inner, count) {
            let ranks: Vec<f64> = states
                .iter()
                .zip(cards)
                .zip(&at)
                .map(|((&state, &size), &k)| (state as f64 + (k as f64 + 0.5) / fine as f64) / size as f64)
                .collect();
            let mean = summary(&ranks, weights, by);
            // Above the mean by the lower tail: near 1 the differences would lose their digits.
            let between = |low: f64, high: f64| match low > mean {
                true => below(mean - low) - below(mean - high),
                false => below(high - mean) - below(low - mean),
            };
            let mass = between(0.0, 1.0);
            for (k, p) in row.iter_mut().enumerate() {
                let (low, high) = (k as f64 / card as f64, (k + 1) as f64 / card as f64);
                *p += between(low, high) / mass / count as f64;
            }
        }
        let total: f64 = row.iter().sum();
        table.extend(row.iter().map(|p| p / total));
    }
    Ok(table)
}

/// A weighted mean, or the weighted minimum or maximum of Fenton, Neil and Caballero (2007, section 4).
fn summary(ranks: &[f64], weights: &[f64], by: Summary) -> f64 {
    if ranks.is_empty() {
        return 0.5;
    }
    let sum: f64 = ranks.iter().sum();
    let rest = ranks.len() as f64 - 1.0;
    let leaning = ranks.iter().zip(weights).map(|(x, w)| (w * x + sum - x) / (w + rest));
    match by {
        Summary::Mean => ranks.iter().zip(weights).map(|(x, w)| w * x).sum::<f64>() / weights.iter().sum::<f64>(),
        Summary::Min => leaning.fold(f64::INFINITY, f64::min),
        Summary::Max => leaning.fold(f64::NEG_INFINITY, f64::max),
    }
}

fn logistic(card: usize, cards: &[usize], rows: usize, cuts: &[f64], effects: &[Vec<f64>]) -> Result<Vec<f64>> {
    expect("the list of cuts", cuts.len(), card.saturating_sub(1))?;
    expect("the list of effects", effects.len(), cards.len())?;
    for (i, (effect, size)) in effects.iter().zip(cards).enumerate() {
        expect(&format!("effect {i}"), effect.len(), *size)?;
    }
    let numbers = cuts.iter().chain(effects.iter().flatten());
    if numbers.clone().any(|x| !x.is_finite()) || cuts.windows(2).any(|pair| pair[0] >= pair[1]) {
        return wrong("its cuts and effects must be finite, and the cuts ascend".into());
    }
    let mut table = Vec::with_capacity(rows * card);
    for states in configurations(cards, rows) {
        let score: f64 = effects.iter().zip(&states).map(|(effect, &state)| effect[state]).sum();
        // Differences of a survival function on the far side keep the digits of small probabilities.
        let below = |k: usize| 1.0 / (1.0 + (score - cuts[k]).exp());
        let above = |k: usize| 1.0 / (1.0 + (cuts[k] - score).exp());
        table.extend((0..card).map(|k| match (k == 0, k + 1 == card) {
            (true, true) => 1.0,
            (true, false) => below(0),
            (false, true) => above(k - 1),
            _ if score > cuts[k] => below(k) - below(k - 1),
            _ => above(k - 1) - above(k),
        }));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The full table of a noisy maximum by its definition: P(Y ≤ y) = leak(≤ y) Π P(cause ≤ y).
    fn expanded(card: usize, cards: &[usize], links: &[Vec<f64>], leak: Option<&[f64]>) -> Vec<f64> {
        let rows = cards.iter().product();
        let up_to = |row: &[f64], y: usize| row[..=y].iter().sum::<f64>();
        let mut table = vec![];
        for states in configurations(cards, rows) {
            let cdf = |y: usize| {
                let causes = links.iter().zip(&states).map(|(link, s)| up_to(&link[s * card..(s + 1) * card], y));
                leak.map_or(1.0, |leak| up_to(leak, y)) * causes.product::<f64>()
            };
            table.extend((0..card).map(|y| cdf(y) - if y > 0 { cdf(y - 1) } else { 0.0 }));
        }
        table
    }

    #[test]
    fn a_chain_of_maxima_is_the_noisy_maximum() {
        let cards = [2, 3];
        let links = vec![vec![1.0, 0.0, 0.0, 0.2, 0.5, 0.3], vec![1.0, 0.0, 0.0, 0.6, 0.3, 0.1, 0.1, 0.1, 0.8]];
        for leak in [None, Some(vec![0.9, 0.07, 0.03])] {
            let cpd = Cpd::NoisyMax { links: links.clone(), leak: leak.clone() };
            let made = cpd.lower(3, &[0, 1], &cards, 2).unwrap();
            let wanted = expanded(3, &cards, &links, leak.as_deref());
            let whole = cpd.table(3, &cards).unwrap();
            assert!(whole.len() == wanted.len() && whole.iter().zip(&wanted).all(|(p, q)| (p - q).abs() < 1e-15));
            // Sum the partial maxima out by hand.
            for (row, states) in configurations(&cards, 6).enumerate() {
                let mut law: Option<Vec<f64>> = None;
                for part in &made {
                    let state = part.parents.iter().find(|p| **p < 2).map(|&p| states[p]);
                    law = Some(match (law, state) {
                        (None, None) => part.table.clone(),
                        (None, Some(s)) => part.table[s * 3..(s + 1) * 3].to_vec(),
                        (Some(law), s) => {
                            let size = part.table.len() / 9;
                            let at = |m: usize, y: usize| part.table[(m * size + s.unwrap_or(0)) * 3 + y];
                            (0..3).map(|y| (0..3).map(|m| law[m] * at(m, y)).sum()).collect()
                        }
                    });
                }
                for (found, wanted) in law.unwrap().iter().zip(&wanted[row * 3..]) {
                    assert!((found - wanted).abs() < 1e-15);
                }
            }
        }
    }

    #[test]
    fn a_logistic_table_is_the_difference_of_logistics() {
        let cpd = Cpd::Logistic { cuts: vec![-1.0, 2.0], effects: vec![vec![0.0, 40.0]] };
        let table = &cpd.lower(3, &[0], &[2], 1).unwrap()[0].table;
        let f = |x: f64| 1.0 / (1.0 + (-x).exp());
        for (found, wanted) in table.iter().zip([f(-1.0), f(2.0) - f(-1.0), 1.0 - f(2.0)]) {
            assert!((found - wanted).abs() < 1e-15);
        }
        // 40 away the lowest state has e^−41: no digit of it is lost.
        assert!((table[3] / (-41f64).exp() - 1.0).abs() < 1e-14);
    }

    #[test]
    fn ranks_pull_towards_the_summary() {
        let cpd = |by| Cpd::Ranked { weights: vec![1.0, 3.0], spread: 0.1, by };
        let table = &cpd(Summary::Mean).lower(3, &[0, 1], &[3, 3], 2).unwrap()[0].table;
        let mode = |row: usize| (0..3).max_by(|a, b| table[row * 3 + a].total_cmp(&table[row * 3 + b])).unwrap();
        assert_eq!((mode(0), mode(4), mode(8)), (0, 1, 2));
        assert_eq!(mode(2), 2, "the heavier parent is high");
        let sums = table.chunks(3).map(|row| row.iter().sum::<f64>());
        assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-14));
    }

    #[test]
    fn both_tails_of_ranks_keep_their_digits() {
        let table = |spread| {
            let cpd = Cpd::Ranked { weights: vec![1.0], spread, by: Summary::Mean };
            cpd.lower(4, &[0], &[4], 1).unwrap().remove(0).table
        };
        let narrow = table(0.05);
        for (low, high) in narrow[..4].iter().zip(narrow[12..].iter().rev()) {
            assert!(*low > 0.0 && (low / high - 1.0).abs() < 1e-9, "{low} {high}");
        }
        for spread in [1e12, 1e300, f64::INFINITY] {
            assert!(table(spread).iter().all(|p| (p - 0.25).abs() < 1e-9), "{spread}");
        }
    }

    #[test]
    fn malformed_laws_are_refused() {
        let lower = |cpd: Cpd| cpd.lower(2, &[0], &[2], 1).unwrap_err().to_string();
        assert!(lower(Cpd::Table(vec![1.0])).contains("expected 4"));
        assert!(lower(Cpd::Function(vec![0, 2])).contains("state 2"));
        assert!(lower(Cpd::NoisyMax { links: vec![], leak: None }).contains("expected 1"));
        assert!(lower(Cpd::NoisyMax { links: vec![vec![0.5, 0.6, 1.0, 0.0]], leak: None }).contains("sums to 1.1"));
        assert!(lower(Cpd::Ranked { weights: vec![-1.0], spread: 1.0, by: Summary::Mean }).contains("weights"));
        for spread in [0.0, -1.0, f64::NAN] {
            assert!(lower(Cpd::Ranked { weights: vec![1.0], spread, by: Summary::Mean }).contains("spread"));
        }
        assert!(lower(Cpd::Logistic { cuts: vec![], effects: vec![vec![0.0, 1.0]] }).contains("expected 1"));
    }
}
