import { Webhook as Receiver } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { type DeliveryPorts, deliverDue } from '#core/notify/deliver.ts';
import { ATTEMPTS } from '#core/notify/retry.ts';
import type { Headers } from '#core/notify/sign.ts';
import type { Webhook } from '#core/notify/webhook.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';
import { newsItem } from '#test/support/news.ts';

const T0 = Date.parse('2026-03-01T12:00:00.000Z');
const SECRET = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
const A: Webhook = { name: 'a', url: 'https://a.example/token-1', format: 'json', events: undefined };
const B: Webhook = { ...A, name: 'b', url: 'https://b.example/token-2', format: 'slack' };
const SIGNED: Webhook = { ...A, name: 'signed', secretFile: '/secrets/signed' };

interface Post {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

let queue: MemoryDeliveries;
let posts: Post[];
let answer: (post: Post) => number | Promise<number>;
let clock: number;
let webhooks: Webhook[];
let ports: DeliveryPorts;

beforeEach(() => {
  queue = new MemoryDeliveries();
  posts = [];
  answer = () => 204;
  clock = T0;
  webhooks = [A, B, SIGNED];
  ports = {
    queue,
    webhooks: () => webhooks,
    console: () => undefined,
    readSecret: async () => SECRET,
    sender: {
      post: async (url, headers, body) => {
        posts.push({ url, headers, body });
        return answer({ url, headers, body });
      },
    },
    random: () => 0,
    busy: new Set(),
  };
});
afterEach(() => void vi.useRealTimers());

const now = (): Date => new Date(clock);
const deliver = () => deliverDue(ports, now);
const laterBy = (seconds: number): void => void (clock += seconds * 1000);

/** Delivers every second of `seconds`, and gives those in which something was posted. */
async function secondsWithPosts(seconds: number): Promise<number[]> {
  const found: number[] = [];
  for (let second = 0; second <= seconds; second += 1) {
    const before = posts.length;
    await deliver();
    if (posts.length > before) found.push(second);
    laterBy(1);
  }
  return found;
}

describe('deliverDue', () => {
  it('posts what is due in the format of each webhook, once', async () => {
    await queue.add(newsItem(1), ['a', 'b']);
    expect(await deliver()).toEqual([
      { webhook: 'a', outcome: 'delivered' },
      { webhook: 'b', outcome: 'delivered' },
    ]);
    expect(posts.map(({ url }) => url)).toEqual([A.url, B.url]);
    expect(JSON.parse(posts[0]!.body)).toMatchObject({ type: 'access-requested' });
    expect(JSON.parse(posts[1]!.body)).toHaveProperty('blocks');
    expect(posts[0]!.headers).toEqual({
      'content-type': 'application/json',
      'webhook-id': newsItem(1).id,
      'webhook-timestamp': String(T0 / 1000),
    });
    laterBy(100_000);
    expect(await deliver()).toEqual([]);
  });

  it('signs each attempt with its own time, under the same id', async () => {
    await queue.add(newsItem(1), ['signed']);
    answer = () => 500;
    await deliver();
    laterBy(5);
    await deliver();
    expect(posts).toHaveLength(2);
    for (const [n, { headers, body }] of posts.entries()) {
      vi.useFakeTimers({ now: T0 + n * 5000 });
      expect(new Receiver(SECRET).verify(body, headers)).toMatchObject({ data: newsItem(1) });
      expect(headers['webhook-id']).toBe(newsItem(1).id);
      expect(headers['webhook-timestamp']).toBe(String(T0 / 1000 + n * 5));
    }
  });

  it.each([200, 201, 204, 299])('takes %d for delivered', async (status) => {
    await queue.add(newsItem(1), ['a']);
    answer = () => status;
    expect(await deliver()).toEqual([{ webhook: 'a', outcome: 'delivered' }]);
  });

  it.each([100, 199, 301, 304, 400, 401, 404, 429, 500, 503])('tries again after %d', async (status) => {
    await queue.add(newsItem(1), ['a']);
    answer = () => status;
    expect(await deliver()).toEqual([{ webhook: 'a', outcome: 'failed', problem: `it answered ${status}` }]);
    expect(await secondsWithPosts(6)).toEqual([5]);
  });

  it('makes ten attempts, each at its time, and then a dead letter', async () => {
    await queue.add(newsItem(1), ['a']);
    answer = () => 503;
    const outcomes: string[] = (await deliver()).map(({ outcome }) => outcome);
    for (const wait of [5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200]) {
      laterBy(wait - 0.001);
      expect(await deliver()).toEqual([]);
      laterBy(0.001);
      outcomes.push(...(await deliver()).map(({ outcome }) => outcome));
    }
    expect(outcomes).toEqual([...Array.from({ length: ATTEMPTS - 1 }, () => 'failed'), 'dead']);
    expect(await queue.dead(9)).toMatchObject([{ webhook: 'a', failures: 10, problem: 'it answered 503' }]);
    laterBy(1_000_000);
    expect(await deliver()).toEqual([]);
  });

  it('spreads what failed together', async () => {
    ports = { ...ports, random: () => 1 };
    await queue.add(newsItem(1), ['a']);
    answer = () => 503;
    expect(await secondsWithPosts(40)).toEqual([0, 6, 39]);
  });

  it('counts the wait from the end of an attempt', async () => {
    await queue.add(newsItem(1), ['a']);
    answer = () => {
      laterBy(10);
      throw new CustodyError('delivery-failed', 'it did not answer within 10 s');
    };
    await deliver();
    answer = () => 200;
    expect(await secondsWithPosts(6)).toEqual([5]);
  });

  it('gives up at once on who says 410', async () => {
    await queue.add(newsItem(1), ['a']);
    answer = () => 410;
    expect(await deliver()).toMatchObject([{ outcome: 'dead', problem: expect.stringContaining('410') }]);
    expect(await queue.dead(9)).toHaveLength(1);
  });

  it('gives up on a webhook that is gone, and posts nothing', async () => {
    await queue.add(newsItem(1), ['a', 'b']);
    webhooks = [B];
    await deliver();
    expect(posts.map(({ url }) => url)).toEqual([B.url]);
    const problem = 'the webhook is gone from custody.yaml';
    expect(await queue.dead(9)).toMatchObject([{ webhook: 'a', problem }]);
  });

  it('delivers a dead letter that somebody wants again', async () => {
    await queue.add(newsItem(1), ['a']);
    answer = () => 410;
    await deliver();
    await queue.again((await queue.dead(1))[0]!.id, now());
    answer = () => 200;
    expect(await deliver()).toEqual([{ webhook: 'a', outcome: 'delivered' }]);
    expect(posts[1]!.headers['webhook-id']).toBe(posts[0]!.headers['webhook-id']);
  });
});

describe('a secret (security case 5)', () => {
  it.each<[string, () => Promise<string>]>([
    ['cannot be read', () => Promise.reject(new CustodyError('config-invalid', 'cannot be read (ENOENT)'))],
    ['fails in an unknown way', () => Promise.reject(new Error('boom'))],
    ['is empty', async () => ''],
    ['is too short', async () => 'hunter2'],
    ['is not base64', async () => 'whsec_hunter2!hunter2!hunter2!hunter2!'],
  ])('that %s fails the attempt: nothing is posted unsigned', async (_what, readSecret) => {
    ports = { ...ports, readSecret };
    await queue.add(newsItem(1), ['signed']);
    expect(await deliver()).toMatchObject([{ webhook: 'signed', outcome: 'failed' }]);
    expect(posts).toEqual([]);
  });

  it('that is there again is used then', async () => {
    await queue.add(newsItem(1), ['signed']);
    ports = { ...ports, readSecret: async () => '' };
    await deliver();
    laterBy(5);
    ports = { ...ports, readSecret: async () => SECRET };
    await deliver();
    expect(posts.map(({ headers }) => headers['webhook-signature'])).toEqual([expect.stringMatching(/^v1,/)]);
  });

  it('whose file has no name is not a webhook without one', async () => {
    webhooks = [{ ...SIGNED, secretFile: '' }];
    ports = { ...ports, readSecret: () => Promise.reject(new Error('EISDIR')) };
    await queue.add(newsItem(1), ['signed']);
    await deliver();
    expect(posts).toEqual([]);
  });

  it('stays out of what is kept and told, and so does the URL (security case 15)', async () => {
    answer = ({ url, body }) => Promise.reject(new Error(`cannot post ${body} to ${url} with ${SECRET}`));
    await queue.add(newsItem(1), ['signed']);
    const [attempt] = await deliver();
    expect(attempt).toMatchObject({ outcome: 'failed', problem: 'the attempt failed inside of the gateway' });
    for (let n = 1; n < ATTEMPTS; n += 1) {
      laterBy(50_000);
      await deliver();
    }
    expect(await queue.dead(9)).toHaveLength(1);
    expect(JSON.stringify(await queue.dead(1))).not.toMatch(/whsec|token-|https:\/\/a/);
  });

  it('takes an event that cannot be put into words for a failure', async () => {
    await queue.add({ ...newsItem(1), requester: undefined as never }, ['a', 'b']);
    const outcomes = (await deliver()).map(({ webhook, outcome }) => [webhook, outcome]);
    expect(outcomes).toEqual([
      ['a', 'delivered'],
      ['b', 'failed'],
    ]);
  });
});

describe('a webhook that is slow', () => {
  it('does not keep the others back', async () => {
    await queue.add(newsItem(1), ['a', 'b']);
    let release = (_status: number): void => undefined;
    const slow = new Promise<number>((resolve) => (release = resolve));
    answer = ({ url }) => (url === A.url ? slow : 200);
    const first = deliver();
    await vi.waitFor(() => expect(posts).toHaveLength(2), 20_000);
    await queue.add(newsItem(2), ['a', 'b']);
    laterBy(1);
    expect(await deliver()).toEqual([{ webhook: 'b', outcome: 'delivered' }]);
    release(200);
    expect(await first).toHaveLength(2);
    expect(await deliver()).toEqual([{ webhook: 'a', outcome: 'delivered' }]);
  });

  it('has at most eight posts at once', async () => {
    for (let n = 0; n < 20; n += 1) await queue.add(newsItem(n), ['a', 'b']);
    const ends: (() => void)[] = [];
    answer = ({ url }) =>
      url === A.url ? new Promise<number>((resolve) => ends.push(() => resolve(200))) : 200;
    const first = deliver();
    await vi.waitFor(() => expect(ends).toHaveLength(8), 20_000);
    for (let n = 0; n < 3; n += 1) {
      laterBy(1);
      await deliver();
    }
    expect(ends).toHaveLength(8);
    expect(posts.filter(({ url }) => url === B.url)).toHaveLength(20);
    for (const end of ends) end();
    expect(await first).toHaveLength(16);
    expect(ports.busy.size).toBe(0);
  });
});

describe('a queue that fails', () => {
  it('is told after all attempts have ended, and keeps no webhook busy', async () => {
    await queue.add(newsItem(1), ['a', 'b']);
    vi.spyOn(queue, 'delivered').mockRejectedValueOnce(new Error('disk full'));
    let running = 0;
    answer = async ({ url }) => {
      running += 1;
      for (let turn = 0; url === B.url && turn < 50; turn += 1) await Promise.resolve();
      running -= 1;
      return 200;
    };
    await expect(deliver()).rejects.toThrow('disk full');
    expect(running).toBe(0);
    expect(ports.busy.size).toBe(0);
    // b is done; a is posted again when its time is over, and not before.
    expect(await secondsWithPosts(60)).toEqual([60]);
    expect(posts.map(({ url }) => url)).toEqual([A.url, B.url, A.url]);
  });

  it('keeps everything from being posted when it cannot take', async () => {
    await queue.add(newsItem(1), ['a']);
    queue.take = () => Promise.reject(new Error('disk full'));
    await expect(deliver()).rejects.toThrow('disk full');
    expect(posts).toEqual([]);
  });
});
