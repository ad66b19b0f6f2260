/**
 * What the sealer Lambda does, on a laptop: seals the sessions of tasks that stopped renewing their lease, beside gateways
 * that live. `node local/sealer.ts --data-dir DIR [--once]`. A gateway seals what it finds at its start by itself.
 */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { journalRemains } from '#adapters/local/journal.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { localSealingClaims } from '#adapters/local/sealing-claims.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { behindItsLog } from '#adapters/local/store-log/folder.ts';
import { localLeases } from '#adapters/local/task-leases.ts';
import { asCustodyError } from '#core/errors.ts';
import { type Sealing, sealEnded } from '#core/recording/seal.ts';
import { Claimant } from '#core/recording/sealing-claims.ts';
import { jsonLog } from '#proxy/log.ts';

const EVERY_MS = 5_000;

const { values } = parseArgs({
  options: { 'data-dir': { type: 'string', default: '.custody' }, once: { type: 'boolean', default: false } },
});
const log = jsonLog(
  (line) => process.stderr.write(`${line}\n`),
  () => new Date(),
);
await runSealer(resolve(values['data-dir']), values.once);

async function runSealer(dataDir: string, once: boolean): Promise<void> {
  const seal = sealerOf(dataDir);
  for (;;) {
    try {
      const { sealed, failures, troubles = [] } = await seal();
      if (sealed > 0 || once) log('sealed', undefined, { sessions: sealed });
      for (const { session, error } of failures) log('seal-failed', error, { session });
      for (const { task, error } of troubles) log('seal-failed', error, { task });
      if (once) process.exitCode = failures.length + troubles.length === 0 ? 0 : 1;
    } catch (thrown) {
      log('seal-failed', asCustodyError(thrown));
      if (once) process.exitCode = 1;
    }
    if (once) return;
    await sleep(EVERY_MS);
  }
}

function sealerOf(dataDir: string): () => Promise<Sealing> {
  const ports = {
    store: directoryStore(join(dataDir, 'store')),
    signer: fileSigner(dataDir),
    index: openSessionIndex(join(dataDir, 'index.sqlite')),
    leaves: localLeafQueue(dataDir),
  };
  const leases = localLeases(dataDir);
  const remainsOf = (task: string) =>
    behindItsLog(journalRemains(join(dataDir, 'journal'), task), dataDir, task, ports);
  const claimant = new Claimant(localSealingClaims(dataDir), randomUUID(), () => new Date());
  // One machine, one clock: nothing is added for skew. Nobody ends it: there is always time.
  return () => sealEnded(leases, remainsOf, ports, new Date(), { mayBegin: () => true, claimant });
}
