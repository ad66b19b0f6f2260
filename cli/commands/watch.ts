import { Command, Option } from 'commander';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { escapeLines, escapeTerminal } from '#core/replay/text.ts';
import { terminateSession } from '../access-api.ts';
import { type Cli, print, printJson, say, write } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { NOT_CHECKED, VERDICT_CODES, VERDICT_HELP } from '../evidence/report.ts';
import { AS_BEFORE, writeBytes } from '../play/raw.ts';
import { requireSessionId } from '../session-id.ts';
import { StatusLine } from '../status-line.ts';
import { onKeys } from '../watch/keys.ts';
import { type LiveNews, liveNews } from '../watch/live-api.ts';
import { readChannel } from './export.ts';

interface WatchOptions {
  readonly from: 'start' | 'now';
  readonly json?: true;
  readonly terminal?: true;
  readonly raw?: true;
  readonly channel?: number;
  readonly endOnLeave?: true;
  readonly reason?: string;
}

/** Columns where the output is not a terminal. */
const PLAIN_WIDTH = 160;

const NOTES = `
Keys on a terminal: q leaves; x, twice, ends the session (where you may). What is shown is durable and was verified.
${VERDICT_HELP}`;

export function watchCommand(cli: Cli): Command {
  return new Command('watch')
    .description('what is done in a session while it runs')
    .argument('<id>')
    .addOption(
      new Option('--from <where>', 'what was done already, or not')
        .choices(['start', 'now'])
        .default('start'),
    )
    .option('--json', 'one event a line, as JSON')
    .addOption(new Option('--terminal', 'what a terminal shows, made safe').conflicts('raw'))
    .addOption(
      new Option('--raw', "a terminal's output as it is, given to yours: it acts on it").conflicts('json'),
    )
    .option(
      '--channel <n>',
      'with --terminal and --raw, of this channel; else the first terminal',
      readChannel,
    )
    .option('--end-on-leave', 'end the session when you leave before it is over')
    .option('--reason <text>', 'why you end it: for the client and for the evidence')
    .addHelpText('after', NOTES)
    .action((id: string, options: WatchOptions) => watch(cli, requireSessionId(id), options));
}

async function watch(cli: Cli, id: string, options: WatchOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  const status = new StatusLine(cli);
  const end = (): void => void endSession(cli, id, options, status);
  const ask = (): void => status.show('x again ends the session');
  const release = onKeys(cli, { leave, ask, end });
  process.once('SIGINT', leave);
  try {
    const isOver = await follow(cli, id, options, status, leaving.signal);
    if (!isOver && options.endOnLeave) await endSession(cli, id, options, status);
  } finally {
    process.off('SIGINT', leave);
    release();
    status.clear();
    if (options.raw && cli.stdout.isTTY) cli.stdout.write(AS_BEFORE);
  }
}

/** True when the session is over. */
async function follow(
  cli: Cli,
  id: string,
  options: WatchOptions,
  status: StatusLine,
  signal: AbortSignal,
): Promise<boolean> {
  const { from, channel } = options;
  const view = options.raw || options.terminal ? 'terminal' : 'steps';
  const text =
    options.json || view === 'terminal'
      ? undefined
      : Math.max(20, Math.min(1_000, cli.stdout.columns ?? PLAIN_WIDTH));
  if (options.raw) say(cli, 'what follows is the terminal as it is: what it says acts on your own terminal');
  for await (const news of liveNews(cli, id, { from, view, channel, text }, signal)) {
    if (news.event === 'lag') showLag(status, news.data, options);
    else {
      status.clear();
      if (news.event === 'end') return ended(cli, id, news.data, options);
      await show(cli, news, options);
    }
  }
  return false;
}

function showLag(
  status: StatusLine,
  { state, n, behindMs }: Extract<LiveNews, { event: 'lag' }>['data'],
  { raw }: WatchOptions,
): void {
  // A status line would be part of the screen that is shown.
  if (raw) return;
  const last = behindMs === undefined ? 'nothing yet' : `last seen ${(behindMs / 1000).toFixed(1)} s ago`;
  status.show(`${state}, ${n} steps, ${last}; q leaves, x ends it`);
}

async function show(
  cli: Cli,
  news: Extract<LiveNews, { event: 'step' | 'terminal' }>,
  { json, raw }: WatchOptions,
): Promise<void> {
  if (json) return printJson(cli, { event: news.event, ...news.data });
  if (news.event === 'step') return print(cli, escapeLines(news.data.text ?? JSON.stringify(news.data.step)));
  const { kind, bytes } = news.data;
  if (kind !== 'output' || bytes === undefined) return;
  const output = Buffer.from(bytes, 'base64');
  await (raw ? writeBytes(cli, output) : write(cli, escapeLines(output)));
}

async function ended(
  cli: Cli,
  id: string,
  end: Extract<LiveNews, { event: 'end' }>['data'],
  { json }: WatchOptions,
): Promise<boolean> {
  const { of, reason, verdict, message } = end;
  if (json) await printJson(cli, { event: 'end', ...end });
  if (of === 'watch') throw new CustodyError('access-denied', `the watch is over: ${message ?? reason}`);
  if (verdict !== undefined) cli.exitWith(VERDICT_CODES[verdict]);
  if (json) return true;
  const more = message === undefined ? '' : `: ${message}`;
  await print(
    cli,
    escapeTerminal(`${(verdict ?? 'unknown').toUpperCase()}  the session has ended: ${reason}${more}`),
  );
  say(cli, `with the ledger's proof: custody verify ${id}`);
  return true;
}

async function endSession(cli: Cli, id: string, { reason }: WatchOptions, status: StatusLine): Promise<void> {
  try {
    await terminateSession(await connectApi(cli), id, reason);
    status.clear();
    say(cli, `${id}: it ends within 5 s`);
  } catch (thrown) {
    const { message } = asCustodyError(thrown);
    status.clear();
    say(cli, `it could not be ended: ${message}`);
  }
}
