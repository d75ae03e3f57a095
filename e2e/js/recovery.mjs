// The official client, which comes back by itself whenever its connection
// breaks. Options: {url, parser, transports}. Says {ev: "connect", id,
// recovered} and {ev: "event", name, args} of all that it hears, offsets left
// out; answers what asks for an answer.
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
const socket = io(o.url, {
  transports: o.transports, reconnectionDelay: 50, randomizationFactor: 0,
  ...(o.parser === "msgpack" ? { parser: msgpack } : {}),
});
socket.on("connect", () => say("connect", { id: socket.id, recovered: socket.recovered === true, transport: socket.io.engine.transport.name }));
socket.on("connect_error", (e) => say("connect_error", { message: e.message }));
socket.onAny((name, ...args) => {
  const last = args.pop(); // the answer function, or the offset
  if (typeof last === "function") last("answer");
  else if (typeof last !== "string" || !/^[\w-]{8}\.[0-9a-z]+$/.test(last)) say("bare", { name, last });
  say("event", { name, args });
});
process.on("SIGTERM", () => process.exit(0));
setTimeout(() => process.exit(3), 90000);
