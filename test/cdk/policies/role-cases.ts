import type { Caller } from '#test/support/iam/judge.ts';
import { HERE } from '#test/support/iam/resolved.ts';
import { type Calls, type Case, may, mayNot } from './calls.ts';
import { PUT } from './evidence-cases.ts';
import { WORK, type Work } from './work.ts';

const regional = (service: string) => `arn:aws:${service}:${HERE.region}:${HERE.account}`;

/** With the key's part of each: nobody uses the data key but through the service that keeps what it encrypts. */
export function workCases(calls: Calls): Case[] {
  return Object.entries(WORK).flatMap(([prefix, { tables, evidence = [], not = {} }]) => {
    const role = calls.role(prefix);
    const items = (list: Work['tables']) =>
      list.flatMap(([table, actions, ...partitions]) => calls.dynamo(role, table, actions, ...partitions));
    const objects = (list: NonNullable<Work['evidence']>) =>
      list.flatMap(([actions, key]) =>
        actions.split(' ').flatMap((action) => object(calls, role, action, key)),
      );
    return [
      ...may(...items(tables), ...objects(evidence), ...keyCalls(calls, role, evidence.length > 0)),
      ...mayNot(...items(not.tables ?? []), ...objects(not.evidence ?? [])),
      ...mayNot(...calls.onKey(role, 'Decrypt GenerateDataKey', calls.key('DataKey'))),
      ...mayNot(...calls.through('dynamodb', role, 'ReEncryptFrom CreateGrant')),
      ...(evidence.length > 0
        ? []
        : mayNot(...calls.throughS3(role, 'Decrypt', calls.bucket('EvidenceBucket')))),
    ];
  });
}

function object(calls: Calls, role: Caller, action: string, key: string) {
  const lock = {
    PutObject: PUT,
    PutObjectRetention: { 's3:object-lock-remaining-retention-days': '365' },
    PutObjectLegalHold: { 's3:object-lock-legal-hold': 'ON' },
  }[action];
  return calls.s3(role, action, `${calls.bucket('EvidenceBucket')}/${key}`, lock);
}

function keyCalls(calls: Calls, role: Caller, objects: boolean) {
  return [
    ...calls.through('dynamodb', role, 'Encrypt Decrypt GenerateDataKey DescribeKey'),
    ...(objects ? calls.throughS3(role, 'Decrypt GenerateDataKey', calls.bucket('EvidenceBucket')) : []),
  ];
}

/** What some roles do beside. */
export function otherCases(calls: Calls): Case[] {
  const [proxy, replay, indexer, sandbox] = [
    'Proxy',
    'FunctionsReplay',
    'FunctionsIndexer',
    'FunctionsSandbox',
  ].map((name) => calls.role(`Gateway${name}Role`)) as [Caller, Caller, Caller, Caller];
  const task = `${regional('ecs')}:task/${calls.account.id('ECS::Cluster', 'GatewayProxy')}/0a1b`;
  const protect = (resource: string) => calls.any(proxy, 'ecs:UpdateTaskProtection', resource);
  const readers = Object.keys(WORK).filter((role) => !/Sealer|Settler|Sequencer/.test(role));
  const config = calls.bucket('ConfigBucket');
  return [
    ...may(protect(task), calls.any(proxy, 'ecs:GetTaskProtection', task)),
    ...may(...['custody/tls', 'custody/orders'].flatMap((name) => calls.secret(proxy, name))),
    ...mayNot(...calls.secret(replay, 'custody/orders'), ...calls.secret(proxy, 'custody/other')),
    ...mayNot(protect(`${regional('ecs')}:task/another/0a1b`), calls.any(proxy, 'ecs:StopTask', task)),
    ...readers.flatMap((role) => may(...calls.s3(calls.role(role), 'GetObject', `${config}/custody.yaml`))),
    ...readers.flatMap((role) => may(...calls.s3(calls.role(role), 'ListBucket', config))),
    ...listCases(calls),
    ...telemetryCases(calls),
    ...searchCases(calls, replay, indexer),
    ...sandboxCases(calls, sandbox),
  ];
}

/** Who reads evidence may know what is there; who signs, shows or checks knows the public key. */
function listCases(calls: Calls): Case[] {
  const names = (pattern: RegExp) => Object.keys(WORK).filter((role) => pattern.test(role));
  const list = (role: string) => calls.s3(calls.role(role), 'ListBucket', calls.bucket('EvidenceBucket'));
  const know = (role: string) => calls.onKey(calls.role(role), 'GetPublicKey', calls.key('SigningKey'));
  const readers = /Access|Replay|Sealer|Settler|Indexer|Sequencer/;
  return [
    ...may(
      ...names(readers).flatMap(list),
      ...names(/Proxy|Access|Replay|Sealer|Settler|Indexer|Sequencer/).flatMap(know),
    ),
    ...mayNot(...names(/Proxy|Authorizer|Scim|Logout|Ssh|Notifier|Sandbox/).flatMap(list)),
    ...mayNot(...names(/Authorizer|Scim|Logout|Notifier|Sandbox/).flatMap(know)),
  ];
}

/** Logs into its own group, and traces. */
function telemetryCases(calls: Calls): Case[] {
  const functions = Object.keys(WORK).filter((role) => role !== 'GatewayProxyRole');
  const group = (prefix: string) => calls.account.arn('Logs::LogGroup', prefix).replace('*', 'log-stream:x');
  const log = (role: string, prefix: string) =>
    ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) =>
      calls.any(calls.role(role), action, group(prefix)),
    );
  const trace = (role: string) =>
    ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'].map((action) =>
      calls.any(calls.role(role), action, '*'),
    );
  const own = (role: string) => `${role.replace(/Role$/, '')}Log`;
  return [
    ...may(...functions.flatMap((role) => [...log(role, own(role)), ...trace(role)])),
    ...may(...log('GatewayProxyTaskExecutionRole', 'GatewayProxyLog')),
    ...may(
      ...log('GatewayNetworkVpcFlows', 'GatewayNetworkFlowLog'),
      calls.any(
        calls.role('GatewayNetworkVpcFlows'),
        'logs:DescribeLogStreams',
        group('GatewayNetworkFlowLog'),
      ),
    ),
    ...mayNot(...functions.flatMap((role) => log(role, 'GatewayProxyLog'))),
  ];
}

/** Athena works with the rights of who asks. */
function searchCases(calls: Calls, replay: Caller, indexer: Caller): Case[] {
  const bucket = calls.bucket('EventsBucket');
  const at = (key: string) => `${bucket}/${key}`;
  const database = calls.account.policies
    .flatMap(({ policy }) => policy.flatMap(({ Resource }) => [Resource ?? []].flat()))
    .find((resource) => resource.includes(':workgroup/'))!
    .split('/')[1]!;
  const asking = (workgroup: string) =>
    ['StartQueryExecution', 'GetQueryExecution', 'GetQueryResults', 'StopQueryExecution'].map((action) =>
      calls.any(replay, `athena:${action}`, `${regional('athena')}:workgroup/${workgroup}`),
    );
  const looking = (action: string, what: string) =>
    calls.any(replay, `glue:${action}`, `${regional('glue')}:${what}`);
  const table = `table/${database}/steps`;
  return [
    ...may(
      ...asking(database),
      looking('GetDatabase', `database/${database}`),
      looking('GetTable', table),
      looking('GetPartitions', table),
      looking('GetTable', 'catalog'),
    ),
    ...mayNot(...asking('primary'), looking('GetTable', 'table/theirs/steps'), looking('UpdateTable', table)),
    ...may(
      ...calls.s3(indexer, 'ListBucket', bucket),
      ...calls.s3(indexer, 'GetObject PutObject', at('steps/x')),
      ...calls.s3(replay, 'GetObject', at('steps/x')),
      ...calls.s3(replay, 'GetObject PutObject AbortMultipartUpload', at('results/x')),
      ...calls.s3(replay, 'PutObject', at('wanted/x')),
      ...calls.s3(replay, 'ListBucket GetBucketLocation', bucket),
      ...calls.throughS3(replay, 'Decrypt GenerateDataKey', bucket),
      ...calls.throughS3(indexer, 'Decrypt GenerateDataKey', bucket),
    ),
    ...mayNot(
      ...calls.s3(replay, 'PutObject DeleteObject', at('steps/x')),
      ...calls.s3(replay, 'GetObject', at('wanted/x')),
      ...calls.s3(indexer, 'DeleteObject', at('steps/x')),
      ...calls.s3(calls.role('GatewayProxyRole'), 'GetObject PutObject', at('steps/x')),
    ),
  ];
}

/** Databases are made with the tag, and what lacks it is never removed. */
function sandboxCases(calls: Calls, role: Caller): Case[] {
  const rds = (action: string, what: string, context = {}) =>
    calls.any(role, `rds:${action}`, `${regional('rds')}:${what}`, context);
  const asked = { 'aws:RequestTag/custody:sandbox': 'x' };
  const tagged = { 'aws:ResourceTag/custody:sandbox': 'x' };
  const made = ['db:custody-sandbox-x', 'cluster:custody-sandbox-x'];
  const restore = ['RestoreDBInstanceToPointInTime', 'RestoreDBClusterToPointInTime'];
  return [
    ...restore.flatMap((action, at) => [
      ...may(
        ...[['db:orders', 'cluster:orders'][at]!, made[at]!, 'subgrp:x'].map((what) =>
          rds(action, what, asked),
        ),
      ),
      ...mayNot(rds(action, made[at]!), rds(action, made[at]!, { 'aws:RequestTag/custody:sandbox': '' })),
    ]),
    ...may(...made.map((what) => rds('CreateDBInstance', what, asked))),
    ...mayNot(rds('CreateDBInstance', 'cluster:orders', asked), rds('CreateDBInstance', made[0]!)),
    ...may(...made.map((what) => rds('AddTagsToResource', what, asked))),
    // Nobody makes a sandbox of a database by tagging it.
    ...mayNot(rds('AddTagsToResource', 'db:orders', asked), rds('AddTagsToResource', made[0]!)),
    ...may(rds('DeleteDBInstance', made[0]!, tagged), rds('DeleteDBCluster', made[1]!, tagged)),
    ...mayNot(
      rds('DeleteDBInstance', made[0]!),
      rds('DeleteDBCluster', made[1]!),
      rds('DeleteDBInstance', 'db:orders', tagged),
      rds('ModifyDBInstance', made[0]!, tagged),
    ),
    ...may(rds('DescribeDBInstances', 'db:orders'), rds('DescribeDBClusters', 'cluster:orders')),
  ];
}
