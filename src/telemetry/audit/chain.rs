//! The chain of an audit log: each line carries its number, the digest of the line before, and its own.
//! It must not read or write files, nor know what lines tell.
//!
//! A line is `{"seq":N,"prev":"HEX",…,"hash":"HEX"}`. The hash is the SHA-256 of the bytes before `,"hash":`, so that
//! `sed` and `sha256sum` can check it. A chain shows that a line was changed, taken out, added or moved; who can write
//! the whole file can make a whole new chain, and only a copy of a later hash elsewhere shows that.

use sha2::{Digest as _, Sha256};
use std::io::Write as _;

use crate::auth::hex;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

const START: &[u8] = b"{\"seq\":";
const PREV: &[u8] = b",\"prev\":\"";
const HASH: &[u8] = b",\"hash\":\"";
const END: &[u8] = b"\"}";

/// The last line of a chain; the next one follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The number of the line; 0 before the first one.
    pub seq: u64,
    /// Its digest; zeros before the first one.
    pub hash: Digest,
}

/// A chain without a line.
pub const NEW: Chain = Chain { seq: 0, hash: [0; 32] };

/// Why a line does not belong to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It does not begin and end as a line of an audit log does.
    #[error("this is no line of an audit log")]
    Form,
    /// The bytes are not those that were hashed.
    #[error("the line was changed: its hash is not that of its content")]
    Hash,
    /// The number is not the next one.
    #[error("line number {found} stands where {expected} should: lines are missing, added or moved")]
    Seq {
        /// The number that follows the line before.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
    /// The digest of the line before is another one.
    #[error("the line does not follow the one before it: that was replaced, or this is another chain")]
    Prev,
    /// The file ends in the middle of a line.
    #[error("the last line is cut off")]
    Torn,
}

impl Chain {
    /// Appends the next line, its line end included; `body` is what stands between, as `"kind":"denied",…`.
    pub fn push(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        self.seq = self.seq.saturating_add(1);
        out.extend_from_slice(START);
        // writing to memory cannot fail
        let _ = write!(out, "{}", self.seq);
        out.extend_from_slice(PREV);
        out.extend_from_slice(&hex::encode(&self.hash));
        out.extend_from_slice(b"\",");
        out.extend_from_slice(body);
        self.hash = Sha256::digest(out.get(begin..).unwrap_or_default()).into();
        out.extend_from_slice(HASH);
        out.extend_from_slice(&hex::encode(&self.hash));
        out.extend_from_slice(END);
        out.push(b'\n');
    }

    /// The chain that ends with this line (without its line end), whatever came before.
    ///
    /// # Errors
    /// [`Broken::Form`] or [`Broken::Hash`].
    pub fn ending_with(line: &[u8]) -> Result<Self, Broken> {
        Line::parse(line).map(|line| Self { seq: line.seq, hash: line.hash })
    }

    /// The chain after this line (without its line end).
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn follow(self, line: &[u8]) -> Result<Self, Broken> {
        let line = Line::parse(line)?;
        let expected = self.seq.saturating_add(1);
        if line.seq != expected {
            return Err(Broken::Seq { expected, found: line.seq });
        }
        if line.prev != self.hash {
            return Err(Broken::Prev);
        }
        Ok(Self { seq: line.seq, hash: line.hash })
    }
}

/// What a line says about the chain.
struct Line {
    seq: u64,
    prev: Digest,
    hash: Digest,
}

impl Line {
    fn parse(line: &[u8]) -> Result<Self, Broken> {
        let rest = line.strip_suffix(END).ok_or(Broken::Form)?;
        let (rest, hash) = rest.split_at_checked(rest.len().wrapping_sub(64)).ok_or(Broken::Form)?;
        let content = rest.strip_suffix(HASH).ok_or(Broken::Form)?;
        let hash = digest(hash).ok_or(Broken::Form)?;
        if <Digest>::from(Sha256::digest(content)) != hash {
            return Err(Broken::Hash);
        }
        let rest = content.strip_prefix(START).ok_or(Broken::Form)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (seq, rest) = rest.split_at_checked(digits).ok_or(Broken::Form)?;
        let seq = std::str::from_utf8(seq).ok().and_then(|seq| seq.parse().ok()).ok_or(Broken::Form)?;
        let prev = rest.strip_prefix(PREV).and_then(|rest| rest.get(..64)).and_then(digest);
        Ok(Self { seq, prev: prev.ok_or(Broken::Form)?, hash })
    }
}

fn digest(text: &[u8]) -> Option<Digest> {
    hex::decode(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bodies: &[&str]) -> Vec<Vec<u8>> {
        let (mut chain, mut out) = (NEW, Vec::new());
        for body in bodies {
            chain.push(body.as_bytes(), &mut out);
        }
        out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }

    fn read(lines: &[Vec<u8>]) -> Result<Chain, Broken> {
        lines.iter().try_fold(NEW, |chain, line| chain.follow(line))
    }

    #[test]
    fn a_line_has_this_form() {
        let line = String::from_utf8(lines(&["\"kind\":\"started\""]).remove(0)).unwrap();
        let zeros = "0".repeat(64);
        // by `sha256sum`
        let hash = "71433be54b76b2e6d8b57713eafc186ab66478b55e68878290a3088bb9cd6227";
        assert_eq!(
            line,
            format!("{{\"seq\":1,\"prev\":\"{zeros}\",\"kind\":\"started\",\"hash\":\"{hash}\"}}")
        );
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
    }

    #[test]
    fn whatever_is_done_to_a_chain_shows() {
        let good = lines(&["\"a\":1", "\"a\":2", "\"a\":3"]);
        assert_eq!(read(&good).unwrap().seq, 3);
        let with = |change: fn(&mut Vec<Vec<u8>>)| {
            let mut lines = good.clone();
            change(&mut lines);
            read(&lines).unwrap_err()
        };
        assert_eq!(with(|lines| drop(lines.remove(1))), Broken::Seq { expected: 2, found: 3 });
        assert_eq!(with(|lines| drop(lines.remove(0))), Broken::Seq { expected: 1, found: 2 });
        assert_eq!(with(|lines| lines.swap(1, 2)), Broken::Seq { expected: 2, found: 3 });
        assert_eq!(with(|lines| lines.insert(1, lines[0].clone())), Broken::Seq { expected: 2, found: 1 });
        assert_eq!(with(|lines| lines[1].clear()), Broken::Form);
        assert_eq!(with(|lines| lines[2].truncate(40)), Broken::Form);
        // a line that was made again, and one that is right in itself but of another chain
        assert_eq!(
            with(|lines| {
                let mut out = Vec::new();
                Chain { seq: 1, hash: [7; 32] }.push(b"\"a\":2", &mut out);
                out.pop();
                lines[1] = out;
            }),
            Broken::Prev
        );
    }

    proptest! {
        #[test]
        fn no_byte_of_a_line_can_be_changed(body in "\"a\":\"[ -!#-~]{0,30}\"", at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let good = lines(&[&body]).remove(0);
            let mut bad = good.clone();
            let at = at.index(bad.len());
            bad[at] = to;
            prop_assume!(bad != good);
            // hex digits of a digest may be written in either case
            let same = bad.eq_ignore_ascii_case(&good) && at > good.len() - 68;
            prop_assert!(same || NEW.follow(&bad).is_err());
        }
    }
}
