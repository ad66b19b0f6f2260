import { createHash } from 'node:crypto';
import { asCustodyError, CustodyError } from '../errors.ts';
import { workflowKey } from '../recording/layout.ts';
import type { RecordingSink, RecordingSource } from '../recording/ports.ts';
import type { WorkflowTexts } from './store.ts';

/** More than custody.yaml may have. */
const TEXT_MAX = 4 * 1024 * 1024;

/** Texts of workflows beside the recordings: what is judged by them is kept as long. */
export function workflowTexts(store: RecordingSink & Pick<RecordingSource, 'get'>): WorkflowTexts {
  return {
    put: async ({ digest, text }) => {
      const stored = store.put(workflowKey(digest), Buffer.from(text));
      await stored.catch((error: unknown) => {
        if (asCustodyError(error).code !== 'already-exists') throw error;
      });
    },
    get: async (digest) => {
      const bytes = await store.get(workflowKey(digest), TEXT_MAX);
      if (createHash('sha256').update(bytes).digest('hex') === digest) return Buffer.from(bytes).toString();
      throw new CustodyError('state-damaged', `the text of the workflow ${digest} is another one`);
    },
  };
}
