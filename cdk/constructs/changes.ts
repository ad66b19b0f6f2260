import { Aws, Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EventField, type EventPattern, type IRule, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type Change, changesOf } from '../changes/patterns.ts';
import type { WatchedParts } from '../changes/watched.ts';

export interface ChangesProps {
  readonly topic: ITopic;
  readonly watched: WatchedParts;
}

/**
 * Tells the topic of alarms what is changed of this stack, and by whom: each call by itself, and each deployment. EventBridge sees
 * calls where the account has a trail of management events, and those of IAM in us-east-1 alone: cdk/README.md says what to do.
 */
export class Changes extends Construct {
  /** How many calls a minute. Deployments are not among them, but what they change of keys, buckets, roles and tables. */
  readonly told: IMetric;
  /** How often the topic was not told. */
  readonly untold: IMetric;

  constructor(scope: Construct, id: string, { topic, watched: { scheduled, ...watched } }: ChangesProps) {
    super(scope, id);
    const prefix = `custody-${this.node.addr.slice(-8)}-`;
    const rules = { names: scheduled, prefix };
    const changes = changesOf({
      ...watched,
      rules,
      topic: topic.topicArn,
      stackName: Aws.STACK_NAME,
    });
    const made = Object.entries(changes).map(([name, change]) =>
      this.#rule(`${prefix}${name}`, name, patternOf(change), textOf(change), topic),
    );
    this.#rule(`${prefix}deployments`, 'deployments', DEPLOYMENTS, DEPLOYED, topic);
    this.told = sum('TriggeredRules', made);
    this.untold = sum('FailedInvocations', made);
  }

  #rule(ruleName: string, id: string, eventPattern: EventPattern, text: string, topic: ITopic): IRule {
    return new Rule(this, id, {
      ruleName,
      description: 'Custody: tells what is changed of the stack',
      eventPattern,
      targets: [new SnsTopic(topic, { message: RuleTargetInput.fromText(text) })],
    });
  }
}

function patternOf({ source, detail }: Change): EventPattern {
  return { source: [source].flat(), detailType: ['AWS API Call via CloudTrail'], detail };
}

const at = (path: string): string => EventField.fromPath(`$.detail.${path}`);

/** What an event does not say stays empty. */
function textOf({ what, says }: Change): string {
  return [
    `Custody, stack ${Aws.STACK_NAME}: ${at('eventName')} on ${says} ${at(what)}`,
    `by ${at('userIdentity.arn')} ${at('userIdentity.invokedBy')}`,
    `from ${at('sourceIPAddress')} at ${at('eventTime')}.`,
    `Refused: ${at('errorCode')}. CloudTrail event ${at('eventID')} in ${at('awsRegion')}.`,
  ].join(' ');
}

/** Told by CloudFormation itself, without a trail. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-cloudformation-stack-events.html */
const DEPLOYMENTS: EventPattern = {
  source: ['aws.cloudformation'],
  detailType: ['CloudFormation Stack Status Change'],
  detail: {
    'stack-id': [Aws.STACK_ID],
    'status-details': {
      status: ['UPDATE', 'IMPORT', 'DELETE']
        .flatMap((kind) => [`${kind}_IN_PROGRESS`, `${kind}_FAILED`])
        .concat(['UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE']),
    },
  },
};
const DEPLOYED = `Custody, stack ${Aws.STACK_NAME}: a deployment is ${at('status-details.status')}`;

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html */
function sum(metricName: string, rules: readonly IRule[]): IMetric {
  const period = Duration.minutes(1);
  const each = rules.map(({ ruleName }, i) => {
    const dimensionsMap = { RuleName: ruleName };
    const of = { namespace: 'AWS/Events', metricName, dimensionsMap, statistic: Stats.SUM, period };
    return [`r${i}`, new Metric(of)] as const;
  });
  return new MathExpression({
    expression: each.map(([name]) => `FILL(${name}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(each),
    label: metricName,
    period,
  });
}
