/** Digests of values: of one run, so that nobody can guess a value by its digest who has not the run's key. */
import { hash } from 'node:crypto';
import { decimalOf, decimalText, smallInteger, smallIntegerText } from './decimal.ts';
import type { ValueTerms } from './schema.ts';
import type { LiteralKind, SeenLiteral } from './seen.ts';

/** Hexadecimal digits of a digest: 128 bits, as nobody gains by a collision of values that they chose both. */
const DIGEST_DIGITS = 32;

/** Of SHA-256. */
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** Texts that need no room of their own. */
const TEXT_BYTES = 4096;

/** One form for values that are equal: by kind, so that the text 7 is not the number 7. */
export function comparable(text: string | null, kind: LiteralKind | ValueTerms['type']): string {
  if (text === null) return 'null';
  switch (kind) {
    case 'integer':
    case 'number': {
      const small = smallInteger(text);
      if (small !== undefined) return `n:${smallIntegerText(small)}`;
      const decimal = decimalOf(text);
      return decimal === undefined ? `t:${text}` : `n:${decimalText(decimal)}`;
    }
    case 'boolean':
      return `b:${truth(text) ?? text}`;
    case 'uuid':
      return `t:${text.toLowerCase()}`;
    case 'text':
    case 'any':
    case 'date':
    case 'timestamp':
      return `t:${text}`;
  }
}

/** As PostgreSQL reads a truth value; undefined for another text. */
export function truth(text: string): boolean | undefined {
  if (['t', 'true', 'on', 'yes', '1'].includes(text)) return true;
  return ['f', 'false', 'off', 'no', '0'].includes(text) ? false : undefined;
}

/** HMAC-SHA-256 under the run's key (FORMAT.md, "Digests"). */
export class RunDigests {
  /** The key's two blocks (RFC 2104), each with room for what is hashed behind it. */
  readonly #inner = Buffer.alloc(BLOCK_BYTES + TEXT_BYTES, 0x36);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, 0x5c);

  /** `key`: 32 bytes. */
  constructor(key: Uint8Array) {
    for (const [at, byte] of key.entries()) {
      this.#inner[at]! ^= byte;
      this.#outer[at]! ^= byte;
    }
  }

  /** Of one value, 32 hexadecimal digits. */
  ofValue(text: string | null, kind: LiteralKind | ValueTerms['type']): string {
    return this.#mac(comparable(text, kind)).slice(0, DIGEST_DIGITS);
  }

  /** Of a value as it was seen in a row. */
  ofLiteral(literal: SeenLiteral | null): string {
    return literal === null ? this.ofValue(null, 'any') : this.ofValue(literal.text, literal.kind);
  }

  /** Of a row: over its values' digests in their order. All 64 digits. */
  ofRow(digests: readonly string[]): string {
    return this.#mac(`row:${digests.join(',')}`);
  }

  /** By hand, as millions of short values are digested: an `Hmac` for each takes five times as long. */
  #mac(text: string): string {
    const bytes = Buffer.from(text);
    const inner =
      bytes.length > TEXT_BYTES
        ? Buffer.concat([this.#inner.subarray(0, BLOCK_BYTES), bytes])
        : this.#inner.subarray(0, BLOCK_BYTES + bytes.copy(this.#inner, BLOCK_BYTES));
    hash('sha256', inner, 'buffer').copy(this.#outer, BLOCK_BYTES);
    return hash('sha256', this.#outer, 'hex');
  }
}
