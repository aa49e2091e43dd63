//! Paths of units: the law of the rung at each row given all rows, the likeliest rungs, and new units simulated.

use super::chain::{Said, Tables, Work};
use super::compile::{Chain, Op};
use super::fit::PanelFit;
use crate::ground::{Control, Result, random};
use nalgebra::DMatrix;
use rand::RngExt;

/// For each unit's rows in order, n numbers: the law of the joint rung given all that was seen of the unit.
///
/// # Errors
/// `Impossible` where what was seen cannot be; `Interrupted`.
pub fn smoothed(fit: &PanelFit, control: &Control) -> Result<Vec<f64>> {
    each(fit, control, |tables, chain, work| {
        let n = tables.panel.structure.n;
        let mut said = Said::default();
        tables.tell(&Chain { weight: 1.0, ..chain.clone() }, work, &mut said)?;
        // The expected rungs at looks were told backward.
        let mut laws: Vec<Vec<f64>> = said.occupied.chunks_exact(n).map(<[f64]>::to_vec).collect();
        laws.reverse();
        Ok(laws)
    })
}

/// For each unit's rows in order, the joint rung on the unit's likeliest way through its rows (Viterbi 1967).
///
/// # Errors
/// As [`smoothed`].
pub fn likeliest(fit: &PanelFit, control: &Control) -> Result<Vec<usize>> {
    let laws = each(fit, control, |tables, chain, _| Ok(viterbi(tables, chain)))?;
    let n = fit.panel.structure.n;
    Ok(laws.chunks_exact(n).map(|law| (0..n).max_by(|&a, &b| law[a].total_cmp(&law[b])).unwrap_or(0)).collect())
}

/// Laws at every row: certain where the rung is known, else what `chain` tells of its looks, in order.
fn each(
    fit: &PanelFit,
    control: &Control,
    of: impl Fn(&Tables<'_>, &Chain, &mut Work) -> Result<Vec<Vec<f64>>>,
) -> Result<Vec<f64>> {
    let panel = &*fit.panel;
    let values = fit.model.parameters.values(&fit.theta);
    let rates = panel.all_rates(&values);
    let laws = panel.chain_laws(&rates, control)?;
    let ((looks, bases), first) = (panel.look_table(&values), panel.first_law(&values, &rates)?);
    let tables = Tables { panel, laws: &laws, looks: &looks, bases: &bases, rates: &rates, first: &first };
    let n = panel.structure.n;
    let mut work = Work::default();
    let mut out = vec![];
    let mut chains = panel.chains.iter().peekable();
    for (unit, history) in panel.histories.iter().enumerate() {
        control.check()?;
        let mut hidden = vec![];
        while let Some(chain) = chains.next_if(|chain| chain.unit == unit) {
            hidden.extend(of(&tables, chain, &mut work)?);
        }
        let mut hidden = hidden.into_iter();
        for row in history {
            match row.known {
                Some(state) if !row.chained => out.extend((0..n).map(|s| f64::from(u8::from(s == state)))),
                _ => out.extend(hidden.next().unwrap_or_else(|| vec![f64::NAN; n])),
            }
        }
    }
    Ok(out)
}

/// The likeliest states at a chain's looks, each as a certain law; what lies between two looks is summed over.
fn viterbi(tables: &Tables<'_>, chain: &Chain) -> Vec<Vec<f64>> {
    let n = tables.panel.structure.n;
    let mut best: Vec<f64> = tables.begin(chain).iter().map(|p| p.ln()).collect();
    let mut back: Vec<Vec<usize>> = vec![];
    let mut step = DMatrix::<f64>::identity(n, n);
    for &op in &tables.panel.ops[chain.ops.clone()] {
        step *= DMatrix::from_row_slice(n, n, &tables.matrix(op));
        if !matches!(op, Op::Look(_)) {
            continue;
        }
        let to = |j: usize| -> (f64, usize) {
            let ways = (0..n).map(|i| (best[i] + step[(i, j)].ln(), i));
            ways.fold((f64::NEG_INFINITY, 0), |most, way| if way.0 > most.0 { way } else { most })
        };
        let next: Vec<(f64, usize)> = (0..n).map(to).collect();
        best = next.iter().map(|way| way.0).collect();
        back.push(next.iter().map(|way| way.1).collect());
        step.fill_with_identity();
    }
    let mut state = (0..n).max_by(|&a, &b| best[a].total_cmp(&best[b])).unwrap_or(0);
    let mut out = vec![];
    for from in back.iter().rev() {
        out.push((0..n).map(|s| f64::from(u8::from(s == state))).collect());
        state = from[state];
    }
    out.reverse();
    out
}

type Simulated = (Vec<i64>, Vec<f64>, Vec<i64>);

/// `n` units from a joint rung at time 0 until a time, covariates as given: each rung with the time of its entry.
///
/// # Errors
/// `Interrupted`.
pub fn simulate(
    fit: &PanelFit,
    covariates: &[f64],
    from: usize,
    until: f64,
    n: usize,
    seed: u64,
    control: &Control,
) -> Result<Simulated> {
    let structure = &fit.panel.structure;
    let values = fit.model.parameters.values(&fit.theta);
    let mut ends: Vec<f64> = structure.cuts.iter().copied().filter(|cut| *cut > 0.0 && *cut < until).collect();
    ends.push(until);
    let mut periods = vec![];
    let mut start = 0.0;
    for &end in &ends {
        let design = fit.design(covariates, 0.5 * (start + end));
        periods.push((end, structure.generator(&values, &design)));
        start = end;
    }
    let size = structure.n;
    let (mut units, mut times, mut rungs) = (vec![], vec![], vec![]);
    for unit in 0..n {
        if unit % 1024 == 0 {
            control.check()?;
        }
        let mut rng = random::stream(seed, unit as u64);
        let (mut now, mut state) = (0.0, from);
        units.push(unit as i64);
        times.push(0.0);
        rungs.push(state as i64);
        for (end, q) in &periods {
            loop {
                let row = &q[state * size..(state + 1) * size];
                let exit: f64 = row.iter().sum();
                let wait = -(-rng.random::<f64>()).ln_1p() / exit;
                if exit <= 0.0 || now + wait >= *end {
                    now = *end;
                    break;
                }
                now += wait;
                let mut left = rng.random::<f64>() * exit;
                state = (0..size)
                    .find(|&j| {
                        left -= row[j];
                        left < 0.0
                    })
                    .unwrap_or(state);
                units.push(unit as i64);
                times.push(now);
                rungs.push(state as i64);
            }
        }
    }
    Ok((units, times, rungs))
}
