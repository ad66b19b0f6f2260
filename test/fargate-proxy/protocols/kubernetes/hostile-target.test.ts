/** What stands behind an API server's proxy, or an aggregated API, answers as it likes: the gateway lives on, and no other call suffers. */
import { describe, expect, it } from 'vitest';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { byHttp1, byHttp2, stood } from './target.ts';

const PROXY = '/clusters/prod/api/v1/namespaces/dev/services/web/proxy/';
const GOOD = '/clusters/prod/api/v1/namespaces/dev/pods';
const BODY = 'Content-Length: 2\r\n\r\n{}';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n2\r\n{}\r\n0\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';

/** The status that a client has; `broken` where it sees that there is no whole answer. */
const outcome = (asked: Promise<{ status: number }>): Promise<number | string> =>
  asked.then(
    ({ status }) => status,
    () => 'broken',
  );

describe('security case 16: the gateway, and the next call, survive an answer with', () => {
  it.each([
    [
      'a header that is of one connection',
      `HTTP/1.1 200 OK\r\nHTTP2-Settings: x\r\nTE: gzip\r\n${BODY}`,
      200,
      200,
    ],
    ['a header twice that is there once', `HTTP/1.1 200 OK\r\nETag: 1\r\nETag: 2\r\n${BODY}`, 200, 'broken'],
    ['a status of no class', `HTTP/1.1 666 Odd\r\n${BODY}`, 666, 'broken'],
    ['a status below all', `HTTP/1.1 099 Odd\r\n${BODY}`, 503, 503],
    ['a pseudo-header', `HTTP/1.1 200 OK\r\n:status: 500\r\n${BODY}`, 503, 503],
    ['control characters', `HTTP/1.1 200 OK\r\nX: a\x01\x1b[31mb\r\n${BODY}`, 503, 503],
    ['bytes beyond ASCII', `HTTP/1.1 200 OK\r\nX: \xff\x80\r\n${BODY}`, 200, 200],
    ['trailers of one connection', `${CHUNKED}Connection: close\r\nHTTP2-Settings: x\r\n\r\n`, 200, 200],
    [
      'trailers that frame a body',
      `${CHUNKED}Content-Length: 9\r\nTransfer-Encoding: x\r\n\r\n`,
      'broken',
      'broken',
    ],
    ['a trailer twice that is there once', `${CHUNKED}ETag: a\r\nETag: b\r\n__proto__: c\r\n\r\n`, 200, 200],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      503,
      503,
    ],
    ['another answer behind it', `HTTP/1.1 200 OK\r\n${BODY}HTTP/1.1 200 OK\r\n${BODY}`, 200, 200],
    ['two lengths', `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n${BODY}{}`, 503, 503],
    ['hints without end', `${HINTS.repeat(100)}HTTP/1.1 200 OK\r\n${BODY}`, 200, 200],
  ])('%s', async (_, raw, overHttp1, overHttp2) => {
    const { stand } = await stood((asked, response) => {
      if (asked.url!.includes('proxy')) response.socket!.end(raw, 'latin1');
      else response.end('"good"');
    });
    expect(await outcome(byHttp1(stand, PROXY))).toBe(overHttp1);
    expect(await outcome(byHttp2(stand, PROXY))).toBe(overHttp2);
    for (const ask of [byHttp1, byHttp2]) {
      const good = await ask(stand, GOOD);
      expect([good.status, good.body]).toEqual([200, '"good"']);
    }
  });
});

describe('a 401', () => {
  const says = { 'WWW-Authenticate': 'Basic realm="theirs"' };

  it('security case 16: of what is behind a proxy passes, and has the gateway read no credential anew', async () => {
    const { stand } = await stood((_, response) => void response.writeHead(401, says).end('log in'));
    const answer = await byHttp1(stand, PROXY);
    expect([answer.status, answer.headers['www-authenticate'], answer.body]).toEqual([
      401,
      'Basic realm="theirs"',
      'log in',
    ]);
    expect(stand.secretsRead).toBe(0);
  });

  it('of the API server itself is about the gateway’s own', async () => {
    const { stand } = await stood((_, response) => void response.writeHead(401, says).end('{}'));
    expect((await byHttp1(stand, GOOD)).status).toBe(503);
    expect(stand.secretsRead).toBe(1);
  });
});

it('security case 15: a token that a client puts behind a body is not on the tape, nor at the cluster', async () => {
  const { stand, seen } = await stood((asked, response) => {
    asked.resume();
    asked.on('end', () => response.end('{}'));
  });
  const { connect } = await import('node:tls');
  const socket = connect({ host: '127.0.0.1', port: stand.port, ca: stand.cert, servername: 'localhost' });
  const lines = [
    `POST ${GOOD} HTTP/1.1`,
    'Host: localhost',
    'Authorization: Bearer good-token',
    'Connection: close',
    'Trailer: Authorization',
    'Transfer-Encoding: chunked',
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n2\r\n{}\r\n0\r\n`);
  socket.write('Authorization: Bearer in-a-trailer\r\nImpersonate-User: admin\r\n\r\n');
  let heard = '';
  for await (const chunk of socket) heard += String(chunk);
  expect(heard).toMatch(/^HTTP\/1\.1 200/);
  expect(seen[0]!.rawTrailers).toEqual([]);
  expect(seen[0]!.headers['impersonate-user']).toBe('custody:dana@example.com');
  const end = stand.records().find(({ stream, type }) => stream === 'client' && type === Record.end)!;
  expect(JSON.parse(Buffer.from(end.payload).toString())).toEqual({
    bytes: 2,
    trailers: [
      ['Authorization', ''],
      ['Impersonate-User', 'admin'],
    ],
  });
});
