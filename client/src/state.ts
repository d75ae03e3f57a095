// What one client knows of a match: every entity that the server has told of,
// in quantised integers, exactly as the server holds them.
//
// Snapshots come in two dialects of one stream, compact bytes and plain values;
// both end here. Nothing is allocated for an entity after it was met once.

import { Reader, SnapshotError } from "./reader";
import { Code, ENTITIES_MAX, type Fields, type Schema, type SetSchema } from "./schema";

/** Why an entity is to be forgotten. */
export const enum Why {
  /** It may still exist; this client does not see it any more. */
  LeftView = 0,
  Destroyed = 1,
}

/** The most events in one snapshot. One more is an error. */
export const EVENTS_MAX = 8192;

const VERSION = 1;
const KEY = 1 << 3;
const EVENTS = 1 << 4;
const REMOVALS = 1 << 5;
const OWN = 1 << 6;
const CHECKSUM = 1 << 7;

/** No input has been played yet, or none for very long. */
const NO_ACK = 0xffff;

const ID_MAX = 0x7fffffff;

/** One entity. Valid until the snapshot that removes it has been applied. */
export class Entity {
  id = 0;
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
  /** [set, …all own fields], or nothing when there are none any more. */
  o?: readonly unknown[];
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
  /** Events that came in the last snapshot, each [tick, name, data]. They belong before its state. */
  readonly events: unknown[] = [];
  /** Whether the last snapshot had a checksum, which then was right. */
  checked = false;
  /** The player's private fields, of this set; null until the server has sent them. */
  ownSet: SetSchema | null = null;
  own: Int32Array = new Int32Array(0);

  private readonly live = new Map<number, Entity>();
  private readonly pools: Entity[][];
  private readonly held: Int32Array; // entities by set
  private readonly reader = new Reader();

  /** decode reads a msgpack value: what socket.io-msgpack-parser itself uses will do. */
  constructor(
    readonly schema: Schema,
    private readonly decode: (bytes: Uint8Array) => unknown,
  ) {
    this.pools = schema.sets.map(() => []);
    this.held = new Int32Array(schema.sets.length);
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
    this.checked = false;
  }

  /** Applies a compact snapshot. After an error nothing is held. */
  applyCompact(bytes: Uint8Array): void {
    this.begin();
    try {
      this.reader.reset(bytes);
      this.readSnapshot();
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
    this.held.fill(0);
    this.ownSet = null;
  }

  private readSnapshot(): void {
    const r = this.reader;
    const flags = r.u8();
    if ((flags & 7) !== VERSION) throw new SnapshotError(`version ${flags & 7}`);
    this.readHead((flags & KEY) !== 0);
    const sum = (flags & CHECKSUM) !== 0 ? r.u32() : -1;
    if ((flags & OWN) !== 0) this.readOwn();
    if ((flags & EVENTS) !== 0) this.readEvents();
    if ((flags & REMOVALS) !== 0) this.readRemovals();
    while (!r.done) this.readRecord();
    this.checked = sum >= 0;
    if (this.checked && sum !== this.checksum()) throw new SnapshotError("the checksum is another");
  }

  private readHead(key: boolean): void {
    const r = this.reader;
    if (key) {
      this.moveTo(r.u32(), 0);
    } else {
      const low = r.u16();
      const step = r.varint();
      const tick = this.tick + step;
      if (this.tick === 0 || step === 0 || tick > 0xffffffff || (tick & 0xffff) !== low) {
        throw new SnapshotError(`${step} ticks after ${this.tick}`);
      }
      this.moveTo(tick, this.tick);
    }
    const ago = r.u16();
    this.ack = ago === NO_ACK ? 0 : Math.max(0, this.tick - ago);
    this.lead = r.i8();
    this.late = r.u16();
    const pace = r.u8();
    this.pace = pace & 15;
    this.level = pace >> 4;
  }

  private readOwn(): void {
    const r = this.reader;
    const number = r.varint();
    const mask = r.varint();
    if (mask === 0) {
      this.ownSet = null;
      return;
    }
    const set = this.setOf(number);
    if (mask > set.own.all || (set !== this.ownSet && mask !== set.own.all)) {
      throw new SnapshotError(`the own fields ${mask.toString(2)} of ${set.own.size}`);
    }
    readAbsolute(r, this.ownOf(set), this.own, mask);
  }

  private readEvents(): void {
    const r = this.reader;
    const n = r.varint();
    if (n > EVENTS_MAX) throw new SnapshotError(`${n} events`);
    for (let i = 0; i < n; i++) this.events.push(this.event(r.slice(r.varint())));
  }

  private event(bytes: Uint8Array): unknown {
    try {
      return this.decode(bytes);
    } catch (e) {
      throw new SnapshotError(`an event that is not one: ${String(e)}`);
    }
  }

  private readRemovals(): void {
    const r = this.reader;
    for (let n = r.varint(); n > 0; n--) {
      const v = r.varint();
      this.remove(v >>> 1, v & 1);
    }
  }

  private readRecord(): void {
    const r = this.reader;
    const id = r.varint();
    const m = r.varint();
    if (m === 1) {
      const e = this.enter(id, this.setOf(r.varint()));
      readAbsolute(r, e.set, e.values, e.set.all);
      return;
    }
    const e = this.live.get(id);
    if (e === undefined) throw new SnapshotError(`a change of ${id}, which is not held`);
    const mask = m >>> 1;
    if (mask === 0 || mask > e.set.all) throw new SnapshotError(`the fields ${mask.toString(2)} of ${e.set.size}`);
    if ((m & 1) === 1) readAbsolute(r, e.set, e.values, mask);
    else readDelta(r, e.set, e.values, mask);
    this.changed[this.changes++] = e;
  }

  private take(row: readonly (number | boolean)[]): void {
    const e = this.enter(Number(row[0]), this.setOf(Number(row[1])));
    if (row.length !== 2 + e.set.size) throw new SnapshotError(`${row.length} parts of an entity of ${e.set.size} fields`);
    for (let f = 0; f < e.set.size; f++) e.values[f] = Number(row[2 + f]);
  }

  private takeOwn(row: readonly unknown[]): void {
    if (row.length === 0) {
      this.ownSet = null;
      return;
    }
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
      const held = this.held[set.number] ?? 0;
      if (!(id > 0 && id <= ID_MAX)) throw new SnapshotError(`the id ${id}`);
      if (held >= set.cap) throw new SnapshotError(`more than ${set.cap} entities in ${set.name}`);
      if (this.live.size >= ENTITIES_MAX) throw new SnapshotError(`more than ${ENTITIES_MAX} entities`);
      e = this.pools[set.number]?.pop() ?? new Entity(set);
      e.id = id;
      this.live.set(id, e);
      this.held[set.number] = held + 1;
    }
    this.changed[this.changes++] = e;
    return e;
  }

  private remove(id: number, why: Why): void {
    const e = this.live.get(id);
    if (e === undefined) return;
    this.live.delete(id);
    this.held[e.set.number] = (this.held[e.set.number] ?? 0) - 1;
    this.removed[this.removals] = e;
    this.why[this.removals++] = why;
  }

  /** The checksum of all that is held, as the server makes it. */
  checksum(): number {
    let sum = 0;
    for (const e of this.live.values()) sum = (sum + hash(e.id, e.set.number, e.values)) | 0;
    if (this.ownSet !== null) sum += hash(0, this.ownSet.number, this.own);
    return sum >>> 0;
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

/** Reads the fields of a mask as they are. */
function readAbsolute(r: Reader, fields: Fields, values: Int32Array, mask: number): void {
  for (let left = mask; left !== 0; left &= left - 1) {
    const f = 31 - Math.clz32(left & -left);
    switch (fields.kinds[f]) {
      case Code.Bool: {
        const v = r.u8();
        if (v > 1) throw new SnapshotError(`the boolean ${v}`);
        values[f] = v;
        break;
      }
      case Code.Uint:
        values[f] = r.bits();
        break;
      default:
        values[f] = r.zigzag();
    }
  }
}

/** Reads the fields of a mask as what to add to them. */
function readDelta(r: Reader, fields: Fields, values: Int32Array, mask: number): void {
  for (let left = mask; left !== 0; left &= left - 1) {
    const f = 31 - Math.clz32(left & -left);
    const v = values[f] ?? 0;
    values[f] = fields.kinds[f] === Code.Bool ? v ^ 1 : v + r.zigzag(); // the array wraps it to 32 bits
  }
}

/** The hash of docs/PROTOCOL.md. */
function hash(id: number, set: number, values: Int32Array): number {
  let h = Math.imul(0x811c9dc5 ^ id, 0x01000193);
  h = Math.imul(h ^ set, 0x01000193);
  for (let i = 0; i < values.length; i++) h = Math.imul(h ^ (values[i] ?? 0), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
