import type { Target } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { SecretReference } from '#core/protocols/protocol.ts';
import type { AwsClients } from './clients.ts';
import { eksToken } from './eks-token.ts';
import { rdsToken } from './rds-token.ts';
import { readPassword, readSecret } from './secrets.ts';

/** A target's credential, by the reference that its protocol makes of the configuration. Rejects with `target-refused`, and `store-unavailable`. */
export function targetCredentials(
  { secrets, sts }: Pick<AwsClients, 'secrets' | 'sts'>,
  region: string,
): (target: Target, reference: SecretReference) => Promise<string> {
  return async (target, reference) => {
    try {
      switch (reference.kind) {
        case 'secret':
          return await readCredential(secrets, reference);
        case 'rds':
          return await rdsToken(target, reference.user, region);
        case 'eks':
          return await eksToken(sts, region, reference);
        case 'file':
          break;
      }
    } catch (thrown) {
      throw noCredential(target, thrown);
    }
    throw noCredential(target, 'its credential is a file, and this gateway has none');
  };
}

/** A key is a text of its own; a password may stand in JSON, as Secrets Manager itself writes it. */
function readCredential(
  secrets: AwsClients['secrets'],
  { what, secret, stage }: Extract<SecretReference, { kind: 'secret' }>,
): Promise<string> {
  return what === 'password' ? readPassword(secrets, secret, stage) : readSecret(secrets, secret, stage);
}

function noCredential({ name }: Target, cause: unknown): CustodyError {
  const { code, detail = '' } =
    typeof cause === 'string' ? { code: '', detail: cause } : asCustodyError(cause);
  if (code === 'store-unavailable') return asCustodyError(cause);
  return new CustodyError('target-refused', `the gateway has no credential for the target "${name}"`, {
    hint: 'tell whoever runs the gateway',
    detail,
    cause,
  });
}
