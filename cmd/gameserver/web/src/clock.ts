// The playback clock: which server tick is on the screen now.
//
// Every snapshot is a sample of (arrival − tick). The smallest one of the last
// few seconds is the fastest path seen; how much later the others came is the
// jitter. The screen shows the world one send interval plus that jitter ago
// and gets there by playing a little faster or slower, never by jumping,
// unless it is hopelessly far away. This is server/client/playback.go line for
// line, and both are held to server/client/testdata/clock.json.

const WINDOW = 64; // samples, 3.2 s at 20 snapshots per second
const MIN_INTERVALS = 1.7; // shortest delay, in send intervals
const MAX_DELAY_MS = 200;
const MAX_STRETCH = 0.1; // play between 0.9 and 1.1 times real time
const GAIN = 0.06; // stretch per tick of error
const DEAD_ZONE = 0.25; // ticks of error that are left alone
const SNAP_MS = 250; // further away than this: jump
const SHIFT_MS = 100; // the server's schedule moved by more than this…
const SHIFT_SAMPLES = 6; // …for this many samples in a row: start over
const UP_MS = 300; // in which most of a longer delay is there
const DOWN_MS = 5000;
const FEW = 8; // samples below which snapshots are taken to be an interval late
const PART = 0.95;

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
  private now = 0;
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

  /** Tells the clock that the snapshot of a tick that the server began lateMs late arrived at nowMs. */
  arrived(tick: number, nowMs: number, lateMs = 0): void {
    const offset = nowMs - lateMs - tick * this.tickMs;
    this.late = this.count > 0 && offset > this.base + SHIFT_MS ? this.late + 1 : 0;
    if (this.late >= SHIFT_SAMPLES) this.count = this.next = this.late = 0;
    this.samples[this.next] = offset;
    this.next = (this.next + 1) % WINDOW;
    this.count = Math.min(this.count + 1, WINDOW);
    const view = this.sorted.subarray(0, this.count);
    view.set(this.samples.subarray(0, this.count));
    view.sort();
    this.base = view[0] ?? offset;
    let excess = (view[Math.min(this.count - 1, Math.trunc(this.count * PART))] ?? offset) - this.base;
    if (this.count < FEW) excess = this.interval;
    this.goal = Math.min(Math.max(this.interval + excess + this.tickMs / 2, this.minDelay), this.maxDelay);
  }

  /** Moves the clock to nowMs and returns the tick to show, a fraction. */
  advance(nowMs: number): number {
    if (this.count === 0) return this.tick;
    const passed = this.resync ? 0 : Math.max(nowMs - this.now, 0);
    this.now = nowMs;
    // Up fast, down slowly: a freeze is worse than a little more delay.
    const slope = this.goal > this.delay ? UP_MS : DOWN_MS;
    this.delay += (this.goal - this.delay) * (passed / (slope + passed));
    const goal = (nowMs - this.base - this.delay) / this.tickMs;
    const step = passed / this.tickMs;
    const err = goal - (this.tick + step);
    if (this.resync || Math.abs(err) * this.tickMs > SNAP_MS) {
      this.resync = false;
      this.tick = goal;
      return this.tick;
    }
    let speed = 1;
    if (Math.abs(err) > DEAD_ZONE) speed += Math.min(Math.max(err * GAIN, -MAX_STRETCH), MAX_STRETCH);
    this.tick += step * speed;
    return this.tick;
  }

  /** How far the screen is behind the newest snapshot, in quarter ticks, as inputs tell it. */
  view(newest: number): number {
    return Math.min(Math.max(Math.floor((newest - Math.max(this.tick, 0)) * 4 + 0.5), 0), 255);
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
