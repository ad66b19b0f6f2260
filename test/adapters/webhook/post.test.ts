import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webhookPost } from '#adapters/webhook/post.ts';
import { startReceiver, type TestReceiver } from '#test/support/receiver.ts';

const TOKEN = 'T000-very-secret';

let receiver: TestReceiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

/** What it says, with everything that a log could show of it. */
async function refusal(url: string, timeoutMs = 5_000): Promise<string> {
  try {
    await webhookPost(timeoutMs).post(url, {}, 'the body');
  } catch (error) {
    const { name, message, hint, detail, cause, stack } = error as Record<string, unknown>;
    return JSON.stringify({ name, message, hint, detail, cause, stack });
  }
  throw new Error('it was posted');
}

describe('webhookPost', () => {
  it('posts headers and body as they are, and gives the status', async () => {
    receiver.answer = (response) => response.writeHead(202).end('thanks');
    const headers = { 'content-type': 'application/json', 'webhook-id': 'r/0' };
    const body = '{"ü":"🔑 "}';
    expect(await webhookPost().post(`${receiver.url}/hook?x=1`, headers, body)).toBe(202);
    expect(receiver.received).toEqual([
      { path: '/hook?x=1', body, headers: expect.objectContaining({ ...headers, 'user-agent': 'custody' }) },
    ]);
  });

  it.each([204, 304, 404, 410, 429, 500])('gives %d as it gives any status', async (status) => {
    receiver.answer = (response) => response.writeHead(status).end();
    expect(await webhookPost().post(receiver.url, {}, '{}')).toBe(status);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %d (security case 19)', async (status) => {
    receiver.answer = (response) =>
      response.writeHead(status, { location: `${receiver.url}/elsewhere` }).end();
    expect(await refusal(`${receiver.url}/${TOKEN}`)).toContain('redirect');
    expect(receiver.received.map(({ path }) => path)).toEqual([`/${TOKEN}`]);
  });

  it('reads nothing of an answer without end (security case 21)', async () => {
    let sent = 0;
    const closed = new Promise<void>((resolve) => {
      receiver.answer = (response) => {
        response.writeHead(200);
        response.on('close', resolve);
        const more = (): void => {
          do sent += 1 << 16;
          while (response.write(Buffer.alloc(1 << 16)));
          response.once('drain', more);
        };
        more();
      };
    });
    expect(await webhookPost().post(receiver.url, {}, '{}')).toBe(200);
    await closed;
    expect(sent).toBeLessThan(64 << 20);
  });

  it('gives up on an answer that does not come (security case 16)', async () => {
    receiver.answer = () => undefined;
    expect(await refusal(`${receiver.url}/${TOKEN}`, 20)).toContain('did not answer within 0.02 s');
  });

  it.each([
    'http://example.com/',
    'http://10.0.0.1/',
    'http://127.0.0.1.example.com/',
    'http://0.0.0.0/',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'data:,x',
    'https://user:hunter2@127.0.0.1/',
    'not a URL',
    '',
  ])('posts nothing to %s', async (url) => {
    expect(await refusal(url)).toContain('neither https nor http on this machine');
  });

  it.each(['http://localhost', 'http://127.0.0.1'])('posts to %s', async (origin) => {
    const { port } = new URL(receiver.url);
    expect(await webhookPost().post(`${origin}:${port}/`, {}, '{}')).toBe(204);
  });

  describe('names neither the URL nor what was sent when it fails (security case 15)', () => {
    let odd: Server;
    let port: number;
    beforeEach(async () => {
      odd = createServer((socket) => socket.end(`HTTP/1.1 200 OK\r\nbad header ${TOKEN}\r\n\r\n`));
      await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
      ({ port } = odd.address() as AddressInfo);
    });
    afterEach(() => odd.close());

    it.each([
      ['with an answer that is not HTTP', () => `http://127.0.0.1:${port}/${TOKEN}`],
      ['with a receiver that has no TLS', () => `https://127.0.0.1:${port}/${TOKEN}`],
      ['with a port that is closed', () => `http://127.0.0.1:1/${TOKEN}`],
      ['with a redirect', () => `${receiver.url}/redirect/${TOKEN}`],
      ['with a URL that may not be posted to', () => `http://example.com/${TOKEN}`],
      ['with a name that is not there', () => `https://${TOKEN}.invalid/`],
    ])('%s', async (_what, url) => {
      receiver.answer = (response) => response.writeHead(302, { location: `/${TOKEN}` }).end();
      const told = await refusal(url());
      expect(told).not.toContain(TOKEN);
      expect(told).not.toContain(TOKEN.toLowerCase());
      expect(told).not.toContain('the body');
    });

    it('but says what kind of failure it is', async () => {
      await receiver.close();
      expect(await refusal(`${receiver.url}/`)).toContain('it cannot be reached (ECONNREFUSED)');
      receiver = await startReceiver();
    });
  });
});
