// One match on this screen: its world, what is sent, what the HUD says.
// Made by welcome and schema. When the connection comes back it goes on.

import { InputWriter, type PlainSnapshot } from "gameserver-client";
import type { Input } from "./input";
import type { Mail } from "./mail";
import type { Net } from "./net";
import { InputClock } from "./pacer";
import type { Renderer } from "./render";
import { Ping, Rate } from "./stats";
import type { Row, UI } from "./ui";
import type { GameEvent, InputValue, MatchState, Schema, SeatPlayer, Welcome } from "./wire";
import { type SetPlan, World } from "./world";

const HUD_MS = 120;
const GO_MS = 900;
const ACK_MS = 40; // of silence, after which a snapshot is acknowledged alone
const HANDSHAKES = 5;
const HANDSHAKE_MS = 50;

export class Session {
  readonly world: World;
  readonly you: number;
  matchState: string;
  private stateAt = 0;
  private readonly ping = new Ping();
  private readonly rate = new Rate();
  private readonly pacer: InputClock;
  private hudAt = 0;
  private goUntil = 0;
  private readonly writer: InputWriter | null;
  private spoke = 0; // when the server last heard from here
  private pain = 0;
  private late = 0;
  private killer = "";
  private readonly rows: Row[] = [];
  private readonly players = new Map<number, Row>();
  private readonly standings: SetPlan | undefined;
  private readonly round: SetPlan | undefined;
  private readonly onDue = (e: GameEvent) => this.due(e);

  constructor(
    private readonly welcome: Welcome,
    schema: Schema,
    private readonly renderer: Renderer,
    private readonly ui: UI,
    private readonly mail: Mail,
  ) {
    mail.welcome(welcome.match, welcome.events);
    this.world = new World(schema, welcome.rate, welcome.every);
    this.you = welcome.you;
    this.matchState = welcome.state;
    this.pacer = new InputClock(welcome.rate);
    this.writer = welcome.snap === 1 ? InputWriter.of(schema.input) : null;
    this.standings = this.world.plan("scores");
    this.round = this.world.plan("round");
    renderer.start(welcome, this.world);
    for (const p of welcome.players) this.player(p.id, p.name, p.bot);
  }

  /** Whether a connection goes on with this match. */
  resumes(w: Welcome): boolean {
    return w.match === this.welcome.match && w.you === this.you;
  }

  /** Goes on after a lost connection: with what is known, if the server can build on it. */
  resumed(w: Welcome, net: Net): void {
    this.mail.welcome(w.match, w.events);
    this.matchState = w.state;
    this.roster(w.players);
    void this.handshake(net);
  }

  private player(id: number, name: string, bot: boolean): Row {
    const r = { id, name, bot, color: this.renderer.color(id), kills: 0, deaths: 0, alive: false };
    this.players.set(id, r);
    return r;
  }

  /** An error is a snapshot that breaks the rules. */
  snapshot(s: PlainSnapshot | Uint8Array, now: number): void {
    this.world.apply(s, now);
    for (const e of this.world.state.events) this.event(e as GameEvent);
    this.rate.mark(now);
    this.pacer.snapshot(now, this.world.tick, this.world.ack, this.world.lead * 4);
    this.ping.acknowledged(this.world.ack, now);
    this.late += (this.world.lateMs - this.late) * 0.1;
    this.renderer.local.applied(this.world);
  }

  event(e: GameEvent): void {
    if (e[1] === "match:state") this.changed(e[2]);
    else if (e[1] === "match:pace") this.pacer.pace(performance.now(), e[2].length / 1000);
    else if (e[1] === "match:players") this.roster(e[2] ?? []);
    else if (this.mail.isNew()) this.world.event(e);
  }

  /** A bot has taken an empty seat. */
  private roster(players: SeatPlayer[]): void {
    for (const p of players) {
      this.renderer.named(this.world, p.id, p.name);
      const r = this.players.get(p.id);
      if (r === undefined) this.player(p.id, p.name, p.bot);
      else Object.assign(r, { name: p.name, bot: p.bot });
    }
  }

  private changed(s: MatchState): void {
    if (s.state === "running" && this.matchState !== "running") this.goUntil = performance.now() + GO_MS;
    this.matchState = s.state;
    this.stateAt = s.at;
  }

  private due(e: GameEvent): void {
    if (e[1] === "hit") {
      const h = e[2];
      this.renderer.hit(this.world, h.to, h.by, h.x, h.y);
      if (h.to === this.you) this.pain = 1;
    } else if (e[1] === "kill") {
      const k = e[2];
      const r = this.renderer;
      this.ui.kill(r.name(k.by), r.color(k.by), r.name(k.to), r.color(k.to), k.by === this.you || k.to === this.you);
      if (k.to === this.you) this.killer = r.name(k.by);
    }
  }

  /** Asks a few times what time it is in the match, so that the first inputs are in time already. */
  async handshake(net: Net): Promise<void> {
    for (let i = 0; i < HANDSHAKES; i++) {
      const sent = performance.now();
      const q = await net.clock(sent);
      if (q === null) return; // the snapshots say it as well
      this.pacer.answered(sent, performance.now(), q / 256);
      await new Promise((done) => setTimeout(done, HANDSHAKE_MS));
    }
  }

  /** Sends the inputs that are due, one for each tick, however fast frames come. */
  send(net: Net, input: Input, now: number): void {
    const v = input.read(this.renderer.screenX, this.renderer.screenY);
    const n = this.pacer.due(now);
    if (n === 0) return;
    const { newest } = this.pacer;
    const view = this.world.clock.view(this.world.tick);
    const message = this.writer?.write(newest, this.world.tick, view, Array(n).fill(v)) ?? null;
    if (message !== null) net.inputs(message);
    for (let seq = newest - n + 1; seq <= newest; seq++) {
      if (message === null) net.input(seq, this.world.tick, view, v);
      this.ping.sent(seq, now);
      this.renderer.local.sent(seq, v);
    }
    this.spoke = now;
    input.sent();
  }

  /** Says what was seen when no input has for a while: whoever sends compact inputs has promised to. */
  acknowledge(net: Net, now: number): void {
    if (this.writer === null || now - this.spoke < ACK_MS) return;
    const message = this.writer.write(0, this.world.tick, 0, []);
    if (message !== null) net.inputs(message);
    this.spoke = now;
  }

  frame(now: number, dtMs: number, aim: InputValue): void {
    const play = this.world.advance(now, this.onDue);
    this.renderer.frame(this.world, play, dtMs / 1000, aim.aim);
    this.pain = Math.max(0, this.pain - dtMs / 350);
    this.ui.pain(this.pain);
  }

  /** Everything in words and numbers, a few times a second. */
  hud(now: number, fps: number): void {
    if (now - this.hudAt < HUD_MS) return;
    this.hudAt = now;
    this.scores();
    this.time(now);
    this.ui.vitals(this.renderer.alive ? this.renderer.hp : 0, this.welcome.world.hp);
    this.ui.stats({
      pingMs: this.ping.ms,
      lateMs: this.late,
      snapshots: this.snapshotRate(now),
      delayMs: this.world.clock.delayMs,
      fps,
    });
    this.renderer.minimap(this.ui.minimap, this.world);
  }

  snapshotRate(now: number): number {
    return this.rate.perSecond(now);
  }

  get pingMs(): number {
    return this.ping.ms;
  }

  private scores(): void {
    const plan = this.standings;
    if (plan === undefined) return;
    const player = plan.field("player");
    const kills = plan.field("kills");
    const deaths = plan.field("deaths");
    const alive = plan.field("alive");
    this.rows.length = 0;
    for (const t of this.world.lists[plan.index] ?? []) {
      const id = t.last(player);
      const r = this.players.get(id) ?? this.player(id, this.renderer.name(id), false);
      r.kills = t.last(kills);
      r.deaths = t.last(deaths);
      r.alive = t.last(alive) !== 0;
      this.rows.push(r);
    }
    this.rows.sort((a, b) => b.kills - a.kills || a.deaths - b.deaths || a.id - b.id);
    this.ui.scoreboard(this.rows, this.you);
  }

  private time(now: number): void {
    const { world } = this;
    const play = world.clock.play;
    const round = this.round === undefined ? undefined : world.lists[this.round.index]?.[0];
    const endsAt = round?.last(this.round?.field("endsAt") ?? -1) ?? 0;
    const running = this.matchState === "running";
    const left = running && endsAt > 0 ? (endsAt - play) / world.rate : this.welcome.world.round / world.rate;
    this.ui.clock(left, PHASES[this.matchState] ?? "");
    if (this.matchState === "open") this.ui.centre("", "Waiting for the others…");
    else if (this.matchState === "countdown") this.countdown(play);
    else if (this.matchState === "ending" || this.matchState === "ended") this.ui.centre("Time!", "");
    else if (this.matchState === "holding") this.ui.centre("Paused", "Waiting for players to come back…");
    else if (now < this.goUntil) this.ui.centre("Go!", "");
    else if (!this.renderer.alive) this.dead();
    else this.ui.centre("", "");
  }

  private countdown(play: number): void {
    const s = Math.ceil((this.stateAt - play) / this.world.rate);
    this.ui.centre(s > 0 && s < 60 ? `${s}` : "Get ready", s > 0 && s < 60 ? "Get ready" : "");
  }

  private dead(): void {
    const own = this.world.get(this.you);
    if (own === undefined) return this.ui.centre("", "");
    const s = own.last(own.plan.field("respawn"));
    const by = this.killer === "" ? "" : `by ${this.killer} · `;
    this.ui.centre("Destroyed", `${by}${s > 0 ? `back in ${s} s` : "here we go again…"}`);
  }
}

const PHASES: Record<string, string> = { open: "waiting", countdown: "countdown", holding: "paused", ending: "over", ended: "over" };
