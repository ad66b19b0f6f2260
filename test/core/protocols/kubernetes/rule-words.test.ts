import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { explain } from '#core/access/explain.ts';
import { ADA, configWith } from './permission.ts';

function explained(part: unknown): readonly string[] | undefined {
  const policy = parseConfig(configWith(part), 'custody.yaml');
  return explain({
    policy,
    principal: ADA,
    action: 'connect',
    target: 'cluster',
    now: new Date('2026-01-01'),
  }).passes;
}

describe('what custody explain says of a cluster', () => {
  it('is that everything passes where the rule says nothing', () => {
    expect(explained({})).toEqual([
      'the cluster sees the user custody:{email}, in no group',
      'all calls pass, as far as the cluster lets them',
    ]);
  });

  it('is what passes and what does not', () => {
    const part = {
      as: { user: 'u', groups: ['a', 'b'] },
      calls: [
        {
          verbs: ['read'],
          resources: ['pods', 'deployments.apps'],
          namespaces: ['dev', ''],
          names: ['web-*'],
        },
        { commands: [['sh', '**']] },
        { paths: ['/metrics'] },
      ],
      deny: [{ privileged: true }],
    };
    expect(explained(part)).toEqual([
      'the cluster sees the user u, in a, b',
      'passes: read of pods, deployments.apps in dev, no namespace named web-*',
      'passes: all verbs of everything that run sh **',
      'passes: all verbs of /metrics',
      'does not pass: all verbs of everything that reach a node',
    ]);
  });
});
