/** SASL OAUTHBEARER (RFC 7628), the server's side, as libpq 18 speaks it. */
import { CustodyError } from '#core/errors.ts';

export const OAUTHBEARER = 'OAUTHBEARER';

/** How the client learns where to get a token. */
export interface OauthBearerFailure {
  readonly status: 'invalid_token' | 'invalid_request' | 'insufficient_scope';
  /** Scopes to ask for, separated by spaces. */
  readonly scope: string;
  /** The issuer's discovery document. */
  readonly openidConfiguration: string;
}

const SEPARATOR = '\x01';
/** RFC 6750 section 2.1: b64token. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * The client's initial response: `n,,^Aauth=Bearer <token>^A^A`. An empty token asks for discovery: answer with
 * `encodeOauthBearerFailure`. Throws `protocol-violation` when it is anything else, and `unsupported` for channel
 * binding or another identity than the token's.
 */
export function parseOauthBearer(data: Uint8Array): { readonly token: string } {
  const text = Buffer.from(data).toString('latin1');
  const parts = text.split(SEPARATOR);
  const header = parts.shift()!;
  if (parts.length < 3 || parts.at(-1) !== '' || parts.at(-2) !== '') throw malformed();
  checkGs2Header(header);
  const auth = parts
    .slice(0, -2)
    .map(parsePair)
    .filter(([key]) => key === 'auth');
  if (auth.length !== 1) throw malformed();
  return { token: parseAuth(auth[0]![1]) };
}

function checkGs2Header(header: string): void {
  const [flag, identity, end] = header.split(',');
  if (header.split(',').length !== 3 || end !== '') throw malformed();
  if (flag?.startsWith('p=')) {
    throw new CustodyError('unsupported', 'OAUTHBEARER does not support channel binding');
  }
  if (flag !== 'n' && flag !== 'y') throw malformed();
  if (identity !== '')
    throw new CustodyError('unsupported', 'the token alone says who you are: send no identity beside it');
}

/** RFC 7628 section 3.1: a key of letters, then a value of printable characters, tabs and line ends. */
function parsePair(pair: string): readonly [string, string] {
  const found = /^([A-Za-z]+)=([\x20-\x7e\t\r\n]*)$/.exec(pair);
  if (found === null) throw malformed();
  return [found[1]!, found[2]!];
}

function parseAuth(value: string): string {
  if (value === '') return '';
  const scheme = /^Bearer /i.exec(value)?.[0];
  if (scheme === undefined) throw malformed();
  // Blanks are counted: a pattern for millions of them costs their square, or the stack.
  let start = scheme.length;
  while (value[start] === ' ') start += 1;
  const token = value.slice(start);
  if (!TOKEN.test(token)) throw malformed();
  return token;
}

/** The challenge that says why not and where to go (RFC 7628 section 3.2.2); the client answers it with a dummy. */
export function encodeOauthBearerFailure(failure: OauthBearerFailure): Uint8Array {
  const { status, scope, openidConfiguration } = failure;
  return Buffer.from(JSON.stringify({ status, scope, 'openid-configuration': openidConfiguration }));
}

/** The client's answer to the failure: one ^A. Throws `protocol-violation` when it is anything else. */
export function checkOauthBearerDummy(data: Uint8Array): void {
  if (data.length !== 1 || data[0] !== 1) throw malformed();
}

function malformed(): CustodyError {
  return new CustodyError('protocol-violation', 'malformed OAUTHBEARER message');
}
