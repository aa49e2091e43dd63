//! Flows against dense exponentials written apart from them: forward, backward, monitors, counters, expected statistics.

use escalade::ground::Control;
use escalade::markov::monitor::Classes;
use escalade::markov::{
    Arc, Automaton, Carried, Counter, Drain, Field, Flow, NO_LABEL, Open, Space, Stencil, Tally, Tiles,
};
use nalgebra::DMatrix;
use proptest::prelude::*;

/// Agreement asked of two ways to the same number.
const TOLERANCE: f64 = 1e-10;

#[derive(Debug, Clone)]
struct World {
    sizes: Vec<usize>,
    rates: Vec<f64>,
    /// Class-1 set of the monitor.
    set: Vec<bool>,
    length: f64,
    row: Vec<f64>,
    column: Vec<f64>,
}

fn world() -> impl Strategy<Value = World> {
    proptest::collection::vec(2usize..4, 1..4).prop_flat_map(|sizes| {
        let n: usize = sizes.iter().product();
        let labels = 3 * sizes.iter().sum::<usize>() * 4;
        (
            Just(sizes),
            proptest::collection::vec(0.01..2.0f64, labels),
            proptest::collection::vec(any::<bool>(), n),
            prop_oneof![0.01..0.5f64, 1.0..20.0f64, 200.0..400.0f64],
            proptest::collection::vec(0.0..1.0f64, n * 4),
            proptest::collection::vec(0.01..1.0f64, n * 4),
        )
            .prop_map(|(sizes, rates, set, length, row, column)| World {
                sizes,
                rates,
                set,
                length,
                row,
                column,
            })
    })
}

/// Neighbour moves on every axis; the rate of axis a depends on the rung of axis a + 1 where there is one.
fn arcs(space: &Space, rates: &[f64]) -> Vec<Arc> {
    let mut arcs = vec![];
    let mut label = 0u32;
    for axis in 0..space.sizes().len() {
        let looks: Vec<usize> = if axis + 1 < space.sizes().len() { vec![axis + 1] } else { vec![] };
        for from in 0..space.sizes()[axis] {
            for to in [from.wrapping_sub(1), from + 1].into_iter().filter(|&to| to < space.sizes()[axis]) {
                let label = Field::tabulate(space, looks.clone(), |digits| {
                    // One context has no such move.
                    if digits.first() == Some(&1) && to > from {
                        return NO_LABEL;
                    }
                    label += 1;
                    (label - 1) % rates.len() as u32
                });
                arcs.push(Arc { axis, from, to, label });
            }
        }
    }
    arcs
}

fn generator(space: &Space, arcs: &[Arc], rates: &[f64]) -> DMatrix<f64> {
    let mut q = DMatrix::zeros(space.len(), space.len());
    for x in 0..space.len() {
        for arc in arcs.iter().filter(|arc| space.digit(x, arc.axis) == arc.from) {
            let label = *arc.label.at(space, x);
            if label != NO_LABEL {
                let mut digits = space.digits(x);
                digits[arc.axis] = arc.to;
                q[(x, space.index(&digits))] += rates[label as usize];
                q[(x, x)] -= rates[label as usize];
            }
        }
    }
    q
}

/// The generator beside a count of up to one event at intensity `rates[0]` and the monitor "has been in the set".
fn extended(w: &World, space: &Space, arcs: &[Arc], rates: &[f64]) -> DMatrix<f64> {
    let n = space.len();
    let q = generator(space, arcs, rates);
    let mut big = DMatrix::zeros(4 * n, 4 * n);
    for level in 0..4 {
        let (count, reached) = (level / 2, level % 2);
        for x in 0..n {
            for y in (0..n).filter(|&y| y != x) {
                let next = if w.set[y] { 1 } else { reached };
                big[(level * n + x, (count * 2 + next) * n + y)] += q[(x, y)];
            }
            big[(level * n + x, level * n + x)] += q[(x, x)] - rates[0];
            if count == 0 {
                big[(level * n + x, (2 + reached) * n + x)] += rates[0];
            }
        }
    }
    big
}

fn classes(set: &[bool]) -> Classes {
    Classes::new(set.iter().enumerate().map(|(x, &inside)| (x, x + 1, u8::from(inside))).collect())
}

struct Made {
    space: Space,
    stencil: Stencil,
    tiles: Tiles,
    exit: Vec<f64>,
    label: Field<u32>,
    classes: Classes,
    reach: Automaton,
    arcs: Vec<Arc>,
    control: Control,
}

fn make(w: &World, rates: &[f64]) -> Made {
    let space = Space::new(w.sizes.clone());
    let arcs = arcs(&space, rates);
    let stencil = Stencil::new(space.clone(), &arcs);
    let tiles = stencil.fill(rates);
    let mut exit = vec![0.0; space.len()];
    stencil.exits(&tiles, &mut exit);
    let label = Field::tabulate(&space, vec![], |_| 0);
    Made {
        stencil,
        tiles,
        exit,
        label,
        classes: classes(&w.set),
        reach: Automaton::reach(),
        arcs,
        space,
        control: Control::default(),
    }
}

fn flow<'a>(made: &'a Made, rates: &'a [f64]) -> Flow<'a> {
    tilted(made, rates, 1.0)
}

fn tilted<'a>(made: &'a Made, rates: &'a [f64], tilt: f64) -> Flow<'a> {
    let open = Open {
        automaton: &made.reach,
        classes: &made.classes,
        stride: 1,
        listens: true,
        detour: made.space.sizes().iter().map(|size| size - 1).sum(),
    };
    let drain = Drain { label: &made.label, counter: Some(Counter { stride: 2, levels: 2, tilt, keeps: false }) };
    Flow::new(&made.stencil, &made.tiles, &made.exit, rates, vec![drain], vec![open], 4, &made.control)
}

/// A start that respects the monitor: nothing in the set that has not been there.
fn start(w: &World) -> Vec<f64> {
    let n = w.set.len();
    let mut row = w.row.clone();
    for level in [0, 2] {
        (0..n).filter(|&x| w.set[x]).for_each(|x| row[level * n + x] = 0.0);
    }
    row
}

fn log_value(w: &World, rates: &[f64]) -> f64 {
    let made = make(w, rates);
    let (end, log) = flow(&made, rates).forward(&start(w), w.length);
    end.iter().zip(&w.column).map(|(a, b)| a * b).sum::<f64>().ln() + log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_flow_is_the_exponential_of_its_extended_generator(w in world()) {
        let made = make(&w, &w.rates);
        let flow = flow(&made, &w.rates);
        let e = (extended(&w, &made.space, &made.arcs, &w.rates) * w.length).exp();
        let row = start(&w);
        let (forward, log) = flow.forward(&row, w.length);
        let backward = flow.backward(&w.column, w.length);
        let exact = nalgebra::RowDVector::from_row_slice(&row) * &e;
        let scale = exact.max();
        for (a, b) in forward.iter().zip(exact.iter()) {
            prop_assert!((a * log.exp() - b).abs() <= TOLERANCE * scale.max(1e-300), "{a} {b}");
        }
        let n = made.space.len();
        let exact = &e * nalgebra::DVector::from_row_slice(&w.column);
        prop_assume!(log == 0.0);
        for (k, (a, b)) in backward.iter().zip(exact.iter()).enumerate() {
            // Where the monitor cannot be, nothing is asked of the backward vector.
            if !(w.set[k % n] && (k / n).is_multiple_of(2)) {
                prop_assert!((a - b).abs() <= TOLERANCE * exact.max(), "{k}: {a} {b}");
            }
        }
    }

    #[test]
    fn a_tilt_multiplies_the_levels_of_a_count(w in world(), tilt in prop_oneof![0.01..1.0f64, 1.0..50.0f64]) {
        let made = make(&w, &w.rates);
        let (plain, log) = flow(&made, &w.rates).forward(&start(&w), w.length);
        let tilt_start: Vec<f64> =
            start(&w).iter().enumerate().map(|(k, x)| x * tilt.powi((k / (2 * w.set.len())) as i32)).collect();
        let (carried, tilted_log) = tilted(&made, &w.rates, tilt).forward(&tilt_start, w.length);
        let scale = plain.iter().sum::<f64>() * (log - tilted_log).exp();
        prop_assume!(scale > 1e-200);
        for (k, (a, b)) in carried.iter().zip(&plain).enumerate() {
            let b = b * (log - tilted_log).exp() * tilt.powi((k / (2 * w.set.len())) as i32);
            // Nothing is asked of digits that the plain flow loses to underflow.
            prop_assert!((a - b).abs() <= TOLERANCE * b.max(1e-100 * scale), "{k}: {a} {b}");
        }
    }

    #[test]
    fn laws_on_the_way_are_those_of_a_flow_that_ends_there(w in world()) {
        let made = make(&w, &w.rates);
        let flow = Flow::new(&made.stencil, &made.tiles, &made.exit, &w.rates, vec![], vec![], 1, &made.control);
        let row = &w.row[..made.space.len()];
        let times = [0.3 * w.length, 0.7 * w.length, w.length];
        let Carried { row: end, log, laws, .. } = flow.forward_laws(row, w.length, &times, false, <[f64]>::to_vec);
        prop_assert!(log == 0.0);
        for (time, law) in times.iter().zip(laws.iter().chain([&end])) {
            let wanted = flow.forward(row, *time).0;
            law.iter().zip(&wanted).for_each(|(a, b)| assert!((a - b).abs() <= TOLERANCE * b.max(1e-300)));
        }
        let wanted = flow.forward(row, w.length).0;
        end.iter().zip(&wanted).for_each(|(a, b)| assert!((a - b).abs() <= TOLERANCE * b.max(1e-300)));
    }

    #[test]
    fn expected_statistics_are_the_gradient_in_the_log_rates(w in world()) {
        let made = make(&w, &w.rates);
        let flow = flow(&made, &w.rates);
        let mut tally = Tally::new(w.rates.len());
        let total = log_value(&w, &w.rates);
        prop_assume!(total.is_finite());
        let back = flow.backward_tally(&start(&w), &w.column, w.length, 1.0, &mut tally);
        let again = flow.backward(&w.column, w.length);
        let scale: f64 = back.iter().sum::<f64>() / again.iter().sum::<f64>();
        for (a, b) in back.iter().zip(again) {
            prop_assert!((a - scale * b).abs() <= TOLERANCE * (scale * b).abs().max(1e-6));
        }
        for k in 0..w.rates.len().min(12) {
            let step = 1e-5;
            let shifted = |sign: f64| {
                let mut rates = w.rates.clone();
                rates[k] *= (sign * step).exp();
                log_value(&w, &rates)
            };
            let slope = (shifted(1.0) - shifted(-1.0)) / (2.0 * step);
            let exact = tally.moves[k] - w.rates[k] * tally.time[k];
            prop_assert!((slope - exact).abs() <= 1e-6 * (1.0 + tally.moves[k].abs()), "{k}: {slope} {exact} of {total}");
        }
    }
}

/// Two states, moves both ways at one rate.
fn pair(rate: f64, read: impl FnOnce(Flow<'_>)) {
    let space = Space::new(vec![2]);
    let label = |_: &[usize]| 0;
    let arc = |from, to| Arc { axis: 0, from, to, label: Field::tabulate(&space, vec![], label) };
    let stencil = Stencil::new(space.clone(), &[arc(0, 1), arc(1, 0)]);
    let (rates, control) = ([rate], Control::default());
    let tiles = stencil.fill(&rates);
    let mut exit = vec![0.0; 2];
    stencil.exits(&tiles, &mut exit);
    read(Flow::new(&stencil, &tiles, &exit, &rates, vec![], vec![], 1, &control));
}

#[test]
fn a_stiff_flow_takes_no_more_memory_than_its_matrix() {
    for rate in [1e7, 1e12, 1e100, 1e290] {
        pair(rate, |flow| {
            flow.check(1000.0).expect("a dense exponential");
            let (end, _) = flow.forward(&[1.0, 0.0], 1000.0);
            assert!(end.iter().all(|p| (p - 0.5).abs() < TOLERANCE), "{rate}: {end:?}");
            let back = flow.backward(&[1.0, 0.0], 1000.0);
            assert!(back.iter().all(|p| (p - 0.5).abs() < TOLERANCE), "{rate}: {back:?}");
        });
    }
}

#[test]
fn rates_beyond_every_exponential_are_refused_by_name() {
    pair(1e308, |flow| {
        let error = flow.check(1000.0).expect_err("a rate too large");
        assert!(error.to_string().contains("1.000e308 a day"), "{error}");
    });
}
