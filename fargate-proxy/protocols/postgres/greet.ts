import type { TLSSocket } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import {
  authenticationCleartextPassword,
  authenticationSasl,
  authenticationSaslContinue,
  negotiateProtocolVersion,
} from '#core/protocols/postgres/backend.ts';
import { parsePassword, parseSaslInitialResponse } from '#core/protocols/postgres/frontend.ts';
import {
  encodeOauthBearerFailure,
  OAUTHBEARER,
  parseOauthBearer,
} from '#core/protocols/postgres/oauthbearer.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { type CancelRequest, readStartup, type StartupMessage } from '#core/protocols/postgres/startup.ts';
import { farewell } from '../../wire/farewell.ts';
import { HANDSHAKE_MAX_BYTES, HandshakeReader, type Parsed } from '../../wire/handshake.ts';
import type { LoginTranscript } from './transcript.ts';

const NEWEST_MINOR = 2;
const PASSWORD_MESSAGE = 0x70;
const ANSWER_MS = 5_000;

/** A client that has named its target and shown a token. */
export interface Login {
  readonly startup: StartupMessage;
  /** The protocol minor version both sides keep to: 0 or 2. */
  readonly minor: 0 | 2;
  readonly token: string;
  readonly how: 'password' | 'oauthbearer';
  readonly reader: HandshakeReader;
}

/**
 * Startup, version negotiation, and the token: as a password, or by SASL OAUTHBEARER where the client asks for it with
 * `options=-c custody.auth=oauthbearer` (a server has to choose before it knows what the client can).
 */
export async function readLogin(
  secure: TLSSocket,
  transcript: LoginTranscript,
  discovery: Discovery,
): Promise<Login | CancelRequest> {
  const reader = new HandshakeReader(secure);
  const startup = await reader.next(readStartupPacket);
  if (startup.kind === 'cancel') return startup;
  transcript.client(startup.raw);
  const minor = negotiateMinor(startup, (answer) => transcript.say(answer));
  const how = chosenAuthentication(startup);
  const token =
    how === 'password'
      ? await askPassword(reader, transcript)
      : await askBearer(reader, transcript, discovery);
  return { startup, minor, token, how, reader };
}

/** Where a client of OAUTHBEARER finds the issuer (RFC 7628 section 3.2.2). */
export interface Discovery {
  readonly issuer: string;
}

function readStartupPacket(
  bytes: Buffer,
): Parsed<CancelRequest | (StartupMessage & { readonly raw: Uint8Array })> | undefined {
  const packet = readStartup(bytes);
  if (packet === undefined) return undefined;
  const { byteLength } = packet;
  if (packet.kind === 'cancel') return { message: packet, byteLength };
  if (packet.kind === 'startup') {
    return { message: { ...packet, raw: bytes.subarray(0, byteLength) }, byteLength };
  }
  throw new CustodyError('protocol-violation', 'encryption was asked for twice');
}

/** Tells the client about what we do not speak, and continues with what we do. */
function negotiateMinor(
  { minor, protocolOptions }: StartupMessage,
  say: (answer: Uint8Array) => void,
): 0 | 2 {
  const kept = minor >= NEWEST_MINOR ? NEWEST_MINOR : 0;
  if (minor !== kept || protocolOptions.length > 0) say(negotiateProtocolVersion(kept, protocolOptions));
  return kept;
}

function chosenAuthentication({ parameters }: StartupMessage): Login['how'] {
  const asked = gatewaySetting(parameters, 'auth') ?? 'password';
  if (asked === 'password' || asked === 'oauthbearer') return asked;
  throw new CustodyError('unsupported', 'options name an unknown custody.auth', {
    hint: 'use custody.auth=password or custody.auth=oauthbearer',
  });
}

/** What a client tells the gateway in `options=-c custody.<name>=<value>`; the last one counts, as at the server. */
export function gatewaySetting(parameters: ReadonlyMap<string, string>, name: string): string | undefined {
  const settings = settingsIn(parameters.get('options') ?? '');
  const pattern = new RegExp(`^(?:-c\\s*|--)custody\\.${name}=(.+)`, 's');
  const named = settings.map((setting) => pattern.exec(setting)?.[1]);
  return named.findLast((value) => value !== undefined)?.replace(/\\(.)/gs, '$1');
}

/** `options` as the target is to see them: without what was meant for the gateway. */
export function optionsForTarget(options: string): string {
  return settingsIn(options)
    .filter((setting) => !/^(?:-c\s*|--)custody\./.test(setting))
    .join(' ');
}

/** The settings in `options`, split as the server splits them: at white space that no backslash escapes. */
export function settingsIn(options: string): string[] {
  return options.match(/(?:-c[ \t\n\v\f\r]+)?(?:\\.|[^ \t\n\v\f\r])+/gs) ?? [];
}

async function askPassword(reader: HandshakeReader, transcript: LoginTranscript): Promise<string> {
  transcript.say(authenticationCleartextPassword());
  const body = await reader.next(readPasswordMessage);
  transcript.clientWithheld(PASSWORD_MESSAGE, body.byteLength);
  const token = parsePassword(body);
  if (token === '') throw tokenMissing();
  return token;
}

async function askBearer(
  reader: HandshakeReader,
  transcript: LoginTranscript,
  { issuer }: Discovery,
): Promise<string> {
  transcript.say(authenticationSasl([OAUTHBEARER]));
  const body = await reader.next(readPasswordMessage);
  transcript.clientWithheld(PASSWORD_MESSAGE, body.byteLength);
  const { mechanism, data } = parseSaslInitialResponse(body);
  if (mechanism !== OAUTHBEARER || data === undefined) {
    throw new CustodyError('protocol-violation', 'expected an OAUTHBEARER initial response');
  }
  const { token } = parseOauthBearer(data);
  if (token !== '') return token;
  transcript.say(bearerRefused(issuer));
  await reader.next(readPasswordMessage);
  throw tokenMissing();
}

/** The server's last word before the error of a failed OAUTHBEARER login: where to get a token. */
export function bearerRefused(issuer: string): Uint8Array {
  const openidConfiguration = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return authenticationSaslContinue(
    encodeOauthBearerFailure({ status: 'invalid_token', scope: 'openid email groups', openidConfiguration }),
  );
}

/** The body of a 'p' message: password and SASL responses share the type. */
export function readPasswordMessage(bytes: Buffer): Parsed<Buffer> | undefined {
  if (bytes[0] !== PASSWORD_MESSAGE)
    throw new CustodyError('protocol-violation', 'expected a password message');
  if (bytes.byteLength < 5) return undefined;
  const length = bytes.readInt32BE(1);
  if (length < 4 || length > HANDSHAKE_MAX_BYTES - 1) {
    throw new CustodyError('protocol-violation', 'invalid length of password message');
  }
  if (bytes.byteLength < 1 + length) return undefined;
  return { message: bytes.subarray(5, 1 + length), byteLength: 1 + length };
}

function tokenMissing(): CustodyError {
  return new CustodyError('token-missing', 'no token was given', {
    hint: 'use `custody connect`, or an OIDC token as the password',
  });
}

/** Says no and closes, giving an OAUTHBEARER client the exchange its protocol wants first (RFC 7628 section 3.2.3). */
export async function refuseLogin(
  secure: TLSSocket,
  login: Login,
  issuer: string,
  error: CustodyError,
): Promise<void> {
  if (login.how === 'oauthbearer' && (error.code === 'token-invalid' || error.code === 'token-missing')) {
    secure.write(bearerRefused(issuer));
    const impatience = setTimeout(() => secure.destroy(), ANSWER_MS);
    await login.reader.next(readPasswordMessage).catch(() => undefined);
    clearTimeout(impatience);
  }
  farewell(secure, errorResponseFor(error));
}
