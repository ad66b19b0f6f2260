import { describe, expect, it } from 'vitest';
import { placed } from '#core/sandboxes/door.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import { aSandbox } from '#test/contract/sandboxes.ts';
import { MemorySandboxes } from '#test/support/memory-sandboxes.ts';
import { ISSUER, may, NOW, person } from './support.ts';

const HERE = { host: '127.0.0.1', port: 40_001 };
const theirs = (n: number, more: Partial<Sandbox> = {}): Sandbox =>
  aSandbox(n, { by: { issuer: ISSUER, subject: 'dana' }, state: 'ready', address: HERE, ...more });
const dana = may('connect', 'sandbox-db', person('dana'));

async function go(permission: typeof dana, named: string | undefined, ...all: Sandbox[]) {
  const sandboxes = new MemorySandboxes();
  for (const one of all) await sandboxes.create(one);
  return placed(permission, named, sandboxes, NOW);
}

describe('the door of sandboxes', () => {
  it('leads to the one that is named, with the same permission', async () => {
    const { permission, sandbox } = await go(dana, theirs(1).id, theirs(1), theirs(2));
    expect(permission.target).toEqual({ ...dana.target, address: HERE });
    expect(permission).toMatchObject({
      rule: dana.rule,
      principal: dana.principal,
      policyVersion: dana.policyVersion,
    });
    expect(sandbox).toEqual({ id: theirs(1).id, from: 'orders-db', at: theirs(1).at });
  });

  it('leads to the newest that is ready where none is named', async () => {
    const making = theirs(3, { state: 'making' });
    const other = theirs(4, { by: { issuer: ISSUER, subject: 'eve' } });
    const { sandbox } = await go(
      dana,
      undefined,
      theirs(1),
      theirs(2),
      making,
      other,
      theirs(5, { target: 'other' }),
    );
    expect(sandbox?.id).toBe(theirs(2).id);
  });

  it('leaves other targets as they are', async () => {
    const orders = may('connect', 'orders-db', person('dana'));
    expect(await go(orders, undefined)).toEqual({ permission: orders });
    await expect(go(orders, theirs(1).id, theirs(1))).rejects.toMatchObject({
      message: 'the target "orders-db" is no sandbox that was made',
    });
  });

  it.each<[what: string, named: string | undefined, found: Sandbox[], words: string]>([
    ['none was made', undefined, [], 'no sandbox "sandbox-db" was made for you'],
    ['it is being made', undefined, [theirs(1, { state: 'making' })], 'is not ready yet'],
    [
      'it failed',
      theirs(1).id,
      [theirs(1, { state: 'failed', problem: { message: 'disk full' } })],
      'disk full',
    ],
    ['it was removed', theirs(1).id, [theirs(1, { state: 'removed' })], 'was removed'],
    ['its time is over', theirs(1).id, [theirs(1, { until: NOW.toISOString() })], 'was removed'],
    ['no id was given', '', [theirs(1)], 'no such sandbox of yours'],
    ['it is no id', "' OR 1=1", [theirs(1)], 'no such sandbox of yours'],
  ])('says so where %s', async (_, named, found, words) => {
    await expect(go(dana, named, ...found)).rejects.toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining(words),
    });
  });

  it("security cases 13, 14: lets nobody into another's, and says no more of it than of what is not there", async () => {
    const said = (permission: typeof dana, ...found: Sandbox[]) =>
      go(permission, theirs(1).id, ...found).catch((error: Error) => error.message);
    const nothing = await said(dana);
    const acting = { actors: [{ issuer: ISSUER, subject: 'agent-7' }] };
    for (const by of [
      { issuer: ISSUER, subject: 'eve' },
      { issuer: 'https://other.example', subject: 'dana' },
      { issuer: ISSUER, subject: 'dana', ...acting },
    ])
      expect(await said(dana, theirs(1, { by }))).toBe(nothing);
    expect(await said(dana, theirs(1, { target: 'other' }))).toBe(nothing);
  });

  it('security case 9: gives no permission another address than that of what was made', () => {
    const orders = may('connect', 'orders-db', person('dana'));
    expect(() => orders.placedAt(HERE)).toThrow('has an address of its own');
    expect(() => dana.placedAt(HERE).placedAt({ host: '169.254.169.254', port: 80 })).toThrow('of its own');
  });
});
