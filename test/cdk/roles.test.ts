import { describe, expect, it } from 'vitest';
import { allowed, managedPoliciesOf, policiesOf, inWords } from '#test/support/role-policies.ts';
import { gatewayTemplate } from '#test/support/stacks.ts';

const template = gatewayTemplate();

const SESSIONS = 'GatewayEvidenceBucket/sessions/*';
const RESULTS = 'GatewayEvidenceBucket/sessions/*/task.json';
const LEDGER = 'GatewayEvidenceBucket/ledger/*';
const WORKFLOWS = 'GatewayEvidenceBucket/workflows/*';
const CONFIG = { 's3:GetObject': ['GatewayConfigBucket/*'], 's3:ListBucket': ['GatewayConfigBucket'] };
const TRACES = { 'xray:PutTraceSegments': ['*'], 'xray:PutTelemetryRecords': ['*'] };
const SIGN = { 'kms:Sign': ['GatewaySigningKey'], 'kms:GetPublicKey': ['GatewaySigningKey'] };
const PUT = ['s3:PutObject', 's3:PutObjectRetention', 's3:PutObjectLegalHold'];
const SECRET = 'arn:AWS::Partition:secretsmanager:AWS::Region:AWS::AccountId:secret:custody';

const table = (name: string, ...indexes: readonly string[]) => [
  `GatewayTables${name}`,
  ...indexes.map((index) => `GatewayTables${name}/index/${index}`),
];
const sessions = table('Sessions', 'by-person', 'by-target', 'by-approver', 'by-month', 'open-by-task');
const access = table('Access', 'by-requester', 'by-target', 'by-state', 'untold');
const deliveries = table('Deliveries', 'due', 'dead');
const runs = table('Runs', 'all', 'by-workflow', 'untold', 'unsettled');
const [SESSION, JOURNAL, COORDINATION, ACCESS, RUNS, DELIVERIES] = [
  'GatewayTablesSessions',
  'GatewayTablesJournal',
  'GatewayTablesCoordination',
  'GatewayTablesAccess',
  'GatewayTablesRuns',
  'GatewayTablesDeliveries',
];

const INDEXES = 'GatewayEvidenceBucket/indexes/*';
const CONFIGURED = 'GatewayConfigBucket/*';
const SEARCHED = 'GatewayEventsBucket/steps/*';
const RESULTS_OF_SEARCH = 'GatewayEventsBucket/results/*';
const HERE = 'AWS::Region:AWS::AccountId';
const DATABASE = 'custody_f8e4dcad';
const WORKGROUP = `arn:AWS::Partition:athena:${HERE}:workgroup/${DATABASE}`;
const CATALOG = ['catalog', `database/${DATABASE}`, `table/${DATABASE}/steps`].map(
  (place) => `arn:AWS::Partition:glue:${HERE}:${place}`,
);

const ofRds = (what: string) => `arn:AWS::Partition:rds:${HERE}:${what}`;

function logs(name: string) {
  const log = [`GatewayFunctions${name}Log`];
  return { 'logs:CreateLogStream': log, 'logs:PutLogEvents': log };
}

/** All that each role may do, the uses of the data key left out. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  GatewayProxyRole: {
    ...Object.fromEntries(PUT.map((action) => [action, [SESSIONS]])),
    ...CONFIG,
    ...SIGN,
    'dynamodb:PutItem': [SESSION, JOURNAL, COORDINATION, ACCESS, RUNS, DELIVERIES],
    'dynamodb:UpdateItem': [SESSION, ACCESS, RUNS, DELIVERIES],
    'dynamodb:GetItem': [SESSION, COORDINATION, ACCESS, RUNS],
    'dynamodb:BatchGetItem': [ACCESS],
    'dynamodb:ConditionCheckItem': [COORDINATION, ACCESS],
    'dynamodb:Query': [COORDINATION, ...access, ...runs],
    'dynamodb:DeleteItem': [COORDINATION],
    'secretsmanager:GetSecretValue': [`${SECRET}/tls-??????`, `${SECRET}/orders-??????`],
    ...Object.fromEntries(
      ['ecs:UpdateTaskProtection', 'ecs:GetTaskProtection'].map((action) => [
        action,
        ['arn:AWS::Partition:ecs:AWS::Region:AWS::AccountId:task/GatewayProxyCluster/*'],
      ]),
    ),
  },
  GatewayFunctionsAuthorizerRole: {
    ...CONFIG,
    ...TRACES,
    ...logs('Authorizer'),
    'secretsmanager:GetSecretValue': ['GatewayConsoleEdgeSecret'],
    'dynamodb:GetItem': [ACCESS],
    'dynamodb:BatchGetItem': [ACCESS],
    'dynamodb:Query': access,
    'dynamodb:PutItem': [COORDINATION],
  },
  GatewayFunctionsScimRole: {
    ...CONFIG,
    ...TRACES,
    ...logs('Scim'),
    'dynamodb:GetItem': [ACCESS],
    'dynamodb:BatchGetItem': [ACCESS],
    'dynamodb:Query': access,
    'dynamodb:PutItem': [ACCESS, COORDINATION],
    'dynamodb:UpdateItem': [ACCESS],
    'dynamodb:DeleteItem': [ACCESS],
    'dynamodb:ConditionCheckItem': [COORDINATION],
  },
  GatewayFunctionsLogoutRole: {
    ...CONFIG,
    ...TRACES,
    ...logs('Logout'),
    'dynamodb:PutItem': [ACCESS, COORDINATION],
    'dynamodb:ConditionCheckItem': [COORDINATION],
  },
  GatewayFunctionsSshRole: {
    ...CONFIG,
    ...TRACES,
    ...logs('Ssh'),
    'dynamodb:GetItem': [ACCESS],
    'dynamodb:Query': access,
    'dynamodb:PutItem': [ACCESS, COORDINATION],
    'dynamodb:ConditionCheckItem': [COORDINATION],
  },
  GatewayFunctionsAccessRole: {
    ...CONFIG,
    ...TRACES,
    ...logs('Access'),
    ...Object.fromEntries(PUT.map((action) => [action, [WORKFLOWS]])),
    's3:GetObject': [RESULTS, WORKFLOWS, LEDGER, 'GatewayConfigBucket/*'],
    'kms:GetPublicKey': ['GatewaySigningKey'],
    's3:ListBucket': ['GatewayEvidenceBucket', 'GatewayConfigBucket'],
    'dynamodb:GetItem': [ACCESS, RUNS, SESSION],
    'dynamodb:BatchGetItem': [ACCESS],
    'dynamodb:Scan': sessions,
    'dynamodb:Query': [...access, COORDINATION, ...runs, ...deliveries],
    'dynamodb:PutItem': [ACCESS, COORDINATION, RUNS, DELIVERIES],
    'dynamodb:UpdateItem': [ACCESS, RUNS, DELIVERIES],
    'dynamodb:ConditionCheckItem': [ACCESS, COORDINATION],
  },
  GatewayFunctionsReplayRole: {
    ...TRACES,
    ...logs('Replay'),
    's3:GetObject': [SESSIONS, LEDGER, INDEXES, CONFIGURED, SEARCHED, RESULTS_OF_SEARCH],
    's3:PutObject': [RESULTS_OF_SEARCH, 'GatewayEventsBucket/wanted/*'],
    's3:AbortMultipartUpload': [RESULTS_OF_SEARCH],
    's3:ListBucket': ['GatewayEvidenceBucket', 'GatewayConfigBucket', 'GatewayEventsBucket'],
    's3:GetBucketLocation': ['GatewayEventsBucket'],
    ...Object.fromEntries(
      ['StartQueryExecution', 'GetQueryExecution', 'GetQueryResults', 'StopQueryExecution'].map((action) => [
        `athena:${action}`,
        [WORKGROUP],
      ]),
    ),
    ...Object.fromEntries(
      ['GetDatabase', 'GetTable', 'GetPartitions'].map((action) => [`glue:${action}`, CATALOG]),
    ),
    'kms:GetPublicKey': ['GatewaySigningKey'],
    'dynamodb:GetItem': [SESSION, ACCESS, JOURNAL],
    'dynamodb:BatchGetItem': [ACCESS],
    'dynamodb:Query': [...sessions, ...access, JOURNAL],
    'dynamodb:Scan': sessions,
    'dynamodb:PutItem': [COORDINATION, ACCESS],
    'dynamodb:ConditionCheckItem': [COORDINATION],
  },
  GatewayFunctionsSealerRole: {
    ...TRACES,
    ...logs('Sealer'),
    ...SIGN,
    ...Object.fromEntries([...PUT, 's3:GetObject'].map((action) => [action, [SESSIONS]])),
    's3:ListBucket': ['GatewayEvidenceBucket'],
    'dynamodb:GetItem': [SESSION],
    'dynamodb:Query': [...sessions, JOURNAL, COORDINATION],
    'dynamodb:Scan': sessions,
    'dynamodb:UpdateItem': [SESSION, COORDINATION],
    'dynamodb:PutItem': [JOURNAL, COORDINATION],
    'dynamodb:BatchWriteItem': [JOURNAL],
    'dynamodb:ConditionCheckItem': [COORDINATION],
    'dynamodb:DeleteItem': [COORDINATION],
  },
  GatewayFunctionsSettlerRole: {
    ...TRACES,
    ...logs('Settler'),
    ...SIGN,
    ...Object.fromEntries(PUT.map((action) => [action, [RESULTS]])),
    's3:GetObject': [SESSIONS, WORKFLOWS],
    's3:ListBucket': ['GatewayEvidenceBucket'],
    'dynamodb:GetItem': [RUNS],
    'dynamodb:Query': runs,
    'dynamodb:PutItem': [RUNS],
  },
  GatewayFunctionsIndexerRole: {
    ...TRACES,
    ...logs('Indexer'),
    ...SIGN,
    ...Object.fromEntries(PUT.map((action) => [action, [INDEXES]])),
    's3:PutObject': [INDEXES, 'GatewayEventsBucket/*'],
    's3:GetObject': [SESSIONS, INDEXES, CONFIGURED, 'GatewayEventsBucket/*'],
    's3:ListBucket': ['GatewayEvidenceBucket', 'GatewayConfigBucket', 'GatewayEventsBucket'],
    'dynamodb:GetItem': [SESSION],
    'dynamodb:Query': sessions,
  },
  GatewayFunctionsSequencerRole: {
    ...TRACES,
    ...logs('Sequencer'),
    ...SIGN,
    ...Object.fromEntries([...PUT, 's3:GetObject'].map((action) => [action, [LEDGER]])),
    's3:ListBucket': ['GatewayEvidenceBucket'],
    'dynamodb:Query': [COORDINATION],
    'dynamodb:PutItem': [COORDINATION],
    'dynamodb:UpdateItem': [SESSION],
    'dynamodb:DeleteItem': [COORDINATION],
  },
  GatewayFunctionsNotifierRole: {
    ...CONFIG,
    ...TRACES,
    ...logs('Notifier'),
    'dynamodb:GetItem': [ACCESS, RUNS, DELIVERIES],
    'dynamodb:Query': [...access, ...runs, ...deliveries],
    'dynamodb:UpdateItem': [ACCESS, RUNS, DELIVERIES],
    'dynamodb:PutItem': [COORDINATION, DELIVERIES],
    'dynamodb:ConditionCheckItem': [COORDINATION],
  },
  GatewayFunctionsSandboxRole: {
    ...CONFIG,
    ...TRACES,
    ...logs('Sandbox'),
    'dynamodb:GetItem': [ACCESS],
    'dynamodb:Query': access,
    'dynamodb:PutItem': [ACCESS, COORDINATION],
    'dynamodb:ConditionCheckItem': [COORDINATION],
    ...Object.fromEntries(
      ['RestoreDBInstanceToPointInTime', 'RestoreDBClusterToPointInTime'].map((action) => [
        `rds:${action}`,
        ['db:*', 'cluster:*', 'subgrp:*', 'og:*', 'pg:*', 'cluster-pg:*'].map(ofRds),
      ]),
    ),
    // Nothing is put into a cluster that was there before (security case 8).
    'rds:CreateDBInstance': [
      ...['db:custody-sandbox-*', 'cluster:custody-sandbox-*'],
      ...['subgrp:*', 'og:*', 'pg:*', 'cluster-pg:*'],
    ].map(ofRds),
    ...Object.fromEntries(
      ['AddTagsToResource', 'DeleteDBInstance', 'DeleteDBCluster'].map((action) => [
        `rds:${action}`,
        ['db:custody-sandbox-*', 'cluster:custody-sandbox-*'].map(ofRds),
      ]),
    ),
    'rds:DescribeDBInstances': ['db:*', 'cluster:*'].map(ofRds),
    'rds:DescribeDBClusters': ['db:*', 'cluster:*'].map(ofRds),
  },
};

const sorted = (lists: Iterable<readonly [string, readonly string[]]>) =>
  Object.fromEntries([...lists].map(([action, places]) => [action, places.toSorted()]));

describe('what roles may do', () => {
  it.each(Object.entries(EXPECTED))('%s: this and nothing else', (role, expected) => {
    const found = [...allowed(policiesOf(template, role))];
    const own = found.map(
      ([action, places]) => [action, places.filter((at) => at !== 'GatewayDataKey')] as const,
    );
    expect(sorted(own.filter(([, places]) => places.length > 0))).toEqual(sorted(Object.entries(expected)));
  });

  it('use the data key only through the services that keep what it encrypts', () => {
    const through: Record<string, Record<string, readonly string[]>> = {};
    for (const role of Object.keys(EXPECTED)) {
      through[role] = {};
      for (const { Action, Resource, Condition } of policiesOf(template, role).flatMap(
        ({ Statement }) => Statement,
      )) {
        if (!JSON.stringify(Resource).includes('GatewayDataKey')) continue;
        const service = JSON.stringify(Condition).match(/"kms:ViaService".*?"(s3|dynamodb)\."/)?.[1];
        through[role][service ?? 'anything'] = [Action].flat();
      }
    }
    const dynamodb = ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'];
    const puts = { s3: ['kms:GenerateDataKey', 'kms:Decrypt'], dynamodb };
    expect(through).toEqual({
      GatewayProxyRole: puts,
      GatewayFunctionsAuthorizerRole: { dynamodb },
      GatewayFunctionsLogoutRole: { dynamodb },
      GatewayFunctionsScimRole: { dynamodb },
      GatewayFunctionsSshRole: { dynamodb },
      GatewayFunctionsAccessRole: puts,
      GatewayFunctionsReplayRole: puts,
      GatewayFunctionsSealerRole: puts,
      GatewayFunctionsSettlerRole: puts,
      GatewayFunctionsIndexerRole: puts,
      GatewayFunctionsSequencerRole: puts,
      GatewayFunctionsNotifierRole: { dynamodb },
      GatewayFunctionsSandboxRole: { dynamodb },
    });
  });

  it('that look at what coordinates tasks reach no keys of connections, and nobody’s wishes', () => {
    const reached = (role: string): unknown[] =>
      policiesOf(template, role)
        .flatMap(({ Statement }) => Statement)
        .filter(({ Sid }) => Sid === 'Itemscoordination' || Sid === 'LookUpcoordination')
        .map(({ Condition }) => Condition);
    const only = (...keys: readonly string[]) => ({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys },
    });
    const leaves = only('queue/*', 'done/*');
    expect(reached('GatewayFunctionsAccessRole')).toEqual([leaves, only('queue/*', 'leases', 'pulses')]);
    for (const name of ['Replay', 'Scim', 'Logout', 'Ssh', 'Notifier', 'Sandbox'])
      expect(reached(`GatewayFunctions${name}Role`), name).toEqual([leaves]);
    expect(reached('GatewayFunctionsAuthorizerRole')).toEqual([only('pulses')]);
  });

  it('of sandboxes make none without the tag, and remove none without it', () => {
    const statements = policiesOf(template, 'GatewayFunctionsSandboxRole').flatMap(
      ({ Statement }) => Statement,
    );
    const conditions = new Map(
      statements.flatMap(({ Action, Condition }) =>
        [Action].flat().map((action) => [action, Condition] as const),
      ),
    );
    const tagged = (key: string) => ({ StringLike: { [`aws:${key}/custody:sandbox`]: '?*' } });
    for (const action of [
      'RestoreDBInstanceToPointInTime',
      'RestoreDBClusterToPointInTime',
      'CreateDBInstance',
      'AddTagsToResource',
    ])
      expect(conditions.get(`rds:${action}`), action).toEqual(tagged('RequestTag'));
    for (const action of ['DeleteDBInstance', 'DeleteDBCluster'])
      expect(conditions.get(`rds:${action}`), action).toEqual(tagged('ResourceTag'));
  });

  it('carry none of the broad policies that AWS offers', () => {
    for (const role of [...Object.keys(EXPECTED), 'GatewayProxyTaskExecutionRole'])
      expect(managedPoliciesOf(template, role), role).toEqual([]);
  });

  it('tasks protect those of their own cluster only', () => {
    const [protect] = policiesOf(template, 'GatewayProxyRole')
      .flatMap(({ Statement }) => Statement)
      .filter(({ Sid }) => Sid === 'ProtectTasks');
    // The ARN has the cluster in it; a condition that is understood in another way would leave every task unprotected.
    expect(inWords(protect!.Resource)).toMatch(/:task\/GatewayProxyCluster\w*\/\*$/);
    expect(protect!.Condition).toBeUndefined();
  });
});

describe('policiesOf', () => {
  it('refuses a prefix of no role, and of several', () => {
    expect(() => policiesOf(template, 'Nobody')).toThrow('0 roles begin with Nobody');
    expect(() => policiesOf(template, 'GatewayFunctions')).toThrow('12 roles');
  });
});
