/**
 * Which upgrades pass: those that the API server has, asked for in one way that nobody reads differently, and granted as they were
 * asked for. Anything else would carry bytes past the gateway that it takes for something else (request smuggling by upgrade).
 */
import { createHash } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import type { Call } from './call.ts';
import { type Purpose, purposeOf, type StreamForm, streamFormOf, TUNNEL } from './streams/form.ts';
import type { Headers } from './tape.ts';

export interface AskedUpgrade {
  readonly kind: StreamForm['kind'];
  /** What asks the target for the very same; nothing else of the client's goes with it. */
  readonly headers: Headers;
  /** A token that a browser put among its subprotocols, having no other place for it. It is in no header here. */
  readonly bearer?: string;
  /** What is spoken from now on. Throws `protocol-violation` where the answer grants something else. */
  granted(status: number, headers: Headers): StreamForm;
}

interface AskedFor {
  readonly method: string;
  /** As they came. */
  readonly headers: Headers;
  readonly call: Call;
  /** What came behind the head, before any answer. */
  readonly early: Uint8Array;
}

const SPDY = 'SPDY/3.1';
const VERSIONS = ['v5', 'v4', 'v3', 'v2'].map((version) => `${version}.channel.k8s.io`);
const OFFERED: Readonly<Record<'websocket' | 'spdy', Readonly<Record<Purpose, readonly string[] | 'any'>>>> =
  {
    websocket: {
      command: [...VERSIONS, 'channel.k8s.io', 'base64.channel.k8s.io', 'v4.base64.channel.k8s.io'],
      forward: [TUNNEL, 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'],
      opaque: 'any',
    },
    spdy: { command: [...VERSIONS, 'channel.k8s.io'], forward: ['portforward.k8s.io'], opaque: [] },
  };
/** Kubernetes: a bearer token of a client that can set no header, base64url without padding. */
export const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';
/** RFC 6455 section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z/]+$/;

/** Undefined where none is asked for. Throws `protocol-violation` or `unsupported` for one that does not pass. */
export function upgradeAsked({ method, headers, call, early }: AskedFor): AskedUpgrade | undefined {
  const protocols = valuesOf(headers, 'upgrade');
  const connection = valuesOf(headers, 'connection').flatMap(commaParts);
  const isAsked = connection.some((part) => part.toLowerCase() === 'upgrade');
  if (protocols.length === 0 && !isAsked) return undefined;
  if (protocols.length !== 1 || !isAsked)
    throw violation('Upgrade and Connection: Upgrade go together, once');
  if (connection.some((part) => !/^(?:upgrade|keep-alive)$/i.test(part)))
    throw violation('an upgrade’s Connection header names nothing else');
  refuseBody(headers);
  // RFC 9110 section 7.8: until the answer, nobody knows what they would be read as.
  if (early.length > 0) throw violation('bytes came before the upgrade was granted');
  if (/^websocket$/i.test(protocols[0]!)) return webSocket(method, headers, call);
  if (protocols[0]!.toUpperCase() === SPDY) return spdy(method, headers, call);
  throw unsupported('only WebSocket and SPDY/3.1 are upgraded to');
}

function webSocket(method: string, headers: Headers, call: Call): AskedUpgrade {
  if (method !== 'GET') throw violation('a WebSocket is asked for with GET');
  const purpose = purposeHere(call, 'websocket');
  const key = onlyOf(headers, 'sec-websocket-key');
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key)) throw violation('Sec-WebSocket-Key is no 16 bytes in base64');
  if (onlyOf(headers, 'sec-websocket-version') !== '13') throw unsupported('WebSocket has version 13 alone');
  const named = namesIn(headers, 'sec-websocket-protocol');
  const tokens = named.filter((name) => name.startsWith(BEARER_PROTOCOL));
  if (tokens.length > 1) throw violation('more than one token is among the subprotocols');
  const offered = allowed(
    named.filter((name) => !name.startsWith(BEARER_PROTOCOL)),
    OFFERED.websocket[purpose],
  );
  return {
    kind: 'websocket',
    headers: [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', key],
      ...(offered.length === 0 ? [] : [['Sec-WebSocket-Protocol', offered.join(', ')] as const]),
    ],
    ...(tokens.length === 0 ? {} : { bearer: decoded(tokens[0]!.slice(BEARER_PROTOCOL.length)) }),
    granted: (status, answer) => {
      refuseOther(status, answer, 'websocket');
      if (valuesOf(answer, 'sec-websocket-accept').join() !== acceptOf(key)) throw other('another key');
      if (valuesOf(answer, 'sec-websocket-extensions').length > 0) throw other('an extension');
      return formOf(call, answer, offered);
    },
  };
}

function spdy(method: string, headers: Headers, call: Call): AskedUpgrade {
  if (method !== 'POST' && method !== 'GET') throw violation('SPDY is asked for with POST or GET');
  const purpose = purposeHere(call, 'spdy');
  const offered = allowed(namesIn(headers, 'x-stream-protocol-version'), OFFERED.spdy[purpose]);
  return {
    kind: 'spdy',
    headers: [
      ['Connection', 'Upgrade'],
      ['Upgrade', SPDY],
      ...offered.map((name) => ['X-Stream-Protocol-Version', name] as const),
    ],
    granted: (status, answer) => {
      refuseOther(status, answer, SPDY);
      return formOf(call, answer, offered);
    },
  };
}

/** What goes through `proxy` is a WebSocket or nothing. The API server could also send watches and logs by WebSocket: HTTP has both. */
function purposeHere(call: Call, kind: StreamForm['kind']): Purpose {
  const purpose = purposeOf(call);
  const isProxy = call.kind === 'resource' && call.group === '' && call.subresource === 'proxy';
  const isPod = call.kind === 'resource' && call.group === '';
  if (purpose === 'opaque' ? isProxy && kind === 'websocket' : isPod) return purpose;
  throw new CustodyError('unsupported', 'this call is not upgraded', {
    hint: 'exec, attach, port-forward and proxy are: ask for anything else without one (fabric8 in Java: setOnlyHttpWatches(true))',
  });
}

/** Those that the server knows, in the client's order: what it does not know it passes over as well. */
function allowed(named: readonly string[], known: readonly string[] | 'any'): readonly string[] {
  const found = known === 'any' ? named : named.filter((name) => known.includes(name));
  if (found.length > 0 || named.length === 0) return found;
  throw unsupported(`none of the offered protocols is one of the API server's for this call`);
}

function formOf(call: Call, answer: Headers, offered: readonly string[]): StreamForm {
  const form = streamFormOf(call, answer);
  if (form.protocol !== '' && !offered.includes(form.protocol)) throw other('a protocol nobody offered');
  return form;
}

function refuseOther(status: number, answer: Headers, upgrade: string): void {
  const connection = valuesOf(answer, 'connection').flatMap(commaParts);
  const isUpgrade = connection.some((part) => part.toLowerCase() === 'upgrade');
  if (status !== 101 || !isUpgrade) throw other('no upgrade');
  if (valuesOf(answer, 'upgrade').join().toLowerCase() !== upgrade.toLowerCase())
    throw other('another protocol');
}

/** RFC 9112 section 6: a length of 0 is no body. */
function refuseBody(headers: Headers): void {
  const lengths = valuesOf(headers, 'content-length');
  const isEmpty = lengths.length < 2 && lengths.every((length) => length === '0');
  if (isEmpty && valuesOf(headers, 'transfer-encoding').length === 0) return;
  throw violation('an upgrade has no body');
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64');
}

function decoded(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (text === '' || Buffer.from(text).toString('base64url') !== token)
    throw violation('the token among the subprotocols is no base64url');
  return text;
}

function namesIn(headers: Headers, name: string): readonly string[] {
  const names = valuesOf(headers, name).flatMap(commaParts);
  if (names.some((one) => !TOKEN.test(one))) throw violation(`${name} has what is no name of a protocol`);
  return names;
}

function onlyOf(headers: Headers, name: string): string {
  const values = valuesOf(headers, name);
  if (values.length === 1) return values[0]!.trim();
  throw violation(`an upgrade has ${name} once`);
}

function valuesOf(headers: Headers, name: string): readonly string[] {
  return headers.filter(([found]) => found.toLowerCase() === name).map(([, value]) => value.trim());
}

function commaParts(value: string): readonly string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function violation(message: string): CustodyError {
  return new CustodyError('protocol-violation', message);
}

function unsupported(message: string): CustodyError {
  return new CustodyError('unsupported', message, {
    hint: 'kubectl uses what passes; a client of your own has to offer it',
  });
}

function other(what: string): CustodyError {
  return new CustodyError('protocol-violation', `the target granted what was not asked for: ${what}`);
}
