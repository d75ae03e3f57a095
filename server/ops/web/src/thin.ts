import type { Tick } from "./wire";

/** The ticks due between min and max, in seconds: of those that share one of so
 * many points the worst. */
export function thin(ticks: Tick[], min: number, max: number, points: number): Tick[] {
  const width = (max - min) / points;
  const list: Tick[] = [];
  let at = -1;
  for (const t of ticks) {
    const x = t.due / 1000;
    if (x < min || x > max) continue;
    const point = Math.floor(x / width); // of a fixed grid, so that what is shown does not flicker
    const worst = list.at(-1);
    if (point !== at || worst === undefined) {
      list.push(t);
      at = point;
    } else if (t.took + t.late > worst.took + worst.late) {
      list[list.length - 1] = t;
    }
  }
  return list;
}
