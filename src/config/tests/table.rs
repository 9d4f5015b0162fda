//! The table of keys and the reading of them agree: what is served is read, what is not is refused.
//! It must not name keys: a new row is covered without a new test.

use super::super::keys::{Form, Key, Presence, Served, all};
use super::super::tree::{Entry, Kind, Place, Scalar};
use super::*;

const AT: Place = Place { line: 1, column: 1 };

fn node(kind: Kind) -> Node {
    Node { kind, at: AT, end_line: 1 }
}

fn word(text: &str) -> Node {
    node(Kind::Scalar(Scalar { text: text.to_owned(), plain: true }))
}

/// A file that holds one key at a path like `listeners[].tls.certificate`.
fn file_with(path: &str, value: Node) -> Node {
    let (rest, last) = path.rsplit_once('.').map_or(("", path), |(rest, last)| (rest, last));
    let (name, listed) = last.strip_suffix("[]").map_or((last, false), |name| (name, true));
    let value = if listed { node(Kind::List(vec![value])) } else { value };
    let entry = Entry { key: name.to_owned(), key_at: AT, value };
    let map = node(Kind::Map(vec![entry]));
    if rest.is_empty() { map } else { file_with(rest, map) }
}

/// The findings about a key that holds a value.
fn about(path: &str, value: Node) -> Vec<Problem> {
    let source = MemorySource::default();
    let reader = Reader::new(&source, "gate.yaml", Path::new("gate.yaml"));
    let root = file_with(path, value);
    assert!(read::config(&reader, &root).is_err(), "{path} alone is no config");
    let path = path.replace("[]", "[0]");
    reader.finish().0.into_iter().filter(|problem| problem.path.starts_with(&path)).collect()
}

#[test]
fn what_is_not_served_is_refused() {
    for (path, key) in all() {
        let wrong = match key.served {
            Served::Yes => continue,
            Served::No => word("true"),
            Served::Only("true") => word("false"),
            Served::Only(_) => word("other"),
        };
        let problems = about(&path, wrong);
        let [problem] = problems.as_slice() else { panic!("{path}: {problems:?}") };
        assert!(problem.message.ends_with("this version"), "{path}: {}", problem.message);
        assert_eq!(
            (problem.severity, problem.hint.as_deref()),
            (Severity::Error, Some("remove it")),
            "{path}"
        );
        if let Served::Only(value) = key.served {
            let right = if value == "[]" { node(Kind::List(Vec::new())) } else { word(value) };
            assert_eq!(about(&path, right), [], "{path}");
        }
    }
}

#[test]
fn what_is_served_is_read() {
    for (path, key) in all().into_iter().filter(|(_, key)| key.served == Served::Yes) {
        let wrong = match key.form {
            Form::List(..) => word("x"),
            Form::OneOrMore(_) => node(Kind::List(vec![node(Kind::List(Vec::new()))])),
            _ => node(Kind::List(vec![word("x")])),
        };
        let problems = about(&path, wrong);
        assert!(problems.iter().any(|problem| problem.message.contains(" must ")), "{path}: {problems:?}");
    }
}

#[test]
fn what_is_needed_is_missed() {
    for (path, key) in all().into_iter().filter(|(_, key)| key.presence == Presence::Required) {
        let Some((section, _)) = path.rsplit_once('.') else { continue };
        let problems = about(section, node(Kind::Map(Vec::new())));
        let message = format!("key `{}` is missing", key.name);
        assert!(problems.iter().any(|problem| problem.message == message), "{path}: {problems:?}");
    }
}

#[test]
fn every_default_reads() {
    // a default that does not read leaves a value out without a finding
    let text = include_str!("../../../conf/minimal.yaml");
    let source = MemorySource::default()
        .with_file("g", text)
        .with_env("GATE_SECRET", "a")
        .with_env("STORE_SECRET", "b");
    assert!(load(&source, Path::new("g")).config.is_some());
    let shown = |key: &Key| matches!(key.presence, Presence::Default(text) if !text.is_empty());
    assert!(all().iter().filter(|(_, key)| shown(key)).count() >= 18);
}

#[test]
fn an_unknown_key_is_refused_everywhere() {
    for (path, key) in all().into_iter().filter(|(_, key)| key.served == Served::Yes) {
        let inside = match key.form {
            Form::Keys(_) => path,
            Form::List(Form::Keys(_), _) => format!("{path}[]"),
            _ => continue,
        };
        let problems = about(&format!("{inside}.zzzzzzzz"), word("1"));
        let [problem] = problems.as_slice() else { panic!("{inside}: {problems:?}") };
        assert_eq!(problem.message, "unknown key `zzzzzzzz`");
        assert!(problem.hint.as_ref().unwrap().starts_with("known here: "));
    }
}
