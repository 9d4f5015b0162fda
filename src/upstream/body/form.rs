//! The file of a form on its way to S3: taken out of the form, held to the length that S3 was told.
//! It must not hand on the last byte before the form has ended as it must.

use super::guard::Tally;
use super::{BodyFault, FormFile};
use crate::reason::Reason;
use crate::request::form::FormError;
use crate::request::form::file::FileReader;
use crate::request::framing::Encoder;
use crate::s3::error::{ErrorCode, S3Error};

const WRONG_END: &str = "The file of the form must be followed by its boundary, two dashes and a line break.";

impl From<FormError> for BodyFault {
    fn from(error: FormError) -> Self {
        let error = match error {
            FormError::Boundary | FormError::Malformed => S3Error::new(ErrorCode::MalformedPOSTRequest),
            FormError::TooLong => S3Error::new(ErrorCode::MaxPostPreDataLengthExceededError),
            FormError::NoFile => S3Error::with_message(
                ErrorCode::InvalidArgument,
                "POST requires exactly one file upload per request.",
            )
            .extra("ArgumentName", "file")
            .extra("ArgumentValue", "0"),
            FormError::AfterFile => S3Error::with_message(ErrorCode::MalformedPOSTRequest, WRONG_END),
            FormError::CutOff => S3Error::new(ErrorCode::IncompleteBody),
        };
        Self { reason: Reason::MalformedForm, error }
    }
}

/// Follows the file.
#[derive(Debug)]
pub(super) struct FormFlow {
    reader: FileReader,
    length: u64,
    /// The last byte.
    held: Option<u8>,
}

impl FormFlow {
    pub(super) fn new(file: &FormFile) -> Self {
        Self { reader: FileReader::new(&file.boundary), length: file.length, held: None }
    }

    /// Passes the bytes of the file on, but for its last.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        tally: &mut Tally<'_>,
        out: &mut Encoder<'_>,
    ) -> Result<(), BodyFault> {
        let (length, held) = (self.length, &mut self.held);
        self.reader.take(bytes, |data| {
            tally.add(data)?;
            if tally.data() > length {
                // longer than the usual end of a form leaves room for: it ends in another way
                return Err(FormError::AfterFile.into());
            }
            match data.split_last() {
                Some((last, before)) if tally.data() == length => {
                    *held = Some(*last);
                    out.data(before);
                }
                _ => out.data(data),
            }
            Ok(())
        })
    }

    /// Judges the end of the form.
    pub(super) fn finish(&self, tally: &Tally<'_>) -> Result<(), BodyFault> {
        self.reader.finish()?;
        if tally.data() == self.length { Ok(()) } else { Err(FormError::CutOff.into()) }
    }

    /// Appends the last byte.
    pub(super) fn release(&mut self, out: &mut Encoder<'_>) {
        if let Some(last) = self.held.take() {
            out.data(&[last]);
        }
    }
}
