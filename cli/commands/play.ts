import { Command, InvalidArgumentError, Option } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { segmentNumber } from '#core/recording/layout.ts';
import {
  type EvidenceFolder,
  type Opening,
  readEvidence,
  type VerifyReport,
  verdictOf,
} from '#core/recording/verify/verify.ts';
import type { ReadStep, ReplayReader } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { openEvidence } from '../evidence/open.ts';
import { NOT_CHECKED, VERDICT_CODES, VERDICT_HELP, verdictLines } from '../evidence/report.ts';
import { expectedLedger, ORIGIN_HELP } from '../ledger-pin.ts';
import { CheckedReading } from '../play/checked-reading.ts';
import { atOnce, type Pace, recordedPace, steppedPace } from '../play/pace.ts';
import { knownSigners, type PublicSigner } from '../signer-pin.ts';
import { StatusLine } from '../status-line.ts';

interface PlayOptions {
  readonly speed?: number;
  readonly step?: true;
  readonly key?: readonly string[];
  readonly origin?: string;
  readonly json?: true;
}

/** Columns where the output is not a terminal. */
const PLAIN_WIDTH = 160;

const NOTES = `
A recording is verified as it is shown: nothing is shown that does not verify, and the last line is the verdict on all of it.
${VERDICT_HELP}`;

export function playCommand(cli: Cli): Command {
  return new Command('play')
    .description('what was done in a session: its statements with their answers')
    .argument('<id|folder>')
    .option('--speed <n>', 'as it went in time, n times as fast', readSpeed)
    .addOption(new Option('--step', 'wait for Enter before each step').conflicts('speed'))
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .option('--json', 'one step a line, as JSON, and the verdict on the last')
    .addHelpText('after', NOTES)
    .action((name: string, options: PlayOptions) => play(cli, name, options));
}

async function play(cli: Cli, name: string, options: PlayOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const given = options.key === undefined ? undefined : knownSigners(cli, options.key);
  const { folder, session, throwFailure } = await openEvidence(cli, name);
  const trusted = given ?? knownSigners(cli, undefined);
  const status = new StatusLine(cli);
  const reading = new CheckedReading(
    readEvidence(await watched(folder, status), {
      trustedSigners: trusted.map(({ der }) => der),
      ledger: expectedLedger(cli, options),
      ...(session === undefined ? {} : { session }),
    }),
    throwFailure,
  );
  try {
    const opening = await reading.open();
    const reader = await introduce(cli, opening, options);
    if (!(await showSteps(cli, reader, reading, opening, status, options))) return sayStopped(cli);
    await conclude(cli, await reading.finish(), trusted, status, options);
  } finally {
    status.clear();
  }
}

/** Says how far it is. */
async function watched(folder: EvidenceFolder, status: StatusLine): Promise<EvidenceFolder> {
  const names = await folder.list();
  const of = names.filter((name) => segmentNumber(name) !== undefined).length;
  return {
    list: async () => names,
    get: (name, atMost) => {
      const number = segmentNumber(name);
      if (number !== undefined) status.show(`segment ${number + 1} of ${of}`);
      return folder.get(name, atMost);
    },
  };
}

/** Whose recording it is, and what is known against it already. Who reads it. */
async function introduce(cli: Cli, opening: Opening, { json }: PlayOptions): Promise<ReplayReader> {
  const { open, close, findings, fault: doubt } = opening;
  if (open === undefined) throw notEvidence();
  const { name, protocol } = open.target;
  // What an opening that is in doubt says does not count, and nothing of it will be shown.
  const reader = READERS.get(protocol) ?? (doubt === undefined ? undefined : [...READERS.values()][0]);
  if (reader === undefined)
    throw new CustodyError('unsupported', `${name} speaks ${protocol}, which this custody cannot show`);
  const fault = findings.find((finding) => verdictOf([finding]) === 'failed');
  if (fault !== undefined) say(cli, `WARNING: this recording FAILS verification: ${fault.message}`);
  if (close?.recovered) say(cli, 'note: the gateway died in this session; what it had recorded follows');
  if (!json && doubt === undefined) await print(cli, `${titleOf(open)}\n`);
  return reader;
}

function titleOf({ session, principal, target, startedAt }: NonNullable<Opening['open']>): string {
  return escapeTerminal(`session ${session}: ${nameOf(principal)} on ${target.name}, from ${startedAt}`);
}

/** False when the person has seen enough. */
async function showSteps(
  cli: Cli,
  reader: ReplayReader,
  reading: CheckedReading,
  { close }: Opening,
  status: StatusLine,
  options: PlayOptions,
): Promise<boolean> {
  const pace = paceOf(cli, options);
  try {
    const steps = reader.steps(reading.frames(), 'whole', () => ({ reason: close?.reason }));
    for await (const read of steps) {
      const { step } = read;
      // The decoder takes the end of what it is given for the end of the session.
      if (step.kind === 'end' && (close === undefined || reading.fault !== undefined)) continue;
      if (!(await pace.next(step))) return false;
      status.clear();
      await showStep(cli, read, options);
    }
    return true;
  } finally {
    pace.end();
  }
}

async function showStep(cli: Cli, read: ReadStep, { json }: PlayOptions): Promise<void> {
  if (json) return printJson(cli, read.toJson());
  await print(cli, read.toText(cli.stdout.columns ?? PLAIN_WIDTH));
}

async function conclude(
  cli: Cli,
  report: VerifyReport,
  trusted: readonly PublicSigner[],
  status: StatusLine,
  { json }: PlayOptions,
): Promise<void> {
  status.clear();
  cli.exitWith(VERDICT_CODES[report.verdict]);
  const signers = trusted.map(({ fingerprint }) => fingerprint);
  if (json) return printJson(cli, { kind: 'verdict', ...report, trusted: signers });
  await print(cli, ['', ...verdictLines(report)].join('\n'));
}

function sayStopped(cli: Cli): void {
  say(cli, 'stopped here: what follows was not checked');
}

function paceOf(cli: Cli, { speed, step }: PlayOptions): Pace {
  if (step) return steppedPace(cli);
  return speed === undefined ? atOnce : recordedPace(speed);
}

function readSpeed(text: string): number {
  const speed = Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new InvalidArgumentError('It must be a number above 0, such as 1 or 10.');
}

function notEvidence(): CustodyError {
  return new CustodyError(
    'not-found',
    'there is no readable open statement: this is not an evidence folder',
    {
      hint: 'custody verify says what is wrong with it',
    },
  );
}
