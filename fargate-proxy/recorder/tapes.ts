import { CustodyError } from '#core/errors.ts';
import {
  type DurabilityMode,
  FLAG_WITHHELD,
  FRAME_MAX_PAYLOAD,
  Stream,
  type StreamNumber,
} from '#core/recording/format.ts';
import { leaseLost } from '#core/recording/leases.ts';
import type { Ending, Opening } from '#core/recording/recorder.ts';
import type { SessionOutcome } from '#core/recording/session-index.ts';
import { newSlab, SlabWriter } from '#core/recording/slab.ts';
import { Behind } from './behind.ts';
import { custodyError, type FromRecorder, type PlainError, type ToRecorder } from './messages.ts';

/** A slab is handed over when it is full or this old: well inside the shortest window, so that there is time to store it. */
const HAND_OVER_MS = 120;
/** Slabs handed over and not yet durable; beyond it every session waits. Bounds memory when the store is slow. */
const SLABS_IN_FLIGHT = 32;
/** Slabs whose frames of a session are stored behind everybody else's; more such sessions share them. Bounds memory, too. */
const SLABS_BEHIND = 32;
const SLABS_BEHIND_LEAST = 4;
/** Slabs kept for the next bulk transfer while nothing is going on. */
const SPARE_SLABS = 4;
/** How often it is looked whether the recorder is behind. */
const LATE_CHECK_MS = 25;

export interface RecorderPort {
  postMessage(message: ToRecorder): void;
}

export interface TapeOptions {
  /** With `write-ahead`, what the client sent waits for `whenDurable` before it is forwarded. */
  readonly durability: DurabilityMode;
  /** At most this much may not be durable yet, milliseconds; beyond it the session waits. */
  readonly windowMs: number;
  /** A session that has waited for this long ends, milliseconds. */
  readonly deadlineMs: number;
  /** Told once, when the recording can no longer go on: end the session. */
  readonly onFailure: (error: CustodyError) => void;
}

/** The relay's side of the recorder: takes frames of all sessions, hands them over in slabs, knows what is durable. */
export class Tapes {
  readonly #port: RecorderPort;
  readonly #now: () => number;
  readonly #open = new Map<number, SessionTape>();
  readonly #waiting = new Map<() => void, SessionTape>();
  /** Tapes that are behind everybody else. */
  readonly #behind = new Set<SessionTape>();
  readonly #spare: ArrayBufferLike[] = [];
  readonly #answers = new Map<number, (message: FromRecorder) => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #late: NodeJS.Timeout;
  /** When the oldest frame of each slab in flight was recorded, oldest first. */
  #inFlight: number[] = [];
  /** Slabs that became durable since the start. */
  #durableSlabs = 0;
  /** Who waits for the slabs in flight and for the one being filled, in the order of the slabs. */
  readonly #afterSlab: { readonly slab: number; readonly tape: SessionTape; readonly durable: () => void }[] =
    [];
  /** Slabs in flight while a session waits for its frames to become durable: one more than the recorder commits at once. */
  #eagerSlabs = 2;
  #handOverSoon = false;
  #slab: SlabWriter;
  /** When the first frame of the current slab was recorded; 0 while it is empty. */
  #slabSince = 0;
  #nextTape = 1;
  #leaseUntilMs = Number.POSITIVE_INFINITY;
  #stopped = false;
  #onDeath: (error: CustodyError) => void = () => undefined;
  #dead: CustodyError | undefined;

  /** `now`: a monotonic clock in milliseconds. */
  constructor(port: RecorderPort, now: () => number) {
    this.#port = port;
    this.#now = now;
    this.#slab = new SlabWriter(newSlab());
    this.#timer = setInterval(() => this.#tick(), HAND_OVER_MS);
    this.#late = setInterval(() => this.#holdLate(), LATE_CHECK_MS);
  }

  /** Resolves when the open statement is stored: from then on bytes may reach the target. */
  async open(opening: Opening, options: TapeOptions): Promise<SessionTape> {
    if (this.#dead !== undefined) throw this.#dead;
    const tape = this.#nextTape++;
    const startedMs = this.#now();
    const opened = this.#answer(tape);
    this.#port.postMessage({ kind: 'open', tape, opening, startedMs });
    const answer = await opened;
    if (answer.kind === 'opened' && answer.error !== undefined) throw custodyError(answer.error);
    const session = new SessionTape(this, tape, opening.session, startedMs, options);
    this.#open.set(tape, session);
    return session;
  }

  /** Appends one frame. Returns false when the session must wait before it reads on. Hot. */
  append(tape: SessionTape, stream: StreamNumber, flags: number, bytes: Uint8Array, length: number): boolean {
    const now = this.#now();
    if (now >= this.#leaseUntilMs) this.die(leaseLost());
    if (!this.#slab.fits(length)) this.handOver();
    if (this.#slabSince === 0) this.#slabSince = now;
    const timeUs = Math.max(0, Math.floor((now - tape.startedMs) * 1000));
    this.#slab.append(tape.number, stream, flags, timeUs, bytes, length);
    if (now - this.#slabSince > HAND_OVER_MS) this.handOver();
    if (!tape.behind.isNone && !this.#followsClosely(tape, now)) return false;
    return this.#inFlight.length === 0 || this.#keepsUp(now, tape.windowMs);
  }

  /** Calls `resume` once what is in flight has moved on, and the tape is not too far behind. */
  whenCaughtUp(tape: SessionTape, resume: () => void): void {
    this.#waiting.set(resume, tape);
  }

  /**
   * Calls `durable` once everything the tape recorded until now is durable; never when the recorder dies. Slabs are handed over
   * without waiting for more, but no more than the recorder takes at a time: what comes meanwhile shares the next one's commit.
   */
  whenDurable(tape: SessionTape, durable: () => void): void {
    const { slab } = this;
    if (slab < this.#durableSlabs) return tape.behind.whenDurable(slab, durable);
    this.#afterSlab.push({ slab, tape, durable });
    this.#handOverForWaiting();
  }

  /** How long the oldest frame that is not durable has waited, milliseconds. */
  get lagMs(): number {
    const [oldest = this.#slabSince || Number.POSITIVE_INFINITY] = this.#inFlight;
    const since = Math.min(oldest, ...[...this.#behind].map(({ behind }) => behind.sinceMs));
    return since === Number.POSITIVE_INFINITY ? 0 : this.#now() - since;
  }

  /** The number of the slab that was filled last, counted from the start. */
  get slab(): number {
    return this.#durableSlabs + this.#inFlight.length - (this.#slab.used === 0 ? 1 : 0);
  }

  /** At the end of this turn of the event loop, so that all that arrived with it goes together. */
  #handOverForWaiting(): void {
    if (this.#handOverSoon || this.#inFlight.length >= this.#eagerSlabs) return;
    this.#handOverSoon = true;
    setImmediate(() => {
      this.#handOverSoon = false;
      this.handOver();
    });
  }

  /** Gives the current slab to the recorder. */
  handOver(): void {
    if (this.#slab.used === 0) return;
    const { buffer, used } = this.#slab;
    this.#slab = new SlabWriter(this.#spare.pop() ?? newSlab());
    this.#inFlight.push(this.#slabSince);
    this.#slabSince = 0;
    this.#port.postMessage({ kind: 'slab', buffer, used, at: this.#now() });
  }

  /** Spare slabs go one by one once a bulk transfer is over: never in its midst, where new ones keep V8's collector busy. */
  #tick(): void {
    if (this.#inFlight.length === 0 && this.#spare.length > SPARE_SLABS) this.#spare.pop();
    this.handOver();
  }

  /** Stores what remains and the close statement of one tape. Rejects when that fails: the recorder then tries again by itself. */
  async close(tape: SessionTape, ending: Omit<Ending, 'at'>): Promise<SessionOutcome> {
    this.#open.delete(tape.number);
    this.#behind.delete(tape);
    if (this.#dead !== undefined) throw this.#dead;
    this.handOver();
    const closed = this.#answer(tape.number);
    this.#port.postMessage({ kind: 'close', tape: tape.number, ending: { ...ending, at: this.#now() } });
    const answer = await closed;
    if (answer.kind !== 'closed') throw new CustodyError('internal', 'unexpected answer of the recorder');
    if ('code' in answer.outcome) throw custodyError(answer.outcome);
    return answer.outcome;
  }

  /** What the recorder's thread says. */
  receive(message: FromRecorder): void {
    switch (message.kind) {
      case 'opened':
      case 'closed':
        this.#answers.get(message.tape)?.(message);
        this.#answers.delete(message.tape);
        return;
      case 'durable':
        this.#durable(message);
        return;
      case 'caught-up':
        this.#caughtUp(message.tape);
        return;
      case 'failed':
        this.#open.get(message.tape)?.fail(custodyError(message.error));
        return;
      case 'takes':
        this.#eagerSlabs = message.commits + 1;
        return;
      case 'lease':
        this.#leaseUntilMs = message.untilMs;
        return;
      case 'fenced':
        this.die(custodyError(message.error));
        return;
      case 'ready':
      case 'cannot-start':
      case 'sealed-late':
      case 'recovered-late':
      case 'ledger-stalled':
      case 'stopped':
    }
  }

  /** Told once, when no session can go on and none can begin: the process is of no use any more. */
  onDeath(told: (error: CustodyError) => void): void {
    this.#onDeath = told;
  }

  /** The recorder's thread is gone, or the lease is: every session ends, and no new one opens. */
  die(cause: CustodyError): void {
    if (this.#dead !== undefined) return;
    this.#dead = cause;
    for (const tape of this.#open.values()) tape.fail(this.#dead);
    for (const [tape, answer] of this.#answers)
      answer({ kind: 'opened', tape, error: { ...plain(this.#dead) } });
    this.#answers.clear();
    this.#stopTimers();
    if (!this.#stopped) this.#onDeath(this.#dead);
  }

  stop(): void {
    this.#stopped = true;
    this.handOver();
    this.#stopTimers();
    this.#port.postMessage({ kind: 'stop' });
  }

  #stopTimers(): void {
    clearInterval(this.#timer);
    clearInterval(this.#late);
  }

  #keepsUp(now: number, windowMs: number): boolean {
    return now - this.#inFlight[0]! <= windowMs && this.#inFlight.length < SLABS_IN_FLIGHT;
  }

  /** A tape that is behind is held to its own window and deadline, and nobody else is. */
  #followsClosely({ behind, windowMs }: SessionTape, now: number): boolean {
    const share = Math.max(SLABS_BEHIND_LEAST, SLABS_BEHIND / this.#behind.size);
    return now - behind.sinceMs <= windowMs && behind.slabs < share;
  }

  #durable({ buffers, behind = [] }: Extract<FromRecorder, { kind: 'durable' }>): void {
    for (const number of behind) this.#fallsBehind(number, buffers.length);
    this.#inFlight.splice(0, buffers.length);
    this.#durableSlabs += buffers.length;
    this.#tellDurable();
    this.#spare.push(...buffers);
    this.#resume();
  }

  #fallsBehind(number: number, slabs: number): void {
    const tape = this.#open.get(number);
    if (tape === undefined) return;
    tape.behind.add({ firstSlab: this.#durableSlabs, slabs, sinceMs: this.#inFlight[0]! });
    this.#behind.add(tape);
  }

  #caughtUp(number: number): void {
    const tape = this.#open.get(number);
    if (tape === undefined) return;
    tape.behind.caughtUp();
    if (tape.behind.isNone) this.#behind.delete(tape);
    this.#resume();
  }

  /** Whoever waits and is not too far behind goes on. */
  #resume(): void {
    const now = this.#now();
    for (const [resume, tape] of [...this.#waiting]) {
      if (this.#behind.has(tape) && !this.#followsClosely(tape, now)) continue;
      this.#waiting.delete(resume);
      resume();
    }
  }

  #tellDurable(): void {
    while (this.#afterSlab.length > 0 && this.#afterSlab[0]!.slab < this.#durableSlabs) {
      const { slab, tape, durable } = this.#afterSlab.shift()!;
      tape.behind.whenDurable(slab, durable);
    }
    if (this.#afterSlab.length > 0 && this.#slab.used > 0) this.#handOverForWaiting();
  }

  /** Sessions wait before their window is over, not at the first read behind it; past the deadline they end. */
  #holdLate(): void {
    const [oldest = Number.POSITIVE_INFINITY] = this.#inFlight;
    const now = this.#now();
    for (const tape of oldest === Number.POSITIVE_INFINITY ? this.#behind : this.#open.values()) {
      const late = now - Math.min(oldest, tape.behind.sinceMs);
      if (late > tape.deadlineMs)
        tape.fail(recorderFailed(`nothing became durable for ${Math.round(late)} ms`));
      else if (late > tape.windowMs - LATE_CHECK_MS) tape.wait();
    }
  }

  #answer(tape: number): Promise<FromRecorder> {
    return new Promise((resolve) => this.#answers.set(tape, resolve));
  }
}

/** One session's tape, as the relay holds it. */
export class SessionTape {
  readonly number: number;
  /** The session's id. */
  readonly session: string;
  readonly startedMs: number;
  readonly durability: DurabilityMode;
  readonly windowMs: number;
  readonly deadlineMs: number;
  readonly behind = new Behind();
  readonly #tapes: Tapes;
  readonly #onFailure: (error: CustodyError) => void;
  #onWait: () => void = () => undefined;
  #waiting = false;
  #failed = false;

  constructor(tapes: Tapes, number: number, session: string, startedMs: number, options: TapeOptions) {
    this.#tapes = tapes;
    this.number = number;
    this.session = session;
    this.startedMs = startedMs;
    this.durability = options.durability;
    this.windowMs = options.windowMs;
    this.deadlineMs = options.deadlineMs;
    this.#onFailure = options.onFailure;
  }

  /** Records the first `length` of `bytes`, copying them. False: wait (`whenCaughtUp`) before reading on. */
  record(stream: StreamNumber, bytes: Uint8Array, length: number): boolean {
    return this.#tapes.append(this, stream, 0, bytes, length);
  }

  /** Records that `length` secret bytes were here: zeros of the same number. */
  recordWithheld(stream: StreamNumber, length: number): void {
    this.#tapes.append(this, stream, FLAG_WITHHELD, new Uint8Array(length), length);
  }

  /** Records a side fact. */
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void {
    const bytes = Buffer.from(JSON.stringify(fact)).subarray(0, FRAME_MAX_PAYLOAD);
    this.#tapes.append(this, Stream.note, 0, bytes, bytes.byteLength);
  }

  whenCaughtUp(resume: () => void): void {
    this.#tapes.whenCaughtUp(this, resume);
  }

  /** `wait` is called while the recorder is behind: read nothing until `whenCaughtUp`. */
  onWait(wait: () => void): void {
    this.#onWait = wait;
  }

  wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#tapes.whenCaughtUp(this, () => (this.#waiting = false));
    this.#onWait();
  }

  /** The number of the slab that was filled last: what has the same number becomes durable together. */
  get slab(): number {
    return this.#tapes.slab;
  }

  /** Calls `durable` once everything recorded until now is durable; never when this recording has failed. */
  whenDurable(durable: () => void): void {
    this.#tapes.whenDurable(this, () => {
      if (!this.#failed) durable();
    });
  }

  close(ending: Omit<Ending, 'at'>): Promise<SessionOutcome> {
    return this.#tapes.close(this, ending);
  }

  fail(error: CustodyError): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(error);
  }
}

/** The recorder can go on no more. */
export function recorderFailed(detail: string): CustodyError {
  return new CustodyError('recording-failed', 'the recording could not be stored, so the session ends', {
    hint: 'nothing runs unrecorded; tell whoever runs the gateway',
    detail,
  });
}

function plain({ code, message, hint, detail }: CustodyError): PlainError {
  return { code, message, hint, detail };
}
