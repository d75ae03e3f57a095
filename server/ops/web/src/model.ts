// What the page knows. Frames come in, numbers for the panels go out; nothing here
// touches the page or the clock.

import {
  type BlameLine,
  type CauseTotals,
  eachGrowth,
  type Frame,
  HEAT_STRIDE,
  HIST_BUCKETS,
  bucketEnd,
  type MatchReport,
  NUM_HISTS,
  type Row,
  type Seat,
  type Slot,
  type Tick,
  ticksOf,
  viewOf,
} from "./wire";

/** How much of the past is kept: frames, and columns of the heat map. */
export const COLUMNS = 240;
const MAX_SLOTS = 1024;
const MAX_LINES = 200;
const MAX_WORST = 20;
const MINUTE = 60_000;

/** What a frame said of one moment, and how much came since the one before. */
export interface Moment {
  at: number;
  ms: number; // since the moment before; 0: nothing to compare with
  frame: Frame;
  grown: Uint32Array; // hist, bucket, count, …
}

/** The selected match. */
export interface Selected {
  id: string;
  gone: boolean;
  slot: number;
  hz: number;
  length: number; // µs
  state: string;
  seats: Seat[];
  ticks: Tick[];
  causes: CauseTotals | null;
}

export class Model {
  moments: Moment[] = [];
  blames: BlameLine[] = []; // oldest first
  worst: BlameLine[] = []; // of the last minute, worst first
  missed = 0;
  slots: (Slot | null)[] = [];
  rows: Row[] = [];
  levels = new Uint8Array(MAX_SLOTS); // the state byte of each slot
  selected: Selected | null = null;

  // The heat map: for each slot a ring of columns, worst tick and lateness.
  readonly took = new Uint8Array(MAX_SLOTS * COLUMNS);
  readonly late = new Uint8Array(MAX_SLOTS * COLUMNS);
  columns = 0; // how many were ever begun

  private last: Frame | null = null;

  get frame(): Frame | null {
    return this.last;
  }

  /** Forgets everything: the next frame must have no base. */
  reset(): void {
    this.moments = [];
    this.blames = [];
    this.worst = [];
    this.missed = 0;
    this.slots = [];
    this.rows = [];
    this.levels.fill(0);
    this.took.fill(0);
    this.late.fill(0);
    this.columns = 0;
    this.last = null;
    if (this.selected !== null) this.select(this.selected.id);
  }

  select(id: string): void {
    this.selected = id === "" ? null : { id, gone: false, slot: -1, hz: 0, length: 0, state: "", seats: [], ticks: [], causes: null };
  }

  /** Takes a frame; false if it does not continue what is here. */
  apply(f: Frame): boolean {
    const last = this.last;
    if (last !== null && f.n === last.n && f.b === last.n) {
      // Nothing new but the match that was chosen.
      this.takeBlames(f, last.n);
      this.takeMatch(f.match);
      return true;
    }
    const replaces = f.b !== 0 && last !== null && f.b === last.b && f.n >= last.n;
    if (replaces) {
      this.moments.pop();
    } else if (f.b === 0) {
      this.reset();
    } else if (last === null || f.b !== last.n) {
      return false;
    }
    this.takeSlots(f);
    this.takeHeat(f, replaces ? this.columns - 1 : this.columns);
    this.takeMoment(f);
    if (f.rows !== undefined) this.rows = f.rows;
    this.takeBlames(f, f.b);
    this.takeMatch(f.match);
    this.last = f;
    return true;
  }

  private takeSlots(f: Frame): void {
    for (const s of f.slots ?? []) {
      if (s.slot < 0 || s.slot >= MAX_SLOTS) continue;
      while (this.slots.length <= s.slot) this.slots.push(null);
      if (this.slots[s.slot]?.id !== s.id) {
        this.took.fill(0, s.slot * COLUMNS, (s.slot + 1) * COLUMNS);
        this.late.fill(0, s.slot * COLUMNS, (s.slot + 1) * COLUMNS);
      }
      this.slots[s.slot] = s.id === "" ? null : s;
    }
  }

  private takeHeat(f: Frame, column: number): void {
    const heat = viewOf(f.heat);
    const n = Math.min(Math.floor(heat.byteLength / HEAT_STRIDE), MAX_SLOTS);
    const at = column % COLUMNS;
    this.columns = column + 1;
    for (let s = 0; s < MAX_SLOTS; s++) {
      const i = s * HEAT_STRIDE;
      const here = s < n;
      this.took[s * COLUMNS + at] = here ? heat.getUint8(i) : 0;
      this.late[s * COLUMNS + at] = here ? heat.getUint8(i + 1) : 0;
      this.levels[s] = here ? heat.getUint8(i + 3) : 0;
    }
  }

  private takeMoment(f: Frame): void {
    const before = this.moments.at(-1);
    const grown: number[] = [];
    // What was before the first frame is history, not news.
    if (f.b !== 0) eachGrowth(f.hist, (h, b, n) => grown.push(h, b, n));
    this.moments.push({ at: f.at, ms: before === undefined ? 0 : f.at - before.at, frame: f, grown: Uint32Array.from(grown) });
    while (this.moments.length > COLUMNS + 1) this.moments.shift();
  }

  private takeBlames(f: Frame, base: number): void {
    const newest = this.blames.at(-1)?.seq ?? 0;
    const fresh = (f.blames ?? []).filter((b) => b.seq > newest);
    if (base !== 0 && fresh.length > 0 && newest > 0) this.missed += (fresh[0]?.seq ?? 0) - newest - 1;
    this.blames.push(...fresh);
    if (this.blames.length > MAX_LINES) this.blames.splice(0, this.blames.length - MAX_LINES);
    // Many small ones must not wash the large one away.
    this.worst = [...this.worst, ...fresh].filter((b) => b.at > f.at - MINUTE).sort((a, b) => b.late + b.took - (a.late + a.took)).slice(0, MAX_WORST);
  }

  private takeMatch(m: MatchReport | undefined): void {
    const s = this.selected;
    if (m === undefined || s === null || m.id !== s.id) return;
    s.gone = m.gone === true;
    if (s.gone) return;
    s.slot = m.slot;
    s.hz = m.hz ?? s.hz;
    s.length = m.length ?? s.length;
    if (m.seats !== undefined) {
      s.seats = m.seats;
      s.state = m.state ?? "";
      s.causes = m.causes ?? s.causes;
    }
    if (m.ticks !== undefined && m.from !== undefined) {
      const from = m.from;
      const newest = s.ticks.at(-1)?.n ?? 0;
      s.ticks.push(...ticksOf(from, m.ticks).filter((t) => t.n > newest));
      const end = s.ticks.at(-1)?.due ?? 0;
      let old = 0;
      while (old < s.ticks.length && (s.ticks[old]?.due ?? 0) < end - MINUTE) old++;
      s.ticks.splice(0, old);
    }
  }

  /** The histogram of the last so many milliseconds. */
  window(hist: number, ms: number, into: Float64Array): Float64Array {
    into.fill(0);
    const since = (this.moments.at(-1)?.at ?? 0) - ms;
    for (let i = this.moments.length - 1; i >= 0; i--) {
      const m = this.moments[i];
      if (m === undefined || m.at <= since) break;
      for (let j = 0; j < m.grown.length; j += 3) {
        if (m.grown[j] === hist) into[m.grown[j + 1] ?? 0]! += m.grown[j + 2] ?? 0;
      }
    }
    return into;
  }

  /** By how much the sums have grown in the last so many milliseconds. */
  growth(ms: number): { ms: number; expected: number; ticks: number; onTime: number; late: number; skipped: number; bytesOut: number } {
    const now = this.moments.at(-1);
    let then = now;
    for (const m of this.moments) {
      then = m;
      if (now !== undefined && m.at >= now.at - ms) break;
    }
    if (now === undefined || then === undefined) return { ms: 0, expected: 0, ticks: 0, onTime: 0, late: 0, skipped: 0, bytesOut: 0 };
    const a = then.frame.sum;
    const b = now.frame.sum;
    return {
      ms: now.at - then.at,
      expected: b.expected - a.expected,
      ticks: b.ticks - a.ticks,
      onTime: b.onTime - a.onTime,
      late: b.late - a.late,
      skipped: b.skipped - a.skipped,
      bytesOut: now.frame.house.bytesOut - then.frame.house.bytesOut,
    };
  }

  /** The slots that are taken, in a stable order: by worker, then as they came. */
  order(filter: string): number[] {
    const want = filter.trim().toLowerCase();
    const list: number[] = [];
    this.slots.forEach((s, i) => {
      if (s === null) return;
      if (want === "" || s.id.toLowerCase().includes(want) || (s.game ?? "").toLowerCase().includes(want)) list.push(i);
    });
    return list.sort((a, b) => (this.slots[a]?.worker ?? 0) - (this.slots[b]?.worker ?? 0) || a - b);
  }
}

/** The duration, in µs, that a share q of a histogram does not exceed. */
export function quantile(counts: Float64Array, q: number): number {
  let total = 0;
  for (const n of counts) total += n;
  if (total === 0) return 0;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (let b = 0; b < counts.length; b++) {
    seen += counts[b] ?? 0;
    if (seen >= rank) return bucketEnd(b);
  }
  return bucketEnd(HIST_BUCKETS - 1);
}

export type Verdict = { word: string; why: string; tone: "good" | "warn" | "bad" | "calm" };

/** The state of the server in a word. */
export function verdict(m: Model): Verdict {
  const f = m.frame;
  if (f === null) return { word: "waiting", why: "for the first figures", tone: "calm" };
  if (f.sum.stuck > 0) return { word: "stuck", why: `${f.sum.stuck} tick${f.sum.stuck > 1 ? "s do" : " does"} not return`, tone: "bad" };
  if (f.house.draining) return { word: "draining", why: "no new matches begin", tone: "calm" };
  const g = m.growth(10_000);
  if (f.sum.entries === 0 || g.expected === 0) return { word: "idle", why: "no match is running", tone: "calm" };
  const ratio = g.onTime / g.expected;
  const share = `${percent(ratio)} of ticks on time`;
  if (ratio >= 0.999) return { word: "on time", why: share, tone: "good" };
  if (ratio >= 0.99) return { word: "slipping", why: share, tone: "warn" };
  return { word: "late", why: share, tone: "bad" };
}

function percent(x: number): string {
  const p = 100 * x;
  return `${p >= 99.995 ? "100" : p.toFixed(p >= 99 ? 2 : 1)} %`;
}

export { NUM_HISTS };
