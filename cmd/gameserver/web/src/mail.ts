/**
 * Tells which events are new after a reconnect. The server numbers nothing: it
 * says in welcome how many events came before the next one, and sends those
 * again that may not have arrived.
 */
export class Mail {
  private match = "";
  private counted = 0;
  private repeats = 0;

  /** A connection to a match has begun. */
  welcome(match: string, events: number): void {
    const before = match === this.match ? this.counted : events;
    this.match = match;
    this.repeats = Math.max(0, before - events);
    this.counted = Math.max(before, events);
  }

  /** Counts one of the game's events; false if it was there before. */
  isNew(): boolean {
    if (this.repeats > 0) {
      this.repeats--;
      return false;
    }
    this.counted++;
    return true;
  }
}
