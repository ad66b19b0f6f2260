import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccessDesk, type DeskPorts } from '#core/access/desk.ts';
import { CustodyError } from '#core/errors.ts';
import { type FaultKind, Faults, type PlannedFault } from '#test/support/faulty-ports.ts';
import {
  dana,
  deskStand,
  expectAllTold,
  kindsOf,
  mayAsk,
  newsIds,
  type Stand,
  says,
} from './desk-support.ts';
import { idOf, principal } from './support.ts';

const REASON = { reason: 'look' };

/** A desk whose ports fail as planned; `again`: one on the same ports that do not, for whoever comes after. */
function faultyStand(
  ...plan: PlannedFault[]
): Stand & { readonly again: AccessDesk; readonly faults: Faults } {
  const faults = new Faults(plan);
  const calls = ['create', 'append', 'get', 'untold', 'told'] as const;
  let sound: DeskPorts | undefined;
  const stand = deskStand((ports) => {
    sound = ports;
    return {
      ...ports,
      requests: faults.wrap('requests', ports.requests, { calls }),
      leaves: faults.wrap('leaves', ports.leaves, { calls: ['add'] }),
      stream: faults.wrap('stream', ports.stream, { calls: ['tell'] }),
    };
  });
  return { ...stand, faults, again: new AccessDesk(sound!) };
}

const fault = (point: string, nth: number, kind: FaultKind): PlannedFault => ({ point, nth, kind });

describe('a desk whose ports fail', () => {
  it('adds a step once when it was stored, and then failed, and is done again', async () => {
    const { desk, told, stored } = faultyStand(fault('requests.append', 1, 'persisted-but-errored'));
    await desk.ask(mayAsk(), REASON);
    await expect(desk.change(idOf(1), says(1, 'approved'))).rejects.toMatchObject({ code: 'EIO' });
    expect(kindsOf(stored())).toEqual(['approved']);
    await desk.change(idOf(1), says(1, 'approved'));
    expect(kindsOf(stored())).toEqual(['approved']);
    expectAllTold(told, stored());
  });

  it('adds a step once when it was lost, and is done again', async () => {
    const { desk, told, stored } = faultyStand(fault('requests.append', 1, 'lost'));
    await desk.ask(mayAsk(), REASON);
    await expect(desk.change(idOf(1), says(1, 'approved'))).rejects.toMatchObject({ code: 'EIO' });
    expect(kindsOf(stored())).toEqual([]);
    await desk.change(idOf(1), says(1, 'approved'));
    expectAllTold(told, stored());
  });

  it('makes one request of a key when it was stored, and then failed, and is asked again', async () => {
    const { desk, told, store, stored } = faultyStand(fault('requests.create', 1, 'persisted-but-errored'));
    await expect(desk.ask(mayAsk(), REASON, 'key')).rejects.toMatchObject({ code: 'EIO' });
    expect(await desk.ask(mayAsk(), REASON, 'key')).toEqual(stored());
    expect(store.requests.size).toBe(1);
    expectAllTold(told, stored());
  });

  it('says so when the ledger cannot take a leaf; the step stays untold until it can', async () => {
    const { desk, told, store, stored } = faultyStand(fault('leaves.add', 2, 'lost'));
    await desk.ask(mayAsk(), REASON);
    await expect(desk.change(idOf(1), says(1, 'approved'))).rejects.toMatchObject({ code: 'EIO' });
    expect(kindsOf(stored())).toEqual(['approved']);
    expect(newsIds(told)).toEqual([`${idOf(1)}/0`]);
    expect(await store.untold(10)).toMatchObject([{ told: 1 }]);
    expect(await desk.tellAll()).toBe(1);
    expectAllTold(told, stored());
    expect(await desk.tellAll()).toBe(0);
  });

  it.each<[what: string, point: string, kind: FaultKind]>([
    ['nobody could be told', 'stream.tell', 'lost'],
    ['they were told, and then it failed', 'stream.tell', 'persisted-but-errored'],
    ['the leaf was added, and then it failed', 'leaves.add', 'persisted-but-errored'],
    ['it could not be noted that they were', 'requests.told', 'lost'],
    ['it was noted, and then it failed', 'requests.told', 'persisted-but-errored'],
    ['it could not be seen what is untold', 'requests.untold', 'lost'],
  ])('tells again what may not have been told: %s', async (_what, point, kind) => {
    const { desk, told, store, stored } = faultyStand(fault(point, 2, kind));
    await desk.ask(mayAsk(), REASON);
    await expect(desk.change(idOf(1), says(1, 'approved'))).rejects.toMatchObject({ code: 'EIO' });
    await desk.change(idOf(1), says(1, 'approved'));
    expectAllTold(told, stored());
    expect(await store.untold(10)).toEqual([]);
  });

  it('leaves to the next what it had not told when it died', async () => {
    for (const kind of ['dead', 'persisted-but-dead'] as const) {
      const { desk, again, told, store, stored } = faultyStand(fault('leaves.add', 2, kind));
      await desk.ask(mayAsk(), REASON);
      void desk.change(idOf(1), says(1, 'approved'));
      await turn();
      expect(kindsOf(stored())).toEqual(['approved']);
      expect(await store.untold(10)).toMatchObject([{ told: 1 }]);
      expect(await again.tellAll()).toBe(1);
      expectAllTold(told, stored());
    }
  });

  it('leaves to the next what it had stored when it died, and no more', async () => {
    const { desk, again, told, stored } = faultyStand(fault('requests.append', 1, 'persisted-but-dead'));
    await desk.ask(mayAsk(), REASON);
    void desk.change(idOf(1), says(1, 'approved'));
    await turn();
    expect(kindsOf(stored())).toEqual(['approved']);
    await again.change(idOf(1), says(2, 'approved'));
    expect(kindsOf(stored())).toEqual(['approved', 'approved']);
    expectAllTold(told, stored());
  });

  it('tells one request after another, and one that cannot be told keeps no other from it', async () => {
    const { desk, told, store, stored, faults } = faultyStand(
      fault('leaves.add', 1, 'lost'),
      fault('leaves.add', 2, 'lost'),
      fault('leaves.add', 3, 'lost'),
    );
    const eve = principal('eve', ['developers']);
    await expect(desk.ask(mayAsk(), REASON)).rejects.toMatchObject({ code: 'EIO' });
    await expect(desk.ask(mayAsk('ask', eve), REASON)).rejects.toMatchObject({ code: 'EIO' });
    await expect(desk.tellAll()).rejects.toMatchObject({
      code: 'internal',
      detail: expect.stringContaining('EIO'),
    });
    expect(faults.injected).toHaveLength(3);
    expectAllTold(told, stored(2));
    expect(await store.untold(10)).toMatchObject([{ request: { id: idOf(1) } }]);
    expect(await desk.tellAll()).toBe(1);
    expectAllTold(told, stored(1), stored(2));
  });

  it('tells of the request that was changed, also where another waits', async () => {
    const { desk, told, stored } = faultyStand(fault('leaves.add', 1, 'lost'));
    const eve = principal('eve', ['developers']);
    await expect(desk.ask(mayAsk(), REASON)).rejects.toMatchObject({ code: 'EIO' });
    await desk.ask(mayAsk('ask', eve), REASON);
    await desk.change(idOf(2), says(1, 'approved'));
    expectAllTold(told, stored(2));
  });

  it('names the error that it was', async () => {
    const { desk, ports } = deskStand((ports) => ({
      ...ports,
      leaves: { add: () => Promise.reject(new CustodyError('internal', 'a ledger leaf is too long')) },
    }));
    await expect(desk.ask(mayAsk(), REASON)).rejects.toMatchObject({ message: 'a ledger leaf is too long' });
    await expect(new AccessDesk(ports).tellAll()).rejects.toMatchObject({
      message: 'a ledger leaf is too long',
    });
  });
});

describe('a desk whose ports fail in any way, and those who come after', () => {
  const points = [
    'requests.create',
    'requests.append',
    'requests.get',
    'requests.untold',
    'requests.told',
    'leaves.add',
    'stream.tell',
  ];
  const kinds = ['lost', 'persisted-but-errored', 'dead', 'persisted-but-dead'] as const;
  const anyFault = fc.record({
    point: fc.constantFrom(...points),
    nth: fc.integer({ min: 1, max: 8 }),
    kind: fc.constantFrom<FaultKind>(...kinds),
  });

  it('lose no step, add none twice, and tell each once, in order', async () => {
    let injected = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyFault, { maxLength: 4 }), async (plan) => {
        const { desk, again, told, store, faults } = faultyStand(...plan);
        void desk.ask(mayAsk(), REASON, 'key').catch(() => undefined);
        await turn();
        const { id } = await again.ask(mayAsk(), REASON, 'key');
        for (const n of [1, 2, 3]) void desk.change(id, says(n, 'approved')).catch(() => undefined);
        await turn();
        for (const n of [1, 2, 3]) await again.change(id, says(n, 'approved'));
        await again.tellAll();
        const [request, ...others] = [...store.requests.values()];
        expect(others).toEqual([]);
        expect(kindsOf(request!)).toEqual(['approved', 'approved', 'approved', 'granted']);
        expect(request!.requester.subject).toBe(dana.subject);
        expectAllTold(told, request!);
        expect(await store.untold(1)).toEqual([]);
        injected += faults.injected.length;
      }),
      { numRuns: 300 },
    );
    expect(injected).toBeGreaterThan(100);
  });
});
