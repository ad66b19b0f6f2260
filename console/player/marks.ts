/** What a list of steps shows of each at a glance, by what its JSON says. */
import type { FactsOf } from '#core/replay/facts.ts';
import { LOAD_FACTS } from '#core/replay/load-facts.ts';
import type { JsonStep, ReadStep } from '#core/replay/reader.ts';

export const ERROR = 1;
export const WRITE = 2;

const FAILED = new Set(['failed', 'refused', 'denied', 'ended']);
const FAULTS = new Set(['error', 'damaged']);
/** Command tags after which nothing was changed. What is executed inside a SELECT no tag says. */
const READS = new Set([
  ...[
    'SELECT',
    'FETCH',
    'SHOW',
    'EXPLAIN',
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'SET',
    'RESET',
    'DECLARE',
    'CLOSE',
    'MOVE',
  ],
  ...[
    'START',
    'SAVEPOINT',
    'RELEASE',
    'PREPARE',
    'DEALLOCATE',
    'DISCARD',
    'LISTEN',
    'UNLISTEN',
    'LOCK',
    'COPY',
  ],
]);

/** Operations on files that leave them as they were. */
const LOOKS = new Set(['read', 'list', 'look']);

export type MarksOf = (read: ReadStep, json: JsonStep) => number;

/** Said beside the steps where no facts of the protocol are to be had here. */
export const BY_TAG_ALONE =
  'Writes are marked by the command tag alone: a SELECT may have written too, by a function that it calls. custody steps --writes reads the statements themselves.';

export async function knowsFacts(protocol: string): Promise<boolean> {
  return (await loadFacts(protocol)) !== undefined;
}

/** By the protocol's facts too, where they are to be had without what a browser lacks. */
export async function loadMarks(protocol: string): Promise<MarksOf> {
  const factsOf = await loadFacts(protocol);
  return (read, json) => {
    const facts = factsOf?.(read);
    return (facts?.isError || isError(json) ? ERROR : 0) | (facts?.isWrite || isWrite(json) ? WRITE : 0);
  };
}

async function loadFacts(protocol: string): Promise<FactsOf | undefined> {
  try {
    return await LOAD_FACTS.get(protocol)?.();
  } catch {
    return undefined;
  }
}

export function isError({ kind, outcome, note }: JsonStep): boolean {
  return FAILED.has(String(outcome)) || FAULTS.has(String(kind)) || isDeviation(note);
}

function isDeviation(note: unknown): boolean {
  return typeof note === 'object' && note !== null && /deviat|refus/.test(JSON.stringify(note));
}

export function isWrite({ kind, tag, file }: JsonStep): boolean {
  if (kind === 'copy-in') return true;
  if (typeof tag === 'string') return !READS.has(tag.split(' ', 1)[0]!);
  if (typeof file !== 'object' || file === null) return false;
  return !LOOKS.has(String((file as JsonStep)['operation']));
}
