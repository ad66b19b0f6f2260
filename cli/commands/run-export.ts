import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { CustodyError } from '#core/errors.ts';
import type { Signer } from '#core/recording/ports.ts';
import { inTotoFiles } from '#core/tasks/proof/in-toto.ts';
import { openLineageEvents } from '#core/tasks/proof/openlineage.ts';
import { otlpTraces } from '#core/tasks/proof/otlp.ts';
import { readProvedRun } from '#core/tasks/proof/read-proved-run.ts';
import { type RunFolder, verifyRun } from '#core/tasks/verify/verify-run.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { refuseFilled } from '../evidence/empty-folder.ts';
import { readGivenFile } from '../given-file.ts';
import { expectedLedger } from '../ledger-pin.ts';
import { RUN_HELP } from '../run/known-run.ts';
import { pullRun, withRun } from '../run/run-evidence.ts';
import { knownSigners } from '../signer-pin.ts';

interface ExportOptions {
  readonly out?: string;
  readonly inToto?: string;
  readonly signWith?: string;
  readonly openlineage?: true;
  readonly otlp?: true;
  readonly json?: true;
}

const NOTES = `
With --out a folder that custody run verify checks offline: it has the key by which values could be guessed, and all that was recorded.
The other forms have digests alone; they are made of a run that was verified first. in-toto's layout and links are signed with the key of
--sign-with (P-256, PEM), so that in-toto-verify takes its public half.`;

export function runExportCommand(cli: Cli): Command {
  return new Command('export')
    .description('take out what proves a run: for custody run verify, in-toto, OpenLineage or OpenTelemetry')
    .argument('<run>', RUN_HELP)
    .option('--out <dir>', 'all of it, in a folder that is empty or does not exist')
    .option('--in-toto <dir>', 'an in-toto layout and its links, in such a folder')
    .addOption(new Option('--sign-with <file>', 'the private key for --in-toto'))
    .option('--openlineage', 'OpenLineage events, one a line')
    .option('--otlp', 'OpenTelemetry spans, as OTLP JSON')
    .option('--json', 'what was written, as one line of JSON')
    .addHelpText('after', NOTES)
    .action((run: string, options: ExportOptions) => exportRun(cli, run, options));
}

async function exportRun(cli: Cli, called: string, options: ExportOptions): Promise<void> {
  const { out, inToto, openlineage, otlp } = options;
  if (out === undefined && inToto === undefined && !openlineage && !otlp)
    throw new CustodyError('unsupported', 'nothing was asked for', {
      hint: 'give --out DIR, --in-toto DIR, --openlineage or --otlp',
    });
  if (out !== undefined) {
    const run = await pullRun(cli, called, out);
    if (options.json) await printJson(cli, { run, folder: out });
    else say(cli, `run ${run} in ${out}; check it: custody run verify ${out}`);
  }
  if (inToto === undefined && !openlineage && !otlp) return;
  await withRun(cli, called, async (folder) => {
    const store = directoryStore(folder);
    await refuseWrong(cli, store);
    const proved = await readProvedRun(store);
    if (openlineage)
      await print(
        cli,
        openLineageEvents(proved)
          .map((event) => JSON.stringify(event))
          .join('\n'),
      );
    if (otlp) await print(cli, JSON.stringify(otlpTraces(proved)));
    if (inToto !== undefined)
      await writeInToto(cli, inToto, await inTotoFiles(proved, signerOf(options.signWith)));
  });
}

/** Nothing is told in others' words that does not hold in ours. */
async function refuseWrong(cli: Cli, folder: RunFolder): Promise<void> {
  const trustedSigners = knownSigners(cli, undefined).map(({ der }) => der);
  const { verdict, findings } = await verifyRun(folder, { trustedSigners, ledger: expectedLedger(cli, {}) });
  if (verdict !== 'failed') return;
  throw new CustodyError('state-damaged', `the run fails verification: ${findings[0]?.message}`, {
    hint: 'see all of it: custody run verify RUN',
  });
}

async function writeInToto(cli: Cli, out: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await refuseFilled(out);
  await mkdir(out, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(out, name), bytes, { flag: 'wx' });
  say(cli, `check it: cd ${out} && in-toto-verify --layout root.layout --verification-keys KEY.pub`);
}

function signerOf(file: string | undefined): Signer {
  if (file === undefined)
    throw new CustodyError('unsupported', '--in-toto is signed: with which key?', {
      hint: '--sign-with key.pem; a new one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem',
    });
  const key = createPrivateKey(readGivenFile(file, 16 << 10));
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new CustodyError('unsupported', `${file} is not a P-256 private key`);
  return {
    sign: async (message) => sign('sha256', message, key),
    publicKey: async () => createPublicKey(key).export({ type: 'spki', format: 'der' }),
  };
}
