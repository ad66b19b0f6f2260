import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { readMayDiffer } from '#core/replay/rerun/may-differ.ts';
import type { RerunReport } from '#core/replay/rerun/report.ts';
import { type Api, sessionPages } from '../api.ts';
import type { Session } from '../api-shapes.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type EvidenceSource, fetchEvidence, sourceOf, withEvidence } from '../evidence/source.ts';
import { knownTarget } from '../known-target.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { permitRerun, type RerunPermission } from '../rerun/api.ts';
import { type EvidenceOptions, verifiedRecording } from '../rerun/evidence.ts';
import { reportText } from '../rerun/report-text.ts';
import type { RerunnerOptions, WantedRerun } from '../rerun/rerunner.ts';
import { rerunnerOf } from '../rerun/rerunners.ts';
import { apartFrom, readPairs, together } from '../rerun/together.ts';
import { knownRun } from '../run/known-run.ts';
import { makeSandbox, removeSandbox } from '../sandboxes-api.ts';

interface RerunCommandOptions extends EvidenceOptions {
  readonly against: readonly string[];
  readonly run?: string;
  readonly sandbox?: string;
  readonly at?: string;
  readonly until?: number;
  readonly gaps?: true | number;
  readonly ignore: readonly string[];
  readonly timeout: number;
  readonly keep?: true;
  readonly json?: true;
}

const SAME = 0;
const DIFFERENT = 1;
/** Not run again, or not to its end. */
const NOT_DONE = 2;

const NOTES = `
What the client sent is sent again, through the gateway, to a target that custody.yaml marks as a sandbox; each answer is compared
with the recorded one. The sessions of a run go together, in their recorded order: --run RUN --against orders-db=sandbox-db
Exit codes: 0 all answers are the same, 1 there are differences, 2 it was not run again.`;

export function rerunCommand(cli: Cli): Command {
  return new Command('rerun')
    .description('run a recorded session again in a sandbox, and see where its answers differ')
    .argument('[id|folder]')
    .requiredOption('--against <target...>', 'the sandbox: a target with `sandbox` in custody.yaml')
    .option('--run <run>', 'all sessions of this run; --against says which target stands for which')
    .option('--sandbox <id>', 'one that was made already')
    .option('--at <when>', 'of one that is made: session, now, or a time')
    .option(
      '--until <step>',
      'stop behind this step, and leave the connection to a client of yours',
      readCount,
    )
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
    .action((name: string | undefined, options: RerunCommandOptions) => rerun(cli, name, options));
}

async function rerun(cli: Cli, name: string | undefined, options: RerunCommandOptions): Promise<void> {
  cli.exitWith(NOT_DONE);
  const { run } = options;
  if ((name === undefined) === (run === undefined)) {
    throw new CustodyError('config-invalid', 'either a session is run again, or a run', {
      hint: 'custody rerun ID --against TARGET; custody rerun --run RUN --against TARGET=SANDBOX',
    });
  }
  const desk = new Desk(cli, await connectApi(cli), options);
  try {
    await (run === undefined ? desk.session(name!) : desk.run(run));
  } finally {
    await desk.close();
  }
}

/** What one call of the command has made, and takes away again. */
class Desk {
  readonly #cli: Cli;
  readonly #api: Api;
  readonly #options: RerunCommandOptions;
  readonly #engine: RerunnerOptions;
  /** Sandboxes that were made, by their target. */
  readonly #made = new Map<string, string>();
  readonly #folders: string[] = [];

  constructor(cli: Cli, api: Api, options: RerunCommandOptions) {
    this.#cli = cli;
    this.#api = api;
    this.#options = options;
    const { gaps, until } = options;
    const answerMs = options.timeout * 1000;
    this.#engine = {
      mayDiffer: readMayDiffer(options.ignore),
      gaps: gaps === true ? 1 : gaps,
      answerMs,
      until,
    };
  }

  async session(name: string): Promise<void> {
    const { session } = await sourceOf(name);
    // The evidence of a session is fetched once it may be run again; of a folder it has to be read whose it is.
    const permission = session === undefined ? undefined : await this.#permit(session, this.#only());
    const cli = this.#cli;
    const work = async (source: EvidenceSource): Promise<void> => {
      const wanted = await this.#wanted(source, this.#only(), permission);
      const { reports, goOn } = await this.#again([wanted]);
      const [report] = reports as [RerunReport];
      if (this.#options.json) await printJson(cli, report);
      else await print(cli, reportText(report));
      cli.exitWith(isSame(report) ? SAME : DIFFERENT);
      await goOn?.();
    };
    await withEvidence(cli, name, work, 'rerun');
  }

  async run(called: string): Promise<void> {
    if (this.#options.until !== undefined)
      throw new CustodyError('config-invalid', 'a step is one of a session: --until is not for runs');
    const pairs = readPairs(this.#options.against);
    const { id } = await knownRun(this.#api, called);
    const all: WantedRerun[] = [];
    for (const session of await this.#sessionsOf(id)) all.push(await this.#ofRun(session, pairs));
    const reports: RerunReport[] = [];
    for (const group of together(all)) {
      const done = await this.#again(group);
      reports.push(...done.reports.map((report, at) => withNote(report, apartFrom(group[at]!, all))));
    }
    const areSame = reports.every(isSame);
    if (this.#options.json) await printJson(this.#cli, { run: id, same: areSame, sessions: reports });
    else for (const report of reports) await print(this.#cli, `${reportText(report)}\n`);
    this.#cli.exitWith(areSame ? SAME : DIFFERENT);
  }

  async close(): Promise<void> {
    // One that is not removed now is when its time is over.
    if (!this.#options.keep)
      for (const id of this.#made.values()) await removeSandbox(this.#api, id).catch(() => undefined);
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }

  /** Oldest first. */
  async #sessionsOf(run: string): Promise<Session[]> {
    const found: Session[] = [];
    for await (const page of sessionPages(this.#api, { run }, { limit: 200 })) found.push(...page);
    if (found.length > 0) return found.toReversed();
    throw new CustodyError('not-found', 'the run has no sessions that you may see');
  }

  async #ofRun(session: Session, pairs: ReadonlyMap<string, string>): Promise<WantedRerun> {
    const against = pairs.get(session.target);
    if (against === undefined) {
      throw new CustodyError('config-invalid', `nothing stands for ${session.target}`, {
        hint: `--against ${session.target}=SANDBOX`,
      });
    }
    const permission = await this.#permit(session.id, against);
    const folder = await mkdtemp(join(tmpdir(), 'custody-'));
    this.#folders.push(folder);
    await fetchEvidence(this.#cli, { id: session.id, purpose: 'rerun' }, folder);
    return this.#wanted({ folder, session: session.id }, against, permission);
  }

  async #wanted(source: EvidenceSource, against: string, permitted?: RerunPermission): Promise<WantedRerun> {
    const recording = await verifiedRecording(this.#cli, source, this.#options);
    if (recording.incomplete !== undefined) say(this.#cli, `note: ${recording.incomplete}`);
    const { session } = recording.facts;
    const permission = permitted ?? (await this.#permit(session, against));
    const sandbox = await this.#sandbox(permission);
    return { recording, sandbox, target: await knownTarget(this.#api, against) };
  }

  /** One for all sessions that go there: as the data was before the first of them. */
  async #sandbox({ sandbox, against, session }: RerunPermission): Promise<string | undefined> {
    if (this.#options.sandbox !== undefined || sandbox === 'static') return this.#options.sandbox;
    const there = this.#made.get(against);
    if (there !== undefined) return there;
    const { at } = this.#options;
    say(this.#cli, `${against} is being made`);
    const made = await makeSandbox(this.#api, {
      target: against,
      session,
      ...(at === undefined ? {} : { at }),
    });
    this.#made.set(against, made);
    return made;
  }

  #permit(session: string, against: string): Promise<RerunPermission> {
    return permitRerun(this.#api, session, { against, until: this.#options.until });
  }

  async #again(wanted: readonly WantedRerun[]) {
    const { protocol } = wanted[0]!.recording.facts.target;
    const { reports, goOn } = await rerunnerOf(protocol).run(this.#cli, this.#api, wanted, this.#engine);
    return { reports: reports.map((report, at) => withOrigin(report, wanted[at]!)), goOn };
  }

  #only(): string {
    const [against = '', ...more] = this.#options.against;
    if (more.length === 0 && !against.includes('=')) return against;
    throw new CustodyError('config-invalid', 'a session is run again against one target');
  }
}

function withOrigin(report: RerunReport, { sandbox, recording: { incomplete } }: WantedRerun): RerunReport {
  const why = [report.incomplete, incomplete].filter((one) => one !== undefined).join('; ');
  return {
    ...report,
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(why === '' ? {} : { incomplete: why }),
  };
}

function withNote(report: RerunReport, note: string | undefined): RerunReport {
  if (note === undefined) return report;
  return { ...report, incomplete: [report.incomplete, note].filter((one) => one !== undefined).join('; ') };
}

function isSame({ differences, notReached }: RerunReport): boolean {
  return differences.length === 0 && notReached === undefined;
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
