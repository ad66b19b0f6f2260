/** The composition root of the command line; custody.mjs starts it. */
import { Command, CommanderError } from 'commander';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Cli, processCli, say } from './cli.ts';
import { failureWords } from './failure-words.ts';
import { ownVersion } from './version.ts';

const FAILED = 1;
const USAGE = 2;
const VERSION = '--version';
/** Where a command has a code of its own for each result. */
const NOT_DONE = 2;

/** Each is loaded when it is asked for: all of them take longer to load than most take to run. */
const commands: Readonly<Record<string, () => Promise<(cli: Cli) => Command>>> = {
  login: async () => (await import('./commands/login.ts')).loginCommand,
  logout: async () => (await import('./commands/logout.ts')).logoutCommand,
  whoami: async () => (await import('./commands/whoami.ts')).whoamiCommand,
  token: async () => (await import('./commands/token.ts')).tokenCommand,
  console: async () => (await import('./commands/console.ts')).consoleCommand,
  targets: async () => (await import('./commands/targets.ts')).targetsCommand,
  connect: async () => (await import('./commands/connect.ts')).connectCommand,
  env: async () => (await import('./commands/env.ts')).envCommand,
  workflow: async () => (await import('./commands/workflow.ts')).workflowCommand,
  agent: async () => (await import('./commands/agent.ts')).agentCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  'ssh-login': async () => (await import('./commands/ssh-login.ts')).sshLoginCommand,
  'ssh-config': async () => (await import('./commands/ssh-config.ts')).sshConfigCommand,
  'ssh-certificates': async () => (await import('./commands/ssh-certificates.ts')).sshCertificatesCommand,
  kubeconfig: async () => (await import('./commands/kubeconfig.ts')).kubeconfigCommand,
  'kubernetes-credential': async () =>
    (await import('./commands/kubernetes-credential.ts')).kubernetesCredentialCommand,
  devices: async () => (await import('./commands/devices.ts')).devicesCommand,
  sandbox: async () => (await import('./commands/sandbox.ts')).sandboxCommand,
  sessions: async () => (await import('./commands/sessions.ts')).sessionsCommand,
  search: async () => (await import('./commands/search.ts')).searchCommand,
  show: async () => (await import('./commands/show.ts')).showCommand,
  summary: async () => (await import('./commands/summary.ts')).summaryCommand,
  play: async () => (await import('./commands/play.ts')).playCommand,
  watch: async () => (await import('./commands/watch.ts')).watchCommand,
  steps: async () => (await import('./commands/steps.ts')).stepsCommand,
  rerun: async () => (await import('./commands/rerun.ts')).rerunCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  pull: async () => (await import('./commands/pull.ts')).pullCommand,
  verify: async () => (await import('./commands/verify.ts')).verifyCommand,
  request: async () => (await import('./commands/request.ts')).requestCommand,
  requests: async () => (await import('./commands/requests.ts')).requestsCommand,
  approve: async () => (await import('./commands/decide.ts')).approveCommand,
  deny: async () => (await import('./commands/decide.ts')).denyCommand,
  revoke: async () => (await import('./commands/decide.ts')).revokeCommand,
  return: async () => (await import('./commands/decide.ts')).returnCommand,
  review: async () => (await import('./commands/decide.ts')).reviewCommand,
  terminate: async () => (await import('./commands/terminate.ts')).terminateCommand,
  explain: async () => (await import('./commands/explain.ts')).explainCommand,
  config: async () => (await import('./commands/config.ts')).configCommand,
  'dead-letters': async () => (await import('./commands/dead-letters.ts')).deadLettersCommand,
  audit: async () => (await import('./commands/audit.ts')).auditCommand,
  ledger: async () => (await import('./commands/ledger.ts')).ledgerCommand,
  init: async () => (await import('./commands/init.ts')).initCommand,
  preflight: async () => (await import('./commands/preflight.ts')).preflightCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  demo: async () => (await import('./commands/demo.ts')).demoCommand,
};

const cli = processCli();
process.stdout.on('error', (error) => endUnheard(cli, error));
await run(cli, process.argv.slice(2));

async function run(cli: Cli, args: readonly string[]): Promise<void> {
  try {
    await (await program(cli, args)).parseAsync([...args], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError) cli.exitWith(thrown.exitCode === 0 ? 0 : USAGE);
    else fail(cli, thrown);
  }
}

async function program(cli: Cli, [name = '']: readonly string[]): Promise<Command> {
  const program = new Command('custody')
    .version(ownVersion(), VERSION, 'of this custody')
    .description('Work on protected systems through Custody, replay what was done, and verify the evidence.')
    .enablePositionalOptions();
  const asked = Object.hasOwn(commands, name) ? [commands[name]!] : Object.values(commands);
  for (const load of name === VERSION ? [] : asked) program.addCommand((await load())(cli));
  return withoutExit(program);
}

/** Commander would end the process itself, before what was printed has gone out. */
function withoutExit(command: Command): Command {
  command.exitOverride();
  command.commands.forEach(withoutExit);
  return command;
}

/** One line on what happened, one on what to do about it. A command may have said what to exit with. */
function fail(cli: Cli, thrown: unknown): void {
  const { message, hint } = thrown instanceof CustodyError ? thrown : unexpected(thrown);
  say(cli, `custody: ${message}`);
  if (hint !== undefined) say(cli, `hint: ${hint}`);
  if (!process.exitCode) cli.exitWith(FAILED);
}

/** An error of the operating system says enough in its own words; CUSTODY_DEBUG shows where any other came from. */
function unexpected(thrown: unknown): CustodyError {
  const { detail } = asCustodyError(thrown);
  if (cli.env['CUSTODY_DEBUG']) process.stderr.write(`${detail}\n`);
  return new CustodyError('internal', thrown instanceof Error ? thrown.message : String(thrown));
}

/**
 * The reader of our output has gone, as `head` does: quietly, and with the code of what is known by then, never that of a verdict to
 * come. What cannot be written for another reason was not done.
 */
function endUnheard(cli: Cli, error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') {
    say(cli, `custody: the output cannot be written: ${failureWords(error)}`);
    cli.exitWith(process.exitCode === undefined ? FAILED : Number(process.exitCode) || NOT_DONE);
  }
  process.exit();
}
