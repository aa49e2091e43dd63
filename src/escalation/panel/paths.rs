//! Paths of units: the law of the rung at each row given all rows, the likeliest rungs, and new units simulated.

use super::chain::{Said, Tables, Work};
use super::compile::{Chain, Op, Panel, Row};
use super::fit::PanelFit;
use crate::ground::{Control, Error, Result, random};
use nalgebra::DMatrix;
use rand::RngExt;

/// For each unit's rows in order, n numbers: the law of the joint rung given all that was seen of the unit.
///
/// # Errors
/// `Impossible` where what was seen cannot be; `Interrupted`.
pub fn smoothed(fit: &PanelFit, control: &Control) -> Result<Vec<f64>> {
    let (panel, structure) = (&*fit.panel, &fit.panel.structure);
    let n = structure.n_rungs;
    let mixture = panel.mixture(&fit.model, &fit.model.parameters.values(&fit.theta), control)?;
    let mut work = Work::default();
    let mut out = vec![];
    with_tables(fit, control, |tables| {
        for unit in 0..panel.units.len() {
            control.check()?;
            let start = out.len();
            out.resize(start + panel.rows_of(unit).len() * n, 0.0);
            for class in 0..panel.n_classes() {
                let weight = mixture.as_ref().map_or(1.0, |m| m.weights[unit * panel.n_classes() + class]);
                if weight == 0.0 {
                    continue;
                }
                let mut hidden = vec![];
                for chain in chains_of(panel, unit, class) {
                    let mut said = Said::default();
                    tables.tell(chain, 1.0, &mut work, &mut said)?;
                    // The expected rungs at looks were told backward.
                    hidden.extend(said.occupied.chunks_exact(structure.n).rev().map(|own| structure.fold(own)));
                }
                let mut hidden = hidden.into_iter();
                let rows = &panel.histories[unit * panel.n_classes() + class];
                for (row, own) in rows.iter().zip(out[start..].chunks_exact_mut(n)) {
                    let law = match row.known {
                        Some(state) if !row.chained => (0..n).map(|s| f64::from(u8::from(s == state))).collect(),
                        _ => hidden.next().unwrap_or_else(|| vec![f64::NAN; n]),
                    };
                    own.iter_mut().zip(&law).for_each(|(sum, p)| *sum += weight * p);
                }
            }
        }
        Ok(())
    })?;
    Ok(out)
}

/// Of each unit the class (0 where it has none), and of its rows in order the joint rung, on its likeliest way through its
/// rows in any class (Viterbi 1967).
///
/// # Errors
/// As [`smoothed`].
pub fn likeliest(fit: &PanelFit, control: &Control) -> Result<(Vec<usize>, Vec<usize>)> {
    let panel = &*fit.panel;
    let values = fit.model.parameters.values(&fit.theta);
    let laws = match &panel.classes {
        Some(classes) => classes.profiles.laws(classes, &fit.model, &values)?,
        None => vec![vec![1.0]],
    };
    let (mut classes, mut out) = (vec![], vec![]);
    with_tables(fit, control, |tables| {
        let known = panel.classes.as_ref().map(|classes| panel.known_logs(classes, tables));
        for unit in 0..panel.units.len() {
            control.check()?;
            let law = &laws[panel.classes.as_ref().map_or(0, |classes| classes.profiles.of[unit])];
            let (mut best, mut way, mut class) = (f64::NEG_INFINITY, vec![], 0);
            for (c, p) in law.iter().enumerate() {
                let mut log = known.as_ref().map_or(0.0, |logs| logs[unit * law.len() + c]) + p.ln();
                if log == f64::NEG_INFINITY {
                    continue;
                }
                let mut hidden = vec![];
                for chain in chains_of(panel, unit, c) {
                    let (own, rungs) = way_through(tables, chain)?;
                    log += own;
                    hidden.extend(rungs);
                }
                let mut hidden = hidden.into_iter();
                let rows = &panel.histories[unit * law.len() + c];
                let at = |row: &Row| match row.known {
                    Some(state) if !row.chained => state,
                    _ => hidden.next().unwrap_or(0),
                };
                let own: Vec<usize> = rows.iter().map(at).collect();
                if log > best {
                    (best, way, class) = (log, own, c);
                }
            }
            classes.push(class);
            out.extend(way);
        }
        Ok(())
    })?;
    Ok((classes, out))
}

/// The chains of a unit in a class.
fn chains_of(panel: &Panel, unit: usize, class: usize) -> &[Chain] {
    if let Some(classes) = &panel.classes {
        return &panel.chains[classes.of(unit)[class].chains.clone()];
    }
    let start = panel.chains.partition_point(|chain| chain.unit < unit);
    let end = panel.chains.partition_point(|chain| chain.unit <= unit);
    &panel.chains[start..end]
}

/// What chains look up at the estimate.
fn with_tables(fit: &PanelFit, control: &Control, mut of: impl FnMut(&Tables<'_>) -> Result<()>) -> Result<()> {
    let panel = &*fit.panel;
    let values = fit.model.parameters.values(&fit.theta);
    let rates = panel.all_rates(&values);
    let laws = panel.chain_laws(&rates, control)?;
    let ((looks, bases), first) = (panel.look_table(&values), panel.first_law(&values, &rates)?);
    of(&Tables { panel, laws: &laws, looks: &looks, bases: &bases, rates: &rates, first: &first })
}

/// The likeliest joint rungs at a chain's looks, and the logarithm of their weight.
///
/// # Errors
/// `Spec` where stages leave no single likeliest way: what is likeliest of rungs is a sum over their stages, of all rows at
/// once. Where every row's rung is seen there is one way only.
fn way_through(tables: &Tables<'_>, chain: &Chain) -> Result<(f64, Vec<usize>)> {
    let structure = &tables.panel.structure;
    if !structure.is_staged() {
        return Ok(viterbi(tables, chain));
    }
    let mut rungs = vec![];
    for &op in &tables.panel.ops[chain.ops.clone()] {
        let Op::Look(look) = op else { continue };
        let possible = &tables.panel.looks[look].rungs;
        let mut own = structure.joint.iter().zip(possible).filter(|(_, possible)| **possible).map(|(joint, _)| *joint);
        let first = own.next().unwrap_or(0);
        if own.any(|other| other != first) {
            let message = "the rungs of hidden rows have no likeliest path where a ladder has stages; expected \
                           `smoothed`, or a column of rungs";
            return Err(Error::spec("likeliest", "the likeliest path", message));
        }
        rungs.push(first);
    }
    let mut work = Work::default();
    let log = match tables.rows(chain, &mut work.rows, &mut work.scales) {
        Err(Error::Impossible { .. }) => f64::NEG_INFINITY,
        other => other?,
    };
    Ok((log, rungs))
}

/// The likeliest states at a chain's looks, and the logarithm of their weight; what lies between two looks is summed over.
fn viterbi(tables: &Tables<'_>, chain: &Chain) -> (f64, Vec<usize>) {
    let n = tables.panel.structure.n;
    let mut best: Vec<f64> = tables.begin(chain).iter().map(|p| p.ln()).collect();
    let mut back: Vec<Vec<usize>> = vec![];
    let mut step = DMatrix::<f64>::identity(n, n);
    let mut base = 0.0;
    for &op in &tables.panel.ops[chain.ops.clone()] {
        step *= DMatrix::from_row_slice(n, n, &tables.matrix(op));
        let Op::Look(look) = op else { continue };
        base += tables.bases[look];
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
    let log = best[state] + base;
    let mut out = vec![];
    for from in back.iter().rev() {
        out.push(state);
        state = from[state];
    }
    out.reverse();
    (log, out)
}

/// Simulated units: their numbers, and what each enters when.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Simulated {
    pub units: Vec<i64>,
    pub times: Vec<f64>,
    pub rungs: Vec<i64>,
    /// The class of each unit (not of each row).
    pub classes: Vec<usize>,
}

/// What new units are like.
#[derive(Debug, Clone, Default)]
pub struct Like<'a> {
    pub covariates: &'a [f64],
    /// Drivers that are given, (driver, state); the rest is drawn.
    pub given: &'a [(usize, usize)],
    /// The joint rung at time 0.
    pub from: usize,
}

/// `n` units from time 0 until a time: each rung with the time of its entry.
///
/// # Errors
/// `Spec` where what is given has probability 0; `Interrupted`.
pub fn simulate(
    fit: &PanelFit,
    like: &Like<'_>,
    until: f64,
    n: usize,
    seed: u64,
    control: &Control,
) -> Result<Simulated> {
    let structure = &fit.panel.structure;
    let values = fit.model.parameters.values(&fit.theta);
    let law = fit.law_of(&values, like.given, &fit.profile(like.covariates))?;
    let mut ends: Vec<f64> = structure.cuts.iter().copied().filter(|cut| *cut > 0.0 && *cut < until).collect();
    ends.push(until);
    let periods = |class: usize| -> Vec<(f64, Vec<f64>)> {
        let drivers = fit.panel.classes.as_ref().map_or(&[][..], |classes| &classes.configs[class]);
        let starts = std::iter::once(0.0).chain(ends.iter().copied());
        let design = |start: f64, end: f64| fit.design(drivers, like.covariates, 0.5 * (start + end));
        starts.zip(&ends).map(|(start, &end)| (end, structure.generator(&values, &design(start, end)))).collect()
    };
    let periods: Vec<Vec<(f64, Vec<f64>)>> = (0..law.len()).map(periods).collect();
    let size = structure.n;
    let stages: Vec<usize> = (0..size).filter(|&state| structure.joint[state] == like.from).collect();
    let shares: Vec<f64> = stages.iter().map(|&state| structure.shares[state]).collect();
    let mut out = Simulated::default();
    for unit in 0..n {
        if unit % 1024 == 0 {
            control.check()?;
        }
        let mut rng = random::stream(seed, unit as u64);
        let class = if law.len() > 1 { pick(&law, rng.random::<f64>(), 0) } else { 0 };
        out.classes.push(class);
        let stage = if stages.len() > 1 { pick(&shares, rng.random::<f64>(), 0) } else { 0 };
        let (mut now, mut state) = (0.0, stages.get(stage).copied().unwrap_or(0));
        let mut tell = |time: f64, state: usize| {
            out.units.push(unit as i64);
            out.times.push(time);
            out.rungs.push(structure.joint[state] as i64);
        };
        tell(now, state);
        for (end, q) in &periods[class] {
            loop {
                let row = &q[state * size..(state + 1) * size];
                let exit: f64 = row.iter().sum();
                let wait = -(-rng.random::<f64>()).ln_1p() / exit;
                if exit <= 0.0 || now + wait >= *end {
                    now = *end;
                    break;
                }
                now += wait;
                let before = state;
                state = pick(row, rng.random::<f64>() * exit, state);
                if structure.joint[before] != structure.joint[state] {
                    tell(now, state);
                }
            }
        }
    }
    Ok(out)
}

/// The first place at which the weights so far exceed a number.
fn pick(weights: &[f64], mut left: f64, otherwise: usize) -> usize {
    let passed = |&j: &usize| {
        left -= weights[j];
        left < 0.0
    };
    (0..weights.len()).find(passed).unwrap_or(otherwise)
}
