import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf, type Person, personOf, samePerson } from '#core/access/person.ts';
import { ISSUER, person, principal } from './support.ts';

describe('samePerson (security case 11)', () => {
  it.each<[what: string, a: Person, b: Person, same: boolean]>([
    ['the same subject', person('dana'), person('dana'), true],
    ['the same subject, with another e-mail', person('dana', 'a@x'), person('dana', 'b@x'), true],
    ['the same subject, once without an e-mail', person('dana', 'a@x'), person('dana'), true],
    [
      'the same subject of another issuer',
      person('dana'),
      { issuer: 'https://other', subject: 'dana' },
      false,
    ],
    ['another subject', person('dana'), person('eve'), false],
    ['a subject in other letters, which is another', person('dana'), person('Dana'), false],
    ['the same e-mail', person('dana', 'a@x'), person('eve', 'a@x'), true],
    [
      'the same e-mail of another issuer',
      person('dana', 'a@x'),
      { issuer: 'https://other', subject: 'eve', email: 'a@x' },
      true,
    ],
    [
      'the same e-mail in other letters',
      person('dana', 'A.b@X.example'),
      person('eve', 'a.B@x.EXAMPLE'),
      true,
    ],
    [
      'the same e-mail in letters that look alike to people',
      person('dana', 'ａ@x'),
      person('eve', 'a@x'),
      true,
    ],
    ['another e-mail', person('dana', 'a@x'), person('eve', 'b@x'), false],
    ['e-mails of one, where the other has none', person('dana', 'a@x'), person('eve'), false],
    ['no e-mail at all', person('dana'), person('eve'), false],
    ['an e-mail that is the subject of the other', person('dana', 'eve'), person('eve'), false],
  ])('%s', (_what, a, b, same) => {
    expect(samePerson(a, b)).toBe(same);
    expect(samePerson(b, a)).toBe(same);
  });

  it('is true of everybody and themselves', () => {
    const anybody = fc.record(
      { issuer: fc.string(), subject: fc.string(), email: fc.emailAddress() },
      { requiredKeys: ['issuer', 'subject'] },
    );
    fc.assert(
      fc.property(anybody, (one) => {
        expect(samePerson(one, { ...one })).toBe(true);
        const { email } = one;
        const account = { issuer: 'https://other', subject: `${one.subject}2`, email: email?.toUpperCase() };
        expect(email !== undefined && !samePerson(one, account as Person)).toBe(false);
      }),
    );
  });
});

describe('a person', () => {
  it('is a principal without what they may do', () => {
    const dana = principal('dana', ['a'], { email: 'dana@example.com', task: 'deploy', mfa: true });
    expect(personOf(dana)).toEqual({ issuer: ISSUER, subject: 'dana', email: 'dana@example.com' });
    expect(personOf(principal('dana', []))).toEqual({ issuer: ISSUER, subject: 'dana' });
    expect(personOf({ ...person('dana'), actors: [] })).toEqual(person('dana'));
    const more = { ...person('agent-7'), groups: ['x'] };
    expect(personOf({ ...person('dana'), actors: [more] })).toEqual({
      ...person('dana'),
      actors: [person('agent-7')],
    });
  });

  it('is called by the e-mail address, or else by the subject', () => {
    expect(nameOf(person('dana', 'dana@example.com'))).toBe('dana@example.com');
    expect(nameOf(person('dana'))).toBe('dana');
    const actors = [person('agent-7'), person('plan ner')];
    expect(nameOf({ ...person('dana', 'dana@example.com'), actors })).toBe(
      'agent-7 for "plan ner" for dana@example.com',
    );
    expect(nameOf(person('agent-7 for dana'))).toBe('"agent-7 for dana"');
    for (const blank of ['\u00a0', '\u2800', '\u3164', '\u200b', '\u202e', '\ufe0f', '\u{e0020}'])
      expect(nameOf(person(`agent-7${blank}for${blank}dana`))).toMatch(/^".*"$/u);
  });
});
