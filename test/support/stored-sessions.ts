/** A store on disk with sessions in its ledger, and the evidence folder of one of them, without a gateway. */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { type AuditReport, auditLedger } from '#core/ledger/audit.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { proveSession } from '#core/ledger/prove-session.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { MemoryHead, MemoryQueue } from './memory-ledger.ts';
import { MemoryIndex, MemoryJournal, memorySigner } from './memory-ports.ts';
import { opening, slabsOf, textFrame } from './recorder.ts';

export const ORIGIN = 'custody.example/ledger';

export interface StoredSessions {
  /** The folder that holds all of it. */
  readonly root: string;
  /** A copy of a store with its checkpoint. */
  readonly store: string;
  /** The evidence of the first session, with signer.pem and ledger.json. */
  readonly evidence: string;
  readonly signer: ReturnType<typeof memorySigner>;
  readonly sessions: readonly string[];
  readonly checkpoint: Checkpoint;
  audit(): Promise<AuditReport>;
}

/** `count` sessions, each sequenced by itself, so that partial tiles of earlier trees are there. */
export async function storeSessions(count: number): Promise<StoredSessions> {
  // A short name: that of a socket has little room.
  const root = mkdtempSync(join(tmpdir(), 'ev-'));
  const [store, evidence] = [join(root, 's'), join(root, 'e')];
  mkdirSync(store);
  const [objects, signer, head, queue] = [
    directoryStore(store),
    memorySigner(),
    new MemoryHead(),
    new MemoryQueue(),
  ];
  const recorder = new Recorder({
    sink: objects,
    signer,
    journal: new MemoryJournal(),
    index: new MemoryIndex(),
    leaves: queue,
    lease: { isHeld: true, task: 'task-1' },
  });
  const sequencer = new Sequencer({ objects, head, queue, signer }, ORIGIN);
  for (let n = 0; n < count; n += 1) {
    const tape = n + 1;
    await recorder.open(tape, opening(n), 0);
    await recorder.commit(slabsOf([textFrame(tape, 10, `select ${n}`)], 1));
    await recorder.close(tape, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
    while ((await sequencer.step()).kind !== 'nothing');
  }
  const note = head.history.at(-1)!;
  const checkpoint = openCheckpoint(note, ORIGIN, signer.der);
  writeFileSync(join(store, 'ledger', 'checkpoint'), note);
  const sessions = Array.from({ length: count }, (_, n) => opening(n).session);
  cpSync(join(store, 'sessions', sessions[0]!), evidence, { recursive: true });
  const fetch = (path: string) => objects.get(tileKey(path));
  writeFileSync(
    join(evidence, 'ledger.json'),
    JSON.stringify(await proveSession(note, checkpoint, fetch, sessions[0]!)),
  );
  writeFileSync(join(evidence, 'signer.pem'), signer.pem);
  writeFileSync(join(root, 'k'), signer.pem);
  const audit = () =>
    auditLedger({
      checkpoint,
      store: objects,
      signer: signer.der,
      now: new Date('2026-11-24T09:00:00.000Z'),
      sealDeadlineMs: 1,
    });
  return { root, store, evidence, signer, sessions, checkpoint, audit };
}
