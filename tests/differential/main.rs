//! The policy engine against a second one that is slow and obvious, on the shared cases and on random ones.
//! It must not hold rules of the language: those are in the two engines.

#![expect(unreachable_pub, reason = "a test binary has no callers outside; `pub` is for its other modules")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

/// What a fuzz target does, as a function.
macro_rules! fuzz_target {
    (|$bytes:ident: &[u8]| $body:block) => {
        pub(super) fn run($bytes: &[u8]) $body
    };
}

mod random;
mod seeds;
mod slow;

use presign_gate::policy::case::run_case;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

/// What the engine says; nothing if it refuses a document of the case.
fn fast(case: &Value) -> Option<&'static str> {
    run_case(&case.to_string(), true).ok().map(|result| result.outcome.as_str())
}

#[test]
fn the_second_evaluator_agrees_with_the_shared_cases() {
    for (name, count) in [("corpus.jsonl", 3306), ("corpus_docs.jsonl", 52)] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/iam").join(name);
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(cases.len(), count);
        let wrong: Vec<_> = cases.iter().filter(|case| slow::decide(case) != case["expect"]).collect();
        let first: Vec<_> =
            wrong.iter().take(5).map(|case| format!("{}: {case}\n", slow::decide(case))).collect();
        assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), first.concat());
    }
}

/// The same case with other statements in one of its documents.
fn with_statements(case: &Value, layer: &str, change: impl FnOnce(&mut Vec<Value>)) -> Value {
    let mut case = case.clone();
    let document = if case[layer].is_array() { &mut case[layer][0] } else { &mut case[layer] };
    change(document["Statement"].as_array_mut().unwrap());
    case
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, max_global_rejects: 8000, ..ProptestConfig::default() })]

    #[test]
    fn both_evaluators_agree(case in random::case()) {
        let fast = fast(&case);
        prop_assert!(fast.is_some(), "refused: {:?}", run_case(&case.to_string(), true));
        prop_assert_eq!(fast, Some(slow::decide(&case)), "{}", case);
    }

    #[test]
    fn adding_a_deny_never_allows_more(case in random::case(), deny in random::statement(true), at: prop::sample::Index) {
        let deny = { let mut deny = deny; deny["Effect"] = json!("Deny"); deny };
        let more = with_statements(&case, "resource_policy", |list| list.insert(at.index(list.len() + 1), deny));
        if fast(&more) == Some("Allowed") {
            prop_assert_eq!(fast(&case), Some("Allowed"));
        }
        prop_assert!(!(fast(&case) == Some("ExplicitlyDenied") && fast(&more) != Some("ExplicitlyDenied")));
    }

    #[test]
    fn removing_an_allow_never_allows_more(case in random::case(), layer in prop::sample::select(vec!["identity", "resource_policy"]), at: prop::sample::Index) {
        let allows: Vec<usize> = {
            let document = if case[layer].is_array() { &case[layer][0] } else { &case[layer] };
            let list = document["Statement"].as_array().unwrap();
            (0..list.len()).filter(|at| list[*at]["Effect"] == "Allow").collect()
        };
        prop_assume!(!allows.is_empty());
        let keep = json!({"Effect": "Allow", "Action": "ec2:Nothing", "Resource": "*"});
        let fewer = with_statements(&case, layer, |list| {
            list.remove(allows[at.index(allows.len())]);
            if list.is_empty() && layer == "identity" {
                list.push(keep.clone());
            } else if list.is_empty() {
                let mut keep = keep.clone();
                keep["Principal"] = json!("*");
                list.push(keep);
            }
        });
        if fast(&fewer) == Some("Allowed") {
            prop_assert_eq!(fast(&case), Some("Allowed"));
        }
    }

    #[test]
    fn the_order_of_statements_never_matters(case in random::case(), seed: u64) {
        let mut shuffled = case.clone();
        for layer in ["identity", "resource_policy"] {
            shuffled = with_statements(&shuffled, layer, |list| {
                let len = list.len().max(1);
                list.rotate_left(usize::try_from(seed).unwrap_or(0) % len);
                if seed % 2 == 0 { list.reverse(); }
            });
        }
        prop_assert_eq!(fast(&shuffled), fast(&case));
    }
}
