import { describe, expect, it } from 'vitest';
import { namedByPath, namedByServer } from '#proxy/protocols/kubernetes/named-cluster.ts';

describe('namedByPath', () => {
  it('takes the cluster from the path, and leaves the path of the API', () => {
    expect(namedByPath('/clusters/prod/api/v1/pods?limit=1')).toEqual({
      target: 'prod',
      prefix: '/clusters/prod',
      rest: '/api/v1/pods?limit=1',
    });
    expect(namedByPath('/clusters/prod')).toMatchObject({ target: 'prod', rest: '/' });
    expect(namedByPath('/clusters/prod?x=1')).toMatchObject({ target: 'prod', rest: '/?x=1' });
  });

  it('takes the task, the reason and the ticket', () => {
    expect(namedByPath('/clusters/prod/tasks/r1/restart/reason/disk%20full/ticket/OPS-1/version')).toEqual({
      target: 'prod',
      prefix: '/clusters/prod/tasks/r1/restart/reason/disk%20full/ticket/OPS-1',
      rest: '/version',
      task: { run: 'r1', task: 'restart' },
      reason: 'disk full',
      ticket: 'OPS-1',
    });
  });

  it.each([
    '/api/v1/pods',
    '/clusters/',
    '/clusters/Prod/api',
    '/clusters/pr%6fd/api',
    '/clusters/../prod/api',
    '//clusters/prod/api',
    '/clusters//prod/api',
    '/CLUSTERS/prod/api',
    '/clusters/prod;x/api',
  ])('names none in %s', (path) => {
    expect(namedByPath(path)).toBeUndefined();
  });

  it('security case 14: a name that begins like another is another', () => {
    expect(namedByPath('/clusters/prod2/api')!.target).toBe('prod2');
  });

  it('leaves what looks like a second name to the API', () => {
    expect(namedByPath('/clusters/prod/clusters/other/api')).toMatchObject({
      target: 'prod',
      rest: '/clusters/other/api',
    });
  });

  it('refuses a reason that cannot be read', () => {
    expect(() => namedByPath('/clusters/prod/reason/%ff/api')).toThrow(/percent-encoding/);
  });
});

it('namedByServer leaves the whole path to the API', () => {
  expect(namedByServer('prod', '/api')).toEqual({ target: 'prod', prefix: '', rest: '/api' });
});
