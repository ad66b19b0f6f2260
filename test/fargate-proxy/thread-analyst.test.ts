import { afterEach, describe, expect, it } from 'vitest';
import type { Analysis } from '#core/protocols/postgres/shapes/analysis.ts';
import { CommandReader } from '#core/protocols/postgres/shapes/commands.ts';
import { type ShapeThread, ThreadAnalyst } from '#proxy/protocols/postgres/thread-analyst.ts';

const closing: ThreadAnalyst[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((one) => one.close()));
});

function analystWith(...settings: ConstructorParameters<typeof ThreadAnalyst>): ThreadAnalyst {
  const analyst = new ThreadAnalyst(...settings);
  closing.push(analyst);
  return analyst;
}

/** Answers what is not "hang", and dies of "die". */
class FakeThread implements ShapeThread {
  ended = false;
  #message: (analysis: Analysis) => void = () => undefined;
  #error: (error: Error) => void = () => undefined;

  on(event: 'message' | 'error', listener: ((analysis: Analysis) => void) & ((error: Error) => void)): void {
    if (event === 'message') this.#message = listener;
    else this.#error = listener;
  }

  postMessage(text: string): void {
    if (text === 'die') queueMicrotask(() => this.#error(new Error('dead')));
    else if (text !== 'hang') queueMicrotask(() => this.#message({ statements: [], trace: text }));
  }

  /** What it was asked comes after all. */
  late(): void {
    this.#message({ statements: [], trace: 'late' });
  }

  ref(): void {}

  unref(): void {}

  terminate(): Promise<number> {
    this.ended = true;
    return Promise.resolve(0);
  }
}

describe('texts that are looked at in a thread', () => {
  it('are what they are in this one', async () => {
    const reader = new CommandReader(analystWith());
    const reading = { utf8: true, standardStrings: true };
    const text = Buffer.from("UPDATE t SET a = 'é' WHERE b = 2");
    const first = await reader.query(text, reading);
    expect(first).toMatchObject([{ command: { text: 'UPDATE t SET a = $1 WHERE b = $2' } }]);
    expect(reader.query(text, reading)).toEqual(first);
    const deep = Buffer.from(`SELECT ${'- '.repeat(8000)}x`);
    expect(await reader.query(deep, reading)).toMatchObject([
      { command: { why: expect.any(String) as string } },
    ]);
  });

  it('cannot be looked at when they take too long, and hold nobody else up', async () => {
    const threads: FakeThread[] = [];
    const analyst = analystWith(() => threads[threads.push(new FakeThread()) - 1]!, 1);
    const answers = ['a', 'hang', 'b', 'die', 'c'].map((text) => analyst.analyse(text));
    const known = await Promise.all(answers);
    threads[0]?.late();
    expect(known).toEqual([
      { statements: [], trace: 'a' },
      { why: 'takes too long to be looked at' },
      { statements: [], trace: 'b' },
      { why: 'cannot be looked at' },
      { statements: [], trace: 'c' },
    ]);
    expect(threads.map(({ ended }) => ended)).toEqual([true, true, false]);
    expect(await analyst.analyse('d')).toEqual({ statements: [], trace: 'd' });
  });

  it('are answered when nobody looks any more', async () => {
    const analyst = new ThreadAnalyst(() => new FakeThread());
    const answer = analyst.analyse('hang');
    await analyst.close();
    expect(await answer).toEqual({ why: 'cannot be looked at any more' });
  });
});
