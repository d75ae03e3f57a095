// Numbers as people read them.

const THIN = "\u202f";

/** A duration given in µs. */
export function micros(us: number): string {
  if (!Number.isFinite(us)) return "–";
  if (us === 0) return "0";
  if (us < 1) return `<1${THIN}µs`;
  if (us < 1000) return `${us < 10 ? us.toFixed(1) : Math.round(us)}${THIN}µs`;
  return millis(us / 1000);
}

/** A duration given in ms. */
export function millis(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1) return micros(ms * 1000);
  if (ms < 10) return `${ms.toFixed(2)}${THIN}ms`;
  if (ms < 100) return `${ms.toFixed(1)}${THIN}ms`;
  if (ms < 1000) return `${Math.round(ms)}${THIN}ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)}${THIN}s`;
}

export function percent(x: number): string {
  if (!Number.isFinite(x)) return "–";
  const p = 100 * x;
  if (p === 100 || p === 0) return `${p}${THIN}%`;
  if (p >= 1000) return `${Math.round(x)}×`;
  if (p > 100) return `${Math.round(p)}${THIN}%`;
  if (p > 99) return `${(Math.floor(p * 1000) / 1000).toFixed(p > 99.9 ? 3 : 2)}${THIN}%`;
  if (p >= 10) return `${p.toFixed(0)}${THIN}%`;
  return `${p.toFixed(1)}${THIN}%`;
}

export function count(n: number): string {
  if (n < 10_000) return String(Math.round(n));
  if (n < 1e6) return `${(n / 1000).toFixed(n < 1e5 ? 1 : 0)}${THIN}k`;
  return `${(n / 1e6).toFixed(1)}${THIN}M`;
}

export function bytes(n: number): string {
  if (n < 1024) return `${Math.round(n)}${THIN}B`;
  if (n < 1 << 20) return `${(n / 1024).toFixed(n < 10_240 ? 1 : 0)}${THIN}KiB`;
  if (n < 2 ** 30) return `${(n / 2 ** 20).toFixed(n < 10 * 2 ** 20 ? 1 : 0)}${THIN}MiB`;
  return `${(n / 2 ** 30).toFixed(1)}${THIN}GiB`;
}

export function ago(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s}${THIN}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${THIN}min`;
  if (s < 86_400) return `${Math.floor(s / 3600)}${THIN}h ${Math.floor((s % 3600) / 60)}${THIN}min`;
  return `${Math.floor(s / 86_400)}${THIN}d ${Math.floor((s % 86_400) / 3600)}${THIN}h`;
}

/** The time of day, to tenths of a second. */
export function clock(unixMs: number): string {
  const d = new Date(unixMs);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${Math.floor(d.getMilliseconds() / 100)}`;
}
