/** The parent of several gateway processes: it accepts, hands on, and looks after what there is once. */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { CustodyError } from '#core/errors.ts';
import { crowdedOut } from '../door.ts';
import { entriesOf, placesSaid } from '../entries.ts';
import { type Listeners, listen } from '../listener.ts';
import type { Log } from '../log.ts';
import { childArguments, type Settings } from '../settings.ts';
import type { ParentSurroundings } from '../surroundings.ts';
import type { Tally } from '../tally.ts';
import { Acceptor } from './acceptor.ts';
import { Children, type ChildrenPorts } from './children.ts';
import { type RunningKeeper, startKeeper } from './start-keeper.ts';
import { Totals } from './totals.ts';

export interface ParentParts {
  readonly settings: Settings;
  /** What the parent was started with: its children are as well. */
  readonly args: readonly string[];
  readonly surroundings: ParentSurroundings;
  /** The program of children and threads. */
  readonly entry: URL;
  readonly tally: Tally;
  readonly log: Log;
}

/** Resolves when clients can come. Rejects where that cannot be. */
export async function startParent({ surroundings, ...parts }: ParentParts): Promise<void> {
  const { settings, log, tally } = parts;
  const keeper = surroundings.keeps ? await keeperOf(parts) : undefined;
  const acceptor: Acceptor = new Acceptor({
    of: settings.processes,
    takers: () => children.serving,
    patienceMs: settings.loginMs,
    now: () => performance.now(),
    every: (ms, work) => void setInterval(work, ms).unref(),
    onPushedOut: (client) => log('peer-refused', crowdedOut(), { client }),
  });
  const children = new Children({
    ...portsOf(parts),
    ended: (task) => keeper?.ended(task),
    idle: acceptor.handOn,
    state: (state) => totals.heard(state),
  });
  const totals = new Totals(() => children.states, tally);
  // Whichever cannot start has said why.
  if (!(await children.start())) process.exit(1);
  const onTrouble = (error: CustodyError): void => log('accept-failed', error);
  const entries = entriesOf(settings);
  const listeners = await listen(entries, acceptor, onTrouble, true);
  drainOnRequest({ settings, log, listeners, acceptor, children, keeper, sessions: totals.sessions });
  await surroundings.keepUp?.({
    sessions: totals.sessions,
    draining: () => !listeners.listening || children.serving.length === 0,
    journalLagMs: totals.journalLagMs,
    certificateEnds: totals.certificateEnds,
    tally: totals,
    log,
  });
  const spoken = entries.map(({ protocol, host, port }) => [protocol.name, { host, port }] as const);
  process.send?.({ type: 'ready', ...Object.fromEntries(spoken) });
  const { processes } = settings;
  log('listening', undefined, { ...placesSaid(settings), processes, tasks: children.tasks });
}

/** Without it, what dies would stay unsealed, and leaves out of the ledger. */
function keeperOf({ settings, entry, log }: Omit<ParentParts, 'surroundings'>): Promise<RunningKeeper> {
  const { dataDir, sequenceMs } = settings;
  return startKeeper(entry, { keeps: true, dataDir, sequenceMs }, log, (detail) => {
    const message = 'nobody looks after what gateway processes leave, so all of them end';
    log('abandoned', new CustodyError('internal', message, { detail }));
    process.exitCode = 1;
    process.kill(process.pid, 'SIGTERM');
  });
}

function portsOf({
  settings,
  args,
  entry,
  log,
}: Omit<ParentParts, 'surroundings'>): Omit<ChildrenPorts, 'ended' | 'idle' | 'state'> {
  const of = settings.processes;
  return {
    of,
    newTask: () => randomUUID(),
    spawn: (number, task) =>
      fork(fileURLToPath(entry), [...args, ...childArguments({ number, of, task, parent: process.pid })], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    now: () => performance.now(),
    later: (ms, work) => void setTimeout(work, ms).unref(),
    log,
  };
}

interface Ending {
  readonly settings: Settings;
  readonly log: Log;
  readonly listeners: Listeners;
  readonly acceptor: Acceptor;
  readonly children: Children;
  readonly keeper: RunningKeeper | undefined;
  readonly sessions: () => number;
}

/** As in a gateway of one process; what its children have not sealed at their end is sealed before it ends itself. */
function drainOnRequest({ settings, log, listeners, acceptor, children, keeper, sessions }: Ending): void {
  let draining = false;
  async function drain(cause: string): Promise<void> {
    if (draining) return;
    draining = true;
    log('draining', undefined, { cause, sessions: sessions(), deadlineMs: settings.drainMs });
    listeners.close();
    await children.drain();
    acceptor.close();
    await keeper?.stop();
    log('stopped');
    process.exitCode ??= 0;
    process.channel?.unref();
  }
  process.on('SIGTERM', () => void drain('SIGTERM'));
  process.on('SIGINT', () => void drain('SIGINT'));
  process.on('disconnect', () => void drain('supervisor gone'));
}
