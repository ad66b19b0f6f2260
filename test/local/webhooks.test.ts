import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Webhook as Receiver } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { webhookPost } from '#adapters/webhook/post.ts';
import { readSecretFile } from '#adapters/webhook/secret-file.ts';
import { type Attempt, type DeliveryPorts, deliverDue } from '#core/notify/deliver.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import type { Webhook } from '#core/notify/webhook.ts';
import { newsItem } from '#test/support/news.ts';
import { startReceiver, type TestReceiver } from '#test/support/receiver.ts';

const PROCESS = fileURLToPath(new URL('../support/deliver-process.ts', import.meta.url));
const T0 = Date.parse('2026-03-01T12:00:00.000Z');
const SECRET = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
const TOKEN = 'T000-very-secret';

let folder: string;
let receiver: TestReceiver;
let webhooks: Webhook[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'custody-webhooks-'));
  receiver = await startReceiver();
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, `${SECRET}\n`);
  webhooks = [{ name: 'a', url: `${receiver.url}/${TOKEN}`, format: 'json', events: undefined, secretFile }];
});
afterEach(async () => {
  vi.useRealTimers();
  await receiver.close();
  rmSync(folder, { recursive: true });
});

/** The parts of a process that has just started, on the folder as it is. */
function started(): DeliveryPorts & { stream: WebhookStream; close(): void } {
  const queue = localDeliveries(folder);
  const rest = {
    console: () => undefined,
    readSecret: readSecretFile,
    sender: webhookPost(),
    random: () => 0,
    busy: new Set<string>(),
  };
  const stream = new WebhookStream(() => webhooks, queue);
  return { queue, webhooks: () => webhooks, ...rest, stream, close: () => queue.close() };
}

function deliverAt(ports: DeliveryPorts, seconds: number): Promise<readonly Attempt[]> {
  return deliverDue(ports, () => new Date(T0 + seconds * 1000));
}

function files(): string {
  const names = readdirSync(folder).filter((name) => name.startsWith('deliveries'));
  return names.map((name) => readFileSync(join(folder, name), 'latin1')).join();
}

describe('webhooks, with a real receiver', () => {
  it('reach one that fails and recovers, signed, under one id', async () => {
    const ports = started();
    await ports.stream.tell(newsItem(1));
    receiver.answer = (response) => response.writeHead(503).end();
    expect(await deliverAt(ports, 0)).toMatchObject([{ outcome: 'failed', problem: 'it answered 503' }]);
    receiver.answer = (response) => response.socket!.destroy();
    expect(await deliverAt(ports, 5)).toMatchObject([{ outcome: 'failed' }]);
    receiver.answer = (response) => response.writeHead(200).end();
    expect(await deliverAt(ports, 34)).toEqual([]);
    expect(await deliverAt(ports, 35)).toEqual([{ webhook: 'a', outcome: 'delivered' }]);
    expect(await deliverAt(ports, 100_000)).toEqual([]);
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(
      Array.from({ length: 3 }, () => newsItem(1).id),
    );
    const last = receiver.received[2]!;
    vi.useFakeTimers({ now: T0 + 35_000 });
    expect(new Receiver(SECRET).verify(last.body, last.headers as Record<string, string>)).toMatchObject({
      type: 'access-requested',
      data: newsItem(1),
    });
    ports.close();
  });

  it('keep neither address nor secret nor signature in the folder (security case 15)', async () => {
    const ports = started();
    await ports.stream.tell(newsItem(1));
    await ports.stream.tell(newsItem(2));
    receiver.answer = (response, { body }) =>
      response.writeHead(body.includes('02/0') ? 410 : 500).end(TOKEN);
    await deliverAt(ports, 0);
    const kept = files();
    expect(kept).toContain('it answered 500');
    expect(kept).toContain('it answered 410');
    expect(kept).not.toMatch(/T000|127\.0\.0\.1|whsec|0123456789abcdef|v1,/);
    ports.close();
  });

  it('post nothing while the secret is away, and signed when it is back (security case 5)', async () => {
    const ports = started();
    rmSync(join(folder, 'secret'));
    await ports.stream.tell(newsItem(1));
    expect(await deliverAt(ports, 0)).toMatchObject([
      { outcome: 'failed', problem: "the webhook's secret cannot be read (ENOENT)" },
    ]);
    expect(receiver.received).toEqual([]);
    writeFileSync(join(folder, 'secret'), SECRET);
    expect(await deliverAt(ports, 5)).toMatchObject([{ outcome: 'delivered' }]);
    expect(receiver.received[0]!.headers['webhook-signature']).toMatch(/^v1,/);
    ports.close();
  });

  it('come twice, under one id, when the gateway is killed before it knows that one arrived', async () => {
    const ports = started();
    await ports.stream.tell(newsItem(1));
    const processes: ChildProcess[] = [];
    const run = (seconds: number): Promise<string> =>
      new Promise((resolve) => {
        const args = [PROCESS, folder, receiver.url, String(T0 + seconds * 1000)];
        processes.push(execFile(process.execPath, args, (_error, stdout) => resolve(stdout)));
      });
    receiver.answer = () => void processes[0]!.kill('SIGKILL');
    expect(await run(0)).toBe('');
    receiver.answer = (response) => response.writeHead(200).end();
    expect(await run(59)).toBe('[]');
    expect(await run(60)).toBe('["delivered"]');
    expect(await run(1_000_000)).toBe('[]');
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([newsItem(1).id, newsItem(1).id]);
    expect(receiver.received[1]!.body).toBe(receiver.received[0]!.body);
    ports.close();
  });

  it('come once, whatever tells the event again, and whoever delivers beside', async () => {
    const [one, other] = [started(), started()];
    await one.stream.tell(newsItem(1));
    await other.stream.tell(newsItem(1));
    await Promise.all([deliverAt(one, 0), deliverAt(other, 0), deliverAt(one, 0)]);
    await other.stream.tell(newsItem(1));
    await deliverAt(other, 1000);
    expect(receiver.received).toHaveLength(1);
    one.close();
    other.close();
  });
});
