// The playback clock: which server tick is on the screen now.
//
// Every snapshot is a sample of (arrival − tick). The smallest one of the last
// few seconds is the fastest path seen; how much later the others came is the
// jitter. The screen shows the world one send interval plus that jitter ago
// and gets there by playing a little faster or slower, never by jumping,
// unless it is hopelessly far away.

const WINDOW = 64; // samples, 3.2 s at 20 snapshots per second
const MIN_INTERVALS = 1.7; // shortest delay, in send intervals
const MAX_DELAY_MS = 200;
const MAX_STRETCH = 0.1; // play between 0.9 and 1.1 times real time
const GAIN = 0.06; // stretch per tick of error
const DEAD_ZONE = 0.25; // ticks of error that are left alone
const SNAP_MS = 250; // further away than this: jump
const SHIFT_MS = 100; // the server's schedule moved by more than this…
const SHIFT_SAMPLES = 6; // …for this many samples in a row: start over

export class PlaybackClock {
  readonly tickMs: number;
  private readonly minDelay: number;
  private readonly maxDelay: number;
  private readonly interval: number;
  private readonly samples = new Float64Array(WINDOW);
  private readonly sorted = new Float64Array(WINDOW);
  private count = 0;
  private next = 0;
  private late = 0;
  private base = 0;
  private goal: number;
  private delay: number;
  private now = -1;
  private tick = 0;
  private resync = true;

  constructor(rate: number, every: number) {
    this.tickMs = 1000 / rate;
    const interval = this.tickMs * every;
    this.interval = interval;
    this.minDelay = interval * MIN_INTERVALS;
    this.maxDelay = Math.max(MAX_DELAY_MS, this.minDelay);
    this.goal = interval * 2;
    this.delay = this.goal;
  }

  /** Tells the clock that the snapshot of tick arrived at nowMs. */
  arrived(tick: number, nowMs: number): void {
    const offset = nowMs - tick * this.tickMs;
    this.late = this.count > 0 && offset > this.base + SHIFT_MS ? this.late + 1 : 0;
    if (this.late >= SHIFT_SAMPLES) {
      this.count = 0;
      this.next = 0;
      this.late = 0;
    }
    this.samples[this.next] = offset;
    this.next = (this.next + 1) % WINDOW;
    this.count = Math.min(this.count + 1, WINDOW);
    const view = this.sorted.subarray(0, this.count);
    view.set(this.samples.subarray(0, this.count));
    view.sort();
    this.base = view[0] ?? offset;
    const p95 = view[Math.min(this.count - 1, Math.floor(this.count * 0.95))] ?? offset;
    const wanted = this.interval + (this.count < 8 ? this.interval : p95 - this.base) + this.tickMs / 2;
    this.goal = Math.min(this.maxDelay, Math.max(this.minDelay, wanted));
  }

  /** Moves the clock to nowMs and returns the tick to show, a fraction. */
  advance(nowMs: number): number {
    if (this.count === 0) return this.tick;
    const dt = this.now < 0 ? 0 : Math.max(0, nowMs - this.now);
    this.now = nowMs;
    // Up fast, down slowly: a freeze is worse than a little more delay.
    const tau = this.goal > this.delay ? 300 : 5000;
    this.delay += (this.goal - this.delay) * (1 - Math.exp(-dt / tau));
    const target = (nowMs - this.base - this.delay) / this.tickMs;
    const step = dt / this.tickMs;
    const err = target - (this.tick + step);
    if (this.resync || Math.abs(err) * this.tickMs > SNAP_MS) {
      this.resync = false;
      this.tick = target;
      return this.tick;
    }
    let speed = 1;
    if (Math.abs(err) > DEAD_ZONE) speed += Math.max(-MAX_STRETCH, Math.min(MAX_STRETCH, err * GAIN));
    this.tick += step * speed;
    return this.tick;
  }

  /** Shows the tick of the last advance. */
  get play(): number {
    return this.tick;
  }

  /** How far the screen is behind the newest possible state, in ms. */
  get delayMs(): number {
    return this.delay;
  }
}
