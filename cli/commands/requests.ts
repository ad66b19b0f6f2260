import { Command, Option } from 'commander';
import { durationText } from '#core/access/duration.ts';
import { nameOf } from '#core/access/person.ts';
import { requestStates } from '#core/access/request.ts';
import { type AccessRequest, getRequest, getRequests } from '../access-api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { listing } from '../listing.ts';
import { requireRequestId } from '../session-id.ts';
import { showRequest, stateText } from '../show-request.ts';
import { readDuration } from '../wait.ts';
import { decided, exitCodeOf, WAIT_CODES } from './request.ts';
import { readLimit } from './sessions.ts';

interface RequestsOptions {
  readonly open?: true;
  readonly state?: string;
  readonly target?: string;
  readonly limit: number;
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
    .option('--limit <n>', 'how many at most', readLimit, 20)
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

async function list(cli: Cli, { json, open, ...filter }: RequestsOptions): Promise<void> {
  const requests = await getRequests(await connectApi(cli), { ...filter, open: open === true });
  if (json) return printJson(cli, { requests });
  await print(
    cli,
    listing(['REQUEST', 'ASKED', 'WHO', 'TARGET', 'FOR', 'STATE', 'REASON'], requests.map(row)),
  );
}

function row(request: AccessRequest): string[] {
  const { id, createdAt, requester, target, durationSeconds, reason = '' } = request;
  const asked = createdAt.replace(/\.\d+Z$/, 'Z');
  return [
    id,
    asked,
    nameOf(requester),
    target,
    durationText(durationSeconds * 1000),
    stateText(request),
    reason,
  ];
}
