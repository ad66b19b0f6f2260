import type { Caller } from '#test/support/iam/judge.ts';
import { HERE } from '#test/support/iam/resolved.ts';
import { type Calls, type Case, may, mayNot } from './calls.ts';
import { PUT } from './evidence-cases.ts';
import { CLUSTER_ROLE, SECRETS_KEY } from './stacks.ts';

const QUEUE = ['queue/3', 'done/0a1b'];
const LOCK = 'PutObject PutObjectRetention PutObjectLegalHold';

/** A lease that somebody else writes keeps a lost task's sessions from being sealed. */
const NO_LEASES = ['Coordination', 'PutItem ConditionCheckItem', 'leases', 'pulses', 'cancel-key/x'] as const;

/** Which tables a role works with, and with which partitions of them. */
interface Work {
  readonly tables: readonly (readonly [table: string, actions: string, ...partitions: string[]])[];
  readonly evidence?: readonly (readonly [actions: string, key: string])[];
  /** What it may not, that others may. */
  readonly not?: {
    readonly tables?: Work['tables'];
    readonly evidence?: Work['evidence'];
  };
}

/** Each call that the code makes with DynamoDB and the bucket of evidence. */
export const WORK: Readonly<Record<string, Work>> = {
  GatewayProxyRole: {
    tables: [
      ['Sessions', 'PutItem UpdateItem GetItem', 'x'],
      ['Journal', 'PutItem', 'task/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Coordination', 'GetItem Query PutItem DeleteItem', 'cancel-key/x', 'leases'],
      ['Access', 'GetItem BatchGetItem Query PutItem UpdateItem ConditionCheckItem', 'request/x'],
      ['Access/by-requester', 'Query', 'dana'],
      ['Runs', 'GetItem Query PutItem UpdateItem', 'x'],
      ['Deliveries', 'PutItem UpdateItem', 'x'],
    ],
    evidence: [[LOCK, 'sessions/a/open.json']],
    not: {
      tables: [
        ['Journal', 'Query DeleteItem Scan', 'task/x'],
        ['Access', 'DeleteItem Scan', 'request/x'],
        ['Sessions', 'DeleteItem Scan', 'x'],
      ],
      evidence: [
        ['GetObject DeleteObject BypassGovernanceRetention', 'sessions/a/open.json'],
        [LOCK, 'ledger/checkpoint'],
        [LOCK, 'workflows/w'],
      ],
    },
  },
  GatewayFunctionsAuthorizerRole: {
    tables: [
      ['Access', 'GetItem BatchGetItem Query', 'logout/x', 'scim/x/users'],
      ['Coordination', 'PutItem', 'pulses'],
    ],
    not: {
      tables: [
        ['Access', 'PutItem', 'logout/x'],
        ['Coordination', 'PutItem', 'queue/3', 'leases', 'pulses-of-others'],
      ],
      evidence: [['GetObject', 'sessions/a/open.json']],
    },
  },
  GatewayFunctionsAccessRole: {
    tables: [
      ['Access', 'GetItem BatchGetItem Query PutItem UpdateItem ConditionCheckItem', 'request/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Coordination', 'Query', 'leases', 'pulses', 'queue/3'],
      ['Deliveries', 'PutItem UpdateItem Query', 'x'],
      ['Deliveries/dead', 'Query', 'x'],
      ['Runs', 'GetItem Query PutItem UpdateItem', 'x'],
      ['Sessions', 'GetItem Scan', 'x'],
      ['Sessions/open-by-task', 'Scan', 'x'],
    ],
    evidence: [
      ['GetObject', 'sessions/a/task.json'],
      [`GetObject ${LOCK}`, 'workflows/w'],
      ['GetObject', 'ledger/checkpoint'],
    ],
    not: {
      tables: [
        NO_LEASES,
        // Keys of connections, and wishes to end them.
        ['Coordination', 'PutItem ConditionCheckItem Query', 'cancel-key/x', 'wishes/x'],
        ['Sessions', 'PutItem UpdateItem Query', 'x'],
      ],
      evidence: [
        ['GetObject', 'sessions/a/open.json'],
        [LOCK, 'sessions/a/task.json'],
        [LOCK, 'ledger/checkpoint'],
      ],
    },
  },
  GatewayFunctionsReplayRole: {
    tables: [
      ['Sessions', 'GetItem Query Scan', 'x'],
      ['Sessions/by-person', 'Query', 'dana'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Access', 'GetItem BatchGetItem Query PutItem', 'x'],
      ['Journal', 'GetItem Query', 'task/x'],
    ],
    evidence: [
      ['GetObject', 'sessions/a/open.json'],
      ['GetObject', 'ledger/checkpoint'],
      ['GetObject', 'indexes/a/x'],
    ],
    not: {
      tables: [
        NO_LEASES,
        ['Sessions', 'PutItem UpdateItem', 'x'],
        ['Journal', 'PutItem DeleteItem', 'task/x'],
      ],
      evidence: [
        [LOCK, 'sessions/a/open.json'],
        [LOCK, 'indexes/a/x'],
      ],
    },
  },
  GatewayFunctionsScimRole: {
    tables: [
      [
        'Access',
        'GetItem BatchGetItem Query PutItem UpdateItem DeleteItem',
        'scim/x/users',
        'scim-name/x/users',
        'scim-mark',
        'scim-owed',
      ],
      ['Access/untold', 'Query', 'scim'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: {
      tables: [
        ['Access', 'GetItem BatchGetItem Query PutItem UpdateItem DeleteItem', 'request/x', 'logout/x'],
        ['Access/untold', 'Query', 'x'],
        NO_LEASES,
      ],
      evidence: [['GetObject', 'sessions/a/open.json']],
    },
  },
  GatewayFunctionsLogoutRole: {
    tables: [
      ['Access', 'PutItem', 'logout/x', 'logout-token/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: { tables: [['Access', 'GetItem Query DeleteItem', 'logout/x'], NO_LEASES] },
  },
  GatewayFunctionsSshRole: {
    tables: [
      ['Access', 'GetItem Query PutItem', 'certificate/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: { tables: [['Access', 'UpdateItem DeleteItem', 'certificate/x'], NO_LEASES] },
  },
  GatewayFunctionsSealerRole: {
    tables: [
      ['Sessions', 'GetItem Query Scan UpdateItem', 'x'],
      ['Journal', 'Query PutItem BatchWriteItem', 'task/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Coordination', 'Query UpdateItem DeleteItem', 'leases', 'sealing'],
    ],
    evidence: [[`GetObject ${LOCK}`, 'sessions/a/close.json']],
    not: { evidence: [[`GetObject ${LOCK}`, 'ledger/checkpoint']] },
  },
  GatewayFunctionsSettlerRole: {
    tables: [['Runs', 'GetItem Query PutItem', 'x']],
    evidence: [
      ['GetObject', 'sessions/a/open.json'],
      [LOCK, 'sessions/a/task.json'],
      ['GetObject', 'workflows/w'],
    ],
    not: {
      evidence: [
        [LOCK, 'sessions/a/close.json'],
        [LOCK, 'workflows/w'],
      ],
    },
  },
  GatewayFunctionsIndexerRole: {
    tables: [['Sessions', 'GetItem Query', 'x']],
    evidence: [
      ['GetObject', 'sessions/a/open.json'],
      [`GetObject ${LOCK}`, 'indexes/a/x'],
    ],
    not: { tables: [['Sessions', 'UpdateItem', 'x']], evidence: [[LOCK, 'sessions/a/open.json']] },
  },
  GatewayFunctionsSequencerRole: {
    tables: [
      ['Sessions', 'UpdateItem', 'x'],
      ['Coordination', 'Query PutItem DeleteItem', ...QUEUE],
    ],
    evidence: [[`GetObject ${LOCK}`, 'ledger/tile/0/000']],
    not: { evidence: [[`GetObject ${LOCK}`, 'sessions/a/open.json']] },
  },
  GatewayFunctionsNotifierRole: {
    tables: [
      ['Access', 'GetItem Query UpdateItem', 'request/x'],
      ['Access/untold', 'Query', 'x'],
      ['Runs', 'GetItem Query UpdateItem', 'x'],
      ['Deliveries', 'GetItem Query PutItem UpdateItem', 'x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: { tables: [['Access', 'PutItem DeleteItem', 'request/x'], NO_LEASES] },
  },
  GatewayFunctionsSandboxRole: {
    tables: [
      ['Access', 'GetItem Query PutItem', 'sandbox'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: {
      tables: [
        ['Access', 'GetItem Query PutItem', 'request/x', 'sandbox2'],
        ['Access/by-state', 'Query', 'x'],
        NO_LEASES,
      ],
    },
  },
};

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
  const regional = (service: string, what: string) =>
    `arn:aws:${service}:${HERE.region}:${HERE.account}:${what}`;
  const task = regional('ecs', `task/${calls.account.id('ECS::Cluster', 'GatewayProxy')}/0a1b`);
  const protect = (resource: string) => calls.any(proxy, 'ecs:UpdateTaskProtection', resource);
  const readers = Object.keys(WORK).filter((role) => !/Sealer|Settler|Sequencer/.test(role));
  const config = calls.bucket('ConfigBucket');
  return [
    ...may(protect(task), calls.any(proxy, 'ecs:GetTaskProtection', task)),
    ...mayNot(protect(regional('ecs', 'task/another/0a1b')), calls.any(proxy, 'ecs:StopTask', task)),
    ...readers.flatMap((role) => may(...calls.s3(calls.role(role), 'GetObject', `${config}/custody.yaml`))),
    ...readers.flatMap((role) => may(...calls.s3(calls.role(role), 'ListBucket', config))),
    ...searchCases(calls, replay, indexer),
    ...sandboxCases(calls, sandbox),
  ];
}

/** Athena works with the rights of who asks. */
function searchCases(calls: Calls, replay: Caller, indexer: Caller): Case[] {
  const bucket = calls.bucket('EventsBucket');
  const at = (key: string) => `${bucket}/${key}`;
  return [
    ...may(
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
    calls.any(role, `rds:${action}`, `arn:aws:rds:${HERE.region}:${HERE.account}:${what}`, context);
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

/** What targets, webhooks and directories need, and auditors. */
export function targetCases(calls: Calls, auditor: string): Case[] {
  const [proxy, notifier, scim] = ['Proxy', 'FunctionsNotifier', 'FunctionsScim'].map((name) =>
    calls.role(`Gateway${name}Role`),
  ) as [Caller, Caller, Caller];
  const hostKey = calls.account.arn('SecretsManager::Secret', 'GatewaySsh');
  const via = { 'kms:ViaService': `secretsmanager.${HERE.region}.amazonaws.com` };
  const user = `arn:aws:rds-db:${HERE.region}:${HERE.account}:dbuser:cluster-ABC123`;
  const clusterRole = (caller: Caller, role = CLUSTER_ROLE) => ({
    ...calls.any(caller, 'sts:AssumeRole', role),
    account: '444455556666',
  });
  return [
    ...may(
      ...['custody/tls', 'custody/orders', 'custody/deploy', hostKey].flatMap((name) =>
        calls.secret(proxy, name),
      ),
      ...calls.secret(proxy, hostKey, 'PutSecretValue'),
      ...calls.secret(notifier, 'custody/hook'),
      ...calls.secret(scim, 'custody/directory'),
      ...calls.onKey(proxy, 'Decrypt', SECRETS_KEY, via),
      calls.any(proxy, 'rds-db:connect', `${user}/custody`),
    ),
    ...mayNot(
      ...calls.secret(proxy, 'custody/hook'),
      ...calls.secret(proxy, 'custody/orders', 'PutSecretValue DeleteSecret'),
      ...calls.secret(notifier, 'custody/orders'),
      ...calls.onKey(proxy, 'Decrypt', SECRETS_KEY),
      calls.any(proxy, 'rds-db:connect', `${user}/postgres`),
      // Its own policy says who; a role of another name is not even asked.
      clusterRole(proxy, 'arn:aws:iam::444455556666:role/Administrator'),
      clusterRole(notifier),
    ),
    ...auditorCases(calls, { arn: auditor }),
  ];
}

/** Whoever may take the auditor's role reads evidence, through S3, and can do nothing else. */
function auditorCases(calls: Calls, person: Caller): Case[] {
  const role = calls.role('GatewayAuditor');
  const bucket = calls.bucket('EvidenceBucket');
  const take = (caller: Caller) =>
    calls.any(caller, 'sts:AssumeRole', calls.account.arn('IAM::Role', 'GatewayAuditor'));
  const read = 'GetObject GetObjectVersion GetObjectRetention GetObjectLegalHold';
  return [
    ...may(
      take(person),
      ...calls.s3(role, read, `${bucket}/sessions/a/open.json`),
      ...calls.s3(role, 'ListBucket ListBucketVersions', bucket),
      ...calls.throughS3(role, 'Decrypt', bucket),
      ...calls.onKey(role, 'GetPublicKey', calls.key('SigningKey')),
    ),
    ...mayNot(
      take({ arn: 'arn:aws:iam::444455556666:role/another' }),
      ...calls.s3(role, 'PutObject', `${bucket}/sessions/a/open.json`, PUT),
      ...calls.s3(role, 'DeleteObject', `${bucket}/sessions/a/open.json`),
      ...calls.s3(role, 'GetObject', `${calls.bucket('ConfigBucket')}/custody.yaml`),
      ...calls.onKey(role, 'Decrypt', calls.key('DataKey')),
      ...calls.throughS3(role, 'GenerateDataKey', bucket),
    ),
  ];
}
