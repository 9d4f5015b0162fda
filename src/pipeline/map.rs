//! A request whose bucket is another one at the store, or a part of one: what changes on the way there and back.
//! It must not let an operation through that could reach beyond its part.

use super::{Denial, Judge};
use crate::reason::Reason;
use crate::request::framing::Framing;
use crate::request::percent::{Part, encode_into};
use crate::s3::address::Address;
use crate::s3::body::Body;
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::key::{KeyError, MAX_KEY};
use crate::s3::operation::Operation;
use crate::upstream::Upstream;
use crate::upstream::body::onward::Onward;
use crate::upstream::mapping::{self, Mapping};
use crate::upstream::plan::Carriage;

impl Judge<'_, '_, '_> {
    /// Fits the carriage to where the bucket is; gives the query that the store gets, if it is another one.
    pub(super) fn map(
        self,
        (operation, posted): (Operation, bool),
        (bucket, address): (Option<usize>, &Address<'_>),
        body: Option<&Body>,
        carriage: &mut Carriage,
    ) -> Result<Option<Vec<u8>>, Denial> {
        let (Some(bucket), Some(here)) =
            (bucket.and_then(|at| self.snapshot.buckets.get(at)), address.bucket())
        else {
            return Ok(None);
        };
        let signs = self.snapshot.upstreams.get(bucket.upstream).is_some_and(Upstream::signs_anew);
        let there = bucket.upstream_bucket.as_deref().unwrap_or_else(|| here.as_str());
        let prefix = bucket.upstream_prefix.as_ref();
        if !signs && prefix.is_some() {
            // no config has this; the key would go to the store as it came, which is outside
            return Err(super::internal());
        }
        if !signs || !Mapping::is_needed(operation, here.as_str() != there, prefix) {
            return Ok(None);
        }
        let key = address.key().map(crate::s3::key::Key::bytes);
        let query = &self.request.target.query;
        let names = (here.as_str(), there);
        let location = self.location();
        carriage.mapping =
            Some(Box::new(Mapping::new(operation, names, key, prefix.cloned(), &location, query)));
        let Some(prefix) = prefix else { return Ok(None) };
        if !posted && !mapping::stays_inside(operation) {
            let message = "This operation reaches beyond the part of a bucket that is served here.";
            let error = S3Error::with_message(ErrorCode::NotImplemented, message);
            return Err(Denial { reason: Reason::OutsidePrefix, error });
        }
        check_length(prefix.as_str(), key.unwrap_or_default())?;
        if let Some(Body::Delete(list)) = body {
            for object in &list.objects {
                check_length(prefix.as_str(), object.key.bytes())?;
            }
            let replacement = mapping::deletion(list, prefix);
            carriage.sent = Framing::Known(u64::try_from(replacement.body.len()).unwrap_or(u64::MAX));
            carriage.rules.onward = Onward::Decoded;
            carriage.replacement = Some(Box::new(replacement));
        }
        Ok(mapping::listing(operation, query, prefix))
    }

    /// The URL that the client has asked, without its query.
    fn location(self) -> String {
        let scheme = if self.facts.tls.is_some() { "https" } else { "http" };
        let mut path = Vec::new();
        encode_into(self.request.target.path.decoded(), Part::Path, &mut path);
        format!("{scheme}://{}{}", self.request.host.raw(), String::from_utf8_lossy(&path))
    }
}

/// Whether a key fits into the store behind a prefix.
pub(super) fn check_length(prefix: &str, key: &[u8]) -> Result<(), Denial> {
    let length = prefix.len() + key.len();
    if length <= MAX_KEY {
        return Ok(());
    }
    let error = KeyError::TooLong(length);
    Err(Denial { reason: error.reason(), error: error.s3() })
}
