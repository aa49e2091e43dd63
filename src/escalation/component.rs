//! Which ladders must be swept together, under which drivers, and why: components, and the account of their size.

use super::condition::Condition;
use super::dossier::Evidence;
use super::first;
use super::model::{Model, Variable};
use super::question::Atom;
use std::collections::BTreeSet;

/// Something that looks at ladders and drivers at once: evidence, or a question's atom.
#[derive(Debug, Clone)]
pub struct Item {
    pub ladders: Vec<usize>,
    pub drivers: Vec<usize>,
    /// What it is, for the account of links.
    pub what: String,
}

/// Why two ladders share a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub a: usize,
    pub b: usize,
    pub why: String,
}

/// Ladders that must be swept together, over the states of the drivers that they look at.
#[derive(Debug, Clone)]
pub struct Component {
    pub ladders: Vec<usize>,
    pub drivers: Vec<usize>,
    /// Indices into the items given.
    pub items: Vec<usize>,
    pub links: Vec<Link>,
}

impl Item {
    /// What a piece of evidence looks at.
    pub fn of_evidence(model: &Model, evidence: &Evidence, what: String) -> Self {
        let (ladders, drivers) = match evidence {
            Evidence::State { when, .. } | Evidence::Window { when, .. } => (when.ladders(), when.drivers()),
            Evidence::Soft { of, .. } => split(&[*of]),
            Evidence::Status { status, .. } | Evidence::Measured { status, .. } => {
                split(&model.statuses[*status].parents)
            }
            Evidence::Move { ladder, .. } => (vec![*ladder], vec![]),
            Evidence::Events { events, .. } => split(&model.events[*events].parents),
            Evidence::Trusted { driver, .. } => {
                let plain = Item::of_evidence(model, evidence.plain(), String::new());
                (plain.ladders, plain.drivers.into_iter().chain([*driver]).collect())
            }
        };
        Item { ladders, drivers, what }
    }

    /// What a question's atom looks at.
    pub fn of_atom(atom: &Atom, what: String) -> Self {
        let drivers = atom.conditions().into_iter().flat_map(Condition::drivers).collect();
        Item { ladders: atom.ladders(), drivers, what }
    }
}

fn split(parents: &[Variable]) -> (Vec<usize>, Vec<usize>) {
    let ladders = parents.iter().filter_map(|p| if let Variable::Ladder(l) = p { Some(*l) } else { None }).collect();
    let drivers = parents.iter().filter_map(|p| if let Variable::Driver(d) = p { Some(*d) } else { None }).collect();
    (ladders, drivers)
}

/// The given ladders and all that they depend on, directly or not.
pub fn ancestors(model: &Model, ladders: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = BTreeSet::new();
    let mut ahead: Vec<usize> = ladders.into_iter().collect();
    while let Some(ladder) = ahead.pop() {
        if found.insert(ladder) {
            ahead.extend(model.ladders[ladder].effects.iter().flat_map(|effect| effect.when.ladders()));
        }
    }
    found
}

/// Splits ladders into components: linked by an effect, an item, or a group that must stay together.
///
/// An item without ladders makes a component of its own, over its drivers.
pub fn components(
    model: &Model,
    ladders: &BTreeSet<usize>,
    items: &[Item],
    together: &[(Vec<usize>, Vec<usize>)],
) -> Vec<Component> {
    let mut links = vec![];
    for &ladder in ladders {
        for effect in &model.ladders[ladder].effects {
            for other in effect.when.ladders().into_iter().filter(|&other| other != ladder) {
                let name = &model.parameters.positives[effect.factor].name;
                links.push(Link { a: other, b: ladder, why: format!("effect '{name}'") });
            }
        }
    }
    for item in items {
        for pair in item.ladders.windows(2).filter(|pair| pair[0] != pair[1]) {
            links.push(Link { a: pair[0], b: pair[1], why: item.what.clone() });
        }
    }
    for (group, _) in together {
        for pair in group.windows(2) {
            links.push(Link { a: pair[0], b: pair[1], why: "the past links them".into() });
        }
    }
    let mut root: Vec<usize> = (0..model.ladders.len()).collect();
    links.iter().for_each(|link| unite(&mut root, link.a, link.b));
    let mut found: Vec<Component> = vec![];
    let roots: BTreeSet<usize> = ladders.iter().map(|&ladder| find(&root, ladder)).collect();
    for group in roots {
        let inside: Vec<usize> = ladders.iter().copied().filter(|&ladder| find(&root, ladder) == group).collect();
        let own: Vec<usize> = (0..items.len())
            .filter(|&item| items[item].ladders.first().is_some_and(|&ladder| find(&root, ladder) == group))
            .collect();
        let mut drivers: BTreeSet<usize> = own.iter().flat_map(|&item| items[item].drivers.clone()).collect();
        for &ladder in &inside {
            drivers.extend(model.ladders[ladder].effects.iter().flat_map(|effect| effect.when.drivers()));
            drivers.extend(first::drivers(&model.ladders[ladder].first));
        }
        for (ladders, seen) in together {
            if ladders.first().is_some_and(|&ladder| find(&root, ladder) == group) {
                drivers.extend(seen);
            }
        }
        let links = links.iter().filter(|link| find(&root, link.a) == group).cloned().collect();
        found.push(Component { ladders: inside, drivers: drivers.into_iter().collect(), items: own, links });
    }
    for (number, item) in items.iter().enumerate().filter(|(_, item)| item.ladders.is_empty()) {
        let drivers: BTreeSet<usize> = item.drivers.iter().copied().collect();
        let drivers = drivers.into_iter().collect();
        found.push(Component { ladders: vec![], drivers, items: vec![number], links: vec![] });
    }
    found
}

/// Joins the groups of two ladders; the smallest of a group is its root.
pub(super) fn unite(root: &mut [usize], a: usize, b: usize) {
    let (a, b) = (find(root, a), find(root, b));
    root[a.max(b)] = a.min(b);
}

/// The root of a ladder's group.
pub(super) fn find(root: &[usize], mut ladder: usize) -> usize {
    while root[ladder] != ladder {
        ladder = root[ladder];
    }
    ladder
}
