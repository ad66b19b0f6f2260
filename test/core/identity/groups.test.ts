import { describe, expect, it } from 'vitest';
import { type GroupRules, groupsOf } from '#core/identity/groups.ts';

function groups(claims: Record<string, unknown>, rules: Partial<GroupRules> = {}) {
  return groupsOf(claims, { groupsClaim: 'groups', ...rules });
}

describe('groupsOf', () => {
  it.each<[unknown, string[]]>([
    [
      ['a', 'b', 'a'],
      ['a', 'b'],
    ],
    ['a', ['a']],
    ['a b', ['a b']],
    [['a', ''], ['a']],
    ['', []],
    [[], []],
    [null, []],
    [undefined, []],
  ])('reads %j', (value, read) => expect(groups({ groups: value })).toEqual({ groups: read }));

  it('puts several claims together, and the prefix before each group', () => {
    const claims = { groups: ['a'], roles: 'b', realm_access: { roles: ['c', 'a'] } };
    const groupsClaim = ['groups', 'roles', 'realm_access.roles', 'absent'];
    expect(groups(claims, { groupsClaim, groupsPrefix: 'kc:' }).groups).toEqual(['kc:a', 'kc:b', 'kc:c']);
  });

  it('leaves out those that begin as those of another issuer (security case 22)', () => {
    const given = ['gh:deployers', 'gh:', 'GH:deployers', 'ghost', 'k8s/ops', 'ops'];
    const { groups: left } = groups({ groups: given }, { foreignPrefixes: ['gh:', 'k8s/'] });
    expect(left).toEqual(['GH:deployers', 'ghost', 'ops']);
    const own = groups({ groups: ['gh:deployers'] }, { groupsPrefix: 'ci:', foreignPrefixes: ['gh:'] });
    expect(own.groups).toEqual(['ci:gh:deployers']);
  });

  it.each<[unknown, string]>([
    [5, 'its claim groups is a number, and groups are texts'],
    [true, 'its claim groups is a truth value, and groups are texts'],
    [{ admin: true }, 'its claim groups is an object, and groups are texts'],
    [['a', 5], 'its claim groups holds a number, and groups are texts'],
    [['a', null], 'its claim groups holds null, and groups are texts'],
    [[['a']], 'its claim groups holds a list, and groups are texts'],
    [['x'.repeat(513)], 'its claim groups names a group longer than 512 characters'],
    [Array.from({ length: 1_001 }, (_, at) => `g${at}`), 'its claim groups names more than 1000 groups'],
  ])('refuses what is no list of texts: %j', (value, why) => {
    expect(() => groups({ groups: value })).toThrow(`the token is not valid here: ${why}`);
  });

  it('takes as many as Entra and Okta put into a token', () => {
    const many = Array.from(
      { length: 200 },
      (_, at) => `00000000-0000-0000-0000-${String(at).padStart(12, '0')}`,
    );
    expect(groups({ groups: many }).groups).toHaveLength(200);
  });

  it.each<[what: string, claims: Record<string, unknown>, claim: string, omitted: boolean]>([
    ['Entra above 200', { _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } }, 'groups', true],
    ['Entra above 6, by a browser', { hasgroups: true }, 'groups', true],
    ['the same as a text', { hasgroups: 'true' }, 'groups', true],
    ['some of them', { groups: ['a'], _claim_names: { groups: 'src1' } }, 'groups', true],
    ['another claim', { _claim_names: { photo: 'src1' } }, 'groups', false],
    ['names of the prototype', { _claim_names: {} }, 'constructor', false],
    ['another groups claim', { hasgroups: true }, 'roles', false],
    ['none left out', { hasgroups: false }, 'groups', false],
    ['no object', { _claim_names: 'groups' }, 'groups', false],
  ])('says when the issuer left some out: %s', (_, claims, groupsClaim, omitted) => {
    expect(groups(claims, { groupsClaim }).groupsOmittedByIssuer).toBe(omitted ? true : undefined);
  });
});
