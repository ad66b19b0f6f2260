import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { proveConsistency } from '#core/ledger/reader.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { openLedgerFolder, readCheckpoint } from '../evidence/ledger-folder.ts';
import { expectedLedger, ORIGIN_HELP } from '../ledger-pin.ts';
import { counted } from '../listing.ts';
import { trustedSigners } from '../signer-pin.ts';

interface WitnessOptions {
  readonly out: string;
  readonly key?: readonly string[];
  readonly origin?: string;
  readonly json?: true;
}

const NOT_CHECKED = 2;

export function ledgerCommand(cli: Cli): Command {
  return new Command('ledger').description("the ledger's checkpoints").addCommand(witnessCommand(cli));
}

function witnessCommand(cli: Cli): Command {
  return new Command('witness')
    .description('write the newest checkpoint to a file, to keep or publish outside the deployment')
    .argument('<folder>', "a gateway's data folder, or a copy of its store with its checkpoint")
    .requiredOption(
      '--out <file>',
      'where to; a checkpoint that is there must be an earlier one of the same ledger',
    )
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .option('--json', 'as one line of JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 written, 1 the ledger is not the one of the file, 2 could not be checked.',
    )
    .action((folder: string, options: WitnessOptions) => witness(cli, folder, options));
}

/** Writes nothing when the ledger did not just grow since the checkpoint that is there. */
async function witness(cli: Cli, folder: string, options: WitnessOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const { out } = options;
  const origin = expectedLedger(cli, options);
  const signers = trustedSigners(cli, options.key);
  const { note, checkpoint, fetch } = await openLedgerFolder(folder, origin, signers);
  const earlier = existsSync(out) ? readCheckpoint(out, origin, signers) : undefined;
  cli.exitWith(1);
  if (earlier !== undefined) await proveConsistency(earlier, checkpoint, fetch);
  rmSync(`${out}.new`, { force: true });
  writeFileSync(`${out}.new`, note, { flag: 'wx' });
  renameSync(`${out}.new`, out);
  cli.exitWith(0);
  const { size, root } = checkpoint;
  if (options.json)
    return printJson(cli, { out, size, root: root.toString('base64'), earlier: earlier?.size });
  const grew = earlier === undefined ? '' : `, grown from ${earlier.size}`;
  await print(cli, `${out}: ${counted(size, 'leaf', 'leaves')}${grew}`);
}
