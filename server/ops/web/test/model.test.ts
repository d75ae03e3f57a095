import { describe, expect, it } from "vitest";
import { COLUMNS, Model, quantile, verdict } from "../src/model";
import type { BlameLine, Frame, Slot } from "../src/wire";

function hist(...grown: [hist: number, bucket: number, count: number][]): Uint8Array {
  const b = new Uint8Array(grown.length * 6);
  const v = new DataView(b.buffer);
  grown.forEach(([h, k, n], i) => {
    v.setUint8(i * 6, h);
    v.setUint8(i * 6 + 1, k);
    v.setUint32(i * 6 + 2, n, true);
  });
  return b;
}

const line = (seq: number): BlameLine => ({ seq, at: 0, id: "m", tick: seq, worker: 0, late: 1, took: 0, cause: 0, line: "late" });
const slot = (s: number, id: string, worker = 0): Slot => ({ slot: s, id, game: "pond", hz: 60, worker });

function frame(n: number, b: number, more: Partial<Frame> = {}): Frame {
  return {
    n, b, at: n * 250, up: n * 250,
    sum: { expected: n * 60, ticks: n * 60, onTime: n * 60, late: 0, skipped: 0, overruns: 0, steals: 0, refused: 0, stalls: 0, blames: 0, stuck: 0, entries: 1 },
    house: { conns: 0, players: 0, waiting: 0, bytesOut: 0, outbox: 0, ready: true, draining: false },
    process: { goroutines: 1, heap: 1, allocs: 1, cycles: 0, pauses: 0, pause: 0, latency: 0 },
    workers: [], hist: hist(), heat: new Uint8Array(), causes: { blames: 0, late: [], took: [] }, ...more,
  };
}

const total = (m: Model, h = 0): number => m.window(h, 60_000, new Float64Array(81)).reduce((a, b) => a + b);

describe("frames", () => {
  it("begin with one that has no base, whose past is no news", () => {
    const m = new Model();
    expect(m.apply(frame(7, 6))).toBe(false);
    expect(m.apply(frame(7, 0, { hist: hist([0, 4, 1000]), slots: [slot(0, "a")] }))).toBe(true);
    expect(total(m)).toBe(0);
    expect(m.slots[0]?.id).toBe("a");
  });

  it("add up", () => {
    const m = new Model();
    m.apply(frame(1, 0));
    expect(m.apply(frame(2, 1, { hist: hist([0, 4, 3], [1, 9, 5]) }))).toBe(true);
    expect(m.apply(frame(3, 2, { hist: hist([0, 5, 4]) }))).toBe(true);
    expect([total(m, 0), total(m, 1)]).toEqual([7, 5]);
    expect(m.growth(60_000).ticks).toBe(120);
    expect(m.growth(250).ticks).toBe(60);
  });

  it("take the place of those with the same base", () => {
    const m = new Model();
    m.apply(frame(1, 0));
    m.apply(frame(2, 1, { hist: hist([0, 4, 3]), heat: new Uint8Array([9, 8, 0, 0]), blames: [line(1), line(2)] }));
    expect(m.apply(frame(4, 1, { hist: hist([0, 4, 10]), heat: new Uint8Array([99, 88, 0, 0]), blames: [line(1), line(2), line(3)] }))).toBe(true);
    expect(m.apply(frame(5, 4, { hist: hist([0, 4, 1]), heat: new Uint8Array([1, 1, 0, 0]) }))).toBe(true);
    expect(total(m)).toBe(11);
    expect(m.columns).toBe(3);
    expect([...m.took.subarray(0, 3)]).toEqual([0, 99, 1]);
    expect(m.blames.map((b) => b.seq)).toEqual([1, 2, 3]);
  });

  it("that continue something else are refused", () => {
    const m = new Model();
    m.apply(frame(1, 0));
    m.apply(frame(2, 1));
    expect(m.apply(frame(9, 8))).toBe(false);
    expect(m.apply(frame(9, 0))).toBe(true);
  });

  it("count the blame lines that were left out", () => {
    const m = new Model();
    m.apply(frame(1, 0, { blames: [line(40)] }));
    expect(m.missed).toBe(0);
    m.apply(frame(2, 1, { blames: [line(45)] }));
    expect(m.missed).toBe(4);
  });

  it("keep the worst line among many small ones, for a minute", () => {
    const m = new Model();
    m.apply(frame(1, 0, { blames: [{ ...line(1), at: 250, took: 700 }] }));
    for (let n = 2; n < 200; n++) m.apply(frame(n, n - 1, { blames: Array.from({ length: 5 }, (_, i) => ({ ...line(n * 5 + i), at: n * 250 })) }));
    expect(m.blames.length).toBe(200);
    expect(m.worst[0]?.took).toBe(700);
    for (let n = 200; n < 300; n++) m.apply(frame(n, n - 1));
    expect(m.worst).toEqual([]);
  });

  it("keep a minute", () => {
    const m = new Model();
    m.apply(frame(1, 0));
    for (let n = 2; n < 1000; n++) m.apply(frame(n, n - 1, { hist: hist([0, 1, 1]) }));
    expect(m.moments.length).toBe(COLUMNS + 1);
    expect(total(m)).toBe(240);
  });
});

describe("slots", () => {
  it("are cleared for the next one", () => {
    const m = new Model();
    m.apply(frame(1, 0, { slots: [slot(0, "a"), slot(1, "b", 1)], heat: new Uint8Array([50, 0, 0, 0, 60, 0, 0, 3]) }));
    expect(m.order("")).toEqual([0, 1]);
    expect(m.levels[1]).toBe(3);
    m.apply(frame(2, 1, { slots: [{ slot: 0, id: "", worker: 0 }], heat: new Uint8Array(8) }));
    expect(m.order("")).toEqual([1]);
    m.apply(frame(3, 2, { slots: [slot(0, "c", 2)], heat: new Uint8Array(8) }));
    expect(m.took[0]).toBe(0);
    expect(m.order("")).toEqual([1, 0]);
    expect(m.order("C")).toEqual([0]);
    expect(m.order("pond")).toEqual([1, 0]);
  });
});

describe("the selected match", () => {
  const ticks = (n: number): Uint8Array => {
    const b = new Uint8Array(28 * n);
    for (let i = 0; i < n; i++) new DataView(b.buffer).setUint32(28 * i, i * 17, true);
    return b;
  };

  it("has each tick once", () => {
    const m = new Model();
    m.select("a");
    m.apply(frame(1, 0, { match: { id: "a", slot: 0, hz: 60, length: 16_667, from: 1, ticks: ticks(3) } }));
    m.apply(frame(1, 1, { match: { id: "a", slot: 0, from: 2, ticks: ticks(4) } }));
    m.apply(frame(2, 1, { match: { id: "b", slot: 0, from: 9, ticks: ticks(1) } }));
    expect(m.selected?.ticks.map((t) => t.n)).toEqual([1, 2, 3, 4, 5]);
    expect(m.selected?.hz).toBe(60);
    m.apply(frame(3, 2, { match: { id: "a", slot: -1, gone: true } }));
    expect(m.selected?.gone).toBe(true);
  });
});

it("quantiles are those of the buckets", () => {
  const c = new Float64Array(81);
  expect(quantile(c, 0.99)).toBe(0);
  c[4] = 99;
  c[40] = 1;
  expect(quantile(c, 0.5)).toBe(2);
  expect(quantile(c, 0.99)).toBe(2);
  expect(quantile(c, 1)).toBe(1024);
});

describe("the verdict", () => {
  const after = (onTime: number, more: Partial<Frame["sum"]> = {}, house: Partial<Frame["house"]> = {}): string => {
    const m = new Model();
    m.apply(frame(1, 0));
    const f = frame(2, 1);
    m.apply({ ...f, sum: { ...f.sum, expected: 10_060, onTime: 60 + onTime, ...more }, house: { ...f.house, ...house } });
    return verdict(m).word;
  };
  it("waits, then tells how it is", () => {
    expect(verdict(new Model()).word).toBe("waiting");
    expect(after(10_000)).toBe("on time");
    expect(after(9_989)).toBe("slipping");
    expect(after(9_800)).toBe("late");
    expect(after(10_000, { stuck: 1 })).toBe("stuck");
    expect(after(10_000, {}, { draining: true })).toBe("draining");
    expect(after(10_000, { entries: 0 })).toBe("idle");
  });
});
