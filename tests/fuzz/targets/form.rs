//! Browsers' forms: however the bytes are cut, the same fields and the same file, as a slow reader of the whole finds them.
//! It must not know what the fields mean.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
use libfuzzer_sys::fuzz_target;
use presign_gate::request::form::file::{FileReader, length};
use presign_gate::request::form::{Boundary, FieldReader, FileStart, FormError};

const DELIMITER: &[u8] = b"\r\n--b";

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// Reads the fields out of an input that grows by `step` bytes.
fn fields(body: &[u8], boundary: &Boundary, step: usize) -> Result<Option<FileStart>, FormError> {
    let mut reader = FieldReader::new(boundary.clone());
    let mut end = 0;
    loop {
        end = (end + step).min(body.len());
        match reader.read(&body[..end])? {
            None if end < body.len() => {}
            found => return Ok(found),
        }
    }
}

/// Reads the file out of pieces of `step` bytes.
fn file(rest: &[u8], boundary: &Boundary, step: usize) -> Result<Vec<u8>, FormError> {
    let mut reader = FileReader::new(boundary);
    let mut seen = Vec::new();
    for piece in rest.chunks(step) {
        reader.take(piece, |data| {
            seen.extend_from_slice(data);
            Ok::<(), FormError>(())
        })?;
    }
    reader.finish().map(|()| seen)
}

fuzz_target!(|input: &[u8]| {
    let Some((step, body)) = input.split_first() else { return };
    let step = usize::from(*step).max(1);
    let boundary = Boundary::of(b"multipart/form-data; boundary=b").expect("a boundary");

    let whole = fields(body, &boundary, body.len().max(1));
    assert_eq!(fields(body, &boundary, step), whole);
    if let Ok(Some(start)) = &whole {
        // what precedes the file is made of the fields and nothing else
        let mut at = 0;
        for field in &start.fields {
            let part = &body[at..start.at];
            let value = find(part, b"\r\n\r\n").expect("the end of the lines") + 4;
            let end = value + find(&part[value..], DELIMITER).expect("the end of the value");
            assert_eq!(field.value.as_bytes(), &part[value..end]);
            at += end;
        }
        assert!(find(&body[at..start.at], b"\r\n\r\n").is_some_and(|end| at + end + 4 == start.at));
    }

    // the slow way: the file is what precedes the first delimiter in all of it
    let expected = match find(body, DELIMITER).map(|at| (at, &body[at + DELIMITER.len()..])) {
        None => Err(FormError::CutOff),
        Some((at, b"--" | b"--\r\n")) => Ok(body[..at].to_vec()),
        Some((_, open)) if b"--\r\n".starts_with(open) => Err(FormError::CutOff),
        Some(_) => Err(FormError::AfterFile),
    };
    let found = file(body, &boundary, step);
    assert_eq!(found, expected);
    if let Ok(found) = found {
        assert_eq!(length(body, &boundary), Some(found.len()));
    }
});
