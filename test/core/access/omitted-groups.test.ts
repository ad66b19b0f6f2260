import { describe, expect, it } from 'vitest';
import { decide } from '#core/access/decide.ts';
import { explain } from '#core/access/explain.ts';
import { NOW, policyOf, principal } from './support.ts';

/** Somebody of whom the token tells one group, and that there are others. */
const DANA = principal('dana', ['staff'], { groupsOmittedByIssuer: true });
const ALL = "name: all, groups: ['*'], targets: ['*'], allow: [connect]";
const DEVELOPERS = 'name: developers, groups: [developers], targets: [orders-db], allow: [connect]';

const question = (rules: readonly string[], more = {}) => ({
  policy: policyOf(rules),
  principal: DANA,
  action: 'connect' as const,
  target: 'orders-db',
  now: NOW,
  ...more,
});

describe('groups that the issuer left out of the token', () => {
  it('are counted as if they were not there where a rule allows, and the refusal says so', () => {
    expect(decide(question([DEVELOPERS]))).toEqual({
      code: 'access-denied',
      message:
        'there is no target "orders-db" that you may connect to: the identity provider left groups out of the token, as there are too many',
      hint: 'whoever runs the gateway can have them looked up (directory in custody.yaml), or use application roles; see what you may use: custody targets',
    });
    // A target that does not exist reads the same.
    expect(decide(question([DEVELOPERS], { target: 'nowhere' }))).toMatchObject({
      message: expect.stringContaining('as there are too many') as string,
    });
  });

  it('are counted as if they were there where a rule denies', () => {
    const deny = "name: no, groups: [contractors], targets: ['*'], deny: [connect]";
    expect(decide(question([ALL, deny]))).toMatchObject({ code: 'access-denied' });
    expect(decide(question([ALL, deny], { principal: principal('dana', ['staff']) }))).toMatchObject({
      rule: 'all',
    });
  });

  it('are in nobody’s way where no group is asked for, or one that is told', () => {
    expect(decide(question([ALL]))).toMatchObject({ rule: 'all' });
    expect(decide(question([DEVELOPERS.replace('[developers]', '[staff]')]))).toMatchObject({
      rule: 'developers',
    });
  });

  it('are told by explain', () => {
    expect(explain(question([DEVELOPERS])).rules[0]!.because).toEqual([
      'it is for developers; the groups are staff, and others that the identity provider left out',
    ]);
  });
});
