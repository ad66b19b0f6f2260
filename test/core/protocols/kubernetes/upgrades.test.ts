import { describe, expect, it } from 'vitest';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import type { Headers } from '#core/protocols/kubernetes/tape.ts';
import { type AskedUpgrade, upgradeAsked } from '#core/protocols/kubernetes/upgrades.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** RFC 6455 section 1.3. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

function call(subresource: string, resource = 'pods', group = ''): Call {
  return {
    kind: 'resource',
    verb: 'create',
    ...{ group, resource, subresource },
    version: 'v1',
    namespace: 'dev',
    name: 'web-0',
    query: new URLSearchParams('ports=80'),
    upgrades: true,
  };
}

const WEBSOCKET: Headers = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Key', KEY],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io, v4.channel.k8s.io'],
];
const SPDY: Headers = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'SPDY/3.1'],
  ['X-Stream-Protocol-Version', 'v4.channel.k8s.io'],
  ['X-Stream-Protocol-Version', 'channel.k8s.io'],
];
const GRANTED: Headers = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Accept', ACCEPT],
  ['Sec-WebSocket-Protocol', 'v4.channel.k8s.io'],
];

interface Asking {
  readonly method?: string;
  readonly of?: Call;
  readonly early?: string;
}

function ask(
  headers: Headers,
  { method = 'GET', of = call('exec'), early = '' }: Asking = {},
): AskedUpgrade | undefined {
  return upgradeAsked({ method, headers, call: of, early: Buffer.from(early) });
}

function without(headers: Headers, name: string): Headers {
  return headers.filter(([found]) => found !== name);
}

function changed(headers: Headers, name: string, value: string): Headers {
  return headers.map(([found, was]) => [found, found === name ? value : was]);
}

describe('an upgrade that is asked for', () => {
  it('is none without its headers', () => {
    expect(ask([['Accept', '*/*']])).toBeUndefined();
    expect(ask([['Connection', 'keep-alive']])).toBeUndefined();
  });

  it('goes on with its own headers and no others', () => {
    const sent = ask([...WEBSOCKET, ['Sec-WebSocket-Extensions', 'permessage-deflate'], ['Cookie', 'a=b']]);
    expect(sent!.headers).toEqual([
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', KEY],
      ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io, v4.channel.k8s.io'],
    ]);
    expect(ask(SPDY, { method: 'POST' })!.headers).toEqual(SPDY);
  });

  it('security case 15: does not carry a browser’s token along', () => {
    const token = Buffer.from('a.b.c').toString('base64url');
    const named = `base64url.bearer.authorization.k8s.io.${token}, v4.channel.k8s.io`;
    const sent = ask(changed(WEBSOCKET, 'Sec-WebSocket-Protocol', named))!;
    expect(sent.bearer).toBe('a.b.c');
    expect(JSON.stringify(sent.headers)).not.toContain(token);
  });

  it.each<[string, Headers, Asking?]>([
    ['another protocol', changed(WEBSOCKET, 'Upgrade', 'h2c')],
    ['two protocols', changed(WEBSOCKET, 'Upgrade', 'websocket, h2c')],
    ['two Upgrade headers', [...WEBSOCKET, ['Upgrade', 'SPDY/3.1']]],
    ['Upgrade without Connection', without(WEBSOCKET, 'Connection')],
    ['Connection without Upgrade', without(WEBSOCKET, 'Upgrade')],
    ['a Connection that names more', changed(WEBSOCKET, 'Connection', 'Upgrade, Authorization')],
    ['a body by its length', [...WEBSOCKET, ['Content-Length', '5']]],
    ['two lengths', [...WEBSOCKET, ['Content-Length', '0'], ['Content-Length', '0']]],
    ['a body in chunks', [...WEBSOCKET, ['Transfer-Encoding', 'chunked']]],
    ['bytes before its answer', WEBSOCKET, { early: 'GET / HTTP/1.1' }],
    ['another method', WEBSOCKET, { method: 'POST' }],
    ['SPDY by another method', SPDY, { method: 'PUT' }],
    ['no key', without(WEBSOCKET, 'Sec-WebSocket-Key')],
    ['two keys', [...WEBSOCKET, ['Sec-WebSocket-Key', KEY]]],
    ['a short key', changed(WEBSOCKET, 'Sec-WebSocket-Key', 'c2hvcnQ=')],
    ['another version', changed(WEBSOCKET, 'Sec-WebSocket-Version', '8')],
    ['protocols nobody knows', changed(WEBSOCKET, 'Sec-WebSocket-Protocol', 'chat')],
    ['a protocol that is no word', changed(WEBSOCKET, 'Sec-WebSocket-Protocol', 'v4.channel.k8s.io, a b')],
    ['a watch', WEBSOCKET, { of: { ...call('exec'), subresource: undefined } as unknown as Call }],
    ['logs', WEBSOCKET, { of: call('log') }],
    ['exec of another group', WEBSOCKET, { of: call('exec', 'pods', 'example.com') }],
    ['SPDY through proxy', SPDY, { of: call('proxy', 'services'), method: 'POST' }],
    ['proxy of another group', WEBSOCKET, { of: call('proxy', 'services', 'example.com') }],
    [
      'a path that is no resource',
      WEBSOCKET,
      { of: { kind: 'path', verb: 'get', path: '/version', query: new URLSearchParams(), upgrades: true } },
    ],
  ])('security case 17: does not pass with %s', (_, headers, asking) => {
    expect(() => ask(headers, asking)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(?:protocol-violation|unsupported)$/) }),
    );
  });

  it('passes where kubectl 1.20 says that it has no body', () => {
    expect(ask([...SPDY, ['Content-Length', '0']], { method: 'POST' })!.kind).toBe('spdy');
  });

  it('passes what an application behind proxy speaks', () => {
    const sent = ask(changed(WEBSOCKET, 'Sec-WebSocket-Protocol', 'mqtt'), { of: call('proxy', 'services') });
    expect(sent!.headers.at(-1)).toEqual(['Sec-WebSocket-Protocol', 'mqtt']);
  });
});

describe('an upgrade that is granted', () => {
  it('has the form that the answer names', () => {
    expect(ask(WEBSOCKET)!.granted(101, GRANTED)).toEqual({
      kind: 'websocket',
      protocol: 'v4.channel.k8s.io',
      purpose: 'command',
      ports: [80],
    });
    const spdy = ask(SPDY, { method: 'POST' })!.granted(101, [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'SPDY/3.1'],
      ['X-Stream-Protocol-Version', 'channel.k8s.io'],
    ]);
    expect([spdy.kind, spdy.protocol]).toEqual(['spdy', 'channel.k8s.io']);
  });

  it.each<[string, number, Headers]>([
    ['another status', 200, GRANTED],
    ['another upgrade', 101, changed(GRANTED, 'Upgrade', 'SPDY/3.1')],
    ['none', 101, without(GRANTED, 'Upgrade')],
    ['no Connection', 101, without(GRANTED, 'Connection')],
    ['another key', 101, changed(GRANTED, 'Sec-WebSocket-Accept', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=')],
    ['no key', 101, without(GRANTED, 'Sec-WebSocket-Accept')],
    ['a protocol nobody offered', 101, changed(GRANTED, 'Sec-WebSocket-Protocol', 'channel.k8s.io')],
    ['an extension', 101, [...GRANTED, ['Sec-WebSocket-Extensions', 'permessage-deflate']]],
  ])('security case 17: is not taken with %s', (_, status, headers) => {
    expect(() => ask(WEBSOCKET)!.granted(status, headers)).toThrow('granted what was not asked for');
  });
});
