//! Reads limits on how often one may ask, and how much one may move in a time.
//! It must not take a limit that counts nothing, or two things.

use super::super::model::Located;
use super::super::model::rates::{Per, RateLimit, RateOf};
use super::super::reader::{Fields, Reported};

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
    let per = fields.choice("per", &Per::WORDS);
    let requests = fields.if_given("requests", Fields::count);
    let every = fields.duration("every");
    let bytes = fields.if_given("bytes_per_second", Fields::size);
    let has_time = fields.node("every").is_some();
    let (every, of) = (every?, (requests?, bytes?));
    let of = match of {
        (Some(count), None) => RateOf::Requests { count, every },
        (None, Some(bytes)) if !has_time => RateOf::BytesPerSecond(bytes),
        _ => {
            let message =
                format!("`{}` must hold `requests` with `every`, or `bytes_per_second`", fields.path);
            return Err(fields.reader.error(fields.at, &fields.path, message, "make two limits of it"));
        }
    };
    let value = RateLimit { per: per?, of };
    Ok(Located { value, at: fields.at, path: fields.path.clone() })
}
