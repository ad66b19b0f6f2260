/** How clients write in the encodings that cases set; what one does not have is written as in UTF-8, and means something else. */
const BYTES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  UTF8: {},
  SQL_ASCII: {},
  LATIN1: { é: 'e9' },
  WIN1251: { Ж: 'c6', '€': '88' },
  // The second byte of the last two is that of a backslash and of a letter.
  SJIS: { Ж: '8447', ソ: '835c', ア: '8341' },
};

export const ENCODINGS = Object.keys(BYTES);
/** Also a letter of two in UTF-8 that other encodings read as two. */
export const LETTERS = ['é', 'Ж', '€', 'ソ', 'ア', 'Ã©'];

export function written(text: string, encoding: string): Buffer {
  const own = BYTES[encoding] ?? {};
  const pieces = Array.from(text, (letter) =>
    own[letter] === undefined ? Buffer.from(letter) : Buffer.from(own[letter], 'hex'),
  );
  return Buffer.concat(pieces);
}
