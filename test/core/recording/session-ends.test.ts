import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { JournalKey } from '#core/recording/journal-keys.ts';
import { OwnPuts } from '#core/recording/own-puts.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { SessionOpening } from '#core/recording/session-ends.ts';
import { memoryPorts, opening, slabsOf, textFrame } from '#test/support/recorder.ts';
import { Rounds } from '#test/support/rounds.ts';

function begun() {
  const ports = memoryPorts();
  const rounds = new Rounds();
  const { publicKey } = generateKeyPairSync('ed25519');
  const stored = new OwnPuts(rounds.wrap(ports.store), opening().session, undefined);
  const waits = {
    index: rounds.wrap(ports.index),
    leaves: rounds.wrap(ports.leaves),
    // Its public key is known from the start.
    signer: rounds.wrap(ports.signer, 'sign'),
  };
  const keys = { recorder: publicKey, journal: new JournalKey().publicKey };
  return { ports, rounds, waits, session: new SessionOpening(opening(), keys, stored) };
}

describe('the opening of a session', () => {
  it('takes three calls in sequence: listed and signed, statement and signature, leaf', async () => {
    const { rounds, waits, session, ports } = begun();
    expect(await rounds.of(session.store(waits))).toBe(3);
    expect(ports.store.objects.size).toBe(2);
    expect(ports.leaves.added.size).toBe(1);
  });

  it.each(['open.json', 'open.json.sig'])('is in no ledger where %s could not be stored', async (name) => {
    const { rounds, waits, session, ports } = begun();
    const put = ports.store.put.bind(ports.store);
    ports.store.put = (key, bytes) =>
      key.endsWith(`/${name}`) ? Promise.reject(new Error('no')) : put(key, bytes);
    await expect(rounds.of(session.store(waits))).rejects.toThrow('no');
    expect(ports.leaves.added.size).toBe(0);
    expect(ports.store.objects.size).toBe(1);
  });
});

describe('the closing of a session', () => {
  const ending = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 2 } as const;

  /** A session of which a segment is yet to be put, on ports of which each call that goes anywhere waits. */
  async function ended() {
    const ports = memoryPorts();
    const rounds = new Rounds();
    const { store, lease, journal } = ports;
    const recorder = new Recorder({
      ...{ lease, journal },
      sink: rounds.wrap(store),
      signer: rounds.wrap(ports.signer, 'sign'),
      index: rounds.wrap(ports.index),
      leaves: rounds.wrap(ports.leaves),
    });
    await rounds.of(recorder.open(1, opening(), 0));
    await recorder.commit(slabsOf([textFrame(1, 1, 'select 1')], 1));
    const names = (): string[] => [...store.objects.keys()].map((key) => key.split('/').at(-1)!).toSorted();
    /** Its puts of this object are answered so. */
    const putting = (name: string, put: () => Promise<void>): void => {
      const real = store.put.bind(store);
      store.put = (key, bytes) => (key.endsWith(`/${name}`) ? put() : real(key, bytes));
    };
    return { ports, rounds, recorder, names, putting };
  }

  it('takes four calls in sequence: segment and signing, statement, signature and leaf, list', async () => {
    const { rounds, recorder, ports, names } = await ended();
    expect(await rounds.of(recorder.close(1, ending))).toBe(4);
    expect(names()).toEqual(['00000000.seg', 'close.json', 'close.json.sig', 'open.json', 'open.json.sig']);
    expect(ports.leaves.added.size).toBe(2);
  });

  it.each(['00000000.seg', 'close.json'])('is in no ledger where %s could not be stored', async (name) => {
    const { rounds, recorder, ports, names, putting } = await ended();
    putting(name, () => Promise.reject(new Error('no')));
    await expect(rounds.of(recorder.close(1, ending))).rejects.toMatchObject({ code: 'recording-failed' });
    expect(names()).not.toContain('close.json');
    expect(names()).not.toContain('close.json.sig');
    expect(ports.leaves.added.size).toBe(1);
  });

  it.each(['signature', 'leaf'] as const)(
    'is unsealed, in the list too, while its %s is missing',
    async (what) => {
      const { rounds, recorder, ports, names, putting } = await ended();
      const add = ports.leaves.add.bind(ports.leaves);
      let isAway = true;
      const away = (): Promise<void> => (isAway ? Promise.reject(new Error('no')) : Promise.resolve());
      if (what === 'signature') putting('close.json.sig', away);
      else ports.leaves.add = (leaf) => away().then(() => add(leaf));
      await expect(rounds.of(recorder.close(1, ending))).rejects.toMatchObject({ code: 'recording-failed' });
      expect(names()).toContain('close.json');
      expect(await ports.index.unsealed()).toHaveLength(1);
      isAway = false;
      const again = recorder.sealAgain();
      await rounds.of(again);
      expect(await again).toMatchObject([{ outcome: { reason: 'client-closed' } }]);
      expect(await ports.index.unsealed()).toEqual([]);
      expect(ports.leaves.added.size).toBe(2);
    },
  );
});
