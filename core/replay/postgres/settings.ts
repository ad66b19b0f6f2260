import { unlifted } from './sql/scannable.ts';
import type { Texts } from './texts.ts';

/** Bytes of a name that count (NAMEDATALEN). */
const NAME_BYTES = 63;
const NOT_ASCII = /[\x80-\uffff]/;

/** What of the session's settings decides how its texts are read. The server reports each when it changes. */
export class Settings {
  standardStrings = true;
  readonly #texts: Texts;
  #clientEncoding = '';
  #serverEncoding = 'UTF8';

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  /** True when names may now be written otherwise. */
  report(name: string, value: string): boolean {
    if (name === 'standard_conforming_strings') this.standardStrings = value !== 'off';
    if (name === 'server_encoding') this.#serverEncoding = value;
    if (name !== 'client_encoding' || value === this.#clientEncoding) return false;
    this.#clientEncoding = value;
    return true;
  }

  /** A name of the protocol as the server knows it: cut after 63 bytes, also inside a character. */
  protocolKey(name: string): string {
    return this.#bytes(name).slice(0, NAME_BYTES);
  }

  /** A name in SQL as the server knows it: cut before the character that does not fit into 63 bytes. */
  sqlKey(name: string): string {
    const bytes = this.#bytes(unlifted(name));
    let end = Math.min(bytes.length, NAME_BYTES);
    while (end < bytes.length && end > 0 && this.#isInsideCharacter(bytes, end)) end--;
    return bytes.slice(0, end);
  }

  #isInsideCharacter(bytes: string, at: number): boolean {
    return this.#serverEncoding === 'UTF8' && (bytes.charCodeAt(at) & 0xc0) === 0x80;
  }

  /** In the server's encoding, one character a byte; where that is not known, as it is, and told apart from names that are. */
  #bytes(name: string): string {
    const { encoding } = this.#texts;
    if (!NOT_ASCII.test(name) || [this.#serverEncoding, 'SQL_ASCII'].includes(encoding)) return name;
    const { text, undecoded } = this.#texts.words({
      bytes: Buffer.from(name, 'latin1'),
      length: name.length,
    });
    if (this.#serverEncoding === 'UTF8' && !undecoded) return Buffer.from(text).toString('latin1');
    return `${FOREIGN}${encoding}${FOREIGN}${name}`;
  }
}

const FOREIGN = '\0';

/** A key whose bytes are those of another encoding than the server's. */
export function isForeign(key: string): boolean {
  return key.startsWith(FOREIGN);
}
