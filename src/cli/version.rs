//! `presign-gate version`: which build this is.
//! It must not look at the machine that it runs on.

use std::process::ExitCode;

use super::args::VersionArgs;
use super::out;
use crate::telemetry::build::{REVISION, VERSION, json};

pub(super) fn run(args: &VersionArgs) -> ExitCode {
    out::stdout(&render(args.json));
    ExitCode::SUCCESS
}

fn render(as_json: bool) -> String {
    if as_json { json() } else { format!("presign-gate {VERSION} ({REVISION})\n") }
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
