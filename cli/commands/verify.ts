import { Command } from 'commander';
import { type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { localFolder } from '../evidence/local-folder.ts';
import { NOT_CHECKED, reportLines, VERDICT_CODES, VERDICT_HELP } from '../evidence/report.ts';
import { type EvidenceSource, withEvidence } from '../evidence/source.ts';
import { expectedLedger, ORIGIN_HELP } from '../ledger-pin.ts';
import { knownSigners, type PublicSigner } from '../signer-pin.ts';

interface VerifyCommandOptions {
  readonly key?: readonly string[];
  readonly origin?: string;
  readonly json?: true;
}

export function verifyCommand(cli: Cli): Command {
  return new Command('verify')
    .description('check evidence: a folder, offline, or a session by its id')
    .argument('<folder|id>')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', `\n${VERDICT_HELP}`)
    .action((name: string, options: VerifyCommandOptions) => verify(cli, name, options));
}

/** What keeps it from checking at all is an error of use: exit code 1 is for evidence that is wrong. */
async function verify(cli: Cli, name: string, options: VerifyCommandOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const given = options.key === undefined ? undefined : knownSigners(cli, options.key);
  await withEvidence(cli, name, async (source) => {
    await report(cli, source, given ?? knownSigners(cli, undefined), options);
  });
}

async function report(
  cli: Cli,
  { folder, session }: EvidenceSource,
  trusted: readonly PublicSigner[],
  options: VerifyCommandOptions,
): Promise<void> {
  const trustedSigners = trusted.map(({ der }) => der);
  const asked = { ledger: expectedLedger(cli, options), ...(session === undefined ? {} : { session }) };
  const result: VerifyReport = await verifyEvidence(localFolder(folder), { trustedSigners, ...asked });
  cli.exitWith(VERDICT_CODES[result.verdict]);
  if (options.json)
    return printJson(cli, { ...result, trusted: trusted.map(({ fingerprint }) => fingerprint) });
  await print(cli, reportLines(result).join('\n'));
}
