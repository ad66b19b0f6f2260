import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeepSearch } from '#core/search/deep.ts';

function cutAt(text: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places.map((place) => place % (text.length + 1)), text.length])].toSorted(
    (a, b) => a - b,
  );
  return ends.map((end, at) => text.subarray(at === 0 ? 0 : ends[at - 1], end));
}

describe('bytes', () => {
  test('are found wherever pieces are cut, each once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', '\0', 'é'), { maxLength: 60 }),
        fc.array(fc.array(fc.constantFrom('a', 'b', '\0', 'é'), { minLength: 1, maxLength: 4 }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.array(fc.nat(100), { maxLength: 8 }),
        (letters, words, places) => {
          const text = Buffer.from(letters.join(''));
          const needles = words.map((word) => Buffer.from(word.join('')));
          const search = new DeepSearch(needles);
          const found = cutAt(text, places).flatMap((bytes, at) =>
            search.take({ lane: 'client', at, bytes }),
          );
          const naive = needles.flatMap((needle, number) =>
            Array.from({ length: text.length }, (_, at) => at)
              .filter((at) => text.subarray(at, at + needle.length).equals(needle))
              .map((offset) => ({ needle: number, offset })),
          );
          const plain = (all: readonly { needle: number; offset: number }[]) =>
            all.map(({ needle, offset }) => `${offset} ${needle}`).toSorted();
          expect(plain(found)).toEqual(plain(naive));
        },
      ),
    );
  });

  test('of two streams are no one stream', () => {
    const search = new DeepSearch([Buffer.from('ab')]);
    expect(search.take({ lane: 'client', at: 1, bytes: Buffer.from('a') })).toEqual([]);
    expect(search.take({ lane: 'target', at: 2, bytes: Buffer.from('b') })).toEqual([]);
    expect(search.take({ lane: 'client', at: 3, bytes: Buffer.from('b!') })).toMatchObject([
      { at: 3, offset: 0, around: Uint8Array.from(Buffer.from('ab!')) },
    ]);
  });

  test('within a channel count where messages cut them, and not where a stream has them', () => {
    const search = new DeepSearch([Buffer.from('ls')]);
    const piece = (text: string) =>
      search.take({ lane: 'channel 1', at: 0, bytes: Buffer.from(text), acrossOnly: true });
    expect(['ls', ' l', 's'].map((text) => piece(text).length)).toEqual([0, 0, 1]);
  });
});
