// Operational transformation: the twin of package ot, with what a client needs
// besides. An operation is a list of {keep: n}, {insert: text} and {remove: n}
// over the whole text; positions count code points.

export const points = (s) => [...s].length;

export function apply(text, op) {
  const chars = [...text];
  let at = 0, out = "";
  for (const { keep = 0, insert = "", remove = 0 } of op) {
    out += insert + chars.slice(at, at + keep).join("");
    at += keep + remove;
  }
  if (at !== chars.length) throw new RangeError(`operation for ${at} characters, text has ${chars.length}`);
  return out;
}

// move says where a position is after the operation.
export function move(op, pos) {
  let at = 0, moved = pos;
  for (const { keep = 0, insert = "", remove = 0 } of op) {
    if (at < pos) moved += points(insert);
    moved -= Math.min(remove, Math.max(0, pos - at));
    at += keep + remove;
  }
  return moved;
}

// add appends a part, or lets it melt into the last one of its kind.
function add(op, kind, what) {
  const last = op.at(-1);
  if (last?.[kind] !== undefined) last[kind] += what;
  else op.push({ [kind]: what });
}

// Reader walks over an operation, stopping inside parts.
class Reader {
  constructor(op) { this.op = op; this.i = 0; this.used = 0; }
  get part() { return this.op[this.i]; }
  get inserts() { return this.part?.insert !== undefined; }
  get removes() { return this.part?.remove !== undefined; }
  get left() { return (this.part?.keep ?? 0) + (this.part?.remove ?? 0) - this.used; }
  next() { this.used = 0; return this.op[this.i++]; }
  take(n) { // passes n characters; are they removed?
    const { removes } = this;
    if ((this.used += n, this.left) === 0) this.next();
    return removes;
  }
}

// transform rewrites two operations on one text so that each can follow the
// other: apply(apply(t, a), b2) === apply(apply(t, b), a2).
export function transform(a, b) {
  const a2 = [], b2 = [], x = new Reader(a), y = new Reader(b);
  while (x.part || y.part) {
    if (x.inserts) {
      const { insert } = x.next();
      add(a2, "insert", insert); add(b2, "keep", points(insert));
    } else if (y.inserts) {
      const { insert } = y.next();
      add(a2, "keep", points(insert)); add(b2, "insert", insert);
    } else {
      const n = Math.min(x.left, y.left);
      if (!n) throw new RangeError("operations are for different texts");
      const xr = x.take(n), yr = y.take(n);
      if (!xr && !yr) { add(a2, "keep", n); add(b2, "keep", n); }
      else if (xr && !yr) add(a2, "remove", n);
      else if (yr && !xr) add(b2, "remove", n);
    }
  }
  return [a2, b2];
}

// compose makes one operation of two that follow each other.
export function compose(a, b) {
  const out = [], x = new Reader(a), y = new Reader(b);
  let text = ""; // what is left of x's insertion, which y walks over
  while (x.part || text || y.part) {
    if (!text && x.removes) { add(out, "remove", x.left); x.next(); continue; }
    if (y.inserts) { add(out, "insert", y.next().insert); continue; }
    if (!text && x.inserts) { text = x.next().insert; continue; }
    const n = Math.min(text ? points(text) : x.left, y.left);
    if (!n) throw new RangeError("operations do not follow each other");
    const removed = y.take(n);
    if (text) {
      const chars = [...text];
      if (!removed) add(out, "insert", chars.slice(0, n).join(""));
      text = chars.slice(n).join("");
    } else {
      x.take(n);
      add(out, removed ? "remove" : "keep", n);
    }
  }
  return out;
}

// diff is the operation from one text to another, as one replacement.
export function diff(from, to) {
  const a = [...from], b = [...to];
  let head = 0, tail = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const op = [];
  if (head) op.push({ keep: head });
  if (b.length > head + tail) op.push({ insert: b.slice(head, b.length - tail).join("") });
  if (a.length > head + tail) op.push({ remove: a.length - head - tail });
  if (tail) op.push({ keep: tail });
  return op;
}
