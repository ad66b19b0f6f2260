import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Tells CloudWatch through the log (embedded metric format): no call, and nothing that could fail. */
export function metricsOfProxy(): (counts: Readonly<Record<string, number>>) => void {
  // The stack names its own: another's in the same account has the same services.
  const namespace = process.env['POWERTOOLS_METRICS_NAMESPACE'] ?? 'Custody';
  const metrics = new Metrics({ namespace, serviceName: 'proxy' });
  return (counts) => {
    for (const [name, value] of Object.entries(counts)) metrics.addMetric(name, unitOf(name), value);
    metrics.publishStoredMetrics();
  };
}

function unitOf(name: string) {
  return name.endsWith('Ms') ? MetricUnit.Milliseconds : MetricUnit.Count;
}
