import { asCustodyError, type CustodyError } from '#core/errors.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { Item, LiveFrames } from './items.ts';
import { Pulled } from './pulled.ts';
import type { LiveEvent } from './shape.ts';

/** One who looks on. */
export interface Watch {
  readonly frames: LiveFrames;
  readonly items: AsyncGenerator<Item, void, undefined>;
  readonly startedAt: string;
  /** Steps up to this number were shown already; undefined for who begins. */
  readonly after: number | undefined;
  /** Nothing that is durable already is shown. */
  readonly fromNow: boolean;
  /** How a person reads a step in as many columns; not at all where it is absent. */
  readonly columns: number | undefined;
  /** The session as the index has it now. */
  readonly record: () => Promise<SessionRecord>;
  /** Asked again each second, before anything more is shown: why the caller may look on no longer. */
  readonly refusal: () => Promise<CustodyError | undefined>;
  /** The caller is watching at this moment: said right after `refusal` had nothing to say. */
  readonly renew: () => Promise<void>;
  /** What may be seen of an item. */
  readonly seen: (item: Item) => Item;
  readonly now: () => Date;
  readonly pause: (ms: number) => Promise<void>;
}

const LOOK_EVERY_MS = 1_000;

/** What one watcher is told, until the session's recording is closed or the watcher may look on no longer. */
export class Watching {
  readonly #watch: Watch;
  readonly #items: Pulled<Item>;
  #n = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #tick: Promise<void> | undefined;
  #isOver = false;

  constructor(watch: Watch) {
    this.#watch = watch;
    this.#items = new Pulled(watch.items);
  }

  /** The last number that was given. */
  get n(): number {
    return this.#n;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Who asks again is looked at again, before anything is told. */
  lookAgain(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** In the order in which they are to be told. Takes an item only when the one before was taken: who is slow reads slowly. */
  async *events(): AsyncGenerator<LiveEvent, void, undefined> {
    while (!this.#isOver) {
      if (this.#isTimeToLook()) {
        const refused = await this.#watch.refusal();
        if (refused !== undefined)
          return yield this.#over({ of: 'watch', reason: refused.code, message: refused.message });
        await this.#watch.renew();
        yield await this.#lag();
      }
      yield* this.#next();
    }
  }

  /** Nobody is told anything more. */
  stop(): void {
    this.#isOver = true;
    this.#watch.frames.stop();
    this.#items.stop();
  }

  #isTimeToLook(): boolean {
    const now = this.#watch.now().getTime();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return false;
    this.#lookedAt = now;
    return true;
  }

  async *#next(): AsyncGenerator<LiveEvent, void, undefined> {
    this.#tick ??= this.#watch.pause(LOOK_EVERY_MS).finally(() => (this.#tick = undefined));
    try {
      const result = await this.#items.before(this.#tick);
      if (result === undefined) return yield* this.#neverOpened();
      if (result.done) return yield this.#over(this.#ending());
      const event = this.#eventOf(result.value);
      if (event !== undefined) yield event;
    } catch (error) {
      const { code, message } = asCustodyError(error);
      yield this.#over({ of: 'watch', reason: code, message });
    }
  }

  #eventOf(item: Item): LiveEvent | undefined {
    const { after, fromNow, frames, columns } = this.#watch;
    this.#n += 1;
    if (this.#n <= (after ?? 0) || (fromNow && !frames.isCaughtUp)) return undefined;
    const n = this.#n;
    const seen = this.#watch.seen(item);
    if ('terminal' in seen) return { event: 'terminal', id: n, data: { n, ...terminalJson(seen.terminal) } };
    const { step } = seen;
    const text = columns === undefined ? {} : { text: step.toText(columns) };
    return { event: 'step', id: n, data: { n, step: step.toJson(), ...text } };
  }

  async #lag(): Promise<LiveEvent> {
    const { frames, startedAt, now, record } = this.#watch;
    const { state } = await record();
    const { lastTimeUs } = frames;
    const [n, id] = [this.#n, this.#resumeId()];
    if (lastTimeUs === undefined) return { event: 'lag', id, data: { state, n } };
    const until = Date.parse(startedAt) + lastTimeUs / 1000;
    const behindMs = Math.max(0, Math.round(now().getTime() - until));
    return { event: 'lag', id, data: { state, n, shownUntil: new Date(until).toISOString(), behindMs } };
  }

  /** Who has this number, and goes on behind it, misses nothing and is told nothing twice. */
  #resumeId(): number | undefined {
    const { after, frames, fromNow } = this.#watch;
    if (fromNow && !frames.isCaughtUp) return undefined;
    return Math.max(this.#n, after ?? 0);
  }

  /** A session that could not be opened has no recording that could end. */
  async *#neverOpened(): AsyncGenerator<LiveEvent, void, undefined> {
    const { frames, record } = this.#watch;
    if (!frames.isCaughtUp || frames.lastTimeUs !== undefined) return;
    const { outcome } = await record();
    if (outcome === undefined || outcome.segments > 0 || outcome.reason !== 'gateway-failed') return;
    yield this.#over({
      of: 'session',
      reason: outcome.reason,
      verdict: 'incomplete',
      endedAt: outcome.endedAt,
    });
  }

  #ending(): Extract<LiveEvent, { event: 'end' }>['data'] {
    const { ending } = this.#watch.frames;
    if (ending?.verdict === 'verified') {
      const { reason, close } = ending;
      return { of: 'session', reason, verdict: 'verified', endedAt: close.endedAt };
    }
    const message = ending?.fault ?? 'the recording could not be read to its end';
    return { of: 'session', reason: 'unknown', verdict: 'failed', message };
  }

  #over(data: Extract<LiveEvent, { event: 'end' }>['data']): LiveEvent {
    this.stop();
    return { event: 'end', data };
  }
}

function terminalJson(event: Extract<Item, { terminal: unknown }>['terminal']) {
  const { at } = event;
  switch (event.kind) {
    case 'start': {
      const { kind, columns, rows, isTerminal } = event;
      return { kind, at, columns, rows, isTerminal };
    }
    case 'output':
    case 'input':
      return { kind: event.kind, at, bytes: Buffer.from(event.bytes).toString('base64') };
    case 'resize':
      return { kind: event.kind, at, columns: event.columns, rows: event.rows };
    case 'exit':
      return { kind: event.kind, at, status: event.status };
  }
}
