//! Which certificate is shown and asked for, and how files take each other's place while the gate runs.
//! It must not test the reading of PEM beyond what `check` says about bad files.

use super::{Case, KEY, tls};
use crate::support::gate::{BINARY, poll};
use crate::support::load::{self, Load};
use crate::support::private_file;
use crate::support::request::Request;
use crate::support::tls::{Authority, Issued, der};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

#[test]
fn the_name_chooses_the_certificate() {
    let case = Case::start(|config, authority, folder| {
        authority.issue(&["one.test", "*.wild.test"]).write(folder.path(), "second");
        let at = folder.path().display();
        let sni = format!(", sni: [{{ certificate: {at}/second.crt, private_key: {at}/second.key }}]");
        config.listener(tls(folder, "first", &sni))
    });
    let file = |name: &str| der(&std::fs::read_to_string(case.folder.path().join(name)).unwrap());
    for (name, shown) in [
        ("s3.test", Some("first.crt")),
        ("one.test", Some("second.crt")),
        ("bkt.wild.test", Some("second.crt")),
        ("a.bkt.wild.test", None),
        ("127.0.0.1", None),
    ] {
        let connected = case.authority.dial(name).connect(case.gate.address());
        let seen = connected.ok().map(|mut client| client.shown());
        assert_eq!(seen, shown.map(file), "{name}");
    }
}

#[test]
fn a_client_certificate_is_asked_for_and_verified() {
    let clients = Authority::new();
    let case = Case::start(|config, _, folder| {
        let ca = folder.path().join("clients.pem");
        private_file(&ca, &clients.certificate);
        config.listener(tls(folder, "first", &format!(", client_ca: {}", ca.display())))
    });
    let right = clients.issue(&["client"]);
    let expired = clients.issue_until(&["client"], 2020);
    let wrong = Authority::new().issue(&["client"]);
    for versions in [super::ONLY_12, super::ONLY_13] {
        let dial = || case.dial().versions(versions);
        assert_eq!(case.get(&dial().identity(&right)), Some(200));
        let before = case.counted("client_certificate");
        for dial in [dial(), dial().identity(&wrong), dial().identity(&expired)] {
            assert_eq!(case.get(&dial), None, "{versions:?}");
        }
        poll("counted refusals", || (case.counted("client_certificate") >= before + 3.0).then_some(()));
    }
    assert_eq!(case.upstream.recording().requests.len(), 2);
}

/// Waits until new connections are shown this certificate.
#[track_caller]
fn wait_for(case: &Case, authority: &Authority, certificate: &str) {
    let dial = authority.dial("s3.test");
    poll("the new certificate", || {
        let mut client = dial.connect(case.gate.address()).ok()?;
        (client.shown() == der(certificate)).then_some(())
    });
}

fn expiry(case: &Case) -> f64 {
    case.gate.metric("presign_gate_tls_certificate_expiry_timestamp_seconds", &[])
}

#[test]
fn changed_files_serve_new_connections_and_leave_open_ones_alone() {
    let case = Case::start(|config, _, folder| config.listener(tls(folder, "first", "")));
    // 2095-12-31
    assert!(expiry(&case) >= 3_976_128_000.0);
    let mut open = case.dial().connect(case.gate.address()).unwrap();
    let next = case.authority.issue_until(&["s3.test"], 2090);
    next.write(case.folder.path(), "first");
    wait_for(&case, &case.authority, &next.certificate);
    // 2090-12-31
    poll("the new expiry", || (expiry(&case) <= 3_818_361_600.0).then_some(()));
    open.send(&Request::get(KEY).presigned());
    assert_eq!(open.response("GET").status, 200);
}

#[test]
fn bad_files_leave_the_old_certificate_and_are_told_once() {
    let case = Case::start(|config, _, folder| config.listener(tls(folder, "first", "")));
    let told = "the private key is not that of the certificate";
    let next = case.authority.issue(&["s3.test"]);
    private_file(&case.folder.path().join("first.crt"), &next.certificate);
    poll("the message", || case.gate.output().contains(told).then_some(()));
    assert_eq!(case.get(&case.dial()), Some(200));
    private_file(&case.folder.path().join("first.key"), "");
    let empty = "holds no private key";
    poll("the message", || case.gate.output().contains(empty).then_some(()));
    assert_eq!(case.get(&case.dial()), Some(200));
    private_file(&case.folder.path().join("first.key"), &next.key);
    wait_for(&case, &case.authority, &next.certificate);
    let output = case.gate.output();
    assert_eq!((output.matches(told).count(), output.matches(empty).count()), (1, 1), "{output}");
}

/// As Kubernetes mounts secrets: files are links through a link to a folder, and that one is replaced by one that holds
/// this pair.
fn swap(folder: &Path, to: &str, pair: &Issued) {
    std::fs::create_dir(folder.join(to)).unwrap();
    pair.write(&folder.join(to), "tls");
    symlink(to, folder.join("..data.new")).unwrap();
    std::fs::rename(folder.join("..data.new"), folder.join("..data")).unwrap();
}

/// A gate whose certificate is mounted so.
fn mounted() -> Case {
    Case::start(|config, authority, folder| {
        swap(folder.path(), "v1", &authority.issue(&["s3.test"]));
        for name in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(name), folder.path().join(name)).unwrap();
        }
        config.listener(tls(folder, "tls", ""))
    })
}

#[test]
fn a_mounted_secret_may_be_swapped() {
    let case = mounted();
    let other = Authority::new();
    let next = other.issue(&["s3.test"]);
    swap(case.folder.path(), "v2", &next);
    wait_for(&case, &other, &next.certificate);
}

/// Every way in which files take each other's place, under requests on kept and on new connections: none of them fails.
#[test]
fn rotations_under_load_fail_no_request() {
    let case = mounted();
    let folder = case.folder.path();
    let (dial, address) = (case.dial(), case.gate.address());
    let connect = move || dial.connect(address).map_err(|error| error.to_string());
    let load = Load::over(4, connect, load::usual);
    for number in 0..12 {
        let next = case.authority.issue(&["s3.test"]);
        let current = folder.join("..data");
        match number % 3 {
            // the folder at once
            0 => swap(folder, &format!("round{number}"), &next),
            // in place, one file after the other: for a moment they do not fit
            1 => drop(next.write(&current, "tls")),
            // each by another that takes its name
            _ => {
                next.write(&current, "new");
                for end in ["key", "crt"] {
                    let name = |stem: &str| current.join(format!("{stem}.{end}"));
                    std::fs::rename(name("new"), name("tls")).unwrap();
                }
            }
        }
        wait_for(&case, &case.authority, &next.certificate);
        if number != 4 {
            continue;
        }
        // what cannot be served changes nothing and is told: a file that is cut off, and one that does not fit
        let other = case.authority.issue(&["s3.test"]).certificate;
        let told = || case.gate.messages().matches("cannot be used").count();
        for wrong in [&next.certificate[..next.certificate.len() / 2], &other] {
            let before = told();
            private_file(&current.join("tls.crt"), wrong);
            poll("the message", || (told() > before).then_some(()));
            wait_for(&case, &case.authority, &next.certificate);
        }
    }
    let served = load.finish();
    assert!(served > 200, "{served} requests");
}

#[test]
fn bad_files_are_found_by_check_and_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (good, other) = (authority.issue(&["s3.test"]), authority.issue(&["s3.test"]));
    good.write(folder.path(), "good");
    other.write(folder.path(), "other");
    private_file(&folder.path().join("empty"), "");
    private_file(&folder.path().join("der"), "\u{30}\u{1}");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGjMF8G\n-----END ENCRYPTED PRIVATE KEY-----\n";
    private_file(&folder.path().join("encrypted"), encrypted);
    for (certificate, key, client_ca, at, message) in [
        ("good.crt", "good.key", "other.crt", 0, ""),
        ("absent", "good.key", "other.crt", 5, "cannot read"),
        ("empty", "good.key", "other.crt", 5, "holds no certificate"),
        ("der", "good.key", "other.crt", 5, "holds no certificate"),
        ("good.key", "good.key", "other.crt", 5, "holds no certificate"),
        ("good.crt", "absent", "other.crt", 6, "cannot read"),
        ("good.crt", "empty", "other.crt", 6, "holds no private key"),
        ("good.crt", "der", "other.crt", 6, "holds no private key"),
        ("good.crt", "other.key", "other.crt", 6, "is not that of the certificate"),
        ("good.crt", "encrypted", "other.crt", 6, "is encrypted"),
        ("good.crt", "good.key", "absent", 7, "cannot read"),
        ("good.crt", "good.key", "empty", 7, "no usable authority"),
        ("good.crt", "good.key", "good.key", 7, "no usable authority"),
        (".", "good.key", "other.crt", 5, "cannot read"),
    ] {
        let text = format!(
            "version: 1\nlisteners:\n  - address: 127.0.0.1:1\n    tls:\n      certificate: {certificate}\n      private_key: {key}\n      client_ca: {client_ca}\n\
             credentials:\n  - {{ access_key_id: AKIDTESTMAIN00000001, secret_access_key: {{ value: s }}, policies: [] }}\n\
             buckets: [{{ name: bkt, upstream: s3 }}]\n\
             upstreams: [{{ name: s3, endpoint: \"http://127.0.0.1:1\", region: us-east-1, credentials: {{ anonymous: true }} }}]\n"
        );
        let config = folder.path().join("gate.yaml");
        std::fs::write(&config, text).unwrap();
        let run = |arguments: &[&str]| {
            let output = Command::new(BINARY).args(arguments).arg(&config).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (code, errors) = run(&["check"]);
        assert_eq!(code, Some(i32::from(at > 0)), "{errors}");
        if at == 0 {
            continue;
        }
        let place = format!("{}:{at}:", config.display());
        let found: Vec<&str> = errors.lines().filter(|line| line.contains(": error: ")).collect();
        assert!(found.len() == 1 && found[0].starts_with(&place), "{errors}");
        assert!(found[0].contains(message), "{message}: {errors}");
        let (code, errors) = run(&["run", "--config"]);
        assert!(code == Some(78) && errors.contains(message) && !errors.contains("panicked"), "{errors}");
    }
}
