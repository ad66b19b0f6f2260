import { describe, expect, it } from 'vitest';
import { sifted } from '#proxy/protocols/kubernetes/sifted-head.ts';

describe('sifted', () => {
  it('passes what is the call’s, and keeps what is of the connection or the gateway’s to say', () => {
    const head = sifted([
      ...[
        'Host',
        'gateway',
        'Authorization',
        'Bearer x',
        'Accept',
        'application/json',
        'User-Agent',
        'kubectl',
      ],
      ...['Connection', 'keep-alive, X-Hop', 'X-Hop', '1', 'TE', 'trailers', 'X-Forwarded-For', '10.0.0.1'],
      ...[
        'Forwarded',
        'for=x',
        'Via',
        '1.1 x',
        'Proxy-Authorization',
        'Basic x',
        'Content-Length',
        '3',
        'Expect',
        '100-continue',
      ],
    ]);
    expect(head.refused).toBeUndefined();
    expect(head.pass).toEqual(['accept', 'application/json', 'user-agent', 'kubectl']);
    expect(head).toMatchObject({
      host: 'gateway',
      authorization: 'Bearer x',
      contentLength: 3,
      userAgent: 'kubectl',
    });
  });

  it.each([
    [
      'a WebSocket',
      'websocket',
      'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.eHl6',
      'Bearer xyz',
    ],
    [
      'another upgrade',
      'SPDY/3.1',
      'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.eHl6',
      undefined,
    ],
    ['no protocol beside it', 'websocket', 'base64url.bearer.authorization.k8s.io.eHl6', undefined],
    [
      'no base64url',
      'websocket',
      'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.eHl6=',
      undefined,
    ],
  ])(
    'takes a token among subprotocols as the API server does: %s',
    (_, upgrade, protocols, authorization) => {
      const asked = ['Upgrade', upgrade, 'Sec-WebSocket-Protocol', protocols];
      expect(sifted(asked).authorization).toBe(authorization);
      expect(sifted([...asked, 'Authorization', 'Bearer own']).authorization).toBe('Bearer own');
      expect(sifted(asked).pass).toEqual([]);
    },
  );

  it('security case 15: shows no credential', () => {
    const head = sifted([
      ...['Authorization', 'Bearer x', 'Cookie', 'a=b', 'Proxy-Authorization', 'Basic x', 'Accept', '*/*'],
      ...['Sec-WebSocket-Protocol', 'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.eA'],
    ]);
    expect(head.shown).toEqual([
      ['Authorization', ''],
      ['Cookie', ''],
      ['Proxy-Authorization', ''],
      ['Accept', '*/*'],
      ['Sec-WebSocket-Protocol', ''],
    ]);
    expect(head.withheld).toEqual([
      'authorization',
      'cookie',
      'proxy-authorization',
      'sec-websocket-protocol',
    ]);
  });

  it.each([
    'Impersonate-User',
    'impersonate-group',
    'IMPERSONATE-EXTRA-scopes',
    'Impersonate-Uid',
    'Impersonate_User',
    'X-Remote-User',
    'X-Remote-Extra-Scopes',
    'X_Remote_Group',
  ])('security case 3: nobody says as whom they call: %s', (name) => {
    expect(sifted([name, 'admin']).refused).toMatchObject({ code: 'access-denied' });
    expect(sifted([name, 'admin']).pass).not.toContain('admin');
  });

  it.each([
    [['Host', 'a', 'Host', 'b']],
    [['Authorization', 'Bearer a', 'Authorization', 'Bearer b']],
    [['Content-Length', '3', 'Content-Length', '3']],
    [['Content-Length', '3', 'Transfer-Encoding', 'chunked']],
    [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked']],
    [['Transfer-Encoding', 'gzip, chunked']],
    [['Transfer-Encoding', 'xchunked']],
    [['Content-Length', '+3']],
    [['Content-Length', '3, 3']],
    [['Content-Length', '0x3']],
    [['Content-Type', 'application/json', 'content-type', 'application/yaml']],
    [[':authority', 'a', 'host', 'b']],
  ])('security case 17: what two readers may take differently is refused: %s', (raw) => {
    expect(sifted(raw).refused).toMatchObject({ code: 'protocol-violation' });
  });

  it('takes what may come several times', () => {
    const raw = [
      'X-Stream-Protocol-Version',
      'v4',
      'X-Stream-Protocol-Version',
      'v3',
      'Accept',
      'a',
      'Accept',
      'b',
    ];
    expect(sifted(raw)).toMatchObject({ refused: undefined, pass: ['accept', 'a', 'accept', 'b'] });
    expect(sifted([':authority', 'a', 'host', 'a']).refused).toBeUndefined();
  });
});
