//! Policy documents: no text makes the parser panic, and a document that is written in another layout stays the same.
//! It must not know what is a right document: the tables of the parser do.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use presign_gate::policy::compile::Compiled;
use presign_gate::policy::document::{Document, Kind};
use presign_gate::policy::lint::{foreign, lint};
use presign_gate::policy::parse::{
    ParseOptions, Parsed, names_principals, parse, parse_value, repeated_name,
};

const KINDS: [Kind; 4] = [Kind::Identity, Kind::Resource, Kind::Endpoint, Kind::Guardrail];

/// Without places, and with the tests of each statement in an order of their own: JSON objects have none.
fn plain(mut document: Document) -> Document {
    for statement in &mut document.statements {
        *statement.places = Default::default();
        statement.conditions.sort_by_key(|test| format!("{test:?}"));
    }
    document
}

fn read(text: &str, kind: Kind, options: ParseOptions) -> Option<Parsed> {
    match parse(text, kind, &options) {
        Ok(parsed) => {
            for warning in parsed
                .warnings
                .iter()
                .chain(&lint(&parsed.document))
                .chain(&foreign(&parsed.document, "media"))
            {
                assert!(!warning.to_string().is_empty() && warning.kind.hint().is_some());
            }
            Some(parsed)
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                let (line, column) = error.place.position.expect("a place in the text");
                assert!(line >= 1 && column >= 1 && error.kind.hint().is_some(), "{error}");
            }
            None
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let kind = KINDS[usize::from(*first) % KINDS.len()];
    let options = ParseOptions { any_key: first & 0x40 != 0, ..ParseOptions::default() };
    let _ = names_principals(text);
    let repeated = repeated_name(text);
    let Some(parsed) = read(text, kind, options) else { return };
    assert_eq!(repeated, None, "a name that stands twice was taken");
    let compiled = Compiled::compile("fuzz", &parsed.document);
    assert_eq!(compiled.statements().count(), parsed.document.statements.len());

    let value: serde_json::Value = serde_json::from_str(text).expect("the document is JSON");
    let pretty = serde_json::to_string_pretty(&value).expect("JSON can be written");
    let again = read(&pretty, kind, options).expect("the same document in another layout");
    assert_eq!(plain(again.document), plain(parsed.document.clone()));
    let inside = parse_value(&value, kind, &options).expect("the same document inside another file");
    assert_eq!(plain(inside.document), plain(parsed.document));
});
