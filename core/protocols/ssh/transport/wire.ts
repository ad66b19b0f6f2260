/** Pieces of the transport's messages, put together (RFC 4251 section 5); `../wire.ts` reads and writes the types. */
import { type SshReader, SshWriter, violation } from '../wire.ts';

export function uint32(value: number): Uint8Array {
  return new SshWriter(4).uint32(value).done();
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const writer = new SshWriter(parts.reduce((sum, part) => sum + part.length, 0));
  for (const part of parts) writer.raw(part);
  return writer.done();
}

/** A string: its length and its bytes; text goes as UTF-8. */
export function string(value: string | Uint8Array): Uint8Array {
  return new SshWriter(4 + value.length).string(value).done();
}

/** An mpint that is not negative, from its big-endian bytes. */
export function mpint(bigEndian: Uint8Array): Uint8Array {
  return new SshWriter(5 + bigEndian.length).mpint(bigEndian).done();
}

export function nameList(names: readonly string[]): Uint8Array {
  return new SshWriter().nameList(names).done();
}

/** A message: its number and its body. */
export function message(number: number, ...body: readonly Uint8Array[]): Uint8Array {
  return concat([Uint8Array.of(number), ...body]);
}

/** Names that a stranger offers: as many and as long as they like, since what we do not know matches nothing of ours. */
export function offeredNames(reader: SshReader): string[] {
  const bytes = reader.string();
  if (bytes.length === 0) return [];
  for (const byte of bytes)
    if (byte <= 0x20 || byte >= 0x7f) throw violation('a list of names holds something else');
  const names = Buffer.from(bytes).toString('latin1').split(',');
  if (names.includes('')) throw violation('a list of names holds an empty one');
  return names;
}
