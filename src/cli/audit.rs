//! `presign-gate audit verify`: whether the chain of an audit log is whole.
//! It must not change a file.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::{AuditArgs, AuditCommand};
use super::{NO, NO_INPUT, out};
use crate::auth::hex;
use crate::telemetry::audit::chain::Chain;
use crate::telemetry::audit::verify::{Fault, verify};

pub(super) fn run(args: &AuditArgs) -> ExitCode {
    let AuditCommand::Verify { files } = &args.command;
    match all(files) {
        Ok(text) => {
            out::stdout(&text);
            ExitCode::SUCCESS
        }
        Err((code, text)) => {
            out::stderr(&text);
            ExitCode::from(code)
        }
    }
}

/// Checks the files as one chain; the text tells what was found, or what is wrong first.
fn all(files: &[PathBuf]) -> Result<String, (u8, String)> {
    let mut text = String::new();
    let mut before = None;
    for path in files {
        let (line, end) = one(path, before).map_err(|fault| {
            let code = if matches!(fault, Fault::Io(_)) { NO_INPUT } else { NO };
            (code, format!("{}: {fault}\n", path.display()))
        })?;
        text.push_str(&line);
        before = end.or(before);
    }
    Ok(text)
}

fn one(path: &Path, before: Option<Chain>) -> Result<(String, Option<Chain>), Fault> {
    let part = verify(BufReader::new(File::open(path)?), before)?;
    let name = path.display();
    let Some(first) = part.first else { return Ok((format!("{name}: no lines\n"), None)) };
    let hash = hex::encode(&part.last.hash);
    let hash = String::from_utf8_lossy(&hash);
    let line = format!("{name}: {} lines, {first} to {}, last hash {hash}\n", part.lines, part.last.seq);
    Ok((line, Some(part.last)))
}
