import { describe, expect, test } from 'vitest';
import { approvalsText, reviewersText, scopeText, untilOf } from '../../../console/requests/words.ts';
import { decision, GRANT, RUI, request } from './examples.ts';

describe('words', () => {
  test('say how many approvals there are, of how many', () => {
    expect(approvalsText(request({ decisions: [decision(RUI)] }))).toBe('1 of 2 approvals');
    expect(approvalsText(request({ needs: { approvals: 1, all: ['dba', 'security'] } }))).toBe(
      '0 of 2 approvals',
    );
    expect(approvalsText({ decisions: [decision(RUI)] })).toBe('1 approval');
  });

  test.each([
    [1, { any: ['reviewers'] }, '1 person of reviewers'],
    [2, { any: ['dba', 'leads'] }, '2 people of dba or leads'],
    [1, { all: ['dba', 'security'] }, '1 person of each of dba, security'],
    [1, { any: ['*'] }, '1 person of anybody'],
  ])('say who: %i of %j', (approvals, reviewers, text) => {
    expect(reviewersText(approvals, reviewers)).toBe(text);
  });

  test('say what it is for besides its target', () => {
    const statement = { sha256: 's', text: 'select 1' };
    expect(scopeText(request())).toBeUndefined();
    expect(scopeText(request({ statements: [statement] }))).toBe('one exact command, in one session');
    expect(scopeText(request({ statements: [statement, statement] }))).toBe(
      '2 exact commands, in one session',
    );
    const run = { id: 'r', workflow: 'refunds', workflowDigest: 'd' };
    expect(scopeText(request({ run }))).toBe('a run of refunds');
    expect(scopeText(request({ run: { ...run, task: 'find' } }))).toBe('a run of refunds, as its task find');
  });

  test('say until when, while something is still to come', () => {
    expect(untilOf(request())).toBe('2026-11-23T17:00:00.000Z');
    expect(untilOf(request({ state: 'granted', grant: GRANT }))).toBe(GRANT.until);
    expect(untilOf(request({ state: 'revoked', grant: GRANT }))).toBeUndefined();
  });
});
