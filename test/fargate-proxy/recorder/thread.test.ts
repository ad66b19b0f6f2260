import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stream } from '#core/recording/format.ts';
import { oldFrom } from '#core/recording/ageing.ts';
import type { FromRecorder, ToRecorder } from '#proxy/recorder/messages.ts';
import { serveRecorder } from '#proxy/recorder/thread.ts';
import { Faults, type PlannedFault } from '#test/support/faulty-ports.ts';
import { memoryPorts, opening, slabsOf, textFrame } from '#test/support/recorder.ts';

const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;
const AGED_EVERY_MS = 500;

/** The relay's end of the recorder's thread: in this thread, on memory ports that fail as planned. */
class Thread extends EventEmitter {
  readonly said: FromRecorder[] = [];
  readonly ports = memoryPorts();
  readonly faults: Faults;
  now = 1;

  constructor(plan: readonly PlannedFault[] = [], appendsAtOnce?: number) {
    super();
    Object.assign(this.ports.journal, { appendsAtOnce });
    this.faults = new Faults(plan);
    const journal = this.faults.wrap('journal', this.ports.journal, { calls: ['append'] });
    const sink = this.faults.wrap('sink', this.ports.store, { calls: ['put'] });
    serveRecorder(this as unknown as MessagePort, { ...this.ports, sink, journal }, () => this.now);
  }

  postMessage(message: FromRecorder): void {
    this.said.push(message);
  }

  tell(...messages: readonly ToRecorder[]): void {
    for (const message of messages) this.emit('message', message);
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
      if (message.kind === 'durable') return `durable ${message.buffers.length}`;
      if ('tape' in message) return `${message.kind} ${message.tape}`;
      return message.kind;
    });
  }

  get appends(): number {
    return this.ports.journal.entries.length;
  }
}

function slab(tape: number, text = 'select 1'): Extract<ToRecorder, { kind: 'slab' }> {
  return { kind: 'slab', ...slabsOf([textFrame(tape, 1, text)], 1)[0]! };
}

/** Ten megabytes that stay as many: they go to the store. */
function much(tape: number): ToRecorder[] {
  const payload = randomBytes(500_000);
  const frames = Array.from({ length: 20 }, (_, i) => ({ tape, stream: Stream.target, timeUs: i, payload }));
  return slabsOf(frames, 1).map((handed) => ({ kind: 'slab', ...handed }));
}

function slabs(count: number): ToRecorder[] {
  return Array.from({ length: count }, () => slab(1));
}

const close = (tape: number): ToRecorder => ({ kind: 'close', tape, ending: ENDING });

/** Memory ports answer at once: after this, what has not been answered is held. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await turn();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the recorder thread', () => {
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

  it('commits together what has arrived together, sixteen slabs at most, and gives each slab back', async () => {
    const thread = new Thread();
    await thread.open(1);
    const sent = slabs(20);
    thread.tell(...sent);
    expect(thread.appends).toBe(0);
    await quiet();
    expect(thread.heard).toEqual(['durable 16', 'durable 4']);
    const back = thread.said.flatMap((message) => (message.kind === 'durable' ? message.buffers : []));
    expect(back).toEqual(sent.map((message) => message.kind === 'slab' && message.buffer));
    expect(new Set(back).size).toBe(20);
  });

  it('has two commits on their way at most; what arrives meanwhile shares the next', async () => {
    const thread = new Thread([{ point: 'journal.append', nth: 1, kind: 'slow' }]);
    await thread.open(1);
    for (let i = 0; i < 9; i += 1) {
      thread.tell(slab(1));
      await quiet();
    }
    expect([thread.heard, thread.appends]).toEqual([[], 0]);
    await thread.faults.release();
    await quiet();
    expect(thread.heard).toEqual(['durable 1', 'durable 1', 'durable 7']);
  });

  it('has as many on their way as the journal takes, says how many, and gives slabs back in order', async () => {
    const plan = { point: 'journal.append', nth: 1, kind: 'slow' } as const;
    const thread = new Thread([plan], 4);
    expect(thread.said).toEqual([{ kind: 'takes', commits: 4 }]);
    await thread.open(1);
    for (let i = 0; i < 9; i += 1) {
      thread.tell(slab(1));
      await quiet();
    }
    expect([thread.heard, thread.appends]).toEqual([[], 3]);
    await thread.faults.release();
    await quiet();
    expect(thread.heard).toEqual([...Array.from({ length: 5 }, () => 'durable 1'), 'durable 4']);
  });

  it('gives slabs back whose frames go to the store, names their tapes, and says when they are there', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'slow' }]);
    await thread.open(1, 2);
    thread.tell(...much(1), slab(2));
    await quiet();
    expect(thread.said.map(({ kind }) => kind)).toEqual(['durable']);
    expect(thread.said[0]).toMatchObject({ behind: [1] });
    thread.tell(slab(2));
    await quiet();
    expect(thread.heard.slice(1)).toEqual(['durable 1']);
    expect(thread.said[1]).not.toHaveProperty('behind');
    await thread.faults.release();
    await quiet();
    expect(thread.heard.slice(2)).toEqual(['caught-up 1']);
  });

  it('says so when they will not be there', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'lost' }]);
    await thread.open(1, 2);
    thread.tell(...much(1), slab(2));
    await quiet();
    expect(thread.heard).toEqual(['durable 11', 'failed 1']);
  });

  it('says that a tape failed before it says that its slab is durable', async () => {
    const thread = new Thread([{ point: 'journal.append', nth: 1, kind: 'persisted-but-errored' }]);
    await thread.open(1, 2);
    thread.tell(slab(1), slab(2));
    await quiet();
    expect(thread.heard).toEqual(['failed 1', 'failed 2', 'durable 2']);
    thread.tell(slab(3));
    await quiet();
    expect(thread.heard.slice(3)).toEqual(['durable 1']);
  });

  it('stores all that arrived before a close ahead of it, also while two commits are on their way', async () => {
    const thread = new Thread([{ point: 'journal.append', nth: 1, kind: 'slow' }]);
    await thread.open(1, 2);
    for (const text of ['a', 'b']) {
      thread.tell(slab(1, text));
      await quiet();
    }
    thread.tell(slab(2, 'c'), slab(1, 'd'), close(1));
    await quiet();
    expect(thread.heard).toEqual([]);
    await thread.faults.release();
    await quiet();
    expect(thread.heard).toEqual(['durable 1', 'durable 1', 'durable 2', 'closed 1']);
    expect(thread.said.at(-1)).toMatchObject({ outcome: { frames: 3, reason: 'client-closed' } });
  });

  it('answers a close that cannot be stored with the error, to that tape', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'full-disk' }]);
    await thread.open(1, 2);
    thread.tell(close(2));
    await quiet();
    thread.faults.makeSpace();
    thread.tell(close(1));
    await quiet();
    expect(thread.heard).toEqual(['closed 2', 'closed 1']);
    expect(thread.said).toMatchObject([
      { outcome: { code: 'recording-failed', detail: 'Error: ENOSPC: no space left on device' } },
      { outcome: { frames: 0, reason: 'client-closed' } },
    ]);
  });

  it('puts what is old though nothing arrives, and says which tapes failed', async () => {
    const thread = new Thread([{ point: 'sink.put', nth: 5, kind: 'lost' }]);
    await thread.open(1, 2);
    thread.tell(slab(1));
    await quiet();
    thread.now = oldFrom(opening(1).session) + 1;
    await vi.advanceTimersByTimeAsync(AGED_EVERY_MS);
    expect(thread.heard).toEqual(['durable 1']);
    thread.now += 1;
    await vi.advanceTimersByTimeAsync(AGED_EVERY_MS);
    await quiet();
    expect(thread.heard).toEqual(['durable 1', 'failed 1']);
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
    thread.tell(slab(1), { kind: 'stop' });
    await Promise.resolve(); // Not a turn of the event loop later, when the thread may be gone.
    expect(thread.appends).toBe(1);
    await quiet();
    expect(thread.heard.toSorted()).toEqual(['durable 1', 'stopped']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
