//! Decisions over random policies and requests, and over mutated cases: the engine and the slow evaluator agree.
//! It must not have rules of its own: both evaluators have.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
#[path = "../../differential/random.rs"]
mod random;
#[cfg(fuzzing)]
#[path = "../../differential/slow.rs"]
mod slow;

#[cfg(not(fuzzing))]
use crate::{random, slow};
#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use presign_gate::policy::case::run_case;
use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

thread_local! {
    static CASES: BoxedStrategy<Value> = random::case();
}

fuzz_target!(|data: &[u8]| {
    // a text is a case itself, other bytes say which case to draw
    let text = match std::str::from_utf8(data) {
        Ok(text) if text.starts_with('{') => text.to_owned(),
        _ => {
            let mut seed = [0; 32];
            seed.iter_mut().zip(data).for_each(|(slot, byte)| *slot = *byte);
            let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
            let mut runner = TestRunner::new_with_rng(Config::default(), rng);
            let Ok(tree) = CASES.with(|cases| cases.new_tree(&mut runner)) else { return };
            tree.current().to_string()
        }
    };
    let Ok(result) = run_case(&text, true) else { return };
    let case: Value = serde_json::from_str(&text).expect("the case is JSON");
    assert_eq!(result.outcome.as_str(), slow::decide(&case), "{text}");
});
