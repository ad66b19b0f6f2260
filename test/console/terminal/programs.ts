/** Bytes that programs could write to a terminal: all kinds of commands, whole and broken, sane and not. */
import fc from 'fast-check';

const number = fc.oneof(
  fc.nat(12),
  fc.nat(300),
  fc.constantFrom(65_535, 1_000_000_000, 2 ** 31 - 1, 2 ** 53),
);
const params = fc.array(number, { maxLength: 5 }).map((list) => list.join(';'));
const csi = fc
  .tuple(
    fc.constantFrom('', '?', '>', '=', '!'),
    params,
    fc.constantFrom('', ' ', '$', '"', "'"),
    fc.constantFrom(...'@ABCDEFGHIJKLMPSTXZ`abcdefghijklmnpqrstuvxz'.split('')),
  )
  .map((parts) => `\u001b[${parts.join('')}`);
const mode = fc
  .tuple(
    fc.constantFrom('?1049', '?47', '?6', '?7', '?25', '4', '?69', '?2026', '?1047', '20'),
    fc.constantFrom('h', 'l'),
  )
  .map((parts) => `\u001b[${parts.join('')}`);
const looks = fc
  .constantFrom('1', '2', '3', '4', '7', '8', '9', '31', '48;5;99', '38;2;1;2;3', '58:2::1:2:3', '0', '100')
  .map((one) => `\u001b[${one}m`);
const escapes = fc
  .constantFrom('7', '8', 'c', 'D', 'E', 'H', 'M', 'N', 'O', '(0', ')B', '#8', '%G', 'n', 'o', '=', '>')
  .map((one) => `\u001b${one}`);
const end = fc.constantFrom('\u0007', '\u001b\\', '\u009c', '');
const strings = fc
  .tuple(
    fc.constantFrom(']0;', ']8;;javascript:alert(1)', ']52;c;', ']1337;File=', 'P', 'P$q', '_', '^', 'X'),
    fc.string(),
    end,
  )
  .map((parts) => `\u001b${parts.join('')}`);
const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom('日本語', 'e\u0301', 'a\u202eb', '👩\u200d🚀', '\u0300\u0301', '\r\n', '\n', '\t', '\b'),
  fc.constant(`z${'\u0301'.repeat(40)}`),
);

export const pieces = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: text },
    { weight: 3, arbitrary: csi },
    { weight: 2, arbitrary: looks },
    mode,
    escapes,
    strings,
  ),
  { maxLength: 40 },
);

export const output = pieces.map((list) => Buffer.from(list.join('')));
