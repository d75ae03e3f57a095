// Clients of the chat example, all in this process: each joins the room, waits
// until everybody it expects is there, says one line and waits for the lines of
// the others. Options: {url, room, expect: [name], clients: [{name, parser,
// transports}]}. Says one JSON object a line.
import { io as io4 } from "socket.io-client";
import io2 from "socket.io-client-v2";
import msgpack from "socket.io-msgpack-parser";

const o = { room: "garden", ...JSON.parse(process.argv[2]) };
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");

async function chat({ name, parser, transports }) {
  const common = { transports, forceNew: true, withCredentials: true, reconnectionDelay: 100 };
  const socket = parser === "v2" ? io2(o.url, { ...common, query: { name } })
    : io4(o.url, { ...common, auth: { name }, ...(parser === "msgpack" ? { parser: msgpack } : {}) });
  const ask = (event, arg) => new Promise((done) => socket.emit(event, arg, done));
  const heard = new Map(); // name -> message
  let typed = 0, people = { rev: 0, names: [] };
  let check = () => {};
  const until = (ok) => new Promise((done) => { check = () => ok() && done(); check(); });
  const newer = (p) => { if (p.rev > people.rev) people = p; check(); };
  socket.on("connect_error", (e) => say("refused", { name, message: e.message, data: e.data }));
  socket.on("disconnect", (reason) => say("disconnect", { name, reason }));
  socket.on("people", newer);
  socket.on("typing", () => typed++);
  socket.on("message", (m) => { heard.set(m.from, m); check(); });
  let first;
  socket.io.once("open", () => { first = socket.io.engine.transport.name; });
  await new Promise((done) => socket.once("connect", done));
  const joined = await ask("join", { room: o.room });
  joined.messages.forEach((m) => heard.set(m.from, m));
  newer(joined.people);
  if (!o.expect) { // a visitor
    say("visited", { name, history: joined.messages.length, names: joined.people.names });
    const long = await ask("say", { room: o.room, text: "x".repeat(501) });
    const wrong = await ask("say", { room: 7 });
    const outside = await ask("say", { room: "elsewhere", text: "x" });
    await ask("leave", { room: o.room });
    const left = await ask("say", { room: o.room, text: "x" });
    say("refusals", { codes: [long, wrong, outside, left].map((r) => r.err?.code) });
    return socket.close();
  }
  await until(() => o.expect.every((n) => people.names.includes(n)));
  socket.io.engine.on("upgrade", () => check());
  await until(() => socket.io.engine.transport.name === transports.at(-1));
  socket.emit("typing", { room: o.room });
  // What JSON clients cut off inside an emoji arrives too, as U+FFFD.
  const cut = parser === "msgpack" ? "" : "😀".slice(0, 1);
  const mine = await ask("say", { room: o.room, text: `I am ${name} 😀${cut}` });
  heard.set(name, mine);
  await until(() => o.expect.every((n) => {
    const m = heard.get(n);
    return m?.text === `I am ${n} 😀${m?.via === "json" ? "\ufffd" : ""}`;
  }));
  say("heard", { name, first, last: socket.io.engine.transport.name, via: Object.fromEntries([...heard].map(([n, m]) => [n, m.via])), typed });
  return socket;
}

const sockets = await Promise.all(o.clients.map(chat));
say("all");
process.on("SIGTERM", () => process.exit(0));
if (!o.expect) process.exit(0);
setTimeout(() => process.exit(0), 90000); // stays for those who come later
void sockets;
