declare module "notepack.io" {
  export function decode(bytes: Uint8Array): unknown;
  export function encode(value: unknown): Uint8Array;
}
