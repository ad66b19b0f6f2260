import { describe, expect, it } from 'vitest';
import { namedTarget } from '#proxy/protocols/ssh/user-name.ts';

describe('what an SSH client calls its user', () => {
  it.each([
    ['web-1', { target: 'web-1' }],
    ['deploy+web-1', { login: 'deploy', target: 'web-1' }],
    ['deploy@web-1', { login: 'deploy', target: 'web-1' }],
    ['deploy+web-1+x', { login: 'deploy', target: 'web-1+x' }],
    ['a@b+c', { login: 'a', target: 'b+c' }],
  ])('%s', (user, named) => {
    expect(namedTarget(user)).toEqual(named);
  });

  it.each(['', '+', 'deploy+', '@web-1'])('names no target: "%s"', (user) => {
    expect(() => namedTarget(user)).toThrow(expect.objectContaining({ code: 'user-missing' }));
  });
});
