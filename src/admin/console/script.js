// The console: asks the gate that it came from, and shows what it says.
// It must not make markup of text (every text goes through `el`), nor keep anything beyond the life of the page.
"use strict";

const EVERY = 2000; // milliseconds between two questions
const KEPT = 150; // samples: five minutes
const STAGES = ["request", "auth", "policy", "links"];
const byId = (id) => document.getElementById(id);

// --- text to elements -------------------------------------------------------------------------------------------------

/** An element; strings among the children become text. */
function el(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const fill = (where, ...children) => where.replaceChildren(...children.filter(Boolean));
const say = (where, text) => { if (where.textContent !== text) where.textContent = text; };

/** Draws anew only what has changed, so that nobody loses the focus or the place. */
function fillIfNew(where, key, make) {
  const text = JSON.stringify(key);
  if (where.shown === text) return;
  where.shown = text;
  fill(where, ...make());
}

function row(...cells) {
  return el("tr", {}, ...cells.map((cell, at) => {
    const attributes = at === 0 ? { scope: "row" } : {};
    if (cell && cell.number !== undefined) return el("td", { class: "number" }, cell.number, cell.below);
    return el(at === 0 ? "th" : "td", attributes, cell === undefined ? "" : cell);
  }));
}

const none = (columns, text) => el("tr", {}, el("td", { colspan: columns, class: "hint" }, text));

// --- numbers to text ----------------------------------------------------------------------------------------------------

const rounded = (number) => (Number.isInteger(number) ? number : number >= 100 ? Math.round(number) : number >= 10 ? number.toFixed(1) : number.toFixed(2).replace(/\.?0+$/, ""));

function count(number) {
  for (const [size, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (number >= size) return `${rounded(number / (unit === "k" ? 1e3 : size))} ${unit}`;
  }
  return String(rounded(number));
}

function bytes(number) {
  for (const [size, unit] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (number >= size) return `${rounded(number / size)} ${unit}`;
  }
  return `${Math.round(number)} B`;
}

function seconds(number) {
  if (!Number.isFinite(number)) return "–";
  if (number < 1e-3) return `${rounded(number * 1e6)} µs`;
  if (number < 1) return `${rounded(number * 1e3)} ms`;
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (number >= 2 * size) return `${Math.floor(number / size)} ${unit}`;
  }
  return `${rounded(number)} s`;
}

/** A time in UTC, to the second. */
const clock = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, "Z");

// --- the metrics page -----------------------------------------------------------------------------------------------------

/** The series of each name: labels and value. */
function parse(page) {
  const found = new Map();
  for (const line of page.split("\n")) {
    if (!line || line[0] === "#") continue;
    const open = line.indexOf("{");
    const close = line.lastIndexOf("}");
    const labels = {};
    if (open >= 0) {
      for (const [, name, value] of line.slice(open + 1, close).matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
        labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === "n" ? "\n" : escaped));
      }
    }
    const name = open >= 0 ? line.slice(0, open) : line.split(" ")[0];
    const value = Number(line.slice(line.lastIndexOf(" ") + 1).replace("Inf", "Infinity"));
    if (!found.has(name)) found.set(name, []);
    found.get(name).push({ labels, value });
  }
  return found;
}

/** What this page shows of the metrics, at one time. */
class Sample {
  constructor(page) {
    this.at = Date.now();
    this.series = parse(page);
  }

  all(name) { return this.series.get(`presign_gate_${name}`) || []; }

  sum(name, wanted = {}) {
    const fits = ({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value);
    return this.all(name).filter(fits).reduce((sum, one) => sum + one.value, 0);
  }
}

let samples = [];
const newest = () => samples[samples.length - 1];

/** How much a counter has grown; one that began again has grown by what it says. */
const growth = (before, now) => (now < before ? now : now - before);

/** Growth in a second between two samples. */
function rate(before, now, name, wanted) {
  const time = (now.at - before.at) / 1000;
  return time > 0 ? growth(before.sum(name, wanted), now.sum(name, wanted)) / time : 0;
}

const rates = (name, wanted) => samples.slice(1).map((now, at) => rate(samples[at], now, name, wanted));
const values = (name, wanted) => samples.map((sample) => sample.sum(name, wanted));

/** The growth over all that is kept. */
const lately = (name, wanted) => growth(samples[0].sum(name, wanted), newest().sum(name, wanted));

/** The quantile of a distribution, as far as its steps tell: over all that is kept, or since the start without any there. */
function quantile(part, name, wanted = {}) {
  const grown = lately(`${name}_count`, wanted) > 0 ? lately : (series, labels) => newest().sum(series, labels);
  const steps = new Map();
  for (const { labels } of newest().all(`${name}_bucket`)) {
    if (Object.entries(wanted).some(([key, value]) => labels[key] !== value) || steps.has(labels.le)) continue;
    steps.set(labels.le, grown(`${name}_bucket`, { ...wanted, le: labels.le }));
  }
  const total = steps.get("+Inf") || 0;
  const reached = [...steps].filter(([, reaching]) => total > 0 && reaching >= part * total);
  const bounds = reached.map(([bound]) => Number(bound.replace("+Inf", "Infinity")));
  return bounds.length ? Math.min(...bounds) : NaN;
}

// --- traffic --------------------------------------------------------------------------------------------------------------

function spark(numbers) {
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const shown = numbers.map((number) => (Number.isFinite(number) ? number : 0));
  const top = Math.max(...shown, 1e-9);
  const step = 100 / Math.max(30, shown.length - 1);
  const at = (number, index) => `${(100 - (shown.length - 1 - index) * step).toFixed(2)} ${(29 - (number / top) * 27).toFixed(2)}`;
  const line = shown.map(at).join("L");
  const picture = svg("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (shown.length > 1) {
    const first = at(0, 0).split(" ")[0];
    picture.append(svg("path", { class: "area", d: `M${first} 30L${line}L100 30Z` }), svg("path", { d: `M${line}` }));
  }
  return picture;
}

function tile(name, numbers, shown, mark) {
  const last = numbers.length ? numbers[numbers.length - 1] : 0;
  return el("div", {}, el("dt", {}, name), el("dd", { class: mark && mark(last) }, shown(last), spark(numbers)));
}

function showTraffic() {
  const now = newest();
  const bad = (number) => (number > 0 ? "bad" : undefined);
  const has = (name) => now.all(name).length > 0;
  const out = rates("response_body_bytes_total");
  fill(byId("tiles"),
    tile("Requests / s", rates("requests_total"), count),
    tile("Allowed / s", rates("requests_total", { decision: "allow" }), count),
    tile("Refused / s", rates("requests_total", { decision: "deny" }), count),
    tile("Server errors / s", rates("requests_total", { status_class: "5xx" }), count, bad),
    tile("In flight", values("requests_in_flight"), count),
    tile("Connections", values("connections"), count),
    el("div", {}, el("dt", {}, "Gate time, p99"),
      el("dd", {}, Number.isNaN(quantile(0.99, "overhead_seconds")) ? "–" : `≤ ${seconds(quantile(0.99, "overhead_seconds"))}`)),
    tile("Sent / s", out, bytes),
    has("links_tracked") && tile("Links tracked", values("links_tracked"), count),
    tile("Revocations", values("revocations"), count),
    tile("Log lines lost", values("log_dropped_total"), count, bad),
    tile("Store errors", values("store_errors_total"), count, bad));
  say(byId("span"), samples.length > 1 ? `the last ${seconds((now.at - samples[0].at) / 1000)}` : "");
  showUpstreams(now);
  const proofs = now.all("network_identity_total").filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  fill(byId("paths"), ...proofs.map(({ labels, value }) =>
    row(labels.proof, { number: count(lately("network_identity_total", labels)) }, { number: count(value) })));
  if (!proofs.length) fill(byId("paths"), none(3, "no requests yet"));
}

function showUpstreams(now) {
  const names = [...new Set(now.all("upstream_endpoints").concat(now.all("upstream_requests_total")).map(({ labels }) => labels.upstream))];
  fill(byId("upstreams"), ...names.map((upstream) => {
    const states = now.all("upstream_endpoints").filter(({ labels, value }) => labels.upstream === upstream && value > 0);
    const up = now.sum("upstream_endpoints", { upstream, state: "up" });
    const told = states.map(({ labels, value }) => `${value} ${labels.state}`).join(", ") || "none known";
    const answers = samples.length > 1 ? rate(samples[Math.max(0, samples.length - 6)], now, "upstream_requests_total", { upstream }) : 0;
    const failing = ["5xx", "none"].reduce((sum, status_class) => sum + lately("upstream_requests_total", { upstream, status_class }), 0);
    const part = lately("upstream_requests_total", { upstream });
    const first = quantile(0.95, "upstream_time_to_first_byte_seconds", { upstream });
    return row(upstream,
      el("span", { class: up > 0 ? "good" : "bad" }, told),
      { number: count(answers) },
      { number: el("span", { class: failing > 0 ? "bad" : "" }, part > 0 ? `${rounded((100 * failing) / part)} %` : "–") },
      { number: Number.isNaN(first) ? "–" : `≤ ${seconds(first)}` },
      { number: count(now.sum("upstream_retries_total", { upstream })) });
  }));
}

function showReasons() {
  const found = newest().all("denied_total").filter(({ value }) => value > 0)
    .map(({ labels, value }) => ({ labels, value, late: lately("denied_total", labels) }))
    .sort((a, b) => b.late - a.late || b.value - a.value);
  const most = Math.max(1, ...found.map(({ late }) => late));
  fill(byId("reasons"), ...found.map(({ labels, value, late }) => {
    const meter = el("span", { class: "meter", "aria-hidden": "true" });
    meter.style.width = `${(100 * late) / most}%`;
    return row(labels.reason, labels.stage, { number: count(late), below: meter }, { number: count(value) });
  }));
  if (!found.length) fill(byId("reasons"), none(4, "nothing was refused yet"));
}

// --- health ---------------------------------------------------------------------------------------------------------------

/** A time that something ends, as a check: name, mark, text. It is bad and worth a look so many seconds before. */
function expiry(name, when, now, bad, worth) {
  const left = when - now / 1000;
  if (when === 0) return { name, mark: "bad", text: "not valid" };
  if (left > 3e9) return null; // never
  const mark = left < bad ? "bad" : left < worth ? "warn" : "good";
  return { name, mark, text: left > 0 ? `expires in ${seconds(left)}` : "has expired" };
}

function health(ready) {
  const marks = { "[+]": "good", "[-]": "bad", "[~]": "warn" };
  const now = newest();
  const found = ready.split("\n").filter((line) => marks[line.slice(0, 3)])
    .map((line) => ({ mark: marks[line.slice(0, 3)], name: "", text: line.slice(4) }));
  for (const { labels, value } of now.all("tls_certificate_expiry_timestamp_seconds")) {
    found.push(expiry(`certificate of ${labels.listener}`, value, now.at, 3 * 86400, 14 * 86400));
  }
  for (const { labels, value } of now.all("upstream_credentials_expiry_timestamp_seconds")) {
    found.push(expiry(`credentials of ${labels.upstream}`, value, now.at, 600, 1800));
  }
  return found.filter(Boolean);
}

function showHealth(ready, isReady) {
  const found = health(ready);
  const signs = { good: "✓", warn: "!", bad: "✗" };
  fillIfNew(byId("checks"), found, () => found.map(({ mark, name, text }) =>
    el("li", { class: mark }, el("b", { "aria-hidden": "true" }, `${signs[mark]} `), el("span", {}, `${name} ${text}`.trim()))));
  const now = newest();
  const good = now.sum("config_last_reload_successful") === 1;
  const read = now.sum("config_last_reload_timestamp_seconds");
  const times = now.sum("config_reloads_total");
  say(byId("reload-state"), `The config in force was read at ${clock(read * 1000)}; `
    + (good ? "the file was good when it was last read" : "the file was WRONG when it was last read, and the old config stays in force")
    + (times > 0 ? `; read again ${count(times)} times.` : "."));
  byId("reload-state").className = good ? "" : "bad";
  const worst = !isReady ? ["bad", "not ready"] : !good ? ["warn", "ready, but the config file is wrong"]
    : found.some(({ mark }) => mark !== "good") ? ["warn", "ready, look at its health"] : ["good", "ready"];
  const pill = byId("state");
  pill.className = `pill ${worst[0]}`;
  say(pill, worst[1]);
}

// --- asking ---------------------------------------------------------------------------------------------------------------

let token = null;

class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** Opens a dialog; whether it was left by the button that goes on. */
function dialog(which) {
  which.returnValue = "";
  which.showModal();
  return new Promise((done) => which.addEventListener("close", () => done(which.returnValue === "yes"), { once: true }));
}

async function askToken(again) {
  say(byId("token-title"), again ? "This token was not accepted" : "Token");
  byId("token").value = "";
  const goes = await dialog(byId("ask-token"));
  token = goes ? byId("token").value : null;
  byId("token").value = "";
  byId("forget").hidden = token === null;
  return goes;
}

function forget() {
  token = null;
  locked = true;
  byId("forget").hidden = true;
  showDenials();
}

const get = (path, more = {}) => fetch(path, { cache: "no-store", credentials: "omit", redirect: "error", ...more });

/** Asks for what needs no token. */
async function ask(path) {
  const answer = await get(path);
  const told = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, told.error);
  return told;
}

/** Asks for what may need the token; asks for the token if it does. */
async function operate(method, path, body, quietly = false) {
  for (;;) {
    const headers = {};
    if (method === "POST") headers["Content-Type"] = "application/json";
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    const answer = await get(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    if (answer.status === 401 && !quietly && await askToken(token !== null)) continue;
    const told = await answer.json().catch(() => ({ error: `the gate answered ${answer.status}` }));
    // a config that is refused is told finding by finding
    if (!answer.ok && told.error !== undefined) throw new Refused(answer.status, told.error);
    return told;
  }
}

/** Runs what a button or form starts; what goes wrong is shown where the answer would be. */
async function attempt(where, work) {
  where.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    fill(where, el("p", { class: "bad" }, `✗ ${error.message}`));
  } finally {
    where.removeAttribute("aria-busy");
  }
}

// --- examples, explain, links, revocations, config ------------------------------------------------------------------------

/** Whether asking would only be refused. */
let locked = document.documentElement.dataset.token === "yes";

async function showDenials() {
  let told;
  if (locked && token === null) {
    byId("denials-locked").hidden = false;
    fillIfNew(byId("denials"), null, () => []);
    return;
  }
  try {
    told = (await operate("GET", "denials", undefined, true)).denials;
  } catch (error) {
    locked = error.status === 401;
    if (locked && token !== null) forget();
    else fillIfNew(byId("denials"), error.message, () => [el("li", { class: "hint" }, error.message)]);
    return;
  }
  byId("denials-locked").hidden = true;
  fillIfNew(byId("denials"), told, () => (told.length ? told.map(denial) : [el("li", { class: "hint" }, "none yet")]));
}

function denial(one) {
  const text = (name) => (one[name] === undefined ? "" : String(one[name]));
  const from = text("client.ip") || text("source.ip");
  const link = text("presign_gate.link.id");
  const more = ["user.id", "event.action", "presign_gate.network.proof", "presign_gate.network.vpce", "presign_gate.upstream.name", "user_agent.original", "http.request.id"];
  return el("li", {},
    el("p", { class: "top" }, el("b", {}, text("event.reason")), el("span", { class: "dim" }, `${text("presign_gate.stage")} ${text("http.response.status_code")}`),
      el("time", { datetime: text("@timestamp"), class: "dim" }, text("@timestamp").replace(/^.*T/, "")), from && el("span", {}, `from ${from}`)),
    el("p", { class: "mono" }, `${text("http.request.method")} ${text("url.domain")}${text("url.path")}`.trim() || "no request could be read"),
    el("p", { class: "hint" }, more.map(text).filter(Boolean).join(" · ")),
    link && el("p", {}, el("button", { type: "button", class: "small", onclick: () => lookUp(link) }, `Link ${link.slice(0, 8)}…`)));
}

/** How long a link is still good for, from its own parameters. */
function timeLeft(url, at) {
  const asked = new URLSearchParams(url.split("?")[1] || "");
  const given = (name) => [...asked].find(([key]) => key.toLowerCase() === name)?.[1];
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(given("x-amz-date") || "");
  const end = date ? Date.UTC(date[1], date[2] - 1, date[3], date[4], date[5], date[6]) / 1000 + Number(given("x-amz-expires") || NaN) : Number(given("expires") || NaN);
  if (!Number.isFinite(end)) return undefined;
  const now = at ? Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z")) || Number(at) * 1000 : Date.now();
  const left = end - now / 1000;
  return left >= 0 ? `${seconds(left)}, until ${clock(end * 1000)}` : `expired ${seconds(-left)} before, at ${clock(end * 1000)}`;
}

function question() {
  const body = { url: byId("explain-url").value.trim(), method: byId("explain-method").value.trim() };
  const lines = byId("explain-headers").value.split("\n").filter((line) => line.trim());
  body.headers = lines.map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`a header line is \`name: value\`, not \`${line}\``);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  for (const [field, id] of [["source_ip", "ip"], ["vpce", "vpce"], ["at", "at"]]) {
    const value = byId(`explain-${id}`).value.trim();
    if (value) body[field] = value;
  }
  return body;
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return el("dl", { class: "facts" }, ...known.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function showExplained(asked, told) {
  const { decision, stage, reason, status, s3_code, operation, actions, principal, link, identity, matched, canonical_request, string_to_sign, hint, ...rest } = told;
  const refused = decision === "deny";
  const at = refused ? STAGES.indexOf(stage) : STAGES.length;
  const marks = STAGES.map((name, index) => (index < at ? ["good", "passed"] : index === at ? ["bad", "refused here"] : ["dim", "not reached"]));
  const who = identity || {};
  const path = [who.source_ip, who.source_vpc, who.source_vpce].filter(Boolean).join(", ");
  fill(byId("explain-answer"),
    el("p", { class: "verdict" }, el("strong", { class: `pill ${refused ? "bad" : "good"}` }, refused ? "refused" : decision === "pass" ? "passed on: S3 decides" : "allowed"),
      refused && el("b", {}, reason), refused && el("span", { class: "dim" }, `${status} ${s3_code}`)),
    el("ol", { class: "stages", "aria-label": "Stages" }, ...STAGES.map((name, index) => el("li", { class: marks[index][0] }, el("b", {}, name), marks[index][1]))),
    hint && el("p", { class: "hint-box" }, hint),
    facts([
      ["Operation", operation],
      ["Needs", (actions || []).length ? el("span", {}, ...actions.map(([action, on]) => el("div", {}, `${action} on ${on}`))) : null],
      ["Signed by", principal],
      ["Comes from", path && `${path} (proof: ${who.proof})`],
      ["Time left", timeLeft(asked.url, asked.at)],
      ["Statements", (matched || []).length ? el("span", {}, ...matched.map((one) => el("div", {}, `${one.effect}: ${one.sid} in ${one.document}`))) : null],
      ["Link", link && el("button", { type: "button", class: "small", onclick: () => lookUp(link) }, link)],
      ...Object.entries(rest).map(([name, value]) => [name.replace(/_/g, " "), value === null || (Array.isArray(value) && !value.length) ? null : typeof value === "object" ? el("pre", {}, JSON.stringify(value, null, 2)) : String(value)]),
    ]),
    canonical_request && el("details", { open: reason === "wrong_signature" }, el("summary", {}, "Canonical request"), el("pre", { tabindex: "0" }, canonical_request)),
    string_to_sign && el("details", {}, el("summary", {}, "String to sign"), el("pre", { tabindex: "0" }, string_to_sign)));
}

/** The name of a link, if need be of one that is given as a URL. */
async function linkName(text) {
  if (!/^https?:/.test(text)) return text;
  const { link } = await operate("POST", "explain", { url: text });
  if (!link) throw new Error("this URL is no link of a key of this gate");
  return link;
}

function lookUp(name) {
  byId("link-id").value = name;
  byId("links").scrollIntoView();
  byId("link-form").requestSubmit();
}

async function showLink() {
  const where = byId("link-answer");
  const name = await linkName(byId("link-id").value.trim());
  let told;
  try {
    told = await ask(`links/${encodeURIComponent(name)}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    fill(where, el("p", { class: "hint" }, `No use of ${name} is known: links without limits are not counted.`));
    return;
  }
  fill(where, facts([
    ["Link", el("span", { class: "mono" }, told.id)],
    ["State", el("b", { class: told.revoked ? "bad" : "good" }, told.revoked ? "called back" : "not called back")],
    ["Uses", String(told.uses)],
    ["Under way", String(told.requests_under_way)],
    ["Bytes", bytes(told.bytes)],
    ["Object", told.object_bytes === null ? null : bytes(told.object_bytes)],
    ["Pinned to", told.pinned_to],
    ["Kept until", told.kept_until],
    ["Lately", told.recent_uses.length ? el("span", {}, ...told.recent_uses.map((use) => el("div", {}, `${use.last} ${use.client} ${bytes(use.bytes)}${use.spent ? ", counted" : ""}`))) : null],
  ]), told.revoked ? null : el("p", {}, el("button", { type: "button", class: "danger small", onclick: () => {
    document.querySelector("input[name=kind][value=link]").checked = true;
    kindChosen();
    byId("revoke-value").value = told.id;
    byId("revoke-form").requestSubmit();
  } }, "Call it back…")));
}

const KINDS = { link: "Name or URL of the link", access_key_id: "Access key id", prefix: "Prefix, as s3://BUCKET/PREFIX", signed_before: "Signed before, as 2026-01-01T00:00:00Z" };
const kind = () => document.querySelector("input[name=kind]:checked").value;

function kindChosen() {
  say(byId("revoke-label"), KINDS[kind()]);
  byId("revoke-until").hidden = kind() !== "access_key_id";
}

async function confirmed(title, text, what, button) {
  for (const [id, shown] of [["title", title], ["text", text], ["what", what], ["yes", button]]) say(byId(`confirm-${id}`), shown);
  return dialog(byId("confirm"));
}

/** A target without what makes a link usable. */
const shownTarget = (body) => Object.entries(body).sort(([name]) => (name === "before" ? 1 : -1)).map(([name, value]) => `${name}: ${String(value).replace(/\?.*$/, "?…")}`).join("\n");

async function revoke() {
  const body = { [kind()]: byId("revoke-value").value.trim() };
  const before = byId("revoke-before").value.trim();
  if (kind() === "access_key_id" && before) body.before = before;
  const text = "Links that this hits answer 403 from now on, on every gate that shares the store.";
  if (!await confirmed("Call links back?", text, shownTarget(body), "Call back")) return;
  const told = await operate("POST", "revocations", body);
  fill(byId("revoke-answer"), Date.parse(told.lapses) > Date.now()
    ? el("span", { class: "good" }, `✓ in force until ${clock(told.lapses)}`)
    : el("span", { class: "warn" }, "! everything that this is about has expired already"));
  byId("revoke-value").value = "";
  await showRevocations();
}

async function restore(entry) {
  const { id, created, lapses, ...target } = entry;
  if (!await confirmed("Take this revocation back?", "Links that it hits work again, if nothing else is in their way.", shownTarget(target), "Take back")) return;
  await operate("DELETE", `revocations/${encodeURIComponent(id)}`);
  fill(byId("revoke-answer"), el("span", { class: "good" }, "✓ taken back"));
  await showRevocations();
}

async function showRevocations() {
  const { revocations } = await ask("revocations");
  fillIfNew(byId("revocations"), revocations, () => (revocations.length ? revocations.map((entry) => {
    const { id, created, lapses, ...target } = entry;
    const time = (text) => el("time", { datetime: text }, clock(text).replace("T", " "));
    return row(el("span", { class: "mono target" }, shownTarget(target)), time(created), time(lapses), el("button", { type: "button", class: "small", onclick: () => attempt(byId("revoke-answer"), () => restore(entry)), "aria-label": `Take back ${shownTarget(target)}` }, "Take back…"));
  }) : [none(4, "none")]));
}

async function showConfig() {
  if (!byId("config-shown").open) return;
  say(byId("config-text"), JSON.stringify(await ask("config"), null, 2));
}

async function reload() {
  const told = await operate("POST", "reload");
  const findings = told.diagnostics;
  fill(byId("reload-answer"), el("p", { class: told.ok ? "good" : "bad" }, !told.ok ? "✗ the file is wrong; nothing has changed" : "✓ read, and in force"),
    findings.length ? el("pre", { tabindex: "0" }, JSON.stringify(findings, null, 2)) : null);
  await showConfig();
}

// --- the clockwork --------------------------------------------------------------------------------------------------------

let paused = false;
let turn = 0;

async function poll() {
  const [page, ready] = await Promise.all([get("metrics"), get("readyz?verbose")]);
  if (!page.ok) throw new Error(`the gate answered ${page.status}`);
  samples = [...samples, new Sample(await page.text())].slice(-KEPT);
  showTraffic();
  showReasons();
  showHealth(await ready.text(), ready.ok);
  if (turn++ % 2 === 0) await Promise.all([showDenials(), showRevocations()]);
  byId("lost").hidden = true;
}

async function run() {
  if (!paused && !document.hidden) {
    try {
      await poll();
    } catch (error) {
      if (byId("lost").hidden) say(byId("lost"), `The gate has not answered since ${clock(Date.now())}: ${error.message}`);
      byId("lost").hidden = false;
      byId("state").className = "pill bad";
      say(byId("state"), "no answer");
    }
  }
  setTimeout(run, EVERY);
}

function form(id, where, work) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(byId(where), work);
  });
}

form("explain-form", "explain-answer", async () => {
  const asked = question();
  showExplained(asked, await operate("POST", "explain", asked));
});
form("link-form", "link-answer", showLink);
form("revoke-form", "revoke-answer", revoke);
byId("revoke-form").addEventListener("change", kindChosen);
byId("config-shown").addEventListener("toggle", () => attempt(byId("config-text"), showConfig));
byId("reload").addEventListener("click", () => attempt(byId("reload-answer"), reload));
byId("denials-show").addEventListener("click", async () => { if (await askToken(false)) await showDenials(); });
byId("forget").addEventListener("click", forget);
byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && !paused) poll().catch(() => {}); });
ask("version").then((told) => say(byId("version"), `${told.version} ${told.revision === "unknown" ? "" : told.revision}`.trim())).catch(() => {});
kindChosen();
run();
