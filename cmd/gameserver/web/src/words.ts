// What an error code or a reason means to a person.

import type { WireError } from "./wire";

const CODES: Record<string, string> = {
  auth_failed: "The server no longer knows this session. Please press Play again.",
  already_in_match: "You are already in a match.",
  bad_payload: "The server did not understand this page. Please reload it.",
  bad_request: "The server did not understand this page. Please reload it.",
  draining: "The server is about to restart. Please try again in a minute.",
  expired: "That seat was held for you as long as possible, but it is gone now.",
  forbidden: "That is not allowed.",
  internal: "Something broke on the server. Please try again.",
  not_found: "That match is over.",
  overloaded: "The server is full right now. Please try again in a minute.",
  rate_limited: "That was a little fast. Please wait a moment.",
  replaced: "You are playing in another window.",
  seat_gone: "Your seat was given away. Please press Play again.",
  timeout: "The server did not answer. Please try again.",
  too_late: "Too late, the match is starting.",
  unavailable: "The server is not available right now.",
};

const REASONS: Record<string, string> = {
  failed: "The match broke down; that is our fault.",
  voided: "The match could not start.",
  no_show: "The match could not start, somebody did not show up.",
  server_drain: "The server is about to restart.",
  kicked: "You were removed from the match.",
  replaced: "You are playing in another window.",
};

export function explain(e: WireError): string {
  const known = CODES[e.code] ?? `The server refused: ${e.msg}.`;
  const wait = e.retryMs !== undefined && e.retryMs >= 1000 ? ` Try again in ${Math.ceil(e.retryMs / 1000)} s.` : "";
  return known + wait + (e.ref === undefined ? "" : ` (reference ${e.ref})`);
}

export function why(reason: string): string {
  return REASONS[reason] ?? "The match could not go on.";
}
