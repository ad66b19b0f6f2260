/** What a text may say in another spelling: escapes of C, JSON and SQL, a bytea's hex, a terminal's control sequences. */

/** CSI, OSC and the like (ECMA-48), also one that the text's end cuts off. */
const CONTROL_SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /\u{1b}(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\u{7}\u{1b}]*(?:\u{7}|\u{1b}\\)?|[ -/]*[0-~])|\u{9b}[0-?]*[ -/]*[@-~]?/gu;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|([0-7]{3})|([\\'"/nrtbf]))/g;
const HEX = /\\x((?:[0-9a-fA-F]{2})+)/g;
const NEEDS_DECODING = /[\p{Cc}\\]|''|""/u;
const NAMED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** Other readings of it; none for a text that is what it says. Each takes as long as the text is. */
export function decodings(text: string): readonly string[] {
  if (!NEEDS_DECODING.test(text)) return [];
  const unescaped = withoutEscapes(text);
  const shown = text.replaceAll(CONTROL_SEQUENCE, '');
  return [
    unescaped,
    withoutHex(text),
    withoutHex(unescaped),
    withoutEscapes(unescaped),
    text.replaceAll("''", "'").replaceAll('""', '"'),
    withoutControls(shown),
    withoutControls(erased(shown)),
  ];
}

function withoutEscapes(text: string): string {
  const bytes: number[] = [];
  let last = 0;
  let said = '';
  const flush = (): void => {
    said += Buffer.from(bytes).toString('utf8');
    bytes.length = 0;
  };
  for (const match of text.matchAll(ESCAPE)) {
    const [whole, unit, point, hex, octal, name] = match;
    if (match.index > last) flush();
    said += text.slice(last, match.index);
    last = match.index + whole.length;
    if (hex !== undefined || octal !== undefined) {
      bytes.push(hex === undefined ? Number.parseInt(octal!, 8) & 0xff : Number.parseInt(hex, 16));
      continue;
    }
    flush();
    said += name === undefined ? ofCode(unit ?? point!) : (NAMED[name] ?? name);
  }
  flush();
  return said + text.slice(last);
}

function ofCode(hex: string): string {
  const code = Number.parseInt(hex, 16);
  return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
}

function withoutHex(text: string): string {
  return text.replaceAll(HEX, (_whole, hex: string) => Buffer.from(hex, 'hex').toString('utf8'));
}

/** What was typed and taken back is not on the screen; what it was taken back from is. */
function erased(text: string): string {
  const kept: string[] = [];
  for (const character of text)
    if (character === '\b' || character === '\x7f') kept.pop();
    else kept.push(character);
  return kept.join('');
}

function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '');
}
