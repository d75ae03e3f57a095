// The page's life: lobby, queue, match, result, and what keeps it going when
// the connection does not.

import "./style.css";
import type { PlainSnapshot } from "gameserver-client";
import { Input } from "./input";
import { Mail } from "./mail";
import { type Link, Net, RequestError } from "./net";
import { Renderer } from "./render";
import { Session } from "./session";
import { FrameStats, Strain } from "./stats";
import { UI } from "./ui";
import type { Hello, MatchFound, MatchLost, MatchResult, Schema, Welcome, WireError } from "./wire";
import { explain, why } from "./words";

const NAME_KEY = "arena.name";
const NAMES = ["Nova", "Comet", "Falcon", "Echo", "Rook", "Vega", "Onyx", "Pixel", "Juno", "Blitz", "Orbit", "Raven"];

const PUMP_MS = 16;

type State = "lobby" | "queueing" | "joining" | "playing" | "result";

class Game {
  private state: State = "lobby";
  private link: Link = "connecting";
  private lobbyReady = false;
  private matchId = "";
  private abandoned = ""; // a match this page must not enter by itself again
  private welcome: Welcome | null = null;
  private session: Session | null = null;
  private readonly mail = new Mail();
  private readonly net: Net;
  private readonly input: Input;
  private readonly frames = new FrameStats();
  private readonly strain = new Strain();
  private last = 0;
  private joining = false; // a queue:join is under way

  constructor(
    private readonly ui: UI,
    private readonly renderer: Renderer,
  ) {
    this.input = new Input(ui.canvas, ui.stickLeft, ui.stickRight);
    this.input.onTouch = () => ui.touch();
    this.input.onScoreboard = (show) => ui.wide(show);
    this.net = new Net({
      link: (s) => this.linked(s),
      hello: (h) => this.hello(h),
      queue: (q) => {
        if (this.state !== "queueing") return;
        if (q.state === "cancelled") this.toLobby();
        else ui.queueState(q, performance.now());
      },
      found: (m) => this.found(m),
      lost: (m) => this.lost(m),
      drain: () => this.state === "lobby" && ui.fail(explain({ code: "draining", msg: "" })),
      welcome: (w) => (this.welcome = w),
      schema: (s) => this.begin(s),
      snapshot: (s) => this.snapshot(s),
      held: () => this.session?.world.state.tick ?? 0,
      event: (e) => this.session?.event(e),
      result: (r) => this.result(r),
      ejected: (e) => this.ejected(e),
      refused: (e) => this.refused(e),
    });
    ui.onPlay = (name) => void this.play(name);
    ui.onCancel = () => void this.cancel();
    ui.onLeave = () => void this.leave();
    ui.onAgain = () => void this.queue();
    ui.onLobby = () => this.toLobby();
  }

  start(name: string): void {
    requestAnimationFrame(this.frame);
    setInterval(() => this.pump(performance.now()), PUMP_MS);
    void this.net.connect(name);
  }

  private go(state: State): void {
    this.state = state;
    this.ui.screen(state === "playing" ? "game" : state === "result" ? "result" : "lobby");
    this.ui.queueing(state === "queueing" || state === "joining");
    this.input.enabled = state === "playing";
    if (state !== "playing") this.input.release();
    if (state === "joining") this.ui.seating();
  }

  private toLobby(message = ""): void {
    this.matchId = "";
    this.session = null;
    this.go("lobby");
    this.ui.fail(message);
  }

  private linked(s: Link): void {
    this.link = s;
    if (s !== "online") this.lobbyReady = false;
    this.ui.link(s, this.lobbyReady);
  }

  private hello(h: Hello): void {
    this.lobbyReady = true;
    this.ui.link(this.link, true);
    const running = h.active?.match;
    if (running !== undefined && running.match !== this.abandoned) this.found(running);
    else if (h.active?.ticket !== undefined && this.state === "lobby") this.go("queueing");
    else if (h.active?.ticket === undefined && this.state === "queueing" && !this.joining) void this.queue();
  }

  private async play(name: string): Promise<void> {
    if (name === "") name = pick(NAMES);
    localStorage.setItem(NAME_KEY, name);
    this.abandoned = "";
    await this.queue(name);
  }

  private async queue(name?: string): Promise<void> {
    if (this.joining) return;
    this.joining = true;
    this.ui.fail("");
    this.go("queueing");
    try {
      if (name !== undefined) await this.net.connect(name);
      if (this.state === "queueing") await this.net.join();
    } catch (e) {
      // A seat in a running match is better than a new ticket.
      if (codeOf(e) === "already_in_match") await this.net.refresh();
      else if (this.state === "queueing") this.toLobby(errorText(e));
    } finally {
      this.joining = false;
    }
  }

  private async cancel(): Promise<void> {
    if (this.state === "joining") return;
    this.toLobby();
    try {
      await this.net.leaveQueue();
    } catch (e) {
      if (codeOf(e) !== "not_found") this.ui.fail(errorText(e));
    }
  }

  private async leave(): Promise<void> {
    this.abandoned = this.matchId;
    this.toLobby();
    await this.net.leave().catch(() => undefined);
  }

  /** A seat is waiting. Told again after a reconnect, hence the check. */
  private found(m: MatchFound): void {
    if (m.match === this.matchId || m.match === this.abandoned) return;
    this.matchId = m.match;
    this.go("joining");
    this.net.enter(m);
  }

  private lost(m: MatchLost): void {
    if (this.matchId !== "" && m.match !== this.matchId) return;
    this.matchId = "";
    this.session = null;
    this.net.forget();
    if (m.requeued) this.go("queueing");
    else this.toLobby(why(m.reason));
  }

  private begin(schema: Schema): void {
    const w = this.welcome;
    if (w === null) return;
    this.welcome = null;
    if (this.session?.resumes(w) === true && this.state === "playing") {
      this.session.resumed(w, this.net);
      return;
    }
    this.matchId = w.match;
    this.ui.clearMatch();
    this.ui.fail("");
    this.session = new Session(w, schema, this.renderer, this.ui, this.mail);
    void this.session.handshake(this.net);
    this.frames.reset();
    this.go("playing");
  }

  private snapshot(s: PlainSnapshot | Uint8Array): void {
    try {
      const now = performance.now();
      this.session?.snapshot(s, now);
      this.session?.acknowledge(this.net, now);
    } catch (e) {
      console.warn(e);
      this.net.drop(); // the next connection begins with a complete one
    }
  }

  private result(r: MatchResult): void {
    const you = this.session?.you ?? 0;
    this.matchId = "";
    if (r.result === null || r.result === undefined) return this.toLobby(why(r.reason));
    this.go("result");
    const early = r.reason === "ended" ? "" : why(r.reason);
    this.ui.result(r.result.players, you, r.result.winner, early, (id) => this.renderer.color(id));
  }

  private ejected(e: WireError | null): void {
    this.abandoned = this.matchId;
    if (e === null) this.toLobby("This match is open in another window. Press Play to take it back.");
    else if (e.code === "auth_failed") this.toLobby("That match is gone, the server was restarted. Press Play for a new one.");
    else this.toLobby(explain(e));
  }

  private refused(e: WireError): void {
    if (this.state === "queueing" || this.state === "joining") this.toLobby(explain(e));
    else this.ui.fail(explain(e));
  }

  /** Inputs have a clock of their own: slow frames must not make a slow ship. */
  private pump(now: number): void {
    if (this.state === "playing") this.session?.send(this.net, this.input, now);
  }

  private readonly frame = (now: number): void => {
    requestAnimationFrame(this.frame);
    const dt = this.last === 0 ? 16 : Math.min(250, now - this.last);
    if (this.last > 0) this.frames.frame(now - this.last);
    this.last = now;
    const s = this.session;
    if (s === null) {
      this.ui.tickQueue(now);
      return;
    }
    this.pump(now);
    s.frame(now, dt, this.input.value);
    if (this.strain.frame(now, dt)) this.renderer.coarser();
    if (this.state === "playing") s.hud(now, this.frames.fps);
  };

  /** What the tests in a browser may ask. */
  probe(): object {
    const game = this;
    const ship = (id: number) => (game.session === null ? null : game.renderer.ship(game.session.world, id));
    return Object.freeze({
      get state() {
        if (game.state !== "playing" || game.session === null) return game.state;
        if (game.link !== "online") return "reconnecting";
        return game.session.matchState === "running" ? "playing" : game.session.matchState;
      },
      get link() { return game.link; },
      get match() { return game.matchId; },
      get you() { return game.session?.you ?? 0; },
      get x() { return game.renderer.x; },
      get y() { return game.renderer.y; },
      get alive() { return game.session !== null && game.renderer.alive; },
      get hp() { return game.renderer.hp; },
      get beams() { return game.renderer.lights; },
      get entities() { return game.session?.world.size ?? 0; },
      get tick() { return game.session?.world.tick ?? 0; },
      get play() { return game.session?.world.clock.play ?? 0; },
      get delay() { return game.session?.world.clock.delayMs ?? 0; },
      get ping() { return Number.isFinite(game.session?.pingMs) ? (game.session?.pingMs ?? 0) : 0; },
      get lead() { return game.session?.world.lead ?? 0; },
      /** Snapshots that built on nothing. */
      get keys() { return game.session?.world.keys ?? 0; },
      /** Snapshots whose checksum the server had sent, and was right. */
      get checked() { return game.session?.world.checked ?? 0; },
      /** Bytes of compact snapshots, without the packets around them. */
      get bytes() { return game.session?.world.bytes ?? 0; },
      get snapshots() { return game.session?.world.snapshots ?? 0; },
      get snapshotsPerSecond() { return game.session?.snapshotRate(performance.now()) ?? 0; },
      get fps() { return game.frames.fps; },
      get frameP99() { return game.frames.p99; },
      ship,
      drop: () => game.net.drop(),
    });
  }
}

function codeOf(e: unknown): string {
  return e instanceof RequestError ? e.err.code : "";
}

function errorText(e: unknown): string {
  return explain(e instanceof RequestError ? e.err : { code: "internal", msg: String(e) });
}

function pick(from: readonly string[]): string {
  return from[Math.floor(Math.random() * from.length)] ?? "Nova";
}

async function main(): Promise<void> {
  const name = localStorage.getItem(NAME_KEY) ?? `${pick(NAMES)}${Math.floor(Math.random() * 90 + 10)}`;
  const ui = new UI(name);
  try {
    const game = new Game(ui, await Renderer.create(ui.canvas));
    Object.defineProperty(window, "__game", { value: game.probe() });
    game.start(name);
  } catch (e) {
    ui.fail("This browser cannot draw the game: WebGL is missing or switched off.");
    console.warn(e);
  }
}

void main();
