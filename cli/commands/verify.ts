import { Command } from 'commander';
import { type Verdict, type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { localFolder } from '../evidence/local-folder.ts';
import { reportLines } from '../evidence/report.ts';
import { type EvidenceSource, withEvidence } from '../evidence/source.ts';
import { expectedLedger, ORIGIN_HELP } from '../ledger-pin.ts';
import { knownSigners, type PublicSigner } from '../signer-pin.ts';

interface VerifyCommandOptions {
  readonly key?: readonly string[];
  readonly origin?: string;
  readonly json?: true;
}

const NOT_CHECKED = 2;
const exitCodes: Readonly<Record<Verdict, number>> = { verified: 0, failed: 1, unanchored: 3, incomplete: 4 };

const EXIT_CODES = `
Exit codes: 0 verified, 1 failed, 2 could not be checked, 3 consistent but no trusted signer was given,
4 consistent so far but never sealed.`;

export function verifyCommand(cli: Cli): Command {
  return new Command('verify')
    .description('check evidence: a folder, offline, or a session by its id')
    .argument('<folder|id>')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', EXIT_CODES)
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
  cli.exitWith(exitCodes[result.verdict]);
  if (options.json)
    return printJson(cli, { ...result, trusted: trusted.map(({ fingerprint }) => fingerprint) });
  await print(cli, reportLines(result).join('\n'));
}
