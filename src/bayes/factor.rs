//! Factors: nonnegative tables over some variables of a network.

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_tables_are_refused() {
        assert!(Factor::new(vec![0, 0], vec![2, 2], vec![1.0; 4]).is_err());
        assert!(Factor::new(vec![0], vec![2], vec![1.0; 3]).is_err());
        assert!(Factor::new(vec![0], vec![2], vec![1.0, -1.0]).is_err());
        assert!(Factor::new(vec![0], vec![2], vec![1.0, f64::NAN]).is_err());
    }
}
