//! What is read from BIF, and how every mistake is told.

use super::*;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

const ASIA: &str = "network unknown {
}
variable asia {
  type discrete [ 2 ] { yes, no };
}
variable tub {
  type discrete [ 2 ] { yes, no };
}
variable smoke {
  type discrete [ 2 ] { yes, no };
}
variable lung {
  type discrete [ 2 ] { yes, no };
}
variable bronc {
  type discrete [ 2 ] { yes, no };
}
variable either {
  type discrete [ 2 ] { yes, no };
}
variable xray {
  type discrete [ 2 ] { yes, no };
}
variable dysp {
  type discrete [ 2 ] { yes, no };
}
probability ( asia ) {
  table 0.01, 0.99;
}
probability ( tub | asia ) {
  (yes) 0.05, 0.95;
  (no) 0.01, 0.99;
}
probability ( smoke ) {
  table 0.5, 0.5;
}
probability ( lung | smoke ) {
  (yes) 0.1, 0.9;
  (no) 0.01, 0.99;
}
probability ( bronc | smoke ) {
  (yes) 0.6, 0.4;
  (no) 0.3, 0.7;
}
probability ( either | lung, tub ) {
  (yes, yes) 1.0, 0.0;
  (yes, no) 1.0, 0.0;
  (no, yes) 1.0, 0.0;
  (no, no) 0.0, 1.0;
}
probability ( xray | either ) {
  (yes) 0.98, 0.02;
  (no) 0.05, 0.95;
}
probability ( dysp | bronc, either ) {
  (yes, yes) 0.9, 0.1;
  (yes, no) 0.8, 0.2;
  (no, yes) 0.7, 0.3;
  (no, no) 0.1, 0.9;
}
";

/// Two variables, of which the second has the first as its parent.
const PAIR: &str = "network n { }
variable a { type discrete [ 2 ] { yes, no }; }
variable b { type discrete [ 3 ] { low, mid, high }; }
probability ( a ) { table 0.4, 0.6; }
probability ( b | a ) {
  (yes) 0.1, 0.2, 0.7;
  (no) 0.3, 0.3, 0.4;
}
";

fn variable(text: &str, name: &str) -> Variable {
    read(text, None).unwrap().variables.into_iter().find(|v| v.name == name).unwrap()
}

/// The text with one passage replaced.
fn spoil(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "'{old}' must be there once");
    text.replace(old, new)
}

/// The pair with one passage replaced is refused where the mark "§" stands, with a message that has all of `says`.
fn refused(old: &str, new: &str, says: &[&str]) {
    text_refused(&spoil(PAIR, old, new), says);
}

fn text_refused(marked: &str, says: &[&str]) {
    let before = marked.split_once('§').unwrap().0;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    let message = read(&marked.replace('§', ""), Some("n.bif")).expect_err(marked).to_string();
    assert!(message.starts_with(&format!("n.bif, line {line}, column {column}: ")), "{message}\n{marked}");
    for part in says {
        assert!(message.contains(part), "'{part}' is not in: {message}");
    }
}

#[test]
fn asia_is_read_and_written_as_it_is() {
    let document = read(ASIA, None).unwrap();
    assert_eq!((document.name.as_str(), document.variables.len()), ("unknown", 8));
    let dysp = &document.variables[7];
    assert_eq!((dysp.name.as_str(), &dysp.parents), ("dysp", &vec![4, 5]));
    assert_eq!(dysp.table, [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.1, 0.9]);
    assert_eq!(write(&document), ASIA);
}

#[test]
fn rows_may_come_in_any_order_and_blocks_too() {
    let (head, blocks) = PAIR.split_once('\n').unwrap();
    let (variables, probabilities) = blocks.split_at(blocks.find("probability").unwrap());
    let turned = spoil(&format!("{head}\n{probabilities}{variables}"), "(yes) 0.1, 0.2, 0.7;\n", "");
    let turned = spoil(&turned, "0.4;\n}", "0.4;\n(yes) 0.1 0.2 0.7;}");
    assert_eq!(read(&turned, None).unwrap(), read(PAIR, None).unwrap());
}

#[test]
fn a_table_with_parents_has_the_own_state_slowest() {
    let rows = "(yes) 0.1, 0.2, 0.7;\n  (no) 0.3, 0.3, 0.4;";
    let table = spoil(PAIR, rows, "table 0.1, 0.3, 0.2, 0.3, 0.7, 0.4;");
    assert_eq!(read(&table, None).unwrap(), read(PAIR, None).unwrap());
}

#[test]
fn a_default_stands_for_the_rows_that_are_not_there() {
    let b = variable(&spoil(PAIR, "(yes) 0.1, 0.2, 0.7;", "default 0.5, 0.25, 0.25;"), "b");
    assert_eq!(b.table, [0.5, 0.25, 0.25, 0.3, 0.3, 0.4]);
    let a = variable(&spoil(PAIR, "table 0.4, 0.6", "default 0.4, 0.6"), "a");
    assert_eq!(a.table, [0.4, 0.6]);
    let a = variable(&spoil(PAIR, "table 0.4, 0.6", "() 0.4, 0.6"), "a");
    assert_eq!(a.table, [0.4, 0.6]);
}

#[test]
fn names_and_numbers_as_they_are_found() {
    let text = r#"// A comment before all. /* not a block
        network "Dog-Problem" { property credit = "a" and b; property "x;y" ; property  version 1.0 ; }
        /* a block; variable no { } **/
        variable "light on" { type discrete[4] { 12+ <5 Asy/Patch "a \"b\" \\ \c" };property "position = (1, 2)";}
        variable x.y-z[1]{type discrete[2]{_5,-5/*minus*/};} // trailing
        probability("light on"){property p;table .5,5e-1//half
          1E-400 0;}
        probability(x.y-z[1]"light on"){(12+)1,0;("<5")1 0;(Asy/Patch)+0.25,0.75;("a \"b\" \\ \c")
          1.,0.,;property q;}"#;
    let document = read(&format!("\u{feff}{text}").replace('\n', "\r\n"), None).unwrap();
    assert_eq!(document.name, "Dog-Problem");
    assert_eq!(document.properties, ["credit = \"a\" and b", "x;y", "version 1.0"]);
    let [light, x] = document.variables.as_slice() else { panic!("{document:?}") };
    assert_eq!(light.name, "light on");
    assert_eq!(light.states, ["12+", "<5", "Asy/Patch", "a \"b\" \\ \\c"]);
    assert_eq!(light.properties, ["position = (1, 2)", "p"]);
    assert_eq!(light.table, [0.5, 0.5, 0.0, 0.0]);
    assert_eq!((x.name.as_str(), &x.parents), ("x.y-z[1]", &vec![0]));
    assert_eq!(x.states, ["_5", "-5"]);
    assert_eq!(x.table, [1.0, 0.0, 1.0, 0.0, 0.25, 0.75, 1.0, 0.0]);
    assert_eq!(x.properties, ["q"]);
    assert_eq!(read(&write(&document), None).unwrap(), document);
}

#[test]
fn words_that_are_keywords_elsewhere_are_names() {
    let text = "network table { } variable property { type discrete [2] { table, default }; }
        probability ( property ) { table 1, 0; }";
    assert_eq!(variable(text, "property").states, ["table", "default"]);
}

#[test]
fn rounded_rows_are_made_to_sum_to_one() {
    let b = variable(&spoil(PAIR, "0.3, 0.3, 0.4", "0.3333333, 0.3333333, 0.3333333"), "b");
    assert_eq!(b.table[3..].iter().sum::<f64>(), 1.0);
}

#[test]
fn gzipped_bytes_are_unpacked() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(PAIR.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(read_bytes(&packed, None).unwrap(), read(PAIR, None).unwrap());
    assert_eq!(read_bytes(PAIR.as_bytes(), None).unwrap(), read(PAIR, None).unwrap());
    let cut = read_bytes(packed.get(..packed.len() / 2).unwrap(), Some("n.bif.gz")).unwrap_err().to_string();
    assert!(cut.starts_with("n.bif.gz: the gzipped text cannot be unpacked: "), "{cut}");
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_stand() {
    let message = read_bytes(b"network n {\n // \xc3\xa9 \xe9 }", Some("n.bif")).unwrap_err().to_string();
    assert_eq!(message, "n.bif, line 2, column 7: the byte 0xe9 is not UTF-8; expected text in UTF-8");
}

#[test]
fn blocks() {
    text_refused("§", &["expected 'network'", "the end of the text"]);
    text_refused("§variable x { }", &["unknown keyword 'variable'", "'network', which comes first"]);
    text_refused("§{", &["expected 'network', which comes first, found '{'"]);
    text_refused("§network n", &["'{' after the name", "the end of the text"]);
    text_refused("§network n {", &["the block of the network is not closed"]);
    text_refused("network n { §author x; }", &["unknown keyword 'author'", "'property' or '}'"]);
    text_refused("network n { } §/* ", &["the comment is not closed"]);
}

#[test]
fn variables() {
    refused("variable a", "§varible a", &["unknown keyword 'varible'; expected 'variable' or 'probability'"]);
    refused("variable a", "§network m { }\nvariable a", &["a second 'network'"]);
    refused("variable a {", "variable §{", &["the name of a variable, found '{'"]);
    refused("variable a {", "variable a §;", &["expected '{' after variable 'a', found ';'"]);
    refused("variable b", "variable §a { }\nvariable b", &["variable 'a' has no 'type'"]);
    let again = "variable §a { type discrete [ 1 ] { x }; }\nvariable b";
    refused("variable b", again, &["variable 'a' is there twice; the first is on line 2, column 10"]);
    refused("yes, no }", "yes, §yes }", &["state 'yes' of 'a' is there twice"]);
    refused("[ 2 ]", "[ §3 ]", &["variable 'a' declares 3 states, but lists 2"]);
    refused("[ 2 ]", "[ §1 ]", &["declares 1 states, but lists 2; names with spaces need quotes"]);
    refused("[ 2 ]", "[ §99999999999999999999999999 ]", &["declares 999999999999999999999999 states, but lists 2"]);
    refused("[ 2 ]", "[ §two ]", &["expected the number of states of 'a', found 'two'"]);
    refused("[ 2 ]", "§2", &["expected '[' and the number of states, found '2'"]);
    refused("[ 2 ] { yes, no }", "[ 0 ] §{ }", &["variable 'a' has no states"]);
    refused(
        "type discrete [ 2 ] {",
        "type §continuous [ 2 ] {",
        &["'discrete' as the type of 'a', found 'continuous'"],
    );
    refused(
        "type discrete [ 2 ] {",
        "§tpye discrete [ 2 ] {",
        &["unknown keyword 'tpye'", "'type', 'property' or '}'"],
    );
    refused("variable a { type discrete [ 2 ] { yes, no }; }", "variable §a { }", &["variable 'a' has no 'type'"]);
    refused("no }; }", "no }; §type discrete [1] { x }; }", &["variable 'a' has a second 'type'"]);
    refused("no }; }", "no } §}", &["expected ';' after the states of 'a', found '}'"]);
    refused("no };", "no §;", &["a state of 'a' or '}', found ';'"]);
    let bare = spoil(PAIR, "probability ( a ) { table 0.4, 0.6; }", "");
    text_refused(&spoil(&bare, "variable a", "variable §a"), &["variable 'a' has no probability block"]);
}

#[test]
fn comments_strings_and_properties() {
    refused("variable a", "§/* variable a", &["the comment is not closed; expected '*/'"]);
    refused("variable a", "variable §\"a", &["the string is not closed; expected '\"' on its line"]);
    refused("yes, no", "yes, §\"no", &["the string is not closed"]);
    refused("network n { }", "network n { property §x = 1 }", &["the property has no ';' at its end"]);
    refused("network n { }", "network n { property §\"x }", &["the string is not closed"]);
    text_refused("network n { property §x = 1", &["the property has no ';' at its end"]);
}

#[test]
fn probabilities() {
    refused("probability ( a )", "probability §a", &["expected '(' and a variable after 'probability', found 'a'"]);
    refused("probability ( a )", "probability ( §)", &["expected the name of a variable, found ')'"]);
    refused("( b | a )", "( §c | a )", &["there is no variable 'c'"]);
    refused("( b | a )", "( b | §c )", &["there is no variable 'c'"]);
    refused("( b | a )", "( b | a, §a )", &["'a' is twice among the parents of 'b'"]);
    refused("( b | a ) {", "( b | a §{", &["expected a parent of 'b' or ')', found '{'"]);
    refused("( b | a ) {", "( b | a ) §(", &["expected '{' after the probability of 'b', found '('"]);
    refused(
        "0.4;\n}",
        "0.4;\n}\nprobability ( §a ) { table 1, 0; }",
        &["'a' is there twice; the first is on line 4, column 15"],
    );
    refused(
        "table 0.4",
        "§tabel 0.4",
        &["unknown keyword 'tabel'", "'table', 'default', 'property', a row '(...)' or '}'"],
    );
    refused("table 0.4, 0.6; }", "§0.4, 0.6; }", &["unknown keyword '0.4'"]);
    refused("probability ( a ) { table 0.4, 0.6; }", "probability ( §a ) { }", &["the row of 'a' is missing"]);
    text_refused(
        PAIR.replace("( b |", "( §b |").trim_end().trim_end_matches('}'),
        &["the block of the probability of 'b' is not closed"],
    );
}

#[test]
fn rows() {
    refused("(yes) 0.1", "(§maybe) 0.1", &["'a' has no state 'maybe'; expected one of yes, no"]);
    refused("(yes) 0.1", "§(yes, low) 0.1", &["this row of 'b' names 2 states; expected 1"]);
    refused("(yes) 0.1, 0.2, 0.7", "(yes 0.1, 0.2, 0.7§", &["expected a state or ')', found ';'"]);
    let short = spoil(PAIR, "(no) 0.3, 0.3, 0.4;", "");
    text_refused(
        &spoil(&short, "( b |", "( §b |"),
        &["row (no) of 'b' is missing", "no default; 1 of 2 rows are there"],
    );
    refused("(no) 0.3", "§(yes) 0.3", &["row (yes) of 'b' is there twice; the first is on line 6, column 3"]);
    refused("0.4;\n}", "0.4;\n  §(no) 1, 0, 0; }", &["row (no) of 'b' is there twice; the first is on line 7"]);
    refused("0.4;\n}", "0.4;\n  default 1, 0, 0; §default 1, 0, 0; }", &["the default of 'b' is there twice"]);
    refused("0.4;\n}", "0.4;\n  §table 1, 0, 0; }", &["'b' has a table and other rows; expected the table alone"]);
    refused("table 0.4, 0.6;", "table 0.4, 0.6; §default 0.4, 0.6;", &["'a' has a table and other rows"]);
    refused(
        "(yes) 0.1, 0.2, 0.7;",
        "§(yes) 0.1, 0.9;",
        &["row (yes) of 'b' has 2 numbers; expected 3", "low, mid, high"],
    );
    refused("(yes) 0.1, 0.2, 0.7;", "§default 0.1, 0.9;", &["the default of 'b' has 2 numbers; expected 3"]);
    refused(
        "(yes) 0.1, 0.2, 0.7;",
        "§(yes) 0.1, 0.2, 0.63;",
        &["row (yes) of 'b' sums to 0.93; rows must sum to 1 within 1e-6"],
    );
    refused("(yes) 0.1, 0.2, 0.7;", "§default 0.1, 0.2, 0.5;", &["the default of 'b' sums to 0.8"]);
    refused("(yes) 0.1, 0.2, 0.7;", "§(yes) 1e308, 1e308, 1e308;", &["sums to inf"]);
    refused("table 0.4, 0.6", "§table 0.4, 0.5", &["the row of 'a' sums to 0.9"]);
    refused("table 0.4, 0.6", "§table 0.4", &["the table of 'a' has 1 numbers; expected 2: one for each of yes, no"]);
    refused("table 0.4, 0.6", "§table", &["the table of 'a' has 0 numbers"]);
}

#[test]
fn numbers() {
    for number in ["-0.4", "nan", "NaN", "inf", "-inf", "1e400"] {
        refused(
            "0.4, 0.6",
            &format!("§{number}, 0.6"),
            &[&format!("'{number}' is not a probability; expected a finite")],
        );
    }
    refused("0.4, 0.6", "0.4, §0.6x", &["expected a number or ';', found '0.6x'"]);
    refused("0.4, 0.6", "0.4, §,0.6", &["expected a number or ';', found ','"]);
    refused("0.4, 0.6; }", "0.4, 0.6 §}", &["expected a number or ';', found '}'"]);
    refused("0.7;\n  (no)", "0.7\n  §(no)", &["expected a number or ';', found '('"]);
}

#[test]
fn cycles() {
    let around = spoil(PAIR, "( a ) { table", "( a | b ) { default");
    text_refused(&spoil(&around, "variable a", "variable §a"), &["the network has a cycle: a -> b -> a"]);
    let own = spoil(PAIR, "( a ) { table", "( a | a ) { default");
    text_refused(&spoil(&own, "variable a", "variable §a"), &["the network has a cycle: a -> a"]);
}

/// A variable with so many parents of two states and a default row.
fn wide(parents: usize) -> String {
    let names: Vec<String> = (0..parents).map(|i| format!("p{i}")).collect();
    let variables: String =
        names.iter().map(|p| format!("variable {p} {{ type discrete [2] {{ a, b }}; }}\n")).collect();
    let tables: String = names.iter().map(|p| format!("probability ( {p} ) {{ table 0.5, 0.5; }}\n")).collect();
    format!(
        "network n {{ }} variable x {{ type discrete [2] {{ a, b }}; }}\n{variables}{tables}\
         probability ( §x | {} ) {{ default 0.25, 0.75; }}",
        names.join(", ")
    )
}

#[test]
fn tables_that_do_not_fit_are_refused_before_they_are_made() {
    assert_eq!(variable(&wide(4).replace('§', ""), "x").table.len(), 32);
    for parents in [40, 62, 63, 64, 500] {
        let text = wide(parents);
        text_refused(&text, &["with the table of 'x' the network takes", "are allowed"]);
        assert!(matches!(read(&text.replace('§', ""), None), Err(Error::TooLarge { .. })));
        // Without the default it is a row that is missing, as long as rows can be counted.
        let text = text.replace("default", "(a) ");
        assert!(read(&text.replace('§', ""), None).is_err());
    }
}
