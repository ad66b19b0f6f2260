/** Names of encodings: https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED */

/** As the server reports them. */
const NAMES = [
  'SQL_ASCII UTF8 MULE_INTERNAL EUC_JP EUC_CN EUC_KR EUC_TW EUC_JIS_2004 SJIS SHIFT_JIS_2004 BIG5 GBK UHC GB18030 JOHAB',
  'LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 LATIN7 LATIN8 LATIN9 LATIN10 ISO_8859_5 ISO_8859_6 ISO_8859_7 ISO_8859_8',
  'WIN866 WIN874 WIN1250 WIN1251 WIN1252 WIN1253 WIN1254 WIN1255 WIN1256 WIN1257 WIN1258 KOI8R KOI8U',
].flatMap((line) => line.split(' '));

/** Other names that it takes, without what is neither letter nor digit. */
const ALIASES: Readonly<Record<string, string>> = {
  unicode: 'UTF8',
  koi8: 'KOI8R',
  alt: 'WIN866',
  win: 'WIN1251',
  abc: 'WIN1258',
  tcvn: 'WIN1258',
  tcvn5712: 'WIN1258',
  vscii: 'WIN1258',
  mskanji: 'SJIS',
  shiftjis: 'SJIS',
  win932: 'SJIS',
  win936: 'GBK',
  win949: 'UHC',
  win950: 'BIG5',
  iso88591: 'LATIN1',
  iso88592: 'LATIN2',
  iso88593: 'LATIN3',
  iso88594: 'LATIN4',
  iso88599: 'LATIN5',
  iso885910: 'LATIN6',
  iso885913: 'LATIN7',
  iso885914: 'LATIN8',
  iso885915: 'LATIN9',
  iso885916: 'LATIN10',
};

/** The name that the server reports, of any that it takes: LATIN1 of `Latin-1` and `iso8859-1`. Another is left as it is. */
export function encodingName(name: string): string {
  const plain = plainName(name).replace(/^windows(?=\d)/, 'win');
  const alias = Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : undefined;
  return alias ?? NAMES.find((known) => plainName(known) === plain) ?? name;
}

/** Is it one of the names that the server takes? */
export function isEncodingName(name: string): boolean {
  return name.length > 1 && name.length <= 20 && NAMES.includes(encodingName(name));
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
