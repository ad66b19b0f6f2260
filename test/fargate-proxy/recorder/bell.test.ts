import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Stream, type StreamNumber } from '#core/recording/format.ts';
import { newSlab, SlabWriter } from '#core/recording/slab.ts';
import { Bell } from '#proxy/recorder/bell.ts';
import type { FromRecorder, ToRecorder } from '#proxy/recorder/messages.ts';
import { serveRecorder } from '#proxy/recorder/thread.ts';
import { memoryPorts, opening } from '#test/support/recorder.ts';

const TEXT = Buffer.from('select 1');

/**
 * The recorder's thread, and a relay's that runs at the same time: whenever the recorder touches memory that both see, the relay may
 * have gone on before it, by as many steps as the schedule says. Messages arrive later, in order.
 */
class TwoThreads extends EventEmitter {
  readonly #messages: ToRecorder[] = [];
  readonly #bell = new Bell();
  #slab: SlabWriter;
  /** What is left of the statements that are on their way. */
  #steps: (() => void)[] = [];
  #sleeps = false;
  #steppings = 0;
  /** How far the relay goes at each touch. */
  schedule: number[] = [];
  published = 0;
  asked = 0;
  askedForAll = 0;
  durable = 0;
  /** Up to here all is durable, not only what somebody waits for. */
  durableForAll = 0;
  messages = 0;

  constructor() {
    super();
    let nowMs = 0;
    serveRecorder(this as unknown as MessagePort, withStore(), { now: () => (nowMs += 0.1), cores: 2 });
    this.emit('message', { kind: 'bell', memory: this.#bell.memory });
    this.#slab = this.#begin();
    this.deliver();
  }

  /** Hooks into what the recorder does with shared memory. */
  watch(): void {
    for (const touch of ['compareExchange', 'exchange', 'load'] as const) {
      const real = Atomics[touch].bind(Atomics) as (...given: unknown[]) => number;
      vi.spyOn(Atomics, touch).mockImplementation(((...given: unknown[]) => {
        this.relay(this.schedule.shift() ?? 0);
        return real(...given);
      }) as never);
    }
  }

  postMessage(message: FromRecorder): void {
    if (message.kind !== 'durable') return;
    this.durable += message.bytes;
    if (message.isPartial !== true) this.durableForAll = this.durable;
  }

  /** The relay records a statement and waits for it, step by step. `changes`: into the next slab. */
  state(changes: boolean): void {
    if (changes) this.#steps.push(() => (this.#slab = this.#begin()));
    this.#steps.push(() => this.#append(Stream.client));
    this.#ring(() => (this.asked = this.published), false);
  }

  /** It records an answer, which somebody else's statement may take along. */
  answer(): void {
    this.#steps.push(() => this.#append(Stream.target));
  }

  /** It hands all over. */
  tick(): void {
    this.#ring(() => (this.askedForAll = this.published), true);
  }

  #append(stream: StreamNumber): void {
    const before = this.#slab.used;
    this.#slab.append(stream === Stream.client ? 1 : 2, stream, 0, 1, TEXT, TEXT.length, 1);
    this.published += this.#slab.used - before;
  }

  #ring(asking: () => void, all: boolean): void {
    this.#steps.push(
      () => {
        asking();
        this.#sleeps = this.#bell.ring(all);
      },
      () => {
        if (this.#sleeps) this.#post({ kind: 'take' });
      },
    );
  }

  relay(steps: number): void {
    // Its own touches of memory are no others' to step into.
    if (this.#steppings > 0) return;
    this.#steppings += 1;
    for (const step of this.#steps.splice(0, steps)) step();
    this.#steppings -= 1;
  }

  deliver(): void {
    const message = this.#messages.shift();
    if (message !== undefined) this.emit('message', message);
  }

  /** Everything on its way arrives; nobody records any more. */
  async settle(): Promise<void> {
    while (this.#steps.length + this.#messages.length > 0) {
      // The recorder first: then the relay's last steps may lie between two of its own.
      this.deliver();
      this.relay(1);
    }
    for (let i = 0; i < 3; i += 1) await turn();
  }

  async open(): Promise<void> {
    for (const tape of [1, 2]) {
      this.emit('message', { kind: 'open', tape, opening: opening(tape, 'write-ahead'), startedMs: 0 });
    }
    await this.settle();
  }

  #begin(): SlabWriter {
    const slab = new SlabWriter(newSlab());
    this.#post({ kind: 'slab', buffer: slab.buffer });
    return slab;
  }

  #post(message: ToRecorder): void {
    this.messages += 1;
    this.#messages.push(message);
  }
}

function withStore() {
  const ports = memoryPorts();
  return { ...ports, sink: ports.store };
}

const does = fc.oneof(
  { weight: 4, arbitrary: fc.constant('state') },
  { weight: 1, arbitrary: fc.constant('change') },
  { weight: 2, arbitrary: fc.constant('answer') },
  { weight: 1, arbitrary: fc.constant('tick') },
  { weight: 4, arbitrary: fc.constant('relay') },
  { weight: 3, arbitrary: fc.constant('deliver') },
  { weight: 2, arbitrary: fc.constant('turn') },
);

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the bell', () => {
  it('loses no ring, however both threads interleave: all that was asked for becomes durable', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const threads = new TwoThreads();
    await threads.open();
    threads.watch();
    await fc.assert(
      fc.asyncProperty(
        fc.array(does, { minLength: 1, maxLength: 12 }),
        fc.array(fc.constantFrom(0, 0, 1, 2, 3), { maxLength: 30 }),
        async (deeds, schedule) => {
          threads.schedule = [...schedule];
          for (const deed of deeds) {
            if (deed === 'state' || deed === 'change') threads.state(deed === 'change');
            else if (deed === 'answer') threads.answer();
            else if (deed === 'tick') threads.tick();
            else if (deed === 'relay') threads.relay(1);
            else if (deed === 'deliver') threads.deliver();
            else await turn();
            expect(threads.durable).toBeLessThanOrEqual(threads.published);
          }
          await threads.settle();
          expect(threads.durable).toBeGreaterThanOrEqual(threads.asked);
          expect(threads.durableForAll).toBeGreaterThanOrEqual(threads.askedForAll);
          threads.tick();
          await threads.settle();
          expect([threads.durable, threads.durableForAll]).toEqual([threads.published, threads.published]);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('needs one message for many rings', () => {
    const bell = new Bell();
    expect([bell.ring(false), bell.ring(true), bell.ring(false)]).toEqual([true, false, false]);
    expect([bell.answer(), bell.answer()]).toEqual([true, false]);
    expect([bell.isForAll(), bell.isForAll()]).toEqual([true, false]);
    expect(bell.ring(false)).toBe(false);
    expect(bell.isForAll()).toBe(false);
    expect(bell.rest()).toBe(false);
    expect(bell.answer()).toBe(true);
    expect(bell.rest()).toBe(true);
    expect(new Bell(bell.memory).ring(false)).toBe(true);
  });
});
