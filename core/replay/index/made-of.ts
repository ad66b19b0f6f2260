/** What an index was made of, so that it is seen when it is of something else. */
import { createHash } from 'node:crypto';
import { asCustodyError } from '#core/errors.ts';
import { CLOSE, LEDGER_PROOF, OPEN, SIGNER_KEY, signatureName, TASK_RESULT } from '#core/recording/layout.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import type { EvidenceFolder, VerifyOptions } from '#core/recording/verify/verify.ts';
import type { MadeOf } from './format.ts';

export type { MadeOf };

/** Evidence as an index is made of it, and held against it. */
export interface IndexedEvidence {
  readonly folder: EvidenceFolder;
  /** Of everything that the folder lists, as far as it can be seen. */
  readonly sizes: () => Promise<ReadonlyMap<string, number>>;
  readonly trust: VerifyOptions;
}

const STATEMENTS = [OPEN, signatureName(OPEN), CLOSE, signatureName(CLOSE), SIGNER_KEY, LEDGER_PROOF];
/** The longest is the ledger's proof. */
const STATEMENT_MAX_BYTES = 1 << 20;

/**
 * The result of a task comes into the store when the session has long been sealed, and is of its close statement: whoever opens an
 * index checks it, and the index is not made again for it.
 */
export function withoutResult({ folder, sizes, trust }: IndexedEvidence): IndexedEvidence {
  const list = async (): Promise<readonly string[]> =>
    (await folder.list()).filter((name) => name !== TASK_RESULT);
  return { folder: { list, get: (name, atMost) => folder.get(name, atMost) }, sizes, trust };
}

/** Two are of the same evidence, under the same trust, where their JSON is the same. */
export async function madeOf({ folder, sizes, trust }: IndexedEvidence): Promise<MadeOf> {
  const names = [...(await folder.list())].sort();
  const known = await sizes();
  const list = createHash('sha256');
  for (const name of names) list.update(`${known.get(name) ?? '?'} ${JSON.stringify(name)}\n`);
  const statements: Record<string, string> = {};
  for (const name of STATEMENTS) if (names.includes(name)) statements[name] = await hashOf(folder, name);
  return {
    statements,
    objects: names.length,
    list: list.digest('hex'),
    trusted: trust.trustedSigners.map(sha256Hex).toSorted(),
    ...(trust.ledger === undefined ? {} : { ledger: trust.ledger }),
  };
}

/** What cannot be read for what it is has a hash too, which no other file has. */
async function hashOf(folder: EvidenceFolder, name: string): Promise<string> {
  try {
    return sha256Hex(await folder.get(name, STATEMENT_MAX_BYTES));
  } catch (thrown) {
    const { code } = asCustodyError(thrown);
    if (code !== 'format-invalid' && code !== 'state-damaged' && code !== 'not-found') throw thrown;
    return sha256Hex(Buffer.from(`custody: ${name} cannot be read: ${code}`));
  }
}
