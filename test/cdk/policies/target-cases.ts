import type { Caller } from '#test/support/iam/judge.ts';
import { HERE } from '#test/support/iam/resolved.ts';
import { type Calls, type Case, may, mayNot } from './calls.ts';
import { PUT } from './evidence-cases.ts';
import { CLUSTER_ROLE, SECRETS_KEY } from './stacks.ts';

/** What targets, webhooks and directories need, and auditors. */
export function targetCases(calls: Calls, auditor: string): Case[] {
  const [proxy, notifier, scim, ssh, authorizer] = [
    'Proxy',
    'FunctionsNotifier',
    'FunctionsScim',
    'FunctionsSsh',
    'FunctionsAuthorizer',
  ].map((name) => calls.role(`Gateway${name}Role`)) as [Caller, Caller, Caller, Caller, Caller];
  const hostKey = calls.account.arn('SecretsManager::Secret', 'GatewaySsh');
  const via = { 'kms:ViaService': `secretsmanager.${HERE.region}.amazonaws.com` };
  const user = `arn:aws:rds-db:${HERE.region}:${HERE.account}:dbuser:cluster-ABC123`;
  const clusterRole = (caller: Caller, role = CLUSTER_ROLE) => ({
    ...calls.any(caller, 'sts:AssumeRole', role),
    account: '444455556666',
  });
  return [
    ...may(
      ...['custody/deploy', hostKey].flatMap((name) => calls.secret(proxy, name)),
      ...calls.secret(proxy, hostKey, 'PutSecretValue'),
      ...calls.secret(notifier, 'custody/hook'),
      ...calls.secret(scim, 'custody/directory'),
      ...calls.onKey(proxy, 'Decrypt', SECRETS_KEY, via),
      calls.any(proxy, 'rds-db:connect', `${user}/custody`),
      // Each signs with its own authority, and knows the other.
      ...['SshUserCa', 'SshTargetCa'].flatMap((name) =>
        [proxy, ssh].flatMap((role) => calls.onKey(role, 'GetPublicKey', calls.key(name))),
      ),
      ...calls.secret(authorizer, calls.account.arn('SecretsManager::Secret', 'GatewayConsoleEdge')),
      clusterRole(proxy),
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
