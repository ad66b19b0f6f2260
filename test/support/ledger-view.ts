import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import type { LedgerView } from '#lambdas/sessions/handler.ts';
import { MemoryHead, MemoryQueue } from './memory-ledger.ts';
import { MemoryStore, memorySigner } from './memory-ports.ts';

const ORIGIN = 'custody.example/ledger';

/** A ledger that has the openings of these sessions. */
export async function ledgerOf(sessions: readonly string[]): Promise<LedgerView> {
  const [objects, head, queue, signer] = [
    new MemoryStore(),
    new MemoryHead(),
    new MemoryQueue(),
    memorySigner(),
  ];
  for (const session of sessions) {
    const principal = { issuer: 'https://id.example', subject: 'dev-1' };
    const at = '2026-11-23T09:00:00.000Z';
    const opened = { kind: 'session-opened', at, session, statement: 'a'.repeat(64), principal } as const;
    await queue.add(leafBytes({ type: 'custody/leaf/1', ...opened, target: 'orders-db' }));
  }
  await new Sequencer({ objects, head, queue, signer }, ORIGIN).step();
  const note = head.history.at(-1)!;
  const newest = { note, checkpoint: openCheckpoint(note, ORIGIN, signer.der) };
  return { newest: async () => newest, fetch: (path) => objects.get(tileKey(path)) };
}
