import { Command, InvalidArgumentError, Option } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { asciicast, type CastRemarks } from '#core/replay/asciicast.ts';
import { escapeJson } from '#core/replay/text.ts';
import { type Cli, print, say } from '../cli.ts';
import { VERDICT_HELP, verdictLines } from '../evidence/report.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { type EvidenceReading, type ReadingOptions, withEvidence } from '../play/evidence-reading.ts';
import { noTerminal, terminalOf } from '../play/raw.ts';

interface ExportOptions extends ReadingOptions {
  readonly asciicast: true;
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
    .addOption(new Option('--asciicast', "as asciinema's asciicast, version 3").makeOptionMandatory())
    .option('--v2', 'version 2 of it, for asciinema before 3.0')
    .option('--channel <n>', 'of this channel; else the first terminal of the session', readChannel)
    .option('--input', 'with what was typed, which may be a password that no screen showed')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .addHelpText('after', NOTES)
    .action((name: string, options: ExportOptions) =>
      withEvidence(cli, name, options, (evidence) => writeCast(cli, evidence, options)),
    );
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
