import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { asCustodyError } from '#core/errors.ts';
import { type Committed, type FailedTapes, Recorder, type RecorderPorts } from '#core/recording/recorder.ts';
import { afterwards } from '../afterwards.ts';
import { GrowingPause } from '../growing-pause.ts';
import { Bell } from './bell.ts';
import { Closings } from './closings.ts';
import { StampedJournal, stampsFile } from './commit-stamps.ts';
import { Incoming, type Taken } from './incoming.ts';
import { type FromRecorder, plainError, type ToRecorder } from './messages.ts';
import { Vigil } from './vigil.ts';

/** Slabs taken into one commit at most: enough that a bulk transfer fills whole segments at once. */
const SLABS_PER_COMMIT = 16;
/** What is to become durable has been taken before. */
const NOTHING: Taken = { ranges: [], bytes: 0, slabs: 0 };
/** A few segments each time: a thousand sessions' in half a minute. */
const AGED_EVERY_MS = 500;
const SEAL_EVERY_MS = 1_000;
/** What a look at sessions that could not be sealed waits after one in vain, at most. */
const SEAL_PAUSE_MAX_MS = 60_000;
/** A last try, before the process ends: then the next start or the sealer has to do it. */
const LAST_SEAL_MS = 3_000;
/** So long the end of the process waits for what the next start would do as well. */
const FINISH_MS = 3_000;

export interface Serving {
  /** The relay's monotonic clock, milliseconds. */
  readonly now: () => number;
  /** How many the machine has, which other processes may use as well; one, when left out. */
  readonly cores?: number;
  /** Once nothing more is recorded. */
  readonly finish?: (() => Promise<void>) | undefined;
}

/** Serves a Recorder to the relay's thread until it says stop. */
export function serveRecorder(
  port: MessagePort,
  ports: RecorderPorts,
  { now, cores = 1, finish = async () => undefined }: Serving,
): void {
  const stamped = stampsFile(process.env) === undefined ? undefined : new StampedJournal(ports.journal, now);
  const journal = stamped ?? ports.journal;
  const recorder = new Recorder({ ...ports, journal, pause: (ms) => sleep(ms) });
  const vigil = new Vigil({ now, cores });
  const thread = new RecorderThread({ port, recorder, stamped, finish, now, vigil });
  const aging = setInterval(() => void thread.putAged(now()), AGED_EVERY_MS);
  const sealing = setInterval(() => void thread.sealAgain(now()), SEAL_EVERY_MS);
  port.on('message', (message: ToRecorder) => {
    if (message.kind === 'stop') for (const timer of [aging, sealing]) clearInterval(timer);
    thread.receive(message);
  });
}

type Close = Extract<ToRecorder, { kind: 'close' }>;

interface ThreadParts {
  readonly port: MessagePort;
  readonly recorder: Recorder;
  readonly stamped: StampedJournal | undefined;
  readonly finish: () => Promise<void>;
  readonly now: () => number;
  readonly vigil: Vigil;
}

class RecorderThread {
  readonly #port: MessagePort;
  readonly #recorder: Recorder;
  readonly #stamped: StampedJournal | undefined;
  readonly #finish: () => Promise<void>;
  readonly #now: () => number;
  readonly #incoming = new Incoming();
  readonly #vigil: Vigil;
  readonly #closings: Closings<Close>;
  #bell = new Bell();
  #inFlight = 0;
  #looksAgain = false;
  /** The last of a slab waits, whoever rang. */
  #slabIsFull = false;
  /** So much has come that none of it waits for a tick. */
  #isMuch = false;
  #sealing = false;
  /** When what could not be sealed is tried again, and how long it is waited after that. */
  #sealAt = 0;
  readonly #sealPause = new GrowingPause(2 * SEAL_EVERY_MS, SEAL_PAUSE_MAX_MS);

  constructor({ port, recorder, stamped, finish, now, vigil }: ThreadParts) {
    this.#port = port;
    this.#recorder = recorder;
    this.#stamped = stamped;
    this.#finish = finish;
    this.#now = now;
    this.#vigil = vigil;
    this.#closings = new Closings((all) => this.#closeAll(all), { now, later: afterwards });
  }

  receive(message: ToRecorder): void {
    switch (message.kind) {
      case 'open':
        void this.#open(message);
        return;
      case 'bell':
        this.#bell = new Bell(message.memory);
        return;
      case 'slab':
        this.#incoming.add(message.buffer);
        this.#isMuch = this.#slabIsFull = true;
        this.#look();
        return;
      case 'take':
        this.#look();
        return;
      case 'close':
        this.#closings.add(message);
        return;
      case 'stop':
        void this.#stop();
    }
  }

  async #stop(): Promise<void> {
    this.#closings.now();
    this.#flush();
    if (this.#recorder.unsealed > 0) await within(LAST_SEAL_MS, this.#sealUnsealed());
    await within(FINISH_MS, this.#finish());
    this.#say({ kind: 'stopped' });
  }

  /** What could not be sealed is tried again: soon at first, less often while nothing succeeds. */
  async sealAgain(now: number): Promise<void> {
    if (this.#sealing || this.#recorder.unsealed === 0 || now < this.#sealAt) return;
    this.#sealing = true;
    const sealed = await this.#sealUnsealed();
    this.#sealing = false;
    if (sealed > 0) this.#sealPause.reset();
    this.#sealAt = now + (sealed > 0 ? SEAL_EVERY_MS : this.#sealPause.next());
  }

  async #sealUnsealed(): Promise<number> {
    const sealed = await this.#recorder.sealAgain();
    for (const { session, outcome } of sealed) this.#say({ kind: 'sealed-late', session, outcome });
    return sealed.length;
  }

  async putAged(at: number): Promise<void> {
    this.#sayFailed(await this.#recorder.putAged(at));
  }

  /** Begins a commit where somebody asked for one; sleeps where it could begin one and nobody has asked. */
  #look(): void {
    while (this.#mayCommit) {
      if (this.#isAsked()) {
        this.#take();
        return this.#lookAgain();
      }
      if (this.#bell.rest()) return;
    }
  }

  /**
   * Once what was begun has gone as far as it goes at once: behind a journal that writes at once, whoever waits has been told by then.
   * Until then the recorder is awake, and what is rung for meanwhile shares the next commit.
   */
  #lookAgain(): void {
    if (this.#looksAgain) return;
    this.#looksAgain = true;
    setImmediate(() => {
      this.#looksAgain = false;
      this.#look();
    });
  }

  /** While commits are on their way to the journal, the next is compressed. */
  get #mayCommit(): boolean {
    return this.#inFlight <= this.#recorder.commitsAtOnce;
  }

  #isAsked(): boolean {
    const isAsked = this.#bell.answer() || this.#slabIsFull;
    this.#slabIsFull = false;
    return isAsked;
  }

  #take(): void {
    const all = this.#bell.isForAll() || this.#isMuch;
    const isOwed = all && this.#recorder.isPartial;
    const taken = this.#incoming.take(SLABS_PER_COMMIT) ?? (isOwed ? NOTHING : undefined);
    this.#isMuch = this.#slabIsFull = taken?.ranges.length === SLABS_PER_COMMIT;
    if (taken !== undefined) void this.#commit(taken, all);
  }

  /** Everything that has arrived goes ahead of what the caller does next. */
  #flush(): void {
    for (;;) {
      const taken = this.#incoming.take(SLABS_PER_COMMIT);
      if (taken === undefined) return;
      void this.#commit(taken, true);
    }
  }

  async #commit({ ranges, bytes, slabs }: Taken, all: boolean): Promise<void> {
    this.#inFlight += 1;
    const takenMs = this.#now();
    const committing = this.#recorder.commit(ranges, all).finally(() => (this.#inFlight -= 1));
    const { failed, behind, isPartial, tapes } = await committing;
    this.#sayFailed(failed);
    const times = this.#stamped?.times(takenMs);
    this.#say({
      kind: 'durable',
      bytes,
      slabs,
      ...(isPartial ? { isPartial } : {}),
      ...(behind.length === 0 ? {} : { behind: behind.map(([tape]) => tape) }),
      ...(times === undefined ? {} : { times }),
    });
    for (const [tape, settled] of behind) void this.#follow(tape, settled);
    if (!all) this.#vigil.keep(this.#bell, tapes, this.#now() - takenMs);
    this.#lookAgain();
  }

  async #follow(tape: number, settled: Committed['behind'][number][1]): Promise<void> {
    const error = await settled;
    if (error === undefined) this.#say({ kind: 'caught-up', tape });
    else this.#sayFailed([[tape, error]]);
  }

  async #open({ tape, opening, startedMs }: Extract<ToRecorder, { kind: 'open' }>): Promise<void> {
    try {
      await this.#recorder.open(tape, opening, startedMs);
      this.#say({ kind: 'opened', tape });
    } catch (error) {
      this.#say({ kind: 'opened', tape, error: plainError(asCustodyError(error)) });
    }
  }

  #closeAll(all: readonly Close[]): void {
    this.#flush();
    for (const close of all) void this.#close(close);
  }

  async #close({ tape, ending }: Close): Promise<void> {
    try {
      this.#say({ kind: 'closed', tape, outcome: await this.#recorder.close(tape, ending) });
    } catch (error) {
      this.#say({ kind: 'closed', tape, outcome: plainError(asCustodyError(error)) });
    }
  }

  #sayFailed(failed: FailedTapes): void {
    for (const [tape, error] of failed) this.#say({ kind: 'failed', tape, error: plainError(error) });
  }

  #say(message: FromRecorder): void {
    this.#port.postMessage(message);
  }
}

/** Waits no longer, and for nothing that fails: the next start does what is left. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]).catch(() => undefined);
  clearTimeout(timer);
}
