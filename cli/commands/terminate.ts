import { Command } from 'commander';
import { terminateSession } from '../access-api.ts';
import { getSession } from '../api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { requireSessionId } from '../session-id.ts';
import { readDuration, waitUntil } from '../wait.ts';

const STILL_OPEN = 4;
/** A session ends within 5 s; twice that, and something is wrong. */
const WAIT_MS = 10_000;

interface TerminateOptions {
  readonly reason?: string;
  readonly wait?: number | true;
  readonly json?: true;
}

export function terminateCommand(cli: Cli): Command {
  return new Command('terminate')
    .description('end a session that is running')
    .argument('<session>')
    .option('--reason <text>', 'for the client and for the evidence')
    .option('--wait [time]', 'until it has ended (default: 10s)', readDuration)
    .option('--json', 'as one line of JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 an error, 2 a wrong option, 4 with --wait: it is still open.',
    )
    .action((id: string, options: TerminateOptions) => terminate(cli, requireSessionId(id), options));
}

async function terminate(cli: Cli, id: string, { reason, wait, json }: TerminateOptions): Promise<void> {
  const api = await connectApi(cli);
  const asked = await terminateSession(api, id, reason);
  if (wait === undefined) return json ? printJson(cli, asked) : print(cli, `${id}: it ends within 5 s`);
  const ms = wait === true ? WAIT_MS : wait;
  const session = await waitUntil(
    cli,
    ms,
    () => getSession(api, id),
    ({ state }) => state !== 'open',
  );
  if (session.state === 'open') cli.exitWith(STILL_OPEN);
  if (json) return printJson(cli, session);
  await print(
    cli,
    session.outcome === undefined ? `${id}: still open` : `${id}: ended, ${session.outcome.reason}`,
  );
}
