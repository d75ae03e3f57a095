import { expect, it } from "vitest";
import { ago, bytes, count, micros, millis, percent } from "../src/format";
import { thin } from "../src/thin";
import type { Tick } from "../src/wire";

const plain = (s: string): string => s.replaceAll("\u202f", " ");

it("durations have a unit that fits", () => {
  expect([0, 0.4, 3.14, 42, 999, 1000, 16_667, 250_000, 2_500_000].map((v) => plain(micros(v)))).toEqual([
    "0", "<1 µs", "3.1 µs", "42 µs", "999 µs", "1.00 ms", "16.7 ms", "250 ms", "2.50 s",
  ]);
  expect(plain(millis(0.25))).toBe("250 µs");
});

it("a share is never rounded up to all", () => {
  expect([1, 0.99999, 0.999, 0.42, 0.05, 0].map((v) => plain(percent(v)))).toEqual(["100 %", "99.999 %", "99.90 %", "42 %", "5.0 %", "0 %"]);
  expect([1.087, 42.35].map((v) => plain(percent(v)))).toEqual(["109 %", "42×"]);
  expect(percent(Number.NaN)).toBe("–");
});

it("large numbers are short", () => {
  expect([7, 12_345, 2_000_000].map((v) => plain(count(v)))).toEqual(["7", "12.3 k", "2.0 M"]);
  expect([512, 2048, 5 << 20, 3 * 2 ** 30].map((v) => plain(bytes(v)))).toEqual(["512 B", "2.0 KiB", "5.0 MiB", "3.0 GiB"]);
  expect([5000, 125_000, 7_500_000].map((v) => plain(ago(v)))).toEqual(["5 s", "2 min", "2 h 5 min"]);
});

it("of ticks that share a pixel the worst is shown", () => {
  const ticks = Array.from({ length: 3600 }, (_, i): Tick => ({ n: i + 1, due: i * 16.667, late: 0, took: i === 1234 ? 9000 : 100, phases: [], bytes: 0, level: 0, skipped: 0 }));
  const few = thin(ticks, 0, 60, 300);
  expect(few.length).toBeLessThanOrEqual(302);
  expect(few.some((t) => t.n === 1235)).toBe(true);
  expect(thin(ticks, 10, 12, 300).length).toBe(120);
});
