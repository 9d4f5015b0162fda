//! Test data that stands beside the checkout, and heads made of it.
//! It must not be compiled into the product.

use std::path::Path;

/// A JSON file of the shared folder.
pub(crate) fn shared_json(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("the test data {} cannot be read: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
