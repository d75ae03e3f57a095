// Behaves as the page of @socket.io/admin-ui does, with the official client, and
// then as that page itself in Chromium. Says one JSON object a line.
// Options: {url, parser, username, password} or {url, ui, out, chromium, …}.
import { mkdirSync } from "node:fs";
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";
import { chromium } from "playwright-core";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
const options = (auth) => ({
  forceNew: true, reconnection: false, withCredentials: true,
  transports: ["polling", "websocket"], parser: o.parser === "msgpack" ? msgpack : undefined, auth,
});
const connect = (auth) => new Promise((resolve, reject) => {
  const s = io(o.url + "/admin", options(auth));
  s.heard = [];
  s.waiting = [];
  s.onAny((name, ...args) => {
    s.heard.push({ name, args });
    s.waiting = s.waiting.filter((check) => !check());
  });
  s.once("connect", () => resolve(s));
  s.once("connect_error", reject);
});
// until takes the first event of that name, heard or to come, that ok accepts.
const until = (s, name, ok = () => true) => new Promise((resolve) => {
  const check = () => {
    const i = s.heard.findIndex((e) => e.name === name && ok(...e.args));
    if (i < 0) return false;
    resolve(s.heard.splice(i, 1)[0].args);
    return true;
  };
  if (!check()) s.waiting.push(check);
});

async function protocol() {
  const refused = await connect({ username: o.username, password: "wrong" }).catch((e) => e);
  say("refused", { message: refused.message });
  const first = await connect({ username: o.username, password: o.password });
  const [session] = await until(first, "session");
  first.disconnect();
  const s = await connect({ sessionId: session });
  const [config] = await until(s, "config");
  const [all] = await until(s, "all_sockets");
  say("config", { features: config.supportedFeatures, all: all.length, session: session.length });

  const user = io(o.url, { ...options({ token: "x" }), query: { color: "red" }, extraHeaders: { "x-kind": "user", cookie: "secret" } });
  const got = [];
  user.onAny((...args) => got.push(args));
  await new Promise((resolve) => user.once("connect", resolve));
  const [shown, at] = await until(s, "socket_connected", (x) => x.nsp === "/");
  say("connected", { shown, at, id: user.id });
  const [update] = await until(s, "socket_updated", (x) => x.transport === "websocket" && x.nsp === "/");
  say("upgraded", { update });
  user.emit("hi", { n: 1 }, Buffer.from([1, 2, 3]));
  const [nsp, id, args] = await until(s, "event_received", (n) => n === "/");
  say("received", { nsp, id, args: [args[0], args[1], Buffer.from(args[2]).toString("hex")] });
  const [, , sent] = await until(s, "event_sent", (n) => n === "/");
  say("sent", { args: sent });

  s.emit("join", "/", "vip", user.id);
  say("joined", { args: await until(s, "room_joined", (n, room) => room === "vip") });
  s.emit("emit", "/", "vip", "notice", { text: "hello" });
  await until(s, "event_sent", (n, i, a) => a[0] === "notice");
  s.emit("leave", "/", "vip", undefined);
  say("left", { args: await until(s, "room_left", (n, room) => room === "vip") });
  const gone = new Promise((resolve) => user.once("disconnect", resolve));
  s.emit("_disconnect", "/", false, user.id);
  const [, goneID, reason] = await until(s, "socket_disconnected", (n) => n === "/");
  say("gone", { same: goneID === id, reason, client: await gone, notice: got.find((e) => e[0] === "notice") });
  const [stats] = await until(s, "server_stats", (x) => x.aggregatedEvents.some((e) => e.type === "rawConnection"));
  say("stats", { stats });
  user.close();
  s.close();
}

async function browser() {
  mkdirSync(o.out, { recursive: true });
  const b = await chromium.launch({ executablePath: o.chromium, args: ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const errors = [];
  let page;
  const shot = (name) => page.screenshot({ path: `${o.out}/${name}.png` });
  try {
    page = await b.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("pageerror", (e) => errors.push(e.message));
    await page.route((u) => u.hostname !== "127.0.0.1", (r) => r.abort()); // fonts from elsewhere
    const user = io(o.url, options({}));
    await new Promise((resolve) => user.once("connect", resolve));
    await page.goto(o.ui);
    const field = (label) => page.getByLabel(label, { exact: true });
    await field("Server URL").fill(o.url);
    await field("Username").fill(o.username);
    await field("Password").fill("wrong");
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByText("Invalid credentials", { exact: false }).first().waitFor();
    say("browser-refused");
    await field("Password").fill(o.password);
    await page.getByRole("button", { name: "Connect" }).click();
    await page.locator(".v-dialog--active").waitFor({ state: "hidden" });
    await page.getByText("Clients").first().waitFor();
    await page.goto(o.ui + "#/servers/");
    await page.getByText("server-1").first().waitFor();
    await shot("dashboard");
    await page.goto(o.ui + "#/sockets/");
    await page.getByText(user.id).first().waitFor();
    await shot("sockets");
    user.emit("hi", 1);
    await page.goto(o.ui + "#/events/");
    await page.getByText("hi", { exact: true }).first().waitFor();
    await shot("events");
    await page.goto(o.ui + "#/sockets/");
    const gone = new Promise((resolve) => user.once("disconnect", resolve));
    await page.locator("tr", { hasText: user.id }).locator("button").first().click();
    say("browser-gone", { reason: await gone });
    await page.goto(o.ui + "#/rooms/");
    await shot("rooms");
  } catch (e) {
    await shot("stuck").catch(() => {});
    say("stuck", { error: e.message, errors });
    throw e;
  } finally {
    await b.close();
  }
  say("browser-end", { errors });
}

await (o.ui ? browser() : protocol());
process.exit(0);
