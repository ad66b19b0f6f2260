import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { JournalKey } from '#core/recording/journal-keys.ts';
import { OwnPuts } from '#core/recording/own-puts.ts';
import { SessionOpening } from '#core/recording/session-ends.ts';
import { memoryPorts, opening } from '#test/support/recorder.ts';
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
