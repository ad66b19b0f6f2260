import { Command, InvalidArgumentError, Option } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { asciicast, type CastRemarks } from '#core/replay/asciicast.ts';
import { escapeJson } from '#core/replay/text.ts';
import { type Cli, print, say } from '../cli.ts';
import { VERDICT_HELP, verdictLines } from '../evidence/report.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { type EvidenceReading, type ReadingOptions, withEvidence } from '../play/evidence-reading.ts';
import { noTerminal, terminalOf } from '../play/raw.ts';

interface ExportOptions extends ReadingOptions {
  readonly asciicast?: true;
  readonly bundle?: true;
  readonly out?: string;
  readonly channel?: number;
  readonly input?: true;
  readonly v2?: true;
}

const NOTES = `
The recording is verified as it is read; the verdict is said on standard error, and by the exit code. The cast is written to standard
output: custody export <id> --asciicast > session.cast
${VERDICT_HELP}`;

export function exportCommand(cli: Cli): Command {
  return new Command('export')
    .description('a recorded terminal as a file that other tools play')
    .argument('<id|folder>')
    .addOption(new Option('--asciicast', "as asciinema's asciicast, version 3"))
    .option('--bundle', 'as a page that verifies and plays it without a network, for an outside auditor')
    .option('-o, --out <path>', 'with --bundle: a file that ends in .html, or a new folder')
    .option('--v2', 'version 2 of it, for asciinema before 3.0')
    .option('--channel <n>', 'of this channel; else the first terminal of the session', readChannel)
    .option('--input', 'with what was typed, which may be a password that no screen showed')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .addHelpText('after', NOTES)
    .action(async (name: string, options: ExportOptions) => {
      if (options.bundle) return exportBundle(cli, name, options);
      if (!options.asciicast)
        throw new CustodyError('unsupported', 'say as what it is to be exported', {
          hint: '--asciicast, or --bundle',
        });
      return withEvidence(cli, name, options, (evidence) => writeCast(cli, evidence, options));
    });
}

async function exportBundle(cli: Cli, name: string, { out, ...options }: ExportOptions): Promise<void> {
  if (out === undefined)
    throw new CustodyError('unsupported', 'a bundle is written to a file or a folder', {
      hint: 'name it: --out audit.html',
    });
  const { writeBundle } = await import('../bundle/write-bundle.ts');
  await writeBundle(cli, name, { ...options, out });
}

async function writeCast(cli: Cli, evidence: EvidenceReading, options: ExportOptions): Promise<void> {
  const { opening, status } = evidence;
  const { target, principal, startedAt } = opening.open!;
  const remarks: CastRemarks = { replaced: false };
  const lines = asciicast(
    terminalOf(evidence, options.channel),
    {
      version: options.v2 ? 2 : 3,
      startedAt: Date.parse(startedAt),
      title: `${nameOf(principal)} on ${target.name}`,
      input: options.input === true,
    },
    remarks,
  );
  let some = false;
  for await (const line of lines) {
    some = true;
    status.clear();
    await print(cli, escapeJson(line));
  }
  const report = await evidence.conclude();
  for (const line of verdictLines(report)) say(cli, line);
  if (remarks.replaced)
    say(cli, 'note: bytes that are no UTF-8 stand as U+FFFD; the recording has them as they were');
  if (!some) throw noTerminal(options.channel);
}

export function readChannel(text: string): number {
  const channel = Number(text);
  if (Number.isSafeInteger(channel) && channel > 0) return channel;
  throw new InvalidArgumentError('It must be the number of a channel, from 1.');
}
