import { describe, expect, it } from "vitest";
import { FrameStats, Ping, Rate, Strain } from "../src/stats";

it("frame statistics tell the rate and the slow end", () => {
  const f = new FrameStats();
  expect(f.fps).toBe(0);
  for (let i = 0; i < 200; i++) f.frame(i % 50 === 0 ? 100 : 10);
  expect(f.fps).toBeCloseTo(1000 / 11.8, 1);
  expect(f.p99).toBe(100);
  for (let i = 0; i < 300; i++) f.frame(10);
  expect(f.p99).toBe(10);
  f.reset();
  expect(f.p99).toBe(0);
});

it("a rate counts the last two seconds", () => {
  const r = new Rate();
  for (let t = 0; t <= 5000; t += 50) r.mark(t);
  expect(r.perSecond(5000)).toBe(20);
  expect(r.perSecond(6000)).toBe(10);
  expect(r.perSecond(9000)).toBe(0);
});

describe("the ping", () => {
  it("is the shortest way of an input to its acknowledgement", () => {
    const p = new Ping();
    expect(p.ms).toBe(Number.POSITIVE_INFINITY);
    for (let s = 1; s <= 9; s++) p.sent(s, s * 16);
    p.acknowledged(3, 3 * 16 + 70);
    p.acknowledged(6, 6 * 16 + 40);
    p.acknowledged(9, 9 * 16 + 90);
    expect(p.ms).toBe(40);
  });

  it("counts an acknowledgement once and ignores those it did not ask for", () => {
    const p = new Ping();
    p.sent(1, 0);
    p.acknowledged(7, 1);
    expect(p.ms).toBe(Number.POSITIVE_INFINITY);
    p.acknowledged(1, 50);
    p.acknowledged(1, 5);
    expect(p.ms).toBe(50);
  });

  it("forgets an old best", () => {
    const p = new Ping();
    for (let s = 1; s <= 100; s++) {
      p.sent(s, s * 100);
      p.acknowledged(s, s * 100 + (s === 1 ? 5 : 30));
    }
    expect(p.ms).toBe(30);
  });
});

describe("strain", () => {
  const run = (ms: number) => {
    const s = new Strain();
    let n = 0;
    for (let now = 0; now < 6500; now += ms) if (s.frame(now, ms)) n++;
    return n;
  };

  it("is told once for every two seconds of late frames", () => expect(run(50)).toBe(3));
  it("is not told at 60 nor at 45 frames per second", () => expect(run(16.7) + run(22)).toBe(0));
  it("does not take a hidden page for a slow one", () => expect(run(1000)).toBe(0));
});
