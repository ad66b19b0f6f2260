import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  type RDSClient,
} from '@aws-sdk/client-rds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rdsClient } from '#adapters/aws/clients.ts';
import { rdsSandboxes } from '#adapters/aws/sandbox-databases.ts';
import type { RdsSource } from '#core/access/target-schema.ts';
import type { Progress } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import { aSandbox } from '#test/contract/sandboxes.ts';
import { hasMoto, type Moto, REGION, startMoto } from '#test/support/moto.ts';

const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };
const GROUPS = { securityGroups: ['sg-0123456789abcdef0'] };

describe.runIf(hasMoto())('sandboxes of RDS', () => {
  let moto: Moto;
  let rds: RDSClient;
  beforeAll(async () => {
    moto = await startMoto();
    rds = rdsClient({ region: REGION, endpoint: moto.endpoint, credentials: CREDENTIALS });
    const login = { MasterUsername: 'app', MasterUserPassword: 'not-a-secret' };
    const instance = { DBInstanceClass: 'db.t4g.micro', AllocatedStorage: 20, BackupRetentionPeriod: 1 };
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: 'orders',
        Engine: 'postgres',
        ...instance,
        ...login,
      }),
    );
    await rds.send(
      new CreateDBClusterCommand({ DBClusterIdentifier: 'aurora', Engine: 'aurora-postgresql', ...login }),
    );
  });
  afterAll(() => moto.stop());

  const makerOf = (source: RdsSource | undefined, client = rds) =>
    rdsSandboxes({ rds: client, sourceOf: () => source });
  const recent = (n: number, more: Partial<Sandbox> = {}) => {
    const at = new Date(Date.now() - 3_600_000).toISOString();
    return aSandbox(n, { at, createdAt: at, ...more });
  };

  async function ended(make: () => Promise<Progress>): Promise<Progress> {
    for (let looks = 0; looks < 10; looks += 1) {
      const progress = await make();
      if (progress.state !== 'making') return progress;
    }
    throw new Error('it is being made still');
  }

  async function gone(maker: ReturnType<typeof makerOf>, id: string): Promise<void> {
    for (let looks = 0; looks < 10; looks += 1) if (await maker.remove(id)) return;
    throw new Error('it is there still');
  }

  it('are restored from an instance, tagged, and removed by step', async () => {
    const maker = makerOf({ instance: 'orders', class: 'db.t4g.small', ...GROUPS });
    const sandbox = recent(1);
    expect(await maker.make(sandbox)).toEqual({ state: 'making' });
    expect(await ended(() => maker.make(sandbox))).toMatchObject({ state: 'ready', address: { port: 5432 } });
    expect(await maker.existing()).toEqual([sandbox.id]);
    const name = `custody-sandbox-${sandbox.id}`;
    const found = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }));
    expect(found.DBInstances).toMatchObject([{ DBInstanceClass: 'db.t4g.small' }]);
    expect(found.DBInstances![0]!.TagList).toContainEqual({ Key: 'custody:until', Value: sandbox.until });
    await gone(maker, sandbox.id);
    expect(await maker.existing()).toEqual([]);
    expect(await maker.make({ ...sandbox, state: 'ready' })).toMatchObject({ state: 'failed' });
    const left = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'orders' }));
    expect(left.DBInstances).toHaveLength(1);
  });

  it('are cloned from a cluster of Aurora, with an instance in it', async () => {
    const maker = makerOf({ cluster: 'aurora', class: 'db.t4g.medium', ...GROUPS });
    const sandbox = recent(2);
    expect(await ended(() => maker.make(sandbox))).toMatchObject({ state: 'ready' });
    expect(await maker.existing()).toEqual([sandbox.id]);
    await gone(maker, sandbox.id);
    expect(await maker.existing()).toEqual([]);
    const left = await rds.send(new DescribeDBClustersCommand({}));
    expect(left.DBClusters!.map(({ DBClusterIdentifier: name }) => name)).toEqual(['aurora']);
  });

  it('wait until RDS has the data of their time', async () => {
    const maker = makerOf({ instance: 'orders', ...GROUPS });
    const sandbox = recent(3, { at: new Date(Date.now() + 3_600_000).toISOString() });
    expect(await maker.make(sandbox)).toEqual({ state: 'making' });
    expect(await maker.existing()).toEqual([]);
  });

  it('of a source that is not there fail in words', async () => {
    for (const source of [
      { instance: 'nowhere', ...GROUPS },
      { cluster: 'nowhere', class: 'c', ...GROUPS },
    ])
      await expect(makerOf(source).make(recent(4))).rejects.toMatchObject({
        code: 'precondition-failed',
        message: 'RDS has no database nowhere',
      });
    await expect(makerOf(undefined).make(recent(4))).rejects.toMatchObject({ code: 'precondition-failed' });
  });

  it('security case 20: remove no database that has their name and not their tag', async () => {
    const { id } = recent(5);
    const name = `custody-sandbox-${id}`;
    const theirs = { DBInstanceClass: 'db.t4g.micro', Engine: 'postgres', AllocatedStorage: 20 };
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: name,
        ...theirs,
        MasterUsername: 'a',
        MasterUserPassword: 'not-a-secret',
      }),
    );
    const maker = makerOf({ instance: 'orders', ...GROUPS });
    expect(await maker.remove(id)).toBe(true);
    const left = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }));
    expect(left.DBInstances).toHaveLength(1);
    expect(await maker.existing()).toEqual([]);
  });

  it('security case 10: are none that somebody else made by their name: nobody is connected there', async () => {
    const there = { DBInstanceStatus: 'available', Endpoint: { Address: 'evil', Port: 1 }, TagList: [] };
    const cluster = { Status: 'available', Endpoint: 'evil', Port: 1, TagList: [] };
    const foreign = { send: async () => ({ DBInstances: [there], DBClusters: [cluster] }) } as never;
    for (const source of [
      { instance: 'orders', ...GROUPS },
      { cluster: 'orders', class: 'c', ...GROUPS },
    ])
      expect(await makerOf(source, foreign).make(recent(7))).toMatchObject({ state: 'failed' });
  });

  it('that cannot be seen are not none', async () => {
    const away = { send: () => Promise.reject(new Error('away')) } as never;
    const maker = makerOf({ instance: 'orders', ...GROUPS }, away);
    for (const asked of [maker.existing(), maker.remove(recent(6).id), maker.make(recent(6))])
      await expect(asked).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
