/** How files of the console are answered by a server of our own: on one machine, or behind the API's address. */
import { fileOf } from './addresses.ts';
import { cachingOf, consoleHeaders } from './headers.ts';

export type Encoding = 'br' | 'gzip' | 'identity';

/** A file, in the encodings that it can be sent in. */
export interface WireFile {
  readonly type: string;
  readonly isImmutable: boolean;
  /** Of what is in it: the same in each encoding, and therefore weak (RFC 9110 section 8.8.1). */
  readonly etag: string;
  bytes(encoding: Encoding): Promise<Uint8Array>;
}

/** The console's files, by their paths. */
export type Site = (path: string) => WireFile | undefined;

export interface Asked {
  readonly path: string;
  /** With names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** In the form that API Gateway takes. */
export interface Served {
  readonly statusCode: 200 | 304 | 404;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: true;
}

/** Undefined where the path is not the console's. `more`: origins that the page may ask beside its own. */
export async function serve(
  site: Site,
  { path, headers }: Asked,
  more: { readonly connect: readonly string[]; readonly headers?: Readonly<Record<string, string>> },
): Promise<Served | undefined> {
  const wanted = fileOf(path);
  if (wanted === undefined) return undefined;
  const strict = { ...consoleHeaders(more.connect), ...more.headers };
  const file = site(wanted);
  if (file === undefined) return missing(strict);
  const known = { ...strict, etag: file.etag, 'cache-control': cachingOf(file), vary: 'accept-encoding' };
  if (hasIt(textOf(headers['if-none-match']), file)) return answer(304, known);
  const encoding = bestOf(textOf(headers['accept-encoding']));
  const coded = encoding === 'identity' ? {} : { 'content-encoding': encoding };
  return answer(200, { ...known, ...coded, 'content-type': file.type }, await file.bytes(encoding));
}

/** An asset of a build before this one, which the page knows what to do about. */
function missing(strict: Readonly<Record<string, string>>): Served {
  const headers = { ...strict, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  return answer(404, headers, Buffer.from('there is no such file of the console\n'));
}

function answer(statusCode: Served['statusCode'], headers: Served['headers'], bytes?: Uint8Array): Served {
  const body = bytes === undefined ? '' : Buffer.from(bytes).toString('base64');
  return { statusCode, headers, body, isBase64Encoded: true };
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value ?? []).join();
}

/** RFC 9110 section 13.1.2: by the weak comparison, so that a proxy which made a tag weak changes nothing. */
function hasIt(given: string, { etag }: WireFile): boolean {
  const tags = given.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag.replace(/^W\//, ''));
}

/** RFC 9110 section 12.5.3: what is named, unless with a weight of nothing. */
function bestOf(accepted: string): Encoding {
  const taken = accepted.split(',').flatMap((one) => {
    const [name, ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    return parameters.some((part) => /^q=0(?:\.0*)?$/.test(part)) ? [] : [name];
  });
  return (['br', 'gzip'] as const).find((encoding) => taken.includes(encoding)) ?? 'identity';
}
