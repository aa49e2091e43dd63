//! How many Poisson weights a flow takes: enough for its rarest path, which the sum alone would not show.

use escalade::markov::poisson;

/// What is cut may be as small as this, relative to the largest weight.
const TAIL: f64 = 1e-17;

#[test]
fn weights_reach_past_the_cut_by_the_rarest_path() {
    for mean in [1e-9, 1e-3, 0.4, 3.0, 57.3, 900.0] {
        let fewest = poisson::weights(mean, 0).len();
        for reach in 1..9 {
            assert_eq!(poisson::weights(mean, reach).len(), fewest + reach, "mean {mean}, reach {reach}");
        }
    }
}

#[test]
fn a_path_of_rare_moves_has_its_weight_and_its_tail() {
    for mean in [1e-9, 1e-6, 1e-3] {
        let weights = poisson::weights(mean, 4);
        let mut exact = (-mean).exp();
        for (n, weight) in weights.iter().enumerate() {
            if n > 0 {
                exact *= mean / n as f64;
            }
            assert!((weight - exact).abs() <= 1e-12 * exact, "mean {mean}, {n}: {weight}, wanted {exact}");
        }
        // Given a path of four moves the cut is as far below it as without one below no move at all.
        assert!(weights.len() > 4 && exact * mean / weights.len() as f64 <= TAIL * weights[4], "mean {mean}");
    }
}

#[test]
fn the_cut_is_below_the_largest_weight() {
    for mean in [0.4_f64, 3.0, 57.3, 900.0] {
        let weights = poisson::weights(mean, 0);
        let largest = weights.iter().fold(0.0_f64, |a, &b| a.max(b));
        let next = weights[weights.len() - 1] * mean / weights.len() as f64;
        assert!(next <= TAIL * largest, "mean {mean}: {next} of {largest}");
    }
}
