import type { SessionSummary, TouchedCount } from './summary.ts';
import type { SummaryLine } from './unusual.ts';

/** A summary for a person, each line with the step that it rests on. Texts are as they were: escape them before showing them. */
export function summaryLines(summary: SessionSummary): readonly SummaryLine[] {
  return [
    ...amounts(summary),
    ...summary.relations.map((one) => line(`${one.name}: ${howOften(one)}`, one.step)),
    ...summary.files.map((one) =>
      line(`${one.name}: ${howOften(one)}, ${amount(one.bytes, 'byte')}`, one.step),
    ),
    ...summary.errors.codes.map(({ code, count, step }) => line(`error ${code}: ${times(count)}`, step)),
    ...summary.deviations.map(({ kind, how, step }) => line(`deviation ${kind}: ${how}`, step)),
    ...leftOut(summary),
  ];
}

function amounts({ steps, writes, errors, rows, bytes, slowest, grant }: SessionSummary): SummaryLine[] {
  const { largest } = rows;
  return [
    line(`${amount(steps, 'step')}, ${amount(bytes.sent, 'byte')} sent, ${bytes.received} received`),
    ...(grant.request === undefined
      ? []
      : [line(`approved by request ${grant.request} under ${grant.rule}`)]),
    line(`${amount(writes.count, 'write')}, ${amount(rows.written, 'row')} written`, writes.step),
    line(
      `${amount(rows.out, 'row')} out${largest ? `, at most ${largest.rows} in one step` : ''}`,
      largest?.step,
    ),
    line(amount(errors.count, 'error'), errors.step),
    ...(slowest === undefined ? [] : [line(`longest: ${(slowest.took / 1000).toFixed(1)} ms`, slowest.step)]),
  ];
}

function howOften({ read, written, failed }: TouchedCount): string {
  const words = [
    read > 0 && `read ${times(read)}`,
    written > 0 && `written ${times(written)}`,
    failed > 0 && `failed ${times(failed)}`,
  ];
  return words.filter(Boolean).join(', ');
}

function amount(count: number, of: string): string {
  return `${count} ${of}${count === 1 ? '' : 's'}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function leftOut({ leftOut: omitted }: SessionSummary): SummaryLine[] {
  return Object.entries(omitted)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => line(`and ${count} more ${what}: custody search --session has them`));
}

function line(text: string, step?: number): SummaryLine {
  return { text, ...(step === undefined ? {} : { step }) };
}
