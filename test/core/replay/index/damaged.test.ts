import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { indexSession } from '#core/replay/index/index-session.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import { allOf, recorded, type Stored, statements, stepsIn, whyUnfit } from './support.ts';

const partsOf = ({ store }: Stored): string[] =>
  [...store.objects.keys()].filter((key) => key.startsWith('indexes/'));
const partOf = (there: Stored, end: string): string => partsOf(there).find((key) => key.endsWith(end))!;

async function indexed(n = 1): Promise<Stored> {
  const there = await recorded(statements(3), { n });
  expect(await indexSession(there.session, there)).toMatchObject({ state: 'made' });
  return there;
}

/** What somebody is shown of the whole index, who looks at all of it. */
async function shown(there: Stored): Promise<unknown> {
  const steps = await stepsIn(there);
  await steps.index.check();
  await steps.page({ place: { cursor: 0 }, direction: 'next', limit: 100 });
  return allOf(steps);
}

describe('an index that is not what was made (security case 6) is not believed', () => {
  it('where any byte of its directory or of the signature is another', async () => {
    const there = await indexed();
    for (const key of [partOf(there, 'directory.json'), partOf(there, 'directory.json.sig')]) {
      const bytes = there.store.objects.get(key)!;
      for (let at = 0; at < bytes.length; at += 1) {
        const other = Uint8Array.from(bytes);
        other[at]! ^= 1;
        there.store.objects.set(key, other);
        expect(await whyUnfit(there), `${key} at ${at}`).toMatch(/signed/);
      }
      there.store.objects.set(key, bytes);
    }
    expect(await whyUnfit(there)).toBeUndefined();
  });

  it('where any other byte is another, an object is cut, longer, gone, or in the place of another', async () => {
    const there = await indexed();
    const good = await shown(there);
    const others = partsOf(there).filter((key) => !key.includes('directory'));
    expect(others.map((key) => key.split('/').at(-1)!).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'chunk-00000000.zst',
      'page-00000000.json',
      'segments-00000000.json',
      'summary.json',
    ]);
    for (const key of others) {
      const bytes = there.store.objects.get(key)!;
      for (const damage of damages(bytes, there, others)) {
        if (damage === undefined) there.store.objects.delete(key);
        else there.store.objects.set(key, damage);
        await expect(shown(there), key).rejects.toMatchObject({ code: 'state-damaged' });
      }
      there.store.objects.set(key, bytes);
    }
    expect(await shown(there)).toEqual(good);
  });

  it('and is made again under a new name, which is said', async () => {
    for (const end of [
      '.zst',
      'page-00000000.json',
      'segments-00000000.json',
      'summary.json',
      'directory.json',
    ]) {
      const there = await indexed();
      const good = await shown(there);
      there.store.objects.set(partOf(there, end), Buffer.from('something else'));
      const again = await indexSession(there.session, there, { deep: true });
      expect(again, end).toMatchObject({ state: 'made', why: expect.any(String) });
      expect(partsOf(there).filter((key) => key.includes('/1-1-1/')).length, end).toBe(6);
      expect(await shown(there)).toEqual(good);
    }
  });

  it('where it is the index of another session, or another signer’s', async () => {
    const [there, other] = [await indexed(1), await recorded(statements(4), { n: 2 })];
    await indexSession(other.session, { store: other.store, signer: there.signer });
    for (const key of partsOf(other))
      there.store.objects.set(key.replace(other.session, there.session), other.store.objects.get(key)!);
    expect(await whyUnfit(there)).toBe('it is the index of something else');
    const foreign = await recorded(statements(3), { n: 3 });
    await indexSession(foreign.session, { store: foreign.store, signer: memorySigner() });
    expect(await whyUnfit(foreign)).toMatch(/not signed/);
  });

  it('where the evidence is not what it was made of', async () => {
    const changes: readonly [change: (there: Stored) => void, why: RegExp][] = [
      [({ store, session }) => store.objects.delete(`sessions/${session}/00000000.seg`), /objects/],
      [({ store, session }) => store.objects.set(`sessions/${session}/more`, new Uint8Array(1)), /objects/],
      [({ store, session }) => store.objects.delete(`sessions/${session}/close.json`), /statements/],
      [
        ({ store, session }) => store.objects.set(`sessions/${session}/close.json.sig`, new Uint8Array(70)),
        /statements/,
      ],
    ];
    for (const [change, why] of changes) {
      const there = await indexed();
      change(there);
      expect(await whyUnfit(there)).toMatch(why);
    }
  });

  it('where a segment was altered and has its size: its steps are not shown, and the verdict is another then', async () => {
    const there = await indexed();
    const key = `sessions/${there.session}/00000000.seg`;
    const segment = Uint8Array.from(there.store.objects.get(key)!);
    segment[10]! ^= 1;
    there.store.objects.set(key, segment);
    expect(await whyUnfit(there)).toBeUndefined();
    const page = (await stepsIn(there)).page({ place: { cursor: 0 }, direction: 'next', limit: 1 });
    await expect(page).rejects.toMatchObject({ code: 'state-damaged' });
    const again = await indexSession(there.session, there, { deep: true });
    expect(again).toMatchObject({ state: 'made', about: { verdict: 'failed' } });
    const { about } = await stepsIn(there);
    expect(about.findings.map(({ code }) => code)).toContain('content-hash-mismatch');
  });

  it('where a later reader or format has its own name', async () => {
    const there = await indexed();
    for (const key of partsOf(there)) {
      there.store.objects.set(key.replace('/1-1-0/', '/1-0-0/'), there.store.objects.get(key)!);
      there.store.objects.delete(key);
    }
    expect(await whyUnfit(there)).toBe('none');
    expect(await indexSession(there.session, there)).toMatchObject({ state: 'made' });
  });
});

describe('the making of an index', () => {
  it('leaves nothing that misleads, wherever it ends, and is gone on with', async () => {
    const good = await shown(await indexed());
    for (let left = 0; left < 6; left += 1) {
      const there = await recorded(statements(3));
      const put = there.store.put.bind(there.store);
      let puts = 0;
      there.store.put = async (key, bytes) => {
        if (puts === left) throw new CustodyError('store-unavailable', 'it was killed');
        puts += 1;
        return put(key, bytes);
      };
      await expect(indexSession(there.session, there)).rejects.toMatchObject({ code: 'store-unavailable' });
      expect(await whyUnfit(there)).toBe('none');
      there.store.put = put;
      expect(await indexSession(there.session, there)).toMatchObject({ state: 'made' });
      expect(partsOf(there).every((key) => key.includes('/1-1-0/'))).toBe(true);
      expect(await shown(there)).toEqual(good);
    }
  });

  it('is done by several at once', async () => {
    const there = await recorded(statements(3));
    await Promise.all(Array.from({ length: 4 }, () => indexSession(there.session, there)));
    expect(partsOf(there)).toHaveLength(6);
    expect(await whyUnfit(there)).toBeUndefined();
  });

  it('leaves a name that has something else to it', async () => {
    const there = await recorded(statements(3));
    await there.store.put(`indexes/${there.session}/1-1-0/chunk-00000000.zst`, Buffer.from('mine'));
    expect(await indexSession(there.session, there)).toMatchObject({ state: 'made' });
    expect(partOf(there, 'directory.json')).toContain('/1-1-1/');
    expect(await whyUnfit(there)).toBeUndefined();
  });

  it('takes what the store cannot give for no verdict', async () => {
    const there = await recorded(statements(3));
    const get = there.store.get.bind(there.store);
    there.store.get = async (key, atMost) => {
      if (key.endsWith('.seg')) throw new CustodyError('store-unavailable', 'not now');
      return get(key, atMost);
    };
    await expect(indexSession(there.session, there)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(partsOf(there).filter((key) => key.includes('directory'))).toEqual([]);
  });
});

function* damages(bytes: Uint8Array, { store }: Stored, others: readonly string[]) {
  for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 40)) {
    const flipped = Uint8Array.from(bytes);
    flipped[at]! ^= 1;
    yield flipped;
  }
  for (const length of [0, bytes.length >> 1, bytes.length - 1]) yield bytes.slice(0, length);
  yield Buffer.concat([bytes, Buffer.from('\n')]);
  yield undefined;
  const intact = others.map((key) => store.objects.get(key)).filter((other) => other !== undefined);
  yield* intact.filter((other) => !Buffer.from(other).equals(bytes));
}
