import { CustodyError } from '../errors.ts';
import { Slots } from '../slots.ts';
import {
  batchesOf,
  bytesOf,
  type Held,
  isWhole,
  readTails,
  type SegmentBytes,
  surveyTails,
  type TailBatch,
} from './journal-tails.ts';
import { CLOSE, segmentName } from './layout.ts';
import type { JournaledTail, JournalRemains } from './ports.ts';
import {
  cannotSeal,
  isSealed,
  type Left,
  type SealerPorts,
  type SealSessionPorts,
  sealSession,
  storedOf,
} from './seal-session.ts';
import { closeInList } from './session-ends.ts';
import type { SessionOutcome } from './session-index.ts';
import type { Sealing } from './sealing.ts';

/** Sessions that are sealed at once: what one takes is nearly all waiting for answers. */
const SESSIONS_AT_ONCE = 32;
/** Of a journal, what is held at a time: sixteen segments of the recorder's usual size, or five of its largest. */
const TAILS_MAX_BYTES = 128 << 20;
/** Of segments, what is read at a time: one of the largest that there may be, or 64 small ones. */
export const READING_MAX_BYTES = 128 << 20;

/** What is known of the task whose sessions are sealed. */
export interface Abandoned {
  /** Only sessions of this task; of every task when not given. */
  readonly task?: string;
  readonly leaseEnded?: Date;
}

export interface SealRun {
  /** False once it is time to end: what was begun is finished, and nothing else is begun. */
  readonly mayBegin: () => boolean;
  /** Is told of every step, and waited for. */
  readonly progress?: () => void | Promise<void>;
  /** Bytes that may be read at once, where others read as well. */
  readonly reading?: Slots;
  /** Bytes of the journal that are held at a time; for tests. */
  readonly tailBytes?: number;
}

/**
 * Seals every session that the index has no outcome for, or whose tail the journal still holds, from what the store and
 * the journal have. The caller makes sure that no gateway holds them any more. Safe to repeat and to run twice at once.
 * A session that cannot be sealed stops no other. Rejects only when the index or the journal cannot be read.
 */
export async function sealAbandoned(
  remains: JournalRemains,
  ports: SealerPorts,
  now: Date,
  of: Abandoned = {},
  run: SealRun = { mayBegin: () => true },
): Promise<Sealing> {
  const listed = await ports.index.unsealed();
  const unsealed = listed.filter(({ task }) => of.task === undefined || task === of.task).map(({ id }) => id);
  const sealing = new TaskSealing({ remains, ports, now, of, run, unsealed: new Set(unsealed) });
  return sealing.sealAll(await surveyTails(remains, run.progress));
}

interface TaskWork {
  readonly remains: JournalRemains;
  readonly ports: SealerPorts;
  readonly now: Date;
  readonly of: Abandoned;
  readonly run: SealRun;
  /** As the index has them. */
  readonly unsealed: ReadonlySet<string>;
}

/** The sessions of one task, or of all that are gone. */
class TaskSealing {
  readonly #work: TaskWork;
  readonly #ports: SealSessionPorts;
  readonly #atOnce = new Slots(SESSIONS_AT_ONCE);
  readonly #failures = new Map<string, CustodyError>();
  #sealed = 0;
  #isUnfinished = false;

  constructor(work: TaskWork) {
    this.#work = work;
    this.#ports = { ...work.ports, reading: work.run.reading ?? new Slots(READING_MAX_BYTES) };
  }

  async sealAll(held: Held): Promise<Sealing> {
    for (const batch of await this.#batches(held)) await this.#sealBatch(batch);
    return {
      sealed: this.#sealed,
      failures: [...this.#failures].map(([session, error]) => ({ session, error })),
      ...(this.#isUnfinished ? { isUnfinished: true } : {}),
    };
  }

  /** Those of which the journal holds nothing come first. */
  async #batches(held: Held): Promise<readonly TailBatch[]> {
    const { run, unsealed } = this.#work;
    const { tailBytes = TAILS_MAX_BYTES } = run;
    const needed = bytesOf(held) > tailBytes ? await this.#withoutStored(held) : held;
    const others = [...unsealed].filter((session) => !held.has(session));
    const silent = others.map((session) => [session, new Map() as SegmentBytes] as const);
    return batchesOf(new Map([...silent, ...needed]), tailBytes);
  }

  /** A journal that is too much to be held is mostly of segments that are in the store, and of sessions that are sealed. */
  async #withoutStored(held: Held): Promise<Held> {
    const needed = new Map<string, SegmentBytes>();
    await this.#each(held, async (session, segments) => {
      const stored = await storedOf(session, this.#work.ports.store);
      if (this.#isDone(session, stored)) return;
      needed.set(session, new Map([...segments].filter(([segment]) => !stored.has(segmentName(segment)))));
    });
    return needed;
  }

  async #sealBatch({ held, unfinished }: TailBatch): Promise<void> {
    const { remains, run } = this.#work;
    if (!this.#mayBegin()) return;
    const isSilent = [...held.values()].every(({ size }) => size === 0);
    const tails = isSilent ? NO_TAILS : await readTails(remains, { held }, run.progress);
    await this.#each(held, (session, segments) => {
      const found = tails.get(session) ?? [];
      const left = { session, tails: found, isUnfinished: unfinished.has(session), ...this.#work.of };
      return this.#seal(left, isWhole(found, segments));
    });
  }

  /** Many at once. One that fails, or is not begun, is over for this run: nothing may be closed that lacks what came before. */
  async #each(held: Held, work: (session: string, segments: SegmentBytes) => Promise<void>): Promise<void> {
    const one = async (session: string, segments: SegmentBytes): Promise<void> => {
      if (this.#failures.has(session) || !this.#mayBegin()) return;
      await work(session, segments).catch((cause: unknown) => {
        this.#failures.set(session, cannotSeal(session, cause));
      });
      await this.#work.run.progress?.();
    };
    await Promise.all(
      [...held].map(([session, segments]) => this.#atOnce.hold(() => one(session, segments))),
    );
  }

  async #seal(left: Left, isAll: boolean): Promise<void> {
    const { ports } = this.#work;
    const outcome = await this.#sealTwice(left, isAll);
    if (outcome === undefined) return;
    await closeInList(ports.index, left.session, outcome);
    this.#sealed += 1;
  }

  /** Another sealer may be at the same session: what looks damaged in the midst of its work looks whole behind it. */
  async #sealTwice(left: Left, isAll: boolean): Promise<SessionOutcome | undefined> {
    const once = async (): Promise<SessionOutcome | undefined> => {
      const stored = await storedOf(left.session, this.#work.ports.store);
      if (this.#isDone(left.session, stored)) return undefined;
      if (!isAll && !stored.has(CLOSE)) throw changed(left.session);
      return sealSession(left, stored, this.#ports, this.#work.now);
    };
    return once().catch((error: unknown) => {
      if (!(error instanceof CustodyError) || error.code !== 'state-damaged') throw error;
      return once();
    });
  }

  /** The journal may keep what is sealed already. */
  #isDone(session: string, stored: ReadonlyMap<string, number>): boolean {
    return !this.#work.unsealed.has(session) && isSealed(stored);
  }

  #mayBegin(): boolean {
    this.#isUnfinished ||= !this.#work.run.mayBegin();
    return !this.#isUnfinished;
  }
}

const NO_TAILS: ReadonlyMap<string, readonly JournaledTail[]> = new Map();

/** Another sealer has cleared the journal meanwhile; it has sealed the session, or it tells why not. */
function changed(session: string): CustodyError {
  return new CustodyError('recording-failed', `session ${session} cannot be sealed now`, {
    hint: 'it is tried again by the next run',
    detail: 'the journal held less of it than a moment before',
  });
}
