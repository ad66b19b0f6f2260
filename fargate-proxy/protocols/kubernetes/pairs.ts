/** Headers come from node as names and values one after the other, and are on the tape as pairs. */
import type { Headers } from '#core/protocols/kubernetes/tape.ts';

export function pairsOf(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length >> 1 }, (_, at) => [raw[2 * at]!, raw[2 * at + 1]!]);
}

export function flat(headers: Headers): string[] {
  return headers.flatMap(([name, value]) => [name, value]);
}
