import { isJsonObject } from '#core/json.ts';
import type { AccessTokens } from './access-tokens.ts';
import { cannotSay, notKnown, tooMany } from './failures.ts';
import type { DirectoryHttp } from './http.ts';

const LOOKUP_MS = 5_000;
export const GROUPS_MAX = 2_000;
/** A directory may send pages with nothing in them. */
const PAGES_MAX = 100;
const WORD = /^[A-Za-z_.]{1,64}$/;

export interface Lookup {
  readonly http: DirectoryHttp;
  readonly tokens: AccessTokens;
  /** All that is asked about a person ends with it. */
  readonly signal: AbortSignal;
}

/** The time for all that is asked about a person. */
export function timeOf({ lookupMs = LOOKUP_MS }: { readonly lookupMs?: number | undefined }): AbortSignal {
  return AbortSignal.timeout(lookupMs);
}

/** One page of somebody's groups, and where the next one is. */
export interface Page {
  readonly groups: readonly string[];
  readonly next: URL | undefined;
}

/** All pages from `first` on. Rejects where one of them is missing: a part of somebody's groups is no answer. */
export async function allPages(
  first: URL,
  lookup: Lookup,
  read: (body: Readonly<Record<string, unknown>>) => Page,
): Promise<readonly string[]> {
  const groups = new Set<string>();
  let at: URL | undefined = first;
  for (let pages = 0; at !== undefined; pages += 1) {
    if (pages === PAGES_MAX) throw cannotSay(`more than ${PAGES_MAX} pages`);
    const page = read(await onePage(at, lookup));
    for (const group of page.groups) groups.add(group);
    if (groups.size > GROUPS_MAX) throw tooMany(GROUPS_MAX);
    at = page.next;
  }
  return [...groups];
}

/** A token may have been withdrawn before its time: one that is not taken is replaced, once. */
async function onePage(
  url: URL,
  { http, tokens, signal }: Lookup,
): Promise<Readonly<Record<string, unknown>>> {
  for (let tries = 0; ; tries += 1) {
    const token = await inTime(tokens.get(), signal);
    const { status, body } = await http.ask({ url, headers: { authorization: `Bearer ${token}` }, signal });
    if (status === 404) throw notKnown();
    if (status === 200 && isJsonObject(body)) return body;
    if (status !== 401 || tries > 0) throw cannotSay(`${url.origin} answered ${status}${reason(body)}`);
    tokens.forget(token);
  }
}

async function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>();
  const end = (): void => late.reject(cannotSay('the directory is too slow'));
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Both directories name the reason in `error`, by a word of theirs. What they say beside it may name people. */
function reason(body: unknown): string {
  if (body === undefined) return ', and no JSON';
  const error = isJsonObject(body) ? body['error'] : undefined;
  const { status, code, errors } = isJsonObject(error) ? error : {};
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const words = [status, code, isJsonObject(first) ? first['reason'] : undefined];
  const [word] = words.filter((one) => typeof one === 'string').filter((one) => WORD.test(one));
  return word === undefined ? '' : ` ${word}`;
}
