//! Every case of the shared corpus, and what is no case.
//! It must not leave a case out.

use super::*;
use crate::policy::testing::shared;

fn run_file(name: &str) -> usize {
    let text = std::fs::read_to_string(shared(name)).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        count += 1;
        match run_case(line, true) {
            Ok(result) if result.expected.is_some() && result.agrees() => {}
            Ok(result) => wrong.push(format!("{result:?}\n{line}")),
            Err(error) => wrong.push(format!("{error}\n{line}")),
        }
    }
    let first: Vec<_> = wrong.iter().take(10).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {count} differ, the first:\n{}", wrong.len(), first.join("\n"));
    count
}

#[test]
fn the_corpus_agrees() {
    assert_eq!(run_file("data/iam/corpus.jsonl"), 3306);
}

#[test]
fn the_documented_cases_agree() {
    assert_eq!(run_file("data/iam/corpus_docs.jsonl"), 52);
}
