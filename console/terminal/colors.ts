/** Colours of a screen, light or dark, that can be read: what a program chose for another ground is moved until it differs enough. */
import { BOLD, type Color, CONCEALED, DEFAULT, DIM, INVERSE, RGB, type Run } from './rows.ts';

export type Scheme = 'light' | 'dark';

interface Palette {
  readonly front: number;
  readonly back: number;
  readonly named: readonly number[];
}

const DARK: Palette = {
  front: 0xdfe5ec,
  back: 0x11161c,
  named: [
    ...[0x2b333d, 0xff7b72, 0x7ee08a, 0xe8c268, 0x79b8ff, 0xd2a8ff, 0x6fdbe0, 0xc9d1d9],
    ...[0x7d8896, 0xffa198, 0xa5f0ae, 0xf2d98c, 0xa5d3ff, 0xe2c5ff, 0x9aecef, 0xffffff],
  ],
};
const LIGHT: Palette = {
  front: 0x1b2430,
  back: 0xfbfcfd,
  named: [
    ...[0x1b2430, 0xb3261e, 0x17693a, 0x7a5200, 0x1d54b5, 0x7a2fa8, 0x0b6874, 0x6a7582],
    ...[0x51606f, 0xc4382f, 0x1f7a45, 0x8a5f00, 0x2f6fdb, 0x8e44bd, 0x0f7886, 0x3a4653],
  ],
};
const STEPS = [0, 95, 135, 175, 215, 255] as const;
/** Of text (WCAG 1.4.3), with a little to spare for rounding. */
const CONTRAST_MIN = 4.6;
const MOVES = 20;
/** Colours that were worked out, at most: a program may use each of 2^48 pairs. */
const KNOWN_MAX = 4096;

export interface Colors {
  readonly color: string | undefined;
  readonly backgroundColor: string | undefined;
}

export class Painter {
  readonly #palette: Palette;
  readonly #known = new Map<string, Colors>();

  constructor(scheme: Scheme) {
    this.#palette = scheme === 'dark' ? DARK : LIGHT;
  }

  /** Of the screen itself. */
  get screen(): { readonly color: string; readonly backgroundColor: string } {
    return { color: hex(this.#palette.front), backgroundColor: hex(this.#palette.back) };
  }

  colorsOf({ front, back, looks }: Pick<Run, 'front' | 'back' | 'looks'>): Colors {
    const key = `${front} ${back} ${looks & (BOLD | DIM | INVERSE | CONCEALED)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    const found = this.#workOut(front, back, looks);
    this.#known.set(key, found);
    return found;
  }

  #workOut(front: Color, back: Color, looks: number): Colors {
    const isPlain = front === DEFAULT && back === DEFAULT && (looks & (DIM | INVERSE)) === 0;
    if (isPlain) return { color: undefined, backgroundColor: undefined };
    const bright = (looks & BOLD) !== 0 && front >= 0 && front < 8 ? front + 8 : front;
    const own = [this.#rgb(bright, this.#palette.front), this.#rgb(back, this.#palette.back)] as const;
    const [text, ground] = (looks & INVERSE) === 0 ? own : ([own[1], own[0]] as const);
    const toned = (looks & DIM) === 0 ? text : mixed(text, ground, 0.4);
    return {
      color: hex(readable(toned, ground)),
      backgroundColor: ground === this.#palette.back ? undefined : hex(ground),
    };
  }

  #rgb(color: Color, otherwise: number): number {
    if (color === DEFAULT) return otherwise;
    if (color >= RGB) return color - RGB;
    if (color < 16) return this.#palette.named[color]!;
    if (color >= 232) return (8 + 10 * (color - 232)) * 0x010101;
    const at = color - 16;
    return (STEPS[Math.floor(at / 36)]! << 16) | (STEPS[Math.floor(at / 6) % 6]! << 8) | STEPS[at % 6]!;
  }
}

/** Towards white or black, whichever differs more from the ground, as little as is enough. */
function readable(text: number, ground: number): number {
  const goal = contrast(0xffffff, ground) > contrast(0x000000, ground) ? 0xffffff : 0x000000;
  for (let move = 0; move <= MOVES; move += 1) {
    const moved = mixed(text, goal, move / MOVES);
    if (contrast(moved, ground) >= CONTRAST_MIN) return moved;
  }
  return goal;
}

function mixed(from: number, to: number, share: number): number {
  const part = (shift: number): number => {
    const [a, b] = [(from >> shift) & 255, (to >> shift) & 255];
    return Math.round(a + (b - a) * share) << shift;
  };
  return part(16) | part(8) | part(0);
}

/** WCAG 2, “contrast ratio”. */
export function contrast(a: number, b: number): number {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: number): number {
  const part = (shift: number): number => {
    const share = ((color >> shift) & 255) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0);
}

function hex(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`;
}
