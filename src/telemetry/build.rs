//! Which build this is: the one place that knows version and revision.
//! It must not look at the machine that it runs on.

/// The version of the release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision that was built, if the build was told (`PRESIGN_GATE_REVISION`), else `unknown`.
pub const REVISION: &str = match option_env!("PRESIGN_GATE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// Both as one JSON object, on one line.
#[must_use]
pub fn json() -> String {
    let object = serde_json::json!({ "name": "presign-gate", "version": VERSION, "revision": REVISION });
    format!("{object}\n")
}
