import { Command, InvalidArgumentError, Option } from 'commander';
import { nameOf } from '#core/access/person.ts';
import type { Opening } from '#core/recording/verify/verify.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { VERDICT_HELP, verdictLines } from '../evidence/report.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { type EvidenceReading, type ReadingOptions, withEvidence } from '../play/evidence-reading.ts';
import { playInteractive } from '../play/interactive.ts';
import { keyboard, terminalOf } from '../play/keyboard.ts';
import { atOnce, type Pace, recordedPace, steppedPace } from '../play/pace.ts';
import { playedSteps } from '../play/played-steps.ts';
import { playRaw } from '../play/raw.ts';
import { playOrRedacted } from '../play/redacted.ts';
import { openSteps } from '../steps/open-steps.ts';
import { readChannel } from './export.ts';

interface PlayOptions extends ReadingOptions {
  readonly speed?: number;
  readonly step?: true;
  readonly json?: true;
  readonly raw?: true;
  readonly channel?: number;
  readonly interactive?: true;
  readonly idleLimit?: number;
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
    .addOption(
      new Option('--raw', "a terminal's output as it was, given to yours: it acts on it").conflicts([
        'json',
        'step',
      ]),
    )
    .addOption(
      new Option(
        '-i, --interactive',
        'with keys: pause, speed, next error, next write, any step or time',
      ).conflicts(['json', 'step', 'raw']),
    )
    .option('--idle-limit <s>', 'with --speed or -i: no pause is longer, in seconds as it was', readSeconds)
    .option('--channel <n>', 'with --raw, of this channel; else the first terminal', readChannel)
    .addHelpText('after', NOTES)
    .action((name: string, options: PlayOptions) =>
      options.interactive
        ? playWithKeys(cli, name, options)
        : playOrRedacted(cli, name, options, () => play(cli, name, options)),
    );
}

async function play(cli: Cli, name: string, options: PlayOptions): Promise<void> {
  await withEvidence(cli, name, options, async (evidence) => {
    await introduce(cli, evidence, options);
    if (options.raw) await playRaw(cli, evidence, options);
    else if (!(await showSteps(cli, evidence, options))) return sayStopped(cli);
    await conclude(cli, evidence, options);
  });
}

/** Steps come from the server, which checks them, or through an index beside a folder: so that any of them is near. */
async function playWithKeys(cli: Cli, name: string, options: PlayOptions): Promise<void> {
  const terminal = terminalOf(cli);
  // Until it plays, Ctrl-C ends it: opening may take long.
  const steps = await playedSteps(await openSteps(cli, name, options));
  const { speed = 1, idleLimit } = options;
  const rate = { speed, ...(idleLimit === undefined ? {} : { idleLimit: idleLimit * 1e6 }) };
  const keys = keyboard(terminal);
  try {
    await playInteractive(cli, steps, rate, keys);
  } finally {
    keys.restore();
  }
}

/** Whose recording it is. */
async function introduce(cli: Cli, { opening }: EvidenceReading, { json }: PlayOptions): Promise<void> {
  const { open, fault: doubt } = opening;
  if (!json && doubt === undefined) await print(cli, `${titleOf(open!)}\n`);
}

function titleOf({ session, principal, target, startedAt }: NonNullable<Opening['open']>): string {
  return escapeTerminal(`session ${session}: ${nameOf(principal)} on ${target.name}, from ${startedAt}`);
}

/** False when the person has seen enough. */
async function showSteps(
  cli: Cli,
  { reader, reading, opening: { close }, status }: EvidenceReading,
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

async function conclude(cli: Cli, evidence: EvidenceReading, { json }: PlayOptions): Promise<void> {
  const report = await evidence.conclude();
  const signers = evidence.trusted.map(({ fingerprint }) => fingerprint);
  if (json) return printJson(cli, { kind: 'verdict', ...report, trusted: signers });
  await print(cli, ['', ...verdictLines(report)].join('\n'));
}

function sayStopped(cli: Cli): void {
  say(cli, 'stopped here: what follows was not checked');
}

function paceOf(cli: Cli, { speed, step, idleLimit }: PlayOptions): Pace {
  if (step) return steppedPace(cli);
  return speed === undefined ? atOnce : recordedPace(speed, idleLimit);
}

function readSpeed(text: string): number {
  const speed = Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new InvalidArgumentError('It must be a number above 0, such as 1 or 10.');
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new InvalidArgumentError('It must be a number of seconds, such as 2 or 0.5.');
}
