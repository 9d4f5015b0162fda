//! The last checks of every form: the key, its token, and whether the signature is the right one, in S3's order.
//! It must not tell a caller anything but the verdict, nor accept what only the decoy of the keyring verifies.

use super::error::{AuthError, KeyFault, Mismatch};
use super::keyring::{Credential, Found, KeyIndex};
use super::scheme::lossy;
use crate::clock::UnixMillis;
use crate::reason::Reason;

/// What a request presents besides its signature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presented<'p> {
    /// The access key id as sent.
    pub(super) key_id: &'p [u8],
    /// The date of the signature; the time of the gate where it has none.
    pub(super) signed_at: UnixMillis,
    /// The session token.
    pub(super) token: Option<&'p [u8]>,
    /// The time of the gate.
    pub(super) now: UnixMillis,
}

impl Presented<'_> {
    /// S3 looks at the key and its token before it looks at the signature, which is computed by now in any case.
    /// `mismatch` tells what should have been signed.
    pub(super) fn judge(
        &self,
        found: Found<'_>,
        is_right: bool,
        uniform: bool,
        mismatch: impl FnOnce() -> Mismatch,
    ) -> Result<KeyIndex, AuthError> {
        let fault = match found.index {
            None => KeyFault::Unknown,
            Some(_) if found.credential.retired.is_some_and(|retired| self.signed_at >= retired) => {
                KeyFault::Retired
            }
            Some(_) if !self.has_token_of(found.credential) => KeyFault::Token,
            // with uniform errors only who could sign learns that it was the token
            Some(_) if self.is_over(found.credential) && (is_right || !uniform) => {
                return Err(AuthError::ExpiredToken { token: lossy(self.token.unwrap_or_default()) });
            }
            Some(index) if is_right => return self.expects_token(found.credential).map(|()| index),
            Some(_) if uniform => return Err(AuthError::Uniform(Reason::WrongSignature)),
            Some(_) => return Err(AuthError::WrongSignature(Box::new(mismatch()))),
        };
        // where the answer does not tell which keys exist, the time must not: nothing is made that is not shown
        Err(if uniform {
            AuthError::Uniform(fault.reason())
        } else {
            AuthError::Key { key_id: lossy(self.key_id), fault }
        })
    }

    fn has_token_of(&self, credential: &Credential) -> bool {
        credential.session_token.as_ref().is_none_or(|token| token.matches(self.token.unwrap_or_default()))
    }

    /// Whether the credential has run out; at the instant itself it is still good.
    fn is_over(&self, credential: &Credential) -> bool {
        credential.expires.is_some_and(|expires| self.now > expires)
    }

    fn expects_token(&self, credential: &Credential) -> Result<(), AuthError> {
        match self.token {
            Some(token) if credential.session_token.is_none() => {
                Err(AuthError::UnexpectedToken { token: lossy(token) })
            }
            _ => Ok(()),
        }
    }
}
