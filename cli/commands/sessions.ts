import { Command } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { type SessionFilter, sessionPages } from '../api.ts';
import type { Session } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { sizeText, targetText } from '../listing.ts';
import { type Paging, printPages, readLimit } from '../paging.ts';
import { requireRunId, requireSessionId } from '../session-id.ts';
import { readTime } from '../time.ts';

interface SessionsOptions extends SessionFilter, Paging {
  readonly json?: true;
  readonly live?: true;
  readonly waiting?: true;
}

export function sessionsCommand(cli: Cli): Command {
  const time = readTime(cli.now);
  return new Command('sessions')
    .description('the sessions you may see, newest first')
    .option('--target <name>', 'of one target')
    .option('--person <who>', 'of one person, or of who acted for others: an e-mail address or a subject')
    .option('--run <id>', 'of one run of a workflow', requireRunId)
    .option('--since <time>', 'that began then or later: 2026-11-23, 2026-11-23T09:00Z, 7d', time)
    .option('--until <time>', 'that began before', time)
    .option('--live', 'only those that are not over')
    .option('--waiting', 'only those that wait for somebody to watch: custody watch <id>')
    .option('--limit <n>', 'how many at most, or all', readLimit, 20)
    .option('--cursor <id>', 'only those older than this session', requireSessionId)
    .option('--json', 'as one line of JSON')
    .action((options: SessionsOptions) => sessions(cli, options));
}

async function sessions(
  cli: Cli,
  { limit, cursor, json, live, waiting, ...filter }: SessionsOptions,
): Promise<void> {
  const state = waiting ? 'waiting' : live ? 'open' : undefined;
  const pages = sessionPages(await connectApi(cli), { ...filter, state }, { limit, cursor });
  await printPages(cli, pages, LISTED, json === true);
}

const LISTED = {
  name: 'sessions',
  headings: ['SESSION', 'STARTED', 'WHO', 'TARGET', 'STATE', 'TOOK', 'BYTES'],
  row,
};

function row(session: Session): string[] {
  const { id, startedAt, principal, state, outcome } = session;
  const ended = outcome === undefined ? state : outcome.reason;
  const bytes = outcome === undefined ? '' : sizeText(outcome.bytes);
  return [
    id,
    startedAt.replace(/\.\d+Z$/, 'Z'),
    nameOf(principal),
    targetText(session),
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
