import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, signCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { type Leaf, leafBytes, parseLeaf } from '#core/ledger/leaf.ts';
import { leafHash, nodeHash } from '#core/ledger/merkle.ts';
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
    await recorder.open(n + 1, opening(n), 0);
    await recorder.commit(slabsOf([textFrame(n + 1, 10, `select ${n}`)], 1));
    if (n !== 7) await recorder.close(n + 1, ENDING);
  }
  const sequencer = new Sequencer({ objects: store, head, queue, signer }, ORIGIN);
  while ((await sequencer.step()).kind !== 'nothing');
  proof = (await proofOf(3))!;
});

/** What verify says of session n with this proof in its folder. */
async function verified(
  n: number,
  ledger: unknown,
  expected: string | undefined = ORIGIN,
): Promise<VerifyReport> {
  const { session } = opening(n);
  const evidence = store.evidence(session, signer.pem);
  const bytes = Buffer.from(typeof ledger === 'string' ? ledger : JSON.stringify(ledger));
  const folder = {
    list: async () => [...(await evidence.list()), 'ledger.json'],
    get: async (name: string) => (name === 'ledger.json' ? bytes : evidence.get(name)),
  };
  return verifyEvidence(folder, { trustedSigners: [signer.der], session, ledger: expected });
}

/** Base64 of the same bytes, in which the bits that say nothing are set. */
const respelt = (hash: string): string =>
  hash.replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`);

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

  /** Every proof must prove something: no leaf is missing, and none is of something else. */
  it.each<
    [what: string, change: (leaves: SessionProof['leaves'], other: SessionProof['leaves']) => unknown[]]
  >([
    ['no leaves', () => []],
    ['its opening alone, where it has ended', ([opened]) => [opened]],
    ['its end alone', ([, ended]) => [ended]],
    ['its opening twice', ([opened]) => [opened, opened]],
    ['its end twice', ([opened, ended]) => [opened, ended, ended]],
    ['leaves of another session beside its own', (leaves, other) => [...leaves, ...other]],
    ['leaves of another session instead of its own', (_, other) => [...other]],
    ['the end of another session', ([opened], [, ended]) => [opened, ended]],
    ['a member in a leaf that nobody knows', (leaves) => leaves.map((leaf) => ({ ...leaf, note: 'x' }))],
    [
      'proofs spelt another way',
      (leaves) => leaves.map((leaf) => ({ ...leaf, proof: leaf.proof.map(respelt) })),
    ],
  ])('with %s is none', async (_, change) => {
    const other = (await proofOf(4))!.leaves;
    const report = await verified(3, { ...proof, leaves: change(proof.leaves, other) });
    expect(report.verdict).toBe('failed');
    expect(report.findings.every(({ code }) => code.startsWith('ledger-proof-'))).toBe(true);
    expect(report.facts?.ledger).toBeUndefined();
  });

  it('of a session that is not sealed has its opening alone', async () => {
    const live = (await proofOf(7))!;
    expect(live.leaves).toHaveLength(1);
    const [, ended] = proof.leaves;
    expect(said(await verified(7, { ...live, leaves: [...live.leaves, ended] }))).toContain(
      'ledger-proof-mismatch',
    );
  });

  it.each<[what: string, change: (text: string) => string]>([
    ['leaves twice, the second empty', (text) => text.replace(/\}$/, ',"leaves":[]}')],
    ['leaves twice, the first empty', (text) => text.replace('{', '{"leaves":[],')],
    ['leaves twice, once with an escape', (text) => text.replace('{', '{"\\u006ceaves":[],')],
    ['an index twice', (text) => text.replace('"index":', '"index":0,"index":')],
    ['__proto__', (text) => text.replace('{', '{"__proto__":{"leaves":[]},')],
    ['a member that nobody knows', (text) => text.replace('{', '{"note":1,')],
    [
      'nesting without end',
      (text) => text.replace('{', `{"note":${'['.repeat(60_000)}${']'.repeat(60_000)},`),
    ],
  ])('with %s is refused', async (_, change) => {
    const report = await verified(3, change(JSON.stringify(proof)));
    expect(said(report)).toEqual(['failed', 'ledger-proof-invalid']);
  });

  it('is of the ledger that the auditor expects, whatever other ledgers the same key signs for', async () => {
    expect(said(await verified(3, proof, 'other.example/ledger'))).toEqual([
      'failed',
      'ledger-proof-invalid',
    ]);
    const checkpoint = openCheckpoint(head.history.at(-1)!, ORIGIN, signer.der);
    const note = await signCheckpoint({ ...checkpoint, origin: 'other.example/ledger' }, signer);
    const report = await verified(3, { ...proof, checkpoint: note });
    expect(report.findings).toEqual([
      expect.objectContaining({
        code: 'ledger-proof-invalid',
        message: `ledger.json: the checkpoint is of another ledger: other.example/ledger, where ${ORIGIN} is expected`,
      }),
    ]);
  });

  it('is no proof to an auditor who expects no ledger, and says so', async () => {
    const evidence = store.evidence(opening(3).session, signer.pem);
    const folder = {
      list: async () => [...(await evidence.list()), 'ledger.json'],
      get: async (name: string) => (name === 'ledger.json' ? Buffer.from('{}') : evidence.get(name)),
    };
    const report = await verifyEvidence(folder, { trustedSigners: [signer.der] });
    expect(said(report)).toEqual(['unanchored', 'ledger-unanchored']);
  });

  it('shows a leaf once that was entered again, after a week', async () => {
    const [opened] = proof.leaves;
    const places = [opened!.index, opened!.index, ...proof.leaves.map(({ index }) => index)];
    const note = head.history.at(-1)!;
    const found = await proveSession(
      note,
      openCheckpoint(note, ORIGIN, signer.der),
      (path) => store.get(tileKey(path)),
      opening(3).session,
      async () => places,
    );
    expect(found?.leaves).toHaveLength(2);
  });

  it.each<[what: string, name: string, leaf: (leaf: Leaf) => Leaf]>([
    ['target', 'open.json', (leaf) => ({ ...leaf, target: 'payroll' }) as Leaf],
    ['principal', 'open.json', (leaf) => ({ ...leaf, principal: { issuer: 'x', subject: 'y' } }) as Leaf],
    [
      'actor',
      'open.json',
      (leaf) =>
        ({
          ...leaf,
          principal: { ...opening(3).principal, actors: [{ issuer: 'x', subject: 'agent-7' }] },
        }) as Leaf,
    ],
    ['start', 'open.json', (leaf) => ({ ...leaf, at: '2026-11-23T08:00:00.000Z' })],
    ['end', 'close.json', (leaf) => ({ ...leaf, at: '2026-11-23T08:00:00.000Z' })],
    ['reason', 'close.json', (leaf) => ({ ...leaf, reason: 'expired' }) as Leaf],
    ['kind', 'close.json', (leaf) => ({ ...leaf, kind: 'session-recovered' }) as Leaf],
  ])('names another %s than the statement: it does not fit', async (_, name, change) => {
    const leaves = proof.leaves.map(({ leaf }) => {
      const parsed = parseLeaf(Buffer.from(leaf))!;
      const isAbout = (parsed.kind === 'session-opened') === (name === 'open.json');
      return Buffer.from(leafBytes(isAbout ? change(parsed) : parsed));
    });
    const [one, other] = leaves.map(leafHash) as [Buffer, Buffer];
    const root = nodeHash(one, other);
    const forged = {
      ...proof,
      checkpoint: await signCheckpoint({ origin: ORIGIN, size: 2, root }, signer),
      leaves: leaves.map((leaf, index) => ({
        index,
        leaf: leaf.toString(),
        proof: [(index === 0 ? other : one).toString('base64')],
      })),
    };
    expect(said(await verified(3, forged))).toEqual(['failed', 'ledger-proof-mismatch']);
  });

  it('under another key fails', () => {
    expect(() => openSessionProof(Buffer.from(JSON.stringify(proof)), ORIGIN, memorySigner().der)).toThrow(
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
