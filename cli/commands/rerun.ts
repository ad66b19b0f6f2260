import { Command, InvalidArgumentError } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { readMayDiffer } from '#core/replay/rerun/may-differ.ts';
import { rerunPostgres } from '#core/replay/rerun/postgres/rerun.ts';
import type { RerunReport } from '#core/replay/rerun/report.ts';
import type { Api } from '../api.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type EvidenceSource, sourceOf, withEvidence } from '../evidence/source.ts';
import { knownTarget } from '../known-target.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { makeSandbox, permitRerun, removeSandbox } from '../rerun/api.ts';
import { type Recording, verifiedRecording } from '../rerun/evidence.ts';
import { wantedPostgres, worldOf } from '../rerun/postgres.ts';
import { reportText } from '../rerun/report-text.ts';
import { takeOver } from '../rerun/take-over.ts';

export interface RerunCommandOptions {
  readonly against: string;
  readonly sandbox?: string;
  readonly at?: string;
  readonly until?: number;
  readonly gaps?: true | number;
  readonly ignore: readonly string[];
  readonly timeout: number;
  readonly keep?: true;
  readonly json?: true;
  readonly key?: readonly string[];
  readonly origin?: string;
}

const SAME = 0;
const DIFFERENT = 1;
/** Not run again, or not to its end. */
const NOT_DONE = 2;

const NOTES = `
What the client sent is sent again, through the gateway, to a target that custody.yaml marks as a sandbox; each answer is compared with the
recorded one. Exit codes: 0 all answers are the same, 1 there are differences, 2 it was not run again.`;

export function rerunCommand(cli: Cli): Command {
  return new Command('rerun')
    .description('run a recorded session again in a sandbox, and see where its answers differ')
    .argument('<id|folder>')
    .requiredOption('--against <target>', 'the sandbox: a target with `sandbox` in custody.yaml')
    .option('--sandbox <id>', 'one that was made already')
    .option('--at <when>', 'of one that is made: session, now, or a time')
    .option('--until <step>', 'stop behind this step, and leave the connection to a psql', readCount)
    .option('--gaps [speed]', 'with the recorded pauses, n times as fast', readSpeed)
    .option(
      '--ignore <rule...>',
      'what may differ: column=NAME, now, sequence, notice, order, setting, message, transaction',
      [],
    )
    .option(
      '--timeout <seconds>',
      'how long the sandbox may say nothing, besides what it took then',
      readCount,
      60,
    )
    .option('--keep', 'do not remove a sandbox that was made for this')
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', NOTES)
    .action((name: string, options: RerunCommandOptions) => rerun(cli, name, options));
}

async function rerun(cli: Cli, name: string, options: RerunCommandOptions): Promise<void> {
  cli.exitWith(NOT_DONE);
  const api = await connectApi(cli);
  const { session } = await sourceOf(name);
  const wish = { against: options.against, until: options.until };
  // The evidence of a session is fetched once it may be run again; of a folder it has to be read whose it is.
  const permitted = session === undefined ? undefined : await permitRerun(api, session, wish);
  await withEvidence(cli, name, async (source) => run(cli, api, source, permitted, options), 'rerun');
}

type Permission = Awaited<ReturnType<typeof permitRerun>>;

async function run(
  cli: Cli,
  api: Api,
  source: EvidenceSource,
  permitted: Permission | undefined,
  options: RerunCommandOptions,
): Promise<void> {
  const recording = await verifiedRecording(cli, source, options);
  const { session, target } = recording.facts;
  if (recording.incomplete !== undefined) say(cli, `note: ${recording.incomplete}`);
  const { against, until } = options;
  const permission = permitted ?? (await permitRerun(api, session, { against, until }));
  if (permission.protocol !== 'postgres' || target.protocol !== 'postgres')
    throw new CustodyError('unsupported', `sessions of ${target.protocol} are not run again`);
  const made = permission.sandbox === 'made' && options.sandbox === undefined;
  const sandbox = made
    ? await makeSandbox(api, { target: against, session, at: options.at })
    : options.sandbox;
  try {
    await runPostgres(cli, api, recording, sandbox, options);
  } finally {
    if (made && !options.keep) await removeSandbox(api, sandbox!);
  }
}

async function runPostgres(
  cli: Cli,
  api: Api,
  recording: Recording,
  sandbox: string | undefined,
  options: RerunCommandOptions,
): Promise<void> {
  const target = await knownTarget(api, options.against);
  const wanted = await wantedPostgres(cli, api, target, recording, sandbox);
  const { reports, live } = await rerunPostgres([wanted], engineOptions(options), worldOf(cli));
  const found = { ...reports[0]!, ...(sandbox === undefined ? {} : { sandbox }) };
  const { incomplete } = recording;
  const report: RerunReport = incomplete === undefined ? found : { ...found, incomplete };
  if (options.json) await printJson(cli, report);
  else await print(cli, reportText(report));
  cli.exitWith(report.differences.length === 0 && report.notReached === undefined ? SAME : DIFFERENT);
  if (live !== undefined) await takeOver(cli, live);
}

function engineOptions({ ignore, gaps, timeout, until }: RerunCommandOptions) {
  return {
    mayDiffer: readMayDiffer(ignore),
    gaps: gaps === true ? 1 : gaps,
    answerMs: timeout * 1000,
    until,
  };
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

function readSpeed(text: string): number {
  const speed = Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new InvalidArgumentError('It must be a number above 0, such as 1 or 10.');
}
