//! The timeline: what a component's evidence and questions do at which instant, put in order as a plan.

use super::condition::Condition;
use super::dossier::{Evidence, Record};
use super::model::{Model, Variable};
use super::part::{Label, Override, Part};
use super::plan::{Counted, Jump, Levels, Monitor, Plan, Point, Reading, Slot, Step, Watched};
use super::question::{Atom, Happening};
use super::restrict::Known;
use crate::markov::monitor::Classes;
use crate::markov::{Automaton, Field};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What happens at one instant, in the order of the variants.
#[derive(Debug, Clone)]
enum Action {
    /// A ladder is set to a phase; the calendar turns there too, and the monitors see it then.
    Set(usize, usize),
    Turn,
    Jump(usize),
    Close(usize, Levels),
    /// One of a monitor's windows closes: weights, and what each level becomes.
    Weigh(usize, Levels, Vec<usize>),
    Unwatch(usize),
    Point(usize),
    Open(usize),
    /// One more window of a monitor opens.
    Widen(usize),
    /// Opens and from then on only remembers.
    Note(usize),
    Watch(usize),
    Freeze(usize),
    Mark,
    Read,
}

impl Action {
    fn rank(&self) -> u8 {
        match self {
            Action::Set(..) => 0,
            Action::Turn => 1,
            Action::Jump(_) => 2,
            Action::Close(..) | Action::Weigh(..) | Action::Unwatch(_) => 3,
            Action::Point(_) => 4,
            Action::Open(_) | Action::Widen(_) | Action::Note(_) | Action::Watch(_) => 5,
            Action::Freeze(_) => 6,
            Action::Mark => 7,
            Action::Read => 8,
        }
    }
}

/// Gathers what happens when; [`Planner::finish`] puts it in order.
pub struct Planner<'a> {
    model: &'a Model,
    part: Arc<Part>,
    start: f64,
    end: f64,
    monitors: Vec<Monitor>,
    watched: Vec<Watched>,
    points: Vec<Point>,
    jumps: Vec<Jump>,
    actions: Vec<(f64, Action)>,
    windows: Vec<(Evidence, usize)>,
    /// Reports that a condition held at some time in a span, or never.
    reports: Vec<Report>,
    /// Monitors that are open from the start, fastest level first, and intensities that are watched from there.
    resumed: Vec<Slot>,
    marked: Vec<usize>,
    /// Times at which something is read while weights flow.
    reads: Vec<f64>,
    reading: Reading,
    /// Whether it is handed on where the ladders are at the end.
    hands_on: bool,
}

impl<'a> Planner<'a> {
    /// An empty timeline from the start of the part's calendar to `end`, days since the origin.
    pub fn new(model: &'a Model, part: Arc<Part>, end: f64) -> Self {
        let start = part.calendar.start;
        let mut planner = Planner {
            model,
            part,
            start,
            end,
            monitors: vec![],
            watched: vec![],
            points: vec![],
            jumps: vec![],
            actions: vec![],
            windows: vec![],
            reports: vec![],
            resumed: vec![],
            marked: vec![],
            reads: vec![],
            reading: Reading::None,
            hands_on: false,
        };
        for &boundary in &planner.part.clone().calendar.boundaries {
            if boundary > start && boundary <= end {
                planner.actions.push((boundary, Action::Turn));
            }
        }
        for set in planner.part.calendar.overrides.clone() {
            if let Override::Ladder { ladder, rung, since } = set
                && let Some(axis) = planner.part.axis(ladder)
                && since >= start
                && since <= end
            {
                let entry = planner.part.phases[axis].entry(rung);
                planner.actions.push((since, Action::Set(axis, entry)));
            }
        }
        planner
    }

    fn every<T>(&mut self, mut make: impl FnMut(&mut Part, &Model, usize, usize) -> T) -> Vec<T> {
        let pieces = self.part.calendar.pieces();
        let mut all = Vec::with_capacity(self.part.configs.len() * pieces);
        for config in 0..self.part.configs.len() {
            for piece in 0..pieces {
                all.push(make(Arc::make_mut(&mut self.part), self.model, config, piece));
            }
        }
        all
    }

    fn at<T>(&mut self, time: f64, mut make: impl FnMut(&mut Part, &Model, usize, usize) -> T) -> Vec<T> {
        let piece = self.part.calendar.piece_at(time);
        let configs = 0..self.part.configs.len();
        configs.map(|config| make(Arc::make_mut(&mut self.part), self.model, config, piece)).collect()
    }

    /// Adds a monitor whose class at a point is given by conditions: the last that holds (1-based), else 0.
    fn monitor(&mut self, laws: Vec<Automaton>, success: usize, conditions: &[&Condition]) -> usize {
        let pieces = self.part.calendar.pieces();
        let mut known: HashMap<Vec<Condition>, Arc<Classes>> = HashMap::new();
        let mut classes = Vec::with_capacity(self.part.configs.len() * pieces);
        for cell in 0..self.part.configs.len() * pieces {
            let drivers = self.part.drivers_at(self.model, cell / pieces, cell % pieces);
            let here = Known { drivers: &drivers, time: self.part.calendar.piece_start(cell % pieces) };
            let here: Vec<Condition> = conditions.iter().map(|condition| condition.restrict(&here)).collect();
            let own = known.entry(here).or_insert_with_key(|here| Arc::new(classes_of(&self.part, here)));
            classes.push(own.clone());
        }
        let looks: BTreeSet<usize> = conditions.iter().flat_map(|condition| condition.ladders()).collect();
        let detour = looks.into_iter().map(|ladder| self.model.ladders[ladder].phases.count() - 1).sum();
        self.monitors.push(Monitor { laws, success, detour, classes });
        self.monitors.len() - 1
    }

    fn event_labels(part: &mut Part, model: &Model, states: &[usize], events: usize, bits: (u64, u64)) -> Field<u32> {
        let indicator = &model.events[events];
        let field = config_field(part, model, states, &indicator.parents, |config| Label::Events {
            rate: indicator.rates[config],
            hit: bits.0,
            false_rate: bits.1,
        });
        field.map(|label| part.label(label.clone()))
    }

    /// Adds one piece of evidence.
    pub fn evidence(&mut self, evidence: &Evidence) {
        match evidence {
            Evidence::State { time, when, hit, miss } => {
                let fields = self.at(*time, |part, model, config, piece| {
                    let drivers = part.drivers_at(model, config, piece);
                    let here = when.restrict(&Known { drivers: &drivers, time: *time });
                    part.field(&here.ladders(), |rung| if here.at_rungs(&rung) { *hit } else { *miss })
                });
                self.point(*time, Point::Weights(fields));
            }
            Evidence::Soft { time, of, weights } => {
                let fields = self.at(*time, |part, model, config, piece| match *of {
                    Variable::Ladder(ladder) => part.field(&[ladder], |rung| weights[rung(ladder)]),
                    Variable::Driver(driver) => {
                        let state = part.drivers_at(model, config, piece)[driver];
                        part.field(&[], |_| weights[state])
                    }
                });
                self.point(*time, Point::Weights(fields));
            }
            Evidence::Status { time, status, weights } => {
                let rows = self.at(*time, |part, model, config, piece| {
                    let drivers = part.drivers_at(model, config, piece);
                    let indicator = &model.statuses[*status];
                    config_field(part, model, &drivers, &indicator.parents, |config| indicator.rows[config])
                });
                self.point(*time, Point::Status { rows, weights: weights.clone() });
            }
            Evidence::Measured { time, status, value } => {
                let cells = self.at(*time, |part, model, config, piece| {
                    let drivers = part.drivers_at(model, config, piece);
                    let indicator = &model.statuses[*status];
                    config_field(part, model, &drivers, &indicator.parents, |config| indicator.cells[config])
                });
                self.point(*time, Point::Number { cells, value: *value });
            }
            Evidence::Move { time, ladder, from, to, hit, false_rate } => {
                let arcs =
                    self.at(*time, |part, model, config, piece| part.jump(model, config, piece, *ladder, *from, *to));
                self.jumps.push(Jump { arcs, hit: *hit, false_rate: *false_rate });
                self.actions.push((*time, Action::Jump(self.jumps.len() - 1)));
            }
            Evidence::Window { start, end, when, entered, happened, never } => {
                self.window(evidence, (*start, *end), when, *entered, vec![[*never, *happened]]);
            }
            Evidence::Trusted { driver, each } => self.trusted(evidence, *driver, each),
            Evidence::Events { start, end, events, record, hit, false_rate } => {
                self.events(*start, *end, *events, record, (hit.to_bits(), false_rate.to_bits()));
            }
        }
    }

    fn point(&mut self, time: f64, point: Point) {
        self.points.push(point);
        self.actions.push((time, Action::Point(self.points.len() - 1)));
    }

    /// A report whose rates depend on a driver: its weights by configuration.
    fn trusted(&mut self, own: &Evidence, driver: usize, each: &[Evidence]) {
        let axis = self.part.drivers.binary_search(&driver).unwrap_or(0);
        let states = (0..self.part.configs.len()).map(|config| self.part.configs.digit(config, axis));
        let by_config: Vec<&Evidence> = states.map(|state| &each[state]).collect();
        match own.plain() {
            Evidence::State { time, when, .. } => {
                let fields = self.at(*time, |part, model, config, piece| {
                    let drivers = part.drivers_at(model, config, piece);
                    let here = when.restrict(&Known { drivers: &drivers, time: *time });
                    let (hit, miss) = match by_config[config] {
                        Evidence::State { hit, miss, .. } => (*hit, *miss),
                        _ => (1.0, 1.0),
                    };
                    part.field(&here.ladders(), |rung| if here.at_rungs(&rung) { hit } else { miss })
                });
                self.point(*time, Point::Weights(fields));
            }
            Evidence::Window { start, end, when, entered, .. } => {
                let weights = by_config.iter().map(|evidence| match evidence {
                    Evidence::Window { happened, never, .. } => [*never, *happened],
                    _ => [1.0; 2],
                });
                self.window(own, (*start, *end), when, *entered, weights.collect());
            }
            _ => {}
        }
    }

    /// A window with its weights [never, happened], in each configuration or one for all.
    fn window(
        &mut self,
        own: &Evidence,
        (start, end): (f64, f64),
        when: &Condition,
        entered: bool,
        weights: Vec<[f64; 2]>,
    ) {
        let never: Vec<f64> = weights.iter().map(|[never, _]| *never).collect();
        let happened: Vec<f64> = weights.iter().map(|[_, happened]| *happened).collect();
        if end <= start {
            let when = if entered { Condition::Always(false) } else { when.clone() };
            let state = |k: usize| Evidence::State { time: end, when: when.clone(), hit: happened[k], miss: never[k] };
            match own {
                Evidence::Trusted { driver, each } => {
                    let axis = self.part.drivers.binary_search(driver).unwrap_or(0);
                    let first = |state| (0..happened.len()).find(|&c| self.part.configs.digit(c, axis) == state);
                    let each = (0..each.len()).map(|s| state(first(s).unwrap_or(0))).collect();
                    self.evidence(&Evidence::Trusted { driver: *driver, each });
                }
                _ => self.evidence(&state(0)),
            }
            return;
        }
        if !entered {
            self.reports.push(Report { start, end, when: when.clone(), never, happened });
            return;
        }
        let levels = Levels::each(weights.len(), |k| vec![never[k], never[k], happened[k]]);
        // Two reports of one window share its monitor.
        let twin = self.windows.iter().find(|(other, _)| same_window(other, own)).map(|(_, monitor)| *monitor);
        if let Some(monitor) = twin {
            for (_, action) in &mut self.actions {
                if let Action::Close(m, old) = action
                    && *m == monitor
                {
                    *old = old.times(&levels);
                }
            }
            return;
        }
        let monitor = self.monitor(vec![Automaton::enters()], 2, &[when]);
        self.windows.push((own.clone(), monitor));
        self.actions.push((start, Action::Open(monitor)));
        self.actions.push((end, Action::Close(monitor, levels)));
    }

    /// One monitor for windows on one condition that overlap: of those open, in the order in which they opened, the first
    /// m have seen it hold, so that k windows take k + 1 levels instead of 2^k.
    fn cluster(&mut self, cluster: &[Report]) {
        if let [report] = cluster
            && report.happened.iter().all(|happened| *happened == 0.0)
        {
            // It never held, for sure: what goes there is dropped, and there is no level to carry.
            let monitor = self.monitor(vec![Automaton::never()], 0, &[&report.when]);
            self.actions.push((report.start, Action::Open(monitor)));
            let levels = Levels::each(report.never.len(), |k| vec![report.never[k]]);
            self.actions.push((report.end, Action::Close(monitor, levels)));
            return;
        }
        let most = most_open(cluster);
        let laws = (1..=most).map(|open| Automaton::windows(open, most)).collect();
        let monitor = self.monitor(laws, most, &[&cluster[0].when]);
        let mut ends: Vec<&Report> = cluster.iter().collect();
        ends.sort_by(|a, b| a.end.total_cmp(&b.end));
        let (mut starts, mut ends) = (cluster.iter().peekable(), ends.into_iter().peekable());
        // Starts of the windows that are open, ascending, and how many began there.
        let mut open: Vec<(f64, usize)> = vec![];
        while let Some(closing) = ends.peek() {
            if let Some(opening) = starts.next_if(|report| report.start < closing.end) {
                match open.last_mut() {
                    Some((start, count)) if *start == opening.start => *count += 1,
                    _ => {
                        let action = if open.is_empty() { Action::Open(monitor) } else { Action::Widen(monitor) };
                        self.actions.push((opening.start, action));
                        open.push((opening.start, 1));
                    }
                }
                continue;
            }
            let Some(closing) = ends.next() else { break };
            let position = open.iter().position(|(start, _)| *start == closing.start).unwrap_or(0);
            open[position].1 -= 1;
            let gone = open[position].1 == 0;
            let seen = |level: usize| level > position;
            let of = |k: usize, level: usize| if seen(level) { closing.happened[k] } else { closing.never[k] };
            let weights = Levels::each(closing.never.len(), |k| (0..=most).map(|level| of(k, level)).collect());
            if gone {
                open.remove(position);
            }
            let action = match open.is_empty() {
                true => Action::Close(monitor, weights),
                false => {
                    let next = (0..=most).map(|level| level - usize::from(gone && seen(level))).collect();
                    Action::Weigh(monitor, weights, next)
                }
            };
            self.actions.push((closing.end, action));
        }
    }

    fn events(&mut self, start: f64, end: f64, events: usize, record: &Record, bits: (u64, u64)) {
        let labels = self.every(|part, model, config, piece| {
            let drivers = part.drivers_at(model, config, piece);
            Self::event_labels(part, model, &drivers, events, bits)
        });
        let counter = match record {
            Record::Count(n) => {
                let monitor = self.monitor(vec![Automaton::count(*n)], *n, &[]);
                let mut weights = vec![0.0; n + 1];
                weights[*n] = 1.0;
                self.actions.push((start, Action::Open(monitor)));
                self.actions.push((end, Action::Close(monitor, Levels::each(1, |_| weights.clone()))));
                Some(Counted { monitor, events: *n, length: end - start, marks: false })
            }
            Record::Times(times) => {
                for &time in times {
                    let labels = self.at(time, |part, model, config, piece| {
                        let drivers = part.drivers_at(model, config, piece);
                        Self::event_labels(part, model, &drivers, events, bits)
                    });
                    self.point(time, Point::Event { labels });
                }
                None
            }
        };
        self.watched.push(Watched { labels, counter });
        let number = self.watched.len() - 1;
        self.actions.push((start, Action::Watch(number)));
        self.actions.push((end, Action::Unwatch(number)));
    }

    /// Adds a question's atom that begins in the plan; its monitor stays to the end.
    pub fn atom(&mut self, atom: &Atom) -> usize {
        let monitor = self.asked(atom);
        match atom {
            Atom::At { time, .. } => self.actions.push((*time, Action::Note(monitor))),
            _ => {
                self.actions.push((atom.start(), Action::Open(monitor)));
                self.freeze(atom, monitor);
            }
        }
        if let Some(number) = self.marks(atom, monitor) {
            self.actions.push((atom.start(), Action::Watch(number)));
        }
        monitor
    }

    /// The marks that tell the time in a condition, and their end, as a watched intensity.
    fn marks(&mut self, atom: &Atom, monitor: usize) -> Option<usize> {
        let Atom::Spends { when, days, stages, since, by } = atom else { return None };
        let rate = *stages as f64 / days;
        let labels = self.every(|part, model, config, piece| {
            let drivers = part.drivers_at(model, config, piece);
            let here = when.restrict(&Known { drivers: &drivers, time: part.calendar.piece_start(piece) });
            let field = part.field(&here.ladders(), |rung| if here.at_rungs(&rung) { rate } else { 0.0 });
            field.map(|rate| part.label(Label::Marks(rate.to_bits())))
        });
        let counter = Counted { monitor, events: *stages, length: by - since, marks: true };
        self.watched.push(Watched { labels, counter: Some(counter) });
        let number = self.watched.len() - 1;
        if *by <= self.end {
            self.actions.push((*by, Action::Unwatch(number)));
        }
        Some(number)
    }

    /// Adds a question's atom that began before the plan: its monitor is open from the start, and sees what is set then.
    pub fn resume(&mut self, atom: &Atom) -> usize {
        let monitor = self.asked(atom);
        let listens = atom.end() > self.start;
        self.resumed.push(Slot { monitor, law: 0, listens });
        if listens {
            self.freeze(atom, monitor);
            if let Some(number) = self.marks(atom, monitor) {
                self.marked.push(number);
            }
        }
        monitor
    }

    fn freeze(&mut self, atom: &Atom, monitor: usize) {
        // Where it goes on beyond the plan it is resumed there.
        if atom.end() <= self.end {
            self.actions.push((atom.end(), Action::Freeze(monitor)));
        }
    }

    fn asked(&mut self, atom: &Atom) -> usize {
        let (automaton, success) = atom.automaton();
        let rung = |ladder: usize, rungs: usize, rung: usize| Condition::Ladder {
            ladder,
            rungs: (0..rungs).map(|r| r == rung).collect(),
        };
        match atom {
            // The class of a rung is its number.
            Atom::Happens { what: Happening::Move { ladder, rungs, .. }, .. } => {
                let conditions: Vec<Condition> = (1..*rungs).map(|r| rung(*ladder, *rungs, r)).collect();
                self.monitor(vec![automaton], success, &conditions.iter().collect::<Vec<_>>())
            }
            // Marks lift it, no arrival does.
            Atom::Spends { .. } => self.monitor(vec![automaton], success, &[]),
            _ => self.monitor(vec![automaton], success, &atom.conditions()),
        }
    }

    /// Says that where the ladders are at the end is handed on, beside the monitors that are open then.
    pub fn hand_on(&mut self) {
        self.hands_on = true;
    }

    /// The part whose timeline it is.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// Asks for the marginals at a time.
    pub fn mark(&mut self, time: f64) {
        self.actions.push((time, Action::Mark));
    }

    /// Asks for what is to be read, from the flows that pass the times; at the start, and where the calendar turns or a ladder
    /// is set by hand, once that is done.
    pub fn read(&mut self, reading: &Reading) {
        for &time in reading.times() {
            let set = |(at, action): &(f64, Action)| *at == time && matches!(action, Action::Set(..) | Action::Turn);
            match time == self.start || self.actions.iter().any(set) {
                true => self.actions.push((time, Action::Read)),
                false => self.reads.push(time),
            }
        }
        self.reading = reading.clone();
    }

    /// Puts everything in order.
    pub fn finish(mut self) -> Plan {
        for cluster in clusters(std::mem::take(&mut self.reports)) {
            self.cluster(&cluster);
        }
        if self.resumed.iter().any(|slot| slot.listens) {
            self.actions.push((self.start, Action::Turn));
        }
        self.actions.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.rank().cmp(&b.1.rank())));
        let mut steps = vec![];
        let mut open: Vec<Slot> = self.resumed.clone();
        let mut watched: Vec<usize> = self.marked.clone();
        let mut now = self.start;
        let levels = |open: &[Slot]| open.iter().map(|slot| self.monitors[slot.monitor].levels()).product();
        let resumed: usize = levels(&open);
        let mut flags = resumed;
        let actions = std::mem::take(&mut self.actions);
        for (time, action) in actions {
            self.pass(time, &mut now, &watched, &open, &mut steps);
            let piece = self.part.calendar.piece_at(time);
            match action {
                Action::Turn => {
                    if open.iter().any(|slot| slot.listens) {
                        steps.push(Step::Arrive { piece, open: open.clone() });
                    }
                }
                Action::Set(axis, phase) => {
                    steps.push(Step::Set { axis, phase });
                }
                Action::Jump(jump) => steps.push(Step::Jump { jump, piece, open: open.clone() }),
                Action::Close(monitor, weights) => {
                    if let Some(position) = open.iter().position(|slot| slot.monitor == monitor) {
                        steps.push(Step::Close { position, weights, open: open.clone() });
                        open.remove(position);
                    }
                }
                Action::Weigh(monitor, weights, next) => {
                    if let Some(position) = open.iter().position(|slot| slot.monitor == monitor) {
                        // A level fewer where all that began with this window have closed.
                        let fewer = next.iter().enumerate().any(|(level, next)| level != *next);
                        steps.push(Step::Weigh { position, weights, next, open: open.clone() });
                        open[position].law -= usize::from(fewer);
                    }
                }
                Action::Widen(monitor) => {
                    open.iter_mut().filter(|slot| slot.monitor == monitor).for_each(|slot| slot.law += 1);
                    steps.push(Step::Arrive { piece, open: open.clone() });
                }
                Action::Point(point) => steps.push(Step::Point { point }),
                Action::Open(monitor) => {
                    steps.push(Step::Open { monitor, piece });
                    open.push(Slot { monitor, law: 0, listens: true });
                }
                Action::Note(monitor) => {
                    steps.push(Step::Open { monitor, piece });
                    open.push(Slot { monitor, law: 0, listens: false });
                }
                Action::Watch(number) => watched.push(number),
                Action::Unwatch(number) => watched.retain(|&w| w != number),
                Action::Freeze(monitor) => {
                    open.iter_mut().filter(|slot| slot.monitor == monitor).for_each(|slot| slot.listens = false);
                }
                Action::Mark => steps.push(Step::Mark),
                Action::Read => steps.push(Step::Read),
            }
            flags = flags.max(levels(&open));
        }
        self.pass(self.end, &mut now, &watched, &open, &mut steps);
        if !self.hands_on {
            settle(&mut steps, &self.reading);
        }
        let rows: BTreeSet<usize> = self.points.iter().flat_map(Point::rows).collect();
        let reals: BTreeSet<usize> = self.points.iter().flat_map(Point::reals).collect();
        let own = self.points.iter().flat_map(Point::positives);
        let positives: BTreeSet<usize> = self.part.positives().into_iter().chain(own).collect();
        Plan {
            uses: (positives.into_iter().collect(), rows.into_iter().collect(), reals.into_iter().collect()),
            part: self.part,
            monitors: self.monitors,
            watched: self.watched,
            points: self.points,
            jumps: self.jumps,
            steps,
            flags,
            open: open.iter().map(|slot| slot.monitor).collect(),
            resumed,
            reading: self.reading,
        }
    }

    fn pass(&self, time: f64, now: &mut f64, watched: &[usize], open: &[Slot], steps: &mut Vec<Step>) {
        if time > *now {
            steps.push(Step::Flow {
                length: time - *now,
                piece: self.part.calendar.piece_at(*now),
                watched: watched.to_vec(),
                open: open.to_vec(),
                settled: false,
                reads: self.reads.iter().filter(|&&read| *now < read && read <= time).map(|read| read - *now).collect(),
            });
            *now = time;
        }
    }
}

/// Marks the flows after which only their open monitors are read: nothing opens, closes, weighs or is marked later.
fn settle(steps: &mut [Step], reading: &Reading) {
    let of_ladders = matches!(reading, Reading::Ladders(_));
    for step in steps.iter_mut().rev() {
        match step {
            Step::Flow { watched, settled, open, reads, .. }
                if watched.is_empty() && (reads.is_empty() || !of_ladders) =>
            {
                *settled = !open.is_empty()
            }
            Step::Read if !of_ladders => {}
            Step::Arrive { .. } | Step::Set { .. } => {}
            _ => return,
        }
    }
}

/// The class of every point: the last of the conditions that holds there (1-based), else 0.
fn classes_of(part: &Part, here: &[Condition]) -> Classes {
    let looks: Vec<usize> = here.iter().flat_map(Condition::ladders).collect();
    let field = part.field(&looks, |rung| {
        here.iter().rposition(|condition| condition.at_rungs(&rung)).map_or(0, |class| class as u8 + 1)
    });
    let mut runs: Vec<(usize, usize, u8)> = vec![];
    field.runs(&part.space, |start, end, index| {
        let class = field.table()[index];
        match runs.last_mut() {
            Some(last) if last.2 == class => last.1 = end,
            _ => runs.push((start, end, class)),
        }
    });
    Classes::new(runs)
}

/// A field over an indicator's ladder parents, with the driver parents at known states.
fn config_field<T: Clone>(
    part: &Part,
    model: &Model,
    drivers: &[usize],
    parents: &[Variable],
    mut value: impl FnMut(usize) -> T,
) -> Field<T> {
    let looks: Vec<usize> = parents
        .iter()
        .filter_map(|parent| match parent {
            Variable::Ladder(ladder) => Some(*ladder),
            Variable::Driver(_) => None,
        })
        .collect();
    part.field(&looks, |rung| {
        let config = parents.iter().fold(0, |config, parent| match *parent {
            Variable::Ladder(l) => config * model.ladders[l].rungs.len() + rung(l),
            Variable::Driver(d) => config * model.drivers[d].states.len() + drivers[d],
        });
        value(config)
    })
}

/// A report that a condition held at some time in [start, end], or never: the two weights.
#[derive(Debug, Clone)]
pub struct Report {
    pub start: f64,
    pub end: f64,
    pub when: Condition,
    /// In each configuration, or one for all.
    pub never: Vec<f64>,
    pub happened: Vec<f64>,
}

/// Reports on one condition whose spans overlap, together, in the order in which they open.
pub fn clusters(mut reports: Vec<Report>) -> Vec<Vec<Report>> {
    reports.sort_by(|a, b| a.when.cmp(&b.when).then(a.start.total_cmp(&b.start)));
    let mut clusters: Vec<Vec<Report>> = vec![];
    for report in reports {
        let joins = |cluster: &&mut Vec<Report>| {
            let end = cluster.iter().fold(f64::NEG_INFINITY, |end: f64, other| end.max(other.end));
            cluster[0].when == report.when && report.start < end
        };
        match clusters.last_mut().filter(joins) {
            Some(cluster) => cluster.push(report),
            None => clusters.push(vec![report]),
        }
    }
    clusters
}

/// Most different starts of windows that are open at once.
pub fn most_open(cluster: &[Report]) -> usize {
    let open_at = |t: f64| {
        let open = cluster.iter().filter(|other| other.start <= t && t < other.end);
        open.map(|other| other.start.to_bits()).collect::<BTreeSet<u64>>().len()
    };
    cluster.iter().map(|report| open_at(report.start)).max().unwrap_or(0)
}

/// Whether two reports are of one window.
pub fn same_window(a: &Evidence, b: &Evidence) -> bool {
    match (a.plain(), b.plain()) {
        (
            Evidence::Window { start: s1, end: e1, when: w1, entered: n1, .. },
            Evidence::Window { start: s2, end: e2, when: w2, entered: n2, .. },
        ) => s1 == s2 && e1 == e2 && w1 == w2 && n1 == n2,
        _ => false,
    }
}
