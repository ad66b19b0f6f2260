import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { sessionStatedBy } from '#core/ledger/places.ts';
import { proveSession } from '#core/ledger/prove-session.ts';
import { visitEntries } from '#core/ledger/reader.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { MemoryHead, MemoryPlaces, MemoryQueue } from '#test/support/memory-ledger.ts';
import { MemoryStore, memorySigner } from '#test/support/memory-ports.ts';
import { Killed, Turns } from '#test/support/turns.ts';

const ORIGIN = 'custody.example/ledger';
const at = '2026-11-23T09:00:00.000Z';
const by = { issuer: 'https://id.example', subject: 'dev-1' };

const sessionOf = (n: number): string => `01a20966-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** The opening and a viewing of session n. */
function leavesOf(n: number): Uint8Array[] {
  const [type, session] = ['custody/leaf/1', sessionOf(n)] as const;
  const statement = 'a'.repeat(64);
  return [
    leafBytes({
      type,
      kind: 'session-opened',
      at,
      session,
      statement,
      principal: by,
      target: 'orders-db',
    }),
    leafBytes({ type, kind: 'recording-viewed', at, session, by }),
  ];
}

function world() {
  return {
    objects: new MemoryStore(),
    head: new MemoryHead(),
    queue: new MemoryQueue(),
    signer: memorySigner(),
    places: new MemoryPlaces(),
  };
}

async function queueSessions({ queue }: ReturnType<typeof world>, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1) for (const leaf of leavesOf(n)) await queue.add(leaf);
}

async function sequenceAll(there: ReturnType<typeof world>): Promise<void> {
  const sequencer = new Sequencer(there, ORIGIN);
  while ((await sequencer.step()).kind !== 'nothing');
}

/** Every session's place by the ledger itself. */
async function inLedger(there: ReturnType<typeof world>): Promise<Map<string, number[]>> {
  const { checkpoint, fetch } = newest(there);
  const found = new Map<string, number[]>();
  await visitEntries(checkpoint, fetch, (entry, index) => {
    const session = sessionStatedBy(entry);
    if (session !== undefined) found.set(session, [...(found.get(session) ?? []), index]);
  });
  return found;
}

function newest({ head, objects, signer }: ReturnType<typeof world>) {
  const note = head.history.at(-1)!;
  const fetch = (path: string) => objects.get(tileKey(path));
  return { note, checkpoint: openCheckpoint(note, ORIGIN, signer.der), fetch };
}

function ifKilled(error: unknown): void {
  if (!(error instanceof Killed)) throw error;
}

describe('where leaves are', () => {
  it('is noted for statements, across bundles and commits', async () => {
    const there = world();
    for (const [from, to] of [
      [0, 3],
      [3, 150],
      [150, 700],
    ] as const) {
      await queueSessions(there, from, to);
      await sequenceAll(there);
    }
    const truth = await inLedger(there);
    expect(truth.size).toBe(700);
    for (const [session, indexes] of truth) expect(await there.places.of(session), session).toEqual(indexes);
  });

  it('is noted by whoever finishes the commit of a sequencer that was killed, wherever it was', async () => {
    for (let call = 0; call < 20; call += 1) {
      const there = world();
      await queueSessions(there, 0, 4);
      const turns = new Turns([]);
      const dying = { in: call };
      const ports = Object.fromEntries(
        Object.entries(there).map(([name, port]) => [name, turns.interleave(port, call % 2, dying)]),
      ) as unknown as ReturnType<typeof world>;
      await turns.run([new Sequencer(ports, ORIGIN).step().then(() => undefined, ifKilled)]);
      await queueSessions(there, 4, 5);
      await sequenceAll(there);
      const truth = await inLedger(there);
      expect(truth.size).toBe(5);
      for (const [session, indexes] of truth)
        expect(await there.places.of(session), `${call}`).toEqual(indexes);
    }
  });

  it('makes the same proof as reading the whole ledger, from a handful of tiles', async () => {
    const there = world();
    await queueSessions(there, 0, 2000);
    await sequenceAll(there);
    const { note, checkpoint, fetch } = newest(there);
    const read: string[] = [];
    const counting = (path: string) => (read.push(path), fetch(path));
    const session = sessionOf(1234);
    const proof = await proveSession(note, checkpoint, counting, session, (id) => there.places.of(id));
    expect(proof?.leaves).toHaveLength(1);
    expect(proof).toEqual(await proveSession(note, checkpoint, fetch, session));
    expect(read.length).toBeLessThan(20);
  });

  it('does not have to be believed: another leaf, and one behind the checkpoint, are left out', async () => {
    const there = world();
    await queueSessions(there, 0, 5);
    await sequenceAll(there);
    const { note, checkpoint, fetch } = newest(there);
    const session = sessionOf(2);
    const own = await there.places.of(session);
    const all = async () => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5000];
    const proof = await proveSession(note, checkpoint, fetch, session, all);
    expect(proof?.leaves.map(({ index }) => index)).toEqual(own);
    expect(await proveSession(note, checkpoint, fetch, session, async () => [5000])).toBeUndefined();
  });
});
