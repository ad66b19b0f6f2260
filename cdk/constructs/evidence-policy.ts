import { DefaultStackSynthesizer, Fn, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';

type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * What nobody may do to recordings, whatever their own policies allow. Object Lock refuses the same where an object is locked;
 * this refuses it to administrators as well, until somebody changes the policy in sight of CloudTrail.
 */
export function evidencePolicy(bucket: IBucket, breakGlassRoleArn?: string): PolicyStatement[] {
  const sessions = bucket.arnForObjects('sessions/*');
  const objects = bucket.arnForObjects('*');
  const exempt: Conditions =
    breakGlassRoleArn === undefined ? {} : { ArnNotEquals: { 'aws:PrincipalArn': breakGlassRoleArn } };
  return [
    // The bucket's default would lock such an object too, but not for as long as its target asks.
    deny('PutsCarryTheirLock', ['s3:PutObject'], sessions, { Null: { 's3:object-lock-mode': 'true' } }),
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    deny('PutsNeverReplace', ['s3:PutObject'], sessions, {
      Null: { 's3:if-none-match': 'true' },
      Bool: { 's3:ObjectCreationOperation': 'true' },
    }),
    deny('NobodyDeletes', ['s3:DeleteObject', 's3:DeleteObjectVersion'], objects, exempt),
    deny('NobodyShortensLocks', ['s3:BypassGovernanceRetention'], objects, exempt),
    deny('NobodyEndsLegalHolds', ['s3:PutObjectLegalHold'], objects, {
      ...exempt,
      StringEquals: { 's3:object-lock-legal-hold': 'OFF' },
    }),
    deny('OnlyDeploymentsChangeTheLock', LOCK_CHANGES, bucket.bucketArn, {
      ArnNotLike: { 'aws:PrincipalArn': deploymentRole(bucket) },
    }),
  ];
}

/** A bucket that expires objects early or stops keeping versions hides them as a deletion would. */
const LOCK_CHANGES = [
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketVersioning',
  's3:PutLifecycleConfiguration',
  's3:DeleteBucket',
];

function deny(
  sid: string,
  actions: readonly string[],
  resource: string,
  conditions: Conditions,
): PolicyStatement {
  return new PolicyStatement({
    sid,
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: [...actions],
    resources: [resource],
    conditions,
  });
}

/** The role that CloudFormation works with for `cdk deploy`. */
function deploymentRole(bucket: IBucket): string {
  const { synthesizer } = Stack.of(bucket);
  const known = synthesizer instanceof DefaultStackSynthesizer ? synthesizer : undefined;
  return Fn.sub(known?.cloudFormationExecutionRoleArn ?? BOOTSTRAPPED);
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
const BOOTSTRAPPED = 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-*-cfn-exec-role-*';
