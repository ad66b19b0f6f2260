import { Command, InvalidArgumentError } from 'commander';
import { getSessions } from '../api.ts';
import type { Session } from '../api-shapes.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { listing, sizeText } from '../listing.ts';

const MOST = 10_000;

interface SessionsOptions {
  readonly target?: string;
  readonly limit: number;
  readonly json?: true;
}

export function sessionsCommand(cli: Cli): Command {
  return new Command('sessions')
    .description('the sessions you may see, newest first')
    .option('--target <name>', 'of one target')
    .option('--limit <n>', 'how many at most', readLimit, 20)
    .option('--json', 'as one line of JSON')
    .action((options: SessionsOptions) => sessions(cli, options));
}

async function sessions(cli: Cli, { target, limit, json }: SessionsOptions): Promise<void> {
  const sessions = await getSessions(await connectApi(cli), { limit, target });
  if (json) return printJson(cli, { sessions });
  await print(
    cli,
    listing(['SESSION', 'STARTED', 'WHO', 'TARGET', 'STATE', 'TOOK', 'BYTES'], sessions.map(row)),
  );
}

function row({ id, startedAt, principal, target, state, outcome }: Session): string[] {
  const who = principal.email ?? principal.subject;
  const ended = outcome === undefined ? state : outcome.reason;
  const bytes = outcome === undefined ? '' : sizeText(outcome.bytes);
  return [
    id,
    startedAt.replace(/\.\d+Z$/, 'Z'),
    who,
    target,
    ended,
    durationOf(startedAt, outcome?.endedAt),
    bytes,
  ];
}

function durationOf(startedAt: string, endedAt: string | undefined): string {
  const seconds = (Date.parse(endedAt ?? '') - Date.parse(startedAt)) / 1000;
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
}

/** For commander. */
export function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST) return limit;
  throw new InvalidArgumentError(`It must be a number from 1 to ${MOST}.`);
}
