/** Which bytes of a client's messages must not be recorded (security case 15). */
import { SshReader } from '../wire.ts';
import { AuthMessage, HOSTBOUND } from './messages.ts';

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Methods that show nothing secret. */
const OPEN_METHODS = ['none', 'publickey', HOSTBOUND, 'keyboard-interactive'];

/**
 * What of a message of the client's is secret, or may be: passwords, answers, and all that follows the name of a method that is not
 * known. A message that cannot be read is secret as a whole but for its number.
 */
export function withheldOf(payload: Uint8Array): ByteRange | undefined {
  if (payload[0] === AuthMessage.infoResponse) return tail(payload, 5);
  if (payload[0] !== AuthMessage.request) return undefined;
  return tail(payload, openUntil(payload));
}

function openUntil(payload: Uint8Array): number {
  const reader = new SshReader(payload, 1);
  try {
    reader.string();
    reader.string();
    return OPEN_METHODS.includes(reader.name()) ? payload.length : reader.at;
  } catch {
    return 1;
  }
}

function tail(payload: Uint8Array, from: number): ByteRange | undefined {
  return from < payload.length ? { from, to: payload.length } : undefined;
}
