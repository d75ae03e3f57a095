import { describe, expect, it } from "vitest";
import { bucketEnd, eachGrowth, isPaused, isStuck, levelOf, packShare, shareOf, ticksOf, unpack } from "../src/wire";
import sample from "./frame.json"; // written by the server's tests

const bytes = (s: string): Uint8Array => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
const close = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThanOrEqual(b / 1000 + 1);

describe("what the server writes", () => {
  it("is read as histograms", () => {
    const grown: number[][] = [];
    eachGrowth(bytes(sample.hist), (...g) => grown.push(g));
    expect(grown).toEqual(sample.grown);
  });

  it("has buckets that end where the server's do", () => {
    [1, 5, 41].forEach((b, i) => expect(bucketEnd(b) / sample.ends[i]!).toBeCloseTo(1, 2));
  });

  it("is read as ticks", () => {
    const ticks = ticksOf(41, bytes(sample.ticks));
    expect(ticks.map((t) => t.n)).toEqual([41, 42]);
    ticks.forEach((t, i) => {
      close(t.took, sample.took[i]!);
      close(t.late, sample.late[i]!);
      close(t.phases[1]!, sample.steps[i]!);
      close(t.bytes, sample.bytes[i]!);
    });
    expect(ticks[0]!.due).toBe(17);
    expect(ticks[1]).toMatchObject({ level: 6, skipped: 255 });
  });

  it("is read as heat", () => {
    const heat = bytes(sample.heat);
    [0, 1].forEach((m) => expect(shareOf(heat[m * 4]!) / sample.share[m]!).toBeCloseTo(1, 1));
    expect(heat[2]).toBe(3);
    expect([heat[3], heat[7]]).toEqual(sample.state);
    expect([levelOf(heat[3]!), isStuck(heat[3]!), isPaused(heat[3]!)]).toEqual([5, true, false]);
    expect([levelOf(heat[7]!), isStuck(heat[7]!), isPaused(heat[7]!)]).toEqual([0, false, true]);
  });
});

it("shares survive being packed", () => {
  for (let s = 0.001; s < 50; s *= 1.13) expect(shareOf(packShare(s)) / s).toBeGreaterThan(0.95);
  expect(shareOf(0)).toBe(0);
});

it("bytes that are cut short are ignored, not invented", () => {
  expect(ticksOf(1, bytes(sample.ticks).subarray(0, 27))).toEqual([]);
  let n = 0;
  eachGrowth(new Uint8Array([200, 0, 1, 0, 0, 0, 0, 200, 1, 0, 0, 0, 1, 2]), () => n++);
  expect(n).toBe(0);
  expect(unpack(0)).toBe(0);
});
