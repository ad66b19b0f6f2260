import { CustodyError } from '#core/errors.ts';
import type { Recording } from './evidence.ts';

/** Sessions of one protocol of which each began before one before it had ended: they run again at one time. In order of time. */
export function together<Of extends { readonly recording: Recording }>(all: readonly Of[]): Of[][] {
  const groups: Of[][] = [];
  let until = -Infinity;
  for (const one of all.toSorted((first, other) => first.recording.startedAt - other.recording.startedAt)) {
    const { startedAt, endedAt } = one.recording;
    const last = groups.at(-1);
    if (last !== undefined && startedAt < until && protocolOf(last[0]!) === protocolOf(one)) last.push(one);
    else groups.push([one]);
    until = Math.max(until, endedAt);
  }
  return groups;
}

/** In words: with which sessions of other protocols it was at one time, that go one after the other here. */
export function apartFrom<Of extends { readonly recording: Recording }>(
  one: Of,
  all: readonly Of[],
): string | undefined {
  const { startedAt, endedAt } = one.recording;
  const others = all.filter(
    (other) =>
      protocolOf(other) !== protocolOf(one) &&
      other.recording.startedAt < endedAt &&
      other.recording.endedAt > startedAt,
  );
  if (others.length === 0) return undefined;
  const named = others.map((other) => `${other.recording.facts.session} (${protocolOf(other)})`);
  return `it was at one time with ${named.join(', ')}, and is not here: sessions of different protocols go one after the other`;
}

function protocolOf({ recording }: { readonly recording: Recording }): string {
  return recording.facts.target.protocol;
}

/** `orders-db=sandbox-db`, also several by commas. Throws `config-invalid`. */
export function readPairs(texts: readonly string[]): ReadonlyMap<string, string> {
  const pairs = texts.flatMap((text) => text.split(',')).map((text) => text.split('='));
  const wrong = pairs.find((pair) => pair.length !== 2 || pair.includes(''));
  if (wrong === undefined) return new Map(pairs as [string, string][]);
  throw new CustodyError('config-invalid', `${wrong.join('=')} does not say which target stands for which`, {
    hint: 'custody rerun --run RUN --against orders-db=sandbox-db,web-1=sandbox-web',
  });
}
