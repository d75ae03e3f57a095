import { describe, expect, it } from "vitest";
import { Schema, SchemaError, SnapshotError, State, Why } from "../src";

// Two sets: ships with every kind of field, and marks with a private one.
const schema = new Schema({
  v: 2,
  sets: [
    { name: "ships", fields: [["x", "f", 0.5], ["hp", "u", 0], ["on", "b", 0], ["team", "i", 0]] },
    { name: "marks", fields: [["n", "i", 0]], own: [["ammo", "u", 0], ["x", "f", 0.01]] },
  ],
});

const hex = (text: string) => Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16));
const ids = (s: State) => [...s.entities()].map((e) => [e.id, e.set.name, ...e.values]);
const of = (...blobs: string[]) => {
  const s = new State(schema);
  for (const b of blobs) s.applyCompact(hex(b));
  return s;
};

// key · tick 100 · ack 90 · lead −2 · late 3 · pace 1, level 2
const KEY = "09 64000000 5a00 fe 0300 21";
// F of id 5, set 0: x −3 (zigzag 5), hp 200, on, team −1
const SHIP = "05 01 00 05 c801 01 01";
// delta · tick 103 · base 3 before · ack, lead, late, pace
const DELTA = "01 6700 03 5d00 00 0000 01";

describe("a key", () => {
  it("brings its tick, what it says of inputs and of the server, and whole entities", () => {
    const s = of(KEY + SHIP);
    expect([s.tick, s.base, s.ack, s.lead, s.late, s.pace, s.level]).toEqual([100, 0, 90, -2, 3, 1, 2]);
    expect(ids(s)).toEqual([[5, "ships", -3, 200, 1, -1]]);
    expect(s.get(5)?.value(0)).toBe(-1.5);
    expect(s.changes).toBe(1);
  });

  it("forgets everything before it", () => {
    const s = of(KEY + SHIP, "09 c8000000 0000 00 0000 01" + "06 01 01 02");
    expect(ids(s)).toEqual([[6, "marks", 1]]);
    expect([s.removals, s.removed[0]?.id, s.why[0]]).toEqual([1, 5, Why.LeftView]);
  });
});

describe("a delta", () => {
  it("adds differences, flips booleans, and leaves the rest", () => {
    // mask x, on = 0b0101, relative: m = 0b1010; x −1 (zigzag 1)
    const s = of(KEY + SHIP, DELTA + "05 0a 01");
    expect(ids(s)).toEqual([[5, "ships", -4, 200, 0, -1]]);
    expect([s.tick, s.base, s.ack]).toEqual([103, 100, 93]);
  });

  it("replaces values that are absolute", () => {
    // mask hp, team = 0b1010, absolute: m = 0b10101
    const s = of(KEY + SHIP, DELTA + "05 15 07 04");
    expect(ids(s)).toEqual([[5, "ships", -3, 7, 1, 2]]);
  });

  it("wraps differences at 32 bits", () => {
    // team from −1 by 2³¹−1 (zigzag fe ff ff ff 0f), then by 2
    const s = of(KEY + SHIP, DELTA + "05 10 feffffff0f", "01 6a00 03 5d00 00 0000 01 05 10 04");
    expect(s.get(5)?.values[3]).toBe(-0x80000000);
  });

  it("removes before it brings, and says why", () => {
    const s = of(KEY + SHIP + "06 01 01 02", "21 6700 03 5d00 00 0000 01" + "02 0b 0c" + "05 01 01 08");
    expect(ids(s)).toEqual([[5, "marks", 4]]);
    expect([s.removals, s.why[0], s.why[1]]).toEqual([2, Why.Destroyed, Why.LeftView]);
  });

  it("finds its tick again after 65 536 of them", () => {
    const s = of("09 feff0100 0000 00 0000 01", "01 0100 03 0000 00 0000 01");
    expect([s.tick, s.base]).toEqual([0x20001, 0x1fffe]);
  });
});

describe("private fields", () => {
  it("come apart from the entity and change one by one", () => {
    // set 1, mask both: m = 0b111; ammo 9, x −1
    const s = of("49 64000000 5a00 00 0000 01" + "01 07 09 01", "41 6700 03 5d00 00 0000 01" + "01 03 08");
    expect(s.ownSet?.name).toBe("marks");
    expect([...s.own]).toEqual([8, -1]);
  });
});

describe("events", () => {
  it("are handed out as they came", () => {
    const s = of("19 64000000 5a00 00 0000 01" + "02 03 930102 01 c0" + SHIP);
    expect(s.events.map((e) => [...e])).toEqual([[0x93, 1, 2], [0xc0]]);
    expect(s.size).toBe(1);
  });
});

describe("what breaks the rules", () => {
  const good = KEY + SHIP;
  const cases: Record<string, string[]> = {
    "another version": ["0a" + KEY.slice(2)],
    "a delta on nothing": [DELTA],
    "a delta on another snapshot": [good, "01 6700 02 5d00 00 0000 01"],
    "half a head": [KEY.slice(0, 12)],
    "half a record": [KEY + "05 01 00 05"],
    "a set that is not there": [KEY + "05 01 02 05"],
    "a change of what is not held": [good, DELTA + "06 02 02"],
    "a removal of what is not held": [good, "21 6700 03 5d00 00 0000 01 01 0d"],
    "a field that is not there": [good, DELTA + "05 20 02"],
    "a change of nothing": [good, DELTA + "05 00"],
    "an entity told of twice": [good, DELTA + "05 02 02 05 02 02"],
    "a boolean of two": [KEY + "05 01 00 05 c801 02 01"],
    "a number of more than 32 bits": [KEY + "ffffffff1f"],
    "a mask without end": [good, DELTA + "05 8080808080808080808001"],
    "more events than bytes": ["19 64000000 5a00 00 0000 01 02 03 930102"],
  };
  for (const [name, blobs] of Object.entries(cases)) {
    it(`${name} is refused, and nothing is held after it`, () => {
      const s = new State(schema);
      for (const b of blobs.slice(0, -1)) s.applyCompact(hex(b));
      expect(() => s.applyCompact(hex(blobs.at(-1) ?? ""))).toThrow(SnapshotError);
      expect([s.size, s.tick]).toEqual([0, 0]);
    });
  }
});

describe("the plain dialect", () => {
  it("ends in the same state", () => {
    const s = new State(schema);
    s.applyPlain({ t: 100, b: 0, a: 90, d: -2, l: 3, r: [], e: [[5, 0, -3, 200, true, -1], [6, 1, 1]], o: [1, 9, -1] });
    s.applyPlain({ t: 103, b: 100, a: 93, d: 0, l: 0, r: [[6, 0]], e: [[5, 0, -4, 200, false, -1]] });
    expect(ids(s)).toEqual([[5, "ships", -4, 200, 0, -1]]);
    expect([...s.own]).toEqual([9, -1]);
    expect(s.why[0]).toBe(Why.LeftView);
  });

  it("is refused when an entity has too few parts", () => {
    const s = new State(schema);
    expect(() => s.applyPlain({ t: 1, b: 0, a: 0, d: 0, l: 0, r: [], e: [[5, 0, 1]] })).toThrow(SnapshotError);
  });
});

describe("a schema", () => {
  const bad: Record<string, unknown> = {
    "of the future": { v: 3, sets: [] },
    "with an unknown kind": { v: 2, sets: [{ name: "a", fields: [["x", "q", 0]] }] },
    "with a float in no steps": { v: 2, sets: [{ name: "a", fields: [["x", "f", 0]] }] },
    "with too many sets": { v: 2, sets: Array.from({ length: 65 }, () => ({ name: "a", fields: [] })) },
    "with too many fields": { v: 2, sets: [{ name: "a", fields: Array.from({ length: 65 }, () => ["x", "i", 0]) }] },
  };
  for (const [name, wire] of Object.entries(bad)) {
    it(`${name} is refused`, () => expect(() => new Schema(wire as never)).toThrow(SchemaError));
  }

  it("at its bounds is taken", () => {
    const fields = Array.from({ length: 64 }, (_, i) => [`f${i}`, "i", 0] as const);
    expect(new Schema({ v: 2, sets: Array.from({ length: 64 }, () => ({ name: "a", fields })) }).sets).toHaveLength(64);
  });
});
