import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import type { Directory } from '#core/identity/scim/meaning.ts';
import type { Entry } from '#core/identity/scim/store.ts';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { okta } from '#test/support/directory-calls.ts';
import { MemoryScim } from '#test/support/memory-scim.ts';

const OKTA: Directory = { name: 'okta', issuer: 'https://okta.example', groupsCount: false };
const NAMES = ['a', 'b', 'c'] as const;

/** What a directory does, on whichever of its users is meant. */
type Step =
  | { readonly kind: 'create'; readonly externalId: string; readonly active: boolean }
  | { readonly kind: 'active'; readonly user: number; readonly active: boolean }
  | { readonly kind: 'rename'; readonly user: number; readonly externalId: string }
  | {
      readonly kind: 'replace';
      readonly user: number;
      readonly externalId: string;
      readonly active: boolean;
    }
  | { readonly kind: 'remove'; readonly user: number };

const name = fc.constantFrom(...NAMES);
const user = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), externalId: name, active: fc.boolean() }),
  fc.record({ kind: fc.constant('active' as const), user, active: fc.boolean() }),
  fc.record({ kind: fc.constant('rename' as const), user, externalId: name }),
  fc.record({ kind: fc.constant('replace' as const), user, externalId: name, active: fc.boolean() }),
  fc.record({ kind: fc.constant('remove' as const), user }),
);

async function does(desk: ScimDesk, store: MemoryScim, done: Step): Promise<void> {
  if (done.kind === 'create') {
    const body = { ...okta.create(done.externalId, `${done.externalId}@example.com`), active: done.active };
    return void (await desk.create(OKTA, 'User', body));
  }
  const { entries } = await store.page('okta', 'User', done.user, 1);
  const [at] = entries as readonly Entry<'User'>[];
  if (at === undefined) return;
  if (done.kind === 'remove') return desk.remove(OKTA, 'User', at.id);
  if (done.kind === 'replace') {
    const body = { ...okta.create(done.externalId, at.resource.userName), active: done.active };
    return void (await desk.replace(OKTA, 'User', at.id, body));
  }
  const path = { attribute: done.kind === 'active' ? 'active' : 'externalid' };
  const value = done.kind === 'active' ? done.active : done.externalId;
  await desk.patch(OKTA, 'User', at.id, [{ op: 'replace', path, value }]);
}

describe('who is marked', () => {
  it('is whoever the directory has known and has not active now, and the leaves say when that changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const store = new MemoryScim();
        const off = new Set<string>();
        let ids = 0;
        const desk = new ScimDesk({
          store,
          leaves: {
            add: async (bytes) => {
              const leaf = parseLeaf(bytes)!;
              const { user: who } = leaf as { readonly user: string };
              expect(off.has(who)).toBe(leaf.kind === 'person-reactivated');
              if (leaf.kind === 'person-reactivated') off.delete(who);
              else off.add(who);
            },
          },
          now: () => new Date((ids += 1)),
          newId: () => String((ids += 1)).padStart(4, '0'),
        });
        const known = new Set<string>();
        for (const done of steps) {
          await does(desk, store, done).catch((error: { code: string }) => {
            if (error.code !== 'already-exists') throw error;
          });
          const { entries } = await store.page('okta', 'User', 0, 100);
          const users = (entries as readonly Entry<'User'>[]).map(({ resource }) => resource);
          for (const { externalId } of users) known.add(externalId);
          const active = users.filter((one) => one.active).map(({ externalId }) => externalId);
          const expected = [...known].filter((one) => !active.includes(one)).toSorted();
          const marked = (await store.marks()).map(({ externalId }) => externalId);
          expect(marked.toSorted()).toEqual(expected);
          expect([...off].toSorted()).toEqual(expected);
        }
      }),
      { numRuns: 300 },
    );
  });
});
