//! Classes of units: the joint states of the drivers that a panel's ladders and indicators look at, and a unit's rows in each.

use super::columns::Columns;
use super::compile::{Build, Row, Stop, wrong};
use super::profiles::Profiles;
use super::structure::Structure;
use crate::escalation::first::drivers;
use crate::escalation::model::{Model, Status, Variable};
use crate::ground::{Error, Result, limits};
use std::collections::BTreeSet;
use std::ops::Range;

/// Most classes that a unit may be of.
const MOST: usize = 512;
/// Bytes that one row takes in one class, beyond its history.
const ROW: usize = 64;

/// What one unit is made of in one class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// Whether it may be of this class at all.
    pub possible: bool,
    /// Ranges of [`Classes::counts`], `stays`, `moves`, and of the panel's chains.
    pub counts: Range<usize>,
    pub stays: Range<usize>,
    pub moves: Range<usize>,
    pub chains: Range<usize>,
}

/// The classes, and what each unit has in each.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    /// The drivers looked at, ascending, and how many states each has.
    pub drivers: Vec<usize>,
    pub sizes: Vec<usize>,
    /// Of each class the state of every driver of the model (0 where nothing looks at it); the last looked at is fastest.
    pub configs: Vec<Vec<usize>>,
    /// The state of each driver looked at, by unit, where it is known.
    pub known: Vec<Vec<Option<usize>>>,
    /// How many such units there are.
    pub weights: Vec<f64>,
    /// What their covariates make of the drivers' tables.
    pub profiles: Profiles,
    /// By unit, then class.
    pub parts: Vec<Part>,
    /// Places in the panel's counts.
    pub counts: Vec<usize>,
    /// (design, joint rung, how long).
    pub stays: Vec<(usize, usize, f64)>,
    /// (design, arc).
    pub moves: Vec<(usize, usize)>,
}

impl Classes {
    /// The classes of a panel; none where nothing looks at a driver and no driver has a column, unless each unit is wanted by
    /// itself.
    ///
    /// # Errors
    /// `Spec` for an unknown driver, a driver that changes within a unit, and more than 512 classes; `TooLarge` where the
    /// units' rows in every class would not fit the memory.
    pub fn new(model: &Model, columns: &Columns, structure: &Structure, statuses: &[&Status]) -> Result<Option<Self>> {
        let mut looked: BTreeSet<usize> = structure.drivers().into_iter().collect();
        let parents = statuses.iter().flat_map(|status| &status.parents);
        looked.extend(parents.filter_map(|parent| if let Variable::Driver(d) = parent { Some(*d) } else { None }));
        looked.extend(structure.ladders.iter().flat_map(|&ladder| drivers(&model.ladders[ladder].first)));
        let mut seen = vec![];
        for column in &columns.drivers {
            let driver = model.drivers.iter().position(|d| d.name == column.driver);
            let missing = || Error::spec("panel", "the panel", format!("there is no driver '{}'", column.driver));
            let driver = driver.ok_or_else(missing)?;
            looked.insert(driver);
            seen.push((driver, column));
        }
        if looked.is_empty() && !columns.each {
            return Ok(None);
        }
        let drivers: Vec<usize> = looked.into_iter().collect();
        let sizes: Vec<usize> = drivers.iter().map(|&d| model.drivers[d].states.len()).collect();
        let count = sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size)).unwrap_or(usize::MAX);
        if count > MOST {
            let names: Vec<&str> = drivers.iter().map(|&d| model.drivers[d].name.as_str()).collect();
            let message = format!(
                "a unit may be of {count} classes (states of {}); at most {MOST} are summed over",
                names.join(", ")
            );
            return Err(Error::spec("panel", "the panel", message));
        }
        let bytes = ((std::mem::size_of::<Row>() + ROW) * count) as f64 * columns.unit.len() as f64;
        let limit = limits::memory();
        if bytes > limit {
            let rows = columns.unit.len();
            let message =
                format!("{rows} rows in {count} classes would take {bytes:.3e} bytes; {limit:.3e} are allowed");
            return Err(Error::TooLarge { bytes, limit, message });
        }
        let config = |class: usize| {
            let mut left = class;
            let mut states = vec![0; model.drivers.len()];
            for (&driver, &size) in drivers.iter().zip(&sizes).rev() {
                states[driver] = left % size;
                left /= size;
            }
            states
        };
        let mut known = vec![vec![None; drivers.len()]; columns.units.len()];
        for (driver, column) in seen {
            let place = drivers.iter().position(|d| *d == driver).unwrap_or(0);
            let states = &model.drivers[driver].states;
            for (row, (&unit, code)) in columns.unit.iter().zip(&column.codes).enumerate() {
                let Some(state) = usize::try_from(*code).ok().filter(|state| *state < states.len()) else { continue };
                match known[unit][place].replace(state) {
                    Some(before) if before != state => {
                        let message = format!(
                            "driver '{}' is '{}' there and '{}' before; expected one state for a unit, or none",
                            column.driver, states[state], states[before]
                        );
                        return Err(wrong(columns, row, message));
                    }
                    _ => {}
                }
            }
        }
        Ok(Some(Classes {
            configs: (0..count).map(config).collect(),
            known,
            profiles: Profiles::new(model, columns, structure)?,
            weights: (0..columns.units.len()).map(|u| columns.weights.get(u).copied().unwrap_or(1.0)).collect(),
            drivers,
            sizes,
            parts: vec![],
            counts: vec![],
            stays: vec![],
            moves: vec![],
        }))
    }

    /// Whether a class agrees with what is known of drivers, (driver, state).
    pub fn agrees(&self, class: usize, known: &[(usize, usize)]) -> bool {
        known.iter().all(|(driver, state)| !self.drivers.contains(driver) || self.configs[class][*driver] == *state)
    }

    /// What is known of a unit's drivers, (driver, state).
    pub fn known_of(&self, unit: usize) -> Vec<(usize, usize)> {
        let own = self.drivers.iter().zip(&self.known[unit]);
        own.filter_map(|(&driver, state)| state.map(|state| (driver, state))).collect()
    }

    /// A unit's parts, class after class.
    pub fn of(&self, unit: usize) -> &[Part] {
        &self.parts[unit * self.configs.len()..(unit + 1) * self.configs.len()]
    }

    /// Whether some unit's class is not known.
    pub fn latent(&self) -> bool {
        self.known.iter().any(|own| own.contains(&None))
    }
}

impl Build<'_> {
    /// Walks a unit's rows in each class; what a class cannot have is left out of it.
    pub(super) fn each_class(&mut self, unit: usize, rows: &[usize], weight: f64) -> Result<()> {
        let (Some(classes), columns) = (&self.classes, self.columns) else { return Ok(()) };
        let (n, known) = (classes.configs.len(), classes.known_of(unit));
        let agrees: Vec<bool> = (0..n).map(|class| classes.agrees(class, &known)).collect();
        let (mut counted, mut refused) = (false, None);
        for (class, agrees) in agrees.into_iter().enumerate() {
            self.class = class;
            let before = self.ends();
            let walked = if agrees { self.walk(unit, rows, 1.0) } else { Ok(()) };
            match walked {
                Ok(()) if agrees => {
                    let after = self.ends();
                    let part = Part {
                        possible: true,
                        counts: before[0]..after[0],
                        stays: before[1]..after[1],
                        moves: before[2]..after[2],
                        chains: before[3]..after[3],
                    };
                    self.part(part);
                    if !std::mem::replace(&mut counted, true) {
                        self.count(weight);
                    }
                }
                Ok(()) => {
                    self.part(Part::default());
                    self.histories.push(vec![]);
                }
                Err(Stop::Cannot(error)) => {
                    self.back(before);
                    self.part(Part::default());
                    let blank = |&row: &usize| Row { row, time: columns.time[row], ..Row::default() };
                    let history = rows.iter().map(blank).collect();
                    let history = self.with_designs(rows, history);
                    self.histories.push(history);
                    refused = refused.or(Some(error));
                }
                Err(Stop::Wrong(error)) => return Err(error),
            }
        }
        match refused {
            Some(error) if !counted => Err(error),
            _ => Ok(()),
        }
    }

    fn part(&mut self, part: Part) {
        if let Some(classes) = &mut self.classes {
            classes.parts.push(part);
        }
    }

    /// How far each list has got.
    fn ends(&self) -> [usize; 5] {
        let own = self.classes.as_ref().map_or([0; 3], |c| [c.counts.len(), c.stays.len(), c.moves.len()]);
        [own[0], own[1], own[2], self.chains.len(), self.ops.len()]
    }

    fn back(&mut self, to: [usize; 5]) {
        if let Some(classes) = &mut self.classes {
            classes.counts.truncate(to[0]);
            classes.stays.truncate(to[1]);
            classes.moves.truncate(to[2]);
        }
        self.chains.truncate(to[3]);
        self.ops.truncate(to[4]);
    }
}
