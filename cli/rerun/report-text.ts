import type { Difference, RerunReport } from '#core/replay/rerun/report.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { counted } from '../listing.ts';

const SHOWN_MAX = 20;

/** A report as a person reads it: safe for a terminal (security case 18). */
export function reportText(report: RerunReport): string {
  const { session, rerun, against, steps, same, differences, expected, notReached, leftOut, incomplete } =
    report;
  const lines = [
    `session ${session} against ${against}${rerun === undefined ? '' : `, as session ${rerun}`}`,
    `${counted(steps, 'answer')} compared: ${same} the same, ${expected.length + (leftOut?.expected ?? 0)} expected to differ, ${differences.length + (leftOut?.differences ?? 0)} different`,
    ...(incomplete === undefined ? [] : [`note: ${incomplete}`]),
    ...(notReached === undefined ? [] : [`${counted(notReached, 'step')} were not reached`]),
  ];
  const [first, ...others] = differences;
  if (first !== undefined) lines.push('', 'first difference', ...differenceLines(first));
  for (const difference of others.slice(0, SHOWN_MAX)) lines.push('', ...differenceLines(difference));
  if (others.length > SHOWN_MAX) lines.push('', `and ${others.length - SHOWN_MAX} more: --json has them`);
  if (expected.length > 0) lines.push('', ...expectedLines(expected));
  return lines.map(escapeTerminal).join('\n');
}

function differenceLines({
  session,
  step,
  kind,
  statement,
  row,
  column,
  recorded,
  rerun,
  perhaps,
}: Difference): string[] {
  const place = [row === undefined ? '' : `row ${row}`, column ?? '']
    .filter((part) => part !== '')
    .join(', ');
  const of = session === undefined ? '' : `${session} `;
  return [
    `${of}${step === 0 ? 'rerun' : `step ${step}`}  ${kind}${place === '' ? '' : ` (${place})`}${statement === undefined ? '' : `: ${oneLine(statement)}`}`,
    `  - ${recorded === undefined ? 'nothing' : oneLine(recorded)}`,
    `  + ${rerun === undefined ? 'nothing' : oneLine(rerun)}`,
    ...(perhaps === undefined ? [] : [`  perhaps: ${oneLine(perhaps)}`]),
  ];
}

function expectedLines(expected: readonly Difference[]): string[] {
  const reasons = new Map<string, number>();
  for (const { because = '' } of expected) reasons.set(because, (reasons.get(because) ?? 0) + 1);
  return [
    `expected to differ: ${[...reasons].map(([because, count]) => `${because} (${count})`).join(', ')}`,
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
