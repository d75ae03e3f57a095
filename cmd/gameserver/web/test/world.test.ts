import { describe, expect, it } from "vitest";
import { type PlainSnapshot, SnapshotError } from "gameserver-client";
import { PlaybackClock } from "../src/clock";
import { lerpAngle, Sight, World } from "../src/world";
import type { GameEvent, Schema } from "../src/wire";

const schema: Schema = {
  v: 1,
  sets: [
    { name: "ships", fields: [["x", "f", 0.1], ["y", "f", 0.1], ["rot", "f", 0.01], ["hp", "u", 0], ["flags", "u", 0]] },
    { name: "shots", fields: [["x", "f", 0.1], ["y", "f", 0.1], ["vx", "f", 1], ["vy", "f", 1], ["owner", "u", 0]] },
  ],
  input: [],
};

const RATE = 60;
const EVERY = 3;
const TICK = 1000 / RATE;

const out = new Float64Array(16);
const snap = (t: number, b: number, e: PlainSnapshot["e"], r: PlainSnapshot["r"] = []): PlainSnapshot => ({ t, b, a: 0, d: 0, l: 0, e, r });
const ship = (id: number, x: number, y = 0, rot = 0, hp = 100, flags = 1) => [id, 0, x * 10, y * 10, Math.round(rot * 100), hp, flags];
const shot = (id: number, x: number, vx = 600) => [id, 1, x * 10, 0, vx, 0, 1];

function make(): World {
  return new World(schema, RATE, EVERY);
}

function at(w: World, id: number, play: number): { sight: Sight; x: number; rot: number; hp: number } {
  const list = w.lists.flat();
  const track = w.get(id) ?? list.find((t) => t.id === id);
  if (track === undefined) return { sight: Sight.Hidden, x: NaN, rot: NaN, hp: NaN };
  const sight = w.sample(track, play, out);
  return { sight, x: out[0]!, rot: out[2]!, hp: out[3]! };
}

describe("snapshots", () => {
  it("are unpacked by the schema's quanta and played in between", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(7, 100)]), 0);
    w.apply(snap(6, 3, [ship(7, 130)]), 50);
    expect(at(w, 7, 3).x).toBeCloseTo(100);
    expect(at(w, 7, 4).x).toBeCloseTo(110);
    expect(at(w, 7, 6).x).toBeCloseTo(130);
  });

  it("leave values without a quantum as steps", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(7, 0, 0, 0, 100)]), 0);
    w.apply(snap(6, 3, [ship(7, 0, 0, 0, 40)]), 50);
    expect(at(w, 7, 5.9).hp).toBe(100);
    expect(at(w, 7, 6).hp).toBe(40);
  });

  it("that do not list an entity mean it stood still until the base tick", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(7, 100)]), 0);
    w.apply(snap(6, 3, []), 50);
    w.apply(snap(9, 6, []), 100);
    w.apply(snap(12, 9, [ship(7, 130)]), 150);
    expect(at(w, 7, 8.9).x).toBeCloseTo(100);
    expect(at(w, 7, 10).x).toBeCloseTo(110);
  });

  it("with base 0 forget what they do not list and keep the flight of what they do", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(1, 100), ship(2, 200)]), 0);
    w.apply(snap(6, 0, [ship(1, 130)]), 50);
    expect(w.size).toBe(1);
    expect(at(w, 1, 4).x).toBeCloseTo(110);
    expect(at(w, 2, 5).sight).toBe(Sight.Known);
    expect(at(w, 2, 6).sight).toBe(Sight.Hidden);
  });

  it("with base 0 after a long gap start over", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(1, 100)]), 0);
    w.apply(snap(300, 0, [ship(1, 900)]), 5000);
    expect(at(w, 1, 300).x).toBeCloseTo(900);
    expect(w.get(1)?.bornAt).toBe(300);
  });

  it("that build on another than the last are an error, and the next must build on nothing", () => {
    const w = make();
    w.apply(snap(6, 0, [ship(1, 100)]), 0);
    expect(() => w.apply(snap(12, 9, [ship(1, 500)]), 1)).toThrow(SnapshotError);
    expect(() => w.apply(snap(12, 6, [ship(1, 500)]), 2)).toThrow(SnapshotError);
    w.apply(snap(15, 0, [ship(1, 700)]), 3);
    expect(at(w, 1, 15).x).toBeCloseTo(700);
  });

  it("in compact bytes end the same", () => {
    const w = make();
    w.apply(snap(3, 0, [shot(5, 0)]), 0);
    // delta · tick 6, 3 after · no input yet · 5: x + 20 steps, vy + 1
    w.apply(Uint8Array.of(1, 6, 0, 3, 0xff, 0xff, 0, 0, 0, 1, 5, 0b10010, 40, 2), 50);
    w.advance(0, () => {});
    expect(at(w, 5, 6).x).toBeCloseTo(2);
  });
});

describe("a track", () => {
  it("is not seen before its birth nor after its end", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(1, 0)]), 0);
    w.apply(snap(6, 3, [ship(2, 50)]), 50);
    w.apply(snap(9, 6, [], [[2, 1]]), 100);
    expect(at(w, 2, 5.9).sight).toBe(Sight.Hidden);
    expect(at(w, 2, 7).sight).toBe(Sight.Known);
    expect(at(w, 2, 9).sight).toBe(Sight.Hidden);
  });

  it("whose id is used again does not fly to the new place", () => {
    const w = make();
    w.apply(snap(3, 0, [shot(5, 0)]), 0);
    w.apply(snap(6, 3, [shot(5, 1000)], [[5, 1]]), 50);
    const [old, fresh] = w.lists[1]!;
    expect(old!.goneAt).toBe(6);
    expect(fresh!.bornAt).toBe(6);
    expect(w.sample(old!, 4, out)).toBe(Sight.Guessed);
    expect(out[0]).toBeCloseTo(10);
    expect(w.sample(fresh!, 5, out)).toBe(Sight.Hidden);
  });

  it("does not fly through a respawn or a teleport", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(1, 0, 0, 0, 0, 0), ship(2, 0)]), 0);
    w.apply(snap(6, 3, [ship(1, 60, 0, 0, 100, 1), ship(2, 2000)]), 50);
    expect(at(w, 1, 5).x).toBe(0);
    expect(at(w, 1, 6).x).toBeCloseTo(60);
    expect(at(w, 2, 5).x).toBe(0);
  });

  it("is carried on for 100 ms past the newest snapshot, then held", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(1, 0), shot(2, 0)]), 0);
    w.apply(snap(6, 3, [ship(1, 30), shot(2, 30)]), 50);
    expect(at(w, 1, 8)).toMatchObject({ sight: Sight.Guessed });
    expect(at(w, 1, 8).x).toBeCloseTo(50);
    expect(at(w, 2, 8).x).toBeCloseTo(50);
    expect(at(w, 1, 100).x).toBeCloseTo(30 + 6 * 10);
  });

  it("that stood still in the newest snapshot stays", () => {
    const w = make();
    w.apply(snap(3, 0, [ship(1, 0)]), 0);
    w.apply(snap(6, 3, [ship(1, 30)]), 50);
    w.apply(snap(9, 6, []), 100);
    expect(at(w, 1, 12).x).toBeCloseTo(30);
  });

  it("remembers only so much", () => {
    const w = make();
    w.apply(snap(1, 0, [ship(1, 0)]), 0);
    for (let t = 2; t <= 100; t++) w.apply(snap(t, t - 1, [ship(1, t)]), t * TICK);
    expect(at(w, 1, 99.5).x).toBeCloseTo(99.5);
    expect(at(w, 1, 10).sight).toBe(Sight.Known);
  });
});

it("angles turn the short way", () => {
  expect(lerpAngle(3, -3, 0.5)).toBeCloseTo(Math.PI, 1);
  expect(lerpAngle(-3, 3, 0.5)).toBeCloseTo(-Math.PI, 1);
  expect(lerpAngle(0.2, 0.4, 0.5)).toBeCloseTo(0.3);
});

describe("playback", () => {
  it("hands out events at their tick and releases ended tracks", () => {
    const w = make();
    const got: string[] = [];
    const gone: number[] = [];
    w.onGone = (t) => gone.push(t.id);
    for (let i = 1; i <= 20; i++) {
      const t = i * 3;
      if (t === 30) w.event([30, "spawn", { id: 1 }]);
      w.apply(snap(t, i === 1 ? 0 : t - 3, i === 1 ? [ship(1, 0)] : [], t === 30 ? [[1, 1]] : []), t * TICK);
      const play = w.advance(t * TICK, (e: GameEvent) => got.push(e[1]));
      if (play < 30) expect([got, gone]).toEqual([[], []]);
    }
    expect(got).toEqual(["spawn"]);
    expect(gone).toEqual([1]);
    expect(w.lists[0]).toEqual([]);
  });

  it("drops events that are long over", () => {
    const w = make();
    const got: string[] = [];
    w.event([10, "spawn", { id: 1 }]);
    w.apply(snap(600, 0, []), 0);
    w.advance(0, (e) => got.push(e[1]));
    expect(got).toEqual([]);
  });

  it("keeps a bounded number of events", () => {
    const w = make();
    for (let i = 0; i < 1000; i++) w.event([600, "spawn", { id: i }]);
    w.apply(snap(600, 0, []), 0);
    const got: number[] = [];
    w.advance(1000, (e) => e[1] === "spawn" && got.push(e[2].id));
    expect(got.length).toBe(512);
    expect(got.at(-1)).toBe(999);
  });
});

describe("the playback clock", () => {
  const run = (jitter: (i: number) => number, seconds = 20) => {
    const c = new PlaybackClock(RATE, EVERY);
    const steps: number[] = [];
    let ahead = 0;
    let newest = 0;
    let previous = -1;
    let i = 1;
    for (let now = 0; now < seconds * 1000; now += TICK) {
      while (i * 50 + jitter(i) <= now) {
        newest = i * 3;
        c.arrived(newest, i * 50 + jitter(i));
        i++;
      }
      const play = c.advance(now);
      if (now > 2000) {
        steps.push(play - previous);
        if (play > newest) ahead++;
      }
      previous = play;
    }
    return { c, steps, ahead };
  };

  it("stays at least 1.7 send intervals behind and never runs dry on an even line", () => {
    const { c, steps, ahead } = run(() => 5);
    expect(ahead).toBe(0);
    expect(c.delayMs).toBeGreaterThanOrEqual(85);
    expect(c.delayMs).toBeLessThan(101);
    expect(Math.min(...steps)).toBeGreaterThan(0.89);
    expect(Math.max(...steps)).toBeLessThan(1.11);
  });

  it("waits longer on a jittery line, up to 200 ms", () => {
    const { c, ahead } = run((i) => (i % 10 === 0 ? 70 : 5));
    expect(c.delayMs).toBeGreaterThan(105);
    expect(ahead).toBe(0);
    expect(run((i) => (i % 5 === 0 ? 900 : 5)).c.delayMs).toBeLessThanOrEqual(200);
  });

  it("finds its place again after the server's schedule has moved", () => {
    const c = new PlaybackClock(RATE, EVERY);
    let tick = 0;
    for (let now = 0; now < 5000; now += 50) c.arrived((tick += 3), now), c.advance(now);
    for (let now = 6000; now < 6500; now += 50) c.arrived((tick += 3), now), c.advance(now);
    expect(tick - c.play).toBeGreaterThan(0);
    expect(tick - c.play).toBeLessThan(13);
  });

  it("jumps after the page was hidden", () => {
    const c = new PlaybackClock(RATE, EVERY);
    let tick = 0;
    for (let now = 0; now < 1000; now += 50) c.arrived((tick += 3), now), c.advance(now);
    for (let now = 1000; now < 31000; now += 50) c.arrived((tick += 3), now);
    expect(tick - c.advance(31000)).toBeLessThan(15);
  });
});
