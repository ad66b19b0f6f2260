import type { AccessRequests } from '#core/access/store.ts';
import { asCustodyError } from '#core/errors.ts';
import { proveRun } from '#core/ledger/prove-run.ts';
import type { RunProof } from '#core/ledger/run-proof.ts';
import { objectKey, TASK_RESULT } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import { ENVELOPE_MAX_BYTES } from '#core/tasks/proof/dsse.ts';
import { openResult } from '#core/tasks/proof/statement.ts';
import type { Run } from '#core/tasks/run.ts';
import { executionsOf } from '#core/tasks/run-state.ts';
import { requestFile } from '#core/tasks/verify/request-file.ts';
import type { LedgerView } from '../sessions/handler.ts';

export interface EvidencePorts {
  readonly source: Pick<RecordingSource, 'get'>;
  readonly ledger: LedgerView;
  readonly requests: Pick<AccessRequests, 'get'>;
  readonly signer: () => Promise<Uint8Array>;
}

/** What of a run's folder is neither the run nor its sessions: what reviewers approved, and the proof of the leaves of both. */
export interface Beside {
  /** Undefined while nothing of the run is in the ledger. */
  readonly proof?: RunProof;
  readonly requests: readonly string[];
}

export async function besideOf(run: Run, ports: EvidencePorts): Promise<Beside> {
  const ids = await approvedIn(run, ports);
  const requests = await Promise.all(ids.map(async (id) => requestFile(await ports.requests.get(id))));
  const { ledger } = ports;
  const newest = await ledger.newest();
  const fetch = (path: string): Promise<Uint8Array> => ledger.fetch(path);
  const proof =
    newest && (await proveRun(newest.note, newest.checkpoint, fetch, [run.id, ...ids], ledger.find));
  const texts = requests.map((bytes) => Buffer.from(bytes).toString());
  return { ...(proof === undefined ? {} : { proof }), requests: texts };
}

/** The requests by which deviations went on, by the run's results. What cannot be read, the verifier says. */
async function approvedIn(run: Run, { source, signer }: EvidencePorts): Promise<readonly string[]> {
  const der = await signer();
  const settled = executionsOf(run).filter(({ ended }) => ended !== undefined);
  const found = await Promise.all(
    settled.map(async ({ session }) => {
      try {
        const bytes = await source.get(objectKey(session, TASK_RESULT), ENVELOPE_MAX_BYTES);
        const { deviations } = openResult(bytes, der).result;
        return deviations.flatMap(({ how, request }) =>
          how === 'approved' && request !== undefined ? [request] : [],
        );
      } catch (error) {
        if (['not-found', 'format-invalid'].includes(asCustodyError(error).code)) return [];
        throw error;
      }
    }),
  );
  return [...new Set(found.flat())];
}
