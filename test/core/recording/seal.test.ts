import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Stream } from '#core/recording/format.ts';
import { objectKey } from '#core/recording/layout.ts';
import { manifestOf } from '#core/recording/manifest.ts';
import type { JournaledTail } from '#core/recording/ports.ts';
import { sealAbandoned } from '#core/recording/seal.ts';
import { type Stored, sealSession, storedOf } from '#core/recording/seal-session.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import { headBytes, leafOf, segmentBytes } from '#core/recording/trailer.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { Slots } from '#core/slots.ts';
import { MemoryIndex, type MemoryJournal, MemoryStore, memorySigner } from '#test/support/memory-ports.ts';
import { failuresOf, memoryRecorder, opening, slabsOf, textFrame } from '#test/support/recorder.ts';
import { remainsOfTails } from '#test/support/remains.ts';
import { sessionRecord } from '#test/support/session-records.ts';

const NOW = new Date('2026-11-23T10:00:00.000Z');
const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;

type Parts = ReturnType<typeof memoryRecorder>;

/** What the journal of a dead gateway gives back. */
function tailsOf({ entries }: MemoryJournal): JournaledTail[] {
  const tails = new Map<string, JournaledTail>();
  for (const { session, segment, block, head, voucher } of entries) {
    const known = tails.get(`${session}/${segment}`);
    const content = Buffer.concat([known?.content ?? new Uint8Array(0), block]);
    tails.set(`${session}/${segment}`, { session, segment, content, head, voucher });
  }
  return [...tails.values()];
}

function vouchedBy(tail: JournaledTail, { ...change }: Record<string, unknown>): JournaledTail {
  const { manifest, ...others } = { ...tail.voucher, ...change };
  return { ...tail, voucher: manifest === undefined ? others : { ...others, manifest } };
}

/** It lists the tail, and nobody has signed it. */
function manifestFor(tail: JournaledTail): Uint8Array {
  return manifestOf([leafOf(tail.head), '0'.repeat(64)]);
}

function bytesOf({ content, head, voucher }: JournaledTail): Buffer {
  return segmentBytes(content, { head: headBytes(head), ...voucher });
}

async function verdictOf({ store, signer }: Pick<Parts, 'store' | 'signer'>, n = 0): Promise<string> {
  const { session } = opening(n);
  const report = await verifyEvidence(store.evidence(session, signer.pem), {
    trustedSigners: [signer.der],
    session,
  });
  return [report.verdict, ...report.findings.map(({ code }) => code)].join(' ');
}

function seal(parts: Parts, tails = tailsOf(parts.journal)) {
  return sealAbandoned(remainsOfTails(tails), parts, NOW);
}

/** Ten megabytes that stay as many: more than a segment takes, so that it is put at once, and the journal does not get it. */
const big = slabsOf(
  Array.from({ length: 20 }, () => ({
    tape: 1,
    stream: Stream.target,
    timeUs: 1000,
    payload: randomBytes(1 << 19),
  })),
  2,
);

/** A session with two stored segments and a tail in the journal, whose gateway died. */
async function abandoned(n = 0): Promise<Parts> {
  const parts = memoryRecorder();
  await parts.recorder.open(1, opening(n), 0);
  await parts.recorder.commit(slabsOf([textFrame(1, 10, 'select 1')], 1));
  await failuresOf(parts.recorder.commit(big));
  await failuresOf(parts.recorder.commit(big));
  await parts.recorder.commit(slabsOf([textFrame(1, 2000, 'drop table orders')], 3));
  await parts.recorder.commit(slabsOf([textFrame(1, 3000, 'commit')], 4));
  return parts;
}

const key = (name: string): string => objectKey(opening().session, name);

function replace({ store }: Parts, name: string, bytes: Uint8Array | undefined): void {
  store.objects.delete(key(name));
  if (bytes !== undefined) store.objects.set(key(name), bytes);
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(bytes).with(at, bytes.at(at)! ^ 1);
}

/** The one failure, which must name the session; the session must still be open in the index. */
async function failure(parts: Parts, tails = tailsOf(parts.journal)): Promise<string> {
  const { sealed, failures } = await seal(parts, tails);
  expect(sealed).toBe(0);
  expect(failures.map(({ session }) => session)).toEqual([opening().session]);
  const { message } = failures[0]!.error;
  expect(message).toContain(opening().session);
  expect((await parts.index.unsealed()).map(({ id }) => id)).toEqual([opening().session]);
  return message.replace(`session ${opening().session} cannot be sealed`, '').replace(/^: /, '');
}

describe('sealAbandoned', () => {
  it('seals a session from its segments and the journal, and says that it did', async () => {
    const parts = await abandoned();
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect(await verdictOf(parts)).toBe('verified');
    const record = await parts.index.get(opening().session);
    expect(record).toMatchObject({
      state: 'recovered',
      outcome: { segments: 3, frames: 43, reason: 'recovered' },
    });
    const close = JSON.parse(Buffer.from(await parts.store.get(key('close.json'))).toString());
    expect(close).toMatchObject({
      recovered: true,
      recordedUntil: 4000,
      endedAt: '2026-11-23T09:00:00.004Z',
    });
    expect(close.detail).toBe(
      'gateway task task-1 stopped without sealing; sealed at 2026-11-23T10:00:00.000Z',
    );
  });

  it('seals a session that was only opened', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect(await verdictOf(parts)).toBe('verified');
  });

  it('lists a session as failed whose statement was never stored', async () => {
    const parts = memoryRecorder();
    parts.store.put = () => Promise.reject(new Error('store is down'));
    await expect(parts.recorder.open(1, opening(), 0)).rejects.toMatchObject({ code: 'recording-failed' });
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect(parts.store.objects.size).toBe(0);
    expect((await parts.index.get(opening().session)).outcome).toMatchObject({ reason: 'gateway-failed' });
  });

  it.each(['open.json', 'open.json.sig'])(
    'lists a session as failed of whose opening only %s was stored: it was never open',
    async (name) => {
      const parts = memoryRecorder();
      const put = parts.store.put.bind(parts.store);
      parts.store.put = (key, bytes) =>
        key.endsWith(`/${name}`) ? put(key, bytes) : Promise.reject(new Error('store is down'));
      await expect(parts.recorder.open(1, opening(), 0)).rejects.toMatchObject({ code: 'recording-failed' });
      expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
      expect([...parts.store.objects.keys()]).toEqual([`sessions/${opening().session}/${name}`]);
      expect([...parts.leaves.added]).toEqual([]);
      expect((await parts.index.get(opening().session)).outcome).toMatchObject({ reason: 'gateway-failed' });
    },
  );

  it('seals what the journal holds of a session that a lost index does not know', async () => {
    const parts = { ...(await abandoned()), index: new MemoryIndex() };
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect(await verdictOf(parts)).toBe('verified');
  });

  it('does nothing for a sealed session that the journal still holds', async () => {
    const parts = await abandoned();
    await parts.recorder.close(1, ENDING);
    const before = new Map(parts.store.objects);
    expect(await seal(parts)).toEqual({ sealed: 0, failures: [] });
    expect(parts.store.objects).toEqual(before);
  });

  it('is harmless when repeated', async () => {
    const parts = await abandoned();
    await seal(parts);
    const before = new Map(parts.store.objects);
    expect(await seal({ ...parts, index: await freshIndex() })).toEqual({ sealed: 1, failures: [] });
    expect(parts.store.objects).toEqual(before);
  });

  it('is harmless when run twice at once', async () => {
    const parts = await abandoned();
    const other = { ...parts, index: await freshIndex() };
    const both = await Promise.all([
      seal(parts),
      sealAbandoned(remainsOfTails(tailsOf(parts.journal)), other, new Date(NOW.getTime() + 1)),
    ]);
    expect(both).toEqual([
      { sealed: 1, failures: [] },
      { sealed: 1, failures: [] },
    ]);
    expect(await verdictOf(parts)).toBe('verified');
    const outcomes = [parts.index, other.index].map(({ records }) => records.get(opening().session)!.outcome);
    expect(outcomes[0]).toEqual(outcomes[1]);
  });

  it('lets no session that cannot be sealed stop another', async () => {
    const parts = memoryRecorder();
    for (const n of [0, 1, 2]) {
      await parts.recorder.open(n + 1, opening(n), 0);
      await parts.recorder.commit(slabsOf([textFrame(n + 1, 1, 'x')], 1));
    }
    parts.store.objects.delete(objectKey(opening(1).session, 'open.json'));
    const { sealed, failures } = await seal(parts);
    expect([sealed, failures.map(({ session }) => session)]).toEqual([2, [opening(1).session]]);
    expect([await verdictOf(parts, 0), await verdictOf(parts, 2)]).toEqual(['verified', 'verified']);
  });

  it('tells of a signer that is down, and seals once it is back (security case 5)', async () => {
    const parts = await abandoned();
    const sign = parts.signer.sign.bind(parts.signer);
    parts.signer.sign = () => Promise.reject(new Error('KMS is down'));
    expect(await failure(parts)).toBe(' now');
    parts.signer.sign = sign;
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect(await verdictOf(parts)).toBe('verified');
  });
});

/** An index in which the session is still open. */
async function freshIndex(): Promise<MemoryIndex> {
  const index = new MemoryIndex();
  await index.opened({ ...sessionRecord(0), id: opening().session });
  return index;
}

/** A store that dies at its n-th put: before the object is stored, or after. */
function dieAt(store: MemoryStore, n: number, after: boolean): void {
  let puts = 0;
  const put = MemoryStore.prototype.put.bind(store);
  store.put = async (key, bytes) => {
    puts += 1;
    if (puts > n || (puts === n && !after)) throw new Error('died');
    await put(key, bytes);
    if (puts === n) throw new Error('died');
  };
}

function revive(store: MemoryStore): void {
  store.put = MemoryStore.prototype.put.bind(store);
}

const steps = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((n) => [false, true].map((after) => [n, after] as const));

describe('a crash', () => {
  // open.json.sig, open.json, two segments, the tail, close.json, close.json.sig: seven puts; the eighth never comes.
  it.each(steps)('of the gateway at put %d (stored: %s) leaves what can be sealed', async (n, after) => {
    const parts = memoryRecorder();
    dieAt(parts.store, n, after);
    const dead = await liveUntilDeath(parts);
    expect(dead).toBe(n <= 7);
    revive(parts.store);
    const { failures } = await seal(parts);
    expect(failures).toEqual([]);
    expect(await parts.index.unsealed()).toEqual([]);
    const opened = parts.store.objects.has(key('open.json'));
    expect(opened).toBe(n > 2 || (n === 2 && after));
    expect(await verdictOf(parts)).toMatch(opened ? /^verified$/ : /open-missing/);
  });

  // The tail, close.json, close.json.sig.
  it.each(steps.filter(([n]) => n <= 3))(
    'of the sealer at put %d (stored: %s) leaves what can be sealed',
    async (n, after) => {
      const parts = await abandoned();
      dieAt(parts.store, n, after);
      expect((await seal(parts)).failures).toHaveLength(1);
      revive(parts.store);
      expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
      expect(await verdictOf(parts)).toBe('verified');
    },
  );

  it('before the index knew leaves evidence that is complete, and a list that is put right', async () => {
    const parts = await abandoned();
    parts.index.closed = () => Promise.reject(new Error('died'));
    await expect(parts.recorder.close(1, ENDING)).rejects.toMatchObject({
      code: 'recording-failed',
      detail: expect.stringContaining('died'),
    });
    parts.index.closed = MemoryIndex.prototype.closed.bind(parts.index);
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect((await parts.index.get(opening().session)).outcome).toMatchObject({ reason: 'client-closed' });
    expect(await verdictOf(parts)).toBe('verified');
  });

  /** True when it died on the way. */
  async function liveUntilDeath({ recorder }: Parts): Promise<boolean> {
    try {
      await recorder.open(1, opening(), 0);
      await recorder.commit(slabsOf([textFrame(1, 10, 'select 1')], 1));
      for (const slabs of [big, big]) {
        if ((await failuresOf(recorder.commit(slabs))).length > 0) return true;
      }
      await recorder.commit(slabsOf([textFrame(1, 2000, 'drop table orders')], 3));
      await recorder.close(1, ENDING);
      return false;
    } catch {
      return true;
    }
  }
});

describe('a tail that does not verify', () => {
  const LEFT_OUT = 'the journal held a tail that does not verify, which was left out';

  it.each<[what: string, forge: (tail: JournaledTail, other: JournaledTail) => JournaledTail]>([
    ['with an edited byte', (tail) => ({ ...tail, content: flip(tail.content, 20) })],
    ['cut short', (tail) => ({ ...tail, content: tail.content.subarray(0, -1) })],
    ['with more behind it', (tail) => ({ ...tail, content: Buffer.concat([tail.content, Buffer.alloc(8)]) })],
    ['with an edited head', (tail) => ({ ...tail, head: { ...tail.head, until: tail.head.until + 1 } })],
    ['with a bad signature', (tail) => vouchedBy(tail, { signature: flip(tail.voucher.signature, 63) })],
    ['with a short signature', (tail) => vouchedBy(tail, { signature: tail.voucher.signature.subarray(1) })],
    ['with an empty signature', (tail) => vouchedBy(tail, { signature: new Uint8Array(64) })],
    ['with an edited manifest', (tail) => vouchedBy(tail, { manifest: flip(tail.voucher.manifest!, 60) })],
    ['with another’s manifest', (tail, other) => ({ ...tail, voucher: other.voucher })],
    ['with its manifest for a head', (tail) => vouchedBy(tail, { manifest: undefined })],
    [
      'with a head that a manifest of its own lists',
      (tail) => vouchedBy(tail, { manifest: manifestFor(tail) }),
    ],
    ['of another session', (tail, other) => ({ ...other, session: tail.session, segment: tail.segment })],
    [
      'of the place after next',
      (tail) => ({ ...tail, segment: tail.segment + 5, head: { ...tail.head, segment: tail.segment + 5 } }),
    ],
  ])('is left out and told of: %s (security cases 6, 13)', async (_what, forge) => {
    const parts = await abandoned();
    const others = await abandoned(1);
    const [tail, other] = [tailsOf(parts.journal).at(-1)!, tailsOf(others.journal).at(-1)!];
    expect(await seal(parts, [forge(tail, other)])).toEqual({ sealed: 1, failures: [] });
    expect(await verdictOf(parts)).toBe('verified');
    expect((await parts.index.get(opening().session)).outcome).toMatchObject({ segments: 2 });
    const close = JSON.parse(Buffer.from(await parts.store.get(key('close.json'))).toString());
    expect(close.detail).toContain(LEFT_OUT);
  });

  it('does not keep a good one out', async () => {
    const parts = await abandoned();
    const [tail] = tailsOf(parts.journal).slice(-1);
    const forged = { ...tail!, content: flip(tail!.content, 20) };
    const stored = await storedOf(tail!.session, parts.store);
    const left = { session: tail!.session, tails: [forged, tail!] };
    const outcome = await sealSession(left, stored, { ...parts, reading: new Slots(1) }, NOW);
    expect(outcome).toMatchObject({ segments: 3 });
    expect(await verdictOf(parts)).toBe('verified');
  });

  it('nor does it follow on a segment that was lost: it then belongs to no chain', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    await parts.recorder.commit(slabsOf([textFrame(1, 10, 'select 1')], 1));
    await failuresOf(parts.recorder.commit(big));
    await parts.recorder.commit(slabsOf([textFrame(1, 2000, 'commit')], 3));
    replace(parts, '00000000.seg', undefined);
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect((await parts.index.get(opening().session)).outcome).toMatchObject({ segments: 1, frames: 1 });
    expect(await verdictOf(parts)).toBe('verified');
  });

  it('is no matter when the segment is stored already', async () => {
    const parts = await abandoned();
    const tail = tailsOf(parts.journal).at(-1)!;
    await parts.store.put(key('00000002.seg'), bytesOf(tail));
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect((await parts.index.get(opening().session)).outcome).toMatchObject({ segments: 3, frames: 43 });
    expect(await verdictOf(parts)).toBe('verified');
  });
});

describe('a segment that the gateway put itself, while its tail was about to be', () => {
  /** Tail and store of a gateway whose last put arrived after the sealer had looked. */
  async function late(more: boolean): Promise<{ parts: Parts; left: JournaledTail; listed: Stored }> {
    const parts = await abandoned();
    const left = tailsOf(parts.journal).at(-1)!;
    const listed = await storedOf(left.session, parts.store);
    if (more) await parts.recorder.commit(slabsOf([textFrame(1, 3000, 'and more')], 4));
    await parts.recorder.putAged(100_000);
    return { parts, left, listed };
  }

  it.each([false, true])('is taken as it is, with what it has beyond the tail: %s', async (more) => {
    const { parts, left, listed } = await late(more);
    const of = { session: left.session, tails: [left] };
    const outcome = await sealSession(of, listed, { ...parts, reading: new Slots(1) }, NOW);
    expect(outcome).toMatchObject({ segments: 3, frames: more ? 44 : 43 });
    expect(await verdictOf(parts)).toBe('verified');
  });

  it('is not where it has something else', async () => {
    const { parts, left, listed } = await late(false);
    replace(parts, '00000002.seg', flip(parts.store.objects.get(key('00000002.seg'))!, 20));
    const of = { session: left.session, tails: [left] };
    await expect(sealSession(of, listed, { ...parts, reading: new Slots(1) }, NOW)).rejects.toMatchObject({
      code: 'state-damaged',
      message: expect.stringContaining('00000002.seg is another one'),
    });
  });
});

describe('evidence that somebody touched is not sealed (security case 6)', () => {
  it.each<[what: string, touch: (parts: Parts) => Promise<void> | void, message: string]>([
    ['no open.json', (parts) => replace(parts, 'open.json', undefined), 'open.json is missing'],
    ['no signature', (parts) => replace(parts, 'open.json.sig', undefined), 'open.json.sig is missing'],
    [
      'open.json edited',
      (parts) => replace(parts, 'open.json', flip(parts.store.objects.get(key('open.json'))!, 100)),
      "open.json is not signed by this gateway's signer",
    ],
    [
      'open.json of another session',
      async (parts) => {
        await parts.recorder.open(2, opening(5), 0);
        await parts.index.closed(opening(5).session, {
          ...ENDING,
          recovered: false,
          segments: 0,
          frames: 0,
          bytes: 0,
        });
        for (const name of ['open.json', 'open.json.sig']) {
          replace(parts, name, await parts.store.get(objectKey(opening(5).session, name)));
        }
      },
      `open.json is of session ${opening(5).session}`,
    ],
    [
      'a segment edited',
      (parts) => replace(parts, '00000001.seg', flip(parts.store.objects.get(key('00000001.seg'))!, 9)),
      '00000001.seg does not verify',
    ],
    [
      'two segments swapped',
      (parts) => {
        const [a, b] = ['00000000.seg', '00000001.seg'].map((name) => parts.store.objects.get(key(name))!);
        replace(parts, '00000000.seg', b);
        replace(parts, '00000001.seg', a);
      },
      '00000000.seg does not verify',
    ],
    [
      'an empty segment',
      (parts) => replace(parts, '00000002.seg', Buffer.alloc(0)),
      '00000002.seg does not verify',
    ],
    [
      'a segment missing',
      (parts) => replace(parts, '00000000.seg', undefined),
      '00000001.seg does not belong to it',
    ],
    [
      'another object',
      (parts) => replace(parts, 'notes.txt', Buffer.from('x')),
      'notes.txt does not belong to it',
    ],
  ])('%s', async (_what, touch, message) => {
    const parts = await abandoned();
    await touch(parts);
    expect(await failure(parts)).toBe(message);
    expect(parts.store.objects.has(key('close.json'))).toBe(false);
  });

  it('opened under another signer', async () => {
    const parts = await abandoned();
    expect(await failure({ ...parts, signer: memorySigner() })).toBe(
      "open.json is not signed by this gateway's signer",
    );
  });

  /** A session that is closed but for what `edit` makes of its close statement; unsigned unless said. */
  async function closedAs(
    edit: (close: Record<string, unknown>) => Record<string, unknown> | string,
    signature?: Uint8Array,
  ): Promise<Parts> {
    const parts = await abandoned();
    parts.index.closed = () => Promise.reject(new Error('died'));
    await expect(parts.recorder.close(1, ENDING)).rejects.toMatchObject({
      code: 'recording-failed',
      detail: expect.stringContaining('died'),
    });
    parts.index.closed = MemoryIndex.prototype.closed.bind(parts.index);
    const close = JSON.parse(Buffer.from(parts.store.objects.get(key('close.json'))!).toString());
    const edited = edit(close);
    const text = typeof edited === 'string' ? edited : `${JSON.stringify(edited, null, 1)}\n`;
    replace(parts, 'close.json', Buffer.from(text));
    replace(parts, 'close.json.sig', signature);
    return parts;
  }

  it('but a close statement that only lacks its signature is signed', async () => {
    const parts = await closedAs((close) => close);
    expect(await seal(parts)).toEqual({ sealed: 1, failures: [] });
    expect(await verdictOf(parts)).toBe('verified');
    expect((await parts.index.get(opening().session)).outcome).toMatchObject({ reason: 'client-closed' });
  });

  const FIT = 'close.json does not fit its segments';
  const WROTE = 'close.json is not a close statement that this gateway wrote';

  it.each<[what: string, edit: Parameters<typeof closedAs>[0], message: string]>([
    ['of another session', (close) => ({ ...close, session: opening(1).session }), FIT],
    ['of another open.json', (close) => ({ ...close, open: '0'.repeat(64) }), FIT],
    ['with another end', (close) => ({ ...close, last: '0'.repeat(64) }), FIT],
    ['with another signer', (close) => ({ ...close, signer: '0'.repeat(64) }), FIT],
    ['with fewer segments', (close) => ({ ...close, segments: 1 }), FIT],
    ['with other totals', (close) => ({ ...close, bytes: 1 }), FIT],
    ['that ends before its frames', (close) => ({ ...close, recordedUntil: 5 }), FIT],
    ['with a member more', (close) => ({ ...close, note: 'x' }), WROTE],
    ['with an unknown reason', (close) => ({ ...close, reason: 'because' }), WROTE],
    [
      'with a member twice',
      (close) => JSON.stringify(close, null, 1).replace('{', '{ "segments": 1,'),
      WROTE,
    ],
    ['in other white space', (close) => JSON.stringify(close), WROTE],
    ['that is no JSON', () => '{', WROTE],
    ['that is huge', (close) => ({ ...close, detail: 'x'.repeat(5000) }), WROTE],
  ])('nor is a close statement signed %s', async (_what, edit, message) => {
    const parts = await closedAs(edit);
    expect(await failure(parts)).toBe(message);
    expect(parts.store.objects.has(key('close.json.sig'))).toBe(false);
  });

  it('nor one that leaves out frames that the journal holds', async () => {
    const parts = await closedAs((close) => close);
    const tail = tailsOf(parts.journal).at(-1)!;
    const stored = parts.store.objects.get(key('00000001.seg'))!;
    replace(parts, '00000002.seg', undefined);
    const close = JSON.parse(Buffer.from(parts.store.objects.get(key('close.json'))!).toString());
    const last = sha256Hex(stored);
    const shorter = { ...close, segments: 2, frames: 41, bytes: close.bytes - 23, last };
    replace(parts, 'close.json', Buffer.from(`${JSON.stringify(shorter, null, 1)}\n`));
    expect(await failure(parts, [tail])).toBe('close.json leaves out frames that the journal holds');
    expect(parts.store.objects.has(key('close.json.sig'))).toBe(false);
  });

  it('nor is a signature of somebody else taken for ours', async () => {
    const parts = await closedAs((close) => close, await memorySigner().sign(Buffer.from('x')));
    expect(await failure(parts)).toBe("close.json.sig is not by this gateway's signer");
  });
});
