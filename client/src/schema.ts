// The schema event: what the numbers of a snapshot mean.

/** i signed, u unsigned, b boolean, f float sent as an integer multiple of its quantum. */
export type Kind = "i" | "u" | "b" | "f";

/** [name, kind, quantum], as the server sends it. */
export type WireField = readonly [name: string, kind: string, quantum: number];

export interface WireSet {
  readonly name: string;
  readonly fields: readonly WireField[];
  /** Fields that only the player sees whose id the entity has. */
  readonly own?: readonly WireField[];
  /** The most entities it can hold. */
  readonly cap?: number;
}

export interface WireSchema {
  readonly v: number;
  readonly sets: readonly WireSet[];
  /** Fields of an input, for an InputWriter. */
  readonly input?: readonly (readonly [path: string, kind: string])[];
}

/** The version of the schema event. */
export const SCHEMA_VERSION = 1;

/** The most sets, and the most fields of a set, that a server may declare; own ones are counted apart. */
export const SETS_MAX = 64;
export const FIELDS_MAX = 31;

/** The most entities a client holds. One more is an error. */
export const ENTITIES_MAX = 1 << 16;

/** Kinds as numbers, for the decoder's inner loop. */
export const enum Code {
  Int,
  Uint,
  Bool,
  Float,
}

/** Fields of one kind of entity, in wire order. */
export class Fields {
  readonly names: readonly string[];
  readonly kinds: Uint8Array;
  /** What one step of the integer is worth: 1 but for floats. */
  readonly quanta: Float64Array;
  /** The mask with every field in it. */
  readonly all: number;

  constructor(fields: readonly WireField[]) {
    if (fields.length > FIELDS_MAX) throw new SchemaError(`${fields.length} fields, more than ${FIELDS_MAX}`);
    this.names = fields.map((f) => f[0]);
    this.kinds = Uint8Array.from(fields, (f) => codeOf(f[1]));
    this.quanta = Float64Array.from(fields, (f) => (f[1] === "f" ? quantumOf(f[2]) : 1));
    this.all = 2 ** fields.length - 1;
  }

  get size(): number {
    return this.names.length;
  }

  /** Index of a field, -1 if this server does not have it. */
  index(name: string): number {
    return this.names.indexOf(name);
  }

  /** Whether values between two of them make sense. */
  smooth(field: number): boolean {
    return this.kinds[field] === Code.Float;
  }

  /** The natural value of what a column holds. */
  value(field: number, q: number): number {
    return this.kinds[field] === Code.Uint ? q >>> 0 : q * (this.quanta[field] ?? 1);
  }
}

/** One replicated set. Its number on the wire is its place in the Schema. */
export class SetSchema extends Fields {
  readonly name: string;
  readonly own: Fields;
  readonly cap: number;

  constructor(
    readonly number: number,
    wire: WireSet,
  ) {
    super(wire.fields);
    this.name = wire.name;
    this.own = new Fields(wire.own ?? []);
    this.cap = wire.cap ?? ENTITIES_MAX;
  }
}

/** A schema event, checked. */
export class Schema {
  readonly sets: readonly SetSchema[];

  constructor(wire: WireSchema) {
    if (wire.v !== SCHEMA_VERSION) throw new SchemaError(`version ${wire.v}, want ${SCHEMA_VERSION}`);
    if (wire.sets.length > SETS_MAX) throw new SchemaError(`${wire.sets.length} sets, more than ${SETS_MAX}`);
    this.sets = wire.sets.map((s, i) => new SetSchema(i, s));
  }
}

/** The server's schema is not one. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

function codeOf(kind: string): Code {
  const code = "iubf".indexOf(kind);
  if (kind.length !== 1 || code < 0) throw new SchemaError(`unknown kind "${kind}"`);
  return code;
}

function quantumOf(q: number): number {
  if (!(q > 0) || q > 1e6) throw new SchemaError(`a quantum of ${q}`);
  return q;
}
