import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import type { KubernetesRule } from '#core/protocols/kubernetes/schema.ts';
import { kubernetesRuleSchema } from '#core/protocols/kubernetes/schema.ts';

export const ADA: Principal = {
  issuer: 'https://issuer.test',
  issuerName: 'main',
  subject: 'u-1',
  email: 'ada@example.com',
  groups: ['dev', 'on-call'],
  expiresAt: new Date('2100-01-01'),
};

/** custody.yaml with one rule for one cluster; `part`: its `kubernetes`, as JSON, which is YAML. */
export function configWith(part: unknown): string {
  return `
version: 1
identity: { name: main, issuer: https://issuer.test, audience: custody }
targets:
  cluster: { protocol: kubernetes, address: k8s.internal:6443, credential: { tokenFile: token } }
rules:
  - name: devs
    groups: ['*']
    targets: [cluster]
    allow: [connect]
    kubernetes: ${JSON.stringify(part)}
`;
}

/** What a rule with this part gives somebody. */
export function permissionWith(
  part: unknown,
  principal: Partial<Principal> = {},
  base: Principal = ADA,
): Authorization<'connect'> {
  const policy = parseConfig(configWith(part), 'custody.yaml');
  const who = { ...base, ...principal };
  const found = decide({
    policy,
    principal: who,
    action: 'connect',
    target: 'cluster',
    now: new Date('2026-01-01'),
  });
  if (!(found instanceof Authorization)) throw new Error(found.message);
  return found;
}

/** A rule's part as custody.yaml would have it. */
export function partOf(part: unknown): KubernetesRule {
  return kubernetesRuleSchema.parse(part);
}

export function errorOf(work: () => unknown): CustodyError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof CustodyError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
}
