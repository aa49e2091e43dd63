//! What draws say of a number: mean and interval, beside its value at the mode.

/// Numbers at the mode and at each draw, each a flat vector in the same layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws {
    pub mode: Vec<f64>,
    pub draws: Vec<Vec<f64>>,
}

/// Mean and interval over the draws at which there is a number; the mode alone where there are none.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub mean: Vec<f64>,
    pub low: Vec<f64>,
    pub high: Vec<f64>,
    /// How many draws each rests on.
    pub draws: Vec<usize>,
}

impl Draws {
    /// Some of the numbers, side by side.
    pub fn part(&self, from: usize, len: usize) -> Draws {
        let cut = |numbers: &Vec<f64>| numbers[from..from + len].to_vec();
        Draws { mode: cut(&self.mode), draws: self.draws.iter().map(cut).collect() }
    }

    /// Mean and equal-tailed interval at a level in (0, 1) (linear between order statistics); NaN without draws.
    pub fn summary(&self, level: f64) -> Summary {
        let mut summary = Summary { mean: vec![], low: vec![], high: vec![], draws: vec![] };
        for (k, &mode) in self.mode.iter().enumerate() {
            let mut column: Vec<f64> = self.draws.iter().map(|draw| draw[k]).filter(|x| !x.is_nan()).collect();
            column.sort_by(f64::total_cmp);
            summary.draws.push(column.len());
            let none = column.is_empty();
            summary.mean.push(if none { mode } else { column.iter().sum::<f64>() / column.len() as f64 });
            summary.low.push(if none { f64::NAN } else { quantile(&column, 0.5 - level / 2.0) });
            summary.high.push(if none { f64::NAN } else { quantile(&column, 0.5 + level / 2.0) });
        }
        summary
    }
}

/// Quantile of sorted numbers, linear between order statistics (Hyndman and Fan 1996, type 7).
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p.clamp(0.0, 1.0) * (sorted.len().max(1) - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_without_a_number_are_left_out_where_it_is_missing() {
        let draws = Draws { mode: vec![0.5, 0.2], draws: vec![vec![0.4, f64::NAN], vec![0.6, 0.3]] };
        let summary = draws.summary(0.9);
        assert_eq!((summary.mean, summary.draws), (vec![0.5, 0.3], vec![2, 1]));
        let none = Draws { mode: vec![0.5], draws: vec![] }.summary(0.9);
        assert!(none.mean == [0.5] && none.low[0].is_nan() && none.draws == [0]);
    }
}
