//! Whose answer it is: a class of units that is given, or the mean over the classes that are left open.

use super::ask::Ask;
use super::fit::PanelFit;
use crate::bayes::{Factor, Network};
use crate::escalation::theta::Values;
use crate::ground::{Control, Error, Result, limits};
use crate::markov::Exponential;
use std::collections::HashMap;

/// A driver and its state, by name.
pub type Named = (String, String);
/// Drivers and their states.
type Known = Vec<(usize, usize)>;

impl PanelFit {
    /// Drivers and states that are given, as indices.
    ///
    /// # Errors
    /// `Spec` for unknown names.
    pub fn given(&self, given: &[Named]) -> Result<Vec<(usize, usize)>> {
        let one = |(driver, state): &Named| {
            let wrong = |message: String| Error::spec("given", "given", message);
            let found = self.model.drivers.iter().position(|d| d.name == *driver);
            let d = found.ok_or_else(|| wrong(format!("there is no driver '{driver}'")))?;
            let states = &self.model.drivers[d].states;
            let found = states.iter().position(|s| s == state);
            let expected =
                || wrong(format!("'{state}' is no state of '{driver}'; expected one of {}", states.join(", ")));
            Ok((d, found.ok_or_else(expected)?))
        };
        given.iter().map(one).collect()
    }

    /// P(class | given) of units of a profile; one class where units have none.
    ///
    /// # Errors
    /// `Spec` where what is given has probability 0.
    pub fn law_of(&self, values: &Values, given: &[(usize, usize)], profile: &[f64]) -> Result<Vec<f64>> {
        let Some(classes) = &self.panel.classes else { return Ok(vec![1.0]) };
        let network = classes.profiles.network(&self.model, values, profile)?;
        let one = |&(driver, state): &(usize, usize)| {
            let size = self.model.drivers[driver].states.len();
            Factor::new(vec![driver], vec![size], (0..size).map(|s| f64::from(u8::from(s == state))).collect())
        };
        let seen: Vec<Factor> = given.iter().map(one).collect::<Result<_>>()?;
        let (law, log) = network.joint(&seen, 0.0, &classes.drivers, limits::memory())?;
        match log.is_finite() {
            true => Ok(law.values().to_vec()),
            false => Err(Error::spec("given", "given", "it has probability 0 under the model")),
        }
    }

    /// The profile of covariate values (the panel's covariates in order; none: their mean).
    pub fn profile(&self, values: &[f64]) -> Vec<f64> {
        self.panel.classes.as_ref().map_or_else(Vec::new, |classes| classes.profiles.of_values(values))
    }

    /// One answer for all classes that are left open to a unit of a profile: the same in each, or (where it `mixes`) their
    /// mean.
    ///
    /// # Errors
    /// `Spec` where classes differ and there is no mean to be had.
    pub fn for_classes(
        &self,
        what: &str,
        (given, profile): (&[Named], Vec<f64>),
        mixes: bool,
        of: impl Fn(&[usize]) -> Ask,
    ) -> Result<Ask> {
        let given = self.given(given)?;
        let Some(classes) = &self.panel.classes else { return Ok(of(&[])) };
        let law = self.law_of(&self.model.parameters.values(&self.theta), &given, &profile)?;
        let open = (0..law.len()).filter(|&class| law[class] > 0.0);
        let parts: Vec<(usize, Ask)> = open.map(|class| (class, of(&classes.configs[class]))).collect();
        let Some((_, first)) = parts.first() else { return Ok(of(&[])) };
        if parts.iter().all(|(_, ask)| ask == first) {
            return Ok(first.clone());
        }
        if mixes {
            return Ok(Ask::Mixed { parts, given, profile });
        }
        let open = classes.drivers.iter().filter(|d| !given.iter().any(|(driver, _)| driver == *d));
        let names: Vec<String> = open.map(|&d| format!("'{}'", self.model.drivers[d].name)).collect();
        let message = format!("it differs by the unit's {}; expected `given=` with a state", names.join(" and "));
        Err(Error::spec(what, what, message))
    }

    /// The time by which a set is entered with some probabilities, in a unit of a profile: of classes left open that of their
    /// mixture, which is not the mean of theirs.
    ///
    /// # Errors
    /// As [`PanelFit::law_of`].
    pub fn passage_quantiles(
        &self,
        (given, profile): (&[Named], Vec<f64>),
        target: Vec<bool>,
        shares: Vec<f64>,
        design: impl Fn(&[usize]) -> Vec<f64>,
    ) -> Result<Ask> {
        let given = self.given(given)?;
        let law = self.law_of(&self.model.parameters.values(&self.theta), &given, &profile)?;
        let config = |class: usize| self.panel.classes.as_ref().map_or(&[][..], |classes| &classes.configs[class]);
        let open = (0..law.len()).filter(|&class| law[class] > 0.0);
        let designs = open.map(|class| (class, design(config(class)))).collect();
        Ok(Ask::PassageQuantiles { designs, given, profile, target, shares })
    }

    /// P(state) of each driver of the model, one after the other, given the rows of each unit.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn drivers(&self, control: &Control) -> Result<Vec<Vec<f64>>> {
        let values = self.model.parameters.values(&self.theta);
        let (Some(classes), Some(mixture)) = (&self.panel.classes, self.panel.mixture(&self.model, &values, control)?)
        else {
            return Ok(vec![]);
        };
        let width: usize = self.model.drivers.iter().map(|driver| driver.states.len()).sum();
        let in_class = |network: &Network, law: &[f64], class: usize| -> Result<Vec<f64>> {
            if law[class] == 0.0 {
                return Ok(vec![0.0; width]);
            }
            let only = (0..law.len()).map(|other| f64::from(u8::from(other == class))).collect();
            let seen = [Factor::new(classes.drivers.clone(), classes.sizes.clone(), only)?];
            Ok(network.posteriors(&seen, limits::memory())?.0.concat())
        };
        let of_profile = |(profile, law): (&Vec<f64>, &Vec<f64>)| -> Result<Vec<Vec<f64>>> {
            control.check()?;
            let network = classes.profiles.network(&self.model, &values, profile)?;
            (0..law.len()).map(|class| in_class(&network, law, class)).collect()
        };
        let laws: Vec<Vec<Vec<f64>>> =
            classes.profiles.distinct.iter().zip(&mixture.laws).map(of_profile).collect::<Result<_>>()?;
        let of_unit = |(weights, profile): (&[f64], &usize)| {
            let mut sum = vec![0.0; width];
            for (weight, law) in weights.iter().zip(&laws[*profile]) {
                sum.iter_mut().zip(law).for_each(|(sum, p)| *sum += weight * p);
            }
            sum
        };
        Ok(mixture.weights.chunks_exact(classes.configs.len()).zip(&classes.profiles.of).map(of_unit).collect())
    }

    /// The expected share of each joint rung at each time among the units that are at risk then.
    pub(super) fn expected_shares(&self, values: &Values, times: &[f64]) -> Result<Vec<f64>> {
        let structure = &self.panel.structure;
        let (n, n_classes) = (structure.n, self.panel.n_classes());
        let mut known: Vec<Option<Exponential>> = self.panel.designs.iter().map(|_| None).collect();
        let mut laws: HashMap<(usize, u64), Vec<f64>> = HashMap::new();
        // By profile and what is known of drivers.
        let mut priors: HashMap<(usize, Known), Vec<f64>> = HashMap::new();
        let n_rungs = structure.n_rungs;
        let mut shares = vec![0.0; times.len() * n_rungs];
        let firsts = self.panel.first_law(values, &self.panel.all_rates(values))?;
        for (unit, risk) in self.at_risk(times).iter().enumerate() {
            let Some(first) = self.panel.rows_of(unit).first() else { continue };
            let classes = self.panel.classes.as_ref();
            let profile = classes.map_or(0, |classes| classes.profiles.of[unit]);
            let given = (profile, classes.map_or_else(Vec::new, |classes| classes.known_of(unit)));
            if !priors.contains_key(&given) {
                let own = classes.map_or(&[][..], |classes| &classes.profiles.distinct[profile]);
                priors.insert(given.clone(), self.law_of(values, &given.1, own)?);
            }
            for (class, &weight) in priors[&given].iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                let history = &self.panel.histories[unit * n_classes + class];
                let mut row: Vec<f64> = match first.known {
                    Some(rung) => {
                        structure.spread((0..structure.n_rungs).map(|r| f64::from(u8::from(r == rung))).collect())
                    }
                    None => {
                        let place = self.panel.first.place(class, history.first().map_or(0, |row| row.design));
                        firsts[place * n..(place + 1) * n].to_vec()
                    }
                };
                let mut now = first.time;
                let mut place = 0;
                for (t, &time) in times.iter().enumerate().filter(|(_, time)| **time >= first.time) {
                    loop {
                        let next = history.get(place + 1).map_or(f64::INFINITY, |row| row.time);
                        let to = next.min(time);
                        if to > now {
                            let design = history[place].design;
                            let law = laws.entry((design, (to - now).to_bits())).or_insert_with(|| {
                                let made = known[design].get_or_insert_with(|| {
                                    Exponential::new(&structure.generator(values, &self.panel.designs[design]), n)
                                });
                                made.at(to - now)
                            });
                            let old = std::mem::replace(&mut row, vec![0.0; n]);
                            for (x, own) in old.iter().zip(law.chunks_exact(n)) {
                                row.iter_mut().zip(own).for_each(|(sum, p)| *sum += x * p);
                            }
                            now = to;
                        }
                        if next > time || place + 1 >= history.len() {
                            break;
                        }
                        place += 1;
                    }
                    if risk[t] {
                        let own = shares[t * n_rungs..(t + 1) * n_rungs].iter_mut();
                        own.zip(&structure.fold(&row)).for_each(|(sum, p)| *sum += weight * p);
                    }
                }
            }
        }
        for own in shares.chunks_exact_mut(n_rungs) {
            let total: f64 = own.iter().sum();
            own.iter_mut().for_each(|x| *x /= total);
        }
        Ok(shares)
    }
}
