//! A real browser: forms that a page sends, and requests across origins.
//! It must not drive the browser itself: `browser/upload.mjs` does, and says what it saw.

use crate::support::config::Config;
use crate::support::gate::Gate;
use crate::support::ports;
use crate::support::python;
use crate::support::s3::S3;

#[test]
fn a_page_uploads_by_form_and_by_fetch_where_the_rules_let_it() {
    let s3 = S3::start(&["bkt"]);
    let reserved = ports::reserve();
    let page = reserved.address.port();
    let rules = format!(
        r#"cors: [{{ origins: ["http://127.0.0.1:{page}"], methods: [GET, PUT], headers: ["content-type"], expose: [ETag] }}]"#
    );
    let gate = Gate::start(&Config::resign(s3.endpoint()).bucket(&rules));
    let gate_url = format!("http://{}", gate.address());
    let mut browser = python::node("browser/upload.mjs");
    browser.args([&gate_url, "AKIDTESTMAIN00000001", "secret/main+0", &page.to_string()]);
    let said = python::run(&mut browser);
    assert_eq!(said.matches("ok ").count(), 8, "{said}");
    let file: Vec<u8> = (0..=u8::MAX).cycle().take(1024).collect();
    assert_eq!(s3.object("bkt", "forms/\u{fc}nder file.bin"), Some(file));
    assert_eq!(s3.object("bkt", "pages/own.txt").as_deref(), Some(&b"from a page"[..]));
    for refused in ["forms/large.bin", "pages/foreign.txt"] {
        assert_eq!(s3.object("bkt", refused), None, "{refused}");
    }
}
