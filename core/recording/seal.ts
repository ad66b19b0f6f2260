/** Takes over from tasks that are gone: seals their sessions, many at once, from what the store and the journal have. */
import { asCustodyError } from '../errors.ts';
import { Slots } from '../slots.ts';
import type { LeaseBook, TaskLease } from './leases.ts';
import type { JournalRemains } from './ports.ts';
import { READING_MAX_BYTES, type SealRun, sealAbandoned } from './seal-abandoned.ts';
import type { SealerPorts } from './seal-session.ts';
import { type Sealing, together } from './sealing.ts';
import type { Claimant } from './sealing-claims.ts';

export { sealAbandoned } from './seal-abandoned.ts';
export type { SealerPorts } from './seal-session.ts';
export { type SealFailure, type Sealing, together } from './sealing.ts';

/** Every lease ends before it. */
const END_OF_TIME = new Date(8.64e15);
/** Tasks whose sessions are sealed side by side, so that one that takes long keeps no other waiting. */
const TASKS_AT_ONCE = 2;

/** What one run of the sealer keeps to. */
export interface SealerRun extends Pick<SealRun, 'mayBegin' | 'tailBytes'> {
  /** Keeps sealers off each other's work; nobody does when not given. */
  readonly claimant?: Claimant;
}

const UNBOUNDED: SealerRun = { mayBegin: () => true };

/**
 * Takes over from every task whose lease ended before `time`: fences it, then seals its sessions, then forgets its journal.
 * A task that renews in time is left alone; one that wakes up later finds that it may not continue. Safe to repeat and to
 * run twice at once. A task whose remains cannot be read stops no other. Rejects only when the leases cannot be read.
 */
export async function sealEnded(
  book: LeaseBook,
  remainsOf: (task: string) => JournalRemains,
  ports: SealerPorts,
  time: Date,
  run: SealerRun = UNBOUNDED,
): Promise<Sealing> {
  const leases = await book.endedBefore(time);
  const tasks = new Map(leases.map((lease) => [lease.task, lease]));
  return eachTask([...tasks.keys()], run, async (task, work) => {
    const lease = tasks.get(task)!;
    if (!(await book.fence(lease))) return NOTHING;
    return sealTask(lease, book, remainsOf(task), ports, time, work);
  });
}

/**
 * Seals what the index has as open though its task was sealed and forgotten: an index may show a session late. A task has its
 * lease before its first session, and only a fenced one loses it. Safe to repeat and to run twice at once.
 */
export async function sealForgotten(
  book: LeaseBook,
  remainsOf: (task: string) => JournalRemains,
  ports: SealerPorts,
  now: Date,
  run: SealerRun = UNBOUNDED,
): Promise<Sealing> {
  // The sessions first, then the leases.
  const open = await ports.index.unsealed();
  const leases = await book.endedBefore(END_OF_TIME);
  const leased = new Set(leases.map(({ task }) => task));
  const forgotten = new Set(open.map(({ task }) => task).filter((task) => !leased.has(task)));
  return eachTask([...forgotten], run, (task, work) =>
    sealAbandoned(remainsOf(task), ports, now, { task }, work),
  );
}

const NOTHING: Sealing = { sealed: 0, failures: [] };
const UNFINISHED: Sealing = { ...NOTHING, isUnfinished: true };

/** Some tasks at a time, each by one sealer at a time. One's trouble is no other's. */
async function eachTask(
  tasks: readonly string[],
  { claimant, ...run }: SealerRun,
  seal: (task: string, run: SealRun) => Promise<Sealing>,
): Promise<Sealing> {
  const [slots, reading] = [new Slots(TASKS_AT_ONCE), new Slots(READING_MAX_BYTES)];
  const claimed = async (task: string): Promise<Sealing> => {
    if (!run.mayBegin()) return UNFINISHED;
    if (claimant === undefined) return seal(task, { ...run, reading });
    const claim = await claimant.claim(task);
    // Another sealer is at it.
    if (claim === undefined) return NOTHING;
    try {
      return await seal(task, { ...run, reading, progress: claim.progress });
    } finally {
      await claim.release();
    }
  };
  const inTrouble = (task: string, thrown: unknown): Sealing => ({
    ...NOTHING,
    troubles: [{ task, error: asCustodyError(thrown) }],
  });
  const tried = (task: string): Promise<Sealing> =>
    slots.hold(() => claimed(task)).catch((thrown: unknown) => inTrouble(task, thrown));
  return together(await Promise.all(tasks.map(tried)));
}

async function sealTask(
  { task, until }: TaskLease,
  book: LeaseBook,
  remains: JournalRemains,
  ports: SealerPorts,
  time: Date,
  run: SealRun,
): Promise<Sealing> {
  // It is read after the fence: what the task was told is durable is there by now.
  const done = await sealAbandoned(remains, ports, time, { task, leaseEnded: until }, run);
  if (done.isUnfinished) return done;
  await remains.clear(new Set(done.failures.map(({ session }) => session)));
  if (done.failures.length === 0) await book.forget(task);
  return done;
}
