import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { proveSession } from '#core/ledger/prove-session.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { openSessionProof, type SessionProof } from '#core/ledger/session-proof.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { MemoryHead, MemoryQueue } from '#test/support/memory-ledger.ts';
import { MemoryIndex, MemoryJournal, MemoryStore, memorySigner } from '#test/support/memory-ports.ts';
import { opening, slabsOf, textFrame } from '#test/support/recorder.ts';

const ORIGIN = 'custody.example/ledger';
const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;

const store = new MemoryStore();
const signer = memorySigner();
const [head, queue] = [new MemoryHead(), new MemoryQueue()];
let proof: SessionProof;

async function proofOf(n: number): Promise<SessionProof | undefined> {
  const note = head.history.at(-1)!;
  const checkpoint = openCheckpoint(note, ORIGIN, signer.der);
  return proveSession(note, checkpoint, (path) => store.get(tileKey(path)), opening(n).session);
}

beforeAll(async () => {
  const [journal, index, lease] = [new MemoryJournal(), new MemoryIndex(), { isHeld: true, task: 'task-1' }];
  const recorder = new Recorder({ sink: store, signer, journal, index, leaves: queue, lease });
  for (let n = 0; n < 20; n += 1) {
    await recorder.open(n, opening(n), 0);
    await recorder.commit(slabsOf([textFrame(n, 10, `select ${n}`)], 1));
    if (n !== 7) await recorder.close(n, ENDING);
  }
  const sequencer = new Sequencer({ objects: store, head, queue, signer }, ORIGIN);
  while ((await sequencer.step()).kind !== 'nothing');
  proof = (await proofOf(3))!;
});

/** What verify says of session n with this proof in its folder. */
async function verified(n: number, ledger: unknown): Promise<VerifyReport> {
  const { session } = opening(n);
  const evidence = store.evidence(session, signer.pem);
  const bytes = Buffer.from(typeof ledger === 'string' ? ledger : JSON.stringify(ledger));
  const folder = {
    list: async () => [...(await evidence.list()), 'ledger.json'],
    get: async (name: string) => (name === 'ledger.json' ? bytes : evidence.get(name)),
  };
  return verifyEvidence(folder, { trustedSigners: [signer.der], session });
}

const said = ({ verdict, findings }: VerifyReport): string[] => [
  verdict,
  ...findings.map(({ code }) => code),
];

describe("a session's proof", () => {
  it('proves its opening and its end, offline', async () => {
    const report = await verified(3, proof);
    expect(said(report)).toEqual(['verified']);
    expect(report.facts?.ledger).toEqual({ origin: ORIGIN, size: 39, opened: true, ended: true });
  });

  it('of a live session proves its opening', async () => {
    expect((await verified(7, await proofOf(7))).facts?.ledger).toMatchObject({ opened: true, ended: false });
  });

  it('is not there for a session that is not in the ledger; without it nothing is said', async () => {
    expect(await proofOf(21)).toBeUndefined();
    const { session } = opening(3);
    const report = await verifyEvidence(store.evidence(session, signer.pem), {
      trustedSigners: [signer.der],
    });
    expect([said(report), report.facts?.ledger]).toEqual([['verified'], undefined]);
  });

  it('of another session is none', async () => {
    expect(said(await verified(4, proof))).toContain('ledger-proof-mismatch');
  });

  it.each<[what: string, change: (proof: SessionProof) => unknown]>([
    [
      'another index',
      (p) => ({ ...p, leaves: p.leaves.map((leaf) => ({ ...leaf, index: leaf.index + 1 })) }),
    ],
    [
      'a hash less',
      (p) => ({ ...p, leaves: p.leaves.map((leaf) => ({ ...leaf, proof: leaf.proof.slice(1) })) }),
    ],
    [
      'another leaf',
      (p) => ({
        ...p,
        leaves: p.leaves.map((leaf) => ({ ...leaf, leaf: leaf.leaf.replace('09:0', '09:1') })),
      }),
    ],
    ['a checkpoint of another size', (p) => ({ ...p, checkpoint: p.checkpoint.replace('\n39\n', '\n40\n') })],
    ['a checkpoint without its signature', (p) => ({ ...p, checkpoint: p.checkpoint.split('\n\n')[0] })],
    [
      'a hash that is too short',
      (p) => ({ ...p, leaves: p.leaves.map((leaf) => ({ ...leaf, proof: ['AAAA', ...leaf.proof] })) }),
    ],
    ['another type', (p) => ({ ...p, type: 'custody/ledger-proof/2' })],
    ['no JSON', () => '{'],
    ['too much of it', (p) => ({ ...p, padding: 'x'.repeat(200_000) })],
  ])('with %s fails', async (_, change) => {
    const report = await verified(3, change(proof));
    expect(said(report)).toEqual([
      'failed',
      expect.stringMatching(/^(ledger-proof-invalid|object-too-large)$/),
    ]);
  });

  it('under another key fails', () => {
    expect(() => openSessionProof(Buffer.from(JSON.stringify(proof)), memorySigner().der)).toThrow(
      'no signature',
    );
  });

  it('holds a statement that was signed anew against the one that was entered', async () => {
    const key = `sessions/${opening(3).session}/close.json`;
    const [close, signature] = [store.objects.get(key)!, store.objects.get(`${key}.sig`)!];
    const forged = Buffer.from(Buffer.from(close).toString().replace('client-closed', 'terminated'));
    store.objects.set(key, forged);
    store.objects.set(`${key}.sig`, await signer.sign(forged));
    expect(said(await verified(3, proof))).toEqual(['failed', 'ledger-proof-mismatch']);
    store.objects.set(key, close);
    store.objects.set(`${key}.sig`, signature);
  });
});
