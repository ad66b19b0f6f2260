/** What stands behind an API server's proxy, or an aggregated API, answers as it likes: the gateway lives on, and no other call suffers. */
import { describe, expect, it } from 'vitest';
import { byHttp1, byHttp2, stood } from './target.ts';

const PROXY = '/clusters/prod/api/v1/namespaces/dev/services/web/proxy/';
const GOOD = '/clusters/prod/api/v1/namespaces/dev/pods';

describe('security case 16: an answer with', () => {
  it.each([
    ['a header of HTTP/2 alone', 'HTTP/1.1 200 OK\r\nHTTP2-Settings: x\r\nContent-Length: 2\r\n\r\n{}'],
    [
      'a header twice',
      'HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nETag: 1\r\nETag: 2\r\nContent-Length: 2\r\n\r\n{}',
    ],
    ['a status that is none', 'HTTP/1.1 666 Odd\r\nContent-Length: 2\r\n\r\n{}'],
    ['a status below all', 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\n{}'],
    ['te', 'HTTP/1.1 200 OK\r\nTE: gzip\r\nContent-Length: 2\r\n\r\n{}'],
    ['a name that is a pseudo-header', 'HTTP/1.1 200 OK\r\n:status: 500\r\nContent-Length: 2\r\n\r\n{}'],
    ['control characters', 'HTTP/1.1 200 OK\r\nX: a\x01\x1b[31mb\r\nContent-Length: 2\r\n\r\n{}'],
    ['bytes beyond ASCII', 'HTTP/1.1 200 OK\r\nX: \xff\x80\r\nContent-Length: 2\r\n\r\n{}'],
    [
      'trailers that no trailers are',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nConnection: close\r\nContent-Type: a\r\nContent-Type: b\r\nHTTP2-Settings: x\r\n\r\n',
    ],
    [
      'another upgrade',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    [
      'a second answer behind it',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"other"',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    ],
    [
      'early hints without end',
      `${'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(100)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}`,
    ],
    [
      'a login of its own',
      'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\n{}',
    ],
  ])('%s', async (_, raw) => {
    const { stand } = await stood((asked, response) => {
      if (!asked.url!.includes('proxy')) return void response.end('"good"');
      response.socket!.end(raw, 'latin1');
    });
    for (const ask of [byHttp1, byHttp2]) {
      const answer = await Promise.race([
        ask(stand, PROXY).catch((e) => ({ status: String(e) })),
        new Promise((r) => setTimeout(() => r('hangs'), 1000)),
      ]);
      console.log(_, ask.name, JSON.stringify(answer));
      const good = await ask(stand, GOOD);
      expect([good.status, good.body]).toEqual([200, '"good"']);
    }
  });
});
