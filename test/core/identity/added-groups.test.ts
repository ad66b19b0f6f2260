import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { type GroupSource, listedNow, withGroups } from '#core/identity/added-groups.ts';
import type { DirectoryPerson, GroupDirectory } from '#core/identity/directory.ts';
import type { Principal } from '#core/identity/principal.ts';
import { rawToken } from '#test/support/issuer.ts';

const dana: Principal = {
  issuer: 'https://id.example',
  issuerName: 'people',
  subject: 'dana',
  email: 'dana@acme.com',
  groups: ['from-token'],
  expiresAt: new Date(0),
};
const device = {
  key: 'SHA256:x',
  proof: 'tls-certificate' as const,
  thumbprint: 'x',
  expiresAt: new Date(0),
};
const token = rawToken({ alg: 'ES256' }, { sub: 'dana', oid: '1' });

/** The groups of `principal` where custody.yaml says this of its issuer, and what the directory was asked. */
async function groupsOf(
  principal: Principal,
  source: Partial<GroupSource>,
  directory?: GroupDirectory['groupsOf'],
  others: readonly GroupSource[] = [],
) {
  const asked: DirectoryPerson[] = [];
  const sources = [{ name: 'people', groupsPrefix: '', ...source }, ...others];
  const verify = withGroups(
    () => ({
      verify: async (given, shown) => {
        expect([given, shown]).toEqual([token, device]);
        return principal;
      },
    }),
    () => sources,
    ({ name }) =>
      directory === undefined || name !== 'people'
        ? undefined
        : { groupsOf: (person) => (asked.push(person), directory(person)) },
  );
  const verified = await verify().verify(token, device);
  return { asked, verified, groups: verified.groups };
}

describe('groups of a directory', () => {
  const fromDirectory = async () => ['from-directory'];

  it("stand in place of the token's where the directory is always asked, by what the token says", async () => {
    const { asked, groups } = await groupsOf(dana, { directory: { when: 'always' } }, fromDirectory);
    expect(groups).toEqual(['from-directory']);
    expect(asked).toEqual([{ subject: 'dana', email: 'dana@acme.com', claims: { sub: 'dana', oid: '1' } }]);
  });

  it('are asked for only where the issuer left them out, and it is not said any more that it did', async () => {
    const source = { directory: { when: 'when-omitted' } } as const;
    const inToken = await groupsOf(dana, source, fromDirectory);
    expect([inToken.groups, inToken.asked]).toEqual([['from-token'], []]);
    const leftOut = { ...dana, groups: [], groupsOmittedByIssuer: true } as const;
    const { verified } = await groupsOf(leftOut, source, fromDirectory);
    expect(verified).toEqual({ ...dana, groups: ['from-directory'] });
    expect((await groupsOf(leftOut, {})).verified).toEqual(leftOut);
  });

  it('are refused, and not left away, when the directory fails', async () => {
    const away = new CustodyError('issuer-unreachable', 'away');
    const failing = groupsOf(dana, { directory: { when: 'always' } }, () => Promise.reject(away));
    await expect(failing).rejects.toBe(away);
  });

  it('have the prefix of their issuer', async () => {
    const source = { groupsPrefix: 'g:', directory: { when: 'always' } } as const;
    expect((await groupsOf(dana, source, fromDirectory)).groups).toEqual(['g:from-directory']);
  });

  it("are never another issuer's", async () => {
    const directory = async () => ['gh:deployers', 'gh', 'developers'];
    const others = [{ name: 'gh', groupsPrefix: 'gh:' }];
    const { groups } = await groupsOf(dana, { directory: { when: 'always' } }, directory, others);
    expect(groups).toEqual(['gh', 'developers']);
  });

  it('are those of no other issuer of the file', async () => {
    const other = { ...dana, issuerName: 'other' };
    const { verified } = await groupsOf(other, { directory: { when: 'always' } }, fromDirectory);
    expect(verified).toBe(other);
  });
});

describe('groups that are listed', () => {
  const members = {
    developers: [{ email: 'rui@acme.com' }, { email: 'dana@acme.com' }],
    auditors: [{ subject: 'dana' }],
    'from-token': [{ subject: 'dana' }],
    others: [{ subject: 'dana@acme.com' }, { subject: 'Dana' }, { email: 'dana' }],
  };

  it("are beside the token's, each once", async () => {
    expect((await groupsOf(dana, { members })).groups).toEqual(['from-token', 'developers', 'auditors']);
  });

  it("are beside the directory's", async () => {
    const source = { members: { auditors: [{ subject: 'dana' }] }, directory: { when: 'always' } } as const;
    expect((await groupsOf(dana, source, async () => ['x'])).groups).toEqual(['x', 'auditors']);
  });

  it('are not for an address that the issuer does not vouch for', async () => {
    const { email, ...rest } = dana;
    const unsure = { ...rest, unverifiedEmail: email! };
    expect((await groupsOf(unsure, { members })).groups).toEqual(['from-token', 'auditors']);
  });

  it('have the prefix of their issuer, and are of no other', async () => {
    const prefixed = await groupsOf(dana, { groupsPrefix: 'g:', members });
    expect(prefixed.groups).toEqual(['from-token', 'g:developers', 'g:auditors', 'g:from-token']);
    const other = { ...dana, issuerName: 'other' };
    expect((await groupsOf(other, { members })).verified).toBe(other);
  });
});

describe('groups that custody.yaml lists', () => {
  it('are those of now for somebody who was verified before (security case 12)', async () => {
    const { verified } = await groupsOf(dana, { members: { oncall: [{ email: 'dana@acme.com' }] } });
    expect(verified).toMatchObject({ groups: ['from-token', 'oncall'], toldGroups: ['oncall'] });
    const source = { name: 'people', groupsPrefix: 'p:' };
    const later = listedNow(() => [{ ...source, members: { dbas: [{ subject: 'dana' }], oncall: [] } }]);
    expect((await later(dana)).groups).toEqual(['from-token', 'p:dbas']);
    expect(await listedNow(() => [])(dana)).toBe(dana);
  });
});
