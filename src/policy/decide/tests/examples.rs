//! The worked examples of network rules, and rules on encryption.
//! It must not test layers.

use super::*;

/// Decides over a GET under a bucket policy with one Deny of this condition.
fn denied_by(condition: &str, context: &Context<'_>) -> Outcome {
    let allow = [compiled(Kind::Identity, r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#)];
    let deny = compiled(
        Kind::Resource,
        &format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::media","arn:aws:s3:::media/*"],"Condition":{condition}}}"#
        ),
    );
    let layers = Layers { identity: &allow, resource: Some(&deny), ..Layers::default() };
    decide(&layers, &get(&user("alice"), context)).outcome
}

#[test]
fn the_worked_examples() {
    let paths = [
        direct("203.0.113.7"),
        direct("198.51.100.9"),
        direct("2001:db8:1234:5678::1"),
        endpoint("vpce-1a2b3c4d", "vpc-111bbb22", None),
        endpoint("vpce-9f8e7d6c", "vpc-999fff99", None),
    ];
    for (name, condition, expected) in [
        (
            "seed",
            r#"{"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"},"BoolIfExists":{"aws:ViaAWSService":"false"}}"#,
            "AEEEE",
        ),
        (
            "iam-deny-ip",
            r#"{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]},"Bool":{"aws:ViaAWSService":"false"}}"#,
            "AEEEE",
        ),
        ("s3-deny-ip", r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, "AEEEE"),
        ("vpce", r#"{"StringNotEquals":{"aws:SourceVpce":"vpce-1a2b3c4d"}}"#, "EEEAE"),
        ("vpc", r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-111bbb22"}}"#, "EEEAE"),
        (
            "vpc-ifexists",
            r#"{"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-111bbb22"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}"#,
            "EEEAE",
        ),
        (
            "ip-or-vpc",
            r#"{"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"},"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-111bbb22"}}"#,
            "AEEAE",
        ),
        (
            "perimeter",
            r#"{"NotIpAddressIfExists":{"aws:SourceIp":["203.0.113.0/24","2001:db8:1234:5678::/64"]},"StringNotEqualsIfExists":{"aws:VpceOrgID":"o-1","aws:VpceAccount":"111122223333"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false","aws:ViaAWSService":"false"}}"#,
            "AEAEE",
        ),
        ("age", r#"{"NumericGreaterThan":{"s3:signatureAge":600000}}"#, "AAAAA"),
        ("age, a millisecond less", r#"{"NumericGreaterThan":{"s3:signatureAge":599999}}"#, "EEEEE"),
        (
            "age and type",
            r#"{"NumericGreaterThan":{"s3:signatureAge":599999},"StringEquals":{"s3:authType":"REST-QUERY-STRING"}}"#,
            "EEEEE",
        ),
        ("header-only", r#"{"StringNotEquals":{"s3:authType":"REST-HEADER"}}"#, "EEEEE"),
        ("tls", r#"{"NumericLessThan":{"s3:TlsVersion":1.2}}"#, "AAAAA"),
        ("secure", r#"{"Bool":{"aws:SecureTransport":"false"}}"#, "AAAAA"),
    ] {
        for (path, expected) in paths.iter().zip(expected.chars()) {
            let expected = if expected == 'A' { Outcome::Allowed } else { Outcome::ExplicitlyDenied };
            assert_eq!(denied_by(condition, &presigned(*path)), expected, "{name} on {path:?}");
        }
        // a path that is not known is never one that a rule lets through
        let network = ["ip", "vpc", "perimeter", "seed"].iter().any(|word| name.contains(word));
        let unknown = denied_by(condition, &presigned(NetworkPath::Unknown));
        assert!(!network || unknown == Outcome::ExplicitlyDenied, "{name}");
    }
    let perimeter = r#"{"StringNotEqualsIfExists":{"aws:VpceAccount":"111122223333"}}"#;
    let own = presigned(endpoint("vpce-1a2b3c4d", "vpc-111bbb22", Some("111122223333")));
    assert_eq!(denied_by(perimeter, &own), Outcome::Allowed);
}

#[test]
fn encryption_and_its_version() {
    for (transport, tls, secure) in [
        (Transport::Tls(TlsVersion::V1_3), Outcome::Allowed, Outcome::Allowed),
        (Transport::Tls(TlsVersion::V1_1), Outcome::ExplicitlyDenied, Outcome::Allowed),
        // an unknown version may be too old
        (Transport::TlsOfUnknownVersion, Outcome::ExplicitlyDenied, Outcome::Allowed),
        (Transport::Plain, Outcome::Allowed, Outcome::ExplicitlyDenied),
    ] {
        let context = Context { transport, ..presigned(direct("203.0.113.7")) };
        assert_eq!(
            denied_by(r#"{"NumericLessThan":{"s3:TlsVersion":"1.2"}}"#, &context),
            tls,
            "{transport:?}"
        );
        assert_eq!(
            denied_by(r#"{"Bool":{"aws:SecureTransport":"false"}}"#, &context),
            secure,
            "{transport:?}"
        );
    }
}

/// A row of the table in `docs/policies.md`: the file, and a verdict for each network path.
fn rows() -> Vec<(String, Vec<char>)> {
    let docs = include_str!("../../../../docs/policies.md");
    let rows = docs.lines().filter(|line| line.starts_with("| `") && line.contains(".json` | "));
    let cells = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let verdict = |cell: &&str| cell.chars().next().unwrap();
    cells
        .map(|cells| (cells[0].trim_matches('`').to_owned(), cells[1..].iter().map(verdict).collect()))
        .collect()
}

#[test]
fn the_table_of_the_documentation() {
    let paths = [
        direct("203.0.113.7"),
        direct("198.51.100.9"),
        direct("2001:db8::1"),
        endpoint("vpce-1a2b3c4d", "vpc-111bbb22", None),
        endpoint("vpce-9f8e7d6c", "vpc-999fff99", None),
    ];
    let allow = [compiled(Kind::Identity, r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#)];
    let rows = rows();
    assert_eq!(rows.len(), 7);
    for (file, verdicts) in rows {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/policies").join(&file);
        let text = std::fs::read_to_string(path).unwrap();
        let kind = if text.contains("Principal\":") { Kind::Resource } else { Kind::Guardrail };
        let policy = Arc::new(Compiled::compile(&file, &document(&text, kind).document));
        let guardrails = [Arc::clone(&policy)];
        let layers = match kind {
            Kind::Resource => Layers { identity: &allow, resource: Some(&policy), ..Layers::default() },
            _ => Layers { identity: &allow, guardrails: &guardrails, ..Layers::default() },
        };
        assert_eq!(verdicts.len(), paths.len(), "{file}");
        for (path, verdict) in paths.iter().zip(verdicts) {
            let outcome = decide(&layers, &get(&user("alice"), &presigned(*path))).outcome;
            let expected = if verdict == 'A' { Outcome::Allowed } else { Outcome::ExplicitlyDenied };
            assert_eq!(outcome, expected, "{file} on {path:?}");
        }
    }
}

#[test]
fn the_documented_files_have_the_warnings_that_the_documentation_tells() {
    for (file, expected) in [
        ("seed.json", "through a VPC endpoint"),
        ("only-from-endpoint.json", "outside vpce-1a2b3c4d"),
        ("links-for-ten-minutes.json", "signature is in a header"),
        ("no-old-tls.json", "without TLS"),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/policies").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let kind = if text.contains("Principal\":") { Kind::Resource } else { Kind::Guardrail };
        let warnings = crate::policy::lint::lint(&document(&text, kind).document);
        let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|text| text.contains(expected)), "{file}: {told:?}");
    }
}
