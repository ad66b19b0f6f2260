/** The tables of docs/speed.md, from the results that are kept beside the bench. */
import { commitTable } from './commits.ts';
import type { Measure } from './measure.ts';
import type { Goal, Row } from './report.ts';
import type { Results } from './results.ts';

export const BEGINS = '<!-- Made by `npm run bench:table`. -->';
export const ENDS = '<!-- So far. -->';

/** The page with the tables of these results between its two marks. Throws where it has none. */
export function withTables(page: string, results: Results): string {
  const [from, to] = [page.indexOf(BEGINS), page.indexOf(ENDS)];
  if (from < 0 || to < from) throw new Error(`the page has no ${BEGINS} … ${ENDS}`);
  return `${page.slice(0, from + BEGINS.length)}\n\n${tables(results)}\n\n${page.slice(to)}`;
}

/** Without what nobody reads in a document: of the rounds, only what each came to. */
export function keptOf(results: Results): Results {
  const rounds = ({ rounds }: Row): Measure[] =>
    rounds.map(({ rate, cpu, machineCpu }) => ({ rate, cpu, machineCpu }));
  return { ...results, rows: results.rows.map((row) => ({ ...row, rounds: rounds(row) })) };
}

export function tables({ machine, run, rows, goals }: Results): string {
  const commits = rows.flatMap(({ workload, contender, median: { commits } }) =>
    commits === undefined
      ? []
      : [`\`${contender}\`, ${workload}:\n\n\`\`\`\n${commitTable(commits)}\n\`\`\``],
  );
  return [
    `${machine.date}, ${machine.cpus} cores of ${machine.model}, Node ${machine.node}; ${told(run)}. Median (least–most).`,
    matrix(rows, (row) => `${shown(row.median.rate)}${range(row)}`),
    'CPU of the contender itself: µs for a transaction or a connection, ms for a MB.',
    matrix(rows, ({ median: { cpu } }) => shown(cpu)),
    'Latency, p50 / p99, ms.',
    matrix(rows, ({ median: { p50, p99 } }) => latency(p50, p99)),
    'What was asked for, and what came of it:',
    goalTable(goals),
    ...(commits.length === 0 ? [] : ['A commit of write-ahead recording:', ...commits]),
  ].join('\n\n');
}

function told(run: Results['run']): string {
  return Object.entries(run)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** A line a workload, a column a contender; lines of which nothing is known are left out. */
function matrix(rows: readonly Row[], cell: (row: Row) => string): string {
  const contenders = [...new Set(rows.map(({ contender }) => contender))];
  const lines = [...Map.groupBy(rows, ({ workload }) => workload)].flatMap(([workload, of]) => {
    const cells = contenders.map((name) => {
      const row = of.find(({ contender }) => contender === name);
      return row === undefined ? '' : cell(row);
    });
    return cells.every((text) => text === '')
      ? []
      : [`| ${workload}, ${of[0]!.unit} | ${cells.join(' | ')} |`];
  });
  return [`| | ${contenders.join(' | ')} |`, `|---|${contenders.map(() => '--:|').join('')}`, ...lines].join(
    '\n',
  );
}

function goalTable(goals: readonly Goal[]): string {
  const lines = goals.map(
    ({ name, value, bound, met }) => `| ${name} | ${shown(value)} | ${bound} | ${met ? 'met' : 'missed'} |`,
  );
  return ['| | value | asked | |', '|---|--:|--:|---|', ...lines].join('\n');
}

function range({ rounds }: Row): string {
  const rates = rounds.map(({ rate }) => rate).filter((rate) => !Number.isNaN(rate));
  return rates.length < 2 ? '' : ` (${shown(Math.min(...rates))}–${shown(Math.max(...rates))})`;
}

function latency(p50: number | undefined, p99: number | undefined): string {
  return [p50, p99]
    .map((value) => shown(value ?? Number.NaN))
    .filter(Boolean)
    .join(' / ');
}

/** Three digits that mean something; nothing for what is not known. */
function shown(value: number): string {
  if (Number.isNaN(value)) return '';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
