import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue, localLedgerHead } from '#adapters/local/ledger.ts';
import { type AuditReport, auditLedger } from '#core/ledger/audit.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import type { Stand } from './stand.ts';

/** A leaf is in a checkpoint within a minute. */
const ENTERED_WITHIN_MS = 60_000;

/** What `custody audit` says of all that the rounds left, once the ledger has taken it in. */
export async function auditStand({ dataDir }: Pick<Stand, 'dataDir'>): Promise<AuditReport> {
  const queue = localLeafQueue(dataDir);
  const until = Date.now() + ENTERED_WITHIN_MS;
  while ((await queue.list(1)).length > 0 && Date.now() < until) await sleep(200);
  queue.close();
  const store = directoryStore(join(dataDir, 'store'));
  const signer = await fileSigner(dataDir).publicKey();
  const head = localLedgerHead(dataDir);
  const stored = await head.read();
  head.close();
  return auditLedger({
    checkpoint: openCheckpoint(stored!.checkpoint, LOCAL_ORIGIN, signer),
    store,
    signer,
    // Nothing is too young to be in the ledger, and nothing lives any more.
    now: new Date(Date.now() + 2 * ENTERED_WITHIN_MS),
    sealDeadlineMs: 1,
  });
}
