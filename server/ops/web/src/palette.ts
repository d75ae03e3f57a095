// The colours of the figures. Text beside them says the same.

export const PHASE_COLOURS = ["#56b4e9", "#f0a832", "#d58bd0", "#2fb8a6", "#8fce5a", "#a99bf0", "#f07a6a", "#93a4b0"];
export const OTHER_COLOUR = "#566472";
export const LEVEL_COLOURS = ["#2c3a45", "#3d7ea6", "#5aa2c9", "#d9b44a", "#e98a3c", "#e05c5c", "#d64bb4"];
export const CAUSE_COLOURS = ["#f0a832", "#5fd38d", "#56b4e9", "#a99bf0", "#f07a6a", "#d58bd0", "#4cc9c0", "#71808d"];

export const INK = "#dfe7ef";
export const DIM = "#93a1b0";
export const GRID = "#212a34";
export const PANEL = "#12171e";
export const GOOD = "#5fd38d";
export const WARN = "#f2b84b";
export const BAD = "#ff6464";
export const ACCENT = "#4cc9c0";

type Stop = [share: number, rgb: [number, number, number]];

// From nothing over half of a tick's time, where the governor begins to act, to
// all of it.
const STOPS: Stop[] = [
  [0.001, [22, 32, 42]],
  [0.01, [24, 58, 74]],
  [0.05, [27, 97, 112]],
  [0.2, [38, 152, 138]],
  [0.4, [122, 190, 92]],
  [0.6, [240, 196, 70]],
  [0.85, [240, 136, 52]],
  [1.0, [232, 66, 58]],
  [2.5, [255, 92, 160]],
  [8, [255, 214, 240]],
];

/** The colour of a share of a tick's time. */
export function heatColour(share: number): [number, number, number] {
  const first = STOPS[0]!;
  if (share <= first[0]) return first[1];
  for (let i = 1; i < STOPS.length; i++) {
    const [hi, b] = STOPS[i]!;
    const [lo, a] = STOPS[i - 1]!;
    if (share <= hi) {
      const t = Math.log(share / lo) / Math.log(hi / lo);
      return [0, 1, 2].map((k) => Math.round(a[k]! + (b[k]! - a[k]!) * t)) as [number, number, number];
    }
  }
  return STOPS.at(-1)![1];
}

export const css = ([r, g, b]: [number, number, number]): string => `rgb(${r} ${g} ${b})`;
