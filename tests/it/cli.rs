//! The commands as a user types them: what they print, and how they exit.
//! It must not test the gate's answers to requests.

use crate::support::config::Config;
use crate::support::gate::{BINARY, Gate};
use crate::support::request::Request;
use crate::support::sigv4::{MAIN, TEMPORARY};
use crate::support::upstream::Upstream;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(arguments: &[&str]) -> Ran {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    Ran {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A config file that is never run.
fn file(change: impl FnOnce(String) -> String) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.yaml");
    let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let text = Config::resign("http://127.0.0.1:9009").text(address(8080), address(9090));
    std::fs::write(&path, change(text)).unwrap();
    (folder, path)
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn check_is_silent_about_what_is_right() {
    let (_folder, path) = file(|text| text);
    let ran = run(&["check", text(&path)]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn check_shows_every_error_with_its_place() {
    let (_folder, path) = file(|text| {
        text.replace(
            "regions: [us-east-1]",
            "regions: [us-east-1]\n  max_expires: 8 fortnights\n  maximum: 1",
        )
        .replace("upstream: s3\n", "upstream: nowhere\n")
    });
    let written = std::fs::read_to_string(&path).unwrap();
    let line = |needle: &str| written.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let ran = run(&["check", text(&path)]);
    assert_eq!(ran.code, 1);
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    for needle in ["max_expires", "maximum", "nowhere"] {
        let place = format!("{}:{}:", text(&path), line(needle));
        assert!(
            shown.contains(&place) && shown.contains(needle),
            "`{place}` and `{needle}` are not in\n{shown}"
        );
    }
}

#[test]
fn check_refuses_what_would_be_dropped_in_silence() {
    for (from, to) in [
        ("version: 1", "version: 2"),
        ("version: 1\n", ""),
        ("hosts: [s3.test, 127.0.0.1, localhost]", "hosts:"),
        ("regions: [us-east-1]", "regions:"),
        ("policy:\n  default: deny", "policy:\n  default: deny\npolicy:\n  default: pass"),
        ("\"Effect\": \"Allow\"", "\"Effect\": \"Permit\""),
        ("\"Action\"", "\"Actions\""),
        ("access_key_id: ASIATEMPKEY000000001", "access_key_id: AKIDTESTMAIN00000001"),
        ("endpoint: http://127.0.0.1:9009", "endpoint: ftp://127.0.0.1:9009"),
        ("{ value: \"temp-secret\" }", "{ file: missing.secret }"),
    ] {
        let (_folder, path) = file(|text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let ran = run(&["check", text(&path)]);
        assert_eq!(ran.code, 1, "`{to}`: {}{}", ran.stdout, ran.stderr);
        let started = run(&["run", "--config", text(&path)]);
        assert_ne!(started.code, 0, "`{to}`");
    }
}

#[test]
fn check_takes_several_files_and_reports_as_json() {
    let (_one, good) = file(|text| text);
    let (_two, bad) = file(|text| text.replace("version: 1", "version: 9"));
    assert_eq!(run(&["check", text(&good), text(&good)]).code, 0);
    let ran = run(&["check", "--json", text(&good), text(&bad)]);
    assert_eq!(ran.code, 1);
    let parsed: Result<Vec<serde_json::Value>, _> =
        serde_json::Deserializer::from_str(&ran.stdout).into_iter().collect();
    assert!(parsed.is_ok() && ran.stdout.contains(text(&bad)), "{}", ran.stdout);
    assert_ne!(run(&["check", "no/such/file.yaml"]).code, 0);
}

#[test]
fn the_config_of_the_readme_is_right() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```yaml\n").expect("a config in the README");
    let (config, _) = rest.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for secret in ["reports.secret", "upstream.secret"] {
        std::fs::write(folder.path().join(secret), "a secret").unwrap();
    }
    let path = folder.path().join("gate.yaml");
    std::fs::write(&path, config).unwrap();
    let ran = run(&["check", text(&path)]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn usage_errors_exit_with_two() {
    for arguments in [&["unheard-of"][..], &["run"], &["check"], &["presign", "GET"], &["run", "--unknown"]] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{arguments:?}");
    }
}

/// What a script can tell apart: a refusal, a config that is wrong, a file that is not there, an answer that is lost.
#[test]
fn failures_have_codes_of_their_own() {
    let (_folder, good) = file(|text| text);
    let (_other, bad) = file(|text| text.replace("version: 1", "version: 9"));
    let url = "http://s3.test/bkt/key";
    for (config, code) in [(text(&good), 1), (text(&bad), 78), ("no/such/file.yaml", 66)] {
        assert_eq!(run(&["explain", url, "--config", config]).code, code, "{config}");
    }
    for (config, code) in [(text(&bad), 78), ("no/such/file.yaml", 66)] {
        assert_eq!(run(&["run", "--config", config]).code, code, "{config}");
        let link = ["presign", "GET", "s3://bkt/key", "--access-key-id", MAIN.id, "--config", config];
        assert_eq!(run(&link).code, code, "{config}");
        assert_eq!(run(&["revoke", "--prefix", "s3://bkt/", "--config", config]).code, code, "{config}");
    }
    assert_eq!(run(&["audit", "verify", "no/such/file"]).code, 66);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["schema"][..], &["version"], &["metrics"], &["check", text(&good)]] {
        let output = Command::new(BINARY).args(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(74), "{arguments:?}");
    }
}

#[test]
fn version_says_which() {
    let ran = run(&["version"]);
    assert!(ran.code == 0 && ran.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", ran.stdout);
    let ran = run(&["version", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["version"], env!("CARGO_PKG_VERSION"));
}

/// What every gate with the config would refuse is signed, to try that, and said.
#[test]
fn presign_warns_of_a_link_that_is_refused() {
    let (_folder, config) = file(|text| {
        let retired = format!("access_key_id: {}\n    retired: 2020-01-01T00:00:00Z", TEMPORARY.id);
        text.replace("regions: [us-east-1]", "regions: [us-east-1]\n  max_expires: 1h")
            .replace(&format!("access_key_id: {}", TEMPORARY.id), &retired)
    });
    let check = |more: &[&str], expected: Option<&str>| {
        let mut arguments = vec!["presign", "GET", "s3://bkt/key", "--config", text(&config)];
        arguments.extend(more);
        let ran = run(&arguments);
        assert!(ran.code == 0 && ran.stdout.starts_with("http"), "{more:?}: {}", ran.stderr);
        match expected {
            None => assert_eq!(ran.stderr, "", "{more:?}"),
            Some(warning) => {
                assert!(ran.stderr.contains("warning: ") && ran.stderr.contains(warning), "{}", ran.stderr);
                assert_eq!(ran.stdout.lines().count(), 1, "a script takes the link alone");
            }
        }
    };
    let main = |more: &[&'static str]| [&["--access-key-id", MAIN.id][..], more].concat();
    check(&main(&["--expires", "1h", "--query", "x-gate-max-uses=2"]), None);
    check(&main(&["--expires", "61m"]), Some("`signing.max_expires`, which is 1h"));
    check(&main(&["--query", "x-gate-nonsense=1"]), Some("there is no constraint `x-gate-nonsense`"));
    check(&main(&["--query", "x-gate-max-uses=many"]), Some("`x-gate-max-uses` is malformed"));
    check(&main(&["--max-uses", "1", "--query", "x-gate-max-uses=2"]), Some("stands several times"));
    check(&main(&["--source-vpc", "vpc-zz"]), Some("`x-gate-source-vpc` is malformed"));
    check(&["--access-key-id", TEMPORARY.id], Some("is retired since 2020-01-01T00:00:00Z"));
}

/// The request target of a URL.
fn target(url: &str) -> &str {
    let (_, rest) = url.split_once("://").expect("a URL");
    &rest[rest.find('/').expect("a path")..]
}

#[test]
fn a_presigned_url_works_and_is_explained() {
    let upstream = Upstream::ok();
    let gate = Gate::start(&Config::resign(upstream.endpoint()));
    let config = gate.config();
    let presign = |method: &str, more: &[&str]| {
        let mut arguments = vec!["presign", method, "s3://bkt/dir/a key+ü.txt", "--config", text(&config)];
        arguments.extend(["--access-key-id", MAIN.id, "--host", "s3.test", "--scheme", "http"]);
        arguments.extend(more);
        let ran = run(&arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let url = ran.stdout.trim().to_owned();
        assert!(url.starts_with("http://s3.test/bkt/dir/a%20key%2B%C3%BC.txt?"), "{url}");
        url
    };
    let url = presign("GET", &["--expires", "5m", "--query", "response-content-type=text/plain"]);
    assert_eq!(gate.ask("GET", &Request::get("/").bytes(target(&url), &[])).status, 200);
    let put = presign("PUT", &["--header", "x-amz-meta-a: b"]);
    let upload = Request::put("/", b"body").signed("x-amz-meta-a", "b");
    assert_eq!(gate.ask("PUT", &upload.bytes(target(&put), &[])).status, 200);
    assert_eq!(gate.ask("PUT", &Request::put("/", b"body").bytes(target(&put), &[])).status, 403);

    let explain = |url: &str, more: &[&str]| {
        let mut arguments =
            vec!["explain", url, "--config", text(&config), "--json", "--source-ip", "127.0.0.1"];
        arguments.extend(more);
        let ran = run(&arguments);
        let value: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert!(!ran.stdout.contains(MAIN.secret));
        (ran.code, value)
    };
    let (code, value) = explain(&url, &[]);
    assert_eq!(
        (code, value["decision"].as_str(), value["operation"].as_str()),
        (0, Some("allow"), Some("GetObject"))
    );
    assert_eq!(value["actions"][0][0], "s3:GetObject");
    assert_eq!(value["actions"][0][1], "arn:aws:s3:::bkt/dir/a key+ü.txt");
    let (code, value) = explain(&url, &["--at", "20300101T000000Z"]);
    assert_eq!(
        (code, value["decision"].as_str(), value["reason"].as_str()),
        (1, Some("deny"), Some("expired"))
    );
    assert_eq!((value["stage"].as_str(), value["s3_code"].as_str()), (Some("auth"), Some("AccessDenied")));
    let (code, value) = explain(&url, &["--method", "HEAD"]);
    assert_eq!((code, value["reason"].as_str()), (1, Some("wrong_signature")));
    assert!(value["canonical_request"].as_str().unwrap().starts_with("HEAD\n"));
}

#[test]
fn the_demo_says_that_it_needs_two_addresses() {
    for option in ["--listen", "--admin"] {
        let ran = run(&["demo", "--once", option, "[::1]:0"]);
        assert!(ran.code == 2 && ran.stderr.contains("needs an IPv4 address"), "{}", ran.stderr);
    }
}

#[test]
fn the_demo_shows_what_it_promises() {
    let folder = tempfile::tempdir().unwrap();
    let (listen, admin) = (crate::support::ports::reserve(), crate::support::ports::reserve());
    let (listen, admin) = (listen.address.to_string(), admin.address.to_string());
    let ran = run(&["demo", "--once", "--dir", text(folder.path()), "--listen", &listen, "--admin", &admin]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for word in ["allow", "expire", "network", "signature", "metric"] {
        assert!(ran.stdout.to_lowercase().contains(word), "`{word}` is not in\n{}", ran.stdout);
    }
}

/// The whole example of the contract, with files where it names some.
#[cfg(all(feature = "aws", feature = "otlp"))]
#[test]
fn the_example_of_the_contract_loads() {
    use crate::support::{private_file, shared, tls::Authority};
    let contract = std::fs::read_to_string(shared("interface.md")).unwrap();
    let (_, rest) = contract.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    assert!(example.contains("tracing:"));
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let [certificate, key] = authority.issue(&["s3.example.internal"]).write(folder.path(), "tls");
    std::fs::rename(certificate, folder.path().join("tls.crt")).unwrap();
    std::fs::rename(key, folder.path().join("tls.key")).unwrap();
    for ca in ["clients.pem", "internal-ca.pem"] {
        std::fs::write(folder.path().join(ca), &authority.certificate).unwrap();
    }
    for secret in ["admin.token", "main.secret", "main.token"] {
        private_file(&folder.path().join(secret), "what it holds");
    }
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    for name in ["endpoint", "main", "boundary", "network", "next", "reports-bucket"] {
        let principal =
            if ["endpoint", "reports-bucket"].contains(&name) { r#""Principal": "*","# } else { "" };
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", {principal} "Action": "s3:*", "Resource": ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"]}}]}}"#
        );
        std::fs::write(folder.path().join(format!("policies/{name}.json")), policy).unwrap();
    }
    let config = folder.path().join("gate.yaml");
    std::fs::write(&config, example).unwrap();
    let ran = run(&["check", text(&config)]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}
