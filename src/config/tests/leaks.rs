//! No finding shows a secret, wherever it was put by mistake.
//! It must not rely on where secrets belong: the cases are slips of the hand.

use super::*;

const SECRET: &str = "hunter2/wJalrXUtnFEMI";

#[test]
fn findings_never_show_a_secret() {
    for place in [
        "    secret_access_key: SECRET\n",
        "    secret_access_key: [SECRET]\n",
        "    secret_access_key: { SECRET: }\n",
        "    secret_access_key: { SECRET: 1, SECRET: 2 }\n",
        "    secret_access_key: { SECRET }\n",
        "    secret_access_key: { valu: SECRET }\n",
        "    secret_access_key: { value: [SECRET] }\n",
        "    secret_access_key: { value: SECRET, value: SECRET }\n",
        "    secret_access_key: { value: SECRET, env: X }\n",
        "    secret_access_key:\n      value: |\n        SECRET\n    retired: never\n",
        "    secret_access_key:\n      value: |\n        SECRET\n   retired: never\n",
        "    secret_access_key: { value: SECRET }, retired: never\n",
        "    secret_access_key: { file: \"-----BEGIN PRIVATE KEY-----\\nSECRET\" }\n",
        "    secret_acces_key: SECRET\n",
        "    SecretAccessKey: SECRET\n",
        "    sesion_token: SECRET\n",
        "    session_token: SECRET\n",
        "    password: SECRET\n",
        "    secret_access_key: { value: SECRET, retired: never\n",
    ] {
        let text =
            format!("version: 1\ncredentials:\n  - access_key_id: AKIA\n{}", place.replace("SECRET", SECRET));
        check(&text, place);
    }
    for text in [
        "SECRET",
        "[SECRET]",
        "admin: { address: 127.0.0.1:1, token: SECRET }",
        "admin: { adress: 127.0.0.1:1, token: { value: SECRET } }",
        "upstreams: [{ credentials: SECRET }]",
        "upstreams: [{ credentials: { secret_access_key: SECRET } }]",
        "listeners: [{ tls: { private_key: \"-----BEGIN PRIVATE KEY-----\\nSECRET\" } }]",
        "listeners:\n  - tls:\n      private_key: |\n        SECRET\n        SECRET\n      certificate: x\n",
    ] {
        check(&text.replace("SECRET", SECRET), text);
    }
}

fn check(text: &str, case: &str) {
    let loaded = load_text(text);
    assert!(loaded.config.is_none(), "{case}");
    let json: String = loaded.diagnostics.iter().map(|finding| finding.json().to_string()).collect();
    for shown in [rendered(&loaded), json, format!("{:?}", loaded.diagnostics)] {
        assert!(!shown.contains("hunter2") && !shown.contains("wJalr"), "{case}\n{shown}");
    }
}

#[test]
fn the_model_shows_no_secret() {
    let config = load(&NamedEnv, &from_root("conf/presign-gate.yaml")).config.unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("AKIAREPORTS000000001"));
    assert!(!shown.contains(" holds"), "{shown}");
}
