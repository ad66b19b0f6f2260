import {
  AlarmStatusWidget,
  Dashboard as Board,
  GraphWidget,
  type IMetric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { custodyCount, custodyMetric } from '../metrics.ts';
import type { Alarms } from './alarms.ts';
import type { Functions } from './functions.ts';

const WIDTH = 8;
const FULL = 24;

/** One page for whoever is called. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, alarms: Alarms, functions: Functions, service: FargateService) {
    super(scope, id);
    const lambdas = Object.values(functions.byName);
    const board = new Board(this, 'Board');
    board.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms.all], width: FULL }));
    board.addWidgets(
      graph(
        'Sessions, each task',
        custodyMetric('ActiveSessions', Stats.AVERAGE),
        custodyMetric('ActiveSessions'),
      ),
      graph('Unsealed sessions', custodyMetric('UnsealedSessions')),
      graph('Recorder failures, broken glass', custodyCount('RecorderFailures'), custodyCount('BreakGlass')),
    );
    board.addWidgets(
      graph(
        'Journal lag, ms',
        custodyMetric('JournalLagMs', Stats.p(50)),
        custodyMetric('JournalLagMs', Stats.p(99)),
      ),
      graph('Ledger lag, s', custodyMetric('LedgerLagSeconds')),
      graph('Refused tokens', custodyCount('RefusedTokens')),
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
