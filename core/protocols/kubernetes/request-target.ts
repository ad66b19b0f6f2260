/**
 * A request target (RFC 9112 section 3.2) in the one form that every server along the way reads alike. The API server decodes a path before
 * it takes it apart, trims slashes and drops what of a query it cannot parse; a proxy in between may do otherwise. What could be read
 * in two ways is refused, whoever would be right.
 */
import { CustodyError } from '#core/errors.ts';

export interface RequestTarget {
  /** What stands between slashes, as it was; none is empty. */
  readonly segments: readonly string[];
  /** Behind the last of them stands a slash. */
  readonly endsWithSlash: boolean;
  readonly query: URLSearchParams;
}

/** Longer ones no API server takes with its other headers in one block of 1 MiB; words of `exec` stand here. */
export const TARGET_MAX_BYTES = 256 << 10;
const QUERY_MAX_NAMES = 5_000;

/** RFC 3986: `pchar` without `;`, which some read as the beginning of parameters, or of another pair. */
const PATH = /^[A-Za-z0-9\-._~!$&'()*+,=:@%/]*$/;

/** Throws `protocol-violation` for what has two readings. */
export function readTarget(target: string): RequestTarget {
  if (target.length > TARGET_MAX_BYTES) throw twoReadings('is too long');
  refuseOddCharacters(target);
  if (!target.startsWith('/')) throw twoReadings('does not begin with a slash');
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  return { ...readPath(path), query: readQuery(mark === -1 ? '' : target.slice(mark + 1)) };
}

function refuseOddCharacters(target: string): void {
  const strange = /[^!-~]/u.exec(target)?.[0];
  if (strange !== undefined) throw twoReadings(strangeWords(strange));
  const odd = /[#;\\]/.exec(target)?.[0];
  if (odd !== undefined) throw twoReadings(`has a "${odd}"`);
  if (/%(?![0-9A-Fa-f]{2})/.test(target)) throw twoReadings('has a "%" that begins no escape');
  if (target.includes('%00')) throw twoReadings('has a NUL (%00)');
}

function strangeWords(character: string): string {
  return character > '~'
    ? 'has a character that is not of printable ASCII'
    : 'has a space or a control character';
}

function readPath(path: string): Pick<RequestTarget, 'segments' | 'endsWithSlash'> {
  if (!PATH.test(path)) throw twoReadings('has a character that no path has');
  if (path === '/') return { segments: [], endsWithSlash: true };
  const segments = path.slice(1).split('/');
  const endsWithSlash = segments.at(-1) === '';
  if (endsWithSlash) segments.pop();
  for (const segment of segments) refuseOddSegment(segment);
  refuseOddText(path);
  return { segments, endsWithSlash };
}

function refuseOddSegment(segment: string): void {
  if (segment === '') throw twoReadings('has two slashes, one behind the other');
  // Of a dot, a slash, a backslash, and of a percent sign: read twice it is an escape.
  if (/%(?:2e|2f|5c|25)/i.test(segment)) throw twoReadings('has an encoded dot, slash, backslash or "%"');
  if (/%(?:2d|5f|7e|3[0-9]|[46][1-9a-f]|[57][0-9a])/i.test(segment))
    throw twoReadings('has an escape of what needs none');
  if (segment === '.' || segment === '..') throw twoReadings(`has the segment "${segment}"`);
}

function readQuery(text: string): URLSearchParams {
  refuseOddText(text);
  const query = new URLSearchParams(text);
  if (query.size > QUERY_MAX_NAMES) throw twoReadings('has too many parts in its query');
  return query;
}

/** Go keeps bytes that are no UTF-8, and JavaScript has another character in their place. */
function refuseOddText(escaped: string): void {
  try {
    decodeURIComponent(escaped);
  } catch {
    throw twoReadings('has bytes that are no UTF-8');
  }
}

/** A segment of which nothing is encoded. Throws for any other. */
export function plain(segment: string, what: string): string {
  if (segment.includes('%')) throw twoReadings(`has an escape in the ${what}`);
  return segment;
}

/** A segment that may be encoded where RFC 3986 has it, as in `system%3Anode`: generated clients do so, and kubectl does not. */
export function decoded(segment: string, what: string): string {
  if (/%(?:[018-9a-f].|20|7f)/i.test(segment))
    throw twoReadings(`has an escape in the ${what} that no name has`);
  return decodeURIComponent(segment);
}

/** The words complete "the request's path …". */
export function twoReadings(how: string): CustodyError {
  return new CustodyError('protocol-violation', `the request's path ${how}, which can be read in two ways`, {
    hint: 'ask for it in its plain form, such as /api/v1/namespaces/dev/pods/web-0',
  });
}
