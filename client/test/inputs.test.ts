import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { INPUTS_MAX, InputWriter, type WireInput } from "../src";

const text = (b: ArrayBuffer | null) => (b === null ? null : Buffer.from(b).toString("hex"));
const writer = (form: WireInput) => {
  const w = InputWriter.of(form);
  if (w === null) throw new Error("no writer");
  return w;
};

// head: version and count, newest 1, seen 0, view 0
const one = (rest: string) => `410100000000${rest}`;

describe("inputs", () => {
  it("are written as the worked bytes of the protocol page", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/PROTOCOL.md"), "utf8");
    const worked = page.match(/```hex compact-input\n([^`]*)```/)?.[1] ?? "";
    const packet = worked.replace(/\|[^\n]*\|/g, "").replace(/\s/g, "");
    const input = { row: -5 };
    const blob = text(writer([["row", "i"]]).write(112, 108, 12, [input, input]));
    expect(blob).toHaveLength(16);
    expect(packet).toContain(`c408${blob}`);
  });

  const all: WireInput = [["go", "b"], ["jump", "e"], ["turn", "i"], ["item", "u"], ["move.x", "f"], ["move.y", "f"]];
  const cases: [string, object, string][] = [
    ["nothing", {}, "00"],
    ["what is false or zero", { go: false, jump: 0, turn: 0, item: 0, move: { x: 0, y: -0 } }, "00"],
    ["a boolean has no bytes", { go: true }, "01"],
    ["an edge without a moment is 1", { jump: true }, "0201"],
    ["an edge with its moment", { jump: 255 }, "02ff"],
    ["integers of both signs", { turn: -64, item: 300 }, "0c7fac02"],
    ["large integers", { turn: 2 ** 31, item: 2 ** 32 - 1 }, "0c8080808010ffffffff0f"],
    ["nested floats", { move: { x: 1, y: -0.5 } }, "300000803f000000bf"],
    ["names that are not there are left out", { other: 1 }, "00"],
  ];
  it.each(cases)("%s", (_, input, want) => expect(text(writer(all).write(1, 0, 0, [input]))).toBe(one(want)));

  const strange: [string, object][] = [
    ["a fraction where there are integers", { turn: 0.5 }],
    ["a negative unsigned", { item: -1 }],
    ["an edge beyond its tick", { jump: 256 }],
    ["a number for a boolean", { go: 1 }],
    ["a text", { turn: "1" }],
    ["a float that is none in 32 bits", { move: { x: 1e300 } }],
    ["not a number", { move: { x: Number.NaN } }],
    ["an integer beyond JavaScript's own", { item: 2 ** 53 }],
  ];
  it.each(strange)("%s is left to the plain form", (_, input) => expect(writer(all).write(1, 0, 0, [input])).toBeNull());

  it("of four ticks share a message, and the same one is written once", () => {
    const [a, b] = [{ turn: 1 }, { turn: 2 }];
    const w = writer([["turn", "i"]]);
    expect(text(w.write(0x10004, 0xffff, 300, [b, a, a, b]))).toBe("54" + "0400" + "ffff" + "ff" + "0104" + "0102" + "0104");
    expect(w.write(5, 0, 0, Array.from({ length: INPUTS_MAX + 1 }, () => a))).toBeNull();
  });

  it("may be none: what was seen is said alone", () => {
    expect(text(writer([["turn", "i"]]).write(0, 700, 0, []))).toBe("400000bc0200");
  });

  it("longer than the buffer grow it", () => {
    const form: WireInput = Array.from({ length: 52 }, (_, i) => [`f${i}`, "f"]);
    const input = Object.fromEntries(form.map(([name], i) => [name, i + 1]));
    const blob = writer(form).write(4, 0, 0, [input, { ...input }, { ...input }, { ...input }]);
    expect(blob?.byteLength).toBe(6 + 4 * (8 + 52 * 4));
    expect(new DataView(blob as ArrayBuffer).getFloat32(6 + 4 * (8 + 52 * 4) - 4, true)).toBe(52);
  });

  it("of forms it does not know have no writer", () => {
    for (const form of [[], [["x", "q"]], [["x", "ii"]], Array.from({ length: 53 }, (_, i) => [`f${i}`, "b"])]) {
      expect(InputWriter.of(form as unknown as WireInput)).toBeNull();
    }
  });
});
