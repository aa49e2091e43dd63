//! BIF, from outside: what is written reads back as it was, and the networks of the repository are read whole.

use escalade::bayes::formats::bif::{self, Document, Variable};
use escalade::bayes::row::normalise;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// Names as they are found, and as nobody would write them.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z_][a-zA-Z0-9_.+-]{0,8}",
        1 => "[0-9<>=]{1,3}[+/]?[a-z*/]{0,3}",
        1 => "[ \\\\\"/*;|{}(),\n\r\tnr]{0,6}",
        1 => any::<String>(),
    ]
}

/// A row that sums to 1, with zeros and very small numbers.
fn row(states: usize) -> impl Strategy<Value = Vec<f64>> {
    let weight = prop_oneof![4 => 0.0..1.0f64, 1 => Just(0.0), 1 => 0.0..1e-12f64, 1 => Just(5e-324)];
    vec(weight, states).prop_map(|mut row| {
        let sum: f64 = row.iter().sum();
        match row.first_mut() {
            Some(first) if sum <= 1e-3 => *first = 1.0 - (sum - *first),
            _ => row.iter_mut().for_each(|p| *p /= sum),
        }
        normalise(&mut row).expect("rows that were divided by their sum");
        row
    })
}

/// A variable that stands at `at`, with some of the variables before it as parents.
fn variable(name: String, at: usize, states: Vec<Vec<String>>) -> impl Strategy<Value = Variable> {
    let own = states[at].clone();
    let parents = proptest::sample::subsequence((0..at).collect::<Vec<_>>(), 0..=at.min(3)).prop_shuffle();
    (parents, vec(name_or_property(), 0..3)).prop_flat_map(move |(parents, properties)| {
        let rows: usize = parents.iter().map(|p| states[*p].len()).product();
        let (name, own) = (name.clone(), own.clone());
        vec(row(own.len()), rows).prop_map(move |rows| Variable {
            name: name.clone(),
            states: own.clone(),
            parents: parents.clone(),
            table: rows.concat(),
            properties: properties.clone(),
        })
    })
}

fn name_or_property() -> impl Strategy<Value = String> {
    prop_oneof![name(), "[a-z]{1,6} = [(]?[0-9, ]{0,6}[)]?"]
}

fn document() -> impl Strategy<Value = Document> {
    let states = vec(btree_set(name(), 1..5).prop_map(|set| set.into_iter().collect::<Vec<_>>()), 6);
    let names = btree_set(name(), 0..6).prop_map(BTreeSet::into_iter).prop_map(Iterator::collect::<Vec<_>>);
    (name(), vec(name_or_property(), 0..3), names.prop_shuffle(), states).prop_flat_map(
        |(name, properties, names, states)| {
            let variables: Vec<_> =
                names.into_iter().enumerate().map(|(at, name)| variable(name, at, states.clone())).collect();
            variables.prop_map(move |variables| Document {
                name: name.clone(),
                properties: properties.clone(),
                variables,
            })
        },
    )
}

fn bits(document: &Document) -> Vec<u64> {
    document.variables.iter().flat_map(|v| &v.table).map(|p| p.to_bits()).collect()
}

proptest! {
    #[test]
    fn what_is_written_reads_back(document in document()) {
        let text = bif::write(&document);
        let back = bif::read(&text, None).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(bits(&back), bits(&document));
        prop_assert_eq!(back, document);
    }

    #[test]
    fn no_text_panics(
        start in "(network n \\{\\})?",
        rest in "([a-z ]{0,4}|[(){};,|\"0-9./*\\\\]|variable|probability|table|type discrete){0,40}",
    ) {
        let _ = bif::read(&format!("{start}{rest}"), None);
    }

    #[test]
    fn no_cut_or_changed_text_panics(document in document(), at in any::<prop::sample::Index>(), put in ".{0,3}") {
        let text = bif::write(&document);
        let at = (0..=at.index(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let (before, after) = text.split_at(at);
        let _ = bif::read(before, None);
        let _ = bif::read(&format!("{before}{put}{after}"), None);
    }
}

#[test]
fn a_document_that_is_no_network_is_written_all_the_same() {
    let variable = Variable { name: "x".into(), parents: vec![7, 0], table: vec![0.5; 3], ..Variable::default() };
    let text = bif::write(&Document { variables: vec![variable], ..Document::default() });
    let message = bif::read(&text, None).unwrap_err().to_string();
    assert!(message.contains("variable 'x' has no states"), "{message}");
}

/// The networks of the repository, where they lie beside the checkout.
#[test]
fn the_networks_of_the_repository() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/networks");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for path in files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "gz")) {
        let shown = path.display().to_string();
        let document = bif::read_bytes(&std::fs::read(&path).unwrap(), Some(&shown)).unwrap();
        assert!(document.variables.len() >= 5, "{shown}");
        let back = bif::read(&bif::write(&document), Some(&shown)).unwrap();
        assert_eq!(bits(&back), bits(&document), "{shown}");
        assert_eq!(back, document, "{shown}");
    }
}
