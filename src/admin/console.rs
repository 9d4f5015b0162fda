//! The console: one page for people, with its style and its script; nothing of it comes from elsewhere.
//! It must not answer a question that another route answers: the page asks those itself. Only who has no scripts gets the
//! numbers in the page.

use super::Admin;
use super::answer::Answer;
use super::readiness::checks;
use super::route::Call;
use crate::telemetry::build;
use std::fmt::Write as _;

const PAGE: &str = include_str!("console/page.html");
const STYLE: &str = include_str!("console/style.css");
const SCRIPT: &str = include_str!("console/script.js");
/// Where the numbers go that need no script.
const NUMBERS: &str = "<!-- numbers -->";

/// What tells the script that there is a token, and what stands there when there is none.
const TOKEN: [&str; 2] = ["data-token=\"yes\"", "data-token=\"no\""];

/// Only the gate itself is asked for anything, no text becomes code or markup, and no page shows this one in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'";

pub(super) fn page(admin: &Admin, _: &Call<'_>) -> Answer {
    admin.world.measure();
    let metrics = admin.world.telemetry.metrics.render().unwrap_or_default();
    let checks: Vec<String> = checks(&admin.world).iter().map(ToString::to_string).collect();
    let mut html = PAGE.replacen(NUMBERS, &numbers(&checks, &metrics), 1);
    if admin.world.running.load().admin_token.is_some() {
        let [yes, no] = TOKEN;
        html = html.replacen(no, yes, 1);
    }
    Answer::new(200, "text/html; charset=utf-8", html)
        .header("Content-Security-Policy", POLICY)
        .header("Referrer-Policy", "no-referrer")
        .header("X-Frame-Options", "DENY")
        .header("Cross-Origin-Opener-Policy", "same-origin")
        .header("Cross-Origin-Resource-Policy", "same-origin")
        .header("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

pub(super) fn style(_: &Admin, _: &Call<'_>) -> Answer {
    Answer::new(200, "text/css; charset=utf-8", STYLE).header("Cross-Origin-Resource-Policy", "same-origin")
}

pub(super) fn script(_: &Admin, _: &Call<'_>) -> Answer {
    Answer::new(200, "text/javascript; charset=utf-8", SCRIPT)
        .header("Cross-Origin-Resource-Policy", "same-origin")
}

/// The checks, and every number that is not zero, of the gate's own families and without the steps of distributions.
fn numbers(checks: &[String], metrics: &str) -> String {
    let mut html =
        format!("<p>presign-gate {} ({})</p>\n<ul>\n", escaped(build::VERSION), escaped(build::REVISION));
    // writing to a String cannot fail
    for check in checks {
        let _ = writeln!(html, "<li>{}</li>", escaped(check));
    }
    html.push_str("</ul>\n<table>\n<thead><tr><th scope=\"col\">What</th><th scope=\"col\">How much</th></tr></thead>\n");
    html.push_str("<tbody>\n");
    for line in metrics.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Some(name) = series.strip_prefix("presign_gate_") else { continue };
        let steps = name.split('{').next().is_some_and(|name| name.ends_with("_bucket"));
        if !steps && value != "0" {
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
                escaped(name),
                escaped(value)
            );
        }
    }
    html.push_str("</tbody>\n</table>");
    html
}

/// Text as HTML shows it, between tags.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_takes_nothing_from_elsewhere() {
        assert_eq!((PAGE.matches(NUMBERS).count(), PAGE.matches(TOKEN[1]).count()), (1, 1));
        for (name, text) in [("page", PAGE), ("style", STYLE), ("script", SCRIPT)] {
            for forbidden in [
                "https://",
                "//cdn",
                "@import",
                "url(",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "localStorage",
                "sessionStorage",
                "document.cookie",
                " style=",
                " onclick=",
            ] {
                assert!(!text.contains(forbidden), "`{forbidden}` in the {name}");
            }
        }
    }

    #[test]
    fn numbers_are_text() {
        let html = numbers(
            &["[+] upstream <b>&\"' ok".to_owned()],
            "# HELP presign_gate_x Y.\npresign_gate_x{a=\"<script>\"} 3\npresign_gate_y 0\n\
             presign_gate_z_bucket{le=\"1\"} 9\nprocess_open_fds 4\n",
        );
        assert!(html.contains("<li>[+] upstream &lt;b&gt;&amp;&quot;&#39; ok</li>"), "{html}");
        assert!(html.contains("<th scope=\"row\">x{a=&quot;&lt;script&gt;&quot;}</th><td>3</td>"), "{html}");
        assert_eq!(html.matches("<tr>").count(), 2, "{html}");
    }
}
