import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Stream } from '#core/recording/format.ts';
import type { SessionOutcome } from '#core/recording/session-index.ts';
import { SLAB_BYTES } from '#core/recording/slab.ts';
import { type FromRecorder, plainError, type ToRecorder } from '#proxy/recorder/messages.ts';
import { recorderFailed, type SessionTape, type TapeOptions, Tapes } from '#proxy/recorder/tapes.ts';
import { opening } from '#test/support/recorder.ts';

const HAND_OVER_MS = 120;
const LATE_CHECK_MS = 25;
const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z' } as const;
const OUTCOME: SessionOutcome = { ...ENDING, recovered: false, segments: 1, frames: 2, bytes: 3 };
const HALF_A_SLAB = new Uint8Array(SLAB_BYTES / 2 - 1000);
const BYTES = Buffer.from('select 1');

let posted: ToRecorder[];
let tapes: Tapes;
let failures: CustodyError[];
/** What the clock has gone on without the timers: the event loop was held up. */
let heldUp: number;

const now = (): number => performance.now() + heldUp;

beforeEach(() => {
  heldUp = 1;
  vi.useFakeTimers();
  posted = [];
  failures = [];
  tapes = new Tapes({ postMessage: (message) => posted.push(message) }, now);
});
afterEach(() => {
  tapes.stop();
  vi.useRealTimers();
});

const OPTIONS: TapeOptions = {
  durability: 'windowed',
  windowMs: 250,
  deadlineMs: 5_000,
  onFailure: (error) => failures.push(error),
};

async function open(options: Partial<TapeOptions> = {}): Promise<SessionTape> {
  const opened = tapes.open(opening(), { ...OPTIONS, ...options });
  const { tape } = posted.at(-1) as { tape: number };
  tapes.receive({ kind: 'opened', tape });
  return opened;
}

function slabs(): Extract<ToRecorder, { kind: 'slab' }>[] {
  return posted.filter((message) => message.kind === 'slab');
}

/** The oldest `count` slabs, from `first`, become durable. */
function makeDurable(first: number, count = 1): void {
  const buffers = slabs()
    .slice(first, first + count)
    .map(({ buffer }) => buffer);
  tapes.receive({ kind: 'durable', buffers });
}

function record(tape: SessionTape, bytes: Uint8Array = BYTES): boolean {
  return tape.record(Stream.client, bytes, bytes.length);
}

/** A slab with one frame is handed over. */
function handOver(tape: SessionTape): boolean {
  const goesOn = record(tape);
  tapes.handOver();
  return goesOn;
}

function failed(tape: number, error = recorderFailed('disk full')): FromRecorder {
  return { kind: 'failed', tape, error: plainError(error) };
}

describe('hand-over', () => {
  it('of a slab that is old, though nothing more is recorded; none that is empty', async () => {
    const tape = await open();
    vi.advanceTimersByTime(HAND_OVER_MS * 3);
    expect(slabs()).toEqual([]);
    record(tape);
    vi.advanceTimersByTime(HAND_OVER_MS);
    expect(slabs()).toMatchObject([{ at: now() }]);
    expect(slabs()[0]!.used).toBeGreaterThan(BYTES.length);
    vi.advanceTimersByTime(HAND_OVER_MS * 3);
    expect(slabs()).toHaveLength(1);
  });

  it('of a slab that is old, by the frame that comes too late for it, when the timers are late', async () => {
    const tape = await open();
    record(tape);
    heldUp += HAND_OVER_MS;
    record(tape);
    expect(slabs()).toEqual([]);
    heldUp += 1;
    record(tape);
    expect(slabs()).toHaveLength(1);
  });

  it('of a slab that is full, before the frame that it has no room for', async () => {
    const tape = await open();
    record(tape, HALF_A_SLAB);
    record(tape, HALF_A_SLAB);
    expect(slabs()).toEqual([]);
    record(tape, HALF_A_SLAB);
    expect(slabs()).toHaveLength(1);
    tapes.handOver();
    const [first, second] = slabs();
    expect(first!.used).toBeGreaterThan(2 * HALF_A_SLAB.length);
    expect(second!.used).toBeLessThan(first!.used);
    expect(second!.buffer).not.toBe(first!.buffer);
  });

  it('at a close, ahead of it, and at a stop', async () => {
    const [one, two] = [await open(), await open()];
    record(one);
    void one.close(ENDING);
    record(two);
    tapes.stop();
    const kinds = posted.map(({ kind }) => kind);
    expect(kinds).toEqual(['open', 'open', 'slab', 'close', 'slab', 'stop']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('once for all that waits to become durable in one turn, and two slabs at most', async () => {
    const tape = await open({ durability: 'write-ahead' });
    const durable: string[] = [];
    for (const word of ['a', 'b']) {
      record(tape);
      tape.whenDurable(() => durable.push(word));
    }
    expect(slabs()).toEqual([]);
    vi.advanceTimersToNextTimer();
    expect(slabs()).toHaveLength(1);
    for (const word of ['c', 'd', 'e']) {
      record(tape);
      tape.whenDurable(() => durable.push(word));
      vi.advanceTimersByTime(0);
    }
    expect(slabs()).toHaveLength(2);
    makeDurable(0);
    expect(durable).toEqual(['a', 'b']);
    vi.advanceTimersByTime(0);
    expect(slabs()).toHaveLength(3);
    makeDurable(1, 2);
    expect(durable).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('hands over at once whoever waits while the recorder takes more', async () => {
    const tape = await open();
    tapes.receive({ kind: 'takes', commits: 4 });
    for (let n = 0; n < 6; n += 1) {
      record(tape);
      tape.whenDurable(() => undefined);
      vi.advanceTimersByTime(0);
    }
    expect(slabs()).toHaveLength(5);
  });
});

describe('back-pressure', () => {
  it('says wait while the oldest slab is older than the window, and resumes once when it is durable', async () => {
    const tape = await open();
    expect(handOver(tape)).toBe(true);
    vi.advanceTimersByTime(250);
    expect(record(tape)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(record(tape)).toBe(false);
    const resume = vi.fn<() => void>();
    tape.whenCaughtUp(resume);
    expect(resume).not.toHaveBeenCalled();
    makeDurable(0);
    makeDurable(1, 2);
    expect(resume).toHaveBeenCalledOnce();
    expect(record(tape)).toBe(true);
  });

  it('counts the window from the first frame of a slab, not from its hand-over', async () => {
    const tape = await open();
    record(tape);
    vi.advanceTimersByTime(100);
    tapes.handOver();
    vi.advanceTimersByTime(151);
    expect(record(tape)).toBe(false);
  });

  it('says wait from the thirty-second slab in flight on, however young they are', async () => {
    const tape = await open();
    for (let i = 0; i < 32; i += 1) expect(handOver(tape)).toBe(true);
    expect(record(tape)).toBe(false);
    makeDurable(0);
    expect(record(tape)).toBe(true);
  });

  it('stops a silent session before its window is over, once, and again the next time', async () => {
    const wait = vi.fn<() => void>();
    const [short, long] = [await open(), await open({ windowMs: 1_000 })];
    short.onWait(wait);
    long.onWait(() => expect.unreachable('its window is not over'));
    for (const round of [0, 1]) {
      handOver(short);
      vi.advanceTimersByTime(250 - LATE_CHECK_MS);
      expect(wait).toHaveBeenCalledTimes(round);
      vi.advanceTimersByTime(2 * LATE_CHECK_MS);
      expect(wait).toHaveBeenCalledTimes(round + 1);
      makeDurable(round);
    }
  });
});

describe('the deadline', () => {
  it('ends the sessions whose deadline is over, each once, and no other', async () => {
    const patient = vi.fn<(error: CustodyError) => void>();
    const tape = await open({ deadlineMs: 1_000 });
    await open({ deadlineMs: 60_000, onFailure: patient });
    handOver(tape);
    vi.advanceTimersByTime(1_000);
    expect(failures).toEqual([]);
    vi.advanceTimersByTime(LATE_CHECK_MS);
    expect(failures).toMatchObject([
      { code: 'recording-failed', detail: 'nothing became durable for 1025 ms' },
    ]);
    vi.advanceTimersByTime(10_000);
    expect(failures).toHaveLength(1);
    expect(patient).not.toHaveBeenCalled();
  });

  it('is for what is in flight: a quiet session has none', async () => {
    handOver(await open());
    makeDurable(0);
    vi.advanceTimersByTime(60_000);
    expect(failures).toEqual([]);
  });
});

describe('a session whose frames take their own time', () => {
  /** The oldest slab is given back, and the frames of these are not durable with it. */
  function allBut(first: number, ...behind: readonly SessionTape[]): void {
    const { buffer } = slabs()[first]!;
    tapes.receive({ kind: 'durable', buffers: [buffer], behind: behind.map(({ number }) => number) });
  }

  const caughtUp = ({ number }: SessionTape): void => tapes.receive({ kind: 'caught-up', tape: number });

  it('is held to its window, and nobody else is', async () => {
    const [slow, other] = [await open(), await open()];
    handOver(slow);
    allBut(0, slow);
    vi.advanceTimersByTime(250);
    expect([record(slow), record(other)]).toEqual([true, true]);
    vi.advanceTimersByTime(1);
    expect([record(slow), record(other)]).toEqual([false, true]);
    const resume = vi.fn<() => void>();
    slow.whenCaughtUp(resume);
    // What moves on is others'.
    makeDurable(1);
    expect(resume).not.toHaveBeenCalled();
    caughtUp(slow);
    expect(resume).toHaveBeenCalledOnce();
    expect(record(slow)).toBe(true);
  });

  it('waits before its window is over though it says nothing, and ends past its deadline: no other', async () => {
    const [wait, patient] = [vi.fn<() => void>(), vi.fn<(error: CustodyError) => void>()];
    const slow = await open({ deadlineMs: 1_000 });
    const other = await open({ deadlineMs: 1_000, onFailure: patient });
    slow.onWait(wait);
    other.onWait(() => expect.unreachable('nothing of it is behind'));
    handOver(slow);
    allBut(0, slow);
    expect(tapes.lagMs).toBe(0);
    vi.advanceTimersByTime(250);
    expect(wait).toHaveBeenCalledOnce();
    expect(tapes.lagMs).toBe(250);
    vi.advanceTimersByTime(1_000);
    expect(failures).toMatchObject([{ code: 'recording-failed' }]);
    expect(patient).not.toHaveBeenCalled();
  });

  it('has what waits for it told when its own frames are durable, in order, others at once', async () => {
    const [slow, other] = [await open(), await open()];
    const told: string[] = [];
    for (const round of [1, 2]) {
      for (const [name, tape] of Object.entries({ slow, other })) {
        record(tape);
        tape.whenDurable(() => told.push(`${name} ${round}`));
      }
      tapes.handOver();
    }
    allBut(0, slow);
    allBut(1, slow);
    expect(told).toEqual(['other 1', 'other 2']);
    // Asked when nothing is in flight any more.
    slow.whenDurable(() => told.push('slow, later'));
    caughtUp(slow);
    expect(told.slice(2)).toEqual(['slow 1']);
    caughtUp(slow);
    expect(told.slice(3)).toEqual(['slow 2', 'slow, later']);
    slow.whenDurable(() => told.push('at once'));
    expect(told.at(-1)).toBe('at once');
  });

  it('may have thirty-two slabs behind, and shares them with others like it', async () => {
    const [one, two] = [await open(), await open()];
    for (let slab = 0; slab < 32; slab += 1) {
      expect(handOver(one)).toBe(true);
      allBut(slab, one);
    }
    expect(record(one)).toBe(false);
    tapes.handOver();
    allBut(32, two);
    for (let slab = 0; slab < 17; slab += 1) {
      expect(record(one)).toBe(false);
      caughtUp(one);
    }
    expect(record(one)).toBe(true);
    caughtUp(two);
    expect(record(one)).toBe(true);
  });

  it('is forgotten when it closes: nobody waits for it, and what is said of it later is nothing', async () => {
    const slow = await open();
    handOver(slow);
    allBut(0, slow);
    vi.advanceTimersByTime(251);
    const resume = vi.fn<() => void>();
    slow.whenCaughtUp(resume);
    void slow.close(ENDING).catch(() => undefined);
    caughtUp(slow);
    expect(tapes.lagMs).toBe(0);
    const other = await open();
    handOver(other);
    makeDurable(1);
    expect(resume).toHaveBeenCalledOnce();
  });
});

describe('answers', () => {
  it('reach the tape that asked, in whatever order they come', async () => {
    const [first, second] = [tapes.open(opening(1), OPTIONS), tapes.open(opening(2), OPTIONS)];
    const error = plainError(recorderFailed('the signer is down'));
    tapes.receive({ kind: 'opened', tape: 2, error });
    tapes.receive({ kind: 'opened', tape: 99 });
    await expect(second).rejects.toMatchObject({ code: 'recording-failed', detail: 'the signer is down' });
    tapes.receive({ kind: 'opened', tape: 1 });
    expect((await first).number).toBe(1);
  });

  it('to two closes: one outcome, one error', async () => {
    const [one, two] = [await open(), await open()];
    const closing = [one.close(ENDING), two.close(ENDING)];
    tapes.receive({ kind: 'closed', tape: 2, outcome: plainError(recorderFailed('full')) });
    tapes.receive({ kind: 'closed', tape: 1, outcome: OUTCOME });
    expect(await closing[0]).toEqual(OUTCOME);
    await expect(closing[1]).rejects.toMatchObject({ code: 'recording-failed', detail: 'full' });
  });

  it('that a tape failed end that session alone, and only once', async () => {
    const other = vi.fn<(error: CustodyError) => void>();
    const tape = await open();
    await open({ onFailure: other });
    tapes.receive(failed(tape.number));
    tapes.receive(failed(tape.number));
    tapes.receive(failed(99));
    expect(failures).toMatchObject([{ code: 'recording-failed', detail: 'disk full' }]);
    expect(other).not.toHaveBeenCalled();
  });
});

describe('what waits to become durable', () => {
  it('goes on at once when nothing is in flight', async () => {
    const tape = await open();
    const durable = vi.fn<() => void>();
    tape.whenDurable(durable);
    handOver(tape);
    makeDurable(0);
    tape.whenDurable(durable);
    expect(durable).toHaveBeenCalledTimes(2);
  });

  it('never goes on in a session that failed, though its slab is said to be durable after that', async () => {
    const [bad, good] = [await open(), await open()];
    const told: string[] = [];
    record(bad);
    record(good);
    bad.whenDurable(() => told.push('bad'));
    good.whenDurable(() => told.push('good'));
    vi.advanceTimersByTime(0);
    tapes.receive(failed(bad.number));
    makeDurable(0);
    expect(told).toEqual(['good']);
  });

  it('waits for its own slab, not for the one before', async () => {
    const tape = await open();
    handOver(tape);
    record(tape);
    const durable = vi.fn<() => void>();
    tape.whenDurable(durable);
    vi.advanceTimersByTime(0);
    makeDurable(0);
    expect(durable).not.toHaveBeenCalled();
    makeDurable(1);
    expect(durable).toHaveBeenCalledOnce();
  });
});

describe('slabs', () => {
  it('are used again once they are durable, never before', async () => {
    const tape = await open();
    handOver(tape);
    handOver(tape);
    const first = slabs()[0]!.buffer;
    expect(slabs()[1]!.buffer).not.toBe(first);
    makeDurable(0);
    handOver(tape);
    handOver(tape);
    expect(slabs()[3]!.buffer).toBe(first);
  });

  it('are given away one by one while nothing is going on, but for four', async () => {
    const tape = await open();
    for (let i = 0; i < 7; i += 1) handOver(tape);
    makeDurable(0, 7);
    vi.advanceTimersByTime(HAND_OVER_MS);
    expect(reusedOf(tape, 7)).toBe(6);
    makeDurable(7, 8);
    vi.advanceTimersByTime(HAND_OVER_MS * 10);
    expect(reusedOf(tape, 7)).toBe(4);
  });

  it('are all kept while one is in flight', async () => {
    const tape = await open({ windowMs: 10_000, deadlineMs: 60_000 });
    for (let i = 0; i < 7; i += 1) handOver(tape);
    makeDurable(0, 6);
    vi.advanceTimersByTime(HAND_OVER_MS * 10);
    expect(reusedOf(tape, 7)).toBe(6);
  });
});

/** How many of the next slabs are ones that were handed over before. */
function reusedOf(tape: SessionTape, count: number): number {
  const before = new Set(slabs().map(({ buffer }) => buffer));
  const first = slabs().length;
  for (let i = 0; i <= count; i += 1) handOver(tape);
  // The one that is being filled is no spare any more.
  return slabs()
    .slice(first + 1)
    .filter(({ buffer }) => before.has(buffer)).length;
}

describe('death', () => {
  const cause = recorderFailed('the recorder stopped');

  it('of the recorder ends every session once, tells once, and stops the timers', async () => {
    const told = vi.fn<(error: CustodyError) => void>();
    tapes.onDeath(told);
    await open();
    await open();
    tapes.die(cause);
    tapes.die(recorderFailed('again'));
    expect(failures).toEqual([cause, cause]);
    expect(told.mock.calls).toEqual([[cause]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects what was asked and what is asked after it', async () => {
    const tape = await open();
    const asked = [tapes.open(opening(), OPTIONS), tape.close(ENDING)];
    tapes.die(cause);
    await expect(asked[0]).rejects.toMatchObject({ code: 'recording-failed', detail: cause.detail });
    await expect(asked[1]).rejects.toBeInstanceOf(CustodyError);
    await expect(tapes.open(opening(), OPTIONS)).rejects.toBe(cause);
    await expect((await open().catch(() => tape)).close(ENDING)).rejects.toBe(cause);
  });

  it('never calls durable what was not', async () => {
    const tape = await open();
    const durable = vi.fn<() => void>();
    record(tape);
    tape.whenDurable(durable);
    tapes.die(cause);
    vi.advanceTimersByTime(60_000);
    expect(durable).not.toHaveBeenCalled();
  });

  it('is none when the recorder goes because it was told to stop', () => {
    const told = vi.fn<(error: CustodyError) => void>();
    tapes.onDeath(told);
    tapes.stop();
    tapes.die(cause);
    expect(told).not.toHaveBeenCalled();
  });

  it('of the lease: said by the recorder, or seen at the next frame when the recorder is silent', async () => {
    const fenced = new CustodyError('task-fenced', 'taken over');
    const tape = await open();
    tapes.receive({ kind: 'lease', untilMs: now() + 1_000 });
    vi.advanceTimersByTime(999);
    record(tape);
    expect(failures).toEqual([]);
    vi.advanceTimersByTime(1);
    record(tape);
    expect(failures).toMatchObject([{ code: 'task-fenced' }]);
    tapes.receive({ kind: 'fenced', error: plainError(fenced) });
    expect(failures).toHaveLength(1);
    await expect(tapes.open(opening(), OPTIONS)).rejects.toMatchObject({ code: 'task-fenced' });
  });

  it('of the lease, said by the recorder, ends sessions that record nothing', async () => {
    await open();
    tapes.receive({ kind: 'fenced', error: plainError(new CustodyError('task-fenced', 'taken over')) });
    expect(failures).toMatchObject([{ code: 'task-fenced', message: 'taken over' }]);
  });
});
