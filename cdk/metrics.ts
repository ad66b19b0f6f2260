import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** What processes tell CloudWatch, in their logs (embedded metric format), without dimensions. */
const NAMESPACE = 'Custody';

export type MetricName =
  | 'UnsealedSessions'
  | 'JournalLagMs'
  | 'LedgerLagSeconds'
  | 'RefusedTokens'
  | 'RecorderFailures'
  | 'BreakGlass'
  | 'ActiveSessions';

export function custodyMetric(metricName: MetricName, statistic: string = Stats.MAXIMUM): Metric {
  return new Metric({ namespace: NAMESPACE, metricName, statistic, period: Duration.minutes(1) });
}
