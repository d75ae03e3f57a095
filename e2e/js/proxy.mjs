// Clients that ask again and again which of several servers they are on.
// Options: {url, clients: [{transports, parser, cookies}], times}. Says
// {ev: "asked", who: [...], transport} of each, or {ev: "lost"} and why.
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");

await Promise.all(o.clients.map(async ({ transports, parser, cookies }) => {
  // Browsers keep cookies by themselves; in Node the client wants to be told.
  const socket = io(o.url, { transports, forceNew: true, reconnection: false, withCredentials: cookies, ...(parser === "msgpack" ? { parser: msgpack } : {}) });
  const lost = new Promise((_, no) => {
    socket.on("connect_error", (e) => no(new Error(`${e.message} ${e.context?.status ?? ""}`)));
    socket.on("disconnect", (reason, details) => no(new Error(`${reason} ${details?.context?.status ?? ""}`)));
  });
  lost.catch(() => {});
  try {
    const asked = (async () => {
      const who = [];
      for (let i = 0; i < o.times; i++) who.push(await socket.emitWithAck("who"));
      while (socket.io.engine.transport.name !== transports.at(-1)) await new Promise((done) => setTimeout(done, 5));
      who.push(await socket.emitWithAck("who"));
      return who;
    })();
    say("asked", { who: await Promise.race([asked, lost]), transport: socket.io.engine.transport.name });
  } catch (e) {
    say("lost", { transports, why: e.message });
  }
  socket.removeAllListeners("disconnect");
  socket.close();
}));
say("end");
process.exit(0);
