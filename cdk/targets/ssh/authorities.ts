import type { IRole, Role } from 'aws-cdk-lib/aws-iam';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { Signing } from '../../constructs/signing.ts';
import { explain } from '../../explain.ts';
import { KEPT } from '../../kept.ts';

/**
 * What a gateway that speaks SSH has beside the rest: a CA whose certificates people log in with, another one whose certificates
 * targets believe, and the key that clients know the gateway by.
 */
export class SshAuthorities extends Construct {
  readonly userCa: Signing;
  readonly targetCa: Signing;
  /** Its ARN. Empty until the first task puts a key of its own into it: no template and no deployment ever holds one. */
  readonly hostKey: string;

  constructor(scope: Construct, id: string, protect: boolean) {
    super(scope, id);
    this.userCa = new Signing(this, 'UserCa', protect, {
      description: 'Custody: signs the SSH certificates that people log in with at the gateway',
      alias: 'ssh-user-ca',
    });
    this.targetCa = new Signing(this, 'TargetCa', protect, {
      description: 'Custody: signs the SSH certificates that the gateway logs in with at targets',
      alias: 'ssh-target-ca',
    });
    const secret = new CfnSecret(this, 'HostKey', {
      description: 'Custody: the key that SSH clients know the gateway by; its first task makes it',
    });
    secret.applyRemovalPolicy(KEPT);
    explain(
      secret,
      'every client knows the gateway by this key: it is changed by people, who tell them',
      'SMG4',
    );
    this.hostKey = secret.ref;
  }

  get keys(): readonly Key[] {
    return [this.userCa.key, this.targetCa.key];
  }

  /** One function signs for people, and the proxy for targets: neither can do the other's. */
  onlyFor(roles: { readonly certificates: IRole; readonly proxy: Role }): void {
    this.userCa.onlyFor([roles.certificates]);
    this.targetCa.onlyFor([roles.proxy]);
    roles.proxy.addToPolicy(
      new PolicyStatement({
        sid: 'HostKey',
        actions: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
        resources: [this.hostKey],
      }),
    );
  }
}
