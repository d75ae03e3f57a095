// Inputs in the compact form: the event i of docs/PROTOCOL.md.

/** [path, kind], as the schema event has it: the fields of nested objects have paths such as move.x. */
export type WireInput = readonly (readonly [path: string, kind: string])[];

/** The most inputs in one message. */
export const INPUTS_MAX = 4;

/** The most fields that fit a mask here: beyond 2⁵³ JavaScript's integers are not exact. */
const FIELDS_MAX = 52;
const VERSION = 1;
/** The largest integer of either sign, with room for the sign's bit. */
const INT_MAX = 2 ** 52 - 1;

interface Field {
  readonly path: readonly string[];
  readonly kind: string;
}

/** Writes the inputs of one game. */
export class InputWriter {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  private constructor(private readonly fields: readonly Field[]) {}

  /** Null for inputs that this writer cannot write: send them as `input`. */
  static of(form: WireInput): InputWriter | null {
    if (form.length === 0 || form.length > FIELDS_MAX) return null;
    if (form.some(([, kind]) => kind.length !== 1 || !"beiuf".includes(kind))) return null;
    return new InputWriter(form.map(([path, kind]) => ({ path: path.split("."), kind })));
  }

  /**
   * The message of up to four inputs, newest first, the first of which is for
   * tick newest, by a player who has seen tick seen and whose screen shows what
   * was view quarter ticks before that. Without inputs it acknowledges. The
   * buffer is the caller's; it has the exact size, as the parser wants it.
   * Null for values that the form cannot say.
   */
  write(newest: number, seen: number, view: number, inputs: readonly object[]): ArrayBuffer | null {
    if (inputs.length > INPUTS_MAX) return null;
    this.at = 0;
    this.u8((VERSION << 6) | inputs.length);
    this.u16(newest);
    this.u16(seen);
    this.u8(Math.max(0, Math.min(255, Math.round(view))));
    let last: object | undefined;
    for (const [i, input] of inputs.entries()) {
      if (input === last) this.bytes[0] = (this.bytes[0] ?? 0) | (1 << (2 + i));
      else if (!this.input(input)) return null;
      last = input;
    }
    return this.bytes.buffer.slice(0, this.at);
  }

  private input(input: object): boolean {
    const values = this.fields.map((f) => read(input, f));
    if (values.some((v) => v === null)) return false;
    let mask = 0;
    values.forEach((v, i) => (mask += v !== 0 ? 2 ** i : 0));
    this.varint(mask);
    for (const [i, f] of this.fields.entries()) {
      const v = values[i] ?? 0;
      if (v !== 0) this.value(f.kind, v);
    }
    return true;
  }

  private value(kind: string, v: number): void {
    switch (kind) {
      case "e":
        this.u8(v);
        break;
      case "i":
        this.varint(v < 0 ? -2 * v - 1 : 2 * v);
        break;
      case "u":
        this.varint(v);
        break;
      case "f":
        this.room(4);
        this.view.setFloat32(this.at, v, true);
        this.at += 4;
    }
  }

  private varint(v: number): void {
    while (v >= 0x80) {
      this.u8((v % 0x80) | 0x80);
      v = Math.floor(v / 0x80);
    }
    this.u8(v);
  }

  private u16(v: number): void {
    this.u8(v);
    this.u8(v >>> 8);
  }

  private u8(v: number): void {
    this.room(1);
    this.bytes[this.at++] = v;
  }

  private room(n: number): void {
    if (this.at + n <= this.bytes.length) return;
    const old = this.bytes;
    this.bytes = new Uint8Array(old.length * 2);
    this.bytes.set(old);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** A field's value as a number, 0 when it is not there; null when the form cannot say it. */
function read(input: object, f: Field): number | null {
  let v: unknown = input;
  for (const name of f.path) {
    if (typeof v !== "object" || v === null) return 0;
    v = (v as Record<string, unknown>)[name];
  }
  if (v === undefined || v === null || v === false || v === 0) return 0;
  if (v === true) return f.kind === "b" || f.kind === "e" ? 1 : null;
  if (typeof v !== "number" || f.kind === "b") return null;
  if (f.kind === "f") return Number.isFinite(Math.fround(v)) ? Math.fround(v) : null;
  const least = f.kind === "i" ? -INT_MAX : 0;
  const most = f.kind === "e" ? 255 : INT_MAX;
  return Number.isInteger(v) && v >= least && v <= most ? v : null;
}
