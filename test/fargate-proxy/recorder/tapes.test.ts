import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Stream } from '#core/recording/format.ts';
import type { SessionOutcome } from '#core/recording/session-index.ts';
import { gatherFrames, SLAB_BYTES } from '#core/recording/slab.ts';
import { Bell } from '#proxy/recorder/bell.ts';
import { Incoming, type Taken } from '#proxy/recorder/incoming.ts';
import { type FromRecorder, plainError, type ToRecorder } from '#proxy/recorder/messages.ts';
import { recorderFailed, type SessionTape, type TapeOptions, Tapes } from '#proxy/recorder/tapes.ts';
import { opening } from '#test/support/recorder.ts';

/** Of a window of 250 ms, where commits take no time. */
const HAND_OVER_MS = 190;
const LOOK_MS = 25;
const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z' } as const;
const OUTCOME: SessionOutcome = { ...ENDING, recovered: false, segments: 1, frames: 2, bytes: 3 };
const HALF_A_SLAB = new Uint8Array(SLAB_BYTES / 2 - 1000);
const QUARTER_MB = new Uint8Array(1 << 18);
const BYTES = Buffer.from('select 1');

let posted: ToRecorder[];
let incoming: Incoming;
let bell: Bell;
/** All that a recorder took that is never busy, in order. */
let commits: Taken[];
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
  incoming = new Incoming();
  commits = [];
  tapes = new Tapes({ postMessage: receive }, now);
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

function receive(message: ToRecorder): void {
  posted.push(message);
  if (message.kind === 'bell') bell = new Bell(message.memory);
  if (message.kind === 'slab') incoming.add(message.buffer);
  if (message.kind === 'slab' || message.kind === 'take') take();
}

function take(): void {
  bell.answer();
  const taken = incoming.take(16);
  if (taken !== undefined) commits.push(taken);
  bell.rest();
}

/** The oldest `count` commits, from `first`, become durable. */
function makeDurable(first: number, count = 1): void {
  for (const { bytes, slabs } of commits.slice(first, first + count))
    tapes.receive({ kind: 'durable', bytes, slabs });
}

function record(tape: SessionTape, bytes: Uint8Array = BYTES): boolean {
  return tape.record(Stream.client, bytes, bytes.length);
}

/** One frame is handed over. */
function handOver(tape: SessionTape): boolean {
  const goesOn = record(tape);
  tapes.handOver();
  return goesOn;
}

function failed(tape: number, error = recorderFailed('disk full')): FromRecorder {
  return { kind: 'failed', tape, error: plainError(error) };
}

describe('hand-over', () => {
  it('of what is old, though nothing more is recorded; of nothing, where there is nothing', async () => {
    const tape = await open();
    vi.advanceTimersByTime(HAND_OVER_MS * 3);
    expect(commits).toEqual([]);
    record(tape);
    vi.advanceTimersByTime(HAND_OVER_MS - LOOK_MS);
    expect(commits).toEqual([]);
    vi.advanceTimersByTime(2 * LOOK_MS);
    expect(commits).toHaveLength(1);
    vi.advanceTimersByTime(HAND_OVER_MS * 3);
    expect(commits).toHaveLength(1);
  });

  it('says that all is there up to the moment itself, and up to its frame where somebody waits', async () => {
    const tape = await open();
    record(tape);
    const recordedMs = now();
    tape.whenDurable(() => undefined);
    vi.advanceTimersByTime(7);
    record(tape);
    vi.advanceTimersByTime(9);
    tapes.handOver();
    expect(commits.map(({ ranges }) => ranges.map(({ at }) => at))).toEqual([[recordedMs], [now()]]);
  });

  it('of what is old, by the frame that comes too late for it, when the timers are late', async () => {
    const tape = await open();
    record(tape);
    heldUp += HAND_OVER_MS;
    record(tape);
    expect(commits).toEqual([]);
    heldUp += 1;
    record(tape);
    expect(commits).toHaveLength(1);
  });

  it('of a slab that is full, before the frame that it has no room for', async () => {
    const tape = await open();
    record(tape, HALF_A_SLAB);
    record(tape, HALF_A_SLAB);
    expect(commits).toEqual([]);
    record(tape, HALF_A_SLAB);
    tapes.handOver();
    const [first, second] = commits.map(({ ranges }) => ranges[0]!);
    expect(first!.bytes).toBeGreaterThan(2 * HALF_A_SLAB.length);
    expect(second!.bytes).toBeLessThan(first!.bytes);
    expect(second!.buffer).not.toBe(first!.buffer);
    expect(commits.map(({ slabs }) => slabs)).toEqual([1, 0]);
  });

  it('of a slab in parts while it is filled, and of none twice', async () => {
    const tape = await open();
    for (const text of ['a', 'b', 'c']) {
      record(tape, Buffer.from(text));
      tapes.handOver();
    }
    const ranges = commits.map(({ ranges }) => ranges[0]!);
    expect(new Set(ranges.map(({ buffer }) => buffer)).size).toBe(1);
    expect(ranges.map(({ from }) => from).slice(1)).toEqual(ranges.map(({ to }) => to).slice(0, 2));
    const scratch = new Uint8Array(1000);
    expect(ranges.map((range) => gatherFrames([range], scratch)[0]!.rawFrames.at(-1))).toEqual([97, 98, 99]);
  });

  it('at a close, ahead of it, and at a stop', async () => {
    const [one, two] = [await open(), await open()];
    record(one);
    void one.close(ENDING);
    record(two);
    tapes.stop();
    const kinds = posted.map(({ kind }) => kind);
    expect(kinds).toEqual(['bell', 'slab', 'open', 'open', 'take', 'close', 'take', 'stop']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks for what somebody waits for once, while the recorder has not answered', async () => {
    const tape = await open({ durability: 'write-ahead' });
    const durable: string[] = [];
    const say = (word: string): void => {
      record(tape);
      tape.whenDurable(() => durable.push(word));
    };
    say('a');
    // It is awake from here on.
    bell.ring(false);
    for (const word of ['b', 'c', 'd']) say(word);
    expect(posted.filter(({ kind }) => kind === 'take')).toHaveLength(1);
    makeDurable(0);
    expect(durable).toEqual(['a']);
    take();
    makeDurable(1);
    expect(durable).toEqual(['a', 'b', 'c', 'd']);
    expect(commits).toHaveLength(2);
  });

  it('comes earlier where a window is shorter or commits are slow, and never so late that sessions wait', async () => {
    const tape = await open();
    const waits = vi.fn<() => void>();
    tape.onWait(waits);
    const ages: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      if (round === 3) (await open({ windowMs: 100 })).onWait(() => undefined);
      record(tape);
      const began = now();
      while (commits.length === round) vi.advanceTimersByTime(1);
      ages.push(now() - began);
      // A commit takes so long.
      vi.advanceTimersByTime(20);
      makeDurable(round);
    }
    expect(ages[0]).toBeLessThanOrEqual(HAND_OVER_MS + LOOK_MS);
    expect(Math.max(...ages.slice(1, 3))).toBeLessThanOrEqual(HAND_OVER_MS - 2 * 20 + LOOK_MS);
    expect(Math.max(...ages.slice(3))).toBeLessThanOrEqual(25 + LOOK_MS);
    expect(waits).not.toHaveBeenCalled();
  });
});

describe('a commit that is for those who wait', () => {
  /** A commit is over, and only what somebody waits for is durable. */
  function makePartlyDurable(first: number): void {
    const { bytes, slabs } = commits[first]!;
    tapes.receive({ kind: 'durable', bytes, slabs, isPartial: true });
  }

  it('lets them go on, and everything else counts as not durable until the next of all', async () => {
    const tape = await open({ durability: 'write-ahead' });
    const durable = vi.fn<() => void>();
    record(tape);
    tape.whenDurable(durable);
    makePartlyDurable(0);
    expect(durable).toHaveBeenCalledOnce();
    expect(tape.durable).toBe(tape.position);
    vi.advanceTimersByTime(40);
    expect(tapes.lagMs).toBe(40);
    // Nothing more is said: it is handed over all the same.
    vi.advanceTimersByTime(2 * LOOK_MS);
    expect(commits).toHaveLength(2);
    expect(bell.isForAll()).toBe(true);
    makeDurable(1);
    expect(tapes.lagMs).toBe(0);
  });

  it('is asked for without the rest, which is asked for at its tick though others wait all the time', async () => {
    const tape = await open({ durability: 'write-ahead' });
    let forAll = 0;
    for (let ms = 0; ms < 200; ms += 5) {
      record(tape);
      tape.whenDurable(() => undefined);
      if (bell.isForAll()) forAll += 1;
      makePartlyDurable(commits.length - 1);
      vi.advanceTimersByTime(5);
    }
    expect(forAll).toBeGreaterThanOrEqual(2);
    expect(forAll).toBeLessThanOrEqual(4);
  });
});

describe('back-pressure', () => {
  it('says wait while the oldest frame is older than the window, and resumes once when it is durable', async () => {
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

  it('resumes whom nothing of his own holds up, though others keep the recorder busy for longer than his window', async () => {
    const [quick, busy] = [await open({ windowMs: 100 }), await open({ windowMs: 10_000 })];
    handOver(busy);
    vi.advanceTimersByTime(101);
    expect(record(quick)).toBe(false);
    const resume = vi.fn<() => void>();
    quick.whenCaughtUp(resume);
    handOver(busy);
    handOver(busy);
    vi.advanceTimersByTime(101);
    makeDurable(0);
    expect(resume).not.toHaveBeenCalled();
    makeDurable(1);
    expect(resume).toHaveBeenCalledOnce();
  });

  it('says that a tape is late while something of all is older than its window', async () => {
    const [quick, slow] = [await open({ windowMs: 100 }), await open({ windowMs: 1_000 })];
    handOver(slow);
    vi.advanceTimersByTime(101);
    expect([quick.isLate, slow.isLate]).toEqual([true, false]);
    makeDurable(0);
    expect(quick.isLate).toBe(false);
  });

  it('counts the window from the first frame, not from the hand-over', async () => {
    const tape = await open();
    record(tape);
    vi.advanceTimersByTime(100);
    tapes.handOver();
    vi.advanceTimersByTime(151);
    expect(record(tape)).toBe(false);
  });

  it('says wait from 32 MiB on that are not durable, however young they are', async () => {
    const tape = await open();
    for (let mb = 0; mb < 31; mb += 1)
      for (let i = 0; i < 4; i += 1) expect(record(tape, QUARTER_MB)).toBe(true);
    for (let i = 0; i < 4; i += 1) record(tape, QUARTER_MB);
    expect(record(tape)).toBe(false);
    makeDurable(0, 2);
    expect(record(tape)).toBe(true);
  });

  it('counts what is recorded after what became durable from its own time, to a few milliseconds', async () => {
    const tape = await open();
    handOver(tape);
    vi.advanceTimersByTime(100);
    handOver(tape);
    makeDurable(0);
    expect(tapes.lagMs).toBe(0);
    vi.advanceTimersByTime(250);
    expect(record(tape)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(record(tape)).toBe(false);
  });

  it('stops a silent session before its window is over, once, and again the next time', async () => {
    const wait = vi.fn<() => void>();
    const [short, long] = [await open(), await open({ windowMs: 1_000 })];
    short.onWait(wait);
    long.onWait(() => expect.unreachable('its window is not over'));
    for (const round of [0, 1]) {
      handOver(short);
      vi.advanceTimersByTime(250 - LOOK_MS);
      expect(wait).toHaveBeenCalledTimes(round);
      vi.advanceTimersByTime(2 * LOOK_MS);
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
    vi.advanceTimersByTime(LOOK_MS);
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
  /** A commit is durable, and the frames of these are not. */
  function allBut(first: number, ...behind: readonly SessionTape[]): void {
    const { bytes, slabs } = commits[first]!;
    tapes.receive({ kind: 'durable', bytes, slabs, behind: behind.map(({ number }) => number) });
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
    }
    for (const commit of [0, 2]) {
      allBut(commit, slow);
      allBut(commit + 1);
    }
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

  it('may have 32 MiB behind, and shares them with others like it', async () => {
    const [one, two] = [await open(), await open()];
    /** A bit more than half a megabyte. */
    const much = (tape: SessionTape): boolean => {
      record(tape, QUARTER_MB);
      const goesOn = record(tape, QUARTER_MB);
      tapes.handOver();
      while (durable < commits.length) allBut(durable++, tape);
      return goesOn;
    };
    let durable = 0;
    const goesOn = Array.from({ length: 64 }, () => much(one));
    expect(goesOn.indexOf(false)).toBe(-1);
    expect(record(one)).toBe(false);
    caughtUp(one);
    caughtUp(one);
    expect(record(one)).toBe(true);
    tapes.handOver();
    while (durable < commits.length) allBut(durable++, two);
    expect(record(one)).toBe(false);
    const halved = Array.from({ length: 80 }, () => {
      caughtUp(one);
      return record(one);
    });
    expect(halved.indexOf(true)).toBeGreaterThan(16);
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

  it('never goes on in a session that failed, though its frame is said to be durable after that', async () => {
    const [bad, good] = [await open(), await open()];
    const told: string[] = [];
    record(bad);
    record(good);
    bad.whenDurable(() => told.push('bad'));
    good.whenDurable(() => told.push('good'));
    tapes.receive(failed(bad.number));
    makeDurable(0);
    expect(told).toEqual(['good']);
  });

  it('waits for its own frame, not for the one before', async () => {
    const tape = await open();
    handOver(tape);
    record(tape);
    const durable = vi.fn<() => void>();
    tape.whenDurable(durable);
    makeDurable(0);
    expect(durable).not.toHaveBeenCalled();
    makeDurable(1);
    expect(durable).toHaveBeenCalledOnce();
  });
});

describe('slabs', () => {
  /** Fills so many slabs, of which the last goes on; returns those that were begun meanwhile. */
  function fill(tape: SessionTape, count: number): ArrayBufferLike[] {
    const before = begun().length;
    for (let i = 0; i < count; i += 1) for (const _ of [1, 2]) record(tape, HALF_A_SLAB);
    return begun().slice(before);
  }

  const begun = (): ArrayBufferLike[] =>
    posted.flatMap((message) => (message.kind === 'slab' ? [message.buffer] : []));

  /** How many of the next slabs were there before. */
  function reusedOf(tape: SessionTape, count: number): number {
    const before = new Set(begun());
    return fill(tape, count).filter((buffer) => before.has(buffer)).length;
  }

  it('are used again once they are durable and nothing more comes into them, never before', async () => {
    const tape = await open();
    record(tape);
    tapes.handOver();
    makeDurable(0);
    const [first] = begun();
    // It is durable, and still being filled.
    expect(fill(tape, 2)).not.toContain(first);
    expect(fill(tape, 1)).not.toContain(first);
    makeDurable(1);
    expect(fill(tape, 1)).toEqual([first]);
  });

  it('are given away one by one while nothing is going on, but for four', async () => {
    const tape = await open({ windowMs: 10_000, deadlineMs: 60_000 });
    fill(tape, 8);
    tapes.handOver();
    makeDurable(0, commits.length);
    vi.advanceTimersByTime(LOOK_MS);
    const first = commits.length;
    expect(reusedOf(tape, 7)).toBe(6);
    tapes.handOver();
    makeDurable(first, commits.length);
    vi.advanceTimersByTime(LOOK_MS * 10);
    expect(reusedOf(tape, 7)).toBe(4);
  });

  it('are all kept while something is not durable', async () => {
    const tape = await open({ windowMs: 10_000, deadlineMs: 60_000 });
    fill(tape, 8);
    record(tape);
    makeDurable(0, 7);
    vi.advanceTimersByTime(LOOK_MS * 10);
    expect(reusedOf(tape, 7)).toBe(7);
  });
});

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
