import { Command, InvalidArgumentError, Option } from 'commander';
import { isTimePlace } from '#core/replay/index/time-place.ts';
import { READERS } from '#core/replay/readers.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { NOT_CHECKED, VERDICT_CODES, VERDICT_HELP } from '../evidence/report.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { counted } from '../listing.ts';
import { readLimit } from '../paging.ts';
import type { ReadingOptions } from '../play/evidence-reading.ts';
import { openSteps } from '../steps/open-steps.ts';
import type { ShownPage, ShownStep, StepPages, StepsAsked } from '../steps/step-page.ts';

interface StepsOptions extends ReadingOptions {
  readonly from?: number;
  readonly at?: string;
  readonly previous?: true;
  readonly errors?: true;
  readonly writes?: true;
  readonly kind?: string;
  readonly outcome?: string;
  readonly limit: number;
  readonly all?: true;
  readonly json?: true;
}

const LIMIT = 20;
const PAGE = 200;
/** Columns where the output is not a terminal. */
const PLAIN_WIDTH = 160;

const NOTES = `
Of a session id, the server gives the steps and checks them. Of an evidence folder an index is made once, beside it, as FOLDER.index (where
nothing can be written there: in CUSTODY_HOME); it is derived, and may be removed.
  custody steps ID --from 4000            steps 4000 and after
  custody steps ID --at 12.5              from 12.5 s after the start; --at -10% for the last tenth
  custody steps ID --from 4000 --errors --limit 1             the next error
  custody steps ID --from 4000 --errors --limit 1 --previous  the one before
${VERDICT_HELP}`;

export function stepsCommand(cli: Cli): Command {
  return new Command('steps')
    .description('steps of a session by number, time, error or write, however long it was')
    .argument('<id|folder>')
    .option('--from <n>', 'begin at this step', readStep)
    .addOption(
      new Option('--at <time>', 'begin at this time: 12.5, -10%, 2026-11-23T09:00:12Z')
        .argParser(readAt)
        .conflicts('from'),
    )
    .option('--previous', 'what comes before, the nearest steps; alone: the last ones')
    .option('--errors', 'only what failed or was refused')
    .option('--writes', 'only what changed something, or may have')
    .option('--kind <kind>', 'only steps of this kind, such as query')
    .option('--outcome <outcome>', 'only steps with this outcome, such as failed')
    .option('--limit <n>', 'how many at most', readLimit, LIMIT)
    .option('--all', 'all of them')
    .option('--json', 'one step a line, as JSON, and on the last what is known of all')
    .option('--key <file...>', 'of a folder: trust these signers (PEM) instead of the one pinned')
    .option('--origin <name>', ORIGIN_HELP)
    .addHelpText('after', NOTES)
    .action((name: string, options: StepsOptions) => steps(cli, name, options));
}

async function steps(cli: Cli, name: string, options: StepsOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const pages = await openSteps(cli, name, options);
  const last = await showPages(cli, pages, options);
  await conclude(cli, pages, last, options);
  cli.exitWith(VERDICT_CODES[last.verdict]);
}

/** Page after page, until there are enough. The last is given back, with where it goes on. */
async function showPages(cli: Cli, pages: StepPages, options: StepsOptions): Promise<ShownPage> {
  let left = options.all ? Number.POSITIVE_INFINITY : options.limit;
  let asked = askedOf(options);
  for (;;) {
    const page = await pages.page(asked, Math.min(PAGE, left));
    for (const step of page.steps) await showStep(cli, step, page, options);
    left -= page.steps.length;
    const cursor = asked.direction === 'next' ? page.next : page.previous;
    if (cursor === undefined || left <= 0) return page;
    const { from: _, at: __, ...rest } = asked;
    asked = { ...rest, cursor };
  }
}

function askedOf({ from, at, previous, errors, writes, kind, outcome }: StepsOptions): StepsAsked {
  return {
    direction: previous ? 'previous' : 'next',
    ...(from === undefined ? {} : { from }),
    ...(at === undefined ? {} : { at }),
    ...(errors === undefined ? {} : { errors }),
    ...(writes === undefined ? {} : { writes }),
    ...(kind === undefined ? {} : { kind }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

async function showStep(
  cli: Cli,
  { number, marks, json }: ShownStep,
  { protocol }: ShownPage,
  { json: asJson }: StepsOptions,
): Promise<void> {
  if (asJson) return printJson(cli, { number, marks, ...json });
  const text = READERS.get(protocol)!
    .ofJson(json)
    .toText(cli.stdout.columns ?? PLAIN_WIDTH);
  await print(cli, `#${number} ${text}`);
}

async function conclude(
  cli: Cli,
  { checkedBy }: StepPages,
  page: ShownPage,
  { json, previous }: StepsOptions,
): Promise<void> {
  const { verdict, findings, completeness, partial, total, checked, next, previous: before } = page;
  if (json) {
    const about = {
      session: page.session,
      protocol: page.protocol,
      verdict,
      findings,
      completeness,
      partial,
    };
    return printJson(cli, { kind: 'page', ...about, total, checked, next, previous: before });
  }
  const [errors, writes] = [counted(total.errors, 'error'), counted(total.writes, 'write')];
  const lines = [
    `${counted(total.steps, 'step')}, ${errors}, ${writes}; the evidence is ${verdict}, ${checkedBy}`,
    ...findings.map(({ code, message }) => `finding    ${code}: ${message}`),
    ...[completeness, partial].filter((line) => line !== undefined),
  ];
  await print(cli, ['', ...lines.map((line) => escapeTerminal(line))].join('\n'));
  if (!previous && next !== undefined) say(cli, `note: more follow: --all, or --from ${next + 1}`);
  if (previous && before !== undefined) say(cli, `note: more come before: --previous --from ${before}`);
}

function readStep(text: string): number {
  const step = Number(text);
  if (Number.isSafeInteger(step) && step >= 1) return step;
  throw new InvalidArgumentError('It must be the number of a step, from 1.');
}

function readAt(text: string): string {
  if (isTimePlace(text)) return text;
  throw new InvalidArgumentError('It must be seconds (12.5, -30), a share (90%, -10%), or a time in UTC.');
}
