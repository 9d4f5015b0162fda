//! A browser's form (`multipart/form-data`, RFC 7578): the fields that precede the file, read strictly.
//! It must not hold the file, nor accept what two readers could divide differently.

mod disposition;
pub mod file;

use crate::field::trim;
use disposition::Disposition;

/// The most bytes of a form before its file (S3 API reference, "POST Object": 20 KB).
pub const MAX_FIELD_BYTES: usize = 20 * 1024;

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Content-Type names no boundary, or one that is malformed or repeated.
    #[error("the Content-Type names no boundary of 1 to 70 plain characters")]
    Boundary,
    /// Something stands where a boundary, a header line or a line end must.
    #[error("the form is not well-formed multipart/form-data")]
    Malformed,
    /// The fields before the file are longer than [`MAX_FIELD_BYTES`].
    #[error("the fields before the file are longer than {MAX_FIELD_BYTES} bytes")]
    TooLong,
    /// The form ends without a file.
    #[error("the form holds no field `file`")]
    NoFile,
    /// Something stands behind the file.
    #[error("the field `file` is not the last one of the form")]
    AfterFile,
    /// The form ends inside the file.
    #[error("the form ends inside its file")]
    CutOff,
}

/// The text between the parts of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// CR LF, two dashes and the boundary: what ends a part.
    delimiter: Box<[u8]>,
}

impl Boundary {
    /// Reads the boundary of a Content-Type.
    ///
    /// # Errors
    /// [`FormError::Boundary`].
    pub fn of(content_type: &[u8]) -> Result<Self, FormError> {
        let mut pieces = content_type.split(|&byte| byte == b';').map(trim);
        if !pieces.next().is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/form-data")) {
            return Err(FormError::Boundary);
        }
        let mut found = None;
        for piece in pieces {
            let at = memchr::memchr(b'=', piece).ok_or(FormError::Boundary)?;
            let (name, value) = piece.split_at_checked(at).ok_or(FormError::Boundary)?;
            if name.eq_ignore_ascii_case(b"boundary")
                && found.replace(value.get(1..).unwrap_or_default()).is_some()
            {
                return Err(FormError::Boundary);
            }
        }
        let text = found.ok_or(FormError::Boundary)?;
        let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
        // RFC 2046 section 5.1.1, without the space that no browser sends
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(byte);
        if !(1..=70).contains(&text.len()) || !text.iter().all(plain) {
            return Err(FormError::Boundary);
        }
        Ok(Self { delimiter: [b"\r\n--", text].concat().into() })
    }

    /// What ends a part: CR LF, two dashes and the boundary.
    #[must_use]
    pub fn delimiter(&self) -> &[u8] {
        &self.delimiter
    }

    /// The bytes behind the file in a form that ends as browsers end it: the delimiter, two dashes, CR LF.
    #[must_use]
    pub fn usual_end(&self) -> usize {
        self.delimiter.len() + 4
    }
}

/// A field before the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name as sent.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The fields of a form, and what is known of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The fields before the file, in order.
    pub fields: Vec<Field>,
    /// The name of the file as sent; empty if none was.
    pub file_name: String,
    /// The bytes of the file, if the form ends as it is taken to.
    pub file_length: u64,
    /// The boundary.
    pub boundary: Boundary,
}

/// Reads the fields of a form out of a growing input.
#[derive(Debug)]
pub struct FieldReader {
    boundary: Boundary,
    fields: Vec<Field>,
    /// Where the next part begins: at its delimiter, of which the first one lacks the line break.
    at: usize,
}

/// Where a form's file begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStart {
    /// The fields before it.
    pub fields: Vec<Field>,
    /// Its name.
    pub file_name: String,
    /// Where its first byte stands in the input.
    pub at: usize,
}

impl FieldReader {
    /// At the beginning of a body.
    #[must_use]
    pub const fn new(boundary: Boundary) -> Self {
        Self { boundary, fields: Vec::new(), at: 0 }
    }

    /// Reads on; `input` is all of the body so far. `None` if more is needed.
    ///
    /// # Errors
    /// See [`FormError`].
    pub fn read(&mut self, input: &[u8]) -> Result<Option<FileStart>, FormError> {
        let found = self.parts(input);
        if matches!(found, Ok(None)) && input.len() > MAX_FIELD_BYTES {
            return Err(FormError::TooLong);
        }
        match &found {
            Ok(Some(start)) if start.at > MAX_FIELD_BYTES => Err(FormError::TooLong),
            _ => found,
        }
    }

    fn parts(&mut self, input: &[u8]) -> Result<Option<FileStart>, FormError> {
        loop {
            let Some(part) = self.part_head(input)? else { return Ok(None) };
            let Disposition { name, file_name } = part.disposition;
            if name.eq_ignore_ascii_case("file") {
                let file_name = file_name.unwrap_or_default();
                return Ok(Some(FileStart {
                    fields: std::mem::take(&mut self.fields),
                    file_name,
                    at: part.end,
                }));
            }
            if file_name.is_some() {
                // a second file, which S3 has no use for
                return Err(FormError::Malformed);
            }
            let rest = input.get(part.end..).unwrap_or_default();
            let Some(length) = memchr::memmem::find(rest, self.boundary.delimiter()) else { return Ok(None) };
            let value = rest.get(..length).unwrap_or_default();
            let value = std::str::from_utf8(value).map_err(|_| FormError::Malformed)?.to_owned();
            self.fields.push(Field { name, value });
            self.at = part.end + length;
        }
    }

    /// Delimiter and header lines of the next part.
    fn part_head(&self, input: &[u8]) -> Result<Option<PartHead>, FormError> {
        let delimiter = match self.at {
            0 => self.boundary.delimiter().get(2..).unwrap_or_default(),
            _ => self.boundary.delimiter(),
        };
        let rest = input.get(self.at..).unwrap_or_default();
        let Some((start, after)) = rest.split_at_checked(delimiter.len()) else {
            return if delimiter.starts_with(rest) { Ok(None) } else { Err(FormError::Malformed) };
        };
        if start != delimiter {
            return Err(FormError::Malformed);
        }
        match after {
            [b'-', b'-', ..] => return Err(FormError::NoFile),
            [b'\r', b'\n', ..] => {}
            [] | [b'-' | b'\r'] => return Ok(None),
            _ => return Err(FormError::Malformed),
        }
        let Some(length) = memchr::memmem::find(after, b"\r\n\r\n") else { return Ok(None) };
        let lines = after.get(2..length).ok_or(FormError::Malformed)?;
        let disposition = disposition::of(lines).ok_or(FormError::Malformed)?;
        Ok(Some(PartHead { disposition, end: self.at + delimiter.len() + length + 4 }))
    }
}

struct PartHead {
    disposition: Disposition,
    /// Where the content of the part begins.
    end: usize,
}

#[cfg(test)]
mod tests;
