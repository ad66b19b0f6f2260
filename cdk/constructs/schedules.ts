import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { Functions } from './functions.ts';

const SCHEDULED = ['sealer', 'settler', 'sequencer', 'notifier', 'sandbox'] as const;
/** The next minute brings the next. */
const ONCE = { retryAttempts: 0, maxEventAge: Duration.minutes(1) } as const;

/** Whose events they are: a cluster's ARN, a bucket's name. */
interface Sources {
  readonly cluster: string;
  readonly recordings: string;
  readonly events: string;
}

/**
 * What runs every minute; the sealer also as soon as a task has stopped, whatever the reason, settler and indexer as soon as a session
 * is sealed.
 */
export class Schedules extends Construct {
  /** Of its rules. */
  get names(): string[] {
    return this.node.children.filter((one) => one instanceof Rule).map(({ ruleName }) => ruleName);
  }

  constructor(scope: Construct, id: string, { byName }: Functions, { cluster, recordings, events }: Sources) {
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
        detail: { clusterArn: [cluster], lastStatus: ['STOPPED'] },
      },
      targets: [new LambdaFunction(byName.sealer, { retryAttempts: 2 })],
    });
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    new Rule(this, 'sessionSealed', {
      description: 'Custody: a session is sealed',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [recordings] }, object: { key: [{ suffix: '/close.json.sig' }] } },
      },
      targets: [new LambdaFunction(byName.settler, ONCE), new LambdaFunction(byName.indexer, ONCE)],
    });
    byName.indexer.configureAsyncInvoke(ONCE);
    new Rule(this, 'indexer', {
      description: 'Custody: runs the indexer, for what was left behind',
      schedule: Schedule.rate(Duration.minutes(5)),
      targets: [new LambdaFunction(byName.indexer, ONCE)],
    });
    new Rule(this, 'indexWanted', {
      description: 'Custody: somebody asks for the index of a session',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [events] }, object: { key: [{ prefix: 'wanted/' }] } },
      },
      targets: [new LambdaFunction(byName.indexer, ONCE)],
    });
  }
}
