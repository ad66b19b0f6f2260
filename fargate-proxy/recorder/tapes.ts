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
import { Backlog } from './backlog.ts';
import { Behind } from './behind.ts';
import { Bell } from './bell.ts';
import type { CommitStamps } from './commit-stamps.ts';
import { HandOverPace } from './hand-over-pace.ts';
import { custodyError, type FromRecorder, type PlainError, type ToRecorder } from './messages.ts';

/** What is recorded and not yet durable, beyond which every session waits. Bounds memory when the store is slow. */
const MOST_BYTES = 32 << 20;
/** While frames of a session are stored behind everybody else's; more such sessions share it. Bounds memory, too. */
const MOST_BEHIND = 32 << 20;
const LEAST_BEHIND = 4 << 20;
/** Slabs kept for the next bulk transfer while nothing is going on. */
const SPARE_SLABS = 4;
/** So long after two waited in turn neither is alone, milliseconds. */
const AMONG_OTHERS_MS = 250;
/** How often it is looked whether something has to be handed over, and whether the recorder is behind. */
const LOOK_MS = 25;

export interface RecorderPort {
  postMessage(message: ToRecorder): void;
}

interface Waiting {
  readonly position: number;
  readonly tape: SessionTape;
  readonly durable: () => void;
  readonly keep: (() => void) | undefined;
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

/**
 * The relay's side of the recorder: writes frames of all sessions into slabs, out of which the recorder takes them when it is told, and
 * knows what is durable. A position counts the bytes of all records since the start.
 */
export class Tapes {
  readonly #port: RecorderPort;
  readonly #now: () => number;
  readonly #open = new Map<number, SessionTape>();
  readonly #waiting = new Map<() => void, { readonly tape: SessionTape; readonly position: number }>();
  /** Tapes that are behind everybody else. */
  readonly #behind = new Set<SessionTape>();
  readonly #answers = new Map<number, (message: FromRecorder) => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #bell = new Bell();
  readonly #backlog = new Backlog();
  readonly #pace = new HandOverPace();
  /** Slabs that the recorder is not done with, without the one being filled; oldest first. */
  readonly #slabs: ArrayBufferLike[] = [];
  readonly #spare: ArrayBufferLike[] = [];
  #slab: SlabWriter;
  /** The position at which the slab being filled begins. */
  #slabFrom = 0;
  /** When the first frame was recorded since all was handed over; 0 where there is none. */
  #untoldSince = 0;
  /** Everything before it is durable for which somebody may wait. */
  #told = 0;
  /** Who waits, in the order of the positions. */
  readonly #untilDurable: Waiting[] = [];
  /** Who waited last, and until when whoever waits is not the only one. */
  #lastToWait: SessionTape | undefined;
  #amongOthersUntil = 0;
  #nextTape = 1;
  #leaseUntilMs = Number.POSITIVE_INFINITY;
  #stopped = false;
  #onDeath: (error: CustodyError) => void = () => undefined;
  #dead: CustodyError | undefined;
  readonly #stamps: CommitStamps | undefined;

  /** `now`: a monotonic clock in milliseconds. `stamps`: told of each write-ahead commit. */
  constructor(port: RecorderPort, now: () => number, stamps?: CommitStamps) {
    this.#stamps = stamps;
    this.#port = port;
    this.#now = now;
    port.postMessage({ kind: 'bell', memory: this.#bell.memory });
    this.#slab = this.#newSlab();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
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
    this.#pace.holds([...this.#open.values()]);
    return session;
  }

  /** Appends one frame. False: what is in it must wait for `whenCaughtUp`, and the session before it reads on. Hot. */
  append(tape: SessionTape, stream: StreamNumber, flags: number, bytes: Uint8Array, length: number): boolean {
    const now = this.#now();
    if (now >= this.#leaseUntilMs) this.die(leaseLost());
    if (!this.#slab.fits(length)) this.#changeSlab();
    const timeUs = Math.max(0, Math.floor((now - tape.startedMs) * 1000));
    this.#slab.append(tape.number, stream, flags, timeUs, bytes, length, now);
    this.#backlog.add(this.position, now);
    if (this.#untoldSince === 0) this.#untoldSince = now;
    else if (now - this.#untoldSince > this.#pace.handOverMs) this.handOver();
    if (!tape.behind.isNone && !this.#followsClosely(tape, now)) return false;
    return now - this.#backlog.sinceMs <= tape.windowMs && this.#backlog.bytes <= MOST_BYTES;
  }

  /** Something that is not durable is older than the tape's window. */
  isLate(tape: SessionTape): boolean {
    return this.#lateMs(tape, this.#now()) > tape.windowMs;
  }

  /** How old the oldest frame is that is not durable: of everybody's, or of the tape's where it is behind. */
  #lateMs({ behind }: SessionTape, now: number): number {
    return now - Math.min(this.#backlog.sinceMs, behind.sinceMs);
  }

  /**
   * Calls `resume` once what is not durable has become less, and none of it is older than the tape's window: or all is durable that was
   * recorded by now, where others keep the recorder busy for longer than that.
   */
  whenCaughtUp(tape: SessionTape, resume: () => void): void {
    this.#waiting.set(resume, { tape, position: this.position });
  }

  /**
   * Calls `durable` once everything the write-ahead tape recorded until now is durable, but for the target's last words, which follow
   * within the window; never when the recorder dies. The recorder is told at once: when it begins its next commit it takes all that is
   * there. `keep` is called where the slab is used again before that: what
   * `recorded` gave is copied then or gone.
   */
  whenDurable(tape: SessionTape, durable: () => void, keep?: () => void): void {
    const { position } = this;
    if (position <= this.durable) return tape.behind.whenDurable(position, durable, keep);
    this.#untilDurable.push({ position, tape, durable, keep });
    this.#seeWhoWaits(tape);
    this.#stamps?.waits();
    this.#tell(false);
  }

  #seeWhoWaits(tape: SessionTape): void {
    if (tape === this.#lastToWait) return;
    if (this.#lastToWait !== undefined) this.#amongOthersUntil = this.#now() + AMONG_OTHERS_MS;
    this.#lastToWait = tape;
  }

  /** More than one session waited of late: what becomes durable for one is waited for by others. */
  get isShared(): boolean {
    return this.#now() < this.#amongOthersUntil;
  }

  /** The last `length` bytes of the last frame, where they lie; none where it is shorter. */
  recorded(length: number): Uint8Array | undefined {
    return this.#slab.lastOf(length);
  }

  /** How long the oldest frame that is not durable has waited, milliseconds. */
  get lagMs(): number {
    const since = Math.min(this.#backlog.sinceMs, ...[...this.#behind].map(({ behind }) => behind.sinceMs));
    return since === Number.POSITIVE_INFINITY ? 0 : this.#now() - since;
  }

  /** Where the next record begins. */
  get position(): number {
    return this.#slabFrom + this.#slab.used;
  }

  /** Everything before it is durable for which somebody may wait, but for what is behind. */
  get durable(): number {
    return this.#told;
  }

  /** Whatever was recorded until now becomes durable as soon as can be. */
  handOver(): void {
    if (this.#untoldSince === 0) return;
    this.#untoldSince = 0;
    const now = this.#now();
    this.#slab.mark(now);
    this.#backlog.add(this.position, now);
    this.#tell(true);
  }

  #tell(all: boolean): void {
    if (!this.#pace.isMeasuring) this.#pace.asked(this.position, this.#now());
    this.#stamps?.asks();
    if (this.#bell.ring(all)) this.#port.postMessage({ kind: 'take' });
  }

  /** The recorder takes a slab that is full as soon as it hears of the next. */
  #changeSlab(): void {
    this.#slabs.push(this.#slab.buffer);
    this.#slabFrom = this.position;
    this.#slab = this.#newSlab();
  }

  #newSlab(): SlabWriter {
    const slab = new SlabWriter(this.#spare.pop() ?? newSlab());
    this.#port.postMessage({ kind: 'slab', buffer: slab.buffer });
    return slab;
  }

  #look(): void {
    const now = this.#now();
    if (this.#untoldSince !== 0 && now - this.#untoldSince >= this.#pace.handOverMs) this.handOver();
    // One by one once a bulk transfer is over: never in its midst, where new ones keep V8's collector busy.
    if (this.#backlog.bytes === 0 && this.#spare.length > SPARE_SLABS) this.#spare.pop();
    this.#holdLate(now);
  }

  /** Stores what remains and the close statement of one tape. Rejects when that fails: the recorder then tries again by itself. */
  async close(tape: SessionTape, ending: Omit<Ending, 'at'>): Promise<SessionOutcome> {
    this.#open.delete(tape.number);
    this.#pace.holds([...this.#open.values()]);
    this.#behind.delete(tape);
    if (tape === this.#lastToWait) this.#lastToWait = undefined;
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
    clearInterval(this.#timer);
    if (!this.#stopped) this.#onDeath(this.#dead);
  }

  stop(): void {
    this.#stopped = true;
    this.handOver();
    clearInterval(this.#timer);
    this.#port.postMessage({ kind: 'stop' });
  }

  /** A tape that is behind is held to its own window and deadline, and nobody else is. */
  #followsClosely({ behind, windowMs }: SessionTape, now: number): boolean {
    const share = Math.max(LEAST_BEHIND, MOST_BEHIND / this.#behind.size);
    return now - behind.sinceMs <= windowMs && behind.bytes <= share;
  }

  #durable({
    bytes,
    slabs,
    isPartial,
    behind = [],
    times,
  }: Extract<FromRecorder, { kind: 'durable' }>): void {
    for (const number of behind) this.#fallsBehind(number, bytes);
    this.#told += bytes;
    if (isPartial !== true) this.#backlog.becomesDurable(this.#told - this.#backlog.durable);
    this.#pace.durable(this.durable, this.#now());
    const told = this.#tellDurable();
    this.#stamps?.told(told, times);
    // Whoever held something in them has let go of it, or kept a copy.
    if (slabs > 0) this.#spare.push(...this.#slabs.splice(0, slabs));
    this.#resume();
  }

  #fallsBehind(number: number, bytes: number): void {
    const tape = this.#open.get(number);
    if (tape === undefined) return;
    tape.behind.add({ from: this.durable, bytes, sinceMs: this.#backlog.sinceMs });
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
    const { sinceMs, durable } = this.#backlog;
    for (const [resume, { tape, position }] of [...this.#waiting]) {
      if (now - sinceMs > tape.windowMs && durable < position) continue;
      if (this.#behind.has(tape) && !this.#followsClosely(tape, now)) continue;
      this.#waiting.delete(resume);
      resume();
    }
  }

  /** Returns how many were told. */
  #tellDurable(): number {
    const waiting = this.#untilDurable;
    let told = 0;
    for (; told < waiting.length && waiting[told]!.position <= this.durable; told += 1) {
      const { position, tape, durable, keep } = waiting[told]!;
      tape.behind.whenDurable(position, durable, keep);
    }
    waiting.splice(0, told);
    return told;
  }

  /** Sessions wait before their window is over, not at the first read behind it; past the deadline they end. */
  #holdLate(now: number): void {
    const isDurable = this.#backlog.sinceMs === Number.POSITIVE_INFINITY;
    for (const tape of isDurable ? this.#behind : this.#open.values()) {
      const late = this.#lateMs(tape, now);
      if (late > tape.deadlineMs)
        tape.fail(recorderFailed(`nothing became durable for ${Math.round(late)} ms`));
      else if (late > tape.windowMs - LOOK_MS) tape.wait();
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

  /**
   * Records the first `length` of `bytes`, copying them. False: more than the window allows is not durable. These bytes wait for
   * `whenCaughtUp` before they are forwarded, and whoever reads before he reads on.
   */
  record(stream: StreamNumber, bytes: Uint8Array, length: number): boolean {
    return this.#tapes.append(this, stream, 0, bytes, length);
  }

  /** Records that `length` secret bytes were here: zeros of the same number. Returns what `record` does. */
  recordWithheld(stream: StreamNumber, length: number): boolean {
    return this.#tapes.append(this, stream, FLAG_WITHHELD, new Uint8Array(length), length);
  }

  /** Records a side fact. */
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void {
    const bytes = Buffer.from(JSON.stringify(fact)).subarray(0, FRAME_MAX_PAYLOAD);
    this.#tapes.append(this, Stream.note, 0, bytes, bytes.byteLength);
  }

  /** More than the window allows is not durable. */
  get isLate(): boolean {
    return this.#tapes.isLate(this);
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

  /** Behind everything that was recorded until now. */
  get position(): number {
    return this.#tapes.position;
  }

  /** Everything of this tape that was recorded before it is durable. */
  get durable(): number {
    return Math.min(this.#tapes.durable, this.behind.from);
  }

  /** Of late others waited as well for what they said to be durable: their commits are its commits. */
  get isAmongOthers(): boolean {
    return this.#tapes.isShared;
  }

  /**
   * The last `length` bytes of the frame that was just recorded, where they lie: they stay so until the tape is durable that far, or
   * `keep` is called. None where that frame is shorter.
   */
  recorded(length: number): Uint8Array | undefined {
    return this.#tapes.recorded(length);
  }

  /**
   * Calls `durable` once everything recorded until now is durable; never when this recording has failed. `keep` is called before that
   * where what `recorded` gave will not stay until then.
   */
  whenDurable(durable: () => void, keep?: () => void): void {
    const told = (): void => {
      if (!this.#failed) durable();
    };
    this.#tapes.whenDurable(this, told, keep);
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
