import "./style.css";
import { Collector, Latency, Ticks, Workers } from "./charts";
import { ago, bytes, count, micros, millis } from "./format";
import { HeatMap } from "./heatmap";
import { Histogram, PhaseRidges, write } from "./histograms";
import { Model, verdict } from "./model";
import { ActionError, Net, type Link } from "./net";
import { ACCENT, heatColour, css, OTHER_COLOUR, PHASE_COLOURS, WARN } from "./palette";
import { about, Bars, Blames, byId, causeParts, drawTraces, levelParts, Seats, Tiles, WorkerList, Worst } from "./panels";
import { type Frame, HIST_DURATION, HIST_LATENESS, type Hello, type Tick, type Trace } from "./wire";

const BY_KEY = "ops.by";

const model = new Model();
let hello: Hello | null = null;
let frozen = false;
let heard = 0; // when the last frame came, on this machine's clock
let skew = 0; // the server's clock minus ours
let traces: Trace[] = [];

const can = (what: string): boolean => hello?.can.includes(what) ?? false;
const phases = (): string[] => hello?.phases ?? [];
const levels = (): string[] => hello?.levels ?? [];

// Drawing: once a frame of the screen at most, and only what is in view.
let asked = false;
function redraw(): void {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}

const tiles = new Tiles(byId("tiles"), model);
const heat = new HeatMap(byId<HTMLCanvasElement>("heat"), byId("tip"), model, redraw, (slot) => choose(model.slots[slot]?.id ?? ""));
const blames = new Blames(byId("blames"), byId("worst-blames"), byId("blame-count"), model, (id) => choose(id));
const causes = new Bars(byId("causes"));
const levelBars = new Bars(byId("levels"));
const worst = new Worst(byId("worst"), model, levels, (slot) => choose(model.slots[slot]?.id ?? ""));
const seats = new Seats(byId("seats"), model, () => can("kick"), (seat, name) => void kick(seat, name));
const late = new Histogram(byId<HTMLCanvasElement>("h-late"), byId("n-late"), model, HIST_LATENESS, WARN, { us: 1000, text: "late" }, redraw);
const took = new Histogram(byId<HTMLCanvasElement>("h-took"), byId("n-took"), model, HIST_DURATION, ACCENT, null, redraw);
const ridges = new PhaseRidges(byId<HTMLCanvasElement>("h-phases"), model, phases, redraw);
const latency = new Latency(byId("c-latency"), model);
const workers = new Workers(byId("c-workers"), model);
const workerList = new WorkerList(byId("worker-list"), model);
const collector = new Collector(byId("c-gc"), model);
let ticks: Ticks | null = null;

const inView = new Set<Element>();
const watcher = new IntersectionObserver((entries) => {
  for (const e of entries) {
    if (e.isIntersecting) inView.add(e.target);
    else inView.delete(e.target);
  }
  redraw();
});
const parts: [Element, () => void][] = [
  [byId("p-heat"), () => heat.draw()],
  [byId("h-late"), () => late.draw()],
  [byId("h-took"), () => took.draw()],
  [byId("h-phases"), () => ridges.draw()],
  [byId("c-latency"), () => latency.draw()],
  [byId("c-workers"), () => workers.draw()],
  [byId("c-gc"), () => collector.draw()],
  [byId("p-match"), drawMatch],
];
for (const [e] of parts) watcher.observe(e);

let spent = 0; // ms of script a frame, smoothed: for the tests and the curious

function draw(): void {
  const begin = performance.now();
  drawState();
  tiles.draw();
  blames.draw();
  worst.draw();
  const f = model.frame;
  if (f !== null && hello !== null) {
    causes.draw(causeParts(f.causes, hello.causes), "Nothing to account for.");
    levelBars.draw(levelParts(model, hello.levels), "No match is running.");
    const taken = model.slots.filter((s) => s !== null).length;
    write(byId("heat-count"), `${count(taken)}${f.hidden ? ` of ${count(taken + f.hidden)}` : ""} · last 60 s`);
    write(byId("more"), `Sent ${bytes(f.house.bytesOut)} · ${bytes(f.house.outbox)} wait for slow clients · ${count(f.sum.steals)} ticks stolen by idle workers · ${count(f.sum.stalls)} ever stuck · ${count(f.process.cycles)} GC cycles`);
    workerList.draw();
  }
  for (const [e, drawIt] of parts) if (inView.has(e)) drawIt();
  spent = 0.9 * spent + 0.1 * (performance.now() - begin);
}

function drawState(): void {
  const link = document.body.dataset["link"];
  const v = verdict(model);
  const p = byId("verdict");
  const tone = link === "live" ? v.tone : "calm";
  if (p.dataset["tone"] !== tone) p.dataset["tone"] = tone;
  write(p.querySelector("b")!, link === "live" ? v.word : (link ?? ""));
  write(p.querySelector("span")!, link === "live" ? v.why : "");
  if (hello !== null) write(byId("about"), about(hello, Date.now() + skew));
  document.title = link === "live" ? `${v.word} – ${hello?.host ?? ""} dashboard` : "Dashboard";
}

function drawMatch(): void {
  const s = model.selected;
  if (s === null) return;
  const slot = s.slot >= 0 ? model.slots[s.slot] : null;
  write(byId("match-name"), `${slot?.game ?? "match"} ${s.id}`);
  const dilated = s.hz > 0 && s.length > 1.02e6 / s.hz ? ` · time slowed, ${millis(s.length / 1000)} a tick` : "";
  write(byId("match-about"), s.gone ? "is over" : s.hz === 0 ? "…" : `${s.state} · ${s.hz} Hz · worker ${slot?.worker ?? "?"}${dilated}${s.causes !== null && s.causes.blames > 0 ? ` · ${count(s.causes.blames)} late or long ticks` : ""}`);
  byId("stop").hidden = s.gone || !can("stop");
  seats.draw();
  ticks?.draw();
  if (s.ticks.length === 0) write(byId("readout"), s.gone ? "The match is over; what came before is not kept." : "Waiting for its ticks…");
  else if (readTick === null) showTick(null);
}

let readTick: Tick | null = null;
function showTick(t: Tick | null): void {
  readTick = t;
  const s = model.selected;
  if (t === null) {
    const worstTick = s?.ticks.reduce((a, b) => (b.took > a.took ? b : a), s.ticks[0]!);
    write(byId("readout"), worstTick === undefined ? "" : `longest of ${count(s!.ticks.length)}: ${describe(worstTick)}`);
    return;
  }
  write(byId("readout"), describe(t));
}

function describe(t: Tick): string {
  const list = t.phases.map((us, p) => (us > 0 ? `${phases()[p] ?? p} ${micros(us)}` : "")).filter((x) => x !== "");
  const rest = t.took - t.phases.reduce((a, b) => a + b, 0);
  if (rest > 5) list.push(`other ${micros(rest)}`);
  return `tick ${t.n}  late ${micros(t.late)}  took ${micros(t.took)} = ${list.join(" + ")}${t.bytes > 0 ? `  ${bytes(t.bytes)} sent` : ""}${t.skipped > 0 ? `  ${t.skipped} skipped before` : ""}${t.level > 0 ? `  level ${levels()[t.level] ?? t.level}` : ""}`;
}

// What is chosen is in the address, so that it can be passed on.
function choose(id: string): void {
  if ((model.selected?.id ?? "") === id) return;
  const hash = id === "" ? " " : `#match=${encodeURIComponent(id)}`;
  history.replaceState(null, "", id === "" ? location.pathname : hash);
  model.select(id);
  net.select(id);
  const panel = byId("p-match");
  panel.hidden = id === "";
  readTick = null;
  if (id !== "") {
    ticks ??= new Ticks(byId("ticks"), byId("ticks-late"), model, showTick);
    span(60);
    if (panel.getBoundingClientRect().top > innerHeight - 160) panel.scrollIntoView({ behavior: "smooth", block: "nearest" });
  }
  redraw();
}

function span(seconds: number): void {
  ticks?.follow(seconds);
  for (const b of document.querySelectorAll<HTMLElement>("[data-span]")) b.setAttribute("aria-pressed", String(Number(b.dataset["span"]) === seconds));
}

const net = new Net({
  link(state: Link, why: string): void {
    document.body.dataset["link"] = state;
    if (state === "live") {
      byId("banner").hidden = true;
      const gate = byId<HTMLDialogElement>("gate");
      if (gate.open) gate.close();
    } else if (state !== "connecting") {
      banner(state === "refused" ? `Not connected: ${why}` : "Connection lost, trying again.");
    }
    redraw();
  },
  locked(why: string): void {
    document.body.dataset["link"] = "locked";
    write(byId("gate-error"), why === "" ? "" : `${why[0]?.toUpperCase() ?? ""}${why.slice(1)}.`);
    const gate = byId<HTMLDialogElement>("gate");
    if (!gate.open) gate.showModal();
    byId<HTMLInputElement>("token").select();
    redraw();
  },
  hello(h: Hello): void {
    hello = h;
    write(byId("host"), h.host);
    byId("save").hidden = !can("trace");
    legendPhases();
    drawTraces(byId("traces"), traces, can("trace"), (file) => void download(`../debug/traces/${encodeURIComponent(file)}`, file));
    redraw();
  },
  frame(f): void {
    if (!fed) take(f);
  },
  traces(list): void {
    traces = list;
    write(byId("trace-count"), list.length === 0 ? "" : count(list.length));
    drawTraces(byId("traces"), list, can("trace"), (file) => void download(`../debug/traces/${encodeURIComponent(file)}`, file));
  },
});

let fed = false; // tests bring their own frames

function take(f: Frame): void {
  heard = performance.now();
  skew = f.at - Date.now();
  if (f.b === 0) blames.clear();
  if (!model.apply(f)) {
    net.restart();
    return;
  }
  if (!frozen) redraw();
}

// Figures that have stopped must not look like news.
setInterval(() => {
  const old = performance.now() - heard;
  const stale = heard > 0 && old > 3000 && !document.hidden;
  document.body.classList.toggle("stale", stale);
  if (stale && document.body.dataset["link"] !== "refused") banner(`No figures for ${ago(old)}.`);
  else if (document.body.dataset["link"] === "live") byId("banner").hidden = true;
}, 1000);

function banner(text: string): void {
  const b = byId("banner");
  write(b, text);
  b.hidden = false;
}

// Actions.
function confirmed(title: string, text: string, yes: string): Promise<string | null> {
  const dialog = byId<HTMLDialogElement>("ask");
  write(byId("ask-title"), title);
  write(byId("ask-text"), text);
  write(dialog.querySelector<HTMLElement>("[data-testid=confirm]")!, yes);
  const by = byId<HTMLInputElement>("by");
  by.value = localStorage.getItem(BY_KEY) ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return done(null);
      localStorage.setItem(BY_KEY, by.value);
      done(by.value);
    }, { once: true });
  });
}

async function attempt(what: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
    toast(what);
  } catch (e) {
    toast(e instanceof ActionError ? `Refused: ${e.err.msg}` : String(e), true);
  }
}

async function kick(seat: number, name: string): Promise<void> {
  const id = model.selected?.id;
  if (id === undefined) return;
  const by = await confirmed(`Kick ${name}?`, "The player is taken out of this match and may queue again.", "Kick");
  if (by !== null) await attempt(`${name} was kicked.`, () => net.kick(id, seat, by));
}

async function stopMatch(): Promise<void> {
  const id = model.selected?.id;
  if (id === undefined) return;
  const by = await confirmed(`Stop match …${id.slice(-8)}?`, "It ends with the result as it stands; its players return to the lobby.", "Stop match");
  if (by !== null) await attempt("The match was stopped.", () => net.stop(id, by));
}

async function saveTrace(): Promise<void> {
  if (!can("trace")) return;
  const name = `${new Date().toISOString().replaceAll(/[:.]/g, "-")}.trace`;
  await download("../debug/trace", name, "POST");
}

async function download(path: string, name: string, method = "GET"): Promise<void> {
  try {
    const a = document.createElement("a");
    a.href = URL.createObjectURL(await net.download(path, method));
    a.download = name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
    toast(`${name} saved: go tool trace opens it.`);
  } catch (e) {
    toast(e instanceof Error ? e.message : String(e), true);
  }
}

function toast(text: string, bad = false): void {
  const p = document.createElement("p");
  p.textContent = text;
  p.classList.toggle("bad", bad);
  byId("toasts").append(p);
  setTimeout(() => p.remove(), 6000);
}

function freeze(): void {
  frozen = !frozen;
  byId("freeze").setAttribute("aria-pressed", String(frozen));
  write(byId("freeze"), frozen ? "Frozen" : "Freeze");
  redraw();
}

function measure(m: "took" | "late"): void {
  heat.measure = m;
  byId("m-took").setAttribute("aria-pressed", String(m === "took"));
  byId("m-late").setAttribute("aria-pressed", String(m === "late"));
  redraw();
}

// Legends.
function legendPhases(): void {
  const box = byId("phase-legend");
  box.replaceChildren();
  const add = (name: string, colour: string) => {
    const s = document.createElement("span");
    s.textContent = name;
    s.style.setProperty("--c", colour);
    box.append(s);
  };
  phases().forEach((name, p) => add(name, PHASE_COLOURS[p] ?? ""));
  add("other", OTHER_COLOUR);
}

{
  const box = byId("heat-legend");
  const bar = document.createElement("i");
  const stops: string[] = [];
  for (let i = 0; i <= 24; i++) stops.push(css(heatColour(0.001 * 4000 ** (i / 24))));
  bar.style.background = `linear-gradient(90deg, ${stops.join(",")})`;
  const scale = document.createElement("div");
  for (const [share, text] of [[0.001, "0.1 %"], [0.01, "1 %"], [0.1, "10 %"], [0.5, "½"], [1, "1×"], [4, "4×"]] as const) {
    const s = document.createElement("span");
    s.textContent = text;
    s.style.left = `${(100 * Math.log(share / 0.001)) / Math.log(4000)}%`;
    scale.append(s);
  }
  const bars = document.createElement("div");
  bars.className = "scale";
  bars.append(bar, scale);
  const text = document.createElement("p");
  text.textContent = "of a tick's time, worst of each ¼ s · the strip at the right is the governor's level";
  box.append(bars, text);
}

// Hands.
byId("freeze").addEventListener("click", freeze);
byId("save").addEventListener("click", () => void saveTrace());
byId("help").addEventListener("click", () => byId<HTMLDialogElement>("guide").showModal());
byId("m-took").addEventListener("click", () => measure("took"));
byId("m-late").addEventListener("click", () => measure("late"));
byId("stop").addEventListener("click", () => void stopMatch());
byId("close").addEventListener("click", () => choose(""));
byId<HTMLInputElement>("filter").addEventListener("input", (e) => {
  heat.filter = (e.target as HTMLInputElement).value;
  redraw();
});
for (const b of document.querySelectorAll<HTMLElement>("[data-span]")) b.addEventListener("click", () => span(Number(b.dataset["span"])));
for (const id of ["ticks", "ticks-late"]) byId(id).addEventListener("dblclick", () => span(60));
byId("gate-form").addEventListener("submit", (e) => {
  e.preventDefault();
  net.unlock(byId<HTMLInputElement>("token").value);
});
byId<HTMLDialogElement>("gate").addEventListener("cancel", (e) => e.preventDefault());

document.addEventListener("keydown", (e) => {
  const at = e.target as HTMLElement;
  if (document.querySelector("dialog[open]") !== null || e.ctrlKey || e.metaKey || e.altKey) return;
  if (at.tagName === "INPUT") {
    if (e.key === "Escape") at.blur();
    return;
  }
  const step = e.key === "ArrowDown" || e.key === "j" ? 1 : e.key === "ArrowUp" || e.key === "k" ? -1 : 0;
  if (step !== 0 && (at === document.body || at.closest("#p-heat") !== null)) {
    const slot = heat.neighbour(model.selected?.slot ?? -1, step);
    if (slot !== undefined) choose(model.slots[slot]?.id ?? "");
    e.preventDefault();
    return;
  }
  switch (e.key) {
    case "Escape": choose(""); break;
    case "/": byId("filter").focus(); e.preventDefault(); break;
    case "m": case "M": measure(heat.measure === "took" ? "late" : "took"); break;
    case "s": case "S": void saveTrace(); break;
    case "?": byId<HTMLDialogElement>("guide").showModal(); break;
    case " ":
      if (at.tagName === "BUTTON") return;
      freeze();
      e.preventDefault();
      break;
    default:
  }
});

const chosen = /^#match=(.+)$/.exec(location.hash)?.[1];
if (chosen !== undefined) choose(decodeURIComponent(chosen));

// What the tests look at.
Object.assign(window, {
  __ops: {
    get frames() { return model.frame?.n ?? 0; },
    get link() { return document.body.dataset["link"]; },
    get model() { return model; },
    get spent() { return spent; },
    get order() { return heat.order; },
    draw,
    feed(f: Frame) {
      fed = true;
      take(f);
    },
  },
});
