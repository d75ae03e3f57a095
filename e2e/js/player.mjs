// One player in a process of its own, on the official client. It joins the
// lobby, queues, plays by holding a key down, and says what happens as one JSON
// object a line on standard output. Options come as one JSON argument:
//   url        http://127.0.0.1:3000
//   parser     "default" | "msgpack"
//   transports ["websocket"] | ["polling"] | ["polling","websocket"]
//   name       nickname
//   hold       "right" | "left" | "up" | "down", a second that way, a second back
//   seat       a token to take a seat with instead of queueing (resume)
//   rounds     how many rounds to play before exiting (1)
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const o = { parser: "default", transports: ["websocket"], name: "player", hold: "right", rounds: 1, queue: "arena", extra: { aim: 0.5, fire: false }, ...JSON.parse(process.argv[2]) };
const back = { left: "right", right: "left", up: "down", down: "up" };
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
const opts = {
  transports: o.transports,
  ...(o.parser === "msgpack" ? { parser: msgpack } : {}),
  reconnectionDelay: 100,
};

let rounds = 0;
let lobby;

// World is what the snapshots say, by entity id; fields stay quantised.
class World {
  entities = new Map();
  bad = 0;
  apply(s) {
    if (s.b === 0) this.entities.clear();
    else if (s.b !== this.tick) this.bad++; // a base we do not have
    for (const [id] of s.r) this.entities.delete(id);
    for (const [id, set, ...fields] of s.e) this.entities.set(id, { set, fields });
    this.tick = s.t;
  }
}

function play(seat) {
  const match = io(o.url + "/match", { ...opts, auth: (cb) => cb({ seat }) });
  const world = new World();
  const order = [];
  const started = new Map(); // first seen x,y of every ship
  const told = new Set();
  let you, ships, seq = 0, timer, snapshots = 0, state = "";
  match.on("connect", () => say("seated", { transport: match.io.engine.transport.name }));
  match.on("connect_error", (e) => say("refused", { message: e.message, data: e.data }));
  match.on("welcome", (w) => {
    order.push("welcome");
    you = w.you; state = w.state; seat = w.resume;
    say("welcome", { you, resume: w.resume, rate: w.rate, match: w.match, snap: w.snap, walls: w.world?.walls?.length ?? 0 });
    clearInterval(timer);
    timer = setInterval(() => {
      if (!world.tick) return;
      seq = Math.max(seq, world.tick) + 1;
      const key = seq % 120 < 60 ? o.hold : back[o.hold]; // to and fro: one of them is not a wall
      match.emit("input", { s: seq, k: world.tick, v: { [key]: true, ...o.extra } });
    }, 1000 / w.rate);
  });
  match.on("schema", (s) => { order.push("schema"); ships = Math.max(0, s.sets.findIndex((x) => x.name === "ships")); say("schema", { sets: s.sets.map((x) => x.name) }); });
  match.on("event", ([, name, data]) => { if (name === "match:state") { state = data.state; say("state", { state }); } });
  match.on("snapshot", (s) => {
    if (snapshots++ === 0) say("first", { order: order.join(), base: s.b });
    world.apply(s);
    if (world.bad) say("broken", { tick: s.t, base: s.b });
    for (const [id, e] of world.entities) {
      if (e.set !== ships) continue;
      const [x, y = 0] = e.fields;
      if (!started.has(id)) { started.set(id, [x, y]); continue; }
      const [x0, y0] = started.get(id);
      if (!told.has(id) && Math.abs(x - x0) + Math.abs(y - y0) > 150) { told.add(id); say("moved", { id, own: id === you, tick: s.t, acked: s.a }); }
    }
  });
  match.on("result", (r) => { say("result", { match: r.match, reason: r.reason, players: r.result?.players?.length }); });
  match.on("disconnect", (reason) => {
    clearInterval(timer);
    say("left", { reason, snapshots, transport: o.transports.join() });
    if (reason !== "io server disconnect" && reason !== "io client disconnect") return;
    match.close();
    if (++rounds >= o.rounds) backToLobby();
  });
}

// backToLobby proves that the lobby connection outlived the match.
function backToLobby() {
  if (!lobby) process.exit(0);
  lobby.emit("hello", {}, (r) => { say("lobby", { ok: r.ok, active: r.active ?? null }); lobby.close(); process.exit(0); });
}

if (o.seat) {
  play(o.seat);
} else {
  lobby = io(o.url + "/lobby", { ...opts, auth: { name: o.name } });
  lobby.on("connect_error", (e) => say("refused", { message: e.message, data: e.data }));
  lobby.on("connect", () => {
    say("connected", { transport: lobby.io.engine.transport.name });
    lobby.emit("hello", {}, (r) => {
      say("hello", { player: r.player?.id, name: r.player?.name });
      lobby.emit("queue:join", { queue: o.queue }, (q) => say("queued", q));
    });
  });
  lobby.on("queue:state", (s) => say("queue", { state: s.state, players: s.players }));
  lobby.on("match:found", (m) => { say("found", { match: m.match, players: m.players.length }); play(m.seat.token); });
  lobby.on("match:failed", (m) => say("failed", m));
}
process.on("SIGTERM", () => process.exit(0));
setTimeout(() => { say("timeout"); process.exit(3); }, o.timeout ?? 90000);
