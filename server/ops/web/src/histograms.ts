// Distributions of the last seconds on a logarithmic axis, from 1 µs to 1 s. The
// heights are logarithmic too, so that one late tick in ten thousand is seen.

import { HIST_BUCKETS, HIST_PHASES, NUM_PHASES, bucketEnd } from "./wire";
import { type Model, quantile } from "./model";
import { DIM, GRID, INK, PANEL, PHASE_COLOURS } from "./palette";
import { micros } from "./format";
import { Surface } from "./surface";

const MARKS: [us: number, text: string][] = [[1, "1 µs"], [10, "10"], [100, "100"], [1e3, "1 ms"], [1e4, "10"], [1e5, "100"], [1e6, "1 s"]];
const DECADES = Math.log2(1e6) * 4; // buckets to 1 s

const xOf = (us: number, width: number): number => (Math.log2(Math.max(us, 1)) * 4 * width) / DECADES;

/** One distribution: the last 10 s filled, the last minute as a line behind. */
export class Histogram {
  private readonly surface: Surface;
  private readonly now = new Float64Array(HIST_BUCKETS);
  private readonly minute = new Float64Array(HIST_BUCKETS);

  constructor(canvas: HTMLCanvasElement, private readonly numbers: HTMLElement, private readonly model: Model, private readonly hist: number,
    private readonly colour: string, private readonly mark: { us: number; text: string } | null, redraw: () => void) {
    this.surface = new Surface(canvas, redraw);
  }

  draw(): void {
    const m = this.model;
    m.window(this.hist, 10_000, this.now);
    m.window(this.hist, 60_000, this.minute);
    write(this.numbers, `p50 ${micros(quantile(this.now, 0.5))}   p99 ${micros(quantile(this.now, 0.99))}   max ${micros(quantile(this.now, 1))}`);
    if (!this.surface.begin(PANEL)) return;
    const c = this.surface.ctx;
    const [w, h] = [this.surface.width, this.surface.height - 16];
    axis(this.surface, w, h);
    const most = Math.max(10, ...this.minute);
    if (this.minute.every((n) => n === 0)) {
      this.surface.text("No tick in the last minute.", w / 2, h / 2, DIM, "center");
      return;
    }
    const y = (n: number) => h - (n <= 0 ? 0 : (Math.log1p(n) / Math.log1p(most)) * (h - 8));
    const step = w / DECADES;
    c.fillStyle = this.colour;
    for (let b = 0; b < HIST_BUCKETS; b++) {
      const n = this.now[b] ?? 0;
      if (n > 0) c.fillRect((b - 1) * step + 0.5, y(n), Math.max(1, step - 1), h - y(n));
    }
    c.strokeStyle = DIM;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(0, h);
    for (let b = 1; b < HIST_BUCKETS; b++) {
      const top = y(this.minute[b] ?? 0);
      c.lineTo((b - 1) * step, top);
      c.lineTo(b * step, top);
    }
    c.lineTo(w, h);
    c.stroke();
    if (this.mark !== null) {
      const x = Math.round(xOf(this.mark.us, w)) + 0.5;
      c.setLineDash([3, 3]);
      c.strokeStyle = INK;
      c.beginPath();
      c.moveTo(x, 0);
      c.lineTo(x, h);
      c.stroke();
      c.setLineDash([]);
      this.surface.text(this.mark.text, x + 4, 7, INK);
    }
  }
}

/** All phases under one another. */
export class PhaseRidges {
  private readonly surface: Surface;
  private readonly counts = Array.from({ length: NUM_PHASES }, () => new Float64Array(HIST_BUCKETS));

  constructor(canvas: HTMLCanvasElement, private readonly model: Model, private readonly names: () => string[], redraw: () => void) {
    this.surface = new Surface(canvas, redraw);
  }

  draw(): void {
    if (!this.surface.begin(PANEL)) return;
    const s = this.surface;
    const left = 62;
    const right = 62;
    const [w, h] = [s.width - left - right, s.height - 16];
    const c = s.ctx;
    c.save();
    c.translate(left, 0);
    axis(s, w, h);
    c.restore();
    s.text("p99", s.width - 2, h + 9, DIM, "right");
    const row = h / NUM_PHASES;
    const step = w / DECADES;
    this.names().slice(0, NUM_PHASES).forEach((name, p) => {
      const counts = this.model.window(HIST_PHASES + p, 10_000, this.counts[p]!);
      const most = Math.max(1, ...counts);
      const base = (p + 1) * row - 1;
      const empty = counts.every((n) => n === 0);
      s.text(name, left - 8, base - row / 2 + 1, empty ? "#5b6875" : INK, "right");
      s.text(empty ? "–" : micros(quantile(counts, 0.99)), s.width - 2, base - row / 2 + 1, empty ? "#5b6875" : INK, "right");
      c.fillStyle = GRID;
      c.fillRect(left, base, w, 1);
      c.fillStyle = PHASE_COLOURS[p] ?? DIM;
      for (let b = 0; b < HIST_BUCKETS; b++) {
        const n = counts[b] ?? 0;
        if (n === 0) continue;
        const high = Math.max(1.5, (Math.log1p(n) / Math.log1p(most)) * (row - 4));
        const x = Math.max(0, (b - 1) * step);
        c.fillRect(left + x, base - high, Math.max(1, step - 0.5), high);
      }
    });
  }
}

function axis(s: Surface, w: number, h: number): void {
  const c = s.ctx;
  for (const [us, text] of MARKS) {
    const x = Math.round(xOf(us, w));
    c.fillStyle = GRID;
    c.fillRect(Math.min(x, w - 1), 0, 1, h);
    s.text(text, x, h + 9, DIM, us === 1 ? "left" : us === 1e6 ? "right" : "center");
  }
}

/** Sets a text only if it differs, so that nothing is laid out in vain. */
export function write(e: HTMLElement, text: string): void {
  if (e.textContent !== text) e.textContent = text;
}

export { bucketEnd };
