import { decode as notepack } from "notepack.io";

export const hex = (text: string) =>
  Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16));

/** Node's notepack wants a Buffer; the browser's takes any view. */
export const decode = (b: Uint8Array): unknown => notepack(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
