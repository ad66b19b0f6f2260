import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import { type AccessRequest, type AskBody, createRequest, getRequest } from '../access-api.ts';
import type { Api } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { protocolNameOf } from '../clients/kits.ts';
import { connectApi } from '../connect-api.ts';
import { knownTarget } from '../known-target.ts';
import { showRequest } from '../show-request.ts';
import { readDuration, WAIT_MS, waitUntil } from '../wait.ts';

const REFUSED = 3;
const STILL_PENDING = 4;

export const WAIT_CODES = `
Exit codes: 0 granted (without --wait: the request is made), 1 an error, 2 a wrong option,
3 denied, withdrawn, expired, revoked or returned, 4 the time of --wait is over and nobody has decided.`;

interface RequestOptions {
  readonly reason?: string;
  readonly ticket?: string;
  readonly for?: number;
  readonly statement?: readonly string[];
  readonly file?: string;
  readonly breakGlass?: true;
  readonly rule?: string;
  readonly run?: string;
  readonly task?: string;
  readonly wait?: number | true;
  readonly idempotencyKey?: string;
  readonly json?: true;
}

export function requestCommand(cli: Cli): Command {
  return new Command('request')
    .description('ask for access to a target')
    .argument('<target>')
    .option('--reason <text>', 'why')
    .option('--ticket <id>', 'where it is written down')
    .option(
      '--for <time>',
      'how long, from the approval on (default: as long as the rule gives)',
      readDuration,
    )
    .option('--statement <command...>', 'for one session that runs exactly these commands')
    .option('--file <script>', 'the same, with the commands of a script')
    .option('--run <id>', 'for sessions of this run of a workflow alone')
    .option('--task <name>', 'with --run: only for those that are this task of it')
    .option('--break-glass', 'at once, without approval: it alarms, and is reviewed afterwards')
    .option('--rule <name>', 'where there is more than one rule to ask by')
    .option('--wait [time]', 'wait until it is decided', readDuration)
    .option('--idempotency-key <key>', 'the same key makes one request, however often this is run')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', WAIT_CODES)
    .action((target: string, options: RequestOptions) => request(cli, target, options));
}

async function request(cli: Cli, target: string, options: RequestOptions): Promise<void> {
  const api = await connectApi(cli);
  const body = bodyOf(target, options, await statementsOf(api, target, options));
  const made = await createRequest(api, body, options.idempotencyKey ?? randomUUID());
  if (options.wait !== undefined && made.state === 'pending')
    say(cli, `request ${made.id} waits for reviewers`);
  const known = options.wait === undefined ? made : await decided(cli, api, made, options.wait);
  await showRequest(cli, known, options.json === true);
  if (options.wait !== undefined) cli.exitWith(exitCodeOf(known));
}

function bodyOf(
  target: string,
  { reason, ticket, rule, run, task, breakGlass, ...options }: RequestOptions,
  statements: readonly string[] | undefined,
): AskBody {
  return {
    target,
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(options.for === undefined ? {} : { durationSeconds: Math.floor(options.for / 1000) }),
    ...(statements === undefined ? {} : { statements }),
    ...(breakGlass === undefined ? {} : { breakGlass }),
    ...(rule === undefined ? {} : { rule }),
    ...(run === undefined ? {} : { run }),
    ...(task === undefined ? {} : { task }),
  };
}

/** What of a script is one command is for the target's protocol to say. */
async function statementsOf(
  api: Api,
  target: string,
  { statement, file }: RequestOptions,
): Promise<readonly string[] | undefined> {
  if (statement !== undefined && file !== undefined) {
    throw new CustodyError('format-invalid', 'give --statement or --file, not both');
  }
  if (file === undefined) return statement;
  const text = readFileSync(file, 'utf8');
  const protocol = protocolNameOf(await knownTarget(api, target));
  return protocolOf({ protocol }).commandsIn(text);
}

/** Looks until it is decided, or the time is over. */
export function decided(
  cli: Cli,
  api: Api,
  { id }: AccessRequest,
  wait: number | true,
): Promise<AccessRequest> {
  const isDecided = ({ state }: AccessRequest): boolean => state !== 'pending';
  return waitUntil(cli, wait === true ? WAIT_MS : wait, () => getRequest(api, id), isDecided);
}

/** For scripts; see WAIT_CODES. */
export function exitCodeOf({ state }: AccessRequest): number {
  if (state === 'granted') return 0;
  return state === 'pending' ? STILL_PENDING : REFUSED;
}
