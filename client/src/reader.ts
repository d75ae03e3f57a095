// Reads the numbers of a compact snapshot. Every read is within the bytes, or
// throws: they come from outside.

/** A snapshot breaks the rules of docs/PROTOCOL.md. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

export class Reader {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;

  reset(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    const v = this.bytes[this.at++];
    if (v === undefined) throw new SnapshotError("it ends too early");
    return v;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    const low = this.u8();
    return low | (this.u8() << 8);
  }

  u32(): number {
    const low = this.u16();
    return (low | (this.u16() << 16)) >>> 0;
  }

  /** An unsigned LEB128 number of 32 bits, as a signed integer: the bits are what counts. */
  bits(): number {
    let b = this.u8();
    if (b < 0x80) return b;
    let v = b & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      b = this.u8();
      v |= (b & 0x7f) << shift;
      if (b < 0x80) return v;
    }
    b = this.u8();
    if (b > 0x0f) throw new SnapshotError("a number of more than 32 bits");
    return v | (b << 28);
  }

  /** The same as an unsigned number. */
  varint(): number {
    return this.bits() >>> 0;
  }

  /** The same as a number whose sign is its lowest bit. */
  zigzag(): number {
    const v = this.bits();
    return (v >>> 1) ^ -(v & 1);
  }

  slice(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw new SnapshotError("it ends too early");
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}
