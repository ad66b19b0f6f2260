/** Whether two values of a column are explained by when they were made. */

/** Milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Moments {
  readonly recorded: Span;
  readonly rerun: Span;
}

/** Clocks of a server and a gateway may be so far apart. */
const CLOCKS_DIFFER_MS = 60_000;
const DATE = 1082;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;
const TIMES: ReadonlySet<number> = new Set([DATE, 1083, TIMESTAMP, TIMESTAMPTZ, 1266]);
const ISO = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?(?:([+-]\d\d)(?::?(\d\d))?(?::?\d\d)?)?$/;
const WITHIN_TEXT = /(?<!\d)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?([+-]\d\d(?::?\d\d){0,2})?(?![\d:])/g;
const BINARY_LENGTH = 8;
const EPOCH_MS = 946_684_800_000;

export function isTime(type: number): boolean {
  return TIMES.has(type);
}

/** Each is a moment within its own session: a `now()` that a default or a trigger wrote. */
export function areOwnMoments(
  type: number,
  recorded: Uint8Array,
  rerun: Uint8Array,
  format: number,
  moments: Moments,
): boolean {
  if (type !== TIMESTAMPTZ && type !== TIMESTAMP) return false;
  const [was, is] = [momentOf(recorded, format), momentOf(rerun, format)];
  return (
    was !== undefined &&
    is !== undefined &&
    within(was, moments.recorded, type) &&
    within(is, moments.rerun, type)
  );
}

/** Both are as far apart as the sessions are: a moment that was reckoned from the clock. Also where it cannot be read. */
export function areShifted(
  type: number,
  recorded: Uint8Array,
  rerun: Uint8Array,
  format: number,
  { recorded: was, rerun: is }: Moments,
): boolean {
  if (type !== TIMESTAMPTZ && type !== TIMESTAMP) return true;
  const [one, other] = [momentOf(recorded, format), momentOf(rerun, format)];
  if (one === undefined || other === undefined) return true;
  const [least, most] = [is.from - was.to, is.to - was.from];
  return other - one >= least - CLOCKS_DIFFER_MS && other - one <= most + CLOCKS_DIFFER_MS;
}

/** The same but for such moments in them: the detail of an error shows the row that was refused, with what its defaults were. */
export function areAlikeButMoments(recorded: string, rerun: string, moments: Moments): boolean {
  return withoutOwn(recorded, moments.recorded) === withoutOwn(rerun, moments.rerun);
}

function withoutOwn(text: string, span: Span): string {
  return text.replace(WITHIN_TEXT, (found, zone?: string) => {
    const at = momentOf(Buffer.from(found, 'latin1'), 0);
    const type = zone === undefined ? TIMESTAMP : TIMESTAMPTZ;
    return at !== undefined && within(at, span, type) ? 'now' : found;
  });
}

/** A local time is within, where it is in some zone that keeps to quarters of an hour. */
function within(at: number, { from, to }: Span, type: number): boolean {
  if (type === TIMESTAMPTZ) return at >= from - CLOCKS_DIFFER_MS && at <= to + CLOCKS_DIFFER_MS;
  const hour = 3_600_000;
  for (let zone = -14 * hour; zone <= 14 * hour; zone += hour / 4)
    if (within(at - zone, { from, to }, TIMESTAMPTZ)) return true;
  return false;
}

function momentOf(bytes: Uint8Array, format: number): number | undefined {
  if (format === 1) {
    if (bytes.length !== BINARY_LENGTH) return undefined;
    return Number(Buffer.from(bytes).readBigInt64BE(0) / 1000n) + EPOCH_MS;
  }
  const [, day, time, fraction = '', hours = '+00', minutes = '00'] =
    ISO.exec(Buffer.from(bytes).toString('latin1')) ?? [];
  if (day === undefined) return undefined;
  const at = Date.parse(`${day}T${time}${fraction.slice(0, 4)}${hours}:${minutes}`);
  return Number.isNaN(at) ? undefined : at;
}
