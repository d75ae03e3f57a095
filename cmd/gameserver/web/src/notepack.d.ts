// What socket.io-msgpack-parser itself reads with; it comes without types.
declare module "notepack.io" {
  export function decode(bytes: Uint8Array): unknown;
}
