import { Aws } from 'aws-cdk-lib';
import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { TableName } from '#adapters/aws/tables.ts';
import { SANDBOX_PREFIX, SANDBOX_TAG } from '#core/access/sandbox-tags.ts';
import { explainWildcards } from './explain.ts';
import type { RoleName } from './function-names.ts';
import { tableActions } from './table-actions.ts';

/** ARNs of what the roles are about. */
export interface Places {
  readonly evidence: string;
  readonly config: string;
  readonly tables: Readonly<
    Record<TableName, { readonly tableArn: string; readonly indexes: readonly string[] }>
  >;
  readonly signingKey: string;
  readonly dataKey: string;
  readonly events: EventPlaces;
  /** Where people's SSH certificates, and the gateway's own, are signed. */
  readonly authorities?: { readonly users: string; readonly targets: string };
}

/** Of events: the bucket's ARN, and those of Athena's workgroup and of what its queries look into. */
export interface EventPlaces {
  readonly bucket: string;
  readonly workgroup: string;
  readonly catalog: readonly string[];
}

/** All that a role may do beside logging, traces and the secrets that it is given one by one. */
export function permissionsOf(role: RoleName, places: Places): PolicyStatement[] {
  return [
    ...evidenceStatements(role, places.evidence),
    ...tableStatements(role, places.tables),
    ...signingStatements(role, places.signingKey),
    ...authorityStatements(role, places.authorities),
    ...dataKeyStatements(role, places.dataKey),
    ...configStatements(role, places.config),
    ...eventStatements(role, places.events),
    ...(role === 'sandbox' ? sandboxStatements() : []),
  ];
}

/** Gives a role what it may do, and says why some of it ends in a wildcard. */
export function permit(role: Role, name: RoleName, places: Places): void {
  const statements = permissionsOf(name, places);
  for (const statement of statements) role.addToPolicy(statement);
  const databases = statements
    .flatMap(({ resources }) => resources)
    .filter((arn) => arn.includes(':rds:') && arn.endsWith('*'));
  explainWildcards(
    role,
    'sandboxes get their names when they are made; what may be changed is told by its tag',
    ...databases,
  );
  const wild = statements.flatMap(({ resources }) => resources).filter((arn) => arn.includes('/*'));
  explainWildcards(role, 'objects get their names when they are put; nothing else has such a name', ...wild);
}

/** They do as statements and leaves say, whatever the configuration says by now. */
const NO_CONFIG: readonly RoleName[] = ['sealer', 'settler', 'sequencer'];

function configStatements(role: RoleName, bucket: string): PolicyStatement[] {
  if (NO_CONFIG.includes(role)) return [];
  return [
    allow('ReadConfig', ['s3:GetObject'], [`${bucket}/*`]),
    allow('ListConfig', ['s3:ListBucket'], [bucket]),
  ];
}

const SESSIONS = 'sessions/*';
/** What tasks came to, beside the recordings of their sessions. */
const RESULTS = 'sessions/*/task.json';
const LEDGER = 'ledger/*';
/** What runs are under. */
const WORKFLOWS = 'workflows/*';
/** Derived, and beside the evidence that they are of. */
const INDEXES = 'indexes/*';
const SIDS: Readonly<Record<string, string>> = {
  [SESSIONS]: 'Sessions',
  [RESULTS]: 'Results',
  [LEDGER]: 'Ledger',
  [WORKFLOWS]: 'Workflows',
  [INDEXES]: 'Indexes',
};
/** A put that carries a lock, or a legal hold, needs the right to each; the bucket's policy lets nobody end a hold. */
const PUT = ['s3:PutObject', 's3:PutObjectRetention', 's3:PutObjectLegalHold'];
const GET = ['s3:GetObject'];

/** What a role does under which prefix of the evidence bucket. */
const EVIDENCE: Readonly<Partial<Record<RoleName, Readonly<Record<string, readonly string[]>>>>> = {
  proxy: { [SESSIONS]: PUT },
  sealer: { [SESSIONS]: [...GET, ...PUT] },
  settler: { [SESSIONS]: GET, [RESULTS]: PUT, [WORKFLOWS]: GET },
  // Whoever starts a run stores its workflow; whoever looks at one reads results, and no recording.
  access: { [RESULTS]: GET, [WORKFLOWS]: [...GET, ...PUT], [LEDGER]: GET },
  sequencer: { [LEDGER]: [...GET, ...PUT] },
  indexer: { [SESSIONS]: GET, [INDEXES]: [...GET, ...PUT] },
  replay: { [SESSIONS]: GET, [LEDGER]: GET, [INDEXES]: GET },
};

function evidenceStatements(role: RoleName, bucket: string): PolicyStatement[] {
  const prefixes = Object.entries(EVIDENCE[role] ?? {});
  const reads = prefixes.some(([, actions]) => actions.includes('s3:GetObject'));
  return [
    ...prefixes.map(([prefix, actions]) => allow(SIDS[prefix]!, actions, [`${bucket}/${prefix}`])),
    // Of the whole bucket: else S3 answers "forbidden" for an object that is not there.
    ...(reads ? [allow('ListEvidence', ['s3:ListBucket'], [bucket])] : []),
  ];
}

/** Names of partitions, or how they begin: of items that are put, read or deleted, and of those that are looked up. */
interface Own {
  readonly items: readonly string[];
  readonly lookUps: readonly string[];
}

const both = (...names: readonly string[]): Own => ({ items: names, lookUps: names });

/** Of what coordinates tasks, the leaves that wait: no lease that would keep a lost task's sessions open, and no key of a connection. */
const LEAVES: Own = { items: ['queue/*', 'done/*'], lookUps: ['queue/*'] };
const leaves = { coordination: LEAVES };

/** Whoever deletes, or has to do with nothing else of a table, reaches its own items alone. */
const OWN_ITEMS: Readonly<Partial<Record<RoleName, Readonly<Partial<Record<TableName, Own>>>>>> = {
  scim: { access: both('scim*'), ...leaves },
  sandbox: { access: both('sandbox'), ...leaves },
  authorizer: { coordination: both('pulses') },
  // How the gateway is.
  access: { coordination: { ...LEAVES, lookUps: [...LEAVES.lookUps, 'leases', 'pulses'] } },
  replay: leaves,
  logout: leaves,
  ssh: leaves,
  notifier: leaves,
};

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html */
function onlyOwn(role: RoleName, table: TableName, what: keyof Own): Readonly<Record<string, unknown>> {
  const own = OWN_ITEMS[role]?.[table]?.[what];
  return own === undefined ? {} : { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': own } };
}

/** Indexes are for looking things up. */
const LOOK_UPS = ['Query', 'Scan'];

function tableStatements(role: RoleName, tables: Places['tables']): PolicyStatement[] {
  return Object.entries(tableActions[role]).flatMap(([name, actions]) => {
    const { tableArn, indexes } = tables[name as TableName];
    const [lookUps, others] = [true, false].map((wanted) =>
      actions.filter((action) => LOOK_UPS.includes(action) === wanted).map((action) => `dynamodb:${action}`),
    ) as [string[], string[]];
    const own = (what: keyof Own) => onlyOwn(role, name as TableName, what);
    const everywhere = [tableArn, ...indexes.map((index) => `${tableArn}/index/${index}`)];
    return [
      ...(others.length === 0 ? [] : [allow(`Items${name}`, others, [tableArn], own('items'))]),
      ...(lookUps.length === 0 ? [] : [allow(`LookUp${name}`, lookUps, everywhere, own('lookUps'))]),
    ];
  });
}

/** What it takes to make databases of RDS and to remove them: only those that carry its tag. */
function sandboxStatements(): PolicyStatement[] {
  const rds = (what: string) => `arn:${Aws.PARTITION}:rds:${Aws.REGION}:${Aws.ACCOUNT_ID}:${what}`;
  const made = [`db:${SANDBOX_PREFIX}*`, `cluster:${SANDBOX_PREFIX}*`].map(rds);
  const groups = ['subgrp:*', 'og:*', 'pg:*', 'cluster-pg:*'].map(rds);
  const around = [...['db:*', 'cluster:*'].map(rds), ...groups];
  const tagged = (key: string) => ({ StringLike: { [`aws:${key}/${SANDBOX_TAG}`]: '?*' } });
  return [
    // The source is among what is restored; every one that is made is tagged as it is made.
    allow(
      'MakeSandboxes',
      ['rds:RestoreDBInstanceToPointInTime', 'rds:RestoreDBClusterToPointInTime'],
      around,
      tagged('RequestTag'),
    ),
    // Into a cluster that was made, and into no other one.
    allow('MakeInstances', ['rds:CreateDBInstance'], [...made, ...groups], tagged('RequestTag')),
    allow('TagSandboxes', ['rds:AddTagsToResource'], made, tagged('RequestTag')),
    allow('RemoveSandboxes', ['rds:DeleteDBInstance', 'rds:DeleteDBCluster'], made, tagged('ResourceTag')),
    allow(
      'SeeDatabases',
      ['rds:DescribeDBInstances', 'rds:DescribeDBClusters'],
      [rds('db:*'), rds('cluster:*')],
    ),
  ];
}

const SIGNERS: readonly RoleName[] = ['proxy', 'sealer', 'settler', 'indexer', 'sequencer'];

function signingStatements(role: RoleName, key: string): PolicyStatement[] {
  if (SIGNERS.includes(role)) return [allow('Sign', ['kms:Sign', 'kms:GetPublicKey'], [key])];
  return role === 'replay' || role === 'access' ? [allow('TellTheKey', ['kms:GetPublicKey'], [key])] : [];
}

/** Who signs for people tells what targets are to believe; the proxy signs for targets, and knows whom to believe. */
function authorityStatements(role: RoleName, keys: Places['authorities']): PolicyStatement[] {
  if (keys === undefined || (role !== 'proxy' && role !== 'ssh')) return [];
  const { users, targets } = keys;
  const [signs, knows] = role === 'proxy' ? [targets, users] : [users, targets];
  return [
    allow('SignCertificates', ['kms:Sign', 'kms:GetPublicKey'], [signs]),
    allow('KnowTheOtherAuthority', ['kms:GetPublicKey'], [knows]),
  ];
}

/**
 * Nobody uses the data key by hand: only through the service that keeps what it encrypts. S3 decrypts what it assembles from
 * parts, so a put needs that too; it lets nobody read an object who may not get it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html
 */
function dataKeyStatements(role: RoleName, key: string): PolicyStatement[] {
  // Also who looks at recordings: Athena puts what a search found.
  const puts = EVIDENCE[role] !== undefined;
  const through = (service: string) => ({
    StringEquals: { 'kms:ViaService': `${service}.${Aws.REGION}.${Aws.URL_SUFFIX}` },
  });
  return [
    ...(puts ? [allow('EncryptEvidence', ['kms:GenerateDataKey', 'kms:Decrypt'], [key], through('s3'))] : []),
    ...(Object.keys(tableActions[role]).length > 0
      ? [allow('UseTables', TABLE_KEY_ACTIONS, [key], through('dynamodb'))]
      : []),
  ];
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html */
const TABLE_KEY_ACTIONS = ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'];

function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Readonly<Record<string, unknown>> = {},
): PolicyStatement {
  return new PolicyStatement({
    sid,
    effect: Effect.ALLOW,
    actions: [...actions],
    resources: [...resources],
    conditions,
  });
}

/** One makes events, one searches in them; Athena reads and writes with the rights of who asks. */
function eventStatements(role: RoleName, { bucket, workgroup, catalog }: EventPlaces): PolicyStatement[] {
  if (role === 'indexer') {
    return [
      allow('Events', ['s3:GetObject', 's3:PutObject'], [`${bucket}/*`]),
      allow('ListEvents', ['s3:ListBucket'], [bucket]),
    ];
  }
  if (role !== 'replay') return [];
  return [
    allow('Searched', ['s3:GetObject'], [`${bucket}/steps/*`]),
    allow('Results', ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], [`${bucket}/results/*`]),
    allow('AskForIndexes', ['s3:PutObject'], [`${bucket}/wanted/*`]),
    allow('ListSearched', ['s3:ListBucket', 's3:GetBucketLocation'], [bucket]),
    allow('Search', SEARCH, [workgroup]),
    allow('Tables', ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartitions'], catalog),
  ];
}

const SEARCH = [
  'athena:StartQueryExecution',
  'athena:GetQueryExecution',
  'athena:GetQueryResults',
  'athena:StopQueryExecution',
];
