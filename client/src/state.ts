// What one client knows of a match: every entity that the server has told of,
// in quantised integers, exactly as the server holds them.
//
// Snapshots come in two dialects of one stream, compact bytes and plain values;
// both end here. Nothing is allocated for an entity after it was met once.

import { Reader, SnapshotError } from "./reader";
import { Code, type Fields, type Schema, type SetSchema } from "./schema";

/** Why an entity is to be forgotten. */
export const enum Why {
  /** It may still exist; this client does not see it any more. */
  LeftView = 0,
  Destroyed = 1,
}

/** The most entities a client holds. One more is an error. */
export const ENTITIES_MAX = 1 << 16;

/** The most events in one snapshot. One more is an error. */
export const EVENTS_MAX = 4096;

const VERSION = 1;
const KEY = 1 << 3;
const EVENTS = 1 << 4;
const REMOVALS = 1 << 5;
const OWN = 1 << 6;

/** One entity. Valid until the snapshot that removes it has been applied. */
export class Entity {
  id = 0;
  /** The snapshot that last told of it, by the State's own count. */
  told = 0;
  readonly values: Int32Array;

  constructor(readonly set: SetSchema) {
    this.values = new Int32Array(set.size);
  }

  /** The natural value of a field. */
  value(field: number): number {
    return this.set.value(field, this.values[field] ?? 0);
  }
}

/** A snapshot of the plain dialect. */
export interface PlainSnapshot {
  t: number;
  b: number;
  a: number;
  d: number;
  l: number;
  e: readonly (readonly (number | boolean)[])[];
  r: readonly (readonly number[])[];
  /** [set, …all own fields] */
  o?: readonly (number | boolean)[];
}

/** The state of one match on one client. */
export class State {
  /** Tick of the newest snapshot, and the one that it built on: 0 when on nothing. */
  tick = 0;
  base = 0;
  /** Newest input applied, and how early it came in quarter ticks: negative is late. */
  ack = 0;
  lead = 0;
  /** How late the server's tick began, in 10 µs. */
  late = 0;
  /** Every how many of the match's snapshots one is sent here, and how overloaded the server is, 0 to 6. */
  pace = 1;
  level = 0;

  /** What the last snapshot changed or brought, and what it removed: the first counts are valid. */
  readonly changed: Entity[] = [];
  changes = 0;
  readonly removed: Entity[] = [];
  readonly why: Why[] = [];
  removals = 0;
  /** Events of the last snapshot, msgpack of [tick, name, data], parts of its bytes. */
  readonly events: Uint8Array[] = [];
  /** The player's private fields, of this set; null until the server has sent them. */
  ownSet: SetSchema | null = null;
  own: Int32Array = new Int32Array(0);

  private readonly live = new Map<number, Entity>();
  private readonly pools: Entity[][];
  private readonly reader = new Reader();
  private count = 0;

  constructor(readonly schema: Schema) {
    this.pools = schema.sets.map(() => []);
  }

  get size(): number {
    return this.live.size;
  }

  get(id: number): Entity | undefined {
    return this.live.get(id);
  }

  entities(): Iterable<Entity> {
    return this.live.values();
  }

  /** Forgets everything: the next snapshot must be one that builds on nothing. */
  clear(): void {
    this.begin();
    this.forgetAll();
    this.tick = this.base = 0;
  }

  /** Applies a compact snapshot. After an error nothing is held. */
  applyCompact(bytes: Uint8Array): void {
    this.begin();
    try {
      this.reader.reset(bytes);
      this.readHead();
      this.readRecords();
    } catch (e) {
      this.clear();
      throw e;
    }
  }

  /** Applies a plain snapshot. After an error nothing is held. */
  applyPlain(s: PlainSnapshot): void {
    this.begin();
    try {
      this.moveTo(s.t, s.b);
      this.ack = s.a;
      this.lead = s.d;
      this.late = s.l;
      if (s.o !== undefined) this.takeOwn(s.o);
      for (const r of s.r) this.remove(r[0] ?? -1, r[1] === Why.LeftView ? Why.LeftView : Why.Destroyed);
      for (const row of s.e) this.take(row);
    } catch (e) {
      this.clear();
      throw e;
    }
  }

  private begin(): void {
    for (let i = 0; i < this.removals; i++) this.release(this.removed[i]);
    this.changes = this.removals = this.events.length = 0;
    this.count++;
  }

  private release(e: Entity | undefined): void {
    if (e !== undefined) this.pools[e.set.number]?.push(e);
  }

  private moveTo(tick: number, base: number): void {
    if (tick <= 0 || base >= tick || (base > 0 && base !== this.tick)) {
      throw new SnapshotError(`tick ${tick} on ${base}, after ${this.tick}`);
    }
    if (base === 0) this.forgetAll();
    this.tick = tick;
    this.base = base;
  }

  private forgetAll(): void {
    for (const e of this.live.values()) {
      this.removed[this.removals] = e;
      this.why[this.removals++] = Why.LeftView;
    }
    this.live.clear();
    this.ownSet = null;
  }

  private readHead(): void {
    const r = this.reader;
    const flags = r.u8();
    if ((flags & 7) !== VERSION) throw new SnapshotError(`version ${flags & 7}`);
    if ((flags & KEY) !== 0) {
      this.moveTo(r.u32(), 0);
    } else {
      const tick = this.tick + (((r.u16() - this.tick) & 0xffff) || 0x10000);
      const base = tick - r.varint();
      if (base <= 0) throw new SnapshotError(`tick ${tick} on ${base}`);
      this.moveTo(tick, base);
    }
    const ack = r.u16();
    this.ack = Math.max(0, this.tick + (((ack - this.tick) << 16) >> 16));
    this.lead = r.i8();
    this.late = r.u16();
    const pace = r.u8();
    this.pace = pace & 15;
    this.level = pace >> 4;
    if ((flags & OWN) !== 0) this.readOwn();
    if ((flags & EVENTS) !== 0) this.readEvents();
    if ((flags & REMOVALS) !== 0) this.readRemovals();
  }

  private readOwn(): void {
    const r = this.reader;
    const own = this.ownOf(this.setOf(r.varint()));
    r.readMask();
    readFields(r, own, this.own, true);
  }

  private readEvents(): void {
    const r = this.reader;
    const n = r.varint();
    if (n > EVENTS_MAX) throw new SnapshotError(`${n} events`);
    for (let i = 0; i < n; i++) this.events.push(r.slice(r.varint()));
  }

  private readRemovals(): void {
    const r = this.reader;
    for (let n = r.varint(); n > 0; n--) {
      const v = r.varint();
      this.remove(v >>> 1, v & 1);
    }
  }

  private readRecords(): void {
    const r = this.reader;
    while (!r.done) {
      const id = r.varint();
      r.readMask();
      const absolute = ((r.mask[0] ?? 0) & 1) === 1;
      if (absolute && r.masks === 1 && r.mask[0] === 1) {
        const e = this.enter(id, this.setOf(r.varint()));
        for (let f = 0; f < e.set.size; f++) e.values[f] = readAbsolute(r, e.set.kinds[f]);
        continue;
      }
      const e = this.live.get(id);
      if (e === undefined) throw new SnapshotError(`a change of ${id}, which is not held`);
      this.tell(e);
      readFields(r, e.set, e.values, absolute);
    }
  }

  private take(row: readonly (number | boolean)[]): void {
    const e = this.enter(Number(row[0]), this.setOf(Number(row[1])));
    if (row.length !== 2 + e.set.size) throw new SnapshotError(`${row.length} parts of an entity of ${e.set.size} fields`);
    for (let f = 0; f < e.set.size; f++) e.values[f] = Number(row[2 + f]);
  }

  private takeOwn(row: readonly (number | boolean)[]): void {
    const own = this.ownOf(this.setOf(Number(row[0])));
    if (row.length !== 1 + own.size) throw new SnapshotError(`${row.length} own parts of ${own.size} fields`);
    for (let f = 0; f < own.size; f++) this.own[f] = Number(row[1 + f]);
  }

  /** The entity of an id, which may be new, and of which everything is told. */
  private enter(id: number, set: SetSchema): Entity {
    let e = this.live.get(id);
    if (e !== undefined && e.set !== set) {
      this.remove(id, Why.Destroyed);
      e = undefined;
    }
    if (e === undefined) {
      if (this.live.size >= ENTITIES_MAX) throw new SnapshotError(`more than ${ENTITIES_MAX} entities`);
      e = this.pools[set.number]?.pop() ?? new Entity(set);
      e.id = id;
      e.told = 0;
      this.live.set(id, e);
    }
    this.tell(e);
    return e;
  }

  /** A snapshot tells of an entity once. */
  private tell(e: Entity): void {
    if (e.told === this.count) throw new SnapshotError(`${e.id} twice`);
    e.told = this.count;
    this.changed[this.changes++] = e;
  }

  private remove(id: number, why: Why): void {
    const e = this.live.get(id);
    if (e === undefined) throw new SnapshotError(`the removal of ${id}, which is not held`);
    this.live.delete(id);
    this.removed[this.removals] = e;
    this.why[this.removals++] = why;
  }

  private setOf(number: number): SetSchema {
    const set = this.schema.sets[number];
    if (set === undefined) throw new SnapshotError(`set ${number}, which the schema does not have`);
    return set;
  }

  private ownOf(set: SetSchema): Fields {
    if (this.ownSet !== set) {
      this.ownSet = set;
      this.own = new Int32Array(set.own.size);
    }
    return set.own;
  }
}

function readAbsolute(r: Reader, kind: number | undefined): number {
  switch (kind) {
    case Code.Bool: {
      const v = r.u8();
      if (v > 1) throw new SnapshotError(`the boolean ${v}`);
      return v;
    }
    case Code.Uint:
      return r.bits();
    default:
      return r.zigzag();
  }
}

/** Reads the fields of the reader's mask: as they are, or as what to add. */
function readFields(r: Reader, fields: Fields, values: Int32Array, absolute: boolean): void {
  let first = -1; // the field of a byte's lowest bit: the first byte's is no field
  let some = false;
  for (let i = 0; i < r.masks; i++, first += 7) {
    let bits = i === 0 ? (r.mask[0] ?? 0) & ~1 : (r.mask[i] ?? 0);
    for (; bits !== 0; bits &= bits - 1) {
      const f = first + 31 - Math.clz32(bits & -bits);
      if (f >= fields.size) throw new SnapshotError(`field ${f} of ${fields.size}`);
      some = true;
      const kind = fields.kinds[f];
      if (absolute) values[f] = readAbsolute(r, kind);
      else if (kind === Code.Bool) values[f] = (values[f] ?? 0) ^ 1;
      else values[f] = (values[f] ?? 0) + r.zigzag(); // the array wraps it to 32 bits
    }
  }
  if (!some) throw new SnapshotError("a change of nothing");
}
