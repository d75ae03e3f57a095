// The parts of the page that are text: tiles, blame lines, tables, bars.

import { type Model, quantile } from "./model";
import { CAUSE_COLOURS, LEVEL_COLOURS } from "./palette";
import { ago, bytes, clock, count, micros, millis, percent } from "./format";
import { write } from "./histograms";
import { workerColour } from "./charts";
import { type BlameLine, HIST_BUCKETS, HIST_DURATION, HIST_LATENESS, type CauseTotals, type Hello, isStuck, levelOf, type Trace } from "./wire";

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const e = document.getElementById(id);
  if (e === null) throw new Error(`no #${id}`);
  return e as T;
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, text = "", cls = ""): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  if (text !== "") e.textContent = text;
  if (cls !== "") e.className = cls;
  return e;
}

type Tone = "" | "good" | "warn" | "bad";

/** The numbers at the top. */
export class Tiles {
  private readonly tiles = new Map<string, { value: HTMLElement; note: HTMLElement; box: HTMLElement }>();
  private readonly counts = new Float64Array(HIST_BUCKETS);

  constructor(list: HTMLElement, private readonly model: Model) {
    for (const name of ["On time", "Ticks", "Late p99", "Tick p99", "Matches", "Players", "Worker", "GC pause", "Goroutines", "Heap"]) {
      const box = make("div");
      const value = make("dd", "–");
      const note = make("dd", "\u00a0", "note");
      box.append(make("dt", name), value, note);
      box.dataset["tile"] = name.toLowerCase().replace(" ", "-");
      list.append(box);
      this.tiles.set(name, { value, note, box });
    }
  }

  private set(name: string, value: string, note: string, tone: Tone = ""): void {
    const t = this.tiles.get(name)!;
    write(t.value, value);
    write(t.note, note);
    t.box.dataset["tone"] = tone;
  }

  draw(): void {
    const m = this.model;
    const f = m.frame;
    if (f === null) return;
    const minute = m.growth(60_000);
    const ten = m.growth(10_000);
    const ratio = minute.expected > 0 ? minute.onTime / minute.expected : Number.NaN;
    const missed = minute.expected - minute.onTime;
    this.set("On time", percent(ratio), missed > 0 ? `${count(missed)} missed` : "last 60 s", ratio < 0.99 ? "bad" : ratio < 0.999 ? "warn" : Number.isNaN(ratio) ? "" : "good");
    this.set("Ticks", ten.ms > 0 ? count((1000 * ten.ticks) / ten.ms) : "–", ten.skipped > 0 ? `${count(ten.skipped)} skipped` : "a second");
    const late = quantile(m.window(HIST_LATENESS, 10_000, this.counts), 0.99);
    const lateMax = quantile(this.counts, 1);
    this.set("Late p99", micros(late), `latest ${micros(lateMax)}`, late > 5000 ? "bad" : late > 1000 ? "warn" : "");
    const took = quantile(m.window(HIST_DURATION, 10_000, this.counts), 0.99);
    this.set("Tick p99", micros(took), `longest ${micros(quantile(this.counts, 1))}`);
    const stuck = f.sum.stuck;
    this.set("Matches", count(f.sum.entries), stuck > 0 ? `${stuck} stuck` : f.hidden ? `${f.hidden} not shown` : f.sum.refused > 0 ? `${count(f.sum.refused)} refused` : "running", stuck > 0 ? "bad" : "");
    this.set("Players", count(f.house.players), f.house.waiting > 0 ? `${f.house.waiting} in queue` : `${count(f.house.conns)} connections`);
    const busiest = f.workers.reduce((best, w, i) => (w.busy > (f.workers[best]?.busy ?? 0) ? i : best), 0);
    const busy = f.workers[busiest]?.busy ?? 0;
    this.set("Worker", percent(busy), `busiest of ${f.workers.length}: w${busiest}`, busy > 0.85 ? "bad" : busy > 0.7 ? "warn" : "");
    const pause = Math.max(0, ...m.moments.map((x) => x.frame.process.pause));
    const first = m.moments[0]?.frame.process.pauses ?? 0;
    this.set("GC pause", pause > 0 ? micros(pause) : "none", `worst of ${count(f.process.pauses - first)}`, pause > 3000 ? "bad" : pause > 1000 ? "warn" : "");
    this.set("Goroutines", count(f.process.goroutines), `wait p99 ${micros(f.process.latency)}`);
    const before = m.moments.at(-Math.min(m.moments.length, 9));
    const span = before === undefined ? 0 : f.at - before.at;
    this.set("Heap", bytes(f.process.heap), span > 0 ? `${bytes((1000 * (f.process.allocs - (before?.frame.process.allocs ?? 0))) / span)}/s new` : "\u00a0");
  }
}

/** Blame lines: the worst of the last minute, and all of them, newest first. */
export class Blames {
  private newest = 0;
  private pinned = "";
  private readonly shown: HTMLElement[] = [];

  constructor(private readonly list: HTMLElement, private readonly pins: HTMLElement, private readonly head: HTMLElement, private readonly model: Model,
    private readonly choose: (id: string) => void) {}

  clear(): void {
    this.newest = 0;
    this.pinned = "";
    this.shown.length = 0;
    this.list.replaceChildren();
    this.pins.replaceChildren();
  }

  private line(b: BlameLine): HTMLLIElement {
    const li = make("li");
    li.style.setProperty("--c", CAUSE_COLOURS[b.cause] ?? "");
    const who = make("button", `${b.game === "" ? "" : `${b.game} `}…${b.id.slice(-7)}`, "who");
    who.type = "button";
    who.title = `Show ${b.id}`;
    who.addEventListener("click", () => this.choose(b.id));
    const top = make("div");
    const time = make("time", clock(b.at));
    time.title = new Date(b.at).toString();
    top.append(time, who, make("span", `tick ${b.tick} · w${b.worker}`));
    li.append(top, make("p", b.line));
    return li;
  }

  draw(): void {
    const m = this.model;
    const f = m.frame;
    if (f === null) return;
    write(this.head, f.sum.blames === 0 ? "none since the start" : `${count(f.sum.blames)} since the start`);
    const worst = m.worst.slice(0, 2);
    const key = worst.map((b) => b.seq).join();
    if (key !== this.pinned) {
      this.pinned = key;
      this.pins.replaceChildren(...worst.map((b) => this.line(b)));
    }
    this.pins.parentElement!.hidden = worst.length === 0 || m.blames.length < 6;
    if (this.shown.length === 0 && m.blames.length === 0) {
      if (this.list.childElementCount === 0) this.list.append(make("li", f.sum.blames === 0 ? "No tick was late, or took half of its time." : "None lately.", "empty"));
      return;
    }
    const fresh = m.blames.filter((b) => b.seq > this.newest);
    if (fresh.length === 0) return;
    const first = this.newest === 0;
    if (first) this.list.replaceChildren();
    for (const b of fresh.slice(-100)) {
      const li = this.line(b);
      if (!first) li.className = "fresh";
      this.list.prepend(li);
      this.shown.unshift(li);
    }
    this.newest = fresh.at(-1)!.seq;
    for (const li of this.shown.splice(100)) li.remove();
  }
}

/** Bars that add up to all. */
export class Bars {
  private key = "";

  constructor(private readonly box: HTMLElement) {}

  draw(parts: { name: string; value: number; text: string; colour: string }[], empty: string): void {
    const key = parts.map((p) => p.text).join("|");
    if (key === this.key && this.box.childElementCount > 0) return;
    this.key = key;
    const sum = parts.reduce((n, p) => n + p.value, 0);
    if (sum === 0) {
      this.box.replaceChildren(make("p", empty, "empty"));
      return;
    }
    const bar = make("div", "", "bar");
    const words = make("div", "", "legend");
    for (const p of parts) {
      if (p.value === 0) continue;
      const i = make("i");
      i.style.flexGrow = String(p.value / sum);
      i.style.background = p.colour;
      i.title = `${p.name}: ${p.text}`;
      bar.append(i);
      const word = make("span", `${p.name} `);
      word.style.setProperty("--c", p.colour);
      word.append(make("b", p.text));
      words.append(word);
    }
    this.box.replaceChildren(bar, words);
  }
}

/** Where the time of late ticks went. */
export function causeParts(c: CauseTotals, names: string[]): { name: string; value: number; text: string; colour: string }[] {
  return names.map((name, i) => {
    // What a long tick ran itself is no cause of its lateness.
    const ms = (c.late[i] ?? 0) + (i === 0 ? 0 : (c.took[i] ?? 0));
    return { name, value: ms, text: millis(ms), colour: CAUSE_COLOURS[i] ?? "" };
  });
}

export function levelParts(m: Model, names: string[]): { name: string; value: number; text: string; colour: string }[] {
  const n = names.map(() => 0);
  let stuck = 0;
  m.slots.forEach((s, i) => {
    if (s === null) return;
    if (isStuck(m.levels[i] ?? 0)) stuck++;
    else n[levelOf(m.levels[i] ?? 0)]!++;
  });
  const parts = names.map((name, i) => ({ name, value: n[i] ?? 0, text: String(n[i] ?? 0), colour: LEVEL_COLOURS[i] ?? "" }));
  parts.push({ name: "stuck", value: stuck, text: String(stuck), colour: "#ff6464" });
  return parts;
}

/** A table whose rows are kept, so that nothing flickers and focus stays. */
class Rows {
  private readonly rows: HTMLTableRowElement[] = [];

  constructor(private readonly body: HTMLTableSectionElement, private readonly columns: number) {}

  size(n: number): HTMLTableRowElement[] {
    while (this.rows.length < n) {
      const tr = make("tr");
      for (let i = 0; i < this.columns; i++) tr.append(make("td"));
      this.rows.push(tr);
      this.body.append(tr);
    }
    for (const tr of this.rows.splice(n)) tr.remove();
    return this.rows;
  }
}

const bodyOf = (table: HTMLElement): HTMLTableSectionElement => table.querySelector("tbody")!;

/** The matches that do worst. */
export class Worst {
  private readonly rows: Rows;

  constructor(table: HTMLElement, private readonly model: Model, private readonly names: () => string[], choose: (slot: number) => void) {
    this.rows = new Rows(bodyOf(table), 8);
    bodyOf(table).addEventListener("click", (e) => {
      const slot = (e.target as HTMLElement).closest("tr")?.dataset["slot"];
      if (slot !== undefined) choose(Number(slot));
    });
  }

  draw(): void {
    const m = this.model;
    const live = m.rows.filter((r) => m.slots[r.slot] != null);
    this.rows.size(live.length).forEach((tr, i) => {
      const r = live[i]!;
      const s = m.slots[r.slot]!;
      tr.dataset["slot"] = String(r.slot);
      tr.classList.toggle("chosen", m.selected?.slot === r.slot);
      const period = 1e6 / (s.hz ?? 60);
      const cell = (k: number, text: string, tone: Tone = "") => {
        const td = tr.cells[k]!;
        write(td, text);
        td.className = `${k >= 2 && k <= 6 ? "n" : ""} ${tone}`;
      };
      if (tr.cells[0]!.firstElementChild === null) tr.cells[0]!.append(make("button"));
      const button = tr.cells[0]!.firstElementChild as HTMLElement;
      write(button, `…${s.id.slice(-7)}`);
      button.title = s.id;
      const tone = (us: number): Tone => (us > period ? "bad" : us > period / 2 ? "warn" : "");
      cell(1, `${s.game ?? ""} ${s.hz ?? ""} Hz · w${s.worker}`);
      cell(2, micros(r.took), tone(r.took));
      cell(3, micros(r.worst), tone(r.worst));
      cell(4, micros(r.late), tone(r.late));
      cell(5, percent(r.use), r.use > 1 ? "bad" : r.use > 0.7 ? "warn" : "");
      cell(6, percent(r.ratio), r.ratio < 0.99 ? "bad" : r.ratio < 0.999 ? "warn" : "");
      cell(7, r.stuck ? "stuck" : (this.names()[r.level] ?? ""), r.stuck ? "bad" : r.level > 2 ? "warn" : "");
    });
  }
}

/** How busy each worker is, and with how many matches. */
export class WorkerList {
  private readonly rows: { fill: HTMLElement; busy: HTMLElement; load: HTMLElement }[] = [];

  constructor(private readonly box: HTMLElement, private readonly model: Model) {}

  draw(): void {
    const workers = this.model.frame?.workers ?? [];
    if (this.rows.length !== workers.length) {
      this.rows.length = 0;
      this.box.replaceChildren();
      workers.forEach((_, i) => {
        const name = make("b", `w${i}`);
        name.style.color = workerColour(i);
        const bar = make("div");
        const fill = make("i");
        fill.style.background = workerColour(i);
        bar.append(fill);
        const row = { fill, busy: make("span", "", "n"), load: make("span", "", "n dim") };
        this.box.append(name, bar, row.busy, row.load);
        this.rows.push(row);
      });
    }
    this.rows.forEach((r, i) => {
      const w = workers[i]!;
      r.fill.style.width = `${100 * Math.min(1, w.busy)}%`;
      write(r.busy, percent(w.busy));
      write(r.load, `${w.entries} match${w.entries === 1 ? "" : "es"}`);
    });
  }
}

/** Who sits in the selected match. */
export class Seats {
  private readonly rows: Rows;

  constructor(table: HTMLElement, private readonly model: Model, private readonly can: () => boolean, kick: (seat: number, name: string) => void) {
    this.rows = new Rows(bodyOf(table), 4);
    bodyOf(table).addEventListener("click", (e) => {
      const b = (e.target as HTMLElement).closest("button");
      if (b !== null) kick(Number(b.dataset["seat"]), b.dataset["name"] ?? "");
    });
  }

  draw(): void {
    const seats = this.model.selected?.seats ?? [];
    this.rows.size(seats.length).forEach((tr, i) => {
      const s = seats[i]!;
      tr.className = s.state === "connected" ? "" : "dim";
      write(tr.cells[0]!, String(s.seat + 1));
      write(tr.cells[1]!, s.name);
      write(tr.cells[2]!, s.state.replace("_", " "));
      const here = s.state !== "left" && s.state !== "no_show";
      const td = tr.cells[3]!;
      td.className = "n";
      if (td.firstElementChild === null) td.append(make("button", "Kick", "small"));
      const b = td.firstElementChild as HTMLButtonElement;
      b.type = "button";
      b.hidden = !here || !this.can();
      b.dataset["seat"] = String(s.seat);
      b.dataset["name"] = s.name;
      b.setAttribute("aria-label", `Kick ${s.name}`);
    });
  }
}

/** Saves of the flight recorder, newest first. */
export function drawTraces(table: HTMLElement, list: Trace[], can: boolean, get: (file: string) => void): void {
  const body = bodyOf(table);
  body.replaceChildren();
  if (list.length === 0) {
    const tr = make("tr");
    tr.append(make("td", can ? "None yet. One is saved when a tick is late by more than its own time." : "The flight recorder is off: --trace-dir switches it on.", "empty"));
    body.append(tr);
    return;
  }
  for (const t of list) {
    const tr = make("tr");
    const last = make("td", "", "n");
    for (const [file, text] of [[t.file, "Trace"], [t.head, "Notes"]] as const) {
      if (file === "") continue;
      const b = make("button", text, "small");
      b.type = "button";
      b.title = file;
      b.addEventListener("click", () => get(file));
      last.append(b, " ");
    }
    const why = make("td", "", "wide mono");
    why.append(t.line === "" ? t.why : t.line);
    tr.append(make("td", new Date(t.at).toLocaleString("sv-SE")), make("td", `…${t.entry.slice(-7)}`), why, make("td", t.bytes > 0 ? bytes(t.bytes) : "–", "n"), last);
    body.append(tr);
  }
}

export function about(h: Hello, now: number): string {
  return `${h.version} · pid ${h.pid} · up ${ago(now - h.started)} · ${h.timer}`;
}
