// A canvas that has the size of its box, in device pixels.

export class Surface {
  readonly ctx: CanvasRenderingContext2D;
  width = 0; // CSS pixels
  height = 0;
  private dirty = true;

  constructor(readonly canvas: HTMLCanvasElement, changed: () => void) {
    this.ctx = canvas.getContext("2d", { alpha: false })!;
    new ResizeObserver(() => {
      this.dirty = true;
      changed();
    }).observe(canvas);
  }

  /** Prepares for drawing; false while the canvas is not shown. */
  begin(background: string): boolean {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (this.dirty) {
      const box = this.canvas.getBoundingClientRect();
      this.width = Math.round(box.width);
      this.height = Math.round(box.height);
      this.canvas.width = Math.max(1, Math.round(box.width * ratio));
      this.canvas.height = Math.max(1, Math.round(box.height * ratio));
      this.dirty = false;
    }
    if (this.width < 10 || this.height < 10) return false;
    const c = this.ctx;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = background;
    c.fillRect(0, 0, this.width, this.height);
    c.font = "11px system-ui, sans-serif";
    c.textBaseline = "middle";
    return true;
  }

  text(s: string, x: number, y: number, colour: string, align: CanvasTextAlign = "left"): void {
    this.ctx.fillStyle = colour;
    this.ctx.textAlign = align;
    this.ctx.fillText(s, x, y);
  }
}
