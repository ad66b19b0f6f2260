import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, type OcsfEvent } from '#core/ocsf/event.ts';
import { type IndexerPorts, indexSealed } from '#core/ocsf/index-sealed.ts';
import { indexMissed } from '#core/ocsf/missed.ts';
import type { SeenOf } from '#core/ocsf/seen.ts';
import { refuseTooLong } from '#core/ocsf/too-long.ts';
import { objectKey } from '#core/recording/layout.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import { MemoryEvents } from '#test/support/memory-events.ts';
import { sealedSession } from './sealed-support.ts';
import { backendQuery, framesOf, LOGIN, SAID } from './support.ts';

type Sealed = Awaited<ReturnType<typeof sealedSession>>;

function portsOf(
  { store, signer }: Sealed,
  events = new MemoryEvents(),
  seenOf: SeenOf = async () => ({ rules: 'none', step: (read) => read }),
): IndexerPorts & { readonly events: MemoryEvents } {
  return { store, signer, events, seenOf, approvedBy: async () => [], mayGoOn: () => true };
}

function manyFrames(count: number) {
  const asked = Array.from({ length: count }, (_, n) => backendQuery(n));
  return framesOf([...LOGIN, ...asked.flat()]);
}

describe('a sealed session', () => {
  it('is indexed, and its events are put by class and day, with what is searched, and signed', async () => {
    const the = await sealedSession(framesOf(SAID));
    const ports = portsOf(the);
    expect(await indexSealed(the.session, ports)).toBe('made');
    const keys = [...ports.events.objects.keys()].map((key) => key.replaceAll(the.session, 'ID')).sort();
    expect(keys).toEqual([
      'events/class=authentication/day=2026-11-23/ID-0000000000.json.gz',
      'events/class=authorize_session/day=2026-11-23/ID-0000000000.json.gz',
      'events/class=datastore_activity/day=2026-11-23/ID-0000000000.json.gz',
      'events/class=detection_finding/day=2026-11-23/ID-0000000000.json.gz',
      'made/day=2023-11-14/ID.json',
      'made/day=2023-11-14/ID.json.sig',
      'steps/day=2023-11-14/ID-0000000000.json.gz',
    ]);
    const events = ports.events.lines('events/') as unknown as OcsfEvent[];
    expect(events).toHaveLength(9);
    for (const event of events) expect(event.attestation.fingerprint.value).toBe(fingerprintOf(event));
    const rows = ports.events.lines('steps/');
    expect(rows.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    const made = ports.events.objects.get(`made/day=2023-11-14/${the.session}.json`)!;
    const sequence = events.toSorted(
      (a, b) => Number(a.metadata['sequence']) - Number(b.metadata['sequence']),
    );
    expect(JSON.parse(Buffer.from(made).toString())).toMatchObject({
      ...{ session: the.session, events: 9, steps: 6 },
      last: { fingerprint: { value: sequence.at(-1)!.attestation.fingerprint.value } },
    });
    const signature = ports.events.objects.get(`made/day=2023-11-14/${the.session}.json.sig`)!;
    const key = createPublicKey({
      key: Buffer.from(await the.signer.publicKey()),
      format: 'der',
      type: 'spki',
    });
    expect(verify('sha256', made, key, signature)).toBe(true);
  });

  it('is done once: again nothing is put, and from the beginning the same names and bytes', async () => {
    const the = await sealedSession(framesOf(SAID));
    const ports = portsOf(the);
    await indexSealed(the.session, ports);
    const puts = ports.events.puts.length;
    expect(await indexSealed(the.session, ports)).toBe('current');
    expect(ports.events.puts).toHaveLength(puts);
    const again = portsOf(the);
    await indexSealed(the.session, again);
    const derived = [...ports.events.objects].filter(([key]) => !key.endsWith('.sig'));
    for (const [key, bytes] of derived)
      expect(Buffer.from(again.events.objects.get(key)!).equals(bytes), key).toBe(true);
  });

  it('that is longer than what is done in time is named, and not begun', async () => {
    const { session, store } = await sealedSession(framesOf(SAID));
    await expect(refuseTooLong(session, store, 10)).rejects.toMatchObject({
      code: 'unsupported',
      message: `session ${session} is too long to be indexed here`,
      hint: `custody pull ${session} --out FOLDER, then custody steps FOLDER`,
    });
    await refuseTooLong(session, store, 1e6);
    // No end, and no such session: whoever reads the whole says so.
    await refuseTooLong(session.replace(/^./, 'f'), store, 10);
  });

  it('that is long goes on where it was stopped, and comes to the same chain', async () => {
    const the = await sealedSession(manyFrames(64), 3);
    const whole = { ...portsOf(the), partSteps: 30 };
    await indexSealed(the.session, whole);
    const events = new MemoryEvents();
    const stopped = { ...portsOf(the, events), mayGoOn: () => false, partSteps: 30 };
    expect(await indexSealed(the.session, stopped)).toBe('unfinished');
    expect(await indexSealed(the.session, stopped)).toBe('unfinished');
    expect(await indexSealed(the.session, stopped)).toBe('made');
    const derived = ({ objects }: MemoryEvents) =>
      [...objects].filter(([key]) => !/^progress|\.sig$/.test(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    expect(derived(events).map(([key]) => key)).toEqual(derived(whole.events).map(([key]) => key));
    for (const [n, [, bytes]] of derived(events).entries())
      expect(Buffer.from(bytes).equals(derived(whole.events)[n]![1])).toBe(true);
    const steps = whole.events.lines('steps/').map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: 66 }, (_, n) => n + 1));
  });

  it('tells nothing of a session whose evidence does not verify', async () => {
    const the = await sealedSession(framesOf(SAID));
    const key = objectKey(the.session, '00000000.seg');
    const bytes = Uint8Array.from(the.store.objects.get(key)!);
    bytes[20] = bytes[20]! ^ 1;
    the.store.objects.set(key, bytes);
    const ports = portsOf(the);
    await expect(indexSealed(the.session, ports)).rejects.toMatchObject({ code: 'state-damaged' });
    expect(ports.events.objects.size).toBe(0);
  });

  it('that is not sealed yet waits', async () => {
    const the = await sealedSession(framesOf(SAID));
    the.store.objects.delete(objectKey(the.session, 'close.json.sig'));
    expect(await indexSealed(the.session, portsOf(the))).toBe('unsealed');
  });

  it('of a target that leaves something out is told as it may be seen', async () => {
    const the = await sealedSession(framesOf(SAID));
    const seen: SeenOf = async (protocol, target) => {
      expect([protocol, target]).toEqual(['postgres', 'orders-db']);
      const hide = (text: string): string => text.replaceAll('Mia', '***');
      const step = ({ step: whole, ...read }: ReadStep): ReadStep => ({
        ...{ ...read, step: JSON.parse(hide(JSON.stringify(whole))) as ReadStep['step'] },
      });
      return { rules: 'hidden', step };
    };
    const ports = portsOf(the, new MemoryEvents(), seen);
    await indexSealed(the.session, ports);
    const told = JSON.stringify([ports.events.lines('events/'), ports.events.lines('steps/')]);
    expect(told).toContain("name = '***'");
    expect(told).not.toContain('Mia');
  });
});

describe('what was missed', () => {
  it('is made of all that is sealed and has no events, and what cannot be is said', async () => {
    const [one, two, three] = await Promise.all([1, 2, 3].map((n) => sealedSession(framesOf(SAID), n)));
    const events = new MemoryEvents();
    await indexSealed(one!.session, portsOf(one!, events));
    const of = new Map([one!, two!, three!].map((the) => [the.session, the]));
    const records = await Promise.all(
      [...of.values()].map(async ({ index, session }) => ({ ...index.records.get(session)! })),
    );
    const tried: string[] = [];
    const missed = () =>
      indexMissed(0, {
        catalog: { list: async () => ({ sessions: records }) },
        events,
        index: async (session) => {
          tried.push(session);
          if (session === three!.session) throw new Error('no');
          return indexSealed(session, portsOf(of.get(session)!, events));
        },
        mayGoOn: () => true,
        now: () => new Date('2026-11-23T10:00:00.000Z'),
      });
    expect(await missed()).toMatchObject({ made: 1, left: 1, failures: [{ session: three!.session }] });
    expect(tried.sort()).toEqual([two!.session, three!.session]);
    expect(await missed()).toMatchObject({ made: 0, left: 1 });
  });
});
