import { describe, expect, it } from 'vitest';
import { NO_FACTS } from '#core/replay/facts.ts';
import { CHUNKS_A_PAGE, type Directory, STEP_MAX_CHARACTERS } from '#core/replay/index/format.ts';
import { StepIndex } from '#core/replay/index/step-index.ts';
import { marksOf, type NumberedStep, readLine, stepLine } from '#core/replay/index/stored-step.ts';
import { IndexWriter } from '#core/replay/index/write-index.ts';

/** A step of a chunk of its own. */
function step(number: number, text: string, isError = false): NumberedStep {
  const said = { kind: 'query', at: number * 10, took: 1, text };
  const read = { step: said, toText: () => text, toJson: () => said };
  return { number, segment: number >> 3, read, facts: { ...NO_FACTS, isError } };
}

describe('an index of what is large (security case 21)', () => {
  it('has a directory of pages, and reads of it what it needs', async () => {
    const parts = new Map<string, Uint8Array>();
    const writer = new IndexWriter(async (name, bytes) => void parts.set(name, bytes));
    const text = 'x'.repeat(1 << 20);
    const count = CHUNKS_A_PAGE + 40;
    for (let n = 1; n <= count; n += 1) await writer.add(step(n, text, n === CHUNKS_A_PAGE + 20));
    const contents = await writer.finish({} as never);
    expect(contents.pages.map(({ first, steps }) => [first, steps])).toEqual([
      [1, CHUNKS_A_PAGE],
      [CHUNKS_A_PAGE + 1, 40],
    ]);
    const got: string[] = [];
    const index = new StepIndex(contents as unknown as Directory, async (name) => {
      got.push(name);
      return parts.get(name)!;
    });
    const query = { place: { from: 3 }, direction: 'next', limit: 1, errors: true } as const;
    const next = await index.page(query);
    expect(next.steps.map(({ number }) => number)).toEqual([CHUNKS_A_PAGE + 20]);
    expect(got).toEqual(['page-00000001.json', `chunk-00000${CHUNKS_A_PAGE + 19}.zst`]);
    const at = await index.page({ place: { at: (CHUNKS_A_PAGE + 2) * 10 - 1 }, direction: 'next', limit: 1 });
    expect(at.steps[0]?.number).toBe(CHUNKS_A_PAGE + 2);
    const back = await index.page({ place: { from: CHUNKS_A_PAGE + 1 }, direction: 'previous', limit: 2 });
    expect(back.steps.map(({ number }) => number)).toEqual([CHUNKS_A_PAGE + 1]);
    expect(back.previous).toBe(CHUNKS_A_PAGE);
  });

  it('tells of a step that is too long in words', () => {
    const long = step(1, 'y'.repeat(STEP_MAX_CHARACTERS));
    const line = stepLine(marksOf(long), long);
    expect(line.length).toBeLessThan(300);
    expect(readLine(line.trimEnd(), 1).toJson()).toMatchObject({
      ...{ kind: 'query', at: 10 },
      text: expect.stringContaining('custody play'),
    });
  });

  it.each(['', '1\t2\t0\tquery', '1\tx\t0\tquery\t\t{}', 'a line'])('refuses the line %j', (line) => {
    expect(() => readLine(line, 7)).toThrow(expect.objectContaining({ code: 'format-invalid' }));
  });
});
