import { relative } from 'node:path';
import type { Initialized } from './init-aws.ts';
import { databaseStep } from './postgres-login.ts';

/** What is left to do, in the order to do it. */
export function nextSteps({ folder, plan, registered }: Initialized, cwd: string): string {
  const steps = [
    ...[folderStep(folder, cwd)].flatMap((step) => step ?? []),
    `At ${plan.identity.provider.title}, if it is not done: ${plan.identity.provider.redirect} (docs/identity/${plan.identity.provider.page}).`,
    ...databaseStep(plan, registered.verifiers),
    ...missingStep(registered.missing),
    'npx custody preflight                      # what would make a deployment fail, and what to do about it',
    'npx cdk deploy --no-rollback               # 10 to 14 minutes; later ones without --no-rollback',
    ...(plan.hostedZoneId === undefined
      ? [`A CNAME from ${plan.hostname} to the stack's output GatewayName.`]
      : []),
    'npx custody login --api <ApiUrl> && npx custody doctor --aws',
  ];
  return ['Next:', ...steps.map((step, i) => `${i + 1}. ${step}`)].join('\n');
}

function folderStep(folder: string, cwd: string): string | undefined {
  const way = relative(cwd, folder);
  if (way === '') return undefined;
  return `cd ${way.startsWith('..') ? folder : way}`;
}

function missingStep(missing: readonly string[]): string[] {
  if (missing.length === 0) return [];
  return [
    `These secrets are not there yet: ${missing.join(', ')}. The certificate: npx custody init certificate --create. A password: aws secretsmanager create-secret --name <name> --secret-string file://<file>`,
  ];
}
