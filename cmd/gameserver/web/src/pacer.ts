// When the next input is due and which tick it is meant for. Pure.
//
// An input is meant for the tick after the newest one seen, and every number
// is used once. After a hiccup several are due at once, so the numbers creep
// ahead of the server, where every input then waits for its tick: a ship that
// answers late for the rest of the match. The server tells how early inputs
// come; one is left out per snapshot until they come in time again.

const MAX_RATE = 60; // inputs per second
const MAX_BURST = 3; // inputs at once after a hiccup
const MAX_LEAD = 1.5; // ticks an input may wait on the server
const MAX_AHEAD = 12; // ticks ahead of the newest snapshot, whatever the server says

export class InputPacer {
  private readonly periodMs: number;
  private owed = 0;
  private seq = 0;
  private tick = -1;
  private spare = false; // the next one due is left out

  constructor(rate: number) {
    this.periodMs = 1000 / Math.min(MAX_RATE, rate);
  }

  /** The newest tick seen, and how early inputs were when it was made. */
  snapshot(tick: number, lead: number): void {
    this.tick = tick;
    this.spare = lead > MAX_LEAD;
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.owed = Math.min(this.owed + Math.max(0, ms), this.periodMs * MAX_BURST);
  }

  /** The number of an input that is due now, 0 if there is none. */
  next(): number {
    while (this.owed > this.periodMs - 1e-6) {
      this.owed -= this.periodMs;
      if (this.tick < 0 || this.seq >= this.tick + MAX_AHEAD) continue;
      if (this.spare && this.seq > this.tick) {
        this.spare = false;
        continue;
      }
      this.seq = Math.max(this.seq, this.tick) + 1;
      return this.seq;
    }
    return 0;
  }
}
