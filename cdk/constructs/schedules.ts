import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { Functions } from './functions.ts';

const SCHEDULED = ['sealer', 'sequencer', 'notifier'] as const;
/** The next minute brings the next. */
const ONCE = { retryAttempts: 0, maxEventAge: Duration.minutes(1) } as const;

/** What runs every minute; and the sealer, as soon as a task has stopped, whatever the reason. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { byName }: Functions, clusterArn: string) {
    super(scope, id);
    for (const name of SCHEDULED) {
      // Lambda's own: a run that fails or takes too long would be done again beside the next ones.
      byName[name].configureAsyncInvoke(ONCE);
      new Rule(this, name, {
        description: `Custody: runs the ${name}`,
        schedule: Schedule.rate(Duration.minutes(1)),
        targets: [new LambdaFunction(byName[name], ONCE)],
      });
    }
    new Rule(this, 'taskStopped', {
      description: 'Custody: a task of the proxy has stopped',
      eventPattern: {
        source: ['aws.ecs'],
        detailType: ['ECS Task State Change'],
        detail: { clusterArn: [clusterArn], lastStatus: ['STOPPED'] },
      },
      targets: [new LambdaFunction(byName.sealer, { retryAttempts: 2 })],
    });
  }
}
