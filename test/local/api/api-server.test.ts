import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { openApiDocument } from '#lambdas/openapi.ts';
import { type ApiOptions, startApi } from '#local/api/api-server.ts';
import { addSession, MISSING, POLICY, verifier, type World, world } from '#test/lambdas/support.ts';
import { noRuns } from '#test/support/api-runs.ts';
import { ledgerOf } from '#test/support/ledger-view.ts';
import { memorySsh } from '#test/support/memory-certificates.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';
import { noDevices } from '#test/support/memory-devices.ts';
import { NO_LOGOUTS } from '#test/support/memory-logouts.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import { noSandboxes } from '#test/support/memory-sandboxes.ts';
import { noDirectory } from '#test/support/memory-scim.ts';
import { noHealth } from '#test/support/no-health.ts';
import { NO_SEARCH } from '#test/support/no-search.ts';
import { sessionRecord } from '#test/support/session-records.ts';

const signerPem = memorySigner().pem;
const ID = sessionRecord(1).id;

interface Running extends World {
  readonly url: string;
  readonly port: number;
  /** The server's time, which a test moves. */
  readonly clock: { now: Date };
}

async function api(more: Partial<ApiOptions> = {}): Promise<Running> {
  const ports = world();
  const { clock } = ports;
  await addSession(ports, 1, { subject: 'dana' });
  await addSession(ports, 2, { subject: 'eve' });
  const server = await startApi({
    port: 0,
    search: NO_SEARCH,
    policy: { config: POLICY, refused: undefined },
    verifier: () => verifier,
    requests: ports.requests,
    terminations: ports.terminations,
    scim: noDirectory(),
    logout: NO_LOGOUTS,
    ...noDevices(),
    runs: noRuns(),
    ssh: memorySsh(
      () => POLICY,
      () => new Date(),
    ),
    desk: ports.desk,
    sandboxes: noSandboxes(),
    deadLetters: new MemoryDeliveries(),
    health: noHealth(),
    catalog: ports.catalog,
    leaves: ports.leaves,
    ledger: await ledgerOf([ID]),
    source: ports.source,
    signerPem,
    gateway: { host: 'localhost', port: 7400, caPem: 'ca' },
    now: () => clock.now,
    log: ports.log,
    ...more,
  });
  onTestFinished(() => server.close());
  return { ...ports, clock, url: server.url, port: Number(new URL(server.url).port) };
}

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

interface Listed {
  readonly objects: readonly { readonly name: string; readonly size: number; readonly url: string }[];
}

async function evidence({ url }: Running): Promise<Listed['objects']> {
  const response = await fetch(`${url}/v1/sessions/${ID}/evidence`, as('dana'));
  return ((await response.json()) as Listed).objects;
}

/** Sends these bytes; resolves with everything that comes back once the server ends the connection. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

describe('the API on this machine', () => {
  it('serves every path of its OpenAPI document', async () => {
    const { url } = await api();
    for (const [path, item] of Object.entries(openApiDocument().paths!)) {
      const method = 'get' in item ? 'GET' : 'POST';
      const there = path.replace('{id}', ID).replace('{number}', '1').replace('{proxy}', 'tile/0/000');
      const response = await fetch(url + there, { method, ...as('dana') });
      const { detail } = response.ok ? {} : ((await response.json()) as { detail?: string });
      expect([path, response.status, detail]).not.toEqual([path, 404, 'there is nothing here']);
      expect([path, response.status]).not.toEqual([path, 500]);
    }
    const document: unknown = await (await fetch(`${url}/v1/openapi.json`)).json();
    expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });

  it('says where to log in to whoever asks', async () => {
    const response = await fetch(`${(await api()).url}/v1/login`);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('public, max-age=60');
    expect(await response.json()).toMatchObject({ issuers: [{ kind: 'person', clientId: 'custody' }] });
  });

  it('hands evidence out by its links, and nothing but the bytes', async () => {
    const server = await api();
    for (const { name, size, url } of await evidence(server)) {
      const response = await fetch(url);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('application/octet-stream');
      expect(response.headers.get('content-disposition')).toBe('attachment');
      const stored = await server.source.get(`sessions/${ID}/${name}`);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(stored);
      expect(stored.byteLength).toBe(size);
    }
  });

  it('answers HEAD as GET, without the body', async () => {
    const server = await api();
    const [{ url }] = (await evidence(server)) as [Listed['objects'][number]];
    for (const at of [`${server.url}/v1/signer`, `${server.url}/nothing`, url]) {
      const [get, head] = [await fetch(at), await fetch(at, { method: 'HEAD' })];
      expect(head.status).toBe(get.status);
      const body = await get.arrayBuffer();
      expect(Number(head.headers.get('content-length'))).toBe(body.byteLength);
      expect((await head.arrayBuffer()).byteLength).toBe(0);
    }
  });

  it('is nothing that a browser could use: no CORS, no sniffing, no framing (security case 18)', async () => {
    const server = await api();
    const [{ url }] = (await evidence(server)) as [Listed['objects'][number]];
    for (const at of ['/v1/signer', '/v1/targets', '/nothing', url.slice(server.url.length)]) {
      const { headers } = await fetch(server.url + at, { headers: { origin: 'https://evil.example' } });
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('refuses %s', async (method) => {
    const { url } = await api();
    const response = await fetch(`${url}/v1/sessions`, { method, ...as('dana') });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it.each([
    '/v1',
    '/v1/',
    '/v2/sessions',
    '/v1/sessionsx',
    '/V1/signer',
    '/v1/signer/',
    '/v1/signer/x',
    '/v1/targets/orders-db',
    '/objects/',
    '/objects',
    '/favicon.ico',
  ])('has nothing at %s', async (path) => {
    const { url } = await api();
    const response = await fetch(url + path, as('dana'));
    expect([response.status, response.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json',
    ]);
  });

  it('refuses a repeated parameter instead of choosing one', async () => {
    const { url } = await api();
    const response = await fetch(`${url}/v1/sessions?limit=1&limit=2`, as('dana'));
    expect(response.status).toBe(400);
  });

  it('logs a fault of its own, and tells the client nothing of it (security case 15)', async () => {
    const server = await api();
    const [{ url }] = (await evidence(server)) as [Listed['objects'][number]];
    server.source.get = async () => {
      throw new Error("EIO: read '/srv/evidence'");
    };
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('/srv');
    expect(server.faults).toHaveLength(1);
  });

  it('says which port is taken, and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const failure = await api({ port }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CustodyError);
    expect(failure).toMatchObject({
      code: 'config-invalid',
      hint: expect.stringContaining('--port-base') as string,
    });
    expect((failure as CustodyError).message).toContain(String(port));
  });

  it('is gone once it is closed, also for who is still connected', async () => {
    const ports = world();
    const server = await startApi({
      port: 0,
      search: NO_SEARCH,
      policy: { config: POLICY, refused: undefined },
      verifier: () => verifier,
      requests: ports.requests,
      terminations: ports.terminations,
      scim: noDirectory(),
      logout: NO_LOGOUTS,
      ...noDevices(),
      runs: noRuns(),
      ssh: memorySsh(
        () => POLICY,
        () => new Date(),
      ),
      desk: ports.desk,
      sandboxes: noSandboxes(),
      deadLetters: new MemoryDeliveries(),
      health: noHealth(),
      catalog: ports.catalog,
      leaves: ports.leaves,
      ledger: ports.ledger,
      source: ports.source,
      signerPem,
      gateway: { host: 'localhost', port: 7400 },
      now: ports.now,
    });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined).resume();
    const ended = once(socket, 'close');
    await server.close();
    await ended;
    await expect(fetch(`${server.url}/v1/signer`)).rejects.toThrow('fetch failed');
  });
});

describe('a link', () => {
  const tampered: readonly (readonly [what: string, change: (url: string) => string])[] = [
    ['forged', (url) => url.replace(/sig=.{8}/, 'sig=00000000')],
    ['for another session', (url) => url.replace(ID, sessionRecord(2).id)],
    ['for what is not there', (url) => url.replace(ID, MISSING)],
    ['prolonged', (url) => url.replace(/expires=\d{4}/, 'expires=9999')],
    ['without a signature', (url) => url.replace(/\?.*/, '')],
    ['leading out of its session', (url) => url.replace(ID, `${ID}/../${sessionRecord(2).id}`)],
    ['leading out, encoded', (url) => url.replace(ID, `${ID}/%2e%2e/${sessionRecord(2).id}`)],
    ['leading out, encoded once more', (url) => url.replace(`${ID}/`, `${ID}/..%2f..%2f`)],
    ['with a backslash', (url) => url.replace(`${ID}/`, `${ID}\\..\\`)],
  ];

  it.each(tampered)(
    '%s gives nothing, and reads nothing (security cases 7, 10, 14)',
    async (_what, change) => {
      const server = await api();
      const [{ url }] = (await evidence(server)) as [Listed['objects'][number]];
      const read: string[] = [];
      server.source.get = async (key) => (read.push(key), new Uint8Array(1));
      expect((await fetch(change(url))).status).toBe(404);
      expect(read).toEqual([]);
    },
  );

  it('that has expired gives nothing (security case 12)', async () => {
    const server = await api();
    const [{ url }] = (await evidence(server)) as [Listed['objects'][number]];
    server.clock.now = new Date(server.clock.now.getTime() + 60_001);
    expect((await fetch(url)).status).toBe(404);
  });

  it('of one server is worth nothing at another', async () => {
    const [one, other] = [await api(), await api()];
    const [{ url }] = (await evidence(one)) as [Listed['objects'][number]];
    expect((await fetch(url.replace(one.url, other.url))).status).toBe(404);
  });

  it.each([
    '/objects/../../../../etc/passwd',
    '/objects/..%2f..%2f..%2fetc%2fpasswd',
    '/objects/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
    '/objects//etc/passwd',
    '/objects/sessions/%00',
    '/objects/%',
  ])('is not replaced by a path: %s (security case 10)', async (path) => {
    const server = await api();
    const read: string[] = [];
    server.source.get = async (key) => (read.push(key), new Uint8Array(1));
    const answer = await raw(
      server.port,
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(read).toEqual([]);
  });
});

describe('a peer that does not behave', () => {
  it.each<[what: string, text: string, status: RegExp]>([
    ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', / 400 /],
    ['a target that is none', 'GET  HTTP/1.1\r\n\r\n', / 400 /],
    ['two lengths', 'GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', / 400 /],
    [
      'length and chunks',
      'GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      / 400 /,
    ],
    ['a folded header', 'GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n', / 4\d\d /],
    ['huge headers', `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(40_000)}\r\n\r\n`, / 431 /],
    ['a huge address', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, / 431 /],
    ['many headers', `GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(10_000)}\r\n`, / 431 /],
    ['no host', 'GET /v1/signer HTTP/1.1\r\n\r\n', / 400 /],
    ['no host, in the old way', 'GET /v1/signer HTTP/1.0\r\n\r\n', / 421 /],
    ['the name of another', 'GET /v1/signer HTTP/1.1\r\nhost: evil.example\r\n\r\n', / 421 /],
  ])('%s is answered and let go (security case 16)', async (_what, text, status) => {
    const { port } = await api();
    expect((await raw(port, text)).split('\r\n')[0]).toMatch(status);
  });

  it('a page elsewhere, by a name that points here, reads nothing (DNS rebinding; security case 19)', async () => {
    const { port } = await api();
    for (const host of [
      `evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port}.evil.example`,
      `127.0.0.1:${port + 1}`,
    ]) {
      const answer = await raw(port, `GET /v1/signer HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 421 /);
      expect(answer).not.toContain('PUBLIC KEY');
    }
    const answer = await raw(
      port,
      `GET /v1/signer HTTP/1.1\r\nhost: localhost:${port}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toContain('PUBLIC KEY');
  });

  it.each(['content-length: 1000000000', 'transfer-encoding: chunked'])(
    'a body (%s) is refused without being read (security case 16)',
    async (header) => {
      const { port } = await api();
      const lines = ['GET /v1/signer HTTP/1.1', `host: 127.0.0.1:${port}`, header, '', ''];
      const answer = await raw(port, lines.join('\r\n'));
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toMatch(/connection: close/i);
    },
  );

  it.each([
    ['nothing', ''],
    ['half a line', 'GET /v1/sig'],
    ['half of its headers', 'GET /v1/signer HTTP/1.1\r\nhost: x\r\na: b\r\n'],
  ])('whoever sends %s is let go in a bounded time (security case 16)', async (_what, text) => {
    const { port } = await api({ requestMs: 100 });
    expect(await raw(port, text)).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
  });

  it('does not delay another, however many there are (security case 16)', async () => {
    const { port, url } = await api();
    const silent = Array.from({ length: 600 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    onTestFinished(() => silent.forEach((socket) => void socket.destroy()));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    expect((await fetch(`${url}/v1/signer`)).status).toBe(200);
    // Nor do they take all descriptors: the longest silent had to go.
    await vi.waitUntil(() => silent.filter((socket) => !socket.closed).length <= 256);
  });

  it('whoever leaves in the middle of an answer harms nobody', async () => {
    const server = await api();
    let release = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      server.catalog.list = async () => {
        resolve();
        await new Promise<void>((done) => (release = done));
        return { sessions: [] };
      };
    });
    const leaving = request(`${server.url}/v1/sessions`, as('dana')).on('error', () => undefined);
    leaving.end();
    await asked;
    leaving.destroy();
    release();
    expect((await fetch(`${server.url}/v1/signer`)).status).toBe(200);
    expect(server.faults).toEqual([]);
  });
});
