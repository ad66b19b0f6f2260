import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asCustodyError } from '#core/errors.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { rawToken } from '#test/support/issuer.ts';

const OFFICE = '192.0.2.7';
const ISSUER = 'https://id.example';

const tokenOf = (sub: string, kid = 'key-1', iss = ISSUER): string =>
  rawToken({ alg: 'ES256', kid }, { iss, sub }, `${Math.random()}`);

function stand() {
  const clock = { ms: 0 };
  const failures = new TokenFailures(() => clock.ms);
  const fail = (times: number, token: () => string | undefined, address = OFFICE): void => {
    for (let n = 0; n < times; n += 1) failures.failed(address, token());
  };
  const isShut = (token: string | undefined, address = OFFICE): boolean => {
    try {
      failures.check(address, token);
      return false;
    } catch (error) {
      if (asCustodyError(error).code === 'too-many-failures') return true;
      throw error;
    }
  };
  return { clock, failures, fail, isShut };
}

describe('who guesses tokens', () => {
  it('is not looked at after twenty within a minute, and is again after it', () => {
    const { clock, fail, isShut } = stand();
    fail(19, () => tokenOf('eve'));
    expect(isShut(tokenOf('eve'))).toBe(false);
    fail(1, () => tokenOf('eve'));
    expect(isShut(tokenOf('eve'))).toBe(true);
    clock.ms += 60_000;
    expect(isShut(tokenOf('eve'))).toBe(false);
  });

  it('shuts out no colleague behind the same address, nor itself elsewhere', () => {
    const { fail, isShut } = stand();
    fail(100, () => tokenOf('pool'));
    expect(isShut(tokenOf('pool'))).toBe(true);
    expect(isShut(tokenOf('dana'))).toBe(false);
    expect(isShut(tokenOf('pool', 'key-2'))).toBe(false);
    expect(isShut(tokenOf('pool', 'key-1', 'https://other.example'))).toBe(false);
    expect(isShut(tokenOf('pool'), '192.0.2.8')).toBe(false);
  });

  it.each([
    ['a password', 'hunter2'],
    ['nothing', ''],
    ['a password with dots', 'tr0ub.4d.or'],
    ['claims that name nobody', rawToken({}, {})],
    ['what says a name twice', `e30.${Buffer.from('{"sub":"a","sub":"b"}').toString('base64url')}.x`],
    ['more than is looked into', tokenOf('x'.repeat(20_000))],
  ])('has one name with all that is no token: %s', (_what, junk) => {
    const { fail, isShut } = stand();
    fail(20, () => 'tr0ub4dor');
    expect(isShut(junk)).toBe(true);
    expect(isShut(tokenOf('dana'))).toBe(false);
  });

  it('shuts the whole address by making up names, but for whom it knows', () => {
    const { clock, failures, fail, isShut } = stand();
    failures.proved(OFFICE, tokenOf('dana'));
    let made = 0;
    fail(200, () => tokenOf(`made-up-${(made += 1)}`));
    expect(isShut(tokenOf('made-up-201'))).toBe(true);
    expect(isShut(tokenOf('sam'))).toBe(true);
    expect(isShut(tokenOf('dana'))).toBe(false);
    expect(isShut(tokenOf('sam'), '192.0.2.8')).toBe(false);
    clock.ms += 60_000;
    expect(isShut(tokenOf('sam'))).toBe(false);
  });

  it('has twenty guesses under a known name as well, and a name is not known for ever, or elsewhere', () => {
    const { clock, failures, fail, isShut } = stand();
    failures.proved(OFFICE, tokenOf('dana'));
    failures.proved('192.0.2.8', tokenOf('sam'));
    fail(20, () => tokenOf('dana'));
    expect(isShut(tokenOf('dana'))).toBe(true);
    clock.ms += 12 * 3_600_000;
    let made = 0;
    fail(200, () => tokenOf(`made-up-${(made += 1)}`));
    expect([isShut(tokenOf('dana')), isShut(tokenOf('sam'))]).toEqual([true, true]);
  });

  it('cannot make room for more guesses by making up names (security case 16)', () => {
    const { fail, isShut } = stand();
    let made = 0;
    fail(30_000, () => tokenOf(`made-up-${(made += 1)}`));
    expect(isShut(tokenOf('next'))).toBe(true);
  });

  it('cannot drive out an address by the names of others (security case 16)', () => {
    const { fail, isShut } = stand();
    fail(200, () => tokenOf('x'));
    for (let network = 0; network < 60; network += 1)
      for (let name = 0; name < 200; name += 1) fail(1, () => tokenOf(`${name}`), `198.51.100.${network}`);
    expect(isShut(tokenOf('next'))).toBe(true);
  });

  it('is told by its /64 in IPv6, and by its IPv4 address however that is written', () => {
    const { fail, isShut } = stand();
    fail(20, () => 'x', '2001:db8:0:1::5');
    expect(isShut('x', '2001:db8:0:1:ffff::9%eth0')).toBe(true);
    expect(isShut('x', '2001:db8:0:2::5')).toBe(false);
    fail(20, () => 'x');
    expect(isShut('x', `::ffff:${OFFICE}`)).toBe(true);
  });

  it('may show anything at all: it is counted, and nothing else happens', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json().map((text) => `${text}.${text}.x`),
    );
    const encoded = fc.tuple(fc.json(), fc.json()).map((parts) => rawToken(parts[0], JSON.parse(parts[1])));
    const property = fc.property(fc.oneof(anything, encoded), (token) => {
      const { failures, isShut } = stand();
      for (let n = 0; n < 20; n += 1) failures.failed(OFFICE, token);
      expect(isShut(token)).toBe(true);
    });
    fc.assert(property);
  });
});
