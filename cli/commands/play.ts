import { Command, InvalidArgumentError, Option } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { framesOf } from '#core/recording/verify/frames.ts';
import {
  type EvidenceFacts,
  type EvidenceFolder,
  type VerifyReport,
  verifyEvidence,
} from '#core/recording/verify/verify.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import { REPLAY_LIMITS } from '#core/replay/step.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { localFolder } from '../evidence/local-folder.ts';
import { type EvidenceSource, withEvidence } from '../evidence/source.ts';
import { formatStep } from '../play/format-step.ts';
import { atOnce, type Pace, recordedPace, steppedPace } from '../play/pace.ts';
import { pinnedSigner } from '../signer-pin.ts';

interface PlayOptions {
  readonly speed?: number;
  readonly step?: true;
  readonly json?: true;
}

/** Columns where the output is not a terminal. */
const PLAIN_WIDTH = 160;

export function playCommand(cli: Cli): Command {
  return new Command('play')
    .description('what was done in a session: its statements with their answers')
    .argument('<id|folder>')
    .option('--speed <n>', 'as it went in time, n times as fast', readSpeed)
    .addOption(new Option('--step', 'wait for Enter before each step').conflicts('speed'))
    .option('--json', 'one step a line, as JSON')
    .action((name: string, options: PlayOptions) =>
      withEvidence(cli, name, (source) => play(cli, source, options)),
    );
}

async function play(cli: Cli, { folder, session }: EvidenceSource, options: PlayOptions): Promise<void> {
  const evidence = localFolder(folder);
  const facts = await checkedFacts(cli, evidence, session);
  if (!options.json) await print(cli, `${titleOf(facts)}\n`);
  const pace = paceOf(cli, options);
  try {
    const steps = postgresSteps(framesOf(evidence), REPLAY_LIMITS, () => ({ reason: facts.reason }));
    for await (const step of steps) {
      if (!(await pace.next(step))) return;
      if (options.json) await printJson(cli, step);
      else await print(cli, formatStep(step, cli.stdout.columns ?? PLAIN_WIDTH));
    }
  } finally {
    pace.end();
  }
}

/** A recording is never shown as if it were whole when it is not. */
async function checkedFacts(
  cli: Cli,
  evidence: EvidenceFolder,
  session: string | undefined,
): Promise<EvidenceFacts> {
  const signer = pinnedSigner(cli);
  const trustedSigners = signer === undefined ? [] : [signer.der];
  const report = await verifyEvidence(evidence, {
    trustedSigners,
    ...(session !== undefined && { session }),
  });
  warn(cli, report);
  if (report.facts === undefined) throw notEvidence();
  const { name, protocol } = report.facts.target;
  if (protocol === 'postgres') return report.facts;
  throw new CustodyError('unsupported', `${name} speaks ${protocol}, which this custody cannot show`);
}

function warn(cli: Cli, { verdict, findings, facts }: VerifyReport): void {
  if (verdict === 'failed') {
    say(
      cli,
      `WARNING: this recording FAILS verification, what follows may not be what happened: ${findings[0]!.message}`,
    );
    say(cli, 'hint: custody verify names everything that is wrong with it');
  }
  if (facts?.completeness !== undefined) say(cli, `note: ${facts.completeness}`);
}

function titleOf({ session, principal, target, startedAt }: EvidenceFacts): string {
  const who = principal.email ?? principal.subject;
  return escapeTerminal(`session ${session}: ${who} on ${target.name}, from ${startedAt}`);
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
