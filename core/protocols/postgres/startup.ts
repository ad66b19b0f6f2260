/**
 * What a client may send before it has a session: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { CustodyError } from '#core/errors.ts';
import {
  bytesOf,
  Cursor,
  charactersOf,
  concat,
  cstring,
  decodeText,
  int32,
  readInt32,
  violation,
} from './wire.ts';

/** MAX_STARTUP_PACKET_LENGTH of the server: what may follow the length field. */
export const STARTUP_MAX_BYTES = 10_000;

const CANCEL_REQUEST = 80877102;
const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_KEY_MIN_BYTES = 4;
const CANCEL_KEY_MAX_BYTES = 256;
const PROTOCOL_OPTION = '_pq_.';

export interface StartupMessage {
  readonly kind: 'startup';
  readonly major: number;
  readonly minor: number;
  /** As text to read, the last of a name, as at the server; without protocol options, and always with `user`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The same as they were sent: in order, repeated, and in whatever encoding the client has. */
  readonly given: readonly StartupParameter[];
  /** Names of the `_pq_.` options asked for. */
  readonly protocolOptions: readonly string[];
  /** How many bytes of the input the packet took. */
  readonly byteLength: number;
}

export interface StartupParameter {
  /** One character a byte: the names that mean something are ASCII. */
  readonly name: string;
  /** A copy: it outlives the input. */
  readonly value: Uint8Array;
}

export interface CancelRequest {
  readonly kind: 'cancel';
  readonly processId: number;
  /** 4 bytes up to protocol 3.0, 4 … 256 from 3.2 on. A copy: it outlives the input. */
  readonly secret: Uint8Array;
  readonly byteLength: number;
}

export type StartupPacket =
  | { readonly kind: 'ssl-request' | 'gss-request'; readonly byteLength: number }
  | CancelRequest
  | StartupMessage;

/**
 * How long the first packet in `bytes` is, its length field included; undefined when that cannot be seen yet. Throws
 * `protocol-violation` for a length no packet has: whoever sent it does not speak PostgreSQL.
 */
function startupLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < 4) return undefined;
  const byteLength = readInt32(bytes, 0);
  if (byteLength < 8 || byteLength > STARTUP_MAX_BYTES + 4)
    throw violation('invalid length of startup packet');
  return byteLength;
}

/**
 * The first packet in `bytes`, or undefined when more bytes are needed (never more than STARTUP_MAX_BYTES + 4).
 * Bytes after it are the caller's to judge: `byteLength` says where they begin.
 * Throws `protocol-violation`, `user-missing`, and `unsupported` for a protocol that is not version 3.
 */
export function readStartup(bytes: Uint8Array): StartupPacket | undefined {
  const byteLength = startupLength(bytes);
  if (byteLength === undefined || bytes.length < byteLength) return undefined;
  const body = new Cursor(bytes.subarray(4, byteLength));
  const code = body.int32();
  if (code === SSL_REQUEST || code === GSS_REQUEST) {
    body.end();
    return { kind: code === SSL_REQUEST ? 'ssl-request' : 'gss-request', byteLength };
  }
  return code === CANCEL_REQUEST ? readCancel(body, byteLength) : readStartupMessage(code, body, byteLength);
}

/**
 * The major version that a whole packet asks for a session in, however malformed it is: its sender waits for words.
 * Undefined for what is not whole, and for other requests.
 */
export function askedMajor(bytes: Uint8Array): number | undefined {
  const byteLength = startupLength(bytes);
  if (byteLength === undefined || bytes.length < byteLength) return undefined;
  const code = readInt32(bytes, 4);
  return [SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST].includes(code) ? undefined : code >>> 16;
}

function readCancel(body: Cursor, byteLength: number): CancelRequest {
  const processId = body.int32();
  const secret = Uint8Array.from(body.rest());
  if (secret.length < CANCEL_KEY_MIN_BYTES || secret.length > CANCEL_KEY_MAX_BYTES) {
    throw violation('invalid length of cancel request packet');
  }
  return { kind: 'cancel', processId, secret, byteLength };
}

function readStartupMessage(code: number, body: Cursor, byteLength: number): StartupMessage {
  const major = code >>> 16;
  const minor = code & 0xffff;
  if (major !== 3) throw unsupportedProtocol(major, minor);
  const all = readParameters(body);
  const isOption = ({ name }: StartupParameter): boolean => name.startsWith(PROTOCOL_OPTION);
  const protocolOptions = all.filter(isOption).map(({ name }) => decodeText(bytesOf(name)));
  const given = all.filter((parameter) => !isOption(parameter));
  const parameters = new Map(given.map(({ name, value }) => [decodeText(bytesOf(name)), decodeText(value)]));
  if (!parameters.get('user'))
    throw new CustodyError('user-missing', 'no PostgreSQL user name specified in startup packet');
  return { kind: 'startup', major, minor, parameters, given, protocolOptions, byteLength };
}

/** As the server says it. */
function unsupportedProtocol(major: number, minor: number): CustodyError {
  const asked = `unsupported frontend protocol ${major}.${minor}`;
  return new CustodyError('unsupported', `${asked}: server supports 3.0 to 3.2`);
}

/** Name and value pairs up to an empty name, which must be the packet's last byte. */
function readParameters(body: Cursor): StartupParameter[] {
  const parameters: StartupParameter[] = [];
  try {
    for (let name = charactersOf(body.stringBytes()); name !== ''; name = charactersOf(body.stringBytes()))
      parameters.push({ name, value: Uint8Array.from(body.stringBytes()) });
    body.end();
  } catch {
    throw violation('invalid startup packet layout: expected terminator as last byte');
  }
  return parameters;
}

/** A StartupMessage of protocol 3.`minor`; names and values that are bytes stay as they are. */
export function encodeStartup(startup: {
  readonly minor: number;
  readonly parameters: Iterable<readonly [name: string, value: string | Uint8Array]>;
}): Uint8Array {
  const fields = [...startup.parameters].flatMap(([name, value]) => [cstring(bytesOf(name)), cstring(value)]);
  return packet((3 << 16) | startup.minor, ...fields, Uint8Array.of(0));
}

export function encodeCancelRequest(processId: number, secret: Uint8Array): Uint8Array {
  return packet(CANCEL_REQUEST, int32(processId), secret);
}

export function encodeSslRequest(): Uint8Array {
  return packet(SSL_REQUEST);
}

function packet(code: number, ...body: readonly Uint8Array[]): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, 8);
  return concat([int32(length), int32(code), ...body]);
}
