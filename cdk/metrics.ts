import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** What processes tell CloudWatch in their logs (embedded metric format), each under its own `service`. */
const NAMESPACE = 'Custody';

/** Who tells what. */
const TOLD_BY = {
  UnsealedSessions: ['sealer'],
  LedgerLagSeconds: ['sequencer'],
  BreakGlass: ['access', 'notifier', 'proxy'],
  RefusedTokens: ['authorizer', 'proxy'],
  JournalLagMs: ['proxy'],
  RecorderFailures: ['proxy'],
  ActiveSessions: ['proxy'],
} as const;

export type MetricName = keyof typeof TOLD_BY;

/** By the minute. `statistic`: of what one service told in it. */
export function custodyMetric(name: MetricName, statistic: string = Stats.MAXIMUM): Metric {
  return metricOf(name, TOLD_BY[name][0], statistic);
}

/** How many a minute, whoever counted them. */
export function custodyCount(name: 'BreakGlass' | 'RefusedTokens' | 'RecorderFailures'): IMetric {
  const services: readonly string[] = TOLD_BY[name];
  if (services.length === 1) return custodyMetric(name, Stats.SUM);
  return new MathExpression({
    expression: services.map((service) => `FILL(${service}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(
      services.map((service) => [service, metricOf(name, service, Stats.SUM)]),
    ),
    label: name,
    period: MINUTE,
  });
}

const MINUTE = Duration.minutes(1);

function metricOf(metricName: string, service: string, statistic: string): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    statistic,
    period: MINUTE,
    dimensionsMap: { service },
  });
}
