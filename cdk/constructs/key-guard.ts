import { Duration } from 'aws-cdk-lib';
import type { Key, KeyProps } from 'aws-cdk-lib/aws-kms';
import { denyEverybody } from '../deny.ts';
import { deploymentRole } from '../deployment-role.ts';
import { KEPT } from '../kept.ts';

/** A key outlives its stack; whoever deletes it all the same has a month to notice. */
export const keptKey = {
  removalPolicy: KEPT,
  pendingWindow: Duration.days(30),
} as const satisfies KeyProps;

/**
 * Without its key a recording is lost, or cannot be checked any more: first the policy has to go, in sight of CloudTrail. Until the
 * stack is protected, a deployment that fails may take back the key that it made; one that succeeded keeps it (`KEPT`).
 */
export function refuseDeletion(key: Key, protect: boolean): void {
  const exempt = protect ? {} : { ArnNotLike: { 'aws:PrincipalArn': deploymentRole(key) } };
  const all = ['*'];
  key.addToResourcePolicy(denyEverybody('NobodyDeletesTheKey', ['kms:ScheduleKeyDeletion'], all, exempt));
  key.addToResourcePolicy(denyEverybody('NobodyDisablesTheKey', ['kms:DisableKey'], all));
}
