// Opens each example's page twice in a real Chromium and lets the two meet.
// Options: {urls: {chat, notifications, text}, token, out, chromium}. Keeps
// screenshots in out; says one JSON object a line.
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
mkdirSync(o.out, { recursive: true });

const browser = await chromium.launch({
  executablePath: o.chromium,
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"],
});
const errors = [];
async function open(url, size = { width: 900, height: 560 }) {
  const context = await browser.newContext({ viewport: size });
  const page = await context.newPage();
  page.on("pageerror", (e) => errors.push(`${url}: ${e.message}`));
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") errors.push(`${url}: ${m.text()}`); });
  page.on("response", (r) => { if (r.status() >= 400) errors.push(`${r.status()} ${r.url()}`); });
  await page.goto(url);
  return page;
}
const until = async (page, what, f, arg) => {
  try {
    await page.waitForFunction(f, arg, { timeout: 60000 });
  } catch (e) {
    say("stuck", { what, errors, body: (await page.textContent("body").catch(() => "")).slice(0, 500) });
    throw e;
  }
};
const shows = (page, id, text) => until(page, `${text} in ${id}`, ([id, text]) => document.getElementById(id).textContent.includes(text), [id, text]);

async function chat() {
  const a = await open(o.urls.chat), b = await open(`${o.urls.chat}/?parser=msgpack`);
  for (const [page, name] of [[a, "Ada"], [b, "Bob"]]) {
    await page.fill("#name", name);
    await page.click("#login button");
    await page.waitForSelector("#app:not([hidden])");
  }
  await shows(a, "people", "Bob");
  const lines = [[a, "Hello Bob! I speak JSON."], [b, "And I msgpack. <b>Same room</b>, same server."], [a, "So the parser is everybody's own choice 😀"]];
  for (const [page, text] of lines) {
    await page.fill("#text", text);
    await page.click("#say button");
    for (const p of [a, b]) await shows(p, "messages", text);
  }
  await b.locator("#text").pressSequentially("I am ");
  await shows(a, "typing", "Bob is typing");
  await a.fill("#room", "tea-kitchen");
  await a.press("#room", "Enter");
  await shows(a, "rooms", "tea-kitchen");
  await a.click("text=# lobby");
  await shows(a, "messages", "same server");
  await b.locator("#text").pressSequentially("typing");
  await shows(a, "typing", "Bob is typing");
  await a.screenshot({ path: `${o.out}/chat.png` });
  say("chat");
}

async function notifications() {
  const post = async (body) => (await fetch(`${o.urls.notifications}/notify`, {
    method: "POST", headers: { Authorization: `Bearer ${o.token}` }, body: JSON.stringify(body),
  })).json();
  await post({ to: { user: "ada" }, title: "While you were out", text: "Bob asked for you." });
  const a = await open(o.urls.notifications), b = await open(o.urls.notifications);
  for (const page of [a, b]) {
    await page.fill("#user", "ada");
    await page.click("#login button");
    await shows(page, "badge", "1");
  }
  await a.click("#bell");
  for (const page of [a, b]) await until(page, "nothing unread", () => document.getElementById("badge").textContent === "");
  await a.click("text=news");
  await until(a, "subscribed", () => document.querySelectorAll("[aria-pressed=true]").length === 2);
  let r;
  for (const n of [{ to: { topic: "builds" }, title: "Build 17 is green", text: "All 412 tests passed in 38 s." }, { to: { topic: "news" }, title: "A new release", text: "" }]) r = await post(n);
  await shows(a, "badge", "2");
  await shows(a, "items", "A new release");
  await shows(b, "items", "Build 17");
  await a.waitForTimeout(300); // the toast comes up
  await a.screenshot({ path: `${o.out}/notifications.png` });
  say("notifications", { delivered: r.delivered, pages: r.pages });
}

async function text() {
  const a = await open(`${o.urls.text}/?name=Ada`), b = await open(`${o.urls.text}/?name=Bob&parser=msgpack`);
  const value = (page) => page.inputValue("#text");
  const has = (page, s) => until(page, s, (s) => document.getElementById("text").value.includes(s), s);
  for (const page of [a, b]) await page.waitForSelector("#text:enabled");
  await shows(a, "people", "Bob"); // a cursor each
  await shows(b, "people", "Ada");
  await a.click("#text");
  await a.keyboard.press("Control+End");
  await a.keyboard.type("\nBoth cursors are seen, ");
  await b.keyboard.press("Tab");
  await b.locator("#text").focus();
  await b.keyboard.press("Control+Home");
  await b.keyboard.press("Shift+End");
  await has(b, "Both cursors are seen, ");
  await a.keyboard.type("and what is selected. 😀");
  await has(b, "😀");
  await until(a, "what Bob selected", () => document.querySelector("#mirror mark")?.textContent.length > 5);
  await until(b, "Ada's cursor", () => document.querySelector("#mirror .caret"));
  await a.screenshot({ path: `${o.out}/text.png` });
  // Both edit, one of them offline, and both at the same place.
  await a.fill("#text", "");
  await until(b, "an empty text", () => document.getElementById("text").value === "");
  await a.locator("#text").pressSequentially("Ada was here. ");
  await has(b, "Ada was here. ");
  await b.click("#online");
  await shows(b, "state", "offline");
  await a.keyboard.press("Control+End");
  await a.keyboard.type("Bob was here. ");
  await b.locator("#text").focus();
  await b.keyboard.press("Control+End");
  await b.keyboard.type("Written offline. ");
  await b.click("#online");
  for (const page of [a, b]) {
    await has(page, "Written offline. ");
    await has(page, "Bob was here. ");
  }
  say("text", { a: await value(a), b: await value(b) });
}

try {
  await chat();
  await notifications();
  await text();
  say("end", { errors });
} finally {
  await browser.close();
}
process.exit(0);
