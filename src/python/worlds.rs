//! `Worlds`: simulated worlds, what happens in them and what they show, as arrays.

use super::errors::raise;
use super::files::json;
use super::model::questions;
use super::run::run;
use crate::escalation::world::{Told, said};
use crate::escalation::worlds::Worlds as Kernel;
use crate::ground::time::Clock;
use crate::ground::{Error, limits};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods};
use pyo3::prelude::*;

/// Worlds drawn from a fit.
#[pyclass(frozen, module = "escalade._core")]
#[derive(Debug)]
pub struct Worlds {
    pub kernel: Kernel,
}

type Codes<'py> = Bound<'py, PyArray1<i64>>;
type Days<'py> = Bound<'py, PyArray1<f64>>;

impl Worlds {
    fn clock(&self, py: Python<'_>) -> PyResult<Clock> {
        Clock::new(&self.kernel.model.origin).map_err(|error| raise(py, error))
    }

    /// Refuses so many bytes a world where memory does not hold them.
    fn afford(&self, py: Python<'_>, each: f64) -> PyResult<()> {
        let (bytes, limit) = (each * self.kernel.worlds.len() as f64, limits::memory());
        if bytes <= limit {
            return Ok(());
        }
        let n = self.kernel.worlds.len();
        let message = format!("numbers of {n} worlds would take {bytes:.3e} bytes; {limit:.3e} are allowed");
        Err(raise(py, Error::TooLarge { bytes, limit, message }))
    }

    /// Times of dates, which must lie in the span of the worlds.
    fn times(&self, py: Python<'_>, dates: &[String]) -> PyResult<Vec<f64>> {
        let clock = self.clock(py)?;
        let (start, end) = self.kernel.span;
        let point = |date: &String| {
            let time = clock.point(date)?;
            match start <= time && time <= end {
                true => Ok(time),
                false => {
                    let (from, to) = (clock.date_of(start), clock.date_of(end));
                    Err(Error::spec("dates", "dates", format!("{date} lies outside the worlds, {from} to {to}")))
                }
            }
        };
        dates.iter().map(|date| point(date).map_err(|error| raise(py, error))).collect()
    }
}

fn place<'a>(py: Python<'_>, mut names: impl Iterator<Item = &'a String>, name: &str, kind: &str) -> PyResult<usize> {
    let found = names.position(|known| known == name);
    found.ok_or_else(|| raise(py, Error::spec(kind, kind, format!("there is no {kind} '{name}'"))))
}

#[pymethods]
impl Worlds {
    fn __len__(&self) -> usize {
        self.kernel.worlds.len()
    }

    /// When they begin and end, days since the origin.
    #[getter]
    fn span(&self) -> (f64, f64) {
        self.kernel.span
    }

    /// The state of each driver, shape (worlds, drivers).
    fn drivers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<i64>>> {
        let states = self.kernel.worlds.iter().flat_map(|world| world.drivers.iter().map(|&state| state as i64));
        let flat: Vec<i64> = states.collect();
        flat.into_pyarray(py).reshape([self.kernel.worlds.len(), self.kernel.model.drivers.len()])
    }

    /// Every rung that a ladder is at when a world begins or enters later: world, ladder, days since the origin, rung.
    fn paths<'py>(&self, py: Python<'py>) -> (Codes<'py>, Codes<'py>, Days<'py>, Codes<'py>) {
        let (mut numbers, mut ladders, mut times, mut rungs) = (vec![], vec![], vec![], vec![]);
        for (w, world) in self.kernel.worlds.iter().enumerate() {
            let begin = world.start.iter().enumerate().map(|(ladder, &rung)| (world.span.0, ladder, rung));
            let moves = world.moves.iter().map(|moved| (moved.time, moved.ladder, moved.to));
            for (time, ladder, rung) in begin.chain(moves) {
                numbers.push(w as i64);
                ladders.push(ladder as i64);
                times.push(time);
                rungs.push(rung as i64);
            }
        }
        (numbers.into_pyarray(py), ladders.into_pyarray(py), times.into_pyarray(py), rungs.into_pyarray(py))
    }

    /// The rung of each ladder at dates (ascending), shape (worlds, dates, ladders).
    fn rungs<'py>(&self, py: Python<'py>, dates: Vec<String>) -> PyResult<Bound<'py, PyArray3<i64>>> {
        let times = self.times(py, &dates)?;
        self.afford(py, 12.0 * times.len() as f64 * self.kernel.model.ladders.len() as f64)?;
        let flat: Vec<i64> = self.kernel.rungs(&times).into_iter().map(i64::from).collect();
        flat.into_pyarray(py).reshape([self.kernel.worlds.len(), times.len(), self.kernel.model.ladders.len()])
    }

    /// What a status indicator shows at dates, shape (worlds, dates): the place of its state, or its number (NaN: none).
    fn shown<'py>(&self, py: Python<'py>, status: &str, dates: Vec<String>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let number = place(py, self.kernel.model.statuses.iter().map(|s| &s.name), status, "status indicator")?;
        let times = self.times(py, &dates)?;
        self.afford(py, 24.0 * times.len() as f64)?;
        let flat = run(py, None, |control| self.kernel.shown(number, &times, control))?;
        flat.into_pyarray(py).reshape([self.kernel.worlds.len(), times.len()])
    }

    /// When an events indicator happens while the worlds last: world, days since the origin.
    fn happened<'py>(&self, py: Python<'py>, events: &str) -> PyResult<(Codes<'py>, Days<'py>)> {
        let number = place(py, self.kernel.model.events.iter().map(|e| &e.name), events, "events indicator")?;
        let times = run(py, None, |control| self.kernel.happened(number, self.kernel.span, control))?;
        let worlds: Vec<i64> = times.iter().enumerate().flat_map(|(w, t)| vec![w as i64; t.len()]).collect();
        Ok((worlds.into_pyarray(py), times.concat().into_pyarray(py)))
    }

    /// Whether questions are true, shape (worlds, questions); NaN where what a question is given is not.
    fn truths<'py>(&self, py: Python<'py>, questions_json: &str) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let asked = questions(py, &self.kernel.model, questions_json, self.kernel.span.0)?;
        let late = asked.iter().find(|question| question.end(0.0) > self.kernel.span.1);
        if let Some(question) = late {
            let clock = self.clock(py)?;
            let message = format!("the worlds end on {}, before it is decided", clock.date_of(self.kernel.span.1));
            return Err(raise(py, Error::spec("questions", format!("question '{}'", question.name), message)));
        }
        let early = asked.iter().find(|question| question.atoms.iter().any(|atom| atom.start() < self.kernel.span.0));
        if let Some(question) = early {
            let message = format!("it looks at what was before {}, when the worlds begin", {
                self.clock(py)?.date_of(self.kernel.span.0)
            });
            return Err(raise(py, Error::spec("questions", format!("question '{}'", question.name), message)));
        }
        let flat = run(py, None, |control| self.kernel.truths(&asked, control))?;
        flat.into_pyarray(py).reshape([self.kernel.worlds.len(), asked.len()])
    }

    /// What each world tells in place of each development, shape (worlds, developments), counts for events and NaN where a
    /// report has no probability; and what each development told.
    fn told<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyArray2<f64>>, Days<'py>)> {
        let all = run(py, None, |control| self.kernel.told(control))?;
        let value = |told: &Option<Told>| match told {
            None => f64::NAN,
            Some(Told::Value(value)) => *value,
            Some(Told::Times(times)) => times.len() as f64,
        };
        let developments = &self.kernel.dossier.developments;
        let flat: Vec<f64> = all.iter().flatten().map(value).collect();
        let own: Vec<f64> = developments.iter().map(|d| said(&d.evidence).unwrap_or(f64::NAN)).collect();
        Ok((flat.into_pyarray(py).reshape([all.len(), developments.len()])?, own.into_pyarray(py)))
    }

    /// What one world tells in place of each development, as JSON: null, a number, or the dates of events.
    fn told_by(&self, py: Python<'_>, world: usize) -> PyResult<String> {
        let clock = self.clock(py)?;
        if world >= self.kernel.worlds.len() {
            let message = format!("there is no world {world}; there are {}", self.kernel.worlds.len());
            return Err(raise(py, Error::spec("worlds", "worlds", message)));
        }
        let own = self.kernel.told_by(world);
        let one = |told: &Option<Told>| match told {
            None => serde_json::Value::Null,
            Some(Told::Value(value)) => serde_json::json!(value),
            Some(Told::Times(times)) => times.iter().map(|&time| clock.date_of(time)).collect(),
        };
        json(py, &own.iter().map(one).collect::<Vec<_>>())
    }

    /// Ids of the developments that are replaced, in the order of `told`.
    fn developments(&self) -> Vec<String> {
        self.kernel.dossier.developments.iter().map(|d| d.id.clone()).collect()
    }
}
