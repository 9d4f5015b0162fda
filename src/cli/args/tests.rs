//! Command lines that are understood, and those that are not.
//! It must not run a command.

use super::*;
use clap::CommandFactory;

fn parse(line: &str) -> Result<Command, clap::Error> {
    Args::try_parse_from(std::iter::once("presign-gate").chain(line.split('|'))).map(|args| args.command)
}

#[test]
fn the_definition_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn presign_reads_every_flag() {
    let line = "presign|PUT|s3://reports/a b?.pdf|--config|g.yaml|--access-key-id|AK/1|--expires|90s|--host|h:8443\
        |--scheme|http|--header|content-type: text/plain|--header|x-amz-meta-a:b:c|--query|versionId=1=2|--query|acl\
        |--source-ip|10.0.0.0/8,192.0.2.1|--source-vpc|vpc-1|--source-vpce|vpce-1,vpce-2\
        |--content-length-range|1,5MiB|--not-before|2026-01-15T12:00:00Z";
    let Command::Presign(args) = parse(line).unwrap() else { panic!("not presign") };
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    assert_eq!((args.method.as_str(), args.access_key_id.as_str()), ("PUT", "AK/1"));
    assert_eq!(args.object, ObjectUrl { bucket: "reports".into(), key: "a b?.pdf".into() });
    assert_eq!((args.expires, args.host.as_deref()), (Duration::from_secs(90), Some("h:8443")));
    assert_eq!(args.scheme.name(), "http");
    assert_eq!(args.headers, [field("content-type", "text/plain"), field("x-amz-meta-a", "b:c")]);
    assert_eq!(args.query, [field("versionId", "1=2"), field("acl", "")]);
    assert_eq!(args.source_ip, ["10.0.0.0/8".parse().unwrap(), "192.0.2.1/32".parse().unwrap()]);
    assert_eq!(
        (args.source_vpc, args.source_vpce),
        (vec!["vpc-1".into()], vec!["vpce-1".into(), "vpce-2".into()])
    );
    assert_eq!(args.content_length_range, Some(ByteRange { min: 1, max: 5 << 20 }));
    assert_eq!(args.not_before, Some(UnixMillis::from_secs(1_768_478_400)));
}

#[test]
fn defaults() {
    let Command::Presign(args) = parse("presign|GET|s3://b|--config|g|--access-key-id|A").unwrap() else {
        panic!("not presign")
    };
    assert_eq!((args.expires, args.scheme), (Duration::from_mins(15), Scheme::Https));
    assert_eq!(args.object.key, "");
    let Command::Explain(args) = parse("explain|https://h/b/k?X-Amz-Date=1|--config|g").unwrap() else {
        panic!("not explain")
    };
    assert_eq!((args.method.as_str(), args.json, args.at), ("GET", false, None));
    let Command::Demo(args) = parse("demo").unwrap() else { panic!("not demo") };
    assert_eq!((args.listen.port(), args.admin.port(), args.once), (8080, 9090, false));
}

#[test]
fn what_is_no_command_line() {
    const PRESIGN: &str = "presign|GET|s3://b/k|--config|g|--access-key-id|A";
    let presign = |more: &str| format!("{PRESIGN}|{more}");
    for line in [
        String::new(),
        "serve".to_owned(),
        "run".to_owned(),
        "check".to_owned(),
        "version|x".to_owned(),
        "presign|GET|s3://b/k|--config|g".to_owned(),
        "presign|get|s3://b/k|--config|g|--access-key-id|A".to_owned(),
        "presign|GET|b/k|--config|g|--access-key-id|A".to_owned(),
        "presign|GET|s3:///k|--config|g|--access-key-id|A".to_owned(),
        presign("--expires|0s"),
        presign("--expires|8d"),
        presign("--expires|1500ms"),
        presign("--expires|900"),
        presign("--header|no-colon"),
        presign("--header|a b: c"),
        presign("--header|a: b\nc: d"),
        presign("--query|=x"),
        presign("--source-ip|10.0.0.1/8"),
        presign("--source-ip|"),
        presign("--source-vpc|vpce-1"),
        presign("--source-vpce|vpc-1"),
        presign("--content-length-range|5"),
        presign("--content-length-range|5,1"),
        presign("--not-before|tomorrow"),
        presign("--scheme|ftp"),
        presign("--max-uses|0"),
        presign("--max-uses|1000001"),
        presign("--max-bytes|0"),
        "revoke|--config|g".to_owned(),
        "revoke|--link|x".to_owned(),
        "revoke|--link|x|--config|g|--admin|http://h".to_owned(),
        "revoke|--link|x|--prefix|s3://b|--config|g".to_owned(),
        "revoke|--link|x|--before|0|--config|g".to_owned(),
        "revoke|--signed-before|soon|--config|g".to_owned(),
        "revoke|--link|x|--config|g|--token|t".to_owned(),
        "explain|u|--config|g|--source-ip|10.0.0.0/8".to_owned(),
        "explain|u|--config|g|--at|yesterday".to_owned(),
    ] {
        let error = parse(&line).expect_err(&line);
        assert!(error.use_stderr() || line.is_empty(), "{line}");
    }
}
