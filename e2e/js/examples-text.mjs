// Four people type into one document at once, with random pauses, in random
// places, and lose their connections again and again. When all are done, every
// copy must be the same, and no word that was typed may be missing or doubled.
// Options: {url, seed, words}. Says one JSON object a line.
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";
import { Editor } from "../../examples/text/editor.mjs";

const o = JSON.parse(process.argv[2]);
const say = (ev, data = {}) => process.stdout.write(JSON.stringify({ ev, ...data }) + "\n");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function random(seed) { // mulberry32
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

let drops = 0, refused = 0;
async function type(n) {
  const next = random(o.seed * 1000 + n), int = (k) => Math.floor(next() * k);
  const socket = io(o.url, {
    auth: { name: `Typist ${n}` }, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50,
    transports: n % 3 === 0 ? ["polling"] : ["websocket"], ...(n % 2 ? { parser: msgpack } : {}),
  });
  const e = new Editor(socket, { author: `author number ${n} of the test`, refused: () => refused++ });
  while (!e.open) await sleep(5);
  for (let i = 0; i < o.words; i++) {
    const chars = [...e.text], word = `«${n}:${i}é😀»`;
    // Between words, so that the whole words can be counted afterwards.
    const gaps = [0, ...chars.flatMap((c, at) => (c === "»" ? [at + 1] : []))];
    const at = gaps[int(gaps.length)];
    e.edit([...(at ? [{ keep: at }] : []), { insert: word }, ...(at < chars.length ? [{ keep: chars.length - at }] : [])]);
    if (int(4) === 0) e.select(at, at);
    if (int(8) === 0 && socket.connected) { drops++; socket.io.engine.close(); }
    if (int(12) === 0) { // what is not a word is anybody's to remove
      const c = [...e.text], from = c.findIndex((x) => x === "~");
      if (from >= 0) e.edit([...(from ? [{ keep: from }] : []), { remove: 1 }, ...(from + 1 < c.length ? [{ keep: c.length - from - 1 }] : [])]);
    }
    if (int(6) === 0) e.edit([{ insert: "~" }, ...([...e.text].length ? [{ keep: [...e.text].length }] : [])]);
    if (int(3) === 0) await sleep(int(30));
  }
  return { e, socket };
}

const all = await Promise.all([0, 1, 2, 3].map(type));
const settled = () => all.every(({ e }) => e.open && e.settled && e.rev === all[0].e.rev);
while (!settled()) await sleep(10);
const late = io(o.url, { auth: { name: "Late" }, transports: ["websocket"], forceNew: true });
const reader = new Editor(late, { author: "author who came late" });
while (!reader.open) await sleep(5);

const texts = [...all.map(({ e }) => e.text), reader.text];
const words = texts[0].match(/«[^»]*»/gu) ?? [];
say("texts", {
  same: new Set(texts).size === 1, bases: all.every(({ e }) => e.base === e.text),
  words: words.length, distinct: new Set(words).size, expected: 4 * o.words,
  rev: all[0].e.rev, drops, refused, length: texts[0].length, text: texts[0].slice(0, 300),
});
// Who typed offline for long finds the history gone or, after a restart of the
// server, another document; the edits come along.
for (const { socket } of all) socket.close();
late.close();
process.exit(0);
