//! The file of a form, taken out of the stream up to the boundary that ends it.
//! It must not hold more than a boundary's length of it, nor give out a byte that could belong to the boundary.

use super::{Boundary, FormError};

/// Takes the file out of a form, from its first byte on.
#[derive(Debug)]
pub struct FileReader {
    delimiter: Box<[u8]>,
    /// Bytes that may be the beginning of the delimiter.
    held: Vec<u8>,
    /// What came behind the delimiter; `None` inside the file.
    end: Option<Vec<u8>>,
}

impl FileReader {
    /// At the first byte of a file.
    #[must_use]
    pub fn new(boundary: &Boundary) -> Self {
        Self { delimiter: boundary.delimiter().into(), held: Vec::new(), end: None }
    }

    /// Takes the next bytes of the form and gives those of the file to `with`.
    ///
    /// # Errors
    /// [`FormError::AfterFile`] if the form goes on behind its file, and what `with` says.
    pub fn take<E: From<FormError>>(
        &mut self,
        bytes: &[u8],
        mut with: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.end.is_some() {
            return self.behind(bytes).map_err(E::from);
        }
        let mut rest = bytes;
        if !self.held.is_empty() {
            match self.settle(&mut rest, &mut with)? {
                Settled::NeedMore => return Ok(()),
                Settled::No => {}
                Settled::Delimiter => return self.begin_end(rest).map_err(E::from),
            }
        }
        if let Some(at) = memchr::memmem::find(rest, &self.delimiter) {
            give(rest.get(..at).unwrap_or_default(), &mut with)?;
            return self
                .begin_end(rest.get(at + self.delimiter.len()..).unwrap_or_default())
                .map_err(E::from);
        }
        let (sure, open) = rest.split_at_checked(rest.len() - self.open(rest)).unwrap_or((rest, &[]));
        give(sure, &mut with)?;
        self.held.extend_from_slice(open);
        Ok(())
    }

    /// Judges the end of the form.
    ///
    /// # Errors
    /// [`FormError::CutOff`] unless the file was ended by the last boundary.
    pub fn finish(&self) -> Result<(), FormError> {
        match self.end.as_deref() {
            Some(b"--" | b"--\r\n") => Ok(()),
            _ => Err(FormError::CutOff),
        }
    }

    /// Finds out what the held bytes are, with the help of those that follow.
    fn settle<E>(
        &mut self,
        rest: &mut &[u8],
        with: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Settled, E> {
        // the held bytes can begin a delimiter at more than one place
        let known = self.held.len();
        let (more, _) = rest.split_at_checked(self.delimiter.len()).unwrap_or((rest, &[]));
        self.held.extend_from_slice(more);
        let start = (0..known).find(|at| {
            let found = self.held.get(*at..).unwrap_or_default();
            found.starts_with(&self.delimiter) || self.delimiter.starts_with(found)
        });
        let start = start.unwrap_or(known);
        give(self.held.get(..start).unwrap_or_default(), with)?;
        if start == known {
            self.held.clear();
            return Ok(Settled::No);
        }
        self.held.drain(..start);
        if self.held.len() < self.delimiter.len() {
            // all that came is held now
            return Ok(Settled::NeedMore);
        }
        let used = self.delimiter.len() - (known - start);
        self.held.clear();
        *rest = rest.get(used..).unwrap_or_default();
        Ok(Settled::Delimiter)
    }

    /// How many bytes at the end can be the beginning of a delimiter.
    fn open(&self, bytes: &[u8]) -> usize {
        let most = bytes.len().min(self.delimiter.len() - 1);
        (1..=most)
            .rev()
            .find(|length| {
                bytes.get(bytes.len() - length..).is_some_and(|end| self.delimiter.starts_with(end))
            })
            .unwrap_or(0)
    }

    fn begin_end(&mut self, rest: &[u8]) -> Result<(), FormError> {
        self.end = Some(Vec::with_capacity(4));
        self.behind(rest)
    }

    /// Behind the delimiter: two dashes, perhaps a line break, nothing else.
    fn behind(&mut self, bytes: &[u8]) -> Result<(), FormError> {
        let Some(end) = &mut self.end else { return Ok(()) };
        end.extend_from_slice(bytes.get(..bytes.len().min(5)).unwrap_or_default());
        if b"--\r\n".starts_with(end) { Ok(()) } else { Err(FormError::AfterFile) }
    }
}

enum Settled {
    /// The held bytes are of the file.
    No,
    /// They still can be either.
    NeedMore,
    /// The delimiter is complete and taken off the input.
    Delimiter,
}

fn give<E>(data: &[u8], with: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    if data.is_empty() { Ok(()) } else { with(data) }
}

/// The bytes of the file in the whole rest of a form; `None` if it does not end as a form does.
#[must_use]
pub fn length(rest: &[u8], boundary: &Boundary) -> Option<usize> {
    let end = rest.strip_suffix(b"\r\n").unwrap_or(rest).strip_suffix(b"--")?;
    end.strip_suffix(boundary.delimiter()).map(<[u8]>::len)
}
