// The Node reference of the differential test: socket.io with the handlers of
// cmd/conformance, once with the default parser and once with msgpack, each on
// a port of its own. It says the ports as one JSON line and runs until its
// standard input ends.
import { createServer } from "node:http";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const options = { connectTimeout: 45000, pingInterval: 25000, pingTimeout: 20000, serveClient: false };

function suite(io) {
  io.on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);
    on(socket, "message", (args) => socket.emit("message-back", ...args));
    on(socket, "message-with-ack", (args, ack) => ack(...args));
  });
  io.of("/custom").on("connection", (socket) => socket.emit("auth", socket.handshake.auth));
  io.of("/sync").on("connection", (socket) => socket.on("barrier", (ack) => ack()));
}

const isText = (v) => (typeof v === "string" ? v : "");

// on calls h with the arguments and a function that acks, whether or not the
// client wants an ack: the Go handlers have it so.
const on = (socket, ev, h) =>
  socket.on(ev, (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : () => {};
    h(args, ack);
  });

function chat(nsp) {
  nsp.use((socket, next) => {
    if (socket.handshake.auth.token === "open") return next();
    const err = new Error("not allowed");
    err.data = { code: "auth_failed", msg: "not allowed" };
    next(err);
  });
  nsp.on("connection", (socket) => {
    on(socket, "join", ([room], ack) => { socket.join(isText(room)); ack("ok"); });
    on(socket, "leave", ([room], ack) => { socket.leave(isText(room)); ack("ok"); });
    on(socket, "rooms", (_, ack) => ack([...socket.rooms].filter((r) => r !== socket.id).sort()));
    on(socket, "say", (args) => socket.to(isText(args[0])).emit("said", ...args));
    on(socket, "all", (args) => nsp.to(isText(args[0])).emit("said", ...args));
    on(socket, "except", ([room, not, ...args]) => nsp.to(isText(room)).except(isText(not)).emit("said", isText(room), ...args));
    on(socket, "question", (args) => socket.emit("question", ...args, (...answer) => socket.emit("answer", ...answer)));
    on(socket, "blob", () => socket.emit("blob", Buffer.from([1, 2, 3]), "between", { deep: [Buffer.alloc(0)] }));
    on(socket, "twice", (_, ack) => { ack(1); ack(2); });
    on(socket, "volatile", ([n]) => {
      for (let i = 0; i < n; i++) socket.volatile.emit("tick", i);
      socket.emit("ticked", n);
    });
    socket.on("disconnect", (reason) => nsp.to("watch").emit("gone", reason));
    on(socket, "drop", () => socket.conn.close());
    on(socket, "kick", () => socket.disconnect());
    on(socket, "bye", () => socket.disconnect(true));
  });
}

async function serve(parser) {
  const http = createServer();
  const io = new Server(http, { ...options, ...(parser ? { parser } : {}) });
  suite(io);
  chat(io.of("/chat"));
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  return http.address().port;
}

// An error in a handler must not end the reference: it is told instead.
process.on("uncaughtException", (err) => console.log(JSON.stringify({ ev: "uncaught", message: String(err?.stack ?? err) })));
process.stdin.resume().on("end", () => process.exit(0));
console.log(JSON.stringify({ ev: "listening", json: await serve(), msgpack: await serve(msgpack) }));
