// Which inputs are due now, and for which ticks. Pure: times are arguments.
//
// Inputs aim at the tick that the server begins when they are there. Answers to
// `clock` set the aim; how early inputs came, which every snapshot tells, steers
// it from then on. This is server/client/clock.go line for line, and both are held
// to server/client/testdata/clock.json: change them together.

const SENDS = 128;
const PATHS = 256;
const WINDOW_MS = 5000; // for which a path counts
const MERGE_MS = 20; // of paths in so many milliseconds the slowest one counts
const LEAD = 1.5; // ticks that an input on the fastest path is early
const SPARE = 0.5; // ticks that one of the slow paths is early
const SLOW = 0.02; // part of the paths that may be slower than those
const SLOW_MOST = 6; // which are how many at most
const LEAD_MAX_MS = 150; // that an input on the fastest path is early at most
const AHEAD_MAX = 24; // and ticks; the server takes no more than 32
const FAR = 126; // quarter ticks of lead that say that inputs are too early to be taken
const DEAD = 1; // ticks that inputs may be too early
const LATE = 0.5; // ticks that they may be too late: then slow ones miss their tick
const DONE = 0.25; // ticks of error that are left over
const SHIFTS = 6; // inputs in a row that are later than that for all that is known to be forgotten
const STREAK = 3; // errors in a row before anything is done
const GAIN = 0.1; // change of speed per tick of error
const FASTER = 0.05; // most
const SLOWER_MS = 5000; // that it takes to get a tick later
const JUMP = 10; // ticks of error that are not steered away but jumped
const BURST = 4; // inputs due at once after a hiccup

export class InputClock {
  /** Tick of the newest input. */
  newest = 0;
  private period: number;
  private offset = 0; // the tick that is aimed at is now / period + offset
  private now = 0;
  private set = false;
  private locked = false; // what the server says steers it
  private fastest = 0; // round trip of the handshake
  private steer = 0;
  private streak = 0;
  private best = 0; // the fastest of paths
  private shifts = 0;
  private acked = 0;
  private readonly sentTick = new Float64Array(SENDS);
  private readonly sentOffset = new Float64Array(SENDS);
  private readonly pathAt = new Float64Array(PATHS);
  private readonly pathEarly = new Float64Array(PATHS);
  private readonly slow = new Float64Array(SLOW_MOST);
  private first = 0;
  private count = 0;

  constructor(rate: number) {
    this.period = 1000 / rate;
  }

  private advance(now: number): void {
    const passed = Math.max(now - this.now, 0);
    this.now += passed;
    if (this.steer > 0) this.offset += (passed / this.period) * Math.min(GAIN * this.error(), FASTER);
    else if (this.steer < 0) this.offset -= Math.min(passed / SLOWER_MS, (passed / this.period) * FASTER);
    if (this.steer !== 0 && this.steer * this.error() < DONE) this.steer = this.streak = 0;
  }

  /** The tick that an input made at the time of the last call is for, a fraction. */
  get aim(): number {
    return this.now / this.period + this.offset;
  }

  /** Takes an answer to `clock`, in ticks. Of a handshake's the fastest counts. */
  answered(sent: number, now: number, tick: number): void {
    this.advance(now);
    const trip = now - sent;
    if (this.locked || trip < 0 || (this.fastest > 0 && trip >= this.fastest)) return;
    this.fastest = Math.max(trip, 0.001);
    // Half of the round trip passed since; the input will take the other half.
    this.offset = tick + trip / this.period + LEAD - this.now / this.period;
    this.set = true;
  }

  /** Takes in a snapshot: its tick, the newest input played, how early that came in quarter ticks. */
  snapshot(now: number, tick: number, ack: number, lead: number): void {
    this.advance(now);
    if (!this.set) {
      this.offset = tick + 1 + LEAD - this.now / this.period;
      this.set = true;
    }
    if (ack <= this.acked) {
      if (lead >= FAR && this.aim > tick + 1 + LEAD) this.restart(tick);
      return;
    }
    this.acked = ack;
    if (this.sentTick[ack % SENDS] === ack) this.learn(lead / 4 - (this.sentOffset[ack % SENDS] ?? 0));
  }

  /** Nothing is taken, so nothing more would be learnt. */
  private restart(tick: number): void {
    this.offset = tick + 1 + LEAD - this.now / this.period;
    this.newest = tick;
    this.count = this.shifts = this.steer = this.streak = 0;
    this.locked = false;
  }

  /** Takes in how early an input would have come with an offset of 0, and decides whether to steer. */
  private learn(early: number): void {
    while (this.count > 0 && this.now - (this.pathAt[this.first] ?? 0) > WINDOW_MS) this.forget();
    const far = LEAD_MAX_MS / this.period;
    this.shifts = this.count > 0 && early < this.best - far ? this.shifts + 1 : 0;
    // It takes some to believe that the line is longer, and one that it is shorter.
    if (this.shifts >= SHIFTS || (this.count > 0 && early > this.best + far)) {
      this.count = this.shifts = this.steer = this.streak = 0;
      this.locked = false;
    }
    const last = (this.first + this.count + PATHS - 1) % PATHS;
    if (this.count > 0 && this.now - (this.pathAt[last] ?? 0) < MERGE_MS) {
      this.pathEarly[last] = Math.min(this.pathEarly[last] ?? early, early);
    } else {
      if (this.count === PATHS) this.forget();
      const at = (this.first + this.count) % PATHS;
      this.pathAt[at] = this.now;
      this.pathEarly[at] = early;
      this.count++;
    }
    this.best = this.pathEarly[this.first] ?? early;
    for (let i = 0; i < this.count; i++) this.best = Math.max(this.best, this.path(i));
    this.decide(this.error());
  }

  private decide(err: number): void {
    if (err >= -DEAD && err <= LATE) {
      this.streak = 0;
      this.locked ||= this.count >= STREAK;
      return;
    }
    if (err * this.streak < 0) this.streak = 0;
    const sign = err < 0 ? -1 : 1;
    this.streak += sign;
    if (Math.abs(this.streak) < STREAK) return;
    if (!this.locked || Math.abs(err) > JUMP) {
      this.offset += err;
      this.locked = true;
      this.steer = this.streak = 0;
      return;
    }
    this.steer = sign;
  }

  private forget(): void {
    this.first = (this.first + 1) % PATHS;
    this.count--;
  }

  private path(i: number): number {
    return this.pathEarly[(this.first + i) % PATHS] ?? 0;
  }

  /** By how many ticks inputs should come earlier. */
  private error(): number {
    if (this.count === 0) return 0;
    const { slow } = this; // the slowest ones, in order, as many as it takes
    let n = 0;
    const want = Math.trunc(this.count * SLOW) + 1;
    for (let i = 0; i < this.count; i++) {
      const v = this.path(i);
      if (n === want && v >= (slow[n - 1] ?? 0)) continue;
      if (n < want) n++;
      let j = n - 1;
      for (; j > 0 && (slow[j - 1] ?? 0) > v; j--) slow[j] = slow[j - 1] ?? 0;
      slow[j] = v;
    }
    const fast = this.best + this.offset;
    const err = Math.max(LEAD - fast, SPARE - ((slow[n - 1] ?? 0) + this.offset));
    return Math.min(err, Math.max(Math.min(LEAD_MAX_MS / this.period, AHEAD_MAX), LEAD) - fast);
  }

  /** How many inputs are due now; the last one is for the tick `newest`. */
  due(now: number): number {
    this.advance(now);
    const aim = Math.floor(this.aim);
    if (!this.set || aim <= this.newest) return 0;
    const n = this.newest === 0 ? 1 : Math.min(aim - this.newest, BURST);
    for (let i = n - 1; i >= 0; i--) this.sent(aim - i);
    return n;
  }

  private sent(tick: number): void {
    this.newest = Math.max(this.newest, tick);
    this.sentTick[tick % SENDS] = tick;
    this.sentOffset[tick % SENDS] = Math.max(this.offset, tick - this.now / this.period);
  }

  /** Ticks are of another length from now on, in milliseconds. */
  pace(now: number, period: number): void {
    this.advance(now);
    if (!(period > 0) || period === this.period) return;
    const { aim } = this;
    this.period = period;
    this.offset = aim - this.now / this.period;
    this.count = this.shifts = this.steer = this.streak = 0;
    this.sentTick.fill(0);
  }
}
