import { ArnFormat, Fn, Stack } from 'aws-cdk-lib';
import type { IConnectable, ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IDatabaseCluster, IDatabaseInstance, IDatabaseProxy } from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Config } from '#core/access/config.ts';
import { addressOf, madeSandboxOf } from '#core/access/made-sandboxes.ts';
import type { PostgresTarget as Target } from '#core/protocols/postgres/schema.ts';
import { inSid, mayReadSecret } from '../../secret-access.ts';
import { mayTake } from '../taken-roles.ts';
import {
  type Address,
  declaredTarget,
  openWay,
  refused,
  refuseOtherAddress,
  refuseOtherSecret,
  type TargetWiring,
} from '../wiring.ts';

/** Where the database is. Its address is in custody.yaml too: that is what the proxy dials, and what reviewers see. */
export type PostgresUpstream =
  | { readonly cluster: IDatabaseCluster }
  | { readonly instance: IDatabaseInstance }
  /** Of RDS, before a cluster or an instance. */
  | { readonly proxy: IDatabaseProxy & Partial<IConnectable> }
  /** Made when somebody asks for it; `securityGroup`: one that the sandboxes are in. */
  | { readonly made: true; readonly securityGroup?: ISecurityGroup }
  | {
      readonly host: string;
      readonly port: number;
      /** The database's own; whoever runs it opens its port when it is not given. */
      readonly securityGroup?: ISecurityGroup;
      /** `cluster-…`, `db-…` or `prx-…` of RDS, for `auth: 'iam'`. */
      readonly resourceId?: string;
    };

/** How the gateway logs in, as custody.yaml says it. */
export type PostgresCredential =
  | { readonly secret: ISecret }
  | { readonly auth: 'iam' }
  /** With the role of another account that custody.yaml names: it reads the secret, or signs the login. */
  | { readonly auth: 'role' };

export type PostgresTarget = PostgresUpstream & PostgresCredential;

/** Opens the way from the tasks to the database, and lets them read this target's secret. Throws `config-invalid`. */
export function wirePostgresTarget(name: string, target: PostgresTarget, wiring: TargetWiring): void {
  const declared = declaredPostgres(name, target, wiring.config);
  openWay(groupOf(target), placeOf(declared, wiring.config), wiring);
  if ('secret' in target) {
    for (const statement of mayReadSecret(`Target${name}`, target.secret))
      wiring.role.addToPrincipalPolicy(statement);
  } else {
    const { assumeRole } = declared.credential;
    const statement =
      assumeRole === undefined ? mayLogIn(name, target, declared, wiring.role) : mayTake(name, assumeRole);
    wiring.role.addToPrincipalPolicy(statement);
  }
}

function declaredPostgres(name: string, target: PostgresTarget, config: Config): Target {
  const declared = declaredTarget(name, 'postgres', 'addPostgresTarget', config);
  refuseOtherKind(name, target, declared);
  if ('host' in target) refuseOtherAddress(name, target, addressOf(declared));
  refuseOtherCredential(name, target, declared);
  return declared;
}

function refuseOtherKind(name: string, target: PostgresTarget, declared: Target): void {
  const isMade = madeSandboxOf(declared) !== undefined;
  if (isMade === 'made' in target) return;
  const [found, expected] = isMade ? ['a database', 'made: true'] : ['made: true', 'where the database is'];
  throw refused(name, `found ${found}, expected ${expected}, as custody.yaml says`, {
    hint: 'a target with sandbox.from is made when somebody asks for it; any other is there',
  });
}

/** A sandbox has the port of what it is made of. */
function placeOf(declared: Target, { targets }: Config): Address {
  const made = madeSandboxOf(declared);
  if (made === undefined) return addressOf(declared);
  return { host: 'made', port: addressOf(targets.get(made.from)!).port };
}

function refuseOtherCredential(name: string, target: PostgresTarget, { credential }: Target): void {
  const found = 'secret' in target ? 'a secret' : `auth: '${target.auth}'`;
  const expected = expectedOf(credential);
  if (found === expected) {
    if ('secret' in target) refuseOtherSecret(name, target.secret, credential.secret!);
    return;
  }
  throw refused(name, `found ${found}, but its credential in custody.yaml is ${expected}`, {
    hint: "in custody.yaml, write credential: { user, secret } for a secret, or { user, rdsIam: true } for IAM; with assumeRole, either is auth: 'role'",
  });
}

function expectedOf({ secret, rdsIam, assumeRole }: Target['credential']): string {
  if (assumeRole !== undefined) return "auth: 'role'";
  if (rdsIam === true) return "auth: 'iam'";
  return secret === undefined ? 'a passwordFile' : 'a secret';
}

/** What knows its security groups by itself, or was given one. */
function groupOf(target: PostgresTarget): IConnectable | undefined {
  if ('cluster' in target) return target.cluster;
  if ('instance' in target) return target.instance;
  if (!('proxy' in target)) return target.securityGroup;
  const { connections } = target.proxy;
  return connections && { connections };
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html */
function mayLogIn(
  name: string,
  target: PostgresUpstream,
  { credential }: Target,
  role: IRole,
): PolicyStatement {
  if ('made' in target)
    throw refused(name, "found auth: 'iam', expected a secret: each sandbox has a resource id of its own", {
      hint: 'in custody.yaml, write credential: { user, secret }: the restored database has the passwords of its source',
    });
  const resource = resourceIdOf(target);
  if (resource === undefined) {
    throw refused(name, "auth: 'iam' needs the resource id of the database, which is not known here", {
      hint: 'give resourceId: "cluster-…" or "db-…", as the console shows it under Configuration, or "prx-…", the end of the ARN of a proxy',
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
  // arn:…:db-proxy:prx-…
  if ('proxy' in target) return Fn.select(6, Fn.split(':', target.proxy.dbProxyArn));
  return 'resourceId' in target ? target.resourceId : undefined;
}
