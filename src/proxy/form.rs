//! Reads the fields of a form off a connection, up to its file.
//! It must not take a byte off the input: a refused form is drained like every other body.

use super::conn::Conn;
use super::within::within;
use crate::request::form::{Boundary, FieldReader, Form, FormError, file};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

/// For the fields of a form to arrive.
const FIELDS_TIME: Duration = Duration::from_mins(1);

/// Up to this many bytes what follows the fields is read before anything is judged: then the length of the file is
/// known however the form ends. The file of a larger form is taken to be followed by the usual end.
const SMALL: u64 = 64 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Conn<S> {
    /// Reads the fields of a form of so many bytes; gives it and the number of bytes before its file.
    ///
    /// # Errors
    /// See [`FormError`]; [`FormError::CutOff`] also if the client is gone or too slow.
    pub async fn read_form(&mut self, boundary: Boundary, length: u64) -> Result<(Form, u64), FormError> {
        let reading = self.form(boundary, length);
        within(FIELDS_TIME, reading).await.unwrap_or(Err(FormError::CutOff))
    }

    async fn form(&mut self, boundary: Boundary, length: u64) -> Result<(Form, u64), FormError> {
        let mut reader = FieldReader::new(boundary.clone());
        let whole = usize::try_from(length).unwrap_or(usize::MAX);
        let start = loop {
            let body = self.input.get(..self.input.len().min(whole)).unwrap_or_default();
            match reader.read(body)? {
                Some(start) => break start,
                None if body.len() == whole => return Err(FormError::Malformed),
                None => self.read_more().await?,
            }
        };
        let before = u64::try_from(start.at).unwrap_or(u64::MAX);
        let rest = length.saturating_sub(before);
        let usual_end = u64::try_from(boundary.usual_end()).unwrap_or(u64::MAX);
        let mut file_length = rest.saturating_sub(usual_end);
        if rest <= SMALL {
            while self.input.len() < whole {
                self.read_more().await?;
            }
            let found = self.input.get(start.at..whole).and_then(|rest| file::length(rest, &boundary));
            // a wrong end is found, and told, on the way
            file_length = found.and_then(|found| u64::try_from(found).ok()).unwrap_or(file_length);
        }
        let form = Form { fields: start.fields, file_name: start.file_name, file_length, boundary };
        Ok((form, before))
    }

    async fn read_more(&mut self) -> Result<(), FormError> {
        self.input.reserve(4096);
        match within(self.limits.read, self.stream.read_buf(&mut self.input)).await {
            Ok(Ok(1..)) => Ok(()),
            _ => Err(FormError::CutOff),
        }
    }
}
