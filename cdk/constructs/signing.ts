import type { IRole } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { denyEverybody } from '../deny.ts';
import { explain } from '../explain.ts';
import { keptKey, refuseDeletion } from './key-guard.ts';

export interface SigningUse {
  readonly description: string;
  /** The last part of its alias. */
  readonly alias: string;
}

const STATEMENTS: SigningUse = {
  description: 'Custody: signs statements about sessions, and the checkpoints of the ledger',
  alias: 'signing',
};

/**
 * A key that signs; the one of statements and checkpoints where no other use is given. It never leaves KMS, and KMS does not rotate asymmetric keys: what
 * was signed is checked with its public key for as long as there is evidence. cdk/README.md says how to take a new one.
 */
export class Signing extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string, protect: boolean, use: SigningUse = STATEMENTS) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      ...keptKey,
      description: use.description,
      keySpec: KeySpec.ECC_NIST_P256,
      keyUsage: KeyUsage.SIGN_VERIFY,
    });
    this.key.addAlias(`alias/custody/${this.node.addr.slice(-12)}/${use.alias}`);
    refuseDeletion(this.key, protect);
    explain(this.key, 'KMS cannot rotate an asymmetric key', 'KMS5');
  }

  /** Nobody else signs, whatever their own policies allow: an administrator has to change the key's policy first. */
  onlyFor(roles: readonly IRole[]): void {
    const others = { ArnNotEquals: { 'aws:PrincipalArn': roles.map(({ roleArn }) => roleArn) } };
    this.key.addToResourcePolicy(
      denyEverybody('NobodyElseSigns', ['kms:Sign', 'kms:CreateGrant'], ['*'], others),
    );
  }
}
