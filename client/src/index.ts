// Reads what a game server sends. docs/PROTOCOL.md says what that is.

export { INPUTS_MAX, InputWriter } from "./inputs";
export type { WireInput } from "./inputs";
export { SnapshotError } from "./reader";
export { ENTITIES_MAX, FIELDS_MAX, Fields, Schema, SchemaError, SCHEMA_VERSION, SETS_MAX, SetSchema } from "./schema";
export type { Kind, WireField, WireSchema, WireSet } from "./schema";
export { Entity, EVENTS_MAX, State, Why } from "./state";
export type { PlainSnapshot } from "./state";
