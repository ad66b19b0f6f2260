import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliveryPorts } from '#core/notify/deliver.ts';
import type { Webhook } from '#core/notify/webhook.ts';
import { keepDelivering, type Notifying } from '#local/api/notifier.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';
import { newsItem } from '#test/support/news.ts';

const A: Webhook = { name: 'a', url: 'https://a.example', format: 'json', events: undefined };

let queue: MemoryDeliveries;
let answers: Record<string, () => number | Promise<number>>;
let posted: string[];
let told: unknown[];
let ports: DeliveryPorts;
let notifying: Notifying | undefined;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-03-01T12:00:00.000Z') });
  queue = new MemoryDeliveries();
  [answers, posted, told] = [{}, [], []];
  ports = {
    queue,
    webhooks: () => [A, { ...A, name: 'b', url: 'https://b.example' }],
    console: () => undefined,
    readSecret: () => Promise.reject(new Error('there is none')),
    sender: {
      post: async (url) => {
        posted.push(url);
        return answers[url]?.() ?? 200;
      },
    },
    random: () => 0,
    busy: new Set(),
  };
});
afterEach(() => {
  notifying?.stop();
  vi.useRealTimers();
});

async function start(): Promise<void> {
  const onTrouble = (error: unknown): void => void told.push((error as Error).message);
  notifying = keepDelivering(ports, () => new Date(), onTrouble);
  await seconds(0);
}

async function seconds(count: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(count * 1000);
}

describe('keepDelivering', () => {
  it('delivers at once and every second, until it is stopped', async () => {
    await queue.add(newsItem(1), ['a']);
    await start();
    expect(posted).toHaveLength(1);
    await queue.add(newsItem(2), ['a']);
    await seconds(1);
    expect(posted).toHaveLength(2);
    notifying?.stop();
    await queue.add(newsItem(3), ['a']);
    await seconds(10);
    expect(posted).toHaveLength(2);
    expect(told).toEqual([]);
  });

  it('does not wait for a webhook that does not answer', async () => {
    answers = { 'https://a.example': () => new Promise(() => undefined) };
    await queue.add(newsItem(1), ['a', 'b']);
    await start();
    await queue.add(newsItem(2), ['a', 'b']);
    await seconds(1);
    expect(posted).toEqual(['https://a.example', 'https://b.example', 'https://b.example']);
  });

  it('tells of a webhook that begins to fail, once, and of one that gives up', async () => {
    answers = { 'https://a.example': () => 500 };
    await queue.add(newsItem(1), ['a', 'b']);
    await start();
    await seconds(40);
    const failed = 'webhook "a": a delivery failed and will be tried again: it answered 500';
    expect(told.splice(0)).toEqual([failed]);
    answers = { 'https://a.example': () => 410 };
    await seconds(120);
    await queue.add(newsItem(2), ['a']);
    await seconds(1);
    expect(told.splice(0)).toEqual([
      'webhook "a": a delivery is given up: it answered 410: it wants no more of this',
    ]);
    answers = {};
    await queue.add(newsItem(3), ['a']);
    await seconds(1);
    answers = { 'https://a.example': () => 500 };
    await queue.add(newsItem(4), ['a']);
    await seconds(1);
    expect(told).toEqual([failed]);
  });

  it('tells of a queue that fails, once, and goes on', async () => {
    const take = vi.spyOn(queue, 'take').mockRejectedValue(new Error('disk full'));
    await queue.add(newsItem(1), ['a']);
    await start();
    await seconds(5);
    expect(told).toEqual(['disk full']);
    take.mockRestore();
    await seconds(1);
    expect(posted).toHaveLength(1);
    vi.spyOn(queue, 'take').mockRejectedValue(new Error('disk full'));
    await seconds(5);
    expect(told).toEqual(['disk full', 'disk full']);
  });

  it('tells nothing any more once it is stopped', async () => {
    let fail = (): void => undefined;
    vi.spyOn(queue, 'take').mockReturnValue(
      new Promise((_resolve, reject) => (fail = () => reject(new Error('closed')))),
    );
    await start();
    notifying?.stop();
    fail();
    await seconds(1);
    expect(told).toEqual([]);
  });
});
