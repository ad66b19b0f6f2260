import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { tables } from '#adapters/aws/tables.ts';
import { CustodyError } from '#core/errors.ts';
import { refusedBy } from '#test/support/policy-judge.ts';
import { inWords, type PolicyStatementJson } from '#test/support/role-policies.ts';
import { configFolder, EXAMPLE, gatewayStack, gatewayTemplate } from '#test/support/stacks.ts';

const template = gatewayTemplate();
const protectedOne = gatewayTemplate({ protect: true });

interface Found {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

function only(type: string, prefix = '', from: Template = template): Found {
  const found = Object.entries(from.findResources(type)).filter(([id]) => id.startsWith(prefix));
  expect(found.map(([id]) => id)).toHaveLength(1);
  return found[0]![1] as Found;
}

interface Denial {
  readonly Sid: string;
  readonly Action: unknown;
  readonly Resource: unknown;
  readonly Condition: unknown;
}

function denials(type: 'AWS::S3::BucketPolicy' | 'AWS::KMS::Key', prefix: string, from = template): Denial[] {
  const { Properties } = only(type, prefix, from);
  const document = (Properties['PolicyDocument'] ?? Properties['KeyPolicy']) as {
    Statement: (Denial & { Effect: string; Principal: unknown })[];
  };
  return document.Statement.filter(({ Effect }) => Effect === 'Deny').map((denial) => {
    expect(denial.Principal).toEqual({ AWS: '*' });
    return denial;
  });
}

function denial(sid: string, from = template): Denial | undefined {
  const all = denials('AWS::S3::BucketPolicy', 'GatewayEvidence', from);
  return all.find(({ Sid }) => Sid === sid);
}

describe('the bucket of recordings', () => {
  const bucket = only('AWS::S3::Bucket', 'GatewayEvidence');

  it('locks objects from their first moment on, keeps versions, and stays when the stack goes', () => {
    expect(bucket.Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 365 } },
      },
      VersioningConfiguration: { Status: 'Enabled' },
    });
    expect(bucket.DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  it('is encrypted with our key, once for many objects', () => {
    const [rule] = (bucket.Properties['BucketEncryption'] as { ServerSideEncryptionConfiguration: object[] })
      .ServerSideEncryptionConfiguration;
    expect(rule).toMatchObject({
      BucketKeyEnabled: true,
      ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' },
    });
    expect(
      inWords(
        (rule as { ServerSideEncryptionByDefault: { KMSMasterKeyID: unknown } }).ServerSideEncryptionByDefault
          .KMSMasterKeyID,
      ),
    ).toBe('GatewayDataKey');
  });

  it('moves sessions to a colder class, lets them go after the longest lock, and keeps the ledger', () => {
    const { Rules } = bucket.Properties['LifecycleConfiguration'] as { Rules: Record<string, unknown>[] };
    expect(Rules).toEqual([
      {
        Id: 'sessions',
        Prefix: 'sessions/',
        Status: 'Enabled',
        ExpirationInDays: 366,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 90 }],
      },
      {
        Id: 'indexes',
        Prefix: 'indexes/',
        Status: 'Enabled',
        ExpirationInDays: 366,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
      },
      {
        Id: 'heads',
        Prefix: 'ledger/checkpoint',
        Status: 'Enabled',
        NoncurrentVersionExpiration: { NoncurrentDays: 3651 },
      },
      { Id: 'parts', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
    ]);
  });

  it("expires nothing before a target's own retention is over", () => {
    using folder = configFolder((yaml) => yaml.replace('keep: 365d', 'keep: 1000d'));
    const other = gatewayTemplate({ configFolder: folder.path });
    const { Properties } = only('AWS::S3::Bucket', 'GatewayEvidence', other);
    const { Rules } = Properties['LifecycleConfiguration'] as { Rules: { ExpirationInDays?: number }[] };
    expect(Rules[0]!.ExpirationInDays).toBe(1001);
  });

  it('takes a compliance lock, acknowledged, and for a target only where it was too', () => {
    const recordings = { lock: 'compliance', days: 30, acknowledgeCompliance: true };
    const { Properties } = only('AWS::S3::Bucket', 'GatewayEvidence', gatewayTemplate({ recordings }));
    expect(Properties['ObjectLockConfiguration']).toMatchObject({
      Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 30 } },
    });
    using folder = configFolder((yaml) => yaml.replace('lock: governance', 'lock: compliance'));
    const settings = { configFolder: folder.path };
    expect(() => gatewayStack(settings)).toThrow(/targets.orders.recording.retention.lock: found compliance/);
    expect(() => gatewayStack({ ...settings, recordings: { acknowledgeCompliance: true } })).not.toThrow();
  });

  it('refuses puts without a lock, and puts that replace', () => {
    const evidence = ['GatewayEvidenceBucket/sessions/*', 'GatewayEvidenceBucket/workflows/*'];
    const lock = denial('PutsCarryTheirLock')!;
    expect(lock).toMatchObject({
      Action: 's3:PutObject',
      Condition: { Null: { 's3:object-lock-mode': 'true' } },
    });
    expect([lock.Resource].flat().map(inWords)).toEqual(evidence);
    const once = denial('PutsNeverReplace')!;
    expect(once).toMatchObject({
      Action: 's3:PutObject',
      Condition: {
        Null: { 's3:if-none-match': 'true' },
        Bool: { 's3:ObjectCreationOperation': 'true' },
      },
    });
    expect([once.Resource].flat().map(inWords)).toEqual(evidence);
  });

  it('refuses to delete, to shorten a lock and to end a legal hold, to everybody', () => {
    expect(denial('NobodyDeletes')).toMatchObject({ Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'] });
    expect(denial('NobodyShortensLocks')).toMatchObject({ Action: 's3:BypassGovernanceRetention' });
    expect(denial('NobodyEndsLegalHolds')).toMatchObject({
      Action: 's3:PutObjectLegalHold',
      Condition: { StringEquals: { 's3:object-lock-legal-hold': 'OFF' } },
    });
    for (const sid of ['NobodyDeletes', 'NobodyShortensLocks', 'NobodyEndsLegalHolds'])
      expect(inWords(denial(sid)!.Resource), sid).toBe('GatewayEvidenceBucket/*');
    expect(denial('NobodyDeletes')!.Condition).toBeUndefined();
    expect(denial('NobodyShortensLocks')!.Condition).toBeUndefined();
  });

  it('exempts the role for emergencies from those three, and from nothing else', () => {
    const breakGlassRoleArn = 'arn:aws:iam::123456789012:role/emergency';
    const other = gatewayTemplate({ recordings: { breakGlassRoleArn } });
    const exempt = denials('AWS::S3::BucketPolicy', 'GatewayEvidence', other)
      .filter(({ Condition }) => JSON.stringify(Condition ?? {}).includes(breakGlassRoleArn))
      .map(({ Sid }) => Sid);
    expect(exempt).toEqual(['NobodyDeletes', 'NobodyShortensLocks', 'NobodyEndsLegalHolds']);
  });

  it('lets only deployments change its lock, its versions and its lifecycle', () => {
    const change = denial('OnlyDeploymentsChangeTheLock')!;
    expect(change.Action).toEqual([
      's3:PutBucketObjectLockConfiguration',
      's3:PutBucketVersioning',
      's3:PutLifecycleConfiguration',
      's3:DeleteBucket',
    ]);
    const { ArnNotLike } = change.Condition as { ArnNotLike: Record<string, { 'Fn::Sub': string }> };
    expect(ArnNotLike['aws:PrincipalArn']!['Fn::Sub']).toContain(':role/cdk-hnb659fds-cfn-exec-role-');
  });
});

/** What the policy of a bucket answers, over TLS. */
function answerOf(prefix: string, from: Template, action: string, key: string, context: object): string {
  const [policy] = Object.entries(from.findResources('AWS::S3::BucketPolicy')).filter(([id]) =>
    id.startsWith(prefix),
  );
  const { Statement } = policy![1]['Properties'].PolicyDocument as { Statement: PolicyStatementJson[] };
  const tls = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };
  const resource = `${prefix}Bucket${key}`;
  return refusedBy(Statement, { action, resource, context: { ...tls, ...context } }) ?? 'allowed';
}

describe('how long recordings are locked', () => {
  const ACKNOWLEDGED = gatewayTemplate({ recordings: { acknowledgeCompliance: true, ledgerDays: 4000 } });
  const locked = (days: number, mode = 'GOVERNANCE') => ({
    's3:object-lock-mode': mode,
    's3:object-lock-remaining-retention-days': String(days),
    's3:if-none-match': '*',
  });
  const lockOf = (action: string, key: string, context: object, from = template): string =>
    answerOf('GatewayEvidence', from, `s3:${action}`, key, context);

  it.each(['PutObject', 'PutObjectRetention'])(
    'is as long as a target asks for at the most, also by %s of a gateway that was taken over (security case 6)',
    (action) => {
      expect(lockOf(action, '/sessions/a/open.json', locked(365))).toBe('allowed');
      // A day that has begun may count.
      expect(lockOf(action, '/sessions/a/open.json', locked(366))).toBe('allowed');
      expect(lockOf(action, '/sessions/a/open.json', locked(367))).toBe('LocksOfSessionsEnd');
      expect(lockOf(action, '/sessions/a/open.json', locked(36_500))).toBe('LocksOfSessionsEnd');
    },
  );

  it("is the ledger's own for the ledger, and nobody's beyond that", () => {
    expect(lockOf('PutObject', '/ledger/tile/0/000', locked(3650))).toBe('allowed');
    expect(lockOf('PutObject', '/ledger/tile/0/000', locked(3652))).toBe('LocksEnd');
    expect(lockOf('PutObject', '/elsewhere', locked(36_500))).toBe('LocksEnd');
    expect(lockOf('PutObject', '/ledger/tile/0/000', locked(4000), ACKNOWLEDGED)).toBe('allowed');
  });

  it('is as long as the longest of any target', () => {
    using folder = configFolder((yaml) => yaml.replace('keep: 365d', 'keep: 1000d'));
    const other = gatewayTemplate({ configFolder: folder.path });
    expect(lockOf('PutObject', '/sessions/a/open.json', locked(1001), other)).toBe('allowed');
    expect(lockOf('PutObject', '/sessions/a/open.json', locked(1002), other)).toBe('LocksOfSessionsEnd');
  });

  it.each(['PutObject', 'PutObjectRetention'])(
    'is for nobody to lift only where somebody said to know that: %s',
    (action) => {
      const context = locked(30, 'COMPLIANCE');
      for (const key of ['/sessions/a/open.json', '/ledger/tile/0/000']) {
        expect(lockOf(action, key, context)).toBe('NoComplianceLocks');
        expect(lockOf(action, key, context, ACKNOWLEDGED)).toBe('allowed');
      }
    },
  );

  it.each(['ReplicateObject', 'ReplicateDelete'])('is not gone round by %s from another bucket', (action) => {
    for (const key of ['/sessions/a/open.json', '/ledger/tile/0/000'])
      expect(lockOf(action, key, locked(30))).toBe('NobodyReplicatesHere');
  });

  it('leaves the rest as it was: parts, which have no lock of their own, and puts without a lock', () => {
    expect(lockOf('GetObject', '/sessions/a/open.json', {})).toBe('allowed');
    expect(lockOf('PutObject', '/sessions/a/open.json', { 's3:if-none-match': '*' })).toBe(
      'PutsCarryTheirLock',
    );
  });
});

describe('who writes custody.yaml', () => {
  const ADMINISTRATOR = 'arn:aws:iam::123456789012:role/Administrator';
  const DEPLOYMENT = 'arn:aws:iam::123456789012:role/cdk-hnb659fds-cfn-exec-role-123456789012-eu-central-1';
  const HANDLER = 'CustomCDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756CServiceRole';
  const EMPTIER = 'CustomS3AutoDeleteObjectsCustomResourceProviderRole';
  const asked = (action: string, by: string, key = '/custody.yaml', from = template): string =>
    answerOf('GatewayConfig', from, `s3:${action}`, key, { 'aws:PrincipalArn': by });

  it.each<[action: string, sid: string]>([
    ['PutObject', 'OnlyDeploymentsWrite'],
    ['ReplicateObject', 'OnlyDeploymentsWrite'],
    ['ReplicateDelete', 'OnlyDeploymentsRemove'],
    ['DeleteObject', 'OnlyDeploymentsRemove'],
    ['DeleteObjectVersion', 'OnlyDeploymentsRemove'],
  ])('is the deployment, and nobody else who may %s in any bucket', (action, sid) => {
    expect(asked(action, ADMINISTRATOR)).toBe(sid);
    expect(asked(action, 'arn:aws:sts::123456789012:assumed-role/x/cdk-hnb659fds-cfn-exec-role-1-2')).toBe(
      sid,
    );
    expect(asked(action, HANDLER)).toBe('allowed');
    expect(asked(action, DEPLOYMENT)).toBe('allowed');
  });

  it.each([
    ['PutBucketPolicy'],
    ['DeleteBucketPolicy'],
    ['PutBucketVersioning'],
    ['PutLifecycleConfiguration'],
    ['PutReplicationConfiguration'],
    ['DeleteBucket'],
  ])('may be changed by the deployment alone: %s', (action) => {
    expect(asked(action, ADMINISTRATOR, '')).toBe('OnlyDeploymentsChangeTheBucket');
    expect(asked(action, HANDLER, '')).toBe('OnlyDeploymentsChangeTheBucket');
    expect(asked(action, DEPLOYMENT, '')).toBe('allowed');
  });

  it('is read by whoever may, and not even emptied once the stack is protected', () => {
    expect(asked('GetObject', ADMINISTRATOR)).toBe('allowed');
    for (const action of ['DeleteObject', 'DeleteObjectVersion']) {
      expect(asked(action, EMPTIER)).toBe('allowed');
      expect(asked(action, EMPTIER, '/custody.yaml', protectedOne)).toBe('OnlyDeploymentsRemove');
    }
    expect(asked('PutObject', EMPTIER)).toBe('OnlyDeploymentsWrite');
    expect(asked('PutBucketPolicy', EMPTIER, '', protectedOne)).toBe('OnlyDeploymentsChangeTheBucket');
  });

  it('is told to the function that looks for others, before it is written, and to no task', () => {
    const version = createHash('sha256')
      .update(readFileSync(join(EXAMPLE, 'custody.yaml')))
      .digest('hex');
    const notifier = only('AWS::Lambda::Function', 'GatewayFunctionsNotifierFunction');
    expect(notifier.Properties['Environment']).toMatchObject({
      Variables: { CUSTODY_POLICY_DEPLOYED: version },
    });
    const [files] = Object.values(template.findResources('Custom::CDKBucketDeployment'));
    expect(files!['DependsOn']).toContainEqual(expect.stringMatching(/^GatewayFunctionsNotifierFunction/));
    // A task would have to end for it.
    expect(JSON.stringify(template.findResources('AWS::ECS::TaskDefinition'))).not.toContain(version);
  });
});

describe('every bucket', () => {
  it('is closed to the public, and takes TLS only', () => {
    const buckets = Object.entries(template.findResources('AWS::S3::Bucket'));
    expect(buckets).toHaveLength(6);
    for (const [id, { Properties }] of buckets) {
      expect(Properties.PublicAccessBlockConfiguration, id).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(Properties.BucketName, id).toBeUndefined();
      expect(Properties.BucketEncryption, id).toBeDefined();
      template.hasResourceProperties('AWS::S3::BucketPolicy', {
        Bucket: { Ref: id },
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Effect: 'Deny',
              Action: 's3:*',
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
          ]),
        },
      });
    }
  });

  it('but the one of the logs tells who read what', () => {
    const logged = Object.entries(template.findResources('AWS::S3::Bucket'))
      .filter(([, { Properties }]) => Properties.LoggingConfiguration?.DestinationBucketName !== undefined)
      .map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
    expect(logged.sort()).toEqual([
      'GatewayConfigBucket',
      'GatewayConsoleEdgeFilesBucket',
      'GatewayConsoleEdgeLogs',
      'GatewayEventsBucket',
      'GatewayEvidenceBucket',
    ]);
  });
});

describe('the keys', () => {
  const signing = only('AWS::KMS::Key', 'GatewaySigning');
  const data = only('AWS::KMS::Key', 'GatewayDataKey');

  it('are two: one signs, one encrypts and is rotated', () => {
    expect(signing.Properties).toMatchObject({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    expect(signing.Properties['EnableKeyRotation']).toBeUndefined();
    expect(data.Properties).toMatchObject({ EnableKeyRotation: true });
    expect(data.Properties['KeySpec'] ?? 'SYMMETRIC_DEFAULT').toBe('SYMMETRIC_DEFAULT');
    template.resourceCountIs('AWS::KMS::Alias', 2);
  });

  it('stay when the stack goes, and nobody deletes them', () => {
    for (const prefix of ['GatewaySigning', 'GatewayDataKey']) {
      expect(only('AWS::KMS::Key', prefix, protectedOne).DeletionPolicy).toBe('RetainExceptOnCreate');
      const all = denials('AWS::KMS::Key', prefix, protectedOne);
      for (const [sid, Action] of [
        ['NobodyDeletesTheKey', 'kms:ScheduleKeyDeletion'],
        ['NobodyDisablesTheKey', 'kms:DisableKey'],
      ]) {
        const denied = all.find(({ Sid }) => Sid === sid);
        expect(denied).toMatchObject({ Action, Resource: '*' });
        expect(denied!.Condition).toBeUndefined();
      }
    }
  });

  it('let the proxy, the sealer, the settler, the indexer and the sequencer sign, and refuse it to an administrator', () => {
    const [sign] = denials('AWS::KMS::Key', 'GatewaySigning').filter(({ Sid }) => Sid === 'NobodyElseSigns');
    expect(sign).toMatchObject({ Action: ['kms:Sign', 'kms:CreateGrant'] });
    const { ArnNotEquals } = sign!.Condition as { ArnNotEquals: Record<string, unknown[]> };
    expect(ArnNotEquals['aws:PrincipalArn']!.map(inWords)).toEqual([
      'GatewayProxyRole',
      'GatewayFunctionsSealerRole',
      'GatewayFunctionsSettlerRole',
      'GatewayFunctionsIndexerRole',
      'GatewayFunctionsSequencerRole',
    ]);
  });
});

describe('each table', () => {
  it.each(Object.entries(tables))(
    '%s is as its adapter expects, encrypted, and can be restored',
    (name, schema) => {
      const title = `GatewayTables${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      const { Properties, DeletionPolicy } = only('AWS::DynamoDB::Table', title);
      const keys = ({ partition, sort }: { partition: string; sort?: string }) => [
        { AttributeName: partition, KeyType: 'HASH' },
        ...(sort === undefined ? [] : [{ AttributeName: sort, KeyType: 'RANGE' }]),
      ];
      expect(Properties).toMatchObject({
        KeySchema: keys(schema),
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      });
      expect(inWords((Properties['SSESpecification'] as { KMSMasterKeyId: unknown }).KMSMasterKeyId)).toBe(
        'GatewayDataKey',
      );
      const indexes = 'indexes' in schema ? schema.indexes : [];
      expect(Properties['GlobalSecondaryIndexes'] ?? []).toEqual(
        indexes.map((index) => ({
          IndexName: index.name,
          KeySchema: keys(index),
          Projection: { ProjectionType: 'ALL' },
        })),
      );
      expect(Properties['TimeToLiveSpecification']).toEqual(
        'expires' in schema ? { AttributeName: schema.expires, Enabled: true } : undefined,
      );
      // A gateway's journal is busy from its first day on; for the others, what a new table takes is plenty.
      expect(Properties['WarmThroughput']).toEqual(
        name === 'journal' ? { WriteUnitsPerSecond: 16_000 } : undefined,
      );
      expect(DeletionPolicy).toBe('RetainExceptOnCreate');
      expect(only('AWS::DynamoDB::Table', title, protectedOne).Properties).toMatchObject({
        DeletionProtectionEnabled: true,
      });
    },
  );
});

describe('the configuration', () => {
  it.each<[file: string, text: string, why: string]>([
    ['db.key', 'x', "found a secret's name"],
    ['password', 'x', "found a secret's name"],
    ['orders-secret.txt', 'x', "found a secret's name"],
    ['.env', 'x', "found a secret's name"],
    ['id_ed25519', 'x', "found a secret's name"],
    ['ca.pem', '-----BEGIN EC PRIVATE KEY-----\nMHc', 'found a private key'],
    ['ca.pem', '-----BEGIN PRIVATE KEY-----\nMHc', 'found a private key'],
    ['big.pem', 'x'.repeat((1 << 20) + 1), 'found more than'],
  ])('is refused with %s beside it', (file, text, why) => {
    using folder = configFolder(undefined, { [file]: text });
    const error = thrownBy(() => gatewayStack({ configFolder: folder.path }));
    expect(error.message).toContain(why);
    expect(error.hint).toContain('Secrets Manager');
    expect(error.message).not.toContain('MHc');
  });

  it('may have certificates beside it', () => {
    using folder = configFolder(undefined, { 'ca.pem': '-----BEGIN CERTIFICATE-----\nMIIB' });
    expect(() => gatewayStack({ configFolder: folder.path })).not.toThrow();
  });

  it('has to be there, and valid', () => {
    expect(thrownBy(() => gatewayStack({ configFolder: '/nonexistent' })).hint).toContain(
      'configFolder in cdk.json',
    );
    using folder = configFolder((yaml) => yaml.replace('targets: [orders]', 'targets: [ordes]'));
    expect(thrownBy(() => gatewayStack({ configFolder: folder.path })).message).toMatch(
      /custody.yaml:\d+:\d+: .*no target is named "ordes"/,
    );
  });
});

function thrownBy(work: () => unknown): CustodyError {
  try {
    work();
  } catch (error) {
    if (error instanceof CustodyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
