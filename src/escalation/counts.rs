//! How often something happens over a span: its mean and variance exactly, its distribution up to a stated number.
//!
//! The binomial moments E[C(N, k)] come from a monitor that copies whoever counts one level up, so that nothing is
//! subtracted and nothing cut; the distribution from one that counts.

use super::fitted::Fitted;
use super::levels::Levels;
use super::onward::Fills;
use super::plan::Reading;
use super::question::{Atom, Count, Happening};
use super::summary::Draws;
use crate::ground::{Control, Result};

impl Fitted {
    /// Of how often something happens in (since, by] (days since the origin; a span may begin in the past): mean, variance,
    /// then P(0), P(1), … P(`most` or more).
    ///
    /// # Errors
    /// `TooLarge`, before memory is taken.
    pub fn counts(&self, what: &Happening, span: (f64, f64), most: usize, control: &Control) -> Result<Draws> {
        let (since, by) = span;
        let atom = |count| Atom::Happens { what: what.clone(), count, since, by };
        let [law, moments] = [Count::UpTo(most), Count::Moments(2)].map(|count| {
            let atom = atom(count);
            let (prepared, mut known) = self.beside(&atom)?;
            Ok((Levels::new(self, &prepared, &atom, by, &Reading::None, &mut known)?, prepared))
        });
        let (law, moments) = (law?, moments?);
        let memories = what.counting().memories();
        self.each(control, |theta| {
            let read = |(levels, prepared): &(Levels, _)| {
                let evaluated = self.evaluated(prepared, theta, control)?;
                levels.at_end(prepared, &evaluated, &mut Fills::default(), control)
            };
            let by_count = |levels: &[f64]| levels.chunks(memories).map(|own| own.iter().sum()).collect::<Vec<f64>>();
            let chosen = by_count(&read(&moments)?);
            let mean = chosen[1];
            // N² = N + 2 C(N, 2).
            let variance = (mean * (1.0 - mean) + 2.0 * chosen[2]).max(0.0);
            Ok([mean, variance].into_iter().chain(by_count(&read(&law)?)).collect())
        })
    }
}
