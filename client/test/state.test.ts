import { describe, expect, it } from "vitest";
import { FIELDS_MAX, Schema, SchemaError, SETS_MAX, SnapshotError, State, Why } from "../src";
import { decode, hex } from "./bytes";

// Two sets: ships with every kind of field, and marks with a private one.
const schema = new Schema({
  v: 1,
  sets: [
    { name: "ships", fields: [["x", "f", 0.5], ["hp", "u", 0], ["on", "b", 0], ["team", "i", 0]] },
    { name: "marks", fields: [["n", "i", 0]], own: [["ammo", "u", 0], ["x", "f", 0.01]] },
  ],
});

const ids = (s: State) => [...s.entities()].map((e) => [e.id, e.set.name, ...e.values]);

describe("a compact snapshot", () => {
  // key · tick 100 · nothing of inputs · 5: set 0, x −3, hp 200, on, team −1
  const KEY = "09 64000000 ffff 00 0000 01" + "05 01 00 05 c801 01 01";

  it("tells natural values by the schema, and what has changed", () => {
    const s = new State(schema, decode);
    s.applyCompact(hex(KEY));
    const e = s.get(5);
    expect([e?.value(0), e?.value(1), e?.value(2), e?.value(3)]).toEqual([-1.5, 200, 1, -1]);
    expect([s.changes, s.changed[0]]).toEqual([1, e]);
  });

  it("that is a key tells what it forgot", () => {
    const s = new State(schema, decode);
    s.applyCompact(hex(KEY));
    s.applyCompact(hex("09 c8000000 ffff 00 0000 01" + "06 01 01 02"));
    expect(ids(s)).toEqual([[6, "marks", 1]]);
    expect([s.removals, s.removed[0]?.id, s.why[0]]).toEqual([1, 5, Why.LeftView]);
  });

  it("uses again the memory of entities that are gone", () => {
    const s = new State(schema, decode);
    s.applyCompact(hex(KEY));
    const e = s.get(5);
    s.applyCompact(hex("21 6500 01 ffff 00 0000 01" + "01 0b"));
    s.applyCompact(hex("01 6600 01 ffff 00 0000 01" + "07 01 00 00 00 00 00"));
    expect(s.get(7)).toBe(e);
  });
});

describe("the plain dialect", () => {
  it("ends in the same state", () => {
    const s = new State(schema, decode);
    s.applyPlain({ t: 100, b: 0, a: 90, d: -2, l: 3, r: [], e: [[5, 0, -3, 200, true, -1], [6, 1, 1]], o: [1, 9, -1] });
    s.applyPlain({ t: 103, b: 100, a: 93, d: 0, l: 0, r: [[6, 0]], e: [[5, 0, -4, 200, false, -1]] });
    expect(ids(s)).toEqual([[5, "ships", -4, 200, 0, -1]]);
    expect([...s.own]).toEqual([9, -1]);
    expect(s.why[0]).toBe(Why.LeftView);
  });

  it("is refused when an entity has too few parts", () => {
    const s = new State(schema, decode);
    expect(() => s.applyPlain({ t: 1, b: 0, a: 0, d: 0, l: 0, r: [], e: [[5, 0, 1]] })).toThrow(SnapshotError);
  });
});

describe("a schema", () => {
  const bad: Record<string, unknown> = {
    "of the future": { v: 2, sets: [] },
    "with an unknown kind": { v: 1, sets: [{ name: "a", fields: [["x", "q", 0]] }] },
    "with a float in no steps": { v: 1, sets: [{ name: "a", fields: [["x", "f", 0]] }] },
    "with too many sets": { v: 1, sets: Array.from({ length: SETS_MAX + 1 }, () => ({ name: "a", fields: [] })) },
    "with too many fields": { v: 1, sets: [{ name: "a", fields: Array.from({ length: FIELDS_MAX + 1 }, () => ["x", "i", 0]) }] },
  };
  for (const [name, wire] of Object.entries(bad)) {
    it(`${name} is refused`, () => expect(() => new Schema(wire as never)).toThrow(SchemaError));
  }

  it("at its bounds is taken", () => {
    const fields = Array.from({ length: FIELDS_MAX }, (_, i) => [`f${i}`, "i", 0] as const);
    expect(new Schema({ v: 1, sets: Array.from({ length: SETS_MAX }, () => ({ name: "a", fields })) }).sets).toHaveLength(SETS_MAX);
  });
});
