import { describe, expect, it } from 'vitest';
import { TokenFailures } from '#core/identity/token-failures.ts';
import type { CancelRequest } from '#core/protocols/postgres/startup.ts';
import { type SiblingEars, Siblings } from '#proxy/processes/siblings.ts';
import { CancelKeys } from '#proxy/protocols/postgres/cancel.ts';

const WHO = { address: '192.0.2.1', port: 4000 };
const request = (processId: number, secret: Buffer): CancelRequest => ({
  ...{ kind: 'cancel', processId, secret, byteLength: 12 + secret.byteLength },
});
const deaf: SiblingEars = { cancel: () => undefined, guess: () => undefined, proof: () => undefined };

/** Processes that hear each other at once; those whose number is in `dead` hear nothing. */
function family(of: number) {
  const dead = new Set<number>();
  const timers: (() => void)[] = [];
  const ears = new Map<number, SiblingEars>();
  const all: Siblings[] = [];
  for (let number = 1; number <= of; number += 1) {
    const tell: ConstructorParameters<typeof Siblings>[1] = (note) => {
      for (const [at, sibling] of all.entries())
        if (at + 1 !== number && !dead.has(at + 1)) sibling.receive(note, ears.get(at + 1) ?? deaf);
    };
    all.push(
      new Siblings({ number, of }, tell, (_ms, over) => {
        timers.push(over);
        return () => void timers.splice(timers.indexOf(over), 1);
      }),
    );
  }
  return { all, ears, dead, timers };
}

/** Each process with its cancel keys. */
function withKeys(of: number) {
  const { all, ears, ...rest } = family(of);
  const keys = all.map((siblings, at) => {
    const own = new CancelKeys(undefined, () => 0, siblings);
    ears.set(at + 1, { ...deaf, cancel: own.cancelKnown });
    return own;
  });
  return { keys, ...rest };
}

describe('a cancel request', () => {
  it('that comes to another process does what it is for, and is over when the target has taken it', async () => {
    const { keys, timers } = withKeys(3);
    const taken = Promise.withResolvers<void>();
    const from: string[] = [];
    const { processId, secret } = keys[2]!.issue(7, 0, (who) => {
      from.push(who);
      return taken.promise;
    });
    let isOver = false;
    const cancelling = keys[0]!.cancel(request(processId, secret), WHO).then(() => (isOver = true));
    await new Promise((turn) => setImmediate(turn));
    expect(from).toEqual(['192.0.2.1:4000']);
    expect(isOver).toBe(false);
    taken.resolve();
    await cancelling;
    expect(timers).toEqual([]);
  });

  it('whose target does not take it is over all the same', async () => {
    const { keys } = withKeys(2);
    const { processId, secret } = keys[1]!.issue(7, 0, () => Promise.reject(new Error('no')));
    await expect(keys[0]!.cancel(request(processId, secret), WHO)).resolves.toBeUndefined();
  });

  it('that no process knows is over when all have said so, and counts as wrong', async () => {
    const { keys } = withKeys(3);
    const wrong = request(7, Buffer.alloc(4));
    for (let tries = 0; tries < 100; tries += 1) await keys[0]!.cancel(wrong, WHO);
    await expect(keys[0]!.cancel(wrong, WHO)).rejects.toMatchObject({ code: 'too-many-failures' });
  });

  it('does not wait for ever for one that has died', async () => {
    const { all, dead, timers } = family(2);
    dead.add(2);
    const asked = all[0]!.cancel('key', 'somebody');
    expect(timers).toHaveLength(1);
    timers[0]!();
    expect(await asked).toBe(false);
  });
});

describe('guesses', () => {
  it('count in all processes, and so do names that were proved', () => {
    const { all, ears } = family(2);
    const failures = all.map((siblings) => new TokenFailures(() => 0, 20, siblings));
    for (const [at, { heardGuess, heardProof }] of failures.entries())
      ears.set(at + 1, { ...deaf, guess: heardGuess, proof: heardProof });
    const known = { claimed: ['dana'] };
    failures[0]!.proved('192.0.2.1', known);
    for (let guess = 0; guess < 200; guess += 1)
      failures[guess % 2]!.failed('192.0.2.1', { claimed: [`guess ${guess}`] });
    for (const own of failures) {
      expect(() => own.check('192.0.2.1', { claimed: ['somebody new'] })).toThrow('too many tokens');
      expect(() => own.check('192.0.2.1', known)).not.toThrow();
    }
  });
});
