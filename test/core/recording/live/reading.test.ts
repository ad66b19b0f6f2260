import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LiveEnding, type LivePart, readLive } from '#core/recording/live/reading.ts';
import { memoryTails } from '#test/support/memory-tails.ts';
import { memoryRecorder, opening, slabsOf, textFrame } from '#test/support/recorder.ts';

const OPENING = opening(1);
const NAME = { session: OPENING.session, task: 'task-1' };
const HOUR_MS = 3_600_000;

type World = ReturnType<typeof memoryRecorder>;

function reading({ store, journal, signer }: World) {
  return readLive(NAME, { source: store, tails: memoryTails(journal), signer: signer.der });
}

/** Takes what there is now: the texts of frames, and how it ended if it did. */
class Reader {
  readonly texts: string[] = [];
  ending: LiveEnding | undefined;
  readonly #parts: AsyncGenerator<LivePart, LiveEnding, undefined>;

  constructor(world: World) {
    this.#parts = reading(world);
  }

  async look(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#parts.next();
      if (done) return void (this.ending ??= value);
      if ('idle' in value) return;
      this.texts.push(...value.frames.map(({ payload }) => Buffer.from(payload).toString()));
    }
  }
}

type Deed = 'commit' | 'two' | 'put' | 'look';
const deeds = fc.array(fc.constantFrom<Deed>('commit', 'two', 'put', 'look'), { maxLength: 25 });

/** A session in which all that is done, and then it is closed. */
async function lived(world: World, todo: readonly Deed[], readers: readonly Reader[]): Promise<string[]> {
  const texts: string[] = [];
  let at = 1;
  const commit = async (): Promise<void> => {
    const text = `text ${texts.length}`;
    texts.push(text);
    await world.recorder.commit(slabsOf([textFrame(1, at * 1000, text)], (at += 1)));
  };
  await world.recorder.open(1, OPENING, 0);
  for (const deed of todo) {
    if (deed === 'look') for (const reader of readers) await reader.look();
    if (deed === 'commit' || deed === 'two') await commit();
    if (deed === 'two') await commit();
    if (deed === 'put') await world.recorder.putAged((at += HOUR_MS));
  }
  await world.recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: at + 1 });
  return texts;
}

interface Changeable {
  readonly block: Uint8Array;
  readonly head: { until: number };
  readonly voucher: { readonly signature: Uint8Array; readonly manifest: Uint8Array };
}

describe('reading a recording while it is written', () => {
  it('gives every frame once and in order, whenever it is looked, and ends as the session does', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (todo) => {
        const world = memoryRecorder();
        const [eager, late] = [new Reader(world), new Reader(world)];
        await eager.look();
        const texts = await lived(world, todo, [eager]);
        for (const reader of [eager, late]) {
          await reader.look();
          expect(reader.texts).toEqual(texts);
          expect(reader.ending).toMatchObject({ verdict: 'verified', reason: 'client-closed' });
        }
      }),
      { numRuns: 30 },
    );
  });

  it('gives what is durable before the session is closed', async () => {
    const world = memoryRecorder();
    const reader = new Reader(world);
    await world.recorder.open(1, OPENING, 0);
    await world.recorder.commit(slabsOf([textFrame(1, 1000, 'one')], 1));
    await reader.look();
    expect(reader.texts).toEqual(['one']);
    await world.recorder.putAged(HOUR_MS);
    await world.recorder.commit(slabsOf([textFrame(1, 2000, 'two')], HOUR_MS + 1));
    await reader.look();
    expect([reader.texts, reader.ending]).toEqual([['one', 'two'], undefined]);
  });

  it.each([
    ['a block', ({ block }: Changeable) => (block[8]! ^= 1), /is of something else|not signed/],
    ['a head', ({ head }: Changeable) => (head.until += 1), /not signed/],
    ['a signature', ({ voucher }: Changeable) => (voucher.signature[5]! ^= 1), /not signed/],
    ['a manifest', ({ voucher }: Changeable) => (voucher.manifest[50]! ^= 1), /not signed/],
  ])('gives nothing of an entry of which %s was changed, nor what follows it', async (_, change, words) => {
    const world = memoryRecorder();
    await world.recorder.open(1, OPENING, 0);
    for (const n of [1, 2, 3]) await world.recorder.commit(slabsOf([textFrame(1, n * 1000, `${n}`)], n));
    change(world.journal.entries[1] as unknown as Changeable);
    const reader = new Reader(world);
    await reader.look();
    expect(reader.texts).toEqual(['1']);
    expect(reader.ending).toMatchObject({ verdict: 'failed', fault: expect.stringMatching(words) });
  });

  it('notices that the store has something else than the journal had', async () => {
    const world = memoryRecorder();
    const other = memoryRecorder();
    for (const [{ recorder }, text] of [
      [world, 'one'],
      [other, 'another'],
    ] as const) {
      await recorder.open(1, OPENING, 0);
      await recorder.commit(slabsOf([textFrame(1, 1000, text)], 1));
    }
    const reader = new Reader(world);
    await reader.look();
    await other.recorder.putAged(HOUR_MS);
    const key = `sessions/${OPENING.session}/00000000.seg`;
    await world.store.put(key, await other.store.get(key));
    await reader.look();
    expect(reader.texts).toEqual(['one']);
    expect(reader.ending).toMatchObject({
      verdict: 'failed',
      fault: expect.stringMatching(/not what the journal had/),
    });
  });

  it('refuses an opening that another signer signed, and a store that holds more', async () => {
    const world = memoryRecorder();
    await lived(world, ['commit'], []);
    const stranger = memoryRecorder();
    const parts = readLive(NAME, {
      source: world.store,
      tails: memoryTails(world.journal),
      signer: stranger.signer.der,
    });
    expect(await parts.next()).toMatchObject({ done: true, value: { verdict: 'failed' } });
    await world.store.put(`sessions/${OPENING.session}/00000009.seg`, new Uint8Array(3));
    const reader = new Reader(world);
    await reader.look();
    expect(reader.ending).toMatchObject({ verdict: 'failed', fault: expect.stringMatching(/no part of/) });
  });
});
