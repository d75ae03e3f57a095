// Socket.IO v2 as its official client speaks it, over Engine.IO v3, with clients
// of v4 in the same rooms. Lines as in harness.mjs. Arguments: the URL of a
// server that lets v2 in, and of one that does not.
import assert from "node:assert/strict";
import io2 from "socket.io-client-v2";
import { io as io4 } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const [open, shut] = process.argv.slice(2);
const patience = 30000;
const transports = { websocket: ["websocket"], polling: ["polling"], base64: ["websocket"], upgrade: ["polling", "websocket"] };
const tests = [];
const test = (name, body) => tests.push({ name, body });

function once(emitter, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} came`)), patience);
    emitter.once(event, (...args) => (clearTimeout(timer), resolve(args)));
  });
}
const ask = (socket, ...args) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`no ack of ${args[0]}`)), patience);
  socket.emit(...args, (...answer) => (clearTimeout(timer), resolve(answer)));
});

class Context {
  sockets = [];
  constructor(kind) { this.kind = kind; }
  // socket is a namespace of v2, with its query, on a connection of its own.
  socket(nsp = "/", { url = open, ...options } = {}) {
    const s = io2(url + nsp, {
      transports: transports[this.kind], forceNew: true, reconnectionDelay: 50, randomizationFactor: 0,
      ...(this.kind === "base64" ? { forceBase64: true } : {}), ...options,
    });
    this.sockets.push(s);
    return s;
  }
  async joined(nsp = "/", options) {
    const s = this.socket(nsp, options);
    await once(s, "connect");
    return s;
  }
  // modern is one of v4.
  async modern(nsp, options) {
    const s = io4(open + nsp, { transports: ["websocket"], forceNew: true, auth: { token: "open" }, ...options });
    this.sockets.push(s);
    await once(s, "connect");
    return s;
  }
  close() { this.sockets.forEach((s) => s.close()); }
}

test("ids are those that the client computes", async (c) => {
  const s = await c.joined();
  assert.equal(s.id, s.io.engine.id);
  const custom = s.io.socket("/custom");
  const [auth] = await once(custom, "auth");
  assert.deepEqual(auth, {});
  assert.equal(custom.id, `/custom#${s.io.engine.id}`);
});

test("the query of a namespace is its auth", async (c) => {
  const s = c.socket("/custom?token=t%20ü&n=1");
  assert.deepEqual(await once(s, "auth"), [{ token: "t ü", n: "1" }]);
});

test("what middleware refuses, and what is not there, is an error", async (c) => {
  const [refused] = await once(c.socket("/chat?token=wrong"), "error");
  assert.deepEqual({ code: refused.code, msg: refused.msg }, { code: "auth_failed", msg: "not allowed" });
  assert.deepEqual(await once(c.socket("/nowhere"), "error"), ["Invalid namespace"]);
});

const bytes = (...b) => Buffer.from(b);
const values = [
  [null], [true, 1, -1.5, "text"], ["", "日本 🎮", "a\u001eb", "tab\t nul\0"], [{ a: [1, { b: [] }] }],
  ["x".repeat(300), "🎮".repeat(20000)], [bytes()], [bytes(0, 1, 255)], [{ deep: [bytes(4), "between", bytes(0x1e)] }],
  [Buffer.alloc(70000, 7)], [bytes(1), bytes(2), bytes(3), bytes(4), bytes(5), bytes(6), bytes(7), bytes(8), bytes(9), bytes(10)],
];

test("every value and every binary comes back, in events and in acks", async (c) => {
  const s = await c.joined();
  for (const args of values) {
    const heard = once(s, "message-back");
    s.emit("message", ...args);
    assert.deepEqual(await heard, args);
    assert.deepEqual(await ask(s, "message-with-ack", ...args), args);
  }
});

test("half a surrogate pair comes back as U+FFFD", async (c) => {
  const s = await c.joined();
  assert.deepEqual(await ask(s, "message-with-ack", "🎮".slice(0, 1)), ["\ufffd"]);
});

test("many at once come back in order", async (c) => {
  const s = c.socket();
  const got = [];
  const all = new Promise((done) => s.on("message-back", (n) => got.push(n) === 1000 && done()));
  for (let i = 0; i < 500; i++) s.emit("message", i); // before it is connected
  await once(s, "connect");
  for (let i = 500; i < 1000; i++) s.emit("message", i); // some of them during the upgrade
  await all;
  assert.deepEqual(got, Array.from({ length: 1000 }, (_, i) => i));
});

test("the server's binaries and questions", async (c) => {
  const s = await c.joined("/chat?token=open");
  const blob = once(s, "blob");
  s.emit("blob");
  assert.deepEqual(await blob, [bytes(1, 2, 3), "between", { deep: [bytes()] }]);
  s.on("question", (a, b, ack) => ack(b, a));
  const answer = once(s, "answer");
  s.emit("question", bytes(9), "x");
  assert.deepEqual(await answer, ["x", bytes(9)]);
});

test("rooms hold v2, and v4 of both parsers", async (c) => {
  const room = `room-${c.kind}`;
  const a = await c.joined("/chat?token=open");
  const others = [await c.joined("/chat?token=open"), await c.modern("/chat"), await c.modern("/chat", { parser: msgpack })];
  for (const s of [a, ...others]) assert.deepEqual(await ask(s, "join", room), ["ok"]);
  assert.deepEqual(await ask(a, "rooms"), [[room]]);
  const args = ["to all 🎮", { bin: bytes(1, 2), n: 1.5 }];
  for (const from of [a, ...others]) {
    const rest = [a, ...others].filter((s) => s !== from);
    const heard = Promise.all(rest.map((s) => once(s, "said")));
    from.emit("say", room, ...args);
    for (const h of await heard) assert.deepEqual(h, [room, ...args]);
  }
  await ask(a, "leave", room);
  assert.deepEqual(await ask(a, "rooms"), [[]]);
});

test("kicked, it stays away; dropped, it comes back", async (c) => {
  const s = await c.joined("/chat?token=open");
  let gone = once(s, "disconnect");
  s.emit("kick");
  assert.deepEqual(await gone, ["io server disconnect"]);
  s.open();
  await once(s, "connect");
  gone = once(s, "disconnect");
  const back = once(s, "reconnect");
  s.emit("drop");
  assert.match((await gone)[0], /^transport (close|error)$/);
  await back;
  assert.deepEqual(await ask(s, "rooms"), [[]]);
});

test("it leaves one namespace and keeps the other", async (c) => {
  const s = await c.joined();
  const chat = s.io.socket("/chat", { query: { token: "open" } });
  await once(chat, "connect");
  chat.close();
  assert.deepEqual(await ask(s, "message-with-ack", 1), [1]);
  chat.open();
  await once(chat, "connect");
  assert.deepEqual(await ask(chat, "rooms"), [[]]);
});

test("heartbeats keep it", async (c) => {
  const s = await c.joined();
  let pongs = 0;
  const enough = new Promise((done) => s.io.engine.on("heartbeat", () => ++pongs === 3 && done()));
  await Promise.race([enough, once(s, "disconnect").then(([why]) => { throw new Error(why); })]);
  assert.deepEqual(await ask(s, "message-with-ack", 1), [1]);
});

test("the transport is the one asked for", async (c) => {
  const s = await c.joined();
  const last = transports[c.kind].at(-1);
  if (s.io.engine.transport.name !== last) await once(s.io.engine, "upgrade");
  assert.equal(s.io.engine.transport.name, last);
  assert.equal(s.io.engine.transport.supportsBinary, !["base64", "polling"].includes(c.kind)); // Node's XHR has none
});

test("with the switch off it is refused, and told why", async (c) => {
  const s = c.socket("/", { url: shut, reconnection: false });
  const [err] = await once(s, "connect_error");
  assert.match(err.message, /^(xhr poll error|websocket error)$/);
  if (err.message === "xhr poll error") assert.equal(err.description, 400);
  const answer = await fetch(`${shut}/socket.io/?EIO=3&transport=polling`);
  assert.equal(answer.status, 400);
  assert.deepEqual(await answer.json(), { code: 5, message: "Unsupported protocol version" });
});

const jobs = Object.keys(transports).flatMap((kind) => tests.map((t) => ({ ...t, kind })));
const worker = async () => {
  for (let job; (job = jobs.shift()); ) {
    const c = new Context(job.kind);
    const line = { ev: "test", name: `${job.name}/${job.kind}`, ok: true };
    try {
      await job.body(c);
    } catch (err) {
      Object.assign(line, { ok: false, error: String(err?.stack ?? err) });
    }
    c.close();
    console.log(JSON.stringify(line));
  }
};
await Promise.all(Array.from({ length: 8 }, worker));
console.log(JSON.stringify({ ev: "end" }));
process.exit(0);
