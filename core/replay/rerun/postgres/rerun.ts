/** Recorded PostgreSQL sessions, run again together in their recorded order, and compared answer by answer. */
import { loadParser } from '#core/protocols/postgres/shapes/parser.ts';
import type { ReplayFrame } from '../../step.ts';
import type { MayDiffer } from '../may-differ.ts';
import { mergedFrames, type Timed } from '../merge.ts';
import type { RerunReport } from '../report.ts';
import { Flows } from './flows.ts';
import type { Live, OpenWire } from './live.ts';
import { Meanings } from './meaning.ts';
import { Participant, type Recorded } from './participant.ts';
import { placeOf } from './place.ts';
import type { Login } from './startup.ts';

export interface RerunOptions {
  readonly mayDiffer: MayDiffer;
  /** Recorded pauses, divided by this; undefined: as fast as it goes. */
  readonly gaps?: number | undefined;
  /** How long the sandbox may say nothing, besides what it took in the recording. */
  readonly answerMs: number;
  /** Stop behind this step of the recording: of one session alone. */
  readonly until?: number | undefined;
}

export interface World {
  readonly now: () => number;
  /** Resolves early when the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** One session, and where it runs again. */
export interface Wanted extends Recorded {
  readonly login: Login;
  readonly open: OpenWire;
  readonly against: string;
  /** As a folder or an API gives it: frames can be read anew. */
  readonly reread: () => AsyncIterable<ReplayFrame>;
  /** When it ended: milliseconds since 1970. */
  readonly endedAt: number;
}

export interface Rerun {
  readonly reports: readonly RerunReport[];
  /** With `until`: the connection as it is at that step. */
  readonly live?: Live | undefined;
}

/** Two that were asked one after the other, on two connections, are at most so far apart here. */
const APART_MS = 100;
const CANCEL_AGAIN_MS = 1_000;
const CANCEL_WAIT_MAX_MS = 10_000;
/** Answers of the recording that may wait for those of the rerun. */
const AHEAD_MAX = 1_000;
const GOODBYE_MS = 2_000;

/** Resolves when all is sent and answered. Rejects where a connection cannot be opened. */
export async function rerunPostgres(
  wanted: readonly Wanted[],
  options: RerunOptions,
  world: World,
): Promise<Rerun> {
  const meanings = new Meanings(await loadParser());
  const place =
    options.until === undefined ? undefined : await placeOf(wanted[0]!.reread(), options.until, meanings);
  const startedAt = world.now();
  const parts = wanted.map((one) => {
    const moments = {
      recorded: { from: one.startedAt, to: one.endedAt },
      rerun: { from: startedAt, to: Infinity },
    };
    return new Participant(
      one,
      one.login,
      one.open,
      meanings,
      { ...options.mayDiffer, moments, flows: new Flows() },
      place,
    );
  });
  const run = new Run(parts, options, world);
  await run.all();
  if (place?.needsSync) await run.sync(parts[0]!);
  const keeps = place !== undefined && !parts[0]!.isOver;
  if (!keeps) await run.end();
  const reports = parts.map((part, at) => reportOf(part, wanted[at]!, options.until));
  return { reports, ...(keeps && { live: parts[0]!.live }) };
}

function reportOf(part: Participant, { session, against }: Wanted, until: number | undefined): RerunReport {
  const notReached = part.finish();
  const rerun = part.live.settings.get('custody.session');
  return {
    session,
    ...(rerun !== undefined && { rerun }),
    against,
    protocol: 'postgres',
    ...part.answers.findings.result(),
    ...(notReached > 0 && { notReached }),
    ...(until !== undefined && { until }),
  };
}

class Run {
  readonly #parts: readonly Participant[];
  readonly #options: RerunOptions;
  readonly #world: World;
  #last: { readonly by: Participant; readonly at: number } | undefined;

  constructor(parts: readonly Participant[], options: RerunOptions, world: World) {
    this.#parts = parts;
    this.#options = options;
    this.#world = world;
  }

  async all(): Promise<void> {
    for await (const timed of mergedFrames(this.#parts)) {
      if (this.#parts.every((part) => part.isStopped && part.isAnswered)) return this.#caughtUp(Infinity);
      await this.#frame(timed);
    }
    await this.#caughtUp(Infinity);
    for (const part of this.#parts) if (!part.isOver && !part.isStopped) await part.sendRest();
  }

  async sync(part: Participant): Promise<void> {
    await part.sync();
    await this.#until(part, () => !part.isAsking, 0);
  }

  async end(): Promise<void> {
    for (const part of this.#parts) {
      part.live.wire?.end();
      await this.#until(
        part,
        () => part.live.isClosed || !part.hasStarted,
        -this.#options.answerMs + GOODBYE_MS,
        true,
      );
    }
  }

  async #frame({ of: part, frame: { stream, payload }, at }: Timed<Participant>): Promise<void> {
    if (part.isOver && stream === 'client') return part.passOver(payload);
    if (stream === 'client') return this.#client(part, payload, at);
    if (stream === 'note' && isCancel(payload)) await this.#cancel(part, at);
    part.said(stream, payload);
    if (part.answers.waiting > AHEAD_MAX) await this.#catchUp(part, at);
  }

  async #client(part: Participant, payload: Uint8Array, at: number): Promise<void> {
    await this.#caughtUp(at);
    if (part.isOver) return part.passOver(payload);
    await this.#pause(part, at);
    await part.send(payload);
    part.sentAt = at;
    this.#last = { by: part, at };
  }

  /** Whatever was answered by then in the recording is answered now, in all sessions. */
  async #caughtUp(at: number): Promise<void> {
    for (const part of this.#parts) await this.#catchUp(part, at);
  }

  async #catchUp(part: Participant, at: number): Promise<void> {
    const took = Number.isFinite(at) ? Math.max(0, at - part.sentAt) / 1000 : 0;
    await this.#until(part, () => !part.isBehind, took);
  }

  /** One that was asked while another waits must not come first. */
  async #pause(part: Participant, at: number): Promise<void> {
    const { gaps } = this.#options;
    const gap = this.#last === undefined ? 0 : (at - this.#last.at) / 1000;
    const othersAsk =
      this.#last?.by !== part && this.#parts.some((other) => other !== part && other.isAsking);
    const ms = gaps === undefined ? (othersAsk ? Math.min(gap, APART_MS) : 0) : gap / gaps;
    if (ms > 0) await this.#world.sleep(ms);
  }

  /** As long after the statement as it was, and again: one that comes before its statement has begun is for nothing. */
  async #cancel(part: Participant, at: number): Promise<void> {
    await this.#catchUp(part, at);
    if (part.isOver || !part.isAsking) return;
    const gap = (at - part.sentAt) / 1000 / (this.#options.gaps ?? 1);
    await this.#world.sleep(Math.min(gap, CANCEL_WAIT_MAX_MS));
    await part.live.cancel();
    void this.#cancelAgain(part, part.sentAt);
  }

  async #cancelAgain(part: Participant, sentAt: number): Promise<void> {
    for (let left = 5; left > 0; left--) {
      await this.#world.sleep(CANCEL_AGAIN_MS);
      if (part.isOver || part.live.isClosed || part.sentAt !== sentAt || !part.isBehind) return;
      await part.live.cancel();
    }
  }

  /** Waits as long as the sandbox says something, and no longer than it may say nothing. `isGoodbye`: nobody minds. */
  async #until(part: Participant, isSo: () => boolean, tookMs: number, isGoodbye = false): Promise<void> {
    while (!isSo()) {
      if (part.live.isClosed)
        return this.#stopped(
          part,
          `the connection ended${part.live.why === undefined ? '' : `: ${part.live.why}`}`,
        );
      const heard = part.heardBytes;
      const limit = this.#options.answerMs + tookMs;
      const over = new AbortController();
      await Promise.race([part.live.changed(), this.#world.sleep(limit, over.signal)]);
      over.abort();
      if (isSo() || part.live.isClosed || part.heardBytes !== heard) continue;
      if (!isGoodbye) this.#stopped(part, `no answer within ${Math.round(limit / 1000)} s`);
      return;
    }
  }

  #stopped(part: Participant, why: string): void {
    if (part.isOver) return;
    part.isOver = true;
    part.live.wire?.end();
    part.answers.stop({ kind: 'no-answer', rerun: why });
  }
}

function isCancel(payload: Uint8Array): boolean {
  return Buffer.from(payload).toString('latin1').includes('"note":"cancel"');
}
