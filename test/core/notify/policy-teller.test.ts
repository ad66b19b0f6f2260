import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { PolicyTeller } from '#core/notify/policy-teller.ts';
import { Faults } from '#test/support/faulty-ports.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';
import { MemoryQueue } from '#test/support/memory-ledger.ts';

const AT = new Date('2026-11-28T12:00:00.000Z');
const LATER = new Date('2026-11-28T13:00:00.000Z');

/** A configuration with these webhooks, `events` or all of them. */
function config(webhooks: readonly string[], events = ''): Config {
  const hooks = webhooks.map(
    (name) => `  - { name: ${name}, url: 'https://${name}.example', format: slack${events} }`,
  );
  const identity = 'identity: { issuer: https://id.example, audience: custody }';
  const lines = ['version: 1', identity, 'targets: {}', 'webhooks:', ...hooks];
  return parseConfig(lines.join('\n'), 'custody.yaml');
}

async function told(deliveries: MemoryDeliveries): Promise<(readonly [webhook: string, policy: unknown])[]> {
  const wish = { now: LATER, until: LATER, limit: 100, except: [] };
  const due = await deliveries.take(wish);
  return due.map(
    ({ webhook, news }) => [webhook, 'policy' in news ? news.policy.slice(0, 8) : news.kind] as const,
  );
}

function world() {
  const leaves = new MemoryQueue();
  const deliveries = new MemoryDeliveries();
  return { leaves, deliveries, teller: new PolicyTeller(leaves, deliveries) };
}

describe('a configuration that comes into force', () => {
  it('is entered in the ledger and told to its webhooks, once however often it is told', async () => {
    const { leaves, deliveries, teller } = world();
    const now = config(['ops']);
    await teller.tell(now, AT);
    await teller.tell(now, AT);
    expect(await leaves.list(10)).toHaveLength(1);
    expect(await told(deliveries)).toEqual([['ops', now.version.slice(0, 8)]]);
  });

  it('is told to who heard of the one before, whom it may have taken away', async () => {
    const { deliveries, teller } = world();
    const [before, after] = [config(['ops', 'audit']), config(['ops'])];
    await teller.tell(before, AT);
    await teller.tell(after, LATER);
    const about = (await told(deliveries)).filter(([, policy]) => policy === after.version.slice(0, 8));
    expect(about.map(([webhook]) => webhook).sort()).toEqual(['audit', 'ops']);
  });

  it('is told again when it comes back, and to nobody who wants other events', async () => {
    const { leaves, deliveries, teller } = world();
    const [one, two] = [config(['ops']), config(['ops'], ', events: [break-glass]')];
    await teller.tell(one, AT);
    await teller.tell(two, AT);
    await teller.tell(one, LATER);
    expect(await leaves.list(10)).toHaveLength(3);
    expect(await told(deliveries)).toHaveLength(2);
  });

  it.each(['leaves.add', 'deliveries.add'])(
    'does not count when it cannot be told: %s fails',
    async (point) => {
      const { leaves, deliveries } = world();
      const faults = new Faults([{ point, nth: 1, kind: 'lost' }]);
      const teller = new PolicyTeller(
        faults.wrap('leaves', leaves, { calls: ['add'] }),
        faults.wrap('deliveries', deliveries, { calls: ['add'] }),
      );
      await expect(teller.tell(config(['ops']), AT)).rejects.toThrow('EIO');
      await teller.tell(config(['ops']), AT);
      expect(await told(deliveries)).toHaveLength(1);
    },
  );
});
