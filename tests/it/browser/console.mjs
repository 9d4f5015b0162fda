// What somebody does with the console, in a real browser:   console.mjs ADMIN STEP [WORD]...
// Prints one JSON object; a message of the browser's console or a broken policy of the page ends it with 1.
import http from "node:http";
import { createRequire } from "node:module";
import process from "node:process";

const [admin, step, ...words] = process.argv.slice(2);
// the packages lie in a folder of their own, not beside this file
const require = createRequire(process.env.CLIENTS_NODE + "/");
const { chromium } = require("playwright-core");

const faults = [];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** A page with the console, once it shows numbers. */
async function open(options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  // what a server answers with 4xx is written there by the browser itself
  page.on("console", (message) => message.text().startsWith("Failed to load resource") || faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => { faults.push(`a dialog of a script: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => request.url().startsWith(admin) || request.url().startsWith("data:") || faults.push(`asked ${request.url()}`));
  const answer = await page.goto(`${admin}/`);
  if (options.javaScriptEnabled !== false) await page.waitForSelector("#tiles dd");
  return { page, answer };
}

const text = (page, selector) => page.locator(selector).innerText();

async function explain(page, [url, method = "GET", headers = "", ip = ""]) {
  await page.getByLabel("URL as the client").fill(url);
  await page.getByLabel("Method").fill(method);
  await page.getByLabel("Header lines").fill(headers);
  await page.getByLabel("Source address").fill(ip);
  await page.locator("#explain-answer").evaluate((answer) => answer.replaceChildren());
  await page.getByRole("button", { name: "Explain" }).click();
  await page.waitForFunction(() => document.querySelector("#explain-answer :is(.verdict, .bad)") || document.querySelector("#ask-token[open]"));
}

async function confirm(page) {
  await page.locator("#confirm[open]").waitFor();
  await page.locator("#confirm-yes").click();
}

/** What is wrong with a page for those who cannot see or point; runs in the page. */
function measure() {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const named = (one) => one.labels?.[0]?.textContent.trim() || one.textContent.trim() || one.ariaLabel;
  const referring = all("[aria-labelledby], [aria-describedby], label[for]");
  const refers = (one) => one.getAttribute("aria-labelledby") || one.getAttribute("aria-describedby") || one.htmlFor;
  const ids = all("[id]").map((one) => one.id);
  const headings = all("body > :not(dialog) :is(h1, h2, h3, h4)").filter((one) => one.offsetParent).map((one) => Number(one.tagName[1]));
  // WCAG 2.2, 1.4.3: relative luminance and contrast
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => channels(color).slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (one) => { const color = getComputedStyle(one).backgroundColor; return one === document.documentElement || (channels(color)[3] ?? 1) > 0 ? color : behind(one.parentElement); };
  const contrast = (one) => { const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05); };
  const written = all("body *").filter((one) => one.offsetParent && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return {
    written: written.length,
    background: getComputedStyle(document.body).backgroundColor,
    overflow: document.documentElement.scrollWidth - innerWidth,
    findings: [
      ...all("input, textarea, button, select").filter((one) => !named(one)).map((one) => `no label: ${one.outerHTML}`),
      ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: ${id}`),
      ...referring.filter((one) => !document.getElementById(refers(one))).map((one) => `refers to nothing: ${one.outerHTML}`),
      ...all("th:not([scope])").map((one) => `no scope: ${one.outerHTML}`),
      ...headings.filter((level, at) => at > 0 && level > headings[at - 1] + 1).map((level) => `a level of headings is left out: h${level}`),
      ...(headings[0] === 1 && headings.filter((level) => level === 1).length === 1 ? [] : ["not one first heading"]),
      ...["header", "main", "nav"].filter((name) => all(name).length !== 1).map((name) => `not one ${name}`),
      ...(document.documentElement.lang ? [] : ["no language"]),
      ...written.filter((one) => contrast(one) < 4.5).map((one) => `contrast ${contrast(one).toFixed(2)}: ${one.outerHTML.slice(0, 80)}`),
    ],
  };
}

const steps = {
  /** What the page shows, once it has seen so many refusals of a reason, and requests that are made before its eyes. */
  async numbers(reason, wanted, gate, path) {
    const { page, answer } = await open();
    for (let at = 0; at < 50; at += 1) {
      await new Promise((done, failed) => http.get(`${gate}${path}`, { headers: { Host: "s3.test" } }, (told) => (told.statusCode === 200 ? told.resume().on("end", done) : failed(new Error(`answered ${told.statusCode}`)))).on("error", failed));
    }
    await page.waitForFunction(() => ["Requests / s", "Allowed / s", "Sent / s"].every((name) => [...document.querySelectorAll("#tiles div")].some((tile) => tile.innerText.startsWith(name) && parseFloat(tile.querySelector("dd").textContent) > 0)));
    await page.locator("#tiles path").first().waitFor({ state: "attached" });
    const row = page.locator("#reasons tr").filter({ hasText: reason });
    await page.waitForFunction(([name, least]) => [...document.querySelectorAll("#reasons tr")].some((row) => row.cells[0].textContent === name && Number(row.cells[3].textContent) >= least), [reason, Number(wanted)]);
    await page.locator("#denials li b").first().waitFor();
    return {
      headers: answer.headers(), state: await text(page, "#state"), reasons: await row.allInnerTexts(), denials: await text(page, "#denials"),
      tiles: await text(page, "#tiles"), upstreams: await text(page, "#upstreams"), paths: await text(page, "#paths"), checks: await text(page, "#checks"),
      version: await text(page, "#version"), markup: await page.locator("#main script, #main img, #main iframe, #main b b").count(),
    };
  },

  /** The same without scripts. */
  async plain() {
    const { page } = await open({ javaScriptEnabled: false });
    return { text: await text(page, "main"), wide: await page.locator("main").evaluate((main) => main.scrollWidth).catch(() => 0) };
  },

  /** The answers to some questions, one word each as JSON. */
  async explain(...questions) {
    const { page } = await open();
    const answers = [];
    for (const question of questions) {
      await explain(page, JSON.parse(question));
      answers.push({ text: await text(page, "#explain-answer"), markup: await page.locator("#explain-answer script, #explain-answer img").count() });
    }
    return { answers };
  },

  /** Calls a link back with the token, which is asked for; the first one that is given is wrong. */
  async revoke(url, token) {
    const { page } = await open();
    const locked = await page.locator("#denials-locked").isVisible();
    await page.getByLabel("one link, by name or URL").check();
    await page.locator("#revoke-value").fill(url);
    await page.getByRole("button", { name: "Call back…" }).click();
    const confirmed = await text(page, "#confirm");
    await confirm(page);
    for (const given of ["wrong", token]) {
      await page.locator("#ask-token[open]").waitFor();
      await page.locator("#token").fill(given);
      await page.getByRole("button", { name: "Go on" }).click();
    }
    await page.locator("#revoke-answer .good").waitFor();
    const list = page.locator("#revocations tr button");
    await list.first().waitFor();
    const told = await text(page, "#revocations");
    const stored = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, document.body.outerHTML]);
    return { locked, confirmed, told, stored: stored.slice(0, 3), shown: stored[3].includes(token) || stored[3].includes(url.split("Signature=")[1]) };
  },

  /** Calls back by every other kind, takes all back, and looks a link up. */
  async kinds(link) {
    const { page } = await open();
    const told = [];
    for (const [label, value, more] of [["what a key has signed", "AKIDTESTMAIN00000001", "2030-01-01T00:00:00Z"], ["what was signed for a prefix", "s3://bkt/<b>old</b>/"], ["everything signed before a time", "2030-01-01T00:00:00Z"]]) {
      await page.getByLabel(label).check();
      await page.locator("#revoke-value").fill(value);
      if (more) await page.getByLabel("Signed before", { exact: false }).last().fill(more);
      const before = await page.locator("#revocations button").count();
      await page.getByRole("button", { name: "Call back…" }).click();
      await confirm(page);
      await page.waitForFunction((count) => document.querySelectorAll("#revocations button").length === count, before + 1);
    }
    told.push(await text(page, "#revocations"));
    await page.locator("#link-id").fill(link);
    await page.getByRole("button", { name: "Look up" }).click();
    await page.locator("#link-answer .facts").waitFor();
    told.push(await text(page, "#link-answer"));
    for (let left = await page.locator("#revocations button").count(); left > 0; left -= 1) {
      await page.locator("#revocations button").first().click();
      await confirm(page);
      await page.waitForFunction((count) => document.querySelectorAll("#revocations button").length === count, left - 1);
    }
    await page.locator("#config-shown summary").click();
    await page.waitForFunction(() => document.querySelector("#config-text").textContent.includes("access_key_id"));
    told.push(await text(page, "#config-text"));
    await page.getByRole("button", { name: "Read the file again" }).click();
    await page.locator("#reload-answer p").waitFor();
    told.push(await text(page, "#reload-answer"));
    return { told, markup: await page.locator("#main table b, #main img").count() };
  },

  /** What keyboards, screen readers, small screens and both colour schemes need. */
  async access() {
    const found = [];
    for (const [width, colorScheme] of [[375, "light"], [320, "dark"], [1280, "dark"]]) {
      const { page } = await open({ viewport: { width, height: 800 }, colorScheme });
      found.push({ width, ...await page.evaluate(measure) });
      await page.keyboard.press("Tab");
      found[found.length - 1].first = await page.evaluate(() => document.activeElement.textContent);
      const reached = new Set();
      for (let at = 0; at < 60; at += 1) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => document.activeElement.id));
      }
      found[found.length - 1].reached = ["pause", "explain-url", "link-id", "revoke-value", "reload"].filter((id) => !reached.has(id));
    }
    return { found };
  },
};

let outcome;
try {
  outcome = await steps[step](...words);
} catch (error) {
  faults.push(String(error));
} finally {
  await browser.close();
}
console.log(JSON.stringify({ ...outcome, faults }));
process.exit(faults.length ? 1 : 0);
