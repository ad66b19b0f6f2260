import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { LOGOUT_EVENT, logoutOf, type VerifiedToken } from '#core/identity/logout-token.ts';
import { leafBytes, parseLeaf } from '#core/ledger/leaf.ts';
import { loggedOutLeaf } from '#core/ledger/leaves.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const IAT = NOW.getTime() / 1000;
const ISSUER = 'https://id.example';

const CLAIMS = {
  iss: ISSUER,
  aud: 'custody',
  iat: IAT,
  exp: IAT + 120,
  jti: 'bWJq',
  sub: 'dana',
  sid: '08a5019c',
  events: { [LOGOUT_EVENT]: {} },
};

/** Undefined leaves a claim out. */
function token(claims: object = {}, header: object = {}): VerifiedToken {
  const whole = Object.entries({ ...CLAIMS, ...claims }).filter(([, value]) => value !== undefined);
  return { header: { alg: 'ES256', typ: 'logout+jwt', ...header }, claims: Object.fromEntries(whole) };
}

const read = (given: VerifiedToken, leeway = 0) => logoutOf(given, { issuer: ISSUER, leeway }, NOW);

describe('a logout token (OpenID Connect Back-Channel Logout 1.0 sections 2.4, 2.6)', () => {
  it('names a session, somebody, or both, and the hash of its own id', () => {
    const common = {
      issuer: ISSUER,
      at: NOW,
      token: '0e9700420e4c54c294871d9568ee6a1de40b5a1f415f7ddd35a96a7a2721276b',
    };
    const both = read(token());
    expect(both).toEqual({ ...common, subject: 'dana', session: '08a5019c' });
    expect(read(token({ sid: undefined }))).toEqual({ ...common, subject: 'dana' });
    expect(read(token({ sub: undefined }))).toEqual({ ...common, session: '08a5019c' });
    expect(read(token({ jti: 'other' })).token).not.toBe(both.token);
  });

  it.each<[what: string, claims: object, header?: object]>([
    ['without a type', {}, { typ: undefined }],
    ['of the usual type', {}, { typ: 'JWT' }],
    ['of its type, written in full', {}, { typ: 'application/logout+jwt' }],
    ['without an end, as issuers of before make them', { exp: undefined }],
    ['with claims that nobody knows', { foo: 1, trace_id: 'x' }],
    ['with another event beside it', { events: { [LOGOUT_EVENT]: {}, 'urn:other': {} } }],
    ['that says more of the event', { events: { [LOGOUT_EVENT]: { reason: 'x' } } }],
    ['of two minutes ago', { iat: IAT - 120, exp: IAT + 1 }],
    ['of two minutes ahead', { iat: IAT + 120, exp: undefined }],
  ])('is taken %s', (_, claims, header) => {
    expect(read(token(claims, header))).toMatchObject({ subject: 'dana', session: '08a5019c' });
  });

  it('is taken later and sooner by the leeway of its issuer', () => {
    const late = token({ iat: IAT - 150, exp: IAT - 29 });
    expect(() => read(late)).toThrow('its iat is not of these two minutes');
    expect(read(late, 30_000)).toMatchObject({ at: new Date(NOW.getTime() - 150_000) });
    expect(() => read(token({ iat: IAT - 60, exp: IAT - 30 }), 30_000)).toThrow('it has expired');
  });

  it.each<[what: string, why: string, claims: object, header?: object]>([
    ['without an id', 'it has no jti', { jti: undefined }],
    ['with an empty id', 'its jti is not a text', { jti: '' }],
    ['with an id that is a number', 'its jti is not a text', { jti: 7 }],
    ['that names nothing', 'it has neither sub nor sid', { sub: undefined, sid: undefined }],
    ['with an empty sub beside a sid', 'its sub is not a text', { sub: '' }],
    ['with a sub that is null', 'its sub is not a text', { sub: null }],
    ['with a sub that is a list', 'its sub is not a text', { sub: ['dana'] }],
    ['with a sid that is a number', 'its sid is not a text', { sid: 8 }],
    ['with an empty sid beside a sub', 'its sid is not a text', { sid: '' }],
    ['with a sid that is no Unicode', 'its sid is too long, or is not Unicode text', { sid: '\ud800' }],
    ['with a sub of a kilobyte', 'its sub is too long', { sub: 'x'.repeat(1024) }],
    ['with a nonce', 'it has a nonce', { nonce: 'n' }],
    ['with a nonce that is null', 'it has a nonce', { nonce: null }],
    ['without events', 'its events are not a logout', { events: undefined }],
    ['with events of another kind', 'its events are not a logout', { events: { 'urn:other': {} } }],
    ['with an event named nearly so', 'not a logout', { events: { [`${LOGOUT_EVENT}/`]: {} } }],
    ['with an event of another case', 'not a logout', { events: { [LOGOUT_EVENT.toUpperCase()]: {} } }],
    [
      'with an event over https',
      'not a logout',
      { events: { [LOGOUT_EVENT.replace('http:', 'https:')]: {} } },
    ],
    ['with events that are a list', 'its events are not a logout', { events: [LOGOUT_EVENT] }],
    ['with events that are a text', 'its events are not a logout', { events: LOGOUT_EVENT }],
    ['with an event that is null', 'its events are not a logout', { events: { [LOGOUT_EVENT]: null } }],
    ['with an event that is true', 'its events are not a logout', { events: { [LOGOUT_EVENT]: true } }],
    ['with an event that is a list', 'its events are not a logout', { events: { [LOGOUT_EVENT]: [] } }],
    ['without a time', 'it has no iat that is a time', { iat: undefined }],
    ['with a time that is a text', 'it has no iat that is a time', { iat: String(IAT) }],
    ['with a time that no clock shows', 'it has no iat that is a time', { iat: 1e300 }],
    ['of before', 'its iat is not of these two minutes', { iat: IAT - 121 }],
    ['of what is to come', 'its iat is not of these two minutes', { iat: IAT + 121 }],
    ['that has expired', 'it has expired', { exp: IAT }],
    ['with an end that is a text', 'it has expired', { exp: String(IAT + 60) }],
    ['of the type of an access token', 'its typ is of another kind of token', {}, { typ: 'at+jwt' }],
    ['of the type of another event', 'its typ is of another kind of token', {}, { typ: 'secevent+jwt' }],
    ['of a type that is a number', 'its typ is of another kind of token', {}, { typ: 1 }],
    ['of a type that is null', 'its typ is of another kind of token', {}, { typ: null }],
  ])('is refused %s, with the reason', (_, why, claims, header) => {
    expect(() => read(token(claims, header))).toThrow(
      expect.objectContaining({
        code: 'token-invalid',
        message: expect.stringContaining(why) as string,
      }),
    );
  });

  it('fits into a leaf of the ledger, however long its names are', () => {
    const issuer = `https://${'漢'.repeat(504)}`;
    const names = { sub: 'x'.repeat(1022), sid: 'y'.repeat(1022) };
    const logout = logoutOf(token({ ...names, iss: issuer }), { issuer, leeway: 0 }, NOW);
    expect(parseLeaf(leafBytes(loggedOutLeaf(logout)))).toMatchObject({ issuer, subject: names.sub });
  });

  it('is not made of what its prototype has', () => {
    const inherited = JSON.parse(`{"__proto__": {"sub": "dana", "jti": "j"}}`) as object;
    const claims = Object.assign(Object.create(inherited) as object, { iat: IAT, events: CLAIMS.events });
    expect(() => read({ header: {}, claims })).toThrow(CustodyError);
  });

  it('never makes anything else fail, whatever is in it, and orders only what it says', () => {
    const claim = fc.oneof(fc.jsonValue(), fc.constantFrom(...Object.values(CLAIMS)));
    const given = fc.record(
      {
        iat: fc.oneof(claim, fc.constant(IAT)),
        exp: claim,
        jti: claim,
        sub: claim,
        sid: claim,
        events: fc.oneof(claim, fc.constant(CLAIMS.events)),
        nonce: claim,
      },
      { requiredKeys: [] },
    );
    const outcome = (made: VerifiedToken): unknown => {
      try {
        const { subject, session } = read(made);
        return [subject, session];
      } catch (thrown) {
        if (thrown instanceof CustodyError) return thrown.code;
        throw thrown;
      }
    };
    fc.assert(
      fc.property(given, fc.record({ typ: claim }, { requiredKeys: [] }), (claims, header) => {
        const named = [claims.sub, claims.sid].filter((name) => name !== undefined);
        const isNamed = named.length > 0 && named.every((name) => typeof name === 'string');
        const good = isNamed && !('nonce' in claims) ? [[claims.sub, claims.sid]] : [];
        expect([...good, 'token-invalid']).toContainEqual(outcome({ header, claims }));
      }),
      { numRuns: 2_000 },
    );
  });
});
