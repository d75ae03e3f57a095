// Clients of the chat example, all in this process: each joins the room, waits
// until everybody it expects is there, says one line and waits for the lines of
// the others. Options: {url, room, expect: [name], clients: [{name, parser,
// transports}]}. Says one JSON object a line.
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const o = { room: "garden", ...JSON.parse(process.argv[2]) };
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");

async function chat({ name, parser, transports }) {
  const socket = io(o.url, {
    auth: { name }, transports, forceNew: true, withCredentials: true, reconnectionDelay: 100,
    ...(parser === "msgpack" ? { parser: msgpack } : {}),
  });
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
  const joined = await socket.emitWithAck("join", { room: o.room });
  joined.messages.forEach((m) => heard.set(m.from, m));
  newer(joined.people);
  if (!o.expect) { // a visitor
    say("visited", { name, history: joined.messages.length, names: joined.people.names });
    const long = await socket.emitWithAck("say", { room: o.room, text: "x".repeat(501) });
    const wrong = await socket.emitWithAck("say", { room: 7 });
    const outside = await socket.emitWithAck("say", { room: "elsewhere", text: "x" });
    await socket.emitWithAck("leave", { room: o.room });
    const left = await socket.emitWithAck("say", { room: o.room, text: "x" });
    say("refusals", { codes: [long, wrong, outside, left].map((r) => r.err?.code) });
    return socket.close();
  }
  await until(() => o.expect.every((n) => people.names.includes(n)));
  socket.io.engine.on("upgrade", () => check());
  await until(() => socket.io.engine.transport.name === transports.at(-1));
  socket.emit("typing", { room: o.room });
  const mine = await socket.emitWithAck("say", { room: o.room, text: `I am ${name} 😀` });
  heard.set(name, mine);
  await until(() => o.expect.every((n) => heard.get(n)?.text === `I am ${n} 😀`));
  say("heard", { name, first, last: socket.io.engine.transport.name, via: Object.fromEntries([...heard].map(([n, m]) => [n, m.via])), typed });
  return socket;
}

const sockets = await Promise.all(o.clients.map(chat));
say("all");
process.on("SIGTERM", () => process.exit(0));
if (!o.expect) process.exit(0);
setTimeout(() => process.exit(0), 90000); // stays for those who come later
void sockets;
