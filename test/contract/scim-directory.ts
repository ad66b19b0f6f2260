import { describe, expect, it } from 'vitest';
import type { Entry, Mark, ScimDirectory, ScimMarks, ScimOutbox, Write } from '#core/identity/scim/store.ts';
import type { Given } from './given.ts';

type Store = ScimDirectory & ScimOutbox & ScimMarks;

const AT = '2026-11-23T09:00:00.000Z';
const NOTHING = { before: undefined, after: undefined, marked: [], unmarked: [], owed: [] } satisfies Write;

function user(id: string, version = 1, more: Partial<Entry<'User'>> = {}): Entry<'User'> {
  return {
    ...{ directory: 'okta', kind: 'User', id, version, createdAt: AT, changedAt: AT },
    resource: { externalId: `x-${id}`, userName: id, active: true, emails: [] },
    names: [`username:${id}`, `externalid:x-${id}`],
    ...more,
  };
}

function mark(externalId: string, directory = 'okta'): Mark {
  return {
    directory,
    issuer: `https://${directory}.example`,
    externalId,
    emails: [`${externalId}@example.com`],
  };
}

const leaf = (text: string): Uint8Array => Buffer.from(text);
const texts = (leaves: readonly Uint8Array[]): string[] =>
  leaves.map((one) => Buffer.from(one).toString()).toSorted();

/** The promises of the stores of directories, for every adapter. `make` gives as many views of one store as it is asked for. */
export function scimDirectoryContract(name: string, make: () => Given<() => Store>): void {
  describe(`directory contract: ${name}`, () => {
    it('gives back what was written, by its id and by each of its names, to every view', async () => {
      const view = await make();
      const [one, other] = [view(), view()];
      await one.write({ ...NOTHING, after: user('a') });
      expect(await other.get('okta', 'User', 'a')).toEqual(user('a'));
      expect(await other.find('okta', 'User', 'username:a')).toEqual(user('a'));
      expect(await other.find('okta', 'User', 'externalid:x-a')).toEqual(user('a'));
      expect(await other.find('okta', 'User', 'externalid:X-a')).toBeUndefined();
      expect(await other.get('entra', 'User', 'a')).toBeUndefined();
      expect(await other.find('entra', 'User', 'username:a')).toBeUndefined();
      expect(await other.get('okta', 'Group', 'a')).toBeUndefined();
    });

    it('writes only over what was read', async () => {
      const store = (await make())();
      await store.write({ ...NOTHING, after: user('a') });
      await expect(store.write({ ...NOTHING, after: user('a') })).rejects.toMatchObject({ code: 'conflict' });
      await store.write({ ...NOTHING, before: user('a'), after: user('a', 2) });
      const late = {
        ...NOTHING,
        before: user('a'),
        after: user('a', 2, { changedAt: 'late' }),
        marked: [mark('x-a')],
      };
      await expect(store.write(late)).rejects.toMatchObject({ code: 'conflict' });
      await expect(store.write({ ...NOTHING, before: user('a') })).rejects.toMatchObject({
        code: 'conflict',
      });
      await expect(store.write({ ...NOTHING, before: user('b') })).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(await store.get('okta', 'User', 'a')).toEqual(user('a', 2));
      expect(await store.marks()).toEqual([]);
    });

    it('gives each name to one alone, in one directory', async () => {
      const store = (await make())();
      await store.write({ ...NOTHING, after: user('a') });
      const second = user('b', 1, { names: ['username:b', 'externalid:x-a'] });
      await expect(store.write({ ...NOTHING, after: second, owed: [leaf('no')] })).rejects.toMatchObject({
        code: 'already-exists',
      });
      expect(await store.get('okta', 'User', 'b')).toBeUndefined();
      expect(await store.find('okta', 'User', 'username:b')).toBeUndefined();
      expect(await store.owed(10)).toEqual([]);
      await store.write({ ...NOTHING, after: { ...second, directory: 'entra' } });
    });

    it('frees the names that one gives up, and all of one that goes', async () => {
      const store = (await make())();
      const renamed = user('a', 2, { names: ['username:z', 'externalid:x-a'] });
      await store.write({ ...NOTHING, after: user('a') });
      await store.write({ ...NOTHING, before: user('a'), after: renamed });
      expect(await store.find('okta', 'User', 'username:a')).toBeUndefined();
      await store.write({ ...NOTHING, before: renamed });
      expect(await store.get('okta', 'User', 'a')).toBeUndefined();
      expect(await store.find('okta', 'User', 'externalid:x-a')).toBeUndefined();
      await store.write({ ...NOTHING, after: user('b', 1, { names: renamed.names }) });
      expect(await store.find('okta', 'User', 'username:z')).toMatchObject({ id: 'b' });
    });

    it('lists page by page in the order of ids, and counts all', async () => {
      const store = (await make())();
      for (const id of ['c', 'a', 'b']) await store.write({ ...NOTHING, after: user(id) });
      await store.write({ ...NOTHING, after: user('d', 1, { directory: 'entra' }) });
      const ids = async (from: number, count: number): Promise<unknown> => {
        const { total, entries } = await store.page('okta', 'User', from, count);
        return [total, ...entries.map(({ id }) => id)];
      };
      expect(await ids(0, 2)).toEqual([3, 'a', 'b']);
      expect(await ids(2, 2)).toEqual([3, 'c']);
      expect(await ids(3, 2)).toEqual([3]);
      expect(await ids(0, 0)).toEqual([3]);
    });

    it('keeps marks of all directories until they are taken back', async () => {
      const view = await make();
      const [store, watch] = [view(), view()];
      await store.write({ ...NOTHING, after: user('a'), marked: [mark('x-a'), mark('x-b')] });
      await store.write({ ...NOTHING, after: user('b'), marked: [mark('x-a', 'entra')] });
      expect(await watch.marks()).toHaveLength(3);
      const freed = { ...mark('x-b'), emails: [] };
      await store.write({ ...NOTHING, before: user('a'), unmarked: [mark('x-a')], marked: [freed] });
      const left = await watch.marks();
      expect(left).toHaveLength(2);
      expect(left).toEqual(expect.arrayContaining([freed, mark('x-a', 'entra')]));
    });

    it('counts the writes of each kind', async () => {
      const view = await make();
      const [store, watch] = [view(), view()];
      const before = await watch.changes('User');
      await store.write({ ...NOTHING, after: user('a') });
      const after = await watch.changes('User');
      expect(after).not.toBe(before);
      expect(await watch.changes('Group')).toBe(await store.changes('Group'));
      const group = {
        ...{ directory: 'okta', kind: 'Group', id: 'g', version: 1, createdAt: AT, changedAt: AT },
        resource: { displayName: 'g', members: [] },
        names: ['displayname:g'],
      } satisfies Entry<'Group'>;
      const groupsBefore = await watch.changes('Group');
      await store.write({ ...NOTHING, after: group });
      expect(await watch.changes('User')).toBe(after);
      expect(await watch.changes('Group')).not.toBe(groupsBefore);
    });

    it('owes leaves until they are paid, each once', async () => {
      const view = await make();
      const [store, other] = [view(), view()];
      await store.write({ ...NOTHING, after: user('a'), owed: [leaf('one'), leaf('two')] });
      await store.write({ ...NOTHING, after: user('b'), owed: [leaf('two'), leaf('three')] });
      expect(texts(await other.owed(10))).toEqual(['one', 'three', 'two']);
      expect(await other.owed(2)).toHaveLength(2);
      await other.paid([leaf('two'), leaf('never owed')]);
      expect(texts(await store.owed(10))).toEqual(['one', 'three']);
    });
  });
}
