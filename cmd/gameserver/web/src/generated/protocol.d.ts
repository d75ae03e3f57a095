// Written by `gameserver types`; do not edit.

export interface ErrorReply {
  code: string;
  msg: string;
  path?: string;
  ref?: string;
  retryMs?: number;
}

export interface LobbyAuth {
  name?: string;
  session?: string;
}

export interface HelloRequest {
  /** integer */
  v?: number;
}

export interface HelloReply {
  ok: boolean;
  v: number;
  player: HelloPlayer;
  session: string;
  now: number;
  active?: Active;
}

export interface HelloPlayer {
  id: string;
  name: string;
}

export interface Active {
  ticket?: string;
  match?: Found;
}

export interface Found {
  match: string;
  queue: string;
  game: string;
  seat: SeatOffer;
  team: number;
  players: PlayerInfo[];
}

export interface SeatOffer {
  token: string;
  ns: string;
  exp: number;
}

export interface PlayerInfo {
  id: string;
  name: string;
  bot: boolean;
}

export interface JoinRequest {
  queue: string;
  rid?: string;
}

export interface JoinReply {
  ok: boolean;
  ticket: string;
  queue: string;
}

export interface LeaveRequest {
  ticket?: string;
}

export interface OkReply {
  ok: boolean;
}

export interface Failed {
  match: string;
  reason: string;
  ref: string;
  requeued: boolean;
  ticket?: string;
}

export interface Void {
  match: string;
  reason: string;
  requeued: boolean;
  ticket?: string;
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

export interface DrainNotice {
  by: number;
  reconnect: number;
}

export interface MatchAuth {
  seat: string;
  /** integer */
  snap?: number;
  /** integer, not negative */
  ack?: number;
  check?: boolean;
}

export interface ClockRequest {
  c?: number;
}

export interface ClockReply {
  ok: boolean;
  c: number;
  q: number;
}

export interface MatchInput<G extends Game = AnyGame> {
  /** integer, not negative */
  s: number;
  /** integer, not negative */
  k?: number;
  /** integer, not negative */
  w?: number;
  v: G["input"];
}

export interface RequestReply {
  ok: boolean;
  data?: unknown;
}

export interface MatchResult<G extends Game = AnyGame> {
  match: string;
  reason: string;
  result: G["result"] | null;
}

export interface MatchSchema {
  v: number;
  sets: MatchSet[];
  input: [string, string][];
}

export interface MatchSet {
  name: string;
  fields: [name: string, type: "i" | "u" | "b" | "f", quantum: number][];
  own?: [name: string, type: "i" | "u" | "b" | "f", quantum: number][];
  cap?: number;
}

export interface MatchSnapshot<G extends Game = AnyGame> {
  t: number;
  b: number;
  a: number;
  d: number;
  l: number;
  e: G["entity"][];
  r: [number, number][];
  o?: unknown[];
}

export interface MatchWelcome<G extends Game = AnyGame> {
  match: string;
  tick: number;
  rate: number;
  every: number;
  you: number;
  snap: number;
  resume: string;
  state: "open" | "countdown" | "running" | "holding" | "ending" | "ended" | "void" | "failed";
  world: G["world"];
  players: MatchPlayer[];
  events: number;
}

export interface MatchPlayer {
  id: number;
  name: string;
  bot: boolean;
  team: number;
}

export interface World {
  w: number;
  h: number;
  walls: [number, number, number, number][];
  radius: number;
  shot: WorldShot;
  hp: number;
  round: number;
}

export interface WorldShot {
  radius: number;
}

export interface Result {
  players: Standing[];
  winner: number;
}

export interface Standing {
  id: number;
  name: string;
  bot: boolean;
  kills: number;
  deaths: number;
  score: number;
}

export interface HitEvent {
  by: number;
  to: number;
  x: number;
  y: number;
  hp: number;
}

export interface KillEvent {
  by: number;
  to: number;
}

export interface SpawnEvent {
  id: number;
}

export interface MatchPace {
  level: "full" | "far" | "sparse" | "quality" | "refuse" | "dilate" | "crawl";
  length: number;
}

export interface MatchState {
  state: "open" | "countdown" | "running" | "holding" | "ending" | "ended" | "void" | "failed";
  at: number;
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

/** What a game puts into the events of a match. */
export interface Game {
  input: unknown;
  world: unknown;
  result: unknown;
  events: object;
  requests: object;
  sets: object;
  entity: unknown;
}

/** Whichever game of this server it is. */
export type AnyGame = Games[keyof Games];

/** One argument: when, which, and its data. */
export type EventOf<G extends Game> = G extends Game
  ? { [K in keyof G["events"] & string]: [tick: number, name: K, data: G["events"][K]] }[keyof G["events"] & string]
  : never;

/** What a game may be asked. */
export type RequestOf<G extends Game> = G extends Game
  ? { [K in keyof G["requests"] & string]: { ev: K; data?: G["requests"][K] } }[keyof G["requests"] & string]
  : never;

/** The games of this server, by name. */
export interface Games {
  arena: ArenaGame;
}

/** An input of arena. What is missing is zero or false. */
export interface ArenaInput {
  up?: boolean;
  down?: boolean;
  left?: boolean;
  right?: boolean;
  /** an edge: not repeated when an input is missing */
  fire?: boolean;
  /** an edge: not repeated when an input is missing */
  beam?: boolean;
  /** -3.2..3.2 */
  aim?: number;
}

/** A row of arena in a snapshot: its id, the number of its set, and its fields as sent. */
export type ArenaEntity =
  | /* ships */ [id: number, set: 0, x: number, y: number, rot: number, vx: number, vy: number, hp: number, flags: number, respawn: number]
  | /* shots */ [id: number, set: 1, x: number, y: number, vx: number, vy: number, owner: number]
  | /* round */ [id: number, set: 2, phase: number, endsAt: number]
  | /* beams */ [id: number, set: 3, x: number, y: number, tx: number, ty: number, owner: number]
  | /* scores */ [id: number, set: 4, player: number, kills: number, deaths: number, alive: boolean];

/** The game arena. */
export interface ArenaGame {
  input: ArenaInput;
  world: World;
  result: Result;
  events: {
    hit: HitEvent;
    kill: KillEvent;
    "match:pace": MatchPace;
    "match:players": MatchPlayer[] | null;
    "match:state": MatchState;
    spawn: SpawnEvent;
  };
  requests: {};
  /** The replicated sets, their fields in the game's own units. */
  sets: {
    ships: {
      /** sent in steps of 0.1 */
      x: number;
      /** sent in steps of 0.1 */
      y: number;
      /** sent in steps of 0.01 */
      rot: number;
      /** sent in steps of 1 */
      vx: number;
      /** sent in steps of 1 */
      vy: number;
      hp: number;
      flags: number;
      respawn: number;
    };
    shots: {
      /** sent in steps of 0.1 */
      x: number;
      /** sent in steps of 0.1 */
      y: number;
      /** sent in steps of 1 */
      vx: number;
      /** sent in steps of 1 */
      vy: number;
      owner: number;
    };
    round: {
      phase: number;
      endsAt: number;
    };
    beams: {
      /** sent in steps of 0.1 */
      x: number;
      /** sent in steps of 0.1 */
      y: number;
      /** sent in steps of 0.1 */
      tx: number;
      /** sent in steps of 0.1 */
      ty: number;
      owner: number;
    };
    scores: {
      player: number;
      kills: number;
      deaths: number;
      alive: boolean;
    };
  };
  entity: ArenaEntity;
}

/** /lobby */
export namespace Lobby {
  /** What CONNECT takes as auth. */
  type Auth = LobbyAuth;

  interface ServerToClientEvents {
    "match:failed": (arg: Failed) => void;
    "match:found": (arg: Found) => void;
    "match:void": (arg: Void) => void;
    "queue:state": (arg: QueueState) => void;
    "server:drain": (arg: DrainNotice) => void;
  }

  interface ClientToServerEvents {
    hello: (arg: HelloRequest, ack: (reply: Ack<HelloReply>) => void) => void;
    "queue:join": (arg: JoinRequest, ack: (reply: Ack<JoinReply>) => void) => void;
    "queue:leave": (arg: LeaveRequest, ack: (reply: Ack<OkReply>) => void) => void;
  }
}

/** /match */
export namespace Match {
  /** What CONNECT takes as auth. */
  type Auth = MatchAuth;

  interface ServerToClientEvents<G extends Game = AnyGame> {
    event: (arg: EventOf<G>) => void;
    result: (arg: MatchResult<G>) => void;
    s: (arg: Uint8Array | ArrayBuffer) => void;
    schema: (arg: MatchSchema) => void;
    snapshot: (arg: MatchSnapshot<G>) => void;
    welcome: (arg: MatchWelcome<G>) => void;
  }

  interface ClientToServerEvents<G extends Game = AnyGame> {
    clock: (arg: ClockRequest, ack: (reply: Ack<ClockReply>) => void) => void;
    i: (arg: Uint8Array | ArrayBuffer) => void;
    input: (arg: MatchInput<G>) => void;
    leave: (arg: {}, ack: (reply: Ack<OkReply>) => void) => void;
    request: (arg: RequestOf<G>, ack: (reply: Ack<RequestReply>) => void) => void;
  }
}
