// Namespaces, rooms, refusals, disconnects, reconnects and limits, as the
// official client sees them.
import assert from "node:assert/strict";
import { never, once, onePort, patience, run, settled, test } from "./harness.mjs";

const unique = (() => { let n = 0; return (c) => `${c.parser}-${c.transport}-${process.pid}-${n++}`; })();

test("namespaces share a connection and live on their own", async (c) => {
  const m = c.manager();
  const [root, chat, custom] = ["/", "/chat", "/custom"].map((n) => m.socket(n, { auth: { token: "open" } }));
  const all = Promise.all([root, chat, custom].map((s) => once(s, "connect")));
  for (const s of [root, chat, custom]) s.connect();
  await all;
  assert.equal(new Set([root.id, chat.id, custom.id]).size, 3);
  chat.disconnect();
  assert.equal(await root.timeout(patience).emitWithAck("message-with-ack", 1), 1);
  const again = once(chat, "connect");
  chat.connect();
  await again;
  await settled(chat);
});

test("an unknown namespace is refused and the connection stays", async (c) => {
  const m = c.manager();
  const root = m.socket("/");
  const connected = once(root, "connect");
  root.connect();
  await connected;
  const unknown = m.socket("/unknown");
  const refused = once(unknown, "connect_error");
  unknown.connect();
  const [err] = await refused;
  assert.equal(err.message, "Invalid namespace");
  assert.equal(unknown.active, false);
  assert.equal(await root.timeout(patience).emitWithAck("message-with-ack", 1), 1);
});

test("a middleware's refusal has message and data; better auth gets in", async (c) => {
  const s = c.socket("/chat", { auth: { token: "wrong" } });
  const refused = once(s, "connect_error");
  s.connect();
  const [err] = await refused;
  assert.equal(err.message, "not allowed");
  assert.equal(err.data.code, "auth_failed");
  assert.equal(err.data.msg, "not allowed");
  assert.equal(s.connected, false);
  s.auth = { token: "open" };
  const connected = once(s, "connect");
  s.connect();
  await connected;
});

test("a query of the URL does not change the namespace", async (c) => {
  const s = await c.joined("/chat", { query: { x: "1" } });
  await settled(s);
});

test("rooms: to, all, except, leave", async (c) => {
  const room = unique(c);
  const [a, b, out] = await Promise.all([c.joined("/chat"), c.joined("/chat"), c.joined("/chat")]);
  for (const s of [a, b]) assert.equal(await s.timeout(patience).emitWithAck("join", room), "ok");
  await b.timeout(patience).emitWithAck("join", room + "-quiet");
  assert.deepEqual(await settled(a), [room]);
  const log = { a: [], b: [], out: [] };
  a.on("said", (_, x) => log.a.push(x));
  b.on("said", (_, x) => log.b.push(x));
  out.on("said", (_, x) => log.out.push(x));
  a.emit("say", room, 1);
  a.emit("all", room, 2);
  a.emit("except", room, room + "-quiet", 3);
  await settled(a);
  out.emit("say", room, 4);
  await settled(out);
  await b.timeout(patience).emitWithAck("leave", room);
  a.emit("all", room, 5);
  for (const s of [a, b, out]) await settled(s);
  assert.deepEqual(log, { a: [2, 3, 4, 5], b: [1, 2, 4], out: [] });
});

if (onePort) test("a room holds clients of both parsers, binary included", async (c) => {
  const room = unique(c);
  const other = new c.constructor(c.parser === "json" ? "msgpack" : "json", c.transport);
  try {
    const [a, b] = await Promise.all([c.joined("/chat"), other.joined("/chat")]);
    for (const s of [a, b]) await s.timeout(patience).emitWithAck("join", room);
    const heard = [once(a, "said"), once(b, "said")];
    a.emit("all", room, { deep: [Buffer.from([1, 2])] }, "ü");
    for (const h of heard) assert.deepEqual(await h, [room, { deep: [Buffer.from([1, 2])] }, "ü"]);
  } finally {
    other.close();
  }
});

test("the server hears why a client has gone", async (c) => {
  const watcher = await c.joined("/chat");
  await watcher.timeout(patience).emitWithAck("join", "watch");
  const reasons = new Set();
  watcher.on("gone", (r) => reasons.add(r));
  const heard = async (reason) => {
    while (!reasons.has(reason)) await once(watcher, "gone");
  };
  (await c.joined("/chat")).disconnect();
  await heard("client namespace disconnect");
  (await c.joined("/chat")).emit("kick");
  await heard("server namespace disconnect");
  (await c.joined("/chat")).io.engine.close();
  await heard("transport close");
}, { parser: "json" });

test("client.disconnect is final", async (c) => {
  const s = await c.joined("/chat");
  const gone = once(s, "disconnect");
  s.disconnect();
  assert.equal((await gone)[0], "io client disconnect");
  assert.equal(s.active, false);
});

for (const how of ["kick", "bye"]) {
  test(`a server's disconnect is final until asked (${how})`, async (c) => {
    const s = await c.joined("/chat");
    const id = s.id;
    const gone = once(s, "disconnect");
    s.emit(how);
    assert.equal((await gone)[0], "io server disconnect");
    assert.equal(s.active, false);
    const back = once(s, "connect");
    s.connect();
    await back;
    assert.notEqual(s.id, id);
    assert.deepEqual(await settled(s), []);
  });
}

test("bye leaves no namespace of the connection", async (c) => {
  const m = c.manager();
  const [root, chat] = ["/", "/chat"].map((n) => m.socket(n, { auth: { token: "open" } }));
  const both = Promise.all([root, chat].map((s) => once(s, "connect")));
  for (const s of [root, chat]) s.connect();
  await both;
  const gone = Promise.all([root, chat].map((s) => once(s, "disconnect")));
  chat.emit("bye");
  assert.deepEqual(await gone, [["io server disconnect"], ["io server disconnect"]].map(([r]) => [r, undefined]));
});

test("after a lost transport the client comes back by itself, with a new id and no rooms", async (c) => {
  const s = await c.joined("/chat");
  await s.timeout(patience).emitWithAck("join", unique(c));
  const id = s.id;
  const gone = once(s, "disconnect");
  s.emit("drop");
  const [reason] = await gone;
  assert.ok(["transport close", "transport error"].includes(reason), reason);
  await once(s, "connect");
  assert.notEqual(s.id, id);
  assert.ok(!s.recovered);
  assert.deepEqual(await settled(s), []);
});

test("the heartbeat keeps an idle client", async (c) => {
  const s = await c.joined("/chat");
  let pings = 0;
  s.io.on("ping", () => pings++);
  await never(s, "disconnect", new Promise((resolve) => {
    const t = setInterval(() => { if (pings >= 2) { clearInterval(t); resolve(); } }, 50);
  }));
  await settled(s);
});

const upgraded = (s) => (s.io.engine.transport.name === "websocket" ? Promise.resolve() : once(s.io.engine, "upgrade"));

test("an upgrade loses, doubles and reorders nothing", async (c) => {
  const s = await c.joined();
  const heard = [];
  const last = new Promise((resolve) => s.on("message-back", (i) => { heard.push(i); if (i === "last") resolve(); }));
  let sent = 0, done = false;
  upgraded(s).then(() => (done = true));
  while (!done || sent < 50) {
    s.emit("message", sent++);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  s.emit("message", "last");
  await last;
  assert.equal(s.io.engine.transport.name, "websocket");
  assert.deepEqual(heard, [...Array(sent).keys(), "last"]);
}, { transport: "upgrade" });

test("polling stays polling", async (c) => {
  const s = await c.joined();
  await s.timeout(patience).emitWithAck("message-with-ack", 1);
  assert.equal(s.io.engine.transport.name, "polling");
}, { transport: "polling" });

test("ten attachments are taken, eleven end the connection; msgpack has none", async (c) => {
  const s = await c.joined("/", { reconnection: false });
  const bins = (n) => Array.from({ length: n }, (_, i) => Buffer.from([i]));
  assert.equal((await s.timeout(patience).emitWithAck("message-with-ack", bins(10))).length, 10);
  if (c.parser === "msgpack") {
    assert.equal((await s.timeout(patience).emitWithAck("message-with-ack", bins(200))).length, 200);
    return;
  }
  const gone = once(s, "disconnect");
  s.emit("message", bins(11));
  assert.match((await gone)[0], /^transport (close|error)$/);
});

test("a message just below the limit passes", async (c) => {
  const s = await c.joined();
  const big = "x".repeat(c.parser === "msgpack" ? 740_000 : 990_000); // base64 on polling
  assert.equal((await s.timeout(patience).emitWithAck("message-with-ack", big)).length, big.length);
});

test("a message above the limit ends the connection: 1009 or 413", async (c) => {
  const s = await c.joined("/", { reconnection: false });
  if (c.transport === "upgrade") await upgraded(s);
  const gone = once(s, "disconnect");
  s.emit("message", "x".repeat(1_000_100));
  const [reason, details] = await gone;
  if (c.transport === "polling") {
    assert.equal(reason, "transport error");
    assert.equal(details.description, 413);
  } else {
    assert.equal(reason, "transport close");
    assert.equal(details.context.code, 1009);
  }
});

test("a hundred clients connect at once", async (c) => {
  const sockets = await Promise.all(Array.from({ length: 100 }, () => c.joined("/custom")));
  assert.equal(new Set(sockets.map((s) => s.id)).size, 100);
}, { parser: "msgpack" });

await run();
