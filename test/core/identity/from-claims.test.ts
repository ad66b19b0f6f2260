import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { type ClaimRules, principalOf } from '#core/identity/from-claims.ts';
import * as tokens from '#test/support/provider-tokens.ts';

type Claims = Readonly<Record<string, unknown>>;

function read(claims: Claims, rules: Partial<ClaimRules> = {}) {
  return principalOf(claims, { issuer: String(claims['iss']), groupsClaim: 'groups', ...rules }, undefined);
}

function refusal(claims: Claims, rules: Partial<ClaimRules> = {}): CustodyError {
  try {
    read(claims, rules);
  } catch (error) {
    if (error instanceof CustodyError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

const BARE = { iss: 'https://id.example', sub: 'dana', exp: 1_795_000_000 };

describe('principalOf, for tokens as providers make them', () => {
  it.each<[string, Claims, Partial<ClaimRules>, readonly string[]]>([
    ['Okta', tokens.okta, {}, ['Everyone', 'developers']],
    ['Entra', tokens.entra, {}, tokens.entra['groups'] as string[]],
    ['Entra by roles', tokens.entra, { groupsClaim: ['roles'] }, ['Custody.Developer']],
    ['Auth0', tokens.auth0, { groupsClaim: 'https://acme.example/roles' }, ['developers']],
    ['a lone text of Auth0', tokens.auth0, { groupsClaim: 'https://acme.example/team' }, ['shop']],
    ['Google', tokens.google, {}, []],
    ['Keycloak by groups', tokens.keycloak, {}, ['/developers', '/developers/shop']],
    [
      'Keycloak by roles',
      tokens.keycloak,
      { groupsClaim: ['realm_access.roles', 'resource_access.shop.web.roles'], groupsPrefix: 'kc:' },
      ['kc:offline_access', 'kc:developers', 'kc:buyer'],
    ],
    [
      'Cognito',
      tokens.cognito,
      { groupsClaim: 'cognito:groups' },
      ['developers', 'eu-central-1_Ab1Cd2Ef3_Okta'],
    ],
    ['Dex', tokens.dex, {}, ['acme:developers', 'acme:sre']],
    ['GitHub Actions', tokens.githubActions, {}, []],
    [
      'a job of GitLab',
      tokens.gitlabJob,
      { groupsClaim: 'groups_direct', groupsPrefix: 'ci:' },
      ['ci:acme', 'ci:acme/developers'],
    ],
    ['Kubernetes', tokens.kubernetes, {}, []],
  ])('groups of %s', (_, claims, rules, groups) => {
    const principal = read(claims, rules);
    expect(principal.groups).toEqual(groups);
    expect(principal.subject).toBe(claims['sub']);
    expect(principal.actors).toBeUndefined();
    expect(principal.groupsOmittedByIssuer).toBeUndefined();
  });

  it('says that Entra left groups out', () => {
    expect(read(tokens.entraOverage)).toMatchObject({ groups: [], groupsOmittedByIssuer: true });
    expect(read(tokens.entraOverage, { groupsClaim: 'roles' })).not.toHaveProperty('groupsOmittedByIssuer');
  });

  it('knows when it was issued, in which session, and whether by two factors', () => {
    expect(read(tokens.okta)).toMatchObject({ mfa: true, issuedAt: new Date(1_795_000_000_000) });
    expect(read(tokens.auth0).issuerSession).toBe('aBcSession');
    for (const sid of [7, '', null, 'x'.repeat(513)])
      expect(read({ ...BARE, sid })).not.toHaveProperty('issuerSession');
    for (const iat of ['now', null, 1e300]) expect(read({ ...BARE, iat })).not.toHaveProperty('issuedAt');
  });

  it('has who acts for somebody', () => {
    const exchanged = { ...tokens.okta, act: { sub: '0oaAgent', client_id: '0oaAgent' } };
    expect(read(exchanged).actors).toEqual([{ issuer: 'https://acme.okta.com', subject: '0oaAgent' }]);
  });

  it.each<[string, Claims]>([
    ['no sub', { sub: undefined }],
    ['an empty sub', { sub: '' }],
    ['a sub that is a number', { sub: 7 }],
    ['a long sub', { sub: 'x'.repeat(513) }],
    ['half a letter', { sub: 'dana\ud800' }],
    ['no exp', { exp: undefined }],
    ['an exp in words', { exp: '1795000000' }],
    ['an exp beyond time', { exp: 1e300 }],
    ['an act that is none', { act: null }],
    ['a logout', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
    ['a security event', { events: {} }],
  ])('refuses %s (security case 22)', (_, claims) => {
    expect(refusal({ ...BARE, ...claims }).code).toBe('token-invalid');
  });
});

describe('the claims that a principal keeps', () => {
  it('are those that rules name, and match', () => {
    const keptClaims = ['repository', 'environment', 'kubernetes.io.namespace'];
    const { claims } = read(tokens.githubActions, { keptClaims, match: { repository_owner: ['acme'] } });
    expect(claims).toEqual({
      repository: 'acme/shop',
      repository_owner: 'acme',
      environment: [],
      'kubernetes.io.namespace': [],
    });
    expect(read(tokens.githubActions)).not.toHaveProperty('claims');
  });

  it('are texts, or lists of texts', () => {
    const keptClaims = ['runner_id', 'groups_direct', 'constructor'];
    expect(read(tokens.gitlabJob, { keptClaims }).claims).toEqual({
      runner_id: '12270835',
      groups_direct: ['acme', 'acme/developers'],
      constructor: [],
    });
  });

  it('know an address only where the issuer vouches for it (security case 11)', () => {
    const keptClaims = ['email'];
    const claims = (more: Claims) =>
      read({ ...BARE, email: 'Dana@Acme.example', ...more }, { keptClaims }).claims;
    expect(claims({ email_verified: true })).toEqual({ email: 'dana@acme.example' });
    expect(claims({ email_verified: false })).toEqual({});
    expect(claims({ email: undefined })).toEqual({ email: [] });
  });

  it.each<[what: string, elsewhere: Claims]>([
    ['as Entra does', { _claim_names: { groups: 'src1', roles: 'src1', realm: 'src1' } }],
    ['beside what is here', { _claim_names: { groups: 'a', roles: 'a', realm: 'a' }, roles: ['x'] }],
  ])(
    'are not known where the issuer says them elsewhere, %s: a rule that denies holds',
    (_what, elsewhere) => {
      const keptClaims = ['groups', 'roles', 'realm.roles', 'department'];
      expect(read({ ...BARE, ...elsewhere }, { keptClaims }).claims).toEqual({ department: [] });
      const match = { roles: ['x'] };
      expect(refusal({ ...BARE, ...elsewhere }, { match }).detail).toContain('roles is not known');
      expect(read({ ...BARE, hasgroups: 'true' }, { keptClaims: ['groups'] }).claims).toEqual({});
    },
  );

  it('are never cut: more than can be kept is refused', () => {
    const keptClaims = ['a', 'b', 'c', 'd', 'e'];
    const long = Object.fromEntries(keptClaims.map((name) => [name, 'x'.repeat(500)]));
    expect(refusal({ ...BARE, ...long }, { keptClaims }).message).toBe(
      'the token is not valid here: its claim a, b, c, d, e says more than can be kept',
    );
    expect(read({ ...BARE, ...long, e: '' }, { keptClaims: ['a', 'b', 'c'] }).claims).toHaveProperty('a');
  });
});

describe('match', () => {
  const match = { repository_owner: ['acme'], ref: ['refs/heads/main', 'refs/tags/*'] };

  it('takes a token that fits all of it', () => {
    expect(read(tokens.githubActions, { match }).subject).toBe('repo:acme/shop:ref:refs/heads/main');
    expect(read({ ...tokens.githubActions, ref: 'refs/tags/v1' }, { match }).claims!['ref']).toBe(
      'refs/tags/v1',
    );
  });

  it('tells the client which claim is in the way, and the operator the rest', () => {
    const error = refusal(
      { ...tokens.githubActions, ref: 'refs/heads/\u202eevil' },
      { match, name: 'github' },
    );
    expect(error).toMatchObject({
      code: 'token-invalid',
      message:
        'the token is not valid here: its claim ref is not one that is taken of this identity provider',
      detail: 'github: ref is refs/heads/\\u202eevil, and match wants refs/heads/main, refs/tags/*',
    });
    expect(`${error.message} ${error.hint}`).not.toMatch(/evil|tags/);
  });

  it.each([
    { ref: undefined },
    { ref: null },
    { ref: [] },
    { ref: '' },
    { ref: 'refs/heads/main2' },
    { ref: ['refs/heads/x', 'main'] },
  ])('refuses %j', ({ ref }) => {
    expect(refusal({ ...tokens.githubActions, ref }, { match }).message).toContain(
      'its claim ref is not one',
    );
  });

  it('fits a list by one of its values', () => {
    const groups = { groups_direct: ['acme/*'] };
    expect(read(tokens.gitlabJob, { match: groups }).subject).toContain('acme/shop');
  });

  it('goes by an address only where the issuer vouches for it (security case 11)', () => {
    const rules = { match: { email: ['*@acme.example'] } };
    const claims = { ...BARE, email: 'DANA@acme.example' };
    expect(read({ ...claims, email_verified: true }, rules).email).toBe('dana@acme.example');
    expect(refusal({ ...claims, email_verified: false }, rules).detail).toContain('email is not known');
    const anybody = { match: { email: ['**'] } };
    expect(read({ ...claims, email_verified: true }, anybody).email).toBe('dana@acme.example');
    expect(refusal(BARE, anybody).detail).toContain('email is not known');
    expect(refusal(claims, { ...rules, emailVerified: 'required' }).detail).toContain('email is not known');
  });
});

describe('principalOf, whatever is in a token', () => {
  const NAMES = [
    'groups',
    'roles',
    'act',
    'email',
    'email_verified',
    'sid',
    'iat',
    'amr',
    'x',
    '_claim_names',
  ];
  const claims = fc
    .dictionary(fc.oneof(fc.constantFrom(...NAMES), fc.string()), fc.jsonValue(), { maxKeys: 8 })
    .map((more) => ({ ...more, ...BARE }));
  const rules = fc.record({
    groupsClaim: fc.constantFrom('groups', 'a.b', 'constructor', ['groups', 'roles']),
    groupsPrefix: fc.constantFrom('', 'gh:'),
    keptClaims: fc.subarray(['x', 'groups', 'email', 'act.sub', 'toString']),
  });

  it('refuses it or makes a principal of what is written in it', () => {
    let taken = 0;
    fc.assert(
      fc.property(claims, rules, (given, how) => {
        const principal = taking(given, how);
        taken += principal === undefined ? 0 : 1;
        const { groups = [], actors, claims: kept = {}, subject = BARE.sub } = principal ?? {};
        // No group that the token does not name.
        const texts = textsIn(given).map((text) => `${how.groupsPrefix}${text}`);
        expect(groups.filter((group) => !texts.includes(group))).toEqual([]);
        // Nobody acts unnoticed.
        expect(principal === undefined || (actors !== undefined) === Object.hasOwn(given, 'act')).toBe(true);
        expect(
          Object.values(kept)
            .flat()
            .filter((value) => typeof value !== 'string'),
        ).toEqual([]);
        expect(subject).toBe(BARE.sub);
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(200);
  });

  function taking(given: Claims, how: Partial<ClaimRules>) {
    try {
      return read(given, how);
    } catch (error) {
      if (error instanceof CustodyError && error.code === 'token-invalid') return undefined;
      throw error;
    }
  }
});

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
