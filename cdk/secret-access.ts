import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/** Statements that let somebody read this secret and no other. `what`: with the name of a target at its end, or without. */
export function mayReadSecret(what: string, secret: ISecret): PolicyStatement[] {
  const { encryptionKey } = secret;
  const read = new PolicyStatement({
    sid: `Secret${inSid(what)}`,
    actions: ['secretsmanager:GetSecretValue'],
    resources: [arnOf(secret)],
  });
  if (encryptionKey === undefined) return [read];
  const decrypt = new PolicyStatement({
    actions: ['kms:Decrypt'],
    resources: [encryptionKey.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${Aws.REGION}.${Aws.URL_SUFFIX}` } },
  });
  return [read, decrypt];
}

/** A Sid has letters and digits only, and names of targets no capitals: two names never become one. */
export function inSid(name: string): string {
  return name.replaceAll('-', 'X').replaceAll('_', 'U');
}

/** Secrets Manager adds a hyphen and six characters to a name. */
function arnOf({ secretFullArn, secretArn }: ISecret): string {
  return secretFullArn ?? `${secretArn}-??????`;
}
