import fc from 'fast-check';
import { expect, test } from 'vitest';
import { approve, revoke } from '#core/identity/devices/lifecycle.ts';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { SoftwareAuthenticator } from '#test/support/software-authenticator.ts';
import { answered, approvedBy, desk, lead, NOW, person } from './support.ts';

/** What should be known of one key. */
interface Known {
  owner: string;
  approvals: Set<string>;
  needs: number;
  isRevoked: boolean;
}

const KEYS = [0, 1, 2].map(() => new SoftwareAuthenticator());
const PEOPLE = ['dana', 'eve'];
const LEADS = ['lea', 'leo'];

const move = fc.oneof(
  fc.record({
    what: fc.constant('register' as const),
    key: fc.nat(2),
    who: fc.constantFrom(...PEOPLE),
    needs: fc.nat(2),
  }),
  fc.record({
    what: fc.constant('approve' as const),
    key: fc.nat(2),
    who: fc.constantFrom(...LEADS, ...PEOPLE),
  }),
  fc.record({ what: fc.constant('revoke' as const), key: fc.nat(2) }),
  fc.record({ what: fc.constant('queue' as const), isAway: fc.boolean() }),
);

test('a device counts for its owner exactly while it is approved, unrevoked and told, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 14 }), async (moves) => {
      const world = desk();
      const known = new Map<number, Known>();
      const add = world.leaves.add.bind(world.leaves);
      let isAway = false;
      world.leaves.add = (leaf) => (isAway ? Promise.reject(new Error('away')) : add(leaf));
      for (const [turn, one] of moves.entries()) {
        world.clock.now = new Date(NOW.getTime() + turn * 1000);
        if (one.what === 'queue') {
          ({ isAway } = one);
          continue;
        }
        const key = KEYS[one.key]!;
        const id = await idOf(key);
        const was = known.get(one.key);
        if (one.what === 'register') {
          const config = one.needs === 0 ? {} : approvedBy(one.needs);
          const caller = person(one.who);
          const { challenge } = await world.desk.challenge(caller, config);
          await world.desk.register(caller, answered(challenge, key), config).catch(() => undefined);
          if (was === undefined)
            known.set(one.key, { owner: one.who, approvals: new Set(), needs: one.needs, isRevoked: false });
        } else if (one.what === 'approve') {
          const step = world.desk.change(id, (device, now) =>
            approve(device, lead(one.who), approvedBy(was?.needs || 1), now),
          );
          await step.catch(() => undefined);
          if (was !== undefined && !was.isRevoked && was.owner !== one.who) was.approvals.add(one.who);
        } else {
          await world.desk
            .change(id, (device, now) => revoke(device, person('dana'), undefined, now))
            .catch(() => undefined);
          if (was !== undefined) was.isRevoked = true;
        }
        await compare(world, known, isAway);
      }
      isAway = false;
      await world.desk.tellAll();
      await compare(world, known, false);
      // Each of the key's news is in the ledger once, and nothing else is.
      const leaves = [...world.leaves.added].map((text) => parseLeaf(Buffer.from(text))!.kind);
      const news = [...world.devices.items.values()].flatMap(({ device }) => [device, ...device.steps]);
      expect(leaves).toHaveLength(news.length);
    }),
    { numRuns: 60 },
  );
});

async function compare(world: ReturnType<typeof desk>, known: ReadonlyMap<number, Known>, isAway: boolean) {
  for (const [number, { owner, approvals, needs, isRevoked }] of known) {
    const id = await idOf(KEYS[number]!);
    const found = await world.devices.of(id);
    const should = !isRevoked && approvals.size >= needs;
    if (!should) expect(found).toBeUndefined();
    // With the queue away it may have to wait until it is told.
    else if (!isAway || found !== undefined) {
      await world.desk.tell(id).catch(() => undefined);
      expect((await world.devices.of(id))?.owner.subject).toBe(owner);
    }
    expect((await world.devices.revoked([id])).has(id)).toBe(isRevoked);
  }
}

async function idOf(key: SoftwareAuthenticator): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(key.blob));
  return `SHA256:${Buffer.from(digest).toString('base64').replace(/=+$/, '')}`;
}
