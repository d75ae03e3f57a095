// The charts over time, by uPlot.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Model, quantile } from "./model";
import { thin } from "./thin";
import { ACCENT, BAD, DIM, GRID, OTHER_COLOUR, PHASE_COLOURS, WARN } from "./palette";
import { micros, millis } from "./format";
import { HIST_BUCKETS, HIST_DURATION, HIST_LATENESS, NUM_PHASES, type Tick } from "./wire";

const FONT = "11px system-ui, sans-serif";
const WORKER_COLOURS = ["#4cc9c0", "#f0a832", "#a99bf0", "#8fce5a", "#d58bd0", "#56b4e9", "#f07a6a", "#93a4b0"];

function axis(extra: uPlot.Axis): uPlot.Axis {
  return { stroke: DIM, font: FONT, grid: { stroke: GRID, width: 1 }, ticks: { stroke: GRID, width: 1, size: 4 }, gap: 3, ...extra };
}

/** Seconds before now, at the bottom. */
const agoAxis = axis({
  space: 60,
  size: 24,
  values: (u, splits) => splits.map((s) => {
    const d = (u.scales["x"]!.max ?? 0) - s;
    return d < 0.01 ? "now" : `−${Number(d.toFixed(2))} s`;
  }),
  splits: (u) => {
    const max = u.scales["x"]!.max ?? 0;
    const min = u.scales["x"]!.min ?? 0;
    const step = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30].find((s) => (max - min) / s <= Math.max(2, u.width / 80)) ?? 30;
    const list: number[] = [];
    for (let t = max; t >= min; t -= step) list.unshift(t);
    return list;
  },
});

/** A chart that fills its box. */
class Chart {
  readonly plot: uPlot;

  constructor(box: HTMLElement, options: Omit<uPlot.Options, "width" | "height">, data: uPlot.AlignedData) {
    const size = () => ({ width: Math.max(60, Math.floor(box.clientWidth)), height: Math.max(40, Math.floor(box.clientHeight)) });
    this.plot = new uPlot({ ...size(), padding: [8, 14, 0, 0], ...options, legend: { show: false } }, data, box);
    new ResizeObserver(() => this.plot.setSize(size())).observe(box);
  }
}

/** Lateness and duration of ticks, one point a reading. */
export class Latency {
  private readonly chart: Chart;
  private readonly counts = new Float64Array(HIST_BUCKETS);
  private last = 0;
  private x: number[] = [];
  private lateness: (number | null)[] = [];
  private duration: (number | null)[] = [];
  private worst: (number | null)[] = [];

  constructor(box: HTMLElement, private readonly model: Model) {
    this.chart = new Chart(box, {
      scales: { x: { time: false }, y: { distr: 3, range: (_u, _min, max) => [0.008, Math.max((max ?? 1) * 1.3, 2)] } },
      axes: [agoAxis, axis({ size: 56, splits: (u) => decades(u.scales["y"]!.min ?? 0.01, u.scales["y"]!.max ?? 10), values: (_u, s) => s.map((v) => millis(v)) })],
      series: [
        {},
        { stroke: WARN, width: 1.5, points: { show: false } },
        { stroke: ACCENT, width: 1.5, points: { show: false } },
        { stroke: BAD, width: 1, dash: [2, 3], points: { show: false } },
      ],
      cursor: { show: false },
    }, [[], [], [], []]);
  }

  draw(): void {
    const m = this.model.moments;
    const newest = m.at(-1)?.frame.n ?? 0;
    if (newest === this.last) return;
    this.last = newest;
    this.x = [];
    this.lateness = [];
    this.duration = [];
    this.worst = [];
    for (const moment of m) {
      const of = (hist: number, q: number): number | null => {
        this.counts.fill(0);
        let any = false;
        for (let i = 0; i < moment.grown.length; i += 3) {
          if (moment.grown[i] !== hist) continue;
          this.counts[moment.grown[i + 1] ?? 0] = moment.grown[i + 2] ?? 0;
          any = true;
        }
        return any ? Math.max(quantile(this.counts, q) / 1000, 0.001) : null;
      };
      this.x.push(moment.at / 1000);
      this.lateness.push(of(HIST_LATENESS, 0.99));
      this.duration.push(of(HIST_DURATION, 0.99));
      this.worst.push(of(HIST_LATENESS, 1));
    }
    setData(this.chart.plot, [this.x, this.lateness, this.duration, this.worst]);
  }
}

function decades(min: number, max: number): number[] {
  const list: number[] = [];
  for (let d = Math.ceil(Math.log10(min) - 1e-9); d <= Math.log10(max) + 1e-9; d++) list.push(10 ** d);
  return list;
}

/** Keeps the last minute in view, also while there is less than that. */
function setData(plot: uPlot, data: uPlot.AlignedData): void {
  const max = data[0].at(-1) ?? 0;
  plot.batch(() => {
    plot.setData(data, false);
    plot.setScale("x", { min: max - 60, max });
  });
}

/** How busy each worker is. */
export class Workers {
  private chart: Chart | null = null;
  private n = 0;

  constructor(private readonly box: HTMLElement, private readonly model: Model) {}

  draw(): void {
    const m = this.model.moments;
    const n = m.at(-1)?.frame.workers.length ?? 0;
    if (n === 0) return;
    if (this.chart === null || n !== this.n) {
      this.chart?.plot.destroy();
      this.n = n;
      this.chart = new Chart(this.box, {
        scales: { x: { time: false }, y: { range: [0, 1] } },
        axes: [agoAxis, axis({ size: 44, splits: () => [0, 0.25, 0.5, 0.75, 1], values: (_u, s) => s.map((v) => `${v * 100} %`) })],
        series: [{}, ...Array.from({ length: n }, (_, i) => ({
          stroke: WORKER_COLOURS[i % WORKER_COLOURS.length]!,
          width: n > 8 ? 1 : 1.5,
          ...(n <= 2 ? { fill: `${WORKER_COLOURS[i % WORKER_COLOURS.length]}22` } : {}),
          points: { show: false },
        }))],
        cursor: { show: false },
        hooks: { draw: [(u) => line(u, 0.7, "full", WARN)] },
      }, [[], ...Array.from({ length: n }, () => [])] as uPlot.AlignedData);
    }
    const series = Array.from({ length: n }, (_, i) => m.map((x) => x.frame.workers[i]?.busy ?? null));
    setData(this.chart.plot, [m.map((x) => x.at / 1000), ...series] as uPlot.AlignedData);
  }
}

export const workerColour = (i: number): string => WORKER_COLOURS[i % WORKER_COLOURS.length]!;

/** A dashed line with a word. */
function line(u: uPlot, value: number, text: string, colour: string): void {
  const y = Math.round(u.valToPos(value, "y", true));
  const { left, width, top, height } = u.bbox;
  if (y < top || y > top + height) return;
  const c = u.ctx;
  c.save();
  c.strokeStyle = colour;
  c.globalAlpha = 0.8;
  c.setLineDash([4, 4]);
  c.lineWidth = devicePixelRatio;
  c.beginPath();
  c.moveTo(left, y);
  c.lineTo(left + width, y);
  c.stroke();
  c.fillStyle = colour;
  c.font = `${Math.round(10 * devicePixelRatio)}px system-ui, sans-serif`;
  c.textAlign = "right";
  c.textBaseline = "bottom";
  c.fillText(text, left + width - 2, y - 2);
  c.restore();
}

/** Pauses of the collector as bars, goroutines as a line. */
export class Collector {
  private readonly chart: Chart;

  constructor(box: HTMLElement, private readonly model: Model) {
    this.chart = new Chart(box, {
      scales: {
        x: { time: false },
        y: { range: (_u, _min, max) => [0, Math.max(max ?? 0, 100) * 1.15] },
        g: { range: (_u, _min, max) => [0, Math.max(max ?? 0, 10) * 1.25] },
      },
      axes: [
        agoAxis,
        axis({ size: 54, stroke: WARN, space: 28, values: (_u, s) => s.map((v) => micros(v)) }),
        axis({ scale: "g", side: 1, size: 40, stroke: ACCENT, space: 28, grid: { show: false }, values: (_u, s) => s.map((v) => (Number.isInteger(v) ? String(v) : "")) }),
      ],
      series: [
        {},
        { stroke: WARN, fill: WARN, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.9, 8, 2] }) },
        { scale: "g", stroke: ACCENT, width: 1.5, points: { show: false } },
      ],
      cursor: { show: false },
    }, [[], [], []]);
  }

  draw(): void {
    const m = this.model.moments;
    setData(this.chart.plot, [
      m.map((x) => x.at / 1000),
      m.map((x) => (x.frame.process.pause > 0 ? x.frame.process.pause : null)),
      m.map((x) => x.frame.process.goroutines),
    ]);
  }
}

const STEP = uPlot.paths.stepped!({ align: 1 });

/** One match tick by tick: its phases stacked, and below how late each began. */
export class Ticks {
  private readonly phases: Chart;
  private readonly late: Chart;
  private shown: Tick[] = []; // by point
  private stands = false; // a part was chosen with the mouse: the picture does not move
  private seconds = 60;

  constructor(above: HTMLElement, below: HTMLElement, private readonly model: Model, private readonly readout: (t: Tick | null) => void) {
    const colours = [...PHASE_COLOURS, OTHER_COLOUR].reverse();
    const shared = {
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { show: false }, sync: { key: "ticks" } },
      padding: [8, 16, 5, 0] as uPlot.Padding,
    };
    const hooks = (draw: (u: uPlot) => void): uPlot.Hooks.Arrays => ({
      setCursor: [(u) => this.readout(u.cursor.idx == null ? null : this.shown[u.cursor.idx] ?? null)],
      setSelect: [(u) => this.zoom(u)],
      draw: [draw],
    });
    this.phases = new Chart(above, {
      ...shared,
      scales: { x: { time: false }, y: { range: (_u, _min, max) => [0, Math.max(1.12 * (max ?? 0), 0.2)] } },
      axes: [{ ...agoAxis, size: 0, values: (_u, s) => s.map(() => "") }, axis({ size: 60, space: 28, values: (_u, s) => s.map((v) => millis(v)) })],
      series: [{}, ...colours.map((c) => ({ stroke: c, fill: c, width: 0, points: { show: false }, paths: STEP }))],
      hooks: hooks((u) => {
        const length = (this.model.selected?.length ?? 0) / 1000;
        if (length === 0) return;
        line(u, length, `a tick's time, ${millis(length)}`, BAD);
        const apart = u.valToPos(length / 2, "y") - u.valToPos(length, "y");
        line(u, length / 2, apart < 14 ? "" : "budget", WARN);
      }),
    }, Array.from({ length: NUM_PHASES + 2 }, () => []) as unknown as uPlot.AlignedData);
    this.late = new Chart(below, {
      ...shared,
      scales: { x: { time: false }, y: { range: (_u, _min, max) => [0, Math.max(1.12 * (max ?? 0), 2)] } },
      axes: [agoAxis, axis({ size: 60, space: 22, values: (_u, s) => s.map((v) => millis(v)) })],
      series: [{}, { stroke: WARN, fill: `${WARN}99`, width: 1, points: { show: false }, paths: STEP }],
      hooks: hooks((u) => title(u, "late")),
    }, [[], []]);
  }

  private zoom(u: uPlot): void {
    const { left, width } = u.select;
    if (width < 4) return;
    const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.stands = true;
    this.fill(from, to);
  }

  /** Follows the newest tick, over so many seconds. */
  follow(seconds: number): void {
    this.stands = false;
    this.seconds = seconds;
    this.draw();
  }

  draw(): void {
    if (this.stands) return;
    const end = (this.model.selected?.ticks.at(-1)?.due ?? 0) / 1000;
    this.fill(end - this.seconds, end);
  }

  /** Where there are more ticks than pixels, a point is the worst of its ticks. */
  private fill(min: number, max: number): void {
    this.shown = thin(this.model.selected?.ticks ?? [], min, max, Math.max(50, Math.floor(this.phases.plot.width / 1.5)));
    const xs = this.shown.map((t) => t.due / 1000);
    const sums: number[][] = Array.from({ length: NUM_PHASES + 1 }, () => []);
    for (const t of this.shown) {
      let sum = 0;
      for (let p = 0; p < NUM_PHASES; p++) {
        sum += t.phases[p] ?? 0;
        sums[p]!.push(sum / 1000);
      }
      sums[NUM_PHASES]!.push(Math.max(sum, t.took) / 1000);
    }
    // The largest sum is drawn first, and the others over it.
    this.show(this.phases.plot, [xs, ...sums.reverse()] as uPlot.AlignedData, min, max);
    this.show(this.late.plot, [xs, this.shown.map((t) => t.late / 1000)], min, max);
  }

  private show(plot: uPlot, data: uPlot.AlignedData, min: number, max: number): void {
    plot.batch(() => {
      plot.setData(data, false);
      plot.setScale("x", { min, max });
    });
  }
}

/** A word in the upper left corner of a chart. */
function title(u: uPlot, text: string): void {
  const c = u.ctx;
  c.save();
  c.fillStyle = WARN;
  c.font = `${Math.round(11 * devicePixelRatio)}px system-ui, sans-serif`;
  c.textAlign = "left";
  c.textBaseline = "top";
  c.fillText(text, u.bbox.left + 6 * devicePixelRatio, u.bbox.top + 2 * devicePixelRatio);
  c.restore();
}
