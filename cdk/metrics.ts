import { Duration, Stack } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IConstruct } from 'constructs';

/** Who tells what. */
const TOLD_BY = {
  UnsealedSessions: ['sealer'],
  UnsettledTasks: ['settler'],
  UnindexedSessions: ['indexer'],
  SandboxesNotRemoved: ['sandbox'],
  PolicyNotDeployed: ['notifier'],
  LedgerLagSeconds: ['sequencer'],
  // Whoever changes a request tells of it; the notifier, what was left behind by one who died.
  BreakGlass: ['access', 'notifier', 'proxy'],
  RefusedTokens: ['authorizer', 'proxy'],
  DirectoryFailures: ['authorizer', 'proxy'],
  IssuersAway: ['authorizer', 'proxy'],
  JournalLagMs: ['proxy'],
  RecorderFailures: ['proxy'],
  ActiveSessions: ['proxy'],
  CertificateDaysLeft: ['proxy'],
  DeadLetters: ['notifier'],
} as const;

export type MetricName = keyof typeof TOLD_BY;

/** What the processes of one gateway tell CloudWatch in their logs (embedded metric format), each under its own `service`. */
export class CustodyMetrics {
  readonly namespace: string;

  constructor(gateway: IConstruct) {
    const { stackName } = Stack.of(gateway);
    this.namespace = `Custody/${stackName}/${gateway.node.id}`;
  }

  /** By the minute. `statistic`: of what one service told in it. */
  of(name: MetricName, statistic: string = Stats.MAXIMUM): Metric {
    return this.#told(name, TOLD_BY[name][0], statistic);
  }

  /** How many a minute, whoever counted them. */
  count(
    name:
      | 'BreakGlass'
      | 'RefusedTokens'
      | 'DirectoryFailures'
      | 'IssuersAway'
      | 'RecorderFailures'
      | 'DeadLetters',
  ): IMetric {
    const services: readonly string[] = TOLD_BY[name];
    if (services.length === 1) return this.of(name, Stats.SUM);
    const told = services.map((service) => [service, this.#told(name, service, Stats.SUM)] as const);
    return new MathExpression({
      expression: services.map((service) => `FILL(${service}, 0)`).join(' + '),
      usingMetrics: Object.fromEntries(told),
      label: name,
      period: MINUTE,
    });
  }

  #told(metricName: string, service: string, statistic: string): Metric {
    const { namespace } = this;
    return new Metric({ namespace, metricName, statistic, period: MINUTE, dimensionsMap: { service } });
  }
}

const MINUTE = Duration.minutes(1);
