import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key, KeyProps } from 'aws-cdk-lib/aws-kms';

/** A key outlives its stack; whoever deletes it all the same has a month to notice. */
export const keptKey = {
  removalPolicy: RemovalPolicy.RETAIN,
  pendingWindow: Duration.days(30),
} as const satisfies KeyProps;

/** Without its key a recording is lost, or cannot be checked any more: first the policy has to go, in sight of CloudTrail. */
export function refuseDeletion(key: Key): void {
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'NobodyDeletesTheKey',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['kms:ScheduleKeyDeletion', 'kms:DisableKey'],
      resources: ['*'],
    }),
  );
}
