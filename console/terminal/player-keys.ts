import type { Playback } from './playback.ts';

/** What keys and buttons do. */
export interface Actions {
  readonly playback: Playback;
  readonly jump: (way: 1 | -1) => void;
  readonly fill: () => void;
  readonly copy: () => void;
  readonly find: () => void;
}

const STEP_US = 5_000_000;
/** One picture of thirty a second. */
const PICTURE_US = 33_334;

/** The player's keys, for people and for the handler. */
export const KEYS: readonly (readonly [key: string, does: string, run: (actions: Actions) => void])[] = [
  [' ', 'play or pause', ({ playback }) => playback.toggle()],
  ['ArrowLeft', '5 seconds back', ({ playback }) => playback.seek(playback.now.peek() - STEP_US)],
  ['ArrowRight', '5 seconds on', ({ playback }) => playback.seek(playback.now.peek() + STEP_US)],
  ['.', 'a moment on', ({ playback }) => playback.seek(playback.now.peek() + PICTURE_US)],
  ['<', 'slower', ({ playback }) => playback.faster(-1)],
  ['>', 'faster', ({ playback }) => playback.faster(1)],
  ['[', 'previous marker', ({ jump }) => jump(-1)],
  [']', 'next marker', ({ jump }) => jump(1)],
  ['Home', 'to the start', ({ playback }) => playback.seek(0)],
  ['End', 'to the end', ({ playback }) => playback.seek(Number.POSITIVE_INFINITY)],
  ['/', 'find in the output', ({ find }) => find()],
  ['f', 'full screen', ({ fill }) => fill()],
];

const NAMES: Readonly<Record<string, string>> = { ' ': 'Space', ArrowLeft: '←', ArrowRight: '→' };

export function keyName(key: string): string {
  return NAMES[key] ?? key;
}

export function pressed(event: KeyboardEvent, actions: Actions): void {
  if (event.ctrlKey || event.metaKey || event.altKey || isTakenBy(event.target as Element, event.key)) return;
  const found = KEYS.find(([key]) => key === event.key);
  if (found === undefined) return;
  event.preventDefault();
  found[2](actions);
}

/** What has the focus has keys of its own. */
function isTakenBy(target: Element, key: string): boolean {
  if (target.matches('input:not([type=range]), select, textarea')) return true;
  return key === ' ' && target.matches('button, summary, a');
}
