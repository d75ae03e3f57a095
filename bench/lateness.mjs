// The same toy as bench/timing, on Node's timers: rooms of eight bots, one timer a
// room. Prints {late: [[ns, ticks]…], expected, onTime, cpu}.
//
// "interval" is setInterval with a fixed step behind it, as Colyseus does it; the
// timer counts whole milliseconds. "timeout" sets the next timer to the instant it
// is due.
const [mode, rooms, hz, seconds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const period = 1000 / hz;
const warmup = 1000;
const side = 1000;

const start = performance.now() + 10;
const from = start + warmup;
const until = from + seconds * 1000;
const late = new Map(); // µs, ticks
let expected = 0;
let onTime = 0;
let cpu = process.cpuUsage();

function makeRoom(i) {
  const bodies = [];
  for (let j = 0; j < 8; j++) {
    bodies.push({ x: (i * 37 + j * 101) % side, y: (i * 53 + j * 211) % side, vx: 3, vy: 2 });
  }
  return { bodies, tick: 0, at: start + (period * i) / rooms, n: 1 };
}

function step(room) {
  room.tick++;
  for (let j = 0; j < room.bodies.length; j++) {
    const b = room.bodies[j];
    const want = Math.floor(room.tick / hz) + j;
    b.vx += want & 1 ? -0.1 : 0.1;
    b.vy += want & 2 ? -0.1 : 0.1;
    b.x += b.vx;
    b.y += b.vy;
    if (b.x < 0 || b.x > side) {
      b.x = b.x < 0 ? -b.x : 2 * side - b.x;
      b.vx /= -2;
    }
    if (b.y < 0 || b.y > side) {
      b.y = b.y < 0 ? -b.y : 2 * side - b.y;
      b.vy /= -2;
    }
  }
}

function record(us, n = 1) {
  late.set(us, (late.get(us) ?? 0) + n);
}

// due runs what is due of a room, at most five ticks at a time.
function due(room) {
  for (let ran = 0; ran < 5; ran++) {
    const at = room.at + room.n * period;
    const now = performance.now();
    if (now < at || at >= until) return;
    room.n++;
    step(room);
    if (at < from) continue;
    expected++;
    record(Math.max(0, Math.round((now - at) * 1000)));
    if (performance.now() < at + period) onTime++;
  }
}

const timers = [];
for (let i = 0; i < rooms; i++) {
  const room = makeRoom(i);
  if (mode === "interval") {
    timers.push(setTimeout(() => timers.push(setInterval(() => due(room), period)), room.at - performance.now()));
  } else {
    const next = () => {
      due(room);
      const at = room.at + room.n * period;
      if (at < until) setTimeout(next, Math.max(0, at - performance.now()));
    };
    next();
  }
}
setTimeout(() => (cpu = process.cpuUsage()), from - performance.now());
setTimeout(() => {
  const used = process.cpuUsage(cpu);
  const list = [...late].sort((a, b) => a[0] - b[0]).map(([us, n]) => [us * 1000, n]);
  process.stdout.write(JSON.stringify({ late: list, expected, onTime, cpu: (used.user + used.system) / 1e6 }) + "\n", () => process.exit(0));
}, until + 50 - performance.now());
