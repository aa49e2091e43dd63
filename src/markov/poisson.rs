//! Poisson weights for uniformisation, truncated so that rare paths keep their relative accuracy.

/// Size of the tail that is cut, relative to the largest weight.
const TAIL: f64 = 1e-17;

/// The probabilities of 0, 1, … events of a Poisson variable with a finite mean, cut `reach` events after what is left
/// falls below 1e-17 of the largest: given a path of `reach` rare moves, the number of events is `reach` and a Poisson
/// number more, so that paths as rare as that keep their relative accuracy.
///
/// Built outwards from the mode and divided by the sum, so no weight is worse than a few ulp (Fox and Glynn 1988).
pub fn weights(mean: f64, reach: usize) -> Vec<f64> {
    let mode = mean.floor() as usize;
    let mut all = Vec::with_capacity(steps(mean, reach));
    let mut weight = 1.0;
    all.push(weight);
    for n in (1..=mode).rev() {
        weight *= n as f64 / mean;
        all.push(weight);
    }
    all.reverse();
    weight = 1.0;
    let mut more = None;
    for n in mode.. {
        let ratio = mean / (n + 1) as f64;
        if more.is_none() && ratio < 1.0 && weight * ratio / (1.0 - ratio) <= TAIL {
            more = Some(reach);
        }
        match &mut more {
            Some(0) => break,
            Some(left) => *left -= 1,
            None => {}
        }
        weight *= ratio;
        all.push(weight);
    }
    let total: f64 = all.iter().sum();
    all.iter_mut().for_each(|w| *w /= total);
    all
}

/// How many steps `weights` takes, without making them (for accounts of cost).
pub fn steps(mean: f64, reach: usize) -> usize {
    ((mean + 8.5 * mean.sqrt() + 12.0) as usize).saturating_add(reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Discrete, Poisson};

    #[test]
    fn weights_are_poisson_probabilities() {
        for mean in [1e-3, 0.4, 3.0, 57.3, 900.0] {
            let weights = weights(mean, 6);
            let exact = Poisson::new(mean).expect("a positive mean");
            for (n, weight) in weights.iter().enumerate() {
                let p = exact.pmf(n as u64);
                assert!((weight - p).abs() <= 1e-10 * p + 1e-300, "{mean} {n}: {weight} {p}");
            }
            assert!(weights.len() > 6);
        }
    }
}
