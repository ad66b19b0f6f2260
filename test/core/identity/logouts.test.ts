import { describe, expect, it } from 'vitest';
import { takeLogout } from '#core/identity/logout-desk.ts';
import type { Logout } from '#core/identity/logout-token.ts';
import { logoutStanding } from '#core/identity/logouts.ts';
import type { Principal } from '#core/identity/principal.ts';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { MemoryLogouts } from '#test/support/memory-logouts.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';

const START = Date.parse('2026-11-23T09:00:00.000Z');
const at = (seconds: number): Date => new Date(START + seconds * 1000);
const ID = 'https://id.example';
const OTHER = 'https://other.example';
const CI = 'https://ci.example';
const ISSUERS = [
  { issuer: ID, backchannelLogout: true },
  { issuer: OTHER, backchannelLogout: true },
  { issuer: CI, backchannelLogout: false },
];

function principal(more: Partial<Principal> = {}): Principal {
  return { issuer: ID, subject: 'dana', groups: [], expiresAt: at(3600), issuedAt: at(0), ...more };
}

let ids = 0;
function logout(more: Partial<Logout>): Logout {
  ids += 1;
  return { issuer: ID, at: at(60), token: ids.toString(16).padStart(64, '0'), ...more };
}

async function isOver(who: Principal, ...logouts: readonly Logout[]): Promise<boolean> {
  const kept = new MemoryLogouts();
  for (const one of logouts) await takeLogout(one, kept, new MemoryLeaves());
  const [ending] = await logoutStanding(kept, () => ISSUERS).over([who]);
  if (ending === undefined) return false;
  expect(ending).toMatchObject({
    reason: 'revoked',
    error: {
      code: 'access-revoked',
      message: 'you were logged out at the identity provider',
      hint: 'log in again: custody login',
    },
  });
  return true;
}

const ALL = logout({ subject: 'dana' });
const ONE = logout({ session: 's1' });
const BOTH = logout({ subject: 'dana', session: 's1' });
const acted = (more: Partial<Principal> = {}): Principal =>
  principal({
    actors: [
      { issuer: OTHER, subject: 'agent-7' },
      { issuer: ID, subject: 'broker' },
    ],
    ...more,
  });

describe('a logout (security case 12)', () => {
  it.each<[what: string, over: boolean, who: Principal, by: Logout]>([
    ['of somebody ends what they had before', true, principal(), ALL],
    ['of somebody ends what they had that second', true, principal({ issuedAt: at(60) }), ALL],
    ['of somebody ends what they had within that second', true, principal({ issuedAt: at(60.4) }), ALL],
    ['of somebody lets in what they got later', false, principal({ issuedAt: at(61) }), ALL],
    ['of somebody ends each of their sessions', true, principal({ issuerSession: 's2' }), ALL],
    ['of somebody ends a token without a time', true, principal({ issuedAt: undefined as never }), ALL],
    ['of somebody ends nobody else', false, principal({ subject: 'eve' }), ALL],
    ['of somebody ends nobody of another issuer', false, principal({ issuer: OTHER }), ALL],
    ['of a session ends it', true, principal({ issuerSession: 's1' }), ONE],
    ['of a session ends it for ever', true, principal({ issuerSession: 's1', issuedAt: at(99) }), ONE],
    ['of a session ends no other', false, principal({ issuerSession: 's2' }), ONE],
    [
      'of a session ends none of another issuer',
      false,
      principal({ issuer: OTHER, issuerSession: 's1' }),
      ONE,
    ],
    ['of a session is not one of a person with its name', false, principal({ subject: 's1' }), ONE],
    [
      'of a person is not one of a session with that name',
      false,
      principal({ subject: 'x', issuerSession: 'dana' }),
      ALL,
    ],
    ['of a session of somebody ends it', true, principal({ issuerSession: 's1' }), BOTH],
    ['of a session of somebody ends no other of theirs', false, principal({ issuerSession: 's2' }), BOTH],
    ['of a session of somebody ends what says of no session that it is another', true, principal(), BOTH],
    ['of a session of somebody lets in such a token of later', false, principal({ issuedAt: at(61) }), BOTH],
    ['of a session that names nobody ends no token without one', false, principal(), ONE],
    ['of somebody ends who acts for them', true, acted(), ALL],
    ['of their session ends who acts for them in it', true, acted({ issuerSession: 's1' }), BOTH],
    [
      'of an actor ends what it does for others',
      true,
      acted(),
      logout({ issuer: OTHER, subject: 'agent-7' }),
    ],
    ['of an actor of an actor as well', true, acted({ issuerSession: 's1' }), logout({ subject: 'broker' })],
    [
      'of one session of an actor too: the token does not say of which',
      true,
      acted({ issuerSession: 's1' }),
      logout({ issuer: OTHER, subject: 'agent-7', session: 'x' }),
    ],
    ['of an actor of another issuer ends nothing', false, acted(), logout({ subject: 'agent-7' })],
    [
      'of an actor lets in what it gets later',
      false,
      acted({ issuedAt: at(61) }),
      logout({ issuer: OTHER, subject: 'agent-7' }),
    ],
  ])('%s', async (_, over, who, by) => {
    expect(await isOver(who, by)).toBe(over);
  });

  it('counts once its issuer is listened to, and not before', async () => {
    const ci = logout({ issuer: CI, subject: 'dana' });
    expect(await isOver(principal({ issuer: CI }), ci)).toBe(false);
    const agent = acted({ issuer: CI, issuerSession: 's1' });
    expect(await isOver(agent, logout({ issuer: CI, session: 's1' }))).toBe(false);
    expect(await isOver(agent, logout({ subject: 'broker', session: 'x' }))).toBe(true);
  });

  it('tells one from the other of many, in their order', async () => {
    const kept = new MemoryLogouts();
    await takeLogout(ALL, kept, new MemoryLeaves());
    const people = [principal({ subject: 'eve' }), principal(), principal({ issuedAt: at(61) }), acted()];
    const endings = await logoutStanding(kept, () => ISSUERS).over(people);
    expect(endings.map((ending) => ending !== undefined)).toEqual([false, true, false, true]);
  });

  it('is looked for only where there is somebody who may have been logged out', async () => {
    const never = { newest: () => Promise.reject(new Error('asked')) };
    const standing = logoutStanding(never, () => ISSUERS);
    expect(await standing.over([])).toEqual([]);
    expect(await standing.over([principal({ issuer: CI })])).toEqual([undefined]);
    await expect(standing.over([principal()])).rejects.toThrow('asked');
  });
});

describe('taking a logout', () => {
  it('enters it in the ledger first, once, however often its token comes (security case 22)', async () => {
    const leaves = new MemoryLeaves();
    const kept = new MemoryLogouts();
    await takeLogout(BOTH, kept, leaves);
    await expect(takeLogout(BOTH, kept, leaves)).rejects.toMatchObject({
      code: 'conflict',
      message: 'this logout token was used before',
    });
    expect([...leaves.added].map((leaf) => parseLeaf(Buffer.from(leaf)))).toEqual([
      {
        type: 'custody/leaf/1',
        kind: 'logged-out',
        at: at(60).toISOString(),
        issuer: ID,
        subject: 'dana',
        sid: 's1',
        token: BOTH.token,
      },
    ]);
  });

  it('does not count where the ledger does not take it', async () => {
    const kept = new MemoryLogouts();
    const leaves = { add: () => Promise.reject(new Error('full')) };
    await expect(takeLogout(ALL, kept, leaves)).rejects.toThrow('full');
    expect(kept.taken).toEqual([]);
  });

  it('takes the same token of two issuers as two', async () => {
    const kept = new MemoryLogouts();
    await takeLogout(logout({ subject: 'dana', token: 'a'.repeat(64) }), kept, new MemoryLeaves());
    await takeLogout(
      logout({ issuer: OTHER, subject: 'dana', token: 'a'.repeat(64) }),
      kept,
      new MemoryLeaves(),
    );
    expect(kept.taken).toHaveLength(2);
  });
});
