// Drives the dashboard in a real Chromium. Says one JSON object a line; keeps
// screenshots in the folder given. Options: {url, out, chromium, mode: "tour" or
// "token", match, token}.
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
mkdirSync(o.out, { recursive: true });

const browser = await chromium.launch({
  executablePath: o.chromium,
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const errors = [];
const hosts = new Set();
async function open(url, size, extra = {}) {
  const context = await browser.newContext({ viewport: size, ...extra });
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  page.on("pageerror", (e) => errors.push(e.message));
  page.on("console", (m) => { if (m.type() === "error") errors.push(m.text()); });
  page.on("response", (r) => { if (r.status() >= 400) errors.push(`${r.status()} ${r.url()}`); });
  page.on("request", (r) => { const h = new URL(r.url()).host; if (h !== new URL(o.url).host && /^http/.test(r.url())) hosts.add(h); });
  await page.goto(url);
  return page;
}
const until = async (page, what, f, arg) => {
  try {
    await page.waitForFunction(f, arg, { timeout: 60000 });
  } catch (e) {
    await page.screenshot({ path: `${o.out}/stuck.png` }).catch(() => {});
    say("stuck", { what, link: await page.evaluate(() => window.__ops?.link).catch(() => null), errors });
    throw e;
  }
};
const shot = (page, name) => page.screenshot({ path: `${o.out}/${name}.png` });
const live = (page) => until(page, "live", () => window.__ops.link === "live" && window.__ops.frames > 0);

// What is painted, as a number that changes with it.
const print = (page, selector) => page.$eval(selector, (c) => {
  const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  let h = 0;
  for (let i = 0; i < d.length; i += 4) h = (h * 31 + d[i] * 7 + d[i + 1] * 3 + d[i + 2]) | 0;
  return h;
});

async function confirm(page, name) {
  await page.fill("#by", "oncall");
  await shot(page, name);
  await page.click("[data-testid=confirm]");
  await page.waitForSelector("#toasts p");
  return page.textContent("#toasts p:last-child");
}

async function tour() {
  const page = await open(o.url, { width: 1280, height: 800 });
  await live(page);
  await until(page, "three matches", () => window.__ops.model.slots.filter(Boolean).length === 3);
  await page.waitForTimeout(4000);
  const look = async () => ({ tiles: await page.textContent("#tiles"), heat: await print(page, "#heat"), late: await print(page, "#h-late").catch(() => 0), frames: await page.evaluate(() => window.__ops.frames) });
  const a = await look();
  await page.$eval("#h-late", (e) => e.scrollIntoView());
  await page.waitForTimeout(1200);
  const b = await look();
  await page.waitForTimeout(1200);
  const c = await look();
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForTimeout(1000);
  const d = await look();
  say("live", {
    matches: await page.evaluate(() => window.__ops.model.slots.filter(Boolean).length),
    moved: a.frames < b.frames && b.late !== c.late && a.heat !== d.heat && a.tiles !== d.tiles,
    script: await page.evaluate(() => window.__ops.spent),
  });

  // The stall comes from outside; its line names the match, and leads to it.
  await until(page, "the blame line", (id) => window.__ops.model.worst.some((b) => b.id === id && b.took > 600), o.match);
  await page.waitForTimeout(1500);
  say("blamed", { line: await page.evaluate((id) => window.__ops.model.worst.find((b) => b.id === id && b.took > 600).line, o.match) });
  await shot(page, "overview");
  await page.click(`.lines .who[title="Show ${o.match}"] >> nth=0`);
  await until(page, "its ticks", (id) => {
    const s = window.__ops.model.selected;
    return s?.id === id && s.seats.length > 0 && s.ticks.some((t) => t.took > 600e3);
  }, o.match);
  await page.waitForTimeout(2500);
  await page.$eval("#p-match", (e) => e.scrollIntoView({ block: "center" }));
  await page.waitForTimeout(700);
  say("selected", await page.evaluate(() => {
    const s = window.__ops.model.selected;
    const worst = s.ticks.reduce((x, y) => (y.took > x.took ? y : x));
    const canvas = document.querySelector("#ticks canvas");
    const d = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 250) colours.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
    return { id: s.id, ticks: s.ticks.length, worst: worst.took, step: worst.phases[1], painted: colours.size, seats: s.seats.length };
  }));
  await shot(page, "match");
  await page.click('[data-span="2"]');
  await page.waitForTimeout(1200);
  await shot(page, "match-2s");
  await page.click('[data-span="60"]');

  await page.click("#seats tbody tr:nth-child(2) button");
  say("kicked", { toast: await confirm(page, "kick") });
  await until(page, "the seat is free", () => window.__ops.model.selected.seats[1].state === "left");
  await shot(page, "kicked");
  await page.click("#stop");
  say("stopped", { toast: await confirm(page, "stop") });
  await until(page, "the match is over", () => window.__ops.model.selected.gone);

  await keys(page);
  await many(page);
  const phone = await open(o.url, { width: 390, height: 844 }, { hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await live(phone);
  await phone.waitForTimeout(5000);
  await shot(phone, "phone");
  const scrolls = await phone.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
  await phone.tap("#worst tbody button");
  await phone.waitForTimeout(2500);
  await phone.$eval("#p-match", (e) => e.scrollIntoView({ block: "start" }));
  await phone.waitForTimeout(800);
  await shot(phone, "phone-match");
  say("phone", { scrolls: scrolls || (await phone.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)) });
}

// All of it by keyboard.
async function keys(page) {
  await page.keyboard.press("Escape");
  await until(page, "nothing chosen", () => window.__ops.model.selected === null);
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("ArrowDown");
  await until(page, "the first", () => window.__ops.model.selected?.slot === window.__ops.order[0]);
  await page.keyboard.press("j");
  await until(page, "the second", () => window.__ops.model.selected?.slot === window.__ops.order[1]);
  await page.keyboard.press("m");
  await until(page, "lateness", () => document.querySelector("#m-late").getAttribute("aria-pressed") === "true");
  await page.keyboard.press("m");
  await page.keyboard.press("/");
  await until(page, "the filter", () => document.activeElement.id === "filter");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await until(page, "help", () => document.querySelector("#guide").open);
  await shot(page, "help");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
}

// Five hundred matches for a minute, by frames as the server would send them.
async function many(page) {
  await page.evaluate(() => {
    const { model, feed } = window.__ops;
    const last = model.frame;
    let seed = 7;
    const random = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff);
    const slots = Array.from({ length: 500 }, (_, i) => ({ slot: i, id: `match-${String(i).padStart(4, "0")}`, game: i % 7 ? "arena" : "duel", hz: 60, worker: Math.floor(i / 250) }));
    const base = Array.from({ length: 500 }, (_, i) => 70 + 40 * random() + (i % 61 === 0 ? 50 : 0));
    for (let n = 1; n <= 240; n++) {
      const heat = new Uint8Array(2000);
      for (let i = 0; i < 500; i++) {
        const all = n > 150 && n < 153 ? 60 : 0;
        heat[i * 4] = Math.min(255, base[i] + 30 * random() + all + (random() < 0.002 ? 70 : 0));
        heat[i * 4 + 1] = 40 + 30 * random() + 2 * all;
        heat[i * 4 + 3] = i % 61 === 0 ? 2 : i % 97 === 0 ? 4 : 0;
      }
      feed({
        ...last, n, b: n - 1, at: last.at + 250 * n, heat, hist: new Uint8Array(), slots: n === 1 ? slots : [], blames: [], match: undefined, hidden: 0,
        sum: { ...last.sum, entries: 500, expected: last.sum.expected + 7500 * n, ticks: last.sum.ticks + 7500 * n, onTime: last.sum.onTime + 7499 * n }, workers: [{ busy: 0.61, entries: 250 }, { busy: 0.58, entries: 250 }],
        rows: Array.from({ length: 16 }, (_, i) => ({ slot: i * 31, use: 0.9 - i / 40, took: 7000 - i * 200, worst: 12000 - i * 300, late: 300 + i * 20, ratio: 1, level: i === 0 ? 2 : 0 })),
      });
    }
  });
  await page.waitForTimeout(600);
  const box = await page.locator("#heat").boundingBox();
  const rows = await page.evaluate(() => window.__ops.order.length);
  const at = { x: box.x + 400, y: box.y + ((box.height - 18) * 250.5) / 500 };
  await page.mouse.move(at.x, at.y);
  await page.waitForTimeout(300);
  const tip = await page.textContent("#tip");
  await shot(page, "crowd");
  await page.mouse.click(at.x, at.y);
  const chosen = await page.evaluate(() => window.__ops.model.selected?.id);
  await page.fill("#filter", "0250");
  await page.waitForTimeout(300);
  say("crowd", {
    rows, hovered: /match-\d+/.exec(tip)?.[0], chosen, filtered: await page.evaluate(() => window.__ops.order.length),
    script: await page.evaluate(() => { const t = performance.now(); for (let i = 0; i < 5; i++) window.__ops.draw(); return (performance.now() - t) / 5; }),
  });
}

async function token() {
  const page = await open(o.url, { width: 1280, height: 800 });
  await page.waitForSelector("#gate[open]");
  await shot(page, "token");
  await page.fill("#token", "Open Sesame");
  await page.click("[data-testid=unlock]");
  await until(page, "the refusal", () => document.querySelector("#gate-error").textContent !== "");
  say("wrong", { error: await page.textContent("#gate-error") });
  await page.fill("#token", o.token);
  await page.keyboard.press("Enter");
  await live(page);
  await until(page, "a verdict", () => document.querySelector("#verdict b").textContent === "idle");
  await shot(page, "idle");
  say("in", { verdict: await page.textContent("#verdict b") });
  await page.reload();
  await live(page);
  say("reloaded", { live: true });
}

try {
  await (o.mode === "token" ? token() : tour());
  say("end", { errors, hosts: [...hosts] });
} finally {
  await browser.close();
}
process.exit(0);
