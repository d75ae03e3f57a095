import { describe, expect, it } from "vitest";
import { InputPacer } from "../src/pacer";

const TICK = 1000 / 60;

/** A server at 60 Hz, 20 snapshots a second, some ms away; frames last frameMs(t). */
function play(oneWay: number, frameMs: (t: number) => number, seconds = 10) {
  const pacer = new InputPacer(60);
  const down: { at: number; tick: number; lead: number }[] = [];
  const up: { at: number; seq: number }[] = [];
  let tick = 0;
  let lead = 0;
  let last = 0;
  const leads: number[] = [];
  let sent = 0;
  let frameAt = 0;
  let pumped = 0;
  for (let t = 0; t < seconds * 1000; t++) {
    while (up[0] !== undefined && up[0].at <= t) {
      lead = up.shift()!.seq - t / TICK;
      leads.push(lead);
    }
    if (t >= (tick + 1) * TICK && ++tick % 3 === 0) down.push({ at: t + oneWay, tick, lead });
    while (down[0] !== undefined && down[0].at <= t) {
      const s = down.shift()!;
      pacer.snapshot(s.tick, s.lead);
    }
    if (t < frameAt) continue;
    frameAt = t + frameMs(t);
    pacer.pass(t - pumped);
    pumped = t;
    for (let seq = pacer.next(); seq > 0; seq = pacer.next()) {
      expect(seq).toBeGreaterThan(last);
      last = seq;
      sent++;
      up.push({ at: t + oneWay, seq });
    }
  }
  return { sent, settled: leads.slice(-120) };
}

describe("inputs", () => {
  it("keep the pace of the ticks and are never early for long", () => {
    const { sent, settled } = play(5, () => 16);
    expect(sent).toBeGreaterThan(560);
    expect(sent).toBeLessThanOrEqual(601);
    expect(Math.max(...settled)).toBeLessThan(4);
  });

  it("come in time again after hiccups", () => {
    const { settled } = play(5, (t) => (t > 1000 && t < 6000 && t % 7 === 0 ? 70 : 16));
    expect(Math.max(...settled)).toBeLessThan(4);
  });

  it("go on at full pace over a long line, where all of them are late", () => {
    const { sent, settled } = play(120, () => 16);
    expect(sent).toBeGreaterThan(560);
    expect(Math.max(...settled)).toBeLessThan(4);
  });

  it("wait for the first snapshot", () => {
    const p = new InputPacer(60);
    p.pass(1000);
    expect(p.next()).toBe(0);
    p.snapshot(41, 0);
    p.pass(20);
    expect([p.next(), p.next()]).toEqual([42, 0]);
  });

  it("are at most three at once, and stop when the server is silent", () => {
    const p = new InputPacer(60);
    p.snapshot(10, 0);
    p.pass(5000);
    expect([p.next(), p.next(), p.next(), p.next()]).toEqual([11, 12, 13, 0]);
    for (let i = 0; i < 100; i++) p.pass(TICK), p.next();
    p.pass(1000);
    expect(p.next()).toBe(0);
    p.snapshot(90, 0);
    p.pass(20);
    expect(p.next()).toBe(91);
  });

  it("keep to the pace of a slow match", () => {
    const p = new InputPacer(30);
    p.snapshot(1, 0);
    p.pass(32);
    expect(p.next()).toBe(0);
    p.pass(2);
    expect(p.next()).toBe(2);
  });
});
