import type { DeploymentConfig } from '#cdk/config.ts';
import type { Config } from '#core/access/config.ts';
import type { TargetOf } from '#core/protocols/protocols.ts';
import type { Ask } from '../aws/ask.ts';
import { type Database, databasesOf } from '../aws/rds.ts';
import { bad, type Finding, good, unknown, warning } from '../findings/finding.ts';

type Postgres = TargetOf<'postgres'> & { readonly address: { readonly host: string; readonly port: number } };

/** Where custody.yaml and cdk.json say otherwise of a database of RDS than RDS does. */
export async function databaseFindings(
  settings: DeploymentConfig,
  config: Config,
  ask: Ask,
): Promise<readonly Finding[]> {
  const targets = [...config.targets.values()].filter(isOfRds);
  if (targets.length === 0) return [];
  const databases = await databasesOf(ask);
  return targets.flatMap((target) => findingsOf(target, settings, databases));
}

function isOfRds(target: { readonly protocol: string; readonly address?: unknown }): target is Postgres {
  const { address } = target as Postgres;
  return (
    target.protocol === 'postgres' &&
    address !== undefined &&
    /\.rds\.amazonaws\.com(?:\.cn)?$/.test(address.host)
  );
}

function findingsOf(target: Postgres, settings: DeploymentConfig, databases: readonly Database[]): Finding[] {
  const about = `targets.${target.name}`;
  const { host, port } = target.address;
  if (host.includes('.proxy-')) return [...caFindings(about, target, ['a public CA'])];
  const known = databases.find((one) => [one.host, one.readerHost].includes(host));
  if (known === undefined) {
    const why = 'it may be in another account or region, or be gone';
    return [unknown(about, `no database of this account and region is at ${host}`, { why })];
  }
  const wrong = [
    ...(known.port === port
      ? []
      : [
          bad(about, `${known.id} listens on ${known.port}, and address says ${port}`, {
            todo: `write ${host}:${known.port}`,
          }),
        ]),
    ...caFindings(about, target, known.authorities),
    ...iamFindings(about, target, settings, known),
    ...groupFindings(about, target, settings, known),
    ...masterFindings(about, target, known),
  ];
  return wrong.length > 0 ? wrong : [good(about, `${known.id} (${known.engine}) is as custody.yaml says`)];
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html */
function caFindings(about: string, { tls }: Postgres, authorities: readonly string[]): Finding[] {
  if (tls.mode === 'disable') return [];
  const own = authorities.filter((one) => !/^(?:rds-ca-|a public CA)/.test(one));
  const isPublic = authorities.includes('a public CA');
  if (tls.ca === 'rds' && own.length > 0) {
    const what = `its certificate is of ${own.join(', ')}, which is none of Amazon RDS`;
    return [bad(about, what, { todo: 'put that CA beside custody.yaml, and name it with tls.caFile' })];
  }
  if (tls.ca === 'rds' || tls.caFile !== undefined) return [];
  if (isPublic) return [];
  const what = `its certificate is of ${authorities.join(', ') || 'a CA of Amazon RDS'}, which no public CA has signed`;
  return [
    bad(about, what, {
      why: 'every session ends with target-unreachable',
      todo: 'tls: { mode: verify-full, ca: rds }',
    }),
  ];
}

function iamFindings(
  about: string,
  { name, credential }: Postgres,
  { targets }: DeploymentConfig,
  known: Database,
): Finding[] {
  if (credential.rdsIam !== true) return [];
  const named = targets[name]?.resourceId;
  const right = `"targets": { "${name}": { "resourceId": "${known.resourceId}" } } in cdk.json`;
  return [
    ...(known.takesIam
      ? []
      : [
          bad(about, `rdsIam: true, and IAM authentication of ${known.id} is off`, {
            todo: `aws rds modify-db-${known.kind === 'cluster' ? 'cluster --db-cluster' : 'instance --db-instance'}-identifier ${known.id} --enable-iam-database-authentication --apply-immediately`,
          }),
        ]),
    ...(named === known.resourceId
      ? []
      : [
          bad(
            about,
            `cdk.json ${named === undefined ? 'has no resourceId' : `has the resourceId ${named}`}`,
            { todo: right },
          ),
        ]),
  ];
}

function groupFindings(
  about: string,
  { name }: Postgres,
  { targets, network }: DeploymentConfig,
  known: Database,
): Finding[] {
  const group = targets[name]?.securityGroupId;
  const todo = `"targets": { "${name}": { "securityGroupId": "${known.securityGroups[0]}" } } in cdk.json, or open its port to the tasks yourself`;
  if (group !== undefined && !known.securityGroups.includes(group)) {
    const what = `${known.id} is not in the security group ${group}, but in ${known.securityGroups.join(', ')}`;
    return [bad(about, what, { why: 'the stack opens a door that is not its', todo })];
  }
  if (network.vpcId !== known.vpcId) {
    const way = {
      why: 'nothing leads there by itself',
      todo: 'peer the two, with routes and DNS resolution, or use its VPC: network.vpcId',
    };
    const what = `${known.id} is in ${known.vpcId}, and the gateway in ${network.vpcId ?? 'a new VPC'}`;
    return [group === undefined ? warning(about, what, way) : bad(about, what, way)];
  }
  if (group !== undefined) return [];
  return [warning(about, `nothing opens ${known.id} to the gateway`, { todo })];
}

/** RDS rotates it: that it is the master user's, and what it may do, is what counts. */
function masterFindings(about: string, { credential }: Postgres, { masterSecret }: Database): Finding[] {
  const { secret } = credential;
  if (secret === undefined || masterSecret === undefined) return [];
  const isIt = secret === masterSecret || masterSecret.includes(`:secret:${secret}-`);
  if (!isIt) return [];
  return [
    warning(about, `the gateway would log in as the master user of the database`, {
      why: 'whoever gets a session may do everything there that RDS lets anybody do',
      todo: 'make a login of its own for the gateway, with what people need',
    }),
  ];
}
