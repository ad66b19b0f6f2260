import type { Caller } from '#test/support/iam/judge.ts';
import { ADMINISTRATOR, type Calls, type Case, DEPLOYMENT, may, mayNot } from './calls.ts';
import { BREAK_GLASS } from './stacks.ts';

/** As every put of the recorder's and of the sealer's is. */
export const PUT = {
  's3:object-lock-mode': 'GOVERNANCE',
  's3:object-lock-remaining-retention-days': '366',
  's3:if-none-match': '*',
  's3:ObjectCreationOperation': 'true',
};
const { 's3:if-none-match': _once, ...REPLACING } = PUT;
const { 's3:object-lock-mode': _lock, 's3:object-lock-remaining-retention-days': _days, ...UNLOCKED } = PUT;
/** The beginning of an upload in parts says the lock; parts do not, and no part makes an object. */
const BEGINNING = { ...REPLACING, 's3:ObjectCreationOperation': 'false' };
const PART = { 's3:ObjectCreationOperation': 'false' };
const retention = (days: number, mode = 'GOVERNANCE') => ({
  's3:object-lock-mode': mode,
  's3:object-lock-remaining-retention-days': String(days),
});

/** What nobody may do to recordings, an administrator as little as a gateway that was taken over. */
export function evidenceCases(calls: Calls, breakGlass: boolean): Case[] {
  const bucket = calls.bucket('EvidenceBucket');
  const at = (key: string) => `${bucket}/${key}`;
  const [session, workflow, leaf] = ['sessions/a/open.json', 'workflows/w', 'ledger/tile/0/000'].map(at) as [
    string,
    string,
    string,
  ];
  const by = (actions: string, resource: string, context = {}, who = ADMINISTRATOR) =>
    calls.s3(who, actions, resource, context);
  const removal = 'DeleteObject DeleteObjectVersion BypassGovernanceRetention';
  const endOfHold = { 's3:object-lock-legal-hold': 'OFF' };
  const emergency: Caller = { arn: BREAK_GLASS };
  return [
    ...[session, workflow].flatMap((key) => [
      ...may(...by('PutObject', key, PUT), ...by('PutObject', key, BEGINNING)),
      ...mayNot(
        ...by('PutObject', key, UNLOCKED),
        ...by('PutObject', key, REPLACING),
        ...by('PutObject', key, PART),
      ),
    ]),
    // The head of the ledger is swapped, and locked as the bucket says.
    ...may(
      ...by('PutObject', at('ledger/checkpoint'), {
        's3:if-match': 'etag',
        's3:ObjectCreationOperation': 'true',
      }),
    ),
    ...[leaf, session].flatMap((key) =>
      mayNot(...by('ReplicateObject ReplicateDelete', key), ...by(removal, key)),
    ),
    ...may(...by('PutObjectLegalHold', session, { 's3:object-lock-legal-hold': 'ON' })),
    ...mayNot(...by('PutObjectLegalHold', session, endOfHold)),
    ...may(
      ...by('PutObjectRetention', session, retention(366)),
      ...by('PutObjectRetention', leaf, retention(3651)),
    ),
    ...mayNot(
      ...by('PutObjectRetention', session, retention(367)),
      ...by('PutObject', session, { ...PUT, ...retention(367) }),
      ...by('PutObject PutObjectRetention', leaf, retention(3652)),
      ...by('PutObject PutObjectRetention', leaf, retention(30, 'COMPLIANCE')),
      ...by('PutObject', session, { ...PUT, ...retention(30, 'COMPLIANCE') }),
    ),
    ...mayNot(...by(BUCKET_CHANGES, bucket)),
    ...may(...by(BUCKET_CHANGES, bucket, {}, DEPLOYMENT)),
    // Whom the stack names for emergencies, and no more than that.
    ...(breakGlass
      ? [
          ...may(
            ...by(removal, session, {}, emergency),
            ...by('PutObjectLegalHold', session, endOfHold, emergency),
          ),
          ...mayNot(
            ...by('ReplicateDelete', session, {}, emergency),
            ...by('DeleteBucket', bucket, {}, emergency),
          ),
        ]
      : []),
  ];
}

const BUCKET_CHANGES =
  'PutBucketObjectLockConfiguration PutBucketVersioning PutLifecycleConfiguration DeleteBucket';

/** Who writes custody.yaml gives access to everything. */
export function configCases(calls: Calls, isEmptied: boolean): Case[] {
  const bucket = calls.bucket('ConfigBucket');
  const file = `${bucket}/custody.yaml`;
  const handler = calls.role('CustomCDKBucketDeployment');
  const emptier = calls.role('CustomS3AutoDelete');
  const by = (who: Caller, actions: string, resource = file) => calls.s3(who, actions, resource);
  const changes =
    'PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketOwnershipControls PutBucketVersioning PutLifecycleConfiguration PutReplicationConfiguration DeleteBucket';
  const emptied = [
    ...by(emptier, 'DeleteObject DeleteObjectVersion'),
    ...by(emptier, 'PutBucketPolicy', bucket),
  ];
  return [
    ...mayNot(
      ...by(ADMINISTRATOR, 'PutObject ReplicateObject DeleteObject DeleteObjectVersion ReplicateDelete'),
      ...by(ADMINISTRATOR, changes, bucket),
      ...by(handler, 'PutBucketPolicy', bucket),
      ...by(emptier, 'PutObject'),
      ...by(calls.role('GatewayProxyRole'), 'PutObject DeleteObject'),
    ),
    ...may(
      ...by(ADMINISTRATOR, 'GetObject'),
      ...by(DEPLOYMENT, 'PutObject ReplicateObject DeleteObject DeleteObjectVersion ReplicateDelete'),
      ...by(DEPLOYMENT, changes, bucket),
      ...by(handler, 'PutObject GetObject DeleteObject'),
      ...by(handler, 'ListBucket', bucket),
    ),
    ...(isEmptied ? may(...emptied) : mayNot(...emptied)),
  ];
}

/** TLS, of all buckets. */
export function transportCases(calls: Calls): Case[] {
  return calls.account.ids('S3::Bucket').flatMap((id) => {
    const bucket = calls.account.arn('S3::Bucket', id);
    const read = ['GetObject', 'ListBucket'].map(
      (action, at) => [action, [`${bucket}/x`, bucket][at]!] as const,
    );
    return read.flatMap(([action, place]) => [
      ...may(...calls.s3(ADMINISTRATOR, action, place)),
      ...mayNot(
        calls.any(ADMINISTRATOR, `s3:${action}`, place, { 'aws:SecureTransport': 'false' }),
        ...calls.s3(ADMINISTRATOR, action, place, { 's3:TlsVersion': '1.1' }),
      ),
    ]);
  });
}
