import type * as crypto from 'node:crypto';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CancelRequest, encodeCancelRequest, readStartup } from '#core/protocols/postgres/startup.ts';
import { CancelKeys } from '#proxy/protocols/postgres/cancel.ts';

/** Bytes that the next calls of randomBytes give; without any they are random. */
const scripted = vi.hoisted((): Buffer[] => []);
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>();
  return { ...real, randomBytes: (size: number) => scripted.shift() ?? real.randomBytes(size) };
});
afterEach(() => void scripted.splice(0));

const FROM = '203.0.113.7:50123';

/** The request as a client sends it. */
function request(processId: number, secret: Uint8Array): CancelRequest {
  return readStartup(encodeCancelRequest(processId, secret)) as CancelRequest;
}

/** A session with its key, and the addresses its query was cancelled from. */
function session(keys: CancelKeys, minor: 0 | 2 = 0) {
  const cancelled: string[] = [];
  const cancel = (from: string): Promise<void> => Promise.resolve(void cancelled.push(from));
  return { ...keys.issue(minor, cancel), cancelled };
}

describe('CancelKeys', () => {
  it.each([
    [0, 4],
    [2, 32],
  ] as const)('protocol 3.%i: a key of %i bytes stops the query it belongs to', async (minor, length) => {
    const keys = new CancelKeys();
    const { processId, secret, cancelled } = session(keys, minor);
    expect(secret).toHaveLength(length);
    await keys.cancel(request(processId, secret), FROM);
    await keys.cancel(request(processId, secret), 'elsewhere');
    expect(cancelled).toEqual([FROM, 'elsewhere']);
  });

  it('stops no other session (security case 24)', async () => {
    const keys = new CancelKeys();
    const [mine, other] = [session(keys), session(keys)];
    await keys.cancel(request(mine.processId, mine.secret), FROM);
    expect(mine.cancelled).toHaveLength(1);
    expect(other.cancelled).toHaveLength(0);
  });

  it("takes one session's secret for no other's process id (security case 24)", async () => {
    const keys = new CancelKeys();
    const [mine, other] = [session(keys), session(keys)];
    await keys.cancel(request(other.processId, mine.secret), FROM);
    await keys.cancel(request(mine.processId, other.secret), FROM);
    expect([...mine.cancelled, ...other.cancelled]).toEqual([]);
  });

  it('is silent about a wrong secret, whichever bit is wrong (security case 24)', async () => {
    const keys = new CancelKeys();
    for (const { processId, secret, cancelled } of [session(keys, 0), session(keys, 2)]) {
      for (let bit = 0; bit < secret.byteLength * 8; bit += 1) {
        const wrong = Buffer.from(secret);
        wrong[bit >>> 3]! ^= 1 << (bit & 7);
        await keys.cancel(request(processId, wrong), FROM);
      }
      expect(cancelled).toEqual([]);
    }
  });

  it('is silent about a secret of any other length, also one that begins or ends as it (security case 24)', async () => {
    const keys = new CancelKeys();
    const { processId, secret, cancelled } = session(keys, 2);
    const wrong = [
      secret.subarray(0, 4),
      secret.subarray(0, 31),
      secret.subarray(1),
      Buffer.concat([secret, Buffer.of(0)]),
      Buffer.concat([Buffer.of(0), secret]),
      Buffer.concat([secret, secret]),
      Buffer.alloc(256),
    ];
    for (const bytes of wrong) await keys.cancel(request(processId, bytes), FROM);
    const short = session(keys, 0);
    await keys.cancel(request(short.processId, Buffer.concat([short.secret, Buffer.alloc(28)])), FROM);
    expect([...cancelled, ...short.cancelled]).toEqual([]);
  });

  it('is silent about any request that nobody was given a key for (security case 24)', async () => {
    const keys = new CancelKeys();
    const sessions = Array.from({ length: 20 }, (_, n) => session(keys, n % 2 === 0 ? 0 : 2));
    const id = fc.oneof(fc.integer(), fc.constantFrom(...sessions.map(({ processId }) => processId)));
    await fc.assert(
      fc.asyncProperty(id, fc.uint8Array({ minLength: 4, maxLength: 256 }), async (processId, secret) => {
        const owner = sessions.find((one) => one.processId === processId);
        fc.pre(owner === undefined || !Buffer.from(owner.secret).equals(secret));
        await keys.cancel(request(processId, secret), FROM);
      }),
      { numRuns: 500 },
    );
    expect(sessions.flatMap(({ cancelled }) => cancelled)).toEqual([]);
  });

  it('forgets the key of a session that has ended, and no other', async () => {
    const keys = new CancelKeys();
    const [ended, going] = [session(keys), session(keys)];
    keys.revoke(ended.processId);
    keys.revoke(ended.processId);
    await keys.cancel(request(ended.processId, ended.secret), FROM);
    await keys.cancel(request(going.processId, going.secret), FROM);
    expect(ended.cancelled).toEqual([]);
    expect(going.cancelled).toEqual([FROM]);
  });

  it("of one gateway knows nothing of another's", async () => {
    const { processId, secret, cancelled } = session(new CancelKeys());
    await new CancelKeys().cancel(request(processId, secret), FROM);
    expect(cancelled).toEqual([]);
  });

  it('resolves when the target has taken the cancel, and rejects when it has not', async () => {
    const keys = new CancelKeys();
    const taken = Promise.withResolvers<void>();
    const { processId, secret } = keys.issue(0, () => taken.promise);
    let resolved = false;
    const cancelled = keys.cancel(request(processId, secret), FROM).then(() => (resolved = true));
    await new Promise(setImmediate);
    expect(resolved).toBe(false);
    taken.resolve();
    await cancelled;
    const failing = keys.issue(0, () => Promise.reject(new Error('the target is down')));
    await expect(keys.cancel(request(failing.processId, failing.secret), FROM)).rejects.toThrow('is down');
  });
});

describe('a process id', () => {
  it('is never that of a living session, whose key it would replace (security case 24)', async () => {
    const keys = new CancelKeys();
    const same = Buffer.of(0, 0, 0, 84);
    scripted.push(same, Buffer.from('aaaa'));
    const first = session(keys);
    scripted.push(same, same, Buffer.of(0, 0, 0, 86), Buffer.from('bbbb'));
    const second = session(keys);
    expect([first.processId, second.processId]).toEqual([42, 43]);
    await keys.cancel(request(42, Buffer.from('aaaa')), FROM);
    expect([first.cancelled, second.cancelled]).toEqual([[FROM], []]);
  });

  it('may come again once its session has ended, with another secret', async () => {
    const keys = new CancelKeys();
    const same = Buffer.of(0, 0, 0, 84);
    scripted.push(same, Buffer.from('aaaa'));
    const first = session(keys);
    keys.revoke(first.processId);
    scripted.push(same, Buffer.from('bbbb'));
    const second = session(keys);
    expect(second.processId).toBe(first.processId);
    await keys.cancel(request(42, Buffer.from('aaaa')), FROM);
    expect([...first.cancelled, ...second.cancelled]).toEqual([]);
  });

  it.each([
    ['ffffffff', 0x7fffffff],
    ['80000000', 0x40000000],
    ['00000000', 1],
    ['00000001', 1],
  ])('made of the random bytes %s is positive and 31 bits', (random, processId) => {
    scripted.push(Buffer.from(random, 'hex'));
    expect(session(new CancelKeys()).processId).toBe(processId);
  });

  it('and a secret are random: they do not repeat', () => {
    const keys = new CancelKeys();
    const given = Array.from({ length: 1000 }, () => session(keys, 2));
    expect(new Set(given.map(({ processId }) => processId)).size).toBe(1000);
    expect(new Set(given.map(({ secret }) => Buffer.from(secret).toString('hex'))).size).toBe(1000);
  });
});
