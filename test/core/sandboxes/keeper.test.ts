import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { type KeeperPorts, keepSandboxes } from '#core/sandboxes/keeper.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import { aSandbox } from '#test/contract/sandboxes.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';
import { MemorySandboxes, SteeredMaker } from '#test/support/memory-sandboxes.ts';

const HERE = { host: '127.0.0.1', port: 40_001 };
const AT = new Date('2026-11-29T14:00:05.000Z');

function aKeeper(...all: Sandbox[]) {
  const sandboxes = new MemorySandboxes();
  for (const one of all) sandboxes.all.set(one.id, one);
  const maker = new SteeredMaker();
  const leaves = new MemoryLeaves();
  const clock = { now: AT };
  const ports: KeeperPorts = { sandboxes, maker, leaves, now: () => clock.now };
  const kinds = () => [...leaves.added].map((leaf) => (JSON.parse(leaf) as { kind: string }).kind);
  return { sandboxes, maker, clock, kinds, ports, look: () => keepSandboxes(ports) };
}
const { id } = aSandbox(1);

describe('the keeper of sandboxes', () => {
  it('takes one from being asked for to being ready, and to being gone when its time is over', async () => {
    const { look, sandboxes, maker, clock, kinds } = aKeeper(aSandbox(1));
    expect(await look()).toMatchObject({ present: 1, ready: [] });
    expect([maker.there.has(id), kinds()]).toEqual([true, ['sandbox-made']]);
    maker.there.set(id, { state: 'ready', address: HERE });
    expect((await look()).ready).toHaveLength(1);
    expect(await sandboxes.get(id)).toMatchObject({
      state: 'ready',
      address: HERE,
      readyAt: AT.toISOString(),
    });
    await look();
    clock.now = new Date(aSandbox(1).until);
    await look();
    expect(await sandboxes.get(id)).toMatchObject({ state: 'removed', gone: false });
    await look();
    expect([maker.there.has(id), kinds()]).toEqual([true, ['sandbox-made']]);
    expect((await look()).present).toBe(0);
    expect([maker.there.size, (await sandboxes.get(id)).gone]).toEqual([0, true]);
    expect(kinds()).toEqual(['sandbox-made', 'sandbox-removed']);
  });

  it('reads no data before the ledger knows of it', async () => {
    const { ports, maker } = aKeeper(aSandbox(1));
    const leaves = { add: () => Promise.reject(new CustodyError('store-unavailable', 'away')) };
    const { failures } = await keepSandboxes({ ...ports, leaves });
    expect([failures.map(({ error }) => error.code), maker.there.size]).toEqual([['store-unavailable'], 0]);
  });

  it('says why one failed, and leaves nothing of it', async () => {
    const { look, sandboxes, maker } = aKeeper(aSandbox(1));
    await look();
    maker.there.set(id, { state: 'failed', message: 'disk full', hint: 'make room' });
    expect((await look()).failed).toHaveLength(1);
    expect((await sandboxes.get(id)).problem).toEqual({ message: 'disk full', hint: 'make room' });
    await look();
    await look();
    expect(await sandboxes.get(id)).toMatchObject({ state: 'failed', gone: true });
  });

  it('tries again what failed for another reason, and looks after the others all the same', async () => {
    const { ports, maker, sandboxes } = aKeeper(aSandbox(1), aSandbox(2));
    const make = (sandbox: Sandbox) =>
      sandbox.id === id ? Promise.reject(new Error('the network')) : maker.make(sandbox);
    const faulty = { ...ports, maker: Object.assign(Object.create(maker) as SteeredMaker, { make }) };
    expect((await keepSandboxes(faulty)).failures).toMatchObject([{ id }]);
    expect((await sandboxes.get(id)).state).toBe('making');
    expect(maker.there.has(aSandbox(2).id)).toBe(true);
  });

  it('removes what a crash has left that no record knows', async () => {
    const { look, maker } = aKeeper();
    maker.there.set('unknown', { state: 'ready', address: HERE });
    await look();
    await look();
    expect(maker.there.size).toBe(0);
  });

  it('gives way to whoever changed one meanwhile', async () => {
    const { ports, sandboxes, maker } = aKeeper(aSandbox(1));
    maker.there.set(id, { state: 'ready', address: HERE });
    const present = async () => {
      const seen = await sandboxes.present();
      await sandboxes.change({ ...aSandbox(1), version: 1, state: 'removed' });
      return seen;
    };
    const late = {
      ...ports,
      sandboxes: Object.assign(Object.create(sandboxes) as MemorySandboxes, { present }),
    };
    expect((await keepSandboxes(late)).failures).toEqual([]);
    expect((await sandboxes.get(id)).state).toBe('removed');
  });
});
