// The client's copy of a match: snapshots go in, poses at any moment come out.
// Pure: no clock, no sockets, no drawing. Times are arguments.
//
// Every entity has a short history ("track"). A snapshot lists only what
// changed since its base tick, so an entity that is not listed is known to
// have stood still; when it moves again, its old state is first recorded at
// the base tick so that the movement starts there and not long ago.

import { type Entity, type PlainSnapshot, Schema, type SetSchema, State } from "gameserver-client";
import { decode } from "notepack.io";
import { PlaybackClock } from "./clock";
import type { GameEvent, InputValue, Schema as WireSchema } from "./wire";

const HISTORY = 32; // samples per track
const MAX_EVENTS = 512; // waiting for their tick
const MAX_POOL = 512; // released tracks kept per set
const EXTRAPOLATE_MS = 100;
const TELEPORT = 40; // units per tick nobody can fly
const STALE_MS = 1000; // a complete snapshot after a longer gap starts new tracks
const NEVER = Number.POSITIVE_INFINITY;

/** What sample found. */
export const enum Sight {
  Hidden,
  Known,
  /** Past what the server has told, carried on by its last velocity. */
  Guessed,
}

/** The fields of one replicated set and how to play them. */
export class SetPlan {
  readonly index: number;
  readonly name: string;
  readonly names: readonly string[];
  readonly size: number;
  /** 0 step, 1 linear, 2 angle. */
  readonly blend: Uint8Array;
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  readonly flags: number;

  constructor(readonly set: SetSchema) {
    this.index = set.number;
    this.name = set.name;
    this.names = set.names;
    this.size = set.size;
    this.blend = Uint8Array.from(set.names, (n, f) => (!set.smooth(f) ? 0 : n === "rot" || n === "aim" ? 2 : 1));
    this.x = this.names.indexOf("x");
    this.y = this.names.indexOf("y");
    this.vx = this.names.indexOf("vx");
    this.vy = this.names.indexOf("vy");
    this.flags = this.names.indexOf("flags");
  }

  /** Index of a field, -1 if this server does not have it. */
  field(name: string): number {
    return this.names.indexOf(name);
  }
}

/** The recent past of one entity. */
export class Track {
  id = 0;
  bornAt = 0;
  goneAt = NEVER;
  /** Free for the renderer: what it draws for this entity. */
  view: unknown = null;
  /** Ticks per second, for velocities told per second. */
  rate = 60;
  private readonly ticks = new Float64Array(HISTORY);
  private readonly values: Float64Array;
  private head = -1;
  private count = 0;

  constructor(readonly plan: SetPlan) {
    this.values = new Float64Array(HISTORY * plan.size);
  }

  reset(id: number, bornAt: number): void {
    this.id = id;
    this.bornAt = bornAt;
    this.goneAt = NEVER;
    this.view = null;
    this.head = -1;
    this.count = 0;
  }

  get lastTick(): number {
    return this.head < 0 ? -1 : (this.ticks[this.head] ?? -1);
  }

  /** The newest value of a field, whatever the playback clock says. */
  last(field: number): number {
    return this.head < 0 || field < 0 ? 0 : (this.values[this.head * this.plan.size + field] ?? 0);
  }

  /** Records the fields of an entity. */
  push(tick: number, e: Entity): void {
    const at = this.open(tick) * this.plan.size;
    for (let f = 0; f < this.plan.size; f++) this.values[at + f] = e.value(f);
  }

  /** Repeats the newest sample at a later tick: it stood still until then. */
  hold(tick: number): void {
    if (this.head < 0 || this.lastTick >= tick) return;
    const from = this.head * this.plan.size;
    const to = this.open(tick) * this.plan.size;
    this.values.copyWithin(to, from, from + this.plan.size);
  }

  private open(tick: number): number {
    if (this.lastTick !== tick) {
      this.head = (this.head + 1) % HISTORY;
      this.count = Math.min(this.count + 1, HISTORY);
    }
    this.ticks[this.head] = tick;
    return this.head;
  }

  private slot(back: number): number {
    return (this.head - back + HISTORY) % HISTORY;
  }

  /** Writes the state at tick play into out; newest is the world's newest tick. */
  sample(play: number, newest: number, maxAhead: number, out: Float64Array): Sight {
    if (this.head < 0 || play < this.bornAt || play >= this.goneAt) return Sight.Hidden;
    let back = 0;
    while (back < this.count - 1 && (this.ticks[this.slot(back)] ?? 0) > play) back++;
    const a = this.slot(back);
    const size = this.plan.size;
    for (let f = 0; f < size; f++) out[f] = this.values[a * size + f] ?? 0;
    if (back > 0) {
      this.blendTo(this.slot(back - 1), a, play, out);
      return Sight.Known;
    }
    const moving = this.goneAt !== NEVER ? this.plan.vx >= 0 : this.lastTick === newest && play > newest;
    if (!moving) return Sight.Known;
    return this.carryOn(a, Math.min(play - this.lastTick, maxAhead), out);
  }

  private blendTo(b: number, a: number, play: number, out: Float64Array): void {
    const { size, blend } = this.plan;
    const ta = this.ticks[a] ?? 0;
    const span = (this.ticks[b] ?? 0) - ta;
    const k = span > 0 ? Math.min(1, Math.max(0, (play - ta) / span)) : 1;
    if (this.jumped(a, b, span)) return;
    for (let f = 0; f < size; f++) {
      const kind = blend[f];
      if (kind === 0) continue;
      const from = out[f] ?? 0;
      const to = this.values[b * size + f] ?? 0;
      out[f] = kind === 2 ? lerpAngle(from, to, k) : from + (to - from) * k;
    }
  }

  /** A respawn or another teleport: no flight in between. */
  private jumped(a: number, b: number, span: number): boolean {
    const { size, x, y, flags } = this.plan;
    const v = this.values;
    if (flags >= 0 && (((v[a * size + flags] ?? 0) ^ (v[b * size + flags] ?? 0)) & 1) !== 0) return true;
    if (x < 0 || y < 0) return false;
    const far = TELEPORT * Math.max(1, span);
    return (
      Math.abs((v[a * size + x] ?? 0) - (v[b * size + x] ?? 0)) > far ||
      Math.abs((v[a * size + y] ?? 0) - (v[b * size + y] ?? 0)) > far
    );
  }

  private carryOn(a: number, ticks: number, out: Float64Array): Sight {
    const { size, x, y, vx, vy } = this.plan;
    if (x < 0 || y < 0 || ticks <= 0) return Sight.Known;
    const v = this.values;
    if (vx >= 0 && vy >= 0) {
      out[x] = (out[x] ?? 0) + ((out[vx] ?? 0) / this.rate) * ticks;
      out[y] = (out[y] ?? 0) + ((out[vy] ?? 0) / this.rate) * ticks;
      return Sight.Guessed;
    }
    if (this.count < 2) return Sight.Known;
    const p = this.slot(1);
    const span = (this.ticks[a] ?? 0) - (this.ticks[p] ?? 0);
    if (span <= 0 || this.jumped(p, a, span)) return Sight.Known;
    out[x] = (out[x] ?? 0) + (((v[a * size + x] ?? 0) - (v[p * size + x] ?? 0)) / span) * ticks;
    out[y] = (out[y] ?? 0) + (((v[a * size + y] ?? 0) - (v[p * size + y] ?? 0)) / span) * ticks;
    return Sight.Guessed;
  }
}

/** Turns from a to b the short way round. */
export function lerpAngle(a: number, b: number, k: number): number {
  let d = (b - a) % (2 * Math.PI);
  if (d > Math.PI) d -= 2 * Math.PI;
  if (d < -Math.PI) d += 2 * Math.PI;
  return a + d * k;
}

/** Everything the server has told about one match. */
export class World {
  readonly state: State;
  readonly plans: SetPlan[];
  readonly clock: PlaybackClock;
  /** Tracks to draw, per set: those alive and those whose end is not played yet. */
  readonly lists: Track[][];
  /** Newest tick seen, last input applied, its lead in ticks, server lateness in ms. */
  tick = 0;
  ack = 0;
  lead = 0;
  lateMs = 0;
  snapshots = 0;
  /** So far: snapshots that built on nothing, those with a checksum, and bytes of compact ones. */
  keys = 0;
  checked = 0;
  bytes = 0;
  /** Called when a track has left the screen for good. */
  onGone: ((t: Track) => void) | null = null;

  private readonly live = new Map<number, Track>();
  private readonly pools: Track[][];
  private readonly events: GameEvent[] = [];
  private readonly maxAhead: number;
  private epoch = 0;
  private readonly seen = new Map<number, number>();

  constructor(
    schema: WireSchema,
    readonly rate: number,
    readonly every: number,
  ) {
    this.state = new State(new Schema(schema), decode);
    this.plans = this.state.schema.sets.map((s) => new SetPlan(s));
    this.lists = this.plans.map(() => []);
    this.pools = this.plans.map(() => []);
    this.clock = new PlaybackClock(rate, every);
    this.maxAhead = (EXTRAPOLATE_MS / 1000) * rate;
  }

  plan(name: string): SetPlan | undefined {
    return this.plans.find((p) => p.name === name);
  }

  /** Number of entities that exist now. */
  get size(): number {
    return this.live.size;
  }

  get(id: number): Track | undefined {
    return this.live.get(id);
  }

  /** Takes in one snapshot that arrived at nowMs. One that breaks the rules is an error, and leaves nothing to build on. */
  apply(snapshot: PlainSnapshot | Uint8Array, nowMs: number): void {
    const s = this.state;
    if (snapshot instanceof Uint8Array) {
      s.applyCompact(snapshot);
      this.bytes += snapshot.length;
      if (s.checked) this.checked++;
    } else {
      s.applyPlain(snapshot);
    }
    const complete = s.base === 0;
    if (complete) this.keys++;
    const stale = (s.tick - this.tick) * this.clock.tickMs > STALE_MS;
    const base = complete ? this.tick : s.base;
    this.clock.arrived(s.tick, nowMs, s.late / 100);
    this.snapshots++;
    this.epoch++;
    if (!complete) for (let i = 0; i < s.removals; i++) this.end(s.removed[i]?.id ?? 0, s.tick);
    for (let i = 0; i < s.changes; i++) this.update(s.changed[i], s.tick, base, complete && stale);
    if (complete) {
      for (const id of this.live.keys()) if (this.seen.get(id) !== this.epoch) this.end(id, s.tick);
    }
    this.tick = s.tick;
    this.ack = s.ack;
    this.lead = s.lead / 4;
    this.lateMs = s.late / 100;
  }

  private update(e: Entity | undefined, tick: number, base: number, fresh: boolean): void {
    if (e === undefined) return;
    const { id } = e;
    const set = e.set.number;
    let track = this.live.get(id);
    if (track !== undefined && (fresh || track.plan.index !== set)) {
      this.end(id, tick);
      track = undefined;
    }
    if (track === undefined) {
      const plan = this.plans[set];
      if (plan === undefined) return; // not possible: the state knows the same schema
      track = this.pools[set]?.pop() ?? new Track(plan);
      track.rate = this.rate;
      track.reset(id, tick);
      this.live.set(id, track);
      this.lists[set]?.push(track);
    } else if (base > 0) {
      track.hold(base);
    }
    track.push(tick, e);
    this.seen.set(id, this.epoch);
  }

  private end(id: number, tick: number): void {
    const track = this.live.get(id);
    if (track === undefined) return;
    track.goneAt = tick;
    this.live.delete(id);
    this.seen.delete(id);
  }

  /** Keeps an event until the screen reaches its tick. */
  event(e: GameEvent): void {
    if (this.events.length >= MAX_EVENTS) this.events.shift();
    this.events.push(e);
  }

  /** Moves playback to nowMs, hands out due events, drops what has ended. */
  advance(nowMs: number, due: (e: GameEvent) => void): number {
    const play = this.clock.advance(nowMs);
    while (this.events.length > 0 && (this.events[0]?.[0] ?? 0) <= play) {
      const e = this.events.shift();
      // Whoever comes back from a hidden tab does not want a minute of bangs.
      if (e !== undefined && (play - e[0]) * this.clock.tickMs < STALE_MS) due(e);
    }
    for (const list of this.lists) {
      for (let i = list.length - 1; i >= 0; i--) {
        const t = list[i];
        if (t !== undefined && t.goneAt <= play) this.release(list, i, t);
      }
    }
    return play;
  }

  private release(list: Track[], i: number, t: Track): void {
    this.onGone?.(t);
    const last = list.pop();
    if (last !== undefined && last !== t) list[i] = last;
    t.view = null;
    const pool = this.pools[t.plan.index];
    if (pool !== undefined && pool.length < MAX_POOL) pool.push(t);
  }

  sample(t: Track, play: number, out: Float64Array): Sight {
    return t.sample(play, this.tick, this.maxAhead, out);
  }
}

/**
 * Where the own ship is drawn. Today it is interpolated like every other; a
 * prediction replaces this one object: it is told every input sent and every
 * snapshot applied, and asked for the pose of every frame.
 */
export interface LocalShip {
  sent(seq: number, value: InputValue): void;
  applied(world: World): void;
  pose(world: World, track: Track, play: number, out: Float64Array): Sight;
}

export const interpolatedShip: LocalShip = {
  sent() {},
  applied() {},
  pose: (world, track, play, out) => world.sample(track, play, out),
};
