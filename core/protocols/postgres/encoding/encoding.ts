import { asciiEnd, asciiText, type Characters, type Decoded, decodeCharacters } from './escape.ts';
import { withFourBytes } from './gb18030.ts';
import { encodingName } from './names.ts';
import { tableOf } from './tables.ts';
import { decodeUtf8 } from './utf8.ts';

/** How a session's bytes are read: one value of `client_encoding`. */
export interface TextEncoding {
  /** As the server reports it. */
  readonly name: string;
  /**
   * Never another letter than the server's: what it cannot say for certain stands as `\xNN`. `isCut`: the text went on, so
   * that a character which the end divides is left out.
   */
  decode(bytes: Uint8Array, isCut?: boolean): Decoded;
}

/** The encodings that a session comes to use; a table is made once, when it is needed. */
export class TextEncodings {
  readonly #known = new Map<string, TextEncoding>();

  /** By any of its names. One that is not known, and MULE_INTERNAL, give their ASCII and bytes. */
  get(name: string): TextEncoding {
    const reported = encodingName(name);
    const encoding = this.#known.get(reported) ?? textEncoding(reported);
    if (this.#known.size < KNOWN_MAX) this.#known.set(reported, encoding);
    return encoding;
  }
}

/** More than PostgreSQL has. */
const KNOWN_MAX = 64;
const NOTHING_KNOWN: Characters = { lengthAt: () => 1, character: () => undefined };

function textEncoding(name: string): TextEncoding {
  if (name === 'UTF8' || name === 'SQL_ASCII')
    return { name, decode: (bytes, isCut = false) => decodeUtf8(bytes, isCut) };
  const table = tableOf(name) ?? NOTHING_KNOWN;
  const characters = name === 'GB18030' ? withFourBytes(table) : table;
  const decode: TextEncoding['decode'] = (bytes, isCut = false) =>
    asciiEnd(bytes, 0) === bytes.length
      ? { text: asciiText(bytes), undecoded: false }
      : decodeCharacters(bytes, isCut, characters);
  return { name, decode };
}
