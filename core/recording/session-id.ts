/**
 * A UUID version 7 (RFC 9562 section 5.7), lower case: sortable by time, assigned by the gateway alone.
 * `random`: at least 10 random bytes.
 */
export function newSessionId(nowMs: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The moment that an id names. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

const MS_MAX = 2 ** 48 - 1;

/** Below every id of that moment and above every earlier one: with it a time is a place among ids. */
export function lowestIdAt(ms: number): string {
  const hex = Math.min(Math.max(0, Math.trunc(ms)), MS_MAX)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
