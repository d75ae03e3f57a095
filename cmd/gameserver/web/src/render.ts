// Draws a World with PixiJS. Reads it, never changes it.

import "pixi.js/unsafe-eval"; // shaders without eval, so that a strict CSP is possible
import "pixi.js/graphics";
import "pixi.js/text";
import "pixi.js/particle-container";
import { Container, extensions, ExtensionType, Graphics, Particle, ParticleContainer, Sprite, Text, Texture, WebGLRenderer } from "pixi.js";
import { Effects } from "./effects";
import { type Atlas, drawAtlas, drawGround, SHIP_PX } from "./textures";
import type { ArenaWorld, Welcome } from "./wire";
import { interpolatedShip, type LocalShip, type SetPlan, Sight, type Track, type World } from "./world";

const VIEW_W = 1280; // units seen on a screen of this shape…
const VIEW_H = 720; // …other shapes see the same area
const MAX_SHOTS = 384;
const MAX_BEAMS = 32;
const BEAM_S = 0.25; // a beam's light
const TRAIL = 64; // units
const ME = 0x50e3ff;
const COLORS = [
  0xff6b6b, 0xffb13d, 0xb98cff, 0x76e58a, 0xff86cf, 0xffe566, 0x6b9bff, 0xff9166, 0x8ff0d0, 0xd9e04f, 0xe08cff, 0xff5c9a,
];
const ALIVE = 1;
const SHIELD = 2;

/** What one ship looks like. */
interface ShipView {
  root: Container;
  hull: Container;
  body: Sprite;
  flash: Sprite;
  shield: Sprite;
  bars: Container;
  bar: Sprite;
  name: Text;
  tint: number;
  x: number;
  y: number;
  alive: boolean;
  flashLeft: number;
  thrust: number;
  known: boolean;
}

interface ShipFields {
  rot: number;
  hp: number;
  flags: number;
}

export class Renderer {
  readonly fx: Effects;
  /** Pose of the own ship as drawn, in units and in CSS pixels. */
  x = 0;
  y = 0;
  screenX = 0;
  screenY = 0;
  hp = 0;
  alive = false;
  /** Number of beams drawn. */
  lights = 0;
  local: LocalShip = interpolatedShip;

  private readonly stage = new Container();
  private readonly camera = new Container();
  private readonly ground = new Sprite({ texture: drawGround(8, 8) });
  private floor = new Graphics();
  private readonly shots: ParticleContainer;
  private readonly shotParts: Particle[] = [];
  private readonly beams = new Container();
  private readonly ships = new Container();
  private readonly bars = new Container();
  private readonly labels = new Container();
  private readonly atlas: Atlas;
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  private readonly out = new Float64Array(32);
  private arena: ArenaWorld | null = null;
  private shipPlan: SetPlan | undefined;
  private shotPlan: SetPlan | undefined;
  private ownerField = -1;
  private beamPlan: SetPlan | undefined;
  private beamFields = { tx: -1, ty: -1, owner: -1 };
  private fields: ShipFields = { rot: -1, hp: -1, flags: -1 };
  private names = new Map<number, string>();
  private tints = new Map<number, number>();
  private you = 0;
  private zoom = 1;
  private width = 1;
  private height = 1;
  private camX = 0;
  private camY = 0;
  private jump = true;
  private shake = 0;
  private sharpness = 2; // most device pixels per CSS pixel

  private constructor(private readonly gl: WebGLRenderer) {
    this.atlas = drawAtlas();
    this.fx = new Effects(this.atlas);
    this.fx.calm = this.calm;
    this.shots = new ParticleContainer({
      dynamicProperties: { position: true, vertex: true, rotation: true, color: true },
      blendMode: "add",
    });
    for (let i = 0; i < MAX_SHOTS; i++) {
      const p = new Particle({ texture: this.atlas.streak, anchorX: 0.9, anchorY: 0.5, scaleX: 0, scaleY: 0 });
      this.shotParts.push(p);
      this.shots.addParticle(p);
    }
    this.beams.blendMode = "add";
    for (let i = 0; i < MAX_BEAMS; i++) this.beams.addChild(this.ray(), this.ray());
    this.camera.addChild(this.ground, this.floor, this.shots, this.beams, this.ships, this.fx.layer, this.bars, this.labels);
    this.stage.addChild(this.camera);
  }

  private ray(): Sprite {
    return new Sprite({ texture: this.atlas.streak, anchor: { x: 0, y: 0.5 }, visible: false, blendMode: "add" });
  }

  static async create(canvas: HTMLCanvasElement): Promise<Renderer> {
    extensions.add(OneTexture);
    const gl = new WebGLRenderer();
    await gl.init({
      canvas,
      width: innerWidth,
      height: innerHeight,
      resolution: 1,
      autoDensity: false,
      antialias: false, // every edge is level, upright or a texture
      background: 0x070a12,
      powerPreference: "high-performance",
      skipExtensionImports: true,
    });
    const r = new Renderer(gl);
    r.resize();
    addEventListener("resize", () => r.resize());
    return r;
  }

  /** Draws fewer pixels on a machine that cannot keep up, never less than the layout has. */
  coarser(): void {
    if (this.sharpness <= 1) return;
    this.sharpness = Math.max(1, this.sharpness * 0.75);
    this.resize();
  }

  private resize(): void {
    this.width = innerWidth;
    this.height = innerHeight;
    this.gl.resize(this.width, this.height, Math.min(devicePixelRatio, this.sharpness));
    this.zoom = Math.sqrt((this.width * this.height) / (VIEW_W * VIEW_H));
  }

  color(id: number): string {
    return `#${this.tint(id).toString(16).padStart(6, "0")}`;
  }

  private tint(id: number): number {
    if (id === this.you) return ME;
    return this.tints.get(id) ?? COLORS[id % COLORS.length] ?? 0xffffff;
  }

  name(id: number): string {
    return this.names.get(id) ?? `#${id}`;
  }

  /** Says what a ship is called from now on. */
  named(world: World, id: number, name: string): void {
    this.names.set(id, name);
    const v = world.get(id)?.view as ShipView | null | undefined;
    if (v) v.name.text = name;
  }

  /** Prepares for a match; also after a reconnect, with a new World. */
  start(w: Welcome, world: World): void {
    this.you = w.you;
    this.arena = w.world;
    this.names = new Map(w.players.map((p) => [p.id, p.name]));
    this.tints = new Map();
    let n = 0;
    for (const p of [...w.players].sort((a, b) => a.id - b.id)) {
      if (p.id !== w.you) this.tints.set(p.id, COLORS[n++ % COLORS.length] ?? 0xffffff);
    }
    this.shipPlan = world.plan("ships");
    this.shotPlan = world.plan("shots");
    this.fields = {
      rot: this.shipPlan?.field("rot") ?? -1,
      hp: this.shipPlan?.field("hp") ?? -1,
      flags: this.shipPlan?.field("flags") ?? -1,
    };
    this.ownerField = this.shotPlan?.field("owner") ?? -1;
    this.beamPlan = world.plan("beams");
    this.beamFields = {
      tx: this.beamPlan?.field("tx") ?? -1,
      ty: this.beamPlan?.field("ty") ?? -1,
      owner: this.beamPlan?.field("owner") ?? -1,
    };
    world.onGone = (t) => this.gone(t);
    for (const c of this.ships.removeChildren()) c.destroy({ children: true });
    for (const c of this.bars.removeChildren()) c.destroy({ children: true });
    for (const c of this.labels.removeChildren()) c.destroy();
    this.fx.clear();
    this.ground.texture.destroy(true);
    this.ground.texture = drawGround(w.world.w, w.world.h);
    this.ground.setSize(w.world.w, w.world.h);
    this.floor.destroy();
    this.floor = drawFloor(w.world);
    this.camera.addChildAt(this.floor, 1);
    this.jump = true;
    this.alive = false;
  }

  /** Where a ship is drawn now; null when it is not. */
  ship(world: World, id: number): { x: number; y: number } | null {
    const v = world.get(id)?.view as ShipView | null | undefined;
    return v != null && v.alive ? { x: v.x, y: v.y } : null;
  }

  hit(world: World, to: number, by: number, x: number, y: number): void {
    this.fx.hit(x, y, this.tint(by));
    const v = world.get(to)?.view as ShipView | null | undefined;
    if (v != null) v.flashLeft = 0.14;
    if (to === this.you) this.shake = Math.min(1, this.shake + 0.35);
  }

  frame(world: World, play: number, dt: number, aim: number | null): void {
    if (this.arena === null) return;
    if (this.shipPlan !== undefined) this.drawShips(world, this.shipPlan, play, dt, aim);
    if (this.shotPlan !== undefined) this.drawShots(world, this.shotPlan, play);
    if (this.beamPlan !== undefined) this.drawBeams(world, this.beamPlan, play);
    this.fx.update(dt);
    this.follow(this.arena, dt);
    this.gl.render({ container: this.stage });
  }

  private drawShips(world: World, plan: SetPlan, play: number, dt: number, aim: number | null): void {
    const out = this.out;
    for (const t of world.lists[plan.index] ?? []) {
      const own = t.id === this.you;
      const sight = own ? this.local.pose(world, t, play, out) : world.sample(t, play, out);
      if (sight === Sight.Hidden) continue;
      const v = (t.view as ShipView | null) ?? this.newShip(t);
      this.placeShip(v, plan, out, dt, own && aim !== null ? aim : (out[this.fields.rot] ?? 0), own);
    }
  }

  private placeShip(v: ShipView, plan: SetPlan, out: Float64Array, dt: number, rot: number, own: boolean): void {
    const x = out[plan.x] ?? 0;
    const y = out[plan.y] ?? 0;
    const flags = this.fields.flags < 0 ? ALIVE : (out[this.fields.flags] ?? 0);
    const hp = out[this.fields.hp] ?? 0;
    const alive = (flags & ALIVE) !== 0;
    if (v.known && alive !== v.alive) {
      if (alive) this.fx.spawn(x, y, v.tint);
      else this.fx.explode(v.x, v.y, v.tint);
      if (own) {
        this.shake = alive ? 0 : 1;
        this.jump = this.jump || alive;
      }
    }
    const vx = plan.vx < 0 ? 0 : (out[plan.vx] ?? 0);
    const vy = plan.vy < 0 ? 0 : (out[plan.vy] ?? 0);
    v.known = true;
    v.alive = alive;
    v.x = x;
    v.y = y;
    v.root.visible = v.bars.visible = v.name.visible = alive;
    if (own) {
      this.alive = alive;
      this.hp = hp;
      if (alive || this.jump) {
        this.x = x;
        this.y = y;
      }
    }
    if (!alive) return;
    v.root.position.set(x, y);
    v.hull.rotation = rot;
    v.flashLeft = Math.max(0, v.flashLeft - dt);
    v.flash.alpha = v.flashLeft / 0.14;
    v.shield.visible = (flags & SHIELD) !== 0;
    if (v.shield.visible) v.shield.alpha = 0.65 + 0.3 * Math.sin(performance.now() / 110);
    const above = y - (this.arena?.radius ?? 18) - 9;
    v.bars.position.set(x, above);
    v.bars.scale.set(1 / this.zoom);
    v.name.position.set(x, above - 5 / this.zoom);
    v.name.scale.set(1 / this.zoom);
    const k = Math.max(0, Math.min(1, hp / (this.arena?.hp || 100)));
    v.bar.width = 44 * k;
    v.bar.tint = k > 0.6 ? 0x5fe39a : k > 0.3 ? 0xffc857 : 0xff5d5d;
    this.puff(v, vx, vy, dt);
  }

  private puff(v: ShipView, vx: number, vy: number, dt: number): void {
    const speed = Math.hypot(vx, vy);
    v.thrust += dt;
    if (speed < 50 || speed > 2000 || v.thrust < 0.035) return;
    v.thrust = 0;
    const r = this.arena?.radius ?? 18;
    this.fx.thrust(v.x - (vx / speed) * r * 0.8, v.y - (vy / speed) * r * 0.8, -vx * 0.35, -vy * 0.35, v.tint);
  }

  private newShip(t: Track): ShipView {
    const own = t.id === this.you;
    const tint = this.tint(t.id);
    const r = this.arena?.radius ?? 18;
    const root = new Container();
    const glow = centred(this.atlas.glow, (r * 5.2) / this.atlas.glow.width, tint);
    glow.alpha = own ? 0.5 : 0.32;
    glow.blendMode = "add";
    const hull = new Container();
    const body = centred(this.atlas.ship, r / SHIP_PX, tint);
    const flash = centred(this.atlas.ship, (r * 1.08) / SHIP_PX, 0xffffff);
    flash.blendMode = "add";
    flash.alpha = 0;
    hull.addChild(body, flash);
    root.addChild(glow);
    if (own) {
      const halo = centred(this.atlas.ring, (r * 3.5) / this.atlas.ring.width, 0xffffff);
      halo.alpha = 0.22;
      root.addChild(halo);
    }
    const shield = centred(this.atlas.shield, (r * 3.5) / this.atlas.shield.width, 0xbfe8ff);
    shield.blendMode = "add";
    root.addChild(hull, shield);
    this.ships.addChild(root);
    const bars = new Container();
    const bar = this.healthBar(bars);
    this.bars.addChild(bars);
    const name = new Text({
      text: this.name(t.id),
      style: { fontFamily: "system-ui, sans-serif", fontSize: 12, fontWeight: "600", fill: own ? 0xffffff : 0xd3def7, stroke: { color: 0x05080f, width: 3 } },
      resolution: Math.min(devicePixelRatio, 2),
      anchor: { x: 0.5, y: 1 },
    });
    this.labels.addChild(name);
    const v: ShipView = { root, hull, body, flash, shield, bars, bar, name, tint, x: 0, y: 0, alive: false, flashLeft: 0, thrust: 0, known: false };
    t.view = v;
    return v;
  }

  private healthBar(into: Container): Sprite {
    const back = new Sprite({ texture: this.atlas.white, tint: 0x05080f, alpha: 0.75, x: -23, y: -4 });
    back.setSize(46, 6);
    const bar = new Sprite({ texture: this.atlas.white, x: -22, y: -3 });
    bar.setSize(44, 4);
    into.addChild(back, bar);
    return bar;
  }

  private drawShots(world: World, plan: SetPlan, play: number): void {
    const out = this.out;
    let n = 0;
    for (const t of world.lists[plan.index] ?? []) {
      if (n >= MAX_SHOTS) break;
      const sight = world.sample(t, play, out);
      if (sight === Sight.Hidden || t.view === SPENT) continue;
      const x = out[plan.x] ?? 0;
      const y = out[plan.y] ?? 0;
      const vx = plan.vx < 0 ? 0 : (out[plan.vx] ?? 0);
      const vy = plan.vy < 0 ? 0 : (out[plan.vy] ?? 0);
      const tint = this.tint(out[this.ownerField] ?? 0);
      if (t.view === null) {
        t.view = FLYING;
        this.fx.muzzle(x, y, tint);
      }
      // Past its last word a shot flies on; where it meets something it ends.
      if (t.goneAt < Number.POSITIVE_INFINITY && this.meets(world, x, y, out[this.ownerField] ?? 0)) {
        this.fx.fizzle(x, y, tint);
        t.view = SPENT;
        continue;
      }
      const speed = Math.hypot(vx, vy);
      const flown = (speed / world.rate) * (play - t.bornAt) + 24;
      const p = this.shotParts[n++];
      if (p === undefined) break;
      p.x = x;
      p.y = y;
      p.rotation = Math.atan2(vy, vx);
      p.tint = mixWhite(tint);
      p.scaleX = Math.min(TRAIL, flown) / this.atlas.streak.width;
      p.scaleY = 10 / this.atlas.streak.height;
    }
    for (let i = n; i < MAX_SHOTS; i++) {
      const p = this.shotParts[i];
      if (p === undefined || p.scaleX === 0) break;
      p.scaleX = p.scaleY = 0;
    }
    this.shots.update();
  }

  /** A beam is there at once, from its ship to where it ended, and fades. */
  private drawBeams(world: World, plan: SetPlan, play: number): void {
    const out = this.out;
    let n = 0;
    for (const t of world.lists[plan.index] ?? []) {
      const left = 1 - (play - t.bornAt) / world.rate / BEAM_S;
      if (n >= MAX_BEAMS || left <= 0 || world.sample(t, play, out) === Sight.Hidden) continue;
      const x = out[plan.x] ?? 0;
      const y = out[plan.y] ?? 0;
      const tx = out[this.beamFields.tx] ?? 0;
      const ty = out[this.beamFields.ty] ?? 0;
      const tint = this.tint(out[this.beamFields.owner] ?? 0);
      if (t.view === null) {
        t.view = FLYING;
        this.fx.muzzle(x, y, tint);
        this.fx.fizzle(tx, ty, tint);
      }
      for (let i = 0; i < 2; i++) {
        const s = this.beams.children[2 * n + i] as Sprite;
        s.visible = true;
        s.position.set(x, y);
        s.rotation = Math.atan2(ty - y, tx - x);
        s.tint = i === 0 ? tint : 0xffffff;
        s.alpha = left * (i === 0 ? 0.9 : 1);
        s.scale.set(Math.hypot(tx - x, ty - y) / this.atlas.streak.width, ((i === 0 ? 30 : 10) * left) / this.atlas.streak.height);
      }
      n++;
    }
    this.lights = n;
    for (let i = 2 * n; i < 2 * MAX_BEAMS; i++) (this.beams.children[i] as Sprite).visible = false;
  }

  private meets(world: World, x: number, y: number, owner: number): boolean {
    const a = this.arena;
    if (a === null) return false;
    if (x < 0 || y < 0 || x > a.w || y > a.h) return true;
    for (const [wx, wy, ww, wh] of a.walls) if (x >= wx && x <= wx + ww && y >= wy && y <= wy + wh) return true;
    const r2 = a.radius * a.radius;
    for (const t of world.lists[this.shipPlan?.index ?? 0] ?? []) {
      const v = t.view as ShipView | null;
      if (v === null || !v.alive || t.id === owner) continue;
      if ((v.x - x) * (v.x - x) + (v.y - y) * (v.y - y) < r2) return true;
    }
    return false;
  }

  private gone(t: Track): void {
    if (t.plan !== this.shipPlan) {
      if (t.view === FLYING && t.plan === this.shotPlan) {
        const owner = t.last(this.ownerField);
        this.fx.fizzle(t.last(t.plan.x), t.last(t.plan.y), this.tint(owner));
      }
      return;
    }
    const v = t.view as ShipView | null;
    v?.root.destroy({ children: true });
    v?.bars.destroy({ children: true });
    v?.name.destroy();
  }

  /**
   * Keeps the own ship near the middle and little of the outside in view; more
   * of it above and below, where scores, thumbs and health cover the screen.
   */
  private follow(a: ArenaWorld, dt: number): void {
    const halfW = this.width / this.zoom / 2;
    const halfH = this.height / this.zoom / 2;
    const wantX = clampView(this.x, halfW, a.w, halfW * 0.2);
    const wantY = clampView(this.y, halfH, a.h, halfH * 0.34);
    const k = this.jump ? 1 : 1 - Math.exp(-dt * 14);
    this.jump = false;
    this.camX += (wantX - this.camX) * k;
    this.camY += (wantY - this.camY) * k;
    this.shake = Math.max(0, this.shake - dt * 2.5);
    const s = this.calm ? 0 : this.shake * this.shake * 12;
    const ox = this.width / 2 + (Math.random() - 0.5) * s;
    const oy = this.height / 2 + (Math.random() - 0.5) * s;
    this.camera.scale.set(this.zoom);
    this.camera.position.set(ox - this.camX * this.zoom, oy - this.camY * this.zoom);
    this.screenX = this.width / 2 + (this.x - this.camX) * this.zoom;
    this.screenY = this.height / 2 + (this.y - this.camY) * this.zoom;
  }

  /** The whole field in a corner. Called a few times a second. */
  minimap(canvas: HTMLCanvasElement, world: World): void {
    const a = this.arena;
    const c = canvas.getContext("2d");
    if (a === null || c === null) return;
    const k = Math.min(canvas.width / a.w, canvas.height / a.h);
    c.clearRect(0, 0, canvas.width, canvas.height);
    c.fillStyle = "#33456f";
    for (const [x, y, w, h] of a.walls) c.fillRect(x * k, y * k, Math.max(1.5, w * k), Math.max(1.5, h * k));
    for (const t of world.lists[this.shipPlan?.index ?? 0] ?? []) {
      const v = t.view as ShipView | null;
      if (v === null || !v.alive) continue;
      const r = t.id === this.you ? 4 : 3;
      c.fillStyle = this.color(t.id);
      c.beginPath();
      c.arc(v.x * k, v.y * k, r, 0, Math.PI * 2);
      c.fill();
    }
  }
}

/**
 * Nearly everything comes from one atlas. The usual batch shader chooses among
 * sixteen textures for every pixel, which costs a phone, and more so a browser
 * without a GPU, most of its frame.
 */
class OneTexture {
  static readonly extension = { type: [ExtensionType.WebGLSystem], name: "oneTexture" } as const;

  constructor(private readonly gl: WebGLRenderer) {}

  contextChange(): void {
    this.gl.limits.maxBatchableTextures = 1;
  }

  destroy(): void {}
}

const FLYING = { shot: "flying" };
const SPENT = { shot: "spent" };

function centred(texture: Texture, scale: number, tint: number): Sprite {
  const s = new Sprite({ texture, tint, anchor: 0.5 });
  s.scale.set(scale);
  return s;
}

function mixWhite(c: number): number {
  return ((c >> 1) & 0x7f7f7f) + 0x7f7f7f;
}

function clampView(at: number, half: number, size: number, margin: number): number {
  if (half * 2 >= size + margin * 2) return size / 2;
  return Math.min(size + margin - half, Math.max(half - margin, at));
}

function drawFloor(a: ArenaWorld): Graphics {
  const g = new Graphics();
  for (let x = 80; x < a.w; x += 80) g.moveTo(x, 0).lineTo(x, a.h);
  for (let y = 80; y < a.h; y += 80) g.moveTo(0, y).lineTo(a.w, y);
  g.stroke({ color: 0x7f9ce6, width: 1.5, alpha: 0.11 });
  for (let x = 400; x < a.w; x += 400) {
    for (let y = 400; y < a.h; y += 400) g.moveTo(x - 9, y).lineTo(x + 9, y).moveTo(x, y - 9).lineTo(x, y + 9);
  }
  g.stroke({ color: 0x8fa8e8, width: 2, alpha: 0.4 });
  g.rect(-14, -14, a.w + 28, a.h + 28).stroke({ color: 0x22315a, width: 28, alpha: 0.35 });
  g.rect(-3, -3, a.w + 6, a.h + 6).stroke({ color: 0x5672c4, width: 4 });
  // Layer by layer, so that walls that touch become one.
  for (const [x, y, w, h] of a.walls) g.roundRect(x - 5, y - 1, w + 10, h + 12, 10).fill({ color: 0x04060c, alpha: 0.3 });
  for (const [x, y, w, h] of a.walls) g.roundRect(x, y, w, h, 6).fill(0x6384dc);
  for (const [x, y, w, h] of a.walls) g.roundRect(x + 2.5, y + 2.5, w - 5, h - 5, 4).fill(0x27365f);
  for (const [x, y, w, h] of a.walls) if (w > 24 && h > 24) g.roundRect(x + 8, y + 8, w - 16, h - 16, 4).fill(0x31437a);
  return g;
}
