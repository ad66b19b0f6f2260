/** Makes the index of some evidence, where there is none that fits. */
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { SEGMENT_FILE_MAX_BYTES } from '#core/recording/format.ts';
import { indexKey, segmentName, signatureName } from '#core/recording/layout.ts';
import type { RecordingSink, RecordingSource, Signer } from '#core/recording/ports.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import type { VerifyReport } from '#core/recording/verify/verify.ts';
import { Summarizer } from '../summary/summarize.ts';
import { CheckedSteps } from './checked-steps.ts';
import { attemptName, DIRECTORY, type Directory, FINDINGS_MAX, type SegmentEntry } from './format.ts';
import { type IndexedEvidence, type MadeOf, withoutResult } from './made-of.ts';
import { type Found, isSigned, openIndex } from './open-index.ts';
import { StepIndex } from './step-index.ts';
import type { NumberedStep } from './stored-step.ts';
import { type Contents, IndexWriter, type PutPart } from './write-index.ts';

/** Hears of each step in order, once, while it is decoded. What it throws ends the making. */
export type EachStep = (step: NumberedStep) => void | Promise<void>;

export interface Making {
  readonly evidence: IndexedEvidence;
  readonly store: RecordingSource & RecordingSink;
  /** Of the index among others in the store: a session's id. */
  readonly name: string;
  readonly signer: Signer;
  readonly each?: EachStep;
  /** Everything of an index that is there is read, and held against every segment, before it counts as one. */
  readonly deep?: boolean;
}

export type Made =
  | { readonly state: 'current'; readonly index: StepIndex }
  /** `why`: there was one, and it was no good. */
  | { readonly state: 'made'; readonly index: StepIndex; readonly why?: string };

/**
 * Of the same evidence the same bytes are made, but for the signature: whoever does it at the same time, or after somebody who died
 * in it, finds what is there already to be right. Its directory is put last; without one there is no index. Rejects with `unsupported`
 * where no step can be told.
 */
export async function makeIndex(making: Making): Promise<Made> {
  const { store, name, evidence } = making;
  const signer = await making.signer.publicKey();
  const found = await openIndex({ evidence, store, name, signer });
  const why = found.index === undefined ? found.why : await whyDamaged(found, making);
  if (found.index !== undefined && why === undefined) return { state: 'current', index: found.index };
  const made = found.index === undefined ? found.madeOf : found.index.directory.madeOf;
  const first = found.index === undefined ? found.attempt : found.attempt + 1;
  const index = await makeFrom(first, made, making, signer);
  return { state: 'made', index, ...(why === undefined ? {} : { why }) };
}

/** A name that is taken by something else is left to it. */
async function makeFrom(first: number, made: MadeOf, making: Making, signer: Uint8Array): Promise<StepIndex> {
  const told = onceEach(making.each);
  for (let attempt = first; attempt < first + TRIES_MAX; attempt += 1) {
    try {
      return await makeAttempt(attempt, made, { ...making, each: told }, signer);
    } catch (thrown) {
      if (!(thrown instanceof NameTaken)) throw thrown;
    }
  }
  throw new CustodyError('state-damaged', `the index of ${making.name} cannot be made: its names are taken`, {
    hint: 'somebody else writes to the store; look into it',
  });
}

/** Names that something else has, one after the other. */
const TRIES_MAX = 10;

class NameTaken extends Error {}

function onceEach(each: EachStep | undefined): EachStep {
  let last = 0;
  return async (step) => {
    if (step.number <= last) return;
    last = step.number;
    await each?.(step);
  };
}

async function makeAttempt(
  attempt: number,
  made: MadeOf,
  { evidence: given, store, name, signer, each }: Making,
  publicKey: Uint8Array,
): Promise<StepIndex> {
  const evidence = withoutResult(given);
  const pending: SegmentEntry[] = [];
  const steps = await CheckedSteps.open(
    evidence.folder,
    evidence.trust,
    (...entry) => void pending.push(entry),
  );
  const prefix = attemptName(steps.reader.version, attempt);
  const keyOf = (part: string): string => indexKey(name, `${prefix}/${part}`);
  const put: PutPart = (part, bytes) => putSame(store, keyOf(part), bytes);
  const { report, contents } = await write(steps, pending, put, each);
  const directory = directoryOf(steps, report, made, contents);
  const bytes = Buffer.from(`${JSON.stringify(directory)}\n`);
  await putSignature(store, keyOf(signatureName(DIRECTORY)), bytes, signer, publicKey);
  await put(DIRECTORY, bytes);
  return new StepIndex(directory, (part, atMost) => store.get(keyOf(part), atMost));
}

/** Everything but the directory: what was read of the evidence, as parts of an index. */
export async function write(
  steps: CheckedSteps,
  pending: SegmentEntry[],
  put: PutPart,
  each: EachStep = () => undefined,
): Promise<{ readonly report: VerifyReport; readonly contents: Contents }> {
  const writer = new IndexWriter(put);
  const summarizer = new Summarizer(steps.opening.open);
  const takeSegments = async (): Promise<void> => {
    for (const entry of pending.splice(0)) await writer.segment(entry);
  };
  try {
    for await (const step of steps.steps()) {
      if (pending.length > 0) await takeSegments();
      await writer.add(step);
      summarizer.take(step.number, step.read, step.facts);
      await each(step);
    }
    const report = await steps.finish();
    await takeSegments();
    return { report, contents: await writer.finish(summarizer.summary(steps.opening.close)) };
  } finally {
    await writer.abandon();
  }
}

export function directoryOf(
  { opening: { open }, reader }: CheckedSteps,
  { verdict, findings, facts }: VerifyReport,
  made: MadeOf,
  contents: Contents,
): Directory {
  return {
    type: 'custody/step-index/1',
    reader: reader.version,
    session: open.session,
    protocol: open.target.protocol,
    startedAt: open.startedAt,
    madeOf: made,
    verdict,
    findings: findings.slice(0, FINDINGS_MAX).map(({ code, object, message }) => ({ code, object, message })),
    found: findings.length,
    ...(facts?.completeness === undefined ? {} : { completeness: facts.completeness }),
    ...contents,
  };
}

/** Takes a name that has these bytes already for its own. */
async function putSame(store: Making['store'], key: string, bytes: Uint8Array): Promise<void> {
  try {
    await store.put(key, bytes);
  } catch (thrown) {
    if (asCustodyError(thrown).code !== 'already-exists') throw thrown;
    if (!Buffer.from(bytes).equals((await existing(store, key, bytes.byteLength)) ?? Buffer.alloc(0)))
      throw new NameTaken(key, { cause: thrown });
  }
}

async function putSignature(
  store: Making['store'],
  key: string,
  directory: Uint8Array,
  signer: Signer,
  publicKey: Uint8Array,
): Promise<void> {
  try {
    await store.put(key, await signer.sign(directory));
  } catch (thrown) {
    if (asCustodyError(thrown).code !== 'already-exists') throw thrown;
    const there = await existing(store, key, 256);
    if (there === undefined || !isSigned(directory, there, publicKey))
      throw new NameTaken(key, { cause: thrown });
  }
}

/** Undefined where it is something else anyway. */
async function existing(
  store: RecordingSource,
  key: string,
  atMost: number,
): Promise<Uint8Array | undefined> {
  return store.get(key, atMost).catch((thrown: unknown) => {
    if (['format-invalid', 'state-damaged'].includes(asCustodyError(thrown).code)) return undefined;
    throw thrown;
  });
}

async function whyDamaged({ index }: Found, { deep, evidence }: Making): Promise<string | undefined> {
  if (!deep) return undefined;
  try {
    await index.check();
    await checkAllSegments(index, evidence);
    return undefined;
  } catch (thrown) {
    const { code, message } = asCustodyError(thrown);
    if (code === 'state-damaged') return message;
    throw thrown;
  }
}

/** One segment in memory at a time. */
async function checkAllSegments(index: StepIndex, evidence: IndexedEvidence): Promise<void> {
  for await (const entry of index.allSegments()) await checkSegment(entry, evidence);
}

/** Rejects with `state-damaged` where a segment is not the one that the index was made of. */
export async function checkSegment(
  [number, , sha256]: SegmentEntry,
  { folder }: IndexedEvidence,
): Promise<void> {
  const name = segmentName(number);
  const bytes = await folder.get(name, SEGMENT_FILE_MAX_BYTES).catch((cause: unknown) => {
    if (asCustodyError(cause).code === 'store-unavailable') throw cause;
    throw altered(name, cause);
  });
  if (sha256Hex(bytes) !== sha256) throw altered(name);
}

function altered(name: string, cause?: unknown): CustodyError {
  return new CustodyError('state-damaged', `${name} is not what the index was made of`, {
    hint: 'the evidence is read again from its start',
    ...(cause === undefined ? {} : { cause }),
  });
}
