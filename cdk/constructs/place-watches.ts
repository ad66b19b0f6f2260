import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnNatGateway } from 'aws-cdk-lib/aws-ec2';
import type { Watch } from './alarms.ts';
import type { Network } from './network.ts';
import type { ProxyService } from './proxy-service.ts';

const MINUTE = Duration.minutes(1);

/** What surrounds the processes, which cannot tell of it themselves. */
export function placeWatches(service: ProxyService, network: Network): Record<string, Watch> {
  const nat = lostPorts(network);
  return {
    UnhealthyTasks: {
      says: 'The load balancer finds tasks that do not answer for their health: clients are sent elsewhere, or nowhere',
      metric: most(
        service.targets.map((group) =>
          group.metrics.unHealthyHostCount({ period: MINUTE, statistic: Stats.MAXIMUM }),
        ),
      ),
      above: 0,
      minutes: 5,
    },
    MissingTasks: {
      says: 'Fewer tasks run than ECS wants: they do not start, and the log of the proxy, or the events of the service, say why',
      metric: missing(service),
      above: 0,
      minutes: 15,
    },
    ...(nat === undefined
      ? {}
      : {
          NatPorts: {
            says: 'A NAT gateway has no ports left to one destination: keys of issuers, webhooks or targets cannot be reached',
            metric: nat,
            above: 0,
            minutes: 3,
          },
        }),
  };
}

/** Of Container Insights. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html */
function missing({ cluster, service }: ProxyService): IMetric {
  const dimensionsMap = { ClusterName: cluster.clusterName, ServiceName: service.serviceName };
  const count = (metricName: string) =>
    new Metric({
      namespace: 'ECS/ContainerInsights',
      ...{ metricName, dimensionsMap, statistic: Stats.MAXIMUM, period: MINUTE },
    });
  return new MathExpression({
    expression: 'desired - running',
    usingMetrics: { desired: count('DesiredTaskCount'), running: count('RunningTaskCount') },
    label: 'Missing tasks',
    period: MINUTE,
  });
}

/** Of the gateways that the stack made; those of a VPC that was there are somebody else's. */
function lostPorts({ vpc }: Network): IMetric | undefined {
  const gateways = vpc.node.findAll().filter((one) => one instanceof CfnNatGateway);
  const metrics = gateways.map(
    ({ attrNatGatewayId: NatGatewayId }) =>
      new Metric({
        namespace: 'AWS/NATGateway',
        ...{ metricName: 'ErrorPortAllocation', dimensionsMap: { NatGatewayId } },
        ...{ statistic: Stats.SUM, period: MINUTE },
      }),
  );
  return metrics.length === 0 ? undefined : most(metrics);
}

function most(metrics: readonly IMetric[]): IMetric {
  const [first, ...others] = metrics;
  if (others.length === 0) return first!;
  const named = metrics.map((metric, i) => [`m${i}`, metric] as const);
  return new MathExpression({
    expression: `MAX([${named.map(([name]) => `FILL(${name}, 0)`).join(', ')}])`,
    usingMetrics: Object.fromEntries(named),
    period: MINUTE,
  });
}
