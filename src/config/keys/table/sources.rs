//! The rows about access keys from elsewhere than the config file.
//! It must not hold code.

use super::{DAY, HOUR, MINUTE, SECOND, default, optional, required};
use crate::config::keys::{Form, Section};

/// Somebody who knows access keys.
pub(super) static CREDENTIAL_SOURCE: Section = Section {
    keys: &[
        required("name", Form::Text, "its name in metrics, logs and `explain`"),
        optional(
            "directory",
            Form::File,
            "a folder with one file (`.yaml`, `.yml`, `.json`) for each key, an entry as in `credentials`; looked at every half second",
        ),
        optional("webhook", Form::Keys(&WEBHOOK), "an HTTP service that is asked for unknown keys"),
    ],
};

static WEBHOOK: Section = Section {
    keys: &[
        required(
            "url",
            Form::Text,
            "`http[s]://host[:port]/path`; 200 is a key, 404 is none, all else a failure",
        ),
        default(
            "method",
            "POST",
            Form::Choice(&["POST", "GET"]),
            "`POST` sends `{\"access_key_id\": ID}`, `GET` appends `?access_key_id=ID`",
        ),
        optional("token", Form::Secret, "sent as `Authorization: Bearer TOKEN`"),
        optional(
            "ca",
            Form::File,
            "the authorities that its certificate must come from, PEM; left out, the public ones",
        ),
        default("timeout", "2s", Form::Duration(10, MINUTE), "for an answer to arrive completely"),
        default(
            "ttl",
            "1m",
            Form::Duration(SECOND, DAY),
            "the longest that a key is used without asking again; an answer may say less",
        ),
        default(
            "negative_ttl",
            "5s",
            Form::Duration(100, HOUR),
            "how long a key that is none is not asked for again",
        ),
        default(
            "stale",
            "10m",
            Form::Duration(0, DAY),
            "how long beyond its `ttl` a key is used while the webhook fails; `0s` for not at all",
        ),
        default(
            "keys",
            "10000",
            Form::Count(1, 1_000_000),
            "the most keys, and the most that are none, that are remembered",
        ),
        default(
            "concurrency",
            "8",
            Form::Count(1, 1000),
            "the most questions about new keys at a time, and as many about known ones",
        ),
        default("rate", "50", Form::Count(1, 100_000), "the most questions about new keys in a second"),
    ],
};
