//! What is YAML to us, what is refused, and where.
//! It must not know keys of the config file.

use std::fmt::Write as _;

use super::super::tree::lint;
use super::*;
use proptest::prelude::*;

fn refused(text: &str) -> (u32, u32, String) {
    let problem = parse(text).expect_err(text);
    (problem.at.line, problem.at.column, problem.message)
}

#[test]
fn places_count_from_one_in_characters() {
    let root = parse("é: 1\nlist:\n  - a\n  - { b: \"ü\", c: [x] }\n").unwrap();
    let Kind::Map(entries) = &root.kind else { panic!("no map") };
    assert_eq!((entries[0].key.as_str(), entries[0].value.at), ("é", Place { line: 1, column: 4 }));
    let Kind::List(items) = &entries[1].value.kind else { panic!("no list") };
    assert_eq!(items[0].at, Place { line: 3, column: 5 });
    let Kind::Map(inner) = &items[1].kind else { panic!("no map") };
    assert_eq!(
        (inner[1].key_at, inner[1].value.at),
        (Place { line: 4, column: 15 }, Place { line: 4, column: 18 })
    );
}

#[test]
fn json_is_yaml_too() {
    let tabs = "{\n\t\"a\": [1, true, \"x\\u00e9\\\"\\/\"],\n\t\"b\": {}\n}\n";
    let Kind::Map(entries) = parse(tabs).unwrap().kind else { panic!("no map") };
    let Kind::List(items) = &entries[0].value.kind else { panic!("no list") };
    let texts: Vec<_> = items
        .iter()
        .map(|item| match &item.kind {
            Kind::Scalar(scalar) => (scalar.text.as_str(), scalar.plain),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, [("1", true), ("true", true), ("xé\"/", false)]);
}

#[test]
fn byte_order_mark_and_line_ends() {
    let plain = parse("a: 1\nb: [x, y]\n").unwrap();
    assert_eq!(parse("\u{feff}a: 1\nb: [x, y]\n").unwrap(), plain);
    assert_eq!(parse("a: 1\r\nb: [x, y]\r\n").unwrap(), plain);
    assert_eq!(parse("---\na: 1\nb: [x, y]\n...\n").map(|root| root.kind.describe()), Ok("keys with values"));
}

#[test]
fn what_is_refused() {
    for (text, line, column, message) in [
        ("a: 1\n---\nb: 2\n", 3, 1, "a second document"),
        ("a: !secret x\n", 1, 4, "tags"),
        ("a: !!str x\n", 1, 4, "tags"),
        ("? [a]\n: 1\n", 1, 3, "no name for a key"),
        ("? {a: 1}\n: 1\n", 1, 3, "no name for a key"),
        (": 1\n", 1, 1, "no name for a key"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, 3, "merge keys"),
        ("a: *x\n", 1, 4, "this is not YAML"),
        ("a: &x [*x]\n", 1, 8, "an alias names a value that is not complete yet"),
        ("a: [1, 2\n", 2, 1, "this is not YAML"),
        ("a: \"x\n", 1, 4, "this is not YAML"),
        ("a: 1\n b: 2\n", 2, 3, "this is not YAML"),
        ("a:\n\t- 1\n", 2, 2, "this is not YAML"),
        ("@a: 1\n", 1, 1, "this is not YAML"),
    ] {
        let found = refused(text);
        assert!(found.2.contains(message), "{text:?}: {found:?}");
        assert_eq!((found.0, found.1), (line, column), "{text:?}: {found:?}");
    }
}

#[test]
fn depth_and_aliases_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(refused(&nested(MAX_DEPTH + 2)).2.contains("nested too deep"));
    assert!(parse(&"- ".repeat(100_000)).is_err());
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
    }
    assert!(refused(&bomb).2.contains("aliases repeat too much"));
    let deep: String =
        (1..70).fold("a0: &a0 [x]\n".to_owned(), |text, n| text + &format!("a{n}: &a{n} [*a{}]\n", n - 1));
    assert!(refused(&deep).2.contains("aliases repeat too much"));
}

#[test]
fn an_alias_repeats_its_value() {
    let Kind::Map(entries) = parse("a: &x [1, 2]\nb: *x\n").unwrap().kind else { panic!("no map") };
    assert_eq!(entries[0].value, entries[1].value);
}

#[test]
fn repeated_keys_and_nulls_are_found_at_any_depth() {
    let root = parse("a: 1\nb:\n  - c: ~\n    d: {e: 1, e: 2}\na:\n").unwrap();
    let found: Vec<_> =
        lint(&root).into_iter().map(|p| (p.at.line, p.at.column, p.path, p.message)).collect();
    let expected = [
        (3, 8, "b[0].c", "`b[0].c` is null"),
        (4, 15, "b[0].d.e", "key `e` is given twice"),
        (5, 1, "a", "key `a` is given twice"),
    ];
    for (line, column, path, message) in expected {
        assert!(found.contains(&(line, column, path.into(), message.into())), "{path}: {found:?}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[ \\n\\ta-c:\\-\\[\\]{},&*!|>'\"#%@`?~0-9\u{feff}é]{0,60}") {
        if let Ok(root) = parse(&text) {
            let _ = lint(&root);
        }
    }

    #[test]
    fn a_json_document_keeps_its_values(value in json_value()) {
        let text = value.to_string();
        let root = parse(&text).map_err(|problem| TestCaseError::fail(format!("{text}: {problem:?}")))?;
        prop_assert_eq!(back(&root), value, "{}", text);
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "[ -~é\\n\\t]{0,12}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-zA-Z0-9:*]{1,8}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn back(node: &Node) -> serde_json::Value {
    match &node.kind {
        Kind::Null => serde_json::Value::Null,
        Kind::Scalar(scalar) if scalar.plain => serde_json::from_str(&scalar.text).unwrap(),
        Kind::Scalar(scalar) => scalar.text.clone().into(),
        Kind::List(items) => items.iter().map(back).collect::<Vec<_>>().into(),
        Kind::Map(entries) => serde_json::Value::Object(
            entries.iter().map(|entry| (entry.key.clone(), back(&entry.value))).collect(),
        ),
    }
}
