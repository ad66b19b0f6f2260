import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { oldFrom } from '#core/recording/ageing.ts';
import { Stream } from '#core/recording/format.ts';
import { newSlab, SlabWriter } from '#core/recording/slab.ts';
import { Bell } from '#proxy/recorder/bell.ts';
import { TOGETHER_MS } from '#proxy/recorder/closings.ts';
import type { FromRecorder, ToRecorder } from '#proxy/recorder/messages.ts';
import { serveRecorder } from '#proxy/recorder/thread.ts';
import { Faults, type PlannedFault } from '#test/support/faulty-ports.ts';
import { memoryPorts, opening, type TestFrame, textFrame } from '#test/support/recorder.ts';

const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;
const AGED_EVERY_MS = 500;

/** The relay's end of the recorder's thread: in this thread, on memory ports that fail as planned. */
class Thread extends EventEmitter {
  readonly said: FromRecorder[] = [];
  readonly ports = memoryPorts();
  readonly faults: Faults;
  now = 1;
  /** Told of each look at the clock. */
  looked = (): void => undefined;
  /** What an orderly end does last. */
  finish = async (): Promise<void> => undefined;
  published = 0;
  /** How often a message was needed. */
  woken = 0;
  readonly #bell = new Bell();
  #slab: SlabWriter;

  constructor(plan: readonly PlannedFault[] = [], appendsAtOnce?: number, cores = 1) {
    super();
    Object.assign(this.ports.journal, { appendsAtOnce });
    this.faults = new Faults(plan);
    const journal = this.faults.wrap('journal', this.ports.journal, { calls: ['append'] });
    const sink = this.faults.wrap('sink', this.ports.store, { calls: ['put'] });
    const ports = { ...this.ports, sink, journal };
    const finish = (): Promise<void> => this.finish();
    const now = (): number => {
      this.looked();
      return this.now;
    };
    serveRecorder(this as unknown as MessagePort, ports, { now, cores, finish });
    this.tell({ kind: 'bell', memory: this.#bell.memory });
    this.#slab = this.#begin();
  }

  postMessage(message: FromRecorder): void {
    this.said.push(message);
  }

  tell(...messages: readonly ToRecorder[]): void {
    for (const message of messages) this.emit('message', message);
  }

  /** Publishes frames as the relay does; rings, and wakes it where that is needed. */
  record(frames: readonly TestFrame[]): void {
    this.publish(frames);
    this.ring();
  }

  publish(frames: readonly TestFrame[]): void {
    for (const { tape, stream, timeUs, payload } of frames) {
      if (!this.#slab.fits(payload.length)) this.#slab = this.#begin();
      this.#slab.append(tape, stream as 0, 0, timeUs, payload, payload.length, 1);
      this.published += 1;
    }
  }

  ring(all = true): void {
    if (!this.#bell.ring(all)) return;
    this.woken += 1;
    this.tell({ kind: 'take' });
  }

  #begin(): SlabWriter {
    const slab = new SlabWriter(newSlab());
    this.tell({ kind: 'slab', buffer: slab.buffer });
    return slab;
  }

  async open(...tapes: readonly number[]): Promise<void> {
    this.tell(
      ...tapes.map((tape) => ({ kind: 'open', tape, opening: opening(tape), startedMs: 0 }) as const),
    );
    await quiet();
    this.said.length = 0;
  }

  /** What it has said, in short, in order. */
  get heard(): string[] {
    return this.said.map((message) => {
      if (message.kind === 'durable') return 'durable';
      if ('tape' in message) return `${message.kind} ${message.tape}`;
      return message.kind;
    });
  }

  /** Of records, all that was called durable. */
  get durableBytes(): number {
    return this.said.reduce((sum, message) => sum + (message.kind === 'durable' ? message.bytes : 0), 0);
  }

  get appends(): number {
    return this.ports.journal.entries.length;
  }
}

const said = (tape: number, text = 'select 1'): TestFrame[] => [textFrame(tape, 1, text)];

/** Ten megabytes that stay as many: they go to the store. */
function much(tape: number): TestFrame[] {
  const payload = randomBytes(500_000);
  return Array.from({ length: 20 }, (_, i) => ({ tape, stream: Stream.target, timeUs: i, payload }));
}

const close = (tape: number): ToRecorder => ({ kind: 'close', tape, ending: ENDING });

/** Memory ports answer at once: after this, what has not been answered is held. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await turn();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the recorder thread', () => {
  it('tells whoever waits for a commit before it begins the next', async () => {
    const thread = new Thread();
    await thread.open(1);
    thread.record(said(1));
    await quiet();
    const begun: string[][] = [];
    thread.looked = () => {
      begun.push(thread.heard);
      if (begun.length === 1) thread.record(said(1));
    };
    thread.said.length = 0;
    thread.record(said(1));
    await quiet();
    expect(begun).toEqual([[], ['durable']]);
  });

  it('stays awake for a write-ahead session alone, which goes on at once', async () => {
    const thread = new Thread([], undefined, 2);
    thread.tell({ kind: 'open', tape: 1, opening: opening(1, 'write-ahead'), startedMs: 0 });
    await quiet();
    const goOn = (): void => {
      thread.publish(said(1));
      thread.ring(false);
    };
    for (let i = 0; i < 15; i += 1) {
      goOn();
      await quiet();
    }
    expect(thread.woken).toBe(15);
    let looks = 0;
    thread.looked = () => {
      thread.now += 0.1;
      if ((looks += 1) === 5) goOn();
    };
    goOn();
    await quiet();
    expect([thread.published, thread.woken]).toEqual([17, 16]);
    expect(thread.appends).toBe(17);
  });

  it('answers an open to its tape, with the error when there is one', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 1, kind: 'lost' }]);
    thread.tell(
      { kind: 'open', tape: 7, opening: opening(7), startedMs: 0 },
      { kind: 'open', tape: 8, opening: opening(8), startedMs: 0 },
    );
    await quiet();
    const answers = thread.said.toSorted((a, b) => ('tape' in a && 'tape' in b ? a.tape - b.tape : 0));
    expect(answers).toEqual([
      {
        kind: 'opened',
        tape: 7,
        error: {
          code: 'recording-failed',
          message: 'the recording could not be stored, so the session ends',
          hint: 'nothing runs unrecorded; tell whoever runs the gateway',
          detail: 'Error: EIO: sink.put 1 was lost',
        },
      },
      { kind: 'opened', tape: 8 },
    ]);
    // What crosses threads is copied: an error of a class would lose its code.
    expect(structuredClone(answers)).toEqual(answers);
  });

  it('commits what is there when it is woken, at once, and says how much that was', async () => {
    const thread = new Thread();
    await thread.open(1, 2);
    thread.publish([...said(1), ...said(2), ...said(1, 'select 2')]);
    expect(thread.appends).toBe(0);
    thread.ring();
    await Promise.resolve();
    expect(thread.appends).toBe(2);
    await quiet();
    expect(thread.said).toEqual([{ kind: 'durable', bytes: 3 * 40, slabs: 0 }]);
  });

  it('takes nothing that was published and that nobody asked for', async () => {
    const thread = new Thread();
    await thread.open(1);
    thread.record(said(1));
    thread.publish(said(1));
    await quiet();
    expect([thread.heard, thread.durableBytes]).toEqual([['durable'], 40]);
  });

  it('has two commits on their way at most; what comes meanwhile shares the next, without a message', async () => {
    const thread = new Thread([{ point: 'journal.append', nth: 1, kind: 'slow' }]);
    await thread.open(1);
    for (let i = 0; i < 9; i += 1) {
      thread.record(said(1));
      await quiet();
    }
    expect([thread.heard, thread.appends, thread.woken]).toEqual([[], 0, 2]);
    await thread.faults.release();
    await quiet();
    expect(thread.said.map((message) => message.kind === 'durable' && message.bytes / 40)).toEqual([1, 1, 7]);
    thread.record(said(1));
    await quiet();
    expect([thread.durableBytes / 40, thread.woken]).toEqual([10, 3]);
  });

  it('takes sixteen slabs at most for one commit, the rest unasked, and gives each back that is full', async () => {
    const thread = new Thread([{ point: 'journal.append', nth: 1, kind: 'slow' }]);
    await thread.open(1, 2);
    for (const text of ['a', 'b']) {
      thread.record(said(1, text));
      await quiet();
    }
    const payload = Buffer.alloc(1_000_000);
    const frames = Array.from({ length: 20 }, (_, timeUs) => ({ tape: 2, stream: 1, timeUs, payload }));
    thread.publish(frames);
    await quiet();
    await thread.faults.release();
    await quiet();
    const slabs = thread.said.map((message) => message.kind === 'durable' && message.slabs);
    // The last is still being filled.
    expect(slabs).toEqual([0, 0, 16, 3]);
    expect(thread.durableBytes).toBe(2 * (1 + 32) + 20 * (1_000_000 + 32));
  });

  it('has as many on their way as the journal takes, and one more, and calls them durable in order', async () => {
    const plan = { point: 'journal.append', nth: 1, kind: 'slow' } as const;
    const thread = new Thread([plan], 4);
    await thread.open(1);
    for (let i = 0; i < 9; i += 1) {
      thread.record(said(1));
      await quiet();
    }
    expect([thread.heard, thread.appends]).toEqual([[], 3]);
    await thread.faults.release();
    await quiet();
    expect(thread.said.map((message) => message.kind === 'durable' && message.bytes / 40)).toEqual([
      1, 1, 1, 1, 1, 4,
    ]);
  });

  it('gives slabs back whose frames go to the store, names their tapes, and says when they are there', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'slow' }]);
    await thread.open(1, 2);
    thread.record([...much(1), ...said(2)]);
    await quiet();
    expect(new Set(thread.said.map(({ kind }) => kind))).toEqual(new Set(['durable']));
    expect(thread.said.at(-1)).toMatchObject({ behind: [1] });
    const before = thread.said.length;
    thread.record(said(2));
    await quiet();
    expect(thread.heard.slice(before)).toEqual(['durable']);
    expect(thread.said.at(-1)).not.toHaveProperty('behind');
    const behind = thread.said.filter(
      (message) => message.kind === 'durable' && message.behind !== undefined,
    );
    await thread.faults.release();
    await quiet();
    expect(thread.heard.slice(before + 1)).toEqual(behind.map(() => 'caught-up 1'));
  });

  it('says so when they will not be there', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'lost' }]);
    await thread.open(1, 2);
    thread.record([...much(1), ...said(2)]);
    await quiet();
    expect(thread.heard).toContain('failed 1');
    expect(thread.heard).not.toContain('caught-up 1');
  });

  it('says that a tape failed before it says that its frames are durable', async () => {
    const thread = new Thread([{ point: 'journal.append', nth: 1, kind: 'persisted-but-errored' }]);
    await thread.open(1, 2);
    thread.record([...said(1), ...said(2)]);
    await quiet();
    expect(thread.heard).toEqual(['failed 1', 'failed 2', 'durable']);
    thread.record(said(3));
    await quiet();
    expect(thread.heard.slice(3)).toEqual(['durable']);
  });

  it('stores all that was published before a close ahead of it, also while two commits are on their way', async () => {
    const thread = new Thread([{ point: 'journal.append', nth: 1, kind: 'slow' }]);
    await thread.open(1, 2);
    for (const text of ['a', 'b']) {
      thread.record(said(1, text));
      await quiet();
    }
    thread.record([...said(2, 'c'), ...said(1, 'd')]);
    thread.tell(close(1));
    await quiet();
    expect(thread.heard).toEqual([]);
    await thread.faults.release();
    await quiet();
    expect(thread.heard).toEqual(['durable', 'durable', 'durable', 'closed 1']);
    expect(thread.said.at(-1)).toMatchObject({ outcome: { frames: 3, reason: 'client-closed' } });
  });

  it('answers a close that cannot be stored with the error, to that tape', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'full-disk' }]);
    await thread.open(1, 2);
    thread.tell(close(2));
    await quiet();
    thread.faults.makeSpace();
    thread.now += TOGETHER_MS;
    thread.tell(close(1));
    await quiet();
    expect(thread.heard).toEqual(['closed 2', 'closed 1']);
    expect(thread.said).toMatchObject([
      { outcome: { code: 'recording-failed', detail: 'Error: ENOSPC: no space left on device' } },
      { outcome: { frames: 0, reason: 'client-closed' } },
    ]);
  });

  it('ends sessions together that end while others do, with all that was recorded of them', async () => {
    const thread = new Thread();
    await thread.open(1, 2, 3);
    thread.tell(close(1));
    await quiet();
    thread.publish([...said(2), ...said(3)]);
    thread.tell(close(2), close(3));
    await quiet();
    expect(thread.heard).toEqual(['closed 1']);
    await vi.advanceTimersByTimeAsync(TOGETHER_MS);
    await quiet();
    expect(thread.heard.slice(1).toSorted()).toEqual(['closed 2', 'closed 3', 'durable']);
    expect(thread.appends).toBe(2);
    expect(thread.said).toMatchObject([{}, {}, { outcome: { frames: 1 } }, { outcome: { frames: 1 } }]);
  });

  it('puts what is old though nothing arrives, and says which tapes failed', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'lost' }]);
    await thread.open(1, 2);
    thread.record(said(1));
    await quiet();
    thread.now = oldFrom(opening(1).session) + 1;
    await vi.advanceTimersByTimeAsync(AGED_EVERY_MS);
    expect(thread.heard).toEqual(['durable']);
    thread.now += 1;
    await vi.advanceTimersByTimeAsync(AGED_EVERY_MS);
    await quiet();
    expect(thread.heard).toEqual(['durable', 'failed 1']);
  });

  it('tries again what could not be sealed, less and less often, and says when it is', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 3, kind: 'full-disk' }]);
    await thread.open(1);
    thread.tell(close(1));
    await quiet();
    const puts = (): number => thread.faults.injected.length;
    const tries: number[] = [];
    for (let second = 1; second <= 40; second += 1) {
      const before = puts();
      thread.now += 1_000;
      await vi.advanceTimersByTimeAsync(1_000);
      await quiet();
      if (puts() > before) tries.push(second);
    }
    expect(tries).toEqual([1, 3, 7, 15, 31]);
    expect(thread.heard).toEqual(['closed 1']);
    thread.faults.makeSpace();
    thread.now += 64_000;
    await vi.advanceTimersByTimeAsync(1_000);
    await quiet();
    expect(thread.said.slice(1)).toMatchObject([
      { kind: 'sealed-late', session: opening(1).session, outcome: { reason: 'client-closed', frames: 0 } },
    ]);
  });

  it('tries once more before it stops', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 3, kind: 'lost' }]);
    await thread.open(1);
    thread.tell(close(1));
    await quiet();
    thread.tell({ kind: 'stop' });
    await quiet();
    expect(thread.heard).toEqual(['closed 1', 'sealed-late', 'stopped']);
  });

  it('commits what has arrived before it stops, and looks for old segments no more', async () => {
    const thread = new Thread();
    await thread.open(1);
    thread.publish(said(1));
    thread.tell({ kind: 'stop' });
    await Promise.resolve(); // Not a turn of the event loop later, when the thread may be gone.
    expect(thread.appends).toBe(1);
    await quiet();
    expect(thread.heard.toSorted()).toEqual(['durable', 'stopped']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('finishes before it says that it stopped, behind what is sealed late', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 3, kind: 'lost' }]);
    const finished = Promise.withResolvers<void>();
    thread.finish = () => {
      thread.said.push({ kind: 'closed', tape: 0, outcome: {} as never });
      return finished.promise;
    };
    await thread.open(1);
    thread.tell(close(1));
    await quiet();
    thread.tell({ kind: 'stop' });
    await quiet();
    expect(thread.heard).toEqual(['closed 1', 'sealed-late', 'closed 0']);
    finished.resolve();
    await quiet();
    expect(thread.heard).toEqual(['closed 1', 'sealed-late', 'closed 0', 'stopped']);
  });

  it.each([
    ['fails', () => Promise.reject(new Error('EIO'))],
    ['takes for ever', () => new Promise<void>(() => undefined)],
  ])('stops all the same where what it does last %s', async (_how, finish) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    const thread = new Thread();
    thread.finish = finish;
    thread.tell({ kind: 'stop' });
    await vi.advanceTimersByTimeAsync(3_000);
    await quiet();
    expect(thread.heard).toEqual(['stopped']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
