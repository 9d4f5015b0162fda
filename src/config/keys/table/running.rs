//! The rows about running a gate: the state of links, limits, the end, logs and spans.
//! It must not hold code.

use super::{HOUR, KIB, MIB, MINUTE, TIB, default, defaults, optional, required};
use crate::config::keys::{Form, Section};

pub(super) static LINKS: Section = Section {
    keys: &[
        optional("store", Form::Keys(&STORE), "where the state of links is kept; left out, in memory"),
        default(
            "when_store_fails",
            "deny",
            Form::Choice(&["deny", "allow"]),
            "what happens to links with state when the store fails",
        ),
        default(
            "grace",
            "30s",
            Form::Duration(0, HOUR),
            "the time within which requests of one client are the same use",
        ),
        optional(
            "rate_limits",
            Form::List(&Form::Keys(&RATE_LIMIT), 0),
            "the most requests in a time, who sends more is answered 503 SlowDown; or bytes in a second, which wait",
        ),
    ],
};

static RATE_LIMIT: Section = Section {
    keys: &[
        required(
            "per",
            Form::Choice(&["source_ip", "access_key_id", "link"]),
            "whom it counts for: `source_ip`, an IPv4 address or an IPv6 /64, counts before a signature is looked at",
        ),
        optional("requests", Form::Count(1, 1_000_000_000), "the requests that are served in the time"),
        default("every", "1s", Form::Duration(100, HOUR), "the time that requests are counted in"),
        optional("bytes_per_second", Form::Size(1, 1 << 53), "the bytes of bodies in a second"),
    ],
};

static STORE: Section = Section {
    keys: &[
        optional("memory", Form::Choice(&["true"]), "in this process, lost when it ends"),
        optional("redb", Form::Text, "in a file of this machine, for one gate"),
        optional(
            "redis",
            Form::Text,
            "in a server that several gates share, as `redis://host:6379/0`; `rediss://` for TLS",
        ),
        optional(
            "ca",
            Form::File,
            "the authorities that the certificate of `redis` must come from, PEM; left out, the public ones",
        ),
    ],
};

pub(super) static LIMITS: Section = Section {
    keys: &[
        default("header_bytes", "32KiB", Form::Size(KIB, MIB), "the largest request head"),
        default(
            "header_time",
            "5s",
            Form::Duration(100, 5 * MINUTE),
            "the time to send a request head, from its first byte",
        ),
        default(
            "idle_time",
            "60s",
            Form::Duration(100, HOUR),
            "that a client connection may stay open without a request",
        ),
        default(
            "client_time",
            "60s",
            Form::Duration(100, HOUR),
            "that a client may send nothing of a body it owes, or take nothing of an answer",
        ),
        default("connections", "50000", Form::Count(1, 10_000_000), "client connections at a time"),
        default("body", "5TiB", Form::Size(0, 5 * TIB), "the largest request body"),
        default(
            "buffered_body",
            "2MiB",
            Form::Size(KIB, 64 * MIB),
            "the largest request body that a rule must read whole",
        ),
        default(
            "buffered_bodies",
            "256MiB",
            Form::Size(KIB, TIB),
            "all of them together; a request that finds no room is answered 503 SlowDown",
        ),
    ],
};

pub(super) static SHUTDOWN: Section = Section {
    keys: &[
        default(
            "drain_delay",
            "0s",
            Form::Duration(0, HOUR),
            "the time to be not ready and serve on, until balancers have noticed",
        ),
        default("drain_time", "25s", Form::Duration(0, HOUR), "the time for requests in flight after that"),
    ],
};

pub(super) static UPGRADE: Section = Section {
    keys: &[required(
        "socket",
        Form::File,
        "where `run --upgrade` asks for the place: a Unix socket of this user alone, in a folder that is there",
    )],
};

pub(super) static LOGS: Section = Section {
    keys: &[
        defaults("access", Form::Keys(&ACCESS_LOG), "one line a request; left out, on standard output"),
        optional(
            "audit",
            Form::Keys(&AUDIT_LOG),
            "refusals and changes, each line chained to the one before",
        ),
    ],
};

pub(super) static TRACING: Section = Section {
    keys: &[
        required(
            "otlp",
            Form::Endpoint,
            "the collector, as `http://127.0.0.1:4318`; spans go to its `/v1/traces` as OTLP in protobuf",
        ),
        default(
            "sample",
            "1",
            Form::Ratio,
            "the share of requests that are followed, of those that come without a `traceparent`",
        ),
    ],
};

static ACCESS_LOG: Section = Section {
    keys: &[
        default("path", "-", Form::File, "the file that lines are added to; `-` is standard output"),
        default(
            "format",
            "json",
            Form::Choice(&["json", "s3", "none"]),
            "the form of a line; `s3` as S3 writes its own; `none`: no line is written",
        ),
    ],
};

static AUDIT_LOG: Section =
    Section { keys: &[required("path", Form::File, "the file that lines are added to")] };
