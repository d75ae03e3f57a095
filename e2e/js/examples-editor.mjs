// What an editor of the text example does when the server cannot tell what it
// missed, against a socket that is none. Says {ev: "case", name, got, want}.
import { Editor } from "../../examples/text/editor.mjs";

const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
const insert = (text, before, after) => [...(before ? [{ keep: before }] : []), { insert: text }, ...(after ? [{ keep: after }] : [])];

function start(text, refused) {
  const handlers = {}, emitted = [];
  const socket = { on: (ev, f) => { handlers[ev] = f; }, emit: (ev, data, answer) => emitted.push({ ev, data, answer }) };
  const e = new Editor(socket, { author: "me", refused });
  const hear = (ev, data) => handlers[ev](data);
  hear("connect");
  hear("document", { epoch: "one", rev: 3, seq: 0, text, missed: null, cursors: [{ id: "o", name: "O", from: 5, to: 5 }] });
  return { e, hear, emitted, edits: () => emitted.filter((x) => x.ev === "edit").map((x) => x.data) };
}
const check = (name, got, want) => say("case", { name, got: JSON.stringify(got), want: JSON.stringify(want) });

{ // The server was started again, with another text: what we typed comes along.
  const { e, hear, edits } = start("hello world");
  e.edit(insert(" my", 5, 6));
  hear("disconnect");
  e.edit(insert("!", 14, 0));
  hear("connect");
  hear("document", { epoch: "two", rev: 0, seq: 0, text: "Oh, hello world", missed: null, cursors: [] });
  check("restart: text", e.text, "Oh, hello my world!");
  hear("change", { rev: 1, own: true });
  hear("change", { rev: 2, own: true });
  check("restart: edits", edits().map((x) => [x.rev, x.seq]), [[3, 1], [0, 1], [1, 2]]);
  check("restart: settled", [e.settled, e.base, e.rev], [true, "Oh, hello my world!", 2]);
}
{ // The history is gone, and our edit had arrived: it is not doubled.
  const { e, hear, edits } = start("hello world");
  e.edit(insert(" my", 5, 6));
  hear("disconnect");
  hear("connect");
  hear("document", { epoch: "one", rev: 2000, seq: 1, text: "hello my dear world", missed: null, cursors: [] });
  check("history gone", [e.text, e.settled, edits().length], ["hello my dear world", true, 1]);
}
{ // The same connection is told of its own edit and of the others', in any mix.
  const { e, hear } = start("hello world");
  e.edit(insert("A", 0, 11));
  e.edit(insert("B", 1, 11));
  hear("change", { rev: 4, op: insert("Z", 0, 11), own: false });
  check("past both", [e.text, e.cursors.get("o").from], ["ABZhello world", 8]);
  hear("change", { rev: 5, own: true });
  hear("change", { rev: 5, own: true }); // again, after a reconnect
  check("confirmed", [e.base, e.text], ["AZhello world", "ABZhello world"]);
}
{ // A refused edit is taken back, and the document is opened again.
  let why;
  const { e, emitted } = start("hello world", (err) => { why = err.code; });
  e.edit(insert("x", 0, 11));
  e.edit(insert("y", 0, 12));
  emitted.find((x) => x.ev === "edit").answer({ ok: false, err: { code: "overloaded" } });
  check("refused", [e.text, e.settled, why, emitted.at(-1).ev, e.open], ["hello world", true, "overloaded", "open", false]);
}
{ // An edit in too many places is sent as one replacement.
  const { e, hear, edits } = start("-".repeat(1000));
  hear("disconnect");
  for (let i = 0; i < 600; i++) e.edit(insert("+", i * 2 + 1, 1000 - i - 1));
  hear("connect");
  hear("document", { epoch: "one", rev: 3, seq: 0, text: null, missed: [], cursors: [] });
  check("coarse", [edits().length, edits()[0].op.length, edits()[0].op.map((p) => Object.keys(p)[0])], [1, 4, ["keep", "insert", "remove", "keep"]]);
}
say("end");
