// The connection to the server. What it tells leaves this file through Handlers.

import { io, type Socket } from "socket.io-client";
import * as parser from "socket.io-msgpack-parser";
import type { Ack } from "./generated/protocol";
import type { Frame, Hello, Ops, Trace, WireError } from "./wire";

const TOKEN_KEY = "ops.token";
const ACK_MS = 12_000;

export type Link = "connecting" | "live" | "lost" | "refused";

export interface Handlers {
  link(state: Link, why: string): void;
  /** A token is needed; the text says what was wrong with the last one. */
  locked(why: string): void;
  hello(h: Hello): void;
  frame(f: Frame): void;
  traces(list: Trace[]): void;
}

/** An answer that refuses, or none at all. */
export class ActionError extends Error {
  constructor(readonly err: WireError) {
    super(err.msg);
  }
}

export class Net {
  private readonly socket: Socket<Ops.ServerToClientEvents, Ops.ClientToServerEvents>;
  private match = "";
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly on: Handlers) {
    this.socket = io("/ops", {
      path: new URL("socket.io/", document.baseURI).pathname,
      parser,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      timeout: 8000,
      reconnectionDelay: 300,
      reconnectionDelayMax: 3000,
      auth: (give: (a: Ops.Auth) => void) => give(token() === "" ? {} : { token: token() }),
    });
    const s = this.socket;
    s.on("connect", () => {
      this.on.link("live", "");
      this.watch();
    });
    s.on("connect_error", (e: Error & { data?: WireError }) => this.refused(e.data));
    s.on("disconnect", (reason) => {
      if (reason === "io server disconnect") this.on.link("refused", "the server ended this connection");
      else this.on.link("lost", "");
    });
    s.on("hello", (h) => this.on.hello(h));
    s.on("frame", (f) => this.on.frame(f));
    s.on("traces", (list) => this.on.traces(list ?? []));
    // Nobody looks: let the server sleep.
    document.addEventListener("visibilitychange", () => this.watch());
  }

  private refused(err: WireError | undefined): void {
    if (err === undefined) {
      this.on.link("lost", "");
      return;
    }
    if (err.code === "auth_failed" || err.code === "bad_payload") {
      this.on.locked(token() === "" ? "" : err.msg);
      return;
    }
    // Too many pages, too many wrong tokens: wait as told.
    this.on.link("refused", err.msg);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.socket.connect(), err.retryMs ?? 10_000);
  }

  /** Tries again with a token. */
  unlock(value: string): void {
    sessionStorage.setItem(TOKEN_KEY, value);
    this.on.link("connecting", "");
    this.socket.disconnect().connect();
  }

  /** Shows a match tick by tick; "" shows none. */
  select(match: string): void {
    this.match = match;
    this.watch();
  }

  private watch(): void {
    if (!this.socket.connected) return;
    this.socket.timeout(ACK_MS).emit("watch", { on: !document.hidden, match: this.match }, () => undefined);
  }

  /** Asks for everything anew. */
  restart(): void {
    if (!this.socket.connected) return;
    this.socket.timeout(ACK_MS).emit("watch", { on: false }, () => this.watch());
  }

  async kick(match: string, seat: number, by: string): Promise<void> {
    await answer(this.socket.timeout(ACK_MS).emitWithAck("kick", { match, seat, by }));
  }

  async stop(match: string, by: string): Promise<void> {
    await answer(this.socket.timeout(ACK_MS).emitWithAck("stop", { match, by }));
  }

  /** A file of the server, with the token that was given. */
  async download(path: string, method = "GET"): Promise<Blob> {
    const r = await fetch(new URL(path, document.baseURI), { method, headers: token() === "" ? {} : { Authorization: `Bearer ${token()}` } });
    if (!r.ok) throw new ActionError({ code: String(r.status), msg: (await r.text()).trim() || `HTTP ${r.status}` });
    return r.blob();
  }
}

async function answer<T>(asked: Promise<Ack<T>>): Promise<T> {
  let a: Ack<T>;
  try {
    a = await asked;
  } catch {
    throw new ActionError({ code: "timeout", msg: "no answer from the server" });
  }
  if (!a.ok) throw new ActionError(a.err);
  return a;
}

function token(): string {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}
