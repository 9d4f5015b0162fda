//! Reads an audit log back and checks its chain.
//! It must not hold more than one line in memory.

use std::io::{self, BufRead, Read as _};

use super::chain::{Broken, Chain, NEW};

/// The longest line, in bytes.
const LONGEST: u64 = 16 << 20;

/// A part of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The lines that were read.
    pub lines: u64,
    /// The number of the first of them; what came before it is not known here.
    pub first: Option<u64>,
    /// Where it ends.
    pub last: Chain,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// A line, counted from 1, does not belong there.
    #[error("line {line}: {broken}")]
    Line {
        /// The line.
        line: u64,
        /// What is wrong with it.
        broken: Broken,
    },
}

/// Checks one file, which goes on after `before`; without it, the first line may be in the middle of a chain.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(mut file: impl BufRead, before: Option<Chain>) -> Result<Part, Fault> {
    let mut chain = before;
    let mut part = Part { lines: 0, first: None, last: before.unwrap_or(NEW) };
    let mut text = Vec::new();
    loop {
        text.clear();
        if file.by_ref().take(LONGEST).read_until(b'\n', &mut text)? == 0 {
            return Ok(part);
        }
        part.lines += 1;
        let fault = |broken| Fault::Line { line: part.lines, broken };
        let line = text.strip_suffix(b"\n").ok_or_else(|| fault(Broken::Torn))?;
        let next = match chain {
            Some(chain) => chain.follow(line),
            // number 1 has nothing before it; what another number follows is not known
            None => {
                Chain::ending_with(line).and_then(|end| if end.seq == 1 { NEW.follow(line) } else { Ok(end) })
            }
        };
        part.last = next.map_err(fault)?;
        part.first = part.first.or(Some(part.last.seq));
        chain = Some(part.last);
    }
}
