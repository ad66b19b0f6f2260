import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { facts, listing } from '../listing.ts';
import { askForSandbox, listSandboxes, readySandbox, removeSandbox, type Sandbox } from '../sandboxes-api.ts';
import { requireSessionId } from '../session-id.ts';
import { readTime } from '../time.ts';
import { readDuration } from '../wait.ts';

/** A restored database of RDS may take half an hour. */
const READY_MS = 45 * 60_000;

interface Json {
  readonly json?: true;
}

interface MakeOptions extends Json {
  readonly session?: string;
  readonly at?: string;
  readonly for?: number;
  readonly wait: boolean;
  readonly idempotencyKey?: string;
}

const NOTES = `
A sandbox is a copy of a target's data as it was at a time, in which sessions can be run again. It is yours alone, and is removed
when its time is over. Connect to it through the gateway: custody connect TARGET means the newest of yours.`;

export function sandboxCommand(cli: Cli): Command {
  const sandbox = new Command('sandbox')
    .description('your sandboxes; have one made or removed')
    .enablePositionalOptions()
    .addHelpText('after', NOTES);
  sandbox.addCommand(listCommand(cli), { isDefault: true });
  sandbox.addCommand(makeCommand(cli));
  sandbox.addCommand(removeCommand(cli));
  return sandbox;
}

function makeCommand(cli: Cli): Command {
  return new Command('make')
    .description('have a sandbox made, and wait until it is ready')
    .argument('<target>', 'one with sandbox: { from: … } in custody.yaml')
    .option('--session <id>', 'to run this session again')
    .option('--at <when>', 'the data as before the session (session), as it is (now), or as it was at a time')
    .option('--for <time>', 'remove it after this time, such as 30m', readDuration)
    .option('--no-wait', 'do not wait until it is ready')
    .option('--idempotency-key <key>', 'the same key makes one sandbox, however often this is run')
    .option('--json', 'as one line of JSON')
    .action((target: string, options: MakeOptions) => make(cli, target, options));
}

async function make(cli: Cli, target: string, options: MakeOptions): Promise<void> {
  const { session, for: ms, wait, json, idempotencyKey = randomUUID() } = options;
  const api = await connectApi(cli);
  const at = options.at === undefined ? undefined : timeIn(options.at, () => cli.now());
  const body = {
    target,
    ...(session === undefined ? {} : { session: requireSessionId(session) }),
    ...(at === undefined ? {} : { at }),
    ...(ms === undefined ? {} : { durationSeconds: Math.ceil(ms / 1000) }),
  };
  const asked = await askForSandbox(api, body, idempotencyKey);
  if (wait && asked.state === 'making') say(cli, `making ${asked.id} of ${asked.from} as of ${asked.at}`);
  await show(cli, wait ? await readySandbox(api, asked.id, AbortSignal.timeout(READY_MS)) : asked, json);
}

function timeIn(text: string, now: () => number): string {
  return text === 'session' || text === 'now' ? text : readTime(now)(text).toISOString();
}

function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('your sandboxes; all of them for who administers')
    .option('--json', 'as one line of JSON')
    .action(async ({ json }: Json) => {
      const sandboxes = await listSandboxes(await connectApi(cli));
      if (json) return printJson(cli, { sandboxes });
      if (sandboxes.length === 0) return say(cli, 'no sandboxes');
      await print(
        cli,
        listing(['ID', 'TARGET', 'OF', 'AS OF', 'WHOSE', 'STATE', 'UNTIL'], sandboxes.map(row)),
      );
    });
}

function row({ id, target, from, at, by, state, until }: Sandbox): string[] {
  return [id, target, from, at, nameOf(by), state, until.replace(/\.\d+Z$/, 'Z')];
}

function removeCommand(cli: Cli): Command {
  return new Command('remove')
    .description('remove a sandbox now; sessions in it end')
    .argument('<id>')
    .option('--json', 'as one line of JSON')
    .action(async (id: string, { json }: Json) =>
      show(cli, await removeSandbox(await connectApi(cli), id), json),
    );
}

async function show(cli: Cli, sandbox: Sandbox, json: true | undefined): Promise<void> {
  if (json) return printJson(cli, sandbox);
  const { id, target, from, at, session, state, until, problem } = sandbox;
  const connect = state === 'ready' ? `custody connect ${target}` : undefined;
  await print(
    cli,
    facts({
      sandbox: id,
      target,
      of: from,
      'as of': at,
      session,
      state,
      until,
      problem: problem?.message,
      connect,
    }).join('\n'),
  );
}
