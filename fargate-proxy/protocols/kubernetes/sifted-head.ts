/** The headers of a request, looked at once: what passes to the cluster, what the gateway needs, what may not be there. */
import { CustodyError } from '#core/errors.ts';
import type { Headers } from '#core/protocols/kubernetes/tape.ts';
import { BEARER_PROTOCOL } from '#core/protocols/kubernetes/upgrades.ts';

export interface SiftedHead {
  /** For the tape, secrets withheld. */
  readonly shown: Headers;
  readonly withheld: readonly string[];
  /** What passes: names and values, one after the other. */
  readonly pass: string[];
  readonly authorization: string | undefined;
  readonly host: string | undefined;
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  readonly upgrade: string | undefined;
  readonly type: string | undefined;
  readonly encoding: string | undefined;
  readonly userAgent: string | undefined;
  readonly trace: string | undefined;
  /** Why it cannot pass, whatever it asks for. */
  readonly refused: CustodyError | undefined;
}

/** Of one connection (RFC 9110 section 7.6.1), or said anew by the gateway. */
const OWN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
  'authorization',
  'content-length',
  'forwarded',
  'via',
  'http2-settings',
  'x-real-ip',
  'cookie2',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'x-stream-protocol-version',
]); // prettier-ignore
/** Two of them would be two requests in one. */
const ONCE = new Set([
  'host',
  'authorization',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'expect',
]);
/** As whom a front proxy says that it asks: a cluster may believe it. */
const FRONT_PROXY = /^x[-_]remote[-_]/;
/** Told by a proxy that a cluster believes: no client's to say. */
const TOLD_BY_PROXIES = /^x[-_](?:forwarded|original)[-_]/;
const IMPERSONATION = /^impersonate[-_]/;
/** RFC 7644 and WebSocket clients in browsers: a token may stand in these. */
const SECRETS = new Set(['authorization', 'cookie', 'proxy-authorization', 'sec-websocket-protocol']);

/** `raw`: names and values, one after the other, as they came. */
export function sifted(raw: readonly string[]): SiftedHead {
  const sieve = new Sieve();
  for (let at = 0; at + 1 < raw.length; at += 2) sieve.add(raw[at]!, raw[at + 1]!);
  return sieve.done();
}

class Sieve {
  readonly #shown: [string, string][] = [];
  readonly #withheld: string[] = [];
  readonly #pass: string[] = [];
  readonly #once = new Map<string, string>();
  readonly #protocols: string[] = [];
  #named: string[] = [];
  #refused: CustodyError | undefined;

  add(name: string, value: string): void {
    const lower = name.toLowerCase();
    if (lower.charCodeAt(0) === 0x3a) return this.#pseudo(lower, value);
    this.#show(name, lower, value);
    if (OWN.has(lower)) return this.#own(lower, value);
    if (IMPERSONATION.test(lower) || FRONT_PROXY.test(lower)) this.#refuse(impersonates(name));
    else if (!TOLD_BY_PROXIES.test(lower)) this.#keep(lower, value);
  }

  #keep(lower: string, value: string): void {
    this.#pass.push(lower, value);
    if (
      lower === 'content-type' ||
      lower === 'content-encoding' ||
      lower === 'user-agent' ||
      lower === 'traceparent'
    )
      this.#own(lower, value);
  }

  #pseudo(lower: string, value: string): void {
    if (lower !== ':authority') return;
    this.#shown.push([lower, value]);
    this.#once.set('host', value);
  }

  /** In HTTP/2 `host` may come beside `:authority`, and has to be the same (RFC 9113 section 8.3.1). */
  #own(lower: string, value: string): void {
    if (lower === 'connection') return void this.#named.push(...commaParts(value.toLowerCase()));
    if (lower === 'sec-websocket-protocol') this.#protocols.push(...commaParts(value));
    const before = this.#once.get(lower);
    if (before === undefined) this.#once.set(lower, value);
    else if (ONCE.has(lower) && !(lower === 'host' && before === value)) this.#refuse(twice(lower));
  }

  /** In a browser a WebSocket can be given no header but this one. */
  #ofBrowser(): string | undefined {
    const isWebSocket = this.#once.get('upgrade')?.toLowerCase() === 'websocket';
    return isWebSocket && this.#protocols.length > 0 ? bearerAmong(this.#protocols) : undefined;
  }

  #show(name: string, lower: string, value: string): void {
    if (!isSecret(lower, value)) return void this.#shown.push([name, value]);
    this.#shown.push([name, '']);
    if (!this.#withheld.includes(lower)) this.#withheld.push(lower);
  }

  #refuse(error: CustodyError): void {
    this.#refused ??= error;
  }

  done(): SiftedHead {
    const once = this.#once;
    const length = once.get('content-length');
    const coding = once.get('transfer-encoding');
    if (length !== undefined && !/^\d{1,15}$/.test(length)) this.#refuse(unclearLength());
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') this.#refuse(unclearLength());
    if (length !== undefined && coding !== undefined) this.#refuse(unclearLength());
    return {
      shown: this.#shown,
      withheld: this.#withheld,
      pass: this.#named.length === 0 ? this.#pass : without(this.#pass, this.#named),
      authorization: once.get('authorization') ?? this.#ofBrowser(),
      host: once.get('host'),
      contentLength: length === undefined ? undefined : Number(length),
      chunked: coding !== undefined,
      upgrade: once.get('upgrade'),
      type: once.get('content-type'),
      encoding: once.get('content-encoding'),
      userAgent: once.get('user-agent'),
      trace: once.get('traceparent'),
      refused: this.#refused,
    };
  }
}

/** As the API server takes it: one token, beside a protocol that is spoken; base64url without padding. */
function bearerAmong(protocols: readonly string[]): string | undefined {
  const tokens = protocols.filter((one) => one.startsWith(BEARER_PROTOCOL));
  if (tokens.length !== 1 || protocols.length < 2) return undefined;
  const text = tokens[0]!.slice(BEARER_PROTOCOL.length);
  const token = Buffer.from(text, 'base64url');
  return token.toString('base64url') === text ? `Bearer ${token.toString('latin1')}` : undefined;
}

function isSecret(lower: string, value: string): boolean {
  return SECRETS.has(lower) && (lower !== 'sec-websocket-protocol' || value.includes(BEARER_PROTOCOL));
}

function commaParts(value: string): string[] {
  return value.split(',').map((one) => one.trim());
}

/** What `Connection` names is of this connection alone. */
function without(pass: readonly string[], named: readonly string[]): string[] {
  return pass.filter((_, at) => !named.includes(pass[at - (at % 2)]!));
}

function impersonates(name: string): CustodyError {
  return new CustodyError(
    'access-denied',
    `the gateway says as whom a call is made, and this one says it itself (${name})`,
    {
      hint: 'leave --as, --as-group and --as-uid out: whom the cluster sees follows from the rule that lets you in',
    },
  );
}

function twice(name: string): CustodyError {
  return new CustodyError('protocol-violation', `the request has the header ${name} more than once`);
}

function unclearLength(): CustodyError {
  return new CustodyError('protocol-violation', 'the request does not say clearly how long its body is');
}
