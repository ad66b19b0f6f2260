/** What of a session was not so in the sessions of the same person at the same target before it, by simple counts. */
import type { SessionSummary, TouchedCount } from './summary.ts';

/** A line for a person. `step`: the first that it is about. */
export interface SummaryLine {
  readonly text: string;
  readonly step?: number;
}

/** So few say nothing about how much is much. */
const ENOUGH = 3;
/** Names told in one line. */
const NAMES = 5;

/** `earlier`: summaries of the sessions before, any number of them. The same ones give the same lines. */
export function unusual(now: SessionSummary, earlier: readonly SessionSummary[]): readonly SummaryLine[] {
  if (earlier.length === 0)
    return [{ text: `the first session of ${now.person} at ${now.target} that is known` }];
  const before = `in ${earlier.length === 1 ? 'the session' : `the ${earlier.length} sessions`} before`;
  return [
    ...newOccasion(now, earlier, before),
    ...newNames(
      'relation',
      now.relations,
      earlier.map((one) => one.relations),
      before,
    ),
    ...newNames(
      'file',
      now.files,
      earlier.map((one) => one.files),
      before,
    ),
    ...newCodes(now, earlier, before),
    ...newShapes(now, earlier, before),
    ...(earlier.length < ENOUGH ? [] : more(now, earlier, before)),
  ];
}

function newOccasion(now: SessionSummary, earlier: readonly SessionSummary[], before: string): SummaryLine[] {
  const lines: SummaryLine[] = [];
  const isNew = (of: (one: SessionSummary) => string | undefined): boolean =>
    of(now) !== undefined && earlier.every((one) => of(one) !== of(now));
  if (isNew(({ client }) => client.address))
    lines.push({ text: `from ${now.client.address}: not ${before}` });
  if (isNew(({ client }) => client.application))
    lines.push({ text: `by ${now.client.application!}: not ${before}` });
  if (isNew(({ login }) => login)) lines.push({ text: `as ${now.login!}: not ${before}` });
  if (earlier.length >= ENOUGH && earlier.every((one) => hoursApart(now, one) > 1))
    lines.push({ text: `began at ${hourOf(now)} h UTC: none ${before} began within an hour of that` });
  return lines;
}

function hourOf({ startedAt }: SessionSummary): number {
  return new Date(startedAt).getUTCHours();
}

function hoursApart(a: SessionSummary, b: SessionSummary): number {
  const apart = Math.abs(hourOf(a) - hourOf(b));
  return Math.min(apart, 24 - apart);
}

function newNames(
  what: string,
  now: readonly TouchedCount[],
  earlier: readonly (readonly TouchedCount[])[],
  before: string,
): SummaryLine[] {
  return (['written', 'read', 'failed'] as const).flatMap((how) => {
    const known = new Set(
      earlier
        .flat()
        .filter((one) => one[how] > 0 || how === 'failed')
        .map(({ name }) => name),
    );
    const names = now.filter((one) => one[how] > 0 && !known.has(one.name));
    if (names.length === 0) return [];
    const text = `${how} and not ${before}: ${what}${names.length === 1 ? '' : 's'} ${told(names)}`;
    return [{ text, step: Math.min(...names.map(({ step }) => step)) }];
  });
}

function told(names: readonly { readonly name: string }[]): string {
  const more = names.length - NAMES;
  const first = names.slice(0, NAMES).map(({ name }) => name);
  return [...first, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

function newCodes(now: SessionSummary, earlier: readonly SessionSummary[], before: string): SummaryLine[] {
  const known = new Set(earlier.flatMap(({ errors }) => errors.codes.map(({ code }) => code)));
  return now.errors.codes
    .filter(({ code }) => !known.has(code))
    .map(({ code, count, step }) => ({
      text: `${code}, ${count === 1 ? 'once' : `${count} times`}: not ${before}`,
      step,
    }));
}

function newShapes(now: SessionSummary, earlier: readonly SessionSummary[], before: string): SummaryLine[] {
  const known = new Set(earlier.flatMap(({ shapes }) => shapes.map(({ shape }) => shape)));
  const found = now.shapes.filter(({ shape }) => !known.has(shape));
  if (found.length === 0) return [];
  const text = `${found.length} of ${now.shapes.length} kinds of commands: not ${before}`;
  return [{ text, step: Math.min(...found.map(({ step }) => step)) }];
}

/** More than in any of them. */
function more(now: SessionSummary, earlier: readonly SessionSummary[], before: string): SummaryLine[] {
  const amounts: readonly [what: string, of: (one: SessionSummary) => number, step: number | undefined][] = [
    ['rows out', ({ rows }) => rows.out, now.rows.largest?.step],
    ['rows written', ({ rows }) => rows.written, now.writes.step],
    ['writes', ({ writes }) => writes.count, now.writes.step],
    ['errors', ({ errors }) => errors.count, now.errors.step],
    ['bytes out', ({ bytes }) => bytes.received, now.rows.largest?.step],
    ['deviations', ({ deviations }) => deviations.length, now.deviations[0]?.step],
  ];
  return amounts.flatMap(([what, of, step]) => {
    const most = Math.max(...earlier.map(of));
    if (of(now) <= most) return [];
    const text = `${of(now)} ${what}: at most ${most} ${before}`;
    return [{ text, ...(step === undefined ? {} : { step }) }];
  });
}
