//! Logarithms of densities of one number and their slopes: normal, log-normal, Student's t, Poisson, negative binomial.
//!
//! Slopes are by the mean of what lies on the whole line, and by the logarithm of what is positive.

use statrs::function::gamma::{digamma, ln_gamma};

/// ½ ln 2π.
const HALF_LN_2_PI: f64 = 0.918_938_533_204_672_7;
/// Degrees of freedom from which Γ((ν + 1)/2)/Γ(ν/2) is taken from its series.
const MANY: f64 = 1e4;
/// Counts up to here have the ratio of their gamma functions as a product.
const FEW: f64 = 64.0;

/// ln density of a normal.
pub fn normal(x: f64, mean: f64, sd: f64) -> f64 {
    let z = (x - mean) / sd;
    -0.5 * z * z - sd.ln() - HALF_LN_2_PI
}

/// Slopes of [`normal`] by the mean and by ln sd.
pub fn normal_slopes(x: f64, mean: f64, sd: f64) -> [f64; 2] {
    let z = (x - mean) / sd;
    [z / sd, z * z - 1.0]
}

/// ln density of a log-normal: ln x is normal. −∞ where x is not positive.
pub fn log_normal(x: f64, mean: f64, sd: f64) -> f64 {
    if x > 0.0 { normal(x.ln(), mean, sd) - x.ln() } else { f64::NEG_INFINITY }
}

/// Slopes of [`log_normal`] by the mean and by ln sd.
pub fn log_normal_slopes(x: f64, mean: f64, sd: f64) -> [f64; 2] {
    normal_slopes(x.ln(), mean, sd)
}

/// ln density of mean + sd · t, where t has Student's law with `freedom` degrees of freedom.
pub fn student(x: f64, mean: f64, sd: f64, freedom: f64) -> f64 {
    let z = (x - mean) / sd;
    front(freedom) - sd.ln() - HALF_LN_2_PI - 0.5 * (freedom + 1.0) * (z * z / freedom).ln_1p()
}

/// Slopes of [`student`] by the mean, by ln sd and by the logarithm of the degrees of freedom.
pub fn student_slopes(x: f64, mean: f64, sd: f64, freedom: f64) -> [f64; 3] {
    let z = (x - mean) / sd;
    let share = z * z / (freedom + z * z);
    let tail = 0.5 * ((freedom + 1.0) * share - freedom * (z * z / freedom).ln_1p());
    [(freedom + 1.0) * z / (sd * (freedom + z * z)), (freedom + 1.0) * share - 1.0, front_slope(freedom) + tail]
}

/// ln Γ((ν + 1)/2) − ln Γ(ν/2) − ½ ln(ν/2), which tends to 0.
fn front(freedom: f64) -> f64 {
    if freedom > MANY {
        return -0.25 / freedom + 1.0 / (24.0 * freedom.powi(3));
    }
    ln_gamma(0.5 * (freedom + 1.0)) - ln_gamma(0.5 * freedom) - 0.5 * (0.5 * freedom).ln()
}

/// The slope of [`front`] by ln ν.
fn front_slope(freedom: f64) -> f64 {
    if freedom > MANY {
        return 0.25 / freedom - 0.125 / freedom.powi(3);
    }
    0.5 * freedom * (digamma(0.5 * (freedom + 1.0)) - digamma(0.5 * freedom)) - 0.5
}

/// ln probability of a count under a Poisson; −∞ of what is no count.
pub fn poisson(x: f64, mean: f64) -> f64 {
    match is_count(x) {
        true => (if x > 0.0 { x * mean.ln() } else { 0.0 }) - mean - ln_gamma(x + 1.0),
        false => f64::NEG_INFINITY,
    }
}

/// Slope of [`poisson`] by ln mean.
pub fn poisson_slope(x: f64, mean: f64) -> f64 {
    x - mean
}

/// ln probability of a count under a negative binomial of variance μ + μ²/r; −∞ of what is no count.
pub fn negative_binomial(x: f64, mean: f64, size: f64) -> f64 {
    if !is_count(x) {
        return f64::NEG_INFINITY;
    }
    // ln(r/(r+μ)) and ln(μ/(r+μ)), exact where one is near 1.
    let (stay, go) = (-(mean / size).ln_1p(), -(size / mean).ln_1p());
    let rising = match x <= FEW {
        true => x * size.ln() + (0..x as u32).map(|k| (f64::from(k) / size).ln_1p()).sum::<f64>(),
        false => ln_gamma(x + size) - ln_gamma(size),
    };
    rising - ln_gamma(x + 1.0) + size * stay + if x > 0.0 { x * go } else { 0.0 }
}

/// Slopes of [`negative_binomial`] by ln mean and ln size.
pub fn negative_binomial_slopes(x: f64, mean: f64, size: f64) -> [f64; 2] {
    let rising = match x <= FEW {
        true => (0..x as u32).map(|k| size / (size + f64::from(k))).sum(),
        false => size * (digamma(x + size) - digamma(size)),
    };
    let both = size + mean;
    [size * (x - mean) / both, rising - size * (mean / size).ln_1p() + size * (mean - x) / both]
}

/// Whether a number is 0, 1, 2, …
pub fn is_count(x: f64) -> bool {
    x >= 0.0 && x.fract() == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Continuous, Discrete, LogNormal, NegativeBinomial, Normal, Poisson, StudentsT};

    /// Central differences of logarithms of this size.
    const SLOPE: f64 = 1e-7;

    fn close(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within * (1.0 + b.abs()), "{a} {b}");
    }

    #[test]
    fn they_are_those_of_statrs() {
        for x in [0.3, 1.0, 2.7, 11.0] {
            close(normal(x, 1.2, 0.7), Normal::new(1.2, 0.7).unwrap().ln_pdf(x), 1e-13);
            close(log_normal(x, 0.4, 0.7), LogNormal::new(0.4, 0.7).unwrap().ln_pdf(x), 1e-13);
            for freedom in [0.8, 3.0, 30.0, 9_999.0, 20_000.0] {
                close(student(x, 1.2, 0.7, freedom), StudentsT::new(1.2, 0.7, freedom).unwrap().ln_pdf(x), 1e-10);
            }
        }
        for count in [0u64, 1, 5, 90] {
            let x = count as f64;
            close(poisson(x, 3.3), Poisson::new(3.3).unwrap().ln_pmf(count), 1e-12);
            for size in [0.4, 2.5, 1e3] {
                let law = NegativeBinomial::new(size, size / (size + 3.3)).unwrap();
                close(negative_binomial(x, 3.3, size), law.ln_pmf(count), 1e-10);
            }
        }
    }

    #[test]
    fn a_large_size_is_a_poisson_and_many_degrees_of_freedom_are_a_normal() {
        for x in [0.0, 3.0, 64.0, 65.0] {
            close(negative_binomial(x, 3.3, 1e9), poisson(x, 3.3), 1e-6);
            close(student(x, 3.3, 2.0, 1e12), normal(x, 3.3, 2.0), 1e-9);
        }
        assert_eq!(poisson(1.5, 3.0), f64::NEG_INFINITY);
        assert_eq!(negative_binomial(-1.0, 3.0, 1.0), f64::NEG_INFINITY);
        assert_eq!(log_normal(0.0, 3.0, 1.0), f64::NEG_INFINITY);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let h = 1e-5;
        let by = |f: &dyn Fn(f64) -> f64| (f(h) - f(-h)) / (2.0 * h);
        for x in [0.0, 1.0, 4.0, 70.0] {
            let own = normal_slopes(x, 1.2, 2.7);
            close(own[0], by(&|e| normal(x, 1.2 + e, 2.7)), SLOPE);
            close(own[1], by(&|e| normal(x, 1.2, 2.7 * e.exp())), SLOPE);
            for freedom in [0.8, 30.0, 20_000.0] {
                let own = student_slopes(x, 1.2, 2.7, freedom);
                close(own[0], by(&|e| student(x, 1.2 + e, 2.7, freedom)), SLOPE);
                close(own[1], by(&|e| student(x, 1.2, 2.7 * e.exp(), freedom)), SLOPE);
                close(own[2], by(&|e| student(x, 1.2, 2.7, freedom * e.exp())), SLOPE);
            }
            close(poisson_slope(x, 3.3), by(&|e| poisson(x, 3.3 * e.exp())), SLOPE);
            for size in [0.4, 25.0] {
                let own = negative_binomial_slopes(x, 3.3, size);
                close(own[0], by(&|e| negative_binomial(x, 3.3 * e.exp(), size)), SLOPE);
                close(own[1], by(&|e| negative_binomial(x, 3.3, size * e.exp())), SLOPE);
            }
        }
        let own = log_normal_slopes(2.5, 0.4, 0.7);
        close(own[0], by(&|e| log_normal(2.5, 0.4 + e, 0.7)), SLOPE);
        close(own[1], by(&|e| log_normal(2.5, 0.4, 0.7 * e.exp())), SLOPE);
    }
}
