import { describe, expect, test } from 'vitest';
import type { Terms } from '../../../console/api/requests.ts';
import type { Target } from '../../../console/api/types.ts';
import { connectLines } from '../../../console/requests/connect-lines.ts';
import { bodyOf, draftFor, missing, OnceKeys, presets } from '../../../console/requests/draft.ts';
import { found, waysToAsk } from '../../../console/requests/targets.ts';

const TERMS: Terms = {
  rule: 'developers-ask',
  breakGlass: false,
  maxDurationSeconds: 14_400,
  approvals: 2,
  reason: 'required',
  ticket: 'optional',
  statements: 'any',
  reviewers: { any: ['reviewers'] },
  pendingSeconds: 28_800,
  for: 'any',
};
const GLASS: Terms = { ...TERMS, rule: 'emergency', breakGlass: true, maxDurationSeconds: 600, approvals: 0 };
const TARGET = { name: 'orders-prod' };

describe('a draft', () => {
  test('begins with an hour, or the longest that there is, and what the rule wants', () => {
    expect(draftFor(TERMS)).toMatchObject({ seconds: 3_600, statements: undefined });
    expect(draftFor(GLASS).seconds).toBe(600);
    expect(draftFor({ ...TERMS, statements: 'exact' }).statements).toEqual(['']);
    expect(draftFor(TERMS, { reason: 'a bug', seconds: 99_999 })).toMatchObject({
      reason: 'a bug',
      seconds: 14_400,
    });
  });

  test('is not sent before it has what the rule wants', () => {
    const lacks = (terms: Terms, more = {}) => Object.keys(missing({ ...draftFor(terms), ...more }, terms));
    expect(lacks(TERMS)).toEqual(['reason']);
    expect(lacks(TERMS, { reason: ' \n' })).toEqual(['reason']);
    expect(lacks(TERMS, { reason: 'a bug' })).toEqual([]);
    expect(lacks(TERMS, { reason: 'a bug', statements: [' '] })).toEqual(['statements']);
    expect(lacks({ ...TERMS, reason: 'optional', ticket: 'required', for: 'run' })).toEqual([
      'ticket',
      'run',
    ]);
    expect(lacks(GLASS, { reason: 'it burns' })).toEqual(['isSure']);
    expect(lacks(GLASS, { reason: 'it burns', isSure: true })).toEqual([]);
  });

  test('is sent with what was given, and nothing that was not', () => {
    const draft = { ...draftFor(TERMS), reason: ' a bug ', statements: ['select 1', ' '] };
    expect(bodyOf(TARGET, TERMS, draft)).toEqual({
      target: 'orders-prod',
      rule: 'developers-ask',
      durationSeconds: 3_600,
      reason: 'a bug',
      statements: ['select 1'],
    });
    expect(bodyOf(TARGET, GLASS, draftFor(GLASS))).toEqual({
      target: 'orders-prod',
      rule: 'emergency',
      durationSeconds: 600,
      breakGlass: true,
    });
  });

  test('has one key for one wish, however often it is sent', () => {
    const keys = new OnceKeys();
    const [one, other] = [{ target: 'a' }, { target: 'b' }];
    expect(keys.keyOf(one)).toBe(keys.keyOf({ ...one }));
    expect(keys.keyOf(other)).not.toBe(keys.keyOf(one));
  });

  test('is offered durations up to the longest', () => {
    expect(presets(14_400)).toEqual([900, 3_600, 14_400]);
    expect(presets(6)).toEqual([6]);
  });
});

describe('what to run', () => {
  const lines = (protocol: string, scope = {}) =>
    connectLines({ name: 't', protocol }, scope).map(({ line }) => line);

  test('is the client of the protocol', () => {
    expect(lines('postgres')).toEqual(['custody connect t -- psql', 'eval "$(custody env t --libpq)"']);
    expect(lines('ssh')[0]).toBe('custody connect t -- ssh');
    expect(lines('kubernetes')[0]).toBe('custody connect t -- kubectl get pods');
    expect(lines('smtp')).toEqual(['custody connect t']);
  });

  test('names the run, and the exact commands as one word each', () => {
    const statements = [{ sha256: 's', text: "select 'it''s'" }];
    expect(lines('postgres', { run: { id: 'r', task: 'find' } })[0]).toBe(
      'custody connect t --run r --task find -- psql',
    );
    expect(lines('postgres', { statements })[0]).toBe(
      String.raw`custody connect t -- psql -c 'select '\''it'\'''\''s'\'''`,
    );
  });

  test.each(['select 1\n; drop table t', 'select \u202e1', 'select \u001b[2J'])(
    'has no command that cannot be read on the line it is copied from: %j',
    (text) => {
      expect(lines('postgres', { statements: [{ sha256: 's', text }] })[0]).toBe('custody connect t -- psql');
    },
  );
});

describe('targets', () => {
  const target = (name: string, access: Target['access'], ask: Terms[] = []): Target => ({
    name,
    protocol: 'postgres',
    host: 'h',
    port: 1,
    connectSeconds: 20,
    access,
    ask,
  });
  const all = [target('b-open', 'standing'), target('z-ask', 'requestable'), target('a-ask', 'requestable')];

  test('are those to ask for first, and those whose name has all words', () => {
    expect(found(all, '').map(({ name }) => name)).toEqual(['a-ask', 'z-ask', 'b-open']);
    expect(found(all, 'POSTGRES z').map(({ name }) => name)).toEqual(['z-ask']);
  });

  test('have a broken glass as the last way', () => {
    expect(waysToAsk(target('t', 'requestable', [GLASS, TERMS])).map(({ rule }) => rule)).toEqual([
      'developers-ask',
      'emergency',
    ]);
  });
});
