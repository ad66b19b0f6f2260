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

describe('the task of a run that an SSH client names in its user', () => {
  const RUN = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
  const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  it.each([
    [`web-1,run=${RUN},task=find`, { target: 'web-1', task: { run: RUN, task: 'find' } }],
    [
      `deploy+web-1,task=find,run=${RUN}`,
      { login: 'deploy', target: 'web-1', task: { run: RUN, task: 'find' } },
    ],
    [
      `deploy@web-1,run=${RUN},task=find,trace=${TRACE}`,
      { login: 'deploy', target: 'web-1', task: { run: RUN, task: 'find' }, trace: TRACE },
    ],
    [`web-1,trace=${TRACE}`, { target: 'web-1', trace: TRACE }],
    [`deploy+web-1,rerun=${RUN}`, { login: 'deploy', target: 'web-1', rerun: RUN }],
  ])('%s', (user, named) => {
    expect(namedTarget(user)).toEqual(named);
  });

  it.each([
    'web-1,',
    'web-1,run=x',
    'web-1,task=x',
    'web-1,run=,task=x',
    'web-1,run=x,task=',
    'web-1,run=x,task=y,run=z',
    'web-1,run=x,task=y=z',
    'web-1,run=x,task=y,more=z',
    'web-1,Run=x,task=y',
    'web-1,run,task',
    'web-1,rerun=',
    'web-1,__proto__=x',
    ',run=x,task=y',
  ])('is not passed over where it is none: "%s"', (user) => {
    expect(() => namedTarget(user)).toThrow(expect.objectContaining({ code: 'user-missing' }));
  });
});
