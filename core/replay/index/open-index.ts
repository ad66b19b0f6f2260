/** Opens the index of some evidence, if there is one that fits: whatever does not is no index, and why is said. */
import { createPublicKey, verify } from 'node:crypto';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { parseJsonBytes } from '#core/json.ts';
import { type OpenStatement, openStatementSchema, STATEMENT_MAX_BYTES } from '#core/recording/format.ts';
import { indexKey, indexPrefix, OPEN, signatureName } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import { READERS } from '../readers.ts';
import {
  attemptName,
  attemptNumber,
  DIRECTORY,
  DIRECTORY_MAX_BYTES,
  type Directory,
  directorySchema,
} from './format.ts';
import { type IndexedEvidence, type MadeOf, madeOf, withoutResult } from './made-of.ts';
import { StepIndex } from './step-index.ts';

/** Where an index is, and of what. */
export interface IndexOf {
  readonly evidence: IndexedEvidence;
  readonly store: RecordingSource;
  /** Of the index among others in the store: a session's id. */
  readonly name: string;
  /** Of whoever signs indexes (SPKI, DER). */
  readonly signer: Uint8Array;
}

export interface Found {
  readonly index: StepIndex;
  readonly attempt: number;
}

/** There is none that fits. */
export interface Unfit {
  readonly index: undefined;
  /** Undefined where none was made so far. */
  readonly why: string | undefined;
  /** The number of the next one. */
  readonly attempt: number;
  readonly madeOf: MadeOf;
}

/** Attempts that are looked at: where more are no good, somebody writes to the store. */
export const ATTEMPTS_MAX = 100;

/**
 * The newest index of this reader: signed, and of the evidence that is there now by its statements and the list of its objects. Rejects
 * with `unsupported` where there is no opening of a protocol that is read here.
 */
export async function openIndex(of: IndexOf): Promise<Found | Unfit> {
  const evidence = withoutResult(of.evidence);
  const opening = await openingOf(evidence);
  const made = await madeOf(evidence);
  const reader = readerVersion(opening);
  const names = await of.store.list(indexPrefix(of.name));
  const attempts = names.map((name) => attemptNumber(name, reader)).filter((number) => number !== undefined);
  if (attempts.length > ATTEMPTS_MAX) throw tooMany(of.name);
  const unfit = new Map<number, string>();
  for (const attempt of attempts.toSorted((a, b) => b - a)) {
    const prefix = attemptName(reader, attempt);
    const get = (name: string, atMost: number) =>
      of.store.get(indexKey(of.name, `${prefix}/${name}`), atMost);
    const directory = await readDirectory(get, of.signer);
    // One that has no directory was not finished.
    if (directory === undefined) continue;
    const why = typeof directory === 'string' ? directory : whyUnfit(directory, made, opening, reader);
    if (typeof directory !== 'string' && why === undefined)
      return { index: new StepIndex(directory, get), attempt };
    unfit.set(attempt, why ?? '');
  }
  let next = 0;
  while (unfit.has(next)) next += 1;
  return { index: undefined, why: [...unfit.values()][0], attempt: next, madeOf: made };
}

export function readerVersion({ target: { protocol } }: OpenStatement): number {
  const reader = READERS.get(protocol);
  if (reader !== undefined) return reader.version;
  throw new CustodyError('unsupported', `the steps of ${protocol} cannot be read here`, {
    hint: 'custody play fetches the evidence and decodes it where you are',
  });
}

/** Whether it is signed, the verifier says. */
async function openingOf({ folder }: IndexedEvidence): Promise<OpenStatement> {
  try {
    return openStatementSchema.parse(
      parseJsonBytes(await folder.get(OPEN, STATEMENT_MAX_BYTES), STATEMENT_MAX_BYTES),
    );
  } catch (cause) {
    const { code } = asCustodyError(cause);
    if (code === 'store-unavailable') throw cause;
    throw new CustodyError('unsupported', 'there is no readable open statement', {
      hint: 'custody verify says what is wrong with the evidence',
      cause,
    });
  }
}

type Get = (name: string, atMost: number) => Promise<Uint8Array>;

/** Undefined where there is none; words where it is no good. */
export async function readDirectory(get: Get, signer: Uint8Array): Promise<Directory | string | undefined> {
  const bytes = await orMissing(get(DIRECTORY, DIRECTORY_MAX_BYTES));
  if (bytes === undefined) return undefined;
  if (bytes === 'unreadable') return 'its directory cannot be read';
  const signature = await orMissing(get(signatureName(DIRECTORY), 256));
  if (!(signature instanceof Uint8Array) || !isSigned(bytes, signature, signer))
    return 'its directory is not signed by the signer';
  try {
    return directorySchema.parse(parseJsonBytes(bytes, DIRECTORY_MAX_BYTES));
  } catch {
    return 'its directory cannot be read';
  }
}

async function orMissing(got: Promise<Uint8Array>): Promise<Uint8Array | 'unreadable' | undefined> {
  try {
    return await got;
  } catch (thrown) {
    const { code } = asCustodyError(thrown);
    if (code === 'not-found') return undefined;
    if (code === 'format-invalid' || code === 'state-damaged') return 'unreadable';
    throw thrown;
  }
}

export function isSigned(bytes: Uint8Array, signature: Uint8Array, signer: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(signer), format: 'der', type: 'spki' });
  return verify('sha256', bytes, key, signature);
}

function whyUnfit(
  { reader, session, protocol, madeOf: was }: Directory,
  is: MadeOf,
  open: OpenStatement,
  version: number,
): string | undefined {
  if (session !== open.session || protocol !== open.target.protocol || reader !== version)
    return 'it is the index of something else';
  if (JSON.stringify(sorted(was.statements)) !== JSON.stringify(sorted(is.statements)))
    return 'the statements of the session are not those it was made of';
  if (was.list !== is.list || was.objects !== is.objects)
    return 'the objects of the session are not those it was made of';
  if (JSON.stringify(was.trusted) !== JSON.stringify(is.trusted) || was.ledger !== is.ledger)
    return 'it was made under another trust';
  return undefined;
}

function sorted(hashes: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(hashes).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function tooMany(name: string): CustodyError {
  return new CustodyError('state-damaged', 'there are too many indexes of one session', {
    hint: 'none of them was any good: somebody wrote to the store; look into it, and remove them',
    detail: indexPrefix(name),
  });
}
