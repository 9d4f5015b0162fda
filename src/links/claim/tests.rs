//! What requests ask for, and whom they count for.
//! It must not test what is answered.

use super::*;
use crate::request::head;

fn ask(method: &str, headers: &str) -> Ask {
    let text = format!("{method} /b/k HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    Ask::of(&head::parse(text.as_bytes()).unwrap())
}

#[test]
fn what_a_head_tells_about_the_bytes_to_come() {
    let get = |range: &str| ask("GET", &format!("Range: {range}\r\n"));
    assert_eq!(ask("HEAD", ""), Ask::Look);
    assert_eq!(ask("HEAD", "Range: bytes=0-1\r\n"), Ask::Look);
    assert_eq!(ask("GET", ""), Ask::Download(None));
    for (range, length) in [
        ("bytes=0-0", Some(1)),
        ("bytes=10-19", Some(10)),
        ("bytes=-5", Some(5)),
        ("bytes=5-", None),
        ("bytes=9-0", None),
        ("bytes=0-18446744073709551615", None),
        ("bytes=0-1,5-6", None),
        ("bytes=+0-1", None),
        ("bytes=0x0-1", None),
        ("lines=0-1", None),
        ("bytes=-", None),
    ] {
        assert_eq!(get(range), Ask::Download(length), "{range}");
    }
    assert_eq!(ask("PUT", "Content-Length: 7\r\n"), Ask::Upload(Some(7)));
    assert_eq!(ask("PUT", "Transfer-Encoding: chunked\r\n"), Ask::Upload(None));
    assert_eq!(ask("DELETE", ""), Ask::Upload(Some(0)));
}

#[test]
fn who_counts_as_one_client() {
    let of = |vpce, address: &str| client(vpce, Some(address.parse().unwrap()));
    assert_eq!(&*of(None, "203.0.113.7"), "203.0.113.7");
    assert_eq!(&*of(None, "::ffff:203.0.113.7"), "203.0.113.7");
    assert_eq!(of(None, "2001:db8::1"), of(None, "2001:db8::2:3"));
    assert_ne!(of(None, "2001:db8::1"), of(None, "2001:db8:0:1::1"));
    assert_eq!(&*of(Some("vpce-1"), "10.0.0.1"), "vpce-1 10.0.0.1");
    assert_eq!(&*client(None, None), "");
}

#[test]
fn networks() {
    let of = |address: &str| network_of(address.parse().unwrap());
    assert_eq!(of("203.0.113.7"), "203.0.113.0/24");
    assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.0/24");
    assert_eq!(of("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
}
