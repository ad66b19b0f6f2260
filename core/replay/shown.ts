import type { Shown } from './step.ts';
import { characterAt, wholeUntil } from './utf8.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The beginning of `bytes` as UTF-8; bytes that are none stand as `\xNN`. `total`: of the original, where `bytes` are not all of it. */
export function shown(bytes: Uint8Array, atMost: number, total = bytes.length): Shown {
  const kept = bytes.subarray(0, atMost);
  const cut = kept.length < total;
  const { text, undecoded } = decoded(cut ? kept.subarray(0, wholeUntil(kept)) : kept);
  return { text, bytes: total, cut, ...(undecoded && { undecoded }) };
}

/** Text that the protocol's own messages hold. */
export function shownWords(text: string, atMost: number): Shown {
  return shown(Buffer.from(text), atMost);
}

function decoded(bytes: Uint8Array): { readonly text: string; readonly undecoded?: true } {
  try {
    return { text: strict.decode(bytes) };
  } catch {
    return { text: decodedInParts(bytes), undecoded: true };
  }
}

function decodedInParts(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at);
    const character = length === 0 ? undefined : decodedCharacter(bytes.subarray(at, at + length));
    parts.push(character ?? `\\x${bytes[at]!.toString(16).padStart(2, '0')}`);
    at += character === undefined ? 1 : length;
  }
  return parts.join('');
}

function decodedCharacter(bytes: Uint8Array): string | undefined {
  if (bytes.length === 1) return String.fromCharCode(bytes[0]!);
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
