/** Writes what no encoder would: broken and doubtful protobuf. */

function varint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
}

/** A field of bytes: a text, or a message. */
export function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from([...varint(BigInt(number) * 8n + 2n), ...varint(BigInt(bytes.length))]),
    bytes,
  ]);
}

export function varintField(number: number, value: bigint): Buffer {
  return Buffer.from([...varint(BigInt(number) * 8n), ...varint(value)]);
}
