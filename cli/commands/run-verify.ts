import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { CustodyError } from '#core/errors.ts';
import { verifyRun } from '#core/tasks/verify/verify-run.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { NOT_CHECKED, VERDICT_CODES } from '../evidence/report.ts';
import { expectedLedger, ORIGIN_HELP } from '../ledger-pin.ts';
import { withRun } from '../run/run-evidence.ts';
import { RUN_VERDICT_HELP, runReportLines } from '../run/run-report.ts';
import { knownSigners } from '../signer-pin.ts';

interface VerifyOptions {
  readonly key?: readonly string[];
  readonly origin?: string;
  readonly json?: true;
}

export function runVerifyCommand(cli: Cli): Command {
  return new Command('verify')
    .description('check what proves a run: a folder, offline, or a run that is fetched')
    .argument('<folder|run>', 'a folder of custody run export, or a run')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', `\n${RUN_VERDICT_HELP}`)
    .action((name: string, options: VerifyOptions) => verify(cli, name, options));
}

/** What keeps it from checking at all is an error of use: exit code 1 is for evidence that is wrong. */
async function verify(cli: Cli, name: string, options: VerifyOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  if (await isFolder(name)) return report(cli, name, undefined, options);
  if (/[/.]/.test(name))
    throw new CustodyError('not-found', `there is no folder ${name}`, {
      hint: 'fetch one: custody run export RUN --out DIR; or name a run: custody run verify RUN',
    });
  await withRun(cli, name, (folder, run) => report(cli, folder, run, options));
}

async function report(
  cli: Cli,
  folder: string,
  run: string | undefined,
  options: VerifyOptions,
): Promise<void> {
  const trusted = knownSigners(cli, options.key);
  const trustedSigners = trusted.map(({ der }) => der);
  const asked = { ledger: expectedLedger(cli, options), ...(run === undefined ? {} : { run }) };
  const result = await verifyRun(directoryStore(folder), { trustedSigners, ...asked });
  cli.exitWith(VERDICT_CODES[result.verdict]);
  if (options.json)
    return printJson(cli, { ...result, trusted: trusted.map(({ fingerprint }) => fingerprint) });
  await print(cli, runReportLines(result).join('\n'));
}

function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (status) => status.isDirectory(),
    () => false,
  );
}
