import { expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { CustodyError } from '#core/errors.ts';
import { isOtherThanDeployed } from '#lambdas/deployed-policy.ts';

const written = (audience: string) =>
  parseConfig(
    `version: 1\nidentity: { issuer: https://id.example, audience: ${audience} }\ntargets: {}\n`,
    'custody.yaml',
  );
const [deployed, other] = [written('custody'), written('everybody')];

/** In force, after `read` was looked at often enough to count. */
async function after(read: () => Promise<typeof deployed>): Promise<PolicyInForce> {
  const policy = new PolicyInForce(deployed, { read, adopt: async () => undefined, now: () => new Date(0) });
  for (let look = 0; look < 2; look += 1) await policy.check();
  return policy;
}

it('knows the configuration that was deployed', async () => {
  expect(isOtherThanDeployed(await after(async () => deployed), deployed.version)).toBe(false);
});

it('knows another that somebody wrote, in force or refused (security case 19)', async () => {
  expect(isOtherThanDeployed(await after(async () => other), deployed.version)).toBe(true);
  const broken = (): Promise<never> => Promise.reject(new CustodyError('config-invalid', 'not YAML'));
  expect(isOtherThanDeployed(await after(broken), deployed.version)).toBe(true);
});

it('says nothing where no stack tells what was deployed', async () => {
  expect(isOtherThanDeployed(await after(async () => other), undefined)).toBe(false);
});
