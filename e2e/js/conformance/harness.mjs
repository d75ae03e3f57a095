// What the conformance scripts share. A script registers tests; run() performs
// each for every parser and transport, all at once, and says one JSON object a
// line: {ev:"test", name, ok, error?}, and {ev:"end"} last. Arguments: the
// server's URL; for a server with one parser a port, that of msgpack behind it.
import { Manager } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const urls = { json: process.argv[2], msgpack: process.argv[3] ?? process.argv[2] };
export const onePort = urls.json === urls.msgpack;
export const patience = 30000;

const tests = [];

// test registers a test. only narrows it: {parser, transport}.
export function test(name, body, only = {}) {
  tests.push({ name, body, only });
}

export const parsers = { json: undefined, msgpack };
export const transports = { websocket: ["websocket"], polling: ["polling"], upgrade: ["polling", "websocket"] };

// Context is what a test gets: connections that are closed behind it.
class Context {
  managers = [];
  constructor(parser, transport) {
    this.parser = parser;
    this.transport = transport;
  }
  // manager is a connection of its own.
  manager(options = {}) {
    const m = new Manager(urls[this.parser], {
      transports: transports[this.transport],
      ...(parsers[this.parser] ? { parser: parsers[this.parser] } : {}),
      reconnectionDelay: 50,
      randomizationFactor: 0,
      autoConnect: false,
      ...options,
    });
    this.managers.push(m);
    return m;
  }
  // socket is a namespace on a connection of its own, not yet connected.
  socket(nsp = "/", options = {}) {
    return this.manager(options).socket(nsp, { auth: { token: "open" }, ...options });
  }
  // joined is the same, connected.
  async joined(nsp = "/", options = {}) {
    const s = this.socket(nsp, options);
    const connected = once(s, "connect");
    s.connect();
    await connected;
    return s;
  }
  close() {
    for (const m of this.managers) {
      m.reconnection(false);
      m._close();
    }
  }
}

// once waits for an event and returns its arguments.
export function once(emitter, event, limit = patience) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} came`)), limit);
    const done = (...args) => {
      clearTimeout(timer);
      emitter.off(event, done);
      resolve(args);
    };
    emitter.on(event, done);
  });
}

// never fails when an event comes before the promise is done.
export async function never(emitter, event, promise) {
  const came = (...args) => { throw new Error(`${event} came: ${JSON.stringify(args)}`); };
  emitter.on(event, came);
  try {
    return await promise;
  } finally {
    emitter.off(event, came);
  }
}

// settled waits until the server has done all that was sent before.
export const settled = (socket) => socket.timeout(patience).emitWithAck("rooms");

export async function run() {
  const jobs = [];
  for (const parser of Object.keys(parsers)) {
    for (const transport of Object.keys(transports)) {
      for (const t of tests) {
        if ((t.only.parser ?? parser) !== parser || (t.only.transport ?? transport) !== transport) continue;
        jobs.push({ name: `${t.name}/${parser}/${transport}`, body: t.body, parser, transport });
      }
    }
  }
  const worker = async () => {
    for (let job; (job = jobs.shift()); ) {
      const c = new Context(job.parser, job.transport);
      const line = { ev: "test", name: job.name, ok: true };
      try {
        await Promise.race([
          job.body(c),
          new Promise((_, reject) => setTimeout(() => reject(new Error("did not end")), 2 * patience).unref()),
        ]);
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
}
