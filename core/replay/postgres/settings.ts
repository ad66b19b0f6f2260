import { unlifted } from './sql/scannable.ts';

/** Bytes of a name that count (NAMEDATALEN). */
const NAME_BYTES = 63;
const BEYOND_ASCII = /[\x80-\uffff]/;
const FOREIGN = '\0';
const UNSURE = `${FOREIGN}?${FOREIGN}`;

/** How the session's texts are decoded, as they are said now. */
interface Decoding {
  /** As the server names it. */
  readonly encoding: string;
  /** It may be another. */
  readonly isUnsure: boolean;
  words(value: { readonly bytes: Uint8Array; readonly length: number }): {
    readonly text: string;
    readonly undecoded: boolean;
  };
}

/** What of the session's settings decides what its names are, and how its SQL is read. */
export class Settings {
  standardStrings = true;
  readonly #decoding: Decoding;
  #clientEncoding = 'UTF8';
  #serverEncoding = 'UTF8';

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
  }

  /** As the server last told it. */
  get clientEncoding(): string {
    return this.#clientEncoding;
  }

  /** The server tells a setting; true when names may now be written otherwise. */
  report(name: string, value: string): boolean {
    if (name === 'standard_conforming_strings') this.standardStrings = value !== 'off';
    if (name === 'server_encoding') this.#serverEncoding = value;
    if (name !== 'client_encoding' || value === this.#clientEncoding) return false;
    this.#clientEncoding = value;
    return true;
  }

  /** A name of the protocol as the server knows it: cut after 63 bytes, also inside a character. */
  protocolKey(name: string): string {
    return this.#inServer(name).slice(0, NAME_BYTES);
  }

  /** A name in SQL as the server knows it: cut before the character that does not fit into 63 bytes. */
  sqlKey(name: string): string {
    const bytes = this.#inServer(unlifted(name));
    let end = Math.min(bytes.length, NAME_BYTES);
    while (end < bytes.length && end > 0 && this.#isInsideCharacter(bytes, end)) end--;
    return bytes.slice(0, end);
  }

  #isInsideCharacter(bytes: string, at: number): boolean {
    return this.#serverEncoding === 'UTF8' && (bytes.charCodeAt(at) & 0xc0) === 0x80;
  }

  /** In the server's encoding, one character a byte; where that is not known, as it is, and told apart from names that are. */
  #inServer(name: string): string {
    const { encoding, isUnsure } = this.#decoding;
    if (!BEYOND_ASCII.test(name)) return name;
    if (isUnsure) return UNSURE + name;
    if (encoding === this.#serverEncoding || encoding === 'SQL_ASCII') return name;
    const bytes = Buffer.from(name, 'latin1');
    const { text, undecoded } = this.#decoding.words({ bytes, length: bytes.length });
    const isKnown = this.#serverEncoding === 'UTF8' && !undecoded;
    return isKnown ? Buffer.from(text).toString('latin1') : `${FOREIGN}${encoding}${FOREIGN}${name}`;
  }
}

/** A key whose bytes are those of another encoding than the server's. */
export function isForeign(key: string): boolean {
  return key.startsWith(FOREIGN);
}

/** A key of which it is not certain which name it is. */
export function isUnsure(key: string): boolean {
  return key.startsWith(UNSURE);
}
