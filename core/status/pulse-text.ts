import { parseJson } from '../json.ts';
import type { Pulse, RefusedCount } from './pulse.ts';

/** A pulse as tables keep it. */
export function pulseText(pulse: Pulse): string {
  return JSON.stringify(pulse);
}

/** What `pulseText` made. */
export function parsePulse(text: string): Pulse {
  const { at, refused, ...rest } = parseJson(text) as Pulse;
  return { ...rest, at: new Date(at), refused: refused.map(parseCount) };
}

function parseCount({ from, ...rest }: RefusedCount): RefusedCount {
  return { ...rest, from: new Date(from) };
}
