import { describe, expect, it } from "vitest";
import golden from "../../../../server/client/testdata/clock.json?raw";
import { PlaybackClock } from "../src/clock";
import { InputClock } from "../src/pacer";

interface Call {
  op: "answered" | "snapshot" | "pace" | "frame";
  at: number;
  args?: number[];
  want?: number[];
}

interface Trace {
  name: string;
  rate: number;
  every: number;
  trace: Call[];
}

const traces = JSON.parse(golden) as Trace[];

describe("the clocks are those of the Go client", () => {
  it("has traces", () => {
    expect(traces.map((t) => t.name)).toEqual(["lan", "fibre", "wifi", "4g", "bad"]);
  });

  it.each(traces)("over $name", ({ rate, every, trace }) => {
    const input = new InputClock(rate);
    const screen = new PlaybackClock(rate, every);
    let newest = 0;
    let frames = 0;
    for (const { op, at, args, want } of trace) {
      const [a = 0, b = 0, c = 0, d = 0] = args ?? [];
      if (op === "answered") input.answered(a, at, b);
      else if (op === "pace") input.pace(at, a);
      else if (op === "snapshot") {
        newest = a;
        input.snapshot(at, a, b, c);
        screen.arrived(a, at, d);
      } else {
        const n = input.due(at);
        const shown = screen.advance(at);
        const got = [input.newest, n, input.aim, shown, screen.delayMs, screen.view(newest)];
        got.forEach((v, i) => expect(Math.abs(v - (want?.[i] ?? Number.NaN))).toBeLessThan(2e-6));
        frames++;
      }
    }
    expect(frames).toBeGreaterThan(100);
  });
});

describe("inputs", () => {
  it("wait until something is known", () => {
    const c = new InputClock(50);
    expect(c.due(1000)).toBe(0);
    c.snapshot(1000, 41, 0, 0);
    expect([c.due(1000), c.newest]).toEqual([1, 43]);
    expect(c.due(1001)).toBe(0);
    expect([c.due(1020), c.newest]).toEqual([1, 44]);
  });

  it("are four at most after a hiccup, and for the newest ticks", () => {
    const c = new InputClock(50);
    c.answered(0, 10, 100);
    expect([c.due(10), c.newest]).toEqual([1, 102]);
    expect([c.due(1010), c.newest]).toEqual([4, 152]);
    expect(c.due(900)).toBe(0);
  });

  it("go on at the pace of a slower match", () => {
    const c = new InputClock(50);
    c.answered(0, 10, 100);
    c.due(10);
    c.pace(10, 40);
    expect(c.due(30)).toBe(0);
    expect([c.due(50), c.newest]).toEqual([1, 103]);
    expect(c.due(89)).toBe(0);
    expect([c.due(90), c.newest]).toEqual([1, 104]);
  });
});
