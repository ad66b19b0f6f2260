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
const WHO = { address: '203.0.113.7', port: 50123 };
const PID = 4711;

/** The request as a client sends it. */
function request(processId: number, secret: Uint8Array): CancelRequest {
  return readStartup(encodeCancelRequest(processId, secret)) as CancelRequest;
}

/** A session with its key, and the addresses its query was cancelled from. */
function session(keys: CancelKeys, minor: 0 | 2 = 0, pid = PID) {
  const cancelled: string[] = [];
  const cancel = (from: string): Promise<void> => Promise.resolve(void cancelled.push(from));
  return { ...keys.issue(pid, minor, cancel), cancelled };
}

describe('CancelKeys', () => {
  it.each([
    [0, 4],
    [2, 32],
  ] as const)('protocol 3.%i: a key of %i bytes stops the query it belongs to', async (minor, length) => {
    const keys = new CancelKeys();
    const { processId, secret, cancelled } = session(keys, minor);
    expect(secret).toHaveLength(length);
    await keys.cancel(request(processId, secret), WHO);
    await keys.cancel(request(processId, secret), { address: '::1', port: 7 });
    expect(cancelled).toEqual([FROM, '::1:7']);
  });

  it('stops no other session (security case 24)', async () => {
    const keys = new CancelKeys();
    const [mine, other] = [session(keys), session(keys)];
    await keys.cancel(request(mine.processId, mine.secret), WHO);
    expect(mine.cancelled).toHaveLength(1);
    expect(other.cancelled).toHaveLength(0);
  });

  it("takes one session's secret for no other's process id (security case 24)", async () => {
    const keys = new CancelKeys();
    const [mine, other] = [session(keys, 0, 4711), session(keys, 0, 4712)];
    await keys.cancel(request(other.processId, mine.secret), WHO);
    await keys.cancel(request(mine.processId, other.secret), WHO);
    expect([...mine.cancelled, ...other.cancelled]).toEqual([]);
  });

  it('is silent about a wrong secret, whichever bit is wrong (security case 24)', async () => {
    const keys = new CancelKeys();
    for (const { processId, secret, cancelled } of [session(keys, 0), session(keys, 2)]) {
      for (let bit = 0; bit < secret.byteLength * 8; bit += 1) {
        const wrong = Buffer.from(secret);
        wrong[bit >>> 3]! ^= 1 << (bit & 7);
        await keys.cancel(request(processId, wrong), WHO);
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
    for (const bytes of wrong) await keys.cancel(request(processId, bytes), WHO);
    const short = session(keys, 0);
    await keys.cancel(request(short.processId, Buffer.concat([short.secret, Buffer.alloc(28)])), WHO);
    expect([...cancelled, ...short.cancelled]).toEqual([]);
  });

  it('is silent about any request that nobody was given a key for (security case 24)', async () => {
    const keys = new CancelKeys();
    let asked = 0;
    const sessions = Array.from({ length: 20 }, (_, n) => session(keys, n % 2 === 0 ? 0 : 2, PID + n));
    const id = fc.oneof(fc.integer(), fc.constantFrom(...sessions.map(({ processId }) => processId)));
    await fc.assert(
      fc.asyncProperty(id, fc.uint8Array({ minLength: 4, maxLength: 256 }), async (processId, secret) => {
        const owner = sessions.find((one) => one.processId === processId);
        fc.pre(owner === undefined || !Buffer.from(owner.secret).equals(secret));
        const address = `10.0.0.${(asked += 1) % 250}`;
        await keys.cancel(request(processId, secret), { ...WHO, address });
      }),
      { numRuns: 500 },
    );
    expect(sessions.flatMap(({ cancelled }) => cancelled)).toEqual([]);
  });

  it('forgets the key of a session that has ended, and no other', async () => {
    const keys = new CancelKeys();
    const [ended, going] = [session(keys), session(keys)];
    keys.revoke(ended);
    keys.revoke(ended);
    await keys.cancel(request(ended.processId, ended.secret), WHO);
    await keys.cancel(request(going.processId, going.secret), WHO);
    expect(ended.cancelled).toEqual([]);
    expect(going.cancelled).toEqual([FROM]);
  });

  it("of one gateway knows nothing of another's", async () => {
    const { processId, secret, cancelled } = session(new CancelKeys());
    await new CancelKeys().cancel(request(processId, secret), WHO);
    expect(cancelled).toEqual([]);
  });

  it('resolves when the target has taken the cancel, and rejects when it has not', async () => {
    const keys = new CancelKeys();
    const taken = Promise.withResolvers<void>();
    const { processId, secret } = keys.issue(PID, 0, () => taken.promise);
    let resolved = false;
    const cancelled = keys.cancel(request(processId, secret), WHO).then(() => (resolved = true));
    await new Promise(setImmediate);
    expect(resolved).toBe(false);
    taken.resolve();
    await cancelled;
    const failing = keys.issue(PID, 0, () => Promise.reject(new Error('the target is down')));
    await expect(keys.cancel(request(failing.processId, failing.secret), WHO)).rejects.toThrow('is down');
  });
});

describe('the process id', () => {
  it("is the target's own, so that a client can tell itself in what the target says", () => {
    expect(session(new CancelKeys(), 0, 12_345).processId).toBe(12_345);
  });

  it('may be that of processes of several targets: the secret tells them apart (security case 24)', async () => {
    const keys = new CancelKeys();
    const sessions = Array.from({ length: 50 }, () => session(keys));
    await keys.cancel(request(PID, sessions[17]!.secret), WHO);
    expect(sessions.map(({ cancelled }) => cancelled.length)).toEqual(
      sessions.map((_, n) => (n === 17 ? 1 : 0)),
    );
    keys.revoke(sessions[17]!);
    await keys.cancel(request(PID, sessions[18]!.secret), WHO);
    expect(sessions[18]!.cancelled).toEqual([FROM]);
  });

  it('is never taken with the secret of a living session that has the same (security case 24)', async () => {
    const keys = new CancelKeys();
    scripted.push(Buffer.from('aaaa'));
    const first = session(keys);
    scripted.push(Buffer.from('aaaa'), Buffer.from('aaaa'), Buffer.from('bbbb'));
    const second = session(keys);
    expect([first, second].map(({ secret }) => String(secret))).toEqual(['aaaa', 'bbbb']);
    await keys.cancel(request(PID, Buffer.from('aaaa')), WHO);
    expect([first.cancelled, second.cancelled]).toEqual([[FROM], []]);
  });

  it('and its secret mean nothing once the session has ended, also when the id comes again', async () => {
    const keys = new CancelKeys();
    const first = session(keys);
    keys.revoke(first);
    const second = session(keys);
    await keys.cancel(request(PID, first.secret), WHO);
    expect([...first.cancelled, ...second.cancelled]).toEqual([]);
  });

  it.each([0, -1, 2 ** 31 - 1, -(2 ** 31)])(
    'may be %i: targets are no longer only PostgreSQL',
    async (pid) => {
      const keys = new CancelKeys();
      const { secret, cancelled } = session(keys, 0, pid);
      await keys.cancel(request(pid, secret), WHO);
      expect(cancelled).toEqual([FROM]);
    },
  );

  it('has a secret that does not repeat', () => {
    const keys = new CancelKeys();
    const given = Array.from({ length: 1000 }, () => session(keys, 2));
    expect(new Set(given.map(({ secret }) => Buffer.from(secret).toString('hex'))).size).toBe(1000);
  });
});

describe('whoever guesses keys (security case 24)', () => {
  const wrong = request(PID, Buffer.from('nope'));

  it('is not listened to after 300 wrong ones in a minute, not even with a right one; others are', async () => {
    let now = 0;
    const keys = new CancelKeys(undefined, () => now);
    const { processId, secret, cancelled } = session(keys);
    for (let n = 0; n < 300; n += 1) await keys.cancel(wrong, { ...WHO, port: n });
    const tooMany = { code: 'too-many-failures' };
    await expect(keys.cancel(wrong, WHO)).rejects.toMatchObject(tooMany);
    await expect(keys.cancel(request(processId, secret), WHO)).rejects.toMatchObject(tooMany);
    await keys.cancel(request(processId, secret), { address: '203.0.113.8', port: 1 });
    expect(cancelled).toEqual(['203.0.113.8:1']);
    now += 60_000;
    await keys.cancel(request(processId, secret), WHO);
    expect(cancelled).toEqual(['203.0.113.8:1', FROM]);
  });

  it('costs other tasks nothing either: no wish is passed on', async () => {
    const wishes: string[] = [];
    const keys = new CancelKeys(
      {
        issued: () => Promise.resolve(),
        revoked: () => Promise.resolve(),
        wish: (_key, from) => Promise.resolve(void wishes.push(from)),
        taken: () => Promise.resolve([]),
      },
      () => 0,
    );
    for (let n = 0; n < 310; n += 1) await keys.cancel(wrong, WHO).catch(() => undefined);
    expect(wishes).toHaveLength(300);
  });

  it('is not whoever uses a good key', async () => {
    const keys = new CancelKeys(undefined, () => 0);
    const { processId, secret, cancelled } = session(keys);
    for (let n = 0; n < 1000; n += 1) await keys.cancel(request(processId, secret), WHO);
    expect(cancelled).toHaveLength(1000);
  });
});
