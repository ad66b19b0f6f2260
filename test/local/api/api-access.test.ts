import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openApiDocument } from '#lambdas/openapi.ts';
import { startApi } from '#local/api/api-server.ts';
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

async function serve(): Promise<World & { url: string; port: number }> {
  const ports = world();
  await addSession(ports, 1, { subject: 'dana' });
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
    ledger: await ledgerOf([MISSING]),
    source: ports.source,
    signerPem: memorySigner().pem,
    gateway: { host: 'localhost', port: 7400 },
    now: ports.now,
    log: ports.log,
  });
  onTestFinished(() => server.close());
  return { ...ports, url: server.url, port: Number(new URL(server.url).port) };
}

const operations = Object.entries(openApiDocument().paths!).flatMap(([path, item]) =>
  (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
    const operation = item[method];
    if (operation === undefined) return [];
    const there = path.replace('{id}', MISSING).replace('{proxy}', 'tile/0/000');
    return [{ method: method.toUpperCase(), path: there, isPublic: operation.security?.length === 0 }];
  }),
);

const JSON_TYPE = { 'content-type': 'application/json' };
const as = (token: string) => ({ authorization: `Bearer ${token}` });

describe('the authorizer of the API on this machine', () => {
  it.each(operations.filter(({ isPublic }) => !isPublic))(
    'stands before $method $path (security cases 3, 22)',
    async ({ method, path }) => {
      const { url } = await serve();
      const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
      const body = hasBody ? { body: '{}' } : {};
      const headers = hasBody ? JSON_TYPE : {};
      const bare = await fetch(url + path, { method, headers, ...body });
      expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      const bad = await fetch(url + path, { method, headers: { ...headers, ...as('mallory') }, ...body });
      expect([bad.status, bad.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer error="invalid_token"',
      ]);
      // What a directory calls looks at a secret of its own.
      const kind = path.startsWith('/v1/scim/') ? 'scim' : 'problem';
      expect(bad.headers.get('content-type')).toBe(`application/${kind}+json`);
    },
  );

  it('believes no header about who calls, or from where (security cases 13, 19)', async () => {
    const { url } = await serve();
    const principal = JSON.stringify(await verifier.verify('adm'));
    const forged = {
      'x-amzn-principal': principal,
      'x-custody-principal': principal,
      principal,
      'x-forwarded-for': '192.0.2.1',
      forwarded: 'for=192.0.2.1',
    };
    expect((await fetch(`${url}/v1/config`, { headers: forged })).status).toBe(401);
    expect((await fetch(`${url}/v1/config`, { headers: { ...forged, ...as('dana') } })).status).toBe(403);
    expect((await fetch(`${url}/v1/config`, { headers: as('adm') })).status).toBe(200);
  });

  it('blocks an address after twenty bad tokens, whatever address its headers claim (security case 19)', async () => {
    const { url } = await serve();
    for (let n = 0; n < 20; n += 1) {
      const headers = { ...as('mallory'), 'x-forwarded-for': `198.51.100.${n}` };
      expect((await fetch(`${url}/v1/targets`, { headers })).status).toBe(401);
    }
    const blocked = await fetch(`${url}/v1/targets`, { headers: as('dana') });
    expect([blocked.status, blocked.headers.get('retry-after')]).toEqual([429, '60']);
    expect((await fetch(`${url}/v1/signer`)).status).toBe(200);
  });
});

describe('a body', () => {
  const post = (
    url: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = JSON_TYPE,
  ) => fetch(`${url}/v1/requests`, { method: 'POST', body, headers: { ...headers, ...as('dana') } });

  it.each<
    [what: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>, status: number]
  >([
    ['that is good', '{"target":"stock-db","reason":"x"}', JSON_TYPE, 201],
    [
      'with a charset',
      '{"target":"stock-db","reason":"x"}',
      { 'content-type': 'application/json; charset=utf-8' },
      201,
    ],
    ['that is no JSON', '{"target":', JSON_TYPE, 400],
    ['that is empty', '', JSON_TYPE, 400],
    ['that is no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), JSON_TYPE, 400],
    ['of another type', '{}', { 'content-type': 'text/plain' }, 400],
    ['that is too long', 'x'.repeat((128 << 10) + 1), JSON_TYPE, 413],
  ])('%s', async (_what, body, headers, status) => {
    const { url } = await serve();
    expect((await post(url, body, headers)).status).toBe(status);
  });

  it('in chunks is cut off where it is too long', async () => {
    const { url } = await serve();
    const chunks = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 << 10)),
    });
    const sent = fetch(`${url}/v1/requests`, {
      method: 'POST',
      body: chunks,
      headers: { ...JSON_TYPE, ...as('dana') },
      duplex: 'half',
    });
    const status = await sent.then(
      (response) => response.status,
      () => 'cut off',
    );
    expect([413, 'cut off']).toContain(status);
  });

  it('whose length is a lie holds nobody up', async () => {
    const { port, url } = await serve();
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).resume();
    await once(socket, 'connect');
    socket.write(
      `POST /v1/requests HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer dana\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{`,
    );
    expect((await post(url, '{"target":"stock-db","reason":"x"}')).status).toBe(201);
  });
});

describe('a method that is none', () => {
  it.each([
    ['PUT', '/v1/requests', 'GET, HEAD, POST'],
    ['DELETE', `/v1/requests/${MISSING}`, 'GET, HEAD'],
    ['GET', `/v1/requests/${MISSING}/decisions`, 'POST'],
    ['HEAD', `/v1/requests/${MISSING}/decisions`, 'POST'],
  ])('%s %s is told which are', async (method, path, allow) => {
    const { url } = await serve();
    const response = await fetch(url + path, { method, headers: as('dana') });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
  });
});
