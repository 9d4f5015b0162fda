//! What the policies cost for one question: one statement or ten thousand, one address range or a hundred thousand, for
//! a request that one of them is about. It must not do IO, and checks each decision inside the loop.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot be set up has to stop")]

use presign_gate::clock::UnixMillis;
use presign_gate::policy::compile::Compiled;
use presign_gate::policy::context::{
    Age, Context, NetworkPath, SignatureVersion, Signed, TlsVersion, Transport,
};
use presign_gate::policy::decide::{Layers, Outcome, decide};
use presign_gate::policy::document::Kind;
use presign_gate::policy::parse::{ParseOptions, parse};
use presign_gate::policy::principal::Principal;
use presign_gate::policy::query::{ActionRef, ContextRef, Owner, Query, ResourceRef};
use presign_gate::s3::action::Action;
use std::fmt::Write as _;
use std::sync::Arc;

const NOW: UnixMillis = UnixMillis::from_secs(1_768_478_400);

fn main() {
    divan::main();
}

fn compiled(statements: &str) -> Arc<Compiled> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let parsed = parse(&text, Kind::Identity, &ParseOptions::default());
    Arc::new(Compiled::compile("bench", &parsed.unwrap_or_else(|errors| panic!("{errors:?}")).document))
}

/// One statement for each of this many homes.
fn homes(count: usize) -> Arc<Compiled> {
    let mut statements = String::new();
    for home in 0..count {
        let comma = if home == 0 { "" } else { "," };
        let _ = write!(
            statements,
            r#"{comma}{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/homes/{home}/*","Condition":{{"Bool":{{"aws:SecureTransport":true}}}}}}"#
        );
    }
    compiled(&statements)
}

/// One statement with this many addresses, of which no two are neighbours.
fn ranges(count: usize) -> Arc<Compiled> {
    let ranges: Vec<String> = (0..count)
        .map(|number| {
            let address = 0x0a00_0000 + u32::try_from(number).unwrap() * 2;
            format!("\"{}\"", std::net::Ipv4Addr::from(address))
        })
        .collect();
    compiled(&format!(
        r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::media/*","Condition":{{"IpAddress":{{"aws:SourceIp":[{}]}}}}}}"#,
        ranges.join(",")
    ))
}

fn ask(bencher: divan::Bencher<'_, '_>, policy: Arc<Compiled>, key: &str, address: u32) {
    let identity = [policy];
    let layers = Layers { identity: &identity, ..Layers::default() };
    let principal = Principal::from_arn("arn:aws:iam::111122223333:user/a").unwrap();
    let ip = std::net::Ipv4Addr::from(address).into();
    let context = Context {
        network: NetworkPath::Direct { ip },
        transport: Transport::Tls(TlsVersion::V1_3),
        signed: Signed::Query(SignatureVersion::V4, Age::ZERO),
        region: "us-east-1",
        ..Context::at(NOW)
    };
    let query = Query {
        principal: &principal,
        owner: Owner::default(),
        action: ActionRef::Known(Action::GetObject),
        resource: ResourceRef::object("media", key.as_bytes()),
        context: ContextRef::Request(&context),
    };
    bencher.bench(|| {
        let decision = decide(divan::black_box(&layers), divan::black_box(&query));
        assert_eq!(decision.outcome, Outcome::Allowed);
    });
}

#[divan::bench(args = [1, 100, 10_000])]
fn statements(bencher: divan::Bencher<'_, '_>, count: usize) {
    let home = count * 2 / 3;
    ask(bencher, homes(count), &format!("homes/{home}/2026/january.csv"), 0x0a00_0000);
}

#[divan::bench(args = [1, 1000, 100_000])]
fn address_ranges(bencher: divan::Bencher<'_, '_>, count: usize) {
    let number = u32::try_from(count * 2 / 3).unwrap();
    ask(bencher, ranges(count), "homes/1/2026/january.csv", 0x0a00_0000 + number * 2);
}
