import { Duration, Stack } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Port } from 'aws-cdk-lib/aws-ec2';
import {
  Capability,
  Cluster,
  type ContainerDefinition,
  type ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  PropagatedTagSource,
} from 'aws-cdk-lib/aws-ecs';
import { NetworkTargetGroup, Protocol } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { ProxyEnvironment } from '../environment.ts';
import { explain, explainWildcards } from '../explain.ts';
import { endUnhealthySessions, HEALTH_PORT, type LoadBalancer, sessionTargets } from './load-balancer.ts';
import { encryptedLog } from './log-group.ts';
import type { Network } from './network.ts';

/** How many tasks, and how large. */
export interface TaskSettings {
  readonly min: number;
  readonly max: number;
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly architecture: 'arm64' | 'x64';
  /** How many sessions a task has on average before another is started. */
  readonly sessionsEach: number;
  /** How many a task has at most: it refuses more, and stays healthy. Twice as many when not given. */
  readonly maxSessions?: number | undefined;
}

export interface ProxyServiceProps {
  readonly image: ContainerImage;
  readonly environment: ProxyEnvironment;
  readonly network: Network;
  readonly balancer: LoadBalancer;
  readonly role: Role;
  readonly key: IKey;
  readonly tasks: TaskSettings;
  readonly drain: Duration;
  /** Sessions a task, on average and of the fullest. */
  readonly activeSessions: Metric;
  readonly mostSessions: Metric;
}

/** The most that Fargate gives between SIGTERM and SIGKILL. */
const STOP = Duration.seconds(120);
/** Sessions that are still there have so long to be told and sealed. */
const GOODBYE = Duration.seconds(100);
const GRACE = Duration.seconds(60);
const CPU_PERCENT = 60;
const SCALE_IN_PAUSE = Duration.minutes(10);
/** Of what a task takes at most. */
const NEARLY_FULL = 0.8;
const FULL_PAUSE = Duration.minutes(15);
const SCRATCH = 'scratch';

/** The proxy, as tasks that are replaced without cutting sessions. */
export class ProxyService extends Construct {
  readonly service: FargateService;
  readonly cluster: Cluster;
  /** Of each listener. */
  readonly targets: readonly NetworkTargetGroup[];

  constructor(scope: Construct, id: string, props: ProxyServiceProps) {
    super(scope, id);
    const { network, role } = props;
    this.cluster = new Cluster(this, 'Cluster', {
      vpc: network.vpc,
      containerInsightsV2: ContainerInsights.ENHANCED,
    });
    mayProtectItself(role, this.cluster);
    // No desired count: it would count again at each deployment, whatever scaling has made of it. Scaling begins with the least.
    this.service = new FargateService(this, 'Service', {
      cluster: this.cluster as ICluster,
      taskDefinition: taskOf(this, props),
      vpcSubnets: network.private,
      securityGroups: [network.tasks],
      assignPublicIp: false,
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      healthCheckGracePeriod: GRACE,
      // Else tasks have no tags, and nobody's bill says whose they are.
      enableECSManagedTags: true,
      propagateTags: PropagatedTagSource.SERVICE,
    });
    this.targets = listen(this.service, props);
    // Else tasks may start before they can fetch their image, their secrets or their database's answer.
    this.service.node.addDependency(...network.wayOut);
    scale(this.service, props);
  }
}

function taskOf(
  scope: Construct,
  { tasks, role, key, image, environment, balancer }: ProxyServiceProps,
): FargateTaskDefinition {
  const task = new FargateTaskDefinition(scope, 'Task', {
    cpu: tasks.cpu,
    memoryLimitMiB: tasks.memoryMiB,
    taskRole: role,
    runtimePlatform: {
      cpuArchitecture: tasks.architecture === 'arm64' ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
    volumes: [{ name: SCRATCH }],
  });
  const ports = balancer.listeners.map(({ containerPort }) => containerPort);
  const container = task.addContainer('Proxy', {
    image,
    command: [
      ...['--listen', `0.0.0.0:${ports[0]}`, '--data-dir', '/tmp/custody'],
      ...['--sessions-max', String(maxOf(tasks)), '--processes', String(processesOf(tasks))],
      ...['--drain-ms', String(GOODBYE.toMilliseconds()), '--api-url', environment.CUSTODY_API_URL],
    ],
    environment: { ...environment },
    logging: LogDrivers.awsLogs({ logGroup: encryptedLog(scope, 'Log', key), streamPrefix: 'proxy' }),
    readonlyRootFilesystem: true,
    user: 'node',
    privileged: false,
    linuxParameters: withInit(scope),
    stopTimeout: STOP,
    portMappings: [...ports, HEALTH_PORT].map((containerPort) => ({ containerPort })),
  });
  mountScratch(container);
  explain(task, 'they are names of things: secrets are fetched by the process, by its own role', 'ECS2');
  explain(task, 'a login to the registry belongs to no resource', 'IAM5[Resource::*]');
  return task;
}

/** Zombies are nobody's, and signals arrive. */
function withInit(scope: Construct): LinuxParameters {
  const parameters = new LinuxParameters(scope, 'Linux', { initProcessEnabled: true });
  parameters.dropCapabilities(Capability.ALL);
  return parameters;
}

/** Copies of certificates; the rest of the file system is read-only. */
function mountScratch(container: ContainerDefinition): void {
  container.addMountPoints({ sourceVolume: SCRATCH, containerPath: '/tmp', readOnly: false });
}

/**
 * A task with sessions protects itself from scaling in and deployments, with its own role.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html
 */
function mayProtectItself(role: Role, cluster: Cluster): void {
  const resourceName = `${cluster.clusterName}/*`;
  const task = Stack.of(cluster).formatArn({ service: 'ecs', resource: 'task', resourceName });
  role.addToPolicy(
    new PolicyStatement({
      sid: 'ProtectTasks',
      actions: ['ecs:UpdateTaskProtection', 'ecs:GetTaskProtection'],
      resources: [task],
    }),
  );
  explainWildcards(role, 'tasks get their names when they start; the cluster has no others', task);
}

function listen(
  service: FargateService,
  { network, balancer, drain }: ProxyServiceProps,
): readonly NetworkTargetGroup[] {
  for (const port of [...balancer.listeners.map(({ containerPort }) => containerPort), HEALTH_PORT])
    network.tasks.connections.allowFrom(balancer.group, Port.tcp(port), 'The load balancer');
  return balancer.listeners.map(({ listener, targetsId, containerPort }) => {
    const group = new NetworkTargetGroup(service, targetsId, {
      ...sessionTargets(drain),
      vpc: network.vpc,
      port: containerPort,
      protocol: Protocol.TCP,
      targets: [service.loadBalancerTarget({ containerName: 'Proxy', containerPort })],
    });
    listener.addTargetGroups('Tasks', group);
    endUnhealthySessions(group);
    return group;
  });
}

/**
 * Whoever comes to a full task is refused (53300), and gets another one with the next try. Its health stays good: the load balancer ends
 * the connections of a task whose health is not.
 */
function maxOf({ sessionsEach, maxSessions = 2 * sessionsEach }: TaskSettings): number {
  return maxSessions;
}

/**
 * As a gateway chooses by itself where it sees its cores: a task of a fraction of a machine may see more than it has. CPU and sessions,
 * which scaling goes by, are of the whole task.
 */
function processesOf({ cpu }: TaskSettings): number {
  const cores = Math.floor(cpu / 1024);
  return cores <= 2 ? 1 : cores - 1;
}

function scale(service: FargateService, { tasks, activeSessions, mostSessions }: ProxyServiceProps): void {
  const scaling = service.autoScaleTaskCount({ minCapacity: tasks.min, maxCapacity: tasks.max });
  scaling.scaleOnCpuUtilization('Cpu', {
    targetUtilizationPercent: CPU_PERCENT,
    scaleInCooldown: SCALE_IN_PAUSE,
  });
  scaling.scaleToTrackCustomMetric('Sessions', {
    metric: activeSessions,
    targetValue: tasks.sessionsEach,
    scaleInCooldown: SCALE_IN_PAUSE,
  });
  // An average hides one that is full. One more at a time, and seldom: those that are there stay where they are, and a policy that
  // follows the fullest would add tasks until there are as many as may be.
  const most = maxOf(tasks);
  scaling.scaleOnMetric('Fullest', {
    metric: mostSessions,
    scalingSteps: [
      { lower: Math.ceil(most * NEARLY_FULL), upper: most, change: 1 },
      { lower: most, change: 2 },
    ],
    evaluationPeriods: 3,
    cooldown: FULL_PAUSE,
  });
}
