//! Forms in one piece and in every other, against a slow reader.
//! They must not hold rules about the meaning of fields.

use super::file::{FileReader, length};
use super::*;
use proptest::prelude::*;

fn boundary() -> Boundary {
    Boundary::of(b"multipart/form-data; boundary=XyZ").unwrap()
}

#[test]
fn boundaries() {
    let check = |text: &str, expected: Option<&str>| {
        let seen = Boundary::of(text.as_bytes()).ok();
        let expected = expected.map(|text| format!("\r\n--{text}").into_bytes());
        assert_eq!(seen.map(|found| found.delimiter().to_vec()), expected, "{text}");
    };
    check("multipart/form-data; boundary=----WebKitFormBoundaryAbC", Some("----WebKitFormBoundaryAbC"));
    check("Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a=b\"", Some("a=b"));
    check(&format!("multipart/form-data; boundary={}", "a".repeat(70)), Some(&"a".repeat(70)));
    for text in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=a; boundary=a",
        "multipart/form-data; boundary",
        "multipart/form-datas; boundary=a",
        "multipart/mixed; boundary=a",
        &format!("multipart/form-data; boundary={}", "a".repeat(71)),
    ] {
        check(text, None);
    }
}

type Read = Result<Option<(Vec<(String, String)>, String, usize)>, FormError>;

/// Reads an input that grows by `step` bytes.
fn read(input: &[u8], step: usize) -> Read {
    let mut reader = FieldReader::new(boundary());
    let mut end = 0;
    loop {
        end = (end + step).min(input.len());
        let found = reader.read(&input[..end])?;
        if let Some(start) = found {
            let fields = start.fields.into_iter().map(|field| (field.name, field.value)).collect();
            return Ok(Some((fields, start.file_name, start.at)));
        }
        if end == input.len() {
            return Ok(None);
        }
    }
}

fn part(name: &str, value: &str) -> String {
    format!("--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

const FILE: &str = "--XyZ\r\nContent-Disposition: form-data; name=\"FILE\"; filename=\"f.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\n";

fn check(input: &str, expected: &Read) {
    for step in [1, 2, 3, 7, 4096] {
        assert_eq!(read(input.as_bytes(), step), *expected, "{input:?} {step}");
    }
}

#[test]
fn fields_before_the_file() {
    let input = format!("{}{}{FILE}data", part("key", "a\r\n-XyZ--\r\nb"), part("Key", ""));
    let at = input.len() - 4;
    let fields = vec![("key".into(), "a\r\n-XyZ--\r\nb".into()), ("Key".into(), String::new())];
    check(&input, &Ok(Some((fields, "f.txt".into(), at))));
    check(FILE, &Ok(Some((vec![], "f.txt".into(), FILE.len()))));
}

#[test]
fn what_is_no_form() {
    use FormError::{Malformed, NoFile};
    check("", &Ok(None));
    check("--XyZ\r\nContent-Disp", &Ok(None));
    check("--XyZ--\r\n", &Err(NoFile));
    check(&format!("{}--XyZ--", part("key", "a")), &Err(NoFile));
    for input in [
        &format!("\r\n{FILE}"),
        &format!("preamble\r\n{FILE}"),
        "--Xyz\r\n",
        "--XyZa\r\n",
        "--XyZ \r\n",
        "--XyZ\nContent-Disposition: form-data; name=a\n\n",
        "--XyZ\r\n\r\n",
        "--XyZ\r\nContent-Type: a/b\r\n\r\n",
        &format!("{}--XyZa\r\n", part("key", "a")),
        &part("key", "a").replace("name=\"key\"", "name=key; filename=x"),
    ] {
        let input =
            if input.ends_with("\r\n") { format!("{input}xxxx--XyZ\r\n") } else { (*input).to_owned() };
        check(&input, &Err(Malformed));
    }
    let latin = [part("key", "?").replace('?', "").as_bytes(), b""].concat();
    let latin: Vec<u8> = [&latin[..latin.len() - 2], b"\xe9\r\n--XyZ\r\n"].concat();
    assert_eq!(read(&latin, 4096), Err(Malformed));
}

#[test]
fn the_fields_are_bounded() {
    let value = "a".repeat(MAX_FIELD_BYTES);
    assert_eq!(read(part("key", &value).as_bytes(), 4096), Err(FormError::TooLong));
    assert_eq!(read(format!("{}{FILE}", part("key", &value)).as_bytes(), 100_000), Err(FormError::TooLong));
    let just = "a".repeat(MAX_FIELD_BYTES - part("key", "").len() - FILE.len());
    let input = format!("{}{FILE}", part("key", &just));
    assert!(matches!(read(input.as_bytes(), 4096), Ok(Some(_))));
}

/// The file of a form that comes in pieces of these sizes.
fn file(rest: &[u8], sizes: &[usize]) -> Result<Vec<u8>, FormError> {
    let mut reader = FileReader::new(&boundary());
    let (mut seen, mut at) = (Vec::new(), 0);
    for size in sizes.iter().cycle() {
        if at == rest.len() {
            break;
        }
        let end = (at + size).min(rest.len());
        reader.take(&rest[at..end], |data| {
            assert!(!data.is_empty());
            seen.extend_from_slice(data);
            Ok::<(), FormError>(())
        })?;
        at = end;
    }
    reader.finish().map(|()| seen)
}

#[test]
fn where_a_file_ends() {
    let check = |rest: &str, expected: Result<&str, FormError>| {
        for size in [1, 2, 3, 5, 8, 64] {
            let seen = file(rest.as_bytes(), &[size]).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(seen, expected.map(str::to_owned), "{rest:?} {size}");
        }
    };
    check("data\r\n--XyZ--\r\n", Ok("data"));
    check("data\r\n--XyZ--", Ok("data"));
    check("\r\n--XyZ--\r\n", Ok(""));
    check("\r\n\r\n--Xy\r\n--XyZ--", Ok("\r\n\r\n--Xy"));
    check("a\r\n--XyZ\r\nContent-", Err(FormError::AfterFile));
    check("a\r\n--XyZ--\r\nx", Err(FormError::AfterFile));
    check("a\r\n--XyZa--\r\n", Err(FormError::AfterFile));
    for rest in ["", "data", "data\r\n--XyZ", "data\r\n--XyZ-", "--XyZ--\r\n", "a\n--XyZ--"] {
        check(rest, Err(FormError::CutOff));
    }
    for (rest, expected) in [
        ("data\r\n--XyZ--\r\n", Some(4)),
        ("data\r\n--XyZ--", Some(4)),
        ("data\r\n--XyZ", None),
        ("--XyZ--", None),
    ] {
        assert_eq!(length(rest.as_bytes(), &boundary()), expected, "{rest:?}");
    }
}

proptest! {
    #[test]
    fn a_file_is_what_precedes_the_first_delimiter(
        data in "[\r\n\\-XyZ]{0,40}",
        end in prop_oneof![Just("\r\n--XyZ--\r\n"), Just("\r\n--XyZ--"), Just("\r\n--XyZ")],
        sizes in proptest::collection::vec(1..9_usize, 1..8),
    ) {
        let rest = format!("{data}{end}");
        // the slow way: look for the delimiter in all of it
        let at = rest.find("\r\n--XyZ").unwrap();
        let (data, behind) = (&rest.as_bytes()[..at], &rest.as_bytes()[at + 7..]);
        let expected = match behind {
            b"--" | b"--\r\n" => Ok(data.to_vec()),
            open if b"--\r\n".starts_with(open) => Err(FormError::CutOff),
            _ => Err(FormError::AfterFile),
        };
        prop_assert_eq!(file(rest.as_bytes(), &sizes), expected);
    }

    #[test]
    fn nothing_makes_the_reader_fail_otherwise(input in proptest::collection::vec(any::<u8>(), 0..200), step in 1..50_usize) {
        let whole = read(&input, 4096);
        prop_assert_eq!(read(&input, step), whole);
    }
}
