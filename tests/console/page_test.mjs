// The page at `/` in a real browser: node page_test.mjs http://127.0.0.1:15672 [folder for pictures]
//
// Needs playwright-core (npm; NODE_PATH or CONSOLE_MODULES says where) and a Chromium (Debian's, or CHROMIUM). The server has the
// user guest with its password.
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const modules = process.env.CONSOLE_MODULES ?? `${process.cwd()}/build/compat/console`;
const { chromium } = createRequire(modules + "/package.json")("playwright-core");
const [base, pictures] = process.argv.slice(2);
const authorization = "Basic " + Buffer.from("guest:guest").toString("base64");
const run = Date.now().toString(36);
const names = { queue: `page <b>${run}</b> 队列`, exchange: `page-x-${run}` };

async function api(method, path, body) {
  const answer = await fetch(base + "/api" + path, {
    method, headers: { authorization, "content-type": "application/json" }, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

const cases = {
  async "asks for a password and refuses a wrong one"(page) {
    await page.goto(base);
    await page.waitForSelector("#login:not([hidden])");
    await page.fill("#login [name=user]", "guest");
    await page.fill("#login [name=password]", "wrong");
    await page.click("#login button");
    await page.waitForFunction(() => document.querySelector("#login .trouble").textContent !== "");
    await page.fill("#login [name=password]", "guest");
    await page.click("#login button");
    await page.waitForSelector("main:not([hidden])");
  },
  async "shows queues, exchanges and bindings, names as text"(page) {
    await page.waitForFunction((name) => [...document.querySelectorAll("#queues td.name")].some((cell) => cell.textContent === name), names.queue);
    assert.equal(await page.locator("#queues td.name b").count(), 0);
    await page.waitForFunction((name) => document.querySelector("#exchanges").textContent.includes(name), names.exchange);
    await page.waitForFunction((key) => document.querySelector("#bindings").textContent.includes(key), `key.${run}`);
    assert.match(await page.textContent("#totals"), /Queues/);
  },
  async "publishes a test message and says whether it was routed"(page) {
    await page.selectOption("#publish [name=exchange]", names.exchange);
    await page.fill("#publish [name=key]", `key.${run}`);
    await page.fill("#publish [name=headers]", '{"tries": 1}');
    await page.fill("#publish [name=body]", "hello from the page 你好");
    await page.click("#publish button");
    await page.waitForSelector("#sent.good");
    await page.fill("#publish [name=key]", "nobody wants it");
    await page.click("#publish button");
    await page.waitForFunction(() => document.querySelector("#sent").className === "bad");
    await page.fill("#publish [name=headers]", "{no");
    await page.click("#publish button");
    await page.waitForFunction(() => document.querySelector("#sent").textContent.includes("JSON"));
    await page.fill("#publish [name=headers]", "");
  },
  async "looks at messages, which stay where they are"(page) {
    await page.getByRole("button", { name: names.queue }).click();
    await page.click("#get");
    await page.waitForFunction(() => document.querySelector("#got").textContent.includes("hello from the page 你好"));
    assert.match(await page.textContent("#got"), /"tries":1/);
    const kept = await api("POST", `/queues/%2F/${encodeURIComponent(names.queue)}/get`, { count: 5, ackmode: "ack_requeue_true", encoding: "auto" });
    assert.equal(kept.length, 1);
  },
  async "filters queues by name"(page) {
    await page.fill("#queue-filter", run);
    await page.waitForFunction(() => document.querySelectorAll("#queues tbody tr").length === 1);
    await page.fill("#queue-filter", "");
  },
  async "shows numbers that move"(page) {
    for (let n = 0; n < 3; ++n)
      await api("POST", `/exchanges/%2F/${names.exchange}/publish`, { properties: {}, routing_key: `key.${run}`, payload: "more", payload_encoding: "string" });
    await page.waitForFunction((name) => [...document.querySelectorAll("#queues tbody tr")].some(
      (row) => row.cells[0].textContent === name && row.cells[4].textContent === "4"), names.queue, { timeout: 20_000 });
  },
  async "speaks Chinese and English"(page) {
    await page.click("#language");
    await page.waitForFunction(() => document.querySelector("h2[data-text=queues]").textContent === "队列");
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
    await page.waitForFunction(() => document.querySelector("#queues th").textContent === "名称");
    if (pictures) await page.screenshot({ path: `${pictures}/zh.png`, fullPage: true });
    await page.click("#language");
    await page.waitForFunction(() => document.querySelector("h2[data-text=queues]").textContent === "Queues");
  },
  async "has a light and a dark dress"(page) {
    const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const first = await back();
    await page.click("#theme");
    assert.notEqual(await back(), first);
    if (pictures) await page.screenshot({ path: `${pictures}/theme.png`, fullPage: true });
    await page.click("#theme");
    assert.equal(await back(), first);
  },
  async "fits a narrow screen"(page) {
    await page.setViewportSize({ width: 390, height: 800 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1));
    if (pictures) await page.screenshot({ path: `${pictures}/narrow.png`, fullPage: true });
    await page.setViewportSize({ width: 1200, height: 900 });
    if (pictures) await page.screenshot({ path: `${pictures}/wide.png`, fullPage: true });
  },
  async "remembers the login for the tab, and logs out"(page) {
    await page.reload();
    await page.waitForSelector("main:not([hidden])");
    await page.click("#leave");
    await page.waitForSelector("#login:not([hidden])");
    await page.reload();
    await page.waitForSelector("#login:not([hidden])");
  },
  // The tests themselves evaluate scripts, which the page's policy forbids; so once with the policy and without them.
  async "keeps its own content policy"() {
    const strict = await browser.newPage();
    watch(strict);
    await strict.goto(base);
    await strict.fill("#login [name=user]", "guest");
    await strict.fill("#login [name=password]", "guest");
    await strict.click("#login button");
    await strict.waitForSelector("#queues td.name");
    await strict.close();
  },
};

await api("PUT", `/queues/%2F/${encodeURIComponent(names.queue)}`, { durable: true, arguments: { "x-max-length": 100 } });
await api("PUT", `/exchanges/%2F/${names.exchange}`, { type: "topic", durable: true });
await api("POST", `/bindings/%2F/e/${names.exchange}/q/${encodeURIComponent(names.queue)}`, { routing_key: `key.${run}` });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ locale: "en-US", viewport: { width: 1200, height: 900 }, colorScheme: "light", bypassCSP: true });
page.setDefaultTimeout(30_000);
const troubles = [];
function watch(page) {
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (line) => line.type() === "error" && !/40[01]/.test(line.text()) && troubles.push(line.text()));
}
watch(page);
for (const [name, run] of Object.entries(cases)) {
  const begin = Date.now();
  let error = "";
  try {
    await run(page);
    if (troubles.length) throw new Error(troubles.splice(0).join("; "));
  } catch (problem) {
    error = String(problem.message).replaceAll("\n", " | ");
  }
  console.log(`CASE ${name.replaceAll(/[ ,]+/g, "-")} ${error ? "FAILED" : "ok"} ${((Date.now() - begin) / 1000).toFixed(1)} ${error}`.trim());
}
await browser.close();
await api("DELETE", `/queues/%2F/${encodeURIComponent(names.queue)}`);
await api("DELETE", `/exchanges/%2F/${names.exchange}`);
