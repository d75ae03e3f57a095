// Keyboard, mouse and touch become one InputValue. On a touch screen the left
// half is a stick that moves, the right half one that aims and fires, the beam
// too when it is pushed to its rim.

import type { InputValue } from "./wire";

const KEYS: Record<string, "up" | "down" | "left" | "right" | "fire" | "beam"> = {
  KeyW: "up",
  ArrowUp: "up",
  KeyS: "down",
  ArrowDown: "down",
  KeyA: "left",
  ArrowLeft: "left",
  KeyD: "right",
  ArrowRight: "right",
  Space: "fire",
  KeyE: "beam",
  ShiftLeft: "beam",
};

const STICK_PX = 56; // way of a stick from its centre to its rim
const MOVE_FROM = 0.25; // share of that way that counts as moving
const FIRE_FROM = 0.35;
const BEAM_FROM = 0.97;
const SECTOR = Math.sin(Math.PI / 8); // eight directions of 45° each

/** One virtual stick: the circle appears where the finger comes down. */
class Stick {
  pointer = -1;
  x = 0;
  y = 0;
  private ox = 0;
  private oy = 0;
  private readonly knob: HTMLElement;

  constructor(private readonly el: HTMLElement) {
    this.knob = el.firstElementChild as HTMLElement;
  }

  start(e: PointerEvent): void {
    this.pointer = e.pointerId;
    this.ox = e.clientX;
    this.oy = e.clientY;
    this.el.style.left = `${this.ox}px`;
    this.el.style.top = `${this.oy}px`;
    this.el.classList.add("held");
    this.move(e);
  }

  move(e: PointerEvent): void {
    const dx = (e.clientX - this.ox) / STICK_PX;
    const dy = (e.clientY - this.oy) / STICK_PX;
    const n = Math.max(1, Math.hypot(dx, dy));
    this.x = dx / n;
    this.y = dy / n;
    this.knob.style.transform = `translate(${this.x * STICK_PX}px, ${this.y * STICK_PX}px)`;
  }

  stop(): void {
    this.pointer = -1;
    this.x = 0;
    this.y = 0;
    this.knob.style.transform = "";
    this.el.style.left = "";
    this.el.style.top = "";
    this.el.classList.remove("held");
  }

  get reach(): number {
    return Math.hypot(this.x, this.y);
  }
}

export class Input {
  /** The value of this moment; reused, so copy what must be kept. */
  readonly value: InputValue = { up: false, down: false, left: false, right: false, fire: false, beam: false, aim: 0 };
  enabled = false;
  /** Set once a finger has touched: the page shows its sticks. */
  touch = false;
  onTouch: (() => void) | null = null;
  onScoreboard: ((show: boolean) => void) | null = null;
  private readonly held = new Set<string>();
  private readonly left: Stick;
  private readonly right: Stick;
  private mouseX = 0;
  private mouseY = 0;
  private mouseDown = false;
  private otherDown = false; // the right button
  private mouseUsed = false;
  private tapped = false;
  private beamed = false;

  constructor(canvas: HTMLCanvasElement, left: HTMLElement, right: HTMLElement) {
    this.left = new Stick(left);
    this.right = new Stick(right);
    addEventListener("keydown", (e) => this.key(e, true));
    addEventListener("keyup", (e) => this.key(e, false));
    addEventListener("blur", () => this.release());
    canvas.addEventListener("pointerdown", (e) => this.down(e, canvas));
    addEventListener("pointermove", (e) => this.moved(e));
    addEventListener("pointerup", (e) => this.up(e));
    addEventListener("pointercancel", (e) => this.up(e));
    canvas.addEventListener("contextmenu", (e) => e.preventDefault());
    // iOS zooms on a double tap and pinches whatever the viewport says.
    addEventListener("gesturestart", (e) => e.preventDefault());
    canvas.addEventListener("touchstart", (e) => e.preventDefault(), { passive: false });
  }

  private key(e: KeyboardEvent, down: boolean): void {
    if (!this.enabled || e.target instanceof HTMLInputElement) return;
    if (e.code === "Tab") {
      e.preventDefault();
      this.onScoreboard?.(down);
      return;
    }
    const action = KEYS[e.code];
    if (action === undefined || e.ctrlKey || e.metaKey || e.altKey) {
      if (action !== undefined && !down) this.held.delete(e.code);
      return;
    }
    e.preventDefault();
    if (down) this.held.add(e.code);
    else this.held.delete(e.code);
    if (down && action === "fire" && !e.repeat) this.tapped = true;
    if (down && action === "beam" && !e.repeat) this.beamed = true;
  }

  private down(e: PointerEvent, canvas: HTMLCanvasElement): void {
    if (!this.enabled) return;
    e.preventDefault();
    if (e.pointerType !== "touch") {
      this.mouse(e);
      if (e.button === 0) this.mouseDown = this.tapped = true;
      if (e.button === 2) this.otherDown = this.beamed = true;
      return;
    }
    if (!this.touch) {
      this.touch = true;
      this.onTouch?.();
    }
    const stick = e.clientX < canvas.clientWidth / 2 ? this.left : this.right;
    if (stick.pointer < 0) stick.start(e);
  }

  private moved(e: PointerEvent): void {
    if (e.pointerType !== "touch") this.mouse(e);
    else if (e.pointerId === this.left.pointer) this.left.move(e);
    else if (e.pointerId === this.right.pointer) this.right.move(e);
  }

  private up(e: PointerEvent): void {
    if (e.pointerType !== "touch") {
      if (e.button === 0 || e.type === "pointercancel") this.mouseDown = false;
      if (e.button === 2 || e.type === "pointercancel") this.otherDown = false;
    } else if (e.pointerId === this.left.pointer) this.left.stop();
    else if (e.pointerId === this.right.pointer) this.right.stop();
  }

  private mouse(e: PointerEvent): void {
    this.mouseX = e.clientX;
    this.mouseY = e.clientY;
    this.mouseUsed = true;
  }

  /** Lets go of everything, as when the window loses its focus. */
  release(): void {
    this.held.clear();
    this.mouseDown = this.otherDown = false;
    this.tapped = this.beamed = false;
    this.left.stop();
    this.right.stop();
    this.onScoreboard?.(false);
  }

  private holds(action: string): boolean {
    for (const code of this.held) if (KEYS[code] === action) return true;
    return false;
  }

  /** Reads the devices into value; the own ship is at shipX, shipY on the screen. */
  read(shipX: number, shipY: number): InputValue {
    const v = this.value;
    const move = this.left.reach >= MOVE_FROM ? this.left : null;
    const n = move?.reach ?? 1;
    v.left = this.holds("left") || (move !== null && move.x / n < -SECTOR);
    v.right = this.holds("right") || (move !== null && move.x / n > SECTOR);
    v.up = this.holds("up") || (move !== null && move.y / n < -SECTOR);
    v.down = this.holds("down") || (move !== null && move.y / n > SECTOR);
    const aiming = this.right.pointer >= 0 && this.right.reach >= MOVE_FROM;
    v.fire = this.mouseDown || this.tapped || this.holds("fire") || this.right.reach >= FIRE_FROM;
    v.beam = this.otherDown || this.beamed || this.holds("beam") || this.right.reach >= BEAM_FROM;
    if (aiming) v.aim = Math.atan2(this.right.y, this.right.x);
    else if (this.touch && move !== null && !this.mouseDown) v.aim = Math.atan2(move.y, move.x);
    else if (this.mouseUsed && !this.touch) v.aim = Math.atan2(this.mouseY - shipY, this.mouseX - shipX);
    return v;
  }

  /** Tells that value was sent: a short click has had its shot. */
  sent(): void {
    this.tapped = this.beamed = false;
  }
}
