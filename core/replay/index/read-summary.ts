/** Summaries alone, for whoever compares a session with those before it. */

import { indexKey, indexPrefix } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import { READERS } from '../readers.ts';
import type { SessionSummary } from '../summary/summary.ts';
import { attemptName, attemptNumber } from './format.ts';
import { ATTEMPTS_MAX, readDirectory } from './open-index.ts';
import { StepIndex } from './step-index.ts';

/**
 * What the newest signed index says that a session came to; undefined where there is none. The evidence itself is not looked at: it was
 * when the index was made.
 */
export async function readSummary(
  { id, protocol }: { readonly id: string; readonly protocol: string },
  store: RecordingSource,
  signer: Uint8Array,
): Promise<SessionSummary | undefined> {
  const version = READERS.get(protocol)?.version;
  if (version === undefined) return undefined;
  const names = await store.list(indexPrefix(id));
  const attempts = names.map((name) => attemptNumber(name, version)).filter((one) => one !== undefined);
  for (const attempt of attempts.toSorted((a, b) => b - a).slice(0, ATTEMPTS_MAX)) {
    const prefix = attemptName(version, attempt);
    const get = (name: string, atMost: number) => store.get(indexKey(id, `${prefix}/${name}`), atMost);
    const directory = await readDirectory(get, signer);
    if (typeof directory === 'object' && directory.session === id)
      return new StepIndex(directory, get).summary();
  }
  return undefined;
}
