/**
 * The gateway's program: one process, or the parent of several that are this program as well, and the entry of their threads. The only
 * proxy file that chooses surroundings. Each loads what it needs alone: a parent speaks no protocol.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';
import { asCustodyError } from '#core/errors.ts';
import { calmLog } from './calm-log.ts';
import { jsonLog, type Log } from './log.ts';
import type { KeeperSettings } from './processes/start-keeper.ts';
import type { RecorderSettings } from './recorder/start.ts';
import { readSettings, type Settings } from './settings.ts';
import type { ParentSurroundings, RecorderSurroundings, RelaySurroundings } from './surroundings.ts';
import { Tally } from './tally.ts';

const ENTRY = new URL(import.meta.url);

if (isMainThread) await runProcess(readSettings(process.argv.slice(2), process.env));
else await runThread(workerData as RecorderSettings | KeeperSettings);

/** The relay's thread, or the parent of several processes; says so if it cannot start. */
async function runProcess(settings: Settings): Promise<void> {
  // Whoever reads the log may die first; sessions are drained all the same.
  process.stderr.on('error', () => undefined);
  const tally = new Tally();
  const { child, processes } = settings;
  const log = tally.counting(
    calmLog(writtenLog(child === undefined ? {} : { process: child.number }), timesOfLog()),
  );
  try {
    if (child === undefined && processes > 1) await runParent(settings, tally, log);
    else await runGateway(settings, tally, log);
  } catch (thrown) {
    const error = asCustodyError(thrown);
    log('cannot-start', error, error.hint === undefined ? {} : { hint: error.hint });
    process.exit(1);
  }
}

async function runGateway(settings: Settings, tally: Tally, log: Log): Promise<void> {
  const task = settings.child?.task ?? randomUUID();
  const [{ startGateway }, surroundings] = await Promise.all([
    import('./gateway-process.ts'),
    relaySurroundings(settings, task),
  ]);
  await startGateway({ settings, task, surroundings, entry: ENTRY, version: ownVersion(), tally, log });
}

async function runParent(settings: Settings, tally: Tally, log: Log): Promise<void> {
  const { startParent } = await import('./processes/parent.ts');
  const surroundings = await parentSurroundings(settings);
  await startParent({ settings, args: process.argv.slice(2), surroundings, entry: ENTRY, tally, log });
}

/** The recorder's thread, or a parent's that looks after what its processes leave. */
async function runThread(settings: RecorderSettings | KeeperSettings): Promise<void> {
  if ('keeps' in settings) {
    const { runKeeper } = await import('./processes/keeper-thread.ts');
    return runKeeper(settings, async () =>
      (await import('./on-laptop/keeper.ts')).keeperOnLaptop(settings.dataDir),
    );
  }
  const { runRecorder } = await import('./recorder/recorder-thread.ts');
  return runRecorder(settings, () => recorderSurroundings(settings));
}

/** A task of the stack, or a laptop's gateway: neither loads what the other needs. */
async function relaySurroundings(settings: Settings, task: string): Promise<RelaySurroundings> {
  if (isOnAws()) return (await onAws()).relayOnAws(process.env, task, settings.configMs);
  return (await import('./on-laptop/relay.ts')).relayOnLaptop(settings);
}

async function recorderSurroundings({
  dataDir,
  task,
  isChild,
}: RecorderSettings): Promise<RecorderSurroundings> {
  if (isOnAws()) return (await onAws()).recorderOnAws(process.env, task);
  return (await import('./on-laptop/recorder.ts')).recorderOnLaptop(dataDir, task, isChild);
}

async function parentSurroundings({ dataDir }: Settings): Promise<ParentSurroundings> {
  if (isOnAws()) return (await onAws()).parentOnAws(process.env);
  return (await import('./on-laptop/parent.ts')).parentOnLaptop(dataDir);
}

function onAws() {
  return import('./on-aws.ts');
}

function isOnAws(): boolean {
  return process.env['CUSTODY_BUCKET'] !== undefined;
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', ENTRY), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `always`: said with every line. */
function writtenLog(always: Readonly<Record<string, unknown>>): Log {
  const log = jsonLog(
    (line) => process.stderr.write(`${line}\n`),
    () => new Date(),
  );
  return (event, error, facts) => log(event, error, { ...always, ...facts });
}

function timesOfLog() {
  return {
    now: () => performance.now(),
    later: (ms: number, work: () => void) => void setTimeout(work, ms).unref(),
  };
}
