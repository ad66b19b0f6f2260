/** Exports that are made while the recording is verified. */
import { CustodyError } from '#core/errors.ts';
import type { StreamName } from '#core/recording/format.ts';
import type { SessionExports } from '#core/replay/export/exports.ts';
import { LOAD_EXPORTS } from '#core/replay/export/load-exports.ts';
import { rawBytes } from '#core/replay/export/raw.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, jsonText, say } from '../cli.ts';
import { verdictLines } from '../evidence/report.ts';
import type { EvidenceReading } from '../play/evidence-reading.ts';
import { noTerminal, terminalOf } from '../play/raw.ts';
import { eventLines } from './event-lines.ts';
import type { Output } from './output.ts';
import { conclusion, referenceOf } from './reference.ts';
import { Spool } from './spool.ts';

export interface SessionExportOptions {
  readonly step?: number;
  readonly null?: string;
  readonly spreadsheet?: true;
  readonly raw?: StreamName;
  readonly channel?: number;
}

type Form = 'ndjson' | 'ocsf' | 'sql' | 'csv' | 'raw';

/** Nothing of it is of frames that do not verify; where those begin, it ends, and the verdict says so. */
export async function writeExport(
  cli: Cli,
  evidence: EvidenceReading,
  form: Form,
  options: SessionExportOptions,
  output: Output,
): Promise<void> {
  switch (form) {
    case 'ndjson':
      return writeSteps(cli, evidence, output);
    case 'ocsf':
      return writeEvents(cli, evidence, output);
    case 'sql':
      return writeSql(cli, evidence, output);
    case 'csv':
      return writeCsv(cli, evidence, options, output);
    case 'raw':
      return options.channel === undefined
        ? writeRaw(cli, evidence, options.raw!, output)
        : writeChannel(cli, evidence, { stream: options.raw!, channel: options.channel }, output);
  }
}

async function writeSteps(cli: Cli, evidence: EvidenceReading, output: Output): Promise<void> {
  const { reader, reading, opening, status } = evidence;
  await output.text(`${jsonText({ kind: 'evidence', ...(await referenceOf(evidence)) })}\n`);
  let number = 0;
  const ending = () => ({ reason: opening.close?.reason });
  for await (const read of reader.steps(reading.frames(), 'whole', ending)) {
    // The decoder takes the end of what it is given for the end of the session.
    if (read.step.kind === 'end' && (opening.close === undefined || reading.fault !== undefined)) continue;
    status.clear();
    await output.text(`${jsonText({ number: (number += 1), ...read.toJson() })}\n`);
  }
  const told = await concluded(cli, evidence, { steps: { from: 1, to: number } });
  await output.text(`${jsonText({ kind: 'verdict', ...told })}\n`);
}

/** The lines have no place for words about them: what is said of the evidence is said beside them. */
async function writeEvents(cli: Cli, evidence: EvidenceReading, output: Output): Promise<void> {
  const reference = await referenceOf(evidence);
  let events = 0;
  for await (const line of eventLines(evidence, reference)) {
    evidence.status.clear();
    events += 1;
    await output.text(line);
  }
  await output.beside({ ...reference, ...(await concluded(cli, evidence, { ocsf: { events } })) });
}

async function writeSql(cli: Cli, evidence: EvidenceReading, output: Output): Promise<void> {
  const { script } = await exportsOf(evidence);
  const { reading, opening } = evidence;
  await output.text(`-- evidence: ${jsonText(await referenceOf(evidence))}\n`);
  const ending = () => ({ reason: opening.close?.reason });
  const totals = await script(reading.frames(), ending, (text) => output.text(text));
  const told = await concluded(cli, evidence, { ...totals, steps: { from: 1, to: totals.steps } });
  await output.text(`\n-- verdict: ${jsonText(told)}\n`);
  if (totals.doubtful > 0)
    say(
      cli,
      `NOT CERTAIN: ${totals.doubtful} statements are comments, as nobody can tell for certain what ran`,
    );
}

async function writeCsv(
  cli: Cli,
  evidence: EvidenceReading,
  { step, null: nullText = '', spreadsheet }: SessionExportOptions,
  output: Output,
): Promise<void> {
  const { table } = await exportsOf(evidence);
  const reference = await referenceOf(evidence);
  const spool = new Spool();
  try {
    const found = await table(
      evidence.reading.frames(),
      step!,
      { nullText, spreadsheet: spreadsheet === true },
      spool,
    );
    if (!found)
      throw new CustodyError('not-found', `step ${step} has no result`, {
        hint: 'custody play numbers the steps',
      });
    await spool.into(output);
  } finally {
    await spool.end();
  }
  const told = await concluded(cli, evidence, { csv: { step } });
  await output.beside({ ...reference, ...told });
}

async function writeRaw(
  cli: Cli,
  evidence: EvidenceReading,
  stream: StreamName,
  output: Output,
): Promise<void> {
  const reference = await referenceOf(evidence);
  let [bytes, withheld] = [0, 0];
  for await (const piece of rawBytes(evidence.reading.frames(), stream, (n) => (withheld += n))) {
    bytes += piece.length;
    await output.bytes(piece);
  }
  const told = await concluded(cli, evidence, { raw: { stream, bytes, withheld } });
  await output.beside({ ...reference, ...told });
  if (withheld > 0)
    say(cli, `note: ${withheld} bytes are secrets of the login, and stand as zeros in the recording`);
}

/** What a program put out, or was given, without the messages that carried it. */
async function writeChannel(
  cli: Cli,
  evidence: EvidenceReading,
  { stream, channel }: { readonly stream: StreamName; readonly channel: number },
  output: Output,
): Promise<void> {
  const reference = await referenceOf(evidence);
  const wanted = stream === 'client' ? 'input' : 'output';
  let [bytes, isThere] = [0, false];
  for await (const event of terminalOf(evidence, channel)) {
    isThere = true;
    if (event.kind !== wanted) continue;
    bytes += event.bytes.length;
    await output.bytes(event.bytes);
  }
  const told = await concluded(cli, evidence, { raw: { stream, channel, bytes } });
  await output.beside({ ...reference, ...told });
  if (!isThere) throw noTerminal(channel);
}

async function concluded(cli: Cli, evidence: EvidenceReading, part: object): Promise<object> {
  const report = await evidence.conclude();
  for (const line of verdictLines(report)) say(cli, line);
  return conclusion(report, part);
}

async function exportsOf({ opening }: EvidenceReading): Promise<SessionExports> {
  const { protocol } = opening.open!.target;
  const load = LOAD_EXPORTS.get(protocol);
  if (load !== undefined && opening.fault === undefined) return load();
  throw new CustodyError(
    'unsupported',
    escapeTerminal(`sessions of ${protocol} have no statements and results`),
    { hint: 'custody export --ndjson has their steps, --asciicast a terminal' },
  );
}
