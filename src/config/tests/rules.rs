//! What single sections accept and refuse, and what only shows when they are compared.
//! It must not repeat what the table of keys covers.

use super::*;

/// A config that loads, with one text of it replaced.
fn changed(from: &str, to: &str) -> Loaded {
    let text = include_str!("../../../conf/presign-gate.yaml");
    assert!(text.contains(from), "the example lacks {from}");
    let mut source = MemorySource::default().with_file("conf/g.yaml", text.replacen(from, to, 1));
    for name in ["network", "reports", "boundary", "reports-bucket", "endpoint", "next"] {
        source = source.with_file(format!("conf/policies/{name}.json"), "{}");
    }
    for name in ["ADMIN_TOKEN", "SECRET", "OLD_SECRET", "UPLOAD_SECRET", "UPLOAD_TOKEN"] {
        source = source.with_env(format!("GATE_{name}"), "secret");
    }
    load(&source.with_env("STORE_SECRET", "secret"), Path::new("conf/g.yaml"))
}

#[test]
fn the_example_itself_has_no_finding() {
    assert_eq!(rendered(&changed("version: 1", "version: 1")), "");
}

fn refuses(from: &str, to: &str, message: &str) {
    let loaded = changed(from, to);
    let errors: Vec<&str> =
        loaded.diagnostics.iter().filter(|f| f.is_error()).map(|f| f.message.as_str()).collect();
    assert!(loaded.config.is_none(), "{to} must not load");
    assert_eq!(errors.len(), 1, "{to}: {errors:?}");
    assert!(errors[0].contains(message), "{to}: {errors:?}");
}

#[test]
fn what_contradicts_itself() {
    for (from, to, message) in [
        // compared
        ("address: 0.0.0.0:8081", "address: 0.0.0.0:8080", "address `0.0.0.0:8080` is given twice"),
        (
            "address: 127.0.0.1:9090",
            "address: 0.0.0.0:8080",
            "`0.0.0.0:8080` is the address of a listener already",
        ),
        (
            "AKIAREPORTS000000000\n",
            "AKIAREPORTS000000001\n",
            "access key id `AKIAREPORTS000000001` is given twice",
        ),
        ("name: uploads", "name: reports", "bucket `reports` is given twice"),
        (
            "- name: local",
            "- name: main\n    endpoint: http://a\n    region: b\n    credentials: { anonymous: true }\n  - name: local",
            "upstream `main` is given twice",
        ),
        ("upstream: local", "upstream: locl", "there is no upstream `locl`"),
        ("name: reports", "name: \"*\"", "bucket `*` cannot have an `upstream_bucket`"),
        ("upstream: main", "upstream: local", "bucket `reports` cannot be renamed on its way to `local`"),
        (
            "endpoint: https://s3.eu-west-1.amazonaws.com",
            "endpoint: https://192.0.2.1",
            "`https://192.0.2.1` is an address",
        ),
        ("hosts: [s3.example.internal, localhost]", "hosts: [a, A]", "host `a` is listed twice"),
        (
            "cidrs: [10.20.0.0/16]",
            "cidrs: [10.20.0.0/16, 10.20.0.0/16]",
            "address range `10.20.0.0/16` is given twice",
        ),
        // a Unix socket has peers without an address, a port has none such
        ("trusted: [10.0.2.0/24]", "trusted: [unix]", "`unix` is for a listener on a Unix socket"),
        (
            "trusted: [10.0.1.0/24]",
            "trusted: [10.0.1.0/24, unix]",
            "`unix` is for a listener on a Unix socket",
        ),
        (
            "address: 0.0.0.0:8081",
            "address: 0.0.0.0:8081\n    mode: 0600",
            "`mode` is for a listener on a Unix",
        ),
        ("address: 0.0.0.0:8081", "address: unix:/run/a.sock", "the peers of a Unix socket have no address"),
        ("address: 0.0.0.0:8080", "address: unix:/run/a.sock", "the peers of a Unix socket have no address"),
        // empty where that could mean nobody or everybody
        ("trusted: [10.0.2.0/24]", "trusted: []", "`listeners[0].forwarded.trusted` is empty"),
        ("regions: [us-east-1, eu-west-1]", "regions: []", "`signing.regions` is empty"),
        ("hosts: [s3.example.internal, localhost]", "hosts: []", "`hosts` is empty"),
    ] {
        refuses(from, to, message);
    }
}

#[test]
fn what_is_of_the_wrong_form() {
    for (from, to, message) in [
        ("hosts: [s3.example.internal, localhost]", "hosts: [\"a:80\"]", "`a:80` is not a host name"),
        ("id: vpce-0a1b2c3d", "id: 0a1b2c3d", "`0a1b2c3d` is not a VPC endpoint id"),
        ("account: \"111122223333\"", "account: 1111", "`1111` is not an account"),
        ("header: x-forwarded-for", "header: x-real-ip", "`x-real-ip` is not known here"),
        ("arn:aws:iam::111122223333:user/reports", "arn:aws:iam::1:user/x", "is not the ARN of a principal"),
        (
            "arn:aws:iam::111122223333:user/reports",
            "\"arn:aws:iam::111122223333:*\"",
            "is not the ARN of a principal",
        ),
        (
            "tags: { team: reports }",
            "tags: { team: a, Team: b }",
            "tags `team` and `Team` are one name to a policy",
        ),
        ("tags: { team: reports }", "tags: { team: [a] }", "`credentials[0].tags.team` must be a text"),
        ("access_key_id: AKIAREPORTS000000001", "access_key_id: \"a,b\"", "`a,b` is not an access key id"),
        ("name: uploads", "name: up/loads", "`up/loads` is not a bucket name"),
        (
            "credentials: { passthrough: true }",
            "credentials: {}",
            "`upstreams[1].credentials` must say one way to sign",
        ),
        (
            "credentials: { passthrough: true }",
            "credentials: { passthrough: false }",
            "`false` is not known here",
        ),
        (
            "credentials: { passthrough: true }",
            "credentials: { passthrough: true, anonymous: true }",
            "`upstreams[1].credentials` must say one way to sign",
        ),
        (
            "credentials: { passthrough: true }",
            "credentials: { access_key_id: A }",
            "key `secret_access_key` is missing",
        ),
        (
            "token: { env: GATE_ADMIN_TOKEN }",
            "token: { env: ABSENT }",
            "environment variable `ABSENT` is not set",
        ),
        ("token: { env: GATE_ADMIN_TOKEN }", "token: { value: \"\" }", "`admin.token` is empty"),
        ("policy: policies/reports-bucket.json", "policy: absent.json", "cannot read `conf/absent.json`"),
        (
            "policy: policies/reports-bucket.json",
            "policy: [x]",
            "`buckets[0].policy` must be the name of a policy file",
        ),
        ("connections: 50000", "connections: 5e4", "`5e4` is not a whole number"),
        ("body: 5TiB", "body: 6TiB", "`6TiB` is not in bounds"),
    ] {
        refuses(from, to, message);
    }
}

#[test]
fn warnings() {
    for (from, to, message) in [
        ("trusted: [10.0.1.0/24]", "trusted: [0.0.0.0/0]", "`0.0.0.0/0` trusts every peer"),
        ("default: deny", "default: pass", "`policy.default: pass` forwards what no policy allows"),
        ("expose_reasons: false", "expose_reasons: true", "`expose_reasons` tells clients why"),
        (
            "token: { env: GATE_ADMIN_TOKEN }",
            "token: { value: x }",
            "`admin.token` stands in the config file itself",
        ),
        ("upstream: local", "upstream: main", "no bucket uses upstream `local`"),
        ("hosts: [s3.example.internal, localhost]", "", "`hosts` is left out"),
    ] {
        let loaded = changed(from, to);
        let messages: Vec<&str> = loaded.diagnostics.iter().map(|finding| finding.message.as_str()).collect();
        assert!(loaded.config.is_some(), "{to}: {messages:?}");
        assert_eq!(messages.len(), 1, "{to}: {messages:?}");
        assert!(messages[0].contains(message), "{to}: {messages:?}");
    }
}

#[test]
fn a_signer_without_any_policy_is_pointed_out() {
    let text = include_str!("../../../conf/minimal.yaml");
    let (before, after) = text.split_once("    policies:").unwrap();
    let text = format!(
        "{before}{}",
        after.split_once("buckets:").map(|(_, rest)| format!("buckets:{rest}")).unwrap()
    );
    let source = MemorySource::default()
        .with_file("g", text)
        .with_env("GATE_SECRET", "a")
        .with_env("STORE_SECRET", "b");
    let loaded = load(&source, Path::new("g"));
    assert!(loaded.config.is_some());
    assert!(rendered(&loaded).contains("`AKIAREPORTS000000001` is allowed nothing"), "{}", rendered(&loaded));
}

#[test]
fn a_key_id_that_is_no_user_name_needs_a_principal() {
    let text = include_str!("../../../conf/minimal.yaml").replace("AKIAREPORTS000000001", "AK*1");
    let source = MemorySource::default()
        .with_file("g", text)
        .with_env("GATE_SECRET", "a")
        .with_env("STORE_SECRET", "b");
    let loaded = load(&source, Path::new("g"));
    assert!(loaded.config.is_none());
    assert!(rendered(&loaded).contains("`AK*1` needs a `principal`"), "{}", rendered(&loaded));
}

#[test]
fn scalars_keep_their_text() {
    for id in ["12345678901234567890", "1e5", "0x10", "true", "0555b35654ad1656d804", "'007'", "yes"] {
        let config =
            changed("access_key_id: AKIAREPORTS000000001", &format!("access_key_id: {id}")).config.unwrap();
        assert_eq!(config.credentials[0].access_key_id.value, id.trim_matches('\''), "{id}");
    }
    for null in ["null", "~", "Null", ""] {
        let loaded = changed("access_key_id: AKIAREPORTS000000001", &format!("access_key_id: {null}"));
        assert!(
            rendered(&loaded).contains("`credentials[0].access_key_id` is null"),
            "{}",
            rendered(&loaded)
        );
    }
}

#[test]
fn an_inline_policy_keeps_its_lines_and_its_place() {
    let config = changed("version: 1", "version: 1").config.unwrap();
    let policy = &config.credentials[2].policies[0];
    assert_eq!(policy.name, "credentials[2].policies[0]");
    assert_eq!(policy.file, "conf/g.yaml");
    let json: serde_json::Value = serde_json::from_str(&policy.text).unwrap();
    assert_eq!(json["Statement"][0]["Resource"], "arn:aws:s3:::uploads/incoming/*");
    let source = include_str!("../../../conf/presign-gate.yaml");
    let line_in = |text: &str, word: &str| text.lines().position(|line| line.contains(word)).unwrap();
    let shown = line_in(&policy.text, "s3:PutObject") + usize::try_from(policy.line_offset).unwrap();
    assert_eq!(shown, line_in(source, "s3:PutObject"));
}

#[test]
fn policy_files_are_read_once_and_named_as_written() {
    let config = changed("version: 1", "version: 1").config.unwrap();
    let [first, second] = [0, 1].map(|at| &config.credentials[at].policies[0]);
    assert!(std::sync::Arc::ptr_eq(&first.text, &second.text));
    assert_eq!(
        (first.name.as_str(), first.file.as_str()),
        ("policies/reports.json", "conf/policies/reports.json")
    );
    assert_eq!(first.line_offset, 0);
}

#[test]
fn where_link_state_is_kept() {
    use model::links::{RedisServer, Store};
    use model::rates::{Per, RateOf};
    let links = changed("version: 1", "version: 1").config.unwrap().links;
    assert_eq!((links.store, links.deny_when_store_fails, links.grace.as_secs()), (Store::Memory, true, 30));
    assert_eq!((links.rate_limits.len(), links.rate_limits[2].per), (3, Per::Link));
    assert_eq!(links.rate_limits[2].of, RateOf::BytesPerSecond(100 << 20));
    let store = |text: &str| changed("{ memory: true }", text).config.unwrap().links.store;
    assert_eq!(store("{ redb: links.redb }"), Store::Redb(PathBuf::from("conf/links.redb")));
    let url = "rediss://user:pass@h:6380/1";
    let server = RedisServer { url: Secret::new(url), ca: None };
    assert_eq!(store(&format!("{{ redis: \"{url}\" }}")), Store::Redis(server));
    for (from, to, message) in [
        ("{ memory: true }", "{}", "exactly one of"),
        ("{ memory: true }", "{ memory: true, redb: a }", "exactly one of"),
        ("{ memory: true }", "{ memory: false }", "is not known here"),
        ("{ memory: true }", "{ redis: \"http://user:hunter2@h\" }", "is no URL of a Redis"),
        ("{ memory: true }", "{ redis: \"rediss://h\", ca: absent.pem }", "absent.pem"),
        ("{ memory: true }", "{ redb: a, ca: absent.pem }", "absent.pem"),
        ("grace: 30s", "grace: 2h", "is not in bounds"),
        ("requests: 1000, every: 1s", "requests: 0, every: 1s", "is not in bounds"),
        (
            "bytes_per_second: 100MiB",
            "bytes_per_second: 1MiB, every: 1s",
            "must hold `requests` with `every`",
        ),
        ("per: link", "per: bucket", "is not known here"),
    ] {
        refuses(from, to, message);
    }
}

#[test]
fn a_unix_socket_is_a_listener_whose_peer_may_tell_who_is_there() {
    let unix = |rest: &str| {
        changed("address: 0.0.0.0:8081\n    proxy_protocol:\n      trusted: [10.0.1.0/24] ", rest)
    };
    let loaded =
        unix("address: unix:/run/gate.sock\n    mode: 0600\n    proxy_protocol:\n      trusted: [unix] ");
    assert_eq!(rendered(&loaded), "");
    let listener = &loaded.config.unwrap().listeners[1];
    assert_eq!((listener.address.value.to_string().as_str(), listener.mode), ("unix:/run/gate.sock", 0o600));
    let trusted = model::Trusted { ranges: Vec::new(), unix: true };
    assert_eq!(listener.proxy_protocol, Some(trusted));
    let alone = unix("address: unix:/run/gate.sock #");
    assert!(rendered(&alone).contains("all are refused"), "{}", rendered(&alone));
    assert_eq!(alone.config.unwrap().listeners[1].mode, 0o660);
    for (text, message) in [
        ("address: unix:gate.sock #", "`unix:gate.sock` is not an address to listen at"),
        ("address: unix:/a\n    mode: 660x #", "`660x` is not a file mode"),
        ("address: unix:/a\n    mode: 1777 #", "`1777` is not a file mode"),
        ("address: unix:/a\n    mode: 89 #", "`89` is not a file mode"),
    ] {
        assert!(rendered(&unix(text)).contains(message), "{}", rendered(&unix(text)));
    }
}

#[test]
fn good_certificates_are_not_watched_with_the_config_and_bad_ones_are() {
    let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    let text = "version: 1\nlisteners: [{ address: '127.0.0.1:1', tls: { certificate: tls.crt, private_key: tls.key } }]\n\
        hosts: [h]\ncredentials: [{ access_key_id: A, secret_access_key: { value: s } }]\n\
        buckets: [{ name: bkt, upstream: s }]\n\
        upstreams: [{ name: s, endpoint: 'https://s', region: r, ca: tls.crt, credentials: { anonymous: true } }]\n";
    let files = |key: String| {
        let source = MemorySource::default().with_file("gate.yaml", text);
        let source = source.with_file("tls.crt", made.cert.pem()).with_file("tls.key", key);
        let loaded = load(&source, Path::new("gate.yaml"));
        let names = loaded.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        (loaded.config.is_some(), names)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(files(made.signing_key.serialize_pem()), (true, names(&["gate.yaml", "tls.crt"])));
    assert_eq!(files(String::new()), (false, names(&["gate.yaml", "tls.crt", "tls.key", "tls.crt"])));
}

#[test]
fn limits_on_requests_are_of_a_kind_that_is_served() {
    let example = "rate_limits:\n    - { per: source_ip, requests: 500, every: 1s }\n    - { per: access_key_id, requests: 1000, every: 1s }\n    - { per: link, bytes_per_second: 100MiB }";
    let limits = |text: &str| changed(example, &format!("rate_limits: {text}"));
    let loaded = limits(
        "[{ per: source_ip, requests: 100 }, { per: link, requests: 5000, every: 1m }, { per: access_key_id, bytes_per_second: 10MiB }]",
    );
    assert_eq!(rendered(&loaded), "");
    let shown: Vec<String> =
        loaded.config.unwrap().links.rate_limits.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["source_ip 100/1s", "link 5000/1m", "access_key_id 10MiB/s"]);
    assert_eq!(limits("[]").config.unwrap().links.rate_limits, []);
    for (text, message) in [
        ("[{ per: user, requests: 1 }]", "`user` is not known here"),
        ("[{ per: source_ip }]", "must hold `requests` with `every`"),
        ("[{ per: source_ip, requests: 0 }]", "`0` is not in bounds"),
        ("[{ per: source_ip, requests: 1, every: 2h }]", "`2h` is not in bounds"),
        ("[{ per: source_ip, requests: 1, bytes_per_second: 1MiB }]", "must hold `requests` with `every`"),
        (
            "[{ per: source_ip, requests: 1 }, { per: source_ip, requests: 1, every: 1000ms }]",
            "the limit `source_ip 1/1s` is given twice",
        ),
    ] {
        assert!(rendered(&limits(text)).contains(message), "{text}: {}", rendered(&limits(text)));
    }
}

#[test]
fn reasons_are_not_told_where_answers_are_to_be_equal() {
    let text = include_str!("../../../conf/presign-gate.yaml")
        .replace("expose_reasons: false", "expose_reasons: true");
    for (value, refused) in [("false", false), ("true", false), ("all", true)] {
        let text = text.replace("uniform_errors: false", &format!("uniform_errors: {value}"));
        let loaded = load_text(&text);
        let said =
            |it: &Diagnostic| it.message == "`expose_reasons` tells what `signing.uniform_errors: all` hides";
        assert_eq!(loaded.diagnostics.iter().any(|it| it.is_error() && said(it)), refused, "{value}");
    }
}
