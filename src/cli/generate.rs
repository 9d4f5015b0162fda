//! `presign-gate schema | metrics | completions | man`, and the reference pages: everything that is made from tables.
//! It must not know a row of any table.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;

use super::args::{Args, CompletionsArgs, ReferenceArgs};
use super::{NO, out};
use crate::admin::route;
use crate::auth::sigv4::doctor;
use crate::config::{reference, schema, weakened};
use crate::links::constraint::Constraint;
use crate::policy::key::{Arity, Key, KeyType, Known};
use crate::reason::Reason;
use crate::s3::operation;
use crate::telemetry::families;

pub(super) fn schema() -> ExitCode {
    // a value of strings, numbers and lists can be written
    let text = serde_json::to_string_pretty(&schema::schema()).unwrap_or_default();
    out::stdout(&format!("{text}\n"));
    ExitCode::SUCCESS
}

pub(super) fn metrics() -> ExitCode {
    out::stdout(&families::markdown());
    ExitCode::SUCCESS
}

pub(super) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "presign-gate", &mut script);
    out::stdout(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

pub(super) fn man() -> ExitCode {
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(Args::command()).render(&mut page);
    // each command has a section of its own behind the page of the program
    let sections = leaves(&Args::command(), "presign-gate").into_iter().try_for_each(|(name, command)| {
        let man = clap_mangen::Man::new(command.display_name(name.clone()).bin_name(name.clone()));
        page.extend_from_slice(format!(".SH \"{}\"\n", name.to_uppercase()).as_bytes());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)
    });
    match written.and(sections) {
        Ok(()) => {
            out::stdout(&String::from_utf8_lossy(&page));
            ExitCode::SUCCESS
        }
        Err(error) => {
            out::stderr(&format!("presign-gate: {error}\n"));
            ExitCode::from(NO)
        }
    }
}

/// Writes the reference pages to a folder.
pub(super) fn pages(args: &ReferenceArgs) -> ExitCode {
    match write_pages(&args.folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::stderr(&format!("presign-gate: cannot write to `{}`: {error}\n", args.folder.display()));
            ExitCode::from(NO)
        }
    }
}

fn write_pages(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    reference_pages().into_iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}

/// The reference pages: file names and texts.
fn reference_pages() -> [(&'static str, String); 10] {
    let page = |title: &str, about: &str, body: String| format!("# {title}\n\n{about}\n\n{body}");
    [
        (
            "config.md",
            page(
                "Config keys",
                "Every key of the config file. `presign-gate schema` prints the same as a JSON schema for editors, `presign-gate check` says what is wrong with a file.",
                reference::markdown(),
            ),
        ),
        (
            "metrics.md",
            page(
                "Metrics",
                "Every family of `GET /metrics`, beside the standard `process_*`.",
                families::markdown(),
            ),
        ),
        (
            "reasons.md",
            page(
                "Reasons",
                "Why a request was refused or failed: the label `reason` of `presign_gate_denied_total`, the field of the access log and of `explain`, and the header `x-gate-reason` with `expose_reasons: true`.",
                reasons(),
            ),
        ),
        (
            "diagnoses.md",
            page(
                "Diagnoses",
                "What the signature doctor says about a signature that does not hold: the label `cause` of `presign_gate_signature_diagnoses_total`, the field `presign_gate.auth.diagnosis` of the access log, and `diagnosis` of `explain`.",
                doctor::markdown(),
            ),
        ),
        (
            "operations.md",
            page(
                "Operations",
                "Every request that the gate takes for an operation of S3, and the actions that policies must allow for it. What is no row here is refused. Actions that depend on the request are marked.",
                operation::reference::markdown(),
            ),
        ),
        (
            "condition-keys.md",
            page(
                "Condition keys",
                "The condition keys that policies may use, and what a gate knows of them.",
                condition_keys(),
            ),
        ),
        (
            "constraints.md",
            page(
                "Constraints",
                "What a link may carry as signed query parameters. Each only narrows.",
                constraints(),
            ),
        ),
        (
            "admin.md",
            page(
                "Admin endpoint",
                "What the admin endpoint answers. GET serves HEAD as well.",
                route::markdown(),
            ),
        ),
        (
            "weakened.md",
            page(
                "Settings that weaken a check",
                "Each is off unless the config asks for it. Those that are on are named in one warning by `presign-gate check`, at the start and at each reload, and in `presign_gate_weakened{setting=\"..\"}`, which is 1.",
                weakened::markdown(),
            ),
        ),
        ("cli.md", page("Commands", "The commands and their arguments.", commands())),
    ]
}

fn reasons() -> String {
    let row = |reason: &Reason| {
        format!("| `{}` | {} | {} |\n", reason.code(), reason.stage().as_str(), reason.text())
    };
    format!(
        "| reason | stage | meaning |\n|---|---|---|\n{}",
        Reason::ALL.iter().map(row).collect::<String>()
    )
}

fn condition_keys() -> String {
    let row = |key: &Key| {
        let kind = match key.kind() {
            KeyType::String => "text",
            KeyType::Numeric => "number",
            KeyType::Date => "time",
            KeyType::Epoch => "time in seconds",
            KeyType::Bool => "truth value",
            KeyType::Ip => "address",
            KeyType::Arn => "ARN",
        };
        let arity = match key.arity() {
            Arity::One => "one",
            Arity::Many => "many",
            Arity::Tagged => "one for each name",
        };
        let known = match key.known() {
            Known::Gate => "its value",
            Known::NeverPresent => "that it is never there",
            Known::Never => "nothing: policies that use it are refused",
        };
        format!("| `{}` | {kind} | {arity} | {known} |\n", key.name())
    };
    let rows: String = Key::ALL.iter().map(row).collect();
    format!("| key | type | values | the gate knows |\n|---|---|---|---|\n{rows}")
}

fn constraints() -> String {
    let row = |constraint: &Constraint| format!("| `{}` | {} |\n", constraint.parameter(), constraint.text());
    format!("| parameter | meaning |\n|---|---|\n{}", Constraint::ALL.iter().map(row).collect::<String>())
}

/// The commands that do something, with their names: those without commands of their own.
fn leaves(command: &clap::Command, name: &str) -> Vec<(String, clap::Command)> {
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    inner
        .flat_map(|inner| {
            let name = format!("{name} {}", inner.get_name());
            if inner.has_subcommands() { leaves(inner, &name) } else { vec![(name, inner.clone())] }
        })
        .collect()
}

fn commands() -> String {
    let mut text = String::new();
    for (name, mut command) in leaves(&Args::command(), "presign-gate") {
        command = command.bin_name(&name).term_width(0).disable_help_flag(true);
        // writing to a String cannot fail
        let _ = writeln!(
            text,
            "## {name}\n\n```text\n{}\n```\n",
            command.render_long_help().to_string().trim_end()
        );
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_pages_are_those_of_the_tables() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
        for (name, text) in reference_pages() {
            let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            let differs = written.lines().zip(text.lines()).find(|(old, new)| old != new);
            assert!(written == text, "docs/reference/{name} is out of date: run `make docs`; {differs:?}");
        }
    }
}
