// The wire of /lobby and /match as docs/PROTOCOL.md tells it. Types only.

/** The one error shape: refused acks carry it, and so does CONNECT_ERROR's data. */
export interface WireError {
  code: string;
  msg: string;
  path?: string;
  retryMs?: number;
  ref?: string;
}

export type Ack<T> = ({ ok: true } & T) | { ok: false; err: WireError };

export interface SeatPlayer {
  id: number;
  name: string;
  bot: boolean;
  team?: number;
}

export interface MatchFound {
  match: string;
  queue: string;
  game: string;
  seat: { token: string; ns: string; exp: number };
  team: number;
  players: { id: string | number; name: string; bot: boolean }[];
}

export interface Hello {
  v: number;
  player: { id: string; name: string };
  session: string;
  now: number;
  active?: { ticket?: string; match?: MatchFound };
}

export interface QueueState {
  ticket: string;
  queue: string;
  rev: number;
  state: "searching" | "offered" | "cancelled";
  waited: number;
  players: number;
  min: number;
  max: number;
  fillMs: number;
}

export interface MatchLost {
  match: string;
  reason: string;
  ref?: string;
  requeued: boolean;
  ticket?: string;
}

/** The static part of the arena, told once in welcome. */
export interface ArenaWorld {
  w: number;
  h: number;
  walls: [x: number, y: number, w: number, h: number][];
  radius: number;
  shot: { radius: number };
  hp: number;
  round: number;
}

export interface Welcome {
  match: string;
  tick: number;
  rate: number;
  every: number;
  you: number;
  snap: number;
  resume: string;
  state: string;
  world: ArenaWorld;
  players: SeatPlayer[];
  /** How many of the game's events came before the next one. */
  events: number;
}

export type FieldSpec = [name: string, type: "i" | "u" | "b" | "f", quantum: number];

export interface Schema {
  v: number;
  sets: { name: string; fields: FieldSpec[] }[];
}

export interface Snapshot {
  /** Tick of this state. */
  t: number;
  /** Tick it builds on; 0 means this one is complete. */
  b: number;
  /** Sequence number of the last input applied. */
  a: number;
  /** How early that input was, in quarter ticks. */
  d: number;
  /** How late the server itself was, in 10 µs. */
  l: number;
  /** Changed entities: [id, set, ...every field]. */
  e: (number | boolean)[][];
  /** Removed entities: [id, why]. Applied before e. */
  r: [id: number, why: number][];
}

export type GameEvent = [tick: number, name: string, data: unknown];

export interface InputValue {
  up: boolean;
  down: boolean;
  left: boolean;
  right: boolean;
  fire: boolean;
  aim: number;
}

export interface ResultRow {
  id: number;
  name: string;
  bot: boolean;
  kills: number;
  deaths: number;
  score: number;
}

export interface MatchResult {
  match: string;
  reason: string;
  result: { players: ResultRow[]; winner: number } | null;
}
