import { Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { EventBus as ToBus } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { forwardedFrom } from './changes/patterns.ts';

export interface IamChangesProps extends StackProps {
  /** The gateway's. */
  readonly stackName: string;
  readonly gateway: { readonly account: string; readonly region: string };
}

/**
 * IAM is in us-east-1, and so are its events, wherever the roles are used. This stack is there as well, and does nothing but pass on to
 * the gateway's region what is changed of roles and policies whose names begin as the gateway's do; the rule there looks closer.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html
 */
export class IamChangesStack extends Stack {
  constructor(scope: Construct, id: string, { gateway, stackName, ...props }: IamChangesProps) {
    const { account, region } = gateway;
    super(scope, id, {
      ...props,
      env: { account, region: IAM_REGION },
      stackName: `${stackName}-IamChanges`,
    });
    const bus = `arn:${this.partition}:events:${region}:${account}:event-bus/default`;
    const there = EventBus.fromEventBusArn(this, 'Bus', bus);
    new Rule(this, 'Forward', {
      description: `Custody: passes on to ${region} what is changed of the roles of ${stackName}`,
      eventPattern: {
        source: ['aws.iam'],
        detailType: ['AWS API Call via CloudTrail'],
        detail: forwardedFrom(stackName),
      },
      targets: [new ToBus(there)],
    });
  }
}

/** Of all regions of the partition `aws`. */
export const IAM_REGION = 'us-east-1';
