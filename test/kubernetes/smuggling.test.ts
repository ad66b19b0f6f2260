/** Requests with two readings, sent as bytes: the API server gets the one that was judged, or none. */
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';

let bed: KubernetesBed;
let gateway: KubernetesGateway;
let token: string;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed);
  token = await gateway.token({ email: 'smuggler@example.com' });
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

const POD = '/clusters/cluster/api/v1/namespaces/dev/pods/web-0';
const MAPS = '/clusters/cluster/api/v1/namespaces/dev/configmaps';
/** What somebody would want to get past the gateway unseen. */
const HIDDEN =
  'GET /clusters/cluster/api/v1/namespaces/dev/pods/hidden HTTP/1.1\r\nHost: x\r\nAuthorization: TOKEN\r\n\r\n';

/** Lines that follow the request's first three. */
function post(...lines: string[]): string[] {
  return [`POST ${MAPS} HTTP/1.1`, 'Content-Type: application/json', ...lines];
}

const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

test.each<[string, string[], string]>([
  ['two lengths', post('Content-Length: 2', 'Content-Length: 60'), `{}${HIDDEN}`],
  ['two lengths in one', post('Content-Length: 2, 60'), `{}${HIDDEN}`],
  ['a length and chunks', post('Content-Length: 5', 'Transfer-Encoding: chunked'), `0\r\n\r\n${HIDDEN}`],
  ['chunks by another name', post('Content-Length: 2', 'Transfer-Encoding: xchunked'), `{}${HIDDEN}`],
  ['chunks twice', post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity'), `0\r\n\r\n${HIDDEN}`],
  ['chunks with a blank before the colon', post('Transfer-Encoding : chunked'), `0\r\n\r\n${HIDDEN}`],
  ['a length with a sign', post('Content-Length: +2'), `{}${HIDDEN}`],
  ['a folded header', post('Content-Length: 2', 'X-Folded: a', ' Transfer-Encoding: chunked'), `{}${HIDDEN}`],
  ['a line feed alone', post('X-One: a\nTransfer-Encoding: chunked', 'Content-Length: 2'), `{}${HIDDEN}`],
  ['a carriage return in a value', post('X-One: a\rImpersonate-User: admin', 'Content-Length: 2'), '{}'],
  ['a nought in a value', post('X-One: a\0b', 'Content-Length: 2'), '{}'],
  ['a chunk longer than it says', post('Transfer-Encoding: chunked'), `2\r\n{}${HIDDEN}\r\n0\r\n\r\n`],
  ['a chunk with no number', post('Transfer-Encoding: chunked'), `g\r\n${HIDDEN}`],
  ['a whole URL as its target', [`GET https://127.0.0.1${POD} HTTP/1.1`], ''],
  ['CONNECT', ['CONNECT 127.0.0.1:22 HTTP/1.1'], ''],
  ['HTTP/1.0', [`GET ${POD} HTTP/1.0`], ''],
  [
    'HTTP/2 by upgrade',
    [
      `GET ${POD} HTTP/1.1`,
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ],
    '',
  ],
  ['an upgrade where none is', [`GET ${POD} HTTP/1.1`, 'Connection: Upgrade', 'Upgrade: SPDY/3.1'], ''],
  [
    'an upgrade of an exec to something else',
    [`POST ${POD}/exec?command=ls HTTP/1.1`, 'Connection: Upgrade', 'Upgrade: h2c'],
    HIDDEN,
  ],
  ['a header that names another', [`GET ${POD} HTTP/1.1`, 'Connection: close, Authorization', 'X-A: b'], ''],
  ['two slashes', [`GET /clusters/cluster//api/v1/namespaces/dev/pods/hidden HTTP/1.1`], ''],
  ['an encoded slash', ['GET /clusters/cluster/api/v1/namespaces/dev%2fpods/hidden HTTP/1.1'], ''],
  ['dots', ['GET /clusters/cluster/api/v1/namespaces/prod/../dev/pods/hidden HTTP/1.1'], ''],
  ['encoded dots', ['GET /clusters/cluster/api/v1/namespaces/prod/%2e%2e/dev/pods/hidden HTTP/1.1'], ''],
  ['a backslash', ['GET /clusters/cluster/api/v1/namespaces/dev\\pods\\hidden HTTP/1.1'], ''],
  [
    'dots out of the cluster',
    ['GET /clusters/cluster/../other/api/v1/namespaces/dev/pods/hidden HTTP/1.1'],
    '',
  ],
  ['another case', ['GET /clusters/cluster/API/v1/namespaces/dev/pods/hidden HTTP/1.1'], ''],
  ['a fragment', ['GET /clusters/cluster/api/v1/namespaces/dev/pods/hidden#x HTTP/1.1'], ''],
])('security case 14: %s brings nothing unseen to the cluster', async (_, lines, body) => {
  const before = (await bed.audit()).length;
  const said = await sent([...lines, 'Host: 127.0.0.1', `Authorization: Bearer ${token}`], body);
  // Whatever it answers, it has an answer, and each request after the first has one of its own.
  expect(said === '' || said.startsWith('HTTP/1.1 ')).toBe(true);
  // A session begins with the gateway's own look at the cluster.
  const seen = (await bed.audit()).slice(before).filter(({ requestURI }) => requestURI !== '/version');
  expect(seen.filter(({ requestURI }) => requestURI.includes('hidden'))).toEqual([]);
  expect(
    seen.filter(
      ({ user, impersonatedUser }) =>
        impersonatedUser?.username !== 'smuggler@example.com' || !user.username.includes('custody-gateway'),
    ),
  ).toEqual([]);
});

test('a request that does not wait for the answer to the one before it is refused', async () => {
  const request = (name: string) => {
    const body = JSON.stringify({ metadata: { name } });
    const lines = post(`Content-Length: ${body.length}`, 'Host: x', `Authorization: Bearer ${token}`);
    return `${lines.join('\r\n')}\r\n\r\n${body}`;
  };
  const said = await raw(request('waited') + request('waited-not'));
  expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 201', 'HTTP/1.1 400']);
  expect((await bed.audit()).filter(({ objectRef }) => objectRef?.name === 'waited-not')).toEqual([]);
});

test('chunks are passed as they are meant', async () => {
  const body = JSON.stringify({ metadata: { name: 'in-chunks' }, data: { a: 'b' } });
  const lines = post(
    'Transfer-Encoding: chunked',
    'Host: x',
    `Authorization: Bearer ${token}`,
    'Connection: close',
  );
  expect(await raw(`${lines.join('\r\n')}\r\n\r\n${chunked(body)}`)).toMatch(/^HTTP\/1\.1 201/);
});

async function sent(lines: readonly string[], body: string): Promise<string> {
  return raw(`${lines.join('\r\n')}\r\n\r\n${body.replace('TOKEN', `Bearer ${token}`)}`);
}

/** All that comes back until the gateway closes, or has said nothing for a while. */
async function raw(bytes: string): Promise<string> {
  const socket: TLSSocket = connect({
    port: gateway.port,
    host: '127.0.0.1',
    ca: gateway.ca,
    ALPNProtocols: ['http/1.1'],
  });
  socket.on('error', () => {});
  socket.setTimeout(700, () => socket.destroy());
  let said = '';
  socket.on('data', (piece: Buffer) => {
    said += piece.toString('latin1');
  });
  socket.write(bytes, 'latin1');
  await new Promise((closed) => socket.once('close', closed));
  return said;
}
