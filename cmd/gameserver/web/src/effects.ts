// Sparks, rings and trails: a fixed pool of particles, all drawn in one call.
// A dead particle has no size; nothing is created or removed while playing.

import { Particle, ParticleContainer, type Texture } from "pixi.js";
import type { Atlas } from "./textures";

const POOL = 600;

interface Spark {
  p: Particle;
  vx: number;
  vy: number;
  age: number;
  life: number;
  from: number;
  to: number;
  alpha: number;
  drag: number;
}

export class Effects {
  readonly layer: ParticleContainer;
  private readonly sparks: Spark[] = [];
  private next = 0;
  calm = false;

  constructor(private readonly atlas: Atlas) {
    this.layer = new ParticleContainer({
      dynamicProperties: { position: true, vertex: true, rotation: true, color: true, uvs: true },
      blendMode: "add",
    });
    for (let i = 0; i < POOL; i++) {
      const p = new Particle({ texture: atlas.dot, anchorX: 0.5, anchorY: 0.5, scaleX: 0, scaleY: 0 });
      this.layer.addParticle(p);
      this.sparks.push({ p, vx: 0, vy: 0, age: 1, life: 0, from: 0, to: 0, alpha: 0, drag: 0 });
    }
  }

  /** Starts one particle, taking the oldest one's place; sizes are widths in units. */
  private emit(t: Texture, x: number, y: number, vx: number, vy: number, life: number, from: number, to: number, tint: number, alpha: number, drag: number): void {
    const s = this.sparks[this.next];
    this.next = (this.next + 1) % POOL;
    if (s === undefined) return;
    s.p.texture = t;
    s.p.x = x;
    s.p.y = y;
    s.p.rotation = Math.atan2(vy, vx);
    s.p.tint = tint;
    s.vx = vx;
    s.vy = vy;
    s.age = 0;
    s.life = life;
    s.from = from / t.width;
    s.to = to / t.width;
    s.alpha = alpha;
    s.drag = drag;
  }

  hit(x: number, y: number, tint: number): void {
    this.emit(this.atlas.glow, x, y, 0, 0, 0.16, 50, 20, 0xffffff, 0.9, 0);
    this.burst(x, y, this.calm ? 4 : 9, 90, 260, tint, 0.35);
  }

  /** A shot that met a wall. */
  fizzle(x: number, y: number, tint: number): void {
    this.emit(this.atlas.glow, x, y, 0, 0, 0.14, 34, 8, tint, 0.8, 0);
    this.burst(x, y, this.calm ? 2 : 5, 50, 160, tint, 0.25);
  }

  muzzle(x: number, y: number, tint: number): void {
    this.emit(this.atlas.glow, x, y, 0, 0, 0.09, 44, 14, tint, 0.9, 0);
  }

  explode(x: number, y: number, tint: number): void {
    this.emit(this.atlas.glow, x, y, 0, 0, 0.35, 180, 60, 0xffffff, 1, 0);
    this.emit(this.atlas.glow, x, y, 0, 0, 0.8, 220, 120, tint, 0.7, 0);
    this.emit(this.atlas.ring, x, y, 0, 0, 0.55, 20, 210, tint, 0.9, 0);
    this.emit(this.atlas.ring, x, y, 0, 0, 0.75, 10, 290, 0xffffff, 0.35, 0);
    this.burst(x, y, this.calm ? 10 : 26, 60, 420, tint, 0.9);
    this.burst(x, y, this.calm ? 4 : 10, 40, 200, 0xffd9a0, 0.7);
  }

  spawn(x: number, y: number, tint: number): void {
    this.emit(this.atlas.ring, x, y, 0, 0, 0.5, 150, 30, tint, 0.8, 0);
    this.emit(this.atlas.glow, x, y, 0, 0, 0.5, 30, 130, tint, 0.7, 0);
  }

  thrust(x: number, y: number, vx: number, vy: number, tint: number): void {
    const jx = (Math.random() - 0.5) * 30;
    const jy = (Math.random() - 0.5) * 30;
    this.emit(this.atlas.glow, x, y, vx + jx, vy + jy, 0.32, 24, 5, tint, 0.5, 2);
  }

  private burst(x: number, y: number, n: number, slow: number, fast: number, tint: number, life: number): void {
    for (let i = 0; i < n; i++) {
      const a = Math.random() * Math.PI * 2;
      const v = slow + Math.random() * (fast - slow);
      const streak = i % 2 === 0;
      this.emit(streak ? this.atlas.streak : this.atlas.dot, x, y, Math.cos(a) * v, Math.sin(a) * v, life * (0.5 + Math.random() / 2), streak ? 22 : 10, 2, tint, 1, 3);
    }
  }

  update(dt: number): void {
    for (const s of this.sparks) {
      if (s.age >= s.life) continue;
      s.age += dt;
      const k = s.age / s.life;
      if (k >= 1) {
        s.p.scaleX = s.p.scaleY = 0;
        continue;
      }
      const slow = Math.max(0, 1 - s.drag * dt);
      s.vx *= slow;
      s.vy *= slow;
      s.p.x += s.vx * dt;
      s.p.y += s.vy * dt;
      s.p.scaleX = s.p.scaleY = s.from + (s.to - s.from) * (1 - (1 - k) * (1 - k));
      s.p.alpha = s.alpha * (1 - k);
    }
    this.layer.update();
  }

  clear(): void {
    for (const s of this.sparks) {
      s.life = 0;
      s.p.scaleX = s.p.scaleY = 0;
    }
  }
}
