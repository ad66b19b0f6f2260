import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { configWith, errorOf } from './permission.ts';

describe('what no rule of Kubernetes can mean', () => {
  it.each([
    [{ as: { user: '{mail}' } }, 'rules[0].kubernetes.as.user', 'has a brace that stands for nothing'],
    [{ as: { user: 'a:{groups}' } }, 'as.user', 'is one user, and {groups} are many'],
    [{ as: { groups: ['a', 'system:{groups}'] } }, 'as.groups', 'would be one of the cluster’s own'],
    [{ as: { extra: { 'custody.session': ['x'] } } }, 'as.extra.custody.session', 'is always there'],
    [{ as: { extra: { a: ['{x}'] } } }, 'as.extra.a', 'has a brace that stands for nothing'],
    [{ calls: [{ paths: ['version'] }] }, 'calls', 'expected a path such as /version'],
    [{ calls: [{ paths: ['/x'], resources: ['pods'] }] }, 'calls', 'it goes with verbs alone'],
    [{ calls: [{ paths: ['/x'], privileged: true }] }, 'calls', 'it goes with verbs alone'],
    [{ deny: [{ verbs: ['get', 'list'], commands: [['id']] }] }, 'deny', 'nothing runs by these verbs'],
    [{ calls: [{ resources: ['Pods'] }] }, 'calls', 'expected a resource such as pods'],
    [{ calls: [] }, 'calls', ''],
  ])('%j: %s %s', (part, place, words) => {
    const { code, message } = errorOf(() => parseConfig(configWith(part), 'custody.yaml'));
    expect(code).toBe('config-invalid');
    expect(message).toContain(place.replace('rules[0].', ''));
    expect(message).toContain(words.replace('’', "'"));
    expect(message).toMatch(/^custody\.yaml:\d+:\d+: /);
  });

  it('is not this', () => {
    const part = {
      as: { user: '{email}', groups: ['system:masters', 'a:{groups}'], extra: { 'a/b': ['{subject}'] } },
      calls: [{ commands: [['sh', '**']], verbs: ['create'] }, { paths: ['/metrics', '**'] }],
    };
    expect(() => parseConfig(configWith(part), 'custody.yaml')).not.toThrow();
  });
});
