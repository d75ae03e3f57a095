// The Node counterpart of bench/serve-sio, handler by handler.
import { createServer } from "node:http";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const [parser, ping] = process.argv.slice(2);
const http = createServer();
const io = new Server(http, {
  pingInterval: Number(ping),
  serveClient: false,
  ...(parser === "msgpack" ? { parser: msgpack } : {}),
});
// What socket.io's page on memory usage advises.
io.engine.on("connection", (raw) => { raw.request = null; });

io.on("connection", (socket) => {
  socket.join("hall");
  socket.on("say", (news) => io.to("hall").emit("news", news));
});

http.listen(0, "127.0.0.1", 4096, () => console.log(`url=http://127.0.0.1:${http.address().port}`));
process.on("SIGTERM", () => process.exit(0));
