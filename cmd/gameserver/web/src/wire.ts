// The wire of /lobby and /match under the names this page has for it. What it
// is comes from the server itself: `gameserver types` writes generated/protocol.

import type {
  ArenaGame,
  ArenaInput,
  EventOf,
  Failed,
  Lobby,
  Match,
  MatchResult as ResultOf,
  MatchWelcome,
  Void,
} from "./generated/protocol";

export type {
  Ack,
  ErrorReply as WireError,
  Found as MatchFound,
  HelloReply as Hello,
  HitEvent,
  KillEvent,
  MatchAuth,
  MatchPlayer as SeatPlayer,
  MatchSchema as Schema,
  MatchState,
  QueueState,
  Standing as ResultRow,
  World as ArenaWorld,
} from "./generated/protocol";

export type LobbyListens = Lobby.ServerToClientEvents;
export type LobbyEmits = Lobby.ClientToServerEvents;
export type MatchListens = Match.ServerToClientEvents<ArenaGame>;
export type MatchEmits = Match.ClientToServerEvents<ArenaGame>;

export type MatchLost = Void | Failed;
export type Welcome = MatchWelcome<ArenaGame>;
export type MatchResult = ResultOf<ArenaGame>;
export type GameEvent = EventOf<ArenaGame>;

/** An input with nothing left out. */
export type InputValue = Required<ArenaInput>;
