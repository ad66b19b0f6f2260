import { escapeTerminal } from '#core/replay/text.ts';
import { asCustodyError } from '#core/errors.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { counted } from '../listing.ts';
import { StatusLine } from '../status-line.ts';
import { type Check, type Finding, unknown } from './finding.ts';

const MARKS = { good: 'ok  ', warning: 'WARN', bad: 'FAIL', unknown: '?   ' } as const;
const INDENT = ' '.repeat(6);

export interface ReportWords {
  /** Of what is looked at, for a person. */
  readonly none: string;
  readonly json: boolean;
}

/** Makes all looks at once, and says what each came to in their order, as soon as those before it are done. */
export async function report(
  cli: Cli,
  checks: Readonly<Record<string, Check>>,
  { none, json }: ReportWords,
): Promise<readonly Finding[]> {
  const status = new StatusLine(cli);
  const left = new Set(Object.keys(checks));
  const looks = Object.entries(checks).map(([name, check]) => {
    const done = looked(name, check);
    void done.then(() => left.delete(name) && status.show(`looking: ${[...left].join(', ')}`));
    return done;
  });
  status.show(`looking: ${[...left].join(', ')}`);
  const all: Finding[] = [];
  for (const look of looks) {
    const findings = await look;
    status.clear();
    if (!json) for (const finding of findings) await print(cli, textOf(finding));
    all.push(...findings);
  }
  status.clear();
  if (json) await printJson(cli, { findings: all, ...countsOf(all) });
  else await print(cli, summaryOf(all, none));
  return all;
}

/** One look that fails leaves the others to go on. */
async function looked(name: string, check: Check): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (thrown) {
    const { message, hint } = asCustodyError(thrown);
    const words = thrown instanceof Error ? thrown.message : message;
    return [unknown(name, `it could not be looked at: ${words}`, hint === undefined ? {} : { todo: hint })];
  }
}

function textOf({ result, about, what, why, todo }: Finding): string {
  return [
    `${MARKS[result]}  ${about}: ${what}`,
    ...(why === undefined ? [] : [`${INDENT}why: ${why}`]),
    ...(todo === undefined ? [] : [`${INDENT}→ ${todo}`]),
  ]
    .map(escapeTerminal)
    .join('\n');
}

function countsOf(all: readonly Finding[]) {
  const of = (result: Finding['result']): number => all.filter((one) => one.result === result).length;
  return { good: of('good'), warnings: of('warning'), mistakes: of('bad'), unknown: of('unknown') };
}

function summaryOf(all: readonly Finding[], none: string): string {
  const { mistakes, warnings, unknown: unseen } = countsOf(all);
  const rest = [
    ...(warnings === 0 ? [] : [counted(warnings, 'warning')]),
    ...(unseen === 0 ? [] : [`${unseen} could not be looked at`]),
  ];
  return [mistakes === 0 ? none : counted(mistakes, 'mistake'), ...rest].join(', ');
}

/** 0: nothing is wrong; 1: something is. */
export function exitCodeOf(findings: readonly Finding[]): number {
  return findings.some(({ result }) => result === 'bad') ? 1 : 0;
}
