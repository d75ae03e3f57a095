// Users of the notifications example. Options: {url, users: [{user, parser,
// topics, mute}]}; a muted one never acks. Says one JSON object a line.
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");

for (const { user, parser, topics = [], mute, read } of o.users) {
  const socket = io(o.url, { auth: { user }, transports: ["websocket"], forceNew: true, ...(parser === "msgpack" ? { parser: msgpack } : {}) });
  socket.on("connect_error", (e) => say("refused", { user, data: e.data }));
  socket.on("inbox", (b) => say("inbox", { user, titles: b.items.map((n) => n.title), unread: b.items.filter((n) => n.id > b.read).length }));
  socket.on("notification", (n, answer) => {
    say("got", { user, title: n.title, text: n.text });
    if (!mute) answer({});
    if (read) socket.emit("read", n.id);
  });
  socket.on("connect", async () => {
    for (const t of topics) await socket.emitWithAck("subscribe", t);
    say("ready", { user });
  });
}
process.on("SIGTERM", () => process.exit(0));
setTimeout(() => process.exit(0), 90000);
