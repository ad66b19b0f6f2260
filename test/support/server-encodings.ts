import type { Client } from 'pg';

/** PostgreSQL's encodings in which a byte is a character. */
export const SINGLE_BYTE = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((part) => `LATIN${part}`),
  ...[5, 6, 7, 8].map((part) => `ISO_8859_${part}`),
  ...[866, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map((page) => `WIN${page}`),
  'KOI8R',
  'KOI8U',
];

/** Those with characters of several bytes that we have tables for: the first bytes of those of three and four. */
export const MULTI_BYTE: Readonly<Record<string, readonly string[]>> = {
  SJIS: [],
  SHIFT_JIS_2004: [],
  EUC_JP: ['8f'],
  EUC_JIS_2004: ['8f'],
  EUC_CN: [],
  EUC_KR: [],
  EUC_TW: ['8ea1', '8ea2'],
  BIG5: [],
  GBK: [],
  UHC: [],
  JOHAB: ['8f'],
  GB18030: [],
};

const FUNCTIONS = `
  create or replace function pg_temp.decoded(sequence text, encoding name) returns text language plpgsql as $$
    begin return convert_from(decode(sequence, 'hex'), encoding); exception when others then return null; end $$;
  create or replace function pg_temp.encoded(code int, encoding name) returns text language plpgsql as $$
    begin return encode(convert_to(chr(code), encoding), 'hex'); exception when others then return null; end $$;
`;

/** What a character's bytes, in hexadecimal, say, as the server itself decodes them; what it refuses is not there. */
export async function serverDecodes(client: Client, encoding: string): Promise<Map<string, string>> {
  await client.query(FUNCTIONS);
  const bytes = 'select to_hex(a) as hex from generate_series(16, 255) a';
  const single = new Map(await decodes(client, encoding, bytes));
  const prefixes = ['', ...(MULTI_BYTE[encoding] ?? [])];
  const characters = new Map(single);
  for (const prefix of encoding in MULTI_BYTE ? prefixes : []) {
    const series = 'generate_series(128, 255) a, generate_series(16, 255) b';
    const rows = await decodes(
      client,
      encoding,
      `select '${prefix}' || to_hex(a) || to_hex(b) as hex from ${series}`,
    );
    for (const [hex, text] of rows) if (isOne(hex, text, single)) characters.set(hex, text);
  }
  return characters;
}

/** Not two characters beside each other. */
function isOne(hex: string, text: string, single: ReadonlyMap<string, string>): boolean {
  return !single.has(hex.slice(0, 2)) && (hex.length > 2 || Array.from(text).length === 1);
}

async function decodes(client: Client, encoding: string, sequences: string): Promise<[string, string][]> {
  const { rows } = await client.query<{ hex: string; text: string }>(
    `select hex, text from (${sequences}) s, lateral pg_temp.decoded(hex, $1) text where text is not null`,
    [encoding],
  );
  return rows.map(({ hex, text }) => [hex, text]);
}

/** The bytes, in hexadecimal, of every `step`th code point that the server can encode. */
export async function serverEncodes(
  client: Client,
  encoding: string,
  step: number,
): Promise<[number, string][]> {
  await client.query(FUNCTIONS);
  const { rows } = await client.query<{ code: number; hex: string }>(
    `select code, hex from generate_series(128, 1114111, $2::int) code, lateral pg_temp.encoded(code, $1) hex
     where code not between 55296 and 57343 and hex is not null`,
    [encoding, step],
  );
  return rows.map(({ code, hex }) => [code, hex]);
}
