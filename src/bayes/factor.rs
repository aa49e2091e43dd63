//! Factors: nonnegative tables over some variables of a network, and the one operation on them, a product summed out.

use crate::ground::{Error, Result};

/// A nonnegative function of some variables; values in the order of `vars`, the last fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    vars: Vec<usize>,
    sizes: Vec<usize>,
    values: Vec<f64>,
}

impl Factor {
    /// A factor from its table, the last variable fastest.
    ///
    /// # Errors
    /// `Error::Spec` when a variable is there twice, the number of values is not the product of the sizes, or a value is
    /// negative or not finite.
    pub fn new(vars: Vec<usize>, sizes: Vec<usize>, values: Vec<f64>) -> Result<Self> {
        let wrong = |message: String| Err(Error::spec("", "factor", message));
        if vars.iter().enumerate().any(|(i, v)| vars.iter().take(i).any(|w| w == v)) {
            return wrong("a variable is in the factor twice".into());
        }
        let cells = sizes.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
        if vars.len() != sizes.len() || cells != Some(values.len()) {
            return wrong(format!("{} values do not fill a table of sizes {sizes:?}", values.len()));
        }
        match values.iter().find(|x| !x.is_finite() || **x < 0.0) {
            Some(x) => wrong(format!("the value {x} is in a factor; expected a finite number, 0 or more")),
            None => Ok(Factor { vars, sizes, values }),
        }
    }

    /// The variables, in the order of the table.
    pub fn vars(&self) -> &[usize] {
        &self.vars
    }

    /// How many states each variable has.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The table, the last variable fastest.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The table alone.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// The product of two factors, over the sorted union of their variables.
    pub fn product(&self, other: &Factor) -> Factor {
        let mut vars: Vec<usize> = self.vars.iter().chain(&other.vars).copied().collect();
        vars.sort_unstable();
        vars.dedup();
        sum_product(&[self, other], &vars)
    }

    /// The factor summed onto `keep`, in that order; variables of `keep` that it does not have are left out.
    pub fn onto(&self, keep: &[usize]) -> Factor {
        let vars: Vec<usize> = keep.iter().copied().filter(|v| self.vars.contains(v)).collect();
        sum_product(&[self], &vars)
    }

    /// Divides by the largest value and gives its logarithm; −inf, and no change, where all are 0.
    pub(crate) fn rescale(&mut self) -> f64 {
        let largest = self.values.iter().copied().fold(0.0, f64::max);
        if largest > 0.0 {
            self.values.iter_mut().for_each(|x| *x /= largest);
        }
        largest.ln()
    }

    /// The number of states of one of its variables.
    pub(crate) fn size_of(&self, var: usize) -> Option<usize> {
        self.vars.iter().zip(&self.sizes).find(|(v, _)| **v == var).map(|(_, s)| *s)
    }

    /// How far apart in the table neighbouring states of each of `vars` are; 0 for a variable that is not there.
    fn strides(&self, vars: &[usize]) -> Vec<usize> {
        let mut stride = 1;
        let mut own: Vec<(usize, usize)> = Vec::with_capacity(self.vars.len());
        for (var, size) in self.vars.iter().zip(&self.sizes).rev() {
            own.push((*var, stride));
            stride *= size;
        }
        vars.iter().map(|v| own.iter().find(|(w, _)| w == v).map_or(0, |(_, s)| *s)).collect()
    }
}

/// Below this a product is taken again in logarithms, since its smaller values may have been lost.
const SMALL: f64 = 1e-200;

/// The product of factors summed onto `out`, its largest value 1, and the logarithm of what it was divided by (−inf, and
/// zeros, where all is 0). Every variable of `out` must be in a factor. Memory: the result alone; time: the product of all
/// sizes.
pub(crate) fn contract(factors: &[&Factor], out: &[usize]) -> (Factor, f64) {
    let mut found = sum_product(factors, out);
    let log = found.rescale();
    if log >= SMALL.ln() { (found, log) } else { in_logs(factors, found) }
}

/// The product summed onto `out`, as it is.
fn sum_product(factors: &[&Factor], out: &[usize]) -> Factor {
    let sizes: Vec<usize> = out.iter().map(|v| size(factors, *v)).collect();
    let mut values = vec![0.0; sizes.iter().product()];
    walk(factors, out, |cell, at| {
        if let Some(sum) = values.get_mut(cell) {
            *sum += terms(factors, at).product::<f64>();
        }
    });
    Factor { vars: out.to_vec(), sizes, values }
}

/// The same relative to the largest term of all, and that term's logarithm.
fn in_logs(factors: &[&Factor], mut found: Factor) -> (Factor, f64) {
    let out = found.vars.clone();
    let log = |at: &[usize]| terms(factors, at).map(f64::ln).sum::<f64>();
    let mut largest = f64::NEG_INFINITY;
    walk(factors, &out, |_, at| largest = largest.max(log(at)));
    found.values.iter_mut().for_each(|x| *x = 0.0);
    if largest == f64::NEG_INFINITY {
        return (found, largest);
    }
    let values = &mut found.values;
    walk(factors, &out, |cell, at| {
        if let Some(sum) = values.get_mut(cell) {
            *sum += (log(at) - largest).exp();
        }
    });
    let scale = found.rescale();
    (found, largest + scale)
}

fn terms<'a>(factors: &'a [&Factor], at: &'a [usize]) -> impl Iterator<Item = f64> + 'a {
    factors.iter().zip(at).map(|(f, i)| f.values.get(*i).copied().unwrap_or(0.0))
}

/// The number of states of a variable, by the first factor that has it.
fn size(factors: &[&Factor], var: usize) -> usize {
    factors.iter().find_map(|f| f.size_of(var)).unwrap_or(1)
}

/// Visits every joint state of all variables, `out` slowest: the cell of `out` and each factor's index.
fn walk(factors: &[&Factor], out: &[usize], mut visit: impl FnMut(usize, &[usize])) {
    let mut vars = out.to_vec();
    for var in factors.iter().flat_map(|f| &f.vars) {
        if !vars.contains(var) {
            vars.push(*var);
        }
    }
    let sizes: Vec<usize> = vars.iter().map(|v| size(factors, *v)).collect();
    let strides: Vec<Vec<usize>> = factors.iter().map(|f| f.strides(&vars)).collect();
    let inner: usize = sizes.iter().skip(out.len()).product();
    let cells: usize = sizes.iter().take(out.len()).product();
    let mut digits = vec![0; vars.len()];
    let mut at = vec![0; factors.len()];
    for cell in 0..cells {
        for _ in 0..inner {
            visit(cell, &at);
            // Count up by one, the last variable fastest, and carry each factor's index along.
            for (v, (digit, size)) in digits.iter_mut().zip(&sizes).enumerate().rev() {
                *digit += 1;
                let wraps = *digit == *size;
                for (index, stride) in at.iter_mut().zip(&strides) {
                    let step = stride.get(v).copied().unwrap_or(0);
                    *index = if wraps { *index - step * (size - 1) } else { *index + step };
                }
                if !wraps {
                    break;
                }
                *digit = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(vars: &[usize], sizes: &[usize], values: &[f64]) -> Factor {
        Factor::new(vars.to_vec(), sizes.to_vec(), values.to_vec()).unwrap()
    }

    #[test]
    fn a_product_is_over_the_sorted_union() {
        let a = factor(&[2, 0], &[2, 3], &[1., 2., 3., 4., 5., 6.]);
        let b = factor(&[1], &[2], &[10., 100.]);
        let c = a.product(&b);
        assert_eq!((c.vars(), c.sizes()), (&[0, 1, 2][..], &[3, 2, 2][..]));
        assert_eq!(c.values(), &[10., 40., 100., 400., 20., 50., 200., 500., 30., 60., 300., 600.]);
        assert_eq!(c.onto(&[1]).values(), &[210., 2100.]);
        assert_eq!(c.onto(&[2, 0]).values(), a.values().iter().map(|x| x * 110.).collect::<Vec<_>>());
        assert_eq!(c.onto(&[]).values(), &[2310.]);
    }

    #[test]
    fn tiny_products_keep_their_ratio_and_their_log() {
        let a = factor(&[0], &[2], &[1e-250, 3e-250]);
        let (c, log) = contract(&[&a, &a, &a], &[0]);
        assert!((log - 3.0 * 3e-250f64.ln()).abs() < 1e-9);
        assert!((c.values()[0] - 1.0 / 27.0).abs() < 1e-12 && c.values()[1] == 1.0);
        let (zero, log) = contract(&[&factor(&[0], &[2], &[1., 0.]), &factor(&[0], &[2], &[0., 1.])], &[0]);
        assert_eq!((zero.values(), log), (&[0., 0.][..], f64::NEG_INFINITY));
    }

    #[test]
    fn malformed_tables_are_refused() {
        assert!(Factor::new(vec![0, 0], vec![2, 2], vec![1.0; 4]).is_err());
        assert!(Factor::new(vec![0], vec![2], vec![1.0; 3]).is_err());
        assert!(Factor::new(vec![0], vec![2], vec![1.0, -1.0]).is_err());
        assert!(Factor::new(vec![0], vec![2], vec![1.0, f64::NAN]).is_err());
    }
}
