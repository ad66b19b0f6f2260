import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { parseFilter, parsePath } from '#core/identity/scim/filter.ts';

/** `read`, or the type of a refusal. Throws what else is thrown. */
function outcome(parse: (text: string) => unknown, text: string): string | undefined {
  try {
    parse(text);
    return 'read';
  } catch (thrown) {
    if (thrown instanceof CustodyError) return thrown.hint;
    throw thrown;
  }
}

describe('a filter', () => {
  it.each([
    ['userName eq "dana@example.com"', [{ attribute: 'username', value: 'dana@example.com' }]],
    ['USERNAME EQ "Dana"', [{ attribute: 'username', value: 'Dana' }]],
    ['  externalId   eq   "a b"  ', [{ attribute: 'externalid', value: 'a b' }]],
    ['active eq true', [{ attribute: 'active', value: true }]],
    ['n eq -1.5', [{ attribute: 'n', value: -1.5 }]],
    ['userName eq "a\\"b\\\\c\\u0041"', [{ attribute: 'username', value: 'a"b\\cA' }]],
    [
      'id eq "1" AND members eq "2"',
      [
        { attribute: 'id', value: '1' },
        { attribute: 'members', value: '2' },
      ],
    ],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"', [{ attribute: 'username', value: 'a' }]],
    ['emails.value eq "a" ', [{ attribute: 'emails.value', value: 'a' }]],
  ])('is read: %s', (text, terms) => {
    expect(parseFilter(text)).toEqual(terms);
  });

  it.each([
    '',
    'userName',
    'userName eq',
    'userName eq ',
    'userName eq dana',
    "userName eq 'dana'",
    'userName eq "dana',
    'userName eq "dana\\"',
    'userName eq "\\x41"',
    'userName eq "a\nb"',
    'userName eq 01',
    'userName eq 1.2.3',
    'userName eq truea',
    'userName ne "dana"',
    'userName co "dana"',
    'userName pr',
    'userName="dana"',
    'userName eq "a"and userName eq "b"',
    'userName eq "a" and',
    'userName eq "a" or userName eq "b"',
    'not (userName eq "a")',
    '(userName eq "a")',
    'emails[type eq "work"]',
    'eq "dana"',
    '1a eq "b"',
    'user name eq "b"',
    'userName\teq\t"a"',
    'userName eq "a"; drop',
    `userName eq "${'a'.repeat(2_048)}"`,
    Array.from({ length: 11 }, () => 'a eq 1').join(' and '),
  ])('is refused: %s', (text) => {
    expect(() => parseFilter(text)).toThrow(
      expect.objectContaining({ code: 'format-invalid', hint: 'invalidFilter' }),
    );
  });

  it('gives back any value that JSON can write', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'grapheme' }), (value) => {
        expect(parseFilter(`userName eq ${JSON.stringify(value)}`)).toEqual([
          { attribute: 'username', value },
        ]);
      }),
    );
  });

  it('is read or refused, whatever it is, and never fails otherwise', () => {
    const piece = fc.constantFrom(
      'userName',
      ' eq ',
      '"a"',
      ' and ',
      '[',
      ']',
      '.',
      ':',
      '"',
      '\\',
      '(',
      'urn:',
      '1',
      ' ',
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        for (const parse of [parseFilter, parsePath])
          expect(['read', 'invalidFilter', 'invalidPath']).toContain(outcome(parse, text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('costs no more than its length: the worst that fits is read in no time', () => {
    for (const unit of ['a:', 'a.', 'a', '\\"', 'a eq 1 and ', '0'])
      expect(() => parseFilter(`${unit.repeat(2_047 / unit.length)}!`)).toThrow(CustodyError);
  });
});

describe('a path', () => {
  const work = [{ attribute: 'type', value: 'work' }];
  it.each([
    ['active', { attribute: 'active' }],
    ['name.familyName', { attribute: 'name', part: 'familyname' }],
    ['emails[type eq "work"]', { attribute: 'emails', filter: work }],
    ['emails[type eq "work"].value', { attribute: 'emails', filter: work, part: 'value' }],
    ['members[value eq "a]b"]', { attribute: 'members', filter: [{ attribute: 'value', value: 'a]b' }] }],
    [
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
      { attribute: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:department' },
    ],
    [
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value',
      { attribute: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager', part: 'value' },
    ],
    ['urn:ietf:params:scim:schemas:core:2.0:User:active', { attribute: 'active' }],
  ])('is read: %s', (text, path) => {
    expect(parsePath(text)).toEqual(path);
  });

  it.each([
    '',
    '[',
    'emails[',
    'emails[]',
    'emails[type]',
    'emails[type eq "a"',
    'emails[type eq "a"].',
    'a b',
    'a]',
    '.a',
  ])('is refused: %s', (text) => {
    expect(() => parsePath(text)).toThrow(expect.objectContaining({ hint: 'invalidPath' }));
  });
});
