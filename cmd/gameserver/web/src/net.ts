// One Socket.IO connection, two namespaces. Everything that is told by the
// server leaves this file through NetEvents; nothing here knows the page.

import type { PlainSnapshot } from "gameserver-client";
import { Manager, type Socket } from "socket.io-client";
import * as parser from "socket.io-msgpack-parser";
import type {
  Ack,
  GameEvent,
  Hello,
  InputValue,
  LobbyEmits,
  LobbyListens,
  MatchAuth,
  MatchEmits,
  MatchFound,
  MatchListens,
  MatchLost,
  MatchResult,
  QueueState,
  Schema,
  Welcome,
  WireError,
} from "./wire";

const ACK_MS = 6000;
const SESSION_KEY = "arena.session";

export type Link = "connecting" | "online" | "reconnecting" | "offline";

export interface NetEvents {
  link(state: Link): void;
  hello(h: Hello): void;
  queue(q: QueueState): void;
  found(m: MatchFound): void;
  lost(m: MatchLost): void;
  drain(): void;
  welcome(w: Welcome): void;
  schema(s: Schema): void;
  snapshot(s: PlainSnapshot | Uint8Array): void;
  event(e: GameEvent): void;
  result(r: MatchResult): void;
  /** Tick of the last snapshot of a match, by which it can go on after a lost connection; 0 to begin anew. */
  held(): number;
  /** /match is over without a result; null when the server only said goodbye. */
  ejected(err: WireError | null): void;
  /** /lobby refused or dropped this client for good. */
  refused(err: WireError): void;
}

/** An answer {ok:false}, or no answer. */
export class RequestError extends Error {
  constructor(readonly err: WireError) {
    super(err.msg);
  }
}

export class Net {
  private readonly manager: Manager;
  private readonly lobby: Socket<LobbyListens, LobbyEmits>;
  private readonly match: Socket<MatchListens, MatchEmits>;
  private name = "";
  private seat = "";
  private inMatch = false;
  private link: Link = "connecting";
  private greeted: Promise<void> = Promise.resolve();
  private settle: (() => void) | null = null;

  constructor(private readonly on: NetEvents) {
    this.manager = new Manager({
      autoConnect: false,
      parser,
      // WebSocket at once; where it does not get through, polling with upgrade.
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      timeout: 8000,
      reconnectionDelay: 250,
      reconnectionDelayMax: 3000,
      randomizationFactor: 0.5,
    });
    this.lobby = this.manager.socket("/lobby", {
      auth: (give: (a: object) => void) => give({ name: this.name, session: session() }),
    });
    this.match = this.manager.socket("/match", {
      auth: (give: (a: MatchAuth) => void) => give({ seat: this.seat, snap: 1, ack: this.on.held(), check: true }),
    });
    this.watchManager();
    this.watchLobby();
    this.watchMatch();
  }

  private watchManager(): void {
    this.manager.on("open", () => this.setLink("online"));
    this.manager.on("close", () => this.setLink(this.link === "offline" ? "offline" : "reconnecting"));
    this.manager.on("reconnect_failed", () => this.setLink("offline"));
  }

  private watchLobby(): void {
    const s = this.lobby;
    s.on("connect", () => void this.greet());
    s.on("connect_error", (e: Error & { data?: WireError }) => {
      if (e.data !== undefined) this.on.refused(e.data);
    });
    s.on("disconnect", (reason) => {
      this.awaitGreeting();
      if (reason === "io server disconnect") {
        this.on.refused({ code: "unavailable", msg: "the server closed the lobby for this player" });
      }
    });
    s.on("queue:state", (q) => this.on.queue(q));
    s.on("match:found", (m) => this.on.found(m));
    s.on("match:void", (m) => this.on.lost(m));
    s.on("match:failed", (m) => this.on.lost(m));
    s.on("server:drain", () => this.on.drain());
  }

  private watchMatch(): void {
    const s = this.match;
    s.on("welcome", (w) => {
      this.seat = w.resume;
      this.on.welcome(w);
    });
    s.on("schema", (v) => this.on.schema(v));
    s.on("snapshot", (v) => this.on.snapshot(v));
    s.on("s", (v) => this.on.snapshot(v instanceof Uint8Array ? v : new Uint8Array(v)));
    s.on("event", (v) => this.on.event(v));
    s.on("result", (v) => {
      this.inMatch = false;
      this.on.result(v);
    });
    s.on("connect_error", (e: Error & { data?: WireError }) => {
      if (e.data !== undefined) this.eject(e.data);
    });
    s.on("disconnect", (reason) => {
      if (reason === "io server disconnect") this.eject(null);
    });
  }

  private eject(err: WireError | null): void {
    if (!this.inMatch) return;
    this.inMatch = false;
    this.on.ejected(err);
  }

  private setLink(state: Link): void {
    if (this.link === state) return;
    this.link = state;
    this.on.link(state);
  }

  private awaitGreeting(): void {
    if (this.settle !== null) return;
    this.greeted = new Promise((done) => (this.settle = done));
  }

  private async greet(): Promise<void> {
    try {
      const h = await answerOf(this.lobby.timeout(ACK_MS).emitWithAck("hello", { v: 1 }));
      sessionStorage.setItem(SESSION_KEY, h.session);
      this.on.hello(h);
      this.settle?.();
      this.settle = null;
    } catch (e) {
      // A lost connection reconnects and greets again; a refusal is final.
      if (e instanceof RequestError && e.err.code !== "timeout") this.on.refused(e.err);
    }
  }

  /** Connects as name; with another name than before, connects /lobby anew. */
  async connect(name: string): Promise<void> {
    if (this.name !== name || !this.lobby.active) {
      const renamed = this.lobby.connected;
      this.name = name;
      this.awaitGreeting();
      if (renamed) this.lobby.disconnect();
      this.lobby.connect();
    }
    await this.greeted;
  }

  /** Asks again what this player is part of; the answer comes as hello. */
  async refresh(): Promise<void> {
    await this.greet();
  }

  async join(): Promise<void> {
    const rid = Math.random().toString(36).slice(2, 12);
    await answerOf(this.lobby.timeout(ACK_MS).emitWithAck("queue:join", { queue: "arena", rid }));
  }

  async leaveQueue(): Promise<void> {
    await answerOf(this.lobby.timeout(ACK_MS).emitWithAck("queue:leave", {}));
  }

  /** Takes the seat; whatever else is needed to keep it happens by itself. */
  enter(found: MatchFound): void {
    this.seat = found.seat.token;
    this.inMatch = true;
    this.match.disconnect().connect();
  }

  /** The match is no more: stop trying to be in it. */
  forget(): void {
    this.inMatch = false;
    this.match.disconnect();
  }

  /** Gives the seat up. */
  async leave(): Promise<void> {
    this.inMatch = false;
    try {
      if (this.match.connected) await answerOf(this.match.timeout(ACK_MS).emitWithAck("leave", {}));
    } finally {
      this.match.disconnect();
    }
  }

  /** Sends one input; one that cannot be sent now is worthless later. */
  input(s: number, k: number, w: number, v: InputValue): void {
    if (this.match.connected) this.match.volatile.emit("input", { s, k, w, v });
  }

  /** The same in the compact form: several inputs, or none but what was seen. */
  inputs(message: ArrayBuffer): void {
    if (this.match.connected) this.match.volatile.emit("i", message);
  }

  /** Asks what time it is in the match, in 256ths of a tick; null without an answer. */
  async clock(c: number): Promise<number | null> {
    try {
      return (await answerOf(this.match.timeout(ACK_MS).emitWithAck("clock", { c }))).q;
    } catch {
      return null;
    }
  }

  /** Cuts the transport, as a bad line would. For tests. */
  drop(): void {
    this.manager.engine.close();
  }
}

/** Waits for an answer; one that refuses, or none at all, is an error. */
async function answerOf<T>(asked: Promise<Ack<T>>): Promise<T> {
  let answer: Ack<T>;
  try {
    answer = await asked;
  } catch {
    throw new RequestError({ code: "timeout", msg: "no answer from the server" });
  }
  if (!answer.ok) throw new RequestError(answer.err);
  return answer;
}

function session(): string | undefined {
  return sessionStorage.getItem(SESSION_KEY) ?? undefined;
}
