import { type Ask, foundOr } from './ask.ts';

/** A cluster of Aurora, a cluster of RDS with three instances, or an instance: what one logs in to at one address. */
export interface Database {
  /** As RDS names it. */
  readonly id: string;
  readonly kind: 'cluster' | 'instance';
  /** Such as `aurora-postgresql 16.4`. */
  readonly engine: string;
  /** Where it takes writes. */
  readonly host: string;
  /** Of a cluster: where its readers are. */
  readonly readerHost?: string;
  readonly port: number;
  /** The first of its databases. */
  readonly database: string;
  /** `cluster-…` or `db-…`, by which IAM knows it. */
  readonly resourceId: string;
  readonly takesIam: boolean;
  readonly securityGroups: readonly string[];
  /** Such as `rds-ca-rsa2048-g1`; of a cluster, those of its instances. */
  readonly authorities: readonly string[];
  readonly vpcId?: string;
  /** Where RDS keeps the password of the master user itself. */
  readonly masterSecret?: string;
}

interface Group {
  readonly VpcSecurityGroupId?: string;
  readonly Status?: string;
}

/** Of both calls, what is looked at. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html */
interface Described {
  readonly Engine?: string;
  readonly EngineVersion?: string;
  readonly Status?: string;
  readonly IAMDatabaseAuthenticationEnabled?: boolean;
  readonly VpcSecurityGroups?: readonly Group[];
  readonly MasterUserSecret?: { readonly SecretArn?: string };
  readonly DBSubnetGroup?: string | { readonly DBSubnetGroupName?: string; readonly VpcId?: string };
}

interface Cluster extends Described {
  readonly DBClusterIdentifier: string;
  readonly DbClusterResourceId?: string;
  readonly DatabaseName?: string;
  readonly Endpoint?: string;
  readonly ReaderEndpoint?: string;
  readonly Port?: number;
  readonly DBClusterMembers?: readonly { readonly DBInstanceIdentifier?: string }[];
}

interface Instance extends Described {
  readonly DBInstanceIdentifier: string;
  readonly DBClusterIdentifier?: string;
  readonly DbiResourceId?: string;
  readonly DBName?: string;
  readonly Endpoint?: { readonly Address?: string; readonly Port?: number };
  readonly CACertificateIdentifier?: string;
}

const POSTGRES = /^(?:aurora-)?postgres(?:ql)?$/;
const PORT = 5432;
/** What every server has. */
const DATABASE = 'postgres';

/** All databases of RDS that speak PostgreSQL, clusters first; an instance of a cluster is not one of its own. Empty where none can be listed. */
export async function databasesOf(ask: Ask): Promise<readonly Database[]> {
  const [clusters, instances] = await Promise.all([
    ask<{ readonly DBClusters: readonly Cluster[] }>('rds', 'describe-db-clusters'),
    ask<{ readonly DBInstances: readonly Instance[] }>('rds', 'describe-db-instances'),
  ]);
  const { DBInstances: all } = foundOr(instances, { DBInstances: [] });
  const { DBClusters } = foundOr(clusters, { DBClusters: [] });
  return [
    ...DBClusters.filter(isPostgres).flatMap((one) => ofCluster(one, all)),
    ...all.filter((one) => isPostgres(one) && !one.DBClusterIdentifier).flatMap(ofInstance),
  ];
}

function isPostgres({ Engine = '' }: Described): boolean {
  return POSTGRES.test(Engine);
}

function ofCluster(one: Cluster, instances: readonly Instance[]): Database[] {
  const { DBClusterIdentifier: id, DbClusterResourceId: resourceId, Endpoint: host } = one;
  if (host === undefined || resourceId === undefined) return [];
  const members = instances.filter(({ DBClusterIdentifier }) => DBClusterIdentifier === id);
  const vpcId = members.map(vpcOf).find((found) => found !== undefined);
  return [
    {
      ...{ id, kind: 'cluster', host, resourceId, port: one.Port ?? PORT, ...described(one) },
      database: one.DatabaseName || DATABASE,
      authorities: authoritiesOf(members),
      ...(one.ReaderEndpoint === undefined ? {} : { readerHost: one.ReaderEndpoint }),
      ...(vpcId === undefined ? {} : { vpcId }),
    },
  ];
}

function ofInstance(one: Instance): Database[] {
  const { DBInstanceIdentifier: id, DbiResourceId: resourceId, Endpoint: endpoint } = one;
  if (endpoint?.Address === undefined || resourceId === undefined) return [];
  const vpcId = vpcOf(one);
  return [
    {
      ...{ id, kind: 'instance', host: endpoint.Address, resourceId, port: endpoint.Port ?? PORT },
      ...described(one),
      database: one.DBName || DATABASE,
      authorities: authoritiesOf([one]),
      ...(vpcId === undefined ? {} : { vpcId }),
    },
  ];
}

function described(one: Described) {
  const { Engine = '', EngineVersion = '', VpcSecurityGroups = [], MasterUserSecret } = one;
  return {
    engine: `${Engine} ${EngineVersion}`.trim(),
    takesIam: one.IAMDatabaseAuthenticationEnabled === true,
    securityGroups: VpcSecurityGroups.flatMap(({ VpcSecurityGroupId }) => VpcSecurityGroupId ?? []),
    ...(MasterUserSecret?.SecretArn === undefined ? {} : { masterSecret: MasterUserSecret.SecretArn }),
  };
}

function vpcOf({ DBSubnetGroup: group }: Instance): string | undefined {
  return typeof group === 'object' ? group.VpcId : undefined;
}

function authoritiesOf(instances: readonly Instance[]): string[] {
  return [...new Set(instances.flatMap(({ CACertificateIdentifier }) => CACertificateIdentifier ?? []))];
}
