// The files that the server's own decoder is held to: the same bytes give the
// same state here.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Schema, SnapshotError, State, type WireSchema } from "../src";
import { decode, hex } from "./bytes";

interface Step {
  about: string;
  snapshot: string;
  refused?: string;
  events?: string[];
  head?: { tick: number; base: number; ack: number; lead: number; late: number; every: number; level: number; checked: boolean };
  state?: { entities: [number, number, number[]][]; own: [number, number[]] | []; checksum: number };
}

interface Golden {
  about: string;
  schema: WireSchema;
  steps: Step[];
}

const folder = join(import.meta.dirname, "../../game/snap/testdata/golden");
const files = readdirSync(folder).filter((f) => f.endsWith(".json"));

/** What is held, in the form of the files: uints are unsigned there. */
function held(s: State): Step["state"] {
  const natural = (kinds: Uint8Array, values: Int32Array) => [...values].map((v, i) => (kinds[i] === 1 ? v >>> 0 : v));
  const own: [number, number[]] | [] = s.ownSet === null ? [] : [s.ownSet.number, natural(s.ownSet.own.kinds, s.own)];
  return {
    entities: [...s.entities()]
      .sort((a, b) => a.id - b.id)
      .map((e) => [e.id, e.set.number, natural(e.set.kinds, e.values)]),
    own,
    checksum: s.checksum(),
  };
}

it("there are files", () => expect(files.length).toBeGreaterThan(8));

describe.each(files)("%s", (file) => {
  const golden = JSON.parse(readFileSync(join(folder, file), "utf8")) as Golden;

  it(golden.about, () => {
    const s = new State(new Schema(golden.schema), decode);
    for (const step of golden.steps) {
      const bytes = hex(step.snapshot);
      if (step.refused !== undefined) {
        expect(() => s.applyCompact(bytes), step.about).toThrow(SnapshotError);
        expect([s.size, s.tick, s.ownSet], step.about).toEqual([0, 0, null]);
        continue;
      }
      s.applyCompact(bytes);
      const head = { tick: s.tick, base: s.base, ack: s.ack, lead: s.lead, late: s.late, every: s.pace, level: s.level, checked: s.checked };
      expect(head, step.about).toEqual(step.head);
      expect(held(s), step.about).toEqual(step.state);
      expect(s.events, step.about).toEqual((step.events ?? []).map((e) => decode(hex(e))));
    }
  });
});

describe("any bytes", () => {
  it("are taken or refused, never anything else, and what is refused leaves nothing", () => {
    const golden = files.map((f) => JSON.parse(readFileSync(join(folder, f), "utf8")) as Golden);
    let seed = 1;
    const random = (n: number) => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % n;
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const g = golden[random(golden.length)];
      if (g === undefined) continue;
      const s = new State(new Schema(g.schema), decode);
      for (const step of g.steps.slice(0, 1 + random(g.steps.length))) {
        const bytes = hex(step.snapshot);
        for (let i = random(3); i > 0 && bytes.length > 0; i--) bytes[random(bytes.length)] = random(256);
        try {
          s.applyCompact(bytes.subarray(0, random(8) === 0 ? random(bytes.length + 1) : bytes.length));
        } catch (e) {
          expect(e).toBeInstanceOf(SnapshotError);
          expect([s.size, s.tick]).toEqual([0, 0]);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(500);
  }, 60_000);
});
