// The byte strings of a frame, taken apart. Numbers are little-endian; what they
// mean is said in server/ops/encode.go.

export type {
  BlameLine,
  CauseTotals,
  ErrorReply as WireError,
  Frame,
  Hello,
  MatchReport,
  Ops,
  Row,
  Seat,
  Slot,
  Trace,
} from "./generated/protocol";

export const HIST_BUCKETS = 81;
export const HIST_LATENESS = 0;
export const HIST_DURATION = 1;
export const HIST_PHASES = 2;
export const NUM_PHASES = 8;
export const NUM_HISTS = HIST_PHASES + NUM_PHASES;
export const HEAT_STRIDE = 4;
const TICK_BYTES = 28;

export type Bytes = Uint8Array | ArrayBuffer;

export function viewOf(b: Bytes): DataView {
  return b instanceof ArrayBuffer ? new DataView(b) : new DataView(b.buffer, b.byteOffset, b.byteLength);
}

/** Calls add with every growth in a frame's histograms. */
export function eachGrowth(b: Bytes, add: (hist: number, bucket: number, count: number) => void): void {
  const v = viewOf(b);
  for (let i = 0; i + 6 <= v.byteLength; i += 6) {
    const hist = v.getUint8(i);
    const bucket = v.getUint8(i + 1);
    if (hist < NUM_HISTS && bucket < HIST_BUCKETS) add(hist, bucket, v.getUint32(i + 2, true));
  }
}

/** The longest duration of a bucket, in µs: four buckets to an octave. */
export function bucketEnd(bucket: number): number {
  return 2 ** (bucket / 4);
}

/** A share of a tick's time that was packed into a byte. */
export function shareOf(packed: number): number {
  return packed === 0 ? 0 : 2 ** ((packed - 1) / 16 - 10);
}

/** The byte that a share is packed into. */
export function packShare(share: number): number {
  if (share <= 0) return 0;
  return Math.min(255, Math.max(1, Math.floor(1 + 16 * (Math.log2(share) + 10))));
}

/** A number that was packed into sixteen bits: five for the exponent. */
export function unpack(packed: number): number {
  return (packed & 0x7ff) * 2 ** (packed >> 11);
}

/** One tick of the selected match; times in µs. */
export interface Tick {
  n: number;
  due: number; // ms since the scheduler began
  late: number;
  took: number;
  phases: number[];
  bytes: number;
  level: number;
  skipped: number;
}

export function ticksOf(from: number, b: Bytes): Tick[] {
  const v = viewOf(b);
  const list: Tick[] = [];
  for (let i = 0; i + TICK_BYTES <= v.byteLength; i += TICK_BYTES) {
    const phases: number[] = [];
    for (let p = 0; p < NUM_PHASES; p++) phases.push(unpack(v.getUint16(i + 8 + 2 * p, true)));
    list.push({
      n: from + list.length,
      due: v.getUint32(i, true),
      late: unpack(v.getUint16(i + 4, true)),
      took: unpack(v.getUint16(i + 6, true)),
      phases,
      bytes: unpack(v.getUint16(i + 24, true)),
      level: v.getUint8(i + 26),
      skipped: v.getUint8(i + 27),
    });
  }
  return list;
}

/** The state byte of a match in the heat map. */
export const levelOf = (state: number): number => state & 7;
export const isStuck = (state: number): boolean => (state & 8) !== 0;
export const isPaused = (state: number): boolean => (state & 16) !== 0;
