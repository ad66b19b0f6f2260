import { resolve } from 'node:path';
import { Annotations, Aspects, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type ISecurityGroup, SecurityGroup, Subnet, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Config, Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { TargetOf } from '#core/protocols/protocols.ts';
import { givenImage } from './artifacts.ts';
import type { DeploymentConfig } from './config.ts';
import { readConfigFolder } from './config-folder.ts';
import { AccessGateway, type AccessGatewayProps, type ApiSettings } from './constructs/access-gateway.ts';
import type { ConsoleSettings } from './constructs/console/settings.ts';
import { type KubernetesTarget, refuseClusterFiles, secretOfCluster } from './targets/kubernetes/target.ts';
import type { PostgresTarget } from './targets/postgres/target.ts';
import { refuseFiles, type SshTarget, secretOfLogin } from './targets/ssh/target.ts';

export interface GatewayStackProps
  extends StackProps,
    Pick<AccessGatewayProps, 'code' | 'image' | 'consoleFiles'> {
  readonly settings: DeploymentConfig;
  /** What `settings.configFolder` is relative to. */
  readonly folder: string;
}

/** A gateway as cdk.json and custody.yaml describe it: each target of custody.yaml is added as it stands there. */
export class GatewayStack extends Stack {
  readonly gateway: AccessGateway;
  readonly #settings: DeploymentConfig;

  /** Throws `config-invalid`. */
  constructor(
    scope: Construct,
    id: string,
    { settings, folder, code, image, consoleFiles, ...props }: GatewayStackProps,
  ) {
    super(scope, id, props);
    this.#settings = settings;
    const configFolder = resolve(folder, settings.configFolder);
    const config = readConfigFolder(configFolder);
    refuseUnknownTargets(settings, config);
    const { gateway, network, recordings, tasks, drain, alarms, ledgerOrigin, protect } = settings;
    const { issuerAccess, natGateways, targetNetworks } = network;
    const { hostedZoneId, ...door } = gateway;
    const pulled = image ?? (settings.image === undefined ? undefined : givenImage(this, settings.image));
    const { days: lockDays, breakGlassRoleArn, auditors, ...locks } = recordings;
    this.gateway = new AccessGateway(this, 'Gateway', {
      ...{
        ...door,
        configFolder,
        issuerAccess,
        natGateways,
        tasks,
        protect,
        drain: Duration.seconds(drain),
        emails: alarms.emails,
        auditors,
        console: this.#console(settings.console),
        api: this.#api(settings.api),
      },
      recordings: { ...locks, lockDays, ...(breakGlassRoleArn === undefined ? {} : { breakGlassRoleArn }) },
      tlsSecret: this.#secret('TlsSecret', gateway.tlsSecret),
      webhookSecrets: webhookSecrets(config).map((name, i) => this.#secret(`WebhookSecret${i}`, name)),
      groupSecrets: groupSecrets(config).map((name, i) => this.#secret(`GroupSecret${i}`, name)),
      directorySecrets: directorySecrets(config).map((name, i) => this.#secret(`DirectorySecret${i}`, name)),
      ...this.#place(network),
      ...(ledgerOrigin === undefined ? {} : { ledgerOrigin }),
      ...(hostedZoneId === undefined ? {} : { hostedZoneId }),
      ...(targetNetworks === undefined ? {} : { targetNetworks }),
      ...(code === undefined ? {} : { code }),
      ...(pulled === undefined ? {} : { image: pulled }),
      ...(consoleFiles === undefined ? {} : { consoleFiles }),
    });
    if (!protect) Annotations.of(this).addWarningV2('custody:not-protected', NOT_PROTECTED);
    // As cdk/README.md names them.
    for (const [name, output] of Object.entries(this.gateway.outputs)) output.overrideLogicalId(name);
    for (const target of config.targets.values()) this.#add(target);
    this.#forAll(settings);
  }

  /** What a platform asks of each role and each log, CDK's own among them. */
  #forAll({ permissionsBoundaryArn, logs }: DeploymentConfig): void {
    if (permissionsBoundaryArn !== undefined)
      PermissionsBoundary.of(this).apply(
        ManagedPolicy.fromManagedPolicyArn(this, 'Boundary', permissionsBoundaryArn),
      );
    Aspects.of(this).add({
      visit: (node) => {
        if (node instanceof CfnLogGroup) node.retentionInDays = logs.days;
      },
    });
  }

  /** A VPC that is there. With its subnets named, nothing is looked up: in one that is shared, tags and routes are not to be seen. */
  #place({ vpcId, subnetIds, securityGroupIds }: DeploymentConfig['network']): Partial<AccessGatewayProps> {
    if (vpcId === undefined) return {};
    const groups = securityGroupIds && {
      securityGroups: {
        tasks: this.#group('TasksGroup', securityGroupIds.tasks),
        front: this.#group('FrontGroup', securityGroupIds.front),
      },
    };
    if (subnetIds === undefined) return { vpc: Vpc.fromLookup(this, 'Vpc', { vpcId }), ...groups };
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones: [NO_ZONE] });
    const named = (kind: 'private' | 'front') =>
      subnetIds[kind].map((id) => Subnet.fromSubnetId(this, `Subnet-${kind}-${id}`, id));
    return { vpc, subnets: { private: named('private'), front: named('front') }, ...groups };
  }

  /** Whoever runs it sets its rules. */
  #group(id: string, groupId: string): ISecurityGroup {
    return SecurityGroup.fromSecurityGroupId(this, id, groupId, { mutable: false });
  }

  #api({ private: inside, domainName, certificateArn, ...more }: DeploymentConfig['api']): ApiSettings {
    const { endpointId, webAclArn, hostedZoneId } = more;
    if (inside)
      return {
        kind: 'private',
        ...(endpointId === undefined ? {} : { endpointId }),
        ...(webAclArn === undefined ? {} : { webAclArn }),
      };
    if (domainName === undefined || certificateArn === undefined) return { kind: 'plain' };
    const certificate = Certificate.fromCertificateArn(this, 'ApiCertificate', certificateArn);
    return { kind: 'named', domainName, certificate, hostedZoneId };
  }

  #console(settings: DeploymentConfig['console']): ConsoleSettings {
    if (settings === false || settings === 'api') return settings;
    const { domainName, certificateArn, webAclArn } = settings;
    return {
      ...(domainName === undefined || certificateArn === undefined
        ? {}
        : {
            domainName,
            certificate: Certificate.fromCertificateArn(this, 'ConsoleCertificate', certificateArn),
          }),
      ...(webAclArn === undefined ? {} : { webAclArn }),
    };
  }

  #add(target: Target): void {
    switch (target.protocol) {
      case 'postgres':
        return void this.gateway.addPostgresTarget(target.name, this.#postgres(target));
      case 'ssh':
        return void this.gateway.addSshTarget(target.name, this.#ssh(target));
      case 'kubernetes':
        return void this.gateway.addKubernetesTarget(target.name, this.#kubernetes(target));
    }
  }

  #postgres({ name, address, credential }: TargetOf<'postgres'>): PostgresTarget {
    const { securityGroupId, resourceId, secretKeyArn, accessEntry } = this.#settings.targets[name] ?? {};
    if (accessEntry !== undefined) throw needsNone(name, 'accessEntry', accessEntry, 'cluster of EKS');
    const id = `Target-${name}`;
    const upstream = {
      ...(address ?? { made: true as const }),
      ...(resourceId === undefined ? {} : { resourceId }),
      ...(securityGroupId === undefined
        ? {}
        : { securityGroup: SecurityGroup.fromSecurityGroupId(this, `${id}-Group`, securityGroupId) }),
    };
    if (credential.assumeRole !== undefined) return { ...upstream, auth: 'role' };
    if (credential.rdsIam === true) return { ...upstream, auth: 'iam' };
    if (credential.secret !== undefined) {
      return { ...upstream, secret: this.#secret(id, credential.secret, secretKeyArn) };
    }
    throw new CustodyError(
      'config-invalid',
      `custody.yaml: targets.${name}.credential: found passwordFile, expected secret, or rdsIam: true`,
      {
        hint: 'tasks have no files of yours: put the password into Secrets Manager, and name it with secret',
      },
    );
  }

  #ssh(target: TargetOf<'ssh'>): SshTarget {
    refuseFiles(target);
    const { name, address, logins } = target;
    const { securityGroupId, resourceId, secretKeyArn, accessEntry } = this.#settings.targets[name] ?? {};
    if (resourceId !== undefined) throw needsNone(name, 'resourceId', resourceId, DATABASE);
    if (accessEntry !== undefined) throw needsNone(name, 'accessEntry', accessEntry, 'cluster of EKS');
    const secrets = Object.keys(logins).flatMap((login) => {
      const secret = secretOfLogin(target, login);
      return secret === undefined
        ? []
        : [[login, this.#secret(`Target-${name}-${login}`, secret, secretKeyArn)] as const];
    });
    const connections =
      securityGroupId === undefined
        ? {}
        : { connections: SecurityGroup.fromSecurityGroupId(this, `Target-${name}-Group`, securityGroupId) };
    return { ...address, ...connections, secrets: Object.fromEntries(secrets) };
  }

  #kubernetes(target: TargetOf<'kubernetes'>): KubernetesTarget {
    refuseClusterFiles(target);
    const { name, address } = target;
    const { securityGroupId, resourceId, secretKeyArn, accessEntry } = this.#settings.targets[name] ?? {};
    if (resourceId !== undefined) throw needsNone(name, 'resourceId', resourceId, DATABASE);
    const secret = secretOfCluster(target);
    return {
      ...address,
      ...(accessEntry === undefined ? {} : { accessEntry }),
      ...(secret === undefined ? {} : { secret: this.#secret(`Target-${name}`, secret, secretKeyArn) }),
      ...(securityGroupId === undefined
        ? {}
        : { connections: SecurityGroup.fromSecurityGroupId(this, `Target-${name}-Group`, securityGroupId) }),
    };
  }

  /** By its ARN, or by its name. */
  #secret(id: string, name: string, keyArn = this.#settings.secretKeys[name]): ISecret {
    // Such a secret knows its name, which CDK cannot tell from the ARN.
    if (!name.startsWith('arn:') && keyArn === undefined) return Secret.fromSecretNameV2(this, id, name);
    const key = keyArn === undefined ? {} : { encryptionKey: Key.fromKeyArn(this, `${id}-Key`, keyArn) };
    if (!name.startsWith('arn:')) {
      if (ENDS_LIKE_AN_ARN.test(name)) throw needsWholeArn(name);
      const secret = { secretPartialArn: this.#partialArn(name), ...key };
      return Secret.fromSecretAttributes(this, id, secret);
    }
    const whole = ENDS_LIKE_AN_ARN.test(name);
    return Secret.fromSecretAttributes(this, id, {
      ...(whole ? { secretCompleteArn: name } : { secretPartialArn: name }),
      ...key,
    });
  }

  #partialArn(name: string): string {
    return `arn:${this.partition}:secretsmanager:${this.region}:${this.account}:secret:${name}`;
  }
}

/** CDK wants one. Subnets that are named know theirs. */
const NO_ZONE = 'of-the-subnets';

const NOT_PROTECTED =
  'the stack is not protected from deletion, so that a first deployment which fails can be removed: once the gateway runs, set "protect": true in cdk.json and deploy again';

/** Secrets Manager adds a hyphen and six characters to a name. */
const ENDS_LIKE_AN_ARN = /-[A-Za-z0-9]{6}$/;

function needsWholeArn(name: string): CustodyError {
  return new CustodyError('config-invalid', `the secret ${name} has a key of yours: expected its whole ARN`, {
    hint: 'its name ends as ARNs do, and would be cut; give the ARN, with its last six characters, wherever it is named',
  });
}

const DATABASE = 'database of RDS';

/** A key of cdk.json that says nothing of such a target. */
function needsNone(name: string, key: string, found: string | boolean, kind: string): CustodyError {
  return new CustodyError(
    'config-invalid',
    `cdk.json: context.custody.targets.${name}.${key}: found ${JSON.stringify(found)}, expected none: "${name}" is no ${kind}`,
    { hint: 'remove it, or correct the name of the target' },
  );
}

function webhookSecrets({ webhooks }: Config): string[] {
  const names = webhooks.flatMap(({ secret }) => secret ?? []);
  return [...new Set(names)];
}

function directorySecrets({ issuers }: Config): string[] {
  return [...new Set(issuers.flatMap(({ scim }) => scim?.secret ?? []))];
}

function groupSecrets({ issuers }: Config): string[] {
  return [...new Set(issuers.flatMap(({ directory }) => directory?.secret ?? []))];
}

function refuseUnknownTargets({ targets }: DeploymentConfig, config: Config): void {
  const unknown = Object.keys(targets).find((name) => !config.targets.has(name));
  if (unknown === undefined) return;
  const known = [...config.targets.keys()].join(', ') || 'none';
  throw new CustodyError(
    'config-invalid',
    `cdk.json: context.custody.targets: found "${unknown}", expected a target of custody.yaml: ${known}`,
    { hint: `add "${unknown}" to custody.yaml, or remove it from cdk.json` },
  );
}
