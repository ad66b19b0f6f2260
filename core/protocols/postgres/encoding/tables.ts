/**
 * Characters of PostgreSQL's encodings, as a server itself decodes them (test/vectors/postgres/make-encodings.ts): the decoders of
 * a browser or of ICU say other letters in places, and not the same in each version.
 */
import type { Characters } from './escape.ts';
import big5 from './tables/big5.json' with { type: 'json' };
import eucCn from './tables/euc_cn.json' with { type: 'json' };
import eucJis2004 from './tables/euc_jis_2004.json' with { type: 'json' };
import eucJp from './tables/euc_jp.json' with { type: 'json' };
import eucKr from './tables/euc_kr.json' with { type: 'json' };
import eucTw from './tables/euc_tw.json' with { type: 'json' };
import gb18030 from './tables/gb18030.json' with { type: 'json' };
import gbk from './tables/gbk.json' with { type: 'json' };
import johab from './tables/johab.json' with { type: 'json' };
import shiftJis2004 from './tables/shift_jis_2004.json' with { type: 'json' };
import singleByte from './tables/single-byte.json' with { type: 'json' };
import sjis from './tables/sjis.json' with { type: 'json' };
import uhc from './tables/uhc.json' with { type: 'json' };

/** A table as it is stored: rows by all bytes of a character but the last; pairs are characters of two code points. */
interface Stored {
  readonly rows: Readonly<Record<string, { readonly from: number; readonly text: string }>>;
  readonly pairs: Readonly<Record<string, string>>;
}

/** How many bytes a character has, by its first: the `pg_*_mblen` functions of the server's wchar.c. */
type Length = (bytes: Uint8Array, at: number) => number;

const NONE = '\ufffd';
/** The least last byte of a character: after less, the first stands alone. */
const TRAIL_MIN = 0x30;

const euc: Length = (bytes, at) => (bytes[at] === 0x8f ? 3 : 2);
const eucOfTaiwan: Length = (bytes, at) => (bytes[at] === 0x8e ? 4 : euc(bytes, at));
const shifted: Length = (bytes, at) => (bytes[at]! > 0xa0 && bytes[at]! < 0xe0 ? 1 : 2);
const double: Length = () => 2;
const gb: Length = (bytes, at) => (bytes[at + 1]! >= 0x30 && bytes[at + 1]! <= 0x39 ? 4 : 2);

const MULTI_BYTE: ReadonlyMap<string, readonly [Stored, Length]> = new Map<string, readonly [Stored, Length]>(
  [
    ['SJIS', [sjis, shifted]],
    ['SHIFT_JIS_2004', [shiftJis2004, shifted]],
    ['EUC_JP', [eucJp, euc]],
    ['EUC_JIS_2004', [eucJis2004, euc]],
    ['EUC_CN', [eucCn, double]],
    ['EUC_KR', [eucKr, euc]],
    ['EUC_TW', [eucTw, eucOfTaiwan]],
    ['BIG5', [big5, double]],
    ['GBK', [gbk, double]],
    ['UHC', [uhc, double]],
    ['JOHAB', [johab, euc]],
    ['GB18030', [gb18030, gb]],
  ],
);

/** The characters of an encoding by the name that the server reports; undefined where there is no table of it. */
export function tableOf(name: string): Characters | undefined {
  const upper = Object.entries(singleByte).find(([known]) => known === name)?.[1];
  if (upper !== undefined) return singleByteTable(Array.from(upper));
  const [stored, length] = MULTI_BYTE.get(name) ?? [];
  return stored === undefined || length === undefined ? undefined : multiByteTable(stored, length);
}

function singleByteTable(upper: readonly string[]): Characters {
  return { lengthAt: () => 1, character: (bytes, at) => known(upper[bytes[at]! - 0x80]) };
}

function multiByteTable({ rows, pairs }: Stored, length: Length): Characters {
  const byPrefix = new Map(
    Object.entries(rows).map(
      ([hex, { from, text }]) => [numberOf(hex), { from, cells: Array.from(text) }] as const,
    ),
  );
  const byBytes = new Map(Object.entries(pairs).map(([hex, text]) => [numberOf(hex), text]));
  return {
    lengthAt: (bytes, at) => plausible(bytes, at, length(bytes, at)),
    character: (bytes, at, count) => {
      const prefix = fold(bytes, at, at + count - 1);
      const last = bytes[at + count - 1]!;
      const row = byPrefix.get(prefix);
      return known(row?.cells[last - row.from]) ?? byBytes.get(prefix * 256 + last);
    },
  };
}

/** A byte that begins a character is one by itself where no character goes on with what follows, such as a quote. */
function plausible(bytes: Uint8Array, at: number, length: number): number {
  for (let next = at + 1; next < Math.min(at + length, bytes.length); next++) {
    if (bytes[next]! < TRAIL_MIN) return 1;
  }
  return length;
}

/** A prefix that is empty, of one byte alone, is the number 1; every other byte is a digit. */
function fold(bytes: Uint8Array, from: number, to: number): number {
  let folded = 1;
  for (let at = from; at < to; at++) folded = folded * 256 + bytes[at]!;
  return folded;
}

function numberOf(hex: string): number {
  return fold(Buffer.from(hex, 'hex'), 0, hex.length / 2);
}

function known(character: string | undefined): string | undefined {
  return character === NONE ? undefined : character;
}
