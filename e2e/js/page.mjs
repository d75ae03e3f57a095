// Drives the page in a real Chromium: two browsers press Play, meet in a match,
// and each sees the other move. Says one JSON object a line; keeps screenshots
// in the folder given. Options: {url, out, chromium}.
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
mkdirSync(o.out, { recursive: true });

const browser = await chromium.launch({
  executablePath: o.chromium,
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--mute-audio"],
});
const errors = [];
async function open(name, size, extra = {}) {
  const context = await browser.newContext({ viewport: size, ...extra });
  const page = await context.newPage();
  page.on("pageerror", (e) => errors.push(`${name}: ${e.message}`));
  page.on("console", (m) => { if (m.type() === "error") errors.push(`${name}: ${m.text()}`); });
  page.on("response", (r) => { if (r.status() === 404) errors.push(`${name}: 404 ${r.url()}`); });
  await page.goto(o.url);
  await page.fill("#name", name);
  return page;
}
const probe = (page) => page.evaluate(() => {
  const g = window.__game;
  return { state: g.state, you: g.you, x: g.x, y: g.y, entities: g.entities, fps: g.fps, tick: g.tick, keys: g.keys, checked: g.checked };
});
const until = async (page, what, f, arg) => {
  try {
    await page.waitForFunction(f, arg, { timeout: 60000 });
  } catch (e) {
    say("stuck", { what, probe: await probe(page).catch(() => null), status: await page.textContent("#status").catch(() => null), errors });
    throw e;
  }
};

try {
  const a = await open("Ada", { width: 1280, height: 720 });
  const b = await open("Bob", { width: 1280, height: 720 });
  await a.screenshot({ path: `${o.out}/lobby.png` });
  await a.click("#play");
  await b.click("#play");
  for (const p of [a, b]) await until(p, "playing", () => window.__game.state === "playing" && window.__game.alive);
  const before = await probe(a);
  say("playing", before);

  // Ada holds a key: her ship must move on her screen and on Bob's.
  const seenByBob = () => b.evaluate((id) => window.__game.ship(id), before.you);
  const bobSaw = await seenByBob();
  for (const key of ["KeyD", "KeyS", "KeyA", "KeyW"]) { // one of them is not a wall
    await a.keyboard.down(key);
    await a.waitForTimeout(700);
    await a.keyboard.up(key);
    const now = await probe(a);
    if (Math.hypot(now.x - before.x, now.y - before.y) > 60) break;
  }
  const after = await probe(a);
  say("moved", { dx: after.x - before.x, dy: after.y - before.y });
  await until(b, "the other's ship", ({ id, x, y }) => {
    const s = window.__game.ship(id);
    return s && Math.hypot(s.x - x, s.y - y) > 30;
  }, { id: before.you, x: bobSaw.x, y: bobSaw.y });
  say("seen", { from: bobSaw, to: await seenByBob() });
  await a.mouse.move(900, 300);
  await a.mouse.down();
  await a.waitForTimeout(1500);
  await a.mouse.down({ button: "right" }); // the beam, whose light is seen for a moment
  await until(a, "the beam", () => window.__game.beams > 0);
  await a.screenshot({ path: `${o.out}/game.png` });
  await a.mouse.up({ button: "right" });
  await a.mouse.up();

  // A lost connection keeps the seat, and the picture.
  await a.evaluate(() => window.__game.drop());
  await until(a, "reconnect", (tick) => window.__game.state === "playing" && window.__game.tick > tick + 30, (await probe(a)).tick);
  const resumed = await probe(a);
  say("resumed", { you: resumed.you, keys: resumed.keys, checked: resumed.checked });

  // Reloading the page keeps it too.
  await a.reload();
  await until(a, "rejoin after reload", () => window.__game.state === "playing");
  say("reloaded", { you: (await probe(a)).you });

  for (const p of [a, b]) await until(p, "result", () => window.__game.state === "result");
  await a.waitForTimeout(1200); // the screen fades in
  await a.screenshot({ path: `${o.out}/result.png` });
  say("result", { rows: await a.locator("#result tbody tr, #result li").count() });
  await a.click("#again");
  await until(a, "queue again", () => window.__game.state === "queueing" || window.__game.state === "playing");
  say("again");

  const phone = await open("Eve", { width: 390, height: 844 }, { hasTouch: true, isMobile: true });
  await phone.screenshot({ path: `${o.out}/phone-lobby.png` });
  await phone.tap("#play");
  await until(phone, "playing on a phone", () => window.__game.state === "playing" && window.__game.alive);
  await phone.waitForTimeout(1000);
  await phone.screenshot({ path: `${o.out}/phone.png` });
  say("phone", { scrolls: await phone.evaluate(() => document.documentElement.scrollHeight > innerHeight + 1) });
  say("end", { errors });
} finally {
  await browser.close();
}
process.exit(0);
