/**
 * What a client may send before it has a session: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { CustodyError } from '#core/errors.ts';
import { Cursor, concat, cstring, decodeStrict, int32, readInt32, violation } from './wire.ts';

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
  /** Without protocol options; always has `user`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Names of the `_pq_.` options asked for. */
  readonly protocolOptions: readonly string[];
  /** How many bytes of the input the packet took. */
  readonly byteLength: number;
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
 * The first packet in `bytes`, or undefined when more bytes are needed (never more than STARTUP_MAX_BYTES + 4).
 * Bytes after it are the caller's to judge: `byteLength` says where they begin.
 * Throws `protocol-violation`, and `unsupported` for a protocol that is not version 3.
 */
export function readStartup(bytes: Uint8Array): StartupPacket | undefined {
  if (bytes.length < 4) return undefined;
  const byteLength = readInt32(bytes, 0);
  if (byteLength < 8 || byteLength > STARTUP_MAX_BYTES + 4)
    throw violation('invalid length of startup packet');
  if (bytes.length < byteLength) return undefined;
  const body = new Cursor(bytes.subarray(4, byteLength));
  const code = body.int32();
  if (code === SSL_REQUEST || code === GSS_REQUEST) {
    body.end();
    return { kind: code === SSL_REQUEST ? 'ssl-request' : 'gss-request', byteLength };
  }
  return code === CANCEL_REQUEST ? readCancel(body, byteLength) : readStartupMessage(code, body, byteLength);
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
  if (major !== 3) {
    throw new CustodyError(
      'unsupported',
      `unsupported frontend protocol ${major}.${minor}: server supports 3.0 to 3.2`,
    );
  }
  const all = readParameters(body);
  const protocolOptions = [...all.keys()].filter((name) => name.startsWith(PROTOCOL_OPTION));
  const parameters = new Map([...all].filter(([name]) => !name.startsWith(PROTOCOL_OPTION)));
  if (!parameters.get('user')) throw violation('no PostgreSQL user name specified in startup packet');
  return { kind: 'startup', major, minor, parameters, protocolOptions, byteLength };
}

/** Name and value pairs up to an empty name, which must be the packet's last byte. A repeated name is ambiguous: refused. */
function readParameters(body: Cursor): Map<string, string> {
  const parameters = new Map<string, string>();
  for (;;) {
    const name = decodeStrict(body.stringBytes());
    if (name === '') break;
    if (parameters.has(name)) throw violation('a parameter comes twice in the startup packet');
    parameters.set(name, decodeStrict(body.stringBytes()));
  }
  body.end();
  return parameters;
}

/** A StartupMessage of protocol 3.`minor`. */
export function encodeStartup(startup: {
  readonly minor: number;
  readonly parameters: Iterable<readonly [string, string]>;
}): Uint8Array {
  const fields = [...startup.parameters].flatMap(([name, value]) => [cstring(name), cstring(value)]);
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
