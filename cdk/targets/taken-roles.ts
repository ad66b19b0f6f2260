import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Config, Target } from '#core/access/config.ts';
import { inSid } from '../secret-access.ts';

/** The role that the gateway takes for a target, of another account. */
export function roleOf(target: Target): string | undefined {
  switch (target.protocol) {
    case 'postgres':
      return target.credential.assumeRole;
    case 'kubernetes':
      return target.credential.eks?.role;
    case 'ssh':
      return undefined;
  }
}

/** Whether there is such a role: the tasks have to reach STS for it. */
export function takesRoles({ targets }: Config): boolean {
  return [...targets.values()].some((target) => roleOf(target) !== undefined);
}

/** This role and no other. It is in whatever account; its own policy says that the proxy's may take it. */
export function mayTake(name: string, role: string): PolicyStatement {
  return new PolicyStatement({
    sid: `Take${inSid(name)}`,
    actions: ['sts:AssumeRole'],
    resources: [role],
  });
}
