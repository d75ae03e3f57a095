// How the page itself is doing: frame times, snapshot rate, ping.

const FRAMES = 300; // five seconds at 60 fps
const SENT = 256; // inputs remembered for the ping

export class FrameStats {
  private readonly times = new Float64Array(FRAMES);
  private readonly sorted = new Float64Array(FRAMES);
  private count = 0;
  private next = 0;

  frame(ms: number): void {
    this.times[this.next] = ms;
    this.next = (this.next + 1) % FRAMES;
    this.count = Math.min(this.count + 1, FRAMES);
  }

  reset(): void {
    this.count = 0;
    this.next = 0;
  }

  get fps(): number {
    if (this.count === 0) return 0;
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += this.times[i] ?? 0;
    return (1000 * this.count) / sum;
  }

  get p99(): number {
    if (this.count === 0) return 0;
    const view = this.sorted.subarray(0, this.count);
    view.set(this.times.subarray(0, this.count));
    view.sort();
    return view[Math.floor((this.count - 1) * 0.99)] ?? 0;
  }
}

/**
 * Watches whether this machine keeps up: says so once for every two seconds in
 * which most frames were late.
 */
export class Strain {
  private frames = 0;
  private slow = 0;
  private since = -1;

  /** True when the picture should become cheaper. */
  frame(now: number, ms: number): boolean {
    if (ms > 500) return false; // hidden, or asleep
    if (this.since < 0) this.since = now;
    this.frames++;
    if (ms > 24) this.slow++;
    if (now - this.since < 2000) return false;
    const strained = this.slow * 2 > this.frames;
    this.frames = this.slow = 0;
    this.since = now;
    return strained;
  }
}

/** Events per second over the last two. */
export class Rate {
  private readonly at = new Float64Array(256).fill(-1e9);
  private next = 0;

  mark(now: number): void {
    this.at[this.next] = now;
    this.next = (this.next + 1) % this.at.length;
  }

  perSecond(now: number): number {
    let n = 0;
    for (const t of this.at) if (now - t < 2000) n++;
    return n / 2;
  }
}

/**
 * The way there and back, from inputs and the snapshots that acknowledge them.
 * An input waits for its tick and its snapshot; the shortest way of the last
 * seconds is the one that waited least.
 */
export class Ping {
  private readonly seq = new Float64Array(SENT).fill(-1);
  private readonly at = new Float64Array(SENT);
  private readonly recent = new Float64Array(40).fill(Number.POSITIVE_INFINITY);
  private next = 0;
  private acked = -1;

  sent(seq: number, now: number): void {
    this.seq[seq % SENT] = seq;
    this.at[seq % SENT] = now;
  }

  acknowledged(seq: number, now: number): void {
    if (seq <= this.acked || this.seq[seq % SENT] !== seq) return;
    this.acked = seq;
    this.recent[this.next] = now - (this.at[seq % SENT] ?? now);
    this.next = (this.next + 1) % this.recent.length;
  }

  /** Infinity as long as nothing is known. */
  get ms(): number {
    let best = Number.POSITIVE_INFINITY;
    for (const v of this.recent) if (v < best) best = v;
    return best;
  }
}
