//! The recipes of docs/links.md, taken out of the page and run: the links that they make work once, from one network.
//! It must not hold a recipe itself; the one in Rust has to be in a source file, and is compared with the page.

use super::*;
use crate::support::python::{self, installed};
use crate::support::sigv4::MAIN;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The network that the recipes let in, and one that they do not.
const INSIDE: &str = "203.0.113.7";
const OUTSIDE: &str = "198.51.100.1";

/// The recipe under a heading of the page.
#[track_caller]
fn recipe(name: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/links.md");
    let page = std::fs::read_to_string(page).unwrap();
    let heading = format!("**{name}** (tested)");
    let (_, rest) = page.split_once(&heading).unwrap_or_else(|| panic!("no `{heading}` in docs/links.md"));
    let (_, block) = rest.split_once("\n```").unwrap();
    let (_, block) = block.split_once('\n').unwrap();
    block.split_once("\n```").unwrap().0.to_owned() + "\n"
}

/// A gate with the bucket of the recipes.
fn reports() -> (Upstream, Gate) {
    let upstream = Upstream::scripted(serve);
    let config = Config::resign(upstream.endpoint())
        .listener("forwarded: { trusted: [127.0.0.0/8] }")
        .more("expose_reasons: true")
        .more("links: { grace: 0s }");
    let gate = Gate::start_with(|listener, admin| {
        config.text(listener, admin).replace("name: bkt", "name: reports").replace(":::bkt", ":::reports")
    });
    (upstream, gate)
}

fn endpoint(gate: &Gate) -> String {
    format!("http://{}", gate.address())
}

/// Uses a link from outside, from inside, and once more.
#[track_caller]
fn works_once(gate: &Gate, upstream: &Upstream, url: &str) {
    let target = url.trim().strip_prefix(&endpoint(gate)).unwrap_or_else(|| panic!("{url}"));
    let host = gate.address();
    let ask = |from: &str, target: &str| {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {from}\r\n\r\n");
        gate.ask("GET", bytes.as_bytes())
    };
    refused(&ask(OUTSIDE, target), 403, "link_source_ip");
    upstream.assert_untouched();
    let answer = ask(INSIDE, target);
    assert_eq!((answer.status, answer.body), (200, object()), "{url}");
    refused(&ask(INSIDE, target), 403, "link_max_uses");
    refused(&ask(INSIDE, &target.replace("max-uses=1", "max-uses=2")), 403, "wrong_signature");
    assert_eq!(upstream.recording().requests.len(), 1);
    assert!(!upstream.only_request().target.contains("x-gate"));
}

/// What a command prints, warnings aside.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What a recipe needs around it: the gate and the key before, the URL printed after it.
#[track_caller]
fn run(gate: &Gate, name: &str) -> String {
    let recipe = recipe(name);
    let folder = tempfile::tempdir().unwrap();
    let (gate, id, secret) = (endpoint(gate), MAIN.id, MAIN.secret);
    let mut command = if recipe.contains("const ") {
        // packages are looked for beside the file
        std::os::unix::fs::symlink(
            installed("clients/node/node_modules"),
            folder.path().join("node_modules"),
        )
        .unwrap();
        let file = folder.path().join("recipe.mjs");
        let before = format!("const gate = {gate:?}, id = {id:?}, secret = {secret:?};\n");
        std::fs::write(&file, format!("{before}{recipe}console.log(url);\n")).unwrap();
        let mut command = Command::new("node");
        command.arg(file);
        command
    } else {
        let file = folder.path().join("recipe.py");
        let after =
            if recipe.contains("form = ") { "import json; print(json.dumps(form))" } else { "print(url)" };
        std::fs::write(&file, format!("gate, id, secret = {gate:?}, {id:?}, {secret:?}\n{recipe}{after}\n"))
            .unwrap();
        let mut command = Command::new(installed("clients/venv/bin/python"));
        command.arg("-B").arg(file);
        command
    };
    printed(python::isolated(&mut command))
}

#[test]
fn python_and_javascript() {
    for name in ["boto3", "minio-py", "aws-sdk-js v3", "minio-js"] {
        let (upstream, gate) = reports();
        works_once(&gate, &upstream, &run(&gate, name));
    }
}

#[test]
fn a_form_for_a_browser() {
    let (upstream, gate) = reports();
    let form: serde_json::Value = serde_json::from_str(&run(&gate, "boto3, a form for a browser")).unwrap();
    let post = |from: &str| {
        let mut body = String::new();
        for (name, value) in form["fields"].as_object().unwrap() {
            let value = value.as_str().unwrap();
            write!(body, "--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .unwrap();
        }
        body +=
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhello\r\n--B--\r\n";
        let head = format!(
            "POST /reports HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: {from}\r\n\
             Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n",
            gate.address(),
            body.len()
        );
        gate.ask("POST", (head + &body).as_bytes())
    };
    assert_eq!(form["url"].as_str().unwrap(), format!("{}/reports", endpoint(&gate)));
    refused(&post(OUTSIDE), 403, "link_source_ip");
    assert_eq!(post(INSIDE).status, 204);
    refused(&post(INSIDE), 403, "link_max_uses");
    assert_eq!(upstream.only_request().body, b"hello");
}

#[test]
fn shells() {
    let (upstream, gate) = reports();
    let folder = gate.config().parent().unwrap().to_owned();
    let shell = |recipe: &str| {
        let mut command = Command::new("sh");
        let binary = Path::new(crate::support::gate::BINARY).parent().unwrap().to_owned();
        let path = std::env::join_paths(
            std::iter::once(binary).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        command.args(["-c", recipe]).current_dir(&folder).env("PATH", path.unwrap());
        command.env("gate", endpoint(&gate)).env("id", MAIN.id).env("secret", MAIN.secret);
        command
    };
    // the host that the command signs for is the first of the config
    let presign =
        recipe("presign-gate").replace("\\\n", &format!("--scheme http --host {} ", gate.address()));
    works_once(&gate, &upstream, &printed(&mut shell(&presign)));

    let curl = recipe("curl");
    for (from, expected) in [(INSIDE, Some(object())), (OUTSIDE, None), (INSIDE, Some(object()))] {
        let forwarded = format!("curl --silent --header 'X-Forwarded-For: {from}' ");
        let output = shell(&curl.replacen("curl ", &forwarded, 1)).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match expected {
            Some(object) => assert!(output.stdout == object, "{text}"),
            None => assert!(text.contains("<Code>AccessDenied</Code>"), "{text}"),
        }
    }
}

/// The recipe in Rust: the text between the two lines is that of the page.
#[expect(
    clippy::disallowed_methods,
    clippy::duration_suboptimal_units,
    reason = "as users of other crates write it"
)]
mod rust {
    // recipe
    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    };
    use aws_sigv4::sign::v4;
    use std::time::{Duration, SystemTime};

    fn limited_url(gate: &str, id: &str, secret: &str) -> Result<String, Box<dyn std::error::Error>> {
        let mut url = format!("{gate}/reports/q3.pdf?x-gate-max-uses=1&x-gate-source-ip=203.0.113.0%2F24");
        // as S3 has it, which is not the default
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.expires_in = Some(Duration::from_secs(900));
        let identity = Credentials::from_keys(id, secret, None).into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()?;
        let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::UnsignedPayload)?;
        let (instructions, _) = sign(request, &params.into())?.into_parts();
        for (name, value) in instructions.params() {
            url = format!("{url}&{name}={}", value.replace('/', "%2F"));
        }
        Ok(url)
    }
    // end of the recipe

    #[test]
    fn the_signer_of_the_sdk() {
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, here) = include_str!("recipes.rs").split_once("// recipe\n").unwrap();
        let (here, _) = here.split_once("// end of the recipe").unwrap();
        assert_eq!(squeezed(here), squeezed(&super::recipe("Rust, with the crate `aws-sigv4`")));
        let (upstream, gate) = super::reports();
        let url = limited_url(&super::endpoint(&gate), super::MAIN.id, super::MAIN.secret).unwrap();
        super::works_once(&gate, &upstream, &url);
    }
}
