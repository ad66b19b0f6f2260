import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { claimAt, textsAt } from '#core/identity/claims.ts';

const CLAIMS = {
  groups: ['a'],
  'realm_access.roles': 'own name',
  realm_access: { roles: ['in the object'] },
  resource_access: { 'shop.web': { roles: ['buyer'] }, shop: { 'web.roles': 'other' } },
  'https://acme.example/roles': ['admin'],
  'https://acme.example/authz': { roles: ['ops'] },
  'kubernetes.io': { namespace: 'prod', serviceaccount: { name: 'deployer' } },
  list: [{ name: 'x' }],
  text: 'text',
};

describe('claimAt', () => {
  it.each<[string, unknown]>([
    ['groups', ['a']],
    ['realm_access.roles', 'own name'],
    ['resource_access.shop.web.roles', ['buyer']],
    ['https://acme.example/roles', ['admin']],
    ['https://acme.example/authz.roles', ['ops']],
    ['kubernetes.io.serviceaccount.name', 'deployer'],
  ])('finds %s', (name, value) => expect(claimAt(CLAIMS, name)).toEqual(value));

  it.each([
    'constructor',
    '__proto__',
    'realm_access.constructor.name',
    'groups.0',
    'groups.length',
    'list.0.name',
    'text.length',
    'https://acme.example/authz.other',
    'realm_access.',
    '.groups',
    '.',
    '',
    'realm_access..roles',
  ])('finds nothing at %j', (name) => expect(claimAt(CLAIMS, name)).toBeUndefined());

  it('finds what a reader of the whole name finds, for names without dots', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (claims, name) => {
        fc.pre(!name.includes('.'));
        expect(claimAt(claims, name)).toBe(Object.hasOwn(claims, name) ? claims[name] : undefined);
      }),
    );
  });
});

describe('textsAt', () => {
  it.each<[unknown, string[]]>([
    ['a', ['a']],
    ['', ['']],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [
      [1, true, 'x', 0.5],
      ['1', 'true', 'x', '0.5'],
    ],
    [false, ['false']],
    [12270835, ['12270835']],
    [null, []],
    [[], []],
  ])('reads %j as JSON writes it', (value, texts) => expect(textsAt({ x: value }, 'x')).toEqual(texts));

  it('reads an absent claim as none', () => expect(textsAt({}, 'x')).toEqual([]));

  it.each<[what: string, value: unknown, why: string]>([
    ['an object', { a: 'b' }, 'is an object, and texts are looked at'],
    ['a list in a list', [['a']], 'is a list, and texts are looked at'],
    ['null in a list', ['a', null], 'is null, and texts are looked at'],
    ['a number that readers round', 2 ** 53, 'is a number too large to compare'],
    ['a number without end', Infinity, 'is a number too large to compare'],
    ['a long text', 'x'.repeat(513), 'is longer than 512 characters'],
    ['a long list', Array.from({ length: 101 }, () => 'x'), 'has more than 100 values'],
    ['half a letter', '\ud800', 'is not Unicode'],
  ])('refuses %s', (_, value, why) => {
    expect(() => textsAt({ x: value }, 'x')).toThrow(`the token is not valid here: its claim x ${why}`);
    expect(() => textsAt({ x: value }, 'x')).toThrow(CustodyError);
  });

  it('never cuts a text, and never makes one of two', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const [a, b] = [one, other].map((x) => read(x));
        fc.pre(a !== undefined && b !== undefined && a.length > 0 && b.length > 0);
        const written = [one, other].map((x) => JSON.stringify([x].flat().map(String)));
        expect(JSON.stringify(a) === JSON.stringify(b)).toBe(written[0] === written[1]);
      }),
    );
  });
});

function read(x: unknown): readonly string[] | undefined {
  try {
    return textsAt({ x }, 'x');
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'token-invalid') return undefined;
    throw error;
  }
}
