//! `m.size()`: which ladders are swept together, why, and what it costs, before anything is computed.

use super::account::Account;
use super::answer::Asked;
use super::component::{Component, ancestors};
use super::dossier::Dossier;
use super::engine::Prepared;
use super::model::Model;
use super::onward::ahead;
use super::question::Question;
use serde::Serialize;

/// A component with its names back.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentSize {
    /// What it is swept for: "the developments" or "question 'clash by mid-2025'".
    pub of: String,
    pub ladders: Vec<String>,
    pub drivers: Vec<String>,
    pub driver_states: f64,
    pub joint_rungs: f64,
    pub flags: f64,
    pub moves: usize,
    pub steps: f64,
    pub operations: f64,
    pub bytes: f64,
    pub links: Vec<NamedLink>,
}

/// Why two ladders are in one component.
#[derive(Debug, Clone, Serialize)]
pub struct NamedLink {
    pub a: String,
    pub b: String,
    pub why: String,
}

/// The whole account.
#[derive(Debug, Clone, Serialize)]
pub struct Size {
    pub components: Vec<ComponentSize>,
    /// Ladders with no evidence or question at or downstream of them.
    pub dropped: Vec<String>,
    pub operations: f64,
    pub bytes: f64,
}

/// The account of a dossier (without one: of the whole model), and of what each question carries on from now.
pub fn size(model: &Model, dossier: Option<&Dossier>, questions: &[Question]) -> Size {
    let empty = Dossier { as_of: 1.0, developments: vec![], left_out: vec![] };
    let everything: Vec<usize> = (0..model.ladders.len()).collect();
    let wanted: Vec<usize> = match dossier {
        None => everything.clone(),
        Some(_) => ancestors(model, questions.iter().flat_map(Asked::ladders)).into_iter().collect(),
    };
    let now = dossier.map_or(0.0, |dossier| dossier.as_of);
    let told = dossier.unwrap_or(&empty);
    let (accounts, parts) = Prepared::split(model, told, &wanted, 0, &[]);
    let together: Vec<(Vec<usize>, Vec<usize>)> = parts.into_iter().map(|part| (part.ladders, part.drivers)).collect();
    let mut components: Vec<ComponentSize> =
        accounts.iter().map(|account| named(model, account, "the developments".into())).collect();
    for question in questions {
        let span = question.end(now) - now;
        let past = question.past(now);
        if !past.is_empty() {
            let (accounts, parts) = Prepared::split(model, told, &wanted, 0, &past);
            let asks = |part: &&(Account, Component)| part.1.items.iter().any(|&i| i >= told.developments.len());
            for (account, _) in accounts.into_iter().zip(parts).collect::<Vec<_>>().iter().filter(asks) {
                components.push(named(model, account, format!("question '{}', the past", question.name)));
            }
        }
        for (_, account) in ahead(model, &[], &question.atoms, &together, span) {
            components.push(named(model, &account, format!("question '{}'", question.name)));
        }
    }
    let kept: Vec<usize> = accounts.iter().flat_map(|account| account.ladders.clone()).collect();
    let dropped = everything.iter().filter(|ladder| !kept.contains(ladder));
    Size {
        operations: components.iter().map(|component| component.operations).sum(),
        bytes: components.iter().map(|component| component.bytes).sum(),
        dropped: dropped.map(|&ladder| model.ladders[ladder].name.clone()).collect(),
        components,
    }
}

fn named(model: &Model, account: &Account, of: String) -> ComponentSize {
    let ladder = |l: usize| model.ladders[l].name.clone();
    ComponentSize {
        of,
        ladders: account.ladders.iter().map(|&l| ladder(l)).collect(),
        drivers: account.drivers.iter().map(|&d| model.drivers[d].name.clone()).collect(),
        driver_states: account.driver_states,
        joint_rungs: account.joint_rungs,
        flags: account.flags,
        moves: account.moves,
        steps: account.steps,
        operations: account.operations,
        bytes: account.bytes,
        links: account
            .links
            .iter()
            .map(|link| NamedLink { a: ladder(link.a), b: ladder(link.b), why: link.why.clone() })
            .collect(),
    }
}
