//! Reads limits on how often one may ask.
//! It must not take a kind of limit that nothing counts for.

use super::super::model::Located;
use super::super::model::rates::{Per, RateLimit};
use super::super::reader::{Fields, Reported};

/// What a limit may count for; `None` is not served by this version.
const PER: [(&str, Option<Per>); 3] =
    [("source_ip", Some(Per::SourceIp)), ("access_key_id", None), ("link", None)];

pub(super) fn rate_limits(links: &Fields<'_>) -> Result<Vec<RateLimit>, Reported> {
    let limits = links.sections("rate_limits", rate_limit)?;
    let mut seen: Vec<&RateLimit> = Vec::new();
    for Located { value, at, path } in &limits {
        if seen.contains(&value) {
            links.reader.error(
                *at,
                path,
                format!("the limit `{value}` is given twice"),
                "remove one of them",
            );
        }
        seen.push(value);
    }
    Ok(limits.into_iter().map(|limit| limit.value).collect())
}

fn rate_limit(fields: &Fields<'_>) -> Result<Located<RateLimit>, Reported> {
    let per = fields.choice("per", &PER).and_then(|per| {
        per.ok_or_else(|| {
            let path = fields.path_of("per");
            let at = fields.node("per").map_or(fields.at, |node| node.at);
            let message = format!("`{path}` may only be `source_ip` in this version");
            fields.reader.error(at, &path, message, "remove the limit")
        })
    });
    let requests = fields.count("requests");
    let every = fields.duration("every");
    let value = RateLimit { per: per?, requests: requests?, every: every? };
    Ok(Located { value, at: fields.at, path: fields.path.clone() })
}
