//! `presign-gate version`: which build this is.
//! It must not look at the machine that it runs on.

use std::process::ExitCode;

use super::args::VersionArgs;
use super::out;

/// The version of the release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The revision that was built, if the build was told (`PRESIGN_GATE_REVISION`), else `unknown`.
pub const REVISION: &str = match option_env!("PRESIGN_GATE_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

pub(super) fn run(args: &VersionArgs) -> ExitCode {
    out::stdout(&render(args.json));
    ExitCode::SUCCESS
}

fn render(json: bool) -> String {
    if json {
        let object = serde_json::json!({ "name": "presign-gate", "version": VERSION, "revision": REVISION });
        format!("{object}\n")
    } else {
        format!("presign-gate {VERSION} ({REVISION})\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_version() {
        assert!(render(false).starts_with(&format!("presign-gate {VERSION} (")));
        let json: serde_json::Value = serde_json::from_str(&render(true)).unwrap();
        assert_eq!(json["version"], VERSION);
        assert_eq!(json["revision"], REVISION);
    }
}
