import { beforeEach, describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { type AuditInput, auditLedger } from '#core/ledger/audit.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { enter, openedLeaf } from '#core/ledger/leaves.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import type { CloseStatement, OpenStatement } from '#core/recording/format.ts';
import type { Opening } from '#core/recording/recorder.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { statementBytes } from '#core/recording/statements.ts';
import { MemoryHead, MemoryQueue } from '#test/support/memory-ledger.ts';
import { MemoryIndex, MemoryJournal, MemoryStore, memorySigner } from '#test/support/memory-ports.ts';
import { opening as anyOpening, slabsOf, textFrame } from '#test/support/recorder.ts';

const ORIGIN = 'custody.example/ledger';
const START = Date.parse('2026-11-23T09:00:00.000Z');
const HOUR = 3_600_000;
const NOW = new Date(START + 10 * HOUR);

/** Session n began n hours after the first. */
function opening(n: number): Opening {
  const at = START + n * HOUR;
  return {
    ...anyOpening(n),
    session: newSessionId(at, new Uint8Array(10).fill(n)),
    startedAt: new Date(at).toISOString(),
  };
}
const idOf = (n: number): string => opening(n).session;
const tapeOf = (n: number): number => n + 1;

class Deployment {
  readonly store = new MemoryStore();
  readonly signer: ReturnType<typeof memorySigner>;
  readonly head = new MemoryHead();
  readonly queue = new MemoryQueue();
  readonly #sequencer: Sequencer;
  readonly #recorder: Recorder;

  constructor(signer = memorySigner()) {
    this.signer = signer;
    const { store, head, queue } = this;
    this.#sequencer = new Sequencer({ objects: store, head, queue, signer }, ORIGIN);
    this.#recorder = new Recorder({
      sink: store,
      signer,
      journal: new MemoryJournal(),
      index: new MemoryIndex(),
      leaves: queue,
      lease: { isHeld: true, task: 'task-1' },
    });
  }

  async open(n: number): Promise<void> {
    await this.#recorder.open(tapeOf(n), opening(n), 0);
    await this.#recorder.commit(slabsOf([textFrame(tapeOf(n), 10, `select ${n}`)], 1));
  }

  async close(n: number): Promise<void> {
    const endedAt = new Date(START + n * HOUR + 60_000).toISOString();
    await this.#recorder.close(tapeOf(n), { reason: 'client-closed', endedAt, at: 60_000 });
  }

  async sequence(): Promise<void> {
    while ((await this.#sequencer.step()).kind !== 'nothing');
  }

  get checkpoint(): Checkpoint {
    return openCheckpoint(this.head.history.at(-1)!, ORIGIN, this.signer.der);
  }

  statement<T extends OpenStatement | CloseStatement>(
    n: number,
    name: T extends OpenStatement ? 'open.json' : 'close.json',
  ): T {
    return JSON.parse(Buffer.from(this.store.objects.get(`sessions/${idOf(n)}/${name}`)!).toString()) as T;
  }

  remove(n: number, name?: string): void {
    for (const key of [...this.store.objects.keys()])
      if (key.startsWith(`sessions/${idOf(n)}/${name ?? ''}`)) this.store.objects.delete(key);
  }

  /** `code session: message` of every finding. */
  async audit(more: Partial<AuditInput> = {}): Promise<string[]> {
    const report = await auditLedger(this.input(more));
    return report.findings.map(
      ({ code, session, message }) =>
        `${code} ${session === undefined ? 'ledger' : idName(session)}: ${message}`,
    );
  }

  input(more: Partial<AuditInput> = {}): AuditInput {
    return {
      checkpoint: this.checkpoint,
      store: this.store,
      signer: this.signer.der,
      now: NOW,
      sealDeadlineMs: 24 * HOUR,
      ...more,
    };
  }
}

function storeOf({ store }: AuditInput): AuditInput['store'] {
  return {
    list: (prefix) => store.list(prefix),
    get: (key, atMost) => store.get(key, atMost),
    sizes: (prefix) => store.sizes(prefix),
    size: (key) => store.size(key),
  };
}

const idName = (session: string): string =>
  ['#0', '#1', '#2', '#3'].find((_, n) => idOf(n) === session) ?? session;

let there: Deployment;
beforeEach(async () => {
  there = new Deployment();
  for (const n of [0, 1]) {
    await there.open(n);
    await there.close(n);
  }
  await there.open(2);
  await there.sequence();
});

describe('auditLedger', () => {
  it('finds nothing wrong with a whole deployment, and counts what it saw', async () => {
    expect(await auditLedger(there.input())).toEqual({
      findings: [],
      facts: {
        size: 5,
        leaves: { 'session-opened': 3, 'session-closed': 2 },
        sessions: 3,
        verified: 2,
        live: 1,
        neverOpened: 0,
        pending: 0,
      },
    });
  });

  it('a removed session', async () => {
    there.remove(0);
    expect(await there.audit()).toEqual([
      'session-missing #0: it is in the ledger, and nothing of it is in the store',
    ]);
  });

  it('a session whose close statement was removed', async () => {
    there.remove(0, 'close.json');
    expect(await there.audit()).toEqual([
      'close-missing #0: close.json is in the ledger and not in the store',
    ]);
  });

  it('a session whose opening was removed', async () => {
    there.remove(0, 'open.json');
    expect(await there.audit()).toContain(
      'session-missing #0: open.json is in the ledger and not in the store',
    );
  });

  it('a removed segment, an altered byte: the evidence itself says what', async () => {
    there.remove(0, '00000000.seg');
    const key = `sessions/${idOf(1)}/00000000.seg`;
    const segment = Uint8Array.from(there.store.objects.get(key)!);
    segment[9]! ^= 1;
    there.store.objects.set(key, segment);
    const findings = await there.audit();
    expect(findings.map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
      'session-altered #0: segment-missing',
      expect.stringMatching(/^session-altered #1: (content|head)/),
    ]);
  });

  it('a statement that was written and signed anew by who holds the signing key', async () => {
    const close = there.statement<CloseStatement>(0, 'close.json');
    const bytes = statementBytes({ ...close, reason: 'terminated' });
    there.store.objects.set(`sessions/${idOf(0)}/close.json`, bytes);
    there.store.objects.set(`sessions/${idOf(0)}/close.json.sig`, await there.signer.sign(bytes));
    const [finding, ...more] = await there.audit();
    expect(more).toEqual([]);
    expect(finding).toMatch(
      /^statement-replaced #0: close.json is not the one that was entered: it hashes to [0-9a-f]{16}…, the ledger has [0-9a-f]{16}…$/,
    );
  });

  it('a session that is not in the ledger', async () => {
    await there.open(3);
    expect(await there.audit()).toEqual([
      'session-unlisted #3: it is in the store, and its opening is not in the ledger',
    ]);
  });

  it('not one that is younger than the minute that a leaf may take', async () => {
    await there.open(3);
    const now = new Date(START + 3 * HOUR + 59_000);
    expect((await auditLedger(there.input({ now }))).facts.pending).toBe(1);
    expect(await there.audit({ now })).toEqual([]);
  });

  it.each(['open.json', 'open.json.sig'])(
    'not one whose gateway died before it was open, with nothing but %s',
    async (name) => {
      await there.store.put(`sessions/${idOf(3)}/${name}`, new Uint8Array(70));
      const report = await auditLedger(there.input());
      expect([report.findings, report.facts.neverOpened]).toEqual([[], 1]);
    },
  );

  it('one that was open and whose signature is gone, with all that was recorded', async () => {
    await there.open(3);
    await there.sequence();
    const prefix = `sessions/${idOf(3)}/`;
    for (const name of await there.store.list(prefix))
      if (name !== 'open.json') there.store.objects.delete(prefix + name);
    expect((await auditLedger(there.input())).findings.map(({ code }) => code)).toContain('session-altered');
  });

  it('a leaf without a session', async () => {
    const open = { ...there.statement<OpenStatement>(0, 'open.json'), session: idOf(3) };
    await enter(openedLeaf(open, statementBytes(open)), there.queue);
    await there.sequence();
    expect(await there.audit()).toEqual([
      'session-missing #3: it is in the ledger, and nothing of it is in the store',
    ]);
  });

  it('a session that is not sealed by its deadline', async () => {
    expect(await there.audit({ sealDeadlineMs: 7 * HOUR })).toEqual([
      `session-unsealed #2: it was opened ${opening(2).startedAt} and is not sealed`,
    ]);
  });

  it('an end that never reached the ledger', async () => {
    there.queue.add = async () => undefined;
    await there.close(2);
    expect(await there.audit()).toEqual([
      'close-unlisted #2: close.json is in the store, and its end is not in the ledger',
    ]);
  });

  it('an opening that was entered twice, with two statements', async () => {
    const open = { ...there.statement<OpenStatement>(0, 'open.json'), policy: 'b'.repeat(64) };
    await enter(openedLeaf(open, statementBytes(open)), there.queue);
    await there.sequence();
    expect(await there.audit()).toEqual(['opened-twice #0: the ledger has 2 openings of it']);
  });

  it('a leaf that cannot be read', async () => {
    await there.queue.add(Buffer.from('{"type":"custody/leaf/1","kind":"session-opened"}'));
    await there.sequence();
    expect(await there.audit()).toEqual([expect.stringMatching(/^leaf-malformed ledger: leaf 5: /)]);
  });

  it('a ledger that grew since the auditor looked', async () => {
    const since = there.checkpoint;
    await there.close(2);
    await there.sequence();
    expect(await there.audit({ since })).toEqual([]);
    expect((await auditLedger(there.input({ since }))).facts).toMatchObject({ size: 6, grewFrom: 5 });
  });

  it('a ledger that was rolled back', async () => {
    const older = there.head.history.at(-1)!;
    await there.close(2);
    await there.sequence();
    const since = there.checkpoint;
    there.head.history.push(older);
    expect(await there.audit({ since })).toContain(
      'ledger-rolled-back ledger: the ledger was rolled back: it had 6 leaves and now has 5',
    );
  });

  it('takes a store that does not answer neither for a fork nor for an empty one', async () => {
    const since = there.checkpoint;
    await there.open(3);
    await there.sequence();
    const away = new CustodyError('store-unavailable', 'the store does not answer');
    const input = there.input({ since });
    for (const deaf of [
      { ...input, store: { ...storeOf(input), get: () => Promise.reject(away) } },
      { ...input, store: { ...storeOf(input), list: () => Promise.reject(away) } },
    ])
      await expect(auditLedger(deaf)).rejects.toBe(away);
    for (const key of [...there.store.objects.keys()])
      if (/^ledger\/(?:staging|tile\/0)\//.test(key)) there.store.objects.delete(key);
    const { findings } = await auditLedger(input);
    expect(findings[0]).toEqual({
      code: 'ledger-altered',
      message: 'whether the ledger grew cannot be said: no such object',
    });
  });

  it('a ledger that was forked: made anew without a session', async () => {
    const since = there.checkpoint;
    const fork = new Deployment(there.signer);
    for (const n of [0, 1, 2]) await fork.open(n);
    for (const n of [0, 1, 2]) await fork.close(n);
    await fork.sequence();
    const forked = openCheckpoint(fork.head.history.at(-1)!, ORIGIN, fork.signer.der);
    const report = await auditLedger({ ...fork.input({ since }), checkpoint: forked });
    expect(report.findings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'ledger-forked: the ledger is not the one of the older checkpoint: its first 5 leaves differ (a fork)',
    ]);
  });

  it('an altered entry, and a tile that is gone', async () => {
    const key = tileKey('tile/entries/000.p/5');
    const bundle = Uint8Array.from(there.store.objects.get(key)!);
    bundle[100]! ^= 1;
    there.store.objects.set(key, bundle);
    expect(await there.audit()).toContainEqual(expect.stringMatching(/^ledger-altered ledger: the entries/));
    for (const staged of [...there.store.objects.keys()].filter((at) => at.startsWith('ledger/staging/')))
      there.store.objects.delete(staged);
    there.store.objects.delete(key);
    const gone = await there.audit();
    expect(gone[0]).toBe(`tile-missing ledger: ${key} is missing`);
    expect(gone[1]).toBe(
      'session-unlisted #0: it is in the store, and its opening is not in what is left of the ledger',
    );
  });

  it('looks at sessions of the asked time only, and at the whole ledger', async () => {
    there.remove(0);
    const from = new Date(START + HOUR);
    const to = new Date(START + 2 * HOUR);
    const report = await auditLedger(there.input({ from, to }));
    expect(report.facts).toMatchObject({ size: 5, sessions: 1, verified: 1 });
    expect(report.findings).toEqual([]);
    expect(await there.audit({ to })).toHaveLength(1);
  });
});
