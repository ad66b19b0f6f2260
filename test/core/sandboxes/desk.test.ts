import { describe, expect, it } from 'vitest';
import { asOf, SandboxDesk, type SandboxWish } from '#core/sandboxes/desk.ts';
import { MemorySandboxes } from '#test/support/memory-sandboxes.ts';
import { may, NOW, person } from './support.ts';

const HOUR = 3_600_000;

function aDesk() {
  const sandboxes = new MemorySandboxes();
  let ids = 0;
  const newId = (): string => `019ad029-1c00-7a61-9f43-${String((ids += 1)).padStart(12, '0')}`;
  const desk = new SandboxDesk({ sandboxes, now: () => NOW, newId });
  const make = (subject = 'dana', wish: Partial<SandboxWish> = {}, target = 'sandbox-db') => {
    const principal = person(subject);
    return desk.make(may('connect', target, principal), may('rerun', 'orders-db', principal), {
      at: NOW,
      for: HOUR,
      ...wish,
    });
  };
  return { sandboxes, desk, make };
}

describe('the desk of sandboxes', () => {
  it('keeps what somebody asks for, for as long as its target says at most', async () => {
    const { make, sandboxes } = aDesk();
    const sandbox = await make('dana', { for: 9 * HOUR, at: new Date(NOW.getTime() - 5), session: 's' });
    expect(sandbox).toMatchObject({
      ...{ target: 'sandbox-db', from: 'orders-db', state: 'making', gone: false, session: 's' },
      at: '2026-11-29T13:59:59.995Z',
      until: '2026-11-29T15:00:00.000Z',
    });
    expect((await make('dana', { for: 60_000 })).until).toBe('2026-11-29T14:01:00.000Z');
    expect(await sandboxes.get(sandbox.id)).toEqual(sandbox);
  });

  it('makes none of a target that is there by itself', async () => {
    await expect(aDesk().make('dana', {}, 'orders-db')).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('gives each person three, also of those who ask at once, and twenty in all', async () => {
    const { make, sandboxes, desk } = aDesk();
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => make()));
    expect(asked.map(({ status }) => status).toSorted()).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'],
    ]);
    const open = (await sandboxes.present()).filter(({ state }) => state === 'making');
    expect(open.map(({ id }) => id.at(-1))).toEqual(['1', '2', '3']);
    await desk.remove(open[1]!);
    expect((await make()).state).toBe('making');
    // What is not gone yet has its place still.
    for (let n = (await sandboxes.present()).length; n < 20; n += 1) await make(`p${n}`);
    await expect(make('late')).rejects.toMatchObject({
      code: 'precondition-failed',
      message: 'there are 20 sandboxes already',
    });
  });

  it('makes one for one key of one person', async () => {
    const { make, sandboxes } = aDesk();
    const first = await make('dana', { key: 'k' });
    expect(await make('dana', { key: 'k' })).toEqual(first);
    await make('eve', { key: 'k' });
    expect(await sandboxes.present()).toHaveLength(2);
  });

  it('removes one at once, however often and whoever changes it meanwhile', async () => {
    const { make, sandboxes, desk } = aDesk();
    const sandbox = await make();
    const stale = { ...sandbox };
    await sandboxes.change({ ...sandbox, state: 'ready', version: 1 });
    const removed = await desk.remove(stale);
    expect(removed).toMatchObject({ state: 'removed', version: 2, gone: false });
    expect(await desk.remove(stale)).toEqual(removed);
  });

  it('takes one whose time is over for removed, whether or not somebody has looked', async () => {
    const sandbox = await aDesk().make();
    expect(asOf(sandbox, new Date('2026-11-29T14:59:59.999Z')).state).toBe('making');
    expect(asOf(sandbox, new Date(sandbox.until)).state).toBe('removed');
  });
});
