// Written by `go test ./server/ops -update`; do not edit.

export interface ErrorReply {
  code: string;
  msg: string;
  path?: string;
  ref?: string;
  retryMs?: number;
}

export interface OpsAuth {
  token?: string;
}

export interface KickRequest {
  /** 1..64 characters */
  match: string;
  /** integer, 0.. */
  seat: number;
  /** ..64 characters */
  by?: string;
}

export interface Done {
  ok: boolean;
}

export interface StopRequest {
  /** 1..64 characters */
  match: string;
  /** ..64 characters */
  by?: string;
}

export interface WatchRequest {
  on?: boolean;
  /** ..64 characters */
  match?: string;
}

export interface Frame {
  n: number;
  b: number;
  at: number;
  up: number;
  sum: Sums;
  house: Figures;
  process: Process;
  workers: Worker[];
  hist: Uint8Array | ArrayBuffer;
  heat: Uint8Array | ArrayBuffer;
  slots?: Slot[];
  hidden?: number;
  rows?: Row[];
  blames?: BlameLine[];
  missed?: number;
  causes: CauseTotals;
  match?: MatchReport;
}

export interface Sums {
  expected: number;
  ticks: number;
  onTime: number;
  late: number;
  skipped: number;
  overruns: number;
  steals: number;
  refused: number;
  stalls: number;
  blames: number;
  stuck: number;
  entries: number;
}

export interface Figures {
  conns: number;
  players: number;
  waiting: number;
  bytesOut: number;
  outbox: number;
  ready: boolean;
  draining: boolean;
}

export interface Process {
  goroutines: number;
  heap: number;
  allocs: number;
  cycles: number;
  pauses: number;
  pause: number;
  latency: number;
}

export interface Worker {
  busy: number;
  entries: number;
}

export interface Slot {
  slot: number;
  id: string;
  game?: string;
  hz?: number;
  worker: number;
}

export interface Row {
  slot: number;
  use: number;
  took: number;
  worst: number;
  late: number;
  ratio: number;
  level: number;
  stuck?: boolean;
}

export interface BlameLine {
  seq: number;
  at: number;
  id: string;
  game?: string;
  tick: number;
  worker: number;
  late: number;
  took: number;
  cause: number;
  line: string;
}

export interface CauseTotals {
  blames: number;
  late: number[];
  took: number[];
}

export interface MatchReport {
  id: string;
  gone?: boolean;
  slot: number;
  state?: string;
  hz?: number;
  length?: number;
  seats?: Seat[];
  "from"?: number;
  ticks?: Uint8Array | ArrayBuffer;
  causes?: CauseTotals;
}

export interface Seat {
  seat: number;
  name: string;
  state: string;
  bot?: boolean;
}

export interface Hello {
  version: string;
  host: string;
  pid: number;
  started: number;
  every: number;
  timer: string;
  phases: string[];
  levels: string[];
  causes: string[];
  can: string[];
}

export interface Trace {
  file: string;
  head: string;
  at: number;
  bytes: number;
  entry: string;
  why: string;
  line: string;
}

/** The answer of something that was refused. */
export interface Refused {
  ok: false;
  err: ErrorReply;
}

/** An answer: R, or why not. */
export type Ack<R> = (R & { ok: true }) | Refused;

/** What connect_error is told with. */
export type ConnectError = Error & { data?: ErrorReply };

/** /ops */
export namespace Ops {
  /** What CONNECT takes as auth. */
  type Auth = OpsAuth;

  interface ServerToClientEvents {
    frame: (arg: Frame) => void;
    hello: (arg: Hello) => void;
    traces: (arg: Trace[] | null) => void;
  }

  interface ClientToServerEvents {
    kick: (arg: KickRequest, ack: (reply: Ack<Done>) => void) => void;
    stop: (arg: StopRequest, ack: (reply: Ack<Done>) => void) => void;
    watch: (arg: WatchRequest, ack: (reply: Ack<Done>) => void) => void;
  }
}
