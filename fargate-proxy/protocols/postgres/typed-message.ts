import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type BackendMessage, parseBackend } from '#core/protocols/postgres/backend.ts';
import type { HandshakeReader, Parsed } from '../../wire/handshake.ts';

export const MESSAGE_MAX_BYTES = 32 << 10;

interface Typed {
  readonly message: BackendMessage;
  /** A copy of the whole message. */
  readonly raw: Uint8Array;
}

/** Rejects with `target-lost`, for a target that closes instead, and with `target-refused` for what is no message. */
export async function nextTyped(reader: HandshakeReader): Promise<Typed> {
  try {
    return await reader.next(readTyped);
  } catch (thrown) {
    if (asCustodyError(thrown).code !== 'peer-left') throw thrown;
    throw new CustodyError('target-lost', 'the target closed the connection during the login', {
      hint: 'the gateway is up; the target may be starting, stopping or full: connect again',
      cause: thrown,
    });
  }
}

/** One message of a server; undefined until it is there. */
function readTyped(bytes: Buffer): Parsed<Typed> | undefined {
  if (bytes.byteLength < 5) return undefined;
  const length = bytes.readInt32BE(1);
  if (length < 4 || length > MESSAGE_MAX_BYTES) throw impossible();
  const byteLength = 1 + length;
  if (bytes.byteLength < byteLength) return undefined;
  const raw = Uint8Array.from(bytes.subarray(0, byteLength));
  return { message: { message: parseBackend(raw[0]!, raw.subarray(5)), raw }, byteLength };
}

function impossible(): CustodyError {
  return new CustodyError('target-refused', 'the gateway could not log in to the target', {
    hint: 'this is between the gateway and the target; tell whoever runs the gateway',
    detail: 'a message of impossible length at the login',
  });
}
