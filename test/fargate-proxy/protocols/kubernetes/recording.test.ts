import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { eventually } from '#test/support/clients.ts';
import { type KubernetesStand, TOKEN } from './stand.ts';
import { bearer, bodyOf, byHttp1, byHttp2, stood } from './target.ts';

const PODS = '/clusters/prod/api/v1/namespaces/dev/pods';
const SECRETS = '/clusters/prod/api/v1/namespaces/dev/secrets';
const said = (asked: IncomingMessage, response: ServerResponse): void => {
  asked.resume();
  response.end('{}');
};

function jsonOf(stand: KubernetesStand, of: string, type: number) {
  const found = stand.records().filter((record) => record.stream === of && record.type === type);
  return found.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()));
}

describe('what a call leaves on the tape', () => {
  it('is its head, as whom it went on, the answer and both ends', async () => {
    const { stand } = await stood((_, response) => {
      response.writeHead(201, { 'Content-Type': 'application/json', 'X-A': '1' });
      response.end('{"a":1}');
    });
    await byHttp2(stand, PODS, {
      method: 'POST',
      body: '{"b":2}',
      headers: { 'content-type': 'application/json' },
    });
    const [head] = jsonOf(stand, 'client', Record.head);
    expect(head).toMatchObject({
      method: 'POST',
      target: '/api/v1/namespaces/dev/pods',
      http: '2',
      connection: 1,
      withheld: ['authorization'],
    });
    expect(JSON.stringify(head)).not.toContain(TOKEN);
    expect(jsonOf(stand, 'gateway', Record.forwarded)[0]).toMatchObject({
      user: 'custody:dana@example.com',
      groups: [],
    });
    expect(bodyOf(stand, 'client')).toBe('{"b":2}');
    expect(jsonOf(stand, 'client', Record.end)).toEqual([{ bytes: 7 }]);
    expect(jsonOf(stand, 'target', Record.head)[0]).toMatchObject({ status: 201 });
    expect(bodyOf(stand, 'target')).toBe('{"a":1}');
    expect(jsonOf(stand, 'target', Record.end)).toEqual([{ bytes: 7 }]);
  });

  it('is what was refused, too', async () => {
    const { stand } = await stood(said, {
      judgeOf: () => ({
        judge: (call) =>
          call.verb === 'delete'
            ? { kind: 'refused', error: new CustodyError('access-denied', 'no deleting') }
            : { kind: 'passes' },
      }),
    });
    await byHttp1(stand, `${PODS}/web-0`, { method: 'DELETE' });
    expect(jsonOf(stand, 'gateway', Record.head)[0]).toMatchObject({ status: 403 });
    expect(JSON.parse(bodyOf(stand, 'gateway'))).toMatchObject({ message: 'custody: no deleting' });
    expect(stand.notes()).toContainEqual(
      expect.objectContaining({ note: 'call-refused', call: 1, code: 'access-denied' }),
    );
    expect(jsonOf(stand, 'gateway', Record.forwarded)).toEqual([]);
  });

  it('is a digest of answers where the target wants that', async () => {
    const { stand } = await stood(said, { target: 'recording: { responses: { list: digest } }' });
    expect((await byHttp1(stand, PODS)).body).toBe('{}');
    expect((await byHttp1(stand, `${PODS}/web-0`)).body).toBe('{}');
    const sha256 = createHash('sha256').update('{}').digest('hex');
    expect(jsonOf(stand, 'target', Record.withheld)).toEqual([{ why: 'digest', bytes: 2, sha256 }]);
    expect(bodyOf(stand, 'target')).toBe('{}');
  });

  it('security case 15: is no value of a secret, in either direction', async () => {
    const secret = JSON.stringify({
      kind: 'Secret',
      apiVersion: 'v1',
      metadata: { name: 'a' },
      data: { password: 'aHVudGVyMg==' },
    });
    const { stand } = await stood(
      (asked, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        asked.pipe(response);
      },
      { target: 'withhold: [secrets]' },
    );
    const sent = { method: 'POST', body: secret, headers: { ...bearer, 'content-type': 'application/json' } };
    expect((await byHttp1(stand, SECRETS, sent)).body).toBe(secret);
    for (const { payload } of stand.records())
      expect(Buffer.from(payload).toString()).not.toContain('aHVudGVyMg');
    expect(jsonOf(stand, 'client', Record.withheld)[0]).toMatchObject({
      why: 'secret',
      bytes: secret.length,
    });
    expect(jsonOf(stand, 'target', Record.withheld)[0]).toMatchObject({
      why: 'secret',
      bytes: secret.length,
    });
  });

  it('is who cut it', async () => {
    const { stand } = await stood((_, response) => {
      response.write('a');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(byHttp1(stand, `${PODS}?watch=1`)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
    expect(jsonOf(stand, 'gateway', Record.cut)).toEqual([{ by: 'target' }]);
  });
});

describe('write-ahead', () => {
  const target = 'recording: { durability: write-ahead }';

  it('forwards nothing of the client’s before it is durable, and in its order', async () => {
    const { stand, seen } = await stood((asked, response) => void asked.pipe(response), {
      target,
      isHeld: true,
    });
    const body = Buffer.alloc(600_000, 'x').toString();
    const answer = byHttp2(stand, PODS, { method: 'POST', body });
    await eventually(
      'the forwarding to be on the tape',
      async () => jsonOf(stand, 'gateway', Record.forwarded).length === 1 || undefined,
    );
    expect(seen).toHaveLength(0);
    const durable = setInterval(() => stand.makeDurable(), 5);
    expect((await answer).body === body).toBe(true);
    clearInterval(durable);
  });

  it('never forwards what was not durable when the session ended', async () => {
    const { stand, seen } = await stood(said, { target, isHeld: true });
    const answer = byHttp1(stand, `${PODS}/web-0`, { method: 'DELETE' });
    await eventually(
      'the forwarding to be on the tape',
      async () => jsonOf(stand, 'gateway', Record.forwarded).length === 1 || undefined,
    );
    stand.begun[0]!.link.end('terminated', new CustodyError('terminated', 'ended'));
    expect((await answer).status).toBe(403);
    stand.makeDurable();
    expect(seen).toHaveLength(0);
  });
});

it('a recording that fails ends the session and all that runs', async () => {
  const gone: string[] = [];
  const { stand } = await stood((asked, response) => {
    response.once('close', () => gone.push(asked.url!));
    response.write('{}');
  });
  const watch = byHttp1(stand, `${PODS}?watch=1`);
  watch.catch(() => undefined);
  await eventually(
    'the answer to begin',
    async () => jsonOf(stand, 'target', Record.head).length === 1 || undefined,
  );
  stand.failRecorder(new CustodyError('recording-failed', 'the disk is full'));
  await expect(watch).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  await eventually('the target to be left', async () => gone.length === 1 || undefined);
  expect(stand.begun[0]!.ended).toMatchObject({ reason: 'recording-failed' });
});

it('a client that goes ends its call at the target', async () => {
  const gone: string[] = [];
  const { stand } = await stood((asked, response) => {
    response.once('close', () => gone.push(asked.url!));
    response.write('{}');
  });
  const client = connectHttp2(`https://localhost:${stand.port}`, { ca: stand.cert });
  const stream = client.request({ ':path': `${PODS}?watch=1`, ...bearer });
  stream.on('error', () => undefined);
  await once(stream, 'response');
  stream.close();
  await eventually('the target to be left', async () => gone.length === 1 || undefined);
  expect(jsonOf(stand, 'gateway', Record.cut)).toEqual([{ by: 'client' }]);
  client.close();
});

it('a client that does not read has the target wait', async () => {
  let sent = 0;
  const { stand } = await stood((_, response) => {
    const push = (): void => {
      while (sent < 256 << 20) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', push);
      }
      response.end();
    };
    push();
  });
  const asked = request({
    host: '127.0.0.1',
    port: stand.port,
    path: PODS,
    headers: bearer,
    ca: stand.cert,
    servername: 'localhost',
    agent: false,
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.pause();
  let before = -1;
  await eventually('nothing to move', async () => {
    const still = sent === before;
    before = sent;
    await new Promise((resume) => setTimeout(resume, 150));
    return still || undefined;
  });
  expect(sent).toBeLessThan(64 << 20);
  asked.destroy();
});

describe('a connection to the cluster that is lost', () => {
  it('is tried once more where the call only reads', async () => {
    let tries = 0;
    const { stand } = await stood((asked, response) => {
      tries += 1;
      if (tries === 1) asked.socket.destroy();
      else response.end('{}');
    });
    expect((await byHttp1(stand, PODS)).status).toBe(200);
    expect(tries).toBe(2);
  });

  it('is never tried again where it may have written', async () => {
    let tries = 0;
    const { stand } = await stood((asked) => {
      tries += 1;
      asked.socket.destroy();
    });
    const answer = await byHttp1(stand, PODS, { method: 'POST', body: '{}' });
    expect([answer.status, tries]).toEqual([503, 1]);
    expect(JSON.parse(answer.body).message).toContain('closed the connection before it answered');
  });

  it('is a credential that is made anew where the cluster says so, and no 401 for the person', async () => {
    const { stand, seen } = await stood((asked, response) => {
      response.statusCode = asked.headers.authorization === 'Bearer gateway-token' ? 401 : 200;
      response.end('{}');
    });
    stand.secret = 'gateway-token';
    const first = byHttp1(stand, PODS);
    expect([(await first).status, (await first).headers['retry-after']]).toEqual([503, '1']);
    stand.secret = 'newer-token';
    await byHttp1(stand, PODS);
    expect((await byHttp1(stand, PODS)).status).toBe(200);
    expect(seen.at(-1)!.headers.authorization).toBe('Bearer newer-token');
  });
});

describe.each([
  ['HTTP/1.1', byHttp1],
  ['HTTP/2', byHttp2],
] as const)('by %s', (_, ask) => {
  it('HEAD, 304, 204, gzip and an early refusal pass as they are', async () => {
    const { stand } = await stood((asked, response) => {
      asked.resume();
      if (asked.method === 'HEAD') response.writeHead(200, { 'content-length': '12' });
      else if (asked.headers['if-none-match'] !== undefined) response.writeHead(304, { etag: '"a"' });
      else if (asked.method === 'DELETE') response.writeHead(204);
      else
        response
          .writeHead(200, { 'content-encoding': 'gzip', date: 'Thu, 01 Jan 2026 00:00:00 GMT' })
          .write(Buffer.from([31, 139, 8]));
      response.end();
    });
    expect((await ask(stand, PODS, { method: 'HEAD' })).headers['content-length']).toBe('12');
    expect(await ask(stand, PODS, { headers: { ...bearer, 'if-none-match': '"a"' } })).toMatchObject({
      status: 304,
      body: '',
    });
    expect((await ask(stand, `${PODS}/a`, { method: 'DELETE' })).status).toBe(204);
    const zipped = await ask(stand, PODS);
    expect(zipped.headers).toMatchObject({
      'content-encoding': 'gzip',
      date: 'Thu, 01 Jan 2026 00:00:00 GMT',
    });
  });

  it('a judge that wants the body has it before anything reaches the cluster', async () => {
    const bodies: string[] = [];
    const { stand, seen } = await stood(said, {
      judgeOf: () => ({
        judge: () => ({
          kind: 'wants-body',
          most: 1_000,
          judge: async ({ bytes, type }) => {
            bodies.push(`${type} ${Buffer.from(bytes).toString()}`);
            return bytes.length > 3
              ? { kind: 'refused', error: new CustodyError('access-denied', 'not that') }
              : { kind: 'passes' };
          },
        }),
      }),
    });
    const sent = (body: string) =>
      ask(stand, PODS, { method: 'POST', body, headers: { ...bearer, 'content-type': 'text/x' } });
    expect((await sent('abc')).status).toBe(200);
    expect((await sent('abcd')).status).toBe(403);
    expect((await sent('a'.repeat(1_001))).status).toBeGreaterThanOrEqual(400);
    expect(bodies).toEqual(['text/x abc', 'text/x abcd']);
    expect(seen).toHaveLength(1);
  });
});

it('the port of a target that speaks no TLS gets no token', async () => {
  const plain = createServer((_, response) => void response.end('{}'));
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as { port: number };
  const { stand } = await stood(said, { targetPort: port });
  expect((await byHttp1(stand, PODS)).status).toBe(503);
  plain.close();
});
