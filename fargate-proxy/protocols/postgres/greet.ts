import type { TLSSocket } from 'node:tls';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
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
import type { CancelRequest, StartupMessage } from '#core/protocols/postgres/startup.ts';
import { farewell } from '../../wire/farewell.ts';
import { HANDSHAKE_MAX_BYTES, HandshakeReader, type Parsed } from '../../wire/handshake.ts';
import { type GatewaySettings, gatewaySettings } from './settings.ts';
import { encryptionAskedTwice, type Peer, readFirstPacket } from './tls.ts';
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
  /** What the client told the gateway, as `custody.<name>`. */
  readonly settings: GatewaySettings;
  readonly reader: HandshakeReader;
}

/**
 * Startup, version negotiation, and the token: as a password, or by SASL OAUTHBEARER where the client asks for it with
 * `options=-c custody.auth=oauthbearer` (a server has to choose before it knows what the client can).
 */
export async function readLogin(
  secure: TLSSocket,
  peer: Peer,
  transcript: LoginTranscript,
  discovery: Discovery,
): Promise<Login | CancelRequest> {
  const reader = new HandshakeReader(secure);
  const startup = await reader.next((bytes) => readStartupPacket(bytes, peer));
  if (startup.kind === 'cancel') return startup;
  transcript.client(startup.raw);
  const minor = negotiateMinor(startup, (answer) => transcript.say(answer));
  const settings = gatewaySettings(startup.given);
  const how = chosenAuthentication(settings);
  const token =
    how === 'password'
      ? await askPassword(reader, transcript)
      : await askBearer(reader, transcript, discovery);
  return { startup, minor, token, how, settings, reader };
}

/** Where a client of OAUTHBEARER finds the issuer (RFC 7628 section 3.2.2). */
export interface Discovery {
  readonly issuer: string;
}

function readStartupPacket(
  bytes: Buffer,
  peer: Peer,
): Parsed<CancelRequest | (StartupMessage & { readonly raw: Uint8Array })> | undefined {
  const packet = readFirstPacket(bytes, peer);
  if (packet === undefined) return undefined;
  const { message, byteLength } = packet;
  if (message.kind === 'cancel') return { message, byteLength };
  if (message.kind === 'startup')
    return { message: { ...message, raw: bytes.subarray(0, byteLength) }, byteLength };
  throw encryptionAskedTwice(peer);
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

function chosenAuthentication(settings: GatewaySettings): Login['how'] {
  const asked = settings.get('auth') ?? 'password';
  if (asked === 'password' || asked === 'oauthbearer') return asked;
  throw new CustodyError('unsupported', 'options name an unknown custody.auth', {
    hint: 'use custody.auth=password or custody.auth=oauthbearer',
  });
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

/**
 * Says no and closes. An OAUTHBEARER client whose token is not good has the exchange first that its protocol wants (RFC
 * 7628 section 3.2.3). `issuer`: undefined once the client was told that its token is good.
 */
export async function refuseLogin(
  secure: TLSSocket,
  login: Login,
  issuer: string | undefined,
  code: ErrorCode,
  words: Uint8Array,
): Promise<void> {
  const isAboutToken = code === 'token-invalid' || code === 'token-missing';
  if (login.how === 'oauthbearer' && isAboutToken && issuer !== undefined) {
    secure.write(bearerRefused(issuer));
    const impatience = setTimeout(() => secure.destroy(), ANSWER_MS);
    await login.reader.next(readPasswordMessage).catch(() => undefined);
    clearTimeout(impatience);
  }
  farewell(secure, words);
}
