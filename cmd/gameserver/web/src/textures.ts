// Every picture of the game, drawn at start into one small atlas: white shapes
// that are tinted when used. Nothing is downloaded.

import { Rectangle, Texture, type TextureSource } from "pixi.js";

/** Pixels per ship radius in the atlas. */
export const SHIP_PX = 46;

export interface Atlas {
  ship: Texture;
  glow: Texture;
  ring: Texture;
  streak: Texture;
  dot: Texture;
  shield: Texture;
  white: Texture;
}

type Draw = (c: CanvasRenderingContext2D, w: number, h: number) => void;

const drawShip: Draw = (c) => {
  const r = SHIP_PX;
  c.scale(r, r);
  const hull = new Path2D();
  hull.moveTo(1.22, 0);
  hull.quadraticCurveTo(0.55, 0.3, 0.18, 0.46);
  hull.lineTo(-0.42, 1);
  hull.quadraticCurveTo(-0.86, 1.02, -0.84, 0.66);
  hull.lineTo(-0.6, 0.3);
  hull.lineTo(-0.72, 0.16);
  hull.lineTo(-0.72, -0.16);
  hull.lineTo(-0.6, -0.3);
  hull.lineTo(-0.84, -0.66);
  hull.quadraticCurveTo(-0.86, -1.02, -0.42, -1);
  hull.lineTo(0.18, -0.46);
  hull.quadraticCurveTo(0.55, -0.3, 1.22, 0);
  hull.closePath();
  const fill = c.createLinearGradient(-0.9, 0, 1.2, 0);
  fill.addColorStop(0, "#565656");
  fill.addColorStop(0.55, "#a8a8a8");
  fill.addColorStop(1, "#f4f4f4");
  c.fillStyle = fill;
  c.fill(hull);
  c.strokeStyle = "#fff";
  c.lineWidth = 0.1;
  c.lineJoin = "round";
  c.stroke(hull);
  c.strokeStyle = "rgb(255 255 255 / 45%)";
  c.lineWidth = 0.05;
  c.stroke(new Path2D("M-0.5 0.32 L0.2 0.16 M-0.5 -0.32 L0.2 -0.16"));
  c.fillStyle = "#161616";
  c.beginPath();
  c.ellipse(0.22, 0, 0.34, 0.15, 0, 0, Math.PI * 2);
  c.fill();
  c.fillStyle = "rgb(255 255 255 / 75%)";
  c.beginPath();
  c.ellipse(0.34, -0.03, 0.15, 0.05, 0, 0, Math.PI * 2);
  c.fill();
};

function radial(stops: [number, number][]): Draw {
  return (c, w) => {
    const g = c.createRadialGradient(0, 0, 0, 0, 0, w / 2);
    for (const [at, a] of stops) g.addColorStop(at, `rgb(255 255 255 / ${a})`);
    c.fillStyle = g;
    c.fillRect(-w / 2, -w / 2, w, w);
  };
}

const drawStreak: Draw = (c, w, h) => {
  const g = c.createLinearGradient(-w / 2, 0, w / 2, 0);
  g.addColorStop(0, "rgb(255 255 255 / 0)");
  g.addColorStop(0.7, "rgb(255 255 255 / 0.5)");
  g.addColorStop(1, "rgb(255 255 255 / 1)");
  c.fillStyle = g;
  c.beginPath();
  c.moveTo(-w / 2, 0);
  c.quadraticCurveTo(w / 4, -h / 2, w / 2 - h / 2, -h / 2 + 2);
  c.arc(w / 2 - h / 2, 0, h / 2 - 2, -Math.PI / 2, Math.PI / 2);
  c.quadraticCurveTo(w / 4, h / 2, -w / 2, 0);
  c.fill();
};

const LIGHTS: [x: number, y: number, color: string][] = [
  [0.18, 0.25, "47 123 255"],
  [0.82, 0.2, "154 61 255"],
  [0.5, 0.55, "23 183 201"],
  [0.2, 0.85, "209 64 143"],
  [0.85, 0.82, "47 181 138"],
];

/**
 * The ground of a field, coarse on purpose: large patches and some light, so
 * that places look different, as one opaque picture that is cheap to draw.
 */
export function drawGround(fieldW: number, fieldH: number): Texture {
  const k = 1 / 4;
  const canvas = document.createElement("canvas");
  const w = (canvas.width = Math.max(1, Math.ceil(fieldW * k)));
  const h = (canvas.height = Math.max(1, Math.ceil(fieldH * k)));
  const c = canvas.getContext("2d");
  if (c === null) throw new Error("this browser has no 2D canvas");
  c.fillStyle = "#0e1527";
  c.fillRect(0, 0, w, h);
  c.fillStyle = "#111a30";
  const tile = 400 * k;
  for (let x = 0; x * tile < w; x++) {
    for (let y = x % 2; y * tile < h; y += 2) c.fillRect(x * tile, y * tile, tile, tile);
  }
  c.globalCompositeOperation = "lighter";
  for (const [x, y, color] of LIGHTS) {
    const r = h * 0.5;
    const g = c.createRadialGradient(x * w, y * h, 0, x * w, y * h, r);
    g.addColorStop(0, `rgb(${color} / 0.17)`);
    g.addColorStop(0.5, `rgb(${color} / 0.07)`);
    g.addColorStop(1, `rgb(${color} / 0)`);
    c.fillStyle = g;
    c.fillRect(0, 0, w, h);
  }
  return Texture.from(canvas, true);
}

export function drawAtlas(): Atlas {
  const canvas = document.createElement("canvas");
  canvas.width = 512;
  canvas.height = 256;
  const c = canvas.getContext("2d");
  if (c === null) throw new Error("this browser has no 2D canvas");
  const frames: [Rectangle, Draw][] = [
    [new Rectangle(2, 2, 124, 124), drawShip],
    [new Rectangle(130, 2, 124, 124), radial([[0, 0.9], [0.25, 0.45], [0.6, 0.1], [1, 0]])],
    [new Rectangle(258, 2, 124, 124), radial([[0, 0], [0.72, 0], [0.88, 1], [1, 0]])],
    [new Rectangle(2, 130, 124, 28), drawStreak],
    [new Rectangle(130, 130, 28, 28), radial([[0, 1], [0.45, 1], [0.75, 0.35], [1, 0]])],
    [new Rectangle(386, 2, 124, 124), radial([[0, 0.02], [0.7, 0.14], [0.9, 0.85], [0.95, 0.3], [1, 0]])],
    [new Rectangle(170, 132, 24, 24), (ctx) => ctx.fillRect(-12, -12, 24, 24)],
  ];
  c.fillStyle = "#fff";
  for (const [r, draw] of frames) {
    c.save();
    c.beginPath();
    c.rect(r.x, r.y, r.width, r.height);
    c.clip();
    c.translate(r.x + r.width / 2, r.y + r.height / 2);
    draw(c, r.width, r.height);
    c.restore();
  }
  const source: TextureSource = Texture.from(canvas).source;
  source.autoGenerateMipmaps = true;
  source.scaleMode = "linear";
  const cut = (i: number) => new Texture({ source, frame: frames[i]?.[0] as Rectangle });
  // The white one is cut inside its frame, so that no neighbour bleeds in.
  const white = new Texture({ source, frame: new Rectangle(176, 138, 12, 12) });
  return { ship: cut(0), glow: cut(1), ring: cut(2), streak: cut(3), dot: cut(4), shield: cut(5), white };
}
