// Events, acks, binary and values, as the official client sees them.
import assert from "node:assert/strict";
import { once, patience, run, settled, test } from "./harness.mjs";

const bytes = (...b) => Buffer.from(b);
const asBuffer = (v) => (Buffer.isBuffer(v) ? v : Buffer.from(v));

test("connect gives a public id of 20 characters that is not the session's", async (c) => {
  const s = await c.joined();
  assert.match(s.id, /^[\w-]{20}$/);
  assert.notEqual(s.id, s.io.engine.id);
  assert.match(s.io.engine.id, /^[\w-]{20}$/);
  assert.ok(!s.recovered);
});

test("the auth payload arrives as it was sent", async (c) => {
  for (const auth of [{}, { token: "open", n: 1.5, deep: { list: [1, null, "ü"] } }, (cb) => cb({ late: true })]) {
    const s = c.socket("/", { auth });
    const heard = once(s, "auth");
    s.connect();
    const want = typeof auth === "function" ? { late: true } : auth;
    assert.deepEqual(await heard, [want]);
  }
});

test("no auth payload is an empty object", async (c) => {
  const s = c.socket("/", { auth: undefined });
  const heard = once(s, "auth");
  s.connect();
  assert.deepEqual(await heard, [{}]);
});

const values = [
  [], [null], [true, false], [0, 1, -1, 127, 128, 255, 256, 65535, 65536, -32, -33, -128, -129, -32768, -32769],
  [2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 0.1, -1.5e-7, 1e15 + 0.5], // larger ones the client's msgpack breaks
  ["", "text", "<&>\u2028\u2029", "日本 🎮", "quote\" back\\ tab\t nul\0"],
  [{}, [], [[[]]], { a: { b: { c: [{}] } } }],
  [{ "": 1, "2": "b", "1": "a", key: undefined ?? null }],
  ["x".repeat(300), "y".repeat(70000)],
  [Array.from({ length: 1000 }, (_, i) => i)],
];

test("every value comes back as it was, in events and in acks", async (c) => {
  const s = await c.joined();
  for (const args of values) {
    const heard = once(s, "message-back");
    s.emit("message", ...args);
    assert.deepEqual(await heard, args);
    const acked = await new Promise((resolve) => s.emit("message-with-ack", ...args, (...a) => resolve(a)));
    assert.deepEqual(acked, args);
  }
});

test("undefined is null in an array", async (c) => {
  const s = await c.joined();
  const heard = once(s, "message-back");
  s.emit("message", [undefined, 1], 2);
  const [[first, second], two] = await heard;
  assert.deepEqual([first ?? null, second, two], [null, 1, 2]);
});

test("a Date is a Date with msgpack and text with JSON", async (c) => {
  const s = await c.joined();
  const date = new Date(1700000000123);
  const back = await s.timeout(patience).emitWithAck("message-with-ack", date);
  assert.deepEqual(back, c.parser === "msgpack" ? date : date.toISOString());
});

test("binary comes back as it was, in events and in acks", async (c) => {
  const s = await c.joined();
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  for (const args of [
    [bytes()], [bytes(0)], [all], [bytes(1), "between", bytes(2)], [{ deep: [{ deeper: bytes(3) }], n: 1 }],
    [bytes(4, 0x1e, 0xff)], [Buffer.from("4text")], [bytes(1), bytes(2), bytes(3), bytes(4), bytes(5), bytes(6), bytes(7), bytes(8), bytes(9), bytes(10)],
    [Buffer.alloc(70000, 7)],
  ]) {
    const heard = once(s, "message-back");
    s.emit("message", ...args);
    assert.deepEqual(await heard, args);
    const acked = await new Promise((resolve) => s.emit("message-with-ack", ...args, (...a) => resolve(a)));
    assert.deepEqual(acked, args);
  }
});

test("typed arrays and ArrayBuffers arrive as binary", async (c) => {
  const s = await c.joined();
  for (const v of [new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3]).buffer, new Uint8Array([9]).buffer, new Uint8Array(8).buffer]) {
    const back = await s.timeout(patience).emitWithAck("message-with-ack", v);
    assert.deepEqual(asBuffer(back), Buffer.from(v));
  }
});

test("the server sends binary", async (c) => {
  const s = await c.joined("/chat");
  const heard = once(s, "blob");
  s.emit("blob");
  assert.deepEqual(await heard, [bytes(1, 2, 3), "between", { deep: [bytes()] }]);
});

test("the server's questions are answered", async (c) => {
  const s = await c.joined("/chat");
  s.on("question", (a, b, ack) => ack({ sum: a + b, bin: bytes(1, 2) }, "and more"));
  for (let i = 0; i < 5; i++) {
    const heard = once(s, "answer");
    s.emit("question", i, 1);
    assert.deepEqual(await heard, [{ sum: i + 1, bin: bytes(1, 2) }, "and more"]);
  }
});

test("an ack comes once", async (c) => {
  const s = await c.joined("/chat");
  const acks = [];
  s.emit("twice", (v) => acks.push(v));
  await settled(s);
  assert.deepEqual(acks, [1]);
});

test("an event that nobody handles is no error, and its ack never comes", async (c) => {
  const s = await c.joined("/chat");
  await assert.rejects(s.timeout(200).emitWithAck("nobody", 1), /timed out/);
  await settled(s);
  assert.ok(s.connected);
});

test("ordinary names that look like special ones", async (c) => {
  const s = await c.joined("/chat");
  for (const name of ["error", "connection", "message", "ping", "pong", "open", "close", "data", "constructor", "__proto__", "toString"]) {
    s.emit(name, "x");
  }
  await settled(s);
  assert.ok(s.connected);
});

test("a thousand events at once keep their order both ways", async (c) => {
  const s = await c.joined();
  const heard = [];
  const last = new Promise((resolve) => s.on("message-back", (i) => { heard.push(i); if (i === 999) resolve(); }));
  for (let i = 0; i < 1000; i++) s.emit("message", i, i % 100 === 0 ? bytes(i & 255) : "text");
  await last;
  assert.deepEqual(heard, Array.from({ length: 1000 }, (_, i) => i));
});

test("what the client buffers before it is connected arrives", async (c) => {
  const s = c.socket();
  const heard = once(s, "message-back");
  s.emit("message", "early", bytes(1));
  s.connect();
  assert.deepEqual(await heard, ["early", bytes(1)]);
});

test("a client that retries gets its acks", async (c) => {
  const s = await c.joined("/", { retries: 3, ackTimeout: patience });
  const acks = await Promise.all([1, 2, 3].map((i) => s.emitWithAck("message-with-ack", i)));
  assert.deepEqual(acks, [1, 2, 3]);
});

test("volatile events of the server are dropped or arrive, and disturb nothing", async (c) => {
  const s = await c.joined("/chat");
  const ticks = [];
  s.on("tick", (i) => ticks.push(i));
  const done = once(s, "ticked");
  s.emit("volatile", 50);
  assert.deepEqual(await done, [50]);
  assert.ok(ticks.every((t, i) => i === 0 || t > ticks[i - 1]), `in order: ${ticks}`);
});

test("volatile events of the client arrive when it is connected", async (c) => {
  const s = await c.joined();
  await s.timeout(patience).emitWithAck("message-with-ack");
  await new Promise((resolve) => setTimeout(resolve, 20));
  const heard = once(s, "message-back");
  s.volatile.emit("message", 1);
  assert.deepEqual(await heard, [1]);
}, { transport: "websocket" });

await run();
