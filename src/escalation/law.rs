//! An indicator's number: its law by the model's numbers, its density, and what a value says of them.

use super::theta::{Statistics, Values};
use crate::ground::density;

/// A law, its parameters by index: means of what lies on the whole line among the reals, all else among the positives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    Normal {
        mean: usize,
        sd: usize,
    },
    /// Mean and standard deviation are those of the logarithm.
    LogNormal {
        mean: usize,
        sd: usize,
    },
    Student {
        mean: usize,
        sd: usize,
        freedom: usize,
    },
    Poisson {
        mean: usize,
    },
    /// The variance is μ + μ²/size.
    NegativeBinomial {
        mean: usize,
        size: usize,
    },
}

/// What a number is drawn from in one configuration of the parents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    pub law: Law,
    /// The row (zero, by the law) of a zero-inflated count.
    pub zero: Option<usize>,
}

impl Cell {
    /// Whether a value is possible at all.
    pub fn takes(&self, x: f64, values: &Values) -> bool {
        if let Some(zero) = self.zero {
            let row = &values.rows[zero];
            if x == 0.0 && row[0] > 0.0 {
                return true;
            }
            if row[1] == 0.0 {
                return false;
            }
        }
        match self.law {
            Law::Normal { .. } | Law::Student { .. } => true,
            Law::LogNormal { .. } => x > 0.0,
            Law::Poisson { mean } | Law::NegativeBinomial { mean, .. } => {
                density::is_count(x) && (x == 0.0 || values.positives[mean] > 0.0)
            }
        }
    }

    /// Whether what covariates add goes to the mean itself; else to the logarithm that it is the mean, or the logarithm, of.
    pub fn is_identity(&self) -> bool {
        matches!(self.law, Law::Normal { .. } | Law::Student { .. })
    }

    fn by_law(&self, x: f64, shift: f64, values: &Values) -> f64 {
        let (p, r) = (&values.positives, &values.reals);
        match self.law {
            Law::Normal { mean, sd } => density::normal(x, r[mean] + shift, p[sd]),
            Law::LogNormal { mean, sd } => density::log_normal(x, r[mean] + shift, p[sd]),
            Law::Student { mean, sd, freedom } => density::student(x, r[mean] + shift, p[sd], p[freedom]),
            Law::Poisson { mean } => density::poisson(x, p[mean] * shift.exp()),
            Law::NegativeBinomial { mean, size } => density::negative_binomial(x, p[mean] * shift.exp(), p[size]),
        }
    }

    /// ln density of a value; covariates add `shift` to the mean (of counts: to its logarithm).
    pub fn log_density(&self, x: f64, shift: f64, values: &Values) -> f64 {
        let own = self.by_law(x, shift, values);
        match self.zero.map(|zero| &values.rows[zero]) {
            None => own,
            Some(row) if x == 0.0 => (row[0] + row[1] * own.exp()).ln(),
            Some(row) => own + row[1].ln(),
        }
    }

    /// Adds `mass` times the slopes of the ln density by all that it depends on; gives that by the shift.
    pub fn gain(&self, x: f64, shift: f64, mass: f64, values: &Values, into: &mut Statistics) -> f64 {
        let mut mass = mass;
        if let Some(zero) = self.zero {
            let row = &values.rows[zero];
            let by_law = match x == 0.0 {
                true => {
                    let own = row[1] * self.by_law(x, shift, values).exp();
                    if own > 0.0 { own / (row[0] + own) } else { 0.0 }
                }
                false => 1.0,
            };
            into.rows[zero][0] += mass * (1.0 - by_law);
            into.rows[zero][1] += mass * by_law;
            mass *= by_law;
        }
        if mass == 0.0 {
            return 0.0;
        }
        let (p, r) = (&values.positives, &values.reals);
        match self.law {
            Law::Normal { mean, sd } | Law::LogNormal { mean, sd } => {
                let by = match self.law {
                    Law::Normal { .. } => density::normal_slopes(x, r[mean] + shift, p[sd]),
                    _ => density::log_normal_slopes(x, r[mean] + shift, p[sd]),
                };
                into.reals[mean] += mass * by[0];
                into.positives[sd] += mass * by[1];
                mass * by[0]
            }
            Law::Student { mean, sd, freedom } => {
                let by = density::student_slopes(x, r[mean] + shift, p[sd], p[freedom]);
                into.reals[mean] += mass * by[0];
                into.positives[sd] += mass * by[1];
                into.positives[freedom] += mass * by[2];
                mass * by[0]
            }
            Law::Poisson { mean } => {
                let by = mass * density::poisson_slope(x, p[mean] * shift.exp());
                into.positives[mean] += by;
                by
            }
            Law::NegativeBinomial { mean, size } => {
                let by = density::negative_binomial_slopes(x, p[mean] * shift.exp(), p[size]);
                into.positives[mean] += mass * by[0];
                into.positives[size] += mass * by[1];
                mass * by[0]
            }
        }
    }

    /// The mean on the whole line, if there is one.
    pub fn real(&self) -> Option<usize> {
        match self.law {
            Law::Normal { mean, .. } | Law::LogNormal { mean, .. } | Law::Student { mean, .. } => Some(mean),
            Law::Poisson { .. } | Law::NegativeBinomial { .. } => None,
        }
    }

    /// The positives that it depends on.
    pub fn positives(&self) -> Vec<usize> {
        match self.law {
            Law::Normal { sd, .. } | Law::LogNormal { sd, .. } => vec![sd],
            Law::Student { sd, freedom, .. } => vec![sd, freedom],
            Law::Poisson { mean } => vec![mean],
            Law::NegativeBinomial { mean, size } => vec![mean, size],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences of logarithms.
    const SLOPE: f64 = 1e-7;

    #[test]
    fn slopes_are_those_of_differences() {
        let values =
            Values { positives: vec![1.7, 0.8, 3.5], rows: vec![vec![0.3, 0.7], vec![0.0, 1.0]], reals: vec![0.4] };
        let laws = [
            Law::Normal { mean: 0, sd: 1 },
            Law::LogNormal { mean: 0, sd: 1 },
            Law::Student { mean: 0, sd: 1, freedom: 2 },
            Law::Poisson { mean: 0 },
            Law::NegativeBinomial { mean: 0, size: 2 },
        ];
        for law in laws {
            for zero in [None, Some(0), Some(1)] {
                for x in [0.0, 1.0, 6.0] {
                    let cell = Cell { law, zero };
                    if !cell.takes(x, &values) || (zero.is_some() && cell.real().is_some()) {
                        continue;
                    }
                    let mut into = Statistics {
                        positives: vec![0.0; 3],
                        rows: vec![vec![0.0; 2], vec![0.0; 2]],
                        reals: vec![0.0],
                    };
                    let by_shift = cell.gain(x, 0.2, 1.0, &values, &mut into);
                    let h = 1e-5;
                    let at = |change: &dyn Fn(&mut Values, f64)| {
                        let side = |h: f64| {
                            let mut moved = values.clone();
                            change(&mut moved, h);
                            cell.log_density(x, 0.2, &moved)
                        };
                        (side(h) - side(-h)) / (2.0 * h)
                    };
                    for p in 0..3 {
                        let wanted = at(&|v: &mut Values, h: f64| v.positives[p] *= h.exp());
                        assert!((into.positives[p] - wanted).abs() < SLOPE, "{law:?} {zero:?} {x}");
                    }
                    assert!((into.reals[0] - at(&|v: &mut Values, h: f64| v.reals[0] += h)).abs() < SLOPE);
                    let shifted =
                        (cell.log_density(x, 0.2 + h, &values) - cell.log_density(x, 0.2 - h, &values)) / (2.0 * h);
                    assert!((by_shift - shifted).abs() < SLOPE, "{law:?} {zero:?} {x}");
                    // By the logit of the row's first entry: counts − total · share.
                    let logit = at(&|v: &mut Values, h: f64| {
                        let odds = 0.3 / 0.7 * h.exp();
                        v.rows[0] = vec![odds / (1.0 + odds), 1.0 / (1.0 + odds)];
                    });
                    let total: f64 = into.rows[0].iter().sum();
                    assert!((into.rows[0][0] - total * 0.3 - logit).abs() < SLOPE, "{law:?} {zero:?} {x}");
                }
            }
        }
    }
}
