//! Rows of probabilities: divided by their sum, so that they sum to 1.

/// How far the sum of a row may be from 1: published tables are rounded to six or seven digits.
pub const TOLERANCE: f64 = 1e-6;

/// Makes a row sum to 1 within rounding, by dividing it by its sum. A row that does already stays as it is, to the bit.
///
/// # Errors
/// The sum, when it is not within [`TOLERANCE`] of 1; the row is left as it was.
pub fn normalise(row: &mut [f64]) -> std::result::Result<(), f64> {
    let sum: f64 = row.iter().sum();
    // Written so that a sum that is not a number is refused too.
    let near = (sum - 1.0).abs() <= TOLERANCE;
    if !near {
        return Err(sum);
    }
    // Division leaves a rounding error of less than this; a row that has no more was divided before.
    if (sum - 1.0).abs() > 2.0 * f64::EPSILON * row.len() as f64 {
        row.iter_mut().for_each(|p| *p /= sum);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounded_rows_sum_to_one() {
        for row in [vec![0.3333333, 0.3333333, 0.3333333], vec![0.1; 10], vec![1.0 - 1e-7, 0.0], vec![1.0]] {
            let mut made = row.clone();
            normalise(&mut made).unwrap();
            assert!((made.iter().sum::<f64>() - 1.0).abs() < 1e-15, "{row:?}");
        }
        let mut exact = [0.25, 0.75, 0.0];
        normalise(&mut exact).unwrap();
        assert_eq!(exact, [0.25, 0.75, 0.0]);
    }

    #[test]
    fn other_rows_are_refused_as_they_are() {
        for (row, says) in [(vec![0.5, 0.4], 0.9), (vec![], 0.0), (vec![f64::INFINITY], f64::INFINITY)] {
            let mut tried = row.clone();
            assert_eq!(normalise(&mut tried), Err(says));
            assert_eq!(tried, row);
        }
        assert!(normalise(&mut [f64::NAN, 0.5]).is_err());
    }

    proptest! {
        #[test]
        fn a_normal_row_stays_as_it_is(
            weights in prop::collection::vec(prop_oneof![0.0..1.0f64, 0.0..1e-9f64, Just(0.0)], 1..60),
            off in -9e-7..9e-7f64,
        ) {
            let sum: f64 = weights.iter().sum();
            prop_assume!(sum > 1e-12);
            let mut row: Vec<f64> = weights.iter().map(|w| w / sum * (1.0 + off)).collect();
            normalise(&mut row).unwrap();
            let total: f64 = row.iter().sum();
            prop_assert!((total - 1.0).abs() <= 2.0 * f64::EPSILON * row.len() as f64, "{total}");
            prop_assert!(row.iter().all(|p| *p >= 0.0));
            let again = { let mut copy = row.clone(); normalise(&mut copy).unwrap(); copy };
            prop_assert_eq!(row, again);
        }
    }
}
