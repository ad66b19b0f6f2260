import {
  CreateDBInstanceCommand,
  type DBCluster,
  type DBInstance,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  type RDSClient,
  RestoreDBClusterToPointInTimeCommand,
  RestoreDBInstanceToPointInTimeCommand,
  type Tag,
} from '@aws-sdk/client-rds';
import { SANDBOX_PREFIX, SANDBOX_TAG, UNTIL_TAG } from '#core/access/sandbox-tags.ts';
import type { RdsSource } from '#core/access/target-schema.ts';
import { CustodyError } from '#core/errors.ts';
import type { Progress, SandboxMaker } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import { reaching } from './failure.ts';

export interface SandboxDatabasesPlace {
  readonly rds: RDSClient;
  /** What custody.yaml says of how a target is made. */
  readonly sourceOf: (target: string) => RdsSource | undefined;
}

const MAKING: Progress = { state: 'making' };
/** Nobody's password is sent there. */
const FOREIGN: Progress = { state: 'failed', message: 'a database of that name is there, and none of ours' };

/**
 * Sandboxes of RDS: an instance restored to a point in time, or a cluster of Aurora, cloned where its data is to be as it is now
 * (copy-on-write takes minutes and no space) and restored otherwise.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html
 */
export function rdsSandboxes(place: SandboxDatabasesPlace): SandboxMaker {
  return {
    make: (sandbox) => reaching('make a sandbox', () => make(place, sandbox)),
    remove: (id) => reaching('remove a sandbox', () => remove(place, id)),
    existing: () => reaching('look for sandboxes', () => existing(place)),
  };
}

async function make(place: SandboxDatabasesPlace, sandbox: Sandbox): Promise<Progress> {
  const source = place.sourceOf(sandbox.target);
  if (source === undefined)
    throw new CustodyError(
      'precondition-failed',
      `custody.yaml does not say what "${sandbox.target}" is made of`,
      {
        hint: 'whoever runs the gateway adds targets.….sandbox.rds',
      },
    );
  const { cluster, instance = '' } = source;
  const work =
    cluster === undefined
      ? instanceOf(place, sandbox, source, instance)
      : clusterOf(place, sandbox, source, cluster);
  return work.catch(refusedByRds);
}

async function instanceOf(
  { rds }: SandboxDatabasesPlace,
  sandbox: Sandbox,
  source: RdsSource,
  from: string,
): Promise<Progress> {
  const made = await findInstance(rds, nameOf(sandbox.id));
  if (made !== undefined && !isOwn(made, sandbox.id)) return FOREIGN;
  if (made !== undefined)
    return progressOf(made.DBInstanceStatus, made.Endpoint?.Address, made.Endpoint?.Port);
  if (sandbox.state === 'ready') return { state: 'failed', message: 'its database is gone' };
  const original = await findInstance(rds, from);
  if (original === undefined) throw noSource(from);
  if (!isReached(original.LatestRestorableTime, sandbox)) return MAKING;
  await rds.send(
    new RestoreDBInstanceToPointInTimeCommand({
      SourceDBInstanceIdentifier: from,
      TargetDBInstanceIdentifier: nameOf(sandbox.id),
      RestoreTime: new Date(sandbox.at),
      DBInstanceClass: source.class,
      DBSubnetGroupName: source.subnetGroup ?? original.DBSubnetGroup?.DBSubnetGroupName,
      VpcSecurityGroupIds: [...source.securityGroups],
      ...PRIVATE,
      MultiAZ: false,
      DeletionProtection: false,
      CopyTagsToSnapshot: false,
      Tags: tagsOf(sandbox),
    }),
  );
  return MAKING;
}

async function clusterOf(
  { rds }: SandboxDatabasesPlace,
  sandbox: Sandbox,
  source: RdsSource,
  from: string,
): Promise<Progress> {
  const name = nameOf(sandbox.id);
  const made = await findCluster(rds, name);
  if (made === undefined) {
    if (sandbox.state === 'ready') return { state: 'failed', message: 'its database is gone' };
    return restoreCluster(rds, sandbox, source, from);
  }
  if (!isOwn(made, sandbox.id)) return FOREIGN;
  if (made.Status !== 'available') return progressOf(made.Status, undefined, undefined);
  const instance = await findInstance(rds, name);
  if (instance !== undefined && !isOwn(instance, sandbox.id)) return FOREIGN;
  if (instance !== undefined) return progressOf(instance.DBInstanceStatus, made.Endpoint, made.Port);
  if (sandbox.state === 'ready') return { state: 'failed', message: 'its database is gone' };
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: name,
      DBClusterIdentifier: name,
      DBInstanceClass: source.class,
      Engine: made.Engine,
      ...PRIVATE,
      Tags: tagsOf(sandbox),
    }),
  );
  return MAKING;
}

async function restoreCluster(
  rds: RDSClient,
  sandbox: Sandbox,
  source: RdsSource,
  from: string,
): Promise<Progress> {
  const original = await findCluster(rds, from);
  if (original === undefined) throw noSource(from);
  const isNow = sandbox.at === sandbox.createdAt;
  if (!isNow && !isReached(original.LatestRestorableTime, sandbox)) return MAKING;
  await rds.send(
    new RestoreDBClusterToPointInTimeCommand({
      SourceDBClusterIdentifier: from,
      DBClusterIdentifier: nameOf(sandbox.id),
      ...(isNow
        ? { RestoreType: 'copy-on-write', UseLatestRestorableTime: true }
        : { RestoreType: 'full-copy', RestoreToTime: new Date(sandbox.at) }),
      DBSubnetGroupName: source.subnetGroup ?? original.DBSubnetGroup,
      VpcSecurityGroupIds: [...source.securityGroups],
      DeletionProtection: false,
      CopyTagsToSnapshot: false,
      Tags: tagsOf(sandbox),
    }),
  );
  return MAKING;
}

/** RDS is some five minutes behind: until it can be had as it was then, nothing is asked of it. */
function isReached(latest: Date | undefined, { at }: Sandbox): boolean {
  return latest !== undefined && latest >= new Date(at);
}

async function remove({ rds }: SandboxDatabasesPlace, id: string): Promise<boolean> {
  const name = nameOf(id);
  const [instance, cluster] = [await findInstance(rds, name), await findCluster(rds, name)];
  if (isOwn(instance, id) && instance?.DBInstanceStatus !== 'deleting')
    await rds.send(
      new DeleteDBInstanceCommand({
        DBInstanceIdentifier: name,
        // Of one in a cluster, both are the cluster's.
        ...(cluster === undefined ? { SkipFinalSnapshot: true, DeleteAutomatedBackups: true } : {}),
      }),
    );
  // A cluster goes once nothing is in it.
  if (isOwn(cluster, id) && !isOwn(instance, id) && cluster?.Status !== 'deleting')
    await rds.send(new DeleteDBClusterCommand({ DBClusterIdentifier: name, SkipFinalSnapshot: true }));
  return !isOwn(instance, id) && !isOwn(cluster, id);
}

async function existing({ rds }: SandboxDatabasesPlace): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const { tags } of [...(await allInstances(rds)), ...(await allClusters(rds))]) {
    const id = tags.find(({ Key }) => Key === SANDBOX_TAG)?.Value;
    if (id !== undefined) found.add(id);
  }
  return [...found];
}

async function allInstances(rds: RDSClient): Promise<{ readonly tags: readonly Tag[] }[]> {
  const found: { tags: readonly Tag[] }[] = [];
  for (let Marker: string | undefined; ; ) {
    const page = await rds.send(new DescribeDBInstancesCommand({ Marker }));
    for (const { DBInstanceIdentifier: name = '', TagList = [] } of page.DBInstances ?? [])
      if (name.startsWith(SANDBOX_PREFIX)) found.push({ tags: TagList });
    if (page.Marker === undefined) return found;
    Marker = page.Marker;
  }
}

async function allClusters(rds: RDSClient): Promise<{ readonly tags: readonly Tag[] }[]> {
  const found: { tags: readonly Tag[] }[] = [];
  for (let Marker: string | undefined; ; ) {
    const page = await rds.send(new DescribeDBClustersCommand({ Marker }));
    for (const { DBClusterIdentifier: name = '', TagList = [] } of page.DBClusters ?? [])
      if (name.startsWith(SANDBOX_PREFIX)) found.push({ tags: TagList });
    if (page.Marker === undefined) return found;
    Marker = page.Marker;
  }
}

const PRIVATE = { PubliclyAccessible: false } as const;

function nameOf(id: string): string {
  return `${SANDBOX_PREFIX}${id}`;
}

function tagsOf({ id, until }: Sandbox): Tag[] {
  return [
    { Key: SANDBOX_TAG, Value: id },
    { Key: UNTIL_TAG, Value: until },
  ];
}

/** Ours by its tag, whatever its name is. */
function isOwn(made: DBInstance | DBCluster | undefined, id: string): boolean {
  return made?.TagList?.some(({ Key, Value }) => Key === SANDBOX_TAG && Value === id) ?? false;
}

const FAILED = [
  'failed',
  'restore-error',
  'incompatible-restore',
  'incompatible-network',
  'storage-full',
  'deleting',
];

function progressOf(status = '', host: string | undefined, port: number | undefined): Progress {
  if (FAILED.includes(status)) return { state: 'failed', message: `RDS says that it is ${status}` };
  if (status !== 'available' || host === undefined || port === undefined) return MAKING;
  return { state: 'ready', address: { host, port } };
}

async function findInstance(rds: RDSClient, name: string): Promise<DBInstance | undefined> {
  const found = rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }));
  return (await found.catch(missing))?.DBInstances?.[0];
}

async function findCluster(rds: RDSClient, name: string): Promise<DBCluster | undefined> {
  const found = rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: name }));
  return (await found.catch(missing))?.DBClusters?.[0];
}

function missing(thrown: unknown): undefined {
  const { name } = thrown as Error;
  if (/^DB(?:Instance|Cluster)NotFound(?:Fault)?$/.test(name)) return undefined;
  throw thrown;
}

/** What will be so at every try is told to who asked; all else may be otherwise at the next look. */
const FINAL =
  /^(?:PointInTimeRestoreNotEnabled|InvalidRestore|InsufficientDBInstanceCapacity|InstanceQuotaExceeded|StorageQuotaExceeded|DBClusterQuotaExceeded|InvalidParameter(?:Value|Combination)|InvalidSubnet|DBSubnetGroupNotFound|InvalidVPCNetworkState|KMSKeyNotAccessible)/;

function refusedByRds(thrown: unknown): never {
  const { name, message } = thrown as Error;
  if (!FINAL.test(name)) throw thrown;
  throw new CustodyError('precondition-failed', `RDS refuses it: ${message}`);
}

function noSource(name: string): CustodyError {
  return new CustodyError('precondition-failed', `RDS has no database ${name}`, {
    hint: 'whoever runs the gateway corrects targets.….sandbox.rds',
  });
}
