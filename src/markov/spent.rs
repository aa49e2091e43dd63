//! The time spent in a set over a stretch, by counting the events of the uniformised chain.
//!
//! Given that there are u events, the u + 1 spans between them are exchangeable; if k of these are spent in the set, the share of
//! the stretch is Beta(k, u + 1 − k), and exceeds x where fewer than k of u uniform points lie below x (de Souza e Silva and
//! Gail 1986, IEEE Trans. Computers 35(4)). All terms are nonnegative.

use super::flow::Flow;
use super::frame::Aligned;
use super::poisson;

/// Most expected events for which they are counted: the work grows with their square.
pub const STEPS: f64 = 1000.0;

/// Of a stretch of u events, P(u and more than i of its u + 1 spans in the set), by u and i.
#[derive(Debug, Clone)]
pub struct Spent(Vec<Vec<f64>>);

impl Spent {
    /// P(the share of the stretch is more than this), 0 < share < 1.
    pub fn beyond(&self, share: f64) -> f64 {
        let one = |(u, above): (usize, &Vec<f64>)| {
            let below = binomial(u, share);
            below.iter().zip(above).map(|(p, above)| p * above).sum::<f64>()
        };
        self.0.iter().enumerate().map(one).sum()
    }
}

/// The probabilities of 0, 1, … u of u trials, built outwards from the mode and divided by their sum.
fn binomial(u: usize, p: f64) -> Vec<f64> {
    let mode = (((u + 1) as f64 * p) as usize).min(u);
    let odds = p / (1.0 - p);
    let mut all = vec![0.0; u + 1];
    all[mode] = 1.0;
    for i in mode..u {
        all[i + 1] = all[i] * odds * (u - i) as f64 / (i + 1) as f64;
    }
    for i in (0..mode).rev() {
        all[i] = all[i + 1] * (i + 1) as f64 / ((u - i) as f64 * odds);
    }
    let total: f64 = all.iter().sum();
    all.iter_mut().for_each(|p| *p /= total);
    all
}

impl Flow<'_> {
    /// The time that a row of weights spends `inside` over a stretch. No monitor is open and nothing drains. What it returns
    /// once `control` was stopped means nothing.
    ///
    /// # Complexity
    /// u²/2 passes over the moves for u about Λt + 8.5 √Λt events, and u vectors.
    pub fn spent(&self, row: &[f64], inside: &[bool], length: f64) -> Spent {
        let n = self.points();
        let weights = poisson::weights(self.lambda * length, self.reach());
        let part = |here: bool| -> Vec<f64> {
            row.iter().zip(inside).map(|(x, inside)| if *inside == here { *x } else { 0.0 }).collect()
        };
        // By how many of the spans so far are inside.
        let mut now = vec![self.room.hold(&part(false)), self.room.hold(&part(true))];
        let (mut moved, mut none, mut gained) = (self.room.empty(), Aligned::zero(0), vec![0.0; self.levels]);
        let mut law = vec![];
        for (u, weight) in weights.iter().enumerate() {
            let mut above: Vec<f64> =
                now.iter().map(|own| weight * self.room.level(own, 0)[..n].iter().sum::<f64>()).collect();
            for k in (0..above.len() - 1).rev() {
                above[k] += above[k + 1];
            }
            law.push(above.split_off(1));
            if u + 1 == weights.len() || self.control.stopped() {
                break;
            }
            let mut next: Vec<Aligned> = (0..now.len() + 1).map(|_| self.room.empty()).collect();
            for (k, own) in now.iter().enumerate() {
                self.step(own, &mut moved, 0.0, &mut none, &mut gained);
                for (x, value) in self.room.level(&moved, 0)[..n].iter().enumerate() {
                    self.room.level_mut(&mut next[k + usize::from(inside[x])], 0)[x] += value;
                }
            }
            now = next;
        }
        Spent(law)
    }
}
