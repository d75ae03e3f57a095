// All matches over the last minute, one row each: the colour is the worst tick of
// a quarter of a second, as a share of the time it has. However many there are,
// it is one picture of at most as many rows as the canvas has pixels.

import { COLUMNS, type Model } from "./model";
import { DIM, GRID, heatColour, INK, LEVEL_COLOURS, PANEL, BAD } from "./palette";
import { micros, percent } from "./format";
import { Surface } from "./surface";
import { isPaused, isStuck, levelOf, shareOf } from "./wire";

const GUTTER = 92; // names
const STRIP = 10; // levels
const AXIS = 18; // seconds
const ROW_MAX = 64;

export type Measure = "took" | "late";

const LUT = new Uint32Array(256);
for (let v = 0; v < 256; v++) {
  const [r, g, b] = v === 0 ? [16, 20, 26] : heatColour(shareOf(v));
  LUT[v] = (255 << 24) | (b << 16) | (g << 8) | r; // little-endian, as everywhere
}

export class HeatMap {
  measure: Measure = "took";
  order: number[] = [];
  filter = "";
  private readonly surface: Surface;
  private readonly small = document.createElement("canvas");
  private readonly smallCtx = this.small.getContext("2d", { alpha: false })!;
  private image = new ImageData(COLUMNS, 1);
  private hover: { x: number; y: number } | null = null;

  constructor(canvas: HTMLCanvasElement, private readonly tip: HTMLElement, private readonly model: Model,
    private readonly redraw: () => void, private readonly choose: (slot: number) => void) {
    this.surface = new Surface(canvas, redraw);
    canvas.addEventListener("pointermove", (e) => this.move(e));
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("click", (e) => {
      const slot = this.at(e.offsetX, e.offsetY)?.slot;
      if (slot !== undefined) this.choose(slot);
    });
  }

  /** The slot so many rows from the one given; the first when that is not shown. */
  neighbour(slot: number, by: number): number | undefined {
    const i = this.order.indexOf(slot);
    if (i < 0) return this.order[by > 0 ? 0 : this.order.length - 1];
    return this.order[Math.min(this.order.length - 1, Math.max(0, i + by))];
  }

  private get rowHeight(): number {
    return Math.min(ROW_MAX, (this.surface.height - AXIS) / Math.max(this.order.length, 1));
  }

  private at(x: number, y: number): { slot: number; column: number } | null {
    const i = Math.floor(y / this.rowHeight);
    const slot = this.order[i];
    if (slot === undefined || y > this.surface.height - AXIS) return null;
    const left = Math.floor(((x - GUTTER) / this.plotWidth) * COLUMNS);
    return { slot, column: this.model.columns - COLUMNS + Math.min(COLUMNS - 1, Math.max(0, left)) };
  }

  private get plotWidth(): number {
    return this.surface.width - GUTTER - STRIP - 4;
  }

  private move(e: PointerEvent): void {
    this.hover = { x: e.offsetX, y: e.offsetY };
    this.showTip();
    this.redraw();
  }

  private leave(): void {
    this.hover = null;
    this.tip.hidden = true;
    this.redraw();
  }

  private showTip(): void {
    const h = this.hover;
    const hit = h === null ? null : this.at(h.x, h.y);
    const slot = hit === null ? null : this.model.slots[hit.slot];
    if (h === null || hit === null || slot === null || slot === undefined) {
      this.tip.hidden = true;
      return;
    }
    const cell = hit.slot * COLUMNS + (((hit.column % COLUMNS) + COLUMNS) % COLUMNS);
    const period = 1e6 / (slot.hz ?? 60);
    const took = shareOf(this.model.took[cell] ?? 0);
    const late = shareOf(this.model.late[cell] ?? 0);
    const state = this.model.levels[hit.slot] ?? 0;
    const level = levelOf(state) === 0 ? "" : ` · level ${levelOf(state)}`;
    this.tip.textContent =
      `${slot.game ?? ""} ${slot.id}\n${slot.hz ?? "?"} Hz · worker ${slot.worker}${level}${isStuck(state) ? " · stuck" : ""}${isPaused(state) ? " · paused" : ""}\n` +
      (this.model.took[cell] === 0 ? "no tick here" : `worst tick ${micros(took * period)} = ${percent(took)} of its time\nbegan up to ${micros(late * period)} late`);
    this.tip.hidden = false;
    const flip = h.x > this.surface.width - 240;
    this.tip.style.left = `${flip ? h.x - 12 : h.x + 14}px`;
    this.tip.style.top = `${Math.min(h.y + 14, this.surface.height - 70)}px`;
    this.tip.style.transform = flip ? "translateX(-100%)" : "";
  }

  draw(): void {
    const m = this.model;
    this.order = m.order(this.filter);
    if (!this.surface.begin(PANEL)) return;
    const c = this.surface.ctx;
    if (this.order.length === 0) {
      const why = m.slots.some((s) => s !== null) ? "No match has such a name." : "No match is running. One begins when players queue.";
      this.surface.text(why, this.surface.width / 2, this.surface.height / 2, DIM, "center");
      return;
    }
    const rows = this.order.length;
    const high = Math.max(1, Math.round(Math.min(rows * this.rowHeight, this.surface.height - AXIS)));
    this.paint(Math.min(rows, high));
    c.imageSmoothingEnabled = false;
    c.drawImage(this.small, GUTTER, 0, this.plotWidth, high);
    this.drawRows();
    this.drawAxis(high);
    if (this.hover !== null) this.showTip();
  }

  /** Fills the small picture: a pixel for each column and row, or for the worst of
   * several rows where there are more of them than pixels. */
  private paint(high: number): void {
    if (this.image.height !== high) {
      this.image = new ImageData(COLUMNS, high);
      this.small.width = COLUMNS;
      this.small.height = high;
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    const from = this.measure === "took" ? this.model.took : this.model.late;
    const first = this.model.columns % COLUMNS; // the oldest column
    const rows = this.order.length;
    for (let y = 0; y < high; y++) {
      const a = Math.floor((y * rows) / high);
      const b = Math.max(a + 1, Math.floor(((y + 1) * rows) / high));
      for (let x = 0; x < COLUMNS; x++) {
        const at = (first + x) % COLUMNS;
        let worst = 0;
        for (let r = a; r < b; r++) {
          const v = from[(this.order[r] ?? 0) * COLUMNS + at] ?? 0;
          if (v > worst) worst = v;
        }
        pixels[y * COLUMNS + x] = LUT[worst] ?? 0;
      }
    }
    this.smallCtx.putImageData(this.image, 0, 0);
  }

  /** Names or workers at the left, levels at the right, and who is selected. */
  private drawRows(): void {
    const m = this.model;
    const c = this.surface.ctx;
    const h = this.rowHeight;
    const right = GUTTER + this.plotWidth + 4;
    const chosen = m.selected?.slot ?? -1;
    const hovered = this.hover === null ? -1 : this.order[Math.floor(this.hover.y / h)] ?? -1;
    let worker = -1;
    this.order.forEach((slot, i) => {
      const s = m.slots[slot];
      if (s === null || s === undefined) return;
      const state = m.levels[slot] ?? 0;
      c.fillStyle = isStuck(state) ? BAD : LEVEL_COLOURS[levelOf(state)] ?? DIM;
      c.fillRect(right, i * h, STRIP - 4, Math.max(1, h - (h > 4 ? 1 : 0)));
      if (h > 4) {
        c.fillStyle = PANEL;
        c.fillRect(GUTTER, (i + 1) * h - 1, this.plotWidth, 1);
      }
      if (h >= 13) {
        this.surface.text(short(s.id), GUTTER - 8, i * h + h / 2, slot === chosen ? INK : DIM, "right");
      }
      if (s.worker !== worker) {
        worker = s.worker;
        if (i > 0) {
          c.fillStyle = DIM;
          c.fillRect(0, Math.round(i * h) - 1, this.surface.width, 1);
        }
        this.surface.text(`w${worker}`, 2, i * h + Math.max(7, Math.min(h, 14) / 2), DIM);
      }
    });
    for (const [slot, colour] of [[hovered, DIM], [chosen, INK]] as const) {
      const i = this.order.indexOf(slot);
      if (i < 0) continue;
      c.strokeStyle = colour;
      c.strokeRect(GUTTER - 0.5, i * h - 0.5, this.plotWidth + STRIP + 4, Math.max(3, h));
      if (h < 13) this.surface.text(short(m.slots[slot]?.id ?? ""), GUTTER - 8, Math.max(7, i * h + h / 2), INK, "right");
    }
  }

  private drawAxis(high: number): void {
    const y = Math.min(high, this.surface.height - AXIS);
    const seconds = (COLUMNS * 250) / 1000;
    for (let s = 0; s <= seconds; s += this.plotWidth < 400 ? 20 : 10) {
      const x = GUTTER + this.plotWidth * (1 - s / seconds);
      this.surface.ctx.fillStyle = GRID;
      this.surface.ctx.fillRect(Math.round(x), y, 1, 4);
      this.surface.text(s === 0 ? "now" : `−${s} s`, x, y + 11, DIM, s === 0 ? "right" : s === seconds ? "left" : "center");
    }
  }
}

/** The end of a long id: the beginnings are alike. */
function short(id: string): string {
  return id.length <= 8 ? id : `…${id.slice(-7)}`;
}
