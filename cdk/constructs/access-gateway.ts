import { Annotations, Aws, CfnOutput, type Duration } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Config, IssuerConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { ProtocolName } from '#core/protocols/protocols.ts';
import { builtFunction, builtImage, ROOT } from '../artifacts.ts';
import { watchedOf } from '../changes/watched.ts';
import { CONFIG_FILE, readConfigFolder } from '../config-folder.ts';
import type { FunctionEnvironment, ProxyEnvironment } from '../environment.ts';
import type { FunctionName } from '../function-names.ts';
import { CustodyMetrics } from '../metrics.ts';
import { type Places, permit } from '../permissions.ts';
import { longestDays, type RecordingSettings, requireAcknowledgedLocks } from '../retention.ts';
import { mayReadSecret } from '../secret-access.ts';
import { type KubernetesTarget, wireKubernetesTarget } from '../targets/kubernetes/target.ts';
import {
  KUBERNETES_CONTAINER_PORT,
  listenersOf,
  SSH_CONTAINER_PORT,
  speaksKubernetes,
  speaksSsh,
} from '../targets/listeners.ts';
import { requireRdsCertificates } from '../targets/postgres/rds-certificates.ts';
import { type PostgresTarget, wirePostgresTarget } from '../targets/postgres/target.ts';
import { SshAuthorities } from '../targets/ssh/authorities.ts';
import { type SshTarget, wireSshTarget } from '../targets/ssh/target.ts';
import { takesRoles } from '../targets/taken-roles.ts';
import type { TargetWiring } from '../targets/wiring.ts';
import { AccessLogs } from './access-logs.ts';
import { Alarms, changesWatches } from './alarms.ts';
import { Api, type ApiName, type GatewayApi } from './api.ts';
import { Auditor } from './auditor.ts';
import { Changes } from './changes.ts';
import { ConfigStore } from './config-store.ts';
import { Console } from './console/console.ts';
import type { ConsoleSettings } from './console/settings.ts';
import { Dashboard } from './dashboard.ts';
import { DataKey } from './data-key.ts';
import { Events } from './events.ts';
import { EvidenceStore } from './evidence-store.ts';
import { Functions } from './functions.ts';
import { LoadBalancer } from './load-balancer.ts';
import { Network, type NetworkProps } from './network.ts';
import { placeWatches } from './place-watches.ts';
import { PrivateApi } from './private-api.ts';
import { ProxyService, type TaskSettings } from './proxy-service.ts';
import { Schedules } from './schedules.ts';
import { Signing } from './signing.ts';
import { Tables } from './tables.ts';

export interface AccessGatewayProps {
  /** A folder with custody.yaml and the certificates that it names. */
  readonly configFolder: string;
  /** Where clients reach the gateway. */
  readonly hostname: string;
  readonly port: number;
  /** Where SSH clients reach it, where custody.yaml has a target for them; 22 when not given. */
  readonly sshPort?: number;
  /** Where clients of clusters reach it, where custody.yaml has one; 6443 when not given. */
  readonly kubernetesPort?: number;
  /** JSON `{"cert", "key"}`, both PEM: what clients see. */
  readonly tlsSecret: ISecret;
  readonly reach: 'internal' | 'internet';
  /** Networks that clients may come from. */
  readonly clients: readonly string[];
  /** A new one when not given. */
  readonly vpc?: IVpc;
  /** Of that VPC, where tasks and the load balancer are; found by their routes when not given. */
  readonly subnets?: NonNullable<NetworkProps['subnets']>;
  /** Of tasks and of the load balancer, with all their rules; made when not given. */
  readonly securityGroups?: NonNullable<NetworkProps['securityGroups']>;
  /** How issuers' keys are fetched: through NAT gateways, or not from outside. */
  readonly issuerAccess: 'nat' | 'none';
  /** Of a new VPC; one when not given. */
  readonly natGateways?: number;
  /** Where targets are, as CIDRs or prefix lists: for more than 40 of them, which no longer have a rule each. */
  readonly targetNetworks?: readonly string[];
  readonly tasks: TaskSettings;
  /** How long sessions may go on after their task was told to stop; an hour at most. */
  readonly drain: Duration;
  readonly recordings: RecordingSettings;
  /** The ledger's name, which no other ledger has; `<hostname>/ledger` when not given. */
  readonly ledgerOrigin?: string;
  /** Where the control plane is: at API Gateway's own address when not given. */
  readonly api?: ApiSettings;
  /** Of Route 53, where the host name's record is made; by whoever owns the zone when not given. */
  readonly hostedZoneId?: string;
  /** ARNs of who may take a role that reads evidence, and nothing else; there is none when nobody is given. */
  readonly auditors?: readonly string[];
  /** Who gets alarms by e-mail. */
  readonly emails?: readonly string[];
  /**
   * Whether the stack has been deployed once, and works: then nobody deletes its tables, its load balancer and its keys, CloudFormation
   * included. Before that they would keep a first deployment that failed from being removed.
   */
  readonly protect?: boolean;
  /** Secrets that webhooks sign with, as custody.yaml names them. */
  readonly webhookSecrets?: readonly ISecret[];
  /** Secrets that directories show (SCIM), as custody.yaml names them. */
  readonly directorySecrets?: readonly ISecret[];
  /** Credentials with which directories are asked for groups, as custody.yaml names them. */
  readonly groupSecrets?: readonly ISecret[];
  /** Where people open the console: behind CloudFront when not given. */
  readonly console?: ConsoleSettings;
  /** What `npm run build` made when not given. */
  readonly code?: (name: FunctionName) => Code;
  readonly image?: ContainerImage;
  /** The folder with the console's files. */
  readonly consoleFiles?: string;
}

/** `private`: reached through a VPC endpoint alone, which is made in a new VPC. */
export type ApiSettings =
  | { readonly kind: 'plain' }
  | ({ readonly kind: 'named' } & ApiName)
  | { readonly kind: 'private'; readonly endpointId?: string; readonly webAclArn?: string };

const SSH_PORT = 22;
const KUBERNETES_PORT = 6443;
const ADDS: Readonly<Record<ProtocolName, string>> = {
  postgres: 'addPostgresTarget',
  ssh: 'addSshTarget',
  kubernetes: 'addKubernetesTarget',
};

/** The whole gateway. Targets are added one by one, and each gives the proxy what it needs for that target alone. */
export class AccessGateway extends Construct {
  readonly network: Network;
  readonly service: ProxyService;
  readonly functions: Functions;
  readonly evidence: EvidenceStore;
  readonly events: Events;
  readonly tables: Tables;
  readonly dataKey: IKey;
  readonly signing: Signing;
  /** Where custody.yaml has SSH targets. */
  readonly ssh: SshAuthorities | undefined;
  readonly alarms: Alarms;
  readonly api: GatewayApi;
  readonly console: Console;
  /** What people need who deploy, use and audit it. */
  readonly outputs: Readonly<Record<string, CfnOutput>>;
  readonly #config: Config;
  readonly #role: Role;
  readonly #auditor: Auditor | undefined;
  readonly #networks: readonly string[] | undefined;
  readonly #added = new Set<string>();

  /** Throws `config-invalid` for a configuration that the gateway would not start with. */
  constructor(scope: Construct, id: string, props: AccessGatewayProps) {
    super(scope, id);
    this.#config = readConfigFolder(props.configFolder);
    this.#networks = props.targetNetworks;
    requireAcknowledgedLocks(this.#config, props.recordings);
    requireRdsCertificates(this.#config, ROOT);
    const { protect = false } = props;
    const { key } = new DataKey(this, 'DataKey', protect);
    this.dataKey = key;
    const accessLogs = new AccessLogs(this, 'AccessLogs').bucket as IBucket;
    const config = new ConfigStore(this, 'Config', {
      folder: props.configFolder,
      ...{ accessLogs, key, protect },
    });
    this.signing = new Signing(this, 'Signing', protect);
    this.ssh = speaksSsh(this.#config) ? new SshAuthorities(this, 'Ssh', protect) : undefined;
    this.tables = new Tables(this, 'Tables', key, protect);
    this.evidence = new EvidenceStore(this, 'Evidence', {
      ...{ key, accessLogs, ...props.recordings },
      longestDays: longestDays(this.#config, props.recordings),
    });
    this.events = new Events(this, 'Events', {
      ...{ key, accessLogs },
      longestDays: longestDays(this.#config, props.recordings),
    });
    const takes = takesRoles(this.#config);
    this.network = new Network(this, 'Network', { ...props, key, takesRoles: takes });
    const ports = { sshPort: SSH_PORT, kubernetesPort: KUBERNETES_PORT, ...props };
    const listeners = listenersOf(this.#config, ports);
    const balancer = new LoadBalancer(this, 'Front', { ...props, network: this.network, listeners, protect });
    if (props.hostedZoneId !== undefined) balancer.record(props.hostedZoneId, props.hostname);
    this.api = this.#api(props, key);
    this.console = new Console(this, 'Console', {
      ...{ key, accessLogs, config: this.#config, settings: props.console ?? {} },
      ...{ api: this.api, evidence: this.evidence.bucket },
      ...(props.consoleFiles === undefined ? {} : { source: props.consoleFiles }),
    });
    const metrics = new CustodyMetrics(this);
    const environment = this.#environment(props, config, metrics);
    const places = this.#places(config, key.keyArn);
    this.functions = new Functions(this, 'Functions', {
      ...{ environment, places, key },
      code: props.code ?? builtFunction,
      servesConsole: props.console === 'api',
      ...(this.api instanceof PrivateApi ? { namesBegin: this.api.functionNames } : {}),
      ...(this.#mustAskInside(props) ? { besideIssuer: this.network.placeForFunctions() } : {}),
    });
    this.api.route(this.functions);
    this.console.route(this.functions);
    this.#role = this.#proxyRole(places, props.tlsSecret);
    const { sealer, settler, indexer, sequencer } = this.functions.roles;
    this.signing.onlyFor([this.#role, sealer, settler, indexer, sequencer]);
    this.ssh?.onlyFor({ certificates: this.functions.roles.ssh, proxy: this.#role });
    this.service = new ProxyService(this, 'Proxy', {
      ...{ key, balancer, network: this.network, role: this.#role, tasks: props.tasks, drain: props.drain },
      image: props.image ?? builtImage(props.tasks.architecture),
      environment: proxyEnvironment(environment, props.tlsSecret, this.ssh),
      activeSessions: metrics.of('ActiveSessions', 'Average'),
      mostSessions: metrics.of('ActiveSessions'),
    });
    // A task that finds no custody.yaml does not start, and a few of those roll a deployment back. One that finds the bucket of
    // recordings without its policy would start.
    this.service.service.node.addDependency(config.files, this.evidence);
    // Told first what is deployed, it tells what is not from what is.
    config.files.node.addDependency(this.functions.byName.notifier);
    this.#mayRead('Edge', this.functions.roles.authorizer, this.console.secrets);
    this.#mayRead('Webhook', this.functions.roles.notifier, props.webhookSecrets ?? []);
    this.#mayRead('Directory', this.functions.roles.scim, props.directorySecrets ?? []);
    // Whoever verifies tokens looks groups up.
    for (const role of [this.#role, this.functions.roles.authorizer])
      this.#mayRead('Groups', role, props.groupSecrets ?? []);
    const schedules = new Schedules(this, 'Schedules', this.functions, {
      cluster: this.service.cluster.clusterArn,
      recordings: this.evidence.bucket.bucketName,
      events: this.events.bucket.bucketName,
    });
    // What the sequencer puts is locked: until tasks run, a failed deployment has to find the bucket empty.
    schedules.node.addDependency(this.service.service);
    const watched = { metrics, api: this.api, functions: this.functions, tables: this.tables };
    this.alarms = new Alarms(this, 'Alarms', { ...watched, key, emails: props.emails ?? [] });
    this.alarms.watch(placeWatches(this.service, this.network));
    this.#tellChanges(config, schedules);
    const { alarms, functions, service } = this;
    new Dashboard(this, 'Dashboard', { metrics, alarms, functions, service: service.service });
    this.#auditor = this.#auditorOf(props);
    this.outputs = this.#outputs(balancer, environment.CUSTODY_LEDGER_ORIGIN);
    this.node.addValidation({ validate: () => this.#mentionForgotten() });
  }

  /**
   * Lets the gateway reach a database, and log in to it: opens its port to the tasks, and gives the proxy this secret (or
   * `rds-db:connect`) and no other. Throws `config-invalid` where custody.yaml says otherwise.
   */
  addPostgresTarget(name: string, target: PostgresTarget): this {
    wirePostgresTarget(name, target, this.#wiring);
    this.#added.add(name);
    return this;
  }

  /**
   * Lets the gateway reach a server, and log in to it: opens its port to the tasks, and gives the proxy the secrets of its logins and
   * no others. Throws `config-invalid` where custody.yaml says otherwise.
   */
  addSshTarget(name: string, target: SshTarget): this {
    wireSshTarget(name, target, this.#wiring);
    this.#added.add(name);
    return this;
  }

  /**
   * Lets the gateway reach a cluster, and log in to it: opens its port to the tasks, and gives the proxy its secret, an access entry of
   * EKS, or the one role to take, and no other. Throws `config-invalid` where custody.yaml says otherwise.
   */
  addKubernetesTarget(name: string, target: KubernetesTarget): this {
    wireKubernetesTarget(this, name, target, this.#wiring);
    this.#added.add(name);
    return this;
  }

  get #wiring(): TargetWiring {
    return { config: this.#config, role: this.#role, tasks: this.network.tasks, networks: this.#networks };
  }

  /** custody.yaml, as it is deployed. */
  get config(): Config {
    return this.#config;
  }

  #api({ api = { kind: 'plain' }, console, clients }: AccessGatewayProps, key: IKey): GatewayApi {
    if (api.kind !== 'private') return new Api(this, 'Api', key, api.kind === 'named' ? api : undefined);
    if (console !== false) throw needsNoConsole();
    const endpoint = this.network.apiEndpoint(api.endpointId, clients);
    return new PrivateApi(this, 'PrivateApi', { key, endpoint, webAclArn: api.webAclArn });
  }

  /** What nothing reaches from outside is asked from inside; keys in files need not be asked for. */
  #mustAskInside({ issuerAccess, vpc }: AccessGatewayProps): boolean {
    const asked = this.#config.issuers.find(({ jwksFile }) => jwksFile === undefined);
    if (issuerAccess === 'nat' || asked === undefined) return false;
    if (vpc === undefined)
      Annotations.of(this).addWarningV2('custody:issuer-unreachable', unreachable(asked));
    return true;
  }

  /** Once the gateway runs: what its first deployment makes is nothing that changes. */
  #tellChanges({ bucket }: ConfigStore, schedules: Schedules): void {
    const watched = watchedOf(this, { config: bucket, proxy: this.#role, scheduled: schedules.names });
    const changes = new Changes(this, 'Changes', { topic: this.alarms.topic, watched });
    changes.node.addDependency(this.service.service);
    this.alarms.watch(changesWatches(changes));
  }

  #environment(
    props: AccessGatewayProps,
    config: ConfigStore,
    { namespace }: CustodyMetrics,
  ): FunctionEnvironment {
    const { byName } = this.tables;
    const { hostname, port, recordings } = props;
    return {
      CUSTODY_BUCKET: this.evidence.bucket.bucketName,
      CUSTODY_CONFIG_BUCKET: config.bucket.bucketName,
      CUSTODY_CONFIG_KEY: CONFIG_FILE,
      CUSTODY_TABLE_SESSIONS: byName.sessions.tableName,
      CUSTODY_TABLE_JOURNAL: byName.journal.tableName,
      CUSTODY_TABLE_COORDINATION: byName.coordination.tableName,
      CUSTODY_TABLE_ACCESS: byName.access.tableName,
      CUSTODY_TABLE_RUNS: byName.runs.tableName,
      CUSTODY_TABLE_DELIVERIES: byName.deliveries.tableName,
      CUSTODY_SIGNING_KEY: this.signing.key.keyArn,
      CUSTODY_LEDGER_ORIGIN: props.ledgerOrigin ?? `${hostname}/ledger`,
      CUSTODY_LEDGER_LOCK: recordings.lock,
      CUSTODY_LEDGER_KEEP_DAYS: String(recordings.ledgerDays),
      CUSTODY_POLICY_DEPLOYED: this.#config.version,
      CUSTODY_EVENTS_BUCKET: this.events.bucket.bucketName,
      CUSTODY_EVENTS_DATABASE: this.events.database,
      CUSTODY_API_URL: this.api.url,
      CUSTODY_GATEWAY_ADDRESS: `${hostname}:${port}`,
      ...sshEnvironment(this.ssh, `${hostname}:${props.sshPort ?? SSH_PORT}`),
      ...(speaksKubernetes(this.#config)
        ? { CUSTODY_KUBERNETES_ADDRESS: `${hostname}:${props.kubernetesPort ?? KUBERNETES_PORT}` }
        : {}),
      ...this.console.environment,
      POWERTOOLS_METRICS_NAMESPACE: namespace,
    };
  }

  #auditorOf({ auditors = [] }: AccessGatewayProps): Auditor | undefined {
    if (auditors.length === 0) return undefined;
    const keys = { dataKey: this.dataKey, signingKey: this.signing.key };
    return new Auditor(this, 'Auditor', { auditors, evidence: this.evidence.bucket, ...keys });
  }

  #places(config: ConfigStore, dataKey: string): Places {
    return {
      evidence: this.evidence.bucket.bucketArn,
      config: config.bucket.bucketArn,
      tables: this.tables.places,
      signingKey: this.signing.key.keyArn,
      dataKey,
      events: this.events.places,
      ...(this.ssh === undefined ? {} : { authorities: authoritiesOf(this.ssh) }),
    };
  }

  #proxyRole(places: Places, tlsSecret: ISecret): Role {
    const role = new Role(this, 'ProxyRole', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    permit(role, 'proxy', places);
    for (const statement of mayReadSecret('Certificate', tlsSecret)) role.addToPolicy(statement);
    return role;
  }

  #mayRead(what: string, role: Role, secrets: readonly ISecret[]): void {
    for (const [i, secret] of secrets.entries())
      for (const statement of mayReadSecret(`${what}${i}`, secret)) role.addToPolicy(statement);
  }

  #outputs({ balancer }: LoadBalancer, ledgerOrigin: string): Record<string, CfnOutput> {
    const outputs = {
      GatewayName: [balancer.loadBalancerDnsName, 'The gateway: make a CNAME of its host name to this'],
      ApiUrl: [this.api.url, 'For custody login'],
      EvidenceBucket: [this.evidence.bucket.bucketName, 'Recordings and the ledger: what an auditor copies'],
      EventsBucket: [this.events.bucket.bucketName, 'OCSF events of sealed sessions: what a SIEM reads'],
      EventsDatabase: [this.events.database, 'Database and workgroup of Athena for them'],
      SigningKey: [this.signing.key.keyArn, 'What an auditor verifies with: its public key'],
      LedgerOrigin: [ledgerOrigin, 'For custody audit'],
    } as const;
    const ofClusters = {
      GatewayRole: [this.#role.roleArn, 'What clusters know the gateway by, and trust policies name'],
    } as const;
    const ofName =
      this.api instanceof Api && this.api.alias !== undefined
        ? { ApiName: [this.api.alias, 'The API: make a CNAME of its domain name to this'] as const }
        : {};
    const all = {
      ...outputs,
      ...(this.#auditor === undefined
        ? {}
        : { AuditorRole: [this.#auditor.role.roleArn, 'Reads evidence, and nothing else'] as const }),
      ...ofName,
      ...this.console.outputs,
      ...(speaksKubernetes(this.#config) || takesRoles(this.#config) ? ofClusters : {}),
    };
    const made = Object.entries(all).map(
      ([name, [value, description]]) => [name, new CfnOutput(this, name, { value, description })] as const,
    );
    return Object.fromEntries(made);
  }

  /** Sessions to it would be refused: the proxy has neither a way to it nor its secret. */
  #mentionForgotten(): string[] {
    const forgotten = [...this.#config.targets.keys()].filter((name) => !this.#added.has(name));
    for (const name of forgotten) {
      const text = `custody.yaml has the target "${name}", and no code adds it: call ${ADDS[this.#config.targets.get(name)!.protocol]}('${name}', …)`;
      Annotations.of(this).addWarningV2(`custody:target-${name}`, text);
    }
    return [];
  }
}

/** Without what is deployed: a task would have to end for a new custody.yaml, which it takes without. */
function proxyEnvironment(
  environment: FunctionEnvironment,
  tlsSecret: ISecret,
  ssh: SshAuthorities | undefined,
): ProxyEnvironment {
  const {
    CUSTODY_POLICY_DEPLOYED: _deployed,
    CUSTODY_EVENTS_BUCKET: _events,
    CUSTODY_EVENTS_DATABASE: _database,
    CUSTODY_KUBERNETES_ADDRESS: clusters,
    CUSTODY_EDGE_SECRET: _edge,
    CUSTODY_EVIDENCE_ORIGIN: _evidence,
    ...common
  } = environment;
  return {
    ...common,
    AWS_REGION: Aws.REGION,
    CUSTODY_TLS_SECRET: idOf(tlsSecret),
    ...(ssh === undefined
      ? {}
      : { CUSTODY_SSH_PORT: String(SSH_CONTAINER_PORT), CUSTODY_SSH_HOST_KEY_SECRET: ssh.hostKey }),
    ...(clusters === undefined ? {} : { CUSTODY_KUBERNETES_PORT: String(KUBERNETES_CONTAINER_PORT) }),
  };
}

function sshEnvironment(ssh: SshAuthorities | undefined, address: string): Partial<FunctionEnvironment> {
  if (ssh === undefined) return {};
  const { users, targets } = authoritiesOf(ssh);
  return {
    CUSTODY_SSH_ADDRESS: address,
    CUSTODY_SSH_USER_CA: users,
    CUSTODY_SSH_TARGET_CA: targets,
  };
}

function authoritiesOf({ userCa, targetCa }: SshAuthorities) {
  return { users: userCa.key.keyArn, targets: targetCa.key.keyArn };
}

/**
 * What finds it whatever its name: an ARN without its last six characters does not, where the name ends in a hyphen and six more.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
 */
function idOf({ secretFullArn, secretName }: ISecret): string {
  return secretFullArn ?? secretName;
}

function needsNoConsole(): CustodyError {
  return new CustodyError('config-invalid', 'found a private API, expected console: false beside it', {
    hint: 'CloudFront does not reach it, and its addresses all begin with /v1: people use the CLI, inside',
  });
}

function unreachable({ issuer }: IssuerConfig): string {
  return `nothing leads out of the new VPC (network.issuerAccess: none), and the keys of ${issuer} are to be fetched from there: nobody can log in until a way to it is made; or name the issuer's VPC with network.vpcId, or put its keys beside custody.yaml with jwksFile`;
}
