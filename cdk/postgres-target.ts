import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import { type ISecurityGroup, Peer, Port } from 'aws-cdk-lib/aws-ec2';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IDatabaseCluster, IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Config } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { PostgresTarget as Target } from '#core/protocols/postgres/schema.ts';
import { inSid, mayReadSecret } from './secret-access.ts';

/** Where the database is. Its address is in custody.yaml too: that is what the proxy dials, and what reviewers see. */
export type PostgresUpstream =
  | { readonly cluster: IDatabaseCluster }
  | { readonly instance: IDatabaseInstance }
  | {
      readonly host: string;
      readonly port: number;
      /** The database's own; whoever runs it opens its port when it is not given. */
      readonly securityGroup?: ISecurityGroup;
      /** `cluster-…` or `db-…` of RDS, for `auth: 'iam'`. */
      readonly resourceId?: string;
    };

/** How the gateway logs in, as custody.yaml says it. */
export type PostgresCredential = { readonly secret: ISecret } | { readonly auth: 'iam' };

export type PostgresTarget = PostgresUpstream & PostgresCredential;

export interface TargetWiring {
  readonly config: Config;
  readonly role: IRole;
  readonly tasks: ISecurityGroup;
}

/** Opens the way from the tasks to the database, and lets them read this target's secret. Throws `config-invalid`. */
export function wirePostgresTarget(name: string, target: PostgresTarget, wiring: TargetWiring): void {
  const declared = declaredTarget(name, target, wiring.config);
  openWay(target, declared, wiring.tasks);
  if ('secret' in target) {
    for (const statement of mayReadSecret(`Target${name}`, target.secret))
      wiring.role.addToPrincipalPolicy(statement);
  } else {
    wiring.role.addToPrincipalPolicy(mayLogIn(name, target, declared, wiring.role));
  }
}

function declaredTarget(name: string, target: PostgresTarget, { targets }: Config): Target {
  const declared = targets.get(name);
  if (declared === undefined) {
    const known = [...targets.keys()].map((known) => `"${known}"`).join(', ') || 'none';
    throw refused(name, `found it in code, expected it in custody.yaml too, whose targets are: ${known}`, {
      hint: `add "${name}" under targets in custody.yaml, or correct the name in addPostgresTarget`,
    });
  }
  if (declared.protocol !== 'postgres')
    throw refused(name, `found addPostgresTarget, but custody.yaml says protocol: ${declared.protocol}`, {
      hint: 'correct whichever is wrong',
    });
  refuseOtherAddress(name, target, declared);
  refuseOtherCredential(name, target, declared);
  return declared;
}

function refuseOtherAddress(name: string, target: PostgresTarget, { address }: Target): void {
  if (!('host' in target) || (target.host === address.host && target.port === address.port)) return;
  const [found, expected] = [`${target.host}:${target.port}`, `${address.host}:${address.port}`];
  throw refused(name, `found ${found}, expected ${expected}, as custody.yaml says`, {
    hint: 'correct whichever is wrong: the gateway dials what custody.yaml says',
  });
}

function refuseOtherCredential(name: string, target: PostgresTarget, { credential }: Target): void {
  const { secret, rdsIam } = credential;
  const found = 'secret' in target ? 'a secret' : "auth: 'iam'";
  const fits = 'secret' in target ? secret !== undefined : rdsIam === true;
  if (fits && 'secret' in target) return refuseOtherSecret(name, target.secret, secret!);
  if (fits) return;
  const expected = rdsIam === true ? 'rdsIam: true' : secret === undefined ? 'a passwordFile' : 'a secret';
  throw refused(name, `found ${found}, but its credential in custody.yaml is ${expected}`, {
    hint: 'in custody.yaml, write credential: { user, secret } for a secret, or { user, rdsIam: true } for IAM',
  });
}

/** The proxy asks for the one of custody.yaml. What CDK does not know before the stack is deployed is taken as it is. */
function refuseOtherSecret(name: string, { secretArn, secretName }: ISecret, declared: string): void {
  const found = declared.startsWith('arn:') ? secretArn : secretName;
  // CDK takes a name's own last six characters off where its ARN came without those of Secrets Manager.
  const same = found === declared || secretArn.endsWith(`:secret:${declared}`);
  if (same || Token.isUnresolved(found)) return;
  throw refused(name, `found the secret ${found}, expected ${declared}, as custody.yaml says`, {
    hint: 'correct whichever is wrong: the gateway asks for the one that custody.yaml names',
  });
}

/** The port is custody.yaml's, as the address is. */
function openWay(target: PostgresTarget, { address }: Target, tasks: ISecurityGroup): void {
  const port = Port.tcp(address.port);
  const why = `The target at port ${address.port}`;
  if ('cluster' in target) tasks.connections.allowTo(target.cluster, port, why);
  else if ('instance' in target) tasks.connections.allowTo(target.instance, port, why);
  else if (target.securityGroup !== undefined) tasks.connections.allowTo(target.securityGroup, port, why);
  else
    tasks.addEgressRule(isIpv4(address.host) ? Peer.ipv4(`${address.host}/32`) : Peer.anyIpv4(), port, why);
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html */
function mayLogIn(
  name: string,
  target: PostgresUpstream,
  { credential }: Target,
  role: IRole,
): PolicyStatement {
  const resource = resourceIdOf(target);
  if (resource === undefined) {
    throw refused(name, "auth: 'iam' needs the resource id of the database, which is not known here", {
      hint: 'give resourceId: "cluster-…" or "db-…", as the console shows it under Configuration',
    });
  }
  const arn = { service: 'rds-db', resource: 'dbuser', resourceName: `${resource}/${credential.user}` };
  return new PolicyStatement({
    sid: `Login${inSid(name)}`,
    actions: ['rds-db:connect'],
    resources: [Stack.of(role).formatArn({ ...arn, arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
  });
}

function resourceIdOf(target: PostgresUpstream): string | undefined {
  if ('cluster' in target) return target.cluster.clusterResourceIdentifier;
  if ('instance' in target) return target.instance.instanceResourceId;
  return target.resourceId;
}

function isIpv4(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);
}

function refused(name: string, what: string, more: { readonly hint: string }): CustodyError {
  return new CustodyError('config-invalid', `the target "${name}": ${what}`, more);
}
