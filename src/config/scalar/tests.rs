//! Tables of written forms.
//! It must not test how the config file uses them.

use super::*;
use proptest::prelude::*;

#[test]
fn durations() {
    for (text, millis) in [
        ("500ms", 500),
        ("90s", 90_000),
        ("15m", 900_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
        ("0s", 0),
        ("007s", 7000),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for text in [
        "",
        "s",
        "5",
        "1.5s",
        "-1s",
        "+1s",
        "1 s",
        "1S",
        "1h30m",
        "1w",
        "99999999999999999999s",
        "18446744073709551615d",
    ] {
        let error = duration(text).unwrap_err();
        assert_eq!((error.text.as_str(), error.what), (text, "a duration"));
    }
}

#[test]
fn sizes() {
    for (text, bytes) in [
        ("0", 0),
        ("100", 100),
        ("100B", 100),
        ("64KiB", 65_536),
        ("2MiB", 2_097_152),
        ("5GiB", 5_368_709_120),
        ("5TiB", 5_497_558_138_880),
    ] {
        assert_eq!(size(text), Ok(bytes), "{text}");
    }
    for text in ["", "KiB", "1KB", "1kib", "1.5MiB", "-1", "1 KiB", "16777216TiB", "0x10", "1e5"] {
        assert_eq!(size(text).unwrap_err().what, "a size", "{text}");
    }
}

#[test]
fn ranges() {
    for (text, net) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::/0", "::/0"),
    ] {
        assert_eq!(cidr(text).map(|net| net.to_string()), Ok(net.to_owned()), "{text}");
    }
    for (text, hint) in [
        ("10.0.0.1/8", "did you mean `10.0.0.0/8`?"),
        ("2001:db8::1/32", "did you mean `2001:db8::/32`?"),
        ("::ffff:10.0.0.0/104", "`10.0.0.0/8`"),
        ("::ffff:10.0.0.1", "`10.0.0.1/32`"),
        ("10.0.0.0/33", "write it as"),
        ("10.0.0.0/-1", "write it as"),
        ("10.0.0.0/08", "write it as"),
        ("10.0.0.0/", "write it as"),
        ("10.0.0.0/+8", "write it as"),
        ("10.0.0/8", "write it as"),
        ("010.0.0.0/8", "write it as"),
        ("fe80::1%eth0", "write it as"),
        ("2001:db8::/129", "write it as"),
        ("", "write it as"),
    ] {
        let error = cidr(text).unwrap_err();
        assert!(error.hint.contains(hint), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn a_shown_duration_reads_back(millis in any::<u64>()) {
        let value = Duration::from_millis(millis);
        prop_assert_eq!(duration(&show_duration(value)), Ok(value));
    }

    #[test]
    fn a_shown_size_reads_back(bytes in any::<u64>()) {
        prop_assert_eq!(size(&show_size(bytes)), Ok(bytes));
    }

    #[test]
    fn no_text_makes_a_form_panic(text in "\\PC{0,24}") {
        let _ = (duration(&text), size(&text), cidr(&text), time::time(&text), endpoint::Endpoint::parse(&text));
    }
}
