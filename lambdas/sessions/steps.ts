import type { z } from 'zod';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { tooLongHint } from '#core/ocsf/too-long.ts';
import { segmentNumber } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { EvidenceFolder } from '#core/recording/verify/folder.ts';
import {
  type CheckedPage,
  decodeSteps,
  evidenceOf,
  isSealed,
  openSessionSteps,
  type SessionSteps,
} from '#core/replay/index/index-session.ts';
import type { IndexedEvidence } from '#core/replay/index/made-of.ts';
import { READERS } from '#core/replay/readers.ts';
import { type StepsAsked, stepQueryOf, type stepsShape } from './step-shape.ts';
import type { ReadPermission } from './visible.ts';

/** Who makes indexes. */
export interface Indexes {
  /**
   * The index of this session is missing, or no good (`deep`: which only reading all of it may show). `made`: it is there now;
   * `later`: it is being made somewhere.
   */
  wanted(session: string, deep: boolean): Promise<'made' | 'later'>;
  /** Of a session of which more was recorded none is ever made. */
  readonly maxBytes?: number;
}

export interface StepsPorts {
  readonly source: RecordingSource;
  /** The key that statements are signed with (SPKI, DER). */
  readonly signer: () => Promise<Uint8Array>;
  readonly indexes?: Indexes;
}

/** What one vCPU verifies and decodes in some ten seconds of a call's 25. */
const EVIDENCE_MAX_BYTES = 32 << 20;
const RECORDED_MAX_BYTES = 256 << 20;
const OBJECTS_MAX = 1_000;
/** Of a session that goes on, whose bytes nobody has counted. */
const LIVE_SEGMENTS_MAX = 16;

/**
 * A page of what was done in a session, out of its index, which is held against the evidence each time; where there is none that fits,
 * the evidence is verified and decoded now. Steps are never shown as if they were whole and unaltered when they are not. The
 * permission stands for the check that was made. Rejects with `unsupported`, and with `not-ready` while an index is being made.
 */
export async function stepsPage(
  permission: ReadPermission,
  session: SessionRecord,
  asked: StepsAsked,
  ports: StepsPorts,
): Promise<z.input<typeof stepsShape>> {
  const { made, partial } = await withSteps(permission, session, ports, (steps) =>
    answer(session, asked, steps),
  );
  return partial === undefined ? made : { ...made, partial };
}

/** What `use` makes of steps. It is called again where an index turns out to be no good while it is used. */
type Use<T> = (steps: SessionSteps) => Promise<T>;

interface Used<T> {
  readonly made: T;
  /** How far a session that goes on is read, where that is not all. */
  readonly partial?: string;
}

/** The same for whatever else is made of steps. */
export async function withSteps<T>(
  _permission: ReadPermission,
  session: SessionRecord,
  ports: StepsPorts,
  use: Use<T>,
): Promise<Used<T>> {
  if (!READERS.has(session.protocol))
    throw new CustodyError('unsupported', `the steps of ${session.protocol} cannot be read here`, {
      hint: 'custody play fetches the evidence and decodes it where you are',
    });
  const signer = await ports.signer();
  const evidence = await evidenceOf(session.id, ports.source, signer);
  if (!isSealed(await evidence.folder.list())) return withLive(evidence, use);
  return { made: await withSealed(session, use, evidence, ports, signer) };
}

async function withSealed<T>(
  session: SessionRecord,
  use: Use<T>,
  evidence: IndexedEvidence,
  ports: StepsPorts,
  signer: Uint8Array,
): Promise<T> {
  const indexed = await fromIndex(session, use, ports.source, signer);
  if ('made' in indexed) return indexed.made;
  const isDamaged = indexed.why !== NONE;
  if (await isSmall(session, evidence)) {
    // Who makes indexes hears of one that is no good; nobody waits for it.
    if (isDamaged) await ports.indexes?.wanted(session.id, true).catch(() => undefined);
    return use(await decodeSteps(evidence));
  }
  if (ports.indexes === undefined) throw nobodyMakesIndexes();
  refuseNeverIndexed(session, ports.indexes);
  if ((await ports.indexes.wanted(session.id, isDamaged)) !== 'made') throw notReady(isDamaged);
  const again = await fromIndex(session, use, ports.source, signer);
  if ('made' in again) return again.made;
  throw new CustodyError('state-damaged', 'the index of the session is altered as soon as it is made', {
    hint: 'somebody writes to the store; look into it',
    detail: again.why,
  });
}

const NONE = 'none';

/** Why not, where there is no index that fits. */
async function fromIndex<T>(
  session: SessionRecord,
  use: Use<T>,
  source: RecordingSource,
  signer: Uint8Array,
): Promise<{ readonly made: T } | { readonly why: string }> {
  try {
    const steps = await openSessionSteps(session.id, source, signer);
    return steps.index === undefined ? { why: steps.why ?? NONE } : { made: await use(steps) };
  } catch (thrown) {
    const { code, message } = asCustodyError(thrown);
    if (code === 'state-damaged') return { why: message };
    // What is wrong with an opening that cannot be read, the verifier says.
    if (code === 'unsupported') return { why: NONE };
    throw thrown;
  }
}

/** As far as one call can decode it. It is shown on from there when it is sealed. */
async function withLive<T>(evidence: IndexedEvidence, use: Use<T>): Promise<Used<T>> {
  const { shown, left } = await beginningOf(evidence);
  const steps = await decodeSteps(shown);
  const made = await use(steps);
  if (left === 0) return { made };
  const until = (steps.about.total.to / 1e6).toFixed(3);
  const partial = `the session goes on: its steps are shown up to ${until} s after its start, and those of the ${left} segments that follow once it is sealed`;
  return { made, partial };
}

async function beginningOf(evidence: IndexedEvidence) {
  const [names, sizes] = [await evidence.folder.list(), await evidence.sizes()];
  const segments = names.filter((name) => segmentNumber(name) !== undefined).toSorted();
  let [bytes, kept] = [0, 0];
  for (const name of segments.slice(0, LIVE_SEGMENTS_MAX)) {
    bytes += sizes.get(name) ?? 0;
    if (kept > 0 && bytes > EVIDENCE_MAX_BYTES) break;
    kept += 1;
  }
  const dropped = new Set(segments.slice(kept));
  const list = async (): Promise<readonly string[]> => names.filter((name) => !dropped.has(name));
  const get: EvidenceFolder['get'] = (name, atMost) => evidence.folder.get(name, atMost);
  return { shown: { ...evidence, folder: { list, get } }, left: dropped.size };
}

async function answer(
  { id, protocol }: SessionRecord,
  asked: StepsAsked,
  steps: SessionSteps,
): Promise<z.input<typeof stepsShape>> {
  const { about } = steps;
  const { total, startedAt, verdict, findings, completeness } = about;
  const page = await steps.page(stepQueryOf(asked, { startedAt, until: total.to, steps: total.steps }));
  return {
    session: id,
    protocol,
    verdict,
    findings,
    ...(completeness === undefined ? {} : { completeness }),
    total: { steps: total.steps, errors: total.errors, writes: total.writes, until: total.to },
    ...shownPage(page),
  };
}

function shownPage({ steps, checked, next, previous }: CheckedPage) {
  const shown = steps.map(({ number, isError, isWrite, json }) => ({
    ...json,
    number,
    marks: [...(isError ? (['error'] as const) : []), ...(isWrite ? (['write'] as const) : [])],
  }));
  return {
    checked,
    steps: shown,
    ...(next === undefined ? {} : { next }),
    ...(previous === undefined ? {} : { previous }),
  };
}

/** One call verifies and decodes it. */
export async function isSmall(
  { outcome }: SessionRecord,
  { folder, sizes }: IndexedEvidence,
): Promise<boolean> {
  if ((outcome?.bytes ?? 0) > RECORDED_MAX_BYTES) return false;
  if ((await folder.list()).length > OBJECTS_MAX) return false;
  return [...(await sizes()).values()].reduce((sum, size) => sum + size, 0) <= EVIDENCE_MAX_BYTES;
}

function nobodyMakesIndexes(): CustodyError {
  return new CustodyError('unsupported', 'the recording is long, and nobody makes an index of it here', {
    hint: 'custody play fetches the evidence and decodes it where you are',
  });
}

/** Rejects with `unsupported`: nobody need wait for it. */
export function refuseNeverIndexed(
  { id, outcome }: SessionRecord,
  { maxBytes }: Pick<Indexes, 'maxBytes'>,
): void {
  if (maxBytes === undefined || (outcome?.bytes ?? 0) <= maxBytes) return;
  throw new CustodyError('unsupported', 'the recording is longer than those that are indexed here', {
    hint: tooLongHint(id),
  });
}

function notReady(isDamaged: boolean): CustodyError {
  const what = isDamaged ? 'is no good, and is made again' : 'is being made';
  return new CustodyError('not-ready', `the recording is long, and the index of its steps ${what}`, {
    hint: 'ask again in a minute; custody play reads the recording from its start meanwhile',
  });
}
