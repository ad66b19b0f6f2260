import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { Stream } from '#core/recording/format.ts';
import type { Journal, JournalEntry, JournalRemains } from '#core/recording/ports.ts';
import { type Committed, Recorder } from '#core/recording/recorder.ts';
import type { SessionOutcome } from '#core/recording/session-index.ts';
import { Seeded } from '#test/chaos/seed.ts';
import { Faults, type InjectedFault, type PlannedFault } from './faulty-ports.ts';
import { MemoryIndex, MemoryLeaves, MemoryStore, memorySigner } from './memory-ports.ts';
import { opening, slabsOf, type TestFrame } from './recorder.ts';
import { remainsOfEntries } from './remains.ts';

/** Every call that a recorder makes of its ports and waits for, and how many of it a short life of three sessions has. */
export const points = {
  'sink.put': 16,
  'signer.sign': 6,
  'signer.publicKey': 6,
  'journal.append': 6,
  'index.opened': 3,
  'index.closed': 3,
  'leaves.add': 6,
} as const;
export type Point = keyof typeof points;

/** What a gateway does with its recorder, one thing after another, whether or not the one before has answered. */
export type Step =
  | {
      readonly do: 'record';
      readonly frames: readonly { readonly tape: number; readonly size: number }[];
      /** Nobody waits for these: they may wait for a later commit. */
      readonly mayWait?: boolean;
    }
  /** More than a segment takes, so that it is put at once. */
  | { readonly do: 'record-much'; readonly tape: number }
  | { readonly do: 'put-aged' }
  | { readonly do: 'close'; readonly tape: number };

/** A session as its gateway knows it. */
export interface RunSession {
  readonly tape: number;
  readonly id: string;
  /** Its frames, as `frameText` names them. */
  readonly recorded: string[];
  /** How many of them the recorder has called durable. */
  acknowledged: number;
  opened: boolean;
  ending: boolean;
  outcome: SessionOutcome | undefined;
  readonly errors: CustodyError[];
  /** Calls that have not been answered. */
  pending: number;
  /** What the gateway did since it was told of the first error. */
  stepsFailed: number;
}

const MUCH = 18;
const CHUNK = 1 << 19;
/** Nothing that compresses, so that segments need memory. */
const NOISE = noise(CHUNK);
const AGED_MS = 61_000;

type JournalTakes = Partial<Pick<Journal, 'sessionBytesPerS' | 'appendsAtOnce'>>;

/** Appends land in any order, some never; what has landed stands in the order in which it was asked for, as items of a table do. */
class FaultyJournal implements Journal {
  readonly sessionBytesPerS: number;
  readonly appendsAtOnce: number;
  /** By the number of the append. */
  readonly #landed: JournalEntry[][] = [];
  readonly #faulty: { append(entries: readonly JournalEntry[], n: number): Promise<void> };
  #asked = 0;

  constructor(
    faults: Faults,
    { sessionBytesPerS = Number.POSITIVE_INFINITY, appendsAtOnce = 1 }: JournalTakes,
  ) {
    this.sessionBytesPerS = sessionBytesPerS;
    this.appendsAtOnce = appendsAtOnce;
    const table = { append: async (entries: readonly JournalEntry[], n: number) => this.#land(entries, n) };
    this.#faulty = faults.wrap('journal', table, { calls: ['append'] });
  }

  append(entries: readonly JournalEntry[]): Promise<void> {
    return this.#faulty.append(entries, this.#asked++);
  }

  release(): void {}

  /** What a sealer finds: also entries of segments that were released. */
  remains(): JournalRemains {
    return remainsOfEntries(() => this.#landed.flat());
  }

  #land(entries: readonly JournalEntry[], n: number): void {
    this.#landed[n] = entries.map((entry) => ({ ...entry, block: Uint8Array.from(entry.block) }));
  }
}

/** A recorder on ports that fail as planned, used as a gateway uses it, and the ports below as a sealer finds them. */
export class FaultRun {
  readonly store = new MemoryStore();
  readonly signer = memorySigner();
  readonly journal: FaultyJournal;
  readonly index = new MemoryIndex();
  readonly leaves = new MemoryLeaves();
  readonly lease = { isHeld: true, task: 'task-1' };
  readonly faults: Faults;
  readonly sessions: readonly RunSession[];
  /** Sessions whose calls were made to fail. */
  readonly touched = new Set<string>();
  readonly #recorder: Recorder;
  readonly #goodbyeSteps: number;
  /** The session on whose behalf a call is made that does not name one. */
  readonly #acting = new AsyncLocalStorage<string>();
  #now = 1;

  /**
   * `goodbyeSteps`: how long a session that failed goes on, until its relay has ended. `journal`: what it takes; a step is a millisecond.
   */
  constructor(
    plan: readonly PlannedFault[],
    sessions: number,
    goodbyeSteps: number,
    journal: JournalTakes = {},
  ) {
    this.#goodbyeSteps = goodbyeSteps;
    this.faults = new Faults(plan, (fault) => this.#note(fault));
    this.journal = new FaultyJournal(this.faults, journal);
    const { faults, lease } = this;
    this.#recorder = new Recorder({
      sink: faults.wrap('sink', this.store, { calls: ['put'] }),
      signer: faults.wrap('signer', this.signer, { calls: ['sign', 'publicKey'], onDisk: false }),
      journal: this.journal,
      index: faults.wrap('index', this.index, { calls: ['opened', 'closed'] }),
      leaves: faults.wrap('leaves', this.leaves, { calls: ['add'] }),
      lease,
      pause: async () => undefined,
    });
    this.sessions = Array.from({ length: sessions }, (_, i) => newSession(i + 1));
  }

  async openAll(): Promise<void> {
    for (const session of this.sessions) {
      const opened = this.#acting.run(session.id, () =>
        this.#recorder.open(session.tape, opening(session.tape), 0),
      );
      this.#follow(session, opened, () => (session.opened = true));
      await quiet();
    }
  }

  async take(step: Step): Promise<void> {
    this.#now += step.do === 'put-aged' ? AGED_MS : 1;
    this.#start(step);
    await quiet();
    for (const session of this.sessions.filter(({ errors }) => errors.length > 0)) {
      if (session.stepsFailed >= this.#goodbyeSteps) this.#close(session, 'recording-failed');
      session.stepsFailed += 1;
    }
    await quiet();
  }

  async closeAll(): Promise<void> {
    for (const session of this.sessions) this.#close(session, 'client-closed');
    await quiet();
  }

  /** What was held goes on. */
  async release(): Promise<void> {
    await this.faults.release();
    await quiet();
  }

  /** Tries again what could not be sealed. Resolves with how many still wait. */
  async sealAgain(): Promise<number> {
    await this.#recorder.sealAgain();
    return this.#recorder.unsealed;
  }

  /** The gateway is gone: what has not been answered never is. */
  crash(): void {
    this.lease.isHeld = false;
  }

  #start(step: Step): void {
    switch (step.do) {
      case 'record':
        this.#record(step.frames, step.mayWait !== true);
        return;
      case 'record-much':
        this.#record(Array.from({ length: MUCH }, () => ({ tape: step.tape, size: CHUNK })));
        return;
      case 'put-aged':
        this.#followAll(this.sessions.filter(isOpen), this.#putAged(), () => undefined);
        return;
      case 'close':
        this.#close(this.sessions.find(({ tape }) => tape === step.tape)!, 'client-closed');
    }
  }

  async #putAged(): Promise<Committed> {
    return { failed: await this.#recorder.putAged(this.#now), behind: [], isPartial: false, tapes: 0 };
  }

  #record(asked: readonly { readonly tape: number; readonly size: number }[], all = true): void {
    const open = new Map(this.sessions.filter(isOpen).map((session) => [session.tape, session]));
    const frames: TestFrame[] = [];
    for (const { tape, size } of asked) {
      const session = open.get(tape);
      if (session === undefined) continue;
      const payload = Buffer.from(NOISE.subarray(0, size));
      payload.write(`${tape}:${session.recorded.length};`.padEnd(12));
      session.recorded.push(frameText(payload));
      frames.push({ tape, stream: Stream.client, timeUs: this.#now * 1000, payload });
    }
    if (frames.length === 0) return;
    // What an earlier commit has put off may become durable, or fail, with this one.
    const lengths = new Map([...open.values()].map((session) => [session, session.recorded.length]));
    const committed = this.#recorder.commit(slabsOf(frames, this.#now), all);
    this.#followAll([...open.values()], committed, (session, { isPartial }) => {
      // A session that has failed is told nothing more.
      if (isPartial || session.errors.length > 0) return;
      session.acknowledged = Math.max(session.acknowledged, lengths.get(session)!);
    });
  }

  #close(session: RunSession, reason: 'client-closed' | 'recording-failed'): void {
    if (!isOpen(session)) return;
    session.ending = true;
    const ending = { reason, endedAt: '2026-11-23T09:01:00.000Z', at: this.#now };
    const closed = this.#acting.run(session.id, () => this.#recorder.close(session.tape, ending));
    this.#follow(session, closed, (outcome) => {
      session.outcome = outcome;
      session.acknowledged = session.recorded.length;
    });
  }

  #follow<T>(session: RunSession, done: Promise<T>, then: (result: T) => unknown): void {
    session.pending += 1;
    void done
      .then(then, (error: unknown) => void session.errors.push(asCustodyError(error)))
      .finally(() => (session.pending -= 1));
  }

  #followAll(
    sessions: readonly RunSession[],
    done: Promise<Committed>,
    then: (session: RunSession, committed: Committed) => void,
  ): void {
    for (const session of sessions) {
      this.#follow(session, fateIn(done, session), async (error) => {
        if (error === undefined) then(session, await done);
        else session.errors.push(error);
      });
    }
  }

  #note({ kind, args }: InjectedFault): void {
    if (kind !== 'lost' && kind !== 'persisted-but-errored' && kind !== 'full-disk') return;
    const text = args.map(textOf).join(' ');
    for (const { id } of this.sessions) if (text.includes(id)) this.touched.add(id);
    const acting = this.#acting.getStore();
    if (args.length === 0 && acting !== undefined) this.touched.add(acting);
  }
}

/** The error, if its frames will not be durable. */
async function fateIn(
  committed: Promise<Committed>,
  { tape }: RunSession,
): Promise<CustodyError | undefined> {
  const { failed, behind } = await committed;
  const [, error] = failed.find(([number]) => number === tape) ?? [];
  const [, settled] = behind.find(([number]) => number === tape) ?? [];
  return error ?? settled;
}

function newSession(tape: number): RunSession {
  return {
    tape,
    id: opening(tape).session,
    recorded: [],
    acknowledged: 0,
    opened: false,
    ending: false,
    outcome: undefined,
    errors: [],
    pending: 0,
    stepsFailed: 0,
  };
}

/** A frame by its size and its beginning, which numbers it: the rest is the signed heads' business. */
export function frameText(payload: Uint8Array): string {
  return `${Buffer.from(payload.subarray(0, 12)).toString()} ${payload.byteLength}`;
}

function noise(size: number): Buffer {
  const random = new Seeded(1);
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i += 1) bytes[i] = random.between(0, 255);
  return bytes;
}

function isOpen({ opened, ending }: RunSession): boolean {
  return opened && !ending;
}

function textOf(arg: unknown): string {
  if (arg instanceof Uint8Array) return Buffer.from(arg).toString('latin1');
  if (Array.isArray(arg)) return arg.map(textOf).join(' ');
  // No retention was asked for.
  if (arg === undefined) return '';
  return typeof arg === 'string'
    ? arg
    : ((arg as { session?: string }).session ?? (arg as { id?: string }).id!);
}

/** Memory ports answer at once: after this, whatever has not been answered is held. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await turn();
}
