import { Aws, Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { TableName } from '#adapters/aws/tables.ts';
import type { CustodyMetrics } from '../metrics.ts';
import type { GatewayApi } from './api.ts';
import type { Changes } from './changes.ts';
import type { Functions } from './functions.ts';
import type { Tables } from './tables.ts';

export interface AlarmsProps {
  readonly key: IKey;
  readonly emails: readonly string[];
  readonly api: GatewayApi;
  readonly functions: Functions;
  readonly tables: Tables;
  readonly metrics: CustodyMetrics;
}

export interface Watch {
  readonly says: string;
  readonly metric: IMetric;
  /** It alarms above, or below. */
  readonly above?: number;
  readonly below?: number;
  /** How many of the metric's periods in a row, which are minutes where nothing else is said. */
  readonly minutes: number;
  /** Whoever tells it tells it every minute: silence is trouble as well. */
  readonly silenceAlarms?: boolean;
}

/** What somebody has to look at, told to one topic. */
export class Alarms extends Construct {
  readonly topic: ITopic;
  readonly #all: Alarm[] = [];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const topic = new Topic(this, 'Topic', { masterKey: props.key, enforceSSL: true });
    topic.addToResourcePolicy(alarmsMayPublish(topic));
    for (const email of props.emails) topic.addSubscription(new EmailSubscription(email));
    this.topic = topic;
    const watches = {
      ...watchesOf(props.metrics),
      ...apiWatches(props.api),
      ...functionWatches(props.functions),
      ...tableWatches(props.tables),
    };
    this.watch(watches);
  }

  get all(): readonly Alarm[] {
    return this.#all;
  }

  /** Also of what is there only later. */
  watch(watches: Readonly<Record<string, Watch>>): void {
    for (const [name, watch] of Object.entries(watches)) this.#all.push(this.#alarm(name, watch));
  }

  #alarm(name: string, { says, metric, above, below, minutes, silenceAlarms = false }: Watch): Alarm {
    const alarm = new Alarm(this, name, {
      alarmDescription: says,
      metric,
      threshold: above ?? below ?? 0,
      comparisonOperator:
        below === undefined
          ? ComparisonOperator.GREATER_THAN_THRESHOLD
          : ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: minutes,
      treatMissingData: silenceAlarms ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    return alarm;
  }
}

/** A topic with a policy has lost the one that AWS gives it, which lets alarms publish. */
function alarmsMayPublish(topic: Topic): PolicyStatement {
  return new PolicyStatement({
    sid: 'AlarmsOfThisAccount',
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    actions: ['sns:Publish'],
    resources: [topic.topicArn],
    conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
  });
}

function watchesOf(metrics: CustodyMetrics): Record<string, Watch> {
  return {
    UnsealedSessions: {
      says: 'Sessions whose task died are not sealed, or the sealer does not run',
      metric: metrics.of('UnsealedSessions'),
      above: 0,
      minutes: 5,
      silenceAlarms: true,
    },
    UnsettledTasks: {
      says: 'Results of tasks cannot be derived, or the settler does not run: tasks behind them do not begin',
      metric: metrics.of('UnsettledTasks'),
      above: 0,
      minutes: 5,
      silenceAlarms: true,
    },
    // It looks every five minutes.
    UnindexedSessions: {
      says: 'Sealed sessions have no index and no events, or the indexer does not run; its log names those that are too long for it: they are not searched, and a SIEM does not see them',
      metric: metrics.of('UnindexedSessions').with({ period: Duration.minutes(5) }),
      above: 0,
      minutes: 4,
      silenceAlarms: true,
    },
    SandboxesNotRemoved: {
      says: 'Sandboxes whose time is over are still there, with the data of their sources, or nobody looks after them',
      metric: metrics.of('SandboxesNotRemoved'),
      above: 0,
      minutes: 5,
      silenceAlarms: true,
    },
    JournalLag: {
      says: 'Frames take long to become durable: sessions are held up, and end at their deadline; or no task runs',
      metric: metrics.of('JournalLagMs'),
      above: 2_000,
      minutes: 3,
      silenceAlarms: true,
    },
    LedgerLag: {
      says: 'Leaves wait for the ledger, or the sequencer does not run',
      metric: metrics.of('LedgerLagSeconds'),
      above: 300,
      minutes: 5,
      silenceAlarms: true,
    },
    // A deployment itself takes a minute or two.
    PolicyNotDeployed: {
      says: 'custody.yaml is not the one that was deployed last: somebody else has written who may reach what',
      metric: metrics.of('PolicyNotDeployed'),
      above: 0,
      minutes: 3,
    },
    RefusedTokens: {
      says: 'Many tokens are refused: somebody is guessing, or the identity provider has changed',
      metric: metrics.count('RefusedTokens'),
      above: 50,
      minutes: 5,
    },
    // One look-up that fails is tried again with the next login.
    DirectoryFailures: {
      says: 'Groups cannot be looked up: older answers serve for as long as staleFor says, then logins are refused',
      metric: metrics.count('DirectoryFailures'),
      above: 0,
      minutes: 3,
    },
    // Whoever tells has waited for ten minutes.
    IssuersAway: {
      says: 'An identity provider does not answer: its last keys serve for as long as custody.yaml says, and then nobody of it logs in',
      metric: metrics.count('IssuersAway'),
      above: 0,
      minutes: 1,
    },
    RecorderFailures: {
      says: 'A recording failed, and its session ended',
      metric: metrics.count('RecorderFailures'),
      above: 0,
      minutes: 1,
    },
    // Whoever renews it needs a working day or two, and a private CA has none who does it by himself.
    CertificateEnds: {
      says: "The gateway's certificate ends in less than three weeks: put a new one into its secret, and each login sees it within five minutes",
      metric: metrics.of('CertificateDaysLeft', Stats.MINIMUM),
      below: 21,
      minutes: 5,
    },
    DeadLetters: {
      says: 'A message to a webhook was given up: custody status names it, and it can be sent again',
      metric: metrics.count('DeadLetters'),
      above: 0,
      minutes: 1,
    },
    BreakGlass: {
      says: 'Somebody broke the glass: it needs a review',
      metric: metrics.count('BreakGlass'),
      above: 0,
      minutes: 1,
    },
  };
}

/** Each call is told to the topic in words as well; the alarm stays where it was overlooked there. */
export function changesWatches({ told, untold }: Changes): Record<string, Watch> {
  return {
    StackChanged: {
      says: 'Somebody changed, or tried to change, keys, policies, functions or tasks of the stack: the message before this one says who, what and from where',
      metric: told,
      above: 0,
      minutes: 1,
    },
    ChangesUntold: {
      says: 'What is changed of the stack cannot be told to the topic of alarms: look at its policy, and at that of the data key',
      metric: untold,
      above: 0,
      minutes: 1,
    },
  };
}

/** The functions behind the API answer every error, so that Lambda counts none: what counts is what they answer. */
function apiWatches(api: GatewayApi): Record<string, Watch> {
  const metric = api.failures();
  const says = 'The API answers that it is its own fault (5xx): people cannot ask, approve or end sessions';
  return { ApiFails: { says, metric, above: 0, minutes: 3 } };
}

function functionWatches({ byName }: Functions): Record<string, Watch> {
  const watches = Object.entries(byName).map(([name, lambda]) => {
    const metric = lambda.metricErrors({ period: Duration.minutes(1), statistic: Stats.SUM });
    return [`Errors-${name}`, { says: `The function ${name} fails`, metric, above: 0, minutes: 3 }] as const;
  });
  return Object.fromEntries(watches);
}

/** An index is throttled by itself, and the table's metric does not say so. */
function tableWatches({ byName, places }: Tables): Record<string, Watch> {
  const watches = Object.entries(byName).flatMap(([name, { tableName }]) =>
    ['Read', 'Write'].map((way) => {
      const { indexes } = places[name as TableName];
      const metric = throttled({ tableName, indexes }, way);
      const says = `DynamoDB throttles ${way.toLowerCase()}s of the table of ${name}`;
      return [`${way}Throttles-${name}`, { says, metric, above: 0, minutes: 3 }] as const;
    }),
  );
  return Object.fromEntries(watches);
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html */
function throttled(
  { tableName: TableName, indexes }: { readonly tableName: string; readonly indexes: readonly string[] },
  way: string,
): IMetric {
  const count = (dimensions: Record<string, string>) =>
    new Metric({
      namespace: 'AWS/DynamoDB',
      metricName: `${way}ThrottleEvents`,
      dimensionsMap: { TableName, ...dimensions },
      statistic: Stats.SUM,
      period: Duration.minutes(1),
    });
  if (indexes.length === 0) return count({});
  const each = [count({}), ...indexes.map((name) => count({ GlobalSecondaryIndexName: name }))];
  return new MathExpression({
    expression: each.map((_, i) => `FILL(m${i}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(each.map((metric, i) => [`m${i}`, metric])),
    label: `${way} throttles, with indexes`,
    period: Duration.minutes(1),
  });
}
