// One copy of the document: what a client does with what the server says. It
// knows a socket and no page, so that the tests can run it in Node.
//
//   base    the text as of revision rev, as the server has it
//   sent    our edit on its way to the server, or null
//   waiting what was typed meanwhile, as one operation, or null
//   text    base + sent + waiting: what one sees
//
// One edit is on its way at a time. So each operation of the others need only be
// brought past sent and waiting, and these past it.
import { apply, compose, diff, move, transform } from "./ot.mjs";

const MAX_PARTS = 500; // of an edit; a wilder one is sent as one replacement

export class Editor {
  base = ""; text = ""; rev = -1; epoch = "";
  sent = null; waiting = null; seq = 0;
  open = false; // the server has told us what we missed
  cursors = new Map(); // of the others, by id: {name, from, to} in text

  // changed(op) is called when the text was changed by others, moved() when
  // cursors were, refused(err) when an edit was taken back.
  constructor(socket, { author, changed = () => {}, moved = () => {}, refused = () => {} }) {
    Object.assign(this, { socket, author, changed, moved, refused });
    socket.on("connect", () => this.#hello());
    socket.on("disconnect", () => { this.open = false; this.cursors.clear(); this.moved(); });
    socket.on("document", (d) => this.#document(d));
    socket.on("change", (c) => { if (this.open) { this.#change(c); this.#send(); } });
    socket.on("cursor", (c) => { if (this.open) { this.#cursor(c); this.moved(); } });
    socket.on("gone", (id) => { this.cursors.delete(id); this.moved(); });
  }

  // edit does what the user typed. It is seen at once and sent when it can be.
  edit(op) {
    this.text = apply(this.text, op);
    this.waiting = this.waiting ? compose(this.waiting, op) : op;
    this.#follow(op);
    this.#send();
  }

  // select tells the others where we are, when they can know what that means.
  select(from, to) {
    if (this.open && this.settled) this.socket.emit("cursor", { rev: this.rev, from, to });
  }

  get settled() { return !this.sent && !this.waiting; }

  #hello() {
    this.open = false;
    this.socket.emit("open", { author: this.author, epoch: this.epoch, rev: this.rev });
  }

  #send() {
    if (!this.open || this.sent || !this.waiting) return;
    if (this.waiting.length > MAX_PARTS) this.waiting = diff(this.base, this.text);
    [this.sent, this.waiting] = [this.waiting, null];
    this.seq++;
    this.#emit();
  }

  #emit() {
    const { seq } = this;
    this.socket.emit("edit", { author: this.author, seq: this.seq, rev: this.rev, op: this.sent }, (r) => {
      if (r.ok !== false || !this.sent || seq !== this.seq) return; // the change itself tells us
      if (r.err.code !== "expired") { // the server will never take it
        const back = diff(this.text, this.base);
        this.text = this.base;
        this.sent = this.waiting = null;
        this.#shown(back);
        this.refused(r.err);
      }
      this.#hello();
    });
  }

  // document is what the server says after every connect: all, or what we missed.
  #document(d) {
    if (d.missed) {
      d.missed.forEach((c) => this.#change(c));
    } else {
      // Our last edit may be in the text although we were not told.
      if (this.sent && d.epoch === this.epoch && d.seq >= this.seq) this.#confirm();
      this.#theirs(diff(this.base, d.text));
      this.epoch = d.epoch;
      this.rev = d.rev;
    }
    this.open = true;
    this.cursors.clear();
    d.cursors.forEach((c) => this.#cursor(c));
    this.moved();
    if (this.sent) this.#emit(); // again; the server knows it by its seq
    else this.#send();
  }

  #change({ rev, op, own }) {
    if (rev <= this.rev) return;
    if (rev !== this.rev + 1) throw new Error(`change ${rev} after ${this.rev}`);
    if (own) this.#confirm();
    else this.#theirs(op);
    this.rev = rev;
  }

  #confirm() {
    this.base = apply(this.base, this.sent);
    this.sent = null;
  }

  #theirs(op) {
    this.base = apply(this.base, op);
    if (this.sent) [this.sent, op] = transform(this.sent, op);
    if (this.waiting) [this.waiting, op] = transform(this.waiting, op);
    this.text = apply(this.text, op);
    this.#shown(op);
  }

  #shown(op) { this.#follow(op); this.changed(op); }

  #follow(op) {
    for (const c of this.cursors.values()) { c.from = move(op, c.from); c.to = move(op, c.to); }
    this.moved();
  }

  #cursor({ id, name, from, to }) { // told in base, shown in text
    const here = (pos) => [this.sent, this.waiting].reduce((p, op) => (op ? move(op, p) : p), pos);
    this.cursors.set(id, { name, from: here(from), to: here(to) });
  }
}
