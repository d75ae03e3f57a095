// The page around the canvas: lobby, queue, HUD, result. It is told what to
// show and hands back what was clicked. Names come from strangers, so text is
// only ever set as text.

import type { Link } from "./net";
import type { QueueState, ResultRow } from "./wire";

const FEED_MAX = 5;
const FEED_MS = 5000;
const SMALL_ROWS = 5;

export type Screen = "lobby" | "game" | "result";

export interface Row {
  id: number;
  name: string;
  bot: boolean;
  color: string;
  kills: number;
  deaths: number;
  alive: boolean;
}

export interface Stats {
  pingMs: number;
  lateMs: number;
  snapshots: number;
  delayMs: number;
  fps: number;
}

function el<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** Sets text only when it is new: layout is not free. */
function text(e: HTMLElement, s: string): void {
  if (e.textContent !== s) e.textContent = s;
}

function grade(e: HTMLElement, value: number, warn: number, bad: number): void {
  const want = value >= bad ? "bad" : value >= warn ? "warn" : "good";
  if (e.className !== want) e.className = want;
}

export class UI {
  readonly canvas = el<HTMLCanvasElement>("game");
  readonly minimap = el<HTMLCanvasElement>("minimap");
  readonly stickLeft = el("stick-l");
  readonly stickRight = el("stick-r");
  onPlay: ((name: string) => void) | null = null;
  onCancel: (() => void) | null = null;
  onLeave: (() => void) | null = null;
  onAgain: (() => void) | null = null;
  onLobby: (() => void) | null = null;

  private readonly name = el<HTMLInputElement>("name");
  private readonly form = el<HTMLFormElement>("form");
  private readonly play = el<HTMLButtonElement>("play");
  private readonly queueBox = el("queue");
  private readonly queueText = el("queue-text");
  private readonly queueSub = el("queue-sub");
  private readonly error = el("error");
  private readonly status = el("status");
  private readonly board = el("scoreboard");
  private readonly boardBody = this.board.querySelector("tbody") as HTMLElement;
  private readonly timer = el("timer");
  private readonly phase = el("phase");
  private readonly feed = el("feed");
  private readonly health = el("health");
  private readonly healthFill = this.health.firstElementChild as HTMLElement;
  private readonly healthText = this.health.lastElementChild as HTMLElement;
  private readonly big = el("big");
  private readonly small = el("small");
  private readonly hurt = el("hurt");
  private readonly resultBody = el("result").querySelector("tbody") as HTMLElement;
  private readonly stat = {
    ping: el("s-ping"),
    late: el("s-late"),
    rate: el("s-rate"),
    delay: el("s-delay"),
    fps: el("s-fps"),
  };
  private boardKey = "";
  private fillAt = 0;
  private queue: QueueState | null = null;

  constructor(name: string) {
    this.name.value = name;
    this.form.addEventListener("submit", (e) => {
      e.preventDefault();
      this.name.blur();
      this.onPlay?.(this.name.value.trim());
    });
    el("cancel").addEventListener("click", () => this.onCancel?.());
    el("leave").addEventListener("click", () => this.onLeave?.());
    el("again").addEventListener("click", () => this.onAgain?.());
    el("back").addEventListener("click", () => this.onLobby?.());
    this.board.addEventListener("click", () => this.wide(!this.board.classList.contains("wide")));
    if (matchMedia("(pointer: coarse)").matches) this.touch();
  }

  /** Shows what fingers need. */
  touch(): void {
    document.body.classList.add("touch");
  }

  screen(s: Screen): void {
    document.body.dataset["screen"] = s;
    if (s !== "game") this.wide(false);
  }

  link(state: Link, lobby: boolean): void {
    this.status.dataset["link"] = state;
    const words: Record<Link, string> = {
      connecting: "Connecting…",
      online: lobby ? "Connected" : "Connected, waiting for the lobby…",
      reconnecting: "Reconnecting…",
      offline: "Not connected",
    };
    text(this.status, words[state]);
  }

  fail(message: string): void {
    this.error.hidden = message === "";
    text(this.error, message);
  }

  /** Lobby form or queue. */
  queueing(on: boolean): void {
    this.form.hidden = on;
    this.queueBox.hidden = !on;
    this.queue = null;
    if (!on) return;
    text(this.queueText, "Looking for players…");
    text(this.queueSub, "");
  }

  busy(on: boolean): void {
    this.play.disabled = on;
  }

  queueState(q: QueueState, now: number): void {
    this.queue = q;
    this.fillAt = q.fillMs > 0 ? now + q.fillMs : 0;
    this.tickQueue(now);
  }

  /** Keeps the countdown going between two states of the queue. */
  tickQueue(now: number): void {
    const q = this.queue;
    if (q === null || this.queueBox.hidden) return;
    if (q.state === "offered") {
      text(this.queueText, "Match found!");
      text(this.queueSub, "Taking your seat…");
      return;
    }
    const others = Math.max(0, q.players - 1);
    text(this.queueText, others === 0 ? "Looking for players…" : `${q.players} players found`);
    const left = Math.ceil((this.fillAt - now) / 1000);
    const wait = this.fillAt === 0 ? "" : left > 0 ? `Bots fill the free seats in ${left} s` : "Filling the free seats with bots…";
    text(this.queueSub, wait);
  }

  seating(): void {
    this.queueing(true);
    text(this.queueText, "Match found!");
    text(this.queueSub, "Taking your seat…");
  }

  wide(on: boolean): void {
    this.board.classList.toggle("wide", on);
    this.boardKey = "";
  }

  /** Rows come best first; the small board shows the top and the own row. */
  scoreboard(rows: readonly Row[], you: number): void {
    const wide = this.board.classList.contains("wide");
    let key = wide ? "w" : "s";
    for (const r of rows) key += `|${r.id},${r.kills},${r.deaths},${r.alive ? 1 : 0},${r.name}`;
    if (key === this.boardKey) return;
    this.boardKey = key;
    const shown: HTMLElement[] = [];
    rows.forEach((r, i) => {
      if (!wide && r.id !== you && shown.length >= SMALL_ROWS) return;
      if (!wide && r.id !== you && i >= SMALL_ROWS) return;
      const tr = row([`${i + 1}`, nameCell(r.name, r.bot, r.color), `${r.kills}`, `${r.deaths}`]);
      if (r.id === you) tr.classList.add("me");
      if (!r.alive) tr.classList.add("dead");
      shown.push(tr);
    });
    this.boardBody.replaceChildren(...shown);
  }

  clock(seconds: number, phase: string): void {
    const s = Math.max(0, Math.ceil(seconds));
    const known = Number.isFinite(seconds);
    text(this.timer, known ? `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}` : "–:––");
    this.timer.classList.toggle("soon", known && s <= 10 && phase === "");
    text(this.phase, phase);
  }

  vitals(hp: number, max: number): void {
    const k = max > 0 ? Math.max(0, Math.min(1, hp / max)) : 0;
    this.healthFill.style.transform = `scaleX(${k.toFixed(3)})`;
    this.health.classList.toggle("low", k <= 0.3);
    text(this.healthText, `${Math.ceil(Math.max(0, hp))}`);
  }

  centre(big: string, small: string): void {
    text(this.big, big);
    text(this.small, small);
  }

  /** Red edges; 0 to 1. */
  pain(k: number): void {
    const v = k < 0.01 ? "0" : k.toFixed(2);
    if (this.hurt.style.opacity !== v) this.hurt.style.opacity = v;
  }

  stats(s: Stats): void {
    text(this.stat.ping, Number.isFinite(s.pingMs) ? `${Math.round(s.pingMs)} ms` : "–");
    grade(this.stat.ping, s.pingMs, 90, 180);
    text(this.stat.late, s.lateMs < 1 ? `on time` : `${s.lateMs.toFixed(0)} ms late`);
    grade(this.stat.late, s.lateMs, 3, 10);
    text(this.stat.rate, `${Math.round(s.snapshots)}/s`);
    text(this.stat.delay, `${Math.round(s.delayMs)} ms`);
    text(this.stat.fps, `${Math.round(s.fps)}`);
    grade(this.stat.fps, 60 - s.fps, 10, 30);
  }

  kill(by: string, byColor: string, to: string, toColor: string, mine: boolean): void {
    const li = document.createElement("li");
    li.append(colored(by, byColor), word("▸"), colored(to, toColor));
    if (mine) li.classList.add("mine");
    this.feed.prepend(li);
    while (this.feed.childElementCount > FEED_MAX) this.feed.lastElementChild?.remove();
    setTimeout(() => li.classList.add("old"), FEED_MS);
    setTimeout(() => li.remove(), FEED_MS + 600);
  }

  clearMatch(): void {
    this.feed.replaceChildren();
    this.boardBody.replaceChildren();
    this.boardKey = "";
    this.centre("", "");
    this.pain(0);
  }

  result(rows: readonly ResultRow[], you: number, winner: number, early: string, color: (id: number) => string): void {
    const place = rows.findIndex((r) => r.id === you) + 1;
    const best = rows.find((r) => r.id === winner);
    text(el("verdict"), place === 0 ? "Round over" : winner === you ? "Victory!" : `${ordinal(place)} place`);
    text(el("verdict-sub"), early !== "" ? early : best === undefined ? "Nobody wins this one." : winner === you ? "The arena is yours." : `${best.name} wins the round.`);
    this.resultBody.replaceChildren(
      ...rows.map((r, i) => {
        const tr = row([`${i + 1}`, nameCell(r.name, r.bot, color(r.id)), `${r.kills}`, `${r.deaths}`, `${r.score}`]);
        if (r.id === you) tr.classList.add("me");
        return tr;
      }),
    );
    this.resultBody.querySelector(".me")?.scrollIntoView({ block: "nearest" });
  }
}

function row(cells: (string | Node)[]): HTMLTableRowElement {
  const tr = document.createElement("tr");
  for (const c of cells) tr.insertCell().append(c);
  return tr;
}

function nameCell(name: string, bot: boolean, color: string): Node {
  const f = document.createDocumentFragment();
  const chip = document.createElement("i");
  chip.className = "chip";
  chip.style.background = color;
  f.append(chip, name);
  if (bot) {
    const b = document.createElement("span");
    b.className = "bot";
    b.textContent = "BOT";
    f.append(b);
  }
  return f;
}

function colored(s: string, color: string): HTMLElement {
  const b = document.createElement("b");
  b.style.color = color;
  b.textContent = s;
  return b;
}

function word(s: string): HTMLElement {
  const e = document.createElement("span");
  e.textContent = s;
  return e;
}

function ordinal(n: number): string {
  const tens = n % 100;
  if (tens >= 11 && tens <= 13) return `${n}th`;
  return `${n}${["th", "st", "nd", "rd"][n % 10] ?? "th"}`;
}
