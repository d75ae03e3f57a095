// What @colyseus/schema makes of a scene that `bench bytes` recorded: for each
// snapshot and player the size of the patch that a Colyseus room would send.
// Every patch is decoded again, and what the client then sees is held against the
// checksum in the recording.
//
//   node schema.mjs recording
//
// The idiom is the one its documentation teaches: a map of schema instances with
// the smallest field types that hold the values, and a StateView for each player
// where players do not see everything.
import { readFileSync } from "node:fs";
import { Decoder, Encoder, StateView, schema, t } from "@colyseus/schema";

const file = readFileSync(process.argv[2]);
const end = file.indexOf(10);
const head = JSON.parse(file.subarray(0, end));
let at = end + 1;
const u32 = () => { at += 4; return file.readUInt32LE(at - 4); };
const i32 = () => { at += 4; return file.readInt32LE(at - 4); };
const u8 = () => file[at++];

const position = () => (head.wide ? t.int32() : t.int16());
const Entity = schema({ x: position(), y: position(), angle: t.uint8(), hp: t.uint8(), anim: t.uint8() }, "Entity");
const State = schema({ entities: head.views ? t.map(Entity).view() : t.map(Entity) }, "State");

const state = new State();
Encoder.BUFFER_SIZE = 1 << 22;
const encoder = new Encoder(state);
const entities = [];
const seats = Array.from({ length: head.views ? head.seats : 1 }, () => ({
  decoder: new Decoder(new State()), view: head.views ? new StateView() : undefined, seen: new Set(),
}));

// frame puts one moment of the scene into the state.
function frame() {
  for (let i = 0; i < head.entities; i++) {
    let e = entities[i];
    const fresh = !e;
    if (fresh) e = entities[i] = new Entity();
    const x = i32(), y = i32(), angle = u8(), hp = u8(), anim = u8();
    if (e.x !== x) e.x = x;
    if (e.y !== y) e.y = y;
    if (e.angle !== angle) e.angle = angle;
    if (e.hp !== hp) e.hp = hp;
    if (e.anim !== anim) e.anim = anim;
    if (fresh) state.entities.set(String(i + 1), e);
  }
}

// sight moves a player's view to who is visible now.
function sight(seat, visible) {
  const now = new Set(visible);
  for (const id of seat.seen) if (!now.has(id)) seat.view.remove(entities[id - 1]);
  for (const id of now) if (!seat.seen.has(id)) seat.view.add(entities[id - 1]);
  seat.seen = now;
}

// sum is the checksum of bench/tape over what a client decoded.
function sum(seat, visible) {
  const got = seat.decoder.state.entities;
  if (got.size !== visible.length) throw new Error(`a client sees ${got.size} entities, not ${visible.length}`);
  let h = 2166136261;
  for (const id of visible) {
    const e = got.get(String(id));
    for (const w of [id, e.x, e.y, e.angle, e.hp, e.anim]) h = Math.imul(h ^ w, 16777619);
  }
  return h >>> 0;
}

const all = Array.from({ length: head.entities }, (_, i) => i + 1);
const sizes = [];
for (let n = 0; n < head.frames; n++) {
  frame();
  const looks = Array.from({ length: head.seats }, () => {
    const count = u32();
    const visible = count === 0xffffffff ? all : Array.from({ length: count }, u32);
    return { visible, sum: u32() };
  });
  if (head.views) seats.forEach((s, i) => sight(s, looks[i].visible));
  const it = { offset: 0 };
  let shared;
  if (n === 0) shared = encoder.encodeAll(it); else shared = encoder.encode(it);
  const offset = it.offset;
  const row = [];
  seats.forEach((s, i) => {
    let patch = shared.slice(0, offset);
    if (s.view) {
      it.offset = offset;
      patch = (n === 0 ? encoder.encodeAllView(s.view, offset, it) : encoder.encodeView(s.view, offset, it)).slice();
    }
    if (patch.length > 0) s.decoder.decode(patch);
    const got = sum(s, looks[i].visible);
    if (got !== looks[i].sum) throw new Error(`snapshot ${n}, player ${i}: checksum ${got}, not ${looks[i].sum}`);
    row.push(patch.length);
  });
  encoder.discardChanges();
  if (n > 0) sizes.push(row);
}
process.stdout.write(JSON.stringify({ sizes, checked: head.frames * seats.length }));
