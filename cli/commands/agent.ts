import { Command, Option } from 'commander';
import { decodeJwt } from 'jose';
import { demoIssuer } from '#adapters/local/demo-issuer.ts';
import { keptKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import { agentToken, demoAgents, workloadsIssuer } from '#adapters/local/demo-workloads.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { SIGNER_KEY } from '#core/recording/layout.ts';
import { namedByToken } from '#core/tasks/names.ts';
import { agentEnvironment } from '../agent/environment.ts';
import { type PrivateFolder, privateFolder } from '../agent/private-folder.ts';
import { keepRenewed } from '../agent/renewing.ts';
import { taskText } from '../agent/task-text.ts';
import { type SourceOptions, tokenSource, type Wanted } from '../agent/token-source.ts';
import { type Api, apiAddress } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { kitOf } from '../clients/kits.ts';
import { connectApi } from '../connect-api.ts';
import { openHome } from '../home.ts';
import { knownTarget } from '../known-target.ts';
import { knownRun, RUN_HELP, taskOf } from '../run/known-run.ts';
import { wishOf } from '../run/task-wishes.ts';
import { runClient } from '../run-client.ts';
import { getRun } from '../runs-api.ts';
import { currentToken } from '../tokens.ts';

interface AgentOptions extends SourceOptions {
  readonly run?: string;
  readonly task?: string;
  readonly demoActor?: string;
  readonly dataDir: string;
}

const NOTES = `
The program has in its environment what clients of the target need, and CUSTODY_TASK: a file that says what it may do. Its token
is its own, for this task, and renewed while it runs; it stands in files that only you can read (PGPASSFILE, CUSTODY_TOKEN_FILE),
and in no argument and no variable. Variables of yours that begin with CUSTODY_ or PG are taken away. The files are removed at the end.
It runs as your user all the same: what that one may read on this machine, it may read. Exit code and signals are those of the program.`;

const HINT = 'give the program after --, such as: custody agent --run refunds --task find -- ./agent.py';

export function agentCommand(cli: Cli): Command {
  return new Command('agent')
    .description(
      'run a program as a task of a run, with a token of its own: custody agent --run … --task … -- ./agent.py',
    )
    .argument('<command...>', 'the program and its arguments')
    .option('--run <run>', `${RUN_HELP}; may be left out where the token names it`)
    .option('--task <name>', 'which of its tasks')
    .option(
      '--actor-token-file <file>',
      "the agent's own token: yours is exchanged for one of it acting for you (RFC 8693)",
    )
    .option('--client-id <id>', 'of the exchange', 'custody-agent')
    .option('--token-command <command>', 'prints a token of the agent; it is run anew before that one ends')
    .option('--own-token', 'give it your own token')
    .addOption(
      new Option('--demo-actor <agent>', 'in place of --actor-token-file, of the local gateway').choices(
        Object.keys(demoAgents),
      ),
    )
    .option('--data-dir <dir>', "the local gateway's data folder", '.custody')
    .addHelpText('after', NOTES)
    .passThroughOptions()
    .action((command: readonly string[], options: AgentOptions) => agent(cli, command, options));
}

async function agent(cli: Cli, given: readonly string[], options: AgentOptions): Promise<void> {
  const command = given[0] === '--' ? given.slice(1) : given;
  const wanted = await wantedBy(cli, options);
  const source = tokenSource(cli, options, demoActor(cli, options));
  const folder = privateFolder(cli.env);
  try {
    await inFolder(cli, folder, command, wanted, () => source(wanted));
  } finally {
    folder.remove();
  }
}

/** By the options, else by the token that there is. */
async function wantedBy(cli: Cli, { run: called, task }: AgentOptions): Promise<Wanted> {
  if (called !== undefined && task !== undefined) {
    const run = await knownRun(await connectApi(cli), called);
    return { run: run.id, task: taskOf(run, task).name };
  }
  if (called === undefined && task === undefined) {
    const claim = decodeJwt<{ task?: unknown }>(await currentToken(cli)).task;
    const named = typeof claim === 'string' ? namedByToken({ task: claim }) : undefined;
    if (named !== undefined) return named;
  }
  throw new CustodyError('format-invalid', 'name the task with --run and --task', { hint: HINT });
}

function demoActor(
  cli: Cli,
  { demoActor: name, dataDir }: AgentOptions,
): (() => Promise<string>) | undefined {
  if (name === undefined) return undefined;
  return async () => {
    const { issuer } = demoIssuer(dataDir);
    return agentToken(keptKeys(dataDir, workloadKeys), workloadsIssuer(issuer), issuer, name, cli.now());
  };
}

const [TOKEN, SECRET, TASK, HOME] = ['token', 'secret', 'task.md', 'home'];

async function inFolder(
  cli: Cli,
  folder: PrivateFolder,
  command: readonly string[],
  { run: id, task: name }: Wanted,
  ask: () => Promise<string>,
): Promise<void> {
  const token = await ask();
  const api: Api = { base: apiAddress(cli), token };
  const run = await getRun(api, id).catch((error: unknown) => {
    // Who may run no task of it may not know of it.
    throw asCustodyError(error).code === 'not-found' ? notIts(name, id, error) : error;
  });
  const task = taskOf(run, name);
  if (!task.mayRun)
    throw new CustodyError(
      'task-refused',
      `its token is of somebody who may not run ${run.workflow}/${name}`,
      {
        hint: `who may: custody workflow show ${run.workflow}`,
      },
    );
  const target = await knownTarget(api, task.target);
  const kit = kitOf(target);
  const keep = (fresh: string): void => {
    folder.write(TOKEN, `${fresh}\n`);
    if (kit.secretFile !== undefined) folder.write(SECRET, kit.secretFile(target, fresh));
  };
  keep(token);
  const own = ownCli(cli, ownVariables(folder, api));
  const secret = kit.secretFile === undefined ? {} : { secretFile: folder.file(SECRET) };
  const variables = await kit.env(own, api, target, { ...secret, as: wishOf(cli, run, task) });
  const names = Object.keys(variables).filter((one) => variables[one] !== undefined);
  folder.write(TASK, taskText(run, task, names));
  const env = agentEnvironment(cli.env, {
    ...ownVariables(folder, api),
    ...variables,
    CUSTODY_TASK: folder.file(TASK),
  });
  const renewing = keepRenewed(token, {
    now: cli.now,
    ask,
    keep,
    onTrouble: (message) => say(cli, `custody: the agent's token could not be renewed: ${message}`),
    later: (work, ms) => {
      const timer = setTimeout(work, ms);
      return { cancel: () => clearTimeout(timer) };
    },
  });
  try {
    cli.exitWith(await runClient(cli, { command, env }, HINT));
  } finally {
    renewing.stop();
  }
}

/** For a custody of the agent's own: with its token, without the person's login. */
function ownVariables(folder: PrivateFolder, { base }: Api) {
  return {
    CUSTODY_API: base.href,
    CUSTODY_HOME: folder.file(HOME),
    CUSTODY_TOKEN_FILE: folder.file(TOKEN),
  };
}

function notIts(name: string, run: string, cause: unknown): CustodyError {
  return new CustodyError('task-refused', `its token is of somebody who may run no task of the run ${run}`, {
    hint: `the agent has to fit the by: of ${name}, as the one that it acts for does`,
    cause,
  });
}

/** The pinned key is known to it. */
function ownCli(cli: Cli, variables: ReturnType<typeof ownVariables>): Cli {
  const home = openHome(variables);
  const pin = cli.home.read(SIGNER_KEY);
  if (pin !== undefined) home.write(SIGNER_KEY, pin);
  return { ...cli, env: { ...cli.env, ...agentEnvironment(cli.env, variables) }, home };
}
