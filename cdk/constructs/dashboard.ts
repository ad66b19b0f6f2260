import {
  AlarmStatusWidget,
  Dashboard as Board,
  GraphWidget,
  type IMetric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { CustodyMetrics } from '../metrics.ts';
import type { Alarms } from './alarms.ts';
import type { Functions } from './functions.ts';

const WIDTH = 8;
const FULL = 24;

export interface DashboardProps {
  readonly metrics: CustodyMetrics;
  readonly alarms: Alarms;
  readonly functions: Functions;
  readonly service: FargateService;
}

/** One page for whoever is called. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { metrics, alarms, functions, service }: DashboardProps) {
    super(scope, id);
    const lambdas = Object.values(functions.byName);
    const board = new Board(this, 'Board');
    board.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms.all], width: FULL }));
    board.addWidgets(
      graph('Sessions, each task', metrics.of('ActiveSessions', Stats.AVERAGE), metrics.of('ActiveSessions')),
      graph('Unsealed sessions', metrics.of('UnsealedSessions')),
      graph(
        'Recorder failures, broken glass',
        metrics.count('RecorderFailures'),
        metrics.count('BreakGlass'),
      ),
    );
    board.addWidgets(
      graph(
        'Journal lag, ms',
        metrics.of('JournalLagMs', Stats.p(50)),
        metrics.of('JournalLagMs', Stats.p(99)),
      ),
      graph('Ledger lag, s', metrics.of('LedgerLagSeconds')),
      graph('Refused tokens', metrics.count('RefusedTokens')),
    );
    board.addWidgets(
      graph('Tasks: CPU and memory, %', service.metricCpuUtilization(), service.metricMemoryUtilization()),
      graph('Functions: errors', ...lambdas.map((one) => one.metricErrors())),
      graph(
        'Functions: duration, ms',
        ...lambdas.map((one) => one.metricDuration({ statistic: Stats.p(95) })),
      ),
    );
  }
}

function graph(title: string, ...left: readonly IMetric[]): GraphWidget {
  return new GraphWidget({ title, left: [...left], width: WIDTH, leftYAxis: { min: 0 } });
}
