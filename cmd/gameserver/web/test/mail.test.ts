import { expect, test } from "vitest";
import { Mail } from "../src/mail";

const takes = (m: Mail, n: number) => Array.from({ length: n }, () => m.isNew());

test("events of a first connection are new", () => {
  const m = new Mail();
  m.welcome("a", 5);
  expect(takes(m, 3)).toEqual([true, true, true]);
});

test("what came before the connection was lost is skipped once", () => {
  const m = new Mail();
  m.welcome("a", 0);
  takes(m, 4);
  m.welcome("a", 2); // two that had arrived come again
  expect(takes(m, 4)).toEqual([false, false, true, true]);
  m.welcome("a", 6);
  expect(takes(m, 1)).toEqual([true]);
});

test("lost events leave a gap and nothing is skipped", () => {
  const m = new Mail();
  m.welcome("a", 0);
  takes(m, 1);
  m.welcome("a", 300);
  expect(takes(m, 2)).toEqual([true, true]);
  m.welcome("a", 301);
  expect(takes(m, 2)).toEqual([false, true]);
});

test("another match starts afresh", () => {
  const m = new Mail();
  m.welcome("a", 0);
  takes(m, 9);
  m.welcome("b", 3);
  expect(takes(m, 1)).toEqual([true]);
});
