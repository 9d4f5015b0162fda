//! The table of routes of the admin endpoint: what is there, and who may use it.
//! It must not serve anything: each row names the function that does.

use super::answer::Answer;
use super::{Admin, console, explain, links, pages, reload};
use crate::request::method::Method;
use std::pin::Pin;

/// Who may use a route; [`super::guard`] checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Probes and scrapers.
    Anyone,
    /// Whoever reaches the endpoint, but no web page in a browser on the machine.
    Reader,
    /// Holders of the token; without a token, whoever is on the machine.
    Operator,
}

/// A request to a route.
#[derive(Debug)]
pub struct Call<'c> {
    /// The query, as sent.
    pub query: &'c [u8],
    /// The last segment of the path, decoded, where the route leaves it open; else empty.
    pub id: &'c str,
    /// The whole body.
    pub body: &'c [u8],
}

impl Call<'_> {
    /// Whether the query holds a parameter with this name.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        self.query
            .split(|byte| *byte == b'&')
            .any(|pair| pair.split(|byte| *byte == b'=').next() == Some(name.as_bytes()))
    }
}

/// An answer that is still being made.
pub type Later<'c> = Pin<Box<dyn Future<Output = Answer> + Send + 'c>>;

/// What serves a route.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// At once.
    Now(fn(&Admin, &Call<'_>) -> Answer),
    /// After something else.
    Later(for<'c> fn(&'c Admin, &'c Call<'c>) -> Later<'c>),
}

/// A row of the table.
#[derive(Debug)]
pub struct Route {
    /// The method; GET serves HEAD as well.
    pub method: Method<'static>,
    /// The path; a last segment of `{id}` is open.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What serves it.
    pub handler: Handler,
    /// What it is for, in one line.
    pub doc: &'static str,
}

const fn get(
    path: &'static str,
    access: Access,
    handler: fn(&Admin, &Call<'_>) -> Answer,
    doc: &'static str,
) -> Route {
    Route { method: Method::Get, path, access, handler: Handler::Now(handler), doc }
}

const fn post(path: &'static str, handler: Handler, doc: &'static str) -> Route {
    Route { method: Method::Post, path, access: Access::Operator, handler, doc }
}

/// Every route.
pub static ROUTES: &[Route] = &[
    get("/", Access::Reader, console::page, "the console: a page for people"),
    get("/console.css", Access::Anyone, console::style, "how the console looks"),
    get("/console.js", Access::Anyone, console::script, "what the console does"),
    get("/livez", Access::Anyone, pages::live, "whether the process runs; asks nothing else"),
    get(
        "/readyz",
        Access::Anyone,
        pages::ready,
        "whether requests can be served; `?verbose` lists the checks",
    ),
    get("/metrics", Access::Anyone, pages::metrics, "the metrics, in the text format of Prometheus"),
    get("/version", Access::Anyone, pages::version, "which build this is"),
    get(
        "/config",
        Access::Reader,
        pages::config,
        "the config in force, defaults filled in, secrets left out",
    ),
    get(
        "/denials",
        Access::Operator,
        pages::denials,
        "the last refusals and failures, five of each reason, as the access log shows them",
    ),
    post(
        "/reload",
        Handler::Later(reload::reload),
        "reads the config again; answers 200, or 400 with everything that is wrong, and then nothing has changed",
    ),
    post(
        "/explain",
        Handler::Later(explain::explain),
        "what the gate would say to a request; answers as `explain --json`",
    ),
    Route {
        method: Method::Get,
        path: "/links/{id}",
        access: Access::Reader,
        handler: Handler::Later(links::link),
        doc: "how a link was used, by the name that the access log shows",
    },
    get("/revocations", Access::Reader, links::list, "the revocations in force, the youngest first"),
    post(
        "/revocations",
        Handler::Later(links::revoke),
        "calls links back: one of `link`, `access_key_id` (and `before`), `prefix`, `signed_before`",
    ),
    Route {
        method: Method::Delete,
        path: "/revocations/{id}",
        access: Access::Operator,
        handler: Handler::Later(links::restore),
        doc: "takes a revocation back",
    },
];

/// What the table says about a method and a path.
#[derive(Debug)]
pub(super) enum Found<'p> {
    /// This route, and what stands for `{id}`.
    Route(&'static Route, &'p str),
    /// There are routes for other methods.
    Methods(String),
    /// There is no such path.
    Nowhere,
}

/// Looks a request up.
pub(super) fn find<'p>(method: Method<'_>, path: &'p [u8]) -> Found<'p> {
    find_in(ROUTES, method, path)
}

fn find_in<'p>(routes: &'static [Route], method: Method<'_>, path: &'p [u8]) -> Found<'p> {
    let path = std::str::from_utf8(path).unwrap_or_default();
    let here = || routes.iter().filter_map(|route| Some((route, id_of(route.path, path)?)));
    let wanted = if method == Method::Head { Method::Get } else { method };
    if let Some((route, id)) = here().find(|(route, _)| route.method == wanted) {
        return Found::Route(route, id);
    }
    let mut methods: Vec<&str> = here().map(|(route, _)| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    if methods.is_empty() { Found::Nowhere } else { Found::Methods(methods.join(", ")) }
}

/// What stands for `{id}`, or nothing, if the pattern is this path.
fn id_of<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    match pattern.strip_suffix("{id}") {
        Some(start) => path.strip_prefix(start).filter(|id| !id.is_empty() && !id.contains('/')),
        None => (pattern == path).then_some(""),
    }
}

/// The table as Markdown, for the documentation.
#[must_use]
pub fn markdown() -> String {
    let rows = ROUTES.iter().map(|Route { method, path, access, doc, .. }| {
        let token = if *access == Access::Operator { "yes" } else { "no" };
        format!("| `{} {path}` | {token} | {doc} |\n", method.as_str())
    });
    format!("| request | needs the token | what it is for |\n|---|---|---|\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &Admin, _: &Call<'_>) -> Answer {
        Answer::text(200, "")
    }

    static SOME: &[Route] = &[
        get("/things", Access::Reader, nothing, "all"),
        post("/things", Handler::Now(nothing), "a new one"),
        Route {
            method: Method::Delete,
            path: "/things/{id}",
            access: Access::Operator,
            handler: Handler::Now(nothing),
            doc: "one less",
        },
    ];

    fn check(method: &str, path: &str, expected: &str) {
        let shown = match find_in(SOME, Method::from_token(method), path.as_bytes()) {
            Found::Route(route, id) => format!("{} [{id}]", route.doc),
            Found::Methods(methods) => methods,
            Found::Nowhere => "nowhere".to_owned(),
        };
        assert_eq!(shown, expected, "{method} {path}");
    }

    #[test]
    fn a_request_finds_one_row() {
        check("GET", "/things", "all []");
        check("HEAD", "/things", "all []");
        check("POST", "/things", "a new one []");
        check("DELETE", "/things/a b", "one less [a b]");
        check("DELETE", "/things", "GET, POST, HEAD");
        check("GET", "/things/a", "DELETE");
        for path in ["/things/", "/things/a/b", "/thing", "/", "", "/Things", "//things"] {
            check("GET", path, "nowhere");
        }
    }

    #[test]
    fn what_changes_something_needs_an_operator() {
        for (at, route) in ROUTES.iter().enumerate() {
            assert!(route.access == Access::Operator || route.method == Method::Get, "{}", route.path);
            let twin = |other: &Route| other.path == route.path && other.method == route.method;
            assert_eq!(ROUTES.iter().position(twin), Some(at), "{} is there twice", route.path);
            assert!(route.doc.len() > 10 && !route.doc.ends_with('.') && !route.doc.contains('|'));
        }
    }
}
