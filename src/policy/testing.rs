//! Helpers of the tests of this module.
//! It must not stand in for code that is tested.

use std::path::PathBuf;

use super::document::Kind;
use super::parse::{ParseOptions, Parsed, parse};

/// A file of the shared test data; the test fails with a clear message if it is missing.
pub(crate) fn shared(path: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    assert!(file.exists(), "the shared test data is missing: {}", file.display());
    file
}

/// A document that must be right.
pub(crate) fn document(json: &str, kind: Kind) -> Parsed {
    parse(json, kind, &ParseOptions::default()).unwrap_or_else(|errors| panic!("{errors:#?}\nin {json}"))
}
