import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { actorsOf } from '#core/identity/actors.ts';

const ISSUER = 'https://id.example';
const chain = (length: number): unknown =>
  Array.from({ length }, (_, at) => `agent-${at}`).reduceRight<unknown>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  );

describe('actorsOf (RFC 8693 section 4.1)', () => {
  it('is nobody without act', () => {
    const claims = { azp: 'client', cid: 'client', may_act: { sub: 'agent' }, actor: 'octocat', sub: 'dana' };
    expect(actorsOf(claims, ISSUER)).toEqual([]);
  });

  it('has the one that acts now first, of the issuer that is named or else the token’s', () => {
    const act = { sub: 'agent-7', act: { sub: 'planner', iss: 'https://agents.example' }, client_id: 'x' };
    expect(actorsOf({ sub: 'dana', act }, ISSUER)).toEqual([
      { issuer: ISSUER, subject: 'agent-7' },
      { issuer: 'https://agents.example', subject: 'planner' },
    ]);
  });

  it('takes one who acts for themselves for an actor', () => {
    expect(actorsOf({ sub: 'dana', act: { sub: 'dana' } }, ISSUER)).toHaveLength(1);
  });

  it('has one name for an issuer that has two', () => {
    const chain = {
      sub: 'a',
      iss: 'accounts.google.com',
      act: { sub: 'b', iss: 'https://accounts.google.com' },
    };
    expect(actorsOf({ act: chain }, ISSUER).map(({ issuer }) => issuer)).toEqual([
      'https://accounts.google.com',
      'https://accounts.google.com',
    ]);
  });

  it('reads a chain of five', () => {
    const subjects = actorsOf({ act: chain(5) }, ISSUER).map(({ subject }) => subject);
    expect(subjects).toEqual(['agent-0', 'agent-1', 'agent-2', 'agent-3', 'agent-4']);
  });

  it.each<[what: string, act: unknown, why: string]>([
    ['null', null, 'is no object'],
    ['false', false, 'is no object'],
    ['a text', 'agent-7', 'is no object'],
    ['an empty text', '', 'is no object'],
    ['a list', [{ sub: 'agent-7' }], 'is no object'],
    ['nobody', {}, 'has no sub that is a text'],
    ['an empty sub', { sub: '' }, 'has no sub that is a text'],
    ['a sub that is a number', { sub: 7 }, 'has no sub that is a text'],
    ['a long sub', { sub: 'x'.repeat(513) }, 'has no sub that is a text'],
    ['half a letter', { sub: '\udfff' }, 'has no sub that is a text'],
    ['no issuer', { sub: 'a', iss: null }, 'has an iss that is no text'],
    ['an empty issuer', { sub: 'a', iss: '' }, 'has an iss that is no text'],
    ['a null behind it', { sub: 'a', act: null }, 'is no object'],
    ['a text behind it', { sub: 'a', act: 'b' }, 'is no object'],
    ['six', chain(6), 'names more than 5 one behind the other'],
    ['thirty', chain(30), 'names more than 5 one behind the other'],
    ['long names', { sub: 'x'.repeat(500), act: { sub: 'y'.repeat(500) } }, 'is too long'],
    ['letters of many bytes', { sub: '\u{1f916}'.repeat(250) }, 'is too long'],
  ])('refuses %s, and never takes it for nobody', (_, act, why) => {
    const message = `the token is not valid here: its claim act, which says who acts for somebody, ${why}`;
    expect(() => actorsOf({ act }, ISSUER)).toThrow(message);
  });

  it('has an actor for every act, or refuses', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (act) => {
        expect(outcomeOf(act)).not.toEqual([]);
      }),
    );
  });
});

function outcomeOf(act: unknown) {
  try {
    return actorsOf({ act }, ISSUER);
  } catch (error) {
    if (error instanceof CustodyError) return error.code;
    throw error;
  }
}
