import { readStartup, type StartupPacket } from '#core/protocols/postgres/startup.ts';
import { readInt32 } from '#core/protocols/postgres/wire.ts';

/** A StartupMessage as it was recorded, its texts as bytes: nothing says which encoding they are in. */
export interface RecordedStartup {
  readonly kind: 'startup';
  readonly major: number;
  readonly minor: number;
  /** Of a name that comes twice, the last, as the server takes it. */
  readonly parameters: ReadonlyMap<string, Uint8Array>;
  readonly byteLength: number;
}

const PROTOCOL_3 = 3;
const HEADER_BYTES = 8;

/** As `readStartup`, for a reader that must not stop at a text which the gateway would not have. */
export function readRecordedStartup(
  bytes: Uint8Array,
): RecordedStartup | Exclude<StartupPacket, { kind: 'startup' }> | undefined {
  const isThree = bytes.length >= HEADER_BYTES && readInt32(bytes, 4) >>> 16 === PROTOCOL_3;
  const byteLength = isThree ? readInt32(bytes, 0) : 0;
  if (!isThree || byteLength < HEADER_BYTES || byteLength > bytes.length) {
    const packet = readStartup(bytes);
    return packet?.kind === 'startup' ? undefined : packet;
  }
  const body = Uint8Array.from(bytes.subarray(HEADER_BYTES, byteLength));
  return {
    kind: 'startup',
    major: PROTOCOL_3,
    minor: readInt32(bytes, 4) & 0xffff,
    parameters: pairsOf(body),
    byteLength,
  };
}

/** Up to the empty name; what is no pair any more is left out. */
function pairsOf(body: Uint8Array): Map<string, Uint8Array> {
  const pairs = new Map<string, Uint8Array>();
  for (let at = 0; ; ) {
    const nameEnd = body.indexOf(0, at);
    const valueEnd = nameEnd === -1 ? -1 : body.indexOf(0, nameEnd + 1);
    if (valueEnd === -1 || nameEnd === at) return pairs;
    pairs.set(
      Buffer.from(body.subarray(at, nameEnd)).toString('latin1'),
      body.subarray(nameEnd + 1, valueEnd),
    );
    at = valueEnd + 1;
  }
}
