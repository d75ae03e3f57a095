// A client of the sample, with the official client's own types. The line
// below each ts-expect-error must not compile.
import { io, Manager, type Socket } from "socket.io-client";
import type { Ack, ArenaEntity, ArenaGame, ChatRoom, ConnectError, ErrorReply, Games, Match, Message, Posted } from "./sample";
import type { Refused } from "./nothing";

type Chat = Socket<ChatRoom.ServerToClientEvents, ChatRoom.ClientToServerEvents>;
type Play = Socket<Match.ServerToClientEvents<ArenaGame>, Match.ClientToServerEvents<ArenaGame>>;
type AnyPlay = Socket<Match.ServerToClientEvents, Match.ClientToServerEvents>;

const auth: ChatRoom.Auth = { token: "t" };
const chat: Chat = io("http://localhost/chat-room", { auth });
const play: Play = new Manager("http://localhost").socket("/match");
const anyPlay: AnyPlay = io("/match");

export async function talk(): Promise<void> {
  const from = { name: "ann" };
  const full = { at: new Date().toISOString(), blob: new Uint8Array(3), from, text: "hi" };
  const answer = await chat.emitWithAck("post", full);
  if (answer.ok) {
    const id: string = answer.id;
    const yes: true = answer.ok;
    console.log(id, yes);
    // @ts-expect-error an answer that is ok has no error
    console.log(answer.err);
  } else {
    const err: ErrorReply = answer.err;
    const retry: number | undefined = answer.err.retryMs;
    console.log(err.code, retry);
    // @ts-expect-error a refusal has no id
    console.log(answer.id);
  }
  const timed: Ack<Posted> = await chat.timeout(1000).emitWithAck("post", { ...full, mood: "red", level: 2, age: 3 } as typeof full & { mood: "red" });
  console.log(timed.ok);
  chat.emit("post", { ...full, blob: new ArrayBuffer(2), level: null, tags: ["a"], where: [1, 2] }, (reply) => console.log(reply.ok));
  chat.emit("typing");
  chat.emit("new", "thing");
  const count: number | Refused = await chat.emitWithAck("count");
  if (typeof count === "number") console.log(count.toFixed());
  const found = await chat.emitWithAck("find", { name: "ann", age: null });
  if (found !== null && !("ok" in found)) console.log(found[0]?.text);

  // @ts-expect-error no such event
  chat.emit("shout", "hi");
  // @ts-expect-error the text is required
  chat.emit("post", { at: "", blob: new Uint8Array(1), from }, () => {});
  // @ts-expect-error not one of the moods
  chat.emit("post", { ...full, mood: "green" }, () => {});
  // @ts-expect-error not one of the levels
  chat.emit("post", { ...full, level: 4 }, () => {});
  // @ts-expect-error no such field
  chat.emit("post", { at: "", blob: new Uint8Array(1), from, text: "", txt: "" }, () => {});
  // @ts-expect-error a tuple of two
  chat.emit("post", { ...full, where: [1] }, () => {});
  // @ts-expect-error bytes are not text
  chat.emit("post", { ...full, blob: "abc" }, () => {});
  // @ts-expect-error it takes nothing
  chat.emit("typing", true);
  // @ts-expect-error it takes a string
  chat.emit("new", 1);
  // @ts-expect-error it is answered
  await chat.emitWithAck("new", "thing");
  // @ts-expect-error auth needs a token
  const noAuth: ChatRoom.Auth = {};
  console.log(noAuth);
}

chat.on("message", (m: Message) => {
  const who: string = m.from.name;
  const age: number | null = m.from.age;
  const odd: string = m["odd-name"];
  const mood: "red" | "blue" = m.mood;
  const at: string = m.at;
  console.log(who, age, odd, mood, at, m.grid[0]?.[0], m.counts?.["1"]?.[0], m.inline.A);
  // @ts-expect-error nil lists are null
  console.log(m.tags.length);
});
chat.on("strange!", (s) => {
  console.log(s?.tree?.[0]?.[0]?.length, s?.dict?.["a"]?.["b"], s?.ring?.[0]?.[0], s?.pages.items?.[0]?.items?.[0]?.name);
});
chat.on("tree", (n) => console.log(n.kids[0]?.kids[0]?.text));
chat.on("bye", () => {});
chat.on("alive", (n, ack) => {
  ack(n > 1);
  // @ts-expect-error it wants a boolean
  ack("yes");
});
chat.on("disconnect", (reason) => console.log(reason));
chat.on("connect_error", (e: ConnectError) => console.log(e.data?.code));
// @ts-expect-error no such event
chat.on("mesage", () => {});
// @ts-expect-error it carries nothing
chat.on("bye", (m: string) => console.log(m));

play.on("welcome", (w) => {
  const width: number = w.world.w;
  console.log(width, w.you);
  // @ts-expect-error the world has no depth
  console.log(w.world.depth);
});
play.on("event", (e) => {
  const tick: number = e[0];
  switch (e[1]) {
    case "hit":
      console.log(tick, e[2].by);
      // @ts-expect-error a hit has no state
      console.log(e[2].state);
      break;
    case "match:state":
      console.log(e[2].state === "running");
      break;
    case "end": {
      const nothing: null = e[2];
      console.log(nothing);
      break;
    }
    // @ts-expect-error no such event of the game
    case "miss":
      break;
  }
});
function row(e: ArenaEntity): void {
  if (e[1] === 0) {
    const x: number = e[2];
    const fresh: boolean = e[3];
    console.log(x, fresh);
  } else {
    const n: number = e[2];
    console.log(n);
    // @ts-expect-error this set has one field
    console.log(e[3]);
  }
}
play.on("frame", (f) => f.e.forEach(row));
play.on("ended", (r) => console.log(r.result?.["ann"]));
play.emit("move", { s: 1, v: { up: true, aim: 1.5, stick: { x: 1 } } });
play.volatile.emit("move", { s: 1, v: {} });
play.emit("request", { ev: "aim:at", data: { name: "bob" } }, (reply) => console.log(reply.ok && reply.data));
play.emit("request", { ev: "stop" }, () => {});
// @ts-expect-error no such input
play.emit("move", { s: 1, v: { jump: true } });
// @ts-expect-error the input has a time
play.emit("move", { v: {} });
// @ts-expect-error no such request
play.emit("request", { ev: "dance" }, () => {});
// @ts-expect-error not what that request takes
play.emit("request", { ev: "aim:at", data: { nick: "bob" } }, () => {});

anyPlay.on("welcome", (w) => {
  const world: unknown = w.world;
  console.log(world);
});
const name: keyof Games = "a-b";
console.log(name);
