// Written by the test; do not edit.

export interface ErrorReply {
  code: string;
  msg: string;
  path?: string;
  ref?: string;
  retryMs?: number;
}

export interface TsgenAuth {
  token: string;
}

export interface AuthorIn {
  /** 1..24 characters */
  name: string;
  /** integer, ..150 */
  age?: number | null;
}

export interface Message {
  at: string;
  /** 1..16 bytes */
  blob: Uint8Array | ArrayBuffer;
  "from": Author;
  /** 1..500 characters */
  text: string;
  mood: "red" | "blue";
  level: 1 | 2 | 3 | null;
  /** 0..1 */
  share: number;
  /** ..5 elements */
  tags: string[] | null;
  where: [number, number];
  grid: (boolean[] | null)[];
  meta: { [key: string]: unknown } | null;
  counts: { [key: string]: number[] | null } | null;
  "default": boolean;
  "odd-name": string;
  inline: {
    A: number;
    B: number;
  };
  raw: unknown;
  reply?: Author;
  deep: Author | null;
  empty: {};
}

export interface Author {
  /** 1..24 characters */
  name: string;
  /** ..150 */
  age: number | null;
}

export interface MessageIn {
  at: string;
  /** 1..16 bytes */
  blob: Uint8Array | ArrayBuffer;
  "from": AuthorIn;
  /** 1..500 characters */
  text: string;
  mood?: "red" | "blue";
  level?: 1 | 2 | 3 | null;
  /** 0..1 */
  share?: number;
  /** ..5 elements */
  tags?: string[];
  where?: [number, number];
  grid?: boolean[][];
  meta?: { [key: string]: unknown };
  counts?: { [key: string]: number[] };
  "default"?: boolean;
  "odd-name"?: string;
  inline?: {
    /** integer */
    A?: number;
    /** integer */
    B?: number;
  };
  raw?: unknown;
  reply?: AuthorIn | null;
  deep?: AuthorIn | null;
  empty?: {};
}

export interface Posted {
  ok: boolean;
  id: string;
}

export interface Strange {
  tree: Tree | null;
  dict: Dictionary | null;
  loop: Loop;
  ring: Ring;
  pages: PagePageAuthor;
  event: Event2;
}

export type Tree = (Tree | null)[];

export type Dictionary = { [key: string]: Dictionary | null };

export type Loop = unknown;

export type Ring = Ring[] | null;

export interface PagePageAuthor {
  items: PageAuthor[] | null;
  /** 0.. */
  next?: number;
}

export interface PageAuthor {
  items: Author[] | null;
  /** 0.. */
  next?: number;
}

export interface Event2 {
  G: number;
}

export interface Node {
  text: string;
  kids: (Node | null)[];
}

export interface Move<G extends Game = AnyGame> {
  /** integer */
  s: number;
  v: G["input"];
}

export interface Ended<G extends Game = AnyGame> {
  result: G["result"] | null;
}

export interface Frame<G extends Game = AnyGame> {
  e: G["entity"][];
}

export interface Welcome<G extends Game = AnyGame> {
  you: number;
  world: G["world"];
}

export interface ArenaWorld {
  w: number;
}

export interface Hit {
  by: number;
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
  "a-b": ABGame;
  a_b: AB2Game;
}

/** An input of arena. What is missing is zero or false. */
export interface ArenaInput {
  up?: boolean;
  /** an edge: not repeated when an input is missing */
  fire?: boolean;
  /** -3.2..3.2 */
  aim?: number;
  stick?: {
    /** integer, -8..8 */
    x?: number;
  };
}

/** A row of arena in a snapshot: its id, the number of its set, and its fields as sent. */
export type ArenaEntity =
  | /* ships */ [id: number, set: 0, x: number, _new: boolean]
  | /* odd set */ [id: number, set: 1, _a_b: number];

/** The game arena. */
export interface ArenaGame {
  input: ArenaInput;
  world: ArenaWorld;
  result: { [key: string]: number } | null;
  events: {
    end: null;
    hit: Hit;
    "match:state": {
      state: "open" | "running";
    };
  };
  requests: {
    "aim:at": AuthorIn;
    stop: null;
  };
  /** The replicated sets, their fields in the game's own units. */
  sets: {
    ships: {
      /** sent in steps of 0.1 */
      x: number;
      "new": boolean;
    };
    "odd set": {
      "a-b": number;
    };
  };
  entity: ArenaEntity;
}

/** An input of a-b. What is missing is zero or false. */
export interface ABInput {}

/** A row of a-b in a snapshot: its id, the number of its set, and its fields as sent. */
export type ABEntity = never;

/** The game a-b. */
export interface ABGame {
  input: ABInput;
  world: unknown;
  result: unknown;
  events: { [name: string]: unknown };
  requests: { [name: string]: unknown };
  /** The replicated sets, their fields in the game's own units. */
  sets: {};
  entity: ABEntity;
}

/** An input of a_b. What is missing is zero or false. */
export interface AB2Input {}

/** A row of a_b in a snapshot: its id, the number of its set, and its fields as sent. */
export type AB2Entity = never;

/** The game a_b. */
export interface AB2Game {
  input: AB2Input;
  world: unknown;
  result: unknown;
  events: { [name: string]: unknown };
  requests: { [name: string]: unknown };
  /** The replicated sets, their fields in the game's own units. */
  sets: {};
  entity: AB2Entity;
}

/** /chat-room */
export namespace ChatRoom {
  /** What CONNECT takes as auth. */
  type Auth = TsgenAuth;

  interface ServerToClientEvents {
    alive: (arg: number, ack: (reply: boolean) => void) => void;
    anything: (arg: unknown) => void;
    bye: () => void;
    message: (arg: Message) => void;
    "strange!": (arg: Strange | null) => void;
    tree: (arg: Node) => void;
  }

  interface ClientToServerEvents {
    count: (ack: (reply: number | Refused) => void) => void;
    find: (arg: AuthorIn, ack: (reply: Message[] | null | Refused) => void) => void;
    "new": (arg: string) => void;
    post: (arg: MessageIn, ack: (reply: Ack<Posted>) => void) => void;
    typing: () => void;
  }
}

/** /match */
export namespace Match {
  interface ServerToClientEvents<G extends Game = AnyGame> {
    ended: (arg: Ended<G>) => void;
    event: (arg: EventOf<G>) => void;
    frame: (arg: Frame<G>) => void;
    welcome: (arg: Welcome<G>) => void;
  }

  interface ClientToServerEvents<G extends Game = AnyGame> {
    move: (arg: Move<G>) => void;
    request: (arg: RequestOf<G>, ack: (reply: Ack<{
      ok: boolean;
      data: unknown;
    }>) => void) => void;
  }
}
