import { describe, expect, it } from 'vitest';
import { impersonationOf, requestHeader, sessionHeaders } from '#core/protocols/kubernetes/impersonation.ts';
import { ADA, errorOf, permissionWith } from './permission.ts';

const seen = (as: unknown, who: Partial<typeof ADA> = {}) =>
  impersonationOf(permissionWith(as === undefined ? {} : { as }, who), 's-1');
const extra = { 'custody.session': ['s-1'] };

describe('whom the cluster sees', () => {
  it('is by default a user of nobody else, in no group', () => {
    expect(seen(undefined)).toEqual({ user: 'custody:ada@example.com', groups: [], extra });
  });

  it('is what the rule makes of the person', () => {
    const as = {
      user: '{issuer}#{subject}',
      groups: ['custody:developers', 'team:{groups}'],
      extra: { 'example.com/mail': ['{email}'], groups: ['{groups}'] },
    };
    expect(seen(as)).toEqual({
      user: 'https://issuer.test#u-1',
      groups: ['custody:developers', 'team:dev', 'team:on-call'],
      extra: { ...extra, 'example.com/mail': ['ada@example.com'], groups: ['dev', 'on-call'] },
    });
  });

  it('looks at nothing twice: what a token says is no template', () => {
    expect(seen({ user: 'x:{subject}' }, { subject: '{email}' }).user).toBe('x:{email}');
  });

  it('needs what it stands for', () => {
    const { email: _, ...nobody } = ADA;
    const without = permissionWith({}, {}, nobody);
    expect(errorOf(() => impersonationOf(without, 's-1'))).toMatchObject({
      code: 'access-denied',
      message: expect.stringContaining("needs the person's verified e-mail address"),
    });
  });

  it.each([
    ['a group of the cluster’s own', { groups: ['{groups}'] }, { groups: ['system:masters'] }],
    ['one in other case', { groups: ['{groups}'] }, { groups: ['System:masters'] }],
    ['a user of the cluster’s own', { user: '{subject}' }, { subject: 'system:admin' }],
    ['one made of two parts', { user: '{subject}{email}' }, { subject: 'system:' }],
    ['a line break', { groups: ['a:{groups}'] }, { groups: ['x\r\nImpersonate-Group: system:masters'] }],
    ['a NUL', { user: '{subject}' }, { subject: 'a\0b' }],
    ['white space at an end', { user: '{subject}' }, { subject: 'a ' }],
    ['nothing', { user: '{subject}' }, { subject: '' }],
    ['half a character', { user: '{subject}' }, { subject: 'a\ud800' }],
    ['too much', { user: '{subject}' }, { subject: 'a'.repeat(1_025) }],
    ['too many groups', { groups: ['{groups}'] }, { groups: Array.from({ length: 501 }, (_, i) => `g${i}`) }],
  ])('security case 9: a token never makes them %s', (_, as, who) => {
    expect(errorOf(() => seen(as, who))).toMatchObject({ code: 'access-denied' });
  });

  it('may be in a group of the cluster’s own where the rule names it', () => {
    expect(seen({ groups: ['system:masters'] }).groups).toEqual(['system:masters']);
  });
});

describe('headers of impersonation', () => {
  it('name the session and the call, with keys as the API server takes them', () => {
    const forwarded = { user: 'ü', groups: ['a', 'b'], extra: { ...extra, 'example.com/x%': ['1', '2'] } };
    expect([...sessionHeaders(forwarded), requestHeader(forwarded, 7)]).toEqual([
      ['Impersonate-User', 'Ã¼'],
      ['Impersonate-Group', 'a'],
      ['Impersonate-Group', 'b'],
      ['Impersonate-Extra-custody.session', 's-1'],
      ['Impersonate-Extra-example.com%2Fx%25', '1'],
      ['Impersonate-Extra-example.com%2Fx%25', '2'],
      ['Impersonate-Extra-custody.request', 's-1/7'],
    ]);
  });
});
