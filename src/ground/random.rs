//! Random streams keyed by seed and draw: the same numbers for any number of threads, in any order.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// The generator of one draw.
pub fn stream(seed: u64, draw: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(draw);
    rng
}

/// `n` standard normal numbers of one draw.
pub fn normals(seed: u64, draw: u64, n: usize) -> Vec<f64> {
    let mut rng = stream(seed, draw);
    (0..n).map(|_| StandardNormal.sample(&mut rng)).collect()
}
