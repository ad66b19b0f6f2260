/** The composition root of the command line; custody.mjs starts it. */
import { Command, CommanderError } from 'commander';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Cli, processCli, say } from './cli.ts';
import { agentCommand } from './commands/agent.ts';
import { auditCommand } from './commands/audit.ts';
import { configCommand } from './commands/config.ts';
import { connectCommand } from './commands/connect.ts';
import {
  approveCommand,
  denyCommand,
  returnCommand,
  reviewCommand,
  revokeCommand,
} from './commands/decide.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { devicesCommand } from './commands/devices.ts';
import { envCommand } from './commands/env.ts';
import { exportCommand } from './commands/export.ts';
import { explainCommand } from './commands/explain.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { loginCommand } from './commands/login.ts';
import { logoutCommand } from './commands/logout.ts';
import { playCommand } from './commands/play.ts';
import { pullCommand } from './commands/pull.ts';
import { requestCommand } from './commands/request.ts';
import { requestsCommand } from './commands/requests.ts';
import { runCommand } from './commands/run.ts';
import { sessionsCommand } from './commands/sessions.ts';
import { showCommand } from './commands/show.ts';
import { sshCertificatesCommand } from './commands/ssh-certificates.ts';
import { sshConfigCommand } from './commands/ssh-config.ts';
import { sshLoginCommand } from './commands/ssh-login.ts';
import { targetsCommand } from './commands/targets.ts';
import { terminateCommand } from './commands/terminate.ts';
import { tokenCommand } from './commands/token.ts';
import { verifyCommand } from './commands/verify.ts';
import { whoamiCommand } from './commands/whoami.ts';
import { workflowCommand } from './commands/workflow.ts';
import { failureWords } from './failure-words.ts';

const FAILED = 1;
const USAGE = 2;
/** Where a command has a code of its own for each result. */
const NOT_DONE = 2;

const commands = [
  loginCommand,
  logoutCommand,
  whoamiCommand,
  tokenCommand,
  targetsCommand,
  connectCommand,
  envCommand,
  workflowCommand,
  agentCommand,
  runCommand,
  sshLoginCommand,
  sshConfigCommand,
  sshCertificatesCommand,
  devicesCommand,
  sessionsCommand,
  showCommand,
  playCommand,
  exportCommand,
  pullCommand,
  verifyCommand,
  requestCommand,
  requestsCommand,
  approveCommand,
  denyCommand,
  revokeCommand,
  returnCommand,
  reviewCommand,
  terminateCommand,
  explainCommand,
  configCommand,
  deadLettersCommand,
  auditCommand,
  ledgerCommand,
  demoCommand,
];

const cli = processCli();
process.stdout.on('error', (error) => endUnheard(cli, error));
await run(cli, process.argv.slice(2));

async function run(cli: Cli, args: readonly string[]): Promise<void> {
  try {
    await program(cli).parseAsync([...args], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError) cli.exitWith(thrown.exitCode === 0 ? 0 : USAGE);
    else fail(cli, thrown);
  }
}

function program(cli: Cli): Command {
  const program = new Command('custody')
    .description('Work on protected systems through Custody, replay what was done, and verify the evidence.')
    .enablePositionalOptions();
  for (const command of commands) program.addCommand(command(cli));
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
