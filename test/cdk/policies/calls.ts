import type { Call, Caller, Policy } from '#test/support/iam/judge.ts';
import type { Keys } from '#test/support/iam/patterns.ts';
import { HERE } from '#test/support/iam/resolved.ts';
import type { TemplateAccount } from '#test/support/iam/template-account.ts';

export interface Case {
  readonly call: Call;
  readonly allowed: boolean;
}

export const may = (...calls: readonly Call[]): Case[] => calls.map((call) => ({ call, allowed: true }));
export const mayNot = (...calls: readonly Call[]): Case[] => calls.map((call) => ({ call, allowed: false }));

/** Somebody who may do everything, as far as their own policies say. */
export const ADMINISTRATOR: Caller = { arn: `arn:aws:iam::${HERE.account}:role/Administrator` };
export const DEPLOYMENT: Caller = {
  arn: `arn:aws:iam::${HERE.account}:role/cdk-hnb659fds-cfn-exec-role-${HERE.account}-${HERE.region}`,
};

/** What they may who are not of the stack: everything. Those of the stack may what the stack says. */
export function othersMay({ caller }: Call, account: TemplateAccount): Policy {
  const ours = account.ids('IAM::Role').map((id) => `arn:aws:iam::${HERE.account}:role/${id}`);
  const isOther = 'arn' in caller && !ours.includes(caller.arn);
  return isOther ? [{ Effect: 'Allow', Action: '*', Resource: '*' }] : [];
}

/** Calls as AWS's services get them, of one stack. */
export class Calls {
  readonly account: TemplateAccount;

  constructor(account: TemplateAccount) {
    this.account = account;
  }

  role(prefix: string): Caller {
    return { arn: this.account.arn('IAM::Role', prefix) };
  }

  any(caller: Caller, action: string, resource: string, context: Keys = {}): Call {
    return { caller, action, resource, account: HERE.account, context };
  }

  /** Over TLS. https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html */
  s3(caller: Caller, actions: string, resource: string, context: Keys = {}): Call[] {
    const tls = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };
    return actions
      .split(' ')
      .map((action) => this.any(caller, `s3:${action}`, resource, { ...tls, ...context }));
  }

  bucket(name: string): string {
    return this.account.arn('S3::Bucket', `Gateway${name}`);
  }

  key(name: string): string {
    return this.account.arn('KMS::Key', `Gateway${name}`);
  }

  /** What S3 asks of the key of a bucket that has one: with the bucket's ARN, as its key is used for many objects. */
  throughS3(caller: Caller, actions: string, bucket: string, context: Keys = {}): Call[] {
    return this.through('s3', caller, actions, { 'kms:EncryptionContext:aws:s3:arn': bucket, ...context });
  }

  through(service: string, caller: Caller, actions: string, context: Keys = {}): Call[] {
    const via = {
      'kms:ViaService': `${service}.${HERE.region}.amazonaws.com`,
      'kms:CallerAccount': HERE.account,
    };
    return this.onKey(caller, actions, this.key('DataKey'), { ...via, ...context });
  }

  onKey(caller: Caller, actions: string, key: string, context: Keys = {}): Call[] {
    return actions.split(' ').map((action) => this.any(caller, `kms:${action}`, key, context));
  }

  /** Each by the partition of its items. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html */
  dynamo(caller: Caller, table: string, actions: string, ...partitions: readonly string[]): Call[] {
    const [name, index] = table.split('/');
    const arn = this.account.arn('DynamoDB::Table', `GatewayTables${name}`);
    const resource = index === undefined ? arn : `${arn}/index/${index}`;
    return actions.split(' ').flatMap((action) =>
      partitions.map((partition) =>
        // A scan is of all partitions, and says none.
        this.any(
          caller,
          `dynamodb:${action}`,
          resource,
          action === 'Scan' ? {} : { 'dynamodb:LeadingKeys': [partition] },
        ),
      ),
    );
  }

  secret(caller: Caller, name: string, actions = 'GetSecretValue'): Call[] {
    const resource = name.startsWith('arn:')
      ? name
      : `arn:aws:secretsmanager:${HERE.region}:${HERE.account}:secret:${name}-AbCdEf`;
    return actions.split(' ').map((action) => this.any(caller, `secretsmanager:${action}`, resource));
  }
}
