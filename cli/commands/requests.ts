import { Command, Option } from 'commander';
import { durationText } from '#core/access/duration.ts';
import { nameOf } from '#core/access/person.ts';
import { requestStates } from '#core/access/request.ts';
import { type AccessRequest, getRequest, type RequestFilter, requestPages } from '../access-api.ts';
import type { Cli } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type Paging, printPages, readLimit } from '../paging.ts';
import { requireRequestId, requireRunId } from '../session-id.ts';
import { showRequest, stateText } from '../show-request.ts';
import { readDuration } from '../wait.ts';
import { decided, exitCodeOf, WAIT_CODES } from './request.ts';

interface RequestsOptions extends RequestFilter, Paging {
  readonly wait?: number | true;
  readonly json?: true;
}

export function requestsCommand(cli: Cli): Command {
  return new Command('requests')
    .description('your requests, and those you may decide about, newest first; or one of them')
    .argument('[id]')
    .option('--open', 'only what still matters: pending, granted, or to be reviewed')
    .addOption(new Option('--state <state>', 'in this state').choices(requestStates))
    .option('--target <name>', 'for one target')
    .option('--run <id>', 'of one run of a workflow', requireRunId)
    .option('--limit <n>', 'how many at most, or all', readLimit, 20)
    .option('--cursor <id>', 'only those older than this request', requireRequestId)
    .option('--wait [time]', 'of one: wait until it is decided', readDuration)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', WAIT_CODES)
    .action((id: string | undefined, options: RequestsOptions) =>
      id === undefined ? list(cli, options) : one(cli, id, options),
    );
}

async function one(cli: Cli, id: string, { wait, json }: RequestsOptions): Promise<void> {
  const api = await connectApi(cli);
  const found = await getRequest(api, requireRequestId(id));
  const request = wait === undefined ? found : await decided(cli, api, found, wait);
  await showRequest(cli, request, json === true);
  if (wait !== undefined) cli.exitWith(exitCodeOf(request));
}

async function list(cli: Cli, options: RequestsOptions): Promise<void> {
  const { json, target, run, state, open, limit, cursor } = options;
  const pages = requestPages(await connectApi(cli), { target, run, state, open }, { limit, cursor });
  await printPages(cli, pages, LISTED, json === true);
}

const LISTED = {
  name: 'requests',
  headings: ['REQUEST', 'ASKED', 'WHO', 'TARGET', 'FOR', 'STATE', 'REASON'],
  row,
};

function row(request: AccessRequest): string[] {
  const { id, createdAt, requester, target, durationSeconds, deviation, reason = '' } = request;
  const asked = createdAt.replace(/\.\d+Z$/, 'Z');
  return [
    id,
    asked,
    nameOf(requester),
    target,
    durationText(durationSeconds * 1000),
    stateText(request),
    deviation === undefined ? reason : `outside its contract: ${deviation.seen}`,
  ];
}
