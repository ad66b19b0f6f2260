import { Command, InvalidArgumentError, Option } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import type { StreamName } from '#core/recording/format.ts';
import { asciicast, type CastRemarks } from '#core/replay/asciicast.ts';
import { escapeJson } from '#core/replay/text.ts';
import { type Cli, say } from '../cli.ts';
import { NOT_CHECKED, VERDICT_HELP, verdictLines } from '../evidence/report.ts';
import { type Output, withOutput } from '../export/output.ts';
import { unlessRedacted } from '../export/redacted.ts';
import { referenceOf } from '../export/reference.ts';
import { type SessionExportOptions, writeExport } from '../export/write-export.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { type EvidenceReading, type ReadingOptions, withEvidence } from '../play/evidence-reading.ts';
import { noTerminal, terminalOf } from '../play/raw.ts';

interface ExportOptions extends ReadingOptions, SessionExportOptions {
  readonly asciicast?: true;
  readonly bundle?: true;
  readonly ndjson?: true;
  readonly ocsf?: true;
  readonly sql?: true;
  readonly csv?: true;
  readonly raw?: StreamName;
  readonly out?: string;
  readonly channel?: number;
  readonly input?: true;
  readonly v2?: true;
}

const FORMS = ['asciicast', 'ndjson', 'ocsf', 'sql', 'csv', 'raw', 'bundle'] as const;

/** In these stands what was said as it was (security case 18). */
const ACTS: readonly string[] = ['sql', 'csv', 'raw'];

const NOTES = `
The recording is verified as it is read; the verdict is said on standard error, and by the exit code. What is exported is written to
standard output, or with --out to a new file: custody export <id> --sql --out session.sql
Each export says which evidence it is of: in its first and last line, and where its form has no place for it (CSV, bytes) in
FILE.evidence.json beside the file, or on standard error.
${VERDICT_HELP}`;

export function exportCommand(cli: Cli): Command {
  return new Command('export')
    .description('a session in a form that other tools read')
    .argument('<id|folder>')
    .addOption(new Option('--asciicast', "a terminal as asciinema's asciicast, version 3"))
    .option('--ndjson', 'its steps, one a line, as JSON')
    .option('--ocsf', 'as OCSF events, one a line, as a SIEM takes them: docs/siem.md')
    .option('--sql', 'its statements as a script of SQL, with the answers as comments')
    .option('--csv', 'all rows of one result; --step names it')
    .addOption(
      new Option('--raw <stream>', 'the bytes of one stream as they were').choices([
        'client',
        'target',
        'gateway',
      ]),
    )
    .option('--bundle', 'as a page that verifies and plays it without a network, for an outside auditor')
    .option('-o, --out <path>', 'a new file; with --bundle one that ends in .html, or a new folder')
    .option('--step <n>', 'with --csv, of this step', readStep)
    .option('--null <text>', 'with --csv, what stands for NULL; an empty text is ""')
    .option('--spreadsheet', "with --csv, ' before what a spreadsheet would calculate")
    .option('--v2', 'version 2 of asciicast, for asciinema before 3.0')
    .option(
      '--channel <n>',
      'with --asciicast, of this channel, else the first terminal; with --raw, what went over it',
      readChannel,
    )
    .option('--input', 'with what was typed, which may be a password that no screen showed')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .addHelpText('after', NOTES)
    .action((name: string, options: ExportOptions) => exportSession(cli, name, options));
}

async function exportSession(cli: Cli, name: string, options: ExportOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const asked = FORMS.filter((form) => options[form] !== undefined);
  const [form] = asked;
  if (form === undefined || asked.length > 1)
    throw new CustodyError('unsupported', 'say as what it is to be exported: one of them', {
      hint: FORMS.map((one) => `--${one}`).join(', '),
    });
  if (form === 'csv' && options.step === undefined)
    throw new CustodyError('unsupported', 'say whose rows they are to be', {
      hint: 'custody play numbers the steps: --csv --step 7',
    });
  if (form === 'bundle') return exportBundle(cli, name, options);
  if (form === 'raw' && options.channel !== undefined && options.raw === 'gateway')
    throw new CustodyError('unsupported', 'on a channel the client and the target speak', {
      hint: '--raw client or --raw target',
    });
  const { out, ...rest } = options;
  if (out === undefined && cli.stdout.isTTY && ACTS.includes(form))
    throw new CustodyError('unsupported', 'what was recorded could act on your terminal', {
      hint: 'write it to a file: --out FILE',
    });
  const reading = { ...rest, purpose: 'export' } as const;
  const write = async (evidence: EvidenceReading, output: Output): Promise<void> => {
    if (form === 'asciicast') await writeCast(cli, evidence, options, output);
    else await writeExport(cli, evidence, form, reading, output);
  };
  await withOutput(cli, out, (output) =>
    unlessRedacted(cli, name, form, output, () =>
      withEvidence(cli, name, reading, (evidence) => write(evidence, output)),
    ),
  );
}

async function exportBundle(cli: Cli, name: string, { out, ...options }: ExportOptions): Promise<void> {
  if (out === undefined)
    throw new CustodyError('unsupported', 'a bundle is written to a file or a folder', {
      hint: 'name it: --out audit.html',
    });
  const { writeBundle } = await import('../bundle/write-bundle.ts');
  await writeBundle(cli, name, { ...options, out });
}

async function writeCast(
  cli: Cli,
  evidence: EvidenceReading,
  options: ExportOptions,
  output: Output,
): Promise<void> {
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
      evidence: await referenceOf(evidence),
    },
    remarks,
  );
  let some = false;
  for await (const line of lines) {
    some = true;
    status.clear();
    await output.text(`${escapeJson(line)}\n`);
  }
  const report = await evidence.conclude();
  for (const line of verdictLines(report)) say(cli, line);
  if (remarks.replaced)
    say(cli, 'note: bytes that are no UTF-8 stand as U+FFFD; the recording has them as they were');
  if (!some) throw noTerminal(options.channel);
}

function readStep(text: string): number {
  const step = Number(text);
  if (Number.isSafeInteger(step) && step > 0) return step;
  throw new InvalidArgumentError('It must be the number of a step, from 1.');
}

export function readChannel(text: string): number {
  const channel = Number(text);
  if (Number.isSafeInteger(channel) && channel > 0) return channel;
  throw new InvalidArgumentError('It must be the number of a channel, from 1.');
}
