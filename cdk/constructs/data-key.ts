import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { keptKey, refuseDeletion } from './key-guard.ts';

/** What recordings, tables, logs and alarms are encrypted with. KMS makes new key material each year, and keeps the old. */
export class DataKey extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string, protect: boolean) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      ...keptKey,
      description: 'Custody: encrypts recordings, tables, logs and alarms',
      enableKeyRotation: true,
    });
    this.key.addAlias(`alias/custody/${this.node.addr.slice(-12)}/data`);
    refuseDeletion(this.key, protect);
    this.key.addToResourcePolicy(logsMayEncrypt());
    this.key.addToResourcePolicy(alarmsMayEncrypt());
    this.key.addToResourcePolicy(changesMayEncrypt());
  }
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html */
function logsMayEncrypt(): PolicyStatement {
  const groups = `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:*`;
  return new PolicyStatement({
    sid: 'LogsOfThisAccount',
    principals: [new ServicePrincipal(`logs.${Aws.REGION}.${Aws.URL_SUFFIX}`)],
    actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    resources: ['*'],
    conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groups } },
  });
}

/** An alarm publishes to a topic that is encrypted with this key. */
function alarmsMayEncrypt(): PolicyStatement {
  return new PolicyStatement({
    sid: 'AlarmsOfThisAccount',
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
    resources: ['*'],
    conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
  });
}

/**
 * EventBridge publishes there too what is changed of the stack. AWS says it without a condition, as it does for the topic's own
 * policy; one that EventBridge does not go by would make it silent. https://repost.aws/knowledge-center/sns-not-getting-eventbridge-notification
 */
function changesMayEncrypt(): PolicyStatement {
  return new PolicyStatement({
    sid: 'ChangesOfThisStack',
    principals: [new ServicePrincipal('events.amazonaws.com')],
    actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
    resources: ['*'],
  });
}
